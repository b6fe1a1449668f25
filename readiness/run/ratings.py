"""What settings say of some paths, at the place where a thing is written: how bad a rule is there, and with which parameters it is asked."""

from __future__ import annotations

from collections.abc import Sequence

from readiness.loading.render.made import written_source_and_span
from readiness.model import Finding, Span, Subject
from readiness.ruleset.bound import PathsOfVariant, Rating
from readiness.syntax.glob import glob_matches, prefixed_path


def with_rated_severity(finding: Finding, ratings: Sequence[Rating]) -> Finding:
    """A finding as bad as settings call its rule where it is written, whatever its check says of the place.

    That files outside production and what nothing deploys close no gate goes on holding: it is asked afterwards.
    """
    path = written_source_and_span(finding.source, finding.span)[0].root.path
    for rating in reversed(ratings):
        if rating.member in {"", finding.tier, finding.part} and glob_matches(rating.pattern, prefixed_path(rating.prefix, path)):
            return finding._replace(rated_severity=rating.severity, lowered_severity=None)
    return finding


def subjects_in_paths(subjects: Sequence[Subject], paths: PathsOfVariant) -> list[Subject]:
    """The subjects that are written in files for which a variant of a rule is."""
    return [one for one in subjects if paths.has_file(written_source_and_span(one.source, Span(*[one.node.at().start] * 2))[0].root.path)]
