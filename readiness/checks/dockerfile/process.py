"""Checks of the process that a container runs: its form, what starts it, its health check."""

from __future__ import annotations

from dataclasses import replace

from readiness.facts.development import development_server
from readiness.facts.programs import started_program_index
from readiness.facts.table import fact_column
from readiness.facts.wrappers import unwrap_command
from readiness.kinds.dockerfile.model import Stage, Step, effective_step
from readiness.model import CheckOutcome, Span, hit
from readiness.syntax import shell


def _start_command(stage: Stage) -> shell.SimpleCommand | None:
    """The command that the container starts with, where it is certain.

    What stands behind an init (`tini --`) or a script that only prepares (`docker-entrypoint.sh`) is the process.
    """
    entry, command = effective_step(stage, "ENTRYPOINT"), effective_step(stage, "CMD")
    step = entry if entry and entry.instruction.words else command
    if step is None or not step.instruction.words:
        return None
    commands = [one for one in step.script.commands if one.parent_index < 0]
    if not commands:
        return None
    main = commands[0] if step.instruction.is_json_form else commands[-1]
    if step is entry and entry.instruction.is_json_form and command and command.instruction.is_json_form:
        words = command.instruction.words
        added = tuple(shell.ShellWord(word.raw, word.value, True, word.span) for word in words)
        main = replace(main, words=main.words + added)
    main = unwrap_command(main)
    while main.program in _ENTRYPOINT_SCRIPTS and main.words and main.words[0].is_fully_known:
        main = unwrap_command(_wrapped_command(main, 0))
    return main


def _process_span(stage: Stage, command: shell.SimpleCommand) -> Span:
    """Where a process stands: its name, and its arguments as far as they are in the same instruction."""
    steps = (effective_step(stage, "ENTRYPOINT"), effective_step(stage, "CMD"))
    spans = (step.instruction.span for step in steps if step and _word_in(command.name_span, step))
    held = next(spans, command.name_span)
    ends = [word.span.end for word in command.words if held.start < word.span.end <= held.end]
    return Span(command.name_span.start, max([command.name_span.end, *ends]))


def _word_in(span: Span, step: Step) -> bool:
    return step.instruction.span.start <= span.start < step.instruction.span.end


def _wrapped_command(command: shell.SimpleCommand, word_index: int) -> shell.SimpleCommand:
    """The command that begins with one of another's words."""
    head = command.words[word_index]
    return replace(
        command,
        name=head.value,
        name_span=head.span,
        words=command.words[word_index + 1 :],
    )


_ENTRYPOINT_SCRIPTS = frozenset({"docker-entrypoint.sh", "entrypoint.sh"})


def process_package_manager(stage: Stage) -> CheckOutcome:
    """The container's process is npm, yarn or pnpm, which starts the application as a child."""
    if not stage.final:
        return
    command = _start_command(stage)
    if command is None or any(process_development_server(stage)):
        return
    if command.program in ("npm", "yarn", "pnpm") and command.words:
        verb = command.words[0].value
        if verb in fact_column("script-words", "starts") or verb.startswith("start") or command.program != "npm":
            yield hit(_process_span(stage, command), program=command.program)


def process_shell_stays(stage: Stage) -> CheckOutcome:
    """Exec form that runs several commands through `sh -c`, the last of them without `exec`."""
    if not stage.final:
        return
    for keyword in ("ENTRYPOINT", "CMD"):
        step = effective_step(stage, keyword)
        if step is None or not step.instruction.is_json_form or not step.script.commands:
            continue
        outer, *inner = step.script.commands
        steps = [one for one in inner if one.parent_index < 0 and one.name]
        if outer.program in shell.SHELL_PROGRAMS and len(steps) > 1 and steps[-1].name != "exec":
            yield hit(steps[-1].span, program=outer.program)


def process_development_server(stage: Stage) -> CheckOutcome:
    """The container's process is a server that its own documentation keeps out of production."""
    command = _start_command(stage) if stage.final else None
    if command is None:
        return
    at = started_program_index(command.program, command.unquoted_words)
    if at is not None:
        command = _wrapped_command(command, at) if command.words[at].is_fully_known else command
    what = development_server(command.program, [word.value for word in command.words])
    if what:
        yield hit(_process_span(stage, command), server=what)


def stop_signal_kill(stage: Stage) -> CheckOutcome:
    """STOPSIGNAL is one that no process can handle."""
    effective = stage.effective_value("STOPSIGNAL")
    if effective is None or not stage.final:
        return
    name = effective.text.strip().upper().removeprefix("SIG")
    if name in ("KILL", "9", "STOP", "19"):
        yield hit(effective.span, signal=effective.text.strip())
