"""Programs that a health check runs, against the image that it runs in."""

from __future__ import annotations

from readiness.checks.dockerfile.tools import has_tool
from readiness.facts.base_images import surely_lacks_tool
from readiness.facts.table import fact_column
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
    check = service.node.get("healthcheck")
    if not isinstance(check, Map) or (service.builds and "extends" in service.extended_node):
        yield NotApplicable()
        return
    words = healthcheck_words(check)
    if service.builds:
        yield from missing_tool(words, stage_built_by_service(service, project), check.at("test"))
        return
    tool, image = required_tool(words), service.image
    if tool is None or image is None or image.name_unknown:
        yield NotApplicable()
    elif surely_lacks_tool(image, tool):
        yield hit(check.at("test"), tool=tool, image=image.familiar_name, more="")


def missing_tool(words: list[str], stage: Stage | None, place: Span) -> CheckOutcome:
    """The hit where an image surely has no program that the command needs."""
    tool = required_tool(words)
    if tool is None or stage is None or stage.windows:
        yield NotApplicable()
    elif has_tool(stage, tool) is False:
        image = stage.root_stage.image.text_without_digest
        base = stage.root_stage.from_instruction
        note = Related(stage.source, base.span if base else stage.at(), f"made from {image} here")
        more = f" and {stage.source.path} does not install"
        yield hit(place, related=[note], tool=tool, image=image, file=stage.source.path, more=more)


def required_tool(words: list[str]) -> str | None:
    """The one program that a check hangs on; None where it names a file, or has another way out."""
    if not words or not words[0]:
        return None
    if words[0].rpartition("/")[2] in shell.SHELL_PROGRAMS and words[1:2] == ["-c"] and len(words) > 2:
        commands = [unwrap_command(one) for one in shell.commands_of(words[2])]
        if not commands or any(one.program not in fact_column("programs", "passing") for one in commands[1:]):
            return None
        return commands[0].program if "/" not in commands[0].name else None
    return words[0] if "/" not in words[0] else None
