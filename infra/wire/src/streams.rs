//! Table streams as a Lambda event source sees them.

use dynoxide::actions::get_records::GetRecordsRequest;
use dynoxide::actions::get_shard_iterator::GetShardIteratorRequest;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::Inner;
use crate::error::Error;

/// How far a reader has come in the stream of one table; the default is the oldest record kept.
/// Serializable, so that a pump can go on after a restart.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamCursor {
    /// The sequence number of the last record read.
    pub after: Option<String>,
}

impl Inner {
    pub(crate) fn records(
        &self,
        table: &str,
        cursor: &mut StreamCursor,
        limit: usize,
    ) -> Result<Vec<Value>, Error> {
        let database = &self.dynamo.database;
        let Some(meta) = database.get_table_metadata(table)? else {
            return Err(Error::Invalid(format!("there is no table {table}")));
        };
        if !meta.stream_enabled {
            return Err(Error::Invalid(format!("the table {table} has no stream")));
        }
        let label = meta.stream_label.unwrap_or_default();
        let kind = match cursor.after {
            None => "TRIM_HORIZON",
            Some(_) => "AFTER_SEQUENCE_NUMBER",
        };
        let iterator = database.get_shard_iterator(GetShardIteratorRequest {
            stream_arn: dynoxide::streams::stream_arn(table, &label),
            shard_id: dynoxide::streams::shard_id(table),
            shard_iterator_type: kind.to_owned(),
            sequence_number: cursor.after.clone(),
        })?;
        let page = database.get_records(GetRecordsRequest {
            shard_iterator: iterator.shard_iterator.unwrap_or_default(),
            limit: Some(limit),
        })?;
        if let Some(last) = page.records.last() {
            cursor.after = Some(last.dynamodb.sequence_number.clone());
        }
        let source = format!(
            "arn:aws:dynamodb:{}:{}:table/{table}/stream/{label}",
            self.region, self.account
        );
        page.records.iter().map(|record| self.event(record, &source)).collect()
    }

    fn event(
        &self,
        record: &dynoxide::actions::get_records::Record,
        source: &str,
    ) -> Result<Value, Error> {
        let mut event = serde_json::to_value(record)
            .map_err(|error| Error::Dynamo(format!("stream record: {error}")))?;
        if let Some(members) = event.as_object_mut() {
            members.insert("awsRegion".to_owned(), json!(self.region));
            members.insert("eventSourceARN".to_owned(), json!(source));
        }
        Ok(event)
    }
}
