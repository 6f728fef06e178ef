//! One walk over everything that a question's words find: what fits the filters, in which order,
//! and how many there would be of each value of each facet.
//!
//! A facet is counted as if it were not filtered by: who has chosen blue still sees how many are
//! red. What fails one filter alone is counted for that filter's facet, and nowhere else.
//!
//! Every order ends with the id, so that no two things share a place.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BinaryHeap};
use std::ops::Range;

use domain::fault::{Fault, Retry};
use serde::{Deserialize, Serialize};
use tantivy::collector::{Collector, SegmentCollector};
use tantivy::columnar::{Column, StrColumn};
use tantivy::{DocAddress, DocId, Score, SegmentOrdinal, SegmentReader};

use crate::entry::{self, holding};
use crate::schema::title_column;
use crate::{Filter, Language, Question, Tag};

/// The order of what is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// What fits the words best first; of two that fit as well, what can be bought, and of those
    /// the newer one.
    Relevance,
    /// Newest first.
    Newest,
    /// Oldest first.
    Oldest,
    /// Cheapest first.
    PriceUp,
    /// Dearest first.
    PriceDown,
    /// A to Z.
    Title,
}

/// Stands for the title of what has none in the language: after all others.
const UNTITLED: &str = "\u{10ffff}";

/// A place in a list: it means the same in every generation of the index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// What titles are sorted by, where they are.
    title: Option<String>,
    /// The larger, the earlier: rank, rank among equals, and the two halves of the id.
    numbers: [u64; 4],
}

impl Place {
    /// The place as a text, for a list's position.
    pub fn text(&self) -> Result<String, Fault> {
        serde_json::to_string(self)
            .map_err(|error| Fault::new("write a list's position", error, Retry::Useless))
    }

    /// The place that such a text stands for.
    pub fn read(text: &str) -> Result<Self, Fault> {
        serde_json::from_str(text)
            .map_err(|error| Fault::new("read a list's position", error, Retry::Useless))
    }
}

impl Ord for Place {
    /// The earlier, the less.
    fn cmp(&self, other: &Self) -> Ordering {
        self.title.cmp(&other.title).then_with(|| other.numbers.cmp(&self.numbers))
    }
}

impl PartialOrd for Place {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// How often each value of each facet stands among what is found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facets {
    /// By facet.
    pub values: BTreeMap<String, BTreeMap<String, u64>>,
    /// The ranges of prices in which there is something, lowest first.
    pub prices: Vec<PriceRange>,
}

/// A value of a facet, and how often it stands there.
pub type Facet = (String, u64);

/// A range of prices in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PriceRange {
    /// The lowest price that is in it.
    pub from: i64,
    /// The lowest price above it; there is none above the last.
    pub to: Option<i64>,
    /// How many.
    pub count: u64,
}

/// The lowest prices of the ranges: 0, then 1, 2, 5, 10, 20, 50 … up to 5 × 10^13.
const RANGES: usize = 43;

const fn range_from(range: usize) -> i64 {
    if range == 0 {
        return 0;
    }
    let (step, decade) = ((range - 1) % 3, (range - 1) / 3);
    let mut from = match step {
        0 => 1,
        1 => 2,
        _ => 5,
    };
    let mut left = decade;
    while left > 0 {
        from *= 10;
        left -= 1;
    }
    from
}

/// The range that a price is in.
pub(crate) fn range_of(amount: i64) -> usize {
    (0..RANGES).rev().find(|range| range_from(*range) <= amount).unwrap_or(0)
}

/// A number of 128 bits as two columns.
pub(crate) const fn halves(number: u128) -> [u64; 2] {
    #[expect(clippy::cast_possible_truncation, reason = "each half is cut off on purpose")]
    let halves = [(number >> 64) as u64, number as u64];
    halves
}

/// What is collected: one question's filters, order and facets.
pub(crate) struct Sieve<'q> {
    pub(crate) question: &'q Question,
}

impl Sieve<'_> {
    /// The language whose titles are sorted.
    fn title_language(&self) -> Language {
        self.question.languages.first().copied().unwrap_or(Language::Other)
    }
}

/// What one segment, or all of them, gave.
#[derive(Debug, Default)]
pub(crate) struct Sifted {
    /// Those that come first, in order; one more than was asked for, if there is one.
    pub(crate) hits: Vec<(Place, DocAddress)>,
    /// How many there are.
    pub(crate) total: u64,
    /// What was counted.
    pub(crate) facets: Facets,
}

impl Collector for Sieve<'_> {
    type Fruit = Sifted;
    type Child = SegmentSieve;

    fn for_segment(
        &self,
        segment: SegmentOrdinal,
        reader: &SegmentReader,
    ) -> tantivy::Result<SegmentSieve> {
        let question = self.question;
        let columns = reader.fast_fields();
        let number = |name: &str| columns.column_opt::<u64>(name);
        let tags = columns.str("tag")?;
        let titles = match question.sort {
            Sort::Title => columns.str(&title_column(self.title_language()))?,
            Sort::Relevance | Sort::Newest | Sort::Oldest | Sort::PriceUp | Sort::PriceDown => None,
        };
        let mut groups = Vec::with_capacity(question.filters.len());
        for filter in &question.filters {
            groups.push(Group::of(filter, tags.as_ref())?);
        }
        let after = match &question.after {
            Some(place) => Some(local(place, titles.as_ref())?),
            None => None,
        };
        let terms = tags.as_ref().map_or(0, |tags| tags.num_terms());
        let counts = if question.has_facets { terms } else { 0 };
        Ok(SegmentSieve {
            segment,
            sort: question.sort,
            limit: question.limit,
            currency: question.currency.map(entry::currency),
            made: question.made_from.map_or(0, entry::milliseconds)
                ..question.made_until.map_or(u64::MAX, entry::milliseconds),
            second: entry::seconds(question.now),
            prices: Wanted {
                min: question.price_min.map(|min| u64::try_from(min).unwrap_or(0)),
                max: question.price_max.map(|max| u64::try_from(max).unwrap_or(0)),
            },
            has_facets: question.has_facets,
            price: number("price")?,
            span: number("span")?,
            created: number("created")?,
            available: number("available")?,
            id_high: number("id_high")?,
            id_low: number("id_low")?,
            groups,
            after,
            counts: vec![0; counts],
            ranges: [0; RANGES],
            ords: Vec::new(),
            total: 0,
            best: BinaryHeap::new(),
            tags,
            titles,
        })
    }

    fn requires_scoring(&self) -> bool {
        self.question.sort == Sort::Relevance
    }

    fn merge_fruits(&self, parts: Vec<tantivy::Result<Sifted>>) -> tantivy::Result<Sifted> {
        let mut all = Sifted::default();
        let mut ranges: BTreeMap<i64, PriceRange> = BTreeMap::new();
        for part in parts {
            let part = part?;
            all.total += part.total;
            all.hits.extend(part.hits);
            for (facet, values) in part.facets.values {
                let known = all.facets.values.entry(facet).or_default();
                for (value, count) in values {
                    *known.entry(value).or_default() += count;
                }
            }
            for range in part.facets.prices {
                let known = ranges.entry(range.from).or_insert(PriceRange { count: 0, ..range });
                known.count += range.count;
            }
        }
        all.hits.sort();
        all.hits.truncate(self.question.limit + 1);
        all.facets.prices = ranges.into_values().collect();
        Ok(all)
    }
}

/// A filter in one segment: the ordinals of its facet, and those that fit.
struct Group {
    facet: Range<u64>,
    wanted: Vec<u64>,
}

impl Group {
    fn of(filter: &Filter, tags: Option<&StrColumn>) -> tantivy::Result<Self> {
        let Some(tags) = tags else { return Ok(Self { facet: 0..0, wanted: Vec::new() }) };
        // The colon ends a facet's name, and the semicolon is the character after it.
        let from = lower_bound(tags, &format!("{}:", filter.facet))?;
        let to = lower_bound(tags, &format!("{};", filter.facet))?;
        let mut wanted = Vec::with_capacity(filter.values.len());
        for value in &filter.values {
            let text = Tag::new(filter.facet.as_str(), value.as_str()).text();
            let ord = lower_bound(tags, &text)?;
            if term(tags, ord)?.as_deref() == Some(&text) {
                wanted.push(ord);
            }
        }
        Ok(Self { facet: from..to, wanted })
    }
}

/// The first ordinal whose term is not less than this text.
fn lower_bound(terms: &StrColumn, text: &str) -> tantivy::Result<u64> {
    let (mut low, mut high) = (0, terms.num_terms() as u64);
    while low < high {
        let middle = low + (high - low) / 2;
        match term(terms, middle)? {
            Some(found) if found.as_str() < text => low = middle + 1,
            _ => high = middle,
        }
    }
    Ok(low)
}

fn term(terms: &StrColumn, ord: u64) -> tantivy::Result<Option<String>> {
    let mut text = String::new();
    let is_there = ord < terms.num_terms() as u64 && terms.ord_to_str(ord, &mut text)?;
    Ok(is_there.then_some(text))
}

/// A place in the list as one segment sees it: titles are ordinals there. The larger, the earlier.
type Local = [u64; 4];

fn local(place: &Place, titles: Option<&StrColumn>) -> tantivy::Result<Local> {
    let [rank, tie, high, low] = place.numbers;
    let Some(title) = &place.title else { return Ok([rank, tie, high, low]) };
    let Some(titles) = titles.filter(|_| title != UNTITLED) else {
        return Ok([0, tie, high, low]);
    };
    let ord = lower_bound(titles, title)?;
    if term(titles, ord)?.as_ref() == Some(title) {
        return Ok([u64::MAX - ord, tie, high, low]);
    }
    // Nothing of this segment has the very title: what has the next one comes after it.
    Ok([u64::MAX - ord, u64::MAX, u64::MAX, u64::MAX])
}

/// The prices that are wanted.
struct Wanted {
    min: Option<u64>,
    max: Option<u64>,
}

impl Wanted {
    fn fits(&self, amount: u64) -> bool {
        self.min.is_none_or(|min| min <= amount) && self.max.is_none_or(|max| amount <= max)
    }
}

/// One segment's part of the walk.
pub(crate) struct SegmentSieve {
    segment: SegmentOrdinal,
    sort: Sort,
    limit: usize,
    currency: Option<u64>,
    made: Range<u64>,
    second: u32,
    prices: Wanted,
    has_facets: bool,
    tags: Option<StrColumn>,
    titles: Option<StrColumn>,
    price: Option<Column<u64>>,
    span: Option<Column<u64>>,
    created: Option<Column<u64>>,
    available: Option<Column<u64>>,
    id_high: Option<Column<u64>>,
    id_low: Option<Column<u64>>,
    groups: Vec<Group>,
    after: Option<Local>,
    counts: Vec<u64>,
    ranges: [u64; RANGES],
    /// The ordinals of one thing's tags; kept so that its room is made once.
    ords: Vec<u64>,
    total: u64,
    /// The best so far, the worst of them on top.
    best: BinaryHeap<std::cmp::Reverse<(Local, DocId)>>,
}

/// What a thing lacks to be found.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lacks {
    Nothing,
    Price,
    Group(usize),
    Several,
}

impl Lacks {
    fn also(self, other: Self) -> Self {
        if self == Self::Nothing { other } else { Self::Several }
    }
}

impl SegmentCollector for SegmentSieve {
    type Fruit = tantivy::Result<Sifted>;

    fn collect(&mut self, doc: DocId, score: Score) {
        let Some(amount) = self.amount(doc) else { return };
        if !self.made.contains(&first(self.created.as_ref(), doc)) {
            return;
        }
        self.ords.clear();
        if (self.has_facets || !self.groups.is_empty())
            && let Some(tags) = &self.tags
        {
            self.ords.extend(tags.term_ords(doc));
        }
        let mut lacks = Lacks::Nothing;
        if !self.prices.fits(amount) {
            lacks = Lacks::Price;
        }
        for (at, group) in self.groups.iter().enumerate() {
            if !group.wanted.iter().any(|ord| self.ords.contains(ord)) {
                lacks = lacks.also(Lacks::Group(at));
            }
        }
        self.count(lacks, amount);
        if lacks == Lacks::Nothing {
            self.total += 1;
            self.offer(doc, score, amount);
        }
    }

    fn harvest(self) -> tantivy::Result<Sifted> {
        let mut facets = Facets::default();
        if let Some(tags) = &self.tags {
            for (ord, count) in (0_u64..).zip(&self.counts).filter(|(_, count)| **count > 0) {
                if let Some(tag) = term(tags, ord)?.as_deref().and_then(Tag::of) {
                    facets.values.entry(tag.facet).or_default().insert(tag.value, *count);
                }
            }
        }
        let counted = self.ranges.iter().enumerate().filter(|(_, count)| **count > 0);
        let range = |(range, count): (usize, &u64)| PriceRange {
            from: range_from(range),
            to: (range + 1 < RANGES).then(|| range_from(range + 1)),
            count: *count,
        };
        facets.prices = counted.map(range).collect();
        let mut hits = Vec::with_capacity(self.best.len());
        for std::cmp::Reverse(([rank, tie, high, low], doc)) in self.best {
            let title = match &self.titles {
                Some(titles) => term(titles, u64::MAX - rank)?,
                None => None,
            };
            // An ordinal means nothing outside of its segment.
            let is_titled = self.sort == Sort::Title;
            let place = Place {
                title: is_titled.then(|| title.unwrap_or_else(|| UNTITLED.to_owned())),
                numbers: [if is_titled { 0 } else { rank }, tie, high, low],
            };
            hits.push((place, DocAddress::new(self.segment, doc)));
        }
        Ok(Sifted { hits, total: self.total, facets })
    }
}

fn first(column: Option<&Column<u64>>, doc: DocId) -> u64 {
    column.and_then(|column| column.first(doc)).unwrap_or(0)
}

impl SegmentSieve {
    /// The lowest price that holds now, in the wanted currency.
    fn amount(&self, doc: DocId) -> Option<u64> {
        let Some(currency) = self.currency else { return Some(0) };
        let (prices, spans) = (self.price.as_ref()?, self.span.as_ref()?);
        let both = prices.values_for_doc(doc).zip(spans.values_for_doc(doc));
        both.filter_map(|(price, span)| holding(price, span, currency, self.second)).min()
    }

    fn count(&mut self, lacks: Lacks, amount: u64) {
        if !self.has_facets {
            return;
        }
        let group = match lacks {
            Lacks::Nothing | Lacks::Price => None,
            Lacks::Group(at) => self.groups.get(at),
            Lacks::Several => return,
        };
        if lacks != Lacks::Price {
            for ord in &self.ords {
                if group.is_none_or(|group| group.facet.contains(ord))
                    && let Some(count) =
                        usize::try_from(*ord).ok().and_then(|ord| self.counts.get_mut(ord))
                {
                    *count += 1;
                }
            }
        }
        if group.is_none() {
            let range = range_of(i64::try_from(amount).unwrap_or(i64::MAX));
            if let Some(count) = self.ranges.get_mut(range) {
                *count += 1;
            }
        }
    }

    fn offer(&mut self, doc: DocId, score: Score, amount: u64) {
        let created = first(self.created.as_ref(), doc);
        let (rank, tie) = match self.sort {
            Sort::Relevance => {
                let available = first(self.available.as_ref(), doc);
                // Numbers above zero sort as their bits do.
                (u64::from(score.to_bits()), available << 63 | created)
            }
            Sort::Newest => (created, 0),
            Sort::Oldest => (u64::MAX - created, 0),
            Sort::PriceUp => (u64::MAX - amount, 0),
            Sort::PriceDown => (amount, 0),
            Sort::Title => {
                let ord = self.titles.as_ref().and_then(|titles| titles.term_ords(doc).next());
                (ord.map_or(0, |ord| u64::MAX - ord), 0)
            }
        };
        let id = [first(self.id_high.as_ref(), doc), first(self.id_low.as_ref(), doc)];
        let [high, low] = id.map(|half| u64::MAX - half);
        let place = [rank, tie, high, low];
        if self.after.is_some_and(|after| place >= after) {
            return;
        }
        self.best.push(std::cmp::Reverse((place, doc)));
        if self.best.len() > self.limit + 1 {
            self.best.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_counted_in_ranges_of_one_two_and_five() {
        let from: Vec<i64> = (0..9).map(range_from).collect();
        assert_eq!(from, [0, 1, 2, 5, 10, 20, 50, 100, 200]);
        for amount in [0, 1, 4, 5, 9, 1_999, 2_000, 4_999, 5_000, 123_456_789] {
            let range = range_of(amount);
            assert!(range_from(range) <= amount && amount < range_from(range + 1), "{amount}");
        }
        assert_eq!(range_of(i64::MAX), RANGES - 1);
    }

    #[test]
    fn a_number_comes_apart_in_two_halves() {
        assert_eq!(halves((7 << 64) | 9), [7, 9]);
    }
}
