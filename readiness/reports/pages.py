"""A rule's page as Markdown: for `readiness explain` and for docs/rules."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from readiness import kinds
from readiness.model import Rule
from readiness.model.package import FOLDER
from readiness.ruleset import examples
from readiness.ruleset.bindings import resolve
from readiness.ruleset.examples import Example, Mark
from readiness.ruleset.rules import Bound
from readiness.verdict.checklist import STATES, Outcome

_LANGUAGE = {"dockerfile": "dockerfile", "nginx": "nginx"}
_CATEGORIES = {
    "isolation": "what a break-in reaches",
    "reliability": "staying up",
    "secrets": "credentials in the open",
    "delivery": "how changes reach production",
    "edge": "TLS and the public side",
    "observability": "seeing what happens",
    "correctness": "it does not do what it says",
    "style": "taste",
}


_KINDS = {
    "dockerfile": "Dockerfiles",
    "compose": "Compose files",
    "k8s": "Kubernetes",
    "nginx": "nginx",
    "ci": "CI pipelines",
    "project": "Across kinds",
    "core": "Files that cannot be judged",
}


def page(bound: Bound, asks: Mapping[str, str]) -> str:
    """The whole page: what, why it breaks in production, fix, examples, equivalents, checklists.

    `asks` maps a checklist item's id to what it asks.
    """
    rule = bound.rule
    parts = [
        f"# {rule.id}",
        f"**{rule.title}**",
        facts(rule),
        f"## Why\n\n{rule.why}",
        f"## Fix\n\n{rule.fix}",
    ]
    if bound.arguments:
        rows = [f"- `{name}: {shown(value)}`" for name, value in sorted(bound.arguments.items())]
        parts.append(
            "## Parameters\n\nSet under `parameters` in `.readiness.yaml`.\n\n" + "\n".join(rows)
        )
    if rule.opinion:
        parts.append(f"## Both views\n\n{rule.opinion}")
    if rule.targets != ("core",):
        default = str(kinds.module(kinds.kind_of_target(rule.targets[0])).EXAMPLE)
        found = examples.of(bound, default)
        parts += [example_text("Bad", example) for example in found if example.bad]
        parts += [example_text("Good", example) for example in found if not example.bad]
    if rule.equivalents:
        rows = [f"- {peer}: {', '.join(ids)}" for peer, ids in sorted(rule.equivalents.items())]
        parts.append("## In other linters\n\n" + "\n".join(rows))
    if rule.checklist:
        rows = [f"- {item}: {asks.get(item, '')}".rstrip(": ") for item in rule.checklist]
        parts.append("## Checklists\n\n" + "\n".join(rows))
    parts.append("## Documentation\n\n" + "\n".join(f"- <{link}>" for link in rule.links))
    parts.append("## Source\n\n" + "\n".join(f"- `{place}`" for place in source_places(bound)))
    return "\n\n".join(parts) + "\n"


def source_places(bound: Bound) -> Iterator[str]:
    """Where the rule is written: its file, and the line of its check, both from the root of a checkout."""
    rule = bound.rule
    yield f"rules/{rule.id}.yaml"
    if bound.check:
        code = resolve(bound.check).__code__
        file = Path(code.co_filename).resolve().relative_to(FOLDER.parent).as_posix()
        yield f"{file}:{code.co_firstlineno} {bound.check.rpartition('.')[2]}"


def shown(value: object) -> str:
    """A parameter's value as YAML has it."""
    return json.dumps(value, ensure_ascii=False)


def facts(rule: Rule) -> str:
    """The line under the title: severity, confidence, category, profile."""
    level = {
        "recommended": "on by default",
        "strict": "in the profile strict",
        "optional": "off unless selected",
    }[rule.level]
    return (
        f"{rule.severity} · confidence {rule.confidence} · "
        f"{rule.category} ({_CATEGORIES[rule.category]}) · {level}"
    )


def example_text(title: str, example: Example) -> str:
    """An example as it stands in the rule file, carets included."""
    parts = [f"## {title}"]
    for path, text in example.files.items():
        marks = [mark for mark in example.marks if mark.path == path]
        name = f"`{path}`\n\n" if len(example.files) > 1 else ""
        parts.append(f"{name}```{language(path)}\n{with_carets(text, marks)}```")
    return "\n\n".join(parts)


def language(path: str) -> str:
    """The word after a fence for a file."""
    if path.endswith((".yaml", ".yml")):
        return "yaml"
    return next((word for name, word in _LANGUAGE.items() if name in path.lower()), "")


def with_carets(text: str, marks: Sequence[Mark]) -> str:
    """The text with a line of carets under every marked span, and the severity behind it where it is a lower one."""
    lines = []
    offset = 0
    for line in text.splitlines(keepends=True):
        lines.append(line)
        for _, span, severity in marks:
            if offset <= span.start < offset + len(line):
                carets = " " * (span.start - offset) + "^" * (span.end - span.start)
                lines.append(f"{carets} {severity}\n" if severity is not None else f"{carets}\n")
        offset += len(line)
    return "".join(lines)


def checklist_lines(outcomes: Iterable[Outcome]) -> Iterator[str]:
    """Checklists for a reader: each item's state, what it asks, and the places that show it."""
    for number, outcome in enumerate(outcomes):
        if number:
            yield ""
        counts = ", ".join(f"{outcome.count(state)} {state}" for state in STATES)
        yield f"{outcome.checklist.title}: {counts}"
        for verdict in outcome.verdicts:
            yield f"  {verdict.state:8}  {verdict.item.id}: {verdict.item.ask}"
            places = [f"{one.path}:{one.line} {one.rule}" for one in verdict.findings]
            places += [f"{place.path}:{place.line}" for place in verdict.evidence]
            shown = places[:3]
            more = f" and {len(places) - 3} more" if len(places) > 3 else ""
            yield " " * 12 + (", ".join(shown) + more if shown else verdict.reason)


def table(found: Iterable[Rule]) -> str:
    """The catalogue as a Markdown table."""
    rows = ["| rule | severity | category | profile | what |", "|---|---|---|---|---|"]
    for rule in found:
        title = rule.title.replace("|", "\\|")
        rows.append(f"| {rule.id} | {rule.severity} | {rule.category} | {rule.level} | {title} |")
    return "\n".join(rows) + "\n"


def index(bounds: Iterable[Bound], link: str) -> str:
    """All rules by kind and topic, each linked to its file; `link` leads from the page to the folder `rules`.

    A topic is the module of the rule's check, and its first sentence says what the rules of the topic are about.
    """
    topics: dict[str, dict[tuple[str, str], list[Rule]]] = {}
    for bound in bounds:
        kind = bound.rule.kind
        topics.setdefault(kind, {}).setdefault(topic(bound), []).append(bound.rule)
    parts = []
    for kind, sections in topics.items():
        parts.append(f"## {_KINDS[kind]}")
        for (name, lead), found in sorted(sections.items()):
            rows = ["| rule | severity | profile | what |", "|---|---|---|---|"]
            for rule in found:
                title = rule.title.replace("|", "\\|")
                name_of = rule.id.partition("/")[2]
                rows.append(
                    f"| [{name_of}]({link}/{rule.id}.yaml) | {rule.severity} | {rule.level} | {title} |"
                )
            parts.append(f"### {kind}: {name}\n\n{lead}\n\n" + "\n".join(rows))
    return "\n\n".join(parts) + "\n"


def topic(bound: Bound) -> tuple[str, str]:
    """The topic of a rule, and what it is about: the module of its check."""
    if not bound.check:
        return "fields", "A field that must, or must not, be there."
    module = sys.modules[resolve(bound.check).__module__]
    lead = (module.__doc__ or "").strip().partition("\n")[0]
    return bound.check.split(".")[-2], lead
