"""Checks of COPY and ADD: what they bring, from where, to where."""

from __future__ import annotations

import re
from functools import lru_cache

from readiness.checks.dockerfile.context import is_whole_context_source, source_words_of_copy
from readiness.checks.dockerfile.values import is_absolute
from readiness.facts import packages
from readiness.facts.base_images import is_known_official, sets_working_folder, starts_service
from readiness.facts.programs import program_property
from readiness.facts.wrappers import unwrap_command
from readiness.kinds.dockerfile.model import Stage, Step
from readiness.kinds.dockerfile.paths import copy_destination
from readiness.kinds.joins.contexts import may_be_named_context
from readiness.model import CheckOutcome, NotApplicable, Undecidable, hit
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import Project
from readiness.syntax import image as images
from readiness.syntax import shell
from readiness.syntax.holes import has_template_opening, has_variable_sign
from readiness.syntax.words import InstructionWord

_ARCHIVE_SUFFIX = lazy_regex(
    r"\.(?:tar|tgz|tbz|tbz2|tb2|txz|tlz|taz|tzst|tpz|tz|tar\.[a-z0-9]+|gz|bz2|xz|lz|lzma|zst|Z)\Z",
    re.IGNORECASE,
)
_REMOTE_SOURCE_PREFIX = lazy_regex(r"(?:https?|ftp)://|git@|ssh://|git://", re.IGNORECASE)


def add_instead_of_copy(step: Step) -> CheckOutcome:
    """ADD of local files that it does not unpack."""
    instruction = step.instruction
    if instruction.keyword != "ADD" or len(instruction.words) < 2:
        return
    for source_word in source_words_of_copy(instruction):
        if _REMOTE_SOURCE_PREFIX.match(source_word.value):
            return
        if source_word.is_variable:
            yield Undecidable(source_word.span)
            return
        if _ARCHIVE_SUFFIX.search(source_word.value) or "*" in source_word.value[-4:]:
            return
    yield hit(instruction.keyword_span, source=instruction.words[0].value)


def add_remote_unverified(step: Step) -> CheckOutcome:
    """ADD of a URL without a checksum, or of a git address without a commit or a tag."""
    instruction = step.instruction
    if instruction.keyword != "ADD" or instruction.flag("checksum"):
        return
    for source_word in source_words_of_copy(instruction):
        source_address = source_word.value
        if _REMOTE_SOURCE_PREFIX.match(source_address) and not _is_pinned_git_address(source_address):
            yield hit(source_word.span, url=re.sub(r"//[^/@]*@", "//", source_address.partition("?")[0])[:120])


def _is_pinned_git_address(url: str) -> bool:
    """Whether an address is one of git and names what it takes: anything but a branch everybody has."""
    address_without_fragment, _, fragment = url.partition("#")
    address_without_fragment, _, query = address_without_fragment.partition("?")
    if not address_without_fragment.endswith(".git") and not address_without_fragment.startswith("git@"):
        return False
    git_ref = fragment.partition(":")[0] or next(
        (part.partition("=")[2] for part in query.split("&") if re.match("(?:ref|tag|commit)=", part)),
        "",
    )
    return bool(git_ref) and git_ref not in ("main", "master", "develop", "HEAD")


def copy_archive_unpacked(step: Step) -> CheckOutcome:
    """COPY of a local archive that a later RUN of the stage unpacks."""
    instruction = step.instruction
    if instruction.keyword != "COPY" or instruction.flag("from") or len(instruction.words) < 2:
        return
    for source_word in source_words_of_copy(instruction):
        if not _ARCHIVE_SUFFIX.search(source_word.value):
            continue
        possible_names = _possible_names_of_copied_file(source_word, instruction.words[-1])
        for later_instruction in step.stage.instructions:
            if later_instruction.keyword != "RUN" or later_instruction.span.start < instruction.span.start:
                continue
            for command in Step(step.document, step.stage, later_instruction).script.commands:
                if _unpacks_archive(unwrap_command(command), possible_names):
                    yield hit(source_word.span, archive=source_word.value)
                    return


def _possible_names_of_copied_file(source_word: InstructionWord, target_word: InstructionWord) -> set[str]:
    """The names that a copied file may have: its own, or the one that the target gives it."""
    source_name, target_name = (re.split(r"[\\/]", word.raw.strip("\"'"))[-1] for word in (source_word, target_word))
    return {target_name} if _ARCHIVE_SUFFIX.search(target_name) else {source_name, target_name} - {"", ".", ".."}


_TAR_SUFFIX = lazy_regex(r"\.(?:tar\.?\w*|t[a-z0-9]{1,4})\Z", re.IGNORECASE)


def _unpacks_archive(command: shell.SimpleCommand, archive_names: set[str]) -> bool:
    command_words = command.unquoted_words
    if command.program == "tar":
        short_option_words = [value for value in command_words if re.match(r"-[A-Za-z]", value)]
        if command_words and re.match(r"[A-Za-z]+\Z", command_words[0]):
            short_option_words.append(command_words[0])
        if not any("x" in value for value in short_option_words) and not {"--extract", "--get"} & set(command_words):
            return False
    elif command.program in ("gzip", "bzip2", "xz", "zstd"):
        if not command.has_option("-d", "--decompress", "--uncompress"):
            return False
    elif not program_property(command.program, "unpacks"):
        return False
    if "tar" not in command.program:  # ADD unpacks archives, not a file that is only compressed
        archive_names = {name for name in archive_names if _TAR_SUFFIX.search(name)}
    return any(re.split(r"[\\/=]", value)[-1] in archive_names for value in command_words)


def copy_target_not_folder(step: Step) -> CheckOutcome:
    """COPY or ADD of several sources to a target that does not end with a slash."""
    instruction = step.instruction
    if instruction.keyword not in ("COPY", "ADD") or len(instruction.words) < 3:
        return
    target_word = instruction.words[-1]
    if target_word.value.endswith(("/", "\\", "/.", "/..")) or target_word.value in (".", ".."):
        return
    if target_word.is_variable:
        yield Undecidable(target_word.span)
    else:
        yield hit(target_word.span, target=target_word.value, keyword=instruction.keyword)


def copy_from_unknown(step: Step, *, project: Project) -> CheckOutcome:
    """COPY --from names no earlier stage and no context that the build gets by name, and looks like no image either."""
    from_flag = step.instruction.flag("from")
    if step.keyword != "COPY" or from_flag is None or not step.stage.whole:
        return
    if has_variable_sign(from_flag.raw) or has_template_opening(from_flag.raw):
        yield Undecidable(from_flag.value_span)
        return
    named_stage = step.document.stage_by_name(from_flag.value)
    if named_stage is not None and named_stage.index < step.stage.index:
        return
    if named_stage is step.stage or (named_stage is None and _is_surely_image_name(from_flag.value)):
        return
    if named_stage is None and may_be_named_context(from_flag.value, step.source.path, project):
        yield Undecidable(from_flag.value_span)
        return
    yield hit(from_flag.value_span, name=from_flag.value)


def _is_surely_image_name(name: str) -> bool:
    """Whether a name is surely one of an image: it has a tag or a slash, or is an official one's."""
    return bool(re.search(r"[:/@.]", name)) or is_known_official(images.parse_image(name))


def copy_from_itself(step: Step) -> CheckOutcome:
    """COPY --from names the stage that it stands in."""
    from_flag = step.instruction.flag("from")
    if step.keyword != "COPY" or from_flag is None or not from_flag.value:
        return
    earlier_stages_with_name = [s for s in step.document.stages[: max(step.stage.index, 0)] if s.name == from_flag.value]
    names_own_stage = from_flag.value.lower() in (step.stage.name, str(step.stage.index))
    if names_own_stage and not earlier_stages_with_name and step.stage.whole:
        yield hit(from_flag.value_span, name=from_flag.value)


def copy_target_relative(step: Step) -> CheckOutcome:
    """COPY or ADD to a relative path with no WORKDIR before it."""
    instruction, stage = step.instruction, step.stage
    if instruction.keyword not in ("COPY", "ADD") or len(instruction.words) < 2:
        return
    target_word = instruction.words[-1]
    target_path = target_word.raw.strip("\"'")
    if is_absolute(target_path, stage):
        return
    if target_path.startswith("$") or has_template_opening(target_path):
        yield Undecidable(target_word.span)
        return
    instruction_start = instruction.span.start
    for base_stage in stage.base_chain:
        for earlier_instruction in base_stage.instructions:
            is_in_effect = step.onbuild or not earlier_instruction.is_under_onbuild
            if earlier_instruction.keyword == "WORKDIR" and earlier_instruction.span.start < instruction_start and is_in_effect:
                return
    image = stage.root_stage.image
    if stage.whole and sets_working_folder(image):
        return
    if stage.whole and starts_service(image) is None:
        yield Undecidable(target_word.span)  # a base of somebody's own may say where it stands
        return
    yield hit(target_word.span, target=target_word.value, keyword=instruction.keyword)


def copy_root_of_stage(step: Step) -> CheckOutcome:
    """COPY of the whole file system of another stage or image."""
    instruction = step.instruction
    from_flag = instruction.flag("from") if instruction.keyword == "COPY" else None
    if from_flag is None:
        yield NotApplicable()
        return
    if not instruction.words or instruction.words[-1].value not in ("/", "/."):
        return
    source_stage = step.document.stage_by_name(from_flag.value)
    source_image = source_stage.root_stage.image if source_stage else images.parse_image(from_flag.value)
    if source_image.familiar_name == "tonistiigi/xx":
        return  # a few scripts, made to be copied like this
    for source_word in source_words_of_copy(instruction):
        if source_word.value in ("/", "/*", "/."):
            yield hit(source_word.span, name=from_flag.value)


def copy_before_install(stage: Stage) -> CheckOutcome:
    """The whole context is copied before the dependencies are installed from its manifest."""
    whole_context_word: InstructionWord | None = None
    is_manifest_copied = False
    for instruction in stage.instructions:
        if instruction.keyword in ("COPY", "ADD") and not instruction.flag("from"):
            source_words = source_words_of_copy(instruction)
            first_whole_context_word = next((word for word in source_words if is_whole_context_source(word)), None)
            if first_whole_context_word is not None and whole_context_word is None:
                whole_context_word = first_whole_context_word
            is_manifest_copied = is_manifest_copied or any(_DEPENDENCY_MANIFEST_NAME.search(word.value) for word in source_words)
        elif instruction.keyword == "RUN" and whole_context_word is not None and not is_manifest_copied:
            run_step = Step(stage.document, stage, instruction)
            mount_targets = {mount.get("target", "") for mount in run_step.mounts()}
            for command in run_step.script.commands:
                install_command = _manifest_install_command(command)
                if install_command and not mount_targets:
                    yield hit(whole_context_word.span, program=install_command)
                    return


_DEPENDENCY_MANIFEST_NAME = lazy_regex(
    r"package(?:-lock)?\*?\.json|package\*|yarn\.lock|pnpm-lock|requirements|pyproject|poetry\.lock"
    r"|Pipfile|uv\.lock|Gemfile|composer\.|go\.mod|Cargo\.toml|setup\.|\*\.lock"
)


# Commands that only fetch what a manifest names.
_DEPENDENCY_FETCH_COMMANDS = {
    ("go", "mod", "download"), ("cargo", "fetch"), ("dotnet", "restore"), ("mix", "deps.get"),
    ("mvn", "dependency:go-offline"), ("mvnw", "dependency:go-offline"), ("mvn", "dependency:resolve"),
}  # fmt: skip


def _manifest_install_command(command: shell.SimpleCommand) -> str:
    """The install or fetch of all that a manifest names, as it is called; empty for anything else."""
    invocation = unwrap_command(command)
    program_and_operands = (invocation.program, *(word.value for word in invocation.operands()))
    for word_count in (2, 3):
        if program_and_operands[:word_count] in _DEPENDENCY_FETCH_COMMANDS:
            return " ".join(program_and_operands[:word_count])
    package_call = packages.package_call(command)
    if package_call is None or package_call.action != "install" or package_call.manager.is_system_manager:
        return ""
    manager_name = package_call.manager.name
    if manager_name in ("npm", "yarn", "pnpm", "bun", "bundle", "composer", "poetry"):
        is_manifest_install = not package_call.packages and not package_call.command.has_option("-g", "--global", "--version")
    elif manager_name == "pip":
        is_manifest_install = package_call.command.has_option("-r", "--requirement")
    else:
        is_manifest_install = manager_name == "uv" and package_call.verb.value == "sync"
    return f"{manager_name} {package_call.verb.value}" if is_manifest_install else ""


def chown_after_copy(step: Step) -> CheckOutcome:
    """chown or chmod -R of what an earlier COPY brought: the files are stored twice."""
    instruction = step.instruction
    if instruction.keyword != "RUN" or step.onbuild or not step.stage.shipped:
        return
    for command in step.script.commands:
        if command.program not in ("chown", "chmod") or not command.has_option("-R", "--recursive"):
            continue
        for path_word in command.operands()[1:]:
            changed_path = path_word.value.rstrip("/*") or "/"
            first_copy_start = _first_copy_by_folder(step.stage).get(changed_path)
            if first_copy_start is not None and first_copy_start <= instruction.span.start:
                yield hit(command.span, path=path_word.value, program=command.program)
                return


@lru_cache(maxsize=16)
def _first_copy_by_folder(stage: Stage) -> dict[str, int]:
    """The folders that the stage's COPYs fill and those around them, each with the offset of the first that does."""
    offset_by_folder: dict[str, int] = {}
    for instruction in stage.instructions:
        folder = copy_destination(stage, instruction) if instruction.keyword in ("COPY", "ADD") else None
        if folder:
            parts = folder.split("/")
            for depth in range(max(len(parts) - _MAX_FOLDERS_AROUND_COPY, 1), len(parts) + 1):
                offset_by_folder.setdefault("/".join(parts[:depth]), instruction.span.start)
    return offset_by_folder


_MAX_FOLDERS_AROUND_COPY = 64
