"""What is known of public images: which do not run as root, and which no longer get updates.

The facts are in data/base-images.json, dated; nothing here asks a clock or a registry.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, NamedTuple

from readiness.model.package import DATA
from readiness.syntax import glob
from readiness.syntax.image import Image

_DATA = DATA / "base-images.json"
_VERSION = re.compile(r"v?(\d+(?:\.\d+)*)(?:u\d+)?\Z")
_SYSTEM = re.compile(r"(alpine|debian|ubuntu|centos|fedora)(\d[\d.]*)\Z")
_DEBIAN_BASED = frozenset(
    {"debian", "ubuntu", "node", "python", "golang", "ruby", "php", "rust", "perl", "openjdk"}
    | {"buildpack-deps", "nginx", "httpd", "postgres", "mysql", "redis", "mongo", "gcc", "maven"}
)

_BARE = frozenset({"scratch", "alpine", "debian", "ubuntu", "busybox"})
_NO_APPLICATION = _BARE | {"node", "python", "golang", "ruby", "php", "rust"}
_NO_APPLICATION |= {"eclipse-temurin", "amazoncorretto", "openjdk"}
_AT_ROOT = _BARE | {"node", "python", "ruby", "rust", "eclipse-temurin", "amazoncorretto"}
_AT_ROOT |= {"fedora", "rockylinux", "almalinux"}
_WITH_FOLDER = frozenset({"golang", "php", "httpd", "tomcat", "wordpress", "drupal", "joomla"})


class EndOfLife(NamedTuple):
    """A release that gets no updates any more: its name, and the day that ended them."""

    release: str
    day: str


@cache
def _table() -> dict[str, Any]:
    table: dict[str, Any] = json.loads(_DATA.read_text(encoding="utf-8"))
    return table


def as_of() -> str:
    """The date of the table."""
    return str(_table()["as_of"])


def _named(image: Image, entry: Mapping[str, Any]) -> bool:
    """Whether an entry of the table means an image: by its name, and by its tag where it says one."""
    name = image.familiar
    if image.name_unknown or not glob.matches(entry["image"], name):
        return False
    if any(glob.matches(other, name) for other in entry.get("except", ())):
        return False
    if image.tag_unknown and ("tag" in entry or "except_tag" in entry):
        return False
    if not glob.matches(entry.get("tag", "*"), image.tag):
        return False
    return "except_tag" not in entry or not glob.matches(entry["except_tag"], image.tag)


def nonroot_user(image: Image) -> str | None:
    """The user that an image is documented to run as, when that is not root."""
    entries = _table()["nonroot"]
    return next((str(entry["user"]) for entry in entries if _named(image, entry)), None)


def official(image: Image) -> bool:
    """Whether it is one of Docker's official images, which run as root unless the table says otherwise."""
    return not image.name_unknown and "/" not in _public_name(image)


def known_official(image: Image) -> bool:
    """Whether it is an official image by its name, and not just any name without a slash."""
    return official(image) and _public_name(image) in _table()["official"]


def _public_name(image: Image) -> str:
    """The name as people say it, also where a public mirror of the official images is meant."""
    name = image.familiar
    for mirror in ("public.ecr.aws/docker/library/", "mirror.gcr.io/library/"):
        name = name.removeprefix(mirror)
    return name


def gives_root_up(image: Image) -> bool:
    """Whether an image's own entry point starts as root and runs the service as somebody else, as its page says."""
    return any(_named(image, entry) for entry in _table()["drops"])


def starts_service(image: Image) -> bool | None:
    """Whether an image starts a service by itself, or only a shell, an interpreter or nothing; None where unknown."""
    if any(_named(image, entry) for entry in _table()["plain"]):
        return False
    return True if official(image) else None


def lacks(image: Image, tool: str) -> bool:
    """Whether an image surely comes without a program; false where nobody can tell."""
    return any(tool in entry["tools"] and _named(image, entry) for entry in _table()["lacks"])


def end_of_life(image: Image) -> EndOfLife | None:
    """The release that an image's tag names, when its updates had ended by the table's date."""
    if image.name_unknown or image.tag_unknown:
        return None
    name, first = _public_name(image), image.tag.split("-")[0]
    systems = f"{name if name.startswith('gcr.io/distroless/') else ''}-{image.tag}"
    for pattern in _table()["end_of_life"]:
        if glob.matches(pattern, name):
            found = _ended(pattern, (*_cycles(first), ""), name.rpartition("/")[2])
            return found or _system(systems)
    return _system(systems) if official(image) else None


def end_of_release(language: str, version: str) -> EndOfLife | None:
    """The release of a language, as its official image is called, when its updates had ended by the table's date."""
    return _ended(language, _cycles(version), language) if version else None


def _ended(key: str, cycles: Iterable[str], shown: str) -> EndOfLife | None:
    table = _table()["end_of_life"].get(key, {})
    for cycle in cycles:
        day = table.get(cycle)
        if day is not None and day <= as_of():
            told = cycle if cycle.startswith(shown) else f"{shown} {cycle}".strip()
            return EndOfLife(told, day)
    return None


def _cycles(tag: str) -> list[str]:
    """The releases that a tag may name, the closest first: `3.8.1` is 3.8.1, 3.8 and 3."""
    match = _VERSION.match(tag)
    if match is None:
        return [tag] if tag else []
    parts = match.group(1).split(".")
    return [".".join(parts[:count]) for count in range(len(parts), 0, -1)]


def _system(text: str) -> EndOfLife | None:
    """The distribution in a tag: `3.11-buster`, `20-alpine3.18`, `11.8.0-base-ubuntu20.04`."""
    for part in re.split(r"[-_]", text)[1:]:
        day = _table()["systems"].get(part)
        if day and day <= as_of():
            return EndOfLife(part, day)
        match = _SYSTEM.match(part)
        found = _ended(match.group(1), _cycles(match.group(2)), match.group(1)) if match else None
        if found:
            return found
    return None


def environment_bare(image: Image) -> bool:
    """Whether an image is one whose ENV holds PATH and nothing else."""
    return not image.name_unknown and image.familiar in _BARE


def without_application(image: Image) -> bool:
    """Whether an image is one that brings no files of an application."""
    return not image.name_unknown and image.familiar in _NO_APPLICATION


def sets_folder(image: Image) -> bool | None:
    """Whether an image has a WORKDIR of its own, or starts at the root; None where unknown."""
    if image.name_unknown:
        return None
    return False if image.familiar in _AT_ROOT else True if image.familiar in _WITH_FOLDER else None


def shell_family(image: Image) -> str:
    """Which `/bin/sh` an image has: dash, busybox, bash, or an empty string where unknown."""
    if image.name_unknown:
        return ""
    name, tag = image.familiar, image.tag
    if name in ("alpine", "busybox") or (name in _DEBIAN_BASED and "alpine" in tag):
        return "busybox"
    if name in ("fedora", "centos", "rockylinux", "almalinux", "oraclelinux", "amazonlinux"):
        return "bash"
    if name.startswith(("registry.access.redhat.com/ubi", "quay.io/centos/", "opensuse/")):
        return "bash"
    return "dash" if name in _DEBIAN_BASED and not image.tag_unknown else ""
