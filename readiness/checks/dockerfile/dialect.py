"""Checks of RUN for what bash understands and the shell that runs it does not."""

from __future__ import annotations

import re
from collections.abc import Iterator

from readiness.facts.base_images import shell_family
from readiness.kinds.dockerfile.model import Step
from readiness.model import CheckOutcome, Span, hit
from readiness.syntax import shell
from readiness.syntax.words import variable_references

_BASH_COMMAND_MESSAGES = {
    "source": "`source` is not in POSIX sh; `.` is",
    "[[": "`[[` is not in POSIX sh; `[` is",
    **{
        name: f"`{name}` is not in POSIX sh"
        for name in ("pushd", "popd", "dirs", "shopt", "declare", "typeset", "let", "mapfile")
    },
    "readarray": "`readarray` is not in POSIX sh",
}
_BASH_VARIABLES = frozenset({"RANDOM", "BASH_SOURCE", "SECONDS", "PIPESTATUS", "BASH_VERSION",
                        "EUID", "HOSTTYPE", "OSTYPE"})  # fmt: skip
_BASH_CONSTRUCT_MESSAGES = {
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
_ECHO_OPTION = re.compile(r"-n*[eE][neE]*\Z")
_QUOTED_TEXT = re.compile(r"\\.|'[^']*'?|\"(?:[^\"\\]|\\.)*\"?|\$\{[^}]*\}?|\$\([^)]*\)?", re.DOTALL)
_BRACE_EXPANSION = re.compile(r"\{[^{}\s,]*,[^{}\s]*\}")


def not_posix(step: Step, *, certain: bool = True) -> CheckOutcome:
    """The shell is sh, and the command is bash's; `certain`: the base is known to have dash."""
    if step.instruction.is_json_form or step.stage.shell_program(step.instruction.span.start) != "sh":
        return
    if _is_for_other_shell(step):
        return
    family = shell_family(step.stage.root_stage.image) if step.stage.whole else ""
    if family in ("busybox", "bash") or (family == "dash") is not certain:
        return
    for span, what in _bashisms(step):
        yield hit(span, what=what)
        return


def _is_for_other_shell(step: Step) -> bool:
    """Whether a here-document goes to a shell of its own: `bash <<EOF`, or by its first line."""
    instruction = step.instruction
    if not instruction.heredocs:
        return False
    text = step.source.text
    names = {command.program for command in step.script.commands[:1]}
    return bool(names & (shell.SHELL_PROGRAMS - {"sh", "dash"})) or any(
        text.startswith("#!", doc.body_span.start) for doc in instruction.heredocs
    )


def _bashisms(step: Step) -> Iterator[tuple[Span, str]]:
    """The places where bash is spoken, with what each does in sh."""
    for command in step.script.commands:
        if _is_in_bash(step, command):
            continue
        if command.name in _BASH_COMMAND_MESSAGES and command.name not in step.script.function_names:
            yield command.name_span, _BASH_COMMAND_MESSAGES[command.name]
        elif command.name == "[":
            text = step.source.text[command.span.start : command.span.end]
            if " == " in text:
                yield command.span, "`==` in `[` is not in POSIX sh; `=` is"
        elif command.name == "echo" and command.words and _ECHO_OPTION.match(command.words[0].value):
            option = command.words[0]
            yield option.span, f"`echo {option.value}` prints the option in POSIX sh; `printf` is"
        for word in command.words:
            if "{" in word.raw and _BRACE_EXPANSION.search(_QUOTED_TEXT.sub("", word.raw)):
                yield word.span, "`{a,b}` is not in POSIX sh: it stays as it is written"
    for mark in step.script.bashisms:
        yield mark.span, _BASH_CONSTRUCT_MESSAGES.get(mark.kind, _BASH_EXPANSION_MESSAGE)
    body = step.instruction.arguments_text
    for reference in variable_references(body.text, respect_single_quotes=False):
        if reference.name in _BASH_VARIABLES and not _sets_variable(step, reference.name):
            what = f"`${reference.name}` is empty in POSIX sh"
            yield body.source_span(reference.start, reference.end), what


def _is_in_bash(step: Step, command: shell.SimpleCommand) -> bool:
    """Whether the command stands in the script of a `bash -c`."""
    return any(
        shell_call.program in ("bash", "zsh") and shell_call.span.start < command.span.start < shell_call.span.end
        for shell_call in step.script.commands
    )


def _sets_variable(step: Step, name: str) -> bool:
    if step.stage.declares_variable(name, step.instruction.span.start):
        return True
    return any(one.name == name for cmd in step.script.commands for one in cmd.assignments)
