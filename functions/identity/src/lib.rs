//! Identity: who somebody is, proven by a password and carried on by a session.

use std::path::PathBuf;
use std::sync::Arc;

use ::store::{Store, Table};
use domain::fault::{Fault, Retry};
use files::{Bucket, Files};
use queue::{Name, Queues};
use runtime::keyring::Kind;
use runtime::{Doors, Endpoint, Ids, Setup, Trigger, every, http, invoked, on_batch, on_stream};
use secrets::Secrets;
use snapshots::Index;

mod address_book;
mod erasing;
mod exporting;
pub mod factor;
mod gate;
mod indexed;
mod letter;
pub mod password;
mod phone;
mod privacy;
mod proof;
mod session;
mod staff;
pub mod admin {
    //! Endpoints for staff.
    pub mod accept_invitation;
    pub mod ask_erasure;
    pub mod ask_export;
    pub mod change_password;
    pub mod change_role;
    pub mod change_staff;
    pub mod create_api_key;
    pub mod create_role;
    pub mod delete_role;
    pub mod end_own_session;
    pub mod end_own_sessions;
    pub mod end_session;
    pub mod forgot_password;
    pub mod invite;
    pub mod list_api_keys;
    pub mod list_consents;
    pub mod list_customers;
    pub mod list_own_sessions;
    pub mod list_permissions;
    pub mod list_privacy_requests;
    pub mod list_roles;
    pub mod list_sessions;
    pub mod list_staff;
    pub mod login;
    pub mod logout;
    pub mod mfa;
    pub mod refresh;
    pub mod reinstate_staff;
    pub mod reset_password;
    pub mod reset_second_factor;
    pub mod revoke_api_key;
    pub mod rotate_api_key;
    pub mod step_up;
    pub mod suspend_staff;
    pub mod view_api_key;
    pub mod view_customer;
    pub mod view_role;
    pub mod view_staff;
}
pub mod jobs {
    //! What is done by the clock, and once by hand; the staff's index of customers; who wants to
    //! know what is known of them, or to be forgotten.
    pub mod apply_retention;
    pub mod create_owner;
    pub mod index_customers;
    pub mod on_customer_changed;
    pub mod rebuild_search;
    pub mod rotate_signing_key;
    pub mod serve_privacy;
}
pub mod store {
    //! Endpoints for customers.
    pub mod add_address;
    pub mod ask_erasure;
    pub mod ask_export;
    pub mod change_address;
    pub mod change_consent;
    pub mod change_email;
    pub mod change_password;
    pub mod change_phone;
    pub mod change_profile;
    pub mod close_account;
    pub mod confirm_email;
    pub mod confirm_phone;
    pub mod end_session;
    pub mod forgot_password;
    pub mod list_addresses;
    pub mod list_consents;
    pub mod list_sessions;
    pub mod login;
    pub mod logout;
    pub mod logout_all;
    pub mod me;
    pub mod open_export;
    pub mod password_policy;
    pub mod profile;
    pub mod reauthenticate;
    pub mod refresh;
    pub mod register;
    pub mod remove_address;
    pub mod remove_phone;
    pub mod resend_verification;
    pub mod reset_password;
    pub mod verify_email;
    pub mod view_address;
    pub mod view_phone;
}

/// What this domain touches.
#[derive(Debug)]
pub struct App {
    store: Store,
    doors: Doors,
    secrets: Arc<Secrets>,
    signing_secret: Option<String>,
    factor_secret: Option<String>,
    rotation: Option<jobs::rotate_signing_key::Names>,
    ids: Ids,
    /// The staff's index of customers, and its queue.
    index: Option<Arc<Index>>,
    queues: Option<Queues>,
    /// The bucket, for those who write and delete customers' exports.
    bucket: Option<Bucket>,
    /// Who signs their addresses.
    files: Option<Files>,
}

/// The functions that read or write the index.
const INDEXED: [&str; 2] = ["identity.admin.list_customers", "identity.jobs.index_customers"];
/// The functions that know its queue.
const QUEUED: [&str; 4] = [
    "identity.admin.list_customers",
    "identity.jobs.index_customers",
    "identity.jobs.on_customer_changed",
    "identity.jobs.rebuild_search",
];

impl runtime::App for App {
    fn connect(setup: &mut Setup<'_>) -> Self {
        let tables: &[Table] = match setup.handler {
            "identity.store.password_policy"
            | "identity.jobs.rotate_signing_key"
            | "identity.jobs.on_customer_changed"
            | "identity.jobs.rebuild_search"
            | "identity.unknown" => &[],
            "identity.jobs.index_customers" => &[Table::Identity],
            "identity.store.change_phone" => {
                &[Table::Identity, Table::Ephemeral, Table::Orders, Table::Catalog]
            }
            "identity.jobs.serve_privacy" => {
                &[Table::Identity, Table::Ephemeral, Table::Orders, Table::Carts]
            }
            "identity.jobs.apply_retention" => &[Table::Identity, Table::Orders, Table::Carts],
            // These have nothing to say to the rest of the shop.
            "identity.store.add_address"
            | "identity.store.change_address"
            | "identity.store.change_consent"
            | "identity.store.change_profile"
            | "identity.store.list_addresses"
            | "identity.store.list_consents"
            | "identity.store.list_sessions"
            | "identity.store.me"
            | "identity.store.profile"
            | "identity.store.remove_address"
            | "identity.store.verify_email"
            | "identity.store.view_address"
            | "identity.store.view_phone" => &[Table::Identity, Table::Ephemeral],
            _ => &[Table::Identity, Table::Ephemeral, Table::Orders],
        };
        let signs = matches!(
            setup.handler,
            "identity.store.login"
                | "identity.store.refresh"
                | "identity.admin.mfa"
                | "identity.admin.refresh"
        );
        let knows_factors = matches!(
            setup.handler,
            "identity.admin.login" | "identity.admin.mfa" | "identity.admin.step_up"
        );
        let rotates = setup.handler == "identity.jobs.rotate_signing_key";
        let index = INDEXED.contains(&setup.handler).then(|| {
            let bucket = Bucket::new(setup.aws(), setup.text("FILES_BUCKET"));
            // Of two functions on one machine each has its own.
            let folder = PathBuf::from(setup.text("SEARCH_FOLDER")).join(setup.handler);
            Arc::new(Index::new("customers", bucket, folder))
        });
        let keeps = setup.handler == "identity.jobs.serve_privacy";
        let signs_files = setup.handler == "identity.store.open_export";
        let is_queued = QUEUED.contains(&setup.handler);
        Self {
            store: setup.store(tables),
            doors: setup.doors(),
            secrets: setup.secrets(),
            rotation: rotates.then(|| jobs::rotate_signing_key::Names {
                signing: setup.secret(Kind::Signing, "SECRET_JWT_SIGNING"),
                public: setup.secret(Kind::Public, "SECRET_JWT_PUBLIC"),
            }),
            signing_secret: signs.then(|| setup.secret(Kind::Signing, "SECRET_JWT_SIGNING")),
            factor_secret: knows_factors.then(|| setup.secret(Kind::Factors, "SECRET_FACTORS")),
            ids: setup.ids(),
            index,
            bucket: keeps.then(|| Bucket::new(setup.aws(), setup.text("FILES_BUCKET"))),
            files: if signs_files { setup.files() } else { None },
            queues: is_queued.then(|| setup.queues(&[Name::SearchCustomers])),
        }
    }
    fn doors(&self) -> Option<&Doors> {
        Some(&self.doors)
    }
    fn store(&self) -> Option<&Store> {
        Some(&self.store)
    }
}

impl App {
    /// The staff's index; asking for it in a function that is not told of it is our own mistake.
    fn index(&self) -> Result<&Arc<Index>, Fault> {
        let tried = "use the index of customers without knowing where it is";
        self.index.as_ref().ok_or_else(|| Fault::noticed(tried, Retry::Useless))
    }

    /// The bucket, where the function was told of it.
    fn bucket(&self) -> Result<&Bucket, Fault> {
        let missing = || Fault::noticed("touch the bucket without FILES_BUCKET", Retry::Useless);
        self.bucket.as_ref().ok_or_else(missing)
    }

    /// Who signs addresses, where the function was told of it.
    fn files(&self) -> Result<&Files, Fault> {
        let missing = || Fault::noticed("sign an address without FILES_URL", Retry::Useless);
        self.files.as_ref().ok_or_else(missing)
    }

    fn queues(&self) -> Result<&Queues, Fault> {
        let tried = "use the queue of the index of customers without knowing where it is";
        self.queues.as_ref().ok_or_else(|| Fault::noticed(tried, Retry::Useless))
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
        "identity.store.list_consents",
        GET "/v1/store/me/consents",
        "Lists what the customer agreed to, refused and took back, with its proof.",
        store::list_consents
    ),
    http!(
        "identity.store.change_consent",
        PUT "/v1/store/me/consents/{purpose}",
        "Agrees to a purpose, or takes it back; what was said before stays.",
        store::change_consent
    ),
    http!(
        "identity.store.view_phone",
        GET "/v1/store/me/phone",
        "Shows the customer's telephone number, and whether they are texted about their orders.",
        store::view_phone
    ),
    http!(
        "identity.store.change_phone",
        PUT "/v1/store/me/phone",
        "Asks for another telephone number, to be texted about one's orders: a code is texted to \
         it, and nothing changes until that is typed in.",
        store::change_phone
    ),
    http!(
        "identity.store.confirm_phone",
        POST "/v1/store/me/phone/confirm",
        "Confirms the number by the code that was texted to it, and agrees to be texted.",
        store::confirm_phone
    ),
    http!(
        "identity.store.remove_phone",
        DELETE "/v1/store/me/phone",
        "Forgets the telephone number, and takes back the agreement to be texted.",
        store::remove_phone
    ),
    http!(
        "identity.store.ask_export",
        POST "/v1/store/me/export",
        "Asks for all that the shop knows of the customer; a letter tells when it is there.",
        store::ask_export
    ),
    http!(
        "identity.store.open_export",
        POST "/v1/auth/export/open",
        "Lends an export by the token that was mailed, once.",
        store::open_export
    ),
    http!(
        "identity.store.ask_erasure",
        POST "/v1/store/me/erasure",
        "Asks to be forgotten: the account goes, orders stay without whoever bought.",
        store::ask_erasure
    ),
    http!(
        "identity.store.password_policy",
        GET "/v1/auth/password_policy",
        "Says what a password must be.",
        store::password_policy
    ),
    every!("identity.jobs.rotate_signing_key", 3600, jobs::rotate_signing_key),
    http!(
        "identity.admin.login",
        POST "/v1/auth/staff/login",
        "First step of a sign-in of staff: the password.",
        admin::login
    ),
    http!(
        "identity.admin.mfa",
        POST "/v1/auth/staff/mfa",
        "Second step: the code; at the first time, it enrolls the app.",
        admin::mfa
    ),
    http!(
        "identity.admin.refresh",
        POST "/v1/auth/staff/refresh",
        "Renews a session of staff; each refresh token is good once.",
        admin::refresh
    ),
    http!(
        "identity.admin.logout",
        POST "/v1/auth/staff/logout",
        "Ends the session.",
        admin::logout
    ),
    http!(
        "identity.admin.step_up",
        POST "/v1/auth/staff/step_up",
        "Proves once more who is signed in, for what can not be undone.",
        admin::step_up
    ),
    http!(
        "identity.admin.list_own_sessions",
        GET "/v1/auth/staff/sessions",
        "Where one is signed in oneself.",
        admin::list_own_sessions
    ),
    http!(
        "identity.admin.end_own_sessions",
        DELETE "/v1/auth/staff/sessions",
        "Ends all own sessions but the one that asks.",
        admin::end_own_sessions
    ),
    http!(
        "identity.admin.end_own_session",
        DELETE "/v1/auth/staff/sessions/{id}",
        "Ends one of the own sessions.",
        admin::end_own_session
    ),
    http!(
        "identity.admin.forgot_password",
        POST "/v1/auth/staff/password/forgot",
        "Mails a link to choose another password; the answer is always the same.",
        admin::forgot_password
    ),
    http!(
        "identity.admin.reset_password",
        POST "/v1/auth/staff/password/reset",
        "Chooses another password by the token that was mailed.",
        admin::reset_password
    ),
    http!(
        "identity.admin.change_password",
        POST "/v1/auth/staff/password/change",
        "Chooses another password by the present one.",
        admin::change_password
    ),
    http!(
        "identity.admin.accept_invitation",
        POST "/v1/auth/staff/invitations/accept",
        "Chooses the first password by the token that was mailed.",
        admin::accept_invitation
    ),
    http!(
        "identity.admin.list_staff",
        GET "/v1/admin/staff",
        "Who works here.",
        admin::list_staff
    ),
    http!(
        "identity.admin.view_staff",
        GET "/v1/admin/staff/{id}",
        "A member of the staff.",
        admin::view_staff
    ),
    http!(
        "identity.admin.change_staff",
        PATCH "/v1/admin/staff/{id}",
        "Gives a colleague another role.",
        admin::change_staff
    ),
    http!(
        "identity.admin.suspend_staff",
        POST "/v1/admin/staff/{id}/suspend",
        "Keeps a colleague out, at once.",
        admin::suspend_staff
    ),
    http!(
        "identity.admin.reinstate_staff",
        POST "/v1/admin/staff/{id}/reinstate",
        "Lets a colleague in again.",
        admin::reinstate_staff
    ),
    http!(
        "identity.admin.reset_second_factor",
        POST "/v1/admin/staff/{id}/reset_second_factor",
        "Takes a lost second factor away; the next sign-in enrolls another.",
        admin::reset_second_factor
    ),
    http!(
        "identity.admin.list_sessions",
        GET "/v1/admin/staff/{id}/sessions",
        "Where a colleague is signed in.",
        admin::list_sessions
    ),
    http!(
        "identity.admin.end_session",
        DELETE "/v1/admin/staff/{id}/sessions/{session_id}",
        "Ends a session of a colleague.",
        admin::end_session
    ),
    http!(
        "identity.admin.invite",
        POST "/v1/admin/invitations",
        "Invites somebody to work here, or once more.",
        admin::invite
    ),
    http!(
        "identity.admin.list_roles",
        GET "/v1/admin/roles",
        "The roles.",
        admin::list_roles
    ),
    http!(
        "identity.admin.create_role",
        POST "/v1/admin/roles",
        "Makes a role.",
        admin::create_role
    ),
    http!(
        "identity.admin.view_role",
        GET "/v1/admin/roles/{id}",
        "A role.",
        admin::view_role
    ),
    http!(
        "identity.admin.change_role",
        PATCH "/v1/admin/roles/{id}",
        "Changes what a role may do, or its name.",
        admin::change_role
    ),
    http!(
        "identity.admin.delete_role",
        DELETE "/v1/admin/roles/{id}",
        "Deletes a role that nobody has.",
        admin::delete_role
    ),
    http!(
        "identity.admin.list_permissions",
        GET "/v1/admin/permissions",
        "All that somebody can be allowed.",
        admin::list_permissions
    ),
    http!(
        "identity.admin.list_api_keys",
        GET "/v1/admin/api_keys",
        "The API keys.",
        admin::list_api_keys
    ),
    http!(
        "identity.admin.create_api_key",
        POST "/v1/admin/api_keys",
        "Makes an API key; its text is shown this once.",
        admin::create_api_key
    ),
    http!(
        "identity.admin.view_api_key",
        GET "/v1/admin/api_keys/{id}",
        "An API key, without its text.",
        admin::view_api_key
    ),
    http!(
        "identity.admin.rotate_api_key",
        POST "/v1/admin/api_keys/{id}/rotate",
        "Gives an API key another text; the one before is good for a while.",
        admin::rotate_api_key
    ),
    http!(
        "identity.admin.revoke_api_key",
        DELETE "/v1/admin/api_keys/{id}",
        "Ends an API key, for good.",
        admin::revoke_api_key
    ),
    http!(
        "identity.admin.list_customers",
        GET "/v1/admin/customers",
        "Lists all customers, newest first; or finds those that somebody looks for.",
        admin::list_customers
    ),
    http!(
        "identity.admin.view_customer",
        GET "/v1/admin/customers/{id}",
        "Shows a customer with the address book.",
        admin::view_customer
    ),
    http!(
        "identity.admin.list_consents",
        GET "/v1/admin/customers/{id}/consents",
        "What a customer agreed to, refused and took back, with its proof.",
        admin::list_consents
    ),
    http!(
        "identity.admin.ask_export",
        POST "/v1/admin/customers/{id}/export",
        "Has a customer sent all that the shop knows of them.",
        admin::ask_export
    ),
    http!(
        "identity.admin.ask_erasure",
        POST "/v1/admin/customers/{id}/erasure",
        "Has a customer forgotten, once no order of theirs is under way.",
        admin::ask_erasure
    ),
    http!(
        "identity.admin.list_privacy_requests",
        GET "/v1/admin/privacy_requests",
        "Requests of customers for exports and erasures, open or done.",
        admin::list_privacy_requests
    ),
    every!("identity.jobs.serve_privacy", 60, jobs::serve_privacy),
    every!("identity.jobs.apply_retention", 86400, jobs::apply_retention),
    on_stream!("identity.jobs.on_customer_changed", Table::Identity, jobs::on_customer_changed),
    on_batch!("identity.jobs.index_customers", Name::SearchCustomers, jobs::index_customers),
    invoked!("identity.jobs.rebuild_search", jobs::rebuild_search),
    invoked!("identity.jobs.create_owner", jobs::create_owner),
    Endpoint { handler: "identity.unknown", trigger: Trigger::Unknown },
];
