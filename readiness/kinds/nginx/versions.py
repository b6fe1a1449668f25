"""Which nginx will read the configuration, as far as the project's images say."""

from __future__ import annotations

import posixpath
import re

from readiness.kinds.nginx import includes
from readiness.model import Source
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import Project

Version = tuple[int, int, int]

_NGINX_IMAGE_LINE = lazy_regex(
    r"^[ \t-]*(?:FROM[ \t]+(?:--platform=\S+[ \t]+)?|\"?image\"?:[ \t]*[\"']?)"
    r"(?:[\w.-]+(?::\d+)?/){0,8}(?:nginx|nginx-unprivileged|openresty):v?"
    r"(\d{1,6})\.(\d{1,6})(?:\.(\d{1,6}))?(?![\d.])",
    re.MULTILINE | re.IGNORECASE,
)
_KINDS_THAT_NAME_IMAGES = ("dockerfile", "compose", "k8s")


def nginx_version_ranges(project: Project, source: Source) -> list[tuple[Version, Version]]:
    """The lowest and the highest version that each image near a configuration can mean: `1.29` is any 1.29."""
    config_folder = posixpath.dirname(source.root.path)
    return [
        (lowest_version, highest_version)
        for image_file_folder, lowest_version, highest_version in project.memoize(_nginx_image_version_ranges)
        if includes.may_belong_to_main_folder(config_folder, image_file_folder)
        or includes.may_belong_to_main_folder(image_file_folder, config_folder)
    ]


def _nginx_image_version_ranges(project: Project) -> list[tuple[str, Version, Version]]:
    """The images of nginx that state a version, each with the folder of the file that names it."""
    folders_and_version_ranges = []
    for kind in _KINDS_THAT_NAME_IMAGES:
        for document in project.documents_of_kind(kind):
            text_in_lower_case = document.source.text.lower()
            if not any(image_name in text_in_lower_case for image_name in ("nginx:", "nginx-unprivileged:", "openresty:")):
                continue  # the expression below looks at each line, which is long for large manifests
            image_file_folder = posixpath.dirname(document.source.root.path)
            for major, minor, patch in _NGINX_IMAGE_LINE.findall(document.source.text):
                lowest_version = (int(major), int(minor), int(patch or 0))
                folders_and_version_ranges.append(
                    (
                        image_file_folder,
                        lowest_version,
                        lowest_version if patch else (lowest_version[0], lowest_version[1], 999),
                    )
                )
    return folders_and_version_ranges


def is_nginx_at_least(project: Project, source: Source, *minimum_versions: Version) -> bool:
    """Whether every image is of one of these versions, or a later one of the same line or of a newer line.

    Versions are given oldest line first: (1, 30, 1), (1, 31, 0) means 1.30 from 1.30.1 on and everything from 1.31.0 on.
    """
    version_ranges = nginx_version_ranges(project, source)
    return bool(version_ranges) and all(
        lowest_version >= minimum_versions[-1] or any(lowest_version[:2] == one[:2] and lowest_version >= one for one in minimum_versions)
        for lowest_version, _ in version_ranges
    )


def is_nginx_below(project: Project, source: Source, version_limit: Version) -> bool:
    """Whether every image is older than a version."""
    version_ranges = nginx_version_ranges(project, source)
    return bool(version_ranges) and all(highest_version < version_limit for _, highest_version in version_ranges)
