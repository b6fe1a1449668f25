"""What a compose file itself says that it is for: the signs of development, tests, samples and builds.

Each sign was counted over 186 compose files whose purpose was told by hand from the file and its README. The strong ones stand
in no file of production; of the weak ones no pair that counts does (readiness/kinds/purpose.py).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from readiness.facts.compose_names import DEFAULT_COMPOSE_NAMES
from readiness.facts.public_images import DATA_STORE_ROLES
from readiness.kinds import dotenv
from readiness.kinds.compose.join import env_file_paths_looked_for, included_files_of
from readiness.kinds.compose.model import Document, Service
from readiness.kinds.compose.parts import (
    expand_scalar,
    mount_specs,
    port_specs,
)
from readiness.kinds.compose.signs import SERVICE_SIGN_FINDERS
from readiness.kinds.decision import head_signs
from readiness.kinds.places import SAMPLE_PAGE_SIGN_TEXT, TEST_FOLDER_SIGN_TEXT
from readiness.kinds.purpose import NonProductionSign, compose_purpose, is_example_path, is_sample_path
from readiness.kinds.readme import (
    README_WORD_CHANGE,
    README_WORD_DEVELOPMENT_STACK,
    README_WORD_SAMPLE_PAGE,
    README_WORD_STARTED_TO_DEVELOP,
    README_WORD_STUDY,
    README_WORD_TEST_FOLDER,
    README_WORD_TRIAL,
    README_WORD_TRIAL_STACK,
    STUDY_FOLDER,
)
from readiness.model import Purpose
from readiness.model.lazy_regex import lazy_regex
from readiness.model.records import dataclass
from readiness.syntax.dotenv import EnvEntry
from readiness.syntax.interpolation import NO_VARIABLES, UNKNOWN_VALUE_MARK
from readiness.syntax.yaml import Map

_MODE_VARIABLE_NAME = lazy_regex(r"(?:[A-Z0-9]{1,20}_|_)*(?:ENV|ENVIRONMENT)", re.IGNORECASE)
_DEVELOPMENT_MODES = frozenset({"development", "develop", "dev", "local"})


def collect_non_production_signs(documents: Sequence[Document]) -> None:
    """Give every file whose name says nothing of its purpose the signs of what it is for."""
    _clear_purpose_of_included_files(documents)
    document_group_by_id = _document_group_by_document_id(documents)
    ids_with_development_overlay = _ids_of_documents_with_dev_overlay(documents)
    facts_by_group_id: dict[int, tuple[list[Document], _GroupFacts]] = {}
    for document in documents:
        is_purpose_undetermined = document.purpose == "unknown" and not document.legacy and document.said is None
        non_production_signs: Iterator[NonProductionSign] | tuple[()] = ()
        if is_purpose_undetermined:
            group = document_group_by_id.get(id(document), [document])
            if id(group) not in facts_by_group_id:
                facts_by_group_id[id(group)] = group, _facts_of_group(group)
            non_production_signs = _non_production_signs(document, facts_by_group_id[id(group)][1])
        is_restarted_beside_development = id(document) in ids_with_development_overlay and any(map(_has_restart_policy, document.services.values()))
        document.non_production_signs = tuple(one for one in non_production_signs if one.is_decisive or not is_restarted_beside_development)


def _ids_of_documents_with_dev_overlay(documents: Sequence[Document]) -> set[int]:
    """The files on which another is laid whose name says development: what is for development stands there.

    Of a file that restarts its services beside such a one a weak sign says nothing.
    """
    folder_and_service_name_pairs = {
        (one.folder, name)
        for one in documents
        if one.purpose == "dev" and one.source.parent is None
        for name, service in one.services.items()
        if "image" not in service.extended_node and not service.extends
    }
    return {
        id(one) for one in documents if one.purpose == "unknown" and any((one.folder, name) in folder_and_service_name_pairs for name in one.services)
    }


def assign_env_file_purposes(documents: Sequence[Document], env_document_by_path: Mapping[str, dotenv.Document]) -> None:
    """Say of every environment file that only compose files read which are not for production, what those are for."""
    non_production_purpose_by_path: dict[str, Purpose | None] = {}
    for document in documents:
        document_purpose = document.taken_for
        non_production_purpose = document_purpose if document_purpose is not None and not document_purpose.is_production else None
        for env_path in env_file_paths_looked_for([document]):
            non_production_purpose_by_path[env_path] = (
                non_production_purpose if non_production_purpose_by_path.setdefault(env_path, non_production_purpose) else None
            )
    for env_path, env_file_purpose in non_production_purpose_by_path.items():
        env_document = env_document_by_path.get(env_path)
        if env_document is not None and env_file_purpose is not None and env_document.source.said is None:
            env_document.source.purposes = {"": Purpose(env_file_purpose.word, f"so is what reads it, as {env_file_purpose.evidence}"[:300])}
    for env_document in env_document_by_path.values():
        if not env_document.source.purposes and env_document.source.said is None and (mode_entry := _development_mode_entry(env_document)):
            env_document.source.purposes = {"": Purpose("development", f"{mode_entry.name}={mode_entry.raw_value} in it says so"[:300])}


def _development_mode_entry(env_document: dotenv.Document) -> EnvEntry | None:
    """The entry by which an environment file says that what it configures runs for development."""
    for entry in env_document.parsed_env_file.last_entry_by_name.values():
        if _MODE_VARIABLE_NAME.fullmatch(entry.name) and (entry.raw_value or "").strip("\"' ").lower() in _DEVELOPMENT_MODES:
            return entry
    return None


def _clear_purpose_of_included_files(documents: Sequence[Document]) -> None:
    """What a file of production takes in is of production, whatever folder it lies in; its own name is still believed."""
    document_by_path = {posixpath.normpath(one.source.path): one for one in documents}
    pending_documents = [one for one in documents if one.purpose in {"unknown", "prod"}]
    while pending_documents:
        for included_path in included_and_extended_paths(pending_documents.pop()):
            included_document = document_by_path.get(included_path)
            if included_document is None or included_document.purpose not in {"dev", "test"}:
                continue
            if compose_purpose(posixpath.basename(included_path)) == "unknown":
                included_document.purpose = "unknown"
                pending_documents.append(included_document)


def _non_production_signs(document: Document, group_facts: _GroupFacts) -> Iterator[NonProductionSign]:
    """The signs of one file. What is left out counts only where no file that may be laid on it brings it.

    A service that is for development by its own name, profile or build says nothing of the others.
    """
    yield from head_signs(document.source)
    production_services = [one for one in document.services.values() if not one.set_aside]
    service_signs = [sign for find in SERVICE_SIGN_FINDERS for sign in find(production_services)]
    if is_sample_path(document.source.path):
        sign_text = "it lies in a directory of examples"
        is_example = is_example_path(document.source.path)
        service_signs.append(NonProductionSign("sample", sign_text, document.node.at(), is_example, purpose="sample"))
    service_signs += _signs_of_folder_readme_and_blanks(document)
    if document.source.parent is None:
        service_signs += _signs_of_missing_parts(group_facts, production_services)
    has_public_tls_proxy = any(map(_is_public_proxy_or_tunnel, production_services))
    yield from (one for one in service_signs if one.is_decisive or not has_public_tls_proxy)


_PLACEHOLDER_TO_FILL_IN_PATTERN = lazy_regex(
    r"<(?:your|my)[-_ ][a-z][a-z0-9_ -]{0,40}>|<(?:[a-z]+[-_])?(?:password|secret|token|ip-address|domain)>",
    re.IGNORECASE,
)
_EXAMPLE_HOST_PATTERN = lazy_regex(r"\bexample\.(?:com|org|net)\b")


def _signs_of_folder_readme_and_blanks(document: Document) -> Iterator[NonProductionSign]:
    """What the folders of a file, the README beside it and the blanks in it say: each of them a weak sign."""
    document_path, document_span = document.source.path, document.node.at()
    folder_names = posixpath.dirname(document_path).lower().split("/")
    readme_statements = document.source.readme_says
    if "hack" in folder_names:
        yield NonProductionSign("hack", "it lies in hack/", document_span)
    if any(map(STUDY_FOLDER.fullmatch, folder_names)):
        yield NonProductionSign("sample", "it lies in a directory of exercises", document_span, purpose="study")
    if README_WORD_STUDY in readme_statements:
        yield NonProductionSign("readme", "a README at or above it calls it study material", document_span, purpose="study")
    elif README_WORD_TRIAL in readme_statements:
        yield NonProductionSign("readme", "the README beside it says that it is not for production", document_span)
    if README_WORD_DEVELOPMENT_STACK in readme_statements:
        sign_text = "a README at or above it says that this is a development environment"
        yield NonProductionSign("readme-stack", sign_text, document_span, True)
    elif README_WORD_TRIAL_STACK in readme_statements:
        sign_text = "a README at or above it says that its compose files are for trials"
        yield NonProductionSign("readme-stack", sign_text, document_span, True, purpose="demo")
    if README_WORD_STARTED_TO_DEVELOP in readme_statements and posixpath.basename(document_path) in DEFAULT_COMPOSE_NAMES:
        sign_text = "the README beside it starts it in sections about development, tests or one's own machine alone"
        yield NonProductionSign("readme-start", sign_text, document_span, True)
    if README_WORD_TEST_FOLDER in readme_statements:
        yield NonProductionSign("test-folder", TEST_FOLDER_SIGN_TEXT, document_span, True, purpose="test")
    if README_WORD_SAMPLE_PAGE in readme_statements:
        yield NonProductionSign("sample-page", SAMPLE_PAGE_SIGN_TEXT, document_span, True, purpose="sample")
    if README_WORD_CHANGE in readme_statements:
        yield NonProductionSign("change", "the README beside it says to change it for production", document_span, purpose="sample")
    uncommented_lines = [line.split(" #")[0] for line in document.source.text.splitlines() if not line.lstrip().startswith("#")]
    is_in_docs_folder = "docs" in folder_names or "doc" in folder_names
    if any(_PLACEHOLDER_TO_FILL_IN_PATTERN.search(line) or (is_in_docs_folder and _EXAMPLE_HOST_PATTERN.search(line)) for line in uncommented_lines):
        yield NonProductionSign("blank", "it has blanks to fill in", document_span, purpose="sample")


def _is_public_proxy_or_tunnel(service: Service) -> bool:
    """Whether a proxy serves the world with TLS, as nobody needs for development: a weak sign says nothing beside it."""
    if service.role not in {"proxy", "tunnel"}:
        return False
    published_port_specs = port_specs(service.extended_node, service.env_values)
    return service.role == "tunnel" or any(one.published is not None and one.published[0] <= 443 <= one.published[1] for one in published_port_specs)


@dataclass(frozen=True, slots=True)
class _GroupFacts:
    """What the files have that may run together: asked by each of them, worked out once.

    `defined_names` are the services that have an image or a build, `names` all of them; `keeps_data` says whether a store among them has a place for
    its data.
    """

    names: frozenset[str]
    defined_names: frozenset[str]
    has_unlisted_files: bool
    restarts: bool
    has_stores: bool
    keeps_data: bool
    roles: frozenset[str]


def _facts_of_group(related_documents: Sequence[Document]) -> _GroupFacts:
    """The facts of files that may run together."""
    services = [
        one for document in related_documents for one in document.services.values() if not one.set_aside and "provider" not in one.extended_node
    ]
    store_names = {one.name for one in services if _is_long_running_data_store(one)}
    return _GroupFacts(
        frozenset(one.name for one in services),
        frozenset(one.name for one in services if one.owned),
        _includes_unlisted_file(related_documents),
        any(map(_has_restart_policy, services)) or any(one.swarm for one in related_documents),
        bool(store_names),
        any(one.name in store_names and _has_mount_that_may_hold_data(one) for one in services),
        frozenset(one.role for one in services),
    )


def _signs_of_missing_parts(group_facts: _GroupFacts, own_file_services: Sequence[Service]) -> Iterator[NonProductionSign]:
    """What none of the files that may run together has: a volume under a store, a restart, an application."""
    own_services = [one for one in own_file_services if one.owned or one.extends]
    if not own_services or group_facts.names - group_facts.defined_names or group_facts.has_unlisted_files:
        return
    first_service_span = own_services[0].name_span
    if not group_facts.restarts:
        yield NonProductionSign("restarts", "nothing restarts", first_service_span)
    if group_facts.has_stores and not group_facts.keeps_data:
        yield NonProductionSign("kept", "no store keeps its data", first_service_span)
    if group_facts.roles & DATA_STORE_ROLES and group_facts.roles <= DATA_STORE_ROLES | {"console"}:
        yield NonProductionSign("stores", "there are stores and no application", first_service_span)


def _has_restart_policy(service: Service) -> bool:
    """Whether a service says that it is started again."""
    deploy_section = service.extended_node.get("deploy")
    has_deploy_restart_policy = isinstance(deploy_section, Map) and deploy_section.get("restart_policy") is not None
    return has_deploy_restart_policy or service.extended_node.get("restart") not in (None, "no", False)


def _is_long_running_data_store(service: Service) -> bool:
    image_facts = service.image_facts
    return image_facts is not None and image_facts.keeps_data and not service.once


_STORE_CONFIG_MOUNT_PATTERN = lazy_regex(r"/docker-entrypoint-initdb\.d|/etc/|\.(?:sql|sh|conf|cnf|ini|ya?ml|json|js|crt|key|pem|xml)\Z")


def _has_mount_that_may_hold_data(service: Service) -> bool:
    """Whether anything is mounted that may hold data: no tmpfs, no setting and no script of the first start."""
    if service.extended_node.get("volumes_from"):
        return True
    return any(
        spec.type != "tmpfs" and not _STORE_CONFIG_MOUNT_PATTERN.search(spec.target)
        for spec in mount_specs(service.extended_node, service.env_values)
    )


def _includes_unlisted_file(documents: Sequence[Document]) -> bool:
    """Whether one of some files takes in a file that is not among them."""
    document_paths = {posixpath.normpath(one.source.path) for one in documents}
    return any(path not in document_paths for one in documents for path in included_and_extended_paths(one))


def included_and_extended_paths(document: Document) -> set[str]:
    """The files that a file includes or extends services of; HOLE for one whose name a variable hides."""
    written_paths = [one.path for one in included_files_of(document)]
    written_paths += [one.extends[0] for one in document.services.values() if one.extends]
    value_by_name = document.environment.values or NO_VARIABLES
    expanded_paths = [expand_scalar(one, value_by_name).text for one in written_paths]
    return {
        UNKNOWN_VALUE_MARK if UNKNOWN_VALUE_MARK in text else posixpath.normpath(posixpath.join(document.folder, text)) for text in expanded_paths
    }


def _document_group_by_document_id(documents: Sequence[Document]) -> dict[int, list[Document]]:
    """The files of each file's group by the identity of the file: those beside it that name one of its services, and those
    that take in one another. What is for development or tests by its name is in no group."""
    candidate_documents = [one for one in documents if one.source.parent is None and one.purpose in {"unknown", "prod"}]
    document_by_path = {posixpath.normpath(one.source.path): one for one in candidate_documents}
    group_by_document_id: dict[Any, list[Document]] = {id(one): [one] for one in candidate_documents}

    def merge_groups(first_document: Document, second_document: Document) -> None:
        first_group, second_group = group_by_document_id[id(first_document)], group_by_document_id[id(second_document)]
        if first_group is not second_group:
            if len(first_group) < len(second_group):  # the smaller moves, or a long chain of files would move at each of its links
                first_group, second_group = second_group, first_group
            first_group += second_group
            group_by_document_id.update((id(one), first_group) for one in second_group)

    document_by_folder_and_service: dict[tuple[str, str], Document] = {}
    for document in candidate_documents:
        for service_name in document.services:
            merge_groups(document_by_folder_and_service.setdefault((document.folder, service_name), document), document)
        for included_path in included_and_extended_paths(document):
            if included_path in document_by_path:
                merge_groups(document, document_by_path[included_path])
    return group_by_document_id
