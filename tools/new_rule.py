"""Lay out a new rule: `python -m tools.new_rule k8s/port-name-missing --target k8s.container --check k8s.names.port_name_missing`.

Writes rules/<id>.yaml with every field that a rule needs, and a stub of the check where its module lacks one. Without --check the
rule is declarative (`require:`). Nothing that is there is overwritten. What is left to write says TODO, and the tests of rule
files fail while it does.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ID = re.compile(r"(?:k8s|dockerfile|compose|nginx|ci|project)/[a-z0-9]+(?:-[a-z0-9]+)*\Z")
NAME = re.compile(r"[a-z_]\w*(?:\.[a-z_]\w*)+\Z")

RULE = """\
title: TODO what is wrong, at most 60 characters, no full stop
severity: medium
category: TODO isolation | secrets | reliability | delivery | edge | observability | correctness | style
level: optional
target: {target}
{test}
message: TODO the thing, then the fact
why: >
  TODO the first sentence says what breaks in production.
fix: >
  TODO the first sentence says what to write.
links:
  - TODO the official documentation
bad:
  - |
    TODO an example, with carets under the place
    ^^^^
good:
  - |
    TODO the near miss: what looks wrong and is right
"""

CHECK = '''

def {name}(subject: TODO) -> CheckOutcome:
    """TODO what it finds, and why a case is excused."""
    yield from ()
'''


MODULE = '''\
"""TODO the topic."""

from __future__ import annotations

from readiness.model import CheckOutcome
'''


class LayoutError(Exception):
    """What is asked cannot be laid out; the message says why."""


def lay_out(root: Path, rule: str, target: str, check: str | None) -> list[Path]:
    """The files written for a rule under a checkout. Raises LayoutError."""
    if not ID.match(rule):
        raise LayoutError(f"{rule!r} is no id: it is a group and a name, as in k8s/port-name-missing")
    if check is not None and not NAME.match(check):
        raise LayoutError(f"{check!r} is no check: it is a module and a function, as in k8s.names.twice")
    path = root / "rules" / f"{rule}.yaml"
    if path.exists():
        raise LayoutError(f"rules/{rule}.yaml is there already")
    test = f"check: {check}" if check else "require: {TODO.path: present}"
    path.write_text(RULE.format(target=target, test=test), encoding="utf-8")
    written = [path]
    if check:
        module, _, name = check.rpartition(".")
        code = root / "readiness" / "checks" / f"{module.replace('.', '/')}.py"
        text = code.read_text(encoding="utf-8") if code.is_file() else MODULE
        if f"\ndef {name}(" not in text:
            code.write_text(text + CHECK.format(name=name), encoding="utf-8")
            written.append(code)
    return written


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("rule", help="the id, as in k8s/port-name-missing")
    parser.add_argument("--target", required=True, help="what it looks at, as in k8s.container")
    parser.add_argument("--check", help="module and function under readiness/checks; none for a declarative rule")
    asked = parser.parse_args()
    try:
        written = lay_out(ROOT, asked.rule, asked.target, asked.check)
    except LayoutError as error:
        print(f"new_rule: {error}", file=sys.stderr)
        return 2
    for path in written:
        print(f"wrote {path.relative_to(ROOT)}")
    print(f"then: python -m pytest tests/ruleset/test_rules.py tests/ruleset/test_rule_files.py -k {asked.rule}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
