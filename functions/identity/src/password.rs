//! Passwords at rest: Argon2id (RFC 9106), with its parameters in the hash.

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};
use domain::fault::{Fault, Retry};

/// Memory in KiB, passes, lanes: OWASP's least for Argon2id.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// A hash of nobody's password, in today's parameters: verified where there is no account, so
/// that an unknown address takes as long as a known one.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5J3Mtc2FsdCE$\
                      9bCrqbJ1WgyJqzbmGnZMaGJ5dVVmRkZ2bGxrd2Fzc2Q";

fn argon2() -> Result<Argon2<'static>, Fault> {
    let parameters = Params::new(MEMORY_KIB, PASSES, LANES, None)
        .map_err(|_| Fault::noticed("set Argon2 up", Retry::Useless))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters))
}

/// Hashes a password. It takes tens of milliseconds of a whole core: off the threads that answer
/// others.
pub async fn hash(password: String, salt: [u8; 16]) -> Result<String, Fault> {
    apart(move || {
        let hash: PasswordHash = argon2()?
            .hash_password_with_salt(password.as_bytes(), &salt)
            .map_err(|_| Fault::noticed("hash a password", Retry::Useless))?;
        Ok(hash.to_string())
    })
    .await
}

/// Whether this is the password of the hash; without a hash the work is the same and the answer
/// no.
pub async fn is_password(password: String, hash: Option<String>) -> Result<bool, Fault> {
    apart(move || {
        let is_somebody = hash.is_some();
        let text = hash.as_deref().unwrap_or(NOBODY);
        let parsed = PasswordHash::new(text)
            .map_err(|_| Fault::noticed("read a password's hash", Retry::Useless))?;
        let fits = argon2()?.verify_password(password.as_bytes(), &parsed).is_ok();
        Ok(fits && is_somebody)
    })
    .await
}

/// Whether a hash was made with less than today's parameters.
pub fn is_outdated(hash: &str) -> bool {
    let today = format!("$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}$");
    !hash.starts_with(&today)
}

async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Fault::new("wait for a password's hash", error, Retry::Helps))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_fits_its_own_hash_alone() {
        let hash = hash("correct horse battery".into(), [7; 16]).await.unwrap();
        assert!(is_password("correct horse battery".into(), Some(hash.clone())).await.unwrap());
        assert!(!is_password("correct horse batterY".into(), Some(hash.clone())).await.unwrap());
        assert!(!is_outdated(&hash));
        assert!(is_outdated("$argon2id$v=19$m=4096,t=1,p=1$c2FsdA$aGFzaA"));
    }

    #[tokio::test]
    async fn nobodys_hash_is_worked_on_and_never_fits() {
        assert!(!is_password("x".into(), None).await.unwrap());
        assert!(!is_outdated(NOBODY));
    }
}
