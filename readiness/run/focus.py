"""What a run says something of: the files that were given, and of what lies around them only what is told in these."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from readiness.loading.assembly import Assembly
from readiness.loading.render.made import GeneratedSource, written_source_and_span
from readiness.model import Finding
from readiness.model.project import Project
from readiness.run.run_settings import OptionError

if TYPE_CHECKING:
    from readiness.loading.tracked import TrackedFiles


def is_told_around(finding: Finding, project: Project) -> bool:
    """Whether a finding is told in a file that lies around the judged ones; a secret of a chart is told where its value is set."""
    if not project.is_around(written_source_and_span(finding.source, finding.span)[0]):
        return False
    if not isinstance(finding.source.root, GeneratedSource) or not finding.rule_definition.marks_secrets:
        return True
    from readiness.loading.render.relocate import relocate_findings

    return all(project.is_around(one.source) for one in relocate_findings([finding], {}))


def findings_to_tell(findings: Sequence[Finding], assembly: Assembly) -> list[Finding]:
    """The findings of files that were given, where nothing is to be told of others: a kustomization that is given builds files that are not.

    A part of the run that crashed is told wherever it did, since its consequence may be in any file.
    """
    is_told = assembly.is_told
    return [one for one in findings if is_told is None or is_told(one.path) or one.rule == "core/crash"]


def tracked_files_of_run(base: Path | None) -> TrackedFiles:
    """The files that git tracks or that are staged. Raises OptionError where no repository is here to ask."""
    if base is not None and base.resolve() != Path.cwd():
        raise OptionError("for_commit asks the repository of the working directory, and base is another; leave one of them out")
    from readiness.loading.tracked import tracked_files
    from readiness.programs import git

    try:
        return tracked_files()
    except git.GitError as error:
        raise OptionError(f"for_commit: {error}; run it in a work tree of git") from None


class JudgedTree(NamedTuple):
    """The paths that are judged, and what they are relative to: the working directory where nothing is named."""

    paths: Sequence[str | os.PathLike[str]]
    base: Path | None


@contextmanager
def tree_of_run(paths: Sequence[str | os.PathLike[str]], at: tuple[str, str] | None, base: Path | None) -> Iterator[JudgedTree]:
    """The paths in the work tree, or what of them a revision has."""
    if at is None:
        yield JudgedTree(paths, base)
        return
    from readiness.triage.revision import checkout_revision

    with checkout_revision(*at) as tree_folder:
        working_directory = Path.cwd()
        paths_there = [tree_folder / os.path.relpath(path, working_directory) for path in paths]
        resolved_tree_folder = tree_folder.resolve()
        kept_paths = [one for one in paths_there if os.path.lexists(one) and one.resolve().is_relative_to(resolved_tree_folder)]
        yield JudgedTree(kept_paths, tree_folder)
