"""What an alias that can be escaped weighs: less where the image has nothing beside the served folder."""

from __future__ import annotations

from pathlib import Path

import pytest

import readiness
from tests.make import write_files

CONF = "server {\n  listen 80;\n  location /app {\n    alias %s;\n  }\n}\n"
DOCKERFILE = "FROM nginx:1.27.3-alpine\nCOPY dist /usr/share/shop/app/\nCOPY app.conf /etc/nginx/conf.d/app.conf\n"
MEDIUM, HIGH = "medium", "high"


def severity(tmp_path: Path, files: dict[str, str]) -> str:
    report = readiness.check([write_files(tmp_path, files)], select=["nginx/alias-traversal"])
    assert not report.crashed
    (finding,) = report.findings
    assert ("nothing else" in finding.message) == (finding.severity.name == "MEDIUM")
    return finding.severity.name.lower()


@pytest.mark.parametrize(
    ("alias", "dockerfile", "expected"),
    [
        ("/usr/share/shop/app/", DOCKERFILE, MEDIUM),
        ("/usr/share/shop/app/", DOCKERFILE.replace("app/\n", "app\n"), MEDIUM),
        ("/usr/share/shop/app/", DOCKERFILE + "COPY settings /usr/share/shop/private\n", HIGH),
        ("/usr/share/shop/app/", DOCKERFILE + "COPY settings /usr/share/shop/app-private\n", HIGH),
        ("/usr/share/shop/app/", DOCKERFILE + "COPY rootfs /\n", HIGH),
        ("/usr/share/shop/app/", DOCKERFILE + "ARG TO\nCOPY more $TO\n", HIGH),
        ("/usr/share/shop/app/", DOCKERFILE + "RUN cd /usr/share/shop && make\n", HIGH),
        ("/usr/share/shop/app/", DOCKERFILE.replace("nginx:1.27.3-alpine", "acme/web:1.2"), HIGH),
        ("/usr/share/shop/app/", DOCKERFILE.replace("COPY dist", "RUN make # "), HIGH),
        ("/usr/share/app/", DOCKERFILE.replace("/usr/share/shop/app/", "/usr/share/app/"), HIGH),
        ("/usr/share/nginx/app/", DOCKERFILE.replace("/usr/share/shop/app/", "/usr/share/nginx/app/"), HIGH),
        ("/usr/share/shop/app/", "FROM nginx:1.27.3-alpine\nCOPY dist /usr/share/shop/app/\n", HIGH),
    ],
)
def test_what_lies_beside_the_folder(tmp_path: Path, alias: str, dockerfile: str, expected: str) -> None:
    assert severity(tmp_path, {"app.conf": CONF % alias, "Dockerfile": dockerfile}) == expected


@pytest.mark.parametrize(
    ("target", "expected"),
    [("/usr/share/shop", HIGH), ("/usr/share", HIGH), ("/usr/share/shop/private", HIGH), ("/var/cache/nginx", MEDIUM)],
)
def test_what_is_mounted_beside_the_folder(tmp_path: Path, target: str, expected: str) -> None:
    compose = f"services:\n  web:\n    build: .\n    volumes:\n      - data:{target}\nvolumes:\n  data:\n"
    files = {"app.conf": CONF % "/usr/share/shop/app/", "Dockerfile": DOCKERFILE, "compose.yaml": compose}
    assert severity(tmp_path, files) == expected
