"""Servers that are made for development: which command starts one, in an image or in a compose file."""

from __future__ import annotations

import re
from collections.abc import Sequence

from readiness.facts.programs import program_property

_RELOAD_OPTIONS = frozenset({"--reload", "--debug", "--watch", "--hot", "--auto-reload"})
_DEVELOPMENT_SCRIPTS = frozenset({"dev", "develop", "start:dev"})


def development_server(program: str, words: Sequence[str]) -> str:
    """The development server that a command starts; empty where it starts none."""
    if re.match(r"python[0-9.]*\Z", program):
        if words[:1] == ["-m"] and len(words) > 1:
            program, words = words[1], words[2:]
        elif any(word.rpartition("/")[2] == "manage.py" for word in words):
            return "manage.py runserver" if "runserver" in words else ""
    if program == "php":
        return f"php {words[0]}" if "-S" in words or words[:2] == ["artisan", "serve"] else ""
    if program in ("http.server", "SimpleHTTPServer"):
        return f"python -m {program}"
    if program.rpartition("/")[2] == "manage.py" and "runserver" in words:
        return "manage.py runserver"
    if program in ("uvicorn", "gunicorn", "hypercorn", "granian") and _RELOAD_OPTIONS & set(words):
        return f"{program} --reload"
    if program in ("npm", "yarn", "pnpm", "bun"):
        rest = [word for word in words if word not in ("run", "run-script")]
        return f"{program} {' '.join(words[:2])}" if rest and rest[0] in _DEVELOPMENT_SCRIPTS else ""
    if program in ("vault", "consul", "server", "agent") and "-dev" in words:
        return f"{program} -dev"
    return _server_of_verb(program, words)


def _server_of_verb(program: str, words: Sequence[str]) -> str:
    verb = words[0] if words and not words[0].startswith("-") else ""
    if program == "flask":
        verb = "run" if "run" in words else verb
    known = program_property(program, "develops") or ()
    if "*" in known:
        return program
    if verb not in known:
        return ""
    return f"{program} {verb}".strip()
