"""Service accounts: which one a pod runs as, whether its token is mounted, and what it may do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from readiness.checks.k8s.rbac import access, everything, far_reaching, role_of, rules_of
from readiness.kinds.k8s.effective import unknown
from readiness.kinds.k8s.model import Object, Pod, mapping, text
from readiness.model import Hit, Span, Unknown, hit, missing
from readiness.model.project import Project

Outcome = Iterator[Hit | Unknown]
MANY = 64  # as many bindings of one account as are looked through


def accounts(project: Project) -> dict[tuple[str, str], Object]:
    """The ServiceAccount objects of the project, by namespace (`*` for any) and name."""
    found: dict[tuple[str, str], Object] = {}
    for document in project.documents("k8s"):
        for one in document.objects:
            if one.kind == "ServiceAccount":
                found[one.namespace, one.name] = one
                found.setdefault(("*", one.name), one)
    return found


def account_name(pod: Pod) -> str:
    """The service account that the pod runs as."""
    return (
        text(pod.node.get("serviceAccountName"))
        or text(pod.node.get("serviceAccount"))
        or "default"
    )


def account(pod: Pod, project: Project) -> Object | None:
    """The pod's service account, where the project holds it: in its namespace, or where none is written."""
    known = project.memo(accounts)
    name = account_name(pod)
    if pod.namespace:
        return known.get((pod.namespace, name)) or known.get(("", name))
    return known.get(("*", name))


def mounts_token(pod: Pod, project: Project) -> bool:
    """Whether the token ends up in the pod: its own word counts, then its service account's, then the default."""
    own = pod.node.get("automountServiceAccountToken")
    if isinstance(own, bool):
        return own
    if pod.kind == "SandboxTemplate":  # its controller turns the mount off where nothing is said
        return False
    found = account(pod, project)
    return found is None or found.node.get("automountServiceAccountToken") is not False


def bindings(pod: Pod, project: Project) -> tuple[Object, ...]:
    """The bindings of the project that name the pod's service account."""
    index = project.memo(access).bindings
    name = account_name(pod)
    if not pod.namespace:
        return index.get(("*", name), ())
    return (*index.get((pod.namespace, name), ()), *index.get(("", name), ()))


def grip(pod: Pod) -> Span:
    """What names the pod's service account; the pod spec where nothing does."""
    for key in ("serviceAccountName", "serviceAccount"):
        if key in pod.node:
            return pod.node.at(key)
    return pod.node.at()


def token_mounted(pod: Pod, *, project: Project) -> Outcome:
    """The token is mounted."""
    yield from unknown(pod.node, "automountServiceAccountToken")
    if not mounts_token(pod, project):
        return
    if pod.node.get("automountServiceAccountToken") is True:
        yield hit(pod.node.at("automountServiceAccountToken"), account=account_name(pod))
    else:
        yield missing(pod.node.at(), account=account_name(pod))


def token_unused(pod: Pod, *, project: Project) -> Outcome:
    """The token is mounted, by default, although no binding of the project gives its account any right."""
    yield from unknown(pod.node, "automountServiceAccountToken")
    name = account_name(pod)
    known = name == "default" or account(pod, project) is not None
    by_default = pod.node.get("automountServiceAccountToken") is None
    if known and by_default and mounts_token(pod, project) and not bindings(pod, project):
        yield missing(pod.node.at(), account=name)


def default_account(pod: Pod) -> Outcome:
    """The pod runs as the service account `default`."""
    if account_name(pod) != "default":
        return
    if "serviceAccountName" in pod.node or "serviceAccount" in pod.node:
        yield hit(grip(pod))
    else:
        yield missing(pod.node.at())


def deprecated_field(pod: Pod) -> Outcome:
    """The old field serviceAccount, without or beside its successor."""
    old = text(pod.node.get("serviceAccount"))
    if old and pod.node.get("serviceAccountName") != old:
        yield hit(pod.node.key("serviceAccount"), account=old)


def account_automounts(one: Object, *, name: str = "") -> Outcome:
    """A ServiceAccount (only `name`, where that is given) that does not turn the mounting of its token off."""
    if name and one.name != name:
        return
    value = one.node.get("automountServiceAccountToken")
    if value is True:
        yield hit(one.node.at("automountServiceAccountToken"))
    elif value is None:
        yield missing(one.metadata.at("name"))


def rights(pod: Pod, *, project: Project) -> Outcome:
    """The pod's service account has a role, and its token is mounted."""
    found = bindings(pod, project)
    if found and mounts_token(pod, project):
        yield hit(grip(pod), account=account_name(pod), binding=found[0].resource)


def powerful(pod: Pod, *, project: Project, grants: Sequence[Mapping[str, Any]] = ()) -> Outcome:
    """The pod's service account may do everything; with `grants`, one of these."""
    for binding in bindings(pod, project)[:MANY]:
        role = role_of(binding, project)
        name = text(mapping(binding.node, "roleRef").get("name")) if role is None else role.name
        whole = name == "cluster-admin" or (
            role is not None and any(map(everything, rules_of(role)))
        )
        if whole or (role is not None and grants and far_reaching(role, grants)):
            yield hit(grip(pod), account=account_name(pod), binding=binding.resource, role=name)
            return


def bound(one: Object, *, project: Project) -> Outcome:
    """A binding of the project gives the service account a role."""
    found = project.memo(access).bindings.get((one.namespace, one.name), ())
    if found:
        yield hit(one.metadata.at("name"), binding=found[0].resource)


def borrowed(pod: Pod, *, account: str) -> Outcome:
    """A pod of another program runs as an account that is made for one."""
    if (
        account_name(pod) == account
        and account not in pod.name
        and account not in pod.labels.values()
    ):
        yield hit(grip(pod), account=account)
