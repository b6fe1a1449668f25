"""Compose files: which texts are claimed, what short forms say, what files say together."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from readiness import kinds
from readiness.kinds import compose
from readiness.kinds.compose.application import is_service_defined_in_own_file, join_compose_files, merged_node_and_is_complete
from readiness.kinds.compose.parts import mount_spec_from_short_form, port_specs, split_short_port
from readiness.kinds.purpose import compose_purpose
from readiness.model import ParseError, Source, Span
from readiness.model.project import Project
from readiness.run import engine
from readiness.syntax.interpolation import (
    UNKNOWN_VALUE_MARK,
    InterpolationError,
    interpolate_variables,
    single_variable_and_default,
)
from tests.conftest import catalogue

SERVICE = "services:\n  web:\n    image: nginx:1.27.3\n"


def parsed(text: str, path: str = "compose.yaml") -> compose.Document:
    return compose.parse(Source(path, text, kind="compose"))


def project(files: dict[str, str]) -> Project:
    documents = [("compose", parsed(text, path)) for path, text in files.items()]
    return Project(documents, set(files), is_complete=True)


CLAIMS = {
    "any name": ("deploy/stack.yml", SERVICE, True),
    "flow": ("x.yaml", "services: {web: {image: a}}\n", True),
    "first format, by its name": ("docker-compose.yml", "web:\n  image: nginx\n", True),
    "first format without a name": ("values.yml", "web:\n  image: nginx\n", False),
    "only volumes, by its name": ("compose.yaml", "volumes: {a: {}}\n", True),
    "kubernetes": ("compose.yaml", "apiVersion: v1\nkind: Service\nservices:\n  a: b\n", False),
    "gitlab": (
        "ci.yml",
        "services:\n  - postgres:15\ntest:\n  image: ruby\n  script: [make]\n",
        False,
    ),
    "github": (
        "w.yml",
        "on: push\njobs:\n  a:\n    services:\n      db:\n        image: x\n",
        False,
    ),
    "woodpecker": ("w.yml", "steps:\n  - image: a\nservices:\n  db:\n    image: x\n", False),
    "symfony": ("services.yaml", "services:\n  _defaults:\n    autowire: true\n", False),
    "render": ("render.yaml", "databases: []\nservices:\n  - type: web\n    image: x\n", False),
    "another language": ("main.py", SERVICE, False),
}


@pytest.mark.parametrize(("path", "text", "claimed"), CLAIMS.values(), ids=CLAIMS)
def test_claims(path: str, text: str, claimed: bool) -> None:
    assert compose.recognizes_file(path, text) is claimed


PURPOSES = {
    "compose.yaml": "unknown",
    "docker-compose.dev.yml": "dev",
    "docker-compose-test.yaml": "test",
    "compose.override.yaml": "dev",
    "compose.prod.yaml": "prod",
    "tests/e2e/compose.yaml": "test",
    "src/__fixtures__/build/compose.yaml": "test",
    ".devcontainer/docker-compose.yml": "dev",
    "deploy/compose.yaml": "unknown",
    "guide.md#3/docker-compose.prod.yml": "prod",
    "devices/compose.yaml": "unknown",
}


@pytest.mark.parametrize(("path", "purpose"), PURPOSES.items())
def test_purpose(path: str, purpose: str) -> None:
    assert compose_purpose(path) == purpose


EXPANSIONS = {
    "plain": ("a", "a", (), ()),
    "escaped": ("$$A ${B:-$$c}", "$A $c", ("B",), ()),
    "open": ("x$A-${B}", f"x{UNKNOWN_VALUE_MARK}-{UNKNOWN_VALUE_MARK}", ("A", "B"), ("A", "B")),
    "default": ("${A:-b}", "b", ("A",), ()),
    "nested": ("${A:-${B:-c}}", "c", ("A", "B"), ()),
    "nested and open": ("${A:-${B}}", UNKNOWN_VALUE_MARK, ("A", "B"), ("B",)),
    "required": ("${A:?no}", UNKNOWN_VALUE_MARK, ("A",), ("A",)),
    "replacement": ("${A:+b}", "", ("A",), ()),
    "a dollar alone": ("$ $1 $(date) 5$", "$ $1 $(date) 5$", (), ()),
}


@pytest.mark.parametrize(("value", "text", "names", "unset"), EXPANSIONS.values(), ids=EXPANSIONS)
def test_expand(value: str, text: str, names: tuple[str, ...], unset: tuple[str, ...]) -> None:
    found = interpolate_variables(value)
    assert (found.text, found.variable_names, found.unset_names) == (text, names, unset)


@pytest.mark.parametrize("value", ["${", "${}", "${1}", "${A B}", "${A%b}", "${A", "x ${A:-${B}"])
def test_expand_refuses(value: str) -> None:
    with pytest.raises(InterpolationError):
        interpolate_variables(value)


@given(st.text(alphabet="${}:-?+AB1 x", max_size=60))
def test_expand_never_raises_anything_else(value: str) -> None:
    try:
        found = interpolate_variables(value)
    except InterpolationError:
        return
    assert set(found.unset_names) <= set(found.variable_names)


def test_expand_is_bounded() -> None:
    with pytest.raises(InterpolationError):
        interpolate_variables("${A:-" * 5000)
    assert single_variable_and_default("${A:-b}") == ("A", "b")
    assert single_variable_and_default("${A:-b}c") is None


PORTS = {
    "80": (None, None, (80, 80), False),
    "8080:80": (None, (8080, 8080), (80, 80), True),
    "127.0.0.1:8080:80/udp": ("127.0.0.1", (8080, 8080), (80, 80), True),
    "127.0.0.1::80": ("127.0.0.1", None, (80, 80), False),
    "[::1]:80:81": ("::1", (80, 80), (81, 81), True),
    "3000-3005:4000-4005": (None, (3000, 3005), (4000, 4005), True),
    "${PORT:-80}:80": (None, (80, 80), (80, 80), True),
    "${PORT}:80": (None, None, (80, 80), True),
}


@pytest.mark.parametrize(("text", "facts"), PORTS.items())
def test_short_port(text: str, facts: tuple[object, ...]) -> None:
    document = parsed(f'services:\n  web:\n    image: a\n    ports: ["{text}"]\n')
    spec = next(port_specs(document.services["web"].node))
    assert (spec.host_ip, spec.published, spec.target, spec.names_host_port) == facts


MOUNTS = {
    "/data": ("volume", "", "/data", False),
    "data:/data": ("volume", "data", "/data", False),
    "./a:/b:ro": ("bind", "./a", "/b", True),
    "~/a:/b": ("bind", "~/a", "/b", False),
    "C:\\a:/b": ("bind", "C:\\a", "/b", False),
    f"{UNKNOWN_VALUE_MARK}:/b": ("", UNKNOWN_VALUE_MARK, "/b", False),
    f"{UNKNOWN_VALUE_MARK}/x:/b": ("bind", f"{UNKNOWN_VALUE_MARK}/x", "/b", False),
}


@pytest.mark.parametrize(("text", "facts"), MOUNTS.items())
def test_short_mount(text: str, facts: tuple[object, ...]) -> None:
    spec = mount_spec_from_short_form(text, Span(0, 0))
    assert (spec.type, spec.source, spec.target, spec.read_only) == facts


def test_ports_written_twice_alike_are_taken_once() -> None:
    long = "{published: 81, target: 81}"
    text = SERVICE + f"    ports: ['80:80', '80:80', {long}, {long}, '80:80/udp', 80]\n"
    specs = port_specs(parsed(text).services["web"].node)
    assert [one.text for one in specs] == ["80:80", "81:81", "80:80/udp", "80"]


def test_extends_in_one_file_is_merged_with_places() -> None:
    text = "services:\n  base: {image: 'a:1', ports: ['80']}\n  web:\n    extends: base\n    ports: ['81']\n"
    web = parsed(text).services["web"]
    assert web.extended_node["ports"] == ["80", "81"]
    assert text[slice(*web.extended_node.at("image"))] == "'a:1'"
    assert web.owned


def test_override_and_reset() -> None:
    document = parsed(
        "services:\n  base: {image: 'a:1', ports: ['80'], user: root}\n"
        "  web:\n    extends: base\n    ports: !override ['81']\n    user: !reset null\n"
    )
    assert document.services["web"].extended_node["ports"] == ["81"]
    assert "user" not in document.services["web"].node


def test_overlay_amends_its_base() -> None:
    files = {
        "compose.yaml": SERVICE,
        "compose.prod.yaml": "services:\n  web:\n    restart: always\n",
        "compose.dev.yaml": "services:\n  web:\n    user: root\n",
    }
    made = project(files)
    base, dev, prod = (
        {d.source.path: d for d in made.documents_of_kind("compose")}[path].services["web"]
        for path in ("compose.yaml", "compose.dev.yaml", "compose.prod.yaml")
    )
    node, known = merged_node_and_is_complete(base, made)
    assert known
    assert node["restart"] == "always"
    assert "user" not in node
    assert is_service_defined_in_own_file(base, made)
    assert not is_service_defined_in_own_file(prod, made)
    assert not is_service_defined_in_own_file(dev, made)


def test_include_joins_both_ways() -> None:
    made = project(
        {
            "compose.yaml": "include: [db.yaml]\n" + SERVICE,
            "db.yaml": "services: {db: {image: 'x:1'}}\n",
        }
    )
    for document in made.documents_of_kind("compose"):
        assert set(made.memoize(join_compose_files).application_of(document).services()) == {
            "web",
            "db",
        }


def test_extends_from_another_file_and_from_none() -> None:
    web = "services:\n  web:\n    extends: {file: %s, service: base}\n"
    made = project({"compose.yaml": web % "c/base.yml", "c/base.yml": "services: {base: {image: 'a:1'}}\n"})
    node, known = merged_node_and_is_complete(made.documents_of_kind("compose")[0].services["web"], made)
    assert node["image"] == "a:1"
    assert known
    lone = project({"compose.yaml": web % "gone.yml"})
    assert merged_node_and_is_complete(lone.documents_of_kind("compose")[0].services["web"], lone)[1] is False


BROKEN = {
    "empty": "# nothing\n",
    "scalar": "1\n",
    "list": "- a\n",
    "cycle": "services:\n  a: &a\n    x: *a\n",
    "merge of itself": "x-a: &a\n  b:\n    <<: *a\n",
    "bomb": "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
    + "".join(f"{b}: &{b} [{', '.join(['*' + a] * 10)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)),
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_broken(text: str) -> None:
    with pytest.raises(ParseError):
        parsed(text)


ODD = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 70000) | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["", "a", "a:b", "80:80", "$X", "${X:-1}", "10s", "512m", "service:a", "/a:/b:ro", "A=b", "!", "*"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        "image build ports volumes environment depends_on networks deploy resources limits healthcheck test extends file service"
        " source target type external name replicas condition a b".split()), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=120, deadline=None)
@given(st.dictionaries(st.sampled_from(["a", "b", "db"]), ODD, max_size=3), ODD, ODD)
def test_no_rule_raises_on_odd_shapes(services: object, top: object, more: object) -> None:
    import json

    text = json.dumps({"services": services, "volumes": top, "include": more})
    bounds = [one for one in catalogue() if one.rule.id.startswith("compose/")]
    core = {one.rule.id: one.rule for one in catalogue()}
    outcome = engine.EngineResult()
    source = Source("compose.yaml", text, kind="compose")
    engine.run_rules(
        Project([("compose", kinds.parse_source(source))], {"compose.yaml"}, is_complete=True),
        bounds,
        core,
        outcome,
    )
    assert [one.message for one in outcome.findings if one.rule == "core/crash"] == []


@given(st.text(alphabet="0123456789:/[]-.a", max_size=30))
def test_split_port_takes_anything(text: str) -> None:
    split_short_port(text)


@pytest.mark.parametrize(
    ("build", "production"),
    [
        (".", True),
        ("{context: ., dockerfile: Dockerfile}", True),
        ("{context: ., dockerfile: docker/Dockerfile.dev}", False),
        ("{context: ., dockerfile: [odd]}", True),
        ("{context: ., target: production}", True),
        ("{context: ., target: development}", False),
    ],
)
def test_a_service_built_for_development_is_no_production(build: str, production: bool) -> None:
    text = f"services:\n  web:\n    build: {build}\n"
    document = compose.parse(Source("compose.yaml", text))
    assert document.services["web"].production is production
