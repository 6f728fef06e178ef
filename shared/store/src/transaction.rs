//! All or nothing: a list of conditional writes, and what became of each.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, Delete, Put, ReturnConsumedCapacity, ReturnValue,
    ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};
use domain::fault::{Fault, Retry};

use crate::item::{Item, Key, Saved, fault};
use crate::{Store, Table};

/// Tries where another transaction was in the way; each waits a little longer.
const ATTEMPTS_MAX: u32 = 5;

/// Writes that happen together or not at all. The position of an action is what tells afterwards
/// whose condition failed.
#[derive(Debug, Default)]
pub(crate) struct Transaction {
    actions: Vec<TransactWriteItem>,
}

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

    /// The position that the next action will have.
    pub(crate) fn position(&self) -> usize {
        self.actions.len()
    }

    /// Writes it all, or says what stood in the way. Where another transaction held an item, it
    /// is tried again after a while.
    pub(crate) async fn commit(self, store: &Store, tried: &str) -> Result<Committed, Fault> {
        let mut attempt = 1;
        loop {
            let sent = store
                .client
                .transact_write_items()
                .set_transact_items(Some(self.actions.clone()))
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .send()
                .await;
            let Err(error) = sent else { return Ok(Committed::Yes) };
            match classify(&error) {
                Some(Outcome::Refused(refused)) => return Ok(Committed::Refused(refused)),
                Some(Outcome::InTheWay) if attempt < ATTEMPTS_MAX => {
                    tokio::time::sleep(back_off(attempt, self.actions.len())).await;
                    attempt += 1;
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
            Ok(output) => Ok(Updated::Yes(output.attributes.unwrap_or_default())),
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

enum Outcome {
    Refused(Vec<(usize, Option<Item>)>),
    InTheWay,
}

/// Reads the cancellation reasons by position. A failed condition outweighs a conflict: trying
/// again would not mend it. Anything else (throttling, validation) is a fault.
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
    let (mut is_in_the_way, mut is_other) = (false, false);
    for (position, reason) in reasons.iter().enumerate() {
        match reason.code() {
            Some("ConditionalCheckFailed") => refused.push((position, reason.item.clone())),
            Some("TransactionConflict") => is_in_the_way = true,
            None | Some("None") => {}
            Some(_) => is_other = true,
        }
    }
    match (refused.is_empty(), is_in_the_way, is_other) {
        (false, ..) => Some(Outcome::Refused(refused)),
        (true, true, false) => Some(Outcome::InTheWay),
        (true, ..) => None,
    }
}

/// 5 to 80 ms, spread by the size of the transaction so that twins do not march in step.
fn back_off(attempt: u32, spread: usize) -> Duration {
    let base = 5_u64 << attempt.min(4);
    Duration::from_millis(base / 2 + (spread as u64 * 7) % base)
}
