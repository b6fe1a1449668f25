"""The inputs that once failed: a file each, with a sentence of what it was, named by the hash of its contents."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Files = dict[str, bytes]
CORPUS = Path(__file__).parent / "corpus"


@dataclass(frozen=True)
class Entry:
    """One input of the corpus: of which kind it is, what it was, and its files."""

    kind: str
    name: str
    was: str
    files: Files


def content_name(files: Files) -> str:
    """Twelve digits of the hash of paths and contents."""
    text = "\0".join(f"{path}\0{base64.b64encode(content).decode()}" for path, content in sorted(files.items()))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _written(content: bytes) -> Any:
    """A content as JSON: its text, pieces of it that repeat as [piece, count], or base64 where it is no text."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(content).decode()}
    if len(text) < 400:
        return text
    for length in range(1, 80):
        for start in (*range(200), max(len(text) // 2, 0)):
            piece = text[start : start + length]
            end = start
            while piece and text.startswith(piece, end):
                end += length
            if end - start > 300:
                return [[text[:start], 1], [piece, (end - start) // length], [text[end:], 1]]
    return text


def _read(written: Any) -> bytes:
    if isinstance(written, str):
        return written.encode()
    if isinstance(written, dict):
        return base64.b64decode(written["base64"])
    return "".join(piece * count for piece, count in written).encode()


def store(kind: str, files: Files, was: str, folder: Path = CORPUS) -> Path:
    """Write an input down; its path."""
    path = folder / kind / f"{content_name(files)}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        json.dumps({"was": was, "files": {name: _written(content) for name, content in files.items()}}, indent=1) + "\n", encoding="utf-8"
    )
    return path


def entries(folder: Path = CORPUS) -> Iterator[Entry]:
    """The inputs of a corpus, by kind and name."""
    for path in sorted(folder.glob("*/*.json")):
        row = json.loads(path.read_text(encoding="utf-8"))
        yield Entry(path.parent.name, path.stem, row["was"], {name: _read(written) for name, written in row["files"].items()})
