"""Roles, what they allow, and to whom bindings hand it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from readiness.checks.k8s.absence import details_of_missing_name
from readiness.checks.k8s.apis import kinds_by_group
from readiness.checks.k8s.holders import lowered_for_people, lowered_unless_held
from readiness.checks.k8s.shipped import BUILT_IN_CLUSTER_ROLES, is_system_object
from readiness.facts.table import fact_row_by_name
from readiness.kinds.k8s.elsewhere import find_named_in_run
from readiness.kinds.k8s.index import object_index
from readiness.kinds.k8s.model import Object
from readiness.kinds.k8s.spaces import ThingsByNamespace
from readiness.kinds.units import MAX_CANDIDATES_PER_QUESTION
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
from readiness.model.records import dataclass
from readiness.syntax.holes import has_variable_sign
from readiness.syntax.yaml import Map, Seq

ROLE_KINDS = frozenset({"Role", "ClusterRole"})
BINDING_KINDS = frozenset({"RoleBinding", "ClusterRoleBinding"})
# What every cluster has; nobody commits them.
_PUBLIC_CLUSTER_ROLES = frozenset({"system:public-info-viewer", "system:discovery", "system:basic-user"})
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
    account_bindings_by_name: dict[str, ThingsByNamespace[AccountBinding]] = {}
    for obj in object_index(project).objects_of_kinds(*sorted(BINDING_KINDS)):
        for subject in binding_subjects(obj):
            if subject.get("kind") == "ServiceAccount":
                account_binding = AccountBinding(obj, subject.string_under("namespace") or obj.namespace)
                account_bindings_by_name.setdefault(subject.string_under("name"), ThingsByNamespace()).add(account_binding)
    return account_bindings_by_name


def _bindings_by_role_id(project: Project) -> dict[int, list[Object]]:
    """The bindings of a project by the identity of each role that they hand out, or may, made once a run."""
    project_index = object_index(project)
    bindings_by_role_id: dict[int, list[Object]] = {}
    for binding in project_index.objects_of_kinds(*sorted(BINDING_KINDS)):
        role_kind, role_name, role_namespace = _role_reference(binding)
        resolution = project_index.find_named(binding, role_kind, role_name, role_namespace)
        candidate_roles = (
            project_index.objects_by_kind_and_name.get((role_kind, role_name), [])[:MAX_CANDIDATES_PER_QUESTION]
            if resolution.is_ambiguous
            else resolution.meant
        )
        for role in candidate_roles:
            bindings_by_role_id.setdefault(id(role), []).append(binding)
    return bindings_by_role_id


def bindings_of_role(role: Object, project: Project) -> Sequence[Object]:
    """The bindings of the project that hand out a role, and those that may: nobody can tell where several roles may be meant."""
    return project.memoize(_bindings_by_role_id).get(id(role), ())


def scope_of_role(role: Object, project: Project) -> str:
    """How far a role reaches: `namespace` for a Role, and for a ClusterRole that is only bound in namespaces; else `cluster`."""
    if role.kind == "Role":
        return "namespace"
    role_bindings = bindings_of_role(role, project)
    is_bound_in_namespaces = bool(role_bindings) and all(binding.kind == "RoleBinding" for binding in role_bindings)
    return "namespace" if is_bound_in_namespaces else "cluster"


def binding_subjects(binding: Object) -> Iterator[Map]:
    """The subjects of a binding."""
    yield from binding.node.mappings_under("subjects")


def role_of_binding(binding: Object, project: Project) -> Object | None:
    """The role that a binding surely hands out, where the project holds it."""
    role_kind, role_name, role_namespace = _role_reference(binding)
    return next(iter(object_index(project).find_named(binding, role_kind, role_name, role_namespace).meant), None)


def _role_reference(binding: Object) -> tuple[str, str, str]:
    """The kind, the name and the namespace of the role that a binding names; a ClusterRole has no namespace."""
    role_ref = binding.node.mapping_at_path("roleRef")
    role_kind, role_name = role_ref.string_under("kind"), role_ref.string_under("name")
    return role_kind, role_name, binding.namespace if role_kind == "Role" else ""


def strings_in(rule: Map, key: str) -> list[str]:
    """The strings under a key of a role's rule."""
    listed_values = rule.get(key)
    return [one for one in listed_values if isinstance(one, str)] if isinstance(listed_values, Seq) else []


def allows_everything(rule: Map) -> bool:
    """Whether a rule allows every verb on every resource of every group."""
    verbs = set(strings_in(rule, "verbs"))
    covers_every_resource = "*" in strings_in(rule, "apiGroups") and "*" in strings_in(rule, "resources")
    return covers_every_resource and ("*" in verbs or verbs >= EVERY_VERB)


def resource_covers(written: str, resource: str) -> bool:
    """Whether a resource as a rule writes it covers another: `*`, itself, or `*/exec` for `pods/exec`."""
    if written in {"*", resource}:
        return True
    written_parent, separator, written_subresource = written.partition("/")
    parent_resource, _, subresource = resource.partition("/")
    return bool(separator) and written_parent in {"*", parent_resource} and written_subresource in {"*", subresource} and bool(subresource)


def find_allowed_access(
    rule: Map,
    verbs: Sequence[str],
    resources: Sequence[str],
    groups: Sequence[str],
    names: Sequence[str] = (),
) -> tuple[Span, str, str] | None:
    """Where a rule allows one of the verbs on one of the resources, and which; None where it does not.

    A rule for named objects only counts where it names one of `names`.
    """
    resource_names = strings_in(rule, "resourceNames")
    if not {"*", *groups} & set(strings_in(rule, "apiGroups")) or (resource_names and not set(names) & set(resource_names)):
        return None
    verb = next((one for one in strings_in(rule, "verbs") if one in {"*", *verbs}), None)
    rule_resources = rule.get("resources")
    if verb is None or not isinstance(rule_resources, Seq):
        return None
    for index, rule_resource in enumerate(rule_resources):
        for resource in resources if isinstance(rule_resource, str) else ():
            if resource_covers(rule_resource, resource):
                return rule_resources.at(index), rule_resource, verb
    return None


def role_rules(role: Object) -> Iterator[Map]:
    """The rules of a role."""
    yield from role.node.mappings_under("rules")


def has_reported_wildcard(rule: Map) -> bool:
    """Whether a rule has a wildcard for resources or verbs in a group of Kubernetes: one finding says what it takes in."""
    has_wildcard = "*" in strings_in(rule, "resources") or "*" in strings_in(rule, "verbs")
    return has_wildcard and bool({"*", *kinds_by_group()} & set(strings_in(rule, "apiGroups")))


def _severity_of_scope(role_scope: str) -> Severity:
    """High for what gives the whole cluster, medium for what ends at a namespace."""
    return Severity.HIGH if role_scope == "cluster" else Severity.MEDIUM


def _explicitly_allowed_accesses(
    role: Object, verbs: Sequence[str], resources: Sequence[str], groups: Sequence[str]
) -> Iterator[tuple[Map, Span, str, str]]:
    """The rules of a role that name one of the resources and verbs: rule, place, resource, verb.

    What a wildcard takes in is told at the wildcard, what the control plane makes not at all.
    """
    for rule in () if is_system_object(role) else role_rules(role):
        allowed_access = None if has_reported_wildcard(rule) else find_allowed_access(rule, verbs, resources, groups)
        if allowed_access:
            yield rule, *allowed_access


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
    role_scope = scope_of_role(role, project)
    role_resources = [one for one in resources if role.kind == "ClusterRole" or one not in cluster]
    for rule, span, resource, verb in _explicitly_allowed_accesses(role, verbs, role_resources, groups):
        if not set(covered) & set(strings_in(rule, "verbs")):
            rights_hit = hit(span, severity=_severity_of_scope(role_scope), found=resource, verb=verb, reach=role_scope)
            yield lowered_unless_held(rights_hit, bindings_of_role(role, project), project) if controllers else rights_hit


def rbac_csr_approve(
    role: Object,
    *,
    project: Project,
    verbs: Sequence[str],
    resources: Sequence[str],
    groups: Sequence[str],
    signers: Sequence[str],
) -> CheckOutcome:
    """The role approves certificates: a verb on the approval, and `approve` on one of `signers`, whose certificates are logins.

    Kubernetes asks for both; a role for other signers makes no certificate that the API server takes, and a Role none at all.
    """
    if role.kind != "ClusterRole" or not any(_allows_approving_signers(one, signers) for one in role_rules(role)):
        return
    for _, span, resource, verb in _explicitly_allowed_accesses(role, verbs, resources, groups):
        yield lowered_unless_held(hit(span, found=resource, verb=verb), bindings_of_role(role, project), project)


def _allows_approving_signers(rule: Map, signers: Sequence[str]) -> bool:
    """Whether a rule allows `approve` on one of the signers, by name or by the name of its domain."""
    signer_names = [*signers, *(f"{one.partition('/')[0]}/*" for one in signers)]
    return find_allowed_access(rule, ["approve"], ["signers"], ["certificates.k8s.io"], signer_names) is not None


def rbac_everything(role: Object, *, project: Project) -> CheckOutcome:
    """A rule of the role allows every verb on every resource; medium within a namespace, and lower by who gets it."""
    if is_system_object(role):
        return
    severity = _severity_of_scope(scope_of_role(role, project))
    role_bindings = bindings_of_role(role, project)
    binding_locations = [Related(one.source, role_name_span(one), f"{one.resource} hands it out") for one in role_bindings[:1]]
    for rule in role_rules(role):
        if allows_everything(rule):
            rights_hit = hit(rule.at("resources"), related=binding_locations, severity=severity)
            yield lowered_unless_held(lowered_for_people(rights_hit, role_bindings), role_bindings, project)


def role_wildcard(role: Object, *, project: Project, keys: Sequence[str], own: bool = False) -> CheckOutcome:
    """A rule of the role has a wildcard under one of `keys`, in a group that Kubernetes brings along.

    With `own` it is about the other groups, those of an operator's own kinds. A rule that allows everything is
    told elsewhere. Medium where what the wildcard takes in gives nobody the cluster.
    """
    if is_system_object(role):
        return
    role_scope = scope_of_role(role, project)
    for rule in role_rules(role):
        if allows_everything(rule) or bool({"*", *kinds_by_group()} & set(strings_in(rule, "apiGroups"))) is own:
            continue
        wildcard_key = next((one for one in keys if "*" in strings_in(rule, one)), "")
        if wildcard_key:
            grant_names = far_reaching_grant_names(rule, role.kind == "ClusterRole")
            gives_whole_cluster = _writes_everything(rule) or any("whole" in fact_row_by_name("kubernetes-grants")[one] for one in grant_names)
            severity = _severity_of_scope(role_scope) if gives_whole_cluster else Severity.MEDIUM
            rights_hit = hit(
                rule.at(wildcard_key),
                severity=severity,
                key=wildcard_key,
                held=join_names(grant_names) or "whatever is added later",
            )
            yield lowered_unless_held(rights_hit, bindings_of_role(role, project), project)


def _writes_everything(rule: Map) -> bool:
    """Whether a rule allows to write objects of every group and kind: workloads of the control plane among them."""
    covers_every_resource = "*" in strings_in(rule, "apiGroups") and "*" in strings_in(rule, "resources")
    return covers_every_resource and bool({"*", "create", "update", "patch"} & set(strings_in(rule, "verbs")))


def far_reaching_grant_names(rule: Map, cluster: bool) -> list[str]:
    """The grants that a rule takes in and that lead further than what they name; without `cluster` those of a namespace only."""
    return [
        grant_name
        for grant_name, grant_row in fact_row_by_name("kubernetes-grants").items()
        if (cluster or "cluster" not in grant_row) and find_allowed_access(rule, grant_row["verbs"], grant_row["resources"], grant_row["groups"])
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
        allowed_access = find_allowed_access(rule, verbs, resources, groups, names)
        if allowed_access:
            rule_location = Related(role.source, allowed_access[0], f"{role.resource} allows it here")
            yield hit(
                role_name_span(binding),
                related=[rule_location],
                found=allowed_access[1],
                verb=allowed_access[2],
                role=role.name,
            )
            return


def is_subject_of_kind(subject: Map, kinds: Sequence[str]) -> bool:
    """Whether a subject is one of the kinds; `Node` is the kubelets' user or group."""
    if subject.string_under("kind") in kinds:
        return True
    subject_name = subject.string_under("name")
    return "Node" in kinds and (subject_name == "system:nodes" or subject_name.startswith("system:node:"))


def role_name_span(binding: Object) -> Span:
    """The place of the name of the role that a binding hands out."""
    return binding.node.mapping_at_path("roleRef").at("name")


def cluster_admin_granted(binding: Object, *, project: Project) -> CheckOutcome:
    """The binding hands out cluster-admin; a role of the project that allows everything is told at the role.

    Lowered where the subjects are people, or controllers whose work is the whole cluster.
    """
    if is_system_object(binding):
        return
    role_name = binding.node.mapping_at_path("roleRef").string_under("name")
    role = role_of_binding(binding, project)
    if role_name == "cluster-admin":
        rights_hit = lowered_for_people(hit(role_name_span(binding), role=role_name), [binding])
        yield lowered_unless_held(rights_hit, [binding], project)
    elif role is not None and is_system_object(role) and any(map(allows_everything, role_rules(role))):
        rule_location = Related(role.source, next(role_rules(role)).at(), f"{role.resource} allows everything")
        rights_hit = lowered_for_people(hit(role_name_span(binding), related=[rule_location], role=role_name), [binding])
        yield lowered_unless_held(rights_hit, [binding], project)


def subject_named(binding: Object, *, names: Sequence[str], kinds: Sequence[str]) -> CheckOutcome:
    """One of the binding's subjects has one of the names; what Kubernetes itself binds so is left out."""
    role_name = binding.node.mapping_at_path("roleRef").string_under("name")
    if is_system_object(binding) or role_name in _PUBLIC_CLUSTER_ROLES:
        return
    for subject in binding_subjects(binding):
        if subject.get("kind") in kinds and subject.get("name") in names:
            yield hit(subject.at("name"), subject=subject["name"], role=role_name)


def rbac_role_dangling(binding: Object, *, project: Project) -> CheckOutcome:
    """The role that the binding names stands in no file of the project, and is none that every cluster has."""
    role_ref = binding.node.mapping_at_path("roleRef")
    role_kind, role_name = role_ref.string_under("kind"), role_ref.string_under("name")
    if role_kind not in ROLE_KINDS or not role_name or has_variable_sign(role_name) or role_name.startswith("system:"):
        return
    if role_name in (BUILT_IN_CLUSTER_ROLES if role_kind == "ClusterRole" else BUILT_IN_ROLES):
        return
    role_namespace = _role_reference(binding)[2]
    resolution = find_named_in_run(binding, role_kind, role_name, project, role_namespace)
    if resolution.is_ambiguous:
        yield Undecidable(role_ref.at("name"))
    elif resolution.is_absent:
        details = details_of_missing_name(resolution, role_namespace)
        yield hit(
            role_ref.at("name"),
            related=details.related,
            role=f"{role_kind}/{role_name}",
            where=details.where_missing_text,
        )


def takes_over_cluster(role: Object, grants: Any) -> bool:
    """Whether a role allows one of the grants (verbs, resources, groups), each of which takes over a cluster."""
    return any(
        find_allowed_access(rule, grant["verbs"], grant["resources"], grant.get("groups") or [""]) for rule in role_rules(role) for grant in grants
    )
