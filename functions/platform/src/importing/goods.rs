//! Products and their prices, as a file wants them.

use std::collections::{BTreeMap, BTreeSet};

use domain::catalog::collection::memberships;
use domain::catalog::price::{COMPARED, compared};
use domain::catalog::{Product, Sku, Slug, Status, Variant};
use domain::exchange::{Entry, Flaw, Plan, Unit, product};
use domain::fault::Fault;
use domain::id::{MediaId, ProductId};
use jiff::Timestamp;
use store::product::{NEW_VARIANTS_MAX, ProductChange, Written};
use store::shelves::Shelves;

use super::{Done, Planned, Plans, What};
use crate::App;

/// What products refer to.
pub(crate) struct Facts {
    shelves: Shelves,
    categories: BTreeSet<Slug>,
}

impl Facts {
    pub(super) async fn load(app: &App) -> Result<Self, Fault> {
        let shelves = app.store.shelves().await?;
        let categories = shelves.categories.iter().map(|one| one.slug.clone()).collect();
        Ok(Self { shelves, categories })
    }
}

/// A product as it is and as it is to be.
#[derive(Debug)]
pub(crate) struct Write {
    before: Option<Box<Product>>,
    after: Box<Product>,
}

/// What is there of what the entries name: three batches of reads.
struct Known {
    slugs: BTreeMap<Slug, ProductId>,
    skus: BTreeMap<Sku, ProductId>,
    products: BTreeMap<ProductId, Product>,
}

impl Known {
    async fn load(app: &App, entries: &[Entry]) -> Result<Self, Fault> {
        let (mut slugs, mut skus) = (Vec::new(), Vec::new());
        for entry in entries {
            match &entry.unit {
                Unit::Product(wanted) => {
                    slugs.push(wanted.slug.clone());
                    skus.extend(wanted.variants.iter().map(|variant| variant.sku.clone()));
                }
                Unit::Price(wanted) => skus.push(wanted.sku.clone()),
                Unit::Stock(_) | Unit::Customer(_) => {}
            }
        }
        let slugs = app.store.owners_of_slugs(&slugs).await?;
        let skus = app.store.owners_of_skus(&skus).await?;
        let ids = slugs.values().chain(skus.values()).copied();
        let products = app.store.products_now(ids).await?;
        Ok(Self { slugs, skus, products })
    }
}

pub(super) async fn plan(
    app: &App,
    facts: &Facts,
    entries: &[Entry],
    now: Timestamp,
) -> Result<Plans, Fault> {
    let known = Known::load(app, entries).await?;
    let mut after: BTreeMap<ProductId, (Product, Vec<usize>)> = BTreeMap::new();
    let mut planned = Vec::with_capacity(entries.len());
    for (at, entry) in entries.iter().enumerate() {
        let plan = match &entry.unit {
            Unit::Product(wanted) => plan_product(app, facts, &known, wanted, now),
            Unit::Price(wanted) => {
                // Several SKUs of one product are one change of it.
                let id = known.skus.get(&wanted.sku);
                let changed = id.and_then(|id| after.get(id)).map(|(product, _)| product);
                let before = changed.or_else(|| known.products.get(id?));
                wanted.plan(&entry.rows, before, now)
            }
            Unit::Stock(_) | Unit::Customer(_) => Plan::Unchanged,
        };
        planned.push(Planned::of(&plan));
        if let Plan::Create(product) | Plan::Update(product, _) = plan {
            let change = after.entry(product.id).or_insert_with(|| (product.clone(), Vec::new()));
            change.0 = product;
            change.1.push(at);
        }
    }
    let writes = after.into_iter().map(|(id, (product, entries))| {
        let before = known.products.get(&id).cloned().map(Box::new);
        let what = What::Product(Write { before, after: Box::new(product) });
        super::Write { entries, what }
    });
    Ok((planned, writes.collect()))
}

fn plan_product(
    app: &App,
    facts: &Facts,
    known: &Known,
    wanted: &product::Wanted,
    now: Timestamp,
) -> Plan<Product> {
    let before = known.slugs.get(&wanted.slug).and_then(|id| known.products.get(id));
    if before.is_some_and(|before| before.slug != wanted.slug) {
        let detail = "Another product had this name, and it still leads there.";
        let row = wanted.variants.first().map_or(0, |variant| variant.row);
        return Plan::Refused(vec![Flaw::of_cell(row, "handle", "handle_taken", detail)]);
    }
    let of = product::Facts { categories: &facts.categories, owners: &known.skus, now };
    wanted.plan(before, of, &mut || app.ids.ulid(now))
}

/// Writes a product. More new variants than one transaction holds come in several steps: each
/// leaves a product that is whole, and the last one is what was wanted.
pub(super) async fn save(
    app: &App,
    facts: &Facts,
    write: &Write,
    now: Timestamp,
) -> Result<Done, Fault> {
    let mut before = write.before.as_deref().cloned();
    let after = with_comparisons(app, write, now).await?;
    let after = out_of_the_archive(app, before.as_ref(), after).await?;
    loop {
        let (step, is_last) = step(before.as_ref(), &after);
        let collections = memberships(&facts.shelves.collections, &step, now);
        let step = Product { collections, ..step };
        let change = ProductChange {
            before: before.as_ref(),
            after: &step,
            shelves: &facts.shelves,
            currency: app.currency(),
            is_refresh: false,
            events: &[],
            now,
        };
        match app.store.save_product(&change).await? {
            Written::Yes(_) if is_last => return Ok(Done::Yes),
            Written::Yes(written) => before = Some(*written),
            Written::Raced => return Ok(Done::Raced),
            // Somebody else, or our own write whose answer was lost: looking again tells.
            Written::SlugTaken | Written::SkuTaken(_) | Written::PictureGone(_) => {
                return Ok(Done::Raced);
            }
            Written::CategoryGone(_) => {
                let detail = "A category went meanwhile.";
                return Ok(Done::Refused("unknown_category", detail));
            }
        }
    }
}

/// The product with as many of its new variants as one transaction takes, and whether these are
/// all of them.
fn step(before: Option<&Product>, after: &Product) -> (Product, bool) {
    let is_new = |variant: &Variant| {
        before.is_none_or(|before| before.variants.iter().all(|old| old.id != variant.id))
    };
    let mut room = NEW_VARIANTS_MAX;
    let mut variants = Vec::with_capacity(after.variants.len());
    for variant in &after.variants {
        if is_new(variant) {
            if room == 0 {
                continue;
            }
            room -= 1;
        }
        variants.push(variant.clone());
    }
    let is_last = variants.len() == after.variants.len();
    (Product { variants, ..after.clone() }, is_last)
}

/// The product with those of its pictures that are left, where it comes out of the archive.
async fn out_of_the_archive(
    app: &App,
    before: Option<&Product>,
    after: Product,
) -> Result<Product, Fault> {
    let was_archived = before.is_some_and(|before| before.status == Status::Archived);
    if !was_archived || after.status == Status::Archived {
        return Ok(after);
    }
    let ids: Vec<MediaId> = after.media().collect();
    Ok(after.with_what_is_left(&app.store.media_of(&ids).await?))
}

/// The product with what each of its reduced prices is compared with.
async fn with_comparisons(app: &App, write: &Write, now: Timestamp) -> Result<Product, Fault> {
    let mut after = (*write.after).clone();
    let old = write.before.as_ref().map(|before| before.variants.as_slice()).unwrap_or_default();
    for variant in after.variants.iter_mut().filter(|variant| !variant.sales.is_empty()) {
        let before = old.iter().find(|one| one.id == variant.id);
        let is_same =
            before.is_some_and(|b| b.prices == variant.prices && b.sales == variant.sales);
        if is_same {
            continue;
        }
        let since = now.saturating_sub(COMPARED).unwrap_or(Timestamp::MIN);
        let log = match before {
            Some(_) => app.store.prices_since(after.id, variant.id, since).await?,
            None => Vec::new(),
        };
        let sales = before.map(|before| before.sales.as_slice()).unwrap_or_default();
        let new = std::mem::take(&mut variant.sales);
        variant.sales = compared(&new, sales, &log, variant.id, &variant.prices, now);
    }
    Ok(after)
}
