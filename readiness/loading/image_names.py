"""Names of images that somebody replaces when an overlay is applied, as far as that is not built here."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from readiness.loading.discover import DiscoveredFiles
from readiness.loading.programs_read import program_text

if TYPE_CHECKING:
    from readiness.loading.render.kustomize import Kustomization

_BARE_IMAGE = re.compile(r"^[ \t-]*image:[ \t]*[\"']?([a-z0-9][a-z0-9._-]*)[\"']?[ \t]*\r?$", re.MULTILINE)
_EMBED = re.compile(r"^[ \t]*//go:embed[ \t]([^\n]{1,1000})", re.MULTILINE)
_MAX_PROGRAMS = 20  # read beside an overlay


def replaced_names(
    text: str,
    folder: str,
    users: Mapping[str, Iterable[str]],
    known: Mapping[str, Kustomization],
    discovered: DiscoveredFiles,
) -> frozenset[str]:
    """The images in what an overlay gives that somebody else replaces; `users` are the overlays that take it in and are not built."""
    return names_replaced_by_users(users.get(folder, ()), known) | names_replaced_by_program(text, folder, discovered)


def names_replaced_by_users(users: Iterable[str], known: Mapping[str, Kustomization]) -> frozenset[str]:
    """The images that overlays of these folders replace, in themselves or in what they take in."""
    from readiness.loading.render.kustomize import reachable_kustomizations

    reached = (each for one in users if one in known for each in reachable_kustomizations(known[one], known))
    return frozenset(name for each in reached for name in each.image_names)


def names_replaced_by_program(text: str, folder: str, discovered: DiscoveredFiles) -> frozenset[str]:
    """The images without registry and tag of an overlay that a program in Go embeds: an operator puts in what it deploys."""
    names = frozenset(_BARE_IMAGE.findall(text))
    above, name = posixpath.split(folder)
    if not names or not name:
        return frozenset()
    programs = sorted(one for one in discovered.paths if one.endswith(".go") and posixpath.dirname(one) == above)
    for path in programs[:_MAX_PROGRAMS]:
        if any(name in embedded.replace("/*", "").split() for embedded in _EMBED.findall(program_text(discovered, path))):
            return names
    return frozenset()
