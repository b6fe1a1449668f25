from __future__ import annotations

import datetime

import pytest

from readiness.facts.base_images import (
    is_known_official,
    may_be_official_image,
    nonroot_user,
    surely_lacks_tool,
)
from readiness.facts.releases import end_of_life_of_image
from readiness.syntax.image import parse_image

TODAY = datetime.date(2026, 11, 1)


@pytest.mark.parametrize(
    ("image", "release"),
    [
        ("node:20-alpine", "node 20"),
        ("node:iron-slim", "node iron"),
        ("node:22", None),
        ("node:lts", None),
        ("node:bullseye-slim", "bullseye"),
        ("python:3.13-alpine3.21", "alpine 3.21"),
        ("python:3.13-alpine3.22", None),
        ("debian:12", None),
        ("mysql:8", None),
        ("mysql:8.0.36", "mysql 8.0"),
        ("openjdk:8u342-jre", "openjdk 8"),
        ("openjdk:24-ea", None),
        ("centos:latest", "centos"),
        ("acme/centos:7", None),
        ("acme/app:focal", None),
        ("my-buster:1", None),
        ("eclipse-temurin:17-jre-focal", "focal"),
        ("docker.io/library/python:3.7", "python 3.7"),
        ("public.ecr.aws/docker/library/node:18", "node 18"),
        ("nvidia/cuda:11.8.0-base-ubuntu20.04", "ubuntu 20.04"),
        ("nvidia/cuda:12.2.0-base-ubuntu24.04", None),
        ("gcr.io/distroless/java17-debian11:nonroot", "debian 11"),
        ("mcr.microsoft.com/dotnet/framework/aspnet:4.8", None),
        ("node:$TAG", None),
    ],
)
def test_releases_past_their_end(image: str, release: str | None) -> None:
    found = end_of_life_of_image(parse_image(image), TODAY)
    assert (found.release if found else None) == release


@pytest.mark.parametrize(
    ("image", "tool", "expected"),
    [
        ("node:22-alpine", "curl", True),
        ("node:22-alpine", "wget", False),
        ("node:22", "curl", False),
        ("node:$TAG", "curl", False),
        ("python:3.13-slim", "wget", True),
        ("gcr.io/distroless/static-debian12", "sh", True),
        ("gcr.io/distroless/static-debian12:debug", "sh", False),
        ("nginx:1.29-alpine", "curl", False),
        ("nginx:1.29-alpine-slim", "curl", True),
        ("acme/alpine", "curl", False),
    ],
)
def test_what_an_image_comes_without(image: str, tool: str, expected: bool) -> None:
    assert surely_lacks_tool(parse_image(image), tool) is expected


def test_who_runs() -> None:
    assert nonroot_user(parse_image("gcr.io/distroless/static:nonroot")) == "65532"
    assert nonroot_user(parse_image("gcr.io/distroless/static")) is None
    assert nonroot_user(parse_image("cgr.dev/chainguard/python:latest-dev")) == "65532"
    assert nonroot_user(parse_image("cgr.dev/chainguard/wolfi-base")) is None


def test_official_images() -> None:
    assert may_be_official_image(parse_image("anything"))
    assert not may_be_official_image(parse_image("acme/anything"))
    assert is_known_official(parse_image("busybox"))
    assert is_known_official(parse_image("public.ecr.aws/docker/library/busybox"))
    assert not is_known_official(parse_image("anything"))
