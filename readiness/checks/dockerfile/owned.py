"""Whether the user of an image may write to a directory: who makes it, and who owns it."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from readiness.checks.dockerfile.packages import manager_calls
from readiness.facts.base_images import is_without_application
from readiness.facts.table import property_by_fact_name
from readiness.facts.wrappers import unwrap_command
from readiness.kinds.dockerfile.model import Stage, Step
from readiness.kinds.dockerfile.paths import (
    absolute_path,
    copy_destination,
    volume_words_with_paths,
    working_folder,
)
from readiness.kinds.dockerfile.users import is_root_user, user_of
from readiness.model import CheckOutcome, NotApplicable, Undecidable, hit
from readiness.model.lazy_regex import lazy_regex
from readiness.syntax import shell
from readiness.syntax.instruction import Instruction

# Where every user may write, or only one does: nothing to tell of them.
_FOLDERS_NOT_JUDGED = tuple(f"/{name}" for name in ("tmp", "var/tmp", "dev/shm", "home", "root", "proc", "sys"))
# Programs that may do anything, and those that give no folder to anybody.
_PROGRAMS_DOING_ANYTHING = shell.SHELL_PROGRAMS | {
    "make",
    "python",
    "python3",
    ".",
    "source",
    "eval",
}


def known_nonroot_user(stage: Stage) -> str:
    """The user of the image where it surely is not root; empty for any other."""
    user = user_of(stage) or ""
    return "" if is_root_user(user) else user


def is_owned_by_user(stage: Stage, path: str) -> bool | None:
    """Whether the image's user owns a folder: False where it surely can't write to it, None where nobody can tell."""
    user = known_nonroot_user(stage)
    path = posixpath.normpath(path)
    if not user or stage.windows or not path.startswith("/"):
        return None
    if not is_without_application(stage.root_stage.image) or _is_folder_not_judged(path):
        return None
    if _PACKAGE_OWNED_FOLDER_PATTERN.match(path) and any(_installs_system_packages(step) for step in _run_steps_of_chain(stage)):
        return None
    is_owned: bool | None = False
    for chain_stage in reversed(list(stage.base_chain)):
        for instruction in chain_stage.instructions:
            owner = _owner_after_instruction(chain_stage, instruction, path, user)
            if owner is not None:
                is_owned = None if owner == "unknown" else owner == user
            if is_owned is None:
                return None
    return is_owned


# Folders that packages bring, for users that they bring too.
_PACKAGE_OWNED_FOLDER_PATTERN = lazy_regex(r"/(?:var/(?:lib|log|cache|spool|run|www)|etc|run|usr|opt|srv)(?:/|\Z)")


def _run_steps_of_chain(stage: Stage) -> Iterator[Step]:
    for chain_stage in stage.base_chain:
        yield from (Step(stage.document, chain_stage, one) for one in chain_stage.instructions_of("RUN"))


def _installs_system_packages(step: Step) -> bool:
    return any(one.manager.is_system_manager and one.is_install for one in manager_calls(step))


def _is_folder_not_judged(folder: str) -> bool:
    return folder == "/" or any(folder == one or folder.startswith(f"{one}/") for one in _FOLDERS_NOT_JUDGED)


def _owner_after_instruction(stage: Stage, instruction: Instruction, folder: str, user: str) -> str | None:
    """Who owns a folder after an instruction: a user, "unknown", or None where nothing changes."""
    if instruction.keyword in ("COPY", "ADD") and instruction.words:
        target_folder = copy_destination(stage, instruction)
        if target_folder is None:
            return "unknown"
        if not _is_at_or_above(target_folder, folder):
            return None
        chown_flag = instruction.flag("chown")
        if chown_flag is None:
            return "unknown" if instruction.flag("from") or target_folder != folder else None
        owner = chown_flag.value.partition(":")[0]
        return owner if target_folder == folder and owner == user else "unknown"
    if instruction.keyword == "WORKDIR":
        target_folder = working_folder(stage, instruction.span.end)
        if target_folder is None:
            return "unknown"
        return "unknown" if target_folder == folder and _runs_as_nonroot(stage, instruction) else None
    if instruction.keyword == "RUN":
        return _owner_after_run(Step(stage.document, stage, instruction), folder, user)
    return None


def _is_at_or_above(target_folder: str, folder: str) -> bool:
    """Whether a copy into one folder may touch another: it is that folder, or above it."""
    return folder == target_folder or folder.startswith(f"{target_folder.rstrip('/')}/")


def _runs_as_nonroot(stage: Stage, instruction: Instruction) -> bool:
    effective_user = stage.effective_value("USER", instruction.span.start)
    return effective_user is not None and not is_root_user(effective_user.text.partition(":")[0])


def _owner_after_run(step: Step, folder: str, user: str) -> str | None:
    """Who owns a folder after a RUN: only what is plainly read counts, all else is unknown."""
    if step.script.has_unparsed_text or not step.posix or step.onbuild:
        return "unknown"
    owner: str | None = None
    runs_as_root = not _runs_as_nonroot(step.stage, step.instruction)
    for command in step.script.commands:
        invocation = unwrap_command(command)
        mentions_folder = any(_may_name_folder(word.value, folder) or not word.is_fully_known for word in invocation.words)
        is_own_script = "/" in invocation.name and not invocation.name.startswith(("/bin/", "/usr/"))
        if not invocation.is_name_known or is_own_script or invocation.program in _PROGRAMS_DOING_ANYTHING:
            return "unknown"
        if mentions_folder and invocation.program in ("chown", "install"):
            owner = user if _gives_folder_to_user(step, invocation, folder, user) else "unknown"
        elif mentions_folder and not (runs_as_root and invocation.program in property_by_fact_name("programs", "keeps-owners")):
            owner = "unknown"
    return owner


def _may_name_folder(word: str, folder: str) -> bool:
    """Whether a word may mean a folder: it ends with the folder's own name, or with the path of a folder above it."""
    folder_parts, word_parts = folder.strip("/").split("/"), word.removesuffix("/").split("/")
    if word == "/" or "*" in word or "{" in word or not folder_parts[0] or len(folder_parts) > _MAX_PATH_DEPTH:
        return True
    leading_parts = (folder_parts[:count] for count in range(1, len(folder_parts) + 1))
    return word_parts[-1:] == folder_parts[-1:] or any(word_parts[-len(one) :] == one for one in leading_parts)


_MAX_PATH_DEPTH = 64  # folders below each other that are told apart


def _gives_folder_to_user(step: Step, command: shell.SimpleCommand, folder: str, user: str) -> bool:
    """Whether a chown or an install plainly gives a folder to a user."""
    operands = command.operands(frozenset({"-m", "-o", "-g", "--mode", "--owner", "--group"}))
    if command.program == "install":
        owner_spec, target_words = command.option_value("-o", "--owner") or "", operands
    else:
        owner_spec, target_words = (operands[0].value if operands else ""), operands[1:]
    if owner_spec.partition(":")[0] != user:
        return False
    for target_word in target_words:
        target_folder = absolute_path(step.stage, target_word.value, step.instruction.span.start)
        if target_folder == folder or (target_folder and command.has_option("-R", "--recursive") and _is_at_or_above(target_folder, folder)):
            return True
    return False


def volume_not_owned(stage: Stage) -> CheckOutcome:
    """VOLUME names a folder that the user of the image can't write to."""
    volume_words_and_folders = list(volume_words_with_paths(stage)) if stage.final and stage.whole else ()
    if not volume_words_and_folders:
        yield NotApplicable()
    for word, folder in volume_words_and_folders:
        is_owned = is_owned_by_user(stage, folder) if folder is not None else None
        if is_owned is None:
            yield Undecidable(word.span)
        elif not is_owned:
            yield hit(word.span, folder=folder, user=known_nonroot_user(stage))
