"""Checks of HEALTHCHECK: whether there is one, whether it can fail, and whether it can run at all."""

from __future__ import annotations

from collections.abc import Sequence

from readiness.checks.dockerfile.tools import has_tool
from readiness.facts.base_images import surely_lacks_tool
from readiness.kinds.dockerfile.actions import is_action
from readiness.kinds.dockerfile.model import Stage, effective_step
from readiness.model import Outcome, Severity, Unknown, hit, missing
from readiness.model.project import Project
from readiness.syntax import shell


def healthcheck_missing(stage: Stage, project: Project, *, roles: Sequence[str]) -> Outcome:
    """The final stage, of one of these roles, and those below it have no HEALTHCHECK; info where a service brings its own."""
    if not stage.final or not stage.whole or stage.files_only or stage.role not in roles:
        return
    if not stage.last("HEALTHCHECK") and not is_action(stage, project):
        brought = stage.source.path in project.memo(_checked_by_compose)
        yield missing(stage.at(), severity=Severity.INFO if brought else None)


def _checked_by_compose(project: Project) -> frozenset[str]:
    """The Dockerfiles that services with a health check of their own are built from."""
    if "compose" not in project.by_kind:
        return frozenset()
    from readiness.kinds.joins.builds import build_of_service

    checked = set()
    for document in project.documents("compose"):
        for service in document.services.values():
            check = service.full.dig("healthcheck")
            if not check.get("test") or check.get("disable"):
                continue
            build = build_of_service(service, project)
            if build is not None and build.file is not None:
                checked.add(build.file)
    return frozenset(checked)


def healthcheck_disabled(stage: Stage) -> Outcome:
    """The final stage turns the health check off."""
    effective = stage.last("HEALTHCHECK") if stage.final else None
    if (
        effective
        and effective.instruction.words
        and effective.instruction.words[0].raw.upper() == "NONE"
    ):
        yield hit(effective.span)


_ALWAYS_WELL = frozenset({"true", ":", "echo"})


def healthcheck_pointless(stage: Stage) -> Outcome:
    """The health check succeeds whatever the process does."""
    step = effective_step(stage, "HEALTHCHECK") if stage.final else None
    if step is None:
        return
    commands = [one for one in step.script.commands if one.parent < 0]
    if step.instruction.json and len(commands) > 1:
        commands = commands[1:]  # those that the shell runs
    if is_always_healthy(commands):
        yield hit(commands[-1].span)


def is_always_healthy(commands: Sequence[shell.Command]) -> bool:
    """Whether a script of these commands always answers with success, by the one that it ends with."""
    if not commands or commands[-1].inside:
        return False
    last = commands[-1]
    if len(commands) > 1 and (last.operator not in ("||", ";", "\n") or last.position > 0):
        return False
    return last.program in _ALWAYS_WELL or (last.program == "exit" and last.values == ("0",))


def healthcheck_tool_missing(stage: Stage) -> Outcome:
    """The health check runs a program, or a shell, that neither the base nor any step brings."""
    step = effective_step(stage, "HEALTHCHECK") if stage.final else None
    if step is None or not step.instruction.words or stage.windows:
        return
    image = stage.root.image.undigested
    shell_form = step.instruction.words[0].raw.upper() == "CMD" and not step.instruction.json
    if shell_form and not stage.last("SHELL") and has_tool(stage, "sh") is False:
        yield hit(step.instruction.words[0].span, tool="sh, as its shell form does", image=image)
        return
    for command in step.script.commands:
        program = command.program
        if "/" in command.name or not surely_lacks_tool(stage.root.image, program):
            continue
        has_program = has_tool(stage, program)
        if has_program is None:
            yield Unknown(command.name_span)
        elif not has_program:
            yield hit(command.name_span, tool=program, image=image)
        return
