//! A world with a clock that stands still until it is told to move.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType, StreamSpecification, StreamViewType,
    TimeToLiveSpecification,
};
use wire::{LOCAL, Options, QueueAttributes, Wire};

pub(crate) const TABLE: &str = "fluxion-carts";
pub(crate) const CALLER: &str = "cart.store.add_line";

pub(crate) struct World {
    pub(crate) wire: Wire,
    now_ms: Arc<AtomicI64>,
}

pub(crate) async fn world() -> World {
    world_in(None).await
}

pub(crate) async fn world_in(data_dir: Option<PathBuf>) -> World {
    let now_ms = Arc::new(AtomicI64::new(1_900_000_000_000));
    let wire = Wire::start(options(data_dir, &now_ms)).await.unwrap();
    World { wire, now_ms }
}

fn options(data_dir: Option<PathBuf>, now_ms: &Arc<AtomicI64>) -> Options {
    let clock = Arc::clone(now_ms);
    Options {
        data_dir,
        now_ms: Arc::new(move || clock.load(Ordering::SeqCst)),
        seed: 7,
        region: "eu-central-1".to_owned(),
        account: "123456789012".to_owned(),
    }
}

impl World {
    /// A world in memory that goes on from what was saved, at the same time.
    pub(crate) async fn copy(&self, folder: &Path) -> Self {
        let now_ms = Arc::new(AtomicI64::new(self.now_ms()));
        let wire = Wire::start_from(options(None, &now_ms), folder).await.unwrap();
        Self { wire, now_ms }
    }

    pub(crate) fn pass_seconds(&self, seconds: i64) {
        self.now_ms.fetch_add(seconds * 1000, Ordering::SeqCst);
    }

    pub(crate) fn now_ms(&self) -> i64 {
        self.now_ms.load(Ordering::SeqCst)
    }

    pub(crate) fn queue(&self, name: &str, attributes: &QueueAttributes) -> String {
        self.wire.sqs().create(name, attributes).unwrap();
        self.wire.sqs().url(name)
    }

    pub(crate) fn sqs(&self, caller: &str) -> aws_sdk_sqs::Client {
        aws_sdk_sqs::Client::new(&self.wire.sdk_config(caller))
    }

    pub(crate) fn ses(&self, caller: &str) -> aws_sdk_ses::Client {
        aws_sdk_ses::Client::new(&self.wire.sdk_config(caller))
    }

    pub(crate) fn secrets(&self, caller: &str) -> aws_sdk_secretsmanager::Client {
        aws_sdk_secretsmanager::Client::new(&self.wire.sdk_config(caller))
    }

    /// Without the SDK's own retries, so that a fault is seen as it is.
    pub(crate) fn dynamodb(&self, caller: &str) -> aws_sdk_dynamodb::Client {
        let config = self.wire.sdk_config(caller);
        let once = aws_sdk_dynamodb::config::retry::RetryConfig::disabled();
        aws_sdk_dynamodb::Client::new(&config.into_builder().retry_config(once).build())
    }

    /// A table with partition key `pk`, sort key `sk`, index `by_owner`, TTL and a stream.
    pub(crate) async fn table(&self) {
        let attribute = |name: &str| {
            AttributeDefinition::builder()
                .attribute_name(name)
                .attribute_type(ScalarAttributeType::S)
                .build()
                .unwrap()
        };
        let key = |name: &str, kind| {
            KeySchemaElement::builder().attribute_name(name).key_type(kind).build().unwrap()
        };
        let client = self.dynamodb(LOCAL);
        client
            .create_table()
            .table_name(TABLE)
            .attribute_definitions(attribute("pk"))
            .attribute_definitions(attribute("sk"))
            .attribute_definitions(attribute("owner"))
            .key_schema(key("pk", KeyType::Hash))
            .key_schema(key("sk", KeyType::Range))
            .global_secondary_indexes(
                GlobalSecondaryIndex::builder()
                    .index_name("by_owner")
                    .key_schema(key("owner", KeyType::Hash))
                    .projection(Projection::builder().projection_type(ProjectionType::All).build())
                    .build()
                    .unwrap(),
            )
            .billing_mode(BillingMode::PayPerRequest)
            .stream_specification(
                StreamSpecification::builder()
                    .stream_enabled(true)
                    .stream_view_type(StreamViewType::NewAndOldImages)
                    .build()
                    .unwrap(),
            )
            .send()
            .await
            .unwrap();
        client
            .update_time_to_live()
            .table_name(TABLE)
            .time_to_live_specification(
                TimeToLiveSpecification::builder()
                    .attribute_name("expires_at")
                    .enabled(true)
                    .build()
                    .unwrap(),
            )
            .send()
            .await
            .unwrap();
    }
}

/// A folder of this test's own, gone when dropped.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::SeqCst);
        let path = std::env::temp_dir().join(format!("wire-test-{}-{count}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
