"""Texts that tell what is applied, started or built: their lines that do, and the paths in these."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Set
from enum import Enum

from readiness.loading.discover import PROSE_SUFFIXES
from readiness.loading.render import is_kustomization_path
from readiness.model import Source
from readiness.model.lazy_regex import lazy_regex

MAX_LINE_CHARACTERS = 4_000
"""A longer line is data in one piece (JSON, a certificate) and tells nobody what to run."""

_APPLY_PROGRAMS = r"kubectl|oc|kustomize|kapp|helm|helmfile|flux|argocd|skaffold|envsubst|tanka|ytt"
_CONTAINER_PROGRAMS = r"docker|docker-compose|podman|podman-compose|nerdctl|buildah|buildx|kaniko"
APPLY_COMMAND = lazy_regex(
    r"(?<![\w./-])(?:kubectl|oc)\s[^\n]{0,120}?\b(?:apply|create|replace|process)\b|(?<![\w./-])(?:kustomize\s+build|kapp\s+deploy|skaffold\s+\w)"
)
_COMPOSE_COMMAND = lazy_regex(r"(?<![\w./-])(?:(?:docker|podman|nerdctl)[ -]compose\b|docker\s+stack\s+deploy\b)")
_COMMAND_WORD = lazy_regex(rf"(?<![\w./-])(?:{_APPLY_PROGRAMS}|{_CONTAINER_PROGRAMS}|cd|cp|cat|sed)(?=[\s\"'`]|$)")
# An image takes in whole directories (`COPY . .`, `docker build .`), and applies none of the manifests in them.
_LINE_FOR_IMAGE = lazy_regex(
    rf"(?<![\w./-])(?:{_CONTAINER_PROGRAMS})(?=[\s\"'`]|$)|^[\s{{,-]*[\"']?(?:build|context|dockerfile|project_src|env_file|extends)[\"']?\s*[:=]",
    re.IGNORECASE,
)
_MANIFEST_WORD = lazy_regex(rf"(?<![\w./-])(?:{_APPLY_PROGRAMS}|kube|play)(?=[\s\"'`]|$)")
_KEY_OF_PATHS = lazy_regex(
    r"(?:^|[\s{,-])[\"']?(?:file|files|context|dockerfile|manifests?|path|src|project_src|project_directory|build|chart|env_file|extends|include"
    r"|stack-?file|compose[-_]?files?|working_dir|COMPOSE_FILE|resources|bases|rawYaml|definition)[\"']?\s*[:=]",
    re.IGNORECASE,
)
_LIST_ITEM_WITH_PATH = lazy_regex(r"^\s*-\s+[\"']?[\w./-]+\.(?:ya?ml|env|conf)\b")
_COMMENT_AFTER_CODE = lazy_regex(r"(?<=[^\s#])[ \t]{1,8}#{1,2}[ \t]")
_COPY_INSTRUCTION = lazy_regex(r"^\s*(?:COPY|ADD)\s", re.IGNORECASE)
# What stands before a bare word that is a path (`-f deploy`, `cd deploy`, `build deploy`).
_BEFORE_PATH = lazy_regex(r"(?:(?<![\w-])--?[A-Za-z][\w-]{0,30}[= ]|[`\"'(=]|(?<![\w-])(?:cd|build|cat|cp)[ ])\Z")
_MAX_CHARACTERS_BEFORE_PATH = 40
_VERB = lazy_regex(r"(?:apply|build|deploy|execute|install|launch|run|start|test|use)", re.IGNORECASE)
_PATH_WORD = lazy_regex(r"[\w.@+*-]*(?:/[\w.@+*-]+)*/?")
_PART_OF_NAME = lazy_regex(r"[\w@+-]+(?:\.[\w@+-]+)*|(?<![\w.@+-])\.{1,2}(?![\w.@+-])")  # of any name that a path in a line may end in
_MANIFEST = lazy_regex(r"^apiVersion:", re.MULTILINE)
_DOCKERFILE_NAME = lazy_regex(r"(?:Dockerfile|Containerfile)(?:\.[\w.-]+)?|[\w.-]+\.(?:Dockerfile|dockerfile)")


def may_tell_of_deployment(source: Source) -> bool:
    """Whether a text may say what is deployed: manifests do not, but for kustomizations."""
    return is_kustomization_path(source.path) or not _MANIFEST.search(source.text)


def has_compose_command(source: Source) -> bool:
    """Whether a text starts a compose file."""
    return ("compose" in source.text or "stack" in source.text) and _COMPOSE_COMMAND.search(source.text) is not None


def is_prose_path(path: str) -> bool:
    """Whether a path is of a document for people."""
    return path.lower().endswith(PROSE_SUFFIXES)


def parts_of_names(names: Iterable[str]) -> frozenset[str]:
    """A part of each of some names of files and folders, the longest: a line in which it does not stand has no path to such a one."""
    return frozenset(max(_PART_OF_NAME.findall(name), key=len, default=name) for name in names)


def telling_lines(telling_text: Source, parts_of_known_names: Set[str]) -> Iterator[str]:
    """The lines of a text that is no prose which may apply, start or build a file or folder that is there, those that go on put together.

    A line that is commented out tells something only as a command, by which comments say how a file is used.
    """
    is_kustomization = is_kustomization_path(telling_text.path)
    is_dockerfile = bool(_DOCKERFILE_NAME.fullmatch(posixpath.basename(telling_text.path)))
    for line in telling_text.text.replace("\\\r\n", " ").replace("\\\n", " ").splitlines():
        if len(line) > MAX_LINE_CHARACTERS or parts_of_known_names.isdisjoint(_PART_OF_NAME.findall(line)):
            continue
        is_comment = line.lstrip().startswith("#")
        if (
            (is_kustomization and not is_comment)
            or _COMMAND_WORD.search(line)
            or (is_dockerfile and _COPY_INSTRUCTION.match(line))
            or (not is_comment and (_KEY_OF_PATHS.search(line) or _LIST_ITEM_WITH_PATH.match(line)))
        ):
            yield _COMMENT_AFTER_CODE.split(line, maxsplit=1)[0]


class LineUse(Enum):
    """What a line of a text does with the paths in it."""

    APPLIES = "it applies manifests"
    IMAGE = "it builds or starts images"
    OTHER = "nobody can tell"


def use_of_line(line: str, text_path: str) -> LineUse:
    """What a line does: one that applies manifests may do it in an image."""
    if _DOCKERFILE_NAME.fullmatch(posixpath.basename(text_path)):
        return LineUse.IMAGE
    if APPLY_COMMAND.search(line):
        return LineUse.APPLIES
    return LineUse.IMAGE if _LINE_FOR_IMAGE.search(line) and not _MANIFEST_WORD.search(line) else LineUse.OTHER


def paths_in_line(line: str) -> Iterable[str]:
    """The words of a line that may be paths, normalised; `.` for the folder of the text."""
    for match in _PATH_WORD.finditer(line):
        word = match[0]
        if word.isalnum() and not _is_bare_word_a_path(line, match.span()):
            continue
        path = word.split("*", 1)[0].rstrip("/")
        if not path.strip("."):
            path = "." if path == "." else ""  # `..` and an ellipsis name nothing that is looked up
        if path.strip("/"):
            yield posixpath.normpath(path.strip("/") if path == "." else path.lstrip("/").rstrip("."))


def _is_bare_word_a_path(line: str, word_edges: tuple[int, int]) -> bool:
    """Whether a word without a slash or a dot names a directory: of verbs something has to say that a path comes."""
    word_start, word_end = word_edges
    text_before = line[max(0, word_start - _MAX_CHARACTERS_BEFORE_PATH) : word_start]
    return not _VERB.fullmatch(line, word_start, word_end) or bool(_BEFORE_PATH.search(text_before) or _KEY_OF_PATHS.search(text_before))
