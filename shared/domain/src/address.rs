//! People and places: names, postal addresses, mail addresses, countries.
//!
//! What arrives is a form; what we hold is an [`Address`], an [`Email`] or a [`PersonName`] that
//! can only come from parsing. Parsing names every flaw at once. None of them shows itself in
//! `Debug` and none has a `Display`: personal data reaches a log only by somebody writing `as_str`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::id::Ulid;

/// Characters in a person's name: enough for a full Brazilian one, too few for an advertisement.
pub const NAME_CHARS_MAX: usize = 100;
/// Characters in each of the two address lines.
pub const LINE_CHARS_MAX: usize = 120;
/// Characters in a city's name.
pub const CITY_CHARS_MAX: usize = 100;
/// Characters in a region's name or code.
pub const REGION_CHARS_MAX: usize = 60;
/// Characters in a postal code; the longest in use (US ZIP+4, Iran) have ten.
pub const POSTAL_CODE_CHARS_MAX: usize = 16;
/// Characters in a mail address: RFC 5321 §4.5.3.1.3 allows a path of 256 with its two brackets.
pub const EMAIL_CHARS_MAX: usize = 254;
/// Where mail to whoever was forgotten goes: nowhere.
const ERASED_DOMAIN: &str = "erased.invalid";
/// Characters before the @: RFC 5321 §4.5.3.1.1.
pub const EMAIL_LOCAL_CHARS_MAX: usize = 64;

/// One thing wrong with an input: where, a stable code, and a sentence for the person who typed it.
/// The sentence never repeats what was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// The field's name as in the JSON.
    pub field: &'static str,
    /// A stable, machine-readable code such as `too_long`.
    pub code: &'static str,
    /// What to do about it.
    pub detail: String,
}

impl Flaw {
    fn new(field: &'static str, code: &'static str, detail: impl Into<String>) -> Self {
        Self { field, code, detail: detail.into() }
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.detail)
    }
}

impl std::error::Error for Flaw {}

/// A postal address as somebody typed it. A missing field is an empty one, so that
/// [`Address::parse`] names it together with all other flaws.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Address", !default)]
#[schemars(extend("required" = ["name", "line1", "city", "postal_code", "country"]))]
pub struct AddressForm {
    /// Who receives the parcel.
    #[schemars(length(min = 1, max = NAME_CHARS_MAX))]
    pub name: String,
    /// Street and number, or a post-office box.
    #[schemars(length(min = 1, max = LINE_CHARS_MAX))]
    pub line1: String,
    /// Flat, floor, company.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = LINE_CHARS_MAX))]
    pub line2: Option<String>,
    /// Town or city.
    #[schemars(length(min = 1, max = CITY_CHARS_MAX))]
    pub city: String,
    /// State or province; its two-letter code in the US and Canada, where tax depends on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = REGION_CHARS_MAX))]
    pub region: Option<String>,
    /// Postal code; empty only in countries that have none.
    #[schemars(length(max = POSTAL_CODE_CHARS_MAX))]
    pub postal_code: String,
    /// ISO 3166-1 alpha-2, upper case.
    #[schemars(regex(pattern = "^[A-Z]{2}$"))]
    pub country: String,
}

impl fmt::Debug for AddressForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AddressForm(…)")
    }
}

/// A postal address that was parsed: trimmed, within limits, in a real country.
///
/// The fields are for reading; only [`Address::parse`] makes one.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "AddressForm")]
#[non_exhaustive]
pub struct Address {
    /// Who receives the parcel.
    pub name: PersonName,
    /// Street and number.
    pub line1: String,
    /// Flat, floor, company.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line2: Option<String>,
    /// Town or city.
    pub city: String,
    /// State or province; a known two-letter code in the US and Canada.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Upper case with single spaces; empty only in countries that have none.
    pub postal_code: String,
    /// Where all this is.
    pub country: Country,
}

impl Address {
    /// The address without who lives there and where: the country and the region that taxed it
    /// stay.
    #[must_use]
    pub fn erased(&self) -> Self {
        let erased = PersonName::erased();
        let text = erased.as_str().to_owned();
        Self {
            name: erased,
            line1: text.clone(),
            line2: None,
            city: text,
            region: self.region.clone(),
            // Empty stays empty: not every country has codes, and the others want one.
            postal_code: if self.postal_code.is_empty() { String::new() } else { "0".to_owned() },
            country: self.country,
        }
    }

    /// The address in a form, or every flaw of it.
    pub fn parse(form: &AddressForm) -> Result<Self, Vec<Flaw>> {
        let mut flaws = Vec::new();
        let name = PersonName::parse(&form.name).map_err(|flaw| flaws.push(flaw)).ok();
        let line1 = required("line1", &form.line1, LINE_CHARS_MAX, &mut flaws);
        let line2 = optional("line2", form.line2.as_deref(), LINE_CHARS_MAX, &mut flaws);
        let city = required("city", &form.city, CITY_CHARS_MAX, &mut flaws);
        let country = country_of(&form.country, &mut flaws);
        let region = region_of(form.region.as_deref(), country, &mut flaws);
        let postal_code = postal_code_of(&form.postal_code, country, &mut flaws);

        match (name, line1, line2, city, region, postal_code, country) {
            (
                Some(name),
                Some(line1),
                Some(line2),
                Some(city),
                Some(region),
                Some(postal_code),
                Some(country),
            ) if flaws.is_empty() => {
                Ok(Self { name, line1, line2, city, region, postal_code, country })
            }
            _ => Err(flaws),
        }
    }

    /// The part of an address that decides tax and shipping.
    pub fn destination(&self) -> Destination<'_> {
        Destination {
            country: self.country,
            region: self.region.as_deref(),
            postal_code: &self.postal_code,
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({}, …)", self.country.code())
    }
}

impl TryFrom<AddressForm> for Address {
    type Error = Flaw;

    fn try_from(form: AddressForm) -> Result<Self, Flaw> {
        Self::parse(&form).map_err(|flaws| {
            let first = flaws.into_iter().next();
            first.unwrap_or_else(|| Flaw::new("address", "invalid", "is not an address"))
        })
    }
}

impl From<Address> for AddressForm {
    fn from(address: Address) -> Self {
        Self {
            name: address.name.0,
            line1: address.line1,
            line2: address.line2,
            city: address.city,
            region: address.region,
            postal_code: address.postal_code,
            country: address.country.code().to_owned(),
        }
    }
}

impl JsonSchema for Address {
    fn schema_name() -> Cow<'static, str> {
        AddressForm::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        AddressForm::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        AddressForm::json_schema(generator)
    }
}

/// Where goods go, as far as tax and shipping care: no name, no street.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Destination<'a> {
    /// The country.
    pub country: Country,
    /// State or province.
    pub region: Option<&'a str>,
    /// The postal code as in the address.
    pub postal_code: &'a str,
}

impl fmt::Debug for Destination<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Destination({}, …)", self.country.code())
    }
}

impl<'a> From<&'a Address> for Destination<'a> {
    fn from(address: &'a Address) -> Self {
        address.destination()
    }
}

/// A postal code as it is compared: upper case, without spaces and hyphens.
pub fn postal_key(code: &str) -> String {
    code.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect()
}

/// Postal codes from one to another, both included, compared by as many characters as the two have:
/// from `10` to `14` is every code that begins with 10, 11, 12, 13 or 14.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PostalRange {
    /// The first.
    #[schemars(length(min = 1, max = POSTAL_CODE_CHARS_MAX))]
    pub from: String,
    /// The last; of the same length as the first.
    #[schemars(length(min = 1, max = POSTAL_CODE_CHARS_MAX))]
    pub to: String,
}

impl PostalRange {
    /// All codes that begin like this.
    pub fn prefix(prefix: &str) -> Self {
        Self { from: prefix.to_owned(), to: prefix.to_owned() }
    }

    /// Whether there is a code in it: both ends have characters, as many, and stand in order.
    pub fn is_range(&self) -> bool {
        let (from, to) = self.keys();
        !from.is_empty() && from.len() == to.len() && from <= to
    }

    fn keys(&self) -> (String, String) {
        (postal_key(&self.from), postal_key(&self.to))
    }

    /// How many characters of a postal key decide that it is in the range; none where it is not.
    pub fn fit(&self, key: &str) -> Option<usize> {
        let (from, to) = self.keys();
        let head = key.get(..from.len())?;
        (from.as_str() <= head && head <= to.as_str()).then_some(from.len())
    }
}

/// Parts of countries, each of which one only may claim. A longer postal range inside a shorter one
/// is another part: the longer one decides.
#[derive(Debug, Default)]
pub struct Places(BTreeMap<(Country, Option<String>, usize), BTreeMap<String, String>>);

impl Places {
    /// Claims a part of a country, all of it where nothing narrows it; whether it was free.
    pub fn claim(
        &mut self,
        country: Country,
        region: Option<&str>,
        range: Option<&PostalRange>,
    ) -> bool {
        let (from, to) = range.map(PostalRange::keys).unwrap_or_default();
        let region = region.map(str::to_ascii_uppercase);
        let taken = self.0.entry((country, region, from.len())).or_default();
        let is_free = taken.range(..=to.clone()).next_back().is_none_or(|(_, end)| *end < from);
        taken.insert(from, to);
        is_free
    }
}

/// A person's name, on a parcel or an account.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, JsonSchema)]
pub struct PersonName(#[schemars(length(min = 1, max = NAME_CHARS_MAX))] String);

impl PersonName {
    /// The trimmed name, if it is one line of at most [`NAME_CHARS_MAX`] characters.
    pub fn parse(name: &str) -> Result<Self, Flaw> {
        let mut flaws = Vec::new();
        let name = required("name", name, NAME_CHARS_MAX, &mut flaws);
        match (name, flaws.pop()) {
            (Some(name), None) => Ok(Self(name)),
            (_, Some(flaw)) => Err(flaw),
            (None, None) => Err(missing("name")),
        }
    }

    /// What stands in the place of a name that was forgotten.
    pub fn erased() -> Self {
        Self("erased".to_owned())
    }

    /// The name itself, for a letter or a label.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PersonName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PersonName(…)")
    }
}

impl<'de> Deserialize<'de> for PersonName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&name).map_err(de::Error::custom)
    }
}

/// A mail address: one @, a local part as typed, a domain in lower case.
///
/// Addresses that differ in capitals before the @ are different to look at and the same person to
/// us: compare and store under [`key`](Email::key).
#[derive(Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Email(String);

impl Email {
    /// The address, if mail could be sent to it.
    ///
    /// Only ASCII: Amazon SES does not speak SMTPUTF8, and a domain outside ASCII has a Punycode
    /// form. Quoted local parts and address literals are legal in RFC 5321 and refused here: in
    /// a shop they are mistakes or attacks.
    pub fn parse(address: &str) -> Result<Self, Flaw> {
        let flaw = |code, detail: &str| Err(Flaw::new("email", code, detail));
        let address = address.trim();
        if address.is_empty() {
            return Err(missing("email"));
        }
        if address.chars().count() > EMAIL_CHARS_MAX {
            return Err(too_long("email", EMAIL_CHARS_MAX));
        }
        if !address.is_ascii() {
            return flaw("invalid_email", "may only contain ASCII characters");
        }
        let Some((local, domain)) = address.split_once('@') else {
            return flaw("invalid_email", "needs an @");
        };
        if domain.contains('@') {
            return flaw("invalid_email", "may have only one @");
        }
        if !is_local_part(local) {
            return flaw("invalid_email", "is not valid before the @");
        }
        if !is_domain(domain) {
            return flaw("invalid_email", "is not valid after the @");
        }
        Ok(Self(format!("{local}@{}", domain.to_ascii_lowercase())))
    }

    /// What stands in the place of an address that was forgotten: it leads to nobody, ever (RFC
    /// 2606 reserves `.invalid`).
    pub fn erased(of: Ulid) -> Self {
        Self(format!("{}@{ERASED_DOMAIN}", of.to_string().to_ascii_lowercase()))
    }

    /// Whether nobody can be written to here: the address was forgotten.
    pub fn is_erased(&self) -> bool {
        self.0.rsplit_once('@').is_some_and(|(_, domain)| domain == ERASED_DOMAIN)
    }

    /// The address to send to.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address to find an account by: all in lower case.
    pub fn key(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(…)")
    }
}

impl<'de> Deserialize<'de> for Email {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let address = Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&address).map_err(de::Error::custom)
    }
}

impl JsonSchema for Email {
    fn schema_name() -> Cow<'static, str> {
        "Email".into()
    }

    fn schema_id() -> Cow<'static, str> {
        concat!(module_path!(), "::Email").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "email",
            "minLength": 3,
            "maxLength": EMAIL_CHARS_MAX,
        })
    }
}

/// RFC 5322's dot-atom.
fn is_local_part(local: &str) -> bool {
    local.len() <= EMAIL_LOCAL_CHARS_MAX
        && local.split('.').all(|atom| {
            !atom.is_empty()
                && atom
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&b))
        })
}

/// A host name of at least two labels (RFC 1035 §2.3.4: 63 octets each, 253 together) whose last is
/// not a number, as an IP address's would be.
fn is_domain(domain: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    domain.len() <= 253
        && domain.split('.').all(is_label)
        && domain.rsplit_once('.').is_some_and(|(_, top)| !top.bytes().all(|b| b.is_ascii_digit()))
}

/// The trimmed text, or a flaw: `Some` exactly when it may be used.
fn required(
    field: &'static str,
    text: &str,
    chars_max: usize,
    flaws: &mut Vec<Flaw>,
) -> Option<String> {
    let text = text.trim();
    if text.is_empty() {
        flaws.push(missing(field));
        return None;
    }
    one_line(field, text, chars_max, flaws)
}

/// Like [`required`], where blank means that there is none.
#[allow(clippy::option_option)] // the outer one is "may be used", the inner one "was given"
fn optional(
    field: &'static str,
    text: Option<&str>,
    chars_max: usize,
    flaws: &mut Vec<Flaw>,
) -> Option<Option<String>> {
    match text.map(str::trim) {
        None | Some("") => Some(None),
        Some(text) => one_line(field, text, chars_max, flaws).map(Some),
    }
}

fn one_line(
    field: &'static str,
    text: &str,
    chars_max: usize,
    flaws: &mut Vec<Flaw>,
) -> Option<String> {
    if text.chars().any(is_hidden) {
        flaws.push(Flaw::new(field, "control_character", "must not contain control characters"));
        return None;
    }
    if text.chars().count() > chars_max {
        flaws.push(too_long(field, chars_max));
        return None;
    }
    Some(text.to_owned())
}

/// Control characters, line separators and the bidirectional overrides that make a label read
/// differently from what is stored (Unicode TR 36 §2.3). Joiners stay: some scripts need them.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

fn missing(field: &'static str) -> Flaw {
    Flaw::new(field, "required", "must not be empty")
}

fn too_long(field: &'static str, chars_max: usize) -> Flaw {
    Flaw::new(field, "too_long", format!("must not be longer than {chars_max} characters"))
}

fn country_of(code: &str, flaws: &mut Vec<Flaw>) -> Option<Country> {
    let code = code.trim();
    if code.is_empty() {
        flaws.push(missing("country"));
        return None;
    }
    let country = Country::parse(code);
    if country.is_none() {
        let detail = "must be an upper-case ISO 3166-1 alpha-2 code such as DE";
        flaws.push(Flaw::new("country", "unknown_country", detail));
    }
    country
}

#[allow(clippy::option_option)] // as in `optional`
fn region_of(
    region: Option<&str>,
    country: Option<Country>,
    flaws: &mut Vec<Flaw>,
) -> Option<Option<String>> {
    let region = optional("region", region, REGION_CHARS_MAX, flaws)?;
    let codes = match country {
        Some(Country::US) => US_REGIONS,
        Some(Country::CA) => CA_REGIONS,
        Some(_) | None => return Some(region),
    };
    let Some(region) = region else {
        flaws.push(missing("region"));
        return None;
    };
    let region = region.to_uppercase();
    if !codes.split(' ').any(|code| code == region) {
        let detail = "must be the two-letter code of a state or province such as CA or ON";
        flaws.push(Flaw::new("region", "unknown_region", detail));
        return None;
    }
    Some(Some(region))
}

fn postal_code_of(code: &str, country: Option<Country>, flaws: &mut Vec<Flaw>) -> Option<String> {
    let code = code.split_whitespace().collect::<Vec<_>>().join(" ").to_uppercase();
    if code.is_empty() {
        if country.is_some_and(Country::has_no_postal_codes) {
            return Some(code);
        }
        flaws.push(missing("postal_code"));
        return None;
    }
    let code = one_line("postal_code", &code, POSTAL_CODE_CHARS_MAX, flaws)?;
    let is_plain = code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b' ' || b == b'-');
    if !is_plain || postal_key(&code).is_empty() {
        let detail = "may only contain letters, digits, spaces and hyphens";
        flaws.push(Flaw::new("postal_code", "invalid_postal_code", detail));
        return None;
    }
    Some(code)
}

/// States, the district, territories and the military "states" of the US (USPS Publication 28,
/// appendix B).
const US_REGIONS: &str = "\
    AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH \
    NJ NM NY NC ND OH OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY AS GU MP PR VI FM MH PW UM \
    AA AE AP";

/// Provinces and territories of Canada (ISO 3166-2:CA).
const CA_REGIONS: &str = "AB BC MB NB NL NS NT NU ON PE QC SK YT";

/// A country of ISO 3166-1, by its two-letter code. Sorts by the code; serialised as `"DE"`.
#[derive(Copy, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Country(Alpha2);

impl Country {
    /// The country of an upper-case code; `None` for everything else, lower case included.
    pub fn parse(code: &str) -> Option<Self> {
        let at = Self::TABLE.binary_search_by(|country| country.code().cmp(code)).ok()?;
        Self::TABLE.get(at).copied()
    }

    /// Whether the country's post has no codes, so that an address may lack one (UPU, "Universal
    /// POST*CODE database"). A country missing from the list only means that one has to be given.
    pub fn has_no_postal_codes(self) -> bool {
        "AE AG AO AW BF BI BJ BO BS BW BZ CD CF CG CI CK CM DJ DM ER FJ GA GD GM GQ GY HK KI KM KN \
            KP LY ML MO MR MW NR NU QA RW SB SC SL SR ST SY TD TF TG TK TL TO TV UG VU YE ZW"
            .split_whitespace()
            .any(|code| code == self.code())
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Country {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Country {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Code;
        impl de::Visitor<'_> for Code {
            type Value = Country;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an upper-case ISO 3166-1 alpha-2 code such as DE")
            }

            fn visit_str<E: de::Error>(self, code: &str) -> Result<Country, E> {
                Country::parse(code)
                    .ok_or_else(|| E::invalid_value(de::Unexpected::Str(code), &self))
            }
        }
        deserializer.deserialize_str(Code)
    }
}

impl JsonSchema for Country {
    fn schema_name() -> Cow<'static, str> {
        "Country".into()
    }

    fn schema_id() -> Cow<'static, str> {
        concat!(module_path!(), "::Country").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "An ISO 3166-1 alpha-2 country code.",
            "pattern": "^[A-Z]{2}$",
            "examples": ["DE"],
        })
    }
}

/// As in `currency`: a private enum keeps the lookups total.
macro_rules! countries {
    ($($code:ident)*) => {
        #[allow(clippy::upper_case_acronyms)] // the names are ISO's
        #[derive(Copy, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        enum Alpha2 { $($code,)* }

        impl Country {
            $(#[doc = concat!("ISO 3166-1 ", stringify!($code), ".")]
            pub const $code: Self = Self(Alpha2::$code);)*

            /// Every country, sorted by code.
            pub const TABLE: &'static [Self] = &[$(Self::$code,)*];

            /// The upper-case ISO 3166-1 alpha-2 code.
            pub const fn code(self) -> &'static str {
                match self.0 { $(Alpha2::$code => stringify!($code),)* }
            }
        }
    };
}

countries! {
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS
    BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE
    EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM
    HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC
    LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA
    NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW
    SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO
    TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form() -> AddressForm {
        AddressForm {
            name: " Ada Lovelace ".into(),
            line1: "Unter den Linden 1".into(),
            line2: Some("  ".into()),
            city: "Berlin".into(),
            region: None,
            postal_code: " 10117 ".into(),
            country: "DE".into(),
        }
    }

    fn flaws(form: &AddressForm) -> Vec<(&'static str, &'static str)> {
        Address::parse(form).unwrap_err().iter().map(|flaw| (flaw.field, flaw.code)).collect()
    }

    #[test]
    fn an_address_is_trimmed_and_blank_means_none() {
        let address = Address::parse(&form()).unwrap();
        assert_eq!(address.name.as_str(), "Ada Lovelace");
        assert_eq!(address.postal_code, "10117");
        assert_eq!(address.line2, None);
        assert_eq!(address.country, Country::DE);
    }

    #[test]
    fn every_flaw_is_named_at_once() {
        let form = AddressForm {
            name: String::new(),
            line1: "x".repeat(LINE_CHARS_MAX + 1),
            line2: Some("a\nb".into()),
            city: " ".into(),
            region: Some("\u{202E}".into()),
            postal_code: "<b>".into(),
            country: "de".into(),
        };
        assert_eq!(
            flaws(&form),
            [
                ("name", "required"),
                ("line1", "too_long"),
                ("line2", "control_character"),
                ("city", "required"),
                ("country", "unknown_country"),
                ("region", "control_character"),
                ("postal_code", "invalid_postal_code"),
            ]
        );
    }

    #[test]
    fn an_empty_form_names_what_is_required() {
        let form = serde_json::from_str::<AddressForm>("{}").unwrap();
        assert_eq!(flaws(&form).len(), 5);
        assert!(flaws(&form).iter().all(|(_, code)| *code == "required"));
    }

    #[test]
    fn a_state_is_needed_where_tax_depends_on_it() {
        let us = AddressForm { country: "US".into(), postal_code: "94103".into(), ..form() };
        assert_eq!(flaws(&us), [("region", "required")]);
        let us = AddressForm { region: Some("California".into()), ..us };
        assert_eq!(flaws(&us), [("region", "unknown_region")]);
        let us = AddressForm { region: Some("ca".into()), ..us };
        assert_eq!(Address::parse(&us).unwrap().region.as_deref(), Some("CA"));
    }

    #[test]
    fn a_postal_code_may_lack_only_where_the_post_has_none() {
        let blank = AddressForm { postal_code: String::new(), ..form() };
        assert_eq!(flaws(&blank), [("postal_code", "required")]);
        let hong_kong = AddressForm { country: "HK".into(), ..blank };
        assert_eq!(Address::parse(&hong_kong).unwrap().postal_code, "");
    }

    #[test]
    fn postal_codes_compare_without_their_punctuation() {
        let gb = AddressForm { country: "GB".into(), postal_code: "ec1a  1bb".into(), ..form() };
        let address = Address::parse(&gb).unwrap();
        assert_eq!(address.postal_code, "EC1A 1BB");
        assert_eq!(postal_key(&address.postal_code), "EC1A1BB");
        assert_eq!(postal_key("94103-1234"), "941031234");
    }

    #[test]
    fn an_address_travels_and_is_parsed_on_arrival() {
        let address = Address::parse(&form()).unwrap();
        let text = serde_json::to_string(&address).unwrap();
        let expected = concat!(
            r#"{"name":"Ada Lovelace","line1":"Unter den Linden 1","city":"Berlin","#,
            r#""postal_code":"10117","country":"DE"}"#
        );
        assert_eq!(text, expected);
        assert_eq!(serde_json::from_str::<Address>(&text).unwrap(), address);
        assert_eq!(Address::parse(&AddressForm::from(address.clone())), Ok(address));
        assert!(serde_json::from_str::<Address>(&text.replace("DE", "XX")).is_err());
        assert!(serde_json::from_str::<Address>(&text.replace("city", "town")).is_err());
    }

    #[test]
    fn the_schema_names_the_required_fields_once() {
        let schema = schemars::schema_for!(Address).to_value();
        assert_eq!(
            schema["required"],
            serde_json::json!(["name", "line1", "city", "postal_code", "country"])
        );
        assert_eq!(schema["additionalProperties"], false);
        assert_eq!(schema["title"], "Address");
    }

    #[test]
    fn a_log_line_shows_no_person() {
        let address = Address::parse(&form()).unwrap();
        let email = Email::parse("ada@example.com").unwrap();
        assert_eq!(format!("{address:?}"), "Address(DE, …)");
        assert_eq!(format!("{:?}", address.destination()), "Destination(DE, …)");
        assert_eq!(format!("{:?} {email:?}", address.name), "PersonName(…) Email(…)");
        assert_eq!(format!("{:?}", form()), "AddressForm(…)");
        let refusal = serde_json::from_str::<Email>("\"ada lovelace@example.com\"").unwrap_err();
        assert!(!refusal.to_string().contains("lovelace"));
    }

    #[test]
    fn a_mail_address_keeps_its_capitals_and_is_found_without() {
        let email = Email::parse(" Ada.Lovelace+shop@Example.COM ").unwrap();
        assert_eq!(email.as_str(), "Ada.Lovelace+shop@example.com");
        assert_eq!(email.key(), "ada.lovelace+shop@example.com");
        assert_eq!(serde_json::to_string(&email).unwrap(), "\"Ada.Lovelace+shop@example.com\"");
    }

    #[test]
    fn what_no_mail_can_reach_is_no_mail_address() {
        let long = format!("{}@example.com", "a".repeat(65));
        let longer = format!("a@{}.com", "a.".repeat(130));
        for bad in [
            "",
            "ada",
            "@example.com",
            "ada@",
            "ada@example",
            "a@b@example.com",
            "a b@example.com",
            "a\r\nBcc: x@example.com",
            ".a@example.com",
            "a..b@example.com",
            "a@-x.com",
            "a@x..com",
            "a@127.0.0.1",
            "\"a\"@example.com",
            "ä@example.com",
            "a@exämple.com",
            "a@example.com.",
            "<a@example.com>",
            "a@example.com,b@example.com",
            &long,
            &longer,
        ] {
            assert!(Email::parse(bad).is_err(), "{bad:?}");
        }
        for good in ["a@b.co", "o'hara@example.museum", "x@sub.xn--exmple-cua.com"] {
            assert!(Email::parse(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn the_countries_are_sorted_and_all_there() {
        assert!(Country::TABLE.is_sorted_by(|a, b| a.code() < b.code()));
        assert_eq!(Country::TABLE.len(), 249);
        assert_eq!(Country::parse("DE"), Some(Country::DE));
        for code in ["de", "De", "UK", "XX", "XK", "DEU", "", "EU"] {
            assert_eq!(Country::parse(code), None, "{code}");
        }
        assert!(serde_json::from_str::<Country>("\"at\"").is_err());
    }

    #[test]
    fn a_postal_range_is_compared_by_the_length_of_its_ends() {
        let range = |from: &str, to: &str| PostalRange { from: from.into(), to: to.into() };
        let berlin = range("10", "14");
        assert_eq!(berlin.fit("10117"), Some(2));
        assert_eq!(berlin.fit("14199"), Some(2));
        assert_eq!(berlin.fit("15230"), None);
        assert_eq!(berlin.fit("1"), None);
        assert_eq!(range("sw1", "SW 3").fit("SW2A1AA"), Some(3));
        for nothing in [range("", ""), range("2", "1"), range("1", "12"), range("-", " ")] {
            assert!(!nothing.is_range(), "{nothing:?}");
        }
    }

    #[test]
    fn a_place_is_claimed_once() {
        let range = |from: &str, to: &str| PostalRange { from: from.into(), to: to.into() };
        let mut places = Places::default();
        assert!(places.claim(Country::DE, None, None));
        assert!(!places.claim(Country::DE, None, None));
        assert!(places.claim(Country::DE, None, Some(&range("10", "14"))));
        assert!(places.claim(Country::DE, None, Some(&range("15", "15"))));
        assert!(places.claim(Country::DE, None, Some(&range("101", "102"))));
        for (from, to) in [("14", "16"), ("09", "20"), ("12", "12"), ("09", "10")] {
            let mut places = Places::default();
            assert!(places.claim(Country::DE, None, Some(&range("10", "14"))));
            assert!(!places.claim(Country::DE, None, Some(&range(from, to))), "{from} {to}");
        }
        assert!(places.claim(Country::US, Some("ca"), None));
        assert!(!places.claim(Country::US, Some("CA"), None));
    }
}
