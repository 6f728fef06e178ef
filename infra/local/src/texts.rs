//! What AWS and SNS would tell of an answer to a text: the very message that they would put into
//! the queue at the end of the numbers' topic. Nobody's telephone answers by itself here; whoever
//! looks at the texts says what it does.

use serde::Deserialize;
use serde_json::json;

use crate::message::{Request, Response};
use crate::shop::Shop;

/// What the queue's name ends with.
const QUEUE: &str = "-text-answers";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    from: String,
    text: String,
    /// Said where the same answer is to be told again.
    #[serde(default)]
    id: Option<String>,
}

impl Shop {
    /// Tells that somebody has answered.
    pub(crate) fn answer_text(&self, request: &Request) -> Response {
        let say = |status: u16, detail: &str| {
            Response::json(status, &json!({"status": status, "detail": detail}))
        };
        let Ok(answer) = serde_json::from_slice::<Answer>(&request.body) else {
            return say(400, "{\"from\": \"+49…\", \"text\": \"STOP\"}");
        };
        let queue = self.stack().queues.iter().find(|queue| queue.name.ends_with(QUEUE));
        let Some(queue) = queue else { return say(409, "no queue hears answers") };
        let now = self.clock().now();
        let id = answer.id.unwrap_or_else(|| format!("answer-{}", now.as_nanosecond()));
        let notice = json!({
            "originationNumber": answer.from,
            "destinationNumber": "+4915200000000",
            "messageKeyword": "KEYWORD_000000000000",
            "messageBody": answer.text,
            "inboundMessageId": id,
        });
        let envelope = json!({
            "Type": "Notification",
            "MessageId": format!("news-of-{id}"),
            "Message": notice.to_string(),
            "Timestamp": now.to_string(),
        });
        match self.wire().sqs().send(&queue.name, &envelope.to_string()) {
            Ok(_) => {
                self.0.moved.notify_one();
                Response::json(202, &json!({"id": id, "queue": queue.name}))
            }
            Err(error) => say(500, &error.to_string()),
        }
    }
}
