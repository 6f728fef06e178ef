//! `POST /v1/auth/email/resend`: 202 whether or not the address waits to be confirmed, after the
//! same work.
//!
//! Where several people have registered one address, only their own links know their passwords;
//! another letter belongs to none of them, so its reader chooses the password.

use api::reply::Accepted;
use api::seal::token_hash;
use api::{Anyone, Body, Metered, Reply};
use domain::account::Account;
use domain::event::Letter;
use runtime::Call;
use store::identity::NOBODYS_PASSWORD;

use super::forgot_password::{Forgotten, MAILED, Mailed};
use crate::letter::letter;
use crate::{App, gate};

/// Mails another link that confirms an address.
pub async fn handle(
    app: &App,
    call: Call<Metered<Anyone>, Body<Forgotten>>,
) -> Reply<Accepted<Mailed>> {
    let Body(Forgotten { email }) = &call.input;
    let buckets = gate::mails(app, &call.request, &email.key());
    gate::pass(app, buckets, &call.standing, call.now).await?;
    let token = app.ids.token();
    let hash = token_hash(&token);
    let account = app.store.account_by_email(email).await?;
    let says = |what| letter(app, email, what, call.now);
    let Some(account) = account else {
        app.store.issue_nothing(&hash, None, call.now).await?;
        return Ok(MAILED);
    };
    match Answer::to(&account) {
        Answer::Confirm => {
            let letter = says(Letter::VerifyEmail { token });
            app.store.verify_again(&account, &hash, &letter).await?;
        }
        Answer::Choose => {
            let letter = says(Letter::ResetPassword { token });
            app.store.issue_reset(&account, &hash, &letter).await?;
        }
        Answer::Known => {
            let letter = says(Letter::AlreadyRegistered);
            app.store.issue_nothing(&hash, Some(&letter), call.now).await?;
        }
    }
    Ok(MAILED)
}

/// What the owner of an account is written.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    /// Confirm your address.
    Confirm,
    /// Choose a password, and confirm your address by doing so.
    Choose,
    /// You have an account already.
    Known,
}

impl Answer {
    fn to(account: &Account) -> Self {
        if account.is_verified {
            Self::Known
        } else if account.password == NOBODYS_PASSWORD {
            Self::Choose
        } else {
            Self::Confirm
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::address::{Email, PersonName};
    use domain::id::{CustomerId, Ulid};
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn a_letter_never_confirms_a_password_that_several_people_may_have_chosen() {
        let account = |is_verified, password: &str| Account {
            id: CustomerId::from_ulid(Ulid::from_parts(1, 1)),
            email: Email::parse("jane@example.org").unwrap(),
            name: PersonName::parse("Jane").unwrap(),
            password: password.to_owned(),
            is_verified,
            created_at: Timestamp::UNIX_EPOCH,
            version: 1,
        };
        assert_eq!(Answer::to(&account(false, "$argon2id$")), Answer::Confirm);
        assert_eq!(Answer::to(&account(false, NOBODYS_PASSWORD)), Answer::Choose);
        assert_eq!(Answer::to(&account(true, "$argon2id$")), Answer::Known);
    }
}
