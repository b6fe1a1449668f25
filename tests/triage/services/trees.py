"""Small trees whose services tests ask for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import readiness
from tests.make import write_files


def deployment(name: str, image: str, *, kind: str = "Deployment", labels: str = "", extra: str = "", namespace: str = "") -> str:
    """A workload as a manifest; `labels` are those of its pods, `app: NAME` where none are given."""
    labels = labels or f"app: {name}"
    written_namespace = f", namespace: {namespace}" if namespace else ""
    return (
        f"apiVersion: apps/v1\nkind: {kind}\nmetadata: {{name: {name}{written_namespace}}}\nspec:\n  selector: {{matchLabels: {{{labels}}}}}\n"
        f"  template:\n    metadata: {{labels: {{{labels}}}}}\n    spec:\n{extra}      containers:\n      - {{name: {name}, image: '{image}'}}\n"
    )


def job(name: str, image: str) -> str:
    """A Job as a manifest."""
    return (
        f"apiVersion: batch/v1\nkind: Job\nmetadata: {{name: {name}}}\nspec:\n  template:\n    spec:\n      restartPolicy: Never\n"
        f"      containers:\n      - {{name: {name}, image: '{image}'}}\n"
    )


def manifest(kind: str, name: str, spec: str, api_version: str = "v1") -> str:
    """Another object as a manifest."""
    return f"apiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: {name}}}\n{spec}\n"


def joined(*manifests: str) -> str:
    """Manifests as one file."""
    return "---\n".join(manifests)


def report_of(files: Mapping[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, paths: tuple[str, ...] = (".",)) -> dict[str, Any]:
    """The JSON report on a tree of files."""
    write_files(tmp_path, files)
    monkeypatch.chdir(tmp_path)
    return readiness.check(list(paths)).to_dict()


def parts_by_service(report: Mapping[str, Any]) -> dict[str, set[str]]:
    """What each service consists of: resources, and the paths of whole files."""
    return {one["name"]: {part["resource"] or part["path"] for part in one["parts"]} for one in report["services"]}


def reason_by_part(report: Mapping[str, Any], name: str) -> dict[str, str]:
    """Why each part belongs to a service."""
    service = next(one for one in report["services"] if one["name"] == name)
    return {part["resource"] or part["path"]: part["reason"] for part in service["parts"]}
