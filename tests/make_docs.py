"""Write docs/rules: the index, which is committed, and a page a rule, which is not; with --check, compare the index."""

from __future__ import annotations

import sys
from pathlib import Path

from readiness.reports import pages
from readiness.ruleset import rules
from readiness.verdict import checklist

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "rules"
INDEX = TARGET / "README.md"


def index_text() -> str:
    """The index of all rules."""
    bounds = rules.load()
    head = (
        f"# Rules\n\n{len(bounds)} rules, by kind and topic. `readiness explain RULE` shows the page of one;\n"
        "`python -m tests.make_docs` writes this index and all pages beside it.\n\n"
    )
    return head + pages.index(bounds, "../../rules")


def page_texts() -> dict[Path, str]:
    """Every rule's page, by its file."""
    asks = {
        item.id: item.ask
        for one in checklist.load(rules.folder() / "checklists")
        for item in one.items
    }
    return {TARGET / f"{bound.rule.id}.md": pages.page(bound, asks) for bound in rules.load()}


def is_stale() -> bool:
    """Whether the committed index differs from what would be written."""
    return not INDEX.is_file() or INDEX.read_text(encoding="utf-8") != index_text()


def main() -> int:
    """Write, or compare; 1 where the index is stale."""
    if "--check" in sys.argv[1:]:
        page_texts()  # every page can be made
        stale = is_stale()
        print(
            f"docs/rules/README.md is {'stale: python -m tests.make_docs' if stale else 'current'}"
        )
        return 1 if stale else 0
    texts = page_texts()
    for path, text in {**texts, INDEX: index_text()}.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for path in set(TARGET.rglob("*.md")) - {*texts, INDEX}:
        path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
