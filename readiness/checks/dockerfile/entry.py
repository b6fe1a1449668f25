"""Checks of what the image runs and with which settings: files that are there, modes that are off."""

from __future__ import annotations

import posixpath
import re

from readiness.checks.dockerfile.forms import exec_form_literal
from readiness.checks.dockerfile.tools import starter_missing
from readiness.facts import packages
from readiness.facts.base_images import is_without_application
from readiness.facts.table import fact_column
from readiness.facts.wrappers import unwrap_command
from readiness.kinds.dockerfile.model import Command, Stage, Step, effective_step
from readiness.kinds.dockerfile.paths import copy_destination, volume_words, working_folder
from readiness.model import CheckOutcome, NotApplicable, Span, Undecidable, hit, spans_of_hits
from readiness.model.project import Project
from readiness.syntax import glob, shell
from readiness.syntax.holes import has_template
from readiness.syntax.instruction import Instruction

_INTERPRETERS = re.compile(r"(?:node|python[0-9.]*|ruby|php|perl|bash|sh|ash|dash|deno|bun)\Z")
_SCRIPT_SUFFIX = re.compile(r"\.(?:js|mjs|cjs|py|rb|php|pl|sh|jar)\Z")
# Endings that folders do not have.
_FILE_SUFFIX = re.compile(
    r".\.(?:[cm]?[jt]s|tsx|jsx|py|rb|php|pl|sh|json|lock|ya?ml|toml|txt|md|ini|cfg|conf|xml|jar|war"
    r"|html|css|mod|sum|properties|sql|pem|crt|key|env|npmrc|whl|gz|zip)\Z"
)


def program_file_missing(stage: Stage, project: Project) -> CheckOutcome:
    """CMD, ENTRYPOINT or HEALTHCHECK runs a file that no step brings; only where all is in sight."""
    if not stage.final or not stage.whole or not is_without_application(stage.root_stage.image):
        return
    base = working_folder(stage)
    # Where nothing at all is copied, the folder in which it works is mounted: an image of tools.
    bare = not any(below.instructions_of("COPY") or below.instructions_of("ADD") for below in stage.base_chain)
    for keyword in ("ENTRYPOINT", "CMD", "HEALTHCHECK"):
        step = effective_step(stage, keyword)
        if step is None or any(starter_missing(step)):
            continue
        reported = spans_of_hits(exec_form_literal(step))
        for command in step.script.commands:
            word = _script_path(unwrap_command(command))
            if word is None or word.span in reported:
                continue
            if base is None and not word.value.startswith("/"):
                continue
            path = posixpath.normpath(posixpath.join(base or "/", word.value))
            mounted = (
                _may_be_mounted(stage, path)
                or (bare and not word.value.startswith("/"))
                or path in project.memoize(_mounted_files)
            )
            brought = None if mounted else _is_provided_by_step(stage, path)
            if brought is None:
                yield Undecidable(word.span)
            elif not brought:
                yield hit(word.span, file=word.value, keyword=keyword)


# Folders in which bases bring programs of their own.
_SYSTEM_FOLDER = re.compile(r"/(?:usr|s?bin|lib|opt|etc|root|home)(?:/|\Z)")


def _script_path(command: shell.SimpleCommand) -> shell.ShellWord | None:
    """The script that a command runs by its path: behind an interpreter, or itself."""
    if command.enclosing_constructs or not command.is_name_known or has_template(command.name):
        return None
    if "/" in command.name and not _SYSTEM_FOLDER.match(command.name):
        return shell.ShellWord(command.name, command.name, True, command.name_span)
    if not command.words or not _INTERPRETERS.match(command.program):
        return None
    word = command.words[0]
    plain = word.is_fully_known and not has_template(word.value) and not word.value.startswith("-")
    return word if plain and _SCRIPT_SUFFIX.search(word.value) else None


def _may_be_mounted(stage: Stage, path: str) -> bool:
    """Whether a volume may lie over a path."""
    return any(place is None or path.startswith(f"{place}/") for _, place in volume_words(stage))


def _mounted_files(project: Project) -> frozenset[str]:
    """The paths in containers at which compose files mount a single file, whatever image they are for."""
    documents = project.documents_of_kind("compose")
    if not documents:
        return frozenset()
    from readiness.kinds.compose import mounts  # most Dockerfiles have none beside them

    targets = (mount.spec.target for document in documents for mount in mounts(document))
    return frozenset(target for target in targets if posixpath.splitext(target)[1])


def _is_provided_by_step(stage: Stage, path: str) -> bool | None:
    """Whether a step brings the file; None where that can't be seen."""
    for below in stage.base_chain:
        for instruction in below.instructions:
            if instruction.keyword in ("COPY", "ADD") and instruction.words:
                answer = _may_be_copied(below, instruction, path)
            elif instruction.keyword == "RUN":
                answer = _may_be_created(Step(stage.document, below, instruction), path)
            else:
                continue
            if answer is not False:
                return answer
    return False


def _may_be_copied(stage: Stage, instruction: Instruction, path: str) -> bool | None:
    """Whether a COPY or ADD may bring the file."""
    target = copy_destination(stage, instruction)
    if target is None:
        return None
    folder_meant = instruction.words[-1].value.endswith(("/", "."))
    for word in instruction.words[:-1]:
        if word.is_variable or instruction.heredocs:
            return None
        name = posixpath.basename(posixpath.normpath(word.value))
        is_file = bool(_FILE_SUFFIX.search(name)) and instruction.keyword == "COPY"
        if not is_file or ("*" in name and "." not in name):
            if path == target or path.startswith(target.rstrip("/") + "/"):
                return True
        elif (path == target and not folder_meant) or glob.glob_matches(posixpath.join(target, name), path):
            return True
    return False


def _may_be_created(step: Step, path: str) -> bool | None:
    """Whether a RUN may make the file."""
    if posixpath.basename(path) in step.instruction.arguments_text.text or "/node_modules/" in path:
        return None
    if step.script.has_unparsed_text or not step.posix or step.instruction.heredocs:
        return None
    for command in step.script.commands:
        invocation = unwrap_command(command)
        if any(redirect.operator.startswith(">") for redirect in command.redirects):
            continue  # the file's name would stand in the text
        if invocation.program not in fact_column("programs", "reads-none") and packages.package_call(command) is None:
            return None
    return False


def build_without_optimisation(command: Command) -> CheckOutcome:
    """cargo build without --release."""
    invocation = command.command
    if invocation.program != "cargo" or not invocation.words or command.stage.index < 0:
        yield NotApplicable()
        return
    verb = next((word for word in invocation.words if not word.value.startswith(("-", "+"))), None)
    if verb is None or verb.value not in ("build", "b"):
        yield NotApplicable()
        return
    if not invocation.has_option("--release", "-r", "--profile") and not command.stage.name.startswith("dev"):
        yield hit(Span(invocation.name_span.start, verb.span.end))
