"""Near misses and variants beyond the rules' own examples: for each topic, texts that must be found and texts that must not."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from readiness.kinds import nginx
from readiness.kinds.nginx import versions
from readiness.model import Source
from readiness.model.project import Project
from readiness.run import engine
from tests.conftest import catalogue

TOPICS = {
    "stale_dns": ["resolver-missing"],
    "alias-traversal": ["alias-traversal"],
    "header-multiline": ["header-multiline"],
    "content-type-added": ["content-type-added"],
    "host-from-client": ["host-from-client"],
    "http-splitting": ["http-splitting"],
    "proxy-host-from-client": ["proxy-host-from-client"],
    "capture-unresolved": ["capture-unresolved", "map-capture-unresolved"],
    "return-before-access-rules": ["return-before-access-rules"],
    "stub-status-exposed": ["stub-status-exposed"],
    "rewrite-arguments-leak": ["rewrite-arguments-leak"],
    "rewrite-overlapping-captures": ["rewrite-overlapping-captures"],
    "origin-check-bypassed": [
        "origin-check-bypassed",
        "origin-map-bypassed",
        "cors-origin-reflected",
    ],
    "variable-case-mixed": ["variable-case-mixed"],
    "backend-resolved-once": [
        "backend-resolved-once",
        "upstream-resolved-once",
        "resolver-missing",
    ],
    "location-regex-unanchored": ["location-regex-unanchored"],
    "map-without-default": ["map-without-default"],
    "if-in-location": ["if-in-location"],
    "default-server-unmarked": ["default-server-unmarked"],
    "header-lost": ["header-lost"],
    "hsts-missing": ["hsts-missing", "hsts-short"],
    "tls-protocol-old": ["tls-protocol-old", "tls-cipher-weak"],
    "location-regex-exact": ["location-regex-exact"],
    "referer-none-valid": ["referer-none-valid"],
    "paths": ["proxy-slash-mismatch", "proxy-path-escaped-twice", "proxy-path-decoded"],
}

FOUND = [
    ("stale_dns", "http { server { location / { proxy_pass http://app:3000$request_uri; } } }"),
    ("alias-traversal", "location ^~ /files { alias /data/; }"),
    ("alias-traversal", "location ~ /site(?<rest>.*)$ { alias /data/$rest; }"),
    ("alias-traversal", "location ~ ^/images([^/]*)/ { alias /data/$1/; }"),
    ("alias-traversal", "location ^~/files { alias /data/; }"),
    (
        "header-multiline",
        """add_header X "
  foo";""",
    ),
    ("content-type-added", "add_header content-type text/plain;"),
    ("host-from-client", "location / { set $h $http_host; proxy_set_header Host $h; }"),
    ("http-splitting", "rewrite ^/(.*)$ https://example.com$uri permanent;"),
    (
        "http-splitting",
        r"location ~ ^/v1/((?<action>[^.]*)\.json)?$ { add_header X-Action $action; }",
    ),
    ("http-splitting", "location ~ ^/([^/]+)/x$ { return 302 https://a.example/$1; }"),
    (
        "http-splitting",
        """map $uri $m { default $uri; }
add_header X $m;""",
    ),
    ("http-splitting", "location ~ ^/a/[0-9]+ { return 301 https://example.com$uri; }"),
    ("http-splitting", "location ~ [0-9]+$ { return 301 https://example.com$uri; }"),
    ("http-splitting", "location ~ ^/a/[^/]+$ { return 301 https://example.com$uri; }"),
    ("http-splitting", "location ~ ^/a$|/b$ { return 301 https://example.com$uri; }"),
    ("http-splitting", "location ~ ^/[a-z]+$ { rewrite ^ /x/$arg_a break; proxy_pass http://b$uri; }"),
    ("http-splitting", "location /a { location ~ /b$ { proxy_pass http://b$uri; } }"),
    ("http-splitting", "server { set $x $uri; location / { proxy_set_header X-U $x; } }"),
    ("proxy-host-from-client", "location ~ ^/proxy/(.*)$ { proxy_pass http://$1; }"),
    ("proxy-host-from-client", "location /a { set $u http://$arg_x; proxy_pass $u; }"),
    ("proxy-host-from-client", "location /a { proxy_pass http://$http_host$request_uri; }"),
    ("proxy-host-from-client", "location ~ ^/(?<who>[^/]+)/ { proxy_pass http://$who.internal; }"),
    (
        "proxy-host-from-client",
        "http { map $arg_t $b { default $arg_t; } server { location / { proxy_pass http://$b; } } }",
    ),
    ("capture-unresolved", 'rewrite "(?i)/path" /$1 break;'),
    ("capture-unresolved", 'rewrite "^/(?:a|b)/x" /$1 break;'),
    ("capture-unresolved", "location ~ ^/static/ { return 301 https://example.com/$1; }"),
    ("capture-unresolved", "server { if ($uri ~ ^/a) { set $x $1; } }"),
    ("paths", "location ~ ^/x/(.*)$ { proxy_pass http://b/$1; }"),
    (
        "paths",
        "location /b/ { if ($arg_x) { rewrite ^ $request_uri; } rewrite ^/b(/.*)$ $1 break; proxy_pass http://b$1; }",
    ),
    ("paths", "location /api { proxy_pass http://b/; }"),
    ("paths", "location ~ ^/a/.*$ { proxy_pass http://b$uri; }"),
    (
        "return-before-access-rules",
        "location / { allow 1.2.3.4; deny all; if ($a) { return 200 x; } }",
    ),
    ("return-before-access-rules", "location / { deny all; return 302 /x; }"),
    ("stub-status-exposed", "server { listen 80; location /s { stub_status; } }"),
    ("stub-status-exposed", "location /s { stub_status; allow 10.0.0.0/8; }"),
    (
        "stub-status-exposed",
        "server { listen [::]:80; location /s { stub_status; allow ::/0; deny all; } }",
    ),
    ("stub-status-exposed", "location /s { stub_status; deny 10.0.0.0/8; }"),
    ("rewrite-overlapping-captures", "rewrite ^/((.*))$ /x?$1$2;"),
    (
        "origin-check-bypassed",
        r'if ($http_origin ~* ((^https://www\.yandex\.ru)|(^https://ya\.ru)$)) { add_header Access-Control-Allow-Origin "$http_origin"; }',
    ),
    (
        "origin-check-bypassed",
        "http { server { add_header Access-Control-Allow-Origin $http_origin always; } }",
    ),
    (
        "origin-check-bypassed",
        "http { server { set $c $http_origin; add_header Access-Control-Allow-Origin $c always; } }",
    ),
    (
        "origin-check-bypassed",
        'http { map $http_origin $c { default ""; ~^https://subdomain.example.com$ $http_origin; } server { add_header Access-Control-Allow-Origin $c; } }',  # noqa: E501 - one text, one line
    ),
    (
        "origin-check-bypassed",
        r'if ($http_referer !~ "^https://([^/])+metrika.*yandex\.ru/") { add_header X-Frame-Options SAMEORIGIN; }',
    ),
    ("origin-check-bypassed", r'if ($http_origin !~ "^https://yandex\.ru/$") { add_header X 1; }'),
    (
        "origin-check-bypassed",
        r'if ($http_origin !~ "^https://.*\.example\.com") { add_header X 1; }',
    ),
    (
        "origin-check-bypassed",
        r'if ($http_referer !~ "https?://example\.com/$") { add_header X 1; }',
    ),
    (
        "origin-check-bypassed",
        r'if ($http_referer !~ "^https?://example\.com.*$") { add_header X 1; }',
    ),
    ("origin-check-bypassed", 'if ($http_referer !~ "yandex.ru") { add_header X 1; }'),
    ("variable-case-mixed", "location ~ ^/(?<Path>.*)$ { return 200 $path; }"),
    (
        "backend-resolved-once",
        "http { server { location / { set $b api.example.com; proxy_pass http://$b; } } }",
    ),
    ("backend-resolved-once", "upstream a { server api.example.com:443; }"),
    ("backend-resolved-once", "grpc_pass grpc://api.example.com:443;"),
    ("location-regex-unanchored", "location ~ ^/foo|/bar { proxy_pass http://x; }"),
    ("location-regex-unanchored", "location ~/v1/ { return 200; }"),
    ("map-without-default", "map $a $b { x 1; y 2; }"),
    ("if-in-location", "location / { if ($a) { proxy_pass http://x; } }"),
    ("if-in-location", "location / { if ($a) { try_files $uri =404; } }"),
    (
        "default-server-unmarked",
        "http { server { listen 80; listen 443 ssl; } server { listen *:80; } }",
    ),
    ("default-server-unmarked", "http { server { listen unix:/a; } server { listen unix:/a; } }"),
    ("header-lost", "http { add_header A b; server { add_header C d; } }"),
    ("hsts-missing", 'http { server { listen 443 ssl; location / { return 200 "ok"; } } }'),
    ("hsts-missing", "http { server { listen 443 ssl; } }"),
    (
        "hsts-missing",
        'http { server { listen 443 ssl; add_header Strict-Transport-Security "max-age=60"; } }',
    ),
    ("tls-protocol-old", "ssl_protocols SSLv3 TLSv1;"),
    ("tls-protocol-old", "ssl_ciphers ALL:!aNULL:!ADH:!eNULL:!LOW:!EXP:RC4+RSA:+HIGH:+MEDIUM;"),
    ("tls-protocol-old", "ssl_ciphers DEFAULT:DES-CBC3-SHA;"),
    ("location-regex-exact", r"location ~ ^/robots\.txt$ { return 200; }"),
]
SILENT = [
    (
        "stale_dns",
        "http { resolver 127.0.0.11; server { location / { proxy_pass http://app:3000$uri; } } }",
    ),
    (
        "stale_dns",
        "http { upstream app { server 10.0.0.1; } server { location / { proxy_pass http://app$request_uri; } } }",
    ),
    ("stale_dns", "location / { proxy_pass http://app:3000$request_uri; }"),
    ("alias-traversal", r"location ~ ^/images/(.*)(\.png)$ { alias /app/$1$2; }"),
    ("alias-traversal", "location = /files { alias /data/; }"),
    ("alias-traversal", "location ~ ^/files(/.*)$ { alias /data$1; }"),
    ("alias-traversal", r"location ~ ^/u-(\w+)$ { alias /data/$1; }"),
    ("alias-traversal", "location =/files { alias /data/; }"),
    (
        "content-type-added",
        "server { proxy_hide_header Content-Type; location / { add_header Content-Type a/b; } }",
    ),
    ("host-from-client", "proxy_set_header X-Forwarded-Host $http_host;"),
    ("http-splitting", "location ~ ^/v1/(?<action>[a-z]*)$ { add_header X-Action $action; }"),
    ("http-splitting", "add_header X $request_uri;"),
    ("http-splitting", "location ~ ^/a/[0-9a-f]+-[0-9]+$ { proxy_pass http://b$uri$is_args$args; }"),
    ("http-splitting", "location ~* ^/(a|b)/[a-z]+$ { if ($arg_x) { return 301 https://example.com$document_uri; } }"),
    ("http-splitting", "location = /a { return 301 https://example.com$uri; }"),
    ("http-splitting", "location ~ ^/[a-z/]+$ { location /b { proxy_pass http://b$uri; } }"),
    ("http-splitting", "server { rewrite ^/x(.*)$ /y$1; location ~ ^/y[a-z]+$ { proxy_pass http://b$uri; } }"),
    ("paths", "location ~ ^/a/[0-9a-f]+-[0-9]+$ { proxy_pass http://b$uri; }"),
    ("proxy-host-from-client", "location ~ ^/proxy/(.*)$ { proxy_pass http://127.0.0.1/$1; }"),
    ("proxy-host-from-client", "location /a { set $u http://internal/$arg_x; proxy_pass $u; }"),
    ("proxy-host-from-client", "location /a { proxy_pass http://backend$request_uri; }"),
    ("proxy-host-from-client", "location ~ ^/(?<who>[a-z]+)/ { proxy_pass http://$who.internal; }"),
    ("proxy-host-from-client", "location /x { proxy_pass http://127.0.0.1:8080; }"),
    (
        "proxy-host-from-client",
        'http { map $arg_t $b { default "one"; a "two"; } server { location / { proxy_pass http://$b; } } }',
    ),
    (
        "capture-unresolved",
        r"server { server_name ~^(.+)\.example\.com$; location / { return 301 https://$1; } }",
    ),
    ("capture-unresolved", r"server { if ($host ~ ^(www)\.) { return 301 https://$1; } }"),
    ("paths", "location ~ ^/x/([a-z]+)$ { proxy_pass http://b/$1; }"),
    ("paths", "location / { proxy_pass http://b$request_uri; }"),
    ("paths", "location / { proxy_pass http://b/; }"),
    ("paths", "location /api { rewrite ^/api/(.*)$ /$1 break; proxy_pass http://b; }"),
    ("return-before-access-rules", "location / { allow 1.2.3.4; deny all; return 403; }"),
    ("return-before-access-rules", "location / { return 200 ok; }"),
    ("stub-status-exposed", "server { listen unix:/x.sock; location /s { stub_status; } }"),
    (
        "stub-status-exposed",
        "server { listen [::]:80; location /s { stub_status; allow 0.0.0.0/0; deny all; } }",
    ),
    ("stub-status-exposed", "location /s { stub_status; auth_basic x; }"),
    ("rewrite-arguments-leak", "location / { rewrite ^(.*) /new?c=1 last; set $a $1; }"),
    ("rewrite-arguments-leak", "location / { set $a $1; rewrite ^(.*) /new?c=1; }"),
    ("rewrite-arguments-leak", "location / { rewrite ^(.*) /new?; set $a $1; }"),
    ("rewrite-arguments-leak", "location / { rewrite ^(.*) /new?c=1; set $a $uri; }"),
    ("rewrite-overlapping-captures", "rewrite ^/((.*))$ http://$host/$1$2;"),
    ("rewrite-overlapping-captures", "rewrite ^/((.*))$ http://h/$1$1$2 redirect;"),
    ("rewrite-overlapping-captures", "rewrite ^/((.*))$ /x/$1$2? break;"),
    (
        "origin-check-bypassed",
        'http { map $http_origin $c { default ""; https://trusted.example $http_origin; } server { add_header Access-Control-Allow-Origin $c; } }',
    ),
    (
        "origin-check-bypassed",
        r'if ($http_referer !~ "^https?://([a-z]+\.)?yandex\.(ru|com)/") { add_header X 1; }',
    ),
    (
        "origin-check-bypassed",
        r'if ($http_origin !~ "^https://(www\.)?example\.(com|org)(:[0-9]+)?$") { add_header X 1; }',
    ),
    (
        "origin-check-bypassed",
        r'if ($http_origin !~ "^https://([^/]+\.)?example\.com$") { add_header X 1; }',
    ),
    (
        "origin-check-bypassed",
        'if ($http_origin !~ "^https?://localhost(:[0-9]+)?$") { add_header X 1; }',
    ),
    (
        "origin-check-bypassed",
        r'if ($http_referer !~ "^https?://example\.com(/.*)?$") { add_header X 1; }',
    ),
    ("backend-resolved-once", "proxy_pass http://backend.svc.cluster.local;"),
    ("backend-resolved-once", "proxy_pass http://api.internal:80;"),
    ("location-regex-unanchored", r"location ~ \.php$ { proxy_pass http://x; }"),
    ("location-regex-unanchored", "location ~ (?i)^/foo { proxy_pass http://x; }"),
    ("map-without-default", "map $a $b { default 1; y 2; }"),
    ("if-in-location", "location / { if ($a) { rewrite ^ /x last; } }"),
    ("if-in-location", "server { if ($a) { return 403; } }"),
    ("default-server-unmarked", "http { server { listen 443 ssl; } server { listen 443 quic; } }"),
    ("header-lost", "http { add_header A b; server { location / { return 200; } } }"),
    ("hsts-missing", 'http { server { listen 80; location / { return 200 "ok"; } } }'),
    (
        "tls-protocol-old",
        "ssl_ciphers EECDH+CHACHA20:EECDH+AES128:RSA+AES128:EECDH+AES256:RSA+AES256:!MD5;",
    ),
    ("tls-protocol-old", "ssl_ciphers HIGH:!aNULL:!MD5;"),
    ("referer-none-valid", "valid_referers server_names;"),
    ("paths", "location /a { proxy_pass http://x/b; }"),
]


def findings(topic: str, text: str) -> list[str]:
    documents = [("nginx", nginx.parse(Source("nginx.conf", text, kind="nginx")))]
    wanted = {f"nginx/{name}" for name in TOPICS[topic]}
    rules = [bound for bound in catalogue() if bound.rule.id in wanted]
    assert {bound.rule.id for bound in rules} == wanted
    core = {bound.rule.id: bound.rule for bound in catalogue()}
    outcome = engine.EngineResult()
    engine.run_rules(Project(documents, {"nginx.conf"}, is_complete=True), rules, core, outcome)
    return [one.message for one in outcome.findings]


@pytest.mark.parametrize(("topic", "text"), FOUND)
def test_found(topic: str, text: str) -> None:
    assert findings(topic, text)


@pytest.mark.parametrize(("topic", "text"), SILENT)
def test_silent(topic: str, text: str) -> None:
    assert not findings(topic, text)


VERSIONS = {
    "FROM nginx:1.30.2\n": (True, False),
    "FROM --platform=linux/amd64 docker.io/library/nginx:1.30.2-alpine AS web\n": (True, False),
    "FROM nginxinc/nginx-unprivileged:1.29\n": (False, False),
    "FROM nginx:1.24\n": (False, True),
    "FROM nginx:1.31.0\nFROM nginx:1.24.0\n": (False, False),
    "FROM nginx:latest\n": (False, False),
    "FROM my/nginx-exporter:1.31.0\n": (False, False),
    "FROM nginx:1.30.0.1\n": (False, False),
}


@pytest.mark.parametrize(("text", "wanted"), VERSIONS.items())
def test_versions_of_images(text: str, wanted: tuple[bool, bool]) -> None:
    document = SimpleNamespace(source=Source("app/Dockerfile", text))
    project = Project([("dockerfile", document)])
    near, far = Source("app/nginx/nginx.conf", ""), Source("other/proxy/nginx.conf", "")
    line = (1, 30, 1), (1, 31, 0)
    assert (
        versions.is_nginx_at_least(project, near, *line),
        versions.is_nginx_below(project, near, (1, 25, 1)),
    ) == wanted
    assert not versions.is_nginx_at_least(project, far, *line)
    assert not versions.is_nginx_below(project, far, (1, 25, 1))
