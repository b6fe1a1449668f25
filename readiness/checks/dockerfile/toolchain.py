"""Checks of the base of the image that runs: whether it is made for building, and whether it is small."""

from __future__ import annotations

import re
from collections.abc import Iterator

from readiness.checks.dockerfile.packages import written
from readiness.kinds.dockerfile.model import Stage
from readiness.model import Aside, Hit, Unknown, hit

# Images with a compiler or a build tool, and the command that makes what is to run.
_TOOLCHAINS = {
    "golang": re.compile(r"\bgo (?:build|install)\b"),
    "rust": re.compile(r"\bcargo (?:build|install|b)\b"),
    "maven": re.compile(r"\bmvn\b[^\n;&|]{0,300}\b(?:package|install|verify)\b"),
    "gradle": re.compile(
        r"\bgradlew?\b[^\n;&|]{0,300}\b(?:build|assemble|bootJar|jar|installDist|shadowJar)\b"
    ),
    "gcc": re.compile(r"\b(?:gcc|g\+\+|make|cmake|ninja)\b"),
    "swift": re.compile(r"\bswift build\b"),
    "mcr.microsoft.com/dotnet/sdk": re.compile(r"\bdotnet (?:publish|build)\b"),
}


def shipped(stage: Stage) -> Iterator[Hit | Aside]:
    """The final stage compiles the program that it starts, and keeps the compiler."""
    word = stage.image_word
    image = stage.root.image
    builds = None if image.name_unknown else _TOOLCHAINS.get(image.familiar)
    if not stage.final or not stage.whole or word is None:
        yield Aside()
        return
    starts = stage.last("CMD") or stage.last("ENTRYPOINT")
    if builds is None or starts is None or "slim" in image.tag:
        return
    if written(stage, builds):
        yield hit(word.span, image=image.undigested)


# Official images whose plain tags hold compilers and whole systems, with the words of those that do not.
_FULL = {
    "node": ("slim", "alpine"), "python": ("slim", "alpine"), "ruby": ("slim", "alpine"), "perl": ("slim",),
    "rust": ("slim", "alpine"), "golang": ("alpine",), "openjdk": ("slim", "alpine", "jre"), "eclipse-temurin": ("jre", "alpine"),
    "amazoncorretto": ("alpine", "headless", "al2023"), "php": ("alpine",), "buildpack-deps": (), "gcc": (),
    "maven": (), "gradle": (), "mcr.microsoft.com/dotnet/sdk": (),
}  # fmt: skip
_PART = re.compile(r"\w+")
_SMALL = re.compile(
    r"(?:alpine|scratch|busybox|gcr\.io/distroless/.*|cgr\.dev/.*|dhi\.io/.*|.*/ubi\d*(?:/ubi|-)?(?:minimal|micro)"
    r"|.*/ubi[\d./]*/ubi-(?:minimal|micro)|mcr\.microsoft\.com/dotnet/(?:aspnet|runtime|runtime-deps))\Z"
)


def full(stage: Stage) -> Iterator[Hit | Unknown | Aside]:
    """The final stage stands on the large variant of an image that has a small one."""
    word = stage.image_word
    image = stage.root.image
    if not stage.final or not stage.whole or word is None or image.name_unknown:
        yield Aside()
        return
    small = _FULL.get(image.familiar)
    if small is None:
        if not _SMALL.match(image.familiar):
            yield Aside()
    elif image.tag_unknown:
        yield Unknown(word.span)
    elif not any(part.startswith(small) for part in _PART.findall(image.tag)) and not any(
        shipped(stage)
    ):
        yield hit(word.span, image=image.undigested)
