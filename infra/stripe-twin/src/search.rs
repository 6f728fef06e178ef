//! Stripe's search language, as far as payments and charges need it: clauses such as
//! `metadata['order_id']:'7'`, `status:'succeeded'`, `amount>100`, `-currency:'eur'`, all joined
//! by AND or all by OR. Unlike Stripe's, the index here is never behind.

use serde_json::{Value, json};

use crate::form::Fields;
use crate::lists;
use crate::refusal::Refusal;
use crate::store::Kind;
use crate::world::World;

/// More clauses than Stripe takes.
const CLAUSES_MAX: usize = 10;

const TEXT_FIELDS: [&str; 6] =
    ["currency", "customer", "status", "payment_intent", "receipt_email", "description"];
const NUMBER_FIELDS: [&str; 2] = ["amount", "created"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equals,
    Contains,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Debug)]
struct Clause {
    is_negated: bool,
    field: String,
    metadata_key: Option<String>,
    operator: Operator,
    /// None stands for `null`: the field is not there.
    value: Option<String>,
}

impl Clause {
    fn matches(&self, object: &Value) -> bool {
        let found = match &self.metadata_key {
            Some(key) => &object["metadata"][key.as_str()],
            None => &object[self.field.as_str()],
        };
        let is_match = match (&self.value, found) {
            (None, found) => found.is_null(),
            (Some(want), Value::Number(have)) => self.compare(want, have.as_i64()),
            (Some(want), Value::String(have)) => match self.operator {
                Operator::Contains => have.to_lowercase().contains(&want.to_lowercase()),
                _ => have.eq_ignore_ascii_case(want),
            },
            (Some(_), _) => false,
        };
        is_match != self.is_negated
    }

    fn compare(&self, want: &str, have: Option<i64>) -> bool {
        let (Ok(want), Some(have)) = (want.parse::<i64>(), have) else { return false };
        match self.operator {
            Operator::Equals | Operator::Contains => have == want,
            Operator::Less => have < want,
            Operator::LessOrEqual => have <= want,
            Operator::Greater => have > want,
            Operator::GreaterOrEqual => have >= want,
        }
    }
}

/// `GET /v1/payment_intents/search` and its like.
pub(crate) fn search(
    world: &World,
    form: &Fields,
    kind: Kind,
    url: &str,
) -> Result<Value, Refusal> {
    form.only(&["query", "limit", "page"])?;
    let text = form.filled("query").ok_or_else(|| Refusal::missing("query"))?;
    let limit = lists::limit(form)?;
    let query = parse(text).ok_or_else(|| {
        Refusal::invalid(
            "We were unable to parse your search query. Try using the format \
             `metadata[\"key\"]:\"value\"` to query for metadata or key:\"value\" to query for \
             other fields.",
        )
    })?;
    let before = match form.filled("page") {
        None => u64::MAX,
        Some(page) => u64::from_str_radix(page, 36)
            .map_err(|_| Refusal::invalid("Invalid page token.").param("page"))?,
    };
    let found = world.store.between(kind, 0, before).rev().filter(|object| query.matches(object));
    let mut page: Vec<Value> = found.take(limit + 1).cloned().collect();
    let has_more = page.len() > limit;
    page.truncate(limit);
    let last = page.last().and_then(|last| world.store.age(kind, last["id"].as_str()?));
    let next_page = last.filter(|_| has_more).map(base36);
    Ok(json!({
        "object": "search_result", "data": page, "has_more": has_more,
        "next_page": next_page, "url": url,
    }))
}

fn base36(mut number: u64) -> String {
    let mut digits = Vec::new();
    while number > 0 || digits.is_empty() {
        let digit = u32::try_from(number % 36).unwrap_or_default();
        digits.push(char::from_digit(digit, 36).unwrap_or('0'));
        number /= 36;
    }
    digits.iter().rev().collect()
}

#[derive(Debug)]
struct Query {
    clauses: Vec<Clause>,
    is_any: bool,
}

impl Query {
    fn matches(&self, object: &Value) -> bool {
        if self.is_any {
            self.clauses.iter().any(|clause| clause.matches(object))
        } else {
            self.clauses.iter().all(|clause| clause.matches(object))
        }
    }
}

fn parse(text: &str) -> Option<Query> {
    let mut rest = text.trim();
    let (mut clauses, mut joints) = (Vec::new(), Vec::new());
    while !rest.is_empty() {
        let (clause, after) = parse_clause(rest)?;
        clauses.push(clause);
        rest = after.trim_start();
        // Clauses may also simply follow each other, which means AND.
        for joint in ["AND ", "OR ", "and ", "or "] {
            if let Some(after) = rest.strip_prefix(joint) {
                joints.push(joint.trim().to_ascii_uppercase());
                rest = after.trim_start();
                if rest.is_empty() {
                    return None;
                }
                break;
            }
        }
    }
    let is_any = joints.iter().any(|joint| joint == "OR");
    let is_mixed =
        is_any && (joints.len() + 1 != clauses.len() || joints.iter().any(|j| j == "AND"));
    let is_sound = !clauses.is_empty() && clauses.len() <= CLAUSES_MAX && !is_mixed;
    is_sound.then_some(Query { clauses, is_any })
}

fn parse_clause(text: &str) -> Option<(Clause, &str)> {
    let (is_negated, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let end = text.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')?;
    let (field, mut rest) = text.split_at(end);
    let mut metadata_key = None;
    if field == "metadata" {
        let (key, after) = quoted(rest.strip_prefix('[')?)?;
        metadata_key = Some(key);
        rest = after.strip_prefix(']')?;
    } else if !TEXT_FIELDS.contains(&field) && !NUMBER_FIELDS.contains(&field) {
        return None;
    }
    let (operator, rest) = [
        (">=", Operator::GreaterOrEqual),
        ("<=", Operator::LessOrEqual),
        (">", Operator::Greater),
        ("<", Operator::Less),
        ("~", Operator::Contains),
        (":", Operator::Equals),
        ("=", Operator::Equals),
    ]
    .into_iter()
    .find_map(|(sign, operator)| Some((operator, rest.strip_prefix(sign)?)))?;
    let (value, rest) = parse_value(rest)?;
    Some((Clause { is_negated, field: field.to_owned(), metadata_key, operator, value }, rest))
}

/// A quoted text, a whole number, or `null`; and what follows it.
fn parse_value(text: &str) -> Option<(Option<String>, &str)> {
    if let Some((value, rest)) = quoted(text) {
        return Some((Some(value), rest));
    }
    let (word, rest) = text.split_at(text.find(' ').unwrap_or(text.len()));
    match word {
        "null" => Some((None, rest)),
        word => word.parse::<i64>().ok().map(|number| (Some(number.to_string()), rest)),
    }
}

/// A text in single or double quotes with backslash escapes, and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let quote = text.chars().next().filter(|letter| matches!(letter, '\'' | '"'))?;
    let mut value = String::new();
    let mut letters = text.char_indices().skip(1);
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => value.push(letters.next()?.1),
            _ if letter == quote => return Some((value, text.get(at + 1..)?)),
            _ => value.push(letter),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finds(query: &str) -> bool {
        let object = json!({
            "amount": 1000, "currency": "eur", "status": "succeeded", "customer": null,
            "metadata": { "order_id": "o'7" },
        });
        parse(query).unwrap_or_else(|| panic!("{query}")).matches(&object)
    }

    #[test]
    fn metadata_are_found() {
        assert!(finds("metadata['order_id']:'o\\'7'"));
        assert!(finds(r#"metadata["order_id"]:"o'7""#));
        assert!(!finds("metadata['order_id']:'8'"));
        assert!(finds("metadata['other']:null"));
        assert!(finds("-metadata['order_id']:null"));
    }

    #[test]
    fn clauses_join() {
        assert!(finds("status:'succeeded' AND amount>=1000"));
        assert!(!finds("status:'succeeded' AND amount>1000"));
        assert!(finds("status:'canceled' OR currency:'EUR'"));
        assert!(finds("amount<2000 currency:'eur'"));
    }

    #[test]
    fn nonsense_is_not_understood() {
        for query in [
            "",
            "foo:'a'",
            "status:",
            "status:'a",
            "a AND",
            "amount>x",
            "status:'a' AND currency:'b' OR amount>1",
        ] {
            assert!(parse(query).is_none(), "{query}");
        }
    }

    #[test]
    fn page_tokens_count_in_base_36() {
        assert_eq!(base36(0), "0");
        assert_eq!(u64::from_str_radix(&base36(123_456), 36).unwrap(), 123_456);
    }
}
