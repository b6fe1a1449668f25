"""What BuildKit refuses in the options of an instruction: misspelt flags, durations, signals, kinds of mounts."""

from __future__ import annotations

from readiness.model import ParseError, spelling
from readiness.model.lazy_regex import lazy_regex
from readiness.syntax.instruction import Instruction, InstructionFlag

_FLAG_NAMES_BY_INSTRUCTION = {
    "FROM": ("platform",),
    "RUN": ("mount", "network", "security", "device"),
    "COPY": ("from", "chown", "chmod", "link", "parents", "exclude"),
    "ADD": ("keep-git-dir", "checksum", "chown", "chmod", "link", "unpack", "exclude"),
    "HEALTHCHECK": ("interval", "timeout", "start-period", "start-interval", "retries"),
}
_GO_DURATION = lazy_regex(r"(?:[0-9]+(?:\.[0-9]*)?(?:ns|us|µs|ms|s|m|h))+\Z|0\Z")
_ALLOWED_VALUES_BY_FLAG = {
    ("RUN", "network"): ("default", "none", "host"),
    ("RUN", "security"): ("sandbox", "insecure"),
}
_MOUNT_TYPES = ("bind", "cache", "tmpfs", "secret", "ssh")
_SIGNAL_NAMES = frozenset(
    """ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT SEGV STKFLT STOP SYS TERM TRAP
    TSTP TTIN TTOU URG USR1 USR2 VTALRM WINCH XCPU XFSZ RTMIN RTMAX UNUSED EMT INFO""".split()
)
_REALTIME_SIGNAL = lazy_regex(r"RT(?:MIN\+|MAX-)[0-9]{1,2}\Z")


def first_option_error(instruction: Instruction) -> ParseError | None:
    """The first thing in an instruction's options that the builder refuses; None where nothing is."""
    for flag in instruction.flags:
        error_reason = _flag_error_reason(instruction.keyword, flag) if "$" not in flag.raw and "{{" not in flag.raw else ""
        if error_reason:
            return ParseError(error_reason, flag.span.start)
    if instruction.keyword == "STOPSIGNAL" and len(instruction.words) == 1:
        signal_text = instruction.words[0].value
        signal_name = signal_text.upper().removeprefix("SIG")
        is_known_signal = signal_name in _SIGNAL_NAMES or _REALTIME_SIGNAL.match(signal_name) or (signal_text.isdigit() and signal_text.strip("0"))
        if not is_known_signal and not instruction.words[0].is_variable:
            return ParseError(f"there is no signal {signal_text[:40]}", instruction.words[0].span.start)
    return None


def _flag_error_reason(keyword: str, flag: InstructionFlag) -> str:
    known_flag_names = _FLAG_NAMES_BY_INSTRUCTION.get(keyword, ())
    if flag.name not in known_flag_names:
        nearest_flag_name = spelling.most_similar_known_word(flag.name, known_flag_names)
        return f"{keyword} has no --{flag.name}; did you mean '--{nearest_flag_name}'?" if nearest_flag_name else ""
    flag_value = flag.value
    if keyword == "HEALTHCHECK" and flag.name == "retries":
        return "" if flag_value.isdigit() and flag_value.isascii() else f"--retries takes a number, not {flag_value[:40]}"
    if keyword == "HEALTHCHECK" and not _GO_DURATION.match(flag_value):
        unit_hint = " (30s)" if flag_value.isdigit() else ""
        return f"--{flag.name} takes a number with its unit{unit_hint}, not {flag_value[:40]}"
    allowed_values = _ALLOWED_VALUES_BY_FLAG.get((keyword, flag.name))
    if allowed_values and flag_value not in allowed_values:
        return f"--{flag.name} is one of {', '.join(allowed_values)}, not {flag_value[:40]}"
    if flag.name == "mount":
        mount_types = (part[5:] for part in flag_value.split(",") if part.startswith("type="))
        unknown_mount_type = next((kind for kind in mount_types if kind not in _MOUNT_TYPES), None)
        return f"there is no mount of type {unknown_mount_type[:40]}" if unknown_mount_type is not None else ""
    return ""
