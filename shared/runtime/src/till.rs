//! The way to the payment provider, with keys from Secrets Manager that are renewed as they age.

use std::sync::Arc;

use domain::fault::{Fault, Retry};
use gateway::Gateway;
use jiff::Timestamp;
use secrets::{Secrets, StripeKeys};
use tokio::sync::Mutex;

/// The till.
#[derive(Debug)]
pub struct Till {
    secrets: Arc<Secrets>,
    name: String,
    base_url: Option<String>,
    is_live_stage: bool,
    open: Mutex<Option<(String, Arc<Gateway>)>>,
}

impl Till {
    pub(crate) fn new(
        secrets: Arc<Secrets>,
        name: String,
        base_url: Option<String>,
        is_live_stage: bool,
    ) -> Self {
        Self { secrets, name, base_url, is_live_stage, open: Mutex::new(None) }
    }

    /// The provider's keys. Live keys in a test stage, or the reverse, are refused.
    pub async fn keys(&self, now: Timestamp) -> Result<StripeKeys, Fault> {
        let keys: StripeKeys = self.secrets.get(&self.name, now).await?;
        if keys.is_live() != self.is_live_stage {
            let tried = "open the till: live keys outside of production, or test keys in it";
            return Err(Fault::noticed(tried, Retry::Useless));
        }
        Ok(keys)
    }

    /// The gateway with the keys of this moment.
    pub async fn gateway(&self, now: Timestamp) -> Result<Arc<Gateway>, Fault> {
        let keys = self.keys(now).await?;
        let mut open = self.open.lock().await;
        if let Some((key, gateway)) = open.as_ref()
            && *key == keys.secret_key
        {
            return Ok(Arc::clone(gateway));
        }
        let gateway = Arc::new(Gateway::new(&keys.secret_key, self.base_url.as_deref())?);
        *open = Some((keys.secret_key, Arc::clone(&gateway)));
        Ok(gateway)
    }
}
