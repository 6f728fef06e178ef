//! Stripe's request bodies: `application/x-www-form-urlencoded` with bracket nesting
//! (`metadata[order_id]=7`, `expand[]=latest_charge`, `expand[0]=latest_charge`).
//!
//! A parsed form is a small ordered tree. Reading a field gives the value or the refusal that
//! Stripe would give for it, so that the endpoints read like a list of their parameters.

use serde_json::{Map, Value};

use crate::refusal::Refusal;

/// More pairs than any legitimate request has; Stripe refuses such bodies too.
const PAIRS_MAX: usize = 2000;
/// Deeper nesting than any documented parameter.
const DEPTH_MAX: usize = 8;

/// One value of a form: text, or named values below it (arrays have numbers as names).
#[derive(Clone, Debug)]
pub(crate) enum Node {
    /// A plain value.
    Text(String),
    /// Nested values.
    Fields(Fields),
}

/// Named values in the order in which they were sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields(Vec<(String, Node)>);

/// Parses a query string or a form body into its decoded pairs.
pub(crate) fn pairs(text: &str) -> Result<Vec<(String, String)>, Refusal> {
    let mut pairs = Vec::new();
    for piece in text.split('&').filter(|piece| !piece.is_empty()) {
        let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
        pairs.push((decode(name)?, decode(value)?));
        if pairs.len() > PAIRS_MAX {
            return Err(Refusal::invalid("Too many parameters in the request."));
        }
    }
    Ok(pairs)
}

fn decode(text: &str) -> Result<String, Refusal> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = (rest.next().and_then(hex), rest.next().and_then(hex));
                let (Some(high), Some(low)) = digits else {
                    return Err(Refusal::invalid("Invalid percent-encoding in the request."));
                };
                high * 16 + low
            }
            other => other,
        });
    }
    String::from_utf8(bytes).map_err(|_| Refusal::invalid("Invalid UTF-8 in the request."))
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

impl Fields {
    /// Builds the tree from decoded pairs.
    pub(crate) fn from_pairs(pairs: &[(String, String)]) -> Result<Self, Refusal> {
        let mut root = Self::default();
        for (name, value) in pairs {
            let path = path_of(name);
            if path.len() > DEPTH_MAX {
                return Err(Refusal::invalid(format!("Parameter nested too deeply: {name}")));
            }
            root.insert(&path, value);
        }
        Ok(root)
    }

    fn insert(&mut self, path: &[&str], value: &str) {
        let Some((first, rest)) = path.split_first() else { return };
        let name = if first.is_empty() { self.0.len().to_string() } else { (*first).to_owned() };
        if rest.is_empty() {
            self.set(name, Node::Text(value.to_owned()));
            return;
        }
        if !matches!(self.get(&name), Some(Node::Fields(_))) {
            self.set(name.clone(), Node::Fields(Self::default()));
        }
        let below = self.0.iter_mut().find(|(known, _)| *known == name);
        if let Some((_, Node::Fields(fields))) = below {
            fields.insert(rest, value);
        }
    }

    fn set(&mut self, name: String, node: Node) {
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = node,
            None => self.0.push((name, node)),
        }
    }

    fn get(&self, name: &str) -> Option<&Node> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, node)| node)
    }

    /// The names at this level.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// Whether the parameter was sent at all, even empty.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The text of a parameter, also when it is empty (which means "unset" to Stripe).
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        match self.get(name) {
            Some(Node::Text(text)) => Some(text),
            Some(Node::Fields(_)) | None => None,
        }
    }

    /// The text of a parameter when there is any.
    pub(crate) fn filled(&self, name: &str) -> Option<&str> {
        self.text(name).filter(|text| !text.is_empty())
    }

    /// The parameters nested below this one.
    pub(crate) fn below(&self, name: &str) -> Option<&Fields> {
        match self.get(name) {
            Some(Node::Fields(fields)) => Some(fields),
            Some(Node::Text(_)) | None => None,
        }
    }

    /// The texts of an array.
    pub(crate) fn list(&self, name: &str) -> Vec<&str> {
        let Some(fields) = self.below(name) else { return Vec::new() };
        fields
            .0
            .iter()
            .filter_map(|(_, node)| match node {
                Node::Text(text) => Some(text.as_str()),
                Node::Fields(_) => None,
            })
            .collect()
    }

    /// A whole number, or the refusal.
    pub(crate) fn integer(&self, name: &str) -> Result<Option<i64>, Refusal> {
        let Some(text) = self.filled(name) else { return Ok(None) };
        text.parse().map(Some).map_err(|_| {
            Refusal::invalid(format!("Invalid integer: {text}"))
                .code("parameter_invalid_integer")
                .param(name)
        })
    }

    /// A truth value, or the refusal.
    pub(crate) fn boolean(&self, name: &str) -> Result<Option<bool>, Refusal> {
        match self.filled(name) {
            None => Ok(None),
            Some("true" | "1") => Ok(Some(true)),
            Some("false" | "0") => Ok(Some(false)),
            Some(text) => Err(Refusal::invalid(format!("Invalid boolean: {text}")).param(name)),
        }
    }

    /// One of the allowed words, or the refusal.
    pub(crate) fn one_of(&self, name: &str, allowed: &[&str]) -> Result<Option<&str>, Refusal> {
        match self.filled(name) {
            None => Ok(None),
            Some(text) if allowed.contains(&text) => Ok(Some(text)),
            Some(_) => Err(Refusal::invalid(format!(
                "Invalid {name}: must be one of {}",
                allowed.join(", ")
            ))
            .param(name)),
        }
    }

    /// Refuses what the endpoint does not know, as Stripe does: a typo must not pass silently.
    pub(crate) fn only(&self, known: &[&str]) -> Result<(), Refusal> {
        match self.names().find(|name| !known.contains(name) && *name != "expand") {
            None => Ok(()),
            Some(name) => Err(Refusal::invalid(format!("Received unknown parameter: {name}"))
                .code("parameter_unknown")
                .param(name)),
        }
    }

    /// The nested texts as JSON, empty texts as null.
    pub(crate) fn to_json(&self) -> Value {
        let mut map = Map::new();
        for (name, node) in &self.0 {
            map.insert(
                name.clone(),
                match node {
                    Node::Text(text) if text.is_empty() => Value::Null,
                    Node::Text(text) => Value::String(text.clone()),
                    Node::Fields(fields) => fields.to_json(),
                },
            );
        }
        Value::Object(map)
    }
}

/// `a[b][][c]` as `a`, `b`, ``, `c`; a name without a proper bracket is itself.
fn path_of(name: &str) -> Vec<&str> {
    match name.split_once('[') {
        Some((first, rest)) if !first.is_empty() && rest.ends_with(']') => {
            let mut path = vec![first];
            path.extend(rest.trim_end_matches(']').split("]["));
            path
        }
        _ => vec![name],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(text: &str) -> Fields {
        Fields::from_pairs(&pairs(text).unwrap()).unwrap()
    }

    #[test]
    fn brackets_nest() {
        let form = form("metadata[order_id]=7&shipping[address][city]=K%C3%B6ln+S%C3%BCd&a=");
        assert_eq!(form.below("metadata").unwrap().text("order_id"), Some("7"));
        let address = form.below("shipping").unwrap().below("address").unwrap();
        assert_eq!(address.text("city"), Some("Köln Süd"));
        assert_eq!(form.text("a"), Some(""));
        assert_eq!(form.filled("a"), None);
    }

    #[test]
    fn arrays_come_with_and_without_numbers() {
        assert_eq!(form("expand[]=a&expand[]=b").list("expand"), ["a", "b"]);
        assert_eq!(form("expand[0]=a&expand[1]=b").list("expand"), ["a", "b"]);
        assert_eq!(form("expand%5B0%5D=a").list("expand"), ["a"]);
    }

    #[test]
    fn a_typo_is_refused_by_name() {
        let refusal = form("amuont=5").only(&["amount"]).unwrap_err();
        assert_eq!(refusal.error["code"], "parameter_unknown");
        assert_eq!(refusal.error["param"], "amuont");
    }

    #[test]
    fn broken_encoding_is_refused() {
        assert!(pairs("a=%zz").is_err());
        assert!(pairs("a=%ff").is_err());
        assert!(pairs("a=%4").is_err());
    }

    #[test]
    fn numbers_and_truths_are_checked() {
        assert_eq!(form("amount=12").integer("amount").unwrap(), Some(12));
        assert!(form("amount=12.5").integer("amount").is_err());
        assert!(form("confirm=yes").boolean("confirm").is_err());
    }
}
