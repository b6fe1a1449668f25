"""Servers that are made for development: which command starts one, in an image or in a compose file."""

from __future__ import annotations

import re
from collections.abc import Sequence

from readiness.facts.programs import program_property

_RELOAD_OPTIONS = frozenset({"--reload", "--debug", "--watch", "--hot", "--auto-reload"})
_DEVELOPMENT_SCRIPTS = frozenset({"dev", "develop", "start:dev"})


def development_server_command(program: str, argument_words: Sequence[str]) -> str:
    """The development server that a command starts; empty where it starts none."""
    if re.match(r"python[0-9.]*\Z", program):
        if argument_words[:1] == ["-m"] and len(argument_words) > 1:
            program, argument_words = argument_words[1], argument_words[2:]
        elif any(word.rpartition("/")[2] == "manage.py" for word in argument_words):
            return "manage.py runserver" if "runserver" in argument_words else ""
    if program == "php":
        return f"php {argument_words[0]}" if "-S" in argument_words or argument_words[:2] == ["artisan", "serve"] else ""
    if program in ("http.server", "SimpleHTTPServer"):
        return f"python -m {program}"
    if program.rpartition("/")[2] == "manage.py" and "runserver" in argument_words:
        return "manage.py runserver"
    if program in ("uvicorn", "gunicorn", "hypercorn", "granian") and _RELOAD_OPTIONS & set(argument_words):
        return f"{program} --reload"
    if program in ("npm", "yarn", "pnpm", "bun"):
        words_without_run = [word for word in argument_words if word not in ("run", "run-script")]
        return f"{program} {' '.join(argument_words[:2])}" if words_without_run and words_without_run[0] in _DEVELOPMENT_SCRIPTS else ""
    if program in ("vault", "consul", "server", "agent") and "-dev" in argument_words:
        return f"{program} -dev"
    return _development_server_of_subcommand(program, argument_words)


def _development_server_of_subcommand(program: str, argument_words: Sequence[str]) -> str:
    subcommand = argument_words[0] if argument_words and not argument_words[0].startswith("-") else ""
    if program == "flask":
        subcommand = "run" if "run" in argument_words else subcommand
    development_subcommands = program_property(program, "develops") or ()
    if "*" in development_subcommands:
        return program
    if subcommand not in development_subcommands:
        return ""
    return f"{program} {subcommand}".strip()
