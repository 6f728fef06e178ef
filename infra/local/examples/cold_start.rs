//! How long each binary takes from its start to its first request for work, beside a function that
//! says hello:
//!
//! ```sh
//! cargo build --release --workspace --bins
//! cargo build --release -p runtime --example hello
//! cargo run --release -p local --example cold_start [runs] [word of a handler …]
//! ```
//!
//! A simulator of the Lambda Runtime API on loopback takes the time between the start of a process
//! and its `GET …/invocation/next`. Secrets and DynamoDB's page for load balancers are answered on
//! loopback, too, without TLS: what is measured is the program's own work, not the network's.
//! Runs of all binaries take turns, so that a machine that grows slow does so for all of them.
//!
//! Nothing is asserted: figures are for comparing one change with another on the same machine.

#![allow(clippy::disallowed_methods, reason = "a benchmark measures time")]

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_sdk_secretsmanager::Client;
use local::{Options, Shop};
use serde_json::{Value, json};

/// Starts of each binary, unless told otherwise.
const RUNS: usize = 50;
/// Who has not asked for work by then never will.
const PATIENCE: Duration = Duration::from_secs(10);
/// What a request for work begins with.
const NEXT: &str = "GET /2018-06-01/runtime/invocation/next ";

type Outcome<T> = Result<T, Box<dyn Error>>;

/// A program that is started again and again.
struct Contender {
    name: String,
    program: PathBuf,
    variables: BTreeMap<String, String>,
    micros: Vec<u128>,
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
    let runs = match words.first().and_then(|word| word.parse().ok()) {
        Some(runs) => {
            words.remove(0);
            runs
        }
        None => RUNS,
    };
    let tokio = tokio::runtime::Runtime::new()?;
    let (mut contenders, secrets) = tokio.block_on(prepare(&words))?;
    let aws = answer_for_aws(secrets)?;
    let work = TcpListener::bind("127.0.0.1:0")?;
    let address = work.local_addr()?.to_string();
    for contender in &mut contenders {
        contender.variables.insert("AWS_ENDPOINT_URL".to_owned(), format!("http://{aws}"));
        contender.variables.insert("AWS_LAMBDA_RUNTIME_API".to_owned(), address.clone());
    }
    for run in 0..=runs {
        for contender in &mut contenders {
            let (took, resident_kb) = start(contender, &work)?;
            // The first start of each fills the caches of files.
            if run > 0 {
                contender.micros.push(took.as_micros());
                contender.resident_kb = contender.resident_kb.max(resident_kb);
            }
        }
    }
    print(&mut contenders);
    Ok(())
}

/// Hello, and one function of each domain, or those whose Handlers have one of the words; and what
/// their secrets are.
async fn prepare(words: &[String]) -> Outcome<(Vec<Contender>, BTreeMap<String, String>)> {
    let shop = Shop::open(Options::default()).await?;
    let client = Client::new(&shop.sdk_config());
    let mut secrets = BTreeMap::new();
    for name in &shop.stack().secrets {
        let held = client.get_secret_value().secret_id(name).send().await?;
        secrets.insert(name.clone(), held.secret_string.unwrap_or_default());
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/release");
    let hello = folder.join("examples/hello");
    let mut contenders = vec![contender("hello", hello, &BTreeMap::new())?];
    for domain in local::domains() {
        let functions = shop.stack().functions.iter();
        let of_domain = functions
            .filter(|one| one.handler.split('.').next() == Some(domain))
            .filter(|one| words.is_empty() || words.iter().any(|word| one.handler.contains(word)))
            .filter(|one| !one.handler.ends_with(".unknown"));
        let at_most = if words.is_empty() { 1 } else { usize::MAX };
        for function in of_domain.take(at_most) {
            let program = folder.join(&function.binary);
            contenders.push(contender(&function.handler, program, &function.environment)?);
        }
    }
    Ok((contenders, secrets))
}

fn contender(
    name: &str,
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
    let name = name.to_owned();
    Ok(Contender { name, program, variables, micros: Vec::new(), resident_kb: 0 })
}

/// Starts it once: the time until it asks for work, and the memory that it has then.
fn start(contender: &Contender, work: &TcpListener) -> Outcome<(Duration, u64)> {
    let mut command = Command::new(&contender.program);
    command.env_clear().envs(&contender.variables).stdout(Stdio::null()).stderr(Stdio::piped());
    let began = Instant::now();
    let mut child = command.spawn()?;
    let asked = wait_for_work(work, began);
    let took = began.elapsed();
    let resident_kb = resident_kb(&child);
    let is_asking = matches!(asked, Ok(true));
    end(&mut child, is_asking, &contender.name)?;
    asked?;
    Ok((took, resident_kb))
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

/// Waits until somebody asks for work; false where nobody does.
fn wait_for_work(work: &TcpListener, began: Instant) -> Outcome<bool> {
    work.set_nonblocking(true)?;
    while began.elapsed() < PATIENCE {
        match work.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(false)?;
                stream.set_read_timeout(Some(PATIENCE))?;
                let mut reader = BufReader::new(stream);
                return Ok(hear(&mut reader)?.is_some_and(|heard| heard.line.starts_with(NEXT)));
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                std::thread::sleep(Duration::from_micros(20));
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(false)
}

fn resident_kb(child: &Child) -> u64 {
    let path = format!("/proc/{}/status", child.id());
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}

/// Reads one request; none where the connection ended.
fn hear(reader: &mut BufReader<TcpStream>) -> Outcome<Option<Heard>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let (mut length, mut target) = (0, String::new());
    loop {
        let mut header = String::new();
        if reader.read_line(&mut header)? == 0 || header.trim().is_empty() {
            break;
        }
        let Some((name, value)) = header.split_once(':') else { continue };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse()?,
            "x-amz-target" => value.trim().clone_into(&mut target),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Some(Heard { line, target, body }))
}

/// Answers as Secrets Manager, and says "healthy" to everything else.
fn answer_for_aws(secrets: BTreeMap<String, String>) -> Outcome<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    let secrets = Arc::new(secrets);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let secrets = Arc::clone(&secrets);
            // Who hangs up in the middle was killed by us.
            std::thread::spawn(move || drop(converse(stream, &secrets)));
        }
    });
    Ok(address)
}

fn converse(stream: TcpStream, secrets: &BTreeMap<String, String>) -> Outcome<()> {
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::new(stream);
    while let Some(heard) = hear(&mut reader)? {
        let asked: Value = serde_json::from_slice(&heard.body).unwrap_or_default();
        let name = asked.get("SecretId").and_then(Value::as_str).unwrap_or_default();
        let answer = match secrets.get(name) {
            Some(text) if heard.target == "secretsmanager.GetSecretValue" => {
                let fields = json!({"ARN": name, "Name": name, "SecretString": text});
                fields.to_string()
            }
            _ => "healthy".to_owned(),
        };
        let length = answer.len();
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.1\r\n";
        write!(writer, "{head}content-length: {length}\r\n\r\n{answer}")?;
    }
    Ok(())
}

fn print(contenders: &mut [Contender]) {
    let mut hello = None;
    println!("| function | median ms | 90 % below | times hello | resident MB | binary MB |");
    println!("|---|---|---|---|---|---|");
    for contender in contenders {
        contender.micros.sort_unstable();
        let at = |tenths: usize| {
            let index = (contender.micros.len() * tenths / 10).min(contender.micros.len() - 1);
            contender.micros.get(index).copied().unwrap_or_default()
        };
        let (median, slow) = (at(5), at(9));
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
