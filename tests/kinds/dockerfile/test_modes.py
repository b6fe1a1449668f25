"""What a mode for everybody weighs: nothing where the same RUN takes it back, little where the only other user owns the files."""

from __future__ import annotations

from pathlib import Path

import pytest

import readiness

OPEN, OWNED = "medium", "low"
RUNS = {
    "chmod 777 /data": OPEN,
    "chmod 777 /data && chmod 750 /data": "",
    "chmod -R 777 /data/a && chmod -R go-w /data": OPEN,
    "chmod -R 777 /data/a && chmod -R 755 /data": "",
    "chmod 777 /data/a && chmod 755 /data": OPEN,
    "chmod 750 /data && chmod 777 /data": OPEN,
    "chmod 777 a && cd /b && chmod 755 a": OPEN,
    "chmod 666 app/sites/db.php && chown -R apache app/": OWNED,
    "chown -R app:app /go && chmod -R 777 /go": OWNED,
    "chmod 777 /data /other && chown -R app /data": OPEN,
    "chmod 777 /data/a && chown app /data": OPEN,
    "chmod 777 /data && chown root:root /data": OPEN,
    "chmod 777 /data && chown $OWNER /data": OPEN,
    "chmod 777 /database && chown -R app /data": OPEN,
    "mkdir -m 777 /data && chown app /data": OPEN,
}


def severities(tmp_path: Path, script: str, after: str = "") -> str:
    (tmp_path / "Dockerfile").write_text(f"FROM debian:13.1\nRUN {script}\n{after}", encoding="utf-8")
    report = readiness.check([tmp_path], select=["dockerfile/permissions-world-writable"])
    assert not report.crashed
    return " ".join(finding.severity.name.lower() for finding in report.findings)


@pytest.mark.parametrize(("script", "severity"), RUNS.items(), ids=RUNS)
def test_weight_of_a_mode(tmp_path: Path, script: str, severity: str) -> None:
    assert severities(tmp_path, script) == severity


@pytest.mark.parametrize(("user", "severity"), [("app", OWNED), ("root", OWNED), ("app:app", OWNED), ("web", OPEN), ("$WHO", OPEN)])
def test_another_user_of_the_image_may_write(tmp_path: Path, user: str, severity: str) -> None:
    assert severities(tmp_path, "chmod 777 /data && chown app /data", f"ARG WHO\nUSER {user}\n") == severity
