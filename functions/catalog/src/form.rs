//! What staff writes of products: forms that several endpoints share.

use std::collections::BTreeMap;

use api::form::{
    Integer, ListOf, Nested, OneOf, Parsed, Text, YesOrNo, locale, product_id, slug, time,
    variant_id,
};
use api::{Fields, Flaw, Form, Problem};
use domain::catalog::attribute::{self, Raw, TEXT_CHARS_MAX};
use domain::catalog::content::{Content, DESCRIPTION_CHARS_MAX, TITLE_CHARS_MAX};
use domain::catalog::matrix::{NAME_CHARS_MAX, OPTIONS_MAX, VALUES_MAX};
use domain::catalog::{
    Download, Kind, Locale, Prices, ProductOption, Sale, Sku, Slug, Status, Value,
};
use domain::id::{ProductId, VariantId};
use domain::money::Money;
use domain::shipping::ProfileId;
use domain::tax::TaxCategory;
use jiff::Timestamp;
use store::shelves::Shelves;

/// Currencies that one variant has prices in.
const CURRENCIES_MAX: usize = 30;
/// Attributes of one product.
pub(crate) const ATTRIBUTES_MAX: usize = 50;
/// Kilograms of one are at most a thousand.
pub(crate) const WEIGHT_GRAMS_MAX: i64 = 1_000_000;

/// A cubic metre, in cubic millimetres, a hundred times.
pub(crate) const VOLUME_MM3_MAX: i64 = 100_000_000_000;

/// The two kinds of goods.
pub(crate) const KINDS: &[(&str, Kind)] =
    &[("physical", Kind::Physical), ("digital", Kind::Digital)];
/// Where a product can stand.
pub(crate) const STATUSES: &[(&str, Status)] =
    &[("draft", Status::Draft), ("active", Status::Active), ("archived", Status::Archived)];

/// Which product.
#[derive(Debug, Clone, Copy)]
pub struct WhichProduct {
    pub(crate) id: ProductId,
}

impl Form for WhichProduct {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let id = fields.required("id", product_id());
        Some(Self { id: id? })
    }
}

/// Which variant of which product.
#[derive(Debug, Clone, Copy)]
pub struct WhichVariant {
    pub(crate) id: ProductId,
    pub(crate) variant_id: VariantId,
}

impl Form for WhichVariant {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let id = fields.required("id", product_id());
        let variant_id = fields.required("variant_id", variant_id());
        Some(Self { id: id?, variant_id: variant_id? })
    }
}

/// Which language of which product.
#[derive(Debug, Clone)]
pub struct WhichTranslation {
    pub(crate) id: ProductId,
    pub(crate) locale: Locale,
}

impl Form for WhichTranslation {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let id = fields.required("id", product_id());
        let locale = fields.required("locale", locale());
        Some(Self { id: id?, locale: locale? })
    }
}

/// Which of the things that are called by their readable name.
#[derive(Debug, Clone)]
pub struct WhichSlug {
    pub(crate) slug: Slug,
}

impl Form for WhichSlug {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let slug = fields.required("slug", slug());
        Some(Self { slug: slug? })
    }
}

/// A name for people.
pub(crate) const fn title() -> Text {
    Text::between(1, TITLE_CHARS_MAX)
}

/// A text of several lines.
pub(crate) const fn description() -> Text {
    Text::lines(DESCRIPTION_CHARS_MAX)
}

/// How something is taxed.
pub(crate) const fn tax_category() -> Parsed<TaxCategory> {
    Parsed::by(TaxCategory::parse, "a tax category such as standard", 40)
        .pattern("^[a-z][a-z0-9_]{0,39}$")
}

/// How something is sent, by the shop's own name for it.
pub(crate) const fn shipping_profile() -> Parsed<ProfileId> {
    Parsed::by(ProfileId::parse, "the id of a shipping profile", 40).pattern("^[a-z0-9_-]{1,40}$")
}

/// Prices, one for each currency.
#[derive(Debug, Clone)]
pub(crate) struct PriceList;

impl PriceList {
    /// Read as a list of money.
    pub(crate) fn rule() -> ListOf<Nested<Money>> {
        ListOf::up_to(CURRENCIES_MAX, Nested::form())
    }

    /// One price for each currency; a second one is a flaw.
    pub(crate) fn of(list: Vec<Money>, fields: &mut Fields<'_>) -> Option<Prices> {
        let count = list.len();
        let prices: Prices = list.into_iter().map(|one| (one.currency(), one.amount())).collect();
        if prices.len() == count {
            return Some(prices);
        }
        fields.flaw("prices", "same_currency", "There may be one price for each currency.");
        None
    }
}

/// A reduced price.
#[derive(Debug, Clone)]
pub(crate) struct SaleForm {
    pub(crate) sale: Sale,
}

impl Form for SaleForm {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let price = fields.required("price", Nested::<Money>::form());
        let from = fields.required("from", time());
        let until = fields.optional("until", time());
        let (price, from, until) = (price?, from?, until?);
        if until.is_some_and(|until| until <= from) {
            fields.flaw("until", "ends_before_it_begins", "This must be after its beginning.");
            return None;
        }
        let (currency, amount) = (price.currency(), price.amount());
        Some(Self { sale: Sale { currency, amount, from, until, lowest_30d: None } })
    }
}

/// An option and its values.
#[derive(Debug, Clone)]
pub(crate) struct OptionForm(pub(crate) ProductOption);

impl Form for OptionForm {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let name = fields.required("name", Text::between(1, NAME_CHARS_MAX));
        let value = Text::between(1, NAME_CHARS_MAX);
        let values = fields.required("values", ListOf::up_to(VALUES_MAX, value));
        Some(Self(ProductOption { name: name?, values: values? }))
    }
}

/// Options in their order.
pub(crate) fn options() -> ListOf<Nested<OptionForm>> {
    ListOf::up_to(OPTIONS_MAX, Nested::form())
}

/// The chosen value of one option.
#[derive(Debug, Clone)]
pub(crate) struct ChosenForm {
    pub(crate) name: String,
    pub(crate) value: String,
}

impl Form for ChosenForm {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let name = fields.required("name", Text::between(1, NAME_CHARS_MAX));
        let value = fields.required("value", Text::between(1, NAME_CHARS_MAX));
        Some(Self { name: name?, value: value? })
    }
}

/// The chosen value of each option.
pub(crate) fn chosen() -> ListOf<Nested<ChosenForm>> {
    ListOf::up_to(OPTIONS_MAX, Nested::form())
}

/// As a map; the last of a name counts.
pub(crate) fn chosen_of(list: Vec<ChosenForm>) -> BTreeMap<String, String> {
    list.into_iter().map(|one| (one.name, one.value)).collect()
}

/// What a product has of an attribute: one of text, number and boolean.
#[derive(Debug, Clone)]
pub struct AttributeForm {
    pub(crate) code: Slug,
    pub(crate) raw: Raw,
}

impl Form for AttributeForm {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let code = fields.required("code", slug());
        let text = fields.optional("text", Text::between(1, TEXT_CHARS_MAX));
        let number = fields.optional("number", Integer::between(-999_999_999_999, 999_999_999_999));
        let boolean = fields.optional("boolean", YesOrNo);
        let raw = match (text?, number?, boolean?) {
            (Some(text), None, None) => Raw::Text(text),
            (None, Some(number), None) => Raw::Number(number),
            (None, None, Some(boolean)) => Raw::Boolean(boolean),
            _ => {
                let detail = "Give one of text, number and boolean.";
                fields.flaw("text", "one_value", detail);
                return None;
            }
        };
        Some(Self { code: code?, raw })
    }
}

/// A value by the shop's definition of its attribute.
pub(crate) fn value_of(
    form: &AttributeForm,
    shelves: &Shelves,
    pointer: &str,
) -> Result<Value, Flaw> {
    let definition = shelves.attributes.iter().find(|one| one.code == form.code);
    let value = match definition {
        Some(definition) => definition.value(&form.raw),
        None => Err(attribute::Refusal::Unknown),
    };
    value.map_err(|refusal| {
        let detail = match refusal {
            attribute::Refusal::Unknown => "The shop has no such attribute.",
            attribute::Refusal::WrongType => "The attribute has another type.",
            attribute::Refusal::NotAChoice => "This is none of the attribute's choices.",
            attribute::Refusal::Length => "This is empty or too long.",
        };
        Flaw::new(pointer, refusal.code(), detail)
    })
}

/// All values, or every flaw.
pub(crate) fn values_of(
    forms: &[AttributeForm],
    shelves: &Shelves,
) -> Result<BTreeMap<Slug, Value>, Problem> {
    let (mut values, mut flaws) = (BTreeMap::new(), Vec::new());
    for (at, form) in forms.iter().enumerate() {
        match value_of(form, shelves, &format!("/attributes/{at}")) {
            Ok(value) => {
                values.insert(form.code.clone(), value);
            }
            Err(flaw) => flaws.push(flaw),
        }
    }
    if flaws.is_empty() { Ok(values) } else { Err(Problem::invalid(flaws)) }
}

/// Refuses categories that are not there.
pub(crate) fn known_categories(slugs: &[Slug], shelves: &Shelves) -> Result<Vec<Slug>, Problem> {
    let is_known = |slug: &Slug| shelves.categories.iter().any(|one| one.slug == *slug);
    let flaws: Vec<Flaw> = slugs
        .iter()
        .enumerate()
        .filter(|(_, slug)| !is_known(slug))
        .map(|(at, _)| {
            let detail = "There is no such category.";
            Flaw::new(format!("/categories/{at}"), "unknown_category", detail)
        })
        .collect();
    if !flaws.is_empty() {
        return Err(Problem::invalid(flaws));
    }
    let mut once: Vec<Slug> = Vec::new();
    for slug in slugs {
        if !once.contains(slug) {
            once.push(slug.clone());
        }
    }
    Ok(once)
}

/// What is downloaded.
#[derive(Debug, Clone)]
pub(crate) struct FileForm(pub(crate) Download);

impl Form for FileForm {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let key = fields.required("key", Parsed::by(object_key, "a key of the bucket", 300));
        let file_name = fields.required("file_name", Parsed::by(file_name, "a file's name", 100));
        Some(Self(Download { key: key?, file_name: file_name? }))
    }
}

/// A plain key below the bucket's root.
fn object_key(text: &str) -> Option<String> {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"-_./".contains(&b);
    let fits = !text.is_empty()
        && text.bytes().all(is_plain)
        && text.split('/').all(|part| !part.is_empty() && !part.starts_with('.'));
    fits.then(|| text.to_owned())
}

/// A name that can stand in a header.
fn file_name(text: &str) -> Option<String> {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"-_. ".contains(&b);
    let fits = !text.is_empty() && !text.starts_with('.') && text.bytes().all(is_plain);
    fits.then(|| text.to_owned())
}

/// Texts in one language.
#[derive(Debug, Clone)]
pub struct ContentForm(pub(crate) Content);

impl Form for ContentForm {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let title = fields.optional("title", title());
        let description = fields.optional("description", description());
        fields.either(&["title", "description"], "Give a title, a description, or both.");
        Some(Self(Content { title: title?, description: description? }))
    }
}

/// A moment, or none of it.
#[expect(clippy::option_option, reason = "flawed, absent and given are three")]
pub(crate) fn moment(fields: &mut Fields<'_>, name: &'static str) -> Option<Option<Timestamp>> {
    fields.optional(name, time())
}

/// One of the two kinds.
pub(crate) const fn kind() -> OneOf<Kind> {
    OneOf(KINDS)
}

/// Cubic millimetres of a form in the domain.
pub(crate) fn volume(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// What a whole number of a form is in the domain.
pub(crate) fn whole(number: i64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// The rule of a currency, for lists of conditions.
pub(crate) fn same_currency(one: Option<&Money>, other: Option<&Money>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one.currency() == other.currency(),
        (None | Some(_), None) | (None, Some(_)) => true,
    }
}

/// The words that a SKU begins with.
pub(crate) const fn sku_prefix() -> Parsed<Sku> {
    Parsed::by(Sku::parse, "the beginning of a SKU of A–Z, 0–9 and hyphens", 30)
        .pattern("^[A-Z0-9-]{3,30}$")
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_sale_ends_after_it_begins() {
        let price = json!({"amount": 900, "currency": "EUR"});
        let sale = |until| {
            let from = "2026-11-21T09:00:00Z";
            flaws_of::<SaleForm>(&json!({"price": price, "from": from, "until": until}))
        };
        assert_eq!(sale(json!(null)), []);
        assert_eq!(sale(json!("2026-11-22T09:00:00Z")), []);
        let flaw = [("/until".to_owned(), "ends_before_it_begins")];
        assert_eq!(sale(json!("2026-11-21T09:00:00Z")), flaw);
    }

    #[test]
    fn an_attribute_has_one_value() {
        let flaws = |body| flaws_of::<AttributeForm>(&body);
        assert_eq!(flaws(json!({"code": "material", "text": "wool"})), []);
        assert_eq!(flaws(json!({"code": "vegan", "boolean": false})), []);
        let flaw = [("/text".to_owned(), "one_value")];
        assert_eq!(flaws(json!({"code": "material"})), flaw);
        assert_eq!(flaws(json!({"code": "material", "text": "a", "number": 1})), flaw);
    }

    #[test]
    fn a_file_lies_in_the_bucket_and_has_a_plain_name() {
        let good = json!({"key": "downloads/kit.zip", "file_name": "Kit 2.zip"});
        assert_eq!(flaws_of::<FileForm>(&good), []);
        for key in ["/kit.zip", "../kit.zip", "a//b", "a/.hidden", "a b"] {
            let body = json!({"key": key, "file_name": "kit.zip"});
            assert_eq!(flaws_of::<FileForm>(&body).len(), 1, "{key}");
        }
        let body = json!({"key": "kit.zip", "file_name": "kit\".zip"});
        assert_eq!(flaws_of::<FileForm>(&body).len(), 1);
    }
}
