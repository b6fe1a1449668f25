"""Files that the tests of a program read: no deployment, unless one takes them in or somebody names them."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from typing import Any

from readiness.loading.discover import DiscoveredFiles
from readiness.model import Source


def take_out(discovered: DiscoveredFiles) -> list[Source]:
    """Take the input of programs out of the texts that a walk found; the sources taken."""
    taken: list[Source] = []
    left: list[Source] = []
    for source in discovered.texts:
        (taken if is_set_aside(source.path, discovered) else left).append(source)
    discovered.texts = left
    return taken


def is_set_aside(path: str, discovered: DiscoveredFiles) -> bool:
    """Whether a file was met in a folder of test data by a walk that began outside of it; who names either asks for it."""
    from readiness.kinds.purpose import is_program_input

    if path in discovered.named or not is_program_input(path):
        return False
    roots = [one for one in map(posixpath.normpath, discovered.folders) if _is_below(path, one)]
    below = [path if root == "." else path.removeprefix(root + "/") for root in roots]
    return all(map(is_program_input, below))


def _is_below(path: str, folder: str) -> bool:
    return folder == "." or path.startswith(folder + "/")


def paths_taken_in(documents: Iterable[Any]) -> set[str]:
    """What compose files read beside themselves: files that they include or extend, environment files, Dockerfiles."""
    from readiness.kinds.compose.evidence import files_taken_in
    from readiness.kinds.compose.join import env_paths_read_by
    from readiness.kinds.compose.words import build_file_of

    documents = list(documents)
    paths = env_paths_read_by(documents)
    for document in documents:
        paths |= files_taken_in(document)
        built = (build_file_of(service) for service in document.services.values())
        paths |= {path for path in built if path is not None}
    return paths
