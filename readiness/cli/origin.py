"""Where this installation came from, so that what is written for others names nothing that is not there.

An installer records it in `direct_url.json` (PEP 610); without that file the package came from an index.
https://packaging.python.org/en/latest/specifications/direct-url/
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from readiness.model.records import dataclass
from readiness.version import __version__

_DISTRIBUTION_NAME = "readiness"


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
