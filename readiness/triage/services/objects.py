"""The objects about what runs: what selects it, leads to it, scales it, and what it names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from readiness.checks.k8s.apis import namespaced_kinds
from readiness.checks.k8s.references import references_of
from readiness.facts.table import property_by_fact_name
from readiness.kinds.k8s.elsewhere import find_matching_services_in_run
from readiness.kinds.k8s.index import ObjectIndex, object_index, scale_target_kind_and_name
from readiness.kinds.k8s.labels import Selector, parse_label_selector, selector_of_service
from readiness.kinds.k8s.model import Object
from readiness.kinds.k8s.selecting import selector_of_budget
from readiness.kinds.units import MAX_CANDIDATES_PER_QUESTION
from readiness.model.project import Project
from readiness.syntax.yaml import Map
from readiness.triage.services.graph import Belonging, NamedThing, Runner, ServiceGraph
from readiness.triage.services.kubernetes import RunnersByObjectId, home_of_object, is_object_listed, part_of_object, place_of_object

_RunnersAndReason = tuple[list[Runner], str]


class ObjectJoins:
    """The objects of a project, each with what it is about, as far as something says so."""

    def __init__(self, project: Project, graph: ServiceGraph, runners_by_object_id: RunnersByObjectId) -> None:
        self.project = project
        self.graph = graph
        self.index: ObjectIndex = object_index(project)
        self.runners_by_object_id = runners_by_object_id
        self.joined_by_id: dict[int, _RunnersAndReason] = {}
        self.secret_makers_by_name: dict[str, list[Object]] = {}

    def add_all(self) -> None:
        """Enter every object of the project that is none of what runs."""
        for kind in sorted(property_by_fact_name("kubernetes-custom", "secrets")):
            for obj in self.index.objects_of_kinds(kind):
                for name in _made_secret_names(obj):
                    self.secret_makers_by_name.setdefault(name, []).append(obj)
        self._join_what_workloads_name()
        for find_runners in (self._joined_by_selector, self._joined_by_target, self._joined_by_route, self._joined_by_account):
            for obj in self._objects():
                if id(obj) in self.joined_by_id or id(obj) in self.runners_by_object_id:
                    continue
                runners_and_reason = find_runners(obj)
                if runners_and_reason is not None and runners_and_reason[0]:
                    runners, reason = runners_and_reason
                    self.joined_by_id[id(obj)] = _few(runners), reason
        self._join_roles_of_bindings()
        self._enter()

    def _objects(self) -> Iterator[Object]:
        for objects in self.index.objects_by_kind.values():
            yield from objects

    def _enter(self) -> None:
        for obj in self._objects():
            if id(obj) in self.runners_by_object_id or obj.source.fragment or not obj.name:
                continue
            is_listed, places = is_object_listed(obj, self.project), (place_of_object(obj),)
            if id(obj) in self.joined_by_id:
                runners, reason = self.joined_by_id[id(obj)]
                self.graph.belongings.append(Belonging(part_of_object(obj, self.project, reason), places, runners, is_listed))
            elif obj.kind in namespaced_kinds():
                part = part_of_object(obj, self.project, "")
                self.graph.named_things.append(NamedThing(part, places, obj.name, home_of_object(obj, self.project), is_listed))

    def _join_what_workloads_name(self) -> None:
        """Join ConfigMaps, Secrets, accounts and claims with the workloads that name them; with jobs only where nothing that lasts does."""
        users_by_id: dict[int, list[Runner]] = {}
        object_by_id: dict[int, Object] = {}
        for workload in self.index.workloads:
            runners, pod = self.runners_by_object_id.get(id(workload.owner)), workload.pod
            if not runners or pod is None:
                continue
            kinds_and_names = {(one.kind, one.name) for one in references_of(pod)}
            kinds_and_names.add(("ServiceAccount", pod.node.string_under("serviceAccountName")))
            for kind, name in sorted(kinds_and_names):
                named_objects = list(self.index.find_named(pod, kind, name).meant) if name and name != "default" else []
                if kind == "Secret" and not named_objects:
                    named_objects = self.secret_makers_by_name.get(name, [])
                for obj in named_objects:
                    object_by_id[id(obj)] = obj
                    users_by_id.setdefault(id(obj), []).extend(runners)
        for object_id, users in users_by_id.items():
            lasting_users = [one for one in users if not one.is_job] or users
            self.joined_by_id[object_id] = _few(lasting_users), f"{lasting_users[0].part.resource} names it"

    def _runners_selected(self, obj: Object, selector: Selector | None) -> _RunnersAndReason | None:
        if selector is None or selector.selects_everything:
            return None
        workloads = self.index.resolve_selected_workloads(obj, selector).meant
        runners = [runner for one in workloads for runner in self.runners_by_object_id.get(id(one.owner), ())]
        return [one for one in runners if not one.is_job] or runners, f"selector {_selector_text(selector)}"

    def _joined_by_selector(self, obj: Object) -> _RunnersAndReason | None:
        if obj.kind == "Service" and obj.group == "":
            return self._runners_selected(obj, selector_of_service(obj))
        if obj.kind == "PodDisruptionBudget":
            return self._runners_selected(obj, selector_of_budget(obj))
        if obj.kind == "NetworkPolicy":
            return self._runners_selected(obj, parse_label_selector(obj.spec.get("podSelector")))
        if obj.kind == "CiliumNetworkPolicy":
            return self._runners_selected(obj, parse_label_selector(obj.spec.get("endpointSelector")))
        if obj.kind == "PodMonitor" or (obj.kind in {"AuthorizationPolicy", "PeerAuthentication"} and obj.spec.get("selector")):
            return self._runners_selected(obj, parse_label_selector(obj.spec.get("selector")))
        return None

    def _joined_by_target(self, obj: Object) -> _RunnersAndReason | None:
        target_kind, target_name = scale_target_kind_and_name(obj)
        if not target_name:
            return None
        targets = self.index.find_named(obj, target_kind, target_name, is_shared_thing=False).meant
        return [one for target in targets for one in self.runners_by_object_id.get(id(target), ())], f"scales {target_kind}/{target_name}"

    def _joined_by_route(self, obj: Object) -> _RunnersAndReason | None:
        """What a route leads to, and a monitor of Services looks at."""
        if obj.kind == "ServiceMonitor":
            selector = parse_label_selector(obj.spec.get("selector"))
            if selector is None or not selector.pairs:
                return None
            matching_services = find_matching_services_in_run(obj, selector, self.project, obj.namespace).meant
            return self._runners_of_objects(matching_services), f"selector {_selector_text(selector)}"
        names = list(dict.fromkeys(_backend_service_names(obj)))
        services = tuple(one for name in names for one in self.index.find_named(obj, "Service", name, is_shared_thing=False).meant)
        if len(names) > len({one.name for one in services}) and services:
            return None  # one of them is not here, and may be anybody's
        return self._runners_of_objects(services), f"backend {', '.join(names[:3])}"

    def _joined_by_account(self, obj: Object) -> _RunnersAndReason | None:
        if obj.kind != "RoleBinding":
            return None
        account_names = [one.string_under("name") for one in obj.node.mappings_under("subjects") if one.get("kind") == "ServiceAccount"]
        accounts = [one for name in account_names if name for one in self.index.find_named(obj, "ServiceAccount", name).meant]
        return self._runners_of_objects(accounts), f"binds ServiceAccount/{account_names[0]}" if account_names else ""

    def _join_roles_of_bindings(self) -> None:
        for binding in self.index.objects_of_kinds("RoleBinding"):
            role_reference = binding.node.mapping_at_path("roleRef")
            if role_reference.get("kind") != "Role" or id(binding) not in self.joined_by_id:
                continue
            for role in self.index.find_named(binding, "Role", role_reference.string_under("name")).meant:
                runners, _ = self.joined_by_id.get(id(role), ([], ""))
                self.joined_by_id[id(role)] = _few([*runners, *self.joined_by_id[id(binding)][0]]), f"bound by {binding.resource}"

    def _runners_of_objects(self, objects: Iterable[Object]) -> list[Runner]:
        """What some objects belong to: themselves where they run."""
        runners: list[Runner] = []
        for obj in objects:
            runners += self.runners_by_object_id.get(id(obj)) or self.joined_by_id.get(id(obj), ([], ""))[0]
        return runners


def _few(runners: list[Runner]) -> list[Runner]:
    """Runners of which an object may be one service's; none where so many use it that it is nobody's."""
    return runners if len(runners) <= MAX_CANDIDATES_PER_QUESTION else []


def _made_secret_names(obj: Object) -> set[str]:
    """The names that the Secret which a controller makes of an object may have."""
    names = {
        obj.spec.mapping_at_path("target").get("name"),
        obj.spec.get("secretName"),
        obj.spec.mapping_at_path("destination").get("name"),
        obj.name,
    }
    return {one for one in names if isinstance(one, str) and one}


def _selector_text(selector: Selector) -> str:
    """A selector in a line: its first pairs."""
    return ",".join(f"{key}={value}" for key, value in selector.pairs[:3]) or "of all"


def _backend_service_names(obj: Object) -> Iterator[str]:
    """The Services that an object leads requests to."""
    from readiness.checks.k8s.gateway import backend_references, is_route
    from readiness.checks.k8s.ingress import backends_of, is_ingress

    if is_ingress(obj):
        yield from (name for _, name, _ in backends_of(obj))
    elif is_route(obj):
        yield from (name for _, name, _, _ in backend_references(obj))
    elif obj.kind == "IngressRoute":
        for route in obj.spec.mappings_under("routes"):
            yield from (one.string_under("name") for one in route.mappings_under("services") if one.get("kind") in (None, "Service"))
    elif obj.kind == "Route" and obj.group == "route.openshift.io":
        yield obj.spec.mapping_at_path("to").string_under("name")
    elif obj.kind == "VirtualService":
        for protocol in ("http", "tcp", "tls"):
            for route in obj.spec.mappings_under(protocol):
                yield from (_host_name(one.mapping_at_path("destination")) for one in route.mappings_under("route"))
    elif obj.kind == "DestinationRule":
        yield _host_name(obj.spec)


def _host_name(node: Map) -> str:
    """The name of the Service that a host of Istio's means."""
    host: Any = node.get("host")
    return host.partition(".")[0] if isinstance(host, str) else ""
