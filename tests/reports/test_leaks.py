"""Planted secrets in whole projects: what files give to variables reaches no output, wherever it is filled in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import readiness
from readiness import api
from readiness.run import cache

from .conftest import show

# Lines of an environment file that give X a secret, in each way that one can be given.
GIVEN = {
    "by its name": ("DB_PASSWORD=Zplanted1x", "DB_PASSWORD"),
    "exported": ("export API_TOKEN='Zplanted1xlong'", "API_TOKEN"),
    "in a URL": ("DATABASE=postgres://u:Zplanted1x@db:5432/x", "DATABASE"),
    "in a connection string": ("CS=Server=db;User Id=sa;Password=Zplanted1x;Db=x", "CS"),
    "of several lines": ('DB_PASSWORD="first\nZplanted1x\nlast"', "DB_PASSWORD"),
    "filled in": ("DB_PASSWORD=Zplanted1x\nPIN=u-${DB_PASSWORD}", "PIN"),
    "filled in twice": ("DSN=${PIN}\nDB_PASSWORD=Zplanted1x\nPIN=$DB_PASSWORD\nDSN=a$PIN", "DSN"),
    "not closed": ("DB_PASSWORD='Zplanted1x\nNEXT=1", "DB_PASSWORD"),
    "not a variable": ("DB_PASSWORD=Zplanted${1x}", "DB_PASSWORD"),
    "not a name": ("DB PASSWORD=Zplanted1x", "DB_PASSWORD"),
}
# Where a compose file may put it.
USED = """\
image: "a/$V:1"
image: "$V"
command: run --with $V
command: [x, --password, "$V"]
container_name: "$V"
ports: ["$V:80"]
ports: ["80:$V"]
volumes: ["$V:/data"]
volumes: ["./a:$V"]
environment: ["A=$V", "POSTGRES_PASSWORD=$V"]
environment: {A: "b-$V"}
env_file: "$V"
user: "$V"
healthcheck: {test: "curl -u a:$V http://x", interval: "$V"}
restart: "$V"
mem_limit: "$V"
depends_on: ["$V"]
labels: ["a=$V"]
extra_hosts: ["$V"]
build: {context: "$V", args: {P: "$V"}}
devices: ["$V"]
secrets: ["$V"]
networks: ["$V"]
deploy: {replicas: "$V", resources: {limits: {cpus: "$V", memory: "$V"}}}
extends: {file: "$V", service: "$V"}
sysctls: ["$V"]
profiles: ["$V"]
develop: {watch: [{path: "$V", action: "$V"}]}
""".splitlines()


def services(value: str) -> str:
    """A compose file with a service for each place of a value."""
    lines = (
        f"  s{n}:\n    {use.replace('$V', value)}\n"
        + "    image: postgres:16\n" * ("image:" not in use)
        for n, use in enumerate(USED)
    )
    return "services:\n" + "".join(lines)


def everything(folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """All that any output says of a folder: formats, baseline file, cache."""
    monkeypatch.chdir(folder)
    kept = cache.Cache(folder.with_name("kept"))
    monkeypatch.setattr(cache, "user_cache", lambda: kept)
    made = readiness.check(["."], select=["ALL"], cache=True)
    assert made.findings
    stored = [json.loads(path.read_text()) for path in kept.folder.glob("*.json")]
    shown = [show("json", made), api.baseline_text(made), *(str(one["findings"]) for one in stored)]
    for name in ("terminal", "github"):
        shown += [show(name, made), show(name, made, verbose=True, explain=True)]
    return "\n".join([*shown, show("terminal", made, color="always", width=500, verbose=True)])


@pytest.mark.parametrize("name", GIVEN)
def test_of_an_environment_file(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines, variable = GIVEN[name]
    folder = tmp_path / "tree"
    folder.mkdir()
    also = "  files:\n    image: redis:7\n    env_file: [.env, {path: raw.env, format: raw}]\n"
    (folder / "compose.yaml").write_text(services(f"${{{variable}}}") + also)
    (folder / ".env").write_text(lines + "\n")
    (folder / "raw.env").write_text(lines + "\n")
    assert "planted" not in everything(folder, monkeypatch)


@pytest.mark.parametrize("value", ["${DB_PASSWORD:-Zplanted1x}", "${DB_PASSWORD-Zplanted1x}"])
def test_of_a_default(value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "tree"
    folder.mkdir()
    (folder / "compose.yaml").write_text(services(value))
    assert "planted" not in everything(folder, monkeypatch)
