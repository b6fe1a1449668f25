"""Services: what a team would call one, with the parts that the files show of it."""

from __future__ import annotations

from typing import NamedTuple


class ServicePart(NamedTuple):
    """One thing that belongs to a service: where it stands, what it is, and why it belongs there.

    `unit_path` is what it is applied with, `kind` the kind of its file, `path` the file in which somebody wrote it, `resource` its name as
    findings give it (empty for a whole file).
    """

    unit_path: str
    kind: str
    path: str
    resource: str
    reason: str


class Service(NamedTuple):
    """A workload across its environments, with what builds, fronts, configures and ships it. `name` is its own in a run."""

    name: str
    parts: tuple[ServicePart, ...]
