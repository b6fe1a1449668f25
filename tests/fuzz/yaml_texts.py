"""Values written as YAML in one of the many ways that YAML has: blocks and flows, quotes, tags, anchors, merges."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Any

from tests.fuzz import grammars
from tests.fuzz.grammars import expand
from tests.fuzz.mutations import GENERIC_WORDS, ODD_STRINGS

MAX_WRITTEN_DEPTH = 60  # of nested blocks; what is deeper is written in flow


class YamlWriter:
    """Writes values with random styles; now and then one that it has written before becomes an alias."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.anchors: list[str] = []

    def document(self, value: Any) -> str:
        """The text of one document."""
        head = self.rng.choice(("", "", "", "---\n", "%YAML 1.2\n---\n", "# a comment\n"))
        return head + self._block(value, 0).lstrip("\n") + self.rng.choice(("\n", "\n", "\n...\n", ""))

    def _anchor(self) -> str:
        if self.rng.randrange(25):
            return ""
        self.anchors.append(f"a{len(self.anchors)}")
        return f"&{self.anchors[-1]} "

    def _block(self, value: Any, level: int) -> str:
        """What stands behind a key's colon or a dash: with a line break before it where it is a block."""
        if self.anchors and not self.rng.randrange(40):
            return f" *{self.rng.choice(self.anchors)}"
        if level > MAX_WRITTEN_DEPTH or not isinstance(value, dict | list) or not value or not self.rng.randrange(12):
            return " " + self._anchor() + self._flow(value)
        indent = "  " * level
        lines = []
        if isinstance(value, dict):
            for key, inner in value.items():
                lines.append(f"{indent}{self._key(key)}:{self._block(inner, level + 1)}{self._comment()}")
                if self.anchors and not self.rng.randrange(40):
                    lines.append(f"{indent}<<: *{self.rng.choice(self.anchors)}")
        else:
            lines = [f"{indent}-{self._block(inner, level + 1)}{self._comment()}" for inner in value]
        anchor = self._anchor()
        return (" " + anchor.rstrip() if anchor else "") + "\n" + "\n".join(lines)

    def _comment(self) -> str:
        return "" if self.rng.randrange(20) else self.rng.choice((" # x", " # readiness: ignore[ALL] x", "\n# y", " #", "\n"))

    def _key(self, key: Any) -> str:
        if isinstance(key, str) and key and not self.rng.randrange(15):
            return self.rng.choice((f'"{key}"', f"'{key}'", f"? {key}\n", f"!!str {key}", f"{key} "))
        return str(key) if isinstance(key, str) and key.replace("-", "").replace("_", "").isalnum() else json.dumps(key)

    def _flow(self, value: Any) -> str:
        if isinstance(value, dict):
            return "{" + ", ".join(f"{json.dumps(key)}: {self._flow(inner)}" for key, inner in value.items()) + "}"
        if isinstance(value, list):
            return "[" + ", ".join(map(self._flow, value)) + "]"
        if isinstance(value, str):
            return self._string(value)
        return self.rng.choice(("null", "~", "")) if value is None else json.dumps(value)

    def _string(self, value: str) -> str:
        style = self.rng.randrange(8)
        if style == 0:
            return "'" + value.replace("'", "''") + "'"
        if style == 1 and value and all(c.isalnum() or c in "-_./" for c in value):
            return value
        if style == 2 and value.isprintable() and not set(value) & set("#:{}[],&*!|>'\"%@`\n"):
            return value.strip() or '""'
        return self.rng.choice(("", "", "", "", "!!str ", "! ")) + json.dumps(value, ensure_ascii=bool(self.rng.randrange(2)))


def random_value(rng: random.Random, words: Sequence[str], depth: int = 0) -> Any:
    """A value of some type."""
    how = rng.randrange(14 if depth < 3 else 9)
    if how < 4:
        return rng.choice(words)
    if how < 9:
        made = (rng.randrange(-1, 70_000), rng.choice((True, False, None, 0.5, 1e300)), rng.choice(GENERIC_WORDS), rng.choice(ODD_STRINGS))
        return (*made, expand(grammars.COMMON, rng, words, rng.choice(("image", "var", "url", "path", "script", "secret", "name"))))[how - 4]
    if how < 12:
        return {rng.choice(words): random_value(rng, words, depth + 1) for _ in range(rng.randrange(4))}
    return [random_value(rng, words, depth + 1) for _ in range(rng.randrange(4))]
