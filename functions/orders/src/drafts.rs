//! What the endpoints of draft orders share: what is asked for, and how a draft is priced, shown
//! and written.

use std::collections::HashMap;
use std::sync::Arc;

use api::form::{
    Fields, Form, Integer, ListOf, Nested, Parsed, Text, VatIdRule, currency, email, variant_id,
};
use api::view::draft::DraftView;
use api::{Problem, Reply, Staff};
use domain::address::{Address, Email};
use domain::cart::{Cart, LINES_MAX, PricedCart, QUANTITY_MAX, Quantity};
use domain::catalog::Offer;
use domain::currency::Currency;
use domain::draft::{
    Asked, AskedDeal, AskedLine, Content, Draft, NOTE_CHARS_MAX, REASON_CHARS_MAX, Refusal,
};
use domain::event::Event;
use domain::id::{DraftId, LineId, VariantId};
use domain::money::Money;
use domain::shipping::{PickupPointId, ShippingOptionId};
use domain::vat_id::VatId;
use jiff::Timestamp;
use runtime::Call;
use serde_json::{Value, json};
use store::Settings;

use crate::App;
use crate::desk::note;

/// How often a lost race is run again before the caller is asked to.
pub(crate) const RACES_MAX: usize = 5;
/// Characters of the id of a shipping option or a pickup point.
const OPTION_CHARS_MAX: usize = 60;

/// Another price than the catalogue's, and why.
#[derive(Debug, Clone)]
struct Deal(AskedDeal);

impl Form for Deal {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let unit_price = fields.optional("unit_price", Nested::<Money>::form());
        let discount = fields.optional("discount", Nested::<Money>::form());
        let reason = fields.required("reason", Text::between(1, REASON_CHARS_MAX));
        fields.either(&["unit_price", "discount"], "There is no other price.");
        Some(Self(AskedDeal { unit_price: unit_price?, discount: discount?, reason: reason? }))
    }
}

/// Units of a variant.
#[derive(Debug, Clone)]
struct Line(VariantId, Quantity, Option<AskedDeal>);

impl Form for Line {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let variant_id = fields.required("variant_id", variant_id());
        let quantity = fields.required("quantity", Integer::between(1, i64::from(QUANTITY_MAX)));
        let quantity = quantity.and_then(|q| Quantity::new(u32::try_from(q).ok()?));
        let deal = fields.optional("deal", Nested::<Deal>::form());
        Some(Self(variant_id?, quantity?, deal?.map(|Deal(deal)| deal)))
    }
}

/// All that is in a draft. What is left out is not there: a draft is written whole.
#[derive(Debug)]
pub struct Written {
    currency: Currency,
    lines: Vec<Line>,
    email: Option<Email>,
    shipping_address: Option<Address>,
    billing_address: Option<Address>,
    vat_id: Option<VatId>,
    shipping_option: Option<ShippingOptionId>,
    pickup_point: Option<PickupPointId>,
    note: Option<String>,
}

impl Form for Written {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let currency = fields.required("currency", currency());
        let lines = ListOf::some_up_to(LINES_MAX, Nested::<Line>::form(), "Nothing is in it.");
        let lines = fields.required("lines", lines);
        let email = fields.optional("email", email());
        let shipping_address = fields.optional("shipping_address", Nested::form());
        let billing_address = fields.optional("billing_address", Nested::form());
        let vat_id = fields.optional("vat_id", VatIdRule);
        let option =
            Parsed::by(ShippingOptionId::parse, "the id of a shipping option", OPTION_CHARS_MAX);
        let shipping_option = fields.optional("shipping_option_id", option);
        let point = Parsed::by(PickupPointId::parse, "the id of a pickup point", OPTION_CHARS_MAX);
        let pickup_point = fields.optional("pickup_point_id", point);
        let note = fields.optional("note", Text::lines(NOTE_CHARS_MAX));
        Some(Self {
            currency: currency?,
            lines: lines?,
            email: email?,
            shipping_address: shipping_address?,
            billing_address: billing_address?,
            vat_id: vat_id?,
            shipping_option: shipping_option?,
            pickup_point: pickup_point?,
            note: note?,
        })
    }
}

impl Written {
    /// The variants that are named.
    pub(crate) fn variants(&self) -> Vec<VariantId> {
        self.lines.iter().map(|line| line.0).collect()
    }

    /// What is asked for, with an id for each line.
    pub(crate) fn asked(&self, mut line_id: impl FnMut() -> LineId) -> Asked {
        let line = |Line(variant, quantity, deal): &Line| AskedLine {
            id: line_id(),
            variant: *variant,
            quantity: *quantity,
            deal: deal.clone(),
        };
        Asked {
            currency: self.currency,
            lines: self.lines.iter().map(line).collect(),
            email: self.email.clone(),
            shipping_address: self.shipping_address.clone(),
            billing_address: self.billing_address.clone(),
            vat_id: self.vat_id.clone(),
            shipping_option: self.shipping_option.clone(),
            pickup_point: self.pickup_point.clone(),
            note: self.note.clone(),
        }
    }
}

/// What a draft is priced from.
pub(crate) struct Facts {
    offers: HashMap<VariantId, Offer>,
    settings: Arc<Settings>,
    now: Timestamp,
}

impl Facts {
    /// The facts about these variants.
    pub(crate) async fn of(app: &App, variants: &[VariantId], now: Timestamp) -> Reply<Self> {
        let (offers, settings) = app.store.draft_facts(variants, now).await?;
        Ok(Self { offers, settings, now })
    }

    /// The facts about what is in a draft.
    pub(crate) async fn about(app: &App, draft: &Draft, now: Timestamp) -> Reply<Self> {
        let variants: Vec<_> = draft.content.lines.iter().map(|line| line.variant).collect();
        Self::of(app, &variants, now).await
    }

    /// What is asked for, read against the catalogue.
    pub(crate) fn content(&self, id: DraftId, asked: Asked) -> Result<Content, Refusal> {
        Content::read(id, asked, &self.offers, &self.settings.shipping, self.now)
    }

    fn offers_of(&self, cart: &Cart) -> Vec<Option<Offer>> {
        cart.lines.iter().map(|line| self.offers.get(&line.variant).cloned()).collect()
    }

    /// What it would cost now.
    pub(crate) fn price_anew(&self, draft: &Draft) -> Result<PricedCart, Refusal> {
        let Settings { shipping, tax, .. } = &*self.settings;
        Ok(draft.price_anew(self.offers_of(&draft.content), shipping, tax, self.now)?)
    }

    /// The draft as it will stand after this write, or stands.
    pub(crate) fn show(&self, draft: &Draft, version: u64) -> Reply<DraftView> {
        let Settings { shipping, tax, .. } = &*self.settings;
        let offers = self.offers_of(&draft.content);
        // Nothing to send, or nowhere to send it to: there is no way.
        let options = draft.content.shipping_options(&offers, shipping, self.now);
        let options = options.unwrap_or_default();
        let priced = draft.price(offers, shipping, tax, self.now)?;
        let shown = Draft { version, ..draft.clone() };
        Ok(DraftView::of(&shown, priced, options, self.now))
    }
}

/// A draft.
pub(crate) async fn load(app: &App, id: DraftId) -> Reply<Draft> {
    app.store.draft(id).await?.ok_or_else(Problem::not_found)
}

/// The cart of a draft's last link.
pub(crate) async fn linked(app: &App, draft: &Draft) -> Reply<Option<Cart>> {
    match draft.cart_id {
        Some(cart) => Ok(app.store.cart(cart).await?),
        None => Ok(None),
    }
}

/// What the audit log learns of a change: where it stands, what is in it and what was agreed, never
/// for whom.
pub(crate) fn noted<P, I>(
    app: &App,
    call: &Call<Staff<P>, I>,
    action: &str,
    before: Option<&Draft>,
    after: &Draft,
) -> Reply<Event> {
    let told = |draft: &Draft| {
        let lines = draft.content.lines.iter();
        let lines = lines.map(|line| (line.sku.to_string(), json!(line.quantity.get())));
        let deals = draft.deals.iter().map(|deal| {
            let line = draft.content.lines.iter().find(|line| line.id == deal.line);
            json!({
                "sku": line.map(|line| line.sku.to_string()),
                "unit_price": deal.unit_price,
                "discount": deal.discount,
                "reason": deal.reason,
            })
        });
        json!({
            "status": draft.status.code(),
            "lines": Value::Object(lines.collect()),
            "deals": deals.collect::<Vec<_>>(),
        })
    };
    let states = (before.map_or(Value::Null, told), told(after));
    note(app, call, action, after.id, &states)
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use domain::audit::Actor;
    use domain::cart;
    use domain::draft::{Fresh, LINK_DAYS, Status};
    use domain::id::{CartId, OrderId, Ulid};
    use domain::order::{self, Order};
    use testkit::goods::{self, Good, MUG, SOCKS, TEMPLATE};

    use super::*;

    fn facts() -> Facts {
        let goods = goods::small(10);
        let offers = goods.products.into_iter().flat_map(|(_, offers)| offers);
        let settings = Settings::new(goods.shipping, goods.tax, goods.shop);
        let offers = offers.map(|offer| (offer.variant, offer)).collect();
        Facts { offers, settings: Arc::new(settings), now: Timestamp::UNIX_EPOCH }
    }

    fn line(good: Good, quantity: u32, deal: &Value) -> Value {
        let mut line = json!({"variant_id": good.variant(), "quantity": quantity});
        if !deal.is_null() {
            line["deal"] = deal.clone();
        }
        line
    }

    fn eur(amount: i64) -> Value {
        json!({"amount": amount, "currency": "EUR"})
    }

    /// A body that says all there is to say.
    fn body(lines: &[Value]) -> Value {
        json!({
            "currency": "EUR",
            "lines": lines,
            "email": "jane@example.org",
            "shipping_address": {"name": "Jane Roe", "line1": "Lindenstrasse 1",
                "city": "Berlin", "postal_code": "10969", "country": "DE"},
            "shipping_option_id": "home-standard",
        })
    }

    fn read(facts: &Facts, body: &Value) -> Result<Draft, Refusal> {
        let written: Option<Written> = api::form::read_value(body, "", &mut Vec::new());
        let mut number = 0;
        let line_id = || {
            number += 1;
            LineId::from_ulid(Ulid::from_parts(1, number))
        };
        let asked = written.unwrap().asked(line_id);
        let id = DraftId::from_ulid(Ulid::from_parts(1, 1));
        let content = facts.content(id, asked)?;
        Ok(Draft::begin(id, content, Actor::System, facts.now))
    }

    fn fresh(now: Timestamp) -> Fresh {
        let cart = CartId::from_ulid(Ulid::from_parts(2, 2));
        Fresh { cart, token_hash: "a".repeat(64), days: LINK_DAYS, now }
    }

    fn sent(facts: &Facts, draft: Draft) -> Result<(Draft, Cart), Refusal> {
        let priced = facts.price_anew(&draft)?;
        let changed = draft.send(None, priced, fresh(facts.now))?;
        Ok((changed.draft, changed.opened.unwrap()))
    }

    fn placed(facts: &Facts, cart: Cart, total: i64) -> Result<Order, cart::Refusal> {
        let Settings { shipping, tax, .. } = &*facts.settings;
        let on_offer = domain::promotion::OnOffer::default();
        let priced = cart.price(facts.offers_of(&cart), shipping, tax, &on_offer, facts.now)?;
        let fresh = order::Fresh {
            order: OrderId::from_ulid(Ulid::from_parts(3, 3)),
            payment: domain::id::PaymentId::from_ulid(Ulid::from_parts(3, 3)),
            number: "N".to_owned(),
            now: facts.now,
        };
        Order::place(cart, priced, Money::new(total, Currency::EUR), &fresh)
            .map(|placement| placement.order)
    }

    #[test]
    fn a_draft_has_lines_and_another_price_has_a_reason() {
        let deal = json!({"unit_price": eur(1000), "reason": "Scratched"});
        assert_eq!(flaws_of::<Written>(&body(&[line(MUG, 2, &deal)])), []);
        let of = |lines: Value| flaws_of::<Written>(&json!({"currency": "EUR", "lines": lines}));
        assert_eq!(of(json!([line(MUG, 1, &Value::Null)])), []);
        assert_eq!(of(json!([])), [("/lines".to_owned(), "required")]);
        let flaws = of(json!([line(MUG, 1, &json!({}))]));
        let wanted =
            [("/lines/0/deal/reason", "required"), ("/lines/0/deal/unit_price", "required")];
        assert_eq!(flaws, wanted.map(|(at, code)| (at.to_owned(), code)));
    }

    #[test]
    fn a_draft_costs_what_a_cart_costs_but_for_what_was_agreed() {
        let facts = facts();
        let total = |lines: &[Value]| {
            let draft = read(&facts, &body(lines)).unwrap();
            facts.price_anew(&draft).unwrap().priced.totals.total.amount()
        };
        assert_eq!(total(&[line(MUG, 2, &Value::Null)]), 2 * 1250 + 490);
        let cheaper = json!({"unit_price": eur(1000), "reason": "Scratched"});
        assert_eq!(total(&[line(MUG, 2, &cheaper)]), 2 * 1000 + 490);
        let off = json!({"discount": eur(300), "reason": "Late"});
        assert_eq!(total(&[line(MUG, 2, &off), line(SOCKS, 1, &Value::Null)]), 2200 + 800 + 490);
        let gift = json!({"discount": eur(1250), "reason": "A kindness"});
        assert_eq!(total(&[line(MUG, 1, &gift), line(SOCKS, 1, &Value::Null)]), 800 + 490);
    }

    #[test]
    fn what_can_not_be_is_refused_by_its_name() {
        let facts = facts();
        let refused = |lines: &[Value]| read(&facts, &body(lines)).unwrap_err().code();
        let too_much = json!({"discount": eur(1251), "reason": "Too kind"});
        assert_eq!(refused(&[line(MUG, 1, &too_much)]), "discount_too_large");
        let yen = json!({"unit_price": {"amount": 1, "currency": "JPY"}, "reason": "Yen"});
        assert_eq!(refused(&[line(MUG, 1, &yen)]), "currency_mismatch");
        let mug = || line(MUG, 1, &Value::Null);
        assert_eq!(refused(&[mug(), mug()]), "variant_twice");
        let unknown = json!({"variant_id": "var_01ARZ3NDEKTSV4RRFFQ69G5FAV", "quantity": 1});
        assert_eq!(refused(&[unknown]), "unknown_variant");
        let template = json!({"currency": "EUR", "lines": [line(TEMPLATE, 1, &Value::Null)],
            "shipping_option_id": "home-standard"});
        assert_eq!(read(&facts, &template).unwrap_err().code(), "shipping_not_needed");
    }

    #[test]
    fn what_could_not_be_ordered_is_not_sent() {
        let facts = facts();
        let refused = |without: &str| {
            let mut body = body(&[line(MUG, 1, &Value::Null)]);
            body.as_object_mut().unwrap().remove(without);
            if without == "shipping_address" {
                body.as_object_mut().unwrap().remove("shipping_option_id");
            }
            sent(&facts, read(&facts, &body).unwrap()).unwrap_err().code()
        };
        assert_eq!(refused("email"), "email_missing");
        assert_eq!(refused("shipping_address"), "address_missing");
        assert_eq!(refused("shipping_option_id"), "shipping_missing");
    }

    #[test]
    fn what_was_agreed_stands_whatever_the_catalogue_says() {
        let mut facts = facts();
        let draft = read(&facts, &body(&[line(MUG, 2, &Value::Null)])).unwrap();
        let (draft, cart) = sent(&facts, draft).unwrap();
        assert_eq!(draft.status, Status::Sent);
        for offer in facts.offers.values_mut() {
            offer.prices.values_mut().for_each(|price| *price += 100);
        }
        let order = placed(&facts, cart.clone(), 2990).unwrap();
        assert_eq!((order.totals.total.amount(), order.draft), (2990, Some(draft.id)));
        assert_eq!(order.lines[0].unit_price.amount(), 1250);
        // Nobody changes it, and nobody orders it for less.
        assert_eq!(cart.clone().changeable(facts.now).unwrap_err().code(), "cart_agreed");
        assert_eq!(placed(&facts, cart.clone(), 1).unwrap_err().code(), "total_changed");
        // What is not for sale any more is not sold, agreed or not.
        for offer in facts.offers.values_mut() {
            offer.is_active = false;
        }
        let gone = placed(&facts, cart.clone(), 2990).unwrap_err();
        assert_eq!(gone.code(), "variant_unavailable");
        let good_for = jiff::SignedDuration::from_hours(i64::from(LINK_DAYS) * 24);
        facts.now = facts.now.checked_add(good_for).unwrap();
        assert_eq!(placed(&facts, cart, 2990).unwrap_err().code(), "pay_link_expired");
    }

    #[test]
    fn a_change_closes_the_link_and_an_order_keeps_it() {
        let facts = facts();
        let draft = read(&facts, &body(&[line(MUG, 2, &Value::Null)])).unwrap();
        let (draft, cart) = sent(&facts, draft).unwrap();
        let off = draft.clone().cancel(Some(cart.clone()), facts.now).unwrap();
        assert_eq!(off.draft.status, Status::Canceled);
        let closed = off.closed.unwrap();
        assert_eq!(placed(&facts, closed, 2990).unwrap_err().code(), "pay_link_withdrawn");
        let again = off.draft.cancel(None, facts.now).unwrap_err();
        assert_eq!(again.code(), "draft_canceled");
        let order_id = OrderId::from_ulid(Ulid::from_parts(4, 4));
        for status in [cart::Status::Completing { order_id }, cart::Status::Completed { order_id }]
        {
            let bought = Cart { status, ..cart.clone() };
            let late = draft.clone().cancel(Some(bought), facts.now).unwrap_err();
            assert_eq!(late, Refusal::Ordered { order_id });
        }
    }
}
