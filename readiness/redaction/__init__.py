"""Secrets out of all output: judge.py marks what is one, redactor.py masks it in lines, messages and names.

`text.py` finds what looks like one in any text, `commands.py` among the words of commands, `structure.py` in YAML, `broken.py` in YAML that does
not parse, `nginx.py` among nginx's directives.
"""

from __future__ import annotations

from readiness.redaction.judge import SecretPlace, find_secret_places, marks_in_file, secret_places_in_files
from readiness.redaction.redactor import MASK, Redactor, known_texts
from readiness.redaction.text import SecretSort

__all__ = ("MASK", "Redactor", "SecretPlace", "SecretSort", "find_secret_places", "known_texts", "marks_in_file", "secret_places_in_files")
