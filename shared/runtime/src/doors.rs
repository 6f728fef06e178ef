//! The guard at the doors, with keys from Secrets Manager that are renewed as they age.

use std::sync::Arc;

use api::cors::Origins;
use api::seal::Sealer;
use api::token::{PublicKey, Verifier};
use api::who::Guard;
use domain::fault::{Fault, Retry};
use jiff::Timestamp;
use secrets::{PublicKeys, Secrets, TokenKey};
use sha2::{Digest, Sha256};

/// Shorter keys are refused: 32 bytes of chance are 64 hexadecimal digits or 43 of base64.
const KEY_TEXT_MIN: usize = 32;

/// What the doors of a domain need.
#[derive(Debug)]
pub struct Doors {
    secrets: Arc<Secrets>,
    issuer: String,
    public: Option<String>,
    tokens: Option<String>,
    origins: Origins,
}

impl Doors {
    pub(crate) fn new(
        secrets: Arc<Secrets>,
        issuer: String,
        public: Option<String>,
        tokens: Option<String>,
        origins: Origins,
    ) -> Self {
        Self { secrets, issuer, public, tokens, origins }
    }

    /// Who issues our access tokens.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The origins that may read our answers.
    pub fn origins(&self) -> &Origins {
        &self.origins
    }

    /// The guard with the keys of this moment. A function that was not told of a secret has a guard
    /// that knows no key: nobody gets past it by one.
    pub async fn guard(&self, now: Timestamp) -> Result<Guard, Fault> {
        let keys: Vec<PublicKey> = match &self.public {
            Some(name) => {
                let secret: PublicKeys = self.secrets.get(name, now).await?;
                let key = |key: secrets::PublicKey| PublicKey { kid: key.kid, x: key.x };
                secret.keys.into_iter().map(key).collect()
            }
            None => Vec::new(),
        };
        let verifier = Verifier::new(&self.issuer, &keys)
            .map_err(|flaw| Fault::noticed(format!("read the keys: {flaw}"), Retry::Useless))?;
        let sealer = match &self.tokens {
            Some(name) => sealer(&self.secrets.get::<TokenKey>(name, now).await?)?,
            None => Sealer::blind(),
        };
        Ok(Guard { verifier, sealer, origins: self.origins.clone() })
    }
}

/// A sealer with the shop's key; a short key is refused.
pub fn sealer(secret: &TokenKey) -> Result<Sealer, Fault> {
    if secret.key.len() < KEY_TEXT_MIN {
        let tried = format!("read the token key: it is shorter than {KEY_TEXT_MIN} characters");
        return Err(Fault::noticed(tried, Retry::Useless));
    }
    Ok(Sealer::new(Sha256::digest(secret.key.as_bytes()).into()))
}
