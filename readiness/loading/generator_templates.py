"""Many templates of one generator: a note on all of them, in the place of one on each."""

from __future__ import annotations

import posixpath

from readiness.loading.assembly import REASON_TEMPLATE, Assembly
from readiness.model import Finding, Related, Severity
from readiness.model.lazy_regex import lazy_regex

MIN_TEMPLATES_OF_GENERATOR = 10  # files of one kind and form of mark that are taken for one program's templates
MAX_RELATED_TEMPLATES = 10  # of the files that a note shows beside the first
_RULE_ID = "core/template-unjudged"
_HELMFILE_NAME = lazy_regex(r"helmfile(?:[._-][\w.-]{1,100})?\.ya?ml")


def fold_templates_of_generator(assembly: Assembly) -> None:
    """Make one note of the findings on templates that one program fills in, and skip their files as files that say template.

    One file without a template's name may be a mistake; where many of one kind have marks of one form, a program of the
    repository renders them by design, and a new name for each would only break that program. Helmfile renders its own files, under
    the names that it looks for: of those there is nothing to say.
    """
    findings_by_form: dict[tuple[str, str], list[Finding]] = {}
    notes: dict[int, Finding] = {}
    folded_paths: set[str] = set()
    folded_finding_ids: set[int] = set()
    for finding in assembly.parse_findings:
        if finding.rule == _RULE_ID and _HELMFILE_NAME.fullmatch(posixpath.basename(finding.source.path)):
            folded_paths.add(finding.path)
            folded_finding_ids.add(id(finding))
        elif finding.rule == _RULE_ID and finding.source.parent is None:
            mark = finding.source.text[finding.span.start : finding.span.start + 2]
            mark_form = mark if mark != "{%" else "{{"  # Jinja has both
            findings_by_form.setdefault((finding.source.kind, mark_form), []).append(finding)
    for findings in findings_by_form.values():
        if len(findings) >= MIN_TEMPLATES_OF_GENERATOR:
            findings.sort(key=lambda one: one.path)
            notes[id(findings[0])] = _note_on_all(findings)
            folded_paths.update(one.path for one in findings)
            folded_finding_ids.update(id(one) for one in findings[1:])
    assembly.parse_findings = [notes.get(id(one), one) for one in assembly.parse_findings if id(one) not in folded_finding_ids]
    for row in assembly.file_statuses:
        if row.path in folded_paths and row.status == "invalid":
            row.status, row.reason, row.cause = "skipped", REASON_TEMPLATE, ""


def _note_on_all(findings: list[Finding]) -> Finding:
    """The first of some findings, info, with the folder that holds all of them."""
    first, *others = findings
    folder = posixpath.commonpath([posixpath.dirname(one.path) for one in findings])
    related = [Related(one.source, one.span, "another of them") for one in others[:MAX_RELATED_TEMPLATES]]
    message = f"{first.message} (and {len(others)} more of the same form under {folder or 'this directory'})"
    return first._replace(message=message, lowered_severity=Severity.INFO, related=(*first.related, *related))
