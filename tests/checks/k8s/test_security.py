"""Checks of Kubernetes security: what they read in fields that can be written in more than one way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from readiness.checks.k8s import flags, host, rbac, secrets, security, supply
from readiness.kinds import k8s
from readiness.kinds.k8s import effective
from readiness.kinds.k8s.model import Container, Pod
from readiness.model import Hit, Severity, Source, Undecidable
from readiness.model.project import Project
from readiness.syntax.yaml import Map, load_yaml_documents


def container(fields: str) -> Container:
    """The one container of a pod, with more fields in flow style."""
    text = f"apiVersion: v1\nkind: Pod\nmetadata: {{name: web}}\nspec:\n  containers:\n    - {{name: web, {fields}}}\n"
    return k8s.parse(Source("pod.yaml", text)).containers[0]


def pod(fields: str) -> Pod:
    """A pod with more fields in flow style."""
    text = f"apiVersion: v1\nkind: Pod\nmetadata: {{name: web}}\nspec: {{containers: [{{name: web}}], {fields}}}\n"
    return k8s.parse(Source("pod.yaml", text)).pods[0]


def shown(found: Iterator[Hit | Undecidable], subject: Any) -> list[str]:
    """The texts that hits stand on; `?` for what cannot be told."""
    return ["?" if isinstance(each, Undecidable) else subject.source.text[each.span.start : each.span.end] for each in found]


@pytest.mark.parametrize(
    ("written", "resource", "yes"),
    [
        ("*", "pods/exec", True),
        ("pods/exec", "pods/exec", True),
        ("pods/*", "pods/exec", True),
        ("*/exec", "pods/exec", True),
        ("*/*", "pods/exec", True),
        ("pods", "pods/exec", False),
        ("pods/exec", "pods", False),
        ("*/exec", "pods", False),
        ("services/*", "pods/exec", False),
    ],
)
def test_resources_that_a_role_covers(written: str, resource: str, yes: bool) -> None:
    assert rbac.resource_covers(written, resource) is yes


def test_a_rule_for_named_objects_counts_only_for_these_names() -> None:
    rule = load_yaml_documents('{apiGroups: [""], resources: [configmaps], verbs: [update], resourceNames: [coredns]}')[0]
    assert isinstance(rule, Map)
    assert rbac.find_allowed_access(rule, ["update"], ["configmaps"], [""]) is None
    assert rbac.find_allowed_access(rule, ["update"], ["configmaps"], [""], ["coredns"]) is not None
    assert rbac.find_allowed_access(rule, ["update"], ["configmaps"], ["apps"], ["coredns"]) is None


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ("securityContext: {capabilities: {add: [cap_sys_admin]}}", ["cap_sys_admin"]),
        ("securityContext: {capabilities: {add: [Sys_Admin, CHOWN]}}", ["Sys_Admin"]),
        ("securityContext: {capabilities: {add: ['${CAP}']}}", ["?"]),
        ("securityContext: {capabilities: {add: SYS_ADMIN}}", []),
        ("securityContext: {capabilities: [SYS_ADMIN]}", []),
    ],
)
def test_capabilities_are_read_as_the_runtime_reads_them(fields: str, text: list[str]) -> None:
    made = container(fields)
    assert shown(security.capability_added(made, project=Project([]), deny=["SYS_ADMIN", "ALL"]), made) == text


def test_a_container_wins_over_its_pod() -> None:
    owner = pod("securityContext: {runAsUser: 0}")
    assert shown(security.root_user(owner), owner) == ["0"]
    text = (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  securityContext: {runAsUser: 0}\n"
        "  containers:\n    - {name: web, securityContext: {runAsUser: 7}}\n"
    )
    other = k8s.parse(Source("pod.yaml", text)).pods[0]
    assert shown(security.root_user(other), other) == []
    assert effective.effective_security_setting(next(other.containers()), "runAsUser") == 7


@pytest.mark.parametrize(
    ("path", "yes"),
    [
        ("/var/run/docker.sock", True),
        ("/run/containerd/containerd.sock/", True),
        ("/run", True),
        ("/var/run/../run/docker.sock", True),
        ("/var/run/web.sock", False),
        ("/data/run", False),
    ],
)
def test_sockets_of_container_runtimes(path: str, yes: bool) -> None:
    owner = pod(f"volumes: [{{name: x, hostPath: {{path: '{path}'}}}}]")
    assert bool(list(host.runtime_socket(owner, project=Project([])))) is yes


@pytest.mark.parametrize(
    ("command", "wrong"),
    [
        ("[kube-apiserver, --profiling=false]", []),
        ("[/usr/local/bin/kube-apiserver, --profiling, 'false']", []),
        ("[kube-apiserver, --profiling]", ["--profiling"]),
        ("[kube-apiserver, -v=2]", ["[kube-apiserver, -v=2]"]),
        ("[kube-apiserver, --config=/etc/x.yaml]", ["?"]),
        ("[kube-apiserver, '--profiling=${P}']", ["?"]),
        ("[web, --profiling=true]", []),
        ("kube-apiserver", []),
        ("[operator, --watch=kube-system/kube-apiserver]", []),
    ],
)
def test_flags_as_they_are_written(command: str, wrong: list[str]) -> None:
    made = container(f"command: {command}")
    found = flags.flag_value_wrong(made, program="kube-apiserver", flag="profiling", default="true", allow=["false"])
    assert [text.strip("'") for text in shown(found, made)] == wrong


@pytest.mark.parametrize(
    ("args", "count"),
    [
        ("['--password=hunter2-Zq81']", 1),
        ("['--password', 'hunter2-Zq81']", 1),
        ("['--password', '$(DB_PASSWORD)']", 0),
        ("['--password-file', '/run/secrets/db']", 0),
        ("['--password', '--verbose']", 0),
        ("['postgres://shop:Zq81kk2@db/shop']", 1),
        ("[5, null, {a: b}]", 0),
    ],
)
def test_secrets_among_arguments(args: str, count: int) -> None:
    made = container(f"args: {args}")
    project = Project([], {"pod.yaml"})
    assert len(list(secrets.secret_in_arguments(made, project=project))) == count


@pytest.mark.parametrize(
    ("key", "plain", "yes"),
    [
        ("password", "hunter2-Zq81", True),
        ("tls.key", "anything", True),
        ("username", "shop", False),
        ("password", "changeme", True),
        ("password", "your-password-here", True),
        ("password", "<the password>", False),
        ("api-token", "your-api-token", False),
        ("tls.key", "<base64 of the key>", False),
        ("config.env", "DB_HOST=db\nDB_PASSWORD=hunter2-Zq81\n", True),
        ("password", "   ", False),
    ],
)
def test_values_of_secret_objects(key: str, plain: str, yes: bool) -> None:
    assert secrets.secret_verdict_on_data(key, plain).is_exposed is yes


@pytest.mark.parametrize(("path", "count"), [("pod.yaml", 1), ("pod.example.yaml", 0)])
def test_a_word_to_be_changed_is_none_in_a_file_to_copy(path: str, count: int) -> None:
    text = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {password: changeme}\n"
    obj = next(iter(k8s.TARGETS["k8s.object"](k8s.parse(Source(path, text)))))
    found = [hit for hit in secrets.secret_committed(obj, project=Project([], {path})) if isinstance(hit, Hit)]
    assert [hit.severity for hit in found] == [Severity.MEDIUM] * count


def test_base64_that_is_none_is_no_text() -> None:
    assert secrets.decode_base64("not base64!") == ""
    assert secrets.decode_base64("aHVudGVyMg==") == "hunter2"
    assert secrets.decode_base64("/9j/4AAQ") == ""


def test_images_that_kustomize_or_skaffold_fills_in() -> None:
    made = container("image: web")
    plain = Project([("k8s", k8s.parse(made.source))], {"pod.yaml"})
    assert len(list(supply.image_tag_missing(made, project=plain))) == 1
    built = Project([("k8s", k8s.parse(made.source))], {"pod.yaml", "skaffold.yaml"})
    assert list(supply.image_tag_missing(made, project=built)) == []
    beside = Project([("k8s", k8s.parse(made.source))], {"pod.yaml", "other/skaffold.yaml"})
    assert len(list(supply.image_tag_missing(made, project=beside))) == 1
    kustomized = Source(
        "kustomization.yaml",
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nimages: [{name: web, newTag: '1.4'}]\n",
    )
    both = Project([("k8s", k8s.parse(made.source)), ("k8s", k8s.parse(kustomized))], {"pod.yaml"})
    assert list(supply.image_tag_missing(made, project=both)) == []
