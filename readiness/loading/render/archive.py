"""Packed charts (`.tgz`), read in memory and within limits: no links, no paths out of the chart, nothing written."""

from __future__ import annotations

import gzip
import io
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from readiness import files

SUFFIX = ".tgz"
_NESTED = 10  # archives inside archives
FILES, BYTES = 2000, 50 << 20  # of a chart with all its subcharts
_HEADERS = 3 * 512 * FILES  # what the heads of so many members may take, long names among them
_PATH, _PART = 1024, 255  # characters of a path, bytes of a name in it
_FAULTS = (tarfile.TarError, OSError, EOFError, zlib.error, ValueError, OverflowError, RecursionError)  # fmt: skip


class ArchiveError(Exception):
    """An archive that is no chart, or is over the limits: why."""


def unpacked_files(data: bytes) -> dict[str, bytes]:
    """The files of a packed chart by their paths in the chart. Raises ArchiveError.

    The first folder of each path is the chart's own and left out, as Helm does. Links and devices are left out: Helm
    gives them no content either.
    """
    limit = BYTES + _HEADERS
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as stream:
            text = stream.read(limit + 1)
        if len(text) > limit:
            raise ArchiveError(f"it unpacks to over {BYTES >> 20} MiB")
        with tarfile.open(fileobj=io.BytesIO(text), mode="r:") as archive:
            return dict(_files(archive))
    except _FAULTS as error:
        raise ArchiveError(f"it is no readable archive ({type(error).__name__})") from None


def member_text(base: Path, path: str) -> bytes | None:
    """What stands at a path that leads into an archive, or into one inside it; None where nothing does."""
    parts = path.split("/")
    for number, part in enumerate(parts[:-1], 1):
        archive = base.joinpath(*parts[:number])
        if part.endswith(SUFFIX) and archive.is_file():
            try:
                return _member(files.read(archive, BYTES), "/".join(parts[number:]), _NESTED)
            except (OSError, ArchiveError):
                return None
    return None


def _member(data: bytes, path: str, depth: int) -> bytes | None:
    found = unpacked_files(data)
    if path in found or depth == 0:
        return found.get(path)
    for name, inner in found.items():
        if name.endswith(SUFFIX) and path.startswith(f"{name}/"):
            return _member(inner, path.removeprefix(f"{name}/"), depth - 1)
    return None


def _files(archive: tarfile.TarFile) -> Iterator[tuple[str, bytes]]:
    count = size = 0
    for member in archive:
        count, size = count + 1, size + max(member.size, 0)
        if count > FILES or size > BYTES:
            raise ArchiveError(f"it has over {FILES} members or {BYTES >> 20} MiB")
        if not member.isreg():
            continue
        path = _path_in_chart(member.name)
        stream = archive.extractfile(member)
        if path and stream is not None:
            yield path, stream.read()


def _path_in_chart(name: str) -> str:
    """A member's path without the chart's folder; empty for one at the top. Raises ArchiveError for one that leads out."""
    clean = name.replace("\\", "/")
    parts = [part for part in clean.split("/") if part not in ("", ".")]
    if clean.startswith("/") or ".." in parts or "\0" in clean or (parts and parts[0][1:2] == ":"):
        raise ArchiveError("a member's path leads out of the chart")
    if len(clean) > _PATH or any(len(part.encode("utf-8", "replace")) > _PART for part in parts):
        raise ArchiveError("a member's path is too long")
    return str(PurePosixPath(*parts[1:])) if len(parts) > 1 else ""
