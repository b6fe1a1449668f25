"""Checks of package managers in RUN; what each command means is in syntax/packages.py."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from readiness.kinds.dockerfile_model import Command, Stage, Step
from readiness.model import Aside, Hit, hit
from readiness.syntax import packages, shell
from readiness.syntax.packages import Call


def calls(step: Step) -> Iterator[Call]:
    """The calls of package managers in a RUN, in order."""
    for command in step.script.commands:
        one = packages.call(command)
        if one is not None:
            yield one


def shipped(step: Step) -> bool:
    """Whether what the step leaves behind is part of the image, or of one built on it."""
    return step.onbuild or step.stage.shipped


def asks(command: Command, *, managers: Sequence[str]) -> Iterator[Hit]:
    """An install that waits for an answer."""
    one = packages.call(command.whole)
    if one is None or one.manager.name not in managers or not one.installs:
        return
    if _yes_from_outside(command.whole) or packages.assumes_yes(one):
        return
    yield hit(one.verb.span, program=one.command.program, action=one.verb.value)


def _yes_from_outside(command: shell.Command) -> bool:
    """Whether `yes |` or the environment answers."""
    return command.pipeline >= 0 and command.position > 0


def unpinned(command: Command, *, managers: Sequence[str]) -> Iterator[Hit]:
    """An install of packages without a version."""
    one = packages.call(command.whole)
    if one is None or one.manager.name not in managers:
        return
    found = packages.unpinned(one)
    if found:
        names = ", ".join(word.value[:60] for word in found[:5])
        more = f" and {len(found) - 5} more" if len(found) > 5 else ""
        yield hit(found[0].span, packages=names + more, program=one.command.program)


def go_unpinned(command: Command) -> Iterator[Hit]:
    """go install, go get or go run of a module without a version."""
    one = command.command
    if one.program != "go" or not one.words:
        return
    manager = packages.BY_PROGRAM["go"]
    rest = [w for w in one.operands(manager.valued) if w.known]
    if len(rest) < 2 or rest[0].value not in ("install", "get", "run"):
        return
    modules = rest[1:2] if rest[0].value == "run" else rest[1:]
    for word in modules:
        value = word.value
        if value.startswith((".", "/", "$")) or value.endswith(".go") or value in ("all", "cmd"):
            continue
        name, at, version = value.partition("@")
        local = rest[0].value != "get" and "." not in name.partition("/")[0]
        if (not at and not local) or version == "latest":
            yield hit(word.span, module=value, action=f"go {rest[0].value}")


def lists_left(step: Step) -> Iterator[Hit]:
    """apt's lists stay in the layer."""
    if not shipped(step):
        return
    last: Call | None = None
    for one in _in_order(step):
        if isinstance(one, Call):
            if one.manager.name == "apt" and one.action == "update":
                last = one
            elif one.manager.name == "apt" and one.verb.value in ("distclean", "dist-clean"):
                last = None
        elif any("apt" in value for value in one.values):
            last = None
    if last is None or _lists_mounted(step):
        return
    yield hit(last.verb.span, program=last.command.program)


def _in_order(step: Step) -> Iterator[Call | shell.Command]:
    """The calls of package managers and the removals, in order."""
    for command in step.script.commands:
        one = packages.call(command)
        if one is not None:
            yield one
        elif command.program in ("rm", "find", "sudo") and command.words:
            yield command


def _mounted(step: Step, folder: str) -> bool:
    """Whether a cache or tmpfs lies over the folder."""
    for kind in ("cache", "tmpfs"):
        for mount in step.mounts(kind):
            target = mount.get("target") or mount.get("dst") or mount.get("destination") or ""
            target = target.strip("\"'").rstrip("/").replace("~", "/root")
            if target and (folder == target or folder.startswith(f"{target}/")):
                return True
    return False


def _lists_mounted(step: Step) -> bool:
    """Whether the lists lie in a mount; packages too, where nothing else removes those."""
    if not _mounted(step, "/var/lib/apt/lists"):
        return False
    if _mounted(step, "/var/cache/apt") or _mounted(step, "/var/cache/apt/archives"):
        return True
    return not any("docker-clean" in scripts(below) for below in step.stage.chain)


def cache_left(step: Step, *, manager: str) -> Iterator[Hit]:
    """A package manager's cache stays in the layer."""
    if not shipped(step):
        return
    left: dict[str, Call] = {}
    for one in _in_order(step):
        if isinstance(one, Call):
            if one.manager.name != manager:
                continue
            program = one.command.program
            if one.installs:
                if not _uncached(step, one):
                    left[program] = one
            elif one.action == "clean":
                left.pop(program, None)
        else:
            removed = packages.BY_PROGRAM[manager].lists
            values = [value.replace("~", "/root").replace("$HOME", "/root") for value in one.values]
            if any(value.startswith(folder) for value in values for folder in removed):
                left.clear()
    if any(_mounted(step, folder) for folder in packages.BY_PROGRAM[manager].lists):
        return
    for one in left.values():
        yield hit(one.verb.span, program=one.command.program, action=one.verb.value)


def _uncached(step: Step, one: Call) -> bool:
    """Whether the call keeps no cache: by an option, or by its environment."""
    if one.manager.uncached and one.command.has(*one.manager.uncached):
        return True
    if one.manager.name == "apk":
        return False
    if one.manager.name == "pip":
        return _pip_uncached(step, one)
    return False


def _pip_uncached(step: Step, one: Call) -> bool:
    if _on(step.stage.lookup("PIP_NO_CACHE_DIR", step.instruction.span.start)):
        return True
    for command in step.script.commands:
        if command.span.start > one.command.span.start:
            return False
        for assignment in command.assignments:
            own = command.name in ("", "export") or command.span.end >= one.command.span.end
            if assignment.name == "PIP_NO_CACHE_DIR" and own and assignment.value:
                return _on(assignment.value.value)
    return False


def _on(value: str | None) -> bool:
    return (value or "").lower() in ("1", "on", "yes", "true", "y", "t")


def recommends(command: Command) -> Iterator[Hit]:
    """apt-get install without --no-install-recommends."""
    one = packages.call(command.whole)
    if one is None or one.manager.name != "apt" or one.verb.value != "install":
        return
    if not shipped(command.step):
        return
    if one.command.program == "aptitude" and one.command.has("-R", "--without-recommends"):
        return
    if one.command.has("--no-install-recommends"):
        return
    if any("Install-Recommends" in word.value for word in one.command.words):
        return
    if not any("Install-Recommends" in scripts(below) for below in command.stage.chain):
        yield hit(one.verb.span, program=one.command.program)


@lru_cache(maxsize=16)
def scripts(stage: Stage) -> str:
    """The text of all RUNs of a stage, those under ONBUILD too, for a look at the whole."""
    return "\n".join(one.body.text for one in stage.instructions if one.keyword == "RUN")


def apt_for_people(command: Command) -> Iterator[Hit]:
    """apt, whose output and options are for people, in a script."""
    if command.program == "apt" and command.command.words:
        yield hit(command.command.name_span)


def update_alone(step: Step) -> Iterator[Hit]:
    """The package index is updated in a RUN that installs nothing."""
    found = [one for one in calls(step) if one.manager.system]
    updates = [one for one in found if one.action == "update"]
    if not updates or any(one.installs for one in found):
        return
    if any(command.program in _OTHER_USERS for command in step.script.commands):
        return
    yield hit(updates[0].verb.span, program=updates[0].command.program)


# Programs that use the index themselves, or hide what they do.
_OTHER_USERS = frozenset({"apt-cache", "mk-build-deps", "xargs", "sh", "bash", "make", "apt-file"})


def distribution_upgrade(command: Command) -> Iterator[Hit]:
    """A distribution upgrade inside a build."""
    one = packages.call(command.whole)
    if one is None or one.manager.name != "zypper":
        return
    if one.verb.value in ("dist-upgrade", "dup"):
        yield hit(one.verb.span, program=one.command.program, action=one.verb.value)


def unlocked(command: Command) -> Iterator[Hit | Aside]:
    """Dependencies of the project are installed without their lock file, or one that may change."""
    one = packages.call(command.whole)
    if one is None or one.packages or one.action != "install":
        yield Aside()
        return
    name = one.manager.name
    if name == "npm":
        loose = one.verb.value != "ci" and not one.command.has(
            "-g", "--global", "--package-lock-only"
        )
    elif name in ("yarn", "pnpm", "bun"):
        loose = not one.command.has(*one.manager.locked) and _installs_project(one)
        loose = loose and name != "pnpm"  # pnpm freezes the lock file where CI is set
    else:
        yield Aside()
        return
    if loose:
        yield hit(one.verb.span, command=f"{name} {one.verb.value}".strip())


def _installs_project(one: Call) -> bool:
    return one.group != "global" and not one.command.has("-g", "--global", "--version", "-v")


_PRODUCTION = ("--omit", "--production", "--prod", "-P", "--only")


def development_dependencies(step: Step) -> Iterator[Hit | Aside]:
    """The final stage installs the dependencies of development too."""
    if not step.stage.final or step.onbuild or not step.stage.whole:
        yield Aside()
        return
    if (step.stage.lookup("NODE_ENV", step.instruction.span.start) or "") == "production":
        return
    found = [
        one
        for one in calls(step)
        if one.manager.name in ("npm", "yarn", "pnpm") and one.action == "install"
    ]
    if not found:
        yield Aside()
    for one in found:
        named = one.packages or one.group == "global" or one.command.has("-g", "--global")
        env = any(a.name == "NODE_ENV" for a in one.command.assignments)
        if named or env or one.command.has(*_PRODUCTION) or _builds(step.stage):
            continue
        yield hit(one.verb.span, program=one.manager.name)


@lru_cache(maxsize=16)
def _builds(stage: Stage) -> bool:
    """Whether the stage also builds, for which it needs them, or prunes them later."""
    return bool(_BUILDS.search(scripts(stage)))


_BUILDS = re.compile(r"\bprune\b|\brun (?:build|compile)|\b(?:yarn|pnpm|npm) build|\bnext build")


_COMPILERS = frozenset({"build-essential", "gcc", "g++", "make", "cmake", "clang", "build-base",
                        "gcc-c++", "base-devel", "autoconf", "automake", "musl-dev", "libc6-dev",
                        "linux-headers", "python3-dev", "python-dev", "libpq-dev"})  # fmt: skip


def compilers(step: Step) -> Iterator[Hit]:
    """The final stage keeps a compiler that the same RUN does not remove."""
    if not step.stage.final or step.onbuild or not step.stage.whole:
        return
    text = step.instruction.body.text
    if re.search(r"\b(?:apk\s+(?:--\S+\s+)*del|purge|autoremove|remove|erase)\b", text):
        return
    for one in calls(step):
        if one.manager.system and one.action == "install":
            names = [word for word in one.packages if word.value.partition("=")[0] in _COMPILERS]
            if names:
                listed = ", ".join(word.value for word in names[:4])
                yield hit(names[0].span, packages=listed)
                return
