"""Charts and overlays: what is deployed only after rendering, judged as each environment gets it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from readiness import kinds
from readiness.assembly import Assembly, Row
from readiness.discover import Found
from readiness.messages import fill
from readiness.model import Finding, Rule, Source, Span
from readiness.project import Project
from readiness.render import OVERLAYS

if TYPE_CHECKING:
    from readiness.render import helm, kustomize
    from readiness.render.made import Made, RenderError

_LIBRARY = re.compile(r"^type:[ \t]*[\"']?library\b", re.MULTILINE)
ASKED_NOT = "not rendered, as --no-render asks; leave that out to have it judged"


def chart_folders(paths: set[str]) -> frozenset[str]:
    """The folders that hold a Helm chart; one inside another chart's `charts` is rendered with that."""
    folders = {
        posixpath.dirname(path) for path in paths if posixpath.basename(path) == "Chart.yaml"
    }
    return frozenset(one for one in folders if not any(_holds(other, one) for other in folders))


def _holds(chart: str, folder: str) -> bool:
    return folder.startswith(posixpath.join(chart, "charts") + "/")


def chart_of(path: str, charts: frozenset[str]) -> str | None:
    """The chart whose template a file is: such a file is no manifest until it is rendered."""
    parts = path.split("/")
    for depth in range(len(parts) - 1):
        folder = "/".join(parts[:depth])
        if folder in charts and parts[depth] in {"templates", "charts"}:
            return folder
    return None


def chart(
    folder: str,
    templates: Sequence[str],
    found: Found,
    made: Assembly,
    core: dict[str, Rule],
    *,
    values: Sequence[Path],
    asked: bool,
) -> None:
    """A chart's renderings, a project for each environment; what fails is a finding at Chart.yaml."""
    from readiness.render import helm
    from readiness.render.made import RenderError

    path = posixpath.join(folder, "Chart.yaml")
    about = next((one for one in found.texts if one.path == path), None)
    if about is None or _LIBRARY.search(about.text):
        return
    reason = ASKED_NOT if not asked else "" if helm.available() else helm.MISSING
    renderings: list[helm.Rendered] = []
    errors: dict[str, str] = {}
    wanted = [] if reason else helm.environments(found.base / folder, values)
    if wanted:
        try:
            renderings, errors = helm.render(found.base / folder, folder, wanted)
        except RenderError as fault:
            errors = {one.name: str(fault) for one in wanted}
    for problem in dict.fromkeys(errors.values()):
        names = [name for name, said in errors.items() if said == problem]
        some = f" with {', '.join(names)}" if len(names) < len(wanted) else ""
        made.broken.append(_failed(core["core/not-rendered"], about, "chart", some, problem))
    environments = [one.name for one in wanted if one.name not in errors]
    if wanted and not environments:
        reason = "its chart does not render; the finding at Chart.yaml says why and what helps"
    made.rows += [Row(one, "helm", "skipped" if reason else "checked", reason) for one in templates]
    sources = {id(one.template): one.template for one in renderings}
    made.sources += sources.values()
    made.environments |= {one.path: len(environments) for one in sources.values()}
    for name in environments:
        add(made, [one for one in renderings if one.environment == name], found, core)


def add(made: Assembly, texts: Sequence[Made], found: Found, core: dict[str, Rule]) -> None:
    """One environment's manifests, as a project of its own."""
    for source in texts:
        source.kind = kinds.classify(source.path, source.text)
    pairs = list(made.parse([one for one in texts if one.kind], core, rows=False))
    made.projects.append(project(pairs, found))


def project(pairs: Iterable[tuple[str, Any]], found: Found) -> Project:
    """Documents as a project that knows what the walk saw, covered and passed over."""
    return Project(
        pairs,
        found.paths,
        complete=found.walked,
        walked=found.folders,
        closed=found.closed,
        ignored=found.ignored,
    )


def overlays(found: Found, made: Assembly, core: dict[str, Rule], *, asked: bool) -> frozenset[str]:
    """Build what the kustomizations deploy; the paths of the files that are judged by that, and not by themselves."""
    sources = {source.path: source for source in found.texts}
    if not any(posixpath.basename(path) in OVERLAYS for path in sources):
        return frozenset()
    from concurrent.futures import ThreadPoolExecutor

    from readiness.render import kustomize
    from readiness.render.made import RenderError

    known = kustomize.read(sources)
    for path in (path for one in known.values() for path in one.patches if path in sources):
        sources[path].fragment = True  # a part of an object, where the overlay is not built
    roots = kustomize.roots(known)
    if not roots:
        return frozenset()
    missing = ASKED_NOT if not asked else "" if kustomize.command() else kustomize.MISSING
    if missing:
        made.rows += [Row(one.source.path, "kustomize", "skipped", missing) for one in roots]
        return frozenset()
    reached = [kustomize.reach(root, known) for root in roots]

    def work(number: int) -> kustomize.Built | RenderError:
        try:
            return kustomize.build(roots[number], reached[number], sources, found.base)
        except RenderError as error:
            return error

    with ThreadPoolExecutor(max_workers=4) as pool:
        answers = list(pool.map(work, range(len(roots))))
    taken: set[str] = set()
    for root, within, built in zip(roots, reached, answers, strict=True):
        if isinstance(built, RenderError):
            made.rows.append(Row(root.source.path, "kustomize", "skipped", str(built)))
            if not any(one.remote for one in within):
                rule = core["core/not-rendered"]
                made.broken.append(_failed(rule, root.source, "overlay", "", str(built)))
            continue
        made.rows.append(Row(root.source.path, "kustomize", "checked"))
        mine = {path for one in within for path in (*one.files, *one.patches)}
        for path in mine:
            made.environments[path] = made.environments.get(path, 0) + 1
        taken |= mine
        add(made, [built], found, core)
    return frozenset(taken)


def _failed(rule: Rule, source: Source, what: str, environment: str, problem: str) -> Finding:
    """The finding that stands for a chart or an overlay that gave nothing, at its own file's first line."""
    facts = {"what": what, "environment": environment, "reason": problem}
    text = fill(rule.message, facts.get)
    return Finding(rule, source, source.one_line(Span(0, len(source.text))), text)
