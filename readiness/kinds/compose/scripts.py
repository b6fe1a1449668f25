"""What the scripts of a tree do with compose files and images: which services they start together, which images they build."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping

from readiness.facts.table import property_by_fact_name
from readiness.kinds.compose.model import Service
from readiness.kinds.compose.parts import named_entries
from readiness.model import Source
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import Project
from readiness.model.records import dataclass

_LINE_CONTINUATION = lazy_regex(r"\\[ \t]*\r?\n[ \t]*")
# The program may be kept in a variable of any name that says so: `${dockerCompose} up -d web`, `$(DC) up`.
_COMPOSE_PROGRAM_PATTERN = lazy_regex(
    r"\b(?:docker|podman|nerdctl)(?:[ \t]{1,8}|-)compose\b|\$[({]?\w{0,30}compose\w{0,30}[)}]?|\$[({]?DC[)}]?", re.IGNORECASE
)
_COMMAND_SEPARATOR = lazy_regex(r"[;|&]")
_FILE_OPTION = lazy_regex(r"(?:-f|--file)(?:=|\Z)")
_BUILD_COMMAND = lazy_regex(r"\b(?:docker|podman|nerdctl|buildah)[ \t]+(?:image[ \t]+|buildx[ \t]+)?(?:build|bud)\b(?P<words>[^\n;|&]{0,2000})")
_IMAGE_TAG_OPTION = lazy_regex(r"(?:\A|[ \t])(?:-t|--tag)(?:[ \t]+|=)[\"']?(?P<name>[\w./:-]{1,200})")
_SERVICE_NAME_PATTERN = lazy_regex(r"[\w.-]{1,80}\Z")


@dataclass(frozen=True, slots=True)
class StartCommand:
    """A command of a script that starts services: the names that it gives, none where it starts all of them."""

    folder: str
    names: frozenset[str]
    is_known: bool  # whether every word of it is a name: a variable may stand for any


def compose_up_commands(project: Project) -> tuple[StartCommand, ...]:
    """The commands in the scripts of a project that start services of compose files."""
    return tuple(command for script in project.scripts for command in _compose_up_commands_in_script(script))


def _compose_up_commands_in_script(script: Source) -> Iterator[StartCommand]:
    script_folder = posixpath.dirname(script.path)
    for script_line in _LINE_CONTINUATION.sub(" ", script.text).splitlines():
        if script_line.lstrip().startswith("#"):
            continue
        for compose_program_match in _COMPOSE_PROGRAM_PATTERN.finditer(script_line):
            words_before_up, has_up, words_after_up = _split_words_at_up(
                _COMMAND_SEPARATOR.split(script_line[compose_program_match.end() :], maxsplit=1)[0].split()
            )
            if has_up and not any(map(_FILE_OPTION.match, words_before_up)):  # of another file, it may be
                yield _parse_up_arguments(script_folder, words_after_up)


def _split_words_at_up(command_words: list[str]) -> tuple[list[str], bool, list[str]]:
    """The words of a command before `up` and behind it, and whether it has that."""
    if "up" not in command_words:
        return command_words, False, []
    up_index = command_words.index("up")
    return command_words[:up_index], True, command_words[up_index + 1 :]


def _parse_up_arguments(script_folder: str, words_after_up: Iterable[str]) -> StartCommand:
    service_names: set[str] = set()
    has_only_literal_names = True
    is_option_value_next = False
    for command_word in words_after_up:
        unquoted_word = command_word.strip("\"'`)")
        if is_option_value_next or not unquoted_word:
            is_option_value_next = False
        elif unquoted_word.startswith("-"):
            is_option_value_next = unquoted_word in property_by_fact_name("docker-words", "up-valued")
        elif unquoted_word.startswith((">", "2>", "#")):
            break
        elif _SERVICE_NAME_PATTERN.match(unquoted_word):
            service_names.add(unquoted_word)
        else:
            has_only_literal_names = False
    return StartCommand(script_folder, frozenset(service_names), has_only_literal_names)


def service_groups_started_by_scripts(services_by_name: Mapping[str, Service], compose_folder: str, project: Project) -> list[frozenset[str]]:
    """The services that scripts start together, with what these depend on; none where one starts all, or something unknown.

    A script that stands above the compose file, beside it or in a folder below it is about it where it names its services alone.
    """
    service_name_groups: list[frozenset[str]] = []
    for up_command in project.memoize(compose_up_commands):
        if up_command.folder != compose_folder and not up_command.folder.startswith(compose_folder + "/" if compose_folder else ""):
            continue
        if not up_command.is_known or not up_command.names:
            return []
        if up_command.names <= services_by_name.keys():
            service_name_groups.append(_names_with_dependencies(up_command.names, services_by_name))
    return service_name_groups


def _names_with_dependencies(service_names: Iterable[str], services_by_name: Mapping[str, Service]) -> frozenset[str]:
    """Services with those that must run before them."""
    reached_names: set[str] = set()
    pending_names = list(service_names)
    while pending_names:
        service_name = pending_names.pop()
        if service_name in reached_names or service_name not in services_by_name:
            continue
        reached_names.add(service_name)
        pending_names += [other for other, _ in named_entries(services_by_name[service_name].extended_node.get("depends_on"))]
    return frozenset(reached_names)


def image_names_built_by_scripts(project: Project) -> frozenset[str]:
    """The names, without tags, of the images that the scripts of a project build."""
    tagged_image_names = (
        match["name"]
        for script in project.scripts
        for line in _LINE_CONTINUATION.sub(" ", script.text).splitlines()
        if not line.lstrip().startswith("#")
        for command in _BUILD_COMMAND.finditer(line)
        for match in _IMAGE_TAG_OPTION.finditer(command["words"])
    )
    return frozenset(map(_image_name_without_tag, tagged_image_names))


def _image_name_without_tag(image_name: str) -> str:
    """The name of an image without its tag; the port of a registry is none."""
    repository_prefix, _, last_segment = image_name.rpartition("/")
    return f"{repository_prefix}/{last_segment.partition(':')[0]}" if repository_prefix else last_segment.partition(":")[0]
