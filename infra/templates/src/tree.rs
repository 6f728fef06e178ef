//! The tree of templates: the root, the nested stacks it names, and their resources, as written.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_yaml_ng::{Mapping, Value as Yaml};

use crate::fault::Fault;

/// Nested stacks may nest this deep: nobody reads more, and a template that nests itself ends.
const STACKS_DEEP_MAX: usize = 4;

/// All templates, as written.
pub(crate) struct Tree {
    pub(crate) scopes: Vec<Scope>,
    root: PathBuf,
    pub(crate) given: BTreeMap<String, String>,
    faults: RefCell<Vec<Fault>>,
}

/// One template in its place in the tree.
pub(crate) struct Scope {
    pub(crate) file: String,
    /// The logical ids from the root to here, joined by `/`; empty for the root.
    pub(crate) stack: String,
    pub(crate) parent: Option<Parent>,
    pub(crate) template: Mapping,
    pub(crate) children: BTreeMap<String, usize>,
}

/// Where a nested stack hangs, and what it is given.
pub(crate) struct Parent {
    pub(crate) scope: usize,
    pub(crate) logical_id: String,
    pub(crate) arguments: Mapping,
}

/// Who asks: faults are blamed on this resource.
#[derive(Clone, Copy)]
pub(crate) struct Place<'t> {
    pub(crate) scope: usize,
    pub(crate) logical_id: &'t str,
    pub(crate) depth: usize,
}

impl<'t> Place<'t> {
    pub(crate) fn new(scope: usize, logical_id: &'t str) -> Self {
        Place { scope, logical_id, depth: 0 }
    }

    pub(crate) fn deeper(self, scope: usize, logical_id: &'t str) -> Self {
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
        tree.add("template.yaml", "", None, 0);
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

    fn add(&mut self, file: &str, stack: &str, parent: Option<Parent>, deep: usize) {
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
            stack: stack.to_owned(),
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
            self.add(&location, &inner, Some(parent), deep + 1);
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
            let location = folder.join(location.trim_start_matches("./"));
            let location = location.to_string_lossy().into_owned();
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
                    && self.exists(resource.place, &resource)
                {
                    all.push(resource);
                }
            }
        }
        all
    }

    pub(crate) fn resource<'t>(
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
                .is_some_and(|resource| self.exists(resource.place, &resource))
    }

    pub(crate) fn exists(&self, at: Place<'_>, resource: &Resource<'_>) -> bool {
        match resource.body.get("Condition") {
            None => true,
            Some(Yaml::String(name)) => self.named_condition(at, name),
            Some(_) => {
                self.fault(resource.place, "Condition must be the name of a condition");
                false
            }
        }
    }

    pub(crate) fn find<'t>(
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
