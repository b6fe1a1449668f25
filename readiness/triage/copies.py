"""Copies: what one edit mends although several places or names say it is one finding, at the place that a person edits."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from readiness.model import Finding, ParseError, Related, Source, message_shape, with_worse_severity
from readiness.syntax.yaml import Map, Seq, load_all, separated

if TYPE_CHECKING:
    from readiness.kinds.k8s.model import Object

NAMES = 6  # of other things that a message names; more are counted
PLACES = 10  # of copies that a finding shows
_ONLY = re.compile(r" \(only with [^()\n]*\)\Z")
_GENERATED = re.compile(
    r"(?i)^#.*(?:auto-?generated|\bgenerated (?:by|from|file|automatically)|do not (?:edit|modify)|^# Source: \S+/templates/)"
)
_OUTPUT = frozenset(
    "dist release releases build bundle generated rendered output out install all-in-one quickstart".split()
)
HEAD = 20  # lines of a file in which it may say that it was generated


@dataclass(slots=True)
class _Written:
    """What is known of one file: whether it says that it was generated, and its objects by kind and name."""

    generated: bool
    objects: dict[str, list[Object]] = field(default_factory=dict)
    digests: dict[int, bytes] = field(default_factory=dict)


def fold_copies(findings: Sequence[Finding]) -> list[Finding]:
    """The findings, of copies the one that a person mends, with the others as related places.

    What stands at one place for several things (an anchor, a line of an environment file, a template under several values)
    is one finding that names them. So is what is said of one object in its source, and again in a file that was generated
    from it or is equal to it. A suppression at the kept place holds for its copies; one at a copy holds for that alone.
    """
    return _fold_objects(_fold_names(findings))


def _fold_names(findings: Sequence[Finding]) -> list[Finding]:
    """One finding for all things that take what one place says."""
    places: dict[Any, list[Finding]] = {}
    for one in findings:
        key = (one.rule, one.part, one.place, one.suppressed)
        places.setdefault(key, []).append(one)
    kept = []
    for some in places.values():
        if len(some) == 1 or len({one.resource for one in some}) == 1:
            kept += some
            continue
        alike: dict[str, list[Finding]] = {}
        for one in some:
            alike.setdefault(message_shape(_ONLY.sub("", one.message), one.resource), []).append(
                one
            )
        kept += [_named_together(group) for group in alike.values()]
    return kept


def _named_together(group: Sequence[Finding]) -> Finding:
    """The first of some findings on one place, with the names of what the others are about."""
    first = group[0]
    others = [name for one in group if (name := one.resource) and name != first.resource]
    names = list(dict.fromkeys(others))
    if not names:
        return first
    for one in group[1:]:
        first = with_worse_severity(first, one)
    shown = names[:NAMES]
    more = [f"{len(names) - NAMES} more"] if len(names) > NAMES else []
    listed = [*shown, *more]
    told = listed[0] if len(listed) == 1 else f"{', '.join(listed[:-1])} and {listed[-1]}"
    related = tuple(dict.fromkeys(other for one in group for other in one.related))
    return first._replace(message=f"{first.message}; the same for {told}", related=related)


def _fold_objects(findings: Sequence[Finding]) -> list[Finding]:
    """One finding for an object and its copies in other files."""
    alike: dict[Any, list[int]] = {}
    for number, one in enumerate(findings):
        if one.resource and one.rule.startswith("k8s/") and one.source.root.path.endswith(_YAML):
            text = _ONLY.sub("", one.message)
            key = (one.rule, one.tier, one.part, one.resource, one.container, one.purpose, text)
            alike.setdefault(key, []).append(number)
    files: dict[int, _Written] = {}
    done: dict[int, Finding | None] = {}
    for numbers in alike.values():
        if len({findings[number].path for number in numbers}) > 1:
            for group in _copy_groups([(number, findings[number]) for number in numbers], files):
                done |= _kept_of(group, findings, files)
    found = (done.get(number, one) for number, one in enumerate(findings))
    return [one for one in found if one is not None]


_YAML = (".yaml", ".yml", ".json")


def _copy_groups(
    alike: Sequence[tuple[int, Finding]], files: dict[int, _Written]
) -> Iterator[list[int]]:
    """The groups of copies among findings that say the same of objects of one kind and name.

    Equal objects are copies. A generated one that is equal to none is a copy of the only other that there is.
    """
    written: dict[Any, list[int]] = {}
    generated: list[int] = []
    for number, one in alike:
        file = files.setdefault(id(one.source.root), _read(one.source.root))
        found = _object_around(one, file)
        mark = _digest(found.node, file.digests) if found else None
        if file.generated:
            generated.append(number)
        written.setdefault(mark or number, []).append(number)
    known = set(generated)
    sources = [group for group in written.values() if not known.issuperset(group)]
    rest = [group for group in written.values() if known.issuperset(group)]
    if len(sources) == 1:
        sources[0] += [number for group in rest for number in group]
        rest = []
    yield from (group for group in (*sources, *rest) if len(group) > 1)


def _kept_of(
    group: Sequence[int], findings: Sequence[Finding], files: dict[int, _Written]
) -> dict[int, Finding | None]:
    """What becomes of each of some copies: the kept one, and None for those that it stands for."""

    def order(number: int) -> tuple[bool, bool, int, str, int]:
        root = findings[number].source.root
        words = set(re.split(r"[/.]", root.path.lower()))
        return (
            files[id(root)].generated,
            bool(words & _OUTPUT),
            root.path.count("/"),
            root.path,
            number,
        )

    first, *rest = sorted(group, key=order)
    kept = findings[first]
    folded = [
        number
        for number in rest
        if findings[number].path != kept.path
        and (kept.suppressed or findings[number].suppressed is None)
    ]
    if not folded:
        return {}
    copies = [findings[number] for number in folded]
    for one in copies:
        kept = with_worse_severity(kept, one)
    count = len({one.path for one in copies})
    places = [Related(one.source, one.span, "a copy of it") for one in copies[:PLACES]]
    message = f"{kept.message} (and {count} cop{'y' if count == 1 else 'ies'})"
    made: dict[int, Finding | None] = dict.fromkeys(folded)
    made[first] = kept._replace(message=message, related=(*kept.related, *places))
    return made


def _read(root: Source) -> _Written:
    """The objects of a file, and whether it says that it was generated; none where it does not parse (a template)."""
    from readiness.kinds.k8s.objects import objects_of

    lines = root.text.split("\n", HEAD)[:HEAD]
    file = _Written(any(_GENERATED.search(line) for line in lines))
    try:
        roots = load_all(separated(root.text))
    except ParseError:
        return file
    for one in (found for node in roots for found in objects_of(root, node)):
        file.objects.setdefault(f"{one.kind}/{one.name}", []).append(one)
    return file


def _object_around(one: Finding, file: _Written) -> Object | None:
    """The object that a finding stands in."""
    at = one.source.to_root(one.span.start)
    for some in (file.objects.get(one.resource, ()), *file.objects.values()):
        for found in some:
            if found.node.at().start <= at <= found.node.at().end:
                return found
    return None


def _digest(node: Any, known: dict[int, bytes], depth: int = 0) -> bytes:
    """A hash of a value that the order of keys does not change; the namespace of an object counts for nothing.

    Each container is counted once, however many aliases lead to it.
    """
    if not isinstance(node, Map | Seq):
        return repr(node).encode("utf-8", "surrogatepass")
    if id(node) in known:
        return known[id(node)]
    known[id(node)] = b"itself"  # an alias may stand in what it names
    made = hashlib.sha256(b"map" if isinstance(node, Map) else b"list")
    pairs: Iterable[tuple[Any, Any]] = (
        sorted(node.items()) if isinstance(node, Map) else enumerate(node)
    )
    for key, value in pairs:
        if depth == 1 and key == "namespace":
            continue
        part = _digest(value, known, depth + 1)
        name = str(key).encode("utf-8", "surrogatepass")
        made.update(b"%d %d " % (len(name), len(part)) + name + part)
    known[id(node)] = made.digest()
    return known[id(node)]
