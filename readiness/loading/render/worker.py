"""The process that renders a chart: limits first, then the chart, which is somebody else's code.

Reads a JSON request from standard input, writes a JSON answer: for each chart and environment, template path -> text,
or an error.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import sys
from typing import Any

SECONDS = 20
MEMORY = 4 << 30  # of address space, of which the renderer's runtime reserves most and uses little
OUTPUT = 64 << 20
_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000


def confine() -> None:
    """No more than so much time, memory and output; no network where the system can take it away."""
    try:
        import resource
    except ImportError:  # no such limits on this system; the caller's time-out still holds
        return
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (OUTPUT, OUTPUT))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None, use_errno=True).unshare(_NEW_USER | _NEW_NETWORK)


def render(request: dict[str, Any]) -> dict[str, Any]:
    """Every chart of a request with every environment; one that fails gives its error, the others go on."""
    from helm_python import HelmError
    from helm_python.chart import Chart, values_from_yaml

    answer: dict[str, Any] = {}
    for label, folder in request["charts"].items():
        said = answer[label] = {}
        with Chart.load(folder) as chart:
            for name, texts in request["environments"].items():
                try:
                    values: dict[str, Any] = {}
                    for text in texts:
                        _merge(values, values_from_yaml(text))
                    said[name] = {
                        "files": chart.render(values, name="release", namespace="default")
                    }
                except HelmError as error:
                    said[name] = {"error": str(error)}
    return answer


def _merge(into: dict[str, Any], more: dict[str, Any]) -> None:
    """Later values over earlier ones, mapping by mapping, as several -f of helm do."""
    for key, value in more.items():
        known = into.get(key)
        if isinstance(known, dict) and isinstance(value, dict):
            _merge(known, value)
        else:
            into[key] = value


def main() -> None:
    """Answer one request."""
    request = json.load(sys.stdin)
    confine()
    try:
        answer = render(request)
    except (
        Exception
    ) as error:  # whatever the renderer raises is the chart's affair, told in its own words
        answer = {"error": f"{type(error).__name__}: {error}"}
    json.dump(answer, sys.stdout)
    sys.stdout.flush()
    os._exit(0)  # the renderer's runtime has threads that need not be waited for


if __name__ == "__main__":
    main()
