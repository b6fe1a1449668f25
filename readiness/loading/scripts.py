"""Scripts of a tree that start services, build images or apply manifests: read for what they name, and never run or judged."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from pathlib import Path

from readiness import files
from readiness.model import Source
from readiness.model.lazy_regex import lazy_regex

SCRIPT_SUFFIXES = frozenset({".sh", ".bash"})
MAX_SCRIPTS_PER_TREE = 200  # of a tree; nobody starts it by more
MAX_SCRIPT_BYTES = 131_072
_CONTAINER_PROGRAM = lazy_regex(r"docker|podman|nerdctl|buildah|kubectl|kustomize|\boc (?:apply|process)\b")
_MAKEFILE_NAMES = frozenset({"makefile", "gnumakefile", "justfile"})


def read_container_script(script_path: Path, report_path: str) -> Source | None:
    """A script that names a program for containers; None for any other, and for what cannot be read."""
    try:
        script_text = files.decode_text(files.read_regular_file(script_path, MAX_SCRIPT_BYTES))
    except OSError:
        return None
    return Source(report_path, script_text) if script_text is not None and _names_container_program(script_text) else None


def scripts_among(script_sources: Iterable[Source], sources: Iterable[Source]) -> tuple[Source, ...]:
    """The scripts of a walk, with those among its texts that are scripts or makefiles without an ending; in order of path."""
    other_scripts = (
        one for one in sources if _is_script_or_makefile(one) and len(one.text) <= MAX_SCRIPT_BYTES and _names_container_program(one.text)
    )
    return tuple(sorted((*script_sources, *other_scripts), key=lambda one: one.path))[:MAX_SCRIPTS_PER_TREE]


def _names_container_program(text: str) -> bool:
    """Whether a text names a program for containers anywhere."""
    return _CONTAINER_PROGRAM.search(text) is not None


def _is_script_or_makefile(source: Source) -> bool:
    """Whether a text without an ending is a script or a makefile."""
    file_name = posixpath.basename(source.path).lower()
    return file_name in _MAKEFILE_NAMES or file_name.endswith(".mk") or ("." not in file_name and source.text.startswith("#!"))
