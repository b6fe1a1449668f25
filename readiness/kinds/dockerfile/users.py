"""Who an image runs as: the USER in force at the end of a stage, and which of them are root."""

from __future__ import annotations

from readiness.kinds.dockerfile.model import Stage
from readiness.syntax.holes import has_template


def user_of(stage: Stage) -> str | None:
    """The user without its group; empty where no USER is, None where a variable hides it."""
    effective = stage.effective_value("USER")
    if effective is None:
        return ""
    raw = effective.instruction.arguments_text.text.strip()
    value = effective.stage.expand_word(raw, effective.instruction.span.start)
    return None if value is None or has_template(value) else value.partition(":")[0].strip()


def is_root(user: str) -> bool:
    """Whether a user that is written is root, on Windows too."""
    return user.lower() in ("root", "containeradministrator") or (user.isdigit() and not user.strip("0"))
