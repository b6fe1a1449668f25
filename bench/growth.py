"""How the time of a whole check grows with what there is to judge: a table of seconds and exponents, a row a series.

    PYTHONPATH=. python bench/growth.py [--only GLOB,GLOB] [--sizes 1000,2000,4000] [--limit 60] [--profile]

Every series of `tests/growth_series.py` is judged with all rules at each size, in a process of its own that has everything imported. Seconds are of
the processor. The exponent is that of the last two sizes: 1 is linear, 2 is square. `--profile` prints the functions that took longest at the
largest size. The tests count work instead (`tests/run/test_growth.py`); this looks for what no count of calls sees, such as what happens in C.
"""

from __future__ import annotations

import argparse
import contextlib
import cProfile
import fnmatch
import gc
import io
import math
import os
import pstats
import resource
import signal
import sys
import tempfile
import time
from pathlib import Path

import readiness
from tests import growth_series as series
from tests.make import write_files

MEMORY = 6 << 30


def judged(root: Path, render: bool) -> object:
    """The report on a tree, with every rule."""
    return readiness.check([root], select=["ALL"], base=root, config=False, render=render)


def warmed() -> None:
    """Import and compile what every check needs."""
    for name in ("compose_services", "nginx_locations", "k8s_ingress_services", "docker_stages", "ci_steps", "gitlab_jobs", "k8s_overlays"):
        with tempfile.TemporaryDirectory() as made:
            write_files(Path(made), series.ALL[name](3))
            judged(Path(made), True)


def seconds(name: str, size: int, options: argparse.Namespace, *, profile: bool) -> tuple[float, float]:
    """(seconds of the processor, MiB) for one series of one size; infinite where it takes longer than the limit, or dies."""
    reader, writer = os.pipe()
    with tempfile.TemporaryDirectory() as made:
        root = Path(made)
        write_files(root, series.ALL[name](size))
        child = os.fork()
        if child == 0:
            code = 1
            try:
                signal.alarm(options.limit * 2)
                resource.setrlimit(resource.RLIMIT_CPU, (options.limit, options.limit + 5))
                resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
                code = _measured(root, writer, options, profile=profile)
            finally:
                sys.stdout.flush()
                os._exit(code)
        os.close(writer)
        with os.fdopen(reader) as told:
            text = told.read()
        os.waitpid(child, 0)
    took, _, memory = text.partition(" ")
    return (float(took), float(memory)) if text else (math.inf, math.inf)


def _measured(root: Path, writer: int, options: argparse.Namespace, *, profile: bool) -> int:
    profiler = cProfile.Profile() if profile else None
    gc.disable()  # as the command does
    began = time.process_time()
    if profiler:
        signal.signal(signal.SIGXCPU, signal.default_int_handler)
        profiler.enable()
    with contextlib.suppress(KeyboardInterrupt):
        judged(root, options.render)
    took = time.process_time() - began
    if profiler:
        profiler.disable()
        shown = io.StringIO()
        pstats.Stats(profiler, stream=shown).sort_stats(options.sort).print_stats(18)
        print("\n".join(line for line in shown.getvalue().splitlines() if line.strip()))
    os.write(writer, f"{took} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}".encode())
    return 0


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="*")
    parser.add_argument("--sizes", default="1000,2000,4000")
    parser.add_argument("--limit", type=int, default=60)
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--render", action="store_true")
    parser.add_argument("--sort", default="tottime")
    options = parser.parse_args()
    sizes = [int(one) for one in options.sizes.split(",")]
    warmed()
    print(f"{'series':36}" + "".join(f"{size:>10}" for size in sizes) + "  exponent     MiB", flush=True)
    for name in series.ALL:
        if any(fnmatch.fnmatch(name, one) for one in options.only.split(",")):
            costs = [seconds(name, size, options, profile=options.profile and size == sizes[-1]) for size in sizes]
            took = [one for one, _ in costs]
            grown = math.log(took[-1] / took[-2], sizes[-1] / sizes[-2]) if len(took) > 1 and math.isfinite(took[-1]) and took[-2] > 0 else math.inf
            print(f"{name:36}" + "".join(f"{one:10.2f}" for one in took) + f"{grown:10.2f}{costs[-1][1]:8.0f}", flush=True)


if __name__ == "__main__":
    main()
