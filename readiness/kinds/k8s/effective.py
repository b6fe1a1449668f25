"""Security settings in effect: a container's own, else its pod's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from readiness.kinds.k8s.model import Container, Pod
from readiness.model import Source, Span, Undecidable
from readiness.model.lazy_regex import lazy_regex
from readiness.syntax.holes import has_template_opening, is_variable_or_template
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


def effective_security_setting(container: Container, setting_name: str) -> Any:
    """What is in force for a container: its own value, else the pod's; None where neither says anything."""
    container_value = container.security_context.get(setting_name)
    return container_value if container_value is not None else pod_security_context(container.pod).get(setting_name)


def is_filled_in_value(value: Any) -> bool:
    """Whether a value comes from a variable or a template, so that nobody can tell it from the file."""
    return is_variable_or_template(value)


def integer_or_none(value: Any) -> int | None:
    """The value where it is an integer; None for others, booleans too, which Python counts as integers."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def linux_containers(pod: Pod) -> Iterator[Container]:
    """The pod's containers where Linux settings apply to them."""
    if not pod.windows:
        yield from pod.containers()


def undecidable_if_variable(node: Map, key: str) -> Iterator[Undecidable]:
    """An Unknown at the value under a key, where that is a variable."""
    if is_filled_in_value(node.get(key)):
        yield Undecidable(node.at(key))


def span_of_deepest_mapping(container: Container, *path: str) -> Span:
    """The closest owner of what is missing: the deepest mapping on the path that exists, by its key."""
    deepest_node, deepest_span = container.node, container.node.at()
    for key in path:
        inner_node = deepest_node.get(key)
        if not isinstance(inner_node, Map):
            break
        deepest_span, deepest_node = deepest_node.key_span(key), inner_node
    return deepest_span


def template_text_of_value(source: Source, span: Span) -> str:
    """The template text that a rendered value was made from; empty where a person wrote the value itself."""
    written_location = getattr(source.root, "written_location", None)  # only a rendering knows where its text was written
    if written_location is None:
        return ""
    template_source, template_span = written_location(Span(source.to_root(span.start), source.to_root(span.end)))
    written_text: str = template_source.text[template_span.start : template_span.end]
    return written_text if has_template_opening(written_text) else ""


# Functions of templates that make another value at each rendering: https://masterminds.github.io/sprig/
_RANDOM_TEMPLATE_FUNCTION = lazy_regex(r"\{\{[^{}]*\b(?:rand(?:AlphaNum|Alpha|Ascii|Numeric|Bytes|Int)|uuidv4|genPrivateKey)\b")


def _is_made_by_random_function(source: Source, span: Span) -> bool:
    """Whether the line of a template makes its value up where the values set none, and they do not set this one."""
    root_source = source.root
    written_location, find_set_value = getattr(root_source, "written_location", None), getattr(root_source, "set_value", None)
    if written_location is None or find_set_value is None:
        return False
    root_span = Span(source.to_root(span.start), source.to_root(span.end))
    template_source, template_span = written_location(root_span)
    line_end = template_source.text.find("\n", template_span.start)
    template_line = template_source.text[template_source.text.rfind("\n", 0, template_span.start) + 1 : line_end if line_end >= 0 else None]
    is_generated = bool(_RANDOM_TEMPLATE_FUNCTION.search(template_line)) or any(
        variable_match[1] in _names_of_generated_certificates(template_source.text) for variable_match in _TEMPLATE_VARIABLE.finditer(template_line)
    )
    return is_generated and find_set_value(root_span) is None


_TEMPLATE_VARIABLE = lazy_regex(r"\$(\w{1,60})\.(?:Key|Cert)\b")
_GENERATED_CERTIFICATE = lazy_regex(r"\$(\w{1,60})[ \t]{0,4}:?=[ \t]{0,4}\(?gen(?:CA|SelfSignedCert|SignedCert)\b")


def _names_of_generated_certificates(template_text: str) -> frozenset[str]:
    """The variables of a template that hold a certificate and its key, made at each rendering: `$ca := genSelfSignedCert ...`."""
    return frozenset(found[1] for found in _GENERATED_CERTIFICATE.finditer(template_text))


def is_generated_by_template(source: Source, span: Span) -> bool:
    """Whether a value comes out of a template that may have made it (random, looked up), not out of a values file."""
    if _is_made_by_random_function(source, span):
        return True
    written_template = template_text_of_value(source, span)
    generator_function_words = ("rand", "lookup", "gen", "derive", "htpasswd", "uuid", "shuffle")
    return bool(written_template) and (".Values" not in written_template or any(word in written_template for word in generator_function_words))
