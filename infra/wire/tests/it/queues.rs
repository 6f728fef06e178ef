//! SQS.

use aws_sdk_sqs::error::ProvideErrorMetadata;
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry,
    MessageAttributeValue, MessageSystemAttributeName, QueueAttributeName,
    SendMessageBatchRequestEntry, SendMessageBatchResultEntry,
};
use wire::{LOCAL, MESSAGE_BYTES_MAX, QueueAttributes};

use crate::world::{Folder, world, world_in};

fn with_dlq(dlq: &str, receives_max: u32) -> QueueAttributes {
    QueueAttributes { redrive: Some((dlq.to_owned(), receives_max)), ..QueueAttributes::default() }
}

fn fifo() -> QueueAttributes {
    QueueAttributes { fifo: true, ..QueueAttributes::default() }
}

#[tokio::test]
async fn a_message_arrives_with_its_attributes_and_digests() {
    let world = world().await;
    let url = world.queue("orders", &QueueAttributes::default());
    let sqs = world.sqs(LOCAL);
    let origin =
        MessageAttributeValue::builder().data_type("String").string_value("web").build().unwrap();
    let sent = sqs
        .send_message()
        .queue_url(&url)
        .message_body("hello")
        .message_attributes("origin", origin)
        .send()
        .await
        .unwrap();
    assert_eq!(sent.md5_of_message_body(), Some("5d41402abc4b2a76b9719d911017c592"));

    let received = sqs
        .receive_message()
        .queue_url(&url)
        .message_attribute_names("All")
        .message_system_attribute_names(MessageSystemAttributeName::All)
        .send()
        .await
        .unwrap();
    let message = &received.messages()[0];
    assert_eq!(message.message_id(), sent.message_id());
    assert_eq!(message.body(), Some("hello"));
    assert_eq!(message.md5_of_message_attributes(), sent.md5_of_message_attributes());
    let origin = &message.message_attributes().unwrap()["origin"];
    assert_eq!(origin.string_value(), Some("web"));
    let system = message.attributes().unwrap();
    assert_eq!(system[&MessageSystemAttributeName::ApproximateReceiveCount], "1");
    assert_eq!(system[&MessageSystemAttributeName::SentTimestamp], world.now_ms().to_string());
}

#[tokio::test]
async fn a_received_message_is_hidden_until_its_timeout_passes() {
    let world = world().await;
    let url = world.queue("orders", &QueueAttributes::default());
    let sqs = world.sqs(LOCAL);
    sqs.send_message().queue_url(&url).message_body("a").send().await.unwrap();
    let receive = || async {
        let found = sqs.receive_message().queue_url(&url).send().await.unwrap();
        found.messages.unwrap_or_default()
    };
    let first = receive().await;
    assert_eq!(first.len(), 1);
    assert!(receive().await.is_empty());
    assert_eq!(world.wire.sqs().next_visible_at_ms(), Some(world.now_ms() + 30_000));
    world.pass_seconds(29);
    assert!(receive().await.is_empty());
    world.pass_seconds(1);
    let second = receive().await;
    assert_eq!(second[0].message_id(), first[0].message_id());

    // The first receipt is stale: accepted, but without effect.
    let stale = first[0].receipt_handle().unwrap();
    sqs.delete_message().queue_url(&url).receipt_handle(stale).send().await.unwrap();
    world.pass_seconds(30);
    let third = receive().await;
    let valid = third[0].receipt_handle().unwrap();
    sqs.delete_message().queue_url(&url).receipt_handle(valid).send().await.unwrap();
    world.pass_seconds(30);
    assert!(receive().await.is_empty());
}

#[tokio::test]
async fn visibility_can_be_changed_only_in_flight() {
    let world = world().await;
    let url = world.queue("orders", &QueueAttributes::default());
    let sqs = world.sqs(LOCAL);
    world.wire.sqs().send("orders", "a").unwrap();
    let message = world.wire.sqs().receive("orders", 1).remove(0);
    let change = |seconds| {
        sqs.change_message_visibility()
            .queue_url(&url)
            .receipt_handle(&message.receipt)
            .visibility_timeout(seconds)
            .send()
    };
    change(100).await.unwrap();
    world.pass_seconds(50);
    assert!(world.wire.sqs().receive("orders", 1).is_empty());
    change(0).await.unwrap();
    let refused = change(10).await.unwrap_err();
    assert!(refused.into_service_error().is_message_not_inflight());
    assert_eq!(world.wire.sqs().receive("orders", 1)[0].receive_count, 2);
    let wrong = sqs.delete_message().queue_url(&url).receipt_handle("nonsense!").send().await;
    assert!(wrong.unwrap_err().into_service_error().is_receipt_handle_is_invalid());
}

#[tokio::test]
async fn what_is_received_too_often_goes_to_the_dead_letters_and_back() {
    let world = world().await;
    world.queue("orders-dlq", &QueueAttributes::default());
    world.queue("orders", &with_dlq("orders-dlq", 2));
    let sqs = world.wire.sqs();
    let id = sqs.send("orders", "poison").unwrap();
    for count in 1..=2 {
        assert_eq!(sqs.receive("orders", 10)[0].receive_count, count);
        world.pass_seconds(30);
    }
    assert!(sqs.receive("orders", 10).is_empty());
    let depths = sqs.depths();
    let dlq = depths.iter().find(|depth| depth.queue == "orders-dlq").unwrap();
    assert!(dlq.is_dlq);
    assert_eq!((dlq.visible, dlq.in_flight, dlq.delayed), (1, 0, 0));
    let dead = sqs.receive("orders-dlq", 1).remove(0);
    assert_eq!(dead.id, id);
    assert_eq!(dead.attributes["DeadLetterQueueSourceArn"], sqs.arn("orders"));
    assert!(sqs.release(&dead.receipt, 0));

    let task = world
        .sqs(LOCAL)
        .start_message_move_task()
        .source_arn(sqs.arn("orders-dlq"))
        .send()
        .await
        .unwrap();
    assert!(task.task_handle().is_some());
    let again = sqs.receive("orders", 1).remove(0);
    assert_eq!((again.body.as_str(), again.receive_count), ("poison", 1));
    assert_ne!(again.id, id);
    assert_eq!(sqs.redrive("orders"), 0);
}

#[tokio::test]
async fn delays_and_retention_follow_the_clock() {
    let world = world().await;
    let attributes = QueueAttributes { retention_seconds: 60, ..QueueAttributes::default() };
    let url = world.queue("orders", &attributes);
    let sqs = world.sqs(LOCAL);
    let send = sqs.send_message().queue_url(&url).message_body("later").delay_seconds(20);
    send.send().await.unwrap();
    assert_eq!(world.wire.sqs().depths()[0].delayed, 1);
    assert!(world.wire.sqs().receive("orders", 1).is_empty());
    world.pass_seconds(20);
    assert_eq!(world.wire.sqs().receive("orders", 1).len(), 1);
    world.pass_seconds(40);
    assert!(world.wire.sqs().receive("orders", 1).is_empty());
    assert_eq!(world.wire.sqs().depths()[0].visible, 0);
}

#[tokio::test]
async fn a_batch_fails_in_parts_and_as_a_whole() {
    let world = world().await;
    let url = world.queue("orders", &QueueAttributes::default());
    let sqs = world.sqs(LOCAL);
    let entry = |id: &str, body: &str| {
        SendMessageBatchRequestEntry::builder().id(id).message_body(body).build().unwrap()
    };
    let mixed = sqs
        .send_message_batch()
        .queue_url(&url)
        .entries(entry("good", "a"))
        .entries(entry("empty", ""))
        .entries(entry("control", "a\u{1}b"))
        .entries(entry("fine", "b"))
        .send()
        .await
        .unwrap();
    let good: Vec<_> = mixed.successful().iter().map(SendMessageBatchResultEntry::id).collect();
    let bad: Vec<_> = mixed.failed().iter().map(|one| (one.id(), one.code())).collect();
    assert_eq!(good, ["good", "fine"]);
    assert_eq!(bad, [("empty", "MissingParameter"), ("control", "InvalidMessageContents")]);
    assert!(mixed.failed().iter().all(aws_sdk_sqs::types::BatchResultErrorEntry::sender_fault));

    let eleven = (0..11).map(|n| entry(&format!("n{n}"), "x")).collect();
    let refused = sqs.send_message_batch().queue_url(&url).set_entries(Some(eleven)).send().await;
    assert!(refused.unwrap_err().into_service_error().is_too_many_entries_in_batch_request());
    let twins = sqs
        .send_message_batch()
        .queue_url(&url)
        .entries(entry("a", "1"))
        .entries(entry("a", "2"))
        .send()
        .await;
    assert!(twins.unwrap_err().into_service_error().is_batch_entry_ids_not_distinct());
    let half = "x".repeat(MESSAGE_BYTES_MAX / 2 + 1);
    let heavy = sqs
        .send_message_batch()
        .queue_url(&url)
        .entries(entry("a", &half))
        .entries(entry("b", &half))
        .send()
        .await;
    assert!(heavy.unwrap_err().into_service_error().is_batch_request_too_long());
    let whole = "x".repeat(MESSAGE_BYTES_MAX + 1);
    let heavy = sqs.send_message().queue_url(&url).message_body(whole).send().await;
    assert_eq!(heavy.unwrap_err().code(), Some("InvalidParameterValue"));

    let received = world.wire.sqs().receive("orders", 10);
    assert_eq!(received.len(), 2);
    let hide = |message: &wire::Message, id: &str| {
        ChangeMessageVisibilityBatchRequestEntry::builder()
            .id(id)
            .receipt_handle(&message.receipt)
            .visibility_timeout(5)
            .build()
            .unwrap()
    };
    let hidden = sqs
        .change_message_visibility_batch()
        .queue_url(&url)
        .entries(hide(&received[0], "0"))
        .entries(hide(&received[1], "1"))
        .send()
        .await
        .unwrap();
    assert_eq!(hidden.successful().len(), 2);
    let delete = |receipt: &str, id: &str| {
        DeleteMessageBatchRequestEntry::builder().id(id).receipt_handle(receipt).build().unwrap()
    };
    let deleted = sqs
        .delete_message_batch()
        .queue_url(&url)
        .entries(delete(&received[0].receipt, "0"))
        .entries(delete("nonsense!", "1"))
        .send()
        .await
        .unwrap();
    assert_eq!((deleted.successful().len(), deleted.failed().len()), (1, 1));
}

#[tokio::test]
async fn a_fifo_group_keeps_its_order_and_waits_for_its_first() {
    let world = world().await;
    let url = world.queue("events.fifo", &fifo());
    let sqs = world.sqs(LOCAL);
    for (group, body) in [("a", "a1"), ("a", "a2"), ("b", "b1")] {
        let send = sqs.send_message().queue_url(&url).message_group_id(group).message_body(body);
        let sent = send.message_deduplication_id(body).send().await.unwrap();
        assert_eq!(sent.sequence_number().unwrap().len(), 20);
    }
    let queue = world.wire.sqs();
    let first = queue.receive("events.fifo", 1).remove(0);
    assert_eq!(first.body, "a1");
    assert_eq!(first.attributes["MessageGroupId"], "a");
    let others = queue.receive("events.fifo", 10);
    assert_eq!(others.iter().map(|m| m.body.as_str()).collect::<Vec<_>>(), ["b1"]);
    assert!(queue.delete(&first.receipt));
    let next = queue.receive("events.fifo", 10);
    assert_eq!(next.iter().map(|m| m.body.as_str()).collect::<Vec<_>>(), ["a2"]);
}

#[tokio::test]
async fn a_fifo_queue_takes_a_message_once_in_five_minutes() {
    let world = world().await;
    let url = world.queue("events.fifo", &QueueAttributes { content_based_dedup: true, ..fifo() });
    let sqs = world.sqs(LOCAL);
    let send = || async {
        let send = sqs.send_message().queue_url(&url).message_group_id("a").message_body("same");
        send.send().await.unwrap().message_id.unwrap()
    };
    let first = send().await;
    assert_eq!(send().await, first);
    assert_eq!(world.wire.sqs().depths()[0].visible, 1);
    world.pass_seconds(300);
    assert_ne!(send().await, first);
    assert_eq!(world.wire.sqs().depths()[0].visible, 2);

    let no_group = sqs.send_message().queue_url(&url).message_body("x").send().await;
    assert_eq!(no_group.unwrap_err().code(), Some("MissingParameter"));
}

#[tokio::test]
async fn queues_are_found_described_listed_and_purged() {
    let world = world().await;
    world.queue("orders-dlq", &QueueAttributes::default());
    let url = world.queue("orders", &with_dlq("orders-dlq", 5));
    let sqs = world.sqs(LOCAL);
    let found = sqs.get_queue_url().queue_name("orders").send().await.unwrap();
    assert_eq!(found.queue_url(), Some(url.as_str()));
    let missing = sqs.get_queue_url().queue_name("nothing").send().await.unwrap_err();
    assert!(missing.into_service_error().is_queue_does_not_exist());
    world.wire.sqs().send("orders", "a").unwrap();
    let attributes = sqs
        .get_queue_attributes()
        .queue_url(&url)
        .attribute_names(QueueAttributeName::All)
        .send()
        .await
        .unwrap()
        .attributes
        .unwrap();
    assert_eq!(attributes[&QueueAttributeName::ApproximateNumberOfMessages], "1");
    assert!(attributes[&QueueAttributeName::RedrivePolicy].contains("orders-dlq"));
    let listed = sqs.list_queues().queue_name_prefix("orders-").send().await.unwrap();
    assert_eq!(listed.queue_urls().len(), 1);
    sqs.purge_queue().queue_url(&url).send().await.unwrap();
    assert!(world.wire.sqs().receive("orders", 1).is_empty());
}

#[tokio::test]
async fn a_message_and_its_invisibility_survive_the_process() {
    let folder = Folder::new();
    let id = {
        let world = world_in(Some(folder.0.clone())).await;
        world.queue("orders", &QueueAttributes::default());
        let id = world.wire.sqs().send("orders", "kept").unwrap();
        world.wire.sqs().send("orders", "gone").unwrap();
        let received = world.wire.sqs().receive("orders", 2);
        assert!(world.wire.sqs().delete(&received[1].receipt));
        id
        // Nothing is flushed on purpose: the world is dropped as it is.
    };
    let world = world_in(Some(folder.0.clone())).await;
    world.queue("orders", &QueueAttributes::default());
    let sqs = world.wire.sqs();
    assert_eq!(sqs.depths()[0].in_flight, 1);
    world.pass_seconds(30);
    let again = sqs.receive("orders", 2);
    assert_eq!(again.len(), 1);
    assert_eq!((again[0].id.as_str(), again[0].receive_count), (id.as_str(), 2));
}

#[tokio::test]
async fn a_message_becomes_a_lambda_record() {
    let world = world().await;
    world.queue("orders", &QueueAttributes::default());
    world.wire.sqs().send("orders", "{}").unwrap();
    let record = world.wire.sqs().receive("orders", 1)[0].lambda_record();
    assert_eq!(record["eventSource"], "aws:sqs");
    assert_eq!(record["eventSourceARN"], "arn:aws:sqs:eu-central-1:123456789012:orders");
    assert_eq!(record["attributes"]["ApproximateReceiveCount"], "1");
    assert_eq!(record["body"], "{}");
}
