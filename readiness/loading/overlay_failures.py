"""What is told of an overlay that does not build."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import TYPE_CHECKING

from readiness.loading.assembly import CAUSE_BROKEN, CAUSE_NOT_HERE, CAUSE_NOT_IN_TREE, Assembly, FileStatus
from readiness.loading.environments import render_failure_finding
from readiness.loading.render.made import LimitError, RenderError
from readiness.model import Rule, Severity

if TYPE_CHECKING:
    from readiness.loading.render.kustomize import Kustomization


def record_overlay_failure(
    kustomization: Kustomization,
    render_error: RenderError,
    assembly: Assembly,
    core_rules: dict[str, Rule],
    *,
    is_commented_out: bool,
    may_be_ignored: Callable[[str], bool],
) -> None:
    """The row of an overlay that gave nothing, and the finding where what stops it is written.

    Low where it is switched off, a note where what is not there is kept out of the tree by a .gitignore: something makes it.
    """
    from readiness.loading.render.gather import OverlayRefusedError, RemoteChartError
    from readiness.loading.render.overlay.placed import InvalidKustomizationError, NeedsOtherBuilderError, UnsupportedFeatureError

    kustomization_source = kustomization.source
    failure_reason = str(render_error)
    if isinstance(render_error, OverlayRefusedError | LimitError):
        helm_flag = "--enable-helm " if isinstance(render_error, RemoteChartError) else ""
        build_command_hint = f"`kustomize build {helm_flag}{shlex.quote(kustomization.folder or '.')} | readiness check -`"
        failure_reason = f"{render_error}; {build_command_hint} judges what it gives"
    if isinstance(render_error, OverlayRefusedError):
        assembly.file_statuses.append(FileStatus(kustomization_source.path, "kustomize", "skipped", failure_reason, CAUSE_NOT_IN_TREE))
        return
    rule = core_rules["core/not-rendered"]
    finding = render_failure_finding(rule, kustomization_source, "overlay", "", failure_reason)
    if is_commented_out and not isinstance(render_error, LimitError):
        finding = finding._replace(lowered_severity=Severity.LOW)
    if isinstance(render_error, InvalidKustomizationError):
        source, span = render_error.place
        finding = finding._replace(source=source, span=source.one_line(span))
        if source is not kustomization_source:
            failure_reason = f"{source.path}:{source.position_of(span.start).line}: {failure_reason}"
    is_not_here = isinstance(render_error, NeedsOtherBuilderError | UnsupportedFeatureError | LimitError)
    if isinstance(render_error, InvalidKustomizationError) and render_error.absent_path and may_be_ignored(render_error.absent_path):
        is_not_here, gitignore_hint = True, "; a .gitignore names it, so make it first"
        failure_reason += gitignore_hint
        finding = finding._replace(lowered_severity=Severity.INFO, message=finding.message + gitignore_hint)
    failure_cause = CAUSE_NOT_HERE if is_not_here else CAUSE_BROKEN
    assembly.file_statuses.append(FileStatus(kustomization_source.path, "kustomize", "skipped", failure_reason, failure_cause))
    if not isinstance(render_error, UnsupportedFeatureError):
        assembly.parse_findings.append(finding)
