//! Staff, roles and API keys.
//!
//! | item | table | key |
//! |---|---|---|
//! | member | identity | `STF#all` / `STF#id` |
//! | a member's address, taken | identity | `SMAIL#sha256` / META |
//! | role, with the number of its members | identity | `ROL#all` / `ROL#id` |
//! | API key | identity | `KEY#all` / `KEY#id` |
//! | the first owner | identity | `OWNER` / META |
//! | one-time token | ephemeral | `OTT#sha256` / META |
//!
//! The people of a shop are few: each kind lies in one partition, so that a list is one query and
//! one of them is one read.
//!
//! Whoever acts is looked at in the transaction of what they do: of two owners who suspend each
//! other at once, one was suspended first, and does nothing any more.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::account::{RESET_LIFETIME, Session, Subject};
use domain::address::Email;
use domain::api_key::ApiKey;
use domain::event::Event;
use domain::fault::Fault;
use domain::id::{KeyId, RoleId, SessionId, StaffId, Ulid};
use domain::staff::{INVITATION_LIFETIME, Member, Role, Status};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::item::{Item, Key, Page, Range, Saved, count, document, item, number, text};
use crate::transaction::{Committed, Expression, Transaction, Updated};
use crate::{Store, Table, cart, outbox, session};

const STAFF: &str = "STF#all";
const ROLES: &str = "ROL#all";
const KEYS: &str = "KEY#all";
/// In a used token's place of its purpose.
const USED: &str = "used";

#[derive(Serialize, Deserialize)]
struct Taken {
    staff: StaffId,
}

/// What a mailed link of the staff is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Choosing the first password.
    Invitation,
    /// Choosing another password.
    Reset,
}

impl Purpose {
    const fn name(self) -> &'static str {
        match self {
            Self::Invitation => "staff_invitation",
            Self::Reset => "staff_reset",
        }
    }

    const fn seconds(self) -> i64 {
        match self {
            Self::Invitation => INVITATION_LIFETIME.as_secs(),
            Self::Reset => RESET_LIFETIME.as_secs(),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Token {
    staff: StaffId,
    purpose: String,
    /// The password that it replaces, as [`password_mark`] tells: with it go all tokens that were
    /// mailed before.
    password: String,
    expires: i64,
}

/// A token that is mailed, by its hash.
#[derive(Debug, Clone, Copy)]
pub struct NewToken<'a> {
    /// SHA-256 of the token, in hex.
    pub hash: &'a str,
    /// What it is good for.
    pub purpose: Purpose,
    /// When it is written.
    pub now: Timestamp,
}

/// What happens to a member's sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sessions {
    /// They go on.
    Stay,
    /// They end, but for one.
    End(Option<SessionId>),
}

/// A change of a member, and all that happens with it or not at all.
#[derive(Debug)]
pub struct MemberChange<'a> {
    /// As they were loaded.
    pub before: &'a Member,
    /// As they are to be.
    pub after: &'a Member,
    /// Who does it, if not the member: still active and in their role.
    pub acting: Option<&'a Member>,
    /// The role that they are given, if it is another one: still as it was loaded.
    pub role: Option<&'a Role>,
    /// What happens to their sessions.
    pub sessions: Sessions,
    /// The hash of the token that is used up, and what it is good for.
    pub token: Option<(&'a str, Purpose)>,
    /// A token that is mailed.
    pub new_token: Option<NewToken<'a>>,
    /// A session that begins.
    pub session: Option<&'a Session>,
    /// A session whose holder has just proven who they are.
    pub proven: Option<SessionId>,
    /// What is said of it.
    pub events: &'a [Event],
    /// When.
    pub now: Timestamp,
}

impl<'a> MemberChange<'a> {
    /// A change of the member alone.
    pub fn new(before: &'a Member, after: &'a Member, events: &'a [Event], now: Timestamp) -> Self {
        Self {
            before,
            after,
            acting: None,
            role: None,
            sessions: Sessions::Stay,
            token: None,
            new_token: None,
            session: None,
            proven: None,
            events,
            now,
        }
    }
}

/// What became of an invitation.
#[derive(Debug)]
pub enum Invited {
    /// The member as they were written.
    Yes(Box<Member>),
    /// Somebody has the address.
    AddressTaken,
    /// Something else changed meanwhile: load again and decide again.
    Raced,
}

/// What became of a role that was to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deleted {
    /// It is gone.
    Yes,
    /// Somebody has it.
    InUse,
    /// Something changed meanwhile: load again and decide again.
    Raced,
}

fn member_key(id: StaffId) -> Key {
    Key::new(STAFF, format!("STF#{id}"))
}

fn role_key(id: RoleId) -> Key {
    Key::new(ROLES, format!("ROL#{id}"))
}

fn key_key(id: KeyId) -> Key {
    Key::new(KEYS, format!("KEY#{id}"))
}

fn owner_key() -> Key {
    Key::meta("OWNER")
}

fn mail_key(email: &Email) -> Key {
    Key::meta(format!("SMAIL#{}", sha256(&email.key())))
}

fn token_key(hash: &str) -> Key {
    Key::meta(format!("OTT#{hash}"))
}

fn sha256(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Tells a member's passwords apart without telling anything of them: a hash of the salted hash.
pub fn password_mark(member: &Member) -> String {
    sha256(member.password.as_deref().unwrap_or_default())
}

/// The next version of a member, as it is written.
fn next(member: &Member, before: u64) -> Member {
    Member { version: before + 1, ..member.clone() }
}

/// The acting member is still active and has the role by which they act.
fn is_in_office(acting: &Member) -> Expression {
    Expression::new("#status = :active AND #role = :role")
        .name("#status", "status")
        .name("#role", "role")
        .value(":active", text(Status::Active.code()))
        .value(":role", text(acting.role.to_string()))
}

fn one() -> AttributeValue {
    number(1_i64)
}

impl Store {
    /// A member of the staff by their id.
    pub async fn member(&self, id: StaffId) -> Result<Option<Member>, Fault> {
        self.get(Table::Identity, &member_key(id), true).await
    }

    /// The member with this address. The reads are as many whether or not there is one.
    pub async fn member_by_email(&self, email: &Email) -> Result<Option<Member>, Fault> {
        let taken: Option<Taken> = self.get(Table::Identity, &mail_key(email), true).await?;
        // The second read happens for an unknown address, too: time tells nothing.
        let nobody = StaffId::from_ulid(Ulid::nil());
        self.member(taken.map_or(nobody, |taken| taken.staff)).await
    }

    /// A role by its id.
    pub async fn role(&self, id: RoleId) -> Result<Option<Role>, Fault> {
        self.get(Table::Identity, &role_key(id), true).await
    }

    /// An API key by its id.
    pub async fn api_key(&self, id: KeyId) -> Result<Option<ApiKey>, Fault> {
        self.get(Table::Identity, &key_key(id), true).await
    }

    /// The members, oldest first.
    pub async fn members(&self, limit: i32, position: Option<&str>) -> Result<Page<Member>, Fault> {
        self.listed(STAFF, limit, position).await
    }

    /// The roles, oldest first.
    pub async fn roles(&self, limit: i32, position: Option<&str>) -> Result<Page<Role>, Fault> {
        self.listed(ROLES, limit, position).await
    }

    /// The API keys, oldest first.
    pub async fn api_keys(
        &self,
        limit: i32,
        position: Option<&str>,
    ) -> Result<Page<ApiKey>, Fault> {
        self.listed(KEYS, limit, position).await
    }

    async fn listed<T: DeserializeOwned>(
        &self,
        partition: &str,
        limit: i32,
        position: Option<&str>,
    ) -> Result<Page<T>, Fault> {
        let range = Range { limit: Some(limit), position, ..Range::default() };
        let page = self.query(Table::Identity, None, partition, range).await?;
        let entries = page.entries.into_iter().map(document).collect::<Result<_, _>>()?;
        Ok(Page { entries, next: page.next })
    }

    /// Writes the first owner and their role; `Raced` where there is one.
    pub async fn create_owner(
        &self,
        role: &Role,
        member: &Member,
        token: NewToken<'_>,
        events: &[Event],
    ) -> Result<Saved, Fault> {
        let mut transaction = Transaction::default();
        self.put_owner(&mut transaction, role, member)?;
        self.put_token(&mut transaction, member, token)?;
        self.say_all(&mut transaction, events)?;
        Ok(cart::saved(&transaction.commit(self, "create the owner").await?))
    }

    /// Writes an owner as they are, with no letter: for a shop that nobody was invited to.
    pub async fn import_owner(&self, role: &Role, member: &Member) -> Result<Saved, Fault> {
        let mut transaction = Transaction::default();
        self.put_owner(&mut transaction, role, member)?;
        Ok(cart::saved(&transaction.commit(self, "import the owner").await?))
    }

    /// Writes a member and a role of their own as they are, with no letter.
    pub async fn import_member(&self, role: &Role, member: &Member) -> Result<Saved, Fault> {
        let mut transaction = Transaction::default();
        self.put_role(&mut transaction, role, 1)?;
        self.put_member(&mut transaction, member)?;
        Ok(cart::saved(&transaction.commit(self, "import a member").await?))
    }

    fn put_owner(
        &self,
        transaction: &mut Transaction,
        role: &Role,
        member: &Member,
    ) -> Result<(), Fault> {
        let first = item(&owner_key(), &Taken { staff: member.id })?;
        transaction.put(self, Table::Identity, first, Expression::absent())?;
        self.put_role(transaction, role, 1)?;
        self.put_member(transaction, member)
    }

    fn put_role(
        &self,
        transaction: &mut Transaction,
        role: &Role,
        members: i64,
    ) -> Result<(), Fault> {
        let mut row: Item = item(&role_key(role.id), role)?;
        row.insert("version".into(), count(role.version + 1));
        row.insert("members".into(), number(members));
        transaction.put(self, Table::Identity, row, Expression::absent())
    }

    fn put_member(&self, transaction: &mut Transaction, member: &Member) -> Result<(), Fault> {
        let taken = item(&mail_key(&member.email), &Taken { staff: member.id })?;
        transaction.put(self, Table::Identity, taken, Expression::absent())?;
        let row = item(&member_key(member.id), &next(member, member.version))?;
        transaction.put(self, Table::Identity, row, Expression::absent())
    }

    fn put_token(
        &self,
        transaction: &mut Transaction,
        member: &Member,
        token: NewToken<'_>,
    ) -> Result<(), Fault> {
        let row = Token {
            staff: member.id,
            purpose: token.purpose.name().to_owned(),
            password: password_mark(member),
            expires: token.now.as_second().saturating_add(token.purpose.seconds()),
        };
        let row = item(&token_key(token.hash), &row)?;
        transaction.put(self, Table::Ephemeral, row, Expression::absent())
    }

    fn say_all(&self, transaction: &mut Transaction, events: &[Event]) -> Result<(), Fault> {
        events.iter().try_for_each(|event| outbox::say(self, transaction, event))
    }

    fn check_acting(&self, transaction: &mut Transaction, acting: &Member) -> Result<(), Fault> {
        transaction.check(self, Table::Identity, &member_key(acting.id), is_in_office(acting))
    }

    /// Writes somebody who is invited, with the token of their link. The role must be as it was
    /// loaded.
    pub async fn invite(
        &self,
        member: &Member,
        role: &Role,
        acting: &Member,
        token: NewToken<'_>,
        events: &[Event],
    ) -> Result<Invited, Fault> {
        let mut transaction = Transaction::default();
        self.put_member(&mut transaction, member)?;
        self.check_acting(&mut transaction, acting)?;
        self.count_in(&mut transaction, role)?;
        self.put_token(&mut transaction, member, token)?;
        self.say_all(&mut transaction, events)?;
        Ok(match transaction.commit(self, "invite a member").await? {
            Committed::Yes => Invited::Yes(Box::new(next(member, member.version))),
            Committed::Refused(refused) if refused.iter().any(|(at, _)| *at == 0) => {
                Invited::AddressTaken
            }
            Committed::Refused(_) => Invited::Raced,
        })
    }

    /// One more member of a role that is as it was loaded.
    fn count_in(&self, transaction: &mut Transaction, role: &Role) -> Result<(), Fault> {
        let condition = Expression::version(role.version).value(":one", one());
        let update = "ADD members :one";
        transaction.update(self, Table::Identity, &role_key(role.id), update, condition)
    }

    /// One member less of a role.
    fn count_out(&self, transaction: &mut Transaction, role: RoleId) -> Result<(), Fault> {
        let condition =
            Expression::new("members >= :one").value(":one", one()).value(":less", number(-1_i64));
        let update = "ADD members :less";
        transaction.update(self, Table::Identity, &role_key(role), update, condition)
    }

    /// Changes a member with all that belongs to it: the member as they were written, or none
    /// where something changed meanwhile.
    pub async fn change_member(&self, change: &MemberChange<'_>) -> Result<Option<Member>, Fault> {
        let MemberChange { before, after, .. } = change;
        let written = next(after, before.version);
        let mut transaction = Transaction::default();
        let row = item(&member_key(before.id), &written)?;
        transaction.put(self, Table::Identity, row, Expression::version(before.version))?;
        if let Some(acting) = change.acting.filter(|acting| acting.id != before.id) {
            self.check_acting(&mut transaction, acting)?;
        }
        if let Some(role) = change.role.filter(|role| role.id != before.role) {
            self.count_in(&mut transaction, role)?;
            self.count_out(&mut transaction, before.role)?;
        }
        let subject = Subject::Staff(before.id);
        if let Sessions::End(except) = change.sessions {
            session::revoke(self, &mut transaction, subject, except, change.now)?;
        }
        if let Some((hash, purpose)) = change.token {
            let unused = Expression::new("purpose = :purpose")
                .value(":purpose", text(purpose.name()))
                .value(":used", text(USED));
            let (key, update) = (token_key(hash), "SET purpose = :used");
            transaction.update(self, Table::Ephemeral, &key, update, unused)?;
        }
        if let Some(token) = change.new_token {
            self.put_token(&mut transaction, after, token)?;
        }
        if let Some(begun) = change.session {
            let row = session::row(begun)?;
            transaction.put(self, Table::Ephemeral, row, Expression::absent())?;
        }
        if let Some(id) = change.proven {
            session::prove(self, &mut transaction, subject, id, change.now)?;
        }
        self.say_all(&mut transaction, change.events)?;
        Ok(match transaction.commit(self, "change a member").await? {
            Committed::Yes => Some(written),
            Committed::Refused(_) => None,
        })
    }

    /// Writes a token for a member with the letter that carries it.
    pub async fn write_staff_token(
        &self,
        member: &Member,
        token: NewToken<'_>,
        events: &[Event],
    ) -> Result<(), Fault> {
        let mut transaction = Transaction::default();
        self.put_token(&mut transaction, member, token)?;
        self.say_all(&mut transaction, events)?;
        transaction.commit(self, "write a token of the staff").await.map(drop)
    }

    /// The member that a token was mailed to; none for one that is unknown, used, too old, or from
    /// before their password was last changed.
    pub async fn member_by_token(
        &self,
        hash: &str,
        purpose: Purpose,
        now: Timestamp,
    ) -> Result<Option<Member>, Fault> {
        let token: Option<Token> = self.get(Table::Ephemeral, &token_key(hash), true).await?;
        let Some(token) = token
            .filter(|token| token.purpose == purpose.name() && token.expires > now.as_second())
        else {
            return Ok(None);
        };
        let member = self.member(token.staff).await?;
        Ok(member.filter(|member| password_mark(member) == token.password))
    }

    /// Replaces the password's hash, if it is still the one that was checked: for parameters that
    /// have risen.
    pub async fn rehash_staff_password(&self, member: &Member, hash: &str) -> Result<(), Fault> {
        let before = member.password.as_deref().unwrap_or_default();
        let condition = Expression::new("password = :before")
            .value(":before", text(before))
            .value(":hash", text(hash));
        let key = member_key(member.id);
        match self.update_if(Table::Identity, &key, "SET password = :hash", condition).await? {
            Updated::Yes(_) | Updated::Refused(_) => Ok(()),
        }
    }

    /// Writes a new role: as it was written, or none where the acting member may not any more.
    pub async fn create_role(
        &self,
        role: &Role,
        acting: &Member,
        events: &[Event],
    ) -> Result<Option<u64>, Fault> {
        let mut transaction = Transaction::default();
        self.put_role(&mut transaction, role, 0)?;
        self.check_acting(&mut transaction, acting)?;
        self.say_all(&mut transaction, events)?;
        let done = transaction.commit(self, "create a role").await?;
        Ok(matches!(done, Committed::Yes).then_some(role.version + 1))
    }

    /// Changes a role: its new version, or none where something changed meanwhile.
    pub async fn change_role(
        &self,
        before: &Role,
        after: &Role,
        acting: &Member,
        events: &[Event],
    ) -> Result<Option<u64>, Fault> {
        let mut transaction = Transaction::default();
        let permissions = after.permissions.iter().map(|one| text(one.name())).collect();
        // Not the whole item: how many have the role is counted by others at the same time.
        let condition = Expression::version(before.version)
            .name("#name", "name")
            .name("#permissions", "permissions")
            .value(":name", text(&after.name))
            .value(":permissions", AttributeValue::L(permissions))
            .value(":next", count(before.version + 1));
        let update = "SET #name = :name, #permissions = :permissions, version = :next";
        transaction.update(self, Table::Identity, &role_key(before.id), update, condition)?;
        self.check_acting(&mut transaction, acting)?;
        self.say_all(&mut transaction, events)?;
        let done = transaction.commit(self, "change a role").await?;
        Ok(matches!(done, Committed::Yes).then_some(before.version + 1))
    }

    /// Deletes a role that nobody has.
    pub async fn delete_role(
        &self,
        role: &Role,
        acting: &Member,
        events: &[Event],
    ) -> Result<Deleted, Fault> {
        let mut transaction = Transaction::default();
        let condition = Expression::new("version = :loaded AND members = :zero")
            .value(":loaded", count(role.version))
            .value(":zero", number(0_i64));
        transaction.delete_if(self, Table::Identity, &role_key(role.id), condition)?;
        self.check_acting(&mut transaction, acting)?;
        self.say_all(&mut transaction, events)?;
        let refused = match transaction.commit(self, "delete a role").await? {
            Committed::Yes => return Ok(Deleted::Yes),
            Committed::Refused(refused) => refused,
        };
        let in_the_way = refused.into_iter().find(|(at, _)| *at == 0).and_then(|(_, item)| item);
        let is_same =
            in_the_way.is_some_and(|item| item.get("version") == Some(&count(role.version)));
        Ok(if is_same { Deleted::InUse } else { Deleted::Raced })
    }

    /// Writes a new API key: its version, or none where the acting member may not any more.
    pub async fn create_api_key(
        &self,
        key: &ApiKey,
        acting: &Member,
        events: &[Event],
    ) -> Result<Option<u64>, Fault> {
        let mut transaction = Transaction::default();
        let mut row = item(&key_key(key.id), key)?;
        row.insert("version".into(), count(key.version + 1));
        transaction.put(self, Table::Identity, row, Expression::absent())?;
        self.check_acting(&mut transaction, acting)?;
        self.say_all(&mut transaction, events)?;
        let done = transaction.commit(self, "create an API key").await?;
        Ok(matches!(done, Committed::Yes).then_some(key.version + 1))
    }

    /// Rotates or revokes an API key: its new version, or none where something changed meanwhile.
    pub async fn change_api_key(
        &self,
        before: &ApiKey,
        after: &ApiKey,
        acting: &Member,
        events: &[Event],
    ) -> Result<Option<u64>, Fault> {
        // Not the whole item: its uses are written down at the same time.
        let mut update = "SET version = :next, secret_hash = :hash".to_owned();
        let mut condition = Expression::version(before.version)
            .value(":next", count(before.version + 1))
            .value(":hash", text(&after.secret_hash));
        let times = [
            ("previous_until", ":until", after.previous_until),
            ("revoked_at", ":revoked", after.revoked_at),
        ];
        let times =
            times.into_iter().filter_map(|(name, at, time)| Some((name, at, time?.to_string())));
        let texts = after.previous_hash.clone().map(|hash| ("previous_hash", ":previous", hash));
        for (name, placeholder, value) in times.chain(texts) {
            update = format!("{update}, {name} = {placeholder}");
            condition = condition.value(placeholder, text(value));
        }
        let mut transaction = Transaction::default();
        let key = key_key(before.id);
        transaction.update(self, Table::Identity, &key, &update, condition)?;
        self.check_acting(&mut transaction, acting)?;
        self.say_all(&mut transaction, events)?;
        let done = transaction.commit(self, "change an API key").await?;
        Ok(matches!(done, Committed::Yes).then_some(before.version + 1))
    }

    /// Writes down when and from where an API key was used, and says what is to be said of it.
    pub async fn note_key_use(&self, used: &ApiKey, event: Option<&Event>) -> Result<(), Fault> {
        let Some(at) = used.last_used_at else { return Ok(()) };
        let networks = used.networks.iter().map(text).collect();
        let condition = Expression::new("attribute_exists(pk)")
            .value(":at", text(at.to_string()))
            .value(":networks", AttributeValue::L(networks));
        // Not a change of the key: its version stays.
        let update = "SET last_used_at = :at, networks = :networks";
        let mut transaction = Transaction::default();
        transaction.update(self, Table::Identity, &key_key(used.id), update, condition)?;
        if let Some(event) = event {
            outbox::say(self, &mut transaction, event)?;
        }
        // A key that is gone meanwhile is not written to again.
        transaction.commit(self, "note the use of an API key").await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use domain::address::PersonName;

    use super::*;

    fn member(password: Option<&str>) -> Member {
        Member {
            id: StaffId::from_ulid(Ulid::from_parts(1, 1)),
            email: Email::parse("grace@example.com").unwrap(),
            name: PersonName::parse("Grace").unwrap(),
            password: password.map(str::to_owned),
            status: Status::Active,
            role: RoleId::from_ulid(Ulid::from_parts(1, 2)),
            second_factor: None,
            created_at: Timestamp::from_second(1_790_000_000).unwrap(),
            version: 3,
        }
    }

    #[test]
    fn no_key_holds_an_address() {
        let email = Email::parse("Grace@Example.com").unwrap();
        let key = mail_key(&email);
        assert!(!key.pk.to_lowercase().contains("grace"));
        assert_eq!(key.pk, mail_key(&Email::parse("grace@example.com").unwrap()).pk);
    }

    #[test]
    fn a_token_is_for_the_password_that_it_replaces() {
        let (none, first) = (member(None), member(Some("$argon2id$…1")));
        let second = member(Some("$argon2id$…2"));
        assert_ne!(password_mark(&none), password_mark(&first));
        assert_ne!(password_mark(&first), password_mark(&second));
        assert!(!password_mark(&first).contains("argon2"));
    }

    #[test]
    fn every_write_is_the_next_version() {
        assert_eq!(next(&member(None), 3).version, 4);
    }
}
