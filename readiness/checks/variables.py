"""What a program is told through its environment, whatever sets it: debug modes, log levels, stores that let everybody in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from readiness.facts import settings
from readiness.facts.public_images import ImageFacts
from readiness.kinds.variables import HasVariables, VariableSetting
from readiness.model import CheckOutcome, Hit, Span, Undecidable, hit


def debug_on(owner: HasVariables) -> CheckOutcome:
    """A debug mode is on, or the environment is named development."""
    for name, setting in owner.variables.items():
        value = _plain_text(setting)
        if setting.is_partly_unknown and settings.may_turn_debug_on(name):
            yield Undecidable(setting.span)
        elif value is not None and settings.turns_debug_on(name, value):
            yield hit(setting.span, name=name, value=value)


def log_level_debug(owner: HasVariables) -> CheckOutcome:
    """The log level is debug or finer."""
    for name, setting in owner.variables.items():
        value = _plain_text(setting)
        if value is not None and settings.logs_too_much(name, value):
            yield hit(setting.span, name=name, value=value)


def login_switches(
    known: ImageFacts, variables: Iterable[VariableSetting], command_words: Iterable[tuple[str, Span]]
) -> Iterator[Hit | Undecidable]:
    """The settings and the words of a command that let everybody into what an image runs."""
    for setting in variables:
        value = _plain_text(setting)
        if setting.is_partly_unknown and setting.name in known.auth_off_values:
            yield Undecidable(setting.span)
        elif value is not None and known.opens_to_all(setting.name, value):
            yield hit(setting.span, setting=setting.name)
    yield from (hit(span, setting=word) for word, span in command_words if word in known.flags_off)


def _plain_text(setting: VariableSetting) -> str | None:
    """The value without the blanks around it and the quotes that lists of compose files make part of it."""
    return None if setting.value is None else setting.value.strip().strip("\"'")
