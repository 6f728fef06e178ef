//! Release binaries, started as Lambda starts them and looked at from outside:
//!
//! ```sh
//! cargo xtask package --plain
//! cargo build --release -p runtime --example hello
//! cargo run --release -p local --example cold_start [runs] [word of a handler …]
//! cargo run --release -p local --example cold_start first [runs] [word of a handler …]
//! cargo run --release -p local --example cold_start count [requests] [word of a request …]
//! ```
//!
//! Without a word: how long each binary takes from its start to its first request for work, beside
//! a function that says hello. A simulator of the Lambda Runtime API on loopback takes the time
//! between the start of a process and its `GET …/invocation/next`. Secrets and DynamoDB's page for
//! load balancers are answered on loopback, too, without TLS: what is measured is the program's own
//! work, not the network's. Runs of all binaries take turns, so that a machine that grows slow does
//! so for all of them.
//!
//! With `first` what plays AWS speaks TLS (openssl makes its certificate), and each process is
//! given its sample event eleven times: everything in DynamoDB is empty. Every other process
//! finds that AWS hung up after its start: so long would the first invocation take if nothing
//! were opened before it.
//!
//! With `count` AWS is the emulator of the local shop, with goods, carts and the twin of Stripe in
//! this process, and each answer is looked at. valgrind counts the instructions and the heap
//! allocations of many requests and of few; their difference is what requests cost, without the
//! start. The most memory that a process ever had is asked of the kernel, without valgrind.
//!
//! Nothing is asserted: figures are for comparing one change with another on the same machine.

#![allow(clippy::disallowed_methods, reason = "a benchmark measures time")]
#![allow(clippy::indexing_slicing, reason = "what JSON has not is null, and counts are in order")]

use std::error::Error;
use std::path::PathBuf;

mod aws;
mod count;
mod emulator;
mod heard;
mod requests;
mod starts;
mod work;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Outcome<()> {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    let mode = take(&mut words, |word| ["first", "count"].contains(&word));
    let number = take(&mut words, |word| word.parse::<usize>().is_ok());
    let number = number.and_then(|word| word.parse().ok());
    let folder = std::env::temp_dir().join(format!("cold-start-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let tokio = tokio::runtime::Runtime::new()?;
    let done = match mode.as_deref() {
        Some("count") => count::run(&tokio, &words, number, &folder),
        mode => starts::run(&tokio, &words, number, mode == Some("first"), &folder),
    };
    std::fs::remove_dir_all(&folder)?;
    done
}

/// Takes the first word off where it is one of these.
fn take(words: &mut Vec<String>, is_it: impl Fn(&str) -> bool) -> Option<String> {
    words.first().is_some_and(|word| is_it(word)).then(|| words.remove(0))
}

/// Where cargo builds.
fn target() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target")
}

/// A quotient with two places.
fn tenth(value: u128, by: u128) -> String {
    let hundredths = (value * 100).checked_div(by).unwrap_or_default();
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}
