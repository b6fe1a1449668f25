"""Paths as reports print them: what the folder of a path is called is worked out once, and the answer is that of the path itself."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from readiness.loading.report_paths import ReportPaths

PATHS = [
    "a.yaml",
    "./a.yaml",
    "sub/a.yaml",
    "sub/deeper/b..c/d.yaml",
    "../a.yaml",
    "../../x/a.yaml",
    "sub/../a.yaml",
    ".",
    "..",
    "sub/",
    "/",
    "/etc/a.yaml",
]


@pytest.mark.parametrize("base", ["one/two", "one/two/three", "other"])
def test_each_path_is_told_as_the_way_from_the_base(base: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "one" / "two").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "one" / "two")
    base_folder = tmp_path / base
    paths = ReportPaths(base_folder)
    above = [str(one) for one in (base_folder, *base_folder.parents)]
    below = [str(tmp_path / "one" / one) for one in ("two/a", "two/three", "two/three/a", "twofold", "two/three/../a")]
    for path in [*PATHS, *above, *below, *PATHS]:
        assert paths.report_path(path) == os.path.relpath(path, base_folder)
        assert paths.report_path(Path(path)) == os.path.relpath(path, base_folder)


def test_a_base_that_is_relative_stands_for_where_it_leads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "a")
    paths = ReportPaths(Path("b"))
    for path in (str(tmp_path), str(tmp_path / "a"), str(tmp_path / "a" / "b"), str(tmp_path / "a" / "b" / "c"), "b", "b/c", "d"):
        assert paths.report_path(path) == os.path.relpath(path, "b")
