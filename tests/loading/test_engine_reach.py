"""What GitOps engines apply, from where they begin along kustomizations."""

from __future__ import annotations

import pytest

from readiness.loading.engine_reach import EngineObject, reach_of_engines
from tests.effort import effort

TREE = {
    "cluster/flux.yaml",
    "apps/kustomization.yaml",
    "apps/web/ks.yaml",
    "apps/web/app/kustomization.yaml",
    "apps/web/app/release.yaml",
    "apps/web/app/old.yaml",
    "apps/off/ks.yaml",
    "apps/off/app/release.yaml",
    "apps/plain/app/a/pod.yaml",
    "archive/x/ks.yaml",
    "archive/x/app/release.yaml",
    "notes/pod.yaml",
}
KUSTOMIZATIONS = {
    "apps": "resources:\n- ./web/ks.yaml\n# - ./off/ks.yaml\n",
    "apps/web/app": "resources: [release.yaml]  # not old.yaml\n",
}
OBJECTS = [
    EngineObject("cluster/flux.yaml", ("apps",)),
    EngineObject("apps/web/ks.yaml", ("apps/web/app", "apps/plain/app")),
    EngineObject("apps/off/ks.yaml", ("apps/off/app",)),
    EngineObject("archive/x/ks.yaml", ("archive/x/app",)),
]


@pytest.mark.parametrize(
    ("path", "is_applied"),
    [
        ("apps/web/ks.yaml", True),
        ("apps/web/app/release.yaml", True),
        ("apps/plain/app/a/pod.yaml", True),
        ("apps/web/app/old.yaml", False),
        ("apps/off/ks.yaml", False),
        ("apps/off/app/release.yaml", False),
        ("archive/x/app/release.yaml", False),
        ("notes/pod.yaml", False),
    ],
)
def test_what_is_applied(path: str, is_applied: bool) -> None:
    assert reach_of_engines(OBJECTS, (), KUSTOMIZATIONS, TREE).holds(path) is is_applied


def test_what_people_apply_is_applied_too() -> None:
    assert reach_of_engines(OBJECTS, ["notes"], KUSTOMIZATIONS, TREE).holds("notes/pod.yaml")


def test_a_kustomization_that_takes_in_the_first_object_is_applied_whole() -> None:
    texts = {**KUSTOMIZATIONS, "cluster": "resources: [flux.yaml, ../notes]\n"}
    assert reach_of_engines(OBJECTS, (), texts, TREE).holds("notes/pod.yaml")


def test_objects_that_apply_each_other_all_begin() -> None:
    objects = [EngineObject("a/x.yaml", ("b",)), EngineObject("b/y.yaml", ("a",))]
    assert reach_of_engines(objects, (), {}, {"a/x.yaml", "b/y.yaml", "a/pod.yaml"}).holds("a/pod.yaml")


def chain(count: int) -> None:
    objects = [EngineObject(f"a{n}/ks.yaml", (f"a{n + 1}",)) for n in range(count)]
    reach_of_engines(objects, (), {f"a{n}": "resources: [ks.yaml]\n" for n in range(count)}, {f"a{n}/ks.yaml" for n in range(count + 1)})


def test_the_work_grows_with_the_objects() -> None:
    assert effort(lambda: chain(400)) < 5 * effort(lambda: chain(100))
