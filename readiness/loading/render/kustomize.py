"""Kustomizations: what an overlay builds, each object told in the base or the patch that says it."""

from __future__ import annotations

import json
import os
import posixpath
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from readiness.files import decode_text
from readiness.loading.parsed import ParsedTexts
from readiness.loading.render import KUSTOMIZATION_FILENAMES
from readiness.loading.render.gather import CHARTS, OverlayInputs, is_remote
from readiness.loading.render.made import GeneratedSource, LimitError, RenderError
from readiness.loading.render.process import is_confined, run_renderer
from readiness.loading.render.tree import ConfinedTree
from readiness.model import ParseError, Source, Span
from readiness.programs import find_program, is_shim
from readiness.syntax.yaml import Map, Seq, load_yaml_documents

REASON_NO_BUILDER = (
    "overlay was not built: neither `kustomize` nor `kubectl` is installed; install one of them"
    " (a snap or a version manager's shim does not serve)"
)
MAX_OUTPUT_BYTES = 10 << 20  # bytes of what one overlay builds: what a single file may have
_ORIGIN_ANNOTATION = "config.kubernetes.io/origin"
_ORIGIN_PATH_LINE = re.compile(r"^[ \t]*(?:path|configuredIn): (.+)$", re.MULTILINE)
_DOCUMENT_SEPARATOR = re.compile(r"^---\n", re.MULTILINE)


@dataclass(slots=True)
class Kustomization:
    """One kustomization file: what it takes in, by paths as reports print them.

    `helm_charts` are the entries of `helmCharts` or `helmChartInflationGenerator`, `image_names` the images that it replaces.
    """

    source: Source
    folder: str
    is_component: bool
    resource_folders: list[str] = field(default_factory=list)
    resource_files: list[str] = field(default_factory=list)
    patch_files: list[str] = field(default_factory=list)
    helm_charts: list[Map] = field(default_factory=list)
    chart_home: str = "charts"
    image_names: list[str] = field(default_factory=list)


def read_kustomizations(sources: Mapping[str, Source], parsed: ParsedTexts) -> dict[str, Kustomization]:
    """The kustomizations among the texts, by folder; those that are no YAML are left out."""
    kustomizations = {}
    for path, source in sources.items():
        if posixpath.basename(path) not in KUSTOMIZATION_FILENAMES:
            continue
        try:
            documents = parsed.documents(source)
        except ParseError:
            continue
        if documents and isinstance(documents[0], Map):
            kustomization = _read_kustomization(source, documents[0], sources)
            kustomizations[kustomization.folder] = kustomization
    return kustomizations


def _read_kustomization(source: Source, spec: Map, sources: Mapping[str, Source]) -> Kustomization:
    """What a kustomization says it takes in; the builder reads its keys in any case."""
    folder = posixpath.dirname(source.path)
    given = {key.casefold(): value for key, value in spec.items()}
    kustomization = Kustomization(source, folder, given.get("kind") == "Component")
    kustomization.image_names = [one.string_under("name") for one in spec.mappings_under("images")]
    for key in (
        "resources",
        "bases",
        "components",
        "generators",
        "transformers",
        "validators",
        "crds",
    ):
        for entry in _string_list(given.get(key)):
            if is_remote(entry):
                continue
            path = _joined_path(folder, entry)
            (kustomization.resource_files if path in sources else kustomization.resource_folders).append(path)
    kustomization.patch_files += [_joined_path(folder, entry) for entry in _string_list(given.get("patchesstrategicmerge"))]
    _read_charts(kustomization, spec)
    for key in ("patches", "patchesjson6902"):
        kustomization.patch_files += [_joined_path(folder, path) for path in _path_list(given.get(key))]
    return kustomization


def _read_charts(kustomization: Kustomization, spec: Map) -> None:
    """Which charts a kustomization inflates."""
    for key, value in spec.items():
        if key.casefold() in CHARTS and isinstance(value, Seq):
            kustomization.helm_charts += [entry for entry in value if isinstance(entry, Map)]
        home = value.get("chartHome") if isinstance(value, Map) else None
        if key.casefold() == "helmglobals" and isinstance(home, str):
            kustomization.chart_home = home


def _joined_path(folder: str, entry: str) -> str:
    """A path as reports print it, of an entry of a kustomization in a folder."""
    path = posixpath.normpath(posixpath.join(folder, entry))
    return "" if path == "." else path


def _string_list(value: Any) -> Iterator[str]:
    if isinstance(value, Seq):
        yield from (entry for entry in value if isinstance(entry, str) and "\n" not in entry)


def _path_list(value: Any) -> Iterator[str]:
    """The files of patches; a plain name is the form that builders took before kustomize 5."""
    if isinstance(value, Seq):
        yield from _string_list(value)
        for item in value:
            if isinstance(item, Map) and isinstance(item.get("path"), str):
                yield item["path"]


def root_kustomizations(
    kustomizations_by_folder: Mapping[str, Kustomization],
) -> list[Kustomization]:
    """What is deployed: the kustomizations that no other one takes in, and one of each circle of them.

    One below a folder cannot take that in: builders refuse it.
    """
    taken = {
        folder
        for kustomization in kustomizations_by_folder.values()
        for folder in kustomization.resource_folders
        if folder and not f"{kustomization.folder}/".startswith(f"{folder}/")
    }
    roots = [one for _, one in sorted(kustomizations_by_folder.items()) if not one.is_component]
    kustomizations = [one for one in roots if one.folder not in taken]
    reached = {inner.folder for one in kustomizations for inner in reachable_kustomizations(one, kustomizations_by_folder)}
    for kustomization in roots:
        if kustomization.folder not in reached:
            kustomizations.append(kustomization)
            reached |= {inner.folder for inner in reachable_kustomizations(kustomization, kustomizations_by_folder)}
    return kustomizations


def reachable_kustomizations(root: Kustomization, kustomizations_by_folder: Mapping[str, Kustomization]) -> list[Kustomization]:
    """A kustomization and all that it takes in, directly or not."""
    reached: dict[str, Kustomization] = {}
    waiting = [root]
    while waiting:
        kustomization = waiting.pop()
        if kustomization.folder not in reached:
            reached[kustomization.folder] = kustomization
            waiting += [
                kustomizations_by_folder[folder]
                for folder in kustomization.resource_folders
                if folder in kustomizations_by_folder
            ]
    return list(reached.values())


def build_command() -> list[str]:
    """What builds here: `kustomize`, else kubectl's; empty where there is neither.

    A shim is none: it needs a PATH and a home, and a builder is given neither.
    """
    for name, verb in (("kustomize", "build"), ("kubectl", "kustomize")):
        program = find_program(name)
        if program and not is_shim(program):
            return [program, verb]
    return []


class BuiltOverlay(GeneratedSource):
    """What an overlay built. An object is told in the file that its origin names, a field of it that a patch sets
    in the patch.

    `lost` are the documents that do not parse, with the reason and the file that they came from: in `text` there are
    blanks in their place. `confined` says whether the builder ran without a network.
    """

    __slots__ = ("confined", "lost", "objects")

    def __init__(self, path: str, text: str, environment: str) -> None:
        super().__init__(path, text, environment)
        self.confined = True
        self.lost: list[tuple[str, ParseError, Source]] = []
        self.objects: list[tuple[Map, list[tuple[Source, Map]], Source]] = []

    def written_location(self, span: Span) -> tuple[Source, Span]:
        """The deepest place of the same path, in the last patch that has all of it, else in the origin."""
        for node, written, fallback in self.objects:
            if node.at().start <= span.start <= node.at().end:
                steps = list(key_path_to_span(node, span))
                best = max(written, key=lambda pair: path_depth(pair[1], steps), default=None)
                if best is None:
                    return fallback, fallback.one_line(Span(0, len(fallback.text)))
                return best[0], best[0].one_line(deepest_span(best[1], steps))
        return self.objects[0][2], Span(0, 0)


def key_path_to_span(node: Any, span: Span) -> Iterator[Any]:
    """The keys that lead from a mapping to the deepest value around a place; list entries by their names."""
    while isinstance(node, Map | Seq):
        if isinstance(node, Map):
            around = [(key, node.entry_span(key), node[key]) for key in node]
        else:
            around = [(_key_of_list_entry(item, index), node.at(index), item) for index, item in enumerate(node)]
        for key, place, value in around:
            if not place.start <= span.start < place.end:
                continue
            if isinstance(node, Map) and place.start == node.at().start and span.start < node.at(key).start:
                return  # the first entry begins where its mapping does: the place is the mapping's
            yield key
            node = value
            break
        else:
            return


def _key_of_list_entry(item: Any, index: int) -> Any:
    """What an entry of a list is known by: its name, else its number."""
    return item.get("name", index) if isinstance(item, Map) else index


def _follow_key(node: Any, key: Any) -> tuple[Any, Span] | None:
    """(value, place) under one step; None where there is none."""
    if isinstance(node, Map):
        return (node[key], node.at(key)) if key in node else None
    if isinstance(node, Seq):
        for index, item in enumerate(node):
            if key == index or (isinstance(item, Map) and item.get("name") == key):
                return item, node.at(index)
    return None


def path_depth(node: Any, keys: list[Any]) -> int:
    """How far a path can be followed."""
    for number, step in enumerate(keys):
        found = _follow_key(node, step)
        if found is None:
            return number
        node = found[0]
    return len(keys)


def deepest_span(node: Map, keys: list[Any]) -> Span:
    """The deepest place of a path that there is."""
    place = node.at()
    value: Any = node
    for step in keys:
        child = _follow_key(value, step)
        if child is None:
            break
        value, place = child
    return place


def unread_sources(overlay_inputs: Iterable[OverlayInputs], sources: Mapping[str, Source]) -> dict[str, Source]:
    """The texts that overlays take in and the walk did not read, by their paths: from ignored or vendored folders, say."""
    unread = {}
    for gathered in overlay_inputs:
        for name in sorted(gathered.files):
            path = gathered.tree.report_path(name)
            if path not in sources and path.endswith((".yaml", ".yml", *KUSTOMIZATION_FILENAMES)):
                text = decode_text(gathered.tree.content_by_path[name])
                if text is not None:
                    unread[path] = Source(path, text)
    return unread


def build_overlay(
    root: Kustomization,
    kustomizations: list[Kustomization],
    sources: Mapping[str, Source],
    inputs: OverlayInputs,
    parsed: ParsedTexts,
) -> BuiltOverlay:
    """What an overlay builds, from a copy of what it takes in. Raises RenderError."""
    with tempfile.TemporaryDirectory(prefix="readiness-") as folder:
        scratch = Path(os.path.realpath(folder))
        copy = scratch / "tree"
        inputs.tree.copy_to(inputs.folders, inputs.files, copy)
        there = posixpath.join("tree", inputs.folder)
        spec = {"resources": [there], "buildMetadata": ["originAnnotations"]}
        (scratch / "kustomization.yaml").write_text(json.dumps(spec), encoding="utf-8")
        try:
            done = run_renderer([*build_command(), str(scratch)], "", scratch, max_output=MAX_OUTPUT_BYTES)
        except LimitError:
            raise
        except RenderError as error:
            raise RenderError(_clean_error(str(error), scratch)) from None
        text, lost = _parsable_text(done.output.decode("utf-8", "replace"))
        built = BuiltOverlay(root.source.path, text, root.folder or ".")
        built.lost = [(piece, error, root.source) for piece, error in lost]
        built.confined = is_confined(done)
        _trace_origins(built, kustomizations, sources, copy, inputs.tree, parsed)
    return built


def _parsable_text(text: str) -> tuple[str, list[tuple[str, ParseError]]]:
    """A text with blanks for the documents that do not parse, every other character in its place; and those documents."""
    try:
        load_yaml_documents(text)
    except ParseError:
        parts, lost = [], []
        for part in _DOCUMENT_SEPARATOR.split(text):
            try:
                load_yaml_documents(part)
                parts.append(part)
            except ParseError as error:
                lost.append((part, error))
                parts.append(re.sub(r"[^\n]", " ", part))
        return "---\n".join(parts), lost
    return text, []


def _clean_error(message: str, scratch: Path) -> str:
    """A builder's message without its log prefix and without paths of this machine."""
    _, separator, quoted = message.partition('err="')
    text = (quoted.removesuffix('"') if separator else message).replace('\\"', '"').removeprefix("Error: ")
    for path in (f"{scratch}/tree/", f"{scratch}/tree", str(scratch)):
        text = text.replace(path, "" if path.endswith("/") else ".")
    text = re.sub(r"(?<![\w.])tree/(?=\S)", "", text)
    text = re.sub(r"(?<![\w.])/(?:[\w.+-]+/)+", "", text)  # whatever other path of this machine there is
    return text.rsplit("err='", 1)[-1].rstrip("'")[:300]


def _trace_origins(
    built: BuiltOverlay,
    kustomizations: list[Kustomization],
    sources: Mapping[str, Source],
    copy: Path,
    tree: ConfinedTree,
    parsed: ParsedTexts,
) -> None:
    """Note for each object that was built where it was written: its origin, and the patches that speak of it."""
    patches = [sources[path] for one in kustomizations for path in one.patch_files if path in sources]

    def source_of_origin(note: str) -> Source | None:
        match = _ORIGIN_PATH_LINE.search(note)
        if not match:
            return None
        real = os.path.realpath(copy.parent / match.group(1).strip())
        return sources.get(tree.report_path(os.path.relpath(real, copy)))

    built.lost = [(text, error, source_of_origin(text) or home) for text, error, home in built.lost]
    for node in load_yaml_documents(built.text):
        if not isinstance(node, Map):
            continue
        note = node.mapping_at_path("metadata", "annotations").get(_ORIGIN_ANNOTATION)
        origin = source_of_origin(note) if isinstance(note, str) else None
        homes = [*([origin] if origin else []), *patches]
        written = [(one, found) for one in homes for found in _candidate_objects(one, node, parsed)]
        built.objects.append((node, written[::-1], origin or kustomizations[0].source))


def _candidate_objects(source: Source, node: Map, parsed: ParsedTexts) -> Iterator[Map]:
    """The objects of a file that an object may have been made from: the kind, and the name but for what is added."""
    try:
        documents = parsed.documents(source)
    except ParseError:
        return
    name = _object_name(node)
    for candidate in documents:
        if isinstance(candidate, Map) and candidate.get("kind") == node.get("kind") and _object_name(candidate) in name:
            yield candidate


def _object_name(node: Map) -> str:
    name = node.mapping_at_path("metadata").get("name")
    return name if isinstance(name, str) else ""
