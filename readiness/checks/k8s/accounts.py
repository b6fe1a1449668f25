"""Service accounts: which one a pod runs as, whether its token is mounted, and what it may do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from readiness.checks.k8s.rbac import (
    AccountBinding,
    allows_everything,
    binding_subjects,
    grants_by_account,
    role_of_binding,
    role_rules,
    takes_over_cluster,
)
from readiness.kinds.k8s.effective import account_name, unknown_if_variable
from readiness.kinds.k8s.index import object_index
from readiness.kinds.k8s.model import Object, Pod
from readiness.kinds.units import BELOW_FOLDER_DISTANCE, file_distance
from readiness.model import CheckOutcome, Related, Span, hit, missing
from readiness.model.project import Project

MAX_BINDINGS = 64  # as many bindings of one account as are looked through


def service_account_of(pod: Pod, project: Project) -> Object | None:
    """The pod's service account, where the project surely holds it."""
    name = account_name(pod)
    found = object_index(project).find_named(pod, "ServiceAccount", name).meant
    return next((one for one in found if _may_be_its_default(pod, one, name, project)), None)


def _may_be_its_default(pod: Pod, account_or_grant: Object | AccountBinding, name: str, project: Project) -> bool:
    """Whether what speaks of an account may speak of the pod's: every namespace has one that is called `default`.

    That of another folder is the pod's only where both write the same namespace.
    """
    if name != "default" or project.unit or (account_or_grant.namespace and account_or_grant.namespace == pod.namespace):
        return True
    return file_distance(account_or_grant.source.root.path, pod.source.root.path) <= BELOW_FOLDER_DISTANCE


def is_token_mounted(pod: Pod, project: Project) -> bool:
    """Whether the token ends up in the pod: its own word counts, then its service account's, then the default."""
    own = pod.node.get("automountServiceAccountToken")
    if isinstance(own, bool):
        return own
    if pod.kind == "SandboxTemplate":  # its controller turns the mount off where nothing is said
        return False
    obj = service_account_of(pod, project)
    return obj is None or obj.node.get("automountServiceAccountToken") is not False


def bindings_of_pod(pod: Pod, project: Project) -> tuple[Object, ...]:
    """The bindings of the project that name the pod's service account, and no account of that name that stands elsewhere."""
    index, name = object_index(project), account_name(pod)
    grants = project.memoize(grants_by_account).get(name)
    if grants is None:
        return ()
    account = service_account_of(pod, project)

    def is_grant_for_account(grant: AccountBinding) -> bool:
        if not _may_be_its_default(pod, grant, name, project):
            return False
        named = index.find_named(grant.binding, "ServiceAccount", name, grant.namespace).meant
        return account is None or not named or any(one is account for one in named)

    found = index.all_candidates(pod, grants, predicate=is_grant_for_account)
    return tuple(dict.fromkeys(grant.binding for grant in found))


def service_account_name_span(pod: Pod) -> Span:
    """What names the pod's service account; the pod spec where nothing does."""
    for key in ("serviceAccountName", "serviceAccount"):
        if key in pod.node:
            return pod.node.at(key)
    return pod.node.at()


def service_account_token_mounted(pod: Pod, *, project: Project) -> CheckOutcome:
    """The service account's token is mounted into a pod, by its own setting or by the default."""
    yield from unknown_if_variable(pod.node, "automountServiceAccountToken")
    if not is_token_mounted(pod, project):
        return
    if pod.node.get("automountServiceAccountToken") is True:
        yield hit(pod.node.at("automountServiceAccountToken"), account=account_name(pod))
    else:
        yield missing(pod.node.at(), account=account_name(pod))


def service_account_token_unused(pod: Pod, *, project: Project) -> CheckOutcome:
    """The token is mounted, by default, although no binding of the project gives its account any right."""
    yield from unknown_if_variable(pod.node, "automountServiceAccountToken")
    name = account_name(pod)
    known = name == "default" or service_account_of(pod, project) is not None
    by_default = pod.node.get("automountServiceAccountToken") is None
    if known and by_default and is_token_mounted(pod, project) and not bindings_of_pod(pod, project):
        yield missing(pod.node.at(), account=name)


def service_account_default(pod: Pod) -> CheckOutcome:
    """The pod runs as the service account `default`."""
    if account_name(pod) != "default":
        return
    if "serviceAccountName" in pod.node or "serviceAccount" in pod.node:
        yield hit(service_account_name_span(pod))
    else:
        yield missing(pod.node.at())


def service_account_field_deprecated(pod: Pod) -> CheckOutcome:
    """The old field serviceAccount, without or beside its successor."""
    old = pod.node.string_under("serviceAccount")
    if old and pod.node.get("serviceAccountName") != old:
        yield hit(pod.node.key_span("serviceAccount"), account=old)


def account_automounts(obj: Object, *, name: str = "") -> CheckOutcome:
    """A ServiceAccount (only `name`, where that is given) that does not turn the mounting of its token off."""
    if name and obj.name != name:
        return
    value = obj.node.get("automountServiceAccountToken")
    if value is True:
        yield hit(obj.node.at("automountServiceAccountToken"))
    elif value is None:
        yield missing(obj.metadata.at("name"))


def service_account_with_rights(pod: Pod, *, project: Project) -> CheckOutcome:
    """The pod's service account has a role, and its token is mounted."""
    objects = bindings_of_pod(pod, project)
    if objects and is_token_mounted(pod, project):
        yield hit(service_account_name_span(pod), account=account_name(pod), binding=objects[0].resource)


def service_account_powerful(pod: Pod, *, project: Project, grants: Sequence[Mapping[str, Any]] = ()) -> CheckOutcome:
    """The pod's service account may do everything; with `grants`, one of these."""
    for binding in bindings_of_pod(pod, project)[:MAX_BINDINGS]:
        role = role_of_binding(binding, project)
        name = binding.node.mapping_at_path("roleRef").string_under("name") if role is None else role.name
        has_all_rights = name == "cluster-admin" or (role is not None and any(map(allows_everything, role_rules(role))))
        if has_all_rights or (role is not None and grants and takes_over_cluster(role, grants)):
            yield hit(
                service_account_name_span(pod),
                account=account_name(pod),
                binding=binding.resource,
                role=name,
            )
            return


def service_account_token_of_admin(obj: Object, *, project: Project) -> CheckOutcome:
    """A Secret with a token that never expires is of an account that a binding lets do everything in the cluster."""
    if obj.node.get("type") != "kubernetes.io/service-account-token":
        return
    name = obj.annotations.string_under("kubernetes.io/service-account.name")
    grants = project.memoize(grants_by_account).get(name)
    for grant in object_index(project).resolve_meant(obj, grants).meant[:MAX_BINDINGS] if grants is not None else ():
        binding = grant.binding
        if binding.kind != "ClusterRoleBinding":
            continue
        role = role_of_binding(binding, project)
        role_name = binding.node.mapping_at_path("roleRef").string_under("name")
        if role_name == "cluster-admin" or (role is not None and any(map(allows_everything, role_rules(role)))):
            there = Related(binding.source, binding.metadata.at("name"), "this gives the account its rights")
            yield hit(obj.node.at("type"), related=[there], account=name, binding=binding.resource, role=role_name)
            return


def service_account_bound(obj: Object, *, project: Project) -> CheckOutcome:
    """A binding of the project gives the service account a role."""
    grants = project.memoize(grants_by_account).get(obj.name)
    objects = object_index(project).resolve_meant(obj, grants).meant if grants is not None else ()
    if objects:
        yield hit(obj.metadata.at("name"), binding=objects[0].binding.resource)


def dashboard_account_used(pod: Pod, *, account: str) -> CheckOutcome:
    """A pod of another program runs as an account that is made for one."""
    if account_name(pod) == account and account not in pod.name and account not in pod.labels.values():
        yield hit(service_account_name_span(pod), account=account)


def dashboard_role_bound(binding: Object, *, role: str, account: str) -> CheckOutcome:
    """A role that is made for one account is bound to another subject."""
    if binding.node.mapping_at_path("roleRef").string_under("name") != role:
        return
    for subject in binding_subjects(binding):
        if subject.get("name") != account:
            yield hit(subject.at("name"), subject=subject.string_under("name"), role=role)
