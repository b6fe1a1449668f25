"""Texts made by a grammar: a rule's name in angle brackets stands for one of its alternatives."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence

from tests.fuzz.mutations import GENERIC_WORDS, ODD_STRINGS

MAX_EXPANSION_DEPTH = 12
MAX_GRAMMAR_CHARACTERS = 20_000
_RULE_REFERENCE = re.compile(r"<([a-z]+)([?*]?)>")

Grammar = Mapping[str, Sequence[str]]

COMMON: Grammar = {
    "n": ["0", "1", "8080", "65536", "-1", "99999999999", "1.5", "0x10", "٣"],
    "sp": [" ", " ", " ", "  ", "\t", ""],
    "id": ["a", "web", "build", "A", "a-b", "a.b", "a_b", "1", "é", "x" * 70],
    "var": ["$A", "${A}", "${A:-b}", "${A-${B:-c}}", "${A:?x}", "${A:+x}", "${A%.*}", "${A/b/c}", "${", "$", "$$", "${}", "$A$B", "${A:-${A:-${A}}}"],
    "image": [
        "nginx", "nginx:latest", "nginx:1.27.3", "docker.io/library/nginx", "a/b/c:1@sha256:" + "0" * 64, "a@sha256:x", "localhost:5000/a",
        "[::1]:5000/a:1", "scratch", ":", "@", "a:", "/a",
        "A/B", "<var>", "nginx:<var>", "<var>/a:<n>", "nginx:<n>.<n>.<n>-<id>",
    ],
    "url": ["http://a", "https://a:<n>/<path>", "https://u:p@a/b?c=d#e", "ftp://<var>", "http://[::1", "git@github.com:a/b.git",
        "https://github.com/a/b.git#<id>:<path>", "//a"],
    "path": ["/", "/a", "a/b", "./a", "../a", "/a/../b", "a//b", "*", "**/*.x", "/etc/passwd", "<var>/a", "C:\\a", "/var/run/docker.sock", "~",
        "a b"],
    "secret": ["hunter2", "Zq7xpW9kLm3R", "ghp_" + "a1B2" * 9, "changeme", "<var>", "''", "AKIA" + "ABCD" * 4],
    "name": ["PASSWORD", "DB_PASSWORD", "API_TOKEN", "PATH", "HOME", "NODE_ENV", "A", "a", "A.B", "1A", "A-B", "LD_PRELOAD", "HTTP_PROXY"],
    "any": ["<word>", "<odd>", "<generic>"],
    "arg": ["<id>", "<path>", "<url>", "<var>", "<n>", "<name>=<secret>", '"<arg>"', "'<arg>'", "<any>", "--<id>=<arg>", "-<id>", "$(<script>)",
        "`<script>`", "$((<n>+<n>))", "<id><arg>"],
    "program": [
        "apt-get install <arg*>", "apt-get update", "apk add <arg*>", "pip install <arg*>", "npm ci", "npm install <arg*>", "curl <arg*>",
        "wget <arg*>", "chmod <n> <path>", "chown -R <id>:<id> <path>",
        "docker login -u <id> -p <secret>", "docker run <arg*>", "docker build <arg*>", "git clone <url>", "sudo <program>",
        "env <name>=<secret> <program>", "sh -c '<script>'", 'bash -c "<script>"',
        "eval <arg>", "exec <program>", "cd <path>", "export <name>=<arg>", "mysql -p<secret>", "redis-cli -a <secret>", "kubectl <arg*>",
        "helm <arg*>", "xargs <program>", "timeout <n> <program>",
        "tee <path>", "cat <<EOF\n<arg*>\nEOF\n", "cat <<-'EOF'\n<script>\n\tEOF\n", "set -<id>", "rm -rf <path>", "useradd <arg*>", "<arg*>",
        "[ <arg> = <arg> ]", "[[ <arg> =~ <arg> ]]", "test <arg*>",
        "<name>=<arg>", "<name>+=(<arg*>)", "printf <arg*>", "echo <arg*> > <path>", "yum -y install <arg*>", "python -c '<arg>'",
        "go install <arg>@latest", "gem install <arg*>", "trap '<script>' EXIT",
    ],
    "script": [
        "<program>", "<program> && <script>", "<program> || <script>", "<program> | <program>", "<program>; <script>", "<program>\n<script>",
        "<program> &", "( <script> )", "{ <script>; }", "! <program>",
        "if <script>; then <script>; else <script>; fi", "for i in <arg*>; do <script>; done", "while <program>; do <script>; done",
        "case <arg> in <arg>) <script>;; *) <script>;; esac",
        "f() { <script>; }", "function f { <script>; }", "<program> # <any>", "<program> 2>&1 >/dev/null", "<program> \\\n  <arg*>",
        "until <program>; do <script>; done", "select i in <arg*>; do <script>; done",
        "coproc <program>", "<(<script>) >(<script>)", "<program> <<< <arg>", "<any>",
    ],
}  # fmt: skip

DOCKERFILE: Grammar = {
    "start": ["<head?><argx?>\n<stage*>", "<instr*>", "<stage>", "<stage><stage>"],
    "head": ["# syntax=docker/dockerfile:1\n", "# escape=`\n", "# check=skip=all\n", "#syntax=<image>\n# escape=\\\n", "\ufeff# escape=<any>\n",
        "# <any>\n", "#!<any>\n"],
    "argx": ["ARG <name>", "ARG <name>=<arg>", "ARG <name>=<arg> <name>", "ARG"],
    "stage": ["FROM <image>\n<instr*>", "FROM <image> AS <id>\n<instr*>", "FROM --platform=<var> <image> as <id>\n<instr*>",
        "FROM <any>\n<instr*>", "from <id>\n<instr*>"],
    "instr": [
        "RUN <script>\n", "RUN <flags*> <script>\n", 'RUN ["<arg>", "<arg>"]\n', "RUN <<EOF\n<script>\nEOF\n",
        "RUN <<A <<B\n<script>\nA\n<any>\nB\n", "COPY <flags*> <path> <path>\n", "ADD <flags*> <url> <path>\n",
        'COPY ["<path>", "<path>"]\n', "COPY <<E /a\n<any>\nE\n", "ENV <name>=<arg>\n", "ENV <name> <secret>\n",
        "ENV <name>=<secret> <name>=<arg> \\\n  <name>=<var>\n", "<argx>\n", "USER <id>\n",
        "USER <n>:<n>\n", "WORKDIR <path>\n", "EXPOSE <n>\n", "EXPOSE <n>-<n>/<id> <var>\n", "VOLUME <path>\n", 'VOLUME ["<path>"]\n',
        "LABEL <id>=<arg>\n", "LABEL <name> <any>\n", 'SHELL ["<arg>", "-c"]\n',
        "HEALTHCHECK NONE\n", "HEALTHCHECK --interval=<n>s <flags*> CMD <script>\n", 'ENTRYPOINT ["<arg>"]\n', "ENTRYPOINT <script>\n",
        "CMD <script>\n", 'CMD ["<arg>", "<arg>"]\n', "STOPSIGNAL <any>\n",
        "MAINTAINER <any>\n", "ONBUILD <instr>", "# <any>\n", "\n", "<any>\n", "RUN <script> \\\n# c\n && <script>\n",
        "RUN <script> \\\n\n<script>\n", "FROM <image>\n",
    ],
    "flags": ["--from=<id>", "--from=<n>", "--chown=<id>:<n>", "--chmod=<n>", "--mount=type=cache,target=<path>",
        "--mount=type=secret,id=<id>,env=<name>", "--mount=<any>", "--network=<id>", "--security=<id>",
              "--link", "--parents", "--exclude=<path>", "--checksum=sha256:<id>", "--keep-git-dir=<any>", "--<any>", "--timeout=<n>",
              "--start-period=<n>m"],
}  # fmt: skip

NGINX: Grammar = {
    "start": ["events {}\nhttp {\n<httpd*>}\n", "<main*>events { <any?> }\nhttp {\n<httpd*><httpd*>}\n", "<srv*>", "stream {\n<strm*>}\n<httpd*>",
        "server {\n<srv*>}\n<main*>", "mail { <srv*> }"],
    "main": ["user <id>;\n", "worker_processes <any>;\n", "error_log <path> <id>;\n", "include <path>;\n", "load_module <path>;\n",
        "env <name>=<secret>;\n", "# <any>\n", "<any>;\n"],
    "httpd": ["server {\n<srv*><srv*>}\n", "upstream <id> { <ups*> }\n", "map $<nv> $<id> {\n<mapped*>}\n",
        "geo $<id> { default <n>; <ip> <n>; }\n", "log_format <id> '<text*>';\n", "limit_req_zone $<nv> zone=<id>:10m rate=<n>r/s;\n",
              "<dir>", "include <path>;\n", "split_clients $<nv> $<id> { <n>% a; * b; }\n", "types { <id>/<id> <id>; }\n", "# <any>\n",
              "ssl_protocols <any>;\n", "lua_block { <any> }\n", "content_by_lua_block {\n<any>\n}\n"],
    "srv": ["listen <n>;\n", "listen [::]:<n> ssl http2 default_server;\n", "listen unix:<path>;\n", "server_name <host> <host>;\n",
        "location <mod?> <loc> {\n<srv*>}\n", "if (<cond>) { <srv*> }\n", "<dir>", "<dir>",
            "rewrite <re> <repl> <flag>;\n", "return <n> <repl>;\n", "set $<id> <repl>;\n", "include <path>;\n", "ssl_certificate <path>;\n",
            "limit_except <id> { deny all; }\n", "error_page <n> <n> =<n> <path>;\n", "location @<id> { <srv*> }\n"],
    "strm": ["server { listen <n>; proxy_pass <id>:<n>; }\n", "upstream <id> { <ups*> }\n", "map $<nv> $<id> { <mapped*> }\n"],
    "ups": ["server <host>:<n> max_fails=<n> weight=<n>;\n", "server unix:<path>;\n", "keepalive <n>;\n", "ip_hash;\n", "zone <id> <n>k;\n",
        "hash $<nv> consistent;\n"],
    "mapped": ["default <any>;\n", "<re> <repl>;\n", "~<re> <repl>;\n", '"~*<re>" "<repl>";\n', "hostnames;\n", "volatile;\n",
        "include <path>;\n", "'' <n>;\n"],
    "mod": ["=", "~", "~*", "^~", "@", "!~"],
    "loc": ["/", "/a", "/a/", "/.", "\\.php$", "^/(.*)/(.*)$", "<re>", '"<re>"', "<path>", "<any>"],
    "re": ["^/(.*)$", "(a|b)*c", "(a+)+$", "\\.(?:jpg|png)$", "[^/]+", "[[:alpha:]]", "(?<x>.*)", "(?i)a", "\\d{1,3}", "a{2,99999}",
        "\\Q<any>\\E", "(?:<re>)*", "<re><re>", "<re>|<re>", "[<any>]", "^", "(", "[", "\\", "(?=<re>)", "(?<!a)b",
           "(?#c)", "\\x{41}", "\\p{L}", "\\1", "(?R)", "(?1)", ".*.*.*", "<any>"],
    "repl": ["$1", "$uri", "https://$host$request_uri", "$scheme://$host/$1?a=b", "${uri}x", "/a?$args", "<url>", "$<nv>", "$", "${", "$$",
        "\"$1\\r\\n\"", "%0d%0a", "'<any>'"],
    "flag": ["last", "break", "permanent", "redirect", "<any>", ""],
    "nv": ["host", "http_host", "uri", "request_uri", "arg_a", "http_x_forwarded_for", "remote_addr", "1", "args", "cookie_a",
        "binary_remote_addr", "a", "http_upgrade", "proxy_add_x_forwarded_for"],
    "cond": ["$<nv>", "$<nv> = <any>", "$<nv> ~ <re>", "$<nv> !~* '<re>'", "-f <path>", "!-e $request_filename", "$<nv> != ''", "", "<any>",
        "$<nv> ~ (<re>"],
    "host": ["example.com", "*.example.com", "_", "localhost", "~^(?<x>.+)\\.example$", "''", "a.b.*", ".example.com", "<ip>", "<any>"],
    "ip": ["10.0.0.0/8", "::1", "127.0.0.1", "0.0.0.0/0", "1.2.3.4/99", "<any>"],
    "text": ["$remote_addr ", "<any>", '"$request" ', "[$time_local] ", "{\\n} "],
    "dir": ["proxy_pass http://<host>:<n>/<id>;\n", "proxy_pass http://$<nv>/;\n", "proxy_set_header <id> <repl>;\n",
        "add_header <id> '<any>' always;\n", "root <path>;\n", "alias <path>;\n", "try_files $uri <path> =<n>;\n", "client_max_body_size <any>;\n",
            "proxy_read_timeout <n>s;\n", "gzip on;\n", "auth_basic <any>;\n", "auth_basic_user_file <path>;\n", "allow <ip>;\n", "deny <ip>;\n",
            "<word> <any>;\n", "<word>;\n", "<word> { <any> }\n", "access_log off;\n", "resolver <ip> valid=<n>s;\n",
            "proxy_cache_valid <n> <any>;\n", "ssl_ciphers <any>;\n", "server_tokens <any>;\n", "fastcgi_pass <host>:<n>;\n",
            "fastcgi_param <name> <repl>;\n", "autoindex on;\n", "internal;\n", "merge_slashes off;\n", "expires <any>;\n", "stub_status;\n"],
}  # fmt: skip

SHELL: Grammar = {"start": ["<script>", "#!/bin/sh\n<script>\n", "set -euo pipefail\n<script>\n<script>\n", "<script>\n<script>\n<script>\n"]}

DOTENV: Grammar = {
    "start": ["<line*><line*>"],
    "line": ["<name>=<arg>\n", "export <name>='<any>'\n", '<name>="<any>\n<any>"\n', "<name>: <any>\n", "# <any>\n", "\n", "<name>\n",
        "<name>=\n", "=<any>\n", "<name>=<var>\n", "<name> = <arg> # <any>\n", "<any>\n", '<name>="\\n\\"<var>"\n', "<name>=`<any>`\n"],
}  # fmt: skip
IGNORE: Grammar = {
    "start": ["<line*><line*>"],
    "line": ["<glob>\n", "!<glob>\n", "/<glob>\n", "<glob>/\n", "**/<glob>\n", "# <any>\n", "\\#<glob>\n", "<glob>\\ \n", "\n", "<any>\n"],
    "glob": ["*", "**", "*.env", "a?b", "[a-z]*", "[!a]", "[", "[]]", "[z-a]", "a/**/b", "<path>", "*a*a*a*a*a*b", "\\*", "[[:alpha:]]",
        "<glob>/<glob>", "<glob><glob>", ".env", "Dockerfile", "{a,b}"],
}  # fmt: skip
MARKDOWN: Grammar = {
    "start": ["# <any>\n\n<block*><block*>"],
    "block": ["<any>\n\n", "```<lang>\n<code>\n```\n", "~~~~ <lang> title=<any>\n<code>\n~~~~\n", "- <any>\n\n  ```<lang>\n  <code>\n  ```\n",
        "> ```<lang>\n> <code>\n> ```\n", "```<lang>\n<code>\n", "    <code>\n\n", "<!-- <any> -->\n", "[a]: <url>\n", "| a | <any> |\n|---|---|\n",
              "## <any>\n", "1. <block>", "- - - > - <any>\n", "<details>\n", "[<any>](<url>)\n", "****<any>**_*\n"],
    "lang": ["yaml", "Dockerfile", "dockerfile", "nginx", "sh", "", "yml {1,2}", "<any>", "console", "json"],
    "code": ["apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: <image>}]}", "FROM <image>\nRUN <script>",
        "services:\n  a:\n    image: <image>", "server { listen <n>; location <any> { } }", "<script>", "<any>",
        "name: x\non: push\njobs: {a: {steps: [{run: <any>}]}}"],
}  # fmt: skip
EXPRESSION: Grammar = {
    "start": ["<ex>"],
    "ex": ["github.<id>", "github.event.<id>.<id>", "github['<id>']", "secrets.<name>", "<ex> && <ex>", "<ex> || <ex>", "!<ex>", "(<ex>)",
        "<ex> == <ex>", "<ex> != '<any>'", "<f>(<ex>)", "<f>(<ex>, <ex>)", "<n>", "'<any>'", "''''", "true", "null", "-<n>", "+0x<n>",
        "<ex>.*.<id>", "<ex>[<ex>]", "<ex>[*]", "<any>",
           "<ex> < <ex>", "<ex> >= <ex>", "NaN", "1e<n>", "always()", "format('{0} {1} {{', <ex>)", "fromJSON('<any>')", "toJSON(<ex>)",
           "hashFiles('<path>')"],
    "f": ["contains", "startsWith", "endsWith", "format", "join", "toJSON", "fromJSON", "hashFiles", "success", "failure", "always", "case", "<id>"],
}  # fmt: skip
TEMPLATE: Grammar = {
    "start": ["{{ <act> }}", "{{- <act> -}}", "<id>: {{ <pipe> }}", "{{ range <pipe> }}<start>{{ end }}",
        "{{ if <pipe> }}<start>{{ else }}<start>{{ end }}", "{{ with <pipe> }}<start>{{ end }}", "{{ define <str> }}<start>{{ end }}",
        "{{ <any> }}", "{{ <any>", "{{/* <any> */}}"],
    "act": ["<pipe>", "$<id> := <pipe>", "include <str> <term>", "template <str> <term>", "fail <str>", "<fun> <term> <term>"],
    "pipe": ["<term>", "<term> | <fun>", "<fun> <term>", "<term> | default <term> | quote", "<fun> (<pipe>) <term>"],
    "term": [".", "$", ".Values", ".Values.<id>", ".Values.image.tag", ".Chart.Name", ".Release.Name", ".Files.Get <str>", "<str>", "<n>",
        "$<id>", "(<pipe>)", "nil", "(dict <str> <term>)", "(list <term> <term>)", "(lookup <str> <str> <str> <str>)"],
    "fun": ["quote", "toYaml", "fromYaml", "nindent <n>", "indent <n>", "tpl", "required <str>", "printf <str>", "len", "index", "until",
        "repeat <n>", "b64enc", "sha256sum", "trunc <n>", "upper", "toJson", "not", "and", "or", "eq", "semverCompare", "regexReplaceAll",
        "genSignedCert", "randAlphaNum", "now", "env", "<id>"],
    "str": ['"web.name"', '"a"', '"%s"', '"<any>"', "`a`", '"{{ . }}"', '"../../etc/passwd"'],
}  # fmt: skip
CRON: Grammar = {
    "start": ["<f> <f> <f> <f> <f>", "@<id>", "<f> <f> <f>", "TZ=<id> <f> <f> <f> <f> <f>", "<any>"],
    "f": ["*", "*/<n>", "<n>", "<n>-<n>", "<n>,<n>", "<n>-<n>/<n>", "MON", "jan-feb", "?", "L", "<n>#<n>", "*/0", "<f>,<f>", "<any>", "59", "23",
        "31", "0-59/7"],
}  # fmt: skip


def expand(grammar: Grammar, rng: random.Random, words: Sequence[str], rule: str = "start") -> str:
    """A text that the grammar makes. `<x?>` may be left out, `<x*>` stands for none to five; `words` are what `<word>` can be."""
    length = 0

    def expanded(name: str, depth: int) -> str:
        nonlocal length
        if name == "word":
            return rng.choice(words) if words else "a"
        if name in {"odd", "generic"}:
            return rng.choice(ODD_STRINGS if name == "odd" else GENERIC_WORDS)
        alternatives = grammar.get(name) or COMMON.get(name)
        if alternatives is None or length > MAX_GRAMMAR_CHARACTERS:
            return ""
        chosen = rng.choice(alternatives) if depth < MAX_EXPANSION_DEPTH else min(alternatives, key=lambda one: one.count("<"))
        length += len(chosen)

        def filled(match: re.Match[str]) -> str:
            if depth > MAX_EXPANSION_DEPTH + 4:
                return ""
            count = {"?": rng.randrange(2), "*": rng.randrange(6), "": 1}[match[2]]
            separator = " " if match[1] in {"arg", "flags"} else ""
            return separator.join(expanded(match[1], depth + 1) for _ in range(count))

        return _RULE_REFERENCE.sub(filled, chosen)

    return expanded(rule, 0)


def grammar_maker(grammar: Grammar) -> Callable[[random.Random, Sequence[str]], str]:
    """The function that makes texts of one grammar."""
    return lambda rng, words: expand(grammar, rng, words)
