"""What every command shares: how it fails, and how it prints and writes."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

EXIT_PASSED, EXIT_FAILED, EXIT_NOT_ASSESSED = 0, 1, 2


class CommandError(click.ClickException):
    """The tool could not do its work: exit 2, with what, where and what to do."""

    exit_code = EXIT_NOT_ASSESSED

    def show(self, file: Any = None) -> None:
        """One line on standard error, whatever a file or its name holds: no control characters, no values of secrets."""
        click.echo(f"readiness: {one_safe_line(self.message)}", err=True)


def strip_control_characters(text: str) -> str:
    """Text in one line without control characters: names and values from files steer no terminal and no workflow runner."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)


def one_safe_line(text: str) -> str:
    """Text for standard error: in one line, without control characters and without the values of secrets."""
    from readiness.redaction import Redactor

    return strip_control_characters(Redactor().mask_text(text))


def show_usage_error(error: click.ClickException) -> None:
    """An error in the words of the command line, which may be names of files: a shell puts them there for `*`."""
    context = getattr(error, "ctx", None)
    if context is not None:
        click.echo(context.get_usage(), err=True)
        click.echo(f"Try '{context.command_path} {context.help_option_names[0]}' for help.\n", err=True)
    click.echo(f"Error: {one_safe_line(error.format_message())}", err=True)


def call_or_exit_with_error(work: Callable[[], Any]) -> Any:
    """The result of `work`; the errors of ours that a user can mend become one line and exit code 2."""
    from readiness import api

    try:
        return work()
    except api.USER_ERRORS as error:
        raise CommandError(api.error_message(error)) from None
    except MemoryError:
        pass  # raised below, where the error no longer holds on to all that was made
    raise CommandError("out of memory; give it more, or judge fewer files at a time")


def print_notices(notices: Iterable[str]) -> None:
    """Say on standard error what a user should know beside the result, a line each."""
    for notice in notices:
        click.echo(f"readiness: {one_safe_line(notice)}", err=True)


def write_file(name: str, text: str) -> None:
    """Write a file of ours; what the system refuses is said in one line."""
    try:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise CommandError(f"{name}: cannot be written: {(error.strerror or 'error').lower()}") from None


def replace_file(name: str, text: str) -> None:
    """Write a file of ours in one step: whoever reads it has all of the old text or all of the new one.

    Its folder must be there, and a link is refused: where it leads is not for the tree to say. Raises CommandError.
    """
    path = Path(name)
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise CommandError(f"{name}: is {'a link' if path.is_symlink() else 'no regular file'}, and only a file is written; name another")
    if not path.parent.is_dir():
        raise CommandError(f"{name}: cannot be written: there is no directory {path.parent.as_posix()}")
    partial_path = path.with_name(f".{path.name}.{secrets.token_hex(8)}.partial")  # a name that no link can wait under
    try:
        partial_path.write_text(text, encoding="utf-8", newline="")
        if path.exists():
            partial_path.chmod(path.stat().st_mode & 0o777)
        partial_path.replace(path)
    except OSError as error:
        raise CommandError(f"{name}: cannot be written: {(error.strerror or 'error').lower()}") from None
    finally:
        partial_path.unlink(missing_ok=True)
