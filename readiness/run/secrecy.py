"""The secrets of a run: marked in all that was read before any rule, and masked in all that the run says in words."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from readiness.loading.assembly import Assembly, FileStatus
from readiness.loading.discover import DiscoveredFiles
from readiness.loading.render.made import GeneratedSource
from readiness.model import Finding, Source, Span
from readiness.model.service import Service
from readiness.redaction import Redactor, SecretPlace, known_texts, secret_places_in_files

if TYPE_CHECKING:
    from readiness.run.pipeline import RunResult

_MAX_RENDERED_TEXTS = 500  # secret values of renderings that are looked for in values
_MIN_RENDERED_TEXT_LENGTH = 8  # characters of one


class MarkedSecrets(NamedTuple):
    """Where secrets stand in what somebody wrote, and those values that only stand in what a renderer made."""

    places: list[SecretPlace]
    rendered_texts: set[str]


def mark_secrets(discovered: DiscoveredFiles, assembly: Assembly) -> MarkedSecrets:
    """The secrets in all that the rules of a run will judge, and in the values that it was made from."""
    document_roots_by_source = _document_roots_by_source(assembly)
    values_sources = [source for source in discovered.sources if _may_have_values(source)]
    sources = [*values_sources, *(one.root for one in assembly.sources)]
    written_sources = [source for source in dict.fromkeys(sources) if not isinstance(source, GeneratedSource)]
    roots_by_path = {source.path: roots for source, roots in document_roots_by_source.items() if not isinstance(source, GeneratedSource)}
    rendered_texts: set[str] = set()
    for source, roots in document_roots_by_source.items():
        if isinstance(source, GeneratedSource):
            for place in secret_places_in_files([source], {source.path: roots}, is_rendered=True):
                rendered_texts.update(known_texts(source.text[place.span.start : place.span.end], place.sort))
    places = list(secret_places_in_files(written_sources, roots_by_path))
    rendered_places = _places_of_texts(values_sources, sorted(rendered_texts)[:_MAX_RENDERED_TEXTS])
    return MarkedSecrets([*places, *rendered_places], rendered_texts)


def run_result_without_secrets(run_result: RunResult, marked_secrets: MarkedSecrets) -> RunResult:
    """The result with no secret in any of its words; the files themselves are masked where a report shows them."""
    redactor = Redactor(run_result.secret_places, marked_secrets.rendered_texts)
    return replace(
        run_result,
        findings=_findings_without_secrets(run_result.findings, redactor),
        file_statuses=_file_statuses_without_secrets(run_result.file_statuses, redactor),
        services=_services_without_secrets(run_result.services, redactor),
        notices=tuple(map(redactor.mask_text, run_result.notices)),
    )


def _may_have_values(source: Source) -> bool:
    """Whether a file may hold what others take in and messages tell: the values of a chart, the variables of a compose file."""
    filename = posixpath.basename(source.path)
    return not source.kind and ("values" in source.path or ".env" in filename or filename.startswith("kustomization"))


def _places_of_texts(sources: Iterable[Source], secret_texts: Sequence[str]) -> Iterator[SecretPlace]:
    """Where texts stand in the values that a renderer took them from."""
    for source in sources:
        for secret_text in secret_texts:
            offset = source.text.find(secret_text) if len(secret_text) >= _MIN_RENDERED_TEXT_LENGTH else -1
            if offset >= 0:
                yield SecretPlace(source, Span(offset, offset + len(secret_text)))


def _document_roots_by_source(assembly: Assembly) -> dict[Source, Sequence[Any]]:
    """The parsed YAML of the files that were parsed, as their kinds keep it."""
    roots_by_source: dict[Source, Sequence[Any]] = {}
    for project in assembly.every_project:
        for documents in project.by_kind.values():
            for document in documents:
                roots = getattr(document, "roots", None) or _only_root(document)
                if document.source.parent is None and roots is not None:
                    roots_by_source[document.source] = roots
    return roots_by_source


def _only_root(document: Any) -> Sequence[Any] | None:
    """The one document of a file whose kind keeps no more; of a file with a head before it the kind tells less than there is."""
    return (document.node,) if hasattr(document, "node") and "\n---" not in document.source.text else None


def _findings_without_secrets(findings: Iterable[Finding], redactor: Redactor) -> list[Finding]:
    """Findings whose words hold no secret."""
    mask = redactor.mask_text
    return [
        finding._replace(
            message=mask(finding.message),
            resource=mask(finding.resource),
            container=mask(finding.container),
            related=tuple(other._replace(message=mask(other.message)) for other in finding.related),
            suppression=finding.suppression and finding.suppression._replace(reason=mask(finding.suppression.reason)),
            edit_group=mask(finding.edit_group),
            service_name=mask(finding.service_name),
            replacement_text=mask(finding.replacement_text),
        )
        for finding in findings
    ]


def _file_statuses_without_secrets(file_statuses: Iterable[FileStatus], redactor: Redactor) -> list[FileStatus]:
    """Rows of files whose words hold no secret."""
    mask = redactor.mask_text
    return [
        replace(row, reason=mask(row.reason), purpose=mask(row.purpose), aside=tuple((mask(resource), mask(text)) for resource, text in row.aside))
        for row in file_statuses
    ]


def _services_without_secrets(services: Iterable[Service], redactor: Redactor) -> tuple[Service, ...]:
    """Services whose names, and what is said of their parts, hold no secret."""
    mask = redactor.mask_text
    return tuple(
        service._replace(
            name=mask(service.name),
            parts=tuple(part._replace(resource=mask(part.resource), reason=mask(part.reason)) for part in service.parts),
        )
        for service in services
    )
