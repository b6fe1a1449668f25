"""Checks of the variables that RUN uses: nothing sets them, or nothing holds their value together."""

from __future__ import annotations

from readiness.checks.dockerfile.values import reason_undefined
from readiness.facts.arguments import platform_arguments, proxy_arguments
from readiness.facts.base_images import has_bare_environment
from readiness.kinds.dockerfile.model import Step
from readiness.model import Outcome, Unknown, hit
from readiness.syntax.command import Use

_NUMBERS = frozenset({"RANDOM", "UID", "EUID", "PPID", "SECONDS", "LINENO", "OPTIND"})
_ALWAYS = _NUMBERS | {"PATH", "HOME", "PWD", "OLDPWD", "HOSTNAME", "IFS", "SHELL", "TERM", "USER",
                      "OPTARG", "REPLY", "LANG", "PS1", "PS2", "PS4", "SHLVL", "LOGNAME",
                      "MAIL", "GROUPS", "COLUMNS", "LINES"}  # fmt: skip
# Lists are given to these as one variable, and are meant to fall apart.
_LISTS = frozenset({"export", "local", "apk", "apt-get", "set"})


def shell_variable_unquoted(step: Step) -> Outcome:
    """An argument is a variable without quotes: it falls apart at blanks."""
    script = step.script
    for use in script.uses:
        if not use.splits or use.name in _NUMBERS or use.name in platform_arguments():
            continue
        if use.command >= 0 and script.commands[use.command].program in _LISTS:
            continue
        is_one_word = _is_one_word_value(step, use)
        if is_one_word is None:
            yield Unknown(use.span)
        elif not is_one_word:
            yield hit(use.span, word=step.source.text[use.span.start : use.span.end])
            return


def _is_one_word_value(step: Step, use: Use) -> bool | None:
    """Whether the value of a variable is one word; None where it comes from outside."""
    given = [a for command in step.script.commands for a in command.assignments]
    values = [a.value for a in given if a.name == use.name]
    if values:
        return all(value is None or (value.known and _is_one_word(value.value)) for value in values)
    if use.name in step.script.bound:
        return None
    before = step.instruction.span.start
    if not step.stage.declares(use.name, before):
        return False
    value = step.stage.lookup(use.name, before)
    return None if value is None else _is_one_word(value)


def _is_one_word(value: str) -> bool:
    return not any(char.isspace() or char in "*?[" for char in value)


def unset_variable(step: Step, *, certain: bool = False) -> Outcome:
    """RUN uses a variable that nothing in sight sets.

    `certain`: it surely is empty there, since the builder keeps it from the stage or the base sets none.
    """
    if step.instruction.json or not step.posix or (certain and step.onbuild):
        return
    script = step.script
    bound = script.bound | {a.name for cmd in script.commands for a in cmd.assignments}
    bound |= {word.value for command in script.commands for word in command.words}
    for use in script.uses:
        if (
            not use.plain
            or not use.name[0].isalpha()
            or use.name in bound
            or _known_value(step, use)
        ):
            continue
        if any(command.name in (".", "source", "eval") for command in script.commands):
            yield Unknown(use.span)
            continue
        reason, sure = _unset_reason(step, use.name)
        if sure is certain and reason:
            yield hit(use.span, name=use.name, reason=reason)
            return
        if not reason:
            yield Unknown(use.span)


def _known_value(step: Step, use: Use) -> bool:
    if use.name in _ALWAYS or use.name in proxy_arguments():
        return True
    return step.stage.declares(use.name, step.instruction.span.start)


def _unset_reason(step: Step, name: str) -> tuple[str, bool]:
    """What shows that nothing sets the name, and whether that is sure; empty where the base may."""
    stage = step.stage
    bare = stage.whole and has_bare_environment(stage.root.image)
    reason = reason_undefined(stage, name, step.instruction.span.start)
    if name in platform_arguments() and stage.whole:
        return reason, True
    if name in stage.document.globals or reason.startswith("it is set"):
        return (reason, True) if bare else ("", False)
    if reason or not name.isupper():
        return reason or "nothing in this file sets it", False
    return "", False
