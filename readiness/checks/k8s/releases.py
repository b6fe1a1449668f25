"""Helm values in objects of GitOps tools: what is wrong with them whatever the chart makes of them.

Where the chart was rendered with them, its manifests say the same of images and privileges, and these are silent.
"""

from __future__ import annotations

from readiness.checks.k8s.doors import lower_unless_proven
from readiness.checks.k8s.logins import verdict_with_idle_login
from readiness.checks.k8s.secrets import (
    is_reportable_secret,
    name_before,
    secret_hit,
    secrets_in_block,
)
from readiness.kinds.k8s.agents import is_job_runner_name
from readiness.kinds.k8s.effective import is_filled_in_value
from readiness.kinds.k8s.releases import (
    HelmReleaseValues,
    HelmValue,
    is_daemon_set_by_values,
    leaf_values,
    node_work_of_controller,
    takes_requests_by_values,
)
from readiness.model import CheckOutcome, NotApplicable, Severity, Undecidable, hit
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import Project
from readiness.syntax import image as images
from readiness.syntax import secrets
from readiness.syntax.secrets import SecretStrength

# Keys whose value says where a secret is, and not what it is.
_SECRET_REFERENCE_KEY_PATTERN = lazy_regex(
    r"(?i)(?:existing|secret_?(?:name|ref|key)|(?:_|-|[a-z])(?:Secret|Key|Ref|Name|Path|File|Field)s?\Z|secretkeys\b|mount)"
)
_SECURITY_CONTEXT_KEY_PATTERN = lazy_regex(r"(?i)security_?context\Z")
_SEVERITY_BY_HOST_SETTING = {
    "hostPID": Severity.HIGH,
    "hostIPC": Severity.HIGH,
    "hostNetwork": Severity.MEDIUM,
}


def secret_in_release_values(values: HelmReleaseValues, *, project: Project) -> CheckOutcome:
    """A value is a secret, and stands in the object."""
    for helm_value in leaf_values(values):
        value_key = helm_value.key_path[-1]
        if value_key == "value" and isinstance(helm_value.parent_mapping.get("name"), str):
            value_key = helm_value.parent_mapping["name"]  # an entry of a list of variables or parameters
        if isinstance(helm_value.value, str) and "\n" in helm_value.value.strip():
            for span, inner_verdict in secrets_in_block(values.source, helm_value.span, helm_value.value):
                if is_reportable_secret(inner_verdict, values.source):
                    final_verdict = verdict_with_idle_login(inner_verdict, values.source, span, project)
                    block_hit = secret_hit(span, final_verdict, values.source, key=helm_value.dotted_name)
                    yield lower_unless_proven(block_hit, final_verdict, values.source, name=name_before(values.source, span), is_door=False)
            continue
        if isinstance(helm_value.value, str) and helm_value.value.startswith("ENC["):
            continue  # encrypted by SOPS
        verdict = secrets.classify_value(value_key, helm_value.value)
        is_reference_key = any(_SECRET_REFERENCE_KEY_PATTERN.search(part) for part in helm_value.key_path[-2:])
        if is_reference_key and verdict.strength < SecretStrength.RANDOM:
            continue  # no name of an object is what a machine made
        if is_reportable_secret(verdict, values.source):
            verdict = verdict_with_idle_login(verdict, values.source, helm_value.span, project)
            value_hit = secret_hit(helm_value.span, verdict, values.source, key=helm_value.dotted_name)
            yield lower_unless_proven(value_hit, verdict, values.source, name=value_key, is_door=False)
        elif is_filled_in_value(helm_value.value) and secrets.is_secret_name(value_key):
            yield Undecidable(helm_value.span)


def image_tag_latest_in_release_values(values: HelmReleaseValues, *, project: Project) -> CheckOutcome:
    """An image of the values has the tag latest: in one reference, or beside its repository."""
    if values.root_location in project.rendered:
        yield NotApplicable()
        return
    for helm_value in leaf_values(values):
        if helm_value.key_path[-1] == "tag" and isinstance(helm_value.value, str):
            if helm_value.value == "latest":
                repository = helm_value.parent_mapping.get("repository", helm_value.parent_mapping.get("name"))
                image_text = f"{repository}:latest" if isinstance(repository, str) and repository else helm_value.dotted_name
                yield hit(helm_value.span, image=image_text)
        elif helm_value.key_path[-1] == "image" and isinstance(helm_value.value, str) and ":" in helm_value.value:
            image = images.parse_image(helm_value.value)
            if image.tag == "latest" and not image.digest and not image.name_unknown:
                yield hit(helm_value.span, image=image.text)


def privileged_in_release_values(values: HelmReleaseValues, *, project: Project) -> CheckOutcome:
    """The values make a container privileged, or, no worse than medium beside that, give a pod a namespace of its node.

    Medium but for a server that takes requests by the values and has no work on its node, as of the pods of manifests.
    """
    if values.root_location in project.rendered:
        yield NotApplicable()
        return
    true_values = [helm_value for helm_value in leaf_values(values) if helm_value.value is True]
    privileged_values = [helm_value for helm_value in true_values if _is_privileged(helm_value)]
    lowered_severity = Severity.MEDIUM if _is_for_unprivileged_user(values) else None
    for helm_value in true_values:
        if helm_value in privileged_values:
            severity, right = lowered_severity, "root on its node"
        elif helm_value.key_path[-1] in _SEVERITY_BY_HOST_SETTING:
            severity = Severity.MEDIUM if privileged_values else _SEVERITY_BY_HOST_SETTING[helm_value.key_path[-1]]
            right = "in a namespace of its node"
        else:
            continue
        node_work = node_work_of_controller(values, helm_value.key_path)
        is_reached = takes_requests_by_values(values, helm_value.key_path)
        is_for_node = bool(node_work) or is_daemon_set_by_values(values, helm_value.key_path) or is_job_runner_name(values.owner.name)
        yield hit(
            helm_value.span,
            severity=severity if is_reached and not is_for_node else _lower_of(severity, Severity.MEDIUM),
            say=node_work or ("" if is_reached or is_for_node else "unreached"),
            key=helm_value.dotted_name,
            right=right,
        )


def _lower_of(severity: Severity | None, bound: Severity) -> Severity:
    """The milder one of a severity, where there is one, and a bound."""
    return bound if severity is None else min(severity, bound)


def _is_for_unprivileged_user(values: HelmReleaseValues) -> bool:
    """Whether the values that speak of users keep every container from being root."""
    nonroot_answers = [
        helm_value.value != 0 if helm_value.key_path[-1] == "runAsUser" else helm_value.value is True
        for helm_value in leaf_values(values)
        if helm_value.key_path[-1] in {"runAsUser", "runAsNonRoot"}
    ]
    return bool(nonroot_answers) and all(nonroot_answers)


def _is_privileged(helm_value: HelmValue) -> bool:
    """Whether a value is the `privileged` of a security context."""
    parent_key = helm_value.key_path[-2] if len(helm_value.key_path) > 1 else ""
    return helm_value.key_path[-1] == "privileged" and bool(_SECURITY_CONTEXT_KEY_PATTERN.search(parent_key))
