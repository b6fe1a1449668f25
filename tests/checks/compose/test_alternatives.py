"""A port that two services publish: not where they are one program with other settings, of which people start one by name."""

from __future__ import annotations

from pathlib import Path

import pytest

import readiness
from tests.make import write_files

FIRST = "  shop-app: &app\n    image: acme/shop:1.4\n    command: [serve]\n    ports: ['8080:8080']\n"
INHERITED = "    <<: *app\n    environment: {CATALOGUE: 'https://catalogue.acme.io'}\n"
WRITTEN = "    image: acme/shop:1.4\n    command: [serve]\n    ports: ['8080:8080']\n    environment: {MODE: live}\n"
CLASHES = {
    "inherited by an anchor": ("shop-app-live", INHERITED, 0),
    "the same list again": ("shop-app-live", WRITTEN, 0),
    "beside, with the same stem": ("shop-live", WRITTEN, 0),
    "names with underscores": ("shop_draft", WRITTEN, 0),
    "a worker with the ports of its application": ("shop-app-worker", INHERITED + "    command: [work]\n", 1),
    "a replica": ("shop-app-2", INHERITED, 1),
    "numbered without a sign": ("shop-app-live2", INHERITED, 1),
    "another image": ("shop-app-live", WRITTEN.replace("acme/shop", "acme/till"), 1),
    "more ports": ("shop-app-live", WRITTEN.replace("['", "['9090:9090', '"), 1),
    "one that waits for the other": ("shop-app-live", INHERITED + "    depends_on: [shop-app]\n", 1),
    "a name of its own": ("catalogue", INHERITED, 1),
}


@pytest.mark.parametrize(("name", "settings", "count"), CLASHES.values(), ids=CLASHES)
def test_a_port_of_two_services(tmp_path: Path, name: str, settings: str, count: int) -> None:
    write_files(tmp_path, {"compose.yaml": f"services:\n{FIRST}  {name}:\n{settings}"})
    assert len(readiness.check([tmp_path], select=["compose/port-clash"], base=tmp_path).findings) == count


def test_agents_of_the_engine(tmp_path: Path) -> None:
    socket = "volumes: ['/var/run/docker.sock:/var/run/docker.sock']"
    images = {"agent": "portainer/agent:2.27.9", "other": "acme/agent:2.27.9"}
    lines = "".join(f"  {name}: {{image: '{image}', {socket}}}\n" for name, image in images.items())
    lines += f"  open: {{image: 'acme/agent:2.27.9', ports: ['80:80'], {socket}}}\n"
    write_files(tmp_path, {"compose.yaml": f"services:\n{lines}"})
    report = readiness.check([tmp_path], select=["compose/engine-socket"], base=tmp_path, purpose="production")
    assert [(one.line, one.severity.name.lower()) for one in report.findings] == [(2, "low"), (3, "medium"), (4, "high")]
