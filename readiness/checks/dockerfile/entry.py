"""Checks of what the image runs and with which settings: files that are there, modes that are off."""

from __future__ import annotations

import posixpath

from readiness.checks.dockerfile.forms import exec_form_literal
from readiness.checks.dockerfile.tools import starter_missing
from readiness.facts import packages
from readiness.facts.base_images import is_without_application
from readiness.facts.table import property_by_fact_name
from readiness.facts.wrappers import unwrap_command
from readiness.kinds.dockerfile.model import Command, Stage, Step, effective_step
from readiness.kinds.dockerfile.paths import copy_destination, volume_words_with_paths, working_folder
from readiness.model import CheckOutcome, NotApplicable, Span, Undecidable, hit, spans_of_hits
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import Project
from readiness.syntax import glob, shell
from readiness.syntax.holes import has_template_opening
from readiness.syntax.instruction import Instruction

_INTERPRETER_NAME = lazy_regex(r"(?:node|python[0-9.]*|ruby|php|perl|bash|sh|ash|dash|deno|bun)\Z")
_SCRIPT_FILE_SUFFIX = lazy_regex(r"\.(?:js|mjs|cjs|py|rb|php|pl|sh|jar)\Z")
# Endings that folders do not have.
_FILE_SUFFIX = lazy_regex(
    r".\.(?:[cm]?[jt]s|tsx|jsx|py|rb|php|pl|sh|json|lock|ya?ml|toml|txt|md|ini|cfg|conf|xml|jar|war"
    r"|html|css|mod|sum|properties|sql|pem|crt|key|env|npmrc|whl|gz|zip)\Z"
)


def program_file_missing(stage: Stage, project: Project) -> CheckOutcome:
    """CMD, ENTRYPOINT or HEALTHCHECK runs a file that no step brings; only where all is in sight."""
    if not stage.final or not stage.whole or not is_without_application(stage.root_stage.image):
        return
    working_directory = working_folder(stage)
    # Where nothing at all is copied, the folder in which it works is mounted: an image of tools.
    has_no_copied_files = not any(below.instructions_of("COPY") or below.instructions_of("ADD") for below in stage.base_chain)
    for instruction_keyword in ("ENTRYPOINT", "CMD", "HEALTHCHECK"):
        effective_instruction_step = effective_step(stage, instruction_keyword)
        if effective_instruction_step is None or any(starter_missing(effective_instruction_step)):
            continue
        reported_spans = spans_of_hits(exec_form_literal(effective_instruction_step))
        for command in effective_instruction_step.script.commands:
            script_word = _script_word_of_command(unwrap_command(command))
            if script_word is None or script_word.span in reported_spans:
                continue
            if working_directory is None and not script_word.value.startswith("/"):
                continue
            script_path = posixpath.normpath(posixpath.join(working_directory or "/", script_word.value))
            may_be_mounted = (
                _may_volume_cover_path(stage, script_path)
                or (has_no_copied_files and not script_word.value.startswith("/"))
                or script_path in project.memoize(_file_paths_mounted_by_compose)
            )
            is_provided = None if may_be_mounted else _is_file_provided_by_any_step(stage, script_path)
            if is_provided is None:
                yield Undecidable(script_word.span)
            elif not is_provided:
                yield hit(script_word.span, file=script_word.value, keyword=instruction_keyword)


# Folders in which bases bring programs of their own.
_SYSTEM_FOLDER_PREFIX = lazy_regex(r"/(?:usr|s?bin|lib|opt|etc|root|home)(?:/|\Z)")


def _script_word_of_command(command: shell.SimpleCommand) -> shell.ShellWord | None:
    """The script that a command runs by its path: behind an interpreter, or itself."""
    if command.enclosing_constructs or not command.is_name_known or has_template_opening(command.name):
        return None
    if "/" in command.name and not _SYSTEM_FOLDER_PREFIX.match(command.name):
        return shell.ShellWord(command.name, command.name, True, command.name_span)
    if not command.words or not _INTERPRETER_NAME.match(command.program):
        return None
    first_word = command.words[0]
    is_literal_argument = first_word.is_fully_known and not has_template_opening(first_word.value) and not first_word.value.startswith("-")
    return first_word if is_literal_argument and _SCRIPT_FILE_SUFFIX.search(first_word.value) else None


def _may_volume_cover_path(stage: Stage, path: str) -> bool:
    """Whether a volume may lie over a path."""
    return any(place is None or path.startswith(f"{place}/") for _, place in volume_words_with_paths(stage))


def _file_paths_mounted_by_compose(project: Project) -> frozenset[str]:
    """The paths in containers at which compose files mount a single file, whatever image they are for."""
    compose_documents = project.documents_of_kind("compose")
    if not compose_documents:
        return frozenset()
    from readiness.kinds.compose import mounts  # most Dockerfiles have none beside them

    mount_targets = (mount.spec.target for document in compose_documents for mount in mounts(document))
    return frozenset(target for target in mount_targets if posixpath.splitext(target)[1])


def _is_file_provided_by_any_step(stage: Stage, file_path: str) -> bool | None:
    """Whether a step brings the file; None where that can't be seen."""
    for base_stage in stage.base_chain:
        for instruction in base_stage.instructions:
            if instruction.keyword in ("COPY", "ADD") and instruction.words:
                is_provided = _may_instruction_copy_file(base_stage, instruction, file_path)
            elif instruction.keyword == "RUN":
                is_provided = _may_run_create_file(Step(stage.document, base_stage, instruction), file_path)
            else:
                continue
            if is_provided is not False:
                return is_provided
    return False


def _may_instruction_copy_file(stage: Stage, instruction: Instruction, file_path: str) -> bool | None:
    """Whether a COPY or ADD may bring the file."""
    copy_target = copy_destination(stage, instruction)
    if copy_target is None:
        return None
    is_target_folder = instruction.words[-1].value.endswith(("/", "."))
    for source_word in instruction.words[:-1]:
        if source_word.is_variable or instruction.heredocs:
            return None
        source_name = posixpath.basename(posixpath.normpath(source_word.value))
        is_file_source = bool(_FILE_SUFFIX.search(source_name)) and instruction.keyword == "COPY"
        if not is_file_source or ("*" in source_name and "." not in source_name):
            if file_path == copy_target or file_path.startswith(copy_target.rstrip("/") + "/"):
                return True
        elif (file_path == copy_target and not is_target_folder) or glob.glob_matches(posixpath.join(copy_target, source_name), file_path):
            return True
    return False


def _may_run_create_file(step: Step, file_path: str) -> bool | None:
    """Whether a RUN may make the file."""
    if posixpath.basename(file_path) in step.instruction.arguments_text.text or "/node_modules/" in file_path:
        return None
    if step.script.has_unparsed_text or not step.posix or step.instruction.heredocs:
        return None
    for command in step.script.commands:
        invocation = unwrap_command(command)
        if any(redirect.operator.startswith(">") for redirect in command.redirects):
            continue  # the file's name would stand in the text
        if invocation.program not in property_by_fact_name("programs", "reads-none") and packages.package_call(command) is None:
            return None
    return False


def build_without_optimisation(command: Command) -> CheckOutcome:
    """cargo build without --release."""
    invocation = command.command
    if invocation.program != "cargo" or not invocation.words or command.stage.index < 0:
        yield NotApplicable()
        return
    cargo_verb = next((word for word in invocation.words if not word.value.startswith(("-", "+"))), None)
    if cargo_verb is None or cargo_verb.value not in ("build", "b"):
        yield NotApplicable()
        return
    if not invocation.has_option("--release", "-r", "--profile") and not command.stage.name.startswith("dev"):
        yield hit(Span(invocation.name_span.start, cargo_verb.span.end))
