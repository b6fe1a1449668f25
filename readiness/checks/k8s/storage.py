"""Volumes: claims that one node can mount, directories without a bound, data that goes with the pod."""

from __future__ import annotations

from collections.abc import Iterator

from readiness.checks.k8s.absence import details_of_missing_name
from readiness.checks.k8s.stores import KeptData, kept_data
from readiness.checks.k8s.written import lowered_where_values_decide
from readiness.kinds.k8s.effective import integer_or_none, is_filled_in_value
from readiness.kinds.k8s.elsewhere import find_named_in_run
from readiness.kinds.k8s.index import object_index
from readiness.kinds.k8s.labels import parse_label_selector, selector_of_service
from readiness.kinds.k8s.model import Container, Object, Pod
from readiness.kinds.k8s.scale import pod_count_range
from readiness.model import CheckOutcome, NotApplicable, Related, Undecidable, hit, missing
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import Project
from readiness.syntax.yaml import Map, Seq


def claim_nodes_with_names(pod: Pod) -> Iterator[tuple[Map, str]]:
    """The claims that a pod mounts: the mapping that names each, and the name."""
    for volume in pod.node.mappings_under("volumes"):
        claim_node = volume.get("persistentVolumeClaim")
        if isinstance(claim_node, Map) and isinstance(claim_node.get("claimName"), str):
            yield claim_node, claim_node["claimName"]


def _single_node_mode(claim: Object) -> str:
    """The access mode of a claim that only one node (or pod) can mount; empty where it has another."""
    access_modes = claim.spec.get("accessModes")
    mode_names = [mode for mode in access_modes if isinstance(mode, str)] if isinstance(access_modes, Seq) else []
    return mode_names[0] if mode_names and set(mode_names) <= {"ReadWriteOnce", "ReadWriteOncePod"} else ""


# Sources that nodes mount without attaching them, so that nothing holds a second node to `ReadWriteOnce`.
_UNATTACHED_SOURCES = ("nfs", "cephfs", "glusterfs", "azureFile", "hostPath")
_UNATTACHED_CSI_DRIVER = lazy_regex(r"(?i)(?:\A|[./-])(?:nfs|smb|efs|cephfs)(?:[./-]|\Z)")


def _is_bound_to_unattached_volume(claim: Object, project: Project) -> bool:
    """Whether a claim binds to volumes of the files that any number of nodes mount: access modes only choose the volume there."""
    volumes = [one for one in object_index(project).objects_of_kinds("PersistentVolume") if _may_bind(claim, one)]
    return bool(volumes) and all(
        any(key in one.spec for key in _UNATTACHED_SOURCES)
        or bool(_UNATTACHED_CSI_DRIVER.search(one.spec.mapping_at_path("csi").string_under("driver")))
        for one in volumes
    )


def _may_bind(claim: Object, volume: Object) -> bool:
    """Whether a claim may bind to a volume of the files: by name, by the volume's claimRef, by labels, or without a class."""
    volume_name, claim_ref = claim.spec.string_under("volumeName"), volume.spec.mapping_at_path("claimRef")
    if volume_name or claim_ref.string_under("name"):
        is_named = claim_ref.string_under("name") in {"", claim.name} and claim_ref.string_under("namespace") in {"", claim.namespace}
        return volume_name in {"", volume.name} and is_named
    class_name = claim.spec.get("storageClassName")
    if class_name is None or (class_name or "") != (volume.spec.get("storageClassName") or ""):
        return False
    selector = parse_label_selector(claim.spec.get("selector"))
    return class_name == "" if selector is None else selector.matches(volume.labels)


def single_node_claims(pod: Pod, project: Project) -> Iterator[tuple[Map, Object, str]]:
    """The claims of a pod that only one node can mount: where it is named, the claim and its mode."""
    for claim_node, claim_name in claim_nodes_with_names(pod):
        for claim in object_index(project).find_named(pod, "PersistentVolumeClaim", claim_name).meant:
            access_mode = _single_node_mode(claim)
            if access_mode and not (access_mode == "ReadWriteOnce" and _is_bound_to_unattached_volume(claim, project)):
                yield claim_node, claim, access_mode
            break


def has_single_writer(pod: Pod, project: Project) -> bool:
    """Whether a pod mounts what only one node can: more replicas or a rolling update would not help it."""
    owner = pod.owner
    if isinstance(owner.spec.get("volumeClaimTemplates"), Seq):
        return True
    if any("hostPath" in volume for volume in pod.node.mappings_under("volumes")):
        return True
    return any(True for _ in claim_nodes_with_names(pod))


_KINDS_SHARING_CLAIMS = frozenset({"Deployment", "ReplicaSet", "ReplicationController", "Rollout", "DeploymentConfig"})


def claim_shared_by_replicas(pod: Pod, *, project: Project) -> CheckOutcome:
    """Several replicas mount one claim that a single node can mount."""
    if pod.kind not in _KINDS_SHARING_CLAIMS:
        return
    maximum_pods = pod_count_range(pod.owner, project).maximum
    if maximum_pods is None or maximum_pods < 2:
        return
    for claim_node, claim, access_mode in single_node_claims(pod, project):
        access_modes_location = Related(claim.source, claim.spec.at("accessModes"), f"the claim is {access_mode}")
        yield hit(claim_node.at("claimName"), related=[access_modes_location], claim=claim.name, mode=access_mode, count=maximum_pods)


def claim_with_rolling_update(pod: Pod, *, project: Project) -> CheckOutcome:
    """A rolling update starts the new pod while the old one still holds a claim that a single node can mount."""
    owner = pod.owner
    if owner.kind != "Deployment":
        return
    update_strategy = owner.spec.mapping_at_path("strategy")
    max_surge = update_strategy.mapping_at_path("rollingUpdate").get("maxSurge")
    if update_strategy.get("type") == "Recreate" or max_surge in (0, "0%") or pod_count_range(owner, project).maximum != 1:
        return
    for _, claim, access_mode in single_node_claims(pod, project):
        strategy_span = update_strategy.at("type") if "type" in update_strategy else owner.metadata.at("name")
        access_modes_location = Related(claim.source, claim.spec.at("accessModes"), f"the claim is {access_mode}")
        make_hit = hit if "type" in update_strategy else missing
        yield make_hit(strategy_span, related=[access_modes_location], claim=claim.name, mode=access_mode)
        return


def empty_dir_unbounded(pod: Pod, *, memory: bool) -> CheckOutcome:
    """An emptyDir has no sizeLimit; `memory`: one that is kept in memory, else one on the node's disk."""
    for volume in pod.node.mappings_under("volumes"):
        if "emptyDir" not in volume or volume.get("name") is None:
            continue
        empty_dir = volume["emptyDir"]
        empty_dir_node = empty_dir if isinstance(empty_dir, Map) else Map(volume.at("emptyDir"))
        if (empty_dir_node.get("medium") == "Memory") is not memory or empty_dir_node.get("sizeLimit") is not None:
            continue
        if not memory or not _is_bounded_by_memory_limits(pod, volume["name"]):
            yield missing(volume.key_span("emptyDir"), volume=volume["name"])


def _is_bounded_by_memory_limits(pod: Pod, volume_name: object) -> bool:
    """Whether every container that mounts a volume has a memory limit, against which what it writes there counts."""
    mounting_containers = [
        container
        for container in pod.containers()
        if any(mount.get("name") == volume_name for mount in container.node.mappings_under("volumeMounts"))
    ]
    return bool(mounting_containers) and all(
        container.node.mapping_at_path("resources", "limits").get("memory") is not None for container in mounting_containers
    )


def _data_mounts_with_volumes(container: Container, data_paths: tuple[str, ...]) -> Iterator[tuple[Map, Map | None]]:
    """The mounts that hold a server's data, each with its volume."""
    volume_by_name = {volume.string_under("name"): volume for volume in container.pod.node.mappings_under("volumes")}
    for mount in container.node.mappings_under("volumeMounts"):
        mount_path = mount.string_under("mountPath").rstrip("/")
        if any(
            mount_path == data_path or mount_path.startswith(data_path + "/") or data_path.startswith(mount_path + "/") for data_path in data_paths
        ):
            yield mount, volume_by_name.get(mount.string_under("name"))


def _has_claim_volume(pod_node: Map, project: Project) -> bool:
    del project
    return any("persistentVolumeClaim" in volume for volume in pod_node.mappings_under("volumes"))


def data_ephemeral(container: Container, *, project: Project) -> CheckOutcome:
    """A database keeps its data in an emptyDir, or on no volume at all."""
    has_claim_volume = project.memoize_for_subject(_has_claim_volume, container.pod.node)
    store_data = kept_data(container, project) if container.role == "main" and container.kind not in {"Job", "CronJob"} else None
    if store_data is None:
        if not has_claim_volume:
            yield NotApplicable()
        return
    data_mounts = list(_data_mounts_with_volumes(container, store_data.folders))
    for mount, volume in data_mounts:
        if volume is not None and "emptyDir" in volume:
            yield hit(mount.at("name"), related=store_data.related, say="empty-dir", path=mount.get("mountPath"))
    if not data_mounts and not _may_keep_data_on_other_volume(container, store_data):
        yield missing(container.node.at(), related=store_data.related, say="no-volume", path=store_data.folders[0])


def _may_keep_data_on_other_volume(container: Container, store_data: KeptData) -> bool:
    """Whether the data may stand on a volume that is mounted elsewhere, or what runs may be no server of the image's.

    Options of a server's command move its data no further than to a volume that outlives the pod, where there is one.
    """
    if container.node.get("command") is not None:
        return True
    if container.node.get("args") is not None:
        return not store_data.is_server_with(container.node.get("args")) or any(_lasting_mounts(container))
    return bool(container.variables.keys() & {"PGDATA", "PATH_DATA", "path.data", "RABBITMQ_MNESIA_BASE"}) and any(
        container.node.mappings_under("volumeMounts")
    )


_VOLUME_TYPES_ENDING_WITH_POD = ("emptyDir", "configMap", "secret", "projected", "downwardAPI")


def _lasting_mounts(container: Container) -> Iterator[Map]:
    """The mounts of volumes that are not surely gone, or read-only, when the pod is."""
    volume_by_name = {volume.string_under("name"): volume for volume in container.pod.node.mappings_under("volumes")}
    for mount in container.node.mappings_under("volumeMounts"):
        volume = volume_by_name.get(mount.string_under("name"))
        if volume is None or not any(kind in volume for kind in _VOLUME_TYPES_ENDING_WITH_POD):
            yield mount


def stateful_set_service_wrong(obj: Object, *, project: Project) -> CheckOutcome:
    """A StatefulSet names no Service, or one that is there and not headless or that selects other pods."""
    if obj.kind != "StatefulSet":
        return
    service_name = obj.spec.get("serviceName")
    if is_filled_in_value(service_name):
        yield Undecidable(obj.spec.at("serviceName"))
        return
    if not isinstance(service_name, str) or not service_name:
        yield missing(obj.metadata.at("name"), say="unnamed")
        return
    resolution = find_named_in_run(obj, "Service", service_name, project)
    if resolution.is_ambiguous:
        yield Undecidable(obj.spec.at("serviceName"))
        return
    if resolution.is_absent:
        details = details_of_missing_name(resolution, obj.namespace)
        yield missing(
            obj.spec.at("serviceName"), say="unknown", related=details.related, severity=details.severity,
            service=service_name, where=details.where_missing_text,
        )  # fmt: skip
        return
    named_services = resolution.meant
    if named_services and named_services[0].spec.get("clusterIP") != "None":
        yield hit(obj.spec.at("serviceName"), say="not-headless", service=service_name)
    elif named_services and not _selects_pods_of_stateful_set(named_services[0], obj, project):
        yield hit(obj.spec.at("serviceName"), say="other-pods", service=service_name)


def _selects_pods_of_stateful_set(service: Object, stateful_set: Object, project: Project) -> bool:
    selector, workload = (
        selector_of_service(service),
        object_index(project).workload_by_owner_id.get(id(stateful_set)),
    )
    return selector is None or workload is None or selector.matches(workload.labels)


@lowered_where_values_decide()
def volume_undefined(pod: Pod) -> CheckOutcome:
    """A container mounts a volume that the pod does not define."""
    owner = pod.owner
    defined_volume_names = {one.string_under("name") for one in pod.node.mappings_under("volumes")}
    defined_volume_names |= {claim.mapping_at_path("metadata").string_under("name") for claim in owner.spec.mappings_under("volumeClaimTemplates")}
    for container in pod.containers():
        for mounts_key in ("volumeMounts", "volumeDevices"):
            for mount in container.node.mappings_under(mounts_key):
                volume_name = mount.get("name")
                if isinstance(volume_name, str) and volume_name not in defined_volume_names and not is_filled_in_value(volume_name):
                    yield missing(mount.at("name"), container=container.name, volume=volume_name)


@lowered_where_values_decide()
def mount_path_repeated(container: Container) -> CheckOutcome:
    """Two volumes are mounted at one path: the API server refuses the pod."""
    seen_mount_paths = set()
    for mount in container.node.mappings_under("volumeMounts"):
        mount_path = mount.get("mountPath")
        if isinstance(mount_path, str) and not is_filled_in_value(mount_path):
            if mount_path in seen_mount_paths:
                yield hit(mount.at("mountPath"), path=mount_path)
            seen_mount_paths.add(mount_path)


@lowered_where_values_decide()
def claim_size_missing(obj: Object) -> CheckOutcome:
    """A claim asks for no storage, which the API server refuses."""
    if obj.kind == "PersistentVolumeClaim":
        requests = obj.spec.mapping_at_path("resources", "requests")
        if requests.get("storage") is None and integer_or_none(requests.get("storage")) is None:
            yield missing(obj.metadata.at("name"))
