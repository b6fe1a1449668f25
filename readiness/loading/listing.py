"""What `--show-files` lists: every file of a walk, and why it was judged or not."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from readiness import tree_paths
from readiness.facts.table import property_by_fact_name
from readiness.loading.discover import DiscoveredFiles

REASON_OF_NAME = "of no kind that readiness reads, by its name"


class ListedFile(NamedTuple):
    """A file, or a directory that was not entered (with a slash at its end): its path, what became of it, and why."""

    path: str
    status: str
    reason: str


def listed_files(discovered: DiscoveredFiles, judged_rows: Iterable[tuple[str, str, str]]) -> list[ListedFile]:
    """Every file that was seen, by path. `judged_rows` are (path, what became of it, why) of those that were opened."""
    row_by_path: Mapping[str, tuple[str, str]] = {path: (status, reason) for path, status, reason in judged_rows}
    listed = [ListedFile(path, *row) for path, row in row_by_path.items()]
    listed += _unopened_files(discovered, row_by_path)
    listed += _passed_over_files(discovered, row_by_path)
    return sorted(listed)


def _unopened_files(discovered: DiscoveredFiles, row_by_path: Mapping[str, object]) -> Iterator[ListedFile]:
    """The files of which no row tells: their names say that they are nobody's, or they are read for joins alone."""
    for path in discovered.paths - row_by_path.keys():
        if path in discovered.context.paths:
            yield ListedFile(path, "context", "read for what the judged files say of it; not judged")
        elif not os.path.isdir(discovered.base / path):  # noqa: PTH112
            yield ListedFile(path, "skipped", REASON_OF_NAME)


def _passed_over_files(discovered: DiscoveredFiles, row_by_path: Mapping[str, object]) -> Iterator[ListedFile]:
    """What a walk passed over: by `exclude`, by .gitignore, as a vendored directory, or as a link."""
    for path in discovered.passed_over_paths - row_by_path.keys():
        full_path = discovered.base / path
        is_folder = os.path.isdir(full_path) and not os.path.islink(full_path)  # noqa: PTH112, PTH114
        exclude_glob = discovered.ignore_rules.glob_excluding_named_path(path)
        name = posixpath.basename(path)
        if exclude_glob:
            reason = f"left out by exclude: {exclude_glob}"
        elif tree_paths.is_version_control_name(name) or (is_folder and name in property_by_fact_name("folders", "vendored")):
            reason = "a directory of version control or of other people's code"
        elif os.path.islink(full_path):  # noqa: PTH114
            reason = "a link; its target is read where it stands"
        else:
            reason = "left out by .gitignore"
        yield ListedFile(f"{path}/" if is_folder else path, "skipped", reason)
