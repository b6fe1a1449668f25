"""Packed charts (`.tgz`), read in memory and within limits: no links, no paths out of the chart, nothing written."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from readiness import files

if TYPE_CHECKING:
    from tarfile import TarFile

ARCHIVE_SUFFIX = ".tgz"
_MAX_ARCHIVE_NESTING_DEPTH = 10  # archives inside archives
MAX_FILES_PER_CHART, MAX_BYTES_PER_CHART = 2000, 50 << 20  # of a chart with all its subcharts
_MAX_TOTAL_HEADER_BYTES = 3 * 512 * MAX_FILES_PER_CHART  # what the heads of so many members may take, long names among them
_MAX_MEMBER_PATH_CHARACTERS, _MAX_MEMBER_NAME_BYTES = 1024, 255  # characters of a path, bytes of a name in it


class ArchiveError(Exception):
    """An archive that is no chart, or is over the limits: why."""


def content_by_path_in_chart(archive_bytes: bytes) -> dict[str, bytes]:
    """The files of a packed chart by their paths in the chart. Raises ArchiveError.

    The first folder of each path is the chart's own and left out, as Helm does. Links and devices are left out: Helm
    gives them no content either.
    """
    import gzip
    import tarfile
    import zlib

    max_unpacked_bytes = MAX_BYTES_PER_CHART + _MAX_TOTAL_HEADER_BYTES
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(archive_bytes)) as gzip_stream:
            tar_bytes = gzip_stream.read(max_unpacked_bytes + 1)
        if len(tar_bytes) > max_unpacked_bytes:
            raise ArchiveError(f"it unpacks to over {MAX_BYTES_PER_CHART >> 20} MiB")
        with tarfile.open(fileobj=io.BytesIO(tar_bytes), mode="r:") as tar_file:
            return dict(_paths_and_contents(tar_file))
    except (tarfile.TarError, OSError, EOFError, zlib.error, ValueError, OverflowError, RecursionError) as error:
        raise ArchiveError(f"it is no readable archive ({type(error).__name__})") from None


def archive_member_content(base: Path, path: str) -> bytes | None:
    """What stands at a path that leads into an archive, or into one inside it; None where nothing does."""
    path_parts = path.split("/")
    for archive_part_count, path_part in enumerate(path_parts[:-1], 1):
        archive_path = base.joinpath(*path_parts[:archive_part_count])
        if path_part.endswith(ARCHIVE_SUFFIX) and archive_path.is_file():
            try:
                return _read_member(
                    files.read_regular_file(archive_path, MAX_BYTES_PER_CHART),
                    "/".join(path_parts[archive_part_count:]),
                    _MAX_ARCHIVE_NESTING_DEPTH,
                )
            except (OSError, ArchiveError):
                return None
    return None


def _read_member(archive_bytes: bytes, member_path: str, remaining_depth: int) -> bytes | None:
    content_by_path = content_by_path_in_chart(archive_bytes)
    if member_path in content_by_path or remaining_depth == 0:
        return content_by_path.get(member_path)
    for inner_archive_path, inner_archive_bytes in content_by_path.items():
        if inner_archive_path.endswith(ARCHIVE_SUFFIX) and member_path.startswith(f"{inner_archive_path}/"):
            return _read_member(inner_archive_bytes, member_path.removeprefix(f"{inner_archive_path}/"), remaining_depth - 1)
    return None


def _paths_and_contents(archive: TarFile) -> Iterator[tuple[str, bytes]]:
    member_count = total_bytes = 0
    for member in archive:
        member_count, total_bytes = member_count + 1, total_bytes + max(member.size, 0)
        if member_count > MAX_FILES_PER_CHART or total_bytes > MAX_BYTES_PER_CHART:
            raise ArchiveError(f"it has over {MAX_FILES_PER_CHART} members or {MAX_BYTES_PER_CHART >> 20} MiB")
        if not member.isreg():
            continue
        path_in_chart = _path_in_chart(member.name)
        member_stream = archive.extractfile(member)
        if path_in_chart and member_stream is not None:
            yield path_in_chart, member_stream.read()


def _path_in_chart(member_name: str) -> str:
    """A member's path without the chart's folder; empty for one at the top. Raises ArchiveError for one that leads out."""
    slashed_name = member_name.replace("\\", "/")
    path_parts = [part for part in slashed_name.split("/") if part not in ("", ".")]
    if slashed_name.startswith("/") or ".." in path_parts or "\0" in slashed_name or (path_parts and path_parts[0][1:2] == ":"):
        raise ArchiveError("a member's path leads out of the chart")
    if len(slashed_name) > _MAX_MEMBER_PATH_CHARACTERS or any(len(part.encode("utf-8", "replace")) > _MAX_MEMBER_NAME_BYTES for part in path_parts):
        raise ArchiveError("a member's path is too long")
    return str(PurePosixPath(*path_parts[1:])) if len(path_parts) > 1 else ""
