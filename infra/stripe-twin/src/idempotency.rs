//! Idempotency keys: the answer of an executed request is kept for a day and given again to the
//! same request; another request with the same key is refused.

use bytes::Bytes;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::hex;
use crate::refusal::Refusal;
use crate::store::Kind;
use crate::world::World;

/// Stripe keeps keys for at least a day.
const KEPT_MS: i64 = 86_400_000;
const KEY_LENGTH_MAX: usize = 255;

/// An answer that was given before.
#[derive(Debug)]
pub(crate) struct Replay {
    pub(crate) status: u16,
    pub(crate) body: Bytes,
    /// The request that was executed.
    pub(crate) request_id: String,
}

/// What makes two requests the same: the sorted parameters, for clients do not keep an order.
pub(crate) fn fingerprint(pairs: &[(String, String)]) -> String {
    let mut sorted: Vec<_> = pairs.iter().collect();
    sorted.sort_unstable();
    let mut hash = Sha256::new();
    for (name, value) in sorted {
        hash.update(format!("{}:{name}{}:{value}", name.len(), value.len()).as_bytes());
    }
    hex::digits(&hash.finalize())
}

/// Refuses a key that Stripe would not take.
pub(crate) fn check_key(key: &str) -> Result<(), Refusal> {
    if key.len() > KEY_LENGTH_MAX {
        return Err(Refusal::idempotency(
            400,
            format!("Idempotency keys can be at most {KEY_LENGTH_MAX} characters long."),
        ));
    }
    Ok(())
}

/// The refusal while the first request with this key is still at work.
pub(crate) fn in_use(key: &str) -> Refusal {
    Refusal::idempotency(
        409,
        format!(
            "There is currently another in-progress request using this Idempotent Key (that \
             probably means you submitted twice, and the other request is still going through): \
             {key}. Please try again later."
        ),
    )
    .code("idempotency_key_in_use")
    .should_retry(true)
}

impl World {
    /// The kept answer for the key, or the refusal when the key was used for something else.
    pub(crate) fn replay(
        &self,
        key: &str,
        path: &str,
        fingerprint: &str,
    ) -> Result<Option<Replay>, Refusal> {
        let Some(kept) = self.store.get(Kind::Idempotency, key) else { return Ok(None) };
        if kept["path"] != path {
            let first = kept["path"].as_str().unwrap_or_default();
            return Err(Refusal::idempotency(
                400,
                format!(
                    "Keys for idempotent requests can only be used for the same endpoint they \
                     were first used for ('{path}' vs '{first}'). Try using a key other than \
                     '{key}' if you meant to execute a different request."
                ),
            ));
        }
        if kept["fingerprint"] != fingerprint {
            return Err(Refusal::idempotency(
                400,
                format!(
                    "Keys for idempotent requests can only be used with the same parameters they \
                     were first used with. Try using a key other than '{key}' if you meant to \
                     execute a different request."
                ),
            ));
        }
        Ok(Some(Replay {
            status: kept["status"]
                .as_u64()
                .and_then(|status| u16::try_from(status).ok())
                .unwrap_or(500),
            body: Bytes::from(kept["body"].as_str().unwrap_or_default().to_owned()),
            request_id: kept["request_id"].as_str().unwrap_or_default().to_owned(),
        }))
    }

    /// Keeps an answer under its key.
    pub(crate) fn keep(
        &mut self,
        key: &str,
        path: &str,
        fingerprint: &str,
        status: u16,
        body: &str,
    ) {
        let record = json!({
            "key": key, "path": path, "fingerprint": fingerprint, "status": status, "body": body,
            "request_id": self.origin.request_id, "kept_ms": self.now_ms,
        });
        self.store.put(Kind::Idempotency, key, record);
    }

    /// Forgets the keys whose day is over. They lie in the order of their time.
    pub(crate) fn prune_idempotency_keys(&mut self) {
        let limit = self.now_ms - KEPT_MS;
        let old: Vec<String> = self
            .store
            .oldest(Kind::Idempotency)
            .take_while(|kept| kept["kept_ms"].as_i64().unwrap_or_default() < limit)
            .filter_map(|kept| kept["key"].as_str().map(ToOwned::to_owned))
            .collect();
        for key in old {
            self.store.remove(Kind::Idempotency, &key);
        }
    }
}
