"""What a Dockerfile's image is taken for, and what decides nothing."""

from __future__ import annotations

import pytest

from readiness.kinds import dockerfile
from readiness.kinds.dockerfile import purpose
from readiness.kinds.dockerfile.model import Document
from readiness.model import Source

PLAIN = 'FROM debian:13\nCMD ["serve"]\n'


def taken(path: str, text: str = PLAIN, *beside: str) -> Document:
    document = dockerfile.parse(Source(path, text, kind="dockerfile"))
    purpose.take_purposes([document], (path, *beside))
    return document


@pytest.mark.parametrize(
    ("path", "text", "word"),
    [
        ("Dockerfile.test", PLAIN, "test"),
        ("Dockerfile.dev", PLAIN, "development"),
        ("docker/e2e/Dockerfile", PLAIN, "test"),
        ("config/samples/Dockerfile", PLAIN, "sample"),
        ("Dockerfile", "# This image is for local development only.\n" + PLAIN, "development"),
        ("Dockerfile", "# readiness: purpose=demo\n" + PLAIN, "demo"),
        ("Dockerfile", "FROM mcr.microsoft.com/devcontainers/python:3\n", "development"),
        ("examples/Dockerfile", "FROM debian:13 AS dev\n", "sample"),
        ("demo/Dockerfile", 'FROM debian:13\nCMD ["sleep", "infinity"]\n', "sample"),
        ("Dockerfile.prod", "# readiness: purpose=test\n" + PLAIN, "test"),
    ],
)
def test_what_decides(path: str, text: str, word: str) -> None:
    document = taken(path, text)
    assert document.source.purposes[""].word == word
    assert not document.deployed


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("Dockerfile", PLAIN),
        ("examples/Dockerfile", PLAIN),
        ("docker/local/Dockerfile", PLAIN),
        ("Dockerfile", "FROM debian:13 AS dev\nFROM debian:13\n"),
        ("Dockerfile", "FROM debian:13 AS dev\n"),
        ("Dockerfile", 'FROM debian:13\nCMD ["bash"]\n'),
        ("Dockerfile.prod", "# This image is for local development only.\n" + PLAIN),
        ("Dockerfile.dev", "# readiness: purpose=production\n" + PLAIN),
        ("prod/Dockerfile", "# readiness: purpose=nothing\n" + PLAIN),
    ],
)
def test_what_does_not_decide(path: str, text: str) -> None:
    assert taken(path, text).deployed


def test_a_folder_beside_one_of_production() -> None:
    assert not taken("compose/local/web/Dockerfile", PLAIN, "compose/production/web/Dockerfile").deployed
    assert taken("compose/local/web/Dockerfile", PLAIN, "compose/eu/web/Dockerfile").deployed
