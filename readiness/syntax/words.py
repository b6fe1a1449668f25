"""Words of Dockerfile instructions: splitting, quotes and variables, as the builder reads them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

from readiness.model import Span
from readiness.model.lazy_regex import lazy_regex
from readiness.model.records import dataclass
from readiness.syntax import glob
from readiness.syntax.pieces import JoinedText

BLANK_CHARACTERS = " \t\v\f\r\n"
_JSON_STRING = lazy_regex(r'"(?:[^"\\\x00-\x1f]|\\.)*"')
_VARIABLE_NAME = lazy_regex(r"[A-Za-z_][A-Za-z0-9_]*")
_SPECIAL_PARAMETER = lazy_regex(r"[0-9@*#?$!-]")
_MAX_NESTED_DEFAULTS = 8  # of defaults inside defaults
_MAX_EXPANDED_CHARACTERS = 20_000  # characters: variables that double each other grow without a bound
_MAX_MODIFIER_OPERAND_LENGTH = 200  # characters of a pattern, and of a value that one is matched with
_MAX_BRACE_NESTING = 30  # braces, one in the other
_MAX_BRACED_VARIABLE_LENGTH = 2_000  # characters that a `${...}` may be long
VariableLookup = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class InstructionWord:
    """One argument: as written (`raw`, quotes included) and without its quotes (`value`)."""

    raw: str
    value: str
    span: Span
    is_quote_closed: bool = True
    is_json_entry: bool = False

    @property
    def is_variable(self) -> bool:
        """Whether some of it comes from a variable or a template."""
        if self.is_json_entry:
            return "$" in self.value or "{{" in self.value
        return "{{" in self.raw or next(variable_references(self.raw), None) is not None


@dataclass(frozen=True, slots=True)
class VariableReference:
    """A use of a variable; offsets in the raw text. `modifier` is `:-`, `+`, ... or empty."""

    name: str
    start: int
    end: int
    modifier: str = ""
    argument: str = ""


def split_instruction_words(instruction_text: JoinedText, escape_character: str, start_offset: int = 0) -> Iterator[tuple[int, int, bool]]:
    """(start, end, closed) of each word; blanks in quotes, in `{{ }}` or behind the escape divide nothing."""
    text = instruction_text.text
    offset, text_length, last_template_closing = start_offset, len(text), instruction_text.text.rfind("}}")
    while offset < text_length:
        if text[offset] in BLANK_CHARACTERS:
            offset += 1
            continue
        word_start, open_quote = offset, ""
        while offset < text_length and (open_quote or text[offset] not in BLANK_CHARACTERS):
            char = text[offset]
            if char == escape_character and open_quote != "'" and offset + 1 < text_length:
                offset += 1
            elif open_quote:
                open_quote = "" if char == open_quote else open_quote
            elif char in "\"'":
                open_quote = char
            elif char == "{" and offset < last_template_closing and text.startswith("{{", offset):
                offset = text.index("}}", offset)
            offset += 1
        yield word_start, offset, not open_quote


def parse_instruction_words(instruction_text: JoinedText, escape_character: str, start_offset: int = 0) -> tuple[InstructionWord, ...]:
    """The words of a text, with their places."""
    return tuple(
        InstructionWord(raw, remove_quotes(raw, escape_character), instruction_text.source_span(begin, end), closed)
        for begin, end, closed in split_instruction_words(instruction_text, escape_character, start_offset)
        for raw in (instruction_text.text[begin:end],)
    )


def parse_json_words(instruction_text: JoinedText) -> tuple[InstructionWord, ...] | None:
    """The entries of a JSON list of strings; None where the text is anything else.

    What stands behind the list is dropped without a word, as the builder does.
    """
    text = instruction_text.text
    offset = _skip_blanks(text, 0)
    if text[offset : offset + 1] != "[":
        return None
    words: list[InstructionWord] = []
    offset = _skip_blanks(text, offset + 1)
    while text[offset : offset + 1] != "]" or words:
        string_match = _JSON_STRING.match(text, offset)
        if string_match is None:
            return None
        try:
            string_value = json.loads(string_match.group())
        except ValueError:
            return None
        words.append(
            InstructionWord(string_match.group(), string_value, instruction_text.source_span(offset, string_match.end()), is_json_entry=True)
        )
        offset = _skip_blanks(text, string_match.end())
        if text[offset : offset + 1] == "]":
            break
        if text[offset : offset + 1] != ",":
            return None
        offset = _skip_blanks(text, offset + 1)
    return tuple(words)


def _skip_blanks(text: str, offset: int) -> int:
    while offset < len(text) and text[offset] in BLANK_CHARACTERS:
        offset += 1
    return offset


def remove_quotes(raw_word: str, escape_character: str = "\\") -> str:
    """The word without its quotes; variables stay as they are written."""
    if not any(char in raw_word for char in ('"', "'", escape_character)):
        return raw_word
    return expand_word(raw_word, None, escape_character) or ""


def variable_references(raw_text: str, escape_character: str = "\\", respect_single_quotes: bool = True) -> Iterator[VariableReference]:
    """Every use of a variable; single quotes hide it unless `respect_single_quotes` is false."""
    offset, open_quote = 0, ""
    while offset < len(raw_text):
        char = raw_text[offset]
        if char == escape_character and open_quote != "'":
            offset += 2
            continue
        if respect_single_quotes and open_quote and char == open_quote:
            open_quote = ""
        elif respect_single_quotes and not open_quote and char in "\"'":
            open_quote = char
        elif char == "$" and open_quote != "'":
            reference = variable_reference_at(raw_text, offset)
            if reference:
                yield reference
                if reference.modifier:
                    yield from _references_in_argument(reference, raw_text, escape_character)
                offset = reference.end
                continue
        offset += 1


def _references_in_argument(outer_reference: VariableReference, raw_text: str, escape_character: str) -> Iterator[VariableReference]:
    """The references inside the argument of one, told in the outer text; one level is enough."""
    argument_start = outer_reference.end - 1 - len(outer_reference.argument)
    dollar_offset = outer_reference.argument.find("$")
    while dollar_offset >= 0:
        inner_reference = variable_reference_at(raw_text, argument_start + dollar_offset)
        if inner_reference is None or inner_reference.end > outer_reference.end:
            return
        yield inner_reference
        dollar_offset = outer_reference.argument.find("$", inner_reference.end - argument_start)


def variable_reference_at(text: str, dollar_offset: int) -> VariableReference | None:
    """The reference that starts at the `$` at `dollar_offset`; None where it is an ordinary dollar."""
    if text[dollar_offset + 1 : dollar_offset + 2] != "{":
        name_match = _VARIABLE_NAME.match(text, dollar_offset + 1) or _SPECIAL_PARAMETER.match(text, dollar_offset + 1)
        return VariableReference(name_match.group(), dollar_offset, name_match.end()) if name_match else None
    name_match = _VARIABLE_NAME.match(text, dollar_offset + 2) or _SPECIAL_PARAMETER.match(text, dollar_offset + 2)
    if not name_match:
        return None
    closing_brace_offset = _closing_brace_offset(text, dollar_offset + 1)
    if closing_brace_offset < 0:
        return None
    modifier_and_argument = text[name_match.end() : closing_brace_offset]
    modifier_length = 2 if modifier_and_argument[:2] in (":-", ":+", ":?", "##", "%%", "//") else 1 if modifier_and_argument else 0
    return VariableReference(
        name_match.group(),
        dollar_offset,
        closing_brace_offset + 1,
        modifier_and_argument[:modifier_length],
        modifier_and_argument[modifier_length:],
    )


def _closing_brace_offset(text: str, opening_offset: int) -> int:
    """The offset of the brace that closes the one at `opening_offset`; -1 where none does, and for braces that nest too deeply.

    Without that bound a text of nested braces would be gone through once for each of them.
    """
    brace_depth = 0
    for index in range(opening_offset, min(len(text), opening_offset + _MAX_BRACED_VARIABLE_LENGTH)):
        if text[index] == "{":
            brace_depth += 1
            if brace_depth > _MAX_BRACE_NESTING:
                return -1
        elif text[index] == "}":
            brace_depth -= 1
            if not brace_depth:
                return index
    return -1


_BRACE_OR_PARENTHESIS = lazy_regex(r"[(){}]")


def max_bracket_nesting(text: str) -> int:
    """How deeply braces or parentheses stand in each other, whatever they mean."""
    depth_by_opening_bracket = {"(": 0, "{": 0}
    max_depth = 0
    for match in _BRACE_OR_PARENTHESIS.finditer(text):
        char = match[0]
        if char in depth_by_opening_bracket:
            depth_by_opening_bracket[char] += 1
            max_depth = max(max_depth, depth_by_opening_bracket[char])
        else:
            opening_bracket = "(" if char == ")" else "{"
            depth_by_opening_bracket[opening_bracket] = max(depth_by_opening_bracket[opening_bracket] - 1, 0)
    return max_depth


def expand_word(raw_word: str, variable_lookup: VariableLookup | None, escape_character: str = "\\", default_nesting_depth: int = 0) -> str | None:
    """The word with its variables filled in and its quotes removed; None where a value is unknown.

    `variable_lookup` gives the value of a name, an empty string for one that is surely not set, None for
    one that nobody can know from the file; without a `variable_lookup` variables stay as they are written.
    """
    expanded_pieces: list[str] = []
    offset, open_quote, expanded_length = 0, "", 0
    while offset < len(raw_word):
        char, next_char = raw_word[offset], raw_word[offset + 1 : offset + 2]
        if char == escape_character and open_quote != "'" and next_char:
            keeps_escape_character = open_quote == '"' and next_char not in ('"', "$", escape_character)
            expanded_pieces.append(char + next_char if keeps_escape_character else next_char)
            offset += 2
            continue
        if open_quote and char == open_quote:
            open_quote = ""
        elif not open_quote and char in "\"'":
            open_quote = char
        else:
            reference = variable_reference_at(raw_word, offset) if variable_lookup and char == "$" and open_quote != "'" else None
            expanded_text = (
                _reference_value(reference, variable_lookup, escape_character, default_nesting_depth) if reference and variable_lookup else char
            )
            if expanded_text is None or expanded_length > _MAX_EXPANDED_CHARACTERS:
                return None
            expanded_pieces.append(expanded_text)
            expanded_length += len(expanded_text) if reference else 0
            offset = reference.end - 1 if reference else offset
        offset += 1
    return "".join(expanded_pieces)


def _reference_value(reference: VariableReference, variable_lookup: VariableLookup, escape_character: str, default_nesting_depth: int) -> str | None:
    variable_value = variable_lookup(reference.name)
    modifier = reference.modifier
    if not modifier or variable_value is None:
        return variable_value
    if default_nesting_depth > _MAX_NESTED_DEFAULTS:
        return None
    if modifier[-1] == "-":
        return variable_value or expand_word(reference.argument, variable_lookup, escape_character, default_nesting_depth + 1)
    if modifier[-1] == "+":
        return expand_word(reference.argument, variable_lookup, escape_character, default_nesting_depth + 1) if variable_value else ""
    if modifier[-1] == "?":
        return variable_value
    return _apply_pattern_modifier(
        variable_value, modifier, expand_word(reference.argument, variable_lookup, escape_character, default_nesting_depth + 1)
    )


def _apply_pattern_modifier(variable_value: str, modifier: str, argument: str | None) -> str | None:
    """`${v#p}`, `${v%p}` and `${v/p/s}`: the value without what matches at an end, or with it replaced."""
    if argument is None or len(argument) > _MAX_MODIFIER_OPERAND_LENGTH or len(variable_value) > _MAX_MODIFIER_OPERAND_LENGTH or "[" in argument:
        return None
    if modifier[0] == "/":
        pattern, _, replacement = argument.partition("/")
        is_literal_pattern = pattern and not {"*", "?", "\\"} & set(pattern)
        return variable_value.replace(pattern, replacement, -1 if len(modifier) == 2 else 1) if is_literal_pattern else None
    if modifier[0] not in "#%":
        return None
    affix_lengths = range(len(variable_value) + 1) if len(modifier) == 1 else range(len(variable_value), -1, -1)
    for affix_length in affix_lengths:
        value_prefix, value_suffix = variable_value[:affix_length], variable_value[len(variable_value) - affix_length :]
        if glob.glob_matches(argument, value_prefix if modifier[0] == "#" else value_suffix):
            return variable_value[affix_length:] if modifier[0] == "#" else variable_value[: len(variable_value) - affix_length]
    return variable_value
