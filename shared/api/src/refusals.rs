//! How the domain's refusals are said over HTTP: one place for statuses and sentences.

use std::sync::Arc;

use domain::fault::{Fault, Retry};
use domain::promotion::in_cart;
use domain::{
    api_key, cart, gift_card, key_pool, location, media, order, promotion, refund, staff, synonym,
    transfer,
};
use http::StatusCode;
use serde_json::json;

use crate::problem::{Flaw, Problem};

mod capture;
mod catalog;
mod dispute;
mod draft;
mod exchange;
mod fulfillment;
mod letters;
mod line_cancel;
mod order_edit;
mod privacy;
mod readdressing;
mod returns;
mod webhook;

impl From<synonym::Refusal> for Problem {
    fn from(refusal: synonym::Refusal) -> Self {
        let code = refusal.code();
        match refusal {
            synonym::Refusal::Alone(at) => {
                let detail = "A group needs two different words or phrases.";
                Self::invalid(vec![Flaw::new(format!("/groups/{at}"), code, detail)])
            }
        }
    }
}

impl From<media::Refusal> for Problem {
    fn from(refusal: media::Refusal) -> Self {
        let code = refusal.code();
        match refusal {
            media::Refusal::InUse(products) => {
                let detail = "Products show this picture. Give them another one first.";
                Self::conflict(code, detail).member("product_ids", products)
            }
            media::Refusal::Unsettled => {
                let detail = "The file may still come, or is being looked at.";
                Self::conflict(code, detail)
            }
            media::Refusal::NotReady(id) => {
                let detail = "This upload is no picture that can be shown, or not any more.";
                Self::conflict(code, detail).member("media_id", id)
            }
        }
    }
}

impl From<cart::Refusal> for Problem {
    fn from(refusal: cart::Refusal) -> Self {
        let code = refusal.code();
        match refusal {
            cart::Refusal::Completed { order_id } => {
                Self::conflict(code, "An order was made of this cart.").member("order_id", order_id)
            }
            cart::Refusal::NotActive(phase) => {
                Self::conflict(code, "This cart can not be changed any more.")
                    .member("cart_status", phase)
            }
            cart::Refusal::Agreed => {
                let detail = "What is in this cart was agreed with the shop: nobody changes it.";
                Self::conflict(code, detail)
            }
            cart::Refusal::AgreementOver { until } => {
                let detail = "This link is not good any more. Ask the shop for another one.";
                Self::conflict(code, detail).member("expired_at", until.to_string())
            }
            cart::Refusal::AgreementWithdrawn => {
                let detail = "The shop has changed what was agreed, or called it off.";
                Self::conflict(code, detail)
            }
            cart::Refusal::Full => {
                let detail = format!("A cart holds at most {} lines.", cart::LINES_MAX);
                Self::conflict(code, detail).member("lines_max", cart::LINES_MAX)
            }
            cart::Refusal::QuantityLimit { max } => {
                let detail = format!("One line holds at most {max} units of this.");
                Self::conflict(code, detail).member("quantity_max", max)
            }
            cart::Refusal::LineNotFound => {
                Self::new(StatusCode::NOT_FOUND, code, "The cart has no such line.")
            }
            // The caller named it in the body: a flaw of the input.
            cart::Refusal::UnknownVariant => {
                Self::invalid(vec![Flaw::new("/variant_id", code, "There is no such variant.")])
            }
            cart::Refusal::VariantUnavailable { sku } => {
                Self::conflict(code, "This is not for sale.").member("sku", sku)
            }
            cart::Refusal::CurrencyUnavailable { sku, currency } => {
                Self::conflict(code, "This is not for sale in the cart's currency.")
                    .member("sku", sku)
                    .member("currency", currency)
            }
            cart::Refusal::Empty => Self::conflict(code, "The cart is empty."),
            cart::Refusal::EmailMissing => Self::conflict(code, "The cart has no mail address."),
            cart::Refusal::AddressMissing => {
                Self::conflict(code, "The cart has no shipping address.")
            }
            cart::Refusal::ShippingMissing => Self::conflict(code, "Choose a shipping option."),
            cart::Refusal::ShippingUnavailable => {
                Self::conflict(code, "The shipping option does not serve this cart.")
            }
            cart::Refusal::ShippingNotNeeded => {
                Self::conflict(code, "Nothing in this cart is shipped.")
            }
            // The caller left it out of the body, or named it there: flaws of the input.
            cart::Refusal::PickupPointMissing => {
                let detail = "This way ends at a pickup point. Choose one.";
                Self::invalid(vec![Flaw::new("/pickup_point_id", code, detail)])
            }
            cart::Refusal::UnknownPickupPoint => {
                let detail = "There is no such pickup point for this way.";
                Self::invalid(vec![Flaw::new("/pickup_point_id", code, detail)])
            }
            cart::Refusal::TotalChanged { expected, actual } => {
                let detail = "The total is not what you expected. Look at the cart again.";
                let difference = actual.sub(expected).ok();
                Self::conflict(code, detail)
                    .member("expected_total", expected)
                    .member("actual_total", actual)
                    .member("difference", difference)
            }
            cart::Refusal::BelowMinimum { minimum } => {
                Self::conflict(code, "The total is less than can be paid by card.")
                    .member("minimum", minimum)
            }
            cart::Refusal::InsufficientStock(shortages) => {
                let detail = "Fewer units are available than the cart holds.";
                let first = shortages.first().map(|s| (s.sku.clone(), s.available));
                let problem = Self::conflict(code, detail).member("shortages", &shortages);
                match first {
                    Some((sku, available)) => {
                        problem.member("sku", sku).member("available", available)
                    }
                    None => problem,
                }
            }
            cart::Refusal::GiftCard(refusal) => refusal.into(),
            cart::Refusal::Promotion(refusal) => refusal.into(),
            cart::Refusal::Money(_) => Self::conflict(code, "The cart's total is too large."),
        }
    }
}

impl From<in_cart::Refusal> for Problem {
    fn from(refusal: in_cart::Refusal) -> Self {
        let code = refusal.code();
        match refusal {
            in_cart::Refusal::Unknown => {
                Self::new(StatusCode::NOT_FOUND, code, "There is no such code.")
            }
            in_cart::Refusal::NotInCart => {
                Self::new(StatusCode::NOT_FOUND, code, "The cart has no such code.")
            }
            in_cart::Refusal::TooMany => {
                let max = promotion::CODES_PER_CART_MAX;
                Self::conflict(code, format!("A cart holds at most {max} codes."))
                    .member("codes_max", max)
            }
            in_cart::Refusal::Expired(why) => {
                Self::conflict(code, "This code has expired.").member("reason", why)
            }
            in_cart::Refusal::Exhausted(why) => {
                let detail = "This code was used as often as it may be.";
                Self::conflict(code, detail).member("reason", why)
            }
            in_cart::Refusal::NotApplicable(why) => {
                Self::conflict(code, "This code does not go with this cart.").member("reason", why)
            }
            in_cart::Refusal::UsedUp { promotion, name, code: of } => {
                let detail = "A promotion was used up meanwhile. Look at the cart again.";
                Self::conflict(code, detail)
                    .member("promotion_id", promotion)
                    .member("promotion_name", name)
                    .member("promotion_code", of)
            }
        }
    }
}

impl From<promotion::Refusal> for Problem {
    fn from(refusal: promotion::Refusal) -> Self {
        Self::conflict(refusal.code(), refusal.to_string())
    }
}

impl From<order::Refusal> for Problem {
    fn from(refusal: order::Refusal) -> Self {
        let code = refusal.code();
        match refusal {
            order::Refusal::InvalidTransition { from, to } => {
                let detail = "The order's status does not allow it.";
                Self::conflict(code, detail).member("from", json!(from)).member("to", json!(to))
            }
            order::Refusal::AlreadyPaid => {
                Self::conflict("invalid_transition", "The order is paid already.")
                    .member("reason", code)
            }
            order::Refusal::NothingToPay => {
                Self::conflict(code, "Nothing waits for a payment here.")
            }
            order::Refusal::DownloadsExhausted => {
                Self::conflict(code, "This was downloaded as often as it may be.")
            }
            order::Refusal::AlreadyFulfilled => {
                let detail = "Goods of this order went out. Refund them, or have them returned.";
                Self::conflict(code, detail)
            }
            order::Refusal::HasParcels => {
                let detail = "A parcel of this order is open or packed. Call that off first.";
                Self::conflict(code, detail)
            }
            order::Refusal::BeingCalledOff => {
                let detail = "This order is being called off, and its money may be gone. Call it \
                              off again: that comes to its end.";
                Self::conflict(code, detail)
            }
        }
    }
}

impl From<refund::Refusal> for Problem {
    fn from(refusal: refund::Refusal) -> Self {
        let code = refusal.code();
        match refusal {
            refund::Refusal::Nothing => {
                let detail = "There is nothing to give back for this.";
                Self::conflict(code, detail)
            }
            refund::Refusal::NotPlaced => {
                Self::conflict(code, "The order waits for its payment: call it off instead.")
            }
            refund::Refusal::UnknownLine(line) => {
                Self::conflict(code, "The order has no such line.").member("line_id", line)
            }
            refund::Refusal::LineTwice(line) => {
                let detail = "A line stands here twice.";
                Self::invalid(vec![Flaw::new("/lines", code, detail)]).member("line_id", line)
            }
            refund::Refusal::TooManyUnits { line, left } => {
                let detail = "Fewer units of this line are left to be refunded.";
                Self::conflict(code, detail).member("line_id", line).member("quantity_left", left)
            }
            refund::Refusal::TooMuchShipping { left } => {
                Self::conflict(code, "Less is left of the shipping.").member("shipping_left", left)
            }
            refund::Refusal::OtherCurrency => {
                Self::conflict(code, "The order is in another currency.")
            }
            refund::Refusal::NoAccount => {
                Self::conflict(code, "Who bought as a guest has no account for store credit.")
            }
            refund::Refusal::ExceedsRefundable { refundable } => {
                let detail = "Less is left to be given back.";
                Self::conflict(code, detail).member("refundable", refundable)
            }
            refund::Refusal::TooSmall { step } => {
                Self::conflict(code, "The payment provider can not move so little.")
                    .member("step", step)
            }
            refund::Refusal::CameBack { refund } => {
                let detail =
                    "A refund of this succeeded, and the bank sent it back. Retry that one.";
                Self::conflict(code, detail).member("refund_id", refund)
            }
            refund::Refusal::TooMany => {
                let max = refund::REFUNDS_MAX;
                Self::conflict(code, format!("An order has at most {max} refunds."))
                    .member("refunds_max", max)
            }
            refund::Refusal::InvalidTransition { from, to } => {
                let detail = "The refund's status does not allow it.";
                Self::conflict(code, detail).member("from", json!(from)).member("to", json!(to))
            }
        }
    }
}

impl From<gift_card::Refusal> for Problem {
    fn from(refusal: gift_card::Refusal) -> Self {
        let code = refusal.code();
        match refusal {
            gift_card::Refusal::Unusable => {
                Self::conflict(code, "There is no gift card with this code that can be spent.")
            }
            gift_card::Refusal::OtherCurrency { currency } => {
                Self::conflict(code, "It is in another currency.").member("currency", currency)
            }
            gift_card::Refusal::TooMany => {
                let detail = format!("A cart takes {} gift cards.", gift_card::CARDS_MAX);
                Self::conflict(code, detail).member("gift_cards_max", gift_card::CARDS_MAX)
            }
            gift_card::Refusal::NotInCart => {
                Self::new(StatusCode::NOT_FOUND, code, "The cart has no such gift card.")
            }
            gift_card::Refusal::NoAccount => {
                Self::conflict(code, "Store credit is for signed-in customers with their own cart.")
            }
            gift_card::Refusal::InvalidTransition { from, to } => {
                let detail = "The gift card's status does not allow it.";
                Self::conflict(code, detail).member("from", json!(from)).member("to", json!(to))
            }
            gift_card::Refusal::BelowZero { balance } => {
                let detail = "That is more than there is.";
                Self::conflict(code, detail).member("balance", balance)
            }
            gift_card::Refusal::TooMuch => {
                let detail = format!("At most {} minor units.", gift_card::AMOUNT_MAX);
                Self::conflict(code, detail).member("amount_max", gift_card::AMOUNT_MAX)
            }
            gift_card::Refusal::NoAmount => {
                let detail = "This must not be zero.";
                Self::invalid(vec![Flaw::new("/amount/amount", code, detail)])
            }
            gift_card::Refusal::AlreadyExpired => {
                let detail = "This must be in the future.";
                Self::invalid(vec![Flaw::new("/expires_at", code, detail)])
            }
        }
    }
}

impl From<staff::Refusal> for Problem {
    fn from(refusal: staff::Refusal) -> Self {
        let code = refusal.code();
        match refusal {
            staff::Refusal::InvalidTransition { from, to } => {
                let detail = "The member's status does not allow it.";
                Self::conflict(code, detail).member("from", from.code()).member("to", to.code())
            }
            staff::Refusal::OwnAccount => {
                Self::conflict(code, "Somebody else has to do this to your own account.")
            }
            staff::Refusal::OwnerRole => {
                Self::conflict(code, "The owner's role is built in and stays as it is.")
            }
            staff::Refusal::Outranked => {
                let detail = "This concerns more than you may do yourself.";
                Self::new(StatusCode::FORBIDDEN, code, detail)
            }
            staff::Refusal::InvalidRoleName => {
                let detail = "This must be one line of 1 to 60 characters.";
                Self::invalid(vec![Flaw::new("/name", code, detail)])
            }
        }
    }
}

impl From<api_key::Refusal> for Problem {
    fn from(refusal: api_key::Refusal) -> Self {
        let code = refusal.code();
        let flaw = |pointer, detail| Self::invalid(vec![Flaw::new(pointer, code, detail)]);
        match refusal {
            api_key::Refusal::Wider => {
                let detail = "A key may not do more than you may do yourself.";
                Self::new(StatusCode::FORBIDDEN, code, detail)
            }
            api_key::Refusal::NotForKeys => {
                flaw("/scopes", "One of these is for people, not for keys.")
            }
            api_key::Refusal::NoScopes => flaw("/scopes", "A key needs something that it may do."),
            api_key::Refusal::AlreadyExpired => flaw("/expires_at", "This must be in the future."),
            api_key::Refusal::InvalidName => {
                flaw("/name", "This must be one line of 1 to 60 characters.")
            }
            api_key::Refusal::Ended => Self::conflict(code, "The key was revoked or has expired."),
        }
    }
}

impl From<location::Refusal> for Problem {
    fn from(refusal: location::Refusal) -> Self {
        let code = refusal.code();
        match refusal {
            location::Refusal::Full => {
                let detail = format!("A shop has at most {} locations.", location::LOCATIONS_MAX);
                Self::conflict(code, detail).member("locations_max", location::LOCATIONS_MAX)
            }
            location::Refusal::LastActive => {
                Self::conflict(code, "One location has to go on selling.")
            }
            location::Refusal::Unknown => Self::not_found(),
        }
    }
}

impl From<transfer::Refusal> for Problem {
    fn from(refusal: transfer::Refusal) -> Self {
        let code = refusal.code();
        let flaw = |pointer, detail| Self::invalid(vec![Flaw::new(pointer, code, detail)]);
        match refusal {
            transfer::Refusal::InvalidTransition { from, to } => {
                let detail = "The transfer's status does not allow it.";
                Self::conflict(code, detail).member("from", from.code()).member("to", to.code())
            }
            transfer::Refusal::SameLocation => {
                flaw("/to_location_id", "A transfer goes to another location.")
            }
            transfer::Refusal::Empty => flaw("/lines", "There is nothing in the transfer."),
            transfer::Refusal::Twice(sku) => {
                flaw("/lines", "One SKU stands in two lines.").member("sku", sku)
            }
            transfer::Refusal::NotOnIt(sku) => {
                Self::conflict(code, "This is not on the transfer.").member("sku", sku)
            }
        }
    }
}

/// A fault's caller learns only whether trying again helps. The rest is for the one line that the
/// edge writes, with the op and the request's id.
impl From<key_pool::Refusal> for Problem {
    fn from(refusal: key_pool::Refusal) -> Self {
        let code = refusal.code();
        match refusal {
            key_pool::Refusal::NoKeys => {
                let detail = "Units of this SKU have no keys. Give its variant has_keys first.";
                Self::conflict(code, detail)
            }
            key_pool::Refusal::Unknown { id } => {
                Self::conflict(code, "The pool has no such key.").member("key_id", id)
            }
            key_pool::Refusal::Given { id } => {
                Self::conflict(code, "A buyer has this key; it stays theirs.").member("key_id", id)
            }
            key_pool::Refusal::Promised => {
                Self::conflict(code, "Orders hold so many that too few would be left for them.")
            }
        }
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        let problem = match fault.retry() {
            Retry::Helps => Self::unavailable(),
            Retry::Useless => Self::internal(),
        };
        Self { fault: Some(Arc::new(fault)), ..problem }
    }
}
