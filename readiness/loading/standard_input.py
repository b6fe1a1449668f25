"""Standard input as one of the files of a run: under the name that it is given, or by what it holds."""

from __future__ import annotations

import re

from readiness import kinds
from readiness.files import decode_text
from readiness.loading.discover import MAX_SOURCE_BYTES, DiscoveredFiles, UnreadFile
from readiness.loading.report_paths import ReportPaths
from readiness.model import Source
from readiness.model.lazy_regex import lazy_regex

NAMELESS_PATH = "-"
REASON_OF_NO_KIND = "of no kind that readiness knows, by its name and by what it holds"
REASON_OF_NO_KIND_NAMELESS = "could be none of Dockerfile, compose, Kubernetes, CI and nginx; --stdin-filename says which file it is"
# A Dockerfile begins with one of these, below its comments. Its name alone makes anything one, and standard input has no name.
_DOCKERFILE_START = lazy_regex(r"\A(?:[ \t]*(?:#[^\n]*)?\n)*[ \t]*(?:FROM|ARG)[ \t\\]", re.IGNORECASE)


class StandardInputError(Exception):
    """Standard input cannot be judged under the name that it was given."""


def add_standard_input(discovered: DiscoveredFiles, input_bytes: bytes, file_name: str = "") -> None:
    """Add standard input as one file called `-`, or as `file_name`. Raises StandardInputError where a file of that name is judged as well."""
    path = ReportPaths(discovered.base).report_path(file_name) if file_name else NAMELESS_PATH
    if file_name and any(source.path == path for source in discovered.sources):
        raise StandardInputError(f"{path} is among the files to judge; give standard input another name, or leave the file out")
    input_text = decode_text(input_bytes) if len(input_bytes) <= MAX_SOURCE_BYTES else None
    if input_text is None:
        reason_unread = "it is not text" if len(input_bytes) <= MAX_SOURCE_BYTES else "it is over the size limit"
        discovered.unread_files.append(UnreadFile(path, reason_unread))
        return
    detected_kind = kinds.detect_kind(path, input_text) if file_name else _kind_of_nameless_text(input_text)
    if detected_kind or not input_text.strip():
        discovered.sources.append(Source(path, input_text, kind=detected_kind))
    else:
        discovered.unread_files.append(UnreadFile(path, REASON_OF_NO_KIND if file_name else REASON_OF_NO_KIND_NAMELESS))


def _kind_of_nameless_text(text: str) -> str:
    """The kind of a text that has no name to go by: what it would be under each name that does not decide alone."""
    candidate_names = ["stdin.yaml", "stdin.conf"]
    if _DOCKERFILE_START.match(text):
        candidate_names.append("Dockerfile")
    return next((kind for name in candidate_names if (kind := kinds.detect_kind(name, text))), "")
