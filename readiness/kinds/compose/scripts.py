"""What the scripts of a tree do with compose files and images: which services they start together, which images they build."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from readiness.facts.table import fact_column
from readiness.kinds.compose.model import Service
from readiness.kinds.compose.parts import named_entries
from readiness.model import Source
from readiness.model.project import Project

_CONTINUED_LINE = re.compile(r"\\[ \t]*\r?\n[ \t]*")
# The program may be kept in a variable of any name that says so: `${dockerCompose} up -d web`, `$(DC) up`.
_COMPOSE_PROGRAM = re.compile(
    r"\b(?:docker|podman|nerdctl)(?:[ \t]{1,8}|-)compose\b|\$[({]?\w{0,30}compose\w{0,30}[)}]?|\$[({]?DC[)}]?", re.IGNORECASE
)
_COMMAND_END = re.compile(r"[;|&]")
_FILE_OPTION = re.compile(r"(?:-f|--file)(?:=|\Z)")
_BUILD_COMMAND = re.compile(
    r"\b(?:docker|podman|nerdctl|buildah)[ \t]+(?:image[ \t]+|buildx[ \t]+)?(?:build|bud)\b(?P<words>[^\n;|&]{0,2000})"
)
_TAG_OPTION = re.compile(r"(?:\A|[ \t])(?:-t|--tag)(?:[ \t]+|=)[\"']?(?P<name>[\w./:-]{1,200})")
_SERVICE_NAME = re.compile(r"[\w.-]{1,80}\Z")


@dataclass(frozen=True, slots=True)
class StartCommand:
    """A command of a script that starts services: the names that it gives, none where it starts all of them."""

    folder: str
    names: frozenset[str]
    is_known: bool  # whether every word of it is a name: a variable may stand for any


def start_commands(project: Project) -> tuple[StartCommand, ...]:
    """The commands in the scripts of a project that start services of compose files."""
    return tuple(command for script in project.scripts for command in _commands_in(script))


def _commands_in(script: Source) -> Iterator[StartCommand]:
    folder = posixpath.dirname(script.path)
    for line in _CONTINUED_LINE.sub(" ", script.text).splitlines():
        if line.lstrip().startswith("#"):
            continue
        for match in _COMPOSE_PROGRAM.finditer(line):
            options, found, words = _parted_at_up(_COMMAND_END.split(line[match.end() :], maxsplit=1)[0].split())
            if found and not any(map(_FILE_OPTION.match, options)):  # of another file, it may be
                yield _start_command(folder, words)


def _parted_at_up(words: list[str]) -> tuple[list[str], bool, list[str]]:
    """The words of a command before `up` and behind it, and whether it has that."""
    if "up" not in words:
        return words, False, []
    at = words.index("up")
    return words[:at], True, words[at + 1 :]


def _start_command(folder: str, words: Iterable[str]) -> StartCommand:
    names: set[str] = set()
    is_known = True
    skip = False
    for word in words:
        bare = word.strip("\"'`)")
        if skip or not bare:
            skip = False
        elif bare.startswith("-"):
            skip = bare in fact_column("docker-words", "up-valued")
        elif bare.startswith((">", "2>", "#")):
            break
        elif _SERVICE_NAME.match(bare):
            names.add(bare)
        else:
            is_known = False
    return StartCommand(folder, frozenset(names), is_known)


def groups_started_by_scripts(services: Mapping[str, Service], folder: str, project: Project) -> list[frozenset[str]]:
    """The services that scripts start together, with what these depend on; none where one starts all, or something unknown.

    A script that stands above the compose file, beside it or in a folder below it is about it where it names its services alone.
    """
    groups: list[frozenset[str]] = []
    for command in project.memoize(start_commands):
        if command.folder != folder and not command.folder.startswith(folder + "/" if folder else ""):
            continue
        if not command.is_known or not command.names:
            return []
        if command.names <= services.keys():
            groups.append(_with_dependencies(command.names, services))
    return groups


def _with_dependencies(names: Iterable[str], services: Mapping[str, Service]) -> frozenset[str]:
    """Services with those that must run before them."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in found or name not in services:
            continue
        found.add(name)
        waiting += [other for other, _ in named_entries(services[name].extended_node.get("depends_on"))]
    return frozenset(found)


def images_built_by_scripts(project: Project) -> frozenset[str]:
    """The names, without tags, of the images that the scripts of a project build."""
    names = (
        match["name"]
        for script in project.scripts
        for line in _CONTINUED_LINE.sub(" ", script.text).splitlines()
        if not line.lstrip().startswith("#")
        for command in _BUILD_COMMAND.finditer(line)
        for match in _TAG_OPTION.finditer(command["words"])
    )
    return frozenset(map(_without_tag, names))


def _without_tag(name: str) -> str:
    """The name of an image without its tag; the port of a registry is none."""
    head, _, last = name.rpartition("/")
    return f"{head}/{last.partition(':')[0]}" if head else last.partition(":")[0]
