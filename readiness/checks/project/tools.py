"""Programs that a health check or a probe runs, against the image that a Dockerfile of the project makes."""

from __future__ import annotations

from typing import Any

from readiness.checks.dockerfile.tools import has_tool
from readiness.checks.k8s.probes import probes_of
from readiness.facts.base_images import surely_lacks_tool
from readiness.facts.table import column
from readiness.facts.wrappers import unwrapped
from readiness.kinds.compose.model import Service
from readiness.kinds.compose.parts import expand_scalar
from readiness.kinds.compose.words import healthcheck_words, stage_of
from readiness.kinds.dockerfile.model import Stage
from readiness.kinds.joins.images import stage_of_container
from readiness.kinds.k8s.model import Container
from readiness.model import NotApplicable, Outcome, Related, Span, hit
from readiness.model.project import Project
from readiness.syntax import shell
from readiness.syntax.interpolation import HOLE
from readiness.syntax.yaml import Map, Seq


def healthcheck_tool_missing(service: Service, project: Project) -> Outcome:
    """A compose health check that calls a program which its image, or that of its Dockerfile, does not have."""
    check = service.node.get("healthcheck")
    if not isinstance(check, Map) or (service.builds and "extends" in service.full):
        yield NotApplicable()
        return
    words = healthcheck_words(check)
    if service.builds:
        yield from _missing_tool(words, stage_of(service, project), check.at("test"))
        return
    tool, image = required_tool(words), service.image
    if tool is None or image is None or image.name_unknown:
        yield NotApplicable()
    elif surely_lacks_tool(image, tool):
        yield hit(check.at("test"), tool=tool, image=image.familiar, more="")


def probe_tool_missing(container: Container, *, project: Project) -> Outcome:
    """An exec probe that calls a program which the image of its Dockerfile does not have."""
    runs = [run for _, one in probes_of(container) if isinstance(run := one.get("exec"), Map)]
    stage = stage_of_container(container, project) if runs and not container.windows else None
    if stage is None:
        yield NotApplicable()
        return
    for run in runs:
        if isinstance(command := run.get("command"), Seq):
            yield from _missing_tool(_command_words(command), stage, run.at("command"))


def _command_words(items: Any) -> list[str]:
    """The words of a command, with the defaults of their variables."""
    return [expand_scalar(item).text.replace(HOLE, "X") for item in items]


def _missing_tool(words: list[str], stage: Stage | None, place: Span) -> Outcome:
    """The hit where an image surely has no program that the command needs."""
    tool = required_tool(words)
    if tool is None or stage is None or stage.windows:
        yield NotApplicable()
    elif has_tool(stage, tool) is False:
        image = stage.root.image.undigested
        base = stage.root.start
        note = Related(stage.source, base.span if base else stage.at(), f"made from {image} here")
        more = f" and {stage.source.path} does not install"
        yield hit(place, related=[note], tool=tool, image=image, file=stage.source.path, more=more)


def required_tool(words: list[str]) -> str | None:
    """The one program that a check hangs on; None where it names a file, or has another way out."""
    if not words or not words[0]:
        return None
    if words[0].rpartition("/")[2] in shell.SHELLS and words[1:2] == ["-c"] and len(words) > 2:
        commands = [unwrapped(one) for one in shell.commands_of(words[2])]
        if not commands or any(
            one.program not in column("programs", "passing") for one in commands[1:]
        ):
            return None
        return commands[0].program if "/" not in commands[0].name else None
    return words[0] if "/" not in words[0] else None
