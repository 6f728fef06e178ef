//! What is found, and what the index is made of.

use std::collections::BTreeMap;

use domain::catalog::Slug;
use domain::currency::Currency;
use domain::money::Money;
use domain::synonym::Synonyms;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::reply::View;

/// How many of what there is among the products found.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct FacetsView {
    /// By facet (`category`, `collection`, `type`, `available`, `attribute.…`): its values, the
    /// most frequent first. Each facet is counted as if it were not filtered by.
    pub values: BTreeMap<String, Vec<FacetView>>,
    /// By ranges of prices, lowest first.
    pub prices: Vec<PriceRangeView>,
}

/// A value of a facet.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FacetView {
    /// The value.
    pub value: String,
    /// How many products have it.
    pub count: u64,
}

/// A range of prices.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PriceRangeView {
    /// The lowest price in it.
    pub from: Money,
    /// The lowest price above it; null for the last.
    pub to: Option<Money>,
    /// How many products cost that much.
    pub count: u64,
}

/// Values of one facet that are shown.
const VALUES_MAX: usize = 50;

impl FacetsView {
    /// The view of what was counted.
    pub fn of(
        values: BTreeMap<String, BTreeMap<String, u64>>,
        prices: impl IntoIterator<Item = (i64, Option<i64>, u64)>,
        currency: Currency,
    ) -> Self {
        let money = |amount| Money::new(amount, currency);
        let range = |(from, to, count): (i64, Option<i64>, u64)| PriceRangeView {
            from: money(from),
            to: to.map(money),
            count,
        };
        let facet = |(facet, values): (String, BTreeMap<String, u64>)| {
            let mut values: Vec<FacetView> =
                values.into_iter().map(|(value, count)| FacetView { value, count }).collect();
            // Stable: of equals, the order of the alphabet stays.
            values.sort_by_key(|value| std::cmp::Reverse(value.count));
            values.truncate(VALUES_MAX);
            (facet, values)
        };
        Self {
            values: values.into_iter().map(facet).collect(),
            prices: prices.into_iter().map(range).collect(),
        }
    }
}

/// What somebody may mean who types.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SuggestionsView {
    /// Up to ten in all: categories first, then products.
    pub data: Vec<SuggestionView>,
}

/// One thing that they may mean.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SuggestionView {
    /// `category` or `product`.
    pub kind: SuggestionKind,
    /// Its name in the language that was asked for.
    pub title: String,
    /// Its readable name in addresses.
    pub slug: Slug,
}

/// What is suggested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SuggestionKind {
    /// A category.
    Category,
    /// A product.
    Product,
}

impl View for SuggestionsView {}

/// The synonyms of the shop.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SynonymsView {
    /// The groups; in each, everything means the same.
    pub groups: Vec<Vec<String>>,
    /// Rises with every change; 0 before the first.
    pub version: u64,
}

impl View for SynonymsView {}

impl From<Synonyms> for SynonymsView {
    fn from(synonyms: Synonyms) -> Self {
        let Synonyms { groups, version } = synonyms;
        Self { groups, version }
    }
}

/// A rebuild that will be done.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RebuildView {
    /// When it was asked for. It is done once the status shows a later `rebuilt_at`.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub requested_at: Timestamp,
}

impl View for RebuildView {}

/// The state of the search index.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct SearchStatusView {
    /// Whether there is one: before the first, nothing is found.
    pub is_built: bool,
    /// Messages about changes that it does not know yet, roughly.
    pub waiting: u64,
    /// Rises by one with every update.
    pub generation: u64,
    /// Products in it.
    pub documents: u64,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its files.
    pub files: u64,
    /// Groups of synonyms that it knows.
    pub synonym_groups: u64,
    /// When it was updated last.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub written_at: Option<Timestamp>,
    /// When everything was indexed anew last.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub rebuilt_at: Option<Timestamp>,
    /// Seconds since it was updated last. Nothing waits that long: it is updated when something
    /// changes.
    pub age_seconds: i64,
}

impl View for SearchStatusView {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_frequent_values_come_first_and_the_rest_is_cut() {
        let values: BTreeMap<String, u64> =
            (0..60_u64).map(|at| (format!("v{at:02}"), at % 3)).collect();
        let values = BTreeMap::from([("attribute.fit".to_owned(), values)]);
        let view = FacetsView::of(values, [(100, Some(200), 4), (200, None, 1)], Currency::EUR);
        let shown = &view.values["attribute.fit"];
        assert_eq!(shown.len(), VALUES_MAX);
        assert_eq!(shown[0], FacetView { value: "v02".into(), count: 2 });
        assert_eq!(shown[1], FacetView { value: "v05".into(), count: 2 });
        assert_eq!(view.prices[1].to, None);
    }
}
