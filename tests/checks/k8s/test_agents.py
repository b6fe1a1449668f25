"""What a pod may do on its node: worse for a plain workload than for what looks after the node."""

from __future__ import annotations

import pytest

from tests.checks.k8s.test_criticals import run

VOLUMES = "volumes: [{name: host, hostPath: {path: /opt/agent}}], "


def workload(kind: str, security: str, *, volumes: str = "", mounts: str = "") -> str:
    return (
        f"apiVersion: apps/v1\nkind: {kind}\nmetadata: {{name: agent}}\n"
        "spec: {selector: {matchLabels: {app: agent}}, template: {metadata: {labels: {app: agent}}, spec: {"
        f"{volumes}containers: [{{name: agent, image: 'registry.example.com/agent:1.4', "
        f"volumeMounts: [{mounts}], securityContext: {{{security}}}}}]}}}}}}\n"
    )


@pytest.mark.parametrize(
    ("kind", "volumes", "want"),
    [("DaemonSet", VOLUMES, "medium"), ("DaemonSet", "", "high"), ("Deployment", VOLUMES, "high")],
)
@pytest.mark.parametrize(
    ("rule", "security"),
    [
        ("privileged", "privileged: true"),
        ("capability-sys-admin", "capabilities: {add: [SYS_ADMIN]}"),
        ("capability-dangerous", "capabilities: {add: [SYS_PTRACE]}"),
        ("run-as-root", "runAsUser: 0"),
    ],
)
def test_agent(rule: str, security: str, kind: str, volumes: str, want: str) -> None:
    assert run(rule, workload(kind, security, volumes=volumes)) == [want]


@pytest.mark.parametrize("rule", ["capability-sys-admin", "capability-dangerous", "capabilities-not-dropped"])
def test_capabilities_beside_privileged(rule: str) -> None:
    """A privileged container has every capability: what it adds besides changes nothing."""
    added = "capabilities: {add: [SYS_ADMIN, SYS_PTRACE]}"
    assert run(rule, workload("Deployment", f"privileged: true, {added}")) == []
    assert run(rule, workload("Deployment", f"privileged: false, {added}"))


@pytest.mark.parametrize(
    ("command", "want"),
    [
        ("[sysctl, -w, vm.max_map_count=262144]", "medium"),
        ("[/sbin/sysctl, -w, fs.file-max=65536]", "medium"),
        ('[sh, -c, "sysctl -w vm.max_map_count=262144"]', "medium"),
        ('[sh, -c, "sysctl -w vm.max_map_count=262144; sleep 9"]', "high"),
        ("[sh, -c]", "high"),
        ("[/install.sh]", "high"),
    ],
)
def test_kernel_parameters(command: str, want: str) -> None:
    """Only an init container that does nothing but run sysctl."""
    text = (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  initContainers:\n    - name: set\n"
        f"      image: registry.example.com/set:1\n      command: {command}\n      securityContext: {{privileged: true}}\n"
        "  containers: [{name: web, image: 'registry.example.com/web:1.4'}]\n"
    )
    assert run("privileged", text) == [want]


SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData: {password: %s}\n"  # noqa: S105


@pytest.mark.parametrize(
    ("path", "value", "want"),
    [
        ("deploy/db.yaml", "rain-Coat-71", "high"),
        ("overlays/prod/db.yaml", "rain-Coat-71", "high"),
        ("tests/e2e/db.yaml", "rain-Coat-71", "medium"),
        ("overlays/dev/db.yaml", "rain-Coat-71", "medium"),
        ("tests/e2e/db.yaml", "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a", "high"),
    ],
)
def test_secret_for_trial(path: str, value: str, want: str) -> None:
    """A word in a file for tests opens nothing of production; what a machine made may, wherever it stands."""
    assert run("secret-committed", SECRET % value, path=path) == [want]
