"""Checks of stages: their names, their order, what is never built, what stands before the first."""

from __future__ import annotations

import posixpath
from bisect import bisect_left
from collections.abc import Sequence

from readiness.kinds.dockerfile.model import Document, Stage, Step
from readiness.kinds.joins.every_build import builds_of_project
from readiness.model import CheckOutcome, Related, Severity, Source, Span, Undecidable, hit
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import Project
from readiness.syntax.holes import has_variable_sign
from readiness.syntax.template import has_control_tag, is_named_as_template

RESERVED_STAGE_NAMES = frozenset({"scratch", "context"})


def stage_name_duplicate(document: Document) -> CheckOutcome:
    """Two stages have one name."""
    first_stage_by_name: dict[str, Stage] = {}
    for stage in document.stages:
        if not stage.name or stage.from_instruction is None:
            continue
        name_word = stage.from_instruction.words[2]
        first_stage = first_stage_by_name.setdefault(stage.name, stage)
        if first_stage is not stage and first_stage.from_instruction is not None:
            first_name_location = Related(document.source, first_stage.from_instruction.words[2].span, "the first of that name")
            yield hit(name_word.span, name=name_word.value, resource=stage.resource, related=(first_name_location,))


def stage_name_reserved(stage: Stage) -> CheckOutcome:
    """The stage has a name that the builder keeps for itself."""
    if stage.name in RESERVED_STAGE_NAMES and stage.from_instruction is not None:
        yield hit(stage.from_instruction.words[2].span, name=stage.name)


def stage_name_capitals(stage: Stage) -> CheckOutcome:
    """The stage's name has capitals."""
    if stage.name and stage.from_instruction is not None:
        name_word = stage.from_instruction.words[2]
        if name_word.value != name_word.value.lower():
            yield hit(name_word.span, name=name_word.value)


# Stages that are made to be built on their own.
_STANDALONE_TARGET_NAME_PATTERN = lazy_regex(
    r"(?:\A|[-_.])(?:dev\w{0,60}|tests?|testing|debug\w{0,60}|lint\w{0,60}|ci|docs?|bench\w{0,60}|prod\w{0,60}|shell)(?:\Z|[-_.])"
)


def stage_unused(document: Document, project: Project) -> CheckOutcome:
    """A stage that no later one builds on or copies from, and that no build of the project names."""
    if any(has_variable_sign(s.image_word.raw) for s in document.stages if s.base_stage is None and s.image_word):
        return  # a FROM with a variable may mean any of them
    used_stage_ids = {id(stage.base_stage) for stage in document.stages if stage.base_stage is not None}
    for step in document.steps:
        referenced_names = [flag.value for flag in step.instruction.flags if flag.name == "from"]
        referenced_names += [mount["from"] for mount in step.mounts() if "from" in mount]
        for referenced_name in referenced_names:
            source_stage = document.stage_by_name(referenced_name)
            if source_stage is not None:
                used_stage_ids.add(id(source_stage))
            elif has_variable_sign(referenced_name):
                return
    dockerfile_path = posixpath.normpath(document.source.path)
    builds_with_target = [build for build in project.memoize(builds_of_project) if build.dockerfile_path == dockerfile_path and build.target_stage]
    used_stage_ids.update(id(document.stage_by_name(build.target_stage or "")) for build in builds_with_target)
    for stage in document.stages[:-1]:
        if id(stage) not in used_stage_ids and stage.from_instruction is not None and not _STANDALONE_TARGET_NAME_PATTERN.search(stage.name):
            yield hit(stage.from_instruction.span, resource=stage.resource, name=stage.name or stage.index)


def instruction_before_from(document: Document) -> CheckOutcome:
    """An instruction other than ARG stands before the first FROM."""
    for step in document.steps:
        if step.stage.index >= 0:
            return
        if step.keyword != "ARG" and not step.onbuild:
            yield hit(step.instruction.span, keyword=step.keyword)


def onbuild_instruction_forbidden(step: Step) -> CheckOutcome:
    """ONBUILD with an instruction that the builder refuses there."""
    if step.onbuild and step.keyword in ("ONBUILD", "FROM", "MAINTAINER"):
        yield hit(step.instruction.keyword_span, keyword=step.keyword)


def instruction_invalid(document: Document) -> CheckOutcome:
    """What the builder cannot read, one hit a place.

    In a template a line that is no instruction may go on with one that a condition parts from it, in the branch that is not printed. A
    file that is named as a template is filled in before a build: there it is medium.
    """
    text = document.source.text
    error_offsets = {one.offset for one in document.parsed_dockerfile.errors}
    instruction_starts = sorted({one.span.start for one in document.parsed_dockerfile.instructions} - error_offsets)
    span_by_offset = {one.span.start: one.span for one in document.parsed_dockerfile.instructions}
    for error in document.parsed_dockerfile.errors:
        span = span_by_offset.get(error.offset)
        if span is None:
            line_end = text.find("\n", error.offset)
            span = Span(error.offset, len(text) if line_end < 0 else line_end)
        preceding_start = instruction_starts[max(bisect_left(instruction_starts, error.offset) - 1, 0)] if instruction_starts else 0
        if error.message.startswith("unknown instruction") and _may_be_in_another_branch(document.source, preceding_start, error.offset):
            yield Undecidable(span)
        else:
            yield hit(span, severity=Severity.MEDIUM if is_named_as_template(document.source.path) else None, reason=error.message)


def _may_be_in_another_branch(source: Source, start: int, end: int) -> bool:
    """Whether a condition of a template stands between two places, so that one file may never hold both."""
    return is_named_as_template(source.path) and has_control_tag(source.text, start, end)


def instruction_repeated(stage: Stage, *, keywords: Sequence[str]) -> CheckOutcome:
    """An instruction of which only the last counts stands more than once."""
    for keyword in keywords:
        instructions_of_keyword = [one for one in stage.instructions if one.keyword == keyword and not one.is_under_onbuild]
        for instruction in instructions_of_keyword[:-1]:
            effective_location = Related(stage.source, instructions_of_keyword[-1].span, "the one that counts")
            if _may_be_in_another_branch(stage.source, instruction.span.end, instructions_of_keyword[-1].span.start):
                yield Undecidable(instruction.keyword_span)
            else:
                yield hit(instruction.keyword_span, keyword=keyword, related=(effective_location,))
