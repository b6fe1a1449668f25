"""What the place of a file says that it is for: the folders that it lies in, and its name.

The words were counted over the files of 127 repositories: docs/purpose.md has the numbers. Dockerfiles and compose files have
words of their own (readiness/kinds/purpose.py), which Docker's users give them.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from readiness.kinds.purpose import NonProductionSign, Pairs
from readiness.kinds.readme import DEMO, STUDY, STUDY_FOLDER, TRIAL
from readiness.model import Source, Span
from readiness.model.memo import cached_property
from readiness.model.project import parent_folders

_TEST_FOLDER = re.compile(
    r"(?:(?:unit|integration|acceptance|e2e|smoke|system|load|perf|performance|stress|helm)[._-]?)?tests?|e2e"
    r"|test[._-]?(?:data|suites?|infra)|testing|acceptance|unittests?|__tests__|testdata"
    r"|__fixtures__|fixtures?|kuttl|chainsaw|\.?(?:kyverno|chainsaw)-test|\.(?:github|circleci|gitlab|buildkite|chainsaw)"
    r"|bench(?:marks?)?|suites"
)
_TEST_NAME = re.compile(r"(?:\A|[-_.])(?:tests?|e2e|kind-config|kind-cluster)(?:[-_.]|\Z)")
_SERVED = re.compile(r"(?:\A|[-_.])(?:ab|a-b|speed)[-_.]tests?(?:[-_.]|\Z)")  # services that are called so
_SAMPLE_FOLDER = re.compile(r"(?:[\w.-]+[._-])?samples|\.(?:examples?|samples?)")  # where operators keep them, and hidden ones
_SHOWN_FOLDER = re.compile(
    r"\.?(?:examples?|sample|demos?)(?:[._-][\w.-]+)?|\.?[\w.-]+[._-](?:examples?|sample|demos?)"
    r"|quick-?starts?|getting-?started|tutorials?|playground"
)
_DEMO_PART = re.compile(r"(?:\A|[._-])demos?(?:[._-]|\Z)")
TEST_PROGRAM_PATH = re.compile(r"/[^/]+_test\.(?:go|py|exs)\Z|/test_[^/]+\.py\Z|/[^/]+\.(?:test|spec)\.[cm]?[jt]sx?\Z")
_DEVELOPER_FOLDER = re.compile(
    r"(?:dev|development|devel|local|hack|kind|minikube|k3d|sandbox)(?:[._-](?:env|cluster|environment|setup))?"
    r"|local[._-]?dev(?:elopment)?"
)
_PRODUCTION_FOLDER = re.compile(
    r"(?:prod|production|live|staging)(?:[._-][\w.-]+)?|[\w.-]+[._-](?:prod|production|live|staging)"
)
_SHOWN_NAME = re.compile(r"(?:\A|[-_.])(?:examples?|samples?|demos?)(?:[-_.]|\Z)")
KUSTOMIZATION_PATH = re.compile(r"(?:\A|/)[kK]ustomization(?:\.ya?ml)?\Z")


@dataclass(frozen=True)
class Surroundings:
    """The paths of a tree, and what is looked up in them."""

    paths: Collection[str]

    @cached_property
    def kustomized(self) -> frozenset[str]:
        """The folders with a kustomization, as they are written."""
        return frozenset(posixpath.dirname(posixpath.normpath(one)) for one in self.paths if KUSTOMIZATION_PATH.search(one))

    @cached_property
    def built(self) -> frozenset[str]:
        """The folders with a kustomization, in small letters."""
        return frozenset(one.lower() for one in self.kustomized)

    @cached_property
    def tested(self) -> frozenset[str]:
        """The folders called `integration` that hold the tests of a program beside what they apply."""
        folders = (posixpath.dirname(one) for one in self.paths if "integration/" in one and TEST_PROGRAM_PATH.search(one))
        return frozenset(one.lower() for one in folders if posixpath.basename(one).lower() == "integration")

    @cached_property
    def folders(self) -> frozenset[str]:
        """All folders that hold files, however deep."""
        return _with_folders_above(posixpath.dirname(one).lower() for one in self.paths)

    @cached_property
    def programmed(self) -> frozenset[str]:
        """The folders that hold the sources of a program in Go, however deep; those of examples and scripts are no program."""
        sources = (posixpath.dirname(one).lower() for one in self.paths if one.endswith(".go"))
        return _with_folders_above(one for one in set(sources) if not any(map(_is_aside_of_program, one.split("/"))))


def _with_folders_above(folders: Iterable[str]) -> frozenset[str]:
    todo, found = set(folders), set[str]()
    while todo:
        found |= todo
        todo = {posixpath.dirname(one) for one in todo} - found
    return frozenset(found)


def _is_aside_of_program(folder: str) -> bool:
    """Whether a folder is one of examples or of developers' scripts, as a program has them beside its sources."""
    return folder == "hack" or _SHOWN_FOLDER.fullmatch(folder) is not None


def surroundings(paths: Collection[str]) -> Surroundings:
    """The surroundings of the files of a tree, made once for all kinds of file and all units in it."""
    return _surroundings(frozenset(paths))


@lru_cache(maxsize=1)
def _surroundings(paths: frozenset[str]) -> Surroundings:
    return Surroundings(paths)


def place_signs(path: str, here: Span, around: Surroundings) -> Iterator[NonProductionSign]:
    """What the folders that speak of a purpose say, the nearest first, up to one that decides or one of production.

    `loose`, `sibling` and `program` are things around the nearest one that fit its word. A folder of production ends the
    search, unless a program shows in its examples how it is run there.
    """
    folders = posixpath.dirname(path).lower().split("/")
    weak = False
    for depth in range(len(folders), 0, -1):
        folder, above = folders[depth - 1], folders[: depth - 1]
        if _PRODUCTION_FOLDER.fullmatch(folder):
            if not _lies_in_examples_of_program(above, around):
                return
            continue
        found = _folder_sign(folder, above, here)
        if found is None and "/".join((*above, folder)) in around.tested:
            found = NonProductionSign("place", f"it lies in {folder}/ beside tests of a program", here, True, "test")
        if found is None:
            continue
        if found.is_decisive or not weak:
            yield found
        if found.is_decisive:
            return
        if not weak:
            yield from _signs_around(found, folders, above, around)
        weak = True
        if _is_aside_of_program(folder) and "/".join(above) in around.programmed:
            yield NonProductionSign("program", f"{folder}/ lies beside the sources of a program", here, purpose=found.purpose)


def _lies_in_examples_of_program(folders: Sequence[str], around: Surroundings) -> bool:
    """Whether one of some folders, each in the one before it, holds the examples of a program."""
    return any(
        _SHOWN_FOLDER.fullmatch(folder) and "/".join(folders[:depth]) in around.programmed
        for depth, folder in enumerate(folders)
    )


def _signs_around(
    found: NonProductionSign, folders: list[str], above: list[str], around: Surroundings
) -> Iterator[NonProductionSign]:
    """What fits the word of a folder: that nothing puts its files into a deployment, that production lies beside it."""
    ways = ("/".join(folders[:depth]) for depth in range(1, len(folders) + 1))
    if around.built.isdisjoint(ways):
        yield NonProductionSign("loose", "no kustomization takes it in", found.span, purpose=found.purpose)
    beside = ("/".join((*above, word)) for word in ("prod", "production", "live"))
    if found.purpose == "development" and not around.folders.isdisjoint(beside):
        yield NonProductionSign("sibling", "a directory beside that is called production", found.span)


def _folder_sign(folder: str, above: list[str], here: Span) -> NonProductionSign | None:
    """What one folder says."""
    text = f"it lies in {folder}/"
    if _TEST_FOLDER.fullmatch(folder):
        return NonProductionSign("place", text, here, True, "test")
    if _SAMPLE_FOLDER.fullmatch(folder):
        return NonProductionSign("place", text, here, True, "sample")
    if _SHOWN_FOLDER.fullmatch(folder):
        return NonProductionSign("place", text, here, purpose="sample")
    if STUDY_FOLDER.fullmatch(folder):
        return NonProductionSign("place", text, here, purpose="study")
    if folder == "ci":
        return NonProductionSign("place", text, here, purpose="test")
    if _DEVELOPER_FOLDER.fullmatch(folder) and above[-1:] != ["usr"]:  # /usr/local is everybody's
        return NonProductionSign("place", text, here)
    return None


def readme_signs(source: Source, around: Surroundings) -> Iterator[NonProductionSign]:
    """What the README files at and above a file say of it, each of them a weak sign.

    That a README calls its folder a demonstration counts where the folder is called so, too.
    """
    here, folder = Span(0, 0), posixpath.dirname(source.path).lower()
    if STUDY in source.readme_says:
        yield NonProductionSign("readme", "a README at or above it calls it study material", here, purpose="study")
        ways = (folder, *parent_folders(folder))
        if around.built.isdisjoint(ways) and not any(map(STUDY_FOLDER.fullmatch, folder.split("/"))):
            yield NonProductionSign("loose", "no kustomization takes it in", here, purpose="study")
    elif TRIAL in source.readme_says:
        yield NonProductionSign("readme", "the README beside it says that it is not for production", here)
    if DEMO in source.readme_says and _DEMO_PART.search(posixpath.basename(folder)):
        yield NonProductionSign("shown", f"it lies in {posixpath.basename(folder)}/", here, purpose="demo")
        yield NonProductionSign("readme", "the README beside it calls it a demonstration", here, purpose="demo")


README_PAIRS: Pairs = frozenset(map(frozenset, (("readme", "place"), ("readme", "loose"), ("readme", "shown"))))


def name_signs(path: str, here: Span) -> Iterator[NonProductionSign]:
    """What the name of a file says."""
    name = posixpath.basename(path).lower()
    if _TEST_NAME.search(name) and not _SERVED.search(name):
        yield NonProductionSign("file", "its name says so", here, True, "test")
    elif _SHOWN_NAME.search(name):
        yield NonProductionSign("file", "its name speaks of an example", here, purpose="sample")
