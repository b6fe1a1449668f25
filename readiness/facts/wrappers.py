"""Programs that start another one: `sudo`, `env`, `timeout`, ... and the command behind them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from readiness.facts.programs import program_property
from readiness.model import Span
from readiness.model.lazy_regex import lazy_regex
from readiness.syntax.command import Assignment, ShellWord, SimpleCommand

_ASSIGNMENT_START_PATTERN = lazy_regex(r"[A-Za-z_][A-Za-z0-9_]*=")
_MAX_NESTED_WRAPPERS = 4


def unwrap_command(command: SimpleCommand) -> SimpleCommand:
    """The command that a wrapper starts: `apt-get install x` of `sudo -E apt-get install x`."""
    for inner_command in command_and_wrapped_commands(command):
        command = inner_command
    return command


def command_and_wrapped_commands(command: SimpleCommand) -> Iterator[SimpleCommand]:
    """The command, and each one that the one before it starts."""
    current_command: SimpleCommand | None = command
    for _ in range(_MAX_NESTED_WRAPPERS):
        if current_command is None:
            return
        yield current_command
        current_command = _wrapped_command(current_command)


def _wrapped_command(command: SimpleCommand) -> SimpleCommand | None:
    """What a wrapper starts; None where the command is none, or only asks (`command -v x`)."""
    wrapper_properties = program_property(command.program, "wraps")
    if wrapper_properties is None or (command.program == "command" and command.has_option("-v", "-V")):
        return None
    word_index, is_operand_expected, options_with_value = (
        0,
        "operand" in wrapper_properties,
        wrapper_properties.get("valued", ()),
    )
    argument_words, environment_assignments = command.words, command.assignments
    while word_index < len(argument_words):
        word_text = argument_words[word_index].value
        if word_text.startswith("-") and len(word_text) > 1:
            word_index += 2 if word_text in options_with_value else 1
        elif "assigns" in wrapper_properties and _ASSIGNMENT_START_PATTERN.match(word_text):
            environment_assignments += (_parse_assignment(argument_words[word_index]),)
            word_index += 1
        elif is_operand_expected:
            is_operand_expected = False
            word_index += 1
        else:
            break
    if word_index >= len(argument_words):
        return None
    program_word = argument_words[word_index]
    command_span = Span(program_word.span.start, command.span.end)
    return replace(
        command, name=program_word.value, name_span=program_word.span, words=argument_words[word_index + 1 :],
        is_name_known=program_word.is_fully_known, span=command_span, assignments=environment_assignments,
    )  # fmt: skip


def _parse_assignment(word: ShellWord) -> Assignment:
    """`NAME=value` that a wrapper reads as one of its words."""
    variable_name, _, variable_value = word.value.partition("=")
    value_span = Span(min(word.span.start + len(variable_name) + 1, word.span.end), word.span.end)
    raw_value = word.raw.partition("=")[2]
    return Assignment(variable_name, ShellWord(raw_value, variable_value, word.is_fully_known, value_span), word.span)
