"""Packed charts (`.tgz`), read in memory and within limits: no links, no paths out of the chart, nothing written."""

from __future__ import annotations

import gzip
import io
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from readiness import files

ARCHIVE_SUFFIX = ".tgz"
_MAX_NESTED_ARCHIVES = 10  # archives inside archives
MAX_FILES, MAX_BYTES = 2000, 50 << 20  # of a chart with all its subcharts
_MAX_HEADER_BYTES = 3 * 512 * MAX_FILES  # what the heads of so many members may take, long names among them
_MAX_PATH_LENGTH, _MAX_NAME_LENGTH = 1024, 255  # characters of a path, bytes of a name in it
_ARCHIVE_EXCEPTIONS = (tarfile.TarError, OSError, EOFError, zlib.error, ValueError, OverflowError, RecursionError)  # fmt: skip


class ArchiveError(Exception):
    """An archive that is no chart, or is over the limits: why."""


def unpacked_files(data: bytes) -> dict[str, bytes]:
    """The files of a packed chart by their paths in the chart. Raises ArchiveError.

    The first folder of each path is the chart's own and left out, as Helm does. Links and devices are left out: Helm
    gives them no content either.
    """
    limit = MAX_BYTES + _MAX_HEADER_BYTES
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as stream:
            text = stream.read(limit + 1)
        if len(text) > limit:
            raise ArchiveError(f"it unpacks to over {MAX_BYTES >> 20} MiB")
        with tarfile.open(fileobj=io.BytesIO(text), mode="r:") as archive:
            return dict(_read_files(archive))
    except _ARCHIVE_EXCEPTIONS as error:
        raise ArchiveError(f"it is no readable archive ({type(error).__name__})") from None


def member_text(base: Path, path: str) -> bytes | None:
    """What stands at a path that leads into an archive, or into one inside it; None where nothing does."""
    parts = path.split("/")
    for number, part in enumerate(parts[:-1], 1):
        archive = base.joinpath(*parts[:number])
        if part.endswith(ARCHIVE_SUFFIX) and archive.is_file():
            try:
                return _read_member(
                    files.read_regular_file(archive, MAX_BYTES),
                    "/".join(parts[number:]),
                    _MAX_NESTED_ARCHIVES,
                )
            except (OSError, ArchiveError):
                return None
    return None


def _read_member(data: bytes, path: str, depth: int) -> bytes | None:
    found = unpacked_files(data)
    if path in found or depth == 0:
        return found.get(path)
    for name, inner in found.items():
        if name.endswith(ARCHIVE_SUFFIX) and path.startswith(f"{name}/"):
            return _read_member(inner, path.removeprefix(f"{name}/"), depth - 1)
    return None


def _read_files(archive: tarfile.TarFile) -> Iterator[tuple[str, bytes]]:
    count = size = 0
    for member in archive:
        count, size = count + 1, size + max(member.size, 0)
        if count > MAX_FILES or size > MAX_BYTES:
            raise ArchiveError(f"it has over {MAX_FILES} members or {MAX_BYTES >> 20} MiB")
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
    if len(clean) > _MAX_PATH_LENGTH or any(len(part.encode("utf-8", "replace")) > _MAX_NAME_LENGTH for part in parts):
        raise ArchiveError("a member's path is too long")
    return str(PurePosixPath(*parts[1:])) if len(parts) > 1 else ""
