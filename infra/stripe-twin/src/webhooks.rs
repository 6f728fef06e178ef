//! Webhooks: the queue of deliveries, genuine signatures and retries.
//!
//! A delivery is stored with its event and forgotten only when it was answered with 2xx or three
//! days have passed. It is signed at the moment at which it is handed out.

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::hex;
use crate::render;
use crate::store::Kind;
use crate::world::World;

/// The first retry comes after a minute, each next after twice the time, at most half a day.
const BACKOFF_FIRST_MS: i64 = 60_000;
const BACKOFF_MAX_MS: i64 = 12 * 3_600_000;
/// Stripe retries for up to three days.
const GIVE_UP_AFTER_MS: i64 = 3 * 86_400_000;
/// A delivery that was handed out and never reported back counts as failed after this.
const ANSWER_MAX_MS: i64 = 30_000;
/// With reordering on, webhooks are scattered over this time.
const SCATTER_MS: u64 = 2000;

/// A webhook whose time has come.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// To be given back to [`crate::Twin::delivered`].
    pub id: String,
    /// Where it is to be posted.
    pub url: String,
    /// Which event it tells of.
    pub event_id: String,
    /// 1 for the first attempt.
    pub attempt: u32,
    /// The headers, with the signature of this moment.
    pub headers: Vec<(String, String)>,
    /// The event as JSON, byte for byte as it was signed.
    pub body: Bytes,
}

/// `Stripe-Signature`: the time, and one signature per valid secret.
fn signature<'a>(now: i64, body: &str, secrets: impl Iterator<Item = &'a str>) -> String {
    let mut header = format!("t={now}");
    for secret in secrets {
        // HMAC takes keys of every length, so this never fails.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { continue };
        mac.update(format!("{now}.{body}").as_bytes());
        header.push_str(",v1=");
        header.push_str(&hex::digits(&mac.finalize().into_bytes()));
    }
    header
}

impl World {
    /// The endpoints that listen to this type of event.
    pub(crate) fn endpoints_for(&self, event_type: &str) -> Vec<String> {
        self.store
            .oldest(Kind::WebhookEndpoint)
            .filter(|endpoint| endpoint["status"] == "enabled")
            .filter(|endpoint| {
                let wanted = endpoint["enabled_events"].as_array();
                wanted.into_iter().flatten().any(|kind| kind == "*" || kind == event_type)
            })
            .filter_map(|endpoint| endpoint["id"].as_str().map(ToOwned::to_owned))
            .collect()
    }

    /// Queues the deliveries of a new event, with the faults in force.
    pub(crate) fn queue_delivery(&mut self, event: &str, endpoint: &str) {
        if self.faults.webhook_drop > 0 {
            self.faults.webhook_drop -= 1;
            return;
        }
        for _ in 0..=self.faults.webhook_duplicates {
            let delay = self.faults.webhook_delay_seconds;
            let mut due_ms = self.now_ms + delay.draw_ms(&mut self.chance);
            if self.faults.webhook_reorder {
                due_ms += i64::try_from(self.chance.below(SCATTER_MS)).unwrap_or_default();
            }
            self.schedule(event, endpoint, due_ms);
        }
    }

    fn schedule(&mut self, event: &str, endpoint: &str, due_ms: i64) {
        let id = self.chance.id("delivery_");
        let record = json!({
            "id": id, "event": event, "endpoint": endpoint,
            "attempt": 1, "first_ms": due_ms, "due_ms": due_ms,
        });
        self.save(Kind::Delivery, &record);
        self.enter_delivery(&record);
    }

    fn enter_delivery(&mut self, record: &Value) {
        let id = record["id"].as_str().unwrap_or_default();
        let order = self.store.age(Kind::Delivery, id).unwrap_or_default();
        self.deliveries.add(record["due_ms"].as_i64().unwrap_or_default(), order, id);
    }

    /// Enters the stored deliveries into the agenda.
    pub(crate) fn resume_deliveries(&mut self) {
        let stored: Vec<_> = self.store.oldest(Kind::Delivery).cloned().collect();
        for record in &stored {
            self.enter_delivery(record);
        }
    }

    /// Hands out what is due.
    pub(crate) fn take_deliveries(&mut self) -> Vec<Delivery> {
        self.recall_unanswered();
        if self.faults.webhook_hold {
            return Vec::new();
        }
        let mut due = Vec::new();
        while let Some((_, id)) = self.deliveries.take_due(self.now_ms) {
            match self.delivery(&id) {
                Some(delivery) => due.push(delivery),
                // Its endpoint is gone, and with it the delivery.
                None => drop(self.store.remove(Kind::Delivery, &id)),
            }
        }
        if self.faults.webhook_reorder {
            for last in (1..due.len()).rev() {
                let bound = u64::try_from(last + 1).unwrap_or(1);
                due.swap(last, usize::try_from(self.chance.below(bound)).unwrap_or(last));
            }
        }
        for delivery in &due {
            self.in_flight.insert(delivery.id.clone(), self.now_ms);
        }
        due
    }

    /// Who never said what became of a delivery has failed to deliver it.
    fn recall_unanswered(&mut self) {
        let limit = self.now_ms - ANSWER_MAX_MS;
        let mut unanswered: Vec<String> = self
            .in_flight
            .iter()
            .filter(|(_, taken_ms)| **taken_ms < limit)
            .map(|(id, _)| id.clone())
            .collect();
        unanswered.sort_unstable();
        for id in &unanswered {
            self.settle_delivery(id, None);
        }
    }

    fn delivery(&self, id: &str) -> Option<Delivery> {
        let record = self.store.get(Kind::Delivery, id)?;
        let endpoint = self.store.get(Kind::WebhookEndpoint, record["endpoint"].as_str()?)?;
        if endpoint["status"] != "enabled" {
            return None;
        }
        let event_id = record["event"].as_str()?;
        let event = self.store.get(Kind::Event, event_id)?;
        let body = render::public(event).to_string();
        let now = self.now();
        let secrets = endpoint["_secrets"].as_array()?.iter().filter_map(|secret| {
            let is_valid = secret["until"].as_i64().is_none_or(|until| now < until);
            secret["secret"].as_str().filter(|_| is_valid)
        });
        let headers = [
            ("Accept", "*/*; q=0.5, application/xml".to_owned()),
            ("Cache-Control", "no-cache".to_owned()),
            ("Content-Type", "application/json; charset=utf-8".to_owned()),
            ("Stripe-Signature", signature(now, &body, secrets)),
            ("User-Agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)".to_owned()),
        ];
        Some(Delivery {
            id: id.to_owned(),
            url: endpoint["url"].as_str()?.to_owned(),
            event_id: event_id.to_owned(),
            attempt: u32::try_from(record["attempt"].as_u64()?).ok()?,
            headers: headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            body: Bytes::from(body),
        })
    }

    /// Learns what became of a delivery.
    pub(crate) fn settle_delivery(&mut self, id: &str, status: Option<u16>) {
        self.in_flight.remove(id);
        let Some(mut record) = self.store.remove(Kind::Delivery, id) else { return };
        if status.is_some_and(|status| (200..300).contains(&status)) {
            self.note_delivered(&record);
            return;
        }
        let attempt = record["attempt"].as_u64().unwrap_or(1);
        let doublings = u32::try_from(attempt.saturating_sub(1)).unwrap_or(u32::MAX);
        let delay_ms = 2_i64
            .checked_pow(doublings)
            .and_then(|factor| BACKOFF_FIRST_MS.checked_mul(factor))
            .map_or(BACKOFF_MAX_MS, |delay_ms| delay_ms.min(BACKOFF_MAX_MS));
        let due_ms = self.now_ms + delay_ms;
        if due_ms - record["first_ms"].as_i64().unwrap_or_default() > GIVE_UP_AFTER_MS {
            return;
        }
        record["attempt"] = json!(attempt + 1);
        record["due_ms"] = json!(due_ms);
        self.save(Kind::Delivery, &record);
        self.enter_delivery(&record);
    }

    fn note_delivered(&mut self, record: &Value) {
        let id = record["event"].as_str().unwrap_or_default();
        let Some(mut event) = self.store.get(Kind::Event, id).cloned() else { return };
        let Some(pending) = event["_pending"].as_array_mut() else { return };
        pending.retain(|endpoint| *endpoint != record["endpoint"]);
        event["pending_webhooks"] = json!(pending.len());
        self.save(Kind::Event, &event);
    }

    /// Sends an event once more to all who listen, as the Dashboard's "resend" does.
    pub(crate) fn resend(&mut self, event_id: &str) {
        let Some(event) = self.store.get(Kind::Event, event_id) else { return };
        let kind = event["type"].as_str().unwrap_or_default().to_owned();
        for endpoint in self.endpoints_for(&kind) {
            self.schedule(event_id, &endpoint, self.now_ms);
        }
    }

    /// When something is to be done next: a delivery, or a timer of seconds.
    pub(crate) fn next_ms(&self) -> Option<i64> {
        let delivery = self.deliveries.next_ms().filter(|_| !self.faults.webhook_hold);
        delivery.into_iter().chain(self.soon.next_ms()).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_hmac_sha256_of_time_dot_body() {
        // Computed independently:
        // printf '1700000000.{"id":"evt_1"}' | openssl dgst -sha256 -hmac whsec_test
        assert_eq!(
            signature(1_700_000_000, r#"{"id":"evt_1"}"#, ["whsec_test"].into_iter()),
            "t=1700000000,v1=c89214b5b5da833daed6f0b8c5bb6bd58cea9022bd80ccc78230f3942d632925"
        );
    }

    #[test]
    fn two_secrets_sign_twice() {
        let header = signature(1, "{}", ["a", "b"].into_iter());
        assert_eq!(header.matches(",v1=").count(), 2);
    }
}
