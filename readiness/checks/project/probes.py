"""Programs that an exec probe runs, against the image that a Dockerfile of the project makes."""

from __future__ import annotations

from typing import Any

from readiness.checks.k8s.probes import probes_of
from readiness.checks.project.tools import missing_tool_outcome
from readiness.kinds.compose.parts import expand_scalar
from readiness.kinds.joins.images import stage_of_container
from readiness.kinds.k8s.model import Container
from readiness.model import CheckOutcome, NotApplicable
from readiness.model.project import Project
from readiness.syntax.interpolation import UNKNOWN_VALUE_MARK
from readiness.syntax.yaml import Map, Seq


def probe_tool_missing(container: Container, *, project: Project) -> CheckOutcome:
    """An exec probe that calls a program which the image of its Dockerfile does not have."""
    exec_probes = [exec_probe for _, one in probes_of(container) if isinstance(exec_probe := one.get("exec"), Map)]
    built_stage = stage_of_container(container, project) if exec_probes and not container.windows else None
    if built_stage is None:
        yield NotApplicable()
        return
    for exec_probe in exec_probes:
        if isinstance(command_node := exec_probe.get("command"), Seq):
            yield from missing_tool_outcome(_command_words(command_node), built_stage, exec_probe.at("command"))


def _command_words(command_items: Any) -> list[str]:
    """The words of a command, with the defaults of their variables."""
    return [expand_scalar(item).text.replace(UNKNOWN_VALUE_MARK, "X") for item in command_items]
