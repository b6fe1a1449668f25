"""Write requirements-ci.txt anew: the packages that CI installs, each with its version and the hashes of all its files.

`python -m tests.make_lock` asks uv (`pip install uv`), which asks the package index; what stands in the lock already is kept
where it still fits, and `--upgrade` takes the newest of everything. With --check nothing is asked: the lock is compared with
pyproject.toml, and what disagrees is printed.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements-ci.txt"
HEAD = "# What CI installs, with the hashes of every file of each release: written by `python -m tests.make_lock` (CONTRIBUTING.md).\n"
# What hatchling asks for when it installs a package in place; the lock has it, for CI builds without asking an index.
EDITABLE_BUILD_REQUIREMENT = "editables>=0.5"
SHA256_LINE = re.compile(r"--hash=sha256:[0-9a-f]{64}")


def wanted_requirements(project_text: str) -> list[Requirement]:
    """What pyproject.toml asks for in CI: its dependencies, the extra `dev` with the extras that this one names, and what builds it."""
    project = tomllib.loads(project_text)
    extras: dict[str, list[str]] = project["project"]["optional-dependencies"]
    wanted = [Requirement(one) for one in project["project"]["dependencies"]]
    pending, seen = ["dev"], set()
    while pending:
        extra = pending.pop()
        if extra in seen:
            continue
        seen.add(extra)
        for requirement in map(Requirement, extras[extra]):
            if canonicalize_name(requirement.name) == project["project"]["name"]:
                pending += requirement.extras
            else:
                wanted.append(requirement)
    return [*wanted, *map(Requirement, project["build-system"]["requires"]), Requirement(EDITABLE_BUILD_REQUIREMENT)]


def locked_requirements(lock_text: str) -> Iterator[tuple[Requirement, int]]:
    """The requirements of a lock, each with the number of its hashes."""
    for entry in re.sub(r"(?m)^[ \t]*#.*\n?", "", lock_text).replace("\\\n", " ").splitlines():
        if entry.strip():
            yield Requirement(entry.partition("--hash")[0].strip()), len(SHA256_LINE.findall(entry))


def disagreements(project_text: str, lock_text: str) -> list[str]:
    """What in a lock does not fit pyproject.toml, in words; empty where all does."""
    found: list[str] = []
    version_by_name: dict[str, str] = {}
    for requirement, hash_count in locked_requirements(lock_text):
        exact = re.fullmatch(r"==([^*,]+)", str(requirement.specifier))
        if exact is None:
            found.append(f"{requirement.name} has no exact version")
        else:
            version_by_name[canonicalize_name(requirement.name)] = exact[1]
        if not hash_count:
            found.append(f"{requirement.name} has no hash")
    wanted_names = set()
    for wanted in wanted_requirements(project_text):
        name = canonicalize_name(wanted.name)
        wanted_names.add(name)
        if name not in version_by_name:
            found.append(f"{wanted} is not in the lock")
        elif not wanted.specifier.contains(version_by_name[name], prereleases=True):
            found.append(f"{wanted} is wanted, and the lock has {version_by_name[name]}")
    return found + [f"{name} is in the lock, and nothing wants it" for name in _names_wanted_directly(lock_text) if name not in wanted_names]


def _names_wanted_directly(lock_text: str) -> Iterator[str]:
    """The packages of a lock of which it says that nothing but the project asks for them."""
    for entry in re.split(r"(?m)^(?=[A-Za-z0-9])", lock_text):
        askers = re.findall(r"(?m)^ +#(?: via)? +(\S+)", entry)
        if entry[:1].isalnum() and set(askers) <= {"readiness", "-r"}:
            yield canonicalize_name(re.split(r"[=\[; ]", entry)[0])


def write_lock(*arguments: str) -> None:
    """Let uv work the lock out, for all systems and every Python from the oldest on that the project supports."""
    uv = shutil.which("uv")
    if uv is None:
        raise SystemExit("uv is not here; `pip install uv` brings it")
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    oldest_python = project["project"]["requires-python"].removeprefix(">=")
    build_requirements = "\n".join([*project["build-system"]["requires"], EDITABLE_BUILD_REQUIREMENT])
    command = [
        uv, "pip", "compile", "pyproject.toml", "-", "--extra", "dev", "--universal", "--python-version", oldest_python, "--generate-hashes",
        "--no-header", "--quiet", "--output-file", LOCK.name, *arguments,
    ]  # fmt: skip
    subprocess.run(command, cwd=ROOT, input=build_requirements, text=True, check=True)
    LOCK.write_text(HEAD + LOCK.read_text(encoding="utf-8").removeprefix(HEAD), encoding="utf-8")


def main(arguments: list[str]) -> int:
    """Write the lock, or compare it."""
    if arguments == ["--check"]:
        found = disagreements((ROOT / "pyproject.toml").read_text(encoding="utf-8"), LOCK.read_text(encoding="utf-8"))
        print("\n".join(found) or f"{LOCK.name} fits pyproject.toml")
        return min(len(found), 1)
    if not set(arguments) <= {"--upgrade"}:
        raise SystemExit(f"python -m tests.make_lock [--check | --upgrade]: {' '.join(arguments)} is neither")
    write_lock(*arguments)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
