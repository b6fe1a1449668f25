"""Flags of the control plane whose harm depends on the release, and on where the program listens."""

from __future__ import annotations

from collections.abc import Mapping

from readiness.checks.k8s.flags import Flag, flag_by_name_of_program, missing_flag_span
from readiness.kinds.k8s.effective import is_filled_in_value
from readiness.kinds.k8s.model import Container
from readiness.kinds.variables import VariableSetting
from readiness.model import CheckOutcome, Severity, Undecidable, hit, missing
from readiness.model.lazy_regex import lazy_regex
from readiness.syntax import image as images

_KUBERNETES_VERSION_PATTERN = lazy_regex(r"v?1\.([0-9]{1,3})(?:\.|\Z)")
# https://github.com/kubernetes/kubernetes/pull/95856 and https://github.com/kubernetes/kubernetes/pull/106859
_LAST_MINOR_WITH_INSECURE_PORT = 19  # the last minor release that listens without TLS
_LAST_MINOR_WITH_INSECURE_FLAGS = 23  # the last one that knows the flags
_LOCAL_URL_PATTERN = lazy_regex(r"https?://(?:localhost|127\.[0-9.]+|\[::1\])(?::|/|\Z)|unixs?:")


def _kubernetes_minor_version(container: Container) -> int | None:
    """The minor release of Kubernetes that an image's tag tells of."""
    version_match = _KUBERNETES_VERSION_PATTERN.match(images.parse_image(container.image).tag or "")
    return int(version_match[1]) if version_match else None


def control_plane_apiserver(container: Container) -> CheckOutcome:
    """The API server is given an address without TLS.

    Up to 1.19 it listens there, on every address critical and on its own machine medium; 1.20 to 1.23 take no notice; later
    ones do not start.
    """
    flag_by_name = flag_by_name_of_program(container, "kube-apiserver") or {}
    address_flag = flag_by_name.get("insecure-bind-address")
    if address_flag is None:
        return
    port_value = flag_by_name.get("insecure-port", Flag("8080", address_flag.span)).value
    yield hit(address_flag.span, severity=_insecure_listening_severity(container, address_flag.value, port_value))


def control_plane_plain_port(container: Container) -> CheckOutcome:
    """The API server is given a port without TLS that is not 0; as bad as the address that it listens on."""
    flag_by_name = flag_by_name_of_program(container, "kube-apiserver") or {}
    port_flag = flag_by_name.get("insecure-port")
    if port_flag is None or port_flag.value in ("0", ""):
        return
    if is_filled_in_value(port_flag.value):
        yield Undecidable(port_flag.span)
        return
    address_value = flag_by_name.get("insecure-bind-address", Flag("127.0.0.1", port_flag.span)).value
    minor_version = _kubernetes_minor_version(container)
    severity = _insecure_listening_severity(container, address_value, port_flag.value)
    if minor_version is not None and _LAST_MINOR_WITH_INSECURE_PORT < minor_version <= _LAST_MINOR_WITH_INSECURE_FLAGS:
        severity = Severity.HIGH  # no port but 0 is taken
    yield hit(port_flag.span, port=port_flag.value, severity=severity)


def _insecure_listening_severity(container: Container, address: str, port: str) -> Severity:
    """How bad it is to be told to listen without TLS."""
    minor_version = _kubernetes_minor_version(container)
    if minor_version is None or minor_version > _LAST_MINOR_WITH_INSECURE_FLAGS:
        return Severity.HIGH
    if minor_version > _LAST_MINOR_WITH_INSECURE_PORT or port == "0":
        return Severity.LOW
    is_loopback = address in ("localhost", "::1") or address.startswith("127.")
    return Severity.MEDIUM if is_loopback else Severity.CRITICAL


def control_plane_etcd(container: Container) -> CheckOutcome:
    """etcd asks clients for no certificate.

    High where the files show that it is the cluster's own and that it listens to more than its own machine; else medium.
    """
    flag_by_name = flag_by_name_of_program(container, "etcd")
    if flag_by_name is None:
        return
    setting_by_variable = container.variables
    client_auth_flag = flag_by_name.get("client-cert-auth")
    if client_auth_flag is None and "ETCD_CLIENT_CERT_AUTH" in setting_by_variable:
        client_auth_setting = setting_by_variable["ETCD_CLIENT_CERT_AUTH"]
        client_auth_flag = Flag("$(?)" if client_auth_setting.value is None else client_auth_setting.value.lower(), client_auth_setting.span)
    if client_auth_flag is None and ({"config", "config-file"} & set(flag_by_name) or "ETCD_CONFIG_FILE" in setting_by_variable):
        yield Undecidable(missing_flag_span(container))
    elif client_auth_flag is None:
        yield missing(
            missing_flag_span(container),
            value="false",
            severity=_etcd_severity(container, flag_by_name, setting_by_variable),
        )
    elif is_filled_in_value(client_auth_flag.value):
        yield Undecidable(client_auth_flag.span)
    elif client_auth_flag.value not in ("true", ""):  # the flag alone says true
        yield hit(
            client_auth_flag.span,
            value=client_auth_flag.value,
            severity=_etcd_severity(container, flag_by_name, setting_by_variable),
        )


def _etcd_severity(container: Container, flag_by_name: dict[str, Flag], setting_by_variable: Mapping[str, VariableSetting]) -> Severity:
    """High for the cluster's own etcd that others can reach, else medium."""
    listen_flag = flag_by_name.get("listen-client-urls")
    listen_urls = listen_flag.value if listen_flag else ""
    if not listen_flag and "ETCD_LISTEN_CLIENT_URLS" in setting_by_variable:
        listen_urls = str(setting_by_variable["ETCD_LISTEN_CLIENT_URLS"].raw_value or "")
    is_open_to_others = any(url and not _LOCAL_URL_PATTERN.match(url.strip()) for url in listen_urls.split(","))
    return Severity.HIGH if is_open_to_others and is_control_plane_part(container, flag_by_name) else Severity.MEDIUM


def is_control_plane_part(container: Container, flags: dict[str, Flag]) -> bool:
    """Whether a program is a part of the cluster's own control plane, and no database of an application."""
    pod = container.pod
    label_maps = (pod.labels, pod.owner.labels)
    return (
        pod.namespace == "kube-system"
        or any(one.get("tier") == "control-plane" for one in label_maps)
        or any(flag.value.startswith("/etc/kubernetes/") for flag in flags.values())
        or any(flag_by_name_of_program(one, "kube-apiserver") is not None for one in pod.containers())
    )
