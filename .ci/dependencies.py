"""The table in docs/dependencies.md names every direct dependency and says what it is for.

    dependencies.py            writes the table anew
    dependencies.py --check    fails where it is not what it would write

Name, version, licence and where it runs come from `cargo metadata`. What it is for and who keeps
it is said by people, in the table itself, and stays. Who adds a dependency has to say it.
"""

import json
import pathlib
import subprocess
import sys

DOC = pathlib.Path("docs/dependencies.md")
BEGIN, END = "<!-- table: .ci/dependencies.py -->\n", "<!-- end of the table -->\n"
HEAD = "| crate | version | licence | runs | what for | kept by |\n|---|---|---|---|---|---|\n"
# Shared crates that only tests use.
TESTS_ONLY = {"testkit"}


def facts():
    """By name: the required version, the licence, and the most public place where it runs."""
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--quiet"]
    read = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    members = set(read["workspace_members"])
    licence = {each["name"]: each["license"] or "" for each in read["packages"]}
    ours = {each["name"] for each in read["packages"] if each["id"] in members}
    places = ["shipped", "local", "tests"]
    found = {}
    for package in read["packages"]:
        if package["id"] not in members:
            continue
        folder = pathlib.Path(package["manifest_path"]).parent.parent.name
        ships = folder in ("functions", "shared") and package["name"] not in TESTS_ONLY
        for each in package["dependencies"]:
            if each["name"] in ours:
                continue
            place = "tests" if each["kind"] == "dev" else "shipped" if ships else "local"
            version = each["req"].removeprefix("^")
            before = found.get(each["name"], (version, "", "tests"))
            place = min(place, before[2], key=places.index)
            found[each["name"]] = (max(version, before[0]), licence[each["name"]], place)
    return found


def said(table):
    """By name: what people wrote."""
    rows = [line.strip("|").split(" | ") for line in table.splitlines()[2:]]
    rows = [[cell.strip() for cell in row] for row in rows]
    return {row[0].strip("`"): (row[4], row[5]) for row in rows if len(row) == 6}


def main():
    text = DOC.read_text(encoding="utf-8")
    head, _, rest = text.partition(BEGIN)
    table, end, tail = rest.partition(END)
    if not end:
        sys.exit(f"{DOC} has lost the marks around its table")
    people = said(table)
    rows, silent = HEAD, []
    for name, (version, licence, place) in sorted(facts().items()):
        purpose, keeper = people.get(name, ("", ""))
        if not purpose or not keeper:
            silent.append(name)
        rows += f"| `{name}` | {version} | {licence} | {place} | {purpose} | {keeper} |\n"
    if "--check" not in sys.argv:
        DOC.write_text(head + BEGIN + rows + END + tail, encoding="utf-8")
    elif rows != table:
        sys.exit(f"{DOC} is not up to date: python3 .ci/dependencies.py writes its table")
    if silent:
        sys.exit(f"{DOC} does not say what it is for and who keeps it: {' '.join(silent)}")


if __name__ == "__main__":
    main()
