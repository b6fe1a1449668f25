"""The control plane's own flags, where a manifest runs it: static pods of kubeadm and their like."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from readiness.kinds.k8s.effective import is_variable
from readiness.kinds.k8s.model import Container, Object
from readiness.model import CheckOutcome, Hit, Span, Undecidable, hit, missing
from readiness.syntax.nodes import mappings_in


@dataclass(frozen=True, slots=True)
class Flag:
    """A flag as it is written: its value, and the place of the argument that holds it."""

    value: str
    span: Span


def flags_of(container: Container, program: str) -> dict[str, Flag] | None:
    """The flags of a program that the container runs; None where it runs another."""
    lines = list(container.command_lists())
    words = (word for values in lines for word in values if isinstance(word, str))
    if not any(word.rpartition("/")[2] == program for word in words if word[:1] != "-"):
        return None
    flags: dict[str, Flag] = {}
    for values in lines:
        for index, word in enumerate(values):
            if not isinstance(word, str) or not word.startswith("-"):
                continue
            name, equals, value = word.lstrip("-").partition("=")
            after = values[index + 1] if index + 1 < len(values) else ""
            if not equals:
                value = after if isinstance(after, str) and not after.startswith("-") else "true"
            flags[name] = Flag(value, values.at(index))
    return flags


def missing_flag_span(container: Container) -> Span:
    """Where a flag that is missing would stand."""
    return container.node.at("command") if "command" in container.node else container.node.at()


def _missing_flag(container: Container, flags: dict[str, Flag], hit_if_missing: Hit) -> Hit | Undecidable:
    """A flag is not written: what is told of it, unless a config file may say the same."""
    if {"config", "config-file"} & set(flags):
        return Undecidable(missing_flag_span(container))
    return hit_if_missing._replace(span=missing_flag_span(container), is_missing=True)


def _flag_or_missing(container: Container, flags: dict[str, Flag], flag: str, hit_to_place: Hit) -> Hit | Undecidable:
    """What is told of a flag, at the argument that holds it, or where it is missing."""
    if flag in flags:
        return hit_to_place._replace(span=flags[flag].span)
    return _missing_flag(container, flags, hit_to_place)


def flag_missing(container: Container, *, program: str, flags: Sequence[str]) -> CheckOutcome:
    """The program is started without one of the flags."""
    found = flags_of(container, program)
    if found is None:
        return
    for name in flags:
        if name not in found or not found[name].value:
            yield _missing_flag(container, found, hit(container.node.at(), flag=name))


def flag_forbidden(container: Container, *, program: str, flags: Sequence[str]) -> CheckOutcome:
    """The program is started with one of the flags."""
    found = flags_of(container, program)
    for name in flags:
        if found and name in found:
            yield hit(found[name].span, flag=name)


def flag_value_wrong(
    container: Container,
    *,
    program: str,
    flag: str,
    default: str = "",
    allow: Sequence[str] = (),
    deny: Sequence[str] = (),
) -> CheckOutcome:
    """The value of a flag, or its default where it is not written, is not in `allow`, or is in `deny`."""
    flags = flags_of(container, program)
    if flags is None:
        return
    written = flags.get(flag)
    text = written.value if written else default
    if is_variable(text):
        yield Undecidable(written.span if written else missing_flag_span(container))
    elif (text not in allow) if allow else (text in deny):
        told = hit(container.node.at(), flag=flag, value=text or "not set")
        yield _flag_or_missing(container, flags, flag, told)


def flag_list_wrong(
    container: Container,
    *,
    program: str,
    flag: str,
    default: str = "",
    holds: str = "",
    lacks: str = "",
) -> CheckOutcome:
    """The comma-separated value of a flag does not hold the word `holds`, or holds `lacks`."""
    flags = flags_of(container, program)
    if flags is None:
        return
    written = flags.get(flag)
    words = [word.strip() for word in (written.value if written else default).split(",") if word.strip()]
    if holds and holds not in words:
        told = hit(container.node.at(), flag=flag, word=holds)
        yield _flag_or_missing(container, flags, flag, told)
    elif lacks and lacks in words:
        told = hit(container.node.at(), flag=flag, word=lacks)
        yield _flag_or_missing(container, flags, flag, told)


def weak_ciphers(container: Container, *, program: str, flag: str, allow: Sequence[str]) -> CheckOutcome:
    """The ciphers under a flag are not written, or one of them is not in `allow`."""
    flags = flags_of(container, program)
    if flags is None:
        return
    written = flags.get(flag)
    words = [word.strip() for word in (written.value if written else "").split(",") if word.strip()]
    if not words or not set(words) <= set(allow):
        told = hit(container.node.at(), say="weak" if words else "unset", flag=flag)
        yield _flag_or_missing(container, flags, flag, told)


def flag_below_minimum(container: Container, *, program: str, flag: str, minimum: int) -> CheckOutcome:
    """The number under a flag is not written or below the minimum."""
    flags = flags_of(container, program)
    if flags is None:
        return
    written = flags.get(flag)
    if written is None:
        yield _missing_flag(container, flags, hit(container.node.at(), flag=flag, value="not set"))
    elif not written.value.isdigit() or int(written.value[:9]) < minimum:
        yield hit(written.span, flag=flag, value=written.value)


def control_plane_controller(container: Container, *, program: str, gate: str) -> CheckOutcome:
    """A feature gate is turned off."""
    found = flags_of(container, program) or {}
    written = found.get("feature-gates")
    if written and f"{gate}=false" in [one.strip() for one in written.value.split(",")]:
        yield hit(written.span, gate=gate)


def control_plane_event_rate_limit(obj: Object, *, name: str) -> CheckOutcome:
    """An AdmissionConfiguration does not configure a plugin."""
    plugins: Any = obj.node.get("plugins")
    if not any(plugin.get("name") == name for plugin in mappings_in(plugins)):
        yield missing(obj.node.at("plugins") if plugins else obj.node.at("kind"), name=name)
