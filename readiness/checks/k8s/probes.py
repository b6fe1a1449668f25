"""Probes: missing, alike, too tight, too early, on ports that nobody serves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from readiness.checks.k8s.callers import failing_webhook_of_service, is_service_used
from readiness.checks.k8s.written import lowered_where_values_decide, unknown_in_fragments
from readiness.facts.public_images import is_server_ready_at_once, is_slow_starting_server
from readiness.kinds.k8s import traffic
from readiness.kinds.k8s.agents import is_filled_in_by_injector
from readiness.kinds.k8s.effective import integer_or_none, is_filled_in_value
from readiness.kinds.k8s.index import object_index
from readiness.kinds.k8s.model import (
    LONG_RUNNING_KINDS,
    PROBE_FIELDS,
    Container,
    Object,
    Pod,
)
from readiness.kinds.k8s.selecting import certain_selecting_objects, service_selector_index
from readiness.kinds.k8s.starting import slow_start_sign
from readiness.model import CheckOutcome, NotApplicable, Related, Severity, Undecidable, hit, missing
from readiness.model.lazy_regex import lazy_regex
from readiness.model.messages import FactValue
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
    for probe_key in PROBE_FIELDS:
        if isinstance(container.node.get(probe_key), Map):
            yield probe_key, container.node[probe_key]


def probe_number(probe: Map, key: str, default: int) -> int | None:
    """A number of a probe, its default where it is left out; None where nobody can tell."""
    setting_value = probe.get(key)
    return default if setting_value is None else integer_or_none(setting_value)


def liveness_probe_missing(container: Container, *, key: str) -> CheckOutcome:
    """A container that runs as long as its pod has no probe of a sort."""
    if container.role == "main" and is_long_running(container.pod) and container.node.get(key) is None:
        yield missing(container.node.at())


def readiness_probe_missing(container: Container, *, served: bool, project: Project) -> CheckOutcome:
    """A container without a readinessProbe; `served`: one that requests reach, else one that they do not.

    Medium but where the files prove that requests are lost: others use the Service, a rollout puts new pods beside old ones, and the
    container surely needs time before it answers, or it is a webhook without which the API server refuses. Not behind a startupProbe,
    until whose success the kubelet calls no container ready. Knative brings a probe of its own, and what only sleeps is ready for nothing.
    """
    pod = container.pod
    if container.role != "main" or not is_long_running(pod) or pod.kind == "Service":
        yield NotApplicable()
        return
    if container.node.get("readinessProbe") is not None:
        return
    services = traffic.services_selecting_pod(pod, project)
    if not traffic.declares_traffic_port(container) and traffic.is_idle_container(container):
        yield NotApplicable()
        return
    takes_requests = traffic.receives_service_requests(container, services)
    if (takes_requests or (not services and traffic.declares_traffic_port(container))) is not served:
        yield NotApplicable()
        return
    if not served:
        yield missing(container.node.at())
        return
    message_name, facts = _reason_for_severity(container, services, project) if takes_requests else ("", {})
    severity = None if message_name in _MESSAGES_OF_LOST_REQUESTS else Severity.MEDIUM
    yield missing(container.node.at(), severity=severity, say=message_name)._replace(facts=facts)


# The names of the sentences that say how the files prove that requests are lost.
_MESSAGES_OF_LOST_REQUESTS = frozenset({"delay", "server", "work", "jvm", "webhook"})


def _reason_for_severity(container: Container, services: Sequence[Object], project: Project) -> tuple[str, dict[str, FactValue]]:
    """The sentence, and its facts, that says why requests are lost without a readinessProbe, or why they are not; empty where nothing does."""
    if isinstance(container.node.get("startupProbe"), Map):
        return "after-startup", {}
    image = images.parse_image(container.image)
    if container.image and is_server_ready_at_once(image) and not any(container.command_lists()):
        return "at-once", {"server": image.name}
    if not traffic.has_overlapping_rollout(container.pod, project) or traffic.has_only_udp_ports(list(services)):
        return "", {}
    own_services = [one for one in services if traffic.receives_service_requests(container, [one])]
    webhook = next((one for service in own_services if (one := failing_webhook_of_service(service, project)) is not None), None)
    if webhook is not None:
        return "webhook", {"webhook": webhook.resource}
    sign = slow_start_sign(container)
    if sign is not None and any(is_service_used(one, container.pod, project) for one in own_services):
        return sign.sort, {"sign": sign.words}
    return "", {}


def readiness_probe_missing_behind_service(pod: Pod, *, project: Project) -> CheckOutcome:
    """No container of a pod behind a Service has a readinessProbe."""
    workload = object_index(project).workload_by_owner_id.get(id(pod.owner))
    if workload is None or pod.kind in {"Job", "CronJob"}:
        return
    selecting_services = certain_selecting_objects(workload, project, service_selector_index)
    if selecting_services and not any(one.node.get("readinessProbe") is not None or is_filled_in_by_injector(one) for one in pod.containers()):
        service_name_span = selecting_services[0].metadata.at("name")
        service_location = Related(selecting_services[0].source, service_name_span, "this Service sends traffic to it")
        yield missing(pod.node.at("containers"), related=[service_location], service=selecting_services[0].name)


def probe_handler_kind_and_map(probe: Map) -> tuple[str, Any]:
    """What a probe does: the kind of its handler and the handler itself."""
    for handler_kind in PROBE_HANDLERS:
        if handler_kind in probe:
            return handler_kind, probe[handler_kind]
    return "", None


def probes_identical(container: Container, *, strict: bool, project: Project) -> CheckOutcome:
    """Liveness and readiness ask the same; unless `strict`, only where liveness gives up no later than readiness.

    Low where nothing sends traffic that a pod could rest from: no Service of the files, to a DaemonSet or a pod without ports.
    """
    liveness_probe, readiness_probe = container.node.get("livenessProbe"), container.node.get("readinessProbe")
    if not isinstance(liveness_probe, Map) or not isinstance(readiness_probe, Map):
        return
    if not probe_handler_kind_and_map(liveness_probe)[0] or probe_handler_kind_and_map(liveness_probe) != probe_handler_kind_and_map(readiness_probe):
        return
    tolerated_seconds = [_tolerated_failure_seconds(one) for one in (liveness_probe, readiness_probe)]
    if not strict and (None in tolerated_seconds or tolerated_seconds[0] > tolerated_seconds[1]):  # type: ignore[operator]
        return
    timeouts = [probe_number(one, "timeoutSeconds", 1) for one in (liveness_probe, readiness_probe)]
    if not strict and (None in timeouts or timeouts[0] > timeouts[1]):  # type: ignore[operator]
        return  # under load readiness gives up first
    readiness_span = container.node.key_span("readinessProbe")
    readiness_location = Related(container.source, readiness_span, "the readinessProbe asks the same")
    pod = container.pod
    receives_no_traffic = not traffic.services_selecting_pod(pod, project) and (
        pod.kind == "DaemonSet" or not traffic.may_serve_requests(pod, project)
    )
    severity = Severity.LOW if receives_no_traffic else None
    yield hit(container.node.key_span("livenessProbe"), severity=severity, related=[readiness_location])


def _tolerated_failure_seconds(probe: Map) -> int | None:
    """The seconds of silence that a probe bears after it has begun."""
    period_seconds, failure_threshold = (
        probe_number(probe, "periodSeconds", 10),
        probe_number(probe, "failureThreshold", 3),
    )
    return None if period_seconds is None or failure_threshold is None else period_seconds * failure_threshold


def liveness_probe_too_tight(container: Container, *, seconds: int) -> CheckOutcome:
    """The livenessProbe restarts after one failure, or within `seconds` of silence."""
    probe = container.node.get("livenessProbe")
    if not isinstance(probe, Map):
        return
    tolerated_seconds, failure_threshold = (
        _tolerated_failure_seconds(probe),
        probe_number(probe, "failureThreshold", 3),
    )
    if tolerated_seconds is None:
        yield Undecidable(probe.at())
    elif failure_threshold == 1:
        yield hit(probe.at("failureThreshold"), say="first")
    elif tolerated_seconds < seconds:
        setting_key = "periodSeconds" if "periodSeconds" in probe else "failureThreshold"
        yield hit(probe.at(setting_key), say="silence", seconds=tolerated_seconds)


@unknown_in_fragments
def startup_probe_missing(container: Container) -> CheckOutcome:
    """The livenessProbe waits longer at first than it bears silence later, in the place of a startupProbe."""
    probe = container.node.get("livenessProbe")
    if not isinstance(probe, Map) or isinstance(container.node.get("startupProbe"), Map):
        return
    initial_delay, tolerated_seconds = (
        integer_or_none(probe.get("initialDelaySeconds")),
        _tolerated_failure_seconds(probe),
    )
    if initial_delay is not None and tolerated_seconds is not None and initial_delay > max(tolerated_seconds, 30):
        yield hit(probe.at("initialDelaySeconds"), delay=initial_delay, patience=tolerated_seconds)


def liveness_probe_before_start(container: Container, *, seconds: int) -> CheckOutcome:
    """A server that starts slowly is restarted by its livenessProbe before `seconds` have passed."""
    probe = container.node.get("livenessProbe")
    if not isinstance(probe, Map) or isinstance(container.node.get("startupProbe"), Map):
        return
    initial_delay, tolerated_seconds = (
        probe_number(probe, "initialDelaySeconds", 0),
        _tolerated_failure_seconds(probe),
    )
    if initial_delay is None or tolerated_seconds is None or not is_slow_starting_server(images.parse_image(container.image)):
        return
    if initial_delay + tolerated_seconds < seconds:
        yield hit(container.node.key_span("livenessProbe"), total=initial_delay + tolerated_seconds, image=container.image)


def probe_exec_timeout_missing(container: Container) -> CheckOutcome:
    """A probe that runs a command has no timeoutSeconds, so that it gets one second."""
    for probe_key, probe in probes_of(container):
        if isinstance(probe.get("exec"), Map) and probe.get("timeoutSeconds") is None:
            yield missing(container.node.key_span(probe_key), probe=probe_key)


def probe_timeout_over_period(container: Container) -> CheckOutcome:
    """A probe's timeoutSeconds is longer than its period."""
    for probe_key, probe in probes_of(container):
        timeout_seconds, period_seconds = (
            probe_number(probe, "timeoutSeconds", 1),
            probe_number(probe, "periodSeconds", 10),
        )
        if timeout_seconds is not None and period_seconds is not None and timeout_seconds > period_seconds:
            yield hit(probe.at("timeoutSeconds"), probe=probe_key, timeout=timeout_seconds, period=period_seconds)


def declared_ports(container: Container) -> list[Map]:
    """The ports that a container declares."""
    return list(container.node.mappings_under("ports"))


def _port_handler_and_port(probe: Map) -> tuple[Map, Any] | None:
    """The handler that asks a port, with the port."""
    handler_kind, handler = probe_handler_kind_and_map(probe)
    if handler_kind in {"httpGet", "tcpSocket", "grpc"} and isinstance(handler, Map) and not handler.get("host"):
        return handler, handler.get("port")
    return None


@lowered_where_values_decide()
@unknown_in_fragments
def probe_port_undefined(container: Container) -> CheckOutcome:
    """A probe asks a port by a name that the container does not define."""
    port_names = {one.string_under("name") for one in declared_ports(container)}
    for probe_key, probe in probes_of(container):
        handler_and_port = _port_handler_and_port(probe)
        if handler_and_port and isinstance(handler_and_port[1], str) and not handler_and_port[1].isdigit():
            if is_filled_in_value(handler_and_port[1]):
                yield Undecidable(handler_and_port[0].at("port"))
            elif handler_and_port[1] not in port_names:
                yield hit(handler_and_port[0].at("port"), probe=probe_key, port=handler_and_port[1])


_PORT_AT_END_OF_ARGUMENT = lazy_regex(
    r"(?i)(?:addr(?:ess)?|bind|listen|port|host)[\w.-]{0,40}[= ][\"']?(?:[\w.-]{0,253}:|\[[0-9a-f:]{0,40}\]:)?([0-9]{2,5})[\"']?\Z"
)


def _ports_in_arguments(container: Container) -> frozenset[int]:
    """The port numbers that arguments of a container tell its process to listen on (`--health-probe-bind-address=:8081`, `--port 8081`)."""
    words = [str(word)[:400] for part in container.command_lists() for word in part]
    words += [f"{option} {value}" for option, value in pairwise(words) if option.startswith("-") and "=" not in option]
    return frozenset(int(match[1]) for word in words if word.startswith("-") and (match := _PORT_AT_END_OF_ARGUMENT.search(word)))


@unknown_in_fragments
def probe_port_undeclared(container: Container, *, silent: bool) -> CheckOutcome:
    """A probe asks a port number that the container does not declare; `silent`: also where it declares none at all.

    Info where the container's own arguments name the port: something listens on it.
    """
    protocol_by_tcp_port = {
        integer_or_none(port.get("containerPort")): str(port.get("protocol") or "TCP")
        for port in declared_ports(container)
        if port.get("protocol") in (None, "TCP")
    }
    non_tcp_port_names = {port.get("name") for port in declared_ports(container) if port.get("protocol") not in (None, "TCP")}
    for probe_key, probe in probes_of(container):
        handler_and_port = _port_handler_and_port(probe)
        if handler_and_port is None:
            continue
        port = handler_and_port[1]
        port = int(port) if isinstance(port, str) and port.isdecimal() and len(port) < 6 else port
        is_undeclared = integer_or_none(port) is not None and port not in protocol_by_tcp_port and (silent or declared_ports(container))
        if is_undeclared or port in non_tcp_port_names:
            severity = Severity.INFO if port in _ports_in_arguments(container) else None
            yield hit(handler_and_port[0].at("port"), severity=severity, probe=probe_key, port=port)


@unknown_in_fragments
def probe_scheme_mismatch(container: Container) -> CheckOutcome:
    """An httpGet probe speaks HTTP to a port for HTTPS, or the other way round, as its number or name tells.

    A port called `http` of a program that is given a certificate is no sign: patches switch TLS on and leave the name.
    """
    port_number_by_name = {port.get("name"): integer_or_none(port.get("containerPort")) for port in declared_ports(container)}
    port_name_by_number = {number: port_name for port_name, number in port_number_by_name.items() if isinstance(port_name, str)}
    for probe_key, probe in probes_of(container):
        handler = probe.get("httpGet")
        if not isinstance(handler, Map):
            continue
        port = handler.get("port")
        port_name = port if isinstance(port, str) else port_name_by_number.get(port, "")
        expected_scheme = _scheme_of_port(port_number_by_name.get(port, port), text_or_empty(port_name))
        written_scheme = handler.get("scheme") or "HTTP"
        if expected_scheme == "HTTP" and any(_CERTIFICATE_FLAG.match(str(word)) for words in container.command_lists() for word in words):
            continue
        if expected_scheme and written_scheme in {"HTTP", "HTTPS"} and written_scheme != expected_scheme:
            handler_key = "scheme" if "scheme" in handler else "port"
            yield hit(handler.at(handler_key), probe=probe_key, used=written_scheme, wanted=expected_scheme, port=port)


_CERTIFICATE_FLAG = lazy_regex(r"--?(?:tls|ssl)[-_.]?[cC]ert")


def _scheme_of_port(port: Any, port_name: str) -> str:
    """The scheme that a port's name or number stands for; empty where they say nothing."""
    if port_name == "https" or port_name.startswith("https-") or (port in {443, 8443} and not port_name):
        return "HTTPS"
    return "HTTP" if port_name == "http" and port not in {443, 8443} else ""


_OTHER_HOST_COMMAND_PATTERN = lazy_regex(
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
    handler_kind, handler = probe_handler_kind_and_map(probe)
    if not isinstance(handler, Map):
        return
    host = handler.get("host")
    if handler_kind in {"httpGet", "tcpSocket"} and isinstance(host, str) and host not in _LOCAL_HOSTS and not is_filled_in_value(host):
        yield hit(handler.at("host"), host=host)
    command = handler.get("command")
    if handler_kind == "exec" and isinstance(command, Seq):
        command_line = " ".join(str(part) for part in command)[:4000]
        command_match = _OTHER_HOST_COMMAND_PATTERN.search(command_line)
        host_name = next((group for group in command_match.groups() if group), "") if command_match else ""
        if host_name and host_name not in _LOCAL_HOSTS:
            yield hit(handler.at("command"), host=host_name)


@lowered_where_values_decide()
def probe_invalid(container: Container) -> CheckOutcome:
    """A probe that the API server refuses: no handler or several, or a number out of range."""
    for probe_key, probe in probes_of(container):
        handler_kinds = [one for one in PROBE_HANDLERS if probe.get(one) is not None]
        if not handler_kinds and not is_filled_in_value(probe.get("httpGet")):
            yield missing(container.node.key_span(probe_key), say="none", probe=probe_key)
        elif len(handler_kinds) > 1:
            yield hit(probe.key_span(handler_kinds[1]), say="several", probe=probe_key, count=len(handler_kinds))
        success_threshold = integer_or_none(probe.get("successThreshold"))
        if success_threshold is not None and success_threshold != 1 and probe_key != "readinessProbe":
            yield hit(probe.at("successThreshold"), say="success", probe=probe_key)
        for setting_name, minimum in _SETTINGS_AND_MINIMUMS:
            setting_value = integer_or_none(probe.get(setting_name))
            if setting_value is not None and setting_value < minimum:
                yield hit(probe.at(setting_name), say="low", probe=probe_key, field=setting_name, value=setting_value, least=minimum)


_SETTINGS_AND_MINIMUMS: Sequence[tuple[str, int]] = (("periodSeconds", 0), ("timeoutSeconds", 0), ("failureThreshold", 0),
                                     ("initialDelaySeconds", 0), ("successThreshold", 0))  # fmt: skip


@unknown_in_fragments
def init_container_probe(container: Container) -> CheckOutcome:
    """An init container has a probe or a lifecycle hook, which only a sidecar may have."""
    if container.role == "init":
        for forbidden_key in (*PROBE_FIELDS, "lifecycle"):
            if container.node.get(forbidden_key) is not None:
                yield hit(container.node.key_span(forbidden_key), key=forbidden_key)


def pre_stop_missing(container: Container, *, project: Project) -> CheckOutcome:
    """A container that takes traffic from a Service has no preStop hook."""
    pod = container.pod
    workload = object_index(project).workload_by_owner_id.get(id(pod.owner))
    if container.role != "main" or workload is None or pod.kind not in LONG_RUNNING_KINDS:
        return
    has_pre_stop_hook = "preStop" in container.node.mapping_at_path("lifecycle")
    if not has_pre_stop_hook and declared_ports(container) and certain_selecting_objects(workload, project, service_selector_index):
        yield missing(container.node.at())
