//! What people answer to texts, told by AWS through SNS: STOP and START, in every language that the
//! shop has words for.
//!
//! A STOP puts the number on the list of those that are not written to, whoever it belongs to; the
//! holder's START takes it off again, and nothing else does. Each answer is heard once: one that
//! comes again after its contrary changes nothing. HELP and everything else is answered by what the
//! number itself is set up to answer, and is not kept.
//!
//! The queue takes messages of one topic, and the topic those of this account's numbers alone; both
//! are said by their policies. So the signature of SNS is not looked at here.

use domain::fault::{Fault, Retry};
use domain::message::{Cause, Suppression};
use domain::phone::Phone;
use domain::text::Word;
use jiff::Timestamp;
use serde::Deserialize;
use store::Saved;

use crate::{App, address};

const OP: &str = "notifications.jobs.on_text_answer";
/// Characters of the id of an answer.
const ID_CHARS_MAX: usize = 100;

/// A message as SNS hands it to a queue.
#[derive(Deserialize)]
struct Envelope {
    #[serde(rename = "Message")]
    message: String,
}

/// What AWS publishes of an answer (End User Messaging, "Two-way SMS messaging").
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    origination_number: String,
    message_body: String,
    inbound_message_id: String,
}

/// Does what was said.
pub async fn handle(app: &App, message: queue::Message, now: Timestamp) -> Result<(), Fault> {
    let answer = read(&message.body)?;
    let word = Word::of(&answer.message_body);
    let Some(phone) = Phone::parse(&answer.origination_number) else {
        tracing::warn!(op = OP, "an answer from what is no number");
        return Ok(());
    };
    let names = address::names_of_phone(&app.doors.guard(now).await?.sealer, &phone);
    match word {
        Some(Word::Stop) => {
            let suppression = Suppression {
                id: names.current,
                to: phone.masked(),
                cause: Cause::Stop,
                message: None,
                created_at: now,
            };
            // On the list already, or heard before: it stays as it is.
            let (Saved::Yes | Saved::Raced) =
                app.store.hear_stop(&answer.inbound_message_id, &suppression, now).await?;
            tracing::info!(op = OP, "a number is texted no more");
        }
        Some(Word::Start) => {
            let stopped = app.store.suppression(&names.all).await?;
            if let Some(stopped) = stopped.filter(|one| one.cause == Cause::Stop) {
                // Heard before, or taken off meanwhile.
                let (Saved::Yes | Saved::Raced) =
                    app.store.hear_start(&answer.inbound_message_id, &stopped, now).await?;
                tracing::info!(op = OP, "a number is texted again");
            }
        }
        Some(Word::Help) | None => tracing::info!(op = OP, "an answer that changes nothing"),
    }
    Ok(())
}

fn read(body: &str) -> Result<Answer, Fault> {
    // What cannot be read is said without the error: it may quote the answer.
    let broken = || Fault::noticed("read an answer to a text", Retry::Useless);
    let envelope: Envelope = serde_json::from_str(body).map_err(|_| broken())?;
    let answer: Answer = serde_json::from_str(&envelope.message).map_err(|_| broken())?;
    let id = &answer.inbound_message_id;
    let is_id = (1..=ID_CHARS_MAX).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic());
    if is_id { Ok(answer) } else { Err(broken()) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_aws_publishes_of_an_answer_is_understood() {
        let answer = json!({
            "originationNumber": "+4915112345678", "destinationNumber": "+4915200000000",
            "messageKeyword": "KEYWORD_000000000000", "messageBody": "Stop",
            "previousPublishedMessageId": "a", "inboundMessageId": "cae173d2",
        });
        let body = json!({"Type": "Notification", "Message": answer.to_string()}).to_string();
        let answer = read(&body).unwrap();
        assert_eq!(Word::of(&answer.message_body), Some(Word::Stop));
        assert!(Phone::parse(&answer.origination_number).is_some());
    }

    #[test]
    fn what_is_no_answer_is_not_asked_for_again_and_not_repeated() {
        let secret = r#"{"Message": "{\"messageBody\": \"+4915112345678\"}"}"#;
        for body in ["", "{}", r#"{"Message": "hello"}"#, secret] {
            let fault = read(body).err().unwrap();
            assert_eq!(fault.retry(), Retry::Useless, "{body}");
            assert!(!format!("{fault:?}").contains("4915"), "{fault:?}");
        }
    }
}
