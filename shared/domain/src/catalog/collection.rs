//! Collections: goods put together by hand, in an order, or by a rule that a product fits or not.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::content::Translations;
use super::{Kind, Product, Slug, Value};
use crate::currency::Currency;
use crate::id::ProductId;

/// Collections of one shop.
pub const COLLECTIONS_MAX: usize = 100;
/// Products of a collection that is made by hand: its list of ids is part of it.
pub const PRODUCTS_MAX: usize = 200;
/// Conditions of one rule.
pub const CONDITIONS_MAX: usize = 10;
/// Collections that one product is in: each is a list card in the product's transaction. The first
/// ones by name count.
pub const COLLECTIONS_OF_ONE_MAX: usize = 16;

/// Something that is true of a product or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "on", rename_all = "snake_case")]
pub enum Condition {
    /// It is listed in this category.
    Category {
        /// Which.
        slug: Slug,
    },
    /// It is physical, or digital.
    Kind {
        /// Which.
        kind: Kind,
    },
    /// It has this value of an attribute.
    Attribute {
        /// Of which attribute.
        code: Slug,
        /// Which value.
        value: Value,
    },
    /// Its lowest price lies within bounds, both included.
    Price {
        /// In which currency.
        currency: Currency,
        /// At least, in minor units.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        min: Option<i64>,
        /// At most, in minor units.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max: Option<i64>,
    },
    /// It was made after this moment.
    CreatedAfter {
        /// Which.
        at: Timestamp,
    },
}

/// What is in a collection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Members {
    /// These, in this order.
    Hand {
        /// Which.
        products: Vec<ProductId>,
    },
    /// Whatever fits all of these.
    Rule {
        /// Which.
        conditions: Vec<Condition>,
    },
}

/// What is still to be done after a collection was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "of", rename_all = "snake_case")]
pub enum Pending {
    /// These products come, go or move.
    Some {
        /// Which.
        products: Vec<ProductId>,
    },
    /// Every product is looked at.
    Every {
        /// Where the next look begins.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        position: Option<String>,
    },
}

/// A collection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collection {
    /// Its readable name; it stays.
    pub slug: Slug,
    /// Its name.
    pub title: String,
    /// Its text.
    pub description: String,
    /// Its texts in other languages.
    #[serde(default, skip_serializing_if = "Translations::is_empty")]
    pub translations: Translations,
    /// What is in it.
    pub members: Members,
    /// What a job still has to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<Pending>,
    /// Whether it was deleted, and goes when its last card is gone.
    #[serde(default)]
    pub is_ending: bool,
    /// Rises with every change.
    pub version: u64,
}

impl Condition {
    /// Whether it is true of a product at this time.
    pub fn fits(&self, product: &Product, now: Timestamp) -> bool {
        match self {
            Self::Category { slug } => product.categories.contains(slug),
            Self::Kind { kind } => product.kind == *kind,
            Self::Attribute { code, value } => product.attributes.get(code) == Some(value),
            Self::Price { currency, min, max } => {
                product.price_from(*currency, now).is_some_and(|price| {
                    min.is_none_or(|min| min <= price.amount())
                        && max.is_none_or(|max| price.amount() <= max)
                })
            }
            Self::CreatedAfter { at } => product.created_at > *at,
        }
    }
}

impl Collection {
    /// Whether a product is in it at this time.
    pub fn has(&self, product: &Product, now: Timestamp) -> bool {
        if self.is_ending {
            return false;
        }
        match &self.members {
            Members::Hand { products } => products.contains(&product.id),
            Members::Rule { conditions } => {
                !conditions.is_empty() && conditions.iter().all(|one| one.fits(product, now))
            }
        }
    }

    /// The place of a product in a collection that is made by hand.
    pub fn place(&self, id: ProductId) -> Option<usize> {
        match &self.members {
            Members::Hand { products } => products.iter().position(|other| *other == id),
            Members::Rule { .. } => None,
        }
    }

    /// What is to be done when this collection takes the place of another, or of none.
    pub fn pending_after(&self, before: Option<&Self>) -> Option<Pending> {
        let hand = |one: &Self| match &one.members {
            Members::Hand { products } => Some(products.clone()),
            Members::Rule { .. } => None,
        };
        let is_same = before.is_some_and(|before| {
            before.members == self.members && before.is_ending == self.is_ending
        });
        if is_same {
            return before.and_then(|before| before.pending.clone());
        }
        // What was not finished before is finished with it.
        let is_open = matches!(
            before.and_then(|before| before.pending.as_ref()),
            Some(Pending::Every { .. })
        );
        let old = before.map_or(Some(Vec::new()), hand);
        match (old, hand(self)) {
            (Some(old), Some(new)) if !is_open => {
                let mut products = old;
                if let Some(Pending::Some { products: open }) =
                    before.and_then(|before| before.pending.as_ref())
                {
                    products.extend(open);
                }
                products.extend(new);
                products.sort_unstable();
                products.dedup();
                Some(Pending::Some { products })
            }
            _ => Some(Pending::Every { position: None }),
        }
    }
}

/// The collections that a product is in at this time, by name.
pub fn memberships(all: &[Collection], product: &Product, now: Timestamp) -> Vec<Slug> {
    let mut of: Vec<Slug> =
        all.iter().filter(|one| one.has(product, now)).map(|one| one.slug.clone()).collect();
    of.sort();
    of.truncate(COLLECTIONS_OF_ONE_MAX);
    of
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Sale, samples};

    fn rule(conditions: Vec<Condition>) -> Collection {
        Collection {
            slug: Slug::parse("summer").unwrap(),
            title: "Summer".into(),
            description: String::new(),
            translations: Translations::new(),
            members: Members::Rule { conditions },
            pending: None,
            is_ending: false,
            version: 1,
        }
    }

    #[test]
    fn a_product_that_fits_all_conditions_is_in() {
        let (mug, now) = (samples::product(), samples::now());
        let slug = |text: &str| Slug::parse(text).unwrap();
        let price = |min, max| Condition::Price { currency: Currency::EUR, min, max };
        let fits = |conditions: Vec<Condition>| rule(conditions).has(&mug, now);
        assert!(fits(vec![Condition::Category { slug: slug("goods") }]));
        assert!(!fits(vec![Condition::Category { slug: slug("tops") }]));
        assert!(fits(vec![
            Condition::Kind { kind: Kind::Physical },
            price(Some(1250), Some(1250))
        ]));
        assert!(!fits(vec![Condition::Kind { kind: Kind::Physical }, price(Some(1251), None)]));
        assert!(!fits(vec![Condition::CreatedAfter { at: mug.created_at }]));
        assert!(!fits(vec![]), "nothing was asked for, and nothing is in");
    }

    #[test]
    fn a_sale_brings_a_product_into_a_price_range_while_it_runs() {
        let (mut mug, now) = (samples::product(), samples::now());
        let condition = Condition::Price { currency: Currency::EUR, min: None, max: Some(1000) };
        assert!(!condition.fits(&mug, now));
        mug.variants[0].sales = vec![Sale {
            currency: Currency::EUR,
            amount: 900,
            from: now,
            until: None,
            lowest_30d: None,
        }];
        assert!(condition.fits(&mug, now));
    }

    #[test]
    fn a_change_by_hand_concerns_who_was_in_and_who_is_and_a_rule_everybody() {
        let id = |n| ProductId::from_ulid(crate::id::Ulid(n));
        let hand = |products: &[u128]| Collection {
            members: Members::Hand { products: products.iter().map(|n| id(*n)).collect() },
            ..rule(vec![])
        };
        let pending = hand(&[2, 3]).pending_after(Some(&hand(&[1, 2])));
        assert_eq!(pending, Some(Pending::Some { products: vec![id(1), id(2), id(3)] }));
        assert_eq!(hand(&[1]).pending_after(Some(&hand(&[1]))), None);
        let every = Some(Pending::Every { position: None });
        assert_eq!(rule(vec![]).pending_after(None), every);
        assert_eq!(rule(vec![]).pending_after(Some(&hand(&[1]))), every);
    }
}
