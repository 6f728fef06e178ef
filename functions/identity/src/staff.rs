//! What the endpoints of the staff share: who acts, what the audit log is told.

use api::form::{Fields, Form, key_id, role_id, session_id, staff_id};
use api::view::staff::MemberView;
use api::{Problem, Reply, Staff, Versioned};
use domain::api_key::ApiKey;
use domain::audit::{Actor, Change, changes};
use domain::event::{Event, Letter};
use domain::id::{KeyId, RoleId, SessionId, StaffId};
use domain::limit::Limit;
use domain::staff::{By, Member, Refusal, Role};
use http::StatusCode;
use runtime::Call;
use serde_json::{Value, json};
use store::limit::Bucket;
use store::staff::{MemberChange, Sessions};

use crate::App;
use crate::letter::letter;

/// Two who change the same thing at once: the second decides again, so often at most.
pub(crate) const ATTEMPTS_MAX: usize = 3;

/// The member who acts, as they are at this moment: what was looked up a minute ago is not enough
/// to act on colleagues.
pub(crate) struct Acting {
    pub(crate) member: Member,
    pub(crate) role: Role,
}

impl Acting {
    pub(crate) async fn load<P>(app: &App, who: &Staff<P>) -> Reply<Self> {
        let member = app.store.member(who.responsible()).await?;
        let member = member.filter(Member::is_active).ok_or_else(Problem::session_revoked)?;
        let role = app.store.role(member.role).await?.ok_or_else(Problem::session_revoked)?;
        Ok(Self { member, role })
    }

    pub(crate) fn by(&self) -> By<'_> {
        By { id: self.member.id, permissions: &self.role.permissions }
    }
}

/// A member and the role that they have, by the id in a path.
pub(crate) async fn colleague(app: &App, id: StaffId) -> Reply<(Member, Role)> {
    let member = app.store.member(id).await?.ok_or_else(Problem::not_found)?;
    let role = app.store.role(member.role).await?.ok_or_else(Problem::internal)?;
    Ok((member, role))
}

/// An entry of the audit log about a member, a role or a key.
pub(crate) fn note<W, I>(
    app: &App,
    call: &Call<W, I>,
    actor: Actor,
    action: &str,
    object: impl std::fmt::Display,
    changed: Vec<Change>,
) -> Event {
    app.doors.audit(&call.request, actor, action, Some(object.to_string()), changed)
}

/// What differs between two forms of a member. No hash and no nonce comes near the log.
pub(crate) fn member_changes(before: Option<&Member>, after: &Member) -> Vec<Change> {
    let shown = |member: &Member| {
        let secret = |text: &Option<String>| text.as_deref().map(api::seal::token_hash);
        json!({
            "email": member.email,
            "name": member.name,
            "status": member.status,
            "role": member.role,
            // Shown as "redacted": that it changed is all that is to be known.
            "password": secret(&member.password),
            "has_second_factor": member.second_factor.is_some(),
        })
    };
    changes(&before.map_or(Value::Null, shown), &shown(after))
}

/// What differs between two forms of a role; none where there is none.
pub(crate) fn role_changes(before: Option<&Role>, after: Option<&Role>) -> Vec<Change> {
    let shown = |role: &Role| json!({"name": role.name, "permissions": role.permissions});
    changes(&before.map_or(Value::Null, shown), &after.map_or(Value::Null, shown))
}

/// What differs between two forms of an API key.
pub(crate) fn key_changes(before: Option<&ApiKey>, after: &ApiKey) -> Vec<Change> {
    let shown = |key: &ApiKey| {
        json!({
            "name": key.name,
            "scopes": key.scopes,
            "is_live": key.is_live,
            "secret": key.secret_hash,
            "expires_at": key.expires_at,
            "revoked_at": key.revoked_at,
        })
    };
    changes(&before.map_or(Value::Null, shown), &shown(after))
}

/// What is done to a colleague.
pub(crate) struct Deed {
    /// Its name in the audit log.
    pub(crate) action: &'static str,
    /// The member afterwards, or why not.
    pub(crate) decide: fn(&Member, &Role, By<'_>) -> Result<Member, Refusal>,
    /// What becomes of their sessions.
    pub(crate) sessions: Sessions,
    /// What they are written.
    pub(crate) letter: Option<Letter>,
}

/// Does it, with its entry in the audit log, to the colleague as they are at this moment.
pub(crate) async fn act<P, I>(
    app: &App,
    call: &Call<Staff<P>, I>,
    id: StaffId,
    deed: Deed,
) -> Reply<Versioned<MemberView>> {
    for _ in 0..ATTEMPTS_MAX {
        let acting = Acting::load(app, &call.who).await?;
        let (member, role) = colleague(app, id).await?;
        let after = (deed.decide)(&member, &role, acting.by())?;
        let changed = member_changes(Some(&member), &after);
        let mut events = vec![note(app, call, call.who.actor(), deed.action, id, changed)];
        let written = deed.letter.clone().map(|what| letter(app, &member.email, what, call.now));
        events.extend(written);
        let change = MemberChange {
            acting: Some(&acting.member),
            sessions: deed.sessions,
            ..MemberChange::new(&member, &after, &events, call.now)
        };
        if let Some(member) = app.store.change_member(&change).await? {
            app.doors.forget_all();
            let version = member.version;
            return Ok(Versioned(member.into(), version));
        }
    }
    Err(raced())
}

/// The bucket of a member's proofs: codes and passwords that were wrong, whatever they were for
/// and wherever they came from.
pub(crate) fn proofs(app: &App, id: StaffId) -> Bucket {
    app.doors.bucket(Limit::SignIn, &format!("proof {id}"))
}

/// A code that was wrong, used or too old.
pub(crate) fn invalid_code() -> Problem {
    let detail = "The code is wrong or was used before.";
    Problem::new(StatusCode::UNAUTHORIZED, "invalid_code", detail)
}

/// Something else changed at the same time, again and again.
pub(crate) fn raced() -> Problem {
    Problem::unavailable()
}

macro_rules! places {
    ($($(#[$doc:meta])* $name:ident($($field:ident: $id:ty = $rule:ident),+);)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub struct $name {
            $(pub(crate) $field: $id,)+
        }

        impl Form for $name {
            fn read(fields: &mut Fields<'_>) -> Option<Self> {
                $(let $field = fields.required(stringify!($field), $rule());)+
                Some(Self { $($field: $field?,)+ })
            }
        }
    )*};
}

places! {
    /// Which member.
    WhichMember(id: StaffId = staff_id);
    /// Which session of which member.
    WhichSession(id: StaffId = staff_id, session_id: SessionId = session_id);
    /// Which of the own sessions.
    WhichOwnSession(id: SessionId = session_id);
    /// Which role.
    WhichRole(id: RoleId = role_id);
    /// Which API key.
    WhichKey(id: KeyId = key_id);
}

#[cfg(test)]
mod tests {
    use domain::address::{Email, PersonName};
    use domain::id::Ulid;
    use domain::staff::Status;
    use jiff::Timestamp;

    use super::*;

    fn member() -> Member {
        Member {
            id: StaffId::from_ulid(Ulid::from_parts(1, 1)),
            email: Email::parse("grace@example.com").unwrap(),
            name: PersonName::parse("Grace Hopper").unwrap(),
            password: Some("$argon2id$old".into()),
            status: Status::Active,
            role: RoleId::from_ulid(Ulid::from_parts(1, 2)),
            second_factor: None,
            created_at: Timestamp::from_second(1_790_000_000).unwrap(),
            version: 3,
        }
    }

    #[test]
    fn the_log_learns_what_changed_and_nothing_personal() {
        let after = Member {
            status: Status::Suspended,
            password: Some("$argon2id$new".into()),
            ..member()
        };
        let changed = serde_json::to_value(member_changes(Some(&member()), &after)).unwrap();
        assert_eq!(
            changed,
            json!([
                {"field": "password", "before": "redacted", "after": "redacted"},
                {"field": "status", "before": "active", "after": "suspended"},
            ])
        );
        let text = serde_json::to_string(&member_changes(None, &after)).unwrap();
        for secret in ["grace", "Grace", "argon2"] {
            assert!(!text.contains(secret), "{text}");
        }
        assert!(text.contains("suspended"));
    }

    #[test]
    fn what_a_role_may_do_is_told() {
        let role = Role::owner(RoleId::from_ulid(Ulid::from_parts(1, 2)));
        let text = serde_json::to_string(&role_changes(Some(&role), None)).unwrap();
        assert!(text.contains("orders.refund") && !text.contains("Owner"), "{text}");
    }
}
