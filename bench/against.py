"""What a check costs now against what it cost in another checkout of this project, as ratios of processor time.

    git worktree add --detach ../before REVISION
    python bench/against.py ../before PATH... [--runs 5] [--options "--no-render"]

For each path both checkouts judge the same files in turn (A B A B ...), whole processes, without the cache of results and
without a settings file. Printed are, for each path, the medians of the processor's time (user and system, in ms, of the
process and of the programs that it starts) and their ratio: above 1, this checkout is the dearer one. The first pair is thrown
away: it compiles Python's code and warms the disk. A busy machine changes the times, and both sides of a ratio alike.

One manifest and one Dockerfile tell what a start costs; folders tell what judging costs. Where a checkout builds overlays that
the other leaves alone, its work is more and its ratio tells that too: `--options "--no-render"` leaves the overlays out.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
CHECK = ("check", "--no-cache", "--no-config", "--exit-zero", "--format", "json")


def processor_time(checkout: Path, options: list[str], path: Path) -> float:
    """Milliseconds of user and system time that one check of a path takes; a run that fails ends the bench."""
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    process = subprocess.Popen(
        [sys.executable, "-m", "readiness", *CHECK, *options, str(path.resolve())],
        stdout=subprocess.DEVNULL,
        cwd=checkout,
        env={**kept, "PYTHONPATH": str(checkout)},
    )
    _, status, usage = os.wait4(process.pid, 0)
    if code := os.waitstatus_to_exitcode(status):
        raise SystemExit(f"{checkout}: the check of {path} ended with {code}, and measures nothing")
    return 1000 * (usage.ru_utime + usage.ru_stime)


def main() -> None:
    """Measure each path and print a line for it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=Path, help="a checkout of the revision to compare with")
    parser.add_argument("paths", type=Path, nargs="+", help="a file or a folder, judged by itself")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--options", default="", help="further options of `readiness check`")
    asked = parser.parse_args()
    before, options = asked.before.resolve(), asked.options.split()
    print(f"{'':44} {'now':>9} {'before':>9}   now / before")
    for path in asked.paths:
        pairs = [[processor_time(checkout, options, path) for checkout in (HERE, before)] for _ in range(asked.runs + 1)][1:]
        now, then = (statistics.median(side) for side in zip(*pairs, strict=True))
        name = "/".join(path.resolve().parts[-2:])
        print(f"{name:44} {now:6.0f} ms {then:6.0f} ms   {now / then:.3f}", flush=True)


if __name__ == "__main__":
    main()
