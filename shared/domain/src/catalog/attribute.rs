//! What is known of products in a form that machines compare: a definition for the whole shop, a
//! value for each product.

use serde::{Deserialize, Serialize};

use super::Slug;

/// Attributes that a shop defines.
pub const DEFINITIONS_MAX: usize = 100;
/// Choices of one attribute.
pub const CHOICES_MAX: usize = 100;
/// Characters of a text or a choice.
pub const TEXT_CHARS_MAX: usize = 200;

/// What values an attribute has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
#[schemars(rename = "AttributeKind")]
pub enum Kind {
    /// A few words.
    Text,
    /// A whole number.
    Number,
    /// Yes or no.
    Boolean,
    /// One of these.
    Choice {
        /// The choices, in order.
        choices: Vec<String>,
    },
}

impl Kind {
    /// The name in requests.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Choice { .. } => "choice",
        }
    }
}

/// An attribute of the shop's goods.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Definition {
    /// Its name in products, rules and filters.
    pub code: Slug,
    /// Its name for people.
    pub title: String,
    /// What values it has.
    pub kind: Kind,
    /// Rises with every change.
    pub version: u64,
}

/// What a product has of an attribute.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// A few words.
    Text(String),
    /// A whole number.
    Number(i64),
    /// Yes or no.
    Boolean(bool),
    /// One of the definition's choices.
    Choice(String),
}

/// A value as somebody writes it, before its definition is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Raw {
    /// A JSON string.
    Text(String),
    /// A whole JSON number.
    Number(i64),
    /// A JSON boolean.
    Boolean(bool),
}

/// Why a value is none of its attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The shop has no such attribute.
    Unknown,
    /// It has another type.
    WrongType,
    /// It is none of the choices.
    NotAChoice,
    /// It is empty or too long.
    Length,
}

impl Refusal {
    /// The name clients match on.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Unknown => "unknown_attribute",
            Self::WrongType => "wrong_attribute_type",
            Self::NotAChoice => "not_a_choice",
            Self::Length => "attribute_length",
        }
    }
}

impl Definition {
    /// Reads a value by the attribute's type.
    pub fn value(&self, raw: &Raw) -> Result<Value, Refusal> {
        match (&self.kind, raw) {
            (Kind::Text, Raw::Text(text)) => {
                let fits = (1..=TEXT_CHARS_MAX).contains(&text.chars().count());
                fits.then(|| Value::Text(text.clone())).ok_or(Refusal::Length)
            }
            (Kind::Number, Raw::Number(number)) => Ok(Value::Number(*number)),
            (Kind::Boolean, Raw::Boolean(yes)) => Ok(Value::Boolean(*yes)),
            (Kind::Choice { choices }, Raw::Text(text)) => {
                let is_one = choices.contains(text);
                is_one.then(|| Value::Choice(text.clone())).ok_or(Refusal::NotAChoice)
            }
            (Kind::Text | Kind::Number | Kind::Boolean | Kind::Choice { .. }, _) => {
                Err(Refusal::WrongType)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_of_its_attributes_type() {
        let of = |kind| Definition {
            code: Slug::parse("material").unwrap(),
            title: "Material".into(),
            kind,
            version: 1,
        };
        let text = |text: &str| Raw::Text(text.into());
        let choices = Kind::Choice { choices: vec!["wool".into(), "linen".into()] };
        let choice = of(choices);
        assert_eq!(choice.value(&text("wool")), Ok(Value::Choice("wool".into())));
        assert_eq!(choice.value(&text("tin")), Err(Refusal::NotAChoice));
        assert_eq!(choice.value(&Raw::Number(1)), Err(Refusal::WrongType));
        assert_eq!(of(Kind::Number).value(&Raw::Number(-3)), Ok(Value::Number(-3)));
        assert_eq!(of(Kind::Number).value(&text("3")), Err(Refusal::WrongType));
        assert_eq!(of(Kind::Boolean).value(&Raw::Boolean(true)), Ok(Value::Boolean(true)));
        assert_eq!(of(Kind::Text).value(&text("")), Err(Refusal::Length));
        assert_eq!(of(Kind::Text).value(&text(&"x".repeat(201))), Err(Refusal::Length));
    }
}
