"""The walk: what it takes, what it leaves alone, and what it says of what it could not read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import readiness
from readiness.files import decode_text
from readiness.loading import discover, ignoring
from readiness.loading.discover import DiscoveredFiles, discover_files
from readiness.loading.fenced import filename_in_first_line
from tests.effort import effort
from tests.make import write_files

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {containers: [{name: a, image: 'a:1'}]}\n"


def make(root: Path, **files: str | bytes) -> Path:
    return write_files(root, files)


def names(found: DiscoveredFiles) -> list[str]:
    return [source.path for source in found.sources]


def test_order_and_relative_paths(tmp_path: Path) -> None:
    make(
        tmp_path,
        **{"b/x.yaml": "a: 1", "a.yaml": "a: 1", "b/a/y.yml": "a: 1", "Dockerfile": "FROM x"},
    )
    assert names(discover_files([tmp_path], working_directory=tmp_path)) == [
        "Dockerfile",
        "a.yaml",
        "b/a/y.yml",
        "b/x.yaml",
    ]


def test_gitignore_is_honoured_at_every_level_and_above(tmp_path: Path) -> None:
    make(
        tmp_path,
        **{
            ".gitignore": "out/\n*.gen.yaml\n!keep.gen.yaml\n",
            "out/a.yaml": "a: 1",
            "in/b.gen.yaml": "a: 1",
            "in/keep.gen.yaml": "a: 1",
            "in/.gitignore": "c.yaml\n",
            "in/c.yaml": "a: 1",
            "c.yaml": "a: 1",
        },
    )
    (tmp_path / ".git").mkdir()
    assert names(discover_files([tmp_path], working_directory=tmp_path)) == ["c.yaml", "in/keep.gen.yaml"]
    assert names(discover_files([tmp_path / "in"], working_directory=tmp_path)) == ["in/keep.gen.yaml"]


def test_vendored_folders_and_other_files_are_left_alone(tmp_path: Path) -> None:
    make(
        tmp_path,
        **{
            "node_modules/a.yaml": "a: 1",
            "x.py": "a",
            "y.png": b"\x89PNG\0",
            "nginx-logo.png": b"\x89PNG\0",
            "StringInXMP.zip": b"PK\0",
            "nginx_auth.egg-info/PKG-INFO": "location / {\n  root /srv;\n}\n",
            "z": b"\0\1",
            "w.yaml": "a: 1",
        },
    )
    found = discover_files([tmp_path], working_directory=tmp_path)
    assert names(found) == ["w.yaml"]
    assert found.unread_files == []
    assert found.skipped_count == 6


def test_excluded_paths(tmp_path: Path) -> None:
    make(tmp_path, **{"examples/a.yaml": "a: 1", "b.yaml": "a: 1"})
    assert names(discover_files([tmp_path], ["examples/*"], working_directory=tmp_path)) == ["b.yaml"]


def test_what_is_ours_by_name_and_cannot_be_read_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discover, "MAX_SOURCE_BYTES", 100)
    make(
        tmp_path,
        **{
            "big.yaml": "a" * 101,
            "wide.yaml": b"\xff\xfa\x00",
            "nul.conf": b"a\0b",
            "big.txt": "a" * 101,
        },
    )
    found = discover_files([tmp_path], working_directory=tmp_path)
    assert {one.path: one.reason.split(" ")[0] for one in found.unread_files} == {
        "big.yaml": "0.0", "nul.conf": "it", "wide.yaml": "it",
    }  # fmt: skip


@pytest.mark.skipif(os.name == "nt", reason="needs links, fifos and POSIX permissions")
def test_links_fifos_and_loops(tmp_path: Path) -> None:
    outside = make(tmp_path / "outside", **{"secret.yaml": "a: 1"})
    tree = make(tmp_path / "tree", **{"a.yaml": "a: 1", "sub/b.yaml": "a: 1"})
    (tree / "out.yaml").symlink_to(outside / "secret.yaml")
    (tree / "loop").symlink_to(tree)
    (tree / "self.yaml").symlink_to(tree / "self.yaml")
    (tree / "twin.yaml").symlink_to(tree / "a.yaml")
    (tree / "nowhere.yaml").symlink_to(tree / "gone")
    os.mkfifo(tree / "pipe.yaml")
    found = discover_files([tree], working_directory=tree)
    assert names(found) == ["a.yaml", "sub/b.yaml"]


def test_names_with_line_breaks_and_escapes_are_paths_like_others(tmp_path: Path) -> None:
    odd = "a\nb\x1b[31m.yaml"
    make(tmp_path, **{odd: "a: 1"})
    assert names(discover_files([tmp_path], working_directory=tmp_path)) == [odd]


def test_a_path_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(discover.MissingPathError):
        discover_files([tmp_path / "gone"])


def test_a_named_file_is_read_whatever_it_is_called(tmp_path: Path) -> None:
    make(tmp_path, **{"strange.py": "FROM x", ".dockerignore": ""})
    found = discover_files([tmp_path / "strange.py"], working_directory=tmp_path)
    assert names(found) == ["strange.py"]
    assert ".dockerignore" in found.paths


ENCODINGS = {
    "utf-8": ("é".encode(), "é"),
    "utf-8 with a mark": (b"\xef\xbb\xbfa", "a"),
    "utf-16": ("é".encode("utf-16"), "é"),
    "utf-16 big": (b"\xfe\xff" + "é".encode("utf-16-be"), "é"),
    "latin-1": (b"caf\xe9", None),
    "binary": (b"a\0b", None),
    "empty": (b"", ""),
}


@pytest.mark.parametrize(("data", "text"), ENCODINGS.values(), ids=ENCODINGS)
def test_encodings(data: bytes, text: str | None) -> None:
    assert decode_text(data) == text


def test_a_block_may_name_its_file() -> None:
    assert filename_in_first_line("# docker-compose.prod.yml\nservices: {}") == "docker-compose.prod.yml"
    assert filename_in_first_line("# Dockerfile for production\nFROM x") == ""
    assert filename_in_first_line("# .github/workflows/ci.yml\non: push") == ".github/workflows/ci.yml"


def test_a_gitignore_that_ran_away_comes_to_an_end(tmp_path: Path) -> None:
    make(
        tmp_path,
        **{".gitignore": "*a" * 40 + "b\n*.gen.yaml\n", "x.gen.yaml": "a: 1", "a" * 200: "a: 1"},
    )

    def walk() -> None:
        assert names(discover_files([tmp_path], working_directory=tmp_path)) == ["a" * 200]

    assert effort(walk) < 200_000


def test_patterns_that_take_too_much_work_leave_nothing_out_and_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ignoring, "MAX_MATCH_WORK_PER_WALK", 2000)
    hard = "".join(f"*x{n}*y\n" for n in range(200)) + "*.gen.yaml\n"
    make(tmp_path, **{"a/.gitignore": hard, "a/b.gen.yaml": POD, "c.yaml": POD})
    found = discover_files([tmp_path], working_directory=tmp_path)
    assert names(found) == ["a/b.gen.yaml", "c.yaml"]
    assert [one.path for one in found.partly_followed_gitignores] == ["a/.gitignore"]
    assert found.may_be_ignored("a/other.yaml"), "nobody can say that it is not"
    report = readiness.check([tmp_path], base=tmp_path)
    assert [(row.path, row.reason) for row in report.coverage.unread_files] == [
        (
            "a/.gitignore",
            "its patterns take too much work, so from some file on nothing is left out by them",
        )
    ]
    assert report.verdict == "not-ready"


def test_globs_that_take_too_much_work_leave_nothing_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, **{"a.yaml": "a: 1", "b.yaml": "a: 1"})
    globs = [f"*x{n}*" for n in range(200)] + ["*.yaml"]
    assert names(discover_files([tmp_path], globs, working_directory=tmp_path)) == []
    monkeypatch.setattr(ignoring, "MAX_MATCH_WORK_PER_WALK", 600)
    found = discover_files([tmp_path], globs, working_directory=tmp_path)
    assert names(found) == ["b.yaml"]
    assert [one.path for one in found.partly_followed_gitignores] == [".readiness.yaml"]


def test_a_gitignore_that_is_too_large_or_a_link_is_not_gone_by(tmp_path: Path) -> None:
    make(
        tmp_path,
        **{
            "a/.gitignore": "*.yaml\n" + "#" * ignoring.MAX_GITIGNORE_BYTES,
            "a/a.yaml": "a: 1",
            "b/b.yaml": "a: 1",
            "rules": "*.yaml\n",
        },
    )
    (tmp_path / "b/.gitignore").symlink_to(tmp_path / "rules")
    found = discover_files([tmp_path], working_directory=tmp_path)
    assert {"a/a.yaml", "b/b.yaml"} <= set(names(found))
    assert [(one.path, one.reason.partition(";")[0]) for one in found.partly_followed_gitignores] == [
        ("a/.gitignore", "512 KiB is the limit, and it has more"),
        ("b/.gitignore", "it is a link"),
    ]


def test_a_broken_line_costs_itself(tmp_path: Path) -> None:
    make(tmp_path, **{".gitignore": "[z-a]\n[a\nb\\\nc.yaml\n", "c.yaml": "a: 1", "d.yaml": "a: 1"})
    assert names(discover_files([tmp_path], working_directory=tmp_path)) == ["d.yaml"]


def test_thousands_of_gitignores_are_looked_up(tmp_path: Path) -> None:
    def walk(count: int) -> int:
        root = tmp_path / str(count)
        make(
            root,
            **{f"f{n}/.gitignore": "x.yaml\n" for n in range(count)},
            **{f"f{n}/x.yaml": "a: 1" for n in range(count)},
        )
        return effort(lambda: discover_files([root], working_directory=root))

    assert walk(160) < 2.5 * walk(80)
