"""Kustomizations: what an overlay builds, each object told in the base or the patch that says it."""

from __future__ import annotations

import os
import posixpath
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from readiness.model import ParseError, Source, Span
from readiness.render import OVERLAYS
from readiness.render.made import Made, RenderError
from readiness.render.process import process
from readiness.syntax.yaml import Map, Seq, load_all

MISSING = (
    "overlay was not built: neither `kustomize` nor `kubectl` is installed; install one of them"
)
_REMOTE = re.compile(
    r"^[a-z][a-z0-9+.-]*://|^git@|\?(?:ref|version)=|^[\w-]+(?:\.[\w-]+)*\.(?:com|org|io|net)/|//"
)
_ORIGIN = "config.kubernetes.io/origin"
_PATH = re.compile(r"^(?:path|configuredIn): (.+)$", re.MULTILINE)


@dataclass(slots=True)
class Kustomization:
    """One kustomization file: what it takes in, by paths as reports print them."""

    source: Source
    folder: str
    component: bool
    folders: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    patches: list[str] = field(default_factory=list)
    remote: str = ""


def read(sources: Mapping[str, Source]) -> dict[str, Kustomization]:
    """The kustomizations among the texts, by folder; those that are no YAML are left out."""
    made = {}
    for path, source in sources.items():
        if posixpath.basename(path) not in OVERLAYS:
            continue
        try:
            documents = load_all(source.text)
        except ParseError:
            continue
        if documents and isinstance(documents[0], Map):
            one = _read(source, documents[0], sources)
            made[one.folder] = one
    return made


def _read(source: Source, spec: Map, sources: Mapping[str, Source]) -> Kustomization:
    folder = posixpath.dirname(source.path)
    one = Kustomization(source, folder, spec.get("kind") == "Component")
    for key in (
        "resources",
        "bases",
        "components",
        "generators",
        "transformers",
        "validators",
        "crds",
    ):
        for entry in _words(spec.get(key)):
            if _REMOTE.search(entry):
                one.remote = one.remote or entry
                continue
            path = posixpath.normpath(posixpath.join(folder, entry))
            (one.files if path in sources else one.folders).append(path)
    for entry in _words(spec.get("patchesStrategicMerge")):
        one.patches.append(posixpath.normpath(posixpath.join(folder, entry)))
    for key in ("patches", "patchesJson6902"):
        for path in _paths(spec.get(key)):
            one.patches.append(posixpath.normpath(posixpath.join(folder, path)))
    return one


def _words(value: Any) -> Iterator[str]:
    if isinstance(value, Seq):
        yield from (entry for entry in value if isinstance(entry, str) and "\n" not in entry)


def _paths(value: Any) -> Iterator[str]:
    if isinstance(value, Seq):
        for item in value:
            if isinstance(item, Map) and isinstance(item.get("path"), str):
                yield item["path"]


def roots(known: Mapping[str, Kustomization]) -> list[Kustomization]:
    """What is deployed: the kustomizations that no other one takes in."""
    taken = {folder for one in known.values() for folder in one.folders}
    return [
        one for folder, one in sorted(known.items()) if folder not in taken and not one.component
    ]


def reach(root: Kustomization, known: Mapping[str, Kustomization]) -> list[Kustomization]:
    """A kustomization and all that it takes in, directly or not."""
    found: dict[str, Kustomization] = {}
    waiting = [root]
    while waiting:
        one = waiting.pop()
        if one.folder not in found:
            found[one.folder] = one
            waiting += [known[folder] for folder in one.folders if folder in known]
    return list(found.values())


def command() -> list[str]:
    """What builds here: `kustomize`, else kubectl's; empty where there is neither."""
    if shutil.which("kustomize"):
        return ["kustomize", "build"]
    return ["kubectl", "kustomize"] if shutil.which("kubectl") else []


class Built(Made):
    """What an overlay built. An object is told in the file that its origin names, a field of it that a patch sets
    in the patch."""

    __slots__ = ("objects",)

    def __init__(self, path: str, text: str, environment: str) -> None:
        super().__init__(path, text, environment)
        self.objects: list[tuple[Map, list[tuple[Source, Map]], Source]] = []

    def place(self, span: Span) -> tuple[Source, Span]:
        """The deepest place of the same path, in the last patch that has all of it, else in the origin."""
        for node, written, fallback in self.objects:
            if node.at().start <= span.start <= node.at().end:
                steps = list(path_to(node, span))
                best = max(written, key=lambda pair: depth(pair[1], steps), default=None)
                if best is None:
                    return fallback, fallback.one_line(Span(0, len(fallback.text)))
                return best[0], best[0].one_line(follow(best[1], steps))
        return self.objects[0][2], Span(0, 0)


def path_to(node: Any, span: Span) -> Iterator[Any]:
    """The keys that lead from a mapping to the deepest value around a place; list entries by their names."""
    while isinstance(node, Map | Seq):
        if isinstance(node, Map):
            around = [(key, node.entry(key), node[key]) for key in node]
        else:
            around = [
                (_called(item, index), node.at(index), item) for index, item in enumerate(node)
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


def _called(item: Any, index: int) -> Any:
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


def depth(node: Any, steps: list[Any]) -> int:
    """How far a path can be followed."""
    for number, step in enumerate(steps):
        found = _step(node, step)
        if found is None:
            return number
        node = found[0]
    return len(steps)


def follow(node: Map, steps: list[Any]) -> Span:
    """The deepest place of a path that there is."""
    place = node.at()
    value: Any = node
    for step in steps:
        found = _step(value, step)
        if found is None:
            break
        value, place = found
    return place


def build(
    root: Kustomization, within: list[Kustomization], sources: Mapping[str, Source], base: Path
) -> Built:
    """What an overlay builds. Raises RenderError, for a remote base too: nothing is fetched."""
    for one in within:
        if one.remote:
            who = "it" if one is root else one.source.path
            raise RenderError(
                f"{who} takes in {one.remote}, which is remote and is not fetched;"
                f" `kustomize build {root.folder or '.'} | readiness check -` judges what it gives"
            )
    with tempfile.TemporaryDirectory(prefix="readiness-") as folder:
        scratch = Path(os.path.realpath(folder))
        folder_of = os.path.realpath(base / root.folder)
        there = os.path.relpath(folder_of, scratch)
        text = f"resources:\n- {there}\nbuildMetadata: [originAnnotations]\n"
        (scratch / "kustomization.yaml").write_text(text, encoding="utf-8")
        try:
            out = process([*command(), str(scratch)], "", scratch)
        except RenderError as error:
            raise RenderError(_reason(str(error), [there, folder_of], scratch, base)) from None
        built = Built(root.source.path, out, root.folder or ".")
        _trace(built, within, sources, scratch, base)
    return built


def _reason(said: str, folders: list[str], scratch: Path, base: Path) -> str:
    """A builder's message without its log prefix and without paths of this machine."""
    _, mark, told = said.partition('err="')
    text = (told.removesuffix('"') if mark else said).replace('\\"', '"').removeprefix("Error: ")
    root = os.path.realpath(base)
    for path in (*folders, root, str(scratch)):
        text = text.replace(path, ".")
    text = re.sub(
        r"(?<![\w.])/(?:[\w.+-]+/)+", "", text
    )  # whatever other path of this machine there is
    return text.rsplit("err='", 1)[-1].rstrip("'")[:300]


def _trace(
    built: Built,
    within: list[Kustomization],
    sources: Mapping[str, Source],
    scratch: Path,
    base: Path,
) -> None:
    """Note for each object that was built where it was written: its origin, and the patches that speak of it."""
    patches = [sources[path] for one in within for path in one.patches if path in sources]
    for node in load_all(built.text):
        if not isinstance(node, Map):
            continue
        metadata = node.get("metadata")
        notes = metadata.get("annotations") if isinstance(metadata, Map) else None
        found = _PATH.search(notes.get(_ORIGIN, "")) if isinstance(notes, Map) else None
        path = ""
        if found:
            real = os.path.realpath(scratch / found.group(1).strip())
            path = os.path.relpath(real, os.path.realpath(base)).replace(os.sep, "/")
        origin = sources.get(path)
        written = [(origin, one) for one in _same(origin, node)] if origin else []
        written += [(patch, one) for patch in patches for one in _same(patch, node)]
        built.objects.append((node, written[::-1], origin or within[0].source))


def _same(source: Source, node: Map) -> Iterator[Map]:
    """The objects of a file that an object may have been made from: the kind, and the name but for what is added."""
    try:
        documents = load_all(source.text)
    except ParseError:
        return
    name = _name(node)
    for one in documents:
        if isinstance(one, Map) and one.get("kind") == node.get("kind") and _name(one) in name:
            yield one


def _name(node: Map) -> str:
    metadata = node.get("metadata")
    name = metadata.get("name") if isinstance(metadata, Map) else None
    return name if isinstance(name, str) else ""
