"""Checks of the shell in RUN: pipes, directories, programs that make no sense in a build."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from readiness.checks.dockerfile.downloads import script_piped_to_shell
from readiness.facts.base_images import default_shell_family
from readiness.facts.wrappers import unwrap_command
from readiness.kinds.dockerfile.model import Command, Document, Step
from readiness.model import CheckOutcome, Hit, Span, hit
from readiness.syntax import shell

_NEVER_FAILING_PROGRAMS = frozenset({"echo", "printf", "yes", "true"})
# Shells that know no pipefail; sh is what the image links it to.
_SHELLS_WITHOUT_PIPEFAIL = frozenset({"sh", "dash"})


def pipe_unchecked(step: Step) -> CheckOutcome:
    """A pipe in a shell that sees the exit code of the last command only.

    Of a script that goes from the network into a shell `script_piped_to_shell` tells: without that pipe nothing is left to check.
    """
    run_offset = step.instruction.span.start
    shell_words = step.stage.shell_words(run_offset)
    if not step.posix and not step.instruction.is_json_form:
        return
    shell_name = "sh" if step.instruction.is_json_form else step.stage.shell_program(run_offset)
    knows_pipefail = shell_name not in _SHELLS_WITHOUT_PIPEFAIL or default_shell_family(step.stage.root_stage.image) in (
        "busybox",
        "bash",
    )
    if knows_pipefail and not step.instruction.is_json_form and any("pipefail" in word for word in shell_words):
        return
    if "pipefail" in step.instruction.arguments_text.text or _heredoc_sets_pipefail(step):
        return
    piped_script_spans = [found.span for found in script_piped_to_shell(step) if isinstance(found, Hit)]
    for pipeline in step.script.pipes():
        if any(pipeline[0].span.start <= span.start and span.end <= pipeline[-1].span.end for span in piped_script_spans):
            continue
        last_position = max(one.position_in_pipeline for one in pipeline)
        upstream_commands = [one for one in pipeline if one.position_in_pipeline < last_position]
        if not upstream_commands or all(_is_infallible(one) for one in upstream_commands):
            continue
        if "condition" in upstream_commands[0].enclosing_constructs or not _is_exit_status_used(step.script, upstream_commands[0]):
            continue
        if _is_written_file_verified(step, pipeline):
            continue
        yield hit(Span(upstream_commands[0].span.start, pipeline[-1].span.end), shell=shell_name)
        return


_CHECKSUM_PROGRAMS = frozenset({"sha1sum", "sha224sum", "sha256sum", "sha384sum", "sha512sum", "b2sum", "shasum"})


def _is_written_file_verified(step: Step, pipeline: Sequence[shell.SimpleCommand]) -> bool:
    """Whether the same RUN ends where the file that a pipe writes has another checksum: a file that lacks something is not shipped."""
    written_words = [
        one.target_word
        for command in pipeline
        for one in command.redirects
        if one.target_word is not None and one.operator in {">", ">|"} and one.target_word.value.startswith(("/", "."))
    ]
    later_commands = [command for command in step.script.commands if command.span.start > pipeline[-1].span.end]
    for position, command in enumerate(later_commands):
        if command.program not in _CHECKSUM_PROGRAMS or not command.has_option("-c", "--check"):
            continue
        is_failure_passed_on = all(one.operator_before in {"&&", "|"} for one in later_commands[position + 1 :] if not one.enclosing_constructs)
        if is_failure_passed_on and any(word.value in step.source.text[word.span.end : command.span.end] for word in written_words):
            return True
    return False


def _is_infallible(command: shell.SimpleCommand) -> bool:
    """Whether a command only says something: what is written there, or in a here-document."""
    return command.program in _NEVER_FAILING_PROGRAMS or (
        command.program == "cat" and not command.words and any(one.operator.startswith("<<") for one in command.redirects)
    )


def _is_exit_status_used(script: shell.ShellScript, command: shell.SimpleCommand) -> bool:
    """Whether the exit code reaches anybody: that of `x=$(a | b)` does, that of `c $(a | b)` not."""
    if "substitution" not in command.enclosing_constructs:
        return True
    outer_command = script.commands[command.parent_index] if command.parent_index >= 0 else None
    return outer_command is not None and not outer_command.name and outer_command.is_name_known and not outer_command.enclosing_constructs


def _heredoc_sets_pipefail(step: Step) -> bool:
    text = step.source.text
    return any("pipefail" in text[heredoc.body_span.start : heredoc.body_span.end] for heredoc in step.instruction.heredocs)


_ISOLATING_CONSTRUCTS = frozenset({"subshell", "substitution"})


def _folder_changing_commands(step: Step) -> list[shell.SimpleCommand]:
    """The commands that change the folder of those after them; a subshell and `sh -c` keep it to themselves."""
    commands = step.script.commands
    shell_spans = [one.span for one in commands if one.program in shell.SHELL_PROGRAMS]
    return [
        command
        for command in commands
        if unwrap_command(command).program == "cd"
        and not _ISOLATING_CONSTRUCTS & command.enclosing_constructs
        and not any(span.start < command.span.start < span.end for span in shell_spans)
    ]


def folder_change(step: Step) -> CheckOutcome:
    """RUN changes the folder for the commands that follow in it."""
    cd_commands = _folder_changing_commands(step)
    if cd_commands and not any(True for _ in folder_change_lost(step)):
        yield hit(cd_commands[0].span)


def folder_change_lost(step: Step) -> CheckOutcome:
    """RUN ends with cd, which changes nothing for the instructions after it."""
    cd_commands = _folder_changing_commands(step)
    if not cd_commands or step.script.commands[-1] is not cd_commands[-1] or cd_commands[-1].enclosing_constructs:
        return
    # The last one of several goes back to where the RUN began
    if len(cd_commands) == 1 or len(cd_commands) == len(step.script.commands):
        yield hit(cd_commands[-1].span)


def command_pointless(command: Command, *, programs: Sequence[str]) -> CheckOutcome:
    """A program that makes no sense while an image is built."""
    if command.program in programs:
        yield hit(command.command.name_span, program=command.program)


def shell_linked(command: Command) -> CheckOutcome:
    """/bin/sh is replaced by a link; an image of Distroless has none that could be replaced."""
    if "distroless" in command.stage.root_stage.image.name:
        return
    invocation = command.command
    if invocation.program == "ln":
        operands = invocation.operands()
        if len(operands) > 1 and operands[-1].value in ("/bin/sh", "/usr/bin/sh"):
            yield hit(invocation.span)


def run_consecutive(document: Document) -> CheckOutcome:
    """Two RUNs in a row, each of one command and with the same flags."""
    steps = [step for step in document.steps if not step.onbuild]
    for first_step, second_step in itertools.pairwise(steps):
        if first_step.keyword != "RUN" or second_step.keyword != "RUN" or first_step.stage is not second_step.stage:
            continue
        flag_sets = [{flag.raw for flag in step.instruction.flags} for step in (first_step, second_step)]
        if flag_sets[0] == flag_sets[1] and _runs_single_command(first_step) and _runs_single_command(second_step):
            yield hit(second_step.instruction.span, resource=second_step.resource)


def _runs_single_command(step: Step) -> bool:
    """Whether it runs one command, which substitutes no other."""
    if step.instruction.heredocs:
        return False
    commands = step.script.commands
    return sum(bool(one.name) for one in commands) <= 1 and (bool(commands) or step.instruction.is_json_form)
