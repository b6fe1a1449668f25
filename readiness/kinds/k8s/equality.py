"""Objects that say the same, whatever the order of their keys and the namespace that is written on them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from readiness.syntax.yaml import Map, Seq


def object_digest(node: Any, known: dict[int, bytes], depth: int = 0) -> bytes:
    """A hash of an object, or of a value in it, that the order of keys does not change.

    The namespace of an object counts for nothing.
    Each container is counted once, however many aliases lead to it.
    """
    if not isinstance(node, Map | Seq):
        return repr(node).encode("utf-8", "surrogatepass")
    if id(node) in known:
        return known[id(node)]
    known[id(node)] = b"itself"  # an alias may stand in what it names
    made = hashlib.sha256(b"map" if isinstance(node, Map) else b"list")
    pairs: Iterable[tuple[Any, Any]] = sorted(node.items()) if isinstance(node, Map) else enumerate(node)
    for key, value in pairs:
        if depth == 1 and key == "namespace":
            continue
        part = object_digest(value, known, depth + 1)
        name = str(key).encode("utf-8", "surrogatepass")
        made.update(b"%d %d " % (len(name), len(part)) + name + part)
    known[id(node)] = made.digest()
    return known[id(node)]
