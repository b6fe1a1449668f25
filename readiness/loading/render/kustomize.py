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

from readiness.loading.discover import decode_text
from readiness.loading.parsed import ParsedTexts
from readiness.loading.render import OVERLAYS
from readiness.loading.render.gather import CHARTS, Gathered, is_remote
from readiness.loading.render.made import GeneratedSource, LimitError, RenderError
from readiness.loading.render.process import is_confined, run_renderer
from readiness.loading.render.tree import Tree
from readiness.model import ParseError, Source, Span
from readiness.programs import find_program, is_shim
from readiness.syntax.yaml import Map, Seq, load_all

MISSING = (
    "overlay was not built: neither `kustomize` nor `kubectl` is installed; install one of them"
    " (a snap or a version manager's shim does not serve)"
)
OUTPUT = 10 << 20  # bytes of what one overlay builds: what a single file may have
_ORIGIN = "config.kubernetes.io/origin"
_PATH = re.compile(r"^[ \t]*(?:path|configuredIn): (.+)$", re.MULTILINE)
_SEPARATOR = re.compile(r"^---\n", re.MULTILINE)


@dataclass(slots=True)
class Kustomization:
    """One kustomization file: what it takes in, by paths as reports print them.

    `charts` are the entries of `helmCharts` or `helmChartInflationGenerator`.
    """

    source: Source
    folder: str
    component: bool
    folders: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    patches: list[str] = field(default_factory=list)
    charts: list[Map] = field(default_factory=list)
    chart_home: str = "charts"


def read_kustomizations(
    sources: Mapping[str, Source], parsed: ParsedTexts
) -> dict[str, Kustomization]:
    """The kustomizations among the texts, by folder; those that are no YAML are left out."""
    kustomizations = {}
    for path, source in sources.items():
        if posixpath.basename(path) not in OVERLAYS:
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
            (kustomization.files if path in sources else kustomization.folders).append(path)
    kustomization.patches += [
        _joined_path(folder, entry) for entry in _string_list(given.get("patchesstrategicmerge"))
    ]
    _read_charts(kustomization, spec)
    for key in ("patches", "patchesjson6902"):
        kustomization.patches += [_joined_path(folder, path) for path in _path_list(given.get(key))]
    return kustomization


def _read_charts(kustomization: Kustomization, spec: Map) -> None:
    """Which charts a kustomization inflates."""
    for key, value in spec.items():
        if key.casefold() in CHARTS and isinstance(value, Seq):
            kustomization.charts += [entry for entry in value if isinstance(entry, Map)]
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


def root_kustomizations(known: Mapping[str, Kustomization]) -> list[Kustomization]:
    """What is deployed: the kustomizations that no other one takes in, and one of each circle of them.

    One below a folder cannot take that in: builders refuse it.
    """
    taken = {
        folder
        for kustomization in known.values()
        for folder in kustomization.folders
        if folder and not f"{kustomization.folder}/".startswith(f"{folder}/")
    }
    roots = [one for _, one in sorted(known.items()) if not one.component]
    kustomizations = [one for one in roots if one.folder not in taken]
    reached = {inner.folder for one in kustomizations for inner in reachable(one, known)}
    for kustomization in roots:
        if kustomization.folder not in reached:
            kustomizations.append(kustomization)
            reached |= {inner.folder for inner in reachable(kustomization, known)}
    return kustomizations


def reachable(root: Kustomization, known: Mapping[str, Kustomization]) -> list[Kustomization]:
    """A kustomization and all that it takes in, directly or not."""
    reached: dict[str, Kustomization] = {}
    waiting = [root]
    while waiting:
        kustomization = waiting.pop()
        if kustomization.folder not in reached:
            reached[kustomization.folder] = kustomization
            waiting += [known[folder] for folder in kustomization.folders if folder in known]
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

    def place(self, span: Span) -> tuple[Source, Span]:
        """The deepest place of the same path, in the last patch that has all of it, else in the origin."""
        for node, written, fallback in self.objects:
            if node.at().start <= span.start <= node.at().end:
                steps = list(path_to(node, span))
                best = max(written, key=lambda pair: path_depth(pair[1], steps), default=None)
                if best is None:
                    return fallback, fallback.one_line(Span(0, len(fallback.text)))
                return best[0], best[0].one_line(deepest_span(best[1], steps))
        return self.objects[0][2], Span(0, 0)


def path_to(node: Any, span: Span) -> Iterator[Any]:
    """The keys that lead from a mapping to the deepest value around a place; list entries by their names."""
    while isinstance(node, Map | Seq):
        if isinstance(node, Map):
            around = [(key, node.entry(key), node[key]) for key in node]
        else:
            around = [
                (_step_name(item, index), node.at(index), item) for index, item in enumerate(node)
            ]
        for key, place, value in around:
            if not place.start <= span.start < place.end:
                continue
            if (
                isinstance(node, Map)
                and place.start == node.at().start
                and span.start < node.at(key).start
            ):
                return  # the first entry begins where its mapping does: the place is the mapping's
            yield key
            node = value
            break
        else:
            return


def _step_name(item: Any, index: int) -> Any:
    """What an entry of a list is known by: its name, else its number."""
    return item.get("name", index) if isinstance(item, Map) else index


def _step(node: Any, step: Any) -> tuple[Any, Span] | None:
    """(value, place) under one step; None where there is none."""
    if isinstance(node, Map):
        return (node[step], node.at(step)) if step in node else None
    if isinstance(node, Seq):
        for index, item in enumerate(node):
            if step == index or (isinstance(item, Map) and item.get("name") == step):
                return item, node.at(index)
    return None


def path_depth(node: Any, steps: list[Any]) -> int:
    """How far a path can be followed."""
    for number, step in enumerate(steps):
        found = _step(node, step)
        if found is None:
            return number
        node = found[0]
    return len(steps)


def deepest_span(node: Map, steps: list[Any]) -> Span:
    """The deepest place of a path that there is."""
    place = node.at()
    value: Any = node
    for step in steps:
        child = _step(value, step)
        if child is None:
            break
        value, place = child
    return place


def unread_sources(taken: Iterable[Gathered], sources: Mapping[str, Source]) -> dict[str, Source]:
    """The texts that overlays take in and the walk did not read, by their paths: from ignored or vendored folders, say."""
    unread = {}
    for gathered in taken:
        for name in sorted(gathered.files):
            path = gathered.tree.shown(name)
            if path not in sources and path.endswith((".yaml", ".yml", *OVERLAYS)):
                text = decode_text(gathered.tree.texts[name])
                if text is not None:
                    unread[path] = Source(path, text)
    return unread


def build_overlay(
    root: Kustomization,
    within: list[Kustomization],
    sources: Mapping[str, Source],
    taken: Gathered,
    parsed: ParsedTexts,
) -> BuiltOverlay:
    """What an overlay builds, from a copy of what it takes in. Raises RenderError."""
    with tempfile.TemporaryDirectory(prefix="readiness-") as folder:
        scratch = Path(os.path.realpath(folder))
        copy = scratch / "tree"
        taken.tree.copy(taken.folders, taken.files, copy)
        there = posixpath.join("tree", taken.folder)
        spec = {"resources": [there], "buildMetadata": ["originAnnotations"]}
        (scratch / "kustomization.yaml").write_text(json.dumps(spec), encoding="utf-8")
        try:
            done = run_renderer([*build_command(), str(scratch)], "", scratch, output=OUTPUT)
        except LimitError:
            raise
        except RenderError as error:
            raise RenderError(_clean_error(str(error), scratch)) from None
        text, lost = _parsable_text(done.output.decode("utf-8", "replace"))
        built = BuiltOverlay(root.source.path, text, root.folder or ".")
        built.lost = [(piece, error, root.source) for piece, error in lost]
        built.confined = is_confined(done)
        _trace_origins(built, within, sources, copy, taken.tree, parsed)
    return built


def _parsable_text(text: str) -> tuple[str, list[tuple[str, ParseError]]]:
    """A text with blanks for the documents that do not parse, every other character in its place; and those documents."""
    try:
        load_all(text)
    except ParseError:
        parts, lost = [], []
        for part in _SEPARATOR.split(text):
            try:
                load_all(part)
                parts.append(part)
            except ParseError as error:
                lost.append((part, error))
                parts.append(re.sub(r"[^\n]", " ", part))
        return "---\n".join(parts), lost
    return text, []


def _clean_error(said: str, scratch: Path) -> str:
    """A builder's message without its log prefix and without paths of this machine."""
    _, separator, quoted = said.partition('err="')
    text = (
        (quoted.removesuffix('"') if separator else said)
        .replace('\\"', '"')
        .removeprefix("Error: ")
    )
    for path in (f"{scratch}/tree/", f"{scratch}/tree", str(scratch)):
        text = text.replace(path, "" if path.endswith("/") else ".")
    text = re.sub(r"(?<![\w.])tree/(?=\S)", "", text)
    text = re.sub(
        r"(?<![\w.])/(?:[\w.+-]+/)+", "", text
    )  # whatever other path of this machine there is
    return text.rsplit("err='", 1)[-1].rstrip("'")[:300]


def _trace_origins(
    built: BuiltOverlay,
    within: list[Kustomization],
    sources: Mapping[str, Source],
    copy: Path,
    tree: Tree,
    parsed: ParsedTexts,
) -> None:
    """Note for each object that was built where it was written: its origin, and the patches that speak of it."""
    patches = [sources[path] for one in within for path in one.patches if path in sources]

    def written_in(note: str) -> Source | None:
        match = _PATH.search(note)
        if not match:
            return None
        real = os.path.realpath(copy.parent / match.group(1).strip())
        return sources.get(tree.shown(os.path.relpath(real, copy)))

    built.lost = [(text, error, written_in(text) or home) for text, error, home in built.lost]
    for node in load_all(built.text):
        if not isinstance(node, Map):
            continue
        note = node.dig("metadata", "annotations").get(_ORIGIN)
        origin = written_in(note) if isinstance(note, str) else None
        homes = [*([origin] if origin else []), *patches]
        written = [(one, found) for one in homes for found in _candidate_objects(one, node, parsed)]
        built.objects.append((node, written[::-1], origin or within[0].source))


def _candidate_objects(source: Source, node: Map, parsed: ParsedTexts) -> Iterator[Map]:
    """The objects of a file that an object may have been made from: the kind, and the name but for what is added."""
    try:
        documents = parsed.documents(source)
    except ParseError:
        return
    name = _object_name(node)
    for candidate in documents:
        if (
            isinstance(candidate, Map)
            and candidate.get("kind") == node.get("kind")
            and _object_name(candidate) in name
        ):
            yield candidate


def _object_name(node: Map) -> str:
    name = node.dig("metadata").get("name")
    return name if isinstance(name, str) else ""
