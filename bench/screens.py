"""What it takes to write a report: a made-up one of many findings, in colours and plain, by the processor's time.

    python bench/screens.py [--findings 15000] [--runs 3] [--before CHECKOUT]

The findings are of 30 rules in files of 100 places, a third of them low; all are made before the clock starts. Of each form the median counts.
With a checkout of another revision both write the same reports in turn (A B A B ...), each in a process of its own, and the ratio is printed:
below 1, this checkout is the cheaper one. A busy machine changes the times, and both sides of a ratio alike.
"""

from __future__ import annotations

import argparse
import gc
import io
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from readiness import reports
from readiness.model import Confidence, Finding, Rule, Severity, Source, Span
from readiness.verdict.report import FileRow, Report, build_report

HERE = Path(__file__).resolve().parents[1]
RULES = 30
PLACES = 100
SEVERITIES = (Severity.HIGH, Severity.MEDIUM, Severity.LOW)
WHY = "The kubelet restarts a process that ends. One that hangs stays in the service and answers nothing, until somebody sees it."
FORMS = {"in colours, 120 columns": ("always", 120), "in colours, 80 columns": ("always", 80), "plain": ("never", 120)}


class Tally:
    """How much a rule looked at."""

    subjects, unknown = 100, 0


def made_rule(number: int) -> Rule:
    """One of the rules, as a rule file gives it."""
    return Rule(
        id=f"k8s/rule-{number}", title=f"Title {number}", severity=SEVERITIES[number % 3], confidence=Confidence.HIGH, category="reliability",
        kind="k8s", targets=("k8s.container",), message="m", why=WHY, fix="Add a probe. Make it cheap, and point it at the process alone.",
    )  # fmt: skip


def made_report(count: int) -> Report:
    """A report of so many findings."""
    rules = [made_rule(number) for number in range(RULES)]
    sources = [
        Source(f"deploy/service-{number}/web.yaml", "".join(f"    - name: container-{place:03}\n" for place in range(PLACES)), kind="k8s")
        for number in range(-(-count // PLACES))
    ]
    findings = []
    for index in range(count):
        source, place = sources[index // PLACES], index % PLACES
        start = place * len("    - name: container-000\n") + 6
        span = source.one_line(Span(start, start + 19))
        message = f"container 'container-{place:03}' has no liveness probe, so a process that hangs is never restarted"
        findings.append(Finding(rules[index % RULES], source, span, message, fingerprint=str(index), service_name=f"s{index % 40}"))
    return build_report(
        tool_version="0",
        rules=rules,
        findings=findings,
        scored_rows=[FileRow(one.path, "k8s", "checked") for one in sources],
        tally_by_rule={one.id: Tally() for one in rules},
        subject_count_by_path={one.path: PLACES for one in sources},
    )


def seconds_by_form(count: int) -> dict[str, float]:
    """The processor's time that each form takes once."""
    gc.disable()  # as the command does
    whole = made_report(count)
    seconds = {}
    for name, (color, width) in FORMS.items():
        for verbose in (False, True):
            start = time.process_time()
            reports.write_report("terminal", whole, io.StringIO(), reports.ReportOptions(color=color, width=width, verbose=verbose))
            seconds[f"{name}{', -v' if verbose else ''}"] = time.process_time() - start
    return seconds


def measured(checkout: Path, count: int) -> dict[str, float]:
    """The same in a process of its own, by the code of a checkout."""
    command = [sys.executable, __file__, "--once", "--findings", str(count)]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(checkout)}, stdout=subprocess.PIPE, check=True)
    seconds: dict[str, float] = json.loads(done.stdout)
    return seconds


def main() -> None:
    """Print the seconds of each form, and their ratio to those of another checkout."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--findings", type=int, default=15_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--before", type=Path, help="a checkout of the revision to compare with")
    parser.add_argument("--once", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.once:
        print(json.dumps(seconds_by_form(asked.findings)))
        return
    checkouts = [HERE, *([asked.before.resolve()] if asked.before else [])]
    runs = [[measured(checkout, asked.findings) for checkout in checkouts] for _ in range(asked.runs)]
    print(f"{asked.findings} findings")
    for name in runs[0][0]:
        now, *then = (statistics.median(run[side][name] for run in runs) for side in range(len(checkouts)))
        print(f"{name:28} {now:6.2f} s" + "".join(f" {before:6.2f} s before   {now / before:.3f}" for before in then))


if __name__ == "__main__":
    main()
