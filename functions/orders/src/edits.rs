//! What the endpoints of edits share: what is asked for, what it is decided from, and the one write
//! that applies it.

use api::form::{Integer, ListOf, Nested, Text, order_id, order_line_id, sku};
use api::{Fields, Form, OrderReader, Problem, Reply, Staff};
use domain::allocation::Allocation;
use domain::audit::Actor;
use domain::cart::{Cart, QUANTITY_MAX, Quantity, Refusal as CartRefusal, Shortage};
use domain::catalog::{Offer, Sku};
use domain::event::{Event, Fact, Letter, Message};
use domain::fault::Fault;
use domain::gift_card::{self, CODE_BYTES, Code};
use domain::id::{
    CartId, EventId, GiftCardId, GiftEntryId, LineId, MessageId, OrderId, OrderLineId, PaymentId,
    RefundId, StaffId, VariantId,
};
use domain::money::Money;
use domain::order::{self, Order};
use domain::order_edit::{
    ADDITIONS_MAX, Added, Addition, Decided, EDITS_MAX, Edit, Goods, Of, REMOVALS_MAX, Refusal,
};
use domain::refund::{self, REASON_CHARS_MAX};
use domain::returns::exchange::{Fresh, Replacement};
use domain::stock::Place;
use jiff::Timestamp;
use runtime::Call;
use serde_json::{Value, json};
use settlement::{Search, event, say_changed};
use store::idempotency::{Answer, Claim};
use store::order::OrderFile;
use store::order_edit::{Application, Applied};
use store::refund::Move;
use store::stock::Lack;
use store::{CartFacts, Saved};

use crate::App;
use crate::desk::note;

/// Units of a line: far more than a cart holds.
const UNITS_MAX: i64 = 100_000;
/// The most that staff may say one unit costs, in minor units.
const PRICE_MAX: i64 = 1_000_000_000;
/// How often units are looked for somewhere else after somebody was faster.
const SEARCHES_MAX: usize = 16;

/// Which edit of which order.
#[derive(Debug, Clone, Copy)]
pub struct WhichEdit {
    pub(crate) id: OrderId,
    pub(crate) number: u32,
}

impl Form for WhichEdit {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let id = fields.required("id", order_id());
        let number = fields.required("number", Integer::between(1, i64::from(EDITS_MAX)));
        Some(Self { id: id?, number: u32::try_from(number?).ok()? })
    }
}

/// Units of a line that are taken off.
#[derive(Debug)]
struct Removal(OrderLineId, u32);

impl Form for Removal {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let line = fields.required("line_id", order_line_id());
        let quantity = fields.required("quantity", Integer::between(1, UNITS_MAX));
        Some(Self(line?, u32::try_from(quantity?).ok()?))
    }
}

/// A price that staff say: nothing, or more.
#[derive(Debug)]
struct Price(Money);

impl Form for Price {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let amount = fields.required("amount", Integer::between(0, PRICE_MAX));
        let currency = fields.required("currency", api::form::currency());
        Some(Self(Money::new(amount?, currency?)))
    }
}

/// Units of a good that is added.
#[derive(Debug)]
struct OneAddition(Addition);

impl Form for OneAddition {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let sku = fields.required("sku", sku());
        let quantity = fields.required("quantity", Integer::between(1, i64::from(QUANTITY_MAX)));
        let unit_price = fields.optional("unit_price", Nested::<Price>::form());
        let quantity = Quantity::new(u32::try_from(quantity?).ok()?)?;
        let goods = Replacement { sku: sku?, quantity };
        let unit_price = unit_price?.map(|Price(money)| money);
        Some(Self(Addition { goods, unit_price }))
    }
}

/// What is to change: units that are taken off, goods that are added.
#[derive(Debug)]
pub struct Wanted {
    pub(crate) removals: Vec<(OrderLineId, u32)>,
    pub(crate) additions: Vec<Addition>,
}

impl Form for Wanted {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let removals = ListOf::up_to(REMOVALS_MAX, Nested::<Removal>::form());
        let removals = fields.optional("removals", removals);
        let additions = ListOf::up_to(ADDITIONS_MAX, Nested::<OneAddition>::form());
        let additions = fields.optional("additions", additions);
        let parts = ["removals", "additions"];
        fields.either(&parts, "Nothing is taken off and nothing is added.");
        let removals = removals?.unwrap_or_default();
        let additions = additions?.unwrap_or_default();
        Some(Self {
            removals: removals.into_iter().map(|Removal(line, units)| (line, units)).collect(),
            additions: additions.into_iter().map(|OneAddition(one)| one).collect(),
        })
    }
}

/// Which of an order's edits a buyer answers.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) number: u32,
    pub(crate) reason: Option<String>,
}

/// That a buyer says yes.
#[derive(Debug)]
pub struct Yes(pub(crate) Answered);

impl Form for Yes {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let number = fields.required("number", Integer::between(1, i64::from(EDITS_MAX)));
        Some(Self(Answered { number: u32::try_from(number?).ok()?, reason: None }))
    }
}

/// That a buyer says no, and perhaps why.
#[derive(Debug)]
pub struct No(pub(crate) Answered);

impl Form for No {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let number = fields.required("number", Integer::between(1, i64::from(EDITS_MAX)));
        let reason = fields.optional("reason", Text::between(1, REASON_CHARS_MAX));
        Some(Self(Answered { number: u32::try_from(number?).ok()?, reason: reason? }))
    }
}

/// An order as what is decided about it needs it.
pub(crate) fn of(file: &OrderFile) -> Of<'_> {
    let (order, parcels, refunds) = (&file.order, &file.parcels[..], &file.refunds[..]);
    Of { order, parcels, payment: file.payment(), refunds }
}

/// An edit that staff name.
pub(crate) fn find(file: &OrderFile, number: u32) -> Reply<Edit> {
    let found = file.edits.iter().find(|edit| edit.number == number);
    found.cloned().ok_or_else(Problem::not_found)
}

/// The last edit that this buyer may see: whoever bought with an account sees all that were sent,
/// whoever has a link the one that it was mailed for. All else is not there.
pub(crate) fn seen(file: &OrderFile, who: &OrderReader) -> Reply<Edit> {
    let is_buyer = who.customer.is_some_and(|one| file.order.customer == Some(one.id));
    let is_theirs =
        |edit: &&Edit| edit.token_hash.as_deref().is_some_and(|hash| is_buyer || who.shows(hash));
    let found = file.edits.iter().rev().find(is_theirs);
    found.cloned().ok_or_else(Problem::not_found)
}

/// Who a buyer is, for the record.
pub(crate) fn actor(who: &OrderReader) -> Actor {
    who.customer.map_or(Actor::Nobody, |customer| Actor::Customer(customer.id))
}

/// What an edit is priced from, with its goods.
pub(crate) struct Basket {
    pub(crate) facts: CartFacts,
    pub(crate) goods: Option<Goods>,
}

/// Prices what is to be added by the catalogue of this moment.
pub(crate) async fn basket(
    app: &App,
    file: &OrderFile,
    (additions, reason): (&[Addition], &str),
    now: Timestamp,
) -> Reply<Basket> {
    let skus: Vec<Sku> = additions.iter().map(|one| one.goods.sku.clone()).collect();
    let variants = app.store.variants_of_skus(&skus).await?;
    let ids: Vec<VariantId> = variants.values().copied().collect();
    let facts = app.store.replacement_facts(&ids, now).await?;
    let offer = |sku: &Sku| -> Option<Offer> { facts.offers.get(variants.get(sku)?).cloned() };
    let cart = CartId::from_ulid(app.ids.ulid(now));
    let line = || LineId::from_ulid(app.ids.ulid(now));
    let with = (&facts.settings.shipping, &facts.settings.tax, now);
    let goods = Goods::read(&file.order, cart, (additions, reason), offer, line, with)?;
    Ok(Basket { facts, goods })
}

/// What was agreed on, as goods of this moment.
async fn again(app: &App, file: &OrderFile, edit: &Edit, now: Timestamp) -> Reply<Basket> {
    let lines = edit.added.iter().flat_map(|agreed| &agreed.lines);
    let ids: Vec<VariantId> = lines.map(|line| line.variant).collect();
    let facts = app.store.replacement_facts(&ids, now).await?;
    let cart = CartId::from_ulid(app.ids.ulid(now));
    let offer = |variant| facts.offers.get(&variant).cloned();
    let goods = edit.added.as_ref();
    let goods = goods.map(|agreed| Goods::again(&file.order, cart, agreed, offer, now));
    Ok(Basket { facts, goods })
}

/// What of the goods is not there, where units are looked for before anything is held.
pub(crate) async fn shortages(
    app: &App,
    basket: &Basket,
    decided: &Decided,
) -> Reply<Vec<Shortage>> {
    let (Some(goods), Some(added)) = (&basket.goods, &decided.added) else {
        return Ok(Vec::new());
    };
    let order = &added.placement.order;
    let mut search = Search::begin(&basket.facts, &goods.cart);
    let chance = order.id.ulid();
    for _ in 0..SEARCHES_MAX {
        let places = match search.choose(&app.store, order, chance).await? {
            Ok(places) => places,
            Err(short) => return Ok(short),
        };
        // A search believes the one place that there is; a look does not.
        let at: Vec<Place> = places.iter().map(|one| one.place.clone()).collect();
        let levels = app.store.levels_at(&at).await?;
        let lack = |one: &Allocation| {
            let level = levels.iter().find(|level| level.place == one.place);
            let (wanted, available) = (one.quantity, level.map_or(0, |level| level.available));
            let place = one.place.clone();
            (available < i64::from(wanted)).then_some(Lack {
                place,
                wanted,
                available,
                shards: None,
            })
        };
        let lacks: Vec<Lack> = places.iter().filter_map(lack).collect();
        if lacks.is_empty() {
            return Ok(Vec::new());
        }
        search.learn(lacks);
    }
    Ok(Vec::new())
}

/// Units that are not there, as a cart would be told.
pub(crate) fn short(shortages: Vec<Shortage>) -> Problem {
    CartRefusal::InsufficientStock(shortages).into()
}

/// What only the outside gives to an edit.
pub(crate) fn fresh(
    app: &App,
    shop: &domain::shop::Shop,
    (by, responsible): (Actor, Option<StaffId>),
    reason: &str,
    now: Timestamp,
) -> Fresh {
    let ulid = app.ids.ulid(now);
    let mut random = [0; CODE_BYTES];
    for (slot, byte) in random.iter_mut().zip(app.ids.salt()) {
        *slot = byte;
    }
    let number = app.ids.order_number(&shop.order_number);
    let (order, payment) = (OrderId::from_ulid(ulid), PaymentId::from_ulid(ulid));
    let id = RefundId::from_ulid(app.ids.ulid(now));
    let entry = GiftEntryId::from_ulid(app.ids.ulid(now));
    Fresh {
        order: order::Fresh { order, payment, number, now },
        refund: refund::Fresh { id, by, reason: Some(reason.to_owned()), now },
        card: GiftCardId::from_ulid(ulid),
        code: Code::issue(random),
        entry: gift_card::Fresh { entry, by: responsible, now },
    }
}

/// An event that is said once: whoever says it has closed the edit, which nobody can do twice.
pub(crate) fn said(app: &App, fact: Fact, now: Timestamp) -> Event {
    Event { id: EventId::from_ulid(app.ids.ulid(now)), at: now, sequence: 1, fact }
}

/// A letter to the order's buyer.
pub(crate) fn letter(app: &App, order: &Order, letter: Letter, now: Timestamp) -> Event {
    let ulid = app.ids.ulid(now);
    let message = Message { id: MessageId::from_ulid(ulid), to: order.email.clone(), letter };
    let fact = Fact::MessageRequested { message };
    Event { id: EventId::from_ulid(ulid), at: now, sequence: 1, fact }
}

/// That an edit came to nothing.
pub(crate) fn closing(app: &App, edit: &Edit, now: Timestamp) -> Event {
    let (order_id, number, status) = (edit.order, edit.number, edit.status);
    said(app, Fact::OrderEditClosed { order_id, number, status }, now)
}

/// What the audit log learns of an edit: never what was told to whom.
pub(crate) fn noted<P, I>(
    app: &App,
    call: &Call<Staff<P>, I>,
    action: &str,
    (before, after): (Option<&Edit>, &Edit),
) -> Reply<Event> {
    let told = |edit: &Edit| {
        let removed: u32 = edit.removed.iter().map(|one| one.quantity).sum();
        let added = edit.added.iter().flat_map(|agreed| &agreed.lines);
        let added = added.map(|line| (line.sku.to_string(), json!(line.quantity.get())));
        json!({
            "edit": edit.number,
            "status": edit.status.code(),
            "removed_units": removed,
            "added": Value::Object(added.collect()),
            "due": edit.sums.due,
            "back": edit.sums.back,
        })
    };
    let states = (before.map_or(Value::Null, told), told(after));
    note(app, call, action, after.order, &states)
}

/// Who applies an edit, and how.
pub(crate) struct Applying<'a> {
    /// Who says yes.
    pub(crate) by: Actor,
    /// Whether that is the buyer.
    pub(crate) is_buyer: bool,
    /// What is written with it.
    pub(crate) event: Option<Event>,
    /// The claim of the idempotency key.
    pub(crate) claim: Option<&'a Claim>,
}

/// An edit that was applied.
pub(crate) struct Done {
    /// As it was written.
    pub(crate) edit: Edit,
    /// What opens the order of what was added.
    pub(crate) order_token: Option<String>,
}

/// Applies an edit as it was loaded; none where somebody else was faster. One that does not fit its
/// order any more is closed, and its proposer told.
pub(crate) async fn apply(
    app: &App,
    (file, edit): (&OrderFile, &Edit),
    applying: Applying<'_>,
    answer: impl Fn(&Done) -> Answer + Send + Sync,
    now: Timestamp,
) -> Reply<Option<Done>> {
    edit.is_open(now)?;
    let basket = again(app, file, edit, now).await?;
    let shop = &basket.facts.settings.shop;
    let fresh = fresh(app, shop, (applying.by, Some(edit.responsible)), &edit.reason, now);
    let goods = basket.goods.clone();
    let decided = match edit.decide(of(file), goods, applying.is_buyer, fresh) {
        Ok(decided) => decided,
        Err(refusal) if refusal.is_final() => return supersede(app, edit, now).await,
        Err(refusal) => return Err(refusal.into()),
    };
    let made = decided.made();
    let after = edit.clone().applied(made, applying.by, now);
    write(app, (file, after), (basket, decided), applying, answer, now).await
}

/// Closes what does not fit any more, and says so.
async fn supersede(app: &App, edit: &Edit, now: Timestamp) -> Reply<Option<Done>> {
    let after = edit.clone().supersede(now);
    let events = [closing(app, &after, now)];
    match app.store.save_edits(&[&after], &events, None).await? {
        Saved::Yes => Err(Refusal::Superseded.into()),
        Saved::Raced => Ok(None),
    }
}

async fn write(
    app: &App,
    (file, edit): (&OrderFile, Edit),
    (basket, decided): (Basket, Decided),
    applying: Applying<'_>,
    answer: impl Fn(&Done) -> Answer + Send + Sync,
    now: Timestamp,
) -> Reply<Option<Done>> {
    let Decided { order, mut changed, added, .. } = decided;
    let mut first = changed.as_ref().map_or(order, |changed| changed.order.clone());
    let mut events: Vec<Event> = applying.event.into_iter().collect();
    if !edit.removed.is_empty() {
        let fact = first.say_lines_canceled();
        events.push(event(&first, fact, now));
    }
    if let Some(changed) = &mut changed {
        changed.order = first;
        events.extend(say_changed(changed, now));
        first = changed.order.clone();
    }
    let mut added = added;
    let mut order_token = None;
    if let Some(Added { placement, .. }) = &mut added {
        let shop = &basket.facts.settings.shop;
        let facts = std::mem::take(&mut placement.facts);
        events.extend(facts.into_iter().map(|fact| event(&placement.order, fact, now)));
        if let Some(payment) = &mut placement.payment {
            // What the merchant has decided by now holds for this payment for good.
            payment.capture = shop.payments.capture;
            payment.redirect = shop.payments.redirect();
        }
        let token = app.ids.token();
        placement.order.admit(api::seal::token_hash(&token));
        order_token = Some(token);
    }
    let way = order_token.clone().filter(|_| edit.costs_more());
    let told = Letter::OrderEdited { order_id: first.id, number: edit.number, token: way };
    events.push(letter(app, &first, told, now));
    let done = Done { edit, order_token };
    let answer = answer(&done);
    let goods = basket.goods.as_ref().map(|goods| &goods.cart);
    let mut search = goods.map(|cart: &Cart| Search::begin(&basket.facts, cart));
    for _ in 0..SEARCHES_MAX {
        if let (Some(search), Some(added)) = (&mut search, &mut added) {
            let order = &mut added.placement.order;
            let places = search.choose(&app.store, order, order.id.ulid()).await?;
            order.reservation.allocations = places.map_err(short)?;
        }
        let changed = changed.as_ref();
        let application = Application {
            step: Move {
                before: &file.order,
                order: &first,
                payment: changed.and_then(|changed| changed.payment.as_ref()),
                refund: changed.map(|changed| &changed.refund),
                entry: changed.and_then(|changed| changed.entry.as_ref()),
                events: &events,
                remembered: applying.claim.map(|claim| (claim, &answer)),
            },
            edit: &done.edit,
            added: added.as_ref().map(|added| (&added.placement.order, added)),
        };
        match app.store.apply_edit(&application).await? {
            Applied::Yes => return Ok(Some(done)),
            Applied::Raced => return Ok(None),
            Applied::Short(lacks) => match &mut search {
                Some(search) => search.learn(lacks),
                None => return Ok(None),
            },
        }
    }
    Err(Problem::unavailable())
}

/// Closes an edit that time has closed, if it is still open.
pub(crate) async fn expire(app: &App, listed: &Edit, now: Timestamp) -> Result<bool, Fault> {
    let Some(file) = app.store.order(listed.order).await? else { return Ok(false) };
    let found = file.edits.into_iter().find(|edit| edit.number == listed.number);
    let Some(after) = found.and_then(|edit| edit.expire(now)) else { return Ok(false) };
    let events = [closing(app, &after, now)];
    Ok(app.store.save_edits(&[&after], &events, None).await? == Saved::Yes)
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;

    use super::*;

    const LINE: &str = "oli_01ARZ3NDEKTSV4RRFFQ69G5FAV";

    #[test]
    fn an_edit_takes_something_off_or_adds_something() {
        let removal = json!({"line_id": LINE, "quantity": 1});
        let addition = json!({"sku": "MUG-BLUE", "quantity": 2,
            "unit_price": {"amount": 0, "currency": "EUR"}});
        let body = json!({"removals": [removal], "additions": [addition]});
        assert_eq!(flaws_of::<Wanted>(&body), []);
        assert_eq!(flaws_of::<Wanted>(&json!({"additions": [addition]})), []);
        let nothing = [("/removals".to_owned(), "required")];
        assert_eq!(flaws_of::<Wanted>(&json!({})), nothing);
        let wrong = json!({"removals": [{"line_id": LINE, "quantity": 0}],
            "additions": [{"sku": "a mug", "quantity": 1}]});
        let wanted = [
            ("/removals/0/quantity".to_owned(), "out_of_range"),
            ("/additions/0/sku".to_owned(), "malformed"),
        ];
        assert_eq!(flaws_of::<Wanted>(&wrong), wanted);
    }

    #[test]
    fn a_buyer_names_what_they_say_yes_or_no_to() {
        assert_eq!(flaws_of::<Yes>(&json!({"number": 1})), []);
        assert_eq!(flaws_of::<Yes>(&json!({})), [("/number".to_owned(), "required")]);
        assert_eq!(flaws_of::<No>(&json!({"number": 1, "reason": "Too dear"})), []);
        let why = flaws_of::<Yes>(&json!({"number": 1, "reason": "Too dear"}));
        assert_eq!(why, [("/reason".to_owned(), "unknown_field")]);
    }
}
