//! The one way in which a cart is changed: load, decide, save, answer. Nothing leaves before the
//! save, so a lost race is simply run again.

use api::form::{Fields, Form, cart_id, line_id};
use api::view::cart::CartView;
use api::{CartOwner, Metered, Problem, Reply};
use domain::cart::{Cart, Refusal};
use domain::id::{CartId, LineId, VariantId};
use domain::promotion::in_cart::Promoted;
use jiff::Timestamp;
use runtime::{Call, Tally};
use store::cart::Counted;
use store::limit::Bucket;
use store::promotion::Wanted;
use store::{CartFacts, Saved};

use crate::App;

/// How often a lost race is run again before the caller is asked to.
const RACES_MAX: usize = 5;

/// Which line of which cart.
#[derive(Debug)]
pub struct WhichLine {
    pub(crate) id: CartId,
    pub(crate) line_id: LineId,
}

impl Form for WhichLine {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let id = fields.required("id", cart_id());
        let line_id = fields.required("line_id", line_id());
        Some(Self { id: id?, line_id: line_id? })
    }
}

/// The caller's cart; somebody else's is not there.
pub(crate) async fn load(app: &App, id: CartId, who: &CartOwner) -> Reply<Cart> {
    let cart = app.store.cart(id).await?.filter(|cart| who.owns(cart));
    cart.ok_or_else(Problem::not_found)
}

/// The offers of a cart's lines, and of one more variant.
pub(crate) async fn facts(
    app: &App,
    cart: &Cart,
    extra: Option<VariantId>,
    now: Timestamp,
) -> Reply<CartFacts> {
    let variants: Vec<_> = cart.lines.iter().map(|line| line.variant).chain(extra).collect();
    Ok(app.store.cart_facts(&variants, &Wanted::by(cart), now).await?)
}

/// The cart as its owner sees it.
pub(crate) fn show(cart: &Cart, facts: &CartFacts) -> Reply<CartView> {
    Ok(CartView::of(cart, facts.price(cart)?))
}

/// Whose turn it is to change which cart.
pub(crate) struct Turn<'a> {
    id: CartId,
    who: &'a CartOwner,
    now: Timestamp,
    toll: Option<Bucket>,
    standing: &'a Tally,
}

impl<'a> Turn<'a> {
    /// A call's turn.
    pub(crate) fn of<I>(call: &'a Call<Metered<CartOwner>, I>, id: CartId) -> Self {
        let toll = call.toll.clone();
        Self { id, who: &call.who.0, now: call.now, toll, standing: &call.standing }
    }
}

/// Loads, decides, saves, answers: at most three round trips where nobody is in the way.
pub(crate) async fn change(
    app: &App,
    turn: Turn<'_>,
    extra: Option<VariantId>,
    decide: impl Fn(Cart, &CartFacts) -> Result<Cart, Refusal> + Send + Sync,
) -> Reply<CartView> {
    let Turn { id, who, now, mut toll, standing } = turn;
    for _ in 0..RACES_MAX {
        let cart = load(app, id, who).await?.changeable(now)?;
        if let Some(toll) = &mut toll {
            toll.guess(cart.version, cart.created_at, cart.updated_at);
        }
        let facts = facts(app, &cart, extra, now).await?;
        let mut cart = decide(cart, &facts)?;
        // A cart that can not be shown is not saved.
        show(&cart, &facts)?;
        if counted(app.store.save_cart(&mut cart, toll.as_mut(), now).await?)? == Saved::Yes {
            if let Some(toll) = &toll {
                standing.note(toll.standing(now));
            }
            return show(&cart, &facts);
        }
    }
    Err(Problem::unavailable())
}

/// Changes what the facts hang on, in the same way: the codes of a cart, or who buys. They are read
/// for the changed cart; `may` has the last word.
pub(crate) async fn edit(
    app: &App,
    turn: Turn<'_>,
    decide: impl Fn(Cart) -> Result<Cart, Refusal> + Send + Sync,
    may: impl Fn(&Promoted) -> Result<(), Refusal> + Send + Sync,
) -> Reply<CartView> {
    let Turn { id, who, now, mut toll, standing } = turn;
    for _ in 0..RACES_MAX {
        let cart = load(app, id, who).await?.changeable(now)?;
        if let Some(toll) = &mut toll {
            toll.guess(cart.version, cart.created_at, cart.updated_at);
        }
        let mut cart = decide(cart)?;
        let facts = facts(app, &cart, None, now).await?;
        may(&facts.price(&cart)?.promoted)?;
        if counted(app.store.save_cart(&mut cart, toll.as_mut(), now).await?)? == Saved::Yes {
            if let Some(toll) = &toll {
                standing.note(toll.standing(now));
            }
            return show(&cart, &facts);
        }
    }
    Err(Problem::unavailable())
}

/// What became of a counted write; who wrote too often is told when to come back.
pub(crate) fn counted(counted: Counted) -> Reply<Saved> {
    match counted {
        Counted::Yes => Ok(Saved::Yes),
        Counted::Raced => Ok(Saved::Raced),
        Counted::TooOften(standing) => {
            Err(api::headers::limited(Problem::too_many(&standing), &standing))
        }
    }
}

#[cfg(test)]
pub(crate) mod samples {
    //! A guest's cart in the small shop.

    use std::collections::HashMap;

    use domain::cart::{Owner, Quantity};
    use domain::catalog::Offer;
    use domain::currency::Currency;
    use store::Settings;
    use testkit::goods::{self, Good};

    use super::*;

    pub(crate) fn facts() -> CartFacts {
        let goods = goods::small(10);
        let offers = goods.products.into_iter().flat_map(|(_, offers)| offers);
        let offers: HashMap<VariantId, Offer> =
            offers.map(|offer| (offer.variant, offer)).collect();
        let settings = Settings::new(goods.shipping, goods.tax, goods.shop);
        let settings = std::sync::Arc::new(settings);
        let on_offer = domain::promotion::OnOffer::default();
        let (locations, now) = (domain::location::Locations::default(), Timestamp::UNIX_EPOCH);
        CartFacts { offers, settings, on_offer, locations, now }
    }

    pub(crate) fn cart(facts: &CartFacts, good: Good, line: &str) -> Cart {
        let id = CartId::parse("cart_01ARZ3NDEKTSV4RRFFQ69G5FAV").unwrap();
        let owner = Owner::Token("0".repeat(64));
        let cart = Cart::open(id, owner, Currency::EUR, Timestamp::UNIX_EPOCH);
        let offer = &facts.offers[&VariantId::parse(&good.variant()).unwrap()];
        let quantity = Quantity::new(2).unwrap();
        cart.add(offer, quantity, LineId::parse(line).unwrap(), facts.now).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use api::form::read_value;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_cart_and_its_line_are_named_by_well_formed_ids() {
        let flaws = |id: &str, line_id: &str| {
            let mut flaws = Vec::new();
            let path = json!({"id": id, "line_id": line_id});
            let _form: Option<WhichLine> = read_value(&path, "/path", &mut flaws);
            flaws.into_iter().map(|flaw| flaw.pointer).collect::<Vec<_>>()
        };
        let (cart, line) = ("cart_01ARZ3NDEKTSV4RRFFQ69G5FAV", "li_01ARZ3NDEKTSV4RRFFQ69G5FAV");
        assert!(flaws(cart, line).is_empty());
        assert_eq!(flaws(line, cart), ["/path/id", "/path/line_id"]);
        assert_eq!(flaws(&cart.to_lowercase(), line), ["/path/id"]);
    }
}
