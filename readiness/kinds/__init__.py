"""What a file is: one module a kind. The order of KINDS is precedence; a module is imported when its kind is asked."""

from __future__ import annotations

import importlib
import posixpath
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING, Any

from readiness.model import AnnotationSuppression, ParseError, Purpose, Source, Subject
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import Project
from readiness.syntax import outline, template

if TYPE_CHECKING:
    from readiness.kinds.decision import Stated

KINDS_BY_PRECEDENCE = (
    "dotenv",
    "dockerfile",
    "compose",
    "github",
    "dependabot",
    "gitlab",
    "k8s",
    "nginx",
    "dockerignore",
)


def kind_module(kind: str) -> ModuleType:
    """The module of a kind: KIND_NAME, EXAMPLE_PATH, recognizes_file, parse, TARGETS and, where there is any, embedded_sources."""
    return importlib.import_module(f"readiness.kinds.{kind}")


_YAML_AND_JSON_SUFFIXES = (".yaml", ".yml", ".json")
_SERVICES_KEY_PATTERN = lazy_regex(r"services[\"']?\s{0,200}+[:#]")
_DOCKERFILE_WORD_PATTERN = lazy_regex(r"(?:docker|container)file", re.IGNORECASE)
_FROM_LINE_PATTERN = lazy_regex(r"^[ \t]*FROM[ \t]", re.IGNORECASE | re.MULTILINE)
# What a text or its path must hold before the module of a kind is imported and asked: most runs need few of them.
_PREFILTER_BY_KIND: dict[str, Callable[[str, str], bool]] = {
    "dotenv": lambda path, text: ".env" in path,
    "dockerfile": lambda path, text: (
        not path.lower().endswith(_YAML_AND_JSON_SUFFIXES)
        and ("#" in path or _DOCKERFILE_WORD_PATTERN.search(path) is not None or _FROM_LINE_PATTERN.search(text) is not None)
    ),
    "compose": lambda path, text: "compose" in path.lower() or _SERVICES_KEY_PATTERN.search(text) is not None,
    "github": lambda path, text: "jobs" in text or "runs" in text or ".github/" in path or "action.y" in path,
    "dependabot": lambda path, text: "updates" in text or "dependabot" in path,
    "gitlab": lambda path, text: "stage" in text or "gitlab-ci" in path,
    "k8s": lambda path, text: (
        path.endswith(_YAML_AND_JSON_SUFFIXES) and ("apiVersion" in text or "#" in path or outline.UNUSUAL_KEY_PATTERN.search(text) is not None)
    ),
    "nginx": lambda path, text: not path.lower().endswith(_YAML_AND_JSON_SUFFIXES),
    "dockerignore": lambda path, text: "ignore" in path,
}


def detect_kind(file_path: str, file_text: str) -> str:
    """The kind that claims a text, by its content before its name; an empty string where none does."""
    return next((kind for kind in KINDS_BY_PRECEDENCE if _is_recognized_as_kind(kind, file_path, file_text)), "")


def detect_kind_among(wanted_kinds: Collection[str], file_path: str, file_text: str) -> str:
    """The kind of a text where that is a wanted one, else an empty string; others are asked where a wanted one may claim it."""
    if not any(_is_recognized_as_kind(kind, file_path, file_text) for kind in KINDS_BY_PRECEDENCE if kind in wanted_kinds):
        return ""
    kind = detect_kind(file_path, file_text)
    return kind if kind in wanted_kinds else ""


def _is_recognized_as_kind(kind: str, path: str, text: str) -> bool:
    """Whether a kind claims a text, unless one before it does."""
    return _PREFILTER_BY_KIND[kind](path, text) and bool(kind_module(kind).recognizes_file(path, text))


def kind_rendered_from_template(template_path: str, template_text: str) -> str:
    """The kind of what a template makes, where the ending of its name is a template's; an empty string for other files.

    `deploy.yaml.j2` is no manifest, and what it makes is one. Lists and environment files need nothing put in to be read.
    """
    rendered_file_path = template.path_without_template_suffix(template_path)
    if rendered_file_path == template_path:
        return ""
    text_without_marks = template.blank_out_template_marks(template_text, template.find_template_marks(template_text))
    rendered_kind = detect_kind(rendered_file_path, template_text) or detect_kind(rendered_file_path, text_without_marks)
    return "" if rendered_kind in {"dotenv", "dockerignore"} else rendered_kind


_NGINX_CONF_PATH = lazy_regex(r"(?:\A|/)nginx[\w.-]*\.conf\Z")
_KUSTOMIZATION_PATH = lazy_regex(r"(?:\A|/)(?:kustomization\.ya?ml|Kustomization)\Z")
_HELM_VALUES_FILENAME_PATTERN = lazy_regex(r"values(?:[-.][\w.-]+)?\.ya?ml\Z")
_TEMPLATES_FOLDER_PATTERN = lazy_regex(r"(?:\A|/)templates/")
_HELM_TEMPLATE_SUFFIXES = (".yaml", ".yml", ".tpl")


def kind_from_path(file_path: str, known_paths: Collection[str]) -> str:
    """The kind that a file's name alone promises, for a file that nobody could open; empty where it promises none.

    `known_paths` are those of the files around it: values and templates belong to the chart that they stand in. What charts
    and kustomizations are called stands in reports as `helm` and `kustomize`.
    """
    parent_folder, file_name = posixpath.split(file_path)
    if file_name == "Chart.yaml" or (
        _HELM_VALUES_FILENAME_PATTERN.fullmatch(file_name) and posixpath.join(parent_folder, "Chart.yaml") in known_paths
    ):
        return "helm"
    templates_folder_match = _TEMPLATES_FOLDER_PATTERN.search(file_path) if file_name.endswith(_HELM_TEMPLATE_SUFFIXES) else None
    if templates_folder_match and posixpath.join(file_path[: templates_folder_match.start()], "Chart.yaml") in known_paths:
        return "helm"
    if _KUSTOMIZATION_PATH.search(file_path):
        return "kustomize"
    return "nginx" if _NGINX_CONF_PATH.search(file_path) else detect_kind(file_path, "x")


def parse_source(source: Source) -> Any:
    """The document of a source whose kind is known. Raises ParseError."""
    return kind_module(source.kind).parse(source)


def template_mark_offset_at_error(source: Source, error: ParseError) -> int | None:
    """The offset of the template's mark at which a parser stopped: without the marks of the text it gets further; else None.

    A mark in a comment, a quoted string or a block scalar stops no parser, so it excuses nothing.
    """
    source_text = source.text
    template_marks = list(template.find_template_marks(source_text))
    if not template_marks:
        return None
    try:
        parse_source(Source(source.path, template.blank_out_template_marks(source_text, template_marks), kind=source.kind))
    except ParseError as second_error:
        if second_error.offset <= error.offset:
            return None
    error_line_end = source_text.find("\n", error.offset)
    mark_starts_up_to_error_line = [one.start for one in template_marks if error_line_end < 0 or one.start <= error_line_end]
    return mark_starts_up_to_error_line[-1] if mark_starts_up_to_error_line else template_marks[0].start


def subject_finder_by_target(kind: str) -> dict[str, Callable[[Any], Iterable[Any]]]:
    """The sorts of thing that documents of a kind hold."""
    finder_by_target: dict[str, Callable[[Any], Iterable[Any]]] = kind_module(kind).TARGETS
    if kind in _CI_KINDS_WITH_DELIVERY_TARGETS:
        return {
            **finder_by_target,
            **importlib.import_module("readiness.kinds.delivery.targets").TARGETS[kind],
        }
    return finder_by_target


_CI_KINDS_WITH_DELIVERY_TARGETS = frozenset({"github", "gitlab"})  # kinds with targets in readiness/kinds/delivery


def embedded_sources(kind: str, document: Any) -> Iterator[Source]:
    """The sources nested in a document: config files in the values of a ConfigMap."""
    find_embedded_sources = getattr(kind_module(kind), "embedded_sources", None)
    return find_embedded_sources(document) if find_embedded_sources else iter(())


def first_unfilled_placeholder_offset(kind: str, document: Any) -> int | None:
    """Where a file that parses is a template all the same: the offset of the first place that its tool cannot read."""
    find_first_placeholder = getattr(kind_module(kind), "first_unfilled_placeholder", None)
    return find_first_placeholder(document) if find_first_placeholder else None


def link_documents(documents_by_kind: Mapping[str, list[Any]], known_paths: Collection[str], *, is_prose: bool = False) -> None:
    """Let each kind look at all documents before rules do: one file may say what another is, and what it is for.

    Of what `is_prose` shows nobody says where it would run.
    """
    for _, link in linking_steps(documents_by_kind, known_paths, is_prose=is_prose):
        link()


def linking_steps(
    documents_by_kind: Mapping[str, list[Any]], known_paths: Collection[str], *, is_prose: bool
) -> Iterator[tuple[str, Callable[[], None]]]:
    """What `link_documents` does, in order: (kind, step)."""
    for kind in documents_by_kind:
        link_or_take_purposes = getattr(kind_module(kind), "link_documents", None)
        if link_or_take_purposes:
            yield kind, partial(link_or_take_purposes, documents_by_kind, known_paths)
    for kind in _PURPOSE_MODULE_BY_KIND if not is_prose else ():
        link_or_take_purposes = kind in documents_by_kind and getattr(_purpose_module(kind), "take_purposes", None)
        if link_or_take_purposes:
            yield kind, partial(link_or_take_purposes, documents_by_kind[kind], known_paths)
    if not is_prose and "compose" in documents_by_kind and not documents_by_kind.keys().isdisjoint(("dockerfile", "nginx")):
        purposes_by_use_module = importlib.import_module("readiness.kinds.joins.used")
        yield "compose", partial(purposes_by_use_module.tell_purposes_by_use, documents_by_kind, known_paths)


# The modules that tell what files of a kind are for: by `take_purposes(documents, paths)` beforehand, or by `purposes(document)`
# when they are asked; and by `stated_purposes(document)` what they say themselves.
_PURPOSE_MODULE_BY_KIND = {
    "compose": "readiness.kinds.compose.told",
    "dockerfile": "readiness.kinds.dockerfile.purpose",
    "github": "readiness.kinds.pipeline.purpose",
    "gitlab": "readiness.kinds.pipeline.purpose",
    "k8s": "readiness.kinds.k8s.purpose",
    "nginx": "readiness.kinds.nginx.purpose",
}


def _purpose_module(kind: str) -> ModuleType | None:
    return importlib.import_module(_PURPOSE_MODULE_BY_KIND[kind]) if kind in _PURPOSE_MODULE_BY_KIND else None


def purpose_by_resource_of_document(kind: str, document: Any) -> Mapping[str, Purpose]:
    """What a document (under "") and the things in it (under their resources) were taken for, after `link_documents`."""
    find_purposes = getattr(_purpose_module(kind), "purposes", None)
    purpose_by_resource: Mapping[str, Purpose] = find_purposes(document) if find_purposes else document.source.purposes
    return purpose_by_resource


def idle_resources_of_document(kind: str, document: Any, project: Any) -> Collection[str]:
    """The things in a document that nothing of runs as it stands: workloads without pods."""
    if kind != "k8s":
        return ()
    resources: Collection[str] = importlib.import_module("readiness.kinds.k8s.idle").idle_resources(document, project)
    return resources


def effective_purpose_of_subject(subject: Subject) -> Purpose | None:
    """What a thing was taken for, after `link_documents`; None where nothing says so, which may run in production."""
    source_or_parent: Source | None = subject.source
    stated_or_found_purpose = subject.source.root.said
    while stated_or_found_purpose is None and source_or_parent is not None:
        stated_or_found_purpose = source_or_parent.purposes.get(subject.resource) or source_or_parent.purposes.get("")
        source_or_parent = source_or_parent.parent
    return stated_or_found_purpose


def is_production_subject(subject: Subject) -> bool:
    """Whether production's questions are asked of a thing, after `link_documents`."""
    effective_purpose = effective_purpose_of_subject(subject)
    return effective_purpose is None or effective_purpose.is_production


def stated_purposes(kind: str, document: Any) -> Iterator[Stated]:
    """What a document says of its own purpose, and of the things in it, known words or not."""
    from readiness.kinds.decision import purposes_stated_in_comments

    yield from purposes_stated_in_comments(document.source)
    find_stated_purposes = getattr(_purpose_module(kind), "stated_purposes", None)
    yield from find_stated_purposes(document) if find_stated_purposes else ()


def annotation_suppressions_of(kind: str, document: Any) -> Iterator[AnnotationSuppression]:
    """The suppressions that a document carries as data: annotations of Kubernetes objects."""
    find_suppressions = getattr(kind_module(kind), "annotation_suppressions", None)
    return find_suppressions(document) if find_suppressions else iter(())


# The modules that tell which files of a kind are applied together, by `unit_of(document, project)`: its first file's path.
_UNIT_MODULE_BY_KIND = {
    "compose": "readiness.kinds.compose.application",
    "gitlab": "readiness.kinds.gitlab.includes",
    "nginx": "readiness.kinds.nginx.includes",
}


def unit_path_by_source_id(project: Project) -> dict[int, str]:
    """What the documents of a project are applied with, by the identity of their sources.

    That is the project's own unit where it is one; else the first file of a compose project, of a pipeline or of a server's
    configuration, and for all others the folder (`.` for the first one).
    """
    unit_path_by_id: dict[int, str] = {}
    for kind, documents in project.by_kind.items():
        find_root_file_path = importlib.import_module(_UNIT_MODULE_BY_KIND[kind]).root_file_path if kind in _UNIT_MODULE_BY_KIND else None
        for document in documents:
            source = document.source
            unit_path = project.unit or (find_root_file_path(document, project) if find_root_file_path else posixpath.dirname(source.root.path))
            unit_path_by_id[id(source)] = unit_path or "."
    return unit_path_by_id


_RULE_GROUP_BY_KIND = {
    "github": "ci",
    "gitlab": "ci",
    "dependabot": "ci",
    "dockerignore": "dockerfile",
    "dotenv": "compose",
}


def rule_folder_of_kind(kind: str) -> str:
    """The folder of rules that speak of a kind."""
    return _RULE_GROUP_BY_KIND.get(kind, kind)


def kind_of_target(target: str) -> str:
    """The kind that a target belongs to."""
    return target.partition(".")[0]
