"""What version control calls its own, as any system reads a name, and what stands in a folder when its links are followed."""

from __future__ import annotations

from pathlib import Path

import pytest

from readiness import tree_paths

OWN = (
    ".git",
    ".GIT",
    ".GiT",
    ".git.",
    ".git ",
    ".git. .",
    ".git::$INDEX_ALLOCATION",
    ".GIT:x",
    "GIT~1",
    "git~1 ",
    ".g\u200cit",
    "\ufeff.git",
    ".hg",
    ".Svn",
)
OTHERS = (".github", ".gitignore", ".gitlab", ".git2", "git", "git~10", "git~", "a.git", ".git-x", "..git", ".hgignore", "svn", "", ".", "..", ".ġit")


@pytest.mark.parametrize("name", OWN)
def test_a_name_that_some_system_takes_for_version_controls(name: str) -> None:
    assert tree_paths.is_version_control_name(name)
    assert tree_paths.is_version_control_path(f"a/{name}/b")
    with pytest.raises(tree_paths.OutsideError):
        tree_paths.resolve_links(Path("/nowhere"), f"a/{name}/b")


@pytest.mark.parametrize("name", OTHERS)
def test_a_name_like_that_is_read(name: str) -> None:
    assert not tree_paths.is_version_control_name(name)


def test_what_stands_in_a_folder(tmp_path: Path) -> None:
    assert tree_paths.is_inside_folder(tmp_path, tmp_path / "a" / ".." / "b")
    assert not tree_paths.is_inside_folder(tmp_path, tmp_path / ".." / "b")
    assert not tree_paths.is_inside_folder(tmp_path, tmp_path / "a" / ".git")
    assert not tree_paths.is_inside_folder(tmp_path, tmp_path / "a\0b")
    assert tree_paths.is_inside_folder(tmp_path / ".git", tmp_path / ".git" / "a"), "what was given may be anything"
