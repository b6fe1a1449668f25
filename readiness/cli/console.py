"""What every command shares: how it fails, and how it prints and writes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

PASSED, FAILED, UNABLE = 0, 1, 2


class Fault(click.ClickException):
    """The tool could not do its work: exit 2, with what, where and what to do."""

    exit_code = UNABLE

    def show(self, file: Any = None) -> None:
        """One line on standard error, whatever a file or its name holds: no control characters, no values of secrets."""
        from readiness.redaction import Redactor

        click.echo(f"readiness: {printable(Redactor().text(self.message))}", err=True)


def printable(text: str) -> str:
    """Text in one line without control characters: names and values from files steer no terminal and no workflow runner."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)


def guarded(work: Callable[[], Any]) -> Any:
    """The result of `work`; the errors of ours that a user can mend become one line and exit code 2."""
    from readiness import api

    try:
        return work()
    except api.ERRORS as error:
        raise Fault(api.explain(error)) from None
    except MemoryError:
        pass  # raised below, where the error no longer holds on to all that was made
    raise Fault("out of memory; give it more, or judge fewer files at a time")


def tell(notices: Iterable[str]) -> None:
    """Say on standard error what a user should know beside the result, a line each."""
    for one in notices:
        click.echo(f"readiness: {printable(one)}", err=True)


def save(name: str, text: str) -> None:
    """Write a file of ours; what the system refuses is said in one line."""
    try:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise Fault(f"{name}: cannot be written: {(error.strerror or 'error').lower()}") from None
