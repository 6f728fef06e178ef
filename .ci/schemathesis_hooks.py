"""What schemathesis can not know of this shop, put into the requests that it makes up.

It writes ids, tokens and amounts that fit the contract and name nothing, so that all it would ever
read is 404. Where a part of a request is meant to be good, this file puts in what exists: a filled
cart, a waiting order, a variant, the caller's own token. What is bad on purpose stays bad.

Every request comes from an address of its own, and every customer makes a bounded number of them,
so that rate limits are not what is tested here.

Used by `contract.py`, which says in the environment which shop is called, and by whom.
"""

import base64
import collections
import hashlib
import hmac
import itertools
import json
import os
import re
import struct
import time

import requests
import schemathesis
from schemathesis.core.parameters import ParameterLocation

SHOP = os.environ["SHOP_URL"]
CALLER = os.environ["SHOP_CALLER"]
CENSUS = os.environ["SHOP_CENSUS"]

# A customer or a member of staff may ask 300 times a minute; what is prepared counts as well.
ASKED_MAX = 250
# A cart grows with what is put into it; 40 lines are its limit.
CART_USES_MAX = 12
PASSWORD = " ".join(("Plankton", "drifts", "quietly", "by"))
ADDRESS = {
    "name": "Alma Beispiel",
    "line1": "Musterweg 7",
    "city": "Berlin",
    "postal_code": "10115",
    "country": "DE",
}

# A member of the demo shop's staff, once it has one: (address, password, TOTP secret in base32).
STAFF = None

number = itertools.count(1)


def address():
    """A new address for each request, out of a block that nobody routes."""
    n = next(number)
    return f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}"


class Shop:
    """The calls that prepare what the tests need."""

    def __init__(self):
        self.http = requests.Session()
        self.asked = 0

    def send(self, method, path, body=None, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items() if value}
        headers["X-Local-Source-Ip"] = address()
        self.asked += 1
        return self.http.request(method, SHOP + path, json=body, headers=headers, timeout=20)

    def ask(self, method, path, body=None, **headers):
        answer = self.send(method, path, body, **headers)
        if answer.status_code >= 400:
            raise RuntimeError(f"{method} {path} answers {answer.status_code}: {answer.text}")
        return answer.json() if answer.content else None

    def mailed(self, to):
        """The token in the latest letter to this address; letters come through a queue."""
        for _ in range(100):
            for letter in reversed(self.ask("GET", "/_local/mail.json")["data"]):
                found = re.search(r"#token=(\w+)", letter["text"])
                if to in letter["to"] and found:
                    return found[1]
            time.sleep(0.1)
        raise RuntimeError("the letter with the token did not come")


def customer_token(shop):
    """Somebody new, who confirmed the address and signed in as an app does."""
    email = f"customer-{next(number)}@contract.fluxion.example"
    who = {"email": email, "password": PASSWORD}
    shop.ask("POST", "/v1/auth/register", {**who, "name": "Contract Customer"})
    shop.ask("POST", "/v1/auth/email/verify", {"token": shop.mailed(email)})
    answer = shop.ask("POST", "/v1/auth/login", {**who, "mode": "token"})
    return answer["access_token"], {**who, "refresh_token": answer["refresh_token"]}


def staff_token(shop):
    """The demo shop's member of staff, signed in with the second factor.

    A code is good once and the limit counts by the minute: the shop's clock goes on between two.
    """
    email, password, secret = STAFF
    shop.ask("POST", "/_local/clock", {"advance_seconds": 61})
    now_ms = shop.ask("GET", "/_local/clock")["now_ms"]
    first = shop.ask(
        "POST", "/v1/auth/staff/login", {"email": email, "password": password, "mode": "token"}
    )
    proof = {"mfa_token": first["mfa_token"], "code": totp(secret, now_ms // 1000)}
    answer = shop.ask("POST", "/v1/auth/staff/mfa", proof)
    return answer["access_token"], {}


def totp(secret, now):
    """RFC 6238 with what every app has: SHA-1, 30 seconds, six digits."""
    key = base64.b32decode(secret)
    mac = hmac.new(key, struct.pack(">Q", now // 30), hashlib.sha1).digest()
    start = mac[-1] & 15
    return f"{(struct.unpack('>I', mac[start : start + 4])[0] & 0x7FFFFFFF) % 10**6:06}"


class Caller:
    """Who asks: `anonymous`, `customer` or `staff`, with what is theirs."""

    def __init__(self):
        self.shop = Shop()
        self.renew()
        goods = self.shop.ask("GET", "/v1/store/products?limit=100")["data"]
        self.product = max(
            (each for each in goods if each["type"] == "physical"),
            key=lambda each: each["variants"][0]["available"],
        )

    def renew(self):
        """A fresh identity. What the one before owned is nobody's business any more."""
        self.bearer, self.known = None, {}
        if CALLER == "customer":
            self.bearer, self.known = customer_token(self.shop)
        elif CALLER == "staff":
            self.bearer, self.known = staff_token(self.shop)
        self.filled = self.waiting = None
        self.filled_uses = 0
        self.shop.asked = 0

    def is_known(self):
        """Whether the shop still knows who asks: some calls end the session they come with."""
        return self.shop.send("GET", "/v1/auth/me", **self.headers()).status_code == 200

    def listed(self, path):
        """The last thing in a list that the caller may read, if there is one."""
        answer = self.shop.send("GET", path, **self.headers())
        if answer.status_code != 200:
            return None
        things = answer.json().get("data") or [{}]
        return things[-1].get("id")

    def unconfirmed(self):
        """The token of somebody who has registered just now."""
        email = f"newcomer-{next(number)}@contract.fluxion.example"
        who = {"email": email, "password": PASSWORD, "name": "New Comer"}
        self.shop.ask("POST", "/v1/auth/register", who)
        return self.shop.mailed(email)

    def headers(self):
        return {"Authorization": f"Bearer {self.bearer}"} if self.bearer else {}

    def new_cart(self, **headers):
        """A cart that could be ordered: a line, an address, a way of sending."""
        made = self.shop.ask("POST", "/v1/store/carts", {"currency": "EUR"}, **headers)
        token, at = made.get("cart_token"), "/v1/store/carts/" + made["cart"]["id"]
        headers = {"X_Cart_Token": token} if token else headers
        line = {"variant_id": self.product["variants"][0]["id"], "quantity": 1}
        self.shop.ask("POST", at + "/lines", line, **headers)
        where = {"email": "alma@example.org", "shipping_address": ADDRESS}
        self.shop.ask("PUT", at + "/addresses", where, **headers)
        option = self.shop.ask("GET", at + "/shipping_options", **headers)["data"][0]["id"]
        cart = self.shop.ask("PUT", at + "/shipping", {"shipping_option_id": option}, **headers)
        return {
            "id": cart["id"],
            "token": token,
            "line": cart["lines"][0]["id"],
            "option": option,
            "total": cart["totals"]["total"],
        }

    def cart(self):
        if self.filled is None or self.filled_uses >= CART_USES_MAX:
            self.filled, self.filled_uses = self.new_cart(**self.headers()), 0
        self.filled_uses += 1
        return self.filled

    def order(self):
        if self.waiting is None:
            cart = self.new_cart(**self.headers())
            mine = self.headers() or {"X_Cart_Token": cart["token"]}
            key = {"Idempotency_Key": f"contract-{next(number)}"}
            at = f"/v1/store/carts/{cart['id']}/complete"
            made = self.shop.ask("POST", at, {"expected_total": cart["total"]}, **mine, **key)
            self.waiting = {"id": made["order"]["id"], "token": made.get("order_token")}
        return self.waiting


caller = None
seen = collections.defaultdict(collections.Counter)


def good(case, location):
    return case.meta is not None and not case.meta.is_negative_at(location)


def operation_of(case):
    return case.operation.definition.raw.get("operationId", case.operation.label)


@schemathesis.hook
def before_call(context, case, kwargs):
    global caller
    if CALLER == "planted":
        return
    if caller is None:
        caller = Caller()
    if caller.shop.asked >= ASKED_MAX:
        caller.renew()
    caller.shop.asked += 1
    case.headers["X-Local-Source-Ip"] = address()
    turn = sum(seen[operation_of(case)].values())
    # One of four keeps what was made up: it fits the contract, and nothing has that name.
    real = turn % 4 != 3
    if real:
        # A made-up proof beside the real one would be all that is looked at.
        for name in ("Authorization", "X-Cart-Token", "X-Order-Token", "X-CSRF-Token"):
            case.headers.pop(name, None)
        case.cookies.pop("__Host-session", None)
        case.headers.update(caller.headers())
    if real and good(case, ParameterLocation.PATH):
        put_into_path(case)
    if real and good(case, ParameterLocation.QUERY) and "currency" in (case.query or {}):
        case.query["currency"] = "EUR"
    if real and good(case, ParameterLocation.BODY) and isinstance(case.body, dict):
        put_into_body(case, turn)


def put_into_path(case):
    path, given = case.operation.path, case.path_parameters
    if path.startswith("/v1/store/carts/{id}"):
        cart = caller.cart()
        if path.endswith("/merge"):
            cart = caller.filled = caller.new_cart()
        given["id"] = cart["id"]
        if cart["token"]:
            case.headers["X-Cart-Token"] = cart["token"]
        if "line_id" in given:
            given["line_id"] = cart["line"]
    elif path.startswith("/v1/store/orders/{id}"):
        order = caller.order()
        given["id"] = order["id"]
        if order["token"]:
            case.headers["X-Order-Token"] = order["token"]
    elif path == "/v1/store/products/{id_or_slug}":
        given["id_or_slug"] = caller.product["slug"]
    elif caller.bearer and path.count("{") == 1 and "{id}" in path:
        # Whatever else has an id is in the list beside it.
        given["id"] = caller.listed(path.partition("/{id}")[0]) or given["id"]


def put_into_body(case, turn):
    body, path = case.body, case.operation.path
    ours = {
        "currency": "EUR",
        "variant_id": caller.product["variants"][0]["id"],
        "shipping_address": ADDRESS,
        "billing_address": ADDRESS,
    }
    if path.startswith("/v1/store/carts/{id}"):
        cart = caller.filled or caller.cart()
        ours["shipping_option_id"] = cart["option"]
        ours["expected_total"] = cart["total"]
        ours["cart_token"] = cart["token"]
        if path.endswith("/complete") and good(case, ParameterLocation.HEADER):
            case.headers["Idempotency-Key"] = f"contract-{next(number)}"
    if path == "/v1/auth/register":
        ours["password"] = PASSWORD
    elif path == "/v1/auth/email/verify" and turn % 8 == 0:
        ours["token"] = caller.unconfirmed()
    elif path.startswith("/v1/auth/"):
        ours.update(caller.known)
    # Optional fields only where they were chosen: their absence is a case, too.
    for name, value in ours.items():
        if name in body and value is not None:
            body[name] = value


@schemathesis.hook
def after_call(context, case, response):
    operation = operation_of(case)
    seen[operation][response.status_code] += 1
    own = f"Bearer {caller.bearer}" if caller else None
    if response.status_code == 401 and case.headers.get("Authorization") == own:
        if not caller.is_known():
            caller.renew()
    if response.status_code >= 300:
        return
    # What this call has used up is made anew when it is needed next.
    if operation in ("checkout.store.complete", "cart.store.merge", "cart.store.remove_line"):
        caller.filled = None
    elif operation == "orders.store.cancel":
        caller.waiting = None
    elif operation in ("identity.store.logout", "identity.store.refresh"):
        caller.renew()
    if operation == "checkout.store.complete":
        # Whoever holds many unpaid orders gets no further one.
        order = response.json()["order"]["id"]
        token = response.json().get("order_token")
        headers = caller.headers() or {"X_Order_Token": token}
        caller.shop.ask("POST", f"/v1/store/orders/{order}/cancel", **headers)


@schemathesis.check
class census:
    """Keeps what was answered, for `contract.py`: a test that reaches nothing finds nothing."""

    def after_run(self, *_):
        with open(CENSUS, "w", encoding="utf-8") as file:
            json.dump({name: dict(counts) for name, counts in seen.items()}, file)


@schemathesis.check
def undeclared_method(ctx, response, case):
    """405 with `Allow`, whoever asks: stricter than `unsupported_method`, which lets a refused or
    unfound caller pass."""
    method = response.request.method
    declared = {name.upper() for name in case.operation.schema[case.operation.path]}
    if method in declared or method in ("OPTIONS", "HEAD"):
        return
    if response.status_code != 405:
        raise AssertionError(f"undeclared {method} answers {response.status_code}, not 405")
    allow = {each.strip() for each in response.headers.get("allow", [""])[0].split(",")}
    if not declared <= allow or method in allow:
        raise AssertionError(f"Allow says {sorted(allow)}, the contract {sorted(declared)}")
