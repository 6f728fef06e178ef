//! A merchant's own template: tried before it is kept, and written in a box.
//!
//! In the box there is the shop's frame, the parts that its own letters are made of, and nothing
//! else: no file, no other template, no function, the few filters of [`sandbox`]. A fact is escaped
//! in HTML whatever the template says: what could take the escaping off is not there, and the
//! formatter does not ask. Work and output are bounded.

use std::fmt;
use std::io::{self, Write};

use domain::catalog::Locale;
use domain::letter_template::Source;
use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior, Value, filters,
    tests as checks,
};
use serde::Serialize;

use crate::samples;
use crate::template::{Facts, Rendered, context_of, write_escaped};

/// Steps of one form: the longest letter of ours takes some thousands.
const FUEL: u64 = 100_000;
/// Templates inside templates; ours are two deep.
const DEPTH_MAX: usize = 20;
/// Bytes of one form, written: mail readers cut off after 100 KB, mail services refuse at 10 MB.
const BYTES_MAX: usize = 256 * 1024;
/// Characters of a subject, written: more is shown by nobody.
const SUBJECT_CHARS_MAX: usize = 200;
/// Flaws that are named at once.
const FLAWS_MAX: usize = 20;

/// What mail readers drop or are attacked by, and no letter needs.
const ACTIVE: [&str; 9] = [
    "<script",
    "<iframe",
    "<object",
    "<embed",
    "<form",
    "<base",
    "<meta http-equiv",
    "javascript:",
    "vbscript:",
];

/// What is optional in the facts, absent in some letters.
const OPTIONAL: [&str; 17] = [
    "discount",
    "shipping",
    "shipping_name",
    "address",
    "carrier",
    "tracking_number",
    "tracking_url",
    "expires_on",
    "variant",
    "refund",
    "instructions",
    "label_url",
    "send_to",
    "send_by",
    "rejection",
    "given",
    "closing",
];
/// Lists that are empty in some letters.
const LISTS: [&str; 3] = ["tenders", "keys", "downloads"];
/// What templates know without being told.
const GIVEN: [&str; 4] = ["loop", "self", "super", "caller"];

/// Which of a letter's three forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Its subject.
    Subject,
    /// For those who read HTML.
    Html,
    /// For all others.
    Text,
}

impl Form {
    const ALL: [Self; 3] = [Self::Subject, Self::Html, Self::Text];

    /// Its name in requests and answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Html => "html",
            Self::Text => "text",
        }
    }

    fn of(self, source: &Source) -> &str {
        match self {
            Self::Subject => &source.subject,
            Self::Html => &source.html,
            Self::Text => &source.text,
        }
    }
}

/// What is wrong with a template, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// In which form.
    pub form: Form,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What kind of flaw.
    pub code: &'static str,
    /// A sentence for who wrote it.
    pub reason: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { form, line, column, code, .. } = self;
        write!(f, "{} line {line}, column {column}: {code}", form.name())
    }
}

/// A template, compiled: one box for each form, so that none can lend another its freedom.
#[derive(Debug)]
pub struct Custom {
    boxes: Vec<(Form, Environment<'static>)>,
}

impl Custom {
    /// Compiles a template.
    ///
    /// # Errors
    ///
    /// Every form that does not compile, with its first flaw.
    pub fn compile(source: &Source) -> Result<Self, Vec<Broken>> {
        let (sound, flaws) = Self::compile_each(source);
        if flaws.is_empty() { Ok(sound) } else { Err(flaws) }
    }

    /// The forms that compile, and what is wrong with the others.
    fn compile_each(source: &Source) -> (Self, Vec<Broken>) {
        let (mut boxes, mut flaws) = (Vec::new(), Vec::new());
        for form in Form::ALL {
            let mut environment = sandbox(form);
            let own = form.of(source).to_owned();
            match environment.add_template_owned(form.name(), own) {
                Ok(()) => boxes.push((form, environment)),
                Err(error) => flaws.push(broken(form, form.of(source), &error)),
            }
        }
        (Self { boxes }, flaws)
    }

    /// Writes a letter.
    ///
    /// # Errors
    ///
    /// Where the template asks for what this letter does not have, or does not come to an end.
    pub fn render(&self, facts: &Facts<'_>) -> Result<Rendered, Broken> {
        self.render_from(&context_of(facts))
    }

    /// Writes a letter of sample facts in a language; none where there is no such letter.
    pub fn sample(&self, letter: &str, locale: &Locale) -> Option<Result<Rendered, Broken>> {
        let order = samples::order().ok()?;
        let all = samples::letters(order.id);
        let (_, sample) = all.iter().find(|(_, sample)| sample.template() == letter)?;
        Some(self.render(&samples::facts_in(sample, &order, locale)))
    }

    fn render_from(&self, context: &Value) -> Result<Rendered, Broken> {
        let mut rendered =
            Rendered { subject: String::new(), html: String::new(), text: String::new() };
        for (form, environment) in &self.boxes {
            let written = write(environment, *form, context)?;
            match form {
                Form::Subject => rendered.subject = one_line(&written),
                Form::Html => rendered.html = written,
                Form::Text => rendered.text = written,
            }
        }
        Ok(rendered)
    }

    /// The variables that a form names and the letter does not have.
    fn unknown(&self, known: &[(serde_json::Value, serde_json::Value)]) -> Vec<Broken> {
        let mut flaws = Vec::new();
        for (form, environment) in &self.boxes {
            let Ok(template) = environment.get_template(form.name()) else { continue };
            let mut names: Vec<String> = template.undeclared_variables(true).into_iter().collect();
            names.sort_unstable();
            let is_known = |name: &String| known.iter().any(|(full, _)| knows(full, name));
            for name in names.iter().filter(|name| !is_known(name)) {
                let (line, column) = place_of(template.source(), name);
                let reason = format!("This letter has no {name}.");
                flaws.push(Broken { form: *form, line, column, code: "unknown_variable", reason });
            }
        }
        flaws
    }
}

/// Everything that is wrong with a template for a letter: what does not compile, what this letter
/// does not have, what goes wrong with sample facts — with all that can be there and with as little
/// as can be —, and what no letter may be.
pub fn try_out(source: &Source, letter: &str) -> Vec<Broken> {
    let (custom, broken) = Custom::compile_each(source);
    let contexts = sample_contexts(letter);
    let mut flaws = custom.unknown(&contexts);
    if !broken.is_empty() {
        // A letter can not be tried without all of its forms; what can be read off the others is.
        flaws.extend(broken);
        flaws.sort_by_key(|flaw| Form::ALL.iter().position(|form| *form == flaw.form));
        flaws.truncate(FLAWS_MAX);
        return flaws;
    }
    for (full, bare) in contexts {
        for context in [full, bare] {
            let is_full = flaws.is_empty();
            let value = Value::from(minijinja::value::Serde(&context));
            match custom.render_from(&value) {
                Ok(rendered) if is_full => flaws.extend(unfit(&rendered, &context)),
                Ok(_) => {}
                Err(flaw) => flaws.push(flaw),
            }
        }
    }
    // The same place is found by looking and by trying.
    let mut places = Vec::new();
    flaws.retain(|flaw| {
        let place = (flaw.form, flaw.line, flaw.column, flaw.code);
        let is_new = !places.contains(&place);
        places.push(place);
        is_new
    });
    flaws.truncate(FLAWS_MAX);
    flaws
}

/// What no letter may be, though it was written.
fn unfit(rendered: &Rendered, context: &serde_json::Value) -> Vec<Broken> {
    let mut flaws = Vec::new();
    let mut say = |form, code, reason: &str| {
        flaws.push(Broken { form, line: 1, column: 1, code, reason: reason.to_owned() });
    };
    let code = context.pointer("/gift_card/code").and_then(serde_json::Value::as_str);
    let token = context.get("token").and_then(serde_json::Value::as_str);
    for secret in code.into_iter().chain(token) {
        if rendered.subject.contains(secret) {
            let reason = "Subjects are shown on locked screens: no link and no code in them.";
            say(Form::Subject, "secret_in_subject", reason);
        }
        for (form, written) in [(Form::Html, &rendered.html), (Form::Text, &rendered.text)] {
            if !written.contains(secret) {
                say(form, "link_missing", "The letter is worth nothing without its link or code.");
            }
        }
    }
    if rendered.subject.is_empty() {
        say(Form::Subject, "subject_empty", "A letter has a subject.");
    }
    let html = rendered.html.to_ascii_lowercase();
    if let Some(found) = ACTIVE.iter().find(|word| html.contains(*word)) {
        say(Form::Html, "active_content", &format!("No letter needs {found}."));
    }
    flaws
}

/// The facts of the letter's samples: with everything, and with as little as can be.
fn sample_contexts(letter: &str) -> Vec<(serde_json::Value, serde_json::Value)> {
    let Ok(order) = samples::order() else { return Vec::new() };
    let all = samples::letters(order.id);
    let of_letter = all.iter().filter(|(_, sample)| sample.template() == letter);
    of_letter
        .map(|(_, sample)| {
            let context = context_of(&samples::facts(sample, &order));
            let full = serde_json::to_value(&context).unwrap_or_default();
            let mut bare = full.clone();
            strip(&mut bare);
            (full, bare)
        })
        .collect()
}

/// The variables that a template for a letter may name, sorted: `order.number`, `order.lines[]`.
pub fn variables(letter: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (full, _) in sample_contexts(letter) {
        name_all(&full, "", &mut names);
    }
    names.sort_unstable();
    names.dedup();
    names
}

fn name_all(value: &serde_json::Value, path: &str, names: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(members) => {
            for (name, member) in members {
                let dot = if path.is_empty() { "" } else { "." };
                name_all(member, &format!("{path}{dot}{name}"), names);
            }
        }
        serde_json::Value::Array(entries) => match entries.first() {
            Some(first) => name_all(first, &format!("{path}[]"), names),
            None => names.push(format!("{path}[]")),
        },
        // What this letter does not have.
        serde_json::Value::Null => {}
        serde_json::Value::Bool(_)
        | serde_json::Value::Number(_)
        | serde_json::Value::String(_) => names.push(path.to_owned()),
    }
}

/// Takes away what need not be there.
fn strip(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Object(members) => {
            for (name, member) in members {
                if OPTIONAL.contains(&name.as_str()) {
                    *member = serde_json::Value::Null;
                } else if LISTS.contains(&name.as_str()) {
                    *member = serde_json::Value::Array(Vec::new());
                } else {
                    strip(member);
                }
            }
        }
        serde_json::Value::Array(entries) => entries.iter_mut().for_each(strip),
        serde_json::Value::Null
        | serde_json::Value::Bool(_)
        | serde_json::Value::Number(_)
        | serde_json::Value::String(_) => {}
    }
}

/// Whether the facts have what a dotted name names.
fn knows(known: &serde_json::Value, name: &str) -> bool {
    let mut at = known;
    for (depth, word) in name.split('.').enumerate() {
        if depth == 0 && GIVEN.contains(&word) {
            return true;
        }
        let Some(members) = at.as_object() else { return at.is_array() };
        let Some(next) = members.get(word) else { return false };
        at = next;
    }
    // With everything that can be there it is not there: this letter never has it.
    !at.is_null()
}

/// Where a name stands first, as line and column.
fn place_of(source: &str, name: &str) -> (usize, usize) {
    let at = source.find(name).or_else(|| source.find(name.rsplit('.').next().unwrap_or(name)));
    place(source, at.unwrap_or(0))
}

/// Line and column of a byte.
fn place(source: &str, at: usize) -> (usize, usize) {
    let before = source.get(..at).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

/// The box of one form.
fn sandbox(form: Form) -> Environment<'static> {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_recursion_limit(DEPTH_MAX);
    environment.set_fuel(Some(FUEL));
    // Where an error is; nothing of it leaves but the place.
    environment.set_debug(true);
    environment.add_filter("upper", filters::upper);
    environment.add_filter("lower", filters::lower);
    environment.add_filter("length", filters::length);
    environment.add_filter("first", filters::first);
    environment.add_filter("last", filters::last);
    environment.add_test("defined", checks::is_defined);
    environment.add_test("none", checks::is_none);
    environment.add_test("odd", checks::is_odd);
    environment.add_test("even", checks::is_even);
    match form {
        Form::Subject | Form::Text => {
            environment.set_auto_escape_callback(|_| AutoEscape::None);
        }
        Form::Html => {
            environment.set_auto_escape_callback(|_| AutoEscape::Html);
            environment.set_formatter(always_escaped);
            for (name, source) in crate::template::SHARED {
                // Ours compile: a test says so.
                let _compiled = environment.add_template(name, source);
            }
        }
    }
    environment
}

/// Escapes whether or not the template says so; what is safe was made of escaped pieces.
fn always_escaped(out: &mut Output<'_>, _: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    write_escaped(out, value)
}

fn write(
    environment: &Environment<'static>,
    form: Form,
    context: &Value,
) -> Result<String, Broken> {
    let mut bounded = Bounded(Vec::new());
    let done = environment
        .get_template(form.name())
        .and_then(|template| template.render_captured_to(context.clone(), &mut bounded).map(drop));
    match done {
        Ok(()) => Ok(String::from_utf8_lossy(&bounded.0).into_owned()),
        Err(error) => {
            let source = environment.get_template(form.name());
            Err(broken(form, source.as_ref().map_or("", |own| own.source()), &error))
        }
    }
}

/// A buffer that takes so much and no more.
struct Bounded(Vec<u8>);

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > BYTES_MAX {
            return Err(io::Error::other("too much"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A subject is one line, and not endless.
fn one_line(written: &str) -> String {
    let words: Vec<&str> = written.split_whitespace().collect();
    words.join(" ").chars().filter(|c| !c.is_control()).take(SUBJECT_CHARS_MAX).collect()
}

/// An error of the engine as a flaw. Its words name what stands in the template; facts do not
/// stand in them.
fn broken(form: Form, source: &str, error: &Error) -> Broken {
    let code = match error.kind() {
        ErrorKind::SyntaxError | ErrorKind::BadEscape | ErrorKind::InvalidDelimiter => "syntax",
        ErrorKind::TemplateNotFound | ErrorKind::BadInclude => "unknown_template",
        ErrorKind::UnknownFilter => "unknown_filter",
        ErrorKind::UnknownTest => "unknown_test",
        ErrorKind::UnknownFunction | ErrorKind::UnknownMethod => "unknown_function",
        ErrorKind::UndefinedError => "unknown_variable",
        ErrorKind::OutOfFuel => "too_much_work",
        ErrorKind::WriteFailure => "too_large",
        _ => "not_possible",
    };
    // An error in the frame or a part was caused by what it was given: its line is not ours.
    let is_own = error.name().is_none_or(|name| name == form.name());
    let own_line = error.line().filter(|_| is_own).unwrap_or(1);
    let (line, column) = match error.range().filter(|_| is_own) {
        Some(range) => place(source, range.start),
        None => (own_line, 1),
    };
    let detail = match code {
        "too_much_work" => "It does not come to an end.".to_owned(),
        "too_large" => format!("It writes more than {BYTES_MAX} bytes."),
        "unknown_variable" => "Something that is used here is not there.".to_owned(),
        _ => error.detail().map_or_else(|| error.kind().to_string(), ToOwned::to_owned),
    };
    Broken { form, line, column, code, reason: detail }
}

/// A flaw as an answer shows it.
#[derive(Debug, Clone, Serialize)]
pub struct Shown {
    /// In which form.
    pub form: &'static str,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What kind of flaw.
    pub code: &'static str,
    /// A sentence.
    pub reason: String,
}

impl From<&Broken> for Shown {
    fn from(broken: &Broken) -> Self {
        let Broken { form, line, column, code, reason } = broken;
        let (line, column, code) = (*line, *column, *code);
        Self { form: form.name(), line, column, code, reason: reason.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Templates;

    fn source(html: &str) -> Source {
        let (subject, text) = ("Your order {{ order.number }}", "Thanks for {{ order.number }}");
        Source { subject: subject.into(), html: html.into(), text: text.into() }
    }

    fn flaws(html: &str) -> Vec<(&'static str, usize, usize)> {
        let found = try_out(&source(html), "order_confirmation");
        found.iter().map(|flaw| (flaw.code, flaw.line, flaw.column)).collect()
    }

    #[test]
    fn the_shop_s_own_templates_stand_in_the_box_and_write_the_same() {
        let (templates, order) = (Templates::built_in().unwrap(), samples::order().unwrap());
        for (name, letter) in samples::letters(order.id) {
            let own = templates.source(letter.template()).unwrap();
            assert_eq!(try_out(&own, letter.template()), [], "{name}");
            let facts = samples::facts(&letter, &order);
            let custom = Custom::compile(&own).unwrap();
            assert_eq!(custom.render(&facts).unwrap(), templates.render(&facts).unwrap(), "{name}");
        }
    }

    #[test]
    fn a_flaw_is_named_with_its_line_and_column() {
        assert_eq!(flaws("<p>fine</p>"), []);
        assert_eq!(flaws("<p>\n  {{ order.numbr }}</p>"), [("unknown_variable", 2, 6)]);
        let (code, line, _) = flaws("<p>\n\n{% if order %}")[0];
        assert_eq!((code, line), ("syntax", 3));
        let (code, line, _) = flaws("<p>\n{{ order.number|safe }}")[0];
        assert_eq!((code, line), ("unknown_filter", 2));
        let (code, line, _) =
            flaws("\n{% for line in order.lines %}{{ line.titel }}{% endfor %}")[0];
        assert_eq!((code, line), ("unknown_variable", 2));
    }

    #[test]
    fn a_form_that_does_not_compile_hides_no_flaw_of_the_others() {
        let source = Source {
            subject: "{{ order.nmber }}".to_owned(),
            html: "<p>{% if %}</p>".to_owned(),
            text: "{{ nobody }}".to_owned(),
        };
        let found: Vec<(Form, &str)> = try_out(&source, "order_confirmation")
            .iter()
            .map(|flaw| (flaw.form, flaw.code))
            .collect();
        let unknown = "unknown_variable";
        let wanted = [(Form::Subject, unknown), (Form::Html, "syntax"), (Form::Text, unknown)];
        assert_eq!(found, wanted);
    }

    #[test]
    fn what_a_bare_order_does_not_have_is_found_before_it_is_missed() {
        let html = "{% if order.address %}{% endif %}{{ order.address[0] }}";
        assert!(!flaws(html).is_empty());
        assert_eq!(flaws("{% if order.address %}{{ order.address[0] }}{% endif %}"), []);
    }

    #[test]
    fn nothing_else_can_be_included_and_nothing_goes_on_for_ever() {
        for (html, code) in [
            ("{% include \"/etc/passwd\" %}", "unknown_template"),
            ("{% include \"text\" %}", "unknown_template"),
            ("{% extends \"verify_email.html\" %}", "unknown_template"),
            ("{% for a in order.lines %}{{ range(9) }}{% endfor %}", "unknown_function"),
        ] {
            assert!(
                flaws(html).iter().any(|(found, ..)| *found == code),
                "{html}: {:?}",
                flaws(html)
            );
        }
        let nested = "{% for a in x %}{% for b in x %}{% for c in x %}{% for d in x %}\
                      {% for e in x %}\
                      .{% endfor %}{% endfor %}{% endfor %}{% endfor %}{% endfor %}";
        let endless = format!("{{% set x = [{}] %}}{nested}", "0,".repeat(30));
        assert_eq!(flaws(&endless)[0].0, "too_much_work");
        let large = format!("{{{{ \"{}\" * 3000 }}}}", "x".repeat(100));
        assert!(!flaws(&large).is_empty());
        assert!(!flaws("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}").is_empty());
        assert!(!flaws("{% include \"html\" %}").is_empty());
    }

    #[test]
    fn no_template_takes_the_escaping_off_a_fact() {
        let order = samples::order().unwrap();
        let letter = domain::event::Letter::OrderConfirmation { order_id: order.id };
        for html in [
            "{{ order.lines[0].title }}",
            "{% autoescape false %}{{ order.lines[0].title }}{% endautoescape %}",
            "{% autoescape \"none\" %}{{ order.lines[0].title }}{% endautoescape %}",
            "{% set a %}{{ order.lines[0].title }}{% endset %}{{ a }}",
            "{% autoescape false %}{% set a %}{{ order.lines[0].title }}{% endset %}{{ a }}\
             {% endautoescape %}",
            "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(order.lines[0].title) }}",
            "{% autoescape false %}{% macro m(a) %}{{ a }}{% endmacro %}\
             {{ m(order.lines[0].title) }}{% endautoescape %}",
            "{{ order.lines[0].title|upper|lower }}",
            "{{ \"<b>\" ~ order.lines[0].title }}",
            "{% filter lower %}{{ order.lines[0].title }}{% endfilter %}",
        ] {
            let Ok(custom) = Custom::compile(&source(html)) else { continue };
            let Ok(written) = custom.render(&samples::facts(&letter, &order)) else { continue };
            assert!(!written.html.contains("<b>"), "{html}: {}", written.html);
        }
    }

    #[test]
    fn a_letter_with_a_link_has_it_and_not_in_its_subject() {
        let own = |subject: &str, html: &str| Source {
            subject: subject.into(),
            html: html.into(),
            text: "{{ shop_url }}/reset#token={{ token }}".into(),
        };
        let codes = |source: &Source| -> Vec<&str> {
            try_out(source, "reset_password").iter().map(|flaw| flaw.code).collect()
        };
        let link = "<a href=\"{{ shop_url }}/reset#token={{ token }}\">here</a>";
        assert_eq!(codes(&own("Your password", link)), Vec::<&str>::new());
        assert_eq!(codes(&own("Your password", "<p>Hello</p>")), ["link_missing"]);
        assert_eq!(codes(&own("{{ token }}", link)), ["secret_in_subject"]);
        assert_eq!(codes(&own(" ", link)), ["subject_empty"]);
        assert_eq!(codes(&own("Hello", &format!("{link}<script>"))), ["active_content"]);
        // This letter has no order.
        assert_eq!(codes(&own("{{ order.number }}", link))[0], "unknown_variable");
    }

    #[test]
    fn a_subject_is_one_line() {
        assert_eq!(one_line("  a\r\n b\tc\u{7} "), "a b c");
        assert_eq!(one_line(&"x".repeat(500)).len(), SUBJECT_CHARS_MAX);
    }
}
