"""The commands of a pipeline's script, with `${{ }}` kept whole so that the shell's grammar reads around it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from readiness.facts.programs import started_program_index
from readiness.facts.wrappers import unwrap_command
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
        for index, word in enumerate(self.words):
            for option in options:
                if word == option and index + 1 < len(self.words):
                    return self.words[index + 1]
                if word.startswith(f"{option}="):
                    return word[len(option) + 1 :]
        return None

    @property
    def non_option_arguments(self) -> tuple[str, ...]:
        """The arguments that are no options."""
        return tuple(word for word in self.words if not word.startswith("-"))


def mask_expressions(script: str) -> str:
    """The script with each `${{ }}` as a word of the same length."""
    out = list(script)
    for template in braced_expressions(script):
        for at in range(template.span.start, template.span.end):
            if out[at] != "\n":
                out[at] = "x"
    return "".join(out)


@lru_cache(maxsize=1024)
def script_calls(script: str) -> tuple[ScriptCommand, ...]:
    """The commands of a script in order, what is behind `sudo`, `npx`, `uv run` and the like in their place."""
    calls = []
    for command in shell.commands_of(mask_expressions(script)):
        inner = unwrap_command(command)
        words = tuple(_word_text(script, word.span.start, word.span.end) for word in inner.words)
        program = inner.program
        if not program and not inner.name and not words:
            continue
        program, words = _wrapped_program(program or inner.name.rpartition("/")[2], words)
        text = script[command.span.start : command.span.end]
        calls.append(ScriptCommand(program, words, command.span.start, command.span.end, text, command.pipeline_number))
    return tuple(calls)


def _word_text(script: str, start: int, end: int) -> str:
    raw = script[start:end]
    if len(raw) > 1 and raw[0] in "'\"" and raw[-1] == raw[0]:
        return raw[1:-1]
    return raw.replace('"', "").replace("'", "") if '"' in raw or "'" in raw else raw


def _wrapped_program(program: str, words: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """The program that a runner of programs starts."""
    for _ in range(4):
        verbs = [index for index, word in enumerate(words) if not word.startswith("-")]
        at = started_program_index(program, [words[index] for index in verbs])
        if at is not None:
            program, words = words[verbs[at]], words[verbs[at] + 1 :]
        elif program == "uv" and words[:2] == ("tool", "run"):
            program, words = "uvx", words[2:]
        elif _PYTHON_PROGRAM.match(program) and len(words) > 1 and words[0] == "-m":
            program, words = words[1], words[2:]
        else:
            break
        program = program.rpartition("/")[2].partition("==")[0]
    return program, words


_PYTHON_PROGRAM = re.compile(r"python[0-9.]*\Z")
