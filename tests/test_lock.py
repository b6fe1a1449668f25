"""The lock of CI's packages fits pyproject.toml, and CI installs by it."""

from __future__ import annotations

import re

import pytest

from tests.conftest import ROOT
from tests.make_lock import LOCK, disagreements, locked_requirements

PROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
LOCKED = LOCK.read_text(encoding="utf-8")


def test_the_lock_fits_the_project() -> None:
    assert disagreements(PROJECT, LOCKED) == [], "`python -m tests.make_lock` writes it anew"


def test_every_package_of_the_lock_has_hashes() -> None:
    assert {requirement.name.lower() for requirement, count in locked_requirements(LOCKED) if count} >= {
        "pyyaml",
        "pytest",
        "ruff",
        "hatchling",
        "editables",
    }


PYYAML = next(entry for entry in re.split(r"(?m)^(?=[A-Za-z0-9])", LOCKED) if entry.startswith("pyyaml=="))
WRONG = {
    "a package is wanted": (PROJECT.replace('"click>=8.1"', '"click>=8.1",\n    "newer>=1"'), LOCKED, "newer>=1 is not in the lock"),
    "an extra wants one": (PROJECT.replace('"pytest>=8.0"', '"pytest>=8.0", "newer"'), LOCKED, "newer is not in the lock"),
    "the builder is wanted": (PROJECT.replace('["hatchling>=1.24"]', '["hatchling>=1.24", "newer"]'), LOCKED, "newer is not in the lock"),
    "a later version is wanted": (PROJECT.replace("pyyaml>=6.0.1", "pyyaml>=99"), LOCKED, "pyyaml>=99 is wanted, and the lock has"),
    "a package is wanted no longer": (
        PROJECT.replace('    "tree-sitter-bash>=0.23",\n', ""),
        LOCKED,
        "tree-sitter-bash is in the lock, and nothing wants it",
    ),
    "an entry is gone": (PROJECT, LOCKED.replace(PYYAML, ""), "pyyaml>=6.0.1 is not in the lock"),
    "hashes are gone": (PROJECT, LOCKED.replace(PYYAML, "pyyaml==6.0.4\n    # via readiness (pyproject.toml)\n"), "pyyaml has no hash"),
    "a hash is of another sort": (PROJECT, LOCKED.replace(PYYAML, "pyyaml==6.0.4 --hash=md5:" + "0" * 32 + "\n"), "pyyaml has no hash"),
    "a version is left open": (PROJECT, LOCKED.replace(PYYAML, PYYAML.replace("==", ">=")), "pyyaml has no exact version"),
    "a version is a pattern": (PROJECT, LOCKED.replace(PYYAML, re.sub("==[^ ]+", "==6.*", PYYAML)), "pyyaml has no exact version"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit_is_said(name: str) -> None:
    project_text, lock_text, wanted = WRONG[name]
    assert any(one.startswith(wanted) for one in disagreements(project_text, lock_text))


def test_ci_installs_nothing_without_a_hash() -> None:
    """No package comes but by the lock, and no setup script of one runs."""
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    installs = [line.strip() for line in script.splitlines() if "pip install" in line]
    assert len(installs) == 2
    assert {"--require-hashes", "--only-binary", LOCK.name} <= set(installs[0].split())
    assert {"--no-deps", "--no-build-isolation", "--editable"} <= set(installs[1].split())
