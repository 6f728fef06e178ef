//! Which currencies Stripe charges in, how many decimals they have and the least and greatest
//! amount of a charge. Source: docs.stripe.com/currencies (minimum charge amounts, zero-decimal,
//! three-decimal and special-case currencies).

use crate::refusal::Refusal;

/// Stripe's presentment currencies.
const CURRENCIES: &str = "usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd \
    bnd bob brl bsd bwp byn bzd cad cdf chf clp cny cop crc cve czk djf dkk dop dzd egp etb eur \
    fjd fkp gbp gel gip gmd gnf gtq gyd hkd hnl htg huf idr ils inr isk jmd jod jpy kes kgs khr \
    kmf krw kwd kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop mur mvr mwk mxn myr mzn \
    nad ngn nio nok npr nzd omr pab pen pgk php pkr pln pyg qar ron rsd rub rwf sar sbd scr sek \
    sgd shp sle sos srd std szl thb tjs tnd top try ttd twd tzs uah ugx uyu uzs vnd vuv wst xaf \
    xcd xof xpf yer zar zmw";

const ZERO_DECIMAL: &str = "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf";
const THREE_DECIMAL: &str = "bhd jod kwd omr tnd";
/// Zero-decimal in life, two-decimal on Stripe's wire: the last two digits must be 00.
const HUNDREDS_ONLY: &str = "isk ugx";

/// Eight digits, for every currency.
const AMOUNT_MAX: i64 = 99_999_999;

fn listed(list: &str, currency: &str) -> bool {
    list.split_whitespace().any(|known| known == currency)
}

/// The decimals of the currency on Stripe's wire.
pub(crate) fn decimals(currency: &str) -> u32 {
    if listed(ZERO_DECIMAL, currency) {
        0
    } else if listed(THREE_DECIMAL, currency) {
        3
    } else {
        2
    }
}

/// The least amount of a charge in minor units. Where Stripe publishes none it converts half a
/// dollar at the day's rate; the twin asks half a unit, or fifty where there are no decimals.
fn least(currency: &str) -> i64 {
    match currency {
        "aed" | "myr" | "pln" | "ron" => 200,
        "bgn" => 100,
        "czk" => 1500,
        "dkk" => 250,
        "gbp" => 30,
        "hkd" => 400,
        "huf" => 17_500,
        "mxn" | "thb" => 1000,
        "nok" | "sek" => 300,
        _ if decimals(currency) == 3 => 500,
        _ => 50,
    }
}

/// The currency in lower case, or the refusal.
pub(crate) fn currency(text: &str) -> Result<String, Refusal> {
    let currency = text.to_ascii_lowercase();
    if listed(CURRENCIES, &currency) {
        return Ok(currency);
    }
    let all = CURRENCIES.split_whitespace().collect::<Vec<_>>().join(", ");
    Err(Refusal::invalid(format!(
        "Invalid currency: {text}. Stripe currently supports these currencies: {all}"
    ))
    .param("currency"))
}

/// Refuses an amount that Stripe would not charge.
pub(crate) fn chargeable(amount: i64, currency: &str) -> Result<(), Refusal> {
    let refuse =
        |message: String, code: &str| Err(Refusal::invalid(message).code(code).param("amount"));
    if amount < 1 {
        let message = "This value must be greater than or equal to 1.".to_owned();
        return refuse(message, "parameter_invalid_integer");
    }
    if amount > AMOUNT_MAX {
        let message = format!("Amount must be no more than {}", shown(AMOUNT_MAX, currency));
        return refuse(message, "amount_too_large");
    }
    if amount < least(currency) {
        let message = format!("Amount must be at least {}", shown(least(currency), currency));
        return refuse(message, "amount_too_small");
    }
    let step = if listed(THREE_DECIMAL, currency) {
        10
    } else if listed(HUNDREDS_ONLY, currency) {
        100
    } else {
        1
    };
    if amount % step != 0 {
        let code = currency.to_uppercase();
        let message = format!("Invalid amount: amounts in {code} must be a multiple of {step}.");
        return refuse(message, "invalid_charge_amount");
    }
    Ok(())
}

/// `$0.50 usd`, `¥50 jpy`, `0.500 kwd`.
pub(crate) fn shown(amount: i64, currency: &str) -> String {
    let symbol = match currency {
        "usd" => "$",
        "eur" => "€",
        "gbp" => "£",
        "jpy" => "¥",
        _ => "",
    };
    let decimals = decimals(currency);
    let unit = 10_i64.pow(decimals);
    let (whole, rest) = (amount / unit, amount % unit);
    if decimals == 0 {
        return format!("{symbol}{whole} {currency}");
    }
    let width = usize::try_from(decimals).unwrap_or(2);
    format!("{symbol}{whole}.{rest:0width$} {currency}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(amount: i64, currency: &str) -> String {
        match chargeable(amount, currency) {
            Ok(()) => "fine".into(),
            Err(refusal) => refusal.error["code"].as_str().unwrap().into(),
        }
    }

    #[test]
    fn each_currency_has_its_minimum() {
        assert_eq!(code(49, "usd"), "amount_too_small");
        assert_eq!(code(50, "usd"), "fine");
        assert_eq!(code(49, "jpy"), "amount_too_small");
        assert_eq!(code(50, "jpy"), "fine");
        assert_eq!(code(30, "gbp"), "fine");
        assert_eq!(code(17_499, "huf"), "amount_too_small");
    }

    #[test]
    fn three_decimals_end_in_zero_and_kronur_have_no_cents() {
        assert_eq!(code(5125, "kwd"), "invalid_charge_amount");
        assert_eq!(code(5120, "kwd"), "fine");
        assert_eq!(code(10_050, "isk"), "invalid_charge_amount");
        assert_eq!(code(10_000, "ugx"), "fine");
    }

    #[test]
    fn nonsense_is_refused() {
        assert_eq!(code(0, "usd"), "parameter_invalid_integer");
        assert_eq!(code(100_000_000, "usd"), "amount_too_large");
        assert!(currency("xyz").is_err());
        assert_eq!(currency("EUR").unwrap(), "eur");
    }

    #[test]
    fn amounts_are_shown_with_their_decimals() {
        assert_eq!(shown(1005, "usd"), "$10.05 usd");
        assert_eq!(shown(50, "jpy"), "¥50 jpy");
        assert_eq!(shown(5, "kwd"), "0.005 kwd");
    }
}
