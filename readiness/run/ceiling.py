"""The worst that findings may be outside production: what stands in tests or samples closes no gate."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Sequence

from readiness import kinds
from readiness.model import Finding, Purpose, Severity
from readiness.model.project import Project
from readiness.syntax.secrets.shapes import find_shapes

WORST_OUTSIDE_PRODUCTION = Severity.MEDIUM
# A build makes what production runs, and a one-off job runs there.
_PURPOSES_BESIDE_PRODUCTION = frozenset({"development", "test", "demo", "sample", "study", "preview"})
_BASE64 = re.compile(r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{16,}")
_MAX_CHARACTERS = 20_000  # of a marked text in which a credential is looked for


def lower_outside_production(findings: Sequence[Finding], project: Project) -> Iterator[Finding]:
    """Findings of a project, in order: those in files or things that are not production's are medium at worst.

    A credential whose shape says that a service gave it out keeps its severity: it lets in wherever it stands.
    """
    purposes = project.memoize(_purposes_by_source_id)
    for finding in findings:
        taken = purposes.get(id(finding.source), {}) if finding.severity > WORST_OUTSIDE_PRODUCTION else {}
        purpose = taken.get(finding.resource) or taken.get("")
        if purpose and purpose.word in _PURPOSES_BESIDE_PRODUCTION and not _lets_in_all_the_same(finding, purpose):
            yield finding._replace(lowered_severity=WORST_OUTSIDE_PRODUCTION)
        else:
            yield finding


def _purposes_by_source_id(project: Project) -> dict[int, dict[str, Purpose]]:
    """What the documents of a project, and the things in them, were taken for, by the identity of their sources."""
    found: dict[int, dict[str, Purpose]] = {}
    for kind, documents in project.by_kind.items():
        for document in documents:
            if taken := kinds.purposes_of(kind, document):
                found[id(document.source)] = dict(taken)
    return found


def _lets_in_all_the_same(finding: Finding, purpose: Purpose) -> bool:
    """Whether a finding is of a credential that a service gave out: anybody can make a private key.

    It stands in the marked text, plain or in base64. What checks leave high of manifests in tests and examples, after their own
    look at certificates and values, is one as well.
    """
    if finding.rule_definition.category != "secrets":
        return False
    if purpose.is_trial and finding.source.kind == "k8s":
        return True
    text = finding.source.text[finding.span.start : finding.span.end][:_MAX_CHARACTERS]
    return any(
        shape.reason != "private key" and shape.meaning is None
        for one in (text, *map(_decoded, _BASE64.findall(text)))
        for shape in find_shapes(one)
    )


def _decoded(text: str) -> str:
    """What a text in base64 holds; empty where it is none."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True).decode("utf-8", "replace")
    except binascii.Error:
        return ""
