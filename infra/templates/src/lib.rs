//! Reads the SAM templates, so that whatever runs the shop without CloudFormation runs what the
//! templates say: the same routes, queues, schedules, streams, tables, buckets and permissions.
//!
//! Invariants:
//! - Nothing is guessed. An intrinsic, event type, filter or property that is not understood is a
//!   [`Fault`] that names its file and logical id; it never becomes an empty value.
//! - All faults are reported at once.
//! - What is evaluated is what is read: a resource type unknown here may stand in a template, as
//!   long as no function, table, queue, bucket or secret depends on its attributes.
//! - Values are those the cloud would see, for a given region and account: an ARN written into a
//!   policy and an ARN computed from a call can be compared as text.

mod condition;
mod evaluate;
mod fault;
mod filter;
mod function;
mod lookup;
mod resource;
mod tree;

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;
use serde_json::Value as Json;

pub use fault::{Fault, Faults};
pub use filter::filter_matches;

/// The region of every ARN, unless the parameters give `AWS::Region`.
pub const REGION: &str = "eu-central-1";
/// The account of every ARN, unless the parameters give `AWS::AccountId`.
pub const ACCOUNT: &str = "000000000000";

/// Everything the templates declare, with all references resolved.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Stack {
    /// All Lambda functions, in the order of the templates.
    pub functions: Vec<Function>,
    /// All DynamoDB tables.
    pub tables: Vec<Table>,
    /// All SQS queues, dead-letter queues included.
    pub queues: Vec<Queue>,
    /// All S3 buckets.
    pub buckets: Vec<Bucket>,
    /// The names of all secrets (not their values: no template has one).
    pub secrets: Vec<String>,
    /// All configuration sets of SES.
    pub configuration_sets: Vec<ConfigurationSet>,
}

/// How SES sends, and where it tells what became of what it sent.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ConfigurationSet {
    /// Its name.
    pub name: String,
    /// What it tells of: `bounce`, `complaint`, `delivery`.
    pub tells: Vec<String>,
    /// The ARN of the topic that it tells.
    pub topic: Option<String>,
    /// The queue at the end of that topic.
    pub queue: Option<String>,
}

/// One Lambda function.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Function {
    /// The Handler: also the address of the endpoint's source file.
    pub handler: String,
    /// The name of the resource in its template.
    pub logical_id: String,
    /// The logical id of the nested stack it stands in; empty in the root template.
    pub stack: String,
    /// The template it stands in, relative to the root.
    pub file: String,
    /// The cargo binary it deploys, from `Metadata.BuildProperties.Binary`.
    pub binary: String,
    /// After this long the invocation is killed.
    pub timeout_seconds: u64,
    /// The memory size, which also buys the CPU share.
    pub memory_mb: u64,
    /// The environment variables, those of `Globals` included.
    pub environment: BTreeMap<String, String>,
    /// What its role may do, as written. What SAM adds by itself (logs, traces, reading the
    /// event source) is not repeated here.
    pub statements: Vec<Statement>,
    /// What starts it.
    pub triggers: Vec<Trigger>,
}

/// One IAM statement.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Statement {
    /// Its name; empty when it has none.
    pub sid: String,
    /// `Allow` or `Deny`.
    pub effect: String,
    /// Actions, possibly with wildcards.
    pub actions: Vec<String>,
    /// Resource ARNs, possibly with wildcards.
    pub resources: Vec<String>,
    /// The condition block, `null` when there is none.
    pub condition: Json,
}

/// What starts a function.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum Trigger {
    /// A route of the domain's HTTP API.
    Http {
        /// In capitals, or `ANY`.
        method: String,
        /// With `{parameters}`; `$default` takes what no other route of the domain does.
        path: String,
    },
    /// An SQS queue.
    Queue {
        /// The queue's name.
        queue: String,
        /// The most messages in one invocation.
        batch_size: u64,
        /// Whether the answer's `batchItemFailures` decide what is deleted.
        report_partial: bool,
    },
    /// A fixed rate.
    Schedule {
        /// The time between two starts.
        seconds: u64,
    },
    /// A DynamoDB stream.
    Stream {
        /// The table's name.
        table: String,
        /// The most records in one invocation.
        batch_size: u64,
        /// A record passes when any of these matches ([`filter_matches`]), or if there are none.
        filters: Vec<Json>,
        /// `TRIM_HORIZON` or `LATEST`.
        starting_position: String,
        /// Whether the answer's `batchItemFailures` decide where to go on.
        report_partial: bool,
        /// Whether a failed batch is halved before it is tried again.
        bisect: bool,
        /// Tries after the first, then the record is given up; `None` is until it expires.
        retries_max: Option<u64>,
    },
    /// New objects of a bucket, told by EventBridge.
    Upload {
        /// The bucket's name.
        bucket: String,
        /// What the keys begin with.
        prefix: String,
    },
}

/// One S3 bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Bucket {
    /// Its physical name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// Whether it tells EventBridge of new objects.
    pub announces: bool,
    /// What expires: a prefix of keys, and after how many days.
    pub expiry: Vec<(String, u64)>,
}

/// One DynamoDB table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Table {
    /// Its physical name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// The partition key's attribute.
    pub hash: String,
    /// The sort key's attribute.
    pub range: Option<String>,
    /// The types (`S`, `N`, `B`) of all key attributes, those of the indexes included.
    pub attributes: BTreeMap<String, String>,
    /// The global secondary indexes.
    pub indexes: Vec<Index>,
    /// The attribute that holds the expiry in epoch seconds.
    pub ttl_attribute: Option<String>,
    /// The stream's view type, e.g. `NEW_AND_OLD_IMAGES`.
    pub stream: Option<String>,
}

/// One global secondary index.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Index {
    /// Its name.
    pub name: String,
    /// The partition key's attribute.
    pub hash: String,
    /// The sort key's attribute.
    pub range: Option<String>,
    /// Which attributes it carries.
    pub projection: Projection,
}

/// The attributes an index carries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Projection {
    /// The whole item.
    All,
    /// The keys of the table and of the index.
    KeysOnly,
    /// The keys and these.
    Include(Vec<String>),
}

/// One SQS queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Queue {
    /// Its physical name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// Its URL, as the SDK wants it.
    pub url: String,
    /// How long a received message is hidden.
    pub visibility_seconds: u64,
    /// How long a new message is hidden.
    pub delay_seconds: u64,
    /// How long a message is kept.
    pub retention_seconds: u64,
    /// First in, first out per group.
    pub fifo: bool,
    /// FIFO only: equal bodies are one message.
    pub content_based_dedup: bool,
    /// The dead-letter queue's name, and after how many receives a message goes there.
    pub redrive: Option<(String, u64)>,
}

impl Stack {
    /// Reads `root/template.yaml` and every nested template it names.
    ///
    /// `parameters` are those of the root template; `AWS::Region` and `AWS::AccountId` may be
    /// given too.
    pub fn load(root: &Path, parameters: BTreeMap<String, String>) -> Result<Stack, Faults> {
        let tree = tree::Tree::read(root, parameters);
        let stack = resource::collect(&tree);
        let faults = tree.into_faults();
        if faults.is_empty() { Ok(stack) } else { Err(Faults::new(faults)) }
    }

    /// The function with this Handler.
    pub fn function(&self, handler: &str) -> Option<&Function> {
        self.functions.iter().find(|function| function.handler == handler)
    }

    /// The table with this name.
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.name == name)
    }

    /// The bucket with this name.
    pub fn bucket(&self, name: &str) -> Option<&Bucket> {
        self.buckets.iter().find(|bucket| bucket.name == name)
    }

    /// The queue with this name.
    pub fn queue(&self, name: &str) -> Option<&Queue> {
        self.queues.iter().find(|queue| queue.name == name)
    }
}
