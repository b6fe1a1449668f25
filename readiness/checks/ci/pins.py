"""What a pipeline takes in from outside, and whether it is the same tomorrow: actions, images, tools, packages."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from readiness.checks.ci.rights import RightsWorth, rights_of
from readiness.facts.actions import action_property
from readiness.facts.moving import is_floating_image, moves_as
from readiness.facts.table import fact_rows
from readiness.kinds.github.actions import repository_path_of_uses
from readiness.kinds.github.model import Action, Job, Step, Workflow
from readiness.kinds.github.runners import matrix_texts
from readiness.kinds.github.texts import contains_expression
from readiness.kinds.github.uses import UsesReference, parse_uses
from readiness.kinds.pipeline.scripts import script_calls
from readiness.model import CheckOutcome, Severity, Span, Undecidable, hit, spelling
from readiness.model.project import Project
from readiness.syntax import image as images
from readiness.syntax import secrets
from readiness.syntax.yaml import Map

FIRST_PARTY = frozenset({"actions", "github"})
_VERSION_REF = re.compile(
    r"(?:[a-z][a-z0-9-]{0,80}[-/@])?v?[0-9]+(?:[._-][0-9A-Za-z.+-]+(?:_[0-9A-Za-z.+-]+)*)?\Z",
    re.IGNORECASE,
)
_BRANCH_FOLDER = re.compile(r"(?:releases?|feature|bugfix|hotfix)/", re.IGNORECASE)


def _uses_references(
    document: Workflow | Action,
) -> Iterator[tuple[Job | None, str, UsesReference, Span]]:
    """(job, resource, reference, place) of every action and reusable workflow that a file uses."""
    holders: list[tuple[Job | None, Step | Job]] = []
    if isinstance(document, Action):
        holders = [(None, step) for step in document.steps]
    else:
        for job in document.jobs:
            holders.append((job, job))
            holders += [(job, step) for step in job.steps]
    for owner, part in holders:
        value = part.node.get("uses")
        if isinstance(value, str) and not part.dead:
            yield owner, part.resource, parse_uses(value), part.node.at("uses")


def _is_of_own_owner(file: Workflow | Action, uses: UsesReference) -> bool:
    """Whether a reference leads to a repository of the owner whom this tree's files name as their own."""
    return uses.owner.lower() == file.source.root.repository_owner


def _severity_of_ref(
    file: Workflow | Action, job: Job | None, uses: UsesReference, project: Project, *, is_branch: bool
) -> Severity:
    """How bad it is that others can move a ref: by whose it is, and by what the job hands to it.

    A workflow or an action that lies in this tree under the same path is the repository's own; GitHub's own are trusted
    with the runner already; a job that shows neither a secret nor a right to change what others run gives little away.
    Of the repository's own owner a branch is medium and a tag low: whoever moves it may push here, too.
    """
    own = repository_path_of_uses(f"./{uses.path}", file.source.path) if uses.path else None
    if own is not None and project.was_path_seen(own):
        return Severity.LOW
    if _is_of_own_owner(file, uses):
        return Severity.MEDIUM if is_branch else Severity.LOW
    taken = job is not None and (job.node.get("secrets") == "inherit" or rights_of(job).worth is RightsWorth.TAKES_OVER)
    if not taken or uses.owner.lower() in FIRST_PARTY:
        return Severity.MEDIUM
    return Severity.HIGH


def action_unpinned(
    file: Workflow | Action,
    *,
    kind: str,
    first_party: bool | None = None,
    trusted: Sequence[str] = (),
    project: Project,
) -> CheckOutcome:
    """An action by a ref that its owner can move: a branch, or a tag.

    A name that may be either (`beta`, `stable`) moves less surely than a branch does, and is no higher than medium. A commit in full
    cannot be moved. `first_party` keeps to GitHub's own actions, or to all others. `trusted` are owners,
    or repositories, whose refs only the team itself moves.
    """
    own = {name.lower() for name in trusted}
    for job, resource, used, span in _uses_references(file):
        if used.reference_kind != "repository" or used.is_pinned_to_commit or action_property(used.slug, "by-tag"):
            continue
        if used.owner.lower() in own or used.slug in own:
            continue
        if first_party is not None and (used.owner.lower() in FIRST_PARTY) is not first_party:
            continue
        version = used.ref.removeprefix("release/").removeprefix("releases/")  # as PyPA keeps its tags
        branch = moves_as("ref", version) or bool(_BRANCH_FOLDER.match(version)) or not _VERSION_REF.match(version)
        if re.fullmatch(r"[0-9a-fA-F]{7,39}", used.ref):
            branch = False
        if ("branch" if branch else "tag") == kind:
            severity = _severity_of_ref(file, job, used, project, is_branch=branch)
            whose = " of this repository's owner" if _is_of_own_owner(file, used) else ""
            certain = not branch or moves_as("branch", version) or bool(_BRANCH_FOLDER.match(version))
            severity = severity if certain else min(severity, Severity.MEDIUM)
            say = "" if certain else "name"
            yield hit(span, resource=resource, severity=severity, say=say, uses=used.text, whose=whose, ref=used.ref)


def _images_in(document: Workflow | Action) -> Iterator[tuple[str, Span, Any]]:
    """(resource, place, value) of every image that a file runs; a matrix key gives its values."""
    if isinstance(document, Action):
        runs = document.node.get("runs")
        value = runs.get("image") if isinstance(runs, Map) else None
        if isinstance(runs, Map) and isinstance(value, str) and value.startswith("docker://"):
            yield document.resource, runs.at("image"), value[len("docker://") :]
        steps: Sequence[Step] = document.steps
    else:
        steps = [step for job in document.jobs for step in job.steps]
        for job in document.jobs:
            yield from images_of_job(job)
    for step in steps:
        used = step.parsed_uses
        if used is not None and used.reference_kind == "docker" and not step.dead:
            yield step.resource, step.node.at("uses"), used.path


_RUNS_CONTAINERS = frozenset({"docker", "podman", "nerdctl"})
_PUBLISHED_IMAGE = re.compile(
    r"[a-z0-9][a-z0-9.-]{0,80}(?::[0-9]{2,5})?(?:/[a-z0-9._-]{1,80}){1,6}(?::[A-Za-z0-9_][\w.-]{0,120})?\Z"
)
_FLAG_WITHOUT_VALUE = re.compile(
    r"--(?:rm|init|privileged|tty|interactive|detach|read-only|quiet|no-healthcheck)\Z|-[itdq]{1,4}\Z"
)
_VARIABLE_GIVEN = re.compile(r"(?:-e|--env)[= ]{1,4}[\"']?(?P<name>[A-Za-z_]\w{0,80})(?P<value>=[\"']?\$\{?|[\"' \n])")


def _images_started_with_secrets(document: Workflow | Action) -> Iterator[tuple[str, Span, Any]]:
    """The published images that scripts start (`docker run`) and give a secret in a variable; none that the file builds."""
    steps = document.steps if isinstance(document, Action) else [step for job in document.jobs for step in job.steps]
    for step in steps:
        run = step.run_script
        if run is None or step.dead or "docker build" in run.value:
            continue
        for call in script_calls(run.value):
            image = _started_image(call.words) if call.program in _RUNS_CONTAINERS else ""
            given = _VARIABLE_GIVEN.finditer(call.text) if image else ()
            if any(secrets.is_secret_name(one["name"]) for one in given) and (at := run.value.find(image, call.start)) >= 0:
                yield step.resource, run.span_of_part(at, at + len(image)), image


def _started_image(words: Sequence[str]) -> str:
    """The image that the words of `docker run` start; empty where it is none of a registry or of another's, or cannot be told."""
    if words[:1] != ("run",):
        return ""
    before = "run"
    for word in words[1:]:
        takes_value = before.startswith("-") and "=" not in before and not _FLAG_WITHOUT_VALUE.match(before)
        if not word.startswith("-") and not takes_value:
            return word if _PUBLISHED_IMAGE.match(word) else ""
        before = word
    return ""


def images_of_job(job: Job) -> Iterator[tuple[str, Span, Any]]:
    """The images of a job's container and its services; the values of a matrix each at their own place."""
    services = job.node.get("services")
    holders: list[tuple[Map, str]] = [(job.node, "container")]
    holders += [(services, name) for name in services] if isinstance(services, Map) else []
    for owner, key in holders:
        node: Any = owner.get(key)
        value = node.get("image") if isinstance(node, Map) else node
        span = node.at("image") if isinstance(node, Map) else owner.at(key)
        drawn = matrix_texts(job.node, value) if isinstance(value, str) else None
        if drawn is None:
            yield job.resource, span, value
            continue
        for text, place in drawn:
            yield job.resource, place, text


def unpinned_images(file: Workflow | Action, *, digest: bool) -> CheckOutcome:
    """An image without a version (`digest: false`), or with one but without a digest (`digest: true`).

    Of the images that scripts start only those that are given a secret, and only without a version.
    """
    started = () if digest else _images_started_with_secrets(file)
    for resource, span, value in (*_images_in(file), *started):
        if not isinstance(value, str) or not value.strip():
            continue
        if contains_expression(value):
            yield Undecidable(span)
            continue
        image = images.parse_image(value.strip())
        if image.is_pinned_by_digest or image.is_variable:
            continue
        if is_floating_image(image) is not digest:
            yield hit(span, resource=resource, image=value.strip(), tag=image.tag or "none")


def tool_version_missing(step: Step) -> CheckOutcome:
    """A setup action that installs whatever is newest."""
    used = step.parsed_uses
    key = action_property(used.lowercase_name, "newest") if used is not None and used.reference_kind == "repository" else None
    if used is None or key is None:
        return
    value = step.with_inputs.get(key)
    if value is None:
        yield hit(step.node.at("uses"), action=used.lowercase_name, key=key)
    elif str(value).lower() == "latest":
        yield hit(step.with_inputs.at(key), action=used.lowercase_name, key=key)


def action_archived(file: Workflow | Action) -> CheckOutcome:
    """An action whose repository is archived."""
    for _, resource, used, span in _uses_references(file):
        if used.reference_kind == "repository" and action_property(used.slug, "archived"):
            yield hit(span, resource=resource, action=used.slug)


def action_name_near_known(file: Workflow | Action) -> CheckOutcome:
    """An action whose name is one letter away from a well-known one."""
    known = {"/".join(name.split("/")[:2]) for name in fact_rows("action-interfaces")}
    owners = {name.split("/")[0] for name in known}
    for _, resource, used, span in _uses_references(file):
        if used.reference_kind != "repository" or used.slug in known or used.owner.lower() in owners:
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


_REDUNDANT_PATH_PART = re.compile(r"/{2,}|/\.{1,2}(?:/|\Z)|/\Z")


def uses_obfuscated(file: Workflow | Action) -> CheckOutcome:
    """An action's path with dots or slashes that only hide which action it is."""
    for _, resource, used, span in _uses_references(file):
        written = used.text.partition("@")[0]
        if used.reference_kind == "repository" and _REDUNDANT_PATH_PART.search(written):
            yield hit(span, resource=resource, uses=used.text)


_BY_NAME = {
    "npm": (("install",), ("i",), ("add",)),
    "pnpm": (("add",),),
    "yarn": (("add",), ("global", "add")),
    "gem": (("install",), ("i",)),
    "bundle": (("add",),),
}
_PACKAGE_FILE_SUFFIXES = (".tgz", ".gem")


def package_adhoc(step: Step) -> CheckOutcome:
    """A package installed by its name, past the lock file."""
    run = step.run_script
    if run is None or not any(program in run.value for program in _BY_NAME):
        return
    for call in script_calls(run.value):
        for verbs in _BY_NAME.get(call.program, ()):
            if call.non_option_arguments[: len(verbs)] != verbs or len(call.non_option_arguments) == len(verbs):
                continue
            package = call.non_option_arguments[len(verbs)]
            if not package.startswith((".", "/", "$", "`")) and not package.endswith(_PACKAGE_FILE_SUFFIXES):
                yield hit(run.span_of_line(call.start), package=package)


def local_action_by_path(file: Workflow | Action) -> CheckOutcome:
    """An action or a workflow of the same repository by a path in the workspace, where anything may lie."""
    for _, resource, used, span in _uses_references(file):
        if used.reference_kind == "local" and used.text.startswith("./"):
            yield hit(span, resource=resource, uses=used.text)
