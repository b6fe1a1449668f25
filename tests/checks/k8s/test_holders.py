"""Rights that reach the whole cluster weigh less where those who get them are meant to have them."""

from __future__ import annotations

from pathlib import Path

import pytest

import readiness
from tests.make import write_files

# With them come tiers and rules of the same words that tell the binding, and wildcards for groups.
RULES = ["k8s/rbac-everything", "k8s/rbac-wildcard", "k8s/rbac-cluster-admin", "k8s/rbac-bind"]
ROLES = {
    "rbac-everything": '{apiGroups: ["*"], resources: ["*"], verbs: ["*"]}',
    "rbac-wildcard": '{apiGroups: ["*"], resources: ["*"], verbs: [get, patch]}',
    "rbac-bind": "{apiGroups: [rbac.authorization.k8s.io], resources: [clusterroles], verbs: [bind]}",
}
ACCOUNT = "{kind: ServiceAccount, name: runner, namespace: ops}"


def binding(role: str, subjects: str) -> str:
    return (
        "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: given}\n"
        f"roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: {role}}}\nsubjects: [{subjects}]\n"
    )


def role(rule: str) -> str:
    return f"---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {{name: given}}\nrules: [{rule}]\n"


def workload(image: str, *, kind: str = "Deployment", name: str = "runner", account: str = "runner", namespace: str = "ops") -> str:
    api = "batch/v1" if kind == "Job" else "apps/v1"
    return (
        f"---\napiVersion: {api}\nkind: {kind}\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec:\n  template:\n"
        f"    spec: {{serviceAccountName: {account}, containers: [{{name: a, image: '{image}'}}]}}\n"
    )


def severities(root: Path, text: str) -> list[tuple[str, str]]:
    write_files(root, {"a.yaml": text})
    report = readiness.check([root], select=RULES, base=root)
    told = [(one.rule.removeprefix("k8s/"), one.severity.name.lower()) for one in report.findings]
    return [one for one in told if one[1] not in {"info", "low"} or one[0] not in {"rbac-bind", "rbac-wildcard-group"}]


WORKLOADS = {
    "velero": (workload("velero/velero:v1.17.0"), "medium"),
    "a mirror, by a digest": (workload(f"mirror.example.com/quay/argoproj/argocd@sha256:{'a' * 64}"), "medium"),
    "a statefulset": (workload("ghcr.io/fluxcd/kustomize-controller:v1.7.0", kind="StatefulSet"), "medium"),
    "a controller and its Job": (
        workload("velero/velero:v1.17.0") + workload("registry.k8s.io/kubectl:v1.34.0", kind="Job", name="upgrade"),
        "medium",
    ),
    "nothing that runs as it": ("", "medium"),
    "only a Job": (workload("velero/velero:v1.17.0", kind="Job"), "medium"),
    "another program": (workload("registry.example.com/shop:1.4"), "high"),
    "another program called so": (workload("registry.example.com/shop:1.4", name="argocd-server"), "high"),
    "an image that only sounds like it": (workload("registry.example.com/tools/velero-exporter:1.4"), "high"),
    "an image that a variable names": (workload("$REGISTRY/velero:v1.17.0"), "high"),
    "a controller beside another program": (
        workload("velero/velero:v1.17.0") + workload("registry.example.com/shop:1.4", name="shop"),
        "high",
    ),
    "a controller under another account": (workload("velero/velero:v1.17.0", account="velero"), "medium"),
    "a controller in another namespace": (workload("velero/velero:v1.17.0", namespace="backup"), "medium"),
}


@pytest.mark.parametrize(("workloads", "want"), WORKLOADS.values(), ids=WORKLOADS)
def test_controllers_of_the_whole_cluster(tmp_path: Path, workloads: str, want: str) -> None:
    assert severities(tmp_path, binding("cluster-admin", ACCOUNT) + workloads) == [("rbac-cluster-admin", want)]
    for rule, text in ROLES.items():
        assert severities(tmp_path, role(text) + binding("given", ACCOUNT) + workloads) == [(rule, want)]


def test_a_role_that_others_hold_too_is_not_only_the_controllers(tmp_path: Path) -> None:
    both = f"{ACCOUNT}, {{kind: ServiceAccount, name: shop, namespace: ops}}"
    text = binding("cluster-admin", both) + workload("velero/velero:v1.17.0")
    assert severities(tmp_path, text) == [("rbac-cluster-admin", "medium")]
    shop = workload("registry.example.com/shop:1.4", name="shop", account="shop")
    assert severities(tmp_path, text + shop) == [("rbac-cluster-admin", "high")]
    assert severities(tmp_path, role(ROLES["rbac-everything"]) + workload("velero/velero:v1.17.0")) == [("rbac-everything", "medium")]


GROUP, USER = "{kind: Group, name: platform}", "{kind: User, name: ann@example.com}"
SUBJECTS = {
    "a group": (GROUP, "low"),
    "groups": (f"{GROUP}, {{kind: Group, name: 'oidc:admins'}}", "low"),
    "a user": (USER, "medium"),
    "a group and a user": (f"{GROUP}, {USER}", "medium"),
    "a group and an account": (f"{GROUP}, {ACCOUNT}", "medium"),
    "every account": ("{kind: Group, name: 'system:serviceaccounts'}", "high"),
    "everybody": ("{kind: Group, name: 'system:authenticated'}", "high"),
    "nobody in particular": ("{kind: User, name: 'system:anonymous'}", "high"),
    "an account as a user": ("{kind: User, name: 'system:serviceaccount:ops:runner'}", "medium"),
    "no name": ("{kind: Group}", "medium"),
}


@pytest.mark.parametrize(("subjects", "want"), SUBJECTS.values(), ids=SUBJECTS)
def test_people(tmp_path: Path, subjects: str, want: str) -> None:
    assert severities(tmp_path, binding("cluster-admin", subjects)) == [("rbac-cluster-admin", want)]
    assert severities(tmp_path, role(ROLES["rbac-everything"]) + binding("given", subjects)) == [("rbac-everything", want)]


CONSOLES = {
    "no address": ("", "high"),
    "a private one": ("loadBalancerIP: 10.20.0.7", "medium"),
    "a public one": ("loadBalancerIP: 203.0.113.7", "high"),
    "behind the carrier": ("loadBalancerIP: 100.64.3.9", "medium"),
    "a private one and a public one": ("loadBalancerIP: 10.20.0.7, externalIPs: [198.51.100.9]", "high"),
    "a variable": ("loadBalancerIP: $ADDRESS", "high"),
    "a private one of IPv6": ("loadBalancerIP: 'fd12:3456::7'", "medium"),
}


@pytest.mark.parametrize(("fields", "want"), CONSOLES.values(), ids=CONSOLES)
def test_consoles_behind_private_addresses(tmp_path: Path, fields: str, want: str) -> None:
    text = (
        "apiVersion: v1\nkind: Service\nmetadata: {name: kibana, namespace: ops}\n"
        f"spec: {{type: LoadBalancer, selector: {{app: kibana}}, ports: [{{port: 80}}], {fields}}}\n"
    )
    write_files(tmp_path, {"a.yaml": text})
    found = readiness.check([tmp_path], select=["k8s/service-admin-exposed", "k8s/load-balancer-open"], base=tmp_path).findings
    both = ["k8s/service-admin-exposed"] if want == "medium" else ["k8s/load-balancer-open", "k8s/service-admin-exposed"]
    assert sorted(one.rule for one in found) == both
    assert [one.severity.name.lower() for one in found if one.rule == "k8s/service-admin-exposed"] == [want]


@pytest.mark.parametrize(
    ("note", "value", "want"),
    [
        ("metallb.io/loadBalancerIPs", "10.20.0.7,fd00::7", "medium"),
        ("metallb.io/loadBalancerIPs", "10.20.0.7,203.0.113.9", "high"),
        ("lbipam.cilium.io/ips", "192.168.3.4, 192.168.3.5", "medium"),
        ("example.com/ips", "192.168.3.4", "high"),
    ],
)
def test_addresses_in_annotations(tmp_path: Path, note: str, value: str, want: str) -> None:
    text = (
        f"apiVersion: v1\nkind: Service\nmetadata: {{name: kibana, annotations: {{{note}: '{value}'}}}}\n"
        "spec: {type: LoadBalancer, selector: {app: kibana}, ports: [{port: 80}]}\n"
    )
    write_files(tmp_path, {"a.yaml": text})
    (found,) = readiness.check([tmp_path], select=["k8s/service-admin-exposed"], base=tmp_path).findings
    assert found.severity.name.lower() == want
