//! Telephone numbers that can be texted, as ITU-T E.164 writes them: a plus, a country code, and at
//! most fifteen digits in all. Nothing else is a number here: no spaces, no zeros in front, no
//! national forms that mean something else across a border.

use std::fmt;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// The fewest digits that a mobile number has anywhere, its country code included.
pub const DIGITS_MIN: usize = 8;
/// The most digits (ITU-T E.164, section 6.2.1).
pub const DIGITS_MAX: usize = 15;

/// A number like `+4915112345678`. Shown to nobody by accident: its `Debug` is empty.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Phone(String);

/// A text that is no number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAPhone;

impl fmt::Display for NotAPhone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no number in the form of E.164")
    }
}

impl std::error::Error for NotAPhone {}

impl Phone {
    /// The number that a text is.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('+')?;
        let is_long_enough = (DIGITS_MIN..=DIGITS_MAX).contains(&digits.len());
        let is_number = digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
        (is_long_enough && is_number).then(|| Self(text.to_owned()))
    }

    /// The number to send to.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The number as people may see it who need not know it: `+49•••78`.
    pub fn masked(&self) -> String {
        let head = self.0.get(..3).unwrap_or_default();
        let tail = self.0.get(self.0.len().saturating_sub(2)..).unwrap_or_default();
        format!("{head}•••{tail}")
    }

    /// The time zones at the western and at the eastern end of its country; none where the country
    /// code is none of those that are known here.
    fn zones(&self) -> Option<(&'static str, &'static str)> {
        let digits = self.0.get(1..)?;
        // No country code begins with another one: at most one of them fits.
        let found = ZONES.iter().find(|(code, ..)| digits.starts_with(code));
        found.map(|(_, west, east)| (*west, *east))
    }

    /// Whether it is a time to leave its holder alone: anywhere in the country of the number, or by
    /// UTC where the country is not known. The hours are those of a clock, `from` included; where
    /// they are the same, no time is.
    pub fn is_quiet(&self, from: u8, until: u8, now: Timestamp) -> bool {
        let (west, east) = self.zones().unwrap_or(("UTC", "UTC"));
        [west, east].into_iter().any(|zone| {
            let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
            let hour = i16::from(now.to_zoned(zone).hour());
            let (from, until) = (i16::from(from), i16::from(until));
            if from <= until { (from..until).contains(&hour) } else { hour >= from || hour < until }
        })
    }
}

impl TryFrom<String> for Phone {
    type Error = NotAPhone;
    fn try_from(text: String) -> Result<Self, NotAPhone> {
        Self::parse(&text).ok_or(NotAPhone)
    }
}

impl From<Phone> for String {
    fn from(phone: Phone) -> Self {
        phone.0
    }
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Phone(…)")
    }
}

/// Country codes (ITU-T E.164, Annex) with the zones at both ends of what they reach. Of North
/// America the inhabited ends of the states and provinces that have their own quiet hours.
const ZONES: &[(&str, &str, &str)] = &[
    ("1", "Pacific/Honolulu", "America/St_Johns"),
    ("30", "Europe/Athens", "Europe/Athens"),
    ("31", "Europe/Amsterdam", "Europe/Amsterdam"),
    ("32", "Europe/Brussels", "Europe/Brussels"),
    ("33", "Europe/Paris", "Europe/Paris"),
    ("34", "Atlantic/Canary", "Europe/Madrid"),
    ("351", "Atlantic/Azores", "Europe/Lisbon"),
    ("352", "Europe/Luxembourg", "Europe/Luxembourg"),
    ("353", "Europe/Dublin", "Europe/Dublin"),
    ("354", "Atlantic/Reykjavik", "Atlantic/Reykjavik"),
    ("356", "Europe/Malta", "Europe/Malta"),
    ("357", "Asia/Nicosia", "Asia/Nicosia"),
    ("358", "Europe/Helsinki", "Europe/Helsinki"),
    ("359", "Europe/Sofia", "Europe/Sofia"),
    ("36", "Europe/Budapest", "Europe/Budapest"),
    ("370", "Europe/Vilnius", "Europe/Vilnius"),
    ("371", "Europe/Riga", "Europe/Riga"),
    ("372", "Europe/Tallinn", "Europe/Tallinn"),
    ("385", "Europe/Zagreb", "Europe/Zagreb"),
    ("386", "Europe/Ljubljana", "Europe/Ljubljana"),
    ("39", "Europe/Rome", "Europe/Rome"),
    ("40", "Europe/Bucharest", "Europe/Bucharest"),
    ("41", "Europe/Zurich", "Europe/Zurich"),
    ("420", "Europe/Prague", "Europe/Prague"),
    ("421", "Europe/Bratislava", "Europe/Bratislava"),
    ("423", "Europe/Vaduz", "Europe/Vaduz"),
    ("43", "Europe/Vienna", "Europe/Vienna"),
    ("44", "Europe/London", "Europe/London"),
    ("45", "Europe/Copenhagen", "Europe/Copenhagen"),
    ("46", "Europe/Stockholm", "Europe/Stockholm"),
    ("47", "Europe/Oslo", "Europe/Oslo"),
    ("48", "Europe/Warsaw", "Europe/Warsaw"),
    ("49", "Europe/Berlin", "Europe/Berlin"),
    ("52", "America/Tijuana", "America/Cancun"),
    ("55", "America/Rio_Branco", "America/Noronha"),
    ("61", "Australia/Perth", "Australia/Sydney"),
    ("64", "Pacific/Auckland", "Pacific/Auckland"),
    ("65", "Asia/Singapore", "Asia/Singapore"),
    ("81", "Asia/Tokyo", "Asia/Tokyo"),
    ("82", "Asia/Seoul", "Asia/Seoul"),
    ("852", "Asia/Hong_Kong", "Asia/Hong_Kong"),
    ("91", "Asia/Kolkata", "Asia/Kolkata"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn phone(text: &str) -> Phone {
        Phone::parse(text).unwrap()
    }

    #[test]
    fn a_number_has_one_form() {
        assert_eq!(phone("+4915112345678").as_str(), "+4915112345678");
        for wrong in [
            "",
            "+",
            "4915112345678",
            "004915112345678",
            "+49 151 12345678",
            "+0915112345678",
            "+1234567",
            "+1234567890123456",
            "+49151123456x8",
            "+٤٩١٥١١٢٣",
        ] {
            assert_eq!(Phone::parse(wrong), None, "{wrong}");
            assert!(serde_json::from_value::<Phone>(wrong.into()).is_err(), "{wrong}");
        }
        let kept = serde_json::to_string(&phone("+4915112345678")).unwrap();
        assert_eq!(serde_json::from_str::<Phone>(&kept).unwrap(), phone("+4915112345678"));
    }

    #[test]
    fn nobody_reads_a_number_by_accident() {
        let jane = phone("+4915112345678");
        assert_eq!(format!("{jane:?}"), "Phone(…)");
        assert_eq!(jane.masked(), "+49•••78");
    }

    #[test]
    fn the_night_is_the_holders_and_in_wide_countries_anybodys() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let (berlin, america) = (phone("+4915112345678"), phone("+12025550123"));
        // Winter: Berlin is an hour ahead of UTC.
        assert!(berlin.is_quiet(21, 8, at("2026-11-20T20:00:00Z")));
        assert!(berlin.is_quiet(21, 8, at("2026-11-20T06:59:59Z")));
        assert!(!berlin.is_quiet(21, 8, at("2026-11-20T07:00:00Z")));
        assert!(!berlin.is_quiet(21, 8, at("2026-11-20T19:59:59Z")));
        // Summer: two hours.
        assert!(!berlin.is_quiet(21, 8, at("2026-07-20T06:00:00Z")));
        // Noon in New York is seven in the morning on Hawaii.
        assert!(america.is_quiet(21, 8, at("2026-11-20T17:00:00Z")));
        assert!(!america.is_quiet(21, 8, at("2026-11-20T18:30:00Z")));
        // Hours within a day, and none at all.
        assert!(berlin.is_quiet(12, 14, at("2026-11-20T12:00:00Z")));
        assert!(!berlin.is_quiet(12, 14, at("2026-11-20T13:00:00Z")));
        assert!(!berlin.is_quiet(9, 9, at("2026-11-20T08:30:00Z")));
        // A country that is not known here lives by UTC.
        assert!(phone("+99812345678").is_quiet(21, 8, at("2026-11-20T22:00:00Z")));
    }

    #[test]
    fn every_zone_is_one_and_no_code_begins_with_another() {
        for (code, west, east) in ZONES {
            assert!(TimeZone::get(west).is_ok() && TimeZone::get(east).is_ok(), "{code}");
            let others = ZONES.iter().filter(|(other, ..)| other.starts_with(code));
            assert_eq!(others.count(), 1, "{code}");
        }
    }
}
