"""What makes a backup: by the name of a job, or by the command that it runs."""

from __future__ import annotations

from readiness.model.lazy_regex import lazy_regex

_BACKUP_NAME = lazy_regex(r"(?:\A|[-_])backups?(?:[-_](?:daily|hourly|weekly|postgres|postgresql|mysql|mariadb|mongodb|db|database|data))?\Z")
_NON_BACKUP_WORD = lazy_regex(r"clean|prun|delet|purg|remov|expir|rotat|restor|verif|check|test")
_DUMP_COMMAND = lazy_regex(
    r"\b(?:pg_dump(?:all)?|pg_basebackup|mysqldump|mariadb-dump|mongodump|redis-cli\s+--rdb|restic\s+backup|borg\s+create"
    r"|velero\s+backup\s+create|wal-g\s+backup-push|barman\s+backup|xtrabackup\s+--backup|etcdctl\s+snapshot\s+save)\b"
)


def is_backup_name(name: str) -> bool:
    """Whether a job's name says that it makes a backup, and not that it tidies up or tries one."""
    return bool(_BACKUP_NAME.search(name.lower())) and not _NON_BACKUP_WORD.search(name.lower())


def is_dump_command(command: str) -> bool:
    """Whether a command makes a copy of a store's data."""
    return bool(_DUMP_COMMAND.search(command[:8000]))
