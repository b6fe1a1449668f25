"""Files that the tests of a program read: no deployment, unless one takes them in or somebody names them."""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from readiness.loading.discover import DiscoveredFiles
from readiness.loading.programs_read import program_text
from readiness.model import Source


def remove_test_data(discovered: DiscoveredFiles) -> list[Source]:
    """Take the input of programs out of the texts that a walk found; the sources taken."""
    taken: list[Source] = []
    left: list[Source] = []
    compared = ComparedFolders(discovered)
    for source in discovered.sources:
        found = is_unrequested_test_data(source.path, discovered) or compared.is_unrequested_output(source.path)
        (taken if found else left).append(source)
    discovered.sources = left
    return taken


def is_unrequested_test_data(path: str, discovered: DiscoveredFiles) -> bool:
    """Whether a file was met in a folder of test data by a walk that began outside of it; who names either asks for it."""
    from readiness.kinds.purpose import is_golden_file, is_test_data_path

    if path in discovered.named_paths:
        return False
    if is_golden_file(path, discovered.paths):
        return True
    if not is_test_data_path(path):
        return False
    roots = [one for one in map(posixpath.normpath, discovered.walked_folders) if _is_below(path, one)]
    below = [path if root == "." else path.removeprefix(root + "/") for root in roots]
    return all(map(is_test_data_path, below))


_OUTPUT_FOLDER = re.compile(r"goldens?|baselines?|snapshots?|expected|expectations?|wants?")
_COMPARES = re.compile(r"\bcmp\.(?:Diff|Equal)\b|\b(?:assert|require|expect)\b|golden|\bDeepEqual\b")
_APPLIES = re.compile(r"[kK]ubectl\w{0,10}[^\n]{0,80}?[aA]pply|\"(?:apply|create)\"")
_JOINT = re.compile(r"[\"'],[ ]?[\"']|[\"'][ ]?/[ ]?[\"']")  # of words of a path: filepath.Join("a", "b"), Path("a") / "b"
_LEVELS = 3  # folders above the output in which its test is looked for
_MAX_PROGRAMS = 20  # read in a folder
_MAX_READ = 200  # programs read in a run


@dataclass
class ComparedFolders:
    """The folders of a run whose files a test compares with what its program prints, so that nobody applies them.

    Their name says output (`baseline`, `expected`, `want`), and the program of a test at most three folders above names the
    folder in a string, compares something and applies nothing: pod security has a `baseline` too, and storage `snapshots`.
    """

    discovered: DiscoveredFiles
    _is_compared: dict[str, bool] = field(default_factory=dict)
    _text_by_path: dict[str, str] = field(default_factory=dict)
    _programs: dict[str, list[str]] | None = None

    def is_unrequested_output(self, path: str) -> bool:
        """Whether a file lies in such a folder, met by a walk that began outside of it."""
        parts = path.split("/")[:-1]
        found = [n for n, one in enumerate(parts) if _OUTPUT_FOLDER.fullmatch(one.lower())]
        if not found or path in self.discovered.named_paths:
            return False
        folders = ["/".join(parts[: n + 1]) for n in found]
        walked = [posixpath.normpath(one) for one in self.discovered.walked_folders]
        return any(
            self._is_output(one) and not any(root == one or _is_below(root, one) for root in walked if _is_below(path, root))
            for one in folders
        )

    def _is_output(self, folder: str) -> bool:
        """Whether the program of a test says that what lies in a folder is only compared."""
        if folder not in self._is_compared:
            self._is_compared[folder] = any(_compares(text, named) for text, named in self._programs_above(folder))
        return self._is_compared[folder]

    def _programs_above(self, folder: str) -> Iterator[tuple[str, str]]:
        """The programs of tests above a folder, the nearest first, with the way from theirs to it: at most its last two words."""
        if self._programs is None:
            self._programs = _test_programs(self.discovered)
        above = posixpath.dirname(folder)
        for level in range(1, _LEVELS + 1):
            named = "/".join(folder.split("/")[-min(level, 2) :])
            for path in self._programs.get(above, ())[:_MAX_PROGRAMS]:
                yield self._text_of(path), named
            if not above:
                return
            above = posixpath.dirname(above)

    def _text_of(self, path: str) -> str:
        """The text of a program; empty where it cannot be read, or enough were read."""
        if path not in self._text_by_path:
            if len(self._text_by_path) >= _MAX_READ:
                return ""
            self._text_by_path[path] = program_text(self.discovered, path)
        return self._text_by_path[path]


def _test_programs(discovered: DiscoveredFiles) -> dict[str, list[str]]:
    """The programs of tests that the walk saw, by folder, in order of path."""
    from readiness.kinds.places import TEST_PROGRAM_PATH

    found = defaultdict(list)
    for path in sorted(discovered.paths - discovered.passed_over_paths):
        if TEST_PROGRAM_PATH.search("/" + path):
            found[posixpath.dirname(path)].append(path)
    return found


_MARK = "[\"'`/]"  # that ends a name in a string


def _compares(program: str, folder: str) -> bool:
    """Whether a test names a folder in a string, compares something, and applies nothing."""
    named = re.search(_MARK + re.escape(folder) + _MARK, _JOINT.sub("/", program))
    return bool(named and _COMPARES.search(program) and not _APPLIES.search(program))


def _is_below(path: str, folder: str) -> bool:
    return folder == "." or path.startswith(folder + "/")


def paths_read_by_compose(documents: Iterable[Any]) -> set[str]:
    """What compose files read beside themselves: files that they include or extend, environment files, Dockerfiles."""
    from readiness.kinds.compose.evidence import included_and_extended_paths
    from readiness.kinds.compose.join import env_paths_read_by
    from readiness.kinds.compose.words import dockerfile_of_service

    documents = list(documents)
    paths = env_paths_read_by(documents)
    for document in documents:
        paths |= included_and_extended_paths(document)
        built = (dockerfile_of_service(service) for service in document.services.values())
        paths |= {path for path in built if path is not None}
    return paths
