//! What carriers ask for a cart's parcel. It is decoration: it has a second and a half, and without
//! it the shop's own price holds.

use std::time::Duration;

use domain::carrier::{Packed, Quote};
use domain::cart::Cart;
use domain::fault::Fault;
use domain::shipping::ShippingTable;
use store::CartFacts;
use tokio::time::timeout;

use crate::App;

/// How long a shopper waits for carriers.
const WITHIN: Duration = Duration::from_millis(1_500);

/// Asks the carriers, where the table wants it; nothing where they do not answer in time.
///
/// Goods of several shipping profiles are several parcels: then the table's prices hold, which know
/// each of them.
pub(crate) async fn ask(app: &App, cart: &Cart, facts: &CartFacts) -> Option<Quote> {
    let packed = packed(cart, facts)?;
    match timeout(WITHIN, rates(app, cart, facts, &packed)).await {
        Ok(Ok(quote)) => quote,
        Ok(Err(fault)) => {
            tracing::warn!(fault = %fault, "the shop's own prices hold: carriers failed");
            None
        }
        Err(_) => {
            tracing::warn!("the shop's own prices hold: carriers did not answer in time");
            None
        }
    }
}

/// The one parcel of a cart that goes where a carrier has to be asked.
fn packed(cart: &Cart, facts: &CartFacts) -> Option<Packed> {
    let table: &ShippingTable = &facts.settings.shipping;
    let to = cart.shipping_address.as_ref()?;
    if table.ship_from().is_none() || !table.asks_carriers(&to.destination()) {
        return None;
    }
    let shipment = cart.shipment(&facts.offers_of(cart), facts.now).ok()??;
    let is_one = shipment.parcels.len() == 1;
    is_one.then(|| Packed { weight_grams: shipment.load().weight_grams, size_mm: None })
}

async fn rates(
    app: &App,
    cart: &Cart,
    facts: &CartFacts,
    packed: &Packed,
) -> Result<Option<Quote>, Fault> {
    let Some(post) = &app.post else { return Ok(None) };
    let (from, to) = (facts.settings.shipping.ship_from(), cart.shipping_address.as_ref());
    let (Some(from), Some(to)) = (from, to) else { return Ok(None) };
    let Some(carrier) = post.carrier(facts.now).await? else { return Ok(None) };
    carrier.rates(packed, from, to, WITHIN).await.map(Some)
}

#[cfg(test)]
mod tests {
    use testkit::goods::MUG;

    use super::*;
    use crate::change::samples;

    #[test]
    fn a_table_without_carriers_asks_nobody() {
        let facts = samples::facts();
        let cart = samples::cart(&facts, MUG, "li_01ARZ3NDEKTSV4RRFFQ69G5FAV");
        assert_eq!(packed(&cart, &facts), None);
    }
}
