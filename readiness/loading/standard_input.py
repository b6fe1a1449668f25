"""Standard input as one file of a run."""

from __future__ import annotations

from readiness import kinds
from readiness.files import decode_text
from readiness.loading.discover import MAX_SOURCE_BYTES, DiscoveredFiles, UnreadFile
from readiness.model import Source


def add_standard_input(discovered: DiscoveredFiles, input_bytes: bytes) -> None:
    """Add standard input as one file called `-`."""
    input_text = decode_text(input_bytes) if len(input_bytes) <= MAX_SOURCE_BYTES else None
    if input_text is None:
        reason_unread = "it is not text" if len(input_bytes) <= MAX_SOURCE_BYTES else "it is over the size limit"
        discovered.unread_files.append(UnreadFile("-", reason_unread))
    else:
        # It has no name to go by: ask what it would be under each.
        candidate_file_names = ("stdin.yaml", "Dockerfile", "nginx.conf")
        detected_kind = next((k for name in candidate_file_names if (k := kinds.detect_kind(name, input_text))), "")
        discovered.sources.append(Source("-", input_text, kind=detected_kind))
