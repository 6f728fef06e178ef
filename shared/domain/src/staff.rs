//! The people who work here: members, their roles and their second factor.
//!
//! Two rules hold everywhere. Nobody acts on their own account: who suspends or demotes themselves
//! by mistake may be the last who could undo it. And nobody acts on, or makes, somebody who may do
//! more than they: otherwise "may manage staff" would mean "may do everything".

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use subtle::{Choice, ConstantTimeEq};

use crate::address::{Email, PersonName};
use crate::id::{RoleId, StaffId};
use crate::permission::{Permission, Permissions};
use crate::totp;

/// How long a mailed invitation is good: a weekend and a day.
pub const INVITATION_LIFETIME: SignedDuration = SignedDuration::from_hours(72);
/// How long a session of a member lives without being used.
pub const STAFF_SESSION_IDLE: SignedDuration = SignedDuration::from_hours(1);
/// How long a session of a member lives at most: a working day.
pub const STAFF_SESSION_ABSOLUTE: SignedDuration = SignedDuration::from_hours(12);
/// How long a member who has just shown password and code may do what needs it.
pub const STEP_UP_LIFETIME: SignedDuration = SignedDuration::from_mins(10);
/// How long a sign-in waits for its code.
pub const MFA_LIFETIME: SignedDuration = SignedDuration::from_mins(5);
/// How many recovery codes a second factor comes with.
pub const RECOVERY_CODES: usize = 10;
/// Characters in a role's name.
pub const ROLE_NAME_CHARS_MAX: usize = 60;

/// Where a member stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "StaffStatus")]
pub enum Status {
    /// Has been written to and has no password yet.
    Invited,
    /// Works here.
    Active,
    /// Is kept out, until reinstated.
    Suspended,
}

impl Status {
    /// Every status, for the printed matrix.
    pub const ALL: [Self; 3] = [Self::Invited, Self::Active, Self::Suspended];

    /// Whether the machine has the edge `self → to`. Who was suspended before they ever accepted
    /// goes back to being invited.
    pub const fn may_become(self, to: Self) -> bool {
        match self {
            Self::Invited => matches!(to, Self::Active | Self::Suspended),
            Self::Active => matches!(to, Self::Suspended),
            Self::Suspended => matches!(to, Self::Active | Self::Invited),
        }
    }

    /// The name in keys and queries.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Invited => "invited",
            Self::Active => "active",
            Self::Suspended => "suspended",
        }
    }
}

/// Why a member or a role stays as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The machine has no such edge.
    InvalidTransition {
        /// Where the member stands.
        from: Status,
        /// Where they were to go.
        to: Status,
    },
    /// Somebody else has to do this to one's own account.
    OwnAccount,
    /// The owner's role is built in.
    OwnerRole,
    /// It concerns more than the one who asks may do.
    Outranked,
    /// A role's name is empty, too long, or not one line.
    InvalidRoleName,
}

impl Refusal {
    /// The name clients match on.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::InvalidTransition { .. } => "invalid_transition",
            Self::OwnAccount => "own_account",
            Self::OwnerRole => "owner_role",
            Self::Outranked => "outranked",
            Self::InvalidRoleName => "invalid_role_name",
        }
    }
}

/// The member who acts.
#[derive(Debug, Clone, Copy)]
pub struct By<'a> {
    /// Who.
    pub id: StaffId,
    /// What they may do now.
    pub permissions: &'a Permissions,
}

/// A member of the staff.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The id.
    pub id: StaffId,
    /// The address that letters go to.
    pub email: Email,
    /// What they are called.
    pub name: PersonName,
    /// The password's hash, as a PHC string; none before the invitation was accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// Where they stand.
    pub status: Status,
    /// What they may do.
    pub role: RoleId,
    /// What they show besides the password; none before the first sign-in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_factor: Option<SecondFactor>,
    /// When they were invited.
    pub created_at: Timestamp,
    /// Rises with every write.
    pub version: u64,
}

/// Only the id: the rest is personal or secret.
impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Member({})", self.id)
    }
}

/// Those who work here now and may do this.
pub fn who_may(members: Vec<Member>, roles: &[Role], permission: Permission) -> Vec<Member> {
    let may = |role: &&Role| role.permissions.contains(permission);
    let roles: std::collections::BTreeSet<RoleId> =
        roles.iter().filter(may).map(|role| role.id).collect();
    members
        .into_iter()
        .filter(|member| member.is_active() && roles.contains(&member.role))
        .collect()
}

impl Member {
    /// Somebody who was just invited. Nobody invites into a role that may do more than they.
    pub fn invite(
        id: StaffId,
        email: Email,
        name: PersonName,
        role: &Role,
        by: By<'_>,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        outranks(by, &role.permissions)?;
        Ok(Self {
            id,
            email,
            name,
            password: None,
            status: Status::Invited,
            role: role.id,
            second_factor: None,
            created_at: now,
            version: 0,
        })
    }

    /// The member after they chose a password, with the link that was mailed to them.
    pub fn accept_invitation(&self, password_hash: String) -> Result<Self, Refusal> {
        // From suspended an edge leads to active too, but no link does.
        if self.status != Status::Invited {
            return Err(Refusal::InvalidTransition { from: self.status, to: Status::Active });
        }
        let member = self.moved_to(Status::Active)?;
        Ok(Self { password: Some(password_hash), ..member })
    }

    /// The member kept out. `role` is the one that they have.
    pub fn suspend(&self, role: &Role, by: By<'_>) -> Result<Self, Refusal> {
        self.may_be_changed(role, by)?;
        self.moved_to(Status::Suspended)
    }

    /// The member let in again, with the password and the second factor that they had.
    pub fn reinstate(&self, role: &Role, by: By<'_>) -> Result<Self, Refusal> {
        self.may_be_changed(role, by)?;
        let to = if self.password.is_some() { Status::Active } else { Status::Invited };
        if self.status != Status::Suspended {
            return Err(Refusal::InvalidTransition { from: self.status, to });
        }
        self.moved_to(to)
    }

    /// The member with another role. Nobody gives a role that may do more than they.
    pub fn change_role(&self, role: &Role, to: &Role, by: By<'_>) -> Result<Self, Refusal> {
        self.may_be_changed(role, by)?;
        outranks(by, &to.permissions)?;
        Ok(Self { role: to.id, ..self.clone() })
    }

    /// The member without a second factor, who has lost theirs: the next sign-in asks for a new
    /// one. One's own is replaced by enrolling again, never taken away.
    pub fn reset_second_factor(&self, role: &Role, by: By<'_>) -> Result<Self, Refusal> {
        self.may_be_changed(role, by)?;
        Ok(Self { second_factor: None, ..self.clone() })
    }

    /// The member with this second factor in place of any other.
    #[must_use]
    pub fn enroll(&self, second_factor: SecondFactor) -> Self {
        Self { second_factor: Some(second_factor), ..self.clone() }
    }

    /// Whether they may come in at all.
    pub fn is_active(&self) -> bool {
        self.status == Status::Active
    }

    fn may_be_changed(&self, role: &Role, by: By<'_>) -> Result<(), Refusal> {
        if self.id == by.id {
            return Err(Refusal::OwnAccount);
        }
        outranks(by, &role.permissions)
    }

    fn moved_to(&self, to: Status) -> Result<Self, Refusal> {
        if self.status.may_become(to) {
            Ok(Self { status: to, ..self.clone() })
        } else {
            Err(Refusal::InvalidTransition { from: self.status, to })
        }
    }
}

fn outranks(by: By<'_>, permissions: &Permissions) -> Result<(), Refusal> {
    if by.permissions.covers(permissions) { Ok(()) } else { Err(Refusal::Outranked) }
}

/// An authenticator app that was enrolled, and the codes for the day that it is lost.
///
/// The secret itself is nowhere: it is derived from a key and the nonce when it is needed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecondFactor {
    /// Which key the secret is derived under.
    pub key: String,
    /// What it is derived from.
    pub nonce: String,
    /// The step of the last code that was taken. No step is taken twice (RFC 6238 §5.2).
    pub last_step: u64,
    /// SHA-256 (hex) of the recovery codes that were not used yet.
    pub recovery: Vec<String>,
    /// When it was enrolled.
    pub enrolled_at: Timestamp,
}

impl fmt::Debug for SecondFactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecondFactor(…)")
    }
}

impl SecondFactor {
    /// The second factor after it was shown this code of the app, if the code is good now and
    /// newer than the last one that was taken. It must be written before anything is granted.
    #[must_use]
    pub fn accept_code(&self, code: &str, secret: &[u8], now: Timestamp) -> Option<Self> {
        let step = totp::matching_step(secret, code, now)?;
        (step > self.last_step).then(|| Self { last_step: step, ..self.clone() })
    }

    /// The second factor without the recovery code of this hash (SHA-256, hex), if it was one. It
    /// must be written before anything is granted.
    #[must_use]
    pub fn accept_recovery(&self, recovery_hash: &str) -> Option<Self> {
        let mut found = Choice::from(0);
        let mut rest = Vec::with_capacity(self.recovery.len());
        for unused in &self.recovery {
            let is_it = unused.as_bytes().ct_eq(recovery_hash.as_bytes());
            found |= is_it;
            if !bool::from(is_it) {
                rest.push(unused.clone());
            }
        }
        bool::from(found).then(|| Self { recovery: rest, ..self.clone() })
    }
}

/// A named set of permissions.
///
/// The fields are for reading: [`Role::new`], [`Role::owner`] and [`Role::change`] make one. The
/// owner's role has every permission of this release, whatever was stored by an older one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Stored")]
#[non_exhaustive]
pub struct Role {
    /// The id.
    pub id: RoleId,
    /// What it is called.
    pub name: String,
    /// What its members may do.
    pub permissions: Permissions,
    /// Whether it is the one that is built in.
    pub is_owner: bool,
    /// Rises with every write.
    pub version: u64,
}

/// A role as it was written, perhaps by another release.
#[derive(Deserialize)]
struct Stored {
    id: RoleId,
    name: String,
    permissions: Permissions,
    is_owner: bool,
    version: u64,
}

impl From<Stored> for Role {
    fn from(stored: Stored) -> Self {
        let Stored { id, name, permissions, is_owner, version } = stored;
        let permissions = if is_owner { Permissions::all() } else { permissions };
        Self { id, name, permissions, is_owner, version }
    }
}

impl Role {
    /// A new role. Nobody makes one that may do more than they.
    pub fn new(
        id: RoleId,
        name: &str,
        permissions: Permissions,
        by: By<'_>,
    ) -> Result<Self, Refusal> {
        outranks(by, &permissions)?;
        Ok(Self { id, name: role_name(name)?, permissions, is_owner: false, version: 0 })
    }

    /// The role of the shop's owner.
    pub fn owner(id: RoleId) -> Self {
        let permissions = Permissions::all();
        Self { id, name: "Owner".into(), permissions, is_owner: true, version: 0 }
    }

    /// The role with another name and other permissions. `own_role` is that of the one who asks:
    /// nobody changes the role that they have themselves.
    pub fn change(
        &self,
        name: &str,
        permissions: Permissions,
        own_role: RoleId,
        by: By<'_>,
    ) -> Result<Self, Refusal> {
        self.may_be_changed(own_role, by)?;
        outranks(by, &permissions)?;
        Ok(Self { name: role_name(name)?, permissions, ..self.clone() })
    }

    /// Whether the role may be deleted, once nobody has it.
    pub fn may_be_deleted(&self, own_role: RoleId, by: By<'_>) -> Result<(), Refusal> {
        self.may_be_changed(own_role, by)
    }

    fn may_be_changed(&self, own_role: RoleId, by: By<'_>) -> Result<(), Refusal> {
        if self.is_owner {
            return Err(Refusal::OwnerRole);
        }
        if self.id == own_role {
            return Err(Refusal::OwnAccount);
        }
        outranks(by, &self.permissions)
    }
}

fn role_name(name: &str) -> Result<String, Refusal> {
    let name = name.trim();
    let is_one_line = !name.chars().any(char::is_control);
    if is_one_line && (1..=ROLE_NAME_CHARS_MAX).contains(&name.chars().count()) {
        Ok(name.to_owned())
    } else {
        Err(Refusal::InvalidRoleName)
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use expect_test::expect_file;

    use super::*;
    use crate::id::Ulid;
    use crate::order::tests::matrix;
    use crate::permission::Permission;

    const SECRET: &[u8] = b"12345678901234567890";

    fn staff(n: u128) -> StaffId {
        StaffId::from_ulid(Ulid::from_parts(1, n))
    }

    fn role(n: u128) -> RoleId {
        RoleId::from_ulid(Ulid::from_parts(2, n))
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_010 + seconds).unwrap()
    }

    fn owner() -> Role {
        Role::owner(role(1))
    }

    fn clerk() -> Role {
        let permissions = Permissions::of([Permission::OrdersRead, Permission::StaffManage]);
        Role { id: role(2), name: "Clerk".into(), permissions, is_owner: false, version: 1 }
    }

    fn by(n: u128, permissions: &Permissions) -> By<'_> {
        By { id: staff(n), permissions }
    }

    fn member(status: Status) -> Member {
        Member {
            id: staff(7),
            email: Email::parse("grace@example.com").unwrap(),
            name: PersonName::parse("Grace").unwrap(),
            password: (status != Status::Invited).then(|| "$argon2id$…".into()),
            status,
            role: role(2),
            second_factor: (status != Status::Invited).then(second_factor),
            created_at: at(0),
            version: 3,
        }
    }

    fn second_factor() -> SecondFactor {
        SecondFactor {
            key: "k1".into(),
            nonce: "n".into(),
            last_step: 0,
            recovery: vec!["aa".into(), "bb".into()],
            enrolled_at: at(0),
        }
    }

    #[test]
    fn the_transition_matrix() {
        expect_file!["staff/matrix.txt"].assert_eq(&matrix(&Status::ALL, Status::may_become));
    }

    #[test]
    fn the_matrix_of_what_is_done_to_whom() {
        let mut text = String::new();
        let all = Permissions::all();
        for status in Status::ALL {
            let member = member(status);
            let outcome = |result: Result<Member, Refusal>| match result {
                Ok(member) => member.status.code(),
                Err(refusal) => refusal.code(),
            };
            for (who, by) in [("another", by(1, &all)), ("oneself", by(7, &all))] {
                for (what, result) in [
                    ("accept", member.accept_invitation("$argon2id$…".into())),
                    ("suspend", member.suspend(&clerk(), by)),
                    ("reinstate", member.reinstate(&clerk(), by)),
                    ("change role", member.change_role(&clerk(), &owner(), by)),
                    ("reset factor", member.reset_second_factor(&clerk(), by)),
                ] {
                    let (from, to) = (status.code(), outcome(result));
                    writeln!(text, "{from:<10} {who:<8} {what:<13} -> {to}").unwrap();
                }
            }
        }
        expect_file!["staff/deeds.txt"].assert_eq(&text);
    }

    #[test]
    fn nobody_acts_on_or_makes_somebody_who_may_do_more() {
        let weak = clerk().permissions;
        let by = by(1, &weak);
        let outranked = Some(Refusal::Outranked);
        let member = member(Status::Active);
        assert_eq!(member.suspend(&owner(), by).err(), outranked);
        assert_eq!(member.reset_second_factor(&owner(), by).err(), outranked);
        assert_eq!(member.change_role(&clerk(), &owner(), by).err(), outranked);
        assert_eq!(member.change_role(&owner(), &clerk(), by).err(), outranked);
        assert_eq!(Role::new(role(9), "All", Permissions::all(), by).err(), outranked);
        let all = Permissions::all();
        assert_eq!(clerk().change("Clerk", all, role(5), by).err(), outranked);
        let (email, name) = (member.email.clone(), member.name.clone());
        let invited = Member::invite(staff(9), email, name, &owner(), by, at(0));
        assert_eq!(invited.err(), outranked);
        assert!(member.suspend(&clerk(), by).is_ok());
    }

    #[test]
    fn who_never_accepted_is_reinstated_as_invited() {
        let all = Permissions::all();
        let invited = member(Status::Invited);
        let suspended = invited.suspend(&clerk(), by(1, &all)).unwrap();
        assert!(suspended.accept_invitation("hash".into()).is_err());
        assert_eq!(suspended.reinstate(&clerk(), by(1, &all)).unwrap(), invited);
    }

    #[test]
    fn a_lost_second_factor_is_taken_away_and_nothing_else() {
        let all = Permissions::all();
        let active = member(Status::Active);
        let reset = active.reset_second_factor(&clerk(), by(1, &all)).unwrap();
        assert_eq!(reset, Member { second_factor: None, ..active.clone() });
        assert_eq!(reset.enroll(second_factor()), active);
    }

    #[test]
    fn the_owner_role_is_all_permissions_for_ever() {
        let all = Permissions::all();
        let by = by(1, &all);
        let refused = Some(Refusal::OwnerRole);
        assert_eq!(owner().change("Boss", Permissions::none(), role(5), by).err(), refused);
        assert_eq!(owner().may_be_deleted(role(5), by).err(), refused);
        let stored = format!(
            r#"{{"id":"{}","name":"Owner","permissions":[],"is_owner":true,"version":1}}"#,
            role(1)
        );
        assert_eq!(serde_json::from_str::<Role>(&stored).unwrap().permissions, all);
        let text = serde_json::to_string(&clerk()).unwrap();
        assert_eq!(serde_json::from_str::<Role>(&text).unwrap(), clerk());
    }

    #[test]
    fn nobody_changes_the_role_that_they_have() {
        let all = Permissions::all();
        let by = by(1, &all);
        let changed = clerk().change("Clerk", Permissions::none(), role(2), by);
        assert_eq!(changed.err(), Some(Refusal::OwnAccount));
        assert_eq!(clerk().may_be_deleted(role(2), by).err(), Some(Refusal::OwnAccount));
        let changed = clerk().change(" Packer ", Permissions::none(), role(5), by).unwrap();
        assert_eq!((changed.name.as_str(), changed.permissions.is_empty()), ("Packer", true));
    }

    #[test]
    fn a_role_has_a_name_of_one_line() {
        let all = Permissions::all();
        for wrong in ["", "  ", "a\nb", &"x".repeat(ROLE_NAME_CHARS_MAX + 1)] {
            let made = Role::new(role(9), wrong, Permissions::none(), by(1, &all));
            assert_eq!(made.err(), Some(Refusal::InvalidRoleName), "{wrong:?}");
        }
    }

    #[test]
    fn a_code_is_taken_once_and_an_older_one_never_after_it() {
        let now = at(0);
        let step = totp::step(now);
        let accept = |factor: &SecondFactor, step| {
            factor.accept_code(&totp::code(SECRET, step), SECRET, now)
        };
        let after = accept(&second_factor(), step).unwrap();
        assert_eq!(after.last_step, step);
        assert_eq!(accept(&after, step), None);
        assert_eq!(accept(&after, step - 1), None);
        assert_eq!(accept(&after, step + 1).unwrap().last_step, step + 1);
        assert_eq!(accept(&second_factor(), step + 2), None);
    }

    #[test]
    fn a_recovery_code_is_taken_once() {
        let after = second_factor().accept_recovery("aa").unwrap();
        assert_eq!(after.recovery, ["bb"]);
        assert_eq!(after.accept_recovery("aa"), None);
        assert_eq!(after.accept_recovery(""), None);
        assert!(after.accept_recovery("bb").unwrap().recovery.is_empty());
    }

    #[test]
    fn a_member_shows_only_the_id() {
        let shown = format!("{:?} {:?}", member(Status::Active), second_factor());
        assert_eq!(shown, format!("Member({}) SecondFactor(…)", staff(7)));
    }
}
