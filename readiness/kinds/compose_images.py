"""What is known of public images: what they are, where they keep data, how they let people in."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from readiness.syntax.image import Image

STORES = frozenset(
    {"database", "cache", "queue", "search", "object-store", "vector-store", "secret-store"}
)


@dataclass(frozen=True, slots=True)
class Known:
    """One row of the table.

    `data` are the folders that hold state; `off` settings that turn authentication off, with the values that do;
    `default` variables whose absence leaves a password that everybody knows, `alias` what may stand for them;
    `keyed` variables (and `flags` words of the command) one of which turns authentication on.
    """

    role: str
    ports: tuple[int, ...]
    data: tuple[str, ...]
    off: dict[str, list[str]]
    default: dict[str, str]
    alias: dict[str, list[str]]
    keyed: tuple[str, ...]
    flags: tuple[str, ...]
    flags_off: tuple[str, ...]
    docker: bool
    host: bool
    privileged: bool
    volatile: bool

    @property
    def store(self) -> bool:
        """Whether it keeps other services' data."""
        return self.role in STORES


@cache
def _table() -> dict[str, Known]:
    """name -> row, as data/compose-images.json has it."""
    path = Path(__file__).parent.parent / "data" / "compose-images.json"
    rows: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["images"]
    return {name: _row(row) for row in rows for name in row["names"]}


def _row(row: dict[str, Any]) -> Known:
    return Known(
        row["role"],
        tuple(row.get("ports", ())),
        tuple(row.get("data", ())),
        row.get("off", {}),
        row.get("default", {}),
        row.get("alias", {}),
        tuple(row.get("keyed", ())),
        tuple(row.get("flags", ())),
        tuple(row.get("flagsoff", ())),
        bool(row.get("docker")),
        bool(row.get("host")),
        bool(row.get("privileged")),
        bool(row.get("volatile")),
    )


def known(image: Image) -> Known | None:
    """What is known of an image, by its name; a mirror of a public image is that image."""
    table = _table()
    familiar = image.familiar
    return table.get(familiar) or table.get(image.name.removeprefix("library/"))
