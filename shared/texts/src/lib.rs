//! Texts to telephones: what they say, how long they are, and SNS.
//!
//! The same text about the same facts is the same bytes: a second delivery differs in nothing.

use std::fmt;

use aws_config::SdkConfig;
use aws_sdk_sns::Client;
use aws_sdk_sns::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_sns::types::MessageAttributeValue;
use domain::fault::{Fault, Retry};
use domain::phone::Phone;

mod segments;
mod words;

pub use segments::segments;
pub use words::{LANGUAGES, Topic, write};

/// The way to telephones.
pub struct Texter {
    client: Client,
    /// A number or a name that texts come from; none lets AWS choose.
    origination: Option<String>,
    /// US dollars that a text may cost at most.
    max_price: String,
}

impl fmt::Debug for Texter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Texter(…)")
    }
}

/// What became of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Texted {
    /// SNS took it, under this id.
    Yes(String),
    /// SNS will never take it: trying again does not help.
    Refused(String),
}

impl Texter {
    /// Texts from `origination`, a number in the form of E.164 or a name; `max_price` in US
    /// dollars, as SNS reads it.
    pub fn new(aws: &SdkConfig, origination: Option<String>, max_price: String) -> Self {
        Self { client: Client::new(aws), origination, max_price }
    }

    /// Sends a text, as one that somebody waits for.
    pub async fn send(&self, to: &Phone, text: &str) -> Result<Texted, Fault> {
        let useless = |error| Fault::new("build a text", error, Retry::Useless);
        let attribute = |kind: &str, value: &str| {
            MessageAttributeValue::builder().data_type(kind).string_value(value).build()
        };
        let kind = attribute("String", "Transactional").map_err(useless)?;
        let price = attribute("Number", &self.max_price).map_err(useless)?;
        let mut request = self
            .client
            .publish()
            .phone_number(to.as_str())
            .message(text)
            .message_attributes("AWS.SNS.SMS.SMSType", kind)
            .message_attributes("AWS.SNS.SMS.MaxPrice", price);
        if let Some(from) = &self.origination {
            let name = match from.strip_prefix('+') {
                Some(_) => "AWS.MM.SMS.OriginationNumber",
                None => "AWS.SNS.SMS.SenderID",
            };
            let from = attribute("String", from).map_err(useless)?;
            request = request.message_attributes(name, from);
        }
        match request.send().await {
            Ok(output) => Ok(Texted::Yes(output.message_id.unwrap_or_default())),
            Err(error) => match error.as_service_error().and_then(|service| service.code()) {
                Some(code) if is_final(code) => Ok(Texted::Refused(code.to_owned())),
                _ => Err(fault("send a text", error)),
            },
        }
    }
}

/// What no second try makes better: the number is none, or has opted out at the provider.
fn is_final(code: &str) -> bool {
    ["InvalidParameter", "InvalidParameterValue", "ParameterValueInvalid", "OptedOut"]
        .contains(&code)
}

#[allow(clippy::needless_pass_by_value, reason = "the error is spent: its text may be personal")]
/// SNS errors may quote the number: only the code is kept.
fn fault<E, R>(tried: &str, error: SdkError<E, R>) -> Fault
where
    E: std::error::Error + aws_sdk_sns::error::ProvideErrorMetadata + Send + Sync + 'static,
    R: fmt::Debug + Send + Sync + 'static,
{
    match error.as_service_error() {
        Some(service) => {
            let code = service.code().unwrap_or("unknown").to_owned();
            let is_denied = ["AccessDenied", "AuthorizationError"].contains(&code.as_str());
            let retry = if is_denied { Retry::Useless } else { Retry::Helps };
            Fault::noticed(format!("{tried}: SNS says {code}"), retry)
        }
        None => Fault::noticed(format!("{tried}: no answer"), Retry::Helps),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_for_good_is_told_from_what_passes() {
        assert!(is_final("InvalidParameter") && is_final("OptedOut"));
        for passing in ["Throttled", "Throttling", "InternalError", "AuthorizationError", ""] {
            assert!(!is_final(passing), "{passing}");
        }
    }
}
