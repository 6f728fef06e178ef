//! The shop's secrets: made once and kept, never shown.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use aws_sdk_secretsmanager::Client;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use secrets::{
    CarrierKeys, FactorKey, FactorKeys, PublicKey, PublicKeys, SigningKey, StripeKeys, TokenKey,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use wire::Wire;

use crate::chance::Chance;
use crate::error::Error;

/// The secrets that the host itself makes use of.
pub(crate) struct Placed {
    /// Those of the payment provider, which its twin shares.
    pub(crate) stripe: StripeKeys,
    /// Those that second factors follow from: the demo's owner has one.
    pub(crate) factors: FactorKeys,
}

/// Puts all secrets in place.
pub(crate) async fn place(wire: &Wire, chance: Chance, names: &[String]) -> Result<Placed, Error> {
    let ring = Ring { wire, client: Client::new(&wire.sdk_config(wire::LOCAL)) };
    let name = |suffix: &str| -> Result<&str, Error> {
        let found = names.iter().find(|name| name.rsplit('/').next() == Some(suffix));
        found
            .map(String::as_str)
            .ok_or_else(|| Error::Setup(format!("the templates declare no secret {suffix}")))
    };
    let stripe = ring
        .ensure(name("stripe")?, || {
            Ok(StripeKeys {
                secret_key: format!("sk_test_{}", chance.hex("stripe secret")),
                publishable_key: format!("pk_test_{}", chance.hex("stripe publishable")),
                webhook_secrets: vec![format!("whsec_{}", chance.hex("stripe webhook"))],
            })
        })
        .await?;
    let signing: SigningKey =
        ring.ensure(name("jwt-signing")?, || signing_key(&chance.bytes("token signing"))).await?;
    let public = public_keys(&signing)?;
    ring.ensure(name("jwt-public")?, || Ok(public)).await?;
    ring.ensure(name("tokens")?, || Ok(TokenKey { key: chance.hex("tokens"), previous: None }))
        .await?;
    let factors = ring
        .ensure(name("factors")?, || {
            let key = FactorKey { id: "local-1".to_owned(), key: chance.hex("factors") };
            Ok(FactorKeys { keys: vec![key] })
        })
        .await?;
    // No account: the shop's own prices hold.
    ring.ensure(name("carrier")?, || Ok(CarrierKeys::default())).await?;
    Ok(Placed { stripe, factors })
}

struct Ring<'a> {
    wire: &'a Wire,
    client: Client,
}

impl Ring<'_> {
    /// The secret as it is, or made now.
    async fn ensure<T: Serialize + DeserializeOwned>(
        &self,
        name: &str,
        make: impl FnOnce() -> Result<T, Error>,
    ) -> Result<T, Error> {
        let held = self.client.get_secret_value().secret_id(name).send().await;
        // The parser's own words could quote the secret.
        let damaged = || Error::Setup(format!("the secret {name} is not what it should be"));
        if let Some(text) = held.ok().and_then(|held| held.secret_string) {
            return serde_json::from_str(&text).map_err(|_| damaged());
        }
        let fresh = make()?;
        let text = serde_json::to_string(&fresh).map_err(|_| damaged())?;
        self.wire.put_secret(name, &text).await?;
        Ok(fresh)
    }
}

fn signing_key(seed: &[u8; 32]) -> Result<SigningKey, Error> {
    let refused = |_| Error::Setup("the signing key can not be made".to_owned());
    let pair = Ed25519KeyPair::from_seed_unchecked(seed)
        .map_err(|error| Error::setup("the signing key can not be made", error))?;
    let document = pair.to_pkcs8v1().map_err(refused)?;
    Ok(SigningKey { kid: "local-1".to_owned(), pkcs8: STANDARD.encode(document.as_ref()) })
}

fn public_keys(signing: &SigningKey) -> Result<PublicKeys, Error> {
    let damaged = || Error::Setup("the signing key is damaged".to_owned());
    let document = STANDARD.decode(&signing.pkcs8).map_err(|_| damaged())?;
    let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&document).map_err(|_| damaged())?;
    let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
    Ok(PublicKeys { keys: vec![PublicKey { kid: signing.kid.clone(), x }] })
}
