//! The tree as it lies on disk: every file that git would take, and every package.
//!
//! It is read once and then held in memory, so that each rule is a plain function and its test
//! needs no folder. What `.gitignore` names is not part of it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::Outcome;

/// The files of the tree by their path from its root, written with `/`.
#[derive(Debug, Default)]
pub(crate) struct Repository {
    /// `None` stands for a file that is not text.
    files: BTreeMap<String, Option<String>>,
}

impl Repository {
    /// Reads the tree under a root.
    pub(crate) fn read(root: &Path) -> Outcome<Self> {
        let ignore = Ignore::parse(&fs::read_to_string(root.join(".gitignore"))?)?;
        let mut files = BTreeMap::new();
        let mut folders = vec![(root.to_path_buf(), String::new())];
        while let Some((folder, prefix)) = folders.pop() {
            for entry in fs::read_dir(&folder)? {
                let entry = entry?;
                let name = entry.file_name().to_string_lossy().into_owned();
                let kind = entry.file_type()?;
                if name == ".git" || ignore.covers(&name, kind.is_dir()) {
                    continue;
                }
                let path = format!("{prefix}{name}");
                if kind.is_dir() {
                    folders.push((entry.path(), format!("{path}/")));
                } else if kind.is_file() {
                    files.insert(path, String::from_utf8(fs::read(entry.path())?).ok());
                }
            }
        }
        Ok(Self { files })
    }

    /// A tree that a test made up.
    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let entry = |(path, text): &(&str, &str)| ((*path).to_owned(), Some((*text).to_owned()));
        Self { files: files.iter().map(entry).collect() }
    }

    /// How many files there are.
    pub(crate) fn len(&self) -> usize {
        self.files.len()
    }

    /// The paths of all files.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// The text files whose path ends so.
    pub(crate) fn texts<'a>(&'a self, end: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.files
            .iter()
            .filter(move |(path, _)| path.ends_with(end))
            .filter_map(|(path, text)| Some((path.as_str(), text.as_deref()?)))
    }

    /// The text of a file.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path)?.as_deref()
    }

    /// Whether there is a file or a folder with this path.
    pub(crate) fn has(&self, path: &str) -> bool {
        let folder = format!("{path}/");
        path.is_empty()
            || self.files.contains_key(path)
            || self.files.keys().any(|file| file.starts_with(&folder))
    }
}

/// The three forms of a `.gitignore` line that this repository uses.
#[derive(Debug, Default)]
struct Ignore {
    folders: Vec<String>,
    names: Vec<String>,
    ends: Vec<String>,
}

impl Ignore {
    fn parse(text: &str) -> Outcome<Self> {
        let mut ignore = Self::default();
        for line in text.lines().map(str::trim) {
            let plain = |word: &str| !word.contains(['/', '*', '!', '?', '[']);
            if line.is_empty() || line.starts_with('#') {
            } else if let Some(name) = line.strip_suffix('/').filter(|name| plain(name)) {
                ignore.folders.push(name.to_owned());
            } else if let Some(end) = line.strip_prefix('*').filter(|end| plain(end)) {
                ignore.ends.push(end.to_owned());
            } else if plain(line) {
                ignore.names.push(line.to_owned());
            } else {
                let forms = "`name`, `name/` or `*.end`";
                return Err(format!(".gitignore: `{line}` is none of {forms}").into());
            }
        }
        Ok(ignore)
    }

    fn covers(&self, name: &str, is_folder: bool) -> bool {
        (is_folder && self.folders.iter().any(|folder| folder == name))
            || self.names.iter().any(|ignored| ignored == name)
            || self.ends.iter().any(|end| name.ends_with(end.as_str()))
    }
}

/// The folder of the workspace that the caller stands in.
pub(crate) fn root() -> Outcome<PathBuf> {
    let here = std::env::current_dir()?;
    here.ancestors()
        .find(|folder| {
            fs::read_to_string(folder.join("Cargo.toml"))
                .is_ok_and(|manifest| manifest.contains("[workspace]"))
        })
        .map(Path::to_path_buf)
        .ok_or_else(|| format!("{} is in no cargo workspace", here.display()).into())
}

/// The cargo that runs us, or the one on the path.
pub(crate) fn cargo() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// A package of the workspace.
#[derive(Debug, Clone)]
pub(crate) struct Package {
    /// Its name.
    pub(crate) name: String,
    /// Its folder from the root, like `shared/store`.
    pub(crate) folder: String,
    /// What it uses of the workspace.
    pub(crate) uses: Vec<Use>,
}

/// A dependency of one package of the workspace on another.
#[derive(Debug, Clone)]
pub(crate) struct Use {
    /// The other's folder from the root.
    pub(crate) folder: String,
    /// Whether only tests see it.
    pub(crate) is_for_tests: bool,
}

/// The packages of the workspace, as cargo tells them.
pub(crate) fn packages(root: &Path) -> Outcome<Vec<Package>> {
    let output = Command::new(cargo())
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(root)
        .output()?;
    if !output.status.success() {
        return Err(format!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let folder = |path: &Value| -> Option<String> {
        let path = Path::new(path.as_str()?).strip_prefix(root).ok()?;
        Some(path.to_string_lossy().replace('\\', "/"))
    };
    let read = |package: &Value| -> Option<Package> {
        let manifest = folder(package.get("manifest_path")?)?;
        let uses = package.get("dependencies")?.as_array()?.iter().filter_map(|dependency| {
            let folder = folder(dependency.get("path")?)?;
            let is_for_tests = dependency.get("kind").and_then(Value::as_str) == Some("dev");
            Some(Use { folder, is_for_tests })
        });
        Some(Package {
            name: package.get("name")?.as_str()?.to_owned(),
            folder: manifest.strip_suffix("/Cargo.toml")?.to_owned(),
            uses: uses.collect(),
        })
    };
    let packages = metadata.get("packages").and_then(Value::as_array);
    let read = packages.and_then(|packages| packages.iter().map(read).collect());
    read.ok_or_else(|| "cargo metadata is not shaped as expected".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gitignore_lines_cover_folders_names_and_ends() {
        let ignore = Ignore::parse("# made\ntarget/\n.env\n*.profraw\n\n").unwrap();
        assert!(ignore.covers("target", true));
        assert!(!ignore.covers("target", false));
        assert!(ignore.covers(".env", false));
        assert!(!ignore.covers(".env.example", false));
        assert!(ignore.covers("a.profraw", false));
    }

    #[test]
    fn a_gitignore_line_of_another_form_is_refused() {
        assert!(Ignore::parse("docs/**/draft.md").is_err());
    }

    #[test]
    fn folders_are_there_when_something_is_in_them() {
        let repository = Repository::of(&[("docs/a/b.md", "")]);
        assert!(repository.has("docs"));
        assert!(repository.has("docs/a"));
        assert!(!repository.has("doc"));
    }
}
