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
    "0": 0, "007": 7, "123456789012345678": 123456789012345678,
    "1234567890123456789": None, "9" * 5000: None, "²": None, "1²": None, "①": None, "٣": None, "": None, "-1": None, "+1": None, " 1": None, "1_0": None, "1.0": None,
}  # fmt: skip


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
PLACES = {
    "replicas of compose": ("compose.yaml", "services:\n  a: {image: 'a:1', container_name: b, ports: ['80:80'], scale: '%s'}\n  b: {image: 'a:1', deploy: {replicas: '%s'}}\n"),
    "connections of nginx": ("nginx.conf", "worker_rlimit_nofile %s;\nevents { worker_connections %s; }\nhttp { keepalive_requests %s; server { listen 80; } }\n"),
    "groups of nginx": (
        "nginx.conf",
        "events {}\nhttp { map $uri $x { ~(a) ${%s}; }\n server { listen 80; rewrite ^/(.*)$ http://a/${%s}$1 redirect; location ~ /(b) { alias /c/${%s}; }"
        " if ($uri ~ (c)) { set $y ${%s}; return 301 http://a$y; } } }\n",
    ),
    "ports of Kubernetes": (
        "a.yaml",
        "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {selector: {a: b}, ports: [{port: '%s', targetPort: '%s', nodePort: '%s'}]}\n---\n"
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a, labels: {a: b}}\nspec:\n  containers:\n"
        "    - {name: a, image: 'a:%s', ports: [{containerPort: '%s'}], livenessProbe: {httpGet: {path: /, port: '%s'}}, resources: {limits: {cpu: '%s', memory: '%se%s'}}}\n",
    ),
    "users of images": ("Dockerfile", "FROM postgres:%s\nUSER %s\nEXPOSE %s-%s\nCOPY --from=%s a b\nRUN useradd -u %s a && chmod %s /x\nHEALTHCHECK --retries=%s CMD true\n"),
    "versions of nginx": ("nginx.conf", "http { server { listen 80; rewrite ^/(.*) /a?$args; add_header Strict-Transport-Security max-age=%s; client_max_body_size %sm; } }\n"),
    "an image of nginx": ("compose.yaml", "services:\n  a: {image: 'nginx:%s.%s.%s'}\n  b: {image: 'postgres:%s', environment: {KAFKA_JMX_PORT: '%s'}}\n"),
    "versions of actions": (".github/workflows/a.yml", "on: {schedule: [{cron: '%s %s * * *'}]}\njobs:\n  a:\n    timeout-minutes: %s\n    steps: [{uses: 'actions/checkout@v%s.%s'}, {run: \"echo ${{ fromJSON('[1]')[%s] }} ${{ format('{%s}', 1) }}\"}]\n"),
}  # fmt: skip


@pytest.mark.parametrize("digits", [LONG, RAISED, f"1{RAISED}", "٣"], ids=["long", "raised", "one raised", "of another script"])
@pytest.mark.parametrize("name", PLACES)
def test_no_rule_crashes_on_odd_digits(name: str, digits: str, tmp_path: Path) -> None:
    path, text = PLACES[name]
    files = {path: text.replace("%s", digits)}
    if path == "nginx.conf":
        files["compose.yaml"] = f"services: {{a: {{image: 'nginx:{digits}.{digits}', volumes: ['./nginx.conf:/etc/nginx/nginx.conf']}}}}\n"
    report = readiness.check([write_files(tmp_path, files)], select=["ALL"])
    assert [one.message for one in report.findings if one.rule == "core/crash"] == []
