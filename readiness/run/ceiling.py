"""The worst that findings may be outside production, and in files that nothing deploys: what stands in tests or samples closes no gate."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from readiness import kinds
from readiness.model import Finding, Purpose, Severity
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import Project
from readiness.syntax.secrets.shapes import find_credential_shapes

MAX_SEVERITY_OUTSIDE_PRODUCTION = Severity.MEDIUM
# A build makes what production runs, and a one-off job runs there.
_NON_PRODUCTION_PURPOSES = frozenset({"development", "test", "demo", "sample", "study", "preview", "archive"})
_BASE64_TEXT = lazy_regex(r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{16,}")
_MAX_SEARCHED_CHARACTERS = 20_000  # of a marked text in which a credential is looked for


def lower_non_production_severities(findings: Sequence[Finding], project: Project) -> Iterator[Finding]:
    """Findings of a project, in order: those in files or things that are not production's are medium at worst.

    A credential whose shape says that a service gave it out keeps its severity: it lets in wherever it stands. What is proven
    of pods alone is medium, too, where `replicas: 0` says that there are none.
    """
    purpose_by_thing_by_source_id = project.memoize(_purpose_by_thing_by_source_id)
    for finding in findings:
        purpose_by_thing = purpose_by_thing_by_source_id.get(id(finding.source), {}) if finding.severity > MAX_SEVERITY_OUTSIDE_PRODUCTION else {}
        purpose = purpose_by_thing.get(finding.resource) or purpose_by_thing.get("")
        is_outside = purpose and purpose.word in _NON_PRODUCTION_PURPOSES and not _keeps_severity_outside_production(finding, purpose)
        if is_outside or (finding.severity > MAX_SEVERITY_OUTSIDE_PRODUCTION and _is_of_pods_that_do_not_run(finding, project)):
            yield finding._replace(lowered_severity=MAX_SEVERITY_OUTSIDE_PRODUCTION)
        else:
            yield finding


def _is_of_pods_that_do_not_run(finding: Finding, project: Project) -> bool:
    """Whether a rule's proof holds where pods run, and what a finding is about has none."""
    proof = finding.rule_definition.proof
    if proof is None or not proof.is_in_pods_alone:
        return False
    return finding.resource in project.memoize(_idle_things_by_source_id).get(id(finding.source), ())


def _idle_things_by_source_id(project: Project) -> dict[int, Collection[str]]:
    """What has no pods in the documents of a project, by the identity of their sources."""
    return {
        id(document.source): idle_things
        for kind, documents in project.by_kind.items()
        for document in documents
        if (idle_things := kinds.idle_resources_of_document(kind, document, project))
    }


def lower_severities_of_other_environments(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Findings, medium at worst where only environments give them that are not production's, though production's are there.

    Those are values of install tests, and values files and overlays that the settings or their names (`values-dev.yaml`) set aside.
    """
    for finding in findings:
        environments = finding.environments
        is_of_others = environments is not None and bool(environments.tests) and not environments.names and environments.total > 0
        if is_of_others and finding.severity > MAX_SEVERITY_OUTSIDE_PRODUCTION and _may_be_lowered_where_undeployed(finding):
            yield finding._replace(lowered_severity=MAX_SEVERITY_OUTSIDE_PRODUCTION)
        else:
            yield finding


def lower_severities_in_undeployed_files(
    findings: Iterable[Finding],
    deployment_evidence: Callable[[str, str], str],
    shows_production: Callable[[str, str], bool],
    passes_over: Callable[[str, Iterable[str]], bool],
) -> tuple[list[Finding], tuple[str, ...]]:
    """Findings, those in files that nothing deploys medium at worst, and the paths of these files.

    `deployment_evidence` tells what shows that a file (path, kind) is deployed. A file that settings or its own head call
    production's is. What the tool says of itself, and a credential whose shape says that a service gave it out, keep their severity.
    A rule whose proof holds in production alone is medium, too, where not even `shows_production` says that the file runs there; so is what
    only overlays give which `passes_over` says that engines leave alone, while they apply the file by others.
    """
    lowered_findings, undeployed_paths = [], set[str]()
    for finding in findings:
        if finding.severity > MAX_SEVERITY_OUTSIDE_PRODUCTION and _may_be_lowered_where_undeployed(finding):
            root_source = finding.source.root
            kind = root_source.kind or finding.rule.split("/", 1)[0]
            is_undeployed = not deployment_evidence(root_source.path, kind)
            if is_undeployed:
                undeployed_paths.add(root_source.path)
            proof = finding.rule_definition.proof
            is_unproven = proof is not None and proof.is_in_production_alone and not shows_production(root_source.path, kind)
            overlay_folders = finding.environments.names if finding.environments is not None and kind == "k8s" else ()
            if is_undeployed or is_unproven or (overlay_folders and passes_over(root_source.path, overlay_folders)):
                lowered_findings.append(finding._replace(lowered_severity=MAX_SEVERITY_OUTSIDE_PRODUCTION))
                continue
        lowered_findings.append(finding)
    return lowered_findings, tuple(sorted(undeployed_paths))


def _may_be_lowered_where_undeployed(finding: Finding) -> bool:
    """Whether a finding depends on its file being deployed, and nobody says that it is."""
    root_source = finding.source.root
    stated_purpose = root_source.said or root_source.purposes.get(finding.resource) or root_source.purposes.get("")
    if stated_purpose is not None and stated_purpose.is_production:
        return False
    is_about_tool = finding.rule.startswith("core/") and finding.rule != "core/syntax"
    return not is_about_tool and not (finding.rule_definition.category == "secrets" and _is_issued_credential(finding))


def _purpose_by_thing_by_source_id(project: Project) -> dict[int, dict[str, Purpose]]:
    """What the documents of a project, and the things in them, were taken for, by the identity of their sources."""
    purpose_by_thing_by_source_id: dict[int, dict[str, Purpose]] = {}
    for kind, documents in project.by_kind.items():
        for document in documents:
            if purpose_by_thing := kinds.purpose_by_resource_of_document(kind, document):
                purpose_by_thing_by_source_id[id(document.source)] = dict(purpose_by_thing)
    return purpose_by_thing_by_source_id


def _keeps_severity_outside_production(finding: Finding, purpose: Purpose) -> bool:
    """Whether a finding is of a credential that a service gave out: anybody can make a private key.

    It stands in the marked text, plain or in base64. What checks leave high of manifests in tests and examples, after their own
    look at certificates and values, is one as well.
    """
    if finding.rule_definition.category != "secrets":
        return False
    if purpose.is_trial and finding.source.kind == "k8s":
        return True
    return _is_issued_credential(finding)


def _is_issued_credential(finding: Finding) -> bool:
    """Whether the text that a finding marks holds, plain or in base64, a credential whose shape says that a service gave it out."""
    finding_text = finding.source.text[finding.span.start : finding.span.end][:_MAX_SEARCHED_CHARACTERS]
    return any(
        shape.reason != "private key" and shape.meaning is None
        for one in (finding_text, *map(_base64_decoded_text, _BASE64_TEXT.findall(finding_text)))
        for shape in find_credential_shapes(one)
    )


def _base64_decoded_text(base64_text: str) -> str:
    """What a text in base64 holds; empty where it is none."""
    try:
        return base64.b64decode(base64_text + "=" * (-len(base64_text) % 4), validate=True).decode("utf-8", "replace")
    except binascii.Error:
        return ""
