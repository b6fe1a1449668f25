"""The commands of a pipeline's script, with `${{ }}` kept whole so that the shell's grammar reads around it."""

from __future__ import annotations

from functools import lru_cache

from readiness.facts.programs import started_program_index
from readiness.facts.wrappers import unwrap_command
from readiness.model.lazy_regex import lazy_regex
from readiness.model.records import dataclass
from readiness.syntax import shell
from readiness.syntax.expression import braced_expressions


@dataclass(frozen=True, slots=True)
class ScriptCommand:
    """One command of a script: the program, its arguments as written, and where it stands in the script."""

    program: str
    words: tuple[str, ...]
    start: int
    end: int
    text: str
    pipeline_number: int = -1

    def has_option(self, *options: str) -> bool:
        """Whether an option is given, alone or as `--option=value`."""
        return any(word == option or word.startswith(f"{option}=") for word in self.words for option in options)

    def option_value(self, *options: str) -> str | None:
        """The value of the first of some options that is given; None where none is."""
        for index, argument in enumerate(self.words):
            for option in options:
                if argument == option and index + 1 < len(self.words):
                    return self.words[index + 1]
                if argument.startswith(f"{option}="):
                    return argument[len(option) + 1 :]
        return None

    @property
    def non_option_arguments(self) -> tuple[str, ...]:
        """The arguments that are no options."""
        return tuple(word for word in self.words if not word.startswith("-"))


def mask_expressions(script: str) -> str:
    """The script with each `${{ }}` as a word of the same length."""
    masked_characters = list(script)
    for expression in braced_expressions(script):
        for index in range(expression.span.start, expression.span.end):
            if masked_characters[index] != "\n":
                masked_characters[index] = "x"
    return "".join(masked_characters)


@lru_cache(maxsize=16_384)
def script_calls(script: str) -> tuple[ScriptCommand, ...]:
    """The commands of a script in order, what is behind `sudo`, `npx`, `uv run` and the like in their place."""
    script_commands = []
    for command in shell.parse_commands(mask_expressions(script)):
        unwrapped_command = unwrap_command(command)
        arguments = tuple(_unquoted_word(script, word.span.start, word.span.end) for word in unwrapped_command.words)
        program = unwrapped_command.program
        if not program and not unwrapped_command.name and not arguments:
            continue
        program, arguments = _unwrapped_program_and_arguments(program or unwrapped_command.name.rpartition("/")[2], arguments)
        command_text = script[command.span.start : command.span.end]
        script_commands.append(ScriptCommand(program, arguments, command.span.start, command.span.end, command_text, command.pipeline_number))
    return tuple(script_commands)


def _unquoted_word(script: str, word_start: int, word_end: int) -> str:
    written_word = script[word_start:word_end]
    if len(written_word) > 1 and written_word[0] in "'\"" and written_word[-1] == written_word[0]:
        return written_word[1:-1]
    return written_word.replace('"', "").replace("'", "") if '"' in written_word or "'" in written_word else written_word


def _unwrapped_program_and_arguments(program: str, arguments: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """The program that a runner of programs starts."""
    for _ in range(4):
        non_option_indexes = [index for index, word in enumerate(arguments) if not word.startswith("-")]
        started_program_position = started_program_index(program, [arguments[index] for index in non_option_indexes])
        if started_program_position is not None:
            program, arguments = (
                arguments[non_option_indexes[started_program_position]],
                arguments[non_option_indexes[started_program_position] + 1 :],
            )
        elif program == "uv" and arguments[:2] == ("tool", "run"):
            program, arguments = "uvx", arguments[2:]
        elif _PYTHON_PROGRAM.match(program) and len(arguments) > 1 and arguments[0] == "-m":
            program, arguments = arguments[1], arguments[2:]
        else:
            break
        program = program.rpartition("/")[2].partition("==")[0]
    return program, arguments


_PYTHON_PROGRAM = lazy_regex(r"python[0-9.]*\Z")
