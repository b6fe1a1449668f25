"""Programs that start another one: `sudo`, `env`, `timeout`, ... and the command behind them."""

from __future__ import annotations

import re
from dataclasses import replace

from readiness.model import Span
from readiness.syntax.shell import Command

# Each wrapper, with its options that take a value.
_WRAPPERS = {
    "sudo": frozenset({"-u", "-g", "-h", "-p", "-C", "-r", "-t", "-U", "--user", "--group"}),
    "doas": frozenset({"-u", "-C"}),
    "env": frozenset({"-u", "-C", "-S", "--unset", "--chdir"}),
    "exec": frozenset({"-a"}),
    "command": frozenset(),
    "builtin": frozenset(),
    "nohup": frozenset(),
    "nice": frozenset({"-n"}),
    "ionice": frozenset({"-c", "-n"}),
    "time": frozenset({"-f", "-o"}),
    "eatmydata": frozenset(),
    "timeout": frozenset({"-k", "-s"}),
    "gosu": frozenset(),
    "su-exec": frozenset(),
    "chroot": frozenset(),
    "xargs": frozenset({"-n", "-I", "-P", "-L", "-d", "-a", "-s", "-E"}),
    "stdbuf": frozenset({"-i", "-o", "-e"}),
    "dumb-init": frozenset(),
    "tini": frozenset({"-p", "-e"}),
    "catchsegv": frozenset(),
    "busybox": frozenset(),
}
_ONE_OPERAND = frozenset({"timeout", "gosu", "su-exec", "chroot"})
_ASSIGNED = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")


def unwrapped(command: Command) -> Command:
    """The command that a wrapper starts: `apt-get install x` of `sudo -E apt-get install x`."""
    for _ in range(4):
        with_value = _WRAPPERS.get(command.program)
        if with_value is None:
            return command
        at, skip = 0, command.program in _ONE_OPERAND
        words = command.words
        while at < len(words):
            value = words[at].value
            if value.startswith("-") and len(value) > 1:
                at += 2 if value in with_value else 1
            elif command.program in ("env", "sudo") and _ASSIGNED.match(value):
                at += 1
            elif skip:
                skip = False
                at += 1
            else:
                break
        if at >= len(words):
            return command
        head = words[at]
        span = Span(head.span.start, command.span.end)
        command = replace(
            command, name=head.value, name_span=head.span, words=words[at + 1 :],
            known=head.known, span=span,
        )  # fmt: skip
    return command
