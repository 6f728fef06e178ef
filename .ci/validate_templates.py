"""Looks through every CloudFormation template: cfn-lint by itself, then `sam validate --lint`, then
how much CloudFormation makes of it.

    validate_templates.py TEMPLATE...

All load for seconds before they read a line, so each process loads them once and takes one template
after the other, the largest first. Ends with a failure where any finds something.
"""

import concurrent.futures
import json
import logging
import os
import pathlib
import sys

import click
from cfnlint.runner import main as cfn_lint
from samcli.cli.main import cli as sam
from samcli.yamlhelper import yaml_parse
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

# CloudFormation takes 500 resources and a million bytes of each stack, after SAM's transformation.
# What is left is for the next release's endpoints.
RESOURCES_MAX = 400
BYTES_MAX = 800_000


def transformed(template):
    """The template as CloudFormation sees it, whose parameters are given and whose code is uploaded."""
    written = yaml_parse(pathlib.Path(template).read_text())
    if "Transform" not in written:
        return written
    if "Globals" in written:
        written["Globals"]["Function"]["CodeUri"] = "s3://bucket/code"
    given = {name: "given" for name in written.get("Parameters", {})}
    return Translator({}, Parser()).translate(written, given)


def look(template):
    """How large a template's stack is, and what is wrong with it; the tools say that at length."""
    sys.argv = ["cfn-lint", "--", template]
    try:
        cfn_lint()
    except SystemExit as end:
        if end.code:
            return 0, 0, f"cfn-lint ends with {end.code}"
    try:
        sam.main(["validate", "--lint", "--template", template], standalone_mode=False)
    except click.ClickException as refusal:
        return 0, 0, f"sam: {refusal.format_message()}"
    except (click.exceptions.Exit, SystemExit) as end:
        code = getattr(end, "exit_code", getattr(end, "code", 1))
        if code:
            return 0, 0, f"sam ends with {code}"
    # The translator has metrics that nobody here publishes, and says so.
    logging.disable(logging.WARNING)
    stack = transformed(template)
    resources, size = len(stack["Resources"]), len(json.dumps(stack))
    flaw = None
    if resources > RESOURCES_MAX:
        flaw = f"{resources} resources, more than {RESOURCES_MAX}"
    elif size > BYTES_MAX:
        flaw = f"{size} bytes, more than {BYTES_MAX}"
    return resources, size, flaw


def main():
    templates = sorted(sys.argv[1:], key=lambda path: -pathlib.Path(path).stat().st_size)
    if not templates:
        sys.exit("no template is named")
    with concurrent.futures.ProcessPoolExecutor(os.cpu_count()) as processes:
        looks = dict(zip(templates, processes.map(look, templates)))
    print(f"\n{'stack':<40} resources   bytes")
    for template, (resources, size, _) in sorted(looks.items(), key=lambda one: -one[1][0]):
        print(f"{template:<40} {resources:>9} {size:>7}")
    found = [f"{template}: {flaw}" for template, (_, _, flaw) in looks.items() if flaw]
    print(f"{len(templates)} templates, {len(found)} with flaws", *found, sep="\n")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
