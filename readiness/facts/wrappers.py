"""Programs that start another one: `sudo`, `env`, `timeout`, ... and the command behind them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from readiness.facts.programs import program_property
from readiness.model import Span
from readiness.syntax.command import Assignment, ShellWord, SimpleCommand

_ASSIGNMENT_START = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
_MAX_WRAPPERS = 4


def unwrap_command(command: SimpleCommand) -> SimpleCommand:
    """The command that a wrapper starts: `apt-get install x` of `sudo -E apt-get install x`."""
    for found in command_and_wrapped(command):
        command = found
    return command


def command_and_wrapped(command: SimpleCommand) -> Iterator[SimpleCommand]:
    """The command, and each one that the one before it starts."""
    found: SimpleCommand | None = command
    for _ in range(_MAX_WRAPPERS):
        if found is None:
            return
        yield found
        found = _wrapped_command(found)


def _wrapped_command(command: SimpleCommand) -> SimpleCommand | None:
    """What a wrapper starts; None where the command is none, or only asks (`command -v x`)."""
    wrapper = program_property(command.program, "wraps")
    if wrapper is None or (command.program == "command" and command.has_option("-v", "-V")):
        return None
    at, skip, with_value = 0, "operand" in wrapper, wrapper.get("valued", ())
    words, given = command.words, command.assignments
    while at < len(words):
        value = words[at].value
        if value.startswith("-") and len(value) > 1:
            at += 2 if value in with_value else 1
        elif "assigns" in wrapper and _ASSIGNMENT_START.match(value):
            given += (_parse_assignment(words[at]),)
            at += 1
        elif skip:
            skip = False
            at += 1
        else:
            break
    if at >= len(words):
        return None
    head = words[at]
    span = Span(head.span.start, command.span.end)
    return replace(
        command, name=head.value, name_span=head.span, words=words[at + 1 :],
        is_name_known=head.is_fully_known, span=span, assignments=given,
    )  # fmt: skip


def _parse_assignment(word: ShellWord) -> Assignment:
    """`NAME=value` that a wrapper reads as one of its words."""
    name, _, value = word.value.partition("=")
    span = Span(min(word.span.start + len(name) + 1, word.span.end), word.span.end)
    raw = word.raw.partition("=")[2]
    return Assignment(name, ShellWord(raw, value, word.is_fully_known, span), word.span)
