"""Quantities of resources as Kubernetes writes them: 500m, 1.5Gi, 2e3."""

from __future__ import annotations

from typing import Any

from readiness.model.lazy_regex import lazy_regex

_QUANTITY_PATTERN = lazy_regex(r"([+-]?(?:[0-9]{1,30}(?:\.[0-9]{0,30})?|\.[0-9]{1,30}))([eE][+-]?[0-9]{1,3}|[a-zA-Z]{0,2})\Z")
MULTIPLIER_BY_UNIT = {"": 1.0, "n": 1e-9, "u": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18,
         "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40, "Pi": 2.0**50, "Ei": 2.0**60}  # fmt: skip


def parse_quantity(value: Any) -> float | None:
    """What a quantity comes to, in cores or bytes; None where it is no quantity."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value)
    quantity_match = _QUANTITY_PATTERN.match(value) if isinstance(value, str) else None
    if quantity_match is None:
        return None
    number_text, quantity_suffix = quantity_match.groups()
    if quantity_suffix in MULTIPLIER_BY_UNIT:
        return float(number_text) * MULTIPLIER_BY_UNIT[quantity_suffix]
    if quantity_suffix[:1] in ("e", "E") and len(quantity_suffix) > 1:
        decimal_exponent = int(quantity_suffix[1:])
        return float(number_text) * 10.0**decimal_exponent if abs(decimal_exponent) < 100 else None
    return None


def quantity_unit(value: Any) -> str:
    """The unit that a quantity is written in."""
    quantity_match = _QUANTITY_PATTERN.match(value) if isinstance(value, str) else None
    return quantity_match.group(2) if quantity_match else ""
