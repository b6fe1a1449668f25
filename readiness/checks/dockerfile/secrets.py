"""Checks of secrets: in ENV and ARG, in RUN, in the files that COPY brings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from readiness.facts.wrappers import unwrap_command
from readiness.kinds.dockerfile.model import Step
from readiness.model import CheckOutcome, Severity, Span, hit
from readiness.model.lazy_regex import lazy_regex
from readiness.syntax import secrets, shell
from readiness.syntax.holes import has_variable_sign
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
        verdict = _verdict_on_pair_value(step, pair)
        severity = _secret_severity(step, verdict)
        if severity is not None and not _is_well_known_word(verdict):
            verdict = secrets.verdict_with_public_comment(verdict, step.source.text, step.instruction.span.start)
            yield hit(
                pair.value_span,
                severity=Severity.LOW if verdict.is_minor else severity,
                name=pair.name,
                reason=verdict.reason,
                keyword=step.keyword,
            )


def _verdict_on_pair_value(step: Step, pair: NameValuePair) -> SecretVerdict:
    """What the value of an ENV, ARG or LABEL is; what only builds with it can reach an ARG is no service."""
    is_served = _is_in_shipped_image(step) and step.keyword != "ARG"
    value = pair.value if pair.raw else ""
    return secrets.classify_value(pair.name, value, ValueContext.SERVED if is_served else ValueContext.BUILD)


def _is_well_known_word(verdict: SecretVerdict) -> bool:
    """Whether a value is a word that everybody knows: dockerfile/secret-argument tells of the variable that takes it."""
    return verdict.is_guessed and verdict.reach is None


def _is_in_shipped_image(step: Step) -> bool:
    """Whether an instruction is part of an image that is shipped, and for more than development, tests or builds."""
    return step.stage.shipped and step.deployed


def _secret_severity(step: Step, verdict: SecretVerdict) -> Severity | None:
    """How bad a secret in the open is; None where it is none, or opens nothing.

    Critical needs a credential that a machine made, in an image that is shipped; what says itself that it is for
    tests is medium. What is not shipped stands in the repository all the same, but only what a machine made is surely a credential there.
    """
    is_served = _is_in_shipped_image(step)
    if verdict.is_guessed:
        return Severity.MEDIUM if is_served and verdict.reach is not HostReach.HERE else None
    if not verdict.is_secret or (not is_served and verdict.strength < SecretStrength.RANDOM):
        return None
    if verdict.says_test:
        return Severity.MEDIUM
    if not is_served:
        return Severity.HIGH
    if verdict.reach is HostReach.HERE or verdict.strength is SecretStrength.WORD:
        return Severity.MEDIUM
    is_surely_usable = verdict.strength >= SecretStrength.RANDOM and verdict.reach in (None, HostReach.AWAY)
    return Severity.CRITICAL if is_surely_usable else Severity.HIGH


def secret_argument(step: Step) -> CheckOutcome:
    """ENV or ARG whose name says that it takes a secret; an empty ENV is only a declaration.

    A literal shows what the name means: `PASSWORD_HASHER=argon2` takes none.
    """
    if step.keyword not in ("ENV", "ARG"):
        return
    for pair in step.instruction.pairs:
        if step.keyword == "ENV" and not pair.value:
            continue
        if secrets.has_secret_word(pair.name) and _is_secret_argument(step, pair):
            yield hit(pair.name_span, name=pair.name, keyword=step.keyword)


# vite.dev/guide/env-and-mode, create-react-app.dev/docs/adding-custom-environment-variables and the like: what is called so, pages carry.
# A password or a secret under such a name is a mistake, and the image is where it shows.
_BROWSER_BUILD_KEY_NAME = lazy_regex(
    r"(?:VITE|REACT_APP|VUE_APP|GATSBY|EXPO_PUBLIC|NUXT_PUBLIC|NEXT_PUBLIC|PUBLIC)_(?!\w*(?:SECRET|PASSWORD|PASSWD|PRIVATE))\w{1,100}\Z"
)


def _is_secret_argument(step: Step, pair: NameValuePair) -> bool:
    """Whether a variable whose name sounds like a secret's is one, by the value that it has here."""
    verdict = _verdict_on_pair_value(step, pair)
    if not pair.value or verdict.kind is SecretKind.REFERENCE or has_variable_sign(pair.value):
        # Whatever comes from outside is as secret as its name says; what a bundler writes into pages everybody reads there.
        is_only_passed_on = pair.value.strip("\"'") in ("", f"${pair.name}", f"${{{pair.name}}}")
        return not (is_only_passed_on and _BROWSER_BUILD_KEY_NAME.match(pair.name))
    if _secret_severity(step, verdict) is not None and not _is_well_known_word(verdict):
        return False  # secret_in_environment tells of it
    if pair.value.lower() in _BOOLEAN_TEXTS:
        return False
    if not secrets.is_secret_name(pair.name):
        return secrets.secret_strength_of(pair.value) is SecretStrength.RANDOM
    if step.keyword == "ENV" and not step.stage.shipped:
        return False  # a word that a step of the build needs, and nothing more
    return verdict.kind is not SecretKind.SETTING


def secret_in_command(step: Step) -> CheckOutcome:
    """A command, or a file that stands in the Dockerfile, with a secret's value in it."""
    reported_offsets: set[int] = set()
    for text_span, value_context in _searchable_spans(step):
        for found_secret in secrets.secrets_in_text(step.source.text[text_span.start : text_span.end], value_context):
            secret_span = Span(text_span.start + found_secret.span.start, text_span.start + found_secret.span.end)
            severity = _secret_severity(step, found_secret.verdict)
            if severity is Severity.CRITICAL and value_context is ValueContext.BUILD and found_secret.is_signing_key:
                severity = Severity.HIGH  # the step needs some key to start; what runs later may have another
            if severity is not None and secret_span.start not in reported_offsets:
                reported_offsets.add(secret_span.start)
                yield hit(secret_span, severity=severity, reason=found_secret.reason, keyword=step.keyword)


def _searchable_spans(step: Step) -> Iterator[tuple[Span, ValueContext]]:
    """The texts of an instruction with what they are for: a RUN is over with the build, a file that it writes is not."""
    served_context = ValueContext.SERVED if _is_in_shipped_image(step) else ValueContext.BUILD
    if step.keyword in ("RUN", "CMD", "ENTRYPOINT", "HEALTHCHECK"):
        yield step.instruction.span, ValueContext.BUILD if step.keyword == "RUN" else served_context
    for heredoc in step.instruction.heredocs:
        yield heredoc.body_span, ValueContext.BUILD if _is_script_of_run(step, heredoc) else served_context


def _is_script_of_run(step: Step, heredoc: Heredoc) -> bool:
    """Whether a here-document is what a RUN runs, and no file that it writes."""
    if step.keyword != "RUN":
        return False
    text_before_heredoc = step.source.text[step.instruction.keyword_span.end : heredoc.name_span.start]
    words_before = text_before_heredoc.split()
    return not words_before or all(word.startswith(("-", "<")) for word in words_before) or (words_before[-1] in shell.SHELL_PROGRAMS)


def secret_mount_kept(step: Step) -> CheckOutcome:
    """A RUN writes what a secret mount holds into a file of the layer, and leaves it there."""
    if step.keyword != "RUN" or not step.stage.shipped:
        return
    mounts = list(step.mounts())
    secret_targets = [_mount_target(mount) for mount in mounts if mount.get("type") == "secret"]
    other_targets = tuple(_mount_target(mount) for mount in mounts if mount.get("type") != "secret")
    commands = step.script.commands if secret_targets else ()
    for command_index, command in enumerate(commands):
        for file_word in _file_words_filled_from_secret(command, command_index, commands, secret_targets):
            file_path = file_word.value
            is_removed = any(
                unwrap_command(command).program in ("rm", "shred", "unlink") and _operands_cover_path(unwrap_command(command), file_path)
                for command in commands[command_index + 1 :]
            )
            if file_word.is_fully_known and not is_removed and not file_path.startswith(("/dev/", *(f"{o}/" for o in other_targets if o))):
                yield hit(file_word.span, file=file_path)
                return


def _mount_target(mount: Mapping[str, str]) -> str:
    """Where a mount lies; empty for one that is only a variable."""
    if mount.get("target"):
        return mount["target"].rstrip("/")
    if mount.get("type") != "secret" or "env" in mount:
        return ""
    secret_name = mount.get("id") or mount.get("source", "").rpartition("/")[2]
    return f"/run/secrets/{secret_name}"


def _file_words_filled_from_secret(
    command: shell.SimpleCommand,
    command_index: int,
    commands: Sequence[shell.SimpleCommand],
    secret_targets: Sequence[str],
) -> Iterator[shell.ShellWord]:
    """The files that a command fills from one of the secrets."""
    invocation = unwrap_command(command)
    inner_commands = [each for each in commands if each.parent_index == command_index]
    word_values = [word.value for each in (invocation, *inner_commands) for word in each.words]
    if not any(value in secret_targets for value in word_values if value):
        return
    if invocation.program in ("cp", "install", "mv") and len(invocation.operands()) > 1:
        yield invocation.operands()[-1]
    for redirect in command.redirects if invocation.program in ("cat", "echo", "printf", "tee") else ():
        if redirect.operator in (">", ">>", ">|") and redirect.target_word is not None:
            yield redirect.target_word


def _operands_cover_path(command: shell.SimpleCommand, path: str) -> bool:
    operand_paths = [word.value.rstrip("/*") for word in command.operands()]
    return any(name and (path == name or path.startswith(f"{name}/")) for name in operand_paths)
