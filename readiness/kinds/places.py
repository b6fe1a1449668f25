"""What the place of a file says that it is for: the folders that it lies in, and its name.

The words were counted over the files of 127 repositories: docs/purpose.md has the numbers. Dockerfiles and compose files have
words of their own (readiness/kinds/purpose.py), which Docker's users give them.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache

from readiness.kinds.purpose import NonProductionSign, SignNamePairs
from readiness.kinds.readme import (
    README_WORD_DEMO,
    README_WORD_SAMPLE_PAGE,
    README_WORD_STUDY,
    README_WORD_TEST_FOLDER,
    README_WORD_TRIAL,
    STUDY_FOLDER,
)
from readiness.model import Source, Span
from readiness.model.lazy_regex import lazy_regex
from readiness.model.memo import cached_property
from readiness.model.project import parent_folders
from readiness.model.records import dataclass

_TEST_FOLDER = lazy_regex(
    r"(?:(?:unit|integration|acceptance|e2e|smoke|system|load|perf|performance|stress|helm)[._-]?)?tests?|_tests?|e2e"
    r"|_?test[._-]?(?:data|suites?|infra)|testing|acceptance|unittests?|__tests__|testdata"
    r"|__fixtures__|fixtures?|kuttl|chainsaw|\.?(?:kyverno|chainsaw)-test|\.(?:github|circleci|gitlab|buildkite|chainsaw)"
    r"|bench(?:marks?)?|suites|smoke"
)
_TEST_FILE_NAME = lazy_regex(r"(?:\A|[-_.])(?:tests?|e2e|kind-config|kind-cluster)(?:[-_.]|\Z)")
_SERVICE_NAME_WITH_TEST = lazy_regex(r"(?:\A|[-_.])(?:ab|a-b|speed)[-_.]tests?(?:[-_.]|\Z)")  # services that are called so
_SAMPLE_FOLDER = lazy_regex(r"(?:[\w.-]+[._-])?samples|\.(?:examples?|samples?|archived?)")  # where operators keep them, and hidden ones
_EXAMPLE_OR_DEMO_FOLDER = lazy_regex(
    r"\.?(?:examples?|sample|demos?)(?:[._-][\w.-]+)?|\.?[\w.-]+[._-](?:examples?|sample|demos?)"
    r"|quick-?starts?|getting-?started|tutorials?|playground"
)
_NAMED_INVALID = lazy_regex(r"(?:\A|[-_.])(?:invalid|malformed|faulty)(?:[-_.]|\Z)")
_DEMO_WORD_IN_FOLDER_NAME = lazy_regex(r"(?:\A|[._-])demos?(?:[._-]|\Z)")
TEST_PROGRAM_PATH = lazy_regex(r"/[^/]+_test\.(?:go|py|exs)\Z|/test_[^/]+\.py\Z|/[^/]+\.(?:test|spec)\.[cm]?[jt]sx?\Z")
_DEVELOPER_FOLDER = lazy_regex(
    r"(?:dev|development|devel|local|hack|kind|minikube|k3d|sandbox)(?:[._-](?:env|cluster|environment|setup))?"
    r"|local[._-]?dev(?:elopment)?"
)
_PRODUCTION_FOLDER = lazy_regex(r"(?:prod|production|live|staging)(?:[._-][\w.-]+)?|[\w.-]+[._-](?:prod|production|live|staging)")
_EXAMPLE_FILE_NAME = lazy_regex(r"(?:\A|[-_.])(?:examples?|samples?|demos?)(?:[-_.]|\Z)")
KUSTOMIZATION_PATH = lazy_regex(r"(?:\A|/)[kK]ustomization(?:\.ya?ml)?\Z")


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
        test_program_folders = (posixpath.dirname(one) for one in self.paths if "integration/" in one and TEST_PROGRAM_PATH.search(one))
        return frozenset(one.lower() for one in test_program_folders if posixpath.basename(one).lower() == "integration")

    @cached_property
    def folders(self) -> frozenset[str]:
        """All folders that hold files, however deep."""
        return _with_folders_above(posixpath.dirname(one).lower() for one in self.paths)

    @cached_property
    def programmed(self) -> frozenset[str]:
        """The folders that hold the sources of a program in Go, however deep; those of examples and scripts are no program."""
        go_source_folders = (posixpath.dirname(one).lower() for one in self.paths if one.endswith(".go"))
        return _with_folders_above(one for one in set(go_source_folders) if not any(map(_is_example_or_script_folder, one.split("/"))))


def _with_folders_above(folders: Iterable[str]) -> frozenset[str]:
    pending_folders, all_folders = set(folders), set[str]()
    while pending_folders:
        all_folders |= pending_folders
        pending_folders = {posixpath.dirname(one) for one in pending_folders} - all_folders
    return frozenset(all_folders)


def _is_example_or_script_folder(folder_name: str) -> bool:
    """Whether a folder is one of examples or of developers' scripts, as a program has them beside its sources."""
    return folder_name == "hack" or _EXAMPLE_OR_DEMO_FOLDER.fullmatch(folder_name) is not None


def surroundings(paths_of_tree: Collection[str]) -> Surroundings:
    """The surroundings of the files of a tree, made once for all kinds of file and all units in it."""
    return _surroundings(frozenset(paths_of_tree))


@lru_cache(maxsize=1)
def _surroundings(paths_of_tree: frozenset[str]) -> Surroundings:
    return Surroundings(paths_of_tree)


def folder_signs(file_path: str, sign_span: Span, tree_paths: Surroundings) -> Iterator[NonProductionSign]:
    """What the folders that speak of a purpose say, the nearest first, up to one that decides or one of production.

    `loose`, `sibling` and `program` are things around the nearest one that fit its word. A folder of production ends the
    search, unless a program shows in its examples how it is run there.
    """
    folder_names = posixpath.dirname(file_path).lower().split("/")
    has_weak_sign = False
    for depth in range(len(folder_names), 0, -1):
        folder_name, folders_above = folder_names[depth - 1], folder_names[: depth - 1]
        if _PRODUCTION_FOLDER.fullmatch(folder_name):
            if not _lies_in_examples_of_program(folders_above, tree_paths):
                return
            continue
        sign = _folder_sign(folder_name, folders_above, sign_span)
        if sign is None and "/".join((*folders_above, folder_name)) in tree_paths.tested:
            sign = NonProductionSign("place", f"it lies in {folder_name}/ beside tests of a program", sign_span, True, "test")
        if sign is None:
            continue
        if sign.is_decisive or not has_weak_sign:
            yield sign
        if sign.is_decisive:
            return
        if not has_weak_sign:
            yield from _signs_supporting_folder_sign(sign, folder_names, folders_above, tree_paths)
        has_weak_sign = True
        if _is_example_or_script_folder(folder_name) and "/".join(folders_above) in tree_paths.programmed:
            yield NonProductionSign("program", f"{folder_name}/ lies beside the sources of a program", sign_span, purpose=sign.purpose)


def _lies_in_examples_of_program(folders: Sequence[str], tree_paths: Surroundings) -> bool:
    """Whether one of some folders, each in the one before it, holds the examples of a program."""
    return any(
        _EXAMPLE_OR_DEMO_FOLDER.fullmatch(folder) and "/".join(folders[:depth]) in tree_paths.programmed for depth, folder in enumerate(folders)
    )


def _signs_supporting_folder_sign(
    folder_sign: NonProductionSign, folders: list[str], folders_above: list[str], tree_paths: Surroundings
) -> Iterator[NonProductionSign]:
    """What fits the word of a folder: that nothing puts its files into a deployment, that production lies beside it."""
    folder_and_parent_paths = ("/".join(folders[:depth]) for depth in range(1, len(folders) + 1))
    if tree_paths.built.isdisjoint(folder_and_parent_paths):
        yield NonProductionSign("loose", "no kustomization takes it in", folder_sign.span, purpose=folder_sign.purpose)
    sibling_production_folders = ("/".join((*folders_above, word)) for word in ("prod", "production", "live"))
    if folder_sign.purpose == "development" and not tree_paths.folders.isdisjoint(sibling_production_folders):
        yield NonProductionSign("sibling", "a directory beside that is called production", folder_sign.span)


def _folder_sign(folder_name: str, folders_above: list[str], sign_span: Span) -> NonProductionSign | None:
    """What one folder says."""
    sign_text = f"it lies in {folder_name}/"
    if _TEST_FOLDER.fullmatch(folder_name):
        return NonProductionSign("place", sign_text, sign_span, True, "test")
    if _SAMPLE_FOLDER.fullmatch(folder_name):
        return NonProductionSign("place", sign_text, sign_span, True, "sample")
    if _EXAMPLE_OR_DEMO_FOLDER.fullmatch(folder_name):
        return NonProductionSign("place", sign_text, sign_span, purpose="sample")
    if STUDY_FOLDER.fullmatch(folder_name):
        return NonProductionSign("place", sign_text, sign_span, purpose="study")
    if folder_name == "ci":
        return NonProductionSign("place", sign_text, sign_span, purpose="test")
    if _DEVELOPER_FOLDER.fullmatch(folder_name) and folders_above[-1:] != ["usr"]:  # /usr/local is everybody's
        return NonProductionSign("place", sign_text, sign_span)
    return None


def is_named_invalid_among_trials(file_path: str) -> bool:
    """Whether a file in a directory of tests, samples or examples is called invalid, so that it is not to parse.

    Not what is called broken: so people call, too, what they mean to mend.
    """
    *folders, file_name = file_path.lower().split("/")
    is_among_trials = any(_TEST_FOLDER.fullmatch(one) or _SAMPLE_FOLDER.fullmatch(one) or _EXAMPLE_OR_DEMO_FOLDER.fullmatch(one) for one in folders)
    return is_among_trials and _NAMED_INVALID.search(file_name) is not None


TEST_FOLDER_SIGN_TEXT = "a README above it says that its directory is for tests"
SAMPLE_PAGE_SIGN_TEXT = "a README at or above it says that it is all examples or a demonstration"


def readme_signs(source: Source, tree_paths: Surroundings) -> Iterator[NonProductionSign]:
    """What the README files at and above a file say of it: weak signs but for those that call all of it a sample or tests.

    That a README calls its folder a demonstration counts where the folder is called so, too.
    """
    sign_span, source_folder = Span(0, 0), posixpath.dirname(source.path).lower()
    if README_WORD_SAMPLE_PAGE in source.readme_says:
        yield NonProductionSign("sample-page", SAMPLE_PAGE_SIGN_TEXT, sign_span, True, "sample")
    if README_WORD_TEST_FOLDER in source.readme_says:
        yield NonProductionSign("test-folder", TEST_FOLDER_SIGN_TEXT, sign_span, True, "test")
    if README_WORD_STUDY in source.readme_says:
        yield NonProductionSign("readme", "a README at or above it calls it study material", sign_span, purpose="study")
        folder_and_parents = (source_folder, *parent_folders(source_folder))
        if tree_paths.built.isdisjoint(folder_and_parents) and not any(map(STUDY_FOLDER.fullmatch, source_folder.split("/"))):
            yield NonProductionSign("loose", "no kustomization takes it in", sign_span, purpose="study")
    elif README_WORD_TRIAL in source.readme_says:
        yield NonProductionSign("readme", "the README beside it says that it is not for production", sign_span)
    if README_WORD_DEMO in source.readme_says and _DEMO_WORD_IN_FOLDER_NAME.search(posixpath.basename(source_folder)):
        yield NonProductionSign("shown", f"it lies in {posixpath.basename(source_folder)}/", sign_span, purpose="demo")
        yield NonProductionSign("readme", "the README beside it calls it a demonstration", sign_span, purpose="demo")


README_SIGN_PAIRS_THAT_DECIDE: SignNamePairs = frozenset(map(frozenset, (("readme", "place"), ("readme", "loose"), ("readme", "shown"))))


def file_name_signs(file_path: str, sign_span: Span) -> Iterator[NonProductionSign]:
    """What the name of a file says."""
    file_name = posixpath.basename(file_path).lower()
    if _TEST_FILE_NAME.search(file_name) and not _SERVICE_NAME_WITH_TEST.search(file_name):
        yield NonProductionSign("file", "its name says so", sign_span, True, "test")
    elif _EXAMPLE_FILE_NAME.search(file_name):
        yield NonProductionSign("file", "its name speaks of an example", sign_span, purpose="sample")
