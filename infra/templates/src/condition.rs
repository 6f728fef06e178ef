//! Conditions: whether a resource, an output or one side of an `If` exists.

use serde_yaml_ng::Value as Yaml;

use crate::evaluate::{REFERENCES_DEEP_MAX, long_form};
use crate::tree::{Place, Tree};

impl Tree {
    pub(crate) fn named_condition(&self, at: Place<'_>, name: &str) -> bool {
        let Some((name, body)) = self.find(at.scope, "Conditions", name) else {
            self.fault(at, format!("there is no condition `{name}`"));
            return false;
        };
        self.holds(at.deeper(at.scope, name), body)
    }

    fn holds<'t>(&'t self, at: Place<'t>, condition: &'t Yaml) -> bool {
        if at.depth > REFERENCES_DEEP_MAX {
            self.fault(at, "refers to itself");
            return false;
        }
        let tag;
        let (name, argument) = match condition {
            Yaml::Tagged(tagged) => {
                tag = tagged.tag.to_string();
                (tag.trim_start_matches('!'), &tagged.value)
            }
            Yaml::Mapping(fields) => match (long_form(fields), fields.get("Condition")) {
                (Some(function), _) => function,
                (None, Some(name)) => ("Condition", name),
                (None, None) => ("", condition),
            },
            _ => ("", condition),
        };
        match name {
            "Equals" => {
                let Some([left, right]) = self.arguments(at, name, argument) else { return false };
                self.text(at, left) == self.text(at, right)
            }
            "Not" => {
                let Some([inner]) = self.arguments(at, name, argument) else { return false };
                !self.holds(at, inner)
            }
            "And" | "Or" => {
                let inner = argument.as_sequence().map_or(&[][..], Vec::as_slice);
                if inner.is_empty() {
                    self.fault(at, format!("{name} needs a list of conditions"));
                }
                let mut holds = inner.iter().map(|one| self.holds(at, one));
                if name == "And" { holds.all(|one| one) } else { holds.any(|one| one) }
            }
            "Condition" => {
                self.name(at, name, argument).is_some_and(|name| self.named_condition(at, name))
            }
            _ => {
                self.fault(at, format!("`{name}` is no condition that is understood here"));
                false
            }
        }
    }
}
