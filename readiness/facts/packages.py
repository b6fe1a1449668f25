"""What a command asks of a package manager; the managers themselves are in facts/managers.yaml."""

from __future__ import annotations

import re
from collections.abc import Iterator

from readiness.facts.managers import PackageManager, manager_by_program
from readiness.facts.wrappers import unwrap_command
from readiness.model.lazy_regex import lazy_regex
from readiness.model.number import decimal_number
from readiness.model.records import dataclass
from readiness.syntax.command import ShellWord, SimpleCommand

_PACKAGE_ACTIONS = ("install", "update", "upgrade", "remove", "clean")
_PYTHON_PROGRAM_PATTERN = lazy_regex(r"(?:python|pypy)[0-9.]*\Z")
_PYTHON_OPTIONS_WITH_VALUE = frozenset({"-W", "-X"})
_PIP_PROGRAM_PATTERN = lazy_regex(r"pip[0-9.]*\Z")
_VERB_GROUP_NAMES = frozenset({"module", "group", "groups", "global", "env"})


@dataclass(frozen=True, slots=True)
class PackageCall:
    """A command of a package manager: what it does, and to which packages."""

    manager: PackageManager
    action: str
    packages: tuple[ShellWord, ...]
    command: SimpleCommand
    verb: ShellWord
    verb_group: str = ""

    @property
    def is_install(self) -> bool:
        """Whether it installs or upgrades packages."""
        return self.action in ("install", "upgrade")

    @property
    def program(self) -> str:
        """What is run, as a reader names it: pip also where Python runs it as a module."""
        program_name = self.command.program
        return _python_module_and_arguments(self.command.words)[0] if _PYTHON_PROGRAM_PATTERN.match(program_name) else program_name


def package_call(command: SimpleCommand) -> PackageCall | None:
    """What a command asks of a package manager; None where it is none, or asks for nothing known."""
    command = unwrap_command(command)
    manager_program_name, argument_words = _manager_program_and_arguments(command)
    package_manager = manager_by_program().get(manager_program_name)
    if package_manager is None:
        return None
    if package_manager.name == "pacman":
        return _pacman_call(package_manager, command, argument_words)
    operand_words = _operand_words(argument_words, package_manager)
    if not operand_words:
        if package_manager.name == "yarn" and not command.has_option("--version", "-v", "--help"):
            return PackageCall(package_manager, "install", (), command, _program_name_as_word(command))
        return None
    subcommand_word, package_operands, verb_group = operand_words[0], operand_words[1:], ""
    if subcommand_word.value in _VERB_GROUP_NAMES and package_operands:
        verb_group, subcommand_word, package_operands = subcommand_word.value, package_operands[0], package_operands[1:]
    elif subcommand_word.value == "workspace" and len(package_operands) > 1:
        verb_group, subcommand_word, package_operands = subcommand_word.value, package_operands[1], package_operands[2:]
    package_action = _action_of_subcommand(package_manager, subcommand_word.value)
    return PackageCall(package_manager, package_action, package_operands, command, subcommand_word, verb_group) if package_action else None


def _manager_program_and_arguments(command: SimpleCommand) -> tuple[str, tuple[ShellWord, ...]]:
    """The package manager that a command starts, by the table's name for it, and its words."""
    # xx-apt-get and its like (tonistiigi/xx) install for the target platform
    program_name, argument_words = command.program.removeprefix("xx-"), command.words
    if _PYTHON_PROGRAM_PATTERN.match(program_name):
        program_name, argument_words = _python_module_and_arguments(argument_words)
    if program_name == "uv" and argument_words and argument_words[0].value in ("pip", "tool"):
        return f"uv {argument_words[0].value}", argument_words[1:]
    return "pip" if _PIP_PROGRAM_PATTERN.match(program_name) else program_name, argument_words


def _python_module_and_arguments(argument_words: tuple[ShellWord, ...]) -> tuple[str, tuple[ShellWord, ...]]:
    """The module that Python runs: `-m pip`, also behind other options."""
    word_index = 0
    while word_index < len(argument_words) and argument_words[word_index].value.startswith("-"):
        word_text = argument_words[word_index].value
        if word_text == "-m":
            return (argument_words[word_index + 1].value, argument_words[word_index + 2 :]) if word_index + 1 < len(argument_words) else ("", ())
        if word_text.startswith("-m"):
            return word_text[2:], argument_words[word_index + 1 :]
        word_index += 2 if word_text in _PYTHON_OPTIONS_WITH_VALUE else 1
    return "", ()


def _program_name_as_word(command: SimpleCommand) -> ShellWord:
    return ShellWord(command.name, command.name, True, command.name_span)


def _action_of_subcommand(manager: PackageManager, subcommand: str) -> str:
    return next((action for action in _PACKAGE_ACTIONS if subcommand in getattr(manager, f"{action}_subcommands")), "")


def _pacman_call(manager: PackageManager, command: SimpleCommand, argument_words: tuple[ShellWord, ...]) -> PackageCall | None:
    """pacman says what it does with an option: -S, -Syu, -Scc, -R."""
    for argument_word in argument_words:
        if argument_word.value[:2] in ("-S", "-R", "-U"):
            operand_words = tuple(one for one in argument_words if not one.value.startswith("-"))
            package_action = _action_of_subcommand(manager, argument_word.value.replace("q", ""))
            if operand_words and package_action in ("update", ""):
                package_action = "install"
            return PackageCall(manager, package_action, operand_words, command, argument_word) if package_action else None
    return None


def _operand_words(argument_words: tuple[ShellWord, ...], manager: PackageManager) -> tuple[ShellWord, ...]:
    """The words that are no options and no option's value; gem's build options stand behind `--`."""
    operand_words: list[ShellWord] = []
    is_option_value_next = False
    for word_index, argument_word in enumerate(argument_words):
        if is_option_value_next:
            is_option_value_next = False
        elif argument_word.value == "--":
            return (*operand_words, *(() if manager.name == "gem" else argument_words[word_index + 1 :]))
        elif argument_word.value.startswith("-") and len(argument_word.value) > 1:
            is_option_value_next = _is_next_word_option_value(argument_word.value, manager.options_with_value)
        else:
            operand_words.append(argument_word)
    return tuple(operand_words)


def _is_next_word_option_value(option_text: str, options_with_value: frozenset[str]) -> bool:
    """Whether the word behind an option is its value: `-t x`, and `-yt x` too."""
    if option_text in options_with_value:
        return True
    option_letters = option_text[1:]
    if not option_letters.isalpha() or f"-{option_letters[-1]}" not in options_with_value:
        return False
    return not any(f"-{letter}" in options_with_value for letter in option_letters[:-1])


def may_run_without_confirmation(call: PackageCall) -> bool:
    """Whether it goes on without an answer."""
    command = call.command
    if command.has_option(*call.manager.assume_yes_options):
        return True
    if call.manager.name == "apt" and sum(map(_apt_quiet_level, command.unquoted_words)) > 1:
        return True  # apt-get(8): quiet twice, or -q=2, means yes too
    return any(
        name.lower() in ("apt::get::assume-yes", "assumeyes") and value in PACKAGE_MANAGER_TRUE_TEXTS
        for name, value in manager_settings_of_call(call)
    )


def _apt_quiet_level(option_text: str) -> int:
    """How quiet an option of apt-get makes it."""
    option_name, _, level_text = option_text.partition("=")
    if option_name in ("-q", "--quiet"):
        quiet_level = decimal_number(level_text, 2)
        return 1 if quiet_level is None else quiet_level
    return option_name.count("q") if re.fullmatch(r"-[A-Za-z]+", option_name) else 0


# How apt and dnf write it.
PACKAGE_MANAGER_TRUE_TEXTS = frozenset({"1", "true", "yes", "on", "with", "enable"})


def removes_system_packages(command: SimpleCommand) -> bool:
    """Whether a command of a system's package manager takes packages away."""
    parsed_package_call = package_call(command)
    return parsed_package_call is not None and parsed_package_call.manager.is_system_manager and parsed_package_call.action == "remove"


def manager_settings_of_call(call: PackageCall) -> Iterator[tuple[str, str]]:
    """The settings that `-o Name=value` and `--setopt=name=value` give to a call."""
    for argument_word in call.command.words:
        setting_text, equals_sign, setting_value = argument_word.value.rpartition("=")
        if equals_sign:
            yield re.split(r"[=\s]", setting_text)[-1].removeprefix("-o"), setting_value.strip("\"';").lower()
