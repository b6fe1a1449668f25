"""Flags of the control plane whose harm depends on the release, and on where the program listens."""

from __future__ import annotations

import re
from collections.abc import Mapping

from readiness.checks.k8s.flags import Flag, flags_of, missing_flag_span
from readiness.kinds.k8s.effective import is_variable
from readiness.kinds.k8s.model import Container
from readiness.kinds.variables import VariableSetting
from readiness.model import CheckOutcome, Severity, Undecidable, hit, missing
from readiness.syntax import image as images

_KUBERNETES_VERSION = re.compile(r"v?1\.([0-9]{1,3})(?:\.|\Z)")
# https://github.com/kubernetes/kubernetes/pull/95856 and https://github.com/kubernetes/kubernetes/pull/106859
_LAST_MINOR_WITH_INSECURE_PORT = 19  # the last minor release that listens without TLS
_LAST_MINOR_KNOWING_FLAGS = 23  # the last one that knows the flags
_LOCAL_URL = re.compile(r"https?://(?:localhost|127\.[0-9.]+|\[::1\])(?::|/|\Z)|unixs?:")


def _minor_version(container: Container) -> int | None:
    """The minor release of Kubernetes that an image's tag tells of."""
    match = _KUBERNETES_VERSION.match(images.parse_image(container.image).tag or "")
    return int(match[1]) if match else None


def control_plane_apiserver(container: Container) -> CheckOutcome:
    """The API server is given an address without TLS.

    Up to 1.19 it listens there, on every address critical and on its own machine medium; 1.20 to 1.23 take no notice; later
    ones do not start.
    """
    flags = flags_of(container, "kube-apiserver") or {}
    address = flags.get("insecure-bind-address")
    if address is None:
        return
    port = flags.get("insecure-port", Flag("8080", address.span)).value
    yield hit(address.span, severity=_listening_severity(container, address.value, port))


def control_plane_plain_port(container: Container) -> CheckOutcome:
    """The API server is given a port without TLS that is not 0; as bad as the address that it listens on."""
    flags = flags_of(container, "kube-apiserver") or {}
    port = flags.get("insecure-port")
    if port is None or port.value in ("0", ""):
        return
    if is_variable(port.value):
        yield Undecidable(port.span)
        return
    address = flags.get("insecure-bind-address", Flag("127.0.0.1", port.span)).value
    minor = _minor_version(container)
    severity = _listening_severity(container, address, port.value)
    if minor is not None and _LAST_MINOR_WITH_INSECURE_PORT < minor <= _LAST_MINOR_KNOWING_FLAGS:
        severity = Severity.HIGH  # no port but 0 is taken
    yield hit(port.span, port=port.value, severity=severity)


def _listening_severity(container: Container, address: str, port: str) -> Severity:
    """How bad it is to be told to listen without TLS."""
    minor = _minor_version(container)
    if minor is None or minor > _LAST_MINOR_KNOWING_FLAGS:
        return Severity.HIGH
    if minor > _LAST_MINOR_WITH_INSECURE_PORT or port == "0":
        return Severity.LOW
    local = address in ("localhost", "::1") or address.startswith("127.")
    return Severity.MEDIUM if local else Severity.CRITICAL


def control_plane_etcd(container: Container) -> CheckOutcome:
    """etcd asks clients for no certificate.

    High where the files show that it is the cluster's own and that it listens to more than its own machine; else medium.
    """
    flags = flags_of(container, "etcd")
    if flags is None:
        return
    variables = container.variables
    written = flags.get("client-cert-auth")
    if written is None and "ETCD_CLIENT_CERT_AUTH" in variables:
        setting = variables["ETCD_CLIENT_CERT_AUTH"]
        written = Flag("$(?)" if setting.value is None else setting.value.lower(), setting.span)
    if written is None and ({"config", "config-file"} & set(flags) or "ETCD_CONFIG_FILE" in variables):
        yield Undecidable(missing_flag_span(container))
    elif written is None:
        yield missing(
            missing_flag_span(container),
            value="false",
            severity=_reach_severity(container, flags, variables),
        )
    elif is_variable(written.value):
        yield Undecidable(written.span)
    elif written.value not in ("true", ""):  # the flag alone says true
        yield hit(written.span, value=written.value, severity=_reach_severity(container, flags, variables))


def _reach_severity(container: Container, flags: dict[str, Flag], variables: Mapping[str, VariableSetting]) -> Severity:
    """High for the cluster's own etcd that others can reach, else medium."""
    listens = flags.get("listen-client-urls")
    urls = listens.value if listens else ""
    if not listens and "ETCD_LISTEN_CLIENT_URLS" in variables:
        urls = str(variables["ETCD_LISTEN_CLIENT_URLS"].raw_value or "")
    open_ = any(url and not _LOCAL_URL.match(url.strip()) for url in urls.split(","))
    return Severity.HIGH if open_ and is_control_plane_part(container, flags) else Severity.MEDIUM


def is_control_plane_part(container: Container, flags: dict[str, Flag]) -> bool:
    """Whether a program is a part of the cluster's own control plane, and no database of an application."""
    pod = container.pod
    labels = (pod.labels, pod.owner.labels)
    return (
        pod.namespace == "kube-system"
        or any(one.get("tier") == "control-plane" for one in labels)
        or any(flag.value.startswith("/etc/kubernetes/") for flag in flags.values())
        or any(flags_of(one, "kube-apiserver") is not None for one in pod.containers())
    )
