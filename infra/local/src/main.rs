//! `cargo run`: the local shop on a port, a purchase in it, its audit log, or what an order has.
#![allow(clippy::print_stdout, reason = "a command line speaks on its standard output")]

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use local::bench::{self, Load, Mix, RUNS_MAX, Sweep};
use local::buy::{self, Step};
use local::{Clock, Error, Options, Shop, logins, serve};

/// The whole shop on this machine: offline, in one process, with the real code of every function.
///
/// Without a command it serves the shop, as `serve` does.
#[derive(Parser)]
#[command(name = "local", args_conflicts_with_subcommands = true, after_help = EXAMPLES)]
struct Line {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Serve,
}

const EXAMPLES: &str = "\
Examples:
  cargo run                          the shop on http://127.0.0.1:3000, kept in .fluxion/
  cargo run -- --ephemeral           the same, forgotten at the end
  cargo run -- buy                   one purchase in a shop of its own
  cargo run -- buy --url http://127.0.0.1:3000
                                     one purchase in the running shop
  cargo run -- bench --sweep 1,16,64 --report target/load
                                     1, 16 and 64 shoppers at once, each in a fresh shop, and a
                                     folder with a page, plots and the figures as JSON
  curl -X POST -d '{\"advance_seconds\":3600}' http://127.0.0.1:3000/_local/clock
                                     an hour later";

#[derive(Subcommand)]
enum Command {
    /// Serve the shop until Ctrl-C.
    #[command(after_help = EXAMPLES)]
    Serve(Serve),
    /// Play a whole purchase over HTTP: browse, cart, order, pay with a test card, webhook, queue,
    /// letter. Prints each step with its time and fails where anything deviates.
    #[command(after_help = EXAMPLES)]
    Buy(Buy),
    /// Let many shoppers in at once for a while, over HTTP, into a shop of its own with the demo
    /// goods: they look, search, fill carts, leave them or pay. Asks every invariant afterwards,
    /// and then how many transactions a second the emulated DynamoDB does alone. Prints how often
    /// and how long; fails where anything is broken.
    #[command(after_help = EXAMPLES)]
    Bench(Bench),
    /// Print the audit log of a shop that is closed, oldest first, one JSON link a line.
    #[command(after_help = EXAMPLES)]
    Audit(Audit),
    /// Explain an order of a shop that is closed in plain language: what happened, what is odd,
    /// what comes next.
    #[command(after_help = EXAMPLES)]
    Doctor(Doctor),
}

#[derive(Args)]
struct Serve {
    /// The port on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 3000)]
    port: u16,
    /// The folder that keeps everything: tables, queues, mail, keys, payments.
    #[arg(long, default_value = ".fluxion", conflicts_with = "ephemeral")]
    data_dir: PathBuf,
    /// Keep everything in memory and forget it at the end.
    #[arg(long)]
    ephemeral: bool,
    /// Fill an empty catalog with the demo goods (the default).
    #[arg(long, overrides_with = "no_demo")]
    demo: bool,
    /// Leave an empty catalog empty.
    #[arg(long)]
    no_demo: bool,
    /// Make all ids, tokens and keys follow from this number. They can be guessed then.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Let every function do everything, whatever its policy in the template says.
    #[arg(long)]
    no_iam: bool,
    /// Let webhooks go to this machine itself, where their receiver is being written.
    #[arg(long)]
    webhooks_to_loopback: bool,
}

#[derive(Args)]
struct Buy {
    /// A running shop; without it, one is opened in memory for this purchase.
    #[arg(long)]
    url: Option<String>,
    /// Print one JSON object at the end instead of lines.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct Audit {
    /// The folder that the shop is kept in.
    #[arg(long, default_value = ".fluxion")]
    data_dir: PathBuf,
}

#[derive(Args)]
struct Doctor {
    /// The order's id, ord_…, or its number.
    order: String,
    /// The folder that the shop is kept in.
    #[arg(long, default_value = ".fluxion")]
    data_dir: PathBuf,
}

#[derive(Args)]
struct Bench {
    /// Shoppers at once.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    shoppers: u32,
    /// Several runs, one after the other, each with so many shoppers and a fresh shop: 1,16,64.
    #[arg(long, value_name = "N,N,…", value_delimiter = ',', conflicts_with = "shoppers",
        value_parser = clap::value_parser!(u32).range(1..=1_000))]
    sweep: Vec<u32>,
    /// For how long they begin new visits.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// Who comes.
    #[arg(long, value_enum, default_value_t)]
    mix: Mix,
    /// What they set out to do follows from this number. What comes of it does not: they meet.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Write a page with plots (SVG), and the figures as JSON, into this folder.
    #[arg(long, value_name = "FOLDER")]
    report: Option<PathBuf>,
    /// Measure sign-ins instead: how many a second, their memory, the share of Argon2id, known
    /// against unknown addresses.
    #[arg(long,
        conflicts_with_all = ["shoppers", "sweep", "seconds", "mix", "seed", "report"])]
    logins: bool,
    /// Fail where known and unknown addresses differ by more than 15 %.
    #[arg(long, requires = "logins")]
    assert_timing: bool,
    /// Print one JSON object at the end instead of lines.
    #[arg(long)]
    json: bool,
}

impl Bench {
    /// The loads that are asked for, in their order.
    fn loads(&self) -> Result<Vec<Load>, Error> {
        let Self { seconds, mix, seed, .. } = *self;
        let one = std::slice::from_ref(&self.shoppers);
        let runs = if self.sweep.is_empty() { one } else { &self.sweep };
        if runs.len() > RUNS_MAX {
            return Err(Error::Setup(format!("one sweep has at most {RUNS_MAX} runs")));
        }
        // Their plots would be one file.
        if runs.iter().collect::<BTreeSet<_>>().len() < runs.len() {
            return Err(Error::Setup("a sweep has each number of shoppers once".to_owned()));
        }
        Ok(runs.iter().map(|shoppers| Load { shoppers: *shoppers, seconds, mix, seed }).collect())
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    runtime::telemetry::init();
    let line = Line::parse();
    let done = match line.command {
        None => serve_shop(line.serve).await,
        Some(Command::Serve(flags)) => serve_shop(flags).await,
        Some(Command::Buy(flags)) => buy_something(flags).await,
        Some(Command::Bench(flags)) => load(flags).await,
        Some(Command::Audit(flags)) => print_audit(flags).await,
        Some(Command::Doctor(flags)) => explain(flags).await,
    };
    done.unwrap_or_else(|error| {
        tracing::error!("{error}");
        ExitCode::FAILURE
    })
}

async fn serve_shop(flags: Serve) -> Result<ExitCode, Error> {
    // First the port: whoever can not have it should not wait for the rest.
    let listener = serve::listen(flags.port).await?;
    let port = listener.local_addr().map_or(flags.port, |address| address.port());
    let demo = !flags.no_demo;
    let shop = Shop::open(Options {
        data_dir: (!flags.ephemeral).then(|| flags.data_dir.clone()),
        clock: Clock::real(),
        seed: flags.seed,
        demo,
        webhooks_to_loopback: flags.webhooks_to_loopback,
        enforce_iam: !flags.no_iam,
        port,
        ..Options::default()
    })
    .await?;
    shop.warm_up()?;
    // A new folder has no search indexes yet, one of an older release perhaps some that it can not
    // read. What comes of it is said in the log.
    for domain in ["catalog", "orders", "identity"] {
        let job = format!("{domain}.jobs.rebuild_search");
        let _ = shop.invoke(&job, serde_json::json!({})).await;
    }
    let base = shop.base_url();
    let kept = if flags.ephemeral {
        "in memory".to_owned()
    } else {
        format!("in {}", flags.data_dir.display())
    };
    println!("The shop is open at {base}, kept {kept}. Ctrl-C closes it.\n");
    println!("  catalog   {base}/v1/store/products");
    println!("  mailbox   {base}/_local/mail");
    println!("  the rest  {base}/_local/");
    if demo {
        let (email, password) = local::demo::CUSTOMER;
        println!("\nThe demo customer signs in as {email} with {password}");
        let (email, password) = local::demo::OWNER;
        println!("The demo owner signs in as {email} with {password}");
        if let Some(secret) = shop.demo_owner_secret() {
            println!("  and the code of an authenticator app that knows {secret}");
        }
    }
    println!("\nNext: cargo run -- buy --url {base}\n");
    serve::serve(&shop, listener, stopped()).await;
    println!("The shop is closed.");
    Ok(ExitCode::SUCCESS)
}

/// Ends at Ctrl-C, or when the process is asked to end.
async fn stopped() {
    let interrupted = async {
        // Without a way to hear of Ctrl-C, it ends the process by itself.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminated = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<()>();
    tokio::select! {
        () = interrupted => {}
        () = terminated => {}
    }
}

async fn buy_something(flags: Buy) -> Result<ExitCode, Error> {
    let print = |step: &Step| {
        if !flags.json {
            println!("  {:<30} {:>4} {:>6} ms", step.step, step.status, step.ms);
        }
    };
    let done = if let Some(url) = &flags.url {
        buy::buy(url.trim_end_matches('/'), print).await
    } else {
        let listener = serve::listen(0).await?;
        let port = listener.local_addr().map_or(0, |address| address.port());
        let clock = Clock::real();
        let options = Options { clock, seed: None, demo: true, port, ..Options::default() };
        let shop = Shop::open(options).await?;
        tokio::select! {
            () = serve::serve(&shop, listener, std::future::pending()) => {
                return Ok(ExitCode::FAILURE);
            }
            done = buy::buy(shop.base_url(), print) => done,
        }
    };
    match done {
        Ok(bought) => {
            if flags.json {
                println!("{}", serde_json::json!({"ok": true, "purchase": bought}));
            } else {
                let (number, ms) = (&bought.order_number, bought.total_ms);
                println!("Bought: order {number}, all in {ms} ms.");
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(deviation) => {
            if flags.json {
                println!("{}", serde_json::json!({"ok": false, "deviation": deviation}));
            } else {
                println!("Not bought. {deviation}");
            }
            Ok(ExitCode::FAILURE)
        }
    }
}

async fn load(flags: Bench) -> Result<ExitCode, Error> {
    if flags.logins {
        return sign_in(&flags).await;
    }
    let mut sweep = Sweep { runs: Vec::new() };
    for load in flags.loads()? {
        let report = bench::run(load).await?;
        if !flags.json {
            println!("{report}");
        }
        sweep.runs.push(report);
    }
    if flags.json {
        println!("{}", serde_json::json!(sweep));
    }
    if let Some(folder) = &flags.report {
        sweep.write(folder)?;
        if !flags.json {
            println!("The report is {}", folder.join("report.md").display());
        }
    }
    Ok(if sweep.is_sound() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn sign_in(flags: &Bench) -> Result<ExitCode, Error> {
    let listener = serve::listen(0).await?;
    let port = listener.local_addr().map_or(0, |address| address.port());
    let clock = Clock::real();
    let options = Options { clock, seed: None, demo: true, port, ..Options::default() };
    let shop = Shop::open(options).await?;
    shop.warm_up()?;
    let report = tokio::select! {
        () = serve::serve(&shop, listener, std::future::pending()) => return Ok(ExitCode::FAILURE),
        report = logins::run(&shop) => report?,
    };
    if flags.json {
        println!("{}", serde_json::json!(report));
    } else {
        print!("{report}");
    }
    let is_good = report.is_sound() && (report.is_even() || !flags.assert_timing);
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn print_audit(flags: Audit) -> Result<ExitCode, Error> {
    if !flags.data_dir.is_dir() {
        let folder = flags.data_dir.display();
        return Err(Error::Setup(format!("no shop is kept in {folder}")));
    }
    let options =
        Options { data_dir: Some(flags.data_dir), clock: Clock::real(), ..Options::default() };
    let shop = Shop::open(options).await?;
    for link in shop.audit_log().await? {
        println!("{}", serde_json::json!(link));
    }
    Ok(ExitCode::SUCCESS)
}

/// Explains an order.
async fn explain(flags: Doctor) -> Result<ExitCode, Error> {
    if !flags.data_dir.is_dir() {
        let folder = flags.data_dir.display();
        return Err(Error::Setup(format!("no shop is kept in {folder}")));
    }
    let options =
        Options { data_dir: Some(flags.data_dir), clock: Clock::real(), ..Options::default() };
    let shop = Shop::open(options).await?;
    for line in shop.explain(&flags.order).await? {
        println!("{line}");
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `bench` is asked for by these words; what clap says, where it refuses them.
    fn bench(words: &[&str]) -> Result<Bench, String> {
        let line = Line::try_parse_from([&["local", "bench"][..], words].concat());
        match line.map_err(|error| error.to_string())?.command {
            Some(Command::Bench(flags)) => Ok(flags),
            _ => Err("another command".to_owned()),
        }
    }

    fn at_once(words: &[&str]) -> Vec<u32> {
        let loads = bench(words).unwrap().loads().unwrap();
        loads.into_iter().map(|load| load.shoppers).collect()
    }

    #[test]
    fn a_bench_without_flags_is_one_run_of_sixty_four_shoppers() {
        let loads = bench(&[]).unwrap().loads().unwrap();
        let [load] = loads.as_slice() else { panic!("{loads:?}") };
        assert_eq!((load.shoppers, load.seconds, load.seed), (64, 20, 1));
        assert_eq!(load.mix, Mix::Shoppers);
    }

    #[test]
    fn a_sweep_is_a_run_for_each_number_in_its_order() {
        assert_eq!(at_once(&["--sweep", "1,16,64"]), [1, 16, 64]);
        assert_eq!(at_once(&["--sweep", "3"]), [3]);
        assert_eq!(at_once(&["--shoppers", "5"]), [5]);
        let words = ["--sweep", "2,1", "--seconds", "3", "--seed", "9", "--mix", "buyers"];
        let loads = bench(&words).unwrap().loads().unwrap();
        let all = |load: &Load| (load.seconds, load.seed, load.mix) == (3, 9, Mix::Buyers);
        assert!(loads.len() == 2 && loads.iter().all(all), "{loads:?}");
    }

    #[test]
    fn nonsense_is_refused_before_a_shop_is_opened() {
        for words in [
            &["--shoppers", "0"][..],
            &["--shoppers", "1001"],
            &["--seconds", "0"],
            &["--seconds", "601"],
            &["--sweep", "1,0"],
            &["--sweep", "1,x"],
            &["--sweep", ""],
            &["--seed", "-1"],
            &["--mix", "robots"],
            &["--sweep", "1,2", "--shoppers", "3"],
            &["--logins", "--report", "folder"],
            &["--logins", "--sweep", "1"],
            &["--assert-timing"],
        ] {
            assert!(bench(words).is_err(), "{words:?}");
        }
        for words in [["--sweep", "1,2,3,4,5,6,7,8,9"], ["--sweep", "16,1,16"]] {
            assert!(bench(&words).unwrap().loads().is_err(), "{words:?}");
        }
    }

    #[test]
    fn the_command_line_is_sound_and_says_what_a_sweep_is() {
        use clap::CommandFactory as _;
        let mut line = Line::command();
        line.clone().debug_assert();
        let bench = line.find_subcommand_mut("bench").unwrap().render_long_help().to_string();
        for words in ["--sweep", "--report", "--seed", "--mix"] {
            assert!(bench.contains(words), "{words}\n{bench}");
        }
    }
}
