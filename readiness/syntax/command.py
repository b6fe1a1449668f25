"""A simple command of a shell script: its words, assignments and redirections, with their places."""

from __future__ import annotations

from dataclasses import dataclass

from readiness.model import Span


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
            value = word.value
            if value == "--":
                return None
            if not value.startswith("-"):
                continue
            letters = "" if value[1:2] == "-" else _cluster_letters(value[1:].partition("=")[0], options_with_value)
            for option in options:
                if value == option or (len(option) > 2 and value.startswith(f"{option}=")):
                    return word
                if len(option) == 2 and option[1] in letters:
                    return word
        return None

    def option_value(self, *names: str) -> str | None:
        """The value of an option: `--name value`, `--name=value`, `-n value`, `-xn value`."""
        for index, word in enumerate(self.words):
            if word.value == "--":
                return None
            for name in names:
                if word.value == name or (len(name) == 2 and _ends_cluster(word.value, name[1])):
                    return self.words[index + 1].value if index + 1 < len(self.words) else None
                if word.value.startswith(f"{name}="):
                    return word.value[len(name) + 1 :]
        return None

    def operands(self, with_value: frozenset[str] = frozenset()) -> tuple[ShellWord, ...]:
        """The words that are no options and no values of the options named in `with_value`."""
        words: list[ShellWord] = []
        skip = False
        for index, word in enumerate(self.words):
            if skip:
                skip = False
            elif word.value == "--":
                return (*words, *self.words[index + 1 :])
            elif word.value.startswith("-") and len(word.value) > 1:
                skip = word.value in with_value
            else:
                words.append(word)
        return tuple(words)


def _ends_cluster(value: str, letter: str) -> bool:
    """Whether a value is a cluster of options, `-mu`, with the letter as its last."""
    return value[:1] == "-" and value[1:].isalpha() and value[-1] == letter


def _cluster_letters(cluster: str, letters_with_value: str) -> str:
    """The options of a cluster, up to the first that takes the rest as its value."""
    end = next((at for at, letter in enumerate(cluster) if letter in letters_with_value), len(cluster))
    return cluster[: end + 1]
