//! A process is killed in the middle of its work, and nothing it was promised is lost.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use aws_sdk_dynamodb::types::AttributeValue;
use wire::{LOCAL, QueueAttributes};

use crate::world::{Folder, TABLE, world_in};

const FOLDER: &str = "WIRE_TEST_FOLDER";
const ACKNOWLEDGED: &str = "acknowledged ";
/// How many acknowledgements the parent waits for before it kills.
const ENOUGH: usize = 40;

/// Not a test of its own: what the child process does until it is killed.
#[tokio::test]
#[ignore = "runs as the child of the test below"]
async fn child() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let world = world_in(Some(PathBuf::from(folder))).await;
    world.table().await;
    let url = world.queue("orders", &QueueAttributes::default());
    world.wire.ses().verify("shop.example").unwrap();
    for n in 0.. {
        let item = world.dynamodb(LOCAL).put_item().table_name(TABLE);
        let item = item.item("pk", AttributeValue::S("A".to_owned()));
        item.item("sk", AttributeValue::S(format!("{n}"))).send().await.unwrap();
        let send = world.sqs(LOCAL).send_message().queue_url(&url);
        send.message_body(format!("{n}")).send().await.unwrap();
        println!("{ACKNOWLEDGED}{n}");
    }
}

#[tokio::test]
async fn what_was_acknowledged_outlives_kill_minus_nine() {
    let folder = Folder::new();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "killed::child", "--ignored", "--nocapture"])
        .env(FOLDER, &folder.0)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let told: Vec<String> = lines
        .filter_map(|line| Some(line.split_once(ACKNOWLEDGED)?.1.to_owned()))
        .take(ENOUGH)
        .collect();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(told.len(), ENOUGH);

    let world = world_in(Some(folder.0.clone())).await;
    let client = world.dynamodb(LOCAL);
    let scan = client.scan().table_name(TABLE).send().await.unwrap();
    let stored: Vec<&String> = scan.items().iter().map(|item| item["sk"].as_s().unwrap()).collect();
    let sent: Vec<String> =
        world.wire.sqs().receive("orders", 1000).into_iter().map(|m| m.body).collect();
    for n in &told {
        assert!(stored.contains(&n), "item {n} was lost");
        assert!(sent.contains(n), "message {n} was lost");
    }
}
