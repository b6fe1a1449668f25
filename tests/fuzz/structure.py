"""Changes that keep the structure of a text: whole blocks are repeated under other names, and values put in the place of others."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Sequence
from typing import Any

from readiness.model import ParseError
from readiness.syntax.yaml import Map, load_yaml_documents, walk_containers

MAX_REPEATED_CHARACTERS = 100_000
MAX_GRAFTED_CHARACTERS = 2_000
MAX_GRAFTED_NODES = 400  # nodes of a document that are looked at
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,30}")


def block_at(lines: Sequence[str], first: int) -> int:
    """The number of the line behind the block that begins on a line: what is indented more, or up to its closing brace."""
    opening = lines[first]
    if opening.rstrip().endswith("{"):
        depth = 0
        for number in range(first, len(lines)):
            depth += lines[number].count("{") - lines[number].count("}")
            if depth <= 0:
                return number + 1
        return len(lines)
    indent = len(opening) - len(opening.lstrip(" -"))
    number = first + 1
    while number < len(lines) and (not lines[number].strip() or len(lines[number]) - len(lines[number].lstrip(" ")) >= max(indent, 1)):
        number += 1
    return number


def repeat_block(text: str, rng: random.Random, words: Sequence[str], other: str) -> str:
    """A block again and again, one of its words with another number in each; now and then as often as fits."""
    lines = text.splitlines(keepends=True)
    if not lines:
        return text
    first = rng.randrange(len(lines))
    behind = block_at(lines, first)
    block = "".join(lines[first:behind])
    if not block.endswith("\n"):
        block += "\n"
    names = list(_NAME.finditer(block))
    most = max(MAX_REPEATED_CHARACTERS // max(len(block), 1), 1)
    count = min(most, rng.choice((2, 3, 10, 30, 30, 100, 100, most)))
    if not names or not rng.randrange(4):
        return "".join(lines[:first]) + block * count + "".join(lines[behind:])
    start, end = (names[0] if rng.randrange(3) else rng.choice(names)).span()
    is_chained = not rng.randrange(3)  # each names the one before it as well
    word = block[start:end]
    copies = []
    for number in range(count):
        copy = f"{block[:start]}{word}{number}{block[end:]}"
        if is_chained and number:
            head, tail = copy[: end + len(str(number))], copy[end + len(str(number)) :]
            copy = head + tail.replace(word, f"{word}{number - 1}")
        copies.append(copy)
    return "".join(lines[:first]) + "".join(copies) + "".join(lines[behind:])


def _containers(text: str) -> list[Any]:
    try:
        return [node for root in load_yaml_documents(text) for node in list(walk_containers(root, MAX_GRAFTED_NODES)) if node]
    except ParseError:
        return []


def _random_entry(node: Any, rng: random.Random) -> Any:
    return rng.choice(list(node)) if isinstance(node, Map) else rng.randrange(len(node))


def graft_value(text: str, rng: random.Random, words: Sequence[str], other: str) -> str:
    """A value of a YAML text, or a new key of one of its mappings, becomes a value of this text or of another one, in flow style."""
    nodes = _containers(text)
    giving_text = other if rng.randrange(3) else text
    giving = _containers(giving_text)
    if not nodes or not giving:
        return text
    node, giver = rng.choice(nodes), rng.choice(giving)
    key, given_key = _random_entry(node, rng), _random_entry(giver, rng)
    start, end = giver.at(given_key)
    if end - start > MAX_GRAFTED_CHARACTERS or "*" in giving_text[start:end]:
        return text
    value = json.dumps(giver[given_key], default=str)
    if isinstance(node, Map) and isinstance(giver, Map) and not rng.randrange(3) and not node.flow:
        at = node.key_span(key).start
        indent = at - (text.rfind("\n", 0, at) + 1)
        return f"{text[:at]}{json.dumps(str(given_key))}: {value}\n{' ' * indent}{text[at:]}"
    span = node.at(key)
    ending = "\n" if text[slice(*span)].endswith("\n") else ""
    return text[: span.start] + value + ending + text[span.end :]


def rename_key(text: str, rng: random.Random, words: Sequence[str], other: str) -> str:
    """A key of a YAML text becomes another key of it."""
    mappings = [one for one in _containers(text) if isinstance(one, Map)]
    if not mappings:
        return text
    node, namer = rng.choice(mappings), rng.choice(mappings)
    span = node.key_span(_random_entry(node, rng))
    return text[: span.start] + json.dumps(str(_random_entry(namer, rng))) + text[span.end :]


def alias_values(text: str, rng: random.Random, words: Sequence[str], other: str) -> str:
    """A mapping or list of a YAML text gets an anchor, and a value behind it becomes an alias of it, or a merge of it."""
    nodes = [one for one in _containers(text) if one.at().end > one.at().start]
    if len(nodes) < 2:
        return text
    first, second = rng.sample(nodes, 2)
    if first.at().start > second.at().start:
        first, second = second, first
    key = _random_entry(second, rng)
    span = second.at(key)
    if span.start <= first.at().start:
        return text
    ending = "\n" if text[slice(*span)].endswith("\n") else ""
    if isinstance(second, Map) and not second.flow and rng.randrange(2):
        at = second.key_span(key).start
        indent = at - (text.rfind("\n", 0, at) + 1)
        text = f"{text[:at]}<<: *zz\n{' ' * indent}{text[at:]}"
    else:
        text = text[: span.start] + " *zz" + ending + text[span.end :]
    at = first.at().start
    indent = " " * (at - (text.rfind("\n", 0, at) + 1))
    return text[:at] + ("&zz " if first.flow else f"&zz\n{indent}") + text[at:]
