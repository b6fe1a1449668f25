"""Every example of every rule, three times: as it stands, with CRLF, with a comment line above."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from readiness import kinds
from readiness.kinds.github.owner import set_repository_owners
from readiness.loading import reading
from readiness.model import Finding, Rule, Source, Span
from readiness.model.project import Project
from readiness.ruleset import examples
from readiness.ruleset.bound import LoadedRule
from readiness.ruleset.examples import Example
from readiness.run import engine
from tests.conftest import by_rule, catalogue

Variant = tuple[str, Callable[[str], str], Callable[[str, Span], tuple[int, int, int]]]


def place_as_written(text: str, span: Span) -> tuple[int, int, int]:
    """(line, column, end column), all from 1."""
    row = text.count("\n", 0, span.start)
    begin = text.rfind("\n", 0, span.start) + 1
    return row + 1, span.start - begin + 1, span.end - begin + 1


def below(text: str, span: Span) -> tuple[int, int, int]:
    line, column, end = place_as_written(text, span)
    return line + 1, column, end


VARIANTS: list[Variant] = [
    ("plain", lambda text: text, place_as_written),
    ("crlf", lambda text: text.replace("\n", "\r\n"), place_as_written),
    ("comment", lambda text: "# a line above\n" + text, below),
]


def cases() -> Iterator[object]:
    for name, tiers in by_rule().items():
        if tiers[0].rule.targets == ("core",):
            continue
        for number, example in enumerate(examples.rule_examples(tiers[0], default_path(tiers[0].rule))):
            for variant in VARIANTS:
                word = "bad" if example.is_bad else "good"
                yield pytest.param(tiers, example, variant, id=f"{name}-{word}{number}-{variant[0]}")


def default_path(rule: Rule) -> str:
    return str(kinds.kind_module(kinds.kind_of_target(rule.targets[0])).EXAMPLE_PATH)


def check(tiers: list[LoadedRule], example: Example, change: Callable[[str], str]) -> engine.EngineResult:
    """What a rule says of an example with all of its tiers on."""
    sources = []
    for path, text in example.files.items():
        changed = change(text) if not path.endswith(".json") else text
        kind = kinds.detect_kind(path, changed)
        if not kind and len(example.files) == 1:
            kind = kinds.kind_of_target(tiers[0].targets[0])
        if kind:
            sources.append(Source(path, changed, kind=kind))
    set_repository_owners(sources)
    documents = []
    for source, document, error in reading.parse_sources(sources):
        assert error is None, f"{source.path}: {error}"
        documents.append((source.kind, document))
    outcome = engine.EngineResult()
    paths = set(example.files)
    core = {one.rule.id: one.rule for one in catalogue()}
    engine.run_rules(Project(documents, paths, is_complete=True), tiers, core, outcome)
    outcome.findings = engine.sort_and_deduplicate(outcome.findings)
    return outcome


@pytest.mark.parametrize(("tiers", "example", "variant"), list(cases()))
def test_example(tiers: list[LoadedRule], example: Example, variant: Variant) -> None:
    _, change, moved = variant
    rule = tiers[0].rule
    assert bool(example.marks) is example.is_bad, "a bad example has carets, a good one none"
    outcome = check(tiers, example, change)
    found = sorted(outcome.findings, key=lambda one: (where(one), one.severity))
    want = []
    for path, span, severity, members in example.marks:
        place = (place_as_written if path.endswith(".json") else moved)(example.files[path], span)
        want.append(((path, *place), rule.severity if severity is None else severity, members))
    want.sort()
    assert [(where(one), one.severity) for one in found] == [mark[:2] for mark in want], "\n".join(finding.message for finding in found)
    left = list(found)
    for place, severity, members in want:
        fitting = [
            finding for finding in left if (where(finding), finding.severity) == (place, severity) and set(members) <= {finding.tier, finding.part}
        ]
        assert fitting, f"nothing at {place} is of {members}"
        left.remove(fitting[0])
    assert {one.rule for one in found} <= {rule.id}
    looks = [outcome.tally_by_rule[tier.tally_key].subjects for tier in tiers if tier.tally_key in outcome.tally_by_rule]
    assert sum(looks) > 0, "the rule looked at no subject"


def where(finding: Finding) -> tuple[str, int, int, int]:
    return finding.path, finding.start.line, finding.start.column, finding.end.column
