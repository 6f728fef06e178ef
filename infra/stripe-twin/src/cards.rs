//! Stripe's test cards (docs.stripe.com/testing): each is a number, the `pm_card_…` names that
//! stand for it, and what happens when it is charged.

/// When the bank asks the customer to authenticate (3-D Secure).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Authentication {
    /// The card does not know 3-D Secure.
    NotSupported,
    /// Only when the merchant asks for it.
    OnRequest,
    /// Every time the customer is present; off session the bank declines.
    Always,
    /// Until the card was set up by an authenticated payment, then not off session.
    UntilSetUp,
    /// Set up already: off session it passes, with the customer present it is asked.
    OnSession,
}

/// Why a bank says no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decline {
    pub(crate) code: &'static str,
    pub(crate) reason: &'static str,
    pub(crate) message: &'static str,
    pub(crate) advice: Option<&'static str>,
}

/// What happens some seconds after the charge, or to its refunds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aftermath {
    Nothing,
    Dispute { reason: &'static str, is_inquiry: bool },
    FraudWarning,
    RefundFails,
    RefundPends,
}

/// One test card.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Card {
    pub(crate) number: &'static str,
    names: &'static [&'static str],
    pub(crate) brand: &'static str,
    pub(crate) funding: &'static str,
    pub(crate) country: &'static str,
    pub(crate) authentication: Authentication,
    pub(crate) decline: Option<Decline>,
    /// Radar blocked the payment before the bank saw it.
    pub(crate) is_blocked: bool,
    pub(crate) aftermath: Aftermath,
}

impl Card {
    pub(crate) fn last4(&self) -> &str {
        self.number.get(self.number.len().saturating_sub(4)..).unwrap_or(self.number)
    }
}

const fn card(number: &'static str, names: &'static [&'static str]) -> Card {
    Card {
        number,
        names,
        brand: "visa",
        funding: "credit",
        country: "US",
        authentication: Authentication::OnRequest,
        decline: None,
        is_blocked: false,
        aftermath: Aftermath::Nothing,
    }
}

const fn of(brand: &'static str, funding: &'static str, card: Card) -> Card {
    Card { brand, funding, ..card }
}

const fn from(country: &'static str, card: Card) -> Card {
    Card { country, ..card }
}

const fn asks(authentication: Authentication, card: Card) -> Card {
    Card { authentication, ..card }
}

const fn declines(decline: Decline, card: Card) -> Card {
    Card { decline: Some(decline), ..card }
}

const fn then(aftermath: Aftermath, card: Card) -> Card {
    Card { aftermath, ..card }
}

const fn declined(reason: &'static str, message: &'static str) -> Decline {
    Decline { code: "card_declined", reason, message, advice: Some("try_again_later") }
}

const fn wrong(code: &'static str, message: &'static str) -> Decline {
    Decline { code, reason: code, message, advice: None }
}

const GENERIC: Decline = declined("generic_decline", "Your card was declined.");
const INSUFFICIENT: Decline = declined("insufficient_funds", "Your card has insufficient funds.");
const LOST: Decline =
    Decline { advice: Some("do_not_try_again"), ..declined("lost_card", GENERIC.message) };
const STOLEN: Decline =
    Decline { advice: Some("do_not_try_again"), ..declined("stolen_card", GENERIC.message) };
const FRAUDULENT: Decline =
    Decline { advice: Some("do_not_try_again"), ..declined("fraudulent", GENERIC.message) };
const VELOCITY: Decline = declined("card_velocity_exceeded", GENERIC.message);
const EXPIRED: Decline = wrong("expired_card", "Your card has expired.");
const CVC: Decline = wrong("incorrect_cvc", "Your card's security code is incorrect.");
const NUMBER: Decline = wrong("incorrect_number", "Your card number is incorrect.");
const PROCESSING: Decline = wrong(
    "processing_error",
    "An error occurred while processing your card. Try again in a little bit.",
);
/// What the bank says off session when it wants the customer.
pub(crate) const AUTHENTICATION_REQUIRED: Decline = Decline {
    code: "authentication_required",
    reason: "authentication_required",
    message: "Your card was declined. This transaction requires authentication.",
    advice: None,
};
/// A real card in test mode.
pub(crate) const LIVE_CARD: Decline = declined(
    "test_mode_live_card",
    "Your card was declined. Your request was in test mode, but used a non test card. For a list \
     of valid test cards, visit: https://stripe.com/docs/testing.",
);

const FRAUD_DISPUTE: Aftermath = Aftermath::Dispute { reason: "fraudulent", is_inquiry: false };
const NOT_RECEIVED: Aftermath =
    Aftermath::Dispute { reason: "product_not_received", is_inquiry: false };
const INQUIRY: Aftermath = Aftermath::Dispute { reason: "fraudulent", is_inquiry: true };

use Authentication::{Always, NotSupported, OnSession, UntilSetUp};

/// The table. The first names are Stripe's own; short forms follow.
const CARDS: &[Card] = &[
    card("4242424242424242", &["visa", "us"]),
    of("visa", "debit", card("4000056655665556", &["visa_debit"])),
    of("mastercard", "credit", card("5555555555554444", &["mastercard"])),
    of("mastercard", "debit", card("5200828282828210", &["mastercard_debit"])),
    of("mastercard", "prepaid", card("5105105105105100", &["mastercard_prepaid"])),
    asks(
        NotSupported,
        of("amex", "credit", card("378282246310005", &["amex", "amex_threeDSecureNotSupported"])),
    ),
    of("discover", "credit", card("6011111111111117", &["discover"])),
    of("diners", "credit", card("3056930009020004", &["diners"])),
    of("jcb", "credit", card("3566002020360505", &["jcb"])),
    of("unionpay", "credit", card("6200000000000005", &["unionpay"])),
    from("GB", card("4000008260000000", &["gb"])),
    from("DE", card("4000002760000016", &["de"])),
    from("FR", card("4000002500000003", &["fr"])),
    from("CA", card("4000001240000000", &["ca"])),
    from("JP", card("4000003920000003", &["jp"])),
    from("AU", card("4000000360000006", &["au"])),
    declines(GENERIC, card("4000000000000002", &["visa_chargeDeclined", "chargeDeclined"])),
    declines(
        INSUFFICIENT,
        card(
            "4000000000009995",
            &["visa_chargeDeclinedInsufficientFunds", "chargeDeclinedInsufficientFunds"],
        ),
    ),
    declines(
        LOST,
        card("4000000000009987", &["visa_chargeDeclinedLostCard", "chargeDeclinedLostCard"]),
    ),
    declines(
        STOLEN,
        card("4000000000009979", &["visa_chargeDeclinedStolenCard", "chargeDeclinedStolenCard"]),
    ),
    declines(
        FRAUDULENT,
        card(
            "4100000000000019",
            &["visa_chargeDeclinedFraudulent", "chargeDeclinedFraudulent", "radarBlock"],
        ),
    ),
    declines(
        VELOCITY,
        card(
            "4000000000006975",
            &["visa_chargeDeclinedVelocityLimitExceeded", "chargeDeclinedVelocityLimitExceeded"],
        ),
    ),
    declines(GENERIC, card("4000000000000341", &["chargeCustomerFail"])),
    declines(
        EXPIRED,
        card("4000000000000069", &["chargeDeclinedExpiredCard", "visa_chargeDeclinedExpiredCard"]),
    ),
    declines(
        CVC,
        card(
            "4000000000000127",
            &["chargeDeclinedIncorrectCvc", "visa_chargeDeclinedIncorrectCvc"],
        ),
    ),
    declines(
        PROCESSING,
        card(
            "4000000000000119",
            &["chargeDeclinedProcessingError", "visa_chargeDeclinedProcessingError"],
        ),
    ),
    asks(Always, card("4000000000003220", &["threeDSecure2Required"])),
    asks(Always, card("4000000000003063", &["threeDSecureRequired"])),
    card("4000000000003055", &["threeDSecureOptional"]),
    asks(
        Always,
        declines(GENERIC, card("4000008400001629", &["threeDSecureRequiredChargeDeclined"])),
    ),
    asks(
        Always,
        declines(PROCESSING, card("4000008400001280", &["threeDSecureRequiredProcessingError"])),
    ),
    asks(Always, card("4000002760003184", &["authenticationRequired"])),
    asks(UntilSetUp, card("4000002500003155", &["authenticationRequiredOnSetup"])),
    asks(OnSession, card("4000003800000446", &["authenticationRequiredSetupForOffSession"])),
    asks(
        Always,
        declines(
            INSUFFICIENT,
            card("4000008260003178", &["authenticationRequiredChargeDeclinedInsufficientFunds"]),
        ),
    ),
    then(FRAUD_DISPUTE, card("4000000000000259", &["createDispute"])),
    then(NOT_RECEIVED, card("4000000000002685", &["createDisputeProductNotReceived"])),
    then(INQUIRY, card("4000000000001976", &["createDisputeInquiry"])),
    then(Aftermath::FraudWarning, card("4000000000005423", &["createIssuerFraudRecord"])),
    then(Aftermath::RefundFails, card("4000000000005126", &["refundFail"])),
    then(Aftermath::RefundPends, card("4000000000007726", &["pendingRefund"])),
];

/// Payments blocked by Radar carry another outcome than those the bank declined.
const BLOCKED: &str = "4100000000000019";

/// The card that a `pm_card_…` name stands for.
pub(crate) fn named(payment_method: &str) -> Option<Card> {
    let name = payment_method.strip_prefix("pm_card_")?;
    find(|card| card.names.contains(&name))
}

/// The test card with this number.
pub(crate) fn numbered(number: &str) -> Option<Card> {
    find(|card| card.number == number)
}

fn find(wanted: impl Fn(&Card) -> bool) -> Option<Card> {
    let card = CARDS.iter().find(|card| wanted(card))?;
    Some(Card { is_blocked: card.number == BLOCKED, ..*card })
}

/// Why Stripe would not even make a payment method of the number; none when it is a test card.
pub(crate) fn refuse_number(number: &str) -> Option<Decline> {
    if !is_luhn(number) {
        return Some(NUMBER);
    }
    numbered(number).is_none().then_some(LIVE_CARD)
}

/// The check digit of ISO/IEC 7812.
fn is_luhn(number: &str) -> bool {
    let digits: Option<Vec<u32>> = number.chars().map(|digit| digit.to_digit(10)).collect();
    let Some(digits) = digits.filter(|digits| (12..=19).contains(&digits.len())) else {
        return false;
    };
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| match (place % 2, digit * 2) {
            (1, doubled) if doubled > 9 => doubled - 9,
            (1, doubled) => doubled,
            _ => *digit,
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_card_of_the_table_is_a_card_number() {
        for card in CARDS {
            assert!(is_luhn(card.number), "{}", card.number);
        }
    }

    #[test]
    fn no_name_stands_for_two_cards() {
        let mut names: Vec<_> = CARDS.iter().flat_map(|card| card.names).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }

    #[test]
    fn names_and_numbers_meet() {
        assert_eq!(named("pm_card_visa").unwrap().last4(), "4242");
        assert_eq!(named("pm_card_chargeDeclined").unwrap().last4(), "0002");
        assert_eq!(named("pm_card_visa_chargeDeclined").unwrap().last4(), "0002");
        assert!(named("pm_card_nothing").is_none());
        assert!(named("pm_visa").is_none());
    }

    #[test]
    fn other_numbers_are_refused() {
        assert_eq!(refuse_number("4242424242424241").unwrap().code, "incorrect_number");
        assert_eq!(refuse_number("4111111111111111").unwrap().reason, "test_mode_live_card");
        assert!(refuse_number("4242424242424242").is_none());
        assert!(refuse_number("42x").is_some());
    }
}
