//! How fast the search index is built, how large it is and how fast it answers, on products that
//! are made up here: `cargo run -p search --example bench [products]`.
//!
//! Nothing is asserted: figures are for comparing one change, or one size, with another on the same
//! machine. Everything follows from the number of products.

#![allow(clippy::disallowed_methods, reason = "a benchmark measures time")]

use std::io::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use domain::catalog::Sku;
use domain::currency::Currency;
use domain::fault::{Fault, Retry};
use domain::id::Ulid;
use jiff::Timestamp;
use search::{
    Entry, Filter, Folder, Language, Lexicon, Manifest, Price, Question, Sort, Tag, Texts,
};

/// Memory for the writer, as the function that rebuilds the index has it.
const MEMORY: usize = 128_000_000;
/// Questions of each kind.
const QUESTIONS: usize = 300;

const COLOURS: [&str; 12] = [
    "blue", "red", "green", "black", "white", "yellow", "grey", "brown", "pink", "purple",
    "orange", "beige",
];
const STUFFS: [&str; 10] =
    ["linen", "cotton", "wool", "silk", "denim", "leather", "canvas", "velvet", "hemp", "cashmere"];
const THINGS: [&str; 24] = [
    "shirt", "trousers", "jacket", "scarf", "umbrella", "apron", "blanket", "cushion", "bag",
    "backpack", "hat", "gloves", "socks", "sweater", "dress", "skirt", "coat", "belt", "wallet",
    "curtain", "towel", "napkin", "hammock", "tent",
];
const SIZES: [&str; 5] = ["XS", "S", "M", "L", "XL"];
const TELLING: [&str; 30] = [
    "soft",
    "warm",
    "light",
    "woven",
    "by",
    "hand",
    "in",
    "a",
    "small",
    "workshop",
    "for",
    "long",
    "days",
    "outside",
    "washable",
    "keeps",
    "its",
    "shape",
    "and",
    "colour",
    "made",
    "of",
    "the",
    "finest",
    "yarn",
    "with",
    "pockets",
    "that",
    "hold",
    "everything",
];

/// A row of numbers that looks like chance and is always the same (a linear congruence).
struct Row(u64);

impl Row {
    fn next(&mut self, below: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or(0) % below.max(1)
    }

    fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
        let at = self.next(words.len());
        words.get(at).copied().unwrap_or_default()
    }
}

fn entry(number: u64) -> Entry {
    let mut row = Row(number.wrapping_add(1));
    row.next(1);
    let (colour, stuff) = (row.pick(&COLOURS), row.pick(&STUFFS));
    let (thing, size) = (row.pick(&THINGS), row.pick(&SIZES));
    let title = format!("{colour} {stuff} {thing} {}", number % 1_000);
    let text: Vec<&str> = (0..40).map(|_| row.pick(&TELLING)).collect();
    let text = text.join(" ");
    let card =
        format!("{{\"slug\":\"product-{number}\",\"title\":\"{title}\",\"text\":\"{text}\"}}");
    let texts = |language| Texts {
        language,
        title: title.clone(),
        names: format!("{colour} {stuff} {size}"),
        text: text.clone(),
    };
    let amount = i64::try_from(500 + row.next(20_000)).unwrap_or(500);
    let price = |currency| Price { currency, amount, from: None, until: None };
    let is_available = row.next(10) > 0;
    Entry {
        id: Ulid::from_parts(1_780_000_000_000 + number, u128::from(number)),
        keys: Vec::new(),
        texts: vec![texts(Language::English), texts(Language::German)],
        skus: Sku::parse(&format!("SKU-{number}")).into_iter().collect(),
        tags: vec![
            Tag::new("category", thing),
            Tag::new("attribute.colour", colour),
            Tag::new("attribute.material", stuff),
            Tag::new("attribute.size", size),
            Tag::new("available", is_available.to_string()),
        ],
        prices: [Currency::EUR].into_iter().chain(Currency::parse("USD")).map(price).collect(),
        created_at: Timestamp::from_millisecond(
            1_780_000_000_000 + i64::try_from(number).unwrap_or(0) * 1_000,
        )
        .unwrap_or_default(),
        is_available,
        card: card.into_bytes(),
    }
}

fn question(text: &str) -> Question {
    Question {
        text: Some(text.to_owned()).filter(|text| !text.is_empty()),
        languages: vec![Language::English],
        currency: Some(Currency::EUR),
        made_from: None,
        made_until: None,
        filters: Vec::new(),
        price_min: None,
        price_max: None,
        sort: Sort::Relevance,
        limit: 20,
        after: None,
        has_facets: false,
        now: Timestamp::UNIX_EPOCH,
    }
}

/// A kind of question: its name, and the question of a number.
type Kind = (&'static str, fn(usize) -> Question);

fn word(words: &'static [&'static str], number: usize) -> &'static str {
    words.get(number % words.len()).copied().unwrap_or_default()
}

const KINDS: [Kind; 7] = [
    ("one word", |n| question(&format!("{} ", word(&THINGS, n)))),
    ("two words", |n| question(&format!("{} {} ", word(&STUFFS, n), word(&THINGS, n / 10)))),
    ("the beginning of a word", |n| question(word(&THINGS, n).get(..3).unwrap_or_default())),
    ("a word with a slip", |n| {
        let mut typed = word(&THINGS, n).to_owned();
        typed.insert(2, 'q');
        question(&format!("{typed} "))
    }),
    ("two words, facets", |n| Question {
        has_facets: true,
        ..question(&format!("{} {} ", word(&STUFFS, n), word(&THINGS, n / 10)))
    }),
    ("no word, filters, facets", |n| Question {
        has_facets: true,
        filters: vec![Filter {
            facet: "attribute.colour".into(),
            values: vec![word(&COLOURS, n).into()],
        }],
        sort: Sort::Newest,
        ..question("")
    }),
    ("no word, by price, facets", |_| Question {
        has_facets: true,
        sort: Sort::PriceUp,
        ..question("")
    }),
];

fn main() -> Result<(), Fault> {
    let given = std::env::args().nth(1).and_then(|number| number.parse().ok());
    let place = std::env::temp_dir().join(format!("search-bench-{}", std::process::id()));
    let done = run(given.unwrap_or(100_000), &place);
    drop(std::fs::remove_dir_all(place));
    done
}

fn say(text: &str) -> Result<(), Fault> {
    writeln!(std::io::stdout().lock(), "{text}")
        .map_err(|error| Fault::new("print", error, Retry::Useless))
}

fn run(products: u64, place: &PathBuf) -> Result<(), Fault> {
    let folder = Folder::new(place);
    let profile = if cfg!(debug_assertions) { "dev" } else { "release" };
    say(&format!("{products} products, {profile} profile"))?;
    let mut indexing = Duration::ZERO;
    let draft = folder.draft(None, MEMORY)?;
    for number in 0..products {
        let entry = entry(number);
        let began = Instant::now();
        draft.put(&entry)?;
        indexing += began.elapsed();
    }
    let began = Instant::now();
    let manifest = draft.finish(Lexicon::default(), Timestamp::UNIX_EPOCH)?.manifest;
    indexing += began.elapsed();
    let rate = u128::from(products) * 1_000 / indexing.as_millis().max(1);
    say(&format!("built in {} ms: {rate} products per second", indexing.as_millis()))?;
    let each = manifest.bytes() / products.max(1);
    let (bytes, files) = (manifest.bytes(), manifest.files.len());
    say(&format!("{bytes} bytes in {files} files, {each} bytes per product"))?;
    update(&folder, &manifest, products)?;
    let began = Instant::now();
    let snapshot = folder.open(&manifest)?;
    let opened = began.elapsed();
    snapshot.ask(&question("shirt "))?;
    let (opened, first) = (opened.as_micros(), began.elapsed().as_micros());
    say(&format!("cold: open {opened} µs, with the first answer {first} µs\n"))?;
    say(&format!("{:<28} {:>9} {:>9} {:>9}", "", "found", "p50 µs", "p95 µs"))?;
    for (name, kind) in KINDS {
        let (mut times, mut found) = (Vec::with_capacity(QUESTIONS), 0);
        for number in 0..QUESTIONS {
            let question = kind(number);
            let began = Instant::now();
            let answer = snapshot.ask(&question)?;
            times.push(began.elapsed().as_micros());
            found += answer.total;
        }
        times.sort_unstable();
        let at = |percent: usize| times.get(QUESTIONS * percent / 100).copied().unwrap_or(0);
        let found = found / QUESTIONS as u64;
        say(&format!("{name:<28} {found:>9} {:>9} {:>9}", at(50), at(95)))?;
    }
    Ok(())
}

/// One product changes: how long the next generation takes, and how much of it is new.
fn update(folder: &Folder, manifest: &Manifest, products: u64) -> Result<(), Fault> {
    let began = Instant::now();
    let draft = folder.draft(Some(manifest), 16_000_000)?;
    draft.put(&entry(products / 2))?;
    let next = draft.finish(Lexicon::default(), Timestamp::UNIX_EPOCH)?;
    let took = began.elapsed().as_millis();
    let bytes: u64 = next.new.iter().map(|file| file.bytes).sum();
    say(&format!("one product changed: {took} ms, {bytes} new bytes in {} files", next.new.len()))
}
