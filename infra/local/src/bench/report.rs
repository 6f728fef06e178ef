//! What came of a load: in words for a terminal, as JSON for programs, and as a folder with a page
//! and its pictures.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::path::Path;

use serde::Serialize;

use super::notes::{KINDS, Notes, Second, is_ours};
use super::plan;
use super::raw::Raw;
use super::svg::{self, Group, Line};
use super::{Load, percentile};
use crate::error::Error;

/// One load after the other.
#[derive(Clone, Debug, Serialize)]
pub struct Sweep {
    /// In the order in which they were run.
    pub runs: Vec<Report>,
}

/// What came of one load.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Shoppers at once.
    pub shoppers: u32,
    /// Which people came.
    pub mix: &'static str,
    /// What their plans followed from.
    pub seed: u64,
    /// From the first request to the last answer.
    pub seconds: f64,
    /// Cores of this machine.
    pub cores: usize,
    /// `dev` or `release`.
    pub profile: &'static str,
    /// All requests to the shop's own endpoints.
    pub requests: usize,
    /// The same, per second.
    pub requests_per_second: f64,
    /// By endpoint, in the order of a purchase.
    pub endpoints: Vec<Row>,
    /// How many set out to do what.
    pub sessions: BTreeMap<&'static str, usize>,
    /// Orders that were placed.
    pub orders_placed: usize,
    /// The same, per second.
    pub orders_per_second: f64,
    /// What the emulated DynamoDB does by itself; none where nothing was bought.
    pub raw: Option<Raw>,
    /// Orders per second by raw transactions per second.
    pub orders_by_raw: Option<f64>,
    /// Second by second.
    pub over_time: Vec<Second>,
    /// Every other no, by kind, status and code.
    pub refusals: BTreeMap<String, usize>,
    /// What did not go as it must; empty in a sound shop.
    pub deviations: BTreeMap<String, usize>,
    /// Every broken invariant; empty in a sound shop.
    pub broken: Vec<String>,
}

/// One kind of request.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// What was asked.
    pub endpoint: &'static str,
    /// How often.
    pub requests: usize,
    /// Half of them took at most so long, in milliseconds.
    pub p50_ms: f64,
    /// Nine of ten took at most so long, in milliseconds.
    pub p90_ms: f64,
    /// 99 of 100 took at most so long, in milliseconds.
    pub p99_ms: f64,
}

impl Report {
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2⁵³")]
    pub(super) fn of(load: Load, seconds: f64, notes: Notes, broken: Vec<String>) -> Self {
        let Notes { mut samples, seconds: over_time, sessions, refusals, deviations, .. } = notes;
        let counts = samples.iter().filter(|(kind, _)| is_ours(kind));
        let requests: usize = counts.map(|(_, micros)| micros.len()).sum();
        let orders_placed = samples.get(super::notes::PLACED).map_or(0, Vec::len);
        let row = |endpoint| {
            let micros: &mut Vec<u32> = samples.get_mut(endpoint)?;
            micros.sort_unstable();
            let at = |percent| percentile(micros, percent);
            let (p50_ms, p90_ms, p99_ms) = (at(50), at(90), at(99));
            Some(Row { endpoint, requests: micros.len(), p50_ms, p90_ms, p99_ms })
        };
        Self {
            shoppers: load.shoppers,
            mix: load.mix.name(),
            seed: load.seed,
            seconds,
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            profile: if cfg!(debug_assertions) { "dev" } else { "release" },
            requests,
            requests_per_second: requests as f64 / seconds,
            endpoints: KINDS.into_iter().filter_map(row).collect(),
            sessions,
            orders_placed,
            orders_per_second: orders_placed as f64 / seconds,
            raw: None,
            orders_by_raw: None,
            over_time,
            refusals,
            deviations,
            broken,
        }
    }

    /// Says what the emulator does by itself.
    #[must_use]
    pub(super) fn beside(self, raw: Option<Raw>) -> Self {
        let by_raw = |raw: &Raw| self.orders_per_second / raw.per_second;
        let orders_by_raw = raw.as_ref().filter(|raw| raw.per_second > 0.0).map(by_raw);
        Self { raw, orders_by_raw, ..self }
    }

    /// Whether the shop answered, those who wanted to buy something did, and nothing is broken.
    pub fn is_sound(&self) -> bool {
        let has_buyers = self.sessions.contains_key(plan::PAY);
        self.requests > 0
            && (self.orders_placed > 0 || !has_buyers)
            && self.broken.is_empty()
            && self.deviations.is_empty()
    }

    /// What the run was.
    fn title(&self) -> String {
        let Self { shoppers, mix, seed, seconds, cores, profile, .. } = self;
        let who =
            if *shoppers == 1 { "1 shopper".to_owned() } else { format!("{shoppers} shoppers") };
        format!(
            "{who} at once ({mix}, seed {seed}), {seconds:.1} s, {cores} cores, {profile} profile"
        )
    }

    /// What was done, in sentences.
    fn sums(&self) -> Vec<String> {
        let (requests, rate) = (self.requests, self.requests_per_second);
        let mut lines = vec![format!("{requests} requests, {rate:.0} per second")];
        let (placed, rate) = (self.orders_placed, self.orders_per_second);
        lines.push(format!("{placed} orders placed, {rate:.1} per second"));
        if let (Some(raw), Some(share)) = (&self.raw, self.orders_by_raw) {
            let Raw { at_once, actions, bytes, per_second, p50_ms, p99_ms, .. } = raw;
            let percent = share * 100.0;
            lines.push(format!(
                "the emulator alone: {per_second:.1} transactions per second ({at_once} at once, \
                 {actions} writes, {bytes} bytes put, p50 {p50_ms:.1} ms, p99 {p99_ms:.1} ms); \
                 orders are {percent:.1} % of that"
            ));
        }
        let sessions: Vec<String> =
            self.sessions.iter().map(|(end, count)| format!("{count} {end}")).collect();
        if !sessions.is_empty() {
            lines.push(format!("sessions: {}", sessions.join(", ")));
        }
        lines
    }

    /// What was a no, what was odd, and what is broken.
    fn verdict(&self) -> Vec<String> {
        let refused = self.refusals.iter().map(|(what, count)| format!("{count} × {what}"));
        let odd = self.deviations.iter().map(|(what, n)| format!("DEVIATION, {n} ×: {what}"));
        let broken = self.broken.iter().map(|what| format!("BROKEN: {what}"));
        let sound = self.broken.is_empty().then(|| "every invariant holds".to_owned());
        refused.chain(odd).chain(broken).chain(sound).collect()
    }

    /// A part of the page.
    fn markdown(&self) -> String {
        let mut page = format!("## {}\n\n", self.title());
        for line in self.sums() {
            put(&mut page, &format!("- {line}"));
        }
        put(&mut page, "\n| | requests | p50 ms | p90 ms | p99 ms |");
        put(&mut page, "|---|---|---|---|---|");
        for row in &self.endpoints {
            let Row { endpoint, requests, p50_ms, p90_ms, p99_ms } = row;
            let line =
                format!("| {endpoint} | {requests} | {p50_ms:.1} | {p90_ms:.1} | {p99_ms:.1} |");
            put(&mut page, &line);
        }
        put(&mut page, &format!("\n![How long each kind takes]({})\n", self.picture()));
        for line in self.verdict() {
            put(&mut page, &format!("- {line}"));
        }
        page
    }

    /// The file with the picture of its latencies.
    fn picture(&self) -> String {
        format!("latency-{}.svg", self.shoppers)
    }

    fn latencies(&self) -> String {
        let groups: Vec<Group> = self
            .endpoints
            .iter()
            .map(|row| Group {
                name: row.endpoint.to_owned(),
                values: vec![row.p50_ms, row.p90_ms, row.p99_ms],
            })
            .collect();
        let title = format!("How long each kind takes, {} at once", self.shoppers);
        svg::bars(&title, "milliseconds", &["p50", "p90", "p99"], &groups)
    }

    fn line(&self, of: impl Fn(&Second) -> u32) -> Line {
        let points = self.over_time.iter().zip(0_u32..);
        let points = points.map(|(second, at)| (f64::from(at), f64::from(of(second)))).collect();
        Line { name: format!("{} at once", self.shoppers), points }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n", self.title())?;
        let (asked, half, most, all) = ("requests", "p50 ms", "p90 ms", "p99 ms");
        writeln!(f, "{:<26} {asked:>8} {half:>9} {most:>9} {all:>9}", "")?;
        for row in &self.endpoints {
            let Row { endpoint, requests, p50_ms, p90_ms, p99_ms } = row;
            writeln!(f, "{endpoint:<26} {requests:>8} {p50_ms:>9.1} {p90_ms:>9.1} {p99_ms:>9.1}")?;
        }
        writeln!(f)?;
        for line in self.sums().into_iter().chain(self.verdict()) {
            writeln!(f, "{line}")?;
        }
        Ok(())
    }
}

impl Sweep {
    /// Whether every run was sound.
    pub fn is_sound(&self) -> bool {
        !self.runs.is_empty() && self.runs.iter().all(Report::is_sound)
    }

    /// Writes `report.md`, `report.json` and the pictures into a folder.
    pub fn write(&self, folder: &Path) -> Result<(), Error> {
        std::fs::create_dir_all(folder)
            .map_err(|error| Error::Io(format!("cannot make {}", folder.display()), error))?;
        for (name, text) in self.files()? {
            let path = folder.join(name);
            std::fs::write(&path, text)
                .map_err(|error| Error::Io(format!("cannot write {}", path.display()), error))?;
        }
        Ok(())
    }

    fn files(&self) -> Result<Vec<(String, String)>, Error> {
        let json = serde_json::to_string_pretty(self);
        let json = json.map_err(|error| Error::Setup(format!("no report: {error}")))?;
        let over = |title: &str, upwards: &str, of: fn(&Second) -> u32| {
            let lines: Vec<Line> = self.runs.iter().map(|run| run.line(of)).collect();
            svg::lines(title, "seconds since the first request", upwards, &lines)
        };
        let throughput =
            over("Requests over time", "requests per second", |second| second.requests);
        let orders = over("Orders over time", "orders placed per second", |second| second.orders);
        let mut files = vec![
            ("report.md".to_owned(), self.markdown()),
            ("report.json".to_owned(), json + "\n"),
            ("throughput.svg".to_owned(), throughput),
            ("orders.svg".to_owned(), orders),
        ];
        files.extend(self.runs.iter().map(|run| (run.picture(), run.latencies())));
        Ok(files)
    }

    fn markdown(&self) -> String {
        let mut page = "# Many shoppers at once\n\n\
            One process holds the shoppers, the gateway, every function, the emulated AWS and the \
            twin of Stripe; each run has a fresh shop. Figures of one machine, for comparing one \
            change with the next.\n\n\
            | at once | requests per second | orders per second | the emulator alone | share |\n\
            |---|---|---|---|---|\n"
            .to_owned();
        for run in &self.runs {
            let raw = run.raw.as_ref().map_or_else(none, |raw| format!("{:.1}", raw.per_second));
            let share = run.orders_by_raw.map_or_else(none, |by| format!("{:.1} %", by * 100.0));
            let (at_once, requests) = (run.shoppers, run.requests_per_second);
            let orders = run.orders_per_second;
            let line = format!("| {at_once} | {requests:.1} | {orders:.2} | {raw} | {share} |");
            put(&mut page, &line);
        }
        put(&mut page, "\n![Requests over time](throughput.svg)\n");
        put(&mut page, "![Orders over time](orders.svg)\n");
        let runs: Vec<String> = self.runs.iter().map(Report::markdown).collect();
        page + &runs.join("\n")
    }
}

impl fmt::Display for Sweep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, run) in self.runs.iter().enumerate() {
            if at > 0 {
                writeln!(f)?;
            }
            write!(f, "{run}")?;
        }
        Ok(())
    }
}

fn none() -> String {
    "–".to_owned()
}

fn put(page: &mut String, line: &str) {
    // Writing into a String never fails.
    let _ = writeln!(page, "{line}");
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use serde_json::json;

    use super::super::notes::{LIST, PAY, PLACED};
    use super::*;
    use crate::bench::Mix;

    fn load(shoppers: u32) -> Load {
        Load { shoppers, seconds: 10, mix: Mix::Shoppers, seed: 7 }
    }

    fn notes() -> Notes {
        let mut notes = Notes::new(Instant::now());
        notes.samples.insert(LIST, (1..=100).map(|ms| ms * 1000).collect());
        notes.samples.insert(PAY, vec![500]);
        notes.samples.insert(PLACED, vec![900_000, 1_100_000]);
        notes.sessions.insert(plan::PAY, 2);
        notes.refusals.insert("complete: 409 insufficient_stock".to_owned(), 3);
        notes.seconds = vec![Second { requests: 60, refusals: 3, orders: 0 }, Second::default()];
        notes
    }

    fn raw() -> Raw {
        Raw {
            at_once: 64,
            actions: 8,
            bytes: 4_000,
            transactions: 12,
            per_second: 4.0,
            p50_ms: 1.0,
            p99_ms: 2.0,
        }
    }

    fn report() -> Report {
        Report::of(load(64), 10.0, notes(), Vec::new()).beside(Some(raw()))
    }

    #[test]
    fn a_report_is_read_at_a_glance() {
        let report = report();
        assert!(report.is_sound());
        assert_eq!((report.requests, report.orders_placed), (100, 2));
        let text = report.to_string();
        for line in [
            "64 shoppers at once (shoppers, seed 7), 10.0 s",
            "list products                   100      50.0      90.0      99.0",
            "100 requests, 10 per second",
            "2 orders placed, 0.2 per second",
            "the emulator alone: 4.0 transactions per second (64 at once, 8 writes, 4000 bytes put",
            "orders are 5.0 % of that",
            "sessions: 2 pay",
            "3 × complete: 409 insufficient_stock",
            "every invariant holds",
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
    }

    #[test]
    fn what_is_broken_or_odd_or_unanswered_is_not_sound() {
        let broken = Report { broken: vec!["x".to_owned()], ..report() };
        assert!(!broken.is_sound() && broken.to_string().contains("BROKEN: x"));
        let odd = Report { deviations: BTreeMap::from([("y".to_owned(), 2)]), ..report() };
        assert!(!odd.is_sound() && odd.to_string().contains("DEVIATION, 2 ×: y"));
        assert!(!Report { requests: 0, ..report() }.is_sound());
        assert!(!Report { orders_placed: 0, ..report() }.is_sound());
        let looked = BTreeMap::from([("look around", 4)]);
        assert!(Report { orders_placed: 0, sessions: looked, ..report() }.is_sound());
        assert!(!Sweep { runs: Vec::new() }.is_sound());
        assert!(!Sweep { runs: vec![report(), broken] }.is_sound());
    }

    #[test]
    fn where_nothing_was_bought_there_is_no_share() {
        let alone = Report::of(load(1), 10.0, notes(), Vec::new()).beside(None);
        assert!(alone.orders_by_raw.is_none());
        assert!(!alone.to_string().contains("the emulator alone"));
        let still = Raw { per_second: 0.0, ..raw() };
        assert!(report().beside(Some(still)).orders_by_raw.is_none());
    }

    #[test]
    fn a_folder_has_a_page_all_its_pictures_and_the_same_as_json() {
        let one = Report { shoppers: 1, ..report() };
        let files = Sweep { runs: vec![one, report()] }.files().unwrap();
        let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
        let pictures = ["throughput.svg", "orders.svg", "latency-1.svg", "latency-64.svg"];
        assert_eq!(names, [&["report.md", "report.json"][..], &pictures].concat());
        let page = &files[0].1;
        for picture in pictures {
            assert!(page.contains(&format!("({picture})")), "{picture}\n{page}");
        }
        assert!(page.contains("| 64 | 10.0 | 0.20 | 4.0 | 5.0 % |"), "{page}");
        assert!(page.contains("| list products | 100 | 50.0 | 90.0 | 99.0 |"), "{page}");
        let json: serde_json::Value = serde_json::from_str(&files[1].1).unwrap();
        assert_eq!(json.pointer("/runs/1/over_time/0/requests"), Some(&json!(60)));
        assert_eq!(json.pointer("/runs/0/raw/actions"), Some(&json!(8)));
        assert!(files[2..].iter().all(|(_, svg)| svg.starts_with("<svg ")));
    }
}
