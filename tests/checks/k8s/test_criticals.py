"""Rules of Kubernetes whose worst hit is critical, or was: what makes one worse than another."""

from __future__ import annotations

import pytest

from readiness import kinds
from readiness.model import Source
from readiness.model.project import Project
from readiness.run import engine
from tests.conftest import catalogue


def run(rule: str, *objects: str, path: str = "all.yaml") -> list[str]:
    """The severities of what a rule finds in some objects."""
    text = "---\n".join(objects)
    documents = [("k8s", kinds.parse_source(Source(path, text, kind="k8s")))]
    bound = [one for one in catalogue() if one.rule.id == f"k8s/{rule}"]
    outcome = engine.EngineResult()
    engine.run_rules(Project(documents), bound, {one.rule.id: one.rule for one in catalogue()}, outcome)
    return [str(one.severity) for one in outcome.findings]


# -- everybody -------------------------------------------------------------------------------------------------------

RBAC = "apiVersion: rbac.authorization.k8s.io/v1\n"


def binding(role: str, *, kind: str = "ClusterRole", namespace: str = "") -> str:
    own = "RoleBinding" if namespace else "ClusterRoleBinding"
    space = f", namespace: {namespace}" if namespace else ""
    return (
        f"{RBAC}kind: {own}\nmetadata: {{name: b{space}}}\n"
        f'roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: {kind}, name: "{role}"}}\n'
        'subjects: [{kind: Group, name: "system:unauthenticated"}]\n'
    )


def role(rule: str, *, kind: str = "ClusterRole", namespace: str = "") -> str:
    space = f", namespace: {namespace}" if namespace else ""
    return f"{RBAC}kind: {kind}\nmetadata: {{name: r{space}}}\nrules: [{{{rule}}}]\n"


RULES = [
    ('apiGroups: ["*"], resources: ["*"], verbs: ["*"]', ["critical"]),
    ('apiGroups: [""], resources: [secrets], verbs: [get]', ["critical"]),
    ('apiGroups: [""], resources: ["*"], verbs: [get, list]', ["critical"]),
    ('apiGroups: [""], resources: [pods/exec], verbs: [get]', ["critical"]),
    ('apiGroups: [""], resources: [configmaps], verbs: [update], resourceNames: [a]', ["critical"]),
    ("apiGroups: [apps], resources: [deployments], verbs: [delete]", ["critical"]),
    ("apiGroups: [apps], resources: [deployments], verbs: [get, list, watch]", ["high"]),
    ('apiGroups: [""], resources: [pods, pods/log], verbs: [get]', ["high"]),
    # A kind of an operator's own that is called like one of Kubernetes.
    ("apiGroups: [vault.example.com], resources: [secrets], verbs: [get]", ["high"]),
    ('apiGroups: [""], resources: [configmaps], verbs: [get], resourceNames: [a]', ["medium"]),
    ("apiGroups: [authentication.k8s.io], resources: [tokenreviews], verbs: [create]", ["medium"]),
    ('nonResourceURLs: ["*"], verbs: [get]', ["high"]),
    ("nonResourceURLs: [/metrics, /healthz], verbs: [get]", ["medium"]),
    ("nonResourceURLs: [/healthz, /livez, /version, /openapi/*], verbs: [get]", []),
    ("nonResourceURLs: [/.well-known/openid-configuration, /openid/v1/jwks], verbs: [get]", []),
    (
        "apiGroups: [authorization.k8s.io], resources: [selfsubjectaccessreviews], verbs: [create]",
        [],
    ),
    ('apiGroups: [""], resources: [configmaps], verbs: []', []),
]


@pytest.mark.parametrize(("rule", "severities"), RULES)
def test_what_everybody_may(rule: str, severities: list[str]) -> None:
    assert run("rbac-anonymous", role(rule), binding("r")) == severities


@pytest.mark.parametrize(
    ("name", "severities"),
    [
        ("cluster-admin", ["critical"]),
        ("edit", ["critical"]),
        ("view", ["high"]),
        ("of-another-file", ["high"]),
        ("system:discovery", []),
        ("system:public-info-viewer", []),
        ("system:service-account-issuer-discovery", []),
    ],
)
def test_roles_that_clusters_bring(name: str, severities: list[str]) -> None:
    assert run("rbac-anonymous", binding(name)) == severities


def test_the_namespace_for_everybody() -> None:
    rule = 'apiGroups: [""], resources: [configmaps], verbs: [get]'
    for namespace, severity in (("kube-public", "medium"), ("shop", "high")):
        made = role(rule, kind="Role", namespace=namespace)
        bound = binding("r", kind="Role", namespace=namespace)
        assert run("rbac-anonymous", made, bound) == [severity]
    joining = binding("kubeadm:bootstrap-signer-clusterinfo", kind="Role", namespace="kube-public")
    assert run("rbac-anonymous", joining) == []


@pytest.mark.parametrize(
    ("path", "severity"),
    [
        ("deploy/rbac.yaml", "critical"),
        ("docs/rbac.yaml", "high"),
        ("policies/.chainsaw-test/bad.yaml", ""),
        ("tests/rbac.yaml", ""),
        ("config/samples/rbac.yaml", ""),
    ],
)
def test_an_object_for_trial_lets_no_outsider_in(path: str, severity: str) -> None:
    found = run("rbac-anonymous", binding("cluster-admin"), path=path)
    assert found == ([severity] if severity else [])


def test_somebody_is_not_everybody() -> None:
    known = binding("cluster-admin").replace("system:unauthenticated", "system:authenticated")
    assert run("rbac-anonymous", known) == []


# -- snippets --------------------------------------------------------------------------------------------------------

LET_IN = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {allow-snippet-annotations: 'true'}\n"


def ingress(snippet: str, annotation: str = "server-snippet") -> str:
    return (
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: web\n  annotations:\n"
        f"    nginx.ingress.kubernetes.io/{annotation}: '{snippet}'\nspec: {{}}\n"
    )


SERVED = [
    ("location /x { alias /var/run/secrets/; }", ["critical"]),
    ("location /x { alias /etc/ingress-controller/ssl; }", ["critical"]),
    ("location /etc/nginx { root /; }", ["critical"]),
    ("location / { root /; }", ["critical"]),
    ("location /static/ { root /; }", ["low"]),
    ("location /x { alias /usr/share/nginx/html; }", ["low"]),
    ("location /x { internal; alias /; }", []),
    ("location /x { alias /; proxy_pass http://a; }", []),
    ("root /;", []),
    ("location /x { return 404; }", []),
    ("location /x { broken", []),
]


@pytest.mark.parametrize(("snippet", "severities"), SERVED)
def test_files_of_the_controller(snippet: str, severities: list[str]) -> None:
    assert run("ingress-snippet-alias", ingress(snippet), LET_IN) == severities
    refused = ["high" if one == "critical" else one for one in severities]
    assert run("ingress-snippet-alias", ingress(snippet)) == refused


def test_a_risk_level_that_refuses_snippets() -> None:
    text = ingress("location / { root /; }")
    level = LET_IN.replace("'true'}", "'true', annotations-risk-level: High}")
    assert run("ingress-snippet-alias", text, level) == ["high"]


def test_a_snippet_in_a_location_that_passes_everything_on() -> None:
    text = ingress("location / { root /; }", "configuration-snippet")
    assert run("ingress-snippet-alias", text, LET_IN) == []


# -- the runtime's socket --------------------------------------------------------------------------------------------


def workload(kind: str, path: str, mounts: str) -> str:
    return (
        f"apiVersion: apps/v1\nkind: {kind}\nmetadata: {{name: w}}\nspec:\n  template:\n    metadata: {{labels: {{app: a}}}}\n    spec:\n"
        f"      volumes: [{{name: v, hostPath: {{path: {path}}}}}]\n"
        f"      containers: [{{name: c, image: 'a:1', volumeMounts: {mounts}}}]\n"
    )


@pytest.mark.parametrize(
    ("kind", "path", "mounts", "severities"),
    [
        ("Deployment", "/var/run/docker.sock", "[{name: v, mountPath: /s}]", ["high"]),
        ("Deployment", "/run/containerd", "[{name: v, mountPath: /s, readOnly: true}]", ["high"]),
        ("StatefulSet", "/var/run", "[{name: v, mountPath: /s}]", ["high"]),
        ("DaemonSet", "/run/containerd/containerd.sock", "[{name: v, mountPath: /s}]", ["medium"]),
        ("Deployment", "/var/run/docker.sock", "[]", ["low"]),
        ("DaemonSet", "/var/run/docker.sock", "[{name: other, mountPath: /s}]", ["low"]),
        ("Deployment", "/var/run/app.sock", "[{name: v, mountPath: /s}]", []),
    ],
)
def test_who_mounts_the_socket(kind: str, path: str, mounts: str, severities: list[str]) -> None:
    service = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {selector: {app: a}, ports: [{port: 80}]}\n"
    assert run("runtime-socket", workload(kind, path, mounts), service) == severities


# -- the control plane -----------------------------------------------------------------------------------------------


def pod(
    program: str,
    *flags: str,
    tag: str = "v1.18.3",
    head: str = "namespace: kube-system",
    more: str = "",
) -> str:
    listed = "".join(f"\n        - --{flag}" for flag in flags)
    return (
        f"apiVersion: v1\nkind: Pod\nmetadata: {{name: p, {head}}}\nspec:\n  containers:\n    - name: c\n"
        f"      image: registry.k8s.io/{program}:{tag}\n{more}      command:\n        - {program}{listed}\n"
    )


@pytest.mark.parametrize(
    ("flags", "tag", "address", "port"),
    [
        (("insecure-bind-address=0.0.0.0", "insecure-port=8080"), "v1.18.3", ["critical"], ["critical"]),
        (("insecure-bind-address=0.0.0.0",), "v1.18.3", ["critical"], []),
        (("insecure-port=8080",), "v1.18.3", [], ["medium"]),
        (("insecure-bind-address=127.0.0.1", "insecure-port=8080"), "v1.18.3", ["medium"], ["medium"]),
        (("insecure-bind-address=0.0.0.0", "insecure-port=0"), "v1.18.3", ["low"], []),
        (("insecure-bind-address=0.0.0.0", "insecure-port=8080"), "v1.21.0", ["low"], ["high"]),
        (("insecure-bind-address=0.0.0.0", "insecure-port=8080"), "v1.33.1", ["high"], ["high"]),
        (("insecure-bind-address=0.0.0.0", "insecure-port=8080"), "latest", ["high"], ["high"]),
        (("v=2",), "v1.18.3", [], []),
    ],
)  # fmt: skip
def test_an_api_server_without_tls(flags: tuple[str, ...], tag: str, address: list[str], port: list[str]) -> None:
    text = pod("kube-apiserver", *flags, tag=tag)
    assert run("control-plane-apiserver-insecure-address", text) == address
    assert run("control-plane-apiserver-insecure-port", text) == port


OPEN = "listen-client-urls=https://127.0.0.1:2379,https://10.0.0.4:2379"
ETCD = [
    ((OPEN,), "namespace: kube-system", "", ["high"]),
    ((OPEN, "client-cert-auth=false"), "labels: {tier: control-plane}", "", ["high"]),
    ((OPEN, "cert-file=/etc/kubernetes/pki/etcd/server.crt"), "namespace: x", "", ["high"]),
    (("listen-client-urls=https://$(POD_IP):2379",), "namespace: kube-system", "", ["high"]),
    (("listen-client-urls=https://127.0.0.1:2379",), "namespace: kube-system", "", ["medium"]),
    ((), "namespace: kube-system", "", ["medium"]),
    ((OPEN,), "namespace: shop", "", ["medium"]),
    ((OPEN, "client-cert-auth=true"), "namespace: kube-system", "", []),
    ((OPEN, "client-cert-auth"), "namespace: kube-system", "", []),
    ((OPEN,), "namespace: kube-system", "{name: ETCD_CLIENT_CERT_AUTH, value: 'true'}", []),
    ((OPEN,), "namespace: kube-system", "{name: ETCD_CLIENT_CERT_AUTH, value: 'false'}", ["high"]),
    ((OPEN,), "namespace: kube-system", "{name: ETCD_CONFIG_FILE, value: /etc/etcd.yaml}", []),
    ((OPEN,), "namespace: kube-system", "{name: ETCD_CLIENT_CERT_AUTH, valueFrom: {}}", []),
]


@pytest.mark.parametrize(("flags", "head", "env", "severities"), ETCD)
def test_an_etcd_that_asks_for_no_certificate(flags: tuple[str, ...], head: str, env: str, severities: list[str]) -> None:
    more = f"      env: [{env}]\n" if env else ""
    text = pod("etcd", *flags, tag="3.5.9", head=head, more=more)
    assert run("control-plane-etcd-client-auth", text) == severities
