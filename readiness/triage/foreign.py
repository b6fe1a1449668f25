"""Other linters' own comments and annotations: what they silence there is left out here, through `same-as`.

A directive names rules of one other linter (a peer) and covers a range of its source. A finding is left out where one of
these is among its equivalents. No reason is asked for, for it was written for another tool; so such findings are
counted and not listed.
"""

from __future__ import annotations

import bisect
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from readiness.model import AnnotationSuppression, Finding, Source, Span
from readiness.model.lazy_regex import lazy_regex
from readiness.model.records import dataclass

ALL_RULES = "*"


@dataclass(frozen=True, slots=True)
class ForeignDirective:
    """One comment or annotation: rules of a peer by their ids, ALL_RULES for all, over a range of its source."""

    source: Source
    linter: str
    rules: tuple[str, ...]
    span: Span


def directives_for_other_linters(
    document_kind: str,
    document: Any,
    relocate_annotation: Callable[[AnnotationSuppression], AnnotationSuppression] = lambda note: note,
) -> Iterator[ForeignDirective]:
    """What a document holds; `relocate_annotation` moves an annotation of a rendered object to where it was written."""
    source_text = document.source.text
    if document_kind == "dockerfile":
        if "hadolint" in source_text or "skip" in source_text:
            yield from _dockerfile_directives(document)
    elif document_kind == "compose":
        if "dclint" in source_text:
            yield from _dclint_directives(document.source)
    elif document_kind in {"github", "dependabot"}:
        if "zizmor:" in source_text:
            yield from _zizmor_directives(document_kind, document)
    elif document_kind == "k8s" and any(word in source_text for word in _LINTER_ANNOTATION_PREFIXES):
        yield from _k8s_directives(document, relocate_annotation)


def drop_findings_silenced_elsewhere(
    findings: Sequence[Finding],
    directives: Iterable[ForeignDirective],
    is_locked: Callable[[Finding], bool],
) -> tuple[list[Finding], dict[str, int]]:
    """The findings that stay, and how many were left out of each rule, or tier (see Rule.tally_key).

    A finding that is suppressed already keeps its reason; what is locked is never silenced.
    """
    ranges_by_rule = _merge_directive_ranges(directives)
    if not ranges_by_rule:
        return list(findings), {}
    kept_findings: list[Finding] = []
    dropped_count_by_tally_key: Counter[str] = Counter()
    for finding in findings:
        if finding.suppression is None and _is_silenced(finding, ranges_by_rule) and not is_locked(finding):
            dropped_count_by_tally_key[finding.tally_key] += 1
        else:
            kept_findings.append(finding)
    return kept_findings, dict(dropped_count_by_tally_key)


LineRanges = tuple[list[int], list[int]]  # where they begin and where they end, in order, none within another


def _merge_directive_ranges(directives: Iterable[ForeignDirective]) -> dict[tuple[int, str, str], LineRanges]:
    """The ranges by source, peer and rule, merged, so that a file full of directives costs no more than its length."""
    spans_by_rule: dict[tuple[int, str, str], list[Span]] = {}
    for directive in directives:
        for rule_id in directive.rules:
            spans_by_rule.setdefault((id(directive.source), directive.linter, rule_id), []).append(directive.span)
    merged_ranges_by_rule: dict[tuple[int, str, str], LineRanges] = {}
    for rule_key, rule_spans in spans_by_rule.items():
        range_starts: list[int] = []
        range_ends: list[int] = []
        for span_start, span_end in sorted(rule_spans):
            if range_ends and span_start <= range_ends[-1]:
                range_ends[-1] = max(range_ends[-1], span_end)
            else:
                range_starts.append(span_start)
                range_ends.append(span_end)
        merged_ranges_by_rule[rule_key] = range_starts, range_ends
    return merged_ranges_by_rule


def _is_silenced(finding: Finding, ranges_by_rule: dict[tuple[int, str, str], LineRanges]) -> bool:
    """Whether a directive of a peer covers the place and names a rule that says the same as the finding."""
    for source, span in finding.silenced_at:
        for linter, rule_ids in finding.equivalents.items():
            for rule_id in (*rule_ids, ALL_RULES):
                line_ranges = ranges_by_rule.get((id(source), linter, rule_id))
                if line_ranges:
                    range_index = bisect.bisect_right(line_ranges[0], span.start) - 1
                    if range_index >= 0 and span.start <= line_ranges[1][range_index]:
                        return True
    return False


def _whole_file_span(source: Source) -> Span:
    return Span(0, len(source.text))


def _span_of_lines(source: Source, first_line: int, last_line: int | None = None) -> Span:
    """The range of lines by their numbers from 1."""
    line_offsets = source.line_offsets
    last_line = first_line if last_line is None else last_line
    range_end = line_offsets[last_line] - 1 if last_line < len(line_offsets) else len(source.text)
    return Span(line_offsets[first_line - 1], range_end)


def _line_number_at(source: Source, offset: int) -> int:
    return bisect.bisect_right(source.line_offsets, offset)


def _lines_containing(source: Source, word: str) -> Iterator[tuple[int, str]]:
    """The lines that hold a word, with their numbers, each once."""
    text, line_offsets = source.text, source.line_offsets
    word_offset = text.find(word)
    while word_offset >= 0:
        line_number = _line_number_at(source, word_offset)
        yield line_number, source.line_text(line_number)
        word_offset = text.find(word, line_offsets[line_number]) if line_number < len(line_offsets) else -1


# Dockerfiles: hadolint, the checks of `docker build`, checkov

_HADOLINT_COMMENT = lazy_regex(r"#[ \t]*hadolint[ \t]+(?:(?P<reach>global|stage)[ \t]+)?ignore[ \t]*=(?P<rules>[^#]*)")
_BUILDKIT_CHECK_COMMENT = lazy_regex(r"#[ \t]*check[ \t]*=(?P<value>.*)", re.IGNORECASE)
_CHECKOV_COMMENT = lazy_regex(r"checkov:skip=[ \t]*(?P<rules>[\w,]+)")


def _dockerfile_directives(document: Any) -> Iterator[ForeignDirective]:
    source: Source = document.source
    skipped_rule_ids = _skipped_buildkit_checks(document.get("check", ""))
    if skipped_rule_ids:
        yield ForeignDirective(source, "buildkit", skipped_rule_ids, _whole_file_span(source))
    instructions = document.parsed_dockerfile.instructions
    instruction_starts = [one.span.start for one in instructions]
    stage_starts = [one.span.start for one in instructions if one.keyword == "FROM"]
    for comment_start, comment_end in document.parsed_dockerfile.comments:
        comment_text = source.text[comment_start:comment_end]
        comment_match = _CHECKOV_COMMENT.search(comment_text)
        if comment_match:
            yield ForeignDirective(source, "checkov", _first_words_between_commas(comment_match["rules"]), _whole_file_span(source))
        next_instruction_index = bisect.bisect_right(instruction_starts, comment_start)
        if next_instruction_index and comment_start < instructions[next_instruction_index - 1].span.end:
            continue  # between the lines of an instruction: no other tool looks there
        covered_span = _span_to_next_start(instruction_starts, next_instruction_index, source)
        comment_match = _BUILDKIT_CHECK_COMMENT.match(comment_text)
        if comment_match:
            yield ForeignDirective(source, "buildkit", _skipped_buildkit_checks(comment_match["value"]), covered_span)
        comment_match = _HADOLINT_COMMENT.match(comment_text)
        if comment_match and comment_match["reach"] == "global":
            covered_span = _whole_file_span(source)
        elif comment_match and comment_match["reach"] == "stage":
            covered_span = _span_to_next_start(stage_starts, max(bisect.bisect_right(stage_starts, covered_span.start), 1) - 1, source)
        if comment_match:
            yield ForeignDirective(source, "hadolint", _first_words_between_commas(comment_match["rules"]), covered_span)


def _span_to_next_start(start_offsets: list[int], index: int, source: Source) -> Span:
    """From the start at an index up to the next one; what follows the last is nothing."""
    text_length = len(source.text)
    if index >= len(start_offsets):
        return Span(text_length, text_length)
    return Span(start_offsets[index], start_offsets[index + 1] - 1 if index + 1 < len(start_offsets) else text_length)


def _first_words_between_commas(text: str) -> tuple[str, ...]:
    """The first word of each part between commas."""
    return tuple(part.split()[0] for part in text.split(",") if part.strip())


def _skipped_buildkit_checks(check_value: str) -> tuple[str, ...]:
    """The checks that the value of Docker's `check` directive turns off."""
    for check_option in check_value.split(";"):
        option_name, _, check_names = check_option.partition("=")
        if option_name.strip() == "skip":
            return tuple(ALL_RULES if name == "all" else name for name in _first_words_between_commas(check_names))
    return ()


# Compose files: dclint

_DCLINT_COMMENT = lazy_regex(r"(?:^|(?<=[ \t]))#[ \t]*dclint[ \t]+disable(?P<reach>-file|-line)?(?![\w-])(?P<rules>[^#]*)")


def _dclint_directives(source: Source) -> Iterator[ForeignDirective]:
    first_content_line = _first_content_line(source)
    for line_number, line in _lines_containing(source, "dclint"):
        match = _DCLINT_COMMENT.search(line)
        if not match:
            continue
        rule_ids = tuple(match["rules"].replace(",", " ").split()) or (ALL_RULES,)
        if match["reach"] == "-line":
            is_alone_on_line = not line[: match.start()].strip()
            last_covered_line = min(line_number + is_alone_on_line, len(source.line_offsets))
            yield ForeignDirective(source, "dclint", rule_ids, _span_of_lines(source, line_number, last_covered_line))
            if _LIST_KEY_LINE.match(source.line_text(last_covered_line)):
                list_rule_ids = _DCLINT_LIST_RULE_IDS if ALL_RULES in rule_ids else _DCLINT_LIST_RULE_IDS & set(rule_ids)
                covered_block = _span_of_lines(source, last_covered_line, _last_line_of_block(source, last_covered_line))
                yield ForeignDirective(source, "dclint", tuple(sorted(list_rule_ids)), covered_block)
        elif line_number <= first_content_line:
            file_rule_ids = (ALL_RULES,) if match["reach"] else rule_ids
            yield ForeignDirective(source, "dclint", file_rule_ids, _whole_file_span(source))


# Rules of which dclint tells at the key of the list, whatever entry it is that is wrong.
_DCLINT_LIST_RULE_IDS = {
    "no-unbound-port-interfaces",
    "no-duplicate-exported-ports",
    "service-ports-alphabetical-order",
    "service-dependencies-alphabetical-order",
}
_LIST_KEY_LINE = lazy_regex(r"[ ]*[\"']?(?:ports|depends_on)[\"']?[ ]*:")


def _last_line_of_block(source: Source, key_line_number: int) -> int:
    """The last line of the block under a key: what is indented more, or begins with a dash as deep as the key."""
    key_line = source.line_text(key_line_number)
    key_indent = len(key_line) - len(key_line.lstrip(" "))
    for line_number in range(key_line_number + 1, len(source.line_offsets) + 1):
        line = source.line_text(line_number)
        unindented_line = line.lstrip(" ")
        line_indent = len(line) - len(unindented_line)
        if unindented_line and line_indent <= key_indent and not (line_indent == key_indent and unindented_line.startswith("-")):
            return line_number - 1
    return len(source.line_offsets)


def _first_content_line(source: Source) -> int:
    """The first line that says something; behind a `---` that stands alone, the next one."""
    for line_number in range(1, len(source.line_offsets) + 1):
        line = source.line_text(line_number).strip()
        if line and line != "---":
            return line_number
    return 0


# Workflows and Dependabot's configuration: zizmor

_ZIZMOR_COMMENT = lazy_regex(r"zizmor:[ \t]*ignore\[(?P<rules>[^\[\]]*)\]")
_COMMENT_START = lazy_regex(r"(?:^|(?<=[ \t]))#")


@dataclass(frozen=True, slots=True)
class _CommentableLines:
    """Lines that a comment may stand on, and what it covers from there besides its own line."""

    first_line: int
    last_line: int
    covered_spans: tuple[Span, ...]


def _zizmor_directives(document_kind: str, document: Any) -> Iterator[ForeignDirective]:
    source: Source = document.source
    script_line_numbers = _script_line_numbers(document) if document_kind == "github" else set()
    commentable_blocks: list[_CommentableLines] = []
    for block in sorted(_zizmor_blocks(document_kind, document), key=lambda block: (block.first_line, block.last_line)):
        if not commentable_blocks or commentable_blocks[-1].last_line < block.first_line:
            commentable_blocks.append(block)
    block_first_lines = [block.first_line for block in commentable_blocks]
    for line_number, line in _lines_containing(source, "zizmor:"):
        comment_start_match = _COMMENT_START.search(line)
        ignore_match = _ZIZMOR_COMMENT.search(line, comment_start_match.end()) if comment_start_match else None
        if not ignore_match or line_number in script_line_numbers:
            continue
        rule_ids = tuple(name.strip() for name in ignore_match["rules"].split(","))
        yield ForeignDirective(source, "zizmor", rule_ids, _span_of_lines(source, line_number))
        block_index = bisect.bisect_right(block_first_lines, line_number) - 1
        if block_index >= 0 and line_number <= commentable_blocks[block_index].last_line:
            for span in commentable_blocks[block_index].covered_spans:
                yield ForeignDirective(source, "zizmor", rule_ids, span)


def _zizmor_blocks(document_kind: str, document: Any) -> Iterator[_CommentableLines]:
    """The blocks that zizmor's findings stand for: a step, an entry of `updates`, the triggers as a whole.

    A comment on the line of another key covers what is under the key. What is missing in a job is shown at its head,
    so a comment on a step or a key of the job covers the head as well.
    """
    source: Source = document.source

    def block(block_span: Span, *other_covered_spans: Span) -> _CommentableLines:
        first_line, last_line = (
            _line_number_at(source, block_span.start),
            _line_number_at(source, max(block_span.end - 1, block_span.start)),
        )
        return _CommentableLines(first_line, last_line, (_span_of_lines(source, first_line, last_line), *other_covered_spans))

    def line(key_span: Span, *covered_spans: Span) -> _CommentableLines:
        line_number = _line_number_at(source, key_span.start)
        return _CommentableLines(line_number, line_number, covered_spans)

    if document_kind == "dependabot":
        from readiness.kinds import dependabot

        yield from (block(update.node.at()) for update in dependabot.updates(document))
        return
    from readiness.kinds import github
    from readiness.kinds.github.model import Action

    for top_level_key in document.node:
        entry_span = document.node.entry_span(top_level_key)
        if top_level_key in {"on", "true"}:
            yield block(entry_span)
        elif top_level_key not in {"jobs", "runs"}:
            yield line(entry_span, entry_span)
    for job in github.jobs(document):
        job_head_span = Span(job.id_span.start, job.node.at().start)
        yield line(job.id_span, Span(job.id_span.start, job.node.at().end))
        yield from (block(step.node.at(), job_head_span) for step in job.steps)
        job_entry_spans = (job.node.entry_span(top_level_key) for top_level_key in job.node if top_level_key != "steps")
        yield from (line(entry_span, job_head_span, entry_span) for entry_span in job_entry_spans)
    if isinstance(document, Action):
        yield from (block(step.node.at()) for step in document.steps)


def _script_line_numbers(document: Any) -> set[int]:
    """The lines inside of scripts: a `#` there begins a comment of the shell, not of YAML."""
    from readiness.kinds import github

    source: Source = document.source
    line_numbers: set[int] = set()
    for step in github.steps(document):
        for node in (step.node, step.with_inputs):
            for step_key, value in node.items():
                value_start, value_end = node.at(step_key)
                if isinstance(value, str) and source.text[value_start : value_start + 1] in {"|", ">"}:
                    line_numbers.update(range(_line_number_at(source, value_start) + 1, _line_number_at(source, value_end - 1) + 1))
    return line_numbers


# Kubernetes: annotations

_LINTER_ANNOTATION_PREFIXES = (
    "checkov.io/skip",
    "kube-linter.io/",
    "kube-score/ignore",
    "polaris.fairwinds.com/",
)
_POLARIS_EXEMPT_ANNOTATION = lazy_regex(r"polaris\.fairwinds\.com/(?P<rule>\w+)-exempt\Z")


def _k8s_directives(document: Any, relocate_annotation: Callable[[AnnotationSuppression], AnnotationSuppression]) -> Iterator[ForeignDirective]:
    """The annotations of objects; kube-score reads those of the pod template too."""
    annotated_nodes = [(one.annotations, one.node, False) for one in document.objects]
    annotated_nodes += [(pod.annotations, pod.template, True) for pod in document.pods if pod.template is not pod.owner.node]
    for annotation_map, annotated_node, is_pod_template in annotated_nodes:
        for annotation_key, annotation_value in annotation_map.items():
            linter, rule_ids = _parse_annotation(annotation_key, annotation_value if isinstance(annotation_value, str) else "")
            if rule_ids and (linter == "kube-score" or not is_pod_template):
                located_annotation = relocate_annotation(
                    AnnotationSuppression(document.source, annotation_key, "", annotation_map.entry_span(annotation_key), annotated_node.at())
                )
                yield ForeignDirective(located_annotation.source, linter, rule_ids, located_annotation.covered_span)


def _parse_annotation(annotation_key: str, annotation_value: str) -> tuple[str, tuple[str, ...]]:
    """The peer that an annotation speaks to, and the rules that it turns off."""
    if annotation_key.startswith("checkov.io/skip"):
        return "checkov", (annotation_value.partition("=")[0].strip(),)
    if annotation_key.startswith("ignore-check.kube-linter.io/"):
        return "kube-linter", (annotation_key.partition("/")[2],)
    if annotation_key == "kube-linter.io/ignore-all":
        return "kube-linter", (ALL_RULES,)
    if annotation_key == "kube-score/ignore":
        return "kube-score", _first_words_between_commas(annotation_value)
    if annotation_value == "true" and annotation_key == "polaris.fairwinds.com/exempt":
        return "polaris", (ALL_RULES,)
    polaris_match = _POLARIS_EXEMPT_ANNOTATION.match(annotation_key) if annotation_value == "true" else None
    return ("polaris", (polaris_match["rule"],)) if polaris_match else ("", ())
