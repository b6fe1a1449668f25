"""The services of a run, and what is told where looking for them fails: the report goes on without any."""

from __future__ import annotations

from readiness.loading.assembly import Assembly
from readiness.model import Finding, Rule, Source, Span, messages
from readiness.model.service import Service
from readiness.run import engine
from readiness.triage.services.found import find_services_of_findings


def services_of_run(assembly: Assembly, engine_result: engine.EngineResult, crash_rule: Rule) -> tuple[Service, ...]:
    """The services that the files show, each finding told its own; none where that raises, which is a finding of core/crash."""
    try:
        return find_services_of_findings(assembly, engine_result).services
    except Exception as error:  # as of a check: a fault in one part must cost that part, not the run
        source = _first_judged_source(assembly)
        if source is None:
            raise
        facts_by_name = {"error": type(error).__name__, "where": engine.raising_file_and_line(error)}
        message = messages.fill_message(crash_rule.sentences_at("")["services"], facts_by_name.get)
        engine_result.findings.append(Finding(crash_rule, source, Span(0, 0), message))
        return ()


def _first_judged_source(assembly: Assembly) -> Source | None:
    """The file that stands for all that are judged."""
    sources = [document.source.root for project in assembly.projects for documents in project.by_kind.values() for document in documents]
    judged_sources = [one for one in sources if one.path not in assembly.context]
    return min(judged_sources or sources, key=lambda one: one.path, default=None)
