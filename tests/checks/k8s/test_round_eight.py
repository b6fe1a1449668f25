"""What readers of the eighth round at first sight called wrong of Kubernetes, and neighbours that stay."""

from __future__ import annotations

from pathlib import Path

import pytest

import readiness
from tests.make import write_files


def told(tmp_path: Path, files: dict[str, str], rule: str) -> list[str]:
    """The severities with which a rule speaks of a tree."""
    root = write_files(tmp_path, files)
    return [str(one.severity) for one in readiness.check([root], base=root, select=[rule]).findings]


GATEWAY = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: gateway}
spec:
  selector: {matchLabels: {istio: gateway}}
  template:
    metadata:
      labels: {istio: gateway}
      annotations: {ANNOTATION: gateway}
    spec:
      containers:
        - name: NAME
          image: IMAGE
          ports: [{containerPort: 15090, name: http-envoy-prom}]
---
apiVersion: v1
kind: Service
metadata: {name: gateway}
spec: {selector: {istio: gateway}, ports: [{name: https, port: 443}]}
"""
RULES_OF_CONTAINERS = ["k8s/readiness-probe-missing", "k8s/service-port-undeclared", "k8s/run-as-non-root-missing", "k8s/memory-limit-missing"]


def gateway(annotation: str, name: str, image: str) -> dict[str, str]:
    return {"a.yaml": GATEWAY.replace("ANNOTATION", annotation).replace("NAME", name).replace("IMAGE", image)}


@pytest.mark.parametrize("rule", [*RULES_OF_CONTAINERS, "k8s/image-tag-missing"])
@pytest.mark.parametrize(
    ("annotation", "name"), [("inject.istio.io/templates", "istio-proxy"), ("inject.istio.io/templates", "envoy"), ("note", "istio-proxy")]
)
def test_istio_fills_in_a_container_whose_image_is_auto(tmp_path: Path, rule: str, annotation: str, name: str) -> None:
    assert told(tmp_path, gateway(annotation, name, "auto"), rule) == []


@pytest.mark.parametrize("rule", RULES_OF_CONTAINERS)
@pytest.mark.parametrize(
    ("annotation", "name", "image"), [("note", "envoy", "auto"), ("inject.istio.io/templates", "istio-proxy", "acme/proxy:1.2.3")]
)
def test_a_container_that_nobody_fills_in_is_asked(tmp_path: Path, rule: str, annotation: str, name: str, image: str) -> None:
    assert told(tmp_path, gateway(annotation, name, image), rule)


WEBHOOK = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: admission}
spec:
  replicas: 2
  selector: {matchLabels: {app: admission}}
  template:
    metadata: {labels: {app: admission}}
    spec:
      containers: [{name: admission, image: "acme/admission:1.2.0", ports: [{containerPort: 8443}]}]
---
apiVersion: v1
kind: Service
metadata: {name: admission}
spec: {selector: {app: admission}, ports: [{port: 443, targetPort: 8443}]}
---
apiVersion: admissionregistration.k8s.io/VERSION
kind: KINDWebhookConfiguration
metadata: {name: admission}
webhooks:
  - name: admission.example.com
    clientConfig: {service: {name: admission}}
    rules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
"""


@pytest.mark.parametrize("kind", ["Validating", "Mutating"])
@pytest.mark.parametrize(
    ("version", "policy", "severity"),
    [
        ("v1", "", "high"),
        ("v1beta1", "", "medium"),
        ("v1beta1", "    failurePolicy: Fail\n", "high"),
        ("v1", "    failurePolicy: Ignore\n", "medium"),
    ],
)
def test_the_beta_version_of_a_webhook_lets_requests_pass(tmp_path: Path, kind: str, version: str, policy: str, severity: str) -> None:
    files = {"a.yaml": WEBHOOK.replace("VERSION", version).replace("KINDW", f"{kind}W") + policy}
    assert told(tmp_path, files, "k8s/readiness-probe-missing") == ["low", severity]
    assert bool(told(tmp_path, files, "k8s/webhook-blocks-pods")) is (severity == "high")


AGENT = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: healer}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects: [{kind: ServiceAccount, name: healer, namespace: ops}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: SETTINGS, namespace: ops}
data:
  config.yaml: |
    interval: 15s
    TEXT
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: healer, namespace: ops}
spec:
  selector: {matchLabels: {app: healer}}
  template:
    metadata: {labels: {app: healer}}
    spec:
      serviceAccountName: healer
      containers: [{name: healer, image: "acme/healer:1.2.0", args: ["ARGUMENT"]}]
      volumes: [{name: settings, configMap: {name: settings}}]
"""


@pytest.mark.parametrize(
    ("settings", "text", "argument", "severity"),
    [
        ("settings", "leader-elect: true", "--v=2", "medium"),
        ("settings", "leaderElection:", "--v=2", "medium"),
        ("settings", "interval: 1", "--enable-leader-election", "medium"),
        ("settings", "interval: 1", "--leader-elect=true", "medium"),
        ("settings", "leader-elect: false", "--v=2", "high"),
        ("settings", "leader: electric", "--v=2", "high"),
        ("others", "leader-elect: true", "--v=2", "high"),
        ("settings", "interval: 1", "--elect=leader", "high"),
    ],
)
def test_what_elects_a_leader_is_a_controller(tmp_path: Path, settings: str, text: str, argument: str, severity: str) -> None:
    files = {"a.yaml": AGENT.replace("SETTINGS", settings).replace("TEXT", text).replace("ARGUMENT", argument)}
    assert told(tmp_path, files, "k8s/rbac-cluster-admin") == [severity]
