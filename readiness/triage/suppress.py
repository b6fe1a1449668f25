"""What silences a finding: comments, annotations, waivers; and what is wrong with those that silence nothing."""

from __future__ import annotations

import bisect
import datetime
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from readiness.model import (
    UNJUDGED_RULES,
    AnnotationSuppression,
    Finding,
    Rule,
    Source,
    Span,
    Suppression,
)
from readiness.model.messages import fill_message
from readiness.ruleset.names import RuleName, RuleNames
from readiness.ruleset.select import ActivePairsByRule, SelectionWords
from readiness.settings import Waiver
from readiness.syntax import glob
from readiness.triage.unjudged import is_missing_verdict_finding

_IGNORE_COMMENT = re.compile(r"\breadiness:[ \t]*ignore[ \t]*(?:\[(?P<rules>[^\]\n]*)\]?)?(?P<rest>[^\n\r]*)")
OWN = frozenset(  # what is said of a suppression itself
    f"core/suppression-{what}" for what in ("invalid", "expired", "unused")
)
_UNTIL_DATE = re.compile(r"[ \t]*=[ \t]*(?P<date>\S+)[ \t]*\Z")
_HEADER_LINE = re.compile(r"[ \t]*(?:#[^\n]*)?(?:\r?\n|\Z)")


@dataclass(frozen=True, slots=True)
class SuppressionDirective:
    """One suppression as written: for which rules, why, until when, and over which lines of its source.

    `covered_lines` are the line numbers (from 1, in the source's own text) that it covers; None covers the whole source.
    `covered_span` restricts it to one resource where it stands in that resource's annotations.
    """

    source: Source
    span: Span
    rules: tuple[str, ...]
    reason: str
    until: str | None
    origin: str
    covered_lines: frozenset[int] | None = None
    covered_span: Span | None = None


RulesById = dict[str, Rule]


@dataclass(frozen=True, slots=True)
class SuppressionPolicy:
    """What may be silenced: the names that there are, those that nothing may silence, what was asked for, the day.

    `broken_paths` are the files that their own tools cannot read: that they are not judged can't be silenced either. `prefix` leads
    from what the paths of waivers are relative to to the working directory; `parts` are the judged files where they are
    only a part of those that the settings speak of.
    """

    names: RuleNames
    locked_rules: SelectionWords
    active_rules: ActivePairsByRule
    today: datetime.date
    broken_paths: frozenset[str] = frozenset()
    prefix: str = ""
    parts: tuple[str, ...] | None = None

    def is_locked(self, finding: Finding) -> bool:
        """Whether nothing in the tree can silence a finding."""
        return self.locked_rules.covers_finding(finding) or is_missing_verdict_finding(finding, self.broken_paths)

    def names_meant(self, word: str, source: Source, span: Span) -> tuple[RuleName, ...]:
        """What a word names where it stands."""
        return self.names.names_of(word, f"{source.root.path}:{source.position_of(span.start).line}")

    def have_all_run(self, names: Iterable[RuleName]) -> bool:
        """Whether all that is named was asked for: of what did not run nobody can say that it has no finding."""
        return all(any(name.tier_or_part in {"", *cell} for cell in self.active_rules.get(name.rule_id, ())) for name in names)


def comment_directives(source: Source) -> Iterator[SuppressionDirective]:
    """The `# readiness: ignore[...]` comments of a source; most texts have none and cost one search."""
    text = source.text
    if "readiness:" not in text:
        return
    head = _end_of_file_header(text)
    for start, match in _directive_matches(text):
        row = bisect.bisect_right(source.line_offsets, start)
        reason, until = _parse_reason(match["rest"])
        names = tuple(name.strip() for name in (match["rules"] or "").split(",") if name.strip())
        alone = not text[source.line_offsets[row - 1] : start].strip()
        lines = frozenset({row, _next_code(source, row)} if alone else {row})
        span = Span(start, match.end())
        yield SuppressionDirective(source, span, names, reason, until, "comment", None if start < head else lines)


def _directive_matches(text: str) -> Iterator[tuple[int, re.Match[str]]]:
    """(where the comment begins, the directive in it) of every directive behind a `#` on its line."""
    at = text.find("readiness:")
    while at >= 0:
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        start = text.find("#", text.rfind("\n", 0, at) + 1, end)
        match = _IGNORE_COMMENT.search(text, start + 1, end) if start >= 0 else None
        while match is not None:
            yield start, match
            start = text.find("#", match.end(), end)
            match = _IGNORE_COMMENT.search(text, start + 1, end) if start >= 0 else None
        at = text.find("readiness:", end)


def _end_of_file_header(text: str) -> int:
    """Where the comments and blank lines at the top of a file end."""
    at = 0
    while at < len(text):
        match = _HEADER_LINE.match(text, at)
        if not match or match.end() == at:
            break
        at = match.end()
    return at


def _next_code(source: Source, line_number: int) -> int:
    """The first line below `line_number` that is no comment: several suppressions may stand above one line."""
    for number in range(line_number + 1, min(line_number + 20, len(source.line_offsets)) + 1):
        line = source.text[
            source.line_offsets[number - 1] : source.line_offsets[number] if number < len(source.line_offsets) else None
        ]
        if line.strip() and not line.lstrip().startswith("#"):
            return number
    return line_number


def _parse_reason(comment_rest: str) -> tuple[str, str | None]:
    """The reason and the date in what follows the rules."""
    text = comment_rest.strip().lstrip(":- ").strip()
    reason, word, date = text.rpartition("until")
    match = _UNTIL_DATE.match(date) if word and not re.search(r"\w\Z", reason) else None
    if not match:
        return text, None
    return reason.strip(" \t,;"), match["date"].strip(",;")


def annotation_directive(note: AnnotationSuppression, names: RuleNames) -> SuppressionDirective:
    """The directive of an annotation `readiness.dev/ignore.<rule>: reason`; the group of the id may be left out.

    A colon can't stand in a key, so a tier or a part stands behind a dot.
    """
    wanted = note.rule.replace(".", "/", 1)
    meant = names.ids_ending_with(note.rule) or [
        word for word in (wanted, wanted.replace(".", ":", 1)) if names.resolve_word_silently(word)
    ]
    reason, until = _parse_reason(note.text)
    return SuppressionDirective(
        note.source,
        note.span,
        tuple(meant) or (note.rule,),
        reason,
        until,
        "annotation",
        None,
        note.covered_span,
    )


def apply_suppressions(
    findings: Sequence[Finding],
    directives: Sequence[SuppressionDirective],
    waivers: Sequence[Waiver],
    *,
    catalogue: RulesById,
    policy: SuppressionPolicy,
    config: Source | None = None,
) -> list[Finding]:
    """Mark what is silenced, with its reason, and add a finding for every suppression that is invalid, over or unused.

    `catalogue` are the rules that were read. Expired suppressions silence nothing. What is locked can't be silenced.
    """
    problems: list[Finding] = []
    good: list[tuple[SuppressionDirective, tuple[RuleName, ...]]] = []
    for directive in directives:
        meant = {word: policy.names_meant(word, directive.source, directive.span) for word in directive.rules}
        problem = suppression_error(meant, directive.reason, directive.until, policy)
        if problem:
            problems.append(
                _suppression_finding(
                    catalogue["core/suppression-invalid"],
                    directive.source,
                    directive.span,
                    problem=problem,
                )
            )
        elif directive.until and datetime.date.fromisoformat(directive.until) < policy.today:
            rule = catalogue["core/suppression-expired"]
            problems.append(
                _suppression_finding(
                    rule,
                    directive.source,
                    directive.span,
                    rules=", ".join(directive.rules),
                    until=directive.until,
                )
            )
        else:
            good.append((directive, tuple(name for some in meant.values() for name in some)))
    valid = _valid_waivers(waivers, catalogue, policy, config, problems)
    kept, used, used_waivers = _mark_silenced(findings, good, valid, policy)
    places = {directive_place(good[number][0]) for number in used}
    unused = catalogue["core/suppression-unused"]
    problems.extend(
        _suppression_finding(unused, directive.source, directive.span, rules=", ".join(directive.rules))
        for directive, names in good
        if directive_place(directive) not in places and policy.have_all_run(names)
    )
    for number, (waiver, names) in enumerate(valid):
        if not _is_judged_whole(waiver, policy):
            continue  # what it silences may be in another part
        if config and number not in used_waivers and policy.have_all_run(names):
            problems.append(_suppression_finding(unused, config, waiver.span, rules=waiver.rule))
    return [*kept, *problems]


def directive_place(directive: SuppressionDirective) -> tuple[str, int]:
    """Where a directive stands in its file; a comment inside a nested document is seen twice, from both."""
    return directive.source.root.path, directive.source.to_root(directive.span.start)


DirectiveWithNames = tuple[SuppressionDirective, tuple[RuleName, ...]]
WaiverWithNames = tuple[Waiver, tuple[RuleName, ...]]


def _mark_silenced(
    findings: Sequence[Finding],
    valid_directives: Sequence[DirectiveWithNames],
    valid_waivers: Sequence[WaiverWithNames],
    policy: SuppressionPolicy,
) -> tuple[list[Finding], set[int], set[int]]:
    """The findings, marked; and the numbers of the directives and of the waivers that silenced any."""
    by_source: dict[int, list[int]] = {}
    for number, (directive, _) in enumerate(valid_directives):
        by_source.setdefault(id(directive.source), []).append(number)
    used: set[int] = set()
    used_waivers: set[int] = set()
    kept: list[Finding] = []
    for finding in findings:
        suppression = None
        free = bool(by_source or valid_waivers) and not policy.is_locked(finding)
        for number in _directives_for(finding, by_source) if free else ():
            directive, names = valid_directives[number]
            if _directive_covers(directive, names, finding):
                used.add(number)
                suppression = Suppression(directive.origin, directive.reason, directive.until)
        for number, (waiver, names) in enumerate(valid_waivers if free and suppression is None else ()):
            if _waiver_covers(waiver, names, finding, policy.prefix):
                used_waivers.add(number)
                suppression = Suppression("waiver", waiver.reason, waiver.until)
                break
        kept.append(finding._replace(suppression=suppression) if suppression else finding)
    return kept, used, used_waivers


def _directives_for(finding: Finding, by_source: dict[int, list[int]]) -> Iterator[int]:
    """Directives of the finding's sources and of those that they are nested in."""
    for place, _ in finding.silenced_at if by_source else ():
        source: Source | None = place
        while source is not None:
            yield from by_source.get(id(source), ())
            source = source.parent


def _directive_covers(directive: SuppressionDirective, names: Sequence[RuleName], finding: Finding) -> bool:
    """Whether a directive speaks of a finding: its rule, and its line, the head of its block, or the whole file."""
    if not any(name.is_name_of(finding) for name in names):
        return False
    starts = [span.start for source, span in finding.silenced_at if source is directive.source]
    if not starts:
        return directive.covered_lines is None and directive.covered_span is None
    if directive.covered_span is not None:
        within = directive.covered_span
        return any(within.start <= at <= within.end for at in starts)
    if directive.covered_lines is None:
        return True
    lines = directive.source.line_offsets
    heads = finding.enclosing_offsets if finding.source is directive.source else ()
    return any(bisect.bisect_right(lines, at) in directive.covered_lines for at in (*starts, *heads))


def suppression_error(
    names_by_word: Mapping[str, Sequence[RuleName]],
    reason: str,
    until: str | None,
    policy: SuppressionPolicy,
) -> str:
    """Why a suppression cannot take effect; empty where it can. `names_by_word` is what each of its words names."""
    if not names_by_word:
        return "suppression names no rule; write `readiness: ignore[rule-id] reason`"
    for word, names in names_by_word.items():
        if not names:
            return f"suppression names {word!r}, and no rule is called that"
        if all(policy.locked_rules.covers_name(name) for name in names):
            return f"{word} is locked by the settings and can't be suppressed"
        if all(name.rule_id in UNJUDGED_RULES for name in names):
            return f"{word} says that something has no verdict, which can't be suppressed: mend what it names"
    if len(reason) < 3:
        return f"suppression of {', '.join(names_by_word)} gives no reason"
    if until:
        try:
            datetime.date.fromisoformat(until)
        except ValueError:
            return f"suppression of {', '.join(names_by_word)} ends on {until[:20]!r}, which is no date (YYYY-MM-DD)"
    return ""


def _valid_waivers(
    waivers: Sequence[Waiver],
    catalogue: RulesById,
    policy: SuppressionPolicy,
    config: Source | None,
    problems: list[Finding],
) -> list[WaiverWithNames]:
    """The waivers that hold today, with what they name; a finding for each of the others."""
    valid = []
    for waiver in waivers:
        where = f"{config.path}:{waiver.line}" if config else ""
        names = policy.names.names_of(waiver.rule, where)
        problem = suppression_error({waiver.rule: names}, waiver.reason, waiver.until, policy)
        over = bool(waiver.until) and not problem and datetime.date.fromisoformat(waiver.until or "") < policy.today
        if not problem and not over:
            valid.append((waiver, names))
        elif config and problem:
            problems.append(_suppression_finding(catalogue["core/suppression-invalid"], config, waiver.span, problem=problem))
        elif config:
            rule = catalogue["core/suppression-expired"]
            problems.append(_suppression_finding(rule, config, waiver.span, rules=waiver.rule, until=waiver.until or ""))
    return valid


def _waiver_covers(waiver: Waiver, names: Sequence[RuleName], finding: Finding, prefix: str) -> bool:
    """Whether a waiver of the settings speaks of a finding."""
    return (
        any(name.is_name_of(finding) for name in names)
        and (not waiver.path or glob.glob_matches(waiver.path, glob.path_below(prefix, finding.path)))
        and (not waiver.resource or glob.glob_matches(waiver.resource, finding.resource))
    )


def _is_judged_whole(waiver: Waiver, law: SuppressionPolicy) -> bool:
    """Whether all files were judged that a waiver speaks of, or all of one."""
    return law.parts is None or (
        bool(waiver.path) and any(glob.glob_matches(waiver.path, glob.path_below(law.prefix, one)) for one in law.parts)
    )


def _suppression_finding(rule: Rule, source: Source, span: Span, **facts: str) -> Finding:
    """A finding about a suppression, where it stands."""
    return Finding(rule, source, source.one_line(span), fill_message(rule.message, facts.get))
