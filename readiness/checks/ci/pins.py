"""What a pipeline takes in from outside, and whether it is the same tomorrow: actions, images, tools, packages."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from readiness.checks.ci.rights import RightsWorth, rights_of_job
from readiness.facts.actions import action_property
from readiness.facts.moving import is_floating_image, is_moving_name_of_kind
from readiness.facts.table import fact_row_by_name
from readiness.kinds.github.actions import repository_path_of_uses
from readiness.kinds.github.model import Action, Job, Step, Workflow
from readiness.kinds.github.runners import expanded_matrix_texts
from readiness.kinds.github.texts import is_text_with_expression
from readiness.kinds.github.uses import UsesReference, parse_uses
from readiness.kinds.pipeline.scripts import script_calls
from readiness.model import CheckOutcome, Severity, Span, Undecidable, hit, spelling
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import Project
from readiness.syntax import image as images
from readiness.syntax import secrets
from readiness.syntax.yaml import Map

FIRST_PARTY_OWNERS = frozenset({"actions", "github"})
_VERSION_REF_PATTERN = lazy_regex(
    r"(?:[a-z][a-z0-9-]{0,80}[-/@])?v?[0-9]+(?:[._-][0-9A-Za-z.+-]+(?:_[0-9A-Za-z.+-]+)*)?\Z",
    re.IGNORECASE,
)
_BRANCH_PREFIX = lazy_regex(r"(?:releases?|feature|bugfix|hotfix)/", re.IGNORECASE)


def _jobs_and_uses_references(document: Workflow | Action) -> list[tuple[Job | None, str, UsesReference, Span]]:
    """(job, resource, reference, place) of every action and reusable workflow that a file uses; found once."""
    if "uses" not in document.cached_results:
        document.cached_results["uses"] = list(_find_jobs_and_uses_references(document))
    jobs_and_references: list[tuple[Job | None, str, UsesReference, Span]] = document.cached_results["uses"]
    return jobs_and_references


def _find_jobs_and_uses_references(document: Workflow | Action) -> Iterator[tuple[Job | None, str, UsesReference, Span]]:
    jobs_and_parts: list[tuple[Job | None, Step | Job]] = []
    if isinstance(document, Action):
        jobs_and_parts = [(None, step) for step in document.steps]
    else:
        for job in document.jobs:
            jobs_and_parts.append((job, job))
            jobs_and_parts += [(job, step) for step in job.steps]
    for owning_job, step_or_job in jobs_and_parts:
        uses_text = step_or_job.node.get("uses")
        if isinstance(uses_text, str) and not step_or_job.dead:
            yield owning_job, step_or_job.resource, parse_uses(uses_text), step_or_job.node.at("uses")


def _belongs_to_repository_owner(document: Workflow | Action, uses_reference: UsesReference) -> bool:
    """Whether a reference leads to a repository of the owner whom this tree's files name as their own, or of one of its code owners."""
    root_source, owner = document.source.root, uses_reference.owner.lower()
    return owner == root_source.repository_owner or owner in root_source.code_owners


def _note_on_owner(document: Workflow | Action, uses_reference: UsesReference) -> str:
    """What a message says behind the action of somebody who may push to this repository; empty of others."""
    if not _belongs_to_repository_owner(document, uses_reference):
        return ""
    is_owner = uses_reference.owner.lower() == document.source.root.repository_owner
    return " of this repository's owner" if is_owner else " of a code owner of this repository"


def _belongs_to_stranger(document: Workflow | Action, uses_reference: UsesReference) -> bool:
    """Whether the tree's files prove that a reference leads to somebody else's repository.

    They name their own owner, who is another; or they do not agree on one, and whose repositories README and charts name, who are hardly
    ever without their own, this owner is none of.
    """
    root_source, owner = document.source.root, uses_reference.owner.lower()
    if root_source.repository_owner:
        return owner != root_source.repository_owner
    return bool(root_source.described_owners) and owner not in root_source.described_owners


def _severity_of_movable_ref(
    document: Workflow | Action, job: Job | None, uses_reference: UsesReference, project: Project, *, is_branch: bool
) -> Severity:
    """How bad it is that others can move a ref: by whose it is, and by what the job hands to it.

    A workflow or an action that lies in this tree under the same path is the repository's own; GitHub's own are trusted
    with the runner already; a job that shows neither a secret nor a right to change what others run gives little away, and so does one whose
    secrets only let a scanner report.
    Of the repository's owner and its code owners a branch is medium and a tag low: whoever moves it may push here, too. Where no file
    tells whose this repository is, the action may be its owner's own.
    """
    path_in_own_repository = repository_path_of_uses(f"./{uses_reference.path}", document.source.path) if uses_reference.path else None
    if path_in_own_repository is not None and project.was_path_seen(path_in_own_repository):
        return Severity.LOW
    if _belongs_to_repository_owner(document, uses_reference):
        return Severity.MEDIUM if is_branch else Severity.LOW
    rights = rights_of_job(job) if job is not None else None
    may_take_over_repository = rights is not None and rights.worth is RightsWorth.TAKES_OVER and not rights.is_for_reports_alone
    may_take_over_repository = may_take_over_repository or (job is not None and job.node.get("secrets") == "inherit")
    if not may_take_over_repository or uses_reference.owner.lower() in FIRST_PARTY_OWNERS or not _belongs_to_stranger(document, uses_reference):
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
    trusted_names = {name.lower() for name in trusted}
    for job, resource, uses_reference, span in _jobs_and_uses_references(file):
        if uses_reference.reference_kind != "repository" or uses_reference.is_pinned_to_commit or action_property(uses_reference.slug, "by-tag"):
            continue
        if uses_reference.owner.lower() in trusted_names or uses_reference.slug in trusted_names:
            continue
        if first_party is not None and (uses_reference.owner.lower() in FIRST_PARTY_OWNERS) is not first_party:
            continue
        ref_name = uses_reference.ref.removeprefix("release/").removeprefix("releases/")  # as PyPA keeps its tags
        is_branch = is_moving_name_of_kind("ref", ref_name) or bool(_BRANCH_PREFIX.match(ref_name)) or not _VERSION_REF_PATTERN.match(ref_name)
        if re.fullmatch(r"[0-9a-fA-F]{7,39}", uses_reference.ref):
            is_branch = False
        if ("branch" if is_branch else "tag") == kind:
            severity = _severity_of_movable_ref(file, job, uses_reference, project, is_branch=is_branch)
            owner_note = _note_on_owner(file, uses_reference)
            is_surely_of_kind = not is_branch or is_moving_name_of_kind("branch", ref_name) or bool(_BRANCH_PREFIX.match(ref_name))
            severity = severity if is_surely_of_kind else min(severity, Severity.MEDIUM)
            message_name = "" if is_surely_of_kind else "name"
            yield hit(
                span,
                resource=resource,
                severity=severity,
                say=message_name,
                uses=uses_reference.text,
                whose=owner_note,
                ref=uses_reference.ref,
            )


def _images_in_document(document: Workflow | Action) -> Iterator[tuple[str, Span, Any]]:
    """(resource, place, value) of every image that a file runs; a matrix key gives its values."""
    if isinstance(document, Action):
        runs_section = document.node.get("runs")
        image_value = runs_section.get("image") if isinstance(runs_section, Map) else None
        if isinstance(runs_section, Map) and isinstance(image_value, str) and image_value.startswith("docker://"):
            yield document.resource, runs_section.at("image"), image_value[len("docker://") :]
    else:
        for job in document.jobs:
            yield from images_of_job(job)
    for step in document.steps:
        uses_reference = step.parsed_uses
        if uses_reference is not None and uses_reference.reference_kind == "docker" and not step.dead:
            yield step.resource, step.node.at("uses"), uses_reference.path


_CONTAINER_PROGRAMS = frozenset({"docker", "podman", "nerdctl"})
_PUBLISHED_IMAGE_PATTERN = lazy_regex(r"[a-z0-9][a-z0-9.-]{0,80}(?::[0-9]{2,5})?(?:/[a-z0-9._-]{1,80}){1,6}(?::[A-Za-z0-9_][\w.-]{0,120})?\Z")
_CONTAINER_FLAG_WITHOUT_VALUE = lazy_regex(r"--(?:rm|init|privileged|tty|interactive|detach|read-only|quiet|no-healthcheck)\Z|-[itdq]{1,4}\Z")
_CONTAINER_VARIABLE_OPTION = lazy_regex(r"(?:-e|--env)[= ]{1,4}[\"']?(?P<name>[A-Za-z_]\w{0,80})(?P<value>=[\"']?\$\{?|[\"' \n])")


def _images_started_with_secrets(document: Workflow | Action) -> Iterator[tuple[str, Span, Any]]:
    """The published images that scripts start (`docker run`) and give a secret in a variable; none that the file builds."""
    for step in document.steps:
        run_script = step.run_script
        if run_script is None or step.dead or "docker build" in run_script.value:
            continue
        for command in script_calls(run_script.value):
            image_text = _image_started_by_docker_run(command.words) if command.program in _CONTAINER_PROGRAMS else ""
            variable_options = _CONTAINER_VARIABLE_OPTION.finditer(command.text) if image_text else ()
            if (
                any(secrets.is_secret_name(one["name"]) for one in variable_options)
                and (image_offset := run_script.value.find(image_text, command.start)) >= 0
            ):
                yield step.resource, run_script.span_of_part(image_offset, image_offset + len(image_text)), image_text


def _image_started_by_docker_run(command_words: Sequence[str]) -> str:
    """The image that the words of `docker run` start; empty where it is none of a registry or of another's, or cannot be told."""
    if command_words[:1] != ("run",):
        return ""
    previous_word = "run"
    for word in command_words[1:]:
        is_value_of_previous_option = (
            previous_word.startswith("-") and "=" not in previous_word and not _CONTAINER_FLAG_WITHOUT_VALUE.match(previous_word)
        )
        if not word.startswith("-") and not is_value_of_previous_option:
            return word if _PUBLISHED_IMAGE_PATTERN.match(word) else ""
        previous_word = word
    return ""


def images_of_job(job: Job) -> Iterator[tuple[str, Span, Any]]:
    """The images of a job's container and its services; the values of a matrix each at their own place."""
    services_node = job.node.get("services")
    image_locations: list[tuple[Map, str]] = [(job.node, "container")]
    image_locations += [(services_node, name) for name in services_node] if isinstance(services_node, Map) else []
    for parent_node, image_key in image_locations:
        image_node: Any = parent_node.get(image_key)
        image_value = image_node.get("image") if isinstance(image_node, Map) else image_node
        image_span = image_node.at("image") if isinstance(image_node, Map) else parent_node.at(image_key)
        matrix_values_and_spans = expanded_matrix_texts(job.node, image_value) if isinstance(image_value, str) else None
        if matrix_values_and_spans is None:
            yield job.resource, image_span, image_value
            continue
        for matrix_text, matrix_span in matrix_values_and_spans:
            yield job.resource, matrix_span, matrix_text


def unpinned_images(file: Workflow | Action, *, digest: bool) -> CheckOutcome:
    """An image without a version (`digest: false`), or with one but without a digest (`digest: true`).

    Of the images that scripts start only those that are given a secret, and only without a version.
    """
    script_images = () if digest else _images_started_with_secrets(file)
    for resource, span, image_value in (*_images_in_document(file), *script_images):
        if not isinstance(image_value, str) or not image_value.strip():
            continue
        if is_text_with_expression(image_value):
            yield Undecidable(span)
            continue
        image = images.parse_image(image_value.strip())
        if image.is_pinned_by_digest or image.is_variable:
            continue
        if is_floating_image(image) is not digest:
            yield hit(span, resource=resource, image=image_value.strip(), tag=image.tag or "none")


def tool_version_missing(step: Step) -> CheckOutcome:
    """A setup action that installs whatever is newest."""
    uses_reference = step.parsed_uses
    version_input = (
        action_property(uses_reference.lowercase_name, "newest")
        if uses_reference is not None and uses_reference.reference_kind == "repository"
        else None
    )
    if uses_reference is None or version_input is None:
        return
    requested_version = step.with_inputs.get(version_input)
    if requested_version is None:
        yield hit(step.node.at("uses"), action=uses_reference.lowercase_name, key=version_input)
    elif str(requested_version).lower() == "latest":
        yield hit(step.with_inputs.at(version_input), action=uses_reference.lowercase_name, key=version_input)


def action_archived(file: Workflow | Action) -> CheckOutcome:
    """An action whose repository is archived."""
    for _, resource, uses_reference, span in _jobs_and_uses_references(file):
        if uses_reference.reference_kind == "repository" and action_property(uses_reference.slug, "archived"):
            yield hit(span, resource=resource, action=uses_reference.slug)


@cache
def _known_slugs_and_owners() -> tuple[frozenset[str], frozenset[str]]:
    """The repositories of well-known actions, and who owns them."""
    known_slugs = frozenset("/".join(known_slug.split("/")[:2]) for known_slug in fact_row_by_name("action-interfaces"))
    return known_slugs, frozenset(known_slug.split("/")[0] for known_slug in known_slugs)


def action_name_near_known(file: Workflow | Action) -> CheckOutcome:
    """An action whose name is one letter away from a well-known one."""
    known_slugs, known_owners = _known_slugs_and_owners()
    for _, resource, uses_reference, span in _jobs_and_uses_references(file):
        if uses_reference.reference_kind != "repository" or uses_reference.slug in known_slugs or uses_reference.owner.lower() in known_owners:
            continue
        for known_slug in sorted(known_slugs):
            known_owner, _, known_repository = known_slug.partition("/")
            if (
                known_repository == uses_reference.repository.lower()
                and len(known_owner) > 4
                and spelling.is_one_typo_apart(uses_reference.owner.lower(), known_owner)
            ):
                yield hit(span, resource=resource, uses=uses_reference.text, meant=known_slug)
                break


_REDUNDANT_PATH_PART = lazy_regex(r"/{2,}|/\.{1,2}(?:/|\Z)|/\Z")


def uses_obfuscated(file: Workflow | Action) -> CheckOutcome:
    """An action's path with dots or slashes that only hide which action it is."""
    for _, resource, uses_reference, span in _jobs_and_uses_references(file):
        path_text = uses_reference.text.partition("@")[0]
        if uses_reference.reference_kind == "repository" and _REDUNDANT_PATH_PART.search(path_text):
            yield hit(span, resource=resource, uses=uses_reference.text)


_INSTALL_VERBS_BY_PROGRAM = {
    "npm": (("install",), ("i",), ("add",)),
    "pnpm": (("add",),),
    "yarn": (("add",), ("global", "add")),
    "gem": (("install",), ("i",)),
    "bundle": (("add",),),
}
_PACKAGE_FILE_SUFFIXES = (".tgz", ".gem")


def package_adhoc(step: Step) -> CheckOutcome:
    """A package installed by its name, past the lock file."""
    run_script = step.run_script
    if run_script is None or not any(program in run_script.value for program in _INSTALL_VERBS_BY_PROGRAM):
        return
    for command in script_calls(run_script.value):
        for install_verbs in _INSTALL_VERBS_BY_PROGRAM.get(command.program, ()):
            if command.non_option_arguments[: len(install_verbs)] != install_verbs or len(command.non_option_arguments) == len(install_verbs):
                continue
            package_name = command.non_option_arguments[len(install_verbs)]
            if not package_name.startswith((".", "/", "$", "`")) and not package_name.endswith(_PACKAGE_FILE_SUFFIXES):
                yield hit(run_script.span_of_line(command.start), package=package_name)


def local_action_by_path(file: Workflow | Action) -> CheckOutcome:
    """An action or a workflow of the same repository by a path in the workspace, where anything may lie."""
    for _, resource, uses_reference, span in _jobs_and_uses_references(file):
        if uses_reference.reference_kind == "local" and uses_reference.text.startswith("./"):
            yield hit(span, resource=resource, uses=uses_reference.text)
