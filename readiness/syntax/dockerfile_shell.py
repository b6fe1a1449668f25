"""The shell scripts in a Dockerfile: what RUN, CMD, ENTRYPOINT and HEALTHCHECK run."""

from __future__ import annotations

import re
from dataclasses import replace

from readiness.model import Span
from readiness.syntax import shell
from readiness.syntax.instruction import Instruction
from readiness.syntax.pieces import Pieces, plain_pieces
from readiness.syntax.words import Word

_HASHBANG = re.compile(r"#!\S*?(?:/|env )(?:ba|da|a|k|z)?sh\b")


def script_of(instruction: Instruction, text: str, posix: bool) -> shell.Script:
    """The script of an instruction: its text, the heredoc that it runs, or the words of exec form.

    `text` is the whole file, where here-documents stand; `posix` says whether a shell that is read here runs it.
    """
    empty = shell.Script(plain_pieces(""), (), False, frozenset())
    if instruction.json:
        return _exec_script(instruction, empty)
    if not posix:
        return empty
    if not instruction.heredocs:
        return shell.parse_script(instruction.body)
    first = instruction.heredocs[0]
    if instruction.body.text.strip() == text[first.word.start : first.word.end]:
        body = text[first.body.start : first.body.end]
        if body.startswith("#!") and not _HASHBANG.match(body):
            return empty
        return shell.parse_script(plain_pieces(body, first.body.start))
    line = shell.parse_script(
        _blank_spans(instruction.body, [doc.word for doc in instruction.heredocs])
    )
    if line.commands and line.commands[-1].program in shell.SHELLS:
        body = text[first.body.start : first.body.end]
        inner = shell.parse_script(plain_pieces(body, first.body.start))
        return replace(line, commands=line.commands + inner.commands, functions=inner.functions)
    return line


def shell_program(instruction: Instruction) -> str:
    """The program that a SHELL instruction names, without its folder: `env bash` is bash."""
    words = [word.value for word in instruction.words] or ["sh"]
    name = re.split(r"[\\/]", words[0])[-1].lower().removesuffix(".exe")
    return "bash" if name == "env" and any("bash" in word for word in words) else name


def _blank_spans(body: Pieces, spans: list[Span]) -> Pieces:
    """The text with the words at `spans` blanked."""
    text = list(body.text)
    for at in range(len(text)):
        if any(span.start <= body.offset(at) < span.end for span in spans):
            text[at] = " "
    return Pieces("".join(text), body.starts, body.places)


def _exec_script(instruction: Instruction, empty: shell.Script) -> shell.Script:
    """Exec form: one command, and the script in it where a shell is started with -c."""
    if not instruction.words or instruction.keyword not in (
        "RUN",
        "CMD",
        "ENTRYPOINT",
        "HEALTHCHECK",
    ):
        return empty
    words = instruction.words[1:] if instruction.keyword == "HEALTHCHECK" else instruction.words
    if not words:
        return empty
    parts = [shell.Word(word.raw, word.value, True, word.span) for word in words]
    span = Span(words[0].span.start, words[-1].span.end)
    command = shell.Command(parts[0].value, tuple(parts[1:]), span, parts[0].span)
    inner: tuple[shell.Command, ...] = ()
    runs = command.program in shell.SHELLS and len(words) >= 3
    if runs and words[1].value in ("-c", "-ec", "-lc") and "\\" not in words[2].raw:
        inner = shell.parse_script(_json_entry_body(instruction.body, words[1], words[2])).commands
    return shell.Script(instruction.body, (command, *inner), False, frozenset())


def _json_entry_body(body: Pieces, before: Word, word: Word) -> Pieces:
    """The text between the quotes of a JSON entry."""
    at = body.text.find(word.raw, body.text.find(before.raw) + len(before.raw))
    return body.cut(at + 1, at + len(word.raw) - 1)
