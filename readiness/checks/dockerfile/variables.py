"""Checks of the variables that RUN uses: nothing sets them, or nothing holds their value together."""

from __future__ import annotations

from readiness.checks.dockerfile.values import undefined_variable_reason
from readiness.facts.arguments import platform_build_arguments, predefined_proxy_build_arguments
from readiness.facts.base_images import sets_only_path_variable
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
    for variable_use in script.variable_uses:
        if not variable_use.is_split_into_words or variable_use.name in _NUMERIC_VARIABLES or variable_use.name in platform_build_arguments():
            continue
        if variable_use.command_index >= 0 and script.commands[variable_use.command_index].program in _LIST_TAKING_PROGRAMS:
            continue
        is_one_word_value = _is_one_word_value(step, variable_use)
        if is_one_word_value is None:
            yield Undecidable(variable_use.span)
        elif not is_one_word_value:
            yield hit(variable_use.span, word=step.source.text[variable_use.span.start : variable_use.span.end])
            return


def _is_one_word_value(step: Step, variable_use: VariableUse) -> bool | None:
    """Whether the value of a variable is one word; None where it comes from outside."""
    assignments = [a for command in step.script.commands for a in command.assignments]
    assigned_values = [a.value for a in assignments if a.name == variable_use.name]
    if assigned_values:
        return all(
            variable_value is None or (variable_value.is_fully_known and _is_one_word(variable_value.value)) for variable_value in assigned_values
        )
    if variable_use.name in step.script.loop_variables:
        return None
    run_offset = step.instruction.span.start
    if not step.stage.declares_variable(variable_use.name, run_offset):
        return False
    variable_value = step.stage.variable_value(variable_use.name, run_offset)
    return None if variable_value is None else _is_one_word(variable_value)


def _is_one_word(value: str) -> bool:
    return not any(char.isspace() or char in "*?[" for char in value)


def unset_variable(step: Step, *, certain: bool = False) -> CheckOutcome:
    """RUN uses a variable that nothing in sight sets.

    `certain`: it surely is empty there, since the builder keeps it from the stage or the base sets none.
    """
    if step.instruction.is_json_form or not step.posix or (certain and step.onbuild):
        return
    script = step.script
    bound_names = script.loop_variables | {a.name for cmd in script.commands for a in cmd.assignments}
    bound_names |= {word.value for command in script.commands for word in command.words}
    for variable_use in script.variable_uses:
        if (
            not variable_use.has_no_modifier
            or not variable_use.name[0].isalpha()
            or variable_use.name in bound_names
            or _is_known_to_be_set(step, variable_use)
        ):
            continue
        if any(command.name in (".", "source", "eval") for command in script.commands):
            yield Undecidable(variable_use.span)
            continue
        unset_reason, is_sure = _unset_reason(step, variable_use.name)
        if is_sure is certain and unset_reason:
            yield hit(variable_use.span, name=variable_use.name, reason=unset_reason)
            return
        if not unset_reason:
            yield Undecidable(variable_use.span)


def _is_known_to_be_set(step: Step, variable_use: VariableUse) -> bool:
    if variable_use.name in _ALWAYS_SET_VARIABLES or variable_use.name in predefined_proxy_build_arguments():
        return True
    return step.stage.declares_variable(variable_use.name, step.instruction.span.start)


def _unset_reason(step: Step, variable_name: str) -> tuple[str, bool]:
    """What shows that nothing sets the name, and whether that is sure; empty where the base may."""
    stage = step.stage
    is_base_environment_bare = stage.whole and sets_only_path_variable(stage.root_stage.image)
    reason = undefined_variable_reason(stage, variable_name, step.instruction.span.start)
    if variable_name in platform_build_arguments() and stage.whole:
        return reason, True
    if variable_name in stage.document.global_args or reason.startswith("it is set"):
        return (reason, True) if is_base_environment_bare else ("", False)
    if reason or not variable_name.isupper():
        return reason or "nothing in this file sets it", False
    return "", False
