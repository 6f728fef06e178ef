//! What is given for what came back: which goods, and what they cost today.

use api::form::{Integer, ListOf, Nested, sku};
use api::{Fields, Form, Reply};
use domain::cart::{Cart, PricedCart, QUANTITY_MAX, Quantity};
use domain::catalog::{Offer, Sku};
use domain::id::{CartId, LineId};
use domain::refund::Wanted;
use domain::returns::Return;
use domain::returns::exchange::{REPLACEMENTS_MAX, Refusal, Replacement, cart, fill};
use jiff::Timestamp;
use store::CartFacts;
use store::order::OrderFile;

use crate::App;

/// Units of a SKU.
#[derive(Debug)]
pub(crate) struct OneReplacement(pub(crate) Replacement);

impl Form for OneReplacement {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let sku = fields.required("sku", sku());
        let quantity = fields.required("quantity", Integer::between(1, i64::from(QUANTITY_MAX)));
        let quantity = Quantity::new(u32::try_from(quantity?).ok()?)?;
        Some(Self(Replacement { sku: sku?, quantity }))
    }
}

/// Reads goods that are given, or wished for.
#[expect(clippy::option_option, reason = "the outer one is whether it is well formed")]
pub(crate) fn replacements(
    fields: &mut Fields<'_>,
    name: &'static str,
) -> Option<Option<Vec<Replacement>>> {
    let form = Nested::<OneReplacement>::form();
    let list = ListOf::some_up_to(REPLACEMENTS_MAX, form, "Nothing is named.");
    let named = fields.optional(name, list)?;
    Some(named.map(|all| all.into_iter().map(|OneReplacement(one)| one).collect()))
}

/// Goods as they would be given today.
pub(crate) struct Draft {
    /// For which units, as a refund of them would say it.
    pub(crate) wanted: Wanted,
    /// What pricing knows.
    pub(crate) facts: CartFacts,
    /// The goods.
    pub(crate) cart: Cart,
    /// What they cost.
    pub(crate) priced: PricedCart,
}

/// Prices the goods that are named, or those that the buyer would like.
pub(crate) async fn draft(
    app: &App,
    (file, before): (&OrderFile, &Return),
    wanted: Wanted,
    named: Option<&[Replacement]>,
    now: Timestamp,
) -> Reply<Draft> {
    let goods = named.unwrap_or(&before.wish);
    if goods.is_empty() {
        return Err(Refusal::NothingWanted.into());
    }
    let skus: Vec<Sku> = goods.iter().map(|one| one.sku.clone()).collect();
    let variants = app.store.variants_of_skus(&skus).await?;
    let ids: Vec<_> = variants.values().copied().collect();
    let facts = app.store.replacement_facts(&ids, now).await?;
    let offer = |sku: &Sku| -> Option<Offer> { facts.offers.get(variants.get(sku)?).cloned() };
    let empty = cart(&file.order, CartId::from_ulid(app.ids.ulid(now)), now);
    let line = || LineId::from_ulid(app.ids.ulid(now));
    let cart = fill(empty, goods, offer, line, now)?;
    let priced = facts.price(&cart)?;
    Ok(Draft { wanted, facts, cart, priced })
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn goods_are_named_by_their_sku() {
        assert_eq!(flaws_of::<OneReplacement>(&json!({"sku": "MUG-BLUE", "quantity": 2})), []);
        let wrong = flaws_of::<OneReplacement>(&json!({"sku": "a mug", "quantity": 0}));
        let wanted = [("/sku".to_owned(), "malformed"), ("/quantity".to_owned(), "out_of_range")];
        assert_eq!(wrong, wanted);
    }
}
