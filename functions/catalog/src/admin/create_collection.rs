//! `POST /v1/admin/collections`: goods put together by hand, in an order, or by a rule. A job sorts
//! the goods in within a minute.

use api::form::{ListOf, Nested, OneOf, product_id, slug, time};
use api::reply::CreatedVersion;
use api::view::catalog::CollectionView;
use api::{Body, Fields, Form, Problem, Reply, Staff};
use domain::catalog::collection::{
    COLLECTIONS_MAX, CONDITIONS_MAX, Collection, Condition, Members, PRODUCTS_MAX,
};
use domain::catalog::content::Translations;
use domain::catalog::{Kind, Slug};
use domain::id::ProductId;
use domain::money::Money;
use domain::permission::grant;
use jiff::Timestamp;
use runtime::Call;
use store::Saved;
use store::shelves::Shelves;

use crate::App;
use crate::change::note;
use crate::form::{AttributeForm, KINDS, description, same_currency, title, value_of};
use crate::shelf::collection_changes;

/// One thing that a rule asks of products.
#[derive(Debug, Clone)]
pub enum Asked {
    /// Listed in a category.
    Category(Slug),
    /// Physical or digital.
    Kind(Kind),
    /// With a value of an attribute.
    Attribute(AttributeForm),
    /// With a price within bounds.
    Price(Option<Money>, Option<Money>),
    /// Made after a moment.
    CreatedAfter(Timestamp),
}

impl Form for Asked {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let category = fields.optional("category", slug());
        let kind = fields.optional("type", OneOf(KINDS));
        let attribute = fields.optional("attribute", Nested::<AttributeForm>::form());
        let price_min = fields.optional("price_min", Nested::<Money>::form());
        let price_max = fields.optional("price_max", Nested::<Money>::form());
        let created_after = fields.optional("created_after", time());
        let (category, kind, attribute) = (category?, kind?, attribute?);
        let (min, max, created_after) = (price_min?, price_max?, created_after?);
        if !same_currency(min.as_ref(), max.as_ref()) {
            fields.flaw("price_max", "same_currency", "Both bounds are in one currency.");
            return None;
        }
        let price = (min.is_some() || max.is_some()).then_some(Self::Price(min, max));
        let all = category.map(Self::Category).into_iter().chain(kind.map(Self::Kind));
        let rest = attribute.map(Self::Attribute).into_iter().chain(price);
        let asked: Vec<Self> =
            all.chain(rest).chain(created_after.map(Self::CreatedAfter)).collect();
        if asked.len() == 1 {
            return asked.into_iter().next();
        }
        fields.flaw("category", "one_condition", "A condition asks for one thing.");
        None
    }
}

/// What is in a collection.
#[derive(Debug, Clone)]
pub(crate) enum Wanted {
    Hand(Vec<ProductId>),
    Rule(Vec<Asked>),
}

/// Reads the members of a collection: by hand, or by a rule.
#[expect(clippy::option_option, reason = "flawed, absent and given are three")]
pub(crate) fn wanted(fields: &mut Fields<'_>) -> Option<Option<Wanted>> {
    let products = fields.optional("products", ListOf::up_to(PRODUCTS_MAX, product_id()));
    let conditions = Nested::<Asked>::form();
    let conditions = fields.optional("conditions", ListOf::up_to(CONDITIONS_MAX, conditions));
    fields.not_both("products", "conditions", "A collection is made by hand or by a rule.");
    match (products?, conditions?) {
        (Some(_), Some(_)) => None,
        (Some(mut products), None) => {
            let mut seen = std::collections::BTreeSet::new();
            products.retain(|id| seen.insert(*id));
            Some(Some(Wanted::Hand(products)))
        }
        (None, Some(conditions)) => Some(Some(Wanted::Rule(conditions))),
        (None, None) => Some(None),
    }
}

/// The members as the shop knows them, or every flaw.
pub(crate) fn members(wanted: &Wanted, shelves: &Shelves) -> Reply<Members> {
    let conditions = match wanted {
        Wanted::Hand(products) => return Ok(Members::Hand { products: products.clone() }),
        Wanted::Rule(conditions) => conditions,
    };
    let (mut known, mut flaws) = (Vec::new(), Vec::new());
    for (at, asked) in conditions.iter().enumerate() {
        let condition = match asked.clone() {
            Asked::Category(slug) => Condition::Category { slug },
            Asked::Kind(kind) => Condition::Kind { kind },
            Asked::Attribute(form) => {
                match value_of(&form, shelves, &format!("/conditions/{at}/attribute")) {
                    Ok(value) => Condition::Attribute { code: form.code, value },
                    Err(flaw) => {
                        flaws.push(flaw);
                        continue;
                    }
                }
            }
            Asked::Price(min, max) => {
                let Some(any) = min.or(max) else { continue };
                Condition::Price {
                    currency: any.currency(),
                    min: min.map(Money::amount),
                    max: max.map(Money::amount),
                }
            }
            Asked::CreatedAfter(at) => Condition::CreatedAfter { at },
        };
        known.push(condition);
    }
    if flaws.is_empty() {
        return Ok(Members::Rule { conditions: known });
    }
    Err(Problem::invalid(flaws))
}

/// A collection as it begins.
#[derive(Debug)]
pub struct NewCollection {
    slug: Slug,
    title: String,
    description: String,
    wanted: Wanted,
}

impl Form for NewCollection {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let slug_of = fields.required("slug", slug());
        let title = fields.required("title", title());
        let description = fields.optional("description", description());
        let wanted = wanted(fields);
        Some(Self {
            slug: slug_of?,
            title: title?,
            description: description?.unwrap_or_default(),
            wanted: wanted?.unwrap_or(Wanted::Hand(Vec::new())),
        })
    }
}

/// Makes a collection.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::ProductsWrite>, Body<NewCollection>>,
) -> Reply<CreatedVersion<CollectionView>> {
    let Body(form) = &call.input;
    let shelves = app.store.shelves().await?;
    if shelves.collections.len() >= COLLECTIONS_MAX {
        let detail = format!("A shop has at most {COLLECTIONS_MAX} collections.");
        return Err(Problem::conflict("too_many_collections", detail));
    }
    let mut collection = Collection {
        slug: form.slug.clone(),
        title: form.title.clone(),
        description: form.description.clone(),
        translations: Translations::new(),
        members: members(&form.wanted, &shelves)?,
        pending: None,
        is_ending: false,
        version: 0,
    };
    collection.pending = collection.pending_after(None);
    let changed = collection_changes(None, Some(&collection));
    let events = [note(app, &call, "collection.create", &collection.slug, changed)];
    match app.store.save_collection(None, &collection, &events, call.now).await? {
        Saved::Yes => Ok(CreatedVersion(Collection { version: 1, ..collection }.into(), 1)),
        Saved::Raced => {
            let detail = "There is a collection of this name, or one is just ending.";
            Err(Problem::conflict("slug_taken", detail))
        }
    }
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_condition_asks_for_one_thing() {
        assert_eq!(flaws_of::<Asked>(&json!({"category": "mugs"})), []);
        let euros = json!({"amount": 100, "currency": "EUR"});
        assert_eq!(flaws_of::<Asked>(&json!({"price_min": euros, "price_max": euros})), []);
        let flaw = [("/category".to_owned(), "one_condition")];
        assert_eq!(flaws_of::<Asked>(&json!({})), flaw);
        assert_eq!(flaws_of::<Asked>(&json!({"category": "mugs", "type": "physical"})), flaw);
        let yen = json!({"amount": 100, "currency": "JPY"});
        let flaws = flaws_of::<Asked>(&json!({"price_min": euros, "price_max": yen}));
        assert_eq!(flaws, [("/price_max".to_owned(), "same_currency")]);
    }

    #[test]
    fn a_collection_is_made_by_hand_or_by_a_rule() {
        let body = json!({
            "slug": "summer", "title": "Summer",
            "products": [], "conditions": [{"type": "physical"}],
        });
        assert_eq!(flaws_of::<NewCollection>(&body), [("/conditions".to_owned(), "not_together")]);
    }
}
