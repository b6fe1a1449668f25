"""A simple command of a shell script: its words, assignments and redirections, with their places."""

from __future__ import annotations

from dataclasses import dataclass

from readiness.model import Span


@dataclass(frozen=True, slots=True)
class Word:
    """One word: as written, without quotes (`value`), and whether all of it is `known`.

    In an unknown word the expansions stay in `value` as they are written.
    """

    raw: str
    value: str
    known: bool
    span: Span
    at: int = -1  # offset in the script's own text


@dataclass(frozen=True, slots=True)
class Assignment:
    """`NAME=value` in front of a command, on its own, or after export."""

    name: str
    value: Word | None
    span: Span


@dataclass(frozen=True, slots=True)
class Redirect:
    """`> file`, `2>&1`, `<<< word`: the operator and its target."""

    operator: str
    target: Word | None


@dataclass(frozen=True, slots=True)
class Mark:
    """A construct that POSIX sh does not have: `<<<`, `$'...'`, `((`, ..."""

    kind: str
    span: Span


@dataclass(frozen=True, slots=True)
class Use:
    """A variable that a script uses: `plain` without a modifier, `splits` where blanks divide its value.

    `command` is the index of the command that it is used in, -1 outside of any.
    """

    name: str
    span: Span
    plain: bool
    splits: bool
    command: int


@dataclass(frozen=True, slots=True, eq=False)
class Command:
    """One simple command, in the order of the text.

    `operator` is what stands before it (`&&`, `||`, `;`, `|` or nothing); commands of one
    `pipeline` share a number and count their `position`; `parent` is the index of the command in whose
    argument it is substituted; `inside` names the constructs around it (subshell, if, loop, ...).
    """

    name: str
    words: tuple[Word, ...]
    span: Span
    name_span: Span
    assignments: tuple[Assignment, ...] = ()
    redirects: tuple[Redirect, ...] = ()
    operator: str = ""
    pipeline: int = -1
    position: int = 0
    parent: int = -1
    inside: frozenset[str] = frozenset()
    known: bool = True

    @property
    def program(self) -> str:
        """The name without its folder; empty where it comes from a variable."""
        return self.name.rpartition("/")[2] if self.known else ""

    @property
    def values(self) -> tuple[str, ...]:
        """The words without quotes."""
        return tuple(word.value for word in self.words)

    def has(self, *options: str, valued: str = "") -> bool:
        """Whether one of the options is given: `-y`, also in `-qqy`, or `--yes`, also as `--yes=`."""
        return self.find(*options, valued=valued) is not None

    def find(self, *options: str, valued: str = "") -> Word | None:
        """The first word that is or holds one of the options; none behind `--`.

        `valued` are the letters that take a value: what follows one in a cluster is no option.
        """
        for word in self.words:
            value = word.value
            if value == "--":
                return None
            if not value.startswith("-"):
                continue
            letters = (
                "" if value[1:2] == "-" else _cluster_letters(value[1:].partition("=")[0], valued)
            )
            for option in options:
                if value == option or (len(option) > 2 and value.startswith(f"{option}=")):
                    return word
                if len(option) == 2 and option[1] in letters:
                    return word
        return None

    def option(self, *names: str) -> str | None:
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

    def operands(self, with_value: frozenset[str] = frozenset()) -> tuple[Word, ...]:
        """The words that are no options and no values of the options named in `with_value`."""
        words: list[Word] = []
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


def _cluster_letters(cluster: str, valued: str) -> str:
    """The options of a cluster, up to the first that takes the rest as its value."""
    end = next((at for at, letter in enumerate(cluster) if letter in valued), len(cluster))
    return cluster[: end + 1]
