"""Checks of secrets: in ENV and ARG, in RUN, in the files that COPY brings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from readiness.facts.wrappers import unwrap_command
from readiness.kinds.dockerfile.model import Step
from readiness.model import CheckOutcome, Severity, Span, hit
from readiness.syntax import secrets, shell
from readiness.syntax.holes import has_variable
from readiness.syntax.instruction import Heredoc, NameValuePair
from readiness.syntax.secrets import (
    HostReach,
    SecretKind,
    SecretStrength,
    SecretVerdict,
    ValueContext,
)

_BOOLEAN_TEXTS = frozenset("true false yes no none null 0 1".split())


def secret_in_environment(step: Step) -> CheckOutcome:
    """ENV, ARG or LABEL with a secret's value."""
    if step.keyword not in ("ENV", "ARG", "LABEL"):
        return
    for pair in step.instruction.pairs:
        verdict = _verdict_on_value(step, pair)
        severity = _secret_severity(step, verdict)
        if severity is not None and not _is_well_known_word(verdict):
            verdict = secrets.with_comment(verdict, step.source.text, step.instruction.span.start)
            yield hit(
                pair.value_span,
                severity=Severity.LOW if verdict.is_minor else severity,
                name=pair.name,
                reason=verdict.reason,
                keyword=step.keyword,
            )


def _verdict_on_value(step: Step, pair: NameValuePair) -> SecretVerdict:
    """What the value of an ENV, ARG or LABEL is; what only builds with it can reach an ARG is no service."""
    served = _is_in_shipped_image(step) and step.keyword != "ARG"
    value = pair.value if pair.raw else ""
    return secrets.classify_value(pair.name, value, ValueContext.SERVED if served else ValueContext.BUILD)


def _is_well_known_word(verdict: SecretVerdict) -> bool:
    """Whether a value is a word that everybody knows: dockerfile/secret-argument tells of the variable that takes it."""
    return verdict.is_guessed and verdict.reach is None


def _is_in_shipped_image(step: Step) -> bool:
    """Whether an instruction is part of an image that is shipped, and for more than development, tests or builds."""
    return step.stage.shipped and step.deployed


def _secret_severity(step: Step, verdict: SecretVerdict) -> Severity | None:
    """How bad a secret in the open is; None where it is none, or opens nothing.

    Critical needs a credential that a machine made, in an image that is shipped. What is not shipped stands in the
    repository all the same, but only what a machine made is surely a credential there.
    """
    served = _is_in_shipped_image(step)
    if verdict.is_guessed:
        return Severity.MEDIUM if served and verdict.reach is not HostReach.HERE else None
    if not verdict.is_secret or (not served and verdict.strength < SecretStrength.RANDOM):
        return None
    if not served:
        return Severity.HIGH
    if verdict.reach is HostReach.HERE or verdict.strength is SecretStrength.WORD:
        return Severity.MEDIUM
    sure = verdict.strength >= SecretStrength.RANDOM and verdict.reach in (None, HostReach.AWAY)
    return Severity.CRITICAL if sure else Severity.HIGH


def secret_argument(step: Step) -> CheckOutcome:
    """ENV or ARG whose name says that it takes a secret; an empty ENV is only a declaration.

    A literal shows what the name means: `PASSWORD_HASHER=argon2` takes none.
    """
    if step.keyword not in ("ENV", "ARG"):
        return
    for pair in step.instruction.pairs:
        if step.keyword == "ENV" and not pair.value:
            continue
        if secrets.may_name_secret(pair.name) and _is_secret_argument(step, pair):
            yield hit(pair.name_span, name=pair.name, keyword=step.keyword)


def _is_secret_argument(step: Step, pair: NameValuePair) -> bool:
    """Whether a variable whose name sounds like a secret's is one, by the value that it has here."""
    verdict = _verdict_on_value(step, pair)
    if not pair.value or verdict.kind is SecretKind.REFERENCE or has_variable(pair.value):
        return True  # whatever comes from outside is as secret as its name says
    if _secret_severity(step, verdict) is not None and not _is_well_known_word(verdict):
        return False  # secret_in_environment tells of it
    if pair.value.lower() in _BOOLEAN_TEXTS:
        return False
    if not secrets.is_secret_name(pair.name):
        return secrets.strength_of(pair.value) is SecretStrength.RANDOM
    if step.keyword == "ENV" and not step.stage.shipped:
        return False  # a word that a step of the build needs, and nothing more
    return verdict.kind is not SecretKind.SETTING


def secret_in_command(step: Step) -> CheckOutcome:
    """A command, or a file that stands in the Dockerfile, with a secret's value in it."""
    seen: set[int] = set()
    for area, place in _searchable_texts(step):
        for secret in secrets.secrets_in_text(step.source.text[area.start : area.end], place):
            span = Span(area.start + secret.span.start, area.start + secret.span.end)
            severity = _secret_severity(step, secret.verdict)
            if severity is Severity.CRITICAL and place is ValueContext.BUILD and secret.is_signing_key:
                severity = Severity.HIGH  # the step needs some key to start; what runs later may have another
            if severity is not None and span.start not in seen:
                seen.add(span.start)
                yield hit(span, severity=severity, reason=secret.reason, keyword=step.keyword)


def _searchable_texts(step: Step) -> Iterator[tuple[Span, ValueContext]]:
    """The texts of an instruction with what they are for: a RUN is over with the build, a file that it writes is not."""
    served = ValueContext.SERVED if _is_in_shipped_image(step) else ValueContext.BUILD
    if step.keyword in ("RUN", "CMD", "ENTRYPOINT", "HEALTHCHECK"):
        yield step.instruction.span, ValueContext.BUILD if step.keyword == "RUN" else served
    for document in step.instruction.heredocs:
        yield document.body_span, ValueContext.BUILD if _is_script(step, document) else served


def _is_script(step: Step, heredoc: Heredoc) -> bool:
    """Whether a here-document is what a RUN runs, and no file that it writes."""
    if step.keyword != "RUN":
        return False
    before = step.source.text[step.instruction.keyword_span.end : heredoc.name_span.start]
    programs = before.split()
    return not programs or all(word.startswith(("-", "<")) for word in programs) or (programs[-1] in shell.SHELL_PROGRAMS)


def secret_mount_kept(step: Step) -> CheckOutcome:
    """A RUN writes what a secret mount holds into a file of the layer, and leaves it there."""
    if step.keyword != "RUN" or not step.stage.shipped:
        return
    mounts = list(step.mounts())
    held = [_mount_target(mount) for mount in mounts if mount.get("type") == "secret"]
    others = tuple(_mount_target(mount) for mount in mounts if mount.get("type") != "secret")
    commands = step.script.commands if held else ()
    for index, command in enumerate(commands):
        for word in _files_from_secret(command, index, commands, held):
            path = word.value
            gone = any(
                unwrap_command(command).program in ("rm", "shred", "unlink") and _path_covers(unwrap_command(command), path)
                for command in commands[index + 1 :]
            )
            if word.is_fully_known and not gone and not path.startswith(("/dev/", *(f"{o}/" for o in others if o))):
                yield hit(word.span, file=path)
                return


def _mount_target(mount: Mapping[str, str]) -> str:
    """Where a mount lies; empty for one that is only a variable."""
    if mount.get("target"):
        return mount["target"].rstrip("/")
    if mount.get("type") != "secret" or "env" in mount:
        return ""
    name = mount.get("id") or mount.get("source", "").rpartition("/")[2]
    return f"/run/secrets/{name}"


def _files_from_secret(
    command: shell.SimpleCommand,
    index: int,
    commands: Sequence[shell.SimpleCommand],
    secret_paths: Sequence[str],
) -> Iterator[shell.ShellWord]:
    """The files that a command fills from one of the secrets."""
    invocation = unwrap_command(command)
    inner = [each for each in commands if each.parent_index == index]
    words = [word.value for each in (invocation, *inner) for word in each.words]
    if not any(value in secret_paths for value in words if value):
        return
    if invocation.program in ("cp", "install", "mv") and len(invocation.operands()) > 1:
        yield invocation.operands()[-1]
    for redirect in command.redirects if invocation.program in ("cat", "echo", "printf", "tee") else ():
        if redirect.operator in (">", ">>", ">|") and redirect.target_word is not None:
            yield redirect.target_word


def _path_covers(command: shell.SimpleCommand, path: str) -> bool:
    names = [word.value.rstrip("/*") for word in command.operands()]
    return any(name and (path == name or path.startswith(f"{name}/")) for name in names)
