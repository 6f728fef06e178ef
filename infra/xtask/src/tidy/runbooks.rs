//! Runbooks are read when something burns: each call of the API, function, table, queue, chore and
//! script in them is there. What is AWS's own is AWS's.

use serde_json::Value;

use super::Violation;
use crate::repository::Repository;

const FOLDER: &str = "docs/runbooks/";
const CONTRACT: &str = "infra/openapi.json";
const CHORES: &str = "infra/xtask/src/main.rs";
/// What begins with the deployment's prefix and is made by a runbook itself.
const MADE_THERE: [&str; 1] = ["elsewhere"];

pub(super) fn check(repository: &Repository) -> Vec<Violation> {
    let mut violations = Vec::new();
    let books: Vec<(&str, &str)> =
        repository.texts(".md").filter(|(path, _)| path.starts_with(FOLDER)).collect();
    if books.is_empty() {
        return violations;
    }
    let contract = repository.text(CONTRACT).and_then(|text| serde_json::from_str(text).ok());
    let there = There { repository, contract: contract.unwrap_or(Value::Null) };
    for (path, text) in books {
        for (at, line) in text.lines().enumerate() {
            let says = there.flaws(line);
            violations.extend(says.into_iter().map(|says| Violation::new(path, at + 1, says)));
        }
    }
    violations
}

/// What a step may name.
struct There<'a> {
    repository: &'a Repository,
    contract: Value,
}

impl There<'_> {
    fn flaws(&self, line: &str) -> Vec<String> {
        let mut flaws = Vec::new();
        let words: Vec<&str> = line
            .split(|c: char| c.is_whitespace() || "`();|".contains(c))
            .map(|word| word.trim_matches(['"', '\'']).trim_end_matches([',', '.']))
            .map(|word| word.trim_matches(['"', '\'']))
            .filter(|word| !word.is_empty())
            .collect();
        for pair in words.windows(2) {
            let [word, next] = pair else { continue };
            let is_handler = next.split('.').count() == 3 && !next.contains('$');
            match *word {
                "job" | "errors" | "function_of" if is_handler && !self.has_function(next) => {
                    flaws.push(format!("no template has a function `{next}`"));
                }
                "xtask" | "x" if self.is_no_chore(next) => {
                    flaws.push(format!("cargo xtask knows no `{next}`"));
                }
                _ => {}
            }
        }
        for three in words.windows(3) {
            if let ["call", method, path] = three
                && path.starts_with('/')
                && !self.has_operation(method, path)
            {
                flaws.push(format!("the contract has no {method} {path}"));
            }
        }
        for word in &words {
            if word.starts_with(".ci/") && !self.repository.has(word) {
                flaws.push(format!("there is no {word}"));
            }
        }
        for rest in line.split("$P-").skip(1) {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '.');
            let name = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
            let name = name.strip_suffix("-restored").unwrap_or(name).trim_end_matches('.');
            if !name.is_empty() && !MADE_THERE.contains(&name) && !self.has_resource(name) {
                flaws.push(format!("no template makes `$P-{name}`"));
            }
        }
        flaws
    }

    fn has_function(&self, handler: &str) -> bool {
        let stanza = format!("Handler: {handler}\n");
        self.repository.texts(".yaml").any(|(_, text)| text.contains(&stanza))
    }

    fn has_resource(&self, name: &str) -> bool {
        let made = format!("${{Prefix}}-{name}\n");
        self.repository.texts(".yaml").any(|(_, text)| text.contains(&made))
    }

    /// Whether a word behind `cargo xtask` is none of its chores. `x` stands elsewhere, too.
    fn is_no_chore(&self, word: &str) -> bool {
        let is_name = word.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
        let chores = self.repository.text(CHORES).unwrap_or_default();
        is_name && !chores.contains(&format!("[\"{word}\""))
    }

    fn has_operation(&self, method: &str, path: &str) -> bool {
        let path = path.split('?').next().unwrap_or(path);
        let paths = self.contract.get("paths").and_then(Value::as_object);
        paths.into_iter().flatten().any(|(known, methods)| {
            methods.get(method.to_lowercase()).is_some() && fits(path, known)
        })
    }
}

/// Whether a path could be one of this form. A variable stands where the form has one, a word
/// anywhere.
fn fits(path: &str, known: &str) -> bool {
    let (mut parts, mut forms) = (path.split('/'), known.split('/'));
    loop {
        match (parts.next(), forms.next()) {
            (None, None) => return true,
            (Some(part), Some(form)) if form.starts_with('{') && !part.is_empty() => {}
            (Some(part), Some(form)) if part == form => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::said;

    fn says(line: &str) -> Vec<String> {
        let files = [
            ("docs/runbooks/x.md", line),
            (
                CONTRACT,
                r#"{"paths": {"/v1/admin/queues": {"get": {}},
                "/v1/admin/queues/{name}/redrive": {"post": {}}}}"#,
            ),
            (CHORES, "[\"tidy\"] => tidy(),"),
            ("a.yaml", "      Handler: cart.jobs.sweep\n  TableName: !Sub ${Prefix}-orders\n"),
            (".ci/deploy", ""),
        ];
        said(&check(&Repository::of(&files)))
    }

    #[test]
    fn what_is_there_may_be_named() {
        for line in [
            "`call GET /v1/admin/queues`, then",
            "call GET '/v1/admin/queues?limit=5'",
            "call POST \"/v1/admin/queues/$NAME/redrive\" -d '{}'",
            "call POST /v1/admin/queues/mail/redrive",
            "job cart.jobs.sweep && errors cart.jobs.sweep; name=$(function_of cart.jobs.sweep)",
            "PARAMETERS=x .ci/deploy \"$STACK\"; cargo xtask tidy",
            "--table-name \"$P-orders\" --target-table-name \"$P-orders-restored\" \"$P-$table\"",
            "a job that nobody called; errors are named, and so is the call",
        ] {
            assert_eq!(says(line), Vec::<String>::new(), "{line}");
        }
    }

    #[test]
    fn what_is_not_there_is_named() {
        for (line, flaw) in [
            ("`call DELETE /v1/admin/queues`", "the contract has no DELETE /v1/admin/queues"),
            ("call GET /v1/admin/queue", "the contract has no GET /v1/admin/queue"),
            ("call GET \"/v1/admin/$NAME\"", "the contract has no GET /v1/admin/$NAME"),
            ("job cart.jobs.fly", "no template has a function `cart.jobs.fly`"),
            ("name=$(function_of cart.jobs.fly)", "no template has a function `cart.jobs.fly`"),
            (".ci/gone now", "there is no .ci/gone"),
            ("cargo x fly", "cargo xtask knows no `fly`"),
            ("get \"$P-orderz\"", "no template makes `$P-orderz`"),
        ] {
            assert_eq!(says(line), [format!("docs/runbooks/x.md:1: {flaw}")], "{line}");
        }
    }
}
