"""What is known of public images: what they are, where they keep data, how they let people in."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from readiness.facts import images
from readiness.facts.table import fact_rows
from readiness.syntax.image import ImageReference

STORE_ROLES = frozenset({"database", "cache", "queue", "search", "object-store", "vector-store", "secret-store"})
_CONSOLE_ROLES = frozenset({"console", "mail-catcher", "docker"})


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """One row of the table.

    `state_folders_before_18` are the folders that hold state, `state_folder_since_18` the folder above those of PostgreSQL 18
    and later; `admin_ports` the ports of what only administrators should reach; `auth_off_values` settings that turn
    authentication off, with the values that do (`*` any); `variables_with_default_password` variables whose absence leaves a
    password that everybody knows, `substitute_variables` what may stand for them; `words_of_store` are words of the
    command one of which makes it the store, where the image has other roles too; `auth_variables` variables (and `auth_flags`
    words of the command) one of which turns authentication on, `moot_passwords` passwords with the settings that let
    everybody in as whom they are for. `called` is what a message calls it where its role is too wide a
    word; `role_variables` are settings that let everybody read, with the variable that may give more.
    """

    role: str
    ports: tuple[int, ...]
    admin_ports: tuple[int, ...]
    state_folder_since_18: str
    state_folders_before_18: tuple[str, ...]
    auth_off_values: dict[str, list[str]]
    variables_with_default_password: dict[str, str]
    substitute_variables: dict[str, list[str]]
    auth_variables: tuple[str, ...]
    auth_flags: tuple[str, ...]
    flags_off: tuple[str, ...]
    is_docker_console: bool
    is_host_agent: bool
    keeps_nothing: bool
    words_of_store: tuple[str, ...]
    moot_passwords: dict[str, dict[str, list[str]]]
    called: str
    role_variables: dict[str, str]

    @property
    def is_store(self) -> bool:
        """Whether it keeps other services' data."""
        return self.role in STORE_ROLES

    @property
    def keeps_data(self) -> bool:
        """Whether it is a store whose data must last: no cache, and nothing that keeps none by default."""
        return self.is_store and bool(self.state_folders_before_18) and self.role != "cache" and not self.keeps_nothing

    def opens_to_all(self, name: str, value: str) -> bool:
        """Whether a setting of this value lets everybody in."""
        values = self.auth_off_values.get(name, ())
        return value.lower() in values or ("*" in values and value != "")

    def is_password_moot(self, name: str, settings: Mapping[str, str | None]) -> bool:
        """Whether a password adds nothing, for other settings let everybody in as whom it is for."""
        wanted = self.moot_passwords.get(name)
        return bool(wanted) and all((settings.get(key) or "").lower() in values for key, values in (wanted or {}).items())

    def state_folders(self, image: ImageReference | None) -> tuple[str, ...]:
        """The folders that hold state in the release that a tag names."""
        match = _MAJOR_RELEASE_IN_TAG.search(image.tag) if image is not None and self.state_folder_since_18 else None
        if match is None or int(match.group(1)) < 18:
            return self.state_folders_before_18
        return (f"{self.state_folder_since_18}/{match.group(1)}/docker",)


_MAJOR_RELEASE_IN_TAG = re.compile(r"(?:^|pg)([0-9]{2})(?![0-9])")


@cache
def _facts_by_image() -> dict[str, ImageFacts]:
    """name -> what is known of it, for the images whose role is known."""
    return {name: _make_image_facts(row) for name, row in fact_rows("images").items() if "role" in row}


def _make_image_facts(row: Mapping[str, Any]) -> ImageFacts:
    return ImageFacts(
        row["role"],
        tuple(row.get("ports", ())),
        tuple(row.get("admin", row.get("ports", ()) if row["role"] in _CONSOLE_ROLES else ())),
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
        tuple(row.get("stores-as", ())),
        row.get("moot", {}),
        row.get("called", ""),
        row.get("reads-only", {}),
    )


def facts_of_public_image(image: ImageReference) -> ImageFacts | None:
    """What is known of an image, by its name; a mirror of a public image is that image."""
    table = _facts_by_image()
    name = images.public_name(image).replace("bitnamilegacy/", "bitnami/")
    return table.get(name) or table.get(image.name.removeprefix("library/"))


def starts_slowly(image: ImageReference) -> bool:
    """Whether a server takes a minute and more before it answers, by its name or by that of the one it is a copy of."""
    if images.image_property(image, "slow-start") is True:
        return True
    return any(row.get("slow-start") is True for row in images.rows_by_last_part(image))


def is_ready_at_once(image: ImageReference) -> bool:
    """Whether a server answers as soon as its process has read its configuration."""
    return images.image_property(image, "ready-at-once") is True


def data_folders(image: ImageReference, command: Collection[str] = ()) -> tuple[str, ...]:
    """Where a store keeps data that must last, in the release that the tag names; empty for other images.

    A copy of a well-known one under another owner or in another registry counts as that one. The words of its command, where they
    are known, say whether an image of several roles is the store.
    """
    found = facts_of_public_image(image)
    copied = images.rows_by_last_part(image) if found is None else ()
    listed = [found] if found else [_make_image_facts(row) for row in copied if "role" in row]
    folders = [
        folder
        for one in listed
        if one.keeps_data and not (command and one.words_of_store and not set(command) & set(one.words_of_store))
        for folder in one.state_folders(image)
    ]
    return tuple(dict.fromkeys(folders))


@cache
def facts_of_store_variable() -> tuple[tuple[str, ImageFacts], ...]:
    """Each variable that only a store's server is given, with what is known of the store's image."""
    table = _facts_by_image()
    return tuple((name, table[row["server"]]) for name, row in fact_rows("store-accounts").items() if "server" in row)


_ASIDE_OF_STORE = re.compile(r"pool|bouncer|proxy|exporter|backup|restore|dump|pgcat|router|client|migrat|seed", re.IGNORECASE)


def may_stand_aside_of_store(name: str) -> bool:
    """Whether a name is one of what stands before a store or beside it: a pooler, a proxy, an exporter, a backup."""
    return bool(_ASIDE_OF_STORE.search(name))
