"""What BuildKit refuses in the options of an instruction: misspelt flags, durations, signals, kinds of mounts."""

from __future__ import annotations

import re

from readiness.model import ParseError, spelling
from readiness.syntax.instruction import Instruction, InstructionFlag

_FLAGS_BY_INSTRUCTION = {
    "FROM": ("platform",),
    "RUN": ("mount", "network", "security", "device"),
    "COPY": ("from", "chown", "chmod", "link", "parents", "exclude"),
    "ADD": ("keep-git-dir", "checksum", "chown", "chmod", "link", "unpack", "exclude"),
    "HEALTHCHECK": ("interval", "timeout", "start-period", "start-interval", "retries"),
}
_DURATION = re.compile(r"(?:[0-9]+(?:\.[0-9]*)?(?:ns|us|µs|ms|s|m|h))+\Z|0\Z")
_ALLOWED_FLAG_VALUES = {
    ("RUN", "network"): ("default", "none", "host"),
    ("RUN", "security"): ("sandbox", "insecure"),
}
_MOUNT_TYPES = ("bind", "cache", "tmpfs", "secret", "ssh")
_SIGNALS = frozenset(
    """ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT SEGV STKFLT STOP SYS TERM TRAP
    TSTP TTIN TTOU URG USR1 USR2 VTALRM WINCH XCPU XFSZ RTMIN RTMAX UNUSED EMT INFO""".split()
)
_REALTIME_SIGNAL = re.compile(r"RT(?:MIN\+|MAX-)[0-9]{1,2}\Z")


def option_error(instruction: Instruction) -> ParseError | None:
    """The first thing in an instruction's options that the builder refuses; None where nothing is."""
    for flag in instruction.flags:
        reason = _flag_error(instruction.keyword, flag) if "$" not in flag.raw and "{{" not in flag.raw else ""
        if reason:
            return ParseError(reason, flag.span.start)
    if instruction.keyword == "STOPSIGNAL" and len(instruction.words) == 1:
        text = instruction.words[0].value
        name = text.upper().removeprefix("SIG")
        known = name in _SIGNALS or _REALTIME_SIGNAL.match(name) or (text.isdigit() and text.strip("0"))
        if not known and not instruction.words[0].is_variable:
            return ParseError(f"there is no signal {text[:40]}", instruction.words[0].span.start)
    return None


def _flag_error(keyword: str, flag: InstructionFlag) -> str:
    known = _FLAGS_BY_INSTRUCTION.get(keyword, ())
    if flag.name not in known:
        near = spelling.nearest_word(flag.name, known)
        return f"{keyword} has no --{flag.name}; did you mean '--{near}'?" if near else ""
    value = flag.value
    if keyword == "HEALTHCHECK" and flag.name == "retries":
        return "" if value.isdigit() and value.isascii() else f"--retries takes a number, not {value[:40]}"
    if keyword == "HEALTHCHECK" and not _DURATION.match(value):
        unit = " (30s)" if value.isdigit() else ""
        return f"--{flag.name} takes a number with its unit{unit}, not {value[:40]}"
    choices = _ALLOWED_FLAG_VALUES.get((keyword, flag.name))
    if choices and value not in choices:
        return f"--{flag.name} is one of {', '.join(choices)}, not {value[:40]}"
    if flag.name == "mount":
        kinds = (part[5:] for part in value.split(",") if part.startswith("type="))
        wrong = next((kind for kind in kinds if kind not in _MOUNT_TYPES), None)
        return f"there is no mount of type {wrong[:40]}" if wrong is not None else ""
    return ""
