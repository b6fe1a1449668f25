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
from readiness.ruleset.bindings import resolve_check, written_check
from readiness.ruleset.bound import LoadedRule
from readiness.ruleset.examples import CaretMark, Example
from readiness.ruleset.families import FAMILIES_FOLDER as FAMILIES
from readiness.ruleset.families import is_family_file
from readiness.ruleset.precision import precision_of

_FENCE_LANGUAGE_BY_FILE_NAME = {"dockerfile": "dockerfile", "nginx": "nginx"}
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


_SECTION_TITLE_BY_KIND = {
    "dockerfile": "Dockerfiles",
    "compose": "Compose files",
    "k8s": "Kubernetes",
    "nginx": "nginx",
    "ci": "CI pipelines",
    "project": "Across kinds",
    "core": "Files that cannot be judged",
}


def rule_page(loaded_tiers: Sequence[LoadedRule], question_by_item: Mapping[str, str]) -> str:
    """The whole page: what, why it breaks in production, fix, examples, equivalents, checklists.

    `loaded_tiers` is the rule, with each of its tiers where it has some; `question_by_item` maps a checklist item's id to what it asks.
    """
    first_loaded_tier = loaded_tiers[0]
    rule = first_loaded_tier.rule
    page_sections = [f"# {rule.id}", f"**{rule.title}**", rule_summary_line(rule), *tier_and_part_sections(rule)]
    page_sections += [
        f"## Why\n\n{field_text_with_tiers_and_parts(rule, 'why')}",
        f"## Fix\n\n{field_text_with_tiers_and_parts(rule, 'fix')}",
    ]
    if rule.proof:
        limit_text = "\n\nMedium at most where nothing shows that the file runs in production." if rule.proof.is_in_production_alone else ""
        limit_text = "\n\nMedium at most in a workload that is scaled to no pods." if rule.proof.is_in_pods_alone else limit_text
        page_sections.append(f'## Severity\n\n{severities_text(rule)}: "{rule.proof.severity_criterion}". {rule.proof.proving_fact}{limit_text}')
    if rule.named_messages:
        named_message_texts = dict.fromkeys(one.text for one in rule.named_messages)
        list_items = [rule.message, *named_message_texts] if rule.message else [*named_message_texts]
        page_sections.append("## Messages\n\n" + "\n".join(f"- {text}" for text in list_items))
    if rule.known_limits:
        page_sections.append(f"## Limits\n\n{rule.known_limits}")
    precision_record = precision_of(rule.id)
    if precision_record:
        page_sections.append(f"## Precision\n\n{precision_record.text()}")
    list_items = parameter_list_items(loaded_tiers)
    if list_items:
        page_sections.append("## Parameters\n\nSet under `parameters` in `.readiness.yaml`.\n\n" + "\n".join(list_items))
    tier_names_and_opinions = [(one.name, one.opinion_reason) for one in rule.tiers] or [("", rule.opinion_reason)]
    distinct_opinions = dict.fromkeys(opinion for _, opinion in tier_names_and_opinions if opinion)
    if distinct_opinions:
        page_sections.append("## Both views\n\n" + "\n\n".join(distinct_opinions))
    if rule.targets != ("core",):
        default_example_path = str(kinds.kind_module(kinds.kind_of_target(rule.targets[0])).EXAMPLE_PATH)
        all_examples = examples.rule_examples(first_loaded_tier, default_example_path)
        page_sections += [example_text("Bad", example) for example in all_examples if example.is_bad]
        page_sections += [example_text("Good", example) for example in all_examples if not example.is_bad]
    if rule.equivalents:
        page_sections.append("## In other linters\n\n" + "\n".join(equivalent_list_items(rule)))
    if rule.checklist:
        list_items = [f"- {item}: {question_by_item.get(item, '')}".rstrip(": ") for item in rule.checklist]
        page_sections.append("## Checklists\n\n" + "\n".join(list_items))
    page_sections.append("## Documentation\n\n" + "\n".join(f"- <{link}>" for link in rule.links))
    page_sections.append("## Source\n\n" + "\n".join(f"- `{place}`" for place in source_place_lines(loaded_tiers)))
    return "\n\n".join(page_sections) + "\n"


def source_place_lines(loaded_tiers: Sequence[LoadedRule]) -> Iterator[str]:
    """Where the rule is written: its file, and the lines of its checks, all from the root of a checkout."""
    yield f"rules/{rule_file_path_in_rules_folder(loaded_tiers[0])}"
    for check_name in dict.fromkeys(one.check_name for one in loaded_tiers if one.check_name):
        check_code = written_check(resolve_check(check_name)).__code__
        check_file_path = Path(check_code.co_filename).resolve().relative_to(PACKAGE_FOLDER.parent).as_posix()
        yield f"{check_file_path}:{check_code.co_firstlineno} {check_name.rpartition('.')[2]}"


def rule_file_path_in_rules_folder(loaded_rule: LoadedRule) -> str:
    """A rule's file from the folder of rules: its own, or that of its family."""
    rule_folder = f"{loaded_rule.rule.kind}/{FAMILIES}" if is_family_file(loaded_rule.path) else loaded_rule.rule.kind
    return f"{rule_folder}/{loaded_rule.path.name}"


def tier_and_part_sections(rule: Rule) -> Iterator[str]:
    """The tiers and the parts of a rule, and how to name one."""
    if rule.tiers:
        table_rows = ["| tier | severity | profile | says |", "|---|---|---|---|"]
        for tier in rule.tiers:
            named_messages = rule.sentences_at(tier.name).values()
            message_text = rule.field_text("message", tier.name) or " / ".join(named_messages)
            message_text = message_text.replace("|", "\\|")
            table_rows.append(f"| `{rule.id}:{tier.name}` | {tier.severity} | {_DESCRIPTION_BY_LEVEL[tier.level]} | {message_text} |")
        yield "## Tiers\n\n" + "\n".join(table_rows)
    if rule.parts:
        yield "## Parts\n\n" + ", ".join(f"`{rule.id}:{one}`" for one in rule.parts)


def field_text_with_tiers_and_parts(rule: Rule, field_name: str) -> str:
    """`why` or `fix`: the rule's words, then those of its tiers and parts that have others."""
    member_names_by_text: dict[str, list[str]] = {}
    for wording in rule.wordings:
        if wording.field == field_name:
            member_name = " ".join(filter(None, (wording.tier, wording.part)))
            member_names_by_text.setdefault(wording.text, []).append(member_name)
    common_text = rule.field_text(field_name)
    members_with_own_text = {member_name for names in member_names_by_text.values() for member_name in names}
    if common_text in member_names_by_text and (set(rule.parts) <= members_with_own_text or not rule.parts):
        member_text_items = [f"- {join_names(names)}: {text}" for text, names in member_names_by_text.items()]
        return "\n".join(member_text_items) if len(member_names_by_text) > 1 else common_text
    member_text_items = [f"- {join_names(names)}: {text}" for text, names in member_names_by_text.items() if text != common_text]
    return common_text + ("\n\n" + "\n".join(member_text_items) if member_text_items else "")


def parameter_list_items(loaded_tiers: Sequence[LoadedRule]) -> list[str]:
    """The parameters of a rule, those in which its tiers differ with the name of the tier."""
    tier_names_by_parameter_text: dict[str, list[str]] = {}
    for loaded_tier in loaded_tiers:
        for parameter_name, parameter_value in sorted(loaded_tier.arguments.items()):
            tier_names_by_parameter_text.setdefault(f"`{parameter_name}: {yaml_value_text(parameter_value)}`", []).append(loaded_tier.tier)
    return [
        f"- {row}" if len(names) == len(loaded_tiers) else f"- {row} ({join_names(names)})"
        for row, names in sorted(tier_names_by_parameter_text.items())
    ]


def equivalent_list_items(rule: Rule) -> Iterator[str]:
    """A line for each other linter, with the tier or part that says what its rule does where not all do."""
    equivalent_claims = rule.equivalent_claims or [EquivalentClaim(linter, ids) for linter, ids in rule.equivalents.items()]
    for linter in sorted(rule.equivalents):
        members_by_id: dict[str, list[str]] = {}
        for claim in equivalent_claims:
            for equivalent_rule_id in claim.ids if claim.linter == linter else ():
                members_by_id.setdefault(equivalent_rule_id, []).append(" ".join(filter(None, (claim.tier, claim.part))))
        yield f"- {linter}: " + ", ".join(
            equivalent_rule_id if "" in members else f"{equivalent_rule_id} ({join_names(members)})"
            for equivalent_rule_id, members in members_by_id.items()
        )


def yaml_value_text(parameter_value: object) -> str:
    """A parameter's value as YAML has it."""
    return json.dumps(parameter_value, ensure_ascii=False)


def severities_text(rule: Rule) -> str:
    """The severities of a rule's tiers, the worst first; its own where it has none."""
    return " or ".join(dict.fromkeys(str(one.severity) for one in rule.tiers)) or str(rule.severity)


def rule_summary_line(rule: Rule) -> str:
    """The line under the title: severity, confidence, category, profile."""
    return (
        f"{severities_text(rule)} · confidence {rule.confidence} · "
        f"{rule.category} ({_DESCRIPTION_BY_CATEGORY[rule.category]}) · {_DESCRIPTION_BY_LEVEL[rule.level]}"
    )


def example_text(heading: str, example: Example) -> str:
    """An example as it stands in the rule file, carets included."""
    markdown_parts = [f"## {heading}"]
    for path, unmarked_text in example.files.items():
        caret_marks = [mark for mark in example.marks if mark.path == path]
        path_heading = f"`{path}`\n\n" if len(example.files) > 1 else ""
        markdown_parts.append(f"{path_heading}```{fence_language(path)}\n{text_with_caret_lines(unmarked_text, caret_marks)}```")
    return "\n\n".join(markdown_parts)


def fence_language(path: str) -> str:
    """The word after a fence for a file."""
    if path.endswith((".yaml", ".yml")):
        return "yaml"
    return next((word for name, word in _FENCE_LANGUAGE_BY_FILE_NAME.items() if name in path.lower()), "")


def text_with_caret_lines(text: str, caret_marks: Sequence[CaretMark]) -> str:
    """The text with a line of carets under every marked span, and what stands behind them."""
    output_lines = []
    line_offset = 0
    for line in text.splitlines(keepends=True):
        output_lines.append(line)
        for mark in caret_marks:
            if line_offset <= mark.span.start < line_offset + len(line):
                caret_line = " " * (mark.span.start - line_offset) + "^" * (mark.span.end - mark.span.start)
                output_lines.append(f"{caret_line} {mark.severity_and_members}".rstrip() + "\n")
        line_offset += len(line)
    return "".join(output_lines)


def rules_markdown_table(rules: Iterable[Rule]) -> str:
    """The catalogue as a Markdown table."""
    table_rows = ["| rule | severity | category | profile | what |", "|---|---|---|---|---|"]
    for rule in rules:
        escaped_title = rule.title.replace("|", "\\|")
        table_rows.append(f"| {rule.id} | {severities_text(rule)} | {rule.category} | {rule.level} | {escaped_title} |")
    return "\n".join(table_rows) + "\n"


def rules_markdown_index(loaded_rules: Iterable[LoadedRule], link_prefix: str) -> str:
    """All rules by kind and topic, each linked to its file; `link_prefix` leads from the page to the folder `topic_rules`.

    A topic is the module of the check of the rule, or of its first tier, and its first sentence says what the rules of the
    topic are about.
    """
    rules_by_topic_by_kind: dict[str, dict[tuple[str, str], list[LoadedRule]]] = {}
    for loaded_rule in {one.rule.id: one for one in reversed(list(loaded_rules))}.values():
        kind = loaded_rule.rule.kind
        rules_by_topic_by_kind.setdefault(kind, {}).setdefault(topic_and_description(loaded_rule), []).append(loaded_rule)
    index_sections = []
    for kind in (one for one in _SECTION_TITLE_BY_KIND if one in rules_by_topic_by_kind):
        rules_by_topic = rules_by_topic_by_kind[kind]
        index_sections.append(f"## {_SECTION_TITLE_BY_KIND[kind]}")
        for (topic_name, topic_description), topic_rules in sorted(rules_by_topic.items()):
            table_rows = ["| rule | severity | profile | what |", "|---|---|---|---|"]
            for loaded_rule in sorted(topic_rules, key=lambda one: one.rule.id):
                rule = loaded_rule.rule
                escaped_title = rule.title.replace("|", "\\|")
                rule_name = rule.id.partition("/")[2]
                rule_file_link = f"{link_prefix}/{rule_file_path_in_rules_folder(loaded_rule)}"
                table_rows.append(f"| [{rule_name}]({rule_file_link}) | {severities_text(rule)} | {rule.level} | {escaped_title} |")
            index_sections.append(f"### {kind}: {topic_name}\n\n{topic_description}\n\n" + "\n".join(table_rows))
    return "\n\n".join(index_sections) + "\n"


def topic_and_description(loaded_rule: LoadedRule) -> tuple[str, str]:
    """The topic of a rule, and what it is about: the module of its check."""
    if not loaded_rule.check_name:
        return "fields", "A field that must, or must not, be there."
    check_module = sys.modules[resolve_check(loaded_rule.check_name).__module__]
    module_summary = (check_module.__doc__ or "").strip().partition("\n")[0]
    return loaded_rule.check_name.split(".")[-2], module_summary
