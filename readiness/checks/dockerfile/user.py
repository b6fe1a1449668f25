"""Checks of who runs: USER, sudo, setuid, permissions, passwords."""

from __future__ import annotations

from readiness.checks.dockerfile.packages import is_shipped
from readiness.facts.base_images import drops_root, is_official, nonroot_user
from readiness.facts.table import column
from readiness.facts.wrappers import layers
from readiness.kinds.dockerfile.actions import is_action
from readiness.kinds.dockerfile.model import Command, Stage, Step
from readiness.kinds.dockerfile.users import is_root, user_of
from readiness.kinds.joins.every_build import all_builds
from readiness.model import Outcome, Span, Unknown, hit, missing
from readiness.model.project import Project


def user_root(stage: Stage, project: Project) -> Outcome:
    """The last USER is root; a piece without FROM does not show the last."""
    effective = stage.last("USER") if stage.final and stage.whole else None
    if effective is None or is_action(stage, project):
        return
    user = user_of(stage)
    if user is None:
        yield Unknown(effective.span)
    elif is_root(user):
        yield hit(effective.span, user=user)


def user_unset(stage: Stage, project: Project, *, certain: bool = True) -> Outcome:
    """No USER in the final stage or below it.

    `certain`: the base is an official image or scratch, which run as root unless the table says otherwise, and the
    image starts something; else nobody can tell from here who runs, or what.
    """
    if not stage.final or not stage.whole or stage.last("USER") is not None or stage.windows:
        return
    image = stage.root.image
    word = stage.image_word
    if word is None or stage.files_only or nonroot_user(image) is not None:
        return
    if is_action(stage, project):
        return
    if image.name_unknown or not image.name:
        yield Unknown(word.span)
        return
    if drops_root(image) and stage.last("ENTRYPOINT") is None:
        return
    known = is_official(image) and (
        stage.role != "base" or _is_started_by_compose_command(stage, project)
    )
    if drops_root(image) or _may_drop_root(stage):
        yield Unknown(word.span)
    elif known is certain:
        yield missing(stage.at(), image=image.undigested)


def _is_started_by_compose_command(stage: Stage, project: Project) -> bool:
    """Whether a compose file builds the image and gives it a command of its own."""
    return stage.source.root.path in project.memo(_started_by_compose)


def _started_by_compose(project: Project) -> frozenset[str]:
    if not project.documents("compose"):
        return frozenset()
    from readiness.kinds.compose.model import Service  # most Dockerfiles have none beside them

    return frozenset(
        build.file
        for build in project.memo(all_builds)
        if build.file is not None
        and isinstance(build.subject, Service)
        and build.subject.purpose not in ("dev", "test")
        and (build.subject.node.get("command") or build.subject.node.get("entrypoint"))
    )


def _may_drop_root(stage: Stage) -> bool:
    """Whether a tool that gives root up at the start is brought in: the entry point may use it."""
    return any(
        tool in instruction.body.text
        for below in stage.chain
        for instruction in below.instructions
        if instruction.keyword in ("RUN", "COPY", "ADD", "CMD", "ENTRYPOINT")
        for tool in column("programs", "drops-user")
    )


def user_by_name(stage: Stage) -> Outcome:
    """The last USER is a name, not a number."""
    effective = stage.last("USER") if stage.final else None
    if effective is None:
        return
    user = user_of(stage)
    if user is None:
        yield Unknown(effective.span)
    elif user and not user.isdigit() and user != "root" and not stage.windows:
        yield hit(effective.span, user=user)


def sudo_used(command: Command) -> Outcome:
    """A command runs through sudo."""
    for layer in layers(command.whole):
        if layer.program == "sudo":
            yield hit(layer.name_span)


def password_in_build(command: Command) -> Outcome:
    """A password is set while the image is built."""
    if command.program == "chpasswd":
        pipe = command.whole.pipeline
        start = min(
            other.span.start
            for other in command.step.script.commands
            if other is command.whole or (other.pipeline == pipe and pipe >= 0)
        )
        yield hit(Span(start, command.whole.span.end), program=command.program)
    elif command.program == "passwd" and command.command.has("--stdin"):
        yield hit(command.command.span, program=command.program)
    elif command.program in ("useradd", "usermod"):
        password = command.command.option("-p", "--password") or ""
        if password and password[0] not in "!*":
            yield hit(command.command.span, program=command.program)


def useradd_login_record(command: Command) -> Outcome:
    """useradd with a high uid writes a huge sparse login record."""
    if command.program != "useradd" or command.command.has("-l", "--no-log-init"):
        return
    uid = command.command.option("-u", "--uid") or ""
    if uid.isdigit() and len(uid) > 5:
        yield hit(command.command.span, uid=uid)


_ASKS_ONLY = ("-l", "-F", "-R", "-H", "-y", "-B", "-e", "-i", "-A")


def key_made_in_build(command: Command) -> Outcome:
    """A private key is made while the image is built, and stays in it."""
    if not is_shipped(command.step):
        return
    words = command.command.values
    program = command.program
    makes = program == "ssh-keygen" and not command.command.has(*_ASKS_ONLY)
    if program == "openssl" and words:
        makes = words[0] in ("genrsa", "genpkey", "gendsa") or (
            words[0] == "req"
            and bool({"-newkey", "-new", "-x509"} & set(words))
            and not {"-key", "-verify"} & set(words)
        )
    if makes:
        yield hit(command.command.span, program=program)


def sudo_without_password(step: Step) -> Outcome:
    """A rule for sudo without a password is written into the image."""
    if not is_shipped(step):
        return
    for command in step.script.commands:
        for word in command.words:
            if "NOPASSWD" in word.value:
                yield hit(word.span)
                return
