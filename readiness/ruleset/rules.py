"""Rule files: where they are, and from YAML to the rules that a run holds."""

from __future__ import annotations

import itertools
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from readiness.model import PROFILE_LEVELS, Rule
from readiness.model.lazy_regex import lazy_regex
from readiness.model.package import PACKAGE_FOLDER
from readiness.ruleset import families, rule_file, spec
from readiness.ruleset.bound import LoadedRule
from readiness.ruleset.rule_file import (
    RULE_NAME_REGEX,
    RuleError,
    load_rule_spec,
    rule_error_factory,
    rule_file_display_path,
)
from readiness.syntax import compiled

RULE_GROUPS = ("dockerfile", "compose", "k8s", "nginx", "ci", "project", "core")
_RULE_SUBFOLDERS = tuple(folder for group in RULE_GROUPS for folder in (group, f"{group}/{families.FAMILIES_FOLDER}"))
SHELLCHECK_RULE_SELECTOR = lazy_regex(r"shell(?:/(?:SC\d{0,4})?)?")  # ids, and prefixes of ids, of rules that other programs bring
MAX_RULE_FILES_PER_FOLDER = 500  # rules of somebody's own, and the bytes of their files together
MAX_BYTES_PER_RULES_FOLDER = 4 * 1024 * 1024


@cache
def rules_folder() -> Path:
    """Where the tool's own rules are: inside the installed package, or beside it in a checkout."""
    packaged_rules_folder = PACKAGE_FOLDER / "_rules"
    return packaged_rules_folder if packaged_rules_folder.is_dir() else PACKAGE_FOLDER.parent / "rules"


def rule_ids_and_files(rule_folders: Sequence[Path], rule_groups: Iterable[str] = RULE_GROUPS) -> Iterator[tuple[str, str]]:
    """(id, file) of every rule under the roots, in order; a later root may not reuse an id."""
    seen_rule_ids: set[str] = set()
    for rule_folder in rule_folders:
        for group in rule_groups:
            for stem, rule_file_path in sorted(_rule_names_and_files(rule_folder, group)):
                rule_id = f"{group}/{stem}"
                if rule_id in seen_rule_ids:
                    error_text = f"there is a rule {rule_id} already; give this one another name"
                    raise RuleError(rule_file_display_path(Path(rule_file_path)), error_text)
                seen_rule_ids.add(rule_id)
                yield rule_id, rule_file_path


def _rule_names_and_files(rule_folder: Path, group: str) -> Iterator[tuple[str, str]]:
    """(name, file) of the rules of a group: one for each file, and for each row of a family file."""
    for file_stem in compiled.yaml_file_stems(rule_folder / group):
        yield file_stem, f"{rule_folder}/{group}/{file_stem}.yaml"
    families_folder = rule_folder / group / families.FAMILIES_FOLDER
    for file_stem in compiled.yaml_file_stems(families_folder):
        family_file = families_folder / f"{file_stem}.yaml"
        rule_spec_by_name = (
            _rule_specs_by_family_file(families_folder)[file_stem]
            if rule_folder == rules_folder()
            else families.verified_rule_spec_by_name(family_file)
        )
        yield from ((name, str(family_file)) for name in rule_spec_by_name)


def verify_own_rules_folder(own_rules_folder: Path) -> None:
    """Raise RuleError for a folder of somebody's own that has no rules, too many, or links that lead out of it."""
    total_bytes = 0
    try:
        resolved_folder = own_rules_folder.resolve()
        for subfolder in _RULE_SUBFOLDERS:
            if not Path(os.path.realpath(own_rules_folder / subfolder)).is_relative_to(resolved_folder):
                raise RuleError(
                    rule_file_display_path(own_rules_folder / subfolder), "a link leads out of the directory of rules; copy the files here"
                )
        relative_paths = list(relative_rule_file_paths(own_rules_folder))
    except (OSError, RuntimeError, ValueError) as error:
        failure_reason = getattr(error, "strerror", None) or "it is no directory"
        raise RuleError(rule_file_display_path(own_rules_folder), f"cannot be read: {failure_reason.lower()}") from None
    for item_count, relative_path in enumerate(relative_paths, 1):
        rule_path = own_rules_folder / relative_path
        if not RULE_NAME_REGEX.fullmatch(rule_path.stem):
            raise RuleError(rule_file_display_path(rule_path), "rules have names such as image-tag-latest; rename the file")
        if resolved_folder not in Path(os.path.realpath(rule_path)).parents:
            raise RuleError(rule_file_display_path(rule_path), "a link leads out of the directory of rules; copy the file here")
        if not rule_path.is_file():
            raise RuleError(rule_file_display_path(rule_path), "is no file that can be read")
        total_bytes += rule_path.stat().st_size
        _verify_folder_limits(own_rules_folder, item_count, total_bytes)
    if relative_paths:
        _refuse_stray_rule_files(own_rules_folder)
    if not relative_paths:
        example_paths_text = ", ".join(f"{group}/NAME.yaml" for group in RULE_GROUPS[:3])
        raise RuleError(
            rule_file_display_path(own_rules_folder),
            f"there is no rule in this directory; rules are {example_paths_text} and so on",
        )
    for item_count, _ in enumerate(rule_ids_and_files([own_rules_folder]), 1):
        _verify_folder_limits(own_rules_folder, item_count, total_bytes)


def _refuse_stray_rule_files(own_rules_folder: Path) -> None:
    """Raise RuleError for a file beside the directories of the kinds, or one with another ending in them: it would be read by nobody."""
    for subfolder in ("", *_RULE_SUBFOLDERS):
        folder = own_rules_folder / subfolder
        names = sorted(one.name for one in folder.iterdir())[: 2 * MAX_RULE_FILES_PER_FOLDER] if folder.is_dir() else []
        endings = (".yml",) if subfolder else (".yaml", ".yml")
        for name in names:
            if name.endswith(endings) and not name.startswith(".") and (folder / name).is_file():
                advice = (
                    f"name it {name.removesuffix('.yml')}.yaml"
                    if subfolder
                    else f"put it into a directory of its kind, as k8s/{Path(name).stem}.yaml"
                )
                raise RuleError(rule_file_display_path(folder / name), f"no rule is read from here; {advice}")


def relative_rule_file_paths(rule_folder: Path) -> Iterator[str]:
    """The files of rules and of families under a root, by their paths in it."""
    for subfolder in _RULE_SUBFOLDERS:
        yield from (f"{subfolder}/{stem}.yaml" for stem in compiled.yaml_file_stems(rule_folder / subfolder))


def _verify_folder_limits(own_rules_folder: Path, rule_count: int, total_bytes: int) -> None:
    if rule_count > MAX_RULE_FILES_PER_FOLDER or total_bytes > MAX_BYTES_PER_RULES_FOLDER:
        limits_text = f"{MAX_RULE_FILES_PER_FOLDER} files and {MAX_BYTES_PER_RULES_FOLDER // 1024**2} MiB"
        raise RuleError(rule_file_display_path(own_rules_folder), f"a directory of rules holds {limits_text} at most")


def _rule_specs_by_family_file(group_folder: Path) -> dict[str, Any]:
    """What the tool's own family files of a group say, by file."""
    return compiled.load_yaml_folder(group_folder, families.rule_spec_by_name_in_family) if group_folder.is_dir() else {}


def load_all_rule_ids(own_rule_folders: Sequence[Path] = ()) -> list[str]:
    """The id of every rule there is, from the names of the files alone. Raises RuleError."""
    for own_rule_folder in own_rule_folders:
        verify_own_rules_folder(own_rule_folder)
    return [name for name, _ in rule_ids_and_files([rules_folder(), *own_rule_folders])]


def load_rules(
    own_rule_folders: Sequence[Path] = (),
    rule_groups: Iterable[str] = RULE_GROUPS,
    profile_levels: Sequence[str] = PROFILE_LEVELS,
) -> list[LoadedRule]:
    """The rules of the tool and of the given folders, each tier by itself. Raises RuleError with the file and the line.

    Only those of `needed_rule_groups` and `profile_levels` are read whole, and those that stand on secrets whatever their level: a
    run over one manifest need not know what there is to say of workflows.
    """
    own_loaded_rules = []
    if own_rule_folders:
        shipped_rule_ids = {name for name, _ in rule_ids_and_files([rules_folder()], rule_groups)}
        for own_rule_folder in own_rule_folders:
            verify_own_rules_folder(own_rule_folder)
        own_loaded_rules = _load_verified_own_rules(own_rule_folders, rule_groups, shipped_rule_ids)
    return [*load_shipped_rules(tuple(rule_groups), tuple(profile_levels)), *own_loaded_rules]


def _load_verified_own_rules(own_rule_folders: Sequence[Path], rule_groups: Iterable[str], shipped_rule_ids: Collection[str]) -> list[LoadedRule]:
    """The rules of the given folders, each held against what there is. Raises RuleError."""
    from readiness.ruleset.verification import new_regex_step_counter, verify_rule

    own_rules: list[LoadedRule] = []
    regex_step_counter = new_regex_step_counter()
    for rule_id, rule_file_path in rule_ids_and_files(own_rule_folders, rule_groups):
        if rule_id in shipped_rule_ids:
            error_text = f"there is a rule {rule_id} already; give this one another name"
            raise RuleError(rule_file_display_path(Path(rule_file_path)), error_text)
        for loaded_rule in read_own_rule_tiers(rule_id, Path(rule_file_path)):
            verify_rule(loaded_rule, regex_step_counter)
            own_rules.append(loaded_rule)
    return own_rules


@cache
def load_shipped_rules(rule_groups: tuple[str, ...], profile_levels: tuple[str, ...]) -> tuple[LoadedRule, ...]:
    """The rules that ship with the tool, read once a process."""
    loaded_rules: list[LoadedRule] = []
    for group in rule_groups:
        group_folder = rules_folder() / group
        families_folder = group_folder / families.FAMILIES_FOLDER
        names_files_and_specs = [
            (file_stem, f"{group_folder}/{file_stem}.yaml", single_rule_spec)
            for file_stem, single_rule_spec in compiled.load_yaml_folder(group_folder, load_rule_spec).items()
        ]
        for file_stem, rule_spec_by_name in _rule_specs_by_family_file(families_folder).items():
            names_files_and_specs += [
                (rule_name, f"{families_folder}/{file_stem}.yaml", single_rule_spec) for rule_name, single_rule_spec in rule_spec_by_name.items()
            ]
        for rule_name, rule_file_path, single_rule_spec in sorted(names_files_and_specs, key=lambda one: one[0]):
            if _has_any_level(single_rule_spec, profile_levels):
                loaded_tiers = make_loaded_tiers(f"{group}/{rule_name}", rule_file_path, single_rule_spec)
                has_to_load_all_tiers = len(loaded_tiers) == 1 or loaded_tiers[0].rule.marks_secrets
                loaded_rules += (one for one in loaded_tiers if has_to_load_all_tiers or one.rule.tier_by_name(one.tier).level in profile_levels)
    return tuple(loaded_rules)


def _has_any_level(rule_spec: Mapping[str, Any], profile_levels: Sequence[str]) -> bool:
    """Whether a rule's words, or those of one of its tiers, are of a level."""
    return "tiers" in rule_spec or rule_spec.get("level", PROFILE_LEVELS[0]) in profile_levels or rule_spec.get("hides") is True


def rules_without_repeated_tiers(loaded_rules: Iterable[LoadedRule]) -> list[Rule]:
    """The rules, each once whatever its tiers."""
    return [next(same).rule for _, same in itertools.groupby(loaded_rules, key=lambda one: one.rule.id)]


def read_own_rule_tiers(rule_id: str, rule_file_path: Path) -> tuple[LoadedRule, ...]:
    """The rule of a file of somebody's own, once for each of its tiers. Raises RuleError."""
    if not families.is_family_file(rule_file_path):
        return make_loaded_tiers(rule_id, str(rule_file_path), rule_file.load_verified_rule_spec(rule_file_path))
    return make_loaded_tiers(rule_id, str(rule_file_path), families.verified_rule_spec_by_name(rule_file_path)[families.family_row_name(rule_id)])


def make_loaded_tiers(rule_id: str, rule_file_path: str, rule_spec: Mapping[str, Any]) -> tuple[LoadedRule, ...]:
    """The rule that a file's words make, once for each of its tiers."""

    def make_error(problem_text: str, *key_names: str) -> RuleError:
        path = Path(rule_file_path)
        return rule_error_factory(path, *families.key_path_in_rule_file(path, families.family_row_name(rule_id)))(problem_text, *key_names)

    return spec.make_loaded_rule_tiers(rule_id, rule_file_path, rule_spec, make_error)
