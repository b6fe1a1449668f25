"""Checks of the base of the image that runs: whether it is made for building, and whether it is small."""

from __future__ import annotations

import re

from readiness.checks.dockerfile.packages import is_in_run
from readiness.facts.images import image_property
from readiness.kinds.dockerfile.model import Stage
from readiness.model import CheckOutcome, NotApplicable, Undecidable, hit


def build_image_shipped(stage: Stage) -> CheckOutcome:
    """The final stage compiles the program that it starts, and keeps the compiler."""
    word = stage.image_word
    image = stage.root_stage.image
    builds = image_property(image, "compiles")
    if not stage.final or not stage.whole or word is None:
        yield NotApplicable()
        return
    starts = stage.effective_value("CMD") or stage.effective_value("ENTRYPOINT")
    if builds is None or starts is None or "slim" in image.tag:
        return
    if is_in_run(stage, re.compile(builds)):
        yield hit(word.span, image=image.text_without_digest)


_WORD = re.compile(r"\w+")


def base_image_full(stage: Stage) -> CheckOutcome:
    """The final stage stands on the large variant of an image that has a small one."""
    word = stage.image_word
    image = stage.root_stage.image
    if not stage.final or not stage.whole or word is None or image.name_unknown:
        yield NotApplicable()
        return
    small = image_property(image, "small-tags")
    if small is None:
        if not image_property(image, "small"):
            yield NotApplicable()
    elif image.tag_unknown:
        yield Undecidable(word.span)
    elif not any(part.startswith(tuple(small)) for part in _WORD.findall(image.tag)) and not any(build_image_shipped(stage)):
        yield hit(word.span, image=image.text_without_digest)
