//! One letter of each kind, with facts that strain it: long words, large sums, markup in names.
//!
//! Tests, the example that writes letters to be looked at, and everybody who tries a template
//! before it is kept, write from these.

use domain::audit::Actor;
use domain::catalog::{Locale, Sku, Slug};
use domain::currency::Currency;
use domain::event::{DigestLine, Letter};
use domain::fulfillment::{self, Carriage, Fulfillment, Line};
use domain::id::{CartId, FulfillmentId, OrderId, RefundId, ReturnId, Ulid};
use domain::money::Money;
use domain::order::Order;
use domain::order_edit;
use domain::returns::{
    self, Approval, Disposition, Inspection, Item, Reason, Reception, Resolution, Return,
};
use domain::stock::FIRST_LOCATION;

use crate::edited::{Edited, EditedLine};
use crate::parcel::Parcel;
use crate::returned::Returned;
use crate::template::{Facts, Link, amount};

/// Where the shop's pages are.
pub const SHOP_URL: &str = "https://shop.example";
/// As long as a real one.
pub const TOKEN: &str = "kq3Zr0Yx8Vb6Nm4Lp2Wt7Hs5Jd9Fg1Cc-aRuEoIyT_w";

/// Every letter under a name of its own.
pub fn letters(order_id: OrderId) -> Vec<(&'static str, Letter)> {
    let token = || TOKEN.to_owned();
    vec![
        ("verify_email", Letter::VerifyEmail { token: token() }),
        ("already_registered", Letter::AlreadyRegistered),
        ("reset_password", Letter::ResetPassword { token: token() }),
        ("password_changed", Letter::PasswordChanged),
        ("confirm_new_email", Letter::ConfirmEmailChange { token: token(), is_new: true }),
        ("confirm_old_email", Letter::ConfirmEmailChange { token: token(), is_new: false }),
        ("email_changed", Letter::EmailChanged),
        ("account_closed", Letter::AccountClosed),
        ("data_exported", Letter::DataExported { token: token() }),
        ("data_erased", Letter::DataErased),
        ("staff_invitation", Letter::StaffInvitation { token: token() }),
        ("staff_reset_password", Letter::StaffResetPassword { token: token() }),
        ("second_factor_changed", Letter::SecondFactorChanged),
        ("gift_card", gift_card()),
        ("order_confirmation", Letter::OrderConfirmation { order_id }),
        ("late_payment_refunded", Letter::LatePaymentRefunded { order_id }),
        ("payment_failed", Letter::PaymentFailed { order_id, token: token() }),
        ("order_shipped", Letter::OrderShipped { order_id, fulfillment_id: parcel_id() }),
        ("order_delivered", Letter::OrderDelivered { order_id, fulfillment_id: parcel_id() }),
        ("order_refunded", refunded(order_id)),
        ("order_canceled", Letter::OrderCanceled { order_id }),
        ("return_requested", Letter::ReturnRequested { order_id, return_id: return_id() }),
        ("return_approved", Letter::ReturnApproved { order_id, return_id: return_id() }),
        ("return_rejected", Letter::ReturnRejected { order_id, return_id: return_id() }),
        ("return_received", Letter::ReturnReceived { order_id, return_id: return_id() }),
        ("return_resolved", Letter::ReturnResolved { order_id, return_id: return_id() }),
        ("order_lines_canceled", Letter::OrderLinesCanceled { order_id, number: 1 }),
        ("exchange_to_pay", Letter::ExchangeToPay { order_id, token: token() }),
        (
            "order_edit_to_approve",
            Letter::OrderEditToApprove { order_id, number: 1, token: token() },
        ),
        ("order_edited", Letter::OrderEdited { order_id, number: 1, token: Some(token()) }),
        ("order_link", Letter::OrderLink { order_id, token: token() }),
        ("pay_link", pay_link(order_id)),
        ("keys_ready", Letter::KeysReady { order_id }),
    ]
    .into_iter()
    .chain(stock_letters())
    .collect()
}

/// The letters about stock.
fn stock_letters() -> Vec<(&'static str, Letter)> {
    let line = |sku: &str, location: &str, available, days_left| {
        let sku = Sku::parse(sku)?;
        Some(DigestLine { sku, location: location.to_owned(), available, days_left })
    };
    let lines = [
        line("MUG-BLUE-WITH-A-VERY-LONG-NAME-INDEED", "Lyon <b>Part-Dieu</b>", -2, Some(0)),
        line("SOCKS-M", "Main location", 3, None),
    ];
    let back = Slug::parse("blue-mug").map(|slug| Letter::BackInStock {
        title: "Mug <b>\"Blue & White\"</b>".to_owned(),
        slug,
        token: TOKEN.to_owned(),
    });
    let digest = Letter::StockDigest { lines: lines.into_iter().flatten().collect(), more: 7 };
    let back = back.map(|back| ("back_in_stock", back));
    back.into_iter().chain([("stock_digest", digest)]).chain(money_letters()).collect()
}

/// The letters to the staff about money.
fn money_letters() -> Vec<(&'static str, Letter)> {
    let order_number = || "STH-42T-DMW".to_owned();
    let dispute = |due: Option<&str>| Letter::DisputeOpened {
        order_number: order_number(),
        amount: Money::new(12_990, Currency::EUR),
        reason: "product_not_received".to_owned(),
        is_inquiry: due.is_none(),
        due_by: due.and_then(|due| due.parse().ok()),
    };
    let closed = Letter::OrderEditClosed {
        order_number: order_number(),
        status: order_edit::Status::Declined,
        answer: Some("I would <b>rather</b> keep it.".to_owned()),
    };
    let capture_before = "2026-11-28T09:00:00Z".parse().unwrap_or_default();
    let amount = Money::new(12_990, Currency::EUR);
    vec![
        ("dispute_opened", dispute(Some("2026-11-30T23:59:59Z"))),
        ("dispute_inquiry", dispute(None)),
        ("order_edit_closed", closed),
        (
            "capture_due",
            Letter::CaptureDue { order_number: order_number(), amount, capture_before },
        ),
    ]
}

fn gift_card() -> Letter {
    let amount = Money::new(9_999_999_999, Currency::EUR);
    let expires_at = "2029-11-21T23:00:00Z".parse().ok();
    Letter::GiftCard { code: "WQ7K-2M4N-8XRT-0VZB-6".to_owned(), amount, expires_at }
}

fn pay_link(order_id: OrderId) -> Letter {
    Letter::PayLink {
        cart_id: CartId::from_ulid(order_id.ulid()),
        token: TOKEN.to_owned(),
        total: Money::new(9_999_999_999, Currency::EUR),
        expires_at: "2026-11-28T09:00:00Z".parse().unwrap_or_default(),
        message: Some("As we said on the phone: <b>two</b> & a poster.\nBest wishes".to_owned()),
    }
}

fn refunded(order_id: OrderId) -> Letter {
    Letter::OrderRefunded { order_id, amount: Money::new(1_990, Currency::EUR) }
}

/// Where the sample's parcel is followed: not at the shop.
pub const TRACKING_URL: &str = "https://carrier.example/follow?number=940011089882";

fn parcel_id() -> FulfillmentId {
    FulfillmentId::from_ulid(Ulid::from_parts(1_790_000_000_000, 7))
}

/// The parcel that the letters about parcels tell of.
fn parcel(order: &Order) -> Fulfillment {
    let lines = order.lines.iter().take(1).map(|line| Line {
        line: line.id,
        sku: line.sku.clone(),
        quantity: line.quantity,
    });
    Fulfillment {
        id: parcel_id(),
        order: order.id,
        order_number: order.number.clone(),
        location: FIRST_LOCATION,
        status: fulfillment::Status::Shipped,
        lines: lines.collect(),
        carriage: Carriage {
            carrier: Some("Post <b>& Sons</b>".to_owned()),
            tracking_number: Some("940011089882".to_owned()),
            tracking_url: Some(TRACKING_URL.to_owned()),
        },
        postage: None,
        tracked: None,
        taken: Vec::new(),
        version: 3,
        created_at: order.created_at,
        packed_at: None,
        shipped_at: Some(order.updated_at),
        delivered_at: None,
        ended_at: None,
        updated_at: order.updated_at,
    }
}

fn return_id() -> ReturnId {
    ReturnId::from_ulid(Ulid::from_parts(1_790_000_000_000, 8))
}

/// The return that the letters about returns tell of: one to which everything has happened.
fn returned(order: &Order) -> Return {
    let at = order.updated_at;
    let look = |reception, disposition, quantity| Inspection {
        reception,
        disposition,
        quantity,
        location: FIRST_LOCATION,
        by: Actor::System,
        at,
    };
    let items = order.lines.iter().take(1).map(|line| Item {
        line: line.id,
        sku: line.sku.clone(),
        quantity: 4,
        reason: Reason::DoesNotFit,
        note: None,
        inspected: vec![
            look(Reception::Received, Some(Disposition::Restock), 1),
            look(Reception::Damaged, Some(Disposition::WriteOff), 1),
            look(Reception::WrongItem, None, 1),
            look(Reception::Short, None, 1),
        ],
    });
    let approval = Approval {
        instructions: Some("Please pack it <b>well</b> & put this number on it.".to_owned()),
        label_url: Some(TRACKING_URL.to_owned()),
        address: order.shipping_address.clone(),
        by: Actor::System,
        at,
    };
    let refund = RefundId::from_ulid(Ulid::from_parts(1_790_000_000_000, 9));
    let amount = Money::new(1_990, Currency::EUR);
    Return {
        id: return_id(),
        order: order.id,
        order_number: order.number.clone(),
        status: returns::Status::Resolved,
        items: items.collect(),
        by: Actor::System,
        wish: Vec::new(),
        approval: Some(approval),
        rejection: Some("It was worn <i>for weeks</i>.".to_owned()),
        carriage: Carriage::default(),
        resolution: Some(Resolution::Refund { refund, amount }),
        version: 5,
        created_at: order.created_at,
        expires_at: Some(at),
        sent_at: Some(at),
        received_at: Some(at),
        resolved_at: Some(at),
        ended_at: None,
        updated_at: at,
    }
}

/// The edit that the letters about edits tell of: one that says all there is to say.
fn edited(order: &Order, locale: &Locale) -> Edited {
    let sum = |minor| amount(Money::new(minor, Currency::EUR), locale);
    let line = |title: &str, variant: &str, quantity, minor| EditedLine {
        title: title.to_owned(),
        variant: variant.to_owned(),
        quantity,
        amount: sum(minor),
    };
    Edited {
        removed: vec![line("Mug <b>\"Blue & White\"</b>", "Large", 1, 1_250)],
        added: vec![line("Poster & frame", "POSTER-A2-WITH-A-VERY-LONG-NAME-INDEED", 2, 4_000)],
        back: Some(sum(150)),
        due: Some(sum(2_900)),
        message: Some("As we said on the phone: <b>two</b> & a frame.\nBest wishes".to_owned()),
        expires_on: "28 November 2026".to_owned(),
        order_id: Some(order.id.to_string()),
        order_number: Some("STH-42T-DMX".to_owned()),
    }
}

/// The order that the letters about orders tell of.
///
/// # Errors
///
/// None: a test reads it.
pub fn order() -> serde_json::Result<Order> {
    serde_json::from_str(include_str!("samples/order.json"))
}

/// What the letter is written from, in the shop's own words.
pub fn facts<'a>(letter: &'a Letter, order: &'a Order) -> Facts<'a> {
    facts_in(letter, order, &Locale::default())
}

/// What the letter is written from, its amounts as this language writes them.
pub fn facts_in<'a>(letter: &'a Letter, order: &'a Order, locale: &Locale) -> Facts<'a> {
    let is_about_order = matches!(
        letter,
        Letter::OrderConfirmation { .. }
            | Letter::LatePaymentRefunded { .. }
            | Letter::OrderShipped { .. }
            | Letter::OrderDelivered { .. }
            | Letter::OrderRefunded { .. }
            | Letter::OrderCanceled { .. }
            | Letter::OrderLinesCanceled { .. }
            | Letter::PaymentFailed { .. }
            | Letter::ExchangeToPay { .. }
            | Letter::OrderEditToApprove { .. }
            | Letter::OrderEdited { .. }
            | Letter::OrderLink { .. }
            | Letter::ReturnRequested { .. }
            | Letter::ReturnApproved { .. }
            | Letter::ReturnRejected { .. }
            | Letter::ReturnReceived { .. }
            | Letter::ReturnResolved { .. }
            | Letter::KeysReady { .. }
    );
    let is_about_parcel =
        matches!(letter, Letter::OrderShipped { .. } | Letter::OrderDelivered { .. });
    let parcel = is_about_parcel.then(|| Parcel::of(order, &parcel(order)));
    let is_about_return = matches!(
        letter,
        Letter::ReturnRequested { .. }
            | Letter::ReturnApproved { .. }
            | Letter::ReturnRejected { .. }
            | Letter::ReturnReceived { .. }
            | Letter::ReturnResolved { .. }
    );
    let returned = is_about_return.then(|| {
        // With everything that such a letter can name, also what is said in place of an amount.
        let mut all = Returned::of(order, &returned(order), locale);
        all.closing = Some("It was repaired & sent back.".to_owned());
        all.replacement = Some(order.number.clone());
        all.due = Some(amount(Money::new(500, Currency::EUR), locale));
        all
    });
    let is_about_edit =
        matches!(letter, Letter::OrderEditToApprove { .. } | Letter::OrderEdited { .. });
    let edit = is_about_edit.then(|| edited(order, locale));
    let url = format!("{SHOP_URL}/v1/store/downloads/{TOKEN}");
    let downloads = is_about_order.then(|| Link { title: "manual.pdf".to_owned(), url });
    Facts {
        letter,
        shop_url: SHOP_URL,
        locale: locale.clone(),
        order: is_about_order.then_some(order),
        parcel,
        returned,
        edit,
        downloads: downloads.into_iter().collect(),
    }
}
