"""Files in an archive: kept, no longer deployed, and asked about their secrets alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from readiness.api import check
from readiness.model import Severity
from tests.make import write_files

POD = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      hostNetwork: true
      containers: [{name: web, image: "registry.example.net/web:1.4.0", securityContext: {privileged: true}}]
"""
OLD_ROLE = "apiVersion: rbac.authorization.k8s.io/v1beta1\nkind: Role\nmetadata: {name: web}\nrules: []\n"
DATABASE = "apiVersion: v1\nkind: Secret\nmetadata: {name: web}\nstringData: {password: dG9wLXNlY3JldC1wYXNz-9f3k2LmQ81}\n"
ARCHIVED = "an archive: it lies in %s/, of which nothing outside takes a file"


def purpose(root: Path, path: str) -> str:
    return next(one.purpose for one in check([root], base=root).files if one.path == path)


@pytest.mark.parametrize("folder", ["archive", "Archived", "_archive", ".archive", "attic", "old-releases", "apps/archive/2019"])
def test_what_lies_in_an_archive(tmp_path: Path, folder: str) -> None:
    archive_name = "archive" if folder.startswith("apps") else folder
    assert purpose(write_files(tmp_path, {f"{folder}/web.yaml": POD, "live.yaml": POD}), f"{folder}/web.yaml") == ARCHIVED % archive_name


@pytest.mark.parametrize("path", ["archive/Dockerfile", "archive/compose.yaml", "archive/nginx.conf"])
def test_every_kind_of_file(tmp_path: Path, path: str) -> None:
    text = {
        "Dockerfile": 'FROM alpine:3.20\nCMD ["web"]\n',
        "compose.yaml": "services:\n  web: {image: nginx:1.27}\n",
        "nginx.conf": "events {}\nhttp { server { listen 80; } }\n",
    }[path.partition("/")[2]]
    assert purpose(write_files(tmp_path, {path: text}), path) == ARCHIVED % "archive"


@pytest.mark.parametrize(
    "more",
    [
        {"kustomization.yaml": "resources:\n- archive\n"},
        {"apps/kustomization.yaml": "resources: [../archive/web.yaml]\n"},
        {"up.sh": "kubectl apply -f archive/web.yaml\n"},
        {"up.sh": "for one in archive/*.yaml; do kubectl apply -f $one; done\n"},
        {"Makefile": "up:\n\tkubectl apply -R -f archive\n"},
        {"README.md": "# Web\n\n    kubectl apply -f archive/web.yaml\n"},
        {".github/workflows/up.yaml": "on: push\njobs:\n  up:\n    runs-on: ubuntu-24.04\n    steps: [{run: kubectl apply -f archive/}]\n"},
        {
            "flux.yaml": "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: web}\n"
            "spec: {path: ./archive, interval: 1h, prune: true, sourceRef: {kind: GitRepository, name: web}}\n"
        },
    ],
)
def test_an_archive_that_something_takes_from_is_judged(tmp_path: Path, more: dict[str, str]) -> None:
    assert "archive" not in purpose(write_files(tmp_path, {"archive/web.yaml": POD} | more), "archive/web.yaml")


@pytest.mark.parametrize(
    "more",
    [
        {"README.md": "# Web\n\nOld releases lie in `archive/web.yaml`, the present one in live.yaml.\n"},
        {"get.sh": "curl -L https://git.example.net/a/b/archive/v1.tar.gz\n"},
        {"up.sh": "# kubectl apply -f archive/web.yaml\nkubectl apply -f live.yaml\n"},
        {"renovate.json": '{"ignorePaths": ["archive/**", "**/archive/**"]}'},
        {"archive/README.md": "`kubectl apply -f archive/web.yaml`\n"},
    ],
)
def test_who_only_tells_of_it_takes_nothing(tmp_path: Path, more: dict[str, str]) -> None:
    assert purpose(write_files(tmp_path, {"archive/web.yaml": POD} | more), "archive/web.yaml") == ARCHIVED % "archive"


@pytest.mark.parametrize("folder", ["archiver", "web-archive", "legacy", "archives"])
def test_other_names_are_no_archive(tmp_path: Path, folder: str) -> None:
    assert not purpose(write_files(tmp_path, {f"{folder}/web.yaml": POD}), f"{folder}/web.yaml")


def test_who_names_the_archive_has_it_judged(tmp_path: Path) -> None:
    root = write_files(tmp_path, {"archive/web.yaml": POD})
    assert [one.purpose for one in check([root / "archive"], base=root).files if one.path == "archive/web.yaml"] == [""]


def test_only_secrets_are_told_of_an_archive(tmp_path: Path) -> None:
    files = {"web.yaml": POD, "role.yaml": OLD_ROLE, "secret.yaml": DATABASE}
    root = write_files(tmp_path, {f"archive/{name}": text for name, text in files.items()} | {f"apps/{name}": text for name, text in files.items()})
    findings = check([root], base=root).findings
    told = {one.rule for one in findings if one.path.startswith("archive/")}
    assert told == {"k8s/secret-committed"}
    assert {"k8s/api-version-removed", "k8s/privileged", "k8s/secret-committed"} <= {one.rule for one in findings if one.path.startswith("apps/")}
    assert max(one.severity for one in findings if one.path.startswith("archive/")) <= Severity.MEDIUM


def test_settings_may_say_archive(tmp_path: Path) -> None:
    root = write_files(tmp_path, {"old/web.yaml": POD, ".readiness.yaml": "purpose: {'old/*': archive}\n"})
    assert not check([root], base=root, config=root / ".readiness.yaml").findings
