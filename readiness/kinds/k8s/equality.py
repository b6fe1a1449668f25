"""Objects that say the same, whatever the order of their keys and the namespace that is written on them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from readiness.syntax.yaml import Map, Seq


def digest_of_node(node: Any, digest_by_node_id: dict[int, bytes], depth: int = 0) -> bytes:
    """A hash of an object, or of a value in it, that the order of keys does not change.

    The namespace of an object counts for nothing.
    Each container is counted once, however many aliases lead to it.
    """
    if not isinstance(node, Map | Seq):
        return repr(node).encode("utf-8", "surrogatepass")
    if id(node) in digest_by_node_id:
        return digest_by_node_id[id(node)]
    digest_by_node_id[id(node)] = b"itself"  # an alias may stand in what it names
    node_hash = hashlib.sha256(b"map" if isinstance(node, Map) else b"list")
    key_value_pairs: Iterable[tuple[Any, Any]] = sorted(node.items()) if isinstance(node, Map) else enumerate(node)
    for key, value in key_value_pairs:
        if depth == 1 and key == "namespace":
            continue
        value_digest = digest_of_node(value, digest_by_node_id, depth + 1)
        encoded_key = str(key).encode("utf-8", "surrogatepass")
        node_hash.update(b"%d %d " % (len(encoded_key), len(value_digest)) + encoded_key + value_digest)
    digest_by_node_id[id(node)] = node_hash.digest()
    return digest_by_node_id[id(node)]
