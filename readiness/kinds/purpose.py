"""What a file is for, by its path: development, tests, builds, or what runs in production."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from readiness.facts.table import property_by_fact_name
from readiness.model import Purpose, Source, Span
from readiness.model.lazy_regex import lazy_regex
from readiness.model.records import dataclass

# A folder of these names says so of all that is in it; `build`, `deploy` and `docker/local` say too little, and `jenkins` or
# `gitlab` may be what is run.
_PURPOSE_FOLDER = lazy_regex(
    r"\.?(?P<dev>(?:dev|development)(?:-?tools)?|devel|develop|debug|devcontainers?(?:[._-][\w.-]+)?|gitpod"
    r"|local[._-]?(?:dev(?:elopment)?|env(?:ironment)?)|dev(?:elopment)?[._-]env(?:ironment)?)|(?P<prod>prod|production|live|staging)"
    r"|(?P<build>crossbuild|builders?|toolchains?)"
    r"|(?P<test>(?:[\w.-]+[._-])?(?:testing|tests?|ci)|\w*testserver|\.ci|testdata|__(?:tests|fixtures)__"
    r"|suites|smoke|integration|e2e|qa|bench|benchmarks?|playwright|cypress|selenium|puppeteer"
    r"|\.(?:circleci|github|gitlab|buildkite|cirrus|travis))"
)


@lru_cache(maxsize=512)
def dockerfile_purpose(dockerfile_path: str) -> str:
    """dev, test, build, prod or unknown, for a Dockerfile: the words of its name count before its folders."""
    return _purpose_and_reason_by_path(dockerfile_path, _purpose_by_file_name_word("file") | _purpose_by_file_name_word("image"))[0]


@lru_cache(maxsize=512)
def compose_purpose(compose_path: str) -> str:
    """dev, test, prod or unknown, for a compose file: the words of its name count before its folders."""
    purpose = _purpose_and_reason_by_path(compose_path, _purpose_by_file_name_word("file") | _purpose_by_file_name_word("compose"))[0]
    return "unknown" if purpose == "build" else purpose


PURPOSE_BY_PATH_WORD = {"dev": "development", "test": "test", "build": "build"}  # in the words of PURPOSES


def non_production_purpose_by_path(path: str, file_sort: str) -> Purpose | None:
    """What the name of a file or a folder on the way to it says that it is for; None where that may be production.

    `file_sort` is image for Dockerfiles, compose for compose files.
    """
    purpose_word, reason = _purpose_and_reason_by_path(path, _purpose_by_file_name_word("file") | _purpose_by_file_name_word(file_sort))
    return Purpose(PURPOSE_BY_PATH_WORD[purpose_word], reason) if purpose_word in PURPOSE_BY_PATH_WORD else None


def _purpose_by_file_name_word(file_sort: str) -> dict[str, str]:
    """What words in the name of a file of some sort say that it is for."""
    return dict(property_by_fact_name("purpose-words", file_sort))


def _purpose_and_reason_by_path(path: str, purpose_by_word: Mapping[str, str]) -> tuple[str, str]:
    """The purpose and what says so, in the words of a report."""
    path, embedded_marker, embedded_path = path.partition("#")
    file_name = posixpath.basename(embedded_path if embedded_marker else path).lower()
    for file_name_word in re.split(r"[._-]", file_name):
        if file_name_word in purpose_by_word:
            return purpose_by_word[file_name_word], "its name says so"
    folders = () if embedded_marker else posixpath.dirname(path).lower().split("/")
    for folder_name in reversed(folders):
        purpose_folder_match = _PURPOSE_FOLDER.fullmatch(folder_name)
        if purpose_folder_match:
            return purpose_folder_match.lastgroup or "unknown", f"it lies in {folder_name}/"
    return "unknown", ""


_EXAMPLE_FOLDER = lazy_regex(r"\.?(?:examples?|samples?|demos?|fixtures?|docs?)")


@lru_cache(maxsize=512)
def is_non_production_path(path: str) -> bool:
    """Whether a file is for development or tests, or an example, by its path: no outsider meets what it says as it stands."""
    folders = posixpath.dirname(path.partition("#")[0]).lower().split("/")
    return _purpose_and_reason_by_path(path, _purpose_by_file_name_word("file"))[0] in ("dev", "test") or any(map(_EXAMPLE_FOLDER.fullmatch, folders))


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
SignNamePairs = frozenset[frozenset[str]]
COMPOSE_SIGN_PAIRS_THAT_DECIDE: SignNamePairs = frozenset(
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
    signs: Iterable[NonProductionSign],
    ignored_fact_name: str = "",
    *,
    deciding_pairs: SignNamePairs = COMPOSE_SIGN_PAIRS_THAT_DECIDE,
) -> tuple[NonProductionSign, ...]:
    """The signs that say together that a file is not production's: one strong one, or two that fit; none where they do not.

    `ignored_fact_name` is a fact that does not count: a rule is not silenced by what it reports. `deciding_pairs` are the weak ones that fit.
    """
    counted_signs = [one for one in signs if one.fact_name != ignored_fact_name]
    decisive_sign = next((one for one in counted_signs if one.is_decisive), None)
    if decisive_sign is not None:
        return (decisive_sign,)
    for index, first_sign in enumerate(counted_signs):
        for second_sign in counted_signs[index + 1 :]:
            if {first_sign.fact_name, second_sign.fact_name} in deciding_pairs:
                return first_sign, second_sign
    return ()


class HasPurpose:
    """What may run in production. Rules ask `production`; those that report a fact which may itself say that a file is for
    development ask what the rest says, so that no rule is silenced by the fact that it reports."""

    __slots__ = ()

    def is_production(self, ignored_fact_name: str = "") -> bool:
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


_SAMPLE_FOLDER = lazy_regex(
    r"\.?(?:examples?|samples?|demos?)(?:[-_][\w.-]+)?|[\w.-]+[-_](?:examples?|samples?|demos?)"
    r"|quick-?starts?|getting-?started|tutorials?|docs?"
)


_FOLDER_OF_DOCUMENTS = lazy_regex(r"docs?")


def is_example_path(path: str) -> bool:
    """Whether a folder on the way to a file is one of examples by its name; one of documents alone is none."""
    folders = posixpath.dirname(path.partition("#")[0]).lower().split("/")
    return any(_SAMPLE_FOLDER.fullmatch(one) and not _FOLDER_OF_DOCUMENTS.fullmatch(one) for one in folders)


def is_sample_path(path: str) -> bool:
    """Whether a folder on the way to a file is one of examples."""
    folders = posixpath.dirname(path.partition("#")[0]).lower().split("/")
    return any(map(_SAMPLE_FOLDER.fullmatch, folders))


_TEST_DATA_FOLDER = lazy_regex(
    r"(?:^|/)(?:_?testdata|__fixtures__|__snapshots?__|src/test/resources|\.(?:chainsaw|kyverno)-test|cypress/(?:fixtures|snapshots)|fakes?/data"
    r"|(?:tests?|__tests__|specs?|e2e)/(?:[^/]{1,100}/){0,8}fixtures"
    r"|(?:(?:e2e|integration)-tests?|tests?|e2e)/(?:[^/]{1,100}/){0,8}(?:goldens?(?:[_-]files)?|compare|expected|expectations))/"
)


def is_test_data_path(path: str) -> bool:
    """Whether a file lies where languages and tools keep the input of a program's tests, which is old or broken on purpose.

    https://kyverno.io/docs/guides/testing-policies/, https://pkg.go.dev/cmd/go#hdr-Test_packages,
    https://maven.apache.org/guides/introduction/introduction-to-the-standard-directory-layout.html,
    https://docs.cypress.io/app/core-concepts/writing-and-organizing-tests#Fixture-Files
    """
    return bool(_TEST_DATA_FOLDER.search(path))


_GOLDEN_FILE_ENDING = lazy_regex(r"[._-]golden(?:\.(?:ya?ml|json))?\Z")
_GOLDEN_INPUT_OR_OUTPUT_NAME = lazy_regex(r"\.(?P<side>in|out|src|source|input|output|expected|golden)(?P<ending>\.(?:ya?ml|json|conf))\Z")
_GOLDEN_OUTPUT_SIDES_BY_INPUT_SIDE = {"in": ("out",), "src": ("expected",), "source": ("expected",), "input": ("expected", "output", "golden")}


def is_golden_file(file_path: str, known_paths: Collection[str]) -> bool:
    """Whether a file is what a test of a program gives in, or what it expects: `x.in.yaml` beside `x.out.yaml`, `x.src.conf` beside
    `x.expected.conf`, `x.golden.yaml`, `x.yaml` beside `x-expected.yaml`.

    Nobody applies what a program is expected to print.
    """
    if _GOLDEN_FILE_ENDING.search(file_path):
        return True
    path_without_ending, ending = posixpath.splitext(file_path)
    if ending in {".yaml", ".yml", ".json"}:
        input_path = path_without_ending.removesuffix("-expected").removesuffix("_expected") + ending
        if input_path != file_path and input_path in known_paths:
            return True
        if f"{path_without_ending}-expected{ending}" in known_paths or f"{path_without_ending}_expected{ending}" in known_paths:
            return True
    name_match = _GOLDEN_INPUT_OR_OUTPUT_NAME.search(file_path)
    if name_match is None:
        return False
    own_side, path_before_side, ending = name_match["side"], file_path[: name_match.start()], name_match["ending"]
    other_sides = set(_GOLDEN_OUTPUT_SIDES_BY_INPUT_SIDE.get(own_side, ()))
    other_sides |= {one for one, output_sides in _GOLDEN_OUTPUT_SIDES_BY_INPUT_SIDE.items() if own_side in output_sides}
    return any(f"{path_before_side}.{one}{ending}" in known_paths for one in other_sides)


_SHELL_PROGRAMS = frozenset("sh bash ash dash zsh".split())
_TEST_PROGRAMS = frozenset("tox nox pytest py.test ctest rspec phpunit jest".split())
_BUILD_PROGRAMS = frozenset("npm yarn pnpm go cargo mvn gradle make dotnet composer".split())


_INTERPRETER_PROGRAM = lazy_regex(r"(?:jshell|python[\d.]{0,8}|node|irb|ghci|iex|julia|lua[\d.]{0,8}|scala|sbcl|groovysh|php|R)\Z")


def is_interpreter_alone(command_words: Sequence[str]) -> bool:
    """Whether a command is the interpreter of a language without a program, which waits for what somebody types."""
    return len(command_words) == 1 and bool(_INTERPRETER_PROGRAM.match(posixpath.basename(command_words[0])))


def is_non_serving_command(command_words: Sequence[str]) -> bool:
    """Whether a command only waits, opens a shell, tests or builds: nothing that runs in production."""
    program, first_two_arguments = posixpath.basename(command_words[0]) if command_words else "", list(command_words[1:3])
    if program in _SHELL_PROGRAMS:
        return not first_two_arguments or first_two_arguments[0] in ("-i", "-l", "--login")
    if program in ("sleep", "tail"):
        return bool({"infinity", "/dev/null"} & set(command_words))
    return program in _TEST_PROGRAMS or (program in _BUILD_PROGRAMS and bool({"test", "tests", "check", "build"} & set(first_two_arguments)))


def may_be_deployed(source: Source) -> bool:
    """Whether the image of a Dockerfile may run in production: by what it was taken for, else by its path."""
    non_production_purpose = source.purposes.get("") or non_production_purpose_by_path(source.path, "image")
    return non_production_purpose is None or non_production_purpose.is_production


def is_deployed(dockerfile_part: Any) -> bool:
    """Whether a part of a Dockerfile belongs to an image that is deployed: as its document says."""
    return bool(getattr(dockerfile_part, "step", dockerfile_part).document.deployed)
