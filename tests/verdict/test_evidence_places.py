"""Directives, stages, services and steps that show an item, and their neighbours that do not."""

from __future__ import annotations

import pytest

from tests.verdict.test_evidence import shown

SERVER = "http {\n  server {\n    listen 443 ssl;\n    server_name a.example.com;\n    %s\n  }\n}\n"
JOB = "on: %s\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps:\n      - uses: actions/checkout@v4\n%s"
SERVICE = "services:\n  a:\n    image: '%s'\n    %s\n"
OBJECT = "apiVersion: %s\nkind: %s\nmetadata: {name: a}\nspec: %s\n"


def step(*commands: str) -> str:
    return "".join(f"      - run: {command}\n" for command in commands)


NGINX = {
    "ssl_protocols TLSv1.3;": {"tls-protocols"},
    "ssl_certificate a.pem; ssl_certificate_key a.key;": {"certificate", "certificate-key"},
    "return 301 https://$host$request_uri;": {"https-redirect"},
    "return 301 http://$host$request_uri;": set(),
    "return 200 ok;": set(),
    "limit_req zone=a;": {"request-limit"},
    "limit_req zone=a burst=9;": {"request-limit", "request-limit-burst"},
    "client_max_body_size 0;": set(),
    "client_max_body_size 5m;": {"body-size-bounded"},
    "access_log off;": set(),
    "access_log /var/log/a main;": {"access-log"},
    "error_log /dev/null crit;": set(),
    "gzip off;": set(),
    "gzip on;": {"compression"},
    "add_header Content-Security-Policy \"default-src 'self'\";": {"header-csp"},
    "add_header X-Frame-Options DENY always;": {"header-frame-always"},
    "add_header X-Other a always;": set(),
    "proxy_set_header Host $host;": {"forwarded-host"},
    'proxy_set_header Host "";': set(),
    "location / { proxy_pass http://a; }": {"tls-entry"},
    "location = /healthz { access_log off; return 200; }": {"health-unlogged"},
    "location = /healthz { return 200; }": set(),
    "location / { expires 1y; }": {"static-caching"},
    "location / { expires off; }": set(),
}


@pytest.mark.parametrize("text", NGINX)
def test_a_directive_shows(text: str) -> None:
    named = {name for name in shown({"nginx.conf": SERVER % text}) if name != "header-frame"}
    assert named == NGINX[text]


def test_an_upstream_shows_its_method_and_its_servers() -> None:
    many = "http {\n  upstream a { server a1; server a2; }\n  upstream b { least_conn; server b1; }\n}\n"
    assert shown({"nginx.conf": many}) == {
        "balanced-servers": ["nginx.conf:2"],
        "balanced-upstream": ["nginx.conf:3"],
    }


IMAGES = {
    "FROM scratch\n": set(),
    "FROM debian\n": set(),
    "FROM debian:stable\n": set(),
    "FROM debian:12.8\n": {"base-versioned"},
    "FROM debian:12.8-slim\n": {"base-versioned", "base-minimal"},
    "ARG TAG\nFROM debian:$TAG\n": set(),
    "FROM a AS b\nFROM scratch\nCOPY --from=b /x /x\n": {"built-in-stages"},
    "FROM scratch\nCOPY --from=golang /x /x\n": set(),
    "FROM scratch\nEXPOSE 80\n": {"port-declared"},
    "FROM a\nRUN npm ci --omit=dev\n": {"locked-install", "production-install"},
    "FROM a\nRUN npm install\n": set(),
    "FROM a\nRUN cargo build --release\n": {"release-build"},
    "FROM a\nRUN cargo build\n": set(),
    "FROM a\nRUN apt-get update && apt-get install -y b=1 && rm -rf /var/lib/apt/lists/*\n": {"cache-left-out"},
    "FROM a\nRUN --mount=type=cache,target=/c make\n": {"cache-left-out"},
    "FROM a\nRUN --mount=type=secret,id=s make\n": {"dockerfile-secret"},
    "FROM a\nCOPY --chown=app x x\n": {"owned-files"},
    "FROM a\nENV LOG_LEVEL=info\n": {"log-level"},
    "FROM a\nENV FLASK_DEBUG=0\n": {"debug-off"},
    "FROM a\nENV FLASK_DEBUG=1\n": set(),
}  # fmt: skip


@pytest.mark.parametrize("text", IMAGES)
def test_an_image_shows(text: str) -> None:
    assert set(shown({"Dockerfile": text})) == IMAGES[text]


SERVICES = {
    ("example.com/a:1", "networks: [back]"): {"own-network"},
    ("example.com/a:1", "networks: [default]"): set(),
    ("example.com/a:1", "ports: ['443:8443']"): {"tls-entry"},
    ("example.com/a:1", "ports: ['80:8080']"): set(),
    ("example.com/a:1", "environment: {API_KEY: '${KEY}'}"): {"compose-secret"},
    ("example.com/a:1", "environment: {API_KEY: abc}"): set(),
    ("example.com/a:1", "environment: {NAME: '${KEY}'}"): set(),
    ("example.com/a:1", "secrets: [a]"): {"compose-secret"},
    ("postgres:17.2", "volumes: ['data:/var/lib/postgresql/data']"): {"durable-state", "store-unpublished"},
    ("postgres:17.2", "volumes: ['./data:/var/lib/postgresql/data']"): {"store-unpublished"},
    ("postgres:17.2", "ports: ['5432:5432']"): set(),
    ("postgres:17.2", "environment: {POSTGRES_PASSWORD: '${P}'}"): {"authentication", "compose-secret", "store-unpublished"},
}  # fmt: skip


@pytest.mark.parametrize(("image", "more"), SERVICES)
def test_a_service_shows(image: str, more: str) -> None:
    assert set(shown({"compose.yaml": SERVICE % (image, more)})) == SERVICES[image, more]


OBJECTS = {
    ("apps/v1", "Deployment", "{replicas: 1}"): set(),
    ("apps/v1", "Deployment", "{replicas: 2}"): {"several-replicas"},
    ("apps/v1", "Deployment", "{replicas: 3}"): {"several-replicas", "three-replicas"},
    ("policy/v1", "PodDisruptionBudget", "{minAvailable: 1}"): {"disruption-budget"},
    ("policy/v1", "PodDisruptionBudget", "{}"): set(),
    ("networking.k8s.io/v1", "NetworkPolicy", "{podSelector: {}, policyTypes: [Ingress]}"): {"network-policy-ingress"},
    ("networking.k8s.io/v1", "NetworkPolicy", "{podSelector: {}, egress: []}"): {"network-policy-egress"},
    ("autoscaling/v2", "HorizontalPodAutoscaler", "{minReplicas: 2, maxReplicas: 4, metrics: [{resource: {name: cpu}}]}"): {
        "autoscaler-bounds", "several-replicas", "autoscaler-cpu",
    },
    ("autoscaling/v2", "HorizontalPodAutoscaler", "{maxReplicas: 4}"): set(),
}  # fmt: skip


@pytest.mark.parametrize(("version", "kind", "spec"), OBJECTS)
def test_an_object_shows(version: str, kind: str, spec: str) -> None:
    found = shown({"a.yaml": OBJECT % (version, kind, spec)})
    assert set(found) == OBJECTS[version, kind, spec]
    assert {place for places in found.values() for place in places} <= {"a.yaml:4"}


INGRESS = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: a\n  annotations:\n    %s\nspec: {}\n"


@pytest.mark.parametrize(
    ("annotation", "fact"),
    [
        ('nginx.ingress.kubernetes.io/ssl-redirect: "true"', "ingress-redirect"),
        ('haproxy.org/ssl-redirect: "true"', "ingress-redirect"),
        ('nginx.ingress.kubernetes.io/ssl-redirect: "false"', ""),
        ('nginx.ingress.kubernetes.io/limit-rps: "9"', "ingress-limit"),
        ('nginx.ingress.kubernetes.io/limit-rps: "0"', ""),
        ("example.com/owner: a", ""),
    ],
)
def test_an_annotation_shows(annotation: str, fact: str) -> None:
    found = shown({"a.yaml": INGRESS % annotation})
    assert found == ({fact: ["a.yaml:6"]} if fact else {})


def test_steps_show_what_they_do_and_when() -> None:
    test, push = "pytest", "docker push example.com/a:${{ github.sha }}"
    both = shown({".github/workflows/a.yml": JOB % ("push", step(test, push))})
    assert set(both) == {"ci-test", "ci-test-before-push", "ci-commit-tag"}
    assert both["ci-test"] == [".github/workflows/a.yml:7"]
    late = shown({".github/workflows/a.yml": JOB % ("push", step(push, test))})
    assert set(late) == {"ci-test", "ci-commit-tag"}


def test_what_pull_requests_show() -> None:
    quiet = shown({".github/workflows/a.yml": JOB % ("pull_request", step("pytest"))})
    assert set(quiet) == {"ci-test", "ci-pull-request-tested"}
    loud = JOB % ("pull_request", step("pytest", "kubectl apply -f k8s"))
    assert "ci-pull-request-tested" not in shown({".github/workflows/a.yml": loud})


def test_a_secret_in_a_comment_shows_nothing() -> None:
    text = JOB % ("push", "      # ${{ secrets.A }} with docker/login-action\n" + step("make"))
    assert shown({".github/workflows/a.yml": text}) == {}
