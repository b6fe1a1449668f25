"""The shell scripts in a Dockerfile: what RUN, CMD, ENTRYPOINT and HEALTHCHECK run."""

from __future__ import annotations

import re
from dataclasses import replace

from readiness.model import Span
from readiness.syntax import shell
from readiness.syntax.instruction import Instruction
from readiness.syntax.pieces import JoinedText, plain_pieces
from readiness.syntax.words import InstructionWord

_SHELL_HASHBANG = re.compile(r"#!\S*?(?:/|env )(?:ba|da|a|k|z)?sh\b")


def script_of(instruction: Instruction, text: str, posix: bool) -> shell.ShellScript:
    """The script of an instruction: its text, the heredoc that it runs, or the words of exec form.

    `text` is the whole file, where here-documents stand; `posix` says whether a shell that is read here runs it.
    """
    empty = shell.ShellScript(plain_pieces(""), (), False, frozenset())
    if instruction.is_json_form:
        return _exec_form_script(instruction, empty)
    if not posix:
        return empty
    if not instruction.heredocs:
        return shell.parse_script(instruction.arguments_text)
    first = instruction.heredocs[0]
    if instruction.arguments_text.text.strip() == text[first.name_span.start : first.name_span.end]:
        body = text[first.body_span.start : first.body_span.end]
        if body.startswith("#!") and not _SHELL_HASHBANG.match(body):
            return empty
        return shell.parse_script(plain_pieces(body, first.body_span.start))
    line = shell.parse_script(_blank_out_spans(instruction.arguments_text, [doc.name_span for doc in instruction.heredocs]))
    if line.commands and line.commands[-1].program in shell.SHELL_PROGRAMS:
        body = text[first.body_span.start : first.body_span.end]
        inner = shell.parse_script(plain_pieces(body, first.body_span.start))
        return replace(line, commands=line.commands + inner.commands, function_names=inner.function_names)
    return line


def shell_program(instruction: Instruction) -> str:
    """The program that a SHELL instruction names, without its folder: `env bash` is bash."""
    words = [word.value for word in instruction.words] or ["sh"]
    name = re.split(r"[\\/]", words[0])[-1].lower().removesuffix(".exe")
    return "bash" if name == "env" and any("bash" in word for word in words) else name


def _blank_out_spans(body: JoinedText, spans: list[Span]) -> JoinedText:
    """The text with the words at `spans` blanked."""
    text = list(body.text)
    for at in range(len(text)):
        if any(span.start <= body.source_offset(at) < span.end for span in spans):
            text[at] = " "
    return JoinedText("".join(text), body.piece_starts, body.source_offsets)


def _exec_form_script(instruction: Instruction, empty_script: shell.ShellScript) -> shell.ShellScript:
    """Exec form: one command, and the script in it where a shell is started with -c."""
    if not instruction.words or instruction.keyword not in (
        "RUN",
        "CMD",
        "ENTRYPOINT",
        "HEALTHCHECK",
    ):
        return empty_script
    words = instruction.words[1:] if instruction.keyword == "HEALTHCHECK" else instruction.words
    if not words:
        return empty_script
    parts = [shell.ShellWord(word.raw, word.value, True, word.span) for word in words]
    span = Span(words[0].span.start, words[-1].span.end)
    command = shell.SimpleCommand(parts[0].value, tuple(parts[1:]), span, parts[0].span)
    inner: tuple[shell.SimpleCommand, ...] = ()
    runs = command.program in shell.SHELL_PROGRAMS and len(words) >= 3
    if runs and words[1].value in ("-c", "-ec", "-lc") and "\\" not in words[2].raw:
        inner = shell.parse_script(_json_entry_body(instruction.arguments_text, words[1], words[2])).commands
    return shell.ShellScript(instruction.arguments_text, (command, *inner), False, frozenset())


def _json_entry_body(body: JoinedText, previous_word: InstructionWord, word: InstructionWord) -> JoinedText:
    """The text between the quotes of a JSON entry."""
    at = body.text.find(word.raw, body.text.find(previous_word.raw) + len(previous_word.raw))
    return body.cut(at + 1, at + len(word.raw) - 1)
