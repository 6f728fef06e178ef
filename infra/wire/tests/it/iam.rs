//! Policies, executed.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, Put, TransactWriteItem};
use aws_sdk_ses::primitives::Blob;
use aws_sdk_ses::types::{Body, Content, Destination, Message, RawMessage};
use serde_json::{Value, json};
use wire::{Asked, LOCAL, QueueAttributes, Statement};

use crate::world::{CALLER, TABLE, World, world};

const TABLE_ARN: &str = "arn:aws:dynamodb:eu-central-1:123456789012:table/fluxion-carts";

fn allow(world: &World, statements: Value) {
    let statements: Vec<Statement> = serde_json::from_value(statements).unwrap();
    world.wire.iam().set(BTreeMap::from([(CALLER.to_owned(), statements)])).unwrap();
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

async fn put(world: &World, caller: &str, pk: &str) -> Option<String> {
    let put = world.dynamodb(caller).put_item().table_name(TABLE);
    let done = put.item("pk", text(pk)).item("sk", text("META")).send().await;
    done.err().map(|error| error.code().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn only_what_is_granted_passes_and_the_host_is_not_asked() {
    let world = world().await;
    world.table().await;
    assert_eq!(put(&world, CALLER, "A").await, None);
    allow(
        &world,
        json!([
            {"Sid": "Write", "Effect": "Allow", "Action": ["dynamodb:PutItem", "dynamodb:Query"],
             "Resource": [TABLE_ARN]},
        ]),
    );
    assert_eq!(put(&world, CALLER, "A").await, None);
    assert_eq!(put(&world, "another.handler", "A").await.as_deref(), Some("AccessDeniedException"));
    assert_eq!(put(&world, LOCAL, "A").await, None);
    let query = |index: Option<&str>| {
        let query = world.dynamodb(CALLER).query().table_name(TABLE);
        let query = query.set_index_name(index.map(str::to_owned));
        let key = if index.is_some() { "owner" } else { "pk" };
        query
            .key_condition_expression("#k = :k")
            .expression_attribute_names("#k", key)
            .expression_attribute_values(":k", text("A"))
            .send()
    };
    query(None).await.unwrap();
    let denied = query(Some("by_owner")).await.unwrap_err();
    assert!(denied.message().unwrap().contains("table/fluxion-carts/index/by_owner"));
    let denials = world.wire.iam().denials();
    assert_eq!(denials.len(), 2);
    world.wire.iam().clear();
    query(Some("by_owner")).await.unwrap();
}

#[tokio::test]
async fn what_was_asked_for_tells_which_part_of_a_policy_would_be_missed() {
    let world = world().await;
    world.table().await;
    let policy = json!([
        {"Sid": "Write", "Effect": "Allow", "Action": ["dynamodb:PutItem", "dynamodb:Query"],
         "Resource": [TABLE_ARN],
         "Condition": {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["A#*", "B#*"]}}},
    ]);
    allow(&world, policy.clone());
    assert_eq!(put(&world, CALLER, "A#0").await, None);
    world.wire.iam().keep_asked();
    assert_eq!(put(&world, CALLER, "B#1").await, None);
    let mut asked = world.wire.iam().asked();
    let with = |pointer: &str, left: Value| {
        let mut policy = policy.clone();
        *policy.pointer_mut(pointer).unwrap() = left;
        serde_json::from_value::<Vec<Statement>>(policy).unwrap()
    };
    let is_denied = |asked: &Asked, rest: &[Statement]| asked.is_denied(CALLER, rest).unwrap();
    let keys = "/0/Condition/ForAllValues:StringLike/dynamodb:LeadingKeys";
    assert!(!is_denied(&asked, &with("/0/Sid", json!("Same"))));
    assert!(is_denied(&asked, &[]));
    assert!(is_denied(&asked, &with("/0/Action", json!(["dynamodb:Query"]))));
    assert!(is_denied(&asked, &with(keys, json!(["A#*"]))));
    // Nothing was queried, and A#0 was written before anybody listened.
    assert!(!is_denied(&asked, &with("/0/Action", json!(["dynamodb:PutItem"]))));
    assert!(!is_denied(&asked, &with(keys, json!(["B#*"]))));
    // What is refused was asked for, too; and what is asked for elsewhere adds to it.
    world.wire.iam().keep_asked();
    assert!(put(&world, CALLER, "C#1").await.is_some());
    asked.extend(world.wire.iam().asked());
    assert!(is_denied(&asked, &with("/0/Sid", json!("Same"))));
    // A Deny beats every Allow here as well.
    let both = json!([
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "Action": "dynamodb:PutItem", "Resource": "*"},
    ]);
    let rest: Vec<Statement> = serde_json::from_value(both).unwrap();
    assert!(!is_denied(&asked, &rest[..1]) && is_denied(&asked, &rest));
    let odd = json!([{"Effect": "Allow", "Action": "*", "Resource": "*",
        "Condition": {"Bool": {"aws:SecureTransport": "true"}}}]);
    let odd: Vec<Statement> = serde_json::from_value(odd).unwrap();
    assert!(asked.is_denied(CALLER, &odd).is_err());
}

#[tokio::test]
async fn every_item_of_a_transaction_needs_its_own_grant() {
    let world = world().await;
    world.table().await;
    let item = Put::builder().table_name(TABLE).item("pk", text("A")).item("sk", text("B"));
    let item = TransactWriteItem::builder().put(item.build().unwrap()).build();
    let check = ConditionCheck::builder()
        .table_name(TABLE)
        .key("pk", text("C"))
        .key("sk", text("D"))
        .condition_expression("attribute_not_exists(pk)")
        .build()
        .unwrap();
    let check = TransactWriteItem::builder().condition_check(check).build();
    let client = world.dynamodb(CALLER);
    let write = || {
        let write = client.transact_write_items();
        write.transact_items(item.clone()).transact_items(check.clone()).send()
    };
    allow(
        &world,
        json!([
            {"Effect": "Allow", "Action": "dynamodb:PutItem", "Resource": TABLE_ARN},
        ]),
    );
    let denied = write().await.unwrap_err();
    assert!(denied.message().unwrap().contains("dynamodb:ConditionCheckItem"), "{denied:?}");
    allow(
        &world,
        json!([
            {"Effect": "Allow", "Action": ["dynamodb:PutItem", "dynamodb:ConditionCheck*"],
             "Resource": TABLE_ARN},
        ]),
    );
    write().await.unwrap();
}

#[tokio::test]
async fn leading_keys_fence_a_caller_in() {
    let world = world().await;
    world.table().await;
    allow(
        &world,
        json!([
            {"Effect": "Allow", "Action": ["dynamodb:PutItem", "dynamodb:Query",
                                           "dynamodb:BatchWriteItem"],
             "Resource": TABLE_ARN,
             "Condition": {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["CART#*"]}}},
        ]),
    );
    assert_eq!(put(&world, CALLER, "CART#1").await, None);
    assert_eq!(put(&world, CALLER, "ORDER#1").await.as_deref(), Some("AccessDeniedException"));
    let query = |pk: &str| {
        let query = world.dynamodb(CALLER).query().table_name(TABLE);
        let query = query.key_condition_expression("pk = :k AND begins_with(sk, :s)");
        let query = query.expression_attribute_values(":s", text("M"));
        query.expression_attribute_values(":k", text(pk)).send()
    };
    query("CART#1").await.unwrap();
    assert!(query("ORDER#1").await.is_err());
}

#[tokio::test]
async fn attributes_can_be_fenced_and_a_deny_beats_an_allow() {
    let world = world().await;
    world.table().await;
    allow(
        &world,
        json!([
            {"Sid": "All", "Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"},
            {"Sid": "NotTheOwner", "Effect": "Deny", "Action": "dynamodb:UpdateItem",
             "Resource": "*",
             "Condition": {"StringEquals": {"dynamodb:Attributes": ["pk", "sk", "owner"]}}},
        ]),
    );
    let update = |attribute: &str| {
        let update = world.dynamodb(CALLER).update_item().table_name(TABLE);
        let update = update.key("pk", text("A")).key("sk", text("B"));
        let update = update.update_expression("SET #a = :v");
        let update = update.expression_attribute_names("#a", attribute);
        update.expression_attribute_values(":v", text("x")).send()
    };
    update("note").await.unwrap();
    assert_eq!(update("owner").await.unwrap_err().code(), Some("AccessDeniedException"));
}

#[tokio::test]
async fn queues_mails_and_secrets_are_checked_by_their_arns() {
    let world = world().await;
    let url = world.queue("orders", &QueueAttributes::default());
    let other = world.queue("others", &QueueAttributes::default());
    world.wire.ses().verify("shop.example").unwrap();
    world.wire.put_secret("shop/stripe", "value").await.unwrap();
    world.wire.put_secret("shop/other", "value").await.unwrap();
    allow(
        &world,
        json!([
            {"Sid": "Queue", "Effect": "Allow", "Action": "sqs:SendMessage",
             "Resource": "arn:aws:sqs:eu-central-1:123456789012:orders"},
            {"Sid": "Mail", "Effect": "Allow", "Action": "ses:SendEmail",
             "Resource": "arn:aws:ses:eu-central-1:123456789012:identity/shop.example"},
            {"Sid": "Secret", "Effect": "Allow", "Action": "secretsmanager:GetSecretValue",
             "Resource": "arn:aws:secretsmanager:*:123456789012:secret:shop/stripe-??????"},
            {"Sid": "Never", "Effect": "Allow", "Action": "sqs:PurgeQueue", "Resource": "*"},
        ]),
    );
    let sqs = world.sqs(CALLER);
    let send = |url: &str| sqs.send_message().queue_url(url).message_body("a").send();
    send(&url).await.unwrap();
    assert_eq!(send(&other).await.unwrap_err().code(), Some("AccessDenied"));
    let secrets = world.secrets(CALLER);
    let get = |name: &str| secrets.get_secret_value().secret_id(name).send();
    get("shop/stripe").await.unwrap();
    assert_eq!(get("shop/other").await.unwrap_err().code(), Some("AccessDeniedException"));
    let content = |data: &str| Content::builder().data(data).build().unwrap();
    let mail = |from: &str| {
        let body = Body::builder().text(content("b")).build();
        world
            .ses(CALLER)
            .send_email()
            .source(from)
            .destination(Destination::builder().to_addresses("a@b.example").build())
            .message(Message::builder().subject(content("s")).body(body).build())
            .send()
    };
    mail("Shop <mail@shop.example>").await.unwrap();
    let raw = "From: Shop <mail@shop.example>\r\nTo: a@b.example\r\n\r\nHello";
    let raw = RawMessage::builder().data(Blob::new(raw)).build().unwrap();
    let raw = world.ses(CALLER).send_raw_email().raw_message(raw).send().await.unwrap_err();
    assert!(raw.message().unwrap().contains("ses:SendRawEmail on resource: arn:aws:ses:"));
    assert_eq!(mail("mail@else.example").await.unwrap_err().code(), Some("AccessDenied"));
    let sids = |grants: std::collections::BTreeSet<wire::Grant>| {
        let mut sids: Vec<_> = grants.into_iter().map(|grant| grant.sid).collect();
        sids.dedup();
        sids
    };
    assert_eq!(sids(world.wire.iam().used()), ["Mail", "Queue", "Secret"]);
    assert_eq!(sids(world.wire.iam().unused()), ["Never"]);
}
