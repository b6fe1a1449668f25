"""Git by its plumbing alone: objects are read, and nothing that a repository's settings name is run.

A repository's `.git/config` belongs to whoever made the folder. Commands that check files out, compare or fetch run programs
that it names: filters, hooks, drivers, transports. So only `rev-parse`, `merge-base`, `ls-tree` and `cat-file` are called, by
this module only, with transports refused and what could still start a program switched off. The settings of the user
and of the system count, since `safe.directory` is there; git itself refuses a repository of somebody else's.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from readiness.programs import find_program
from readiness.programs.process import EMPTY_PATH, ProcessLimits, ProgramError, run_program

TIMEOUT_SECONDS = 120  # seconds
MAX_MEMORY_BYTES = 2 << 30  # bytes
MAX_LISTING_BYTES = 64 << 20  # bytes of the names in a tree
MAX_BATCH_BYTES = 32 << 20  # bytes of contents that are asked for at once
_DISABLING_SETTINGS = (
    "core.fsmonitor=false",
    f"core.hooksPath={os.devnull}",
    f"core.attributesFile={os.devnull}",
    "core.pager=cat",
    "core.sshCommand=false",
    "core.askPass=",
    "credential.helper=",
    "core.alternateRefsCommand=",
    "diff.external=",
    "protocol.allow=never",
)
_SET_ENVIRONMENT = {
    "GIT_ALLOW_PROTOCOL": "none",  # beats what a repository allows, and no transport is called that
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
    "PATH": EMPTY_PATH,
}
# What whoever runs this says of the repository: where it is, and where the settings of the user and the system are.
_PASSED_VARIABLE_NAME = re.compile(
    r"(?:HOME|USERPROFILE|HOMEDRIVE|HOMEPATH|XDG_CONFIG_HOME|SYSTEMROOT|GIT_CONFIG_\w+"
    r"|GIT_DIR|GIT_WORK_TREE|GIT_COMMON_DIR|GIT_CEILING_DIRECTORIES|GIT_DISCOVERY_ACROSS_FILESYSTEM)\Z"
)
_LS_TREE_LINE = re.compile(rb"(\d{6}) (\w+) ([0-9a-f]+) +(\S+)\t(.+)\Z", re.DOTALL)
_BLOB_HEADER = re.compile(rb"([0-9a-f]{1,64}) blob (\d{1,20})\n")


class GitError(Exception):
    """What git could not tell: in its own words, or what to do."""


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """A file, link or submodule (`blob`, `link`, `commit`) of a tree: its path, the object and its size in bytes."""

    kind: str
    path: str
    object_id: str
    size: int


def run_git(*arguments: str, stdin_data: bytes = b"", max_output: int = 0) -> bytes:
    """What a git command prints, run in the working directory: LISTING bytes unless another limit is given.

    Raises GitError with git's own words.
    """
    program = find_program("git")
    if not program:
        raise GitError("git is not installed")
    environment = {name: value for name, value in os.environ.items() if _PASSED_VARIABLE_NAME.match(name)}
    settings = [word for one in _DISABLING_SETTINGS for word in ("-c", one)]
    try:
        answer = run_program(
            [program, "--no-pager", *settings, *arguments],
            folder=Path.cwd(),
            environment=environment | _SET_ENVIRONMENT,
            # No namespace: git looks at who owns the repository, and there everything would be its own.
            limits=ProcessLimits(
                TIMEOUT_SECONDS,
                MAX_MEMORY_BYTES,
                max_output or MAX_LISTING_BYTES,
                use_namespace=False,
            ),
            stdin_data=stdin_data,
        )
    except ProgramError as error:
        raise GitError(f"git {arguments[0]}: {error}") from None
    if answer.exit_code:
        raise GitError(_error_text(answer.error_output) or f"git {arguments[0]} failed")
    return answer.output


def _error_text(messages: str) -> str:
    """The first line of what git says, as it may be shown."""
    return _without_control_characters(next(iter(messages.strip().splitlines()), ""))


def _without_control_characters(text: str) -> str:
    """A text of the repository without what a terminal would act on."""
    return "".join(one if one.isprintable() else "?" for one in text)[:300]


def merge_base(ref: str) -> str:
    """The commit where the current branch left `ref`. Raises GitError."""
    if not ref or ref.startswith("-"):
        raise GitError(f"{ref!r} is no revision")
    run_git("rev-parse", "--git-dir")  # what there is to say of the repository itself
    try:
        ours = run_git("rev-parse", "--verify", "HEAD^{commit}")
    except GitError:
        raise GitError("this branch has no commit yet") from None
    try:
        theirs = run_git("rev-parse", "--verify", f"{ref}^{{commit}}")
    except GitError:
        raise GitError(f"{ref!r} is no commit of this repository; fetch it first") from None
    both = [one.decode("ascii", "replace").strip() for one in (theirs, ours)]
    try:
        return run_git("merge-base", *both).decode("ascii", "replace").strip()
    except GitError as error:
        raise GitError(f"{ref!r} and this branch have no commit in common here; fetch more of the history ({error})") from None


def path_in_repository() -> str:
    """Where the working directory stands in its repository, with a `/` at its end unless that is the top."""
    return os.fsdecode(run_git("rev-parse", "--show-prefix").rstrip(b"\n"))


def tree_entries(commit: str, folder: str) -> Iterator[TreeEntry]:
    """The files, links and submodules of a commit below a folder, by their paths from there. Raises GitError.

    What no file system could hold is left out, as git leaves it out: a path with `..` or `.git` in it.
    """
    words = ["ls-tree", "-r", "-l", "-z", "--full-tree", commit]
    listed = run_git(*words, *(["--", folder] if folder else []))
    for row in listed.split(b"\0"):
        match = _LS_TREE_LINE.match(row)
        if not match:
            continue
        mode, kind, name, size, path = match.groups()
        path_in_folder = os.fsdecode(path).removeprefix(folder)
        if not is_safe_tree_path(path_in_folder):
            continue
        if kind == b"blob" and not size.isdigit():
            raise GitError(
                f"{_without_control_characters(path_in_folder)} of {commit[:12]} is not in this clone, which is a partial one; fetch it whole"
                " (`git fetch --refetch --filter=blob:limit=1g`, or check out without a filter)"
            )
        word = "link" if mode == b"120000" else kind.decode("ascii", "replace")
        yield TreeEntry(word, path_in_folder, name.decode(), int(size) if size.isdigit() else 0)


def is_safe_tree_path(path: str) -> bool:
    """Whether a path of a tree stays in the tree when it is written, and is none of git's own."""
    parts = path.split("/")
    return not any(
        part in {"", ".", ".."} or part.casefold() == ".git" or set(part) & set("\\:" if os.name == "nt" else "")
        for part in parts
    )


def blob_contents(entries: Sequence[TreeEntry]) -> Iterator[tuple[TreeEntry, bytes]]:
    """Each of some entries with its bytes, as they stand in the repository. Raises GitError."""
    batch: list[TreeEntry] = []
    size = 0
    for entry in entries:
        if batch and size + entry.size > MAX_BATCH_BYTES:
            yield from _read_blob_batch(batch, size)
            batch, size = [], 0
        batch.append(entry)
        size += entry.size
    if batch:
        yield from _read_blob_batch(batch, size)


def _read_blob_batch(batch: Sequence[TreeEntry], size: int) -> Iterator[tuple[TreeEntry, bytes]]:
    request = "".join(f"{one.object_id}\n" for one in batch).encode()
    answer = run_git("cat-file", "--batch", stdin_data=request, max_output=size + 200 * len(batch))
    at = 0
    for entry in batch:
        match = _BLOB_HEADER.match(answer, at)
        if not match or match[1].decode() != entry.object_id:
            raise GitError(f"{_without_control_characters(entry.path)} cannot be read from the repository")
        end = match.end() + int(match[2])
        yield entry, answer[match.end() : end]
        at = end + 1
