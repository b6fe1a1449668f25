"""Planted secrets in whole projects: what files give to variables reaches no output, wherever it is filled in."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

import readiness
from readiness import api
from readiness.run import cache
from readiness.syntax import secrets
from tests.make import write_files

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
    lines = (f"  s{n}:\n    {use.replace('$V', value)}\n" + "    image: postgres:16\n" * ("image:" not in use) for n, use in enumerate(USED))
    return "services:\n" + "".join(lines)


def everything(folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """All that any output says of a folder: formats, baseline file, cache."""
    monkeypatch.chdir(folder)
    kept = cache.ResultCache(folder.with_name("kept"))
    monkeypatch.setattr(cache, "user_result_cache", lambda: kept)
    made = readiness.check(["."], select=["ALL"], cache=True)
    assert made.findings
    stored = [json.loads(path.read_text()) for path in kept.folder.glob("*.json")]
    shown = [show("json", made), api.baseline_text(made), *(str(one["findings"]) for one in stored)]
    for name in ("terminal", "github", "markdown"):
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


# -- what the decision on secrets calls one, in each kind of file -------------------------------------------------

LABELLED = Path(__file__).parents[1] / "syntax" / "secrets"


def literals() -> list[tuple[str, str]]:
    """Labelled names and values that the decision calls secrets of somebody's own, whatever the place."""
    rows = (json.loads(line) for half in ("tuning", "heldout") for line in (LABELLED / f"{half}.jsonl").read_text().splitlines())
    found = {
        (row["name"], row["value"])
        for row in rows
        if row["name"].replace("_", "").isalnum()
        and secrets.classify_value(row["name"], row["value"]).kind is secrets.SecretKind.SECRET
        and not set(row["value"]) & set("\"'\\$`\n")
    }
    return sorted(found)


def tree(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Files of each kind that have all pairs."""
    settings = "".join(f'      {name}: "{value}"\n' for name, value in pairs)
    variables = "".join(f'    - name: {name}\n      value: "{value}"\n' for name, value in pairs)
    head = "apiVersion: v1\nmetadata:\n  name: shop\n"
    return {
        "compose.yaml": f"services:\n  app:\n    image: app\n    env_file: .env\n    environment:\n{settings}",
        ".env": "".join(f"{name}={value}\n" for name, value in pairs),
        "Dockerfile": "FROM debian\n" + "".join(f'ENV {n}="{v}"\nRUN x --{n}={v} {n}={v}\n' for n, v in pairs),
        "pod.yaml": f"{head}kind: Pod\nspec:\n  containers:\n  - name: app\n    image: app\n    env:\n{variables}",
        "map.yaml": f"{head}kind: ConfigMap\ndata:\n{settings}",
        "secret.yaml": f"{head}kind: Secret\nstringData:\n{settings}",
        "nginx.conf": "events {}\nhttp {\n" + "".join(f'  set ${n} "{v}";\n' for n, v in pairs) + "}\n",
        ".github/workflows/ci.yml": f"on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    env:\n{settings}    steps: [{{run: make}}]\n",
        ".gitlab-ci.yml": f"a:\n    script: [make]\n    variables:\n{settings}",
    }


def test_of_what_the_decision_calls_a_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A value that the outputs have without it too, such as a word of a rule's text, is no sign of a leak."""
    pairs = {name: value for name, value in literals() if len(value) > 3}
    folders = {"real": list(pairs.items()), "none": [(name, "${X}") for name in pairs]}
    shown = {}
    for folder, given in folders.items():
        write_files(tmp_path / folder / "tree", tree(given))
        shown[folder] = everything(tmp_path / folder / "tree", monkeypatch)
    assert len(pairs) > 50
    leaked = {name: value for name, value in pairs.items() if value in shown["real"]}
    assert [one for one in leaked.items() if one[1] not in shown["none"]] == []
