"""Checks of the base of the image that runs: whether it is made for building, and whether it is small."""

from __future__ import annotations

import re
from collections.abc import Iterator

from readiness.checks.dockerfile.packages import written
from readiness.facts.images import fact
from readiness.kinds.dockerfile.model import Stage
from readiness.model import Aside, Hit, Unknown, hit


def shipped(stage: Stage) -> Iterator[Hit | Aside]:
    """The final stage compiles the program that it starts, and keeps the compiler."""
    word = stage.image_word
    image = stage.root.image
    builds = fact(image, "compiles")
    if not stage.final or not stage.whole or word is None:
        yield Aside()
        return
    starts = stage.last("CMD") or stage.last("ENTRYPOINT")
    if builds is None or starts is None or "slim" in image.tag:
        return
    if written(stage, re.compile(builds)):
        yield hit(word.span, image=image.undigested)


_PART = re.compile(r"\w+")


def full(stage: Stage) -> Iterator[Hit | Unknown | Aside]:
    """The final stage stands on the large variant of an image that has a small one."""
    word = stage.image_word
    image = stage.root.image
    if not stage.final or not stage.whole or word is None or image.name_unknown:
        yield Aside()
        return
    small = fact(image, "small-tags")
    if small is None:
        if not fact(image, "small"):
            yield Aside()
    elif image.tag_unknown:
        yield Unknown(word.span)
    elif not any(part.startswith(tuple(small)) for part in _PART.findall(image.tag)) and not any(
        shipped(stage)
    ):
        yield hit(word.span, image=image.undigested)
