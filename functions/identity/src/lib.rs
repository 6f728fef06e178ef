//! Identity: who somebody is, proven by a password and carried on by a session.

use std::sync::Arc;

use ::store::{Store, Table};
use runtime::{Doors, Endpoint, Ids, Setup, Trigger, every, http};
use secrets::Secrets;

mod address_book;
mod gate;
mod letter;
pub mod password;
mod proof;
mod session;
pub mod jobs {
    //! What is done by the clock.
    pub mod rotate_signing_key;
}
pub mod store {
    //! Endpoints for customers.
    pub mod add_address;
    pub mod change_address;
    pub mod change_email;
    pub mod change_password;
    pub mod change_profile;
    pub mod close_account;
    pub mod confirm_email;
    pub mod end_session;
    pub mod forgot_password;
    pub mod list_addresses;
    pub mod list_sessions;
    pub mod login;
    pub mod logout;
    pub mod logout_all;
    pub mod me;
    pub mod password_policy;
    pub mod profile;
    pub mod reauthenticate;
    pub mod refresh;
    pub mod register;
    pub mod remove_address;
    pub mod resend_verification;
    pub mod reset_password;
    pub mod verify_email;
    pub mod view_address;
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
            "identity.store.password_policy"
            | "identity.jobs.rotate_signing_key"
            | "identity.unknown" => &[],
            // These have nothing to say to the rest of the shop.
            "identity.store.add_address"
            | "identity.store.change_address"
            | "identity.store.change_profile"
            | "identity.store.list_addresses"
            | "identity.store.list_sessions"
            | "identity.store.me"
            | "identity.store.profile"
            | "identity.store.remove_address"
            | "identity.store.verify_email"
            | "identity.store.view_address" => &[Table::Identity, Table::Ephemeral],
            _ => &[Table::Identity, Table::Ephemeral, Table::Orders],
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
        "identity.store.forgot_password",
        POST "/v1/auth/password/forgot",
        "Mails a link to choose another password; the answer is the same for every address.",
        store::forgot_password
    ),
    http!(
        "identity.store.reset_password",
        POST "/v1/auth/password/reset",
        "Chooses another password by the token that was mailed; ends all sessions.",
        store::reset_password
    ),
    http!(
        "identity.store.change_password",
        POST "/v1/auth/password/change",
        "Changes the password of who knows it; ends all other sessions.",
        store::change_password
    ),
    http!(
        "identity.store.resend_verification",
        POST "/v1/auth/email/resend",
        "Mails another link to confirm an address; the answer is the same for every address.",
        store::resend_verification
    ),
    http!(
        "identity.store.change_email",
        POST "/v1/auth/email/change",
        "Asks the old and the new address whether the account shall move.",
        store::change_email
    ),
    http!(
        "identity.store.confirm_email",
        POST "/v1/auth/email/confirm",
        "Agrees, by the token that was mailed, that the account moves to another address.",
        store::confirm_email
    ),
    http!(
        "identity.store.list_sessions",
        GET "/v1/auth/sessions",
        "Lists where the customer is signed in.",
        store::list_sessions
    ),
    http!(
        "identity.store.end_session",
        DELETE "/v1/auth/sessions/{id}",
        "Signs the customer out on one device.",
        store::end_session
    ),
    http!(
        "identity.store.logout_all",
        POST "/v1/auth/logout_all",
        "Signs the customer out everywhere.",
        store::logout_all
    ),
    http!(
        "identity.store.reauthenticate",
        POST "/v1/auth/reauthenticate",
        "Takes the password once more, for what can not be undone.",
        store::reauthenticate
    ),
    http!(
        "identity.store.profile",
        GET "/v1/store/me",
        "Shows the customer's account.",
        store::profile
    ),
    http!(
        "identity.store.change_profile",
        PATCH "/v1/store/me",
        "Changes the customer's name.",
        store::change_profile
    ),
    http!(
        "identity.store.close_account",
        DELETE "/v1/store/me",
        "Closes the account; wants a proof of the last ten minutes.",
        store::close_account
    ),
    http!(
        "identity.store.list_addresses",
        GET "/v1/store/me/addresses",
        "Lists the customer's address book, oldest first.",
        store::list_addresses
    ),
    http!(
        "identity.store.add_address",
        POST "/v1/store/me/addresses",
        "Adds an address to the book.",
        store::add_address
    ),
    http!(
        "identity.store.view_address",
        GET "/v1/store/me/addresses/{id}",
        "Shows an address of the book.",
        store::view_address
    ),
    http!(
        "identity.store.change_address",
        PUT "/v1/store/me/addresses/{id}",
        "Changes an address of the book.",
        store::change_address
    ),
    http!(
        "identity.store.remove_address",
        DELETE "/v1/store/me/addresses/{id}",
        "Takes an address out of the book.",
        store::remove_address
    ),
    http!(
        "identity.store.password_policy",
        GET "/v1/auth/password_policy",
        "Says what a password must be.",
        store::password_policy
    ),
    every!("identity.jobs.rotate_signing_key", 3600, jobs::rotate_signing_key),
    Endpoint { handler: "identity.unknown", trigger: Trigger::Unknown },
];
