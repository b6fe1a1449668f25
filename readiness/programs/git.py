"""Git by its plumbing alone: objects are read, and nothing that a repository's settings name is run.

A repository's `.git/config` belongs to whoever made the folder. Commands that check files out, compare or fetch run programs
that it names: filters, hooks, drivers, transports. So only `rev-parse`, `merge-base`, `ls-tree`, `ls-files` and `cat-file` are called, by
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
from readiness.programs.budget import BudgetExceededError, budget_of_run
from readiness.programs.process import EMPTY_PATH_VARIABLE, ProcessLimits, ProgramError, printable_prefix, run_program
from readiness.tree_paths import is_version_control_name

GIT_TIMEOUT_SECONDS = 120  # seconds
MAX_GIT_MEMORY_BYTES = 2 << 30  # bytes
MAX_GIT_OUTPUT_BYTES = 64 << 20  # bytes of the names in a tree
MAX_BLOB_BATCH_BYTES = 32 << 20  # bytes of contents that are asked for at once
_HARDENING_GIT_SETTINGS = (
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
    "safe.bareRepository=explicit",  # a folder of the tree that looks like a repository is none
)
_HARDENING_ENVIRONMENT = {
    "GIT_ALLOW_PROTOCOL": "none",  # beats what a repository allows, and no transport is called that
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
    "PATH": EMPTY_PATH_VARIABLE,
}
# What whoever runs this says of the repository: where it is, and where the settings of the user and the system are.
_PASSED_VARIABLE_NAME = re.compile(
    r"(?:HOME|USERPROFILE|HOMEDRIVE|HOMEPATH|XDG_CONFIG_HOME|SYSTEMROOT|GIT_CONFIG_\w+"
    r"|GIT_DIR|GIT_WORK_TREE|GIT_COMMON_DIR|GIT_CEILING_DIRECTORIES|GIT_DISCOVERY_ACROSS_FILESYSTEM)\Z"
)
_LS_TREE_LINE = re.compile(rb"(\d{6}) (\w+) ([0-9a-f]+) +(\S+)\t(.+)\Z", re.DOTALL)
_OBJECT_ID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_BLOB_HEADER = re.compile(rb"([0-9a-f]{1,64}) blob (\d{1,20})\n")


class GitError(Exception):
    """What git could not tell: in its own words, or what to do."""


class GitRefusedError(GitError):
    """Git ran and said no; any other GitError leaves open whether what was asked is so."""


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """A file, link or submodule (`blob`, `link`, `commit`) of a tree: its path, the object and its size in bytes."""

    kind: str
    path: str
    object_id: str
    size: int


def run_git(*arguments: str, stdin_data: bytes = b"", max_output_bytes: int = 0) -> bytes:
    """What a git command prints, run in the working directory: LISTING bytes unless another limit is given.

    Its time and its output count towards the run's budget. Raises GitError with git's own words.
    """
    git_path = find_program("git")
    if not git_path:
        raise GitError("git is not installed")
    passed_environment = {name: value for name, value in os.environ.items() if _PASSED_VARIABLE_NAME.match(name)}
    setting_arguments = [word for one in _HARDENING_GIT_SETTINGS for word in ("-c", one)]
    command_name = next(one for one in arguments if not one.startswith("-"))
    budget = budget_of_run()
    try:
        with budget.metered():
            git_result = run_program(
                [git_path, "--no-pager", *setting_arguments, *arguments],
                working_directory=Path.cwd(),
                environment=passed_environment | _HARDENING_ENVIRONMENT,
                # No namespace: git looks at who owns the repository, and there everything would be its own.
                limits=ProcessLimits(
                    GIT_TIMEOUT_SECONDS,
                    MAX_GIT_MEMORY_BYTES,
                    max_output_bytes or MAX_GIT_OUTPUT_BYTES,
                    use_namespace=False,
                ),
                stdin_data=stdin_data,
            )
        budget.add_git_bytes(len(git_result.output))
    except BudgetExceededError as error:
        raise GitError(f"git {command_name}: {error}; judge a directory of the repository at a time") from None
    except ProgramError as error:
        raise GitError(f"git {command_name}: {error}") from None
    if git_result.stopped:
        raise GitError(f"git {command_name}: {git_result.failure_reason}")
    if git_result.exit_code:
        raise GitRefusedError(_first_error_line(git_result.error_output) or f"git {command_name} failed")
    return git_result.output


def _first_error_line(error_output: str) -> str:
    """The first line of what git says, as it may be shown."""
    return printable_prefix(next(iter(error_output.strip().splitlines()), ""))


def merge_base(ref: str, later_ref: str = "HEAD") -> str:
    """The commit where `later_ref`, which is the current branch by the name HEAD, left `ref`. Raises GitError."""
    if not ref or ref.startswith("-"):
        raise GitError(f"{ref!r} is no revision")
    run_git("rev-parse", "--git-dir")  # what there is to say of the repository itself
    if later_ref != "HEAD":
        later_commit = commit_named(later_ref).encode()
    else:
        try:
            later_commit = run_git("rev-parse", "--verify", "HEAD^{commit}")
        except GitRefusedError:
            raise GitError("this branch has no commit yet") from None
    try:
        ref_commit = run_git("rev-parse", "--verify", f"{ref}^{{commit}}")
    except GitRefusedError:
        raise GitError(f"{ref!r} is no commit of this repository; {_how_to_fetch()}") from None
    both_commits = [one.decode("ascii", "replace").strip() for one in (ref_commit, later_commit)]
    try:
        return run_git("merge-base", *both_commits).decode("ascii", "replace").strip()
    except GitRefusedError as error:
        remedy = _how_to_fetch("fetch more of the history")
        raise GitError(
            f"{ref!r} and {later_ref if later_ref != 'HEAD' else 'this branch'} have no commit in common here; {remedy} ({error})"
        ) from None


def _how_to_fetch(otherwise: str = "fetch it first") -> str:
    """What to do about a commit that is not here: a clone that was cut off needs more of the history."""
    try:
        is_shallow = run_git("rev-parse", "--is-shallow-repository").strip() == b"true"
    except GitRefusedError:
        is_shallow = False
    if is_shallow:
        return "this clone is shallow: set fetch-depth: 0 for actions/checkout, or run git fetch --unshallow"
    return otherwise


def commit_named(ref: str) -> str:
    """The commit that a name stands for now. Raises GitError, with what to do where the name stands for none here, or for several."""
    if not ref or ref.startswith("-") or not ref.isprintable():
        raise GitError(f"{ref!r} is no revision")
    run_git("rev-parse", "--git-dir")  # what there is to say of the repository itself
    commit_by_whole_name = {}
    for namespace in ("refs/tags/", "refs/heads/", "refs/remotes/"):
        commit = _commit_or_none(namespace + ref)
        if commit:
            commit_by_whole_name[namespace + ref] = commit
    if len(set(commit_by_whole_name.values())) > 1:  # git would take the tag, which may be anybody's
        raise GitError(f"{ref!r} stands for several commits here: {', '.join(commit_by_whole_name)}; give one of these names, or the commit")
    commit = _commit_or_none(ref)
    if commit is None:
        is_shallow = run_git("rev-parse", "--is-shallow-repository").strip() == b"true"
        advice = "fetch it first" + (
            f": this clone has a part of the history only (`git fetch --depth=1 origin {ref.removeprefix('origin/')}`, or `fetch-depth: 0` where it"
            " is checked out)"
            if is_shallow
            else ""
        )
        raise GitError(f"{ref!r} is no commit of this repository; {advice}")
    return commit


def _commit_or_none(name: str) -> str | None:
    """The commit of a name; None where it has none. Raises GitError where git gives no answer."""
    try:
        commit = run_git("rev-parse", "--verify", f"{name}^{{commit}}").decode("ascii", "replace").strip()
    except GitRefusedError:
        return None
    return commit if _OBJECT_ID.fullmatch(commit) else None


def working_directory_in_repository() -> str:
    """Where the working directory stands in its repository, with a `/` at its end unless that is the top."""
    return os.fsdecode(run_git("rev-parse", "--show-prefix").rstrip(b"\n"))


def paths_in_index() -> list[str]:
    """The files of the whole repository that are tracked or staged, by their paths from the working directory. Raises GitError."""
    output = run_git("--no-literal-pathspecs", "ls-files", "-z", "--cached", "--", ":/")
    return [os.fsdecode(one) for one in output.split(b"\0") if one]


def tree_entries(commit: str, folder: str, paths_from_top: Sequence[str] = ()) -> Iterator[TreeEntry]:
    """The files, links and submodules of a commit below a folder, by their paths from there. Raises GitError.

    Of some paths from the top of the repository these alone, and what lies below them.

    What no file system could hold is left out, as git leaves it out: a path with `..` or `.git` in it.
    """
    ls_tree_arguments = ["ls-tree", "-r", "-l", "-z", "--full-tree", commit]
    wanted_paths = [*paths_from_top, *([folder] if folder else [])]
    ls_tree_output = run_git(*ls_tree_arguments, *(["--", *wanted_paths] if wanted_paths else []))
    for ls_tree_line in ls_tree_output.split(b"\0"):
        match = _LS_TREE_LINE.match(ls_tree_line)
        if not match:
            continue
        file_mode, object_type, object_id, size_field, path_bytes = match.groups()
        path_in_folder = os.fsdecode(path_bytes).removeprefix(folder)
        if not is_safe_tree_path(path_in_folder):
            continue
        if object_type == b"blob" and not size_field.isdigit():
            raise GitError(
                f"{printable_prefix(path_in_folder)} of {commit[:12]} is not in this clone, which is a partial one; fetch it whole"
                " (`git fetch --refetch --filter=blob:limit=1g`, or check out without a filter)"
            )
        entry_kind = "link" if file_mode == b"120000" else object_type.decode("ascii", "replace")
        yield TreeEntry(entry_kind, path_in_folder, object_id.decode(), int(size_field) if size_field.isdigit() else 0)


def is_safe_tree_path(path: str) -> bool:
    """Whether a path of a tree stays in the tree when it is written, and is none of git's own."""
    folder_separators = set("\\:" if os.name == "nt" else "")
    return not any(part in {"", ".", ".."} or is_version_control_name(part) or folder_separators & set(part) for part in path.split("/"))


def blob_contents(entries: Sequence[TreeEntry]) -> Iterator[tuple[TreeEntry, bytes]]:
    """Each of some entries with its bytes, as they stand in the repository. Raises GitError."""
    entry_batch: list[TreeEntry] = []
    batch_bytes = 0
    for entry in entries:
        if entry_batch and batch_bytes + entry.size > MAX_BLOB_BATCH_BYTES:
            yield from _read_blob_batch(entry_batch, batch_bytes)
            entry_batch, batch_bytes = [], 0
        entry_batch.append(entry)
        batch_bytes += entry.size
    if entry_batch:
        yield from _read_blob_batch(entry_batch, batch_bytes)


def _read_blob_batch(entry_batch: Sequence[TreeEntry], batch_bytes: int) -> Iterator[tuple[TreeEntry, bytes]]:
    object_id_lines = "".join(f"{one.object_id}\n" for one in entry_batch).encode()
    cat_file_output = run_git("cat-file", "--batch", stdin_data=object_id_lines, max_output_bytes=batch_bytes + 200 * len(entry_batch))
    header_offset = 0
    for entry in entry_batch:
        match = _BLOB_HEADER.match(cat_file_output, header_offset)
        if not match or match[1].decode() != entry.object_id:
            raise GitError(f"{printable_prefix(entry.path)} cannot be read from the repository")
        content_end = match.end() + int(match[2])
        yield entry, cat_file_output[match.end() : content_end]
        header_offset = content_end + 1
