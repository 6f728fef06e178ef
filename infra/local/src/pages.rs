//! The local shop's few pages. No script, no foreign source; what came from outside is escaped.

use std::fmt::Write as _;

use wire::{Mail, TextMessage};

use crate::message::Response;
use crate::shop::Shop;

/// The pages' own policy: a stylesheet of ours and nothing else.
const POLICY: &str = "default-src 'none'; style-src 'self'; form-action 'none'; base-uri 'none'; \
                      frame-ancestors 'none'";

const STYLE: &str = "\
:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}\
body{max-width:52rem;margin:2rem auto;padding:0 1rem}\
h1{font-size:1.5rem}h2{font-size:1.1rem;margin:0}\
article{border:1px solid #8886;border-radius:.5rem;padding:1rem;margin:1rem 0}\
pre{white-space:pre-wrap;overflow-wrap:anywhere;font:inherit;margin:.5rem 0 0}\
dl{display:grid;grid-template-columns:auto 1fr;gap:0 1rem;margin:.25rem 0;font-size:.9rem}\
dt{opacity:.7}dd{margin:0}code{font-family:ui-monospace,monospace}\
a:focus-visible{outline:3px solid;outline-offset:2px}\
";

fn page(title: &str, body: &str) -> Response {
    let html = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{title}</title><link rel=\"stylesheet\" href=\"/_local/style.css\"></head>\
         <body><main><h1>{title}</h1>\n{body}</main></body></html>\n"
    );
    let mut response = Response::of(200, "text/html; charset=utf-8", html);
    for (name, value) in [
        ("content-security-policy", POLICY),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
    ] {
        response.headers.push((name.to_owned(), value.to_owned()));
    }
    response
}

pub(crate) fn style() -> Response {
    Response::of(200, "text/css; charset=utf-8", STYLE)
}

pub(crate) fn index(shop: &Shop) -> Response {
    let mut body =
        String::from("<p>Pages of the local shop. None of them exists in the cloud.</p><ul>");
    for (path, what) in [
        ("/v1/store/products", "the catalog"),
        ("/openapi.json", "the API's contract"),
        (
            "/_local/mail",
            "the mailbox (<a href=\"/_local/mail.json\">JSON</a>); \
             <code>POST /_local/mail/{id}/bounce</code>, <code>…/complaint</code>, \
             <code>…/delivery</code> tell what became of one",
        ),
        (
            "/_local/texts",
            "texts to telephones (<a href=\"/_local/texts.json\">JSON</a>); \
             <code>POST /_local/texts/answers {\"from\": \"+49…\", \"text\": \"STOP\"}</code> \
             answers one",
        ),
        (
            "/_local/queues.json",
            "queues and dead letters; \
          <code>POST /_local/queues/{name}/redrive</code> sends dead letters back",
        ),
        ("/_local/clock", "the clock; <code>POST {\"advance_seconds\": N}</code> moves it"),
        ("/_local/jobs", "scheduled functions; <code>POST /_local/jobs/{handler}</code> runs one"),
        ("/_local/metrics.json", "calls, latencies, round trips and capacity per function"),
    ] {
        // Writing into a String never fails.
        let _ = write!(body, "<li><a href=\"{path}\">{path}</a>: {what}</li>");
    }
    let _ = write!(
        body,
        "<li><code>/_local/stripe/v1/…</code>: the Stripe twin; publishable key \
         <code>{}</code>; <code>POST /_local/stripe/faults</code> sets its faults</li></ul>",
        escaped(&shop.stripe_keys().publishable_key)
    );
    page("Fluxion, the local shop", &body)
}

/// The newest mail first.
pub(crate) fn mailbox(mails: &[Mail]) -> Response {
    if mails.is_empty() {
        return page("Mailbox", "<p>No mail yet.</p>");
    }
    let mut body = format!("<p>{} mails, the newest first.</p>", mails.len());
    for mail in mails.iter().rev() {
        let at = jiff::Timestamp::from_millisecond(mail.at_ms).unwrap_or_default();
        let text = mail.text.as_deref().or(mail.html.as_deref()).unwrap_or_default();
        let _ = write!(
            body,
            "<article><h2>{}</h2><dl><dt>To</dt><dd>{}</dd><dt>From</dt><dd>{}</dd>\
             <dt>Sent</dt><dd><time datetime=\"{at}\">{at}</time></dd></dl>\
             <pre>{}</pre></article>",
            escaped(&mail.subject),
            escaped(&mail.to.join(", ")),
            escaped(&mail.from),
            linked(text),
        );
    }
    page("Mailbox", &body)
}

/// What telephones were texted.
pub(crate) fn texts(texts: &[TextMessage]) -> Response {
    if texts.is_empty() {
        return page("Texts", "<p>No texts yet.</p>");
    }
    let mut body = format!("<p>{} texts, the newest first.</p>", texts.len());
    for one in texts.iter().rev() {
        let at = jiff::Timestamp::from_millisecond(one.at_ms).unwrap_or_default();
        let _ = write!(
            body,
            "<article><h2>{}</h2><dl><dt>Sent</dt><dd><time datetime=\"{at}\">{at}</time></dd></dl>\
             <pre>{}</pre></article>",
            escaped(&one.to),
            linked(&one.text),
        );
    }
    page("Texts", &body)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

/// Escaped, and what is an address is a link.
fn linked(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    for word in text.split_inclusive(char::is_whitespace) {
        let trimmed = word.trim_end();
        let rest = word.get(trimmed.len()..).unwrap_or_default();
        let shown = escaped(trimmed);
        if trimmed.starts_with("http://") || trimmed.starts_with("https://") {
            let _ = write!(out, "<a href=\"{shown}\" rel=\"noreferrer\">{shown}</a>");
        } else {
            out.push_str(&shown);
        }
        out.push_str(rest);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_can_not_write_the_page() {
        let mail = Mail {
            subject: "<script>alert(1)</script>".to_owned(),
            text: Some("see http://shop.test/?a=1&b=\"x\"\n<b>bold</b>".to_owned()),
            ..Mail::default()
        };
        let page = mailbox(&[mail]).text();
        assert!(!page.contains("<script>") && !page.contains("<b>"));
        assert!(page.contains("<a href=\"http://shop.test/?a=1&amp;b=&quot;x&quot;\""));
    }
}
