"""The services of a report: their parts, and the findings of each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from readiness.model import Finding
from readiness.model.service import Service
from readiness.redaction import Redactor
from readiness.verdict.service_scores import ReportScore, service_score_as_json


def findings_by_service(findings: Iterable[Finding]) -> dict[str, list[Finding]]:
    """The findings of each service by its name; what is nobody's under the empty one."""
    findings_by_name: dict[str, list[Finding]] = {}
    for finding in findings:
        findings_by_name.setdefault(finding.service_name, []).append(finding)
    return findings_by_name


def services_as_json(
    services: Sequence[Service], open_findings: Iterable[Finding], report_score: ReportScore, redactor: Redactor
) -> list[dict[str, Any]]:
    """The services as the JSON report has them."""
    findings_by_name = findings_by_service(open_findings)
    return [
        {
            "name": redactor.mask_text(service.name),
            **service_score_as_json(report_score, service.name),
            "findings": len(findings_by_name.get(service.name, ())),
            "parts": [
                {
                    "unit": redactor.mask_text(part.unit_path),
                    "kind": part.kind,
                    "path": part.path,
                    "resource": redactor.mask_text(part.resource),
                    "reason": redactor.mask_text(part.reason),
                }
                for part in service.parts
            ],
        }
        for service in services
    ]
