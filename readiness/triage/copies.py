"""Copies: what one edit mends although several places or names say it is one finding, at the place that a person edits."""

from __future__ import annotations

import bisect
import collections
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from readiness.facts.table import fact_column
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

if TYPE_CHECKING:
    from readiness.kinds.k8s.model import Object
    from readiness.syntax.yaml import Map

MAX_NAMES_IN_MESSAGE = 6  # of other things that a message names; more are counted
MAX_SHOWN_COPIES = 10  # of copies that a finding shows
_GENERATED_COMMENT = re.compile(
    r"# Source: \S+/templates/|#.*(?:auto-?generated|\bgenerated (?:by|from|automatically)|do not (?:edit|modify))",
    re.IGNORECASE,
)
BUNDLE = 3  # objects that a file holds at least to be called a bundle of others
PARTS = 64  # files of one object that are looked at for that
MAX_HEAD_LINES = 20  # lines of a file in which it may say that it was generated


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


def fold_copies(findings: Sequence[Finding], parsed: ParsedTexts) -> list[Finding]:
    """The findings, of copies the one that a person mends, with the others as related places.

    `parsed` are the documents of the files of the run.

    What stands at one place for several things (an anchor, a line of an environment file, a template under several values)
    is one finding that names them. So is what is said of one object in its source, and again in a file that was generated
    from it. A suppression at the kept place holds for its copies; one at a copy holds for that alone. What not all
    environments of a rendered file give, names those that do.
    """
    told = [_with_environments(one) for one in _fold_names(findings)]
    return _fold_objects(told, parsed)


def _with_environments(finding: Finding) -> Finding:
    """A finding whose message says which environments give it."""
    if finding.environments is None:
        return finding
    message = finding.message + finding.environments.told()
    return finding._replace(message=message, environments=None)


def _fold_names(findings: Sequence[Finding]) -> list[Finding]:
    """One finding for all things that take what one place says."""
    places: dict[Any, list[Finding]] = {}
    for finding in findings:
        key = (finding.rule, finding.part, finding.fix_place, finding.suppression)
        places.setdefault(key, []).append(finding)
    kept = []
    for some in places.values():
        if len({(one.resource, one.container) for one in some}) == 1:
            kept += some
            continue
        alike: dict[str, list[Finding]] = {}
        for finding in some:
            alike.setdefault(_shape(finding), []).append(finding)
        kept += [_finding_with_all_names(group) for group in alike.values()]
    return kept


def _shape(finding: Finding) -> str:
    """A message with blanks for the object and the container that it is about."""
    message = finding.message
    if finding.container:
        message = message.replace(repr(finding.container), "\0")
    return message_without_resource(message, finding.resource)


def _finding_with_all_names(group: Sequence[Finding]) -> Finding:
    """The first of some findings on one place, with the names of what the others are about."""
    first = group[0]
    names = list(dict.fromkeys(name for one in group if (name := _name_beside(one, first))))
    for other in group[1:]:
        first = joined_finding(first, other)
    if not names:
        return first
    shown = names[:MAX_NAMES_IN_MESSAGE]
    more = [f"{len(names) - MAX_NAMES_IN_MESSAGE} more"] if len(names) > MAX_NAMES_IN_MESSAGE else []
    told = join_names([*shown, *more])
    return first._replace(message=f"{first.message}; the same for {told}")


def _name_beside(finding: Finding, first: Finding) -> str:
    """What another finding on one place is about: its object, or its container where that is in the object of the first."""
    if finding.resource != first.resource:
        return finding.resource
    differs = finding.container and finding.container != first.container
    return f"container {finding.container!r}" if differs else ""


def _fold_objects(findings: Sequence[Finding], parsed: ParsedTexts) -> list[Finding]:
    """One finding for an object and its copies in other files."""
    alike: dict[Any, list[int]] = {}
    told: collections.Counter[Any] = collections.Counter()
    for number, finding in enumerate(findings):
        mark = _copy_key(finding)
        if mark is not None:
            path = finding.path
            alike.setdefault((mark, told[mark, path]), []).append(number)
            told[mark, path] += 1  # the second that a file says is a copy of the second of its source
    several = [one for one in alike.values() if len({findings[each].path for each in one}) > 1]
    files = _Files(parsed)
    for numbers in several:
        for number in numbers:
            files.of(findings[number].source.root)
    files.find_bundles()
    done: dict[int, Finding | None] = {}
    for numbers in several:
        for group in _copy_groups([(number, findings[number]) for number in numbers], files):
            done |= _fold_group(group, findings)
    found = (done.get(number, one) for number, one in enumerate(findings))
    return [one for one in found if one is not None]


_YAML_SUFFIXES = (".yaml", ".yml", ".json")


def _copy_key(finding: Finding) -> tuple[object, ...] | None:
    """What two copies of a finding on an object have in common; None for one that is on none."""
    if not finding.resource or not finding.rule.startswith("k8s/"):
        return None
    if not finding.path.endswith(_YAML_SUFFIXES):
        return None
    name = (finding.resource, finding.container, finding.purpose)
    return finding.rule, finding.tier, finding.part, *name, finding.message


def _copy_groups(similar_findings: Sequence[tuple[int, Finding]], files: _Files) -> Iterator[list[int]]:
    """The groups of a source and its copies, the source first, among findings that say the same of one kind and name.

    A file in a folder for output, and a bundle of smaller files, is a copy of what equals it; a file that says that it was
    generated is one of the only source that there is, too. Equal files of hand are none: each has to be edited.
    """
    known: dict[int, bytes] = {}
    generated: dict[int, bool] = {}
    sources: list[int] = []
    output: list[int] = []
    for number, finding in similar_findings:
        root = finding.source.root
        file = files.of(root)
        found = _object_around(finding, file)
        known[number] = _order_free_digest(found.node, file.digest_by_object_id) if found else b"%d" % number
        generated[number] = file.is_generated
        is_made = file.is_generated or file.bundle or _is_output(root.path)
        (output if is_made else sources).append(number)
    paths = {number: finding.path for number, finding in similar_findings}
    output.sort(key=lambda number: (generated[number], paths[number].count("/"), paths[number]))
    homes: dict[bytes, int] = {}
    for number in sources:
        homes.setdefault(known[number], number)
    groups: dict[int, list[int]] = {}
    for number in output:
        home = homes.setdefault(known[number], number)
        if home == number and len(sources) == 1 and generated[number]:
            home = homes[known[number]] = sources[0]
        if home != number:
            groups.setdefault(home, []).append(number)
    yield from ([first, *rest] for first, rest in groups.items())


def _fold_group(group: Sequence[int], findings: Sequence[Finding]) -> dict[int, Finding | None]:
    """What becomes of a source and its copies: the source with its copies, and None for those that it stands for."""
    first, *rest = group
    kept = findings[first]
    folded = [
        number
        for number in rest
        if findings[number].path != kept.path and (kept.suppression or findings[number].suppression is None)
    ]
    if not folded:
        return {}
    copies = [findings[number] for number in folded]
    for copy in copies:
        kept = with_worse_severity(kept, copy)
    count = len({one.path for one in copies})
    places = [Related(one.source, one.span, "a copy of it") for one in copies[:MAX_SHOWN_COPIES]]
    message = f"{kept.message} (and {count} cop{'y' if count == 1 else 'ies'})"
    made: dict[int, Finding | None] = dict.fromkeys(folded)
    made[first] = kept._replace(message=message, related=(*kept.related, *places))
    return made


def _is_output(path: str) -> bool:
    """Whether a file stands in a folder, or goes by a name, that tools write to."""
    return not fact_column("folders", "output").keys().isdisjoint(re.split(r"[/.]", path.lower()))


class _Files:
    """What is known of the files with findings, made when they are first asked for."""

    __slots__ = ("_known", "_parsed")

    def __init__(self, parsed: ParsedTexts) -> None:
        self._parsed = parsed
        self._known: dict[Source, _FileObjects] = {}

    def of(self, root: Source) -> _FileObjects:
        """What is known of a file."""
        if root not in self._known:
            self._known[root] = _read_file_objects(root, self._parsed)
        return self._known[root]

    def find_bundles(self) -> None:
        """Mark the files of which nine objects in ten stand the same in smaller files, of which there are several.

        People keep objects in files of their own and apply them together from one that a script, or a `cat`, makes of them.
        """
        bundled = {one.resource for file in self._known.values() if len(file.objects) >= BUNDLE for one in file.objects}
        if not bundled:
            return
        for source in self._parsed.files():
            if source.root.path.endswith(_YAML_SUFFIXES):
                self.of(source)
        homes: dict[bytes, list[_FileObjects]] = {}
        digests: dict[int, list[bytes]] = {}
        for file in self._known.values():
            own = digests[id(file)] = [
                _order_free_digest(one.node, file.digest_by_object_id) for one in file.objects if one.resource in bundled
            ]
            for digest in dict.fromkeys(own):
                homes.setdefault(digest, []).append(file)
        for file in self._known.values():
            size = len(file.objects)
            parts: set[int] = set()
            count = 0
            for digest in digests[id(file)] if size >= BUNDLE else ():
                smaller = [one for one in homes[digest][:PARTS] if len(one.objects) < size]
                parts.update(id(one) for one in smaller)
                count += bool(smaller)
            file.bundle = len(parts) > 1 and count * 10 >= size * 9


def _read_file_objects(root: Source, parsed: ParsedTexts) -> _FileObjects:
    """The objects of a file, and whether it says that it was generated; none where it does not parse (a template)."""
    from readiness.kinds.k8s.objects import objects_of

    lines = root.text.split("\n", MAX_HEAD_LINES)[:MAX_HEAD_LINES]
    file = _FileObjects(any(_GENERATED_COMMENT.match(line) for line in lines))
    try:
        roots = parsed.documents(root)
    except ParseError:
        return file
    file.objects = [found for node in roots for found in objects_of(root, node)]
    file.objects.sort(key=lambda found: found.node.at().start)
    file.object_starts = [found.node.at().start for found in file.objects]
    return file


def _object_around(finding: Finding, file: _FileObjects) -> Object | None:
    """The object that a finding stands in."""
    at = finding.source.to_root(finding.span.start)
    number = bisect.bisect_right(file.object_starts, at) - 1
    if number < 0 or file.objects[number].node.at().end < at:
        return None
    return file.objects[number]


def _order_free_digest(node: Map, digest_by_node_id: dict[int, bytes]) -> bytes:
    """A hash of an object by which copies are known, however their keys are ordered."""
    from readiness.kinds.k8s.equality import object_digest

    return object_digest(node, digest_by_node_id)
