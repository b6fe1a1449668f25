"""What the words of GitHub and of GitLab have in common: a file that remembers, a job with a name and an environment."""

from __future__ import annotations

from dataclasses import field
from typing import Any

from readiness.model import Source
from readiness.model.records import dataclass
from readiness.syntax.yaml import Map


@dataclass(frozen=True, slots=True, eq=False)
class PipelineFile:
    """A file of pipelines, with what was worked out of it once."""

    source: Source
    node: Map
    cached_results: dict[str, Any] = field(default_factory=dict)
    container = ""


@dataclass(frozen=True, slots=True, eq=False)
class PipelineJob:
    """What jobs of GitHub and GitLab have in common: source, node, name and resource."""

    source: Source
    node: Map
    name: str
    container = ""

    @property
    def resource(self) -> str:
        """`job/` and its name."""
        return f"job/{self.name}"


def environment_name(value: Any) -> str | None:
    """The name of an environment, given by itself or in a mapping; an expression stays as written."""
    if isinstance(value, Map):
        value = value.get("name")
    return value if isinstance(value, str) and value else None
