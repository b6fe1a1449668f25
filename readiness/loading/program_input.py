"""Files that the tests of a program read: no deployment, unless one takes them in or somebody names them."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from typing import Any

from readiness.loading.discover import DiscoveredFiles
from readiness.model import Source


def remove_test_data(discovered: DiscoveredFiles) -> list[Source]:
    """Take the input of programs out of the texts that a walk found; the sources taken."""
    taken: list[Source] = []
    left: list[Source] = []
    for source in discovered.sources:
        (taken if is_unrequested_test_data(source.path, discovered) else left).append(source)
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
