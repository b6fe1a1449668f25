"""Kubernetes manifests: which objects of a file are judged."""

from __future__ import annotations

import pytest

from readiness.kinds import k8s
from readiness.model import Source

POD = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  annotations:\n    helm.sh/hook: {hook}\n"
HOOKS = {
    "test": False,
    "test-success": False,
    "pre-install, test": False,
    "pre-upgrade,post-install": True,
    "[1]": True,
}


@pytest.mark.parametrize(("hook", "judged"), HOOKS.items())
def test_what_only_helm_test_makes_is_set_aside(hook: str, judged: bool) -> None:
    found = k8s.parse(Source("pod.yaml", POD.format(hook=hook), kind="k8s"))
    assert bool(found.objects) is judged
