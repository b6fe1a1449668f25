"""Checks of COPY and ADD: what they bring, from where, to where."""

from __future__ import annotations

import re
from functools import lru_cache

from readiness.checks.dockerfile.context import is_whole_context, sources_of_copy
from readiness.checks.dockerfile.values import is_absolute
from readiness.facts import packages
from readiness.facts.base_images import is_known_official, sets_working_folder, starts_service
from readiness.facts.programs import program_property
from readiness.facts.wrappers import unwrap_command
from readiness.kinds.dockerfile.model import Stage, Step
from readiness.kinds.dockerfile.paths import copy_destination
from readiness.kinds.joins.contexts import may_be_named_context
from readiness.model import CheckOutcome, NotApplicable, Undecidable, hit
from readiness.model.project import Project
from readiness.syntax import image as images
from readiness.syntax import shell
from readiness.syntax.holes import has_template, has_variable
from readiness.syntax.words import InstructionWord

_ARCHIVE_SUFFIX = re.compile(
    r"\.(?:tar|tgz|tbz|tbz2|tb2|txz|tlz|taz|tzst|tpz|tz|tar\.[a-z0-9]+|gz|bz2|xz|lz|lzma|zst|Z)\Z",
    re.IGNORECASE,
)
_REMOTE_SOURCE = re.compile(r"(?:https?|ftp)://|git@|ssh://|git://", re.IGNORECASE)


def add_instead_of_copy(step: Step) -> CheckOutcome:
    """ADD of local files that it does not unpack."""
    instruction = step.instruction
    if instruction.keyword != "ADD" or len(instruction.words) < 2:
        return
    for word in sources_of_copy(instruction):
        if _REMOTE_SOURCE.match(word.value):
            return
        if word.is_variable:
            yield Undecidable(word.span)
            return
        if _ARCHIVE_SUFFIX.search(word.value) or "*" in word.value[-4:]:
            return
    yield hit(instruction.keyword_span, source=instruction.words[0].value)


def add_remote_unverified(step: Step) -> CheckOutcome:
    """ADD of a URL without a checksum, or of a git address without a commit or a tag."""
    instruction = step.instruction
    if instruction.keyword != "ADD" or instruction.flag("checksum"):
        return
    for word in sources_of_copy(instruction):
        value = word.value
        if _REMOTE_SOURCE.match(value) and not _is_pinned_git(value):
            yield hit(word.span, url=re.sub(r"//[^/@]*@", "//", value.partition("?")[0])[:120])


def _is_pinned_git(url: str) -> bool:
    """Whether an address is one of git and names what it takes: anything but a branch everybody has."""
    address, _, fragment = url.partition("#")
    address, _, query = address.partition("?")
    if not address.endswith(".git") and not address.startswith("git@"):
        return False
    ref = fragment.partition(":")[0] or next(
        (part.partition("=")[2] for part in query.split("&") if re.match("(?:ref|tag|commit)=", part)),
        "",
    )
    return bool(ref) and ref not in ("main", "master", "develop", "HEAD")


def copy_archive_unpacked(step: Step) -> CheckOutcome:
    """COPY of a local archive that a later RUN of the stage unpacks."""
    instruction = step.instruction
    if instruction.keyword != "COPY" or instruction.flag("from") or len(instruction.words) < 2:
        return
    for word in sources_of_copy(instruction):
        if not _ARCHIVE_SUFFIX.search(word.value):
            continue
        names = _possible_names(word, instruction.words[-1])
        for later in step.stage.instructions:
            if later.keyword != "RUN" or later.span.start < instruction.span.start:
                continue
            for command in Step(step.document, step.stage, later).script.commands:
                if _is_unpacked(unwrap_command(command), names):
                    yield hit(word.span, archive=word.value)
                    return


def _possible_names(source: InstructionWord, target: InstructionWord) -> set[str]:
    """The names that a copied file may have: its own, or the one that the target gives it."""
    own, given = (re.split(r"[\\/]", word.raw.strip("\"'"))[-1] for word in (source, target))
    return {given} if _ARCHIVE_SUFFIX.search(given) else {own, given} - {"", ".", ".."}


_TAR_SUFFIX = re.compile(r"\.(?:tar\.?\w*|t[a-z0-9]{1,4})\Z", re.IGNORECASE)


def _is_unpacked(command: shell.SimpleCommand, names: set[str]) -> bool:
    values = command.unquoted_words
    if command.program == "tar":
        short = [value for value in values if re.match(r"-[A-Za-z]", value)]
        if values and re.match(r"[A-Za-z]+\Z", values[0]):
            short.append(values[0])
        if not any("x" in value for value in short) and not {"--extract", "--get"} & set(values):
            return False
    elif command.program in ("gzip", "bzip2", "xz", "zstd"):
        if not command.has_option("-d", "--decompress", "--uncompress"):
            return False
    elif not program_property(command.program, "unpacks"):
        return False
    if "tar" not in command.program:  # ADD unpacks archives, not a file that is only compressed
        names = {name for name in names if _TAR_SUFFIX.search(name)}
    return any(re.split(r"[\\/=]", value)[-1] in names for value in values)


def copy_target_not_folder(step: Step) -> CheckOutcome:
    """COPY or ADD of several sources to a target that does not end with a slash."""
    instruction = step.instruction
    if instruction.keyword not in ("COPY", "ADD") or len(instruction.words) < 3:
        return
    target = instruction.words[-1]
    if target.value.endswith(("/", "\\", "/.", "/..")) or target.value in (".", ".."):
        return
    if target.is_variable:
        yield Undecidable(target.span)
    else:
        yield hit(target.span, target=target.value, keyword=instruction.keyword)


def copy_from_unknown(step: Step, *, project: Project) -> CheckOutcome:
    """COPY --from names no earlier stage and no context that the build gets by name, and looks like no image either."""
    flag = step.instruction.flag("from")
    if step.keyword != "COPY" or flag is None or not step.stage.whole:
        return
    if has_variable(flag.raw) or has_template(flag.raw):
        yield Undecidable(flag.value_span)
        return
    stage = step.document.stage_by_name(flag.value)
    if stage is not None and stage.index < step.stage.index:
        return
    if stage is step.stage or (stage is None and _is_image_name(flag.value)):
        return
    if stage is None and may_be_named_context(flag.value, step.source.path, project):
        yield Undecidable(flag.value_span)
        return
    yield hit(flag.value_span, name=flag.value)


def _is_image_name(name: str) -> bool:
    """Whether a name is surely one of an image: it has a tag or a slash, or is an official one's."""
    return bool(re.search(r"[:/@.]", name)) or is_known_official(images.parse_image(name))


def copy_from_itself(step: Step) -> CheckOutcome:
    """COPY --from names the stage that it stands in."""
    flag = step.instruction.flag("from")
    if step.keyword != "COPY" or flag is None or not flag.value:
        return
    earlier = [s for s in step.document.stages[: max(step.stage.index, 0)] if s.name == flag.value]
    same = flag.value.lower() in (step.stage.name, str(step.stage.index))
    if same and not earlier and step.stage.whole:
        yield hit(flag.value_span, name=flag.value)


def copy_target_relative(step: Step) -> CheckOutcome:
    """COPY or ADD to a relative path with no WORKDIR before it."""
    instruction, stage = step.instruction, step.stage
    if instruction.keyword not in ("COPY", "ADD") or len(instruction.words) < 2:
        return
    target = instruction.words[-1]
    raw = target.raw.strip("\"'")
    if is_absolute(raw, stage):
        return
    if raw.startswith("$") or has_template(raw):
        yield Undecidable(target.span)
        return
    before = instruction.span.start
    for below in stage.base_chain:
        for other in below.instructions:
            counts = step.onbuild or not other.is_under_onbuild
            if other.keyword == "WORKDIR" and other.span.start < before and counts:
                return
    image = stage.root_stage.image
    if stage.whole and sets_working_folder(image):
        return
    if stage.whole and starts_service(image) is None:
        yield Undecidable(target.span)  # a base of somebody's own may say where it stands
        return
    yield hit(target.span, target=target.value, keyword=instruction.keyword)


def copy_root_of_stage(step: Step) -> CheckOutcome:
    """COPY of the whole file system of another stage or image."""
    instruction = step.instruction
    flag = instruction.flag("from") if instruction.keyword == "COPY" else None
    if flag is None:
        yield NotApplicable()
        return
    if not instruction.words or instruction.words[-1].value not in ("/", "/."):
        return
    source = step.document.stage_by_name(flag.value)
    image = source.root_stage.image if source else images.parse_image(flag.value)
    if image.familiar_name == "tonistiigi/xx":
        return  # a few scripts, made to be copied like this
    for word in sources_of_copy(instruction):
        if word.value in ("/", "/*", "/."):
            yield hit(word.span, name=flag.value)


def copy_before_install(stage: Stage) -> CheckOutcome:
    """The whole context is copied before the dependencies are installed from its manifest."""
    whole_context: InstructionWord | None = None
    partial = False
    for instruction in stage.instructions:
        if instruction.keyword in ("COPY", "ADD") and not instruction.flag("from"):
            words = sources_of_copy(instruction)
            first = next((word for word in words if is_whole_context(word)), None)
            if first is not None and whole_context is None:
                whole_context = first
            partial = partial or any(_DEPENDENCY_MANIFEST.search(word.value) for word in words)
        elif instruction.keyword == "RUN" and whole_context is not None and not partial:
            step = Step(stage.document, stage, instruction)
            mounted = {mount.get("target", "") for mount in step.mounts()}
            for command in step.script.commands:
                program = _manifest_install(command)
                if program and not mounted:
                    yield hit(whole_context.span, program=program)
                    return


_DEPENDENCY_MANIFEST = re.compile(
    r"package(?:-lock)?\*?\.json|package\*|yarn\.lock|pnpm-lock|requirements|pyproject|poetry\.lock"
    r"|Pipfile|uv\.lock|Gemfile|composer\.|go\.mod|Cargo\.toml|setup\.|\*\.lock"
)


# Commands that only fetch what a manifest names.
_DEPENDENCY_FETCH_COMMANDS = {
    ("go", "mod", "download"), ("cargo", "fetch"), ("dotnet", "restore"), ("mix", "deps.get"),
    ("mvn", "dependency:go-offline"), ("mvnw", "dependency:go-offline"), ("mvn", "dependency:resolve"),
}  # fmt: skip


def _manifest_install(command: shell.SimpleCommand) -> str:
    """The install or fetch of all that a manifest names, as it is called; empty for anything else."""
    invocation = unwrap_command(command)
    plain = (invocation.program, *(word.value for word in invocation.operands()))
    for size in (2, 3):
        if plain[:size] in _DEPENDENCY_FETCH_COMMANDS:
            return " ".join(plain[:size])
    call = packages.package_call(command)
    if call is None or call.action != "install" or call.manager.is_system_manager:
        return ""
    name = call.manager.name
    if name in ("npm", "yarn", "pnpm", "bun", "bundle", "composer", "poetry"):
        is_manifest_install = not call.packages and not call.command.has_option("-g", "--global", "--version")
    elif name == "pip":
        is_manifest_install = call.command.has_option("-r", "--requirement")
    else:
        is_manifest_install = name == "uv" and call.verb.value == "sync"
    return f"{name} {call.verb.value}" if is_manifest_install else ""


def chown_after_copy(step: Step) -> CheckOutcome:
    """chown or chmod -R of what an earlier COPY brought: the files are stored twice."""
    instruction = step.instruction
    if instruction.keyword != "RUN" or step.onbuild or not step.stage.shipped:
        return
    for command in step.script.commands:
        if command.program not in ("chown", "chmod") or not command.has_option("-R", "--recursive"):
            continue
        for word in command.operands()[1:]:
            path = word.value.rstrip("/*") or "/"
            for start, target in _copied_folders(step.stage):
                if start > instruction.span.start:
                    break
                if target == path or target.startswith(f"{path}/"):
                    yield hit(command.span, path=word.value, program=command.program)
                    return


@lru_cache(maxsize=16)
def _copied_folders(stage: Stage) -> tuple[tuple[int, str], ...]:
    """The folders that the stage's COPYs fill, with the offset of each."""
    found = (
        (instruction.span.start, copy_destination(stage, instruction))
        for instruction in stage.instructions
        if instruction.keyword in ("COPY", "ADD")
    )
    return tuple((start, folder) for start, folder in found if folder)
