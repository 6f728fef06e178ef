//! What texts say, in the languages that the shop has words for; English in all others.
//!
//! Each begins with the shop's name, as its reader does not know the number. None has a character
//! that would make all of them wide.

use domain::catalog::Locale;

/// Characters of the shop's name that are shown.
const NAME_CHARS_MAX: usize = 24;

/// What a text is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic<'a> {
    /// The code that confirms a number.
    Code {
        /// Six digits.
        code: &'a str,
    },
    /// An order was placed.
    Confirmed {
        /// What people call the order.
        number: &'a str,
        /// Where it is shown.
        url: &'a str,
    },
    /// A parcel has left.
    Shipped {
        /// What people call the order.
        number: &'a str,
        /// Where the parcel is followed.
        url: &'a str,
    },
    /// A parcel has arrived.
    Delivered {
        /// What people call the order.
        number: &'a str,
    },
}

/// The languages that there are words for.
pub const LANGUAGES: [&str; 6] = ["de", "en", "es", "fr", "it", "nl"];

/// Writes a text. The same facts are the same text.
pub fn write(topic: Topic<'_>, shop: &str, locale: &Locale) -> String {
    let name = locale.to_string();
    let language = name.split('-').next().unwrap_or_default();
    let shop: String = shop.chars().filter(|c| !c.is_control()).take(NAME_CHARS_MAX).collect();
    let said = match topic {
        Topic::Code { code } => match language {
            "de" => format!("Ihr Code ist {code}. Geben Sie ihn niemandem."),
            "es" => format!("Su clave es {code}. No la comparta con nadie."),
            "fr" => format!("Votre code est {code}. Ne le donnez à personne."),
            "it" => format!("Il suo codice è {code}. Non lo dia a nessuno."),
            "nl" => format!("Uw code is {code}. Geef hem aan niemand."),
            _ => format!("Your code is {code}. Give it to nobody."),
        },
        Topic::Confirmed { number, url } => match language {
            "de" => format!("Danke für Ihre Bestellung {number}: {url}"),
            "es" => format!("Gracias por su pedido {number}: {url}"),
            "fr" => format!("Merci pour votre commande {number} : {url}"),
            "it" => format!("Grazie per il suo ordine {number}: {url}"),
            "nl" => format!("Bedankt voor uw bestelling {number}: {url}"),
            _ => format!("Thank you for your order {number}: {url}"),
        },
        Topic::Shipped { number, url } => match language {
            "de" => format!("Ihre Bestellung {number} ist unterwegs: {url}"),
            "es" => format!("Su pedido {number} va en camino: {url}"),
            "fr" => format!("Votre commande {number} est en route : {url}"),
            "it" => format!("Il suo ordine {number} è in viaggio: {url}"),
            "nl" => format!("Uw bestelling {number} is onderweg: {url}"),
            _ => format!("Your order {number} is on its way: {url}"),
        },
        Topic::Delivered { number } => match language {
            "de" => format!("Ihre Bestellung {number} wurde zugestellt."),
            "es" => format!("Su pedido {number} ha sido entregado."),
            "fr" => format!("Votre commande {number} a été livrée."),
            "it" => format!("Il suo ordine {number} è stato consegnato."),
            "nl" => format!("Uw bestelling {number} is bezorgd."),
            _ => format!("Your order {number} was delivered."),
        },
    };
    // A code is asked for, and its reader has agreed to nothing yet.
    let end = match (topic, language) {
        (Topic::Code { .. }, _) => "",
        (_, "de") => " Abmelden: STOP",
        (_, "es") => " Baja: STOP",
        (_, "fr") => " Fin: STOP",
        (_, "it") => " Per disdire: STOP",
        (_, "nl") => " Afmelden: STOP",
        (_, _) => " Reply STOP to end",
    };
    format!("{shop}: {said}{end}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segments;

    #[test]
    fn every_text_is_one_part_in_every_language() {
        let (number, shop) = ("ABCDEFGH-BCD-FGH-JKM", "A shop with a long name!");
        let url = "https://www.carrier.example/follow?number=00340434161094022115";
        assert_eq!((shop.chars().count(), url.len()), (NAME_CHARS_MAX, 62));
        for language in LANGUAGES {
            let locale = Locale::parse(language).unwrap();
            let topics = [
                Topic::Code { code: "123456" },
                Topic::Confirmed { number, url },
                Topic::Shipped { number, url },
                Topic::Delivered { number },
            ];
            for topic in topics {
                let text = write(topic, shop, &locale);
                assert_eq!(segments(&text), 1, "{} {text}", text.chars().count());
                assert!(text.starts_with(shop));
                let is_code = matches!(topic, Topic::Code { .. });
                assert_eq!(text.contains("STOP"), !is_code, "{text}");
            }
        }
    }

    #[test]
    fn what_there_are_no_words_for_is_english_and_a_country_has_its_languages() {
        let topic = Topic::Delivered { number: "BCD" };
        let said = |locale: &str| write(topic, "Shop", &Locale::parse(locale).unwrap());
        assert_eq!(said("de-AT"), "Shop: Ihre Bestellung BCD wurde zugestellt. Abmelden: STOP");
        assert_eq!(said("pl"), said("en"));
        assert_ne!(said("nl"), said("en"));
    }
}
