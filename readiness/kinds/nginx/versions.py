"""Which nginx will read the configuration, as far as the project's images say."""

from __future__ import annotations

import posixpath
import re

from readiness.kinds.nginx import includes
from readiness.model import Source
from readiness.model.project import Project

Version = tuple[int, int, int]

_NGINX_IMAGE_LINE = re.compile(
    r"^[ \t-]*(?:FROM[ \t]+(?:--platform=\S+[ \t]+)?|\"?image\"?:[ \t]*[\"']?)"
    r"(?:[\w.-]+(?::\d+)?/){0,8}(?:nginx|nginx-unprivileged|openresty):v?"
    r"(\d+)\.(\d+)(?:\.(\d+))?(?![\d.])",
    re.MULTILINE | re.IGNORECASE,
)
_NAMES = re.compile(r"(?:nginx|nginx-unprivileged|openresty):", re.IGNORECASE)
_KINDS_NAMING_IMAGES = ("dockerfile", "compose", "k8s")


def nginx_version_ranges(project: Project, source: Source) -> list[tuple[Version, Version]]:
    """The lowest and the highest version that each image near a configuration can mean: `1.29` is any 1.29."""
    folder = posixpath.dirname(source.root.path)
    return [
        (low, high)
        for home, low, high in project.memoize(_nginx_images)
        if includes.may_belong_to(folder, home) or includes.may_belong_to(home, folder)
    ]


def _nginx_images(project: Project) -> list[tuple[str, Version, Version]]:
    """The images of nginx that state a version, each with the folder of the file that names it."""
    images = []
    for kind in _KINDS_NAMING_IMAGES:
        for document in project.documents_of_kind(kind):
            if _NAMES.search(document.source.text) is None:
                continue  # the expression below looks at each line, which is long for large manifests
            home = posixpath.dirname(document.source.root.path)
            for major, minor, patch in _NGINX_IMAGE_LINE.findall(document.source.text):
                low = (int(major), int(minor), int(patch or 0))
                images.append((home, low, low if patch else (low[0], low[1], 999)))
    return images


def is_nginx_at_least(project: Project, source: Source, *wanted: Version) -> bool:
    """Whether every image is of one of these versions, or a later one of the same line or of a newer line.

    Versions are given oldest line first: (1, 30, 1), (1, 31, 0) means 1.30 from 1.30.1 on and everything from 1.31.0 on.
    """
    known = nginx_version_ranges(project, source)
    return bool(known) and all(
        low >= wanted[-1] or any(low[:2] == one[:2] and low >= one for one in wanted) for low, _ in known
    )


def is_nginx_below(project: Project, source: Source, wanted: Version) -> bool:
    """Whether every image is older than a version."""
    known = nginx_version_ranges(project, source)
    return bool(known) and all(high < wanted for _, high in known)
