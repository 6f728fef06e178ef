//! What a name stands for: a parameter, a pseudo parameter, a resource, an attribute of one, or an
//! output of a nested stack.

use serde_json::Value as Json;
use serde_yaml_ng::Value as Yaml;

use crate::tree::{Place, Resource, Tree};
use crate::{ACCOUNT, REGION};

impl Tree {
    pub(crate) fn reference<'t>(&'t self, at: Place<'t>, name: &str) -> Option<Json> {
        if name == "AWS::NoValue" {
            return None;
        }
        if name.starts_with("AWS::") {
            let value = self.pseudo(at, name);
            if value.is_none() {
                self.fault(at, format!("the pseudo parameter `{name}` is not known here"));
            }
            return value.map(Json::String);
        }
        if let Some((name, body)) = self.find(at.scope, "Parameters", name) {
            return self.parameter(at, name, body);
        }
        let resource = self.target(at, name)?;
        let inner = at.deeper(at.scope, resource.place.logical_id);
        let value = crate::resource::identity(self, &resource, inner);
        if value.is_none() {
            self.fault(at, format!("the identity of `{name}`, {}, is not known", resource.kind));
        }
        value.map(Json::String)
    }

    pub(crate) fn attribute<'t>(
        &'t self,
        at: Place<'t>,
        name: &str,
        attribute: &str,
    ) -> Option<Json> {
        let resource = self.target(at, name)?;
        if let Some(output) = attribute.strip_prefix("Outputs.") {
            return self.output(at, name, output);
        }
        let inner = at.deeper(at.scope, resource.place.logical_id);
        let value = crate::resource::attribute(self, &resource, inner, attribute);
        if value.is_none() {
            let kind = resource.kind;
            self.fault(at, format!("the attribute {attribute} of `{name}`, {kind}, is not known"));
        }
        value.map(Json::String)
    }

    fn output<'t>(&'t self, at: Place<'t>, stack: &str, output: &str) -> Option<Json> {
        let child = self.scopes.get(at.scope).and_then(|scope| scope.children.get(stack)).copied();
        let Some((name, body)) = child.and_then(|child| self.find(child, "Outputs", output)) else {
            self.fault(at, format!("`{stack}` has no output `{output}`"));
            return None;
        };
        let inner = at.deeper(child?, name);
        if let Some(condition) = body.get("Condition").and_then(Yaml::as_str)
            && !self.named_condition(inner, condition)
        {
            self.fault(at, format!("the output `{output}` of `{stack}` is left out"));
            return None;
        }
        let Some(value) = body.get("Value") else {
            self.fault(inner, "is an output without a Value");
            return None;
        };
        self.evaluate(inner, value)
    }

    fn target<'t>(&'t self, at: Place<'t>, name: &str) -> Option<Resource<'t>> {
        let Some((name, body)) = self.find(at.scope, "Resources", name) else {
            self.fault(at, format!("`{name}` is neither a parameter nor a resource here"));
            return None;
        };
        let resource = self.resource(at.scope, name, body)?;
        if !self.exists(at.deeper(at.scope, name), &resource) {
            self.fault(at, format!("refers to `{name}`, which its condition leaves out"));
            return None;
        }
        Some(resource)
    }

    pub(crate) fn pseudo(&self, at: Place<'_>, name: &str) -> Option<String> {
        let or = |default: &str| self.given.get(name).map_or(default, String::as_str).to_owned();
        match name {
            "AWS::Region" => Some(or(REGION)),
            "AWS::AccountId" => Some(or(ACCOUNT)),
            "AWS::Partition" => Some(or("aws")),
            "AWS::URLSuffix" => Some(or("amazonaws.com")),
            "AWS::StackName" => {
                let stack = &self.scopes.get(at.scope)?.stack;
                Some(format!("fluxion-{}", stack.replace('/', "-")).trim_matches('-').to_owned())
            }
            _ => None,
        }
    }

    fn parameter<'t>(&'t self, at: Place<'t>, name: &'t str, body: &'t Yaml) -> Option<Json> {
        let scope = self.scopes.get(at.scope)?;
        let given = match &scope.parent {
            Some(parent) => parent
                .arguments
                .get(name)
                .map(|argument| self.text(at.deeper(parent.scope, &parent.logical_id), argument)),
            None => self.given.get(name).cloned().map(Some),
        };
        let place = at.deeper(at.scope, name);
        let value = match (given, body.get("Default")) {
            (Some(value), _) => value?,
            (None, Some(default)) => self.text(place, default)?,
            // Already said by check_parameters.
            (None, None) => return None,
        };
        if let Some(allowed) = body.get("AllowedValues").and_then(Yaml::as_sequence) {
            let mut allowed = allowed.iter().filter_map(|one| self.text(place, one));
            if !allowed.any(|one| one == value) {
                self.fault(place, format!("`{value}` is not one of its AllowedValues"));
                return None;
            }
        }
        match body.get("Type").and_then(Yaml::as_str) {
            Some("String" | "Number") => Some(Json::String(value)),
            Some("CommaDelimitedList") => {
                Some(value.split(',').map(|one| Json::from(one.trim())).collect())
            }
            other => {
                let kind = other.unwrap_or("nothing");
                self.fault(place, format!("the parameter type `{kind}` is not known here"));
                None
            }
        }
    }
}
