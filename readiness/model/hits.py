"""What checks take and give: nodes and subjects in, hits out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol

from readiness.model.messages import FactValue
from readiness.model.rule import NO_EQUIVALENTS_BY_LINTER, Severity
from readiness.model.source import Source, Span


class Node(Protocol):
    """What every syntax offers to rules: the value under a key, and where it stands."""

    def get(self, key: str, default: Any = None, /) -> Any:
        """The value under `key`, or the default."""

    def at(self, key: Any = None, /) -> Span:
        """The span of the value under `key`; of the node itself where there is no such key."""


class Subject(Protocol):
    """One thing that a rule looks at: a container, a stage, a server block, a job."""

    @property
    def source(self) -> Source:
        """The source in which the subject stands."""

    @property
    def node(self) -> Any:
        """Its syntax, for predicates: see Node."""

    @property
    def resource(self) -> str:
        """Its name as KIND/NAME, as reports print it."""

    @property
    def container(self) -> str:
        """The container's name inside a workload, else an empty string."""


class Related(NamedTuple):
    """A second place that belongs to a finding, with what it has to do with it."""

    source: Source
    span: Span
    message: str


class Hit(NamedTuple):
    """What a check yields: a place, and the facts that fill the rule's message.

    `is_missing` says that the hit is about something left out, shown at its closest owner: such hits are dropped in
    fragments. `source`, `resource` and `container` are given only where they differ from the subject's, `severity`
    only where this place is less bad than the rule's other ones. `message_name` names one of the rule's `messages`; without one
    the hit has the rule's `message`.
    """

    span: Span
    facts: Mapping[str, Any] = NO_EQUIVALENTS_BY_LINTER
    is_missing: bool = False
    source: Source | None = None
    resource: str | None = None
    container: str | None = None
    related: tuple[Related, ...] = ()
    severity: Severity | None = None
    message_name: str = ""


class Undecidable(NamedTuple):
    """What a check yields where the files cannot tell (a value from a variable): lowers coverage, never the score."""

    span: Span


class NotApplicable:
    """What a check yields for a subject that its rule is not about: it proves nothing of it.

    A job that deploys nothing is no proof that deployments can be rolled back.
    """

    __slots__ = ()


CheckOutcome = Iterator[Hit | Undecidable | NotApplicable]
"""What a check says of one subject, in the order of the file; nothing at all says that the subject is as it should be."""


def hit(
    span: Span,
    *,
    at: Source | None = None,
    resource: str | None = None,
    container: str | None = None,
    related: Iterable[Related] = (),
    severity: Severity | None = None,
    say: str = "",
    **facts: FactValue,
) -> Hit:
    """A hit on something that stands at `span`; a `severity` can only lower the rule's, `say` names its message."""
    return Hit(span, facts, False, at, resource, container, tuple(related), severity, say)


def missing(
    span: Span,
    *,
    at: Source | None = None,
    resource: str | None = None,
    container: str | None = None,
    related: Iterable[Related] = (),
    severity: Severity | None = None,
    say: str = "",
    **facts: FactValue,
) -> Hit:
    """A hit on something that is not there; `span` is its closest owner, `severity` and `say` as in hit."""
    return Hit(span, facts, True, at, resource, container, tuple(related), severity, say)


def spans_of_hits(outcome: CheckOutcome) -> set[Span]:
    """The places that a check marks, so that a neighbour's check need not tell of them again."""
    return {check_result.span for check_result in outcome if isinstance(check_result, Hit)}
