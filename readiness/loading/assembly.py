"""What a run judges: projects, a row for every file, and what is wrong with files that cannot be judged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import field
from typing import TYPE_CHECKING, Any

from readiness import kinds
from readiness.loading import reading
from readiness.loading.parsed import ParsedTexts
from readiness.loading.render.made import RenderInput
from readiness.model import Finding, OverLimitError, ParseError, Rule, Source
from readiness.model.crash import EMBEDDED, PARSING, REASON_CRASHED, CrashAsFinding, CrashedError, Part, crash_finding
from readiness.model.project import Project
from readiness.model.records import dataclass
from readiness.programs.budget import RunBudget, budget_of_run
from readiness.syntax import template

if TYPE_CHECKING:
    from readiness.loading.render.overlay.placed import PlacedSource
    from readiness.loading.variants import Production

REASON_NAMED_INVALID = "its name says that it is invalid, among tests or samples, and it does not parse"
REASON_TEMPLATE = "a template: render it first, then check what comes out"
_TITLE_BY_KIND = {"dockerfile": "Dockerfile", "compose": "compose", "k8s": "Kubernetes", "nginx": "nginx",
          "github": "GitHub workflow", "gitlab": "GitLab CI", "dependabot": "Dependabot", "dotenv": "environment file"}  # fmt: skip


# Why a file that is ours was not judged, or not all of it: what the verdict and the gate make of that differs.
CAUSE_BROKEN = "broken"  # its own tool cannot read it as it stands: fails the gate as a syntax error does
CAUSE_OVER_LIMIT = "limit"  # this tool goes no further: fails the gate as well, and is no mistake of the file's
CAUSE_NOT_HERE = "absent"  # a program or a dependency is not here; the reason names what helps: never ready
CAUSE_NOT_IN_TREE = "outside"  # it stands elsewhere by design (a remote chart, a remote include): listed


@dataclass(slots=True)
class FileStatus:
    """One file of the report: its kind and whether it was judged, else why not.

    `cause` sorts the reason: one of the CAUSE_ constants, or empty for what was judged whole or left out on purpose. A file
    that was judged may have one too, where something that it names was not.

    `purpose` says what the file was taken for and why, where production's questions were not asked of it; `aside` says that of
    things in a file that was not, by their resources.
    """

    path: str
    kind: str
    status: str
    reason: str = ""
    cause: str = ""
    purpose: str = ""
    aside: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class Assembly:
    """Projects to judge, a row for each file that was opened, findings about those that do not parse, all sources.

    `ignored_file_count` counts the files that were passed over by their names alone. `render_inputs` are what rendering read.
    `overlays_without_removals` are overlays whose patches take something away, with what would be there without that. `context`
    are the paths that lie around what is judged; `whole` says whether all that the settings speak of is judged, `is_gone` whether a path that
    would be is not there, `is_there` whether any is, `is_told` of which paths alone anything is told where not of all, `notices` what
    to tell of them, `production` which variants were taken for production. `parsed` are the documents of files of Kubernetes
    and of kustomize. `budget` is what the programs of the run may use together.
    """

    projects: list[Project] = field(default_factory=list)
    file_statuses: list[FileStatus] = field(default_factory=list)
    parse_findings: list[Finding] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)
    ignored_file_count: int = 0
    environment_count_by_path: dict[str, int] = field(default_factory=dict)
    render_inputs: list[RenderInput] = field(default_factory=list)
    overlays_without_removals: list[tuple[PlacedSource, Project]] = field(default_factory=list)
    context: frozenset[str] = frozenset()
    whole: bool = True
    is_gone: Callable[[str], bool] = bool
    is_there: Callable[[str], bool] = bool
    is_told: Callable[[str], bool] | None = None
    notices: tuple[str, ...] = ()
    production: tuple[Production, ...] = ()
    parsed: ParsedTexts = field(default_factory=ParsedTexts)
    budget: RunBudget = field(default_factory=budget_of_run)

    @property
    def every_project(self) -> tuple[Project, ...]:
        """The projects, and those of overlays without what patches take away."""
        return (*self.projects, *(project for _, project in self.overlays_without_removals))

    def parse_and_record(
        self, sources: Iterable[Source], core_rules: dict[str, Rule], *, may_add_file_statuses: bool = True
    ) -> Iterator[tuple[str, Any]]:
        """(kind, document) of every source that parses; a finding for those that do not, and a row for each file.

        With `may_add_file_statuses` the sources are files that somebody wrote, and may be templates; else they are renderings.
        """
        for source, document, error in reading.parse_sources(sources):
            if isinstance(error, CrashedError):
                part = PARSING if document is None else EMBEDDED
                self.record_crashed_file(source, error, core_rules, part, may_add_row=may_add_file_statuses and part is PARSING)
                continue
            self.sources.append(source)
            if error is None:
                if source.kind == "k8s":
                    self.parsed.keep(source, document.roots)
                if may_add_file_statuses and source.parent is None:
                    self.file_statuses.append(FileStatus(source.path, source.kind, "checked"))
                    self._add_partly_judged_finding(source, document, core_rules)
                yield source.kind, document
                continue
            if isinstance(error, OverLimitError):
                if may_add_file_statuses:
                    reason = f"over a limit of readiness: {error.message}"
                    self.file_statuses.append(FileStatus(source.path, source.kind, "unreadable", reason, CAUSE_OVER_LIMIT))
                self.parse_findings.append(reading.syntax_finding(core_rules["core/over-limit"], source, error, _kind_title(source)))
                continue
            template_mark_offset = kinds.template_mark_offset_at_error(source, error) if may_add_file_statuses else None
            is_template_of_script = may_add_file_statuses and template.has_shell_mark_on_line(source.text, error.offset)
            if (template_mark_offset is not None or is_template_of_script) and _is_declared_template(source):
                self.file_statuses.append(FileStatus(source.path, source.kind, "skipped", REASON_TEMPLATE))
                continue
            if may_add_file_statuses and not _is_read_by_a_service(source) and _is_to_fail(source):
                self.file_statuses.append(FileStatus(source.path, source.kind, "skipped", REASON_NAMED_INVALID))
                continue
            if template_mark_offset is not None and not _is_read_by_a_service(source):
                rule = core_rules["core/template-unjudged"]
                error = ParseError("nothing in it was judged", template_mark_offset)  # noqa: PLW2901
            else:
                rule = core_rules["core/syntax"]
            if may_add_file_statuses:
                self.file_statuses.append(FileStatus(source.path, source.kind, "invalid", error.message, CAUSE_BROKEN))
            self.parse_findings.append(reading.syntax_finding(rule, source, error, _kind_title(source)))

    def record_crashed_file(
        self, source: Source, error: Exception, core_rules: dict[str, Rule], part: Part = PARSING, *, may_add_row: bool = True
    ) -> None:
        """Tell of a file whose reader raised what it does not document: `error`, or its cause."""
        if part is PARSING:
            self.sources.append(source)
        if may_add_row and source.parent is None:
            self.file_statuses.append(FileStatus(source.path, source.kind, "unreadable", REASON_CRASHED, CAUSE_OVER_LIMIT))
        self.parse_findings.append(crash_finding(core_rules["core/crash"], source, part, error.__cause__ or error))

    def crash_as_finding(self, part: Part, source: Source | None, core_rules: dict[str, Rule]) -> CrashAsFinding:
        """What keeps a crash in a part of the loading from ending the run: it is told at a source."""
        return CrashAsFinding(part, core_rules["core/crash"], source, self.parse_findings.append)

    def record_unread_parts(self) -> None:
        """Say in the rows of files what of them was not gone through, for a limit of ours: it lowers coverage."""
        reason_by_path = {source.path: source.unread_part for source in self.sources if source.unread_part and source.parent is None}
        for file_status in self.file_statuses:
            if file_status.status == "checked" and not file_status.cause and file_status.path in reason_by_path:
                file_status.reason = f"a limit of readiness: {reason_by_path[file_status.path]}"
                file_status.cause = CAUSE_OVER_LIMIT

    def _add_partly_judged_finding(self, source: Source, document: Any, core_rules: dict[str, Rule]) -> None:
        """A finding where a file was read but for a place that its own tool cannot read."""
        template_mark_offset = kinds.first_unfilled_placeholder_offset(source.kind, document)
        if template_mark_offset is None or _is_declared_template(source):
            return
        if _is_read_by_a_service(source):
            rule, reason = (
                core_rules["core/syntax"],
                "`{{` outside of quotes makes a mapping the key of a mapping",
            )
        else:
            rule, reason = core_rules["core/template-unjudged"], "what is put in here was not judged"
        self.parse_findings.append(reading.syntax_finding(rule, source, ParseError(reason, template_mark_offset), _kind_title(source)))


def _kind_title(source: Source) -> str:
    """What a kind is called in messages."""
    return _TITLE_BY_KIND.get(source.kind, source.kind)


def _is_declared_template(source: Source) -> bool:
    """Whether somebody says by a file's name or folder that it is a template, where that is for them to say."""
    if _is_read_by_a_service(source):
        return template.is_in_template_folder(source.path)
    return template.is_named_as_template(source.path)


def _is_to_fail(source: Source) -> bool:
    """Whether a file that does not parse is a trial whose name says so."""
    from readiness.kinds.places import is_named_invalid_among_trials  # which knows all kinds: for the few that do not parse

    return is_named_invalid_among_trials(source.path)


def _is_read_by_a_service(source: Source) -> bool:
    """Whether a service reads a file from the repository by itself: nothing is put in before, whatever its name says."""
    if source.kind == "github":
        return "/.github/" in f"/{source.path}" or source.path.endswith(("action.yml", "action.yaml"))
    return source.kind in {"gitlab", "dependabot"}
