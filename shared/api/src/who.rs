//! Who is calling, as an argument type: an endpoint that does not say who may call does not
//! compile, and a caller can not be made up: no other crate can write one down.

use std::marker::PhantomData;

use domain::account::{Session, Subject};
use domain::api_key::{ApiKey, Presented};
use domain::audit::Actor;
use domain::cart::{Cart, Owner};
use domain::id::{CustomerId, KeyId, SessionId, StaffId};
use domain::order::{Order, Status};
use domain::permission::{Grant, Permission, Permissions};
use domain::staff::{Member as StaffMember, Role, Status as StaffStatus};
use http::StatusCode;
use jiff::Timestamp;
use subtle::ConstantTimeEq as _;

use crate::cors::Origins;
use crate::openapi::Security;
use crate::problem::Problem;
use crate::request::Request;
use crate::seal::{Sealer, token_hash};
use crate::token::{Claims, Verifier};

/// The cookie of a customer's access token.
pub const CUSTOMER_COOKIE: &str = "__Host-session";
/// The cookie of a staff member's access token.
pub const STAFF_COOKIE: &str = "__Host-staff-session";

/// The code of a refusal for want of a fresh proof.
pub const STEP_UP_REQUIRED: &str = "step_up_required";

/// What the doors need to know of keys and origins.
#[derive(Debug, Clone)]
pub struct Guard {
    /// Checks access tokens.
    pub verifier: Verifier,
    /// Seals cursors, CSRF tokens and links.
    pub sealer: Sealer,
    /// Who may call from another origin.
    pub origins: Origins,
    /// Whether API keys of the live shop open these doors, or those of a test.
    pub is_live: bool,
}

/// Which callers an endpoint looks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// None: it is for everybody, whatever they carry.
    Nobody,
    /// Customers.
    Customers,
    /// Staff and API keys.
    Staff,
    /// Whoever is signed in.
    SignedIn,
}

/// What a request carries that may tell who is calling: genuine, but not yet looked up.
#[derive(Debug)]
pub enum Credentials {
    /// Nothing.
    None,
    /// An access token of ours.
    Session {
        /// What it says.
        claims: Claims,
        /// Whether the browser sent it by itself.
        is_cookie: bool,
    },
    /// The text of an API key.
    Key(Presented),
}

/// What the shop knows of the holder of credentials.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Their session, if it is not over.
    pub session: Option<Session>,
    /// Their API key.
    pub key: Option<ApiKey>,
    /// The member of the staff: the caller, or who made the API key.
    pub member: Option<StaffMember>,
    /// The member's role.
    pub role: Option<Role>,
}

impl Facts {
    /// What the member may do.
    fn permissions(&self) -> Permissions {
        let (Some(member), Some(role)) = (&self.member, &self.role) else {
            return Permissions::none();
        };
        if member.status != StaffStatus::Active || member.role != role.id {
            return Permissions::none();
        }
        if role.is_owner { Permissions::all() } else { role.permissions.clone() }
    }
}

/// Who is calling. Only [`Guard::admit`] makes one.
#[derive(Debug, Clone)]
pub struct Caller(Kind);

#[derive(Debug, Clone)]
enum Kind {
    Nobody,
    Customer(Customer, Box<Session>),
    Member(StaffId, Box<Session>, Permissions),
    Key(KeyId, StaffId, Permissions),
}

impl Caller {
    /// The holder of a bucket that counts this caller's requests; none for nobody.
    pub fn holder(&self) -> Option<String> {
        match &self.0 {
            Kind::Nobody => None,
            Kind::Customer(customer, _) => Some(customer.id.to_string()),
            Kind::Member(id, ..) => Some(id.to_string()),
            Kind::Key(id, ..) => Some(id.to_string()),
        }
    }
}

impl Guard {
    /// The CSRF token of a session.
    pub fn csrf_token(&self, session: SessionId) -> String {
        self.sealer.seal("csrf", &session.to_string())
    }

    /// Whether a request carries a token that names a key which is not known here.
    pub fn has_unknown_key(&self, request: &Request) -> bool {
        let bearer = request.header("authorization").and_then(|v| v.strip_prefix("Bearer "));
        [bearer, request.cookie(CUSTOMER_COOKIE), request.cookie(STAFF_COOKIE)]
            .into_iter()
            .flatten()
            .any(|token| self.verifier.has_unknown_key(token))
    }

    /// What a request carries for an endpoint's audience; a problem where it is bad.
    pub fn credentials(
        &self,
        request: &Request,
        audience: Audience,
    ) -> Result<Credentials, Problem> {
        if audience == Audience::Nobody {
            return Ok(Credentials::None);
        }
        if let Some(value) = request.headers.get("authorization") {
            let token = value.to_str().ok().and_then(|value| value.strip_prefix("Bearer "));
            let token = token.ok_or_else(Problem::unauthenticated)?;
            if let Ok(presented) = Presented::parse(token) {
                let is_ours = presented.is_live() == self.is_live && audience == Audience::Staff;
                return if is_ours {
                    Ok(Credentials::Key(presented))
                } else {
                    Err(Problem::unauthenticated())
                };
            }
            let claims = self.verifier.verify(token, request.now);
            let claims = claims.filter(|claims| is_for(claims.sub, audience));
            let claims = claims.ok_or_else(Problem::unauthenticated)?;
            return Ok(Credentials::Session { claims, is_cookie: false });
        }
        let cookies: &[&str] = match audience {
            Audience::Nobody => &[],
            Audience::Customers => &[CUSTOMER_COOKIE],
            Audience::Staff => &[STAFF_COOKIE],
            Audience::SignedIn => &[STAFF_COOKIE, CUSTOMER_COOKIE],
        };
        // A stale cookie is not a lie: the browser sends it by itself.
        let claims = cookies.iter().find_map(|name| {
            let claims = self.verifier.verify(request.cookie(name)?, request.now)?;
            let is_staffs = matches!(claims.sub, Subject::Staff(_));
            (is_staffs == (*name == STAFF_COOKIE)).then_some(claims)
        });
        let Some(claims) = claims else { return Ok(Credentials::None) };
        if !request.is_safe() {
            self.same_site(request)?;
            let given = request.header("x-csrf-token").unwrap_or_default();
            if !self.sealer.is_seal("csrf", &claims.sid.to_string(), given) {
                return Err(csrf_failed());
            }
        }
        Ok(Credentials::Session { claims, is_cookie: true })
    }

    /// The caller that credentials and what is known of their holder make, or no.
    pub fn admit(
        &self,
        credentials: &Credentials,
        facts: &Facts,
        now: Timestamp,
    ) -> Result<Caller, Problem> {
        match credentials {
            Credentials::None => Ok(Caller(Kind::Nobody)),
            Credentials::Session { claims, is_cookie } => {
                let session = facts.session.as_ref().filter(|session| {
                    session.id == claims.sid
                        && session.subject == claims.sub
                        && session.is_alive(now)
                });
                let Some(session) = session else {
                    let nobody = Ok(Caller(Kind::Nobody));
                    return if *is_cookie { nobody } else { Err(Problem::session_revoked()) };
                };
                let session = Box::new(session.clone());
                match claims.sub {
                    Subject::Customer(id) => {
                        let customer = Customer { id, session: claims.sid };
                        Ok(Caller(Kind::Customer(customer, session)))
                    }
                    Subject::Staff(id) => {
                        let member = facts.member.as_ref().filter(|member| {
                            member.id == id && member.status == StaffStatus::Active
                        });
                        if member.is_none() {
                            return Err(Problem::session_revoked());
                        }
                        Ok(Caller(Kind::Member(id, session, facts.permissions())))
                    }
                }
            }
            Credentials::Key(presented) => {
                let key = facts.key.as_ref().filter(|key| key.admits(presented, now));
                let key = key.ok_or_else(Problem::unauthenticated)?;
                let creator = facts.member.as_ref().filter(|member| member.id == key.creator);
                if creator.is_none_or(|creator| creator.status != StaffStatus::Active) {
                    return Err(Problem::unauthenticated());
                }
                // Never wider than who made it is today.
                let permissions = key.permissions(&facts.permissions());
                Ok(Caller(Kind::Key(key.id, key.creator, permissions)))
            }
        }
    }

    /// Refuses a cookie-carrying request that another site has sent: an `Origin` must be on the
    /// list, and without one `Sec-Fetch-Site` must say that it is ours.
    pub fn same_site(&self, request: &Request) -> Result<(), Problem> {
        let is_ours = if request.headers.contains_key("origin") {
            request.header("origin").is_some_and(|origin| self.origins.allow(origin))
        } else {
            matches!(request.header("sec-fetch-site"), Some("same-origin" | "same-site" | "none"))
        };
        if is_ours { Ok(()) } else { Err(csrf_failed()) }
    }
}

fn is_for(subject: Subject, audience: Audience) -> bool {
    match (audience, subject) {
        (Audience::SignedIn, _)
        | (Audience::Customers, Subject::Customer(_))
        | (Audience::Staff, Subject::Staff(_)) => true,
        (Audience::Nobody, _)
        | (Audience::Customers, Subject::Staff(_))
        | (Audience::Staff, Subject::Customer(_)) => false,
    }
}

fn csrf_failed() -> Problem {
    let detail = "Send the session's X-CSRF-Token from an allowed origin.";
    Problem::new(StatusCode::FORBIDDEN, "csrf_failed", detail)
}

fn step_up_required() -> Problem {
    let detail = "Prove who you are once more: this wants a proof of the last ten minutes.";
    Problem::new(StatusCode::FORBIDDEN, STEP_UP_REQUIRED, detail)
}

/// A kind of caller.
pub trait Who: Sized {
    /// What the contract says of it.
    const SECURITY: Security;
    /// Whom to look for.
    const AUDIENCE: Audience;
    /// Whether the endpoint counts its anonymous callers itself.
    const COUNTS_ITSELF: bool = false;
    /// Finds out, or says no.
    fn identify(caller: &Caller, request: &Request) -> Result<Self, Problem>;
    /// The scope of this caller's idempotency keys.
    fn principal(&self, request: &Request) -> String;
}

/// A caller whose endpoint counts by itself how often nobody in particular may write: in the
/// transaction of its effect, or only what fails.
#[derive(Debug, Clone)]
pub struct Metered<W>(pub W);

impl<W: Who> Who for Metered<W> {
    const SECURITY: Security = W::SECURITY;
    const AUDIENCE: Audience = W::AUDIENCE;
    const COUNTS_ITSELF: bool = true;
    fn identify(caller: &Caller, request: &Request) -> Result<Self, Problem> {
        W::identify(caller, request).map(Self)
    }
    fn principal(&self, request: &Request) -> String {
        self.0.principal(request)
    }
}

/// Anybody.
#[derive(Debug, Clone, Copy)]
pub struct Anyone;

impl Who for Anyone {
    const SECURITY: Security = Security::None;
    const AUDIENCE: Audience = Audience::Nobody;
    fn identify(_: &Caller, _: &Request) -> Result<Self, Problem> {
        Ok(Self)
    }
    fn principal(&self, request: &Request) -> String {
        format!("ip:{}", request.source_ip)
    }
}

/// The payment provider, who proves itself by a signature over the body, checked by the endpoint.
#[derive(Debug, Clone, Copy)]
pub struct Signed;

impl Who for Signed {
    const SECURITY: Security = Security::Signature;
    const AUDIENCE: Audience = Audience::Nobody;
    const COUNTS_ITSELF: bool = true;
    fn identify(_: &Caller, _: &Request) -> Result<Self, Problem> {
        Ok(Self)
    }
    fn principal(&self, request: &Request) -> String {
        format!("ip:{}", request.source_ip)
    }
}

/// The carriers, who prove themselves by a signature over the body, checked by the endpoint.
#[derive(Debug, Clone, Copy)]
pub struct CarrierSigned;

impl Who for CarrierSigned {
    const SECURITY: Security = Security::CarrierSignature;
    const AUDIENCE: Audience = Audience::Nobody;
    const COUNTS_ITSELF: bool = true;
    fn identify(_: &Caller, _: &Request) -> Result<Self, Problem> {
        Ok(Self)
    }
    fn principal(&self, request: &Request) -> String {
        format!("ip:{}", request.source_ip)
    }
}

/// A signed-in customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Customer {
    /// Who.
    pub id: CustomerId,
    /// In which session.
    pub session: SessionId,
}

impl Customer {
    fn of(caller: &Caller) -> Option<Self> {
        match &caller.0 {
            Kind::Customer(customer, _) => Some(*customer),
            Kind::Nobody | Kind::Member(..) | Kind::Key(..) => None,
        }
    }
}

impl Who for Customer {
    const SECURITY: Security = Security::Customer;
    const AUDIENCE: Audience = Audience::Customers;
    fn identify(caller: &Caller, _: &Request) -> Result<Self, Problem> {
        Self::of(caller).ok_or_else(Problem::unauthenticated)
    }
    fn principal(&self, _: &Request) -> String {
        self.id.to_string()
    }
}

/// A signed-in customer who has proven who they are within the last minutes.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct FreshCustomer(pub Customer);

impl Who for FreshCustomer {
    const SECURITY: Security = Security::Customer;
    const AUDIENCE: Audience = Audience::Customers;
    fn identify(caller: &Caller, request: &Request) -> Result<Self, Problem> {
        match &caller.0 {
            Kind::Customer(customer, session) if session.is_fresh(request.now) => {
                Ok(Self(*customer))
            }
            Kind::Customer(..) => Err(step_up_required()),
            Kind::Nobody | Kind::Member(..) | Kind::Key(..) => Err(Problem::unauthenticated()),
        }
    }
    fn principal(&self, request: &Request) -> String {
        self.0.principal(request)
    }
}

/// A customer, or nobody in particular.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Shopper(pub Option<Customer>);

impl Who for Shopper {
    const SECURITY: Security = Security::Cart;
    const AUDIENCE: Audience = Audience::Customers;
    fn identify(caller: &Caller, _: &Request) -> Result<Self, Problem> {
        Ok(Self(Customer::of(caller)))
    }
    fn principal(&self, request: &Request) -> String {
        match &self.0 {
            Some(customer) => customer.principal(request),
            None => Anyone.principal(request),
        }
    }
}

/// A caller of this kind, or nobody: what serves both.
#[derive(Debug, Clone)]
pub struct Perhaps<W>(pub Option<W>);

impl<W: Who> Who for Perhaps<W> {
    const SECURITY: Security = Security::None;
    const AUDIENCE: Audience = W::AUDIENCE;
    fn identify(caller: &Caller, request: &Request) -> Result<Self, Problem> {
        match &caller.0 {
            Kind::Nobody => Ok(Self(None)),
            _ => W::identify(caller, request).map(|who| Self(Some(who))),
        }
    }
    fn principal(&self, request: &Request) -> String {
        match &self.0 {
            Some(who) => who.principal(request),
            None => Anyone.principal(request),
        }
    }
}

/// Whoever is signed in: a customer, or a member of the staff.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SignedIn {
    /// Who.
    pub subject: Subject,
    /// In which session.
    pub session: Session,
    /// What a member of the staff may do.
    pub permissions: Permissions,
}

impl Who for SignedIn {
    const SECURITY: Security = Security::SignedIn;
    const AUDIENCE: Audience = Audience::SignedIn;
    fn identify(caller: &Caller, _: &Request) -> Result<Self, Problem> {
        let (session, permissions) = match &caller.0 {
            Kind::Customer(_, session) => (session, Permissions::none()),
            Kind::Member(_, session, permissions) => (session, permissions.clone()),
            Kind::Nobody | Kind::Key(..) => return Err(Problem::unauthenticated()),
        };
        Ok(Self { subject: session.subject, session: (**session).clone(), permissions })
    }
    fn principal(&self, _: &Request) -> String {
        self.subject.to_string()
    }
}

/// A signed-in member of the staff, whatever they may do.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Member {
    /// Who.
    pub id: StaffId,
    /// In which session.
    pub session: Session,
    /// What they may do.
    pub permissions: Permissions,
}

impl Who for Member {
    const SECURITY: Security = Security::Member;
    const AUDIENCE: Audience = Audience::Staff;
    fn identify(caller: &Caller, _: &Request) -> Result<Self, Problem> {
        match &caller.0 {
            Kind::Member(id, session, permissions) => {
                Ok(Self { id: *id, session: (**session).clone(), permissions: permissions.clone() })
            }
            Kind::Nobody | Kind::Customer(..) | Kind::Key(..) => Err(Problem::unauthenticated()),
        }
    }
    fn principal(&self, _: &Request) -> String {
        self.id.to_string()
    }
}

/// A member of the staff or an API key that holds a permission — and, where the permission wants
/// it, a member who has proven who they are within the last minutes.
pub struct Staff<P> {
    actor: Actor,
    responsible: StaffId,
    permissions: Permissions,
    permission: PhantomData<P>,
}

impl<P> Clone for Staff<P> {
    fn clone(&self) -> Self {
        Self { permissions: self.permissions.clone(), ..*self }
    }
}

impl<P> std::fmt::Debug for Staff<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Staff({:?})", self.actor)
    }
}

impl<P> Staff<P> {
    /// Who acts, for the audit log.
    pub fn actor(&self) -> Actor {
        self.actor
    }

    /// The member of the staff who acts, or who made the acting API key.
    pub fn responsible(&self) -> StaffId {
        self.responsible
    }

    /// All that the caller may do: nobody hands on more than they hold.
    pub fn permissions(&self) -> &Permissions {
        &self.permissions
    }

    /// Refuses a caller without another permission: where it depends on what they bring.
    pub fn must_hold(&self, permission: Permission) -> Result<(), Problem> {
        if self.permissions.contains(permission) { Ok(()) } else { Err(forbidden(permission)) }
    }
}

fn forbidden(permission: Permission) -> Problem {
    let detail = format!("This wants the permission {}.", permission.name());
    Problem::new(StatusCode::FORBIDDEN, "forbidden", detail).member("permission", permission.name())
}

impl<P: Grant> Who for Staff<P> {
    const SECURITY: Security = Security::Staff(P::PERMISSION);
    const AUDIENCE: Audience = Audience::Staff;
    fn identify(caller: &Caller, request: &Request) -> Result<Self, Problem> {
        let permission = P::PERMISSION;
        let (actor, responsible, permissions) = match &caller.0 {
            Kind::Member(id, session, permissions) => {
                if !permissions.contains(permission) {
                    return Err(forbidden(permission));
                }
                if permission.needs_step_up() && !session.is_fresh(request.now) {
                    return Err(step_up_required());
                }
                (Actor::Staff(*id), *id, permissions)
            }
            Kind::Key(id, creator, permissions) => {
                if !permission.is_for_keys() || !permissions.contains(permission) {
                    return Err(forbidden(permission));
                }
                (Actor::Key(*id), *creator, permissions)
            }
            Kind::Nobody | Kind::Customer(..) => return Err(Problem::unauthenticated()),
        };
        let permissions = permissions.clone();
        Ok(Self { actor, responsible, permissions, permission: PhantomData })
    }
    fn principal(&self, _: &Request) -> String {
        match &self.actor {
            Actor::Key(id) => id.to_string(),
            _ => self.responsible.to_string(),
        }
    }
}

/// Somebody who may own a cart: a customer, the holder of a cart token, or both.
#[derive(Clone)]
pub struct CartOwner {
    /// The customer.
    pub customer: Option<Customer>,
    token_hash: Option<String>,
}

impl std::fmt::Debug for CartOwner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CartOwner({:?}, {})", self.customer, self.token_hash.is_some())
    }
}

impl CartOwner {
    /// Whether the cart is theirs.
    pub fn owns(&self, cart: &Cart) -> bool {
        match &cart.owner {
            Owner::Customer(id) => self.customer.is_some_and(|customer| customer.id == *id),
            Owner::Token(hash) => is_hash(self.token_hash.as_deref(), hash),
        }
    }
}

impl Who for CartOwner {
    const SECURITY: Security = Security::Cart;
    const AUDIENCE: Audience = Audience::Customers;
    fn identify(caller: &Caller, request: &Request) -> Result<Self, Problem> {
        let customer = Customer::of(caller);
        let token_hash = request.header("x-cart-token").map(token_hash);
        if customer.is_none() && token_hash.is_none() {
            return Err(Problem::unauthenticated());
        }
        Ok(Self { customer, token_hash })
    }
    fn principal(&self, request: &Request) -> String {
        match (&self.customer, &self.token_hash) {
            (Some(customer), _) => customer.principal(request),
            (None, Some(hash)) => format!("cart:{hash}"),
            (None, None) => Anyone.principal(request),
        }
    }
}

/// Somebody who may see an order: its customer, the holder of an order token, or — while its
/// payment is awaited — the holder of its cart's token, who may have lost the answer that carried
/// the order token.
#[derive(Clone)]
pub struct OrderReader {
    /// The customer.
    pub customer: Option<Customer>,
    order_hash: Option<String>,
    cart_hash: Option<String>,
}

impl std::fmt::Debug for OrderReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OrderReader({:?})", self.customer)
    }
}

impl OrderReader {
    /// Whether the order opens for them.
    pub fn may_read(&self, order: &Order) -> bool {
        let is_customer = self.customer.is_some_and(|customer| order.customer == Some(customer.id));
        let has_token = order.access.iter().any(|hash| is_hash(self.order_hash.as_deref(), hash));
        let has_cart = order.status == Status::PendingPayment
            && order
                .cart_access
                .as_deref()
                .is_some_and(|hash| is_hash(self.cart_hash.as_deref(), hash));
        is_customer || has_token || has_cart
    }
}

impl OrderReader {
    /// Whether the token that they show is the one with this hash.
    pub fn shows(&self, hash: &str) -> bool {
        is_hash(self.order_hash.as_deref(), hash)
    }

    /// The hash of the order token that they show.
    pub fn order_hash(&self) -> Option<&str> {
        self.order_hash.as_deref()
    }
}

impl Who for OrderReader {
    const SECURITY: Security = Security::Order;
    const AUDIENCE: Audience = Audience::Customers;
    fn identify(caller: &Caller, request: &Request) -> Result<Self, Problem> {
        let customer = Customer::of(caller);
        let order_hash = request.header("x-order-token").map(token_hash);
        let cart_hash = request.header("x-cart-token").map(token_hash);
        if customer.is_none() && order_hash.is_none() && cart_hash.is_none() {
            return Err(Problem::unauthenticated());
        }
        Ok(Self { customer, order_hash, cart_hash })
    }
    fn principal(&self, request: &Request) -> String {
        match (&self.customer, &self.order_hash, &self.cart_hash) {
            (Some(customer), _, _) => customer.principal(request),
            (None, Some(hash), _) => format!("order:{hash}"),
            (None, None, Some(hash)) => format!("cart:{hash}"),
            (None, None, None) => Anyone.principal(request),
        }
    }
}

fn is_hash(given: Option<&str>, stored: &str) -> bool {
    given.is_some_and(|given| given.as_bytes().ct_eq(stored.as_bytes()).into())
}
