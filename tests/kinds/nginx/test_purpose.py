"""What a configuration of nginx is taken for, and what decides nothing."""

from __future__ import annotations

import pytest

from readiness.kinds import nginx
from readiness.kinds.nginx import purpose
from readiness.model import Source


def word(path: str, name: str = "shop.example.com", head: str = "", *beside: str) -> str:
    text = f"{head}server {{ listen 80; server_name {name}; location / {{ proxy_pass http://app:3000; }} }}\n"
    document = nginx.parse(Source(path, text, kind="nginx"))
    purpose.take_purposes([document], (path, *beside))
    found = document.source.purposes.get("")
    return found.word if found else ""


@pytest.mark.parametrize(
    ("path", "name", "head", "expected"),
    [
        ("test/nginx.conf", "a.com", "", "test"),
        ("docker/test-nginx.conf", "a.com", "", "test"),
        ("sites/app.conf.example", "app.test", "", "sample"),
        ("docs/nginx.conf", "localhost", "", "sample"),
        ("nginx.conf", "a.com", "# This configuration is for testing only.\n", "test"),
        ("nginx.conf", "a.com", "# readiness: purpose=preview\n", "preview"),
        # not decided by one weak sign
        ("nginx.conf", "localhost", "", ""),
        ("docs/nginx.conf", "a.com", "", ""),
        ("sites/app.conf.example", "a.com", "", ""),
        ("rootfs/usr/local/nginx/conf/nginx.conf", "localhost", "", ""),
        ("local/nginx.conf", "a.com", "", ""),
        ("production/nginx.conf", "localhost", "", ""),
        ("test/production/nginx.conf", "a.com", "", ""),
        ("test/nginx.conf", "a.com", "# readiness: purpose=production\n", "production"),
    ],
)
def test_what_decides(path: str, name: str, head: str, expected: str) -> None:
    assert word(path, name, head) == expected


def test_a_folder_beside_one_of_production() -> None:
    assert word("docker/development/a.conf", "a.com", "", "docker/production/a.conf") == "development"
