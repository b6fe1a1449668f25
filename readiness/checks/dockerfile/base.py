"""Checks of FROM: the base image, its tag, its platform, and what its variables come to."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence

from readiness.facts.arguments import platform_arguments, proxy_arguments
from readiness.facts.base_images import is_known_official
from readiness.facts.moving import is_floating, is_floating_image
from readiness.facts.releases import end_of_life
from readiness.facts.table import fact_column
from readiness.kinds.dockerfile import global_arg_default
from readiness.kinds.dockerfile.model import Stage, Step
from readiness.model import CheckOutcome, Span, Undecidable, hit, spelling
from readiness.model.project import Project, parent_folders
from readiness.syntax import image as images
from readiness.syntax.holes import has_template, has_variable
from readiness.syntax.words import VariableReference, expand_word, variable_references


def _is_external(stage: Stage) -> bool:
    """Whether the stage's base comes from a registry."""
    return stage.image_word is not None and stage.base_stage is None and stage.image.text != "scratch"


def base_image_untagged(stage: Stage) -> CheckOutcome:
    """The base has neither tag nor digest, or the tag latest."""
    word = stage.image_word
    if word is None or not _is_external(stage):
        return
    image = stage.image
    pinned = image.digest or image.digest_unknown
    if image.tag == "latest" and not pinned and not image.tag_unknown:
        yield hit(word.span, image=image.text, tag="latest")
    elif images.parse_image(word.value).tag_unknown or image.tag_unknown:
        yield Undecidable(word.span)
    elif not image.tag and not image.digest:
        yield hit(word.span, image=image.text, tag="untagged")


def base_image_tag_floating(stage: Stage, *, tags: Sequence[str] = (), ignore: Sequence[str] = ()) -> CheckOutcome:
    """The base has a tag that moves by design; `tags` restricts them, `ignore` leaves some out."""
    word = stage.image_word
    if word is None or not _is_external(stage) or not stage.image.tag:
        return
    if stage.image.tag_unknown:
        yield Undecidable(word.span)
        return
    tag = stage.image.tag
    if stage.image.digest or stage.image.digest_unknown or tag in ignore:
        return
    if tag in tags if tags else is_floating(tag):
        yield hit(word.span, image=stage.image.text, tag=tag)


def base_image_digest_missing(stage: Stage) -> CheckOutcome:
    """The base has no digest."""
    word = stage.image_word
    if word is None or not _is_external(stage) or stage.image.digest:
        return
    if stage.image.digest_unknown or images.parse_image(word.value).digest_unknown:
        yield Undecidable(word.span)
    else:
        yield hit(word.span, image=stage.image.text)


def base_image_end_of_life(stage: Stage, project: Project) -> CheckOutcome:
    """The base is a release whose updates have ended."""
    word = stage.image_word
    if word is None or not _is_external(stage):
        return
    ended = end_of_life(stage.image, project.today)
    if ended and not _names_release(stage.source.path, ended.release):
        yield hit(
            word.span,
            image=stage.image.text_without_digest,
            release=ended.release,
            day=ended.end_day,
        )


def _names_release(path: str, release: str) -> bool:
    """Whether a file's path names the release of a system, as those do that make packages for it."""
    system, _, version = release.rpartition(" ")
    if system and system not in fact_column("distributions", "packaged"):
        return False
    plain = re.sub(r"[^a-z0-9]", "", "".join(path.lower().split("/")[-2:]))
    if version.isalpha():
        return version in plain
    return f"{system}{version.replace('.', '')}" in plain or f"{system}{version.partition('.')[0]}" in plain


def base_image_registry_untrusted(step: Step, *, allowed: Sequence[str] = ()) -> CheckOutcome:
    """An image comes from a registry that is not in `allowed`; an empty list allows all."""
    if not allowed:
        return
    for reference, span in _pulled_images(step):
        name = "docker.io" if not reference.registry else reference.registry
        if reference.text == "scratch" or reference.name_unknown:
            continue
        if not any(name == one or (one[:2] == "*." and name.endswith(one[1:])) for one in allowed):
            yield hit(span, registry=name, image=reference.text)


def copy_from_image_floating(step: Step) -> CheckOutcome:
    """COPY --from or a mount takes files out of an image without a version."""
    if step.keyword not in ("COPY", "RUN"):
        return
    for image, span in _pulled_images(step):
        if image.is_variable:
            yield Undecidable(span)
        elif is_floating_image(image) and (image.tag or "/" in image.text or is_known_official(image)):
            yield hit(span, image=image.text)


def _pulled_images(step: Step) -> Iterator[tuple[images.ImageReference, Span]]:
    """The images that an instruction takes from a registry, with their places."""
    stage, instruction = step.stage, step.instruction
    if instruction.keyword == "FROM" and stage.image_word is not None and stage.base_stage is None:
        yield stage.image, stage.image_word.span
    flag = instruction.flag("from") if instruction.keyword == "COPY" else None
    if flag and step.document.stage_by_name(flag.value) is None:
        yield images.parse_image(flag.value), flag.value_span
    for one_flag in instruction.flags if instruction.keyword == "RUN" else ():
        for part in one_flag.value.split(",") if one_flag.name == "mount" else ():
            name, _, value = part.partition("=")
            if name == "from" and step.document.stage_by_name(value) is None:
                yield images.parse_image(value), one_flag.value_span


def base_image_platform_fixed(stage: Stage) -> CheckOutcome:
    """FROM names one platform; a stage or a file whose name says the platform means it so."""
    flag = stage.from_instruction.flag("platform") if stage.from_instruction else None
    if flag is None or not flag.value or has_variable(flag.raw) or has_template(flag.raw):
        return
    named = f"{posixpath.basename(stage.source.path).lower()} {stage.name}"
    if any(part and part in named for part in flag.value.lower().split("/")):
        return
    yield hit(flag.value_span, platform=flag.value)


def base_image_platform_redundant(stage: Stage) -> CheckOutcome:
    """FROM names the target platform, which is the default."""
    flag = stage.from_instruction.flag("platform") if stage.from_instruction else None
    if flag and flag.value in ("$TARGETPLATFORM", "${TARGETPLATFORM}"):
        yield hit(flag.span)


def _variables_in_from(stage: Stage) -> Iterator[tuple[VariableReference, int, int]]:
    """The variables that FROM uses, with their places."""
    if stage.from_instruction is None:
        return
    text = stage.source.text
    words = [word.span for word in stage.from_instruction.words[:1]]
    flag = stage.from_instruction.flag("platform")
    for span in [flag.value_span, *words] if flag else words:
        for reference in variable_references(text[span.start : span.end], stage.document.parsed_dockerfile.escape_character):
            yield reference, span.start + reference.start, span.start + reference.end


def _is_tilt_fixture(stage: Stage, project: Project) -> bool:
    """Whether a Dockerfile is a fixture of tests that Tilt builds: it writes the image into FROM before Docker reads that."""
    source = stage.document.source
    taken = source.purposes.get("")
    tiltfiles = (posixpath.join(folder, "Tiltfile") for folder in parent_folders(source.path))
    return taken is not None and taken.word == "test" and any(path in project.paths for path in tiltfiles)


def from_argument_undefined(stage: Stage, *, project: Project) -> CheckOutcome:
    """FROM uses a variable that no ARG before the first FROM declares; a template's are filled in by others."""
    known = stage.document.global_args
    if _is_tilt_fixture(stage, project):
        return
    template = stage.document.parsed_dockerfile.is_template
    for reference, start, end in _variables_in_from(stage):
        name = reference.name
        if name in known or name in platform_arguments() or name in proxy_arguments() or reference.modifier:
            continue
        names = [*known, *platform_arguments()]
        if template:
            yield Undecidable(Span(start, end))
            continue
        yield hit(Span(start, end), name=name, hint=spelling.did_you_mean_text(name, names))


def from_default_invalid(stage: Stage) -> CheckOutcome:
    """With the defaults of its ARGs, FROM names no valid image."""
    word = stage.image_word
    if word is None or not has_variable(word.raw):
        return
    known = stage.document.global_args
    names = [reference.name for reference in variable_references(word.raw)]
    if not names or not all(name in known for name in names):
        return

    def default(name: str) -> str | None:
        value = global_arg_default(stage.document, name)
        return "" if value is None and name in known and name not in platform_arguments() else value

    filled = expand_word(word.raw, default, stage.document.parsed_dockerfile.escape_character)
    if filled is not None and not images.parse_image(filled).is_valid and not has_template(filled):
        yield hit(word.span, image=word.value, filled=filled or "nothing")
