"""The findings of an earlier revision: its tree as git's objects say, written out and judged."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from readiness.model import Finding
from readiness.programs import git
from readiness.triage import baseline

MAX_BYTES = 10 << 20  # of a file that is written out; the walk reads none that is larger
MAX_TREE = 2 << 30  # bytes of all files that are written out
MAX_TARGET = 4096  # bytes of where a link leads


@contextmanager
def checkout_revision(ref: str) -> Iterator[Path]:
    """A folder that holds the working directory's tree as it was where this branch left `ref`.

    The files are what git's objects say, with no filter, line ending or attribute applied; nothing in the repository
    is run. A submodule is an empty folder. A file over the limit of the walk is one that is over it here too, and empty.
    Raises BaselineError.
    """
    import tempfile

    with tempfile.TemporaryDirectory(prefix="readiness-") as folder:
        tree = Path(folder, "tree")
        (tree / ".git").mkdir(parents=True)  # it is a repository's tree, as this one is
        try:
            commit = git.merge_base(ref)
            _write_tree(list(git.tree_entries(commit, git.path_in_repository())), tree, ref)
        except git.GitError as error:
            raise baseline.BaselineError(f"--since: {error}") from None
        except OSError as error:
            reason = (error.strerror or type(error).__name__).lower()
            raise baseline.BaselineError(
                f"--since: the files at {ref!r} cannot be written to {tempfile.gettempdir()}: {reason}"
            ) from None
        yield tree


def _write_tree(entries: Sequence[git.TreeEntry], tree: Path, ref: str) -> None:
    """Write the entries of a tree into a folder. Raises BaselineError where they are too much."""
    small = [one for one in entries if one.kind == "blob" and one.size <= MAX_BYTES]
    total = sum(one.size for one in small)
    if total > MAX_TREE:
        raise baseline.BaselineError(
            f"--since: the files at {ref!r} are {total >> 20} MiB, over the limit of {MAX_TREE >> 20} MiB;"
            " run it in a directory of the repository"
        )
    for entry, data in git.blob_contents(small):
        with _open_new_file(tree, entry.path) as file:
            file.write(data)
    for entry in entries:
        if entry.kind == "commit":
            (tree / entry.path).mkdir(parents=True, exist_ok=True)
        elif entry.kind == "blob" and entry.size > MAX_BYTES:
            with _open_new_file(tree, entry.path) as file:
                file.truncate(MAX_BYTES + 1)
    links = [one for one in entries if one.kind == "link" and one.size <= MAX_TARGET]
    _write_links(tree, links)


# What the file system says of a name that it cannot hold, or cannot tell from another: git leaves such files out too.
_NO_NAME = frozenset({errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ})


def _open_new_file(tree: Path, path: str) -> BinaryIO:
    """A file of the tree to write to; nowhere where the file system has no place of that name."""
    try:
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        return (tree / path).open("xb")
    except OSError as error:
        if error.errno not in _NO_NAME:
            raise
        return Path(os.devnull).open("r+b")


def _write_links(tree: Path, entries: Sequence[git.TreeEntry]) -> None:
    """Make the links that stay in the tree, after all files, so that none is written through a link."""
    paths = []
    for entry, target in git.blob_contents(entries):
        path = tree / entry.path
        with suppress(OSError, ValueError):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.symlink_to(os.fsdecode(target))
            paths.append(path)
    root = tree.resolve()
    for path in paths:
        if not Path(os.path.realpath(path)).is_relative_to(root):
            path.unlink()


Check = Callable[[Path], Iterable[Finding]]


def findings_since(ref: str, check: Check) -> baseline.KnownFindingCounts:
    """What was found at the revision where this branch left `ref`."""
    with checkout_revision(ref) as tree:
        return baseline.known_findings(check(tree))
