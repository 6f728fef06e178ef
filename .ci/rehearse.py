"""A deployment and a purchase without AWS: what `cargo xtask package` made is deployed to
ministack, another's emulator of AWS, by its CloudFormation, and runs there as the binaries it is.

    rehearse.py STAND_IN                    from target/package
    rehearse.py STAND_IN --packages FOLDER

STAND_IN is the binary of `cargo build --package local --example stand_in`: the demo goods, and the
twin of Stripe. Needs ministack, aws-sam-translator and cryptography beside this Python; takes no
port but those that are free, and keeps all in a folder that is gone afterwards.

The shop's own emulator was written by those who wrote the shop: what both misunderstand, no test of
theirs finds. Here tables, streams, queues, letters, secrets and objects are somebody else's reading
of the same documentation. Two purchases, a cancellation with its refund, an expiry, a batch that
fails in part, a search and a staff's sign-in have to come out as they do at home. What ministack
lacks is listed in docs/decisions/0075-rehearsed-on-somebody-elses-emulator.md; what it says of each
template is printed. Ends with a failure where anything deviates.
"""

import argparse
import base64
import collections
import concurrent.futures
import contextlib
import datetime
import hashlib
import hmac
import http.server
import json
import logging
import os
import pathlib
import re
import secrets
import shutil
import socket
import statistics
import string
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
import uuid

import boto3
from botocore.config import Config
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (Encoding, NoEncryption, PrivateFormat,
                                                          PublicFormat)
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

import smoke

REGION = "eu-central-1"
# The emulator takes anybody's.
ANY_KEYS = dict.fromkeys(["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"], "test")
PREFIX = "rehearsal"
CODE = "rehearsal-code"
# ministack knows no such thing, nor an alarm that reckons with several metrics. No request and no
# message passes through them.
LACKING = ("AWS::Backup::BackupSelection", "AWS::Budgets::Budget", "AWS::CodeDeploy::Application",
           "AWS::CodeDeploy::DeploymentGroup")
# The front door and its firewall: there is no CloudFront to stand in front of.
NOT_DEPLOYED = ("infra/edge.yaml", "infra/firewall.yaml")
SELF = "127.0.0.1"
# Whoever shops; the addresses of documentation are nobody's.
SHOPPER = "203.0.113.7"
READY_SECONDS_MAX = 60
STACK_SECONDS_MAX = 600
# A message waits for a poller, the poller for a process to start.
SETTLED_SECONDS_MAX = 90
# More than the window that an unpaid order has.
LATE = datetime.timedelta(hours=3)
HOP_BY_HOP = {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding",
              "upgrade"}


class Deviation(smoke.Deviation):
    """What went otherwise than it should."""


def free_port():
    with socket.socket() as taken:
        taken.bind((SELF, 0))
        return taken.getsockname()[1]


def waited_for(what, seconds, look):
    """What a look gives, as soon as it gives something."""
    began = time.monotonic()
    while not (found := look()):
        if time.monotonic() - began > seconds:
            raise Deviation(f"{what}: not within {seconds} s")
        time.sleep(0.2)
    return found


class Cloud:
    """ministack, and what is deployed there."""

    def __init__(self, folder, stripe):
        self.folder = folder
        self.url = f"http://{SELF}:{free_port()}"
        self.outputs = {}
        self.functions = {}
        self.routes = []
        # Functions inherit this. What a template says of a variable goes before it.
        variables = {
            "PATH": os.environ["PATH"], "HOME": str(folder), "TMPDIR": str(folder),
            "GATEWAY_PORT": self.url.rpartition(":")[2], "BIND_HOST": SELF, "IOT_MTLS_ENABLED": "0",
            "MINISTACK_REGION": REGION, "AWS_ENDPOINT_URL": self.url, "STRIPE_API_BASE": stripe,
            **ANY_KEYS,
        }
        self.log = (folder / "ministack.log").open("wb")
        program = pathlib.Path(sys.executable).with_name("ministack")
        self.process = subprocess.Popen([program], env=variables, cwd=folder, stdout=self.log,
                                        stderr=subprocess.STDOUT, start_new_session=True)
        try:
            waited_for("ministack is ready", READY_SECONDS_MAX, self.is_ready)
        except smoke.Deviation:
            self.close()
            raise

    def is_ready(self):
        if self.process.poll() is not None:
            raise Deviation(f"ministack ends with {self.process.returncode}")
        with contextlib.suppress(OSError):
            return self.look("ready").get("status") == "completed"
        return False

    def close(self):
        """Ends it, and every function that it started: they are of its session."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, 15)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, 9)
            self.process.wait()
        self.log.close()

    def client(self, service):
        config = Config(read_timeout=STACK_SECONDS_MAX, retries={"max_attempts": 1},
                        max_pool_connections=32, s3={"addressing_style": "path"})
        return boto3.client(service, endpoint_url=self.url, region_name=REGION, config=config,
                            aws_access_key_id="test", aws_secret_access_key="test")

    def look(self, page):
        """What ministack shows of itself."""
        with urllib.request.urlopen(f"{self.url}/_ministack/{page}", timeout=30) as answer:
            return json.load(answer)

    def lines(self):
        """What functions wrote: a line of JSON each."""
        with open(self.log.name, encoding="utf-8", errors="replace") as log:
            return [json.loads(line) for line in log if line.startswith("{")]

    def letters(self):
        """The letters that went out, oldest first."""
        accounts = self.look("ses/messages")["messages"]
        return [letter for one in accounts.values() for letter in one]

    def deploy(self, packages, parameters):
        """The root template's stacks, each after those whose outputs it is given."""
        s3 = self.client("s3")
        s3.create_bucket(Bucket=CODE, CreateBucketConfiguration={"LocationConstraint": REGION})
        for package in sorted(packages.glob("*.zip")):
            s3.upload_file(str(package), CODE, package.name)
        root = yaml_parse((packages / "template.yaml").read_text())
        given = {name: str(one["Default"]) for name, one in root["Parameters"].items()
                 if "Default" in one} | parameters
        waiting = {name: one["Properties"] for name, one in root["Resources"].items()
                   if one["Properties"]["Location"] not in NOT_DEPLOYED}
        while waiting:
            ready = [name for name, one in waiting.items() if self.inputs(one, given) is not None]
            if not ready:
                raise Deviation(f"the stacks wait for each other: {', '.join(waiting)}")
            for name in ready:
                stack = waiting.pop(name)
                self.create(name, packages / stack["Location"], self.inputs(stack, given), s3)

    def inputs(self, stack, given):
        """What a stack's parameters are; nothing where they are not known yet."""
        values = {}
        for name, value in stack["Parameters"].items():
            if "Ref" in value:
                values[name] = given[value["Ref"]]
                continue
            other, output = value["Fn::GetAtt"]
            if other not in self.outputs:
                return None
            values[name] = self.outputs[other][output.removeprefix("Outputs.")]
        return values

    def create(self, name, path, parameters, s3):
        began = time.monotonic()
        template, left_out = translated(path, parameters, self.folder)
        key = f"{name}.json"
        s3.put_object(Bucket=CODE, Key=key, Body=json.dumps(template, default=str).encode())
        formation = self.client("cloudformation")
        formation.create_stack(
            StackName=name, TemplateURL=f"{self.url}/{CODE}/{key}", DisableRollback=True,
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
            Parameters=[{"ParameterKey": one, "ParameterValue": value}
                        for one, value in parameters.items() if one in template["Parameters"]])
        stack = waited_for(f"the stack {name}", STACK_SECONDS_MAX, lambda: ended(formation, name))
        if stack["StackStatus"] != "CREATE_COMPLETE":
            raise Deviation(f"the stack {name}: {stack['StackStatus']}\n{flaws(formation, name)}")
        self.outputs[name] = {one["OutputKey"]: one["OutputValue"]
                              for one in stack.get("Outputs", ())}
        pages = formation.get_paginator("list_stack_resources").paginate(StackName=name)
        physical = {one["LogicalResourceId"]: one["PhysicalResourceId"]
                    for page in pages for one in page["StackResourceSummaries"]}
        # A route may lead to what another stack has.
        self.learn(template, parameters | physical)
        print(f"  {name:<16} {len(physical):>4} resources {len(left_out):>4} left out "
              f"{time.monotonic() - began:>6.1f} s")

    def learn(self, template, physical):
        """Which function has which Handler, and which route leads to which."""
        for logical, resource in template["Resources"].items():
            if resource["Type"] == "AWS::Lambda::Alias":
                function = resource["Properties"]["FunctionName"]["Ref"]
                handler = template["Resources"][function]["Properties"]["Handler"]
                self.functions[handler] = physical[logical]
            if resource["Type"] == "AWS::ApiGatewayV2::Api":
                for path, methods in resource["Properties"]["Body"]["paths"].items():
                    self.routes += [Route(method, path, physical[target])
                                    for method, target in targets(methods)]

    def invoke(self, function, event):
        """A function's answer; its failure is a deviation."""
        said = self.client_of_functions().invoke(FunctionName=function, Payload=json.dumps(event))
        answer = json.loads(said["Payload"].read() or b"null")
        if "FunctionError" in said:
            raise Deviation(f"{function.rpartition(':function:')[2]}: {smoke.brief(answer)}")
        return answer

    def client_of_functions(self):
        if not hasattr(self, "lambda_"):
            self.lambda_ = self.client("lambda")
        return self.lambda_


def ended(formation, name):
    stack = formation.describe_stacks(StackName=name)["Stacks"][0]
    return None if stack["StackStatus"].endswith("IN_PROGRESS") else stack


def flaws(formation, name):
    events = formation.describe_stack_events(StackName=name)["StackEvents"]
    return "\n".join(f"  {one['LogicalResourceId']}: {one.get('ResourceStatusReason')}"
                     for one in events if one["ResourceStatus"].endswith("FAILED"))


def translated(path, parameters, folder):
    """A template as CloudFormation sees it, without what ministack lacks, and what that is."""
    template = yaml_parse(path.read_text())
    if "Transform" in template:
        globals_ = template.get("Globals", {}).get("Function")
        if globals_:
            globals_["CodeUri"] = f"s3://{CODE}/{pathlib.PurePath(globals_['CodeUri']).name}"
        session = boto3.Session(region_name=REGION)
        translator = Translator({}, Parser(), boto_session=session)
        template = translator.translate(template, dict(parameters))
    resources = template["Resources"]
    left_out = [name for name, one in resources.items() if is_lacking(one)]
    for name in left_out:
        del resources[name]
    for one in resources.values():
        # How an alias moves on is said to CodeDeploy.
        one.pop("UpdatePolicy", None)
        variables = one.get("Properties", {}).get("Environment", {}).get("Variables", {})
        if "SEARCH_FOLDER" in variables:
            # Functions have a folder of their own there; here all have this machine's.
            variables["SEARCH_FOLDER"] = str(folder / "search")
    return template, left_out


def is_lacking(resource):
    is_sum = resource["Type"] == "AWS::CloudWatch::Alarm" and "Metrics" in resource["Properties"]
    return is_sum or resource["Type"] in LACKING


def targets(methods):
    """The methods of a path, and which alias each of them leads to."""
    for method, said in methods.items():
        if isinstance(said, dict) and "x-amazon-apigateway-integration" in said:
            integration = said["x-amazon-apigateway-integration"]
            target = re.search(r"\$\{(\w+)\}/invocations", json.dumps(integration["uri"]))
            yield method, target[1]


class Route:
    def __init__(self, method, path, function):
        self.method = "ANY" if "any" in method else method.upper()
        self.path = path
        self.function = function
        names = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(path))
        self.pattern = re.compile(names)
        # Of two that fit, the one with the earlier literal segment wins.
        self.order = [segment.startswith("{") for segment in path.split("/")]


class Gateway(http.server.BaseHTTPRequestHandler):
    """API Gateway's HTTP API with the routes of all stacks; ministack makes none of its own."""

    protocol_version = "HTTP/1.1"
    cloud = None

    def answer(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        path, _, query = self.path.partition("?")
        method = "GET" if self.command == "HEAD" else self.command
        found = [(route, match) for route in self.cloud.routes
                 if (match := route.pattern.fullmatch(path)) and route.method in (method, "ANY")]
        if not found:
            return self.say(404, [], b'{"message": "Not Found"}')
        route, match = min(found, key=lambda one: one[0].order)
        try:
            said = self.cloud.invoke(route.function, self.event(route, match, method, query, body))
        except Exception as failed:  # whoever asked is to hear of it, as in the cloud
            logging.error("%s %s: %s", method, route.path, failed)
            return self.say(500, [], b'{"message": "Internal Server Error"}')
        text = said.get("body") or ""
        body = base64.b64decode(text) if said.get("isBase64Encoded") else text.encode()
        headers = list((said.get("headers") or {}).items())
        headers += [("set-cookie", cookie) for cookie in said.get("cookies") or ()]
        return self.say(said["statusCode"], headers, body)

    do_DELETE = do_GET = do_HEAD = do_OPTIONS = do_PATCH = do_POST = do_PUT = answer

    def event(self, route, match, method, query, body):
        """Payload version 2.0, as its documentation has it."""
        path = self.path.partition("?")[0]
        key = f"{route.method} {route.path}"
        now = datetime.datetime.now(datetime.UTC)
        headers = collections.defaultdict(list)
        for name, value in self.headers.items():
            if name.lower() not in HOP_BY_HOP | {"cookie"}:
                headers[name.lower()].append(value)
        headers |= {"x-forwarded-for": [SHOPPER], "x-forwarded-proto": ["https"],
                    "x-forwarded-port": ["443"]}
        event = {
            "version": "2.0", "routeKey": key, "rawPath": path, "rawQueryString": query,
            "headers": {name: ",".join(values) for name, values in headers.items()},
            "requestContext": {
                "accountId": "000000000000", "apiId": "rehearsal", "stage": "$default",
                "domainName": self.headers["host"], "domainPrefix": "rehearsal",
                "http": {"method": method, "path": path, "protocol": "HTTP/1.1",
                         "sourceIp": SHOPPER, "userAgent": self.headers.get("user-agent", "")},
                "requestId": str(uuid.uuid4()), "routeKey": key,
                "time": now.strftime("%d/%b/%Y:%H:%M:%S +0000"),
                "timeEpoch": int(now.timestamp() * 1000),
            },
            "isBase64Encoded": False,
        }
        cookies = [one.strip() for line in self.headers.get_all("cookie", ())
                   for one in line.split(";")]
        queries = collections.defaultdict(list)
        for name, value in urllib.parse.parse_qsl(query, keep_blank_values=True):
            queries[name].append(value)
        if cookies:
            event["cookies"] = cookies
        if queries:
            event["queryStringParameters"] = {
                name: ",".join(values) for name, values in queries.items()}
        if match.groupdict():
            event["pathParameters"] = {name: urllib.parse.unquote(value)
                                       for name, value in match.groupdict().items()}
        if body:
            event["body"] = body.decode()
        return event

    def say(self, status, headers, body):
        self.send_response(status)
        for name, value in headers:
            if name.lower() not in ("content-length", "connection"):
                self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_):
        """Nothing: the steps are printed."""


def put_secrets(cloud):
    """Those that a deployment fills in (infra/secrets.yaml); what is generated is there."""
    names = cloud.outputs["Secrets"]
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    x = base64.urlsafe_b64encode(public).decode().rstrip("=")
    for name, value in {
        "StripeSecret": {
            "secret_key": f"sk_test_{secrets.token_hex(16)}",
            "publishable_key": f"pk_test_{secrets.token_hex(16)}",
            "webhook_secrets": [f"whsec_{secrets.token_hex(16)}"],
        },
        "JwtSigningSecret": {"kid": "first", "pkcs8": base64.b64encode(private).decode()},
        "JwtPublicSecret": {"keys": [{"kid": "first", "x": x}]},
        "FactorsSecret": {"keys": [{"id": "first", "key": secrets.token_hex(32)}]},
    }.items():
        cloud.client("secretsmanager").put_secret_value(SecretId=names[name],
                                                        SecretString=json.dumps(value))


@contextlib.contextmanager
def stand_in(program, port, cloud, shop):
    """The demo goods in their tables, and the twin of Stripe behind its port."""
    tables = {re.sub("Table$", "", name).upper(): value
              for name, value in cloud.outputs["Storage"].items() if name.endswith("Table")}
    variables = {
        "AWS_ENDPOINT_URL": cloud.url, "AWS_REGION": REGION, **ANY_KEYS, "SHOP_URL": shop,
        "FILES_BUCKET": cloud.outputs["Storage"]["FilesBucket"],
        "SECRET_FACTORS": cloud.outputs["Secrets"]["FactorsSecret"],
        "SECRET_STRIPE": cloud.outputs["Secrets"]["StripeSecret"],
    } | {f"TABLE_{name}": value for name, value in tables.items()}
    process = subprocess.Popen([program, str(port)], env=variables, stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True)
    try:
        def told(line=None):
            if line:
                process.stdin.write(json.dumps(line) + "\n")
                process.stdin.flush()
            answer = process.stdout.readline()
            if not answer:
                raise Deviation(f"{program} ends with {process.wait()}")
            return json.loads(answer)

        yield told
    finally:
        process.stdin.close()
        process.wait(10)


class Rehearsal:
    """What is played, and what has to be true afterwards."""

    def __init__(self, cloud, shop, told):
        self.cloud = cloud
        self.shop = shop
        self.told = told
        props = told()
        self.stripe = props["stripe"].rstrip("/")
        self.owner = props["owner"]

    def settled(self, what, look):
        began = time.monotonic()
        found = waited_for(what, SETTLED_SECONDS_MAX, look)
        print(f"  {what:<30}      {(time.monotonic() - began) * 1000:>6.0f} ms")
        return found

    def letter(self, ending):
        self.settled(f"the letter: {ending}", lambda: [
            letter for letter in self.cloud.letters() if ending in letter["Subject"]])

    def items(self, table):
        """Everything in a table, as plain values."""
        pages = self.cloud.client("dynamodb").get_paginator("scan").paginate(
            TableName=self.cloud.outputs["Storage"][f"{table}Table"], ConsistentRead=True)
        return [item for page in pages for item in page["Items"]]

    def reserved(self):
        """How many units are held, by SKU."""
        held = {item["pk"]["S"]: int(item["reserved"]["N"]) for item in self.items("Inventory")
                if "reserved" in item}
        return {sku: units for sku, units in held.items() if units}

    def purchase(self):
        print("A purchase:")
        buyer = smoke.Buyer(self.shop)
        cart, total = buyer.fill("DE")
        order = buyer.order(cart, total, self.stripe)
        self.letter(order["number"])
        self.settled("nothing is unsaid", lambda: not self.unsaid())
        return order

    def unsaid(self):
        return [item for item in self.items("Orders") if item["pk"]["S"].startswith("OBX#")]

    def signed_in(self):
        """A member of the staff, with a password and a code."""
        staff = smoke.Buyer(self.shop)
        who = {"email": self.owner["email"], "password": self.owner["password"], "mode": "token"}
        first = staff.step("sign in", 200, "POST", "/v1/auth/staff/login", who)
        code = {"mfa_token": first["mfa_token"], "code": one_time(self.owner["secret"])}
        session = staff.step("say the code", 200, "POST", "/v1/auth/staff/mfa", code)
        staff.headers["Authorization"] = f"Bearer {session['access_token']}"
        return staff

    def cancellation(self, order):
        print("It is called off, and the money goes back:")
        staff = self.signed_in()
        path = f"/v1/admin/orders/{order['id']}"
        staff.step("call it off", 200, "POST", f"{path}/cancel", {"reason": "Out of stock"})
        self.settled("it is refunded", lambda: staff.ask("GET", self.shop + path)[1][
            "payment_status"] == "refunded")
        self.letter("was canceled")
        refunds = staff.ask("GET", f"{self.stripe}/v1/refunds?limit=100",
                            headers={"Authorization": f"Bearer {self.key()}"})[1]["data"]
        paid = order["totals"]["total"]["amount"]
        if (given := [one["amount"] for one in refunds]) != [paid]:
            raise Deviation(f"refunds of {given} for {paid}")
        if held := self.reserved():
            raise Deviation(f"units are still held: {held}")
        return staff

    def key(self):
        name = self.cloud.outputs["Secrets"]["StripeSecret"]
        held = self.cloud.client("secretsmanager").get_secret_value(SecretId=name)
        return json.loads(held["SecretString"])["secret_key"]

    def expiry(self, staff):
        print("Nobody pays, and it expires:")
        buyer = smoke.Buyer(self.shop)
        cart, total = buyer.fill("DE")
        ordered = buyer.step("order", 201, "POST", f"{cart}/complete", {"expected_total": total})
        if not self.reserved():
            raise Deviation("an order that waits for its money holds nothing")
        self.grow_late(ordered["order"]["id"])
        self.cloud.invoke(self.cloud.functions["checkout.jobs.expire_unpaid"], beat())
        seen = {"X-Order-Token": ordered["order_token"]}
        at = f"{self.shop}/v1/store/orders/{ordered['order']['id']}"
        self.settled("it is expired",
                     lambda: buyer.ask("GET", at, headers=seen)[1]["status"] == "expired")
        intent = ordered["payment"]["payment_intent_id"]
        said = staff.ask("GET", f"{self.stripe}/v1/payment_intents/{intent}",
                         headers={"Authorization": f"Bearer {self.key()}"})[1]
        if said["status"] != "canceled":
            raise Deviation(f"what nobody may pay any more is {said['status']} at the provider")
        if held := self.reserved():
            raise Deviation(f"units are still held: {held}")

    def grow_late(self, order):
        """As if it had been placed hours ago: a binary has no other clock than the machine's."""
        table = self.cloud.outputs["Storage"]["OrdersTable"]
        key = {"pk": {"S": f"ORD#{order}"}, "sk": {"S": "META"}}
        dynamodb = self.cloud.client("dynamodb")
        item = dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True)["Item"]
        due = item["gsi3sk"]["S"].partition("#")[0]
        late = earlier(due)
        reservation = item["reservation"]["M"] | {
            "expires_at": {"S": earlier(item["reservation"]["M"]["expires_at"]["S"])}}
        item |= {"gsi3sk": {"S": item["gsi3sk"]["S"].replace(due, late)},
                 "reservation": {"M": reservation}}
        dynamodb.put_item(TableName=table, Item=item)

    def partial_failure(self):
        """Of a batch, the message that can not be read comes again until it is given up; those
        beside it are done once."""
        print("A batch fails in part:")
        sqs = self.cloud.client("sqs")
        queue = self.cloud.outputs["Messaging"]["MailQueueUrl"]
        dead = sqs.get_queue_url(QueueName=f"{PREFIX}-mail-dlq")["QueueUrl"]
        before = len(self.cloud.letters())
        # Five tries are to take seconds, not a quarter of an hour.
        sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "2"})
        bodies = ["this is no event"] + [json.dumps(mailed()) for _ in range(3)]
        sqs.send_message_batch(QueueUrl=queue, Entries=[
            {"Id": str(number), "MessageBody": body} for number, body in enumerate(bodies)])
        self.settled("those beside it are sent",
                     lambda: len(self.cloud.letters()) == before + len(bodies) - 1)
        self.settled("it is given up", lambda: self.depth(sqs, dead) == 1)
        sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "180"})
        if (sent := len(self.cloud.letters()) - before) != len(bodies) - 1:
            raise Deviation(f"{sent} letters were sent for {len(bodies) - 1}")

    def depth(self, sqs, url):
        said = sqs.get_queue_attributes(QueueUrl=url,
                                        AttributeNames=["ApproximateNumberOfMessages"])
        return int(said["Attributes"]["ApproximateNumberOfMessages"])

    def search(self):
        """What stands in the catalog is found: its stream, a queue and objects are behind it."""
        print("What is sold is found:")
        url = f"{self.shop}/v1/store/products?q=shirt"
        buyer = smoke.Buyer(self.shop)
        self.settled("shirts", lambda: buyer.ask("GET", url)[1].get("data"))

    def at_rest(self):
        """Nothing waits, nothing was given up but what was meant to be, and every invariant that
        the shop's own stories ask holds of these tables, too."""
        print("At the end:")
        self.settled("nothing is unsaid", lambda: not self.unsaid())
        self.settled("no message waits", lambda: not any(
            depth for name, depth in self.depths().items() if "-dlq" not in name))
        depths = self.depths()
        given_up = {name: depth for name, depth in depths.items() if depth}
        if given_up != {f"{PREFIX}-mail-dlq": 1}:
            raise Deviation(f"messages were given up: {given_up}")
        broken = self.told({"letters": self.sent(), "queued": {
            name: depth for name, depth in depths.items() if name not in given_up}})["broken"]
        if broken:
            raise Deviation("; ".join(broken))
        print("  every invariant holds")
        self.said()

    def said(self):
        """No function complained but the one that was given nonsense; and what each took."""
        lines = self.cloud.lines()
        wrong = [line for line in lines if line.get("level") == "ERROR"
                 and line.get("op") != "notifications.jobs.deliver"]
        if wrong:
            raise Deviation(f"{len(wrong)} lines of level ERROR: {smoke.brief(wrong[0])}")
        took = {is_cold: [line["duration_ms"] for line in lines
                          if line.get("message") == "invoked" and line["cold_start"] is is_cold]
                for is_cold in (True, False)}
        functions = {line["op"] for line in lines if line.get("message") == "invoked"}
        print(f"  {len(functions)} functions, {len(took[True])} cold invocations with a median of "
              f"{statistics.median(took[True]):.0f} ms, {len(took[False])} warm ones of "
              f"{statistics.median(took[False]):.0f} ms")

    def depths(self):
        """How many messages lie in each queue, those of which somebody has one in hand included."""
        queues = self.cloud.look("sqs/messages")["messages"]
        return {url.rpartition("/")[2]: len(messages)
                for account in queues.values() for region in account.values()
                for url, messages in region.items()}

    def sent(self):
        """The letters with the ids that the shop has for them."""
        rows = {item["provider_id"]["S"]: item for item in self.items("Ephemeral")
                if "provider_id" in item}
        letters = []
        for letter in self.cloud.letters():
            row = rows[letter["MessageId"]]
            letters.append({"message_id": row["id"]["S"], "template": row["letter"]["S"],
                            "subject": letter["Subject"],
                            "content": letter["BodyText"] + letter["BodyHtml"]})
        return letters


def one_time(secret):
    """The code of an authenticator app (RFC 6238)."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.digest(key, struct.pack(">Q", int(time.time()) // 30), hashlib.sha1)
    number = struct.unpack_from(">I", digest, digest[-1] & 15)[0] & 0x7FFFFFFF
    return f"{number % 1_000_000:06}"


def earlier(moment):
    """A moment as it is written, so much earlier."""
    whole, _, fraction = moment.rstrip("Z").partition(".")
    then = datetime.datetime.fromisoformat(whole) - LATE
    return then.isoformat() + (f".{fraction}" if fraction else "") + "Z"


def beat():
    """What a schedule says."""
    return {"version": "0", "id": str(uuid.uuid4()), "detail-type": "Scheduled Event",
            "source": "aws.events", "account": "000000000000", "region": REGION, "resources": [],
            "time": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "detail": {}}


def ulid():
    """An id as the shop makes them: 128 bits in Crockford's base32."""
    letters = sorted({*string.digits, *string.ascii_uppercase} - {*"ILOU"})
    bits = int(time.time() * 1000) << 80 | secrets.randbits(80)
    return "".join(letters[bits >> shift & 31] for shift in range(125, -5, -5))


def mailed():
    """A letter that is asked for, as the relay hands it on."""
    message = {"id": f"msg_{ulid()}", "to": smoke.BUYER, "letter": "password_changed"}
    return {"id": f"evt_{ulid()}", "at": beat()["time"], "sequence": 1,
            "type": "message.requested", "message": message}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("stand_in", help="the binary of the example `stand_in`")
    parser.add_argument("--packages", default="target/package", type=pathlib.Path)
    words = parser.parse_args()
    packed = json.loads((words.packages / "packages.json").read_text())
    # The translator has metrics that nobody here publishes, and says so.
    logging.getLogger("samtranslator").setLevel(logging.ERROR)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="rehearsal-"))
    stripe, shop = free_port(), f"http://{SELF}:{free_port()}"
    began = time.monotonic()
    try:
        with contextlib.ExitStack() as stack:
            cloud = Cloud(folder, f"http://{SELF}:{stripe}/")
            stack.callback(cloud.close)
            print("Deployed:")
            cloud.deploy(words.packages, {
                "Prefix": PREFIX, "Stage": "test", "Architecture": packed["architecture"],
                "ShopUrl": shop, "AllowedOrigins": shop, "DeletionProtection": "false",
                "MailFrom": "Rehearsal <shop@rehearsal.example>",
                "MailIdentity": "rehearsal.example",
            })
            cloud.client("ses").verify_domain_identity(Domain="rehearsal.example")
            put_secrets(cloud)
            Gateway.cloud = cloud
            server = http.server.ThreadingHTTPServer((SELF, int(shop.rpartition(":")[2])), Gateway)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            stack.callback(server.shutdown)
            told = stack.enter_context(stand_in(words.stand_in, stripe, cloud, shop))
            play = Rehearsal(cloud, shop, told)
            order = play.purchase()
            staff = play.cancellation(order)
            play.expiry(staff)
            play.partial_failure()
            play.search()
            play.at_rest()
    except (smoke.Deviation, KeyError, TypeError) as deviation:
        sys.exit(f"Not rehearsed. {deviation!r}; {folder}/ministack.log says more")
    shutil.rmtree(folder)
    print(f"Rehearsed in {time.monotonic() - began:.0f} s.")


if __name__ == "__main__":
    main()
