"""Looks through every CloudFormation template: cfn-lint by itself, then `sam validate --lint`.

    validate_templates.py TEMPLATE...

Both load for seconds before they read a line, so each process loads them once and takes one
template after the other, the largest first. Ends with a failure where either finds something.
"""

import concurrent.futures
import os
import pathlib
import sys

import click
from cfnlint.runner import main as cfn_lint
from samcli.cli.main import cli as sam


def flaw(template):
    """What is wrong with a template, or nothing; the tools have said it at length by then."""
    sys.argv = ["cfn-lint", "--", template]
    try:
        cfn_lint()
    except SystemExit as end:
        if end.code:
            return f"cfn-lint ends with {end.code}"
    try:
        sam.main(["validate", "--lint", "--template", template], standalone_mode=False)
    except click.ClickException as refusal:
        return f"sam: {refusal.format_message()}"
    except (click.exceptions.Exit, SystemExit) as end:
        code = getattr(end, "exit_code", getattr(end, "code", 1))
        if code:
            return f"sam ends with {code}"
    return None


def main():
    templates = sorted(sys.argv[1:], key=lambda path: -pathlib.Path(path).stat().st_size)
    if not templates:
        sys.exit("no template is named")
    with concurrent.futures.ProcessPoolExecutor(os.cpu_count()) as processes:
        found = [
            f"{template}: {flaw}"
            for template, flaw in zip(templates, processes.map(flaw, templates))
            if flaw
        ]
    print(f"{len(templates)} templates, {len(found)} with flaws", *found, sep="\n")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
