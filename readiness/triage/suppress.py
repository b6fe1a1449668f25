"""What silences a finding: comments, annotations, waivers; and what is wrong with those that silence nothing."""

from __future__ import annotations

import bisect
import datetime
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from readiness.model import UNJUDGED, Finding, Note, Rule, Source, Span, Suppression
from readiness.model.messages import fill_message
from readiness.ruleset.names import Name, Names
from readiness.ruleset.select import Active, Words
from readiness.settings import Waiver
from readiness.syntax import glob
from readiness.triage.unjudged import is_unjudged

_COMMENT = re.compile(
    r"\breadiness:[ \t]*ignore[ \t]*(?:\[(?P<rules>[^\]\n]*)\]?)?(?P<rest>[^\n\r]*)"
)
OWN = frozenset(  # what is said of a suppression itself
    f"core/suppression-{what}" for what in ("invalid", "expired", "unused")
)
_UNTIL = re.compile(r"[ \t]*=[ \t]*(?P<date>\S+)[ \t]*\Z")
_HEAD = re.compile(r"[ \t]*(?:#[^\n]*)?(?:\r?\n|\Z)")


@dataclass(frozen=True, slots=True)
class Directive:
    """One suppression as written: for which rules, why, until when, and over which lines of its source.

    `lines` are the line numbers (from 1, in the source's own text) that it covers; None covers the whole source.
    `resource` restricts it to one resource where it stands in that resource's annotations.
    """

    source: Source
    span: Span
    rules: tuple[str, ...]
    reason: str
    until: str | None
    by: str
    lines: frozenset[int] | None = None
    within: Span | None = None


Catalogue = dict[str, Rule]


@dataclass(frozen=True, slots=True)
class Law:
    """What may be silenced: the names that there are, those that nothing may silence, what was asked for, the day.

    `broken` are the files that their own tools cannot read: that they are not judged can't be silenced either. `prefix` leads
    from what the paths of waivers are relative to to the working directory; `parts` are the judged files where they are
    only a part of those that the settings speak of.
    """

    names: Names
    locked: Words
    active: Active
    today: datetime.date
    broken: frozenset[str] = frozenset()
    prefix: str = ""
    parts: tuple[str, ...] | None = None

    def is_locked(self, finding: Finding) -> bool:
        """Whether nothing in the tree can silence a finding."""
        return self.locked.is_naming(finding) or is_unjudged(finding, self.broken)

    def names_meant(self, word: str, source: Source, span: Span) -> tuple[Name, ...]:
        """What a word names where it stands."""
        return self.names.names_of(word, f"{source.root.path}:{source.position(span.start).line}")

    def have_all_run(self, names: Iterable[Name]) -> bool:
        """Whether all that is named was asked for: of what did not run nobody can say that it has no finding."""
        return all(
            any(name.member in {"", *cell} for cell in self.active.get(name.rule, ()))
            for name in names
        )


def comment_directives(source: Source) -> Iterator[Directive]:
    """The `# readiness: ignore[...]` comments of a source; most texts have none and cost one search."""
    text = source.text
    if "readiness:" not in text:
        return
    head = _end_of_file_header(text)
    for start, match in _written_directives(text):
        row = bisect.bisect_right(source.lines, start)
        reason, until = _parse_reason(match["rest"])
        names = tuple(name.strip() for name in (match["rules"] or "").split(",") if name.strip())
        alone = not text[source.lines[row - 1] : start].strip()
        lines = frozenset({row, _next_code(source, row)} if alone else {row})
        span = Span(start, match.end())
        yield Directive(
            source, span, names, reason, until, "comment", None if start < head else lines
        )


def _written_directives(text: str) -> Iterator[tuple[int, re.Match[str]]]:
    """(where the comment begins, the directive in it) of every directive behind a `#` on its line."""
    at = text.find("readiness:")
    while at >= 0:
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        start = text.find("#", text.rfind("\n", 0, at) + 1, end)
        match = _COMMENT.search(text, start + 1, end) if start >= 0 else None
        while match is not None:
            yield start, match
            start = text.find("#", match.end(), end)
            match = _COMMENT.search(text, start + 1, end) if start >= 0 else None
        at = text.find("readiness:", end)


def _end_of_file_header(text: str) -> int:
    """Where the comments and blank lines at the top of a file end."""
    at = 0
    while at < len(text):
        match = _HEAD.match(text, at)
        if not match or match.end() == at:
            break
        at = match.end()
    return at


def _next_code(source: Source, row: int) -> int:
    """The first line below `row` that is no comment: several suppressions may stand above one line."""
    for number in range(row + 1, min(row + 20, len(source.lines)) + 1):
        line = source.text[
            source.lines[number - 1] : source.lines[number] if number < len(source.lines) else None
        ]
        if line.strip() and not line.lstrip().startswith("#"):
            return number
    return row


def _parse_reason(rest: str) -> tuple[str, str | None]:
    """The reason and the date in what follows the rules."""
    text = rest.strip().lstrip(":- ").strip()
    reason, word, date = text.rpartition("until")
    match = _UNTIL.match(date) if word and not re.search(r"\w\Z", reason) else None
    if not match:
        return text, None
    return reason.strip(" \t,;"), match["date"].strip(",;")


def annotation_directive(note: Note, names: Names) -> Directive:
    """The directive of an annotation `readiness.dev/ignore.<rule>: reason`; the group of the id may be left out.

    A colon can't stand in a key, so a tier or a part stands behind a dot.
    """
    wanted = note.rule.replace(".", "/", 1)
    meant = names.ids_ending_with(note.rule) or [
        word for word in (wanted, wanted.replace(".", ":", 1)) if names.meaning(word)
    ]
    reason, until = _parse_reason(note.text)
    return Directive(
        note.source,
        note.span,
        tuple(meant) or (note.rule,),
        reason,
        until,
        "annotation",
        None,
        note.within,
    )


def apply_suppressions(
    findings: Sequence[Finding],
    directives: Sequence[Directive],
    waivers: Sequence[Waiver],
    *,
    catalogue: Catalogue,
    law: Law,
    config: Source | None = None,
) -> list[Finding]:
    """Mark what is silenced, with its reason, and add a finding for every suppression that is invalid, over or unused.

    `catalogue` are the rules that were read. Expired suppressions silence nothing. What is locked can't be silenced.
    """
    problems: list[Finding] = []
    good: list[tuple[Directive, tuple[Name, ...]]] = []
    for directive in directives:
        meant = {
            word: law.names_meant(word, directive.source, directive.span)
            for word in directive.rules
        }
        problem = invalid_reason(meant, directive.reason, directive.until, law)
        if problem:
            problems.append(
                _suppression_finding(
                    catalogue["core/suppression-invalid"],
                    directive.source,
                    directive.span,
                    problem=problem,
                )
            )
        elif directive.until and datetime.date.fromisoformat(directive.until) < law.today:
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
    valid = _valid_waivers(waivers, catalogue, law, config, problems)
    kept, used, used_waivers = _mark_silenced(findings, good, valid, law)
    places = {directive_place(good[number][0]) for number in used}
    unused = catalogue["core/suppression-unused"]
    problems.extend(
        _suppression_finding(
            unused, directive.source, directive.span, rules=", ".join(directive.rules)
        )
        for directive, names in good
        if directive_place(directive) not in places and law.have_all_run(names)
    )
    for number, (waiver, names) in enumerate(valid):
        if not _is_judged_whole(waiver, law):
            continue  # what it silences may be in another part
        if config and number not in used_waivers and law.have_all_run(names):
            problems.append(_suppression_finding(unused, config, waiver.span, rules=waiver.rule))
    return [*kept, *problems]


def directive_place(directive: Directive) -> tuple[str, int]:
    """Where a directive stands in its file; a comment inside a nested document is seen twice, from both."""
    return directive.source.root.path, directive.source.to_root(directive.span.start)


Named = tuple[Directive, tuple[Name, ...]]
NamedWaiver = tuple[Waiver, tuple[Name, ...]]


def _mark_silenced(
    findings: Sequence[Finding], good: Sequence[Named], valid: Sequence[NamedWaiver], law: Law
) -> tuple[list[Finding], set[int], set[int]]:
    """The findings, marked; and the numbers of the directives and of the waivers that silenced any."""
    by_source: dict[int, list[int]] = {}
    for number, (directive, _) in enumerate(good):
        by_source.setdefault(id(directive.source), []).append(number)
    used: set[int] = set()
    used_waivers: set[int] = set()
    kept: list[Finding] = []
    for finding in findings:
        suppression = None
        free = bool(by_source or valid) and not law.is_locked(finding)
        for number in _directives_for(finding, by_source) if free else ():
            directive, names = good[number]
            if _directive_covers(directive, names, finding):
                used.add(number)
                suppression = Suppression(directive.by, directive.reason, directive.until)
        for number, (waiver, names) in enumerate(valid if free and suppression is None else ()):
            if _waiver_covers(waiver, names, finding, law.prefix):
                used_waivers.add(number)
                suppression = Suppression("waiver", waiver.reason, waiver.until)
                break
        kept.append(finding._replace(suppressed=suppression) if suppression else finding)
    return kept, used, used_waivers


def _directives_for(finding: Finding, by_source: dict[int, list[int]]) -> Iterator[int]:
    """Directives of the finding's sources and of those that they are nested in."""
    for place, _ in finding.silenced_at if by_source else ():
        source: Source | None = place
        while source is not None:
            yield from by_source.get(id(source), ())
            source = source.parent


def _directive_covers(directive: Directive, names: Sequence[Name], finding: Finding) -> bool:
    """Whether a directive speaks of a finding: its rule, and its line, the head of its block, or the whole file."""
    if not any(name.is_name_of(finding) for name in names):
        return False
    starts = [span.start for source, span in finding.silenced_at if source is directive.source]
    if not starts:
        return directive.lines is None and directive.within is None
    if directive.within is not None:
        within = directive.within
        return any(within.start <= at <= within.end for at in starts)
    if directive.lines is None:
        return True
    lines = directive.source.lines
    heads = finding.heads if finding.source is directive.source else ()
    return any(bisect.bisect_right(lines, at) in directive.lines for at in (*starts, *heads))


def invalid_reason(
    meant: Mapping[str, Sequence[Name]], reason: str, until: str | None, law: Law
) -> str:
    """Why a suppression cannot take effect; empty where it can. `meant` is what each of its words names."""
    if not meant:
        return "suppression names no rule; write `readiness: ignore[rule-id] reason`"
    for word, names in meant.items():
        if not names:
            return f"suppression names {word!r}, and no rule is called that"
        if all(law.locked.is_covering(name) for name in names):
            return f"{word} is locked by the settings and can't be suppressed"
        if all(name.rule in UNJUDGED for name in names):
            return f"{word} says that something has no verdict, which can't be suppressed: mend what it names"
    if len(reason) < 3:
        return f"suppression of {', '.join(meant)} gives no reason"
    if until:
        try:
            datetime.date.fromisoformat(until)
        except ValueError:
            return f"suppression of {', '.join(meant)} ends on {until[:20]!r}, which is no date (YYYY-MM-DD)"
    return ""


def _valid_waivers(
    waivers: Sequence[Waiver],
    catalogue: Catalogue,
    law: Law,
    config: Source | None,
    problems: list[Finding],
) -> list[NamedWaiver]:
    """The waivers that hold today, with what they name; a finding for each of the others."""
    valid = []
    for waiver in waivers:
        where = f"{config.path}:{waiver.line}" if config else ""
        names = law.names.names_of(waiver.rule, where)
        problem = invalid_reason({waiver.rule: names}, waiver.reason, waiver.until, law)
        over = (
            bool(waiver.until)
            and not problem
            and datetime.date.fromisoformat(waiver.until or "") < law.today
        )
        if not problem and not over:
            valid.append((waiver, names))
        elif config and problem:
            problems.append(
                _suppression_finding(
                    catalogue["core/suppression-invalid"], config, waiver.span, problem=problem
                )
            )
        elif config:
            rule = catalogue["core/suppression-expired"]
            problems.append(
                _suppression_finding(
                    rule, config, waiver.span, rules=waiver.rule, until=waiver.until or ""
                )
            )
    return valid


def _waiver_covers(waiver: Waiver, names: Sequence[Name], finding: Finding, prefix: str) -> bool:
    """Whether a waiver of the settings speaks of a finding."""
    return (
        any(name.is_name_of(finding) for name in names)
        and (
            not waiver.path or glob.glob_matches(waiver.path, glob.path_below(prefix, finding.path))
        )
        and (not waiver.resource or glob.glob_matches(waiver.resource, finding.resource))
    )


def _is_judged_whole(waiver: Waiver, law: Law) -> bool:
    """Whether all files were judged that a waiver speaks of, or all of one."""
    return law.parts is None or (
        bool(waiver.path)
        and any(
            glob.glob_matches(waiver.path, glob.path_below(law.prefix, one)) for one in law.parts
        )
    )


def _suppression_finding(rule: Rule, source: Source, span: Span, **facts: str) -> Finding:
    """A finding about a suppression, where it stands."""
    return Finding(rule, source, source.one_line(span), fill_message(rule.message, facts.get))
