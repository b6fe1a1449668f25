"""Flags of the control plane whose harm depends on the release, and on where the program listens."""

from __future__ import annotations

import re

from readiness.checks.k8s.flags import Flag, flags_of
from readiness.kinds.k8s.effective import is_variable
from readiness.kinds.k8s.model import Container, mappings_in, text_or_empty
from readiness.model import Outcome, Severity, Span, Unknown, hit, missing
from readiness.syntax import image as images
from readiness.syntax.yaml import Map

_RELEASE = re.compile(r"v?1\.([0-9]{1,3})(?:\.|\Z)")
# https://github.com/kubernetes/kubernetes/pull/95856 and https://github.com/kubernetes/kubernetes/pull/106859
_SERVED_TO = 19  # the last minor release that listens without TLS
_KNOWN_TO = 23  # the last one that knows the flags
_LOCAL = re.compile(r"https?://(?:localhost|127\.[0-9.]+|\[::1\])(?::|/|\Z)|unixs?:")


def _minor(container: Container) -> int | None:
    """The minor release of Kubernetes that an image's tag tells of."""
    found = _RELEASE.match(images.parse_image(container.image).tag or "")
    return int(found[1]) if found else None


def control_plane_apiserver(container: Container) -> Outcome:
    """The API server is given an address without TLS.

    Up to 1.19 it listens there, on every address critical and on its own machine medium; 1.20 to 1.23 take no notice; later
    ones do not start.
    """
    found = flags_of(container, "kube-apiserver") or {}
    address = found.get("insecure-bind-address")
    if address is None:
        return
    port = found.get("insecure-port", Flag("8080", address.span)).value
    yield hit(address.span, severity=_listening(container, address.value, port))


def plain_port(container: Container) -> Outcome:
    """The API server is given a port without TLS that is not 0; as bad as the address that it listens on."""
    found = flags_of(container, "kube-apiserver") or {}
    port = found.get("insecure-port")
    if port is None or port.value in ("0", ""):
        return
    if is_variable(port.value):
        yield Unknown(port.span)
        return
    address = found.get("insecure-bind-address", Flag("127.0.0.1", port.span)).value
    minor = _minor(container)
    severity = _listening(container, address, port.value)
    if minor is not None and _SERVED_TO < minor <= _KNOWN_TO:
        severity = Severity.HIGH  # no port but 0 is taken
    yield hit(port.span, port=port.value, severity=severity)


def _listening(container: Container, address: str, port: str) -> Severity:
    """How bad it is to be told to listen without TLS."""
    minor = _minor(container)
    if minor is None or minor > _KNOWN_TO:
        return Severity.HIGH
    if minor > _SERVED_TO or port == "0":
        return Severity.LOW
    local = address in ("localhost", "::1") or address.startswith("127.")
    return Severity.MEDIUM if local else Severity.CRITICAL


def control_plane_etcd(container: Container) -> Outcome:
    """etcd asks clients for no certificate.

    High where the files show that it is the cluster's own and that it listens to more than its own machine; else medium.
    """
    found = flags_of(container, "etcd")
    if found is None:
        return
    told = {text_or_empty(one.get("name")): one for one in mappings_in(container.node.get("env"))}
    written = found.get("client-cert-auth")
    if written is None and "ETCD_CLIENT_CERT_AUTH" in told:
        flag = told["ETCD_CLIENT_CERT_AUTH"]
        written = Flag(str(flag.get("value", "$(?)")).lower(), flag.at())
    if written is None and ({"config", "config-file"} & set(found) or "ETCD_CONFIG_FILE" in told):
        yield Unknown(_owner(container))
    elif written is None:
        yield missing(_owner(container), value="false", severity=_reached(container, found, told))
    elif is_variable(written.value):
        yield Unknown(written.span)
    elif written.value not in ("true", ""):  # the flag alone says true
        yield hit(written.span, value=written.value, severity=_reached(container, found, told))


def _owner(container: Container) -> Span:
    return container.node.at("command") if "command" in container.node else container.node.at()


def _reached(container: Container, found: dict[str, Flag], told: dict[str, Map]) -> Severity:
    """High for the cluster's own etcd that others can reach, else medium."""
    listens = found.get("listen-client-urls")
    urls = listens.value if listens else ""
    if not listens and "ETCD_LISTEN_CLIENT_URLS" in told:
        urls = str(told["ETCD_LISTEN_CLIENT_URLS"].get("value", ""))
    open_ = any(url and not _LOCAL.match(url.strip()) for url in urls.split(","))
    return Severity.HIGH if open_ and is_of_cluster(container, found) else Severity.MEDIUM


def is_of_cluster(container: Container, found: dict[str, Flag]) -> bool:
    """Whether a program is a part of the cluster's own control plane, and no database of an application."""
    pod = container.pod
    labels = (pod.labels, pod.owner.labels)
    return (
        pod.namespace == "kube-system"
        or any(one.get("tier") == "control-plane" for one in labels)
        or any(flag.value.startswith("/etc/kubernetes/") for flag in found.values())
        or any(flags_of(one, "kube-apiserver") is not None for one in pod.containers())
    )
