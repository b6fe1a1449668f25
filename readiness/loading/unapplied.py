"""Manifests that nobody applies, as far as the tree tells: left out by the kustomization of their folder, or rendered and forgotten.

Where no GitOps engine applies the tree, a file beside a kustomization is one to apply by hand (counted over 174 repositories:
docs/purpose.md).
"""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator

from readiness.loading.discover import DiscoveredFiles
from readiness.loading.engine_objects import KUSTOMIZING_ENGINE_OBJECT, PATH_UNDER_ITS_KEY
from readiness.loading.programs_read import program_text
from readiness.loading.render import KUSTOMIZATION_FILENAMES
from readiness.model import Source
from readiness.model.lazy_regex import lazy_regex

REASON_LEFT_OUT_OF_KUSTOMIZATION = "the kustomization beside it leaves it out"
REASON_TWIN_IS_LISTED = "the kustomization above it lists a file of the same name beside itself, and nothing lists this one"
REASON_FORGOTTEN_HELM_OUTPUT = "it is output of helm template under no release's name, and nothing names it"
# What charts call the release where nobody gave a name to `helm template`.
_HELM_SOURCE_COMMENT = lazy_regex(r"^# Source: [^\n]{1,200}/templates/", re.MULTILINE)
_DEFAULT_RELEASE_NAME_LABEL = lazy_regex(
    r"^[ ]*(?:app\.kubernetes\.io/instance|release):[ ]?[\"']?(?:release-name|RELEASE-NAME)[\"']?[ ]*\r?$", re.MULTILINE
)
_API_VERSION_LINE = lazy_regex(r"^apiVersion:", re.MULTILINE)
# Where an engine begins: somebody applies these once, by hand. So are secrets that a file keeps encrypted.
_APPLIED_BY_HAND_FIRST = lazy_regex(r"^(?:kind:[ ]?[\"']?(?:Application|ApplicationSet|AppProject|Kustomization)\b|sops:)", re.MULTILINE)
_LIST_LINE = lazy_regex(r"^(?:[ ]*-|[^\n\[]{0,200}\[)([^\n]*)", re.MULTILINE)  # `namespace: web` names no folder
_PATH_WORD = lazy_regex(r"[\w.@/-]+")
_SCRIPT_PATH = lazy_regex(r"(?:\A|/)(?:makefile|justfile|\.?justfile|gnumakefile)\Z|\.(?:sh|bash|mk|just|ps1)\Z", re.IGNORECASE)
_MAX_SCRIPTS_PER_RUN = 100  # read in a run


def mark_unapplied_manifests(discovered: DiscoveredFiles) -> None:
    """Say of each manifest that nobody applies why that is so; what a document, a script or a kustomization names may be applied."""
    kustomization_sources = [one for one in discovered.sources if posixpath.basename(one.path) in KUSTOMIZATION_FILENAMES]
    sources_and_reasons = [
        (one, REASON_FORGOTTEN_HELM_OUTPUT)
        for one in discovered.sources
        if "/templates/" in one.text and _HELM_SOURCE_COMMENT.search(one.text) and _DEFAULT_RELEASE_NAME_LABEL.search(one.text)
    ]
    engine_sources = [one for one in discovered.sources if KUSTOMIZING_ENGINE_OBJECT.search(one.text)] if kustomization_sources else []
    if engine_sources:
        sources_and_reasons += [
            (one, REASON_LEFT_OUT_OF_KUSTOMIZATION)
            for one in _manifests_left_out(discovered, {posixpath.dirname(one.path) for one in kustomization_sources})
        ]
        sources_and_reasons += [
            (one, REASON_TWIN_IS_LISTED) for one in _manifests_with_listed_twin(discovered, kustomization_sources, engine_sources)
        ]
    if not sources_and_reasons:
        return
    paths_named_by_kustomizations = {path for one in kustomization_sources for path in paths_named_by_kustomization(one)}
    folders_and_texts = folders_and_texts_that_may_apply(discovered)
    for source, unapplied_reason in sources_and_reasons:
        if posixpath.normpath(source.path) not in paths_named_by_kustomizations and not is_applied_by_hand(source.path, folders_and_texts):
            source.unapplied_because = unapplied_reason


def _manifests_left_out(discovered: DiscoveredFiles, kustomization_folders: Collection[str]) -> Iterator[Source]:
    """The manifests in folders with a kustomization that no other file of their folder names."""
    sources_by_folder: dict[str, list[Source]] = defaultdict(list)
    for source in discovered.sources:
        if posixpath.dirname(source.path) in kustomization_folders:
            sources_by_folder[posixpath.dirname(source.path)].append(source)
    for folder_sources in sources_by_folder.values():
        for source in folder_sources:
            if _is_manifest(source) and not _is_named_by_sibling_file(source, folder_sources):
                yield source


def _manifests_with_listed_twin(
    discovered: DiscoveredFiles, kustomization_sources: Collection[Source], engine_sources: Iterable[Source]
) -> Iterator[Source]:
    """The manifests in folders without a kustomization whose parent's lists a file of the same name beside itself instead.

    It takes in no folder of theirs, and no engine is given their folder as a path, from which it would take all files.
    """
    named_paths_by_folder = {posixpath.dirname(one.path): frozenset(paths_named_by_kustomization(one)) for one in kustomization_sources}
    listed_paths_by_folder = {
        posixpath.dirname(one.path): frozenset(_paths_in_words(one, " ".join(_LIST_LINE.findall(one.text)))) for one in kustomization_sources
    }
    engine_paths = {posixpath.normpath(path) for one in engine_sources for path in PATH_UNDER_ITS_KEY.findall(one.text) if path.strip("./")}
    for source in discovered.sources:
        folder, file_name = posixpath.split(source.path)
        parent_folder = posixpath.dirname(folder)
        named_paths = named_paths_by_folder.get(parent_folder, frozenset())
        is_twin_listed = posixpath.normpath(posixpath.join(parent_folder, file_name)) in named_paths
        if not folder or not is_twin_listed or folder in named_paths_by_folder:
            continue
        if posixpath.normpath(folder) in listed_paths_by_folder[parent_folder]:
            continue
        is_engine_path = any(f"/{posixpath.normpath(folder)}".endswith(f"/{path}") for path in engine_paths)
        folder_sources = [one for one in discovered.sources if posixpath.dirname(one.path) == folder]
        if not is_engine_path and _is_manifest(source) and not _is_named_by_sibling_file(source, folder_sources):
            yield source


def _is_manifest(source: Source) -> bool:
    """Whether a file holds objects for an engine to apply, and none that somebody applies before."""
    file_name = posixpath.basename(source.path)
    if file_name in KUSTOMIZATION_FILENAMES or not file_name.endswith((".yaml", ".yml")):
        return False
    return bool(_API_VERSION_LINE.search(source.text)) and not _APPLIED_BY_HAND_FIRST.search(source.text)


def paths_named_by_kustomization(kustomization: Source) -> Iterable[str]:
    """The paths that a kustomization may name: every word in it, from its own folder."""
    return _paths_in_words(kustomization, kustomization.text)


def _paths_in_words(kustomization: Source, text: str) -> Iterable[str]:
    """The words of a text as paths from the folder of a kustomization."""
    kustomization_folder = posixpath.dirname(kustomization.path)
    return (posixpath.normpath(posixpath.join(kustomization_folder, word)) for word in _PATH_WORD.findall(text))


def _is_named_by_sibling_file(source: Source, folder_sources: Iterable[Source]) -> bool:
    """Whether another file of a source's folder names it: a generator, a Taskfile."""
    file_name = posixpath.basename(source.path)
    return any(file_name in one.text for one in folder_sources if one is not source)


def folders_and_texts_that_may_apply(discovered: DiscoveredFiles) -> list[tuple[str, str]]:
    """(folder, text) of what people apply files by: documents, scripts and the files of make and its like."""
    folders_and_texts = [(posixpath.dirname(one.path), one.text) for one in (*discovered.prose_sources, *discovered.prose_sources_around)]
    folders_and_texts += [("", one.text) for one in discovered.sources]  # an Application, a Taskfile: those beside were asked already
    folders_and_texts += [(posixpath.dirname(path), text) for path, text in script_texts(discovered)]
    return folders_and_texts


def script_texts(discovered: DiscoveredFiles) -> Iterator[tuple[str, str]]:
    """(path, text) of the scripts and the files of make and its like, up to a bound."""
    script_paths = sorted(one for one in discovered.paths - discovered.passed_over_paths if _SCRIPT_PATH.search(one))
    for script_path in script_paths[:_MAX_SCRIPTS_PER_RUN]:
        yield script_path, program_text(discovered, script_path)


def is_applied_by_hand(manifest_path: str, folders_and_texts: Iterable[tuple[str, str]]) -> bool:
    """Whether a document or a script names a file: with its folder, or alone where it lies in that folder or applies it."""
    manifest_folder, file_name = posixpath.split(manifest_path)
    name_with_folder = f"{posixpath.basename(manifest_folder)}/{file_name}"
    apply_pattern = re.compile(rf"\bapply\b[^\n]{{0,200}}{re.escape(file_name)}\b")
    return any(
        file_name in text and (name_with_folder in text or (text_folder == manifest_folder and bool(manifest_folder)) or apply_pattern.search(text))
        for text_folder, text in folders_and_texts
    )
