"""What is asked otherwise of trials: of study material, of tests and examples that are broken on purpose, and of an archive."""

from __future__ import annotations

import posixpath

from readiness.model import Finding, Purpose, Rule
from readiness.model.lazy_regex import lazy_regex

_BROKEN_FILE_NAME = lazy_regex(r"(?:\A|[-_.])(?:broken|invalid|faulty)(?:[-_.]|\Z)")
_REJECTED_FILE_NAME = lazy_regex(r"(?:\A|[-_.])(?:bad|rejected|denied|disallowed|not[-_]allowed|should[-_](?:deny|fail|reject))(?:[-_.]|\Z)")


def finding_unless_excused_by_trial(finding: Finding, purpose: Purpose | None) -> Finding | None:
    """A finding as it is told of what was taken for something else than production; None where nothing is asked.

    A test or an example that is called broken is to fail, and so is a test that is called rejected: what is wrong in it is not told.
    In study material what will not start fails before the eyes of who studies, and often on purpose: it is told only where it is wrong
    anywhere. Of an archive secrets are told: they may still let in; nobody starts, reaches or mends what lies there.
    """
    rule_definition = finding.rule_definition
    if purpose is not None and purpose.word == "archive":
        is_about_tool = finding.rule.startswith("core/") and finding.rule != "core/syntax"
        return finding if is_about_tool or rule_definition.category == "secrets" else None
    if purpose is None or not purpose.is_trial:
        return finding
    if not _asks_about_mistakes_anywhere(rule_definition):
        return finding
    file_name = posixpath.basename(finding.path).lower()
    if _BROKEN_FILE_NAME.search(file_name) or (purpose.word == "test" and _REJECTED_FILE_NAME.search(file_name)):
        return None
    if purpose.word == "study" and rule_definition.category != "correctness":
        return None
    return finding


def _asks_about_mistakes_anywhere(rule: Rule) -> bool:
    """Whether a rule asks what is wrong wherever it stands: what no tool accepts, or what will not start."""
    return rule.category == "correctness" or (rule.proof is not None and rule.proof.fails_anywhere)
