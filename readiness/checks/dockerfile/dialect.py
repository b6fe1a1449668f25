"""Checks of RUN for what bash understands and the shell that runs it does not."""

from __future__ import annotations

import re
from collections.abc import Iterator

from readiness.facts.base_images import default_shell_family
from readiness.kinds.dockerfile.model import Step
from readiness.model import CheckOutcome, Span, hit
from readiness.model.lazy_regex import lazy_regex
from readiness.syntax import shell
from readiness.syntax.words import variable_references

_MESSAGE_BY_BASH_COMMAND = {
    "source": "`source` is not in POSIX sh; `.` is",
    "[[": "`[[` is not in POSIX sh; `[` is",
    **{name: f"`{name}` is not in POSIX sh" for name in ("pushd", "popd", "dirs", "shopt", "declare", "typeset", "let", "mapfile")},
    "readarray": "`readarray` is not in POSIX sh",
}
_BASH_ONLY_VARIABLES = frozenset({"RANDOM", "BASH_SOURCE", "SECONDS", "PIPESTATUS", "BASH_VERSION",
                        "EUID", "HOSTTYPE", "OSTYPE"})  # fmt: skip
_MESSAGE_BY_BASH_CONSTRUCT = {
    "ansi_c_string": "`$'...'` is not in POSIX sh: the dollar stays and nothing is unescaped",
    "array": "arrays are not in POSIX sh",
    "brace_expression": "`{1..9}` is not in POSIX sh: it stays as it is written",
    "<<<": "`<<<` is not in POSIX sh",
    "&>": "`&>` is not in POSIX sh: the command runs in the background",
    "&>>": "`&>>` is not in POSIX sh: the command runs in the background",
    "|&": "`|&` is not in POSIX sh; `2>&1 |` is",
    "<(": "`<(...)` is not in POSIX sh",
    ">(": "`>(...)` is not in POSIX sh",
    "((": "`((...))` is not in POSIX sh; `$((...))` is",
    "function": "`function` is not in POSIX sh; `name() {` is",
}
_BASH_EXPANSION_MESSAGE = "this form of `${...}` is not in POSIX sh"
_ECHO_ESCAPE_OPTION = lazy_regex(r"-n*[eE][neE]*\Z")
_QUOTED_TEXT = lazy_regex(r"\\.|'[^']*'?|\"(?:[^\"\\]|\\.)*\"?|\$\{[^}]*\}?|\$\([^)]*\)?", re.DOTALL)
_BRACE_EXPANSION = lazy_regex(r"\{[^{}\s,]*,[^{}\s]*\}")


def not_posix(step: Step, *, certain: bool = True) -> CheckOutcome:
    """The shell is sh, and the command is bash's; `certain`: the base is known to have dash."""
    if step.instruction.is_json_form or step.stage.shell_program(step.instruction.span.start) != "sh":
        return
    if _is_heredoc_for_other_shell(step):
        return
    base_shell_family = default_shell_family(step.stage.root_stage.image) if step.stage.whole else ""
    if base_shell_family in ("busybox", "bash") or (base_shell_family == "dash") is not certain:
        return
    for bashism_span, bashism_message in _bashism_spans_and_messages(step):
        yield hit(bashism_span, what=bashism_message)
        return


def _is_heredoc_for_other_shell(step: Step) -> bool:
    """Whether a here-document goes to a shell of its own: `bash <<EOF`, or by its first line."""
    instruction = step.instruction
    if not instruction.heredocs:
        return False
    source_text = step.source.text
    program_names = {command.program for command in step.script.commands[:1]}
    return bool(program_names & (shell.SHELL_PROGRAMS - {"sh", "dash"})) or any(
        source_text.startswith("#!", doc.body_span.start) for doc in instruction.heredocs
    )


_MAX_BASH_CALLS = 64  # of one instruction: nobody starts bash as often in one


def _bashism_spans_and_messages(step: Step) -> Iterator[tuple[Span, str]]:
    """The places where bash is spoken, with what each does in sh."""
    bash_call_spans = [one.span for one in step.script.commands if one.program in ("bash", "zsh")][:_MAX_BASH_CALLS]
    for command in step.script.commands:
        if any(span.start < command.span.start < span.end for span in bash_call_spans):
            continue
        if command.name in _MESSAGE_BY_BASH_COMMAND and command.name not in step.script.function_names:
            yield command.name_span, _MESSAGE_BY_BASH_COMMAND[command.name]
        elif command.name == "[":
            command_text = step.source.text[command.span.start : command.span.end]
            if " == " in command_text:
                yield command.span, "`==` in `[` is not in POSIX sh; `=` is"
        elif command.name == "echo" and command.words and _ECHO_ESCAPE_OPTION.match(command.words[0].value):
            echo_option = command.words[0]
            yield echo_option.span, f"`echo {echo_option.value}` prints the option in POSIX sh; `printf` is"
        for command_word in command.words:
            if "{" in command_word.raw and _BRACE_EXPANSION.search(_QUOTED_TEXT.sub("", command_word.raw)):
                yield command_word.span, "`{a,b}` is not in POSIX sh: it stays as it is written"
    for bashism in step.script.bashisms:
        yield bashism.span, _MESSAGE_BY_BASH_CONSTRUCT.get(bashism.kind, _BASH_EXPANSION_MESSAGE)
    arguments_text = step.instruction.arguments_text
    for variable_reference in variable_references(arguments_text.text, respect_single_quotes=False):
        if variable_reference.name in _BASH_ONLY_VARIABLES and not _is_variable_set_before_or_in_step(step, variable_reference.name):
            message_text = f"`${variable_reference.name}` is empty in POSIX sh"
            yield arguments_text.source_span(variable_reference.start, variable_reference.end), message_text


def _is_variable_set_before_or_in_step(step: Step, variable_name: str) -> bool:
    if step.stage.declares_variable(variable_name, step.instruction.span.start):
        return True
    return any(one.name == variable_name for cmd in step.script.commands for one in cmd.assignments)
