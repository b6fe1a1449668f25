"""Checks of package managers in RUN; what each command means is in syntax/packages.py."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from readiness.facts import package_versions, packages
from readiness.facts.managers import manager_by_program
from readiness.facts.packages import PackageCall
from readiness.facts.table import property_by_fact_name
from readiness.kinds.dockerfile.model import Command, Stage, Step
from readiness.kinds.dockerfile.paths import copy_destination
from readiness.model import CheckOutcome, Hit, NotApplicable, Severity, Span, Undecidable, hit
from readiness.model.lazy_regex import lazy_regex
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


_ENTERPRISE_LINUX_7_OR_8_PATTERN = lazy_regex(r"(?:ubi|el|ol)[78]\b|:[78](?:[.-]|\Z)|linux[78]\b|:stream8|-[78]\b")


def _is_microdnf_assuming_yes(command: Command, call: PackageCall) -> bool:
    """microdnf of Enterprise Linux 7 and 8 assumes yes; that of 9 asks, for the question came in 2021.

    https://github.com/rpm-software-management/microdnf/pull/94 brought it, pull/97 made it the default.
    """
    return call.program == "microdnf" and bool(_ENTERPRISE_LINUX_7_OR_8_PATTERN.search(command.stage.root_stage.image.text_without_digest))


def install_asks(command: Command, *, managers: Sequence[str]) -> CheckOutcome:
    """An install or a removal that waits for an answer."""
    call = packages.package_call(command.command_with_wrapper)
    if call is None or call.manager.name not in managers:
        return
    if not (call.is_install or call.action == "remove") or packages.may_run_without_confirmation(call):
        return
    if _has_answer_on_stdin(command.command_with_wrapper) or _is_microdnf_assuming_yes(command, call):
        return
    manager_name = call.manager.name
    is_answered_by_setting = (
        _is_setting_written(command, *_YES_SETTING_AND_FOLDER_BY_MANAGER[manager_name])
        if manager_name in _YES_SETTING_AND_FOLDER_BY_MANAGER
        else False
    )
    if is_answered_by_setting is None:
        yield Undecidable(call.verb.span)
    elif not is_answered_by_setting:
        is_surely_asking = _does_surely_ask(command, call)
        yield hit(
            call.verb.span,
            severity=Severity.HIGH if is_surely_asking else Severity.MEDIUM,
            say="always" if is_surely_asking else "rest",
            program=call.program,
            action=call.verb.value,
            manager=manager_name,
        )


def _does_surely_ask(command: Command, call: PackageCall) -> bool:
    """Whether an install or a removal asks whatever stands in the image.

    apt asks before it installs more than the packages that are named, and before it removes any; the others always ask. Whether
    something is left over to remove is told by no file.
    """
    if call.verb.value in ("autoremove", "autopurge"):
        return False
    if call.manager.name != "apt" or call.action == "remove":
        return True
    base_image = command.stage.root_stage.image
    package_names = {one.value for one in call.packages}
    return base_image.name.removeprefix("library/") in ("debian", "ubuntu") and bool(
        package_names & property_by_fact_name("system-packages", "brings").keys()
    )


# What answers in the settings, and where they lie.
_YES_SETTING_AND_FOLDER_BY_MANAGER = {
    "apt": ("Assume-Yes", "/etc/apt"),
    "yum": ("assumeyes", "/etc/yum"),
    "dnf": ("assumeyes", "/etc/dnf"),
}


def _has_answer_on_stdin(command: shell.SimpleCommand) -> bool:
    """Whether `yes |`, a file or a text answers; what xargs starts reads nothing."""
    if command.program == "xargs":
        return False
    if command.pipeline_number >= 0 and command.position_in_pipeline > 0:
        return True
    return any(
        redirect.operator.startswith("<") and (redirect.target_word is None or redirect.target_word.value != "/dev/null")
        for redirect in command.redirects
    )


def _is_setting_written(command: Command, setting_name: str, settings_folder: str) -> bool | None:
    """Whether a step of the stage writes a setting; None where a file of settings is copied."""
    if is_in_run_text(command.stage, setting_name):
        return True
    for chain_stage in command.stage.base_chain:
        for instruction in (*chain_stage.instructions_of("COPY"), *chain_stage.instructions_of("ADD")):
            if instruction.words and instruction.words[-1].value.startswith(settings_folder):
                return None
    return False


def package_version_missing(command: Command, *, managers: Sequence[str]) -> CheckOutcome:
    """An install of packages, or of a Go module, without a version."""
    call = packages.package_call(command.command_with_wrapper)
    if "go" in managers:
        yield from _unpinned_go_module_hits(command)
    if call is None or call.manager.name not in managers or call.manager.name == "go":
        return
    unpinned_words = package_versions.unpinned_packages(call)
    if unpinned_words:
        package_names = ", ".join(word.value[:60] for word in unpinned_words[:5])
        more_text = f" and {len(unpinned_words) - 5} more" if len(unpinned_words) > 5 else ""
        manager_name = "pip" if call.manager.name == "pipx" else call.manager.name
        yield hit(unpinned_words[0].span, packages=package_names + more_text, program=call.program, manager=manager_name)


_VERSION_BOUND_PATTERN = lazy_regex(r"=[^=\s]*\Z|\d+(?:\.[\w*]+)*\Z")
_FILE_DESCRIPTOR_PATTERN = lazy_regex(r"(?:\A|\s)\d{1,2}\Z")


def version_redirected(command: Command) -> CheckOutcome:
    """An install whose `x>=1` is not quoted: the shell takes the bound for a file."""
    call = packages.package_call(command.command_with_wrapper)
    if call is None or not call.is_install:
        return
    text = command.source.text
    for redirect in command.command_with_wrapper.redirects:
        target_word = redirect.target_word
        if target_word is None or redirect.operator not in (">", "<") or not _VERSION_BOUND_PATTERN.match(target_word.value):
            continue
        operator_offset = target_word.span.start - 1
        package_word = next((word for word in call.command.words if word.span.end == operator_offset), None)
        if package_word is not None and text[operator_offset] == redirect.operator and not _FILE_DESCRIPTOR_PATTERN.match(package_word.raw):
            yield hit(Span(package_word.span.start, target_word.span.end), file=target_word.value)


def _unpinned_go_module_hits(command: Command) -> Iterator[Hit]:
    """go install, go get or go run of a module without a version."""
    invocation = command.command
    if invocation.program != "go" or not invocation.words:
        return
    manager = manager_by_program()["go"]
    operands = [w for w in invocation.operands(manager.options_with_value) if w.is_fully_known]
    if len(operands) < 2 or operands[0].value not in ("install", "get", "run"):
        return
    module_words = operands[1:2] if operands[0].value == "run" else operands[1:]
    for module_word in module_words:
        module_text = module_word.value
        if module_text.startswith((".", "/", "$")) or module_text.endswith(".go") or module_text in ("all", "cmd"):
            continue
        module_path, at_sign, module_version = module_text.partition("@")
        is_local_package = operands[0].value != "get" and "." not in module_path.partition("/")[0]
        if (not at_sign and not is_local_package) or module_version == "latest":
            yield hit(module_word.span, module=module_text, action=f"go {operands[0].value}", manager="go")


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
    recommends_option = dict(packages.manager_settings_of_call(call)).get("APT::Install-Recommends")
    if recommends_option is not None and recommends_option not in packages.PACKAGE_MANAGER_TRUE_TEXTS:
        return
    is_set_in_config = None if recommends_option else _is_setting_written(command, "Install-Recommends", "/etc/apt/apt.conf")
    if is_set_in_config is None and not recommends_option:
        yield Undecidable(call.verb.span)
    elif not is_set_in_config:
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
            *(text[heredoc.body_span.start : heredoc.body_span.end] for heredoc in instruction.heredocs),
        )
    )


@lru_cache(maxsize=64)
def is_in_run_text(stage: Stage, what: str | re.Pattern[str]) -> bool:
    """Whether a text, or one of a form, stands in a RUN of a stage, or of one below it."""
    if isinstance(what, str):
        return any(what in run_text(chain_stage) for chain_stage in stage.base_chain)
    return any(what.search(run_text(chain_stage)) for chain_stage in stage.base_chain)


def apt_for_scripts(command: Command) -> CheckOutcome:
    """apt, whose output and options are for people, in a script."""
    if command.program == "apt" and command.command.words:
        yield hit(command.command.name_span)


def index_update_alone(step: Step) -> CheckOutcome:
    """The package index is updated in a RUN that installs nothing."""
    system_manager_calls = [one for one in manager_calls(step) if one.manager.is_system_manager]
    index_updates = [one for one in system_manager_calls if one.action == "update"]
    if not index_updates or any(one.is_install for one in system_manager_calls):
        return
    if any(command.program in property_by_fact_name("programs", "reads-lists") for command in step.script.commands):
        return
    yield hit(index_updates[0].verb.span, program=index_updates[0].program)


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
    manager_name = call.manager.name
    if manager_name == "npm":
        ignores_lock_file = call.verb.value != "ci" and not call.command.has_option("-g", "--global", "--package-lock-only")
    elif manager_name in ("yarn", "pnpm", "bun"):
        ignores_lock_file = not call.command.has_option(*call.manager.lock_file_commands) and _installs_project_dependencies(call)
        ignores_lock_file = ignores_lock_file and manager_name != "pnpm"  # pnpm freezes the lock file where CI is set
    else:
        yield NotApplicable()
        return
    if ignores_lock_file:
        severity = Severity.LOW if _is_lock_with_manifest_copied(command, call) else None
        yield hit(call.verb.span, severity=severity, command=f"{manager_name} {call.verb.value}".strip())


def _is_lock_with_manifest_copied(command: Command, call: PackageCall) -> bool:
    """Whether the last lock file that the stage takes out of the context comes into a folder with its manifest."""
    stage, install_offset = command.stage, command.step.instruction.span.start
    names_and_folders: list[tuple[str, str]] = []
    for instruction in stage.instructions:
        target_path = copy_destination(stage, instruction) if instruction.keyword == "COPY" else None
        if target_path is None or instruction.flags or instruction.span.start > install_offset:
            continue
        for word in instruction.words[:-1]:
            file_name = posixpath.basename(word.value)
            is_target_file = posixpath.basename(target_path) == file_name
            names_and_folders.append((file_name, posixpath.dirname(target_path) if is_target_file else target_path))
    lock_folders = [folder for file_name, folder in names_and_folders if file_name in call.manager.lock_files]
    return bool(lock_folders) and (_NPM_MANIFEST_NAME, lock_folders[-1]) in names_and_folders


_NPM_MANIFEST_NAME = "package.json"


def _installs_project_dependencies(call: PackageCall) -> bool:
    return call.verb_group != "global" and not call.command.has_option("-g", "--global", "--version", "-v")


_PRODUCTION_ONLY_OPTIONS = ("--omit", "--production", "--prod", "-P", "--only")


def dependencies_development(step: Step) -> CheckOutcome:
    """The final stage installs the dependencies of development too."""
    if not step.stage.final or step.onbuild or not step.stage.whole:
        yield NotApplicable()
        return
    run_offset = step.instruction.span.start
    node_env = step.stage.variable_value("NODE_ENV", run_offset)
    if node_env == "production":
        return
    install_calls = [call for call in manager_calls(step) if call.manager.name in ("npm", "yarn", "pnpm") and call.action == "install"]
    if not install_calls:
        yield NotApplicable()
    elif node_env is None and step.stage.declares_variable("NODE_ENV", run_offset):
        yield Undecidable(install_calls[0].verb.span)
        return
    for call in install_calls:
        has_named_packages = call.packages or call.verb_group == "global" or call.command.has_option("-g", "--global")
        sets_node_env = any(a.name == "NODE_ENV" for a in call.command.assignments)
        if has_named_packages or sets_node_env or call.command.has_option(*_PRODUCTION_ONLY_OPTIONS) or _prunes_dependencies(step.stage):
            continue
        yield hit(call.verb.span, program=call.manager.name)


@lru_cache(maxsize=16)
def _prunes_dependencies(stage: Stage) -> bool:
    """Whether the stage takes them out again, once it has built with them."""
    return bool(_PRUNE_COMMAND_PATTERN.search(run_text(stage)))


_PRUNE_COMMAND_PATTERN = lazy_regex(r"\bprune\b|\brm\s[^\n;&|]{0,300}node_modules|\b(?:npm|yarn|pnpm)\b[^\n;&|]{0,300}(?:--omit|--prod|-P\b|focus)")


def compiler_in_final_stage(step: Step) -> CheckOutcome:
    """The final stage, which starts something, keeps a compiler that the same RUN does not remove."""
    if not step.stage.final or step.onbuild or not step.stage.whole or step.stage.role == "base":
        return
    arguments_text = step.instruction.arguments_text.text
    if re.search(r"\b(?:apk\s{1,9}(?:--\S{1,40}\s{1,9}){0,9}del|purge|autoremove|remove|erase)\b", arguments_text):
        return
    for call in manager_calls(step):
        if call.manager.is_system_manager and call.action == "install":
            compiler_words = [word for word in call.packages if word.value.partition("=")[0] in property_by_fact_name("system-packages", "compiler")]
            if compiler_words:
                compiler_names = ", ".join(word.value for word in compiler_words[:4])
                yield hit(compiler_words[0].span, packages=compiler_names)
                return
