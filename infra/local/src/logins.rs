//! What a login costs: how many a second, with how much memory, how much of it is Argon2id, whether
//! an unknown address takes as long as a known one, and what it does to everybody else.
//!
//! It is no test of time: nothing is asserted about speed unless that is asked for. Client and shop
//! share the machine and its cores.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::bench::percentile;
use crate::demo;
use crate::error::Error;
use crate::shop::Shop;

/// Logins at once; the catalog alone comes first.
const CROWDS: [u32; 4] = [0, 1, 4, 16];
/// How long each crowd signs in.
const EACH: Duration = Duration::from_secs(5);
/// Between two looks at the catalog meanwhile.
const LOOK: Duration = Duration::from_millis(10);
/// Logins, and hashes alone, whose medians are compared.
const SAMPLES: usize = 60;
/// Refused sign-ins of each kind, one after the other.
const REFUSED: usize = 200;
/// How far the medians of both kinds may lie apart where that is asserted.
const APART_MAX: f64 = 0.15;
/// A password that is nobody's.
const WRONG: &str = "not-the-password-of-anybody";

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Cores of this machine.
    pub cores: usize,
    /// `dev` or `release`.
    pub profile: &'static str,
    /// Half of the hashes alone took at most so long, in milliseconds.
    pub hash_p50_ms: f64,
    /// Half of the logins, one after the other, took at most so long, in milliseconds.
    pub login_p50_ms: f64,
    /// The former by the latter.
    pub share_of_hash: f64,
    /// By the number of logins at once.
    pub crowds: Vec<Crowd>,
    /// The median of refused sign-ins with an address that has an account, in milliseconds.
    pub known_p50_ms: f64,
    /// The same with addresses that have none.
    pub unknown_p50_ms: f64,
    /// The latter by the former.
    pub unknown_by_known: f64,
    /// Whatever was not answered as it must be; empty in a sound shop.
    pub deviations: Vec<String>,
}

/// So many logins at once.
#[derive(Clone, Debug, Serialize)]
pub struct Crowd {
    /// How many.
    pub at_once: u32,
    /// All that succeeded.
    pub logins: usize,
    /// The same, per second.
    pub logins_per_second: f64,
    /// Half of them took at most so long, in milliseconds.
    pub p50_ms: f64,
    /// 99 of 100 took at most so long, in milliseconds.
    pub p99_ms: f64,
    /// The most memory that was resident, client and shop together, in MiB.
    pub resident_mib: u64,
    /// 99 of 100 looks at the catalog meanwhile took at most so long, in milliseconds.
    pub list_p99_ms: f64,
}

impl Report {
    /// Whether everything was answered as it must be.
    pub fn is_sound(&self) -> bool {
        self.deviations.is_empty()
    }

    /// Whether the time of a refusal tells nobody who has an account.
    pub fn is_even(&self) -> bool {
        (self.unknown_by_known - 1.0).abs() <= APART_MAX
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} cores, {} profile\n", self.cores, self.profile)?;
        let (hash, login) = (self.hash_p50_ms, self.login_p50_ms);
        let share = self.share_of_hash * 100.0;
        writeln!(f, "Argon2id {hash:.1} ms of a login's {login:.1} ms: {share:.0} %")?;
        writeln!(
            f,
            "\n{:>8} {:>7} {:>8} {:>8} {:>8} {:>9} {:>12}",
            "at once", "logins", "per s", "p50 ms", "p99 ms", "RSS MiB", "list p99 ms"
        )?;
        for crowd in &self.crowds {
            let Crowd { at_once, logins, logins_per_second, p50_ms, p99_ms, .. } = crowd;
            let (resident, list) = (crowd.resident_mib, crowd.list_p99_ms);
            writeln!(
                f,
                "{at_once:>8} {logins:>7} {logins_per_second:>8.1} {p50_ms:>8.1} {p99_ms:>8.1} \
                 {resident:>9} {list:>12.1}"
            )?;
        }
        let (known, unknown) = (self.known_p50_ms, self.unknown_p50_ms);
        let ratio = self.unknown_by_known;
        writeln!(
            f,
            "\nrefused, {REFUSED} each: a known address {known:.1} ms, an unknown one \
             {unknown:.1} ms, ratio {ratio:.3}"
        )?;
        for what in &self.deviations {
            writeln!(f, "DEVIATION: {what}")?;
        }
        Ok(())
    }
}

/// Signs in to a served demo shop, alone and in crowds.
pub async fn run(shop: &Shop) -> Result<Report, Error> {
    let visitor = Visitor::new(shop.base_url());
    let mut deviations = Vec::new();
    // The first login starts the function.
    visitor.login(200).await.map_err(Error::Setup)?;
    let (mut hashes, mut logins) = (Vec::new(), Vec::new());
    for _ in 0..SAMPLES {
        let began = Instant::now();
        identity::password::is_password(WRONG.to_owned(), None).await?;
        hashes.push(micros(began));
        note(&mut logins, &mut deviations, visitor.login(200).await);
    }
    let mut crowds = Vec::new();
    for at_once in CROWDS {
        crowds.push(crowd(&visitor, at_once, &mut deviations).await);
    }
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for number in 0..REFUSED {
        let somebody = demo::CUSTOMER.0.to_owned();
        note(&mut known, &mut deviations, visitor.sign_in(&somebody, WRONG, 401).await);
        let nobody = format!("nobody-{number}@bench.fluxion.example");
        note(&mut unknown, &mut deviations, visitor.sign_in(&nobody, WRONG, 401).await);
    }
    let (hash_p50_ms, login_p50_ms) = (sorted(&mut hashes, 50), sorted(&mut logins, 50));
    let (known_p50_ms, unknown_p50_ms) = (sorted(&mut known, 50), sorted(&mut unknown, 50));
    deviations.sort();
    deviations.dedup();
    Ok(Report {
        cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        profile: if cfg!(debug_assertions) { "dev" } else { "release" },
        hash_p50_ms,
        login_p50_ms,
        share_of_hash: hash_p50_ms / login_p50_ms,
        crowds,
        known_p50_ms,
        unknown_p50_ms,
        unknown_by_known: unknown_p50_ms / known_p50_ms,
        deviations,
    })
}

/// So many sign in at once for a while, and one looks at the catalog.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2⁵³")]
async fn crowd(visitor: &Visitor, at_once: u32, deviations: &mut Vec<String>) -> Crowd {
    let began = Instant::now();
    let is_over = Arc::new(AtomicBool::new(false));
    let mut people = JoinSet::new();
    for _ in 0..at_once {
        let (visitor, is_over) = (visitor.clone(), Arc::clone(&is_over));
        people.spawn(async move {
            let (mut took, mut deviations) = (Vec::new(), Vec::new());
            while !is_over.load(Ordering::Relaxed) && deviations.is_empty() {
                note(&mut took, &mut deviations, visitor.login(200).await);
            }
            (took, deviations)
        });
    }
    let (mut looks, mut resident) = (Vec::new(), 0);
    while began.elapsed() < EACH {
        note(&mut looks, deviations, visitor.look().await);
        resident = resident.max(resident_mib());
        tokio::time::sleep(LOOK).await;
    }
    is_over.store(true, Ordering::Relaxed);
    let mut took = Vec::new();
    while let Some(done) = people.join_next().await {
        match done {
            Ok((some, flaws)) => {
                took.extend(some);
                deviations.extend(flaws);
            }
            Err(error) => deviations.push(format!("a visitor broke down: {error}")),
        }
    }
    let logins_per_second = took.len() as f64 / began.elapsed().as_secs_f64();
    Crowd {
        at_once,
        logins: took.len(),
        logins_per_second,
        p50_ms: sorted(&mut took, 50),
        p99_ms: sorted(&mut took, 99),
        resident_mib: resident,
        list_p99_ms: sorted(&mut looks, 99),
    }
}

/// What is resident of this process; 0 where the system does not say.
fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0) / 1024
}

fn micros(began: Instant) -> u32 {
    u32::try_from(began.elapsed().as_micros()).unwrap_or(u32::MAX)
}

fn note(took: &mut Vec<u32>, deviations: &mut Vec<String>, answer: Result<u32, String>) {
    match answer {
        Ok(micros) => took.push(micros),
        Err(what) => deviations.push(what),
    }
}

fn sorted(took: &mut [u32], percent: usize) -> f64 {
    took.sort_unstable();
    percentile(took, percent)
}

/// Somebody who asks from another address each time, so that no limit is met.
#[derive(Clone)]
struct Visitor {
    http: Client<HttpConnector, Full<Bytes>>,
    base: String,
    next: Arc<AtomicU32>,
}

impl Visitor {
    fn new(base: &str) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let http = Client::builder(TokioExecutor::new()).build(connector);
        Self { http, base: base.to_owned(), next: Arc::default() }
    }

    /// The demo's customer signs in. How long it took, in microseconds.
    async fn login(&self, wanted: u16) -> Result<u32, String> {
        let (email, password) = demo::CUSTOMER;
        self.sign_in(email, password, wanted).await
    }

    async fn sign_in(&self, email: &str, password: &str, wanted: u16) -> Result<u32, String> {
        let body = json!({"email": email, "password": password, "mode": "token"});
        self.ask("POST", "/v1/auth/login", Some(&body), wanted).await
    }

    async fn look(&self) -> Result<u32, String> {
        self.ask("GET", "/v1/store/products?limit=24", None, 200).await
    }

    async fn ask(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        wanted: u16,
    ) -> Result<u32, String> {
        // Benchmarking addresses (RFC 2544).
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (high, low) = (number / 256 % 512, number % 256);
        let address = format!("198.{}.{}.{low}", 18 + high / 256, high % 256);
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header("content-type", "application/json")
            .header("x-local-source-ip", address)
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| format!("{path}: {error}"))?;
        let began = Instant::now();
        let answer = self.http.request(request).await;
        let answer = answer.map_err(|error| format!("{path}: {error}"))?;
        let status = answer.status().as_u16();
        let read = answer.into_body().collect().await;
        read.map_err(|error| format!("{path}: {error}"))?;
        let took = micros(began);
        if status == wanted { Ok(took) } else { Err(format!("{path}: {status}, not {wanted}")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_says_whether_a_refusal_tells_who_has_an_account() {
        let crowd = Crowd {
            at_once: 4,
            logins: 200,
            logins_per_second: 40.0,
            p50_ms: 90.0,
            p99_ms: 120.0,
            resident_mib: 300,
            list_p99_ms: 12.0,
        };
        let report = Report {
            cores: 2,
            profile: "dev",
            hash_p50_ms: 20.0,
            login_p50_ms: 25.0,
            share_of_hash: 0.8,
            crowds: vec![crowd],
            known_p50_ms: 24.0,
            unknown_p50_ms: 25.0,
            unknown_by_known: 25.0 / 24.0,
            deviations: Vec::new(),
        };
        assert!(report.is_sound() && report.is_even());
        let text = report.to_string();
        assert!(text.contains("Argon2id 20.0 ms of a login's 25.0 ms: 80 %"), "{text}");
        assert!(text.contains("       4     200     40.0     90.0    120.0       300"), "{text}");
        assert!(!Report { unknown_by_known: 0.5, ..report }.is_even());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_system_says_what_is_resident() {
        assert!(resident_mib() > 0);
    }
}
