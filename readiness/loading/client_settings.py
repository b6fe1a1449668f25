"""Settings of package clients (.npmrc, pip.conf): which of them are known to hold no credential, so that nobody warns of them."""

from __future__ import annotations

from pathlib import Path

from readiness import files
from readiness.syntax.secrets import holds_credential, may_hold_credentials

MAX_SETTINGS_BYTES = 64 * 1024  # bytes of a file that is looked into


def is_surely_without_credential(path: Path) -> bool:
    """Whether a client's settings, by their name, were read and have no credential in them; false where nobody can tell."""
    if not may_hold_credentials(path.name):
        return False
    try:
        text = files.decode_text(files.read_regular_file(path, MAX_SETTINGS_BYTES))
    except OSError:
        return False
    return text is not None and not holds_credential(text)
