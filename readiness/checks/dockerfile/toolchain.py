"""Checks of the base of the image that runs: whether it is made for building, and whether it is small."""

from __future__ import annotations

import re

from readiness.checks.dockerfile.packages import is_in_run_text
from readiness.facts.images import image_property
from readiness.kinds.dockerfile.model import Stage
from readiness.model import CheckOutcome, NotApplicable, Undecidable, hit
from readiness.model.lazy_regex import lazy_regex


def build_image_shipped(stage: Stage) -> CheckOutcome:
    """The final stage compiles the program that it starts, and keeps the compiler."""
    image_word = stage.image_word
    image = stage.root_stage.image
    compile_pattern = image_property(image, "compiles")
    if not stage.final or not stage.whole or image_word is None:
        yield NotApplicable()
        return
    start_instruction = stage.effective_value("CMD") or stage.effective_value("ENTRYPOINT")
    if compile_pattern is None or start_instruction is None or "slim" in image.tag:
        return
    if is_in_run_text(stage, re.compile(compile_pattern)):
        yield hit(image_word.span, image=image.text_without_digest)


_TAG_WORD_PATTERN = lazy_regex(r"\w+")


def base_image_full(stage: Stage) -> CheckOutcome:
    """The final stage stands on the large variant of an image that has a small one."""
    image_word = stage.image_word
    image = stage.root_stage.image
    if not stage.final or not stage.whole or image_word is None or image.name_unknown:
        yield NotApplicable()
        return
    small_tag_prefixes = image_property(image, "small-tags")
    if small_tag_prefixes is None:
        if not image_property(image, "small"):
            yield NotApplicable()
    elif image.tag_unknown:
        yield Undecidable(image_word.span)
    elif not any(part.startswith(tuple(small_tag_prefixes)) for part in _TAG_WORD_PATTERN.findall(image.tag)) and not any(build_image_shipped(stage)):
        yield hit(image_word.span, image=image.text_without_digest)
