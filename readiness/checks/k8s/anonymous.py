"""Rights that are bound to those who did not log in, and what they come to.

https://kubernetes.io/docs/reference/access-authn-authz/authentication/#anonymous-requests
"""

from __future__ import annotations

from collections.abc import Sequence

from readiness.checks.k8s.rbac import (
    binding_subjects,
    is_system_object,
    resource_covers,
    role_of_binding,
    role_rules,
    strings_in,
)
from readiness.facts.table import fact_column
from readiness.kinds.k8s.model import Object
from readiness.kinds.purpose import is_non_production_path
from readiness.model import CheckOutcome, Severity, hit
from readiness.model.project import Project
from readiness.syntax.yaml import Map

_ABOUT_ONESELF = frozenset({"selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews"})
_REVIEW_RESOURCES = frozenset({"tokenreviews", "subjectaccessreviews", "localsubjectaccessreviews"})
_READ_VERBS = frozenset({"get", "list", "watch", "head", "options"})
_WRITING_ROLES = frozenset({"cluster-admin", "admin", "edit"})
_OPEN_NAMESPACE = "kube-public"


def rbac_anonymous(binding: Object, *, project: Project, names: Sequence[str], kinds: Sequence[str]) -> CheckOutcome:
    """A binding gives a role to everybody: critical where the role writes, runs or reads secrets, high where it reads the rest.

    Medium where it reads some named objects, those of the namespace that is there for everybody, or metrics. Never critical in
    prose and in files for tests and development.
    """
    role = binding.node.mapping_at_path("roleRef").string_under("name")
    if is_system_object(binding) or role in fact_column("kubernetes-public", "role"):
        return
    severity = _grant_severity(binding, role, project)
    if severity and (project.prose or is_non_production_path(binding.source.root.path)):
        severity = min(severity, Severity.HIGH)
    for subject in binding_subjects(binding):
        if severity and subject.get("kind") in kinds and subject.get("name") in names:
            yield hit(subject.at("name"), subject=subject["name"], role=role, severity=severity)


def rbac_authenticated(binding: Object, *, project: Project, names: Sequence[str], kinds: Sequence[str]) -> CheckOutcome:
    """A binding gives a role to everybody with a login: high where the role writes, runs or reads secrets.

    Medium where it reads the rest, low where it reads some named objects or metrics.
    """
    role = binding.node.mapping_at_path("roleRef").string_under("name")
    worth = (
        None
        if is_system_object(binding) or role in fact_column("kubernetes-public", "role")
        else _grant_severity(binding, role, project)
    )
    if worth is None:
        return
    severity = Severity(worth - 1)
    for subject in binding_subjects(binding):
        if subject.get("kind") in kinds and subject.get("name") in names:
            yield hit(subject.at("name"), subject=subject["name"], role=role, severity=severity)


def _grant_severity(binding: Object, role: str, project: Project) -> Severity | None:
    """How bad it is that everybody has a role; None where it gives nothing that is not public anyway."""
    if role in _WRITING_ROLES:
        return Severity.CRITICAL
    obj = role_of_binding(binding, project)
    if obj is None:
        return Severity.HIGH  # `view`, or what no file tells of
    severities = [one for one in map(_role_rule_severity, role_rules(obj)) if one is not None]
    worst = max(severities, default=None)
    if worst is Severity.HIGH and binding.kind == "RoleBinding" and binding.namespace == _OPEN_NAMESPACE:
        return Severity.MEDIUM
    if worst is None and obj.node.mapping_at_path("aggregationRule"):
        return Severity.HIGH  # its rules come from other roles
    return worst


def _role_rule_severity(rule: Map) -> Severity | None:
    """How bad one rule of a role is for everybody to have."""
    paths = strings_in(rule, "nonResourceURLs")
    resources = strings_in(rule, "resources")
    verbs = set(strings_in(rule, "verbs"))
    if not resources:
        hidden = [path for path in paths if not _is_public(path)]
        return None if not hidden else Severity.HIGH if "*" in hidden else Severity.MEDIUM
    if not verbs or set(resources) <= _ABOUT_ONESELF:
        return None
    if set(resources) <= _REVIEW_RESOURCES | _ABOUT_ONESELF:
        return Severity.MEDIUM
    acts = any(resource_covers(one, resource) for one in resources for resource in fact_column("kubernetes-resources", "acts"))
    core = bool({"", "*"} & set(strings_in(rule, "apiGroups")))
    if verbs - _READ_VERBS or (acts and core):
        return Severity.CRITICAL
    return Severity.MEDIUM if strings_in(rule, "resourceNames") else Severity.HIGH


def _is_public(path: str) -> bool:
    """Whether a path of the API server is open to everybody in every cluster."""
    plain = path.rstrip("*").rstrip("/")
    return any(plain == one or plain.startswith(f"{one}/") for one in fact_column("kubernetes-public", "path"))
