//! What the SDK's clients do on behalf of an invocation: counted, and said to which trace it
//! belongs. Nothing of it shows in the code that calls.

use aws_sdk_dynamodb::operation as dynamodb;
use aws_sdk_dynamodb::types::ConsumedCapacity;
use aws_sdk_sqs::operation::send_message::SendMessageInput;
use aws_sdk_sqs::operation::send_message_batch::SendMessageBatchInput;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeSerializationInterceptorContextMut, BeforeTransmitInterceptorContextRef,
    FinalizerInterceptorContextRef, Output,
};
use aws_smithy_runtime_api::client::retries::RequestAttempts;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::{ConfigBag, Storable, StoreReplace};
use jiff::Timestamp;

use crate::meter;

/// Counts the calls of a client.
#[derive(Debug)]
pub(crate) struct Trips {
    /// DynamoDB's have a metric of their own.
    pub(crate) is_dynamodb: bool,
}

/// When the present try left.
#[derive(Debug)]
struct Left(Timestamp);

impl Storable for Left {
    type Storer = StoreReplace<Self>;
}

impl Intercept for Trips {
    fn name(&self) -> &'static str {
        "Trips"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let tries = cfg.load::<RequestAttempts>().map_or(1, RequestAttempts::attempts);
        meter::sent(self.is_dynamodb, tries > 1);
        if let Some(now) = meter::now() {
            cfg.interceptor_state().store_put(Left(now));
        }
        Ok(())
    }

    fn read_after_attempt(
        &self,
        _: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let left = cfg.load::<Left>().filter(|_| self.is_dynamodb);
        if let (Some(Left(left)), Some(now)) = (left, meter::now()) {
            meter::waited(now.duration_since(*left));
        }
        Ok(())
    }

    fn read_after_execution(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let (true, Some(Ok(output))) = (self.is_dynamodb, context.output_or_error()) {
            let (read, written) = units(output);
            meter::consumed(read, written);
        }
        Ok(())
    }
}

/// The units that an answer of DynamoDB says were read and written.
fn units(output: &Output) -> (f64, f64) {
    macro_rules! one {
        ($($module:ident :: $output:ident => $is_read:literal),* $(,)?) => {
            $(if let Some(output) = output.downcast_ref::<dynamodb::$module::$output>() {
                return sum(output.consumed_capacity(), $is_read);
            })*
        };
    }
    one!(
        get_item::GetItemOutput => true,
        query::QueryOutput => true,
        put_item::PutItemOutput => false,
        update_item::UpdateItemOutput => false,
        delete_item::DeleteItemOutput => false,
        transact_write_items::TransactWriteItemsOutput => false,
        batch_get_item::BatchGetItemOutput => true,
        batch_write_item::BatchWriteItemOutput => false,
    );
    (0.0, 0.0)
}

/// A transaction reads nothing that it is billed for as read; tables that say neither are counted
/// as what the operation is.
fn sum<'a>(consumed: impl IntoIterator<Item = &'a ConsumedCapacity>, is_read: bool) -> (f64, f64) {
    let (mut read, mut written) = (0.0, 0.0);
    for table in consumed {
        match (table.read_capacity_units, table.write_capacity_units) {
            (None, None) => {
                let all = table.capacity_units.unwrap_or_default();
                if is_read { read += all } else { written += all }
            }
            (of_reads, of_writes) => {
                read += of_reads.unwrap_or_default();
                written += of_writes.unwrap_or_default();
            }
        }
    }
    (read, written)
}

/// Says with each message to which trace it belongs, unless it says so itself.
#[derive(Debug)]
pub(crate) struct Traced;

impl Intercept for Traced {
    fn name(&self) -> &'static str {
        "Traced"
    }

    fn modify_before_serialization(
        &self,
        context: &mut BeforeSerializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(attributes) = meter::trace().and_then(queue::trace_attributes) else {
            return Ok(());
        };
        let input = context.input_mut();
        if let Some(one) = input.downcast_mut::<SendMessageInput>() {
            one.message_system_attributes.get_or_insert(attributes);
        } else if let Some(batch) = input.downcast_mut::<SendMessageBatchInput>() {
            for entry in batch.entries.iter_mut().flatten() {
                entry.message_system_attributes.get_or_insert_with(|| attributes.clone());
            }
        }
        Ok(())
    }
}
