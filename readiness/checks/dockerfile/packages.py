"""Checks of package managers in RUN; what each command means is in syntax/packages.py."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from readiness.facts import package_versions, packages
from readiness.facts.managers import manager_by_program
from readiness.facts.packages import PackageCall
from readiness.facts.table import fact_column
from readiness.kinds.dockerfile.model import Command, Stage, Step
from readiness.kinds.dockerfile.paths import copy_destination
from readiness.model import CheckOutcome, Hit, NotApplicable, Severity, Span, Undecidable, hit
from readiness.syntax import shell


def manager_calls(step: Step) -> Iterator[PackageCall]:
    """The calls of package managers in a RUN, in order."""
    for command in step.script.commands:
        call = packages.package_call(command)
        if call is not None:
            yield call


def is_shipped(step: Step) -> bool:
    """Whether what the step leaves behind is part of the image, or of one built on it."""
    return step.onbuild or step.stage.shipped


_ENTERPRISE_LINUX_8 = re.compile(r"(?:ubi|el|ol)8\b|:8(?:[.-]|\Z)|linux8\b|:stream8|-8\b")


def _is_never_asking(command: Command, call: PackageCall) -> bool:
    """microdnf of Enterprise Linux 8 assumes yes, that of 9 asks; https://github.com/rpm-software-management/microdnf/pull/94."""
    return call.program == "microdnf" and bool(_ENTERPRISE_LINUX_8.search(command.stage.root_stage.image.text_without_digest))


def install_asks(command: Command, *, managers: Sequence[str]) -> CheckOutcome:
    """An install or a removal that waits for an answer."""
    call = packages.package_call(command.command_with_wrapper)
    if call is None or call.manager.name not in managers:
        return
    if not (call.is_install or call.action == "remove") or packages.assumes_yes(call):
        return
    if _is_answered(command.command_with_wrapper) or _is_never_asking(command, call):
        return
    name = call.manager.name
    answer = _is_set_before(command, *_ASSUME_YES_SETTINGS[name]) if name in _ASSUME_YES_SETTINGS else False
    if answer is None:
        yield Undecidable(call.verb.span)
    elif not answer:
        sure = _is_surely_asking(command, call)
        yield hit(
            call.verb.span,
            severity=Severity.HIGH if sure else Severity.MEDIUM,
            say="always" if sure else "rest",
            program=call.program,
            action=call.verb.value,
            manager=name,
        )


def _is_surely_asking(command: Command, call: PackageCall) -> bool:
    """Whether an install or a removal asks whatever stands in the image.

    apt asks before it installs more than the packages that are named, and before it removes any; the others always ask. Whether
    something is left over to remove is told by no file.
    """
    if call.verb.value in ("autoremove", "autopurge"):
        return False
    if call.manager.name != "apt" or call.action == "remove":
        return True
    base = command.stage.root_stage.image
    named = {one.value for one in call.packages}
    return base.name.removeprefix("library/") in ("debian", "ubuntu") and bool(
        named & fact_column("system-packages", "brings").keys()
    )


# What answers in the settings, and where they lie.
_ASSUME_YES_SETTINGS = {
    "apt": ("Assume-Yes", "/etc/apt"),
    "yum": ("assumeyes", "/etc/yum"),
    "dnf": ("assumeyes", "/etc/dnf"),
}


def _is_answered(command: shell.SimpleCommand) -> bool:
    """Whether `yes |`, a file or a text answers; what xargs starts reads nothing."""
    if command.program == "xargs":
        return False
    if command.pipeline_number >= 0 and command.position_in_pipeline > 0:
        return True
    return any(
        redirect.operator.startswith("<") and (redirect.target_word is None or redirect.target_word.value != "/dev/null")
        for redirect in command.redirects
    )


def _is_set_before(command: Command, setting: str, folder: str) -> bool | None:
    """Whether a step of the stage writes a setting; None where a file of settings is copied."""
    if is_in_run(command.stage, setting):
        return True
    for below in command.stage.base_chain:
        for instruction in (*below.instructions_of("COPY"), *below.instructions_of("ADD")):
            if instruction.words and instruction.words[-1].value.startswith(folder):
                return None
    return False


def package_version_missing(command: Command, *, managers: Sequence[str]) -> CheckOutcome:
    """An install of packages, or of a Go module, without a version."""
    call = packages.package_call(command.command_with_wrapper)
    if "go" in managers:
        yield from _go_unpinned(command)
    if call is None or call.manager.name not in managers or call.manager.name == "go":
        return
    words = package_versions.unpinned_packages(call)
    if words:
        names = ", ".join(word.value[:60] for word in words[:5])
        more = f" and {len(words) - 5} more" if len(words) > 5 else ""
        manager = "pip" if call.manager.name == "pipx" else call.manager.name
        yield hit(words[0].span, packages=names + more, program=call.program, manager=manager)


_VERSION_BOUND = re.compile(r"=[^=\s]*\Z|\d+(?:\.[\w*]+)*\Z")
_FILE_DESCRIPTOR = re.compile(r"(?:\A|\s)\d{1,2}\Z")


def version_redirected(command: Command) -> CheckOutcome:
    """An install whose `x>=1` is not quoted: the shell takes the bound for a file."""
    call = packages.package_call(command.command_with_wrapper)
    if call is None or not call.is_install:
        return
    text = command.source.text
    for redirect in command.command_with_wrapper.redirects:
        target = redirect.target_word
        if target is None or redirect.operator not in (">", "<") or not _VERSION_BOUND.match(target.value):
            continue
        at = target.span.start - 1
        head = next((word for word in call.command.words if word.span.end == at), None)
        if head is not None and text[at] == redirect.operator and not _FILE_DESCRIPTOR.match(head.raw):
            yield hit(Span(head.span.start, target.span.end), file=target.value)


def _go_unpinned(command: Command) -> Iterator[Hit]:
    """go install, go get or go run of a module without a version."""
    invocation = command.command
    if invocation.program != "go" or not invocation.words:
        return
    manager = manager_by_program()["go"]
    rest = [w for w in invocation.operands(manager.options_with_value) if w.is_fully_known]
    if len(rest) < 2 or rest[0].value not in ("install", "get", "run"):
        return
    modules = rest[1:2] if rest[0].value == "run" else rest[1:]
    for word in modules:
        value = word.value
        if value.startswith((".", "/", "$")) or value.endswith(".go") or value in ("all", "cmd"):
            continue
        name, at, version = value.partition("@")
        local = rest[0].value != "get" and "." not in name.partition("/")[0]
        if (not at and not local) or version == "latest":
            yield hit(word.span, module=value, action=f"go {rest[0].value}", manager="go")


def apt_recommends(command: Command) -> CheckOutcome:
    """apt-get install without --no-install-recommends."""
    call = packages.package_call(command.command_with_wrapper)
    if call is None or call.manager.name != "apt" or call.verb.value != "install":
        return
    if not is_shipped(command.step):
        return
    if call.program == "aptitude" and call.command.has_option("-R", "--without-recommends"):
        return
    if call.command.has_option("--no-install-recommends"):
        return
    given = dict(packages.option_settings(call)).get("APT::Install-Recommends")
    if given is not None and given not in packages.TRUE_TEXTS:
        return
    written = None if given else _is_set_before(command, "Install-Recommends", "/etc/apt/apt.conf")
    if written is None and not given:
        yield Undecidable(call.verb.span)
    elif not written:
        yield hit(call.verb.span, program=call.program)


@lru_cache(maxsize=16)
def run_text(stage: Stage) -> str:
    """The text of all RUNs of a stage, here-documents and those under ONBUILD too."""
    text = stage.source.text
    return "\n".join(
        part
        for instruction in stage.instructions
        if instruction.keyword == "RUN" or instruction.heredocs
        for part in (
            instruction.arguments_text.text,
            *(text[doc.body_span.start : doc.body_span.end] for doc in instruction.heredocs),
        )
    )


@lru_cache(maxsize=64)
def is_in_run(stage: Stage, what: str | re.Pattern[str]) -> bool:
    """Whether a text, or one of a form, stands in a RUN of a stage, or of one below it."""
    if isinstance(what, str):
        return any(what in run_text(below) for below in stage.base_chain)
    return any(what.search(run_text(below)) for below in stage.base_chain)


def apt_for_scripts(command: Command) -> CheckOutcome:
    """apt, whose output and options are for people, in a script."""
    if command.program == "apt" and command.command.words:
        yield hit(command.command.name_span)


def index_update_alone(step: Step) -> CheckOutcome:
    """The package index is updated in a RUN that installs nothing."""
    calls = [one for one in manager_calls(step) if one.manager.is_system_manager]
    updates = [one for one in calls if one.action == "update"]
    if not updates or any(one.is_install for one in calls):
        return
    if any(command.program in fact_column("programs", "reads-lists") for command in step.script.commands):
        return
    yield hit(updates[0].verb.span, program=updates[0].program)


def zypper_distribution_upgrade(command: Command) -> CheckOutcome:
    """A distribution upgrade inside a build."""
    call = packages.package_call(command.command_with_wrapper)
    if call is None or call.manager.name != "zypper":
        return
    if call.verb.value in ("dist-upgrade", "dup"):
        yield hit(call.verb.span, program=call.program, action=call.verb.value)


def dependencies_unlocked(command: Command) -> CheckOutcome:
    """Dependencies of the project are installed without their lock file, or one that may change.

    Low where the lock file was copied together with the manifest: it is kept to as long as the two agree.
    """
    call = packages.package_call(command.command_with_wrapper)
    if call is None or call.packages or call.action != "install":
        yield NotApplicable()
        return
    name = call.manager.name
    if name == "npm":
        loose = call.verb.value != "ci" and not call.command.has_option("-g", "--global", "--package-lock-only")
    elif name in ("yarn", "pnpm", "bun"):
        loose = not call.command.has_option(*call.manager.lock_file_commands) and _installs_project(call)
        loose = loose and name != "pnpm"  # pnpm freezes the lock file where CI is set
    else:
        yield NotApplicable()
        return
    if loose:
        severity = Severity.LOW if _is_lock_copied(command, call) else None
        yield hit(call.verb.span, severity=severity, command=f"{name} {call.verb.value}".strip())


def _is_lock_copied(command: Command, call: PackageCall) -> bool:
    """Whether the last lock file that the stage takes out of the context comes into a folder with its manifest."""
    stage, before = command.stage, command.step.instruction.span.start
    copied: list[tuple[str, str]] = []
    for instruction in stage.instructions:
        target = copy_destination(stage, instruction) if instruction.keyword == "COPY" else None
        if target is None or instruction.flags or instruction.span.start > before:
            continue
        for word in instruction.words[:-1]:
            name = posixpath.basename(word.value)
            is_renamed = posixpath.basename(target) == name
            copied.append((name, posixpath.dirname(target) if is_renamed else target))
    locks = [folder for name, folder in copied if name in call.manager.lock_files]
    return bool(locks) and (_MANIFEST, locks[-1]) in copied


_MANIFEST = "package.json"


def _installs_project(call: PackageCall) -> bool:
    return call.verb_group != "global" and not call.command.has_option("-g", "--global", "--version", "-v")


_PRODUCTION_ONLY_OPTIONS = ("--omit", "--production", "--prod", "-P", "--only")


def dependencies_development(step: Step) -> CheckOutcome:
    """The final stage installs the dependencies of development too."""
    if not step.stage.final or step.onbuild or not step.stage.whole:
        yield NotApplicable()
        return
    before = step.instruction.span.start
    mode = step.stage.variable_value("NODE_ENV", before)
    if mode == "production":
        return
    calls = [call for call in manager_calls(step) if call.manager.name in ("npm", "yarn", "pnpm") and call.action == "install"]
    if not calls:
        yield NotApplicable()
    elif mode is None and step.stage.declares_variable("NODE_ENV", before):
        yield Undecidable(calls[0].verb.span)
        return
    for call in calls:
        named = call.packages or call.verb_group == "global" or call.command.has_option("-g", "--global")
        env = any(a.name == "NODE_ENV" for a in call.command.assignments)
        if named or env or call.command.has_option(*_PRODUCTION_ONLY_OPTIONS) or _is_pruned(step.stage):
            continue
        yield hit(call.verb.span, program=call.manager.name)


@lru_cache(maxsize=16)
def _is_pruned(stage: Stage) -> bool:
    """Whether the stage takes them out again, once it has built with them."""
    return bool(_PRUNE_COMMAND.search(run_text(stage)))


_PRUNE_COMMAND = re.compile(
    r"\bprune\b|\brm\s[^\n;&|]{0,300}node_modules|\b(?:npm|yarn|pnpm)\b[^\n;&|]{0,300}(?:--omit|--prod|-P\b|focus)"
)


def compiler_in_final_stage(step: Step) -> CheckOutcome:
    """The final stage, which starts something, keeps a compiler that the same RUN does not remove."""
    if not step.stage.final or step.onbuild or not step.stage.whole or step.stage.role == "base":
        return
    text = step.instruction.arguments_text.text
    if re.search(r"\b(?:apk\s{1,9}(?:--\S{1,40}\s{1,9}){0,9}del|purge|autoremove|remove|erase)\b", text):
        return
    for call in manager_calls(step):
        if call.manager.is_system_manager and call.action == "install":
            names = [
                word for word in call.packages if word.value.partition("=")[0] in fact_column("system-packages", "compiler")
            ]
            if names:
                listed = ", ".join(word.value for word in names[:4])
                yield hit(names[0].span, packages=listed)
                return
