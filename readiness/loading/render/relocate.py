"""Findings on rendered texts, told where they were written; of several environments that give one, it is one."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable

from readiness.facts.table import property_by_fact_name
from readiness.loading.render.made import GeneratedSource, SetValue, written_source_and_span
from readiness.model import MESSAGE_VALUE_PUT_IN_HERE, AnnotationSuppression, Environments, Finding, Related, Span, joined_finding
from readiness.model.lazy_regex import lazy_regex
from readiness.syntax import secrets
from readiness.syntax.secrets import SecretStrength


def relocate_findings(findings: Iterable[Finding], environment_count_by_path: dict[str, int]) -> list[Finding]:
    """The findings, those on renderings moved to the files that these were made from, with the environments that give them.

    `environment_count_by_path` says how many a file is rendered for. What several of them give of one object is one finding, at its
    worst; one place that makes several objects is left to `triage/copies.py`. The values of install tests and of other
    environments are asked what is wrong, not what production needs.
    """
    findings_on_written_files: list[Finding] = []
    relocated_finding_by_key: dict[tuple[object, ...], Finding] = {}
    for finding in findings:
        rendered_source = finding.source.root
        if not isinstance(rendered_source, GeneratedSource):
            findings_on_written_files.append(finding)
            continue
        finding_in_template = relocate_finding(finding, rendered_source)
        if rendered_source.trial and not (
            _counts_outside_production(finding)
            if rendered_source.aside and not rendered_source.alone
            else _counts_for_install_tests(finding_in_template, rendered_source) and not _is_brought_by_install_test(finding, finding_in_template)
        ):
            continue
        if (
            rendered_source.trial
            and _is_about_secret_value(finding)
            and _is_secret_only_in_test_values(finding, finding_in_template, rendered_source)
        ):
            continue
        reported_finding, value_key_path = _finding_at_value_and_keys(finding, finding_in_template, rendered_source)
        environment_count = environment_count_by_path.get(
            rendered_source.path if rendered_source.packed or value_key_path else reported_finding.path, 1
        )
        environment_names = (rendered_source.environment,)
        environments = (
            Environments((), environment_names, environment_count)
            if rendered_source.trial
            else Environments(environment_names, (), environment_count)
        )
        reported_finding = reported_finding._replace(environments=environments)
        merge_key: tuple[object, ...] = (reported_finding.rule, reported_finding.path, reported_finding.span, reported_finding.message)
        if value_key_path:  # what one value of a chart gives is one fault, whichever file sets it
            chart_path = rendered_source.path.rpartition("/templates/")[0]
            merge_key = (
                reported_finding.rule,
                reported_finding.part,
                chart_path,
                value_key_path,
                reported_finding.message if rendered_source.packed else "",
            )
        merge_key = (*merge_key, reported_finding.resource, reported_finding.container)
        relocated_finding_by_key[merge_key] = (
            _joined_with_both_places(relocated_finding_by_key[merge_key], reported_finding)
            if merge_key in relocated_finding_by_key
            else reported_finding
        )
    return [*findings_on_written_files, *relocated_finding_by_key.values()]


def _joined_with_both_places(finding: Finding, twin: Finding) -> Finding:
    """One finding for what two environments give: at the worse one's place, with that of the other."""
    if finding.fix_place == twin.fix_place:
        return joined_finding(finding, twin)
    worse_finding, other_finding = (twin, finding) if twin.severity > finding.severity else (finding, twin)
    other_place = Related(other_finding.source, other_finding.span, "the value is set here, too")
    joined_findings = joined_finding(worse_finding, other_finding)
    return joined_findings._replace(related=(*joined_findings.related, other_place))


_BEFORE_VALUE = lazy_regex(r"""(?:\A|[\s{,\[])["']?(?P<key>[\w./-]+)["']?:[ \t]+["']?[^\s"',{}\[\]]*\Z|[-\[,][ \t]*["']?\Z""")
_IDENTITY_KEYS = frozenset({"name", "kind", "apiVersion", "namespace", "generateName"})


def _counts_for_install_tests(finding: Finding, rendered_source: GeneratedSource) -> bool:
    """Whether a finding counts where only an install test's values (`ci/`) give it.

    Those tell what fails with any values, and what the template itself writes out: a value that stands in it. What they
    set, and what they leave out, is none of production. A chart that renders with nothing else is asked all the same,
    but for what such a file sets. https://github.com/helm/chart-testing#readme
    """
    if finding.rule_definition.category == "correctness":
        return True
    if rendered_source.alone:
        return not any("/ci/" in f"/{other.source.path}" for other in finding.related)
    marked_text = finding.source.text[finding.span.start : finding.span.end]
    if not marked_text or "{{" in marked_text or marked_text[0] in "{[":
        return False
    return _is_at_set_value(finding, marked_text)


def _is_brought_by_install_test(finding: Finding, finding_in_template: Finding) -> bool:
    """Whether what a finding marks stands in the values of an install test alone: a chart that prints whole objects from its values
    (`{{ toYaml . }}`) prints theirs, which nobody deploys."""
    marked_text = finding.source.text[finding.span.start : finding.span.end].strip("\"' ")
    rendered_source = finding.source.root
    if finding.rule_definition.category == "secrets":  # asked below, for a credential lets in from wherever it stands
        return False
    if not marked_text or not isinstance(rendered_source, GeneratedSource) or marked_text in finding_in_template.source.text:
        return False
    values_sources = [one for one in rendered_source.values_sources() if _is_written_in_yaml(marked_text, one.text)]
    return bool(values_sources) and all("/ci/" in f"/{one.path}" for one in values_sources)


def _is_written_in_yaml(text: str, yaml_text: str) -> bool:
    """Whether a text stands in a line of YAML that is no comment: values show in comments what may be set."""
    return text in yaml_text and any(text in line for line in yaml_text.splitlines() if not line.lstrip().startswith("#"))


def _is_secret_only_in_test_values(finding: Finding, finding_in_template: Finding, rendered_source: GeneratedSource) -> bool:
    """Whether a secret stands in nothing but values for tests: not in the template, and in no other of the chart's values.

    Whoever installs the chart gives one of his own. What has the shape of a credential that a service gave out is one anywhere.
    """
    root_start, root_end = finding.source.to_root(finding.span.start), finding.source.to_root(finding.span.end)
    rendered_span = Span(root_start, max(root_start, root_end))
    printed_text = rendered_source.text[rendered_span.start : rendered_span.end]
    if _BLOCK_SCALAR_MARK.match(printed_text):
        printed_text = _block_scalar_text(rendered_source.text, rendered_span.end)
    set_value = rendered_source.set_value(rendered_span)
    printed_and_written_texts = (
        [printed_text] if set_value is None else [printed_text, set_value.source.text[set_value.span.start : set_value.span.end]]
    )
    secret_texts_and_verdicts = [
        (text[one.span.start : one.span.end], one.verdict) for text in printed_and_written_texts for one in secrets.secrets_in_text(text)
    ]
    if any(one.strength is SecretStrength.SHAPE and one.reason != "private key" for _, one in secret_texts_and_verdicts):
        return False
    if set_value is not None:
        return _is_test_values_path(set_value.source.path)
    template_text = finding_in_template.source.text
    is_written_in_template = printed_text.strip() in template_text or any(
        secret_text in template_text for secret_text, _ in secret_texts_and_verdicts
    )
    return not is_written_in_template and _is_test_values_path(rendered_source.environment)


_BLOCK_SCALAR_MARK = lazy_regex(r"[|>][-+0-9]{0,2}\s*\Z")


def _block_scalar_text(yaml_text: str, mark_end: int) -> str:
    """The lines of a block scalar whose mark ends at a place: those that follow and stand deeper than its own line."""
    mark_line, *following_lines = yaml_text[yaml_text.rfind("\n", 0, mark_end) + 1 :].split("\n")
    mark_line_indent = len(mark_line) - len(mark_line.lstrip())
    block_lines = itertools.takewhile(lambda line: not line.strip() or len(line) - len(line.lstrip()) > mark_line_indent, following_lines)
    return "\n".join(block_lines)


def _is_test_values_path(values_path: str) -> bool:
    """Whether a file of values is for tests: those of chart-testing (`ci/`), and what its name says."""
    *folder_names, file_name = values_path.lower().split("/")
    file_name_words = re.split(r"[^a-z0-9]+", file_name)
    return "ci" in folder_names or any(property_by_fact_name("purpose-words", "file").get(word) == "test" for word in file_name_words)


_DANGEROUS_CATEGORIES = frozenset({"correctness", "isolation", "secrets"})


def _counts_outside_production(finding: Finding) -> bool:
    """Whether a finding counts where only environments give it that are not production.

    They are asked what is wrong, and what is dangerous wherever it runs: a value that is set. What they leave out, how
    many replicas they have and how they are reached is none of production.
    """
    category = finding.rule_definition.category
    if category not in _DANGEROUS_CATEGORIES:
        return False
    marked_text = finding.source.text[finding.span.start : finding.span.end]
    return category == "correctness" or (bool(marked_text) and _is_at_set_value(finding, marked_text))


def _is_at_set_value(finding: Finding, marked_text: str) -> bool:
    """Whether a finding stands at a value that somebody set, rather than at the thing that lacks one."""
    line_start = finding.source.text.rfind("\n", 0, finding.span.start) + 1
    value_start_match = _BEFORE_VALUE.search(finding.source.text[line_start : finding.span.start])
    return value_start_match is not None and (value_start_match["key"] not in _IDENTITY_KEYS if value_start_match["key"] else ":" not in marked_text)


def relocate_suppression(suppression: AnnotationSuppression) -> AnnotationSuppression:
    """A suppression carried by a rendered object, where somebody wrote it."""
    rendered_source = suppression.source.root
    if not isinstance(rendered_source, GeneratedSource):
        return suppression
    written_source, span = rendered_source.written_location(suppression.span)
    _, written_start_span = rendered_source.written_location(Span(suppression.covered_span.start, suppression.covered_span.start))
    _, written_end_span = rendered_source.written_location(Span(max(suppression.covered_span.end - 1, 0), suppression.covered_span.end))
    written_covered_span = Span(min(written_start_span.start, written_end_span.start), max(written_start_span.end, written_end_span.end))
    return suppression._replace(source=written_source, span=span, covered_span=written_covered_span)


def relocate_finding(finding: Finding, rendered_source: GeneratedSource) -> Finding:
    """A finding on a rendering, where somebody wrote what it is about."""
    written_source, span = written_source_and_span(finding.source, finding.span)
    written_enclosing_starts = [rendered_source.written_location(Span(at, at)) for at in map(finding.source.to_root, finding.enclosing_offsets)]
    related_places = tuple(Related(*written_source_and_span(other.source, other.span), other.message) for other in finding.related)
    return finding._replace(
        source=written_source,
        span=span,
        enclosing_offsets=tuple(
            enclosing_span.start for enclosing_source, enclosing_span in written_enclosing_starts if enclosing_source is written_source
        ),
        related=(
            *related_places,
            *rendered_source.definition_places(_span_in_rendering(finding)),
            *rendered_source.value_places(written_source, span),
        ),
    )


def _is_about_secret_value(finding: Finding) -> bool:
    """Whether a finding is about a secret's value."""
    return finding.rule_definition.category == "secrets" and finding.rule_definition.marks_secrets


def _span_in_rendering(finding: Finding) -> Span:
    """The place of a finding in the whole rendering."""
    root_start, root_end = map(finding.source.to_root, finding.span)
    return Span(root_start, max(root_start, root_end))


def _finding_at_value_and_keys(finding: Finding, finding_in_template: Finding, rendered_source: GeneratedSource) -> tuple[Finding, tuple[str, ...]]:
    """The finding at the value that a person edits, and the keys of that; else where the template stands, and no keys.

    A secret stands where its value is set, not where a template prints it. What an archive's template prints is told
    where its values are set, for nobody can edit an archive. What is wrong in a mapping that a file over the chart's own values
    sets is told there, for the template prints the mapping whole. So is a value that a line
    prints which only takes in a definition, and what a chart opens in one below it (`edge`) by a value of its own.
    """
    source = finding.source
    root_start, root_end = source.to_root(finding.span.start), source.to_root(finding.span.end)
    rendered_span = Span(root_start, max(root_start, root_end))
    if not rendered_source.packed and not _is_about_secret_value(finding):
        overriding_value = rendered_source.overriding_value(rendered_span) if finding.rule_definition.category == "correctness" else None
        is_isolation = finding.rule_definition.category == "isolation"
        if finding.rule_definition.category == "edge":
            overriding_value = rendered_source.parent_value(finding_in_template.source, finding_in_template.span)
        if overriding_value is None and is_isolation and _is_set_value_behind_include(finding, finding_in_template):
            overriding_value = rendered_source.set_value(rendered_span)
        return (
            (_finding_at_set_value(finding_in_template, overriding_value), overriding_value.keys)
            if overriding_value is not None
            else (finding_in_template, ())
        )
    if (
        finding_in_template.source.text[finding_in_template.span.start : finding_in_template.span.end]
        == rendered_source.text[rendered_span.start : rendered_span.end]
    ):
        return finding_in_template, ()  # the template says it itself
    set_value = rendered_source.set_value(rendered_span)
    if set_value is None:
        return finding_in_template, ()
    return _finding_at_set_value(finding_in_template, set_value), set_value.keys


_INCLUDE_LINE = lazy_regex(r"\{\{-?[ \t]*include[ \t]+\"[\w.-]+\"[ \t]+[.$][ \t]*-?\}\}[ \t]*\r?\Z")


def _is_set_value_behind_include(finding: Finding, finding_in_template: Finding) -> bool:
    """Whether a finding marks a value that somebody set, and its line of the template only takes in a definition with all values.

    So do charts on a library: that line is the same for all that they make.
    """
    template_text, offset = finding_in_template.source.text, finding_in_template.span.start
    line_start, line_end = template_text.rfind("\n", 0, offset) + 1, template_text.find("\n", offset)
    line = template_text[line_start : line_end if line_end >= 0 else len(template_text)]
    marked_text = finding.source.text[finding.span.start : finding.span.end]
    return bool(marked_text) and _INCLUDE_LINE.match(line) is not None and _is_at_set_value(finding, marked_text)


def _finding_at_set_value(finding_in_template: Finding, set_value: SetValue) -> Finding:
    """A finding at the value that a person edits, with the place of the template that prints it."""
    template_place = Related(finding_in_template.source, finding_in_template.span, MESSAGE_VALUE_PUT_IN_HERE)
    related_places = tuple(one for one in finding_in_template.related if one[:2] != (set_value.source, set_value.span))
    return finding_in_template._replace(source=set_value.source, span=set_value.span, enclosing_offsets=(), related=(*related_places, template_place))
