"""Rule files: from YAML to a Rule and the function that runs it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Any

from readiness.model import (
    CATEGORIES,
    LEVELS,
    Confidence,
    Hit,
    Rule,
    Severity,
    Subject,
    Unknown,
)
from readiness.model.package import FOLDER
from readiness.model.project import Project
from readiness.ruleset import rule_file
from readiness.ruleset.bindings import Outcome, parameters, resolve
from readiness.ruleset.predicates import Clause, clause
from readiness.ruleset.rule_file import KEYS, Fail, RuleError, failing, shown, spec_of
from readiness.syntax import compiled

GROUPS = ("dockerfile", "compose", "k8s", "nginx", "ci", "project", "core")
EXTERNAL = re.compile(
    r"shell(?:/(?:SC\d{0,4})?)?"
)  # ids, and prefixes of ids, of rules that other programs bring
MAX_FILES = 500  # rule files of somebody's own, and their bytes together
MAX_BYTES = 4 * 1024 * 1024
_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_SEVERITIES = tuple(str(one) for one in Severity)
_CONFIDENCES = tuple(str(one) for one in Confidence)


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

    def judge(self, subject: Subject) -> Iterator[Hit | Unknown]:
        """The declarative form: every path of `require` must hold, none of `forbid` may."""
        for one in self.clauses:
            yield from one.judge(subject.node)


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
                    text = f"there is a rule {name} already; give this one another name"
                    raise RuleError(f"{name}.yaml", text)
                seen.add(name)
                yield name, f"{root}/{name}.yaml"


def hold(root: Path) -> None:
    """Raise RuleError for a folder of somebody's own that has no rules, too many, or links that lead out of it."""
    count = size = 0
    try:
        home, found = root.resolve(), list(files([root]))
    except (OSError, RuntimeError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is no folder"
        raise RuleError(shown(root), f"cannot be read: {why.lower()}") from None
    for name, file in found:
        path = Path(file)
        where = f"{name}.yaml"
        if not _NAME.fullmatch(name.partition("/")[2]):
            raise RuleError(where, "rules have names such as image-tag-latest; rename the file")
        if home not in Path(os.path.realpath(path)).parents:
            raise RuleError(where, "a link leads out of the folder of rules; copy the file here")
        if not path.is_file():
            raise RuleError(where, "is no file that can be read")
        count, size = count + 1, size + path.stat().st_size
        if count > MAX_FILES or size > MAX_BYTES:
            limit = f"{MAX_FILES} files and {MAX_BYTES // 1024**2} MiB"
            raise RuleError(shown(root), f"a folder of rules holds {limit} at most")
    if not count:
        there = ", ".join(f"{group}/NAME.yaml" for group in GROUPS[:3])
        raise RuleError(
            shown(root), f"there is no rule in this folder; rules are {there} and so on"
        )


def ids(roots: Sequence[Path] = ()) -> list[str]:
    """The id of every rule there is, from the names of the files alone. Raises RuleError."""
    for root in roots:
        hold(root)
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
    for root in roots:
        hold(root)
    found = [read(name, Path(file)) for name, file in files(roots, groups)]
    for bound in found:
        if bound.rule.id in known:
            text = f"there is a rule {bound.rule.id} already; give this one another name"
            raise RuleError(f"{bound.rule.id}.yaml", text)
    if found:
        from readiness.ruleset import validity

        validity.verify(found)
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
    """The rule of a file of somebody's own."""
    return made(name, str(path), rule_file.checked(path))


def made(name: str, file: str, spec: dict[str, Any]) -> Bound:
    """The rule that a file's words make."""
    fail = failing(Path(file))
    for key in spec:
        if key not in KEYS:
            raise fail(key, f"no key is called {key!r}; allowed are {', '.join(sorted(KEYS))}")
    return bind(rule_of(name, spec, fail), file, spec, fail)


def rule_of(name: str, spec: dict[str, Any], fail: Fail) -> Rule:
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
    fail: Fail,
    default: str = "",
) -> str:
    """The value under a key that has a fixed set of values."""
    value = spec.get(key, default)
    if value not in allowed:
        raise fail(key, f"{key} is {value!r}; allowed are {', '.join(allowed)}")
    return str(value)


def bind(rule: Rule, file: str, spec: dict[str, Any], fail: Fail) -> Bound:
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
            clause(where, what, required=way == "require")
            for way in ways
            for where, what in spec[way].items()
        )
    except ValueError as error:
        raise fail(ways[0], str(error)) from None
    return Bound(rule, file, when, clauses=clauses)


def arguments_of(spec: dict[str, Any], fail: Fail) -> dict[str, Any]:
    """The parameters under `with`; whether the check takes them is seen when it is imported (see `verify`)."""
    given = spec.get("with") or {}
    if not isinstance(given, dict):
        raise fail("with", "`with` is a mapping of the check's parameters")
    return dict(given)
