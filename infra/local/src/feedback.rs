//! What SES and SNS would tell of a letter: the very message that they would put into the queue at
//! the end of the configuration set's topic. Nobody's mailbox bounces by itself here; whoever looks
//! at the mailbox says which does.

use serde_json::{Value, json};
use wire::Mail;

use crate::message::Response;
use crate::shop::Shop;

/// What can be told, as the path and SES call it.
const KINDS: [(&str, &str); 4] = [
    ("delivery", "Delivery"),
    ("bounce", "Bounce"),
    ("transient_bounce", "Bounce"),
    ("complaint", "Complaint"),
];

impl Shop {
    /// Tells that this became of a mail.
    pub(crate) fn tell(&self, id: &str, what: &str) -> Response {
        let say = |status: u16, detail: &str| {
            Response::json(status, &json!({"status": status, "detail": detail}))
        };
        let Some((kind, event)) = KINDS.into_iter().find(|(kind, _)| *kind == what) else {
            return say(404, "say delivery, bounce, transient_bounce or complaint");
        };
        let Some(mail) = self.mails().into_iter().find(|mail| mail.id == id) else {
            return say(404, "there is no such mail; /_local/mail.json lists them");
        };
        let sets = &self.stack().configuration_sets;
        let set = sets.iter().find(|set| Some(&set.name) == mail.configuration_set.as_ref());
        let told = set.filter(|set| set.tells.iter().any(|one| one.eq_ignore_ascii_case(event)));
        let Some((set, queue)) = told.and_then(|set| Some((set, set.queue.as_ref()?))) else {
            return say(409, "the mail's configuration set tells nobody of this");
        };
        let notice = notice(&mail, (kind, event), &set.name, self.clock().now());
        let envelope = json!({
            "Type": "Notification",
            "MessageId": format!("news-of-{id}"),
            "TopicArn": set.topic,
            "Subject": "Amazon SES Email Event Notification",
            "Message": notice.to_string(),
            "Timestamp": self.clock().now().to_string(),
        });
        match self.wire().sqs().send(queue, &envelope.to_string()) {
            Ok(_) => {
                self.0.moved.notify_one();
                Response::json(202, &json!({"told": what, "queue": queue}))
            }
            Err(error) => say(500, &error.to_string()),
        }
    }
}

/// The event as SES publishes it (developer guide, "Contents of event data").
fn notice(mail: &Mail, (kind, event): (&str, &str), set: &str, now: jiff::Timestamp) -> Value {
    let mut tags: Value =
        mail.tags.iter().map(|(name, value)| (name.clone(), json!([value]))).collect();
    if let Some(tags) = tags.as_object_mut() {
        tags.insert("ses:configuration-set".to_owned(), json!([set]));
    }
    let mailed = jiff::Timestamp::from_millisecond(mail.at_ms).unwrap_or_default();
    let mut notice = json!({
        "eventType": event,
        "mail": {
            "timestamp": mailed.to_string(),
            "messageId": mail.id,
            "source": mail.from,
            "destination": mail.to,
            "tags": tags,
        },
    });
    let recipients: Vec<Value> = mail.to.iter().map(|to| json!({"emailAddress": to})).collect();
    let at = now.to_string();
    let part = match kind {
        "delivery" => json!({"timestamp": at, "recipients": mail.to}),
        "complaint" => json!({
            "timestamp": at, "complainedRecipients": recipients, "complaintFeedbackType": "abuse",
        }),
        _ => json!({
            "timestamp": at,
            "bounceType": if kind == "bounce" { "Permanent" } else { "Transient" },
            "bounceSubType": "General",
            "bouncedRecipients": recipients,
        }),
    };
    if let Some(notice) = notice.as_object_mut() {
        notice.insert(event.to_lowercase(), part);
    }
    notice
}
