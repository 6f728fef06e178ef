//! How long binaries take to start, and their first invocations.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aws_sdk_secretsmanager::Client;
use local::{Options, Shop};

use crate::aws::{answer_for_aws, certified};
use crate::work::Process;
use crate::{Outcome, tenth};

/// Starts of each binary, unless told otherwise.
const RUNS: usize = 50;
/// Who has not asked for work by then never will.
const PATIENCE: Duration = Duration::from_secs(10);
/// Invocations after the first, of each process.
const WARM: usize = 10;
/// Whose event hello is given.
const HELLO_EVENT: &str = "catalog.store.list_products";

/// A program that is started again and again.
struct Contender {
    name: String,
    program: PathBuf,
    variables: BTreeMap<String, String>,
    event: Vec<u8>,
    /// From the start to the first request for work.
    micros: Vec<u128>,
    /// Of the first invocation, where AWS is connected; and where it hung up after the start.
    first: Vec<u128>,
    unopened: Vec<u128>,
    /// Of those after it.
    warm: Vec<u128>,
    resident_kb: u64,
}

/// A start of a process, and its invocations.
struct Start {
    took: Duration,
    calls: Vec<Duration>,
    resident_kb: u64,
}

/// Starts all of them in turns and prints what that took; with their first invocations where that
/// is wanted.
pub(crate) fn run(
    tokio: &tokio::runtime::Runtime,
    words: &[String],
    runs: Option<usize>,
    with_first: bool,
    folder: &Path,
) -> Outcome<()> {
    let (mut contenders, secrets) = tokio.block_on(prepare(words))?;
    let tls = if with_first { Some(certified(folder)?) } else { None };
    let hangs_up = Arc::new(AtomicBool::new(false));
    let aws = answer_for_aws(secrets, tls, &hangs_up)?;
    for contender in &mut contenders {
        let scheme = if with_first { "https" } else { "http" };
        let mut set = |name: &str, value: String| {
            contender.variables.insert(name.to_owned(), value);
        };
        set("AWS_ENDPOINT_URL", format!("{scheme}://{aws}"));
        if with_first {
            set("AWS_CA_BUNDLE", folder.join("certificate.pem").display().to_string());
        }
    }
    for run in 0..=runs.unwrap_or(RUNS) {
        for contender in &mut contenders {
            let calls = if with_first { 1 + WARM } else { 0 };
            let started = start(contender, calls, &hangs_up, false, folder)?;
            let unopened =
                if with_first { Some(start(contender, 1, &hangs_up, true, folder)?) } else { None };
            // The first start of each fills the caches of files.
            if run > 0 {
                contender.take(&started, unopened);
            }
        }
    }
    if with_first {
        print_first(&mut contenders);
    } else {
        print(&mut contenders);
    }
    Ok(())
}

impl Contender {
    fn take(&mut self, started: &Start, unopened: Option<Start>) {
        self.micros.push(started.took.as_micros());
        self.resident_kb = self.resident_kb.max(started.resident_kb);
        let mut calls = started.calls.iter().map(Duration::as_micros);
        self.first.extend(calls.next());
        self.warm.extend(calls);
        let unopened = unopened.into_iter().flat_map(|start| start.calls);
        self.unopened.extend(unopened.map(|took| took.as_micros()));
    }
}

/// Hello, and one function of each domain, or those whose Handlers have one of the words; and what
/// their secrets are.
async fn prepare(words: &[String]) -> Outcome<(Vec<Contender>, BTreeMap<String, String>)> {
    let shop = Shop::open(Options::default()).await?;
    let client = Client::new(&shop.sdk_config());
    let mut secrets = BTreeMap::new();
    for name in &shop.stack().secrets {
        // That of the front door is not there: no function reads it.
        if let Ok(held) = client.get_secret_value().secret_id(name).send().await {
            secrets.insert(name.clone(), held.secret_string.unwrap_or_default());
        }
    }
    let folder = crate::target().join("release");
    let hello = folder.join("examples/hello");
    let mut contenders = vec![contender("hello", HELLO_EVENT, hello, &BTreeMap::new())?];
    for domain in local::domains() {
        let functions = shop.stack().functions.iter();
        let of_domain = functions
            .filter(|one| one.handler.split('.').next() == Some(domain))
            .filter(|one| words.is_empty() || words.iter().any(|word| one.handler.contains(word)))
            .filter(|one| !one.handler.ends_with(".unknown"));
        let at_most = if words.is_empty() { 1 } else { usize::MAX };
        for function in of_domain.take(at_most) {
            let program = folder.join(&function.binary);
            let name = &function.handler;
            contenders.push(contender(name, name, program, &function.environment)?);
        }
    }
    Ok((contenders, secrets))
}

fn contender(
    name: &str,
    event: &str,
    program: PathBuf,
    environment: &BTreeMap<String, String>,
) -> Outcome<Contender> {
    if !program.exists() {
        return Err(format!("{} is not built; see the head of this file", program.display()).into());
    }
    let mut variables = environment.clone();
    variables.extend(lambdas_own(name));
    let events = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events");
    let event = std::fs::read(events.join(format!("{event}.json")))?;
    Ok(Contender {
        name: name.to_owned(),
        program,
        variables,
        event,
        micros: Vec::new(),
        first: Vec::new(),
        unopened: Vec::new(),
        warm: Vec::new(),
        resident_kb: 0,
    })
}

/// What Lambda says to each process, whichever function it is.
pub(crate) fn lambdas_own(handler: &str) -> impl Iterator<Item = (String, String)> {
    [
        ("_HANDLER", handler),
        ("AWS_ACCESS_KEY_ID", "cold"),
        ("AWS_SECRET_ACCESS_KEY", "start"),
        ("AWS_REGION", templates::REGION),
        ("AWS_LAMBDA_FUNCTION_NAME", "cold"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "cold"),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "cold"),
    ]
    .map(|(variable, value)| (variable.to_owned(), value.to_owned()))
    .into_iter()
}

/// Starts it once: the time until it asks for work and the memory that it has then, and what so
/// many invocations take. Where AWS `is_gone`, it hangs up as long as the process starts.
fn start(
    contender: &Contender,
    calls: usize,
    hangs_up: &AtomicBool,
    is_gone: bool,
    folder: &Path,
) -> Outcome<Start> {
    hangs_up.store(is_gone, Ordering::SeqCst);
    let mut command = Command::new(&contender.program);
    command.env_clear().envs(&contender.variables);
    let failed = |error| format!("{}: {error}", contender.name);
    let process = Process::start(&mut command, folder, PATIENCE)?;
    let took = process.ready().map_err(failed)?;
    hangs_up.store(false, Ordering::SeqCst);
    let resident_kb = process.memory_kb("VmRSS");
    let mut durations = Vec::with_capacity(calls);
    for _ in 0..calls {
        durations.push(process.invoke(&contender.event).map_err(failed)?.0);
    }
    Ok(Start { took, calls: durations, resident_kb })
}

/// A value that so many tenths lie below; sorts them.
fn at(values: &mut [u128], tenths: usize) -> u128 {
    values.sort_unstable();
    let index = (values.len() * tenths / 10).min(values.len().saturating_sub(1));
    values.get(index).copied().unwrap_or_default()
}

fn print_first(contenders: &mut [Contender]) {
    println!("| function | warm ms | first ms | times warm | unopened ms | times warm |");
    println!("|---|---|---|---|---|---|");
    for contender in contenders {
        let warm = at(&mut contender.warm, 5);
        let (first, unopened) = (at(&mut contender.first, 5), at(&mut contender.unopened, 5));
        println!(
            "| {} | {} | {} | {} | {} | {} |",
            contender.name,
            tenth(warm, 1_000),
            tenth(first, 1_000),
            tenth(first, warm),
            tenth(unopened, 1_000),
            tenth(unopened, warm),
        );
    }
}

fn print(contenders: &mut [Contender]) {
    let mut hello = None;
    println!("| function | median ms | 90 % below | times hello | resident MB | binary MB |");
    println!("|---|---|---|---|---|---|");
    for contender in contenders {
        let (median, slow) = (at(&mut contender.micros, 5), at(&mut contender.micros, 9));
        let hello = *hello.get_or_insert(median);
        let bytes = std::fs::metadata(&contender.program).map_or(0, |file| file.len());
        println!(
            "| {} | {} | {} | {} | {} | {} |",
            contender.name,
            tenth(median, 1_000),
            tenth(slow, 1_000),
            tenth(median, hello),
            tenth(u128::from(contender.resident_kb), 1_024),
            tenth(u128::from(bytes), 1_000_000),
        );
    }
}
