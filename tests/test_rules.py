"""Every example of every rule, three times: as it stands, with CRLF, with a comment line above."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from readiness import engine, examples, kinds
from readiness.examples import Example
from readiness.model import Rule, Source, Span
from readiness.project import Project
from readiness.rules import Bound
from tests.conftest import catalogue

Variant = tuple[str, Callable[[str], str], Callable[[str, Span], tuple[int, int, int]]]


def place(text: str, span: Span) -> tuple[int, int, int]:
    """(line, column, end column), all from 1."""
    row = text.count("\n", 0, span.start)
    begin = text.rfind("\n", 0, span.start) + 1
    return row + 1, span.start - begin + 1, span.end - begin + 1


def below(text: str, span: Span) -> tuple[int, int, int]:
    line, column, end = place(text, span)
    return line + 1, column, end


VARIANTS: list[Variant] = [
    ("plain", lambda text: text, place),
    ("crlf", lambda text: text.replace("\n", "\r\n"), place),
    ("comment", lambda text: "# a line above\n" + text, below),
]


def cases() -> Iterator[object]:
    for bound in catalogue():
        if bound.rule.targets == ("core",):
            continue
        for number, example in enumerate(examples.of(bound, default_path(bound.rule))):
            for variant in VARIANTS:
                word = "bad" if example.bad else "good"
                yield pytest.param(
                    bound, example, variant, id=f"{bound.rule.id}-{word}{number}-{variant[0]}"
                )


def default_path(rule: Rule) -> str:
    return str(kinds.module(kinds.kind_of_target(rule.targets[0])).EXAMPLE)


def check(bound: Bound, example: Example, change: Callable[[str], str]) -> engine.Outcome:
    sources = []
    for path, text in example.files.items():
        changed = change(text) if not path.endswith(".json") else text
        kind = kinds.classify(path, changed)
        if not kind and len(example.files) == 1:
            kind = kinds.kind_of_target(bound.rule.targets[0])
        if kind:
            sources.append(Source(path, changed, kind=kind))
    documents = []
    for source, document, error in engine.read(sources):
        assert error is None, f"{source.path}: {error}"
        documents.append((source.kind, document))
    outcome = engine.Outcome()
    paths = set(example.files)
    core = {one.rule.id: one.rule for one in catalogue()}
    engine.run(Project(documents, paths, complete=True), [bound], core, outcome)
    return outcome


@pytest.mark.parametrize(("bound", "example", "variant"), list(cases()))
def test_example(bound: Bound, example: Example, variant: Variant) -> None:
    _, change, moved = variant
    assert bool(example.marks) is example.bad, "a bad example has carets, a good one none"
    outcome = check(bound, example, change)
    got = sorted(
        (one.path, one.start.line, one.start.column, one.end.column, one.severity)
        for one in engine.settle(outcome.findings)
    )
    want = sorted(
        (
            path,
            *(place if path.endswith(".json") else moved)(example.files[path], span),
            bound.rule.severity if severity is None else severity,
        )
        for path, span, severity in example.marks
    )
    assert got == want, "\n".join(one.message for one in outcome.findings)
    assert {one.rule.id for one in outcome.findings} <= {bound.rule.id}
    assert outcome.tally[bound.rule.id].subjects > 0, "the rule looked at no subject"
