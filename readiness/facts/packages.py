"""What a command asks of a package manager; the managers themselves are in facts/managers.yaml."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from readiness.facts.managers import PackageManager, manager_by_program
from readiness.facts.wrappers import unwrap_command
from readiness.syntax.command import ShellWord, SimpleCommand

_PACKAGE_ACTIONS = ("install", "update", "upgrade", "remove", "clean")
_PYTHON_PROGRAM = re.compile(r"(?:python|pypy)[0-9.]*\Z")
_PYTHON_OPTIONS_WITH_VALUE = frozenset({"-W", "-X"})
_PIP_PROGRAM = re.compile(r"pip[0-9.]*\Z")
_GROUP_WORDS = frozenset({"module", "group", "groups", "global", "env"})


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
        name = self.command.program
        return _python_module(self.command.words)[0] if _PYTHON_PROGRAM.match(name) else name


def package_call(command: SimpleCommand) -> PackageCall | None:
    """What a command asks of a package manager; None where it is none, or asks for nothing known."""
    command = unwrap_command(command)
    program, words = _manager_program(command)
    manager = manager_by_program().get(program)
    if manager is None:
        return None
    if manager.name == "pacman":
        return _pacman_call(manager, command, words)
    rest = _operands(words, manager)
    if not rest:
        if manager.name == "yarn" and not command.has_option("--version", "-v", "--help"):
            return PackageCall(manager, "install", (), command, _program_word(command))
        return None
    verb, packages, group = rest[0], rest[1:], ""
    if verb.value in _GROUP_WORDS and packages:
        group, verb, packages = verb.value, packages[0], packages[1:]
    elif verb.value == "workspace" and len(packages) > 1:
        group, verb, packages = verb.value, packages[1], packages[2:]
    action = _action_of_verb(manager, verb.value)
    return PackageCall(manager, action, packages, command, verb, group) if action else None


def _manager_program(command: SimpleCommand) -> tuple[str, tuple[ShellWord, ...]]:
    """The package manager that a command starts, by the table's name for it, and its words."""
    # xx-apt-get and its like (tonistiigi/xx) install for the target platform
    program, words = command.program.removeprefix("xx-"), command.words
    if _PYTHON_PROGRAM.match(program):
        program, words = _python_module(words)
    if program == "uv" and words and words[0].value in ("pip", "tool"):
        return f"uv {words[0].value}", words[1:]
    return "pip" if _PIP_PROGRAM.match(program) else program, words


def _python_module(words: tuple[ShellWord, ...]) -> tuple[str, tuple[ShellWord, ...]]:
    """The module that Python runs: `-m pip`, also behind other options."""
    at = 0
    while at < len(words) and words[at].value.startswith("-"):
        value = words[at].value
        if value == "-m":
            return (words[at + 1].value, words[at + 2 :]) if at + 1 < len(words) else ("", ())
        if value.startswith("-m"):
            return value[2:], words[at + 1 :]
        at += 2 if value in _PYTHON_OPTIONS_WITH_VALUE else 1
    return "", ()


def _program_word(command: SimpleCommand) -> ShellWord:
    return ShellWord(command.name, command.name, True, command.name_span)


def _action_of_verb(manager: PackageManager, verb: str) -> str:
    return next((action for action in _PACKAGE_ACTIONS if verb in getattr(manager, f"{action}_subcommands")), "")


def _pacman_call(manager: PackageManager, command: SimpleCommand, words: tuple[ShellWord, ...]) -> PackageCall | None:
    """pacman says what it does with an option: -S, -Syu, -Scc, -R."""
    for word in words:
        if word.value[:2] in ("-S", "-R", "-U"):
            rest = tuple(one for one in words if not one.value.startswith("-"))
            action = _action_of_verb(manager, word.value.replace("q", ""))
            if rest and action in ("update", ""):
                action = "install"
            return PackageCall(manager, action, rest, command, word) if action else None
    return None


def _operands(words: tuple[ShellWord, ...], manager: PackageManager) -> tuple[ShellWord, ...]:
    """The words that are no options and no option's value; gem's build options stand behind `--`."""
    found: list[ShellWord] = []
    skip = False
    for at, word in enumerate(words):
        if skip:
            skip = False
        elif word.value == "--":
            return (*found, *(() if manager.name == "gem" else words[at + 1 :]))
        elif word.value.startswith("-") and len(word.value) > 1:
            skip = _is_value_next(word.value, manager.options_with_value)
        else:
            found.append(word)
    return tuple(found)


def _is_value_next(option: str, valued: frozenset[str]) -> bool:
    """Whether the word behind an option is its value: `-t x`, and `-yt x` too."""
    if option in valued:
        return True
    letters = option[1:]
    if not letters.isalpha() or f"-{letters[-1]}" not in valued:
        return False
    return not any(f"-{letter}" in valued for letter in letters[:-1])


def assumes_yes(call: PackageCall) -> bool:
    """Whether it goes on without an answer."""
    command = call.command
    if command.has_option(*call.manager.assume_yes_options):
        return True
    if call.manager.name == "apt" and sum(map(_apt_quiet_level, command.unquoted_words)) > 1:
        return True  # apt-get(8): quiet twice, or -q=2, means yes too
    return any(
        name.lower() in ("apt::get::assume-yes", "assumeyes") and value in TRUE_TEXTS for name, value in option_settings(call)
    )


def _apt_quiet_level(value: str) -> int:
    """How quiet an option of apt-get makes it."""
    name, _, level = value.partition("=")
    if name in ("-q", "--quiet"):
        return int(level) if level.isascii() and level.isdigit() and len(level) < 3 else 1
    return name.count("q") if re.fullmatch(r"-[A-Za-z]+", name) else 0


# How apt and dnf write it.
TRUE_TEXTS = frozenset({"1", "true", "yes", "on", "with", "enable"})


def is_removal(command: SimpleCommand) -> bool:
    """Whether a command of a system's package manager takes packages away."""
    parsed = package_call(command)
    return parsed is not None and parsed.manager.is_system_manager and parsed.action == "remove"


def option_settings(call: PackageCall) -> Iterator[tuple[str, str]]:
    """The settings that `-o Name=value` and `--setopt=name=value` give to a call."""
    for word in call.command.words:
        name, equals, value = word.value.rpartition("=")
        if equals:
            yield re.split(r"[=\s]", name)[-1].removeprefix("-o"), value.strip("\"';").lower()
