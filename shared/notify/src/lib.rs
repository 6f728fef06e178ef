//! Letters to people: templates, and SES.
//!
//! The same letter with the same facts is the same bytes: a second delivery differs in nothing.

use std::fmt;

use aws_sdk_ses::Client;
use aws_sdk_ses::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_ses::types::{Body, Content, Destination, Message, MessageTag};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::address::Email;
use domain::fault::{Fault, Retry};

mod custom;
mod edited;
mod parcel;
mod returned;
pub mod samples;
mod template;

pub use custom::{Broken, Custom, Form, Shown, try_out, variables};
pub use edited::Edited;
pub use parcel::Parcel;
pub use returned::Returned;
pub use template::{Facts, Link, Rendered, Templates};

/// The post.
pub struct Mailer {
    client: Client,
    from: String,
    configuration_set: Option<String>,
}

impl fmt::Debug for Mailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mailer(…)")
    }
}

/// What became of a letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Posted {
    /// SES took it, under this id.
    Yes(String),
    /// SES will never take it: trying again does not help.
    Refused(String),
}

impl Mailer {
    /// A post that writes as `from`.
    pub fn new(client: Client, from: String) -> Self {
        Self { client, from, configuration_set: None }
    }

    /// A post that hears what became of its letters, by this configuration set.
    #[must_use]
    pub fn by(self, configuration_set: String) -> Self {
        Self { configuration_set: Some(configuration_set), ..self }
    }

    /// Sends a letter, in the name of `sender` where there is one. `message_id` and `template` are
    /// tags, for the feedback that SES gives.
    pub async fn send(
        &self,
        sender: Option<&str>,
        to: &Email,
        letter: &Rendered,
        message_id: &str,
        template: &str,
    ) -> Result<Posted, Fault> {
        let useless = |error| Fault::new("build a letter", error, Retry::Useless);
        let content = |text: &str| Content::builder().data(text).charset("UTF-8").build();
        let tag = |name: &str, value: &str| MessageTag::builder().name(name).value(value).build();
        let message = Message::builder()
            .subject(content(&letter.subject).map_err(useless)?)
            .body(
                Body::builder()
                    .html(content(&letter.html).map_err(useless)?)
                    .text(content(&letter.text).map_err(useless)?)
                    .build(),
            )
            .build();
        let sent = self
            .client
            .send_email()
            .source(source(&self.from, sender))
            .set_configuration_set_name(self.configuration_set.clone())
            .destination(Destination::builder().to_addresses(to.as_str()).build())
            .message(message)
            .tags(tag("message", message_id).map_err(useless)?)
            .tags(tag("template", template).map_err(useless)?)
            .send()
            .await;
        match sent {
            Ok(output) => Ok(Posted::Yes(output.message_id)),
            Err(error) => match error.as_service_error().and_then(|service| service.code()) {
                Some(code @ ("MessageRejected" | "MailFromDomainNotVerifiedException")) => {
                    Ok(Posted::Refused(code.to_owned()))
                }
                _ => Err(fault("send a letter", error)),
            },
        }
    }

    /// Whether SES answers.
    pub async fn probe(&self) -> Result<(), Fault> {
        let asked = self.client.get_send_quota().send().await;
        asked.map(drop).map_err(|error| fault("ask SES for its quota", error))
    }
}

/// Bytes of a name in one encoded word: 60 characters of base64 and its frame are within the 75
/// that RFC 2047 §2 allows.
const WORD_BYTES_MAX: usize = 45;

/// The sender's address under a name (RFC 5322 §3.4, RFC 2047 §5). The name comes from the shop's
/// settings, which take no quotes, brackets or line ends; those are left out here, too.
fn source(from: &str, name: Option<&str>) -> String {
    let Some(name) = name else { return from.to_owned() };
    let address = from.rsplit_once('<').map_or(from, |(_, rest)| rest.trim_end_matches('>'));
    let is_plain = |c: &char| !c.is_control() && !matches!(c, '"' | '\\' | '<' | '>');
    let name: String = name.chars().filter(is_plain).collect();
    if name.is_ascii() {
        return format!("\"{name}\" <{address}>");
    }
    let mut words = vec![String::new()];
    for c in name.chars() {
        match words.last_mut() {
            Some(word) if word.len() + c.len_utf8() <= WORD_BYTES_MAX => word.push(c),
            Some(_) | None => words.push(c.to_string()),
        }
    }
    let words: Vec<String> =
        words.iter().map(|word| format!("=?UTF-8?B?{}?=", STANDARD.encode(word))).collect();
    format!("{} <{address}>", words.join(" "))
}

#[allow(clippy::needless_pass_by_value, reason = "the error is spent: its text may be personal")]
/// SES errors may quote the recipient: only the code is kept.
fn fault<E, R>(tried: &str, error: SdkError<E, R>) -> Fault
where
    E: std::error::Error + aws_sdk_ses::error::ProvideErrorMetadata + Send + Sync + 'static,
    R: fmt::Debug + Send + Sync + 'static,
{
    match error.as_service_error() {
        Some(service) => {
            let code = service.code().unwrap_or("unknown").to_owned();
            let retry = if code == "AccessDenied" { Retry::Useless } else { Retry::Helps };
            Fault::noticed(format!("{tried}: SES says {code}"), retry)
        }
        None => Fault::noticed(format!("{tried}: no answer"), Retry::Helps),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_comes_from_the_name_that_the_shop_has_chosen() {
        let from = "post@shop.example";
        assert_eq!(source(from, None), from);
        assert_eq!(source(from, Some("Allure")), "\"Allure\" <post@shop.example>");
        assert_eq!(source("Old <post@shop.example>", Some("New")), "\"New\" <post@shop.example>");
        assert_eq!(source(from, Some("Café")), "=?UTF-8?B?Q2Fmw6k=?= <post@shop.example>");
        assert_eq!(source(from, Some("A\"\r\nBcc: x")), "\"ABcc: x\" <post@shop.example>");
        let long = source(from, Some(&"日本".repeat(20)));
        let words = long.split(' ').filter(|word| word.starts_with("=?"));
        assert!(words.clone().count() > 1 && words.clone().all(|word| word.len() <= 75), "{long}");
    }
}
