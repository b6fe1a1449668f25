"""Write docs/rules from the rules; with --check, only say whether they are as they would be written."""

from __future__ import annotations

import sys
from pathlib import Path

from readiness.reports import pages
from readiness.ruleset import rules
from readiness.ruleset.bound import Bound
from readiness.verdict import checklist

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "rules"


def wanted() -> dict[Path, str]:
    """Every generated file with its text."""
    asks = {
        item.id: item.ask
        for one in checklist.load(rules.folder() / "checklists")
        for item in one.items
    }
    bounds = rules.load()
    catalogue = rules.one_each(bounds)
    tiers: dict[str, list[Bound]] = {}
    for bound in bounds:
        tiers.setdefault(bound.rule.id, []).append(bound)
    texts = {TARGET / f"{name}.md": pages.page(mine, asks) for name, mine in tiers.items()}
    count = f"{len(catalogue)} rules. Generated from `rules/`; `python -m tests.make_docs` writes them anew.\n"
    index = "# Rules\n\n" + count + "\n" + pages.table(catalogue, link=True)
    return {**texts, TARGET / "README.md": index}


def stale() -> list[str]:
    """What differs between the files and what would be written."""
    texts = wanted()
    there = set(TARGET.rglob("*.md"))
    return sorted(
        [f"{p.relative_to(ROOT)} is not as it would be written" for p, text in texts.items()
         if p not in there or p.read_text(encoding="utf-8") != text]
        + [f"{p.relative_to(ROOT)} belongs to no rule" for p in there - set(texts)]
    )  # fmt: skip


def main() -> int:
    """Write, or compare; 1 where something is stale."""
    if "--check" in sys.argv[1:]:
        problems = stale()
        print("\n".join(problems) or "docs/rules is current")
        return 1 if problems else 0
    for path, text in (texts := wanted()).items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for path in set(TARGET.rglob("*.md")) - set(texts):
        path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
