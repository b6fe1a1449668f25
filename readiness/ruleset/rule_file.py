"""The text of a rule file: read within bounds, its words of the right shapes, its mistakes at their places.

A rule file may come with the tree that is judged, so nothing in it is trusted: not its size, not its names, not its prose.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from readiness.model import ParseError, Source
from readiness.syntax.yaml import Map, Seq, load_all

MAX_BYTES = 64 * 1024  # of a file of somebody's own
MAX_ENTRIES = 5000  # of a file without its examples; what an alias stands for counts each time
KEYS = frozenset(
    "title severity confidence category level opinion target when require forbid check with message why fix links"
    " same-as checklist since hides bad good".split()
)
_EXAMPLES = re.compile(r"^(?:bad|good):", re.MULTILINE)
_LINK = re.compile(r"https?://[!-~]{1,500}")


class RuleError(Exception):
    """A rule file that cannot be used: `where` names the file and the line, `message` what to change."""

    def __init__(self, where: str, message: str) -> None:
        super().__init__(f"{where}: {message}")
        self.where = where
        self.message = message


Fail = Callable[[str, str], RuleError]
"""(key, what is wrong with it) to the error that says so at the key's line."""


def shown(path: Path) -> str:
    """A rule file as errors name it: from the working directory where it lies below it, else its group and its name."""
    here = Path.cwd()
    return path.relative_to(here).as_posix() if here in path.parents else "/".join(path.parts[-2:])


def failing(path: Path) -> Fail:
    """What makes errors about a file."""

    def fail(key: str, message: str) -> RuleError:
        source = words(path)
        place = load_all(source.text)[0].key(key)
        return RuleError(f"{source.path}:{source.position(place.start).line}", message)

    return fail


def words(path: Path, limit: int | None = None) -> Source:
    """The text of a rule file without its examples, which are read by `examples` when somebody wants them. Raises RuleError."""
    try:
        with path.open("rb") as file:
            data = file.read() if limit is None else file.read(limit + 1)
        text = data.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "not UTF-8"
        raise RuleError(shown(path), f"cannot be read: {why.lower()}") from None
    if limit is not None and len(data) > limit:
        raise RuleError(shown(path), f"a rule file has {limit // 1024} KiB at most; split it")
    cut = _EXAMPLES.search(text)
    return Source(shown(path), text[: cut.start()] if cut else text)


def spec_of(path: Path, limit: int | None = None) -> dict[str, Any]:
    """What a rule file says, its examples apart. Raises RuleError."""
    source = words(path, limit)
    try:
        documents = load_all(source.text)
    except ParseError as error:
        where = f"{source.path}:{source.position(error.offset).line}"
        raise RuleError(where, error.message) from None
    spec = documents[0] if documents else None
    if not isinstance(spec, Map):
        raise RuleError(source.path, "a rule file is a mapping; see docs/writing-rules.md")
    return spec


def checked(path: Path) -> dict[str, Any]:
    """What a rule file of somebody's own says, each of its words of the right shape. Raises RuleError."""
    spec, fail = spec_of(path, MAX_BYTES), failing(path)
    left = MAX_ENTRIES
    stack: list[Any] = [spec]
    while stack:
        node = stack.pop()
        inner = (
            list(node.values()) if isinstance(node, Map) else node if isinstance(node, Seq) else ()
        )
        left -= len(inner)
        if left < 0:
            raise RuleError(shown(path), f"a rule file has {MAX_ENTRIES} entries at most")
        stack += inner
    for key, value in spec.items():
        form, said = _SHAPES.get(key, (None, ""))
        if form is None:
            known = ", ".join(sorted(KEYS))
            raise fail(str(key), f"no key is called {str(key)[:80]!r}; allowed are {known}")
        if not form(value):
            raise fail(key, f"{key} must be {said}")
    return spec


def _plain(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float)


def _line(value: Any) -> bool:
    return isinstance(value, str) and value.strip().isprintable() and len(value) <= 1000


def _prose(value: Any) -> bool:
    return isinstance(value, str) and all(c.isprintable() or c in "\n\t" for c in value)


def _lines(value: Any) -> bool:
    return isinstance(value, list) and all(map(_line, value))


def _mapping(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_line, value)) and bool(value)


def _conditions(value: Any) -> bool:
    return _mapping(value) and all(
        _plain(one) or (isinstance(one, list) and bool(one) and all(map(_plain, one)))
        for one in value.values()
    )


def _equivalents(value: Any) -> bool:
    return value is None or (
        isinstance(value, dict)
        and all(map(_line, value))
        and all(isinstance(ids, list) and all(map(_plain, ids)) for ids in value.values())
    )


_ONE_LINE = (_line, "one line of text")
_TEXT = (_prose, "text without control characters")
_LIST = (lambda value: value is None or _lines(value), "a list of texts")
_MAPPING = (_mapping, "a mapping")
_SHAPES: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    **dict.fromkeys(("title", "message", "severity", "confidence", "category", "level", "check"), _ONE_LINE),
    **dict.fromkeys(("why", "fix", "opinion"), _TEXT),
    **dict.fromkeys(("require", "forbid", "with"), _MAPPING),
    "target": (lambda value: _line(value) or (_lines(value) and bool(value)), "a target, or a list of them"),
    "when": (_conditions, "a mapping of facts to values or lists of values"),
    "links": (
        lambda value: value is None or (_lines(value) and all(map(_LINK.fullmatch, value))),
        "a list of addresses that begin with https://",
    ),
    "same-as": (_equivalents, "a mapping of linters to lists of their ids"),
    "checklist": _LIST,
    "since": (_plain, "a version"),
    "hides": (lambda value: isinstance(value, bool), "true or false"),
    "bad": (lambda _: True, ""),
    "good": (lambda _: True, ""),
}  # fmt: skip
