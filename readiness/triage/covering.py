"""Which suppressions speak of a finding, found by rule and place: a file may have thousands of comments, and as many findings."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from readiness.model import Finding, Source
from readiness.ruleset.names import RuleName
from readiness.syntax import glob

if TYPE_CHECKING:
    from readiness.settings import Waiver
    from readiness.triage.suppress import SuppressionDirective

_SourceAndName = tuple[int, RuleName]
_GLOB_CHARACTERS = frozenset("*?[")


class DirectiveIndex:
    """Directives by their source, what they name and where they hold; `used_numbers` are those that were found for any finding."""

    def __init__(self, directives_with_names: Sequence[tuple[SuppressionDirective, Sequence[RuleName]]]) -> None:
        self.used_numbers: set[int] = set()
        self._source_ids: set[int] = set()
        self._of_whole_source: dict[_SourceAndName, list[int]] = {}
        self._of_line: dict[tuple[int, RuleName, int], list[int]] = {}
        self._of_span: dict[_SourceAndName, list[tuple[int, int, int]]] = {}
        self._last_ends: dict[_SourceAndName, list[int]] = {}
        for number, (directive, rule_names) in enumerate(directives_with_names):
            self._source_ids.add(id(directive.source))
            for rule_name in dict.fromkeys(rule_names):
                source_and_name = (id(directive.source), rule_name)
                if directive.covered_span is not None:
                    self._of_span.setdefault(source_and_name, []).append((*directive.covered_span, number))
                elif directive.covered_lines is None:
                    self._of_whole_source.setdefault(source_and_name, []).append(number)
                else:
                    for line in directive.covered_lines:
                        self._of_line.setdefault((*source_and_name, line), []).append(number)
        for source_and_name, spans in self._of_span.items():
            spans.sort()
            last_end = -1
            self._last_ends[source_and_name] = [last_end := max(last_end, end) for _, end, _ in spans]

    def __bool__(self) -> bool:
        return bool(self._source_ids)

    def last_directive_number(self, finding: Finding) -> int | None:
        """The number of the last directive that speaks of a finding, by the order of its sources; all that do are noted as used."""
        last_number: int | None = None
        rule_names = dict.fromkeys(RuleName(finding.rule, member) for member in ("", finding.tier, finding.part))
        offsets_by_source_id: dict[int, list[int]] = {}
        silenced_places = list(finding.silenced_at)
        for source, span in silenced_places:
            offsets_by_source_id.setdefault(id(source), []).append(span.start)
        for silenced_source, _ in silenced_places:
            for source in _source_and_those_around(silenced_source):
                if id(source) not in self._source_ids:
                    continue
                offsets = offsets_by_source_id.get(id(source), ())
                enclosing_offsets = finding.enclosing_offsets if offsets and finding.source is source else ()
                lines = {bisect.bisect_right(source.line_offsets, at) for at in (*offsets, *enclosing_offsets)}
                numbers = [number for name in rule_names for number in self._numbers_at(id(source), name, offsets, lines)]
                self.used_numbers.update(numbers)
                last_number = max(numbers) if numbers else last_number
        return last_number

    def _numbers_at(self, source_id: int, rule_name: RuleName, offsets: Iterable[int], lines: Iterable[int]) -> Iterator[int]:
        whole_source_numbers = self._of_whole_source.get((source_id, rule_name))
        if whole_source_numbers:  # the first finding uses all of them, the others the last
            yield from whole_source_numbers if whole_source_numbers[0] not in self.used_numbers else whole_source_numbers[-1:]
        for line in lines:
            yield from self._of_line.get((source_id, rule_name, line), ())
        spans = self._of_span.get((source_id, rule_name))
        for offset in offsets if spans else ():
            last_ends = self._last_ends[source_id, rule_name]
            index = bisect.bisect_right(spans or [], (offset, len(last_ends) + (1 << 60), 0)) - 1
            while spans and index >= 0 and last_ends[index] >= offset:
                start, end, number = spans[index]
                if start <= offset <= end:
                    yield number
                index -= 1


def _source_and_those_around(source: Source | None) -> Iterator[Source]:
    while source is not None:
        yield source
        source = source.parent


class WaiverIndex:
    """Waivers of the settings by the rules that they name, those for one path by that."""

    def __init__(self, waivers_with_names: Sequence[tuple[Waiver, Sequence[RuleName]]], path_prefix: str) -> None:
        self._path_prefix = path_prefix
        self._numbers: dict[tuple[str, str | None], list[int]] = {}
        self._waivers_with_names = waivers_with_names
        for number, (waiver, rule_names) in enumerate(waivers_with_names):
            path = waiver.path if waiver.path and not _GLOB_CHARACTERS & set(waiver.path) else None
            for rule_id in dict.fromkeys(name.rule_id for name in rule_names):
                self._numbers.setdefault((rule_id, path), []).append(number)

    def __bool__(self) -> bool:
        return bool(self._waivers_with_names)

    def first_waiver_number(self, finding: Finding) -> int | None:
        """The number of the first waiver that speaks of a finding."""
        finding_path = glob.prefixed_path(self._path_prefix, finding.path)
        for number in sorted((*self._numbers.get((finding.rule, None), ()), *self._numbers.get((finding.rule, finding_path), ()))):
            waiver, rule_names = self._waivers_with_names[number]
            if (
                any(name.is_name_of(finding) for name in rule_names)
                and (not waiver.path or glob.glob_matches(waiver.path, finding_path))
                and (not waiver.resource or glob.glob_matches(waiver.resource, finding.resource))
            ):
                return int(number)
        return None
