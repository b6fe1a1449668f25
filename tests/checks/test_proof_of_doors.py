"""A word lets strangers in where the files show that they reach what asks for it; what a machine made opens something anyway."""

from __future__ import annotations

from pathlib import Path

import pytest

import readiness
from readiness.checks.dockerfile import user
from tests.make import write_files


def severities(root: Path, files: dict[str, str], *rules: str, purpose: str = "") -> list[str]:
    write_files(root, files)
    return [
        one.severity.name.lower() for one in readiness.check([root], select=list(rules), base=root, purpose=purpose).findings if one.rule in rules
    ]


RANDOM = "x7Kq-93LmWz2vB4n"
POD = """\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: desk}}
spec:
  selector: {{matchLabels: {{app: desk}}}}
  template:
    metadata: {{labels: {{app: desk}}}}
    spec:
      containers:
        - name: desk
          image: {image}
          env: [{env}]
---
apiVersion: v1
kind: Service
metadata: {{name: desk}}
spec: {{type: {type}, selector: {{app: desk}}, ports: [{{port: 80}}]}}
"""
ROUTE = """\
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: desk}
spec: {rules: [{host: desk.shop.io, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: desk, port: {number: 80}}}}]}}]}
"""
ADMIN = "{name: ADMIN_PASSWORD, value: seafarer}"
PODS = {
    "inside": ("acme/desk:1", ADMIN, "ClusterIP", "", "medium"),
    "a node's port": ("acme/desk:1", ADMIN, "NodePort", "", "high"),
    "a balancer": ("acme/desk:1", ADMIN, "LoadBalancer", "", "high"),
    "an Ingress": ("acme/desk:1", ADMIN, "ClusterIP", ROUTE, "high"),
    "the user beside it": ("acme/desk:1", "{name: DESK_USER, value: admin}, {name: DESK_PASS, value: seafarer}", "NodePort", "", "high"),
    "another user": ("acme/desk:1", "{name: DESK_USER, value: clerk}, {name: DESK_PASS, value: seafarer}", "NodePort", "", "medium"),
    "a login elsewhere": ("acme/desk:1", "{name: DB_PASSWORD, value: seafarer}", "NodePort", "", "medium"),
    "a store": ("postgres:17.2", "{name: POSTGRES_PASSWORD, value: seafarer}", "NodePort", "", "high"),
    "a store inside": ("postgres:17.2", "{name: POSTGRES_PASSWORD, value: seafarer}", "ClusterIP", "", "medium"),
    "a key to sign with": ("acme/desk:1", "{name: JWT_SECRET, value: seafarer}", "NodePort", "", "high"),
    "a key to sign with, made by a machine": ("acme/desk:1", f"{{name: JWT_SECRET, value: {RANDOM}}}", "ClusterIP", "", "high"),
    "made by a machine": ("acme/desk:1", f"{{name: API_TOKEN, value: {RANDOM}}}", "ClusterIP", "", "medium"),
}


@pytest.mark.parametrize(("image", "env", "service_type", "more", "want"), PODS.values(), ids=PODS)
def test_a_variable_of_a_container(tmp_path: Path, image: str, env: str, service_type: str, more: str, want: str) -> None:
    text = POD.format(image=image, env=env, type=service_type) + more
    assert severities(tmp_path, {"desk.yaml": text}, "k8s/secret-in-env") == [want]


SECRET = "---\napiVersion: v1\nkind: Secret\nmetadata: {name: desk}\nstringData: {admin-pass: seafarer}\n"  # noqa: S105
TAKEN = "{name: DESK_ADMIN_PASSWORD, valueFrom: {secretKeyRef: {name: desk, key: admin-pass}}}"
SECRETS = {
    "taken inside": (TAKEN, "ClusterIP", "medium"),
    "taken behind a balancer": (TAKEN, "LoadBalancer", "high"),
    "another one is taken": (TAKEN.replace("name: desk,", "name: other,"), "LoadBalancer", "medium"),
    "another key is taken": (TAKEN.replace("key: admin-pass", "key: port"), "LoadBalancer", "medium"),
}


@pytest.mark.parametrize(("env", "service_type", "want"), SECRETS.values(), ids=SECRETS)
def test_a_value_of_a_secret(tmp_path: Path, env: str, service_type: str, want: str) -> None:
    text = POD.format(image="acme/desk:1", env=env, type=service_type) + SECRET
    assert severities(tmp_path, {"desk.yaml": text}, "k8s/secret-committed") == [want]


CONSOLE = POD.replace("desk", "look").format(image="phpmyadmin:5.2", env="{{name: PMA_HOST, value: desk}}".format(), type="{type}")


@pytest.mark.parametrize(("console", "want"), [("ClusterIP", "medium"), ("NodePort", "high")])
def test_a_store_behind_a_console(tmp_path: Path, console: str, want: str) -> None:
    store = POD.format(image="mysql:8.4", env="{name: MYSQL_ROOT_PASSWORD, value: seafarer}", type="ClusterIP")
    files = {"desk.yaml": store, "look.yaml": CONSOLE.replace("{type}", console)}
    assert severities(tmp_path, files, "k8s/secret-in-env") == [want]


CHART = {
    "Chart.yaml": "apiVersion: v2\nname: desk\nversion: 1.0.0\n",
    "values.yaml": f"token: {RANDOM}\n",
    "templates/a.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: desk}\nstringData:\n  session-secret: {{ .Values.token }}\n",
}


def test_a_default_of_a_chart_is_medium(tmp_path: Path) -> None:
    assert severities(tmp_path / "a", CHART, "k8s/secret-committed") == ["medium"]
    plain = {"a.yaml": CHART["templates/a.yaml"].replace("{{ .Values.token }}", RANDOM)}
    assert severities(tmp_path / "b", plain, "k8s/secret-committed") == ["high"]


TEMPLATE = """\
{{- $ca := genSelfSignedCert "desk" nil nil 365 }}
apiVersion: v1
kind: Secret
metadata: {name: desk}
type: kubernetes.io/tls
data:
  tls.crt: {{ ternary (b64enc (trim $ca.Cert)) (b64enc (trim .Values.crt)) (empty .Values.crt) }}
  tls.key: {{ ternary (b64enc (trim $ca.Key)) (b64enc (trim .Values.key)) (empty .Values.key) }}
"""


def test_a_key_that_the_template_makes_stands_in_no_file(tmp_path: Path) -> None:
    files = CHART | {"values.yaml": 'crt: ""\nkey: ""\n', "templates/a.yaml": TEMPLATE}
    assert severities(tmp_path, files, "k8s/secret-committed") == []


COMMENTS = {
    "at the head, on purpose": ("# Checking in the key is intentional, it only reads.\n", "", "low"),
    "to be replaced": ("", "  # TODO: Replace with keys for your cluster\n  user: desk\n", "low"),
    "of something else": ("# The keys of the desk.\n", "  # Rotated in May\n", "medium"),
    "below another document": ("# Checking in the key is intentional.\nkind: List\n---\n", "", "medium"),
}


@pytest.mark.parametrize(("head", "above", "want"), COMMENTS.values(), ids=COMMENTS)
def test_what_comments_say_of_a_key(tmp_path: Path, head: str, above: str, want: str) -> None:
    text = f"{head}apiVersion: v1\nkind: Secret\nmetadata: {{name: desk}}\nstringData:\n{above}  api-token: {RANDOM}\n"
    assert severities(tmp_path, {"desk.yaml": text}, "k8s/secret-committed") == [want]


STACK = "services:\n  desk:\n    image: acme/desk:1.4\n    restart: always\n    {line}\n    {ports}\n"
WAYS = {
    "compose/privileged": "privileged: true",
    "compose/engine-socket": "volumes: ['/var/run/docker.sock:/var/run/docker.sock']",
    "compose/engine-api": "use_api_socket: true",
    "compose/capability-dangerous": "cap_add: [SYS_ADMIN]",
    "compose/device-host": "devices: ['/dev/sda:/dev/sda']",
    "compose/host-processes": "pid: host",
    "compose/host-path-sensitive": "volumes: ['/etc:/host']",
}


@pytest.mark.parametrize(("ports", "want"), [("labels: {}", "medium"), ("ports: ['80:80']", "high"), ("labels: ['traefik.enable=true']", "high")])
@pytest.mark.parametrize(("rule", "line"), WAYS.items(), ids=WAYS)
def test_root_on_the_host_where_requests_get_to(tmp_path: Path, rule: str, line: str, ports: str, want: str) -> None:
    assert severities(tmp_path, {"compose.yaml": STACK.format(line=line, ports=ports)}, rule, purpose="production") == [want]


def compose(**services: str) -> str:
    return "services:\n" + "".join(f"  {name}: {{restart: always, {text}}}\n" for name, text in services.items())


GRAFANA = "image: 'grafana/grafana:12.2.0', environment: {GF_AUTH_ANONYMOUS_ENABLED: 'true', GF_AUTH_ANONYMOUS_ORG_ROLE: Admin}"
FILES = {
    "a read-only mount": ("compose/host-path-sensitive", compose(desk="image: a, ports: ['80:80'], volumes: ['/etc:/host:ro']"), "medium"),
    "one port, two services": ("compose/port-clash", compose(a="image: a, ports: ['80:80']", b="image: b, ports: ['80:80']"), "medium"),
    "one needs the other": ("compose/port-clash", compose(a="image: a, ports: ['80:80']", b="image: b, ports: ['80:80'], depends_on: [a]"), "high"),
    "by a third": (
        "compose/port-clash",
        compose(a="image: a, ports: ['80:80']", c="image: c, depends_on: [a]", b="image: b, ports: ['80:80'], depends_on: [c]"),
        "high",
    ),
    "a network of nobody": ("compose/reference-undefined", compose(a="image: a, networks: [back]"), "high"),
    "everybody in, published": (
        "compose/authentication-off",
        compose(g=f"{GRAFANA}, ports: ['3000:3000']"),
        "high",
    ),
    "everybody in, on the host alone": (
        "compose/authentication-off",
        compose(g=f"{GRAFANA}, ports: ['127.0.0.1:3000:3000']"),
        "medium",
    ),
    "a proxy's interface": (
        "compose/authentication-off",
        compose(p="image: 'traefik:v3.6', ports: ['8080:8080'], command: [--api.insecure=true]"),
        "medium",
    ),
    "a queue": ("compose/store-not-durable", compose(q="image: 'rabbitmq:4.0.5'"), "medium"),
    "a database": ("compose/store-not-durable", compose(q="image: 'postgres:17.2'"), "medium"),
}  # fmt: skip


@pytest.mark.parametrize(("rule", "text", "want"), FILES.values(), ids=FILES)
def test_a_compose_file(tmp_path: Path, rule: str, text: str, want: str) -> None:
    assert severities(tmp_path, {"compose.yaml": text}, rule, purpose="production") == [want]


def test_a_name_that_another_file_of_the_tree_defines(tmp_path: Path) -> None:
    files = {"a/compose.yaml": compose(a="image: a, networks: [back]"), "b/compose.yaml": compose(a="image: a") + "networks: {back: {}}\n"}
    assert severities(tmp_path, files, "compose/reference-undefined") == ["medium"]


def test_a_layer_of_another_program_is_not_surely_composes(tmp_path: Path) -> None:
    text = "services:\n  web:\n    image: acme/web:1\n    restart: always\n    ports: ['80:80']\n    sumary: x\n"
    assert severities(tmp_path / "a", {"compose.yaml": text}, "compose/key-unknown") == ["medium"]
    assert severities(tmp_path / "b", {"layers/web.yaml": text}, "compose/key-unknown") == ["medium"]


IMAGES = {
    "a password and SSH": ("RUN apt-get install -y openssh-server && echo 'app:seafarer' | chpasswd", "dockerfile/password-in-build", "high"),
    "a password": ("RUN echo 'app:seafarer' | chpasswd", "dockerfile/password-in-build", "medium"),
    "a platform's constant": ("RUN apt-get install -y openssh-server && echo 'root:Docker!' | chpasswd", "dockerfile/password-in-build", "low"),
    "a key of SSH": ("RUN ssh-keygen -t ed25519 -N '' -f /etc/ssh/key", "dockerfile/key-made-in-build", "high"),
    "a certificate of its own": (
        "RUN openssl req -x509 -newkey rsa:2048 -nodes -keyout /k.pem",
        "dockerfile/key-made-in-build",
        "medium",
    ),
}


@pytest.mark.parametrize(("line", "rule", "want"), IMAGES.values(), ids=IMAGES)
def test_an_image(tmp_path: Path, line: str, rule: str, want: str) -> None:
    assert severities(tmp_path, {"Dockerfile": f"FROM debian:13.1\n{line}\n"}, rule, purpose="production") == [want]


def test_where_requests_go_is_no_password(tmp_path: Path) -> None:
    text = "server {\n  listen 80;\n  server_name shop.io;\n  set $my_fastcgi_pass php_backend;\n  location / { fastcgi_pass $my_fastcgi_pass; }\n}\n"
    assert severities(tmp_path, {"nginx.conf": text}, "nginx/credential-inline") == []
    secret = text.replace("my_fastcgi_pass php_backend", f"api_password {RANDOM}")
    assert severities(tmp_path, {"nginx.conf": secret}, "nginx/credential-inline") == ["high"]


@pytest.mark.parametrize(("text", "want"), [("name: %%%", "medium"), ("name: @@NAME@@", "medium"), ("name: [a", "high")])
def test_a_mark_that_a_program_replaces(tmp_path: Path, text: str, want: str) -> None:
    files = {"deploy/a.yaml": f"apiVersion: v1\nkind: Secret\nmetadata:\n  {text}\ndata: {{}}\n"}
    assert severities(tmp_path, files, "core/syntax") == [want]


@pytest.mark.parametrize(("lines", "times"), [("RUN echo 'app:seafarer' | chpasswd\n" * 30, 1), ("RUN touch a && rm b\n" * 30, 0)])
def test_the_text_of_an_image_is_searched_once_for_servers(lines: str, times: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[str] = []

    class Counting:
        def search(self, text: str) -> None:
            searched.append(text)

    monkeypatch.setattr(user, "_NETWORK_LOGIN", Counting())
    user._has_login_by_network.cache_clear()
    readiness.check([write_files(tmp_path, {"Dockerfile": f"FROM debian:12.5\n{lines}"})], select=["dockerfile/password-in-build"])
    assert len(searched) == times
