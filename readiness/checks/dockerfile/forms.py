"""Checks of shell form and exec form: which of the two it is, and what exec form passes on as it stands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from readiness.checks.dockerfile.tools import starter_missing
from readiness.facts.base_images import is_without_application
from readiness.kinds.dockerfile.model import Step
from readiness.model import CheckOutcome, Hit, hit
from readiness.model.lazy_regex import lazy_regex
from readiness.syntax import shell
from readiness.syntax.holes import has_template_opening, has_variable_sign
from readiness.syntax.words import InstructionWord

# A list that was meant as JSON: no test of the shell begins so.
_MALFORMED_JSON_LIST_PATTERN = lazy_regex(r"""\[(?:\s*(?:"[^"']*"|'[^"']*')\s*,|["'])""")


def shell_form(step: Step, *, keywords: Sequence[str] = ("CMD", "ENTRYPOINT")) -> CheckOutcome:
    """An instruction in shell form; a SHELL of one's own, or `exec`, says that it is meant so."""
    instruction = step.instruction
    if instruction.keyword not in keywords or instruction.is_json_form or not instruction.arguments_text.text.strip():
        return
    if _MALFORMED_JSON_LIST_PATTERN.match(instruction.arguments_text.text):
        return  # exec_form_broken tells of it
    if instruction.keyword == "HEALTHCHECK" and (not instruction.words or instruction.words[0].raw.upper() != "CMD"):
        return
    if step.stage.effective_value("SHELL", instruction.span.start) is not None or any(starter_missing(step)):
        return  # meant so; or there is no shell at all
    if step.stage.windows:
        return  # no process 1, no signals: all processes of the container are told that it ends
    top_level_commands = [command for command in step.script.commands if command.parent_index < 0]
    if instruction.keyword == "HEALTHCHECK":
        if len(top_level_commands) > 1 or has_variable_sign(instruction.arguments_text.text):
            return  # a shell is needed
    elif top_level_commands and top_level_commands[-1].name == "exec":
        return
    stripped_arguments = instruction.arguments_text.text.rstrip()
    yield hit(instruction.arguments_text.source_span(0, len(stripped_arguments)), keyword=instruction.keyword)


def exec_form_broken(step: Step) -> CheckOutcome:
    """What looks like exec form is no JSON, so a shell gets the brackets, the quotes and the commas."""
    instruction = step.instruction
    if instruction.keyword not in ("RUN", "CMD", "ENTRYPOINT", "HEALTHCHECK") or instruction.is_json_form:
        return
    if _MALFORMED_JSON_LIST_PATTERN.match(instruction.arguments_text.text) and not has_template_opening(instruction.arguments_text.text):
        arguments_end = len(instruction.arguments_text.text.rstrip())
        message_name = "backslash" if "\\" in instruction.arguments_text.text else "quote"
        if "'" not in instruction.arguments_text.text and "\\" not in instruction.arguments_text.text:
            message_name = "comma"
        yield hit(instruction.arguments_text.source_span(0, arguments_end), say=message_name, keyword=instruction.keyword)


# Programs that read the operators among their arguments by themselves.
_OPERATOR_READING_PROGRAMS = frozenset({"monofy", "execlineb"})
_SHELL_OPERATORS = frozenset({"&&", "||", "|", ">", ">>", "2>&1"})
_SHELL_VARIABLE_PATTERN = lazy_regex(r"(?<![$\\])\$(?:[A-Z][A-Z0-9_]+|\{[A-Z][A-Z0-9_]+(?::?-[^}]{0,400})?\})")
# Programs that take their arguments as they are, and have no code in them.
_LITERAL_ARGUMENTS_PROGRAM_PATTERN = lazy_regex(r"(?:node|python[0-9.]*|java|ruby|gunicorn|uvicorn|dotnet|curl|wget|redis-server|postgres)\Z")
_INLINE_CODE_OPTIONS = frozenset({"-c", "-e", "-r", "-p", "--eval", "--print"})


def exec_form_literal(step: Step) -> CheckOutcome:
    """Exec form with what only a shell understands: a command line in one entry, an operator, a variable."""
    instruction = step.instruction
    if not instruction.is_json_form or instruction.keyword not in (
        "RUN",
        "CMD",
        "ENTRYPOINT",
        "HEALTHCHECK",
    ):
        return
    command_words = instruction.words[1:] if instruction.keyword == "HEALTHCHECK" else instruction.words
    if not command_words or step.stage.windows or (instruction.keyword == "CMD" and _may_entrypoint_read_cmd(step)):
        return
    program = command_words[0].value.rpartition("/")[2]
    if program in shell.SHELL_PROGRAMS or program in _OPERATOR_READING_PROGRAMS or has_template_opening(instruction.arguments_text.text):
        return
    if _has_arguments_in_name(command_words[0].value):
        yield hit(command_words[0].span, say="one-entry", keyword=instruction.keyword)
        return
    operator_word = next((word for word in command_words if word.value in _SHELL_OPERATORS), None)
    if operator_word is not None:
        keyword = instruction.keyword
        yield hit(operator_word.span, say="operator", keyword=keyword, operator=operator_word.value)
    elif _LITERAL_ARGUMENTS_PROGRAM_PATTERN.match(program) and not _INLINE_CODE_OPTIONS & {word.value for word in command_words}:
        yield from _unexpanded_variable_hits(step, command_words)


def _unexpanded_variable_hits(step: Step, words: Sequence[InstructionWord]) -> Iterator[Hit]:
    for word in words:
        variable_match = _SHELL_VARIABLE_PATTERN.search(word.value)
        if variable_match:
            yield hit(word.span, say="variable", keyword=step.keyword, variable=variable_match.group())
            return


def _may_entrypoint_read_cmd(step: Step) -> bool:
    """Whether an entry point gets the words of a CMD, and may read them otherwise."""
    return step.stage.effective_value("ENTRYPOINT") is not None or (not is_without_application(step.stage.root_stage.image))


def _has_arguments_in_name(command_name: str) -> bool:
    """Whether the name of a program surely has arguments behind it: names of files may have blanks."""
    program, separator, arguments = command_name.strip().partition(" ")
    if not separator or "\\" in command_name:
        return False
    return "/" not in program or arguments.startswith("-") or " -" in arguments
