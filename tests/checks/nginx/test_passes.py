"""A backend is a backend by whatever directive nginx passes requests to it."""

from __future__ import annotations

from pathlib import Path

import pytest

import readiness

CONF = """\
events {{}}
http {{
    access_log /var/log/nginx/access.log;
    server {{
        listen 80;
        server_name shop.example.com;
        root /srv/www;
        {off}
        location / {{ {passes} 10.0.0.5:9000; }}
    }}
}}
"""
PASSES = ("fastcgi_pass", "grpc_pass", "scgi_pass", "uwsgi_pass")


def found(folder: Path, passes: str, rule: str, off: str = "") -> int:
    (folder / "nginx.conf").write_text(CONF.format(passes=passes, off=off), encoding="utf-8")
    report = readiness.check([folder], select=[rule])
    assert not report.crashed
    return len(report.findings)


@pytest.mark.parametrize("passes", PASSES)
@pytest.mark.parametrize("rule", ["nginx/tls-missing", "nginx/body-size-unset", "nginx/rate-limit-missing"])
def test_an_application_needs_as_much_by_any_protocol(tmp_path: Path, passes: str, rule: str) -> None:
    assert found(tmp_path, passes, rule) == 1


@pytest.mark.parametrize("passes", [*PASSES, "memcached_pass"])
def test_a_server_that_passes_everything_on_sends_no_files(tmp_path: Path, passes: str) -> None:
    assert found(tmp_path, passes, "nginx/hidden-files-served") == 0


def test_a_cache_is_no_application(tmp_path: Path) -> None:
    assert found(tmp_path, "memcached_pass", "nginx/rate-limit-missing") == 0
