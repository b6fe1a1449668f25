"""Groups of findings that one edit mends: what is one, what is not, and that every rule stays what it was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import readiness
from readiness.verdict.edit_groups import edit_title, thing_title
from readiness.verdict.report import Report
from tests.make import write_files

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: NAME, namespace: shop}
spec:
  containers:
    - {name: app, image: "registry.example.com/app:1.4"}
"""
TWO_CONTAINERS = POD.replace("NAME", "web") + '    - {name: proxy, image: "registry.example.com/proxy:1.4"}\n'
SECURITY_RULES = {
    "k8s/capabilities-not-dropped",
    "k8s/privilege-escalation-unset",
    "k8s/root-filesystem-writable",
    "k8s/run-as-non-root-missing",
    "k8s/seccomp-missing",
}
RESOURCE_RULES = {"k8s/cpu-request-missing", "k8s/memory-request-missing", "k8s/memory-limit-missing"}


def run(root: Path, files: dict[str, str], **options: Any) -> Report:
    write_files(root / "t", files)
    return readiness.check([root / "t"], base=root / "t", **options)


def groups(report: Report) -> dict[str, set[str]]:
    """The rules of each group that has several."""
    found: dict[str, set[str]] = {}
    for finding in report.findings:
        if finding.edit_group:
            found.setdefault(finding.edit_group, set()).add(finding.rule)
    return {name: rules for name, rules in found.items() if len(rules) > 1}


def test_what_is_missing_in_one_block_is_one_group(tmp_path: Path) -> None:
    found = groups(run(tmp_path, {"web.yaml": POD.replace("NAME", "web")}))
    assert found["web.yaml: Pod/web container app: securityContext"] == SECURITY_RULES
    assert found["web.yaml: Pod/web container app: resources"] == RESOURCE_RULES


def test_each_container_has_its_own(tmp_path: Path) -> None:
    found = groups(run(tmp_path, {"web.yaml": TWO_CONTAINERS}))
    assert {name for name in found if name.endswith("securityContext")} == {
        "web.yaml: Pod/web container app: securityContext",
        "web.yaml: Pod/web container proxy: securityContext",
    }
    assert found["web.yaml: Pod/web container proxy: securityContext"] == SECURITY_RULES


def test_the_same_name_in_another_file_is_another_group(tmp_path: Path) -> None:
    one = POD.replace("NAME", "web")
    found = groups(run(tmp_path, {"a.yaml": one, "b.yaml": one.replace("shop", "bar")}))
    assert {name for name in found if "securityContext" in name} == {
        f"{path}: Pod/web container app: securityContext" for path in ("a.yaml", "b.yaml")
    }


def test_two_objects_of_one_name_in_one_file_are_told_apart(tmp_path: Path) -> None:
    one = POD.replace("NAME", "web")
    report = run(tmp_path, {"web.yaml": one + "---\n" + one.replace("shop", "bar").replace("app:1.4", "app:1.5")})
    by_line: dict[str, set[int]] = {}
    for finding in report.findings:
        if finding.rule in SECURITY_RULES:
            by_line.setdefault(finding.edit_group, set()).add(finding.line)
    assert by_line == {
        "web.yaml: Pod/web container app: securityContext": {6},
        "web.yaml: Pod/web container app: securityContext #2": {13},
    }


def test_a_field_of_the_pod_is_no_field_of_its_container(tmp_path: Path) -> None:
    pod = POD.replace("NAME", "web").replace("spec:\n", "spec:\n  securityContext: {runAsUser: 0}\n")
    report = run(tmp_path, {"web.yaml": pod})
    groups_of_rule = {one.rule: edit_title(one) for one in report.findings}
    assert groups_of_rule["k8s/run-as-root"] == "Pod/web: securityContext"
    assert groups_of_rule["k8s/seccomp-missing"] == "Pod/web container app: securityContext"


NGINX = """\
events {}
http {
  server {
    listen 443 ssl;
    server_name shop.example.com;
    ssl_certificate a.pem;
    ssl_certificate_key a.key;
    ssl_protocols TLSv1 TLSv1.2;
    ssl_ciphers RC4:HIGH;
  }
  server {
    listen 8443 ssl;
    server_name shop.example.com;
    ssl_certificate a.pem;
    ssl_certificate_key a.key;
    ssl_protocols TLSv1 TLSv1.2;
    ssl_ciphers RC4:HIGH;
  }
}
"""


def test_two_servers_of_one_name_are_two_groups(tmp_path: Path) -> None:
    report = run(tmp_path, {"nginx.conf": NGINX}, select=["nginx/tls-protocol-old", "nginx/tls-cipher-weak"])
    assert groups(report) == {
        "nginx.conf: server/shop.example.com: TLS": {"nginx/tls-protocol-old", "nginx/tls-cipher-weak"},
        "nginx.conf: server/shop.example.com: TLS #2": {"nginx/tls-protocol-old", "nginx/tls-cipher-weak"},
    }
    assert sorted((one.line, one.edit_group.endswith("#2")) for one in report.findings) == [(8, False), (9, False), (16, True), (17, True)]


COMPOSE = """\
services:
  web: {image: "nginx:1.27.3", ports: ["80:80"]}
  api: {image: "registry.example.com/api:2.1"}
"""


def test_two_services_are_two_groups(tmp_path: Path) -> None:
    found = groups(run(tmp_path, {"compose.yaml": COMPOSE}))
    for name in ("web", "api"):
        assert found[f"compose.yaml: service/{name}: run settings"] >= {"compose/limit-missing", "compose/restart-missing"}


WORKFLOW = """\
on: push
jobs:
  test:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v2
      - uses: codecov/codecov-action@v3
  lint:
    runs-on: ubuntu-24.04
    steps:
      - uses: codecov/codecov-action@v3
"""


def test_a_step_is_one_edit_and_the_file_has_one_for_permissions(tmp_path: Path) -> None:
    report = run(tmp_path, {".github/workflows/ci.yml": WORKFLOW})
    path = ".github/workflows/ci.yml"
    two_rules = {"ci/action-outdated", "ci/action-unpinned"}
    assert groups(report) == {f"{path}: job/test/step/2: uses": two_rules, f"{path}: job/lint/step/1: uses": two_rules}
    of_permissions = [one for one in report.findings if one.rule == "ci/permissions-missing"]
    assert {one.edit_group for one in of_permissions} == {f"{path}: permissions"}
    assert {thing_title(one) for one in of_permissions} == {""}


OWN_RULE = """\
title: Container without a group of its own
severity: medium
category: isolation
target: k8s.container
require: {securityContext.runAsGroup: present}
message: container {name!r} has no runAsGroup
why: The group of the image may be root's.
fix: Set `runAsGroup`.
edit: {at: securityContext, write: {securityContext: {runAsGroup: 10001}}}
"""


def test_a_custom_rule_joins(tmp_path: Path) -> None:
    write_files(tmp_path, {"own/k8s/group-missing.yaml": OWN_RULE})
    report = run(tmp_path, {"web.yaml": POD.replace("NAME", "web")}, rules=[tmp_path / "own"])
    assert groups(report)["web.yaml: Pod/web container app: securityContext"] == SECURITY_RULES | {"k8s/group-missing"}


@pytest.mark.parametrize("rule", sorted(SECURITY_RULES))
def test_each_rule_is_selected_ignored_and_counted_by_itself(tmp_path: Path, rule: str) -> None:
    files = {"web.yaml": TWO_CONTAINERS}
    selected = run(tmp_path, files, select=[rule])
    assert [one.rule for one in selected.findings] == [rule, rule]
    ignored = run(tmp_path, files, ignore=[rule])
    assert groups(ignored)["web.yaml: Pod/web container app: securityContext"] == SECURITY_RULES - {rule}
    whole = run(tmp_path, files)
    assert len(whole.findings) == len(ignored.findings) + 2
    assert sum(one.rule == rule for one in whole.findings) == 2


def test_a_suppression_takes_one_rule_out_of_its_group(tmp_path: Path) -> None:
    pod = POD.replace("NAME", "web").replace("    - {", "    # readiness: ignore[k8s/seccomp-missing] the node sets it\n    - {")
    report = run(tmp_path, {"web.yaml": pod})
    assert [one.rule for one in report.suppressed] == ["k8s/seccomp-missing"]
    assert report.suppressed[0].edit_group == "web.yaml: Pod/web container app: securityContext"
    assert {one.rule for one in report.open if one.edit_group.endswith("securityContext")} == SECURITY_RULES - {"k8s/seccomp-missing"}


def test_json_keeps_single_findings_with_their_group(tmp_path: Path) -> None:
    report = run(tmp_path, {"web.yaml": TWO_CONTAINERS})
    rows = json.loads(json.dumps(report.to_dict()))["findings"]
    assert len(rows) == len(report.findings)
    assert [row["group"] for row in rows] == [one.edit_group for one in report.findings]
    assert {row["group"] for row in rows if row["rule"] == "k8s/seccomp-missing"} == {
        "web.yaml: Pod/web container app: securityContext",
        "web.yaml: Pod/web container proxy: securityContext",
    }
    assert {row["group"] for row in rows if row["rule"] == "k8s/pod-bare"} == {""}


def test_a_file_added_elsewhere_renames_no_group(tmp_path: Path) -> None:
    before = groups(run(tmp_path, {"web.yaml": TWO_CONTAINERS}))
    after = groups(run(tmp_path, {"a.yaml": POD.replace("NAME", "other"), "web.yaml": "# a line above\n" + TWO_CONTAINERS}))
    assert before.items() <= after.items()
