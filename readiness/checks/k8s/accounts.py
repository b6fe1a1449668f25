"""Service accounts: which one a pod runs as, whether its token is mounted, and what it may do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from readiness.checks.k8s.rbac import (
    Grant,
    allows_everything,
    grants_by_account,
    role_of_binding,
    rules_of,
    takes_over_cluster,
)
from readiness.kinds.k8s.effective import unknown_if_variable
from readiness.kinds.k8s.index import object_index
from readiness.kinds.k8s.model import Object, Pod
from readiness.kinds.units import BELOW, distance
from readiness.model import Outcome, Span, hit, missing
from readiness.model.project import Project

MANY = 64  # as many bindings of one account as are looked through


def account_name(pod: Pod) -> str:
    """The service account that the pod runs as."""
    return pod.node.text("serviceAccountName") or pod.node.text("serviceAccount") or "default"


def service_account_of(pod: Pod, project: Project) -> Object | None:
    """The pod's service account, where the project surely holds it."""
    name = account_name(pod)
    found = object_index(project).named(pod, "ServiceAccount", name).near
    return next((one for one in found if _may_be_its_default(pod, one, name, project)), None)


def _may_be_its_default(pod: Pod, thing: Object | Grant, name: str, project: Project) -> bool:
    """Whether what speaks of an account may speak of the pod's: every namespace has one that is called `default`.

    That of another folder is the pod's only where both write the same namespace.
    """
    if name != "default" or project.unit or (thing.namespace and thing.namespace == pod.namespace):
        return True
    return distance(thing.source.root.path, pod.source.root.path) <= BELOW


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
    grants = project.memo(grants_by_account).get(name)
    if grants is None:
        return ()
    account = service_account_of(pod, project)

    def is_for_it(grant: Grant) -> bool:
        if not _may_be_its_default(pod, grant, name, project):
            return False
        named = index.named(grant.binding, "ServiceAccount", name, grant.namespace).near
        return account is None or not named or any(one is account for one in named)

    found = index.all_joined(pod, grants, accepts=is_for_it)
    return tuple(dict.fromkeys(grant.binding for grant in found))


def account_owner(pod: Pod) -> Span:
    """What names the pod's service account; the pod spec where nothing does."""
    for key in ("serviceAccountName", "serviceAccount"):
        if key in pod.node:
            return pod.node.at(key)
    return pod.node.at()


def service_account_token_mounted(pod: Pod, *, project: Project) -> Outcome:
    """The service account's token is mounted into a pod, by its own setting or by the default."""
    yield from unknown_if_variable(pod.node, "automountServiceAccountToken")
    if not is_token_mounted(pod, project):
        return
    if pod.node.get("automountServiceAccountToken") is True:
        yield hit(pod.node.at("automountServiceAccountToken"), account=account_name(pod))
    else:
        yield missing(pod.node.at(), account=account_name(pod))


def service_account_token_unused(pod: Pod, *, project: Project) -> Outcome:
    """The token is mounted, by default, although no binding of the project gives its account any right."""
    yield from unknown_if_variable(pod.node, "automountServiceAccountToken")
    name = account_name(pod)
    known = name == "default" or service_account_of(pod, project) is not None
    by_default = pod.node.get("automountServiceAccountToken") is None
    if (
        known
        and by_default
        and is_token_mounted(pod, project)
        and not bindings_of_pod(pod, project)
    ):
        yield missing(pod.node.at(), account=name)


def service_account_default(pod: Pod) -> Outcome:
    """The pod runs as the service account `default`."""
    if account_name(pod) != "default":
        return
    if "serviceAccountName" in pod.node or "serviceAccount" in pod.node:
        yield hit(account_owner(pod))
    else:
        yield missing(pod.node.at())


def service_account_field_deprecated(pod: Pod) -> Outcome:
    """The old field serviceAccount, without or beside its successor."""
    old = pod.node.text("serviceAccount")
    if old and pod.node.get("serviceAccountName") != old:
        yield hit(pod.node.key("serviceAccount"), account=old)


def account_automounts(obj: Object, *, name: str = "") -> Outcome:
    """A ServiceAccount (only `name`, where that is given) that does not turn the mounting of its token off."""
    if name and obj.name != name:
        return
    value = obj.node.get("automountServiceAccountToken")
    if value is True:
        yield hit(obj.node.at("automountServiceAccountToken"))
    elif value is None:
        yield missing(obj.metadata.at("name"))


def service_account_with_rights(pod: Pod, *, project: Project) -> Outcome:
    """The pod's service account has a role, and its token is mounted."""
    objects = bindings_of_pod(pod, project)
    if objects and is_token_mounted(pod, project):
        yield hit(account_owner(pod), account=account_name(pod), binding=objects[0].resource)


def service_account_powerful(
    pod: Pod, *, project: Project, grants: Sequence[Mapping[str, Any]] = ()
) -> Outcome:
    """The pod's service account may do everything; with `grants`, one of these."""
    for binding in bindings_of_pod(pod, project)[:MANY]:
        role = role_of_binding(binding, project)
        name = binding.node.dig("roleRef").text("name") if role is None else role.name
        has_all_rights = name == "cluster-admin" or (
            role is not None and any(map(allows_everything, rules_of(role)))
        )
        if has_all_rights or (role is not None and grants and takes_over_cluster(role, grants)):
            yield hit(
                account_owner(pod), account=account_name(pod), binding=binding.resource, role=name
            )
            return


def service_account_bound(obj: Object, *, project: Project) -> Outcome:
    """A binding of the project gives the service account a role."""
    grants = project.memo(grants_by_account).get(obj.name)
    objects = object_index(project).join(obj, grants).near if grants is not None else ()
    if objects:
        yield hit(obj.metadata.at("name"), binding=objects[0].binding.resource)


def dashboard_account_used(pod: Pod, *, account: str) -> Outcome:
    """A pod of another program runs as an account that is made for one."""
    if (
        account_name(pod) == account
        and account not in pod.name
        and account not in pod.labels.values()
    ):
        yield hit(account_owner(pod), account=account)
