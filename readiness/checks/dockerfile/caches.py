"""Checks of what package managers leave in a layer: lists and caches, and what takes them out again."""

from __future__ import annotations

import itertools
import posixpath
from collections.abc import Collection, Iterator, Sequence

from readiness.checks.dockerfile.packages import index_update_alone, is_in_run_text, is_shipped
from readiness.facts import packages
from readiness.facts.packages import PackageCall
from readiness.facts.wrappers import unwrap_command
from readiness.kinds.dockerfile.model import Step
from readiness.model import CheckOutcome, Undecidable, hit
from readiness.model.lazy_regex import lazy_regex
from readiness.model.records import dataclass
from readiness.syntax import glob, shell

_HOME_FOLDER_PREFIX = lazy_regex(r"(?:/root|/home/[^/]+|\$HOME|\$\{HOME\}|~)(?=/|\Z)")
_BRACE_EXPANSION = lazy_regex(r"\{([^{},]*(?:,[^{},]*)+)\}")
_APT_ARCHIVES_FOLDER = "/var/cache/apt/archives"
# yum is dnf where both are there.
_PROGRAMS_SHARING_DNF_CACHE = frozenset({"yum", "dnf", "dnf5"})


@dataclass(frozen=True, slots=True)
class _Removal:
    """What rm or find takes away: paths as they are written, and whether some are unknown."""

    paths: tuple[str, ...]
    is_known: bool

    def removes(self, folder: str) -> bool:
        """Whether it takes away a folder, or what is in it."""
        return any(_does_path_cover_folder(path, folder) for path in self.paths)


def _does_path_cover_folder(path_pattern: str, folder: str) -> bool:
    """Whether a path, or a pattern, names the folder, one around it, or some of what is in it."""
    pattern_parts, folder_parts = _path_parts(path_pattern), _path_parts(folder)
    if not all(itertools.starmap(glob.glob_matches, zip(pattern_parts, folder_parts, strict=False))):
        return False
    return bool(pattern_parts) and (len(pattern_parts) <= len(folder_parts) or "*" in pattern_parts[-1])


def _path_parts(folder_path: str) -> list[str]:
    return [part for part in _HOME_FOLDER_PREFIX.sub("~", folder_path, count=1).split("/") if part]


def _package_calls_and_removals(step: Step) -> Iterator[PackageCall | _Removal]:
    """The calls of package managers and the removals, in order."""
    current_folder = ""
    for command_with_wrapper in sorted(step.script.commands, key=lambda one: one.span.start):
        package_call, inner_command = packages.package_call(command_with_wrapper), unwrap_command(command_with_wrapper)
        if package_call is not None:
            yield package_call
        elif inner_command.program == "cd" and not inner_command.enclosing_constructs:
            current_folder = inner_command.words[0].value if inner_command.words else "~"
        elif inner_command.program == "rm" or _is_find_with_deletion(inner_command):
            removed_words = list(inner_command.words)
            if inner_command.program == "find":  # the folders stand before the tests
                removed_words = list(itertools.takewhile(lambda word: word.value[:1] != "-", removed_words))
            removed_words = [word for word in removed_words if word.value[:1] != "-"]
            are_all_paths_known = all(word.is_fully_known or _HOME_FOLDER_PREFIX.match(word.value) for word in removed_words)
            are_all_paths_known = are_all_paths_known and command_with_wrapper.program != "xargs"
            removed_paths = (posixpath.join(current_folder, name) for word in removed_words for name in _expand_braces(word.value))
            yield _Removal(tuple(removed_paths), are_all_paths_known)


def _is_find_with_deletion(command: shell.SimpleCommand) -> bool:
    return command.program == "find" and bool({"-delete", "rm"} & set(command.unquoted_words))


def _expand_braces(path_text: str) -> Iterator[str]:
    """The names that one pair of braces stands for."""
    brace_match = _BRACE_EXPANSION.search(path_text)
    for alternative in brace_match.group(1).split(",") if brace_match else ("",):
        yield path_text[: brace_match.start()] + alternative + path_text[brace_match.end() :] if brace_match else path_text


def _has_cache_or_tmpfs_mount(step: Step, folder: str) -> bool:
    """Whether a cache or tmpfs lies over the folder; the home of another user is one too."""
    folder_parts = _path_parts(folder)
    for mount_type in ("cache", "tmpfs"):
        for mount_options in step.mounts(mount_type):
            target_parts = _path_parts(mount_options.get("target", "").strip("\"'"))
            is_same_folder_in_home = folder_parts[0] == "~" and target_parts[1 - len(folder_parts) :] == folder_parts[1:]
            if target_parts and (is_same_folder_in_home or target_parts == folder_parts[: len(target_parts)]):
                return True
    return False


def package_cache_left(step: Step, *, managers: Sequence[str]) -> CheckOutcome:
    """What a package manager fetches stays in the layer: apt's lists, the cache of the others.

    A RUN that only updates the lists is `index_update_alone`: to remove them there would break the install below it.
    """
    if is_shipped(step):
        if "apt" in managers and not any(True for _ in index_update_alone(step)):
            yield from _apt_lists_left_hits(step)
        yield from _non_apt_caches_left_hits(step, set(managers) - {"apt"})


def _apt_lists_left_hits(step: Step) -> CheckOutcome:
    """apt's lists stay in the layer, or its packages where nothing else removes them."""
    last_update: PackageCall | None = None
    last_install: PackageCall | None = None
    may_be_removed = False
    for call_or_removal in _package_calls_and_removals(step):
        if isinstance(call_or_removal, _Removal):
            may_be_removed = may_be_removed or (last_update is not None and not call_or_removal.is_known)
            last_update = None if call_or_removal.removes("/var/lib/apt/lists") else last_update
        elif call_or_removal.manager.name == "apt":
            last_install = call_or_removal if call_or_removal.is_install else last_install
            if call_or_removal.action == "update":
                last_update, may_be_removed = call_or_removal, False
            elif call_or_removal.verb.value in ("distclean", "dist-clean"):
                last_update = None
    if last_update is None:
        return
    if may_be_removed:
        yield Undecidable(last_update.verb.span)
    elif not _has_cache_or_tmpfs_mount(step, "/var/lib/apt/lists"):
        yield hit(last_update.verb.span, program=last_update.program, what="lists", manager="apt")
    elif last_install and not _has_cache_or_tmpfs_mount(step, _APT_ARCHIVES_FOLDER) and _is_docker_clean_setting_removed(step):
        install_span = last_install.verb.span
        yield hit(install_span, program=last_install.program, what="packages", manager="apt")


def _is_docker_clean_setting_removed(step: Step) -> bool:
    """Whether the setting of Debian's and Ubuntu's images that removes fetched packages is gone."""
    return is_in_run_text(step.stage, "docker-clean")


def _non_apt_caches_left_hits(step: Step, managers: Collection[str]) -> CheckOutcome:
    """The cache of a package manager other than apt stays in the layer."""
    install_by_program, possibly_removed_programs = _installs_with_kept_cache(step, managers)
    for program_name, install_call in install_by_program.items():
        if any(_has_cache_or_tmpfs_mount(step, folder) for folder in _cache_folders_of_call(step, install_call)):
            continue
        if program_name in possibly_removed_programs:
            yield Undecidable(install_call.verb.span)
        else:
            manager_name = install_call.manager.name
            yield hit(install_call.verb.span, program=install_call.program, action=install_call.verb.value, manager=manager_name)


def _installs_with_kept_cache(step: Step, managers: Collection[str]) -> tuple[dict[str, PackageCall], set[str]]:
    """The last install of each manager whose cache nothing takes out, and those of which a removal may have done so."""
    install_by_program: dict[str, PackageCall] = {}
    possibly_removed_programs: set[str] = set()
    for call_or_removal in _package_calls_and_removals(step):
        if isinstance(call_or_removal, _Removal):
            removed_programs = {name for name, call in install_by_program.items() if _is_cache_removed(step, call, call_or_removal)}
            install_by_program = {name: call for name, call in install_by_program.items() if name not in removed_programs}
            possibly_removed_programs |= set() if call_or_removal.is_known else install_by_program.keys()
            continue
        cache_program = "dnf" if call_or_removal.program in _PROGRAMS_SHARING_DNF_CACHE else call_or_removal.program
        if call_or_removal.action == "clean":
            install_by_program.pop(cache_program, None)
        elif call_or_removal.manager.name in managers and call_or_removal.is_install and not _keeps_no_cache(step, call_or_removal):
            install_by_program[cache_program] = call_or_removal
            possibly_removed_programs.discard(cache_program)
    return install_by_program, possibly_removed_programs


def _is_cache_removed(step: Step, package_call: PackageCall, removal: _Removal) -> bool:
    return any(removal.removes(folder) for folder in _cache_folders_of_call(step, package_call))


def _cache_folders_of_call(step: Step, package_call: PackageCall) -> tuple[str, ...]:
    """Where the call keeps its cache: where it is told to, else where the manager does by itself."""
    for option_or_variable in package_call.manager.cache_folder_options:
        folder_setting = (
            package_call.command.option_value(option_or_variable)
            if option_or_variable.startswith("-")
            else _variable_value_for_call(step, package_call, option_or_variable)
        )
        if folder_setting:
            return (folder_setting,)
    return package_call.manager.cache_folders


def _keeps_no_cache(step: Step, package_call: PackageCall) -> bool:
    """Whether the call keeps no cache: by an option, a variable, or a setting written before."""
    manager = package_call.manager
    if manager.no_cache_options and package_call.command.has_option(*manager.no_cache_options):
        return True
    if any((_variable_value_for_call(step, package_call, name) or "").lower() in _TRUE_VARIABLE_VALUES for name in manager.no_cache_variables):
        return True
    return manager.no_cache_setting is not None and is_in_run_text(step.stage, manager.no_cache_setting)


_TRUE_VARIABLE_VALUES = frozenset({"1", "on", "yes", "true", "y", "t"})


def _variable_value_for_call(step: Step, package_call: PackageCall, variable_name: str) -> str | None:
    """A variable's value for a command: from the command itself, an export before it, ENV or ARG."""
    for assignment in package_call.command.assignments:
        if assignment.name == variable_name:
            return assignment.value.value if assignment.value else ""
    variable_value = step.stage.variable_value(variable_name, step.instruction.span.start)
    for earlier_command in step.script.commands:
        if earlier_command.span.start < package_call.command.span.start and earlier_command.name in ("", "export"):
            for assignment in earlier_command.assignments:
                if assignment.name == variable_name:
                    variable_value = assignment.value.value if assignment.value else ""
    return variable_value
