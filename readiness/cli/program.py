"""The process around the commands: its streams, its signals, its exit code, and the one place that no error gets past."""

from __future__ import annotations

import contextlib
import errno
import gc
import itertools
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NoReturn

import click

from readiness.cli.console import EXIT_NOT_ASSESSED, EXIT_PASSED, CommandError, show_usage_error, strip_control_characters

EXIT_INTERRUPTED, EXIT_TERMINATED = (
    130,
    143,
)  # as a shell counts them: 128 and the number of the signal
DEBUG_VARIABLE_NAME = "READINESS_DEBUG"
# They tell what is known and decide nothing: a reader that has enough has what it asked for.
_COMMANDS_THAT_ONLY_TELL = frozenset({"explain", "rules", "checklist", "facts"})
# What a system says of a stream that nobody reads, that is full or that is not open.
_UNWRITABLE_ERRNOS = frozenset({errno.EPIPE, errno.ENOSPC, errno.EBADF, errno.EIO, errno.EFBIG})


class PastClickError(Exception):
    """An error that click would answer itself, and not with our exit codes; on its way to the outermost place.

    `only_tells` says that what raised it only writes what it was asked for, as --help does: when nobody reads on, it is done.
    """

    def __init__(self, error: BaseException, *, only_tells: bool) -> None:
        super().__init__(type(error).__name__)
        self.error = error
        self.only_tells = only_tells


class StrictCommand(click.Command):
    """A command that refuses empty values: an unset variable of a script must not read as an option left out.

    Nor is the name of a file that looks like an option taken for one: a shell or a hook puts such names there, and they may be anybody's.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Refuse what is an option and the name of a file that is here, then read the words as click does."""
        for word in itertools.takewhile(lambda one: one != "--", args):
            if word.startswith("-") and word != "-" and os.path.lexists(word):
                raise click.UsageError(f"{word!r} is an option and a file here: write ./{word} for the file, or -- before all paths", ctx)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Refuse options with empty values, then run the command as click does."""
        for parameter in self.get_params(ctx):
            parameter_value = ctx.params.get(parameter.name or "")
            parameter_values = parameter_value if isinstance(parameter_value, tuple) else (parameter_value,)
            if any(isinstance(one, str) and not one.strip() for one in parameter_values):
                parameter_hint = parameter.get_error_hint(ctx)
                raise click.UsageError(f"{parameter_hint} is empty: give it a value, or leave it out", ctx)
        with _carry_errors_past_click(only_tells=self.name in _COMMANDS_THAT_ONLY_TELL):
            return super().invoke(ctx)


class CliProgram(click.Group):
    """The group of all commands. Called, it is the process: it ends with one of our exit codes, whatever happens."""

    command_class = StrictCommand

    def __call__(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Run a command as a process of its own. Never returns and never shows a traceback unasked."""
        exit_code = self.exit_code(*args, **kwargs)
        gc.freeze()  # nor is what is left looked through when the interpreter ends
        sys.exit(exit_code)

    def exit_code(self, *args: Any, **kwargs: Any) -> int:
        """Run a command as the work of this process, and return what the process should end with."""
        gc.disable()  # what a process makes lives until its end: looking for rubbish in it takes a third of a large run
        _reopen_closed_standard_streams()
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, _handle_termination)
        exit_code = _exit_code_of_run(partial(self.main, *args, **{**kwargs, "standalone_mode": False}))
        return _flush_output(exit_code)

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """As click's; --help and --version write here."""
        with _carry_errors_past_click():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """As click's, with its own errors carried to the outermost place."""
        with _carry_errors_past_click():
            return super().invoke(ctx)


@contextlib.contextmanager
def _carry_errors_past_click(*, only_tells: bool = True) -> Iterator[None]:
    try:
        yield
    except (KeyboardInterrupt, EOFError, OSError) as error:
        raise PastClickError(error, only_tells=only_tells) from error


@contextlib.contextmanager
def end_of_readers_ignored() -> Iterator[None]:
    """Stop writing where the reader of a pipe has enough (`| head`): what was decided stands, and so does its exit code."""
    try:
        yield
        sys.stdout.flush()
    except OSError as error:
        if not _is_end_of_reader(error):
            raise
        _discard_pending_output()


def _is_end_of_reader(error: BaseException) -> bool:
    """Whether an error says that the reader of a pipe is gone; one of a file, or of another process that is spoken to, names it."""
    return isinstance(error, BrokenPipeError) and error.filename is None


def _reopen_closed_standard_streams() -> None:
    """Open the streams that were closed when the process began, each so that using it fails.

    A file that is opened later must not get the number of standard output, and be written to.
    """
    for file_descriptor, stream_name, open_flag in (
        (0, "stdin", os.O_WRONLY),
        (1, "stdout", os.O_RDONLY),
        (2, "stderr", os.O_WRONLY),
    ):
        if getattr(sys, stream_name) is None:
            null_device_descriptor = os.open(os.devnull, open_flag)
            if null_device_descriptor != file_descriptor:
                os.dup2(null_device_descriptor, file_descriptor)
                os.close(null_device_descriptor)
            open_mode = "r" if stream_name == "stdin" else "w"
            setattr(sys, stream_name, open(file_descriptor, open_mode, encoding="utf-8", closefd=False))  # noqa: SIM115
    for output_stream in (sys.stdout, sys.stderr):
        if hasattr(output_stream, "reconfigure"):  # a narrow encoding must not end a report
            output_stream.reconfigure(errors="backslashreplace")


def _handle_termination(_number: int, _frame: Any) -> NoReturn:
    """End as a process does that clears up behind itself: temporary folders and processes go."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise SystemExit(EXIT_TERMINATED)


def _exit_code_of_run(run: Callable[[], Any]) -> int:
    """The exit code of a command; what ends it otherwise is told in one sentence."""
    try:
        command_result = run()
        return command_result if isinstance(command_result, int) else EXIT_PASSED
    except SystemExit as system_exit:
        return system_exit.code if isinstance(system_exit.code, int) else EXIT_NOT_ASSESSED if system_exit.code else EXIT_PASSED
    except click.ClickException as error:
        with contextlib.suppress(OSError):
            error.show() if isinstance(error, CommandError) else show_usage_error(error)
        return EXIT_NOT_ASSESSED
    except (click.Abort, KeyboardInterrupt):
        return _end_interrupted()
    except PastClickError as past_click_error:
        if past_click_error.only_tells and _is_end_of_reader(past_click_error.error):
            _discard_pending_output()
            return EXIT_PASSED
        is_interrupted = isinstance(past_click_error.error, KeyboardInterrupt)
        return _end_interrupted() if is_interrupted else _report_crash(past_click_error.error)
    except BaseException as error:  # the outermost place: nothing gets past it
        return _report_crash(error)


def _end_interrupted() -> int:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # asked once is enough: what is left is clearing up
    _print_error("interrupted")
    return EXIT_INTERRUPTED


def _report_crash(error: BaseException) -> int:
    """Tell of an error that nothing else answers. It is never shown in its own words, which may quote a secret."""
    if isinstance(error, OSError) and error.filename is None and error.errno in _UNWRITABLE_ERRNOS:
        explanation_by_errno = {errno.EPIPE: "nobody reads it to its end", errno.EBADF: "it is closed"}
        error_text = explanation_by_errno.get(error.errno or 0) or (error.strerror or "error").lower()
        _print_error(f"standard output cannot be written: {error_text}; send it to a file, or to a reader of all")
        _discard_pending_output()
    elif isinstance(error, MemoryError):
        _print_error("out of memory; give it more, or judge fewer files at a time")
    else:
        _print_error(
            f"internal error: {_crash_summary(error)}, and nothing was decided; set {DEBUG_VARIABLE_NAME}=1 to see where it comes from,"
            " and report it with the files that lead to it (SECURITY.md says how)"
        )
    if os.environ.get(DEBUG_VARIABLE_NAME):
        traceback_lines = "".join(traceback.format_exception(error)).splitlines()
        _print_error("\n| ".join(["its traceback:", *traceback_lines]))  # no line of it may begin as a CI command does
    return EXIT_NOT_ASSESSED


def _crash_summary(error: BaseException) -> str:
    """An error's class, and the place in the code that raised it."""
    from readiness.model.crash import raising_file_and_line

    error_class_name = type(error).__name__
    return str(error) if error_class_name == "WorkerError" else f"{error_class_name} in {raising_file_and_line(error)}"


def _flush_output(code: int) -> int:
    """The exit code once everything is written: a report that could not be written decides nothing."""
    try:
        with end_of_readers_ignored():
            sys.stdout.flush()
    except (OSError, ValueError) as error:
        return _report_crash(error) if isinstance(error, OSError) else EXIT_NOT_ASSESSED
    return code


def _discard_pending_output() -> None:
    """Send what is still to be written to nowhere, or Python would complain about it at its end."""
    with contextlib.suppress(OSError, ValueError):
        null_device_descriptor = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null_device_descriptor, sys.stdout.fileno())
        os.close(null_device_descriptor)
        sys.stdout.flush()


def _print_error(text: str) -> None:
    """Text on standard error, which may be closed as well."""
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(f"readiness: {strip_control_characters(text)}\n")
        sys.stderr.flush()
