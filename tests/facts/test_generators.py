"""The generators of facts: the same bytes for the same input, in a form that the loader reads back as it was."""

from __future__ import annotations

import datetime
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readiness.facts import table
from readiness.syntax import compiled
from readiness.syntax.yaml import load_yaml_documents
from tools.facts import kubernetes, official_images, releases, writing

DAY = datetime.date(2026, 3, 1)
WORDS = st.text(st.characters(exclude_categories=["C", "Z"]) | st.sampled_from(" ,:#'\"\\"))
VALUES = st.recursive(
    WORDS | st.booleans() | st.integers(-9, 99_999),
    lambda inner: st.lists(inner, max_size=9) | st.dictionaries(WORDS, inner, max_size=5),
    max_leaves=12,
)


@given(st.dictionaries(WORDS, st.dictionaries(WORDS, VALUES, max_size=4), min_size=1, max_size=4))
def test_rows_are_read_back_as_they_were_written(things: dict[str, dict[str, object]]) -> None:
    (read,) = load_yaml_documents("rows:\n" + "".join(writing.rows(things)))
    assert read["rows"] == things


@pytest.mark.parametrize("text", ["on", "No", "y", "3.10", "1e3", "", "a: b", "2026-03-01", "~", "é"])
def test_words_stay_words(text: str) -> None:
    (read,) = load_yaml_documents(f"rows: {{a: {writing.scalar(text)}}}")
    assert read["rows"] == {"a": text}


def test_long_rows_are_broken_behind_commas() -> None:
    lines = list(writing.rows({"a": {"ends": {str(number): "2026-03-01" for number in range(40)}}}))
    assert len(lines) > 3
    assert max(map(len, lines)) <= writing.WIDTH + 1
    assert all(line.rstrip().endswith((",", ":", "}")) for line in lines)


def test_no_word_is_broken() -> None:
    things = {"a": {"words": ["x,  y" * 40, 'say "a,  b"', "c" * 140, "a,  b"] * 3}}
    (read,) = load_yaml_documents("rows:\n" + "".join(writing.rows(things)))
    assert read["rows"] == things


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., table.FactsTable]:
    """What a generator writes of a source, read by the loader; it is run twice and must write the same."""
    folder = tmp_path / "facts"
    folder.mkdir()
    monkeypatch.setattr(writing, "FOLDER", folder)
    monkeypatch.setattr(compiled, "COMPILED_CACHE_FOLDER", tmp_path / "home")

    def make(main: Callable[[], None], source: Path, topic: str) -> table.FactsTable:
        monkeypatch.setattr(sys, "argv", ["facts", str(source), "--read", DAY.isoformat()])
        texts = []
        for _ in range(2):
            main()
            texts.append({path.name: path.read_bytes() for path in folder.iterdir()})
        assert texts[0] == texts[1]
        return table.read_facts(folder, topic)

    return make


PAGE = """\
---
title: "{title}"
releases:
  - releaseCycle: "3.1"
    eol: false
  - releaseCycle: "2.1"
    codename: "Ada Byron"
    eol: 2026-02-01
    eoes: 2026-06-01
  - releaseCycle: "2.0"
    eol: 2025-02-01
  - releaseCycle: "1"
    eol: true
  - releaseCycle: "edge"
    eol: 2025-02-01
---
## Text with {{{{ a template }}}}
"""


def test_releases(tmp_path: Path, made: Callable[..., table.FactsTable]) -> None:
    folder = tmp_path / "endoflife.date" / "products"
    folder.mkdir(parents=True)
    for name in releases.PRODUCTS:
        (folder / f"{name}.md").write_text(PAGE.format(title=name.upper()))
    found = made(releases.main, folder.parent, "releases")
    assert (found.read_on, found.made_by) == (DAY, "tools/facts/releases.py")
    assert found.rows["redis"] == {
        "title": "REDIS",
        "ends": {"2.1": "2026-02-01", "2.0": "2025-02-01", "2": "2026-02-01"},
    }
    # Debian's LTS team goes on longer, so its second line had not ended on that day.
    assert found.rows["debian"] == {
        "title": "DEBIAN",
        "ends": {"2.1": "2026-06-01", "2.0": "2025-02-01"},
        "names": {"ada": "2.1"},
    }


@pytest.mark.parametrize(
    ("days", "lines"),
    [
        ({"6.2": "2026-02-01", "6.0": "2025-01-01"}, {"6": "2026-02-01"}),
        ({"6.2": "2026-03-02", "6.0": "2025-01-01"}, {}),
        ({"6.2": None, "6.0": "2025-01-01"}, {}),
        ({"6": "2026-02-01", "6.0": "2025-01-01"}, {}),
        ({"16": "2026-02-01"}, {}),
    ],
)
def test_a_line_has_ended_when_all_of_it_has(days: dict[str, str | None], lines: dict[str, str]) -> None:
    assert releases.lines(days, DAY.isoformat()) == lines


def test_official_images(tmp_path: Path, made: Callable[..., table.FactsTable]) -> None:
    folder = tmp_path / "official-images" / "library"
    folder.mkdir(parents=True)
    for name in ("redis", "alpine"):
        (folder / name).write_text("Tags: 1\n")
    found = made(official_images.main, folder.parent, "official-images")
    assert found.rows == {"alpine": {}, "redis": {}}


MODEL = """\
class V1{kind}(BaseModel):
    api_version: Optional[StrictStr] = Field(default=None, serialization_alias="apiVersion")
    var_schema: StrictStr = Field(serialization_alias="schema")
    limits: Optional[Dict[str, StrictStr]] = None
    args: Optional[List[StrictStr]] = None
    parts: List[V1Part]
    status: Optional[V1Part] = None
    openapi_types: ClassVar[Dict[str, str]] = {{
        "api_version": "str", "schema": "str", "limits": "dict(str, str)", "args": "list[str]",
        "parts": "list[V1Part]", "status": "V1Part",
    }}
    attribute_map: ClassVar[Dict[str, str]] = {{
        "api_version": "apiVersion", "schema": "schema", "limits": "limits", "args": "args",
        "parts": "parts", "status": "status",
    }}
"""
PART = """\
class V1{kind}(BaseModel):
    size: Optional[StrictInt] = None
    openapi_types: ClassVar[Dict[str, str]] = {{"size": "int"}}
    attribute_map: ClassVar[Dict[str, str]] = {{"size": "size"}}
"""
API = """\
class AppsV1Api:
    def create_namespaced_thing(self, body) -> V1Thing:
        pass
    def _create_namespaced_thing_serialize(self):
        return call(resource_path='/apis/apps/v1/namespaces/{namespace}/things')
    def create_rack(self, body) -> V1Rack:
        pass
    def _create_rack_serialize(self):
        return call(resource_path='/api/v1/racks')
    def create_namespaced_thing_part(self, body) -> V1Part:
        pass
    def _create_namespaced_thing_part_serialize(self):
        return call(resource_path='/apis/apps/v1/namespaces/{namespace}/things/{name}/part')
"""


@pytest.fixture
def client(tmp_path: Path) -> Path:
    """A client of an API with two kinds, the second of which stands in no namespace."""
    folder = tmp_path / "wheel" / "kubernetes" / "client"
    for name in ("api", "models"):
        (folder / name).mkdir(parents=True)
    (folder / "api_client.py").write_text('"""The version of the OpenAPI document: release-1.99"""\n')
    (folder / "api" / "apps_v1_api.py").write_text(API)
    for name, text in (("Thing", MODEL), ("Rack", PART), ("Part", PART), ("Unused", PART)):
        (folder / "models" / f"v1_{name.lower()}.py").write_text(text.format(kind=name))
    return tmp_path / "wheel"


def test_kinds_of_kubernetes(client: Path, made: Callable[..., table.FactsTable]) -> None:
    found = made(kubernetes.main, client, "kubernetes-kinds")
    assert found.version == "1.99"
    assert found.rows == {
        "apps/v1 Thing": {"type": "V1Thing"},
        "v1 Rack": {"type": "V1Rack", "cluster": True},
    }


def test_types_of_kubernetes(client: Path, made: Callable[..., table.FactsTable]) -> None:
    found = made(kubernetes.main, client, "kubernetes-types")
    assert found.rows == {
        "V1Part": {"size": "i"},
        "V1Rack": {"size": "i"},
        "V1Thing": {
            "apiVersion": "s",
            "args": "[]s",
            "limits": "{}q",
            "parts": "[]V1Part!",
            "schema": "s!",
            "status": "o",
        },
    }


def test_a_client_that_names_no_release_is_refused(client: Path, made: Callable[..., table.FactsTable]) -> None:
    (client / "kubernetes" / "client" / "api_client.py").write_text("")
    with pytest.raises(SystemExit, match=r"names no release of Kubernetes"):
        made(kubernetes.main, client, "kubernetes-kinds")
