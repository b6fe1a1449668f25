"""Rule files: where they are, and from YAML to the rules that a run holds."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from readiness import kinds
from readiness.model import (
    LEVELS,
    Rule,
    messages,
)
from readiness.model.package import FOLDER
from readiness.ruleset import bindings, families, rule_file, spec
from readiness.ruleset import message_facts as facts
from readiness.ruleset.bound import LoadedRule
from readiness.ruleset.rule_file import NAME, Fail, RuleError, error_factory, rule_spec, shown_path
from readiness.syntax import backtracking, compiled
from readiness.syntax.ways import Work

GROUPS = ("dockerfile", "compose", "k8s", "nginx", "ci", "project", "core")
EXTERNAL = re.compile(
    r"shell(?:/(?:SC\d{0,4})?)?"
)  # ids, and prefixes of ids, of rules that other programs bring
MAX_FILES = 500  # rules of somebody's own, and the bytes of their files together
MAX_BYTES = 4 * 1024 * 1024


@cache
def rules_folder() -> Path:
    """Where the tool's own rules are: inside the installed package, or beside it in a checkout."""
    packed = FOLDER / "_rules"
    return packed if packed.is_dir() else FOLDER.parent / "rules"


def rule_files(roots: Sequence[Path], groups: Iterable[str] = GROUPS) -> Iterator[tuple[str, str]]:
    """(id, file) of every rule under the roots, in order; a later root may not reuse an id."""
    seen: set[str] = set()
    for root in roots:
        for group in groups:
            for stem, file in sorted(_files_of(root, group)):
                name = f"{group}/{stem}"
                if name in seen:
                    text = f"there is a rule {name} already; give this one another name"
                    raise RuleError(f"{name}.yaml", text)
                seen.add(name)
                yield name, file


def _files_of(root: Path, group: str) -> Iterator[tuple[str, str]]:
    """(name, file) of the rules of a group: one for each file, and for each row of a family file."""
    for stem in compiled.file_names(root / group):
        yield stem, f"{root}/{group}/{stem}.yaml"
    shelf = root / group / families.FOLDER
    for stem in compiled.file_names(shelf):
        file = shelf / f"{stem}.yaml"
        rows = (
            _family_specs(shelf)[stem] if root == rules_folder() else families.checked_family(file)
        )
        yield from ((name, str(file)) for name in rows)


def verify_folder(root: Path) -> None:
    """Raise RuleError for a folder of somebody's own that has no rules, too many, or links that lead out of it."""
    size = 0
    try:
        home, paths = root.resolve(), list(rule_paths(root))
    except (OSError, RuntimeError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is no folder"
        raise RuleError(shown_path(root), f"cannot be read: {why.lower()}") from None
    for count, where in enumerate(paths, 1):
        path = root / where
        if not NAME.fullmatch(path.stem):
            raise RuleError(where, "rules have names such as image-tag-latest; rename the file")
        if home not in Path(os.path.realpath(path)).parents:
            raise RuleError(where, "a link leads out of the folder of rules; copy the file here")
        if not path.is_file():
            raise RuleError(where, "is no file that can be read")
        size += path.stat().st_size
        _verify_count(root, count, size)
    if not paths:
        there = ", ".join(f"{group}/NAME.yaml" for group in GROUPS[:3])
        raise RuleError(
            shown_path(root), f"there is no rule in this folder; rules are {there} and so on"
        )
    for count, _ in enumerate(rule_files([root]), 1):
        _verify_count(root, count, size)


def rule_paths(root: Path) -> Iterator[str]:
    """The files of rules and of families under a root, by their paths in it."""
    for group in GROUPS:
        for shelf in (group, f"{group}/{families.FOLDER}"):
            yield from (f"{shelf}/{stem}.yaml" for stem in compiled.file_names(root / shelf))


def _verify_count(root: Path, count: int, size: int) -> None:
    if count > MAX_FILES or size > MAX_BYTES:
        limit = f"{MAX_FILES} files and {MAX_BYTES // 1024**2} MiB"
        raise RuleError(shown_path(root), f"a folder of rules holds {limit} at most")


def _family_specs(shelf: Path) -> dict[str, Any]:
    """What the tool's own family files of a group say, by file."""
    return compiled.load_folder(shelf, families.family_spec) if shelf.is_dir() else {}


def rule_ids(roots: Sequence[Path] = ()) -> list[str]:
    """The id of every rule there is, from the names of the files alone. Raises RuleError."""
    for root in roots:
        verify_folder(root)
    return [name for name, _ in rule_files([rules_folder(), *roots])]


def load_rules(
    roots: Sequence[Path] = (),
    groups: Iterable[str] = GROUPS,
    levels: Sequence[str] = LEVELS,
) -> list[LoadedRule]:
    """The rules of the tool and of the given folders, each tier by itself. Raises RuleError with the file and the line.

    Only those of `groups` and `levels` are read whole, and those that stand on secrets whatever their level: a
    run over one manifest need not know what there is to say of workflows.
    """
    known = {name for name, _ in rule_files([rules_folder()], groups)}
    for root in roots:
        verify_folder(root)
    rules: list[LoadedRule] = []
    work = Work(backtracking.MAX_EFFORT)
    for name, file in rule_files(roots, groups):
        if name in known:
            text = f"there is a rule {name} already; give this one another name"
            raise RuleError(f"{name}.yaml", text)
        for bound in read_rule(name, Path(file)):
            verify_rule(bound, work)
            rules.append(bound)
    return [*shipped_rules(tuple(groups), tuple(levels)), *rules]


@cache
def shipped_rules(groups: tuple[str, ...], levels: tuple[str, ...]) -> tuple[LoadedRule, ...]:
    """The rules that ship with the tool, read once a process."""
    rules: list[LoadedRule] = []
    for group in groups:
        place = rules_folder() / group
        shelf = place / families.FOLDER
        specs = [
            (stem, f"{place}/{stem}.yaml", words)
            for stem, words in compiled.load_folder(place, rule_spec).items()
        ]
        for stem, rows in _family_specs(shelf).items():
            specs += [(name, f"{shelf}/{stem}.yaml", words) for name, words in rows.items()]
        for name, file, words in sorted(specs, key=lambda one: one[0]):
            if _may_be_at(words, levels):
                loaded = loaded_tiers(f"{group}/{name}", file, words)
                every = len(loaded) == 1 or loaded[0].rule.hides
                rules += (one for one in loaded if every or one.rule.tier(one.tier).level in levels)
    return tuple(rules)


def _may_be_at(words: Mapping[str, Any], levels: Sequence[str]) -> bool:
    """Whether a rule's words, or those of one of its tiers, are of a level."""
    return "tiers" in words or words.get("level", LEVELS[0]) in levels or words.get("hides") is True


def unique_rules(bounds: Iterable[LoadedRule]) -> list[Rule]:
    """The rules, each once whatever its tiers."""
    return [next(same).rule for _, same in itertools.groupby(bounds, key=lambda one: one.rule.id)]


def read_rule(name: str, path: Path) -> tuple[LoadedRule, ...]:
    """The rule of a file of somebody's own, once for each of its tiers. Raises RuleError."""
    if not families.is_family(path):
        return loaded_tiers(name, str(path), rule_file.checked_rule(path))
    return loaded_tiers(name, str(path), families.checked_family(path)[_row_name(name)])


def loaded_tiers(name: str, file: str, words: Mapping[str, Any]) -> tuple[LoadedRule, ...]:
    """The rule that a file's words make, once for each of its tiers."""
    path = Path(file)
    return spec.make_rule(
        name, file, words, error_factory(path, *families.key_path(path, _row_name(name)))
    )


def _row_name(name: str) -> str:
    """The part of an id by which a family file names its rule."""
    return name.partition("/")[2]


def verify_rule(bound: LoadedRule, work: Work | None = None) -> None:
    """Hold a rule against what there is: targets, facts, the check and its parameters, expressions. Raises RuleError.

    The tool's own rules are verified by its tests, custom rules when they are loaded. `work` bounds what it may cost to judge
    the regular expressions of several rules.
    """
    way = families.key_path(bound.path, _row_name(bound.rule.id))
    fail = error_factory(bound.path, *way, tier=bound.tier)
    if bound.check:
        try:
            bindings.verify_binding(bound.check, bound.arguments)
        except bindings.BindingError as error:
            raise fail(str(error), "check" if "check" in str(error) else "with") from None
    for target in bound.targets:
        _verify_target(bound, target, fail)
        _verify_messages(bound, target, fail)
    work = work or Work(backtracking.MAX_EFFORT)
    for key, pattern in _expressions(bound):
        why = backtracking.refusal_reason(pattern, work)
        if why:
            raise fail(f"the expression {pattern[:80]!r} is refused: {why}", key)


def _expressions(bound: LoadedRule) -> Iterator[tuple[str, str]]:
    """(key of the rule file, expression) of every regular expression in a rule."""
    for clause in bound.clauses:
        yield from (
            ("require" if clause.required else "forbid", pattern) for pattern in clause.patterns
        )
    for clause in bound.proofs:
        yield from (("proves", pattern) for pattern in clause.patterns)
    if bound.check:
        yield from (
            ("with", one) for _, one in bindings.parameter_patterns(bound.check, bound.arguments)
        )


def _verify_target(bound: LoadedRule, target: str, fail: Fail) -> None:
    """Whether a target is one, fits the check, and its subjects have the facts that `when` names."""
    kind = kinds.kind_of_target(target)
    known = kinds.targets_of(kind) if kind in kinds.KINDS else {}
    if target not in known:
        near = ", ".join(sorted(known)) or ", ".join(f"{one}.…" for one in kinds.KINDS)
        raise fail(f"no target is called {target!r}; there are {near}", "target")
    if bound.check and not bindings.accepts_subjects(bound.check, facts.target_classes(target)):
        raise fail(f"{bound.check} looks at something else than {target}", "target")
    subject = facts.facts_of_target(target)
    for name, allowed in bound.when:
        sort = subject.get(name)
        if sort is None:
            there = ", ".join(subject)
            raise fail(f"subjects of {target} have no fact {name!r}; there are {there}", "when")
        values = allowed if isinstance(allowed, frozenset) else {allowed}
        if any(facts.value_type(value) != sort for value in values):
            raise fail(f"the fact {name!r} of {target} is {sort}", "when")


def _verify_messages(bound: LoadedRule, target: str, fail: Fail) -> None:
    """Whether there are the facts that `by` and the messages of the rule, its tier and its parts name."""
    rule = bound.rule
    said = facts.names_said(bound.check)
    for name in bound.sentences.keys() - set(said):
        there = ", ".join(filter(None, said)) or "no name at all"
        who = bound.check or "a rule without a check"
        raise fail(f"{who} never says {name!r}; it says {there}", "messages", name)
    unused = (rule.message, *(one.text for one in rule.wordings if one.field == "message"))
    for text in unused:
        _names_in(text, fail, "message")
    for say in said:
        known = {
            *facts.facts_of_target(target),
            *facts.facts_of_check(bound.check, say, some=bool(rule.parts)),
        }
        near = ", ".join(sorted(known))
        if rule.by and rule.by not in known:
            raise fail(f"there is no fact {rule.by!r}; there are {near}", "by")
        own = say in bound.sentences
        texts = [bound.sentences[say]] if own else list(bound.messages.values())
        way = ("messages", say) if own else ("message",)
        if not all(texts):
            lacking = f"says {say!r}" if say else "says some of its hits without a name"
            raise fail(f"{bound.check} {lacking}: the rule has no `{way[0]}` for it", "messages")
        for name in sorted({name for text in texts for name in _names_in(text, fail, *way)}):
            if name not in known:
                raise fail(f"there is no fact {name!r}; there are {near}", *way)


def _names_in(text: str, fail: Fail, *way: str) -> frozenset[str]:
    """The facts that a message names. Raises what `fail` makes where it can't be filled."""
    try:
        return messages.fact_names(text)
    except messages.MessageError as error:
        raise fail(str(error), *way) from None
