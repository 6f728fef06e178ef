//! Staff, roles, permissions and keys, as staff sees them.

use domain::account::Session;
use domain::address::{Email, PersonName};
use domain::api_key::ApiKey;
use domain::id::{KeyId, RoleId, SessionId, StaffId};
use domain::permission::{Permission, Permissions};
use domain::staff::{Member, Role, Status};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::cursor::List;
use crate::reply::View;

/// A member of the staff, as colleagues see them.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "StaffMember")]
pub struct MemberView {
    /// Their id.
    pub id: StaffId,
    /// Their address.
    #[schemars(with = "String")]
    pub email: Email,
    /// Their name.
    #[schemars(with = "String")]
    pub name: PersonName,
    /// Where they stand.
    pub status: Status,
    /// What they may do, by its role.
    pub role_id: RoleId,
    /// Whether they have enrolled a second factor.
    pub has_second_factor: bool,
    /// When they were invited.
    #[schemars(with = "String")]
    pub created_at: Timestamp,
}

impl View for MemberView {}
impl View for List<MemberView> {}

/// It holds a name and an address.
impl std::fmt::Debug for MemberView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MemberView({})", self.id)
    }
}

impl From<Member> for MemberView {
    fn from(member: Member) -> Self {
        Self {
            id: member.id,
            email: member.email,
            name: member.name,
            status: member.status,
            role_id: member.role,
            has_second_factor: member.second_factor.is_some(),
            created_at: member.created_at,
        }
    }
}

/// The role that somebody has.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "StaffRole")]
pub struct RoleName {
    /// Its id.
    pub id: RoleId,
    /// What it is called.
    pub name: String,
}

/// A member of the staff, as they see themselves.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Staff")]
pub struct SelfView {
    /// Their id.
    pub id: StaffId,
    /// Their address.
    #[schemars(with = "String")]
    pub email: Email,
    /// Their name.
    #[schemars(with = "String")]
    pub name: PersonName,
    /// Their role.
    pub role: RoleName,
    /// What they may do.
    pub permissions: Permissions,
}

impl View for SelfView {}

/// It holds a name and an address.
impl std::fmt::Debug for SelfView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SelfView({})", self.id)
    }
}

impl SelfView {
    /// A member with their role.
    pub fn of(member: Member, role: Role) -> Self {
        let Member { id, email, name, .. } = member;
        let permissions = role.permissions;
        Self { id, email, name, role: RoleName { id: role.id, name: role.name }, permissions }
    }
}

/// A session of a member.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "StaffSession")]
pub struct SessionView {
    /// Its id.
    pub id: SessionId,
    /// What the browser or app called itself.
    pub device: Option<String>,
    /// The network that it began in.
    pub network: Option<String>,
    /// When it began.
    #[schemars(with = "String")]
    pub created_at: Timestamp,
    /// When it was last renewed.
    #[schemars(with = "String")]
    pub renewed_at: Timestamp,
    /// Whether it is the one that asks.
    pub is_current: bool,
}

impl View for List<SessionView> {}

impl SessionView {
    /// A session, seen from another or from itself.
    pub fn of(session: Session, from: Option<SessionId>) -> Self {
        Self {
            id: session.id,
            is_current: from == Some(session.id),
            device: session.device,
            network: session.network,
            created_at: session.created_at,
            renewed_at: session.rotated_at,
        }
    }
}

/// A role.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Role")]
pub struct RoleView {
    /// Its id.
    pub id: RoleId,
    /// What it is called.
    pub name: String,
    /// What its members may do.
    pub permissions: Permissions,
    /// Whether it is the one that is built in.
    pub is_owner: bool,
}

impl View for RoleView {}
impl View for List<RoleView> {}

impl From<Role> for RoleView {
    fn from(role: Role) -> Self {
        let Role { id, name, permissions, is_owner, .. } = role;
        Self { id, name, permissions, is_owner }
    }
}

/// A permission, for the person who gives it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "PermissionEntry")]
pub struct PermissionView {
    /// Its name.
    pub name: Permission,
    /// What it allows.
    pub description: &'static str,
    /// Whether who uses it must have proven who they are within the last minutes.
    pub needs_step_up: bool,
    /// Whether an API key may hold it.
    pub is_for_keys: bool,
}

impl View for List<PermissionView> {}

impl From<Permission> for PermissionView {
    fn from(permission: Permission) -> Self {
        Self {
            name: permission,
            description: permission.description(),
            needs_step_up: permission.needs_step_up(),
            is_for_keys: permission.is_for_keys(),
        }
    }
}

/// An API key, without what opens doors.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ApiKey")]
pub struct ApiKeyView {
    /// Its id, a part of its text.
    pub id: KeyId,
    /// What it was made for.
    pub name: String,
    /// What it was made to do; it never may do more than who made it.
    pub scopes: Permissions,
    /// Who made it.
    pub creator: StaffId,
    /// Whether it is for the live shop.
    pub is_live: bool,
    /// Whether it opens doors now.
    pub is_good: bool,
    /// Until when the text before the last rotation is good.
    #[schemars(with = "Option<String>")]
    pub previous_until: Option<Timestamp>,
    /// When it ends by itself.
    #[schemars(with = "Option<String>")]
    pub expires_at: Option<Timestamp>,
    /// When somebody ended it.
    #[schemars(with = "Option<String>")]
    pub revoked_at: Option<Timestamp>,
    /// When it was last used, give or take five minutes.
    #[schemars(with = "Option<String>")]
    pub last_used_at: Option<Timestamp>,
    /// When it was made.
    #[schemars(with = "String")]
    pub created_at: Timestamp,
}

impl View for ApiKeyView {}
impl View for List<ApiKeyView> {}

impl ApiKeyView {
    /// A key as it is now.
    pub fn of(key: ApiKey, now: Timestamp) -> Self {
        Self {
            id: key.id,
            is_good: key.is_good(now),
            name: key.name,
            scopes: key.scopes,
            creator: key.creator,
            is_live: key.is_live,
            previous_until: key.previous_until,
            expires_at: key.expires_at,
            revoked_at: key.revoked_at,
            last_used_at: key.last_used_at,
            created_at: key.created_at,
        }
    }
}

/// An API key with its text, which is shown this once.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "IssuedApiKey")]
pub struct IssuedKeyView {
    /// The key.
    pub api_key: ApiKeyView,
    /// Its text: send it as `Authorization: Bearer …`.
    pub key: String,
}

impl View for IssuedKeyView {}

/// It holds a secret.
impl std::fmt::Debug for IssuedKeyView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "IssuedKeyView({})", self.api_key.id)
    }
}
