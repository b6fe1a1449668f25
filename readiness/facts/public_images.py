"""What is known of public images: what they are, where they keep data, how they let people in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from readiness.facts import images
from readiness.facts.table import rows
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
    def is_store(self) -> bool:
        """Whether it keeps other services' data."""
        return self.role in STORES

    @property
    def keeps_data(self) -> bool:
        """Whether it is a store whose data must last: no cache, and nothing that keeps none by default."""
        return self.is_store and bool(self.data) and self.role != "cache" and not self.volatile

    def opens_to_all(self, name: str, value: str) -> bool:
        """Whether a setting of this value lets everybody in."""
        values = self.off.get(name, ())
        return value.lower() in values or ("*" in values and value != "")

    def state_folders(self, image: Image | None) -> tuple[str, ...]:
        """The folders that hold state in the release that a tag names."""
        match = _RELEASE.search(image.tag) if image is not None and self.from18 else None
        if match is None or int(match.group(1)) < 18:
            return self.data
        return (f"{self.from18}/{match.group(1)}/docker",)


_RELEASE = re.compile(r"(?:^|pg)([0-9]{2})(?![0-9])")


@cache
def _table() -> dict[str, Known]:
    """name -> what is known of it, for the images whose role is known."""
    return {name: _row(row) for name, row in rows("images").items() if "role" in row}


def _row(row: Mapping[str, Any]) -> Known:
    return Known(
        row["role"],
        tuple(row.get("ports", ())),
        tuple(row.get("admin", row.get("ports", ()) if row["role"] in _CONSOLES else ())),
        row.get("from-18", ""),
        tuple(row.get("data", ())),
        row.get("off", {}),
        row.get("default", {}),
        row.get("alias", {}),
        tuple(row.get("keyed", ())),
        tuple(row.get("flags", ())),
        tuple(row.get("flags-off", ())),
        bool(row.get("docker")),
        bool(row.get("host")),
        bool(row.get("volatile")),
    )


def public_image(image: Image) -> Known | None:
    """What is known of an image, by its name; a mirror of a public image is that image."""
    table = _table()
    name = images.public_name(image).replace("bitnamilegacy/", "bitnami/")
    return table.get(name) or table.get(image.name.removeprefix("library/"))


def starts_slowly(image: Image) -> bool:
    """Whether a server takes a minute and more before it answers, by its name or by that of the one it is a copy of."""
    if images.image_property(image, "slow-start") is True:
        return True
    return any(row.get("slow-start") is True for row in images.rows_by_last_part(image))


def data_folders(image: Image) -> tuple[str, ...]:
    """Where a store keeps data that must last, in the release that the tag names; empty for other images.

    A copy of a well-known one under another owner or in another registry counts as that one.
    """
    found = public_image(image)
    if found is not None:
        return found.state_folders(image) if found.keeps_data else ()
    others = [_row(row) for row in images.rows_by_last_part(image) if "role" in row]
    folders = [folder for one in others if one.keeps_data for folder in one.state_folders(image)]
    return tuple(dict.fromkeys(folders))
