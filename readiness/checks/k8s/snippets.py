"""nginx configuration in annotations of an Ingress: whether it serves files of the controller, and which."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from readiness.checks.k8s.ingress import NGINX_ANNOTATION_PREFIX, is_ingress
from readiness.kinds.k8s.index import object_index
from readiness.kinds.k8s.model import Object
from readiness.kinds.purpose import is_non_production_path
from readiness.model import CheckOutcome, ParseError, Severity, Source, hit
from readiness.model.project import Project
from readiness.syntax import nginx as syntax
from readiness.syntax.nginx import Directive

# The controller's token and certificates, and its configuration: https://kubernetes.github.io/ingress-nginx/how-it-works/
_SENSITIVE_CONTROLLER_PATHS = (
    "/var/run/secrets/kubernetes.io/serviceaccount",
    "/run/secrets/kubernetes.io/serviceaccount",
    "/etc/ingress-controller",
    "/etc/nginx",
    "/etc/passwd",
)
_MAX_SNIPPET_CHARACTERS = 20_000  # characters of a snippet that are read


def ingress_snippet_alias(obj: Object, *, project: Project) -> CheckOutcome:
    """An annotation serves files of the controller by `alias` or `root`.

    Critical where the token or the certificates are among them and the files let such annotations in; high where only the
    first is told: since ingress-nginx 1.9 the controller refuses snippets unless it is told to take them. Low elsewhere.
    """
    if not is_ingress(obj):
        return
    for annotation_key, snippet_text in obj.annotations.items():
        if annotation_key.startswith(NGINX_ANNOTATION_PREFIX) and annotation_key.endswith("snippet") and isinstance(snippet_text, str):
            file_directives = _root_and_alias_directives(snippet_text[:_MAX_SNIPPET_CHARACTERS]) if annotation_key.endswith("server-snippet") else ()
            folder_severities = [_served_folder_severity(d) for d in file_directives if _is_serving_files(d)]
            if folder_severities:
                severity = max(folder_severities)
                is_outside_production = project.prose or is_non_production_path(obj.source.root.path)
                if is_outside_production or not project.memoize(_are_snippets_allowed):
                    severity = min(severity, Severity.HIGH)
                yield hit(obj.annotations.key_span(annotation_key), annotation=annotation_key, severity=severity)


def _root_and_alias_directives(snippet_text: str) -> Iterator[Directive]:
    """The `root` and `alias` directives of a snippet; none where it is no configuration."""
    try:
        root_block = syntax.parse_nginx(Source("snippet.conf", snippet_text, kind="nginx"))
    except ParseError:
        return
    yield from (d for d in syntax.walk_directives(root_block) if d.name in {"root", "alias"} and d.args)


def _is_serving_files(directive: Directive) -> bool:
    """Whether files are served at all: in a location of the snippet's own, since those of the controller pass everything on."""
    sibling_names = {one.name for one in directive.parent.directives}
    is_handled_elsewhere = any(name.endswith("_pass") or name in {"return", "internal"} for name in sibling_names)
    return directive.parent.opening_directive_name == "location" and not is_handled_elsewhere


def _served_folder_severity(directive: Directive) -> Severity:
    """How bad what a `root` or an `alias` serves is."""
    location = directive.parent.owner
    folder = posixpath.normpath("/" + directive.args[0].lstrip("/"))
    location_prefix = location.args[-1] if location is not None and location.args else "/"
    if directive.name == "root" and location_prefix.startswith("/"):
        folder = posixpath.normpath(folder.rstrip("/") + location_prefix)
    reaches_sensitive_path = any(
        _is_within(sensitive_path, folder) or _is_within(folder, sensitive_path) for sensitive_path in _SENSITIVE_CONTROLLER_PATHS
    )
    return Severity.CRITICAL if reaches_sensitive_path else Severity.LOW


def _is_within(path: str, folder: str) -> bool:
    return folder in ("/", path) or path.startswith(folder + "/")


def _are_snippets_allowed(project: Project) -> bool:
    """Whether a ConfigMap of the project makes ingress-nginx take snippets."""
    return any(
        str(data.get("allow-snippet-annotations")).lower() == "true" and str(data.get("annotations-risk-level", "Critical")).lower() == "critical"
        for data in (one.node.mapping_at_path("data") for one in object_index(project).objects_of_kinds("ConfigMap"))
    )
