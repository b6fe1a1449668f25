"""Programs that a health check runs, against the image that it runs in."""

from __future__ import annotations

from readiness.checks.dockerfile.tools import has_tool
from readiness.facts.base_images import surely_lacks_tool
from readiness.facts.table import property_by_fact_name
from readiness.facts.wrappers import unwrap_command
from readiness.kinds.compose.model import Service
from readiness.kinds.compose.words import healthcheck_words, stage_built_by_service
from readiness.kinds.dockerfile.model import Stage
from readiness.model import CheckOutcome, NotApplicable, Related, Span, hit
from readiness.model.project import Project
from readiness.syntax import shell
from readiness.syntax.yaml import Map


def healthcheck_tool_missing(service: Service, project: Project) -> CheckOutcome:
    """A compose health check that calls a program which its image, or that of its Dockerfile, does not have."""
    healthcheck = service.node.get("healthcheck")
    if not isinstance(healthcheck, Map) or (service.builds and "extends" in service.extended_node):
        yield NotApplicable()
        return
    command_words = healthcheck_words(healthcheck)
    if service.builds:
        yield from missing_tool_outcome(command_words, stage_built_by_service(service, project), healthcheck.at("test"))
        return
    required_program, image = required_program_name(command_words), service.image
    if required_program is None or image is None or image.name_unknown:
        yield NotApplicable()
    elif surely_lacks_tool(image, required_program):
        yield hit(healthcheck.at("test"), tool=required_program, image=image.familiar_name, more="")


def missing_tool_outcome(words: list[str], stage: Stage | None, place: Span) -> CheckOutcome:
    """The hit where an image surely has no program that the command needs."""
    required_program = required_program_name(words)
    if required_program is None or stage is None or stage.windows:
        yield NotApplicable()
    elif has_tool(stage, required_program) is False:
        root_base_image_text = stage.root_stage.image.text_without_digest
        from_instruction = stage.root_stage.from_instruction
        base_image_related = Related(
            stage.source, from_instruction.span if from_instruction else stage.at(), f"made from {root_base_image_text} here"
        )
        message_addition = f" and {stage.source.path} does not install"
        yield hit(
            place,
            related=[base_image_related],
            tool=required_program,
            image=root_base_image_text,
            file=stage.source.path,
            more=message_addition,
        )


def required_program_name(words: list[str]) -> str | None:
    """The one program that a check hangs on; None where it names a file, or has another way out."""
    if not words or not words[0]:
        return None
    if words[0].rpartition("/")[2] in shell.SHELL_PROGRAMS and words[1:2] == ["-c"] and len(words) > 2:
        unwrapped_commands = [unwrap_command(one) for one in shell.parse_commands(words[2])]
        if not unwrapped_commands or any(one.program not in property_by_fact_name("programs", "passing") for one in unwrapped_commands[1:]):
            return None
        return unwrapped_commands[0].program if "/" not in unwrapped_commands[0].name else None
    return words[0] if "/" not in words[0] else None
