"""Names of images that somebody replaces when an overlay is applied, as far as that is not built here."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from readiness.loading.discover import DiscoveredFiles
from readiness.loading.programs_read import program_text
from readiness.model.lazy_regex import lazy_regex

if TYPE_CHECKING:
    from readiness.loading.render.kustomize import Kustomization

_IMAGE_WITHOUT_REGISTRY_AND_TAG = lazy_regex(r"^[ \t-]*image:[ \t]*[\"']?([a-z0-9][a-z0-9._-]*)[\"']?[ \t]*\r?$", re.MULTILINE)
_GO_EMBED_DIRECTIVE = lazy_regex(r"^[ \t]*//go:embed[ \t]([^\n]{1,1000})", re.MULTILINE)
_MAX_PROGRAMS_PER_OVERLAY = 20  # read beside an overlay


def replaced_image_names(
    overlay_text: str,
    overlay_folder: str,
    user_folders_by_folder: Mapping[str, Iterable[str]],
    kustomization_by_folder: Mapping[str, Kustomization],
    discovered: DiscoveredFiles,
) -> frozenset[str]:
    """The images in what an overlay gives that somebody else replaces; `user_folders_by_folder` are the overlays that take it in and are
    not built."""
    return image_names_replaced_by_users(user_folders_by_folder.get(overlay_folder, ()), kustomization_by_folder) | image_names_replaced_by_program(
        overlay_text, overlay_folder, discovered
    )


def image_names_replaced_by_users(user_folders: Iterable[str], kustomization_by_folder: Mapping[str, Kustomization]) -> frozenset[str]:
    """The images that overlays of these folders replace, in themselves or in what they take in."""
    from readiness.loading.render.kustomize import reachable_kustomizations

    reached_kustomizations = (
        each
        for one in user_folders
        if one in kustomization_by_folder
        for each in reachable_kustomizations(kustomization_by_folder[one], kustomization_by_folder)
    )
    return frozenset(name for each in reached_kustomizations for name in each.image_names)


def image_names_replaced_by_program(overlay_text: str, overlay_folder: str, discovered: DiscoveredFiles) -> frozenset[str]:
    """The images without registry and tag of an overlay that a program in Go embeds: an operator puts in what it deploys."""
    bare_image_names = frozenset(_IMAGE_WITHOUT_REGISTRY_AND_TAG.findall(overlay_text))
    parent_folder, folder_name = posixpath.split(overlay_folder)
    if not bare_image_names or not folder_name:
        return frozenset()
    go_program_paths = sorted(one for one in discovered.paths if one.endswith(".go") and posixpath.dirname(one) == parent_folder)
    for program_path in go_program_paths[:_MAX_PROGRAMS_PER_OVERLAY]:
        if any(folder_name in embedded.replace("/*", "").split() for embedded in _GO_EMBED_DIRECTIVE.findall(program_text(discovered, program_path))):
            return bare_image_names
    return frozenset()
