"""Scripts of a tree that start services or build images: read for what they name, and never run or judged."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from pathlib import Path

from readiness import files
from readiness.model import Source

SCRIPT_SUFFIXES = frozenset({".sh", ".bash"})
MAX_SCRIPTS = 200  # of a tree; nobody starts it by more
MAX_SCRIPT_BYTES = 131_072
_TOOLS = ("docker", "podman", "nerdctl", "buildah")
_MAKEFILE_NAMES = frozenset({"makefile", "gnumakefile", "justfile"})


def read_script(path: Path, name: str) -> Source | None:
    """A script that names a program for containers; None for any other, and for what cannot be read."""
    try:
        text = files.decode_text(files.read_regular_file(path, MAX_SCRIPT_BYTES))
    except OSError:
        return None
    return Source(name, text) if text is not None and _names_tool(text) else None


def scripts_among(script_sources: Iterable[Source], sources: Iterable[Source]) -> tuple[Source, ...]:
    """The scripts of a walk, with those among its texts that are scripts or makefiles without an ending; in order of path."""
    others = (one for one in sources if _is_script(one) and len(one.text) <= MAX_SCRIPT_BYTES and _names_tool(one.text))
    return tuple(sorted((*script_sources, *others), key=lambda one: one.path))[:MAX_SCRIPTS]


def _names_tool(text: str) -> bool:
    """Whether a text names a program for containers anywhere."""
    return any(tool in text for tool in _TOOLS)


def _is_script(source: Source) -> bool:
    """Whether a text without an ending is a script or a makefile."""
    name = posixpath.basename(source.path).lower()
    return name in _MAKEFILE_NAMES or name.endswith(".mk") or ("." not in name and source.text.startswith("#!"))
