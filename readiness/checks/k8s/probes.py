"""Probes: missing, alike, too tight, too early, on ports that nobody serves."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from readiness.facts.public_images import is_ready_at_once, starts_slowly
from readiness.kinds.k8s import traffic
from readiness.kinds.k8s.effective import as_integer, is_variable
from readiness.kinds.k8s.index import object_index
from readiness.kinds.k8s.model import (
    LONG_RUNNING_KINDS,
    PROBE_FIELDS,
    Container,
    Pod,
)
from readiness.kinds.k8s.selecting import selecting_objects, service_selectors
from readiness.model import (
    CheckOutcome,
    NotApplicable,
    Related,
    Severity,
    Undecidable,
    hit,
    missing,
)
from readiness.model.project import Project
from readiness.syntax import image as images
from readiness.syntax.nodes import text_or_empty
from readiness.syntax.yaml import Map, Seq

PROBE_HANDLERS = ("httpGet", "tcpSocket", "exec", "grpc")


def is_long_running(pod: Pod) -> bool:
    """Whether a pod is meant to run until it is replaced: no job, and no pod that ends."""
    if pod.kind == "Pod":
        return pod.node.get("restartPolicy") in (None, "Always")
    return pod.kind in LONG_RUNNING_KINDS


def probes_of(container: Container) -> Iterator[tuple[str, Map]]:
    """The probes of a container that are written as mappings."""
    for key in PROBE_FIELDS:
        if isinstance(container.node.get(key), Map):
            yield key, container.node[key]


def probe_setting(probe: Map, key: str, default: int) -> int | None:
    """A number of a probe, its default where it is left out; None where nobody can tell."""
    value = probe.get(key)
    return default if value is None else as_integer(value)


def liveness_probe_missing(container: Container, *, key: str) -> CheckOutcome:
    """A container that runs as long as its pod has no probe of a sort."""
    if container.role == "main" and is_long_running(container.pod) and container.node.get(key) is None:
        yield missing(container.node.at())


def readiness_probe_missing(container: Container, *, served: bool, project: Project) -> CheckOutcome:
    """A container without a readinessProbe; `served`: one that requests reach, else one that they do not.

    Medium where no Service of the files sends them, where they are datagrams, where a rollout puts no new pod beside an old one, and
    for a server that answers at once. Knative brings a probe of its own, and what only sleeps is ready for nothing.
    """
    pod = container.pod
    if container.role != "main" or not is_long_running(pod) or pod.kind == "Service":
        yield NotApplicable()
        return
    if container.node.get("readinessProbe") is not None:
        return
    services = traffic.services_of(pod, project)
    asked = traffic.takes_requests(container, services)
    if not asked and not traffic.opens_port(container) and traffic.is_idle(container):
        yield NotApplicable()
        return
    if (asked or (not services and traffic.opens_port(container))) is not served:
        yield NotApplicable()
        return
    whole = asked and traffic.rolls_over(pod, project) and not traffic.takes_datagrams_only(services)
    image = images.parse_image(container.image) if served and container.image else None
    at_once = image is not None and is_ready_at_once(image) and not any(container.command_lists())
    severity = Severity.MEDIUM if served and (at_once or not whole) else None
    say = "at-once" if at_once else ""
    yield missing(container.node.at(), severity=severity, say=say, server=image.name if image and at_once else "")


def readiness_probe_missing_behind_service(pod: Pod, *, project: Project) -> CheckOutcome:
    """No container of a pod behind a Service has a readinessProbe."""
    workload = object_index(project).workload_by_owner_id.get(id(pod.owner))
    if workload is None or pod.kind in {"Job", "CronJob"}:
        return
    objects = selecting_objects(workload, project, service_selectors)
    if objects and all(one.node.get("readinessProbe") is None for one in pod.containers()):
        span = objects[0].metadata.at("name")
        selected = Related(objects[0].source, span, "this Service sends traffic to it")
        yield missing(pod.node.at("containers"), related=[selected], service=objects[0].name)


def handler_of(probe: Map) -> tuple[str, Any]:
    """What a probe does: the kind of its handler and the handler itself."""
    for key in PROBE_HANDLERS:
        if key in probe:
            return key, probe[key]
    return "", None


def probes_identical(container: Container, *, strict: bool, project: Project) -> CheckOutcome:
    """Liveness and readiness ask the same; unless `strict`, only where liveness gives up no later than readiness.

    Low where nothing sends traffic that a pod could rest from: no Service of the files, to a DaemonSet or a pod without ports.
    """
    liveness, readiness = container.node.get("livenessProbe"), container.node.get("readinessProbe")
    if not isinstance(liveness, Map) or not isinstance(readiness, Map):
        return
    if not handler_of(liveness)[0] or handler_of(liveness) != handler_of(readiness):
        return
    patience = [_tolerated_failure_seconds(one) for one in (liveness, readiness)]
    if not strict and (None in patience or patience[0] > patience[1]):  # type: ignore[operator]
        return
    waits = [probe_setting(one, "timeoutSeconds", 1) for one in (liveness, readiness)]
    if not strict and (None in waits or waits[0] > waits[1]):  # type: ignore[operator]
        return  # under load readiness gives up first
    place = container.node.key_span("readinessProbe")
    related = Related(container.source, place, "the readinessProbe asks the same")
    pod = container.pod
    idle = not traffic.services_of(pod, project) and (pod.kind == "DaemonSet" or not traffic.serves_anything(pod, project))
    severity = Severity.LOW if idle else None
    yield hit(container.node.key_span("livenessProbe"), severity=severity, related=[related])


def _tolerated_failure_seconds(probe: Map) -> int | None:
    """The seconds of silence that a probe bears after it has begun."""
    period, threshold = (
        probe_setting(probe, "periodSeconds", 10),
        probe_setting(probe, "failureThreshold", 3),
    )
    return None if period is None or threshold is None else period * threshold


def liveness_probe_too_tight(container: Container, *, seconds: int) -> CheckOutcome:
    """The livenessProbe restarts after one failure, or within `seconds` of silence."""
    probe = container.node.get("livenessProbe")
    if not isinstance(probe, Map):
        return
    patience, threshold = (
        _tolerated_failure_seconds(probe),
        probe_setting(probe, "failureThreshold", 3),
    )
    if patience is None:
        yield Undecidable(probe.at())
    elif threshold == 1:
        yield hit(probe.at("failureThreshold"), say="first")
    elif patience < seconds:
        key = "periodSeconds" if "periodSeconds" in probe else "failureThreshold"
        yield hit(probe.at(key), say="silence", seconds=patience)


def startup_probe_missing(container: Container) -> CheckOutcome:
    """The livenessProbe waits longer at first than it bears silence later, in the place of a startupProbe."""
    probe = container.node.get("livenessProbe")
    if not isinstance(probe, Map) or isinstance(container.node.get("startupProbe"), Map):
        return
    delay, patience = (
        as_integer(probe.get("initialDelaySeconds")),
        _tolerated_failure_seconds(probe),
    )
    if delay is not None and patience is not None and delay > max(patience, 30):
        yield hit(probe.at("initialDelaySeconds"), delay=delay, patience=patience)


def liveness_probe_before_start(container: Container, *, seconds: int) -> CheckOutcome:
    """A server that starts slowly is restarted by its livenessProbe before `seconds` have passed."""
    probe = container.node.get("livenessProbe")
    if not isinstance(probe, Map) or isinstance(container.node.get("startupProbe"), Map):
        return
    delay, patience = (
        probe_setting(probe, "initialDelaySeconds", 0),
        _tolerated_failure_seconds(probe),
    )
    if delay is None or patience is None or not starts_slowly(images.parse_image(container.image)):
        return
    if delay + patience < seconds:
        yield hit(container.node.key_span("livenessProbe"), total=delay + patience, image=container.image)


def probe_exec_timeout_missing(container: Container) -> CheckOutcome:
    """A probe that runs a command has no timeoutSeconds, so that it gets one second."""
    for key, probe in probes_of(container):
        if isinstance(probe.get("exec"), Map) and probe.get("timeoutSeconds") is None:
            yield missing(container.node.key_span(key), probe=key)


def probe_timeout_over_period(container: Container) -> CheckOutcome:
    """A probe's timeoutSeconds is longer than its period."""
    for key, probe in probes_of(container):
        timeout, period = (
            probe_setting(probe, "timeoutSeconds", 1),
            probe_setting(probe, "periodSeconds", 10),
        )
        if timeout is not None and period is not None and timeout > period:
            yield hit(probe.at("timeoutSeconds"), probe=key, timeout=timeout, period=period)


def declared_ports(container: Container) -> list[Map]:
    """The ports that a container declares."""
    return list(container.node.mappings_under("ports"))


def _handler_and_port(probe: Map) -> tuple[Map, Any] | None:
    """The handler that asks a port, with the port."""
    kind, handler = handler_of(probe)
    if kind in {"httpGet", "tcpSocket", "grpc"} and isinstance(handler, Map) and not handler.get("host"):
        return handler, handler.get("port")
    return None


def probe_port_undefined(container: Container) -> CheckOutcome:
    """A probe asks a port by a name that the container does not define."""
    names = {one.string_under("name") for one in declared_ports(container)}
    for key, probe in probes_of(container):
        asked = _handler_and_port(probe)
        if asked and isinstance(asked[1], str) and not asked[1].isdigit():
            if is_variable(asked[1]):
                yield Undecidable(asked[0].at("port"))
            elif asked[1] not in names:
                yield hit(asked[0].at("port"), probe=key, port=asked[1])


def probe_port_undeclared(container: Container, *, silent: bool) -> CheckOutcome:
    """A probe asks a port number that the container does not declare; `silent`: also where it declares none at all."""
    declared = {
        as_integer(port.get("containerPort")): str(port.get("protocol") or "TCP")
        for port in declared_ports(container)
        if port.get("protocol") in (None, "TCP")
    }
    others = {port.get("name") for port in declared_ports(container) if port.get("protocol") not in (None, "TCP")}
    for key, probe in probes_of(container):
        asked = _handler_and_port(probe)
        if asked is None:
            continue
        port = asked[1]
        port = int(port) if isinstance(port, str) and port.isdigit() and len(port) < 6 else port
        unlisted = as_integer(port) is not None and port not in declared and (silent or declared_ports(container))
        if unlisted or port in others:
            yield hit(asked[0].at("port"), probe=key, port=port)


def probe_scheme_mismatch(container: Container) -> CheckOutcome:
    """An httpGet probe speaks HTTP to a port for HTTPS, or the other way round, as its number or name tells."""
    by_name = {port.get("name"): as_integer(port.get("containerPort")) for port in declared_ports(container)}
    by_port = {number: name for name, number in by_name.items() if isinstance(name, str)}
    for key, probe in probes_of(container):
        handler = probe.get("httpGet")
        if not isinstance(handler, Map):
            continue
        port = handler.get("port")
        name = port if isinstance(port, str) else by_port.get(port, "")
        wanted = _scheme_of_port(by_name.get(port, port), text_or_empty(name))
        used = handler.get("scheme") or "HTTP"
        if wanted and used in {"HTTP", "HTTPS"} and used != wanted:
            place = "scheme" if "scheme" in handler else "port"
            yield hit(handler.at(place), probe=key, used=used, wanted=wanted, port=port)


def _scheme_of_port(port: Any, name: str) -> str:
    """The scheme that a port's name or number stands for; empty where they say nothing."""
    if name == "https" or name.startswith("https-") or (port in {443, 8443} and not name):
        return "HTTPS"
    return "HTTP" if name == "http" and port not in {443, 8443} else ""


_OTHER_HOST_COMMAND = re.compile(
    r"(?:pg_isready|psql|mysqladmin|mysql|redis-cli|mongosh?|rabbitmqctl)\b[^|;&]{0,400}?\s(?:-h|--host)[ =]([\w.-]+)"
    r"|\bnc\s(?:-\w{1,20}\s){0,20}([A-Za-z][\w.-]{0,252})\s+\d+"
    r"|\b(?:curl|wget)\b[^|;&]{0,400}?https?://([A-Za-z][\w.-]*)"
)
_LOCAL_HOSTS = frozenset({"localhost", "ip6-localhost", "127.0.0.1"})


def liveness_probe_dependency(container: Container) -> CheckOutcome:
    """The livenessProbe asks another server, so that its failure restarts this one."""
    probe = container.node.get("livenessProbe")
    if not isinstance(probe, Map):
        return
    kind, handler = handler_of(probe)
    if not isinstance(handler, Map):
        return
    host = handler.get("host")
    if kind in {"httpGet", "tcpSocket"} and isinstance(host, str) and host not in _LOCAL_HOSTS and not is_variable(host):
        yield hit(handler.at("host"), host=host)
    command = handler.get("command")
    if kind == "exec" and isinstance(command, Seq):
        line = " ".join(str(part) for part in command)[:4000]
        match = _OTHER_HOST_COMMAND.search(line)
        name = next((group for group in match.groups() if group), "") if match else ""
        if name and name not in _LOCAL_HOSTS:
            yield hit(handler.at("command"), host=name)


def probe_invalid(container: Container) -> CheckOutcome:
    """A probe that the API server refuses: no handler or several, or a number out of range."""
    for key, probe in probes_of(container):
        used = [one for one in PROBE_HANDLERS if probe.get(one) is not None]
        if not used and not is_variable(probe.get("httpGet")):
            yield missing(container.node.key_span(key), say="none", probe=key)
        elif len(used) > 1:
            yield hit(probe.key_span(used[1]), say="several", probe=key, count=len(used))
        success = as_integer(probe.get("successThreshold"))
        if success is not None and success != 1 and key != "readinessProbe":
            yield hit(probe.at("successThreshold"), say="success", probe=key)
        for name, least in _MINIMUM_BY_SETTING:
            value = as_integer(probe.get(name))
            if value is not None and value < least:
                yield hit(probe.at(name), say="low", probe=key, field=name, value=value, least=least)


_MINIMUM_BY_SETTING: Sequence[tuple[str, int]] = (("periodSeconds", 0), ("timeoutSeconds", 0), ("failureThreshold", 0),
                                     ("initialDelaySeconds", 0), ("successThreshold", 0))  # fmt: skip


def init_container_probe(container: Container) -> CheckOutcome:
    """An init container has a probe or a lifecycle hook, which only a sidecar may have."""
    if container.role == "init":
        for key in (*PROBE_FIELDS, "lifecycle"):
            if container.node.get(key) is not None:
                yield hit(container.node.key_span(key), key=key)


def pre_stop_missing(container: Container, *, project: Project) -> CheckOutcome:
    """A container that takes traffic from a Service has no preStop hook."""
    pod = container.pod
    workload = object_index(project).workload_by_owner_id.get(id(pod.owner))
    if container.role != "main" or workload is None or pod.kind not in LONG_RUNNING_KINDS:
        return
    hooked = "preStop" in container.node.mapping_at_path("lifecycle")
    if not hooked and declared_ports(container) and selecting_objects(workload, project, service_selectors):
        yield missing(container.node.at())
