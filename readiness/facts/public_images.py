"""What is known of public images: what they are, where they keep data, how they let people in."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from readiness.model.package import DATA
from readiness.syntax.image import Image

STORES = frozenset(
    {"database", "cache", "queue", "search", "object-store", "vector-store", "secret-store"}
)
_CONSOLES = frozenset({"console", "mail-catcher", "docker"})


@dataclass(frozen=True, slots=True)
class Known:
    """One row of the table.

    `data` are the folders that hold state, `from18` the folder above those of PostgreSQL 18 and later; `admin` the ports of
    what only administrators should reach; `off` settings that turn authentication off, with the values that do (`*` any);
    `default` variables whose absence leaves a password that everybody knows, `alias` what may stand for them;
    `keyed` variables (and `flags` words of the command) one of which turns authentication on.
    """

    role: str
    ports: tuple[int, ...]
    admin: tuple[int, ...]
    from18: str
    data: tuple[str, ...]
    off: dict[str, list[str]]
    default: dict[str, str]
    alias: dict[str, list[str]]
    keyed: tuple[str, ...]
    flags: tuple[str, ...]
    flags_off: tuple[str, ...]
    docker: bool
    host: bool
    volatile: bool

    @property
    def store(self) -> bool:
        """Whether it keeps other services' data."""
        return self.role in STORES

    def opens(self, name: str, value: str) -> bool:
        """Whether a setting of this value lets everybody in."""
        values = self.off.get(name, ())
        return value.lower() in values or ("*" in values and value != "")

    def folders(self, image: Image | None) -> tuple[str, ...]:
        """The folders that hold state in the release that a tag names."""
        found = _RELEASE.search(image.tag) if image is not None and self.from18 else None
        if found is None or int(found.group(1)) < 18:
            return self.data
        return (f"{self.from18}/{found.group(1)}/docker",)


_RELEASE = re.compile(r"(?:^|pg)([0-9]{2})(?![0-9])")


@cache
def _table() -> dict[str, Known]:
    """name -> row, as data/compose-images.json has it."""
    path = DATA / "compose-images.json"
    rows: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["images"]
    return {name: _row(row) for row in rows for name in row["names"]}


def _row(row: dict[str, Any]) -> Known:
    return Known(
        row["role"],
        tuple(row.get("ports", ())),
        tuple(row.get("admin", row.get("ports", ()) if row["role"] in _CONSOLES else ())),
        row.get("from18", ""),
        tuple(row.get("data", ())),
        row.get("off", {}),
        row.get("default", {}),
        row.get("alias", {}),
        tuple(row.get("keyed", ())),
        tuple(row.get("flags", ())),
        tuple(row.get("flagsoff", ())),
        bool(row.get("docker")),
        bool(row.get("host")),
        bool(row.get("volatile")),
    )


def known(image: Image) -> Known | None:
    """What is known of an image, by its name; a mirror of a public image is that image."""
    table = _table()
    familiar = image.familiar.replace("bitnamilegacy/", "bitnami/")
    return table.get(familiar) or table.get(image.name.removeprefix("library/"))
