"""Security settings in effect: a container's own, else its pod's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from readiness.kinds.k8s.model import Container, Pod
from readiness.model import Source, Span, Undecidable
from readiness.syntax.holes import has_template, is_filled_in_elsewhere
from readiness.syntax.yaml import Map


def pod_security_context(pod: Pod) -> Map:
    """The pod's securityContext; an empty mapping where there is none."""
    return pod.node.mapping_at_path("securityContext")


def account_name(pod: Pod) -> str:
    """The service account that the pod runs as."""
    return pod.node.string_under("serviceAccountName") or pod.node.string_under("serviceAccount") or "default"


def has_user_namespace(pod: Pod) -> bool:
    """Whether the pod has a user namespace of its own: root in it is nobody on the node."""
    return pod.node.get("hostUsers") is False


def effective_security(container: Container, key: str) -> Any:
    """What is in force for a container: its own value, else the pod's; None where neither says anything."""
    own = container.security_context.get(key)
    return own if own is not None else pod_security_context(container.pod).get(key)


def is_variable(value: Any) -> bool:
    """Whether a value comes from a variable or a template, so that nobody can tell it from the file."""
    return is_filled_in_elsewhere(value)


def as_integer(value: Any) -> int | None:
    """The value where it is an integer; None for others, booleans too, which Python counts as integers."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def linux_containers(pod: Pod) -> Iterator[Container]:
    """The pod's containers where Linux settings apply to them."""
    if not pod.windows:
        yield from pod.containers()


def unknown_if_variable(node: Map, key: str) -> Iterator[Undecidable]:
    """An Unknown at the value under a key, where that is a variable."""
    if is_variable(node.get(key)):
        yield Undecidable(node.at(key))


def deepest_existing_span(container: Container, *path: str) -> Span:
    """The closest owner of what is missing: the deepest mapping on the path that exists, by its key."""
    node, span = container.node, container.node.at()
    for key in path:
        inner = node.get(key)
        if not isinstance(inner, Map):
            break
        span, node = node.key_span(key), inner
    return span


def template_text(source: Source, span: Span) -> str:
    """The template text that a rendered value was made from; empty where a person wrote the value itself."""
    place = getattr(source.root, "written_location", None)  # only a rendering knows where its text was written
    if place is None:
        return ""
    there, at = place(Span(source.to_root(span.start), source.to_root(span.end)))
    written: str = there.text[at.start : at.end]
    return written if has_template(written) else ""


# Functions of templates that make another value at each rendering: https://masterminds.github.io/sprig/
_RANDOM_FUNCTION = re.compile(r"\{\{[^{}]*\b(?:rand(?:AlphaNum|Alpha|Ascii|Numeric|Bytes|Int)|uuidv4|genPrivateKey)\b")


def _is_made_by_function(source: Source, span: Span) -> bool:
    """Whether the line of a template makes its value up where the values set none, and they do not set this one."""
    root = source.root
    place, set_value = getattr(root, "written_location", None), getattr(root, "set_value", None)
    if place is None or set_value is None:
        return False
    at = Span(source.to_root(span.start), source.to_root(span.end))
    there, written = place(at)
    end = there.text.find("\n", written.start)
    line = there.text[there.text.rfind("\n", 0, written.start) + 1 : end if end >= 0 else None]
    return bool(_RANDOM_FUNCTION.search(line)) and set_value(at) is None


def is_generated_by_template(source: Source, span: Span) -> bool:
    """Whether a value comes out of a template that may have made it (random, looked up), not out of a values file."""
    if _is_made_by_function(source, span):
        return True
    written = template_text(source, span)
    made = ("rand", "lookup", "gen", "derive", "htpasswd", "uuid", "shuffle")
    return bool(written) and (".Values" not in written or any(word in written for word in made))
