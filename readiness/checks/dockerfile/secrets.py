"""Checks of secrets: in ENV and ARG, in RUN, in the files that COPY brings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from readiness.kinds.dockerfile_model import Step
from readiness.model import Hit, Span, hit
from readiness.syntax import secrets, shell
from readiness.syntax.wrappers import unwrapped

_WORD = re.compile(
    r"(?:\A|_)(?:api_?key|access_?key|secret_?key|private_?key|auth_?token|credentials?|passw(?:or)?d"
    r"|pword|passphrase|secrets?|token|ssh_key|deploy_key|basic_auth)(?:_|\Z)"
)
_ABOUT = re.compile(
    r"_(?:file|path|dir|name|url|uri|ttl|expir\w{0,40}|timeout|length|size|type|algorithm|enabled|policy"
    r"|regex|limit|(?<!key_)id|header|version|endpoint|host|port|prefix|suffix|count|min|max)\Z|public"
)


def _takes_secret(name: str) -> bool:
    """Whether a variable of a build takes a secret by its name: wider than names in general, as Docker's own check is."""
    flat = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().replace("-", "_")
    if flat in ("pwd", "oldpwd"):
        return False  # the shell's working folder
    if flat.endswith("secret_id") and not re.search("vault|role", flat):
        return False  # the name of a secret; Vault's is one itself
    if secrets.names_secret(name):
        return True
    return bool(_WORD.search(flat)) and not _ABOUT.search(flat)


def value_in_environment(step: Step) -> Iterator[Hit]:
    """ENV, ARG or LABEL with a secret's value."""
    if step.keyword not in ("ENV", "ARG", "LABEL"):
        return
    for pair in step.instruction.pairs:
        reason = secrets.judge(pair.name, pair.value) if pair.raw else None
        if reason:
            yield hit(pair.span, name=pair.name, reason=reason, keyword=step.keyword)


def name_in_environment(step: Step) -> Iterator[Hit]:
    """ENV or ARG whose name says that it takes a secret; an empty ENV is only a declaration."""
    if step.keyword not in ("ENV", "ARG"):
        return
    for pair in step.instruction.pairs:
        if step.keyword == "ENV" and not pair.value:
            continue
        if pair.raw and secrets.judge(pair.name, pair.value):
            continue  # value_in_environment tells of it
        harmless = pair.value.lower() in ("true", "false", "yes", "no", "none", "null", "0", "1")
        if _takes_secret(pair.name) and not harmless and not pair.value.startswith(("/", "./")):
            yield hit(pair.name_span, name=pair.name, keyword=step.keyword)


def value_in_run(step: Step) -> Iterator[Hit]:
    """A command, or a file that stands in the Dockerfile, with a secret's value in it."""
    one = step.instruction
    text = step.source.text
    areas = [doc.body for doc in one.heredocs]
    if step.keyword in ("RUN", "CMD", "ENTRYPOINT", "HEALTHCHECK"):
        areas.insert(0, one.span)
    seen: set[int] = set()
    for area in areas:
        for found in secrets.in_text(text[area.start : area.end]):
            span = Span(area.start + found.span.start, area.start + found.span.end)
            if span.start not in seen:
                seen.add(span.start)
                yield hit(span, reason=found.reason, keyword=step.keyword)


def mount_kept(step: Step) -> Iterator[Hit]:
    """A RUN writes what a secret mount holds into a file of the layer, and leaves it there."""
    if step.keyword != "RUN" or not step.stage.shipped:
        return
    mounts = list(step.mounts())
    held = [_target(mount) for mount in mounts if mount.get("type") == "secret"]
    others = tuple(_target(mount) for mount in mounts if mount.get("type") != "secret")
    commands = step.script.commands if held else ()
    for index, command in enumerate(commands):
        for word in _written(command, index, commands, held):
            path = word.value
            gone = any(
                unwrapped(one).program in ("rm", "shred", "unlink")
                and _covers(unwrapped(one), path)
                for one in commands[index + 1 :]
            )
            if (
                word.known
                and not gone
                and not path.startswith(("/dev/", *(f"{o}/" for o in others if o)))
            ):
                yield hit(word.span, file=path)
                return


def _target(mount: Mapping[str, str]) -> str:
    """Where a mount lies; empty for one that is only a variable."""
    if mount.get("target"):
        return mount["target"].rstrip("/")
    if mount.get("type") != "secret" or "env" in mount:
        return ""
    name = mount.get("id") or mount.get("source", "").rpartition("/")[2]
    return f"/run/secrets/{name}"


def _written(
    command: shell.Command, index: int, commands: Sequence[shell.Command], held: Sequence[str]
) -> Iterator[shell.Word]:
    """The files that a command fills from one of the secrets."""
    one = unwrapped(command)
    inner = [each for each in commands if each.parent == index]
    words = [word.value for each in (one, *inner) for word in each.words]
    if not any(value in held for value in words if value):
        return
    if one.program in ("cp", "install", "mv") and len(one.operands()) > 1:
        yield one.operands()[-1]
    for redirect in command.redirects if one.program in ("cat", "echo", "printf", "tee") else ():
        if redirect.operator in (">", ">>", ">|") and redirect.target is not None:
            yield redirect.target


def _covers(command: shell.Command, path: str) -> bool:
    names = [word.value.rstrip("/*") for word in command.operands()]
    return any(name and (path == name or path.startswith(f"{name}/")) for name in names)
