"""The words of GitLab CI: a pipeline's file and its jobs, with what they take from templates and defaults."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Any

from readiness.kinds.pipeline.model import PipelineFile, PipelineJob, environment_name
from readiness.kinds.variables import HasVariables, VariableSetting, scalar_text_or_unknown_mark
from readiness.model import Source, Span
from readiness.model.records import dataclass
from readiness.syntax.holes import has_variable_sign
from readiness.syntax.text import LocatedText
from readiness.syntax.yaml import Map, Seq

# https://docs.gitlab.com/ci/yaml/
NON_JOB_TOP_LEVEL_KEYS = frozenset(
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
        cached_merged_files: tuple[GitlabFile, ...] = self.cached_results.get("whole", (self,))
        return cached_merged_files

    def set_merged_files(self, merged_files: tuple[GitlabFile, ...], *, is_open: bool) -> None:
        """Say what the file is merged with; `is_open`: and that some of it is not here."""
        self.cached_results["whole"], self.cached_results["open"] = merged_files, is_open
        self.cached_results.pop("all_jobs", None)
        self.cached_results.pop("files_by_key", None)

    def value_and_file(self, key: str) -> tuple[Any, GitlabFile] | None:
        """What a key of the merged configuration has, and the file that gives it."""
        merged_file = next(iter(self._merged_files_by_key.get(key, ())), None)
        return None if merged_file is None else (merged_file.node.get(key), merged_file)

    @property
    def _merged_files_by_key(self) -> dict[str, list[GitlabFile]]:
        """The files of the merged configuration that have a key at their top, by that key; put together once for all of them."""
        root_file = self.merged_files[0]
        if "files_by_key" not in root_file.cached_results:
            files_by_key: dict[str, list[GitlabFile]] = {}
            for merged_file in self.merged_files:
                for key in merged_file.node:
                    files_by_key.setdefault(key, []).append(merged_file)
            root_file.cached_results["files_by_key"] = files_by_key
        cached_files_by_key: dict[str, list[GitlabFile]] = root_file.cached_results["files_by_key"]
        return cached_files_by_key

    def merged_files_with_key(self, key: str) -> list[GitlabFile]:
        """The files of the merged configuration that have a key at their top, those whose keys count first in front."""
        return self._merged_files_by_key.get(key, [])

    @property
    def stages(self) -> list[str]:
        """The stages in order, those before and after all others too."""
        stages_value = (self.value_and_file("stages") or (None,))[0]
        if not isinstance(stages_value, Seq):
            return _DEFAULT_STAGES
        return [".pre", *(stage for stage in stages_value if isinstance(stage, str)), ".post"]

    @property
    def includes(self) -> bool:
        """Whether jobs may come from files that are not here."""
        return bool(self.cached_results.get("open", "include" in self.node))

    @property
    def all_jobs(self) -> dict[str, Job]:
        """The jobs of the merged configuration, by name."""
        root_file = self.merged_files[0]
        if "all_jobs" not in root_file.cached_results:
            job_by_name: dict[str, Job] = {}
            for merged_file in self.merged_files:
                for job in merged_file.jobs:
                    job_by_name.setdefault(job.name, job)
            root_file.cached_results["all_jobs"] = job_by_name
        cached_job_by_name: dict[str, Job] = root_file.cached_results["all_jobs"]
        return cached_job_by_name

    @property
    def jobs(self) -> tuple[Job, ...]:
        """The jobs that run: no templates, no keywords."""
        if "jobs" not in self.cached_results:
            self.cached_results["jobs"] = tuple(
                Job(self.source, node, name, self)
                for name, node in self.node.items()
                if isinstance(node, Map) and name not in NON_JOB_TOP_LEVEL_KEYS and not name.startswith(".") and _has_job_keys(node)
            )
        cached_jobs: tuple[Job, ...] = self.cached_results["jobs"]
        return cached_jobs


def _has_job_keys(node: Map) -> bool:
    return any(key in node for key in ("script", "run", "trigger", "extends", "stage"))


def _variable_settings_of_node(node: Map, source: Source, *, is_certain: bool = True) -> Iterator[VariableSetting]:
    """What stands under `variables_node` of a mapping, each `NAME: value` or `NAME: {value: ..., description: ...}`."""
    variables_node = node.mapping_at_path("variables")
    for variable_name, variable_entry in variables_node.items():
        raw_value, entry_value_span = variable_entry, variables_node.at(variable_name)
        if isinstance(variable_entry, Map):
            raw_value, entry_value_span = variable_entry.get("value"), variable_entry.at("value")
        is_unknown = not is_certain or (isinstance(raw_value, str) and has_variable_sign(raw_value))
        yield VariableSetting(
            variable_name,
            raw_value,
            scalar_text_or_unknown_mark(raw_value, holds_unknown_value=is_unknown),
            entry_value_span,
            variables_node.key_span(variable_name),
            source,
        )


def _variable_settings_of_rules(rules_value: Any, source: Source) -> Iterator[VariableSetting]:
    """What rules set where they fit."""
    for rule_node in rules_value if isinstance(rules_value, Seq) else ():
        if isinstance(rule_node, Map):
            yield from _variable_settings_of_node(rule_node, source, is_certain=False)


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
        for definition_node, defining_file in self._definitions():
            if key in definition_node:
                return definition_node, defining_file.source
        for defining_file in self.file.merged_files_with_key("default"):
            default_mapping = defining_file.node.get("default")
            if isinstance(default_mapping, Map) and key in default_mapping:
                return default_mapping, defining_file.source
        top_level_value_and_file = self.file.value_and_file(key)
        if top_level_value_and_file and key in ("image", "before_script", "after_script", "services", "cache"):
            return top_level_value_and_file[1].node, top_level_value_and_file[1].source
        return self.node, self.source

    def _definitions(self) -> Iterator[tuple[Map, GitlabFile]]:
        """The mappings that make the job, those whose keys count first in front: its own, then those that it extends."""
        pending_definitions = [
            (definition_file.node[self.name], definition_file)
            for definition_file in reversed(self.file.merged_files_with_key(self.name))
            if isinstance(definition_file.node.get(self.name), Map)
        ]
        seen_node_ids: set[int] = set()
        while pending_definitions and len(seen_node_ids) < 50:
            definition_node, definition_file = pending_definitions.pop()
            if id(definition_node) in seen_node_ids:
                continue
            seen_node_ids.add(id(definition_node))
            yield definition_node, definition_file
            extends_value = definition_node.get("extends")
            template_names = [extends_value] if isinstance(extends_value, str) else list(extends_value) if isinstance(extends_value, Seq) else []
            templates_with_files = [self.file.value_and_file(name) for name in template_names if isinstance(name, str)]
            pending_definitions += [base for base in templates_with_files if base is not None and isinstance(base[0], Map)]

    @property
    def variable_settings(self) -> Iterator[VariableSetting]:
        """The variables of its scripts: the pipeline's that it inherits, its templates', its own, then what `rules` may set.

        What a rule sets holds only where the rule fits: nobody can tell from the file whether it does.
        """
        inherit_settings = self.inherited_value("inherit")
        inherited_variables = inherit_settings.get("variables", True) if isinstance(inherit_settings, Map) else True
        for defining_file in reversed(self.file.merged_files_with_key("variables")):
            for pipeline_setting in _variable_settings_of_node(defining_file.node, defining_file.source):
                if inherited_variables is True or (isinstance(inherited_variables, Seq) and pipeline_setting.name in inherited_variables):
                    yield pipeline_setting
        workflow_and_file = self.file.value_and_file("workflow")
        if workflow_and_file is not None and isinstance(workflow_and_file[0], Map) and inherited_variables is True:
            yield from _variable_settings_of_rules(workflow_and_file[0].get("rules"), workflow_and_file[1].source)
        for definition_node, defining_file in reversed(list(self._definitions())):
            yield from _variable_settings_of_node(definition_node, defining_file.source)
        mapping_with_rules, rules_source = self.mapping_and_source_with_key("rules")
        yield from _variable_settings_of_rules(mapping_with_rules.get("rules"), rules_source)

    @property
    def stage(self) -> str:
        """The stage that it runs in."""
        stage_value = self.inherited_value("stage")
        return stage_value if isinstance(stage_value, str) else "test"

    @property
    def needs(self) -> tuple[str, ...] | None:
        """The jobs that it names as needed; None where the order of stages decides."""
        needs_value = self.inherited_value("needs")
        if not isinstance(needs_value, Seq):
            return None
        job_names = [item.get("job") if isinstance(item, Map) else item for item in needs_value]
        return tuple(name for name in job_names if isinstance(name, str))

    @property
    def environment(self) -> str | None:
        """The name of the environment it deploys to; None where it names none."""
        return environment_name(self.inherited_value("environment"))

    @property
    def manual(self) -> bool:
        """Whether somebody must start it."""
        if self.inherited_value("when") == "manual":
            return True
        rules_value = self.inherited_value("rules")
        return isinstance(rules_value, Seq) and any(isinstance(r, Map) and r.get("when") == "manual" for r in rules_value)

    @property
    def script_texts(self) -> Iterator[LocatedText]:
        """The texts of before_script, script and after_script, in the order in which they run."""
        for script_key in ("before_script", "script", "after_script"):
            yield from self.script_lines(script_key)

    def _script_line(self, line_text: str, span: Span, source: Source) -> LocatedText:
        """A line of a script; of one that another file has, the place is where this job takes it from."""
        if source is self.source:
            return LocatedText(line_text, span, source)
        return TextFromOtherFile(line_text, self.node.at("extends") if "extends" in self.node else self.id_span, self.source)

    def script_lines(self, script_key: str) -> Iterator[LocatedText]:
        """The lines of one of its scripts, its own or inherited, lists in lists opened."""
        mapping_with_script, script_source = self.mapping_and_source_with_key(script_key)
        script_value = mapping_with_script.get(script_key)
        if isinstance(script_value, str):
            yield self._script_line(script_value, mapping_with_script.at(script_key), script_source)
        pending_list_entries = (
            [(script_value, entry_index) for entry_index in range(len(script_value))][::-1] if isinstance(script_value, Seq) else []
        )
        visited_entry_count = 0
        while pending_list_entries and visited_entry_count < 2_000:
            visited_entry_count += 1
            script_list, entry_index = pending_list_entries.pop()
            script_entry = script_list[entry_index]
            if isinstance(script_entry, str):
                yield self._script_line(script_entry, script_list.at(entry_index), script_source)
            elif isinstance(script_entry, Seq) and visited_entry_count < 200:
                pending_list_entries += [(script_entry, inner) for inner in range(len(script_entry))][::-1]
