"""Which groups of rules a run needs."""

from __future__ import annotations

from readiness import kinds
from readiness.loading.assembly import Assembly
from readiness.ruleset import rules
from readiness.verdict.score import RENDERED_KIND_BY_SOURCE_KIND


def needed_rule_groups(assembly: Assembly) -> list[str]:
    """The groups of rules that can have something to say of what was found.

    Those of files that were not read are asked too, and have no answer: that is what coverage counts.
    """
    candidate_groups = {
        kinds.rule_folder_of_kind(kind)
        for project in assembly.projects
        for kind in project.by_kind
        if not project.idle and (project.judged is False or project.judged_documents(kind))
    }
    candidate_groups |= {
        kinds.rule_folder_of_kind(RENDERED_KIND_BY_SOURCE_KIND.get(row.kind, row.kind)) for row in assembly.file_statuses if row.kind
    }
    return [one for one in rules.RULE_GROUPS if one in candidate_groups or one in {"core", "project"}]
