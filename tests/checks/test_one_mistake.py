"""One mistake is one finding: where two rules could tell of one place, the more exact one does, and the other is silent there."""

from __future__ import annotations

from pathlib import Path

import pytest

import readiness
from tests.make import write_files

ENV_OF_ITS_OWN = ("dockerfile/env-self-reference", "dockerfile/variable-undefined")
PIPES = ("dockerfile/script-piped-to-shell", "dockerfile/pipe-unchecked")
LISTS = ("dockerfile/index-update-alone", "dockerfile/package-cache-left")
TYPES = ("k8s/field-type-wrong", "k8s/label-invalid", "k8s/annotation-invalid", "k8s/pod-label-invalid")
NEVER = ("k8s/image-pull-policy-never", "k8s/image-pull-policy-stale")
FILTERS = ("ci/event-filter-invalid", "ci/workflow-key-unknown")
DECODED = ("nginx/http-splitting", "nginx/proxy-path-decoded")
SNIPPETS = ("k8s/ingress-snippet", "k8s/ingress-snippet-lua")
TILLER = ("k8s/tiller-open", "k8s/tiller-deployed")
PORTS = ("k8s/field-required-missing", "k8s/port-invalid")
EGRESS = ("k8s/sandbox-egress-open", "k8s/pod-egress-open", "k8s/pod-ingress-open")

DOCKERFILE = 'FROM debian:13\n{}\nCMD ["sh"]\n'
POD = "apiVersion: v1\nkind: Pod\nmetadata: {{name: web, labels: {{{}}}}}\nspec: {{containers: [{{name: web, {}}}]}}\n"
IMAGE = "image: 'registry.example.com/web:1'"
INGRESS = (
    "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: web\n  annotations:\n"
    '    nginx.ingress.kubernetes.io/{}-snippet: "{}"\nspec: {{rules: [{{host: shop.example.com}}]}}\n'
)
SANDBOX = (
    "apiVersion: {}agents.x-k8s.io/v1alpha1\nkind: {}\nmetadata: {{name: agent}}\n"
    "spec: {{podTemplate: {{spec: {{containers: [{{name: agent, image: 'registry.example.com/a:1'}}]}}}}{}}}\n"
)
DEPLOYMENT = (
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {selector: {matchLabels: {app: web}},"
    " template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: 'registry.example.com/web:1'}]}}}\n"
)
JOBS = "jobs: {t: {runs-on: ubuntu-24.04, steps: [{run: make}]}}\n"
BACKEND = "server { listen 80; %s }\n"

CASES = [
    # What the same ENV sets; a name that nothing sets stays undefined, beside it and alone.
    (ENV_OF_ITS_OWN, "Dockerfile", DOCKERFILE.format("ENV HOME_DIR=/srv DATA_DIR=$HOME_DIR/data"), ENV_OF_ITS_OWN[:1]),
    (ENV_OF_ITS_OWN, "Dockerfile", DOCKERFILE.format("ENV A=/srv B=${A}/$A"), [ENV_OF_ITS_OWN[0]] * 2),
    (ENV_OF_ITS_OWN, "Dockerfile", DOCKERFILE.format("ENV A=/srv\nENV B=$A"), []),
    (ENV_OF_ITS_OWN, "Dockerfile", DOCKERFILE.format("ENV A=/srv B=$A/$TARGETARCH"), ENV_OF_ITS_OWN),
    (ENV_OF_ITS_OWN, "Dockerfile", DOCKERFILE.format("COPY x $TARGETARCH/"), ENV_OF_ITS_OWN[1:]),
    # A script of the network in a shell; another pipe of the same RUN has its own finding.
    (PIPES, "Dockerfile", DOCKERFILE.format("RUN curl -fsSL https://example.com/i.sh | sh"), PIPES[:1]),
    (PIPES, "Dockerfile", DOCKERFILE.format("RUN wget -qO- https://example.com/i.sh | tee x | bash -s -- -y"), PIPES[:1]),
    (PIPES, "Dockerfile", DOCKERFILE.format("RUN curl https://example.com/a.tgz | tar xz"), PIPES[1:]),
    (PIPES, "Dockerfile", DOCKERFILE.format("RUN curl https://example.com/i | sh && ./list | sort > l"), PIPES),
    (PIPES, "Dockerfile", DOCKERFILE.format("RUN cat i.sh | sh"), PIPES[1:]),
    # Lists that a RUN fetches alone; with an install, or removed in time.
    (LISTS, "Dockerfile", DOCKERFILE.format("RUN apt-get update\nRUN apt-get install -y git"), LISTS[:1]),
    (LISTS, "Dockerfile", DOCKERFILE.format("RUN apt-get update && apt-get install -y git"), LISTS[1:]),
    (
        LISTS,
        "Dockerfile",
        DOCKERFILE.format("RUN apt-get update\nRUN apt-get update && apt-get install -y git && rm -rf /var/lib/apt/lists/*"),
        LISTS[:1],
    ),
    (LISTS, "Dockerfile", DOCKERFILE.format("RUN apt-get update && apt-get install -y git && rm -rf /var/lib/apt/lists/*"), []),
    # Values that are no strings; a kind without a schema; text that is no label.
    (TYPES, "a.yaml", POD.format("rev: 2", IMAGE), TYPES[:1]),
    (TYPES, "a.yaml", POD.format("rev: 2, app: a b", IMAGE), TYPES[:2]),
    (TYPES, "a.yaml", "apiVersion: shop.example/v1\nkind: Queue\nmetadata: {name: q, labels: {a: 2}, annotations: {b: true}}\n",
     [TYPES[2], TYPES[1]]),
    (TYPES, "a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: q, annotations: {b: true, c: 1.5}}\n", [TYPES[0]] * 2),
    (TYPES, "a.yaml", DEPLOYMENT.replace("{labels: {app: web}}", "{labels: {app: web, rev: 1}}"), TYPES[:1]),
    (TYPES, "a.yaml", DEPLOYMENT.replace("{labels: {app: web}}", "{labels: {app: web, rev: a/b}}"), TYPES[3:]),
    # Never, whatever the tag; a tag that moves otherwise.
    (NEVER, "a.yaml", POD.format("app: web", "image: registry.example.com/web, imagePullPolicy: Never"), NEVER[:1]),
    (NEVER, "a.yaml", POD.format("app: web", f"{IMAGE}, imagePullPolicy: Never"), NEVER[:1]),
    (NEVER, "a.yaml", POD.format("app: web", "image: registry.example.com/web, imagePullPolicy: IfNotPresent"), NEVER[1:]),
    # A filter of other events; a key that is no filter.
    (FILTERS, ".github/workflows/a.yml", f"on: {{workflow_dispatch: {{branches: [main]}}}}\n{JOBS}", FILTERS[:1]),
    (FILTERS, ".github/workflows/a.yml", f"on: {{workflow_dispatch: {{branch: main}}}}\n{JOBS}", FILTERS[1:]),
    (FILTERS, ".github/workflows/a.yml", f"on: {{push: {{branches: [main]}}}}\nextra: 1\n{JOBS}", FILTERS[1:]),
    # A line break may be in it, or no more than a query.
    (DECODED, "nginx.conf", BACKEND % "location /a/ { proxy_pass http://127.0.0.1:81$uri; }", DECODED[:1]),
    (DECODED, "nginx.conf", BACKEND % r"location ~ ^/a/([^/]+)$ { proxy_pass http://127.0.0.1:81/$1; }", DECODED[:1]),
    (DECODED, "nginx.conf", BACKEND % "location ~ ^/a/(.+)$ { proxy_pass http://127.0.0.1:81/$1; }", DECODED[1:]),
    (DECODED, "nginx.conf", BACKEND % "location /a/ { return 301 https://$host$uri; }", DECODED[:1]),
    (DECODED, "nginx.conf", BACKEND % "location /a/ { proxy_pass http://127.0.0.1:81$request_uri; }", []),
    # Lua, and anything else that is put into the configuration.
    (SNIPPETS, "a.yaml", INGRESS.format("server", "content_by_lua_block { }"), SNIPPETS[1:]),
    (SNIPPETS, "a.yaml", INGRESS.format("configuration", "deny all; access_by_lua 'x';"), SNIPPETS[1:]),
    (SNIPPETS, "a.yaml", INGRESS.format("server", "more_set_headers 'X: by_lua_';"), SNIPPETS[:1]),
    (SNIPPETS, "a.yaml", INGRESS.format("auth", "proxy_set_header X y;"), SNIPPETS[:1]),
    # Tiller by its image, open or not, and by its labels.
    (TILLER, "a.yaml", POD.format("name: tiller", "image: ghcr.io/helm/tiller:v2.17.0"), TILLER[:1]),
    (TILLER, "a.yaml", POD.format("a: b", "image: tiller, args: ['--listen=127.0.0.1:44134']"), TILLER[1:]),
    (TILLER, "a.yaml", POD.format("name: tiller", IMAGE), TILLER[1:]),
    (TILLER, "a.yaml", POD.format("app: web", "image: registry.example.com/tiller-docs:1"), []),
    # A port of a container without its number; other fields that are left out, and a key that is nearly it.
    (PORTS, "a.yaml", POD.format("a: b", f"{IMAGE}, ports: [{{name: http}}]"), PORTS[1:]),
    (PORTS, "a.yaml", POD.format("a: b", f"{IMAGE}, env: [{{value: a}}]"), PORTS[:1]),
    (PORTS, "a.yaml", POD.format("a: b", f"{IMAGE}, ports: [{{containerport: 80}}]"), PORTS),
    # Sandboxes, whose way out has a rule of its own, and for whose templates a controller makes the policy.
    (EGRESS, "a.yaml", SANDBOX.format("", "Sandbox", ""), [EGRESS[2], EGRESS[0]]),
    (EGRESS, "a.yaml", SANDBOX.format("extensions.", "SandboxTemplate", ""), []),
    (
        EGRESS,
        "a.yaml",
        SANDBOX.format("extensions.", "SandboxTemplate", ", networkPolicyManagement: Unmanaged"),
        [EGRESS[2], EGRESS[0]],
    ),
    (EGRESS, "a.yaml", DEPLOYMENT, [EGRESS[1], EGRESS[2]]),
]  # fmt: skip


@pytest.mark.parametrize(("rules", "path", "text", "told"), CASES)
def test_one_rule_tells(rules: tuple[str, ...], path: str, text: str, told: list[str], tmp_path: Path) -> None:
    report = readiness.check([write_files(tmp_path, {path: text})], select=list(rules))
    assert not report.crashed
    assert sorted(one.rule for one in report.findings) == sorted(told)


@pytest.mark.parametrize(("minimum", "wanted", "part"), [(2, 2, "equal"), (2, 3, "over"), (4, "50%", ""), (3, 2, "")])
def test_a_budget_blocks_evictions_as_one_rule(minimum: int, wanted: int | str, part: str, tmp_path: Path) -> None:
    """A budget at the autoscaler's minimum and one above it are parts of one rule; the former id names the part."""
    scaler = (
        "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: web}\nspec: {scaleTargetRef: "
        f"{{apiVersion: apps/v1, kind: Deployment, name: web}}, minReplicas: {minimum}, maxReplicas: 9}}\n"
    )
    budget = (
        "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: web}\n"
        f"spec: {{minAvailable: {wanted}, selector: {{matchLabels: {{app: web}}}}}}\n"
    )
    write_files(tmp_path, {"a.yaml": "---\n".join([DEPLOYMENT, scaler, budget])})
    whole = readiness.check([tmp_path], select=["k8s/disruption-budget-over-autoscaler"])
    former = readiness.check([tmp_path], select=["k8s/disruption-budget-equals-autoscaler"])
    assert [one.part for one in whole.findings] == ([part] if part else [])
    assert len(former.findings) == (part == "equal")


def test_limits_of_sandboxes_are_told_by_the_rules_for_every_container(tmp_path: Path) -> None:
    write_files(tmp_path, {"a.yaml": SANDBOX.format("", "Sandbox", "").replace("a:1", "a:latest")})
    found = readiness.check([tmp_path], select=["k8s/memory-limit-missing", "k8s/image-tag-missing"]).findings
    assert sorted(one.rule for one in found) == ["k8s/image-tag-missing", "k8s/memory-limit-missing"]
    former = readiness.check([tmp_path], select=["k8s/sandbox-memory-limit-missing", "k8s/sandbox-image-mutable"]).findings
    assert sorted(one.rule for one in former) == ["k8s/image-tag-missing", "k8s/memory-limit-missing"]
