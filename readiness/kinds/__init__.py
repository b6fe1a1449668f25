"""What a file is: one module a kind. The order of KINDS is precedence; a module is imported when its kind is asked."""

from __future__ import annotations

import importlib
import posixpath
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any

from readiness.model import AnnotationSuppression, ParseError, Purpose, Source, Subject
from readiness.model.project import Project
from readiness.syntax import outline, template

if TYPE_CHECKING:
    from readiness.kinds.decision import Stated

KINDS = (
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


_YAML_SUFFIXES = (".yaml", ".yml", ".json")
_SERVICES = re.compile(r"services[\"']?\s{0,200}+[:#]")
_DOCKERFILE_WORD = re.compile(r"(?:docker|container)file", re.IGNORECASE)
_FROM = re.compile(r"^[ \t]*FROM[ \t]", re.IGNORECASE | re.MULTILINE)
# What a text or its path must hold before the module of a kind is imported and asked: most runs need few of them.
_KIND_PREFILTERS: dict[str, Callable[[str, str], bool]] = {
    "dotenv": lambda path, text: ".env" in path,
    "dockerfile": lambda path, text: (
        not path.lower().endswith(_YAML_SUFFIXES)
        and ("#" in path or _DOCKERFILE_WORD.search(path) is not None or _FROM.search(text) is not None)
    ),
    "compose": lambda path, text: "compose" in path.lower() or _SERVICES.search(text) is not None,
    "github": lambda path, text: "jobs" in text or "runs" in text or ".github/" in path or "action.y" in path,
    "dependabot": lambda path, text: "updates" in text or "dependabot" in path,
    "gitlab": lambda path, text: "stage" in text or "gitlab-ci" in path,
    "k8s": lambda path, text: (
        path.endswith(_YAML_SUFFIXES) and ("apiVersion" in text or "#" in path or outline.ODD_KEY.search(text) is not None)
    ),
    "nginx": lambda path, text: not path.lower().endswith(_YAML_SUFFIXES),
    "dockerignore": lambda path, text: "ignore" in path,
}


def detect_kind(path: str, text: str) -> str:
    """The kind that claims a text, by its content before its name; an empty string where none does."""
    return next((kind for kind in KINDS if _may_be_of_kind(kind, path, text)), "")


def detect_kind_among(wanted: Collection[str], path: str, text: str) -> str:
    """The kind of a text where that is a wanted one, else an empty string; others are asked where a wanted one may claim it."""
    if not any(_may_be_of_kind(kind, path, text) for kind in KINDS if kind in wanted):
        return ""
    kind = detect_kind(path, text)
    return kind if kind in wanted else ""


def _may_be_of_kind(kind: str, path: str, text: str) -> bool:
    """Whether a kind claims a text, unless one before it does."""
    return _KIND_PREFILTERS[kind](path, text) and bool(kind_module(kind).recognizes_file(path, text))


def kind_of_template(path: str, text: str) -> str:
    """The kind of what a template makes, where the ending of its name is a template's; an empty string for other files.

    `deploy.yaml.j2` is no manifest, and what it makes is one. Lists and environment files need nothing put in to be read.
    """
    inner = template.rendered_path(path)
    if inner == path:
        return ""
    plain = template.without_marks(text, template.find_marks(text))
    kind = detect_kind(inner, text) or detect_kind(inner, plain)
    return "" if kind in {"dotenv", "dockerignore"} else kind


_NGINX_CONF_PATH = re.compile(r"(?:\A|/)nginx[\w.-]*\.conf\Z")
_KUSTOMIZATION_PATH = re.compile(r"(?:\A|/)(?:kustomization\.ya?ml|Kustomization)\Z")
_HELM_VALUES_FILENAME = re.compile(r"values(?:[-.][\w.-]+)?\.ya?ml\Z")
_TEMPLATES_FOLDER = re.compile(r"(?:\A|/)templates/")
_HELM_TEMPLATE_SUFFIXES = (".yaml", ".yml", ".tpl")


def kind_from_path(path: str, known_paths: Collection[str]) -> str:
    """The kind that a file's name alone promises, for a file that nobody could open; empty where it promises none.

    `known_paths` are those of the files around it: values and templates belong to the chart that they stand in. What charts
    and kustomizations are called stands in reports as `helm` and `kustomize`.
    """
    folder, name = posixpath.split(path)
    if name == "Chart.yaml" or (_HELM_VALUES_FILENAME.fullmatch(name) and posixpath.join(folder, "Chart.yaml") in known_paths):
        return "helm"
    template = _TEMPLATES_FOLDER.search(path) if name.endswith(_HELM_TEMPLATE_SUFFIXES) else None
    if template and posixpath.join(path[: template.start()], "Chart.yaml") in known_paths:
        return "helm"
    if _KUSTOMIZATION_PATH.search(path):
        return "kustomize"
    return "nginx" if _NGINX_CONF_PATH.search(path) else detect_kind(path, "x")


def parse_source(source: Source) -> Any:
    """The document of a source whose kind is known. Raises ParseError."""
    return kind_module(source.kind).parse(source)


def template_mark_at_error(source: Source, error: ParseError) -> int | None:
    """The offset of the template's mark at which a parser stopped: without the marks of the text it gets further; else None.

    A mark in a comment, a quoted string or a block scalar stops no parser, so it excuses nothing.
    """
    text = source.text
    marks = list(template.find_marks(text))
    if not marks:
        return None
    try:
        parse_source(Source(source.path, template.without_marks(text, marks), kind=source.kind))
    except ParseError as again:
        if again.offset <= error.offset:
            return None
    end = text.find("\n", error.offset)
    before = [one.start for one in marks if end < 0 or one.start <= end]
    return before[-1] if before else marks[0].start


def subject_finders_of(kind: str) -> dict[str, Callable[[Any], Iterable[Any]]]:
    """The sorts of thing that documents of a kind hold."""
    found: dict[str, Callable[[Any], Iterable[Any]]] = kind_module(kind).TARGETS
    if kind in _CI_KINDS:
        return {
            **found,
            **importlib.import_module("readiness.kinds.delivery.targets").TARGETS[kind],
        }
    return found


_CI_KINDS = frozenset({"github", "gitlab"})  # kinds with targets in readiness/kinds/delivery


def embedded_sources(kind: str, document: Any) -> Iterator[Source]:
    """The sources nested in a document: config files in the values of a ConfigMap."""
    inner = getattr(kind_module(kind), "embedded_sources", None)
    return inner(document) if inner else iter(())


def first_template_mark(kind: str, document: Any) -> int | None:
    """Where a file that parses is a template all the same: the offset of the first place that its tool cannot read."""
    found = getattr(kind_module(kind), "first_unfilled_placeholder", None)
    return found(document) if found else None


def link_documents(documents_by_kind: Mapping[str, list[Any]], known_paths: Collection[str], *, prose: bool = False) -> None:
    """Let each kind look at all documents before rules do: one file may say what another is, and what it is for.

    Of what `prose` shows nobody says where it would run.
    """
    for kind in documents_by_kind:
        found = getattr(kind_module(kind), "link_documents", None)
        if found:
            found(documents_by_kind, known_paths)
    for kind in _PURPOSES if not prose else ():
        found = kind in documents_by_kind and getattr(_purpose_module(kind), "take_purposes", None)
        if found:
            found(documents_by_kind[kind], known_paths)
    if not prose and "compose" in documents_by_kind and not documents_by_kind.keys().isdisjoint(("dockerfile", "nginx")):
        used = importlib.import_module("readiness.kinds.joins.used")
        used.tell_purposes_by_use(documents_by_kind, known_paths)


# The modules that tell what files of a kind are for: by `take_purposes(documents, paths)` beforehand, or by `purposes(document)`
# when they are asked; and by `stated_purposes(document)` what they say themselves.
_PURPOSES = {
    "compose": "readiness.kinds.compose.told",
    "dockerfile": "readiness.kinds.dockerfile.purpose",
    "github": "readiness.kinds.pipeline.purpose",
    "gitlab": "readiness.kinds.pipeline.purpose",
    "k8s": "readiness.kinds.k8s.purpose",
    "nginx": "readiness.kinds.nginx.purpose",
}


def _purpose_module(kind: str) -> ModuleType | None:
    return importlib.import_module(_PURPOSES[kind]) if kind in _PURPOSES else None


def purposes_of(kind: str, document: Any) -> Mapping[str, Purpose]:
    """What a document (under "") and the things in it (under their resources) were taken for, after `link_documents`."""
    found = getattr(_purpose_module(kind), "purposes", None)
    told: Mapping[str, Purpose] = found(document) if found else document.source.purposes
    return told


def taken_purpose(subject: Subject) -> Purpose | None:
    """What a thing was taken for, after `link_documents`; None where nothing says so, which may run in production."""
    source: Source | None = subject.source
    said = subject.source.root.said
    while said is None and source is not None:
        said = source.purposes.get(subject.resource) or source.purposes.get("")
        source = source.parent
    return said


def is_production(subject: Subject) -> bool:
    """Whether production's questions are asked of a thing, after `link_documents`."""
    taken = taken_purpose(subject)
    return taken is None or taken.is_production


def stated_purposes(kind: str, document: Any) -> Iterator[Stated]:
    """What a document says of its own purpose, and of the things in it, known words or not."""
    from readiness.kinds.decision import stated_in_comments

    yield from stated_in_comments(document.source)
    found = getattr(_purpose_module(kind), "stated_purposes", None)
    yield from found(document) if found else ()


def suppression_notes(kind: str, document: Any) -> Iterator[AnnotationSuppression]:
    """The suppressions that a document carries as data: annotations of Kubernetes objects."""
    found = getattr(kind_module(kind), "annotation_suppressions", None)
    return found(document) if found else iter(())


# The modules that tell which files of a kind are applied together, by `unit_of(document, project)`: its first file's path.
_UNIT_MODULES = {
    "compose": "readiness.kinds.compose.application",
    "gitlab": "readiness.kinds.gitlab.includes",
    "nginx": "readiness.kinds.nginx.includes",
}


def unit_by_source_id(project: Project) -> dict[int, str]:
    """What the documents of a project are applied with, by the identity of their sources.

    That is the project's own unit where it is one; else the first file of a compose project, of a pipeline or of a server's
    configuration, and for all others the folder (`.` for the first one).
    """
    found: dict[int, str] = {}
    for kind, documents in project.by_kind.items():
        unit_of = importlib.import_module(_UNIT_MODULES[kind]).root_file_path if kind in _UNIT_MODULES else None
        for document in documents:
            source = document.source
            unit = project.unit or (unit_of(document, project) if unit_of else posixpath.dirname(source.root.path))
            found[id(source)] = unit or "."
    return found


_RULE_GROUP_BY_KIND = {
    "github": "ci",
    "gitlab": "ci",
    "dependabot": "ci",
    "dockerignore": "dockerfile",
    "dotenv": "compose",
}


def rule_group(kind: str) -> str:
    """The folder of rules that speak of a kind."""
    return _RULE_GROUP_BY_KIND.get(kind, kind)


def kind_of_target(target: str) -> str:
    """The kind that a target belongs to."""
    return target.partition(".")[0]
