"""An image that somebody else replaces has no tag to judge: an overlay that is not built, a program that embeds the manifests."""

from __future__ import annotations

from pathlib import Path

import pytest

from readiness.api import check
from tests.make import write_files

WORKLOAD = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: web
          image: controller
"""
REMOTE = 'resources: [../base, "https://git.example.net/crds.yaml"]\n'
TREE = {"base/web.yaml": WORKLOAD, "base/kustomization.yaml": "resources: [web.yaml]\n"}


def is_told(tmp_path: Path, more: dict[str, str], path: str = "") -> bool:
    """Whether the image is said to have no tag."""
    root = write_files(tmp_path, {path + name: text for name, text in TREE.items()} | more)
    return "k8s/image-tag-missing" in {one.rule for one in check([root], base=root).findings}


@pytest.mark.parametrize("change", ["newTag: 1.4.0", "newName: registry.example.net/web, newTag: 1.4.0", 'digest: "sha256:%s"' % ("a" * 64)])
def test_an_overlay_with_something_remote_replaces_it(tmp_path: Path, change: str) -> None:
    overlay = f"{REMOTE}images: [{{name: controller, {change}}}]\n"
    assert not is_told(tmp_path, {"live/kustomization.yaml": overlay})


def test_an_overlay_between_replaces_it(tmp_path: Path) -> None:
    between = "resources: [../base]\nimages: [{name: controller, newTag: 1.4.0}]\n"
    assert not is_told(tmp_path, {"mid/kustomization.yaml": between, "live/kustomization.yaml": REMOTE.replace("base", "mid")})


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"live/kustomization.yaml": REMOTE},
        {"live/kustomization.yaml": REMOTE + "images: [{name: other, newTag: 1.4.0}]\n"},
        {"other/kustomization.yaml": 'resources: ["https://git.example.net/a.yaml"]\nimages: [{name: controller, newTag: "1"}]\n'},
    ],
    ids=["no overlay", "no images", "another image", "another base"],
)
def test_what_nobody_replaces_is_told(tmp_path: Path, more: dict[str, str]) -> None:
    assert is_told(tmp_path, more)


@pytest.mark.parametrize(("embedded", "told"), [("base", False), ("crds base/*", False), ("bases", True), ("crds", True)])
def test_a_program_that_embeds_it_replaces_it(tmp_path: Path, embedded: str, told: bool) -> None:
    program = f'package cluster\n\nimport "embed"\n\n//go:embed {embedded}\nvar Resources embed.FS\n'
    assert is_told(tmp_path, {"pkg/resources.go": program}, "pkg/") is told
