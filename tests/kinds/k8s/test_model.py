"""Kubernetes manifests: which objects of a file are judged."""

from __future__ import annotations

import pytest

from readiness.kinds import k8s
from readiness.model import ParseError, Source

POD = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  annotations:\n    helm.sh/hook: {hook}\n"
HOOKS = {
    "test": False,
    "test-success": False,
    "pre-install, test": False,
    "pre-upgrade,post-install": True,
    "[1]": True,
}


@pytest.mark.parametrize(("hook", "judged"), HOOKS.items())
def test_what_only_helm_test_makes_is_set_aside(hook: str, judged: bool) -> None:
    found = k8s.parse(Source("pod.yaml", POD.format(hook=hook), kind="k8s"))
    assert bool(found.objects) is judged


@pytest.mark.parametrize("separator", ["---", "---# b", "--- # b", "---#", "---\t# b"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_a_comment_glued_to_a_separator(separator: str, ending: str) -> None:
    """As `kubectl apply` reads it, at the head of a file too; every place stays where it is."""
    manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
    text = f"{separator}\n{manifest}{separator}\n{manifest}".replace("\n", ending)
    document = k8s.parse(Source("a.yaml", text))
    assert [made.name for made in document.objects] == ["a", "a"]
    last = document.objects[-1].node
    assert text[slice(*last.at("metadata"))] == "{name: a}"
    assert document.source.text == text


def test_no_other_text_is_glued_to_a_separator() -> None:
    """kubectl and kustomize refuse it."""
    text = "apiVersion: v1\nkind: ConfigMap\n---b\napiVersion: v1\nkind: ConfigMap\n"
    with pytest.raises(ParseError):
        k8s.parse(Source("a.yaml", text))


LISTS = {
    "a typed list": ("apiVersion: v1\nkind: PodList\n", "", ("v1", "Pod")),
    "a typed list of a group": (
        "apiVersion: apps/v1\nkind: DeploymentList\n",
        "",
        ("apps/v1", "Deployment"),
    ),
    "items that say what they are": (
        "apiVersion: v1\nkind: List\n",
        "apiVersion: batch/v1\n  kind: Job\n  ",
        ("batch/v1", "Job"),
    ),
    "a typed list whose items say another version": (
        "apiVersion: apps/v1\nkind: DeploymentList\n",
        "apiVersion: apps/v1beta1\n  kind: Deployment\n  ",
        ("apps/v1beta1", "Deployment"),
    ),
}


@pytest.mark.parametrize(("head", "own", "wanted"), LISTS.values(), ids=LISTS)
def test_the_items_of_a_list_are_objects(head: str, own: str, wanted: tuple[str, str]) -> None:
    text = f"{head}items:\n- {own}metadata: {{name: a}}\n- {own}metadata: {{name: b}}\n"
    source = Source("list.yaml", text)
    document = k8s.parse(source)
    assert [(one.api_version, one.kind, one.name) for one in document.objects] == [
        (*wanted, "a"),
        (*wanted, "b"),
    ]
    assert not source.fragment


def test_items_of_a_plain_list_without_kinds_are_none() -> None:
    text = "apiVersion: v1\nkind: List\nitems:\n- metadata: {name: a}\n"
    assert k8s.parse(Source("list.yaml", text)).objects == ()
