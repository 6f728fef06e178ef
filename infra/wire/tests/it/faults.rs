//! What goes wrong when it is told to.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem};
use wire::{FaultKind, LOCAL, Plan, QueueAttributes, Verdict};

use crate::world::{CALLER, TABLE, World, world};

type Outcome = Result<(), SdkError<aws_sdk_dynamodb::operation::put_item::PutItemError>>;

async fn put(world: &World, caller: &str, sk: &str) -> Outcome {
    let text = |value: &str| AttributeValue::S(value.to_owned());
    let put = world.dynamodb(caller).put_item().table_name(TABLE);
    put.item("pk", text("A")).item("sk", text(sk)).send().await.map(|_| ())
}

async fn items(world: &World) -> usize {
    let scan = world.dynamodb(LOCAL).scan().table_name(TABLE).send().await.unwrap();
    scan.items().len()
}

async fn faulted(kind: FaultKind) -> (World, Outcome) {
    let world = world().await;
    world.table().await;
    world.wire.faults().arm(Plan::at(2, kind));
    put(&world, CALLER, "1").await.unwrap();
    let outcome = put(&world, CALLER, "2").await;
    let fired = world.wire.faults().fired();
    assert_eq!(fired.len(), 1);
    assert_eq!((fired[0].kind, fired[0].call.ordinal), (kind, 2));
    assert_eq!(world.wire.faults().count(), 2);
    (world, outcome)
}

#[tokio::test]
async fn a_failure_before_has_no_effect() {
    let (world, outcome) = faulted(FaultKind::FailBefore).await;
    let error = outcome.unwrap_err();
    assert_eq!(error.raw_response().map(|raw| raw.status().as_u16()), Some(500));
    assert_eq!(error.code(), Some("InternalServerError"));
    assert_eq!(items(&world).await, 1);
}

#[tokio::test]
async fn a_lost_response_has_had_its_effect() {
    let (world, outcome) = faulted(FaultKind::LoseResponse).await;
    let error = outcome.unwrap_err();
    assert!(matches!(&error, SdkError::DispatchFailure(failure) if failure.is_io()), "{error:?}");
    assert_eq!(items(&world).await, 2);
}

#[tokio::test]
async fn throttling_is_the_services_own_error() {
    let (world, outcome) = faulted(FaultKind::Throttle).await;
    let error = outcome.unwrap_err().into_service_error();
    assert!(error.is_provisioned_throughput_exceeded_exception());
    assert_eq!(items(&world).await, 1);
}

#[tokio::test]
async fn a_timeout_is_told_at_once() {
    let (world, outcome) = faulted(FaultKind::Timeout).await;
    let error = outcome.unwrap_err();
    assert!(matches!(&error, SdkError::DispatchFailure(f) if f.is_timeout()), "{error:?}");
    assert_eq!(items(&world).await, 1);
}

#[tokio::test]
async fn a_failure_and_a_timeout_afterwards_have_had_their_effect() {
    let (world, outcome) = faulted(FaultKind::FailAfter).await;
    assert_eq!(outcome.unwrap_err().code(), Some("InternalServerError"));
    assert_eq!(items(&world).await, 2);
    let (world, outcome) = faulted(FaultKind::TimeoutAfter).await;
    let error = outcome.unwrap_err();
    assert!(matches!(&error, SdkError::DispatchFailure(f) if f.is_timeout()), "{error:?}");
    assert_eq!(items(&world).await, 2);
}

#[tokio::test]
async fn a_condition_fails_after_the_write_and_where_there_is_none_it_does_not() {
    let world = world().await;
    world.table().await;
    let faults = world.wire.faults();
    faults.arm(Plan::at(1, FaultKind::ConditionFailed));
    put(&world, CALLER, "1").await.unwrap();
    assert!(faults.fired().is_empty());

    faults.arm(Plan::at(1, FaultKind::ConditionFailed));
    let text = |value: &str| AttributeValue::S(value.to_owned());
    let put = world.dynamodb(CALLER).put_item().table_name(TABLE);
    let put = put.item("pk", text("A")).item("sk", text("2"));
    let put = put.condition_expression("attribute_not_exists(pk)").send().await;
    let error = put.unwrap_err().into_service_error();
    assert!(error.is_conditional_check_failed_exception(), "{error:?}");
    assert_eq!(items(&world).await, 2);
}

async fn dies(kind: FaultKind) -> usize {
    let world = world().await;
    world.table().await;
    world.wire.faults().arm(Plan::at(1, kind));
    let mut deaths = world.wire.faults().deaths();
    tokio::select! {
        outcome = put(&world, CALLER, "1") => panic!("the dead do not return: {outcome:?}"),
        changed = deaths.changed() => changed.unwrap(),
    }
    let death = deaths.borrow().clone();
    assert_eq!(death.count, 1);
    assert_eq!(death.last.unwrap().caller, CALLER);
    items(&world).await
}

#[tokio::test]
async fn who_dies_before_has_done_nothing() {
    assert_eq!(dies(FaultKind::DieBefore).await, 0);
}

#[tokio::test]
async fn who_dies_after_has_done_it() {
    assert_eq!(dies(FaultKind::DieAfter).await, 1);
}

#[tokio::test]
async fn a_transaction_meets_another_and_a_plain_put_does_not() {
    let world = world().await;
    world.table().await;
    let faults = world.wire.faults();
    faults.arm(Plan::at(1, FaultKind::TransactionConflict));
    put(&world, CALLER, "1").await.unwrap();
    assert!(faults.fired().is_empty());

    faults.arm(Plan::at_operation(1, FaultKind::TransactionConflict, "TransactWriteItems"));
    put(&world, CALLER, "2").await.unwrap();
    let text = |value: &str| AttributeValue::S(value.to_owned());
    let item = |sk: &str| {
        let put = Put::builder().table_name(TABLE).item("pk", text("A")).item("sk", text(sk));
        TransactWriteItem::builder().put(put.build().unwrap()).build()
    };
    let client = world.dynamodb(CALLER);
    let write =
        || client.transact_write_items().transact_items(item("3")).transact_items(item("4"));
    let error = write().send().await.unwrap_err().into_service_error();
    let aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError::
        TransactionCanceledException(cancelled) = error else { panic!("{error:?}") };
    let codes: Vec<_> = cancelled.cancellation_reasons().iter().map(|r| r.code()).collect();
    assert_eq!(codes, [Some("TransactionConflict"); 2]);
    assert_eq!(items(&world).await, 2);
    write().send().await.unwrap();
    assert_eq!(items(&world).await, 4);
}

#[tokio::test]
async fn the_host_is_spared_and_every_wire_counts_in_one_sequence() {
    let world = world().await;
    world.table().await;
    let url = world.queue("orders", &QueueAttributes::default());
    let faults = world.wire.faults();
    faults.reset();
    faults.arm(Plan::at(3, FaultKind::FailBefore));
    put(&world, LOCAL, "1").await.unwrap();
    put(&world, CALLER, "2").await.unwrap();
    assert_eq!(faults.verdict(CALLER, "stripe", "CreatePaymentIntent"), Verdict::Pass);
    // The SDK tries again by itself, and its second attempt is the fourth call.
    let send = world.sqs(CALLER).send_message().queue_url(&url).message_body("a");
    send.send().await.unwrap();
    assert_eq!(faults.count(), 4);
    assert_eq!(faults.fired()[0].call.service, "sqs");
    assert_eq!(faults.fired()[0].call.operation, "SendMessage");
}

#[tokio::test]
async fn several_plans_wait_and_disarming_drops_them() {
    let world = world().await;
    world.table().await;
    let faults = world.wire.faults();
    faults.arm(Plan::at(1, FaultKind::FailBefore));
    faults.arm(Plan::at(2, FaultKind::Throttle));
    faults.arm(Plan::at(3, FaultKind::Throttle));
    assert!(put(&world, CALLER, "1").await.is_err());
    assert!(put(&world, CALLER, "1").await.is_err());
    faults.disarm();
    put(&world, CALLER, "1").await.unwrap();
    let call = &world.wire.recorder().totals()[CALLER];
    assert_eq!((call.calls, call.failures), (3, 2));
}

#[tokio::test]
async fn every_service_throttles_and_fails_in_its_own_words() {
    let world = world().await;
    let url = world.queue("orders", &QueueAttributes::default());
    world.wire.ses().verify("shop.example").unwrap();
    world.wire.put_secret("key", "value").await.unwrap();
    for kind in [FaultKind::Throttle, FaultKind::FailBefore, FaultKind::LoseResponse] {
        // Each first attempt suffers, each second one passes: the SDK knows all of these errors.
        world.wire.faults().arm(Plan::at(1, kind));
        let send = world.sqs(CALLER).send_message().queue_url(&url).message_body("a");
        send.send().await.unwrap();
        world.wire.faults().arm(Plan::at(1, kind));
        world.ses(CALLER).get_send_quota().send().await.unwrap();
        world.wire.faults().arm(Plan::at(1, kind));
        world.secrets(CALLER).get_secret_value().secret_id("key").send().await.unwrap();
    }
    assert_eq!(world.wire.faults().fired().len(), 9);
}

#[tokio::test]
async fn what_is_not_emulated_says_so() {
    let world = world().await;
    let error = world.ses(CALLER).list_templates().send().await.unwrap_err();
    assert_eq!(error.code(), Some("InvalidAction"));
    assert!(error.message().unwrap().contains("ListTemplates"));
}
