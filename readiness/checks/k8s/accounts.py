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
from readiness.kinds.k8s.effective import account_name, undecidable_if_variable
from readiness.kinds.k8s.index import object_index
from readiness.kinds.k8s.model import Object, Pod
from readiness.kinds.units import BELOW_FOLDER_DISTANCE, file_distance
from readiness.model import CheckOutcome, Related, Span, Undecidable, hit, missing
from readiness.model.project import Project

MAX_BINDINGS_PER_ACCOUNT = 64  # as many bindings of one account as are looked through


def service_account_of(pod: Pod, project: Project) -> Object | None:
    """The pod's service account, where the project surely holds it."""
    pod_account_name = account_name(pod)
    candidate_accounts = object_index(project).find_named(pod, "ServiceAccount", pod_account_name).meant
    return next((one for one in candidate_accounts if _may_concern_pod_account(pod, one, pod_account_name, project)), None)


def _may_concern_pod_account(pod: Pod, account_or_grant: Object | AccountBinding, pod_account_name: str, project: Project) -> bool:
    """Whether what speaks of an account may speak of the pod's: every namespace has one that is called `default`.

    That of another folder is the pod's only where both write the same namespace.
    """
    if pod_account_name != "default" or project.unit or (account_or_grant.namespace and account_or_grant.namespace == pod.namespace):
        return True
    return file_distance(account_or_grant.source.root.path, pod.source.root.path) <= BELOW_FOLDER_DISTANCE


def is_token_mounted(pod: Pod, project: Project) -> bool:
    """Whether the token ends up in the pod: its own word counts, then its service account's, then the default."""
    pod_setting = pod.node.get("automountServiceAccountToken")
    if isinstance(pod_setting, bool):
        return pod_setting
    if pod.kind == "SandboxTemplate":  # its controller turns the mount off where nothing is said
        return False
    service_account = service_account_of(pod, project)
    return service_account is None or service_account.node.get("automountServiceAccountToken") is not False


def bindings_of_pod(pod: Pod, project: Project) -> tuple[Object, ...]:
    """The bindings of the project that name the pod's service account, and no account of that name that stands elsewhere."""
    project_index, pod_account_name = object_index(project), account_name(pod)
    account_grants = project.memoize(grants_by_account).get(pod_account_name)
    if account_grants is None:
        return ()
    service_account = service_account_of(pod, project)

    def is_grant_for_account(grant: AccountBinding) -> bool:
        if not _may_concern_pod_account(pod, grant, pod_account_name, project):
            return False
        named_accounts = project_index.find_named(grant.binding, "ServiceAccount", pod_account_name, grant.namespace).meant
        return service_account is None or not named_accounts or any(one is service_account for one in named_accounts)

    pod_grants = project_index.all_candidates(pod, account_grants, predicate=is_grant_for_account)
    return tuple(dict.fromkeys(grant.binding for grant in pod_grants))


def service_account_name_span(pod: Pod) -> Span:
    """What names the pod's service account; the pod spec where nothing does."""
    for account_key in ("serviceAccountName", "serviceAccount"):
        if account_key in pod.node:
            return pod.node.at(account_key)
    return pod.node.at()


def service_account_token_mounted(pod: Pod, *, project: Project) -> CheckOutcome:
    """The service account's token is mounted into a pod, by its own setting or by the default."""
    yield from undecidable_if_variable(pod.node, "automountServiceAccountToken")
    if not is_token_mounted(pod, project):
        return
    if pod.node.get("automountServiceAccountToken") is True:
        yield hit(pod.node.at("automountServiceAccountToken"), account=account_name(pod))
    else:
        yield missing(pod.node.at(), account=account_name(pod))


def service_account_token_unused(pod: Pod, *, project: Project) -> CheckOutcome:
    """The token is mounted, by default, although no binding of the project gives its account any right."""
    yield from undecidable_if_variable(pod.node, "automountServiceAccountToken")
    pod_account_name = account_name(pod)
    is_account_known = pod_account_name == "default" or service_account_of(pod, project) is not None
    is_mount_unset = pod.node.get("automountServiceAccountToken") is None
    if is_account_known and is_mount_unset and is_token_mounted(pod, project) and not bindings_of_pod(pod, project):
        yield Undecidable(pod.node.at()) if project.may_lack_objects() else missing(pod.node.at(), account=pod_account_name)


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
    deprecated_value = pod.node.string_under("serviceAccount")
    if deprecated_value and pod.node.get("serviceAccountName") != deprecated_value:
        yield hit(pod.node.key_span("serviceAccount"), account=deprecated_value)


def account_automounts(obj: Object, *, name: str = "") -> CheckOutcome:
    """A ServiceAccount (only `name`, where that is given) that does not turn the mounting of its token off."""
    if name and obj.name != name:
        return
    automount_setting = obj.node.get("automountServiceAccountToken")
    if automount_setting is True:
        yield hit(obj.node.at("automountServiceAccountToken"))
    elif automount_setting is None:
        yield missing(obj.metadata.at("name"))


def service_account_with_rights(pod: Pod, *, project: Project) -> CheckOutcome:
    """The pod's service account has a role, and its token is mounted."""
    bindings = bindings_of_pod(pod, project)
    if bindings and is_token_mounted(pod, project):
        yield hit(service_account_name_span(pod), account=account_name(pod), binding=bindings[0].resource)


def service_account_powerful(pod: Pod, *, project: Project, grants: Sequence[Mapping[str, Any]] = ()) -> CheckOutcome:
    """The pod's service account may do everything; with `grants`, one of these."""
    bindings = bindings_of_pod(pod, project)
    for binding in bindings[:MAX_BINDINGS_PER_ACCOUNT]:
        role = role_of_binding(binding, project)
        role_name = binding.node.mapping_at_path("roleRef").string_under("name") if role is None else role.name
        has_all_rights = role_name == "cluster-admin" or (role is not None and any(map(allows_everything, role_rules(role))))
        if has_all_rights or (role is not None and grants and takes_over_cluster(role, grants)):
            yield hit(
                service_account_name_span(pod),
                account=account_name(pod),
                binding=binding.resource,
                role=role_name,
            )
            return
    if len(bindings) > MAX_BINDINGS_PER_ACCOUNT:
        yield Undecidable(service_account_name_span(pod))


def service_account_token_of_admin(obj: Object, *, project: Project) -> CheckOutcome:
    """A Secret with a token that never expires is of an account that a binding lets do everything in the cluster."""
    if obj.node.get("type") != "kubernetes.io/service-account-token":
        return
    service_account_name = obj.annotations.string_under("kubernetes.io/service-account.name")
    grants = project.memoize(grants_by_account).get(service_account_name)
    account_bindings = object_index(project).resolve_meant(obj, grants).meant if grants is not None else ()
    for account_binding in account_bindings[:MAX_BINDINGS_PER_ACCOUNT]:
        binding = account_binding.binding
        if binding.kind != "ClusterRoleBinding":
            continue
        role = role_of_binding(binding, project)
        role_name = binding.node.mapping_at_path("roleRef").string_under("name")
        if role_name == "cluster-admin" or (role is not None and any(map(allows_everything, role_rules(role)))):
            binding_location = Related(binding.source, binding.metadata.at("name"), "this gives the account its rights")
            yield hit(
                obj.node.at("type"),
                related=[binding_location],
                account=service_account_name,
                binding=binding.resource,
                role=role_name,
            )
            return
    if len(account_bindings) > MAX_BINDINGS_PER_ACCOUNT:
        yield Undecidable(obj.node.at("type"))


def service_account_bound(obj: Object, *, project: Project) -> CheckOutcome:
    """A binding of the project gives the service account a role."""
    account_bindings = project.memoize(grants_by_account).get(obj.name)
    matching_grants = object_index(project).resolve_meant(obj, account_bindings).meant if account_bindings is not None else ()
    if matching_grants:
        yield hit(obj.metadata.at("name"), binding=matching_grants[0].binding.resource)


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
