"""TLS of servers: keys of session tickets that nginx rotates by itself, and a directive that it no longer knows."""

from __future__ import annotations

from pathlib import Path

import pytest

import readiness
from tests.make import write_files

HTTP = "http {{ {} server {{ listen 443 ssl; ssl_certificate a.pem; ssl_certificate_key a.key; {} }} }}\n"
SHARED = "ssl_session_cache shared:TLS:10m;"
OLD, FIRST, OPEN = "FROM nginx:1.22.1\n", "FROM nginx:1.23.2\n", "FROM nginx\n"


@pytest.mark.parametrize(
    ("outer", "inner", "image", "found"),
    [
        ("", "", "", 1),
        ("", "ssl_session_tickets on;", FIRST, 1),
        ("", "ssl_session_tickets off;", OLD, 0),
        ("", "ssl_session_ticket_key a.key;", OLD, 0),
        (SHARED, "", "", 0),
        (SHARED, "ssl_session_tickets on;", FIRST, 0),
        (SHARED, "", OPEN, 0),
        (SHARED, "", OLD, 1),
        (SHARED, "ssl_session_tickets on;", "FROM nginx:1.23.1-alpine\n", 1),
        ("", "ssl_session_cache builtin:1000 shared:TLS:10m;", "", 0),
        ("", "ssl_session_cache builtin;", "", 1),
        (SHARED, "ssl_session_cache off;", "", 1),
    ],
)
def test_keys_of_session_tickets(outer: str, inner: str, image: str, found: int, tmp_path: Path) -> None:
    """Since 1.23.2 the keys are rotated where the cache of sessions is shared; a version that nobody names is a later one."""
    files = {"nginx.conf": "events {}\n" + HTTP.format(outer, inner)} | ({"Dockerfile": image} if image else {})
    report = readiness.check([write_files(tmp_path, files)], select=["nginx/tls-session-tickets"])
    assert len(report.findings) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("http { server { listen 443; ssl on; } }", 1),
        ("http { ssl off; server { listen 443 ssl; } server { listen 80; ssl off; } }", 2),
        ("mail { server { listen 993; protocol imap; ssl on; } }", 1),
        ("http { server { listen 443 ssl; } }", 0),
        ("http { map $scheme $x { ssl on; default off; } server { listen 80; } }", 0),
        ("http { server { listen 80; proxy_ssl_verify off; } }", 0),
    ],
)
def test_the_directive_that_was_removed(text: str, found: int, tmp_path: Path) -> None:
    write_files(tmp_path, {"nginx.conf": f"events {{}}\n{text}\n"})
    assert len(readiness.check([tmp_path], select=["nginx/ssl-directive-removed"]).findings) == found
    assert len(readiness.check([tmp_path], select=["nginx/ssl-on-removed"]).findings) == found
