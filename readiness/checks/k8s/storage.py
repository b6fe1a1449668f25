"""Volumes: claims that one node can mount, directories without a bound, data that goes with the pod."""

from __future__ import annotations

from collections.abc import Iterator

from readiness.checks.k8s.absence import absence_of
from readiness.checks.k8s.stores import KeptData, kept_data
from readiness.kinds.k8s.effective import as_integer, is_variable
from readiness.kinds.k8s.elsewhere import find_named_in_run
from readiness.kinds.k8s.index import object_index
from readiness.kinds.k8s.labels import service_selector
from readiness.kinds.k8s.model import Container, Object, Pod
from readiness.kinds.k8s.scale import pod_count_range
from readiness.model import CheckOutcome, NotApplicable, Related, Undecidable, hit, missing
from readiness.model.project import Project
from readiness.syntax.yaml import Map, Seq


def claims_of(pod: Pod) -> Iterator[tuple[Map, str]]:
    """The claims that a pod mounts: the mapping that names each, and the name."""
    for volume in pod.node.mappings_under("volumes"):
        claim = volume.get("persistentVolumeClaim")
        if isinstance(claim, Map) and isinstance(claim.get("claimName"), str):
            yield claim, claim["claimName"]


def _single_node_mode(claim: Object) -> str:
    """The access mode of a claim that only one node (or pod) can mount; empty where it has another."""
    modes = claim.spec.get("accessModes")
    listed = [mode for mode in modes if isinstance(mode, str)] if isinstance(modes, Seq) else []
    return listed[0] if listed and set(listed) <= {"ReadWriteOnce", "ReadWriteOncePod"} else ""


def single_node_claims(pod: Pod, project: Project) -> Iterator[tuple[Map, Object, str]]:
    """The claims of a pod that only one node can mount: where it is named, the claim and its mode."""
    for place, name in claims_of(pod):
        for claim in object_index(project).find_named(pod, "PersistentVolumeClaim", name).meant:
            mode = _single_node_mode(claim)
            if mode:
                yield place, claim, mode
            break


def has_single_writer(pod: Pod, project: Project) -> bool:
    """Whether a pod mounts what only one node can: more replicas or a rolling update would not help it."""
    owner = pod.owner
    if isinstance(owner.spec.get("volumeClaimTemplates"), Seq):
        return True
    if any("hostPath" in volume for volume in pod.node.mappings_under("volumes")):
        return True
    return any(True for _ in claims_of(pod))


_KINDS_SHARING_CLAIMS = frozenset({"Deployment", "ReplicaSet", "ReplicationController", "Rollout", "DeploymentConfig"})


def claim_shared_by_replicas(pod: Pod, *, project: Project) -> CheckOutcome:
    """Several replicas mount one claim that a single node can mount."""
    if pod.kind not in _KINDS_SHARING_CLAIMS:
        return
    most = pod_count_range(pod.owner, project).maximum
    if most is None or most < 2:
        return
    for place, claim, mode in single_node_claims(pod, project):
        modes = Related(claim.source, claim.spec.at("accessModes"), f"the claim is {mode}")
        yield hit(place.at("claimName"), related=[modes], claim=claim.name, mode=mode, count=most)


def claim_with_rolling_update(pod: Pod, *, project: Project) -> CheckOutcome:
    """A rolling update starts the new pod while the old one still holds a claim that a single node can mount."""
    owner = pod.owner
    if owner.kind != "Deployment":
        return
    strategy = owner.spec.mapping_at_path("strategy")
    surge = strategy.mapping_at_path("rollingUpdate").get("maxSurge")
    if strategy.get("type") == "Recreate" or surge in (0, "0%") or pod_count_range(owner, project).maximum != 1:
        return
    for _, claim, mode in single_node_claims(pod, project):
        span = strategy.at("type") if "type" in strategy else owner.metadata.at("name")
        modes = Related(claim.source, claim.spec.at("accessModes"), f"the claim is {mode}")
        make = hit if "type" in strategy else missing
        yield make(span, related=[modes], claim=claim.name, mode=mode)
        return


def empty_dir_unbounded(pod: Pod, *, memory: bool) -> CheckOutcome:
    """An emptyDir has no sizeLimit; `memory`: one that is kept in memory, else one on the node's disk."""
    for volume in pod.node.mappings_under("volumes"):
        if "emptyDir" not in volume or volume.get("name") is None:
            continue
        empty_dir = volume["emptyDir"]
        node = empty_dir if isinstance(empty_dir, Map) else Map(volume.at("emptyDir"))
        if (node.get("medium") == "Memory") is not memory or node.get("sizeLimit") is not None:
            continue
        if not memory or not _is_bounded(pod, volume["name"]):
            yield missing(volume.key_span("emptyDir"), volume=volume["name"])


def _is_bounded(pod: Pod, volume: object) -> bool:
    """Whether every container that mounts a volume has a memory limit, against which what it writes there counts."""
    mounting = [
        container
        for container in pod.containers()
        if any(mount.get("name") == volume for mount in container.node.mappings_under("volumeMounts"))
    ]
    return bool(mounting) and all(
        container.node.mapping_at_path("resources", "limits").get("memory") is not None for container in mounting
    )


def _data_mounts(container: Container, paths: tuple[str, ...]) -> Iterator[tuple[Map, Map | None]]:
    """The mounts that hold a server's data, each with its volume."""
    volumes = {volume.string_under("name"): volume for volume in container.pod.node.mappings_under("volumes")}
    for mount in container.node.mappings_under("volumeMounts"):
        path = mount.string_under("mountPath").rstrip("/")
        if any(
            path == data_path or path.startswith(data_path + "/") or data_path.startswith(path + "/") for data_path in paths
        ):
            yield mount, volumes.get(mount.string_under("name"))


def data_ephemeral(container: Container, *, project: Project) -> CheckOutcome:
    """A database keeps its data in an emptyDir, or on no volume at all."""
    claims = any("persistentVolumeClaim" in volume for volume in container.pod.node.mappings_under("volumes"))
    store = kept_data(container, project) if container.role == "main" and container.kind not in {"Job", "CronJob"} else None
    if store is None:
        if not claims:
            yield NotApplicable()
        return
    mounts = list(_data_mounts(container, store.folders))
    for mount, volume in mounts:
        if volume is not None and "emptyDir" in volume:
            yield hit(mount.at("name"), related=store.related, say="empty-dir", path=mount.get("mountPath"))
    if not mounts and not _may_keep_elsewhere(container, store):
        yield missing(container.node.at(), related=store.related, say="no-volume", path=store.folders[0])


def _may_keep_elsewhere(container: Container, store: KeptData) -> bool:
    """Whether the data may stand on a volume that is mounted elsewhere, or what runs may be no server of the image's.

    Options of a server's command move its data no further than to a volume that outlives the pod, where there is one.
    """
    if container.node.get("command") is not None:
        return True
    if container.node.get("args") is not None:
        return not store.is_server_with(container.node.get("args")) or any(_lasting_mounts(container))
    return bool(container.variables.keys() & {"PGDATA", "PATH_DATA", "path.data", "RABBITMQ_MNESIA_BASE"}) and any(
        container.node.mappings_under("volumeMounts")
    )


_ENDS_WITH_POD = ("emptyDir", "configMap", "secret", "projected", "downwardAPI")


def _lasting_mounts(container: Container) -> Iterator[Map]:
    """The mounts of volumes that are not surely gone, or read-only, when the pod is."""
    volumes = {volume.string_under("name"): volume for volume in container.pod.node.mappings_under("volumes")}
    for mount in container.node.mappings_under("volumeMounts"):
        volume = volumes.get(mount.string_under("name"))
        if volume is None or not any(kind in volume for kind in _ENDS_WITH_POD):
            yield mount


def stateful_set_service_wrong(obj: Object, *, project: Project) -> CheckOutcome:
    """A StatefulSet names no Service, or one that is there and not headless or that selects other pods."""
    if obj.kind != "StatefulSet":
        return
    name = obj.spec.get("serviceName")
    if is_variable(name):
        yield Undecidable(obj.spec.at("serviceName"))
        return
    if not isinstance(name, str) or not name:
        yield missing(obj.metadata.at("name"), say="unnamed")
        return
    found = find_named_in_run(obj, "Service", name, project)
    if found.is_ambiguous:
        yield Undecidable(obj.spec.at("serviceName"))
        return
    if found.is_absent:
        told = absence_of(found, obj.namespace)
        yield missing(
            obj.spec.at("serviceName"), say="unknown", related=told.related, severity=told.severity,
            service=name, where=told.where_missing_text,
        )  # fmt: skip
        return
    near = found.meant
    if near and near[0].spec.get("clusterIP") != "None":
        yield hit(obj.spec.at("serviceName"), say="not-headless", service=name)
    elif near and not _service_selects(near[0], obj, project):
        yield hit(obj.spec.at("serviceName"), say="other-pods", service=name)


def _service_selects(service: Object, obj: Object, project: Project) -> bool:
    wanted, workload = (
        service_selector(service),
        object_index(project).workload_by_owner_id.get(id(obj)),
    )
    return wanted is None or workload is None or wanted.matches(workload.labels)


def volume_undefined(pod: Pod) -> CheckOutcome:
    """A container mounts a volume that the pod does not define."""
    owner = pod.owner
    known = {one.string_under("name") for one in pod.node.mappings_under("volumes")}
    known |= {
        claim.mapping_at_path("metadata").string_under("name") for claim in owner.spec.mappings_under("volumeClaimTemplates")
    }
    for container in pod.containers():
        for key in ("volumeMounts", "volumeDevices"):
            for mount in container.node.mappings_under(key):
                name = mount.get("name")
                if isinstance(name, str) and name not in known and not is_variable(name):
                    yield missing(mount.at("name"), container=container.name, volume=name)


def mount_path_repeated(container: Container) -> CheckOutcome:
    """Two volumes are mounted at one path: the API server refuses the pod."""
    seen = set()
    for mount in container.node.mappings_under("volumeMounts"):
        path = mount.get("mountPath")
        if isinstance(path, str) and not is_variable(path):
            if path in seen:
                yield hit(mount.at("mountPath"), path=path)
            seen.add(path)


def claim_size_missing(obj: Object) -> CheckOutcome:
    """A claim asks for no storage, which the API server refuses."""
    if obj.kind == "PersistentVolumeClaim":
        requests = obj.spec.mapping_at_path("resources", "requests")
        if requests.get("storage") is None and as_integer(requests.get("storage")) is None:
            yield missing(obj.metadata.at("name"))
