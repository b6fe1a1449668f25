"""When a release gets no updates any more: by the day of the run, never by a clock."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

import readiness
from readiness.cli.main import main
from readiness.facts import releases
from readiness.facts.releases import end_of_life_of_image, end_of_life_of_release
from readiness.facts.table import facts_table
from readiness.syntax.image import parse_image
from tests.make import write_files

DAY = datetime.date.fromisoformat


@pytest.mark.parametrize(
    ("image", "before", "day", "release"),
    [
        ("postgres:14.19", "2026-11-11", "2026-11-12", "postgres 14"),
        ("postgres:14-alpine3.23", "2026-11-11", "2026-11-12", "postgres 14"),
        ("pgvector/pgvector:0.8.1-pg14", "2026-11-11", "2026-11-12", "PostgreSQL 14"),
        ("bitnami/postgresql:14.5.0-debian-12-r1", "2026-11-11", "2026-11-12", "PostgreSQL 14"),
        ("mysql/mysql-server:5.7", "2023-10-30", "2023-10-31", "MySQL 5.7"),
        ("mariadb:10.5.29", "2025-06-23", "2025-06-24", "mariadb 10.5"),
        ("nginx:1.24.0", "2024-04-22", "2024-04-23", "nginx 1.24"),
        ("nginxinc/nginx-unprivileged:1.29", "2026-05-12", "2026-05-13", "nginx 1.29"),
        ("clickhouse/clickhouse-server:23.8", "2024-08-30", "2024-08-31", "ClickHouse 23.8"),
        ("redis:6.0-alpine", "2022-05-30", "2022-05-31", "redis 6.0"),
        ("rabbitmq:3.13-management", "2024-09-16", "2024-09-17", "rabbitmq 3.13"),
        ("traefik:v2.11", "2026-01-31", "2026-02-01", "traefik 2.11"),
        (
            "docker.elastic.co/elasticsearch/elasticsearch:7.17.9",
            "2026-01-14",
            "2026-01-15",
            "Elasticsearch 7",
        ),
        ("mcr.microsoft.com/dotnet/aspnet:8.0", "2026-11-09", "2026-11-10", "Microsoft .NET 8"),
        ("node:22-slim", "2027-04-29", "2027-04-30", "node 22"),
        ("node:jod", "2027-04-29", "2027-04-30", "node jod"),
        ("debian:bookworm-slim", "2028-06-29", "2028-06-30", "debian bookworm"),
        ("quay.io/centos/centos:stream9", "2027-05-30", "2027-05-31", "CentOS stream9"),
        ("redis:6", "2020-01-01", "2027-04-01", None),
        ("nginx:1", "2020-01-01", "2040-01-01", None),
        ("citusdata/citus:10.2", "2020-01-01", "2040-01-01", None),
        ("acme/postgres-tools:12", "2020-01-01", "2040-01-01", None),
        ("postgres:$VERSION", "2020-01-01", "2040-01-01", None),
        ("pgvector/pgvector:0.8.1", "2020-01-01", "2040-01-01", None),
        ("prom/prometheus:v2.1.0", "2020-01-01", "2040-01-01", None),
    ],
)
def test_an_end_counts_from_its_day_on(image: str, before: str, day: str, release: str | None) -> None:
    assert end_of_life_of_image(parse_image(image), DAY(before)) is None
    found = end_of_life_of_image(parse_image(image), DAY(day))
    assert (found and found.release) == release
    assert found is None or found.end_day == day


def test_without_a_day_that_of_the_facts_counts() -> None:
    read = facts_table("releases").read_on
    assert end_of_life_of_image(parse_image("node:20")) == end_of_life_of_image(parse_image("node:20"), read) is not None
    assert end_of_life_of_image(parse_image("node:24")) is None


@pytest.mark.parametrize(
    ("product", "version", "release"),
    [
        ("nodejs", "20.11.1", "Node.js 20"),
        ("dotnet", "6.0", "Microsoft .NET 6"),
        ("go", "1.21", "Go 1.21"),
        ("php", "7", "PHP 7"),
        ("python", "3.13", None),
        ("python", "", None),
        ("cobol", "85", None),
    ],
)
def test_releases_of_languages(product: str, version: str, release: str | None) -> None:
    found = end_of_life_of_release(product, version, DAY("2026-11-01"))
    assert (found.release if found else None) == release


FILES = {
    "compose.yaml": "services:\n  db: {image: postgres:14.19, restart: always}\n",
    "Dockerfile": "FROM python:3.10-slim\nUSER 1000\n",
    "k8s/db.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: db}\nspec:\n  containers:\n    - {name: db, image: postgres:14.19}\n",
    ".github/workflows/ci.yml": "on: push\njobs:\n  test:\n    runs-on: ubuntu-24.04\n"
    "    steps:\n      - uses: actions/setup-python@v5\n        with: {python-version: '3.10'}\n"
    "      - run: kubectl apply -f k8s/\n",
}
RULES = [
    "ci/release-end-of-life",
    "compose/image-end-of-life",
    "dockerfile/base-image-end-of-life",
    "k8s/image-end-of-life",
]


@pytest.mark.parametrize(
    ("today", "found"),
    [
        ("2026-10-30", []),
        ("2026-10-31", ["ci/release-end-of-life", "dockerfile/base-image-end-of-life"]),
        ("2026-11-12", RULES),
    ],
)
def test_the_day_of_the_run_is_asked(tmp_path: Path, today: str, found: list[str]) -> None:
    write_files(tmp_path, FILES)
    for jobs in (1, 2):
        report = readiness.check([tmp_path], select=RULES, base=tmp_path, today=DAY(today), jobs=jobs)
        assert sorted(one.rule for one in report.findings) == found


@pytest.mark.parametrize(("today", "code"), [("2026-11-11", 0), ("2026-11-12", 1), ("soon", 2)])
def test_the_day_on_the_command_line(tmp_path: Path, today: str, code: int) -> None:
    path = tmp_path / "compose.yaml"
    path.write_text(FILES["compose.yaml"])
    words = ["check", "--no-config", "--select", RULES[1], "--fail-on", "medium", str(path)]
    assert CliRunner().invoke(main, [*words, "--no-cache", "--today", today]).exit_code == code


@pytest.mark.parametrize("parts", [1, 8, 9, 20_000])
def test_a_release_of_many_numbers_is_that_of_the_first(parts: int) -> None:
    found = end_of_life_of_release("python", "3.8" + ".1" * parts, DAY("2026-11-01"))
    assert found is not None
    assert found.release.endswith("3.8")


def test_the_releases_that_a_tag_may_name_are_few_however_long_it_is() -> None:
    candidates = releases._candidate_releases_of_tag("1" + ".1" * 20_000)
    assert sum(map(len, candidates)) < 100
