//! Rust sources: their width and header, and what shipped code must not contain.
//!
//! Shipped is what lies in `shared/` and `functions/`, without the test kit, without `tests/`
//! folders and without items under `#[cfg(test)]`. Clippy knows some of these rules, too; here
//! none of them can be allowed away at the site.

use super::Violation;
use crate::repository::Repository;
use crate::source::{self, Kind, Token};

/// The widest line, as in `rustfmt.toml`.
const COLUMNS_MAX: usize = 100;

/// A word this long (an address, a digest) cannot be broken and excuses its line.
const WORD_UNBREAKABLE: usize = 80;

/// Macros that are for the workbench.
const WORKBENCH: [&str; 5] = ["todo", "unimplemented", "dbg", "println", "print"];

/// Where a float would sooner or later hold money.
const EXACT: [&str; 3] = ["shared/domain/", "shared/store/", "functions/"];

pub(super) fn check(repository: &Repository) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (path, text) in repository.texts(".rs") {
        header(path, text, &mut violations);
        width(path, text, &mut violations);
        let tokens = source::tokens(text);
        if EXACT.iter().any(|place| path.starts_with(place)) {
            floats(path, &tokens, &mut violations);
        }
        if is_shipped(path) {
            panics(path, &source::shipped(&tokens), &mut violations);
        }
    }
    violations
}

fn is_shipped(path: &str) -> bool {
    let is_ours = path.starts_with("shared/") || path.starts_with("functions/");
    let is_for_tests = path.starts_with("shared/testkit/")
        || path.split('/').any(|part| ["tests", "tests.rs", "benches"].contains(&part));
    is_ours && !is_for_tests
}

fn header(path: &str, text: &str, violations: &mut Vec<Violation>) {
    if !text.starts_with("//!") {
        let says = "begins without `//!`: say what the file is for and what always holds";
        violations.push(Violation::new(path, 1, says));
    }
}

fn width(path: &str, text: &str, violations: &mut Vec<Violation>) {
    // A snapshot is what a program printed, not what somebody wrote.
    let mut is_snapshot = false;
    for (at, line) in text.lines().enumerate() {
        is_snapshot = (is_snapshot || line.contains("expect![[r#\"")) && !line.contains("\"#]]");
        if is_snapshot {
            continue;
        }
        let columns = line.chars().count();
        let is_unbreakable =
            line.split_whitespace().any(|word| word.chars().count() > WORD_UNBREAKABLE);
        if columns > COLUMNS_MAX && !is_unbreakable {
            let says = format!("{columns} columns, {COLUMNS_MAX} are wide enough");
            violations.push(Violation::new(path, at + 1, says));
        }
    }
}

fn floats(path: &str, tokens: &[Token<'_>], violations: &mut Vec<Violation>) {
    for token in tokens {
        let is_type = token.kind == Kind::Word && ["f32", "f64"].contains(&token.text);
        if is_type || (token.kind == Kind::Number && is_float(token.text)) {
            let says = format!("`{}` is a float: money and quantities are whole", token.text);
            violations.push(Violation::new(path, token.line, says));
        }
    }
}

fn is_float(number: &str) -> bool {
    let is_decimal = !["0x", "0o", "0b"].iter().any(|prefix| number.starts_with(prefix));
    is_decimal && (number.contains(['.', 'e', 'E']) && !number.ends_with("size"))
        || (is_decimal && (number.ends_with("f32") || number.ends_with("f64")))
}

fn panics(path: &str, tokens: &[Token<'_>], violations: &mut Vec<Violation>) {
    for window in tokens.windows(4) {
        if let [dot, name, open, close] = window
            && dot.text == "."
            && open.text == "("
        {
            let is_unwrap = name.text == "unwrap" && close.text == ")";
            if is_unwrap || name.text == "expect" {
                let says = format!("`.{}()` in shipped code: refuse, or return a Fault", name.text);
                violations.push(Violation::new(path, name.line, says));
            }
        }
    }
    for window in tokens.windows(2) {
        if let [name, mark] = window
            && mark.text == "!"
            && name.kind == Kind::Word
            && WORKBENCH.contains(&name.text)
        {
            let says = format!("`{}!` in shipped code", name.text);
            violations.push(Violation::new(path, name.line, says));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::said;

    fn at(path: &str, text: &str) -> Vec<String> {
        said(&check(&Repository::of(&[(path, &format!("//! A file.\n{text}"))])))
    }

    #[test]
    fn a_file_says_what_it_is_for() {
        let repository = Repository::of(&[("infra/wire/src/lib.rs", "fn main() {}\n")]);
        assert_eq!(check(&repository).len(), 1);
    }

    #[test]
    fn wide_lines_are_counted_in_characters() {
        assert!(at("infra/a.rs", &format!("//{}", " é".repeat(49))).is_empty());
        assert_eq!(
            at("infra/a.rs", &format!("//{}.", " é".repeat(49))),
            ["infra/a.rs:2: 101 columns, 100 are wide enough"]
        );
    }

    #[test]
    fn a_snapshot_may_be_as_wide_as_what_was_printed() {
        let wide = "a ".repeat(80);
        let text = format!("let s = expect![[r#\"\n{wide}\n\"#]];\n");
        assert!(at("infra/a.rs", &text).is_empty());
        let after = format!("{text}// {wide}\n");
        assert_eq!(at("infra/a.rs", &after).len(), 1);
    }

    #[test]
    fn a_line_with_an_unbreakable_word_may_be_wide() {
        assert!(at("infra/a.rs", &format!("// see https://{}", "x".repeat(100))).is_empty());
    }

    #[test]
    fn shipped_code_does_not_panic_by_the_way() {
        let code = "fn a() { b.unwrap(); c.expect(\"d\"); todo!(); println!(\"e\") }";
        assert_eq!(at("functions/cart/src/lib.rs", code).len(), 4);
        assert!(at("infra/wire/src/lib.rs", code).is_empty());
        assert!(at("shared/testkit/src/lib.rs", code).is_empty());
        assert!(at("functions/cart/tests/it/main.rs", code).is_empty());
    }

    #[test]
    fn tests_comments_and_strings_may_say_unwrap() {
        let code = "/// `a.unwrap()`\nfn a() { b(\"c.unwrap()\").unwrap_or_default() }
            #[cfg(test)]\nmod tests { fn d() { e.unwrap() } }";
        assert!(at("shared/api/src/lib.rs", code).is_empty());
    }

    #[test]
    fn money_does_not_float() {
        for code in ["const A: f64 = B;", "let a = 1.5;", "let a = 2f32;", "let a = 1e3;"] {
            assert_eq!(at("shared/domain/src/money.rs", code).len(), 1, "{code}");
        }
        for code in ["0..9", "t.0.1", "0xfe", "1_usize", "let f64_like = 3;", "// f64"] {
            assert!(at("shared/domain/src/money.rs", code).is_empty(), "{code}");
        }
        assert!(at("infra/wire/src/sql.rs", "let a = 1.5;").is_empty());
    }
}
