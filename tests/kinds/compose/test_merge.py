"""Services laid over each other; the facts were held against `docker compose config` when they were written down."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readiness.kinds.compose.application import join_compose_files, merged_node_and_is_complete
from readiness.kinds.compose.merge import merge_services, rebase_service_paths
from readiness.kinds.compose.parts import (
    mount_specs,
    named_entries,
    port_specs,
    string_entries,
    variable_settings_under_key,
)
from readiness.model import Source
from readiness.model.project import Project
from readiness.syntax.yaml import Map, load_yaml_documents
from tests.kinds.compose.test_environment import project_of


def laid(base: str, over: str) -> tuple[Map, Project]:
    """A service as two files make it that Docker reads by themselves."""
    files = {
        "compose.yaml": "services:\n  web:\n    image: a:1\n    " + base,
        "compose.override.yaml": "services:\n  web:\n    " + over,
    }
    project = project_of(files)
    first = next(one for one in project.documents_of_kind("compose") if not one.override)
    return merged_node_and_is_complete(first.services["web"], project)[0], project


def pairs(node: Any, key: str) -> dict[str, Any]:
    return {one.name: one.raw_value for one in variable_settings_under_key(Source("x", ""), node, key)}


def test_variables_of_a_list_and_a_mapping() -> None:
    node, _ = laid('environment: ["A=1", "B=2", C]', "environment: {A: 3, B: , D: }")
    assert pairs(node, "environment") == {"A": 3, "B": None, "C": None, "D": None}
    node, _ = laid("labels: {a: b}", 'labels: ["c=d", "a=e"]')
    assert pairs(node, "labels") == {"a": "e", "c": "d"}
    node, _ = laid('environment: ["A=1", "B=2"]', 'environment: ["A=3"]')
    assert list(node["environment"]) == ["A=3", "B=2"]


def test_names_in_two_forms() -> None:
    node, _ = laid("depends_on: [db]", "depends_on: {cache: {condition: service_healthy}}")
    assert [name for name, _ in named_entries(node["depends_on"])] == ["db", "cache"]
    node, _ = laid("networks: [front]", "networks: {front: {aliases: [q]}, back: }")
    assert [name for name, _ in named_entries(node["networks"])] == ["front", "back"]
    assert node["networks"]["front"] == {"aliases": ["q"]}


def test_ports_and_mounts() -> None:
    node, _ = laid('ports: ["80:80", "127.0.0.1:81:81/udp"]', 'ports: ["82:82", "81:81/udp", "80:80"]')
    assert [one.text for one in port_specs(node)] == [
        "80:80", "127.0.0.1:81:81/udp", "82:82", "81:81/udp",
    ]  # fmt: skip
    node, _ = laid(
        'volumes: ["data:/data", "./x:/x:ro"]',
        "volumes: [{type: bind, source: ./y, target: /data}]",
    )
    assert [(one.source, one.target) for one in mount_specs(node)] == [
        ("./y", "/data"),
        ("./x", "/x"),
    ]


REPLACED: dict[str, tuple[str, str, str, Any]] = {
    "a command": ("command: npm run", "command: [a]", "command", ["a"]),
    "a test, and the rest stays": (
        "healthcheck: {test: [CMD, a], interval: 10s}", "healthcheck: {test: b}",
        "healthcheck", {"test": "b", "interval": "10s"},
    ),
    "another log driver": (
        "logging: {driver: json-file, options: {max-size: 1m}}", "logging: {driver: syslog}",
        "logging", {"driver": "syslog"},
    ),
    "the same log driver": (
        "logging: {driver: local, options: {a: 1}}", "logging: {options: {b: 2}}",
        "logging", {"driver": "local", "options": {"a": 1, "b": 2}},
    ),
    "a build": (
        "build: ./dir", "build: {args: {X: y}}", "build", {"context": "./dir", "args": {"X": "y"}},
    ),
    "nothing takes nothing away": ("user: u", "user:", "user", "u"),
    "one and several": ("dns: 1.1.1.1", "dns: [1.1.1.1, 2.2.2.2]", "dns", ["1.1.1.1", "2.2.2.2"]),
    "overridden": ("cap_add: [A]", "cap_add: !override [B]", "cap_add", ["B"]),
    "reset": ("cap_add: [A]", "cap_add: !reset []", "cap_add", None),
    "reset inside": (
        "build: {context: ., args: {A: b}}", "build: {args: !reset {}}", "build", {"context": "."},
    ),
    "limits": (
        "deploy: {replicas: 2}", "deploy: {resources: {limits: {memory: 1g}}}",
        "deploy", {"replicas": 2, "resources": {"limits": {"memory": "1g"}}},
    ),
    "files": (
        "env_file: a.env", "env_file: [{path: b.env}, a.env]", "env_file", ["a.env", {"path": "b.env"}],
    ),
    "secrets": (
        "secrets: [s]", "secrets: [{source: s, target: t}, s]",
        "secrets", ["s", {"source": "s", "target": "t"}],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("base", "over", "key", "value"), REPLACED.values(), ids=REPLACED)
def test_values(base: str, over: str, key: str, value: Any) -> None:
    assert laid(base, over)[0].get(key) == value


def test_places_stay_those_of_the_files() -> None:
    base = "services:\n  web:\n    image: a:1\n    environment: [A=1, 'B=2']\n"
    over = "services:\n  web:\n    environment: {C: x}\n"
    node = merge_services(
        load_yaml_documents(base)[0]["services"]["web"],
        load_yaml_documents(over)[0]["services"]["web"],
    )["environment"]
    assert [base[slice(*node.key_span(name))] for name in "AB"] == ["A", "B"]
    assert base[slice(*node.at("A"))] == "1"
    assert over[slice(*node.at("C"))] == "x"


def test_what_another_folder_holds_is_told_from_here() -> None:
    project = project_of(
        {
            "compose.yaml": "services:\n  web: {extends: {file: sub/c.yaml, service: base}, ports: ['81:81']}\n",
            ".env": "T=9\n",
            "sub/c.yaml": "services:\n  base:\n    image: a:$T\n    build: dir\n    env_file: one.env\n"
            "    volumes: ['./a:/a', 'data:/d', '/x:/x', {type: bind, source: ./q, target: /q}]\n    ports: ['80:80']\n",
            "sub/.env": "T=1\n",
            "sub/one.env": "A=1\n",
        }
    )
    first, part = project.documents_of_kind("compose")
    node, complete = merged_node_and_is_complete(first.services["web"], project)
    assert complete
    assert node["build"] == "./sub/dir"
    assert list(string_entries(node["env_file"])) == [("./sub/one.env", None)]
    assert [one.source for one in mount_specs(node)] == ["./sub/a", "data", "/x", "./sub/q"]
    assert [one.text for one in port_specs(node)] == ["80:80", "81:81"]
    assert part.environment.values == {"T": "9"}, "the file that extends it is the one that runs"


def test_compose_file_says_what_stands_together() -> None:
    base = "services:\n  web:\n    image: a:1\n"
    project = project_of(
        {
            ".env": "COMPOSE_FILE=compose.yaml:more/compose.prod.yaml\nT=1\n",
            "compose.yaml": base,
            "compose.gpu.yaml": "services:\n  web:\n    user: gpu\n",
            "more/compose.prod.yaml": "services:\n  web:\n    restart: always\n    image: a:$T\n",
        }
    )
    first, gpu, second = project.documents_of_kind("compose")
    assert dict(merged_node_and_is_complete(first.services["web"], project)[0]) == {
        "image": "a:$T",
        "restart": "always",
    }
    assert project.memoize(join_compose_files).application_of(second).bases == [first]
    assert second.environment.values == {
        "COMPOSE_FILE": "compose.yaml:more/compose.prod.yaml",
        "T": "1",
    }
    assert gpu not in project.memoize(join_compose_files).application_of(first).overlays


YAML = st.recursive(
    st.none() | st.integers(0, 3) | st.sampled_from(["a", "a=b", "80:80", "./a:/b", "$X"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["build", "environment", "ports", "volumes", "depends_on", "dns", "a"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


def node_of(value: dict[str, Any]) -> Map:
    node = load_yaml_documents(json.dumps(value))[0]
    assert isinstance(node, Map)
    return node


@given(*[st.dictionaries(st.sampled_from(["build", "environment", "ports", "x", "volumes", "logging"]), YAML)] * 2)
def test_any_two_mappings_can_be_merged(base: dict[str, Any], over: dict[str, Any]) -> None:
    first, second = node_of(base), node_of(over)
    found = merge_services(first, second)
    assert set(found) == set(first) | set(second)
    assert merge_services(found, found).keys() == found.keys()
    rebase_service_paths(found, "sub")
    for key in found:
        found.at(key)
