//! Reading JSON objects field by field, collecting every flaw.
//!
//! A [`Form`] says once what it reads; the same words read the input and write its JSON schema,
//! so the contract can not drift from the code. A form reads *all* its fields before it uses the
//! first `?`: that is what makes every flaw named, and the schema complete.

use serde_json::{Map, Value, json};

use crate::problem::Flaw;

/// Something that is read from an object's fields.
pub trait Form: Sized {
    /// Reads all fields; `None` where one has a flaw.
    fn read(fields: &mut Fields<'_>) -> Option<Self>;
}

/// How one value is read and described.
pub trait Rule {
    /// What it becomes.
    type Out;
    /// Reads the value at `pointer`, or says why not.
    fn check(&self, value: &Value, pointer: &str, flaws: &mut Vec<Flaw>) -> Option<Self::Out>;
    /// Its JSON schema.
    fn schema(&self) -> Value;
    /// Whether a parameter of a query, which is text, is read as a whole number.
    fn is_number(&self) -> bool {
        false
    }
}

enum Source<'a> {
    Object(&'a Map<String, Value>),
    Schema { properties: Map<String, Value>, required: Vec<&'static str>, all_of: Vec<Value> },
}

/// The fields of one object, while it is read or described.
pub struct Fields<'a> {
    source: Source<'a>,
    pointer: String,
    /// Whether all values are text, as in a path or a query.
    is_text: bool,
    known: Vec<&'static str>,
    flaws: &'a mut Vec<Flaw>,
}

#[allow(clippy::needless_pass_by_value, reason = "a rule is made where it is used")]
impl Fields<'_> {
    /// A field that must be there.
    pub fn required<R: Rule>(&mut self, name: &'static str, rule: R) -> Option<R::Out> {
        self.known.push(name);
        let pointer = format!("{}/{name}", self.pointer);
        match &mut self.source {
            Source::Object(object) => match object.get(name) {
                None | Some(Value::Null) => {
                    self.flaws.push(Flaw::new(pointer, "required", "This field is required."));
                    None
                }
                Some(value) if self.is_text => {
                    rule.check(&said(value, &rule), &pointer, self.flaws)
                }
                Some(value) => rule.check(value, &pointer, self.flaws),
            },
            Source::Schema { properties, required, .. } => {
                properties.insert(name.to_owned(), rule.schema());
                required.push(name);
                None
            }
        }
    }

    /// A field that may be absent or null: `Some(None)` then.
    pub fn optional<R: Rule>(&mut self, name: &'static str, rule: R) -> Option<Option<R::Out>> {
        self.known.push(name);
        match &mut self.source {
            Source::Object(object) => match object.get(name) {
                None | Some(Value::Null) => Some(None),
                Some(value) => {
                    let pointer = format!("{}/{name}", self.pointer);
                    if self.is_text {
                        return rule.check(&said(value, &rule), &pointer, self.flaws).map(Some);
                    }
                    rule.check(value, &pointer, self.flaws).map(Some)
                }
            },
            Source::Schema { properties, .. } => {
                properties.insert(name.to_owned(), nullable(rule.schema()));
                None
            }
        }
    }

    /// At least one of these optional fields must be there: a flaw of the first where none is.
    pub fn either(&mut self, names: &[&'static str], detail: &'static str) {
        let is_missing = match &mut self.source {
            Source::Object(object) => !names.iter().any(|name| is_given(object, name)),
            Source::Schema { all_of, .. } => {
                let each: Vec<Value> = names.iter().map(|name| given(&[name])).collect();
                all_of.push(json!({ "anyOf": each }));
                false
            }
        };
        if let (true, Some(first)) = (is_missing, names.first()) {
            self.flaw(first, "required", detail);
        }
    }

    /// These optional fields must not be there together: a flaw of the second where they are.
    pub fn not_both(&mut self, one: &'static str, other: &'static str, detail: &'static str) {
        let are_both = match &mut self.source {
            Source::Object(object) => is_given(object, one) && is_given(object, other),
            Source::Schema { all_of, .. } => {
                all_of.push(json!({ "not": given(&[one, other]) }));
                false
            }
        };
        if are_both {
            self.flaw(other, "not_together", detail);
        }
    }

    /// Adds a flaw found by comparing fields.
    pub fn flaw(&mut self, name: &str, code: &'static str, detail: impl Into<String>) {
        self.flaws.push(Flaw::new(format!("{}/{name}", self.pointer), code, detail));
    }
}

/// A parameter's text as the rule's type: digits are a number where one is asked for, and a text
/// where a text is.
fn said<R: Rule>(value: &Value, rule: &R) -> Value {
    match value.as_str().and_then(|text| Some((text, text.parse::<i64>().ok()?))) {
        Some((text, number)) if rule.is_number() && number.to_string() == text => json!(number),
        _ => value.clone(),
    }
}

/// Whether a field is there; null is absent.
fn is_given(object: &Map<String, Value>, name: &str) -> bool {
    object.get(name).is_some_and(|value| !value.is_null())
}

/// The schema of objects that have all these fields.
fn given(names: &[&str]) -> Value {
    let entry = |name: &&str| ((*name).to_owned(), json!({"not": {"type": "null"}}));
    let properties: Map<String, Value> = names.iter().map(entry).collect();
    json!({"required": names, "properties": properties})
}

/// Reads a form from an object; unknown fields are flaws.
pub fn read_object<T: Form>(
    object: &Map<String, Value>,
    pointer: &str,
    flaws: &mut Vec<Flaw>,
) -> Option<T> {
    read(object, false, pointer, flaws)
}

/// Reads a form from parameters, which are all texts.
pub fn read_texts<T: Form>(
    texts: &Map<String, Value>,
    pointer: &str,
    flaws: &mut Vec<Flaw>,
) -> Option<T> {
    read(texts, true, pointer, flaws)
}

fn read<T: Form>(
    object: &Map<String, Value>,
    is_text: bool,
    pointer: &str,
    flaws: &mut Vec<Flaw>,
) -> Option<T> {
    let before = flaws.len();
    let mut fields = Fields {
        source: Source::Object(object),
        pointer: pointer.to_owned(),
        is_text,
        known: Vec::new(),
        flaws,
    };
    let form = T::read(&mut fields);
    let known = fields.known;
    for name in object.keys().filter(|name| !known.contains(&name.as_str())) {
        flaws.push(Flaw::new(
            format!("{pointer}/{}", crate::json::token(name)),
            "unknown_field",
            "This field is not known here.",
        ));
    }
    form.filter(|_| flaws.len() == before)
}

/// Reads a form from a value that should be an object.
pub fn read_value<T: Form>(value: &Value, pointer: &str, flaws: &mut Vec<Flaw>) -> Option<T> {
    match value {
        Value::Object(object) => read_object(object, pointer, flaws),
        _ => wrong_type(pointer, "an object", flaws),
    }
}

/// The flaws that a form finds in a value, as pointers and codes: for tests of forms.
pub fn flaws_of<T: Form>(value: &Value) -> Vec<(String, &'static str)> {
    let mut flaws = Vec::new();
    let read: Option<T> = read_value(value, "", &mut flaws);
    debug_assert_eq!(read.is_none(), !flaws.is_empty(), "no form without a flaw, or with one");
    flaws.into_iter().map(|flaw| (flaw.pointer, flaw.code)).collect()
}

/// The schema of a field that may also be null, which is the same as absent.
fn nullable(mut schema: Value) -> Value {
    if let Value::Object(schema) = &mut schema {
        if let Some(kind) = schema.get("type").filter(|kind| kind.is_string()).cloned() {
            schema.insert("type".into(), json!([kind, "null"]));
        }
        if let Some(Value::Array(words)) = schema.get_mut("enum") {
            words.push(Value::Null);
        }
    }
    schema
}

/// The schema of a parameter, which is text and can not be null.
pub(crate) fn never_null(schema: &Value) -> Value {
    let mut schema = schema.clone();
    if let Value::Object(schema) = &mut schema {
        let kinds = schema.get("type").and_then(Value::as_array).cloned().unwrap_or_default();
        if let Some(kind) = kinds.into_iter().find(|kind| kind != "null") {
            schema.insert("type".into(), kind);
        }
        if let Some(Value::Array(words)) = schema.get_mut("enum") {
            words.retain(|word| !word.is_null());
        }
    }
    schema
}

/// The JSON schema of a form.
pub fn schema_of<T: Form>() -> Value {
    let mut flaws = Vec::new();
    let mut fields = Fields {
        source: Source::Schema { properties: Map::new(), required: Vec::new(), all_of: Vec::new() },
        pointer: String::new(),
        is_text: false,
        known: Vec::new(),
        flaws: &mut flaws,
    };
    let _nothing_to_read: Option<T> = T::read(&mut fields);
    let Source::Schema { properties, required, all_of } = fields.source else {
        return json!({});
    };
    let mut schema = json!({
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    });
    if let (Value::Object(schema), false) = (&mut schema, required.is_empty()) {
        schema.insert("required".into(), json!(required));
    }
    if let (Value::Object(schema), false) = (&mut schema, all_of.is_empty()) {
        schema.insert("allOf".into(), json!(all_of));
    }
    schema
}

fn wrong_type<T>(pointer: &str, wanted: &str, flaws: &mut Vec<Flaw>) -> Option<T> {
    flaws.push(Flaw::new(pointer, "wrong_type", format!("This must be {wanted}.")));
    None
}

/// A whole number within bounds.
pub struct Integer {
    min: i64,
    max: i64,
}

impl Integer {
    /// From `min` to `max`, both included.
    pub const fn between(min: i64, max: i64) -> Self {
        Self { min, max }
    }
}

impl Rule for Integer {
    type Out = i64;
    fn check(&self, value: &Value, pointer: &str, flaws: &mut Vec<Flaw>) -> Option<i64> {
        let Some(number) = value.as_i64() else {
            // 1e400 and 10^30 are numbers, too: out of range rather than of a wrong type.
            if value.is_u64() {
                return self.out_of_range(pointer, flaws);
            }
            return wrong_type(pointer, "a whole number", flaws);
        };
        if (self.min..=self.max).contains(&number) {
            Some(number)
        } else {
            self.out_of_range(pointer, flaws)
        }
    }
    fn schema(&self) -> Value {
        json!({"type": "integer", "minimum": self.min, "maximum": self.max})
    }
    fn is_number(&self) -> bool {
        true
    }
}

impl Integer {
    fn out_of_range(&self, pointer: &str, flaws: &mut Vec<Flaw>) -> Option<i64> {
        let detail = format!("This must be from {} to {}.", self.min, self.max);
        flaws.push(Flaw::new(pointer, "out_of_range", detail));
        None
    }
}

/// A text without control characters, with bounds in characters.
pub struct Text {
    min: usize,
    max: usize,
    has_lines: bool,
}

impl Text {
    /// From `min` to `max` characters.
    pub const fn between(min: usize, max: usize) -> Self {
        Self { min, max, has_lines: false }
    }

    /// Up to `max` characters, in lines.
    pub const fn lines(max: usize) -> Self {
        Self { min: 0, max, has_lines: true }
    }
}

impl Rule for Text {
    type Out = String;
    fn check(&self, value: &Value, pointer: &str, flaws: &mut Vec<Flaw>) -> Option<String> {
        let Some(text) = value.as_str() else { return wrong_type(pointer, "a text", flaws) };
        let length = text.chars().count();
        if text.chars().any(|one| one.is_control() && !(self.has_lines && one == '\n')) {
            let detail = "This must not contain control characters.";
            flaws.push(Flaw::new(pointer, "not_allowed", detail));
            return None;
        }
        if length < self.min {
            let detail = format!("This must have at least {} characters.", self.min);
            flaws.push(Flaw::new(pointer, "too_short", detail));
            return None;
        }
        if length > self.max {
            let detail = format!("This must have at most {} characters.", self.max);
            flaws.push(Flaw::new(pointer, "too_long", detail));
            return None;
        }
        Some(text.to_owned())
    }
    fn schema(&self) -> Value {
        // The pattern says in the contract what is refused above.
        let pattern = if self.has_lines {
            "^[^\\u0000-\\u0009\\u000b-\\u001f\\u007f-\\u009f]*$"
        } else {
            "^[^\\u0000-\\u001f\\u007f-\\u009f]*$"
        };
        json!({"type": "string", "minLength": self.min, "maxLength": self.max,
            "pattern": pattern})
    }
}

/// A text that a function reads into something of ours.
pub struct Parsed<T> {
    parse: fn(&str) -> Option<T>,
    expected: &'static str,
    max: usize,
    pattern: Option<&'static str>,
}

impl<T> Parsed<T> {
    /// Read by `parse`; `expected` completes “This must be …”; `max` bounds the characters.
    pub const fn by(parse: fn(&str) -> Option<T>, expected: &'static str, max: usize) -> Self {
        Self { parse, expected, max, pattern: None }
    }

    /// With a pattern for the contract.
    #[must_use]
    pub const fn pattern(mut self, pattern: &'static str) -> Self {
        self.pattern = Some(pattern);
        self
    }
}

impl<T> Rule for Parsed<T> {
    type Out = T;
    fn check(&self, value: &Value, pointer: &str, flaws: &mut Vec<Flaw>) -> Option<T> {
        let Some(text) = value.as_str() else { return wrong_type(pointer, "a text", flaws) };
        let parsed = if text.chars().count() <= self.max { (self.parse)(text) } else { None };
        if parsed.is_none() {
            let detail = format!("This must be {}.", self.expected);
            flaws.push(Flaw::new(pointer, "malformed", detail));
        }
        parsed
    }
    fn schema(&self) -> Value {
        let mut schema = json!({"type": "string", "maxLength": self.max});
        if let (Value::Object(schema), Some(pattern)) = (&mut schema, self.pattern) {
            schema.insert("pattern".into(), json!(pattern));
        }
        schema
    }
}

/// Characters of what is searched for.
const WORDS_CHARS_MAX: usize = 200;

/// What somebody looks for.
pub const fn words() -> Text {
    Text::between(1, WORDS_CHARS_MAX)
}

/// An id of ours.
pub struct Id<T> {
    prefix: &'static str,
    parse: fn(&str) -> Result<T, domain::id::Malformed>,
}

macro_rules! id_rules {
    ($($rule:ident = $id:ident),* $(,)?) => {$(
        /// Reads this kind of id.
        pub const fn $rule() -> Id<domain::id::$id> {
            Id { prefix: domain::id::$id::PREFIX, parse: domain::id::$id::parse }
        }
    )*};
}

id_rules! {
    cart_id = CartId, line_id = LineId, draft_id = DraftId, order_id = OrderId,
    variant_id = VariantId,
    product_id = ProductId, address_id = AddressId, session_id = SessionId,
    staff_id = StaffId, role_id = RoleId, key_id = KeyId, gift_card_id = GiftCardId,
    promotion_id = PromotionId, customer_id = CustomerId, media_id = MediaId,
    location_id = LocationId, transfer_id = TransferId,
    order_line_id = OrderLineId, fulfillment_id = FulfillmentId, refund_id = RefundId,
    return_id = ReturnId,
    dispute_id = DisputeId, pool_key_id = PoolKeyId, message_id = MessageId,
    import_id = ImportId, export_id = ExportId,
    webhook_id = WebhookId, event_id = EventId,
}

macro_rules! path_forms {
    ($($form:ident of $what:literal: $rule:ident = $id:ident),* $(,)?) => {$(
        #[doc = concat!("Which ", $what, ": `{id}` in a path.")]
        #[derive(Debug, Clone, Copy)]
        pub struct $form {
            /// Its id.
            pub id: domain::id::$id,
        }

        impl Form for $form {
            fn read(fields: &mut Fields<'_>) -> Option<Self> {
                let id = fields.required("id", $rule());
                Some(Self { id: id? })
            }
        }
    )*};
}

path_forms! {
    CartPath of "cart": cart_id = CartId,
    DraftPath of "draft order": draft_id = DraftId,
    MessagePath of "letter": message_id = MessageId,
    MediaPath of "upload": media_id = MediaId,
    OrderPath of "order": order_id = OrderId,
    GiftCardPath of "gift card": gift_card_id = GiftCardId,
    CustomerPath of "customer": customer_id = CustomerId,
    PromotionPath of "promotion": promotion_id = PromotionId,
    WebhookPath of "webhook endpoint": webhook_id = WebhookId,
}

impl<T> Rule for Id<T> {
    type Out = T;
    fn check(&self, value: &Value, pointer: &str, flaws: &mut Vec<Flaw>) -> Option<T> {
        let Some(text) = value.as_str() else { return wrong_type(pointer, "a text", flaws) };
        let parsed = (self.parse)(text).ok();
        if parsed.is_none() {
            let detail = format!("This must be an id that begins with {}_.", self.prefix);
            flaws.push(Flaw::new(pointer, "malformed_id", detail));
        }
        parsed
    }
    fn schema(&self) -> Value {
        json!({"type": "string",
            "pattern": format!("^{}_[0-7][0-9A-HJKMNP-TV-Z]{{25}}$", self.prefix)})
    }
}

/// One of a few words.
pub struct OneOf<T: 'static>(pub &'static [(&'static str, T)]);

impl<T: Copy> Rule for OneOf<T> {
    type Out = T;
    fn check(&self, value: &Value, pointer: &str, flaws: &mut Vec<Flaw>) -> Option<T> {
        let Some(text) = value.as_str() else { return wrong_type(pointer, "a text", flaws) };
        let found = self.0.iter().find(|(word, _)| *word == text).map(|(_, out)| *out);
        if found.is_none() {
            let words: Vec<_> = self.0.iter().map(|(word, _)| *word).collect();
            let detail = format!("This must be one of: {}.", words.join(", "));
            flaws.push(Flaw::new(pointer, "not_allowed", detail));
        }
        found
    }
    fn schema(&self) -> Value {
        json!({"type": "string", "enum": self.0.iter().map(|(word, _)| *word).collect::<Vec<_>>()})
    }
}

/// A yes or a no.
pub struct YesOrNo;

impl Rule for YesOrNo {
    type Out = bool;
    fn check(&self, value: &Value, pointer: &str, flaws: &mut Vec<Flaw>) -> Option<bool> {
        value.as_bool().or_else(|| wrong_type(pointer, "true or false", flaws))
    }
    fn schema(&self) -> Value {
        json!({"type": "boolean"})
    }
}

/// A list in which every entry is read by one rule.
pub struct ListOf<R> {
    rule: R,
    max: usize,
    /// What is missing when there is no entry, where one is wanted.
    if_empty: Option<&'static str>,
}

impl<R: Rule> ListOf<R> {
    /// With at most so many entries.
    pub const fn up_to(max: usize, rule: R) -> Self {
        Self { rule, max, if_empty: None }
    }

    /// With one entry or more, and at most so many; what to say when there is none.
    pub const fn some_up_to(max: usize, rule: R, if_empty: &'static str) -> Self {
        Self { rule, max, if_empty: Some(if_empty) }
    }
}

impl<R: Rule> Rule for ListOf<R> {
    type Out = Vec<R::Out>;
    fn check(&self, value: &Value, pointer: &str, flaws: &mut Vec<Flaw>) -> Option<Self::Out> {
        let Some(entries) = value.as_array() else { return wrong_type(pointer, "a list", flaws) };
        if entries.len() > self.max {
            let detail = format!("This may have {} entries.", self.max);
            flaws.push(Flaw::new(pointer, "too_many", detail));
            return None;
        }
        if let (true, Some(detail)) = (entries.is_empty(), self.if_empty) {
            flaws.push(Flaw::new(pointer, "required", detail));
            return None;
        }
        // All of them are read before one is missed: every flaw is named.
        let read: Vec<Option<R::Out>> = entries
            .iter()
            .enumerate()
            .map(|(at, entry)| self.rule.check(entry, &format!("{pointer}/{at}"), flaws))
            .collect();
        read.into_iter().collect()
    }
    fn schema(&self) -> Value {
        let mut schema =
            json!({"type": "array", "items": self.rule.schema(), "maxItems": self.max});
        if let (Value::Object(schema), Some(_)) = (&mut schema, self.if_empty) {
            schema.insert("minItems".into(), json!(1));
        }
        schema
    }
}

/// The name of a permission.
pub struct PermissionName;

impl Rule for PermissionName {
    type Out = domain::permission::Permission;
    fn check(&self, value: &Value, pointer: &str, flaws: &mut Vec<Flaw>) -> Option<Self::Out> {
        let Some(text) = value.as_str() else { return wrong_type(pointer, "a text", flaws) };
        let known = domain::permission::Permission::parse(text);
        if known.is_none() {
            let detail = "This is not the name of a permission.";
            flaws.push(Flaw::new(pointer, "unknown_permission", detail));
        }
        known
    }
    fn schema(&self) -> Value {
        let all = domain::permission::Permission::ALL;
        json!({"type": "string", "enum": all.iter().map(|one| one.name()).collect::<Vec<_>>()})
    }
}

/// A set of permissions.
pub const fn permissions() -> ListOf<PermissionName> {
    ListOf::up_to(domain::permission::Permission::ALL.len(), PermissionName)
}

/// A moment in UTC, as JavaScript and we write it.
pub const fn time() -> Parsed<jiff::Timestamp> {
    Parsed::by(moment, "a time in UTC like 2026-11-21T09:00:00Z", 30).pattern(
        "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3])(:[0-5][0-9]){2}\
         (\\.[0-9]{1,9})?Z$",
    )
}

fn moment(text: &str) -> Option<jiff::Timestamp> {
    let (seconds, fraction) = text.strip_suffix('Z')?.split_at_checked(19)?;
    let mut shape = seconds.bytes().zip("dddd-dd-ddTdd:dd:dd".bytes());
    let is_plain =
        shape.all(|(is, like)| if like == b'd' { is.is_ascii_digit() } else { is == like });
    let is_fraction = fraction.is_empty()
        || fraction.strip_prefix('.').is_some_and(|all| {
            (1..=9).contains(&all.len()) && all.bytes().all(|b| b.is_ascii_digit())
        });
    if is_plain && is_fraction && !seconds.ends_with("60") { text.parse().ok() } else { None }
}

/// An object inside the object.
pub struct Nested<T>(std::marker::PhantomData<T>);

impl<T> Nested<T> {
    /// Read by its own form.
    pub const fn form() -> Self {
        Self(std::marker::PhantomData)
    }
}

impl<T: Form> Rule for Nested<T> {
    type Out = T;
    fn check(&self, value: &Value, pointer: &str, flaws: &mut Vec<Flaw>) -> Option<T> {
        read_value(value, pointer, flaws)
    }
    fn schema(&self) -> Value {
        schema_of::<T>()
    }
}

/// A language, with a region where it matters.
pub const fn locale() -> Parsed<domain::catalog::Locale> {
    Parsed::by(domain::catalog::Locale::parse, "a language like de or de-AT", 6)
        .pattern("^[a-z]{2,3}(-[A-Z]{2})?$")
}

/// A readable name in an address.
pub const fn slug() -> Parsed<domain::catalog::Slug> {
    Parsed::by(domain::catalog::Slug::parse, "a name of a–z, 0–9 and hyphens", 80)
        .pattern("^[a-z0-9-]{2,80}$")
}

/// A stock keeping unit.
pub const fn sku() -> Parsed<domain::catalog::Sku> {
    Parsed::by(domain::catalog::Sku::parse, "a SKU of A–Z, 0–9 and hyphens", 40)
        .pattern("^[A-Z0-9-]{3,40}$")
}

/// A currency.
pub const fn currency() -> Parsed<domain::currency::Currency> {
    Parsed::by(domain::currency::Currency::parse, "an ISO 4217 currency code", 3)
        .pattern("^[A-Z]{3}$")
}

/// A mail address.
pub const fn email() -> Parsed<domain::address::Email> {
    Parsed::by(|text| domain::address::Email::parse(text).ok(), "a mail address", 254)
        .pattern("^[^@\\s]+@[^@\\s]+$")
}

/// A telephone number.
pub const fn phone() -> Parsed<domain::phone::Phone> {
    // The plus and fifteen digits.
    Parsed::by(domain::phone::Phone::parse, "a number like +4915112345678 (E.164)", 16)
        .pattern("^\\+[1-9][0-9]{7,14}$")
}

/// A VAT id; what is wrong with it is told.
pub struct VatIdRule;

impl Rule for VatIdRule {
    type Out = domain::vat_id::VatId;
    fn check(&self, value: &Value, pointer: &str, flaws: &mut Vec<Flaw>) -> Option<Self::Out> {
        let Some(text) = value.as_str() else { return wrong_type(pointer, "a text", flaws) };
        let read = domain::vat_id::VatId::parse(text);
        read.map_err(|refusal| flaws.push(Flaw::new(pointer, refusal.code(), refusal.detail())))
            .ok()
    }
    fn schema(&self) -> Value {
        let max = domain::vat_id::TYPED_CHARS_MAX;
        json!({"type": "string", "minLength": 4, "maxLength": max, "examples": ["DE136695976"]})
    }
}

/// A country.
pub const fn country() -> Parsed<domain::address::Country> {
    Parsed::by(domain::address::Country::parse, "an ISO 3166-1 alpha-2 country code", 2)
        .pattern("^[A-Z]{2}$")
}

/// An object whose names are read by a function and whose values by one rule.
pub struct MapOf<K, R> {
    key: fn(&str) -> Option<K>,
    expected: &'static str,
    max: usize,
    rule: R,
}

impl<K: Ord, R: Rule> MapOf<K, R> {
    /// With at most so many members; `expected` completes "The name must be …".
    pub const fn by(
        key: fn(&str) -> Option<K>,
        expected: &'static str,
        max: usize,
        rule: R,
    ) -> Self {
        Self { key, expected, max, rule }
    }
}

impl<K: Ord, R: Rule> Rule for MapOf<K, R> {
    type Out = std::collections::BTreeMap<K, R::Out>;
    fn check(&self, value: &Value, pointer: &str, flaws: &mut Vec<Flaw>) -> Option<Self::Out> {
        let Some(members) = value.as_object() else {
            return wrong_type(pointer, "an object", flaws);
        };
        if members.len() > self.max {
            let detail = format!("This may have {} members.", self.max);
            flaws.push(Flaw::new(pointer, "too_many", detail));
            return None;
        }
        let mut read = Vec::with_capacity(members.len());
        for (name, value) in members {
            let place = format!("{pointer}/{}", crate::json::token(name));
            let key = (self.key)(name);
            if key.is_none() {
                let detail = format!("The name must be {}.", self.expected);
                flaws.push(Flaw::new(&place, "malformed_name", detail));
            }
            // All of them are read before one is missed: every flaw is named.
            let value = self.rule.check(value, &place, flaws);
            read.push(key.zip(value));
        }
        read.into_iter().collect()
    }
    fn schema(&self) -> Value {
        json!({"type": "object", "additionalProperties": self.rule.schema(),
            "maxProperties": self.max})
    }
}

/// The code of a gift card, as people type it. A mistyped one is refused here.
pub const fn gift_card_code() -> Parsed<domain::gift_card::Code> {
    let expected = "the code of a gift card: four groups of four characters and a last one";
    Parsed::by(domain::gift_card::Code::parse, expected, 40).pattern("^[0-9A-Za-z -]{17,40}$")
}

/// Money as it stands in every body.
impl Form for domain::money::Money {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let amount = fields.required("amount", Integer::between(0, 999_999_999_999));
        let currency = fields.required("currency", currency());
        Some(Self::new(amount?, currency?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct AddLine {
        quantity: i64,
        note: Option<String>,
    }

    impl Form for AddLine {
        fn read(fields: &mut Fields<'_>) -> Option<Self> {
            let quantity = fields.required("quantity", Integer::between(1, 100));
            let note = fields.optional("note", Text::between(1, 5));
            Some(Self { quantity: quantity?, note: note? })
        }
    }

    #[test]
    fn a_good_body_is_read() {
        let mut flaws = Vec::new();
        let body = json!({"quantity": 3, "note": null});
        let read: AddLine = read_value(&body, "", &mut flaws).unwrap();
        assert_eq!((read.quantity, read.note), (3, None));
    }

    #[test]
    fn every_flaw_is_named_at_once() {
        assert_eq!(
            flaws_of::<AddLine>(&json!({"quantity": 101, "note": "too long", "colour": 1})),
            [
                ("/quantity".to_owned(), "out_of_range"),
                ("/note".to_owned(), "too_long"),
                ("/colour".to_owned(), "unknown_field"),
            ]
        );
    }

    /// A name or a number, and not both a number and a list, which is not empty.
    struct Choice;

    impl Form for Choice {
        fn read(fields: &mut Fields<'_>) -> Option<Self> {
            let name = fields.optional("name", Text::between(1, 5));
            let number = fields.optional("number", Integer::between(1, 9));
            let each = Text::between(1, 5);
            let list = fields.optional("list", ListOf::some_up_to(2, each, "Nothing is listed."));
            fields.either(&["name", "number"], "Give a name or a number.");
            fields.not_both("number", "list", "Give a number or a list.");
            let _read = (name?, number?, list?);
            Some(Self)
        }
    }

    #[test]
    fn fields_that_depend_on_each_other_say_so_in_the_contract() {
        let flaw = |at: &str, code| (at.to_owned(), code);
        assert_eq!(flaws_of::<Choice>(&json!({"name": "a", "list": ["b"]})), []);
        assert_eq!(flaws_of::<Choice>(&json!({"number": 1})), []);
        assert_eq!(flaws_of::<Choice>(&json!({"name": null})), [flaw("/name", "required")]);
        let both = json!({"number": 1, "list": []});
        let wanted = [flaw("/list", "required"), flaw("/list", "not_together")];
        assert_eq!(flaws_of::<Choice>(&both), wanted);
        let schema = schema_of::<Choice>();
        assert_eq!(schema["properties"]["list"]["minItems"], 1);
        let there = |names: &[&str]| given(names);
        let all = json!([
            {"anyOf": [there(&["name"]), there(&["number"])]},
            {"not": there(&["number", "list"])},
        ]);
        assert_eq!(schema["allOf"], all);
    }

    #[test]
    fn digits_in_a_query_are_what_is_asked_for() {
        let texts = json!({"quantity": "3", "note": "42"});
        let mut flaws = Vec::new();
        let read: AddLine = read_texts(texts.as_object().unwrap(), "/query", &mut flaws).unwrap();
        assert_eq!((read.quantity, read.note.as_deref()), (3, Some("42")));
        for quantity in ["03", "+3", " 3", "3.0", "three"] {
            let texts = json!({ "quantity": quantity });
            let mut flaws = Vec::new();
            let read: Option<AddLine> =
                read_texts(texts.as_object().unwrap(), "/query", &mut flaws);
            assert!(read.is_none() && flaws[0].code == "wrong_type", "{quantity}");
        }
        // In a body a text is no number.
        let flaws = flaws_of::<AddLine>(&json!({"quantity": "3"}));
        assert_eq!(flaws, [("/quantity".to_owned(), "wrong_type")]);
    }

    #[test]
    fn numbers_are_whole_numbers_within_bounds() {
        for quantity in [json!(0), json!(-1), json!(u64::MAX), json!(i64::MIN)] {
            let flaws = flaws_of::<AddLine>(&json!({ "quantity": quantity }));
            assert_eq!(flaws, [("/quantity".to_owned(), "out_of_range")]);
        }
        for quantity in [json!(1.5), json!("1"), json!([1]), json!(true), json!(1e300)] {
            let flaws = flaws_of::<AddLine>(&json!({ "quantity": quantity }));
            assert_eq!(flaws, [("/quantity".to_owned(), "wrong_type")]);
        }
    }

    #[test]
    fn every_entry_of_a_list_is_read_and_every_wrong_one_is_named() {
        let mut flaws = Vec::new();
        let check = |value: Value, flaws: &mut Vec<Flaw>| permissions().check(&value, "/p", flaws);
        let read = check(json!(["orders.read", "audit.read", "orders.read"]), &mut flaws).unwrap();
        assert_eq!((read.len(), flaws.len()), (3, 0));
        assert!(check(json!(["ships.sink", "audit.read", 3]), &mut flaws).is_none());
        let found: Vec<_> = flaws.iter().map(|flaw| (flaw.pointer.as_str(), flaw.code)).collect();
        assert_eq!(found, [("/p/0", "unknown_permission"), ("/p/2", "wrong_type")]);
        assert!(check(json!("orders.read"), &mut flaws).is_none());
        assert!(check(json!(vec!["orders.read"; 100]), &mut flaws).is_none());
        assert_eq!(flaws.last().unwrap().code, "too_many");
    }

    #[test]
    fn a_time_is_in_utc_and_written_in_one_way() {
        assert!(moment("2026-11-21T09:00:00Z").is_some());
        assert!(moment("2026-11-21T09:00:00.000Z").is_some());
        for wrong in ["", "Z", "2026-11-21", "2026-11-21T09:00:00+01:00", "2026-02-30T00:00:00Z"] {
            assert_eq!(moment(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_schema_is_made_of_the_same_words() {
        let schema = schema_of::<AddLine>();
        assert_eq!(schema["required"], json!(["quantity"]));
        assert_eq!(schema["properties"]["quantity"]["maximum"], 100);
        assert_eq!(schema["additionalProperties"], false);
    }

    #[test]
    fn a_time_is_written_in_one_way() {
        assert!(moment("2026-11-21T09:00:00.123456789Z").is_some());
        for wrong in [
            "2026-11-21t09:00:00Z",
            "2026-11-21 09:00:00Z",
            "20261121T090000Z",
            "2026-02-30T00:00:00Z",
            "2026-11-21T09:00:60Z",
            "2026-11-21T09:00:00.Z",
            "2026-11-21T09:00:00,5Z",
            "2026-11-21T09:00:00z",
            "2026-11-21T09:00Z",
            "Z",
            "",
        ] {
            assert_eq!(moment(wrong), None, "{wrong}");
        }
    }
}
