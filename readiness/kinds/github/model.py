"""The words of GitHub Actions: workflows and `action.yml`, their jobs and steps, and the texts that the runner expands."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import Any

from readiness.kinds.github.runners import default_shell_of_job, runner_labels_with_spans
from readiness.kinds.github.texts import (
    has_always_false_condition,
    is_text_with_expression,
    located_text_at,
    located_texts_with_key_paths,
)
from readiness.kinds.github.uses import UsesReference, parse_uses
from readiness.kinds.pipeline.model import PipelineFile, PipelineJob, environment_name
from readiness.kinds.variables import HasVariables, VariableSetting, scalar_text_or_unknown_mark
from readiness.model import Source, Span
from readiness.model.records import dataclass
from readiness.syntax.holes import has_github_expression
from readiness.syntax.text import LocatedText
from readiness.syntax.yaml import Map, Seq

_MAX_STEPS_PER_JOB = 2_000


@dataclass(frozen=True, slots=True, eq=False)
class Workflow(PipelineFile):
    """A file of .github/workflows, as a subject of rules."""

    @property
    def resource(self) -> str:
        """`workflow/` and the file's name, which is what GitHub knows it by."""
        return f"workflow/{posixpath.basename(self.source.path)}"

    @property
    def name(self) -> str:
        """What it calls itself, else its file's name."""
        name_value = self.node.get("name")
        return name_value if isinstance(name_value, str) and name_value else posixpath.basename(self.source.path)

    @property
    def triggers(self) -> dict[str, Any]:
        """The events that start it, in order, each with its settings."""
        on_value = self.node.get("on", self.node.get("true"))
        if isinstance(on_value, str):
            return {on_value: None}
        if isinstance(on_value, Seq):
            return {item: None for item in on_value if isinstance(item, str)}
        return dict(on_value) if isinstance(on_value, Map) else {}

    def trigger_settings(self, event_name: str) -> Map:
        """What `on` says of an event; an empty mapping where it says nothing."""
        event_settings = self.triggers.get(event_name)
        return event_settings if isinstance(event_settings, Map) else Map(self.node.at())

    def trigger_span(self, event_name: str) -> Span:
        """Where `on_value` names an event; the value of `on_value` where that is a single event in a string."""
        on_key = "on" if "on" in self.node else "true"
        on_value = self.node.get(on_key)
        if isinstance(on_value, Map):
            return on_value.key_span(event_name)
        if isinstance(on_value, Seq):
            return next((on_value.at(i) for i, item in enumerate(on_value) if item == event_name), self.node.key_span(on_key))
        return self.node.at(on_key)

    @property
    def jobs(self) -> tuple[Job, ...]:
        """Its jobs, in order."""
        if "jobs" not in self.cached_results:
            jobs_node = self.node.get("jobs")
            name_body_pairs = list(jobs_node.items()) if isinstance(jobs_node, Map) else []
            self.cached_results["jobs"] = tuple(Job(self.source, body, name, self) for name, body in name_body_pairs if isinstance(body, Map))
        cached_jobs: tuple[Job, ...] = self.cached_results["jobs"]
        return cached_jobs

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps of all its jobs."""
        return tuple(step for job in self.jobs for step in job.steps)

    @property
    def callable_only(self) -> bool:
        """Whether other workflows call it and nothing else starts it."""
        return set(self.triggers) == {"workflow_call"}


@dataclass(frozen=True, slots=True, eq=False)
class Job(PipelineJob):
    """A job of a workflow; its name is its id."""

    workflow: Workflow

    @property
    def id_span(self) -> Span:
        """The place of the job's id."""
        jobs_node = self.workflow.node.get("jobs")
        return jobs_node.key_span(self.name) if isinstance(jobs_node, Map) else self.node.at()

    @property
    def needs(self) -> tuple[str, ...]:
        """The ids under `needs_value`, as written."""
        needs_value = self.node.get("needs")
        if isinstance(needs_value, str):
            return (needs_value,)
        return tuple(n for n in needs_value if isinstance(n, str)) if isinstance(needs_value, Seq) else ()

    @property
    def calls(self) -> bool:
        """Whether it calls a reusable workflow instead of running steps."""
        return isinstance(self.node.get("uses"), str)

    @property
    def dead(self) -> bool:
        """Whether its condition is always false."""
        return has_always_false_condition(self.node)

    @property
    def environment(self) -> str | None:
        """The environment's name; None without one, and an expression stays as written."""
        return environment_name(self.node.get("environment"))

    @property
    def runs_on(self) -> tuple[str, ...]:
        """The runner's labels as written, those of a matrix put in."""
        return tuple(label for label, _ in runner_labels_with_spans(self.node))

    @property
    def steps(self) -> tuple[Step, ...]:
        """Its steps, in order; those of a `parallel` group stand in its place."""
        steps_by_job_name = self.workflow.cached_results.setdefault("steps", {})
        if self.name not in steps_by_job_name:
            steps_by_job_name[self.name] = tuple(_steps_below_node(self.source, self.node.get("steps"), self.resource, self))
        cached_steps: tuple[Step, ...] = steps_by_job_name[self.name]
        return cached_steps


@dataclass(frozen=True, slots=True, eq=False)
class Action(PipelineFile):
    """The metadata file of an action, `action.yml`."""

    @property
    def resource(self) -> str:
        """`action/NAME`, by the folder that the file stands in."""
        action_folder_name = posixpath.basename(posixpath.dirname(self.source.path))
        return f"action/{action_folder_name or self.name}"

    @property
    def name(self) -> str:
        """The `name_value` that the metadata gives."""
        name_value = self.node.get("name")
        return name_value if isinstance(name_value, str) and name_value else "action"

    @property
    def using(self) -> str:
        """How it runs: composite, docker, node20."""
        using_value = self.node.mapping_at_path("runs").get("using")
        return using_value if isinstance(using_value, str) else ""

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps of a composite action."""
        if "steps" not in self.cached_results:
            steps_node = self.node.mapping_at_path("runs").get("steps")
            self.cached_results["steps"] = tuple(_steps_below_node(self.source, steps_node, self.resource, self))
        found: tuple[Step, ...] = self.cached_results["steps"]
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Step(HasVariables):
    """A step of a job or of a composite action."""

    source: Source
    node: Map
    owner: Job | Action
    number: int
    resource: str
    container = ""

    @property
    def name(self) -> str:
        """What it is called: its name, its id, what it uses, else its number."""
        for name_key in ("name", "id", "uses"):
            name_value = self.node.get(name_key)
            if isinstance(name_value, str) and name_value:
                return name_value
        return str(self.number)

    @property
    def job(self) -> Job | None:
        """Its job; None in a composite action."""
        return self.owner if isinstance(self.owner, Job) else None

    @property
    def workflow(self) -> Workflow | None:
        """Its workflow; None in a composite action."""
        return self.owner.workflow if isinstance(self.owner, Job) else None

    @property
    def composite(self) -> bool:
        """Whether it stands in a composite action."""
        return isinstance(self.owner, Action)

    @property
    def dead(self) -> bool:
        """Whether its condition, or its job's, is always false."""
        return has_always_false_condition(self.node) or (isinstance(self.owner, Job) and self.owner.dead)

    @property
    def parsed_uses(self) -> UsesReference | None:
        """The parsed `uses`; None where the step runs a script."""
        uses_value = self.node.get("uses")
        return parse_uses(uses_value) if isinstance(uses_value, str) else None

    @property
    def run_script(self) -> LocatedText | None:
        """The script under `run`; None where the step uses an action."""
        return located_text_at(self.node, "run", self.source)

    @property
    def with_inputs(self) -> Map:
        """What stands under `with`; an empty mapping without."""
        with_value = self.node.get("with")
        return with_value if isinstance(with_value, Map) else Map(self.node.at("uses"))

    @property
    def variables(self) -> Mapping[str, VariableSetting]:
        """The variables of its script by their names, the nearest of each: its own, the job's, the workflow's."""
        nodes_outermost_first = [self.node]
        if isinstance(self.owner, Job):
            nodes_outermost_first = [self.owner.workflow.node, self.owner.node, self.node]
        setting_by_name: dict[str, VariableSetting] = {}
        for env_node in (node.mapping_at_path("env") for node in nodes_outermost_first):
            for variable_name, variable_value in env_node.items():
                known_value_text = scalar_text_or_unknown_mark(variable_value, holds_unknown_value=is_text_with_expression(variable_value))
                setting_by_name.pop(variable_name, None)  # so that the nearest comes last
                setting_by_name[variable_name] = VariableSetting(
                    variable_name,
                    variable_value,
                    known_value_text,
                    env_node.at(variable_name),
                    env_node.key_span(variable_name),
                    self.source,
                )
        return setting_by_name

    def expression_variable(self, variable_name: str) -> VariableSetting | None:
        """What expressions read as `env.name`, in whatever case: the nearest of such a name; None where none is set."""
        settings_of_that_name = [one for key, one in self.variables.items() if key.lower() == variable_name.lower()]
        return settings_of_that_name[-1] if settings_of_that_name else None

    @property
    def shell(self) -> str:
        """The shell of its script: its own, the job's, the workflow's, the runner's; empty where nobody can tell."""
        return _effective_shell_of_step(self)


def _steps_below_node(source: Source, steps_node: Any, parent_resource: str, job_or_action: Job | Action) -> Iterator[Step]:
    step_number = 0
    pending_step_nodes = list(reversed(steps_node)) if isinstance(steps_node, Seq) else []
    while pending_step_nodes and step_number < _MAX_STEPS_PER_JOB:
        step_node = pending_step_nodes.pop()
        if not isinstance(step_node, Map):
            step_number += 1
            continue
        parallel_group = step_node.get("parallel")
        if isinstance(parallel_group, Seq) and "run" not in step_node and "uses" not in step_node:
            pending_step_nodes.extend(item for item in reversed(parallel_group) if isinstance(item, Map) and "parallel" not in item)
            continue
        step_number += 1
        step_id = step_node.get("id")
        step_label = step_id if isinstance(step_id, str) and step_id else step_number
        yield Step(source, step_node, job_or_action, step_number, f"{parent_resource}/step/{step_label}")
    if pending_step_nodes:
        source.root.unread_part = f"a job of it has more than {_MAX_STEPS_PER_JOB:,} steps, and those after them were not gone through"


def _effective_shell_of_step(step: Step) -> str:
    shell_value = step.node.get("shell")
    if shell_value is None and isinstance(step.owner, Job):
        for job_or_workflow_node in (step.owner.node, step.owner.workflow.node):
            shell_value = job_or_workflow_node.mapping_at_path("defaults", "run").get("shell")
            if shell_value is not None:
                break
        else:
            return _default_shell_of_runners(step.owner)
    if not isinstance(shell_value, str):
        return ""
    return shell_value.split()[0].rpartition("/")[2].lower() if shell_value.split() else ""


def _default_shell_of_runners(job: Job) -> str:
    """The shell that a job's runners take where none is named, worked out once for all of its steps."""
    shell_by_job_name: dict[str, str] = job.workflow.cached_results.setdefault("default shells", {})
    if job.name not in shell_by_job_name:
        shell_by_job_name[job.name] = default_shell_of_job(job.node)
    return shell_by_job_name[job.name]


def texts_with_key_paths(document: PipelineFile) -> list[tuple[tuple[Any, ...], LocatedText]]:
    """Every text of a file with the keys that lead to it; found once."""
    if "texts" not in document.cached_results:
        document.cached_results["texts"] = list(located_texts_with_key_paths(document.node, document.source))
    key_path_text_pairs: list[tuple[tuple[Any, ...], LocatedText]] = document.cached_results["texts"]
    return key_path_text_pairs


def expression_texts_with_key_paths(document: Workflow | Action) -> list[tuple[tuple[Any, ...], LocatedText]]:
    """The texts of a file that hold expressions or are one, with the keys that lead to them; found once."""
    if "expanded" not in document.cached_results:
        document.cached_results["expanded"] = [
            (way, text) for way, text in texts_with_key_paths(document) if has_github_expression(text.value) or way[-1] == "if"
        ]
    key_path_text_pairs: list[tuple[tuple[Any, ...], LocatedText]] = document.cached_results["expanded"]
    return key_path_text_pairs
