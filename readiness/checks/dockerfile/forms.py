"""Checks of shell form and exec form: which of the two it is, and what exec form passes on as it stands."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from readiness.checks.dockerfile.tools import starter_missing
from readiness.facts.base_images import is_without_application
from readiness.kinds.dockerfile.model import Step
from readiness.model import CheckOutcome, Hit, hit
from readiness.syntax import shell
from readiness.syntax.holes import has_template, has_variable
from readiness.syntax.words import InstructionWord

# A list that was meant as JSON: no test of the shell begins so.
_MALFORMED_JSON_LIST = re.compile(r"""\[(?:\s*(?:"[^"']*"|'[^"']*')\s*,|["'])""")


def shell_form(step: Step, *, keywords: Sequence[str] = ("CMD", "ENTRYPOINT")) -> CheckOutcome:
    """An instruction in shell form; a SHELL of one's own, or `exec`, says that it is meant so."""
    instruction = step.instruction
    if instruction.keyword not in keywords or instruction.is_json_form or not instruction.arguments_text.text.strip():
        return
    if _MALFORMED_JSON_LIST.match(instruction.arguments_text.text):
        return  # exec_form_broken tells of it
    if instruction.keyword == "HEALTHCHECK" and (not instruction.words or instruction.words[0].raw.upper() != "CMD"):
        return
    if step.stage.effective_value("SHELL", instruction.span.start) is not None or any(starter_missing(step)):
        return  # meant so; or there is no shell at all
    if step.stage.windows:
        return  # no process 1, no signals: all processes of the container are told that it ends
    commands = [command for command in step.script.commands if command.parent_index < 0]
    if instruction.keyword == "HEALTHCHECK":
        if len(commands) > 1 or has_variable(instruction.arguments_text.text):
            return  # a shell is needed
    elif commands and commands[-1].name == "exec":
        return
    body = instruction.arguments_text.text.rstrip()
    yield hit(instruction.arguments_text.source_span(0, len(body)), keyword=instruction.keyword)


def exec_form_broken(step: Step) -> CheckOutcome:
    """What looks like exec form is no JSON, so a shell gets the brackets, the quotes and the commas."""
    instruction = step.instruction
    if instruction.keyword not in ("RUN", "CMD", "ENTRYPOINT", "HEALTHCHECK") or instruction.is_json_form:
        return
    if _MALFORMED_JSON_LIST.match(instruction.arguments_text.text) and not has_template(instruction.arguments_text.text):
        end = len(instruction.arguments_text.text.rstrip())
        say = "backslash" if "\\" in instruction.arguments_text.text else "quote"
        if "'" not in instruction.arguments_text.text and "\\" not in instruction.arguments_text.text:
            say = "comma"
        yield hit(instruction.arguments_text.source_span(0, end), say=say, keyword=instruction.keyword)


# Programs that read the operators among their arguments by themselves.
_OPERATOR_READING_PROGRAMS = frozenset({"monofy", "execlineb"})
_SHELL_OPERATORS = frozenset({"&&", "||", "|", ">", ">>", "2>&1"})
_SHELL_VARIABLE = re.compile(r"(?<![$\\])\$(?:[A-Z][A-Z0-9_]+|\{[A-Z][A-Z0-9_]+(?::?-[^}]{0,400})?\})")
# Programs that take their arguments as they are, and have no code in them.
_PROGRAMS_TAKING_LITERAL_ARGUMENTS = re.compile(
    r"(?:node|python[0-9.]*|java|ruby|gunicorn|uvicorn|dotnet|curl|wget|redis-server|postgres)\Z"
)
_CODE_OPTIONS = frozenset({"-c", "-e", "-r", "-p", "--eval", "--print"})


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
    words = instruction.words[1:] if instruction.keyword == "HEALTHCHECK" else instruction.words
    if not words or step.stage.windows or (instruction.keyword == "CMD" and _may_read_arguments(step)):
        return
    program = words[0].value.rpartition("/")[2]
    if (
        program in shell.SHELL_PROGRAMS
        or program in _OPERATOR_READING_PROGRAMS
        or has_template(instruction.arguments_text.text)
    ):
        return
    if _has_arguments_in_name(words[0].value):
        yield hit(words[0].span, say="one-entry", keyword=instruction.keyword)
        return
    operator = next((word for word in words if word.value in _SHELL_OPERATORS), None)
    if operator is not None:
        keyword = instruction.keyword
        yield hit(operator.span, say="operator", keyword=keyword, operator=operator.value)
    elif _PROGRAMS_TAKING_LITERAL_ARGUMENTS.match(program) and not _CODE_OPTIONS & {word.value for word in words}:
        yield from _unexpanded_variable_hits(step, words)


def _unexpanded_variable_hits(step: Step, words: Sequence[InstructionWord]) -> Iterator[Hit]:
    for word in words:
        match = _SHELL_VARIABLE.search(word.value)
        if match:
            yield hit(word.span, say="variable", keyword=step.keyword, variable=match.group())
            return


def _may_read_arguments(step: Step) -> bool:
    """Whether an entry point gets the words of a CMD, and may read them otherwise."""
    return step.stage.effective_value("ENTRYPOINT") is not None or (not is_without_application(step.stage.root_stage.image))


def _has_arguments_in_name(text: str) -> bool:
    """Whether the name of a program surely has arguments behind it: names of files may have blanks."""
    head, blank, rest = text.strip().partition(" ")
    if not blank or "\\" in text:
        return False
    return "/" not in head or rest.startswith("-") or " -" in rest
