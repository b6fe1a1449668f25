"""Who an image runs as: the USER in force at the end of a stage, and which of them are root."""

from __future__ import annotations

from readiness.kinds.dockerfile.model import Stage
from readiness.syntax.holes import has_template_opening


def user_of(stage: Stage) -> str | None:
    """The user without its group; empty where no USER is, None where a variable hides it."""
    effective_value = stage.effective_value("USER")
    if effective_value is None:
        return ""
    raw_user = effective_value.instruction.arguments_text.text.strip()
    expanded_user = effective_value.stage.expand_word(raw_user, effective_value.instruction.span.start)
    return None if expanded_user is None or has_template_opening(expanded_user) else expanded_user.partition(":")[0].strip()


def is_root_user(user: str) -> bool:
    """Whether a user that is written is root, on Windows too."""
    return user.lower() in ("root", "containeradministrator") or (user.isdigit() and not user.strip("0"))
