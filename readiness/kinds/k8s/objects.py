"""Where the objects of a manifest are, and the pod specs in them: lists, templates, custom resources, pieces in prose."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from readiness.facts.table import property_by_fact_name
from readiness.kinds.k8s.model import Object, Pod
from readiness.model import Source
from readiness.syntax.yaml import Map, Seq

_CORE_WORKLOAD_KINDS = frozenset({"ReplicationController", "Job"})
_APPS_WORKLOAD_KINDS = frozenset({"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"})


def objects_of(source: Source, root: Any, depth: int = 0) -> Iterator[Object]:
    """The objects of one YAML document; a List is opened."""
    if not isinstance(root, Map):
        return
    object_kind, api_version = root.get("kind"), root.get("apiVersion")
    if not isinstance(object_kind, str) or not isinstance(api_version, str):
        if source.parent is not None:
            yield from object_around_fragment(source, root)
        return
    if object_kind.endswith("List") and isinstance(root.get("items"), Seq) and depth < 3:
        for list_item in root["items"]:
            if isinstance(list_item, Map) and object_kind != "List":
                # the items of a typed list take its kind and version where they leave them out
                # https://kubernetes.io/docs/reference/using-api/api-concepts/#collections
                list_item.setdefault("kind", object_kind.removesuffix("List"))
                list_item.setdefault("apiVersion", api_version)
            yield from objects_of(source, list_item, depth + 1)
        return
    if is_program_config_kind(api_version, object_kind):
        return
    metadata = root.mapping_at_path("metadata")
    if "test" in re.split(r"[\s,-]+", metadata.mapping_at_path("annotations").string_under("helm.sh/hook")):
        return  # made by `helm test` and by nothing else
    object_name = metadata.string_under("name") or metadata.string_under("generateName")
    yield Object(source, root, api_version, object_kind, object_name, metadata.string_under("namespace"))


def is_program_config_kind(api_version: str, kind: str) -> bool:
    """Whether a program reads this kind from a file (a kubeconfig, kubeadm's or kind's settings), so that no API server gets it."""
    api_group = api_version.rpartition("/")[0] or api_version
    return bool({api_group, f"{kind} {api_version}"} & property_by_fact_name("kubernetes-config-files", "read-by").keys())


def object_around_fragment(source: Source, root: Map) -> Iterator[Object]:
    """A part of a manifest shown in prose, put where it would stand: a spec, a pod spec, a container."""
    fragment_node = root
    if isinstance(fragment_node.get("spec"), Map):
        yield Object(
            source,
            fragment_node,
            "v1",
            "PodTemplate" if "template" not in fragment_node["spec"] else "Deployment",
            "",
            "",
        )
        return
    for container_list_key in ("containers", "initContainers"):
        if isinstance(fragment_node.get(container_list_key), Seq):
            wrapping_object = Map(fragment_node.at())
            wrapping_object.put("spec", fragment_node, fragment_node.at())
            yield Object(source, wrapping_object, "v1", "Pod", "", "")
            return
    container_field_names = {
        "livenessProbe",
        "readinessProbe",
        "startupProbe",
        "securityContext",
        "resources",
        "image",
        "env",
    }
    is_chart_values = isinstance(fragment_node.get("image"), Map) or isinstance(fragment_node.get("env"), Map)  # of a chart
    if container_field_names & set(fragment_node) and not {"services", "jobs"} & set(fragment_node) and not is_chart_values:
        wrapping_object, pod_spec, container_list = Map(fragment_node.at()), Map(fragment_node.at()), Seq(fragment_node.at())
        container_list.put(fragment_node, fragment_node.at())
        for outer_node, container_list_key, inner_node in (
            (wrapping_object, "spec", pod_spec),
            (pod_spec, "containers", container_list),
        ):
            outer_node.put(container_list_key, inner_node, fragment_node.at())
        yield Object(source, wrapping_object, "v1", "Pod", "", "")


def pod_specs_of(obj: Object) -> Iterator[Pod]:
    """The pod specs of an object: one for most workloads."""
    object_kind, api_group, object_spec = obj.kind, obj.group, obj.node.get("spec")
    if object_kind == "PodTemplate" and isinstance(obj.node.get("template"), Map):
        yield from pod_spec_of_template(obj, obj.node["template"])
        return
    if not isinstance(object_spec, Map):
        return
    if object_kind == "Pod" or (object_kind == "PodTemplate" and "template" not in object_spec):
        yield Pod(obj.source, object_spec, obj, obj.node)
    elif object_kind in _CORE_WORKLOAD_KINDS or (
        object_kind in _APPS_WORKLOAD_KINDS and (api_group in {"", "extensions"} or api_group.endswith("apps"))
    ):
        yield from pod_spec_of_template(obj, object_spec.get("template"))
    elif object_kind == "CronJob":
        job_template = object_spec.mapping_at_path("jobTemplate")
        yield from pod_spec_of_template(obj, job_template.mapping_at_path("spec").get("template"))
    elif f"{object_kind} {api_group}".strip() in property_by_fact_name("kubernetes-custom", "template"):
        yield from pod_spec_of_template(obj, object_spec.get("template"))
    elif object_kind in {"Sandbox", "SandboxTemplate"} and api_group.endswith("agents.x-k8s.io"):
        yield from pod_spec_of_template(obj, object_spec.get("podTemplate"))
    elif (object_kind, api_group) == ("ScaledJob", "keda.sh"):
        yield from pod_spec_of_template(obj, object_spec.mapping_at_path("jobTargetRef").get("template"))
    elif object_kind in {"Task", "ClusterTask"} and api_group == "tekton.dev" and isinstance(object_spec.get("steps"), Seq):
        pod_spec = Map(object_spec.at())
        pod_spec.put("containers", object_spec["steps"], object_spec.at("steps"), object_spec.key_span("steps").start)
        if "volumes" in object_spec:
            pod_spec.put("volumes", object_spec["volumes"], object_spec.at("volumes"), object_spec.key_span("volumes").start)
        yield Pod(obj.source, pod_spec, obj, obj.node)


def pod_spec_of_template(obj: Object, template: Any) -> Iterator[Pod]:
    """The pod spec of a template."""
    if isinstance(template, Map) and isinstance(template.get("spec"), Map):
        yield Pod(obj.source, template["spec"], obj, template)
