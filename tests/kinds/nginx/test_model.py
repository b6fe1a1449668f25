"""What nginx's kind claims, which things it finds, and how files include each other."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readiness.kinds import nginx
from readiness.kinds.nginx import Document, includes, parse
from readiness.model import ParseError, Source
from readiness.model.project import Project
from readiness.run import engine
from readiness.syntax.nginx import walk_directives
from tests.conftest import catalogue

OURS = {
    "main file": ("nginx.conf", "events {}\nhttp {\n  include mime.types;\n}\n"),
    "a site without an ending": (
        "sites-available/example.com",
        "server {\n  listen 80;\n  server_name example.com;\n}\n",
    ),
    "a fragment of headers": (
        "h5bp/security/frames.conf",
        "add_header X-Frame-Options $frames always;\n",
    ),
    "a map alone": (
        "security/referrer.conf",
        'map $sent_http_content_type $policy {\n  default "";\n}\n',
    ),
    "a location alone": ("snippets/deny.conf", "location ~ /\\. {\n  deny all;\n}\n"),
    "a template": (
        "templates/default.conf.template",
        "server {\n  listen ${PORT};\n  root /srv;\n}\n",
    ),
    "one weak word, but the name": ("nginx.conf", "return 403;\n"),
    "broken": ("proxy/nginx.conf", "server {\n  listen 80\n  location / {\n"),
    "Windows": ("default.conf", "server {\r\n  server_name a;\r\n  proxy_pass http://b;\r\n}\r\n"),
    "C in a comment": ("app.conf", "#include <a>\nserver {\n  server_name a;\n}\n"),
    "lines in quotes": (
        "app.conf",
        'server {\n  server_name a;\n  return 503 "\n<html>\n[section]\n#!x\nname: x\n";\n}\n',
    ),
    "quotes in a comment": ("app.conf", "# don't\nserver {\n  server_name a;\n}\n"),
    "one directive": ("sites-enabled/a", "proxy_pass http://a;"),
    "one include": ("conf.d/a.conf", "include b;"),
    "one directive without its end": ("conf.d/a.conf", "proxy_pass http://a"),
    "one line": ("app.conf", "server{listen 80;location /{root /srv;}}"),
    "weak words at their places": ("app.conf", "server {\n  listen 80;\n  root /srv;\n}\n"),
    "a site called by its domain": ("sites-enabled/example.rs", "server {\n  listen 80\n}\n"),
    "a template of another program": (
        "nginx.conf.j2",
        "{% if a %}\nserver {\n  listen {{ b }};\n}\n{% endif %}\n",
    ),
    "a stray brace at the head": ("nginx.conf", "{\nevents {}\nhttp {\n}\n"),
    "Lua inside": (
        "app.conf",
        "server {\n  server_name a;\n  access_by_lua_block {\n    local a = { b = 1 }\n    c(); d(); e();\n  }\n}\n",
    ),
    "data inside": (
        "app.conf",
        "map $a $b {\n  default 0;\n  ~x 1;\n  z 2;\n  y 3;\n}\nserver {\n  server_name a;\n}\n",
    ),
    "only comments before": (
        "app.conf",
        "# Site\n# <VirtualHost> this is not\nserver {\n  server_name a;\n}\n",
    ),
}
NOT_OURS = {
    "Apache": (
        "000-default.conf",
        "<VirtualHost *:80>\n  ServerName a\n  Alias /a /b\n</VirtualHost>\n",
    ),
    "redis": ("redis.conf", "port 6379\nsave 900 1\nappendonly no\n"),
    "ini": ("php.ini.conf", "[PHP]\nexpose_php = Off\nerror_log = syslog; log\n"),
    "supervisor": ("supervisord.conf", "[program:app]\ncommand=/app\nuser=root ; who\n"),
    "haproxy": ("haproxy.conf", "frontend web\n  bind *:80\n  server a 10.0.0.1:80 check\n"),
    "named": (
        "named.conf",
        'options {\n  directory "/var";\n  listen-on { any; };\n};\nzone "a" {\n  type master;\n};\n',
    ),
    "dhcpd": (
        "dhcpd.conf",
        "subnet 10.0.0.0 netmask 255.0.0.0 {\n  range 10.0.0.1 10.0.0.9;\n  option routers 10.0.0.1;\n}\n",
    ),
    "YAML": ("nginx/values.yaml", "server:\n  proxy_pass: http://a;\n"),
    "shell": ("nginx/run", "#!/bin/sh\nset -e;\nproxy_pass http://a;\n"),
    "C": ("server", "int main() {\n  return 0;\n}\n"),
    "Caddyfile": ("Caddyfile", "example.com {\n  reverse_proxy app:3000\n}\n"),
    "prose": ("notes", "The server answers; then you set the value.\n"),
    "HCL": ("main", 'resource "a" "b" {\n  listen = 80\n}\n'),
    "empty": ("nginx.conf", ""),
    "rsyslog": (
        "nginx/rsyslog.conf",
        'module(load="a")\nif $programname == "b" then {\n  action(type="c")\n  stop\n}\n',
    ),
    "a Perl test": (
        "nginx/t/a.t",
        "use Test::Nginx::Socket;\nrun_tests();\n__DATA__\n--- config\n  location /t { proxy_pass http://a; }\n",
    ),
    "a Perl test without an ending": (
        "nginx/t/a",
        "use Test::Nginx;\nplan tests => 2;\nrun_tests();\n--- config\n  location /t { return 200; }\n--- request\nGET /t\n",
    ),
    "Dovecot": ("conf.d/10-ssl.conf", "ssl = required\nssl_cert = </etc/a\nssl_key = </etc/b\n"),
    "Logstash": (
        "conf.d/a.conf",
        'input {\n  beats {\n    port => 5044\n  }\n}\nfilter {\n  if [type] == "x" {\n    drop {}\n  }\n}\n',
    ),
    "logrotate": (
        "nginx/logrotate.conf",
        "/var/log/nginx/*.log {\n  daily\n  postrotate\n    kill -USR1 `cat /run/nginx.pid`;\n  endscript\n}\n",
    ),
    "Varnish": (
        "nginx/default.vcl",
        'vcl 4.0;\nbackend a {\n  .host = "b";\n}\nsub vcl_recv {\n  if (req.url ~ "x") {\n    return (pass);\n  }\n}\n',
    ),
    "a policy of SELinux": (
        "nginx/nginx.te",
        "module a 1.0;\nrequire {\n  type b;\n}\nallow b c:file { read };\nallow b d:file read;\n",
    ),
    "Squid": (
        "conf.d/a.conf",
        "access_log /var/log/a squid\nhttp_access allow b\nhttp_port 3128\n",
    ),
    "strongSwan": ("conf.d/charon.conf", "charon {\n  user = a\n  send_vendor_id = yes\n}\n"),
    "a broken text of an ending that is not nginx's": ("app.xyz", "server {\n  server_name a;\n"),
}


@pytest.mark.parametrize(("path", "text"), OURS.values(), ids=OURS)
def test_claims(path: str, text: str) -> None:
    assert nginx.recognizes_file(path, text)


@pytest.mark.parametrize(("path", "text"), NOT_OURS.values(), ids=NOT_OURS)
def test_leaves_alone(path: str, text: str) -> None:
    assert not nginx.recognizes_file(path, text)


def test_claims_the_corpus(shared: Path) -> None:
    wrong = []
    for path in sorted((shared / "corpus").rglob("*.conf")):
        text = path.read_text(encoding="utf-8", errors="replace")
        theirs = "redis" in path.parts or "php-phabricator" in path.parts
        if nginx.recognizes_file(path.as_posix(), text) is theirs:
            wrong.append(path.name)
    assert not wrong


def document(text: str, path: str = "nginx.conf") -> Document:
    return parse(Source(path, text, kind="nginx"))


def test_subjects() -> None:
    found = document(
        """
        http {
            map $a $b { server_tokens on; }
            upstream app { server a:1; }
            server {
                listen 443 ssl;
                server_name example.com www.example.com;
                location = /health { if ($a) { return 200; } }
            }
            server { return 444; }
        }
        stream { server { listen 1; proxy_pass app; } }
        """
    )
    names = {name: [subject.resource for subject in find(found)] for name, find in nginx.TARGETS.items()}
    assert names["nginx.server"] == ["server/example.com", "server/_"]
    assert names["nginx.location"] == ["location/= /health"]
    assert names["nginx.upstream"] == ["upstream/app"]
    assert names["nginx.map"] == ["map/$a $b"]
    assert names["nginx.file"] == ["nginx/nginx.conf"]
    assert names["nginx.stream"] == ["stream/stream"]
    assert [scope.tls for scope in nginx.http_server_blocks(found)] == [True, False]
    statements = list(nginx.all_directives(found))
    assert "server_tokens" not in {one.name for one in statements}, "the lines of a map are data"
    assert {one.plane for one in statements if one.name == "proxy_pass"} == {"stream"}


def test_dump_is_several_files() -> None:
    found = document(
        "# configuration file /etc/nginx/nginx.conf:\nhttp {\n  include conf.d/*.conf;\n  include /etc/nginx/a;\n}\n"
        "# configuration file /etc/nginx/a:\nserver_tokens off;\n"
    )
    assert [path for path, _ in found.sections] == ["/etc/nginx/nginx.conf", "/etc/nginx/a"]
    project = Project([("nginx", found)])
    http = found.sections[0][1].directives[0].block
    assert http is not None
    assert includes.effective_arguments(project, http, "server_tokens") == "off"


def project(files: dict[str, str]) -> tuple[Project, dict[str, Document]]:
    documents = {path: document(text, path) for path, text in files.items()}
    return Project([("nginx", one) for one in documents.values()], files, is_complete=True), documents


INCLUDES = {
    "beside": ({"nginx.conf": "http { include extra.conf; }", "extra.conf": "gzip on;"}, "on"),
    "in nginx's folder": (
        {
            "proxy/nginx.conf": "http { include /etc/nginx/extra.conf; }",
            "proxy/extra.conf": "gzip on;",
        },
        "on",
    ),
    "a pattern": (
        {"nginx.conf": "http { include conf.d/*.conf; }", "conf.d/a.conf": "gzip on;"},
        "on",
    ),
    "a template": (
        {
            "nginx/nginx.conf": "http { include /etc/nginx/conf.d/*.conf; }",
            "nginx/templates/a.conf.template": "gzip on;",
        },
        "on",
    ),
    "by the tail of the path": (
        {
            "a/nginx.conf": "http { include /opt/x/snippets/z.conf; }",
            "a/snippets/z.conf": "gzip on;",
        },
        "on",
    ),
    "through another": (
        {"nginx.conf": "http { include a; }", "a": "include b;", "b": "gzip on;"},
        "on",
    ),
    "in a ring": (
        {"nginx.conf": "http { include a; }", "a": "include b;", "b": "include a; gzip on;"},
        "on",
    ),
    "out of the tree": (
        {"a/nginx.conf": "http { include ../../etc/extra.conf; }", "b/extra.conf": "gzip on;"},
        "",
    ),
    "somebody else's": (
        {"a/nginx.conf": "http { include extra.conf; }", "b/c/extra.conf": "gzip on;"},
        "",
    ),
}


@pytest.mark.parametrize(("files", "wanted"), INCLUDES.values(), ids=INCLUDES)
def test_includes(files: dict[str, str], wanted: str) -> None:
    whole, documents = project(files)
    main = next(one for path, one in documents.items() if path.endswith("nginx.conf"))
    http = main.sections[0][1].directives[0].block
    assert http is not None
    assert includes.effective_arguments(whole, http, "gzip") == wanted
    assert includes.may_be_set_in_unread_file(whole, http) is (not wanted)


def test_what_is_put_in_may_set_anything() -> None:
    whole, documents = project(
        {
            "templates/a.conf.template": "server {\n  ${MORE}\n  listen 80;\n}\n",
            "templates/b.conf.template": "server {\n  listen ${PORT};\n}\n",
        }
    )
    servers = {path: next(nginx.http_server_blocks(one)).node for path, one in documents.items()}
    assert {path: includes.may_be_set_in_unread_file(whole, one) for path, one in servers.items()} == {
        "templates/a.conf.template": True,
        "templates/b.conf.template": False,
    }


def test_a_file_that_no_main_file_takes_in_stands_alone() -> None:
    server = "server { listen 80; }"
    for include, wanted in (
        ("", False),
        ("include mime.types;", False),
        ("include a/*.conf;", True),
    ):
        whole, documents = project({"nginx/nginx.conf": f"http {{ {include} server {{ }} }}", "nginx/other": server})
        other = next(nginx.http_server_blocks(documents["nginx/other"])).node
        assert includes.may_be_set_in_unread_file(whole, other) is wanted


def test_values_come_down_through_includes() -> None:
    whole, documents = project(
        {
            "nginx.conf": "http { server_tokens off; add_header A 1; include sites/*.conf; }",
            "sites/a.conf": "server { location / { add_header B 2; } }",
        }
    )
    location = next(d for d in walk_directives(documents["sites/a.conf"].sections[0][1]) if d.name == "location")
    assert location.block is not None
    assert includes.effective_arguments(whole, location.block, "server_tokens") == "off"
    assert [d.joined_arguments for d in includes.effective_directives(whole, location.block, "add_header")] == ["B 2"]
    assert [level.opening_directive_name for level in includes.blocks_outwards(whole, location.block)] == [
        "location",
        "server",
        "http",
        "",
    ]
    assert includes.is_http_context_known(whole, location.block)


def test_many_includes_are_bounded() -> None:
    files = {"nginx.conf": "http { " + "include a0; " * 50 + "}"}
    files |= {f"a{n}": f"include a{n + 1}; " * 50 for n in range(12)}
    whole, documents = project(files)
    http = documents["nginx.conf"].sections[0][1].directives[0].block
    assert http is not None
    assert len(includes.expanded_directives_of_block(whole, http)) <= 6000


def test_a_file_that_stands_alone_is_taken_in_by_the_main_file_beside_it() -> None:
    whole, documents = project(
        {
            "nginx/nginx.conf": "http { gzip on; include /etc/nginx/conf.d/*.conf; }",
            "nginx/default.conf": "server { listen 80; }",
            "other/site.conf": "server { listen 80; }",
            "other/deep/er/site.conf": "server { listen 80; }",
        }
    )
    values = {}
    for path, document in documents.items():
        for scope in nginx.http_server_blocks(document):
            values[path] = (
                includes.effective_arguments(whole, scope.node, "gzip"),
                includes.may_be_set_in_unread_file(whole, scope.node),
            )
    assert values == {
        "nginx/default.conf": ("on", False),
        "other/site.conf": ("on", False),
        "other/deep/er/site.conf": ("", False),
    }


HOSTILE = {
    "variables in a ring": "http { server {" + "set $a $b; set $b $a; " * 300 + "add_header X $a; return 301 http://$a; } }",
    "maps in a ring": "http { "
    + "".join(f"map $a{n} $a{n + 1} {{ ~x(.*) $1; default $a{(n * 7) % 900}; }}" for n in range(900))
    + " server { location / { add_header X $a1; proxy_pass http://$a900; } } }",
    "conditions on captures": "location / {" + "".join(f"if ($1 ~ (a{n})) {{ return 301 $1; }}" for n in range(300)) + "}",
    "as deep as may be": "server {" * 99 + "proxy_pass http://$a$1;" + "}" * 99,
    "many servers": "http {" + "server { listen 443 ssl; location ~ ^/(.*)$ { proxy_pass http://u/$1; } }" * 400 + "}",
    "expressions that run away": "map $a $b {" + "".join(f"~^(a|aa)+{n}$ $1;" for n in range(400)) + "}",
    "nothing but names": "listen; location {} if {} server {} map {} rewrite; set; return; proxy_pass; upstream {} allow;",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_configurations_crash_no_rule(text: str) -> None:
    documents = [("nginx", document(text))]
    rules = [bound for bound in catalogue() if bound.rule.kind == "nginx"]
    core = {bound.rule.id: bound.rule for bound in catalogue()}
    outcome = engine.EngineResult()
    engine.run_rules(Project(documents, {"nginx.conf"}, is_complete=True), rules, core, outcome)
    assert [one.message for one in outcome.findings if one.rule == "core/crash"] == []


NAMES = """server location if map upstream http geo limit_except types stream listen server_name proxy_pass add_header rewrite
    return set alias allow deny include resolver ssl_ciphers ssl_stapling limit_req error_page log_format proxy_set_header
    valid_referers stub_status root try_files""".split()
PARTS = """~ /a $1 $uri (.* ^/(a|b)+$ all on 443 ssl [::]:80 unix: http:// :// = !~ ($a x) zone=a 10.0.0.0/8 Host nginx.conf * : [ $
    301 Origin Access-Control-Allow-Origin $http_origin""".split()
LINES = st.tuples(
    st.sampled_from(NAMES),
    st.lists(st.sampled_from(["", *PARTS]), max_size=4),
    st.sampled_from([";", "{", "{}", ";}"]),
)


@given(st.lists(LINES, max_size=14))
def test_no_configuration_crashes_a_rule(lines: list[tuple[str, list[str], str]]) -> None:
    text = "".join(f"{name} {' '.join(repr(word) for word in words)}{end}\n" for name, words, end in lines)
    text += "}" * max(text.count("{") - text.count("}"), 0)
    try:
        found = document(text)
    except ParseError:
        return
    core = {bound.rule.id: bound.rule for bound in catalogue()}
    outcome = engine.EngineResult()
    rules = [bound for bound in catalogue() if bound.rule.kind == "nginx"]
    engine.run_rules(Project([("nginx", found)], {"nginx.conf"}, is_complete=True), rules, core, outcome)
    assert [one.message for one in outcome.findings if one.rule == "core/crash"] == []
