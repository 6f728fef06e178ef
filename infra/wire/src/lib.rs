//! The emulated AWS of the local shop and of all tests: one HTTP client for the unmodified AWS SDK.
//!
//! DynamoDB is an embedded engine behind its own HTTP server; SQS, SES, SNS (texts to telephones),
//! Secrets Manager and S3 are emulated here on the level of the wire. Between the SDK and them sit
//! the recorder (every call and its consumed capacity), the fault plan and the IAM check.
//!
//! Invariants: time is an input (`Options::now_ms`), never the machine's clock; with a data folder
//! an acknowledged call survives `kill -9`; a call for a service or operation that is not emulated
//! fails at once with an error that says so; the caller [`LOCAL`] is never faulted or checked.
//!
//! Known absences: signatures of the SDK's own calls are not verified, a long poll does not wait,
//! throughput has no limit.

mod connector;
mod dynamodb;
mod error;
mod faults;
mod iam;
mod ids;
mod message;
mod recorder;
mod s3;
mod saboteur;
mod secrets;
mod ses;
mod sns;
mod sql;
mod sqs;
mod streams;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use serde_json::Value;
use tokio::sync::watch;

pub use error::Error;
pub use faults::{CallId, Deaths, FaultKind, Faults, Filter, Fired, LOCAL, Plan, Verdict, as_run};
pub use iam::{Asked, Denial, Effect, Grant, Iam, Statement};
pub use recorder::{CALLS_KEPT, Call, Mark, Recorder, Totals};
pub use s3::{BucketAttributes, Notice, Object, S3, WebReply, WebRequest};
pub use saboteur::{Afterwards, Gate, Sabotage, Saboteur, Tamper};
pub use ses::{Mail, Ses};
pub use sns::{Sns, TextMessage};
pub use sqs::{Depth, MESSAGE_BYTES_MAX, Message, QueueAttributes, Sqs};
pub use streams::StreamCursor;

/// The file that DynamoDB's tables lie in.
const TABLES: &str = "dynamodb.db";
/// Begins every access key; what follows names the caller.
const ACCESS_KEY: &str = "AKIDLOCAL";
/// The one secret key: nothing it signs opens anything outside.
const SECRET_KEY: &str = "not-a-secret";

/// The world's clock: milliseconds since 1970.
pub type NowMs = Arc<dyn Fn() -> i64 + Send + Sync>;

/// What a world is made of.
#[derive(Clone)]
pub struct Options {
    /// Where everything is kept; `None` keeps it in memory.
    pub data_dir: Option<PathBuf>,
    /// The clock of visibility timeouts, expiry and timestamps.
    pub now_ms: NowMs,
    /// Makes ids differ between worlds and agree between two runs of one.
    pub seed: u64,
    /// `eu-central-1`.
    pub region: String,
    /// Twelve digits.
    pub account: String,
}

/// The emulated AWS. Cheap to clone: all clones are one world.
#[derive(Clone)]
pub struct Wire {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    dynamo: dynamodb::Dynamo,
    sqs: Sqs,
    ses: Ses,
    sns: Sns,
    secrets: secrets::Secrets,
    s3: S3,
    recorder: Recorder,
    faults: Faults,
    saboteur: Saboteur,
    iam: Iam,
    writes: Mutex<Writes>,
    /// Grows with every call that changed a table, a queue or a bucket.
    activity: watch::Sender<u64>,
    region: String,
    account: String,
}

/// How often tables were written to.
#[derive(Default)]
struct Writes {
    all: u64,
    by_table: BTreeMap<String, u64>,
    /// A caller died while the engine was at work for it: what became of that is not known.
    is_uncertain: bool,
}

/// A call to DynamoDB that is under way.
pub(crate) struct UnderWay<'a>(&'a Inner);

impl UnderWay<'_> {
    /// It was answered.
    pub(crate) fn end(self) {
        std::mem::forget(self);
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.writes.lock().unwrap_or_else(PoisonError::into_inner).is_uncertain = true;
    }
}

impl Inner {
    /// A call to DynamoDB begins.
    pub(crate) fn under_way(&self) -> UnderWay<'_> {
        UnderWay(self)
    }

    /// A call changed what pumps read.
    pub(crate) fn changed(&self, tables: Vec<String>) {
        {
            let mut writes = self.writes.lock().unwrap_or_else(PoisonError::into_inner);
            for table in tables {
                *writes.by_table.entry(table).or_default() += 1;
            }
        }
        self.activity.send_modify(|count| *count += 1);
    }

    /// Any table may have been written to.
    fn changed_all(&self) {
        self.writes.lock().unwrap_or_else(PoisonError::into_inner).all += 1;
        self.activity.send_modify(|count| *count += 1);
    }
}

impl Wire {
    /// Opens the world, from its folder if it has one. Needs a running Tokio runtime.
    pub async fn start(options: Options) -> Result<Self, Error> {
        Self::begin(options, None).await
    }

    /// Opens a world in memory that goes on from what was saved in a folder. This is the cheap way
    /// to a new world of the same shape.
    pub async fn start_from(options: Options, folder: &Path) -> Result<Self, Error> {
        let wire = Self::begin(options, Some(&folder.join(TABLES))).await?;
        wire.load_all_but_tables(folder)?;
        Ok(wire)
    }

    /// `tables` is the file of a database that a world in memory begins with.
    async fn begin(options: Options, tables: Option<&Path>) -> Result<Self, Error> {
        let Options { data_dir, now_ms, seed, region, account } = options;
        if let Some(folder) = &data_dir {
            make_folder(folder)?;
        }
        let file = |name: &str| data_dir.as_ref().map(|folder| folder.join(name));
        let (sqs, ses, secrets) = (file("sqs.db"), file("ses.db"), file("secrets.db"));
        let clock = || Arc::clone(&now_ms);
        let inner = Inner {
            dynamo: dynamodb::Dynamo::start(file(TABLES), tables, clock()).await?,
            sqs: Sqs::open(sqs.as_deref(), clock(), seed, &region, &account)?,
            ses: Ses::open(ses.as_deref(), clock(), seed, &region, &account)?,
            sns: Sns::open(file("sns.db").as_deref(), clock(), seed)?,
            secrets: secrets::Secrets::open(secrets.as_deref(), clock(), seed, &region, &account)?,
            s3: S3::open(file("s3.db").as_deref(), clock(), &region, &account)?,
            recorder: Recorder::default(),
            faults: Faults::default(),
            saboteur: Saboteur::default(),
            iam: Iam::default(),
            writes: Mutex::default(),
            activity: watch::Sender::new(0),
            region,
            account,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The HTTP client of one caller: a Lambda's Handler, or [`LOCAL`] for the host itself.
    pub fn http_client(&self, caller: &str) -> SharedHttpClient {
        let inner = Arc::clone(&self.inner);
        SharedHttpClient::new(connector::Door { inner, caller: caller.into() })
    }

    /// A configuration for every SDK client of one caller: region, test credentials and this HTTP
    /// client; retries are the SDK's own default. The access key names the caller, so that what it
    /// signs for others can be held against its own policy.
    pub fn sdk_config(&self, caller: &str) -> SdkConfig {
        let key = format!("{ACCESS_KEY}-{caller}");
        let credentials = Credentials::new(key, SECRET_KEY, None, None, "wire");
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(self.inner.region.clone()))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(self.http_client(caller))
            .build()
    }

    /// The queues.
    pub fn sqs(&self) -> &Sqs {
        &self.inner.sqs
    }

    /// The buckets.
    pub fn s3(&self) -> &S3 {
        &self.inner.s3
    }

    /// The mailbox.
    pub fn ses(&self) -> &Ses {
        &self.inner.ses
    }

    /// The texts to telephones.
    pub fn sns(&self) -> &Sns {
        &self.inner.sns
    }

    /// The history of calls.
    pub fn recorder(&self) -> &Recorder {
        &self.inner.recorder
    }

    /// The fault plan.
    pub fn faults(&self) -> &Faults {
        &self.inner.faults
    }

    /// Who changes calls on their way, where a test wants that.
    pub fn saboteur(&self) -> &Saboteur {
        &self.inner.saboteur
    }

    /// The IAM check.
    pub fn iam(&self) -> &Iam {
        &self.inner.iam
    }

    /// The DynamoDB engine itself, past recorder, faults and policies.
    pub fn dynamodb(&self) -> &dynoxide::Database {
        &self.inner.dynamo.database
    }

    /// Deletes the items whose TTL attribute has passed by the world's clock, and the objects that
    /// their bucket's rules let expire; returns how many.
    pub fn sweep_ttl(&self) -> usize {
        let objects = self.inner.s3.sweep();
        let items = self.inner.dynamo.sweep().unwrap_or_else(|error| {
            tracing::error!(%error, "expired items were not swept");
            0
        });
        if items > 0 {
            self.inner.changed_all();
        }
        objects + items
    }

    /// Grows whenever a call may have written to this table: as long as it stands, its stream has
    /// nothing new. Read it before the stream. What reaches the engine past the wire is not seen.
    /// `None` where it is not known, after a call that was broken off.
    pub fn writes(&self, table: &str) -> Option<u64> {
        let writes = self.inner.writes.lock().unwrap_or_else(PoisonError::into_inner);
        let count = writes.all + writes.by_table.get(table).copied().unwrap_or(0);
        (!writes.is_uncertain).then_some(count)
    }

    /// The next records of a table's stream in the format of the Lambda DynamoDB event, from the
    /// oldest kept one on; moves the cursor behind them. At most 1000 at once.
    pub fn stream(&self, table: &str, cursor: &mut StreamCursor, limit: usize) -> Vec<Value> {
        self.inner.records(table, cursor, limit).unwrap_or_else(|error| {
            tracing::error!(table, %error, "the stream cannot be read");
            Vec::new()
        })
    }

    /// Changes after every call that changed a table, a queue or a bucket: a pump that waits for
    /// it need not poll for new work. (What becomes visible with time is in
    /// `Sqs::next_visible_at_ms`.)
    pub fn activity(&self) -> watch::Receiver<u64> {
        self.inner.activity.subscribe()
    }

    /// Makes the secret, or gives it a new current value if this is not its value already.
    #[expect(clippy::unused_async, reason = "a caller should not depend on its being instant")]
    pub async fn put_secret(&self, name: &str, value: &str) -> Result<(), Error> {
        self.inner.secrets.put(name, value)
    }

    /// Writes the state of all services into an existing, empty folder.
    pub fn save(&self, folder: &Path) -> Result<(), Error> {
        self.inner.dynamo.save(&folder.join(TABLES))?;
        self.inner.sqs.sql().save(&folder.join("sqs.db"))?;
        self.inner.ses.sql().save(&folder.join("ses.db"))?;
        self.inner.sns.sql().save(&folder.join("sns.db"))?;
        self.inner.s3.sql().save(&folder.join("s3.db"))?;
        self.inner.secrets.sql().save(&folder.join("secrets.db"))
    }

    /// Replaces the state of all services by a saved one, and resets recorder and faults; IAM
    /// policies stay.
    pub fn load(&self, folder: &Path) -> Result<(), Error> {
        self.inner.dynamo.load(&folder.join(TABLES))?;
        self.load_all_but_tables(folder)
    }

    fn load_all_but_tables(&self, folder: &Path) -> Result<(), Error> {
        self.inner.sqs.sql().load(&folder.join("sqs.db"))?;
        self.inner.ses.sql().load(&folder.join("ses.db"))?;
        self.inner.sns.sql().load(&folder.join("sns.db"))?;
        self.inner.s3.sql().load(&folder.join("s3.db"))?;
        self.inner.secrets.sql().load(&folder.join("secrets.db"))?;
        self.inner.recorder.reset();
        self.inner.faults.reset();
        self.inner.changed_all();
        Ok(())
    }

    /// Ends the DynamoDB server; later DynamoDB calls fail. Everything else ends with the last
    /// clone.
    pub fn shutdown(&self) {
        self.inner.dynamo.stop();
    }
}

fn make_folder(folder: &Path) -> Result<(), Error> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    // Mails and secrets lie in there.
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(folder)
        .map_err(|error| Error::Io(format!("cannot make {}", folder.display()), error))
}
