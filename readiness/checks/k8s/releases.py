"""Helm values in objects of GitOps tools: what is wrong with them whatever the chart makes of them.

Where the chart was rendered with them, its manifests say the same of images and privileges, and these are silent.
"""

from __future__ import annotations

import re

from readiness.checks.k8s.logins import with_idle_login
from readiness.checks.k8s.secrets import (
    is_reportable_secret,
    secret_hit,
    secrets_in_block,
)
from readiness.kinds.k8s.effective import is_variable
from readiness.kinds.k8s.releases import HelmReleaseValues, HelmValue, leaf_values
from readiness.model import CheckOutcome, NotApplicable, Severity, Undecidable, hit
from readiness.model.project import Project
from readiness.syntax import image as images
from readiness.syntax import secrets
from readiness.syntax.secrets import SecretStrength

# Keys whose value says where a secret is, and not what it is.
_SECRET_REFERENCE_KEY = re.compile(
    r"(?i)(?:existing|secret_?(?:name|ref|key)|(?:_|-|[a-z])(?:Secret|Key|Ref|Name|Path|File|Field)s?\Z|secretkeys\b|mount)"
)
_SECURITY_CONTEXT_KEY = re.compile(r"(?i)security_?context\Z")
_SEVERITY_BY_HOST_SETTING = {
    "hostPID": Severity.HIGH,
    "hostIPC": Severity.HIGH,
    "hostNetwork": Severity.MEDIUM,
}


def secret_in_release_values(values: HelmReleaseValues, *, project: Project) -> CheckOutcome:
    """A value is a secret, and stands in the object."""
    for setting in leaf_values(values):
        key = setting.key_path[-1]
        if key == "value" and isinstance(setting.parent_mapping.get("name"), str):
            key = setting.parent_mapping["name"]  # an entry of a list of variables or parameters
        if isinstance(setting.value, str) and "\n" in setting.value.strip():
            for span, inner in secrets_in_block(values.source, setting.span, setting.value):
                if is_reportable_secret(inner, values.source):
                    judged = with_idle_login(inner, values.source, span, project)
                    yield secret_hit(span, judged, values.source, key=setting.dotted_name)
            continue
        if isinstance(setting.value, str) and setting.value.startswith("ENC["):
            continue  # encrypted by SOPS
        found = secrets.classify_value(key, setting.value)
        refers = any(_SECRET_REFERENCE_KEY.search(part) for part in setting.key_path[-2:])
        if refers and found.strength < SecretStrength.RANDOM:
            continue  # no name of an object is what a machine made
        if is_reportable_secret(found, values.source):
            found = with_idle_login(found, values.source, setting.span, project)
            yield secret_hit(setting.span, found, values.source, key=setting.dotted_name)
        elif is_variable(setting.value) and secrets.is_secret_name(key):
            yield Undecidable(setting.span)


def image_tag_latest_in_release_values(values: HelmReleaseValues, *, project: Project) -> CheckOutcome:
    """An image of the values has the tag latest: in one reference, or beside its repository."""
    if values.root_location in project.rendered:
        yield NotApplicable()
        return
    for setting in leaf_values(values):
        if setting.key_path[-1] == "tag" and isinstance(setting.value, str):
            if setting.value == "latest":
                name = setting.parent_mapping.get("repository", setting.parent_mapping.get("name"))
                shown = f"{name}:latest" if isinstance(name, str) and name else setting.dotted_name
                yield hit(setting.span, image=shown)
        elif setting.key_path[-1] == "image" and isinstance(setting.value, str) and ":" in setting.value:
            image = images.parse_image(setting.value)
            if image.tag == "latest" and not image.digest and not image.name_unknown:
                yield hit(setting.span, image=image.text)


def privileged_in_release_values(values: HelmReleaseValues, *, project: Project) -> CheckOutcome:
    """The values make a container privileged, or, no worse than medium beside that, give a pod a namespace of its node."""
    if values.root_location in project.rendered:
        yield NotApplicable()
        return
    switched_on = [setting for setting in leaf_values(values) if setting.value is True]
    privileged = [setting for setting in switched_on if _is_privileged(setting)]
    lowered = Severity.MEDIUM if _is_for_unprivileged_user(values) else None
    for setting in switched_on:
        if setting in privileged:
            yield hit(setting.span, severity=lowered, key=setting.dotted_name, right="root on its node")
        elif setting.key_path[-1] in _SEVERITY_BY_HOST_SETTING:
            worst = Severity.MEDIUM if privileged else _SEVERITY_BY_HOST_SETTING[setting.key_path[-1]]
            yield hit(
                setting.span,
                severity=worst,
                key=setting.dotted_name,
                right="in a namespace of its node",
            )


def _is_for_unprivileged_user(values: HelmReleaseValues) -> bool:
    """Whether the values that speak of users keep every container from being root."""
    users = [
        one.value != 0 if one.key_path[-1] == "runAsUser" else one.value is True
        for one in leaf_values(values)
        if one.key_path[-1] in {"runAsUser", "runAsNonRoot"}
    ]
    return bool(users) and all(users)


def _is_privileged(setting: HelmValue) -> bool:
    """Whether a value is the `privileged` of a security context."""
    above = setting.key_path[-2] if len(setting.key_path) > 1 else ""
    return setting.key_path[-1] == "privileged" and bool(_SECURITY_CONTEXT_KEY.search(above))
