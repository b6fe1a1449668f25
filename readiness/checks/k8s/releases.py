"""Helm values in objects of GitOps tools: what is wrong with them whatever the chart makes of them.

Where the chart was rendered with them, its manifests say the same of images and privileges, and these are silent.
"""

from __future__ import annotations

import re

from readiness.checks.k8s.secrets import (
    is_reportable_secret,
    secret_label,
    secret_severity,
    secrets_in_block,
)
from readiness.kinds.k8s.effective import is_variable
from readiness.kinds.k8s.releases import ReleaseValues, settings
from readiness.model import NotApplicable, Outcome, Severity, Unknown, hit
from readiness.model.project import Project
from readiness.syntax import image as images
from readiness.syntax import secrets

# Keys whose value says where a secret is, and not what it is.
_REFERENCE = re.compile(
    r"(?i)(?:existing|secret_?(?:name|ref|key)|(?:_|-|[a-z])(?:Secret|Key|Ref|Name|Path|File|Field)s?\Z|secretkeys\b|mount)"
)
_SECURITY = re.compile(r"(?i)security_?context\Z")
_PRIVILEGES = {
    "hostPID": Severity.HIGH,
    "hostIPC": Severity.HIGH,
    "hostNetwork": Severity.MEDIUM,
}


def secret_in_release_values(values: ReleaseValues) -> Outcome:
    """A value is a secret, and stands in the object."""
    for one in settings(values):
        key = one.path[-1]
        if key == "value" and isinstance(one.holder.get("name"), str):
            key = one.holder["name"]  # an entry of a list of variables or parameters
        if isinstance(one.value, str) and "\n" in one.value.strip():
            for span, inner in secrets_in_block(values.source, one.span, one.value):
                if is_reportable_secret(inner, values.source):
                    yield hit(
                        span,
                        severity=secret_severity(inner, values.source),
                        key=one.name,
                        reason=secret_label(inner),
                    )
            continue
        if any(_REFERENCE.search(part) for part in one.path[-2:]):
            continue
        if isinstance(one.value, str) and one.value.startswith("ENC["):
            continue  # encrypted by SOPS
        found = secrets.classify(key, one.value)
        if is_reportable_secret(found, values.source):
            yield hit(
                one.span,
                severity=secret_severity(found, values.source),
                key=one.name,
                reason=secret_label(found),
            )
        elif is_variable(one.value) and secrets.names_secret(key):
            yield Unknown(one.span)


def image_tag_latest_in_release_values(values: ReleaseValues, *, project: Project) -> Outcome:
    """An image of the values has the tag latest: in one reference, or beside its repository."""
    if values.place in project.rendered:
        yield NotApplicable()
        return
    for one in settings(values):
        if one.path[-1] == "tag" and isinstance(one.value, str):
            if one.value == "latest":
                name = one.holder.get("repository", one.holder.get("name"))
                shown = f"{name}:latest" if isinstance(name, str) and name else one.name
                yield hit(one.span, image=shown)
        elif one.path[-1] == "image" and isinstance(one.value, str) and ":" in one.value:
            image = images.parse_image(one.value)
            if image.tag == "latest" and not image.digest and not image.name_unknown:
                yield hit(one.span, image=image.text)


def privileged_in_release_values(values: ReleaseValues, *, project: Project) -> Outcome:
    """The values make a container privileged, or give a pod a namespace of its node."""
    if values.place in project.rendered:
        yield NotApplicable()
        return
    for one in settings(values):
        if one.value is not True:
            continue
        above = one.path[-2] if len(one.path) > 1 else ""
        if one.path[-1] == "privileged" and _SECURITY.search(above):
            yield hit(one.span, key=one.name, right="root on its node")
        elif one.path[-1] in _PRIVILEGES:
            right = "in a namespace of its node"
            yield hit(one.span, severity=_PRIVILEGES[one.path[-1]], key=one.name, right=right)
