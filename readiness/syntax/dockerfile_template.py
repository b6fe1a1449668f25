"""Templates of Dockerfiles: marks of several engines in one form, and tags that stand alone as comments."""

from __future__ import annotations

from readiness.syntax.template import find_marks


def with_uniform_template_marks(text: str) -> str:
    """The text of a template with its marks as `{{ }}`, and tags that stand alone as comments; all else in its place."""
    pieces: list[str] = []
    at = 0
    for mark in find_marks(text):
        written = text[mark.start : mark.end]
        if mark.is_control_tag and mark.is_alone_on_lines:
            pieces += [text[at : mark.start], _comment_out(written)]
        elif mark.opening in {"%%", "@", "<%"} and not (mark.is_control_tag or mark.is_alone_on_lines):
            pieces += [text[at : mark.start], f"{{{{{written[2:-2]}}}}}"[: len(written)]]
        else:
            continue
        at = mark.end
    return "".join([*pieces, text[at:]])


def _comment_out(text: str) -> str:
    """A text with each of its lines made a comment of its length."""
    return "\n".join("#".ljust(len(line)) for line in text.split("\n"))
