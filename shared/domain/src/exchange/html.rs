//! Descriptions in HTML as plain text.
//!
//! The shop keeps plain text, so nothing that comes in can become markup: tags go, what scripts and
//! styles hold goes with them, and what was written as an entity is the character that it stands
//! for. What comes out may look like a tag again (`&lt;b&gt;`): it is text, and whoever shows it
//! shows it as text.

/// Elements whose content nobody reads.
const SILENT: [&str; 7] = ["script", "style", "template", "iframe", "object", "noscript", "head"];
/// Elements that begin a line of their own.
const BLOCKS: [&str; 21] = [
    "p",
    "div",
    "br",
    "li",
    "ul",
    "ol",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "tr",
    "table",
    "section",
    "article",
    "blockquote",
    "hr",
    "dl",
    "dt",
    "dd",
];
/// Named characters that descriptions use; others stay as they were written.
const NAMED: [(&str, char); 30] = [
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("nbsp", ' '),
    ("ndash", '–'),
    ("mdash", '—'),
    ("hellip", '…'),
    ("lsquo", '‘'),
    ("rsquo", '’'),
    ("ldquo", '“'),
    ("rdquo", '”'),
    ("bdquo", '„'),
    ("bull", '•'),
    ("middot", '·'),
    ("deg", '°'),
    ("times", '×'),
    ("frac12", '½'),
    ("euro", '€'),
    ("pound", '£'),
    ("copy", '©'),
    ("reg", '®'),
    ("trade", '™'),
    ("auml", 'ä'),
    ("ouml", 'ö'),
    ("uuml", 'ü'),
    ("szlig", 'ß'),
    ("eacute", 'é'),
    ("egrave", 'è'),
];
/// Characters of an entity's name at most.
const ENTITY_CHARS_MAX: usize = 10;

/// The text of a piece of HTML.
pub(super) fn plain(html: &str) -> String {
    let mut text = Text::default();
    let mut rest = html;
    while let Some(at) = rest.find(['<', '&']) {
        let (before, here) = rest.split_at(at);
        text.push(before);
        rest = if here.starts_with('<') { tag(here, &mut text) } else { entity(here, &mut text) };
    }
    text.push(rest);
    text.finish()
}

/// Text with its white space folded, as a browser shows it.
#[derive(Default)]
struct Text {
    out: String,
    /// White space that waits to be seen between two words.
    has_space: bool,
    /// Lines that wait to be ended.
    breaks: usize,
}

impl Text {
    fn push(&mut self, text: &str) {
        text.chars().for_each(|c| self.push_char(c));
    }

    fn push_char(&mut self, c: char) {
        if c.is_whitespace() {
            self.has_space = true;
        } else if !c.is_control() {
            if !self.out.is_empty() && self.breaks > 0 {
                self.out.push('\n');
            } else if !self.out.is_empty() && self.has_space {
                self.out.push(' ');
            }
            (self.breaks, self.has_space) = (0, false);
            self.out.push(c);
        }
    }

    fn new_line(&mut self) {
        self.breaks += 1;
    }

    fn finish(self) -> String {
        self.out
    }
}

/// Reads a tag or a comment, and what is silent behind it; answers what follows.
fn tag<'a>(here: &'a str, text: &mut Text) -> &'a str {
    if let Some(comment) = here.strip_prefix("<!--") {
        return comment.split_once("-->").map_or("", |(_, rest)| rest);
    }
    let inside = here.strip_prefix('<').unwrap_or(here);
    let is_tag = inside.starts_with(|c: char| c.is_ascii_alphabetic() || "/!?".contains(c));
    if !is_tag {
        text.push_char('<');
        return inside;
    }
    let (tag, rest) = ended(inside);
    let is_end = tag.starts_with('/');
    let name = tag.trim_start_matches('/');
    let name = name.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
    let name = name.to_ascii_lowercase();
    if SILENT.contains(&name.as_str()) && !is_end {
        return after_end_of(&name, rest);
    }
    if BLOCKS.contains(&name.as_str()) {
        text.new_line();
        if name == "li" && !is_end {
            text.push_char('•');
            text.push_char(' ');
        }
    }
    rest
}

/// A tag's inside and what follows it. A `>` in a quoted attribute does not end it.
fn ended(inside: &str) -> (&str, &str) {
    let mut quote = None;
    for (at, c) in inside.char_indices() {
        match (quote, c) {
            (None, '>') => {
                let (tag, rest) = inside.split_at(at);
                return (tag, rest.strip_prefix('>').unwrap_or(rest));
            }
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            _ => {}
        }
    }
    // A tag that never ends hides the rest, as it does in a browser.
    (inside, "")
}

/// What follows the end of a silent element.
fn after_end_of<'a>(name: &str, rest: &'a str) -> &'a str {
    let mut from = rest;
    while let Some((_, here)) = from.split_once("</") {
        let found = here.get(..name.len()).is_some_and(|found| found.eq_ignore_ascii_case(name));
        if found {
            return here.split_once('>').map_or("", |(_, rest)| rest);
        }
        from = here;
    }
    ""
}

/// Reads an entity; an ampersand that begins none is itself.
fn entity<'a>(here: &'a str, text: &mut Text) -> &'a str {
    let inside = here.strip_prefix('&').unwrap_or(here);
    let end = inside.char_indices().take(ENTITY_CHARS_MAX + 1).find(|(_, c)| *c == ';');
    let found = end.and_then(|(at, _)| {
        let (name, rest) = inside.split_at_checked(at)?;
        Some((named(name)?, rest.strip_prefix(';')?))
    });
    if let Some((c, rest)) = found {
        text.push_char(c);
        rest
    } else {
        text.push_char('&');
        inside
    }
}

fn named(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16),
            None => number.parse(),
        };
        return char::from_u32(code.ok()?);
    }
    NAMED.iter().find(|(known, _)| *known == name).map(|(_, c)| *c)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn markup_becomes_lines_of_text() {
        let html = "<p>A <b>good</b>&nbsp;mug.</p>\n<ul><li>350&#160;ml</li><li>Tom &amp; \
            J&eacute;rome</li></ul><p>2 &lt; 3 &#x2014; caf\u{e9}<br/>&unknown; R&D</p>";
        assert_eq!(
            plain(html),
            "A good mug.\n• 350 ml\n• Tom & Jérome\n2 < 3 — café\n&unknown; R&D"
        );
    }

    #[test]
    fn what_nobody_reads_goes() {
        for (html, text) in [
            ("a<script>alert('</p>')</script>b", "ab"),
            ("a<SCRIPT src=x>alert(1)</Script >b", "ab"),
            ("a<style>p{}</style>b<!-- <p>c</p> -->d", "abd"),
            ("<img src=x onerror=alert(1)>a", "a"),
            ("<img alt=\"a > b\" src=x>c", "c"),
            ("a<script>never closed", "a"),
            ("a <b", "a"),
            ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
            ("plain text", "plain text"),
            ("&lt;script&gt;", "<script>"),
            ("a\u{0}b&#0;c", "abc"),
        ] {
            assert_eq!(plain(html), text, "{html}");
        }
    }

    proptest! {
        #[test]
        fn no_html_makes_it_stumble(html in "[<>/&;#x!\"' a-z\\-é\n]{0,200}") {
            let text = plain(&html);
            prop_assert!(text.len() <= html.len() * 4);
            prop_assert!(!text.chars().any(|c| c.is_control() && c != '\n'));
        }
    }
}
