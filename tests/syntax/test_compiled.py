"""The tool's own YAML files, compiled: right whatever happens to the files and to what was kept."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from readiness.ruleset import families, rules
from readiness.syntax import compiled


def load(folder: Path, home: Path) -> tuple[dict[str, str], list[str]]:
    """What is loaded, and which files were read for it."""
    read: list[str] = []

    def one(path: Path) -> str:
        read.append(path.stem)
        return path.read_text(encoding="utf-8")

    return compiled.load_yaml_folder(folder, one, home), read


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "k8s"
    made.mkdir()
    (made / "b.yaml").write_text("two")
    (made / "a.yaml").write_text("one")
    (made / "notes.txt").write_text("no rule")
    return made


def test_a_second_run_reads_no_file(folder: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert load(folder, home) == ({"a": "one", "b": "two"}, ["a", "b"])
    assert load(folder, home) == ({"a": "one", "b": "two"}, [])
    assert list(load(folder, home)[0]) == ["a", "b"]


@pytest.mark.parametrize("how", ["longer", "same size", "new", "gone", "renamed", "moved"])
def test_what_changes_is_seen(folder: Path, tmp_path: Path, how: str) -> None:
    home = tmp_path / "home"
    before = load(folder, home)[0]
    if how == "longer":
        (folder / "a.yaml").write_text("longer")
    elif how == "same size":
        (folder / "a.yaml").write_text("uno")
        os.utime(folder / "a.yaml", ns=(1, 1))
    elif how == "new":
        (folder / "c.yaml").write_text("three")
    elif how == "gone":
        (folder / "a.yaml").unlink()
    elif how == "renamed":
        (folder / "a.yaml").rename(folder / "z.yaml")
    else:
        other = tmp_path / "other"
        other.mkdir()
        folder = folder.rename(other / "k8s")
        assert load(folder, home) == (before, ["a", "b"])
        return
    after, read = load(folder, home)
    assert after == {path.stem: path.read_text() for path in sorted(folder.glob("*.yaml"))}
    assert after != before
    assert read


@pytest.mark.parametrize("rest", ["", "{", "[]", "null", '{"stamp": 1}', '{"made": {}}', "\x00\xff"])
def test_what_was_kept_badly_is_made_anew(folder: Path, tmp_path: Path, rest: str) -> None:
    home = tmp_path / "home"
    load(folder, home)
    (kept,) = home.glob("*-k8s.json")
    kept.write_text(rest, encoding="latin-1")
    assert load(folder, home)[0] == {"a": "one", "b": "two"}
    assert load(folder, home)[1] == []


def flipped(text: bytes) -> bytes:
    """Text with one letter of what was kept changed: valid JSON still, of the right shape."""
    assert b'"one"' in text
    return text.replace(b'"one"', b'"uno"')


def reshaped(text: bytes) -> bytes:
    """The right stamp over something else."""
    kept = json.loads(text)
    return json.dumps({**kept, "made": 3}).encode()


SPOILT = {
    "one letter": flipped,
    "another shape": reshaped,
    "cut off": lambda text: text[:-3],
    "longer": lambda text: text + b"}",
    "deep": lambda text: b"[" * 100_000,
    "without its checksum": lambda text: b"{" + text[20:],
}


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
def test_what_was_spoilt_is_read_again(folder: Path, tmp_path: Path, spoil: Callable[[bytes], bytes]) -> None:
    home = tmp_path / "home"
    load(folder, home)
    (file,) = home.glob("*-k8s.json")
    good = file.read_bytes()
    file.write_bytes(spoil(good))
    assert load(folder, home) == ({"a": "one", "b": "two"}, ["a", "b"])
    assert file.read_bytes() == good
    assert load(folder, home)[1] == []


def test_nothing_can_be_written(folder: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.write_text("a file where the folder should be")
    assert load(folder, home) == ({"a": "one", "b": "two"}, ["a", "b"])
    assert load(folder, home) == ({"a": "one", "b": "two"}, ["a", "b"])


def test_no_folder_has_no_names(tmp_path: Path) -> None:
    assert compiled.yaml_file_stems(tmp_path / "none") == []


def test_rules_are_the_same_read_and_kept(tmp_path: Path) -> None:
    for group in rules.RULE_GROUPS:
        names = []
        for folder, read in (
            (rules.rules_folder() / group, rules.load_rule_spec),
            (rules.rules_folder() / group / families.FAMILIES_FOLDER, families.rule_spec_by_name_in_family),
        ):
            if folder.is_dir():
                first = compiled.load_yaml_folder(folder, read, tmp_path)
                assert compiled.load_yaml_folder(folder, read, tmp_path) == first
                rows = first.values() if folder.name == families.FAMILIES_FOLDER else [first]
                names += [name for row in rows for name in row]
        assert sorted(names) == [name.partition("/")[2] for name in rules.load_all_rule_ids() if name.startswith(f"{group}/")]


def test_folders_of_one_name_are_kept_apart(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other" / "k8s"
    other.mkdir(parents=True)
    (other / "c.yaml").write_text("three")
    home = tmp_path / "home"
    for _ in range(2):
        assert load(folder, home)[0] == {"a": "one", "b": "two"}
        assert load(other, home)[0] == {"c": "three"}
    assert load(folder, home)[1] == load(other, home)[1] == []
