"""Checks of FROM: the base image, its tag, its platform, and what its variables come to."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence

from readiness.facts.arguments import platform_build_arguments, predefined_proxy_build_arguments
from readiness.facts.base_images import is_known_official
from readiness.facts.moving import is_floating_image, is_floating_tag
from readiness.facts.releases import end_of_life_of_image
from readiness.facts.table import fact_row_by_name, property_by_fact_name
from readiness.kinds.dockerfile import global_arg_default
from readiness.kinds.dockerfile.model import Stage, Step
from readiness.model import CheckOutcome, Severity, Span, Undecidable, hit, spelling
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import Project, parent_folders
from readiness.syntax import image as images
from readiness.syntax.holes import has_template_opening, has_variable_sign
from readiness.syntax.words import VariableReference, expand_word, variable_references


def _is_base_from_registry(stage: Stage) -> bool:
    """Whether the stage's base comes from a registry."""
    return stage.image_word is not None and stage.base_stage is None and stage.image.text != "scratch"


def base_image_untagged(stage: Stage) -> CheckOutcome:
    """The base has neither tag nor digest, or the tag latest."""
    image_word = stage.image_word
    if image_word is None or not _is_base_from_registry(stage):
        return
    image = stage.image
    has_digest = image.digest or image.digest_unknown
    severity = Severity.LOW if _is_release_in_name(image.name) else Severity.MEDIUM
    if image.tag == "latest" and not has_digest and not image.tag_unknown:
        yield hit(image_word.span, severity=severity, image=image.text, tag="latest")
    elif images.parse_image(image_word.value).tag_unknown or image.tag_unknown:
        yield Undecidable(image_word.span)
    elif not image.tag and not image.digest:
        yield hit(image_word.span, severity=severity, image=image.text, tag="untagged")


_NAME_PART_WITH_RELEASE = lazy_regex(r"(?:\A|[/_-])([a-z]{2,20})[0-9]{1,2}(?=[/_-]|\Z)")


def _is_release_in_name(image_name: str) -> bool:
    """Whether an image's name tells the release of its distribution or runtime (`ubi10/ubi-minimal`, `nodejs24-debian13`): no other one can come."""
    named_systems = property_by_fact_name("distributions", "variant").keys() | fact_row_by_name("releases").keys()
    return any(part in named_systems for part in _NAME_PART_WITH_RELEASE.findall(image_name.lower()[:500]))


def base_image_tag_floating(stage: Stage, *, tags: Sequence[str] = (), ignore: Sequence[str] = ()) -> CheckOutcome:
    """The base has a tag that moves by design; `tags` restricts them, `ignore` leaves some out."""
    image_word = stage.image_word
    if image_word is None or not _is_base_from_registry(stage) or not stage.image.tag:
        return
    if stage.image.tag_unknown:
        yield Undecidable(image_word.span)
        return
    image_tag = stage.image.tag
    if stage.image.digest or stage.image.digest_unknown or image_tag in ignore:
        return
    if image_tag in tags if tags else is_floating_tag(image_tag):
        yield hit(image_word.span, image=stage.image.text, tag=image_tag)


def base_image_digest_missing(stage: Stage) -> CheckOutcome:
    """The base has no digest."""
    image_word = stage.image_word
    if image_word is None or not _is_base_from_registry(stage) or stage.image.digest:
        return
    if stage.image.digest_unknown or images.parse_image(image_word.value).digest_unknown:
        yield Undecidable(image_word.span)
    else:
        yield hit(image_word.span, image=stage.image.text)


def base_image_end_of_life(stage: Stage, project: Project) -> CheckOutcome:
    """The base is a release whose updates have ended."""
    image_word = stage.image_word
    if image_word is None or not _is_base_from_registry(stage):
        return
    ended_release = end_of_life_of_image(stage.image, project.today)
    if ended_release and not _does_path_name_release(stage.source.path, ended_release.release):
        yield hit(
            image_word.span,
            image=stage.image.text_without_digest,
            release=ended_release.release,
            day=ended_release.end_day,
        )


def _does_path_name_release(file_path: str, release_name: str) -> bool:
    """Whether a file's path names the release of a system, as those do that make packages for it."""
    system_name, _, release_version = release_name.rpartition(" ")
    if system_name and system_name not in property_by_fact_name("distributions", "packaged"):
        return False
    normalized_path = re.sub(r"[^a-z0-9]", "", "".join(file_path.lower().split("/")[-2:]))
    if release_version.isalpha():
        return release_version in normalized_path
    return (
        f"{system_name}{release_version.replace('.', '')}" in normalized_path
        or f"{system_name}{release_version.partition('.')[0]}" in normalized_path
    )


def base_image_registry_untrusted(step: Step, *, allowed: Sequence[str] = ()) -> CheckOutcome:
    """An image comes from a registry that is not in `allowed`; an empty list allows all."""
    if not allowed:
        return
    for image_reference, image_span in _images_pulled_by_instruction(step):
        registry_name = "docker.io" if not image_reference.registry else image_reference.registry
        if image_reference.text == "scratch" or image_reference.name_unknown:
            continue
        if not any(registry_name == one or (one[:2] == "*." and registry_name.endswith(one[1:])) for one in allowed):
            yield hit(image_span, registry=registry_name, image=image_reference.text)


def copy_from_image_floating(step: Step) -> CheckOutcome:
    """COPY --from or a mount takes files out of an image without a version."""
    if step.keyword not in ("COPY", "RUN"):
        return
    for image, image_span in _images_pulled_by_instruction(step):
        if image.is_variable:
            yield Undecidable(image_span)
        elif is_floating_image(image) and (image.tag or "/" in image.text or is_known_official(image)):
            yield hit(image_span, image=image.text)


def _images_pulled_by_instruction(step: Step) -> Iterator[tuple[images.ImageReference, Span]]:
    """The images that an instruction takes from a registry, with their places."""
    stage, instruction = step.stage, step.instruction
    if instruction.keyword == "FROM" and stage.image_word is not None and stage.base_stage is None:
        yield stage.image, stage.image_word.span
    from_flag = instruction.flag("from") if instruction.keyword == "COPY" else None
    if from_flag and step.document.stage_by_name(from_flag.value) is None:
        yield images.parse_image(from_flag.value), from_flag.value_span
    for run_flag in instruction.flags if instruction.keyword == "RUN" else ():
        for mount_option in run_flag.value.split(",") if run_flag.name == "mount" else ():
            option_name, _, option_value = mount_option.partition("=")
            if option_name == "from" and step.document.stage_by_name(option_value) is None:
                yield images.parse_image(option_value), run_flag.value_span


def base_image_platform_fixed(stage: Stage) -> CheckOutcome:
    """FROM names one platform; a stage or a file whose name says the platform means it so."""
    platform_flag = stage.from_instruction.flag("platform") if stage.from_instruction else None
    if platform_flag is None or not platform_flag.value or has_variable_sign(platform_flag.raw) or has_template_opening(platform_flag.raw):
        return
    file_and_stage_name = f"{posixpath.basename(stage.source.path).lower()} {stage.name}"
    if any(part and part in file_and_stage_name for part in platform_flag.value.lower().split("/")):
        return
    yield hit(platform_flag.value_span, platform=platform_flag.value)


def base_image_platform_redundant(stage: Stage) -> CheckOutcome:
    """FROM names the target platform, which is the default."""
    platform_flag = stage.from_instruction.flag("platform") if stage.from_instruction else None
    if platform_flag and platform_flag.value in ("$TARGETPLATFORM", "${TARGETPLATFORM}"):
        yield hit(platform_flag.span)


def _variables_in_from(stage: Stage) -> Iterator[tuple[VariableReference, int, int]]:
    """The variables that FROM uses, with their places."""
    if stage.from_instruction is None:
        return
    source_text = stage.source.text
    image_word_spans = [word.span for word in stage.from_instruction.words[:1]]
    platform_flag = stage.from_instruction.flag("platform")
    for word_span in [platform_flag.value_span, *image_word_spans] if platform_flag else image_word_spans:
        for variable_reference in variable_references(
            source_text[word_span.start : word_span.end], stage.document.parsed_dockerfile.escape_character
        ):
            yield variable_reference, word_span.start + variable_reference.start, word_span.start + variable_reference.end


def _is_tilt_fixture(stage: Stage, project: Project) -> bool:
    """Whether a Dockerfile is a fixture of tests that Tilt builds: it writes the image into FROM before Docker reads that."""
    source = stage.document.source
    assumed_purpose = source.purposes.get("")
    tiltfile_paths = (posixpath.join(folder, "Tiltfile") for folder in parent_folders(source.path))
    return assumed_purpose is not None and assumed_purpose.word == "test" and any(path in project.paths for path in tiltfile_paths)


def from_argument_undefined(stage: Stage, *, project: Project) -> CheckOutcome:
    """FROM uses a variable that no ARG before the first FROM declares; a template's are filled in by others."""
    global_args = stage.document.global_args
    if _is_tilt_fixture(stage, project):
        return
    is_template = stage.document.parsed_dockerfile.is_template
    for variable_reference, variable_start, variable_end in _variables_in_from(stage):
        variable_name = variable_reference.name
        if (
            variable_name in global_args
            or variable_name in platform_build_arguments()
            or variable_name in predefined_proxy_build_arguments()
            or variable_reference.modifier
        ):
            continue
        known_argument_names = [*global_args, *platform_build_arguments()]
        if is_template:
            yield Undecidable(Span(variable_start, variable_end))
            continue
        yield hit(
            Span(variable_start, variable_end),
            name=variable_name,
            hint=spelling.did_you_mean_text(variable_name, known_argument_names),
        )


def from_default_invalid(stage: Stage) -> CheckOutcome:
    """With the defaults of its ARGs, FROM names no valid image."""
    image_word = stage.image_word
    if image_word is None or not has_variable_sign(image_word.raw):
        return
    global_args = stage.document.global_args
    variable_names = [reference.name for reference in variable_references(image_word.raw)]
    if not variable_names or not all(name in global_args for name in variable_names):
        return

    def argument_default(name: str) -> str | None:
        default_value = global_arg_default(stage.document, name)
        return "" if default_value is None and name in global_args and name not in platform_build_arguments() else default_value

    expanded_image = expand_word(image_word.raw, argument_default, stage.document.parsed_dockerfile.escape_character)
    if expanded_image is not None and not images.parse_image(expanded_image).is_valid and not has_template_opening(expanded_image):
        yield hit(image_word.span, image=image_word.value, filled=expanded_image or "nothing")
