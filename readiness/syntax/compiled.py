"""The tool's own YAML files, compiled: read once, then kept as JSON where Python keeps its own compiled code.

What is kept for a folder holds as long as no file in it comes, goes or changes, by name, size and time, which is what Python
asks of a module; what is kept for one file, as long as that file does not change. It is as much to be trusted as the code that
it lies beside. Where nothing can be written there, the files are read each time.
"""

from __future__ import annotations

import contextlib
import json
import os
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from readiness.syntax import yaml

CACHE_FOLDER = Path(__file__).with_name("__pycache__")
ReadYamlFile = Callable[[Path], Any]


def load_folder(folder: Path, read: ReadYamlFile, cache_folder: Path | None = None) -> dict[str, Any]:
    """What `read` makes of each YAML file of a folder, by the names of the files without their endings, in order."""
    stamp = _cache_stamp(folder, _file_states(folder), read)
    made: dict[str, Any] = _cached_or_made(
        (cache_folder or CACHE_FOLDER) / f"{folder.parent.name}-{folder.name}.json",
        stamp,
        lambda: {name: read(folder / f"{name}.yaml") for name in file_names(folder)},
    )
    return made


def load_file(file: Path, read: ReadYamlFile, cache_folder: Path | None = None) -> Any:
    """What `read` makes of one YAML file. Raises OSError where there is none."""
    status = file.stat()
    stamp = _cache_stamp(file, [[file.name, status.st_mtime_ns, status.st_size]], read)
    return _cached_or_made(
        (cache_folder or CACHE_FOLDER) / f"{file.parent.name}.{file.stem}.json",
        stamp,
        lambda: read(file),
    )


def file_names(folder: Path) -> list[str]:
    """The names of the YAML files of a folder without their endings, in order."""
    try:
        with os.scandir(folder) as scan:
            return sorted(one.name[:-5] for one in scan if one.name.endswith(".yaml"))
    except (FileNotFoundError, NotADirectoryError):
        return []


def _cached_or_made(cache_path: Path, stamp: list[Any], make: Callable[[], Any]) -> Any:
    """What was kept under this stamp, else what `make` makes, as the same plain data that the next run will see."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
        found = from_checksummed_json(cache_path.read_bytes())  # fails where it is not there yet, or spoilt
        if found["stamp"] == stamp:
            return found["made"]
    text = to_checksummed_json({"stamp": stamp, "made": make()})
    _write_atomically(cache_path, text)
    return from_checksummed_json(text)["made"]


def _file_states(folder: Path) -> list[list[Any]]:
    """Name, time and size of each YAML file of a folder."""
    with os.scandir(folder) as scan:
        files = sorted((one.name, one.stat()) for one in scan if one.name.endswith(".yaml"))
    return [[name, status.st_mtime_ns, status.st_size] for name, status in files]


def _cache_stamp(path: Path, states: list[list[Any]], read: ReadYamlFile) -> list[Any]:
    """What tells one state of a folder or a file from the next, and of the modules that read it."""
    modules = (__file__, yaml.__file__, read.__code__.co_filename)
    return [str(path), [_modified_time(str(module)) for module in modules], states]


@cache
def _modified_time(module: str) -> int:
    """When a module's file was changed last; no module changes under a running process that has loaded it."""
    return Path(module).stat().st_mtime_ns


def to_checksummed_json(data: dict[str, Any]) -> bytes:
    """Plain data as JSON that begins with a checksum of the rest."""
    rest = json.dumps(data).encode()[1:]
    return b'{"sum": %10d, ' % zlib.crc32(rest) + rest


def from_checksummed_json(text: bytes) -> dict[str, Any]:
    """The data of a sealed text. Raises ValueError where it was cut off, spoilt or never one."""
    start = len(b'{"sum": 0123456789, ')
    rest = text[start:]
    if b'{"sum": %10d, ' % zlib.crc32(rest) != text[:start]:
        raise ValueError
    data: dict[str, Any] = json.loads(b"{" + rest)
    return data


def _write_atomically(file: Path, text: bytes) -> None:
    """Write the file whole or not at all: others may be reading it."""
    part = file.with_suffix(f".{os.getpid()}.part")
    try:
        file.parent.mkdir(exist_ok=True)
        part.write_bytes(text)
        part.replace(file)
    except OSError:
        return
