//! Accounts.
//!
//! | item | table | key |
//! |---|---|---|
//! | account | identity | `CUST#id` / META, listed by `every` |
//! | address, taken | identity | `MAIL#sha256` / META |
//! | one-time token | ephemeral | `OTT#sha256` / META |
//! | change of address, pending | ephemeral | `MOVE#id` / META |
//!
//! No key holds an address: keys end up in messages, metrics and access logs.
//!
//! A one-time token is consumed in the transaction of its effect. What an unknown address makes is
//! written as a token of nobody, so that the work tells nothing.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::account::{Account, RESET_LIFETIME, Subject, VERIFICATION_LIFETIME};
use domain::address::{Email, PersonName};
use domain::address_book::{Book, Kept};
use domain::email_change::EmailChange;
use domain::event::Event;
use domain::fault::Fault;
use domain::id::{CustomerId, SessionId, Ulid};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::item::{Item, Key, Page, Range, Saved, count, document, item, moment, number, text};
use crate::transaction::{Committed, Expression, Transaction, Updated};
use crate::{Store, Table, address_book, data_key, outbox, phone, privacy, session};

/// A password that is nobody's: of two registrations with one address, only the links that were
/// mailed know the passwords.
pub const NOBODYS_PASSWORD: &str = "";

/// Where every customer lies.
pub(crate) const CUSTOMERS: &str = "CUSTOMERS";
/// Keys that DynamoDB answers in one call.
const KEYS_MAX: usize = 100;

#[derive(Serialize, Deserialize)]
struct Taken {
    customer: CustomerId,
}

#[derive(Serialize, Deserialize)]
struct OneTimeToken {
    customer: CustomerId,
    purpose: String,
    expires: i64,
    /// What the account becomes when its address is confirmed by this token: the password of
    /// whoever had the letter written, not of somebody who was faster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pending: Option<Pending>,
    /// The account as it was when the letter was written: one that has changed since has another
    /// password or address, and the letter is worth nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seen: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Pending {
    password: String,
    name: PersonName,
}

/// What became of moving an account to another address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moved {
    /// It is moved.
    Yes,
    /// The address belongs to another account by now.
    Taken,
    /// Something has changed meanwhile: look again.
    Raced,
}

/// A customer, with the address book.
#[derive(Debug)]
pub struct CustomerFile {
    /// The account.
    pub account: Account,
    /// What the book says of itself.
    pub book: Book,
    /// The addresses in it.
    pub addresses: Vec<Kept>,
}

/// An account as it is written first, under all that it is found by.
fn listed(account: &Account) -> Result<Item, Fault> {
    let mut row = item(&account_key(account.id), account)?;
    let (made, id) = (moment(account.created_at), account.id);
    row.insert("gsi1pk".into(), text(CUSTOMERS));
    row.insert("gsi1sk".into(), text(format!("{made}#{id}")));
    Ok(row)
}

pub(crate) fn account_key(id: CustomerId) -> Key {
    Key::meta(format!("CUST#{id}"))
}

fn mail_key(email: &Email) -> Key {
    Key::meta(format!("MAIL#{}", hex(email.key().as_bytes())))
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn token_key(hash: &str) -> Key {
    Key::meta(format!("OTT#{hash}"))
}

fn change_key(customer: CustomerId) -> Key {
    Key::meta(format!("MOVE#{customer}"))
}

/// Password and address of an account, as one text that is neither.
fn fingerprint(account: &Account) -> String {
    hex(format!("{} {}", account.password, account.email.key()).as_bytes())
}

fn nobody() -> CustomerId {
    CustomerId::from_ulid(Ulid::nil())
}

/// The pending change must be as it was loaded: the version alone could be that of another one.
fn same(change: &EmailChange) -> Expression {
    Expression::new("version = :loaded AND #old.token_hash = :token")
        .name("#old", "old")
        .value(":loaded", count(change.version))
        .value(":token", text(&change.old.token_hash))
}

const VERIFY: &str = "verify_email";
const RESET: &str = "reset_password";
const CHANGE: &str = "change_email";
const NOTHING: &str = "nothing";
const USED: &str = "used";

impl OneTimeToken {
    fn new(customer: CustomerId, purpose: &str, now: Timestamp, lifetime: SignedDuration) -> Self {
        let expires = now.as_second().saturating_add(lifetime.as_secs());
        Self { customer, purpose: purpose.to_owned(), expires, pending: None, seen: None }
    }

    /// The token of a registration's letter.
    fn verification(customer: CustomerId, registered: &Account, now: Timestamp) -> Self {
        let pending =
            Pending { password: registered.password.clone(), name: registered.name.clone() };
        let token = Self::new(customer, VERIFY, now, VERIFICATION_LIFETIME);
        Self { pending: Some(pending), ..token }
    }
}

/// Writes a token down, in the transaction of the letter that carries it: its hash, what it is good
/// for, and how long.
pub(crate) fn issue(
    store: &Store,
    transaction: &mut Transaction,
    customer: CustomerId,
    (hash, purpose, lifetime): (&str, &str, SignedDuration),
    now: Timestamp,
) -> Result<(), Fault> {
    let token = OneTimeToken::new(customer, purpose, now, lifetime);
    store.put_mailed(transaction, hash, &token)
}

/// Uses a token up, in the transaction of its effect.
pub(crate) fn use_up(
    store: &Store,
    transaction: &mut Transaction,
    hash: &str,
    purpose: &str,
) -> Result<(), Fault> {
    store.use_mailed(transaction, hash, purpose)
}

impl Store {
    /// The account with this address. The reads are as many whether or not there is one.
    pub async fn account_by_email(&self, email: &Email) -> Result<Option<Account>, Fault> {
        let taken: Option<Taken> = self.get(Table::Identity, &mail_key(email), true).await?;
        // The other reads happen for an unknown address, too: time tells nothing.
        self.account_or_nobody(taken.map_or(nobody(), |taken| taken.customer)).await
    }

    /// An account by its id; the reads are as many where there is none.
    async fn account_or_nobody(&self, id: CustomerId) -> Result<Option<Account>, Fault> {
        let account = self.account(id).await?;
        if account.is_none() {
            self.data_keys(BTreeSet::from([data_key::of_customer(id)])).await?;
        }
        Ok(account)
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
        let address = item(&mail_key(&account.email), &Taken { customer: account.id })?;
        transaction.put(self, Table::Identity, address, Expression::absent())?;
        transaction.put(self, Table::Identity, listed(account)?, Expression::absent())?;
        let token = OneTimeToken::verification(account.id, account, letter.at);
        self.put_mailed(&mut transaction, token_hash, &token)?;
        outbox::say(self, &mut transaction, letter)?;
        Ok(crate::cart::saved(&transaction.commit(self, "register an account").await?))
    }

    /// Writes what somebody else registered with an address that still waits to be confirmed.
    /// From now on the account has no password but those in the letters. `Raced` where it is
    /// confirmed or gone.
    pub async fn register_again(
        &self,
        known: CustomerId,
        registered: &Account,
        token_hash: &str,
        letter: &Event,
    ) -> Result<Saved, Fault> {
        let mut transaction = Transaction::default();
        let waits = Expression::new("attribute_exists(pk) AND is_verified = :no")
            .value(":no", AttributeValue::Bool(false))
            .value(":nobodys", text(NOBODYS_PASSWORD))
            .value(":one", number(1_i64));
        let update = "SET password = :nobodys, version = version + :one";
        transaction.update(self, Table::Identity, &account_key(known), update, waits)?;
        let token = OneTimeToken::verification(known, registered, letter.at);
        self.put_mailed(&mut transaction, token_hash, &token)?;
        outbox::say(self, &mut transaction, letter)?;
        Ok(crate::cart::saved(&transaction.commit(self, "register once more").await?))
    }

    /// Writes the token of another letter that confirms the account as it was registered.
    pub async fn verify_again(
        &self,
        account: &Account,
        token_hash: &str,
        letter: &Event,
    ) -> Result<(), Fault> {
        let token = OneTimeToken::verification(account.id, account, letter.at);
        self.issue_mailed(token_hash, &token, Some(letter)).await
    }

    /// Writes the token of a letter by which another password is chosen.
    pub async fn issue_reset(
        &self,
        account: &Account,
        token_hash: &str,
        letter: &Event,
    ) -> Result<(), Fault> {
        let token = OneTimeToken::new(account.id, RESET, letter.at, RESET_LIFETIME);
        let token = OneTimeToken { seen: Some(fingerprint(account)), ..token };
        self.issue_mailed(token_hash, &token, Some(letter)).await
    }

    /// Writes a token that is good for nothing, with a letter or without one: the work is that of
    /// an address which has something to confirm.
    pub async fn issue_nothing(
        &self,
        token_hash: &str,
        letter: Option<&Event>,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let token = OneTimeToken::new(nobody(), NOTHING, now, RESET_LIFETIME);
        self.issue_mailed(token_hash, &token, letter).await
    }

    async fn issue_mailed(
        &self,
        token_hash: &str,
        token: &OneTimeToken,
        letter: Option<&Event>,
    ) -> Result<(), Fault> {
        let mut transaction = Transaction::default();
        self.put_mailed(&mut transaction, token_hash, token)?;
        match letter {
            Some(letter) => outbox::say(self, &mut transaction, letter)?,
            // Where nobody is written to, a second row takes the letter's time.
            None => self.put_mailed(&mut transaction, &hex(token_hash.as_bytes()), token)?,
        }
        // Refused only where this very letter was said before.
        match transaction.commit(self, "issue a one-time token").await? {
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

    fn put_mailed(
        &self,
        transaction: &mut Transaction,
        token_hash: &str,
        token: &OneTimeToken,
    ) -> Result<(), Fault> {
        let row = item(&token_key(token_hash), token)?;
        transaction.put(self, Table::Ephemeral, row, Expression::absent())
    }

    /// A token that is good for a purpose now.
    async fn mailed(
        &self,
        token_hash: &str,
        purpose: &str,
        now: Timestamp,
    ) -> Result<Option<OneTimeToken>, Fault> {
        let token: Option<OneTimeToken> =
            self.get(Table::Ephemeral, &token_key(token_hash), true).await?;
        Ok(token.filter(|token| token.purpose == purpose && token.expires > now.as_second()))
    }

    /// Uses a token up, in the transaction of its effect.
    fn use_mailed(
        &self,
        transaction: &mut Transaction,
        token_hash: &str,
        purpose: &str,
    ) -> Result<(), Fault> {
        let unused = Expression::new("attribute_exists(pk) AND purpose = :purpose")
            .value(":purpose", text(purpose))
            .value(":used", text(USED));
        // What the account became stands in the account: no second copy of its password.
        let update = "SET purpose = :used REMOVE pending, seen";
        transaction.update(self, Table::Ephemeral, &token_key(token_hash), update, unused)
    }

    /// Confirms the address that the token was mailed to, and makes the account what was
    /// registered with that letter; `Raced` for a token that is unknown, used or too old, or whose
    /// account is confirmed already.
    pub async fn verify_email(&self, token_hash: &str, now: Timestamp) -> Result<Saved, Fault> {
        let Some(token) = self.mailed(token_hash, VERIFY, now).await? else {
            return Ok(Saved::Raced);
        };
        let Some(pending) = token.pending else { return Ok(Saved::Raced) };
        let mut transaction = Transaction::default();
        self.use_mailed(&mut transaction, token_hash, VERIFY)?;
        let waits = Expression::new("attribute_exists(pk) AND is_verified = :no")
            .value(":no", AttributeValue::Bool(false))
            .value(":yes", AttributeValue::Bool(true))
            .value(":password", text(pending.password));
        let account = account_key(token.customer);
        let name = ("name", text(pending.name.as_str()));
        let also = ", is_verified = :yes, password = :password";
        let (update, waits) =
            self.set_personal((Table::Identity, &account), name, also, waits).await?;
        transaction.update(self, Table::Identity, &account, &update, waits)?;
        Ok(crate::cart::saved(&transaction.commit(self, "confirm an address").await?))
    }

    /// The account whose password may be chosen anew by this token. The reads are as many for a
    /// bad one.
    pub async fn account_to_reset(
        &self,
        token_hash: &str,
        now: Timestamp,
    ) -> Result<Option<Account>, Fault> {
        let token = self.mailed(token_hash, RESET, now).await?;
        let customer = token.as_ref().map_or(nobody(), |token| token.customer);
        let account = self.account_or_nobody(customer).await?;
        let seen = token.and_then(|token| token.seen);
        Ok(account.filter(|account| seen == Some(fingerprint(account))))
    }

    /// Gives an account another password by a mailed token, ends all its sessions, and says what
    /// is to be said of it. Who read the letter reads the address: it is confirmed.
    pub async fn reset_password(
        &self,
        account: &Account,
        token_hash: &str,
        hash: &str,
        now: Timestamp,
        events: &[Event],
    ) -> Result<Saved, Fault> {
        let mut transaction = Transaction::default();
        self.use_mailed(&mut transaction, token_hash, RESET)?;
        self.set_password(&mut transaction, account, hash, true)?;
        let subject = Subject::Customer(account.id);
        session::revoke(self, &mut transaction, subject, None, now)?;
        for event in events {
            outbox::say(self, &mut transaction, event)?;
        }
        Ok(crate::cart::saved(&transaction.commit(self, "reset a password").await?))
    }

    /// Gives an account another password, ends all its sessions but one, and says what is to be
    /// said of it.
    pub async fn change_password(
        &self,
        account: &Account,
        hash: &str,
        keep: SessionId,
        now: Timestamp,
        events: &[Event],
    ) -> Result<Saved, Fault> {
        let mut transaction = Transaction::default();
        self.set_password(&mut transaction, account, hash, account.is_verified)?;
        let subject = Subject::Customer(account.id);
        session::revoke(self, &mut transaction, subject, Some(keep), now)?;
        for event in events {
            outbox::say(self, &mut transaction, event)?;
        }
        Ok(crate::cart::saved(&transaction.commit(self, "change a password").await?))
    }

    fn set_password(
        &self,
        transaction: &mut Transaction,
        account: &Account,
        hash: &str,
        is_verified: bool,
    ) -> Result<(), Fault> {
        let unchanged = Expression::version(account.version)
            .value(":hash", text(hash))
            .value(":verified", AttributeValue::Bool(is_verified))
            .value(":one", number(1_i64));
        let update = "SET password = :hash, is_verified = :verified, version = version + :one";
        transaction.update(self, Table::Identity, &account_key(account.id), update, unchanged)
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

    /// Gives a customer another name; answers the account as it is now, or none where it is gone.
    pub async fn rename(
        &self,
        id: CustomerId,
        name: &PersonName,
    ) -> Result<Option<Account>, Fault> {
        let (exists, key) = (Expression::new("attribute_exists(pk)"), account_key(id));
        let name = ("name", text(name.as_str()));
        let (update, exists) = self.set_personal((Table::Identity, &key), name, "", exists).await?;
        match self.update_if(Table::Identity, &key, &update, exists).await? {
            Updated::Yes(item) => document(item).map(Some),
            Updated::Refused(_) => Ok(None),
        }
    }

    /// The accounts with these addresses, in any order: two calls for each hundred.
    pub async fn accounts_by_email(&self, emails: &[&Email]) -> Result<Vec<Account>, Fault> {
        let mut accounts = Vec::with_capacity(emails.len());
        for chunk in emails.chunks(KEYS_MAX) {
            let keys: Vec<Key> = chunk.iter().map(|email| mail_key(email)).collect();
            let mut holders = Vec::with_capacity(keys.len());
            for row in self.batch_get(Table::Identity, &keys, true).await? {
                let taken: Taken = document(row)?;
                holders.push(account_key(taken.customer));
            }
            for row in self.batch_get(Table::Identity, &holders, true).await? {
                accounts.push(document(row)?);
            }
        }
        Ok(accounts)
    }

    /// These accounts as they are now, in any order; one call for each hundred.
    pub async fn accounts_by_id(&self, ids: &[CustomerId]) -> Result<Vec<Account>, Fault> {
        let keys: Vec<Key> = ids.iter().map(|id| account_key(*id)).collect();
        let rows = self.batch_get(Table::Identity, &keys, true).await?;
        rows.into_iter().map(document).collect()
    }

    /// All that is kept of a customer: the account and the address book, oldest address first; one
    /// query.
    pub async fn customer(&self, id: CustomerId) -> Result<Option<CustomerFile>, Fault> {
        let partition = account_key(id).pk;
        let page = self.query(Table::Identity, None, &partition, Range::default()).await?;
        let (mut account, mut book, mut addresses) = (None, Book::default(), Vec::new());
        for row in page.entries {
            match row.get("sk") {
                Some(AttributeValue::S(sk)) if sk == "META" => account = Some(document(row)?),
                Some(AttributeValue::S(sk)) if sk == "BOOK" => book = document(row)?,
                Some(AttributeValue::S(sk)) if sk.starts_with("ADR#") => {
                    addresses.push(document(row)?);
                }
                // Rows of kinds that this reader does not show.
                _ => {}
            }
        }
        Ok(account.map(|account| CustomerFile { account, book, addresses }))
    }

    /// A page of all accounts, newest first: one query of their keys and one batch.
    pub async fn accounts(
        &self,
        limit: i32,
        position: Option<&str>,
    ) -> Result<Page<Account>, Fault> {
        let index = Some(("every", "gsi1pk", Some("gsi1sk")));
        let range = Range { is_descending: true, limit: Some(limit), position, ..Range::default() };
        let page = self.query(Table::Identity, index, CUSTOMERS, range).await?;
        let keys = page.entries.iter().filter_map(|row| {
            let pk = row.get("pk")?.as_s().ok()?;
            Some(Key::meta(pk.clone()))
        });
        let keys: Vec<Key> = keys.collect();
        let mut entries: Vec<Account> = Vec::with_capacity(keys.len());
        for row in self.batch_get(Table::Identity, &keys, false).await? {
            entries.push(document(row)?);
        }
        entries.sort_by_key(|account| std::cmp::Reverse((account.created_at, account.id)));
        Ok(Page { entries, next: page.next })
    }

    /// Writes the account of somebody who did not register: without a password, its address not
    /// confirmed, and no letter. `Raced` where the address is taken.
    pub async fn import_account(&self, account: &Account) -> Result<Saved, Fault> {
        let mut transaction = Transaction::default();
        let address = item(&mail_key(&account.email), &Taken { customer: account.id })?;
        transaction.put(self, Table::Identity, address, Expression::absent())?;
        transaction.put(self, Table::Identity, listed(account)?, Expression::absent())?;
        Ok(crate::cart::saved(&transaction.commit(self, "import an account").await?))
    }

    /// Closes an account: it, its address, its address book and all its sessions end together.
    /// Its orders stay: they are the shop's books. What proves its consents goes in its time.
    /// `Raced` where something has changed meanwhile.
    pub async fn close_account(
        &self,
        account: &Account,
        book: &Book,
        addresses: &[Kept],
        now: Timestamp,
        events: &[Event],
    ) -> Result<Saved, Fault> {
        let mut transaction = Transaction::default();
        self.close_in(&mut transaction, account, book, addresses, now)?;
        privacy::remember_closed(self, &mut transaction, account.id, now)?;
        let holder = data_key::of_customer(account.id);
        data_key::destroy_in(self, &mut transaction, &holder)?;
        for event in events {
            outbox::say(self, &mut transaction, event)?;
        }
        Ok(crate::cart::saved(&transaction.commit(self, "close an account").await?))
    }

    /// Closes an account, in a transaction.
    pub(crate) fn close_in(
        &self,
        transaction: &mut Transaction,
        account: &Account,
        book: &Book,
        addresses: &[Kept],
        now: Timestamp,
    ) -> Result<(), Fault> {
        let unchanged = Expression::version(account.version);
        transaction.delete_if(self, Table::Identity, &account_key(account.id), unchanged)?;
        self.free(transaction, account)?;
        address_book::burn(self, transaction, account.id, book, addresses)?;
        transaction.delete(self, Table::Ephemeral, &change_key(account.id))?;
        transaction.delete(self, Table::Identity, &phone::confirmed_key(account.id))?;
        transaction.delete(self, Table::Ephemeral, &phone::pending_key(account.id))?;
        session::revoke(self, transaction, Subject::Customer(account.id), None, now)
    }

    /// Deletes an account whose address nobody has confirmed; `Raced` where somebody has, or has
    /// changed it otherwise.
    pub async fn forget_unconfirmed(&self, account: &Account) -> Result<Saved, Fault> {
        let mut transaction = Transaction::default();
        let waits = Expression::new("version = :loaded AND is_verified = :no")
            .value(":loaded", count(account.version))
            .value(":no", AttributeValue::Bool(false));
        transaction.delete_if(self, Table::Identity, &account_key(account.id), waits)?;
        self.free(&mut transaction, account)?;
        let holder = data_key::of_customer(account.id);
        data_key::destroy_in(self, &mut transaction, &holder)?;
        Ok(crate::cart::saved(&transaction.commit(self, "forget an account").await?))
    }

    /// Whose token this is, if it is good for the purpose now.
    pub(crate) async fn holder_of(
        &self,
        token_hash: &str,
        purpose: &str,
        now: Timestamp,
    ) -> Result<Option<CustomerId>, Fault> {
        Ok(self.mailed(token_hash, purpose, now).await?.map(|token| token.customer))
    }

    /// Frees the address of an account, in a transaction.
    fn free(&self, transaction: &mut Transaction, account: &Account) -> Result<(), Fault> {
        let is_theirs = Expression::new("customer = :customer")
            .value(":customer", text(account.id.to_string()));
        transaction.delete_if(self, Table::Identity, &mail_key(&account.email), is_theirs)
    }

    /// Writes down that an account shall move to another address, with its two tokens. One that
    /// was pending is forgotten: its links are worth nothing.
    pub async fn begin_email_change(
        &self,
        change: &EmailChange,
        events: &[Event],
    ) -> Result<Saved, Fault> {
        let mut transaction = Transaction::default();
        let expires = change.ends_at.as_second();
        let mut row = item(&change_key(change.customer), change)?;
        row.insert("expires".into(), number(expires));
        // Whatever was pending.
        let always = Expression::new("attribute_not_exists(pk) OR attribute_exists(pk)");
        transaction.put(self, Table::Ephemeral, row, always)?;
        for link in [&change.old, &change.new] {
            let (customer, purpose) = (change.customer, CHANGE.to_owned());
            let token = OneTimeToken { customer, purpose, expires, pending: None, seen: None };
            self.put_mailed(&mut transaction, &link.token_hash, &token)?;
        }
        for event in events {
            outbox::say(self, &mut transaction, event)?;
        }
        Ok(crate::cart::saved(&transaction.commit(self, "begin a change of address").await?))
    }

    /// The pending change that a token belongs to. The reads are as many for a bad one.
    pub async fn email_change(
        &self,
        token_hash: &str,
        now: Timestamp,
    ) -> Result<Option<EmailChange>, Fault> {
        let token = self.mailed(token_hash, CHANGE, now).await?;
        let customer = token.map_or(nobody(), |token| token.customer);
        self.get(Table::Ephemeral, &change_key(customer), true).await
    }

    /// Writes down that one side has agreed.
    pub async fn agree_to_email_change(
        &self,
        before: &EmailChange,
        after: &EmailChange,
    ) -> Result<Saved, Fault> {
        let mut row = item(&change_key(after.customer), after)?;
        row.insert("expires".into(), number(after.ends_at.as_second()));
        row.insert("version".into(), count(after.version));
        self.put_if(Table::Ephemeral, row, same(before)).await
    }

    /// Moves an account to the address that both sides have agreed to.
    pub async fn move_account(
        &self,
        change: &EmailChange,
        account: &Account,
        events: &[Event],
    ) -> Result<Moved, Fault> {
        let mut transaction = Transaction::default();
        let taken = item(&mail_key(&change.to), &Taken { customer: account.id })?;
        transaction.put(self, Table::Identity, taken, Expression::absent())?;
        self.free(&mut transaction, account)?;
        let (unchanged, key) = (Expression::version(account.version), account_key(account.id));
        let to = ("email", text(change.to.as_str()));
        let (update, unchanged) =
            self.set_personal((Table::Identity, &key), to, "", unchanged).await?;
        transaction.update(self, Table::Identity, &key, &update, unchanged)?;
        self.end_change(&mut transaction, change)?;
        for event in events {
            outbox::say(self, &mut transaction, event)?;
        }
        Ok(match transaction.commit(self, "move an account").await? {
            Committed::Yes => Moved::Yes,
            Committed::Refused(refused) if refused.iter().any(|(at, _)| *at == 0) => Moved::Taken,
            Committed::Refused(_) => Moved::Raced,
        })
    }

    /// Ends a change that can not be completed, and says what is to be said of it.
    pub async fn drop_email_change(
        &self,
        change: &EmailChange,
        letter: &Event,
    ) -> Result<Saved, Fault> {
        let mut transaction = Transaction::default();
        self.end_change(&mut transaction, change)?;
        outbox::say(self, &mut transaction, letter)?;
        Ok(crate::cart::saved(&transaction.commit(self, "drop a change of address").await?))
    }

    fn end_change(&self, transaction: &mut Transaction, change: &EmailChange) -> Result<(), Fault> {
        let key = change_key(change.customer);
        transaction.delete_if(self, Table::Ephemeral, &key, same(change))?;
        for link in [&change.old, &change.new] {
            transaction.delete(self, Table::Ephemeral, &token_key(&link.token_hash))?;
        }
        Ok(())
    }
}
