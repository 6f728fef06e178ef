//! Writes small trees of templates and loads them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use templates::{Faults, Stack};

/// Loads a root template, and those it nests, given as (file, text).
pub(crate) fn load_tree(
    name: &str,
    files: &[(&str, &str)],
    given: &[(&str, &str)],
) -> Result<Stack, Faults> {
    let root = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    for (file, text) in files {
        let path = root.join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    Stack::load(&root, parameters(given))
}

/// Loads one template without parameters.
pub(crate) fn load(name: &str, template: &str) -> Result<Stack, Faults> {
    load_tree(name, &[("template.yaml", template)], &[])
}

pub(crate) fn parameters(given: &[(&str, &str)]) -> BTreeMap<String, String> {
    given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}
