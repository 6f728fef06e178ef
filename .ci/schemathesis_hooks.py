"""What schemathesis can not know of this shop, put into the requests that it makes up.

It writes ids, tokens and amounts that fit the contract and name nothing, so that all it would ever
read is 404. Where a part of a request is meant to be good, this file puts in what exists: a filled
cart, a waiting order, a role, the version that was seen, the caller's own token. What is bad on
purpose stays bad.

Every request comes from an address of its own, and the shop's clock goes on before a caller has
asked too often, so that rate limits are not what is tested here.

Used by `contract.py`, which says in the environment which shop is called, and by whom.
"""

import base64
import collections
import hashlib
import hmac
import itertools
import json
import os
import pathlib
import re
import struct
import time
import zlib

import requests
import schemathesis
from schemathesis.core.parameters import ParameterLocation

SHOP = os.environ["SHOP_URL"]
CALLER = os.environ["SHOP_CALLER"]
CENSUS = os.environ["SHOP_CENSUS"]
# The operations that are meant for this caller. At all others it is a stranger: nothing is made
# ready, and being refused is what is looked at.
OWN = set(os.environ["SHOP_OWN"].split())
# The demo shop's owner: address, password, TOTP secret in base32.
STAFF = os.environ["SHOP_STAFF"].split()
# A request that is good for each operation.
EVENTS = pathlib.Path(os.environ["SHOP_EVENTS"])

# A customer or a member of staff may ask 300 times a minute; what is prepared counts as well.
ASKED_MAX = 250
# An access token is good for fifteen minutes.
TOKEN_SECONDS_MAX = 600
# Wrong codes and passwords are forgiven after so long, and letters can be asked for again.
PROOFS_SECONDS = 16 * 60
LIMITS_SECONDS = 61 * 60
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
# What costs a sign-in or a letter to make ready: so many of the requests get it.
COSTLY = {
    "identity.store.close_account",
    "identity.store.confirm_email",
    "identity.store.end_session",
    "identity.store.forgot_password",
    "identity.store.logout_all",
    "identity.store.resend_verification",
    "identity.store.reset_password",
    "identity.store.verify_email",
    "identity.admin.accept_invitation",
    "identity.admin.end_own_session",
    "identity.admin.end_session",
    "identity.admin.forgot_password",
    "identity.admin.mfa",
    "identity.admin.reset_password",
    "identity.admin.step_up",
    "inventory.store.unsubscribe",
}
COSTLY_EVERY = 8
SIZES = [{"name": "Size", "values": ["S", "M", "L"]}]
# What a collection is made of where it does not matter.
NO_GOODS = [{"category": "has-no-goods"}]
# A file that has a good row and a bad one.
STOCK = b"sku,on_hand\nNOBODY-KNOWS-IT,4\nNor this,5\n"
# Of these things each request gets a new one, beside those that delete something: what was done
# once can not be done again.
USED_UP = {
    "catalog.admin.add_variant",
    "catalog.admin.archive_product",
    "catalog.admin.publish_product",
    "inventory.admin.cancel_transfer",
    "inventory.admin.receive_transfer",
    "inventory.admin.ship_transfer",
    "platform.admin.cancel_import",
    "platform.admin.list_import_flaws",
    "platform.admin.start_import",
    "promotions.admin.activate_promotion",
    "promotions.admin.end_promotion",
    "promotions.admin.pause_promotion",
    "identity.admin.suspend_staff",
}
# What has to be done to a thing before this can be.
BEFORE = {
    "catalog.admin.unpublish_product": "/publish",
    "identity.admin.reinstate_staff": "/suspend",
    "inventory.admin.arm": "/disarm",
    "inventory.admin.disarm": "/arm",
    "inventory.admin.receive_transfer": "/ship",
    "platform.admin.list_import_flaws": "/start",
    "promotions.admin.end_promotion": "/activate",
    "promotions.admin.pause_promotion": "/activate",
}

number = itertools.count(1)


def key():
    """An idempotency key that nothing was asked with."""
    return f"contract-{next(number)}"


def address():
    """A new address for each request, out of a block that nobody routes."""
    n = next(number)
    return f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}"


def sample(operation, **changes):
    """The body of a good request, as the sample event has it, with names that nothing else has."""
    at = EVENTS / f"{operation}.json"
    body = json.loads(at.read_text()).get("body") if at.exists() else None
    body = json.loads(body) if body else {}
    if operation.startswith(("catalog.", "fulfillment.admin.add")):
        for name in ("slug", "code", "sku", "sku_prefix", "id"):
            if name in body:
                body[name] += str(next(number))
    return {**body, **changes}


def picture():
    """A PNG of one grey pixel."""
    kinds = {
        b"IHDR": struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0),
        b"IDAT": zlib.compress(b"\0\x80"),
        b"IEND": b"",
    }
    chunks = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in kinds.items()
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


class Refused(Exception):
    """The shop said no to what was to be prepared."""


class Shop:
    """The calls that prepare what the tests need."""

    def __init__(self):
        self.http = requests.Session()
        self.asked = 0
        self.rested = 0

    def send(self, method, path, body=None, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items() if value}
        headers["X-Local-Source-Ip"] = address()
        self.asked += 1
        return self.http.request(method, SHOP + path, json=body, headers=headers, timeout=60)

    def ask(self, method, path, body=None, **headers):
        answer = self.send(method, path, body, **headers)
        if answer.status_code >= 400:
            raise Refused(f"{method} {path} answers {answer.status_code}: {answer.text}")
        return answer.json() if answer.content else None

    def rest(self, seconds):
        """The shop's clock goes on: whoever asked too much may ask again."""
        self.ask("POST", "/_local/clock", {"advance_seconds": seconds})
        self.asked = 0
        self.rested += seconds

    def now(self):
        return self.ask("GET", "/_local/clock")["now_ms"] // 1000

    def ask_for_letter(self, path, body, **headers):
        """The token in the letter that this makes the shop write."""
        self.ask("DELETE", "/_local/mail.json")
        self.ask("POST", path, body, **headers)
        return self.token_for(body["email"])

    def token_for(self, to):
        # Letters come through a queue.
        for _ in range(100):
            for letter in reversed(self.ask("GET", "/_local/mail.json")["data"]):
                found = re.search(r"#token=([\w.-]+)", letter["text"])
                if to in letter["to"] and found:
                    return found[1]
            time.sleep(0.05)
        raise Refused("the letter with the token did not come")

    def upload(self, form, file):
        """Sends a file by the form that the shop gave out for it."""
        answer = self.http.post(form["url"], form["fields"], files={"file": file}, timeout=20)
        if answer.status_code >= 300:
            raise Refused(f"the file was refused: {answer.text}")


def totp(secret, now):
    """RFC 6238 with what every app has: SHA-1, 30 seconds, six digits."""
    key = base64.b32decode(secret)
    mac = hmac.new(key, struct.pack(">Q", now // 30), hashlib.sha1).digest()
    start = mac[-1] & 15
    return f"{(struct.unpack('>I', mac[start : start + 4])[0] & 0x7FFFFFFF) % 10**6:06}"


class Nobody:
    """Asks without a name."""

    # What is listed here is made where it is needed, by a body that is good for it; where it is
    # asked for, if not at its own address; what names it in a path; and what is shown in its list
    # only, with its version.
    makes = {}
    made_at = {}
    names = collections.defaultdict(lambda: "id")
    listed = frozenset()
    sessions = None

    def __init__(self):
        self.shop = Shop()
        self.bearer, self.known = None, {}
        self.forget()
        goods = self.shop.ask("GET", "/v1/store/products?limit=100")["data"]
        goods = [each for each in goods if each["type"] == "physical"]
        goods.sort(key=lambda each: each["variants"][0]["available"])
        self.sold_out, self.product = goods[0], goods[-1]
        # What is counted, what is moved and what is sold in a flash do not disturb each other.
        self.skus = [each["variants"][0]["sku"] for each in goods[-3:]]
        self.get_gifts()
        self.sign_in()

    def get_gifts(self):
        """What only staff make, and everybody uses: two kinds of codes."""
        owner = Staff()
        promotion = owner.make("/v1/admin/promotions")
        owner.ask("POST", f"/v1/admin/promotions/{promotion['id']}/activate")
        self.code = owner.new_code(promotion, uses_max=None)
        self.gift_card = owner.make("/v1/admin/gift_cards")

    def forget(self):
        """What was owned is nobody's business any more."""
        self.filled = self.waiting = None
        self.filled_uses = 0
        self.made = {}

    def sign_in(self):
        """Begins a session, in which the next requests are made."""

    def admit(self, answer):
        self.bearer = answer["access_token"]
        self.known["refresh_token"] = answer["refresh_token"]
        self.shop.rested = 0

    def is_known(self):
        """Whether the shop still knows who asks: some calls end the session they come with."""
        return self.shop.send("GET", "/v1/auth/me", **self.headers()).status_code == 200

    def get_ready(self):
        """Before every request: rested enough, and with a token that is not too old."""
        if not self.bearer:
            return
        if self.shop.asked >= ASKED_MAX:
            self.shop.rest(61)
        if self.shop.rested >= TOKEN_SECONDS_MAX:
            self.sign_in()

    def with_care(self, prepare, *given):
        """Something prepared, if need be in a new session, after a while."""
        try:
            return prepare(*given)
        except Refused:
            self.rest_and_return()
            return prepare(*given)

    def rest_and_return(self):
        self.shop.rest(LIMITS_SECONDS)
        self.waiting = None
        self.sign_in()

    def headers(self):
        return {"Authorization": f"Bearer {self.bearer}"} if self.bearer else {}

    def ask(self, method, path, body=None, **headers):
        return self.shop.ask(method, path, body, **self.headers(), **headers)

    def make(self, path):
        """Something new of those that are listed there."""
        at, body = self.made_at.get(path, path), self.makes[path](self)
        answer = self.ask("POST", at, body, Idempotency_Key=key())
        self.made[path] = answer.get("api_key") or answer.get("media") or answer
        if "upload" in answer:
            self.fill(path, answer)
        return self.made[path]

    def owned(self, path):
        return self.made.get(path) or self.make(path)

    def version(self, path):
        """The ETag of what is there, or of the next thing above that has one."""
        while path.count("/") > 2:
            answer = self.shop.send("GET", path, **self.headers())
            if "ETag" in answer.headers:
                return answer.headers["ETag"]
            above, _, name = path.rpartition("/")
            if above in self.listed:
                for each in self.ask("GET", above)["data"]:
                    if each[self.names[above]] == name:
                        return f'"v{each["version"]}"'
            path = above
        return None

    def spare_session(self):
        """A session of the caller's own, but not the one that asks."""
        for _ in range(2):
            for each in self.ask("GET", self.sessions)["data"]:
                if not each["is_current"]:
                    return each["id"]
            self.sign_in()
        raise Refused("there is no other session")

    def newcomer(self):
        email = f"newcomer-{next(number)}@contract.fluxion.example"
        return {"email": email, "password": PASSWORD, "name": "New Comer"}

    def unconfirmed(self):
        """The token of somebody who has registered just now."""
        return self.shop.ask_for_letter("/v1/auth/register", self.newcomer())

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

    def waiting_token(self):
        """The token of somebody who waited for goods that are there again."""
        owner, goods = Staff(), self.sold_out
        email = self.newcomer()["email"]
        at = f"/v1/store/products/{goods['id']}/variants/{goods['variants'][0]['id']}/back_in_stock"
        here = owner.moved("inventory.admin.count")["location_id"]

        def count(quantity):
            line = {"sku": goods["variants"][0]["sku"], "location_id": here, "quantity": quantity}
            body = {"lines": [line]}
            owner.ask("POST", "/v1/admin/inventory/counts", body, Idempotency_Key=key())
            # The catalog hears of it through a queue.
            time.sleep(0.3)

        count(0)
        self.shop.ask("POST", at, {"email": email})
        count(1)
        self.shop.ask("POST", "/_local/jobs/inventory.jobs.send_back_in_stock")
        token = self.shop.token_for(email)
        count(0)
        return token

    def cart(self):
        if self.filled is None or self.filled_uses >= CART_USES_MAX:
            self.filled, self.filled_uses = self.new_cart(**self.headers()), 0
        self.filled_uses += 1
        return self.filled

    def order(self):
        if self.waiting is None:
            cart = self.new_cart(**self.headers())
            mine = self.headers() or {"X_Cart_Token": cart["token"]}
            at, body = f"/v1/store/carts/{cart['id']}/complete", {"expected_total": cart["total"]}
            made = self.shop.ask("POST", at, body, **mine, Idempotency_Key=key())
            self.waiting = {"id": made["order"]["id"], "token": made.get("order_token")}
        return self.waiting


class Customer(Nobody):
    """Has registered, and signs in as an app does."""

    makes = {"/v1/store/me/addresses": lambda _: ADDRESS}
    sessions = "/v1/auth/sessions"

    def register(self):
        who = self.newcomer()
        self.forget()
        token = self.shop.ask_for_letter("/v1/auth/register", who)
        self.shop.ask("POST", "/v1/auth/email/verify", {"token": token})
        self.known = {"email": who["email"], "password": PASSWORD}

    def sign_in(self):
        if not self.known:
            self.register()
        try:
            self.admit(self.login())
        except Refused:
            # The account was closed, or has another password.
            self.register()
            self.admit(self.login())

    def login(self):
        who = {name: self.known[name] for name in ("email", "password")}
        return self.shop.ask("POST", "/v1/auth/login", {**who, "mode": "token"})

    def reset_token(self):
        self.shop.rest(LIMITS_SECONDS)
        who = {"email": self.known["email"]}
        return self.shop.ask_for_letter("/v1/auth/password/forgot", who)

    def moving(self):
        """The token of somebody who wants another address."""
        to = {"email": self.newcomer()["email"], "password": self.known["password"]}
        return self.shop.ask_for_letter("/v1/auth/email/change", to, **self.headers())


class Staff(Nobody):
    """The demo shop's owner, signed in with the second factor."""

    makes = {
        "/v1/admin/api_keys": lambda _: {"name": "Contract", "scopes": ["orders.read"]},
        "/v1/admin/roles": lambda _: {"name": "Contract", "permissions": ["orders.read"]},
        "/v1/admin/staff": lambda self: self.invitation(),
        "/v1/admin/products": lambda _: sample("catalog.admin.create_product", options=SIZES),
        "/v1/admin/categories": lambda _: sample("catalog.admin.create_category"),
        "/v1/admin/collections": lambda _: sample(
            "catalog.admin.create_collection", conditions=NO_GOODS
        ),
        "/v1/admin/attributes": lambda _: sample("catalog.admin.create_attribute"),
        "/v1/admin/promotions": lambda _: sample(
            "promotions.admin.create_promotion", trigger="code", conditions={}, limits={}
        ),
        "/v1/admin/gift_cards": lambda _: sample("promotions.admin.issue_gift_card"),
        "/v1/admin/pickup_points": lambda _: sample("fulfillment.admin.add_pickup_point"),
        "/v1/admin/inventory/locations": lambda _: sample("inventory.admin.create_location"),
        "/v1/admin/inventory/transfers": lambda self: with_ours(
            sample("inventory.admin.create_transfer"), self.moved("inventory.admin.create_transfer")
        ),
        "/v1/admin/media": lambda _: sample(
            "media.admin.upload", content_type="image/png", size=len(picture())
        ),
        "/v1/admin/imports": lambda _: sample(
            "platform.admin.create_import", kind="stock", size=len(STOCK)
        ),
        "/v1/admin/exports": lambda _: sample("platform.admin.create_export"),
    }
    made_at = {
        "/v1/admin/staff": "/v1/admin/invitations",
        "/v1/admin/media": "/v1/admin/media/uploads",
    }
    names = collections.defaultdict(
        lambda: "id",
        {
            "/v1/admin/attributes": "code",
            "/v1/admin/categories": "slug",
            "/v1/admin/collections": "slug",
        },
    )
    listed = {"/v1/admin/attributes", "/v1/admin/categories"}
    sessions = "/v1/auth/staff/sessions"

    def get_gifts(self):
        """Staff make them."""

    def fill(self, path, answer):
        """Sends the file that was announced; what comes of a picture is waited for."""
        self.shop.upload(answer["upload"], STOCK if path.endswith("/imports") else picture())
        for _ in range(100 if path.endswith("/media") else 0):
            self.made[path] = self.ask("GET", f"{path}/{self.made[path]['id']}")
            if self.made[path]["status"] != "awaiting":
                return
            time.sleep(0.05)

    def new_code(self, promotion, **changes):
        at, code = f"/v1/admin/promotions/{promotion['id']}/codes", f"SUMMER-{next(number)}"
        return self.ask("POST", at, {"code": code, **changes})["data"][0]["code"]

    def customer(self):
        """Somebody who has an account."""
        if "customer" not in self.made:
            who = self.newcomer()
            token = self.shop.ask_for_letter("/v1/auth/register", who)
            self.shop.ask("POST", "/v1/auth/email/verify", {"token": token})
            who = {"email": who["email"], "password": PASSWORD, "mode": "token"}
            bearer = self.shop.ask("POST", "/v1/auth/login", who)["access_token"]
            headers = {"Authorization": f"Bearer {bearer}"}
            self.made["customer"] = self.shop.ask("GET", "/v1/auth/me", **headers)["id"]
        return self.made["customer"]

    def moved(self, operation):
        """What an operation on stock is about."""
        if "here" not in self.made:
            at = "/v1/admin/inventory/locations"
            self.made["here"] = min(each["id"] for each in self.ask("GET", at)["data"])
        which = 2 if operation.endswith("arm") else 1 if "transfer" in operation else 0
        return {
            "sku": self.skus[which],
            "location_id": self.made["here"],
            "from_location_id": self.made["here"],
            "to_location_id": self.owned("/v1/admin/inventory/locations")["id"],
        }

    def sign_in(self):
        self.known = self.known or dict(zip(("email", "password"), STAFF))
        self.shop.rest(PROOFS_SECONDS)
        self.admit(self.shop.ask("POST", "/v1/auth/staff/mfa", self.proof("token")))
        self.id = self.ask("GET", "/v1/auth/me")["id"]

    def code(self):
        """A code is good once: the clock goes on between two."""
        self.shop.rest(61)
        return totp(STAFF[2], self.shop.now())

    def proof(self, mode):
        who = {name: self.known[name] for name in ("email", "password")}
        first = self.shop.ask("POST", "/v1/auth/staff/login", {**who, "mode": mode})
        return {"mfa_token": first["mfa_token"], "code": self.code()}

    def invitation(self):
        who = self.newcomer()
        role = self.owned("/v1/admin/roles")["id"]
        return {"email": who["email"], "name": who["name"], "role_id": role}

    def invited(self):
        who = self.invitation()
        return self.shop.ask_for_letter("/v1/admin/invitations", who, **self.headers())

    def reset_token(self):
        self.shop.rest(LIMITS_SECONDS)
        who = {"email": self.known["email"]}
        return self.shop.ask_for_letter("/v1/auth/staff/password/forgot", who)


CALLERS = {"anonymous": Nobody, "customer": Customer, "staff": Staff, "merchant": Staff}

caller = None
seen = collections.defaultdict(collections.Counter)
# Of each operation, how many of its good requests there were.
goods = collections.Counter()
# What the request that is on its way has of ours.
password_to_be = None


def good(case, location):
    return case.meta is not None and not case.meta.is_negative_at(location)


def operation_of(case):
    return case.operation.definition.raw.get("operationId", case.operation.label)


def is_real(case, operation):
    """Some requests keep what was made up: it fits the contract, and nothing has that name."""
    if case.meta is None or case.meta.generation.mode.is_negative:
        return operation not in COSTLY and sum(seen[operation].values()) % 4 != 3
    goods[operation] += 1
    if operation in COSTLY:
        return goods[operation] % COSTLY_EVERY == 1
    return goods[operation] % 4 != 0


@schemathesis.hook
def before_call(context, case, kwargs):
    global caller, password_to_be
    if CALLER == "planted":
        return
    if caller is None:
        caller = CALLERS[CALLER]()
    caller.get_ready()
    caller.shop.asked += 1
    case.headers["X-Local-Source-Ip"] = address()
    operation = operation_of(case)
    password_to_be = None
    if not is_real(case, operation):
        return
    # A made-up proof beside the real one would be all that is looked at.
    for name in ("Authorization", "X-Cart-Token", "X-Order-Token", "X-CSRF-Token"):
        case.headers.pop(name, None)
    for name in ("__Host-session", "__Host-staff-session"):
        case.cookies.pop(name, None)
    if operation in OWN:
        # What is made up is written into copies: several requests share it.
        if good(case, ParameterLocation.PATH) and case.path_parameters:
            case.path_parameters = dict(case.path_parameters)
            caller.with_care(put_into_path, case, operation)
        if good(case, ParameterLocation.QUERY) and case.query:
            case.query = dict(case.query)
            put_into_query(case)
        if good(case, ParameterLocation.HEADER) and "If-Match" in case.headers:
            caller.with_care(put_into_version, case)
        if good(case, ParameterLocation.BODY) and isinstance(case.body, dict):
            if goods[operation] % 4 == 1 and not operation.startswith("identity."):
                case.body = sample(operation) or case.body
            caller.with_care(put_into_body, case, operation)
    if good(case, ParameterLocation.HEADER) and "Idempotency-Key" in case.headers:
        case.headers["Idempotency-Key"] = key()
    # Last, for what was prepared may have begun another session.
    case.headers.update(caller.headers())


def put_into_path(case, operation):
    path, given = case.operation.path, case.path_parameters
    above = path.partition("/{")[0]
    first = path[len(above) + 2 :].partition("}")[0]
    if above == "/v1/store/carts":
        cart = caller.cart()
        if path.endswith("/merge"):
            cart = caller.filled = caller.new_cart()
        given["id"] = cart["id"]
        mine = {"X_Cart_Token": cart["token"]} if cart["token"] else caller.headers()
        if cart["token"]:
            case.headers["X-Cart-Token"] = cart["token"]
        if "line_id" in given:
            given["line_id"] = cart["line"]
        elif "code" in given or "gift_card_id" in given:
            # What is taken off a cart was on it.
            ours = {"code": caller.code, "gift_card_id": caller.gift_card["id"]}
            given.update({name: ours[name] for name in given.keys() & ours.keys()})
            used = caller.code if "code" in given else caller.gift_card["code"]
            at = address_of(case).rpartition("/")[0]
            caller.shop.send("POST", at, {"code": used}, **mine)
    elif above == "/v1/store/orders":
        order = caller.order()
        given["id"] = order["id"]
        if order["token"]:
            case.headers["X-Order-Token"] = order["token"]
    elif path == "/v1/store/products/{id_or_slug}":
        given["id_or_slug"] = caller.product["slug"]
    elif above == "/v1/store/products":
        given.update(id=caller.sold_out["id"], variant_id=caller.sold_out["variants"][0]["id"])
    elif operation == "identity.admin.end_session":
        given.update(id=caller.id, session_id=caller.spare_session())
    elif operation == "identity.admin.list_sessions":
        given["id"] = caller.id
    elif above == caller.sessions:
        given["id"] = caller.spare_session()
    elif above == "/v1/admin/customers":
        given["id"] = caller.customer()
    elif above in caller.makes:
        # What ends something gets it new; for the others one is enough.
        is_end = case.operation.method.upper() == "DELETE" or operation in USED_UP
        thing = caller.make(above) if is_end else caller.owned(above)
        given[first] = thing[caller.names[above]]
        if "variant_id" in given:
            given["variant_id"] = thing["variants"][0]["id"]
        elif "code" in given:
            given["code"] = caller.new_code(thing)
        elif "locale" in given:
            given["locale"] = "de"
    elif "sku" in given:
        here = caller.moved(operation)
        given.update({name: here[name] for name in given.keys() & here.keys()})
    make_ready(case, operation)


def address_of(case):
    return re.sub(r"{(\w+)}", lambda name: str(case.path_parameters[name[1]]), case.operation.path)


def make_ready(case, operation):
    """Brings what is in the path into the state that the request needs."""
    at, headers = address_of(case), caller.headers()
    if operation in BEFORE:
        before = at.rpartition("/")[0] + BEFORE[operation]
        bodies = {"/arm": {"shards": 2}, "/disarm": {}}
        body = bodies.get(BEFORE[operation])
        caller.shop.send("POST", before, body, **headers, Idempotency_Key=key())
    elif operation == "catalog.admin.add_variant":
        # It is of the last size, which is free then.
        product = at.rpartition("/")[0]
        variant = caller.made["/v1/admin/products"]["variants"][-1]["id"]
        seen = {"If_Match": caller.version(product)}
        caller.shop.send("DELETE", f"{product}/variants/{variant}", **headers, **seen)
    elif operation.endswith(("remove_translation", "remove_category_translation")):
        seen = {"If_Match": caller.version(at)}
        caller.shop.send("PUT", at, {"title": "Becher"}, **headers, **seen)


def put_into_version(case):
    """What was seen, if anything was."""
    case.headers["If-Match"] = caller.version(address_of(case)) or case.headers["If-Match"]


def put_into_query(case):
    if "currency" in case.query:
        case.query["currency"] = "EUR"
    if "sku" in case.query:
        case.query["sku"] = caller.skus[0]
    # Only the page before knows it.
    case.query.pop("cursor", None)


def put_into_body(case, operation):
    global password_to_be
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
        ours["code"] = caller.gift_card["code"] if "gift_card" in path else caller.code
    elif path.startswith("/v1/store/me/addresses"):
        ours.update(ADDRESS)
    elif path.startswith("/v1/admin/"):
        ours.update(scopes=["orders.read"], expires_at="2190-01-01T00:00:00Z")
        if operation.startswith("inventory."):
            ours.update(caller.moved(operation))
        # Each collection of many goods writes them all.
        if "collections" in path and goods[operation] % 4 != 1:
            ours["conditions"] = NO_GOODS
        if "role_id" in body:
            ours["role_id"] = caller.owned("/v1/admin/roles")["id"]
        if operation == "identity.admin.invite":
            ours.update(caller.newcomer())
    elif operation == "promotions.store.check_gift_card":
        ours["code"] = caller.gift_card["code"]
    elif operation == "inventory.store.unsubscribe":
        ours["token"] = caller.waiting_token()
    elif operation == "identity.store.register":
        ours["password"] = PASSWORD
    elif operation == "identity.store.verify_email":
        ours["token"] = caller.unconfirmed()
    elif operation == "identity.store.change_email":
        ours["password"] = caller.known["password"]
    elif operation == "identity.store.confirm_email":
        ours["token"] = caller.moving()
    elif operation == "identity.admin.accept_invitation":
        ours.update(token=caller.invited(), password=PASSWORD)
    elif operation == "identity.admin.mfa":
        ours.update(caller.proof("token"))
    elif operation == "identity.admin.step_up":
        ours.update(password=caller.known["password"], code=caller.code())
    elif operation.endswith((".change_password", ".reset_password")):
        password_to_be = f"{PASSWORD} {next(number)}"
        ours.update(current_password=caller.known["password"], password=password_to_be)
        if operation.endswith(".reset_password"):
            ours["token"] = caller.reset_token()
    elif path.startswith("/v1/auth/"):
        ours.update(caller.known)
    case.body = with_ours(body, ours)


def with_ours(value, ours):
    """A copy with what is ours, at any depth: what is made up is shared by several requests.
    Optional fields only where they were chosen: their absence is a case, too."""
    if isinstance(value, list):
        return [with_ours(each, ours) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        name: ours[name] if ours.get(name) is not None else with_ours(each, ours)
        for name, each in value.items()
    }


@schemathesis.hook
def after_call(context, case, response):
    operation = operation_of(case)
    seen[operation][response.status_code] += 1
    if CALLER == "planted" or operation not in OWN:
        return
    if response.status_code == 401 and case.headers.get("Authorization"):
        if caller.bearer and not caller.is_known():
            caller.sign_in()
    elif response.status_code == 429:
        caller.rest_and_return()
    if operation == "cart.store.merge":
        # It was a stranger's cart.
        caller.filled = None
    if response.status_code >= 300 or case.operation.method.upper() != case.method.upper():
        return
    # What this call has used up is made anew when it is needed next.
    if operation in ("checkout.store.complete", "cart.store.remove_line"):
        caller.filled = None
    elif operation == "orders.store.cancel":
        caller.waiting = None
    elif operation.endswith((".change_password", ".reset_password")) and password_to_be:
        caller.known["password"] = password_to_be
    if operation.endswith((".logout", ".logout_all", ".reset_password", ".close_account")):
        if caller.bearer and not caller.is_known():
            caller.sign_in()
    elif operation.endswith(".refresh") and response.json().get("access_token"):
        caller.admit(response.json())
    if operation == "checkout.store.complete":
        # Whoever holds many unpaid orders gets no further one.
        order = response.json()["order"]["id"]
        token = response.json().get("order_token")
        headers = caller.headers() or {"X_Order_Token": token}
        caller.shop.send("POST", f"/v1/store/orders/{order}/cancel", **headers)


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
    # A word that stands in the place of an id is none: it has its own methods alone.
    declared = {name.upper() for name in case.operation.schema[case.operation.path]}
    if method in declared or method in ("OPTIONS", "HEAD"):
        return
    if response.status_code != 405:
        raise AssertionError(f"undeclared {method} answers {response.status_code}, not 405")
    allow = {each.strip() for each in response.headers.get("allow", [""])[0].split(",")}
    if not declared <= allow or method in allow:
        raise AssertionError(f"Allow says {sorted(allow)}, the contract {sorted(declared)}")
