"""Copies: what one edit mends although several places or names say it is one finding, at the place that a person edits."""

from __future__ import annotations

import bisect
import collections
import re
from collections.abc import Iterator, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Any

from readiness.facts.table import property_by_fact_name
from readiness.loading.parsed import ParsedTexts
from readiness.model import (
    Finding,
    ParseError,
    Related,
    Source,
    join_names,
    joined_finding,
    message_without_resource,
    with_worse_severity,
)
from readiness.model.lazy_regex import lazy_regex
from readiness.model.records import dataclass
from readiness.triage.one_secret import fold_printed_secrets
from readiness.triage.packed import fold_packed_findings

if TYPE_CHECKING:
    from readiness.kinds.k8s.model import Object
    from readiness.syntax.yaml import Map

MAX_OTHER_NAMES_IN_MESSAGE = 6  # of other things that a message names; more are counted
MAX_SHOWN_COPIES = 10  # of copies that a finding shows
_GENERATED_COMMENT = lazy_regex(
    r"# Source: \S+/templates/"
    r"|#.*(?:auto-?generated|\bgenerated (?:by|from|automatically)|\b(?:is|was) an? generated|do not (?:edit|modify|make changes))",
    re.IGNORECASE,
)
MIN_BUNDLE_OBJECTS = 3  # objects that a file holds at least to be called a bundle of others
MAX_CANDIDATE_FILES_PER_OBJECT = 64  # files of one object that are looked at for that
MAX_GENERATED_COMMENT_LINES = 20  # lines of a file in which it may say that it was generated


@dataclass(slots=True)
class _FileObjects:
    """What is known of one file: whether it says that it was generated, and its objects in order, with where they begin.

    `bundle` says that it holds what several smaller files hold.
    """

    is_generated: bool
    bundle: bool = False
    objects: list[Object] = field(default_factory=list)
    object_starts: list[int] = field(default_factory=list)
    digest_by_object_id: dict[int, bytes] = field(default_factory=dict)


def fold_copies(findings: Sequence[Finding], parsed_texts: ParsedTexts) -> list[Finding]:
    """The findings, of copies the one that a person mends, with the others as related places.

    `parsed_texts` are the documents of the files of the run.

    What stands at one place for several things (an anchor, a line of an environment file, a template under several values)
    is one finding that names them. So is what is said of one object in its source, and again in a file that was generated
    from it. A suppression at the kept place holds for its copies; one at a copy holds for that alone. What not all
    environments of a rendered file give, names those that do.
    """
    folded_findings = fold_printed_secrets(_fold_findings_at_same_place(findings))
    findings_with_environments = [_with_environments_in_message(one) for one in folded_findings]
    return fold_packed_findings(_fold_generated_services(_fold_object_copies(findings_with_environments, parsed_texts)))


def _with_environments_in_message(finding: Finding) -> Finding:
    """A finding whose message says which environments give it."""
    if finding.environments is None:
        return finding
    message = finding.message + finding.environments.told()
    return finding._replace(message=message, environments=None)


def _fold_findings_at_same_place(findings: Sequence[Finding]) -> list[Finding]:
    """One finding for all things that take what one place says."""
    findings_by_place: dict[Any, list[Finding]] = {}
    for finding in findings:
        place_key = (finding.rule, finding.part, finding.fix_place, finding.suppression)
        findings_by_place.setdefault(place_key, []).append(finding)
    folded_findings = []
    for findings_at_place in findings_by_place.values():
        if len({(one.resource, one.container) for one in findings_at_place}) == 1:
            folded_findings += findings_at_place
            continue
        findings_by_message_shape: dict[str, list[Finding]] = {}
        for finding in findings_at_place:
            findings_by_message_shape.setdefault(_message_without_names(finding), []).append(finding)
        folded_findings += [_finding_with_all_names(group) for group in findings_by_message_shape.values()]
    return folded_findings


def _message_without_names(finding: Finding) -> str:
    """A message with blanks for the object and the container that it is about."""
    message = finding.message
    if finding.container:
        message = message.replace(repr(finding.container), "\0")
    return message_without_resource(message, finding.resource)


def _finding_with_all_names(findings_at_place: Sequence[Finding]) -> Finding:
    """The first of some findings on one place, with the names of what the others are about."""
    joined = findings_at_place[0]
    other_names = list(dict.fromkeys(name for one in findings_at_place if (name := _name_differing_from_first(one, joined))))
    for other_finding in findings_at_place[1:]:
        joined = joined_finding(joined, other_finding)
    if not other_names:
        return joined
    shown_names = other_names[:MAX_OTHER_NAMES_IN_MESSAGE]
    remaining_count_texts = [f"{len(other_names) - MAX_OTHER_NAMES_IN_MESSAGE} more"] if len(other_names) > MAX_OTHER_NAMES_IN_MESSAGE else []
    joined_names = join_names([*shown_names, *remaining_count_texts])
    return joined._replace(message=f"{joined.message}; the same for {joined_names}")


def _name_differing_from_first(finding: Finding, first_finding: Finding) -> str:
    """What another finding on one place is about: its object, or its container where that is in the object of the first."""
    if finding.resource != first_finding.resource:
        return finding.resource
    has_other_container = finding.container and finding.container != first_finding.container
    return f"container {finding.container!r}" if has_other_container else ""


def _fold_object_copies(findings: Sequence[Finding], parsed_texts: ParsedTexts) -> list[Finding]:
    """One finding for an object and its copies in other files."""
    numbers_by_copy_key: dict[Any, list[int]] = {}
    count_by_key_and_path: collections.Counter[Any] = collections.Counter()
    for finding_number, finding in enumerate(findings):
        copy_key = _copy_identity(finding)
        if copy_key is not None:
            path = finding.path
            numbers_by_copy_key.setdefault((copy_key, count_by_key_and_path[copy_key, path]), []).append(finding_number)
            count_by_key_and_path[copy_key, path] += 1  # the second that a file says is a copy of the second of its source
    number_groups_in_several_files = [one for one in numbers_by_copy_key.values() if len({findings[each].path for each in one}) > 1]
    file_objects_cache = _Files(parsed_texts)
    for finding_numbers in number_groups_in_several_files:
        for finding_number in finding_numbers:
            file_objects_cache.of(findings[finding_number].source.root)
    file_objects_cache.find_bundles()
    folded_finding_by_number: dict[int, Finding | None] = {}
    for finding_numbers in number_groups_in_several_files:
        for copy_group in _groups_of_source_and_copies(
            [(finding_number, findings[finding_number]) for finding_number in finding_numbers], file_objects_cache
        ):
            folded_finding_by_number |= _fold_copy_group(copy_group, findings)
    folded_findings = (folded_finding_by_number.get(finding_number, one) for finding_number, one in enumerate(findings))
    return [one for one in folded_findings if one is not None]


def _fold_generated_services(findings: Sequence[Finding]) -> list[Finding]:
    """One finding for a service of a compose file and its copies in compose files that say that they were generated.

    It stands in a file of hand where one has it, else in the first of those whose heads say the same: one change of what they are made
    from mends them all.
    """
    numbers_by_key: dict[Any, list[int]] = {}
    generated_mark_by_source: dict[Source, str] = {}
    count_by_key_and_path: collections.Counter[Any] = collections.Counter()
    for number, finding in enumerate(findings):
        if finding.rule.startswith("compose/") and finding.resource and finding.path.endswith(_YAML_SUFFIXES):
            root_source = finding.source.root
            if root_source not in generated_mark_by_source:
                generated_mark_by_source[root_source] = _generated_mark(root_source)
            key = (finding.rule, finding.tier, finding.part, finding.resource, finding.container, finding.message)
            numbers_by_key.setdefault((key, count_by_key_and_path[key, finding.path]), []).append(number)
            count_by_key_and_path[key, finding.path] += 1
    if not any(generated_mark_by_source.values()):
        return list(findings)
    folded_finding_by_number: dict[int, Finding | None] = {}
    for numbers in numbers_by_key.values():
        numbers.sort(key=lambda one: (findings[one].path.count("/"), findings[one].path))
        numbers_by_mark: dict[str, list[int]] = {}
        for number in numbers:
            numbers_by_mark.setdefault(generated_mark_by_source[findings[number].source.root], []).append(number)
        hand_numbers = numbers_by_mark.pop("", [])
        if hand_numbers:
            copy_numbers = [number for group in numbers_by_mark.values() for number in group]
            folded_finding_by_number |= _fold_copy_group([hand_numbers[0], *copy_numbers], findings)
        else:
            for copy_numbers in numbers_by_mark.values():
                folded_finding_by_number |= _fold_copy_group(copy_numbers, findings)
    folded_findings = (folded_finding_by_number.get(number, one) for number, one in enumerate(findings))
    return [one for one in folded_findings if one is not None]


def _generated_mark(root_source: Source) -> str:
    """The line at the head of a file that says that it was generated; empty where none does."""
    head_lines = root_source.text.split("\n", MAX_GENERATED_COMMENT_LINES)[:MAX_GENERATED_COMMENT_LINES]
    return next((line.strip() for line in head_lines if _GENERATED_COMMENT.match(line)), "")


_YAML_SUFFIXES = (".yaml", ".yml", ".json")


def _copy_identity(finding: Finding) -> tuple[object, ...] | None:
    """What two copies of a finding on an object have in common; None for one that is on none."""
    if not finding.resource or not finding.rule.startswith("k8s/"):
        return None
    if not finding.path.endswith(_YAML_SUFFIXES):
        return None
    subject_names = (finding.resource, finding.container, finding.purpose)
    return finding.rule, finding.tier, finding.part, *subject_names, finding.message


def _groups_of_source_and_copies(numbered_findings: Sequence[tuple[int, Finding]], file_objects_cache: _Files) -> Iterator[list[int]]:
    """The groups of a source and its copies, the source first, among findings that say the same of one kind and name.

    A file in a folder for output, and a bundle of smaller files, is a copy of what equals it; a file that says that it was
    generated is one of the only source that there is, too. Equal files of hand are none: each has to be edited.
    """
    digest_by_number: dict[int, bytes] = {}
    is_generated_by_number: dict[int, bool] = {}
    source_numbers: list[int] = []
    output_numbers: list[int] = []
    for number, numbered_finding in numbered_findings:
        root_source = numbered_finding.source.root
        file_objects = file_objects_cache.of(root_source)
        enclosing_object = _object_at_finding(numbered_finding, file_objects)
        digest_by_number[number] = _order_free_digest(enclosing_object.node, file_objects.digest_by_object_id) if enclosing_object else b"%d" % number
        is_generated_by_number[number] = file_objects.is_generated
        is_output_file = file_objects.is_generated or file_objects.bundle or _is_tool_output_path(root_source.path)
        (output_numbers if is_output_file else source_numbers).append(number)
    path_by_number = {number: numbered_finding.path for number, numbered_finding in numbered_findings}
    output_numbers.sort(key=lambda number: (is_generated_by_number[number], path_by_number[number].count("/"), path_by_number[number]))
    source_number_by_digest: dict[bytes, int] = {}
    for number in source_numbers:
        source_number_by_digest.setdefault(digest_by_number[number], number)
    copy_numbers_by_source_number: dict[int, list[int]] = {}
    for number in output_numbers:
        source_number = source_number_by_digest.setdefault(digest_by_number[number], number)
        if source_number == number and len(source_numbers) == 1 and is_generated_by_number[number]:
            source_number = source_number_by_digest[digest_by_number[number]] = source_numbers[0]
        if source_number != number:
            copy_numbers_by_source_number.setdefault(source_number, []).append(number)
    yield from ([first, *rest] for first, rest in copy_numbers_by_source_number.items())


def _fold_copy_group(copy_group: Sequence[int], findings: Sequence[Finding]) -> dict[int, Finding | None]:
    """What becomes of a source and its copies: the source with its copies, and None for those that it stands for."""
    source_number, *copy_numbers = copy_group
    source_finding = findings[source_number]
    folded_numbers = [
        number
        for number in copy_numbers
        if findings[number].path != source_finding.path and (source_finding.suppression or findings[number].suppression is None)
    ]
    if not folded_numbers:
        return {}
    copy_findings = [findings[number] for number in folded_numbers]
    for copy_finding in copy_findings:
        source_finding = with_worse_severity(source_finding, copy_finding)
    copy_path_count = len({one.path for one in copy_findings})
    related_copies = [Related(one.source, one.span, "a copy of it") for one in copy_findings[:MAX_SHOWN_COPIES]]
    message = f"{source_finding.message} (and {copy_path_count} cop{'y' if copy_path_count == 1 else 'ies'})"
    folded_finding_by_number: dict[int, Finding | None] = dict.fromkeys(folded_numbers)
    folded_finding_by_number[source_number] = source_finding._replace(message=message, related=(*source_finding.related, *related_copies))
    return folded_finding_by_number


def _is_tool_output_path(path: str) -> bool:
    """Whether a file stands in a folder, or goes by a name, that tools write to."""
    return not property_by_fact_name("folders", "output").keys().isdisjoint(re.split(r"[/.]", path.lower()))


class _Files:
    """What is known of the files with findings, made when they are first asked for."""

    __slots__ = ("_known", "_parsed")

    def __init__(self, parsed_texts: ParsedTexts) -> None:
        self._parsed = parsed_texts
        self._known: dict[Source, _FileObjects] = {}

    def of(self, root_source: Source) -> _FileObjects:
        """What is known of a file."""
        if root_source not in self._known:
            self._known[root_source] = _read_file_objects(root_source, self._parsed)
        return self._known[root_source]

    def find_bundles(self) -> None:
        """Mark the files of which nine objects in ten stand the same in smaller files, of which there are several.

        People keep objects in files of their own and apply them together from one that a script, or a `cat`, makes of them.
        """
        bundle_candidate_resources = {
            one.resource for file_objects in self._known.values() if len(file_objects.objects) >= MIN_BUNDLE_OBJECTS for one in file_objects.objects
        }
        if not bundle_candidate_resources:
            return
        for source in self._parsed.files():
            if source.root.path.endswith(_YAML_SUFFIXES):
                self.of(source)
        files_by_digest: dict[bytes, list[_FileObjects]] = {}
        digests_by_file_id: dict[int, list[bytes]] = {}
        for file_objects in self._known.values():
            file_digests = digests_by_file_id[id(file_objects)] = [
                _order_free_digest(one.node, file_objects.digest_by_object_id)
                for one in file_objects.objects
                if one.resource in bundle_candidate_resources
            ]
            for digest in dict.fromkeys(file_digests):
                files_by_digest.setdefault(digest, []).append(file_objects)
        for file_objects in self._known.values():
            object_count = len(file_objects.objects)
            smaller_file_ids: set[int] = set()
            shared_object_count = 0
            for digest in digests_by_file_id[id(file_objects)] if object_count >= MIN_BUNDLE_OBJECTS else ():
                smaller_files = [one for one in files_by_digest[digest][:MAX_CANDIDATE_FILES_PER_OBJECT] if len(one.objects) < object_count]
                smaller_file_ids.update(id(one) for one in smaller_files)
                shared_object_count += bool(smaller_files)
            file_objects.bundle = len(smaller_file_ids) > 1 and shared_object_count * 10 >= object_count * 9


def _read_file_objects(root_source: Source, parsed_texts: ParsedTexts) -> _FileObjects:
    """The objects of a file, and whether it says that it was generated; none where it does not parse (a template)."""
    from readiness.kinds.k8s.objects import objects_of

    file_objects = _FileObjects(bool(_generated_mark(root_source)))
    try:
        document_roots = parsed_texts.documents(root_source)
    except ParseError:
        return file_objects
    file_objects.objects = [found for node in document_roots for found in objects_of(root_source, node)]
    file_objects.objects.sort(key=lambda found: found.node.at().start)
    file_objects.object_starts = [found.node.at().start for found in file_objects.objects]
    return file_objects


def _object_at_finding(finding: Finding, file_objects: _FileObjects) -> Object | None:
    """The object that a finding stands in."""
    root_offset = finding.source.to_root(finding.span.start)
    object_index = bisect.bisect_right(file_objects.object_starts, root_offset) - 1
    if object_index < 0 or file_objects.objects[object_index].node.at().end < root_offset:
        return None
    return file_objects.objects[object_index]


def _order_free_digest(object_node: Map, digest_by_node_id: dict[int, bytes]) -> bytes:
    """A hash of an object by which copies are known, however their keys are ordered."""
    from readiness.kinds.k8s.equality import digest_of_node

    return digest_of_node(object_node, digest_by_node_id)
