"""Roles, what they allow, and to whom bindings hand it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from readiness.checks.k8s.absence import absence_of
from readiness.checks.k8s.apis import kinds_by_group
from readiness.checks.k8s.holders import lowered_for_controllers, lowered_for_people
from readiness.facts.table import fact_rows
from readiness.kinds.k8s.elsewhere import find_named_in_run
from readiness.kinds.k8s.index import object_index
from readiness.kinds.k8s.model import Object
from readiness.kinds.k8s.spaces import ThingsByNamespace
from readiness.kinds.units import MAX_CANDIDATES
from readiness.model import (
    CheckOutcome,
    Related,
    Severity,
    Source,
    Span,
    Undecidable,
    hit,
    join_names,
)
from readiness.model.project import Project
from readiness.syntax.holes import has_variable
from readiness.syntax.yaml import Map, Seq

ROLE_KINDS = frozenset({"Role", "ClusterRole"})
BINDING_KINDS = frozenset({"RoleBinding", "ClusterRoleBinding"})
# What every cluster has; nobody commits them.
BUILT_IN = frozenset({"cluster-admin", "admin", "edit", "view"})
_OPEN_ROLES = frozenset({"system:public-info-viewer", "system:discovery", "system:basic-user"})
BUILT_IN_ROLES = frozenset({"extension-apiserver-authentication-reader"})
EVERY_VERB = frozenset({"get", "list", "watch", "create", "update", "patch", "delete"})


@dataclass(frozen=True, slots=True, eq=False)
class AccountBinding:
    """A binding as it names one service account, in the account's namespace."""

    binding: Object
    namespace: str

    @property
    def source(self) -> Source:
        """The source in which the binding stands."""
        return self.binding.source


def grants_by_account(project: Project) -> dict[str, ThingsByNamespace[AccountBinding]]:
    """The bindings of a project by the names of the service accounts that they name, made once a run."""
    bound: dict[str, ThingsByNamespace[AccountBinding]] = {}
    for obj in object_index(project).objects_of_kinds(*sorted(BINDING_KINDS)):
        for subject in binding_subjects(obj):
            if subject.get("kind") == "ServiceAccount":
                grant = AccountBinding(obj, subject.string_under("namespace") or obj.namespace)
                bound.setdefault(subject.string_under("name"), ThingsByNamespace()).add(grant)
    return bound


def _bindings_by_role(project: Project) -> dict[int, list[Object]]:
    """The bindings of a project by the identity of each role that they hand out, or may, made once a run."""
    index = object_index(project)
    found: dict[int, list[Object]] = {}
    for binding in index.objects_of_kinds(*sorted(BINDING_KINDS)):
        kind, name, namespace = _role_reference(binding)
        join = index.find_named(binding, kind, name, namespace)
        roles = index.objects_by_kind_and_name.get((kind, name), [])[:MAX_CANDIDATES] if join.is_ambiguous else join.meant
        for role in roles:
            found.setdefault(id(role), []).append(binding)
    return found


def bindings_of(role: Object, project: Project) -> Sequence[Object]:
    """The bindings of the project that hand out a role, and those that may: nobody can tell where several roles may be meant."""
    return project.memoize(_bindings_by_role).get(id(role), ())


def reach_of(role: Object, project: Project) -> str:
    """How far a role reaches: `namespace` for a Role, and for a ClusterRole that is only bound in namespaces; else `cluster`."""
    if role.kind == "Role":
        return "namespace"
    found = bindings_of(role, project)
    inside = bool(found) and all(binding.kind == "RoleBinding" for binding in found)
    return "namespace" if inside else "cluster"


def binding_subjects(binding: Object) -> Iterator[Map]:
    """The subjects of a binding."""
    yield from binding.node.mappings_under("subjects")


def role_of_binding(binding: Object, project: Project) -> Object | None:
    """The role that a binding surely hands out, where the project holds it."""
    kind, name, namespace = _role_reference(binding)
    return next(iter(object_index(project).find_named(binding, kind, name, namespace).meant), None)


def _role_reference(binding: Object) -> tuple[str, str, str]:
    """The kind, the name and the namespace of the role that a binding names; a ClusterRole has no namespace."""
    reference = binding.node.mapping_at_path("roleRef")
    kind, name = reference.string_under("kind"), reference.string_under("name")
    return kind, name, binding.namespace if kind == "Role" else ""


def is_system_object(obj: Object) -> bool:
    """Whether an object is one of those that the control plane, or GKE's, makes and repairs itself."""
    default = obj.kind.startswith("Cluster") and obj.name in BUILT_IN
    return (
        default or obj.name.startswith(("system:", "gce:")) or obj.labels.get("kubernetes.io/bootstrapping") == "rbac-defaults"
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


def span_allowing(
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
    if not {"*", *groups} & set(strings_in(rule, "apiGroups")) or (named and not set(names) & set(named)):
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


def role_rules(role: Object) -> Iterator[Map]:
    """The rules of a role."""
    yield from role.node.mappings_under("rules")


def has_reported_wildcard(rule: Map) -> bool:
    """Whether a rule has a wildcard for resources or verbs in a group of Kubernetes: one finding says what it takes in."""
    wild = "*" in strings_in(rule, "resources") or "*" in strings_in(rule, "verbs")
    return wild and bool({"*", *kinds_by_group()} & set(strings_in(rule, "apiGroups")))


def _severity_by_scope(role_scope: str) -> Severity:
    """High for what gives the whole cluster, medium for what ends at a namespace."""
    return Severity.HIGH if role_scope == "cluster" else Severity.MEDIUM


def _named_grants(
    role: Object, verbs: Sequence[str], resources: Sequence[str], groups: Sequence[str]
) -> Iterator[tuple[Map, Span, str, str]]:
    """The rules of a role that name one of the resources and verbs: rule, place, resource, verb.

    What a wildcard takes in is told at the wildcard, what the control plane makes not at all.
    """
    for rule in () if is_system_object(role) else role_rules(role):
        found = None if has_reported_wildcard(rule) else span_allowing(rule, verbs, resources, groups)
        if found:
            yield rule, *found


def role_allows(
    role: Object,
    *,
    project: Project,
    verbs: Sequence[str],
    resources: Sequence[str],
    groups: Sequence[str] = ("",),
    cluster: Sequence[str] = (),
    covered: Sequence[str] = (),
    controllers: bool = False,
) -> CheckOutcome:
    """A rule of the role allows a verb on a resource; what a wildcard takes in is told at the wildcard.

    A Role gives nothing on the resources of `cluster`, which stand in no namespace. Within a namespace it is medium at most.
    A rule that allows a verb of `covered` as well is told for that one. With `controllers` it is medium where the role is that of
    controllers whose work is the whole cluster.
    """
    reach = reach_of(role, project)
    asked = [one for one in resources if role.kind == "ClusterRole" or one not in cluster]
    for rule, span, resource, verb in _named_grants(role, verbs, asked, groups):
        if not set(covered) & set(strings_in(rule, "verbs")):
            told = hit(span, severity=_severity_by_scope(reach), found=resource, verb=verb, reach=reach)
            yield lowered_for_controllers(told, bindings_of(role, project), project) if controllers else told


def rbac_csr_approve(
    role: Object,
    *,
    verbs: Sequence[str],
    resources: Sequence[str],
    groups: Sequence[str],
    signers: Sequence[str],
) -> CheckOutcome:
    """The role approves certificates: a verb on the approval, and `approve` on one of `signers`, whose certificates are logins.

    Kubernetes asks for both; a role for other signers makes no certificate that the API server takes, and a Role none at all.
    """
    if role.kind != "ClusterRole" or not any(_may_approve(one, signers) for one in role_rules(role)):
        return
    for _, span, resource, verb in _named_grants(role, verbs, resources, groups):
        yield hit(span, found=resource, verb=verb)


def _may_approve(rule: Map, signers: Sequence[str]) -> bool:
    """Whether a rule allows `approve` on one of the signers, by name or by the name of its domain."""
    names = [*signers, *(f"{one.partition('/')[0]}/*" for one in signers)]
    return span_allowing(rule, ["approve"], ["signers"], ["certificates.k8s.io"], names) is not None


def rbac_everything(role: Object, *, project: Project) -> CheckOutcome:
    """A rule of the role allows every verb on every resource; medium within a namespace, and lower by who gets it."""
    if is_system_object(role):
        return
    severity = _severity_by_scope(reach_of(role, project))
    given = bindings_of(role, project)
    related = [Related(one.source, role_name_span(one), f"{one.resource} hands it out") for one in given[:1]]
    for rule in role_rules(role):
        if allows_everything(rule):
            told = hit(rule.at("resources"), related=related, severity=severity)
            yield lowered_for_controllers(lowered_for_people(told, given), given, project)


def role_wildcard(role: Object, *, project: Project, keys: Sequence[str], own: bool = False) -> CheckOutcome:
    """A rule of the role has a wildcard under one of `keys`, in a group that Kubernetes brings along.

    With `own` it is about the other groups, those of an operator's own kinds. A rule that allows everything is
    told elsewhere. Medium where what the wildcard takes in gives nobody the cluster.
    """
    if is_system_object(role):
        return
    reach = reach_of(role, project)
    for rule in role_rules(role):
        if allows_everything(rule) or bool({"*", *kinds_by_group()} & set(strings_in(rule, "apiGroups"))) is own:
            continue
        key = next((one for one in keys if "*" in strings_in(rule, one)), "")
        if key:
            held = far_reaching_grants(rule, role.kind == "ClusterRole")
            whole = _writes_everything(rule) or any("whole" in fact_rows("kubernetes-grants")[one] for one in held)
            severity = _severity_by_scope(reach) if whole else Severity.MEDIUM
            told = hit(rule.at(key), severity=severity, key=key, held=join_names(held) or "whatever is added later")
            yield lowered_for_controllers(told, bindings_of(role, project), project)


def _writes_everything(rule: Map) -> bool:
    """Whether a rule allows to write objects of every group and kind: workloads of the control plane among them."""
    wild = "*" in strings_in(rule, "apiGroups") and "*" in strings_in(rule, "resources")
    return wild and bool({"*", "create", "update", "patch"} & set(strings_in(rule, "verbs")))


def far_reaching_grants(rule: Map, cluster: bool) -> list[str]:
    """The grants that a rule takes in and that lead further than what they name; without `cluster` those of a namespace only."""
    return [
        name
        for name, row in fact_rows("kubernetes-grants").items()
        if (cluster or "cluster" not in row) and span_allowing(rule, row["verbs"], row["resources"], row["groups"])
    ]


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
) -> CheckOutcome:
    """The role that the binding hands out allows a verb on a resource."""
    role = role_of_binding(binding, project)
    if role is None or is_system_object(binding):
        return
    if subject and not any(is_subject_of_kind(one, subject) for one in binding_subjects(binding)):
        return
    for rule in role_rules(role):
        span = span_allowing(rule, verbs, resources, groups, names)
        if span:
            where = Related(role.source, span[0], f"{role.resource} allows it here")
            yield hit(role_name_span(binding), related=[where], found=span[1], verb=span[2], role=role.name)
            return


def is_subject_of_kind(subject: Map, kinds: Sequence[str]) -> bool:
    """Whether a subject is one of the kinds; `Node` is the kubelets' user or group."""
    if subject.string_under("kind") in kinds:
        return True
    name = subject.string_under("name")
    return "Node" in kinds and (name == "system:nodes" or name.startswith("system:node:"))


def role_name_span(binding: Object) -> Span:
    """The place of the name of the role that a binding hands out."""
    return binding.node.mapping_at_path("roleRef").at("name")


def cluster_admin_granted(binding: Object, *, project: Project) -> CheckOutcome:
    """The binding hands out cluster-admin; a role of the project that allows everything is told at the role.

    Lowered where the subjects are people, or controllers whose work is the whole cluster.
    """
    if is_system_object(binding):
        return
    name = binding.node.mapping_at_path("roleRef").string_under("name")
    role = role_of_binding(binding, project)
    if name == "cluster-admin":
        told = lowered_for_people(hit(role_name_span(binding), role=name), [binding])
        yield lowered_for_controllers(told, [binding], project)
    elif role is not None and is_system_object(role) and any(map(allows_everything, role_rules(role))):
        where = Related(role.source, next(role_rules(role)).at(), f"{role.resource} allows everything")
        told = lowered_for_people(hit(role_name_span(binding), related=[where], role=name), [binding])
        yield lowered_for_controllers(told, [binding], project)


def subject_named(binding: Object, *, names: Sequence[str], kinds: Sequence[str]) -> CheckOutcome:
    """One of the binding's subjects has one of the names; what Kubernetes itself binds so is left out."""
    role = binding.node.mapping_at_path("roleRef").string_under("name")
    if is_system_object(binding) or role in _OPEN_ROLES:
        return
    for subject in binding_subjects(binding):
        if subject.get("kind") in kinds and subject.get("name") in names:
            yield hit(subject.at("name"), subject=subject["name"], role=role)


def rbac_role_dangling(binding: Object, *, project: Project) -> CheckOutcome:
    """The role that the binding names stands in no file of the project, and is none that every cluster has."""
    wanted = binding.node.mapping_at_path("roleRef")
    kind, name = wanted.string_under("kind"), wanted.string_under("name")
    if kind not in ROLE_KINDS or not name or has_variable(name) or name.startswith("system:"):
        return
    if name in (BUILT_IN if kind == "ClusterRole" else BUILT_IN_ROLES):
        return
    namespace = _role_reference(binding)[2]
    found = find_named_in_run(binding, kind, name, project, namespace)
    if found.is_ambiguous:
        yield Undecidable(wanted.at("name"))
    elif found.is_absent:
        told = absence_of(found, namespace)
        yield hit(
            wanted.at("name"),
            related=told.related,
            role=f"{kind}/{name}",
            where=told.where_missing_text,
        )


def takes_over_cluster(role: Object, grants: Any) -> bool:
    """Whether a role allows one of the grants (verbs, resources, groups), each of which takes over a cluster."""
    return any(
        span_allowing(rule, grant["verbs"], grant["resources"], grant.get("groups") or [""])
        for rule in role_rules(role)
        for grant in grants
    )
