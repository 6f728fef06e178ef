//! How often each function ran, and how long it took: the last thousand calls of each.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

/// Calls whose duration is kept, per function: enough for a p99.
const KEPT: usize = 1_000;
/// Lines that are kept of all functions together.
const LINES_KEPT: usize = 4_096;

/// What a function did since the shop opened.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Metrics {
    /// Invocations.
    pub calls: u64,
    /// Invocations that ended with a fault, by dying or by running out of time.
    pub failures: u64,
    /// The median of the last thousand, in milliseconds.
    pub p50_ms: f64,
    /// What 99 of 100 of the last thousand stayed below, in milliseconds.
    pub p99_ms: f64,
    /// Calls to AWS and Stripe.
    pub round_trips: BTreeMap<String, u64>,
    /// Consumed read capacity of DynamoDB.
    pub read_units: f64,
    /// Consumed write capacity of DynamoDB.
    pub write_units: f64,
}

#[derive(Default)]
struct Row {
    calls: u64,
    failures: u64,
    micros: VecDeque<u64>,
}

/// The lines that invocations ended with: the last thousands.
#[derive(Clone, Default)]
pub(crate) struct Kept(Arc<Mutex<VecDeque<String>>>);

impl Kept {
    /// Where functions write them.
    pub(crate) fn writer(&self) -> runtime::Lines {
        let kept = Arc::clone(&self.0);
        runtime::Lines::of(move |line| {
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.len() == LINES_KEPT {
                kept.pop_front();
            }
            kept.push_back(line);
        })
    }

    pub(crate) fn read(&self) -> Vec<Value> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }
}

#[derive(Default)]
pub(crate) struct Meter(Mutex<BTreeMap<String, Row>>);

impl Meter {
    pub(crate) fn count(&self, handler: &str, took: Duration, is_failure: bool) {
        let mut rows = self.rows();
        let row = rows.entry(handler.to_owned()).or_default();
        row.calls += 1;
        row.failures += u64::from(is_failure);
        if row.micros.len() == KEPT {
            row.micros.pop_front();
        }
        row.micros.push_back(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }

    pub(crate) fn read(
        &self,
        totals: &BTreeMap<String, wire::Totals>,
    ) -> BTreeMap<String, Metrics> {
        let mut all = BTreeMap::new();
        for (handler, row) in &*self.rows() {
            let mut sorted: Vec<u64> = row.micros.iter().copied().collect();
            sorted.sort_unstable();
            let metrics = Metrics {
                calls: row.calls,
                failures: row.failures,
                p50_ms: percentile(&sorted, 50),
                p99_ms: percentile(&sorted, 99),
                ..Metrics::default()
            };
            all.insert(handler.clone(), metrics);
        }
        for (handler, totals) in totals {
            // What the host itself asked for is no function's doing.
            if let Some(metrics) = all.get_mut(handler) {
                metrics.round_trips.clone_from(&totals.round_trips);
                metrics.read_units = totals.read_units;
                metrics.write_units = totals.write_units;
            }
        }
        all
    }

    fn rows(&self) -> MutexGuard<'_, BTreeMap<String, Row>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The nearest rank, in milliseconds; 0 of nothing.
#[expect(clippy::cast_precision_loss, reason = "durations are far below 2⁵³ µs")]
fn percentile(sorted: &[u64], percent: usize) -> f64 {
    let rank = (sorted.len() * percent).div_ceil(100).max(1) - 1;
    sorted.get(rank).map_or(0.0, |micros| *micros as f64 / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_ranks() {
        let hundred: Vec<u64> = (1..=100).map(|n| n * 1000).collect();
        assert!((percentile(&hundred, 50) - 50.0).abs() < f64::EPSILON);
        assert!((percentile(&hundred, 99) - 99.0).abs() < f64::EPSILON);
        assert!((percentile(&[7000], 99) - 7.0).abs() < f64::EPSILON);
        assert!(percentile(&[], 50).abs() < f64::EPSILON);
    }
}
