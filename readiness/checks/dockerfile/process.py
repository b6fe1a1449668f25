"""Checks of the process that a container runs: its form, what starts it, its health check."""

from __future__ import annotations

from dataclasses import replace

from readiness.facts.development import development_server_command
from readiness.facts.programs import started_program_index
from readiness.facts.table import property_by_fact_name
from readiness.facts.wrappers import unwrap_command
from readiness.kinds.dockerfile.model import Stage, Step, effective_step
from readiness.model import CheckOutcome, Span, hit
from readiness.syntax import shell


def _start_command(stage: Stage) -> shell.SimpleCommand | None:
    """The command that the container starts with, where it is certain.

    What stands behind an init (`tini --`) or a script that only prepares (`docker-entrypoint.sh`) is the process.
    """
    entrypoint_step, cmd_step = effective_step(stage, "ENTRYPOINT"), effective_step(stage, "CMD")
    start_step = entrypoint_step if entrypoint_step and entrypoint_step.instruction.words else cmd_step
    if start_step is None or not start_step.instruction.words:
        return None
    top_level_commands = [one for one in start_step.script.commands if one.parent_index < 0]
    if not top_level_commands:
        return None
    start_command = top_level_commands[0] if start_step.instruction.is_json_form else top_level_commands[-1]
    if start_step is entrypoint_step and entrypoint_step.instruction.is_json_form and cmd_step and cmd_step.instruction.is_json_form:
        cmd_words = cmd_step.instruction.words
        cmd_arguments = tuple(shell.ShellWord(word.raw, word.value, True, word.span) for word in cmd_words)
        start_command = replace(start_command, words=start_command.words + cmd_arguments)
    start_command = unwrap_command(start_command)
    while start_command.program in _ENTRYPOINT_SCRIPT_NAMES and start_command.words and start_command.words[0].is_fully_known:
        start_command = unwrap_command(_command_from_word(start_command, 0))
    return start_command


def _process_span(stage: Stage, command: shell.SimpleCommand) -> Span:
    """Where a process stands: its name, and its arguments as far as they are in the same instruction."""
    start_steps = (effective_step(stage, "ENTRYPOINT"), effective_step(stage, "CMD"))
    containing_spans = (step.instruction.span for step in start_steps if step and _is_span_in_step(command.name_span, step))
    instruction_span = next(containing_spans, command.name_span)
    argument_ends = [word.span.end for word in command.words if instruction_span.start < word.span.end <= instruction_span.end]
    return Span(command.name_span.start, max([command.name_span.end, *argument_ends]))


def _is_span_in_step(span: Span, step: Step) -> bool:
    return step.instruction.span.start <= span.start < step.instruction.span.end


def _command_from_word(command: shell.SimpleCommand, word_index: int) -> shell.SimpleCommand:
    """The command that begins with one of another's words."""
    name_word = command.words[word_index]
    return replace(
        command,
        name=name_word.value,
        name_span=name_word.span,
        words=command.words[word_index + 1 :],
    )


_ENTRYPOINT_SCRIPT_NAMES = frozenset({"docker-entrypoint.sh", "entrypoint.sh"})


def process_package_manager(stage: Stage) -> CheckOutcome:
    """The container's process is npm, yarn or pnpm, which starts the application as a child."""
    if not stage.final:
        return
    start_command = _start_command(stage)
    if start_command is None or any(process_development_server(stage)):
        return
    if start_command.program in ("npm", "yarn", "pnpm") and start_command.words:
        subcommand = start_command.words[0].value
        if subcommand in property_by_fact_name("script-words", "starts") or subcommand.startswith("start") or start_command.program != "npm":
            yield hit(_process_span(stage, start_command), program=start_command.program)


def process_shell_stays(stage: Stage) -> CheckOutcome:
    """Exec form that runs several commands through `sh -c`, the last of them without `exec`."""
    if not stage.final:
        return
    for keyword in ("ENTRYPOINT", "CMD"):
        step = effective_step(stage, keyword)
        if step is None or not step.instruction.is_json_form or not step.script.commands:
            continue
        shell_command, *inner_commands = step.script.commands
        top_level_commands = [one for one in inner_commands if one.parent_index < 0 and one.name]
        if shell_command.program in shell.SHELL_PROGRAMS and len(top_level_commands) > 1 and top_level_commands[-1].name != "exec":
            yield hit(top_level_commands[-1].span, program=shell_command.program)


def process_development_server(stage: Stage) -> CheckOutcome:
    """The container's process is a server that its own documentation keeps out of production."""
    start_command = _start_command(stage) if stage.final else None
    if start_command is None:
        return
    program_index = started_program_index(start_command.program, start_command.unquoted_words)
    if program_index is not None:
        start_command = _command_from_word(start_command, program_index) if start_command.words[program_index].is_fully_known else start_command
    server_name = development_server_command(start_command.program, [word.value for word in start_command.words])
    if server_name:
        yield hit(_process_span(stage, start_command), server=server_name)


def stop_signal_kill(stage: Stage) -> CheckOutcome:
    """STOPSIGNAL is one that no process can handle."""
    effective_stopsignal = stage.effective_value("STOPSIGNAL")
    if effective_stopsignal is None or not stage.final:
        return
    signal_name = effective_stopsignal.text.strip().upper().removeprefix("SIG")
    if signal_name in ("KILL", "9", "STOP", "19"):
        yield hit(effective_stopsignal.span, signal=effective_stopsignal.text.strip())
