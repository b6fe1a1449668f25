"""What is known of public images: what they are, where they keep data, how they let people in."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import cache, lru_cache
from typing import Any

from readiness.facts import images
from readiness.facts.table import fact_row_by_name
from readiness.model.lazy_regex import lazy_regex
from readiness.model.records import dataclass
from readiness.syntax.image import ImageReference

DATA_STORE_ROLES = frozenset({"database", "cache", "queue", "search", "object-store", "vector-store", "secret-store"})
_ADMIN_CONSOLE_ROLES = frozenset({"console", "mail-catcher", "docker"})


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """One row of the table.

    `state_folders_before_18` are the folders that hold state, `state_folder_since_18` the folder above those of PostgreSQL 18
    and later; `admin_ports` the ports of what only administrators should reach; `auth_off_values` settings that turn
    authentication off, with the values that do (`*` any); `outweighing_variables` of those settings that only allow an empty
    password the variables that set one; `variables_with_default_password` variables whose absence leaves a
    password that everybody knows, `substitute_variables` what may stand for them; `words_of_store` are words of the
    command one of which makes it the store, where the image has other roles too; `auth_variables` variables (and `auth_flags`
    words of the command) one of which turns authentication on, `moot_passwords` passwords with the settings that let
    everybody in as whom they are for. `called` is what a message calls it where its role is too wide a
    word; `role_variables` are settings that let everybody read, with the variable that may give more; `floating_release` is the
    major release behind tags that name none, 0 where it is not known.
    """

    role: str
    ports: tuple[int, ...]
    admin_ports: tuple[int, ...]
    state_folder_since_18: str
    state_folders_before_18: tuple[str, ...]
    auth_off_values: dict[str, list[str]]
    outweighing_variables: dict[str, list[str]]
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
    floating_release: int

    @property
    def is_store(self) -> bool:
        """Whether it keeps other services' data."""
        return self.role in DATA_STORE_ROLES

    @property
    def keeps_data(self) -> bool:
        """Whether it is a store whose data must last: no cache, and nothing that keeps none by default."""
        return self.is_store and bool(self.state_folders_before_18) and self.role != "cache" and not self.keeps_nothing

    def opens_to_all(self, setting_name: str, setting_value: str, filled_variables: Collection[str]) -> bool:
        """Whether a setting of this value lets everybody in, beside the variables that hold something: of an account with a password
        it is no matter that it might have none."""
        auth_off_values_of_setting = self.auth_off_values.get(setting_name, ())
        if not auth_off_values_of_setting or any(one in filled_variables for one in self.outweighing_variables.get(setting_name, ())):
            return False
        return setting_value.lower() in auth_off_values_of_setting or ("*" in auth_off_values_of_setting and setting_value != "")

    def is_password_moot(self, password_variable: str, value_by_setting: Mapping[str, str | None]) -> bool:
        """Whether a password adds nothing, for other settings let everybody in as whom it is for."""
        moot_values_by_setting = self.moot_passwords.get(password_variable)
        return bool(moot_values_by_setting) and all(
            (value_by_setting.get(key) or "").lower() in values for key, values in (moot_values_by_setting or {}).items()
        )

    def state_folders(self, image: ImageReference | None, *, with_floating_tags: bool = False) -> tuple[str, ...]:
        """The folders that hold state in the release that a tag names, or, with `with_floating_tags`, that a tag like `latest` has today."""
        major_release_match = _POSTGRES_MAJOR_RELEASE_PATTERN.search(image.tag) if image is not None and self.state_folder_since_18 else None
        major_release = int(major_release_match.group(1)) if major_release_match is not None else 0
        is_floating = image is not None and not image.digest and not major_release and _is_tag_without_release(image.tag)
        if with_floating_tags and is_floating:
            major_release = self.floating_release
        if major_release < 18:
            return self.state_folders_before_18
        return (f"{self.state_folder_since_18}/{major_release}/docker",)


def _is_tag_without_release(tag: str) -> bool:
    """Whether a tag names no release: none, `latest`, or a distribution alone."""
    return tag in {"", "latest", "alpine", "bookworm", "trixie"}


_POSTGRES_MAJOR_RELEASE_PATTERN = lazy_regex(r"(?:^|pg)([0-9]{2})(?![0-9])")


@cache
def _image_facts_by_name() -> dict[str, ImageFacts]:
    """name -> what is known of it, for the images whose role is known."""
    return {name: _make_image_facts(row) for name, row in fact_row_by_name("images").items() if "role" in row}


def _make_image_facts(image_fact_row: Mapping[str, Any]) -> ImageFacts:
    return ImageFacts(
        image_fact_row["role"],
        tuple(image_fact_row.get("ports", ())),
        tuple(image_fact_row.get("admin", image_fact_row.get("ports", ()) if image_fact_row["role"] in _ADMIN_CONSOLE_ROLES else ())),
        image_fact_row.get("from-18", ""),
        tuple(image_fact_row.get("data", ())),
        image_fact_row.get("off", {}),
        image_fact_row.get("outweighed", {}),
        image_fact_row.get("default", {}),
        image_fact_row.get("alias", {}),
        tuple(image_fact_row.get("keyed", ())),
        tuple(image_fact_row.get("flags", ())),
        tuple(image_fact_row.get("flags-off", ())),
        bool(image_fact_row.get("docker")),
        bool(image_fact_row.get("host")),
        bool(image_fact_row.get("volatile")),
        tuple(image_fact_row.get("stores-as", ())),
        image_fact_row.get("moot", {}),
        image_fact_row.get("called", ""),
        image_fact_row.get("reads-only", {}),
        image_fact_row.get("floating", 0),
    )


@lru_cache(maxsize=16_384)  # as many as `parse_image` keeps: every rule of a service asks for its image
def facts_of_public_image(image: ImageReference) -> ImageFacts | None:
    """What is known of an image, by its name; a mirror of a public image is that image."""
    image_facts_by_name = _image_facts_by_name()
    image_name = images.public_image_name(image).replace("bitnamilegacy/", "bitnami/")
    return image_facts_by_name.get(image_name) or image_facts_by_name.get(image.name.removeprefix("library/"))


def is_slow_starting_server(image: ImageReference) -> bool:
    """Whether a server takes a minute and more before it answers, by its name or by that of the one it is a copy of."""
    if images.image_property(image, "slow-start") is True:
        return True
    return any(row.get("slow-start") is True for row in images.fact_rows_by_last_name_part(image))


def is_server_ready_at_once(image: ImageReference) -> bool:
    """Whether a server answers as soon as its process has read its configuration."""
    return images.image_property(image, "ready-at-once") is True


def lasting_data_folders(image: ImageReference, command_words: Collection[str] = ()) -> tuple[str, ...]:
    """Where a store keeps data that must last, in the release that the tag names; empty for other images.

    A copy of a well-known one under another owner or in another registry counts as that one. The words of its command, where they
    are known, say whether an image of several roles is the store.
    """
    facts_of_image = facts_of_public_image(image)
    rows_by_last_name_part = images.fact_rows_by_last_name_part(image) if facts_of_image is None else ()
    image_facts_candidates = [facts_of_image] if facts_of_image else [_make_image_facts(row) for row in rows_by_last_name_part if "role" in row]
    state_folders = [
        folder
        for one in image_facts_candidates
        if one.keeps_data and not (command_words and one.words_of_store and not set(command_words) & set(one.words_of_store))
        for folder in one.state_folders(image)
    ]
    return tuple(dict.fromkeys(state_folders))


@cache
def variable_and_store_facts_pairs() -> tuple[tuple[str, ImageFacts], ...]:
    """Each variable that only a store's server is given, with what is known of the store's image."""
    image_facts_by_name = _image_facts_by_name()
    return tuple((name, image_facts_by_name[row["server"]]) for name, row in fact_row_by_name("store-accounts").items() if "server" in row)


_STORE_COMPANION_NAME_PATTERN = lazy_regex(r"pool|bouncer|proxy|exporter|backup|restore|dump|pgcat|router|client|migrat|seed", re.IGNORECASE)


def is_store_companion_name(service_name: str) -> bool:
    """Whether a name is one of what stands before a store or beside it: a pooler, a proxy, an exporter, a backup."""
    return bool(_STORE_COMPANION_NAME_PATTERN.search(service_name))
