"""What is told of an overlay that does not build, or only without a part of it."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from readiness.loading.assembly import CAUSE_BROKEN, CAUSE_NOT_HERE, CAUSE_NOT_IN_TREE, Assembly, FileStatus
from readiness.loading.environments import render_failure_finding
from readiness.loading.render.made import CrashedBuildError, LimitError, RenderError
from readiness.model import Finding, Rule, Severity
from readiness.model.crash import OVERLAY

if TYPE_CHECKING:
    from readiness.loading.built_overlays import BuiltOverlay
    from readiness.loading.render.kustomize import Kustomization

MAX_PARTS_TOLD = 3


class FailureContext(NamedTuple):
    """What a run tells of its overlays, with which rules, and whether a .gitignore keeps a path out of the tree."""

    assembly: Assembly
    core_rules: dict[str, Rule]
    may_be_ignored: Callable[[str], bool]


class _ToldFailure(NamedTuple):
    """Why something was not built: in words, as a sort, and as the finding that stands for it, where what stops it is written."""

    reason: str
    cause: str
    finding: Finding | None


def record_overlay_failure(
    kustomization: Kustomization, render_error: RenderError, failure_context: FailureContext, *, is_commented_out: bool
) -> None:
    """The row of an overlay that gave nothing, and the finding where what stops it is written, or that its building crashed.

    Low where it is switched off, a note where what is not there is kept out of the tree by a .gitignore: something makes it.
    """
    from readiness.loading.render.gather import OverlayRefusedError

    if isinstance(render_error, CrashedBuildError):
        failure_context.assembly.record_crashed_file(kustomization.source, render_error, failure_context.core_rules, OVERLAY)
        return
    hint = _build_command_hint(kustomization, [render_error]) if isinstance(render_error, OverlayRefusedError | LimitError) else ""
    told = _told_failure(kustomization, render_error, hint, failure_context, is_commented_out=is_commented_out)
    assembly = failure_context.assembly
    assembly.file_statuses.append(FileStatus(kustomization.source.path, "kustomize", "skipped", told.reason, told.cause))
    assembly.parse_findings += [told.finding] if told.finding else []


def record_left_out_parts(
    kustomization: Kustomization, built_overlay: BuiltOverlay, failure_context: FailureContext, *, is_commented_out: bool
) -> None:
    """Say in what was built of an overlay without what it was, for its row, and add the findings that stand for that."""
    if not built_overlay.errors:
        return
    told_failures = [_told_failure(kustomization, error, "", failure_context, is_commented_out=is_commented_out) for error in built_overlay.errors]
    causes = {one.cause for one in told_failures}
    built_overlay.cause = next(one for one in (CAUSE_BROKEN, CAUSE_NOT_HERE, CAUSE_NOT_IN_TREE) if one in causes)
    part_texts = [one.reason for one in told_failures[:MAX_PARTS_TOLD]]
    if len(told_failures) > MAX_PARTS_TOLD:
        part_texts.append(f"and {len(told_failures) - MAX_PARTS_TOLD} more")
    patch_count = built_overlay.patch_count_without_target
    if patch_count:
        patches_text = "1 patch is for an object that is" if patch_count == 1 else f"{patch_count} patches are for objects that are"
        part_texts.append(f"{patches_text} not here: only what is set there was judged")
    hint = _build_command_hint(kustomization, built_overlay.errors)
    built_overlay.reason = f"built without a part, which was not judged: {'; '.join(part_texts)}{hint}"
    first_finding_by_severity = {one.finding.severity: one.finding for one in reversed(told_failures) if one.finding}
    failure_context.assembly.parse_findings += first_finding_by_severity.values()  # as of an overlay that gives nothing, whose first error is told


def _build_command_hint(kustomization: Kustomization, render_errors: Sequence[RenderError]) -> str:
    """Which command has an overlay judged whole."""
    from readiness.loading.render.gather import RemoteChartError

    helm_flag = "--enable-helm " if any(isinstance(one, RemoteChartError) for one in render_errors) else ""
    return f"; `kustomize build {helm_flag}{shlex.quote(kustomization.folder or '.')} | readiness check -` judges what it gives"


def _told_failure(
    kustomization: Kustomization, render_error: RenderError, hint: str, failure_context: FailureContext, *, is_commented_out: bool
) -> _ToldFailure:
    """What is told of one error."""
    from readiness.loading.render.gather import OverlayRefusedError
    from readiness.loading.render.overlay.placed import InvalidKustomizationError, NeedsOtherBuilderError, UnsupportedFeatureError

    kustomization_source = kustomization.source
    failure_reason = f"{render_error}{hint}"
    if isinstance(render_error, OverlayRefusedError):
        return _ToldFailure(failure_reason, CAUSE_NOT_IN_TREE, None)
    finding = render_failure_finding(failure_context.core_rules["core/not-rendered"], kustomization_source, "overlay", "", failure_reason)
    if is_commented_out and not isinstance(render_error, LimitError):
        finding = finding._replace(lowered_severity=Severity.LOW)
    if isinstance(render_error, InvalidKustomizationError):
        source, span = render_error.place
        finding = finding._replace(source=source, span=source.one_line(span))
        if source is not kustomization_source:
            failure_reason = f"{source.path}:{source.position_of(span.start).line}: {failure_reason}"
    is_not_here = isinstance(render_error, NeedsOtherBuilderError | UnsupportedFeatureError | LimitError)
    if isinstance(render_error, InvalidKustomizationError) and render_error.absent_path and failure_context.may_be_ignored(render_error.absent_path):
        is_not_here, gitignore_hint = True, "; a .gitignore names it, so make it first"
        failure_reason += gitignore_hint
        finding = finding._replace(lowered_severity=Severity.INFO, message=finding.message + gitignore_hint)
    failure_cause = CAUSE_NOT_HERE if is_not_here else CAUSE_BROKEN
    return _ToldFailure(failure_reason, failure_cause, None if isinstance(render_error, UnsupportedFeatureError) else finding)
