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
from dataclasses import dataclass
from typing import Any

from readiness.model import AnnotationSuppression, Finding, Source, Span

ALL_RULES = "*"


@dataclass(frozen=True, slots=True)
class ForeignDirective:
    """One comment or annotation: rules of a peer by their ids, ALL_RULES for all, over a range of its source."""

    source: Source
    linter: str
    rules: tuple[str, ...]
    span: Span


def directives_for_other_linters(
    kind: str,
    document: Any,
    relocate: Callable[[AnnotationSuppression], AnnotationSuppression] = lambda note: note,
) -> Iterator[ForeignDirective]:
    """What a document holds; `relocate` moves an annotation of a rendered object to where it was written."""
    text = document.source.text
    if kind == "dockerfile":
        if "hadolint" in text or "skip" in text:
            yield from _dockerfile_directives(document)
    elif kind == "compose":
        if "dclint" in text:
            yield from _dclint_directives(document.source)
    elif kind in {"github", "dependabot"}:
        if "zizmor:" in text:
            yield from _zizmor_directives(kind, document)
    elif kind == "k8s" and any(word in text for word in _LINTER_ANNOTATION_PREFIXES):
        yield from _k8s_directives(document, relocate)


def drop_findings_silenced_for_others(
    findings: Sequence[Finding],
    directives: Iterable[ForeignDirective],
    is_locked: Callable[[Finding], bool],
) -> tuple[list[Finding], dict[str, int]]:
    """The findings that stay, and how many were left out of each rule, or tier (see Rule.tally_key).

    A finding that is suppressed already keeps its reason; what is locked is never silenced.
    """
    covers = _index_ranges(directives)
    if not covers:
        return list(findings), {}
    kept: list[Finding] = []
    left: Counter[str] = Counter()
    for finding in findings:
        if finding.suppression is None and _is_silenced(finding, covers) and not is_locked(finding):
            left[finding.tally_key] += 1
        else:
            kept.append(finding)
    return kept, dict(left)


LineRanges = tuple[list[int], list[int]]  # where they begin and where they end, in order, none within another


def _index_ranges(directives: Iterable[ForeignDirective]) -> dict[tuple[int, str, str], LineRanges]:
    """The ranges by source, peer and rule, merged, so that a file full of directives costs no more than its length."""
    spans: dict[tuple[int, str, str], list[Span]] = {}
    for directive in directives:
        for rule in directive.rules:
            spans.setdefault((id(directive.source), directive.linter, rule), []).append(directive.span)
    ranges: dict[tuple[int, str, str], LineRanges] = {}
    for key, some in spans.items():
        starts: list[int] = []
        ends: list[int] = []
        for start, end in sorted(some):
            if ends and start <= ends[-1]:
                ends[-1] = max(ends[-1], end)
            else:
                starts.append(start)
                ends.append(end)
        ranges[key] = starts, ends
    return ranges


def _is_silenced(finding: Finding, ranges_by_rule: dict[tuple[int, str, str], LineRanges]) -> bool:
    """Whether a directive of a peer covers the place and names a rule that says the same as the finding."""
    for source, span in finding.silenced_at:
        for peer, ids in finding.equivalents.items():
            for rule in (*ids, ALL_RULES):
                ranges = ranges_by_rule.get((id(source), peer, rule))
                if ranges:
                    at = bisect.bisect_right(ranges[0], span.start) - 1
                    if at >= 0 and span.start <= ranges[1][at]:
                        return True
    return False


def _whole_file(source: Source) -> Span:
    return Span(0, len(source.text))


def _line_range(source: Source, first: int, last: int | None = None) -> Span:
    """The range of lines by their numbers from 1."""
    lines = source.line_offsets
    last = first if last is None else last
    end = lines[last] - 1 if last < len(lines) else len(source.text)
    return Span(lines[first - 1], end)


def _line_of(source: Source, offset: int) -> int:
    return bisect.bisect_right(source.line_offsets, offset)


def _lines_with(source: Source, word: str) -> Iterator[tuple[int, str]]:
    """The lines that hold a word, with their numbers, each once."""
    text, lines = source.text, source.line_offsets
    at = text.find(word)
    while at >= 0:
        row = _line_of(source, at)
        yield row, source.line_text(row)
        at = text.find(word, lines[row]) if row < len(lines) else -1


# Dockerfiles: hadolint, the checks of `docker build`, checkov

_HADOLINT_COMMENT = re.compile(r"#[ \t]*hadolint[ \t]+(?:(?P<reach>global|stage)[ \t]+)?ignore[ \t]*=(?P<rules>[^#]*)")
_BUILDKIT_CHECK_COMMENT = re.compile(r"#[ \t]*check[ \t]*=(?P<value>.*)", re.IGNORECASE)
_CHECKOV_COMMENT = re.compile(r"checkov:skip=[ \t]*(?P<rules>[\w,]+)")


def _dockerfile_directives(document: Any) -> Iterator[ForeignDirective]:
    source: Source = document.source
    rules = _skipped_checks(document.get("check", ""))
    if rules:
        yield ForeignDirective(source, "buildkit", rules, _whole_file(source))
    instructions = document.parsed_dockerfile.instructions
    starts = [one.span.start for one in instructions]
    stages = [one.span.start for one in instructions if one.keyword == "FROM"]
    for start, end in document.parsed_dockerfile.comments:
        comment = source.text[start:end]
        match = _CHECKOV_COMMENT.search(comment)
        if match:
            yield ForeignDirective(source, "checkov", _split_names(match["rules"]), _whole_file(source))
        at = bisect.bisect_right(starts, start)
        if at and start < instructions[at - 1].span.end:
            continue  # between the lines of an instruction: no other tool looks there
        below = _instruction_range(starts, at, source)
        match = _BUILDKIT_CHECK_COMMENT.match(comment)
        if match:
            yield ForeignDirective(source, "buildkit", _skipped_checks(match["value"]), below)
        match = _HADOLINT_COMMENT.match(comment)
        if match and match["reach"] == "global":
            below = _whole_file(source)
        elif match and match["reach"] == "stage":
            below = _instruction_range(stages, max(bisect.bisect_right(stages, below.start), 1) - 1, source)
        if match:
            yield ForeignDirective(source, "hadolint", _split_names(match["rules"]), below)


def _instruction_range(starts: list[int], index: int, source: Source) -> Span:
    """From the start at an index up to the next one; what follows the last is nothing."""
    end = len(source.text)
    if index >= len(starts):
        return Span(end, end)
    return Span(starts[index], starts[index + 1] - 1 if index + 1 < len(starts) else end)


def _split_names(text: str) -> tuple[str, ...]:
    """The first word of each part between commas."""
    return tuple(part.split()[0] for part in text.split(",") if part.strip())


def _skipped_checks(value: str) -> tuple[str, ...]:
    """The checks that the value of Docker's `check` directive turns off."""
    for part in value.split(";"):
        key, _, names = part.partition("=")
        if key.strip() == "skip":
            return tuple(ALL_RULES if name == "all" else name for name in _split_names(names))
    return ()


# Compose files: dclint

_DCLINT_COMMENT = re.compile(r"(?:^|(?<=[ \t]))#[ \t]*dclint[ \t]+disable(?P<reach>-file|-line)?(?![\w-])(?P<rules>[^#]*)")


def _dclint_directives(source: Source) -> Iterator[ForeignDirective]:
    first = _first_content_line(source)
    for row, line in _lines_with(source, "dclint"):
        match = _DCLINT_COMMENT.search(line)
        if not match:
            continue
        rules = tuple(match["rules"].replace(",", " ").split()) or (ALL_RULES,)
        if match["reach"] == "-line":
            alone = not line[: match.start()].strip()
            last = min(row + alone, len(source.line_offsets))
            yield ForeignDirective(source, "dclint", rules, _line_range(source, row, last))
            if _LIST_KEY_LINE.match(source.line_text(last)):
                named = _DCLINT_LIST_RULES if ALL_RULES in rules else _DCLINT_LIST_RULES & set(rules)
                below = _line_range(source, last, _last_line_of_block(source, last))
                yield ForeignDirective(source, "dclint", tuple(sorted(named)), below)
        elif row <= first:
            every = (ALL_RULES,) if match["reach"] else rules
            yield ForeignDirective(source, "dclint", every, _whole_file(source))


# Rules of which dclint tells at the key of the list, whatever entry it is that is wrong.
_DCLINT_LIST_RULES = {
    "no-unbound-port-interfaces",
    "no-duplicate-exported-ports",
    "service-ports-alphabetical-order",
    "service-dependencies-alphabetical-order",
}
_LIST_KEY_LINE = re.compile(r"[ ]*[\"']?(?:ports|depends_on)[\"']?[ ]*:")


def _last_line_of_block(source: Source, row: int) -> int:
    """The last line of the block under a key: what is indented more, or begins with a dash as deep as the key."""
    key = source.line_text(row)
    depth = len(key) - len(key.lstrip(" "))
    for below in range(row + 1, len(source.line_offsets) + 1):
        line = source.line_text(below)
        bare = line.lstrip(" ")
        indent = len(line) - len(bare)
        if bare and indent <= depth and not (indent == depth and bare.startswith("-")):
            return below - 1
    return len(source.line_offsets)


def _first_content_line(source: Source) -> int:
    """The first line that says something; behind a `---` that stands alone, the next one."""
    for row in range(1, len(source.line_offsets) + 1):
        line = source.line_text(row).strip()
        if line and line != "---":
            return row
    return 0


# Workflows and Dependabot's configuration: zizmor

_ZIZMOR_COMMENT = re.compile(r"zizmor:[ \t]*ignore\[(?P<rules>[^\[\]]*)\]")
_COMMENT_START = re.compile(r"(?:^|(?<=[ \t]))#")


@dataclass(frozen=True, slots=True)
class _CommentableLines:
    """Lines that a comment may stand on, and what it covers from there besides its own line."""

    first_line: int
    last_line: int
    covered_spans: tuple[Span, ...]


def _zizmor_directives(kind: str, document: Any) -> Iterator[ForeignDirective]:
    source: Source = document.source
    scripts = _script_lines(document) if kind == "github" else set()
    blocks: list[_CommentableLines] = []
    for block in sorted(_zizmor_blocks(kind, document), key=lambda block: (block.first_line, block.last_line)):
        if not blocks or blocks[-1].last_line < block.first_line:
            blocks.append(block)
    begins = [block.first_line for block in blocks]
    for row, line in _lines_with(source, "zizmor:"):
        comment = _COMMENT_START.search(line)
        match = _ZIZMOR_COMMENT.search(line, comment.end()) if comment else None
        if not match or row in scripts:
            continue
        rules = tuple(name.strip() for name in match["rules"].split(","))
        yield ForeignDirective(source, "zizmor", rules, _line_range(source, row))
        at = bisect.bisect_right(begins, row) - 1
        if at >= 0 and row <= blocks[at].last_line:
            for span in blocks[at].covered_spans:
                yield ForeignDirective(source, "zizmor", rules, span)


def _zizmor_blocks(kind: str, document: Any) -> Iterator[_CommentableLines]:
    """The blocks that zizmor's findings stand for: a step, an entry of `updates`, the triggers as a whole.

    A comment on the line of another key covers what is under the key. What is missing in a job is shown at its head,
    so a comment on a step or a key of the job covers the head as well.
    """
    source: Source = document.source

    def block(span: Span, *reach: Span) -> _CommentableLines:
        first, last = _line_of(source, span.start), _line_of(source, max(span.end - 1, span.start))
        return _CommentableLines(first, last, (_line_range(source, first, last), *reach))

    def line(key: Span, *reach: Span) -> _CommentableLines:
        row = _line_of(source, key.start)
        return _CommentableLines(row, row, reach)

    if kind == "dependabot":
        from readiness.kinds import dependabot

        yield from (block(update.node.at()) for update in dependabot.updates(document))
        return
    from readiness.kinds import github
    from readiness.kinds.github.model import Action

    for key in document.node:
        entry = document.node.entry_span(key)
        if key in {"on", "true"}:
            yield block(entry)
        elif key not in {"jobs", "runs"}:
            yield line(entry, entry)
    for job in github.jobs(document):
        head = Span(job.id_span.start, job.node.at().start)
        yield line(job.id_span, Span(job.id_span.start, job.node.at().end))
        yield from (block(step.node.at(), head) for step in job.steps)
        entries = (job.node.entry_span(key) for key in job.node if key != "steps")
        yield from (line(entry, head, entry) for entry in entries)
    if isinstance(document, Action):
        yield from (block(step.node.at()) for step in document.steps)


def _script_lines(document: Any) -> set[int]:
    """The lines inside of scripts: a `#` there begins a comment of the shell, not of YAML."""
    from readiness.kinds import github

    source: Source = document.source
    rows: set[int] = set()
    for step in github.steps(document):
        for node in (step.node, step.with_inputs):
            for key, value in node.items():
                start, end = node.at(key)
                if isinstance(value, str) and source.text[start : start + 1] in {"|", ">"}:
                    rows.update(range(_line_of(source, start) + 1, _line_of(source, end - 1) + 1))
    return rows


# Kubernetes: annotations

_LINTER_ANNOTATION_PREFIXES = (
    "checkov.io/skip",
    "kube-linter.io/",
    "kube-score/ignore",
    "polaris.fairwinds.com/",
)
_POLARIS_EXEMPT_ANNOTATION = re.compile(r"polaris\.fairwinds\.com/(?P<rule>\w+)-exempt\Z")


def _k8s_directives(
    document: Any, relocate: Callable[[AnnotationSuppression], AnnotationSuppression]
) -> Iterator[ForeignDirective]:
    """The annotations of objects; kube-score reads those of the pod template too."""
    carriers = [(one.annotations, one.node, False) for one in document.objects]
    carriers += [(pod.annotations, pod.template, True) for pod in document.pods if pod.template is not pod.owner.node]
    for notes, node, template in carriers:
        for key, value in notes.items():
            peer, rules = _parse_annotation(key, value if isinstance(value, str) else "")
            if rules and (peer == "kube-score" or not template):
                where = relocate(AnnotationSuppression(document.source, key, "", notes.entry_span(key), node.at()))
                yield ForeignDirective(where.source, peer, rules, where.covered_span)


def _parse_annotation(key: str, value: str) -> tuple[str, tuple[str, ...]]:
    """The peer that an annotation speaks to, and the rules that it turns off."""
    if key.startswith("checkov.io/skip"):
        return "checkov", (value.partition("=")[0].strip(),)
    if key.startswith("ignore-check.kube-linter.io/"):
        return "kube-linter", (key.partition("/")[2],)
    if key == "kube-linter.io/ignore-all":
        return "kube-linter", (ALL_RULES,)
    if key == "kube-score/ignore":
        return "kube-score", _split_names(value)
    if value == "true" and key == "polaris.fairwinds.com/exempt":
        return "polaris", (ALL_RULES,)
    match = _POLARIS_EXEMPT_ANNOTATION.match(key) if value == "true" else None
    return ("polaris", (match["rule"],)) if match else ("", ())
