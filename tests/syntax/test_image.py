from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readiness.facts.moving import is_floating_image
from readiness.syntax import image

DIGEST = "sha256:" + "7959ed6f" * 8

PARTS = {
    "nginx": ("", "nginx", "", ""),
    "nginx:1.27.1": ("", "nginx", "1.27.1", ""),
    "library/nginx:1.27": ("", "library/nginx", "1.27", ""),
    "localhost/app": ("localhost", "app", "", ""),
    "localhost:5000/app": ("localhost:5000", "app", "", ""),
    "ghcr.io/a/b/c:v1": ("ghcr.io", "a/b/c", "v1", ""),
    f"debian:latest@{DIGEST}": ("", "debian", "latest", DIGEST),
    f"debian@{DIGEST}": ("", "debian", "", DIGEST),
    "${REG:-a.b:5000}/app:${TAG:-1}": ("", "${REG:-a.b:5000}/app", "${TAG:-1}", ""),
    "$IMAGE": ("", "$IMAGE", "", ""),
    "": ("", "", "", ""),
    "a:b:c": ("", "a", "b:c", ""),
}


@pytest.mark.parametrize("text", PARTS)
def test_parts(text: str) -> None:
    parsed = image.parse_image(text)
    assert (parsed.registry, parsed.name, parsed.tag, parsed.digest) == PARTS[text]


@pytest.mark.parametrize(
    ("text", "name", "tag", "digest"),
    [
        ("nginx", False, False, False),
        ("nginx:$TAG", False, True, True),
        ("$IMAGE", True, True, True),
        ("$REG/nginx", True, False, False),
        ("${A}nginx:1.2", True, False, False),
        ("app/$NAME", True, True, True),
        ("nginx:1.2@$DIGEST", False, False, True),
        ("nginx:{{ .Values.tag }}", False, True, True),
        ("${{ env.X }}/app:1", True, False, False),
        ("<registry>/app:1", True, False, False),
        ("nginx:1.$MINOR-alpine", False, True, False),
    ],
)
def test_unknown(text: str, name: bool, tag: bool, digest: bool) -> None:
    parsed = image.parse_image(text)
    assert (parsed.name_unknown, parsed.tag_unknown, parsed.digest_unknown) == (name, tag, digest)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nginx", True),
        ("Nginx", False),
        ("Reg.io/nginx", True),
        ("nginx:", False),
        (f"nginx@{DIGEST}", True),
        ("nginx@sha256:12", False),
        ("a//b", False),
        ("$X/y:z", True),
        ("nginx:1_$X", True),
        ("busybox:stable${VARIANT}", True),
        ("nginx:-1", False),
        ("", False),
    ],
)
def test_valid(text: str, expected: bool) -> None:
    assert image.parse_image(text).is_valid is expected


def test_names() -> None:
    assert image.parse_image("nginx").full_repository == "docker.io/library/nginx"
    assert image.parse_image("docker.io/library/nginx:1").familiar_name == "nginx"
    assert image.parse_image("docker.io/nginx").familiar_name == "nginx"
    assert image.parse_image("bitnami/redis").familiar_name == "bitnami/redis"
    assert image.parse_image("ghcr.io/a/b").familiar_name == "ghcr.io/a/b"


@given(st.text(alphabet="ab.:/@${}<>-_ %1\n\x00") | st.text())
def test_any_text(text: str) -> None:
    parsed = image.parse_image(text)
    assert parsed.tag == text[parsed.tag_span.start : parsed.tag_span.end]
    assert parsed.digest == text[parsed.digest_span.start : parsed.digest_span.end]
    assert parsed.name == text[parsed.name_span.start : parsed.name_span.end]
    assert len(parsed.masked_text) == len(text)
    assert parsed.is_valid in {True, False}
    assert isinstance(is_floating_image(parsed), bool)
