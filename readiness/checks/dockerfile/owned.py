"""Whether the user of an image may write to a directory: who makes it, and who owns it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from readiness.checks.dockerfile.packages import manager_calls
from readiness.facts.base_images import is_without_application
from readiness.facts.table import fact_column
from readiness.facts.wrappers import unwrap_command
from readiness.kinds.dockerfile.model import Stage, Step
from readiness.kinds.dockerfile.paths import (
    absolute_path,
    copy_destination,
    volume_words,
    working_folder,
)
from readiness.kinds.dockerfile.users import is_root, user_of
from readiness.model import CheckOutcome, NotApplicable, Undecidable, hit
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


def known_user(stage: Stage) -> str:
    """The user of the image where it surely is not root; empty for any other."""
    user = user_of(stage) or ""
    return "" if is_root(user) else user


def is_owned_by_user(stage: Stage, path: str) -> bool | None:
    """Whether the image's user owns a folder: False where it surely can't write to it, None where nobody can tell."""
    user = known_user(stage)
    path = posixpath.normpath(path)
    if not user or stage.windows or not path.startswith("/"):
        return None
    if not is_without_application(stage.root_stage.image) or _is_folder_not_judged(path):
        return None
    if _PACKAGE_OWNED_FOLDER.match(path) and any(_is_install(step) for step in _run_steps(stage)):
        return None
    answer: bool | None = False
    for below in reversed(list(stage.base_chain)):
        for instruction in below.instructions:
            owner = _owner_after(below, instruction, path, user)
            if owner is not None:
                answer = None if owner == "unknown" else owner == user
            if answer is None:
                return None
    return answer


# Folders that packages bring, for users that they bring too.
_PACKAGE_OWNED_FOLDER = re.compile(r"/(?:var/(?:lib|log|cache|spool|run|www)|etc|run|usr|opt|srv)(?:/|\Z)")


def _run_steps(stage: Stage) -> Iterator[Step]:
    for below in stage.base_chain:
        yield from (Step(stage.document, below, one) for one in below.instructions_of("RUN"))


def _is_install(step: Step) -> bool:
    return any(one.manager.is_system_manager and one.is_install for one in manager_calls(step))


def _is_folder_not_judged(path: str) -> bool:
    return path == "/" or any(path == one or path.startswith(f"{one}/") for one in _FOLDERS_NOT_JUDGED)


def _owner_after(stage: Stage, instruction: Instruction, path: str, user: str) -> str | None:
    """Who owns a folder after an instruction: a user, "unknown", or None where nothing changes."""
    if instruction.keyword in ("COPY", "ADD") and instruction.words:
        where = copy_destination(stage, instruction)
        if where is None:
            return "unknown"
        if not _may_overlap(where, path):
            return None
        chown = instruction.flag("chown")
        if chown is None:
            return "unknown" if instruction.flag("from") or where != path else None
        owner = chown.value.partition(":")[0]
        return owner if where == path and owner == user else "unknown"
    if instruction.keyword == "WORKDIR":
        where = working_folder(stage, instruction.span.end)
        if where is None:
            return "unknown"
        return "unknown" if where == path and _runs_as_nonroot(stage, instruction) else None
    if instruction.keyword == "RUN":
        return _owner_after_run(Step(stage.document, stage, instruction), path, user)
    return None


def _may_overlap(target_folder: str, path: str) -> bool:
    """Whether a copy into one folder may touch another: it is that folder, or above it."""
    return path == target_folder or path.startswith(f"{target_folder.rstrip('/')}/")


def _runs_as_nonroot(stage: Stage, instruction: Instruction) -> bool:
    effective = stage.effective_value("USER", instruction.span.start)
    return effective is not None and not is_root(effective.text.partition(":")[0])


def _owner_after_run(step: Step, path: str, user: str) -> str | None:
    """Who owns a folder after a RUN: only what is plainly read counts, all else is unknown."""
    if step.script.has_unparsed_text or not step.posix or step.onbuild:
        return "unknown"
    answer: str | None = None
    as_root = not _runs_as_nonroot(step.stage, step.instruction)
    for command in step.script.commands:
        invocation = unwrap_command(command)
        mentions = any(_may_mean(word.value, path) or not word.is_fully_known for word in invocation.words)
        own = "/" in invocation.name and not invocation.name.startswith(("/bin/", "/usr/"))
        if not invocation.is_name_known or own or invocation.program in _PROGRAMS_DOING_ANYTHING:
            return "unknown"
        if mentions and invocation.program in ("chown", "install"):
            answer = user if _gives_to_user(step, invocation, path, user) else "unknown"
        elif mentions and not (as_root and invocation.program in fact_column("programs", "keeps-owners")):
            answer = "unknown"
    return answer


def _may_mean(word: str, path: str) -> bool:
    """Whether a word may mean a folder: it ends with the folder's own name, or with the path of a folder above it."""
    parts, own = path.strip("/").split("/"), word.removesuffix("/").split("/")
    if word == "/" or "*" in word or "{" in word or not parts[0] or len(parts) > _MAX_PATH_DEPTH:
        return True
    above = (parts[:count] for count in range(1, len(parts) + 1))
    return own[-1:] == parts[-1:] or any(own[-len(one) :] == one for one in above)


_MAX_PATH_DEPTH = 64  # folders below each other that are told apart


def _gives_to_user(step: Step, command: shell.SimpleCommand, path: str, user: str) -> bool:
    """Whether a chown or an install plainly gives a folder to a user."""
    operands = command.operands(frozenset({"-m", "-o", "-g", "--mode", "--owner", "--group"}))
    if command.program == "install":
        owner, places = command.option_value("-o", "--owner") or "", operands
    else:
        owner, places = (operands[0].value if operands else ""), operands[1:]
    if owner.partition(":")[0] != user:
        return False
    for place in places:
        where = absolute_path(step.stage, place.value, step.instruction.span.start)
        if where == path or (where and command.has_option("-R", "--recursive") and _may_overlap(where, path)):
            return True
    return False


def volume_not_owned(stage: Stage) -> CheckOutcome:
    """VOLUME names a folder that the user of the image can't write to."""
    volumes = list(volume_words(stage)) if stage.final and stage.whole else ()
    if not volumes:
        yield NotApplicable()
    for word, where in volumes:
        answer = is_owned_by_user(stage, where) if where is not None else None
        if answer is None:
            yield Undecidable(word.span)
        elif not answer:
            yield hit(word.span, folder=where, user=known_user(stage))
