"""Reports made by hand: what a format shows does not depend on any rule."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from readiness import reports
from readiness.model import Confidence, Finding, Rule, Severity, Source, Span, Suppression
from readiness.verdict.report import FileRow, Report, build_report


def rule(
    name: str = "k8s/probe-missing",
    severity: str = "high",
    category: str = "reliability",
    **more: Any,
) -> Rule:
    return Rule(
        id=name,
        title=more.pop("title", "Container without a probe"),
        severity=Severity[severity.upper()],
        confidence=Confidence.HIGH,
        category=category,
        kind=name.partition("/")[0],
        targets=("k8s.container",),
        message="m",
        why=more.pop("why", "The kubelet restarts a process that ends, e.g. a crash. Not one that hangs."),
        fix=more.pop("fix", "Add a probe. Make it cheap."),
        **more,
    )


def find(source: Source, text: str, of: Rule | None = None, nth: int = 0, **more: Any) -> Finding:
    """A finding of a rule on the nth place of a text in a source, all of one service."""
    at = -1
    for _ in range(nth + 1):
        at = source.text.index(text, at + 1)
    made = of or rule()
    return Finding(
        made,
        source,
        source.one_line(Span(at, at + len(text))),
        more.pop("message", "container 'web' has no probe"),
        fingerprint=f"{made.id}-{at}",
        service_name=more.pop("service_name", "web"),
        **more,
    )


@dataclass
class Look:
    subjects: int = 5
    unknown: int = 0


def report(findings: Sequence[Finding], **more: Any) -> Report:
    """A report on findings; the files are those that they stand in."""
    rules = list({one.rule: one.rule_definition for one in findings}.values()) or [rule()]
    paths = sorted({one.path for one in findings}) or ["clean.yaml"]
    rows = more.pop("rows", [FileRow(path, "k8s", "checked") for path in paths])
    return build_report(
        tool_version="0.0",
        rules=rules,
        findings=sorted(findings, key=lambda one: (*one.fix_place, one.rule)),
        scored_rows=rows,
        tally_by_rule={one.id: Look() for one in rules},
        subject_count_by_path=dict.fromkeys(paths, 5),
        **more,
    )


def show(name: str, made: Report, **options: Any) -> str:
    """What a format writes; `terminal` in colours where `color` is always, else plain."""
    out = io.StringIO()
    reports.write_report(name, made, out, reports.ReportOptions(**options))
    return out.getvalue()


Show = Callable[..., str]
WEB = Source(
    "deploy/web.yaml",
    "kind: Deployment\nspec:\n  containers:\n    - name: web\n      image: nginx:latest\n    - name: worker\n      image: worker:latest\n",
)


@pytest.fixture
def sample() -> Report:
    """Two rules, two files, one finding suppressed."""
    tag = rule("k8s/image-tag-floating", "medium", "delivery", title="Image tagged latest")
    other = Source("api/Dockerfile", "FROM debian:latest\n")
    shell = rule("dockerfile/user-root", "critical", "isolation", title="Image that runs as root")
    return report(
        [
            find(WEB, "- name: web"),
            find(WEB, "- name: worker", message="container 'worker' has no probe"),
            find(WEB, "nginx:latest", tag, message="image 'nginx:latest' has a movable tag"),
            find(WEB, "worker:latest", tag, message="image 'worker:latest' has a movable tag")._replace(
                suppression=Suppression("comment", "pinned by the registry", "2030-01-01"),
            ),
            find(other, "FROM debian:latest", shell, message="no USER in the final stage"),
        ]
    )
