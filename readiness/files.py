"""Reading files that somebody else wrote: regular ones only, and none that is too large, whatever the system says later."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

BYTES_PER_MIB = 1 << 20
MAX_JUDGED_FILE_BYTES = 10 * BYTES_PER_MIB  # of a file that is judged, or read for one that is
_FILE_TYPE_TESTS = (
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def special_file_type(file_mode: int) -> str:
    """What a file is by its mode: `a FIFO`, `a device` and the like; empty for a regular file."""
    return next((word for is_one, word in _FILE_TYPE_TESTS if is_one(file_mode)), "")


def too_large_reason(file_size: int, byte_limit: int) -> str:
    """Why a file of so many bytes is not read; empty where it may be."""
    if file_size <= byte_limit:
        return ""
    if 1024 <= byte_limit < BYTES_PER_MIB:
        return f"{byte_limit // 1024} KiB is the limit, and it has more"
    return f"{file_size / BYTES_PER_MIB:.1f} MiB is over the limit of {byte_limit // BYTES_PER_MIB} MiB"


def file_refusal_reason(file_status: os.stat_result, byte_limit: int) -> str:
    """Why a file is not read: it is no regular one, or has more than `byte_limit` bytes. Empty where it may be."""
    special_type = special_file_type(file_status.st_mode)
    return f"it is {special_type}, no regular file" if special_type else too_large_reason(file_status.st_size, byte_limit)


def read_regular_file(path: Path, byte_limit: int) -> bytes:
    """The bytes of a regular file. Raises OSError for any other, and for one of more than `byte_limit` bytes.

    Size and sort are asked before anything is opened, for opening alone may wait or set something off, and once more of
    what was opened. A sparse file is as large as it says: no more than `byte_limit` bytes ever come into memory.
    """
    _raise_if_unreadable(path.stat(), byte_limit)
    file_descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(file_descriptor, "rb") as opened_file:
        file_status = os.fstat(file_descriptor)
        _raise_if_unreadable(file_status, byte_limit)
        file_bytes = opened_file.read(file_status.st_size + 1)
        if len(file_bytes) > file_status.st_size:  # it has grown, or the system does not tell its size
            file_bytes += opened_file.read(byte_limit + 1 - len(file_bytes))
    if len(file_bytes) > byte_limit:
        raise OSError(errno.EFBIG, too_large_reason(len(file_bytes), byte_limit))
    return file_bytes


def _raise_if_unreadable(file_status: os.stat_result, byte_limit: int) -> None:
    refusal_text = file_refusal_reason(file_status, byte_limit)
    if refusal_text:
        raise OSError(errno.EINVAL, refusal_text)


def os_error_text_without_path(error: OSError) -> str:
    """What the system says of a file, without its path, which may be absolute."""
    error_text = error.strerror or type(error).__name__
    return error_text[:1].lower() + error_text[1:]


def decode_text(file_bytes: bytes) -> str | None:
    """The text of a file: UTF-8, or UTF-16/32 where a byte order mark says so; None for anything else.

    A byte order mark is taken off: columns count what an editor shows.
    """
    encoding_by_byte_order_mark: tuple[tuple[bytes, str], ...] = (
        (b"\xff\xfe\0\0", "utf-32"), (b"\0\0\xfe\xff", "utf-32"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"),
        (b"\xef\xbb\xbf", "utf-8-sig"),
    )  # fmt: skip
    detected_encoding = next((name for mark, name in encoding_by_byte_order_mark if file_bytes.startswith(mark)), "utf-8")
    if detected_encoding == "utf-8" and b"\0" in file_bytes[:8192]:
        return None
    try:
        return file_bytes.decode(detected_encoding)
    except UnicodeDecodeError:
        return None
