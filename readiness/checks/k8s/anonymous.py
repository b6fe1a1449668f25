"""Rights that are bound to those who did not log in, and what they come to.

https://kubernetes.io/docs/reference/access-authn-authz/authentication/#anonymous-requests
"""

from __future__ import annotations

from collections.abc import Sequence

from readiness.checks.k8s.rbac import (
    binding_subjects,
    resource_covers,
    role_of_binding,
    role_rules,
    strings_in,
)
from readiness.checks.k8s.shipped import is_system_object
from readiness.facts.table import property_by_fact_name
from readiness.kinds.k8s.model import Object
from readiness.kinds.purpose import is_non_production_path
from readiness.model import CheckOutcome, Severity, hit
from readiness.model.project import Project
from readiness.syntax.yaml import Map

_SELF_REVIEW_RESOURCES = frozenset({"selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews"})
_REVIEW_RESOURCES = frozenset({"tokenreviews", "subjectaccessreviews", "localsubjectaccessreviews"})
_READ_VERBS = frozenset({"get", "list", "watch", "head", "options"})
_WRITING_ROLE_NAMES = frozenset({"cluster-admin", "admin", "edit"})
_PUBLIC_NAMESPACE = "kube-public"


def rbac_anonymous(binding: Object, *, project: Project, names: Sequence[str], kinds: Sequence[str]) -> CheckOutcome:
    """A binding gives a role to everybody: critical where the role writes, runs or reads secrets, high where it reads the rest.

    Medium where it reads some named objects, those of the namespace that is there for everybody, or metrics. Never critical in
    prose and in files for tests and development.
    """
    role_name = binding.node.mapping_at_path("roleRef").string_under("name")
    if is_system_object(binding) or role_name in property_by_fact_name("kubernetes-public", "role"):
        return
    severity = _severity_of_public_role(binding, role_name, project)
    if severity and (project.prose or is_non_production_path(binding.source.root.path)):
        severity = min(severity, Severity.HIGH)
    for subject in binding_subjects(binding):
        if severity and subject.get("kind") in kinds and subject.get("name") in names:
            yield hit(subject.at("name"), subject=subject["name"], role=role_name or "a role", severity=severity)


def rbac_authenticated(binding: Object, *, project: Project, names: Sequence[str], kinds: Sequence[str]) -> CheckOutcome:
    """A binding gives a role to everybody with a login: high where the role writes, runs or reads secrets.

    Medium where it reads the rest, low where it reads some named objects or metrics.
    """
    role_name = binding.node.mapping_at_path("roleRef").string_under("name")
    anonymous_severity = (
        None
        if is_system_object(binding) or role_name in property_by_fact_name("kubernetes-public", "role")
        else _severity_of_public_role(binding, role_name, project)
    )
    if anonymous_severity is None:
        return
    severity = Severity(anonymous_severity - 1)
    for subject in binding_subjects(binding):
        if subject.get("kind") in kinds and subject.get("name") in names:
            yield hit(subject.at("name"), subject=subject["name"], role=role_name or "a role", severity=severity)


def _severity_of_public_role(binding: Object, role_name: str, project: Project) -> Severity | None:
    """How bad it is that everybody has a role; None where it gives nothing that is not public anyway."""
    if role_name in _WRITING_ROLE_NAMES:
        return Severity.CRITICAL
    role_object = role_of_binding(binding, project)
    if role_object is None:
        return Severity.HIGH  # `view`, or what no file tells of
    rule_severities = [one for one in map(_role_rule_severity, role_rules(role_object)) if one is not None]
    worst_severity = max(rule_severities, default=None)
    if worst_severity is Severity.HIGH and binding.kind == "RoleBinding" and binding.namespace == _PUBLIC_NAMESPACE:
        return Severity.MEDIUM
    if worst_severity is None and role_object.node.mapping_at_path("aggregationRule"):
        return Severity.HIGH  # its rules come from other roles
    return worst_severity


def _role_rule_severity(rule: Map) -> Severity | None:
    """How bad one rule of a role is for everybody to have."""
    url_paths = strings_in(rule, "nonResourceURLs")
    resources = strings_in(rule, "resources")
    verbs = set(strings_in(rule, "verbs"))
    if not resources:
        nonpublic_paths = [path for path in url_paths if not _is_public_url_path(path)]
        return None if not nonpublic_paths else Severity.HIGH if "*" in nonpublic_paths else Severity.MEDIUM
    if not verbs or set(resources) <= _SELF_REVIEW_RESOURCES:
        return None
    if set(resources) <= _REVIEW_RESOURCES | _SELF_REVIEW_RESOURCES:
        return Severity.MEDIUM
    covers_acting_resource = any(
        resource_covers(one, resource) for one in resources for resource in property_by_fact_name("kubernetes-resources", "acts")
    )
    covers_core_group = bool({"", "*"} & set(strings_in(rule, "apiGroups")))
    if verbs - _READ_VERBS or (covers_acting_resource and covers_core_group):
        return Severity.CRITICAL
    return Severity.MEDIUM if strings_in(rule, "resourceNames") else Severity.HIGH


def _is_public_url_path(url_path: str) -> bool:
    """Whether a path of the API server is open to everybody in every cluster."""
    path_prefix = url_path.rstrip("*").rstrip("/")
    return any(path_prefix == one or path_prefix.startswith(f"{one}/") for one in property_by_fact_name("kubernetes-public", "path"))
