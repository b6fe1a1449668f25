"""What a pod may do on its node: worse for a plain workload than for what looks after the node."""

from __future__ import annotations

import pytest

from tests.checks.k8s.test_criticals import run

SERVICE = "---\napiVersion: v1\nkind: Service\nmetadata: {name: agent}\nspec: {selector: {app: agent}, ports: [{port: 80}]}\n"
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
    [("DaemonSet", VOLUMES, "medium"), ("DaemonSet", "", "medium"), ("Deployment", VOLUMES, "high")],
)
@pytest.mark.parametrize(
    ("rule", "security"),
    [
        ("privileged", "privileged: true"),
        ("capability-sys-admin", "capabilities: {add: [SYS_ADMIN]}"),
        ("capability-dangerous", "capabilities: {add: [SYS_PTRACE]}"),
    ],
)
def test_agent(rule: str, security: str, kind: str, volumes: str, want: str) -> None:
    assert run(rule, workload(kind, security, volumes=volumes) + SERVICE) == [want]
    assert run(rule, workload(kind, security, volumes=volumes)) == ["medium"]


@pytest.mark.parametrize("kind", ["DaemonSet", "Deployment"])
@pytest.mark.parametrize("security", ["runAsUser: 0", "privileged: true, runAsUser: 0"])
def test_root_needs_a_break_out(kind: str, security: str) -> None:
    """Root in a container reaches nothing but the container by itself."""
    assert run("run-as-root", workload(kind, security, volumes=VOLUMES)) == ["medium"]


@pytest.mark.parametrize(
    ("security", "want"),
    [
        ("privileged: true, runAsUser: 1000", "medium"),
        ("privileged: true, runAsNonRoot: true", "medium"),
        ("privileged: true, runAsNonRoot: true, runAsUser: 0", "high"),
        ("privileged: true, runAsNonRoot: false", "high"),
        ("privileged: true, runAsGroup: 1000", "high"),
    ],
)
def test_privileged_by_user(security: str, want: str) -> None:
    assert run("privileged", workload("Deployment", security) + SERVICE) == [want]


POD = (
    "{hostPID: true, restartPolicy: %s, volumes: [{name: etc, hostPath: {path: /etc}}], containers: [{name: tool, "
    "image: 'example.com/tool:1', %s securityContext: {privileged: true}, volumeMounts: [{name: etc, mountPath: /host%s}]}]}"
)
PORTS, READ_ONLY = "ports: [{containerPort: 8080}],", ", readOnly: true"


@pytest.mark.parametrize("rule", ["privileged", "host-pid"])
@pytest.mark.parametrize(
    ("kind", "pod", "want"),
    [
        ("Pod", POD % ("Never", "", ""), "medium"),
        ("Pod", POD % ("Always", "", ""), "medium"),
        ("Pod", POD % ("Never", PORTS, ""), "medium"),
        ("Job", POD % ("OnFailure", "", ""), "medium"),
        ("Job", POD % ("Never", PORTS, ""), "medium"),
        ("CronJob", POD % ("Never", "", READ_ONLY), "medium"),
        ("CronJob", POD % ("Never", "", ""), "medium"),
    ],
)
def test_maintenance(kind: str, pod: str, want: str, rule: str) -> None:
    """What works on its node once and ends, by hand or by the clock."""
    spec = {
        "Pod": pod,
        "Job": f"{{template: {{spec: {pod}}}}}",
        "CronJob": f"{{schedule: '0 4 * * *', jobTemplate: {{spec: {{template: {{spec: {pod}}}}}}}}}",
    }[kind]
    api = "v1" if kind == "Pod" else "batch/v1"
    assert run(rule, f"apiVersion: {api}\nkind: {kind}\nmetadata: {{name: tool}}\nspec: {spec}\n") == [want]


@pytest.mark.parametrize("kind", ["Job", "CronJob"])
@pytest.mark.parametrize("hook", ["helm.sh/hook: pre-upgrade", "argocd.argoproj.io/hook: PreSync", "example.com/hook: x"])
def test_root_in_hooks(kind: str, hook: str) -> None:
    pod = "{restartPolicy: Never, containers: [{name: tool, image: 'example.com/tool:1', securityContext: {runAsUser: 0}}]}"
    spec = f"{{template: {{spec: {pod}}}}}"
    if kind == "CronJob":
        spec = f"{{schedule: '0 4 * * *', jobTemplate: {{spec: {spec}}}}}"
    text = f"apiVersion: batch/v1\nkind: {kind}\nmetadata: {{name: tool, annotations: {{{hook}}}}}\nspec: {spec}\n"
    assert run("run-as-root", text) == ["low" if kind == "Job" and "example" not in hook else "medium"]


@pytest.mark.parametrize("rule", ["host-pid", "host-ipc", "host-network"])
def test_namespaces_of_windows(rule: str) -> None:
    """Windows has none of these namespaces, and hostProcess needs hostNetwork."""
    text = (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: agent}\nspec:\n  hostPID: true\n  hostIPC: true\n  hostNetwork: true\n"
        "  %s\n  containers: [{name: agent, image: 'registry.example.com/agent:1'}]\n"
    )
    assert run(rule, text % "nodeSelector: {kubernetes.io/os: windows}") == []
    assert run(rule, text % "securityContext: {windowsOptions: {hostProcess: true}}") == []
    assert run(rule, text % "nodeSelector: {kubernetes.io/os: linux}")


@pytest.mark.parametrize("rule", ["capability-sys-admin", "capability-dangerous", "capabilities-not-dropped"])
def test_capabilities_beside_privileged(rule: str) -> None:
    """A privileged container has every capability: what it adds besides changes nothing."""
    added = "capabilities: {add: [SYS_ADMIN, SYS_PTRACE]}"
    assert run(rule, workload("Deployment", f"privileged: true, {added}")) == []
    assert run(rule, workload("Deployment", f"privileged: false, {added}"))


SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData: {password: %s}\n"  # noqa: S105


@pytest.mark.parametrize(
    ("path", "value", "want"),
    [
        ("deploy/db.yaml", "rain-Coat-71", "medium"),
        ("overlays/prod/db.yaml", "Kq7vT2mXw9pLZz81", "medium"),
        ("tests/e2e/db.yaml", "rain-Coat-71", "low"),
        ("overlays/dev/db.yaml", "rain-Coat-71", "medium"),
        ("tests/e2e/db.yaml", "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a", "high"),
    ],
)
def test_secret_for_trial(path: str, value: str, want: str) -> None:
    """A word in a file for tests opens nothing of production; what a machine made may, wherever it stands."""
    assert run("secret-committed", SECRET % value, path=path) == [want]


@pytest.mark.parametrize(
    ("kind", "volumes", "want"),
    [("DaemonSet", VOLUMES, ["medium", "medium", "medium"]), ("Deployment", "", ["high", "medium", "medium"])],
)
def test_namespaces_of_the_node(kind: str, volumes: str, want: list[str]) -> None:
    """The processes of the node show their environment; its network and its IPC give an intruder no more than a way on."""
    text = workload(kind, "", volumes=f"hostPID: true, hostIPC: true, hostNetwork: true, {volumes}")
    assert [run(rule, text + SERVICE) for rule in ("host-pid", "host-ipc", "host-network")] == [[one] for one in want]
    assert run("host-pid", text) == ["medium"]


@pytest.mark.parametrize(
    ("resource", "verb", "found"),
    [
        ("pods/portforward", "create", ["low", "info"]),
        ("pods/portforward", "get, create", ["low", "info"]),
        ("pods/portforward", "get", []),
        ("pods", "create", []),
    ],
)
def test_forwarding_needs_create(resource: str, verb: str, found: list[str]) -> None:
    """Since Kubernetes 1.35 by WebSocket, too: https://github.com/kubernetes/kubernetes/pull/134577."""
    role = (
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: tool}\n"
        f'rules: [{{apiGroups: [""], resources: [{resource}], verbs: [{verb}]}}]\n'
    )
    binding = (
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: tool}\n"
        "roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: tool}\n"
        "subjects: [{kind: ServiceAccount, name: tool, namespace: shop}]\n"
    )
    assert sorted(run("rbac-port-forward", role, binding), reverse=True) == found


INIT = (
    "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: agent}\nspec: {selector: {matchLabels: {app: agent}}, template: {metadata: "
    "{labels: {app: agent}}, spec: {initContainers: [{name: tune, image: 'example.com/tune:1', %scommand: %s, "
    "securityContext: {privileged: true}}], containers: [{name: agent, image: 'example.com/agent:1'}]}}}\n"
)


@pytest.mark.parametrize(("restart", "want"), [("", "medium"), ("restartPolicy: Always, ", "high")])
@pytest.mark.parametrize(
    "command", ["[sysctl, -w, vm.max_map_count=262144]", '[sh, -c, "sysctl -w a.b=1; chmod 0777 /data"]', "[rpk, redpanda, tune, all]"]
)
def test_an_init_container_ends_before_requests_come(command: str, restart: str, want: str) -> None:
    """A sidecar is an init container that goes on."""
    assert run("privileged", INIT % (restart, command) + SERVICE) == [want]
