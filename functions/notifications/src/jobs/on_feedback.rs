//! What became of letters, told by SES through SNS: delivered, sent back, called spam.
//!
//! News comes late, twice, out of order, and of letters that nobody remembers. The list of
//! addresses that are not written to is written first and the log of letters after it: whoever
//! dies in between is told again, and to be told again changes nothing.
//!
//! The queue takes messages of one topic, and the topic of SES for this account alone; both are
//! said by their policies. So the signature of SNS is not looked at here.

use std::collections::BTreeMap;

use domain::address::Email;
use domain::fault::{Fault, Retry};
use domain::id::MessageId;
use domain::message::{Bounce, News, Suppression, masked};
use jiff::Timestamp;
use serde::Deserialize;
use store::Saved;

use crate::{App, address};

const OP: &str = "notifications.jobs.on_feedback";
/// How often a lost race is run again before the message comes back by itself.
const RACES_MAX: usize = 5;

/// A message as SNS hands it to a queue.
#[derive(Deserialize)]
struct Envelope {
    #[serde(rename = "Message")]
    message: String,
}

/// What SES publishes (developer guide, "Examples of event data that Amazon SES publishes").
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Notice {
    event_type: String,
    mail: Mail,
    bounce: Option<Bounced>,
    complaint: Option<Complained>,
}

#[derive(Deserialize)]
struct Mail {
    #[serde(default)]
    destination: Vec<String>,
    #[serde(default)]
    tags: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bounced {
    bounce_type: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Complained {
    complaint_feedback_type: Option<String>,
}

/// Notes what became of a letter.
pub async fn handle(app: &App, message: queue::Message, now: Timestamp) -> Result<(), Fault> {
    let notice = read(&message.body)?;
    let Some(news) = notice.news() else { return Ok(()) };
    let id = notice.message();
    if let Some(cause) = news.suppresses() {
        let guard = app.doors.guard(now).await?;
        // The addresses that we wrote to; what bounced may be where their mail goes on to.
        for to in notice.mail.destination.iter().filter_map(|to| Email::parse(to).ok()) {
            let suppression = Suppression {
                id: address::names(&guard.sealer, &to).current,
                to: masked(&to),
                cause,
                message: id,
                created_at: now,
            };
            // On the list already: it stays there as it is.
            let (Saved::Yes | Saved::Raced) = app.store.suppress(&suppression, &[]).await?;
        }
    }
    let Some(id) = id else {
        tracing::warn!(op = OP, "news of a letter without a name of ours");
        return Ok(());
    };
    note(app, id, news, now).await
}

/// Moves the letter on in the log.
async fn note(app: &App, id: MessageId, news: News, now: Timestamp) -> Result<(), Fault> {
    for _ in 0..RACES_MAX {
        let Some(delivery) = app.store.message(id).await? else {
            tracing::info!(op = OP, message_id = %id, "news of a letter that nobody remembers");
            return Ok(());
        };
        let Some(next) = news.moves(delivery.status) else { return Ok(()) };
        let step = (delivery.status, next);
        if app.store.move_message(id, step, news.reason(), now).await? == Saved::Yes {
            tracing::info!(op = OP, message_id = %id, status = next.code(), "a letter moved on");
            return Ok(());
        }
    }
    Err(Fault::noticed(format!("move {id} on: others were faster"), Retry::Helps))
}

fn read(body: &str) -> Result<Notice, Fault> {
    let broken = |error| Fault::new("read what became of a letter", error, Retry::Useless);
    let envelope: Envelope = serde_json::from_str(body).map_err(broken)?;
    serde_json::from_str(&envelope.message).map_err(broken)
}

impl Notice {
    /// What it tells, if that is anything to us.
    fn news(&self) -> Option<News> {
        match (self.event_type.as_str(), &self.bounce, &self.complaint) {
            ("Delivery", ..) => Some(News::Delivered),
            ("Bounce", Some(bounced), _) => {
                Some(News::Bounced(match bounced.bounce_type.as_str() {
                    "Permanent" => Bounce::Permanent,
                    // Transient and undetermined.
                    _ => Bounce::Transient,
                }))
            }
            ("Complaint", _, complaint) => {
                // A reader who takes a letter out of the spam says the contrary.
                let kind =
                    complaint.as_ref().and_then(|one| one.complaint_feedback_type.as_deref());
                (kind != Some("not-spam")).then_some(News::Complained)
            }
            _ => None,
        }
    }

    /// The letter that it is about: the tag that every letter of ours is sent with.
    fn message(&self) -> Option<MessageId> {
        let tag = self.mail.tags.get("message")?.first()?;
        MessageId::parse(tag).ok()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn told(event: &Value) -> Option<News> {
        let body = json!({"Type": "Notification", "Message": event.to_string()}).to_string();
        read(&body).unwrap().news()
    }

    #[test]
    fn what_ses_publishes_is_understood_and_the_rest_is_nothing_to_us() {
        let mail = json!({"destination": ["jane@example.org"], "tags": {}});
        let bounce = |kind: &str| {
            told(&json!({"eventType": "Bounce", "mail": mail, "bounce": {"bounceType": kind}}))
        };
        assert_eq!(bounce("Permanent"), Some(News::Bounced(Bounce::Permanent)));
        assert_eq!(bounce("Transient"), Some(News::Bounced(Bounce::Transient)));
        assert_eq!(bounce("Undetermined"), Some(News::Bounced(Bounce::Transient)));
        let complaint = |kind: &str| {
            let complaint = json!({"complaintFeedbackType": kind});
            told(&json!({"eventType": "Complaint", "mail": mail, "complaint": complaint}))
        };
        assert_eq!(complaint("abuse"), Some(News::Complained));
        assert_eq!(complaint("not-spam"), None);
        assert_eq!(told(&json!({"eventType": "Delivery", "mail": mail})), Some(News::Delivered));
        for other in ["Send", "Open", "DeliveryDelay", "Bounce", ""] {
            assert_eq!(told(&json!({"eventType": other, "mail": mail})), None, "{other}");
        }
    }

    #[test]
    fn what_is_no_news_is_not_asked_for_again() {
        for body in ["", "{}", r#"{"Message": "hello"}"#, r#"{"Message": "{}"}"#] {
            assert_eq!(read(body).err().map(|fault| fault.retry()), Some(Retry::Useless), "{body}");
        }
    }
}
