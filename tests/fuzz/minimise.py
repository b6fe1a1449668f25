"""Less of an input that still fails the same way: files go, then halves, then lines, then characters."""

from __future__ import annotations

import time
from collections.abc import Callable

Files = dict[str, bytes]


def minimised(files: Files, fails_alike: Callable[[Files], bool], *, seconds: float = 120, tries: int = 3000) -> Files:
    """The least found within so many tries and seconds of which `fails_alike` is true, as it is of `files`."""
    ends_at = time.monotonic() + seconds

    def may_go_on() -> bool:
        nonlocal tries
        tries -= 1
        return tries >= 0 and time.monotonic() < ends_at

    for path in sorted(files, key=lambda one: -len(files[one])):
        without = {name: content for name, content in files.items() if name != path}
        if without and may_go_on() and fails_alike(without):
            files = without
    for _ in range(2):  # what goes in the second round could not in the first
        before = files
        for path in sorted(files, key=lambda one: -len(files[one])):
            for separator in (b"\n", b" ", b""):
                files = {**files, path: _smaller(files[path], separator, lambda content, path=path: fails_alike({**files, path: content}), may_go_on)}  # type: ignore[misc]  # noqa: B023
        if files == before:
            break
    return files


def _smaller(content: bytes, separator: bytes, fails: Callable[[bytes], bool], may_go_on: Callable[[], bool]) -> bytes:
    """Delta debugging over the pieces between separators; no separator stands for single bytes."""
    pieces = content.split(separator) if separator else [bytes([one]) for one in content]
    size = max(len(pieces) // 2, 1)
    while pieces:
        at = 0
        has_shrunk = False
        while at < len(pieces):
            candidate = pieces[:at] + pieces[at + size :]
            if not may_go_on():
                return separator.join(pieces)
            if fails(separator.join(candidate)):
                pieces, has_shrunk = candidate, True
            else:
                at += size
        if size == 1 and not has_shrunk:
            break
        size = max(size // 2, 1) if not has_shrunk or size > len(pieces) else size
    return separator.join(pieces)
