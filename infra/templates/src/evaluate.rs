//! The evaluation of CloudFormation's intrinsic functions.
//!
//! It is lazy: an argument of a nested stack is evaluated, in its parent, when something in the
//! nested stack reads it; an output when a parent reads it. What fails leaves a fault and `None`;
//! `AWS::NoValue` is `None` without a fault, and the key or element it stands for is gone.

use serde_json::{Map, Value as Json};
use serde_yaml_ng::{Mapping, Value as Yaml};

use crate::tree::{Place, Tree};

/// References may chain this long: longer is a circle.
pub(crate) const REFERENCES_DEEP_MAX: usize = 48;

impl Tree {
    /// The value with every intrinsic function in it evaluated.
    pub(crate) fn evaluate<'t>(&'t self, at: Place<'t>, value: &'t Yaml) -> Option<Json> {
        match value {
            Yaml::Null => Some(Json::Null),
            Yaml::Bool(flag) => Some(Json::Bool(*flag)),
            Yaml::Number(number) => serde_json::to_value(number).ok(),
            Yaml::String(text) => Some(Json::String(text.clone())),
            Yaml::Sequence(several) => {
                Some(several.iter().filter_map(|one| self.evaluate(at, one)).collect())
            }
            Yaml::Tagged(tagged) => {
                let tag = tagged.tag.to_string();
                self.intrinsic(at, tag.trim_start_matches('!'), &tagged.value)
            }
            Yaml::Mapping(fields) => {
                if let Some((name, argument)) = long_form(fields) {
                    return self.intrinsic(at, name, argument);
                }
                let mut object = Map::new();
                for (key, value) in fields {
                    let Some(key) = key.as_str() else {
                        self.fault(at, format!("a key must be a text, not {key:?}"));
                        continue;
                    };
                    if let Some(value) = self.evaluate(at, value) {
                        object.insert(key.to_owned(), value);
                    }
                }
                Some(Json::Object(object))
            }
        }
    }

    /// The value as a text: numbers and flags as CloudFormation spells them.
    pub(crate) fn text<'t>(&'t self, at: Place<'t>, value: &'t Yaml) -> Option<String> {
        let value = self.evaluate(at, value)?;
        let text = scalar(&value);
        if text.is_none() {
            self.fault(at, format!("a text is needed here, not {value}"));
        }
        text
    }

    fn intrinsic<'t>(&'t self, at: Place<'t>, name: &str, argument: &'t Yaml) -> Option<Json> {
        if at.depth > REFERENCES_DEEP_MAX {
            self.fault(at, "refers to itself");
            return None;
        }
        match name {
            "Ref" => self.reference(at, self.name(at, name, argument)?),
            "GetAtt" => {
                let (resource, attribute) = self.attribute_name(at, argument)?;
                self.attribute(at, &resource, &attribute)
            }
            "Sub" => self.substitute(at, argument).map(Json::String),
            "Join" => {
                let [separator, list] = self.arguments(at, name, argument)?;
                let separator = self.text(at, separator)?;
                let texts: Option<Vec<_>> = self.list(at, list)?.iter().map(scalar).collect();
                if texts.is_none() {
                    self.fault(at, "Join needs a list of texts");
                }
                Some(Json::String(texts?.join(&separator)))
            }
            "Split" => {
                let [separator, text] = self.arguments(at, name, argument)?;
                let (separator, text) = (self.text(at, separator)?, self.text(at, text)?);
                Some(text.split(separator.as_str()).map(Json::from).collect())
            }
            "Select" => {
                let [index, list] = self.arguments(at, name, argument)?;
                let index = self.text(at, index)?;
                let list = self.list(at, list)?;
                let chosen = index.parse().ok().and_then(|index: usize| list.get(index).cloned());
                if chosen.is_none() {
                    self.fault(at, format!("Select has no element {index}"));
                }
                chosen
            }
            "If" => {
                let [condition, then, otherwise] = self.arguments(at, name, argument)?;
                let holds = self.named_condition(at, self.name(at, name, condition)?);
                self.evaluate(at, if holds { then } else { otherwise })
            }
            _ => {
                self.fault(at, format!("the function `{name}` is not understood here"));
                None
            }
        }
    }

    pub(crate) fn name<'t>(
        &self,
        at: Place<'_>,
        function: &str,
        argument: &'t Yaml,
    ) -> Option<&'t str> {
        let name = argument.as_str();
        if name.is_none() {
            self.fault(at, format!("{function} needs a name"));
        }
        name
    }

    pub(crate) fn arguments<'t, const N: usize>(
        &self,
        at: Place<'_>,
        function: &str,
        argument: &'t Yaml,
    ) -> Option<[&'t Yaml; N]> {
        let all: Option<[&Yaml; N]> =
            argument.as_sequence().and_then(|all| all.iter().collect::<Vec<_>>().try_into().ok());
        if all.is_none() {
            self.fault(at, format!("{function} needs a list of {N} arguments"));
        }
        all
    }

    fn list<'t>(&'t self, at: Place<'t>, value: &'t Yaml) -> Option<Vec<Json>> {
        match self.evaluate(at, value)? {
            Json::Array(list) => Some(list),
            other => {
                self.fault(at, format!("a list is needed here, not {other}"));
                None
            }
        }
    }

    fn attribute_name(&self, at: Place<'_>, argument: &Yaml) -> Option<(String, String)> {
        let name = match argument {
            Yaml::String(dotted) => dotted.split_once('.'),
            Yaml::Sequence(parts) => match parts.as_slice() {
                [Yaml::String(resource), Yaml::String(attribute)] => {
                    Some((resource.as_str(), attribute.as_str()))
                }
                _ => None,
            },
            _ => None,
        };
        if name.is_none() {
            self.fault(at, "GetAtt needs a resource and an attribute");
        }
        name.map(|(resource, attribute)| (resource.to_owned(), attribute.to_owned()))
    }

    fn substitute<'t>(&'t self, at: Place<'t>, argument: &'t Yaml) -> Option<String> {
        let (pattern, own) = match argument {
            Yaml::Sequence(_) => {
                let [pattern, own] = self.arguments(at, "Sub", argument)?;
                (pattern, Some(own))
            }
            other => (other, None),
        };
        let mut rest = self.name(at, "Sub", pattern)?;
        let mut text = String::new();
        while let Some((before, after)) = rest.split_once("${") {
            text.push_str(before);
            let Some((name, after)) = after.split_once('}') else {
                self.fault(at, "Sub has a `${` without its `}`");
                return None;
            };
            rest = after;
            if let Some(literal) = name.strip_prefix('!') {
                text.push_str("${");
                text.push_str(literal);
                text.push('}');
                continue;
            }
            let value = match (own.and_then(|own| own.get(name)), name.split_once('.')) {
                (Some(own), _) => self.evaluate(at, own)?,
                (None, None) => self.reference(at, name)?,
                (None, Some((name, attribute))) => self.attribute(at, name, attribute)?,
            };
            let Some(value) = scalar(&value) else {
                self.fault(at, format!("Sub needs a text for `{name}`, not {value}"));
                return None;
            };
            text.push_str(&value);
        }
        text.push_str(rest);
        Some(text)
    }
}

/// A map with the one key `Ref` or `Fn::…` is the long form of an intrinsic function.
pub(crate) fn long_form(fields: &Mapping) -> Option<(&str, &Yaml)> {
    let mut entries = fields.iter();
    let (Some((key, argument)), None) = (entries.next(), entries.next()) else { return None };
    let key = key.as_str()?;
    match key {
        "Ref" => Some((key, argument)),
        _ => Some((key.strip_prefix("Fn::")?, argument)),
    }
}

fn scalar(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        Json::Bool(flag) => Some(flag.to_string()),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}
