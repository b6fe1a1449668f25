"""Kustomizations: what each overlay deploys, judged as a project of its own."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from readiness.loading import reading
from readiness.loading.assembly import ABSENT, BROKEN, OUTSIDE, TEMPLATE, Assembly, FileStatus
from readiness.loading.discover import DiscoveredFiles
from readiness.loading.environments import (
    RENDERING_OFF,
    UNPARSED,
    add_environment,
    make_project,
    render_failure,
    template_state,
)
from readiness.loading.render import OVERLAYS
from readiness.loading.render.made import GeneratedSource, RenderError
from readiness.model import Finding, ParseError, Rule, Severity, Source, Span
from readiness.syntax.yaml import Map, load_all

if TYPE_CHECKING:
    from readiness.loading.render.gather import Gathered
    from readiness.loading.render.kustomize import Kustomization


@dataclass(slots=True)
class _Built:
    """What an overlay gives: its text, the documents of it that do not parse, and what a reader is to know."""

    source: GeneratedSource
    lost: Sequence[tuple[str, ParseError, Source]] = ()
    reason: str = ""


@dataclass(slots=True)
class _Overlays:
    """All overlays of a run: the texts that there are, and those that overlays took in besides."""

    sources: dict[str, Source]
    more: dict[str, Source] = field(default_factory=dict)
    parsed: dict[Source, list[Any]] = field(default_factory=dict)


def build_overlays(
    discovered: DiscoveredFiles, assembly: Assembly, core: dict[str, Rule], *, asked: bool
) -> dict[str, str]:
    """Build what the kustomizations deploy: path -> why not all of it is judged, of the files judged by that alone."""
    sources = {source.path: source for source in discovered.texts}
    if not any(posixpath.basename(path) in OVERLAYS for path in sources):
        return {}

    from readiness.loading.render import kustomize
    from readiness.loading.render.gather import Gathered

    known = kustomize.read_kustomizations(sources)
    for path in (path for one in known.values() for path in one.patches if path in sources):
        sources[path].fragment = True  # a part of an object, where the overlay is not built
    roots = kustomize.root_kustomizations(known)
    if not roots:
        return {}
    if not asked:
        assembly.rows += [
            FileStatus(one.source.path, "kustomize", "skipped", RENDERING_OFF) for one in roots
        ]
        return {}
    wanted = _gather(roots, discovered, assembly)
    unseen = kustomize.unread_sources([one for one in wanted if isinstance(one, Gathered)], sources)
    assembly.sources += unseen.values()
    overlays = _Overlays(sources | unseen)
    known = kustomize.read_kustomizations(overlays.sources)
    taken: dict[str, str] = {}
    for root, within in zip(roots, wanted, strict=True):
        reached = kustomize.reachable(root, known)
        try:
            if isinstance(within, RenderError):
                raise within
            built = _build(root, reached, within, overlays)
        except RenderError as error:
            _tell_failure(root, error, assembly, core, off=_is_switched_off(root, sources))
            continue
        mine = {path for one in reached for path in (*one.files, *one.patches)}
        for path in mine | {within.tree.shown(name) for name in within.files}:
            assembly.environments[path] = assembly.environments.get(path, 0) + 1
        broken = _add(root, built, discovered, assembly, core)
        taken |= {path: UNPARSED if path in broken else taken.get(path, "") for path in mine}
    assembly.sources += overlays.more.values()
    return taken


def _add(
    root: Kustomization,
    built: _Built,
    discovered: DiscoveredFiles,
    assembly: Assembly,
    core: dict[str, Rule],
) -> set[str]:
    """Add what an overlay gives as a project, and its row; the files whose documents do not parse."""
    from readiness.loading.render.overlay.placed import PlacedSource

    broken = add_environment(assembly, [built.source], discovered, core, root.folder or ".")
    if isinstance(built.source, PlacedSource) and built.source.kept is not None:
        built.source.kept.kind = "k8s"
        parsed = reading.parse_sources([built.source.kept])
        pairs = [(source.kind, document) for source, document, error in parsed if error is None]
        assembly.kept.append((built.source, make_project(pairs, discovered, root.folder or ".")))
    for _, error, home in built.lost:
        assembly.broken.append(_lost(core["core/syntax"], home, error))
        broken.add(home.path)
    own = root.source.path
    assembly.rows.append(template_state(own, "kustomize", UNPARSED if own in broken else ""))
    if built.reason and own not in broken:
        assembly.rows[-1].reason = built.reason
    return broken


def _is_switched_off(root: Kustomization, sources: Mapping[str, Source]) -> bool:
    """Whether the kustomization of the folder above names an overlay in a comment, where a list would take it in."""
    above, name = posixpath.split(root.folder)
    texts = [
        sources[path].text
        for path in (posixpath.join(above, one) for one in OVERLAYS)
        if name and path in sources
    ]
    entries = (match[1] for text in texts for match in _COMMENTED.finditer(text))
    return any(posixpath.normpath(entry) == name for entry in entries)


_COMMENTED = re.compile(r"^[ \t]*#[ \t]*-[ \t]+([\w./-]{1,200})[ \t]*\r?$", re.MULTILINE)


def _tell_failure(
    root: Kustomization,
    error: RenderError,
    assembly: Assembly,
    core: dict[str, Rule],
    *,
    off: bool,
) -> None:
    """The row of an overlay that gave nothing, and the finding where what stops it is written; low where it is switched off."""
    from readiness.loading.render.gather import RefusedError
    from readiness.loading.render.overlay.placed import AbsentError, BrokenError, UnknownError

    own = root.source
    if isinstance(error, RefusedError):
        way = f"`kustomize build {shlex.quote(root.folder or '.')} | readiness check -`"
        reason = f"{error}; {way} judges what it gives"
        assembly.rows.append(FileStatus(own.path, "kustomize", "skipped", reason, OUTSIDE))
        return
    reason = str(error)
    rule = core["core/not-rendered"]
    finding = render_failure(rule, own, "overlay", "", reason)
    if off:
        finding = finding._replace(lowered=Severity.LOW)
    if isinstance(error, BrokenError):
        source, span = error.place
        finding = finding._replace(source=source, span=source.one_line(span))
        if source is not own:
            reason = f"{source.path}:{source.position(span.start).line}: {reason}"
    cause = ABSENT if isinstance(error, AbsentError | UnknownError) else BROKEN
    assembly.rows.append(FileStatus(own.path, "kustomize", "skipped", reason, cause))
    if not isinstance(error, UnknownError):
        assembly.broken.append(finding)


def _build(
    root: Kustomization,
    reached: Sequence[Kustomization],
    within: Gathered,
    overlays: _Overlays,
) -> _Built:
    """What an overlay gives, built here; by a program where there is one that can do what is not done here.

    Raises RenderError with the reason of this builder, which names a place, rather than with that of the program.
    """
    from readiness.loading.render import kustomize
    from readiness.loading.render.overlay.builder import built_source
    from readiness.loading.render.overlay.placed import AbsentError, UnknownError
    from readiness.loading.render.process import UNCONFINED

    sources: Mapping[str, Source] = overlays.sources | overlays.more
    try:
        source, more = built_source(
            within, root.source, root.folder or ".", sources, overlays.parsed
        )
    except AbsentError:
        raise
    except RenderError as error:
        if not kustomize.build_command():
            if isinstance(error, UnknownError):
                raise UnknownError(f"{error}; {kustomize.MISSING}") from None
            raise
        try:
            other = kustomize.build_overlay(root, list(reached), sources, within)
        except RenderError as second:
            raise (second if isinstance(error, UnknownError) else error) from None
        return _Built(other, other.lost, "" if other.confined else UNCONFINED)
    overlays.more |= more
    return _Built(source)


def _lost(rule: Rule, home: Source, error: ParseError) -> Finding:
    """The finding that stands for a document that an overlay builds and nobody can read, where it came from."""
    text = rule.message.format(kind="Kubernetes", reason=error.message)
    return Finding(rule, home, home.one_line(Span(0, len(home.text))), text)


def add_kustomization(source: Source, assembly: Assembly, core: dict[str, Rule]) -> None:
    """A kustomization that stands by itself in the project: nothing else says so where it is no YAML, or no mapping."""
    try:
        documents = load_all(source.text)
        if not documents or not isinstance(documents[0], Map):
            raise ParseError("a kustomization is a mapping", 0)
    except ParseError as error:
        line = source.line(source.position(error.offset).line)
        if "{{" in line or "{%" in line:
            assembly.rows.append(FileStatus(source.path, "kustomize", "skipped", TEMPLATE))
            return
        assembly.rows.append(FileStatus(source.path, "kustomize", "invalid", error.message, BROKEN))
        assembly.broken.append(
            reading.syntax_finding(core["core/syntax"], source, error, "kustomization")
        )
    else:
        assembly.sources.append(source)


def _gather(
    roots: Sequence[Kustomization], discovered: DiscoveredFiles, assembly: Assembly
) -> list[Gathered | RenderError]:
    """What each overlay takes in, or why it is not built."""
    from readiness.loading.render import inputs
    from readiness.loading.render.gather import gather_inputs
    from readiness.loading.render.tree import Tree, root_of

    trees: dict[Path, Tree] = {}
    given = [
        discovered.base / one
        for one in (*discovered.folders, *map(posixpath.dirname, discovered.named))
    ]
    wanted: list[Gathered | RenderError] = []
    for root in roots:
        folder = discovered.base / root.folder
        where = root_of(folder, given)
        tree = trees.setdefault(where, Tree(where, discovered.base))
        try:
            wanted.append(gather_inputs(tree, tree.place(folder)))
        except RenderError as error:
            wanted.append(error)
    for tree in trees.values():
        assembly.inputs += inputs.tree_inputs(tree)
    return wanted


def inflating_overlays(discovered: DiscoveredFiles) -> list[Kustomization]:
    """The kustomizations that the walk read and that inflate charts."""
    sources = {
        one.path: one for one in discovered.texts if posixpath.basename(one.path) in OVERLAYS
    }
    if not any("helm" in one.text for one in sources.values()):
        return []
    from readiness.loading.render import kustomize

    return [one for one in kustomize.read_kustomizations(sources).values() if one.charts]
