"""The Pod Security Standards: verdicts on whole pods, field by field, at every place where a field may stand."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from readiness.checks.k8s import pss
from readiness.facts.table import property_by_fact_name
from readiness.kinds import k8s
from readiness.kinds.k8s.model import Pod
from readiness.model import Source
from readiness.ruleset import select
from tests.conftest import ROOT, catalogue

SAFE: dict[str, Any] = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
}
PLACES = ("initContainers", "containers", "ephemeralContainers")


def pod(security: dict[str, Any] | None = None, annotations: dict[str, str] | None = None, **spec: Any) -> Pod:
    """A pod that the restricted level admits, but for what is given."""
    shared = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    body = {
        "securityContext": shared | (security or {}),
        "containers": [{"name": "web", "image": "web:1", "securityContext": SAFE}],
    }
    manifest = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "annotations": annotations or {}},
        "spec": body | spec,
    }
    return k8s.parse(Source("pod.yaml", yaml.safe_dump(manifest, sort_keys=False))).pods[0]


def container(place: str, security: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """The lists of containers with one more container at a place."""
    extra = {"name": "extra", "image": "extra:1", "securityContext": SAFE | security, **fields}
    first = {"name": "web", "image": "web:1", "securityContext": SAFE}
    return {"containers": [first, extra]} if place == "containers" else {place: [extra]}


def broken(subject: Pod, level: str = "restricted") -> set[str]:
    """The controls that a level finds broken."""
    return {violation.control for violation in pss.violations_by_level(subject)[level]}


def test_the_safe_pod_is_admitted_everywhere() -> None:
    assert pss.violations_by_level(pod()) == {"privileged": [], "baseline": [], "restricted": []}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    ("security", "baseline", "restricted"),
    [
        ({"privileged": True}, {"baseline-privileged"}, {"baseline-privileged"}),
        ({"privileged": False}, set(), set()),
        (
            {"capabilities": {"add": ["NET_RAW"], "drop": ["ALL"]}},
            {"baseline-capabilities"},
            {"restricted-capabilities"},
        ),
        ({"capabilities": {"add": ["CHOWN"], "drop": ["ALL"]}}, set(), {"restricted-capabilities"}),
        (
            {"capabilities": {"add": ["chown"], "drop": ["ALL"]}},
            {"baseline-capabilities"},
            {"restricted-capabilities"},
        ),
        ({"capabilities": {"add": ["NET_BIND_SERVICE"], "drop": ["ALL"]}}, set(), set()),
        ({"capabilities": {"drop": ["all"]}}, set(), {"restricted-capabilities"}),
        ({"capabilities": {}}, set(), {"restricted-capabilities"}),
        ({"allowPrivilegeEscalation": True}, set(), {"restricted-privilege-escalation"}),
        ({"allowPrivilegeEscalation": None}, set(), {"restricted-privilege-escalation"}),
        ({"appArmorProfile": {"type": "Unconfined"}}, {"baseline-apparmor"}, {"baseline-apparmor"}),
        ({"appArmorProfile": {"type": "Localhost"}}, set(), set()),
        ({"seLinuxOptions": {"type": "container_engine_t", "level": "s0"}}, set(), set()),
        ({"seLinuxOptions": {"type": "spc_t"}}, {"baseline-selinux"}, {"baseline-selinux"}),
        ({"seLinuxOptions": {"user": "sysadm_u"}}, {"baseline-selinux"}, {"baseline-selinux"}),
        ({"seLinuxOptions": {"role": "sysadm_r"}}, {"baseline-selinux"}, {"baseline-selinux"}),
        ({"procMount": "Unmasked"}, {"baseline-proc-mount"}, {"restricted-proc-mount"}),
        ({"procMount": "Default"}, set(), set()),
        ({"seccompProfile": {"type": "Unconfined"}}, {"baseline-seccomp"}, {"restricted-seccomp"}),
        ({"seccompProfile": {"type": "Localhost"}}, set(), set()),
        ({"runAsNonRoot": False}, set(), {"restricted-run-as-non-root"}),
        ({"runAsUser": 0}, set(), {"restricted-run-as-user"}),
        ({"runAsUser": 1000}, set(), set()),
        (
            {"windowsOptions": {"hostProcess": True}},
            {"baseline-host-process"},
            {"baseline-host-process"},
        ),
    ],
)
def test_containers(place: str, security: dict[str, Any], baseline: set[str], restricted: set[str]) -> None:
    subject = pod(**container(place, security))
    assert broken(subject, "baseline") == baseline
    assert broken(subject) == restricted


@pytest.mark.parametrize(
    ("change", "baseline", "restricted"),
    [
        ({"hostNetwork": True}, {"baseline-host-namespaces"}, {"baseline-host-namespaces"}),
        ({"hostPID": True}, {"baseline-host-namespaces"}, {"baseline-host-namespaces"}),
        ({"hostIPC": True}, {"baseline-host-namespaces"}, {"baseline-host-namespaces"}),
        ({"hostIPC": False}, set(), set()),
        (
            {"security": {"appArmorProfile": {"type": "Unconfined"}}},
            {"baseline-apparmor"},
            {"baseline-apparmor"},
        ),
        (
            {"security": {"seLinuxOptions": {"type": "spc_t"}}},
            {"baseline-selinux"},
            {"baseline-selinux"},
        ),
        (
            {"security": {"windowsOptions": {"hostProcess": True}}},
            {"baseline-host-process"},
            {"baseline-host-process"},
        ),
        (
            {"security": {"seccompProfile": {"type": "Unconfined"}}},
            {"baseline-seccomp"},
            {"restricted-seccomp"},
        ),
        ({"security": {"seccompProfile": None}}, set(), {"restricted-seccomp"}),
        ({"security": {"runAsNonRoot": None}}, set(), {"restricted-run-as-non-root"}),
        ({"security": {"runAsNonRoot": False}}, set(), {"restricted-run-as-non-root"}),
        ({"security": {"runAsUser": 0}}, set(), {"restricted-run-as-user"}),
        (
            {"security": {"sysctls": [{"name": "kernel.msgmax", "value": "1"}]}},
            {"baseline-sysctls"},
            {"baseline-sysctls"},
        ),
        (
            {"security": {"sysctls": [{"name": name, "value": "1"} for name in sorted(property_by_fact_name("kernel-parameters", "safe"))]}},
            set(),
            set(),
        ),
        (
            {"annotations": {pss.APPARMOR_ANNOTATION_PREFIX + "web": "unconfined"}},
            {"baseline-apparmor"},
            {"baseline-apparmor"},
        ),
        ({"annotations": {pss.APPARMOR_ANNOTATION_PREFIX + "web": "localhost/web"}}, set(), set()),
        ({"annotations": {"seccomp.security.alpha.kubernetes.io/pod": "unconfined"}}, set(), set()),
    ],
)
def test_pods(change: dict[str, Any], baseline: set[str], restricted: set[str]) -> None:
    subject = pod(**change)
    assert broken(subject, "baseline") == baseline
    assert broken(subject) == restricted


@pytest.mark.parametrize("kind", sorted(property_by_fact_name("kubernetes-volumes", "restricted")))
def test_volumes_that_are_allowed(kind: str) -> None:
    assert not broken(pod(volumes=[{"name": "data", kind: {"some": "field"}}, {"name": "bare"}]))


@pytest.mark.parametrize("kind", ["nfs", "gcePersistentDisk", "iscsi", "rbd", "gitRepo", "flexVolume", "azureFile"])
def test_volumes_that_only_restricted_refuses(kind: str) -> None:
    subject = pod(volumes=[{"name": "data", kind: {"some": "field"}}])
    assert not broken(subject, "baseline")
    assert broken(subject) == {"restricted-volume-types"}


def test_a_host_path_is_refused_by_both_and_told_once() -> None:
    subject = pod(volumes=[{"name": "data", "hostPath": {"path": "/"}}])
    assert broken(subject, "baseline") == {"baseline-host-path"}
    assert broken(subject) == {"restricted-volume-types"}


@pytest.mark.parametrize("place", ["initContainers", "containers"])
@pytest.mark.parametrize("handler", [*pss.PROBE_FIELDS, *pss.LIFECYCLE_HOOKS])
@pytest.mark.parametrize("way", ["httpGet", "tcpSocket"])
def test_hosts_of_probes_and_hooks(place: str, handler: str, way: str) -> None:
    for host, refused in (("10.0.0.1", True), ("localhost", True), ("", False)):
        action = {way: {"port": 80, "host": host}}
        fields = {handler: action} if handler in pss.PROBE_FIELDS else {"lifecycle": {handler: action}}
        subject = pod(**container(place, {}, **fields))
        assert broken(subject, "baseline") == ({"baseline-host-probes"} if refused else set())


def test_host_ports() -> None:
    for port, refused in ((8080, True), (0, False)):
        subject = pod(**container("containers", {}, ports=[{"containerPort": 80, "hostPort": port}]))
        assert broken(subject, "baseline") == ({"baseline-host-ports"} if refused else set())


def test_a_user_namespace_waives_users_and_in_baseline_proc() -> None:
    loose = container("containers", {"procMount": "Unmasked", "runAsUser": 0, "runAsNonRoot": False})
    subject = pod({"runAsNonRoot": None}, hostUsers=False, **loose)
    assert broken(subject, "baseline") == set()
    assert broken(subject) == {"restricted-proc-mount"}


def test_windows_waives_what_linux_has() -> None:
    bare = [{"name": "web", "image": "web:1"}]
    subject = pod({"seccompProfile": None}, os={"name": "windows"}, containers=bare)
    assert broken(subject) == set()
    by_node = pod({"seccompProfile": None}, nodeSelector={"kubernetes.io/os": "windows"}, containers=bare)
    assert broken(by_node) == {
        "restricted-capabilities",
        "restricted-privilege-escalation",
        "restricted-seccomp",
    }


def test_odd_shapes_break_nothing() -> None:
    text = """
apiVersion: v1
kind: Pod
metadata: {name: web, annotations: [1]}
spec:
  securityContext: [1]
  hostNetwork: "yes"
  volumes: {a: 1}
  containers:
    - securityContext: {capabilities: [ALL], seccompProfile: x, windowsOptions: 3, procMount: 4}
      ports: 80
      livenessProbe: {httpGet: x}
      lifecycle: 3
    - 5
"""
    subject = k8s.parse(Source("pod.yaml", text)).pods[0]
    assert pss.violations_by_level(subject)["baseline"] == []


def test_the_profiles_hold_what_the_levels_ask() -> None:
    def rules_of(name: str) -> set[str]:
        _, chosen = select.load_profile_levels_and_selectors(ROOT / "rules", name)
        ids = {bound.rule.id for bound in catalogue()}
        return {one for one in ids if any(one.startswith(prefix) for prefix in chosen)}

    baseline = {f"k8s/pss-{name}" for name in pss.BASELINE_CHECK_BY_CONTROL}
    assert rules_of("pss-baseline") == baseline
    asked = {name for name in pss.BASELINE_CHECK_BY_CONTROL if name not in pss.BASELINE_CONTROLS_IN_RESTRICTED} | set(pss.RESTRICTED_CHECK_BY_CONTROL)
    assert rules_of("pss-restricted") == {f"k8s/pss-{name}" for name in asked}
