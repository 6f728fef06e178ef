//! Accounts.
//!
//! | item | table | key |
//! |---|---|---|
//! | account | identity | `CUST#id` / META |
//! | address, taken | identity | `MAIL#sha256` / META |
//! | one-time token | ephemeral | `OTT#sha256` / META |
//!
//! No key holds an address: keys end up in messages, metrics and access logs.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::account::{Account, VERIFICATION_LIFETIME};
use domain::event::Event;
use domain::fault::Fault;
use domain::id::CustomerId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::item::{Key, Saved, item, number, text};
use crate::transaction::{Committed, Expression, Transaction, Updated};
use crate::{Store, Table, outbox};

#[derive(Serialize, Deserialize)]
struct Taken {
    customer: CustomerId,
}

#[derive(Serialize, Deserialize)]
struct OneTimeToken {
    customer: CustomerId,
    purpose: String,
    expires: i64,
}

fn account_key(id: CustomerId) -> Key {
    Key::meta(format!("CUST#{id}"))
}

fn mail_key(email: &domain::address::Email) -> Key {
    let digest = Sha256::digest(email.key().as_bytes());
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    Key::meta(format!("MAIL#{hex}"))
}

fn token_key(hash: &str) -> Key {
    Key::meta(format!("OTT#{hash}"))
}

const VERIFY: &str = "verify_email";

impl Store {
    /// The account with this address. The reads are as many whether or not there is one.
    pub async fn account_by_email(
        &self,
        email: &domain::address::Email,
    ) -> Result<Option<Account>, Fault> {
        let taken: Option<Taken> = self.get(Table::Identity, &mail_key(email), true).await?;
        // The second read happens for an unknown address, too: time tells nothing.
        let nobody = CustomerId::from_ulid(domain::id::Ulid::nil());
        let id = taken.map_or(nobody, |taken| taken.customer);
        self.account(id).await
    }

    /// An account by its id.
    pub async fn account(&self, id: CustomerId) -> Result<Option<Account>, Fault> {
        self.get(Table::Identity, &account_key(id), true).await
    }

    /// Writes a new account with the token of its confirmation link and the letter that carries
    /// it. `Raced` where the address is taken.
    pub async fn register(
        &self,
        account: &Account,
        token_hash: &str,
        letter: &Event,
    ) -> Result<Saved, Fault> {
        let mut transaction = Transaction::default();
        let taken = item(&mail_key(&account.email), &Taken { customer: account.id })?;
        transaction.put(self, Table::Identity, taken, Expression::absent())?;
        let row = item(&account_key(account.id), account)?;
        transaction.put(self, Table::Identity, row, Expression::absent())?;
        self.verification(&mut transaction, account.id, token_hash, letter.at)?;
        outbox::say(self, &mut transaction, letter)?;
        Ok(crate::cart::saved(&transaction.commit(self, "register an account").await?))
    }

    /// Writes another confirmation token with its letter, for an account that waits for one.
    pub async fn verify_again(
        &self,
        customer: CustomerId,
        token_hash: &str,
        letter: &Event,
    ) -> Result<(), Fault> {
        let mut transaction = Transaction::default();
        self.verification(&mut transaction, customer, token_hash, letter.at)?;
        outbox::say(self, &mut transaction, letter)?;
        // Refused only where this very letter was said before.
        match transaction.commit(self, "write a confirmation token").await? {
            Committed::Yes | Committed::Refused(_) => Ok(()),
        }
    }

    /// Says an event of its own: a letter, or an entry of the audit log.
    pub async fn say(&self, event: &Event) -> Result<(), Fault> {
        let mut transaction = Transaction::default();
        outbox::say(self, &mut transaction, event)?;
        match transaction.commit(self, "say an event").await? {
            Committed::Yes | Committed::Refused(_) => Ok(()),
        }
    }

    fn verification(
        &self,
        transaction: &mut Transaction,
        customer: CustomerId,
        token_hash: &str,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let expires = now.as_second().saturating_add(VERIFICATION_LIFETIME.as_secs());
        let token = OneTimeToken { customer, purpose: VERIFY.to_owned(), expires };
        let row = item(&token_key(token_hash), &token)?;
        transaction.put(self, Table::Ephemeral, row, Expression::absent())
    }

    /// Confirms the address that the token was mailed to; `Raced` for a token that is unknown,
    /// used or too old. Token and account change together, so a token works once.
    pub async fn verify_email(&self, token_hash: &str, now: Timestamp) -> Result<Saved, Fault> {
        let key = token_key(token_hash);
        let token: Option<OneTimeToken> = self.get(Table::Ephemeral, &key, true).await?;
        let Some(token) = token.filter(|t| t.purpose == VERIFY && t.expires > now.as_second())
        else {
            return Ok(Saved::Raced);
        };
        let mut transaction = Transaction::default();
        let unused = Expression::new("attribute_exists(pk) AND purpose = :verify")
            .value(":verify", text(VERIFY))
            .value(":used", text("used"));
        transaction.update(self, Table::Ephemeral, &key, "SET purpose = :used", unused)?;
        let exists = Expression::new("attribute_exists(pk)")
            .value(":yes", AttributeValue::Bool(true))
            .value(":one", number(1_i64));
        let update = "SET is_verified = :yes, version = version + :one";
        let account = account_key(token.customer);
        transaction.update(self, Table::Identity, &account, update, exists)?;
        Ok(crate::cart::saved(&transaction.commit(self, "confirm an address").await?))
    }

    /// Replaces the password's hash, if it is still the one that was checked: for parameters that
    /// have risen.
    pub async fn rehash_password(&self, account: &Account, hash: &str) -> Result<(), Fault> {
        let condition = Expression::new("password = :before")
            .value(":before", text(&account.password))
            .value(":hash", text(hash));
        let key = account_key(account.id);
        match self.update_if(Table::Identity, &key, "SET password = :hash", condition).await? {
            Updated::Yes(_) | Updated::Refused(_) => Ok(()),
        }
    }
}
