"""The version of Kubernetes that files upgrade their cluster to."""

from __future__ import annotations

import re
from typing import NamedTuple

from readiness.kinds.k8s.index import object_index
from readiness.kinds.k8s.model import Object
from readiness.model import Related, Source, Span
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import Project, RunProjects

_PLAN_GROUP = "upgrade.cattle.io"
# `v1.21.5+k3s1`, and the end of a channel's address: https://update.k3s.io/v1-release/channels/v1.21
_KUBERNETES_VERSION_LINE = lazy_regex(r"^kubernetesVersion:[ ]*[\"']?(?P<written>v?(?P<minor>1\.[0-9]{1,3})(?:\.[\w.+-]{1,60})?)", re.MULTILINE)
_VERSION = lazy_regex(r"(?:\A|/)v?(1\.[0-9]{1,3})(?:[.+-][\w.+-]{0,60})?\Z")


class ClusterVersion(NamedTuple):
    """A minor version of Kubernetes, and the place that tells it."""

    version: str
    location: Related


def pinned_cluster_version(project: Project) -> ClusterVersion | None:
    """The version that Plans of Rancher's upgrade controller, or the settings of talhelper or kubeadm, give the cluster; None where several differ.

    Of a run all units are asked: what a tree upgrades is the cluster that all of it is applied to.
    https://docs.k3s.io/upgrades/automated https://budimanjojo.github.io/talhelper/latest/reference/configuration/
    """
    return project.run.memoize(_pinned_version_of_run) if project.run is not None else _only_version([project])


def _pinned_version_of_run(run: RunProjects) -> ClusterVersion | None:
    return _only_version(run.projects)


def _only_version(projects: list[Project] | tuple[Project, ...]) -> ClusterVersion | None:
    """The version of all Plans of Kubernetes and all settings of clusters in some projects, where it is one."""
    pinned_versions = [
        pinned for project in projects for plan in object_index(project).objects_of_kinds("Plan") if (pinned := _version_of_plan(plan)) is not None
    ]
    pinned_versions += [pinned for project in projects for one in project.cluster_settings if (pinned := _version_in_settings(one)) is not None]
    return pinned_versions[0] if len({one.version for one in pinned_versions}) == 1 else None


def _version_of_plan(plan: Object) -> ClusterVersion | None:
    """The version that a Plan upgrades nodes to: of a distribution of Kubernetes, for Plans may upgrade anything."""
    image = plan.spec.mapping_at_path("upgrade").string_under("image")
    if plan.group != _PLAN_GROUP or not image.rpartition("/")[2].startswith(("k3s-upgrade", "rke2-upgrade")):
        return None
    for field in ("version", "channel"):
        if (version_match := _VERSION.search(plan.spec.string_under(field)[:400])) is not None:
            return ClusterVersion(version_match[1], Related(plan.source, plan.spec.at(field), "the cluster is upgraded to this version"))
    return None


def _version_in_settings(source: Source) -> ClusterVersion | None:
    """The version that a file of settings makes a cluster with."""
    version_match = _KUBERNETES_VERSION_LINE.search(source.text)
    if version_match is None:
        return None
    location = Related(source, Span(*version_match.span("written")), "the cluster is made with this version")
    return ClusterVersion(version_match["minor"], location)
