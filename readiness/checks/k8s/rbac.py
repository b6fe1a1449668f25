"""Roles, what they allow, and to whom bindings hand it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from readiness.checks.k8s.apis import kinds_by_group
from readiness.kinds.k8s.model import Object, mapping_at, mappings_in, text_or_empty
from readiness.model import Outcome, Related, Span, hit
from readiness.model.project import Project
from readiness.syntax.yaml import Map, Seq

ROLES = frozenset({"Role", "ClusterRole"})
BINDINGS = frozenset({"RoleBinding", "ClusterRoleBinding"})
# What every cluster has; nobody commits them.
BUILT_IN = frozenset({"cluster-admin", "admin", "edit", "view"})
BUILT_IN_ROLES = frozenset({"extension-apiserver-authentication-reader"})
EVERY_VERB = frozenset({"get", "list", "watch", "create", "update", "patch", "delete"})


@dataclass(frozen=True, slots=True)
class Access:
    """The roles and bindings of a project, by what they are looked up by."""

    roles: dict[tuple[str, str, str], Object]
    bindings: dict[tuple[str, str], tuple[Object, ...]]  # (namespace, service account)


def access_index(project: Project) -> Access:
    """The index, made once a run."""
    roles: dict[tuple[str, str, str], Object] = {}
    bound: dict[tuple[str, str], list[Object]] = {}
    for document in project.documents("k8s"):
        for obj in document.objects:
            if obj.kind in ROLES:
                space = obj.namespace if obj.kind == "Role" else ""
                roles.setdefault((obj.kind, space, obj.name), obj)
                roles.setdefault((obj.kind, "*", obj.name), obj)
            elif obj.kind in BINDINGS:
                for subject in subjects_of(obj):
                    if subject.get("kind") == "ServiceAccount":
                        space = text_or_empty(subject.get("namespace")) or obj.namespace
                        for key in {space, "*"}:
                            bound.setdefault((key, text_or_empty(subject.get("name"))), []).append(
                                obj
                            )
    return Access(roles, {key: tuple(value) for key, value in bound.items()})


def subjects_of(binding: Object) -> Iterator[Map]:
    """The subjects of a binding."""
    yield from mappings_in(binding.node.get("subjects"))


def role_of_binding(binding: Object, project: Project) -> Object | None:
    """The role that a binding hands out, where the project holds it."""
    reference = mapping_at(binding.node, "roleRef")
    kind, name = text_or_empty(reference.get("kind")), text_or_empty(reference.get("name"))
    roles = project.memo(access_index).roles
    if kind == "Role" and binding.namespace:
        return roles.get((kind, binding.namespace, name)) or roles.get((kind, "", name))
    return roles.get((kind, "*", name))


def is_system_object(obj: Object) -> bool:
    """Whether an object is one of those that the control plane, or GKE's, makes and repairs itself."""
    default = obj.kind.startswith("Cluster") and obj.name in BUILT_IN
    return (
        default
        or obj.name.startswith(("system:", "gce:"))
        or obj.labels.get("kubernetes.io/bootstrapping") == "rbac-defaults"
    )


def strings_in(rule: Map, key: str) -> list[str]:
    """The strings under a key of a role's rule."""
    values = rule.get(key)
    return [one for one in values if isinstance(one, str)] if isinstance(values, Seq) else []


def allows_everything(rule: Map) -> bool:
    """Whether a rule allows every verb on every resource of every group."""
    verbs = set(strings_in(rule, "verbs"))
    wild = "*" in strings_in(rule, "apiGroups") and "*" in strings_in(rule, "resources")
    return wild and ("*" in verbs or verbs >= EVERY_VERB)


def resource_covers(written: str, resource: str) -> bool:
    """Whether a resource as a rule writes it covers another: `*`, itself, or `*/exec` for `pods/exec`."""
    if written in {"*", resource}:
        return True
    head, slash, tail = written.partition("/")
    wanted, _, part = resource.partition("/")
    return bool(slash) and head in {"*", wanted} and tail in {"*", part} and bool(part)


def allowing_span(
    rule: Map,
    verbs: Sequence[str],
    resources: Sequence[str],
    groups: Sequence[str],
    names: Sequence[str] = (),
) -> tuple[Span, str, str] | None:
    """Where a rule allows one of the verbs on one of the resources, and which; None where it does not.

    A rule for named objects only counts where it names one of `names`.
    """
    named = strings_in(rule, "resourceNames")
    if not {"*", *groups} & set(strings_in(rule, "apiGroups")) or (
        named and not set(names) & set(named)
    ):
        return None
    verb = next((one for one in strings_in(rule, "verbs") if one in {"*", *verbs}), None)
    listed = rule.get("resources")
    if verb is None or not isinstance(listed, Seq):
        return None
    for index, written in enumerate(listed):
        for resource in resources if isinstance(written, str) else ():
            if resource_covers(written, resource):
                return listed.at(index), written, verb
    return None


def rules_of(role: Object) -> Iterator[Map]:
    """The rules of a role."""
    yield from mappings_in(role.node.get("rules"))


def role_allows(
    role: Object,
    *,
    verbs: Sequence[str],
    resources: Sequence[str],
    groups: Sequence[str] = ("",),
) -> Outcome:
    """A rule of the role allows a verb on a resource; a rule that allows everything is told elsewhere."""
    if is_system_object(role):
        return
    for rule in rules_of(role):
        found = None if allows_everything(rule) else allowing_span(rule, verbs, resources, groups)
        if found:
            span, resource, verb = found
            yield hit(span, found=resource, verb=verb)


def rbac_everything(role: Object) -> Outcome:
    """A rule of the role allows every verb on every resource."""
    if is_system_object(role):
        return
    for rule in rules_of(role):
        if allows_everything(rule):
            yield hit(rule.at("resources"))


def role_wildcard(role: Object, *, keys: Sequence[str], own: bool = False) -> Outcome:
    """A rule of the role has a wildcard under one of `keys`, in a group that Kubernetes brings along.

    With `own` it is about the other groups, those of an operator's own kinds. A rule that allows everything is
    told elsewhere.
    """
    if is_system_object(role):
        return
    for rule in rules_of(role):
        if (
            allows_everything(rule)
            or bool({"*", *kinds_by_group()} & set(strings_in(rule, "apiGroups"))) is own
        ):
            continue
        for key in keys:
            if "*" in strings_in(rule, key):
                yield hit(rule.at(key), key=key)


# -- bindings -----------------------------------------------------------------------------------------------------


def binding_grants(
    binding: Object,
    *,
    project: Project,
    verbs: Sequence[str],
    resources: Sequence[str],
    groups: Sequence[str] = ("",),
    names: Sequence[str] = (),
    subject: Sequence[str] = (),
) -> Outcome:
    """The role that the binding hands out allows a verb on a resource."""
    role = role_of_binding(binding, project)
    if role is None or is_system_object(binding):
        return
    if subject and not any(is_subject_of_kind(one, subject) for one in subjects_of(binding)):
        return
    for rule in rules_of(role):
        found = allowing_span(rule, verbs, resources, groups, names)
        if found:
            where = Related(role.source, found[0], f"{role.resource} allows it here")
            yield hit(
                role_name_span(binding),
                related=[where],
                found=found[1],
                verb=found[2],
                role=role.name,
            )
            return


def is_subject_of_kind(subject: Map, kinds: Sequence[str]) -> bool:
    """Whether a subject is one of the kinds; `Node` is the kubelets' user or group."""
    if text_or_empty(subject.get("kind")) in kinds:
        return True
    name = text_or_empty(subject.get("name"))
    return "Node" in kinds and (name == "system:nodes" or name.startswith("system:node:"))


def role_name_span(binding: Object) -> Span:
    """The place of the name of the role that a binding hands out."""
    return mapping_at(binding.node, "roleRef").at("name")


def admin(binding: Object, *, project: Project) -> Outcome:
    """The binding hands out cluster-admin, or a role of the project that allows everything."""
    name = text_or_empty(mapping_at(binding.node, "roleRef").get("name"))
    if is_system_object(binding):
        return
    role = role_of_binding(binding, project)
    if name == "cluster-admin":
        yield hit(role_name_span(binding), role=name)
    elif role is not None and any(allows_everything(rule) for rule in rules_of(role)):
        where = Related(
            role.source, next(rules_of(role)).at(), f"{role.resource} allows everything"
        )
        yield hit(role_name_span(binding), related=[where], role=name)


def subject_named(binding: Object, *, names: Sequence[str], kinds: Sequence[str]) -> Outcome:
    """One of the binding's subjects has one of the names; what Kubernetes itself binds so is left out."""
    role = text_or_empty(mapping_at(binding.node, "roleRef").get("name"))
    if is_system_object(binding) or role in {
        "system:public-info-viewer",
        "system:discovery",
        "system:basic-user",
    }:
        return
    for subject in subjects_of(binding):
        if subject.get("kind") in kinds and subject.get("name") in names:
            yield hit(subject.at("name"), subject=subject["name"], role=role)


def dashboard_role_bound(binding: Object, *, role: str, account: str) -> Outcome:
    """A role that is made for one account is bound to another subject."""
    if text_or_empty(mapping_at(binding.node, "roleRef").get("name")) != role:
        return
    for subject in subjects_of(binding):
        if subject.get("name") != account:
            yield hit(subject.at("name"), subject=text_or_empty(subject.get("name")), role=role)


def rbac_role_dangling(binding: Object, *, project: Project) -> Outcome:
    """The role that the binding names stands in no file of the project, and is none that every cluster has."""
    wanted = mapping_at(binding.node, "roleRef")
    kind, name = text_or_empty(wanted.get("kind")), text_or_empty(wanted.get("name"))
    if kind not in ROLES or not name or "$" in name or name.startswith("system:"):
        return
    if name in (BUILT_IN if kind == "ClusterRole" else BUILT_IN_ROLES):
        return
    if role_of_binding(binding, project) is None:
        yield hit(wanted.at("name"), role=f"{kind}/{name}")


def takes_over_cluster(role: Object, grants: Any) -> bool:
    """Whether a role allows one of the grants (verbs, resources, groups), each of which takes over a cluster."""
    return any(
        allowing_span(rule, grant["verbs"], grant["resources"], grant.get("groups") or [""])
        for rule in rules_of(role)
        for grant in grants
    )
