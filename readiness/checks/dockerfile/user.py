"""Checks of who runs: USER, sudo, setuid, permissions, passwords."""

from __future__ import annotations

import re
from functools import lru_cache

from readiness.checks.dockerfile.packages import is_shipped
from readiness.facts.base_images import drops_root_in_entrypoint, may_be_official_image, nonroot_user
from readiness.facts.table import property_by_fact_name
from readiness.facts.wrappers import command_and_wrapped_commands
from readiness.kinds.dockerfile.actions import is_github_action_image
from readiness.kinds.dockerfile.model import Command, Stage, Step
from readiness.kinds.dockerfile.users import is_root_user, user_of
from readiness.kinds.joins.every_build import builds_of_project
from readiness.model import CheckOutcome, Severity, Span, Undecidable, hit, missing
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import Project


def user_root(stage: Stage, project: Project) -> CheckOutcome:
    """The last USER is root; a piece without FROM does not show the last."""
    effective_user = stage.effective_value("USER") if stage.final and stage.whole else None
    if effective_user is None or is_github_action_image(stage, project):
        return
    user = user_of(stage)
    if user is None:
        yield Undecidable(effective_user.span)
    elif is_root_user(user):
        yield hit(effective_user.span, user=user)


def user_unset(stage: Stage, project: Project, *, certain: bool = True) -> CheckOutcome:
    """No USER in the final stage or below it.

    `certain`: the base is an official image or scratch, which run as root unless the table says otherwise, and the
    image starts something; else nobody can tell from here who runs, or what.
    """
    if not stage.final or not stage.whole or stage.effective_value("USER") is not None or stage.windows:
        return
    image = stage.root_stage.image
    image_word = stage.image_word
    if image_word is None or stage.files_only or nonroot_user(image) is not None:
        return
    if is_github_action_image(stage, project):
        return
    if image.name_unknown or not image.name:
        yield Undecidable(image_word.span)
        return
    if drops_root_in_entrypoint(image) and stage.effective_value("ENTRYPOINT") is None:
        return
    is_certain = may_be_official_image(image) and (stage.role != "base" or _is_started_by_compose_command(stage, project))
    if drops_root_in_entrypoint(image) or _has_root_dropping_tool(stage):
        yield Undecidable(image_word.span)
    elif is_certain is certain:
        yield missing(stage.at(), image=image.text_without_digest)


def _is_started_by_compose_command(stage: Stage, project: Project) -> bool:
    """Whether a compose file builds the image and gives it a command of its own."""
    return stage.source.root.path in project.memoize(_dockerfiles_with_compose_command)


def _dockerfiles_with_compose_command(project: Project) -> frozenset[str]:
    if not project.documents_of_kind("compose"):
        return frozenset()
    from readiness.kinds.compose.model import Service  # most Dockerfiles have none beside them

    return frozenset(
        build.dockerfile_path
        for build in project.memoize(builds_of_project)
        if build.dockerfile_path is not None
        and isinstance(build.subject, Service)
        and build.subject.purpose not in ("dev", "test")
        and (build.subject.node.get("command") or build.subject.node.get("entrypoint"))
    )


def _has_root_dropping_tool(stage: Stage) -> bool:
    """Whether a tool that gives root up at the start is brought in: the entry point may use it."""
    return any(
        tool in instruction.arguments_text.text
        for chain_stage in stage.base_chain
        for instruction in chain_stage.instructions
        if instruction.keyword in ("RUN", "COPY", "ADD", "CMD", "ENTRYPOINT")
        for tool in property_by_fact_name("programs", "drops-user")
    )


def user_by_name(stage: Stage) -> CheckOutcome:
    """The last USER is a name, not a number."""
    effective_user = stage.effective_value("USER") if stage.final else None
    if effective_user is None:
        return
    user = user_of(stage)
    if user is None:
        yield Undecidable(effective_user.span)
    elif user and not user.isdigit() and user != "root" and not stage.windows:
        yield hit(effective_user.span, user=user)


def sudo_used(command: Command) -> CheckOutcome:
    """A command runs through sudo."""
    for wrapped_command in command_and_wrapped_commands(command.command_with_wrapper):
        if wrapped_command.program == "sudo":
            yield hit(wrapped_command.name_span)


def password_in_build(command: Command) -> CheckOutcome:
    """A password is set while the image is built; high where the image lets people log in by the network."""
    if command.program == "chpasswd":
        pipeline_number = command.command_with_wrapper.pipeline_number
        pipeline_start = min(
            pipeline_command.span.start
            for pipeline_command in command.step.script.commands
            if pipeline_command is command.command_with_wrapper or (pipeline_command.pipeline_number == pipeline_number and pipeline_number >= 0)
        )
        span = Span(pipeline_start, command.command_with_wrapper.span.end)
        is_of_platform = "root:Docker!" in command.source.text[span.start : span.end]
        yield hit(span, severity=Severity.LOW if is_of_platform else _severity_of_password(command), program=command.program)
    elif command.program == "passwd" and command.command.has_option("--stdin"):
        yield hit(command.command.span, severity=_severity_of_password(command), program=command.program)
    elif command.program in ("useradd", "usermod"):
        password = command.command.option_value("-p", "--password") or ""
        if password and password[0] not in "!*":
            yield hit(command.command.span, severity=_severity_of_password(command), program=command.program)


def _severity_of_password(command: Command) -> Severity | None:
    """How bad a password is: as bad as the rule says where people log in by the network."""
    return None if _has_login_by_network(command.source.text) else Severity.MEDIUM


_NETWORK_LOGIN = lazy_regex(
    r"\bsshd\b|\bopenssh(?:-server)?\b|\bdropbear\b|\bxrdp\b|\btelnetd\b|^EXPOSE[^\n#]{0,80}[ \t]22(?:/tcp)?(?=\s|\Z)", re.MULTILINE
)


@lru_cache(maxsize=16)  # the commands of a file ask one after the other
def _has_login_by_network(dockerfile_text: str) -> bool:
    """Whether a Dockerfile installs, starts or publishes a server by which people log in to the system."""
    return _NETWORK_LOGIN.search(dockerfile_text) is not None


def useradd_login_record(command: Command) -> CheckOutcome:
    """useradd with a high uid writes a huge sparse login record."""
    if command.program != "useradd" or command.command.has_option("-l", "--no-log-init"):
        return
    uid = command.command.option_value("-u", "--uid") or ""
    if uid.isdigit() and len(uid) > 5:
        yield hit(command.command.span, uid=uid)


_SSH_KEYGEN_QUERY_OPTIONS = ("-l", "-F", "-R", "-H", "-y", "-B", "-e", "-i", "-A")


def key_made_in_build(command: Command) -> CheckOutcome:
    """A private key is made while the image is built, and stays in it; high for that of an image with an SSH server or by `ssh-keygen`.

    A certificate that is signed with its own key is trusted by nobody, and mostly stands in until there is a real one.
    """
    if not is_shipped(command.step):
        return
    arguments = command.command.unquoted_words
    program = command.program
    makes_key = program == "ssh-keygen" and not command.command.has_option(*_SSH_KEYGEN_QUERY_OPTIONS)
    if program == "openssl" and arguments:
        makes_key = arguments[0] in ("genrsa", "genpkey", "gendsa") or (
            arguments[0] == "req" and bool({"-newkey", "-new", "-x509"} & set(arguments)) and not {"-key", "-verify"} & set(arguments)
        )
    if makes_key:
        yield hit(command.command.span, severity=None if program == "ssh-keygen" else Severity.MEDIUM, program=program)


def sudo_without_password(step: Step) -> CheckOutcome:
    """A rule for sudo without a password is written into the image."""
    if not is_shipped(step):
        return
    for command in step.script.commands:
        for word in command.words:
            if "NOPASSWD" in word.value:
                yield hit(word.span)
                return
