"""The control plane's own flags, where a manifest runs it: static pods of kubeadm and their like."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from readiness.kinds.k8s.effective import is_filled_in_value
from readiness.kinds.k8s.model import Container, Object
from readiness.model import CheckOutcome, Hit, Span, Undecidable, hit, missing
from readiness.model.records import dataclass
from readiness.syntax.nodes import mappings_in


@dataclass(frozen=True, slots=True)
class Flag:
    """A flag as it is written: its value, and the place of the argument that holds it."""

    value: str
    span: Span


def flag_by_name_of_program(container: Container, program: str) -> dict[str, Flag] | None:
    """The flags of a program that the container runs; None where it runs another."""
    command_lists = list(container.command_lists())
    command_words = (word for command_list in command_lists for word in command_list if isinstance(word, str))
    if not any(word.rpartition("/")[2] == program for word in command_words if word[:1] != "-"):
        return None
    flag_by_name: dict[str, Flag] = {}
    for command_list in command_lists:
        for index, word in enumerate(command_list):
            if not isinstance(word, str) or not word.startswith("-"):
                continue
            flag_name, equals_sign, flag_value = word.lstrip("-").partition("=")
            next_word = command_list[index + 1] if index + 1 < len(command_list) else ""
            if not equals_sign:
                flag_value = next_word if isinstance(next_word, str) and not next_word.startswith("-") else "true"
            flag_by_name[flag_name] = Flag(flag_value, command_list.at(index))
    return flag_by_name


def missing_flag_span(container: Container) -> Span:
    """Where a flag that is missing would stand."""
    return container.node.at("command") if "command" in container.node else container.node.at()


def _missing_flag_hit(container: Container, flag_by_name: dict[str, Flag], hit_if_missing: Hit) -> Hit | Undecidable:
    """A flag is not written: what is told of it, unless a config file may say the same."""
    if {"config", "config-file"} & set(flag_by_name):
        return Undecidable(missing_flag_span(container))
    return hit_if_missing._replace(span=missing_flag_span(container), is_missing=True)


def _hit_at_flag(container: Container, flag_by_name: dict[str, Flag], flag_name: str, hit_without_span: Hit) -> Hit | Undecidable:
    """What is told of a flag, at the argument that holds it, or where it is missing."""
    if flag_name in flag_by_name:
        return hit_without_span._replace(span=flag_by_name[flag_name].span)
    return _missing_flag_hit(container, flag_by_name, hit_without_span)


def flag_missing(container: Container, *, program: str, flags: Sequence[str]) -> CheckOutcome:
    """The program is started without one of the flags."""
    flag_by_name = flag_by_name_of_program(container, program)
    if flag_by_name is None:
        return
    for flag_name in flags:
        if flag_name not in flag_by_name or not flag_by_name[flag_name].value:
            yield _missing_flag_hit(container, flag_by_name, hit(container.node.at(), flag=flag_name))


def flag_forbidden(container: Container, *, program: str, flags: Sequence[str]) -> CheckOutcome:
    """The program is started with one of the flags."""
    flag_by_name = flag_by_name_of_program(container, program)
    for flag_name in flags:
        if flag_by_name and flag_name in flag_by_name:
            yield hit(flag_by_name[flag_name].span, flag=flag_name)


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
    flag_by_name = flag_by_name_of_program(container, program)
    if flag_by_name is None:
        return
    written_flag = flag_by_name.get(flag)
    flag_value = written_flag.value if written_flag else default
    if is_filled_in_value(flag_value):
        yield Undecidable(written_flag.span if written_flag else missing_flag_span(container))
    elif (flag_value not in allow) if allow else (flag_value in deny):
        wrong_flag_hit = hit(container.node.at(), flag=flag, value=flag_value or "not set")
        yield _hit_at_flag(container, flag_by_name, flag, wrong_flag_hit)


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
    flag_by_name = flag_by_name_of_program(container, program)
    if flag_by_name is None:
        return
    written_flag = flag_by_name.get(flag)
    listed_words = [word.strip() for word in (written_flag.value if written_flag else default).split(",") if word.strip()]
    if holds and holds not in listed_words:
        wrong_flag_hit = hit(container.node.at(), flag=flag, word=holds)
        yield _hit_at_flag(container, flag_by_name, flag, wrong_flag_hit)
    elif lacks and lacks in listed_words:
        wrong_flag_hit = hit(container.node.at(), flag=flag, word=lacks)
        yield _hit_at_flag(container, flag_by_name, flag, wrong_flag_hit)


def weak_ciphers(container: Container, *, program: str, flag: str, allow: Sequence[str]) -> CheckOutcome:
    """The ciphers under a flag are not written, or one of them is not in `allow`."""
    flag_by_name = flag_by_name_of_program(container, program)
    if flag_by_name is None:
        return
    written_flag = flag_by_name.get(flag)
    ciphers = [word.strip() for word in (written_flag.value if written_flag else "").split(",") if word.strip()]
    if not ciphers or not set(ciphers) <= set(allow):
        wrong_flag_hit = hit(container.node.at(), say="weak" if ciphers else "unset", flag=flag)
        yield _hit_at_flag(container, flag_by_name, flag, wrong_flag_hit)


def flag_below_minimum(container: Container, *, program: str, flag: str, minimum: int) -> CheckOutcome:
    """The number under a flag is not written or below the minimum."""
    flag_by_name = flag_by_name_of_program(container, program)
    if flag_by_name is None:
        return
    written_flag = flag_by_name.get(flag)
    if written_flag is None:
        yield _missing_flag_hit(container, flag_by_name, hit(container.node.at(), flag=flag, value="not set"))
    elif not written_flag.value.isdecimal() or int(written_flag.value[:9]) < minimum:
        yield hit(written_flag.span, flag=flag, value=written_flag.value)


def control_plane_controller(container: Container, *, program: str, gate: str) -> CheckOutcome:
    """A feature gate is turned off."""
    flag_by_name = flag_by_name_of_program(container, program) or {}
    gates_flag = flag_by_name.get("feature-gates")
    if gates_flag and f"{gate}=false" in [one.strip() for one in gates_flag.value.split(",")]:
        yield hit(gates_flag.span, gate=gate)


def control_plane_event_rate_limit(obj: Object, *, name: str) -> CheckOutcome:
    """An AdmissionConfiguration does not configure a plugin."""
    plugins: Any = obj.node.get("plugins")
    if not any(plugin.get("name") == name for plugin in mappings_in(plugins)):
        yield missing(obj.node.at("plugins") if plugins else obj.node.at("kind"), name=name)
