"""Rule files: where they are, and from YAML to the rules that a run holds."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from readiness.model import LEVELS, Rule
from readiness.model.package import PACKAGE_FOLDER
from readiness.ruleset import families, rule_file, spec
from readiness.ruleset.bound import LoadedRule
from readiness.ruleset.rule_file import (
    RULE_NAME,
    RuleError,
    error_factory,
    rule_file_path_text,
    rule_spec,
)
from readiness.syntax import compiled

RULE_GROUPS = ("dockerfile", "compose", "k8s", "nginx", "ci", "project", "core")
EXTERNAL_RULE_ID = re.compile(r"shell(?:/(?:SC\d{0,4})?)?")  # ids, and prefixes of ids, of rules that other programs bring
MAX_FILES = 500  # rules of somebody's own, and the bytes of their files together
MAX_BYTES = 4 * 1024 * 1024


@cache
def rules_folder() -> Path:
    """Where the tool's own rules are: inside the installed package, or beside it in a checkout."""
    packed = PACKAGE_FOLDER / "_rules"
    return packed if packed.is_dir() else PACKAGE_FOLDER.parent / "rules"


def rule_files(roots: Sequence[Path], groups: Iterable[str] = RULE_GROUPS) -> Iterator[tuple[str, str]]:
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
    shelf = root / group / families.FAMILIES_FOLDER
    for stem in compiled.file_names(shelf):
        file = shelf / f"{stem}.yaml"
        rows = _family_specs(shelf)[stem] if root == rules_folder() else families.verified_family_rule_specs(file)
        yield from ((name, str(file)) for name in rows)


def verify_folder(root: Path) -> None:
    """Raise RuleError for a folder of somebody's own that has no rules, too many, or links that lead out of it."""
    size = 0
    try:
        home, paths = root.resolve(), list(rule_paths(root))
    except (OSError, RuntimeError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is no directory"
        raise RuleError(rule_file_path_text(root), f"cannot be read: {why.lower()}") from None
    for count, where in enumerate(paths, 1):
        path = root / where
        if not RULE_NAME.fullmatch(path.stem):
            raise RuleError(where, "rules have names such as image-tag-latest; rename the file")
        if home not in Path(os.path.realpath(path)).parents:
            raise RuleError(where, "a link leads out of the directory of rules; copy the file here")
        if not path.is_file():
            raise RuleError(where, "is no file that can be read")
        size += path.stat().st_size
        _verify_count(root, count, size)
    if not paths:
        there = ", ".join(f"{group}/NAME.yaml" for group in RULE_GROUPS[:3])
        raise RuleError(
            rule_file_path_text(root),
            f"there is no rule in this directory; rules are {there} and so on",
        )
    for count, _ in enumerate(rule_files([root]), 1):
        _verify_count(root, count, size)


def rule_paths(root: Path) -> Iterator[str]:
    """The files of rules and of families under a root, by their paths in it."""
    for group in RULE_GROUPS:
        for shelf in (group, f"{group}/{families.FAMILIES_FOLDER}"):
            yield from (f"{shelf}/{stem}.yaml" for stem in compiled.file_names(root / shelf))


def _verify_count(root: Path, count: int, size: int) -> None:
    if count > MAX_FILES or size > MAX_BYTES:
        limit = f"{MAX_FILES} files and {MAX_BYTES // 1024**2} MiB"
        raise RuleError(rule_file_path_text(root), f"a directory of rules holds {limit} at most")


def _family_specs(group_folder: Path) -> dict[str, Any]:
    """What the tool's own family files of a group say, by file."""
    return compiled.load_folder(group_folder, families.family_spec) if group_folder.is_dir() else {}


def rule_ids(roots: Sequence[Path] = ()) -> list[str]:
    """The id of every rule there is, from the names of the files alone. Raises RuleError."""
    for root in roots:
        verify_folder(root)
    return [name for name, _ in rule_files([rules_folder(), *roots])]


def load_rules(
    roots: Sequence[Path] = (),
    groups: Iterable[str] = RULE_GROUPS,
    levels: Sequence[str] = LEVELS,
) -> list[LoadedRule]:
    """The rules of the tool and of the given folders, each tier by itself. Raises RuleError with the file and the line.

    Only those of `groups` and `levels` are read whole, and those that stand on secrets whatever their level: a
    run over one manifest need not know what there is to say of workflows.
    """
    known = {name for name, _ in rule_files([rules_folder()], groups)}
    for root in roots:
        verify_folder(root)
    own = _own_rules(roots, groups, known) if roots else []
    return [*shipped_rules(tuple(groups), tuple(levels)), *own]


def _own_rules(roots: Sequence[Path], groups: Iterable[str], known: Collection[str]) -> list[LoadedRule]:
    """The rules of the given folders, each held against what there is. Raises RuleError."""
    from readiness.ruleset.verification import shared_work, verify_rule

    rules: list[LoadedRule] = []
    work = shared_work()
    for name, file in rule_files(roots, groups):
        if name in known:
            text = f"there is a rule {name} already; give this one another name"
            raise RuleError(f"{name}.yaml", text)
        for bound in read_rule(name, Path(file)):
            verify_rule(bound, work)
            rules.append(bound)
    return rules


@cache
def shipped_rules(groups: tuple[str, ...], levels: tuple[str, ...]) -> tuple[LoadedRule, ...]:
    """The rules that ship with the tool, read once a process."""
    rules: list[LoadedRule] = []
    for group in groups:
        place = rules_folder() / group
        shelf = place / families.FAMILIES_FOLDER
        specs = [(stem, f"{place}/{stem}.yaml", words) for stem, words in compiled.load_folder(place, rule_spec).items()]
        for stem, rows in _family_specs(shelf).items():
            specs += [(name, f"{shelf}/{stem}.yaml", words) for name, words in rows.items()]
        for name, file, words in sorted(specs, key=lambda one: one[0]):
            if _has_any_level(words, levels):
                loaded = load_tiers(f"{group}/{name}", file, words)
                every = len(loaded) == 1 or loaded[0].rule.marks_secrets
                rules += (one for one in loaded if every or one.rule.tier_by_name(one.tier).level in levels)
    return tuple(rules)


def _has_any_level(rule_spec: Mapping[str, Any], levels: Sequence[str]) -> bool:
    """Whether a rule's words, or those of one of its tiers, are of a level."""
    return "tiers" in rule_spec or rule_spec.get("level", LEVELS[0]) in levels or rule_spec.get("hides") is True


def unique_rules(loaded_rules: Iterable[LoadedRule]) -> list[Rule]:
    """The rules, each once whatever its tiers."""
    return [next(same).rule for _, same in itertools.groupby(loaded_rules, key=lambda one: one.rule.id)]


def read_rule(name: str, path: Path) -> tuple[LoadedRule, ...]:
    """The rule of a file of somebody's own, once for each of its tiers. Raises RuleError."""
    if not families.is_family(path):
        return load_tiers(name, str(path), rule_file.verified_rule_spec(path))
    return load_tiers(name, str(path), families.verified_family_rule_specs(path)[families.row_name(name)])


def load_tiers(name: str, file: str, rule_spec: Mapping[str, Any]) -> tuple[LoadedRule, ...]:
    """The rule that a file's words make, once for each of its tiers."""

    def make_error(text: str, *keys: str) -> RuleError:
        path = Path(file)
        return error_factory(path, *families.key_path(path, families.row_name(name)))(text, *keys)

    return spec.make_rule(name, file, rule_spec, make_error)
