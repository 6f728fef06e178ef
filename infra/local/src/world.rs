//! The emulated AWS, filled with what the templates declare: tables, queues, buckets, policies.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType, StreamSpecification, StreamViewType,
    TimeToLiveSpecification,
};
use templates::{Queue, Stack, Table};
use wire::{BucketAttributes, Iam, QueueAttributes, Wire};

use crate::error::Error;

/// Makes what is not there yet. What is there keeps its content.
pub(crate) async fn fill(wire: &Wire, stack: &Stack) -> Result<(), Error> {
    let client = Client::new(&wire.sdk_config(wire::LOCAL));
    let listed = client
        .list_tables()
        .send()
        .await
        .map_err(|error| Error::setup("the tables can not be listed", full(&error)))?;
    for table in &stack.tables {
        if !listed.table_names().contains(&table.name) {
            create_table(&client, table).await?;
        }
    }
    for queue in &stack.queues {
        wire.sqs().create(&queue.name, &attributes(queue)?)?;
    }
    for set in &stack.configuration_sets {
        wire.ses().create_configuration_set(&set.name)?;
    }
    for bucket in &stack.buckets {
        let (announces, expiry) = (bucket.announces, bucket.expiry.clone());
        wire.s3().create(&bucket.name, &BucketAttributes { announces, expiry })?;
    }
    Ok(())
}

/// The policies of the templates, as a world checks calls by them.
pub(crate) fn policies(stack: &Stack) -> Result<Iam, Error> {
    let mut policies = BTreeMap::new();
    for function in &stack.functions {
        let statements = function.statements.iter().map(|one| wire::Statement {
            sid: one.sid.clone(),
            effect: if one.effect == "Deny" { wire::Effect::Deny } else { wire::Effect::Allow },
            actions: one.actions.clone(),
            resources: one.resources.clone(),
            condition: one.condition.clone(),
        });
        policies.insert(function.handler.clone(), statements.collect());
    }
    let iam = Iam::default();
    iam.set(policies)?;
    Ok(iam)
}

/// An SDK error says little by itself; what it was caused by says the rest.
fn full(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text = format!("{text}: {next}");
        cause = next.source();
    }
    text
}

async fn create_table(client: &Client, table: &Table) -> Result<(), Error> {
    let failed = |error: &dyn std::error::Error| {
        Error::Setup(format!("the table {} can not be made: {}", table.name, full(error)))
    };
    let mut request = client
        .create_table()
        .table_name(&table.name)
        .billing_mode(BillingMode::PayPerRequest)
        .set_key_schema(Some(keys(&table.hash, table.range.as_deref()).map_err(|e| failed(&e))?));
    for (name, kind) in &table.attributes {
        let definition = AttributeDefinition::builder()
            .attribute_name(name)
            .attribute_type(ScalarAttributeType::from(kind.as_str()))
            .build()
            .map_err(|error| failed(&error))?;
        request = request.attribute_definitions(definition);
    }
    for index in &table.indexes {
        let projection = match &index.projection {
            templates::Projection::All => {
                Projection::builder().projection_type(ProjectionType::All)
            }
            templates::Projection::KeysOnly => {
                Projection::builder().projection_type(ProjectionType::KeysOnly)
            }
            templates::Projection::Include(attributes) => Projection::builder()
                .projection_type(ProjectionType::Include)
                .set_non_key_attributes(Some(attributes.clone())),
        };
        let keys = keys(&index.hash, index.range.as_deref()).map_err(|error| failed(&error))?;
        let index = GlobalSecondaryIndex::builder()
            .index_name(&index.name)
            .set_key_schema(Some(keys))
            .projection(projection.build())
            .build()
            .map_err(|error| failed(&error))?;
        request = request.global_secondary_indexes(index);
    }
    if let Some(view) = &table.stream {
        let stream = StreamSpecification::builder()
            .stream_enabled(true)
            .stream_view_type(StreamViewType::from(view.as_str()))
            .build()
            .map_err(|error| failed(&error))?;
        request = request.stream_specification(stream);
    }
    request.send().await.map_err(|error| failed(&error))?;
    if let Some(attribute) = &table.ttl_attribute {
        let ttl = TimeToLiveSpecification::builder()
            .attribute_name(attribute)
            .enabled(true)
            .build()
            .map_err(|error| failed(&error))?;
        let update = client.update_time_to_live().table_name(&table.name);
        update.time_to_live_specification(ttl).send().await.map_err(|error| failed(&error))?;
    }
    Ok(())
}

fn keys(
    hash: &str,
    range: Option<&str>,
) -> Result<Vec<KeySchemaElement>, aws_sdk_dynamodb::error::BuildError> {
    let element = |name: &str, kind: KeyType| {
        KeySchemaElement::builder().attribute_name(name).key_type(kind).build()
    };
    let mut keys = vec![element(hash, KeyType::Hash)?];
    if let Some(range) = range {
        keys.push(element(range, KeyType::Range)?);
    }
    Ok(keys)
}

fn attributes(queue: &Queue) -> Result<QueueAttributes, Error> {
    let seconds =
        |value: u64| i64::try_from(value).map_err(|error| Error::setup(&queue.name, error));
    let redrive = match &queue.redrive {
        None => None,
        Some((name, receives)) => {
            let receives =
                u32::try_from(*receives).map_err(|error| Error::setup(&queue.name, error))?;
            Some((name.clone(), receives))
        }
    };
    Ok(QueueAttributes {
        visibility_seconds: seconds(queue.visibility_seconds)?,
        delay_seconds: seconds(queue.delay_seconds)?,
        retention_seconds: seconds(queue.retention_seconds)?,
        fifo: queue.fifo,
        content_based_dedup: queue.content_based_dedup,
        redrive,
    })
}
