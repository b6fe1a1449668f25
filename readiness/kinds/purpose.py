"""What a file is for, by its path: development, tests, builds, or what runs in production."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from readiness.facts.table import fact_column
from readiness.model import Purpose, Source, Span

# A folder of these names says so of all that is in it; `build`, `deploy` and `docker/local` say too little, and `jenkins` or
# `gitlab` may be what is run.
_PURPOSE_FOLDER = re.compile(
    r"\.?(?P<dev>(?:dev|development)(?:-?tools)?|devel|develop|debug|devcontainers?(?:[._-][\w.-]+)?|gitpod"
    r"|local[._-]?(?:dev(?:elopment)?|env(?:ironment)?)|dev(?:elopment)?[._-]env(?:ironment)?)|(?P<prod>prod|production|live|staging)"
    r"|(?P<build>crossbuild|builders?|toolchains?)"
    r"|(?P<test>(?:[\w.-]+[._-])?(?:testing|tests?|ci)|\w*testserver|\.ci|testdata|__(?:tests|fixtures)__"
    r"|suites|integration|e2e|qa|bench|benchmarks?|playwright|cypress|selenium|puppeteer"
    r"|\.(?:circleci|github|gitlab|buildkite|cirrus|travis))"
)


@lru_cache(maxsize=512)
def dockerfile_purpose(path: str) -> str:
    """dev, test, build, prod or unknown, for a Dockerfile: the words of its name count before its folders."""
    return _purpose_by_names(path, _purpose_by_word("file") | _purpose_by_word("image"))[0]


@lru_cache(maxsize=512)
def compose_purpose(path: str) -> str:
    """dev, test, prod or unknown, for a compose file: the words of its name count before its folders."""
    found = _purpose_by_names(path, _purpose_by_word("file") | _purpose_by_word("compose"))[0]
    return "unknown" if found == "build" else found


NAMED = {"dev": "development", "test": "test", "build": "build"}  # in the words of PURPOSES


def purpose_by_name(path: str, sort: str) -> Purpose | None:
    """What the name of a file or a folder on the way to it says that it is for; None where that may be production.

    `sort` is image for Dockerfiles, compose for compose files.
    """
    word, where = _purpose_by_names(path, _purpose_by_word("file") | _purpose_by_word(sort))
    return Purpose(NAMED[word], where) if word in NAMED else None


def _purpose_by_word(file_sort: str) -> dict[str, str]:
    """What words in the name of a file of some sort say that it is for."""
    return dict(fact_column("purpose-words", file_sort))


def _purpose_by_names(path: str, purpose_by_word: Mapping[str, str]) -> tuple[str, str]:
    """The purpose and what says so, in the words of a report."""
    path, block, inner = path.partition("#")
    name = posixpath.basename(inner if block else path).lower()
    for word in re.split(r"[._-]", name):
        if word in purpose_by_word:
            return purpose_by_word[word], "its name says so"
    folders = () if block else posixpath.dirname(path).lower().split("/")
    for folder in reversed(folders):
        match = _PURPOSE_FOLDER.fullmatch(folder)
        if match:
            return match.lastgroup or "unknown", f"it lies in {folder}/"
    return "unknown", ""


_EXAMPLE_FOLDER = re.compile(r"\.?(?:examples?|samples?|demos?|fixtures?|docs?)")


@lru_cache(maxsize=512)
def is_non_production_path(path: str) -> bool:
    """Whether a file is for development or tests, or an example, by its path: no outsider meets what it says as it stands."""
    folders = posixpath.dirname(path.partition("#")[0]).lower().split("/")
    return _purpose_by_names(path, _purpose_by_word("file"))[0] in ("dev", "test") or any(
        map(_EXAMPLE_FOLDER.fullmatch, folders)
    )


@dataclass(frozen=True, slots=True)
class NonProductionSign:
    """One thing in a file that says it is not production's: the fact by name, where it stands, and the words of a report.

    `is_decisive` signs decide alone. `purpose` is what the file would be for.
    """

    fact_name: str
    text: str
    span: Span
    is_decisive: bool = False
    purpose: str = "development"


# Two weak signs decide where neither follows from the other and no file of production was seen with both. A published
# store beside a weak password is no such pair: that is what carelessness in production looks like.
Pairs = frozenset[frozenset[str]]
COMPOSE_PAIRS: Pairs = frozenset(
    map(
        frozenset,
        (
            ("kept", "restarts"),
            ("kept", "published"),
            ("kept", "login"),
            ("kept", "sample"),
            ("restarts", "published"),
            ("restarts", "login"),
            ("restarts", "sample"),
            ("stores", "published"),
            *(("hack", one) for one in ("kept", "restarts", "published", "login", "built", "readme")),
            ("sample", "readme"),
            ("sample", "change"),
            ("sample", "blank"),
        ),
    )
)


def decisive_signs(
    signs: Iterable[NonProductionSign], apart_from: str = "", *, pairs: Pairs = COMPOSE_PAIRS
) -> tuple[NonProductionSign, ...]:
    """The signs that say together that a file is not production's: one strong one, or two that fit; none where they do not.

    `apart_from` is a fact that does not count: a rule is not silenced by what it reports. `pairs` are the weak ones that fit.
    """
    counted = [one for one in signs if one.fact_name != apart_from]
    strong = next((one for one in counted if one.is_decisive), None)
    if strong is not None:
        return (strong,)
    for index, first in enumerate(counted):
        for second in counted[index + 1 :]:
            if {first.fact_name, second.fact_name} in pairs:
                return first, second
    return ()


class HasPurpose:
    """What may run in production. Rules ask `production`; those that report a fact which may itself say that a file is for
    development ask what the rest says, so that no rule is silenced by the fact that it reports."""

    __slots__ = ()

    def is_production(self, apart_from: str = "") -> bool:
        """Whether it may run in production, by all but one fact."""
        raise NotImplementedError

    @property
    def production(self) -> bool:
        """Whether it may run in production."""
        return self.is_production()

    @property
    def production_whatever_restarts(self) -> bool:
        """Whether it may run in production, be anything restarted or not."""
        return self.is_production("restarts")

    @property
    def production_whatever_is_kept(self) -> bool:
        """Whether it may run in production, be data kept in volumes or not."""
        return self.is_production("kept")

    @property
    def production_whatever_is_published(self) -> bool:
        """Whether it may run in production, be a store's port published or not."""
        return self.is_production("published")

    @property
    def production_whatever_is_mounted(self) -> bool:
        """Whether it may run in production, be source code mounted or not."""
        return self.is_production("mounted")

    @property
    def production_whatever_starts(self) -> bool:
        """Whether it may run in production, be a server for development started or not."""
        return self.is_production("command")

    @property
    def production_whatever_lets_in(self) -> bool:
        """Whether it may run in production, be its passwords weak or not."""
        return self.is_production("login")


_SAMPLE_FOLDERS = re.compile(
    r"\.?(?:examples?|samples?|demos?)(?:[-_][\w.-]+)?|[\w.-]+[-_](?:examples?|samples?|demos?)"
    r"|quick-?starts?|getting-?started|tutorials?|docs?"
)


def is_hidden_sample_path(path: str) -> bool:
    """Whether a folder on the way to a file is a hidden one of examples, out of which nothing is run."""
    return not {".example", ".examples", ".sample", ".samples"}.isdisjoint(posixpath.dirname(path).lower().split("/"))


def is_sample_path(path: str) -> bool:
    """Whether a folder on the way to a file is one of examples."""
    folders = posixpath.dirname(path.partition("#")[0]).lower().split("/")
    return any(map(_SAMPLE_FOLDERS.fullmatch, folders))


_PROGRAM_INPUT = re.compile(
    r"(?:^|/)(?:testdata|__fixtures__|__snapshots?__|src/test/resources|\.(?:chainsaw|kyverno)-test|cypress/(?:fixtures|snapshots)"
    r"|(?:tests?|__tests__|specs?|e2e)/(?:[^/]{1,100}/){0,8}fixtures"
    r"|(?:tests?|e2e)/(?:[^/]{1,100}/){0,8}goldens?(?:[_-]files)?)/"
)


def is_test_data_path(path: str) -> bool:
    """Whether a file lies where languages and tools keep the input of a program's tests, which is old or broken on purpose.

    https://kyverno.io/docs/guides/testing-policies/, https://pkg.go.dev/cmd/go#hdr-Test_packages,
    https://maven.apache.org/guides/introduction/introduction-to-the-standard-directory-layout.html,
    https://docs.cypress.io/app/core-concepts/writing-and-organizing-tests#Fixture-Files
    """
    return bool(_PROGRAM_INPUT.search(path))


_GOLDEN_WORD = re.compile(r"[._-]golden(?:\.(?:ya?ml|json))?\Z")
_GOLDEN_NAME = re.compile(r"\.(?P<side>in|out)(?P<ending>\.(?:ya?ml|json))\Z")


def is_golden_file(path: str, paths: Collection[str]) -> bool:
    """Whether a file is what a test of a program gives in, or what it expects: `x.in.yaml` beside `x.out.yaml`, `x.golden.yaml`.

    Nobody applies what a program is expected to print.
    """
    if _GOLDEN_WORD.search(path):
        return True
    found = _GOLDEN_NAME.search(path)
    if found is None:
        return False
    other = "out" if found["side"] == "in" else "in"
    return f"{path[: found.start()]}.{other}{found['ending']}" in paths


_SHELL_PROGRAMS = frozenset("sh bash ash dash zsh".split())
_TEST_PROGRAMS = frozenset("tox nox pytest py.test ctest rspec phpunit jest".split())
_BUILD_PROGRAMS = frozenset("npm yarn pnpm go cargo mvn gradle make dotnet composer".split())


def is_non_serving_command(words: Sequence[str]) -> bool:
    """Whether a command only waits, opens a shell, tests or builds: nothing that runs in production."""
    program, rest = posixpath.basename(words[0]) if words else "", list(words[1:3])
    if program in _SHELL_PROGRAMS:
        return not rest or rest[0] in ("-i", "-l", "--login")
    if program in ("sleep", "tail"):
        return bool({"infinity", "/dev/null"} & set(words))
    return program in _TEST_PROGRAMS or (program in _BUILD_PROGRAMS and bool({"test", "tests", "check", "build"} & set(rest)))


def may_be_deployed(source: Source) -> bool:
    """Whether the image of a Dockerfile may run in production: by what it was taken for, else by its path."""
    taken = source.purposes.get("") or purpose_by_name(source.path, "image")
    return taken is None or taken.is_production


def is_deployed(part: Any) -> bool:
    """Whether a part of a Dockerfile belongs to an image that is deployed: as its document says."""
    return bool(getattr(part, "step", part).document.deployed)
