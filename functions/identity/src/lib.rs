//! Identity: who somebody is, proven by a password and carried on by a session.

use std::sync::Arc;

use ::store::{Store, Table};
use runtime::{Doors, Endpoint, Ids, Setup, Trigger, every, http};
use secrets::Secrets;

mod gate;
pub mod password;
mod session;
pub mod jobs {
    //! What is done by the clock.
    pub mod rotate_signing_key;
}
pub mod store {
    //! Endpoints for customers.
    pub mod login;
    pub mod logout;
    pub mod me;
    pub mod password_policy;
    pub mod refresh;
    pub mod register;
    pub mod verify_email;
}

/// What this domain touches.
#[derive(Debug)]
pub struct App {
    store: Store,
    doors: Doors,
    secrets: Arc<Secrets>,
    signing_secret: Option<String>,
    rotation: Option<jobs::rotate_signing_key::Names>,
    ids: Ids,
}

impl runtime::App for App {
    fn connect(setup: &mut Setup<'_>) -> Self {
        let tables: &[Table] = match setup.handler {
            "identity.store.register" => &[Table::Identity, Table::Ephemeral, Table::Orders],
            "identity.store.password_policy"
            | "identity.jobs.rotate_signing_key"
            | "identity.unknown" => &[],
            "identity.store.login" | "identity.store.refresh" | "identity.store.logout" => {
                &[Table::Identity, Table::Ephemeral, Table::Orders]
            }
            _ => &[Table::Identity, Table::Ephemeral],
        };
        let signs = matches!(setup.handler, "identity.store.login" | "identity.store.refresh");
        let rotates = setup.handler == "identity.jobs.rotate_signing_key";
        Self {
            store: setup.store(tables),
            doors: setup.doors(),
            secrets: setup.secrets(),
            rotation: rotates.then(|| jobs::rotate_signing_key::Names {
                signing: setup.text("SECRET_JWT_SIGNING"),
                public: setup.text("SECRET_JWT_PUBLIC"),
            }),
            signing_secret: signs.then(|| setup.text("SECRET_JWT_SIGNING")),
            ids: setup.ids(),
        }
    }
    fn doors(&self) -> Option<&Doors> {
        Some(&self.doors)
    }
    fn store(&self) -> Option<&Store> {
        Some(&self.store)
    }
}

/// The functions of this domain.
pub static ENDPOINTS: &[Endpoint<App>] = &[
    http!(
        "identity.store.register",
        POST "/v1/auth/register",
        "Opens an account; the answer is the same whether or not the address is known.",
        store::register
    ),
    http!(
        "identity.store.verify_email",
        POST "/v1/auth/email/verify",
        "Confirms an address by the token that was mailed to it.",
        store::verify_email
    ),
    http!(
        "identity.store.login",
        POST "/v1/auth/login",
        "Signs a customer in, by cookies or with tokens.",
        store::login
    ),
    http!(
        "identity.store.refresh",
        POST "/v1/auth/refresh",
        "Renews a session; each refresh token is good once.",
        store::refresh
    ),
    http!("identity.store.logout", POST "/v1/auth/logout", "Ends the session.", store::logout),
    http!("identity.store.me", GET "/v1/auth/me", "Says who is signed in.", store::me),
    http!(
        "identity.store.password_policy",
        GET "/v1/auth/password_policy",
        "Says what a password must be.",
        store::password_policy
    ),
    every!("identity.jobs.rotate_signing_key", 3600, jobs::rotate_signing_key),
    Endpoint { handler: "identity.unknown", trigger: Trigger::Unknown },
];
