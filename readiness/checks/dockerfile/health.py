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
        has_compose_healthcheck = stage.source.path in project.memoize(_dockerfiles_with_compose_check)
        yield missing(stage.at(), severity=Severity.INFO if has_compose_healthcheck else None)


def _dockerfiles_with_compose_check(project: Project) -> frozenset[str]:
    """The Dockerfiles that services with a health check of their own are built from."""
    if "compose" not in project.by_kind:
        return frozenset()
    from readiness.kinds.joins.builds import build_of_service

    dockerfile_paths = set()
    for document in project.documents_of_kind("compose"):
        for service in document.services.values():
            healthcheck = service.extended_node.mapping_at_path("healthcheck")
            if not healthcheck.get("test") or healthcheck.get("disable"):
                continue
            build = build_of_service(service, project)
            if build is not None and build.dockerfile_path is not None:
                dockerfile_paths.add(build.dockerfile_path)
    return frozenset(dockerfile_paths)


def healthcheck_disabled(stage: Stage) -> CheckOutcome:
    """The final stage turns the health check off."""
    effective_healthcheck = stage.effective_value("HEALTHCHECK") if stage.final else None
    if effective_healthcheck and effective_healthcheck.instruction.words and effective_healthcheck.instruction.words[0].raw.upper() == "NONE":
        yield hit(effective_healthcheck.span)


_ALWAYS_SUCCEEDING_PROGRAMS = frozenset({"true", ":", "echo"})


def healthcheck_pointless(stage: Stage) -> CheckOutcome:
    """The health check succeeds whatever the process does."""
    healthcheck_step = effective_step(stage, "HEALTHCHECK") if stage.final else None
    if healthcheck_step is None:
        return
    top_level_commands = [one for one in healthcheck_step.script.commands if one.parent_index < 0]
    if healthcheck_step.instruction.is_json_form and len(top_level_commands) > 1:
        top_level_commands = top_level_commands[1:]  # those that the shell runs
    if is_always_healthy(top_level_commands):
        yield hit(top_level_commands[-1].span)


def is_always_healthy(commands: Sequence[shell.SimpleCommand]) -> bool:
    """Whether a script of these commands always answers with success, by the one that it ends with."""
    if not commands or commands[-1].enclosing_constructs:
        return False
    last_command = commands[-1]
    if len(commands) > 1 and (last_command.operator_before not in ("||", ";", "\n") or last_command.position_in_pipeline > 0):
        return False
    return last_command.program in _ALWAYS_SUCCEEDING_PROGRAMS or (last_command.program == "exit" and last_command.unquoted_words == ("0",))


def healthcheck_tool_missing(stage: Stage) -> CheckOutcome:
    """The health check runs a program, or a shell, that neither the base nor any step brings."""
    healthcheck_step = effective_step(stage, "HEALTHCHECK") if stage.final else None
    if healthcheck_step is None or not healthcheck_step.instruction.words or stage.windows:
        return
    image_text = stage.root_stage.image.text_without_digest
    is_shell_form = healthcheck_step.instruction.words[0].raw.upper() == "CMD" and not healthcheck_step.instruction.is_json_form
    if is_shell_form and not stage.effective_value("SHELL") and has_tool(stage, "sh") is False:
        yield hit(healthcheck_step.instruction.words[0].span, tool="sh, as its shell form does", image=image_text)
        return
    for command in healthcheck_step.script.commands:
        program = command.program
        if "/" in command.name or not surely_lacks_tool(stage.root_stage.image, program):
            continue
        has_program = has_tool(stage, program)
        if has_program is None:
            yield Undecidable(command.name_span)
        elif not has_program:
            yield hit(command.name_span, tool=program, image=image_text)
        return
