"""The table of Kubernetes fields against the official schemas, which the extra readiness[schemas] brings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from readiness.facts.table import fact_row_by_name, facts_table

validate = pytest.importorskip("kubernetes_validate", reason="needs the official schemas (the extra readiness[schemas])")
FOLDER = Path(validate.__file__).parent / "kubernetes-json-schema"


def definitions() -> dict[str, Any]:
    version = facts_table("kubernetes-types").version
    (found,) = FOLDER.glob(f"v{version}.*-local-strict")
    loaded: dict[str, Any] = json.loads((found / "_definitions.json").read_text(encoding="utf-8"))
    return dict(loaded["$defs"])


def kinds(known: dict[str, Any]) -> dict[tuple[str, str], str]:
    """(apiVersion, kind) of every top-level object, with the name of its definition."""
    made = {}
    for name, spec in known.items():
        for version_kind in spec.get("x-kubernetes-group-version-kind", ()):
            version = f"{version_kind['group']}/{version_kind['version']}" if version_kind["group"] else version_kind["version"]
            made[version, version_kind["kind"]] = name
    return made


def target(spec: dict[str, Any]) -> str:
    """The definition that a property leads to, through lists and maps; empty for plain values."""
    for inner in (spec, spec.get("items") or {}, spec.get("additionalProperties") or {}):
        if isinstance(inner, dict) and "$ref" in inner:
            return str(inner["$ref"]).rpartition("/")[2]
    return ""


def test_every_field_of_every_kind_is_known_and_none_is_made_up() -> None:
    known, types = definitions(), fact_row_by_name("kubernetes-types")
    official = kinds(known)
    pairs = []
    for thing, row in fact_row_by_name("kubernetes-kinds").items():
        version, _, kind = thing.partition(" ")
        assert (version, kind) in official, f"{version} has no kind {kind}"
        pairs.append((row["type"], official[version, kind]))
    seen = set()
    wrong = []
    while pairs:
        ours, theirs = pairs.pop()
        spec = known.get(theirs, {})
        if (ours, theirs) in seen or "properties" not in spec or ours not in types:
            continue
        seen.add((ours, theirs))
        mine, its = types[ours], spec["properties"]
        wrong += [f"{theirs}.{field} is not in the table" for field in its if field not in mine]
        wrong += [f"{theirs}.{field} is not official" for field in mine if field not in its]
        required = {field for field, kind in mine.items() if kind.endswith("!")}
        wrong += [f"{theirs}.{field}: required?" for field in required ^ set(spec.get("required", ()))]
        pairs += [(mine[field].rstrip("!").removeprefix("[]").removeprefix("{}"), target(its[field])) for field in mine if field in its]
    assert len(seen) > 400
    assert sorted(wrong) == []
