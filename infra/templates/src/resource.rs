//! From resources, as written, to the model: tables, queues, buckets, secrets; and what `Ref` and
//! `GetAtt` of each kind of resource give.
//!
//! Tables, queues, buckets and secrets must be named in the template: a generated name could not
//! be the same here and in the cloud.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use serde_yaml_ng::Value as Yaml;

use crate::tree::{Place, Resource, Tree};
use crate::{
    Bucket, ConfigurationSet, Function, Index, Projection, Queue, Stack, Table, Trigger, function,
};

const TABLE: &str = "AWS::DynamoDB::Table";
const QUEUE: &str = "AWS::SQS::Queue";
const SECRET: &str = "AWS::SecretsManager::Secret";
const BUCKET: &str = "AWS::S3::Bucket";
const FUNCTION: &str = "AWS::Serverless::Function";
const TOPIC: &str = "AWS::SNS::Topic";
const CONFIGURATION_SET: &str = "AWS::SES::ConfigurationSet";
const EVENT_DESTINATION: &str = "AWS::SES::ConfigurationSetEventDestination";
const SUBSCRIPTION: &str = "AWS::SNS::Subscription";
/// Four days, the default of SQS.
const RETENTION_SECONDS: u64 = 345_600;
/// The default of SQS.
const VISIBILITY_SECONDS: u64 = 30;

/// Reads every resource of every template.
pub(crate) fn collect(tree: &Tree) -> Stack {
    let mut stack = Stack::default();
    let mut functions = Vec::new();
    let mut redrives = Vec::new();
    let (mut told, mut subscribed) = (Vec::new(), Vec::new());
    for resource in tree.resources() {
        match resource.kind {
            TABLE => stack.tables.extend(table(tree, &resource)),
            QUEUE => {
                let queue = queue(tree, &resource);
                let dead = queue.as_ref().and_then(|queue| queue.redrive.clone());
                redrives.extend(dead.map(|(dead, _)| (resource.place, dead)));
                stack.queues.extend(queue);
            }
            BUCKET => stack.buckets.extend(bucket(tree, &resource)),
            SECRET => stack.secrets.extend(named(tree, &resource, resource.place, "Name")),
            CONFIGURATION_SET => {
                let name = named(tree, &resource, resource.place, "Name");
                let set = |name| ConfigurationSet { name, tells: vec![], topic: None, queue: None };
                stack.configuration_sets.extend(name.map(set));
            }
            EVENT_DESTINATION => told.push(resource),
            SUBSCRIPTION => subscribed.push(resource),
            FUNCTION => {
                let function = function::read(tree, &resource);
                functions.extend(function.map(|function| (resource.place, function)));
            }
            "AWS::DynamoDB::GlobalTable"
            | "AWS::Serverless::SimpleTable"
            | "AWS::Lambda::Function"
            | "AWS::Lambda::EventSourceMapping" => {
                tree.fault(resource.place, format!("{} is not understood here", resource.kind));
            }
            _ => {}
        }
    }
    let subscriptions: Vec<(String, String)> =
        subscribed.iter().filter_map(|resource| subscription(tree, resource)).collect();
    for resource in &told {
        destination(tree, resource, &subscriptions, &mut stack);
    }
    check(tree, &stack, &functions);
    for (place, dead) in redrives {
        if stack.queue(&dead).is_none() {
            tree.fault(place, format!("there is no dead-letter queue `{dead}`"));
        }
    }
    stack.functions = functions.into_iter().map(|(_, function)| function).collect();
    stack
}

/// The topic and the queue of a subscription; `None` where a person reads, whose mailbox nothing
/// here depends on.
fn subscription<'t>(tree: &'t Tree, resource: &Resource<'t>) -> Option<(String, String)> {
    let at = resource.place;
    let read = |key| resource.property(key).and_then(|value| tree.text(at, value));
    let (protocol, topic, endpoint) = (read("Protocol"), read("TopicArn"), read("Endpoint"));
    match protocol.as_deref() {
        Some("sqs") => {}
        Some("email") => return None,
        _ => {
            let what = "a subscription that leads to neither a queue nor a mailbox";
            tree.fault(at, format!("{what} is not understood here"));
            return None;
        }
    }
    let queue = endpoint?.rsplit(':').next().map(str::to_owned);
    Some((topic?, queue?))
}

/// Notes at its configuration set what an event destination tells, and to which queue.
fn destination<'t>(
    tree: &'t Tree,
    resource: &Resource<'t>,
    subscriptions: &[(String, String)],
    stack: &mut Stack,
) {
    let at = resource.place;
    let name = resource.property("ConfigurationSetName").and_then(|name| tree.text(at, name));
    let found = resource.property("EventDestination").and_then(|body| tree.evaluate(at, body));
    let (Some(name), Some(body)) = (name, found) else {
        tree.fault(at, "an event destination needs a ConfigurationSetName and an EventDestination");
        return;
    };
    let Some(set) = stack.configuration_sets.iter_mut().find(|set| set.name == name) else {
        tree.fault(at, format!("there is no configuration set `{name}`"));
        return;
    };
    if !flag(body.get("Enabled")).unwrap_or(false) {
        return;
    }
    let tells = entries(body.get("MatchingEventTypes")).iter().filter_map(Json::as_str);
    set.tells = tells.map(str::to_owned).collect();
    set.topic = body.get("SnsDestination").and_then(|to| text(to, "TopicARN"));
    let leads = subscriptions.iter().find(|(topic, _)| Some(topic) == set.topic.as_ref());
    set.queue = leads.map(|(_, queue)| queue.clone());
    if set.queue.as_ref().is_none_or(|queue| !stack.queues.iter().any(|one| one.name == *queue)) {
        tree.fault(at, "what is told leads to no queue");
    }
}

/// No Handler and no route twice, and nothing waits for a queue or stream that is not there.
fn check(tree: &Tree, stack: &Stack, functions: &[(Place<'_>, Function)]) {
    let mut owners: BTreeMap<String, &str> = BTreeMap::new();
    for (place, function) in functions {
        let mut claim = |what: String| {
            if let Some(other) = owners.insert(what.clone(), &function.logical_id) {
                tree.fault(*place, format!("{what} is already taken by {other}"));
            }
        };
        claim(format!("the Handler {}", function.handler));
        for trigger in &function.triggers {
            match trigger {
                // Each domain's API has one of its own.
                Trigger::Http { path, .. } if path == "$default" => {
                    claim(format!("the route {path} of {}", function.stack));
                }
                Trigger::Http { method, path } => claim(format!("the route {method} {path}")),
                Trigger::Queue { queue, .. } => {
                    if stack.queue(queue).is_none() {
                        tree.fault(*place, format!("there is no queue `{queue}`"));
                    }
                }
                Trigger::Stream { table, .. } => {
                    if stack.table(table).is_none_or(|table| table.stream.is_none()) {
                        tree.fault(*place, format!("there is no table `{table}` with a stream"));
                    }
                }
                Trigger::Upload { bucket, .. } => {
                    if stack.bucket(bucket).is_none_or(|bucket| !bucket.announces) {
                        tree.fault(*place, format!("there is no bucket `{bucket}` that announces"));
                    }
                }
                Trigger::Schedule { .. } => {}
            }
        }
    }
}

/// What `Ref` gives, where it is known.
pub(crate) fn identity<'t>(
    tree: &'t Tree,
    resource: &Resource<'t>,
    at: Place<'t>,
) -> Option<String> {
    match resource.kind {
        TABLE => named(tree, resource, at, "TableName"),
        QUEUE => queue_url(tree, resource, at),
        SECRET => secret_arn(tree, resource, at),
        FUNCTION => function_name(tree, resource, at),
        "AWS::Serverless::HttpApi" => Some(resource.place.logical_id.to_lowercase()),
        "AWS::Logs::LogGroup" => named(tree, resource, at, "LogGroupName"),
        BUCKET => named(tree, resource, at, "BucketName"),
        TOPIC => topic_arn(tree, resource, at),
        CONFIGURATION_SET => named(tree, resource, at, "Name"),
        _ => None,
    }
}

/// What `GetAtt` gives, where it is known.
pub(crate) fn attribute<'t>(
    tree: &'t Tree,
    resource: &Resource<'t>,
    at: Place<'t>,
    attribute: &str,
) -> Option<String> {
    match (resource.kind, attribute) {
        (TABLE, "Arn") => table_arn(tree, resource, at),
        (TABLE, "StreamArn") => {
            // The label is the moment the stream was enabled. Nothing depends on it.
            Some(format!("{}/stream/2026-01-01T00:00:00.000", table_arn(tree, resource, at)?))
        }
        (QUEUE, "Arn") => queue_arn(tree, resource, at),
        (QUEUE, "QueueName") => named(tree, resource, at, "QueueName"),
        (QUEUE, "QueueUrl") => queue_url(tree, resource, at),
        (SECRET, "Id") => secret_arn(tree, resource, at),
        (FUNCTION, "Arn") => {
            let name = function_name(tree, resource, at)?;
            arn(tree, at, "lambda", &format!("function:{name}"))
        }
        (BUCKET, "Arn") => bucket_arn(tree, resource, at),
        (BUCKET, "RegionalDomainName") => {
            let region = tree.pseudo(at, "AWS::Region")?;
            let suffix = tree.pseudo(at, "AWS::URLSuffix")?;
            Some(format!("{}.s3.{region}.{suffix}", named(tree, resource, at, "BucketName")?))
        }
        (TOPIC, "TopicArn") => topic_arn(tree, resource, at),
        ("AWS::Logs::LogGroup", "Arn") => {
            let name = named(tree, resource, at, "LogGroupName")?;
            arn(tree, at, "logs", &format!("log-group:{name}:*"))
        }
        _ => None,
    }
}

fn arn(tree: &Tree, at: Place<'_>, service: &str, name: &str) -> Option<String> {
    let partition = tree.pseudo(at, "AWS::Partition")?;
    let region = tree.pseudo(at, "AWS::Region")?;
    let account = tree.pseudo(at, "AWS::AccountId")?;
    Some(format!("arn:{partition}:{service}:{region}:{account}:{name}"))
}

fn named<'t>(
    tree: &'t Tree,
    resource: &Resource<'t>,
    at: Place<'t>,
    property: &str,
) -> Option<String> {
    let Some(name) = resource.property(property) else {
        tree.fault(resource.place, format!("needs an explicit {property}"));
        return None;
    };
    tree.text(at, name)
}

fn table_arn<'t>(tree: &'t Tree, resource: &Resource<'t>, at: Place<'t>) -> Option<String> {
    let name = named(tree, resource, at, "TableName")?;
    arn(tree, at, "dynamodb", &format!("table/{name}"))
}

fn queue_arn<'t>(tree: &'t Tree, resource: &Resource<'t>, at: Place<'t>) -> Option<String> {
    let name = named(tree, resource, at, "QueueName")?;
    arn(tree, at, "sqs", &name)
}

fn queue_url<'t>(tree: &'t Tree, resource: &Resource<'t>, at: Place<'t>) -> Option<String> {
    let name = named(tree, resource, at, "QueueName")?;
    let region = tree.pseudo(at, "AWS::Region")?;
    let account = tree.pseudo(at, "AWS::AccountId")?;
    let suffix = tree.pseudo(at, "AWS::URLSuffix")?;
    Some(format!("https://sqs.{region}.{suffix}/{account}/{name}"))
}

fn topic_arn<'t>(tree: &'t Tree, resource: &Resource<'t>, at: Place<'t>) -> Option<String> {
    let name = named(tree, resource, at, "TopicName")?;
    arn(tree, at, "sns", &name)
}

/// A bucket's name is the world's: its ARN has neither region nor account.
fn bucket_arn<'t>(tree: &'t Tree, resource: &Resource<'t>, at: Place<'t>) -> Option<String> {
    let partition = tree.pseudo(at, "AWS::Partition")?;
    Some(format!("arn:{partition}:s3:::{}", named(tree, resource, at, "BucketName")?))
}

/// Secrets Manager appends six characters of its own choice to the name; six question marks stand
/// for them, as they do in a policy.
fn secret_arn<'t>(tree: &'t Tree, resource: &Resource<'t>, at: Place<'t>) -> Option<String> {
    let name = named(tree, resource, at, "Name")?;
    arn(tree, at, "secretsmanager", &format!("secret:{name}-??????"))
}

fn function_name<'t>(tree: &'t Tree, resource: &Resource<'t>, at: Place<'t>) -> Option<String> {
    if let Some(name) = resource.property("FunctionName") {
        return tree.text(at, name);
    }
    let stack = tree.pseudo(at, "AWS::StackName")?;
    Some(format!("{stack}-{}", resource.place.logical_id))
}

fn table<'t>(tree: &'t Tree, resource: &Resource<'t>) -> Option<Table> {
    let at = resource.place;
    let read = |key| resource.property(key).and_then(|value| tree.evaluate(at, value));
    if resource.property("LocalSecondaryIndexes").is_some() {
        tree.fault(at, "local secondary indexes are not understood here");
    }
    let Some((hash, range)) = read("KeySchema").as_ref().and_then(keys) else {
        tree.fault(at, "KeySchema must name a HASH key");
        return None;
    };
    let mut attributes = BTreeMap::new();
    for one in entries(read("AttributeDefinitions").as_ref()) {
        let (Some(name), Some(kind)) = (text(one, "AttributeName"), text(one, "AttributeType"))
        else {
            tree.fault(at, "an attribute definition needs a name and a type");
            continue;
        };
        attributes.insert(name, kind);
    }
    let indexes: Vec<Index> = entries(read("GlobalSecondaryIndexes").as_ref())
        .iter()
        .filter_map(|one| {
            let index = index(one);
            if index.is_none() {
                tree.fault(at, "an index needs a name, a HASH key and a projection");
            }
            index
        })
        .collect();
    let own = std::iter::once(&hash).chain(&range);
    let all = own.chain(indexes.iter().flat_map(|index| index.range.iter().chain([&index.hash])));
    for key in all {
        if !attributes.contains_key(key) {
            tree.fault(at, format!("the key `{key}` has no attribute definition"));
        }
    }
    let ttl = read("TimeToLiveSpecification");
    let ttl_attribute = ttl
        .filter(|ttl| flag(ttl.get("Enabled")).unwrap_or(false))
        .and_then(|ttl| text(&ttl, "AttributeName"));
    let stream = read("StreamSpecification").and_then(|stream| text(&stream, "StreamViewType"));
    Some(Table {
        name: named(tree, resource, at, "TableName")?,
        arn: table_arn(tree, resource, at)?,
        hash,
        range,
        attributes,
        indexes,
        ttl_attribute,
        stream,
    })
}

fn index(body: &Json) -> Option<Index> {
    let (hash, range) = keys(body.get("KeySchema")?)?;
    let projection = body.get("Projection")?;
    let projection = match text(projection, "ProjectionType")?.as_str() {
        "ALL" => Projection::All,
        "KEYS_ONLY" => Projection::KeysOnly,
        "INCLUDE" => Projection::Include(
            entries(projection.get("NonKeyAttributes"))
                .iter()
                .filter_map(|name| name.as_str().map(str::to_owned))
                .collect(),
        ),
        _ => return None,
    };
    Some(Index { name: text(body, "IndexName")?, hash, range, projection })
}

fn keys(schema: &Json) -> Option<(String, Option<String>)> {
    let key = |kind: &str| {
        entries(Some(schema))
            .iter()
            .find(|one| text(one, "KeyType").as_deref() == Some(kind))
            .and_then(|one| text(one, "AttributeName"))
    };
    Some((key("HASH")?, key("RANGE")))
}

fn queue<'t>(tree: &'t Tree, resource: &Resource<'t>) -> Option<Queue> {
    let at = resource.place;
    let read =
        |key: &'static str| resource.property(key).and_then(|value| tree.evaluate(at, value));
    let seconds = |key: &'static str, default: u64| match read(key) {
        None => default,
        Some(value) => number(&value).unwrap_or_else(|| {
            tree.fault(at, format!("{key} must be a number, not {value}"));
            default
        }),
    };
    let redrive = read("RedrivePolicy").and_then(|policy| {
        let target = text(&policy, "deadLetterTargetArn");
        let dead = target.as_deref().and_then(|arn| arn.rsplit(':').next());
        let receives = policy.get("maxReceiveCount").and_then(number);
        if dead.is_none() || receives.is_none() {
            tree.fault(at, "RedrivePolicy needs deadLetterTargetArn and maxReceiveCount");
        }
        Some((dead?.to_owned(), receives?))
    });
    Some(Queue {
        name: named(tree, resource, at, "QueueName")?,
        arn: queue_arn(tree, resource, at)?,
        url: queue_url(tree, resource, at)?,
        visibility_seconds: seconds("VisibilityTimeout", VISIBILITY_SECONDS),
        delay_seconds: seconds("DelaySeconds", 0),
        retention_seconds: seconds("MessageRetentionPeriod", RETENTION_SECONDS),
        fifo: flag(read("FifoQueue").as_ref()).unwrap_or(false),
        content_based_dedup: flag(read("ContentBasedDeduplication").as_ref()).unwrap_or(false),
        redrive,
    })
}

fn bucket<'t>(tree: &'t Tree, resource: &Resource<'t>) -> Option<Bucket> {
    let at = resource.place;
    let read =
        |key: &'static str| resource.property(key).and_then(|value| tree.evaluate(at, value));
    let notifications = read("NotificationConfiguration").unwrap_or(Json::Null);
    for kind in ["LambdaConfigurations", "QueueConfigurations", "TopicConfigurations"] {
        if notifications.get(kind).is_some() {
            tree.fault(at, format!("{kind} is not understood here"));
        }
    }
    let bridge = notifications.get("EventBridgeConfiguration");
    // Being there switches it on, unless it says otherwise.
    let announces =
        bridge.is_some_and(|bridge| flag(bridge.get("EventBridgeEnabled")).unwrap_or(true));
    let lifecycle = read("LifecycleConfiguration").unwrap_or(Json::Null);
    let rules = entries(lifecycle.get("Rules")).iter();
    let live = rules.filter(|rule| text(rule, "Status").as_deref() == Some("Enabled"));
    let expiry = live.filter_map(|rule| {
        let days = rule.get("ExpirationInDays").and_then(number)?;
        Some((text(rule, "Prefix").unwrap_or_default(), days))
    });
    Some(Bucket {
        name: named(tree, resource, at, "BucketName")?,
        arn: bucket_arn(tree, resource, at)?,
        announces,
        expiry: expiry.collect(),
    })
}

/// The elements of a list; a single value is a list of one, as in policies.
pub(crate) fn entries(value: Option<&Json>) -> &[Json] {
    match value {
        None | Some(Json::Null) => &[],
        Some(Json::Array(several)) => several,
        Some(one) => std::slice::from_ref(one),
    }
}

pub(crate) fn text(object: &Json, key: &str) -> Option<String> {
    object.get(key)?.as_str().map(str::to_owned)
}

/// A number, or a text that is one: parameters are always texts.
pub(crate) fn number(value: &Json) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// A flag, or a text that is one.
pub(crate) fn flag(value: Option<&Json>) -> Option<bool> {
    let value = value?;
    value.as_bool().or_else(|| value.as_str()?.parse().ok())
}

/// The mapping behind a property, as written.
pub(crate) fn fields(value: Option<&Yaml>) -> impl Iterator<Item = (&str, &Yaml)> {
    value
        .and_then(Yaml::as_mapping)
        .into_iter()
        .flatten()
        .filter_map(|(name, value)| Some((name.as_str()?, value)))
}
