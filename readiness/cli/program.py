"""The process around the commands: its streams, its signals, its exit code, and the one place that no error gets past."""

from __future__ import annotations

import contextlib
import errno
import gc
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NoReturn

import click

from readiness.cli.console import EXIT_PASSED, EXIT_UNABLE, strip_control_characters

EXIT_INTERRUPTED, EXIT_TERMINATED = (
    130,
    143,
)  # as a shell counts them: 128 and the number of the signal
DEBUG_VARIABLE = "READINESS_DEBUG"
ISSUES_URL = "https://github.com/readiness-lint/readiness/issues"
# What a system says of a stream that nobody reads, that is full or that is not open.
_UNWRITABLE_ERRNOS = frozenset({errno.EPIPE, errno.ENOSPC, errno.EBADF, errno.EIO, errno.EFBIG})


class PastClickError(Exception):
    """An error that click would answer itself, and not with our exit codes; on its way to the outermost place."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(type(error).__name__)
        self.error = error


class StrictCommand(click.Command):
    """A command that refuses empty values: an unset variable of a script must not read as an option left out."""

    def invoke(self, ctx: click.Context) -> Any:
        """Refuse options with empty values, then run the command as click does."""
        for parameter in self.get_params(ctx):
            value = ctx.params.get(parameter.name or "")
            values = value if isinstance(value, tuple) else (value,)
            if any(isinstance(one, str) and not one.strip() for one in values):
                name = parameter.get_error_hint(ctx)
                raise click.UsageError(f"{name} is empty: give it a value, or leave it out", ctx)
        return super().invoke(ctx)


class CliProgram(click.Group):
    """The group of all commands. Called, it is the process: it ends with one of our exit codes, whatever happens."""

    command_class = StrictCommand

    def __call__(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Run a command as a process of its own. Never returns and never shows a traceback unasked."""
        gc.disable()  # what a process makes lives until its end: looking for rubbish in it takes a third of a large run
        _open_streams()
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, _handle_termination)
        code = _exit_code_of(partial(self.main, *args, **{**kwargs, "standalone_mode": False}))
        code = _flush_output(code)
        gc.freeze()  # nor is what is left looked through when the interpreter ends
        sys.exit(code)

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
def _carry_errors_past_click() -> Iterator[None]:
    try:
        yield
    except (KeyboardInterrupt, EOFError, OSError) as error:
        raise PastClickError(error) from error


def _open_streams() -> None:
    """Open the streams that were closed when the process began, each so that using it fails.

    A file that is opened later must not get the number of standard output, and be written to.
    """
    for number, name, way in (
        (0, "stdin", os.O_WRONLY),
        (1, "stdout", os.O_RDONLY),
        (2, "stderr", os.O_WRONLY),
    ):
        if getattr(sys, name) is None:
            handle = os.open(os.devnull, way)
            if handle != number:
                os.dup2(handle, number)
                os.close(handle)
            mode = "r" if name == "stdin" else "w"
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a narrow encoding must not end a report
            stream.reconfigure(errors="backslashreplace")


def _handle_termination(_number: int, _frame: Any) -> NoReturn:
    """End as a process does that clears up behind itself: temporary folders and processes go."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise SystemExit(EXIT_TERMINATED)


def _exit_code_of(run: Callable[[], Any]) -> int:
    """The exit code of a command; what ends it otherwise is told in one sentence."""
    try:
        result = run()
        return result if isinstance(result, int) else EXIT_PASSED
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else EXIT_UNABLE if ended.code else EXIT_PASSED
    except click.ClickException as error:
        with contextlib.suppress(OSError):
            error.show()
        return EXIT_UNABLE
    except (click.Abort, KeyboardInterrupt):
        return _end_interrupted()
    except PastClickError as carried:
        interrupted = isinstance(carried.error, KeyboardInterrupt)
        return _end_interrupted() if interrupted else _report_crash(carried.error)
    except BaseException as error:  # the outermost place: nothing gets past it
        return _report_crash(error)


def _end_interrupted() -> int:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # asked once is enough: what is left is clearing up
    _print_error("interrupted")
    return EXIT_INTERRUPTED


def _report_crash(error: BaseException) -> int:
    """Tell of an error that nothing else answers. It is never shown in its own words, which may quote a secret."""
    if isinstance(error, OSError) and error.filename is None and error.errno in _UNWRITABLE_ERRNOS:
        plain = {errno.EPIPE: "nobody reads it to its end", errno.EBADF: "it is closed"}
        why = plain.get(error.errno or 0) or (error.strerror or "error").lower()
        _print_error(f"standard output cannot be written: {why}; send it to a file, or to a reader of all")
        _discard_pending_output()
    elif isinstance(error, MemoryError):
        _print_error("out of memory; give it more, or judge fewer files at a time")
    else:
        _print_error(
            f"internal error: {_crash_summary(error)}, and nothing was decided; set {DEBUG_VARIABLE}=1 to see where it comes from,"
            f" and report it at {ISSUES_URL}"
        )
    if os.environ.get(DEBUG_VARIABLE):
        lines = "".join(traceback.format_exception(error)).splitlines()
        _print_error("\n| ".join(["its traceback:", *lines]))  # no line of it may begin as a CI command does
    return EXIT_UNABLE


def _crash_summary(error: BaseException) -> str:
    """An error's class, and the place in the code that raised it."""
    from readiness.run import engine

    name = type(error).__name__
    return str(error) if name == "WorkerError" else f"{name} in {engine.code_place(error)}"


def _flush_output(code: int) -> int:
    """The exit code once everything is written: a report that did not arrive decides nothing."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError) as error:
        return _report_crash(error) if isinstance(error, OSError) else EXIT_UNABLE
    return code


def _discard_pending_output() -> None:
    """Send what is still to be written to nowhere, or Python would complain about it at its end."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
        sys.stdout.flush()


def _print_error(text: str) -> None:
    """Text on standard error, which may be closed as well."""
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(f"readiness: {strip_control_characters(text)}\n")
        sys.stderr.flush()
