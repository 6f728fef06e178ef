//! DynamoDB, its streams, its clock, and what the recorder counts.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{
    AttributeValue, Put, ReturnConsumedCapacity, TransactWriteItem, Update,
};
use wire::{LOCAL, StreamCursor};

use crate::world::{CALLER, Folder, TABLE, World, world, world_in};

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

fn key(pk: &str, sk: &str) -> HashMap<String, AttributeValue> {
    HashMap::from([("pk".to_owned(), text(pk)), ("sk".to_owned(), text(sk))])
}

async fn count(world: &World, pk: &str) -> usize {
    let query = world.dynamodb(LOCAL).query().table_name(TABLE);
    let query = query.key_condition_expression("pk = :pk");
    let found = query.expression_attribute_values(":pk", text(pk)).send().await.unwrap();
    usize::try_from(found.count()).unwrap()
}

#[tokio::test]
async fn a_transaction_is_all_or_nothing_and_the_stream_tells_of_it() {
    let world = world().await;
    world.table().await;
    let client = world.dynamodb(CALLER);
    let put = |sk: &str| {
        let put = Put::builder().table_name(TABLE).set_item(Some(key("CART#1", sk)));
        let put = put.condition_expression("attribute_not_exists(pk)").build().unwrap();
        TransactWriteItem::builder().put(put).build()
    };
    let write = client.transact_write_items();
    write.transact_items(put("META")).transact_items(put("LINE#1")).send().await.unwrap();
    let write = client.transact_write_items();
    let refused = write.transact_items(put("LINE#2")).transact_items(put("META")).send().await;
    let refused = refused.unwrap_err().into_service_error();
    assert!(refused.is_transaction_canceled_exception());
    assert_eq!(count(&world, "CART#1").await, 2);

    let mut cursor = StreamCursor::default();
    let records = world.wire.stream(TABLE, &mut cursor, 10);
    let names: Vec<_> = records.iter().map(|r| r["eventName"].as_str().unwrap()).collect();
    assert_eq!(names, ["INSERT", "INSERT"]);
    assert_eq!(records[0]["dynamodb"]["Keys"]["pk"]["S"], "CART#1");
    assert_eq!(records[0]["dynamodb"]["NewImage"]["sk"]["S"], "META");
    let source = records[0]["eventSourceARN"].as_str().unwrap();
    let prefix = "arn:aws:dynamodb:eu-central-1:123456789012:table/fluxion-carts/stream/";
    assert!(source.starts_with(prefix), "{source}");
    assert!(world.wire.stream(TABLE, &mut cursor, 10).is_empty());

    let kept: StreamCursor =
        serde_json::from_str(&serde_json::to_string(&cursor).unwrap()).unwrap();
    client
        .delete_item()
        .table_name(TABLE)
        .set_key(Some(key("CART#1", "META")))
        .send()
        .await
        .unwrap();
    let mut cursor = kept;
    let records = world.wire.stream(TABLE, &mut cursor, 10);
    assert_eq!(records[0]["eventName"], "REMOVE");
    assert_eq!(records[0]["dynamodb"]["OldImage"]["sk"]["S"], "META");
}

#[tokio::test]
async fn a_table_says_when_its_stream_may_have_something_new() {
    let world = world().await;
    world.table().await;
    let client = world.dynamodb(CALLER);
    let put = || client.put_item().table_name(TABLE).set_item(Some(key("A", "1")));
    let (before, other) = (world.wire.writes(TABLE).unwrap(), world.wire.writes("x").unwrap());
    put().send().await.unwrap();
    let written = world.wire.writes(TABLE).unwrap();
    assert!(written > before);
    assert_eq!(world.wire.writes("x"), Some(other));
    // A refused write, and a look.
    let refused = put().condition_expression("attribute_not_exists(pk)").send().await;
    refused.unwrap_err();
    assert_eq!(count(&world, "A").await, 1);
    assert_eq!(world.wire.writes(TABLE), Some(written));
    // Who is killed in the middle may have written.
    {
        let mut killed = std::pin::pin!(put().send());
        let begun = world.wire.faults().count();
        while world.wire.faults().count() == begun {
            assert!(asked_once(&mut killed).await.is_none(), "it was answered at once");
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(world.wire.writes(TABLE), None);
}

/// What a future says when it is asked once.
async fn asked_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    std::future::poll_fn(|context| {
        let once = match std::pin::Pin::new(&mut *future).poll(context) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        };
        std::task::Poll::Ready(once)
    })
    .await
}

#[tokio::test]
async fn the_stream_can_be_read_in_small_steps() {
    let world = world().await;
    world.table().await;
    let client = world.dynamodb(LOCAL);
    for n in 0..5 {
        let put = client.put_item().table_name(TABLE).set_item(Some(key("A", &format!("{n}"))));
        put.send().await.unwrap();
    }
    let mut cursor = StreamCursor::default();
    let mut seen = Vec::new();
    loop {
        let records = world.wire.stream(TABLE, &mut cursor, 2);
        if records.is_empty() {
            break;
        }
        assert!(records.len() <= 2);
        seen.extend(records.iter().map(|r| r["dynamodb"]["Keys"]["sk"]["S"].to_string()));
    }
    assert_eq!(seen, ["\"0\"", "\"1\"", "\"2\"", "\"3\"", "\"4\""]);
}

async fn expiry_follows_the_clock(world: &World) {
    world.table().await;
    let in_a_minute = AttributeValue::N((world.now_ms() / 1000 + 60).to_string());
    let put = world.dynamodb(LOCAL).put_item().table_name(TABLE);
    let put = put.set_item(Some(key("SESSION#1", "S"))).item("expires_at", in_a_minute);
    put.send().await.unwrap();
    assert_eq!(world.wire.sweep_ttl(), 0);
    world.pass_seconds(61);
    assert_eq!(world.wire.sweep_ttl(), 1);
    assert_eq!(count(world, "SESSION#1").await, 0);
    let records = world.wire.stream(TABLE, &mut StreamCursor::default(), 10);
    let last = records.last().unwrap();
    assert_eq!(last["eventName"], "REMOVE");
    assert_eq!(last["userIdentity"]["principalId"], "dynamodb.amazonaws.com");
}

#[tokio::test]
async fn items_expire_by_our_clock_in_memory() {
    expiry_follows_the_clock(&world().await).await;
}

#[tokio::test]
async fn items_expire_by_our_clock_in_a_file() {
    let folder = Folder::new();
    expiry_follows_the_clock(&world_in(Some(folder.0.clone())).await).await;
}

#[tokio::test]
async fn items_and_streams_survive_the_process() {
    let folder = Folder::new();
    {
        let world = world_in(Some(folder.0.clone())).await;
        world.table().await;
        let put = world.dynamodb(LOCAL).put_item().table_name(TABLE);
        put.set_item(Some(key("CART#1", "META"))).send().await.unwrap();
        world.wire.shutdown();
    }
    let world = world_in(Some(folder.0.clone())).await;
    assert_eq!(count(&world, "CART#1").await, 1);
    assert_eq!(world.wire.stream(TABLE, &mut StreamCursor::default(), 10).len(), 1);
}

#[tokio::test]
async fn the_recorder_counts_round_trips_and_capacity_per_caller() {
    let world = world().await;
    world.table().await;
    let mark = world.wire.recorder().mark();
    let client = world.dynamodb(CALLER);
    let total = ReturnConsumedCapacity::Total;
    let put = client.put_item().table_name(TABLE).set_item(Some(key("CART#1", "META")));
    put.item("owner", text("ada")).return_consumed_capacity(total.clone()).send().await.unwrap();
    let update = Update::builder()
        .table_name(TABLE)
        .set_key(Some(key("CART#1", "META")))
        .update_expression("SET version = :one")
        .expression_attribute_values(":one", AttributeValue::N("1".to_owned()))
        .build()
        .unwrap();
    let write = client.transact_write_items().return_consumed_capacity(total.clone());
    let update = TransactWriteItem::builder().update(update).build();
    write.transact_items(update).send().await.unwrap();
    let query = client.query().table_name(TABLE).index_name("by_owner");
    let query = query.key_condition_expression("#o = :o").expression_attribute_names("#o", "owner");
    let query = query.expression_attribute_values(":o", text("ada"));
    query.return_consumed_capacity(total).send().await.unwrap();

    let calls = world.wire.recorder().since(mark);
    let shape: Vec<_> = calls
        .iter()
        .map(|call| {
            let index = call.index.as_deref().unwrap_or("-");
            let (read, written) = (call.read_units, call.write_units);
            format!("{} {} {index} r{read} w{written}", call.operation, call.tables.join(","))
        })
        .collect();
    assert_eq!(
        shape,
        [
            "PutItem fluxion-carts - r0 w2",
            "TransactWriteItems fluxion-carts - r0 w3",
            "Query fluxion-carts by_owner r0.5 w0",
        ]
    );
    assert!(calls.iter().all(|call| call.status == 200 && call.error_code.is_none()));
    assert!(calls.iter().all(|call| call.request_bytes > 0 && call.response_bytes > 0));
    let totals = &world.wire.recorder().totals()[CALLER];
    assert_eq!((totals.calls, totals.round_trips["dynamodb"]), (3, 3));
    assert_eq!(format!("{} {}", totals.read_units, totals.write_units), "0.5 5");
}

#[tokio::test]
async fn a_pump_is_woken_by_changes_only() {
    let world = world().await;
    world.table().await;
    let mut activity = world.wire.activity();
    activity.mark_unchanged();
    count(&world, "A").await;
    assert!(!activity.has_changed().unwrap());
    let put = world.dynamodb(CALLER).put_item().table_name(TABLE);
    put.set_item(Some(key("A", "B"))).send().await.unwrap();
    assert!(activity.has_changed().unwrap());
}

#[tokio::test]
async fn a_saved_world_can_be_loaded_over_another() {
    let folder = Folder::new();
    let template = world().await;
    template.table().await;
    template.queue("orders", &wire::QueueAttributes::default());
    template.wire.put_secret("key", "value").await.unwrap();
    let put = template.dynamodb(LOCAL).put_item().table_name(TABLE);
    put.set_item(Some(key("CART#1", "META"))).send().await.unwrap();
    template.wire.save(&folder.0).unwrap();

    let world = world().await;
    world.wire.load(&folder.0).unwrap();
    assert_eq!(count(&world, "CART#1").await, 1);
    assert_eq!(world.wire.sqs().queues(), ["orders"]);
    let client = world.dynamodb(LOCAL);
    client
        .delete_item()
        .table_name(TABLE)
        .set_key(Some(key("CART#1", "META")))
        .send()
        .await
        .unwrap();
    world.wire.sqs().send("orders", "a").unwrap();
    world.wire.load(&folder.0).unwrap();
    assert_eq!(count(&world, "CART#1").await, 1);
    assert!(world.wire.sqs().receive("orders", 1).is_empty());
}

#[tokio::test]
async fn a_world_in_memory_goes_on_from_a_saved_one() {
    let folder = Folder::new();
    let template = world().await;
    template.table().await;
    template.queue("orders", &wire::QueueAttributes::default());
    template.wire.sqs().send("orders", "a").unwrap();
    let put = template.dynamodb(LOCAL).put_item().table_name(TABLE);
    put.set_item(Some(key("CART#1", "META"))).send().await.unwrap();
    template.wire.save(&folder.0).unwrap();
    for _ in 0..2 {
        let world = template.copy(&folder.0).await;
        assert_eq!(count(&world, "CART#1").await, 1);
        assert_eq!(world.wire.sqs().receive("orders", 1).len(), 1);
        let delete = world.dynamodb(LOCAL).delete_item().table_name(TABLE);
        delete.set_key(Some(key("CART#1", "META"))).send().await.unwrap();
        let records = world.wire.stream(TABLE, &mut StreamCursor::default(), 10);
        assert_eq!(records.len(), 2, "what was, and what came");
    }
    assert_eq!(count(&template, "CART#1").await, 1);
    // Expiry follows the clock of the copy.
    let nothing = empty().await;
    expiry_follows_the_clock(&template.copy(&nothing.0).await).await;
}

/// The folder of a saved world with nothing in it.
async fn empty() -> Folder {
    let folder = Folder::new();
    world().await.wire.save(&folder.0).unwrap();
    folder
}

/// A benchmark: `cargo test -p wire -- --ignored --nocapture worlds`.
#[tokio::test]
#[ignore = "prints times"]
#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
async fn worlds_start_quickly() {
    const WORLDS: u32 = 50;
    let begin = std::time::Instant::now();
    for _ in 0..WORLDS {
        world().await.wire.shutdown();
    }
    println!("start: {:?} each", begin.elapsed() / WORLDS);
    let folder = Folder::new();
    let world = world().await;
    world.table().await;
    world.wire.save(&folder.0).unwrap();
    let begin = std::time::Instant::now();
    for _ in 0..WORLDS {
        world.wire.load(&folder.0).unwrap();
    }
    println!("load: {:?} each", begin.elapsed() / WORLDS);
    let client = world.dynamodb(CALLER);
    let begin = std::time::Instant::now();
    for n in 0..1000 {
        let put = client.put_item().table_name(TABLE).set_item(Some(key("A", &format!("{n}"))));
        put.send().await.unwrap();
    }
    println!("put: {:?} each", begin.elapsed() / 1000);
    let url = world.queue("orders", &wire::QueueAttributes::default());
    let client = world.sqs(CALLER);
    let begin = std::time::Instant::now();
    for _ in 0..1000 {
        client.send_message().queue_url(&url).message_body("a").send().await.unwrap();
    }
    println!("send: {:?} each", begin.elapsed() / 1000);
}
