"""Namespaces: the level of the Pod Security Standards that they enforce, against the pods in them."""

from __future__ import annotations

from collections.abc import Sequence

from readiness.checks.k8s.pss import subject_text, violations_by_level
from readiness.checks.k8s.written import lowered_where_values_decide
from readiness.kinds.k8s.index import object_index
from readiness.kinds.k8s.model import Object, Pod
from readiness.kinds.units import folder_of
from readiness.model import CheckOutcome, Related, Severity, hit, join_names, missing
from readiness.model.project import Project
from readiness.syntax.holes import has_template_opening, has_variable_sign

POD_SECURITY_LABEL_PREFIX = "pod-security.kubernetes.io/"
POD_SECURITY_LEVELS = ("privileged", "baseline", "restricted")


def enforcing_namespace(pod: Pod, project: Project) -> Object | None:
    """The Namespace object that a pod surely stands in, where it enforces a level."""
    if not pod.namespace:
        return None
    candidate_namespaces = object_index(project).find_named(pod, "Namespace", pod.namespace, "").meant
    return next(
        (obj for obj in candidate_namespaces if obj.labels.get(POD_SECURITY_LABEL_PREFIX + "enforce") in POD_SECURITY_LEVELS),
        None,
    )


def enforced_standards_version(namespace: Object) -> tuple[int, int]:
    """The version of the standards that a namespace asks for; the newest where it names none."""
    version = namespace.labels.string_under(POD_SECURITY_LABEL_PREFIX + "enforce-version")
    major, _, minor = version.removeprefix("v").partition(".")
    is_minor_version = major.isdecimal() and minor.isdecimal() and len(version) < 8
    return (int(major), int(minor)) if is_minor_version else (99, 0)


def pss_namespace_enforce(pod: Pod, *, project: Project) -> CheckOutcome:
    """The pod's namespace stands in the project and enforces a level that the pod does not meet.

    Medium where the namespace is defined in another folder: the two may not be applied together.
    """
    namespace = enforcing_namespace(pod, project)
    if namespace is None:
        return
    enforced_level = namespace.labels[POD_SECURITY_LABEL_PREFIX + "enforce"]
    enforce_label_location = Related(
        namespace.source,
        namespace.labels.at(POD_SECURITY_LABEL_PREFIX + "enforce"),
        f"{enforced_level} is enforced here",
    )
    is_in_same_folder = folder_of(namespace.source) == folder_of(pod.source)
    severity = None if is_in_same_folder else Severity.MEDIUM
    for violation in violations_by_level(pod)[enforced_level]:
        if violation.control == "baseline-host-probes" and enforced_standards_version(namespace) < (1, 34):
            continue
        make_hit = missing if violation.is_missing_value else hit
        yield make_hit(
            violation.span,
            severity=severity,
            container=violation.container,
            related=[enforce_label_location],
            level=enforced_level,
            namespace=namespace.name,
            control=violation.control,
            what=violation.description,
            where=subject_text(violation, pod),
        )


@lowered_where_values_decide()
def pss_namespace_label_invalid(obj: Object) -> CheckOutcome:
    """A pod security label whose value is no level or no version: the API server refuses the namespace."""
    for label_key, label_value in obj.labels.items():
        security_mode = label_key.removeprefix(POD_SECURITY_LABEL_PREFIX)
        if security_mode == label_key or not isinstance(label_value, str) or has_variable_sign(label_value) or has_template_opening(label_value):
            continue
        if security_mode in {"enforce", "audit", "warn"} and label_value not in POD_SECURITY_LEVELS:
            yield hit(obj.labels.at(label_key), key=label_key, value=label_value, allowed=join_names(POD_SECURITY_LEVELS))
        elif security_mode.endswith("-version") and label_value != "latest" and not _is_minor_version(label_value):
            yield hit(obj.labels.at(label_key), key=label_key, value=label_value, allowed="latest and v1.MINOR")


def _is_minor_version(value: str) -> bool:
    """Whether a value is a minor version, as in v1.35."""
    major, separator, minor = value.removeprefix("v").partition(".")
    return value.startswith("v") and bool(separator) and major == "1" and minor.isdigit()


def namespace_pod_security_low(obj: Object, *, allow: Sequence[str], unset: bool) -> CheckOutcome:
    """A namespace whose enforce label is not one of `allow`; where `unset`, also one without the label."""
    enforced_level = obj.labels.get(POD_SECURITY_LABEL_PREFIX + "enforce")
    if enforced_level is None:
        if unset and obj.name not in {"kube-system", "kube-public", "kube-node-lease"}:
            yield missing(obj.metadata.at("name"), level="none")
    elif isinstance(enforced_level, str) and enforced_level in POD_SECURITY_LEVELS and enforced_level not in allow:
        yield hit(obj.labels.at(POD_SECURITY_LABEL_PREFIX + "enforce"), level=enforced_level)
