//! What requests cost: instructions, heap allocations, memory.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::emulator::answer_as;
use crate::requests::{Counted, Scene};
use crate::starts::lambdas_own;
use crate::work::Process;
use crate::{Outcome, target, tenth};

/// Few requests: what both numbers have besides requests is the start.
const FEW: usize = 200;
/// Many requests, unless told otherwise.
const MANY: usize = 1_200;
/// Requests until memory is looked at.
const REMEMBERED: usize = 1_000;
/// valgrind takes fifty times as long as the processor.
const PATIENCE: Duration = Duration::from_mins(2);
/// The most memory that a process may ever have.
const PEAK_MB_MAX: u64 = 25;
/// By which functions memory is taken from the heap. That one grows is counted, too.
const ALLOCATORS: [&str; 5] = ["malloc", "calloc", "realloc", "aligned_alloc", "posix_memalign"];

/// What valgrind saw of a process.
struct Seen {
    instructions: u64,
    allocations: u64,
}

/// What is measured of a request.
struct Row {
    instructions: u64,
    allocations: u64,
    peak_kb: u64,
    /// Of an answer's body.
    bytes: usize,
}

/// Counts all requests of which a word is in the name, and prints a table.
pub(crate) fn run(
    tokio: &tokio::runtime::Runtime,
    words: &[String],
    many: Option<usize>,
    folder: &Path,
) -> Outcome<()> {
    let many = many.unwrap_or(MANY).max(FEW + 1);
    let scene = tokio.block_on(Scene::open())?;
    println!("| request | body KB | instructions | goal | allocations | goal | peak MB | goal |");
    println!("|---|---|---|---|---|---|---|---|");
    for counted in tokio.block_on(scene.requests())? {
        if !words.is_empty() && !words.iter().any(|word| counted.name.contains(word)) {
            continue;
        }
        let row = measure(tokio, &scene, &counted, many, folder)
            .map_err(|error| format!("{}: {error}", counted.name))?;
        print(&counted, &row);
    }
    Ok(())
}

fn measure(
    tokio: &tokio::runtime::Runtime,
    scene: &Scene,
    counted: &Counted,
    many: usize,
    folder: &Path,
) -> Outcome<Row> {
    let few = watched(tokio, scene, counted, FEW, folder)?;
    let all = watched(tokio, scene, counted, many, folder)?;
    let (handler, events) = tokio.block_on(scene.events(counted, REMEMBERED))?;
    let (program, variables) = tokio.block_on(process_of(scene, &handler))?;
    let (process, bytes) = answers(Command::new(program), &variables, counted, &events, folder)?;
    let peak_kb = process.memory_kb("VmHWM");
    let between = u64::try_from(many - FEW)?;
    Ok(Row {
        instructions: (all.instructions - few.instructions) / between,
        allocations: (all.allocations - few.allocations) / between,
        peak_kb,
        bytes,
    })
}

/// A function's binary and its variables.
async fn process_of(scene: &Scene, handler: &str) -> Outcome<(PathBuf, BTreeMap<String, String>)> {
    let function = scene.shop.stack().function(handler);
    let function = function.ok_or_else(|| format!("no template declares {handler}"))?;
    let program = target().join("release").join(&function.binary);
    if !program.exists() {
        return Err(format!("{} is not built; see the head of main", program.display()).into());
    }
    let mut variables: BTreeMap<String, String> = lambdas_own(handler).collect();
    variables.extend(scene.shop.variables(handler)?);
    let aws = answer_as(&scene.shop, handler).await?;
    variables.insert("AWS_ENDPOINT_URL".to_owned(), format!("http://{aws}"));
    Ok((program, variables))
}

/// A process that has given the right answer to each of these events, and how long the last was.
fn answers(
    mut command: Command,
    variables: &BTreeMap<String, String>,
    counted: &Counted,
    events: &[Vec<u8>],
    folder: &Path,
) -> Outcome<(Process, usize)> {
    command.env_clear().envs(variables);
    let process = Process::start(&mut command, folder, PATIENCE)?;
    process.ready()?;
    let mut bytes = 0;
    for event in events {
        let (_, answer) = process.invoke(event)?;
        let value: Value = serde_json::from_slice(&answer)?;
        if value["statusCode"] != counted.status {
            return Err(format!("not {}: {value}", counted.status).into());
        }
        bytes = value["body"].as_str().map_or(0, str::len);
    }
    Ok((process, bytes))
}

/// What valgrind sees of a process that is started, answers so many requests and ends. What it
/// wrote is left beside the binaries, for `callgrind_annotate`.
fn watched(
    tokio: &tokio::runtime::Runtime,
    scene: &Scene,
    counted: &Counted,
    count: usize,
    folder: &Path,
) -> Outcome<Seen> {
    let (handler, events) = tokio.block_on(scene.events(counted, count))?;
    let (program, variables) = tokio.block_on(process_of(scene, &handler))?;
    let kept = target().join("callgrind");
    std::fs::create_dir_all(&kept)?;
    let profile = kept.join(format!("{}.{count}", counted.name.replace(' ', "-")));
    let mut command = Command::new("valgrind");
    command.arg("--tool=callgrind").arg(format!("--callgrind-out-file={}", profile.display()));
    command.arg(format!("--log-file={}", folder.join("valgrind").display())).arg(program);
    let (process, _) = answers(command, &variables, counted, &events, folder)?;
    process.finish()?;
    seen(&std::fs::read_to_string(&profile)?)
}

/// Reads what callgrind wrote.
/// Source: valgrind's manual, "Callgrind Format Specification".
fn seen(profile: &str) -> Outcome<Seen> {
    let (mut names, mut called, mut allocations) = (BTreeMap::new(), "", 0);
    let mut instructions = None;
    for line in profile.lines() {
        let name = line.strip_prefix("cfn=").or_else(|| line.strip_prefix("fn="));
        if let Some((id, name)) = name.and_then(|name| name.split_once(')')) {
            // A name is written out where it comes first.
            if !name.is_empty() {
                names.insert(id, name.trim());
            }
            called = names.get(id).copied().unwrap_or_default();
        } else if let Some(calls) = line.strip_prefix("calls=") {
            if ALLOCATORS.contains(&called) {
                allocations += calls.split(' ').next().unwrap_or_default().parse::<u64>()?;
            }
        } else if let Some(total) = line.strip_prefix("totals: ") {
            instructions = Some(total.trim().parse()?);
        }
    }
    let instructions = instructions.ok_or("callgrind wrote no total")?;
    Ok(Seen { instructions, allocations })
}

fn print(counted: &Counted, row: &Row) {
    let goal = |goal: Option<u64>| goal.map_or_else(String::new, |goal| goal.to_string());
    println!(
        "| {} | {} | {} | {} | {} | {} | {} | {PEAK_MB_MAX} |",
        counted.name,
        tenth(row.bytes as u128, 1_000),
        row.instructions,
        goal(counted.instructions_max),
        row.allocations,
        goal(counted.allocations_max),
        tenth(u128::from(row.peak_kb), 1_024),
    );
}
