"""Kustomizations: what each overlay deploys, judged as a project of its own."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from readiness.loading import image_names, reading
from readiness.loading.assembly import CAUSE_BROKEN, REASON_TEMPLATE, Assembly, FileStatus
from readiness.loading.built_overlays import OverlayPart, OverlaySources, build_kustomization, resource_and_patch_paths
from readiness.loading.discover import DiscoveredFiles
from readiness.loading.environments import (
    REASON_RENDERING_OFF,
    REASON_UNPARSED_RENDERING,
    add_environment_project,
    make_project,
    rendered_file_status,
)
from readiness.loading.overlay_failures import FailureContext, record_left_out_parts, record_overlay_failure
from readiness.loading.parsed import ParsedTexts
from readiness.loading.render import KUSTOMIZATION_FILENAMES
from readiness.loading.render.made import CrashedBuildError, RenderError, without_frames
from readiness.loading.variants import Variants
from readiness.model import Finding, ParseError, Purpose, Rule, Source, Span
from readiness.model.lazy_regex import lazy_regex
from readiness.syntax.yaml import Map

if TYPE_CHECKING:
    from readiness.loading.render.gather import OverlayInputs
    from readiness.loading.render.inner import InnerOverlay
    from readiness.loading.render.kustomize import Kustomization
    from readiness.loading.render.made import RenderInput
    from readiness.loading.render.tree import ConfinedTree
    from readiness.loading.render.work import OverlayWorkOfRun


def build_overlays(
    discovered: DiscoveredFiles, assembly: Assembly, core_rules: dict[str, Rule], variants: Variants, *, is_rendering_enabled: bool
) -> dict[str, str]:
    """Build what the kustomizations deploy: path -> why not all of it is judged, of the files judged by that alone."""
    source_by_path = {source.path: source for source in discovered.sources}
    if not any(posixpath.basename(file_path) in KUSTOMIZATION_FILENAMES for file_path in source_by_path):
        return {}
    from readiness.loading.render import kustomize
    from readiness.loading.render.gather import OverlayInputs
    from readiness.loading.render.work import OverlayWorkOfRun

    kustomization_by_folder = kustomize.kustomization_by_folder(source_by_path, assembly.parsed)
    for file_path in (file_path for one in kustomization_by_folder.values() for file_path in one.patch_files if file_path in source_by_path):
        source_by_path[file_path].fragment = True  # a part of an object, where the overlay is not built
    root_kustomizations = _judged_root_kustomizations(kustomization_by_folder, discovered)
    if not is_rendering_enabled:
        assembly.file_statuses += [FileStatus(one.source.path, "kustomize", "skipped", REASON_RENDERING_OFF) for one in root_kustomizations]
    if not root_kustomizations or not is_rendering_enabled:
        return {}
    work_of_run = OverlayWorkOfRun()
    input_gatherer = _InputGatherer(discovered, work_of_run)
    inputs_or_errors = [input_gatherer.inputs_or_error_of(one) for one in root_kustomizations]
    unread_source_by_path = kustomize.unread_source_by_path([one for one in inputs_or_errors if isinstance(one, OverlayInputs)], source_by_path)
    assembly.sources += unread_source_by_path.values()
    overlay_sources = OverlaySources(source_by_path | unread_source_by_path, assembly.parsed, assembly.budget, discovered.may_be_ignored, work_of_run)
    kustomization_by_folder = kustomize.kustomization_by_folder(overlay_sources.walked_sources, assembly.parsed)
    failure_context = FailureContext(assembly, core_rules, discovered.may_be_ignored)
    parts_and_reached_kustomizations: list[tuple[OverlayPart, Sequence[Kustomization]]] = []
    refused_roots = []
    for kustomization, inputs_or_error in zip(root_kustomizations, inputs_or_errors, strict=True):
        is_gathered = isinstance(inputs_or_error, OverlayInputs)
        reached_kustomizations = kustomize.reachable_kustomizations(kustomization, kustomization_by_folder) if is_gathered else []
        is_commented_out = _is_commented_out_above(kustomization, source_by_path)
        part_or_error = _build_part(kustomization, reached_kustomizations, inputs_or_error, overlay_sources)
        if isinstance(part_or_error, RenderError):
            record_overlay_failure(kustomization, part_or_error, failure_context, is_commented_out=is_commented_out)
            if isinstance(inputs_or_error, OverlayInputs) and inputs_or_error.refusals:
                refused_roots.append(kustomization)
        else:
            record_left_out_parts(kustomization, part_or_error.built, failure_context, is_commented_out=is_commented_out)
            parts_and_reached_kustomizations.append((part_or_error, reached_kustomizations))
    inner_overlays = input_gatherer.inner_overlays(refused_roots, parts_and_reached_kustomizations, kustomization_by_folder)
    for kustomization in (one.kustomization for one in inner_overlays):
        reached_kustomizations = kustomize.reachable_kustomizations(kustomization, kustomization_by_folder)
        part_or_error = _build_part(kustomization, reached_kustomizations, input_gatherer.inputs_or_error_of(kustomization), overlay_sources)
        if isinstance(part_or_error, OverlayPart):
            parts_and_reached_kustomizations.append((part_or_error, reached_kustomizations))
        elif isinstance(part_or_error, CrashedBuildError):  # another error is told of the overlay that takes it in
            record_overlay_failure(kustomization, part_or_error, failure_context, is_commented_out=False)
    assembly.render_inputs += input_gatherer.render_inputs()
    overlay_users = _OverlayUsers({one.kustomization.folder: one.users for one in inner_overlays}, kustomization_by_folder)
    unjudged_reason_by_path = _add_built_overlays(parts_and_reached_kustomizations, overlay_users, discovered, assembly, core_rules, variants)
    assembly.sources += overlay_sources.extra_sources.values()
    return unjudged_reason_by_path


def _judged_root_kustomizations(kustomization_by_folder: Mapping[str, Kustomization], discovered: DiscoveredFiles) -> list[Kustomization]:
    """The kustomizations that no other takes in; where some files alone are judged, those that take in one of them."""
    from readiness.loading.render import kustomize

    roots = kustomize.root_kustomizations(kustomization_by_folder)
    return [one for one in roots if not discovered.context.narrow or _takes_in_judged_file(one, kustomization_by_folder, discovered)]


def _build_part(
    kustomization: Kustomization,
    reached_kustomizations: Sequence[Kustomization],
    inputs_or_error: OverlayInputs | RenderError,
    overlay_sources: OverlaySources,
) -> OverlayPart | RenderError:
    """An overlay built, or why it is not: a CrashedBuildError where its building raised what it does not document."""
    try:
        return build_kustomization(kustomization, reached_kustomizations, inputs_or_error, overlay_sources)
    except RenderError as error:
        return without_frames(error)
    except MemoryError:
        raise
    except Exception as error:
        return CrashedBuildError(error)


class _OverlayUsers(NamedTuple):
    """Which folders take each overlay in, and all kustomizations by their folders."""

    user_folders_by_folder: Mapping[str, tuple[str, ...]]
    kustomization_by_folder: Mapping[str, Kustomization]


def _add_built_overlays(
    parts_and_reached_kustomizations: Sequence[tuple[OverlayPart, Sequence[Kustomization]]],
    overlay_users: _OverlayUsers,
    discovered: DiscoveredFiles,
    assembly: Assembly,
    core_rules: dict[str, Rule],
    variants: Variants,
) -> dict[str, str]:
    """Add a project for each unit of built overlays; path -> why not all of it is judged, of the files judged by that alone."""
    user_folders_by_folder, kustomization_by_folder = overlay_users
    non_production_folders = _non_production_overlay_folders(parts_and_reached_kustomizations, variants)
    unjudged_reason_by_path: dict[str, str] = {}
    parts_by_unit: dict[tuple[str, ...], list[OverlayPart]] = {}
    for built_part, _ in parts_and_reached_kustomizations:
        is_aside = built_part.root.folder in non_production_folders
        for source in built_part.built.sources:
            source.replaced_images = image_names.replaced_image_names(
                source.text, built_part.root.folder, user_folders_by_folder, kustomization_by_folder, discovered
            )
            source.trial = source.aside = is_aside
            if built_part.root.folder in variants.named_overlays:
                source.said = Purpose("production", "the settings name its overlay")
        for file_path in () if is_aside else built_part.files:
            assembly.environment_count_by_path[file_path] = assembly.environment_count_by_path.get(file_path, 0) + 1
        parts_by_unit.setdefault(user_folders_by_folder.get(built_part.root.folder, (built_part.root.folder, "")), []).append(built_part)
        unjudged_reason_by_path |= dict.fromkeys(built_part.judged_paths - unjudged_reason_by_path.keys(), "")
    for (unit_folder, *_), parts_of_unit in parts_by_unit.items():
        unparsed_paths = _add_overlay_project(unit_folder or ".", parts_of_unit, discovered, assembly, core_rules)
        unjudged_reason_by_path |= dict.fromkeys(unparsed_paths & unjudged_reason_by_path.keys(), REASON_UNPARSED_RENDERING)
    return unjudged_reason_by_path


def _non_production_overlay_folders(
    parts_and_reached_kustomizations: Sequence[tuple[OverlayPart, Sequence[Kustomization]]], variants: Variants
) -> Collection[str]:
    """The folders of overlays that are not production's."""
    return variants.of_overlays(
        [part.root for part, _ in parts_and_reached_kustomizations],
        [_kustomization_and_resource_paths(reached_kustomizations) for _, reached_kustomizations in parts_and_reached_kustomizations],
    )


def _kustomization_and_resource_paths(kustomizations: Sequence[Kustomization]) -> set[str]:
    """The files of an overlay's resources, and those that say which: what it has in common with its siblings."""
    return {path for one in kustomizations for path in (one.source.path, *one.resource_files)}


def _takes_in_judged_file(overlay: Kustomization, kustomization_by_folder: Mapping[str, Kustomization], discovered: DiscoveredFiles) -> bool:
    """Whether an overlay, or what it takes in, is judged."""
    from readiness.loading.render import kustomize

    reached_kustomizations = kustomize.reachable_kustomizations(overlay, kustomization_by_folder)
    return (
        not resource_and_patch_paths(reached_kustomizations) | _kustomization_and_resource_paths(reached_kustomizations) <= discovered.context.paths
    )


def _add_overlay_project(
    unit_folder: str, parts: Sequence[OverlayPart], discovered: DiscoveredFiles, assembly: Assembly, core_rules: dict[str, Rule]
) -> set[str]:
    """Add what an overlay gives as a project, and its row; the files whose documents do not parse.

    Of one that is not built, what is built of it goes together: `unit_folder` is its folder.
    """
    from readiness.loading.render.overlay.placed import PlacedSource

    built_sources = [source for part in parts for source in part.built.sources]
    lacked_namespaces = frozenset(namespace for part in parts for namespace in part.built.lacked_namespaces)
    is_judged = any(part.root.source.path not in discovered.context.paths for part in parts)
    paths_made_from = {path for part in parts for path in part.files}
    unparsed_paths = add_environment_project(
        assembly,
        built_sources,
        discovered,
        core_rules,
        unit_folder,
        is_judged=is_judged,
        paths_made_from=paths_made_from,
    )
    assembly.projects[-1].lacked_namespaces = lacked_namespaces
    for kustomization, built_overlay, *_ in parts:
        if isinstance(built_overlay.source, PlacedSource) and built_overlay.source.kept is not None:
            built_overlay.source.kept.kind = "k8s"
            parse_results = reading.parse_sources([built_overlay.source.kept])
            kinds_and_documents = [(source.kind, document) for source, document, parse_error in parse_results if parse_error is None]
            project_without_removals = make_project(kinds_and_documents, discovered, unit_folder, is_judged=is_judged)
            project_without_removals.lacked_namespaces = lacked_namespaces
            assembly.overlays_without_removals.append((built_overlay.source, project_without_removals))
        for _, parse_error, written_source in built_overlay.unparsed_documents:
            assembly.parse_findings.append(_unparsed_document_finding(core_rules["core/syntax"], written_source, parse_error))
            unparsed_paths.add(written_source.path)
        kustomization_path = kustomization.source.path
        assembly.file_statuses.append(
            rendered_file_status(kustomization_path, "kustomize", REASON_UNPARSED_RENDERING if kustomization_path in unparsed_paths else "")
        )
        if built_overlay.reason and kustomization_path not in unparsed_paths:
            assembly.file_statuses[-1].reason, assembly.file_statuses[-1].cause = built_overlay.reason, built_overlay.cause
    return unparsed_paths


def _is_commented_out_above(overlay: Kustomization, source_by_path: Mapping[str, Source]) -> bool:
    """Whether the kustomization of the folder above names an overlay in a comment, where a list would take it in."""
    parent_folder, folder_name = posixpath.split(overlay.folder)
    parent_kustomization_texts = [
        source_by_path[path].text
        for path in (posixpath.join(parent_folder, one) for one in KUSTOMIZATION_FILENAMES)
        if folder_name and path in source_by_path
    ]
    commented_entries = (match[1] for text in parent_kustomization_texts for match in _COMMENTED_LIST_ENTRY.finditer(text))
    return any(posixpath.normpath(entry) == folder_name for entry in commented_entries)


_COMMENTED_LIST_ENTRY = lazy_regex(r"^[ \t]*#[ \t]*-[ \t]+([\w./-]{1,200})[ \t]*\r?$", re.MULTILINE)


def _unparsed_document_finding(rule: Rule, written_source: Source, parse_error: ParseError) -> Finding:
    """The finding that stands for a document that an overlay builds and nobody can read, where it came from."""
    finding_text = rule.message.format(kind="Kubernetes", reason=parse_error.message)
    return Finding(rule, written_source, written_source.one_line(Span(0, len(written_source.text))), finding_text)


def record_kustomization(kustomization_source: Source, assembly: Assembly, core_rules: dict[str, Rule]) -> None:
    """A kustomization that stands by itself in the project: nothing else says so where it is no YAML, or no mapping."""
    try:
        yaml_documents = assembly.parsed.documents(kustomization_source)
        if not yaml_documents:
            raise ParseError(reading.NOTHING_BUT_COMMENTS, 0)
        if not isinstance(yaml_documents[0], Map):
            raise ParseError("a kustomization is a mapping", 0)
    except ParseError as error:
        error_line = kustomization_source.line_text(kustomization_source.position_of(error.offset).line)
        if "{{" in error_line or "{%" in error_line:
            assembly.file_statuses.append(FileStatus(kustomization_source.path, "kustomize", "skipped", REASON_TEMPLATE))
            return
        is_switched_off = error.message == reading.NOTHING_BUT_COMMENTS
        file_status = FileStatus(kustomization_source.path, "kustomize", "invalid", error.message, CAUSE_BROKEN)
        assembly.file_statuses.append(
            FileStatus(kustomization_source.path, "kustomize", "skipped", error.message) if is_switched_off else file_status
        )
        assembly.parse_findings.append(reading.syntax_finding(core_rules["core/syntax"], kustomization_source, error, "kustomization"))
    else:
        assembly.sources.append(kustomization_source)


class _InputGatherer:
    """Works out what overlays take in, each in the tree that it belongs to."""

    def __init__(self, discovered: DiscoveredFiles, work_of_run: OverlayWorkOfRun) -> None:
        self._discovered = discovered
        self._work_of_run = work_of_run
        self._tree_by_root: dict[Path, ConfinedTree] = {}
        named_folders = (*discovered.walked_folders, *map(posixpath.dirname, discovered.named_paths))
        self._requested_folders = [discovered.base / one for one in named_folders]

    def _tree_and_path_in_tree(self, kustomization: Kustomization) -> tuple[ConfinedTree, str]:
        from readiness.loading.render.tree import ConfinedTree, tree_root_of_folder

        folder = self._discovered.base / kustomization.folder
        tree_root = tree_root_of_folder(folder, self._requested_folders)
        tree = self._tree_by_root.setdefault(tree_root, ConfinedTree(tree_root, self._discovered.base))
        return tree, tree.path_in_tree(folder)

    def inputs_or_error_of(self, kustomization: Kustomization) -> OverlayInputs | RenderError:
        """What an overlay takes in, or why it is not built."""
        from readiness.loading.render.gather import gather_overlay_inputs

        try:
            return gather_overlay_inputs(*self._tree_and_path_in_tree(kustomization), self._work_of_run)
        except RenderError as error:
            return without_frames(error)
        except MemoryError:
            raise
        except Exception as error:
            return CrashedBuildError(error)

    def inner_overlays(
        self,
        refused_roots: Sequence[Kustomization],
        parts_and_reached_kustomizations: Sequence[tuple[OverlayPart, Sequence[Kustomization]]],
        kustomization_by_folder: Mapping[str, Kustomization],
    ) -> list[InnerOverlay]:
        """Of overlays that take in something from elsewhere and are not built without it, what is here, in as large parts as can be built."""
        from readiness.loading.render.gather import is_refused_without_its_bases
        from readiness.loading.render.inner import outermost_buildable_overlays

        built_roots = [part.root for part, _ in parts_and_reached_kustomizations]
        return outermost_buildable_overlays(
            refused_roots, built_roots, kustomization_by_folder, lambda one: is_refused_without_its_bases(*self._tree_and_path_in_tree(one))
        )

    def render_inputs(self) -> Iterator[RenderInput]:
        """All that was looked at."""
        from readiness.loading.render import inputs

        for tree in self._tree_by_root.values():
            yield from inputs.tree_inputs(tree)


def chart_inflating_kustomizations(discovered: DiscoveredFiles, parsed_yaml: ParsedTexts) -> list[Kustomization]:
    """The kustomizations that the walk read and that inflate charts."""
    kustomization_source_by_path = {one.path: one for one in discovered.sources if posixpath.basename(one.path) in KUSTOMIZATION_FILENAMES}
    if not any("helm" in one.text for one in kustomization_source_by_path.values()):
        return []
    from readiness.loading.render import kustomize

    kustomization_by_folder = kustomize.kustomization_by_folder(kustomization_source_by_path, parsed_yaml)
    return [one for one in kustomization_by_folder.values() if one.helm_charts]
