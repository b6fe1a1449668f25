"""Services that wait for what they depend on themselves: by the program that starts them, or by variables that tell it for whom."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from readiness.kinds.compose.model import Service
from readiness.kinds.compose.words import command_line
from readiness.model.lazy_regex import lazy_regex
from readiness.syntax.yaml import Map

# `wait-for-it.sh`, `dockerize -wait`, `ready_to_run_wait_install.sh`; the shell's own `wait` is for its children.
_WAITING_WORD = lazy_regex(r"(?<![\w./-])(?:[\w./-]{0,200}/)?(?:(?=[\w.-]*wait)(?!wait(?![\w.-]))[\w.-]{4,100})", re.IGNORECASE)
_HOST_NAME = lazy_regex(r"[\w.-]+")
_WAIT_VARIABLE = lazy_regex(r"(?:WAIT|STAGEGATE)(?:_|\Z)|(?:\A|_)WAIT_?FOR(?:_|\Z)", re.IGNORECASE)


def waits_by_itself(service: Service, dependency_name: str, service_node: Map, service_names: Collection[str]) -> bool:
    """Whether a service waits for another when it starts: by the name of what starts it, or by a variable that names the other.

    What starts it may say for whom it waits; then it is for those alone. `service_names` are those of its app.
    """
    start_text = f"{command_line(service_node.get('entrypoint'))} {command_line(service_node.get('command'))}"
    if _WAITING_WORD.search(start_text):
        named_services = [one for one in service_names if _is_named(one, start_text) and one != service.name]
        return not named_services or dependency_name in named_services
    return any(_is_named(dependency_name, text) for text in _texts_of_wait_variables(service))


def _is_named(service_name: str, text: str) -> bool:
    """Whether a text names a service as a host: nothing of another name stands beside it."""
    return service_name.lower() in _HOST_NAME.findall(text.lower())


def _texts_of_wait_variables(service: Service) -> Iterator[str]:
    """What the variables of a service hold that speak of waiting, and the words of their names."""
    for setting in service.variable_settings:
        if _WAIT_VARIABLE.match(setting.name):
            yield f"{setting.text or ''} {setting.name.replace('_', ' ')}"
