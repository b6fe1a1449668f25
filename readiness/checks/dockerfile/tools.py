"""Programs that an image has or lacks: what its base comes without, and what its steps bring and take away."""

from __future__ import annotations

import re
from functools import lru_cache

from readiness.facts import packages
from readiness.facts.base_images import surely_lacks_tool
from readiness.facts.wrappers import unwrap_command
from readiness.kinds.dockerfile.model import Stage, Step
from readiness.model import CheckOutcome, hit
from readiness.model.lazy_regex import lazy_regex
from readiness.syntax import shell


def starter_missing(step: Step) -> CheckOutcome:
    """RUN, CMD or ENTRYPOINT needs a shell or a program that the image surely does not have."""
    instruction, stage = step.instruction, step.stage
    if instruction.keyword not in ("RUN", "CMD", "ENTRYPOINT") or step.onbuild or not instruction.words:
        return
    if instruction.keyword != "RUN" and not _is_started_by_image(step):
        return
    if stage.windows or not stage.whole or any("from" in mount for mount in step.mounts()):
        return
    if not instruction.is_json_form and not surely_lacks_tool(stage.root_stage.image, "sh"):
        return
    image_text = stage.root_stage.image.text_without_digest
    if instruction.is_json_form:
        program = instruction.words[0].value
        if instruction.keyword != "RUN" and "/" not in program and has_tool(stage, program) is False:
            yield hit(instruction.words[0].span, keyword=instruction.keyword, tool=program, image=image_text)
    elif not stage.effective_value("SHELL", instruction.span.start) and has_tool(stage, "sh") is False:
        tool = "a shell, as its shell form does"
        yield hit(instruction.arguments_span, keyword=instruction.keyword, tool=tool, image=image_text)


def _is_started_by_image(step: Step) -> bool:
    """Whether a CMD or ENTRYPOINT is the one that the image starts."""
    effective_start = step.document.stages[-1].effective_value(step.keyword)
    return effective_start is not None and effective_start.instruction is step.instruction


@lru_cache(maxsize=64)
def has_tool(stage: Stage, name: str) -> bool | None:
    """Whether an image surely has, or surely lacks, a program; None where nobody can tell."""
    if _is_provided_by_step(stage, name):
        return True
    return None if not surely_lacks_tool(stage.root_stage.image, name) or _has_opaque_run(stage) else False


_BIN_FOLDER_PATTERN = lazy_regex(r"(?:\A|/s?bin/?)\Z|\A/(?:usr/?)?\Z")


def _is_provided_by_step(stage: Stage, program: str) -> bool:
    """Whether a step brings a program; the last step that names it decides."""
    program_pattern = re.compile(rf"(?<![\w.-]){re.escape(program)}(?![\w.-])")
    is_provided = False
    for chain_stage in reversed(list(stage.base_chain)):
        for instruction in chain_stage.instructions:
            if instruction.keyword == "RUN":
                is_left = _is_program_left_by_run(Step(stage.document, chain_stage, instruction), program_pattern, program)
                is_provided = is_provided if is_left is None else is_left
            elif instruction.keyword in ("COPY", "ADD") and instruction.words:
                copy_match = program_pattern.search(instruction.arguments_text.text) or _BIN_FOLDER_PATTERN.search(instruction.words[-1].value)
                is_provided = is_provided or bool(copy_match)
    return is_provided


def _is_program_left_by_run(step: Step, program_pattern: re.Pattern[str], program: str) -> bool | None:
    """Whether a RUN leaves a program behind (it installs, fetches or uses it) or takes it away."""
    heredoc_texts = [step.source.text[slice(*doc.body_span)] for doc in step.instruction.heredocs]
    if not any(program_pattern.search(text) for text in (step.instruction.arguments_text.text, *heredoc_texts)):
        return None
    is_left = True
    for command in () if step.script.has_unparsed_text else step.script.commands:
        invocation = unwrap_command(command)
        if invocation.program == program or any(program_pattern.search(each.value) for each in invocation.words):
            is_left = not packages.removes_system_packages(invocation)
    return is_left


def _has_opaque_run(stage: Stage) -> bool:
    """Whether a RUN does something that cannot be seen through: a script, packages from a variable."""
    for chain_stage in stage.base_chain:
        for instruction in chain_stage.instructions:
            if instruction.keyword != "RUN":
                continue
            step = Step(stage.document, chain_stage, instruction)
            if step.script.has_unparsed_text or not step.posix:
                return True
            for command in step.script.commands:
                if "/" in command.name and not command.name.startswith(("/bin/", "/usr/bin/")):
                    return True
                if not command.is_name_known or command.program in (
                    *shell.SHELL_PROGRAMS,
                    "make",
                    "python",
                    ".",
                ):
                    return True
                package_call = packages.package_call(command)
                if package_call and package_call.is_install and not all(word.is_fully_known for word in package_call.packages):
                    return True
    return False
