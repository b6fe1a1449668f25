"""The words of GitHub Actions: workflows and `action.yml`, their jobs and steps, and the texts that the runner expands."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from readiness.kinds.github.runners import default_shell, runner_labels
from readiness.kinds.github.texts import (
    contains_expression,
    is_always_skipped,
    text_at,
    texts_below,
)
from readiness.kinds.github.uses import UsesReference, parse_uses
from readiness.kinds.pipeline.model import PipelineFile, PipelineJob, environment_name
from readiness.kinds.variables import HasVariables, VariableSetting, known_text
from readiness.model import Source, Span
from readiness.syntax.holes import has_expression
from readiness.syntax.text import LocatedText
from readiness.syntax.yaml import Map, Seq

_MAX_STEPS = 2_000


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
        name = self.node.get("name")
        return name if isinstance(name, str) and name else posixpath.basename(self.source.path)

    @property
    def triggers(self) -> dict[str, Any]:
        """The events that start it, in order, each with its settings."""
        on = self.node.get("on", self.node.get("true"))
        if isinstance(on, str):
            return {on: None}
        if isinstance(on, Seq):
            return {item: None for item in on if isinstance(item, str)}
        return dict(on) if isinstance(on, Map) else {}

    def trigger_settings(self, event: str) -> Map:
        """What `on` says of an event; an empty mapping where it says nothing."""
        found = self.triggers.get(event)
        return found if isinstance(found, Map) else Map(self.node.at())

    def trigger_span(self, event: str) -> Span:
        """Where `on` names an event; the value of `on` where that is a single event in a string."""
        key = "on" if "on" in self.node else "true"
        on = self.node.get(key)
        if isinstance(on, Map):
            return on.key_span(event)
        if isinstance(on, Seq):
            return next((on.at(i) for i, item in enumerate(on) if item == event), self.node.key_span(key))
        return self.node.at(key)

    @property
    def jobs(self) -> tuple[Job, ...]:
        """Its jobs, in order."""
        if "jobs" not in self.cached_results:
            section = self.node.get("jobs")
            pairs = list(section.items()) if isinstance(section, Map) else []
            self.cached_results["jobs"] = tuple(
                Job(self.source, body, name, self) for name, body in pairs if isinstance(body, Map)
            )
        jobs: tuple[Job, ...] = self.cached_results["jobs"]
        return jobs

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
        jobs = self.workflow.node.get("jobs")
        return jobs.key_span(self.name) if isinstance(jobs, Map) else self.node.at()

    @property
    def needs(self) -> tuple[str, ...]:
        """The ids under `needs`, as written."""
        needs = self.node.get("needs")
        if isinstance(needs, str):
            return (needs,)
        return tuple(n for n in needs if isinstance(n, str)) if isinstance(needs, Seq) else ()

    @property
    def calls(self) -> bool:
        """Whether it calls a reusable workflow instead of running steps."""
        return isinstance(self.node.get("uses"), str)

    @property
    def dead(self) -> bool:
        """Whether its condition is always false."""
        return is_always_skipped(self.node)

    @property
    def environment(self) -> str | None:
        """The environment's name; None without one, and an expression stays as written."""
        return environment_name(self.node.get("environment"))

    @property
    def runs_on(self) -> tuple[str, ...]:
        """The runner's labels as written, those of a matrix put in."""
        return tuple(label for label, _ in runner_labels(self.node))

    @property
    def steps(self) -> tuple[Step, ...]:
        """Its steps, in order; those of a `parallel` group stand in its place."""
        memo = self.workflow.cached_results.setdefault("steps", {})
        if self.name not in memo:
            memo[self.name] = tuple(_make_steps(self.source, self.node.get("steps"), self.resource, self))
        steps: tuple[Step, ...] = memo[self.name]
        return steps


@dataclass(frozen=True, slots=True, eq=False)
class Action(PipelineFile):
    """The metadata file of an action, `action.yml`."""

    @property
    def resource(self) -> str:
        """`action/NAME`, by the folder that the file stands in."""
        folder = posixpath.basename(posixpath.dirname(self.source.path))
        return f"action/{folder or self.name}"

    @property
    def name(self) -> str:
        """The `name` that the metadata gives."""
        name = self.node.get("name")
        return name if isinstance(name, str) and name else "action"

    @property
    def using(self) -> str:
        """How it runs: composite, docker, node20."""
        using = self.node.mapping_at_path("runs").get("using")
        return using if isinstance(using, str) else ""

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps of a composite action."""
        if "steps" not in self.cached_results:
            steps = self.node.mapping_at_path("runs").get("steps")
            self.cached_results["steps"] = tuple(_make_steps(self.source, steps, self.resource, self))
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
        for key in ("name", "id", "uses"):
            value = self.node.get(key)
            if isinstance(value, str) and value:
                return value
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
        return is_always_skipped(self.node) or (isinstance(self.owner, Job) and self.owner.dead)

    @property
    def parsed_uses(self) -> UsesReference | None:
        """The parsed `uses`; None where the step runs a script."""
        value = self.node.get("uses")
        return parse_uses(value) if isinstance(value, str) else None

    @property
    def run_script(self) -> LocatedText | None:
        """The script under `run`; None where the step uses an action."""
        return text_at(self.node, "run", self.source)

    @property
    def with_inputs(self) -> Map:
        """What stands under `with`; an empty mapping without."""
        found = self.node.get("with")
        return found if isinstance(found, Map) else Map(self.node.at("uses"))

    @property
    def variables(self) -> Mapping[str, VariableSetting]:
        """The variables of its script by their names, the nearest of each: its own, the job's, the workflow's."""
        nodes = [self.node]
        if isinstance(self.owner, Job):
            nodes = [self.owner.workflow.node, self.owner.node, self.node]
        found: dict[str, VariableSetting] = {}
        for env in (node.mapping_at_path("env") for node in nodes):
            for name, value in env.items():
                text = known_text(value, is_unknown=contains_expression(value))
                found.pop(name, None)  # so that the nearest comes last
                found[name] = VariableSetting(name, value, text, env.at(name), env.key_span(name), self.source)
        return found

    def expression_variable(self, name: str) -> VariableSetting | None:
        """What expressions read as `env.name`, in whatever case: the nearest of such a name; None where none is set."""
        alike = [one for key, one in self.variables.items() if key.lower() == name.lower()]
        return alike[-1] if alike else None

    @property
    def shell(self) -> str:
        """The shell of its script: its own, the job's, the workflow's, the runner's; empty where nobody can tell."""
        return _effective_shell(self)


def _make_steps(source: Source, steps: Any, resource: str, owner: Job | Action) -> Iterator[Step]:
    number = 0
    stack = list(reversed(steps)) if isinstance(steps, Seq) else []
    while stack and number < _MAX_STEPS:
        node = stack.pop()
        if not isinstance(node, Map):
            number += 1
            continue
        group = node.get("parallel")
        if isinstance(group, Seq) and "run" not in node and "uses" not in node:
            stack.extend(item for item in reversed(group) if isinstance(item, Map) and "parallel" not in item)
            continue
        number += 1
        name = node.get("id")
        label = name if isinstance(name, str) and name else number
        yield Step(source, node, owner, number, f"{resource}/step/{label}")


def _effective_shell(step: Step) -> str:
    shell = step.node.get("shell")
    if shell is None and isinstance(step.owner, Job):
        for node in (step.owner.node, step.owner.workflow.node):
            shell = node.mapping_at_path("defaults", "run").get("shell")
            if shell is not None:
                break
        else:
            return default_shell(step.owner.node)
    if not isinstance(shell, str):
        return ""
    return shell.split()[0].rpartition("/")[2].lower() if shell.split() else ""


def expanded_texts(document: Workflow | Action) -> list[tuple[tuple[Any, ...], LocatedText]]:
    """The texts of a file that hold expressions or are one, with the keys that lead to them; found once."""
    if "expanded" not in document.cached_results:
        document.cached_results["expanded"] = [
            (way, text)
            for way, text in texts_below(document.node, document.source)
            if has_expression(text.value) or way[-1] == "if"
        ]
    texts: list[tuple[tuple[Any, ...], LocatedText]] = document.cached_results["expanded"]
    return texts
