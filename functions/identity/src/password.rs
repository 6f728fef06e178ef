//! Passwords: the policy as forms name it, and Argon2id (RFC 9106) at rest, with its parameters in
//! the hash.
//!
//! A hash fills a core for tens of milliseconds. Few are made at a time, so that sign-ins never
//! take the cores from everybody else; the others stand in a short queue, and whoever finds it full
//! is asked to come back.

use std::sync::atomic::{AtomicUsize, Ordering};

use api::form::Text;
use api::{Fields, Flaw, Problem};
use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};
use domain::address::Email;
use domain::fault::{Fault, Retry};
use domain::password::unmet;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::store::register::SHOP_NAME;

/// Names every rule that a field's password does not meet; whether it meets them all.
pub(crate) fn check(
    fields: &mut Fields<'_>,
    name: &str,
    password: &str,
    email: Option<&Email>,
) -> bool {
    let unmet = unmet(password, email, SHOP_NAME);
    for rule in &unmet {
        fields.flaw(name, rule.code(), rule.rule());
    }
    unmet.is_empty()
}

/// Refuses a password that does not fit its account's address, which no form knows.
pub(crate) fn fits_account(password: &str, email: &Email) -> Result<(), Problem> {
    let unmet = unmet(password, Some(email), SHOP_NAME);
    if unmet.is_empty() {
        return Ok(());
    }
    let flaw = |rule: domain::password::Unmet| Flaw::new("/password", rule.code(), rule.rule());
    Err(Problem::invalid(unmet.into_iter().map(flaw).collect()))
}

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

/// A password that is to be: every rule that it does not meet is a flaw.
pub(crate) fn new_password(fields: &mut Fields<'_>, name: &'static str) -> Option<String> {
    let password: String = fields.required(name, Text::between(0, 1000))?;
    // Whose it is, is known when the token is.
    check(fields, name, &password, None).then_some(password)
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

/// Hashes that are made at a time, and callers that wait for their turn at most: at some 30 ms a
/// hash, the last of them waits a second.
static TURNS: Turns = Turns::new(2, 64);

/// Turns at something that is costly.
struct Turns {
    free: Semaphore,
    waiting: AtomicUsize,
    waiting_max: usize,
}

impl Turns {
    const fn new(at_once: usize, waiting_max: usize) -> Self {
        let free = Semaphore::const_new(at_once);
        Self { free, waiting: AtomicUsize::new(0), waiting_max }
    }

    /// Waits for a turn, unless too many wait already.
    async fn take(&self) -> Result<SemaphorePermit<'_>, Fault> {
        if let Ok(turn) = self.free.try_acquire() {
            return Ok(turn);
        }
        let place = Place(&self.waiting);
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= self.waiting_max {
            return Err(Fault::noticed("hash a password: too many wait for it", Retry::Helps));
        }
        let turn = self.free.acquire().await;
        drop(place);
        turn.map_err(|error| Fault::new("wait to hash a password", error, Retry::Helps))
    }
}

/// A place in the queue, left when its holder goes, whether or not they were served.
struct Place<'a>(&'a AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    let turn = TURNS.take().await?;
    // The turn ends with the work, even where nobody waits for it any longer.
    let work = move || {
        let done = work();
        drop(turn);
        done
    };
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

    #[tokio::test]
    async fn who_finds_the_queue_full_is_sent_away_and_a_place_is_left_by_who_gives_up() {
        let turns = Turns::new(1, 1);
        let first = turns.take().await.unwrap();
        {
            let second = turns.take();
            tokio::pin!(second);
            // Polled once: it stands in the queue.
            tokio::select! {
                biased;
                _ = &mut second => panic!("there is no turn for a second one"),
                () = std::future::ready(()) => {}
            }
            let Err(third) = turns.take().await else { panic!("the queue has one place") };
            assert_eq!(third.retry(), Retry::Helps);
        }
        assert_eq!(turns.waiting.load(Ordering::Relaxed), 0);
        drop(first);
        assert!(turns.take().await.is_ok());
    }

    #[test]
    fn a_password_is_measured_against_its_accounts_address() {
        let email = Email::parse("jane.roe@example.org").unwrap();
        let refused = fits_account("a quiet jane.roe river", &email).unwrap_err();
        let flaws: Vec<_> = refused.errors.iter().map(|f| (f.pointer.as_str(), f.code)).collect();
        assert_eq!(flaws, [("/password", "password_guessable")]);
        assert!(fits_account("a quiet river stone", &email).is_ok());
    }
}
