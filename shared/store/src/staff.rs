//! Staff, roles and API keys.
//!
//! | item | table | key |
//! |---|---|---|
//! | member | identity | `STF#id` / META |
//! | role | identity | `ROL#id` / META |
//! | API key | identity | `KEY#id` / META |

use aws_sdk_dynamodb::types::AttributeValue;
use domain::api_key::ApiKey;
use domain::event::Event;
use domain::fault::Fault;
use domain::id::{KeyId, RoleId, StaffId};
use domain::staff::{Member, Role};

use crate::item::{Key, text};
use crate::transaction::{Expression, Transaction};
use crate::{Store, Table, outbox};

fn member_key(id: StaffId) -> Key {
    Key::meta(format!("STF#{id}"))
}

fn role_key(id: RoleId) -> Key {
    Key::meta(format!("ROL#{id}"))
}

fn key_key(id: KeyId) -> Key {
    Key::meta(format!("KEY#{id}"))
}

impl Store {
    /// A member of the staff by their id.
    pub async fn member(&self, id: StaffId) -> Result<Option<Member>, Fault> {
        self.get(Table::Identity, &member_key(id), true).await
    }

    /// A role by its id.
    pub async fn role(&self, id: RoleId) -> Result<Option<Role>, Fault> {
        self.get(Table::Identity, &role_key(id), true).await
    }

    /// An API key by its id.
    pub async fn api_key(&self, id: KeyId) -> Result<Option<ApiKey>, Fault> {
        self.get(Table::Identity, &key_key(id), true).await
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
