"""Rule files: where they are, and from YAML to the rules that a run holds."""

from __future__ import annotations

import inspect
import itertools
import re
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from readiness import kinds
from readiness.model import LEVELS, ParseError, Rule, Source
from readiness.model.package import FOLDER
from readiness.ruleset import compiled, families, spec
from readiness.ruleset.bound import Bound, RuleError, parameters, resolve
from readiness.syntax.yaml import Map, load_all

GROUPS = ("dockerfile", "compose", "k8s", "nginx", "ci", "project", "core")
EXTERNAL = re.compile(
    r"shell(?:/(?:SC\d{0,4})?)?"
)  # ids, and prefixes of ids, of rules that other programs bring
_EXAMPLES = re.compile(r"^(?:bad|good):", re.MULTILINE)


@cache
def folder() -> Path:
    """Where the tool's own rules are: inside the installed package, or beside it in a checkout."""
    packed = FOLDER / "_rules"
    return packed if packed.is_dir() else FOLDER.parent / "rules"


def files(roots: Sequence[Path], groups: Iterable[str] = GROUPS) -> Iterator[tuple[str, str]]:
    """(id, file) of every rule under the roots, in order; a later root may not reuse an id."""
    seen: set[str] = set()
    for root in roots:
        for group in groups:
            for stem, file in sorted(_files_of(root, group)):
                name = f"{group}/{stem}"
                if name in seen:
                    raise RuleError(
                        f"{stem}.yaml",
                        f"there is a rule {name} already; give this one another name",
                    )
                seen.add(name)
                yield name, file


def _files_of(root: Path, group: str) -> Iterator[tuple[str, str]]:
    """(name, file) of the rules of a group: one for each file, and for each row of a family file."""
    for stem in compiled.names(root / group):
        yield stem, f"{root}/{group}/{stem}.yaml"
    shelf = root / group / families.FOLDER
    for stem in compiled.names(shelf):
        file = shelf / f"{stem}.yaml"
        rows = _family(shelf)[stem] if root == folder() else spec_of(file)
        yield from ((name, str(file)) for name in rows)


def _family(shelf: Path) -> dict[str, Any]:
    """What the tool's own family files of a group say, by file."""
    return compiled.load(shelf, families.spec_of) if shelf.is_dir() else {}


def ids(roots: Sequence[Path] = ()) -> list[str]:
    """The id of every rule there is."""
    return [name for name, _ in files([folder(), *roots])]


def load(
    roots: Sequence[Path] = (),
    groups: Iterable[str] = GROUPS,
    levels: Sequence[str] = LEVELS,
) -> list[Bound]:
    """The rules of the tool and of the given folders, each tier by itself. Raises RuleError with the file and the line.

    Only those of `groups` and `levels` are read whole, and those that stand on secrets whatever their level: a
    run over one manifest need not know what there is to say of workflows.
    """
    known = {name for name, _ in files([folder()], groups)}
    found: list[Bound] = []
    for name, file in files(roots, groups):
        if name in known:
            text = f"there is a rule {name} already; give this one another name"
            raise RuleError(Path(file).name, text)
        found += read(name, Path(file))
    for bound in found:
        verify(bound)
    return [*own(tuple(groups), tuple(levels)), *found]


@cache
def own(groups: tuple[str, ...], levels: tuple[str, ...]) -> tuple[Bound, ...]:
    """The rules that ship with the tool, read once a process."""
    found: list[Bound] = []
    for group in groups:
        place = folder() / group
        shelf = place / families.FOLDER
        specs = [
            (stem, f"{place}/{stem}.yaml", words)
            for stem, words in compiled.load(place, spec_of).items()
        ]
        for stem, rows in _family(shelf).items():
            specs += [(name, f"{shelf}/{stem}.yaml", words) for name, words in rows.items()]
        for name, file, words in sorted(specs, key=lambda one: one[0]):
            if _may_be_at(words, levels):
                made = bounds_of(f"{group}/{name}", file, words)
                every = len(made) == 1 or made[0].rule.hides
                found += (one for one in made if every or one.rule.tier(one.tier).level in levels)
    return tuple(found)


def _may_be_at(words: Mapping[str, Any], levels: Sequence[str]) -> bool:
    """Whether a rule's words, or those of one of its tiers, are of a level."""
    return "tiers" in words or words.get("level", LEVELS[0]) in levels or words.get("hides") is True


def one_each(bounds: Iterable[Bound]) -> list[Rule]:
    """The rules, each once whatever its tiers."""
    return [next(same).rule for _, same in itertools.groupby(bounds, key=lambda one: one.rule.id)]


def read(name: str, path: Path) -> tuple[Bound, ...]:
    """The rule of a file, once for each of its tiers."""
    words = spec_of(path)
    return bounds_of(name, str(path), words[_row(name)] if families.is_family(path) else words)


def bounds_of(name: str, file: str, words: dict[str, Any]) -> tuple[Bound, ...]:
    """The rule that a file's words make, once for each of its tiers."""

    def fail(message: str, *keys: str) -> RuleError:
        path = Path(file)
        source = _text(path)
        node: Any = load_all(source.text)[0]
        way = ("rules", _row(name), *keys) if families.is_family(path) else keys
        place = node.at()
        for key in way:
            if not isinstance(node, Map):
                break
            place, node = node.key(key), node.get(key)
        return RuleError(f"{source.path}:{source.position(place.start).line}", message)

    return spec.made(name, file, words, fail)


def _row(name: str) -> str:
    """The part of an id by which a family file names its rule."""
    return name.partition("/")[2]


def spec_of(path: Path) -> dict[str, Any]:
    """What a file says, its examples apart: a rule's words, or those of each rule of a family. Raises RuleError."""
    source = _text(path)
    try:
        if families.is_family(path):
            return families.spec_of(path)
        documents = load_all(source.text)
    except ParseError as error:
        raise RuleError(
            f"{path.name}:{source.position(error.offset).line}", error.message
        ) from None
    words = documents[0] if documents else None
    if not isinstance(words, Map):
        raise RuleError(path.name, "a rule file is a mapping; see docs/writing-rules.md")
    return words


def _text(path: Path) -> Source:
    """The text of a file; that of a rule without its examples, which are read by `examples` when somebody wants them."""
    text = path.read_text(encoding="utf-8")
    cut = None if families.is_family(path) else _EXAMPLES.search(text)
    return Source(path.name, text[: cut.start()] if cut else text)


def verify(bound: Bound) -> None:
    """Hold a rule against what there is: targets, facts, the check and its parameters. Raises RuleError.

    The tool's own rules are verified by its tests, custom rules when they are loaded.
    """
    for target in bound.targets:
        _verify_target(bound, target)
    if not bound.check:
        return
    try:
        function = resolve(bound.check)
    except (ImportError, AttributeError):
        raise RuleError(bound.path.name, f"no check is called {bound.check!r}") from None
    given = dict(bound.arguments)
    if "project" in parameters(function):
        given["project"] = None
    try:
        inspect.signature(function).bind(None, **given)
    except TypeError as error:
        raise RuleError(bound.path.name, f"`with` does not fit the check: {error}") from None


def _verify_target(bound: Bound, target: str) -> None:
    """Whether a target is one, and its subjects have the facts that `when` asks."""
    kind = kinds.kind_of_target(target)
    known = kinds.targets(kind) if kind in kinds.KINDS else {}
    if target not in known:
        near = ", ".join(sorted(known)) or ", ".join(f"{one}.…" for one in kinds.KINDS)
        raise RuleError(bound.path.name, f"no target is called {target!r}; there are {near}")
    subject = next(iter(typing.get_args(typing.get_type_hints(known[target]).get("return"))), None)
    for fact, _ in bound.when if isinstance(subject, type) else ():
        if not hasattr(subject, fact):
            raise RuleError(bound.path.name, f"subjects of {target} have no fact {fact!r}")
