"""What a run says something of: the files that were given, and of what lies around them only what is told in these."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from readiness.loading.assembly import Assembly
from readiness.loading.render.made import GeneratedSource, written_source_and_span
from readiness.loading.tracked import TrackedFiles, tracked_files
from readiness.model import Finding
from readiness.model.project import Project
from readiness.programs import git
from readiness.run.run_settings import OptionError


def is_told_around(finding: Finding, project: Project) -> bool:
    """Whether a finding is told in a file that lies around the judged ones; a secret of a chart is told where its value is set."""
    if not project.is_around(written_source_and_span(finding.source, finding.span)[0]):
        return False
    if not isinstance(finding.source.root, GeneratedSource) or not finding.rule_definition.marks_secrets:
        return True
    from readiness.loading.render.relocate import relocate_findings

    return all(project.is_around(one.source) for one in relocate_findings([finding], {}))


def findings_to_tell(findings: Sequence[Finding], assembly: Assembly) -> list[Finding]:
    """The findings of files that were given, where nothing is to be told of others: a kustomization that is given builds files that are not."""
    is_told = assembly.is_told
    return [one for one in findings if is_told is None or is_told(one.path)]


def tracked_files_of_run(base: Path | None) -> TrackedFiles:
    """The files that git tracks or that are staged. Raises OptionError where no repository is here to ask."""
    if base is not None and base.resolve() != Path.cwd():
        raise OptionError("for_commit asks the repository of the working directory, and base is another; leave one of them out")
    try:
        return tracked_files()
    except git.GitError as error:
        raise OptionError(f"for_commit: {error}; run it in a work tree of git") from None
