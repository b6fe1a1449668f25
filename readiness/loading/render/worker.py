"""The process that renders a chart, which is somebody else's code: it is started confined (`programs.confine`).

Reads a JSON request from standard input, writes a JSON answer: for each chart and environment, template path -> text,
or an error; or the limit that all of it is over.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any


def render_charts(render_request: dict[str, Any]) -> dict[str, Any]:
    """Every chart of a request with every environment; one that fails gives its error, the others go on."""
    from helm_python import HelmError
    from helm_python.chart import Chart, values_from_yaml

    answer_by_chart_label: dict[str, Any] = {}
    for chart_label, chart_folder in render_request["charts"].items():
        answer_by_environment = answer_by_chart_label[chart_label] = {}
        with Chart.load(chart_folder) as chart:
            for environment_name, environment_request in render_request["environments"].items():
                try:
                    merged_values: dict[str, Any] = {}
                    for values_text in environment_request["texts"]:
                        _merge_values(merged_values, values_from_yaml(values_text))
                    answer_by_environment[environment_name] = {"files": _render_templates(chart, merged_values, environment_request, render_request)}
                except HelmError as helm_error:
                    answer_by_environment[environment_name] = {"error": str(helm_error)}
    return answer_by_chart_label


def _render_templates(chart: Any, merged_values: dict[str, Any], environment_request: dict[str, Any], render_request: dict[str, Any]) -> Any:
    """Template path -> text. `Chart.render` takes no API versions, and the library below it does."""
    render_options = {"name": environment_request["name"], "namespace": environment_request["namespace"]}
    try:
        from helm_python import _native

        native_call, chart_handle = _native.call_string, chart._raw()
    except (ImportError, AttributeError):
        return chart.render(merged_values, **render_options)
    render_options |= {key: render_request[key] for key in ("kube_version", "api_versions")}
    return json.loads(native_call("helm_render", chart_handle, json.dumps(merged_values), json.dumps(render_options)))


def _merge_values(merged_values: dict[str, Any], overriding_values: dict[str, Any]) -> None:
    """Later values over earlier ones, mapping by mapping, as several -f of helm do."""
    for key, overriding_value in overriding_values.items():
        earlier_value = merged_values.get(key)
        if isinstance(earlier_value, dict) and isinstance(overriding_value, dict):
            _merge_values(earlier_value, overriding_value)
        else:
            merged_values[key] = overriding_value


def run_worker() -> None:
    """Read one request as JSON from standard input and write the answer to standard output."""
    render_request = json.load(sys.stdin)
    try:
        render_answer = render_charts(render_request)
    except MemoryError:
        render_answer = {"limit": "it ran over its limit of memory"}
    except Exception as error:  # whatever the renderer raises is the chart's affair, told in its own words
        render_answer = {"error": f"{type(error).__name__}: {error}"}
    json.dump(render_answer, sys.stdout)
    sys.stdout.flush()
    os._exit(0)  # the renderer's runtime has threads that need not be waited for


if __name__ == "__main__":
    run_worker()
