"""Numbers in texts of somebody else: what `isdigit` calls digits is not always a number."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import readiness
from readiness.model.number import decimal_number
from tests.conftest import ROOT
from tests.make import write_files

NUMBERS = {
    "0": 0,
    "007": 7,
    "123456789012345678": 123456789012345678,
    **dict.fromkeys(("1234567890123456789", "9" * 5000, "²", "1²", "①", "٣", "", "-1", "+1", " 1", "1_0", "1.0")),
}


@pytest.mark.parametrize("text", NUMBERS, ids=ascii)
def test_a_number_is_of_few_ascii_digits(text: str) -> None:
    assert decimal_number(text) == NUMBERS[text]


def test_the_number_of_digits_can_be_bounded() -> None:
    assert (decimal_number("12345678", 8), decimal_number("123456789", 8)) == (12345678, None)


def functions(path: Path) -> Iterator[ast.FunctionDef]:
    yield from (node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.FunctionDef))


def test_no_function_takes_what_isdigit_says_for_a_number() -> None:
    """`"²".isdigit()` is true, and `int("²")` raises: use `isdecimal`, or `decimal_number` of any text that may be long."""
    wrong = []
    for path in sorted((ROOT / "readiness").rglob("*.py")):
        for function in functions(path):
            calls = [node.func for node in ast.walk(function) if isinstance(node, ast.Call)]
            asks = any(isinstance(one, ast.Attribute) and one.attr == "isdigit" for one in calls)
            makes = any(isinstance(one, ast.Name) and one.id == "int" for one in calls)
            if asks and makes:
                wrong.append(f"{path.relative_to(ROOT).as_posix()}: {function.name}")
    assert [one for one in wrong if not one.startswith("readiness/programs/git.py")] == [], "of bytes it is ASCII, as in git.py"


LONG, RAISED = "9" * 5000, "²"
COMPOSE = """\
services:
  a: {image: 'a:1', container_name: b, ports: ['80:80'], scale: '%s'}
  b: {image: 'a:1', deploy: {replicas: '%s'}}
  c: {image: 'nginx:%s.%s.%s'}
  d: {image: 'postgres:%s', environment: {KAFKA_JMX_PORT: '%s'}}
"""
NGINX = """\
worker_rlimit_nofile %s;
events { worker_connections %s; }
http {
  keepalive_requests %s;
  client_max_body_size %sm;
  map $uri $x { ~(a) ${%s}; }
  server {
    listen 80;
    add_header Strict-Transport-Security max-age=%s;
    rewrite ^/(.*)$ http://a/${%s}$1 redirect;
    rewrite ^/b/(.*) /c?$args;
    location ~ /(b) { alias /c/${%s}; }
    if ($uri ~ (c)) { set $y ${%s}; return 301 http://a$y; }
  }
}
"""
KUBERNETES = """\
apiVersion: v1
kind: Service
metadata: {name: a}
spec: {selector: {a: b}, ports: [{port: '%s', targetPort: '%s', nodePort: '%s'}]}
---
apiVersion: v1
kind: Pod
metadata: {name: a, labels: {a: b}}
spec:
  containers:
    - name: kube-apiserver
      image: 'a:%s'
      command: [kube-apiserver, --audit-log-maxage=%s]
      ports: [{containerPort: '%s'}]
      livenessProbe: {httpGet: {path: /, port: '%s'}}
      resources: {limits: {cpu: '%s', memory: '%se%s'}}
"""
DOCKERFILE = """\
FROM postgres:%s
USER %s
EXPOSE %s-%s
COPY --from=%s a b
RUN useradd -u %s a && chmod %s /x
HEALTHCHECK --retries=%s CMD true
"""
WORKFLOW = """\
on: {schedule: [{cron: '%s %s * * *'}]}
jobs:
  a:
    timeout-minutes: %s
    steps:
      - uses: actions/checkout@v%s.%s
      - run: "echo ${{ fromJSON('[1]')[%s] }} ${{ format('{%s}', 1) }}"
"""
PLACES = {"compose.yaml": COMPOSE, "nginx.conf": NGINX, "a.yaml": KUBERNETES, "Dockerfile": DOCKERFILE, ".github/workflows/a.yml": WORKFLOW}


@pytest.mark.parametrize("digits", [LONG, RAISED, f"1{RAISED}", "٣"], ids=["long", "raised", "one raised", "of another script"])
@pytest.mark.parametrize("path", PLACES)
def test_no_rule_crashes_on_odd_digits(path: str, digits: str, tmp_path: Path) -> None:
    files = {path: PLACES[path].replace("%s", digits)}
    if path == "nginx.conf":
        files["compose.yaml"] = f"services: {{a: {{image: 'nginx:{digits}.{digits}', volumes: ['./nginx.conf:/etc/nginx/nginx.conf']}}}}\n"
    report = readiness.check([write_files(tmp_path, files)], select=["ALL"])
    assert [one.message for one in report.findings if one.rule == "core/crash"] == []
