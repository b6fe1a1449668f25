"""Rule files: from YAML to a Rule and the function that runs it."""

from __future__ import annotations

import importlib
import inspect
import re
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Any

from readiness import kinds
from readiness.model import (
    CATEGORIES,
    LEVELS,
    Aside,
    Confidence,
    Hit,
    ParseError,
    Rule,
    Severity,
    Source,
    Subject,
    Unknown,
)
from readiness.model.package import FOLDER
from readiness.model.project import Project
from readiness.ruleset.predicates import Clause, predicate, steps_of
from readiness.syntax import compiled
from readiness.syntax.yaml import Map, load_all

Outcome = Iterable[Hit | Unknown | Aside]
GROUPS = ("dockerfile", "compose", "k8s", "nginx", "ci", "project", "core")
KEYS = frozenset(
    "title severity confidence category level opinion target when require forbid check with message why fix links"
    " same-as checklist since hides bad good".split()
)
EXTERNAL = re.compile(
    r"shell(?:/(?:SC\d{0,4})?)?"
)  # ids, and prefixes of ids, of rules that other programs bring
_SEVERITIES = tuple(str(one) for one in Severity)
_CONFIDENCES = tuple(str(one) for one in Confidence)
_EXAMPLES = re.compile(r"^(?:bad|good):", re.MULTILINE)


class RuleError(Exception):
    """A rule file that cannot be used: `where` names the file and the line, `message` what to change."""

    def __init__(self, where: str, message: str) -> None:
        super().__init__(f"{where}: {message}")
        self.where = where
        self.message = message


@dataclass(frozen=True)
class Bound:
    """A rule, and what runs it: which subjects it counts and the function that judges one."""

    rule: Rule
    file: str
    when: tuple[tuple[str, Any], ...]
    clauses: tuple[Clause, ...] = ()
    check: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        """The rule's file."""
        return Path(self.file)

    @cached_property
    def function(self) -> Callable[..., Outcome]:
        """The check, imported when its rule first runs; a declarative rule is its own function."""
        if not self.check:
            return self.judge
        return partial(resolve(self.check), **self.arguments)

    @cached_property
    def wants_project(self) -> bool:
        """Whether the check asks for all documents together."""
        return bool(self.check) and "project" in parameters(resolve(self.check))

    def applies(self, subject: Subject) -> bool:
        """Whether the subject is one of those that this rule judges."""
        for name, allowed in self.when:
            value = getattr(subject, name)
            if value not in allowed if isinstance(allowed, frozenset) else value != allowed:
                return False
        return True

    def run(self, subject: Subject, project: Project) -> Outcome:
        """What the check says of one subject."""
        return (
            self.function(subject, project=project)
            if self.wants_project
            else self.function(subject)
        )

    def judge(self, subject: Subject) -> Iterator[Hit]:
        """The declarative form: every path of `require` must hold, none of `forbid` may."""
        for clause in self.clauses:
            yield from clause.judge(subject.node)


@cache
def resolve(name: str) -> Callable[..., Outcome]:
    """The check function of a dotted name under readiness.checks."""
    module, _, function = name.rpartition(".")
    found: Callable[..., Outcome] = getattr(
        importlib.import_module(f"readiness.checks.{module}"), function
    )
    return found


def parameters(check: Callable[..., Outcome]) -> tuple[str, ...]:
    """The names of a check's parameters; a check is a plain function, and inspect takes a hundred times as long."""
    code = check.__code__
    return code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]


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
            for stem in compiled.names(root / group):
                name = f"{group}/{stem}"
                if name in seen:
                    raise RuleError(
                        f"{stem}.yaml",
                        f"there is a rule {name} already; give this one another name",
                    )
                seen.add(name)
                yield name, f"{root}/{name}.yaml"


def ids(roots: Sequence[Path] = ()) -> list[str]:
    """The id of every rule there is, from the names of the files alone."""
    return [name for name, _ in files([folder(), *roots])]


def load(
    roots: Sequence[Path] = (),
    groups: Iterable[str] = GROUPS,
    levels: Sequence[str] = LEVELS,
) -> list[Bound]:
    """The rules of the tool and of the given folders. Raises RuleError with the file and the line.

    Only those of `groups` and `levels` are read whole, and those that stand on secrets whatever their level: a
    run over one manifest need not know what there is to say of workflows.
    """
    known = {name for name, _ in files([folder()], groups)}
    found = [read(name, Path(file)) for name, file in files(roots, groups)]
    for bound in found:
        if bound.rule.id in known:
            text = f"there is a rule {bound.rule.id} already; give this one another name"
            raise RuleError(bound.path.name, text)
        verify(bound)
    return [*own(tuple(groups), tuple(levels)), *found]


@cache
def own(groups: tuple[str, ...], levels: tuple[str, ...]) -> tuple[Bound, ...]:
    """The rules that ship with the tool, read once a process."""
    return tuple(
        made(f"{group}/{stem}", f"{folder()}/{group}/{stem}.yaml", spec)
        for group in groups
        for stem, spec in compiled.load(folder() / group, spec_of).items()
        if spec.get("level", LEVELS[0]) in levels or spec.get("hides") is True
    )


def read(name: str, path: Path) -> Bound:
    """The rule of a file."""
    return made(name, str(path), spec_of(path))


def spec_of(path: Path) -> dict[str, Any]:
    """What a rule file says, its examples apart. Raises RuleError."""
    source = words(path)
    try:
        documents = load_all(source.text)
    except ParseError as error:
        raise RuleError(
            f"{path.name}:{source.position(error.offset).line}", error.message
        ) from None
    spec = documents[0] if documents else None
    if not isinstance(spec, Map):
        raise RuleError(path.name, "a rule file is a mapping; see docs/writing-rules.md")
    return spec


def words(path: Path) -> Source:
    """The text of a rule file without its examples, which are read by `examples` when somebody wants them."""
    text = path.read_text(encoding="utf-8")
    cut = _EXAMPLES.search(text)
    return Source(path.name, text[: cut.start()] if cut else text)


def made(name: str, file: str, spec: dict[str, Any]) -> Bound:
    """The rule that a file's words make."""

    def fail(key: str, message: str) -> RuleError:
        source = words(Path(file))
        place = load_all(source.text)[0].key(key)
        return RuleError(f"{source.path}:{source.position(place.start).line}", message)

    for key in spec:
        if key not in KEYS:
            raise fail(key, f"no key is called {key!r}; allowed are {', '.join(sorted(KEYS))}")
    return bind(rule_of(name, spec, fail), file, spec, fail)


def rule_of(name: str, spec: dict[str, Any], fail: Callable[[str, str], RuleError]) -> Rule:
    """The words of a rule file as a Rule."""
    for key in ("title", "severity", "category", "target", "message", "why", "fix"):
        if key not in spec:
            raise fail(key, f"{key!r} is missing")
    targets = spec["target"] if isinstance(spec["target"], list) else [spec["target"]]
    return Rule(
        id=name,
        title=text_of(spec["title"]),
        severity=Severity[one_of(spec, "severity", _SEVERITIES, fail).upper()],
        confidence=Confidence[one_of(spec, "confidence", _CONFIDENCES, fail, "high").upper()],
        category=one_of(spec, "category", CATEGORIES, fail),
        kind=name.partition("/")[0],
        targets=tuple(targets),
        message=text_of(spec["message"]),
        why=text_of(spec["why"]),
        fix=text_of(spec["fix"]),
        links=tuple(spec.get("links") or ()),
        equivalents={
            peer: tuple(str(one) for one in ids)
            for peer, ids in (spec.get("same-as") or {}).items()
        },
        checklist=tuple(spec.get("checklist") or ()),
        hides=spec.get("hides") is True,
        level=one_of(spec, "level", LEVELS, fail, "recommended"),
        opinion=text_of(spec.get("opinion") or ""),
        since=str(spec.get("since") or ""),
    )


def text_of(value: Any) -> str:
    """Prose from a rule file: folded scalars end in a line break, which is no part of it."""
    return str(value).strip()


def one_of(
    spec: dict[str, Any],
    key: str,
    allowed: Sequence[str],
    fail: Callable[[str, str], RuleError],
    default: str = "",
) -> str:
    """The value under a key that has a fixed set of values."""
    value = spec.get(key, default)
    if value not in allowed:
        raise fail(key, f"{key} is {value!r}; allowed are {', '.join(allowed)}")
    return str(value)


def bind(
    rule: Rule, file: str, spec: dict[str, Any], fail: Callable[[str, str], RuleError]
) -> Bound:
    """The rule with what runs it: paths and predicates, or a check with its parameters."""
    when = tuple(
        (fact, frozenset(value) if isinstance(value, list) else value)
        for fact, value in (spec.get("when") or {}).items()
    )
    ways = [key for key in ("require", "forbid", "check") if key in spec]
    if rule.targets == ("core",):
        return Bound(rule, file, when)
    if not ways or ("check" in ways and len(ways) > 1):
        raise fail("target", "a rule has `require` and `forbid`, or a `check`")
    if "check" in spec:
        return Bound(rule, file, when, check=str(spec["check"]), arguments=arguments_of(spec, fail))
    try:
        clauses = tuple(
            Clause(steps_of(where), predicate(what), way == "require")
            for way in ways
            for where, what in spec[way].items()
        )
    except (ValueError, re.error, AttributeError) as error:
        raise fail(ways[0], str(error)) from None
    return Bound(rule, file, when, clauses=clauses)


def arguments_of(spec: dict[str, Any], fail: Callable[[str, str], RuleError]) -> dict[str, Any]:
    """The parameters under `with`; whether the check takes them is seen when it is imported (see `verify`)."""
    given = spec.get("with") or {}
    if not isinstance(given, dict):
        raise fail("with", "`with` is a mapping of the check's parameters")
    return dict(given)


def verify(bound: Bound) -> None:
    """Hold a rule against what there is: targets, facts, the check and its parameters. Raises RuleError.

    The tool's own rules are verified by its tests, custom rules when they are loaded.
    """
    for target in bound.rule.targets:
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
