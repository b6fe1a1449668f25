"""Templates of Dockerfiles: marks of several engines in one form, and tags that stand alone as comments."""

from __future__ import annotations

from collections.abc import Collection

from readiness.syntax.template import find_template_marks

_MAX_LOOKAHEAD_CHARACTERS = 1_000  # of the line behind a mark and the one below


def with_uniform_template_marks(text: str, instruction_keywords: Collection[str]) -> str:
    """The text of a template with its marks as `{{ }}`, and tags that stand alone as comments; all else in its place."""
    text_pieces: list[str] = []
    copied_until = 0
    for mark in find_template_marks(text):
        mark_text = text[mark.start : mark.end]
        if mark.is_control_tag and mark.is_alone_on_lines:
            text_pieces += [text[copied_until : mark.start], _replace_lines_by_comments(mark_text)]
        elif mark.opening in {"%%", "@", "<%"} and not (mark.is_control_tag or mark.is_alone_on_lines):
            uniform_mark = f"{{{{{mark_text[2:-2]}}}}}"[: len(mark_text)]
            if _goes_on_in_next_line(text, mark.end, instruction_keywords):
                uniform_mark = f"{uniform_mark[:-3]}}}}}\\"
            text_pieces += [text[copied_until : mark.start], uniform_mark]
        else:
            continue
        copied_until = mark.end
    return "".join([*text_pieces, text[copied_until:]])


def _goes_on_in_next_line(text: str, mark_end: int, instruction_keywords: Collection[str]) -> bool:
    """Whether a mark ends a line whose instruction goes on below: what is put there ends with the backslash that is missing here."""
    following_lines = text[mark_end : mark_end + _MAX_LOOKAHEAD_CHARACTERS].split("\n")
    if len(following_lines) < 2 or following_lines[0].strip():
        return False
    next_line = following_lines[1].strip()
    return bool(next_line) and not next_line.startswith("#") and next_line.split()[0].upper() not in instruction_keywords


def _replace_lines_by_comments(text: str) -> str:
    """A text with each of its lines made a comment of its length."""
    return "\n".join("#".ljust(len(line)) for line in text.split("\n"))
