"""What a service starts instead of what its image is for."""

from __future__ import annotations

import re
from typing import Any

from readiness.model.lazy_regex import lazy_regex
from readiness.syntax.yaml import Seq

_CLIENT_PROGRAM = lazy_regex(
    r"(?:pg_dump\w*|pg_restore|pg_isready|psql|mysqldump|mariadb-dump|mysql|mariadb|redis-cli|mongodump|mongorestore|mongosh?|"
    r"etcdctl|rabbitmqctl|sleep|tail|crond?|python3?)"
)
_SERVER_START_WORDS = lazy_regex(r"entrypoint|server|postgres\b|mysqld|mariadbd|mongod\b|start|run\b|exec\b", re.IGNORECASE)


def runs_other_program(entrypoint: Any, command: Any) -> bool:
    """Whether a service runs a client or a script of its own in an image: a dump in a database's image is no database."""
    command_words = [word for value in (entrypoint, command) for word in _words_of_command_value(value)]
    if not command_words:
        return False
    program_name = command_words[0].rpartition("/")[2]
    if program_name in ("sh", "bash", "ash", "dash"):
        return len(command_words) > 1 and not _SERVER_START_WORDS.search(" ".join(command_words[1:]))
    return bool(_CLIENT_PROGRAM.fullmatch(program_name))


def _words_of_command_value(value: Any) -> list[str]:
    if isinstance(value, str):
        return value.split()
    return [word for word in value if isinstance(word, str)] if isinstance(value, Seq) else []
