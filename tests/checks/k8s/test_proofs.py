"""What is high is proven by the files: where a value is the installer's, or nobody is shown to get in, it weighs less."""

from __future__ import annotations

from pathlib import Path

import pytest

import readiness
from tests.make import write_files

SERVICE = (
    "---\napiVersion: v1\nkind: Service\nmetadata: {{name: web}}\n"
    "spec: {{type: {0}, selector: {{app: web}}, ports: [{{port: 80, targetPort: 8080}}]}}\n"
)


def told(root: Path, files: dict[str, str], rule: str) -> list[str]:
    """The severities of what one rule tells of some files."""
    write_files(root, files)
    return [one.severity.name.lower() for one in readiness.check([root], select=[rule], base=root).findings if one.rule == rule]


def chart(template: str, values: str) -> dict[str, str]:
    return {"Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n", "values.yaml": values, "templates/object.yaml": template}


def named(name: str) -> str:
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata: {{a: b}}\n"


@pytest.mark.parametrize(
    ("name", "values", "severities"),
    [
        ("user-{{ .Values.user }}", "user: ''\n", []),
        ("'{{ .Values.user }}-home'", "user: ''\n", []),
        ("{{ .Values.user }}", "user: Anna\n", ["medium"]),
        ("my_{{ .Values.user }}", "user: ''\n", ["medium"]),
        ("my_{{ .Values.user }}", "user: anna\n", ["medium"]),
        ("my_shop", "user: ''\n", ["medium"]),
        ("user-{{ .Values.user }}", "user: anna\n", []),
    ],
)
def test_name_from_values(name: str, values: str, severities: list[str], tmp_path: Path) -> None:
    assert told(tmp_path, chart(named(name), values), "k8s/name-invalid") == severities


def test_name_without_a_word(tmp_path: Path) -> None:
    assert told(tmp_path, {"a.yaml": "apiVersion: v1\nkind: Namespace\nmetadata: {name: _}\n"}, "k8s/name-invalid") == []


VOLUME = "apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: dags}\nspec:\n  capacity: {storage: 1Gi}\n  accessModes: [ReadWriteMany]\n  nfs:\n"


@pytest.mark.parametrize(
    ("fields", "severities"),
    [
        ("    server: {{ .Values.server }}\n    path: /\n", []),
        ("    {{- if .Values.server }}\n    server: {{ .Values.server }}\n    {{- end }}\n    path: /\n", []),
        ("    path: /\n", ["high"]),
        ("    path: /\n    {{- toYaml .Values.more | nindent 4 }}\n", ["medium"]),
    ],
)
def test_required_field_from_values(fields: str, severities: list[str], tmp_path: Path) -> None:
    files = chart(VOLUME + fields, "server:\nmore: {readOnly: true}\n")
    assert told(tmp_path, files, "k8s/field-required-missing") == severities


def workload(container: str, *, name: str = "web", kind: str = "Deployment", pod: str = "") -> str:
    return (
        f"---\napiVersion: apps/v1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec:\n  replicas: 2\n  selector: {{matchLabels: {{app: web}}}}\n"
        f"  template:\n    metadata: {{labels: {{app: web}}}}\n    spec:\n      {pod or 'enableServiceLinks: false'}\n"
        f"      containers: [{{name: web, {container}}}]\n"
    )


SLOW = [
    'image: "registry.example.com/web:1", livenessProbe: {tcpSocket: {port: 8080}, initialDelaySeconds: 10}',
    'image: "eclipse-temurin:21"',
    'image: "registry.example.com/web:1", args: [-Xmx512m, -jar, web.jar]',
    'image: "registry.example.com/web:1", env: [{name: WEB_OPTIONS, value: "-Xms1g"}]',
    'image: "node:24", command: [sh, -c, "npm ci && node web.js"]',
    'image: "sonarqube:25"',
]
UNKNOWN = [
    'image: "registry.example.com/web:1"',
    'image: "registry.example.com/web:1", livenessProbe: {tcpSocket: {port: 8080}, initialDelaySeconds: 5}',
    'image: "registry.example.com/javascript-web:1"',
    'image: "node:24", command: [node, web.js]',
    'image: "memcached:1.6"',
]


@pytest.mark.parametrize(("container", "severity"), [*((one, "high") for one in SLOW), *((one, "medium") for one in UNKNOWN)])
def test_slow_start(container: str, severity: str, tmp_path: Path) -> None:
    files = {"a.yaml": workload(container) + SERVICE.format("NodePort")}
    assert told(tmp_path, files, "k8s/readiness-probe-missing") == [severity]


CALLER = (
    "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: worker}}\nspec:\n  selector: {{matchLabels: {{app: worker}}}}\n"
    "  template:\n    metadata: {{labels: {{app: worker}}}}\n    spec:\n      containers:\n        - {{name: worker, image: a, {0}}}\n"
)
CONFIG = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: proxy}\ndata: {nginx.conf: 'proxy_pass http://web:80;'}\n"
ROUTE = (
    "---\napiVersion: traefik.io/v1alpha1\nkind: IngressRoute\nmetadata: {name: web}\n"
    "spec: {routes: [{match: Host(`a`), services: [{name: web, port: 80}]}]}\n"
)


@pytest.mark.parametrize(
    ("other", "severity"),
    [
        ("", "medium"),
        (CALLER.format("env: [{name: WEB_URL, value: 'http://web:80/x'}]"), "high"),
        (CALLER.format("env: [{name: WEB_HOST, value: web}]"), "high"),
        (CALLER.format("args: [--upstream, 'web.shop.svc']"), "high"),
        (CALLER.format("env: [{name: MODE, value: web}]"), "medium"),
        (CALLER.format("env: [{name: PAGE, value: 'http://webshop:80'}]"), "medium"),
        (CONFIG, "high"),
        (ROUTE, "high"),
    ],
)
def test_who_uses_the_service(other: str, severity: str, tmp_path: Path) -> None:
    files = {"a.yaml": workload(SLOW[1]) + SERVICE.format("ClusterIP") + other}
    assert severity in told(tmp_path, files, "k8s/readiness-probe-missing")
    assert ("high" in told(tmp_path, files, "k8s/readiness-probe-missing")) is (severity == "high")


@pytest.mark.parametrize(("policy", "severity"), [("", "high"), ("failurePolicy: Fail, ", "high"), ("failurePolicy: Ignore, ", "medium")])
def test_webhook(policy: str, severity: str, tmp_path: Path) -> None:
    webhook = (
        "---\napiVersion: admissionregistration.k8s.io/v1\nkind: MutatingWebhookConfiguration\nmetadata: {name: web}\n"
        f"webhooks: [{{name: a.example.com, {policy}clientConfig: {{service: {{name: web, namespace: shop}}}}}}]\n"
    )
    files = {"a.yaml": workload(UNKNOWN[0]) + SERVICE.format("ClusterIP") + webhook}
    assert told(tmp_path, files, "k8s/readiness-probe-missing") == [severity]


PRIVILEGED = 'image: "{0}", securityContext: {{privileged: true}}'


@pytest.mark.parametrize(
    ("text", "severity"),
    [
        (workload(PRIVILEGED.format("web:1")) + SERVICE.format("ClusterIP"), "high"),
        (workload(PRIVILEGED.format("web:1")), "medium"),
        (workload(PRIVILEGED.format("docker:28-dind")) + SERVICE.format("ClusterIP"), "medium"),
        (workload(PRIVILEGED.format("web:1"), name="ci-runner") + SERVICE.format("ClusterIP"), "medium"),
        (workload(PRIVILEGED.format("web:1"), kind="DaemonSet").replace("  replicas: 2\n", "") + SERVICE.format("ClusterIP"), "medium"),
        (workload(PRIVILEGED.format("web:1")) + SERVICE.format("ClusterIP").replace("{port: 80", "{name: metrics, port: 80"), "medium"),
    ],
)
def test_privileged(text: str, severity: str, tmp_path: Path) -> None:
    assert told(tmp_path, {"a.yaml": text}, "k8s/privileged") == [severity]


GRANT = (
    "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: given}\n"
    "roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}\n"
    "subjects: [{kind: ServiceAccount, name: web, namespace: ops}]\n"
)
AS_WEB = "serviceAccountName: web"
LASTING_LOGIN = (
    "---\napiVersion: v1\nkind: Secret\ntype: kubernetes.io/service-account-token\n"
    "metadata: {name: t, annotations: {kubernetes.io/service-account.name: web}}\n"
)
RUNNERS = (
    "---\napiVersion: actions.github.com/v1alpha1\nkind: AutoscalingRunnerSet\nmetadata: {name: ci}\n"
    "spec: {template: {spec: {serviceAccountName: web}}}\n"
)


@pytest.mark.parametrize(
    ("holder", "severity"),
    [
        ("", "medium"),
        (workload('image: "web:1"', pod=AS_WEB), "high"),
        (workload('image: "web:1"', name="web-operator", pod=AS_WEB), "medium"),
        (workload('image: "web:1", args: [--leader-elect]', pod=AS_WEB), "medium"),
        (workload('image: "example.com/web-controller:1"', pod=AS_WEB), "medium"),
        (workload('image: "web:1"', pod=AS_WEB) + workload('image: "web:1"', name="web-operator", pod=AS_WEB), "high"),
        (LASTING_LOGIN, "high"),
        (RUNNERS, "high"),
        ("---\napiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: ci}\nspec: {serviceAccountName: web}\n", "medium"),
    ],
)
def test_who_holds_the_rights(holder: str, severity: str, tmp_path: Path) -> None:
    assert told(tmp_path, {"a.yaml": GRANT + holder}, "k8s/rbac-cluster-admin") == [severity]


@pytest.mark.parametrize(("name", "severity"), [("chekout", "high"), ("lighthouse", "medium")])
def test_backend_with_nearly_a_name(name: str, severity: str, tmp_path: Path) -> None:
    text = SERVICE.format("ClusterIP").replace("name: web", "name: checkout") + (
        f"---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{name: web}}\nspec: {{defaultBackend: {{service: {{name: {name}, "
        "port: {number: 80}}}}\n"
    )
    assert told(tmp_path, {"a.yaml": text}, "k8s/ingress-backend-unresolved") == [severity]
