//! `cargo xtask`: the chores of this repository that need no shell script.
//!
//! Invariants: a chore reads the tree and says everything that is wrong with it, not just the
//! first thing; it ends with 0 when there is nothing to say, 1 when there is, and 2 when it could
//! not look. Without `--check`, `openapi` and `licences` each write one file of the tree, `cost`
//! two, `pictures` those of the documentation; `package` writes to `target/` alone.

mod audit;
mod cost;
mod holes;
mod licences;
mod package;
mod pictures;
mod repository;
mod sbom;
mod shipped;
mod source;
mod tidy;

use std::error::Error;
use std::process::{Command, ExitCode};

use repository::Repository;

/// What a chore ends with when it could not do its work; the message says why.
type Outcome<T> = Result<T, Box<dyn Error>>;

const HELP: &str = "\
cargo xtask <chore>

  tidy              checks what compilers do not: which crate may use which, names, widths,
                    panics and floats in shipped code, endpoint files against templates and
                    events, decision numbers, environment variables, links, evidence
  openapi           writes infra/openapi.json from the tables of endpoints
  openapi --check   compares it with them and names each difference; writes nothing
  audit-verify --file FILE | --data-dir DIR [--head SEQUENCE:HASH]
                    names the first broken link of an audit log: one JSON link a line from a
                    file (- for stdin), or the log in a folder of the local shop; with a head
                    noted earlier, also whether the log was cut off
  holes [WORD …]    opens one defence after the other in a copy of the tree (those of the list
                    whose names have a WORD) and says which test notices; slow: it builds
  package [--arm64 | --x86-64 | --plain | --built FOLDER]
                    builds every domain's binary in release, packs each, leads the templates to
                    them, writes the bill of materials (CycloneDX): all in target/package; needs
                    cargo-lambda, but for the last two
  load [FLAG …]     lets many shoppers into a local shop of its own: `cargo run -- bench` with the
                    same flags and in the same profile, from anywhere in the tree; --help
                    explains --sweep 1,16,64, --report FOLDER and the others
  doctor ORDER [--data-dir DIR]
                    explains an order of a local shop that is closed, by its id or its number: what
                    happened, what is odd, what comes next (`cargo run -- doctor`)
  pictures          renders the samples of papers and letters for docs/papers and docs/letters;
                    needs pdftoppm (poppler-utils) and chromium
  licences          writes THIRD-PARTY-LICENCES.txt from Cargo.lock and the packages it names
  licences --check  compares it with them; writes nothing
  cost              writes docs/cost.md from what was counted and from infra/xtask/prices.json,
                    and the table of round trips in docs/performance.md
  cost --check      compares it with them; writes nothing
  --help            this text

Ends with 0 when all is well, 1 when something is wrong (each with file and line), 2 when the
chore itself could not run.";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["tidy"] => tidy(),
        ["openapi", arguments @ ..] => openapi(arguments),
        ["load", arguments @ ..] => local("bench", arguments),
        ["doctor", arguments @ ..] => local("doctor", arguments),
        ["pictures"] => pictures::pictures(),
        ["package", arguments @ ..] => package::package(arguments),
        ["licences", arguments @ ..] => licences::licences(arguments),
        ["cost", arguments @ ..] => cost::cost(arguments),
        ["holes", words @ ..] => holes::plant(words),
        ["audit-verify", arguments @ ..] => audit::verify(arguments),
        [] | ["--help" | "-h" | "help"] => {
            println!("{HELP}");
            Ok(true)
        }
        other => Err(format!("no chore is called {:?}\n\n{HELP}", other.join(" ")).into()),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(reason) => {
            eprintln!("xtask: {reason}");
            ExitCode::from(2)
        }
    }
}

/// Says whether the tree is tidy.
fn tidy() -> Outcome<bool> {
    let root = repository::root()?;
    let repository = Repository::read(&root)?;
    let packages = repository::packages(&root)?;
    let violations = tidy::check(&repository, &packages);
    for violation in &violations {
        println!("{violation}");
    }
    match violations.len() {
        0 => println!("tidy: {} files, nothing to say", repository.len()),
        many => println!("tidy: {many} violations"),
    }
    Ok(violations.is_empty())
}

/// Hands over to the example that links every function, which this binary does not.
fn openapi(arguments: &[&str]) -> Outcome<bool> {
    let status = Command::new(repository::cargo())
        .args(["run", "--quiet", "--package", "xtask", "--example", "openapi", "--"])
        .args(arguments)
        .current_dir(repository::root()?)
        .status()?;
    match status.code() {
        Some(0) => Ok(true),
        Some(1) => Ok(false),
        _ => Err("the contract could not be written or read".into()),
    }
}

/// Hands over to the local shop, which this binary does not link.
fn local(command: &str, arguments: &[&str]) -> Outcome<bool> {
    let status = Command::new(repository::cargo())
        .args(["run", "--quiet", "--package", "local", "--", command])
        .args(arguments)
        .current_dir(repository::root()?)
        .status()?;
    match status.code() {
        Some(0) => Ok(true),
        Some(1) => Ok(false),
        _ => Err(format!("{command} could not be run").into()),
    }
}
