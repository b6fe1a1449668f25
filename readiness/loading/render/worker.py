"""The process that renders a chart, which is somebody else's code: it is started confined (`programs.confine`).

Reads a JSON request from standard input, writes a JSON answer: for each chart and environment, template path -> text,
or an error; or the limit that all of it is over.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any


def render_charts(request: dict[str, Any]) -> dict[str, Any]:
    """Every chart of a request with every environment; one that fails gives its error, the others go on."""
    from helm_python import HelmError
    from helm_python.chart import Chart, values_from_yaml

    answer: dict[str, Any] = {}
    for label, folder in request["charts"].items():
        said = answer[label] = {}
        with Chart.load(folder) as chart:
            for name, given in request["environments"].items():
                try:
                    values: dict[str, Any] = {}
                    for text in given["texts"]:
                        _merge_values(values, values_from_yaml(text))
                    said[name] = {"files": _render_templates(chart, values, given, request)}
                except HelmError as error:
                    said[name] = {"error": str(error)}
    return answer


def _render_templates(chart: Any, values: dict[str, Any], given: dict[str, Any], request: dict[str, Any]) -> Any:
    """Template path -> text. `Chart.render` takes no API versions, and the library below it does."""
    options = {"name": given["name"], "namespace": given["namespace"]}
    try:
        from helm_python import _native

        call, handle = _native.call_string, chart._raw()
    except (ImportError, AttributeError):
        return chart.render(values, **options)
    options |= {key: request[key] for key in ("kube_version", "api_versions")}
    return json.loads(call("helm_render", handle, json.dumps(values), json.dumps(options)))


def _merge_values(values: dict[str, Any], overriding_values: dict[str, Any]) -> None:
    """Later values over earlier ones, mapping by mapping, as several -f of helm do."""
    for key, value in overriding_values.items():
        known = values.get(key)
        if isinstance(known, dict) and isinstance(value, dict):
            _merge_values(known, value)
        else:
            values[key] = value


def run_worker() -> None:
    """Read one request as JSON from standard input and write the answer to standard output."""
    request = json.load(sys.stdin)
    try:
        answer = render_charts(request)
    except MemoryError:
        answer = {"limit": "it ran over its limit of memory"}
    except Exception as error:  # whatever the renderer raises is the chart's affair, told in its own words
        answer = {"error": f"{type(error).__name__}: {error}"}
    json.dump(answer, sys.stdout)
    sys.stdout.flush()
    os._exit(0)  # the renderer's runtime has threads that need not be waited for


if __name__ == "__main__":
    run_worker()
