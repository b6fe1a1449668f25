"""Checks of what package managers leave in a layer: lists and caches, and what takes them out again."""

from __future__ import annotations

import itertools
import posixpath
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from readiness.checks.dockerfile.packages import index_update_alone, is_in_run, is_shipped
from readiness.facts import packages
from readiness.facts.packages import PackageCall
from readiness.facts.wrappers import unwrap_command
from readiness.kinds.dockerfile.model import Step
from readiness.model import CheckOutcome, Undecidable, hit
from readiness.syntax import glob, shell

_HOME_FOLDER = re.compile(r"(?:/root|/home/[^/]+|\$HOME|\$\{HOME\}|~)(?=/|\Z)")
_BRACE_EXPANSION = re.compile(r"\{([^{},]*(?:,[^{},]*)+)\}")
_APT_ARCHIVES_FOLDER = "/var/cache/apt/archives"
# yum is dnf where both are there.
_ONE_CACHE = frozenset({"yum", "dnf", "dnf5"})


@dataclass(frozen=True, slots=True)
class _Removal:
    """What rm or find takes away: paths as they are written, and whether some are unknown."""

    paths: tuple[str, ...]
    is_known: bool

    def removes(self, folder: str) -> bool:
        """Whether it takes away a folder, or what is in it."""
        return any(_path_covers(path, folder) for path in self.paths)


def _path_covers(path: str, folder: str) -> bool:
    """Whether a path, or a pattern, names the folder, one around it, or some of what is in it."""
    parts, wanted = _path_parts(path), _path_parts(folder)
    if not all(itertools.starmap(glob.glob_matches, zip(parts, wanted, strict=False))):
        return False
    return bool(parts) and (len(parts) <= len(wanted) or "*" in parts[-1])


def _path_parts(path: str) -> list[str]:
    return [part for part in _HOME_FOLDER.sub("~", path, count=1).split("/") if part]


def _calls_and_removals(step: Step) -> Iterator[PackageCall | _Removal]:
    """The calls of package managers and the removals, in order."""
    folder = ""
    for whole in sorted(step.script.commands, key=lambda one: one.span.start):
        call, command = packages.package_call(whole), unwrap_command(whole)
        if call is not None:
            yield call
        elif command.program == "cd" and not command.enclosing_constructs:
            folder = command.words[0].value if command.words else "~"
        elif command.program == "rm" or _finds_and_deletes(command):
            words = list(command.words)
            if command.program == "find":  # the folders stand before the tests
                words = list(itertools.takewhile(lambda word: word.value[:1] != "-", words))
            words = [word for word in words if word.value[:1] != "-"]
            known = all(word.is_fully_known or _HOME_FOLDER.match(word.value) for word in words)
            known = known and whole.program != "xargs"
            names = (posixpath.join(folder, name) for word in words for name in _expand_braces(word.value))
            yield _Removal(tuple(names), known)


def _finds_and_deletes(command: shell.SimpleCommand) -> bool:
    return command.program == "find" and bool({"-delete", "rm"} & set(command.unquoted_words))


def _expand_braces(value: str) -> Iterator[str]:
    """The names that one pair of braces stands for."""
    braces = _BRACE_EXPANSION.search(value)
    for name in braces.group(1).split(",") if braces else ("",):
        yield value[: braces.start()] + name + value[braces.end() :] if braces else value


def _is_mounted_over(step: Step, folder: str) -> bool:
    """Whether a cache or tmpfs lies over the folder; the home of another user is one too."""
    wanted = _path_parts(folder)
    for kind in ("cache", "tmpfs"):
        for mount in step.mounts(kind):
            parts = _path_parts(mount.get("target", "").strip("\"'"))
            at_home = wanted[0] == "~" and parts[1 - len(wanted) :] == wanted[1:]
            if parts and (at_home or parts == wanted[: len(parts)]):
                return True
    return False


def package_cache_left(step: Step, *, managers: Sequence[str]) -> CheckOutcome:
    """What a package manager fetches stays in the layer: apt's lists, the cache of the others.

    A RUN that only updates the lists is `index_update_alone`: to remove them there would break the install below it.
    """
    if is_shipped(step):
        if "apt" in managers and not any(True for _ in index_update_alone(step)):
            yield from _apt_lists_left_hits(step)
        yield from _caches_left_hits(step, set(managers) - {"apt"})


def _apt_lists_left_hits(step: Step) -> CheckOutcome:
    """apt's lists stay in the layer, or its packages where nothing else removes them."""
    last: PackageCall | None = None
    install: PackageCall | None = None
    unsure = False
    for action in _calls_and_removals(step):
        if isinstance(action, _Removal):
            unsure = unsure or (last is not None and not action.is_known)
            last = None if action.removes("/var/lib/apt/lists") else last
        elif action.manager.name == "apt":
            install = action if action.is_install else install
            if action.action == "update":
                last, unsure = action, False
            elif action.verb.value in ("distclean", "dist-clean"):
                last = None
    if last is None:
        return
    if unsure:
        yield Undecidable(last.verb.span)
    elif not _is_mounted_over(step, "/var/lib/apt/lists"):
        yield hit(last.verb.span, program=last.program, what="lists", manager="apt")
    elif install and not _is_mounted_over(step, _APT_ARCHIVES_FOLDER) and _is_keeping_packages(step):
        span = install.verb.span
        yield hit(span, program=install.program, what="packages", manager="apt")


def _is_keeping_packages(step: Step) -> bool:
    """Whether the setting of Debian's and Ubuntu's images that removes fetched packages is gone."""
    return is_in_run(step.stage, "docker-clean")


def _caches_left_hits(step: Step, managers: Collection[str]) -> CheckOutcome:
    """The cache of a package manager other than apt stays in the layer."""
    kept, unsure = _kept_caches(step, managers)
    for name, call in kept.items():
        if any(_is_mounted_over(step, folder) for folder in _cache_folders(step, call)):
            continue
        if name in unsure:
            yield Undecidable(call.verb.span)
        else:
            manager = call.manager.name
            yield hit(call.verb.span, program=call.program, action=call.verb.value, manager=manager)


def _kept_caches(step: Step, managers: Collection[str]) -> tuple[dict[str, PackageCall], set[str]]:
    """The last install of each manager whose cache nothing takes out, and those of which a removal may have done so."""
    kept: dict[str, PackageCall] = {}
    unsure: set[str] = set()
    for action in _calls_and_removals(step):
        if isinstance(action, _Removal):
            gone = {name for name, call in kept.items() if _is_removed(step, call, action)}
            kept = {name: call for name, call in kept.items() if name not in gone}
            unsure |= set() if action.is_known else kept.keys()
            continue
        family = "dnf" if action.program in _ONE_CACHE else action.program
        if action.action == "clean":
            kept.pop(family, None)
        elif action.manager.name in managers and action.is_install and not _is_uncached(step, action):
            kept[family] = action
            unsure.discard(family)
    return kept, unsure


def _is_removed(step: Step, call: PackageCall, removal: _Removal) -> bool:
    return any(removal.removes(folder) for folder in _cache_folders(step, call))


def _cache_folders(step: Step, call: PackageCall) -> tuple[str, ...]:
    """Where the call keeps its cache: where it is told to, else where the manager does by itself."""
    for name in call.manager.cache_folder_options:
        value = call.command.option_value(name) if name.startswith("-") else _variable_for(step, call, name)
        if value:
            return (value,)
    return call.manager.cache_folders


def _is_uncached(step: Step, call: PackageCall) -> bool:
    """Whether the call keeps no cache: by an option, a variable, or a setting written before."""
    manager = call.manager
    if manager.no_cache_options and call.command.has_option(*manager.no_cache_options):
        return True
    if any((_variable_for(step, call, name) or "").lower() in _TRUE_TEXTS for name in manager.no_cache_variables):
        return True
    return manager.no_cache_setting is not None and is_in_run(step.stage, manager.no_cache_setting)


_TRUE_TEXTS = frozenset({"1", "on", "yes", "true", "y", "t"})


def _variable_for(step: Step, call: PackageCall, name: str) -> str | None:
    """A variable's value for a command: from the command itself, an export before it, ENV or ARG."""
    for given in call.command.assignments:
        if given.name == name:
            return given.value.value if given.value else ""
    value = step.stage.variable_value(name, step.instruction.span.start)
    for command in step.script.commands:
        if command.span.start < call.command.span.start and command.name in ("", "export"):
            for given in command.assignments:
                if given.name == name:
                    value = given.value.value if given.value else ""
    return value
