"""Checks of the base of the image that runs: whether it is one that is made for building."""

from __future__ import annotations

import re
from collections.abc import Iterator

from readiness.checks.dockerfile.packages import scripts
from readiness.kinds.dockerfile_model import Stage
from readiness.model import Aside, Hit, hit

# Images with a compiler or a build tool, and the command that makes what is to run.
_TOOLCHAINS = {
    "golang": r"\bgo (?:build|install)\b",
    "rust": r"\bcargo (?:build|install|b)\b",
    "maven": r"\bmvn\b[^\n;&|]*\b(?:package|install|verify)\b",
    "gradle": r"\bgradlew?\b[^\n;&|]*\b(?:build|assemble|bootJar|jar|installDist|shadowJar)\b",
    "gcc": r"\b(?:gcc|g\+\+|make|cmake|ninja)\b",
    "swift": r"\bswift build\b",
    "mcr.microsoft.com/dotnet/sdk": r"\bdotnet (?:publish|build)\b",
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
    if any(re.search(builds, scripts(below)) for below in stage.chain):
        yield hit(word.span, image=image.text.partition("@")[0])
