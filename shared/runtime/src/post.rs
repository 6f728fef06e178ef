//! The way to the carriers, with a key from Secrets Manager that is renewed as it ages.

use std::sync::Arc;

use carrier::Carrier;
use domain::fault::Fault;
use jiff::Timestamp;
use secrets::{CarrierKeys, Secrets};
use tokio::sync::Mutex;

/// The post.
#[derive(Debug)]
pub struct Post {
    secrets: Arc<Secrets>,
    name: String,
    base_url: Option<String>,
    open: Mutex<Open>,
}

/// The carrier with the key that it has.
#[derive(Default)]
struct Open(Option<(String, Arc<Carrier>)>);

/// It holds a key.
impl std::fmt::Debug for Open {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Open(…)")
    }
}

impl Post {
    pub(crate) fn new(secrets: Arc<Secrets>, name: String, base_url: Option<String>) -> Self {
        Self { secrets, name, base_url, open: Mutex::default() }
    }

    /// The keys of this moment, to know what the carriers have signed.
    pub async fn keys(&self, now: Timestamp) -> Result<CarrierKeys, Fault> {
        self.secrets.get(&self.name, now).await
    }

    /// The carriers with the key of this moment; none where the shop has no account with them.
    pub async fn carrier(&self, now: Timestamp) -> Result<Option<Arc<Carrier>>, Fault> {
        let keys = self.keys(now).await?;
        let Some(key) = keys.api_key.filter(|key| !key.is_empty()) else { return Ok(None) };
        let mut open = self.open.lock().await;
        if let Some((known, carrier)) = &open.0
            && *known == key
        {
            return Ok(Some(Arc::clone(carrier)));
        }
        let carrier = Arc::new(Carrier::new(&key, self.base_url.as_deref())?);
        open.0 = Some((key, Arc::clone(&carrier)));
        Ok(Some(carrier))
    }
}
