//! The way to the payment provider, with keys from Secrets Manager that are renewed as they age.

use std::sync::Arc;

use domain::fault::{Fault, Retry};
use gateway::Gateway;
use jiff::{SignedDuration, Timestamp};
use secrets::{Secrets, StripeKeys};
use tokio::sync::Mutex;

/// How often keys that Stripe does not accept are fetched out of turn at most.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_secs(30);

/// The till.
#[derive(Debug)]
pub struct Till {
    secrets: Arc<Secrets>,
    name: String,
    base_url: Option<String>,
    is_live_stage: bool,
    open: Mutex<Open>,
}

/// The gateway with the key that it has, and when the keys were last fetched out of turn.
#[derive(Default)]
struct Open {
    gateway: Option<(String, Arc<Gateway>)>,
    looked: Option<Timestamp>,
}

/// It holds a key.
impl std::fmt::Debug for Open {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Open(…)")
    }
}

impl Till {
    pub(crate) fn new(
        secrets: Arc<Secrets>,
        name: String,
        base_url: Option<String>,
        is_live_stage: bool,
    ) -> Self {
        Self { secrets, name, base_url, is_live_stage, open: Mutex::default() }
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

    /// The gateway with the keys of this moment. After Stripe did not accept ours, they are
    /// fetched anew.
    pub async fn gateway(&self, now: Timestamp) -> Result<Arc<Gateway>, Fault> {
        let mut open = self.open.lock().await;
        let is_locked_out = open.gateway.as_ref().is_some_and(|(_, open)| open.is_locked_out());
        let may_look = open.looked.is_none_or(|at| now.duration_since(at).abs() >= LOOK_AGAIN);
        if is_locked_out && may_look {
            open.looked = Some(now);
            self.secrets.forget(&self.name).await;
        }
        let keys = self.keys(now).await?;
        if let Some((key, gateway)) = &open.gateway
            && *key == keys.secret_key
        {
            return Ok(Arc::clone(gateway));
        }
        let gateway = Arc::new(Gateway::new(&keys.secret_key, self.base_url.as_deref())?);
        open.gateway = Some((keys.secret_key, Arc::clone(&gateway)));
        Ok(gateway)
    }
}
