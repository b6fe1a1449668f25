"""OpenShift: which pods run there, and under the security context constraints (SCC) that it gives to everybody.

Its default constraints, `restricted-v2` and before 4.11 `restricted`, give each pod a numeric user of its namespace and take capabilities away,
whatever image and manifest leave unsaid (docs.redhat.com, "Managing security context constraints").
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from readiness.kinds.k8s.agents import host_path_by_volume_name, is_privileged
from readiness.kinds.k8s.effective import account_name
from readiness.kinds.k8s.model import Object, Pod
from readiness.model.project import Project, RunProjects
from readiness.model.records import dataclass
from readiness.syntax.yaml import Seq

_GROUP_ENDING = "openshift.io"
_KINDS_OF_A_WHOLE_CLUSTER = frozenset({"ClusterVersion", "OAuth", "ClusterOperator", "MachineConfigPool"})
_GROUPS_OF_APPLICATIONS = frozenset({"route.openshift.io", "apps.openshift.io", "build.openshift.io", "image.openshift.io", "template.openshift.io"})
_ROLE_OF_CONSTRAINTS = "system:openshift:scc:"
_ACCOUNT_USER, _ACCOUNTS_OF_NAMESPACE = "system:serviceaccount:", "system:serviceaccounts:"
_USERS_OTHER_THAN_ROOT = frozenset({"MustRunAsRange", "MustRunAsNonRoot"})
_DEFAULT_CONSTRAINTS = frozenset({"restricted", "restricted-v2", "restricted-v3"})


def is_openshift(project: Project) -> bool:
    """Whether the manifests are for OpenShift, which gives each pod a numeric user where none is written."""
    return any(obj.group.endswith(_GROUP_ENDING) for document in project.documents_of_kind("k8s") for obj in document.objects)


def has_default_constraints(pod: Pod, project: Project) -> bool:
    """Whether a pod surely runs on OpenShift under the constraints that everybody has there.

    It runs there where the files hold a whole OpenShift cluster's settings, or an application's object that only OpenShift knows in the pod's own
    folder or chart, or a chart beside it. Its constraints are others where a binding gives its account some, and where it asks of its node what
    the default ones refuse.
    """
    openshift = _openshift_of_run(project.run) if project.run is None else project.run.memoize(_openshift_of_run)
    if not (openshift.is_whole_cluster or _folders_of(pod.source.root.path) & openshift.folders):
        return False
    asks_of_node = any(pod.node.get(key) is True for key in ("hostNetwork", "hostPID", "hostIPC")) or bool(host_path_by_volume_name(pod))
    return not asks_of_node and not openshift.may_have_other_constraints(pod) and not any(map(is_privileged, pod.containers()))


@dataclass(frozen=True, slots=True)
class _OpenShift:
    """What the files of a run say of OpenShift: a whole cluster, folders of applications made for it, accounts with constraints of their own."""

    is_whole_cluster: bool = False
    folders: frozenset[str] = frozenset()
    accounts_with_constraints: frozenset[str] = frozenset()

    def may_have_other_constraints(self, pod: Pod) -> bool:
        """Whether the account of a pod may be one with constraints of its own; by its name alone where its namespace is not written."""
        account = account_name(pod)
        if pod.namespace:
            return not self.accounts_with_constraints.isdisjoint({"*", f"{pod.namespace}/{account}", f"{pod.namespace}/*", f"/{account}", "/*"})
        return any(one == "*" or one.endswith((f"/{account}", "/*")) for one in self.accounts_with_constraints)


def _openshift_of_run(run: RunProjects | None) -> _OpenShift:
    objects = [
        obj
        for project in (run.projects if run is not None else ())
        for document in project.documents_of_kind("k8s")
        for obj in document.objects
        if not obj.source.root.purposes
    ]
    openshift_objects = [one for one in objects if one.group.endswith(_GROUP_ENDING)]
    if not openshift_objects:
        return _OpenShift()
    folders = {folder for one in openshift_objects if one.group in _GROUPS_OF_APPLICATIONS for folder in _folders_of(one.source.root.path)}
    accounts = frozenset(account for one in objects for account in _accounts_with_constraints(one))
    return _OpenShift(any(one.kind in _KINDS_OF_A_WHOLE_CLUSTER for one in openshift_objects), frozenset(folders), accounts)


def _folders_of(path: str) -> frozenset[str]:
    """The folder of a file; of a chart's template the folder of the chart, and that of the charts beside it."""
    folder = posixpath.dirname(path)
    chart_folder, is_template, _ = f"{folder}/".partition("/templates/")
    return frozenset({chart_folder, posixpath.dirname(chart_folder)} - {""}) if is_template else frozenset({folder})


def _strings(obj: Object, key: str) -> Iterator[str]:
    values = obj.node.get(key)
    yield from (one for one in values if isinstance(one, str)) if isinstance(values, Seq) else ()


def _accounts_with_constraints(obj: Object) -> Iterator[str]:
    """The service accounts to which an object gives other constraints: `NAMESPACE/NAME`, where nobody can tell the namespace `/NAME`, `*` for all.

    Constraints that give each pod a user of its namespace, too, are none in this sense.
    """
    if obj.kind == "SecurityContextConstraints":
        if obj.node.mapping_at_path("runAsUser").get("type") not in _USERS_OTHER_THAN_ROOT and obj.name not in _DEFAULT_CONSTRAINTS:
            yield from (one.removeprefix(_ACCOUNT_USER).replace(":", "/") for one in _strings(obj, "users") if one.startswith(_ACCOUNT_USER))
            yield from map(_accounts_of_group, _strings(obj, "groups"))
    elif obj.kind in {"RoleBinding", "ClusterRoleBinding"} and obj.node.mapping_at_path("roleRef").string_under("name").startswith(
        _ROLE_OF_CONSTRAINTS
    ):
        for subject in obj.node.mappings_under("subjects"):
            name = subject.string_under("name")
            is_account = subject.get("kind") == "ServiceAccount"
            yield f"{subject.string_under('namespace') or obj.namespace}/{name}" if is_account else _accounts_of_group(name)


def _accounts_of_group(group: str) -> str:
    """Which accounts are in a group: `*` for all, `NAMESPACE/*` for those of one namespace; nothing of a group of people, who run no pods."""
    if group in {"system:authenticated", "system:serviceaccounts"}:
        return "*"
    return f"{group.removeprefix(_ACCOUNTS_OF_NAMESPACE)}/*" if group.startswith(_ACCOUNTS_OF_NAMESPACE) else ""
