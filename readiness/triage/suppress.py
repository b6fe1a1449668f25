"""What silences a finding: comments, annotations, waivers; and what is wrong with those that silence nothing."""

from __future__ import annotations

import bisect
import datetime
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import field

from readiness.model import AnnotationSuppression, Finding, Rule, Source, Span, Suppression
from readiness.model.lazy_regex import lazy_regex
from readiness.model.messages import fill_message
from readiness.model.records import dataclass
from readiness.ruleset.names import RuleName, RuleNames
from readiness.ruleset.select import ActivePairsByRuleId, SelectionWords, TierAndPartPairs, meaning_of_unknown_name
from readiness.settings import Waiver
from readiness.syntax import glob
from readiness.triage.covering import DirectiveIndex, WaiverIndex
from readiness.triage.unjudged import RULE_IDS_THAT_NOTHING_SILENCES

_IGNORE_COMMENT = lazy_regex(r"\breadiness:[ \t]*ignore[ \t]*(?:\[(?P<rules>[^\]\n]*)\]?)?(?P<rest>[^\n\r]*)")
SUPPRESSION_RULE_IDS = frozenset(  # what is said of a suppression itself
    f"core/suppression-{what}" for what in ("invalid", "expired", "unused")
)
MAX_HINTED_WORDS = 20  # that name no rule, for which what they may mean is looked up
MAX_HINTED_WORD_LENGTH = 200
_UNTIL_DATE_PATTERN = lazy_regex(r"[ \t]*=[ \t]*(?P<date>\S+)[ \t]*\Z")
_COMMENT_OR_BLANK_LINE = lazy_regex(r"[ \t]*(?:#[^\n]*)?(?:\r?\n|\Z)")


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
LOCKED_COMMENT_PROBLEM = "comments and annotations are locked by the settings, so this one suppresses nothing; ask whoever keeps them for a waiver"


@dataclass(frozen=True, slots=True)
class SuppressionPolicy:
    """What may be silenced: the names that there are, those that nothing may silence, what was asked for, the day.

    `prefix` leads from what the paths of waivers are relative to to the working directory; `parts` are the judged files where they are
    only a part of those that the settings speak of. `are_comments_locked` says that comments and annotations silence nothing. `pairs_at` tells
    what counts of a rule in a file (path, id), where that is not the same in all. `hint_by_unknown_word` keeps what was looked up.
    """

    names: RuleNames
    locked_rules: SelectionWords
    active_rules: ActivePairsByRuleId
    today: datetime.date
    prefix: str = ""
    parts: tuple[str, ...] | None = None
    are_comments_locked: bool = False
    pairs_at: Callable[[str, str], TierAndPartPairs] | None = None
    hint_by_unknown_word: dict[str, str] = field(default_factory=dict)

    def hint_for_unknown(self, word: str) -> str:
        """What a word may mean that names no rule, for the first few: a file may have thousands of them."""
        if word not in self.hint_by_unknown_word:
            is_bounded = len(self.hint_by_unknown_word) < MAX_HINTED_WORDS and len(word) <= MAX_HINTED_WORD_LENGTH
            self.hint_by_unknown_word[word] = meaning_of_unknown_name(word) if is_bounded else ""
        return self.hint_by_unknown_word[word]

    def is_locked(self, finding: Finding) -> bool:
        """Whether nothing in the tree can silence a finding: its rule is locked, or says that something has no verdict."""
        return self.locked_rules.covers_finding(finding) or finding.rule in RULE_IDS_THAT_NOTHING_SILENCES

    def names_meant(self, rule_word: str, source: Source, span: Span) -> tuple[RuleName, ...]:
        """What a word names where it stands."""
        return self.names.names_of(rule_word, f"{source.root.path}:{source.position_of(span.start).line}")

    def have_all_run(self, rule_names: Iterable[RuleName], path: str = "") -> bool:
        """Whether all that is named was asked for, in a file: of what did not run nobody can say that it has no finding."""

        def pairs_of(rule_id: str) -> Iterable[tuple[str, str]]:
            active_pairs = self.active_rules.get(rule_id, frozenset())
            return self.pairs_at(path, rule_id) if active_pairs and path and self.pairs_at is not None else active_pairs

        return all(any(name.tier_or_part in {"", *cell} for cell in pairs_of(name.rule_id)) for name in rule_names)


def comment_directives(source: Source) -> Iterator[SuppressionDirective]:
    """The `# readiness: ignore[...]` comments of a source; most texts have none and cost one search."""
    text = source.text
    if "readiness:" not in text:
        return
    header_end = _end_of_file_header(text)
    for comment_start, match in _directive_matches(text):
        line_number = bisect.bisect_right(source.line_offsets, comment_start)
        reason, until_date = _parse_reason_and_date(match["rest"])
        rule_words = tuple(name.strip() for name in (match["rules"] or "").split(",") if name.strip())
        is_alone_on_line = not text[source.line_offsets[line_number - 1] : comment_start].strip()
        covered_line_numbers = frozenset({line_number, _next_code_line(source, line_number)} if is_alone_on_line else {line_number})
        span = Span(comment_start, match.end())
        yield SuppressionDirective(
            source,
            span,
            rule_words,
            reason,
            until_date,
            "comment",
            None if comment_start < header_end else covered_line_numbers,
        )


def _directive_matches(text: str) -> Iterator[tuple[int, re.Match[str]]]:
    """(where the comment begins, the directive in it) of every directive behind a `#` on its line."""
    marker_offset = text.find("readiness:")
    while marker_offset >= 0:
        line_end = text.find("\n", marker_offset)
        line_end = len(text) if line_end < 0 else line_end
        comment_start = text.find("#", text.rfind("\n", 0, marker_offset) + 1, line_end)
        match = _IGNORE_COMMENT.search(text, comment_start + 1, line_end) if comment_start >= 0 else None
        while match is not None:
            yield comment_start, match
            comment_start = text.find("#", match.end(), line_end)
            match = _IGNORE_COMMENT.search(text, comment_start + 1, line_end) if comment_start >= 0 else None
        marker_offset = text.find("readiness:", line_end)


def _end_of_file_header(text: str) -> int:
    """Where the comments and blank lines at the top of a file end."""
    header_end = 0
    while header_end < len(text):
        match = _COMMENT_OR_BLANK_LINE.match(text, header_end)
        if not match or match.end() == header_end:
            break
        header_end = match.end()
    return header_end


def _next_code_line(source: Source, line_number: int) -> int:
    """The first line below `line_number` that is no comment: several suppressions may stand above one line."""
    for next_line_number in range(line_number + 1, min(line_number + 20, len(source.line_offsets)) + 1):
        line = source.text[
            source.line_offsets[next_line_number - 1] : source.line_offsets[next_line_number] if next_line_number < len(source.line_offsets) else None
        ]
        if line.strip() and not line.lstrip().startswith("#"):
            return next_line_number
    return line_number


def _parse_reason_and_date(comment_rest: str) -> tuple[str, str | None]:
    """The reason and the date in what follows the rules."""
    reason_text = comment_rest.strip().lstrip(":- ").strip()
    reason, until_word, date_text = reason_text.rpartition("until")
    match = _UNTIL_DATE_PATTERN.match(date_text) if until_word and not re.search(r"\w\Z", reason) else None
    if not match:
        return reason_text, None
    return reason.strip(" \t,;"), match["date"].strip(",;")


def annotation_directive(annotation: AnnotationSuppression, rule_names: RuleNames) -> SuppressionDirective:
    """The directive of an annotation `readiness.dev/ignore.<rule>: reason`; the group of the id may be left out.

    A colon can't stand in a key, so a tier or a part stands behind a dot.
    """
    rule_id_from_key = annotation.rule.replace(".", "/", 1)
    matching_rule_words = rule_names.ids_ending_with(annotation.rule) or [
        word for word in (rule_id_from_key, rule_id_from_key.replace(".", ":", 1)) if rule_names.resolve_word_silently(word)
    ]
    reason, until_date = _parse_reason_and_date(annotation.text)
    return SuppressionDirective(
        annotation.source,
        annotation.span,
        tuple(matching_rule_words) or (annotation.rule,),
        reason,
        until_date,
        "annotation",
        None,
        annotation.covered_span,
    )


def apply_suppressions(
    findings: Sequence[Finding],
    directives: Sequence[SuppressionDirective],
    waivers: Sequence[Waiver],
    *,
    rule_by_id: RulesById,
    policy: SuppressionPolicy,
) -> list[Finding]:
    """Mark what is silenced, with its reason, and add a finding for every suppression that is invalid, over or unused.

    `rule_by_id` are the rules that were read. Expired suppressions silence nothing. What is locked can't be silenced.
    """
    suppression_findings: list[Finding] = []
    valid_directives: list[tuple[SuppressionDirective, tuple[RuleName, ...]]] = []
    for directive in directives:
        rule_names_by_word = {word: policy.names_meant(word, directive.source, directive.span) for word in directive.rules}
        error_message = (
            LOCKED_COMMENT_PROBLEM if policy.are_comments_locked else suppression_error(rule_names_by_word, directive.reason, directive.until, policy)
        )
        if error_message:
            suppression_findings.append(
                _suppression_finding(
                    rule_by_id["core/suppression-invalid"],
                    directive.source,
                    directive.span,
                    problem=error_message,
                )._replace(part=directive.origin)
            )
        elif directive.until and datetime.date.fromisoformat(directive.until) < policy.today:
            expired_rule = rule_by_id["core/suppression-expired"]
            suppression_findings.append(
                _suppression_finding(
                    expired_rule,
                    directive.source,
                    directive.span,
                    rules=", ".join(directive.rules),
                    until=directive.until,
                )
            )
        else:
            valid_directives.append((directive, tuple(name for some in rule_names_by_word.values() for name in some)))
    valid_waivers = _valid_waivers(waivers, rule_by_id, policy, suppression_findings)
    marked_findings, used_directive_numbers, used_waiver_numbers = _mark_suppressed_findings(findings, valid_directives, valid_waivers, policy)
    used_directive_places = {directive_path_and_offset(valid_directives[waiver_number][0]) for waiver_number in used_directive_numbers}
    unused_rule = rule_by_id["core/suppression-unused"]
    suppression_findings.extend(
        _suppression_finding(unused_rule, directive.source, directive.span, rules=", ".join(directive.rules))
        for directive, waiver_rule_names in valid_directives
        if directive_path_and_offset(directive) not in used_directive_places and policy.have_all_run(waiver_rule_names, directive.source.root.path)
    )
    for waiver_number, (waiver, waiver_rule_names) in enumerate(valid_waivers):
        if not _are_all_waived_files_judged(waiver, policy):
            continue  # what it silences may be in another part
        if waiver_number not in used_waiver_numbers and policy.have_all_run(waiver_rule_names):
            suppression_findings.append(_suppression_finding(unused_rule, waiver.source, waiver.span, rules=waiver.rule))
    return [*marked_findings, *suppression_findings]


def directive_path_and_offset(directive: SuppressionDirective) -> tuple[str, int]:
    """Where a directive stands in its file; a comment inside a nested document is seen twice, from both."""
    return directive.source.root.path, directive.source.to_root(directive.span.start)


DirectiveWithNames = tuple[SuppressionDirective, tuple[RuleName, ...]]
WaiverWithNames = tuple[Waiver, tuple[RuleName, ...]]


def _mark_suppressed_findings(
    findings: Sequence[Finding],
    valid_directives: Sequence[DirectiveWithNames],
    valid_waivers: Sequence[WaiverWithNames],
    policy: SuppressionPolicy,
) -> tuple[list[Finding], set[int], set[int]]:
    """The findings, marked; and the numbers of the directives and of the waivers that silenced any."""
    directive_index = DirectiveIndex(valid_directives)
    waiver_index = WaiverIndex(valid_waivers, policy.prefix)
    used_waiver_numbers: set[int] = set()
    marked_findings: list[Finding] = []
    for finding in findings:
        suppression = None
        if (directive_index or waiver_index) and not policy.is_locked(finding):
            directive_number = directive_index.last_directive_number(finding) if directive_index else None
            waiver_number = waiver_index.first_waiver_number(finding) if directive_number is None and waiver_index else None
            if directive_number is not None:
                directive = valid_directives[directive_number][0]
                suppression = Suppression(directive.origin, directive.reason, directive.until)
            elif waiver_number is not None:
                used_waiver_numbers.add(waiver_number)
                waiver = valid_waivers[waiver_number][0]
                suppression = Suppression("waiver", waiver.reason, waiver.until)
        marked_findings.append(finding._replace(suppression=suppression) if suppression else finding)
    return marked_findings, directive_index.used_numbers, used_waiver_numbers


def suppression_error(
    names_by_word: Mapping[str, Sequence[RuleName]],
    reason: str,
    until_date: str | None,
    policy: SuppressionPolicy,
) -> str:
    """Why a suppression cannot take effect; empty where it can. `names_by_word` is what each of its words names."""
    if not names_by_word:
        return "suppression names no rule; write `readiness: ignore[rule-id] reason`"
    for word, rule_names in names_by_word.items():
        if not rule_names:
            return f"suppression names {word[:80]!r}, and no rule is called that{policy.hint_for_unknown(word)}"
        if all(policy.locked_rules.covers_name(name) for name in rule_names):
            return f"{word} is locked by the settings and can't be suppressed"
        if all(name.rule_id in RULE_IDS_THAT_NOTHING_SILENCES for name in rule_names):
            return f"{word} says that something has no verdict, which can't be suppressed: mend what it names"
    if len(reason) < 3:
        return f"suppression of {', '.join(names_by_word)} gives no reason"
    if until_date:
        try:
            datetime.date.fromisoformat(until_date)
        except ValueError:
            return f"suppression of {', '.join(names_by_word)} ends on {until_date[:20]!r}, which is no date (YYYY-MM-DD)"
    return ""


def _valid_waivers(
    waivers: Sequence[Waiver],
    rule_by_id: RulesById,
    policy: SuppressionPolicy,
    suppression_findings: list[Finding],
) -> list[WaiverWithNames]:
    """The waivers that hold today, with what they name; a finding for each of the others."""
    valid_waivers = []
    for waiver in waivers:
        waiver_location = f"{waiver.source.path}:{waiver.line}"
        rule_names = policy.names.names_of(waiver.rule, waiver_location)
        error_message = suppression_error({waiver.rule: rule_names}, waiver.reason, waiver.until, policy)
        is_expired = bool(waiver.until) and not error_message and datetime.date.fromisoformat(waiver.until or "") < policy.today
        if not error_message and not is_expired:
            valid_waivers.append((waiver, rule_names))
        elif error_message:
            suppression_findings.append(
                _suppression_finding(rule_by_id["core/suppression-invalid"], waiver.source, waiver.span, problem=error_message)._replace(
                    part="waiver"
                )
            )
        else:
            expired_rule = rule_by_id["core/suppression-expired"]
            suppression_findings.append(_suppression_finding(expired_rule, waiver.source, waiver.span, rules=waiver.rule, until=waiver.until or ""))
    return valid_waivers


def _are_all_waived_files_judged(waiver: Waiver, policy: SuppressionPolicy) -> bool:
    """Whether all files were judged that a waiver speaks of, or all of one."""
    return policy.parts is None or (
        bool(waiver.path) and any(glob.glob_matches(waiver.path, glob.prefixed_path(policy.prefix, one)) for one in policy.parts)
    )


def _suppression_finding(rule: Rule, source: Source, span: Span, **message_facts: str) -> Finding:
    """A finding about a suppression, where it stands."""
    return Finding(rule, source, source.one_line(span), fill_message(rule.message, message_facts.get))
