"""What manifests are taken for: by their places, by what their objects say, and what decides nothing."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from readiness.kinds import k8s
from readiness.kinds.k8s import purpose
from readiness.model import Purpose, Source

DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {template: {spec: {containers: [{name: web, image: "acme/web:1"}]}}}
"""


def taken(path: str, text: str = DEPLOYMENT, *, beside: tuple[str, ...] = (), said: Purpose | None = None) -> Mapping[str, Purpose]:
    """What a manifest, and the objects in it, were taken for in a tree of these paths."""
    source = Source(path, text)
    source.said = said
    document = k8s.parse(source)
    purpose.take_purposes([document], (path, *beside))
    return source.purposes


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("test/acceptance/injector-test/pg-deployment.yaml", "test"),
        ("e2e/app.yaml", "test"),
        ("operator/e2e-tests/app.yaml", "test"),
        ("src/fixtures/app.yaml", "test"),
        (".github/kind/app.yaml", "test"),
        ("bench/app.yaml", "test"),
        ("deploy/e2e-storage.yaml", "test"),
        ("config/samples/app_v1.yaml", "sample"),
        (".examples/chart/app.yaml", "sample"),
        ("examples/app.yaml", "sample"),
        ("charts/x/ci/app.yaml", "test"),
        ("hack/app.yaml", "development"),
    ],
)
def test_a_place_that_decides(path: str, word: str) -> None:
    found = taken(path)[""]
    assert found.word == word
    assert found.evidence


@pytest.mark.parametrize(
    "path",
    [
        "deploy/app.yaml",
        "latest/app.yaml",
        "contest/app.yaml",
        "apps/ab-test/app.yaml",
        "apps/ab-test-web.yaml",
        "kubernetes/apps/dev/app/deploy.yaml",
        "apps/integration/app.yaml",
        "github/app.yaml",
        "liveness/probe.yaml",
        "docs/app.yaml",
        "argo/sync-example-apps.yaml",
    ],
)
def test_a_place_that_decides_nothing(path: str) -> None:
    folder = path.rpartition("/")[0]
    assert not taken(path, beside=(f"{folder}/kustomization.yaml",))


def test_the_nearest_folder_counts_and_production_is_believed() -> None:
    assert not taken("tests/production/app.yaml")
    assert taken("production/tests/app.yaml")[""].word == "test"


def test_examples_that_a_kustomization_takes_in_are_deployed() -> None:
    assert not taken("apps/examples/app.yaml", beside=("apps/examples/kustomization.yaml",))
    assert not taken("apps/examples/app.yaml", beside=("apps/kustomization.yml",))
    assert taken("apps/examples/app.yaml", beside=("other/kustomization.yaml",))


@pytest.mark.parametrize(
    ("path", "source", "word"),
    [
        ("hack/azure/app.yaml", "internal/app.go", "development"),
        ("tools/operator/hack/dev/app.yaml", "tools/operator/main.go", "development"),
        ("examples/app.yaml", "cmd/app/main.go", "sample"),
        ("examples/flux/clusters/production/app.yaml", "cmd/app/main.go", "sample"),
        ("hack/app.yaml", "hack/gen/main.go", ""),
        ("hack/app.yaml", "examples/client/main.go", ""),
        ("operator/hack/app.yaml", "other/main.go", ""),
        ("hack/app.yaml", "scripts/run.py", ""),
        ("apps/development/app.yaml", "apps/tool/main.go", ""),
        ("apps/local/app.yaml", "apps/tool/main.go", ""),
        ("hack/production/app.yaml", "internal/app.go", ""),
        ("deploy/app.yaml", "internal/app.go", ""),
    ],
)
def test_a_program_has_its_examples_and_scripts_beside_its_sources(path: str, source: str, word: str) -> None:
    """What a kustomization takes in is decided by the sources beside; those of scripts and examples are no program."""
    folder = path.rpartition("/")[0]
    found = taken(path, beside=(f"{folder}/kustomization.yaml", source))
    assert (found[""].word if found else "") == word


def test_an_overlay_of_development_is_known_by_the_one_beside_it() -> None:
    mine, beside = "overlays/dev/kustomization.yaml", "overlays/prod/kustomization.yaml"
    assert not taken(mine, beside=("overlays/eu/kustomization.yaml",))
    assert taken(mine, beside=(beside,))[""].word == "development"
    assert not taken(beside, beside=(mine,))


POD = """apiVersion: v1
kind: Pod
metadata: {{name: {name}, namespace: {namespace}}}
spec: {{containers: [{{name: c, image: {image}{more}}}]}}
"""


def test_signs_of_an_object() -> None:
    waits = ", command: [sleep, infinity]"
    plain = {"name": "web", "namespace": "shop", "image": "acme/web:1", "more": ""}
    for change in ({}, {"namespace": "shop-test"}, {"name": "test"}, {"more": waits}):
        assert not taken("a.yaml", POD.format(**plain | change)), change
    image = {"image": "registry.k8s.io/e2e-test-images/agnhost:2.53"}
    assert taken("a.yaml", POD.format(**plain | image))[""].word == "test"
    both = {"namespace": "shop-test", "more": waits}
    assert taken("a.yaml", POD.format(**plain | both))[""].word in {"test", "development"}


def test_things_of_one_file_are_told_apart() -> None:
    text = f"{POD.format(name='test', namespace='shop', image='a/b:1', more=', command: [sleep, infinity]')}---\n{DEPLOYMENT}"
    assert set(taken("a.yaml", text)) == {"Pod/test"}


def annotated(word: str) -> str:
    return DEPLOYMENT.replace("{name: web}", f"{{name: web, annotations: {{readiness.dev/purpose: {word}}}}}", 1)


def test_what_is_said_comes_before_evidence() -> None:
    assert taken("deploy/a.yaml", annotated("test"))[""].word == "test"
    assert taken("tests/a.yaml", annotated("production"))["Deployment/web"].is_production
    assert not taken("deploy/a.yaml", annotated("{a: b}"))
    assert not taken("deploy/a.yaml", annotated("prod"))
    head = "# readiness: purpose={}\n"
    assert taken("deploy/a.yaml", head.format("demo") + DEPLOYMENT)[""].word == "demo"
    assert taken("tests/a.yaml", head.format("production") + DEPLOYMENT)[""].is_production
    assert not taken("deploy/a.yaml", DEPLOYMENT + head.format("demo")), "only at the head"
    settings = Purpose("production", ".readiness.yaml:1 says so")
    assert taken("tests/a.yaml", annotated("test"), said=settings)[""] == settings


def test_two_objects_of_one_name_excuse_each_other_in_no_way() -> None:
    text = f"{annotated('test')}---\n{DEPLOYMENT}"
    assert not taken("deploy/a.yaml", text)
