"""The walk: what it takes, what it leaves alone, and what it says of what it could not read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from readiness import discover
from readiness.discover import Found, decode, find
from readiness.fences import named_in


def make(root: Path, **files: str | bytes) -> Path:
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)
    return root


def names(found: Found) -> list[str]:
    return [source.path for source in found.texts]


def test_order_and_relative_paths(tmp_path: Path) -> None:
    make(
        tmp_path,
        **{"b/x.yaml": "a: 1", "a.yaml": "a: 1", "b/a/y.yml": "a: 1", "Dockerfile": "FROM x"},
    )
    assert names(find([tmp_path], base=tmp_path)) == [
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
    assert names(find([tmp_path], base=tmp_path)) == ["c.yaml", "in/keep.gen.yaml"]
    assert names(find([tmp_path / "in"], base=tmp_path)) == ["in/keep.gen.yaml"]


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
    found = find([tmp_path], base=tmp_path)
    assert names(found) == ["w.yaml"]
    assert found.unread == []
    assert found.skipped == 6


def test_excluded_paths(tmp_path: Path) -> None:
    make(tmp_path, **{"examples/a.yaml": "a: 1", "b.yaml": "a: 1"})
    assert names(find([tmp_path], ["examples/*"], base=tmp_path)) == ["b.yaml"]


def test_what_is_ours_by_name_and_cannot_be_read_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discover, "MAX_BYTES", 100)
    make(
        tmp_path,
        **{
            "big.yaml": "a" * 101,
            "wide.yaml": b"\xff\xfa\x00",
            "nul.conf": b"a\0b",
            "big.txt": "a" * 101,
        },
    )
    found = find([tmp_path], base=tmp_path)
    assert {one.path: one.reason.split(" ")[0] for one in found.unread} == {
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
    found = find([tree], base=tree)
    assert names(found) == ["a.yaml", "sub/b.yaml"]


def test_names_with_line_breaks_and_escapes_are_paths_like_others(tmp_path: Path) -> None:
    odd = "a\nb\x1b[31m.yaml"
    make(tmp_path, **{odd: "a: 1"})
    assert names(find([tmp_path], base=tmp_path)) == [odd]


def test_a_path_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(discover.MissingPathError):
        find([tmp_path / "gone"])


def test_a_named_file_is_read_whatever_it_is_called(tmp_path: Path) -> None:
    make(tmp_path, **{"strange.py": "FROM x", ".dockerignore": ""})
    found = find([tmp_path / "strange.py"], base=tmp_path)
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
    assert decode(data) == text


def test_a_block_may_name_its_file() -> None:
    assert named_in("# docker-compose.prod.yml\nservices: {}") == "docker-compose.prod.yml"
    assert named_in("# Dockerfile for production\nFROM x") == ""
    assert named_in("# .github/workflows/ci.yml\non: push") == ".github/workflows/ci.yml"
