"""Real histories replayed: how much of what `readiness diff` calls new between two revisions stood before, line for line.

    python bench/histories.py REPOSITORY [--revisions 20] [--step 5] [--suspects 40]

REPOSITORY is a clone, bare or not. Of its main line those commits are taken that change files for deployments, one in `--step`, the last ones. Each
revision is judged once and held against the one before. A finding that is called new although its line stands in the earlier text of its file is a
suspect: it may be wrongly new, or another line made it (a Service that is gone, a key that went missing). So is one beside which another of its rule
and of its file or thing is fixed: the two may be one. Suspects are printed to be read.
"""

from __future__ import annotations

import argparse
import io
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from readiness import api
from readiness.triage.known import KnownFinding
from readiness.triage.line_alignment import align_lines
from readiness.verdict import difference

PATTERNS = ("*.yaml", "*.yml", "*.conf", "*Dockerfile*", "*.env", "*.tpl")
MAX_FILE_BYTES = 1 << 20


def revisions(repository: Path, count: int, step: int) -> list[str]:
    """The last commits of the main line that change what is judged, one in `step`, oldest first."""
    words = ["rev-list", "--first-parent", f"--max-count={count * step}", "HEAD", "--", *PATTERNS]
    commits = git(repository, *words).decode().split()
    return commits[::step][:count][::-1]


def git(repository: Path, *words: str) -> bytes:
    """What git prints."""
    return subprocess.run(["git", "-C", str(repository), *words], check=True, capture_output=True).stdout


def judged_revision(repository: Path, commit: str) -> difference.ComparedReport:
    """The report on the tree of a commit."""
    with tempfile.TemporaryDirectory() as temporary_folder:
        tree = Path(temporary_folder, "tree")
        tree.mkdir()
        with tarfile.open(fileobj=io.BytesIO(git(repository, "archive", "--format=tar", commit))) as archive:
            members = [one for one in archive if one.isfile() and one.size <= MAX_FILE_BYTES]
            archive.extractall(tree, members, filter="data")
        (tree / ".git").mkdir()
        return difference.compared_report(api.check([tree], base=tree), commit[:12])


def suspects(told: difference.Difference) -> Iterator[tuple[str, KnownFinding]]:
    """The new findings whose lines stood before, and those beside which one of the same rule and file or thing is fixed; with the word for why."""
    fixed = {(one.rule, word) for one in told.fixed for word in (one.path, f"{one.resource} {one.container}")}
    for finding in told.new:
        earlier_text = told.before.state.text_by_path.get(finding.path)
        if earlier_text is not None and finding.line in align_lines(earlier_text, told.after.state.text_by_path[finding.path]).kept:
            yield "line", finding
        elif (finding.rule, finding.path) in fixed:
            yield "file", finding
        elif (finding.rule, f"{finding.resource} {finding.container}") in fixed:
            yield "thing", finding


def main() -> None:
    """Replay a history and print the sums."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("repository", type=Path)
    parser.add_argument("--revisions", type=int, default=20)
    parser.add_argument("--step", type=int, default=5)
    parser.add_argument("--suspects", type=int, default=40)
    options = parser.parse_args()
    open_count = new_count = moved_count = suspect_count = 0
    before = None
    for commit in revisions(options.repository, options.revisions, options.step):
        after = judged_revision(options.repository, commit)
        if before is not None:
            told = difference.compare_reports(before, after)
            open_count += len(after.state.findings)
            new_count += len(told.new)
            moved_count += len(told.moved)
            for word, one in suspects(told):
                suspect_count += 1
                if suspect_count <= options.suspects:
                    print(f"{word} {before.name}..{after.name} {one.path}:{one.line}: {one.rule} {one.message}")
        before = after
    print(f"{open_count} findings, {new_count} new, {moved_count} moved, {suspect_count} suspects", file=sys.stderr)


if __name__ == "__main__":
    main()
