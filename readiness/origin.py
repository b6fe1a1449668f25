"""Where this installation came from, so that what is written for others names nothing that is not there.

An installer records it in `direct_url.json` (PEP 610); without that file the package came from an index.
https://packaging.python.org/en/latest/specifications/direct-url/
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from readiness import files
from readiness.model.records import dataclass
from readiness.version import __version__

_DISTRIBUTION_NAME = "readiness"
_MAX_RECORD_BYTES = 100_000
_PATH_OF_FILES_BY_HOST = {"github.com": "/blob/{revision}/", "gitlab.com": "/-/blob/{revision}/"}


@dataclass(frozen=True, slots=True)
class Origin:
    """How others can install what is installed here: `requirement` for pip, `repository` and `revision` for pre-commit.

    Each is empty where this installation does not tell: one from a folder of this machine tells nothing, one from an index no repository.
    """

    requirement: str = ""
    repository: str = ""
    revision: str = ""


def installation_origin() -> Origin:
    """The origin of the running installation."""
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        direct_url = distribution(_DISTRIBUTION_NAME).read_text("direct_url.json")
    except (PackageNotFoundError, OSError):
        return Origin()  # the package runs from a folder
    if direct_url is None:
        return Origin(requirement=f"{_DISTRIBUTION_NAME}=={__version__}")
    try:
        return origin_of_direct_url(json.loads(direct_url))
    except ValueError:
        return Origin()


def origin_of_direct_url(record: Any) -> Origin:
    """The origin that a record of PEP 610 tells; a user name and a password in its URL are left out."""
    url, vcs, archive = (record.get(key) if isinstance(record, dict) else None for key in ("url", "vcs_info", "archive_info"))
    parts = urlsplit(url) if isinstance(url, str) else urlsplit("")
    if parts.scheme not in {"https", "http", "ssh"} or not parts.hostname:
        return Origin()
    host = parts.hostname if parts.port is None else f"{parts.hostname}:{parts.port}"
    public_url = urlunsplit((parts.scheme, f"git@{host}" if parts.scheme == "ssh" else host, parts.path, "", ""))
    if isinstance(vcs, dict) and vcs.get("vcs") == "git" and isinstance(commit := vcs.get("commit_id"), str) and commit.isalnum():
        return Origin(f"{_DISTRIBUTION_NAME} @ git+{public_url}@{commit}", public_url, commit)
    if isinstance(archive, dict):
        return Origin(requirement=f"{_DISTRIBUTION_NAME} @ {public_url}")
    return Origin()


@cache
def rule_pages_url() -> str:
    """Where the files of the rules are on the web at the commit that is installed, with a slash at the end; empty where nobody knows.

    Every report for a program asks this, so that only the record beside the package is read, where installers put it, and no other metadata.
    """
    record_path = Path(__file__).parents[1] / f"{_DISTRIBUTION_NAME}-{__version__}.dist-info" / "direct_url.json"
    try:
        return rule_pages_url_of(origin_of_direct_url(json.loads(files.read_regular_file(record_path, _MAX_RECORD_BYTES))))
    except (OSError, ValueError):
        return ""


def rule_pages_url_of(origin: Origin) -> str:
    """The folder of rules in a repository on a host whose addresses are known; empty for others. Pages are generated, and in no repository."""
    parts = urlsplit(origin.repository)
    path_of_files = _PATH_OF_FILES_BY_HOST.get(parts.hostname or "")
    if path_of_files is None or not origin.revision:
        return ""
    repository_path = parts.path.strip("/").removesuffix(".git")
    return f"https://{parts.hostname}/{repository_path}{path_of_files.format(revision=origin.revision)}rules/"
