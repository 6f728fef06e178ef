//! Promotions as staff write and see them.

use std::collections::BTreeSet;

use domain::address::Country;
use domain::catalog::{Prices, Slug};
use domain::currency::Currency;
use domain::id::{CustomerId, PromotionId, VariantId};
use domain::money::Money;
use domain::promotion::code::{Code, CodeEntry};
use domain::promotion::engine::{LineWhy, Why};
use domain::promotion::{ACTIONS_MAX, CustomerFacts};
use domain::promotion::{
    AMOUNT_MAX, Action, Conditions, GROUP_CHARS_MAX, Limits, NAME_CHARS_MAX, NAMED_MAX, PPM_MAX,
    Per, Promotion, Reward, SELECTED_MAX, Selection, Stacking, Status, TIERS_MAX, Target, Terms,
    Tier, TierBy, Trigger, UNITS_MAX,
};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use crate::cursor::List;
use crate::form::{
    Fields, Form, Integer, ListOf, Nested, OneOf, Parsed, Rule, Text, YesOrNo, currency,
    product_id, time, variant_id,
};
use crate::problem::Flaw;
use crate::reply::View;

/// Currencies in one table of amounts.
const CURRENCIES_MAX: usize = 50;

/// Minor units by currency: `{"EUR": 500, "JPY": 800}`.
struct Amounts {
    min: i64,
}

impl Rule for Amounts {
    type Out = Prices;
    fn check(&self, value: &Value, pointer: &str, flaws: &mut Vec<Flaw>) -> Option<Prices> {
        let Some(members) = value.as_object() else {
            let detail = "This must be an object of minor units by currency.";
            flaws.push(Flaw::new(pointer, "wrong_type", detail));
            return None;
        };
        if members.len() > CURRENCIES_MAX {
            let detail = format!("This may name {CURRENCIES_MAX} currencies.");
            flaws.push(Flaw::new(pointer, "too_many", detail));
            return None;
        }
        let before = flaws.len();
        let mut prices = Prices::new();
        for (name, amount) in members {
            let at = format!("{pointer}/{}", crate::json::token(name));
            let Some(currency) = Currency::parse(name) else {
                let detail = "This must be an ISO 4217 currency code.";
                flaws.push(Flaw::new(at, "malformed", detail));
                continue;
            };
            if let Some(amount) = Integer::between(self.min, AMOUNT_MAX).check(amount, &at, flaws) {
                prices.insert(currency, amount);
            }
        }
        (flaws.len() == before).then_some(prices)
    }
    fn schema(&self) -> Value {
        json!({
            "type": "object",
            "description": "Minor units by ISO 4217 currency.",
            "propertyNames": {"pattern": "^[A-Z]{3}$"},
            "additionalProperties": {"type": "integer", "minimum": self.min, "maximum": AMOUNT_MAX},
            "maxProperties": CURRENCIES_MAX,
        })
    }
}

/// The most that a whole number of units may be.
fn units(min: u32, max: u32) -> Integer {
    Integer::between(i64::from(min), i64::from(max))
}

/// Within bounds that fit 32 bits.
fn small(number: i64) -> Option<u32> {
    u32::try_from(number).ok()
}

fn share() -> Integer {
    units(1, PPM_MAX)
}

fn slug() -> Parsed<Slug> {
    Parsed::by(Slug::parse, "the slug of a category", 80).pattern("^[a-z0-9-]{2,80}$")
}

fn country() -> Parsed<Country> {
    Parsed::by(Country::parse, "an ISO 3166-1 country code", 2).pattern("^[A-Z]{2}$")
}

/// A code as somebody types it.
pub const fn code() -> Parsed<Code> {
    Parsed::by(Code::parse, "3 to 40 letters, digits, - or _", 60)
        .pattern("^\\s*[A-Za-z0-9_-]{3,40}\\s*$")
}

fn set<T: Ord>(list: Option<Vec<T>>) -> BTreeSet<T> {
    list.unwrap_or_default().into_iter().collect()
}

const TARGETS: &[(&str, Target)] =
    &[("order", Target::Order), ("lines", Target::Lines), ("shipping", Target::Shipping)];

impl Form for Selection {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let products = fields.optional("products", ListOf::up_to(SELECTED_MAX, product_id()));
        let variants = fields.optional("variants", ListOf::up_to(SELECTED_MAX, variant_id()));
        let categories = fields.optional("categories", ListOf::up_to(SELECTED_MAX, slug()));
        let except = fields.optional("except_products", ListOf::up_to(SELECTED_MAX, product_id()));
        let except_reduced = fields.optional("except_reduced", YesOrNo);
        Some(Self {
            products: set(products?),
            variants: set(variants?),
            categories: set(categories?),
            except_products: set(except?),
            except_reduced: except_reduced?.unwrap_or(false),
        })
    }
}

#[derive(Clone, Copy)]
enum RewardKind {
    Percent,
    Fixed,
}

impl Form for Reward {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        const KINDS: &[(&str, RewardKind)] =
            &[("percent", RewardKind::Percent), ("fixed", RewardKind::Fixed)];
        let kind = fields.required("type", OneOf(KINDS));
        let ppm = fields.optional("ppm", share());
        let amounts = fields.optional("amounts", Amounts { min: 1 });
        let (kind, ppm, amounts) = (kind?, ppm?, amounts?);
        match kind {
            RewardKind::Percent => {
                stranger(fields, "amounts", amounts.is_some())?;
                let ppm = needed(fields, "ppm", ppm)?;
                Some(Self::Percent { ppm: small(ppm)? })
            }
            RewardKind::Fixed => {
                stranger(fields, "ppm", ppm.is_some())?;
                Some(Self::Fixed { amounts: needed(fields, "amounts", amounts)? })
            }
        }
    }
}

/// A field that this kind needs.
fn needed<T>(fields: &mut Fields<'_>, name: &str, value: Option<T>) -> Option<T> {
    if value.is_none() {
        fields.flaw(name, "required", "This field is required here.");
    }
    value
}

/// A field that this kind does not have.
fn stranger(fields: &mut Fields<'_>, name: &str, is_there: bool) -> Option<()> {
    if is_there {
        fields.flaw(name, "not_allowed", "This field has no meaning here.");
        return None;
    }
    Some(())
}

impl Form for Tier {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let from_subtotal = fields.optional("from_subtotal", Amounts { min: 0 });
        let from_quantity = fields.optional("from_quantity", units(1, UNITS_MAX));
        let reward = fields.required("reward", Nested::form());
        Some(Self {
            from_subtotal: from_subtotal?.unwrap_or_default(),
            from_quantity: from_quantity?.and_then(small),
            reward: reward?,
        })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ActionKind {
    Percent,
    Fixed,
    FreeShipping,
    BuyXGetY,
    Tiered,
}

impl Form for Action {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        use ActionKind::{BuyXGetY, Fixed, FreeShipping, Percent, Tiered};
        const KINDS: &[(&str, ActionKind)] = &[
            ("percent", ActionKind::Percent),
            ("fixed", ActionKind::Fixed),
            ("free_shipping", ActionKind::FreeShipping),
            ("buy_x_get_y", ActionKind::BuyXGetY),
            ("tiered", ActionKind::Tiered),
        ];
        const PER: &[(&str, Per)] = &[("order", Per::Order), ("unit", Per::Unit)];
        const BY: &[(&str, TierBy)] =
            &[("subtotal", TierBy::Subtotal), ("quantity", TierBy::Quantity)];
        let kind = fields.required("type", OneOf(KINDS));
        let ppm = fields.optional("ppm", share());
        let target = fields.optional("target", OneOf(TARGETS));
        let amounts = fields.optional("amounts", Amounts { min: 1 });
        let per = fields.optional("per", OneOf(PER));
        let buy = fields.optional("buy", units(1, UNITS_MAX));
        let get = fields.optional("get", units(1, UNITS_MAX));
        let goods = fields.optional("goods", Nested::form());
        let repeats_max = fields.optional("repeats_max", units(1, UNITS_MAX));
        let by = fields.optional("by", OneOf(BY));
        let tiers = fields.optional("tiers", ListOf::up_to(TIERS_MAX, Nested::form()));
        let (kind, ppm, target, amounts, per) = (kind?, ppm?, target?, amounts?, per?);
        let (buy, get, goods, repeats_max) = (buy?, get?, goods?, repeats_max?);
        let (by, tiers) = (by?, tiers?);
        let is = |kinds: &[ActionKind]| kinds.contains(&kind);
        let strangers = [
            ("ppm", ppm.is_some() && is(&[Fixed, FreeShipping, Tiered])),
            ("target", target.is_some() && is(&[FreeShipping, BuyXGetY])),
            ("amounts", amounts.is_some() && !is(&[Fixed])),
            ("per", per.is_some() && !is(&[Fixed])),
            ("buy", buy.is_some() && !is(&[BuyXGetY])),
            ("get", get.is_some() && !is(&[BuyXGetY])),
            ("goods", goods.is_some() && !is(&[BuyXGetY])),
            ("repeats_max", repeats_max.is_some() && !is(&[BuyXGetY])),
            ("by", by.is_some() && !is(&[Tiered])),
            ("tiers", tiers.is_some() && !is(&[Tiered])),
        ];
        for (name, is_there) in strangers {
            let _named: Option<()> = stranger(fields, name, is_there);
        }
        let target = target.unwrap_or(Target::Order);
        match kind {
            Percent => Some(Self::Percent { ppm: small(needed(fields, "ppm", ppm)?)?, target }),
            Fixed => {
                let amounts = needed(fields, "amounts", amounts)?;
                Some(Self::Fixed { amounts, target, per: per.unwrap_or(Per::Order) })
            }
            FreeShipping => Some(Self::FreeShipping),
            BuyXGetY => {
                let (buy, get) = (needed(fields, "buy", buy), needed(fields, "get", get));
                let ppm = needed(fields, "ppm", ppm);
                Some(Self::BuyXGetY {
                    buy: small(buy?)?,
                    get: small(get?)?,
                    goods: goods.unwrap_or_default(),
                    ppm: small(ppm?)?,
                    repeats_max: repeats_max.and_then(small),
                })
            }
            Tiered => {
                let (by, tiers) = (needed(fields, "by", by), needed(fields, "tiers", tiers));
                Some(Self::Tiered { by: by?, target, tiers: tiers? })
            }
        }
    }
}

impl Form for Conditions {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let goods = fields.optional("goods", Nested::form());
        let subtotal_min = fields.optional("subtotal_min", Amounts { min: 0 });
        let subtotal_max = fields.optional("subtotal_max", Amounts { min: 0 });
        let quantity_min = fields.optional("quantity_min", units(1, UNITS_MAX));
        let groups = fields.optional("customer_groups", ListOf::up_to(NAMED_MAX, group()));
        let first_order = fields.optional("first_order", YesOrNo);
        let from = fields.optional("from", time());
        let until = fields.optional("until", time());
        let currencies = fields.optional("currencies", ListOf::up_to(NAMED_MAX, currency()));
        let countries = fields.optional("countries", ListOf::up_to(NAMED_MAX, country()));
        Some(Self {
            goods: goods?.unwrap_or_default(),
            subtotal_min: subtotal_min?.unwrap_or_default(),
            subtotal_max: subtotal_max?.unwrap_or_default(),
            quantity_min: quantity_min?.and_then(small),
            customer_groups: set(groups?),
            first_order: first_order?.unwrap_or(false),
            from: from?,
            until: until?,
            currencies: set(currencies?),
            countries: set(countries?),
        })
    }
}

impl Form for Stacking {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let group = fields.optional("group", group());
        let priority = fields.optional("priority", Integer::between(-1_000, 1_000));
        let exclusive = fields.optional("exclusive", YesOrNo);
        let priority = i32::try_from(priority?.unwrap_or(0)).ok()?;
        Some(Self { group: group?, priority, exclusive: exclusive?.unwrap_or(false) })
    }
}

impl Form for Limits {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let number = || Integer::between(1, i64::from(u32::MAX));
        let uses_total = fields.optional("uses_total", number());
        let uses_per_customer = fields.optional("uses_per_customer", number());
        let budget = fields.optional("budget", Amounts { min: 1 });
        let max_discount = fields.optional("max_discount", Amounts { min: 1 });
        Some(Self {
            uses_total: uses_total?.and_then(small),
            uses_per_customer: uses_per_customer?.and_then(small),
            budget: budget?.unwrap_or_default(),
            max_discount: max_discount?.unwrap_or_default(),
        })
    }
}

const TRIGGERS: &[(&str, Trigger)] = &[("automatic", Trigger::Automatic), ("code", Trigger::Code)];

fn actions() -> ListOf<Nested<Action>> {
    ListOf::up_to(ACTIONS_MAX, Nested::form())
}

/// Names every contradiction in the terms.
fn checked(fields: &mut Fields<'_>, terms: Terms) -> Terms {
    for flaw in terms.flaws() {
        fields.flaw(flaw.pointer.trim_start_matches('/'), flaw.code, flaw.detail);
    }
    terms
}

impl Form for Terms {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let name = fields.required("name", Text::between(1, NAME_CHARS_MAX));
        let trigger = fields.required("trigger", OneOf(TRIGGERS));
        let actions = fields.required("actions", actions());
        let conditions = fields.optional("conditions", Nested::form());
        let stacking = fields.optional("stacking", Nested::form());
        let limits = fields.optional("limits", Nested::form());
        let terms = Self {
            name: name?,
            trigger: trigger?,
            actions: actions?,
            conditions: conditions?.unwrap_or_default(),
            stacking: stacking?.unwrap_or_default(),
            limits: limits?.unwrap_or_default(),
        };
        Some(checked(fields, terms))
    }
}

/// What is to be changed of a promotion's terms. Each part that is there replaces the whole part.
#[derive(Debug)]
pub struct TermsChange {
    name: Option<String>,
    trigger: Option<Trigger>,
    actions: Option<Vec<Action>>,
    conditions: Option<Conditions>,
    stacking: Option<Stacking>,
    limits: Option<Limits>,
}

impl Form for TermsChange {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let name = fields.optional("name", Text::between(1, NAME_CHARS_MAX));
        let trigger = fields.optional("trigger", OneOf(TRIGGERS));
        let actions = fields.optional("actions", actions());
        let conditions = fields.optional("conditions", Nested::form());
        let stacking = fields.optional("stacking", Nested::form());
        let limits = fields.optional("limits", Nested::form());
        Some(Self {
            name: name?,
            trigger: trigger?,
            actions: actions?,
            conditions: conditions?,
            stacking: stacking?,
            limits: limits?,
        })
    }
}

impl TermsChange {
    /// The terms with the change, or every contradiction in them.
    pub fn of(&self, before: &Terms) -> Result<Terms, Vec<Flaw>> {
        let terms = Terms {
            name: self.name.clone().unwrap_or_else(|| before.name.clone()),
            trigger: self.trigger.unwrap_or(before.trigger),
            actions: self.actions.clone().unwrap_or_else(|| before.actions.clone()),
            conditions: self.conditions.clone().unwrap_or_else(|| before.conditions.clone()),
            stacking: self.stacking.clone().unwrap_or_else(|| before.stacking.clone()),
            limits: self.limits.clone().unwrap_or_else(|| before.limits.clone()),
        };
        let flaws: Vec<Flaw> = terms
            .flaws()
            .into_iter()
            .map(|flaw| Flaw::new(flaw.pointer, flaw.code, flaw.detail))
            .collect();
        if flaws.is_empty() { Ok(terms) } else { Err(flaws) }
    }
}

/// How often a promotion was used.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "PromotionUses")]
pub struct UsesView {
    /// Orders that got it and were not called off unpaid.
    pub orders: u64,
    /// What it took off them.
    pub spent: Vec<Money>,
}

/// A promotion.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Promotion")]
pub struct PromotionView {
    /// Its id.
    pub id: PromotionId,
    /// What people call it; shoppers see it.
    pub name: String,
    /// Where it stands.
    pub status: Status,
    /// What makes it apply.
    pub trigger: Trigger,
    /// What it does, in this order.
    pub actions: Vec<Action>,
    /// What must hold.
    pub conditions: Conditions,
    /// How it goes together with others.
    pub stacking: Stacking,
    /// How often, and how much.
    pub limits: Limits,
    /// How often it was used so far; not in lists and answers to changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uses: Option<UsesView>,
    /// Rises with every change.
    pub version: u64,
    /// When it was made.
    #[schemars(with = "String")]
    pub created_at: Timestamp,
    /// When it was last changed.
    #[schemars(with = "String")]
    pub updated_at: Timestamp,
}

impl View for PromotionView {}
impl View for List<PromotionView> {}

impl From<Promotion> for PromotionView {
    fn from(promotion: Promotion) -> Self {
        let Promotion { id, status, terms, version, created_at, updated_at } = promotion;
        let Terms { name, trigger, actions, conditions, stacking, limits } = terms;
        Self {
            id,
            name,
            status,
            trigger,
            actions,
            conditions,
            stacking,
            limits,
            uses: None,
            version,
            created_at,
            updated_at,
        }
    }
}

/// A code of a promotion.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "PromotionCode")]
pub struct CodeView {
    /// The code.
    pub code: Code,
    /// What it opens.
    pub promotion_id: PromotionId,
    /// Orders that may get something by it; null where only the promotion's own limits hold.
    pub uses_max: Option<u32>,
    /// Orders that got something by it.
    pub uses: u64,
    /// When it was made.
    #[schemars(with = "String")]
    pub created_at: Timestamp,
}

impl CodeView {
    /// The view of a code that was used so often.
    pub fn of(entry: CodeEntry, uses: u64) -> Self {
        let CodeEntry { code, promotion, uses_max, created_at } = entry;
        Self { code, promotion_id: promotion, uses_max, uses, created_at }
    }
}

impl View for List<CodeView> {}

/// New codes.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "PromotionCodes")]
pub struct CodesView {
    /// Each of them.
    pub data: Vec<CodeView>,
}

impl View for CodesView {}

/// Who a simulated basket is for.
#[derive(Debug, Default)]
pub struct CustomerForm(pub CustomerFacts);

impl Form for CustomerForm {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let groups = fields.optional("groups", ListOf::up_to(NAMED_MAX, group()));
        let orders = fields.optional("orders", Integer::between(0, i64::from(u32::MAX)));
        let orders = orders?.and_then(|orders| u64::try_from(orders).ok());
        Some(Self(CustomerFacts { groups: set(groups?), orders }))
    }
}

/// What promotions know of a customer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CustomerGroupsView {
    /// The customer.
    pub customer_id: CustomerId,
    /// The groups that promotions can ask for.
    pub groups: BTreeSet<String>,
    /// Orders that were placed and not called off unpaid.
    pub orders: u64,
}

impl View for CustomerGroupsView {}

impl CustomerGroupsView {
    /// The view of what is known of a customer.
    pub fn of(customer_id: CustomerId, facts: CustomerFacts) -> Self {
        Self { customer_id, groups: facts.groups, orders: facts.orders.unwrap_or(0) }
    }
}

/// The name of a group of customers.
pub const fn group() -> Text {
    Text::between(1, GROUP_CHARS_MAX)
}

/// What a promotion does to a line of a simulated basket.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SimulatedPart {
    /// The promotion; null for the unsaved one.
    pub promotion_id: Option<PromotionId>,
    /// What it is called.
    pub name: String,
    /// What it takes off the line.
    pub amount: Money,
    /// Why it takes nothing off.
    pub reason: Option<LineWhy>,
}

/// A line of a simulated basket.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SimulatedLine {
    /// The variant.
    pub variant_id: VariantId,
    /// Its SKU.
    pub sku: domain::catalog::Sku,
    /// The product's name.
    pub title: String,
    /// How many.
    pub quantity: u32,
    /// What one costs then.
    pub unit_price: Money,
    /// What they cost before promotions.
    pub subtotal: Money,
    /// What is taken off.
    pub discount: Money,
    /// What remains, before tax is looked at.
    pub total: Money,
    /// What each promotion does to it.
    pub promotions: Vec<SimulatedPart>,
}

/// What became of a promotion in a simulation.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SimulatedPromotion {
    /// The promotion; null for the unsaved one.
    pub promotion_id: Option<PromotionId>,
    /// What it is called.
    pub name: String,
    /// The code that opened it.
    pub code: Option<Code>,
    /// Whether it applies.
    pub is_applied: bool,
    /// All that it takes off.
    pub amount: Money,
    /// What of it is taken off the shipping.
    pub shipping_amount: Money,
    /// Why it does not apply.
    pub reason: Option<Why>,
}

/// What the promotions would do to a basket.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SimulationView {
    /// Line by line.
    pub lines: Vec<SimulatedLine>,
    /// Every promotion that was looked at: first the ones that apply, in the order in which they
    /// apply.
    pub promotions: Vec<SimulatedPromotion>,
    /// All lines before promotions.
    pub subtotal: Money,
    /// All that is taken off, that off the shipping included.
    pub discount: Money,
    /// The price of the shipping that was given.
    pub shipping: Money,
    /// What remains, before tax is looked at.
    pub total: Money,
}

impl View for SimulationView {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::form::{flaws_of, read_value};

    fn terms(actions: &Value) -> Value {
        json!({"name": "Ten off", "trigger": "code", "actions": actions})
    }

    fn pointers(body: &Value) -> Vec<(String, &'static str)> {
        flaws_of::<Terms>(body)
    }

    #[test]
    fn each_kind_of_action_is_read_and_shown_as_it_was_written() {
        let product = "prod_01ARZ3NDEKTSV4RRFFQ69G5FAV";
        let all = [
            json!({"type": "percent", "ppm": 100_000, "target": "lines"}),
            json!({"type": "fixed", "amounts": {"EUR": 500}, "target": "order", "per": "order"}),
            json!({"type": "free_shipping"}),
            json!({"type": "buy_x_get_y", "buy": 2, "get": 1, "ppm": 1_000_000,
                "goods": {"products": [product]}, "repeats_max": 3}),
            json!({"type": "tiered", "by": "quantity", "target": "order", "tiers": [
                {"from_quantity": 2, "reward": {"type": "percent", "ppm": 50_000}},
                {"from_quantity": 5, "reward": {"type": "fixed", "amounts": {"EUR": 900}}},
            ]}),
        ];
        for action in all {
            let mut flaws = Vec::new();
            let read: Option<Terms> = read_value(&terms(&json!([action])), "", &mut flaws);
            let read = read.unwrap_or_else(|| panic!("{flaws:?}"));
            assert_eq!(serde_json::to_value(&read.actions[0]).unwrap(), action);
        }
    }

    #[test]
    fn what_belongs_to_another_kind_is_named_and_so_is_what_is_missing() {
        let body = terms(&json!([
            {"type": "percent", "amounts": {"EUR": 1}},
            {"type": "free_shipping", "target": "order"},
            {"type": "buy_x_get_y"},
        ]));
        let wanted = [
            ("/actions/0/amounts", "not_allowed"),
            ("/actions/0/ppm", "required"),
            ("/actions/1/target", "not_allowed"),
            ("/actions/2/buy", "required"),
            ("/actions/2/get", "required"),
            ("/actions/2/ppm", "required"),
        ];
        assert_eq!(pointers(&body), wanted.map(|(at, code)| (at.to_owned(), code)));
    }

    #[test]
    fn amounts_are_whole_minor_units_of_real_currencies() {
        let body = terms(&json!([
            {"type": "fixed", "amounts": {"EUR": 0, "euro": 5, "USD": "5", "JPY": 5}},
        ]));
        let found = pointers(&body);
        let codes: Vec<_> = found.iter().map(|(at, code)| (at.as_str(), *code)).collect();
        assert_eq!(codes.len(), 3, "{codes:?}");
        assert!(codes.contains(&("/actions/0/amounts/EUR", "out_of_range")));
        assert!(codes.contains(&("/actions/0/amounts/euro", "malformed")));
        assert!(codes.contains(&("/actions/0/amounts/USD", "wrong_type")));
    }

    #[test]
    fn a_contradiction_is_named_by_its_place() {
        let mut body = terms(&json!([{"type": "free_shipping"}]));
        body["conditions"] = json!({
            "from": "2026-11-22T00:00:00Z", "until": "2026-11-21T00:00:00Z",
        });
        assert_eq!(pointers(&body), [("/conditions/until".to_owned(), "out_of_range")]);
        assert_eq!(pointers(&terms(&json!([]))), [("/actions".to_owned(), "out_of_range")]);
    }

    #[test]
    fn what_is_left_out_of_a_change_stays() {
        let mut flaws = Vec::new();
        let before: Terms =
            read_value(&terms(&json!([{"type": "free_shipping"}])), "", &mut flaws).unwrap();
        let change: TermsChange =
            read_value(&json!({"limits": {"uses_total": 3}}), "", &mut flaws).unwrap();
        let after = change.of(&before).unwrap();
        assert_eq!((after.limits.uses_total, after.actions), (Some(3), before.actions));
    }
}
