"""Where READMEs have people start their compose file, and what that says of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from readiness import check
from readiness.kinds.readme_use import is_started_for_development_alone
from tests.make import write_files

USES = {
    "below development": ("# Shop\n\n## Development\n\n```\ndocker compose up\n```\n", True),
    "below a heading above": ("# Shop\n\n## Develop with Docker\n\n### Set-up\n\nRun `docker-compose up -d`.\n", True),
    "run locally": ("= Shop\n\n== Running the shop locally\n\n`docker compose pull && docker compose up`\n", True),
    "two sections of development": ("# S\n## Contributing\n`docker compose up`\n## Testing\n`podman-compose run --rm s test`\n", True),
    "another file for production": ("# S\n## Develop\n`docker compose up`\n## Production\n`docker compose -f prod.yml up -d`\n", True),
    "the file by its name": ("# S\n## Develop\n`docker compose -f ./docker-compose.yml up`\n", True),
    "below installation, too": ("# S\n## Install\n`docker compose up -d`\n## Develop\n`docker compose up`\n", False),
    "no heading": ("`docker compose up`\n", False),
    "the title alone": ("# Development server\n\n`docker compose up`\n", False),
    "a section that is over": ("# S\n## Develop\nRead on.\n## Run\n`docker compose up`\n", False),
    "a heading inside of a block": ("# S\n```\n## Develop\ndocker compose up\n```\n", False),
    "no start": ("# S\n## Develop\n`docker compose build`\n", False),
    "only another file": ("# S\n## Develop\n`docker compose -f dev.yml up`\n", False),
    "a word that only sounds so": ("# S\n## Localization\n`docker compose up`\n## Latest\n`docker compose up`\n", False),
}


@pytest.mark.parametrize(("text", "is_alone"), USES.values(), ids=USES)
def test_sections(text: str, is_alone: bool) -> None:
    assert is_started_for_development_alone(text) is is_alone


COMPOSE = "services:\n  web:\n    image: nginx:1.27.3\n    ports: ['80:80']\n"


def test_the_default_file_beside_it_alone(tmp_path: Path) -> None:
    files = {
        "README.md": "# S\n\n## Development\n\n`docker compose up`\n",
        "compose.yml": COMPOSE,
        "acme.compose.yml": COMPOSE,
        "x/compose.yml": COMPOSE,
    }
    write_files(tmp_path, files)
    purposes = {Path(one.path).name: one.purpose.partition(":")[0] for one in check([tmp_path]).files if one.purpose}
    assert purposes == {"compose.yml": "development"}


def test_a_name_of_production_is_believed(tmp_path: Path) -> None:
    write_files(tmp_path, {"production/README.md": "# S\n\n## Local\n\n`docker compose up`\n", "production/compose.yml": COMPOSE})
    assert not any(one.purpose for one in check([tmp_path]).files)
