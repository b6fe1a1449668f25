"""What the stages of Dockerfiles show, of the images that are built from them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from readiness.kinds.dockerfile import commands
from readiness.kinds.dockerfile.model import Document, Stage
from readiness.model import Source, Span
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import Project
from readiness.verdict.evidence.images import variable_facts

# What a command shows by its words.
_FACTS_AND_COMMAND_PATTERNS = (
    ("release-build", lazy_regex(
        r"--release\b|(?:-c|--configuration)[ =]Release\b|CMAKE_BUILD_TYPE=Release\b|--buildtype[ =]release\b"
        r"|-Doptimize=Release|--mode[ =]production\b|--prod\b|-ldflags[ =]\S{0,4}-s", re.IGNORECASE)),
    ("locked-install", lazy_regex(
        r"\bnpm ci\b|--frozen-lockfile\b|--immutable\b|--require-hashes\b|\buv sync\b.{0,80}--(?:locked|frozen)\b"
        r"|\bcargo (?:build|install)\b.{0,80}--locked\b|\bcomposer install\b"
        r"|\bbundle (?:install|config).{0,80}(?:frozen|deployment)\b"
        r"|\bpoetry (?:install|sync)\b|\bpipenv (?:sync|install --deploy)\b|\bgo mod download\b")),
    ("production-install", lazy_regex(
        r"--omit[ =]dev\b|--only[ =](?:prod|production|main)\b|--production\b|--prod\b|--no-dev\b"
        r"|--without[ =]\S{0,20}(?:dev|test)")),
    ("cache-left-out", lazy_regex(
        r"--no-cache(?:-dir)?\b|rm -[rf]{1,2} \S{0,40}/var/lib/apt/lists|\b(?:dnf|yum|microdnf|zypper|tdnf)\b.{0,20} clean\b"
        r"|\b(?:npm|yarn|pnpm) cache clean\b|PIP_NO_CACHE_DIR")),
)  # fmt: skip
_MINIMAL_IMAGE_NAME = lazy_regex(r"slim|alpine|distroless|chainguard|wolfi|minimal|micro|chiseled|busybox")


def dockerfile_facts(project: Project) -> Iterator[tuple[str, Source, Span]]:
    """The facts of every stage that ends up in an image that is run."""
    for document in project.documents_of_kind("dockerfile"):
        if not document.source.fragment and document.deployed:
            for fact_name, span in _document_facts(document):
                yield fact_name, document.source, span


def _document_facts(document: Document) -> Iterator[tuple[str, Span]]:
    for stage in document.stages:
        if stage.shipped:
            yield from _stage_facts(stage)
    for command in commands(document):
        command_text = " ".join((command.program, *command.command.unquoted_words))[:2000]
        command_span = command.command_with_wrapper.span
        yield from ((name, command_span) for name, pattern in _FACTS_AND_COMMAND_PATTERNS if pattern.search(command_text))
        if command.program == "chown" and command.stage.shipped:
            yield "owned-files", command_span
    for step in document.steps:
        if any(step.mounts("cache")):
            yield "cache-left-out", step.instruction.span
        if any(step.mounts("secret")):
            yield "dockerfile-secret", step.instruction.span


def _stage_facts(stage: Stage) -> Iterator[tuple[str, Span]]:
    image, image_word = stage.image, stage.image_word
    if image_word is not None and stage.base_stage is None and not stage.scratch and not image.is_variable:
        has_version = bool(image.digest) or bool(re.search(r"\d", image.tag))
        if has_version:
            yield "base-versioned", image_word.span
        if has_version and _MINIMAL_IMAGE_NAME.search(f"{image.full_repository}:{image.tag}"):
            yield "base-minimal", image_word.span
    for instruction in stage.instructions_of("COPY"):
        from_flag = instruction.flag("from")
        if stage.final and from_flag and stage.document.stage_by_name(from_flag.value) not in (None, stage):
            yield "built-in-stages", instruction.span
        if instruction.flag("chown"):
            yield "owned-files", instruction.span
    yield from (("port-declared", one.span) for one in stage.instructions_of("EXPOSE"))
    for instruction in (one for one in stage.instructions if one.keyword == "ENV"):
        for pair in instruction.pairs:
            variable_value = stage.variable_value(pair.name, instruction.span.end)  # with the defaults of ARGs
            yield from ((fact, instruction.span) for fact in variable_facts(pair.name, variable_value))
