"""Files that the tests of a program read: no deployment, unless one takes them in or somebody names them."""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import field
from typing import Any

from readiness.loading.discover import DiscoveredFiles
from readiness.loading.programs_read import program_text
from readiness.model import Source
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import is_at_or_below
from readiness.model.records import dataclass


def remove_test_data(discovered: DiscoveredFiles) -> list[Source]:
    """Take the input of programs out of the texts that a walk found; the sources taken."""
    test_data_sources: list[Source] = []
    remaining_sources: list[Source] = []
    compared_folders = ComparedFolders(discovered)
    for source in discovered.sources:
        is_test_data = is_unrequested_test_data(source.path, discovered) or compared_folders.is_unrequested_output(source.path)
        (test_data_sources if is_test_data else remaining_sources).append(source)
    discovered.sources = remaining_sources
    return test_data_sources


def is_unrequested_test_data(file_path: str, discovered: DiscoveredFiles) -> bool:
    """Whether a file was met in a folder of test data by a walk that began outside of it; who names either asks for it."""
    from readiness.kinds.purpose import is_golden_file, is_test_data_path

    if file_path in discovered.named_paths:
        return False
    if is_golden_file(file_path, discovered.paths):
        return True
    if not is_test_data_path(file_path):
        return False
    walked_folders_above = [one for one in map(posixpath.normpath, discovered.walked_folders) if is_at_or_below(file_path, one)]
    paths_below_walked_folders = [file_path if root == "." else file_path.removeprefix(root + "/") for root in walked_folders_above]
    return all(map(is_test_data_path, paths_below_walked_folders))


_EXPECTED_OUTPUT_FOLDER_NAME = lazy_regex(r"goldens?|baselines?|snapshots?|expected|expectations?|wants?")
_COMPARISON_CALL = lazy_regex(
    r"\bcmp\.(?:Diff|Equal)\b|\b(?:assert|require|expect)\b|golden|\bDeepEqual\b|\bbytes\.Equal\(|\.Diff\(t\b|\bUnifiedDiff"
)
_APPLY_COMMAND = lazy_regex(r"[kK]ubectl\w{0,10}[^\n]{0,80}?[aA]pply|\"(?:apply|create)\"")
_JOINT_OF_PATH_WORDS = lazy_regex(r"[\"'],[ ]?[\"']|[\"'][ ]?/[ ]?[\"']")  # of words of a path: filepath.Join("a", "b"), Path("a") / "b"
_MAX_LEVELS_ABOVE_OUTPUT = 3  # folders above the output in which its test is looked for
_MAX_PROGRAMS_PER_FOLDER = 20  # read in a folder
_MAX_PROGRAMS_READ_PER_RUN = 200  # programs read in a run


@dataclass()
class ComparedFolders:
    """The folders of a run whose files a test compares with what its program prints, so that nobody applies them.

    Their name says output (`baseline`, `expected`, `want`), and the program of a test at most three folders above names the
    folder in a string, compares something and applies nothing: pod security has a `baseline` too, and storage `snapshots`.
    """

    discovered: DiscoveredFiles
    _is_compared: dict[str, bool] = field(default_factory=dict)
    _text_by_path: dict[str, str] = field(default_factory=dict)
    _programs: dict[str, list[str]] | None = None

    def is_unrequested_output(self, file_path: str) -> bool:
        """Whether a file lies in such a folder, met by a walk that began outside of it."""
        folder_names = file_path.split("/")[:-1]
        output_folder_indexes = [n for n, one in enumerate(folder_names) if _EXPECTED_OUTPUT_FOLDER_NAME.fullmatch(one.lower())]
        if not output_folder_indexes or file_path in self.discovered.named_paths:
            return False
        output_folders = ["/".join(folder_names[: n + 1]) for n in output_folder_indexes]
        walked_folders = [posixpath.normpath(one) for one in self.discovered.walked_folders]
        return any(
            self._is_output(one) and not any(is_at_or_below(root, one) for root in walked_folders if is_at_or_below(file_path, root))
            for one in output_folders
        )

    def _is_output(self, folder: str) -> bool:
        """Whether the program of a test says that what lies in a folder is only compared."""
        if folder not in self._is_compared:
            self._is_compared[folder] = any(
                _compares_folder_only(program_text_above, folder_suffix) for program_text_above, folder_suffix in self._programs_above(folder)
            )
        return self._is_compared[folder]

    def _programs_above(self, folder: str) -> Iterator[tuple[str, str]]:
        """The programs of tests above a folder, the nearest first, with the way from theirs to it: at most its last two words."""
        if self._programs is None:
            self._programs = _test_program_paths_by_folder(self.discovered)
        folder_above = posixpath.dirname(folder)
        for levels_up in range(1, _MAX_LEVELS_ABOVE_OUTPUT + 1):
            folder_suffix = "/".join(folder.split("/")[-min(levels_up, 2) :])
            for program_path in self._programs.get(folder_above, ())[:_MAX_PROGRAMS_PER_FOLDER]:
                yield self._text_of(program_path), folder_suffix
            if not folder_above:
                return
            folder_above = posixpath.dirname(folder_above)

    def _text_of(self, program_path: str) -> str:
        """The text of a program; empty where it cannot be read, or enough were read."""
        if program_path not in self._text_by_path:
            if len(self._text_by_path) >= _MAX_PROGRAMS_READ_PER_RUN:
                return ""
            self._text_by_path[program_path] = program_text(self.discovered, program_path)
        return self._text_by_path[program_path]


def _test_program_paths_by_folder(discovered: DiscoveredFiles) -> dict[str, list[str]]:
    """The programs of tests that the walk saw, by folder, in order of path."""
    from readiness.kinds.places import TEST_PROGRAM_PATH

    paths_by_folder = defaultdict(list)
    for program_path in sorted(discovered.paths - discovered.passed_over_paths):
        if TEST_PROGRAM_PATH.search("/" + program_path):
            paths_by_folder[posixpath.dirname(program_path)].append(program_path)
    return paths_by_folder


_MARK = "[\"'`/]"  # that ends a name in a string


def _compares_folder_only(program_source_text: str, folder_path: str) -> bool:
    """Whether a test names a folder in a string, compares something, and applies nothing."""
    folder_match = re.search(_MARK + re.escape(folder_path) + _MARK, _JOINT_OF_PATH_WORDS.sub("/", program_source_text))
    return bool(folder_match and _COMPARISON_CALL.search(program_source_text) and not _APPLY_COMMAND.search(program_source_text))


def paths_read_by_compose(compose_documents: Iterable[Any]) -> set[str]:
    """What compose files read beside themselves: files that they include or extend, environment files, Dockerfiles."""
    from readiness.kinds.compose.evidence import included_and_extended_paths
    from readiness.kinds.compose.join import env_file_paths_looked_for
    from readiness.kinds.compose.words import dockerfile_path_of_service

    compose_documents = list(compose_documents)
    paths_read = env_file_paths_looked_for(compose_documents)
    for compose_document in compose_documents:
        paths_read |= included_and_extended_paths(compose_document)
        dockerfile_paths = (dockerfile_path_of_service(service) for service in compose_document.services.values())
        paths_read |= {path for path in dockerfile_paths if path is not None}
    return paths_read
