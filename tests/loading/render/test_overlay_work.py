"""What building overlays may take: texts that double, names of a megabyte, expressions that run away; past a limit it is said, and little is done."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import readiness
from readiness.loading.parsed import ParsedTexts
from readiness.loading.render import work
from readiness.loading.render.made import LimitError, RenderError, without_frames
from readiness.loading.render.origins import BuiltOverlay, TreeCopy, trace_origins
from readiness.loading.render.overlay.selector import text_matcher
from readiness.loading.render.tree import ConfinedTree
from readiness.loading.render.work import OverlayWorkOfRun, WorkCounter
from readiness.model import Source, Span
from readiness.verdict.report import Report
from tests.effort import effort
from tests.growth_series import Tree, config_maps, deployment, manifest, overlay
from tests.make import write_files


@pytest.fixture(autouse=True)
def no_builder(monkeypatch: pytest.MonkeyPatch) -> None:
    """No program stands in for what is not built here."""
    monkeypatch.setenv("PATH", "")


def checked(root: Path, tree: Tree) -> Report:
    write_files(root, tree)
    return readiness.check([root], base=root, config=False)


def reason_of(report: Report, path: str = "o/kustomization.yaml") -> str:
    """Why an overlay was not built."""
    (row,) = (one for one in report.files if one.path == path)
    assert row.status == "skipped", row
    assert not [one for one in report.findings if one.rule == "core/crash"]
    return row.reason


REPLACED = (
    "- {source: {kind: ConfigMap, name: c0, fieldPath: data.a}, targets: [{select: {kind: ConfigMap, name: c0}, fieldPaths: [data.a],"
    " options: {delimiter: ',', index: -1}}]}\n"
)
LONG = "x" * 1_000_000
BOMBS: dict[str, tuple[Tree, str]] = {
    "a replacement that doubles its own text": (overlay("replacements:\n" + REPLACED * 45, config_maps(1)), "characters of new text"),
    "a long prefix of many names": (overlay(f"namePrefix: {LONG}\n", config_maps(50)), "characters of new text"),
    "a long name of an image in many containers": (
        overlay(
            f"images: [{{name: a, newName: {LONG}}}]\n", "---\n".join(deployment(f"d{n}").replace(f"r.example.com/d{n}", "a") for n in range(50))
        ),
        "characters of new text",
    ),
    "a variable of a long text": (
        overlay(
            "vars: [{name: A, objref: {kind: ConfigMap, name: c0, apiVersion: v1}, fieldref: {fieldpath: data.a}}]\n",
            config_maps(1, f"a: {LONG}") + "---\n" + manifest("Service", "s, annotations: {x: '" + "$(A)" * 50 + "'}"),
        ),
        "characters of new text",
    ),
    "many Secrets of one long file": (
        overlay("secretGenerator:\n" + "".join(f"- {{name: s{n}, files: [f]}}\n" for n in range(50)), config_maps(1), {"o/f": LONG}),
        "characters of new text",
    ),
    "many suffixes of one image": (
        overlay("images:\n" + f"- {{name: a, tagSuffix: {'x' * 2000}}}\n" * 200, deployment("d").replace("r.example.com/d", "a")),
        "characters of new text",
    ),
    "many lines of comments in files of variables": (
        overlay("configMapGenerator:\n" + "".join(f"- {{name: s{n}, envs: [f]}}\n" for n in range(50)), config_maps(1), {"o/f": "#\n" * 50_000}),
        "values",
    ),
    "many documents of nothing in many places": (
        {"o/kustomization.yaml": "resources:\n" + "- e.yaml\n" * 200 + "- d.yaml\n", "o/d.yaml": config_maps(1), "o/e.yaml": "---\n" * 20_000},
        "values to go through",
    ),
}


@pytest.mark.parametrize(("tree", "words"), BOMBS.values(), ids=BOMBS)
def test_what_grows_out_of_little_is_stopped_and_told_as_a_limit(tmp_path: Path, tree: Tree, words: str) -> None:
    reason = reason_of(checked(tmp_path, tree))
    assert words in reason
    assert "building it takes over" in reason


def test_what_nobody_writes_that_large_is_built(tmp_path: Path) -> None:
    tree = overlay(f"namePrefix: team-\n{'replacements:' + chr(10) + REPLACED * 5}", config_maps(300))
    report = checked(tmp_path, tree)
    assert {one.status for one in report.files if one.path.startswith("o/")} == {"checked"}


@pytest.mark.parametrize("pattern", ["(.|a)" * 40, "(a|.)" * 40, ".*a.*a.*b", "(a.|.a)" * 28, "(.*)(.*)(.*)b"])
def test_no_expression_of_a_selector_runs_away(pattern: str) -> None:
    matches = text_matcher(pattern)
    assert effort(lambda: matches("a" * 252 + "c", WorkCounter())) < 2_000_000
    assert not matches("a" * 252 + "c", WorkCounter())


def test_what_expressions_take_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "MAX_OBJECT_LOOKUPS_PER_OVERLAY", 100)
    matches = text_matcher("(.|a)(.|b)(.|c)")
    counter = WorkCounter()
    assert matches("abc", counter)
    with pytest.raises(LimitError, match="object lookups"):
        [matches("a" * 250, counter) for _ in range(100)]


@pytest.mark.parametrize(
    "operations",
    [
        "[{op: replace, path: '', value: 3}]", "[{op: replace, path: /metadata, value: [1]}]", "[{op: replace, path: /kind, value: {a: 1}}]",
        "[{op: remove, path: /metadata/name}]", "[{op: remove, path: /kind}]",
    ],
)  # fmt: skip
def test_a_patch_that_leaves_no_object_is_a_mistake_and_hides_nothing(tmp_path: Path, operations: str) -> None:
    report = checked(tmp_path, overlay(f'patches: [{{target: {{kind: ConfigMap}}, patch: "{operations}"}}]\n', config_maps(1)))
    assert "after all patches and replacements" in reason_of(report)
    assert not report.gate.passed


def test_moves_into_what_was_moved_are_built_without_a_ring(tmp_path: Path) -> None:
    operations = "- {op: move, from: /data/a/b, path: /data/c}\n- {op: move, from: /data/a, path: /data/c/d}\n"
    tree = overlay("patches: [{path: p.yaml, target: {kind: ConfigMap}}]\n", config_maps(1, "a: {b: {x: y}}"), {"o/p.yaml": operations})
    (row,) = (one for one in checked(tmp_path, tree).files if one.path == "o/kustomization.yaml")
    assert (row.status, row.reason) == ("checked", "")


def test_overlays_of_a_run_have_a_limit_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "MAX_OVERLAY_LIMITS_PER_RUN", 1)
    monkeypatch.setattr(work, "MAX_VALUES_PER_OVERLAY", 60)
    trees = (overlay("namePrefix: x-\n", config_maps(5)) for _ in range(2))
    tree = {path.replace("o/", f"o{number}/", 1): text for number, one in enumerate(trees) for path, text in one.items()}
    report = checked(tmp_path, tree)
    statuses = {one.path: one.status for one in report.files if one.path.endswith("kustomization.yaml")}
    assert statuses == {"o0/kustomization.yaml": "checked", "o1/kustomization.yaml": "skipped"}
    reason = reason_of(report, "o1/kustomization.yaml")
    assert "with the overlays before it" in reason
    assert "the limit for a run" in reason
    assert report.coverage.percent < 100


def test_kustomizations_of_a_run_have_a_limit_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "MAX_KUSTOMIZATION_BUILDS_PER_RUN", 5)
    tree = {f"o{number}/kustomization.yaml": "resources: [../b]\n" for number in range(3)}
    tree |= {"b/kustomization.yaml": "resources: [d.yaml]\n", "b/d.yaml": config_maps(1)}
    report = checked(tmp_path, tree)
    assert "in over 5 kustomizations, the limit for a run" in reason_of(report, "o2/kustomization.yaml")


def test_paths_that_a_tree_names_have_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("readiness.loading.render.tree.MAX_PATHS_PER_TREE", 30)
    names = "".join(f"- x{number}\n" for number in range(40))
    report = checked(tmp_path, {"o/kustomization.yaml": "generators: [g.yaml]\n", "o/g.yaml": f"kind: X\nfiles:\n{names}", "k.yaml": config_maps(1)})
    assert "name over 30 paths" in reason_of(report)


def test_a_failed_overlay_is_charged_to_the_run() -> None:
    work_of_run = OverlayWorkOfRun()
    before = dict(work_of_run.left_by_unit)
    counter = WorkCounter(work_of_run)
    with pytest.raises(LimitError):
        counter.count_values(work.MAX_VALUES_PER_OVERLAY + 5)
    counter.charge_run()
    assert before["values"] - work_of_run.left_by_unit["values"] == work.MAX_VALUES_PER_OVERLAY


def test_an_error_that_is_kept_holds_no_frames() -> None:
    def failing() -> None:
        large: Any = object()
        try:
            raise ValueError(large)
        except ValueError:
            raise RenderError("why")  # noqa: B904 - what it came from is the point

    with pytest.raises(RenderError) as caught:
        failing()
    error = without_frames(caught.value)
    assert (error.__traceback__, error.__context__) == (None, None)
    assert str(error) == "why"


def test_places_of_what_a_program_built_are_looked_up(tmp_path: Path) -> None:
    def work_of(count: int) -> int:
        wide = manifest("Secret", "wide", "data: {" + ", ".join(f"k{number}: v" for number in range(count)) + "}")
        text = f"{config_maps(count)}---\n{wide}"
        source = Source("d.yaml", text)
        kustomization: Any = type("Kustomization", (), {"patch_files": ["p.yaml"], "source": source})()
        built = BuiltOverlay("o", text, ".")
        sources = {"d.yaml": source, "p.yaml": Source("p.yaml", text)}
        trace_origins(built, [kustomization], sources, TreeCopy(tmp_path, ConfinedTree(tmp_path, tmp_path)), ParsedTexts())
        return effort(lambda: [built.written_location(Span(at, at + 2)) for at in range(0, len(text), 20)])

    small, large = work_of(40), work_of(160)
    assert large < 5.5 * small


def test_a_place_of_what_a_program_built_is_that_of_the_patch(tmp_path: Path) -> None:
    built_text = deployment("web").replace("spec:\n", "spec:\n  replicas: 2\n", 1)
    patch = Source("p.yaml", manifest("Deployment", "web", "spec:\n  replicas: 2", "apps/v1"))
    base = Source("d.yaml", deployment("web"))
    kustomization: Any = type("Kustomization", (), {"patch_files": ["d.yaml", "p.yaml"], "source": base})()
    built = BuiltOverlay("o", built_text, ".")
    tree_copy = TreeCopy(tmp_path, ConfinedTree(tmp_path, tmp_path))
    trace_origins(built, [kustomization], {"d.yaml": base, "p.yaml": patch}, tree_copy, ParsedTexts())
    at = built_text.index("replicas: 2")
    source, span = built.written_location(Span(at, at + 8))
    assert (source.path, source.position_of(span.start).line) == ("p.yaml", 5)
    at = built_text.index("image:")
    source, span = built.written_location(Span(at, at + 5))
    assert source.path == "d.yaml"
    assert "image" in source.line_text(source.position_of(span.start).line)


PLACES_OF_PATHS = (
    "resources: [d.yaml, {}]", "bases: [{}]", "components: [{}]", "patches: [{{path: {}}}]", "patchesStrategicMerge: [{}]", "configurations: [{}]",
    "patchesJson6902: [{{target: {{kind: ConfigMap}}, path: {}}}]", "configMapGenerator: [{{name: g, files: [{}]}}]", "replacements: [{{path: {}}}]",
    "secretGenerator: [{{name: g, envs: [{}]}}]", "crds: [{}]", "generators: [{}]", "transformers: [{}]",
)  # fmt: skip


@pytest.mark.parametrize("path", ["a/" * 250 + "x", "a/" * 600 + "x", "x" * 5000, "../" * 300 + "x"], ids=["steps", "long", "name", "above"])
@pytest.mark.parametrize("place", PLACES_OF_PATHS)
def test_a_path_that_is_not_followed_is_told_wherever_it_stands(tmp_path: Path, place: str, path: str) -> None:
    row = place.format(path)
    resources = "" if "resources" in row or "bases" in row else "resources: [d.yaml]\n"
    report = checked(tmp_path, {"o/kustomization.yaml": f"{resources}{row}\n", "o/d.yaml": config_maps(1)})
    assert not [one for one in report.findings if one.rule == "core/crash"]
    (told,) = (one for one in report.files if one.path == "o/kustomization.yaml")
    assert told.reason or place.startswith("crds")  # of which nothing is built
