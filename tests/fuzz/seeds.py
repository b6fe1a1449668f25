"""What inputs begin with: the project's own fixtures and the good and bad examples of its rules, and the words in them."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import cache

from readiness import kinds
from tests.conftest import ROOT
from tests.odd_values import all_examples

Texts = dict[str, str]  # path -> text
MAX_SEED_CHARACTERS = 12_000  # of one input: small ones find more in the same time
_WORD = re.compile(r"[$@]?[A-Za-z][\w./:@=-]{1,40}")


@cache
def example_texts() -> tuple[Texts, ...]:
    """All examples and fixtures, an input each; fixtures one by one, and those of one folder together where they are small."""
    found = [dict(one) for one in all_examples()]
    folders: dict[str, Texts] = {}
    for path in sorted((ROOT / "fixtures").rglob("*")):
        if path.is_file() and path.stat().st_size < MAX_SEED_CHARACTERS:
            name = path.relative_to(ROOT / "fixtures").as_posix()
            text = path.read_text(encoding="utf-8")
            folders.setdefault("/".join(name.split("/")[:2]), {})["/".join(name.split("/")[2:]) or name] = text
            found.append({path.name: text})
    return (*found, *(one for one in folders.values() if sum(map(len, one.values())) < 3 * MAX_SEED_CHARACTERS))


@cache
def kind_of(path: str, text: str) -> str:
    """The kind that the tool takes a text for; empty for none."""
    return kinds.detect_kind(path, text)


@cache
def seeds_of_kinds(wanted: tuple[str, ...]) -> tuple[Texts, ...]:
    """The examples and fixtures in which at least one file is of a wanted kind."""
    return tuple(one for one in example_texts() if any(kind_of(path, text) in wanted for path, text in one.items()))


@cache
def words_of(seeds: tuple[str, ...]) -> tuple[str, ...]:
    """The words of texts, each once."""
    return tuple(sorted({word for text in seeds for word in _WORD.findall(text)}))


def texts_of(inputs: Collection[Texts]) -> tuple[str, ...]:
    """All texts of inputs."""
    return tuple(text for one in inputs for text in one.values())
