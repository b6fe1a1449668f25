"""A simple command of a shell script: its words, assignments and redirections, with their places."""

from __future__ import annotations

from readiness.model import Span
from readiness.model.records import dataclass


@dataclass(frozen=True, slots=True)
class ShellWord:
    """One word: as written, without quotes (`value`), and whether all of it is `is_fully_known`.

    In an unknown word the expansions stay in `value` as they are written.
    """

    raw: str
    value: str
    is_fully_known: bool
    span: Span
    script_offset: int = -1  # offset in the script's own text


@dataclass(frozen=True, slots=True)
class Assignment:
    """`NAME=value` in front of a command, on its own, or after export."""

    name: str
    value: ShellWord | None
    span: Span


@dataclass(frozen=True, slots=True)
class Redirect:
    """`> file`, `2>&1`, `<<< word`: the operator and its target."""

    operator: str
    target_word: ShellWord | None


@dataclass(frozen=True, slots=True)
class Bashism:
    """A construct that POSIX sh does not have: `<<<`, `$'...'`, `((`, ..."""

    kind: str
    span: Span


@dataclass(frozen=True, slots=True)
class VariableUse:
    """A variable that a script uses: `has_no_modifier` without a modifier, `is_split_into_words` where blanks divide its value.

    `command_index` is the index of the command that it is used in, -1 outside of any.
    """

    name: str
    span: Span
    has_no_modifier: bool
    is_split_into_words: bool
    command_index: int


@dataclass(frozen=True, slots=True, eq=False)
class SimpleCommand:
    """One simple command, in the order of the text.

    `operator_before` is what stands before it (`&&`, `||`, `;`, `|` or nothing); commands of one
    `pipeline_number` share a number and count their `position_in_pipeline`; `parent_index` is the index of the command in whose
    argument it is substituted; `enclosing_constructs` names the constructs around it (subshell, if, loop, ...).
    """

    name: str
    words: tuple[ShellWord, ...]
    span: Span
    name_span: Span
    assignments: tuple[Assignment, ...] = ()
    redirects: tuple[Redirect, ...] = ()
    operator_before: str = ""
    pipeline_number: int = -1
    position_in_pipeline: int = 0
    parent_index: int = -1
    enclosing_constructs: frozenset[str] = frozenset()
    is_name_known: bool = True

    @property
    def program(self) -> str:
        """The name without its folder; empty where it comes from a variable."""
        return self.name.rpartition("/")[2] if self.is_name_known else ""

    @property
    def unquoted_words(self) -> tuple[str, ...]:
        """The words without quotes."""
        return tuple(word.value for word in self.words)

    def has_option(self, *options: str, options_with_value: str = "") -> bool:
        """Whether one of the options is given: `-y`, also in `-qqy`, or `--yes`, also as `--yes=`."""
        return self.find_option_word(*options, options_with_value=options_with_value) is not None

    def find_option_word(self, *options: str, options_with_value: str = "") -> ShellWord | None:
        """The first word that is or holds one of the options; none behind `--`.

        `options_with_value` are the letters that take a value: what follows one in a cluster is no option.
        """
        for word in self.words:
            word_value = word.value
            if word_value == "--":
                return None
            if not word_value.startswith("-"):
                continue
            cluster_letters = "" if word_value[1:2] == "-" else _cluster_letters_until_value(word_value[1:].partition("=")[0], options_with_value)
            for option in options:
                if word_value == option or (len(option) > 2 and word_value.startswith(f"{option}=")):
                    return word
                if len(option) == 2 and option[1] in cluster_letters:
                    return word
        return None

    def option_value(self, *option_names: str) -> str | None:
        """The value of an option: `--name value`, `--name=value`, `-n value`, `-xn value`."""
        for word_index, word in enumerate(self.words):
            if word.value == "--":
                return None
            for option_name in option_names:
                if word.value == option_name or (len(option_name) == 2 and _is_cluster_ending_with(word.value, option_name[1])):
                    return self.words[word_index + 1].value if word_index + 1 < len(self.words) else None
                if word.value.startswith(f"{option_name}="):
                    return word.value[len(option_name) + 1 :]
        return None

    def operands(self, options_with_value: frozenset[str] = frozenset()) -> tuple[ShellWord, ...]:
        """The words that are no options and no values of the options named in `options_with_value`."""
        operand_words: list[ShellWord] = []
        is_next_word_a_value = False
        for word_index, word in enumerate(self.words):
            if is_next_word_a_value:
                is_next_word_a_value = False
            elif word.value == "--":
                return (*operand_words, *self.words[word_index + 1 :])
            elif word.value.startswith("-") and len(word.value) > 1:
                is_next_word_a_value = word.value in options_with_value
            else:
                operand_words.append(word)
        return tuple(operand_words)


def _is_cluster_ending_with(word_value: str, letter: str) -> bool:
    """Whether a value is a cluster of options, `-mu`, with the letter as its last."""
    return word_value[:1] == "-" and word_value[1:].isalpha() and word_value[-1] == letter


def _cluster_letters_until_value(cluster: str, letters_with_value: str) -> str:
    """The options of a cluster, up to the first that takes the rest as its value."""
    value_option_index = next((at for at, letter in enumerate(cluster) if letter in letters_with_value), len(cluster))
    return cluster[: value_option_index + 1]
