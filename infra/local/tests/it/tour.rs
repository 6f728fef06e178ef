//! Ways through all that people do with their accounts and at work, at a pace: metered, for what
//! it costs, or plain, for what it is allowed.
//!
//! Who walks twice keeps their sessions, so that the second time nothing is met for the first
//! time. The clock stands nearly still: people who come from addresses of their own are not
//! counted together.

pub(crate) mod completion;
pub(crate) mod desk;
pub(crate) mod disputes;
pub(crate) mod drafts;
pub(crate) mod files;
pub(crate) mod fulfillment;
pub(crate) mod gift_cards;
mod goods;
pub(crate) mod inventory;
pub(crate) mod key_pools;
pub(crate) mod letters;
pub(crate) mod media;
pub(crate) mod order_changes;
pub(crate) mod order_edits;
pub(crate) mod papers;
pub(crate) mod parcels;
pub(crate) mod privacy;
pub(crate) mod promotions;
pub(crate) mod queues;
pub(crate) mod refunds;
pub(crate) mod returns;
pub(crate) mod search;
pub(crate) mod texts;
pub(crate) mod webhooks;

pub(crate) use goods::goods;
use local::{Outcome, Request, Response, Shop};
use serde_json::{Value, json};

use crate::world::{self, Colleague, PASSWORD, Shopper, key, ok, refusal};

/// How a tour is walked: what is looked at of each call.
pub(crate) trait Pace: Send {
    /// One call.
    fn call<T: Send>(
        &mut self,
        request: impl Future<Output = T> + Send,
    ) -> impl Future<Output = T> + Send;
    /// All that follows.
    fn settle(&mut self) -> impl Future<Output = ()> + Send;
    /// All that follows from one fact, step by step.
    fn follow(&mut self) -> impl Future<Output = ()> + Send;
}

/// Nothing is looked at.
pub(crate) struct Plain(pub(crate) Shop);

impl Pace for Plain {
    async fn call<T: Send>(&mut self, request: impl Future<Output = T> + Send) -> T {
        request.await
    }
    async fn settle(&mut self) {
        self.0.settle().await;
    }
    async fn follow(&mut self) {
        self.settle().await;
    }
}

/// A time that a tour is walked: names and addresses that no other time has.
#[derive(Clone, Copy)]
pub(crate) struct Round(pub(crate) u8);

impl Round {
    fn email(self, name: &str) -> String {
        format!("{name}{}@example.org", self.0)
    }

    fn ip(self, number: u8) -> String {
        format!("203.0.{}.{number}", self.0)
    }
}

/// A customer with a session.
#[derive(Clone)]
pub(crate) struct Customer {
    pub(crate) who: Shopper,
    pub(crate) email: String,
    pub(crate) password: String,
    pub(crate) refresh_token: String,
}

fn text(body: &Value, name: &str) -> String {
    body[name].as_str().unwrap_or_else(|| panic!("no {name} in {body}")).to_owned()
}

fn done(answer: &Response) {
    assert_eq!(answer.status, 204, "{}", answer.text());
}

impl Customer {
    /// Somebody with a confirmed account, signed in.
    pub(crate) async fn new(shop: &Shop, email: &str) -> Self {
        let who = Shopper::from(shop, "203.0.113.9");
        assert_eq!(who.register(email).await.status, 202);
        who.verify(email).await;
        let mut customer = Self::signed_out(who, email);
        customer.sign_in(&mut Plain(shop.clone())).await;
        customer
    }

    fn signed_out(who: Shopper, email: &str) -> Self {
        let (email, password) = (email.to_owned(), PASSWORD.to_owned());
        Self { who, email, password, refresh_token: String::new() }
    }

    /// Signs in, with tokens. What was revoked until now does not concern the new session.
    pub(crate) async fn sign_in<P: Pace>(&mut self, pace: &mut P) {
        self.who.shop.clock().advance_ms(1);
        self.who.bearer = None;
        let body = json!({"email": self.email, "password": self.password, "mode": "token"});
        let session = ok(pace.call(self.who.call("POST", "/v1/auth/login", &body)).await);
        self.keep(&session);
    }

    fn keep(&mut self, session: &Value) {
        self.who.bearer = Some(text(session, "access_token"));
        self.refresh_token = text(session, "refresh_token");
    }

    /// What everybody but a browser asks for, without a body.
    async fn end(&self, method: &str, target: &str) -> Response {
        self.who.send(Request::new(method, target)).await
    }
}

/// Who is there from the beginning, signed in.
#[derive(Clone)]
pub(crate) struct People {
    pub(crate) jane: Customer,
    pub(crate) owner: Colleague,
    /// Something with an API key that was not used yet.
    pub(crate) machine: Colleague,
}

impl People {
    /// Lets them in: a customer, the first owner, a machine of theirs.
    pub(crate) async fn new<P: Pace>(pace: &mut P, shop: &Shop) -> Self {
        let jane = Customer::new(shop, "jane@example.org").await;
        let made = founding(pace, shop).await;
        assert!(matches!(made, Outcome::Answered(_)));
        let mut owner = Colleague::stranger(shop, OWNER);
        let body = json!({"token": owner.mailed_token().await, "password": PASSWORD});
        done(&owner.call("POST", ACCEPT, &body).await);
        owner.sign_in().await;
        let body = json!({"name": "Machine", "scopes": ["staff.read", "audit.read"]});
        let made = ok(owner.call("POST", KEYS, &body).await);
        let mut machine = Colleague::stranger(shop, "");
        machine.bearer = text(&made, "key");
        Self { jane, owner, machine }
    }

    /// The same people in another shop.
    pub(crate) fn in_shop(&self, shop: &Shop) -> Self {
        let jane = Shopper { shop: shop.clone(), ..self.jane.who.clone() };
        let there = |who: &Colleague| Colleague { shop: shop.clone(), ..who.clone() };
        Self {
            jane: Customer { who: jane, ..self.jane.clone() },
            owner: there(&self.owner),
            machine: there(&self.machine),
        }
    }
}

const OWNER: &str = "ada@shop.example";

/// From no account to one whose password was forgotten, signed in.
pub(crate) async fn registration<P: Pace>(pace: &mut P, shop: &Shop, round: Round) -> Customer {
    let email = round.email("joe");
    let from = |number| Shopper::from(shop, &round.ip(number));
    let letter = json!({"email": email});
    assert_eq!(pace.call(from(1).register(&email)).await.status, 202);
    // Somebody else, or the same person once more: each link knows its own password.
    assert_eq!(pace.call(from(2).register(&email)).await.status, 202);
    pace.settle().await;
    let again = pace.call(async { from(3).call("POST", RESEND, &letter).await }).await;
    assert_eq!(again.status, 202, "{}", again.text());
    pace.settle().await;
    // Two have registered: whoever reads the letters chooses a password.
    let reset = "a password of who reads the letters";
    let body = json!({"token": from(1).mailed_token(&email).unwrap(), "password": reset});
    done(&pace.call(async { from(4).call("POST", RESET, &body).await }).await);
    pace.settle().await;
    let mut joe = Customer::signed_out(from(5), &email);
    joe.password = reset.to_owned();
    joe.sign_in(pace).await;
    let forgot = pace.call(async { from(6).call("POST", FORGOT, &letter).await }).await;
    assert_eq!(forgot.status, 202, "{}", forgot.text());
    pace.settle().await;
    let body = json!({"token": from(1).mailed_token(&email).unwrap(), "password": PASSWORD});
    done(&pace.call(async { from(7).call("POST", RESET, &body).await }).await);
    pace.settle().await;
    // Registered already, and told so.
    assert_eq!(pace.call(from(8).register(&email)).await.status, 202);
    let known = pace.call(async { from(9).call("POST", RESEND, &letter).await }).await;
    assert_eq!(known.status, 202, "{}", known.text());
    pace.settle().await;
    joe.password = PASSWORD.to_owned();
    joe.sign_in(pace).await;
    joe
}

/// One link, and the account.
pub(crate) async fn confirmation<P: Pace>(pace: &mut P, shop: &Shop, round: Round) {
    let email = round.email("ann");
    let ann = Shopper::from(shop, &round.ip(20));
    assert_eq!(pace.call(ann.register(&email)).await.status, 202);
    pace.settle().await;
    let letter = json!({"email": email});
    assert_eq!(pace.call(ann.call("POST", RESEND, &letter)).await.status, 202);
    pace.settle().await;
    let link = json!({"token": ann.mailed_token(&email).unwrap()});
    done(&pace.call(ann.call("POST", "/v1/auth/email/verify", &link)).await);
    // An address that nobody has.
    let letter = json!({"email": round.email("nobody")});
    for path in [FORGOT, RESEND] {
        assert_eq!(pace.call(ann.call("POST", path, &letter)).await.status, 202);
    }
}

const RESEND: &str = "/v1/auth/email/resend";
const FORGOT: &str = "/v1/auth/password/forgot";
const RESET: &str = "/v1/auth/password/reset";

/// All that a customer does with their account and goes on.
pub(crate) async fn account<P: Pace>(pace: &mut P, jane: &mut Customer) {
    for path in ["/v1/auth/me", "/v1/store/me", "/v1/auth/sessions"] {
        ok(pace.call(jane.who.get(path)).await);
    }
    let name = json!({"name": "Jane Doe"});
    ok(pace.call(jane.who.call("PATCH", "/v1/store/me", &name)).await);
    let proof = json!({"password": jane.password});
    done(&pace.call(jane.who.call("POST", "/v1/auth/reauthenticate", &proof)).await);
    let body = json!({"refresh_token": jane.refresh_token});
    let session = ok(pace.call(jane.who.call("POST", "/v1/auth/refresh", &body)).await);
    jane.keep(&session);

    let book = "/v1/store/me/addresses";
    let mut home = world::address();
    home["is_default_shipping"] = json!(true);
    let first = pace.call(jane.who.call("POST", book, &home)).await.value();
    let second = pace.call(jane.who.call("POST", book, &home)).await.value();
    let shown = ok(pace.call(jane.who.get(&format!("{book}?limit=1"))).await);
    let next = format!("{book}?limit=1&cursor={}", text(&shown, "next_cursor"));
    ok(pace.call(jane.who.get(&next)).await);
    let at = format!("{book}/{}", text(&first, "id"));
    ok(pace.call(jane.who.get(&at)).await);
    ok(pace.call(jane.who.call("PUT", &at, &home)).await);
    for entry in [first, second] {
        let at = format!("{book}/{}", text(&entry, "id"));
        done(&pace.call(jane.end("DELETE", &at)).await);
    }

    let mut phone = jane.clone();
    phone.sign_in(pace).await;
    let sessions = ok(pace.call(jane.who.get("/v1/auth/sessions")).await);
    let is_other = |one: &&Value| one["is_current"] == false;
    let other = sessions["data"].as_array().unwrap().iter().find(is_other).unwrap();
    let at = format!("/v1/auth/sessions/{}", text(other, "id"));
    done(&pace.call(jane.end("DELETE", &at)).await);

    let password = format!("{} {}", PASSWORD, key());
    let body = json!({"current_password": jane.password, "password": password});
    done(&pace.call(jane.who.call("POST", "/v1/auth/password/change", &body)).await);
    jane.password = password;
    pace.settle().await;
}

/// A customer's account moves to another address, when both have agreed.
pub(crate) async fn moving<P: Pace>(pace: &mut P, jane: &mut Customer, round: Round) {
    let email = round.email("jane");
    let body = json!({"email": email, "password": jane.password});
    let asked = pace.call(jane.who.call("POST", "/v1/auth/email/change", &body)).await;
    assert_eq!(asked.status, 202, "{}", asked.text());
    pace.settle().await;
    for address in [&email, &jane.email] {
        let link = json!({"token": jane.who.mailed_token(address).unwrap()});
        done(&pace.call(jane.who.call("POST", "/v1/auth/email/confirm", &link)).await);
    }
    pace.settle().await;
    jane.email = email;
}

/// The address that somebody wanted was taken by somebody else before both had agreed.
pub(crate) async fn taken<P: Pace>(pace: &mut P, jane: &mut Customer, round: Round) {
    let email = round.email("late");
    let body = json!({"email": email, "password": jane.password});
    let asked = pace.call(jane.who.call("POST", "/v1/auth/email/change", &body)).await;
    assert_eq!(asked.status, 202, "{}", asked.text());
    pace.settle().await;
    let links = [&email, &jane.email].map(|email| jane.who.mailed_token(email).unwrap());
    let late = Shopper::from(&jane.who.shop, &round.ip(40));
    assert_eq!(pace.call(late.register(&email)).await.status, 202);
    for token in links {
        let link = json!({"token": token});
        done(&pace.call(jane.who.call("POST", "/v1/auth/email/confirm", &link)).await);
    }
    pace.settle().await;
}

/// Every way out, the last for good.
pub(crate) async fn leaving<P: Pace>(pace: &mut P, joe: &mut Customer) {
    done(&pace.call(joe.who.call("POST", "/v1/auth/logout", &json!({}))).await);
    // By the refresh token alone, when the access token is too old.
    joe.sign_in(pace).await;
    joe.who.bearer = None;
    let held = json!({"refresh_token": joe.refresh_token});
    done(&pace.call(joe.who.call("POST", "/v1/auth/logout", &held)).await);
    joe.sign_in(pace).await;
    done(&pace.call(joe.end("POST", "/v1/auth/logout_all")).await);
    joe.sign_in(pace).await;
    let book = "/v1/store/me/addresses";
    assert_eq!(joe.who.call("POST", book, &world::address()).await.status, 201);
    privacy::waits_for_poster(&joe.who.shop, &joe.email).await;
    done(&pace.call(joe.end("DELETE", "/v1/store/me")).await);
    pace.settle().await;
}

/// The first owner, made by hand. Where there is one, it fails.
pub(crate) async fn founding<P: Pace>(pace: &mut P, shop: &Shop) -> Outcome {
    let event = json!({"email": OWNER, "name": "Ada Lovelace"});
    let made = pace.call(shop.invoke("identity.jobs.create_owner", event)).await;
    pace.settle().await;
    made
}

const STAFF: &str = "/v1/admin/staff";
const ROLES: &str = "/v1/admin/roles";
const KEYS: &str = "/v1/admin/api_keys";

async fn make_role<P: Pace>(pace: &mut P, owner: &Colleague) -> String {
    let body = json!({"name": "A role", "permissions": ["orders.read"]});
    let made = pace.call(owner.call("POST", ROLES, &body)).await;
    assert_eq!(made.status, 201, "{}", made.text());
    text(&made.value(), "id")
}

/// Signs in by both factors, the second one a recovery code where there is one.
pub(crate) async fn sign_in<P: Pace>(pace: &mut P, who: &mut Colleague) {
    who.shop.clock().advance_ms(1);
    who.bearer.clear();
    let first = ok(pace.call(who.first_step()).await);
    let secret = first["enrollment"]["secret"].as_str().map(str::to_owned);
    let code = match (secret, who.recovery.pop()) {
        (None, Some(code)) => code,
        (None, None) => who.code(0),
        (Some(secret), _) => {
            who.secret = world::from_base32(&secret);
            who.code(0)
        }
    };
    let session = ok(pace.call(who.second_step(&first["mfa_token"], &code)).await);
    who.keep(&session);
}

fn tag(answer: &Response) -> String {
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.header("etag").expect("a tag").to_owned()
}

/// A role is made, shown and changed.
pub(crate) async fn roles<P: Pace>(pace: &mut P, owner: &Colleague) -> String {
    let role = make_role(pace, owner).await;
    ok(pace.call(owner.get("/v1/admin/permissions")).await);
    let shown = ok(pace.call(owner.get(&format!("{ROLES}?limit=1"))).await);
    let next = format!("{ROLES}?limit=1&cursor={}", text(&shown, "next_cursor"));
    ok(pace.call(owner.get(&next)).await);
    let at = format!("{ROLES}/{role}");
    let seen = tag(&pace.call(owner.get(&at)).await);
    let body = json!({"permissions": ["staff.read"]});
    ok(pace.call(owner.call_if(&seen, "PATCH", &at, &body)).await);
    role
}

/// Somebody is invited, twice, and works here.
pub(crate) async fn hiring<P: Pace>(pace: &mut P, owner: &Colleague, round: Round) -> Colleague {
    let role = make_role(pace, owner).await;
    let mut grace = Colleague::stranger(&owner.shop, &round.email("grace"));
    grace.ip = round.ip(60);
    let body = json!({"email": grace.email, "name": "Grace", "role_id": role});
    for _ in 0..2 {
        let invited = pace.call(owner.call("POST", INVITATIONS, &body)).await;
        assert_eq!(invited.status, 201, "{}", invited.text());
        grace.id = text(&invited.value(), "id");
        grace.role = role.clone();
        pace.settle().await;
    }
    // Who has lost the invitation gets another one.
    let letter = json!({"email": grace.email});
    let path = "/v1/auth/staff/password/forgot";
    assert_eq!(pace.call(grace.call("POST", path, &letter)).await.status, 202);
    pace.settle().await;
    let body = json!({"token": grace.mailed_token().await, "password": PASSWORD});
    done(&pace.call(grace.call("POST", ACCEPT, &body)).await);
    sign_in(pace, &mut grace).await;
    pace.settle().await;
    let shown = ok(pace.call(owner.get(&format!("{STAFF}?limit=1"))).await);
    let next = format!("{STAFF}?limit=1&cursor={}", text(&shown, "next_cursor"));
    ok(pace.call(owner.get(&next)).await);
    grace
}

const ACCEPT: &str = "/v1/auth/staff/invitations/accept";
const INVITATIONS: &str = "/v1/admin/invitations";

/// What is done to a colleague, who is given another role first; theirs is nobody's then.
pub(crate) async fn colleagues<P: Pace>(
    pace: &mut P,
    owner: &Colleague,
    grace: &mut Colleague,
    role: &str,
) {
    let at = format!("{STAFF}/{}", grace.id);
    let seen = tag(&pace.call(owner.get(&at)).await);
    let body = json!({"role_id": role});
    ok(pace.call(owner.call_if(&seen, "PATCH", &at, &body)).await);
    let before = format!("{ROLES}/{}", grace.role);
    let seen = tag(&pace.call(owner.get(&before)).await);
    done(&pace.call(owner.call_if(&seen, "DELETE", &before, &Value::Null)).await);
    let path = format!("{at}/sessions");
    let sessions = ok(pace.call(owner.get(&path)).await);
    let path = format!("{path}/{}", text(&sessions["data"][0], "id"));
    done(&pace.call(owner.call("DELETE", &path, &Value::Null)).await);
    for what in ["suspend", "reinstate", "reset_second_factor"] {
        let path = format!("{at}/{what}");
        ok(pace.call(owner.call("POST", &path, &Value::Null)).await);
    }
    pace.settle().await;
    grace.recovery.clear();
    sign_in(pace, grace).await;
    let letter = json!({"email": grace.email});
    let path = "/v1/auth/staff/password/forgot";
    assert_eq!(pace.call(grace.call("POST", path, &letter)).await.status, 202);
    pace.settle().await;
    let password = "another river stone";
    let body = json!({"token": grace.mailed_token().await, "password": password});
    done(&pace.call(grace.call("POST", "/v1/auth/staff/password/reset", &body)).await);
    password.clone_into(&mut grace.password);
    sign_in(pace, grace).await;
    let held = json!({"refresh_token": grace.refresh_token});
    done(&pace.call(grace.call("POST", "/v1/auth/staff/logout", &json!({}))).await);
    grace.bearer.clear();
    let late = pace.call(grace.call("POST", "/v1/auth/staff/refresh", &held)).await;
    assert_eq!(refusal(&late), (401, "session_revoked".into()));
    sign_in(pace, grace).await;
    grace.bearer.clear();
    let held = json!({"refresh_token": grace.refresh_token});
    done(&pace.call(grace.call("POST", "/v1/auth/staff/logout", &held)).await);
    pace.settle().await;
}

/// What a member of the staff does with their own account and goes on.
pub(crate) async fn oneself<P: Pace>(pace: &mut P, owner: &mut Colleague) {
    ok(pace.call(owner.get("/v1/auth/me")).await);
    let body = json!({"refresh_token": owner.refresh_token});
    let session = ok(pace.call(owner.call("POST", "/v1/auth/staff/refresh", &body)).await);
    owner.keep(&session);
    let code = owner.recovery.pop().unwrap();
    let proof = json!({"password": owner.password, "code": code});
    done(&pace.call(owner.call("POST", "/v1/auth/staff/step_up", &proof)).await);
    let mut phone = owner.clone();
    sign_in(pace, &mut phone).await;
    owner.recovery = phone.recovery;
    let sessions = "/v1/auth/staff/sessions";
    let list = ok(pace.call(owner.get(sessions)).await);
    let is_other = |one: &&Value| one["is_current"] == false;
    let other = list["data"].as_array().unwrap().iter().find(is_other).unwrap();
    let at = format!("{sessions}/{}", text(other, "id"));
    done(&pace.call(owner.call("DELETE", &at, &Value::Null)).await);
    done(&pace.call(owner.call("DELETE", sessions, &Value::Null)).await);
    let password = format!("{} {}", PASSWORD, key());
    let body = json!({"current_password": owner.password, "password": password});
    done(&pace.call(owner.call("POST", "/v1/auth/staff/password/change", &body)).await);
    owner.password = password;
    pace.settle().await;
}

/// A machine's key, from its first use to its end, and what the audit log says of it.
pub(crate) async fn keys<P: Pace>(pace: &mut P, owner: &Colleague, round: Round) {
    let body = json!({"name": "Warehouse", "scopes": ["staff.read", "audit.read"]});
    let made = pace.call(owner.call("POST", KEYS, &body)).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let made = made.value();
    let at = format!("{KEYS}/{}", text(&made["api_key"], "id"));
    let mut machine = Colleague::stranger(&owner.shop, "");
    machine.bearer = text(&made, "key");
    for number in [1, 2] {
        // From two networks.
        machine.ip = format!("198.51.{}.1", u16::from(round.0) * 100 + number);
        for path in [ROLES, STAFF, "/v1/admin/audit?limit=1"] {
            ok(pace.call(machine.get(path)).await);
        }
        owner.shop.clock().advance_ms(1);
    }
    pace.settle().await;
    let shown = ok(pace.call(owner.get("/v1/admin/audit?limit=1")).await);
    let next = format!("/v1/admin/audit?limit=1&cursor={}", text(&shown, "next_cursor"));
    ok(pace.call(owner.get(&next)).await);
    ok(pace.call(owner.get(KEYS)).await);
    tag(&pace.call(owner.get(&at)).await);
    let seen = tag(&pace.call(owner.call("POST", &format!("{at}/rotate"), &json!({}))).await);
    done(&pace.call(owner.call_if(&seen, "DELETE", &at, &Value::Null)).await);
    pace.settle().await;
}

/// A month goes by: the key that signs access tokens is replaced, step by step.
pub(crate) async fn month<P: Pace>(pace: &mut P, shop: &Shop) {
    shop.clock().advance_ms(30 * 24 * 3_600_000);
    for _ in 0..4 {
        let outcome = pace.call(shop.run_job("identity.jobs.rotate_signing_key")).await;
        assert!(matches!(outcome, Outcome::Answered(_)));
        shop.clock().advance_ms(3_600_000);
    }
}
