//! How long each binary takes from its start to its first request for work, beside a function that
//! says hello; and how long its first invocation takes beside those that follow:
//!
//! ```sh
//! cargo xtask package --plain
//! cargo build --release -p runtime --example hello
//! cargo run --release -p local --example cold_start [runs] [word of a handler …]
//! cargo run --release -p local --example cold_start first [runs] [word of a handler …]
//! ```
//!
//! A simulator of the Lambda Runtime API on loopback takes the time between the start of a process
//! and its `GET …/invocation/next`. Secrets and DynamoDB's page for load balancers are answered on
//! loopback, too, without TLS: what is measured is the program's own work, not the network's.
//! Runs of all binaries take turns, so that a machine that grows slow does so for all of them.
//!
//! With `first` what plays AWS speaks TLS (openssl makes its certificate), and each process is
//! given its sample event eleven times: everything in DynamoDB is empty. Every other process
//! finds that AWS hung up after its start: so long would the first invocation take if nothing
//! were opened before it.
//!
//! Nothing is asserted: figures are for comparing one change with another on the same machine.

#![allow(clippy::disallowed_methods, reason = "a benchmark measures time")]

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use aws_sdk_secretsmanager::Client;
use local::{Options, Shop};
use serde_json::{Value, json};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned, crypto};

/// Starts of each binary, unless told otherwise.
const RUNS: usize = 50;
/// Who has not asked for work by then never will.
const PATIENCE: Duration = Duration::from_secs(10);
/// What a request for work begins with.
const NEXT: &str = "GET /2018-06-01/runtime/invocation/next ";
/// Invocations after the first, of each process.
const WARM: usize = 10;
/// Whose event hello is given.
const HELLO_EVENT: &str = "catalog.store.list_products";

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

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

/// What a process does at the Runtime API.
#[derive(Debug, PartialEq)]
enum Deed {
    Asks(Instant),
    Answers(Instant),
    Fails,
}

/// A start of a process, and its invocations.
struct Start {
    took: Duration,
    calls: Vec<Duration>,
    resident_kb: u64,
}

/// A request as a server on loopback reads it.
struct Heard {
    line: String,
    target: String,
    body: Vec<u8>,
}

fn main() -> Outcome<()> {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    let with_first = words.first().is_some_and(|word| word == "first");
    if with_first {
        words.remove(0);
    }
    let runs = match words.first().and_then(|word| word.parse().ok()) {
        Some(runs) => {
            words.remove(0);
            runs
        }
        None => RUNS,
    };
    let tokio = tokio::runtime::Runtime::new()?;
    let (mut contenders, secrets) = tokio.block_on(prepare(&words))?;
    let folder = std::env::temp_dir().join(format!("cold-start-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let tls = if with_first { Some(certified(&folder)?) } else { None };
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
    for run in 0..=runs {
        for contender in &mut contenders {
            let calls = if with_first { 1 + WARM } else { 0 };
            let started = start(contender, calls, &hangs_up, false)?;
            let unopened =
                if with_first { Some(start(contender, 1, &hangs_up, true)?) } else { None };
            // The first start of each fills the caches of files.
            if run > 0 {
                contender.take(&started, unopened);
            }
        }
    }
    std::fs::remove_dir_all(&folder)?;
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
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/release");
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
    for (variable, value) in [
        ("_HANDLER", name),
        ("AWS_ACCESS_KEY_ID", "cold"),
        ("AWS_SECRET_ACCESS_KEY", "start"),
        ("AWS_REGION", templates::REGION),
        ("AWS_LAMBDA_FUNCTION_NAME", "cold"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "cold"),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "cold"),
    ] {
        variables.insert(variable.to_owned(), value.to_owned());
    }
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

/// Starts it once: the time until it asks for work and the memory that it has then, and what so
/// many invocations take. Where AWS `is_gone`, it hangs up as long as the process starts.
fn start(
    contender: &Contender,
    calls: usize,
    hangs_up: &AtomicBool,
    is_gone: bool,
) -> Outcome<Start> {
    hangs_up.store(is_gone, Ordering::SeqCst);
    let work = TcpListener::bind("127.0.0.1:0")?;
    let address = work.local_addr()?;
    let (tell, told) = mpsc::channel();
    let (hand, handed) = mpsc::channel();
    let is_over = Arc::new(AtomicBool::new(false));
    let over = Arc::clone(&is_over);
    let server = std::thread::spawn(move || serve_work(&work, &tell, handed, &over));
    let mut command = Command::new(&contender.program);
    command.env_clear().envs(&contender.variables).stdout(Stdio::null()).stderr(Stdio::piped());
    command.env("AWS_LAMBDA_RUNTIME_API", address.to_string());
    let began = Instant::now();
    let mut child = command.spawn()?;
    let played = play(contender, calls, began, &told, &hand, || {
        hangs_up.store(false, Ordering::SeqCst);
        resident_kb(&child)
    });
    end(&mut child, played.is_ok(), &contender.name)?;
    is_over.store(true, Ordering::SeqCst);
    // Whoever waits for the next connection sees that there is none.
    drop(TcpStream::connect(address)?);
    drop(server.join());
    played
}

/// Waits until it asks for work, and gives it some.
fn play(
    contender: &Contender,
    calls: usize,
    began: Instant,
    told: &Receiver<Deed>,
    hand: &Sender<Vec<u8>>,
    started: impl FnOnce() -> u64,
) -> Outcome<Start> {
    let asked = |told: &Receiver<Deed>| match told.recv_timeout(PATIENCE)? {
        Deed::Asks(at) => Ok::<_, Box<dyn Error + Send + Sync>>(at),
        other => Err(format!("{}: {other:?} before it asks", contender.name).into()),
    };
    let took = asked(told)? - began;
    let resident_kb = started();
    let mut durations = Vec::with_capacity(calls);
    for _ in 0..calls {
        let handed = Instant::now();
        hand.send(contender.event.clone())?;
        match told.recv_timeout(PATIENCE)? {
            Deed::Answers(at) => durations.push(at - handed),
            other => return Err(format!("{}: {other:?} for an event", contender.name).into()),
        }
        asked(told)?;
    }
    Ok(Start { took, calls: durations, resident_kb })
}

/// The Runtime API of one process: tells what it does, and hands on what it is given.
fn serve_work(
    work: &TcpListener,
    tell: &Sender<Deed>,
    handed: Receiver<Vec<u8>>,
    is_over: &AtomicBool,
) {
    let handed = Arc::new(Mutex::new(handed));
    for stream in work.incoming().flatten() {
        if is_over.load(Ordering::SeqCst) {
            return;
        }
        let (tell, handed) = (tell.clone(), Arc::clone(&handed));
        // Who hangs up in the middle was killed by us.
        std::thread::spawn(move || drop(hand_on(stream, &tell, &handed)));
    }
}

fn hand_on(
    stream: TcpStream,
    tell: &Sender<Deed>,
    handed: &Mutex<Receiver<Vec<u8>>>,
) -> Outcome<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    while let Some(heard) = hear(&mut reader)? {
        if !heard.line.starts_with(NEXT) {
            let is_answer = heard.line.contains("/response ");
            tell.send(if is_answer { Deed::Answers(Instant::now()) } else { Deed::Fails })?;
            reader.get_mut().write_all(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n")?;
            continue;
        }
        tell.send(Deed::Asks(Instant::now()))?;
        let event = handed.lock().unwrap_or_else(PoisonError::into_inner).recv()?;
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
        let mut answer = format!(
            "HTTP/1.1 200 OK\r\nlambda-runtime-aws-request-id: cold\r\n\
             lambda-runtime-invoked-function-arn: arn:aws:lambda:eu-central-1:0:function:cold\r\n\
             lambda-runtime-deadline-ms: {}\r\ncontent-length: {}\r\n\r\n",
            (now + PATIENCE).as_millis(),
            event.len()
        )
        .into_bytes();
        answer.extend(event);
        reader.get_mut().write_all(&answer)?;
    }
    Ok(())
}

fn end(child: &mut Child, is_asking: bool, name: &str) -> Outcome<()> {
    child.kill()?;
    child.wait()?;
    if is_asking {
        return Ok(());
    }
    let mut said = String::new();
    if let Some(stderr) = &mut child.stderr {
        stderr.read_to_string(&mut said)?;
    }
    Err(format!("{name} does not ask for work: {said}").into())
}

fn resident_kb(child: &Child) -> u64 {
    let path = format!("/proc/{}/status", child.id());
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}

/// Reads one request; none where the connection ended.
fn hear(reader: &mut impl BufRead) -> Outcome<Option<Heard>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let (mut length, mut target, mut in_chunks) = (0, String::new(), false);
    loop {
        let mut header = String::new();
        if reader.read_line(&mut header)? == 0 || header.trim().is_empty() {
            break;
        }
        let Some((name, value)) = header.split_once(':') else { continue };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse()?,
            "x-amz-target" => value.trim().clone_into(&mut target),
            "transfer-encoding" => in_chunks = value.trim() == "chunked",
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    while in_chunks {
        let mut size = String::new();
        reader.read_line(&mut size)?;
        let size = usize::from_str_radix(size.trim(), 16)?;
        let mut chunk = vec![0; size + 2];
        reader.read_exact(&mut chunk)?;
        body.extend(chunk.iter().take(size));
        in_chunks = size > 0;
    }
    Ok(Some(Heard { line, target, body }))
}

/// A certificate for this machine, believed by whoever is told to believe it.
fn certified(folder: &Path) -> Outcome<Arc<ServerConfig>> {
    let (key, certificate) = (folder.join("key.pem"), folder.join("certificate.pem"));
    let mut openssl = Command::new("openssl");
    openssl.args([
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
    ]);
    openssl.args([
        "-days",
        "1",
        "-subj",
        "/CN=cold-start",
        "-addext",
        "subjectAltName=IP:127.0.0.1",
    ]);
    openssl.args(["-addext", "basicConstraints=critical,CA:FALSE"]);
    openssl.arg("-keyout").arg(&key).arg("-out").arg(&certificate);
    let made = openssl.output()?;
    if !made.status.success() {
        return Err(String::from_utf8_lossy(&made.stderr).into_owned().into());
    }
    let provider = Arc::new(crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_file(&certificate)?],
            PrivateKeyDer::from_pem_file(&key)?,
        )?;
    Ok(Arc::new(config))
}

/// Answers as Secrets Manager and as an empty DynamoDB, and says "healthy" to everything else.
fn answer_for_aws(
    secrets: BTreeMap<String, String>,
    tls: Option<Arc<ServerConfig>>,
    hangs_up: &Arc<AtomicBool>,
) -> Outcome<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    let (secrets, hangs_up) = (Arc::new(secrets), Arc::clone(hangs_up));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (secrets, hangs_up) = (Arc::clone(&secrets), Arc::clone(&hangs_up));
            let tls = tls.clone();
            // Who hangs up in the middle was killed by us.
            std::thread::spawn(move || drop(connect(stream, tls, &secrets, &hangs_up)));
        }
    });
    Ok(address)
}

fn connect(
    stream: TcpStream,
    tls: Option<Arc<ServerConfig>>,
    secrets: &BTreeMap<String, String>,
    hangs_up: &AtomicBool,
) -> Outcome<()> {
    stream.set_nodelay(true)?;
    match tls {
        None => converse(stream, secrets, hangs_up),
        Some(tls) => {
            let stream = StreamOwned::new(ServerConnection::new(tls)?, stream);
            converse(stream, secrets, hangs_up)
        }
    }
}

fn converse<S: std::io::Read + std::io::Write>(
    stream: S,
    secrets: &BTreeMap<String, String>,
    hangs_up: &AtomicBool,
) -> Outcome<()> {
    let mut reader = BufReader::new(stream);
    while let Some(heard) = hear(&mut reader)? {
        let asked: Value = serde_json::from_slice(&heard.body).unwrap_or_default();
        let name = asked.get("SecretId").and_then(Value::as_str).unwrap_or_default();
        let answer = match secrets.get(name) {
            Some(text) if heard.target == "secretsmanager.GetSecretValue" => {
                let fields = json!({"ARN": name, "Name": name, "SecretString": text});
                fields.to_string()
            }
            _ if heard.target.starts_with("DynamoDB_") => "{}".to_owned(),
            _ => "healthy".to_owned(),
        };
        let is_last = hangs_up.load(Ordering::SeqCst);
        let length = answer.len();
        let goodbye = if is_last { "connection: close\r\n" } else { "" };
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.1\r\n";
        let text = format!("{head}{goodbye}content-length: {length}\r\n\r\n{answer}");
        reader.get_mut().write_all(text.as_bytes())?;
        reader.get_mut().flush()?;
        if is_last {
            return Ok(());
        }
    }
    Ok(())
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

/// A quotient with two places.
fn tenth(value: u128, by: u128) -> String {
    let hundredths = (value * 100).checked_div(by).unwrap_or_default();
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}
