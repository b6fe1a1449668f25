"""The words of GitLab CI: a pipeline's file and its jobs, with what they take from templates and defaults."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from readiness.kinds.pipeline.model import PipelineFile, PipelineJob, environment_name
from readiness.kinds.variables import HasVariables, VariableSetting, known_text
from readiness.model import Source, Span
from readiness.syntax.holes import has_variable
from readiness.syntax.text import LocatedText
from readiness.syntax.yaml import Map, Seq

# https://docs.gitlab.com/ci/yaml/
NON_JOB_KEYS = frozenset(
    "default include stages variables workflow image services cache before_script after_script spec pages:deploy".split()
)
_DEFAULT_STAGES = [".pre", "build", "test", "deploy", ".post"]


@dataclass(frozen=True)
class TextFromOtherFile(LocatedText):
    """A string that another file has, told in this one at a single place."""

    def span_of_part(self, start: int, end: int) -> Span:
        """That place, whatever part of the value is meant."""
        del start, end
        return self.span

    def span_of_line(self, offset: int) -> Span:
        """That place, whatever line of the value is meant."""
        del offset
        return self.span


@dataclass(frozen=True, slots=True, eq=False)
class GitlabFile(PipelineFile):
    """A `.gitlab-ci.yml`, as a subject of rules."""

    @property
    def resource(self) -> str:
        """`pipeline/` and the file's name."""
        return f"pipeline/{posixpath.basename(self.source.path)}"

    @property
    def name(self) -> str:
        """The file's name."""
        return posixpath.basename(self.source.path)

    @property
    def merged_files(self) -> tuple[GitlabFile, ...]:
        """The files that GitLab merges with this one, itself among them, those whose keys count first in front."""
        files: tuple[GitlabFile, ...] = self.cached_results.get("whole", (self,))
        return files

    def set_merged_files(self, merged_files: tuple[GitlabFile, ...], *, is_open: bool) -> None:
        """Say what the file is merged with; `is_open`: and that some of it is not here."""
        self.cached_results["whole"], self.cached_results["open"] = merged_files, is_open
        self.cached_results.pop("all_jobs", None)

    def value_and_file(self, key: str) -> tuple[Any, GitlabFile] | None:
        """What a key of the merged configuration has, and the file that gives it."""
        for file in self.merged_files:
            if key in file.node:
                return file.node.get(key), file
        return None

    @property
    def stages(self) -> list[str]:
        """The stages in order, those before and after all others too."""
        found = (self.value_and_file("stages") or (None,))[0]
        if not isinstance(found, Seq):
            return _DEFAULT_STAGES
        return [".pre", *(stage for stage in found if isinstance(stage, str)), ".post"]

    @property
    def includes(self) -> bool:
        """Whether jobs may come from files that are not here."""
        return bool(self.cached_results.get("open", "include" in self.node))

    @property
    def all_jobs(self) -> dict[str, Job]:
        """The jobs of the merged configuration, by name."""
        first = self.merged_files[0]
        if "all_jobs" not in first.cached_results:
            found: dict[str, Job] = {}
            for file in self.merged_files:
                for job in file.jobs:
                    found.setdefault(job.name, job)
            first.cached_results["all_jobs"] = found
        jobs: dict[str, Job] = first.cached_results["all_jobs"]
        return jobs

    @property
    def jobs(self) -> tuple[Job, ...]:
        """The jobs that run: no templates, no keywords."""
        if "jobs" not in self.cached_results:
            self.cached_results["jobs"] = tuple(
                Job(self.source, node, name, self)
                for name, node in self.node.items()
                if isinstance(node, Map) and name not in NON_JOB_KEYS and not name.startswith(".") and _is_job(node)
            )
        jobs: tuple[Job, ...] = self.cached_results["jobs"]
        return jobs


def _is_job(node: Map) -> bool:
    return any(key in node for key in ("script", "run", "trigger", "extends", "stage"))


def _settings_under(node: Map, source: Source, *, is_certain: bool = True) -> Iterator[VariableSetting]:
    """What stands under `variables` of a mapping, each `NAME: value` or `NAME: {value: ..., description: ...}`."""
    variables = node.mapping_at_path("variables")
    for name, written in variables.items():
        value, span = written, variables.at(name)
        if isinstance(written, Map):
            value, span = written.get("value"), written.at("value")
        unknown = not is_certain or (isinstance(value, str) and has_variable(value))
        yield VariableSetting(name, value, known_text(value, is_unknown=unknown), span, variables.key_span(name), source)


def _settings_of_rules(rules: Any, source: Source) -> Iterator[VariableSetting]:
    """What rules set where they fit."""
    for rule in rules if isinstance(rules, Seq) else ():
        if isinstance(rule, Map):
            yield from _settings_under(rule, source, is_certain=False)


@dataclass(frozen=True, slots=True, eq=False)
class Job(PipelineJob, HasVariables):
    """One job of a GitLab pipeline."""

    file: GitlabFile

    @property
    def id_span(self) -> Span:
        """The place of the job's name."""
        return self.file.node.key_span(self.name)

    @property
    def dead(self) -> bool:
        """Whether the job itself says `when: never`."""
        return bool(self.inherited_value("when") == "never")

    def inherited_value(self, key: str) -> Any:
        """What a key has in the job, in the templates that it extends, or in the defaults."""
        return self.mapping_with_key(key).get(key)

    def mapping_with_key(self, key: str) -> Map:
        """The mapping in which a key stands for this job; the job itself where it stands nowhere."""
        return self.mapping_and_source_with_key(key)[0]

    def mapping_and_source_with_key(self, key: str) -> tuple[Map, Source]:
        """The mapping in which a key stands for this job, and the source that it stands in."""
        for node, file in self._definitions():
            if key in node:
                return node, file.source
        for file in self.file.merged_files:
            defaults = file.node.get("default")
            if isinstance(defaults, Map) and key in defaults:
                return defaults, file.source
        given = self.file.value_and_file(key)
        if given and key in ("image", "before_script", "after_script", "services", "cache"):
            return given[1].node, given[1].source
        return self.node, self.source

    def _definitions(self) -> Iterator[tuple[Map, GitlabFile]]:
        """The mappings that make the job, those whose keys count first in front: its own, then those that it extends."""
        stack = [
            (file.node[self.name], file)
            for file in reversed(self.file.merged_files)
            if isinstance(file.node.get(self.name), Map)
        ]
        seen: set[int] = set()
        while stack and len(seen) < 50:
            node, file = stack.pop()
            if id(node) in seen:
                continue
            seen.add(id(node))
            yield node, file
            bases = node.get("extends")
            names = [bases] if isinstance(bases, str) else list(bases) if isinstance(bases, Seq) else []
            templates = [self.file.value_and_file(name) for name in names if isinstance(name, str)]
            stack += [base for base in templates if base is not None and isinstance(base[0], Map)]

    @property
    def variable_settings(self) -> Iterator[VariableSetting]:
        """The variables of its scripts: the pipeline's that it inherits, its templates', its own, then what `rules` may set.

        What a rule sets holds only where the rule fits: nobody can tell from the file whether it does.
        """
        inherited = self.inherited_value("inherit")
        kept = inherited.get("variables", True) if isinstance(inherited, Map) else True
        for file in reversed(self.file.merged_files):
            for one in _settings_under(file.node, file.source):
                if kept is True or (isinstance(kept, Seq) and one.name in kept):
                    yield one
        workflow = self.file.value_and_file("workflow")
        if workflow is not None and isinstance(workflow[0], Map) and kept is True:
            yield from _settings_of_rules(workflow[0].get("rules"), workflow[1].source)
        for node, file in reversed(list(self._definitions())):
            yield from _settings_under(node, file.source)
        holder, source = self.mapping_and_source_with_key("rules")
        yield from _settings_of_rules(holder.get("rules"), source)

    @property
    def stage(self) -> str:
        """The stage that it runs in."""
        stage = self.inherited_value("stage")
        return stage if isinstance(stage, str) else "test"

    @property
    def needs(self) -> tuple[str, ...] | None:
        """The jobs that it names as needed; None where the order of stages decides."""
        found = self.inherited_value("needs")
        if not isinstance(found, Seq):
            return None
        names = [item.get("job") if isinstance(item, Map) else item for item in found]
        return tuple(name for name in names if isinstance(name, str))

    @property
    def environment(self) -> str | None:
        """The name of the environment it deploys to; None where it names none."""
        return environment_name(self.inherited_value("environment"))

    @property
    def manual(self) -> bool:
        """Whether somebody must start it."""
        if self.inherited_value("when") == "manual":
            return True
        rules = self.inherited_value("rules")
        return isinstance(rules, Seq) and any(isinstance(r, Map) and r.get("when") == "manual" for r in rules)

    @property
    def script_texts(self) -> Iterator[LocatedText]:
        """The texts of before_script, script and after_script, in the order in which they run."""
        for key in ("before_script", "script", "after_script"):
            yield from self.script_lines(key)

    def _script_line(self, value: str, span: Span, source: Source) -> LocatedText:
        """A line of a script; of one that another file has, the place is where this job takes it from."""
        if source is self.source:
            return LocatedText(value, span, source)
        return TextFromOtherFile(value, self.node.at("extends") if "extends" in self.node else self.id_span, self.source)

    def script_lines(self, key: str) -> Iterator[LocatedText]:
        """The lines of one of its scripts, its own or inherited, lists in lists opened."""
        holder, source = self.mapping_and_source_with_key(key)
        script = holder.get(key)
        if isinstance(script, str):
            yield self._script_line(script, holder.at(key), source)
        stack = [(script, index) for index in range(len(script))][::-1] if isinstance(script, Seq) else []
        count = 0
        while stack and count < 2_000:
            count += 1
            lines, index = stack.pop()
            line = lines[index]
            if isinstance(line, str):
                yield self._script_line(line, lines.at(index), source)
            elif isinstance(line, Seq) and count < 200:
                stack += [(line, inner) for inner in range(len(line))][::-1]
