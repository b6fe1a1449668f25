"""Pods under the constraints that OpenShift gives to everybody: what is asked of them, and what of their neighbours."""

from __future__ import annotations

from pathlib import Path

import pytest

from readiness import check
from tests.make import write_files

RULES = ("k8s/run-as-non-root-missing", "k8s/seccomp-missing", "k8s/capabilities-not-dropped")
ROUTE = "apiVersion: route.openshift.io/v1\nkind: Route\nmetadata: {name: web}\nspec: {to: {kind: Service, name: web}}\n"
VERSION = "apiVersion: config.openshift.io/v1\nkind: ClusterVersion\nmetadata: {name: version}\nspec: {channel: stable-4.16}\n"
BINDING = """apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: anyuid}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: 'system:openshift:scc:anyuid'}
subjects: [{kind: ServiceAccount, name: web}]
"""
CONSTRAINTS = """apiVersion: security.openshift.io/v1
kind: SecurityContextConstraints
metadata: {name: web}
users: ['system:serviceaccount:shop:web']
"""
CONSTRAINTS_FOR_ALL = CONSTRAINTS.replace("users: ['system:serviceaccount:shop:web']", "groups: ['system:authenticated']")


def group(name: str) -> str:
    return BINDING.replace("ServiceAccount, name: web", f"Group, name: '{name}'")


def deployment(spec: str = "", namespace: str = "''") -> str:
    return f"""apiVersion: apps/v1
kind: Deployment
metadata: {{name: web, namespace: {namespace}}}
spec:
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec:
      {spec}
      containers:
        - name: web
          image: registry.example.com/web:1.4
"""


def told(tmp_path: Path, files: dict[str, str]) -> dict[str, str]:
    write_files(tmp_path, files)
    return {one.rule: str(one.severity) for one in check([tmp_path], select=RULES, context=False).findings if one.rule in RULES}


CONFINED = {
    "a route beside it": {"a/web.yaml": deployment(), "a/route.yaml": ROUTE},
    "a whole cluster": {"a/web.yaml": deployment(), "cluster/version.yaml": VERSION},
    "another account has constraints": {"a/web.yaml": deployment(), "a/route.yaml": ROUTE, "a/binding.yaml": BINDING},
    "a group of people": {
        "a/web.yaml": deployment(),
        "a/route.yaml": ROUTE,
        "a/binding.yaml": group("admins"),
    },
    "accounts of another namespace": {
        "a/web.yaml": deployment(namespace="shop"),
        "a/route.yaml": ROUTE,
        "a/binding.yaml": group("system:serviceaccounts:other"),
    },
    "the default constraints": {
        "a/web.yaml": deployment(),
        "a/route.yaml": ROUTE,
        "a/c.yaml": CONSTRAINTS_FOR_ALL.replace("name: web", "name: restricted"),
    },
    "an account of that name elsewhere": {
        "a/web.yaml": deployment(namespace="shop"),
        "a/route.yaml": ROUTE,
        "b/binding.yaml": BINDING.replace("name: web}]", "name: default, namespace: other}]"),
    },
    "constraints without root for all": {
        "a/web.yaml": deployment(),
        "a/route.yaml": ROUTE,
        "a/c.yaml": f"{CONSTRAINTS_FOR_ALL}runAsUser: {{type: MustRunAsRange}}\n",
    },
    "a build config": {"a/web.yaml": deployment(), "a/b.yaml": ROUTE.replace("Route", "BuildConfig").replace("route.", "build.")},
}
FREE = {
    "no OpenShift": {"a/web.yaml": deployment()},
    "a route elsewhere": {"a/web.yaml": deployment(), "b/route.yaml": ROUTE},
    "a binding to its account": {"a/web.yaml": deployment("serviceAccountName: web"), "a/route.yaml": ROUTE, "a/binding.yaml": BINDING},
    "constraints of its account": {"a/web.yaml": deployment("serviceAccountName: web"), "a/route.yaml": ROUTE, "a/c.yaml": CONSTRAINTS},
    "what the default ones refuse": {"a/web.yaml": deployment("hostNetwork: true"), "a/route.yaml": ROUTE},
    "constraints for all": {"a/web.yaml": deployment(), "a/route.yaml": ROUTE, "a/c.yaml": CONSTRAINTS_FOR_ALL},
    "all accounts of its namespace": {"a/web.yaml": deployment(), "a/route.yaml": ROUTE, "a/binding.yaml": group("system:serviceaccounts")},
    "only a route that tests hold": {"tests/web.yaml": ROUTE, "a/web.yaml": deployment()},
}  # fmt: skip


@pytest.mark.parametrize("files", CONFINED.values(), ids=CONFINED)
def test_default_constraints(tmp_path: Path, files: dict[str, str]) -> None:
    assert told(tmp_path, files) == {"k8s/capabilities-not-dropped": "low"}


@pytest.mark.parametrize("files", FREE.values(), ids=FREE)
def test_no_default_constraints(tmp_path: Path, files: dict[str, str]) -> None:
    assert told(tmp_path, files) == {"k8s/run-as-non-root-missing": "medium", "k8s/seccomp-missing": "low", "k8s/capabilities-not-dropped": "medium"}
