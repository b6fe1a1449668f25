"""The tool's own YAML files, compiled: read once, then kept as JSON where Python keeps its own compiled code.

What is kept for a folder holds as long as no file in it comes, goes or changes, by name, size and time, which is what Python
asks of a module. It is as much to be trusted as the code that it lies beside. Where nothing can be written there, the files
are read each time.
"""

from __future__ import annotations

import contextlib
import json
import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from readiness.syntax import yaml

HOME = Path(__file__).with_name("__pycache__")


def load(folder: Path, read: Callable[[Path], Any], home: Path = HOME) -> dict[str, Any]:
    """What `read` makes of each YAML file of a folder, by the names of the files without their endings, in order."""
    stamp = _stamp(folder, read)
    file = home / f"{folder.parent.name}-{folder.name}.json"
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
        kept = unseal(file.read_bytes())  # fails where it is not there yet, or spoilt
        if kept["stamp"] == stamp:
            made: dict[str, Any] = kept["made"]
            return made
    text = seal(
        {"stamp": stamp, "made": {one: read(folder / f"{one}.yaml") for one in names(folder)}}
    )
    _keep(file, text)
    made = unseal(text)["made"]  # the same plain data as the next run will see
    return dict(made)


def names(folder: Path) -> list[str]:
    """The names of the YAML files of a folder without their endings, in order."""
    try:
        with os.scandir(folder) as scan:
            return sorted(one.name[:-5] for one in scan if one.name.endswith(".yaml"))
    except (FileNotFoundError, NotADirectoryError):
        return []


def _stamp(folder: Path, read: Callable[[Path], Any]) -> list[Any]:
    """What tells one state of a folder from the next, and of the modules that read it."""
    with os.scandir(folder) as scan:
        files = sorted((one.name, one.stat()) for one in scan if one.name.endswith(".yaml"))
    states = [[name, status.st_mtime_ns, status.st_size] for name, status in files]
    modules = (__file__, yaml.__file__, read.__code__.co_filename)
    readers = [Path(str(module)).stat().st_mtime_ns for module in modules]
    return [str(folder), readers, states]


def seal(data: dict[str, Any]) -> bytes:
    """Plain data as JSON that begins with a checksum of the rest."""
    rest = json.dumps(data).encode()[1:]
    return b'{"sum": %10d, ' % zlib.crc32(rest) + rest


def unseal(text: bytes) -> dict[str, Any]:
    """The data of a sealed text. Raises ValueError where it was cut off, spoilt or never one."""
    start = len(b'{"sum": 0123456789, ')
    rest = text[start:]
    if b'{"sum": %10d, ' % zlib.crc32(rest) != text[:start]:
        raise ValueError
    data: dict[str, Any] = json.loads(b"{" + rest)
    return data


def _keep(file: Path, text: bytes) -> None:
    """Write the file whole or not at all: others may be reading it."""
    part = file.with_suffix(f".{os.getpid()}.part")
    try:
        file.parent.mkdir(exist_ok=True)
        part.write_bytes(text)
        part.replace(file)
    except OSError:
        return
