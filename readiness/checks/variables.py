"""What a program is told through its environment, whatever sets it: debug modes, log levels, stores that let everybody in."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from readiness.facts import settings
from readiness.facts.public_images import ImageFacts
from readiness.kinds.variables import HasVariables, VariableSetting
from readiness.model import CheckOutcome, Hit, Span, Undecidable, hit


def debug_on(owner: HasVariables) -> CheckOutcome:
    """A debug mode is on, or the environment is named development."""
    for variable_name, setting in owner.variables.items():
        setting_value = _unquoted_setting_value(setting)
        if setting.is_partly_unknown and settings.may_turn_debug_on(variable_name):
            yield Undecidable(setting.span)
        elif setting_value is not None and settings.turns_debug_on(variable_name, setting_value):
            yield hit(setting.span, name=variable_name, value=setting_value)


def log_level_debug(owner: HasVariables) -> CheckOutcome:
    """The log level is debug or finer."""
    for variable_name, setting in owner.variables.items():
        setting_value = _unquoted_setting_value(setting)
        if setting_value is not None and settings.sets_verbose_log_level(variable_name, setting_value):
            yield hit(setting.span, name=variable_name, value=setting_value)


def open_login_hits(
    known: ImageFacts,
    variables: Iterable[VariableSetting],
    command_words: Iterable[tuple[str, Span]],
    *,
    filled_variables: Collection[str],
    has_unread_variables: bool = False,
) -> Iterator[Hit | Undecidable]:
    """The settings and the words of a command that let everybody into what an image runs.

    `filled_variables` are all that hold something, wherever they are set. With `has_unread_variables` a password may be among those that
    the files do not show.
    """
    for setting in variables:
        setting_value = _unquoted_setting_value(setting)
        if setting.is_partly_unknown and setting.name in known.auth_off_values:
            yield Undecidable(setting.span)
        elif setting_value is not None and known.opens_to_all(setting.name, setting_value, filled_variables):
            may_be_outweighed = has_unread_variables and setting.name in known.outweighing_variables
            yield Undecidable(setting.span) if may_be_outweighed else hit(setting.span, setting=setting.name)
    yield from (hit(span, setting=word) for word, span in command_words if word in known.flags_off)


def _unquoted_setting_value(setting: VariableSetting) -> str | None:
    """The value without the blanks around it and the quotes that lists of compose files make part of it."""
    return None if setting.value is None else setting.value.strip().strip("\"'")
