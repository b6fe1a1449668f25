"""Which release of what gets updates until when: readiness/facts/releases.yaml, from the data of endoflife.date.

The source is the repository https://github.com/endoflife-date/endoflife.date (MIT): the front matter of `products/<product>.md`.

    git clone https://github.com/endoflife-date/endoflife.date
    python -m tools.facts.releases endoflife.date --read "$(git -C endoflife.date log -1 --format=%cs)"

Only days count. What is said to be supported, or to have ended on no day that is known, is left out: unknown stays unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from readiness.syntax.yaml import load_yaml_documents
from tools.facts import writing

# The products, and the column that says when the last updates that everybody gets are out. Left out are those whose releases
# are followed by the next one within weeks (Prometheus, Keycloak, GitLab, Rust), and those whose image tags count otherwise.
PRODUCTS = {
    **dict.fromkeys(
        "almalinux alpine-linux amazon-corretto amazon-linux apache-cassandra apache-couchdb apache-flink apache-http-server"
        " apache-kafka arangodb centos centos-stream clickhouse cockroachdb consul couchbase-server dotnet drupal eclipse-temurin"
        " elasticsearch elixir envoy erlang etcd fedora go gradle grafana haproxy hashicorp-vault kibana logstash mariadb"
        " memcached mongodb mysql nextcloud nginx nodejs opensearch opensuse oracle-linux perl php postgresql python rabbitmq"
        " redis rocky-linux ruby solr tomcat traefik ubuntu valkey vmware-photon zookeeper".split(),
        "eol",
    ),
    "debian": "eoes",  # the LTS team publishes to the same mirrors
}  # fmt: skip
NAMED = frozenset({"debian", "ubuntu", "nodejs"})  # whose code names are tags
SOURCE = "https://github.com/endoflife-date/endoflife.date"
TEXT = """Releases and the day of their last updates, by the names of endoflife.date: a row a product.

title   what the product is called
ends    release -> the day; also those to come. A line of releases all of whose members have ended stands here by its first number
names   code names of releases that are tags too"""


def main() -> None:
    """Write the file."""
    given = writing.arguments(__doc__.split("\n", 1)[0], "a checkout of the repository")
    things = {name: row(given.source / "products" / f"{name}.md", name) for name in sorted(PRODUCTS)}
    places = [SOURCE, "https://endoflife.date/"]
    head = writing.header(places, given.read, 120, "tools/facts/releases.py", TEXT)
    done = {name: one for name, one in things.items() if one["ends"]}
    day = given.read.isoformat()
    for release in done.values():
        release["ends"] |= lines(release.pop("all"), day)
    text = head + "".join(writing.rows(done))
    (writing.FOLDER / "releases.yaml").write_text(text, encoding="utf-8", newline="\n")


def row(file: Path, product: str) -> dict[str, Any]:
    """What a product's page says of its releases; under `all` the day of every release, None where there is none."""
    front = load_yaml_documents(file.read_text(encoding="utf-8").split("\n---", 1)[0])[0]
    days: dict[str, str | None] = {}
    names: dict[str, str] = {}
    for release in front["releases"]:
        cycle = str(release["releaseCycle"])
        if not re.fullmatch(r"[0-9]+(?:\.[0-9]+)*", cycle):
            continue
        days[cycle] = day(release.get(PRODUCTS[product], release.get("eol")))
        if product in NAMED and days[cycle] and release.get("codename"):
            names[release["codename"].split()[0].lower()] = cycle
    made: dict[str, Any] = {"title": front["title"]}
    made["ends"] = {cycle: end for cycle, end in days.items() if end}
    if names:
        made["names"] = names
    return made | {"all": days}


def day(value: Any) -> str | None:
    """A day as it is written; None for yes, no and nothing."""
    return value if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value) else None


def lines(days: Mapping[str, str | None], read: str) -> dict[str, str]:
    """The lines of releases (`6` of 6.0 and 6.2) that had ended as a whole on the day of the source, with their last day."""
    return dict(_lines(days, read))


def _lines(days: Mapping[str, str | None], read: str) -> Iterator[tuple[str, str]]:
    firsts = dict.fromkeys(cycle.partition(".")[0] for cycle in days)
    for first in firsts:
        members = [end for cycle, end in days.items() if cycle.startswith(f"{first}.")]
        known = [end for end in members if end is not None]
        if first not in days and known and len(known) == len(members) and max(known) <= read:
            yield first, max(known)


if __name__ == "__main__":
    main()
