//! The tree of templates and the evaluation of CloudFormation's intrinsic functions in it.
//!
//! Evaluation is lazy: an argument of a nested stack is evaluated, in its parent, when something
//! in the nested stack reads it; an output when a parent reads it. What fails leaves a fault and
//! `None`; `AWS::NoValue` is `None` without a fault, and the key or element it stands for is gone.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value as Json};
use serde_yaml_ng::{Mapping, Value as Yaml};

use crate::fault::Fault;
use crate::{ACCOUNT, REGION};

/// Nested stacks may nest this deep: nobody reads more, and a template that nests itself ends.
const STACKS_DEEP_MAX: usize = 4;
/// References may chain this long: longer is a circle.
const REFERENCES_DEEP_MAX: usize = 48;

/// All templates, as written.
pub(crate) struct Tree {
    pub(crate) scopes: Vec<Scope>,
    root: PathBuf,
    given: BTreeMap<String, String>,
    faults: RefCell<Vec<Fault>>,
}

/// One template in its place in the tree.
pub(crate) struct Scope {
    pub(crate) file: String,
    /// The logical ids from the root to here, joined by `/`; empty for the root.
    pub(crate) stack: String,
    parent: Option<Parent>,
    template: Mapping,
    children: BTreeMap<String, usize>,
}

/// Where a nested stack hangs, and what it is given.
struct Parent {
    scope: usize,
    logical_id: String,
    arguments: Mapping,
}

/// Who asks: faults are blamed on this resource.
#[derive(Clone, Copy)]
pub(crate) struct Place<'t> {
    pub(crate) scope: usize,
    pub(crate) logical_id: &'t str,
    depth: usize,
}

impl<'t> Place<'t> {
    pub(crate) fn new(scope: usize, logical_id: &'t str) -> Self {
        Place { scope, logical_id, depth: 0 }
    }

    fn deeper(self, scope: usize, logical_id: &'t str) -> Self {
        Place { scope, logical_id, depth: self.depth + 1 }
    }
}

/// One resource, as written.
#[derive(Clone, Copy)]
pub(crate) struct Resource<'t> {
    pub(crate) place: Place<'t>,
    pub(crate) kind: &'t str,
    pub(crate) body: &'t Mapping,
}

impl<'t> Resource<'t> {
    pub(crate) fn property(&self, key: &str) -> Option<&'t Yaml> {
        self.body.get("Properties")?.get(key)
    }
}

impl Tree {
    pub(crate) fn read(root: &Path, given: BTreeMap<String, String>) -> Tree {
        let mut tree = Tree {
            scopes: Vec::new(),
            root: root.to_path_buf(),
            given,
            faults: RefCell::new(Vec::new()),
        };
        tree.add("template.yaml", String::new(), None, 0);
        tree.check_parameters();
        tree
    }

    pub(crate) fn into_faults(self) -> Vec<Fault> {
        self.faults.into_inner()
    }

    pub(crate) fn fault(&self, at: Place<'_>, what: impl Into<String>) {
        let file = self.scopes.get(at.scope).map_or("template.yaml", |scope| &scope.file);
        self.blame(file, at.logical_id, what.into());
    }

    fn blame(&self, file: &str, logical_id: &str, what: String) {
        let fault = Fault { file: file.to_owned(), logical_id: logical_id.to_owned(), what };
        self.faults.borrow_mut().push(fault);
    }

    fn add(&mut self, file: &str, stack: String, parent: Option<Parent>, deep: usize) {
        let text = match std::fs::read_to_string(self.root.join(file)) {
            Ok(text) => text,
            Err(error) => return self.blame(file, "-", format!("cannot be read: {error}")),
        };
        let template: Mapping = match serde_yaml_ng::from_str(&text) {
            Ok(template) => template,
            Err(error) => return self.blame(file, "-", format!("is no YAML mapping: {error}")),
        };
        let nested = self.nested(file, &template);
        let here = self.scopes.len();
        if let Some(parent) = &parent
            && let Some(scope) = self.scopes.get_mut(parent.scope)
        {
            scope.children.insert(parent.logical_id.clone(), here);
        }
        self.scopes.push(Scope {
            file: file.to_owned(),
            stack: stack.clone(),
            parent,
            template,
            children: BTreeMap::new(),
        });
        for (logical_id, location, arguments) in nested {
            if deep == STACKS_DEEP_MAX {
                self.blame(file, &logical_id, "nested stacks nest too deep".to_owned());
                continue;
            }
            let inner =
                if stack.is_empty() { logical_id.clone() } else { format!("{stack}/{logical_id}") };
            let parent = Parent { scope: here, logical_id, arguments };
            self.add(&location, inner, Some(parent), deep + 1);
        }
    }

    /// The nested stacks of a template: logical id, file and arguments. Their conditions are
    /// evaluated when their resources are read.
    fn nested(&self, file: &str, template: &Mapping) -> Vec<(String, String, Mapping)> {
        let mut nested = Vec::new();
        for (logical_id, body) in section(template, "Resources") {
            let location = match body.get("Type").and_then(Yaml::as_str) {
                Some("AWS::Serverless::Application") => "Location",
                Some("AWS::CloudFormation::Stack") => "TemplateURL",
                _ => continue,
            };
            let properties = body.get("Properties");
            let property = |key| properties.and_then(|properties| properties.get(key));
            let Some(location) = property(location).and_then(Yaml::as_str) else {
                self.blame(file, logical_id, format!("{location} must be the path of a template"));
                continue;
            };
            let folder = Path::new(file).parent().unwrap_or(Path::new(""));
            let location = folder.join(location).to_string_lossy().into_owned();
            let arguments =
                property("Parameters").and_then(Yaml::as_mapping).cloned().unwrap_or_default();
            nested.push((logical_id.to_owned(), location, arguments));
        }
        nested
    }

    /// CloudFormation refuses a stack that lacks an argument or is given one too many, whether or
    /// not anything reads it: so do we.
    fn check_parameters(&self) {
        for (number, scope) in self.scopes.iter().enumerate() {
            let given: Vec<&str> = match &scope.parent {
                Some(parent) => parent.arguments.keys().filter_map(Yaml::as_str).collect(),
                None => self.given.keys().map(String::as_str).collect(),
            };
            let blame = |what: String| match &scope.parent {
                Some(parent) => self.fault(Place::new(parent.scope, &parent.logical_id), what),
                None => self.fault(Place::new(number, "Parameters"), what),
            };
            let mut declared = Vec::new();
            for (name, body) in section(&scope.template, "Parameters") {
                declared.push(name);
                if body.get("Default").is_none() && !given.contains(&name) {
                    blame(format!("parameter `{name}` of {} is not given", scope.file));
                }
            }
            for name in given {
                if !declared.contains(&name) && !name.starts_with("AWS::") {
                    blame(format!("parameter `{name}` is not one of {}", scope.file));
                }
            }
        }
    }

    /// All resources that exist: those whose condition, and whose stack's condition, holds.
    pub(crate) fn resources(&self) -> Vec<Resource<'_>> {
        let mut all = Vec::new();
        for (number, scope) in self.scopes.iter().enumerate() {
            if !self.stands(number) {
                continue;
            }
            for (logical_id, body) in section(&scope.template, "Resources") {
                if let Some(resource) = self.resource(number, logical_id, body)
                    && self.exists(&resource)
                {
                    all.push(resource);
                }
            }
        }
        all
    }

    fn resource<'t>(
        &'t self,
        scope: usize,
        logical_id: &'t str,
        body: &'t Yaml,
    ) -> Option<Resource<'t>> {
        let place = Place::new(scope, logical_id);
        let (Some(body), Some(kind)) = (body.as_mapping(), body.get("Type").and_then(Yaml::as_str))
        else {
            self.fault(place, "is a resource without a Type");
            return None;
        };
        Some(Resource { place, kind, body })
    }

    fn stands(&self, scope: usize) -> bool {
        let Some(parent) = self.scopes.get(scope).and_then(|scope| scope.parent.as_ref()) else {
            return true;
        };
        self.stands(parent.scope)
            && self
                .find(parent.scope, "Resources", &parent.logical_id)
                .and_then(|(id, body)| self.resource(parent.scope, id, body))
                .is_some_and(|resource| self.exists(&resource))
    }

    fn exists(&self, resource: &Resource<'_>) -> bool {
        match resource.body.get("Condition") {
            None => true,
            Some(Yaml::String(name)) => self.named_condition(resource.place, name),
            Some(_) => {
                self.fault(resource.place, "Condition must be the name of a condition");
                false
            }
        }
    }

    fn find<'t>(
        &'t self,
        scope: usize,
        section_name: &str,
        name: &str,
    ) -> Option<(&'t str, &'t Yaml)> {
        let scope = self.scopes.get(scope)?;
        section(&scope.template, section_name).find(|(id, _)| *id == name)
    }

    /// The settings in `Globals.Function` of a template.
    pub(crate) fn global(&self, scope: usize, key: &str) -> Option<&Yaml> {
        self.scopes.get(scope)?.template.get("Globals")?.get("Function")?.get(key)
    }

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

    fn name<'t>(&self, at: Place<'_>, function: &str, argument: &'t Yaml) -> Option<&'t str> {
        let name = argument.as_str();
        if name.is_none() {
            self.fault(at, format!("{function} needs a name"));
        }
        name
    }

    fn arguments<'t, const N: usize>(
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

    fn reference<'t>(&'t self, at: Place<'t>, name: &str) -> Option<Json> {
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

    fn attribute<'t>(&'t self, at: Place<'t>, name: &str, attribute: &str) -> Option<Json> {
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
        if !self.exists(&resource) {
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
                self.fault(place, format!("the parameter type {other:?} is not known here"));
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

impl Tree {
    fn named_condition(&self, at: Place<'_>, name: &str) -> bool {
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
            "Condition" => match argument.as_str() {
                Some(name) => self.named_condition(at, name),
                None => {
                    self.fault(at, "Condition needs a name");
                    false
                }
            },
            _ => {
                self.fault(at, format!("`{name}` is no condition that is understood here"));
                false
            }
        }
    }
}

/// A map with the one key `Ref` or `Fn::…` is the long form of an intrinsic function.
fn long_form(fields: &Mapping) -> Option<(&str, &Yaml)> {
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

/// The named entries of a template's section, in the order they are written.
fn section<'t>(
    template: &'t Mapping,
    name: &str,
) -> impl Iterator<Item = (&'t str, &'t Yaml)> + use<'t> {
    template
        .get(name)
        .and_then(Yaml::as_mapping)
        .into_iter()
        .flatten()
        .filter_map(|(name, body)| Some((name.as_str()?, body)))
}
