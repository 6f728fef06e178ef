"""Holds the running shop to its own contract: schemathesis makes up requests from /openapi.json,
good ones and bad ones, with a fixed seed, by each kind of caller. Each operation is asked by whom
it is meant for, and where not everybody may, by a stranger, too.

    contract.py path/to/the/local/shop

Ends with a failure where the shop answers with a server error, with a status, header, media type
or body that the contract does not know, takes what the contract forbids, or answers an undeclared
method with anything but 405 and `Allow`. It also fails where fewer operations than before answered
with success: a test that is always refused at the door finds nothing.

Every caller has a shop of their own, in memory and with the same seed, so that what is found is
found again. Beside them one more run asks a small shop that does everything wrong, and has to
find it. And the smoke test of deployments, smoke.py, buys in a shop, and must not in the wrong one.
"""

import contextlib
import http.server
import itertools
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
SEED = "3"
# Beside the fixed set that each operation gets, so many made up at random.
EXAMPLES = "4"
# Of what a stranger asks, so many.
STRANGE_EXAMPLES = 2
# Several times what the slowest caller takes on two busy cores.
CALLER_SECONDS_MAX = 900
OPEN_SECONDS_MAX = 60

# Who calls, and how many of the operations that are meant for them must answer with success at
# least once. These numbers may only grow.
CALLERS = {"anonymous": 18, "customer": 39, "staff": 34, "merchant": 94}
# What staff do with goods is asked in a shop of its own, beside what they do with the shop itself:
# one owner, no stranger to either.
GOODS = ("catalog", "fulfillment", "inventory", "media", "promotions")
SAME = {"staff": "merchant", "merchant": "staff"}

# What the shop says when it is open, and who its demo owner is.
OPENED = (
    r"(?s)open at (?P<url>http://\S+?),.*owner signs in as (?P<email>\S+) with (?P<password>\S+)"
    r"\s+and the code of an authenticator app that knows (?P<secret>[A-Z2-7]+)\n"
)

CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "missing_required_header",
    "unsupported_method",
    "allow_header_conformance",
    # ours, in schemathesis_hooks.py
    "undeclared_method",
    "census",
]

# What must be found in the shop that does everything wrong, by the codes of `st explain`.
SINS = {
    "ST101": "a server error",
    "ST103": "an undocumented status",
    "ST105": "an undocumented media type",
    "ST108": "a body that the contract does not know",
    "ST201": "a bad request that was taken",
    "ST203": "a missing header that was not missed",
    "ST204": "an undeclared method that was answered",
    "undeclared TRACE answers 200": "the same by the check of our own",
}


class Failed(Exception):
    """Said to whoever runs this; the run ends with a failure."""


class Children:
    """Every process that was started. None outlives this run, however it ends."""

    def __init__(self):
        self.lock = threading.Lock()
        self.running = []
        self.closed = False

    def start(self, command, **options):
        with self.lock:
            if self.closed:
                raise Failed("interrupted")
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, **options)
            self.running.append(process)
            return process

    def end(self, process):
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def end_all(self):
        with self.lock:
            self.closed = True
        for process in self.running:
            self.end(process)


children = Children()


@contextlib.contextmanager
def local_shop(binary, folder):
    """The address of a shop of one's own, once it answers."""
    log = folder / "shop.log"
    with open(log, "wb") as out:
        command = [binary, "--ephemeral", "--port", "0", "--seed", SEED]
        process = children.start(command, stdout=out, stderr=subprocess.STDOUT)
    try:
        until = time.monotonic() + OPEN_SECONDS_MAX
        while process.poll() is None and time.monotonic() < until:
            said = re.search(OPENED, log.read_text(errors="replace"))
            if said:
                yield said["url"], " ".join(said.group("email", "password", "secret"))
                return
            time.sleep(0.05)
        raise Failed(f"the shop did not open:\n{log.read_text(errors='replace')[-2000:]}")
    finally:
        children.end(process)


@contextlib.contextmanager
def wrong_shop():
    """A shop with one endpoint, and not one promise of its contract kept."""
    text = {"type": "string", "maxLength": 5}
    body = {"type": "object", "required": ["name"], "properties": {"name": text}}
    answer = {"type": "object", "required": ["ok"], "properties": {"ok": {"type": "boolean"}}}
    key = {"name": "X-Key", "in": "header", "required": True, "schema": {"type": "string"}}
    json_of = lambda schema: {"application/json": {"schema": schema}}  # noqa: E731
    post = {
        "parameters": [key],
        "requestBody": {"required": True, "content": json_of(body)},
        "responses": {"201": {"description": "made", "content": json_of(answer)}},
    }
    contract = {
        "openapi": "3.1.0",
        "info": {"title": "wrong", "version": "1"},
        "paths": {"/things": {"post": post}},
    }

    class Wrong(http.server.BaseHTTPRequestHandler):
        def reply(self, status, kind, value):
            said = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def do_GET(self):
            self.reply(200, "application/json", contract)

        def do_POST(self):
            asked = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            # Which of its faults shows depends on the length: all of them, and the same each time.
            faults = [
                (201, "application/json", {"ok": "perhaps"}),
                (202, "application/json", {"ok": True}),
                (201, "text/plain", {"ok": True}),
                (500, "application/json", {"ok": True}),
            ]
            self.reply(*faults[len(asked) % 4])

        do_PUT = do_PATCH = do_DELETE = do_TRACE = do_OPTIONS = do_GET

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Wrong)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def meant_for(path, operation):
    """The callers that an operation is meant for."""
    proofs = {name for each in operation["security"] for name in each}
    if proofs & {"cart_token", "order_token"}:
        return {"anonymous", "customer"}
    merchant = operation["operationId"].startswith(GOODS)
    signed_in = {"session_cookie": "customer", "staff_cookie": "merchant" if merchant else "staff"}
    if proofs & set(signed_in):
        return {who for cookie, who in signed_in.items() if cookie in proofs}
    if path.startswith("/v1/auth/staff/"):
        return {"staff"}
    # What begins and ends a customer's sessions is open to everybody.
    return {"customer" if path.startswith("/v1/auth/") else "anonymous"}


def share_out(contract):
    """Of every caller, the operations that are meant for them, and those where they are a stranger:
    each that is not open to everybody gets one."""
    own, foreign = {name: [] for name in CALLERS}, {name: [] for name in CALLERS}
    number = itertools.count()
    for path, methods in sorted(contract["paths"].items()):
        for operation in methods.values():
            callers = meant_for(path, operation)
            for caller in callers:
                own[caller].append(operation["operationId"])
            if {} not in operation["security"] and "anonymous" not in callers:
                strangers = [each for each in CALLERS if not callers & {each, SAME.get(each)}]
                foreign[strangers[next(number) % len(strangers)]].append(operation["operationId"])
    return own, foreign


def settings(contract, foreign):
    """Our settings, and what holds for some operations only."""
    lines = [(HERE / "schemathesis.toml").read_text()]
    if foreign:
        # A stranger is refused at the door, whatever they ask for.
        lines += [
            "[[operations]]",
            f"include-operation-id = {json.dumps(foreign)}",
            "phases.coverage.enabled = false",
            f"generation.max-examples = {STRANGE_EXAMPLES}",
        ]
    # Where a word stands in the place of an id, the methods of both are known. The check of our own
    # knows that.
    patterns = {path: re.sub(r"{\w+}", "[^/]+", path) for path in contract.get("paths", ())}
    for path in patterns:
        if any(each != path and re.fullmatch(patterns[each], path) for each in patterns):
            lines += [
                "[[operations]]",
                f"include-path = {json.dumps(path)}",
                "checks.unsupported_method.enabled = false",
                "checks.allow_header_conformance.enabled = false",
            ]
    return "\n".join(lines) + "\n"


def call_as(caller, url, staff, folder, contract, own=(), foreign=()):
    """One run of schemathesis: whether all was well, its report, and what was answered."""
    census = folder / "census.json"
    config = folder / "schemathesis.toml"
    config.write_text(settings(contract, foreign))
    environment = {
        **os.environ,
        # Loading is slow where all is compiled anew; nothing is written beside the hooks.
        "PYTHONDONTWRITEBYTECODE": "",
        "PYTHONPYCACHEPREFIX": str(pathlib.Path(sys.prefix, "compiled")),
        "SCHEMATHESIS_HOOKS": str(HERE / "schemathesis_hooks.py"),
        "SHOP_URL": url,
        "SHOP_CALLER": caller,
        "SHOP_STAFF": staff,
        "SHOP_EVENTS": str(HERE.parent / "events"),
        "SHOP_OWN": " ".join(own),
        "SHOP_CENSUS": str(census),
    }
    command = [
        pathlib.Path(sys.executable).parent / "st",
        *("--config-file", config),
        *("run", url + "/openapi.json", "--no-color", "--wait-for-schema", "30"),
        *("--phases", "coverage,fuzzing", "--max-examples", EXAMPLES, "--seed", SEED),
        *("--generation-database", "none", "--request-timeout", "20"),
        *("--checks", ",".join(CHECKS), "--continue-on-failure"),
        *(word for name in (*own, *foreign) for word in ("--include-operation-id", name)),
        # What it warns of (only refusals, nothing found) is what the census counts.
        *("--warnings", "off"),
    ]
    report = folder / "report.txt"
    with open(report, "wb") as out:
        process = children.start(
            command, cwd=folder, env=environment, stdout=out, stderr=subprocess.STDOUT
        )
    try:
        process.wait(CALLER_SECONDS_MAX)
    except subprocess.TimeoutExpired as slow:
        children.end(process)
        said = report.read_text(errors="replace")[-2000:]
        raise Failed(f"not done after {CALLER_SECONDS_MAX} s:\n{said}") from slow
    said = report.read_text(errors="replace")
    counts = json.loads(census.read_text()) if census.exists() else {}
    return process.returncode == 0, said, counts


def judge(caller, is_well, said, counts, own):
    """What was reached, in words; a failure where it is less than it was."""
    if not is_well:
        raise Failed(said)
    reached = {name for name in own if any(code < "300" for code in counts.get(name, ()))}
    asked = sum(sum(each.values()) for each in counts.values())
    words = (
        f"{caller}: {asked} requests, {len(reached)} of {len(own)} operations succeeded"
        f" and {len(set(counts) - set(own))} met a stranger"
    )
    never = " ".join(sorted(set(own) - reached))
    if len(reached) < CALLERS[caller]:
        raise Failed(f"{words}, once it were {CALLERS[caller]}; never: {never}")
    return words + (f"; never: {never}" if never else "")


def hold(caller, binary, folder):
    with local_shop(binary, folder) as (url, staff):
        with urllib.request.urlopen(url + "/openapi.json", timeout=OPEN_SECONDS_MAX) as answer:
            contract = json.load(answer)
        own, foreign = share_out(contract)
        outcome = call_as(caller, url, staff, folder, contract, own[caller], foreign[caller])
        return judge(caller, *outcome, own[caller])


def prove(caller, _binary, folder):
    with wrong_shop() as url:
        is_well, said, _ = call_as(caller, url, "", folder, {})
    missed = [sin for code, sin in SINS.items() if code not in said]
    if is_well or missed:
        raise Failed(f"does not see in a shop that does all wrong: {missed}\n{said}")
    return f"{caller}: all {len(SINS)} kinds of flaws of the wrong shop were found"


def buy(caller, binary, folder):
    """The purchase that a deployment is tried with: it works here, and is seen to fail."""

    def smoke(url, *words):
        command = [sys.executable, HERE / "smoke.py", url, *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=CALLER_SECONDS_MAX)
        return done.returncode, done.stdout + done.stderr

    with local_shop(binary, folder) as (url, _):
        for words, wanted in ((), "Bought: order "), (("--look",), "nothing was ordered"):
            code, said = smoke(url, *words)
            if code != 0 or wanted not in said:
                raise Failed(said)
    with wrong_shop() as url:
        code, said = smoke(url)
    if code == 0:
        raise Failed(f"bought in a shop that does all wrong:\n{said}")
    return f"{caller}: bought, looked, and did not buy in the wrong shop"


def main():
    binary = sys.argv[1]
    # Whoever ends this run ends its children, too: the finally clause runs.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    outcome = {}

    def run(how, caller, folder):
        try:
            outcome[caller] = (True, how(caller, binary, folder))
        except Exception as failed:  # whatever it is, it is told at the end
            outcome[caller] = (False, f"!!! {caller}: {failed!s}")

    jobs = {"planted": prove, "smoke": buy, **{caller: hold for caller in CALLERS}}
    with tempfile.TemporaryDirectory(prefix="fluxion-contract-") as folder:
        runs = []
        for caller, how in jobs.items():
            own = pathlib.Path(folder, caller)
            own.mkdir()
            runs.append(threading.Thread(target=run, args=(how, caller, own)))
        try:
            for each in runs:
                each.start()
            for each in runs:
                each.join()
        finally:
            children.end_all()

    for caller in jobs:
        print(outcome[caller][1])
    sys.exit(not all(is_well for is_well, _ in outcome.values()))


if __name__ == "__main__":
    main()
