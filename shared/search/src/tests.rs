//! The whole of it on a small disk: what is found, in which order, how often; generations; and
//! everything that filters do, against a reader who goes through a list by hand.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::catalog::Sku;
use domain::currency::Currency;
use domain::id::Ulid;
use jiff::Timestamp;
use proptest::prelude::*;

use crate::collect::range_of;
use crate::*;

/// What the engine needs at least to write.
const MEMORY: usize = 15_000_000;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + second).unwrap()
}

fn id(number: u64) -> Ulid {
    Ulid::from_parts(1_780_000_000_000, u128::from(number))
}

/// A folder of this test, gone with it.
struct Place(PathBuf);

impl Place {
    fn new() -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::SeqCst);
        let name = format!("search-{}-{number}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    fn folder(&self) -> Folder {
        Folder::new(&self.0)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

fn entry(number: u64, title: &str, text: &str) -> Entry {
    let texts = Texts {
        language: Language::English,
        title: title.into(),
        names: String::new(),
        text: text.into(),
    };
    Entry {
        id: id(number),
        keys: Vec::new(),
        texts: vec![texts],
        skus: vec![Sku::parse(&format!("SKU-{number}")).unwrap()],
        tags: Vec::new(),
        prices: vec![price(1_000)],
        created_at: at(i64::try_from(number).unwrap()),
        is_available: true,
        card: number.to_string().into_bytes(),
    }
}

fn price(amount: i64) -> Price {
    Price { currency: Currency::EUR, amount, from: None, until: None }
}

fn question(text: &str) -> Question {
    Question {
        text: Some(text.to_owned()).filter(|text| !text.is_empty()),
        languages: vec![Language::English],
        currency: Some(Currency::EUR),
        filters: Vec::new(),
        price_min: None,
        price_max: None,
        made_from: None,
        made_until: None,
        sort: Sort::Relevance,
        limit: 100,
        after: None,
        has_facets: false,
        now: at(0),
    }
}

fn written(folder: &Folder, entries: &[Entry], synonyms: &[&[&str]]) -> Written {
    let draft = folder.draft(None, MEMORY).unwrap();
    for entry in entries {
        draft.put(entry).unwrap();
    }
    let group = |group: &&[&str]| group.iter().map(|&phrase| phrase.to_owned()).collect();
    let lexicon = Lexicon { synonyms: synonyms.iter().map(group).collect(), ..Lexicon::default() };
    draft.finish(lexicon, at(0)).unwrap()
}

fn numbers(snapshot: &Snapshot, question: &Question) -> Vec<u64> {
    let found = snapshot.ask(question).unwrap();
    let number = |card: Vec<u8>| String::from_utf8(card).unwrap().parse().unwrap();
    found.cards.into_iter().map(number).collect()
}

fn shop(entries: &[Entry], synonyms: &[&[&str]]) -> (Place, Snapshot) {
    let place = Place::new();
    let folder = place.folder();
    let manifest = written(&folder, entries, synonyms).manifest;
    let snapshot = folder.open(&manifest).unwrap();
    (place, snapshot)
}

#[test]
fn a_title_counts_more_than_a_sku_and_a_sku_more_than_a_description() {
    let mut by_sku = entry(1, "Something else", "");
    by_sku.skus = vec![Sku::parse("MUG").unwrap()];
    let entries = [
        entry(2, "Coaster", "For your mug"),
        by_sku,
        entry(3, "Blue mugs", ""),
        entry(4, "Mug", ""),
        entry(5, "Poster", "For walls"),
        entry(6, "Blue mug", ""),
    ];
    let (_place, snapshot) = shop(&entries, &[]);
    assert_eq!(numbers(&snapshot, &question("mug")), [4, 6, 3, 1, 2]);
    assert_eq!(numbers(&snapshot, &question("sku-5")), [5]);
}

#[test]
fn of_two_that_fit_as_well_what_can_be_bought_comes_first_and_then_the_newer() {
    let mut sold_out = entry(3, "Blue mug", "");
    sold_out.is_available = false;
    let entries = [entry(1, "Blue mug", ""), entry(2, "Blue mug", ""), sold_out];
    let (_place, snapshot) = shop(&entries, &[]);
    assert_eq!(numbers(&snapshot, &question("mug")), [2, 1, 3]);
}

#[test]
fn every_word_must_be_found_somewhere() {
    let entries = [entry(1, "Linen shirt", "blue"), entry(2, "Linen trousers", "blue")];
    let (_place, snapshot) = shop(&entries, &[]);
    assert_eq!(numbers(&snapshot, &question("blue shirts")), [1]);
    assert_eq!(numbers(&snapshot, &question("the shirt of linen")), [1]);
    assert_eq!(numbers(&snapshot, &question("shirt trousers")), [] as [u64; 0]);
}

#[test]
fn a_slip_of_the_hand_is_forgiven_where_no_word_is_like_that() {
    let entries = [
        entry(1, "Oxford shirt", ""),
        entry(2, "Pleated skirt", ""),
        entry(3, "Storm umbrella", "keeps the rain off"),
    ];
    let (_place, snapshot) = shop(&entries, &[]);
    // A known word is taken as it is.
    assert_eq!(numbers(&snapshot, &question("shirt ")), [1]);
    assert_eq!(numbers(&snapshot, &question("oxfrod ")), [1]);
    assert_eq!(numbers(&snapshot, &question("umbrela")), [3]);
    assert_eq!(numbers(&snapshot, &question("unbrelas ")), [3]);
    assert_eq!(numbers(&snapshot, &question("rian ")), [3]);
    // Short words are what they are.
    assert_eq!(numbers(&snapshot, &question("ofx ")), [] as [u64; 0]);
}

#[test]
fn the_last_word_may_be_the_beginning_of_one() {
    let entries = [entry(1, "Oxford shirt", ""), entry(2, "Shirt dress", "")];
    let (_place, snapshot) = shop(&entries, &[]);
    assert_eq!(numbers(&snapshot, &question("oxf")), [1]);
    assert_eq!(numbers(&snapshot, &question("shirt dr")), [2]);
    assert_eq!(numbers(&snapshot, &question("oxf shirt")), [] as [u64; 0]);
}

#[test]
fn words_that_mean_the_same_find_each_other() {
    let entries = [
        entry(1, "Cotton tee", ""),
        entry(2, "Heavy t-shirt", ""),
        entry(3, "Raincoat", ""),
        entry(4, "Mac", "a coat for rain"),
    ];
    let groups: &[&[&str]] = &[&["tee", "t-shirt"], &["rain coat", "raincoat", "mac"]];
    let (_place, snapshot) = shop(&entries, groups);
    assert_eq!(numbers(&snapshot, &question("tee ")), [1, 2]);
    assert_eq!(numbers(&snapshot, &question("t-shirts ")), [2, 1]);
    assert_eq!(numbers(&snapshot, &question("heavy tees ")), [2]);
    let found: BTreeSet<u64> = numbers(&snapshot, &question("rain coat ")).into_iter().collect();
    assert_eq!(found, BTreeSet::from([3, 4]));
}

#[test]
fn each_language_has_its_own_endings() {
    let mut house = entry(1, "Lamp for houses", "");
    house.texts.push(Texts {
        language: Language::German,
        title: "Lampe für Häuser".into(),
        names: String::new(),
        text: String::new(),
    });
    let (_place, snapshot) = shop(&[house], &[]);
    let german = |text: &str| Question { languages: vec![Language::German], ..question(text) };
    assert_eq!(numbers(&snapshot, &german("haus ")), [1]);
    assert_eq!(numbers(&snapshot, &german("lampen ")), [1]);
    assert_eq!(numbers(&snapshot, &question("house ")), [1]);
    assert_eq!(numbers(&snapshot, &question("häuser ")), [] as [u64; 0]);
    let both =
        Question { languages: vec![Language::English, Language::German], ..question("lampen ") };
    assert_eq!(numbers(&snapshot, &both), [1]);
}

#[test]
fn a_price_counts_in_its_currency_and_in_its_time() {
    let mut sale = entry(1, "Mug", "");
    sale.prices = vec![
        price(2_000),
        Price { amount: 1_500, from: Some(at(10)), until: Some(at(20)), ..price(0) },
    ];
    let entries = [sale, entry(2, "Mug", "")];
    let (_place, snapshot) = shop(&entries, &[]);
    let cheap =
        |now| Question { price_min: Some(1_200), price_max: Some(1_600), now, ..question("") };
    assert_eq!(numbers(&snapshot, &cheap(at(9))), [] as [u64; 0]);
    assert_eq!(numbers(&snapshot, &cheap(at(10))), [1]);
    assert_eq!(numbers(&snapshot, &cheap(at(20))), [] as [u64; 0]);
    let dollars = Question { currency: Some(Currency::parse("USD").unwrap()), ..question("") };
    assert_eq!(numbers(&snapshot, &dollars), [] as [u64; 0]);
}

#[test]
fn a_generation_takes_the_place_of_the_one_before_and_moves_new_files_only() {
    let place = Place::new();
    let folder = place.folder();
    let entries: Vec<Entry> = (1..=50).map(|n| entry(n, "Mug", "for tea")).collect();
    let first = written(&folder, &entries, &[]);
    assert_eq!((first.manifest.generation, first.manifest.documents), (1, 50));
    assert_eq!(first.new.len(), first.manifest.files.len());
    let old = folder.open(&first.manifest).unwrap();

    let draft = folder.draft(Some(&first.manifest), MEMORY).unwrap();
    draft.put(&entry(51, "Teapot", "")).unwrap();
    draft.put(&entry(1, "Beaker", "")).unwrap();
    draft.remove(id(2));
    let second = draft.finish(Lexicon::default(), at(5)).unwrap();
    assert_eq!((second.manifest.generation, second.manifest.documents), (2, 50));
    let moved: u64 = second.new.iter().map(|file| file.bytes).sum();
    assert!(moved < second.manifest.bytes(), "{moved} of {}", second.manifest.bytes());
    let new = folder.open(&second.manifest).unwrap();
    assert_eq!(numbers(&new, &question("teapot ")), [51]);
    assert_eq!(numbers(&new, &question("beaker ")), [1]);
    assert_eq!(numbers(&new, &question("mug ")).len(), 48);
    // Whoever reads the old one is not disturbed.
    assert_eq!(numbers(&old, &question("mug ")).len(), 50);
    assert_eq!(numbers(&old, &question("teapot ")), [] as [u64; 0]);
}

#[test]
fn a_draft_that_is_dropped_changes_nothing() {
    let place = Place::new();
    let folder = place.folder();
    let first = written(&folder, &[entry(1, "Mug", "")], &[]);
    let draft = folder.draft(Some(&first.manifest), MEMORY).unwrap();
    draft.put(&entry(2, "Mug", "")).unwrap();
    drop(draft);
    let snapshot = folder.open(&first.manifest).unwrap();
    assert_eq!(numbers(&snapshot, &question("mug ")), [1]);
    assert!(folder.missing(&first.manifest).is_empty());
}

#[test]
fn a_reader_elsewhere_fetches_what_it_lacks_and_refuses_what_is_not_whole() {
    let (here, there) = (Place::new(), Place::new());
    let (writer, reader) = (here.folder(), there.folder());
    let manifest = written(&writer, &[entry(1, "Mug", "")], &[]).manifest;
    assert!(reader.open(&manifest).is_err());
    let missing: Vec<File> = reader.missing(&manifest).into_iter().cloned().collect();
    assert_eq!(missing.len(), manifest.files.len());
    for file in &missing {
        let mut bytes = writer.bytes(&file.hash).unwrap();
        reader.keep(file, &bytes).unwrap();
        bytes.push(0);
        assert!(reader.keep(file, &bytes).is_err());
    }
    let snapshot = reader.open(&manifest).unwrap();
    assert_eq!(numbers(&snapshot, &question("mug ")), [1]);
    reader.sweep(&[]).unwrap();
    assert_eq!(reader.missing(&manifest).len(), missing.len());
    assert_eq!(numbers(&snapshot, &question("mug ")), [1]);
}

#[test]
fn an_empty_shop_is_searched_as_well() {
    let (_place, snapshot) = shop(&[], &[]);
    assert_eq!(numbers(&snapshot, &question("mug")), [] as [u64; 0]);
    let all = snapshot.ask(&Question { has_facets: true, ..question("") }).unwrap();
    assert_eq!((all.total, all.facets), (0, Some(Facets::default())));
}

#[test]
fn a_place_in_the_list_goes_on_in_the_next_generation() {
    let place = Place::new();
    let folder = place.folder();
    let entries: Vec<Entry> = (1..=6).map(|n| entry(n, "Mug", "")).collect();
    let first = written(&folder, &entries, &[]);
    let page = Question { limit: 3, ..question("mug ") };
    let found = folder.open(&first.manifest).unwrap().ask(&page).unwrap();
    let draft = folder.draft(Some(&first.manifest), MEMORY).unwrap();
    // A newer one comes before the place, another goes away behind it.
    draft.put(&entry(7, "Mug", "")).unwrap();
    draft.remove(id(2));
    let second = draft.finish(Lexicon::default(), at(5)).unwrap();
    let snapshot = folder.open(&second.manifest).unwrap();
    let rest = Question { after: found.next, ..page };
    assert_eq!(numbers(&snapshot, &rest), [3, 1]);
}

/// Somebody, as staff looks for people: names are taken as they are.
fn person(number: u64, name: &str, email: &str) -> Entry {
    let texts = Texts {
        language: Language::Other,
        title: name.into(),
        names: email.into(),
        text: String::new(),
    };
    let keys = vec![format!("F-10{number}"), email.to_owned()];
    Entry {
        keys,
        texts: vec![texts],
        skus: Vec::new(),
        prices: Vec::new(),
        ..entry(number, "", "")
    }
}

fn whom(text: &str) -> Question {
    Question { languages: vec![Language::Other], currency: None, ..question(text) }
}

#[test]
fn who_is_named_exactly_comes_first_and_a_beginning_of_a_name_is_enough() {
    let people = [
        person(1, "Jane Roe", "jane@example.org"),
        person(2, "Jane Example Org", "roe@example.org"),
        person(3, "Jane Roe", "jane@example.org.uk"),
        person(4, "Andrew", "drew@example.net"),
    ];
    let (_place, snapshot) = shop(&people, &[]);
    // The second has all of these words in its name, which counts more than an address.
    assert_eq!(numbers(&snapshot, &whom("JANE@example.org")), [1, 2, 3]);
    assert_eq!(numbers(&snapshot, &whom("jane@exam")), [2, 3, 1]);
    assert_eq!(numbers(&snapshot, &whom(" f-104 ")), [4]);
    assert_eq!(numbers(&snapshot, &whom("F-10")).len(), 4);
    assert_eq!(numbers(&snapshot, &whom("F-")), [] as [u64; 0]);
    assert_eq!(numbers(&snapshot, &whom("andrw")), [4]);
    assert_eq!(numbers(&snapshot, &whom("drew@exmaple.net ")), [4]);
}

#[test]
fn what_was_made_in_a_time_is_found_whatever_it_costs() {
    let people: Vec<Entry> = (1..=4).map(|n| person(n, "Jane", "j@example.org")).collect();
    let (_place, snapshot) = shop(&people, &[]);
    let asked = |from, until| Question {
        made_from: Some(at(from)),
        made_until: Some(at(until)),
        sort: Sort::Newest,
        ..whom("")
    };
    assert_eq!(numbers(&snapshot, &asked(2, 4)), [3, 2]);
    assert_eq!(numbers(&snapshot, &asked(4, 4)), [] as [u64; 0]);
    // Where a currency is asked for, what has no price in it is not found.
    assert_eq!(numbers(&snapshot, &question("")), [] as [u64; 0]);
}

#[test]
fn of_what_is_purged_no_file_of_the_next_generation_says_anything() {
    let place = Place::new();
    let folder = place.folder();
    let with_card = |number, name: &str| Entry {
        card: name.as_bytes().to_vec(),
        ..person(number, name, "somebody@example.org")
    };
    let people = [with_card(1, "Xylophone"), with_card(2, "Quetzal"), with_card(3, "Jane")];
    let first = written(&folder, &people, &[]).manifest;
    let says = |manifest: &Manifest, word: &str| {
        let bytes = manifest.files.iter().map(|file| folder.bytes(&file.hash).unwrap());
        bytes.into_iter().any(|b| b.windows(word.len()).any(|part| part == word.as_bytes()))
    };
    // Another name takes the place of the first one's, which is hidden and still there.
    let draft = folder.draft(Some(&first), MEMORY).unwrap();
    draft.put(&with_card(1, "Zeppelin")).unwrap();
    let second = draft.finish(Lexicon::default(), at(5)).unwrap().manifest;
    assert!(says(&second, "Xylophone") && says(&second, "Quetzal"));
    let draft = folder.draft(Some(&second), MEMORY).unwrap();
    draft.remove(id(2));
    let third = draft.purge().unwrap().finish(Lexicon::default(), at(6)).unwrap();
    let left = &third.manifest;
    assert!(!says(left, "Xylophone") && !says(left, "Quetzal"));
    assert!(!says(left, "xylophone") && !says(left, "quetzal"));
    assert!(says(left, "Zeppelin") && says(left, "Jane"));
    // What held them is deleted now, not after its grace.
    assert_eq!(left.documents, 2);
    let gone: BTreeSet<&str> = third.over.iter().map(String::as_str).collect();
    let remaining = left.hashes();
    let all = first.files.iter().chain(&second.files).map(|file| file.hash.as_str());
    assert!(all.filter(|hash| !remaining.contains(hash)).all(|hash| gone.contains(hash)));
    assert!(gone.is_disjoint(&remaining));
    // The last of all can be forgotten, too.
    let draft = folder.draft(Some(left), MEMORY).unwrap();
    draft.remove(id(1));
    draft.remove(id(3));
    let last = draft.purge().unwrap().finish(Lexicon::default(), at(7)).unwrap().manifest;
    assert_eq!((last.documents, says(&last, "Zeppelin")), (0, false));
    let snapshot = folder.open(&last).unwrap();
    assert_eq!(snapshot.ask(&whom("jane")).unwrap().total, 0);
}

/// A product of a random shop.
#[derive(Debug, Clone)]
struct Ware {
    title: String,
    colour: usize,
    sizes: BTreeSet<usize>,
    amount: i64,
    created: i64,
    is_available: bool,
}

const COLOURS: [&str; 3] = ["blue", "red", "green"];
const SIZES: [&str; 3] = ["S", "M", "L"];
const TITLES: [&str; 4] = ["mug", "tall mug", "poster", "Ärmel"];

fn ware() -> impl Strategy<Value = Ware> {
    let sizes = proptest::collection::btree_set(0..3_usize, 0..3);
    (0..4_usize, 0..3_usize, sizes, 0..3_000_i64, 0..5_i64, any::<bool>()).prop_map(
        |(title, colour, sizes, amount, created, is_available)| Ware {
            title: TITLES[title].to_owned(),
            colour,
            sizes,
            amount,
            created,
            is_available,
        },
    )
}

impl Ware {
    fn tags(&self) -> BTreeSet<(String, String)> {
        let mut tags = BTreeSet::from([
            ("colour".to_owned(), COLOURS[self.colour].to_owned()),
            ("available".to_owned(), self.is_available.to_string()),
        ]);
        tags.extend(self.sizes.iter().map(|size| ("size".to_owned(), SIZES[*size].to_owned())));
        tags
    }

    fn entry(&self, number: u64) -> Entry {
        Entry {
            tags: self.tags().into_iter().map(|(facet, value)| Tag::new(facet, value)).collect(),
            prices: vec![price(self.amount)],
            created_at: at(self.created),
            is_available: self.is_available,
            ..entry(number, &self.title, "")
        }
    }

    /// Whether it fits all filters but the one of this facet.
    fn fits(&self, asked: &Question, but: &str) -> bool {
        let has_words = asked.text.as_ref().is_none_or(|text| self.title.contains(text.trim()));
        let has_price = but == "price"
            || (asked.price_min.is_none_or(|min| min <= self.amount)
                && asked.price_max.is_none_or(|max| self.amount <= max));
        let tags = self.tags();
        has_words
            && has_price
            && asked.filters.iter().filter(|filter| filter.facet != but).all(|filter| {
                let tag = |value: &String| (filter.facet.clone(), value.clone());
                filter.values.iter().any(|value| tags.contains(&tag(value)))
            })
    }

    /// Where it stands: the less, the earlier.
    fn rank(&self, number: u64, sort: Sort) -> (String, i64, i64, u64) {
        let plain = String::new();
        match sort {
            Sort::Relevance => {
                let score = i64::from(self.title != "mug");
                (plain, score, i64::from(!self.is_available), 0)
            }
            Sort::Newest => (plain, -self.created, 0, number),
            Sort::Oldest => (plain, self.created, 0, number),
            Sort::PriceUp => (plain, self.amount, 0, number),
            Sort::PriceDown => (plain, -self.amount, 0, number),
            Sort::Title => (crate::entry::sort_text(&self.title), 0, 0, number),
        }
    }
}

fn filters() -> impl Strategy<Value = Vec<Filter>> {
    let some = |facet: &'static str, values: [&'static str; 3]| {
        proptest::collection::btree_set(0..3_usize, 0..3).prop_map(move |chosen| Filter {
            facet: facet.to_owned(),
            values: chosen.into_iter().map(|at| values[at].to_owned()).collect(),
        })
    };
    let available = Just(Filter { facet: "available".into(), values: vec!["true".into()] });
    (some("colour", COLOURS), some("size", SIZES), proptest::option::of(available)).prop_map(
        |(colour, size, available)| {
            let all = [Some(colour), Some(size), available].into_iter().flatten();
            all.filter(|filter| !filter.values.is_empty()).collect()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn filters_facets_orders_and_pages_are_what_a_reader_by_hand_would_say(
        wares in proptest::collection::vec(ware(), 0..40),
        // In how many generations, so that there are several segments and deleted products.
        parts in 1..4_usize,
        asked in proptest::collection::vec(
            (filters(), proptest::option::of(0..3_000_i64), proptest::option::of(0..3_000_i64),
                any::<bool>(), 0..6_usize, 1..8_usize),
            1..6,
        ),
    ) {
        let place = Place::new();
        let folder = place.folder();
        let mut manifest: Option<Manifest> = None;
        for part in 0..parts {
            let draft = folder.draft(manifest.as_ref(), MEMORY).unwrap();
            for (number, ware) in (0_u64..).zip(&wares) {
                // Each generation writes some of them again.
                let is_mine = usize::try_from(number).unwrap() % parts == part || part == 0;
                if is_mine {
                    draft.put(&ware.entry(number)).unwrap();
                }
            }
            manifest = Some(draft.finish(Lexicon::default(), at(0)).unwrap().manifest);
        }
        let snapshot = folder.open(&manifest.unwrap()).unwrap();
        let sorts = [Sort::Relevance, Sort::Newest, Sort::Oldest, Sort::PriceUp,
            Sort::PriceDown, Sort::Title];
        for (filters, price_min, price_max, has_words, sort, limit) in asked {
            let asked = Question {
                filters, price_min, price_max,
                sort: sorts[sort],
                limit,
                has_facets: true,
                ..question(if has_words { "mug " } else { "" })
            };
            let numbered = || (0_u64..).zip(&wares);
            let mut expected: Vec<u64> = numbered()
                .filter(|(_, ware)| ware.fits(&asked, ""))
                .map(|(number, _)| number)
                .collect();
            let by_hand = |number: &u64| {
                wares[usize::try_from(*number).unwrap()].rank(*number, asked.sort)
            };
            // Page by page.
            let (mut got, mut after, mut pages) = (Vec::new(), None, 0);
            loop {
                let page = Question { after: after.clone(), ..asked.clone() };
                let found = snapshot.ask(&page).unwrap();
                prop_assert_eq!(found.total, expected.len() as u64);
                prop_assert!(found.cards.len() <= limit);
                got.extend(found.cards.iter().map(|card| {
                    String::from_utf8(card.clone()).unwrap().parse::<u64>().unwrap()
                }));
                pages += 1;
                prop_assert!(pages < 60);
                let facets = found.facets.unwrap();
                let mut values: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
                for (_, ware) in numbered() {
                    for (facet, value) in ware.tags() {
                        if ware.fits(&asked, &facet) {
                            *values.entry(facet).or_default().entry(value).or_default() += 1;
                        }
                    }
                }
                prop_assert_eq!(facets.values, values);
                let mut ranges: BTreeMap<usize, u64> = BTreeMap::new();
                for (_, ware) in numbered().filter(|(_, ware)| ware.fits(&asked, "price")) {
                    *ranges.entry(range_of(ware.amount)).or_default() += 1;
                }
                let counted: Vec<u64> = facets.prices.iter().map(|range| range.count).collect();
                prop_assert_eq!(counted, ranges.into_values().collect::<Vec<_>>());
                after = found.next;
                if after.is_none() {
                    break;
                }
            }
            if asked.sort == Sort::Relevance {
                // Words rank mugs before tall mugs; of equals the newer, and then the id.
                expected.sort_by_key(|number| {
                    let ware = &wares[usize::try_from(*number).unwrap()];
                    let (_, score, sold_out, _) = by_hand(number);
                    let score = if has_words { score } else { 0 };
                    (score, sold_out, -ware.created, *number)
                });
            } else {
                expected.sort_by_key(by_hand);
            }
            prop_assert_eq!(got, expected);
        }
    }
}
