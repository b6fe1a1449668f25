"""What a pipeline takes in from outside, and whether it is the same tomorrow: actions, images, tools, packages."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from readiness.facts.actions import action_property
from readiness.facts.table import rows
from readiness.kinds.github.model import Action, Job, Step, Workflow
from readiness.kinds.github.runners import matrix_name, matrix_values
from readiness.kinds.github.texts import is_expression
from readiness.kinds.github.uses import Uses, parse_uses
from readiness.kinds.pipeline.scripts import script_calls
from readiness.model import Outcome, Span, Unknown, hit, spelling
from readiness.syntax import image as images
from readiness.syntax.yaml import Map

FIRST_PARTY = frozenset({"actions", "github"})
_VERSION = re.compile(
    r"(?:[a-z][a-z0-9-]{0,80}[-/@])?v?[0-9]+(?:[._-][0-9A-Za-z.+-]+(?:_[0-9A-Za-z.+-]+)*)?\Z",
    re.IGNORECASE,
)
_BRANCHES = re.compile(
    r"(?:main|master|develop|development|dev|trunk|head|latest|stable|edge|nightly|next|production|release|canary)\Z"
    r"|(?:release|releases|feature|bugfix|hotfix)/",
    re.IGNORECASE,
)


def _references(file: Workflow | Action) -> Iterator[tuple[str, Uses, Span]]:
    """(resource, reference, place) of every action and reusable workflow that a file uses."""
    holders: list[tuple[str, Map, bool]] = []
    if isinstance(file, Action):
        holders = [(step.resource, step.node, step.dead) for step in file.steps]
    else:
        for job in file.jobs:
            holders.append((job.resource, job.node, job.dead))
            holders += [(step.resource, step.node, step.dead) for step in job.steps]
    for resource, node, dead in holders:
        value = node.get("uses")
        if isinstance(value, str) and not dead:
            yield resource, parse_uses(value), node.at("uses")


def action_unpinned(
    file: Workflow | Action,
    *,
    kind: str,
    first_party: bool | None = None,
    trusted: Sequence[str] = (),
) -> Outcome:
    """An action by a ref that its owner can move: a branch, or a tag.

    A commit in full cannot be moved. `first_party` keeps to GitHub's own actions, or to all others. `trusted` are owners,
    or repositories, whose refs only the team itself moves.
    """
    own = {name.lower() for name in trusted}
    for resource, used, span in _references(file):
        if used.form != "repository" or used.pinned or action_property(used.slug, "by-tag"):
            continue
        if used.owner.lower() in own or used.slug in own:
            continue
        if first_party is not None and (used.owner.lower() in FIRST_PARTY) is not first_party:
            continue
        version = used.ref.removeprefix("release/").removeprefix(
            "releases/"
        )  # as PyPA keeps its tags
        branch = bool(_BRANCHES.match(version)) or not _VERSION.match(version)
        if re.fullmatch(r"[0-9a-fA-F]{7,39}", used.ref):
            branch = False
        if ("branch" if branch else "tag") == kind:
            yield hit(span, resource=resource, uses=used.text, ref=used.ref)


def _images_in(file: Workflow | Action) -> Iterator[tuple[str, Span, Any]]:
    """(resource, place, value) of every image that a file runs; a matrix key gives its values."""
    if isinstance(file, Action):
        runs = file.node.get("runs")
        value = runs.get("image") if isinstance(runs, Map) else None
        if isinstance(runs, Map) and isinstance(value, str) and value.startswith("docker://"):
            yield file.resource, runs.at("image"), value[len("docker://") :]
        steps: Sequence[Step] = file.steps
    else:
        steps = [step for job in file.jobs for step in job.steps]
        for job in file.jobs:
            yield from images_of_job(job)
    for step in steps:
        used = step.uses
        if used is not None and used.form == "docker" and not step.dead:
            yield step.resource, step.node.at("uses"), used.path


def images_of_job(job: Job) -> Iterator[tuple[str, Span, Any]]:
    """The images of a job's container and its services; the values of a matrix each at their own place."""
    services = job.node.get("services")
    holders: list[tuple[Map, str]] = [(job.node, "container")]
    holders += [(services, name) for name in services] if isinstance(services, Map) else []
    for owner, key in holders:
        node: Any = owner.get(key)
        value = node.get("image") if isinstance(node, Map) else node
        span = node.at("image") if isinstance(node, Map) else owner.at(key)
        name = matrix_name(value) if isinstance(value, str) else None
        if name is None:
            yield job.resource, span, value
            continue
        for drawn, place in matrix_values(job.node, name):
            yield job.resource, place, drawn


def unpinned_images(file: Workflow | Action, *, digest: bool) -> Outcome:
    """An image without a version (`digest: false`), or with one but without a digest (`digest: true`)."""
    for resource, span, value in _images_in(file):
        if not isinstance(value, str) or not value.strip():
            continue
        if is_expression(value):
            yield Unknown(span)
            continue
        image = images.parse_image(value.strip())
        if image.pinned or image.is_variable:
            continue
        if image.floating is not digest:
            yield hit(span, resource=resource, image=value.strip(), tag=image.tag or "none")


def tool_version_missing(step: Step) -> Outcome:
    """A setup action that installs whatever is newest."""
    used = step.uses
    key = (
        action_property(used.name, "newest")
        if used is not None and used.form == "repository"
        else None
    )
    if used is None or key is None:
        return
    value = step.options.get(key)
    if value is None:
        yield hit(step.node.at("uses"), action=used.name, key=key)
    elif str(value).lower() == "latest":
        yield hit(step.options.at(key), action=used.name, key=key)


def action_archived(file: Workflow | Action) -> Outcome:
    """An action whose repository is archived."""
    for resource, used, span in _references(file):
        if used.form == "repository" and action_property(used.slug, "archived"):
            yield hit(span, resource=resource, action=used.slug)


def action_name_near_known(file: Workflow | Action) -> Outcome:
    """An action whose name is one letter away from a well-known one."""
    known = {"/".join(name.split("/")[:2]) for name in rows("action-interfaces")}
    owners = {name.split("/")[0] for name in known}
    for resource, used, span in _references(file):
        if used.form != "repository" or used.slug in known or used.owner.lower() in owners:
            continue
        for name in sorted(known):
            owner, _, repository = name.partition("/")
            if (
                repository == used.repository.lower()
                and len(owner) > 4
                and spelling.is_one_slip_apart(used.owner.lower(), owner)
            ):
                yield hit(span, resource=resource, uses=used.text, meant=name)
                break


_PLAIN_PATH = re.compile(r"/{2,}|/\.{1,2}(?:/|\Z)|/\Z")


def uses_obfuscated(file: Workflow | Action) -> Outcome:
    """An action's path with dots or slashes that only hide which action it is."""
    for resource, used, span in _references(file):
        written = used.text.partition("@")[0]
        if used.form == "repository" and _PLAIN_PATH.search(written):
            yield hit(span, resource=resource, uses=used.text)


_BY_NAME = {
    "npm": (("install",), ("i",), ("add",)),
    "pnpm": (("add",),),
    "yarn": (("add",), ("global", "add")),
    "gem": (("install",), ("i",)),
    "bundle": (("add",),),
}
_FILES = (".tgz", ".gem")


def package_adhoc(step: Step) -> Outcome:
    """A package installed by its name, past the lock file."""
    run = step.run
    if run is None or not any(program in run.value for program in _BY_NAME):
        return
    for call in script_calls(run.value):
        for verbs in _BY_NAME.get(call.program, ()):
            if call.verbs[: len(verbs)] != verbs or len(call.verbs) == len(verbs):
                continue
            package = call.verbs[len(verbs)]
            if not package.startswith((".", "/", "$", "`")) and not package.endswith(_FILES):
                yield hit(run.line(call.start), package=package)


def local_action_by_path(file: Workflow | Action) -> Outcome:
    """An action or a workflow of the same repository by a path in the workspace, where anything may lie."""
    for resource, used, span in _references(file):
        if used.form == "local" and used.text.startswith("./"):
            yield hit(span, resource=resource, uses=used.text)
