from __future__ import annotations

import pytest

from readiness.checks.dockerfile.owned import is_owned_by_user
from readiness.kinds import dockerfile as kind
from readiness.kinds.dockerfile.model import Stage
from readiness.kinds.dockerfile.paths import absolute_path, copy_destination, working_folder
from readiness.model import Source


def last(text: str) -> Stage:
    return kind.parse(Source("Dockerfile", text, kind="dockerfile")).stages[-1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FROM node\n", "/"),
        ("FROM acme/node\n", None),
        ("FROM golang\nWORKDIR src\n", None),
        ("FROM golang\nWORKDIR /src\nWORKDIR app\n", "/src/app"),
        ("FROM node AS a\nWORKDIR /a\nFROM a\nWORKDIR b/../c\n", "/a/c"),
        ("FROM node\nARG D=/x\nWORKDIR $D\n", "/x"),
        ("FROM node\nARG D\nWORKDIR $D\n", None),
        ("FROM node\nONBUILD WORKDIR /x\n", "/"),
    ],
)
def test_working_folders(text: str, expected: str | None) -> None:
    assert working_folder(last(text)) == expected


def test_where_copies_go() -> None:
    stage = last('FROM node\nWORKDIR /a\nCOPY x ./y/\nCOPY ["x", "z"]\nWORKDIR /b\nCOPY x $NO\n')
    copies = stage.instructions_of("COPY")
    assert [copy_destination(stage, one) for one in copies] == ["/a/y", "/a/z", None]
    assert absolute_path(stage, "./q") == "/b/q"


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ("USER app", False),
        ("RUN mkdir -p /data\nUSER app", False),
        ("RUN mkdir /data && chown app /data\nUSER app", True),
        ("RUN mkdir /data && chown -R app:app /\nUSER app", True),
        ("RUN chown app /other\nUSER app", False),
        ("RUN chown 1000 /data\nUSER app", None),
        ("RUN install -d -o app /data\nUSER app", True),
        ("COPY --chown=app x /data\nUSER app", True),
        ("COPY x /data\nUSER app", False),
        ("COPY --from=other / /\nUSER app", None),
        ("RUN ./setup.sh\nUSER app", None),
        ("RUN useradd -d /data app\nUSER app", None),
        ("USER app\nRUN mkdir /data", None),
        ("USER app\nWORKDIR /data", None),
        ("RUN true", None),
        ("USER root", None),
        ("USER $U", None),
    ],
)
def test_who_owns_a_folder(steps: str, expected: bool | None) -> None:
    assert is_owned_by_user(last(f"FROM node:22\n{steps}\n"), "/data") is expected


def test_folders_of_packages_and_of_everybody() -> None:
    stage = last("FROM debian:12\nRUN apt-get install -y nginx\nUSER www-data\n")
    assert is_owned_by_user(stage, "/var/lib/nginx") is None
    assert is_owned_by_user(stage, "/tmp/x") is None  # noqa: S108
    assert is_owned_by_user(stage, "/data") is False
