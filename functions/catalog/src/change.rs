//! The one way in which staff changes a product: load, decide, save, answer. What rules and time
//! make of the change is worked out before it is saved, in the same transaction.

use api::input::no_match;
use api::view::catalog::AdminProductView;
use api::{Flaw, IfMatch, Problem, Reply, Staff, Versioned};
use domain::audit::{self, Change};
use domain::catalog::collection::memberships;
use domain::catalog::{Product, Slug};
use domain::event::Event;
use domain::id::ProductId;
use domain::media;
use runtime::Call;
use serde_json::{Map, Value, json};
use store::product::{ProductChange, Written};
use store::shelves::Shelves;

use crate::App;

/// How often a lost race is run again before the caller is asked to.
pub(crate) const RACES_MAX: usize = 5;

/// The product, in the store or not.
pub(crate) async fn load(app: &App, id: ProductId) -> Reply<Product> {
    app.store.product(id).await?.ok_or_else(Problem::not_found)
}

/// An entry of the audit log.
pub(crate) fn note<P, I>(
    app: &App,
    call: &Call<Staff<P>, I>,
    action: &str,
    object: impl std::fmt::Display,
    changed: Vec<Change>,
) -> Event {
    let actor = call.who.actor();
    app.doors.audit(&call.request, actor, action, Some(object.to_string()), changed)
}

/// Saves a product with what follows from it; none where somebody was faster.
pub(crate) async fn save<P, I>(
    app: &App,
    call: &Call<Staff<P>, I>,
    before: Option<&Product>,
    after: Product,
    shelves: &Shelves,
    action: &str,
) -> Reply<Option<Product>> {
    let collections = if before.is_some_and(|before| is_same_to_rules(before, &after)) {
        after.collections.clone()
    } else {
        memberships(&shelves.collections, &after, call.now)
    };
    let after = Product { collections, ..after };
    let events = [note(app, call, action, after.id, changes(before, Some(&after)))];
    let change = ProductChange {
        before,
        after: &after,
        shelves,
        currency: app.currency,
        is_refresh: false,
        events: &events,
        now: call.now,
    };
    match app.store.save_product(&change).await? {
        Written::Yes(product) => Ok(Some(*product)),
        Written::Raced => Ok(None),
        Written::SlugTaken => {
            let detail = "Another product has this name, or had it.";
            Err(Problem::conflict("slug_taken", detail))
        }
        Written::SkuTaken(sku) => {
            let problem = Problem::conflict("sku_taken", "Another variant has this SKU.");
            Err(problem.member("sku", sku))
        }
        Written::CategoryGone(slug) => Err(gone(&slug)),
        Written::PictureGone(id) => Err(media::Refusal::NotReady(id).into()),
    }
}

/// Whether a rule sees no difference between two forms of a product. What time alone changes is the
/// job's business.
fn is_same_to_rules(before: &Product, after: &Product) -> bool {
    before.variants == after.variants
        && before.categories == after.categories
        && before.attributes == after.attributes
}

fn gone(slug: &Slug) -> Problem {
    let detail = format!("There is no category {slug}.");
    Problem::invalid(vec![Flaw::new("/categories", "unknown_category", detail)])
}

/// Changes a product as it was seen.
pub(crate) async fn change<P, I>(
    app: &App,
    call: &Call<Staff<P>, I>,
    (id, seen): (ProductId, IfMatch),
    action: &str,
    decide: impl FnOnce(Product, &Shelves) -> Reply<Product> + Send,
) -> Reply<Versioned<AdminProductView>>
where
    P: Sync,
    I: Sync,
{
    let before = load(app, id).await?;
    seen.check(before.version)?;
    let shelves = app.store.shelves().await?;
    let after = decide(before.clone(), &shelves)?;
    let saved = save(app, call, Some(&before), after, &shelves, action).await?;
    let product = saved.ok_or_else(no_match)?;
    let version = product.version;
    Ok(Versioned(product.into(), version))
}

/// Does something to a product as it is at this moment.
pub(crate) async fn act<P, I>(
    app: &App,
    call: &Call<Staff<P>, I>,
    id: ProductId,
    action: &str,
    decide: impl Fn(Product) -> Reply<Product> + Send + Sync,
) -> Reply<Versioned<AdminProductView>>
where
    P: Sync,
    I: Sync,
{
    for _ in 0..RACES_MAX {
        let before = load(app, id).await?;
        let shelves = app.store.shelves().await?;
        let after = decide(before.clone())?;
        let saved = save(app, call, Some(&before), after, &shelves, action).await?;
        if let Some(product) = saved {
            let version = product.version;
            return Ok(Versioned(product.into(), version));
        }
    }
    Err(Problem::unavailable())
}

/// What differs between two forms of a product, as the audit log is told: prices and statuses as
/// they are, of texts only that they changed.
pub(crate) fn changes(before: Option<&Product>, after: Option<&Product>) -> Vec<Change> {
    audit::changes(&before.map_or(Value::Null, shown), &after.map_or(Value::Null, shown))
}

fn shown(product: &Product) -> Value {
    let named = |text: &str| text.to_ascii_lowercase().replace('-', "_");
    let prices: Map<String, Value> = product
        .variants
        .iter()
        .map(|variant| {
            let prices: Map<String, Value> = variant
                .prices
                .iter()
                .map(|(currency, amount)| {
                    (format!("{}_minor", named(currency.code())), json!(amount))
                })
                .collect();
            (named(variant.sku.as_str()), Value::Object(prices))
        })
        .collect();
    let sales: Vec<_> = product.variants.iter().map(|variant| &variant.sales).collect();
    let variants: Vec<_> = product
        .variants
        .iter()
        .map(|one| (&one.sku, &one.title, &one.options, one.weight_grams, one.quantity_max))
        .collect();
    json!({
        "slug": product.slug,
        "title": product.title,
        "description": product.description,
        "kind": product.kind,
        "status": product.status,
        "publish_at": product.publish_at,
        "tax_category": product.tax_category,
        "categories": product.categories,
        "attributes": product.attributes.len(),
        "translations": product.translations.keys().collect::<Vec<_>>(),
        "options": product.options,
        "variant_quantity": product.variants.len(),
        "variants": variants,
        "prices": prices,
        "sales": sales,
        "image_quantity": product.images.len(),
        "images": product.images,
    })
}

#[cfg(test)]
mod tests {
    use testkit::goods;

    use super::*;

    #[test]
    fn the_log_learns_prices_and_statuses_and_no_texts() {
        let (before, _) = goods::small(1).products.remove(0);
        let mut after = before.clone();
        after.title = "A secret title".to_owned();
        after.status = domain::catalog::Status::Archived;
        for amount in after.variants[0].prices.values_mut() {
            *amount += 1;
        }
        let changed = serde_json::to_value(changes(Some(&before), Some(&after))).unwrap();
        assert_eq!(
            changed,
            json!([
                {"field": "prices.mug_blue.eur_minor", "before": 1250, "after": 1251},
                {"field": "prices.mug_blue.jpy_minor", "before": 2000, "after": 2001},
                {"field": "status", "before": "active", "after": "archived"},
                {"field": "title", "before": "redacted", "after": "redacted"},
            ])
        );
    }
}
