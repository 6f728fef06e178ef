//! Dead letters: what a queue could not do, looked at and brought back.
//!
//! Each queue has one beside it, under its name and `-dlq`. A message there is looked at without
//! being taken, and brought back by sending it anew and deleting it after: who dies in between
//! leaves it in both, and whoever works on it knows it again by its id.

use aws_sdk_sqs::types::{MessageSystemAttributeName, QueueAttributeName};
use domain::fault::{Fault, Retry};
use jiff::Timestamp;

use super::{BATCH_MAX, Name, Queues, fault};

/// What a parked message says of itself, in its attributes: why, by whom it was given up, and when.
pub const REASON: &str = "reason";
/// The Handler that gave a message up.
pub const HANDLER: &str = "handler";
/// Seconds that a message is hidden while it is looked at or brought back.
const HIDDEN: i32 = 30;

/// How full a queue is. SQS counts roughly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Depths {
    /// Messages that wait.
    pub waiting: u64,
    /// Messages that are worked on.
    pub in_work: u64,
    /// Messages that were given up.
    pub dead: u64,
}

/// A message that was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dead {
    /// SQS's id of it.
    pub id: String,
    /// What it says; it may be personal.
    pub body: String,
    /// When it was sent to where it is.
    pub at: Option<Timestamp>,
    /// Why it was given up, where somebody said so.
    pub reason: Option<String>,
    /// Who gave it up.
    pub handler: Option<String>,
    receipt: String,
    group: Option<String>,
}

/// The address of the dead letters of the queue at this address, or of this name.
pub fn dead_of(queue: &str) -> String {
    match queue.strip_suffix(".fifo") {
        Some(stem) => format!("{stem}-dlq.fifo"),
        None => format!("{queue}-dlq"),
    }
}

impl Queues {
    async fn count(&self, url: &str, which: &QueueAttributeName) -> Result<u64, Fault> {
        let request = self.client.get_queue_attributes().queue_url(url);
        let asked = request.attribute_names(which.clone()).send().await;
        let asked = asked.map_err(|error| fault("ask a queue how full it is", error))?;
        let found = asked.attributes.unwrap_or_default();
        Ok(found.get(which).and_then(|count| count.parse().ok()).unwrap_or_default())
    }

    /// How full a queue is, and how many dead letters lie beside it.
    pub async fn depths(&self, name: Name) -> Result<Depths, Fault> {
        let url = self.url(name)?;
        let visible = QueueAttributeName::ApproximateNumberOfMessages;
        let hidden = QueueAttributeName::ApproximateNumberOfMessagesNotVisible;
        let waiting = self.count(url, &visible).await?;
        let in_work = self.count(url, &hidden).await?;
        let dead = self.count(&dead_of(url), &visible).await?;
        Ok(Depths { waiting, in_work, dead })
    }

    /// Dead letters, hidden for a moment from whoever else looks.
    async fn take_dead(&self, name: Name) -> Result<Vec<Dead>, Fault> {
        let most = i32::try_from(BATCH_MAX).unwrap_or(1);
        let asked = self
            .client
            .receive_message()
            .queue_url(dead_of(self.url(name)?))
            .max_number_of_messages(most)
            .visibility_timeout(HIDDEN)
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .message_attribute_names("All")
            .send()
            .await
            .map_err(|error| fault(format!("look at the dead letters of {name:?}"), error))?;
        let messages = asked.messages.unwrap_or_default();
        Ok(messages.into_iter().filter_map(dead_letter).collect())
    }

    /// Looks at up to `most` dead letters and leaves them where they are.
    pub async fn dead(&self, name: Name, most: usize) -> Result<Vec<Dead>, Fault> {
        let mut found: Vec<Dead> = Vec::new();
        while found.len() < most {
            let taken = self.take_dead(name).await?;
            if taken.is_empty() {
                break;
            }
            found.extend(taken);
        }
        // All that was taken is given back, those that nobody asked for, too.
        for letter in &found {
            let request = self.client.change_message_visibility();
            let request = request.queue_url(dead_of(self.url(name)?));
            let request = request.receipt_handle(&letter.receipt).visibility_timeout(0);
            let done = request.send().await;
            done.map_err(|error| fault(format!("give a dead letter back to {name:?}"), error))?;
        }
        found.truncate(most);
        Ok(found)
    }

    /// Brings up to `most` dead letters back to the queue that they came from; how many.
    pub async fn redrive(&self, name: Name, most: usize) -> Result<usize, Fault> {
        let url = self.url(name)?;
        let mut moved = 0;
        while moved < most {
            let taken = self.take_dead(name).await?;
            if taken.is_empty() {
                break;
            }
            for letter in taken {
                let mut sent = self.client.send_message().queue_url(url);
                if url.strip_suffix(".fifo").is_some() {
                    let group = letter.group.clone().unwrap_or_else(|| "redriven".to_owned());
                    // Brought back twice within minutes it is one.
                    sent = sent.message_group_id(group).message_deduplication_id(&letter.id);
                }
                sent.message_body(&letter.body).send().await.map_err(|error| {
                    fault(format!("bring a dead letter back to {name:?}"), error)
                })?;
                self.client
                    .delete_message()
                    .queue_url(dead_of(url))
                    .receipt_handle(&letter.receipt)
                    .send()
                    .await
                    .map_err(|error| fault(format!("delete a dead letter of {name:?}"), error))?;
                moved += 1;
            }
        }
        Ok(moved)
    }
}

fn dead_letter(message: aws_sdk_sqs::types::Message) -> Option<Dead> {
    let system = message.attributes.unwrap_or_default();
    let said = message.message_attributes.unwrap_or_default();
    let word = |name: &str| said.get(name).and_then(|value| value.string_value.clone());
    let sent = system.get(&MessageSystemAttributeName::SentTimestamp);
    Some(Dead {
        id: message.message_id?,
        body: message.body?,
        at: sent.and_then(|ms| Timestamp::from_millisecond(ms.parse().ok()?).ok()),
        reason: word(REASON),
        handler: word(HANDLER),
        receipt: message.receipt_handle?,
        group: system.get(&MessageSystemAttributeName::MessageGroupId).cloned(),
    })
}

/// Where a message that can not be done is parked: the address of the dead letters of the queue
/// that it came from, whose ARN an event carries.
pub fn dead_url(queue_arn: &str) -> Result<String, Fault> {
    let parts: Vec<&str> = queue_arn.split(':').collect();
    let ["arn", partition, "sqs", region, account, name] = parts.as_slice() else {
        return Err(Fault::noticed("read the ARN of a queue", Retry::Useless));
    };
    let suffix = if *partition == "aws-cn" { "amazonaws.com.cn" } else { "amazonaws.com" };
    Ok(format!("https://sqs.{region}.{suffix}/{account}/{}", dead_of(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dead_letters_lie_beside_their_queue() {
        let url = dead_url("arn:aws:sqs:eu-central-1:000000000000:shop-mail").unwrap();
        assert_eq!(url, "https://sqs.eu-central-1.amazonaws.com/000000000000/shop-mail-dlq");
        let url = dead_url("arn:aws-cn:sqs:cn-north-1:1:shop-search.fifo").unwrap();
        assert_eq!(url, "https://sqs.cn-north-1.amazonaws.com.cn/1/shop-search-dlq.fifo");
        for none in ["", "shop-mail", "arn:aws:sns:eu-central-1:1:shop-mail"] {
            assert!(dead_url(none).is_err(), "{none}");
        }
    }
}
