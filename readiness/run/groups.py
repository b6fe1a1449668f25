"""Which groups of rules a run needs."""

from __future__ import annotations

from readiness import kinds
from readiness.loading.assembly import Assembly
from readiness.ruleset import rules
from readiness.verdict.score import KIND_RENDERED_FROM


def rule_groups(assembly: Assembly) -> list[str]:
    """The groups of rules that can have something to say of what was found.

    Those of files that were not read are asked too, and have no answer: that is what coverage counts.
    """
    groups = {
        kinds.rule_group(kind)
        for project in assembly.projects
        for kind in project.by_kind
        if not project.idle and (project.judged is False or project.judged_documents(kind))
    }
    groups |= {kinds.rule_group(KIND_RENDERED_FROM.get(row.kind, row.kind)) for row in assembly.file_statuses if row.kind}
    return [one for one in rules.RULE_GROUPS if one in groups or one in {"core", "project"}]
