"""A purchase in a shop that is deployed, over HTTP alone, as a browser does it.

    smoke.py https://staging.shop.example            buys, with a test card of Stripe's
    smoke.py https://shop.example --look             looks only: for a shop that takes real money
    smoke.py http://127.0.0.1:3000                   the local shop, at its twin of Stripe

Buys two of the first thing that can be shipped, to an address in `--country` (DE), waits until the
order is placed and paid, and prints each step with its time. With `--look` it takes a cart, fills
it and asks what it would cost, and orders nothing. Ends with a failure where anything deviates,
naming the step. Needs Python alone.

Letters about it go to SES's simulator, which takes everything and bothers nobody. An order of a
staging shop stays: it holds two units that never leave.
"""

import argparse
import json
import secrets
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

STRIPE = "https://api.stripe.com"
ANSWER_SECONDS_MAX = 30
PLACED_SECONDS_MAX = 60
# While what was deployed a moment ago wakes up, and new code takes over.
READY_SECONDS_MAX = 120
# More than a retry needs, less than a shop that is broken would take.
TRIES = 3
# SES accepts it and delivers it nowhere.
BUYER = "success@simulator.amazonses.com"


class Deviation(Exception):
    """What went otherwise than it should."""


class Buyer:
    def __init__(self, base, tell=print):
        self.base = base.rstrip("/")
        self.tell = tell
        self.run = secrets.token_hex(8)
        self.headers = {}

    def ask(self, method, url, body=None, headers=None):
        """The status and the body, whatever the status is."""
        sent = {"Accept": "application/json", "User-Agent": "fluxion-smoke"}
        sent |= self.headers | (headers or {})
        data = None
        if isinstance(body, dict):
            data = json.dumps(body).encode()
            sent["Content-Type"] = "application/json"
        elif body is not None:
            data = body.encode()
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        request = urllib.request.Request(url, data, sent, method=method)
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_SECONDS_MAX) as answer:
                return answer.status, read(answer.read())
        except urllib.error.HTTPError as refused:
            return refused.code, read(refused.read())

    def step(self, name, wanted, method, path, body=None, headers=None):
        """One request that has to succeed. What the shop itself calls temporary is tried again:
        every POST has a key, so that trying twice does it once."""
        headers = dict(headers or {})
        if method == "POST":
            headers["Idempotency-Key"] = f"smoke-{self.run}-{name.replace(' ', '-')}"
        url = path if "://" in path else self.base + path
        began = time.monotonic()
        for attempt in range(1, TRIES + 1):
            try:
                status, answer = self.ask(method, url, body, headers)
            except OSError as broken:
                status, answer = 0, str(broken)
            if status == wanted or (status and status not in (429, 502, 503, 504)):
                break
            if attempt < TRIES:
                time.sleep(attempt)
        self.tell(f"  {name:<30} {status:>4} {(time.monotonic() - began) * 1000:>6.0f} ms")
        if status != wanted:
            raise Deviation(f"{name}: {status} instead of {wanted}: {brief(answer)}")
        return answer

    def wait(self, name, seconds, look, is_there):
        began = time.monotonic()
        while True:
            try:
                status, answer = look()
            except OSError as broken:
                status, answer = 0, str(broken)
            if status == 200 and is_there(answer):
                self.tell(f"  {name:<30} {status:>4} {(time.monotonic() - began) * 1000:>6.0f} ms")
                return answer
            if time.monotonic() - began > seconds:
                raise Deviation(f"{name}: not within {seconds} s: {status} {brief(answer)}")
            time.sleep(0.5)

    def fill(self, country):
        """A cart with something in it, and what it costs."""
        ready = self.base + "/health/ready"
        self.wait("all that it needs answers", READY_SECONDS_MAX, lambda: self.ask("GET", ready),
                  lambda _: True)
        listed = self.step("browse the catalog", 200, "GET", "/v1/store/products?limit=100")
        slug, variant = pick(listed)
        self.step("look at a product", 200, "GET", f"/v1/store/products/{slug}")
        made = self.step("take a cart", 201, "POST", "/v1/store/carts", {})
        self.headers["X-Cart-Token"] = made["cart_token"]
        cart = f"/v1/store/carts/{made['cart']['id']}"
        line = {"variant_id": variant, "quantity": 2}
        self.step("put two of it into the cart", 200, "POST", f"{cart}/lines", line)
        address = {"name": "Alma Beispiel", "line1": "Musterweg 7", "city": "Berlin",
                   "postal_code": "10115", "country": country}
        where = {"email": BUYER, "shipping_address": address}
        self.step("say where it goes", 200, "PUT", f"{cart}/addresses", where)
        options = self.step("ask for ways of sending", 200, "GET", f"{cart}/shipping_options")
        if not options["data"]:
            raise Deviation(f"ask for ways of sending: none leads to {country}")
        option = {"shipping_option_id": options["data"][0]["id"]}
        priced = self.step("choose one", 200, "PUT", f"{cart}/shipping", option)
        return cart, priced["totals"]["total"]

    def order(self, cart, total, stripe):
        """Orders and pays; what is answered is the order, placed and paid."""
        wish = {"expected_total": total}
        ordered = self.step("order", 201, "POST", f"{cart}/complete", wish)
        payment = ordered["payment"]
        publishable = payment["publishable_key"]
        if not publishable.startswith("pk_test_"):
            raise Deviation("order: the shop takes real money; only --look is for it")
        form = urllib.parse.urlencode({
            "client_secret": payment["client_secret"],
            "payment_method": "pm_card_visa",
            "return_url": "https://shop.example/back",
        })
        confirm = f"{stripe}/v1/payment_intents/{payment['payment_intent_id']}/confirm"
        key = {"Authorization": f"Bearer {publishable}"}
        paid = self.step("pay with a test card", 200, "POST", confirm, form, key)
        if paid.get("status") != "succeeded":
            raise Deviation(f"pay with a test card: it is {paid.get('status')}")
        seen = {"X-Order-Token": ordered["order_token"]}
        at = f"{self.base}/v1/store/orders/{ordered['order']['id']}"
        order = self.wait("wait until it is placed", PLACED_SECONDS_MAX,
                          lambda: self.ask("GET", at, headers=seen),
                          lambda order: order["status"] != "pending_payment")
        if order["status"] not in ("placed", "completed") or order["payment_status"] != "paid":
            state = f"{order['status']}, its payment {order['payment_status']}"
            raise Deviation(f"wait until it is placed: the order is {state}")
        return order


def read(body):
    try:
        return json.loads(body)
    except ValueError:
        return body.decode(errors="replace")


def brief(answer):
    """Enough of an answer to see what it is. Tokens and secrets are in none that is refused."""
    return (answer if isinstance(answer, str) else json.dumps(answer))[:400]


def pick(listed):
    """The name and a variant of the first product that can be shipped and is there twice."""
    for product in listed["data"]:
        for variant in product.get("variants", ()) if product["type"] == "physical" else ():
            if (variant.get("available") or 0) >= 2:
                return product["slug"], variant["id"]
    raise Deviation("browse the catalog: nothing that can be shipped is for sale")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("url", help="the shop's address")
    parser.add_argument("--look", action="store_true", help="order nothing")
    parser.add_argument("--country", default="DE", help="where to send it")
    words = parser.parse_args()
    buyer = Buyer(words.url)
    is_local = urllib.parse.urlsplit(words.url).hostname in ("127.0.0.1", "localhost")
    stripe = f"{buyer.base}/_local/stripe" if is_local else STRIPE
    try:
        cart, total = buyer.fill(words.country)
        if words.look:
            print(f"Two of it would be {total['amount']} {total['currency']}; nothing was ordered.")
            return
        order = buyer.order(cart, total, stripe)
        print(f"Bought: order {order['number']}.")
    except (Deviation, KeyError, TypeError) as deviation:
        # A body that lacks what it should have is a deviation, too.
        sys.exit(f"Not bought. {deviation!s}")


if __name__ == "__main__":
    main()
