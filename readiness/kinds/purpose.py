"""What a file is for, by its path: development, tests, builds, or what runs in production."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from readiness.facts.table import column

# A folder of these names says so of all that is in it; `build`, `deploy` and `docker/local` say too little, and `jenkins` or
# `gitlab` may be what is run.
_FOLDERS = re.compile(
    r"\.?(?P<dev>(?:dev|development)(?:-?tools)?|devel|develop|debug|devcontainer|gitpod)|(?P<prod>prod|production|live|staging)"
    r"|(?P<build>crossbuild|builders?|toolchains?)"
    r"|(?P<test>(?:[\w.-]+[._-])?(?:testing|tests?|ci)|\w*testserver|\.ci|testdata|__(?:tests|fixtures)__"
    r"|integration|e2e|qa|bench|benchmarks?"
    r"|\.(?:circleci|github|gitlab|buildkite|cirrus|travis))"
)


@lru_cache(maxsize=512)
def image_purpose(path: str) -> str:
    """dev, test, build, prod or unknown, for a Dockerfile: the words of its name count before its folders."""
    return _purpose_by_names(path, _words("file") | _words("image"))


@lru_cache(maxsize=512)
def compose_purpose(path: str) -> str:
    """dev, test, prod or unknown, for a compose file: the words of its name count before its folders."""
    found = _purpose_by_names(path, _words("file") | _words("compose"))
    return "unknown" if found == "build" else found


def _words(place: str) -> dict[str, str]:
    """What words in the name of a file of some sort say that it is for."""
    return dict(column("purpose-words", place))


def _purpose_by_names(path: str, names: Mapping[str, str]) -> str:
    path, block, inner = path.partition("#")
    name = posixpath.basename(inner if block else path).lower()
    for word in re.split(r"[._-]", name):
        if word in names:
            return names[word]
    folders = () if block else posixpath.dirname(path).lower().split("/")
    for folder in reversed(folders):
        found = _FOLDERS.fullmatch(folder)
        if found:
            return found.lastgroup or "unknown"
    return "unknown"


_SHOWN = re.compile(r"\.?(?:examples?|samples?|demos?|fixtures?|docs?)")


@lru_cache(maxsize=512)
def is_for_trial(path: str) -> bool:
    """Whether a file is for development or tests, or an example, by its path: no outsider meets what it says as it stands."""
    folders = posixpath.dirname(path.partition("#")[0]).lower().split("/")
    return _purpose_by_names(path, _words("file")) in ("dev", "test") or any(
        map(_SHOWN.fullmatch, folders)
    )


_SHELLS = frozenset("sh bash ash dash zsh".split())
_TESTS = frozenset("tox nox pytest py.test ctest rspec phpunit jest".split())
_BUILDERS = frozenset("npm yarn pnpm go cargo mvn gradle make dotnet composer".split())


def is_idle_command(words: Sequence[str]) -> bool:
    """Whether a command only waits, opens a shell, tests or builds: nothing that runs in production."""
    program, rest = posixpath.basename(words[0]) if words else "", list(words[1:3])
    if program in _SHELLS:
        return not rest or rest[0] in ("-i", "-l", "--login")
    if program in ("sleep", "tail"):
        return bool({"infinity", "/dev/null"} & set(words))
    return program in _TESTS or (
        program in _BUILDERS and bool({"test", "tests", "check", "build"} & set(rest))
    )


def is_deployed(part: Any) -> bool:
    """Whether a part of a Dockerfile belongs to an image that is deployed: as its document says."""
    return bool(getattr(part, "step", part).document.deployed)
