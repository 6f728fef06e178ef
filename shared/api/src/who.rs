//! Who is calling, as an argument type: an endpoint that does not say who may call does not
//! compile, and a caller can not be made up.

use domain::cart::{Cart, Owner};
use domain::id::{CustomerId, SessionId};
use domain::order::{Order, Status};
use http::StatusCode;
use subtle::ConstantTimeEq as _;

use crate::cors::Origins;
use crate::openapi::Security;
use crate::problem::Problem;
use crate::request::Request;
use crate::seal::{Sealer, token_hash};
use crate::token::Verifier;

/// What the doors need to know of keys and origins.
#[derive(Debug, Clone)]
pub struct Guard {
    /// Checks access tokens.
    pub verifier: Verifier,
    /// Seals cursors, CSRF tokens and links.
    pub sealer: Sealer,
    /// Who may call from another origin.
    pub origins: Origins,
}

impl Guard {
    /// The CSRF token of a session.
    pub fn csrf_token(&self, session: SessionId) -> String {
        self.sealer.seal("csrf", &session.to_string())
    }

    /// The signed-in customer: `None` without credentials, a problem with bad ones.
    fn customer(&self, request: &Request) -> Result<Option<Customer>, Problem> {
        if let Some(value) = request.headers.get("authorization") {
            let token = value.to_str().ok().and_then(|value| value.strip_prefix("Bearer "));
            let claims = token.and_then(|token| self.verifier.verify(token, request.now));
            let claims = claims.ok_or_else(Problem::unauthenticated)?;
            return Ok(Some(Customer { id: claims.sub, session: claims.sid }));
        }
        let Some(token) = request.cookie("__Host-session") else { return Ok(None) };
        // A stale cookie is not a lie: the browser sends it by itself.
        let Some(claims) = self.verifier.verify(token, request.now) else { return Ok(None) };
        if !request.is_safe() {
            self.same_site(request)?;
            let given = request.header("x-csrf-token").unwrap_or_default();
            if !self.sealer.is_seal("csrf", &claims.sid.to_string(), given) {
                return Err(csrf_failed());
            }
        }
        Ok(Some(Customer { id: claims.sub, session: claims.sid }))
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

fn csrf_failed() -> Problem {
    let detail = "Send the session's X-CSRF-Token from an allowed origin.";
    Problem::new(StatusCode::FORBIDDEN, "csrf_failed", detail)
}

/// A kind of caller.
pub trait Who: Sized {
    /// What the contract says of it.
    const SECURITY: Security;
    /// Finds out, or says no.
    fn identify(guard: &Guard, request: &Request) -> Result<Self, Problem>;
    /// The scope of this caller's idempotency keys.
    fn principal(&self, request: &Request) -> String;
}

/// Anybody.
#[derive(Debug, Clone, Copy)]
pub struct Anyone;

impl Who for Anyone {
    const SECURITY: Security = Security::None;
    fn identify(_: &Guard, _: &Request) -> Result<Self, Problem> {
        Ok(Self)
    }
    fn principal(&self, request: &Request) -> String {
        format!("ip:{}", request.source_ip)
    }
}

/// Another system that proves itself by a signature over the body, checked by the endpoint.
#[derive(Debug, Clone, Copy)]
pub struct Signed;

impl Who for Signed {
    const SECURITY: Security = Security::Signature;
    fn identify(_: &Guard, _: &Request) -> Result<Self, Problem> {
        Ok(Self)
    }
    fn principal(&self, request: &Request) -> String {
        format!("ip:{}", request.source_ip)
    }
}

/// A signed-in customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Customer {
    /// Who.
    pub id: CustomerId,
    /// In which session.
    pub session: SessionId,
}

impl Who for Customer {
    const SECURITY: Security = Security::Customer;
    fn identify(guard: &Guard, request: &Request) -> Result<Self, Problem> {
        guard.customer(request)?.ok_or_else(Problem::unauthenticated)
    }
    fn principal(&self, _: &Request) -> String {
        self.id.to_string()
    }
}

/// A customer, or nobody in particular.
#[derive(Debug, Clone, Copy)]
pub struct Shopper(pub Option<Customer>);

impl Who for Shopper {
    const SECURITY: Security = Security::Cart;
    fn identify(guard: &Guard, request: &Request) -> Result<Self, Problem> {
        guard.customer(request).map(Self)
    }
    fn principal(&self, request: &Request) -> String {
        match &self.0 {
            Some(customer) => customer.principal(request),
            None => Anyone.principal(request),
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
    fn identify(guard: &Guard, request: &Request) -> Result<Self, Problem> {
        let customer = guard.customer(request)?;
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

impl Who for OrderReader {
    const SECURITY: Security = Security::Order;
    fn identify(guard: &Guard, request: &Request) -> Result<Self, Problem> {
        let customer = guard.customer(request)?;
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
