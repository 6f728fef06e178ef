//! Items, keys and single calls.

use std::collections::HashMap;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};
use domain::fault::{Fault, Retry};
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::data_key::Reading;
use crate::{Store, Table};

/// An item as the SDK has it.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// What became of a conditional write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saved {
    /// It is written.
    Yes,
    /// Somebody else wrote first: load again and decide again.
    Raced,
}

/// A page of a list, and where the next one begins.
#[derive(Debug)]
pub struct Page<T> {
    /// The entries.
    pub entries: Vec<T>,
    /// The position after the last entry, for [`Store`]'s own use; none at the end.
    pub next: Option<String>,
}

/// The two halves of a primary key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) pk: String,
    pub(crate) sk: String,
}

impl Key {
    pub(crate) fn new(pk: impl Into<String>, sk: impl Into<String>) -> Self {
        Self { pk: pk.into(), sk: sk.into() }
    }

    /// The one item of a partition.
    pub(crate) fn meta(pk: impl Into<String>) -> Self {
        Self::new(pk, "META")
    }

    /// What a row lies under.
    fn of(row: &Item) -> Option<Self> {
        let half = |name| row.get(name)?.as_s().ok();
        Some(Self::new(half("pk")?, half("sk")?))
    }

    pub(crate) fn attributes(&self) -> Item {
        [("pk".to_owned(), text(&self.pk)), ("sk".to_owned(), text(&self.sk))].into()
    }
}

pub(crate) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(crate) fn number(value: impl Into<i64>) -> AttributeValue {
    AttributeValue::N(value.into().to_string())
}

/// A time in a sort key: of one length, so that text sorts as time does. (The shortest form does
/// not: `…:00Z` sorts after `…:00.5Z`.)
pub(crate) fn moment(at: Timestamp) -> String {
    format!("{at:.3}")
}

pub(crate) fn count(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// A document as an item under a key. Nulls are left out: an absent attribute is what indexes and
/// conditions understand.
pub(crate) fn item(key: &Key, document: &impl Serialize) -> Result<Item, Fault> {
    let mut item: Item = serde_dynamo::to_item(document)
        .map_err(|error| Fault::new(format!("write {}", kind(key)), error, Retry::Useless))?;
    item.retain(|_, value| !matches!(value, AttributeValue::Null(true)));
    item.extend(key.attributes());
    Ok(item)
}

/// The document of an item, without the keys it lies under: some documents refuse what they do
/// not know.
pub(crate) fn document<T: DeserializeOwned>(mut item: Item) -> Result<T, Fault> {
    let place = match item.get("pk") {
        Some(AttributeValue::S(pk)) => kind(&Key::new(pk.clone(), "")),
        _ => "an item".to_owned(),
    };
    item.retain(|name, _| !matches!(name.as_str(), "pk" | "sk") && !name.starts_with("gsi"));
    serde_dynamo::from_item(item)
        .map_err(|error| Fault::new(format!("read {place}"), error, Retry::Useless))
}

/// The kind of a key, for messages: what stands before the `#`, never the rest, which may be
/// somebody's address.
fn kind(key: &Key) -> String {
    key.pk.split('#').next().unwrap_or_default().to_owned()
}

/// An error of the SDK as a fault.
pub(crate) fn fault<E, R>(tried: impl Into<String>, error: SdkError<E, R>) -> Fault
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    let retry = match &error {
        SdkError::ServiceError(service) => match service.err().code() {
            Some(
                "AccessDeniedException"
                | "ValidationException"
                | "ResourceNotFoundException"
                | "SerializationException"
                | "UnrecognizedClientException",
            ) => Retry::Useless,
            _ => Retry::Helps,
        },
        SdkError::ConstructionFailure(_) => Retry::Useless,
        _ => Retry::Helps,
    };
    Fault::new(tried, error, retry)
}

/// How a query is narrowed and turned.
#[derive(Debug, Default)]
pub(crate) struct Range<'a> {
    /// The sort key begins with this.
    pub(crate) begins_with: Option<&'a str>,
    /// The sort key is at most this.
    pub(crate) up_to: Option<&'a str>,
    /// Newest (largest) first.
    pub(crate) is_descending: bool,
    /// Entries at most.
    pub(crate) limit: Option<i32>,
    /// Where to begin.
    pub(crate) position: Option<&'a str>,
}

impl Store {
    /// One item by its key.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        table: Table,
        key: &Key,
        is_consistent: bool,
    ) -> Result<Option<T>, Fault> {
        let output = self
            .client
            .get_item()
            .table_name(self.name(table)?)
            .set_key(Some(key.attributes()))
            .consistent_read(is_consistent)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| fault(format!("get {} from {table:?}", kind(key)), error))?;
        let Some(item) = output.item else { return Ok(None) };
        self.opened_one(table, item).await?.map(document).transpose()
    }

    /// Deletes an item, if it is there.
    pub(crate) async fn delete(&self, table: Table, key: &Key) -> Result<(), Fault> {
        self.client
            .delete_item()
            .table_name(self.name(table)?)
            .set_key(Some(key.attributes()))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| fault(format!("delete {} from {table:?}", kind(key)), error))?;
        Ok(())
    }

    /// The items of one partition of a table (consistent) or of an index. Those of an index of
    /// orders are one round trip more, and as they are now.
    pub(crate) async fn query(
        &self,
        table: Table,
        index: Option<(&str, &str, Option<&str>)>,
        partition: &str,
        range: Range<'_>,
    ) -> Result<Page<Item>, Fault> {
        let mut page = self.query_raw(table, index, partition, range).await?;
        if table == Table::Orders && index.is_some() {
            page.entries = self.rows_of(table, &page.entries).await?;
        }
        let rows = page.entries.into_iter().map(|row| (table, row));
        let reading = if index.is_some() { Reading::List } else { Reading::One };
        Ok(Page { entries: self.opened(rows.collect(), reading).await?, next: page.next })
    }

    /// The rows whose keys an index holds, as they lie there now and in its order; what is gone by
    /// now is left out. The indexes of orders hold nothing but keys: an order that changes would
    /// be written anew to each of them.
    pub(crate) async fn rows_of(&self, table: Table, entries: &[Item]) -> Result<Vec<Item>, Fault> {
        let keys: Vec<Key> = entries.iter().filter_map(Key::of).collect();
        let rows = self.batch_get_raw(&[(table, keys.clone())], true).await?;
        let mut rows: HashMap<Key, Item> =
            rows.into_iter().filter_map(|(_, row)| Some((Key::of(&row)?, row))).collect();
        Ok(keys.iter().filter_map(|key| rows.remove(key)).collect())
    }

    /// The same, as they lie there.
    pub(crate) async fn query_raw(
        &self,
        table: Table,
        index: Option<(&str, &str, Option<&str>)>,
        partition: &str,
        range: Range<'_>,
    ) -> Result<Page<Item>, Fault> {
        let (hash, sort) = index.map_or(("pk", Some("sk")), |(_, hash, sort)| (hash, sort));
        let mut names = HashMap::from([("#h".to_owned(), hash.to_owned())]);
        let mut values = HashMap::from([(":h".to_owned(), text(partition))]);
        let mut condition = "#h = :h".to_owned();
        if let Some(sort) = sort {
            let bound = match (range.begins_with, range.up_to) {
                (Some(prefix), _) => Some((" AND begins_with(#s, :s)", prefix)),
                (None, Some(last)) => Some((" AND #s <= :s", last)),
                (None, None) => None,
            };
            if let Some((clause, value)) = bound {
                condition.push_str(clause);
                names.insert("#s".into(), sort.to_owned());
                values.insert(":s".into(), text(value));
            }
        }
        let output = self
            .client
            .query()
            .table_name(self.name(table)?)
            .set_index_name(index.map(|(name, ..)| name.to_owned()))
            .key_condition_expression(condition)
            .set_expression_attribute_names(Some(names))
            .set_expression_attribute_values(Some(values))
            .scan_index_forward(!range.is_descending)
            .set_limit(range.limit)
            .set_consistent_read(index.is_none().then_some(true))
            .set_exclusive_start_key(range.position.map(start_key).transpose()?)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| {
                let partition = partition.split('#').next().unwrap_or_default();
                fault(format!("query {partition} in {table:?}"), error)
            })?;
        let next = output.last_evaluated_key.map(|key| position(&key)).transpose()?;
        Ok(Page { entries: output.items.unwrap_or_default(), next })
    }
}

/// A key of the store as text. Keys hold strings only.
pub(crate) fn position(key: &Item) -> Result<String, Fault> {
    let strings: std::collections::BTreeMap<&String, &String> =
        key.iter().filter_map(|(name, value)| Some((name, value.as_s().ok()?))).collect();
    serde_json::to_string(&strings)
        .map_err(|error| Fault::new("write a list's position", error, Retry::Useless))
}

fn start_key(position: &str) -> Result<Item, Fault> {
    let strings: HashMap<String, String> = serde_json::from_str(position)
        .map_err(|error| Fault::new("read a list's position", error, Retry::Useless))?;
    Ok(strings.into_iter().map(|(name, value)| (name, text(value))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_in_keys_sort_as_times_do() {
        let at = |ms: i64| Timestamp::from_millisecond(1_790_000_000_000 + ms).unwrap();
        let times: Vec<String> =
            [0, 1, 10, 100, 500, 510, 999, 1000].map(|ms| moment(at(ms))).into();
        assert!(times.is_sorted(), "{times:?}");
        assert_eq!(times[0], "2026-09-21T14:13:20.000Z");
    }
}
