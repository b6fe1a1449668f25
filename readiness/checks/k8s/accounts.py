"""Service accounts: which one a pod runs as, whether its token is mounted, and what it may do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from readiness.checks.k8s.rbac import (
    access_index,
    allows_everything,
    role_of_binding,
    rules_of,
    takes_over_cluster,
)
from readiness.kinds.k8s.effective import unknown_if_variable
from readiness.kinds.k8s.model import Object, Pod, mapping_at, text_or_empty
from readiness.model import Outcome, Span, hit, missing
from readiness.model.project import Project

MANY = 64  # as many bindings of one account as are looked through


def service_accounts(project: Project) -> dict[tuple[str, str], Object]:
    """The ServiceAccount objects of the project, by namespace (`*` for any) and name."""
    found: dict[tuple[str, str], Object] = {}
    for document in project.documents("k8s"):
        for obj in document.objects:
            if obj.kind == "ServiceAccount":
                found[obj.namespace, obj.name] = obj
                found.setdefault(("*", obj.name), obj)
    return found


def account_name(pod: Pod) -> str:
    """The service account that the pod runs as."""
    return (
        text_or_empty(pod.node.get("serviceAccountName"))
        or text_or_empty(pod.node.get("serviceAccount"))
        or "default"
    )


def service_account_of(pod: Pod, project: Project) -> Object | None:
    """The pod's service account, where the project holds it: in its namespace, or where none is written."""
    known = project.memo(service_accounts)
    name = account_name(pod)
    if pod.namespace:
        return known.get((pod.namespace, name)) or known.get(("", name))
    return known.get(("*", name))


def is_token_mounted(pod: Pod, project: Project) -> bool:
    """Whether the token ends up in the pod: its own word counts, then its service account's, then the default."""
    own = pod.node.get("automountServiceAccountToken")
    if isinstance(own, bool):
        return own
    if pod.kind == "SandboxTemplate":  # its controller turns the mount off where nothing is said
        return False
    found = service_account_of(pod, project)
    return found is None or found.node.get("automountServiceAccountToken") is not False


def bindings_of_pod(pod: Pod, project: Project) -> tuple[Object, ...]:
    """The bindings of the project that name the pod's service account."""
    index = project.memo(access_index).bindings
    name = account_name(pod)
    if not pod.namespace:
        return index.get(("*", name), ())
    return (*index.get((pod.namespace, name), ()), *index.get(("", name), ()))


def account_owner(pod: Pod) -> Span:
    """What names the pod's service account; the pod spec where nothing does."""
    for key in ("serviceAccountName", "serviceAccount"):
        if key in pod.node:
            return pod.node.at(key)
    return pod.node.at()


def service_account_token_mounted(pod: Pod, *, project: Project) -> Outcome:
    """The token is mounted."""
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
    old = text_or_empty(pod.node.get("serviceAccount"))
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
    found = bindings_of_pod(pod, project)
    if found and is_token_mounted(pod, project):
        yield hit(account_owner(pod), account=account_name(pod), binding=found[0].resource)


def powerful(pod: Pod, *, project: Project, grants: Sequence[Mapping[str, Any]] = ()) -> Outcome:
    """The pod's service account may do everything; with `grants`, one of these."""
    for binding in bindings_of_pod(pod, project)[:MANY]:
        role = role_of_binding(binding, project)
        name = (
            text_or_empty(mapping_at(binding.node, "roleRef").get("name"))
            if role is None
            else role.name
        )
        whole = name == "cluster-admin" or (
            role is not None and any(map(allows_everything, rules_of(role)))
        )
        if whole or (role is not None and grants and takes_over_cluster(role, grants)):
            yield hit(
                account_owner(pod), account=account_name(pod), binding=binding.resource, role=name
            )
            return


def service_account_bound(obj: Object, *, project: Project) -> Outcome:
    """A binding of the project gives the service account a role."""
    found = project.memo(access_index).bindings.get((obj.namespace, obj.name), ())
    if found:
        yield hit(obj.metadata.at("name"), binding=found[0].resource)


def dashboard_account_used(pod: Pod, *, account: str) -> Outcome:
    """A pod of another program runs as an account that is made for one."""
    if (
        account_name(pod) == account
        and account not in pod.name
        and account not in pod.labels.values()
    ):
        yield hit(account_owner(pod), account=account)
