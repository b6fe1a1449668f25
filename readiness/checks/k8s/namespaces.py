"""Namespaces: the level of the Pod Security Standards that they enforce, against the pods in them."""

from __future__ import annotations

from collections.abc import Sequence

from readiness.checks.k8s.pss import levels_refused, subject_text
from readiness.kinds.k8s.model import Object, Pod, text_or_empty
from readiness.model import Outcome, Related, hit, join_names, missing
from readiness.model.project import Project

LABEL = "pod-security.kubernetes.io/"
LEVELS = ("privileged", "baseline", "restricted")


def enforcing_namespaces(project: Project) -> dict[str, Object]:
    """The Namespace objects of the project that enforce a level, by name."""
    return {
        obj.name: obj
        for document in project.documents("k8s")
        for obj in document.objects
        if obj.kind == "Namespace" and obj.labels.get(LABEL + "enforce") in LEVELS
    }


def pinned_version(namespace: Object) -> tuple[int, int]:
    """The version of the standards that a namespace asks for; the newest where it names none."""
    version = text_or_empty(namespace.labels.get(LABEL + "enforce-version"))
    major, _, minor = version.removeprefix("v").partition(".")
    known = major.isdigit() and minor.isdigit() and len(version) < 8
    return (int(major), int(minor)) if known else (99, 0)


def pss_namespace_enforce(pod: Pod, *, project: Project) -> Outcome:
    """The pod's namespace stands in the project and enforces a level that the pod does not meet."""
    namespace = project.memo(enforcing_namespaces).get(pod.namespace)
    if namespace is None:
        return
    level = namespace.labels[LABEL + "enforce"]
    label = Related(
        namespace.source, namespace.labels.at(LABEL + "enforce"), f"{level} is enforced here"
    )
    for violation in levels_refused(pod)[level]:
        if violation.control == "baseline-host-probes" and pinned_version(namespace) < (1, 34):
            continue
        make = missing if violation.absent else hit
        yield make(
            violation.span,
            container=violation.container,
            related=[label],
            level=level,
            namespace=namespace.name,
            control=violation.control,
            what=violation.what,
            where=subject_text(violation, pod),
        )


def pss_namespace_label_invalid(obj: Object) -> Outcome:
    """A pod security label whose value is no level or no version: the API server refuses the namespace."""
    for key, value in obj.labels.items():
        mode = key.removeprefix(LABEL)
        if mode == key or not isinstance(value, str) or "$" in value or "{{" in value:
            continue
        if mode in {"enforce", "audit", "warn"} and value not in LEVELS:
            yield hit(obj.labels.at(key), key=key, value=value, allowed=join_names(LEVELS))
        elif mode.endswith("-version") and value != "latest" and not _is_minor_version(value):
            yield hit(obj.labels.at(key), key=key, value=value, allowed="latest and v1.MINOR")


def _is_minor_version(value: str) -> bool:
    """Whether a value is a minor version, as in v1.35."""
    major, dot, minor = value.removeprefix("v").partition(".")
    return value.startswith("v") and bool(dot) and major == "1" and minor.isdigit()


def namespace_pod_security_low(obj: Object, *, allow: Sequence[str], unset: bool) -> Outcome:
    """A namespace whose enforce label is not one of `allow`; where `unset`, also one without the label."""
    level = obj.labels.get(LABEL + "enforce")
    if level is None:
        if unset and obj.name not in {"kube-system", "kube-public", "kube-node-lease"}:
            yield missing(obj.metadata.at("name"), level="none")
    elif isinstance(level, str) and level in LEVELS and level not in allow:
        yield hit(obj.labels.at(LABEL + "enforce"), level=level)
