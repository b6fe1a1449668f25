"""Write docs/rules and docs/facts.md from the rules and checks; with --check, only say whether they are as they would be."""

from __future__ import annotations

import inspect
import json
import sys
import typing
from collections.abc import Iterator
from pathlib import Path

from readiness import bindings, checklist, facts, kinds, pages, rules
from tests.facts import by_check

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "rules"
FACTS = ROOT / "docs" / "facts.md"


def wanted() -> dict[Path, str]:
    """Every generated file with its text."""
    asks = {
        item.id: item.ask
        for one in checklist.load(rules.folder() / "checklists")
        for item in one.items
    }
    bounds = rules.load()
    texts = {TARGET / f"{bound.rule.id}.md": pages.page(bound, asks) for bound in bounds}
    count = f"{len(bounds)} rules. Generated from `rules/`; `python -m tests.make_docs` writes them anew.\n"
    index = "# Rules\n\n" + count + "\n" + pages.table([b.rule for b in bounds], link=True)
    rows = ",\n".join(
        f"{json.dumps(one)}: {json.dumps(names)}" for one, names in by_check().items()
    )
    told = {
        facts.DATA: "{\n" + rows + "\n}\n",
        FACTS: "".join(f"{line}\n" for line in facts_page()),
    }
    return {**texts, TARGET / "README.md": index, **told}


def facts_page() -> Iterator[str]:
    """What rules may name: the facts of each target's subjects, the parameters and facts of each check."""
    yield "# Facts\n"
    yield "What `when` and `message` of a rule may name: the facts of its target, and in `message` those of its check too. A"
    yield "declarative rule has one fact more: `value`, what stands in the place. Generated; `python -m tests.make_docs` writes"
    yield "it anew.\n"
    yield "## Targets\n"
    yield "| target | facts |"
    yield "|---|---|"
    for kind in kinds.KINDS:
        for target in kinds.targets(kind):
            told = (f"`{name}` ({sort})" for name, sort in facts.of_target(target).items())
            yield f"| `{target}` | {', '.join(told)} |"
    yield "\n## Checks\n"
    yield "| check | parameters (`with`) | facts |"
    yield "|---|---|---|"
    for check, names in by_check().items():
        function = bindings.resolve(check)
        hints = typing.get_type_hints(function)
        takes = (
            f"`{one.name}` ({bindings.told(hints[one.name])})"
            for one in inspect.signature(function).parameters.values()
            if one.kind is one.KEYWORD_ONLY and one.name != "project"
        )
        yield f"| `{check}` | {', '.join(takes)} | {', '.join(f'`{name}`' for name in names)} |"


def stale() -> list[str]:
    """What differs between the files and what would be written."""
    texts = wanted()
    there = {*TARGET.rglob("*.md"), *(one for one in (FACTS, facts.DATA) if one.is_file())}
    return sorted(
        [f"{p.relative_to(ROOT)} is not as it would be written" for p, text in texts.items()
         if p not in there or p.read_text(encoding="utf-8") != text]
        + [f"{p.relative_to(ROOT)} belongs to no rule" for p in there - set(texts)]
    )  # fmt: skip


def main() -> int:
    """Write, or compare; 1 where something is stale."""
    if "--check" in sys.argv[1:]:
        problems = stale()
        print("\n".join(problems) or "what is generated is current")
        return 1 if problems else 0
    for path, text in (texts := wanted()).items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for path in set(TARGET.rglob("*.md")) - set(texts):
        path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
