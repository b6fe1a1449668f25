"""Line breaks that a request can put into what nginx sends on."""

from __future__ import annotations

from collections.abc import Iterable

from readiness.checks.nginx.variables import _LINE_BREAK_MASK, is_redirect, variable_names_in_text, variable_value
from readiness.facts.table import property_by_fact_name
from readiness.kinds.nginx import DirectiveSubject
from readiness.model import CheckOutcome, hit
from readiness.model.project import Project
from readiness.syntax import pcre
from readiness.syntax.nginx import Directive


def http_splitting(statement: DirectiveSubject, project: Project) -> CheckOutcome:
    """A decoded piece of the path, which can hold line breaks, goes into a header, a redirect or a proxied request."""
    directive = statement.node
    for argument_number in _header_argument_numbers(directive):
        argument = directive.args[argument_number - 1]
        for variable_name in variable_names_in_text(argument):
            if directive.name == "rewrite" and _is_own_capture(directive, variable_name):
                continue  # a rewrite escapes its captures
            if variable_value(project, directive, variable_name).client_characters & _LINE_BREAK_MASK:
                yield hit(directive.at(argument_number), variable=f"${variable_name}", directive=directive.name)
                break


def _is_own_capture(rewrite_directive: Directive, variable_name: str) -> bool:
    """Whether a variable of a rewrite's target is a group of its own expression."""
    rewrite_regex = pcre.try_parse_regex(rewrite_directive.args[0])
    return variable_name.isdigit() or rewrite_regex is None or rewrite_regex.group(variable_name) is not None


def _header_argument_numbers(directive: Directive) -> Iterable[int]:
    """The numbers of the arguments that end up in a header or a request line."""
    argument_count = len(directive.args)
    if directive.name in {"add_header", "add_trailer", "proxy_set_header", "grpc_set_header"}:
        return range(2, min(argument_count, 2) + 1)
    if directive.name == "proxy_pass":
        return range(1, min(argument_count, 1) + 1)
    if directive.name == "return":
        if argument_count == 2 and directive.args[0] in property_by_fact_name("http-statuses", "redirects"):
            return (2,)
        return (1,) if argument_count == 1 and not directive.args[0].isdigit() else ()
    if directive.name == "rewrite" and is_redirect(directive):
        return (2,) if argument_count > 1 else ()
    return ()
