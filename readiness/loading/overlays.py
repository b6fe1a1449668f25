"""Kustomizations: what each overlay deploys, judged as a project of its own."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from readiness.loading import image_names, reading
from readiness.loading.assembly import (
    CAUSE_ABSENT,
    CAUSE_BROKEN,
    CAUSE_OUTSIDE,
    REASON_TEMPLATE,
    Assembly,
    FileStatus,
)
from readiness.loading.discover import DiscoveredFiles
from readiness.loading.environments import (
    REASON_RENDERING_OFF,
    REASON_UNPARSED_RENDERING,
    add_environment,
    make_project,
    render_failure,
    rendered_file_status,
)
from readiness.loading.parsed import ParsedTexts
from readiness.loading.render import KUSTOMIZATION_FILENAMES
from readiness.loading.render.made import GeneratedSource, LimitError, RenderError
from readiness.loading.variants import Variants
from readiness.model import Finding, ParseError, Purpose, Rule, Severity, Source, Span
from readiness.syntax.yaml import Map

if TYPE_CHECKING:
    from readiness.loading.render.gather import OverlayInputs
    from readiness.loading.render.inner import InnerOverlay
    from readiness.loading.render.kustomize import Kustomization


@dataclass(slots=True)
class _BuiltOverlay:
    """What an overlay gives: its text, the documents of it that do not parse, and what a reader is to know."""

    source: GeneratedSource
    unparsed_documents: Sequence[tuple[str, ParseError, Source]] = ()
    reason: str = ""


class _Part(NamedTuple):
    """A kustomization that is built, and the paths of all files that it is made from."""

    root: Kustomization
    built: _BuiltOverlay
    files: set[str]


@dataclass(slots=True)
class _OverlaySources:
    """All overlays of a run: the texts that there are, and those that overlays took in besides."""

    walked_sources: dict[str, Source]
    documents_by_source: ParsedTexts
    extra_sources: dict[str, Source] = field(default_factory=dict)


def build_overlays(
    discovered: DiscoveredFiles,
    assembly: Assembly,
    core_rules: dict[str, Rule],
    variants: Variants,
    *,
    render_enabled: bool,
) -> dict[str, str]:
    """Build what the kustomizations deploy: path -> why not all of it is judged, of the files judged by that alone."""
    sources = {source.path: source for source in discovered.sources}
    if not any(posixpath.basename(path) in KUSTOMIZATION_FILENAMES for path in sources):
        return {}
    from readiness.loading.render import kustomize
    from readiness.loading.render.gather import OverlayInputs

    known = kustomize.read_kustomizations(sources, assembly.parsed)
    for path in (path for one in known.values() for path in one.patch_files if path in sources):
        sources[path].fragment = True  # a part of an object, where the overlay is not built
    roots = kustomize.root_kustomizations(known)
    if discovered.context.narrow:
        roots = [one for one in roots if _takes_in_judged(one, known, discovered)]
    if not roots:
        return {}
    if not render_enabled:
        assembly.file_statuses += [FileStatus(one.source.path, "kustomize", "skipped", REASON_RENDERING_OFF) for one in roots]
        return {}
    wanted, inner = _gather_all_inputs(roots, discovered, assembly, known)
    unseen = kustomize.unread_sources([one for one in wanted if isinstance(one, OverlayInputs)], sources)
    assembly.sources += unseen.values()
    overlays = _OverlaySources(sources | unseen, assembly.parsed)
    known = kustomize.read_kustomizations(overlays.walked_sources, assembly.parsed)
    users = {one.kustomization.folder: one.users for one in inner}
    done: list[tuple[_Part, Sequence[Kustomization]]] = []
    for root, within in zip([*roots, *(one.kustomization for one in inner)], wanted, strict=True):
        reached = kustomize.reachable_kustomizations(root, known)
        try:
            done.append((_build_part(root, reached, within, overlays), reached))
        except RenderError as error:
            if root.folder not in users:
                _tell_failure(root, error, assembly, core_rules, off=_is_switched_off(root, sources))
    aside = _set_aside(done, variants)
    taken: dict[str, str] = {}
    units: dict[tuple[str, ...], list[_Part]] = {}
    for part, kustomizations in done:
        is_aside = part.root.folder in aside
        source = part.built.source
        source.replaced_images = image_names.replaced_names(source.text, part.root.folder, users, known, discovered)
        source.trial = source.aside = is_aside
        if part.root.folder in variants.named_overlays:
            source.said = Purpose("production", "the settings name its overlay")
        for path in () if is_aside else part.files:
            assembly.environment_count_by_path[path] = assembly.environment_count_by_path.get(path, 0) + 1
        units.setdefault(users.get(part.root.folder, (part.root.folder, "")), []).append(part)
        taken |= dict.fromkeys(_files_of(kustomizations) - taken.keys(), "")
    for (folder, *_), some in units.items():
        broken = _add_overlay_project(folder or ".", some, discovered, assembly, core_rules)
        taken |= dict.fromkeys(broken & taken.keys(), REASON_UNPARSED_RENDERING)
    assembly.sources += overlays.extra_sources.values()
    return taken


def _build_part(
    root: Kustomization,
    reached: Sequence[Kustomization],
    within: OverlayInputs | RenderError,
    overlays: _OverlaySources,
) -> _Part:
    """What one kustomization gives. Raises RenderError, also where its files could not be gathered."""
    if isinstance(within, RenderError):
        raise within
    built = _build_overlay(root, reached, within, overlays)
    return _Part(root, built, _files_of(reached) | {within.tree.report_path(name) for name in within.files})


def _set_aside(done: Sequence[tuple[_Part, Sequence[Kustomization]]], variants: Variants) -> Collection[str]:
    """The folders of overlays that are not production's."""
    return variants.of_overlays([part.root for part, _ in done], [_taken_in(reached) for _, reached in done])


def _files_of(reached: Sequence[Kustomization]) -> set[str]:
    """The files and the patches that kustomizations name."""
    return {path for one in reached for path in (*one.resource_files, *one.patch_files)}


def _taken_in(reached: Sequence[Kustomization]) -> set[str]:
    """The files of an overlay's resources, and those that say which: what it has in common with its siblings."""
    return {path for one in reached for path in (one.source.path, *one.resource_files)}


def _takes_in_judged(root: Kustomization, known: Mapping[str, Kustomization], discovered: DiscoveredFiles) -> bool:
    """Whether an overlay, or what it takes in, is judged."""
    from readiness.loading.render import kustomize

    reached = kustomize.reachable_kustomizations(root, known)
    return not _files_of(reached) | _taken_in(reached) <= discovered.context.paths


def _add_overlay_project(
    unit: str,
    parts: Sequence[_Part],
    discovered: DiscoveredFiles,
    assembly: Assembly,
    core: dict[str, Rule],
) -> set[str]:
    """Add what an overlay gives as a project, and its row; the files whose documents do not parse.

    Of one that is not built, what is built of it goes together: `unit` is its folder.
    """
    from readiness.loading.render.overlay.placed import PlacedSource

    texts = [part.built.source for part in parts]
    judged = any(part.root.source.path not in discovered.context.paths for part in parts)
    reached = {path for part in parts for path in part.files}
    broken = add_environment(assembly, texts, discovered, core, unit, judged=judged, reached=reached)
    for root, built, _ in parts:
        if isinstance(built.source, PlacedSource) and built.source.kept is not None:
            built.source.kept.kind = "k8s"
            parsed = reading.parse_sources([built.source.kept])
            pairs = [(source.kind, document) for source, document, error in parsed if error is None]
            kept = make_project(pairs, discovered, unit, judged=judged)
            assembly.overlays_without_removals.append((built.source, kept))
        for _, error, home in built.unparsed_documents:
            assembly.parse_findings.append(_unparsed_document_finding(core["core/syntax"], home, error))
            broken.add(home.path)
        own = root.source.path
        assembly.file_statuses.append(
            rendered_file_status(own, "kustomize", REASON_UNPARSED_RENDERING if own in broken else "")
        )
        if built.reason and own not in broken:
            assembly.file_statuses[-1].reason = built.reason
    return broken


def _is_switched_off(root: Kustomization, sources: Mapping[str, Source]) -> bool:
    """Whether the kustomization of the folder above names an overlay in a comment, where a list would take it in."""
    above, name = posixpath.split(root.folder)
    texts = [
        sources[path].text
        for path in (posixpath.join(above, one) for one in KUSTOMIZATION_FILENAMES)
        if name and path in sources
    ]
    entries = (match[1] for text in texts for match in _COMMENTED.finditer(text))
    return any(posixpath.normpath(entry) == name for entry in entries)


_COMMENTED = re.compile(r"^[ \t]*#[ \t]*-[ \t]+([\w./-]{1,200})[ \t]*\r?$", re.MULTILINE)


def _tell_failure(
    kustomization: Kustomization,
    error: RenderError,
    assembly: Assembly,
    core: dict[str, Rule],
    *,
    off: bool,
) -> None:
    """The row of an overlay that gave nothing, and the finding where what stops it is written; low where it is switched off."""
    from readiness.loading.render.gather import OverlayRefusedError, RemoteChartError
    from readiness.loading.render.overlay.placed import (
        InvalidKustomizationError,
        NeedsOtherBuilderError,
        UnsupportedFeatureError,
    )

    own = kustomization.source
    reason = str(error)
    if isinstance(error, OverlayRefusedError | LimitError):
        flag = "--enable-helm " if isinstance(error, RemoteChartError) else ""
        way = f"`kustomize build {flag}{shlex.quote(kustomization.folder or '.')} | readiness check -`"
        reason = f"{error}; {way} judges what it gives"
    if isinstance(error, OverlayRefusedError):
        assembly.file_statuses.append(FileStatus(own.path, "kustomize", "skipped", reason, CAUSE_OUTSIDE))
        return
    rule = core["core/not-rendered"]
    finding = render_failure(rule, own, "overlay", "", reason)
    if off and not isinstance(error, LimitError):
        finding = finding._replace(lowered_severity=Severity.LOW)
    if isinstance(error, InvalidKustomizationError):
        source, span = error.place
        finding = finding._replace(source=source, span=source.one_line(span))
        if source is not own:
            reason = f"{source.path}:{source.position_of(span.start).line}: {reason}"
    cause = CAUSE_ABSENT if isinstance(error, NeedsOtherBuilderError | UnsupportedFeatureError | LimitError) else CAUSE_BROKEN
    assembly.file_statuses.append(FileStatus(own.path, "kustomize", "skipped", reason, cause))
    if not isinstance(error, UnsupportedFeatureError):
        assembly.parse_findings.append(finding)


def _build_overlay(
    root: Kustomization,
    reachable_kustomizations: Sequence[Kustomization],
    gathered_inputs: OverlayInputs,
    overlays: _OverlaySources,
) -> _BuiltOverlay:
    """What an overlay gives, built here; by a program where there is one that can do what is not done here.

    Raises RenderError with the reason of this builder, which names a place, rather than with that of the program.
    """
    from readiness.loading.render import kustomize
    from readiness.loading.render.gather import OverlayRefusedError
    from readiness.loading.render.overlay.builder import build_source
    from readiness.loading.render.overlay.placed import (
        NeedsOtherBuilderError,
        UnsupportedFeatureError,
    )
    from readiness.loading.render.process import REASON_UNCONFINED

    sources: Mapping[str, Source] = overlays.walked_sources | overlays.extra_sources
    try:
        source, more = build_source(gathered_inputs, root.source, root.folder or ".", sources, overlays.documents_by_source)
    except (NeedsOtherBuilderError, OverlayRefusedError):
        raise
    except RenderError as error:
        if not kustomize.build_command():
            if isinstance(error, UnsupportedFeatureError):
                raise UnsupportedFeatureError(f"{error}; {kustomize.REASON_NO_BUILDER}") from None
            raise
        try:
            other = kustomize.build_overlay(
                root,
                list(reachable_kustomizations),
                sources,
                gathered_inputs,
                overlays.documents_by_source,
            )
        except LimitError:
            raise  # what a program builds holds, whatever is said here, and nobody knows
        except RenderError as second:
            raise (second if isinstance(error, UnsupportedFeatureError) else error) from None
        return _BuiltOverlay(other, other.lost, "" if other.confined else REASON_UNCONFINED)
    overlays.extra_sources |= more
    return _BuiltOverlay(source)


def _unparsed_document_finding(rule: Rule, source: Source, error: ParseError) -> Finding:
    """The finding that stands for a document that an overlay builds and nobody can read, where it came from."""
    text = rule.message.format(kind="Kubernetes", reason=error.message)
    return Finding(rule, source, source.one_line(Span(0, len(source.text))), text)


def add_kustomization(source: Source, assembly: Assembly, core: dict[str, Rule]) -> None:
    """A kustomization that stands by itself in the project: nothing else says so where it is no YAML, or no mapping."""
    try:
        documents = assembly.parsed.documents(source)
        if not documents or not isinstance(documents[0], Map):
            raise ParseError("a kustomization is a mapping", 0)
    except ParseError as error:
        line = source.line_text(source.position_of(error.offset).line)
        if "{{" in line or "{%" in line:
            assembly.file_statuses.append(FileStatus(source.path, "kustomize", "skipped", REASON_TEMPLATE))
            return
        assembly.file_statuses.append(FileStatus(source.path, "kustomize", "invalid", error.message, CAUSE_BROKEN))
        assembly.parse_findings.append(reading.syntax_finding(core["core/syntax"], source, error, "kustomization"))
    else:
        assembly.sources.append(source)


def _gather_all_inputs(
    roots: Sequence[Kustomization],
    discovered: DiscoveredFiles,
    assembly: Assembly,
    known: Mapping[str, Kustomization],
) -> tuple[list[OverlayInputs | RenderError], list[InnerOverlay]]:
    """What each overlay takes in, or why it is not built; and behind them the same of the second, the overlays inside of those.

    Of an overlay that takes in something from elsewhere, what is here is built in as large parts as can be.
    """
    from readiness.loading.render import inputs
    from readiness.loading.render.gather import (
        OverlayRefusedError,
        gather_inputs,
        is_refused_itself,
    )
    from readiness.loading.render.inner import buildable_below
    from readiness.loading.render.tree import ConfinedTree, root_of

    trees: dict[Path, ConfinedTree] = {}
    given = [discovered.base / one for one in (*discovered.walked_folders, *map(posixpath.dirname, discovered.named_paths))]

    def place_of(one: Kustomization) -> tuple[ConfinedTree, str]:
        folder = discovered.base / one.folder
        where = root_of(folder, given)
        tree = trees.setdefault(where, ConfinedTree(where, discovered.base))
        return tree, tree.path_in_tree(folder)

    def gather(one: Kustomization) -> OverlayInputs | RenderError:
        try:
            return gather_inputs(*place_of(one))
        except RenderError as error:
            return error

    wanted = [gather(root) for root in roots]
    pairs = list(zip(roots, wanted, strict=True))
    refused = [root for root, said in pairs if isinstance(said, OverlayRefusedError)]
    built = [root for root, said in pairs if not isinstance(said, RenderError)]
    inner = buildable_below(refused, built, known, lambda one: is_refused_itself(*place_of(one)))
    wanted += [gather(one.kustomization) for one in inner]
    for tree in trees.values():
        assembly.render_inputs += inputs.tree_inputs(tree)
    return wanted, inner


def inflating_overlays(discovered: DiscoveredFiles, parsed: ParsedTexts) -> list[Kustomization]:
    """The kustomizations that the walk read and that inflate charts."""
    sources = {one.path: one for one in discovered.sources if posixpath.basename(one.path) in KUSTOMIZATION_FILENAMES}
    if not any("helm" in one.text for one in sources.values()):
        return []
    from readiness.loading.render import kustomize

    known = kustomize.read_kustomizations(sources, parsed)
    return [one for one in known.values() if one.helm_charts]
