//! What somebody may do: one registry for staff roles and for API keys.
//!
//! Every permission is one line below. From it come the type that an endpoint names, the schema
//! that the API documents and the list that tests walk; none of them can know a permission that
//! the others do not. Lines are sorted by name, so the order of the type is the order of the names.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

macro_rules! permissions {
    ($($variant:ident = $name:literal, step_up: $step_up:literal, keys: $keys:literal,
        $description:literal;)*) => {
        /// One thing that somebody may do.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Permission {
            $(#[doc = $description] $variant,)*
        }

        impl Permission {
            /// Every permission, sorted by name.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The name in roles, keys and the API: `orders.refund`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What it allows, in a sentence for the person who gives it.
            pub const fn description(self) -> &'static str {
                match self { $(Self::$variant => $description,)* }
            }

            /// Whether a member of staff must have shown who they are a moment ago
            /// ([`STEP_UP_LIFETIME`](crate::staff::STEP_UP_LIFETIME)) to use it.
            pub const fn needs_step_up(self) -> bool {
                match self { $(Self::$variant => $step_up,)* }
            }

            /// Whether an API key may hold it.
            pub const fn is_for_keys(self) -> bool {
                match self { $(Self::$variant => $keys,)* }
            }
        }

        /// One type for each permission, for an endpoint to name in its signature.
        pub mod grant {
            use super::{Grant, Permission};

            $(
                #[doc = $description]
                #[derive(Debug, Clone, Copy)]
                pub struct $variant;

                impl Grant for $variant {
                    const PERMISSION: Permission = Permission::$variant;
                }
            )*
        }
    };
}

permissions! {
    ApiKeysManage = "api_keys.manage", step_up: true, keys: false,
        "Make, rotate and revoke API keys.";
    AuditRead = "audit.read", step_up: false, keys: true,
        "Read the audit log.";
    CustomersErase = "customers.erase", step_up: true, keys: false,
        "Have a customer forgotten, for good.";
    CustomersRead = "customers.read", step_up: false, keys: true,
        "Find customers and read their profiles, addresses and consents.";
    CustomersWrite = "customers.write", step_up: false, keys: true,
        "Change, block and merge customers, and end their sessions.";
    ExportsCreate = "exports.create", step_up: true, keys: true,
        "Export orders, customers and reports as files.";
    GiftCardsIssue = "gift_cards.issue", step_up: true, keys: false,
        "Issue and correct gift cards and store credit: make money that the shop owes.";
    ImportsCreate = "imports.create", step_up: false, keys: true,
        "Import files of what one may also change by hand: products, prices, stock, customers.";
    InventoryAdjust = "inventory.adjust", step_up: false, keys: true,
        "Count stock, move it between locations and correct it.";
    InventoryRead = "inventory.read", step_up: false, keys: true,
        "Read stock levels, movements and reservations.";
    NotificationsWrite = "notifications.write", step_up: false, keys: true,
        "Send letters to customers again, and say who gets none.";
    OrdersCapture = "orders.capture", step_up: false, keys: true,
        "Take money that is reserved.";
    OrdersFulfill = "orders.fulfill", step_up: false, keys: true,
        "Pack and ship parcels, buy their labels and say that they arrived.";
    OrdersRead = "orders.read", step_up: false, keys: true,
        "Find orders and read them with their payments and shipments.";
    OrdersRefund = "orders.refund", step_up: true, keys: true,
        "Give money back.";
    OrdersWrite = "orders.write", step_up: false, keys: true,
        "Hold, edit and cancel orders.";
    ProductsRead = "products.read", step_up: false, keys: true,
        "Read products that are not for sale yet, and what they cost us.";
    ProductsWrite = "products.write", step_up: false, keys: true,
        "Add, change, price and archive products and categories.";
    PromotionsRead = "promotions.read", step_up: false, keys: true,
        "Read promotions and their codes.";
    PromotionsWrite = "promotions.write", step_up: false, keys: true,
        "Add, change and end promotions and their codes.";
    QueuesManage = "queues.manage", step_up: true, keys: false,
        "See what the queues could not do, and have it tried again.";
    ReturnsRead = "returns.read", step_up: false, keys: true,
        "Find returns and read what comes back, why and what became of it.";
    ReturnsWrite = "returns.write", step_up: false, keys: true,
        "Ask for, approve and reject returns, and say what came and what becomes of it.";
    SettingsRead = "settings.read", step_up: false, keys: true,
        "Read the shop's settings and the state of its parts.";
    SettingsWrite = "settings.write", step_up: false, keys: false,
        "Change the shop's settings: taxes, shipping, currencies, switches.";
    StaffManage = "staff.manage", step_up: true, keys: false,
        "Invite and suspend members of staff, give and change roles, end sessions.";
    StaffRead = "staff.read", step_up: false, keys: true,
        "Read who works here, which roles there are and which API keys.";
    TemplatesWrite = "templates.write", step_up: true, keys: false,
        "Write, publish and take back the words of letters, which carry links that open accounts.";
    WebhooksManage = "webhooks.manage", step_up: true, keys: false,
        "Say which systems are told of orders, and have events sent to them again.";
    WebhooksRead = "webhooks.read", step_up: false, keys: true,
        "Read which systems are told of orders, and what they were sent.";
}

/// A permission as a type: an endpoint that takes a staff member with `grant::OrdersRefund` can
/// not be reached without it.
pub trait Grant: Send + Sync + 'static {
    /// The permission that the type stands for.
    const PERMISSION: Permission;
}

impl Permission {
    /// The permission of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|permission| permission.name() == name)
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Permission {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Permission {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&name).ok_or_else(|| de::Error::custom("is not the name of a permission"))
    }
}

impl JsonSchema for Permission {
    fn schema_name() -> Cow<'static, str> {
        "Permission".into()
    }

    fn schema_id() -> Cow<'static, str> {
        concat!(module_path!(), "::Permission").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names: Vec<&str> = Self::ALL.iter().map(|permission| permission.name()).collect();
        json_schema!({
            "type": "string",
            "enum": names,
            "description": "One thing that a member of staff or an API key may do.",
        })
    }
}

/// A set of permissions, as a role or a key holds it: a sorted list of names.
///
/// Roles outlive releases: a name that this release does not know is dropped when it is read, and
/// allows nothing. An input that must name its mistakes is a `Vec<Permission>`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Permissions(BTreeSet<Permission>);

impl Permissions {
    /// Nothing.
    pub fn none() -> Self {
        Self::default()
    }

    /// Everything.
    pub fn all() -> Self {
        Self::of(Permission::ALL.iter().copied())
    }

    /// These.
    pub fn of(permissions: impl IntoIterator<Item = Permission>) -> Self {
        Self(permissions.into_iter().collect())
    }

    /// Whether this one is among them.
    pub fn contains(&self, permission: Permission) -> bool {
        self.0.contains(&permission)
    }

    /// Whether all of the others are among them.
    pub fn covers(&self, others: &Self) -> bool {
        self.0.is_superset(&others.0)
    }

    /// What both have.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self(self.0.intersection(&other.0).copied().collect())
    }

    /// Those of them that an API key may hold.
    #[must_use]
    pub fn for_keys(&self) -> Self {
        Self::of(self.iter().filter(|permission| permission.is_for_keys()))
    }

    /// Each of them, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = Permission> + '_ {
        self.0.iter().copied()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<Permission> for Permissions {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        Self::of(permissions)
    }
}

impl Serialize for Permissions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Permissions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let names = Vec::<Cow<'de, str>>::deserialize(deserializer)?;
        Ok(names.iter().filter_map(|name| Permission::parse(name)).collect())
    }
}

impl JsonSchema for Permissions {
    fn schema_name() -> Cow<'static, str> {
        "Permissions".into()
    }

    fn schema_id() -> Cow<'static, str> {
        concat!(module_path!(), "::Permissions").into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "array",
            "items": generator.subschema_for::<Permission>(),
            "uniqueItems": true,
            "maxItems": Permission::ALL.len(),
        })
    }

    fn inline_schema() -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registry_is_sorted_by_name_and_each_name_is_read_back() {
        assert!(Permission::ALL.is_sorted_by(|a, b| a.name() < b.name() && a < b));
        for permission in Permission::ALL {
            assert_eq!(Permission::parse(permission.name()), Some(*permission));
            assert!(permission.description().ends_with('.'), "{permission}");
        }
        assert_eq!(Permission::parse("Orders.Read"), None);
        assert_eq!(Permission::parse(""), None);
    }

    #[test]
    fn no_key_may_make_staff_or_keys() {
        for permission in [Permission::StaffManage, Permission::ApiKeysManage] {
            assert!(permission.needs_step_up() && !permission.is_for_keys());
        }
        let held = Permissions::all().for_keys();
        assert!(held.iter().all(Permission::is_for_keys) && !held.is_empty());
    }

    #[test]
    fn what_moves_money_or_lets_somebody_or_something_in_or_out_needs_a_step_up() {
        let names: Vec<_> = Permission::ALL.iter().filter(|p| p.needs_step_up()).collect();
        assert_eq!(
            names.iter().map(|p| p.name()).collect::<Vec<_>>(),
            [
                "api_keys.manage",
                "customers.erase",
                "exports.create",
                "gift_cards.issue",
                "orders.refund",
                "queues.manage",
                "staff.manage",
                "templates.write",
                "webhooks.manage"
            ],
        );
    }

    #[test]
    fn a_permission_is_a_type_too() {
        assert_eq!(grant::OrdersRefund::PERMISSION, Permission::OrdersRefund);
    }

    #[test]
    fn a_set_is_stored_as_sorted_names_and_forgets_the_ones_nobody_knows() {
        let some = Permissions::of([Permission::OrdersRead, Permission::AuditRead]);
        let text = serde_json::to_string(&some).unwrap();
        assert_eq!(text, r#"["audit.read","orders.read"]"#);
        let stored = r#"["orders.read","ships.sink","audit.read","audit.read"]"#;
        assert_eq!(serde_json::from_str::<Permissions>(stored).unwrap(), some);
        assert!(serde_json::from_str::<Vec<Permission>>(stored).is_err());
    }

    #[test]
    fn a_set_covers_its_parts_and_nothing_more() {
        let reader = Permissions::of([Permission::OrdersRead, Permission::AuditRead]);
        let clerk = Permissions::of([Permission::OrdersRead, Permission::OrdersWrite]);
        assert!(Permissions::all().covers(&reader) && reader.covers(&Permissions::none()));
        assert!(!reader.covers(&clerk));
        assert_eq!(reader.intersection(&clerk), Permissions::of([Permission::OrdersRead]));
    }

    #[test]
    fn the_schema_lists_the_names() {
        let schema = serde_json::to_value(schemars::schema_for!(Permission)).unwrap();
        assert_eq!(schema["enum"].as_array().unwrap().len(), Permission::ALL.len());
        assert_eq!(schema["enum"][0], "api_keys.manage");
    }
}
