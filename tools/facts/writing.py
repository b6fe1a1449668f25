"""The form in which generators write facts: the header, then a row a thing, in flow style where a line has room for it."""

from __future__ import annotations

import argparse
import datetime
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[2] / "readiness" / "facts"
WIDTH = 150
_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./@+~-]*\Z|[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
# What stands between the commas of a value in flow style; those in quotes are a part of a word.
_PIECES = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[^",])+')
_OTHERS = frozenset("true false null yes no on off y n".split())  # words of YAML 1.1 or 1.2


def arguments(text: str, source: str) -> argparse.Namespace:
    """The arguments that every generator takes: the folder of its source, and the day that the source is of."""
    parser = argparse.ArgumentParser(description=text)
    parser.add_argument("source", type=Path, help=source)
    parser.add_argument(
        "--read", type=datetime.date.fromisoformat, required=True, metavar="YYYY-MM-DD",
        help="the day that the source is of: `git log -1 --format=%%cs` in it",
    )  # fmt: skip
    return parser.parse_args()


def header(source: Sequence[str], read: datetime.date, every: int, made_by: str, text: str = "") -> str:
    """The head of a file: what the rows are, as a comment, and where they come from."""
    about = "".join(f"# {line}".rstrip() + "\n" for line in text.splitlines())
    places = "".join(f"  - {one}\n" for one in source)
    return f"{about}source:\n{places}read: {read}\nevery: {every}d\nmade-by: {made_by}\nrows:\n"


def rows(things: Mapping[str, Mapping[str, Any]]) -> Iterable[str]:
    """A line, or a block of lines, for each thing."""
    for name, row in things.items():
        line = f"  {scalar(name)}: {flow(row)}\n"
        if len(line) <= WIDTH or not row:
            yield line
            continue
        yield f"  {scalar(name)}:\n"
        for key, value in row.items():
            yield from wrapped(f"    {scalar(key)}: ", flow(value))


def wrapped(start: str, text: str) -> Iterable[str]:
    """A value on as many lines as it needs, broken behind its commas, of which none is inside of a word."""
    line = start
    for number, piece in enumerate(map(str.lstrip, _PIECES.findall(text))):
        word = piece if number == 0 else f", {piece}"
        if len(line) + len(word) >= WIDTH and number:
            yield f"{line},\n"
            line = f"      {piece}"
        else:
            line += word
    yield f"{line}\n"


def flow(value: Any) -> str:
    """A value in flow style."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{scalar(key)}: {flow(one)}' for key, one in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(flow, value))}]"
    return scalar(value) if isinstance(value, str) else json.dumps(value)


def scalar(text: str) -> str:
    """A string, in quotes where another reader of YAML might take it for something else."""
    if _PLAIN.match(text) and text.lower() not in _OTHERS:
        return text
    return json.dumps(text, ensure_ascii=False)
