"""What a script fills in before a manifest is applied has no form of its own: no rule judges a mark as a name or a number."""

from __future__ import annotations

from pathlib import Path

import pytest

from readiness.api import check
from tests.make import write_files

# Every field whose form the API server checks, once with the mark alone and once with text around it.
MANIFEST = """
apiVersion: v1
kind: ServiceAccount
metadata: {name: V, namespace: V, labels: {app: V, tier: aVb}, annotations: {note: V}}
---
apiVersion: v1
kind: Service
metadata: {name: aVb, namespace: V}
spec:
  type: V
  selector: {app: V}
  ports: [{name: V, port: V, targetPort: V, nodePort: V, protocol: V}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: V, namespace: V}
spec:
  replicas: V
  minReadySeconds: V
  selector: {matchLabels: {app: V}}
  template:
    metadata: {labels: {app: V, tier: aVb}}
    spec:
      restartPolicy: V
      terminationGracePeriodSeconds: V
      containers:
        - name: V
          image: registry.example.net/V
          ports: [{name: V, containerPort: V}]
          env: [{name: V, value: V}]
          resources: {limits: {cpu: V, memory: VMi}, requests: {cpu: V, memory: V}}
          readinessProbe: {httpGet: {path: V, port: V}, periodSeconds: V}
          securityContext: {runAsUser: V, privileged: V}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: V, namespace: V}
spec:
  schedule: V
  jobTemplate: {spec: {template: {spec: {restartPolicy: V, containers: [{name: aVb, image: V}]}}}}
"""
FORM_RULES = {
    "k8s/name-invalid",
    "k8s/container-name-invalid",
    "k8s/label-invalid",
    "k8s/pod-label-invalid",
    "k8s/annotation-invalid",
    "k8s/port-invalid",
    "k8s/target-port-invalid",
    "k8s/field-type-wrong",
    "k8s/resource-quantity-invalid",
    "k8s/cron-schedule-invalid",
    "k8s/restart-policy-invalid",
    "k8s/image-tag-missing",
}


def rules_told(tmp_path: Path, value: str) -> set[str]:
    """The rules on forms that find something where V is `value`."""
    text = MANIFEST
    for around in ("aVb", "VMi", "registry.example.net/V"):
        text = text.replace(around, '"' + around.replace("V", value) + '"')
    text = text.replace(" V", f' "{value}"').replace("[V", f'["{value}')
    report = check([write_files(tmp_path, {"deploy/app.yaml": text})])
    return {one.rule for one in report.findings} & FORM_RULES


MARKS = ("$NAME", "$name", "${NAME}", "$(NAME)", "@NAME@", "%NAME%", "<NAME>", "{{ name }}", "{name}", "((name))", "__NAME__")


@pytest.mark.parametrize("mark", MARKS)
def test_a_mark_has_no_form(tmp_path: Path, mark: str) -> None:
    assert rules_told(tmp_path, mark) == set()


@pytest.mark.parametrize("value", ["5 $", "NAME@", "Some_Name!", "a%b"])
def test_what_is_no_mark_is_judged(tmp_path: Path, value: str) -> None:
    assert {"k8s/name-invalid", "k8s/field-type-wrong", "k8s/resource-quantity-invalid"} <= rules_told(tmp_path, value)
