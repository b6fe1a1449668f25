"""The top of the file system as `root` or `alias`: each server here was asked for /etc/passwd with nginx 1.22."""

from __future__ import annotations

import pytest

from readiness.kinds import nginx
from readiness.model import Source
from readiness.model.project import Project
from readiness.run import engine
from tests.conftest import catalogue
from tests.effort import effort

PROXY = "proxy_pass http://127.0.0.1:9;"
INNER = "location /in/ { internal; alias /; }"

OPEN = [
    "location /files/ { alias /; }",
    "location /files { alias /; }",
    "location ^~ /files/ { alias /; }",
    "location / { alias /; }",
    "location / { root /usr/..; }",
    "root /;",
    "root /; location = / { return 200; }",
    "root /srv; location / { root /; }",
    "root /; location / { try_files $uri $uri/ =404; }",
    "root /; location / { try_files $uri @app; } location @app { " + PROXY + " }",
    "root /; location / { " + PROXY + " } location /etc/ { }",
    "root /; location / { " + PROXY + " location ~ passwd$ { } }",
    "root /; location / { break; rewrite ^ /index.php last; }",
    "root /; rewrite ^/old/(.*)$ /new/$1 last;",
    "root /; try_files $uri =404;",
    "root /; if ($scheme = https) { return 301 http://x$request_uri; }",
    r"root /; location ~ /\.(?!well-known) { deny all; }",
    "location ~ ^/(.*)$ { root /; }",
    "location / { root /; limit_except GET { deny all; } }",
    "location / { root /; location ~ ^/proc { return 403; } }",
    "location /a/ { " + PROXY + " location /a/b/ { alias /; } }",
    "location /x/ { root /; rewrite ^/x/(.*)$ /$1 break; }",
    "location ~ ^/x/(.*)$ { root /; try_files /$1 =404; }",
    "location /dl/ { rewrite ^/dl/(.*)$ /in/$1 last; } " + INNER,
    "location /dl/ { rewrite ^ /in/$arg_file last; } " + INNER,
    "location /dl/ { if ($request_method = GET) { rewrite ^/dl/(.*)$ /in/$1 last; } } " + INNER,
    # The address is rewritten before anybody asks for a password.
    "location /dl/ { auth_basic x; rewrite ^/dl/(.*)$ /in/$1 last; } " + INNER,
    "rewrite ^/dl/(.*)$ /in/$1; " + INNER,
    "location / { try_files /nothing /in$uri; } " + INNER,
    "location / { root /srv; error_page 404 = /in/$uri; } " + INNER,
    "location ~ ^/dl/(?<rest>.*)$ { root /srv; try_files /nothing /in/$rest; } " + INNER,
    "location / { root /srv; try_files $uri @x; } location @x { rewrite ^/(.*)$ /in/$1 last; } " + INNER,
]

CLOSED = [
    INNER,
    "location = /files { alias /; }",
    "location ~ ^/files/ { alias /; }",
    "location /static/ { root /; }",
    # Files of /proc have no size: nginx sends nothing of them.
    "location /proc { root /; }",
    r"location ~ \.(css|js)$ { root /; }",
    "location / { root /; deny all; }",
    "root /; location / { root /srv; }",
    "root /; location / { " + PROXY + " }",
    "root /; location / { " + PROXY + " } location /static/ { }",
    r"root /; location / { " + PROXY + r" } location ~ \.(css|js)$ { expires 1d; }",
    "root /; location / { return 404; }",
    "root /; return 301 https://example.com$request_uri;",
    "root /; rewrite ^ /index.php last; location / { " + PROXY + " }",
    "root /; location / { rewrite ^ /index.php last; } location = /index.php { fastcgi_pass a:9; }",
    "root /; location / { rewrite ^/(.*)$ https://example.com/$1 permanent; }",
    "root /; location / { rewrite ^/(.*)$ /index.html break; }",
    "root /; location / { try_files /sorry.html @app; } location @app { " + PROXY + " }",
    "root /; location / { try_files $uri.html =404; }",
    "root /; try_files $uri =404; location / { " + PROXY + " }",
    "root /; error_page 404 /404.html; location / { return 404; } location = /404.html { internal; }",
    "location /x/ { root /; rewrite ^/x/([a-z]+)$ /$1 break; }",
    "location /dl/ { rewrite ^/dl/([0-9]+)$ /in/$1 last; } " + INNER,
    "location /dl/ { rewrite ^/dl/([^/]+)$ /in/$1 last; } " + INNER,
    "location /dl/ { rewrite ^/dl/(.*)$ /in/data/$1 last; } " + INNER,
    "location /dl/ { rewrite ^ /in/report.pdf last; } " + INNER,
    "location /dl/ { root /srv; error_page 404 = /in$uri; } " + INNER,
    "location /dl/ { rewrite ^/dl/(.*)$ https://x.example/in/$1 redirect; } " + INNER,
]

SOME = [
    "location / { root /; allow 10.0.0.0/8; deny all; }",
    "auth_basic x; location / { root /; }",
    "location / { root /; auth_request /login; }",
    "ssl_verify_client on; root /;",
    'root /; if ($arg_key != "something") { return 403; }',
    "listen 127.0.0.1:80; root /;",
]


def run(*texts: str, prose: bool = False, folder: str = "conf.d") -> tuple[list[str], int]:
    """The severities of what is found, and how often the rule could not tell."""
    documents = [("nginx", nginx.parse(Source(f"{folder}/{n}.conf", text, kind="nginx"))) for n, text in enumerate(texts)]
    core = {bound.rule.id: bound.rule for bound in catalogue()}
    rule = [bound for bound in catalogue() if bound.rule.id == "nginx/filesystem-root-served"]
    outcome = engine.EngineResult()
    engine.run_rules(Project(documents, is_prose=prose), rule, core, outcome)
    tally = outcome.tally_by_rule.get("nginx/filesystem-root-served", engine.RuleTally())
    return [str(one.severity) for one in outcome.findings], tally.unknown


def served(body: str) -> str:
    return f"http {{ server {{ {body} }} }}"


@pytest.mark.parametrize("body", OPEN)
def test_a_request_gets_a_file(body: str) -> None:
    assert run(served(body)) == (["critical"], 0)


@pytest.mark.parametrize("body", CLOSED)
def test_no_request_gets_a_file(body: str) -> None:
    assert run(served(body)) == ([], 0)


@pytest.mark.parametrize("body", SOME)
def test_some_are_let_in(body: str) -> None:
    assert run(served(body)) == (["medium"], 0)


def test_an_expression_that_looks_ahead_is_not_known() -> None:
    rewrite = "rewrite ^/(?!static)(.*)$ /index.php last; location = /index.php { return 200; }"
    assert run(served("root /; " + rewrite)) == ([], 1)


@pytest.mark.parametrize(
    ("texts", "severities"),
    [
        pytest.param(["location /files/ { alias /; }"], ["high"], id="no server in sight"),
        pytest.param(["http { root /; }"], ["high"], id="an http without servers"),
        pytest.param(["http { root /; server { } }"], ["critical"], id="inherited from http"),
        pytest.param(["http { root /; server { root /srv; } }"], [], id="nobody inherits it"),
        pytest.param(
            ["server { include lost/auth.conf; location / { root /; } }"],
            ["high"],
            id="what is included is not in sight",
        ),
        pytest.param(
            ["server { include conf.d/1.conf; location / { return 200; } }", "root /;"],
            [],
            id="included where nothing is served",
        ),
        pytest.param(["server { include conf.d/1.conf; }", "root /;"], ["critical"], id="included"),
        pytest.param(
            [
                f"server {{ {INNER} location / {{ {PROXY} }} }}",
                "server { listen 9; location / { add_header X-Accel-Redirect /in$uri; } }",
            ],
            ["critical"],
            id="a backend hands the path back",
        ),
    ],
)
def test_what_is_in_sight(texts: list[str], severities: list[str]) -> None:
    assert run(*texts)[0] == severities


def test_a_server_in_prose_serves_nobody() -> None:
    assert run(served("root /;"), prose=True)[0] == ["high"]


@pytest.mark.parametrize(
    ("folder", "severity"),
    [
        ("nginx", "critical"),
        ("deploy/production", "critical"),
        ("tests/nginx", "medium"),
        ("dev", "high"),
        ("examples/proxy", "high"),
        ("latest", "critical"),
    ],
)
def test_a_server_for_trial_serves_no_outsider(folder: str, severity: str) -> None:
    assert run(served("root /;"), folder=folder)[0] == [severity]


def test_the_work_grows_with_the_servers() -> None:
    def work(count: int) -> int:
        server = "server { location /f/ { alias /; } location ~ ^/a(.*)b$ { rewrite ^/(.*)$ /f/$1; } }"
        text = f"http {{ {server * count} }}"
        return effort(lambda: run(text))

    assert work(40) < 4.5 * work(10)


def test_the_work_is_bounded_in_a_server_of_many_locations() -> None:
    many = "".join(f"location ~ ^/a{n}$ {{ }}" for n in range(100))
    aliases = "".join(f"location /f{n}/ {{ internal; alias /; }}" for n in range(50))
    searched = "".join(f"location ~ ^/a{n}$ {{ }}" for n in range(25))
    assert effort(lambda: run(served(many + aliases))) < 1.5 * effort(lambda: run(served(searched + aliases)))
