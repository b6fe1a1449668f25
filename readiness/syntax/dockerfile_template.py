"""Templates of Dockerfiles: marks of several engines in one form, and tags that stand alone as comments."""

from __future__ import annotations

from readiness.syntax.template import find_template_marks


def with_uniform_template_marks(text: str) -> str:
    """The text of a template with its marks as `{{ }}`, and tags that stand alone as comments; all else in its place."""
    text_pieces: list[str] = []
    copied_until = 0
    for mark in find_template_marks(text):
        mark_text = text[mark.start : mark.end]
        if mark.is_control_tag and mark.is_alone_on_lines:
            text_pieces += [text[copied_until : mark.start], _replace_lines_by_comments(mark_text)]
        elif mark.opening in {"%%", "@", "<%"} and not (mark.is_control_tag or mark.is_alone_on_lines):
            text_pieces += [text[copied_until : mark.start], f"{{{{{mark_text[2:-2]}}}}}"[: len(mark_text)]]
        else:
            continue
        copied_until = mark.end
    return "".join([*text_pieces, text[copied_until:]])


def _replace_lines_by_comments(text: str) -> str:
    """A text with each of its lines made a comment of its length."""
    return "\n".join("#".ljust(len(line)) for line in text.split("\n"))
