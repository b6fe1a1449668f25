"""Write what is generated: the index of rules, the pages beside it (which are not committed), docs/facts.md and the table of facts.

With --check, compare what is committed with what would be written.
"""

from __future__ import annotations

import inspect
import json
import sys
import typing
from collections.abc import Iterator
from pathlib import Path

from readiness import kinds
from readiness.reports import pages
from readiness.ruleset import bindings, message_facts, precision, rules
from readiness.ruleset.bound import LoadedRule
from readiness.verdict import checklist
from tests.facts.constant_tables import REASONS
from tests.hit_facts import by_check

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "rules"
INDEX = TARGET / "README.md"
FACTS = ROOT / "docs" / "facts.md"


def committed_texts() -> dict[Path, str]:
    """What is generated and committed, by its file."""
    rows = ",\n".join(f"{json.dumps(check)}: {json.dumps(names)}" for check, names in by_check().items())
    return {
        INDEX: index_text(),
        message_facts.MESSAGE_FACTS_PATH: "{\n" + rows + "\n}\n",
        precision.PRECISION_RECORD_PATH: precision_text(),
        FACTS: "".join(f"{line}\n" for line in facts_page()),
    }


def precision_text() -> str:
    """The records of all rules that docs/precision has verdicts on."""
    rows = [
        json.loads(line) for path in sorted((ROOT / "docs" / "precision").glob("*.jsonl")) for line in path.read_text(encoding="utf-8").splitlines()
    ]
    counts = precision.read_and_right_counts_by_rule(rows)
    lines = (f"{json.dumps(rule)}: {json.dumps(count)}" for rule, count in sorted(counts.items()))
    return "{\n" + ",\n".join(lines) + "\n}\n"


def index_text() -> str:
    """The index of all rules."""
    bounds = rules.load_rules()
    head = (
        f"# Rules\n\n{len(rules.rules_without_repeated_tiers(bounds))} rules, by kind and topic. `readiness explain RULE` shows the page of one;\n"
        "`python -m tests.make_docs` writes this index and all pages beside it.\n\n"
    )
    return head + pages.rules_markdown_index(bounds, "../../rules")


def page_texts() -> dict[Path, str]:
    """Every rule's page, by its file."""
    asks = {item.id: item.question for listed in checklist.load_checklists(rules.rules_folder() / "checklists") for item in listed.items}
    tiers: dict[str, list[LoadedRule]] = {}
    for bound in rules.load_rules():
        tiers.setdefault(bound.rule.id, []).append(bound)
    return {TARGET / f"{name}.md": pages.rule_page(mine, asks) for name, mine in tiers.items()}


def facts_page() -> Iterator[str]:
    """What rules may name: the facts of each target's subjects, the parameters and facts of each check."""
    yield "# Facts\n"
    yield "What `when` and `message` of a rule may name: the facts of its target, and in `message` those of its check too. A"
    yield "declarative rule has one fact more: `value`, what stands in the place. Generated; `python -m tests.make_docs` writes"
    yield "it anew.\n"
    yield "## Targets\n"
    yield "| target | facts |"
    yield "|---|---|"
    for kind in kinds.KINDS_BY_PRECEDENCE:
        for target in kinds.subject_finder_by_target(kind):
            told = (f"`{name}` ({sort})" for name, sort in message_facts.fact_type_by_name_of_target(target).items())
            yield f"| `{target}` | {', '.join(told)} |"
    yield "\n## Checks\n"
    yield "| check | parameters (`with`) | facts |"
    yield "|---|---|---|"
    for check in dict.fromkeys(key.partition(":")[0] for key in by_check()):
        function = bindings.resolve_check(check)
        hints = typing.get_type_hints(function)
        takes = (
            f"`{parameter.name}` ({bindings.hinted_type_text(hints[parameter.name])})"
            for parameter in inspect.signature(function).parameters.values()
            if parameter.kind is parameter.KEYWORD_ONLY and parameter.name != "project"
        )
        yield f"| `{check}` | {', '.join(takes)} | {facts_cell(check)} |"
    yield from code_tables()


def code_tables() -> Iterator[str]:
    """Which tables of words stand in code and not in readiness/facts, and why."""
    yield "\n## Tables in code\n"
    yield "What is known of the world stands in `readiness/facts`. These tables of words stand in Python; a test refuses any other."
    yield "A reason that is not theirs any more is a reason to move them.\n"
    yield "| why | where |"
    yield "|---|---|"
    for reason, modules in REASONS.items():
        yield f"| {reason} | {'; '.join(f'`{one}`' for one in modules)} |"


def facts_cell(check: str) -> str:
    """The facts of a check as the page has them, those of hits that name a message behind its name."""
    told = []
    for key, names in by_check().items():
        name, _, say = key.partition(":")
        if name == check:
            facts = ", ".join(map(shown, names))
            told.append(f"**{say}** {facts}".strip() if say else facts)
    return "; ".join(told)


def shown(fact: str) -> str:
    """A fact of a check as the page has it."""
    name = fact.removesuffix(message_facts.OPTIONAL_FACT_SUFFIX)
    return f"`{name}`" if name == fact else f"`{name}` (of some hits)"


def stale() -> list[str]:
    """The committed files that differ from what would be written."""
    return [
        path.relative_to(ROOT).as_posix()
        for path, text in committed_texts().items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]


def write_texts(texts: dict[Path, str]) -> None:
    """Write texts to their files."""
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def main() -> int:
    """Write, or compare; 1 where something that is committed is stale."""
    if "--check" in sys.argv[1:]:
        page_texts()  # every page can be made
        problems = stale()
        for path in problems:
            print(f"{path} is stale: python -m tests.make_docs")
        print(f"generated files: {len(problems)} stale")
        return 1 if problems else 0
    write_texts(committed_texts())
    texts = page_texts()  # pages show what is generated above
    write_texts(texts)
    for path in set(TARGET.rglob("*.md")) - {*texts, INDEX}:
        path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
