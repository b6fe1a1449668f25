"""The shell scripts in a Dockerfile: what RUN, CMD, ENTRYPOINT and HEALTHCHECK run."""

from __future__ import annotations

import bisect
import re
from dataclasses import replace

from readiness.model import Span
from readiness.model.lazy_regex import lazy_regex
from readiness.syntax import shell
from readiness.syntax.instruction import Instruction
from readiness.syntax.pieces import JoinedText, single_piece_text
from readiness.syntax.words import InstructionWord

_SHELL_HASHBANG = lazy_regex(r"#!\S*?(?:/|env )(?:ba|da|a|k|z)?sh\b")


def parse_instruction_script(instruction: Instruction, dockerfile_text: str, is_posix_shell: bool) -> shell.ShellScript:
    """The script of an instruction: its text, the heredoc that it runs, or the words of exec form.

    `dockerfile_text` is the whole file, where here-documents stand; `is_posix_shell` says whether a shell that is read here runs it.
    """
    empty_script = shell.ShellScript(single_piece_text(""), (), False, frozenset())
    if instruction.is_json_form:
        return _parse_exec_form_script(instruction, empty_script)
    if not is_posix_shell:
        return empty_script
    if not instruction.heredocs:
        return shell.parse_script(instruction.arguments_text)
    first_heredoc = instruction.heredocs[0]
    if instruction.arguments_text.text.strip() == dockerfile_text[first_heredoc.name_span.start : first_heredoc.name_span.end]:
        heredoc_body = dockerfile_text[first_heredoc.body_span.start : first_heredoc.body_span.end]
        if heredoc_body.startswith("#!") and not _SHELL_HASHBANG.match(heredoc_body):
            return empty_script
        return shell.parse_script(single_piece_text(heredoc_body, first_heredoc.body_span.start))
    line_script = shell.parse_script(_with_spans_blanked_out(instruction.arguments_text, [doc.name_span for doc in instruction.heredocs]))
    if line_script.commands and line_script.commands[-1].program in shell.SHELL_PROGRAMS:
        heredoc_body = dockerfile_text[first_heredoc.body_span.start : first_heredoc.body_span.end]
        heredoc_script = shell.parse_script(single_piece_text(heredoc_body, first_heredoc.body_span.start))
        return replace(line_script, commands=line_script.commands + heredoc_script.commands, function_names=heredoc_script.function_names)
    return line_script


def program_of_shell_instruction(instruction: Instruction) -> str:
    """The program that a SHELL instruction names, without its folder: `env bash` is bash."""
    word_values = [word.value for word in instruction.words] or ["sh"]
    program_name = re.split(r"[\\/]", word_values[0])[-1].lower().removesuffix(".exe")
    return "bash" if program_name == "env" and any("bash" in word for word in word_values) else program_name


def _with_spans_blanked_out(arguments_text: JoinedText, spans: list[Span]) -> JoinedText:
    """The text with the words at `spans` blanked."""
    characters = list(arguments_text.text)
    sorted_spans = sorted(spans)
    span_starts = [span.start for span in sorted_spans]
    for character_index in range(len(characters) if sorted_spans else 0):
        source_offset = arguments_text.source_offset(character_index)
        if source_offset < sorted_spans[bisect.bisect_right(span_starts, source_offset) - 1].end and span_starts[0] <= source_offset:
            characters[character_index] = " "
    return JoinedText("".join(characters), arguments_text.piece_starts, arguments_text.source_offsets)


def _parse_exec_form_script(instruction: Instruction, empty_script: shell.ShellScript) -> shell.ShellScript:
    """Exec form: one command, and the script in it where a shell is started with -c."""
    if not instruction.words or instruction.keyword not in (
        "RUN",
        "CMD",
        "ENTRYPOINT",
        "HEALTHCHECK",
    ):
        return empty_script
    command_words = instruction.words[1:] if instruction.keyword == "HEALTHCHECK" else instruction.words
    if not command_words:
        return empty_script
    shell_words = [shell.ShellWord(word.raw, word.value, True, word.span) for word in command_words]
    command_span = Span(command_words[0].span.start, command_words[-1].span.end)
    command = shell.SimpleCommand(shell_words[0].value, tuple(shell_words[1:]), command_span, shell_words[0].span)
    inner_commands: tuple[shell.SimpleCommand, ...] = ()
    may_run_script_argument = command.program in shell.SHELL_PROGRAMS and len(command_words) >= 3
    if may_run_script_argument and command_words[1].value in ("-c", "-ec", "-lc") and "\\" not in command_words[2].raw:
        inner_commands = shell.parse_script(_text_inside_json_entry(instruction.arguments_text, command_words[1], command_words[2])).commands
    return shell.ShellScript(instruction.arguments_text, (command, *inner_commands), False, frozenset())


def _text_inside_json_entry(arguments_text: JoinedText, previous_word: InstructionWord, word: InstructionWord) -> JoinedText:
    """The text between the quotes of a JSON entry."""
    entry_start = arguments_text.text.find(word.raw, arguments_text.text.find(previous_word.raw) + len(previous_word.raw))
    return arguments_text.cut(entry_start + 1, entry_start + len(word.raw) - 1)
