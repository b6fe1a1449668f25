"""What readers of the eighth round at first sight called wrong of Kubernetes, and neighbours that stay."""

from __future__ import annotations

from pathlib import Path

import pytest

import readiness
from tests.make import write_files


def told(tmp_path: Path, files: dict[str, str], rule: str) -> list[str]:
    """The severities with which a rule speaks of a tree."""
    root = write_files(tmp_path, files)
    return [str(one.severity) for one in readiness.check([root], base=root, select=[rule]).findings if one.rule == rule]


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
    assert told(tmp_path, files, "k8s/readiness-probe-missing") == [severity]
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


POD = """\
apiVersion: v1
kind: Pod
metadata: {name: mount}
spec:
  containers:
    - name: mount
      image: acme/mount:1.2.0
      securityContext: {CONTEXT}
"""


@pytest.mark.parametrize(
    ("context", "set_severities", "unset_severities"),
    [
        ("allowPrivilegeEscalation: true", ["low"], []),
        ("allowPrivilegeEscalation: true, privileged: true", ["info"], []),
        ("allowPrivilegeEscalation: true, capabilities: {add: [CAP_SYS_ADMIN]}", ["info"], []),
        ("capabilities: {add: [SYS_ADMIN]}", [], []),
        ("capabilities: {add: [SYS_TIME]}", [], ["low"]),
        ("capabilities: {drop: [SYS_ADMIN]}", [], ["low"]),
    ],
)
def test_what_implies_escalation_is_told_alone(tmp_path: Path, context: str, set_severities: list[str], unset_severities: list[str]) -> None:
    files = {"a.yaml": POD.replace("CONTEXT", context)}
    assert told(tmp_path, files, "k8s/privilege-escalation") == set_severities
    assert told(tmp_path, files, "k8s/privilege-escalation-unset") == unset_severities


JOB = """\
apiVersion: batch/v1
kind: KIND
metadata: {name: certificates, annotations: {ANNOTATION: post-install}}
spec:
  ttlSecondsAfterFinished: SECONDS
  template:
    spec:
      restartPolicy: OnFailure
      containers: [{name: make, image: "acme/certgen:1.2.0"}]
"""


@pytest.mark.parametrize(
    ("annotation", "seconds", "severity"),
    [
        ("note", "0", "low"),
        ("helm.sh/hook", "3600", "low"),
        ("argocd.argoproj.io/hook", "3600", "low"),
        ("note", "3600", "medium"),
        ("note", "", "medium"),
    ],
)
def test_a_job_that_is_gone_when_it_ends_leaks_for_no_long_time(tmp_path: Path, annotation: str, seconds: str, severity: str) -> None:
    files = {"a.yaml": JOB.replace("KIND", "Job").replace("ANNOTATION", annotation).replace("SECONDS", seconds)}
    assert told(tmp_path, files, "k8s/memory-limit-missing") == [severity]


SHARING = """\
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ . }}}
spec:
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec: {containers: [{name: a, image: "acme/shop:1.2.0"}]}
"""


def test_a_selector_of_one_template_is_told_once(tmp_path: Path) -> None:
    calls = "".join(f'{{{{ include "workload" "{name}" }}}}\n' for name in ("web", "worker", "cron", "mail"))
    chart = {
        "Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n",
        "values.yaml": "a: 1\n",
        "templates/_workload.tpl": f'{{{{ define "workload" }}}}\n{SHARING}{{{{ end }}}}\n',
        "templates/all.yaml": calls,
    }
    root = write_files(tmp_path, chart)
    (finding,) = readiness.check([root], base=root, select=["k8s/selector-shared"]).findings
    assert (finding.line, len(finding.related)) == (2, 4)  # three others, and the definition


def test_selectors_that_are_written_are_told_one_by_one(tmp_path: Path) -> None:
    files = {"a.yaml": "".join(SHARING.replace("{{ . }}", name) for name in ("web", "worker", "cron"))}
    assert told(tmp_path, files, "k8s/selector-shared") == ["medium", "medium"]


PROVISIONER = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: nfs}
spec:
  selector: {matchLabels: {app: nfs}}
  template:
    metadata: {labels: {app: nfs}}
    spec:
      containers:
        - name: nfs
          image: acme/nfs:4.0.8
          args: ["ARGUMENT"]
          ports: [{name: nfs, containerPort: 2049}]
          securityContext: {capabilities: {add: [DAC_READ_SEARCH]}}
---
apiVersion: v1
kind: Service
metadata: {name: nfs}
spec: {selector: {app: nfs}, ports: [{name: nfs, port: 2049}]}
"""


@pytest.mark.parametrize(
    ("argument", "severity"),
    [("-provisioner=example.com/nfs", "medium"), ("--provisioner=nfs.csi.example.com", "medium"), ("--provisioner=true", "high"), ("--v=2", "high")],
)
def test_what_makes_volumes_under_a_name_of_its_own_drives_storage(tmp_path: Path, argument: str, severity: str) -> None:
    assert told(tmp_path, {"a.yaml": PROVISIONER.replace("ARGUMENT", argument)}, "k8s/capability-dangerous") == [severity]


@pytest.mark.parametrize(("kind", "expected"), [("Template", []), ("ConfigMap", ["medium"])])
def test_a_template_that_is_only_processed_needs_no_name(tmp_path: Path, kind: str, expected: list[str]) -> None:
    assert told(tmp_path, {"a.yaml": f"apiVersion: v1\nkind: {kind}\nobjects: []\n"}, "k8s/name-invalid") == expected


CONSUMER = """\
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, image: "acme/web:1.2.0"}]
  volumes: [{name: tls, secret: {secretName: web-tls}}]
"""
ISSUED = "apiVersion: cert-manager.io/v1\nkind: Certificate\nmetadata: {name: web}\nspec: {secretName: web-tls, dnsNames: [web]}\n"


@pytest.mark.parametrize(
    ("path", "count"), [("templates/certificate.tpl", 0), ("templates/vendor/base/certificate_2.0.0.tpl", 0), ("templates/_certificate.tpl", 1)]
)
def test_helm_applies_what_a_tpl_makes(tmp_path: Path, path: str, count: int) -> None:
    chart = {"Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n", "values.yaml": "a: 1\n", "templates/a.yaml": CONSUMER, path: ISSUED}
    assert len(told(tmp_path, chart, "k8s/config-map-unresolved")) == count
