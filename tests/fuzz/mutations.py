"""Changes of a text that nobody would make on purpose: cuts, repeats, odd characters, long words, deep nests."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

from tests.fuzz.structure import alias_values, graft_value, rename_key, repeat_block

MAX_MUTATED_BYTES = 200_000  # of one file: growth by size has tests of its own
ODD_STRINGS = (
    "\0", "\r", "\r\n", "\x0b", "\x0c", "\x1b[31m", "\x1b]8;;http://x\x07", "\x7f", "\x85", "\xa0", "\xad", "\u0130", "\u0301", "\u200b", "\u200d",
    "\u202e", "\u2028", "\u2029", "\u2066", "\ufeff", "\ufffd", "\uffff", "\ue000", "\U0001f600", "\U000e0041", "\U0010ffff", "ß", "İ", "ǰ", "ﬃ", "١",
    "²", "Ⅷ", "K", "ſ", "́" * 40, "::error::x", "##[error]x", "\n::set-env name=A::b\n",
)  # fmt: skip
GENERIC_WORDS = (
    "", " ", "\t", "\n", "\n\n", "'", '"', "`", "\\", "\\\n", "$", "${", "${A", "${A:-", "$((", "$(", "{{", "}}", "{{ .Values.a }}", "{%", "%}",
    "${{", "${{ a }}",
    "{", "}", "[", "]", "(", ")", "<", ">", "<<", "<<E", "|", "||", "&", "&&", "&a ", "*a", "<<: *a", "!", "!!binary ", "!!set ", "%", "@", "#",
    "# ", ":", ": ",
    ",", ";", "=", "-", "--", "---\n", "...\n", "- ", "? ", "~", "*", "**", "?", "/", "//", "../", "/../../etc/passwd", ".", "..", "0", "-0",
    "-1", "1e999", ".inf",
    ".nan", "0x", "0o8", "9" * 30, "1" * 5000, "2147483648", "18446744073709551616", "true", "null", "yes", "on", "None", "http://[::1",
    "https://a:b@c:99999/", "[::1]:80",
    "255.255.255.255/33", "2001-02-30", "12:60:61", "a" * 64, "A=B", "A B", "://", "@sha256:", "file:///dev/zero", "/dev/stdin",
    "# readiness: ignore[ALL] x",
    "# readiness: purpose=test", "# hadolint ignore=DL3007", "# nosemgrep", "__A_B__", "%%A%%", "<% x %>", "$[[ inputs.a ]]",
)  # fmt: skip
SECRET_LINE_FORMS = ("DB_PASSWORD={}", "  DB_PASSWORD: {}", "API_TOKEN={}", "ENV DB_PASSWORD={}", "  password: {}", "# aws_secret_access_key = {}")
_WORD = re.compile(r"[\w./:@-]+")
_OPENERS = (
    ("[", "]"),
    ("{", "}"),
    ("(", ")"),
    ("{a: ", "}"),
    ("- ", ""),
    ("  ", ""),
    ("${A:-", "}"),
    ("$(", ")"),
    ("`", "`"),
    ("<", ">"),
    ("(?:", ")*"),
    ("- - ", ""),
    ("a {", "}"),
    ("if x; then ", "; fi"),
)

Change = Callable[[str, random.Random, Sequence[str], str], str]


def _place(text: str, rng: random.Random) -> int:
    """A place in a text: anywhere, or at the beginning of a line or word, where parsers look."""
    if not text:
        return 0
    offset = rng.randrange(len(text) + 1)
    how = rng.randrange(3)
    if how == 0:
        return offset
    if how == 1:
        return text.rfind("\n", 0, offset) + 1
    word_match = _WORD.search(text, offset)
    return rng.choice(word_match.span()) if word_match else offset


def _line_range(text: str, rng: random.Random) -> tuple[int, int]:
    """Offsets of one to eight lines."""
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    first = rng.randrange(len(starts))
    last = min(len(starts) - 1, first + rng.choice((1, 1, 1, 2, 3, 8)))
    return starts[first], starts[last] if last > first else len(text)


def _insert_word(text: str, rng: random.Random, words: Sequence[str], other: str) -> str:
    at = _place(text, rng)
    return text[:at] + rng.choice(words) + text[at:]


def _replace_word(text: str, rng: random.Random, words: Sequence[str], other: str) -> str:
    found = list(_WORD.finditer(text))
    if not found:
        return text
    start, end = rng.choice(found).span()
    replacement = rng.choice(words) if rng.randrange(3) else rng.choice(found)[0]
    return text[:start] + replacement + text[end:]


def _cut(text: str, rng: random.Random, words: Sequence[str], other: str) -> str:
    at = _place(text, rng)
    return text[:at] + text[at + rng.choice((1, 1, 2, 5, 20, 100)) :]


def _cut_end(text: str, rng: random.Random, words: Sequence[str], other: str) -> str:
    return text[: _place(text, rng)]


def _drop_lines(text: str, rng: random.Random, words: Sequence[str], other: str) -> str:
    start, end = _line_range(text, rng)
    return text[:start] + text[end:]


def _repeat_lines(text: str, rng: random.Random, words: Sequence[str], other: str) -> str:
    start, end = _line_range(text, rng)
    lines = text[start:end]
    count = rng.choice((1, 1, 2, 10, 100, 1000)) if len(lines) < 200 else 1
    return text[:start] + lines * count + text[start:]


def _move_lines(text: str, rng: random.Random, words: Sequence[str], other: str) -> str:
    start, end = _line_range(text, rng)
    lines, rest = text[start:end], text[:start] + text[end:]
    at = rest.rfind("\n", 0, _place(rest, rng)) + 1
    return rest[:at] + lines + rest[at:]


def _indent_lines(text: str, rng: random.Random, words: Sequence[str], other: str) -> str:
    start, end = _line_range(text, rng)
    by = rng.choice(("  ", " ", "\t", "    "))
    lines = text[start:end].splitlines(keepends=True)
    moved = [line.removeprefix(by) if rng.randrange(2) else by + line for line in lines]
    return text[:start] + "".join(moved) + text[end:]


def _join_lines(text: str, rng: random.Random, words: Sequence[str], other: str) -> str:
    at = text.find("\n", _place(text, rng))
    return text if at < 0 else text[:at] + rng.choice(("", " ", "\\\n", "\r", "\r\n", ";", ",")) + text[at + 1 :]


def _splice(text: str, rng: random.Random, words: Sequence[str], other: str) -> str:
    if not other:
        return text
    start, end = _line_range(other, rng)
    at = _place(text, rng)
    return text[:at] + other[start:end] + text[at if rng.randrange(2) else at + end - start :]


def _insert_odd(text: str, rng: random.Random, words: Sequence[str], other: str) -> str:
    at = _place(text, rng)
    return text[:at] + rng.choice(ODD_STRINGS) + text[at:]


def _insert_long_word(text: str, rng: random.Random, words: Sequence[str], other: str) -> str:
    unit = rng.choice(
        (
            "a",
            "a-",
            "0-",
            ".",
            "/",
            "a/",
            "=",
            "-",
            " ",
            "\t",
            "#",
            "$",
            "\\",
            '"',
            "'",
            "*",
            "a,",
            "a=",
            ":",
            "A_",
            "é",
            "{",
            "}",
            "%",
            "0.",
            "\\\n",
            " #",
            ";",
            "|",
            "<",
            "@",
            "~",
        )
    )
    at = _place(text, rng)
    return text[:at] + unit * rng.choice((100, 300, 1000, 5000, 20_000)) + rng.choice(("", "!", "a", " ", "\n")) + text[at:]


def _nest(text: str, rng: random.Random, words: Sequence[str], other: str) -> str:
    opener, closer = rng.choice(_OPENERS)
    depth = rng.choice((5, 50, 150, 390, 1000, 5000))
    at = _place(text, rng)
    return text[:at] + opener * depth + rng.choice(("", "x", "1", "a: b")) + (closer * depth if rng.randrange(3) else "") + text[at:]


def _swap_words(text: str, rng: random.Random, words: Sequence[str], other: str) -> str:
    found = list(_WORD.finditer(text))
    if len(found) < 2:
        return text
    first, second = sorted(rng.sample(found, 2), key=lambda match: match.start())
    return text[: first.start()] + second[0] + text[first.end() : second.start()] + first[0] + text[second.end() :]


def _change_characters(text: str, rng: random.Random, words: Sequence[str], other: str) -> str:
    characters = list(text)
    for _ in range(rng.choice((1, 1, 2, 4, 10))):
        if characters:
            at = rng.randrange(len(characters))
            characters[at] = chr(rng.choice((rng.randrange(32, 127), rng.randrange(256), rng.randrange(0xD7FF))))
    return "".join(characters)


def _replace_value(text: str, rng: random.Random, words: Sequence[str], other: str) -> str:
    found = list(re.finditer(r"(?<=[:=] )[^\n]+|(?<=\s)[^\s]+(?=;)|(?<=^- )[^\n]+", text, re.MULTILINE))
    if not found:
        return text
    start, end = rng.choice(found).span()
    return (
        text[:start]
        + rng.choice((*words, *ODD_STRINGS, "[]", "{}", "[[]]", "{a: []}", "[{}]", "[null]", "''", "[a, b]", "{a: b}", "|\n  a\n  b"))
        + text[end:]
    )


def _change_line_ends(text: str, rng: random.Random, words: Sequence[str], other: str) -> str:
    return text.replace("\n", rng.choice(("\r\n", "\r", "\n\n", " \n", "\u2028", "\x85\n", "\t\n")))


CHANGES: tuple[Change, ...] = (
    _insert_word, _insert_word, _insert_word, _replace_word, _replace_word, _replace_word, _cut, _cut, _cut_end, _drop_lines, _drop_lines,
    _repeat_lines, _move_lines, _move_lines, _indent_lines, _join_lines, _insert_odd, _insert_odd, _insert_long_word, _swap_words, _swap_words,
    _change_characters, _replace_value, _replace_value, _replace_value, _change_line_ends, repeat_block, graft_value, graft_value, graft_value,
    graft_value, graft_value, rename_key, rename_key, alias_values, alias_values,
)  # fmt: skip


def mutate_text(text: str, rng: random.Random, words: Sequence[str], other_text: str) -> str:
    """The text after one to eight random changes; `other_text` is what lines are taken from, `words` what is put in."""
    all_words = (*GENERIC_WORDS, *words, *words)
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 5, 8))):
        text = rng.choice(CHANGES)(text, rng, all_words, other_text)[:MAX_MUTATED_BYTES]
    return text


def encode_oddly(text: str, rng: random.Random) -> bytes:
    """The bytes of a text: nearly always UTF-8, now and then another encoding, with marks or broken bytes."""
    text_bytes = text.encode("utf-8", "surrogatepass")
    how = rng.randrange(60)
    if how == 0:
        return text.encode("utf-16", "surrogatepass")
    if how == 1:
        return b"\xef\xbb\xbf" + text_bytes
    if how == 2:
        at = rng.randrange(len(text_bytes) + 1)
        return text_bytes[:at] + bytes(rng.randrange(256) for _ in range(rng.choice((1, 2, 5)))) + text_bytes[at:]
    if how == 3:
        return text.encode("utf-32", "surrogatepass")
    return text_bytes
