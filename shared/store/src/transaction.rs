//! All or nothing: a list of conditional writes, and what became of each.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, Delete, Put, ReturnConsumedCapacity, ReturnValue,
    ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};
use domain::event::Counted;
use domain::fault::{Fault, Retry};

use crate::data_key::{self, DataKey};
use crate::item::{Item, Key, Saved, fault};
use crate::{Store, Table};

/// Tries where another transaction was in the way; each waits a little longer.
const ATTEMPTS_MAX: u32 = 5;

/// Writes that happen together or not at all. The position of an action is what tells afterwards
/// whose condition failed.
#[derive(Debug, Default)]
pub(crate) struct Transaction {
    actions: Vec<TransactWriteItem>,
    counted: Vec<Counted>,
    /// Which of them put something personal.
    personal: Vec<Personal>,
    /// Which of them put a letter into the outbox, and to whom.
    letters: Vec<(usize, String)>,
    /// Whose keys it destroys.
    destroyed: BTreeSet<String>,
}

/// A put of something personal: it is sealed when the transaction is sent.
#[derive(Debug)]
struct Personal {
    position: usize,
    table: Table,
    /// Whose key it is sealed under.
    holder: String,
    /// Whether this is the first row of its holder: then the key is made with it.
    is_first: bool,
}

/// Actions as they are sent, and the keys that they make.
type Sealed = (Vec<TransactWriteItem>, Vec<(String, DataKey)>);

/// What became of a transaction.
#[derive(Debug)]
pub(crate) enum Committed {
    /// All is written.
    Yes,
    /// Nothing is written: these positions' conditions failed, with the items as they stand.
    Refused(Vec<(usize, Option<Item>)>),
}

/// A condition with its names and values.
#[derive(Debug, Default, Clone)]
pub(crate) struct Expression {
    text: String,
    names: HashMap<String, String>,
    values: HashMap<String, AttributeValue>,
}

impl Expression {
    pub(crate) fn new(text: &str) -> Self {
        Self { text: text.to_owned(), ..Self::default() }
    }

    pub(crate) fn name(mut self, placeholder: &str, name: &str) -> Self {
        self.names.insert(placeholder.to_owned(), name.to_owned());
        self
    }

    pub(crate) fn value(mut self, placeholder: &str, value: AttributeValue) -> Self {
        self.values.insert(placeholder.to_owned(), value);
        self
    }

    /// It, and this as well.
    pub(crate) fn and(self, text: &str) -> Self {
        let text = if self.text.is_empty() {
            text.to_owned()
        } else {
            format!("{} AND {text}", self.text)
        };
        Self { text, ..self }
    }

    /// The item must not exist.
    pub(crate) fn absent() -> Self {
        Self::new("attribute_not_exists(pk)")
    }

    /// The item must be as it was loaded.
    pub(crate) fn version(version: u64) -> Self {
        Self::new("version = :loaded").value(":loaded", crate::item::count(version))
    }
}

impl Transaction {
    /// Writes a whole item.
    pub(crate) fn put(
        &mut self,
        store: &Store,
        table: Table,
        item: Item,
        condition: Expression,
    ) -> Result<(), Fault> {
        if let Some(holder) = data_key::holder(table, &item)
            && !data_key::personal(table, &item)?.is_empty()
        {
            let is_first =
                condition.text == Expression::absent().text && data_key::is_first(table, &item);
            self.personal.push(Personal { position: self.position(), table, holder, is_first });
        }
        let put = Put::builder()
            .table_name(store.name(table)?)
            .set_item(Some(item))
            .condition_expression(condition.text)
            .set_expression_attribute_names(some(condition.names))
            .set_expression_attribute_values(some(condition.values))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .map_err(|error| Fault::new("build a put", error, Retry::Useless))?;
        self.actions.push(TransactWriteItem::builder().put(put).build());
        Ok(())
    }

    /// Changes attributes of an item. The expression holds names and values of both texts.
    pub(crate) fn update(
        &mut self,
        store: &Store,
        table: Table,
        key: &Key,
        update: &str,
        condition: Expression,
    ) -> Result<(), Fault> {
        let update = Update::builder()
            .table_name(store.name(table)?)
            .set_key(Some(key.attributes()))
            .update_expression(update)
            .condition_expression(condition.text)
            .set_expression_attribute_names(some(condition.names))
            .set_expression_attribute_values(some(condition.values))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .map_err(|error| Fault::new("build an update", error, Retry::Useless))?;
        self.actions.push(TransactWriteItem::builder().update(update).build());
        Ok(())
    }

    /// Deletes an item, whether or not it is there.
    pub(crate) fn delete(&mut self, store: &Store, table: Table, key: &Key) -> Result<(), Fault> {
        let delete = Delete::builder()
            .table_name(store.name(table)?)
            .set_key(Some(key.attributes()))
            .build()
            .map_err(|error| Fault::new("build a delete", error, Retry::Useless))?;
        self.actions.push(TransactWriteItem::builder().delete(delete).build());
        Ok(())
    }

    /// Deletes an item under a condition.
    pub(crate) fn delete_if(
        &mut self,
        store: &Store,
        table: Table,
        key: &Key,
        condition: Expression,
    ) -> Result<(), Fault> {
        let delete = Delete::builder()
            .table_name(store.name(table)?)
            .set_key(Some(key.attributes()))
            .condition_expression(condition.text)
            .set_expression_attribute_names(some(condition.names))
            .set_expression_attribute_values(some(condition.values))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .map_err(|error| Fault::new("build a delete", error, Retry::Useless))?;
        self.actions.push(TransactWriteItem::builder().delete(delete).build());
        Ok(())
    }

    /// Writes nothing, but only where an item is as it should be.
    pub(crate) fn check(
        &mut self,
        store: &Store,
        table: Table,
        key: &Key,
        condition: Expression,
    ) -> Result<(), Fault> {
        let check = ConditionCheck::builder()
            .table_name(store.name(table)?)
            .set_key(Some(key.attributes()))
            .condition_expression(condition.text)
            .set_expression_attribute_names(some(condition.names))
            .set_expression_attribute_values(some(condition.values))
            .build()
            .map_err(|error| Fault::new("build a check", error, Retry::Useless))?;
        self.actions.push(TransactWriteItem::builder().condition_check(check).build());
        Ok(())
    }

    /// Says that the next action puts a letter to an address into the outbox.
    pub(crate) fn writes_to(&mut self, address: &str) {
        self.letters.push((self.position(), address.to_owned()));
    }

    /// Says that the key of a holder goes with it.
    pub(crate) fn destroys(&mut self, holder: &str) {
        self.destroyed.insert(holder.to_owned());
    }

    /// Counts something, if all of this is written.
    pub(crate) fn count(&mut self, counted: Counted) {
        self.counted.push(counted);
    }

    /// The position that the next action will have.
    pub(crate) fn position(&self) -> usize {
        self.actions.len()
    }

    /// The actions with all that is personal sealed, and behind them the keys that are new. The
    /// positions of the actions stay what they are. `is_new` says that what is written first has no
    /// key yet, so that nobody has to look.
    async fn sealed(&self, store: &Store, is_new: bool) -> Result<Sealed, Fault> {
        let mut actions = self.actions.clone();
        if self.personal.is_empty() && self.letters.is_empty() {
            return Ok((actions, Vec::new()));
        }
        let of = |is_first: bool| -> BTreeSet<String> {
            let those = self.personal.iter().filter(|one| one.is_first == is_first);
            those.map(|one| one.holder.clone()).collect()
        };
        let (first, mut looked_up) = (of(true), of(false));
        looked_up.retain(|holder| !first.contains(holder));
        if !is_new {
            looked_up.extend(first.iter().cloned());
        }
        let mut keys = store.data_keys(looked_up).await?;
        let mut made = Vec::with_capacity(first.len());
        for holder in first.into_iter().filter(|holder| !keys.contains_key(holder)) {
            made.push((holder, DataKey::fresh()?));
        }
        keys.extend(made.iter().cloned());
        self.seal_letters(&mut actions, &keys)?;
        for one in &self.personal {
            let put = actions.get_mut(one.position).and_then(|action| action.put.as_mut());
            if let (Some(put), Some(key)) = (put, keys.get(&one.holder)) {
                put.item = data_key::sealed(one.table, std::mem::take(&mut put.item), key)?;
            }
        }
        let mut keys = Self::default();
        for (holder, key) in &made {
            keys.put(store, Table::Keys, key.row(holder), Expression::absent())?;
        }
        actions.extend(keys.actions);
        Ok((actions, made))
    }

    /// Seals letters under the key of whoever they go to: whose address is written with them, or
    /// was read by who writes to it. That asks for nothing. A letter to an address that is under
    /// nobody's key (a member of the staff, whoever is given a gift card), and the last letter to
    /// somebody whose key goes with it, stay as they are.
    fn seal_letters(
        &self,
        actions: &mut [TransactWriteItem],
        keys: &BTreeMap<String, DataKey>,
    ) -> Result<(), Fault> {
        let mut known: BTreeMap<&str, (String, DataKey)> = BTreeMap::new();
        for (_, to) in &self.letters {
            known.extend(data_key::held_for(to).map(|held| (to.as_str(), held)));
        }
        let mut accounts = BTreeMap::new();
        for one in &self.personal {
            let Some(key) = keys.get(&one.holder) else { continue };
            let put = self.actions.get(one.position).and_then(|action| action.put.as_ref());
            let address = put.and_then(|put| put.item.get("email")?.as_s().ok());
            let held = (one.holder.clone(), key.clone());
            known.extend(address.map(|address| (address.as_str(), held)));
        }
        known.retain(|_, (holder, _)| !self.destroyed.contains(holder.as_str()));
        for (holder, key) in known.values().filter(|(holder, _)| holder.starts_with("CUST#")) {
            accounts.insert(holder.clone(), key.clone());
        }
        // An address that an account shall move to is in no row yet.
        let only = accounts.pop_first().filter(|_| accounts.is_empty());
        for (position, to) in &self.letters {
            let Some((holder, key)) = known.get(to.as_str()).or(only.as_ref()) else { continue };
            let put = actions.get_mut(*position).and_then(|action| action.put.as_mut());
            if let Some(put) = put {
                put.item = data_key::sealed_letter(std::mem::take(&mut put.item), holder, key)?;
            }
        }
        Ok(())
    }

    /// Writes it all, or says what stood in the way. Where another transaction held an item, it
    /// is tried again after a while.
    pub(crate) async fn commit(self, store: &Store, tried: &str) -> Result<Committed, Fault> {
        let (mut attempt, mut is_new) = (1, true);
        loop {
            // Sealed anew for each attempt: most transactions need one, and a copy kept for the
            // next would be made for nothing.
            let (actions, made) = self.sealed(store, is_new).await?;
            let sent = store
                .client
                .transact_write_items()
                .set_transact_items(Some(actions))
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .send()
                .await;
            let Err(error) = sent else {
                self.counted.iter().copied().for_each(store.watch.counted);
                data_key::hold(made);
                return Ok(Committed::Yes);
            };
            match classify(&error) {
                Some(Outcome::Refused(mut refused)) => {
                    refused.retain(|(position, _)| *position < self.actions.len());
                    if !refused.is_empty() {
                        return Ok(Committed::Refused(refused));
                    }
                    if attempt == ATTEMPTS_MAX {
                        return Err(fault(tried, error));
                    }
                    // Only a key was in the way: its holder has one from before.
                    is_new = false;
                    attempt += 1;
                }
                Some(Outcome::InTheWay) if attempt < ATTEMPTS_MAX => {
                    tokio::time::sleep(back_off(attempt, self.actions.len())).await;
                    attempt += 1;
                }
                Some(Outcome::Impossible) => {
                    return Err(Fault::new(tried, error, Retry::Useless));
                }
                Some(Outcome::InTheWay) | None => return Err(fault(tried, error)),
            }
        }
    }
}

impl Store {
    /// Writes one whole item under a condition.
    pub(crate) async fn put_if(
        &self,
        table: Table,
        item: Item,
        condition: Expression,
    ) -> Result<Saved, Fault> {
        let item = self.sealed(table, item).await?;
        let sent = self
            .client
            .put_item()
            .table_name(self.name(table)?)
            .set_item(Some(item))
            .condition_expression(condition.text)
            .set_expression_attribute_names(some(condition.names))
            .set_expression_attribute_values(some(condition.values))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        match sent {
            Ok(_) => Ok(Saved::Yes),
            Err(error) => match error.as_service_error() {
                Some(service) if service.is_conditional_check_failed_exception() => {
                    Ok(Saved::Raced)
                }
                _ => Err(fault(format!("put an item into {table:?}"), error)),
            },
        }
    }

    /// Changes one item under a condition, and answers it as it is now.
    pub(crate) async fn update_if(
        &self,
        table: Table,
        key: &Key,
        update: &str,
        condition: Expression,
    ) -> Result<Updated, Fault> {
        let sent = self
            .client
            .update_item()
            .table_name(self.name(table)?)
            .set_key(Some(key.attributes()))
            .update_expression(update)
            .condition_expression(condition.text)
            .set_expression_attribute_names(some(condition.names))
            .set_expression_attribute_values(some(condition.values))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        match sent {
            Ok(output) => {
                let row = output.attributes.unwrap_or_default();
                Ok(Updated::Yes(self.opened_one(table, row).await?.unwrap_or_default()))
            }
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(refused)) => {
                    Ok(Updated::Refused(refused.item.clone()))
                }
                _ => Err(fault(format!("update an item of {table:?}"), error)),
            },
        }
    }
}

/// What became of a single update.
#[derive(Debug)]
pub(crate) enum Updated {
    /// The item as it is now.
    Yes(Item),
    /// The condition failed: the item as it stands, if there is one.
    Refused(Option<Item>),
}

fn some<T>(map: HashMap<String, T>) -> Option<HashMap<String, T>> {
    (!map.is_empty()).then_some(map)
}

/// Why a transaction was not written, where that is not only a passing fault.
#[derive(Debug, PartialEq)]
enum Outcome {
    /// These conditions failed; with the items as they stand.
    Refused(Vec<(usize, Option<Item>)>),
    /// Another transaction was at one of the items.
    InTheWay,
    /// The database can not take it, now or later: a mistake of ours.
    Impossible,
}

/// Reads the cancellation reasons by position. A failed condition outweighs all else: trying again
/// would not mend it. What the database can not take outweighs what passes (a conflict,
/// throttling), and throttling a conflict: it is a fault, and the caller comes later.
/// Source: API reference of `TransactWriteItems`, “Cancellation reason codes”.
fn classify<R>(error: &SdkError<TransactWriteItemsError, R>) -> Option<Outcome> {
    let SdkError::ServiceError(service) = error else { return None };
    let reasons = match service.err() {
        TransactWriteItemsError::TransactionCanceledException(canceled) => {
            canceled.cancellation_reasons()
        }
        TransactWriteItemsError::TransactionInProgressException(_) => {
            return Some(Outcome::InTheWay);
        }
        _ => return None,
    };
    let mut refused = Vec::new();
    let (mut is_in_the_way, mut is_impossible, mut is_other) = (false, false, false);
    for (position, reason) in reasons.iter().enumerate() {
        match reason.code() {
            Some("ConditionalCheckFailed") => refused.push((position, reason.item.clone())),
            Some("TransactionConflict") => is_in_the_way = true,
            Some("ValidationError" | "ItemCollectionSizeLimitExceeded") => is_impossible = true,
            None | Some("None") => {}
            Some(_) => is_other = true,
        }
    }
    if !refused.is_empty() {
        return Some(Outcome::Refused(refused));
    }
    if is_impossible {
        return Some(Outcome::Impossible);
    }
    (is_in_the_way && !is_other).then_some(Outcome::InTheWay)
}

/// 5 to 80 ms, spread by the size of the transaction so that twins do not march in step.
fn back_off(attempt: u32, spread: usize) -> Duration {
    let base = 5_u64 << attempt.min(4);
    Duration::from_millis(base / 2 + (spread as u64 * 7) % base)
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::CancellationReason;
    use aws_sdk_dynamodb::types::error::{
        TransactionCanceledException, TransactionInProgressException,
    };

    use super::*;

    fn canceled(codes: &[&str]) -> Option<Outcome> {
        let reasons = codes.iter().map(|code| CancellationReason::builder().code(*code).build());
        let canceled = TransactionCanceledException::builder()
            .set_cancellation_reasons(Some(reasons.collect()))
            .build();
        let error = TransactWriteItemsError::TransactionCanceledException(canceled);
        classify(&SdkError::service_error(error, ()))
    }

    fn refused(positions: &[usize]) -> Outcome {
        Outcome::Refused(positions.iter().map(|position| (*position, None)).collect())
    }

    #[test]
    fn every_reason_for_a_cancellation_is_read() {
        for (code, wanted) in [
            ("ConditionalCheckFailed", Some(refused(&[1]))),
            ("TransactionConflict", Some(Outcome::InTheWay)),
            ("ValidationError", Some(Outcome::Impossible)),
            ("ItemCollectionSizeLimitExceeded", Some(Outcome::Impossible)),
            ("ProvisionedThroughputExceeded", None),
            ("ThrottlingError", None),
            ("AReasonOfTomorrow", None),
            ("None", None),
        ] {
            assert_eq!(canceled(&["None", code, "None"]), wanted, "{code}");
        }
        assert_eq!(canceled(&[]), None);
    }

    #[test]
    fn of_several_reasons_the_one_that_stays_counts() {
        let (check, conflict) = ("ConditionalCheckFailed", "TransactionConflict");
        let (bug, busy) = ("ValidationError", "ThrottlingError");
        for (codes, wanted) in [
            ([check, conflict, check], Some(refused(&[0, 2]))),
            ([bug, check, busy], Some(refused(&[1]))),
            ([conflict, bug, busy], Some(Outcome::Impossible)),
            ([conflict, "None", conflict], Some(Outcome::InTheWay)),
            ([conflict, busy, "None"], None),
        ] {
            assert_eq!(canceled(&codes), wanted, "{codes:?}");
        }
    }

    #[test]
    fn the_item_that_refused_comes_with_its_position() {
        let item = Item::from([("version".to_owned(), AttributeValue::N("3".to_owned()))]);
        let code = "ConditionalCheckFailed";
        let reason = CancellationReason::builder().code(code).set_item(Some(item.clone())).build();
        let canceled = TransactionCanceledException::builder().cancellation_reasons(reason).build();
        let error = TransactWriteItemsError::TransactionCanceledException(canceled);
        let read = classify(&SdkError::service_error(error, ()));
        assert_eq!(read, Some(Outcome::Refused(vec![(0, Some(item))])));
    }

    #[test]
    fn the_same_transaction_still_at_work_is_in_the_way_and_a_lost_call_is_no_outcome() {
        let at_work = TransactionInProgressException::builder().build();
        let error = TransactWriteItemsError::TransactionInProgressException(at_work);
        assert_eq!(classify(&SdkError::service_error(error, ())), Some(Outcome::InTheWay));
        let lost: SdkError<TransactWriteItemsError, ()> = SdkError::timeout_error("no answer");
        assert_eq!(classify(&lost), None);
    }
}
