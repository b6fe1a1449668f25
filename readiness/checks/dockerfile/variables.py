"""Checks of the variables that RUN uses: nothing sets them, or nothing holds their value together."""

from __future__ import annotations

from readiness.checks.dockerfile.values import reason_undefined
from readiness.facts.arguments import platform_arguments, proxy_arguments
from readiness.facts.base_images import has_bare_environment
from readiness.kinds.dockerfile.model import Step
from readiness.model import CheckOutcome, Undecidable, hit
from readiness.syntax.command import VariableUse

_NUMERIC_VARIABLES = frozenset({"RANDOM", "UID", "EUID", "PPID", "SECONDS", "LINENO", "OPTIND"})
_ALWAYS_SET_VARIABLES = _NUMERIC_VARIABLES | {"PATH", "HOME", "PWD", "OLDPWD", "HOSTNAME", "IFS", "SHELL", "TERM", "USER",
                      "OPTARG", "REPLY", "LANG", "PS1", "PS2", "PS4", "SHLVL", "LOGNAME",
                      "MAIL", "GROUPS", "COLUMNS", "LINES"}  # fmt: skip
# Lists are given to these as one variable, and are meant to fall apart.
_LIST_TAKING_PROGRAMS = frozenset({"export", "local", "apk", "apt-get", "set"})


def shell_variable_unquoted(step: Step) -> CheckOutcome:
    """An argument is a variable without quotes: it falls apart at blanks."""
    script = step.script
    for use in script.variable_uses:
        if not use.is_split_into_words or use.name in _NUMERIC_VARIABLES or use.name in platform_arguments():
            continue
        if use.command_index >= 0 and script.commands[use.command_index].program in _LIST_TAKING_PROGRAMS:
            continue
        is_one_word = _is_one_word_value(step, use)
        if is_one_word is None:
            yield Undecidable(use.span)
        elif not is_one_word:
            yield hit(use.span, word=step.source.text[use.span.start : use.span.end])
            return


def _is_one_word_value(step: Step, use: VariableUse) -> bool | None:
    """Whether the value of a variable is one word; None where it comes from outside."""
    given = [a for command in step.script.commands for a in command.assignments]
    values = [a.value for a in given if a.name == use.name]
    if values:
        return all(value is None or (value.is_fully_known and _is_one_word(value.value)) for value in values)
    if use.name in step.script.loop_variables:
        return None
    before = step.instruction.span.start
    if not step.stage.declares_variable(use.name, before):
        return False
    value = step.stage.variable_value(use.name, before)
    return None if value is None else _is_one_word(value)


def _is_one_word(value: str) -> bool:
    return not any(char.isspace() or char in "*?[" for char in value)


def unset_variable(step: Step, *, certain: bool = False) -> CheckOutcome:
    """RUN uses a variable that nothing in sight sets.

    `certain`: it surely is empty there, since the builder keeps it from the stage or the base sets none.
    """
    if step.instruction.is_json_form or not step.posix or (certain and step.onbuild):
        return
    script = step.script
    bound = script.loop_variables | {a.name for cmd in script.commands for a in cmd.assignments}
    bound |= {word.value for command in script.commands for word in command.words}
    for use in script.variable_uses:
        if not use.has_no_modifier or not use.name[0].isalpha() or use.name in bound or _is_known_to_be_set(step, use):
            continue
        if any(command.name in (".", "source", "eval") for command in script.commands):
            yield Undecidable(use.span)
            continue
        reason, sure = _unset_reason(step, use.name)
        if sure is certain and reason:
            yield hit(use.span, name=use.name, reason=reason)
            return
        if not reason:
            yield Undecidable(use.span)


def _is_known_to_be_set(step: Step, use: VariableUse) -> bool:
    if use.name in _ALWAYS_SET_VARIABLES or use.name in proxy_arguments():
        return True
    return step.stage.declares_variable(use.name, step.instruction.span.start)


def _unset_reason(step: Step, name: str) -> tuple[str, bool]:
    """What shows that nothing sets the name, and whether that is sure; empty where the base may."""
    stage = step.stage
    bare = stage.whole and has_bare_environment(stage.root_stage.image)
    reason = reason_undefined(stage, name, step.instruction.span.start)
    if name in platform_arguments() and stage.whole:
        return reason, True
    if name in stage.document.global_args or reason.startswith("it is set"):
        return (reason, True) if bare else ("", False)
    if reason or not name.isupper():
        return reason or "nothing in this file sets it", False
    return "", False
