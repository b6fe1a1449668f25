"""Reading files that somebody else wrote: regular ones only, and none that is too large, whatever the system says later."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

MIB = 1 << 20
MAX_FILE_BYTES = 10 * MIB  # of a file that is judged, or read for one that is
_FILE_TYPE_TESTS = (
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def file_type_of(mode: int) -> str:
    """What a file is by its mode: `a FIFO`, `a device` and the like; empty for a regular file."""
    return next((word for is_one, word in _FILE_TYPE_TESTS if is_one(mode)), "")


def too_large_reason(size: int, limit: int) -> str:
    """Why a file of so many bytes is not read; empty where it may be."""
    if size <= limit:
        return ""
    if 1024 <= limit < MIB:
        return f"{limit // 1024} KiB is the limit, and it has more"
    return f"{size / MIB:.1f} MiB is over the limit of {limit // MIB} MiB"


def refusal_reason(status: os.stat_result, limit: int) -> str:
    """Why a file is not read: it is no regular one, or has more than `limit` bytes. Empty where it may be."""
    sort = file_type_of(status.st_mode)
    return f"it is {sort}, no regular file" if sort else too_large_reason(status.st_size, limit)


def read_regular_file(path: Path, limit: int) -> bytes:
    """The bytes of a regular file. Raises OSError for any other, and for one of more than `limit` bytes.

    Size and sort are asked before anything is opened, for opening alone may wait or set something off, and once more of
    what was opened. A sparse file is as large as it says: no more than `limit` bytes ever come into memory.
    """
    _raise_if_unreadable(path.stat(), limit)
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(handle, "rb") as file:
        _raise_if_unreadable(os.fstat(handle), limit)
        data = file.read(limit + 1)
    if len(data) > limit:
        raise OSError(errno.EFBIG, too_large_reason(len(data), limit))
    return data


def _raise_if_unreadable(status: os.stat_result, limit: int) -> None:
    why = refusal_reason(status, limit)
    if why:
        raise OSError(errno.EINVAL, why)


def os_error_text(error: OSError) -> str:
    """What the system says of a file, without its path, which may be absolute."""
    said = error.strerror or type(error).__name__
    return said[:1].lower() + said[1:]


def decode_text(data: bytes) -> str | None:
    """The text of a file: UTF-8, or UTF-16/32 where a byte order mark says so; None for anything else.

    A byte order mark is taken off: columns count what an editor shows.
    """
    marks: tuple[tuple[bytes, str], ...] = (
        (b"\xff\xfe\0\0", "utf-32"), (b"\0\0\xfe\xff", "utf-32"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"),
        (b"\xef\xbb\xbf", "utf-8-sig"),
    )  # fmt: skip
    encoding = next((name for mark, name in marks if data.startswith(mark)), "utf-8")
    if encoding == "utf-8" and b"\0" in data[:8192]:
        return None
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None
