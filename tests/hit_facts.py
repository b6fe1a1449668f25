"""The facts that checks say of their hits, as the bad examples of all rules show them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache

from readiness import kinds
from readiness.loading import reading
from readiness.model import Hit, Source, Subject
from readiness.model.project import Project
from readiness.ruleset import examples
from readiness.ruleset.bound import LoadedRule
from readiness.ruleset.examples import Example
from readiness.ruleset.message_facts import OPTIONAL_FACT_SUFFIX, check_and_message_key
from tests.conftest import catalogue


def default_path(bound: LoadedRule) -> str:
    """The path under which an example of one text stands."""
    return str(kinds.kind_module(kinds.kind_of_target(bound.targets[0])).EXAMPLE_PATH)


def hits(bound: LoadedRule, example: Example) -> Iterator[tuple[Subject, Hit]]:
    """The hits of a rule on an example, each with its subject."""
    sources = []
    for path, text in example.files.items():
        kind = kinds.detect_kind(path, text)
        if not kind and len(example.files) == 1:
            kind = kinds.kind_of_target(bound.targets[0])
        if kind:
            sources.append(Source(path, text, kind=kind))
    documents = [(source.kind, document) for source, document, _ in reading.parse_sources(sources) if document]
    project = Project(documents, set(example.files), is_complete=True)
    kinds.link_documents(project.by_kind, project.paths)
    for kind, known in project.by_kind.items():
        for target in bound.targets:
            find = kinds.subject_finder_by_target(kind).get(target)
            for subject in (one for document in known for one in (find(document) if find else ())):
                if bound.applies_to(subject):
                    found = bound.run_check(subject, project)
                    yield from ((subject, one) for one in found if isinstance(one, Hit))


@cache
def seen(key: str) -> tuple[tuple[Subject, Hit], ...]:
    """The hits of a rule, or of a tier of it, on the bad examples of the rule."""
    bound = next(one for one in catalogue() if one.tally_key == key)
    bad = (one for one in examples.rule_examples(bound, default_path(bound)) if one.is_bad)
    return tuple(pair for example in bad for pair in hits(bound, example))


@cache
def by_check() -> Mapping[str, tuple[str, ...]]:
    """The facts that the hits of a check have, by the check's name; those that only some have are marked.

    Hits that name one of the rule's messages are kept apart, under the check, a colon and that name.
    """
    always: dict[str, set[str]] = {}
    ever: dict[str, set[str]] = {}
    for bound in catalogue():
        for _, hit in seen(bound.tally_key) if bound.check_name else ():
            key = check_and_message_key(bound.check_name, hit.message_name)
            always.setdefault(key, set(hit.facts)).intersection_update(hit.facts)
            ever.setdefault(key, set()).update(hit.facts)
    return {key: tuple(sorted(name if name in always[key] else name + OPTIONAL_FACT_SUFFIX for name in names)) for key, names in sorted(ever.items())}
