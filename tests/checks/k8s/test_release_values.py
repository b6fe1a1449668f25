"""Values of releases: what a controller does on its node weighs there as it does in manifests."""

from __future__ import annotations

from pathlib import Path

import pytest

import readiness
from tests.make import write_files

RELEASE = """\
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: disks, namespace: kube-system}
spec:
  interval: 1h
  chartRef: {kind: OCIRepository, name: app-template}
  values:
"""
CONTROLLER = """\
controllers:
  disks:
    type: %s
    containers: {app: {securityContext: {privileged: true}}}
"""
FOLDER = "persistence: {dev: {type: hostPath, hostPath: /dev%s}}\n"
READ = ", globalMounts: [{path: /host, readOnly: true}]"
WRITE = ", globalMounts: [{path: /host}]"
SERVICE = "service: {disks: {controller: disks, ports: {http: {port: 80}}}}\n"
EXPORTER = "service: {disks: {ports: {http: {port: 9134}}}}\n"
MONITOR = "serviceMonitor: {disks: {serviceName: disks, endpoints: [{port: http, path: /metrics}]}}\n"


@pytest.mark.parametrize(
    ("values", "severity"),
    [
        (CONTROLLER % "daemonset" + FOLDER % "", "medium"),
        (CONTROLLER % "daemonset" + FOLDER % WRITE + SERVICE, "medium"),
        (CONTROLLER % "cronjob" + FOLDER % READ, "medium"),
        (CONTROLLER % "job", "medium"),
        (CONTROLLER % "cronjob" + FOLDER % ", advancedMounts: {disks: {app: [{path: /host, readOnly: true}]}}", "medium"),
        (CONTROLLER % "daemonset", "no reach"),
        (CONTROLLER % "deployment" + FOLDER % READ, "no reach"),
        (CONTROLLER % "cronjob" + FOLDER % WRITE, "no reach"),
        (CONTROLLER % "cronjob" + FOLDER % "", "no reach"),
        (CONTROLLER % "cronjob", "no reach"),
        (CONTROLLER % "cronjob" + FOLDER % READ + SERVICE, "high"),
        (CONTROLLER % "job" + SERVICE, "high"),
        (CONTROLLER % "daemonset" + FOLDER % ", advancedMounts: {other: {app: [{path: /host}]}}", "no reach"),
        (CONTROLLER % "daemonset" + FOLDER % ", enabled: false", "no reach"),
        (CONTROLLER % "daemonset" + FOLDER.replace("hostPath,", "emptyDir,") % "", "no reach"),
        ("controllers: {disks: {type: daemonset}}\ndefaultPodOptions: {hostPID: true}\n" + FOLDER % "", "medium"),
        ("controllers: {disks: {type: daemonset}, web: {}}\ndefaultPodOptions: {hostPID: true}\n" + FOLDER % "", "no reach"),
        (CONTROLLER % "statefulset" + SERVICE, "high"),
        (CONTROLLER % "statefulset" + EXPORTER, "high"),
        (CONTROLLER % "statefulset" + EXPORTER + MONITOR, "no reach"),
        (CONTROLLER % "statefulset" + EXPORTER + "serviceMonitor: {enabled: true}\n", "no reach"),
        (CONTROLLER % "statefulset" + EXPORTER + "metrics: {serviceMonitor: {enabled: true}}\n", "no reach"),
        (CONTROLLER % "statefulset" + EXPORTER + "serviceMonitor: {enabled: false}\n", "high"),
        (CONTROLLER % "statefulset" + EXPORTER + MONITOR + "ingress: {main: {hosts: [{host: a.example.com}], enabled: true}}\n", "high"),
        (CONTROLLER % "statefulset" + SERVICE + MONITOR, "high"),
        (CONTROLLER % "statefulset" + "service: {disks: {ports: {http: {port: 9134}, api: {port: 80}}}}\n" + MONITOR, "high"),
        ("controllers: {}\ndefaultPodOptions: {hostPID: true}\n" + FOLDER % "", "no reach"),
        ("type: daemonset\nsecurityContext: {privileged: true}\n" + FOLDER % "", "no reach"),
        ("controllers: privileged\nsecurityContext: {privileged: true}\n", "no reach"),
    ],
)
def test_a_controller_that_works_on_its_node(tmp_path: Path, values: str, severity: str) -> None:
    indented_values = "".join(f"    {line}\n" for line in values.splitlines())
    write_files(tmp_path, {"disks.yaml": RELEASE + indented_values})
    (finding,) = readiness.check([tmp_path], base=tmp_path, select=["k8s/privileged-in-release-values"]).findings
    assert str(finding.severity) == ("high" if severity == "high" else "medium")
    assert ("in its values, as a" in finding.message) == (severity == "medium")
