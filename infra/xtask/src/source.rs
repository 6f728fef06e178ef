//! Rust source as tokens: enough to tell code from comments, strings and tests.
//!
//! It is no parser. Comments and lifetimes are left out; a string is one token; everything that
//! is neither word, number nor string is a token of one character.

/// A token and where it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    /// What it is.
    pub(crate) kind: Kind,
    /// Its text; of a string, with its quotes.
    pub(crate) text: &'a str,
    /// Its line, from 1.
    pub(crate) line: usize,
}

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A keyword or name.
    Word,
    /// A number.
    Number,
    /// A string or character.
    Text,
    /// Anything else, one character each.
    Mark,
}

/// The tokens of a source file.
pub(crate) fn tokens(source: &str) -> Vec<Token<'_>> {
    let mut tokens: Vec<Token<'_>> = Vec::new();
    let (mut rest, mut line) = (source, 1);
    while let Some(first) = rest.chars().next() {
        let is_after_dot = tokens.last().is_some_and(|token| token.text == ".");
        let (kind, length) = next(rest, first, is_after_dot);
        let (text, remaining) = rest.split_at(length);
        if let Some(kind) = kind {
            tokens.push(Token { kind, text, line });
        }
        line += text.matches('\n').count();
        rest = remaining;
    }
    tokens
}

/// The kind of what comes first, if it is a token, and its length in bytes, at least one.
fn next(rest: &str, first: char, is_after_dot: bool) -> (Option<Kind>, usize) {
    if first.is_whitespace() {
        return (None, first.len_utf8());
    }
    if rest.starts_with("//") {
        return (None, rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return (None, block_comment(rest));
    }
    if let Some(length) = string(rest) {
        return (Some(Kind::Text), length);
    }
    if first == '\'' {
        return quote(rest);
    }
    if first.is_ascii_digit() {
        return (Some(Kind::Number), number(rest, is_after_dot));
    }
    if is_word(first) {
        let raw = if rest.starts_with("r#") { 2 } else { 0 };
        let name = rest.get(raw..).unwrap_or_default();
        return (Some(Kind::Word), raw + word(name).max(1));
    }
    (Some(Kind::Mark), first.len_utf8())
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

fn word(rest: &str) -> usize {
    rest.find(|character| !is_word(character)).unwrap_or(rest.len())
}

/// The length of a comment that may hold others.
fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(here) = rest.get(at..).filter(|here| !here.is_empty()) {
        if here.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if here.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += here.chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

/// The length of a string with its prefix, if one begins here.
fn string(rest: &str) -> Option<usize> {
    let prefix = ["br", "cr", "b", "c", "r", ""]
        .into_iter()
        .find(|prefix| rest.strip_prefix(prefix).is_some_and(|r| r.starts_with(['"', '#'])))?;
    let quoted = rest.strip_prefix(prefix)?;
    if !prefix.ends_with('r') {
        let body = quoted.strip_prefix('"')?;
        return Some(prefix.len() + 1 + closing(body, '"'));
    }
    let hashes = quoted.find(|character| character != '#')?;
    let body = quoted.get(hashes..)?.strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let length = body.find(&end).map_or(body.len(), |at| at + end.len());
    Some(prefix.len() + hashes + 1 + length)
}

/// The length up to and with the closing quote, escapes minded.
fn closing(body: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, character) in body.char_indices() {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            _ if character == quote => return at + 1,
            _ => {}
        }
    }
    body.len()
}

/// A character in quotes, or a lifetime, which is no token here.
fn quote(rest: &str) -> (Option<Kind>, usize) {
    let body = rest.get(1..).unwrap_or_default();
    let mut characters = body.chars();
    match (characters.next(), characters.next()) {
        (Some('\\'), _) | (Some(_), Some('\'')) => (Some(Kind::Text), 1 + closing(body, '\'')),
        _ => (None, 1 + word(body)),
    }
}

/// The length of a number; after a dot it is a tuple's field and has no fraction.
fn number(rest: &str, is_after_dot: bool) -> usize {
    let whole = word(rest);
    let fraction = rest.get(whole..).and_then(|rest| rest.strip_prefix('.'));
    match fraction {
        Some(fraction) if !is_after_dot && fraction.starts_with(|c: char| c.is_ascii_digit()) => {
            whole + 1 + word(fraction)
        }
        _ => whole,
    }
}

/// The tokens that are shipped: items under `#[cfg(test)]` or `#[test]` are left out.
pub(crate) fn shipped<'a>(tokens: &[Token<'a>]) -> Vec<Token<'a>> {
    let mut shipped = Vec::new();
    let mut rest = tokens;
    while let Some((first, after)) = rest.split_first() {
        let Some(length) = attribute(rest) else {
            shipped.push(*first);
            rest = after;
            continue;
        };
        let (attribute, after) = rest.split_at(length);
        if is_for_tests(attribute) {
            rest = after_item(after);
        } else {
            shipped.extend_from_slice(attribute);
            rest = after;
        }
    }
    shipped
}

/// How many tokens the attribute has that begins here.
fn attribute(tokens: &[Token<'_>]) -> Option<usize> {
    let [hash, bracket, ..] = tokens else { return None };
    if hash.text != "#" || bracket.text != "[" {
        return None;
    }
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(1) {
        match token.text {
            "[" => depth += 1,
            "]" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at + 1);
        }
    }
    None
}

fn is_for_tests(attribute: &[Token<'_>]) -> bool {
    let words: Vec<&str> =
        attribute.iter().filter(|token| token.kind == Kind::Word).map(|token| token.text).collect();
    match words.as_slice() {
        ["cfg", conditions @ ..] => {
            conditions.contains(&"test") && !conditions.iter().any(|w| ["not", "any"].contains(w))
        }
        ["test"] | ["tokio", "test", ..] => true,
        _ => false,
    }
}

/// What follows the item that begins here, its further attributes included.
fn after_item<'t, 'a>(tokens: &'t [Token<'a>]) -> &'t [Token<'a>] {
    let mut rest = tokens;
    while let Some(length) = attribute(rest) {
        rest = rest.split_at(length).1;
    }
    let mut depth = 0_usize;
    while let Some((token, after)) = rest.split_first() {
        rest = after;
        match token.text {
            "(" | "[" | "{" if token.kind == Kind::Mark => depth += 1,
            ")" | "]" => depth = depth.saturating_sub(1),
            "}" => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    break;
                }
            }
            ";" if depth == 0 => break,
            _ => {}
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(source: &str) -> Vec<&str> {
        tokens(source).iter().map(|token| token.text).collect()
    }

    #[test]
    fn comments_and_lifetimes_are_no_tokens() {
        assert_eq!(texts("a /* b /* c */ d */ e // f\n&'x g"), ["a", "e", "&", "g"]);
    }

    #[test]
    fn strings_are_one_token_each() {
        assert_eq!(
            texts(r##"f("a\"b", r#"c"d"#, b'x', '\'', '"')"##),
            [
                "f",
                "(",
                r#""a\"b""#,
                ",",
                r##"r#"c"d"#"##,
                ",",
                "b",
                "'x'",
                ",",
                r"'\''",
                ",",
                "'\"'",
                ")"
            ]
        );
    }

    #[test]
    fn raw_names_and_names_with_an_r_are_words() {
        assert_eq!(texts("r#type bar br c"), ["r#type", "bar", "br", "c"]);
    }

    #[test]
    fn numbers_keep_their_fraction_and_ranges_and_tuples_have_none() {
        assert_eq!(
            texts("1.5 0..9 t.0.1 1_000i64 2.max(1)"),
            [
                "1.5", "0", ".", ".", "9", "t", ".", "0", ".", "1", "1_000i64", "2", ".", "max",
                "(", "1", ")"
            ]
        );
    }

    #[test]
    fn lines_are_counted_through_strings_and_comments() {
        let tokens = tokens("\"a\nb\" /*\n*/ c");
        assert_eq!(tokens.last().map(|token| token.line), Some(3));
    }

    #[test]
    fn tests_are_not_shipped() {
        let source = "fn a() {} #[cfg(test)] #[allow(x)] mod tests { fn b() { {} } } fn c() {}
            #[test] fn d() {} #[cfg(test)] use e::f; #[cfg(not(test))] fn g() {}";
        let all = tokens(source);
        let words: Vec<&str> = shipped(&all)
            .iter()
            .filter(|token| token.kind == Kind::Word && token.text.len() == 1)
            .map(|token| token.text)
            .collect();
        assert_eq!(words, ["a", "c", "g"]);
    }
}
