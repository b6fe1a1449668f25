"""Checks of HEALTHCHECK: whether there is one, whether it can fail, and whether it can run at all."""

from __future__ import annotations

from collections.abc import Sequence

from readiness.checks.dockerfile.tools import has_tool
from readiness.facts.base_images import surely_lacks_tool
from readiness.kinds.dockerfile.actions import is_github_action_image
from readiness.kinds.dockerfile.model import Stage, effective_step
from readiness.model import CheckOutcome, Severity, Undecidable, hit, missing
from readiness.model.project import Project
from readiness.syntax import shell


def healthcheck_missing(stage: Stage, project: Project, *, roles: Sequence[str]) -> CheckOutcome:
    """The final stage, of one of these roles, and those below it have no HEALTHCHECK; info where a service brings its own."""
    if not stage.final or not stage.whole or stage.files_only or stage.role not in roles:
        return
    if not stage.effective_value("HEALTHCHECK") and not is_github_action_image(stage, project):
        brought = stage.source.path in project.memoize(_checked_by_compose)
        yield missing(stage.at(), severity=Severity.INFO if brought else None)


def _checked_by_compose(project: Project) -> frozenset[str]:
    """The Dockerfiles that services with a health check of their own are built from."""
    if "compose" not in project.by_kind:
        return frozenset()
    from readiness.kinds.joins.builds import build_of_service

    checked = set()
    for document in project.documents_of_kind("compose"):
        for service in document.services.values():
            check = service.extended_node.mapping_at_path("healthcheck")
            if not check.get("test") or check.get("disable"):
                continue
            build = build_of_service(service, project)
            if build is not None and build.dockerfile_path is not None:
                checked.add(build.dockerfile_path)
    return frozenset(checked)


def healthcheck_disabled(stage: Stage) -> CheckOutcome:
    """The final stage turns the health check off."""
    effective = stage.effective_value("HEALTHCHECK") if stage.final else None
    if effective and effective.instruction.words and effective.instruction.words[0].raw.upper() == "NONE":
        yield hit(effective.span)


_ALWAYS_SUCCEEDING_PROGRAMS = frozenset({"true", ":", "echo"})


def healthcheck_pointless(stage: Stage) -> CheckOutcome:
    """The health check succeeds whatever the process does."""
    step = effective_step(stage, "HEALTHCHECK") if stage.final else None
    if step is None:
        return
    commands = [one for one in step.script.commands if one.parent_index < 0]
    if step.instruction.is_json_form and len(commands) > 1:
        commands = commands[1:]  # those that the shell runs
    if is_always_healthy(commands):
        yield hit(commands[-1].span)


def is_always_healthy(commands: Sequence[shell.SimpleCommand]) -> bool:
    """Whether a script of these commands always answers with success, by the one that it ends with."""
    if not commands or commands[-1].enclosing_constructs:
        return False
    last = commands[-1]
    if len(commands) > 1 and (last.operator_before not in ("||", ";", "\n") or last.position_in_pipeline > 0):
        return False
    return last.program in _ALWAYS_SUCCEEDING_PROGRAMS or (last.program == "exit" and last.unquoted_words == ("0",))


def healthcheck_tool_missing(stage: Stage) -> CheckOutcome:
    """The health check runs a program, or a shell, that neither the base nor any step brings."""
    step = effective_step(stage, "HEALTHCHECK") if stage.final else None
    if step is None or not step.instruction.words or stage.windows:
        return
    image = stage.root_stage.image.text_without_digest
    shell_form = step.instruction.words[0].raw.upper() == "CMD" and not step.instruction.is_json_form
    if shell_form and not stage.effective_value("SHELL") and has_tool(stage, "sh") is False:
        yield hit(step.instruction.words[0].span, tool="sh, as its shell form does", image=image)
        return
    for command in step.script.commands:
        program = command.program
        if "/" in command.name or not surely_lacks_tool(stage.root_stage.image, program):
            continue
        has_program = has_tool(stage, program)
        if has_program is None:
            yield Undecidable(command.name_span)
        elif not has_program:
            yield hit(command.name_span, tool=program, image=image)
        return
