//! Two faults in one journey: the second where the first is being put right, in an order that a
//! number decides. What is asked afterwards is what is asked after one fault.
//!
//! `CRASH_PAIRS` says how many are tried, `CRASH_FROM` which is the first, `CRASH_PAIR` which is
//! the only one. The same number is the same journey and the same two calls.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::Instant;

use super::{ALL, EVERY, Fault, Start, goods_of, outcome};
use crate::storm::{Dice, number, numbers};

/// Pairs that a change waits for. Every night there are more.
const PAIRS: u64 = 2000;
/// Two cores: two lanes.
const LANES: u64 = 2;
/// The second fault lies so many calls behind the first at most.
const BEHIND_MAX: u64 = 16;

/// How often the SDK tries, for this pair.
fn attempts(seed: u64) -> u32 {
    *Dice::of(seed).pick(&[1, 3])
}

/// What goes wrong in a journey of so many calls.
fn pair(seed: u64, calls: u64) -> [Fault; 2] {
    let mut dice = Dice::of(seed.wrapping_mul(31));
    let first = 1 + dice.below(calls);
    let second = first + 1 + dice.below(BEHIND_MAX);
    [(first, *dice.pick(EVERY)), (second, *dice.pick(EVERY))]
}

/// Tries these pairs, each journey's one after the other; what broke, and how many fired twice.
async fn lane(seeds: Vec<u64>) -> (usize, Vec<String>) {
    let mut by_journey: BTreeMap<usize, Vec<u64>> = BTreeMap::new();
    for seed in seeds {
        let nth = usize::try_from(seed % ALL.len() as u64).expect("a journey");
        by_journey.entry(nth).or_default().push(seed);
    }
    let (mut twice, mut broken) = (0, Vec::new());
    for (nth, seeds) in by_journey {
        let journey = ALL[nth];
        let goods = goods_of(journey);
        let mut starts = BTreeMap::new();
        for seed in seeds {
            let attempts = attempts(seed);
            let (start, calls) = match starts.entry(attempts) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(place) => {
                    let start = Start::of(journey, attempts, &goods).await;
                    let calls = start.calls().await;
                    place.insert((start, calls))
                }
            };
            let faults = pair(seed, *calls);
            let (fired, found) = outcome(start, &faults, &goods).await;
            twice += usize::from(fired == 2);
            if !found.is_empty() {
                let place = format!("{journey:?}, {faults:?}, {attempts}");
                broken.extend(found.into_iter().map(|what| format!("{place}: {what}")));
                broken
                    .push(format!("CRASH_PAIR={seed} cargo test -p local --test it crash::pairs"));
            }
        }
    }
    (twice, broken)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_pair_of_faults_breaks_a_journey() {
    let began = Instant::now();
    let seeds: Vec<u64> = match number("CRASH_PAIR") {
        Some(seed) => vec![seed],
        None => numbers("CRASH_FROM", number("CRASH_PAIRS").unwrap_or(PAIRS)),
    };
    let count = seeds.len();
    let is_one = count == 1;
    let mut lanes = Vec::new();
    for nth in 0..LANES {
        // Whole journeys go to one lane: each is prepared once.
        let journeys = ALL.len() as u64;
        let of_lane = |seed: &u64| seed % journeys % LANES == nth;
        let seeds: Vec<u64> = seeds.iter().copied().filter(of_lane).collect();
        lanes.push(tokio::spawn(lane(seeds)));
    }
    let (mut twice, mut broken) = (0, Vec::new());
    for lane in lanes {
        let (of_lane, found) = lane.await.expect("a lane");
        twice += of_lane;
        broken.extend(found);
    }
    let seconds = began.elapsed().as_secs();
    println!("{count} pairs of faults in {seconds} s, {twice} of them fired both, {broken:?}");
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    assert!(is_one || twice * 3 > count, "only {twice} of {count} pairs fired both");
}
