//! Secrets Manager: keys are fetched by name, kept for five minutes, and never shown. Whoever
//! rotates one reads and writes its versions, past the cache.
//!
//! Secrets are JSON objects; each kind has a type here whose `Debug` says nothing.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::OnceLock;

use aws_sdk_secretsmanager::error::SdkError;
use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError;
use aws_sdk_secretsmanager::{Client, Config};
use domain::fault::{Fault, Retry};
use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

/// How long a fetched secret is believed.
const FRESH: SignedDuration = SignedDuration::from_mins(5);

/// The keys of the payment provider.
#[derive(Clone, Serialize, Deserialize)]
pub struct StripeKeys {
    /// For the server: `sk_…`.
    pub secret_key: String,
    /// For the browser: `pk_…`.
    pub publishable_key: String,
    /// The endpoint's signing secrets; two while one is being replaced.
    pub webhook_secrets: Vec<String>,
}

impl StripeKeys {
    /// Whether real money moves with these keys.
    pub fn is_live(&self) -> bool {
        self.secret_key.starts_with("sk_live_") || self.secret_key.starts_with("rk_live_")
    }
}

/// The key that signs access tokens.
#[derive(Clone, Serialize, Deserialize)]
pub struct SigningKey {
    /// Its name in tokens.
    pub kid: String,
    /// PKCS#8, DER, base64.
    pub pkcs8: String,
}

/// The keys that check access tokens.
#[derive(Clone, Serialize, Deserialize)]
pub struct PublicKeys {
    /// Old and new ones, while one replaces the other.
    pub keys: Vec<PublicKey>,
}

/// One of them.
#[derive(Clone, Serialize, Deserialize)]
pub struct PublicKey {
    /// Its name in tokens.
    pub kid: String,
    /// 32 bytes, base64url.
    pub x: String,
}

/// The key that seals cursors, CSRF tokens and links.
#[derive(Clone, Serialize, Deserialize)]
pub struct TokenKey {
    /// 32 random bytes or more, as text.
    pub key: String,
    /// The key before, while it is being replaced: what it sealed is still good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
}

/// The keys that staff's second factors are derived from; the first makes new ones.
#[derive(Clone, Serialize, Deserialize)]
pub struct FactorKeys {
    /// New and old ones: a factor stays with the key it was made from.
    pub keys: Vec<FactorKey>,
}

/// One of them.
#[derive(Clone, Serialize, Deserialize)]
pub struct FactorKey {
    /// Its name beside what was derived from it.
    pub id: String,
    /// 32 random bytes or more, as text.
    pub key: String,
}

/// The keys of the carriers; none of them where the shop has no account.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct CarrierKeys {
    /// `EZAK…` for real labels, `EZTK…` for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_key: Option<String>,
    /// The webhook's secrets; two while one is being replaced.
    #[serde(default)]
    pub webhook_secrets: Vec<String>,
}

macro_rules! silent {
    ($($name:ident),*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    )*};
}
silent!(
    CarrierKeys,
    StripeKeys,
    SigningKey,
    PublicKeys,
    PublicKey,
    TokenKey,
    FactorKeys,
    FactorKey
);

/// Which version of a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Label {
    /// The one in use.
    Current,
    /// The one that may follow it.
    Pending,
}

impl Label {
    const fn name(self) -> &'static str {
        match self {
            Self::Current => "AWSCURRENT",
            Self::Pending => "AWSPENDING",
        }
    }
}

/// A version of a secret.
#[derive(Debug, Clone)]
pub struct Version<T> {
    /// What it says.
    pub value: T,
    /// When it was written.
    pub since: Timestamp,
}

/// The shop's key ring.
pub struct Secrets {
    config: Config,
    /// Made when a secret is first asked for: some functions never ask.
    client: OnceLock<Client>,
    cache: Mutex<BTreeMap<String, (Timestamp, String)>>,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets(…)")
    }
}

impl Secrets {
    /// A key ring that fetches with a client of this configuration.
    pub fn new(config: Config) -> Self {
        Self { config, client: OnceLock::new(), cache: Mutex::new(BTreeMap::new()) }
    }

    fn client(&self) -> &Client {
        self.client.get_or_init(|| Client::from_conf(self.config.clone()))
    }

    /// A secret by its name or ARN.
    pub async fn get<T: DeserializeOwned>(&self, name: &str, now: Timestamp) -> Result<T, Fault> {
        let mut cache = self.cache.lock().await;
        if let Some((at, text)) = cache.get(name)
            && (SignedDuration::ZERO..FRESH).contains(&now.duration_since(*at))
        {
            return parse(name, text);
        }
        let text = self.fetch(name).await?;
        let secret = parse(name, &text)?;
        cache.insert(name.to_owned(), (now, text));
        Ok(secret)
    }

    /// Forgets a secret that did not work: it may have been replaced a moment ago.
    pub async fn forget(&self, name: &str) {
        self.cache.lock().await.remove(name);
    }

    /// The version with this label as it stands now; none, if no version has the label.
    pub async fn version<T: DeserializeOwned>(
        &self,
        name: &str,
        label: Label,
    ) -> Result<Option<Version<T>>, Fault> {
        let request = self.client().get_secret_value().secret_id(name).version_stage(label.name());
        let output = match request.send().await {
            Ok(output) => output,
            Err(error) => {
                let service = error.as_service_error();
                let is_missing =
                    service.is_some_and(GetSecretValueError::is_resource_not_found_exception);
                return if is_missing { Ok(None) } else { Err(fault("fetch a secret", error)) };
            }
        };
        let damaged =
            |what| Fault::noticed(format!("read {name}: it has no {what}"), Retry::Useless);
        let since = output.created_date.and_then(|at| {
            let nanos = i32::try_from(at.subsec_nanos()).ok()?;
            Timestamp::new(at.secs(), nanos).ok()
        });
        let value = parse(name, &output.secret_string.ok_or_else(|| damaged("text"))?)?;
        Ok(Some(Version { value, since: since.ok_or_else(|| damaged("date"))? }))
    }

    /// Writes a version under this label, which leaves the version that has it. `once` stands for
    /// this write: with the same value it changes nothing a second time, with another it is
    /// refused. It has 32 to 64 characters.
    pub async fn put<T: Serialize>(
        &self,
        name: &str,
        label: Label,
        value: &T,
        once: &str,
    ) -> Result<(), Fault> {
        let text = serde_json::to_string(value)
            .map_err(|_| Fault::noticed(format!("write {name}"), Retry::Useless))?;
        let request = self.client().put_secret_value().secret_id(name).secret_string(text);
        let request = request.client_request_token(once).version_stages(label.name());
        request.send().await.map_err(|error| fault("write a secret", error))?;
        self.forget(name).await;
        Ok(())
    }

    /// Whether the secret is there, without reading it.
    pub async fn probe(&self, name: &str) -> Result<(), Fault> {
        let described = self.client().describe_secret().secret_id(name).send().await;
        described.map(drop).map_err(|error| fault("describe a secret", error))
    }

    async fn fetch(&self, name: &str) -> Result<String, Fault> {
        let fetched = self.client().get_secret_value().secret_id(name).send().await;
        let value = fetched.map_err(|error| fault("fetch a secret", error))?;
        value
            .secret_string
            .ok_or_else(|| Fault::noticed(format!("read {name}: it is not a text"), Retry::Useless))
    }
}

/// The parser's own message could quote the secret: it is left out.
fn parse<T: DeserializeOwned>(name: &str, text: &str) -> Result<T, Fault> {
    serde_json::from_str(text).map_err(|_| {
        Fault::noticed(format!("read {name}: it has not the expected fields"), Retry::Useless)
    })
}

fn fault<E, R>(tried: &str, error: SdkError<E, R>) -> Fault
where
    E: std::error::Error
        + aws_sdk_secretsmanager::error::ProvideErrorMetadata
        + Send
        + Sync
        + 'static,
    R: fmt::Debug + Send + Sync + 'static,
{
    let retry = match error.as_service_error().and_then(|service| service.code()) {
        Some("AccessDeniedException" | "ResourceNotFoundException") => Retry::Useless,
        _ => Retry::Helps,
    };
    Fault::new(tried, error, retry)
}
