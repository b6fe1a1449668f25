"""A rule's page as Markdown: for `readiness explain` and for docs/rules."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from readiness import kinds
from readiness.model import EquivalentClaim, Rule, join_names
from readiness.model.package import PACKAGE_FOLDER
from readiness.ruleset import examples
from readiness.ruleset.bindings import resolve_check
from readiness.ruleset.bound import LoadedRule
from readiness.ruleset.examples import CaretMark, Example
from readiness.ruleset.families import FAMILIES_FOLDER as FAMILIES
from readiness.ruleset.families import is_family
from readiness.ruleset.precision import precision_of
from readiness.verdict.checklist import ChecklistOutcome

_FENCE_LANGUAGE_BY_KIND = {"dockerfile": "dockerfile", "nginx": "nginx"}
_DESCRIPTION_BY_CATEGORY = {
    "isolation": "what a break-in reaches",
    "reliability": "staying up",
    "secrets": "credentials in the open",
    "delivery": "how changes reach production",
    "edge": "TLS and the public side",
    "observability": "seeing what happens",
    "correctness": "it does not do what it says",
    "style": "taste",
}
_DESCRIPTION_BY_LEVEL = {
    "recommended": "on by default",
    "strict": "in the profile strict",
    "optional": "off unless selected",
}


_TITLE_BY_KIND = {
    "dockerfile": "Dockerfiles",
    "compose": "Compose files",
    "k8s": "Kubernetes",
    "nginx": "nginx",
    "ci": "CI pipelines",
    "project": "Across kinds",
    "core": "Files that cannot be judged",
}


def rule_page(tiers: Sequence[LoadedRule], question_by_item: Mapping[str, str]) -> str:
    """The whole page: what, why it breaks in production, fix, examples, equivalents, checklists.

    `tiers` is the rule, with each of its tiers where it has some; `question_by_item` maps a checklist item's id to what it asks.
    """
    bound = tiers[0]
    rule = bound.rule
    parts = [f"# {rule.id}", f"**{rule.title}**", rule_summary_line(rule), *member_lines(rule)]
    parts += [f"## Why\n\n{field_text(rule, 'why')}", f"## Fix\n\n{field_text(rule, 'fix')}"]
    if rule.proof:
        parts.append(f'## Severity\n\n{severities_text(rule)}: "{rule.proof.severity_criterion}". {rule.proof.proving_fact}')
    if rule.named_messages:
        texts = dict.fromkeys(one.text for one in rule.named_messages)
        rows = [rule.message, *texts] if rule.message else [*texts]
        parts.append("## Messages\n\n" + "\n".join(f"- {text}" for text in rows))
    if rule.known_limits:
        parts.append(f"## Limits\n\n{rule.known_limits}")
    record = precision_of(rule.id)
    if record:
        parts.append(f"## Precision\n\n{record.text()}")
    rows = parameter_lines(tiers)
    if rows:
        parts.append("## Parameters\n\nSet under `parameters` in `.readiness.yaml`.\n\n" + "\n".join(rows))
    opinions = [(one.name, one.opinion_reason) for one in rule.tiers] or [("", rule.opinion_reason)]
    views = dict.fromkeys(opinion for _, opinion in opinions if opinion)
    if views:
        parts.append("## Both views\n\n" + "\n\n".join(views))
    if rule.targets != ("core",):
        default = str(kinds.kind_module(kinds.kind_of_target(rule.targets[0])).EXAMPLE_PATH)
        all_examples = examples.rule_examples(bound, default)
        parts += [example_text("Bad", example) for example in all_examples if example.is_bad]
        parts += [example_text("Good", example) for example in all_examples if not example.is_bad]
    if rule.equivalents:
        parts.append("## In other linters\n\n" + "\n".join(equivalent_lines(rule)))
    if rule.checklist:
        rows = [f"- {item}: {question_by_item.get(item, '')}".rstrip(": ") for item in rule.checklist]
        parts.append("## Checklists\n\n" + "\n".join(rows))
    parts.append("## Documentation\n\n" + "\n".join(f"- <{link}>" for link in rule.links))
    parts.append("## Source\n\n" + "\n".join(f"- `{place}`" for place in source_places(tiers)))
    return "\n\n".join(parts) + "\n"


def source_places(tiers: Sequence[LoadedRule]) -> Iterator[str]:
    """Where the rule is written: its file, and the lines of its checks, all from the root of a checkout."""
    yield f"rules/{rule_file_path(tiers[0])}"
    for check in dict.fromkeys(one.check_name for one in tiers if one.check_name):
        code = resolve_check(check).__code__
        file = Path(code.co_filename).resolve().relative_to(PACKAGE_FOLDER.parent).as_posix()
        yield f"{file}:{code.co_firstlineno} {check.rpartition('.')[2]}"


def rule_file_path(loaded_rule: LoadedRule) -> str:
    """A rule's file from the folder of rules: its own, or that of its family."""
    folder = f"{loaded_rule.rule.kind}/{FAMILIES}" if is_family(loaded_rule.path) else loaded_rule.rule.kind
    return f"{folder}/{loaded_rule.path.name}"


def member_lines(rule: Rule) -> Iterator[str]:
    """The tiers and the parts of a rule, and how to name one."""
    if rule.tiers:
        rows = ["| tier | severity | profile | says |", "|---|---|---|---|"]
        for tier in rule.tiers:
            sentences = rule.sentences_at(tier.name).values()
            said = rule.field_text("message", tier.name) or " / ".join(sentences)
            said = said.replace("|", "\\|")
            rows.append(f"| `{rule.id}:{tier.name}` | {tier.severity} | {_DESCRIPTION_BY_LEVEL[tier.level]} | {said} |")
        yield "## Tiers\n\n" + "\n".join(rows)
    if rule.parts:
        yield "## Parts\n\n" + ", ".join(f"`{rule.id}:{one}`" for one in rule.parts)


def field_text(rule: Rule, field: str) -> str:
    """`why` or `fix`: the rule's words, then those of its tiers and parts that have others."""
    own: dict[str, list[str]] = {}
    for wording in rule.wordings:
        if wording.field == field:
            name = " ".join(filter(None, (wording.tier, wording.part)))
            own.setdefault(wording.text, []).append(name)
    common = rule.field_text(field)
    named = {name for names in own.values() for name in names}
    if common in own and (set(rule.parts) <= named or not rule.parts):
        rows = [f"- {join_names(names)}: {text}" for text, names in own.items()]
        return "\n".join(rows) if len(own) > 1 else common
    rows = [f"- {join_names(names)}: {text}" for text, names in own.items() if text != common]
    return common + ("\n\n" + "\n".join(rows) if rows else "")


def parameter_lines(tiers: Sequence[LoadedRule]) -> list[str]:
    """The parameters of a rule, those in which its tiers differ with the name of the tier."""
    values: dict[str, list[str]] = {}
    for bound in tiers:
        for name, value in sorted(bound.arguments.items()):
            values.setdefault(f"`{name}: {value_text(value)}`", []).append(bound.tier)
    return [
        f"- {row}" if len(names) == len(tiers) else f"- {row} ({join_names(names)})" for row, names in sorted(values.items())
    ]


def equivalent_lines(rule: Rule) -> Iterator[str]:
    """A line for each other linter, with the tier or part that says what its rule does where not all do."""
    claims = rule.equivalent_claims or [EquivalentClaim(peer, ids) for peer, ids in rule.equivalents.items()]
    for peer in sorted(rule.equivalents):
        members_by_id: dict[str, list[str]] = {}
        for claim in claims:
            for name in claim.ids if claim.linter == peer else ():
                members_by_id.setdefault(name, []).append(" ".join(filter(None, (claim.tier, claim.part))))
        yield f"- {peer}: " + ", ".join(
            name if "" in members else f"{name} ({join_names(members)})" for name, members in members_by_id.items()
        )


def value_text(value: object) -> str:
    """A parameter's value as YAML has it."""
    return json.dumps(value, ensure_ascii=False)


def severities_text(rule: Rule) -> str:
    """The severities of a rule's tiers, the worst first; its own where it has none."""
    return " or ".join(dict.fromkeys(str(one.severity) for one in rule.tiers)) or str(rule.severity)


def rule_summary_line(rule: Rule) -> str:
    """The line under the title: severity, confidence, category, profile."""
    return (
        f"{severities_text(rule)} · confidence {rule.confidence} · "
        f"{rule.category} ({_DESCRIPTION_BY_CATEGORY[rule.category]}) · {_DESCRIPTION_BY_LEVEL[rule.level]}"
    )


def example_text(title: str, example: Example) -> str:
    """An example as it stands in the rule file, carets included."""
    parts = [f"## {title}"]
    for path, text in example.files.items():
        marks = [mark for mark in example.marks if mark.path == path]
        name = f"`{path}`\n\n" if len(example.files) > 1 else ""
        parts.append(f"{name}```{fence_language(path)}\n{with_carets(text, marks)}```")
    return "\n\n".join(parts)


def fence_language(path: str) -> str:
    """The word after a fence for a file."""
    if path.endswith((".yaml", ".yml")):
        return "yaml"
    return next((word for name, word in _FENCE_LANGUAGE_BY_KIND.items() if name in path.lower()), "")


def with_carets(text: str, marks: Sequence[CaretMark]) -> str:
    """The text with a line of carets under every marked span, and what stands behind them."""
    lines = []
    offset = 0
    for line in text.splitlines(keepends=True):
        lines.append(line)
        for mark in marks:
            if offset <= mark.span.start < offset + len(line):
                carets = " " * (mark.span.start - offset) + "^" * (mark.span.end - mark.span.start)
                lines.append(f"{carets} {mark.severity_and_members}".rstrip() + "\n")
        offset += len(line)
    return "".join(lines)


def checklist_lines(outcomes: Iterable[ChecklistOutcome]) -> Iterator[str]:
    """Checklists for a reader: each item's state, what it asks, and the places that show it."""
    for number, outcome in enumerate(outcomes):
        if number:
            yield ""
        yield f"{outcome.checklist.title}: {outcome.summary}"
        for verdict in outcome.verdicts:
            yield f"  {verdict.state:8}  {verdict.item.id}: {verdict.item.question}"
            places = [f"{one.path}:{one.line} {one.rule}" for one in verdict.findings]
            places += [f"{place.path}:{place.line}" for place in verdict.evidence]
            first_places = places[:3]
            more = f" and {len(places) - 3} more" if len(places) > 3 else ""
            yield " " * 12 + (", ".join(first_places) + more if first_places else verdict.reason)
            if len({unit.state for unit in verdict.units}) > 1:
                for unit in verdict.units:
                    yield " " * 12 + f"{unit.state} in {unit.unit or '.'}"


def rules_table(rules: Iterable[Rule]) -> str:
    """The catalogue as a Markdown table."""
    rows = ["| rule | severity | category | profile | what |", "|---|---|---|---|---|"]
    for rule in rules:
        title = rule.title.replace("|", "\\|")
        rows.append(f"| {rule.id} | {severities_text(rule)} | {rule.category} | {rule.level} | {title} |")
    return "\n".join(rows) + "\n"


def rules_index(loaded_rules: Iterable[LoadedRule], link_prefix: str) -> str:
    """All rules by kind and topic, each linked to its file; `link_prefix` leads from the page to the folder `rules`.

    A topic is the module of the check of the rule, or of its first tier, and its first sentence says what the rules of the
    topic are about.
    """
    topics: dict[str, dict[tuple[str, str], list[LoadedRule]]] = {}
    for bound in {one.rule.id: one for one in reversed(list(loaded_rules))}.values():
        kind = bound.rule.kind
        topics.setdefault(kind, {}).setdefault(topic_of(bound), []).append(bound)
    parts = []
    for kind in (one for one in _TITLE_BY_KIND if one in topics):
        sections = topics[kind]
        parts.append(f"## {_TITLE_BY_KIND[kind]}")
        for (name, lead), rules in sorted(sections.items()):
            rows = ["| rule | severity | profile | what |", "|---|---|---|---|"]
            for bound in sorted(rules, key=lambda one: one.rule.id):
                rule = bound.rule
                title = rule.title.replace("|", "\\|")
                name_of = rule.id.partition("/")[2]
                file = f"{link_prefix}/{rule_file_path(bound)}"
                rows.append(f"| [{name_of}]({file}) | {severities_text(rule)} | {rule.level} | {title} |")
            parts.append(f"### {kind}: {name}\n\n{lead}\n\n" + "\n".join(rows))
    return "\n\n".join(parts) + "\n"


def topic_of(loaded_rule: LoadedRule) -> tuple[str, str]:
    """The topic of a rule, and what it is about: the module of its check."""
    if not loaded_rule.check_name:
        return "fields", "A field that must, or must not, be there."
    module = sys.modules[resolve_check(loaded_rule.check_name).__module__]
    lead = (module.__doc__ or "").strip().partition("\n")[0]
    return loaded_rule.check_name.split(".")[-2], lead
