"""Quantities of resources as Kubernetes writes them: 500m, 1.5Gi, 2e3."""

from __future__ import annotations

import re
from typing import Any

_QUANTITY = re.compile(r"([+-]?(?:[0-9]{1,30}(?:\.[0-9]{0,30})?|\.[0-9]{1,30}))([eE][+-]?[0-9]{1,3}|[a-zA-Z]{0,2})\Z")
MULTIPLIER_BY_UNIT = {"": 1.0, "n": 1e-9, "u": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18,
         "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40, "Pi": 2.0**50, "Ei": 2.0**60}  # fmt: skip


def parse_quantity(value: Any) -> float | None:
    """What a quantity comes to, in cores or bytes; None where it is no quantity."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value)
    match = _QUANTITY.match(value) if isinstance(value, str) else None
    if match is None:
        return None
    digits, unit = match.groups()
    if unit in MULTIPLIER_BY_UNIT:
        return float(digits) * MULTIPLIER_BY_UNIT[unit]
    if unit[:1] in ("e", "E") and len(unit) > 1:
        exponent = int(unit[1:])
        return float(digits) * 10.0**exponent if abs(exponent) < 100 else None
    return None


def quantity_unit(value: Any) -> str:
    """The unit that a quantity is written in."""
    match = _QUANTITY.match(value) if isinstance(value, str) else None
    return match.group(2) if match else ""
