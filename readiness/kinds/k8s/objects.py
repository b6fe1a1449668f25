"""Where the objects of a manifest are, and the pod specs in them: lists, templates, custom resources, pieces in prose."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from readiness.facts.table import fact_column
from readiness.kinds.k8s.model import Object, Pod
from readiness.model import Source
from readiness.syntax.yaml import Map, Seq

_CORE_WORKLOAD_KINDS = frozenset({"ReplicationController", "Job"})
_APPS_WORKLOAD_KINDS = frozenset({"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"})


def objects_of(source: Source, root: Any, depth: int = 0) -> Iterator[Object]:
    """The objects of one YAML document; a List is opened."""
    if not isinstance(root, Map):
        return
    kind, version = root.get("kind"), root.get("apiVersion")
    if not isinstance(kind, str) or not isinstance(version, str):
        if source.parent is not None:
            yield from fragment_object(source, root)
        return
    if kind.endswith("List") and isinstance(root.get("items"), Seq) and depth < 3:
        for item in root["items"]:
            if isinstance(item, Map) and kind != "List":
                # the items of a typed list take its kind and version where they leave them out
                # https://kubernetes.io/docs/reference/using-api/api-concepts/#collections
                item.setdefault("kind", kind.removesuffix("List"))
                item.setdefault("apiVersion", version)
            yield from objects_of(source, item, depth + 1)
        return
    if is_config_file(version, kind):
        return
    metadata = root.mapping_at_path("metadata")
    if "test" in re.split(r"[\s,-]+", metadata.mapping_at_path("annotations").string_under("helm.sh/hook")):
        return  # made by `helm test` and by nothing else
    name = metadata.string_under("name") or metadata.string_under("generateName")
    yield Object(source, root, version, kind, name, metadata.string_under("namespace"))


def is_config_file(api_version: str, kind: str) -> bool:
    """Whether a program reads this kind from a file (a kubeconfig, kubeadm's or kind's settings), so that no API server gets it."""
    group = api_version.rpartition("/")[0] or api_version
    return bool({group, f"{kind} {api_version}"} & fact_column("kubernetes-config-files", "read-by").keys())


def fragment_object(source: Source, root: Map) -> Iterator[Object]:
    """A part of a manifest shown in prose, put where it would stand: a spec, a pod spec, a container."""
    node = root
    if isinstance(node.get("spec"), Map):
        yield Object(
            source,
            node,
            "v1",
            "PodTemplate" if "template" not in node["spec"] else "Deployment",
            "",
            "",
        )
        return
    for key in ("containers", "initContainers"):
        if isinstance(node.get(key), Seq):
            shell = Map(node.at())
            shell.put("spec", node, node.at())
            yield Object(source, shell, "v1", "Pod", "", "")
            return
    probes = {
        "livenessProbe",
        "readinessProbe",
        "startupProbe",
        "securityContext",
        "resources",
        "image",
        "env",
    }
    values = isinstance(node.get("image"), Map) or isinstance(node.get("env"), Map)  # of a chart
    if probes & set(node) and not {"services", "jobs"} & set(node) and not values:
        shell, spec, containers = Map(node.at()), Map(node.at()), Seq(node.at())
        containers.put(node, node.at())
        for outer, key, inner in ((shell, "spec", spec), (spec, "containers", containers)):
            outer.put(key, inner, node.at())
        yield Object(source, shell, "v1", "Pod", "", "")


def pod_specs_of(obj: Object) -> Iterator[Pod]:
    """The pod specs of an object: one for most workloads."""
    kind, group, spec = obj.kind, obj.group, obj.node.get("spec")
    if kind == "PodTemplate" and isinstance(obj.node.get("template"), Map):
        yield from pod_spec_of_template(obj, obj.node["template"])
        return
    if not isinstance(spec, Map):
        return
    if kind == "Pod" or (kind == "PodTemplate" and "template" not in spec):
        yield Pod(obj.source, spec, obj, obj.node)
    elif kind in _CORE_WORKLOAD_KINDS or (
        kind in _APPS_WORKLOAD_KINDS and (group in {"", "extensions"} or group.endswith("apps"))
    ):
        yield from pod_spec_of_template(obj, spec.get("template"))
    elif kind == "CronJob":
        job = spec.mapping_at_path("jobTemplate")
        yield from pod_spec_of_template(obj, job.mapping_at_path("spec").get("template"))
    elif f"{kind} {group}".strip() in fact_column("kubernetes-custom", "template"):
        yield from pod_spec_of_template(obj, spec.get("template"))
    elif kind in {"Sandbox", "SandboxTemplate"} and group.endswith("agents.x-k8s.io"):
        yield from pod_spec_of_template(obj, spec.get("podTemplate"))
    elif (kind, group) == ("ScaledJob", "keda.sh"):
        yield from pod_spec_of_template(obj, spec.mapping_at_path("jobTargetRef").get("template"))
    elif kind in {"Task", "ClusterTask"} and group == "tekton.dev" and isinstance(spec.get("steps"), Seq):
        pod = Map(spec.at())
        pod.put("containers", spec["steps"], spec.at("steps"), spec.key_span("steps").start)
        yield Pod(obj.source, pod, obj, obj.node)


def pod_spec_of_template(obj: Object, template: Any) -> Iterator[Pod]:
    """The pod spec of a template."""
    if isinstance(template, Map) and isinstance(template.get("spec"), Map):
        yield Pod(obj.source, template["spec"], obj, template)
