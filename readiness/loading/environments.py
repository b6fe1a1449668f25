"""Charts and overlays: what is deployed only after rendering, judged as each environment gets it."""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from readiness import kinds
from readiness.loading import reading
from readiness.loading.assembly import ABSENT, BROKEN, OUTSIDE, TEMPLATE, Assembly, FileStatus
from readiness.loading.discover import DiscoveredFiles
from readiness.loading.render import OVERLAYS
from readiness.loading.render.made import GeneratedSource, NeedsError, RenderError
from readiness.model import Finding, ParseError, Rule, Source, Span
from readiness.model.messages import fill
from readiness.model.project import Project
from readiness.syntax.yaml import Map, load_all

if TYPE_CHECKING:
    from readiness.loading.render import kustomize
    from readiness.loading.render.gather import Gathered

_KEPT_OUT = (
    "loading KV pairs"  # of a generator, whose files are mostly secrets that no repository has
)
_ABOVE = "security; file"  # in kustomize's words
_UNRESTRICTED = "--load-restrictor LoadRestrictionsNone"
_NOT_THERE = "evalsymlink failure"
UNPARSED = "what it renders to does not parse"
RENDERING_OFF = "not rendered, as --no-render asks; leave that out to have it judged"


def chart_folders(paths: set[str]) -> frozenset[str]:
    """The folders that hold a Helm chart; one inside another chart's `charts` is rendered with that."""
    folders = {
        posixpath.dirname(path) for path in paths if posixpath.basename(path) == "Chart.yaml"
    }
    return frozenset(
        one for one in folders if not any(_contains_chart(other, one) for other in folders)
    )


def _contains_chart(chart: str, folder: str) -> bool:
    return folder.startswith(posixpath.join(chart, "charts") + "/")


def chart_containing(path: str, charts: frozenset[str]) -> str | None:
    """The chart whose template a file is: such a file is no manifest until it is rendered."""
    parts = path.split("/")
    for depth in range(len(parts) - 1):
        folder = "/".join(parts[:depth])
        if folder in charts and parts[depth] in {"templates", "charts"}:
            return folder
    return None


def add_environment(
    made: Assembly, texts: Sequence[GeneratedSource], found: DiscoveredFiles, core: dict[str, Rule]
) -> set[str]:
    """One environment's manifests, as a project of its own; the paths of the files whose texts do not parse."""
    for source in texts:
        source.kind = kinds.classify(source.path, source.text)
    before = len(made.broken)
    pairs = list(made.parse([one for one in texts if one.kind], core, rows=False))
    made.projects.append(make_project(pairs, found))
    roots = ((one.source.root, one.span) for one in made.broken[before:])
    return {root.place(span)[0].path for root, span in roots if isinstance(root, GeneratedSource)}


def state(path: str, kind: str, reason: str) -> FileStatus:
    """The row of what was rendered: judged, or with the reason why some of it could not be."""
    return (
        FileStatus(path, kind, "invalid", reason, BROKEN)
        if reason
        else FileStatus(path, kind, "checked")
    )


def make_project(pairs: Iterable[tuple[str, Any]], found: DiscoveredFiles) -> Project:
    """Documents as a project that knows what the walk saw, covered and passed over."""
    return Project(
        pairs,
        found.paths,
        complete=found.walked,
        walked=found.folders,
        closed=found.closed,
        ignored=found.ignored,
        harmless=found.harmless,
    )


def build_overlays(
    found: DiscoveredFiles, made: Assembly, core: dict[str, Rule], *, asked: bool
) -> dict[str, str]:
    """Build what the kustomizations deploy: path -> why not all of it is judged, of the files judged by that alone."""
    sources = {source.path: source for source in found.texts}
    if not any(posixpath.basename(path) in OVERLAYS for path in sources):
        return {}

    from readiness.loading.render import kustomize
    from readiness.loading.render.gather import Gathered
    from readiness.loading.render.process import UNCONFINED

    known = kustomize.read_kustomizations(sources)
    for path in (path for one in known.values() for path in one.patches if path in sources):
        sources[path].fragment = True  # a part of an object, where the overlay is not built
    roots = kustomize.root_kustomizations(known)
    if not roots:
        return {}
    missing = RENDERING_OFF if not asked else "" if kustomize.build_command() else kustomize.MISSING
    if missing:
        made.rows += [
            FileStatus(one.source.path, "kustomize", "skipped", missing, ABSENT) for one in roots
        ]
        return {}
    wanted = _gather(roots, found, made)
    unseen = kustomize.unseen([one for one in wanted if isinstance(one, Gathered)], sources)
    made.sources += unseen.values()
    sources |= unseen
    known = kustomize.read_kustomizations(sources)
    reached = [kustomize.reachable(root, known) for root in roots]
    taken: dict[str, str] = {}
    answers = _build(roots, reached, wanted, sources)
    for root, within, built in zip(roots, reached, answers, strict=True):
        if isinstance(built, RenderError):
            _tell_failure(root, built, made, core)
            continue
        mine = {path for one in within for path in (*one.files, *one.patches)}
        for path in mine | {root.source.path}:
            made.environments[path] = made.environments.get(path, 0) + 1
        broken = add_environment(made, [built], found, core)
        for _, error, home in built.lost:
            made.broken.append(_lost(core["core/syntax"], home, error))
            broken.add(home.path)
        own = root.source.path
        made.rows.append(state(own, "kustomize", UNPARSED if own in broken else ""))
        if not built.confined and own not in broken:
            made.rows[-1].reason = UNCONFINED
        taken |= {path: UNPARSED if path in broken else taken.get(path, "") for path in mine}
    return taken


def _tell_failure(
    root: kustomize.Kustomization, error: RenderError, made: Assembly, core: dict[str, Rule]
) -> None:
    """The row of an overlay that is not built, and the finding, but for one that is refused on purpose."""
    from readiness.loading.render.gather import RefusedError

    rule, path = core["core/not-rendered"], root.source.path
    cause, reason = BROKEN, str(error)
    if isinstance(error, RefusedError):
        way = f"`kustomize build {shlex.quote(root.folder or '.')} | readiness check -`"
        cause, reason = OUTSIDE, f"{error}; {way} judges what it gives"
    elif _ABOVE in reason:
        cause = ABSENT
        folder = shlex.quote(root.folder or ".")
        reason = f"it takes in files from above its folder, which a builder does with {_UNRESTRICTED} alone;"
        reason += (
            f" `kustomize build {_UNRESTRICTED} {folder} | readiness check -` judges what it gives"
        )
        made.broken.append(render_failure(rule, root.source, "overlay", "", reason))
    elif _KEPT_OUT in reason and _NOT_THERE in reason:
        cause = ABSENT
        made.broken.append(render_failure(rule, root.source, "overlay", "", reason))
    elif isinstance(error, NeedsError):
        cause = OUTSIDE if error.remote else ABSENT
        text = fill(rule.message, {"what": "overlay", "environment": "", "reason": reason}.get)
        made.broken += [] if error.remote else [Finding(rule, *error.place, text)]
    else:
        made.broken.append(render_failure(rule, root.source, "overlay", "", reason))
    made.rows.append(FileStatus(path, "kustomize", "skipped", reason, cause))


def inflating_overlays(found: DiscoveredFiles) -> list[kustomize.Kustomization]:
    """The kustomizations that the walk read and that inflate charts."""
    sources = {one.path: one for one in found.texts if posixpath.basename(one.path) in OVERLAYS}
    if not any("helm" in one.text for one in sources.values()):
        return []
    from readiness.loading.render import kustomize

    return [one for one in kustomize.read_kustomizations(sources).values() if one.charts]


def _lost(rule: Rule, home: Source, error: ParseError) -> Finding:
    """The finding that stands for a document that an overlay builds and nobody can read, where it came from."""
    text = rule.message.format(kind="Kubernetes", reason=error.message)
    return Finding(rule, home, home.one_line(Span(0, len(home.text))), text)


def overlay(source: Source, made: Assembly, core: dict[str, Rule]) -> None:
    """A kustomization that stands by itself in the project: nothing else says so where it is no YAML, or no mapping."""
    try:
        documents = load_all(source.text)
        if not documents or not isinstance(documents[0], Map):
            raise ParseError("a kustomization is a mapping", 0)
    except ParseError as error:
        line = source.line(source.position(error.offset).line)
        if "{{" in line or "{%" in line:
            made.rows.append(FileStatus(source.path, "kustomize", "skipped", TEMPLATE))
            return
        made.rows.append(FileStatus(source.path, "kustomize", "invalid", error.message, BROKEN))
        made.broken.append(
            reading.syntax_finding(core["core/syntax"], source, error, "kustomization")
        )
    else:
        made.sources.append(source)


def _gather(
    roots: Sequence[kustomize.Kustomization], found: DiscoveredFiles, made: Assembly
) -> list[Gathered | RenderError]:
    """What each overlay takes in, or why it is not built."""
    from readiness.loading.render import inputs
    from readiness.loading.render.gather import gather
    from readiness.loading.render.tree import Tree, root_of

    trees: dict[Path, Tree] = {}
    given = [found.base / one for one in (*found.folders, *map(posixpath.dirname, found.named))]
    wanted: list[Gathered | RenderError] = []
    for root in roots:
        folder = found.base / root.folder
        where = root_of(folder, given)
        tree = trees.setdefault(where, Tree(where, found.base))
        try:
            wanted.append(gather(tree, tree.place(folder)))
        except RenderError as error:
            wanted.append(error)
    for tree in trees.values():
        made.inputs += inputs.of_tree(tree)
    return wanted


def _build(
    roots: Sequence[kustomize.Kustomization],
    reached: Sequence[list[kustomize.Kustomization]],
    wanted: Sequence[Gathered | RenderError],
    sources: Mapping[str, Source],
) -> list[kustomize.BuiltOverlay | RenderError]:
    """What each overlay builds, or why it does not."""
    from concurrent.futures import ThreadPoolExecutor

    from readiness.loading.render import kustomize

    def work(number: int) -> kustomize.BuiltOverlay | RenderError:
        taken = wanted[number]
        for one in reached[number]:
            if one.inflates is not None:
                return _needs_helm(roots[number], one, one.inflates)
        if isinstance(taken, RenderError):
            return taken
        try:
            return kustomize.build_overlay(roots[number], reached[number], sources, taken)
        except RenderError as error:
            return error

    with ThreadPoolExecutor(max_workers=4) as pool:
        return list(pool.map(work, range(len(roots))))


def _needs_helm(
    root: kustomize.Kustomization, one: kustomize.Kustomization, place: Span
) -> NeedsError:
    """Why an overlay that inflates charts is not built; whether these charts are elsewhere."""
    way = f"`kustomize build --enable-helm {shlex.quote(root.folder or '.')} | readiness check -`"
    reason = f"it inflates charts, which a builder does with --enable-helm alone; {way} judges what it gives"
    return NeedsError(
        reason, (one.source, place), remote=any(entry.get("repo") for entry in one.charts)
    )


def render_failure(
    rule: Rule, source: Source, what: str, environment: str, problem: str
) -> Finding:
    """The finding that stands for a chart or an overlay that gave nothing, at its own file's first line."""
    facts = {"what": what, "environment": environment, "reason": problem}
    text = fill(rule.message, facts.get)
    return Finding(rule, source, source.one_line(Span(0, len(source.text))), text)
