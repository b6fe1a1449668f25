"""Programs of the tree that are read for what they say of deployment files: tests, scripts, operators. Nothing of them is run."""

from __future__ import annotations

from readiness import files
from readiness.loading.discover import DiscoveredFiles

MAX_PROGRAM_BYTES = 256 * 1024


def program_text(discovered: DiscoveredFiles, program_path: str) -> str:
    """The text of a program that the walk saw, read once; empty where it is too large or cannot be read."""
    if program_path not in discovered.program_texts:
        try:
            program_bytes = files.read_regular_file(discovered.base / program_path, MAX_PROGRAM_BYTES)
        except OSError:
            program_bytes = b""
        discovered.program_texts[program_path] = program_bytes.decode("utf-8", "replace")
    return discovered.program_texts[program_path]
