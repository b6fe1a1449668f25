"""What every command shares: how it fails, and how it prints and writes."""

from __future__ import annotations

import secrets
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from readiness.reports.catalogue import Paragraph

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


def is_output_drawn() -> bool:
    """Whether standard output is drawn, as the report of `check` is: wrapped and in colours, by the same variables."""
    from readiness.reports import should_style_output

    return should_style_output(sys.stdout, "auto")


def print_markdown(text: str, page_format: str | None) -> None:
    """Write a page: drawn where that is asked for, or unasked where output is drawn; else as the Markdown that it is."""
    if page_format == "markdown" or (page_format is None and not is_output_drawn()):
        click.echo(text, nl=False)
        return
    from readiness.reports import drawn_page

    _print_drawn(drawn_page.drawn_lines(text, terminal_width()))


def print_paragraphs(paragraphs: Iterable[Paragraph]) -> None:
    """Write paragraphs: wrapped and in colours where output is drawn, else a line for each."""
    from readiness.reports import catalogue

    if is_output_drawn():
        width = terminal_width()
        _print_drawn(line for one in paragraphs for line in catalogue.drawn_paragraph(one, width))
    else:
        for one in paragraphs:
            click.echo(catalogue.plain_line(one))


def _print_drawn(lines: Iterable[str]) -> None:
    """Write painted lines; without their colours where standard output is to have none."""
    from readiness.reports.frame import escape_workflow_commands

    is_styled = is_output_drawn()
    for line in lines:  # which may begin with any word of a text, where it is wrapped
        click.echo(escape_workflow_commands(line if is_styled else click.unstyle(line)), color=is_styled)


def terminal_width() -> int:
    """The columns of the terminal; those of a common window where nobody tells them."""
    return max(shutil.get_terminal_size((100, 24)).columns, 40)
