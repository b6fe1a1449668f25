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

COMPILED_CACHE_FOLDER = Path(__file__).with_name("__pycache__")
ReadYamlFile = Callable[[Path], Any]


def load_yaml_folder(yaml_folder: Path, read_yaml_file: ReadYamlFile, cache_folder: Path | None = None) -> dict[str, Any]:
    """What `read_yaml_file` makes of each YAML file of a folder, by the names of the files without their endings, in order."""
    cache_stamp = _cache_validity_stamp(yaml_folder, _yaml_file_states(yaml_folder), read_yaml_file)
    value_by_file_stem: dict[str, Any] = _load_cached_or_make(
        (cache_folder or COMPILED_CACHE_FOLDER) / f"{yaml_folder.parent.name}-{yaml_folder.name}.json",
        cache_stamp,
        lambda: {name: read_yaml_file(yaml_folder / f"{name}.yaml") for name in yaml_file_stems(yaml_folder)},
    )
    return value_by_file_stem


def load_yaml_file(yaml_path: Path, read_yaml_file: ReadYamlFile, cache_folder: Path | None = None) -> Any:
    """What `read_yaml_file` makes of one YAML file. Raises OSError where there is none."""
    file_status = yaml_path.stat()
    cache_stamp = _cache_validity_stamp(yaml_path, [[yaml_path.name, file_status.st_mtime_ns, file_status.st_size]], read_yaml_file)
    return _load_cached_or_make(
        (cache_folder or COMPILED_CACHE_FOLDER) / f"{yaml_path.parent.name}.{yaml_path.stem}.json",
        cache_stamp,
        lambda: read_yaml_file(yaml_path),
    )


def yaml_file_stems(yaml_folder: Path) -> list[str]:
    """The names of the YAML files of a folder without their endings, in order."""
    try:
        with os.scandir(yaml_folder) as directory_scan:
            return sorted(one.name[:-5] for one in directory_scan if one.name.endswith(".yaml"))
    except (FileNotFoundError, NotADirectoryError):
        return []


def _load_cached_or_make(cache_path: Path, cache_stamp: list[Any], make_value: Callable[[], Any]) -> Any:
    """What was kept under this stamp, else what `make_value` makes, as the same plain data that the next run will see."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
        cached_entry = from_checksummed_json(cache_path.read_bytes())  # fails where it is not there yet, or spoilt
        if cached_entry["stamp"] == cache_stamp:
            return cached_entry["made"]
    cache_bytes = to_checksummed_json({"stamp": cache_stamp, "made": make_value()})
    _write_atomically(cache_path, cache_bytes)
    return from_checksummed_json(cache_bytes)["made"]


def _yaml_file_states(yaml_folder: Path) -> list[list[Any]]:
    """Name, time and size of each YAML file of a folder."""
    with os.scandir(yaml_folder) as directory_scan:
        names_and_statuses = sorted((one.name, one.stat()) for one in directory_scan if one.name.endswith(".yaml"))
    return [[name, status.st_mtime_ns, status.st_size] for name, status in names_and_statuses]


def _cache_validity_stamp(yaml_path: Path, file_states: list[list[Any]], read_yaml_file: ReadYamlFile) -> list[Any]:
    """What tells one state of a folder or a file from the next, and of the modules that read it."""
    module_paths = (__file__, yaml.__file__, read_yaml_file.__code__.co_filename)
    return [str(yaml_path), [_module_modification_time(str(module)) for module in module_paths], file_states]


@cache
def _module_modification_time(module_path: str) -> int:
    """When a module's file was changed last; no module changes under a running process that has loaded it."""
    return Path(module_path).stat().st_mtime_ns


def to_checksummed_json(data: dict[str, Any]) -> bytes:
    """Plain data as JSON that begins with a checksum of the rest."""
    json_without_brace = json.dumps(data).encode()[1:]
    return b'{"sum": %10d, ' % zlib.crc32(json_without_brace) + json_without_brace


def from_checksummed_json(checksummed_bytes: bytes) -> dict[str, Any]:
    """The data of a sealed text. Raises ValueError where it was cut off, spoilt or never one."""
    header_length = len(b'{"sum": 0123456789, ')
    json_without_brace = checksummed_bytes[header_length:]
    if b'{"sum": %10d, ' % zlib.crc32(json_without_brace) != checksummed_bytes[:header_length]:
        raise ValueError
    data: dict[str, Any] = json.loads(b"{" + json_without_brace)
    return data


def _write_atomically(target_path: Path, file_bytes: bytes) -> None:
    """Write the file whole or not at all: others may be reading it."""
    partial_file = target_path.with_suffix(f".{os.getpid()}.part")
    try:
        target_path.parent.mkdir(exist_ok=True)
        partial_file.write_bytes(file_bytes)
        partial_file.replace(target_path)
    except OSError:
        return
