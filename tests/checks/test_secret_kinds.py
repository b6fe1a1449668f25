"""One decision for all kinds of files: what it says of a name and a value, the rules of each kind report, and no more."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import readiness
from readiness.syntax import secrets
from readiness.syntax.secrets import HostReach
from tests.make import write_files

LABELLED = Path(__file__).parents[1] / "syntax" / "secrets"


def labelled_pairs() -> list[tuple[str, str]]:
    """Names and values that every format can hold as they are, in one line and without a sign that some format reads."""
    rows = (json.loads(line) for half in ("tuning", "heldout") for line in (LABELLED / f"{half}.jsonl").read_text().splitlines())
    found = {
        (row["name"], row["value"])
        for row in rows
        if isinstance(row["value"], str)
        and row["name"].replace("_", "").isalnum()
        and not row["name"][0].isdigit()
        and not set(row["value"]) & set("\"'\\$`\n{}#%<>[]&*!|?,; ")
        and not row["value"].isdigit()
        and row["value"].lower() not in ("true", "false", "null", "yes", "no", "on", "off", "~")
    }
    return sorted(found)


PAIRS = labelled_pairs()


# A file of each kind: name, head, what stands for one pair, the line of it in that (from 0), the end, the rules.
KINDS = {
    "compose": (
        "compose.yaml",
        "services:\n",
        '  s{at}:\n    image: example.com/app:1.0.0\n    environment:\n      {name}: "{value}"\n',
        3,
        "",
        ["compose/secret-inline", "compose/password-well-known"],
    ),
    "k8s env": (
        "pod.yaml",
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: shop\nspec:\n  containers:\n",
        '  - name: c{at}\n    image: example.com/app:1.0.0\n    env:\n    - name: {name}\n      value: "{value}"\n',
        4,
        "",
        ["k8s/secret-in-env"],
    ),
    "k8s ConfigMap": (
        "maps.yaml",
        "",
        'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c{at}\ndata:\n  {name}: "{value}"\n---\n',
        5,
        "",
        ["k8s/secret-in-config-map"],
    ),
    "nginx": (
        "nginx.conf",
        "events {}\nhttp {\n  server {\n",
        '    set ${name} "{value}";\n',
        0,
        "  }\n}\n",
        ["nginx/credential-inline"],
    ),
    "dockerfile": (
        "Dockerfile",
        "FROM debian:13.1\n",
        'ENV {name}="{value}"\n',
        0,
        "",
        # The second goes by the name alone, as Docker's own check does, where the first has nothing to tell.
        ["dockerfile/secret-in-environment", "dockerfile/secret-argument"],
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_tells_what_the_decision_calls_exposed(kind: str, tmp_path: Path) -> None:
    path, head, entry, line, end, rules = KINDS[kind]
    entries = [entry.replace("{at}", str(at)).replace("{name}", name).replace("{value}", value) for at, (name, value) in enumerate(PAIRS)]
    write_files(tmp_path, {path: head + "".join(entries) + end})
    found = readiness.check([str(tmp_path)], select=rules).findings
    assert found
    told = {(one.line, one.rule) for one in found}
    first = head.count("\n") + 1
    for at, (name, value) in enumerate(PAIRS):
        number = first + at * entry.count("\n") + line
        verdict = secrets.classify_value(name, value)
        by = {rule for row, rule in told if row == number}
        if kind == "dockerfile" and verdict.is_guessed and verdict.reach is HostReach.HERE:
            continue  # a word for a database in the image itself, that its start replaces
        if kind == "dockerfile" and not verdict.is_secret:
            by -= set() if verdict.is_exposed else {"dockerfile/secret-argument"}
        assert bool(by) == verdict.is_exposed, (name, value, by, verdict)
