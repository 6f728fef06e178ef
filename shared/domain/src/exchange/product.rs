//! Products as rows, one for each variant.
//!
//! | column | what it says | an empty cell |
//! |---|---|---|
//! | `handle` | the readable name: rows with the same one are one product | is a flaw |
//! | `title` `description` `kind` `status` `tax_category` | the product's | leaves it |
//! | `categories` | their readable names, with bars between them | takes all away |
//! | `option1_name` … `option3_value` | what is chosen, and what this one is | is no option |
//! | `sku` | the variant | is a flaw |
//! | `price_EUR`, one for each currency | the base price, a decimal | it is not sold in it |
//! | `weight_grams` `quantity_max` | the variant's | leaves it |
//!
//! What has no column stays as it is. What a product says of itself stands in its first row; the
//! others may leave it empty or repeat it. A product is written whole or not at all: one flawed row
//! keeps its siblings out, and they are named, too. Nothing is taken away: variants that the file
//! does not name stay.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use jiff::Timestamp;

use super::cells::{self, Cells, Given};
use super::table::{self, Layout, Meaning, Row};
use super::{
    Difference, Entry, Flaw, Format, Plan, Reading, Sheet, Shown, Unit, differences, html, shopify,
};
use crate::cart::QUANTITY_MAX;
use crate::catalog::content::{DESCRIPTION_CHARS_MAX, TITLE_CHARS_MAX};
use crate::catalog::matrix::{self, NAME_CHARS_MAX, OPTIONS_MAX};
use crate::catalog::tree::CATEGORIES_OF_ONE_MAX;
use crate::catalog::{
    Kind, Prices, Product, ProductOption, Sale, Sku, Slug, Status, VARIANTS_MAX, Variant,
};
use crate::currency::Currency;
use crate::id::{ProductId, Ulid, VariantId};
use crate::shipping::ProfileId;
use crate::tax::TaxCategory;

/// Our columns in the order in which they are written; prices stand before the weight.
pub const COLUMNS: [&str; 13] = [
    "handle",
    "title",
    "description",
    "kind",
    "status",
    "tax_category",
    "categories",
    "option1_name",
    "option1_value",
    "option2_name",
    "option2_value",
    "option3_name",
    "option3_value",
];
/// Our columns behind the options.
pub const VARIANT_COLUMNS: [&str; 3] = ["sku", "weight_grams", "quantity_max"];
/// How a price's column begins.
pub const PRICE: &str = "price_";
/// What Shopify writes where there is nothing to choose.
const DEFAULT_TITLE: &str = "Default Title";

const KINDS: &[(&str, Kind)] = &[("physical", Kind::Physical), ("digital", Kind::Digital)];
const STATUSES: &[(&str, Status)] =
    &[("draft", Status::Draft), ("active", Status::Active), ("archived", Status::Archived)];

/// What a file says of a product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Its readable name.
    pub slug: Slug,
    /// What it says of the product as a whole.
    pub about: About,
    /// The names of its options; none where the file says nothing of them.
    pub options: Option<Vec<String>>,
    /// Its variants, in the order of their rows.
    pub variants: Vec<WantedVariant>,
    /// What the file calls its columns.
    labels: Arc<BTreeMap<String, String>>,
}

/// What a file says of a product as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct About {
    /// Its name.
    pub title: Given<String>,
    /// Its text, plain.
    pub description: Given<String>,
    /// Physical or digital.
    pub kind: Given<Kind>,
    /// Whether it is in the store.
    pub status: Given<Status>,
    /// How it is taxed.
    pub tax_category: Given<TaxCategory>,
    /// Where it is listed.
    pub categories: Given<Vec<Slug>>,
    /// Where it may be listed, if there is such a category: Shopify's types are free text.
    pub category_hint: Option<Slug>,
}

/// What a file says of a variant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedVariant {
    /// Its row.
    pub row: u32,
    /// Its stock keeping unit.
    pub sku: Sku,
    /// The chosen values, in the order of the options.
    pub values: Vec<String>,
    /// What one costs; `Empty` where it is not sold in the currency.
    pub prices: BTreeMap<Currency, Given<i64>>,
    /// What one costs for the time being, where that is less.
    pub reduced: BTreeMap<Currency, i64>,
    /// Weight of one in grams.
    pub weight_grams: Given<u32>,
    /// Units one cart line may hold.
    pub quantity_max: Given<u32>,
}

/// What the shop knows that a file refers to.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// Its categories.
    pub categories: &'a BTreeSet<Slug>,
    /// Whose SKUs are taken by which product.
    pub owners: &'a BTreeMap<Sku, ProductId>,
    /// When it is.
    pub now: Timestamp,
}

/// One row, before it has found its siblings.
struct Line {
    row: u32,
    slug: Slug,
    about: About,
    options: Option<Vec<String>>,
    variant: WantedVariant,
    labels: Arc<BTreeMap<String, String>>,
}

fn meaning(label: &str) -> Meaning {
    let name = label.trim().to_lowercase().replace([' ', '-'], "_");
    let is_ours = COLUMNS.contains(&name.as_str()) || VARIANT_COLUMNS.contains(&name.as_str());
    let price = name.strip_prefix(PRICE).and_then(|code| Currency::parse(&code.to_uppercase()));
    match price {
        Some(currency) => Meaning::Column(format!("{PRICE}{currency}")),
        None if is_ours => Meaning::Column(name),
        None => Meaning::Unknown,
    }
}

/// Reads a file of products.
pub(super) fn read(bytes: &[u8], reading: Reading) -> Result<Sheet, Vec<Flaw>> {
    let is_shopify = reading.format == Format::Shopify;
    let theirs = |label: &str| shopify::meaning(reading.kind, label);
    let layout = Layout {
        format: reading.format,
        meaning: if is_shopify { &theirs } else { &meaning },
        required: if is_shopify { &["handle"] } else { &["handle", "sku"] },
        is_personal: false,
    };
    let mut flaws = Vec::new();
    let mut groups = Groups::default();
    let mut labels = Labels::default();
    let outline = table::rows(bytes, &layout, |row| {
        let labels = labels.of(&row);
        let row_number = row.number;
        let mut cells = Cells::new(&row, &mut flaws);
        let slug = cells.required("handle", cells::slug);
        if is_shopify && is_picture(&cells) && slug.is_some() {
            return;
        }
        let line = match (&slug, is_shopify) {
            (Some(slug), true) => shopify_line(&mut cells, slug, reading.currency, row_number),
            (Some(slug), false) => our_line(&mut cells, slug, row_number),
            (None, _) => None,
        };
        let line = line.filter(|_| cells.is_good());
        match (line, slug) {
            (Some(line), _) => groups.add(Line { labels, ..line }, is_shopify, &mut flaws),
            (None, Some(slug)) => groups.spoil(&slug, row_number),
            (None, None) => {}
        }
    })?;
    flaws.extend(outline.flaws);
    let entries = groups.finish(&mut flaws);
    Ok(Sheet { entries, flaws, rows: outline.rows, ignored: outline.ignored })
}

/// The names of a file's columns; files of CSV share one list.
#[derive(Default)]
struct Labels {
    last: Option<Arc<BTreeMap<String, String>>>,
}

impl Labels {
    fn of(&mut self, row: &Row) -> Arc<BTreeMap<String, String>> {
        if let Some(last) = &self.last
            && last.len() == row.cells.len()
            && row.cells.iter().all(|cell| last.contains_key(&*cell.column))
        {
            return Arc::clone(last);
        }
        let pair = |cell: &table::Cell| (cell.column.to_string(), cell.label.to_string());
        let labels: Arc<BTreeMap<_, _>> = Arc::new(row.cells.iter().map(pair).collect());
        self.last = Some(Arc::clone(&labels));
        labels
    }
}

/// Whether a row of Shopify's only adds a picture.
fn is_picture(cells: &Cells<'_>) -> bool {
    ["sku", "price", "option1_value", "title"]
        .iter()
        .all(|column| cells.text(column).is_none_or(|text| text.trim().is_empty()))
}

fn our_line(cells: &mut Cells<'_>, slug: &Slug, row: u32) -> Option<Line> {
    let about = About {
        title: cells.given("title", cells::line(TITLE_CHARS_MAX)),
        description: cells.given("description", cells::lines(DESCRIPTION_CHARS_MAX)),
        kind: cells.given("kind", cells::one_of(KINDS)),
        status: cells.given("status", cells::one_of(STATUSES)),
        tax_category: cells.given("tax_category", |text| {
            let wrong = ("malformed", "This must be a tax category, like standard.".into());
            TaxCategory::parse(text.trim()).ok_or(wrong)
        }),
        categories: cells.given("categories", cells::slugs(CATEGORIES_OF_ONE_MAX)),
        category_hint: None,
    };
    let (options, values) = choices(cells);
    let sku = cells.required("sku", cells::sku);
    let mut prices = BTreeMap::new();
    for column in cells.columns(PRICE) {
        let Some(currency) = column.strip_prefix(PRICE).and_then(Currency::parse) else { continue };
        prices.insert(currency, cells.amount(column, currency));
    }
    let weight_grams = cells.given("weight_grams", cells::grams);
    let most = cells.given("quantity_max", cells::whole(1, i64::from(QUANTITY_MAX)));
    let variant = WantedVariant {
        row,
        sku: sku?,
        values,
        prices,
        reduced: BTreeMap::new(),
        weight_grams,
        quantity_max: units(most),
    };
    let (slug, labels) = (slug.clone(), Arc::default());
    Some(Line { row, slug, about, options, variant, labels })
}

fn units(given: Given<i64>) -> Given<u32> {
    match given {
        Given::Absent => Given::Absent,
        Given::Empty => Given::Empty,
        Given::Is(number) => Given::Is(u32::try_from(number).unwrap_or(QUANTITY_MAX)),
    }
}

fn shopify_line(cells: &mut Cells<'_>, slug: &Slug, currency: Currency, row: u32) -> Option<Line> {
    let text = cells::lines(DESCRIPTION_CHARS_MAX);
    let description = cells.given("description", |html| text(&html::plain(html)));
    let status = cells.given("status", cells::one_of(STATUSES));
    let is_published = cells.given("published", cells::yes_or_no);
    let status = match (status, is_published) {
        // What is not shown there is not shown here.
        (Given::Is(Status::Active) | Given::Absent | Given::Empty, Given::Is(false)) => {
            Given::Is(Status::Draft)
        }
        (Given::Absent | Given::Empty, Given::Is(true)) => Given::Is(Status::Active),
        (status, _) => status,
    };
    let kind = match cells.given("requires_shipping", cells::yes_or_no) {
        Given::Is(true) => Given::Is(Kind::Physical),
        Given::Is(false) => Given::Is(Kind::Digital),
        Given::Absent | Given::Empty => Given::Absent,
    };
    if cells.given("gift_card", cells::yes_or_no) == Given::Is(true) {
        cells.flaw("gift_card", "not_allowed", "Gift cards are no products here.");
    }
    let hint = cells.text("category").map(shopify::category_text);
    let about = About {
        title: cells.given("title", cells::line(TITLE_CHARS_MAX)),
        description,
        kind,
        status,
        tax_category: Given::Absent,
        categories: Given::Absent,
        category_hint: hint.as_deref().and_then(Slug::parse),
    };
    let (options, values) = choices(cells);
    let sku = match cells.text("sku").map(str::trim) {
        Some(theirs) if !theirs.is_empty() => {
            cells.required("sku", |theirs| cells::sku(&shopify::sku_text(theirs)))
        }
        Some(_) | None => {
            let made = shopify::sku_for(slug, values.iter().map(String::as_str));
            let sku = Sku::parse(&made);
            if sku.is_none() {
                cells.flaw("sku", "required", "There is no SKU, and none could be made.");
            }
            sku
        }
    };
    let column = shopify::price_column(currency);
    let price = cells.amount(column, currency);
    let compare_at = cells.amount("compare_at", currency).value();
    let (mut prices, mut reduced) = (BTreeMap::new(), BTreeMap::new());
    if let Given::Is(price) = price {
        let (base, less) = shopify::pricing(price, compare_at);
        prices.insert(currency, Given::Is(base));
        reduced.extend(less.map(|less| (currency, less)));
    }
    let weight_grams = cells.given("weight_grams", cells::grams);
    let quantity_max = Given::Absent;
    let sku = sku?;
    let variant = WantedVariant { row, sku, values, prices, reduced, weight_grams, quantity_max };
    let (slug, labels) = (slug.clone(), Arc::default());
    Some(Line { row, slug, about, options, variant, labels })
}

/// The options that a row names, and the values that it chooses. Rows behind the first of a
/// product may leave the names to it.
fn choices(cells: &mut Cells<'_>) -> (Option<Vec<String>>, Vec<String>) {
    let is_told = !cells.columns("option").is_empty();
    let (mut names, mut values) = (Vec::new(), Vec::new());
    let mut has_ended = false;
    for number in 1..=OPTIONS_MAX {
        let (name_at, value_at) = (format!("option{number}_name"), format!("option{number}_value"));
        let name = cells.given(&name_at, cells::line(NAME_CHARS_MAX)).value();
        let value = cells.given(&value_at, cells::line(NAME_CHARS_MAX)).value();
        let is_default = number == 1 && value.as_deref() == Some(DEFAULT_TITLE);
        match (name, value) {
            _ if is_default => has_ended = true,
            (Some(_), None) => {
                cells.flaw(&value_at, "required", "The option is named and nothing is chosen.");
            }
            (_, Some(_)) if has_ended => {
                cells.flaw(&value_at, "option_gap", "The option before this one is empty.");
            }
            (name, Some(value)) => {
                names.push(name.unwrap_or_default());
                values.push(value);
            }
            (None, None) => has_ended = true,
        }
    }
    (is_told.then_some(names), values)
}

/// Rows on their way to products.
#[derive(Default)]
struct Groups {
    order: Vec<Group>,
    by_slug: HashMap<Slug, usize>,
    by_sku: HashMap<Sku, u32>,
}

struct Group {
    rows: Vec<u32>,
    wanted: Option<Wanted>,
    spoiled_by: Option<u32>,
    first_row: u32,
}

impl Groups {
    fn group(&mut self, slug: &Slug, row: u32) -> Option<&mut Group> {
        let next = self.order.len();
        let at = *self.by_slug.entry(slug.clone()).or_insert(next);
        if at == next {
            let group = Group { rows: Vec::new(), wanted: None, spoiled_by: None, first_row: row };
            self.order.push(group);
        }
        self.order.get_mut(at)
    }

    /// A row of the product has a flaw.
    fn spoil(&mut self, slug: &Slug, row: u32) {
        if let Some(group) = self.group(slug, row) {
            group.spoiled_by = group.spoiled_by.or(Some(row));
        }
    }

    fn add(&mut self, line: Line, is_shopify: bool, flaws: &mut Vec<Flaw>) {
        let (row, slug) = (line.row, line.slug.clone());
        let before = flaws.len();
        let labels = Arc::clone(&line.labels);
        let mut flaw = |column: &str, code, detail: String| {
            let label = labels.get(column).map_or(column, String::as_str);
            flaws.push(Flaw::of_cell(row, label, code, detail));
        };
        if let Some(first) = self.by_sku.get(&line.variant.sku) {
            flaw("sku", "duplicate", format!("Row {first} has the same SKU."));
        } else {
            self.by_sku.insert(line.variant.sku.clone(), row);
        }
        let Some(group) = self.group(&slug, row) else { return };
        match &mut group.wanted {
            // Its first row, which names title and options, can not be compared with.
            None if group.spoiled_by.is_some() => {}
            None => {
                let Line { slug, about, options, variant, labels, .. } = line;
                let names =
                    options.as_ref().is_some_and(|names| names.iter().any(String::is_empty));
                if names {
                    let detail = "The first row of a product names its options.";
                    flaw("option1_name", "required", detail.to_owned());
                }
                let variants = vec![variant];
                group.wanted = Some(Wanted { slug, about, options, variants, labels });
            }
            Some(wanted) => {
                for (column, is_same) in wanted.about.agrees(&line.about, is_shopify) {
                    if !is_same {
                        let first = group.first_row;
                        flaw(column, "differs", format!("Row {first} says something else."));
                    }
                }
                let names = line.options.unwrap_or_default();
                let known = wanted.options.clone().unwrap_or_default();
                let is_same = names.len() == known.len()
                    && names
                        .iter()
                        .zip(&known)
                        .all(|(name, known)| name.is_empty() || name == known);
                if !is_same {
                    let first = group.first_row;
                    flaw("option1_name", "differs", format!("Row {first} has other options."));
                }
                let values = &line.variant.values;
                if let Some(same) = wanted.variants.iter().find(|one| one.values == *values) {
                    let detail = format!("Row {} is a variant of the same choices.", same.row);
                    flaw("option1_value", "duplicate_variant", detail);
                }
                wanted.variants.push(line.variant);
                if wanted.variants.len() == VARIANTS_MAX + 1 {
                    let detail = format!("A product has at most {VARIANTS_MAX} variants.");
                    flaw("sku", "too_many_variants", detail);
                }
            }
        }
        if flaws.len() == before {
            group.rows.push(row);
        } else {
            group.spoiled_by = group.spoiled_by.or(Some(row));
        }
    }

    fn finish(self, flaws: &mut Vec<Flaw>) -> Vec<Entry> {
        let mut entries = Vec::new();
        for Group { rows, wanted, spoiled_by, .. } in self.order {
            match (wanted, spoiled_by) {
                (Some(wanted), None) => {
                    entries.push(Entry { rows, unit: Unit::Product(Box::new(wanted)) });
                }
                (_, Some(flawed)) => flaws.extend(rows.into_iter().map(|row| {
                    let detail = format!("Row {flawed} of the same product has a flaw.");
                    Flaw::of_row(row, "sibling_flawed", detail)
                })),
                (None, None) => {}
            }
        }
        entries
    }
}

impl About {
    /// Whether a later row says the same or nothing, column by column. In Shopify's files, what
    /// is the product's may differ by variant.
    fn agrees(&self, other: &Self, is_shopify: bool) -> Vec<(&'static str, bool)> {
        fn same<T: PartialEq>(first: &Given<T>, later: &Given<T>) -> bool {
            !matches!(later, Given::Is(_)) || first == later
        }
        if is_shopify {
            return vec![("title", same(&self.title, &other.title))];
        }
        vec![
            ("title", same(&self.title, &other.title)),
            ("description", same(&self.description, &other.description)),
            ("kind", same(&self.kind, &other.kind)),
            ("status", same(&self.status, &other.status)),
            ("tax_category", same(&self.tax_category, &other.tax_category)),
            ("categories", same(&self.categories, &other.categories)),
        ]
    }
}

impl Wanted {
    fn flaw(
        &self,
        row: u32,
        column: &str,
        code: &'static str,
        detail: impl Into<std::borrow::Cow<'static, str>>,
    ) -> Flaw {
        let label = self.labels.get(column).map_or(column, String::as_str);
        Flaw::of_cell(row, label, code, detail)
    }

    fn first_row(&self) -> u32 {
        self.variants.first().map_or(0, |variant| variant.row)
    }

    /// What becomes of the product, and why it does not. `id` makes new ids.
    pub fn plan(
        &self,
        before: Option<&Product>,
        facts: Facts<'_>,
        id: &mut dyn FnMut() -> Ulid,
    ) -> Plan<Product> {
        let mut flaws = Vec::new();
        let mut after = match before {
            Some(before) => before.clone(),
            None => self.blank(ProductId::from_ulid(id()), facts.now),
        };
        self.tell(&mut after, before.is_none(), facts, &mut flaws);
        self.choose(&mut after, &mut flaws);
        for wanted in &self.variants {
            self.put(&mut after, wanted, facts, id, &mut flaws);
        }
        if flaws.is_empty() {
            after = self.settle(after, facts, &mut flaws);
        }
        if !flaws.is_empty() {
            return Plan::Refused(flaws);
        }
        match before {
            None => Plan::Create(after),
            Some(before) => {
                let changed = changes(before, &after);
                if changed.is_empty() { Plan::Unchanged } else { Plan::Update(after, changed) }
            }
        }
    }

    fn blank(&self, id: ProductId, now: Timestamp) -> Product {
        Product {
            id,
            slug: self.slug.clone(),
            title: String::new(),
            description: String::new(),
            kind: Kind::Physical,
            status: Status::Draft,
            publish_at: None,
            published_at: None,
            tax_category: TaxCategory::STANDARD,
            categories: Vec::new(),
            collections: Vec::new(),
            attributes: BTreeMap::new(),
            translations: BTreeMap::new(),
            options: Vec::new(),
            variants: Vec::new(),
            images: Vec::new(),
            created_at: now,
            version: 0,
        }
    }

    /// What the file says of the product as a whole.
    fn tell(&self, after: &mut Product, is_new: bool, facts: Facts<'_>, flaws: &mut Vec<Flaw>) {
        let (about, row) = (self.about.clone(), self.first_row());
        if is_new && !matches!(about.title, Given::Is(_)) {
            flaws.push(self.flaw(row, "title", "required", "A new product needs a title."));
        }
        after.title = about.title.or_keep(std::mem::take(&mut after.title));
        let description = std::mem::take(&mut after.description);
        after.description = about.description.or_keep(description);
        let is_digital = after.kind == Kind::Digital;
        let kind = about.kind.or_keep(after.kind);
        if !is_new && (kind == Kind::Digital) != is_digital {
            let detail = "What is shipped does not become a download, or the other way round.";
            flaws.push(self.flaw(row, "kind", "kind_fixed", detail));
        }
        after.kind = kind;
        after.tax_category = about.tax_category.or_keep(after.tax_category.clone());
        match about.categories {
            Given::Absent => {}
            Given::Empty => after.categories.clear(),
            Given::Is(categories) => {
                let is_new = |slug: &&Slug| !after.categories.contains(slug);
                if categories.iter().filter(is_new).any(|slug| !facts.categories.contains(slug)) {
                    let detail = "One of these is no category of the shop.";
                    flaws.push(self.flaw(row, "categories", "unknown_category", detail));
                }
                after.categories = categories;
            }
        }
        let hint = about.category_hint.filter(|slug| facts.categories.contains(slug));
        if let Some(hint) = hint
            && !after.categories.contains(&hint)
            && after.categories.len() < CATEGORIES_OF_ONE_MAX
        {
            after.categories.push(hint);
        }
    }

    /// Its options, with the values that the file adds.
    fn choose(&self, after: &mut Product, flaws: &mut Vec<Flaw>) {
        let Some(names) = &self.options else { return };
        let row = self.first_row();
        let known: Vec<&String> = after.options.iter().map(|option| &option.name).collect();
        let is_same = names.iter().collect::<BTreeSet<_>>() == known.into_iter().collect();
        let is_whole = after
            .variants
            .iter()
            .all(|variant| self.variants.iter().any(|wanted| wanted.sku == variant.sku));
        if !is_same && !is_whole {
            let detail = "The product has other options, and variants that the file does not name.";
            flaws.push(self.flaw(row, "option1_name", "options_differ", detail));
            return;
        }
        let old = std::mem::take(&mut after.options);
        for (at, name) in names.iter().enumerate() {
            let known = old.iter().find(|option| option.name == *name);
            let mut values = known.map(|option| option.values.clone()).unwrap_or_default();
            for value in self.variants.iter().filter_map(|variant| variant.values.get(at)) {
                if !values.contains(value) {
                    values.push(value.clone());
                }
            }
            after.options.push(ProductOption { name: name.clone(), values });
        }
        // The shop's own order stays where both name the same.
        if is_same {
            let place = |option: &ProductOption| old.iter().position(|o| o.name == option.name);
            after.options.sort_by_key(place);
        }
        if let Err(refusal) = matrix::check(&after.options) {
            let detail = "The product's options can not be as the file wants them.";
            flaws.push(self.flaw(row, "option1_name", refusal.code(), detail));
        }
    }

    /// One variant, in the place of the one with its SKU or behind the others.
    fn put(
        &self,
        after: &mut Product,
        wanted: &WantedVariant,
        facts: Facts<'_>,
        id: &mut dyn FnMut() -> Ulid,
        flaws: &mut Vec<Flaw>,
    ) {
        let row = wanted.row;
        if facts.owners.get(&wanted.sku).is_some_and(|owner| *owner != after.id) {
            let detail = "Another product has this SKU.";
            flaws.push(self.flaw(row, "sku", "sku_taken", detail));
            return;
        }
        let known = after.variants.iter().find(|variant| variant.sku == wanted.sku).cloned();
        let is_new = known.is_none();
        let mut variant =
            known.unwrap_or_else(|| blank(VariantId::from_ulid(id()), wanted, after.kind));
        if let Some(names) = &self.options {
            let values = wanted.values.iter().cloned();
            variant.options = names.iter().cloned().zip(values).collect();
        } else if is_new && !after.options.is_empty() {
            let detail = "A new variant needs a value of each of the product's options.";
            flaws.push(self.flaw(row, "option1_value", "required", detail));
        }
        for (currency, price) in &wanted.prices {
            match price {
                Given::Absent => {}
                Given::Empty => {
                    variant.prices.remove(currency);
                    variant.sales.retain(|sale| sale.currency != *currency);
                }
                Given::Is(amount) => {
                    variant.prices.insert(*currency, *amount);
                }
            }
        }
        for (currency, amount) in &wanted.reduced {
            reduce(&mut variant.sales, *currency, *amount, facts.now);
        }
        variant.weight_grams = match after.kind {
            Kind::Physical => wanted.weight_grams.or_keep(variant.weight_grams),
            Kind::Digital => 0,
        };
        variant.quantity_max = wanted.quantity_max.or_keep(variant.quantity_max);
        match after.variants.iter_mut().find(|other| other.id == variant.id) {
            Some(place) => *place = variant,
            None => after.variants.push(variant),
        }
    }

    /// What can only be told when all variants are in their places.
    fn settle(&self, mut after: Product, facts: Facts<'_>, flaws: &mut Vec<Flaw>) -> Product {
        let row = self.first_row();
        if after.variants.len() > VARIANTS_MAX {
            let detail = format!("A product has at most {VARIANTS_MAX} variants.");
            flaws.push(self.flaw(row, "sku", "too_many_variants", detail));
        }
        for wanted in &self.variants {
            let choices = after.variants.iter().find(|variant| variant.sku == wanted.sku);
            let choices = choices.map(|variant| &variant.options);
            let is_taken = after
                .variants
                .iter()
                .any(|other| other.sku != wanted.sku && Some(&other.options) == choices);
            if is_taken {
                let detail = "Another variant of the product has the same choices.";
                flaws.push(self.flaw(wanted.row, "option1_value", "duplicate_variant", detail));
            }
        }
        for variant in &mut after.variants {
            let title = matrix::title(&after.options, &variant.options);
            variant.title = title.unwrap_or_else(|| after.title.clone());
        }
        match self.about.status {
            Given::Is(status) if status != after.status => {
                match after.clone().become_status(status, facts.now) {
                    Ok(moved) => after = moved,
                    Err(refusal) => {
                        let detail = "The product can not get this status.";
                        flaws.push(self.flaw(row, "status", refusal.code(), detail));
                    }
                }
            }
            Given::Is(_) | Given::Absent | Given::Empty => {}
        }
        after
    }
}

fn blank(id: VariantId, wanted: &WantedVariant, kind: Kind) -> Variant {
    Variant {
        id,
        sku: wanted.sku.clone(),
        title: String::new(),
        options: BTreeMap::new(),
        prices: Prices::new(),
        sales: Vec::new(),
        // Nothing of what is shipped can be bought before it was counted.
        available: if kind == Kind::Digital { QUANTITY_MAX } else { 0 },
        weight_grams: 0,
        volume_mm3: 0,
        shipping_profile: ProfileId::default(),
        quantity_max: QUANTITY_MAX,
        download: None,
        has_keys: false,
    }
}

/// A reduced price from now on, until it is taken away. One that runs already goes on.
fn reduce(sales: &mut Vec<Sale>, currency: Currency, amount: i64, now: Timestamp) {
    let runs = |sale: &Sale| sale.currency == currency && sale.runs(now);
    if sales.iter().any(|sale| runs(sale) && sale.amount == amount) {
        return;
    }
    sales.retain(|sale| !runs(sale));
    sales.push(Sale { currency, amount, from: now, until: None, lowest_30d: None });
}

/// What a product says of itself, as cells.
fn shown_about(product: &Product) -> Shown {
    let kind = KINDS.iter().find(|(_, kind)| *kind == product.kind).map_or("", |(name, _)| name);
    let categories: Vec<&str> = product.categories.iter().map(Slug::as_str).collect();
    let cells = [
        ("handle", product.slug.to_string()),
        ("title", product.title.clone()),
        ("description", product.description.clone()),
        ("kind", kind.to_owned()),
        ("status", product.status.code().to_owned()),
        ("tax_category", product.tax_category.as_str().to_owned()),
        ("categories", categories.join("|")),
    ];
    cells.into_iter().map(|(column, text)| (column.to_owned(), text)).collect()
}

/// What a variant says of itself, as cells.
fn shown_variant(product: &Product, variant: &Variant) -> Shown {
    let mut cells = Shown::from([
        ("sku".to_owned(), variant.sku.to_string()),
        ("weight_grams".to_owned(), variant.weight_grams.to_string()),
        ("quantity_max".to_owned(), variant.quantity_max.to_string()),
    ]);
    for number in 1..=OPTIONS_MAX {
        let option = product.options.get(number - 1);
        let value = option.and_then(|option| variant.options.get(&option.name));
        let name = value.and(option).map(|option| option.name.clone());
        cells.insert(format!("option{number}_name"), name.unwrap_or_default());
        cells.insert(format!("option{number}_value"), value.cloned().unwrap_or_default());
    }
    for (currency, amount) in &variant.prices {
        cells.insert(format!("{PRICE}{currency}"), cells::decimal(*amount, *currency));
    }
    cells
}

/// The rows of a product as they are written.
pub fn shown(product: &Product) -> Vec<Shown> {
    let about = shown_about(product);
    let row = |variant| {
        let mut row = about.clone();
        row.extend(shown_variant(product, variant));
        row
    };
    product.variants.iter().map(row).collect()
}

/// The columns of these rows, in the order in which they are written.
pub fn columns<'a>(rows: impl IntoIterator<Item = &'a Shown>) -> Vec<String> {
    let is_price = |column: &&String| column.starts_with(PRICE);
    let prices: BTreeSet<String> =
        rows.into_iter().flat_map(|row| row.keys().filter(is_price).cloned()).collect();
    let [sku, rest @ ..] = VARIANT_COLUMNS;
    let ours = COLUMNS.iter().chain([&sku]).map(|column| (*column).to_owned());
    ours.chain(prices).chain(rest.map(str::to_owned)).collect()
}

/// What differs between two forms of a product.
pub fn changes(before: &Product, after: &Product) -> Vec<Difference> {
    let mut all = differences(None, &shown_about(before), &shown_about(after));
    for variant in &after.variants {
        let old = before.variants.iter().find(|old| old.id == variant.id);
        let old_cells = old.map(|old| shown_variant(before, old)).unwrap_or_default();
        let mut new_cells = shown_variant(after, variant);
        // Which reduced price runs is told like the base price.
        let reduced = |variant: &Variant| {
            let sale = |sale: &Sale| {
                let from = sale.from;
                let column = format!("sale_{}_{from}", sale.currency);
                (column, cells::decimal(sale.amount, sale.currency))
            };
            variant.sales.iter().map(sale).collect::<Shown>()
        };
        let mut old_cells = old_cells;
        old_cells.extend(old.map(reduced).unwrap_or_default());
        new_cells.extend(reduced(variant));
        all.extend(differences(Some(variant.sku.as_str()), &old_cells, &new_cells));
    }
    all
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::exchange::{self, write};

    const NOW: i64 = 1_790_000_000;

    fn now() -> Timestamp {
        Timestamp::from_second(NOW).unwrap()
    }

    fn read(text: &str, format: Format) -> Sheet {
        let kind = exchange::Kind::Products;
        let reading = Reading { kind, format, currency: Currency::EUR };
        exchange::read(text.as_bytes(), reading).unwrap()
    }

    fn flaws(sheet: &Sheet) -> Vec<(u32, &str, &str)> {
        sheet.flaws.iter().map(|f| (f.row, f.column.as_deref().unwrap_or("-"), &*f.code)).collect()
    }

    fn wanted(sheet: &Sheet, at: usize) -> &Wanted {
        match &sheet.entries[at].unit {
            Unit::Product(wanted) => wanted,
            other => unreachable!("{other:?}"),
        }
    }

    /// Plans against a shop with the category `mugs` and these owners of SKUs.
    fn plan(
        wanted: &Wanted,
        before: Option<&Product>,
        owners: &[(&str, ProductId)],
    ) -> Plan<Product> {
        let categories = BTreeSet::from([Slug::parse("mugs").unwrap()]);
        let owners = owners.iter().map(|(sku, id)| (Sku::parse(sku).unwrap(), *id)).collect();
        let facts = Facts { categories: &categories, owners: &owners, now: now() };
        let mut next = 0;
        let mut id = || {
            next += 1;
            Ulid::from_parts(7, next)
        };
        wanted.plan(before, facts, &mut id)
    }

    fn created(plan: Plan<Product>) -> Product {
        match plan {
            Plan::Create(product) => product,
            other => panic!("{other:?}"),
        }
    }

    const TEES: &str = "handle,title,description,categories,status,option1_name,option1_value,sku,\
        price_EUR,price_JPY,weight_grams,quantity_max\n\
        tee,Tee,\"Soft,\nand warm.\",mugs,active,Size,S,TEE-S,19.99,,200,5\n\
        tee,,,,,,M,TEE-M,21,2500,210.5,\n\
        mug,Mug,,,,,,MUG-1,8.00,900,300,\n";

    #[test]
    fn rows_of_one_handle_are_one_product_with_its_variants() {
        let sheet = read(TEES, Format::Csv);
        assert_eq!(flaws(&sheet), []);
        assert_eq!((sheet.rows, sheet.entries.len()), (3, 2));
        assert_eq!(sheet.entries[0].rows, [2, 3]);
        let tee = created(plan(wanted(&sheet, 0), None, &[]));
        assert_eq!((tee.title.as_str(), tee.status), ("Tee", Status::Active));
        assert_eq!(tee.description, "Soft,\nand warm.");
        assert_eq!(tee.options[0].values, ["S", "M"]);
        let [small, middle] = &tee.variants[..] else { panic!("two") };
        assert_eq!((small.title.as_str(), small.quantity_max), ("S", 5));
        assert_eq!(small.prices, Prices::from([(Currency::EUR, 1999)]));
        assert_eq!(middle.prices, Prices::from([(Currency::EUR, 2100), (Currency::JPY, 2500)]));
        assert_eq!((middle.weight_grams, middle.quantity_max), (211, QUANTITY_MAX));
        let mug = created(plan(wanted(&sheet, 1), None, &[]));
        assert_eq!((mug.status, mug.variants[0].title.as_str()), (Status::Draft, "Mug"));
    }

    #[test]
    fn every_flaw_of_every_row_is_named_and_siblings_go_with_them() {
        let text = "handle,title,kind,option1_name,option1_value,sku,price_EUR,quantity_max\n\
            tee,Tee,physical,Size,S,TEE-S,19.999,0\n\
            tee,,,,M,TEE-M,20,1\n\
            Mug!,,liquid,,,mug,free,\n\
            cup,Cup,,,,CUP-1,5,1\n\
            cap,Cap,,Size,,CAP-1,5,1\n\
            cup,Other,,,,CUP-1,5,1\n\
            hat,Hat,,Size,S,HAT-1,5,1\n\
            hat,,,,S,HAT-2,5,1\n";
        let sheet = read(text, Format::Csv);
        assert_eq!(
            flaws(&sheet),
            [
                (2, "price_EUR", "too_precise"),
                (2, "quantity_max", "out_of_range"),
                (3, "-", "sibling_flawed"),
                (4, "handle", "malformed"),
                (5, "-", "sibling_flawed"),
                (6, "option1_value", "required"),
                (7, "sku", "duplicate"),
                (7, "title", "differs"),
                (7, "option1_value", "duplicate_variant"),
                (8, "-", "sibling_flawed"),
                (9, "option1_value", "duplicate_variant"),
            ]
        );
        assert_eq!(sheet.entries.len(), 0);
    }

    #[test]
    fn what_the_shop_knows_better_is_named_by_row_and_column() {
        let text = "Handle,Title,Categories,Option1 Name,Option1 Value,SKU,Price EUR\n\
            tee,,shirts,Size,S,TEE-S,5\ntee,,,,M,TEE-M,5\n";
        let sheet = read(text, Format::Csv);
        let other = ProductId::from_ulid(Ulid::from_parts(9, 9));
        let Plan::Refused(flaws) = plan(wanted(&sheet, 0), None, &[("TEE-M", other)]) else {
            panic!("refused");
        };
        let named: Vec<_> = flaws
            .iter()
            .map(|flaw| (flaw.row, flaw.column.as_deref().unwrap(), &*flaw.code))
            .collect();
        assert_eq!(
            named,
            [
                (2, "Title", "required"),
                (2, "Categories", "unknown_category"),
                (3, "SKU", "sku_taken"),
            ]
        );
    }

    #[test]
    fn what_has_no_column_stays_and_what_is_not_named_stays_too() {
        let before = created(plan(wanted(&read(TEES, Format::Csv), 0), None, &[]));
        let owners = [("TEE-S", before.id), ("TEE-M", before.id)];
        let sheet = read("handle,sku,price_EUR\ntee,TEE-M,22.50\n", Format::Csv);
        let Plan::Update(after, changes) = plan(wanted(&sheet, 0), Some(&before), &owners) else {
            panic!("updated");
        };
        assert_eq!(after.variants.len(), 2);
        assert_eq!(after.variants[0], before.variants[0]);
        assert_eq!(after.description, before.description);
        let change = Difference {
            sku: Some("TEE-M".into()),
            field: "price_EUR".into(),
            before: Some("21.00".into()),
            after: Some("22.50".into()),
        };
        assert_eq!(changes, [change]);
        let gone = read("handle,sku,price_EUR,categories\ntee,TEE-M,,\n", Format::Csv);
        let Plan::Update(after, _) = plan(wanted(&gone, 0), Some(&before), &owners) else {
            panic!("updated");
        };
        assert_eq!(after.variants[1].prices, Prices::from([(Currency::JPY, 2500)]));
        assert!(after.categories.is_empty());
    }

    #[test]
    fn new_variants_come_behind_the_old_ones_and_options_do_not_change_under_them() {
        let before = created(plan(wanted(&read(TEES, Format::Csv), 0), None, &[]));
        let owners = [("TEE-S", before.id), ("TEE-M", before.id)];
        let more = "handle,option1_name,option1_value,sku,price_EUR\ntee,Size,L,TEE-L,23\n";
        let sheet = read(more, Format::Csv);
        let Plan::Update(after, _) = plan(wanted(&sheet, 0), Some(&before), &owners) else {
            panic!("updated");
        };
        assert_eq!(after.options[0].values, ["S", "M", "L"]);
        assert_eq!(after.variants[2].title, "L");
        for (text, code) in [
            ("handle,option1_name,option1_value,sku\ntee,Colour,Red,TEE-R\n", "options_differ"),
            ("handle,option1_name,option1_value,sku\ntee,Size,S,TEE-X\n", "duplicate_variant"),
            ("handle,sku\ntee,TEE-Y\n", "required"),
            ("handle,sku,kind\ntee,TEE-S,digital\n", "kind_fixed"),
        ] {
            let sheet = read(text, Format::Csv);
            let Plan::Refused(flaws) = plan(wanted(&sheet, 0), Some(&before), &owners) else {
                panic!("{text}");
            };
            assert!(flaws.iter().any(|flaw| flaw.code == code), "{text}: {flaws:?}");
        }
    }

    /// As Shopify's own sample, in its older spelling, with what people do to such files.
    const SHOPIFY: &str = "\u{feff}Handle,Title,Body (HTML),Vendor,Product Category,Type,Tags,\
        Published,\
        Option1 Name,Option1 Value,Option2 Name,Option2 Value,Option3 Name,Option3 Value,\
        Variant SKU,\
        Variant Grams,Variant Inventory Tracker,Variant Inventory Qty,Variant Inventory Policy,\
        Variant Fulfillment Service,Variant Price,Variant Compare At Price,\
        Variant Requires Shipping,\
        Variant Taxable,Variant Barcode,Image Src,Image Position,Image Alt Text,Gift Card,\
        SEO Title,\
        SEO Description,Google Shopping / MPN,Variant Weight Unit,Cost per item,Status\r\n\
        example-t-shirt,Example T-Shirt,\"<p>Soft &amp; <b>warm</b></p><script>x()</script>\",Acme,\
        Apparel & Accessories > Clothing,Mugs,\"a, b\",true,Title,\
        Lithograph - Height: 9\"\" x 12\"\",\
        ,,,,,3629,,1,deny,manual,25.00,,true,true,,https://example.com/a.jpg,1,,false,Our,Great,\
        1,g,,active\r\n\
        example-t-shirt,,,,,,,,,Small,,,,,example-shirt_s,200,,8,deny,manual,19.99,24.99,true,\
        true,,,,,,,,,lb,,\r\n\
        example-t-shirt,,,,,,,,,,,,,,,,,,,,,,,,,https://example.com/b.jpg,2,,,,,,,,\r\n\
        hidden,Hidden,,,,,,false,Title,Default Title,,,,,HID-1,0,,,,,5,,false,true,,,,,,,,,,,\
        active\r\n";

    #[test]
    fn shopifys_products_come_as_they_are() {
        // The quotes of a size stand in a cell that begins with none: strict readers say so.
        let strict = SHOPIFY.replace("Lithograph - Height: 9\"\" x 12\"\"", "Large");
        let sheet = read(&strict, Format::Shopify);
        assert_eq!(flaws(&sheet), []);
        assert!(sheet.ignored.contains(&"Vendor".to_owned()));
        assert_eq!(sheet.entries[0].rows, [2, 3]);
        let shirt = created(plan(wanted(&sheet, 0), None, &[]));
        assert_eq!(shirt.description, "Soft & warm");
        assert_eq!(shirt.status, Status::Active);
        assert_eq!(shirt.categories, [Slug::parse("mugs").unwrap()]);
        let skus: Vec<&str> = shirt.variants.iter().map(|one| one.sku.as_str()).collect();
        assert_eq!(skus, ["EXAMPLE-T-SHIRT-LARGE", "EXAMPLE-SHIRT-S"]);
        let small = &shirt.variants[1];
        assert_eq!(small.price(Currency::EUR, now()).unwrap().amount(), 1999);
        assert_eq!(small.prices, Prices::from([(Currency::EUR, 2499)]));
        let hidden = created(plan(wanted(&sheet, 1), None, &[]));
        assert_eq!((hidden.status, hidden.kind), (Status::Draft, Kind::Digital));
        assert!(hidden.options.is_empty() && hidden.variants[0].options.is_empty());
        // Once more: nothing changes, the reduced price included.
        let owners: Vec<_> = skus.iter().map(|sku| (*sku, shirt.id)).collect();
        assert_eq!(plan(wanted(&sheet, 0), Some(&shirt), &owners), Plan::Unchanged);
        let loose = read(SHOPIFY, Format::Shopify);
        assert_eq!(flaws(&loose)[0], (2, "-", "misplaced_quote"));
    }

    #[test]
    fn shopifys_newer_spelling_says_the_same() {
        let text = "Title,URL handle,Description,Vendor,Type,Tags,Published on online store,\
            Status,SKU,\
            Option1 name,Option1 value,Option1 Linked To,Price,Compare-at price,Inventory quantity,\
            Weight value (grams),Requires shipping,Product image URL\n\
            Mug,mug,<p>Blue</p>,Acme,Mugs,,TRUE,Active,MUG-1,,,,8.00,,3,300,TRUE,\n";
        let sheet = read(text, Format::Shopify);
        assert_eq!(flaws(&sheet), []);
        let mug = created(plan(wanted(&sheet, 0), None, &[]));
        assert_eq!((mug.description.as_str(), mug.variants[0].weight_grams), ("Blue", 300));
        assert_eq!(mug.status, Status::Active);
    }

    /// Any product that a file can say.
    fn product() -> impl Strategy<Value = Product> {
        // Nothing but what text may hold, and nothing that reading would trim.
        let title = "[-=+@'\"a-zA-Zäß€,; ]{0,20}".prop_map(|text| {
            let text = text.trim().to_owned();
            if text.is_empty() { "Tea".to_owned() } else { text }
        });
        let description = "[-=+@'\"a-z,;\n\t ]{0,60}".prop_map(|text| text.trim().to_owned());
        let value = "[-=+@'a-z0-9 ]{1,8}".prop_map(|text| {
            let text = text.trim().to_owned();
            if text.is_empty() { "x".to_owned() } else { text }
        });
        let variant = (value, 0_i64..1_000_000, prop::option::of(0_i64..1_000_000), 0_u32..5_000);
        let variants = prop::collection::vec(variant, 1..5);
        let status = prop::sample::select(Status::ALL.to_vec());
        (title, description, variants, status, any::<bool>()).prop_map(
            |(title, description, variants, status, has_options)| {
                let mut product = created(plan(
                    wanted(&read("handle,title,sku\ntea,Tea,TEA-0\n", Format::Csv), 0),
                    None,
                    &[],
                ));
                product.title = title;
                product.description = description;
                product.status = status;
                let draft = product.variants.remove(0);
                for (at, (value, eur, jpy, grams)) in variants.into_iter().enumerate() {
                    let value = format!("{value}{at}");
                    let mut one = draft.clone();
                    one.id = VariantId::from_ulid(Ulid::from_parts(8, at as u128));
                    one.sku = Sku::parse(&format!("TEA-{at}")).unwrap();
                    one.prices = Prices::from([(Currency::EUR, eur)]);
                    one.prices.extend(jpy.map(|jpy| (Currency::JPY, jpy)));
                    one.weight_grams = grams;
                    if has_options {
                        one.options = BTreeMap::from([("Kind".to_owned(), value.clone())]);
                        if product.options.is_empty() {
                            let name = "Kind".to_owned();
                            product.options.push(ProductOption { name, values: vec![] });
                        }
                        product.options[0].values.push(value);
                    }
                    if has_options || at == 0 {
                        product.variants.push(one);
                    }
                }
                product
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_exported_changes_nothing_when_it_is_imported(product in product()) {
            let rows = shown(&product);
            let columns = columns(&rows);
            let (mut csv, mut json) = (write::BYTE_ORDER_MARK.to_vec(), Vec::new());
            write::csv_row(columns.iter().map(String::as_str), &mut csv);
            for row in &rows {
                let cells: Vec<&str> =
                    columns.iter().map(|name| row.get(name).map_or("", String::as_str)).collect();
                write::csv_row(cells.iter().copied(), &mut csv);
                write::json_row(columns.iter().map(String::as_str).zip(cells), &mut json);
            }
            let owners: Vec<_> =
                product.variants.iter().map(|one| (one.sku.as_str(), product.id)).collect();
            for (bytes, format) in [(csv, Format::Csv), (json, Format::Ndjson)] {
                let sheet = read(std::str::from_utf8(&bytes).unwrap(), format);
                prop_assert_eq!(flaws(&sheet), []);
                prop_assert_eq!(sheet.entries.len(), 1);
                let again = plan(wanted(&sheet, 0), Some(&product), &owners);
                prop_assert_eq!(again, Plan::Unchanged);
            }
        }
    }
}
