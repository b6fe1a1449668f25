"""The findings of an earlier revision: its tree as git's objects say, written out and judged."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from readiness.programs import git
from readiness.triage import baseline

MAX_BYTES_PER_FILE = 10 << 20  # of a file that is written out; the walk reads none that is larger
MAX_TREE_BYTES = 2 << 30  # bytes of all files that are written out
MAX_LINK_TARGET_BYTES = 4096  # bytes of where a link leads


@contextmanager
def checkout_revision(git_reference: str, later_reference: str = "HEAD") -> Iterator[Path]:
    """A folder that holds the working directory's tree as it was where this branch, or another, left `git_reference`.

    The files are what git's objects say, with no filter, line ending or attribute applied; nothing in the repository
    is run. A submodule is an empty folder. A file over the limit of the walk is one that is over it here too, and empty.
    Raises BaselineError.
    """
    import tempfile

    with tempfile.TemporaryDirectory(prefix="readiness-") as temporary_folder:
        tree_folder = Path(temporary_folder, "tree")
        (tree_folder / ".git").mkdir(parents=True)  # it is a repository's tree, as this one is
        try:
            merge_base_commit = git.merge_base(git_reference, later_reference)
            _write_tree(list(git.tree_entries(merge_base_commit, git.working_directory_in_repository())), tree_folder, git_reference)
        except git.GitError as error:
            raise baseline.BaselineError(f"--since: {error}") from None
        except OSError as error:
            error_reason = (error.strerror or type(error).__name__).lower()
            raise baseline.BaselineError(
                f"--since: the files at {git_reference!r} cannot be written to {tempfile.gettempdir()}: {error_reason}"
            ) from None
        yield tree_folder


def _write_tree(tree_entries: Sequence[git.TreeEntry], tree_folder: Path, git_reference: str) -> None:
    """Write the entries of a tree into a folder. Raises BaselineError where they are too much."""
    blobs_to_write = [one for one in tree_entries if one.kind == "blob" and one.size <= MAX_BYTES_PER_FILE]
    total_bytes = sum(one.size for one in blobs_to_write)
    if total_bytes > MAX_TREE_BYTES:
        raise baseline.BaselineError(
            f"--since: the files at {git_reference!r} are {total_bytes >> 20} MiB, over the limit of {MAX_TREE_BYTES >> 20} MiB;"
            " run it in a directory of the repository"
        )
    for entry, blob_content in git.blob_contents(blobs_to_write):
        with _open_new_file(tree_folder, entry.path) as file:
            file.write(blob_content)
    for entry in tree_entries:
        if entry.kind == "commit":
            (tree_folder / entry.path).mkdir(parents=True, exist_ok=True)
        elif entry.kind == "blob" and entry.size > MAX_BYTES_PER_FILE:
            with _open_new_file(tree_folder, entry.path) as file:
                file.truncate(MAX_BYTES_PER_FILE + 1)
    link_entries = [one for one in tree_entries if one.kind == "link" and one.size <= MAX_LINK_TARGET_BYTES]
    _write_links(tree_folder, link_entries)


# What the file system says of a name that it cannot hold, or cannot tell from another: git leaves such files out too.
_UNUSABLE_NAME_ERRORS = frozenset({errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ})


def _open_new_file(tree_folder: Path, path: str) -> BinaryIO:
    """A file of the tree to write to; nowhere where the file system has no place of that name."""
    try:
        (tree_folder / path).parent.mkdir(parents=True, exist_ok=True)
        return (tree_folder / path).open("xb")
    except OSError as error:
        if error.errno not in _UNUSABLE_NAME_ERRORS:
            raise
        return Path(os.devnull).open("r+b")


def _write_links(tree_folder: Path, link_entries: Sequence[git.TreeEntry]) -> None:
    """Make the links that stay in the tree, after all files, so that none is written through a link."""
    link_paths = []
    for entry, link_target in git.blob_contents(link_entries):
        link_path = tree_folder / entry.path
        with suppress(OSError, ValueError):
            link_path.parent.mkdir(parents=True, exist_ok=True)
            link_path.symlink_to(os.fsdecode(link_target))
            link_paths.append(link_path)
    resolved_tree_folder = tree_folder.resolve()
    for link_path in link_paths:
        if not Path(os.path.realpath(link_path)).is_relative_to(resolved_tree_folder):
            link_path.unlink()
