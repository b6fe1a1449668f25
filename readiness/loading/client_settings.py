"""Settings of package clients (.npmrc, pip.conf): which of them are known to hold no credential, so that nobody warns of them."""

from __future__ import annotations

from pathlib import Path

from readiness import files
from readiness.syntax.secrets import has_possible_credential, is_client_settings_filename

MAX_CLIENT_SETTINGS_BYTES = 64 * 1024  # bytes of a file that is looked into


def is_surely_without_credential(settings_path: Path) -> bool:
    """Whether a client's settings, by their name, were read and have no credential in them; false where nobody can tell."""
    if not is_client_settings_filename(settings_path.name):
        return False
    try:
        settings_text = files.decode_text(files.read_regular_file(settings_path, MAX_CLIENT_SETTINGS_BYTES))
    except OSError:
        return False
    return settings_text is not None and not has_possible_credential(settings_text)
