"""What a file is: one module a kind. The order of KINDS is precedence; a module is imported when its kind is asked."""

from __future__ import annotations

import importlib
import posixpath
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any

from readiness.model import Note, ParseError, Purpose, Source, Subject
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
    """The module of a kind: NAME, EXAMPLE, claims, parse, TARGETS and, where there is any, embedded."""
    return importlib.import_module(f"readiness.kinds.{kind}")


_YAML = (".yaml", ".yml", ".json")
_SERVICES = re.compile(r"services[\"']?\s{0,200}+[:#]")
_FROM = re.compile(r"^[ \t]*FROM[ \t]", re.IGNORECASE | re.MULTILINE)
# What a text or its path must hold before the module of a kind is imported and asked: most runs need few of them.
_SIGNS: dict[str, Callable[[str, str], bool]] = {
    "dotenv": lambda path, text: ".env" in path,
    "dockerfile": lambda path, text: (
        not path.lower().endswith(_YAML)
        and ("#" in path or "file" in path.lower() or _FROM.search(text) is not None)
    ),
    "compose": lambda path, text: "compose" in path.lower() or _SERVICES.search(text) is not None,
    "github": lambda path, text: (
        "jobs" in text or "runs" in text or ".github/" in path or "action.y" in path
    ),
    "dependabot": lambda path, text: "updates" in text or "dependabot" in path,
    "gitlab": lambda path, text: "stage" in text or "gitlab-ci" in path,
    "k8s": lambda path, text: (
        path.endswith(_YAML)
        and ("apiVersion" in text or "#" in path or outline.ODD_KEY.search(text) is not None)
    ),
    "nginx": lambda path, text: not path.lower().endswith(_YAML),
    "dockerignore": lambda path, text: "ignore" in path,
}


def classify(path: str, text: str) -> str:
    """The kind that claims a text, by its content before its name; an empty string where none does."""
    for kind in KINDS:
        sign = _SIGNS.get(kind)
        if (sign is None or sign(path, text)) and kind_module(kind).claims(path, text):
            return kind
    return ""


def kind_of_template(path: str, text: str) -> str:
    """The kind of what a template makes, where the ending of its name is a template's; an empty string for other files.

    `deploy.yaml.j2` is no manifest, and what it makes is one. Lists and environment files need nothing put in to be read.
    """
    inner = template.target_path(path)
    if inner == path:
        return ""
    plain = template.without_marks(text, template.find_marks(text))
    kind = classify(inner, text) or classify(inner, plain)
    return "" if kind in {"dotenv", "dockerignore"} else kind


_NGINX = re.compile(r"(?:\A|/)nginx[\w.-]*\.conf\Z")
_OVERLAY = re.compile(r"(?:\A|/)(?:kustomization\.ya?ml|Kustomization)\Z")
_VALUES = re.compile(r"values(?:[-.][\w.-]+)?\.ya?ml\Z")
_TEMPLATES = re.compile(r"(?:\A|/)templates/")
_TEMPLATE = (".yaml", ".yml", ".tpl")


def kind_expected_of(path: str, paths: Collection[str]) -> str:
    """The kind that a file's name alone promises, for a file that nobody could open; empty where it promises none.

    `paths` are those of the files around it: values and templates belong to the chart that they stand in. What charts
    and kustomizations are called stands in reports as `helm` and `kustomize`.
    """
    folder, name = posixpath.split(path)
    if name == "Chart.yaml" or (
        _VALUES.fullmatch(name) and posixpath.join(folder, "Chart.yaml") in paths
    ):
        return "helm"
    template = _TEMPLATES.search(path) if name.endswith(_TEMPLATE) else None
    if template and posixpath.join(path[: template.start()], "Chart.yaml") in paths:
        return "helm"
    if _OVERLAY.search(path):
        return "kustomize"
    return "nginx" if _NGINX.search(path) else classify(path, "x")


def parse(source: Source) -> Any:
    """The document of a source whose kind is known. Raises ParseError."""
    return kind_module(source.kind).parse(source)


def mark_that_stops(source: Source, error: ParseError) -> int | None:
    """The offset of the template's mark at which a parser stopped: without the marks of the text it gets further; else None.

    A mark in a comment, a quoted string or a block scalar stops no parser, so it excuses nothing.
    """
    text = source.text
    marks = list(template.find_marks(text))
    if not marks:
        return None
    try:
        parse(Source(source.path, template.without_marks(text, marks), kind=source.kind))
    except ParseError as again:
        if again.offset <= error.offset:
            return None
    end = text.find("\n", error.offset)
    before = [one.start for one in marks if end < 0 or one.start <= end]
    return before[-1] if before else marks[0].start


def targets_of(kind: str) -> dict[str, Callable[[Any], Iterable[Any]]]:
    """The sorts of thing that documents of a kind hold."""
    found: dict[str, Callable[[Any], Iterable[Any]]] = kind_module(kind).TARGETS
    if kind in _DELIVERING:
        return {
            **found,
            **importlib.import_module("readiness.kinds.delivery.targets").TARGETS[kind],
        }
    return found


_DELIVERING = frozenset({"github", "gitlab"})  # kinds with targets in readiness/kinds/delivery


def embedded(kind: str, document: Any) -> Iterator[Source]:
    """The sources nested in a document: config files in the values of a ConfigMap."""
    inner = getattr(kind_module(kind), "embedded", None)
    return inner(document) if inner else iter(())


def first_template_mark(kind: str, document: Any) -> int | None:
    """Where a file that parses is a template all the same: the offset of the first place that its tool cannot read."""
    found = getattr(kind_module(kind), "unfilled", None)
    return found(document) if found else None


def prepare(
    by_kind: Mapping[str, list[Any]], paths: Collection[str], *, prose: bool = False
) -> None:
    """Let each kind look at all documents before rules do: one file may say what another is, and what it is for.

    Of what `prose` shows nobody says where it would run.
    """
    for kind in by_kind:
        found = getattr(kind_module(kind), "prepare", None)
        if found:
            found(by_kind, paths)
    for kind in _PURPOSES if not prose else ():
        found = kind in by_kind and getattr(_purpose_module(kind), "take_purposes", None)
        if found:
            found(by_kind[kind], paths)


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
    """What a document (under "") and the things in it (under their resources) were taken for, after `prepare`."""
    found = getattr(_purpose_module(kind), "purposes", None)
    told: Mapping[str, Purpose] = found(document) if found else document.source.purposes
    return told


def is_production(subject: Subject) -> bool:
    """Whether production's questions are asked of a thing, after `prepare`."""
    source: Source | None = subject.source
    said = subject.source.root.said
    if said is not None:
        return said.is_production
    while source is not None:
        taken = source.purposes.get(subject.resource) or source.purposes.get("")
        if taken is not None:
            return taken.is_production
        source = source.parent
    return True


def stated_purposes(kind: str, document: Any) -> Iterator[Stated]:
    """What a document says of its own purpose, and of the things in it, known words or not."""
    from readiness.kinds.decision import stated_in_comments

    yield from stated_in_comments(document.source)
    found = getattr(_purpose_module(kind), "stated_purposes", None)
    yield from found(document) if found else ()


def suppression_notes(kind: str, document: Any) -> Iterator[Note]:
    """The suppressions that a document carries as data: annotations of Kubernetes objects."""
    found = getattr(kind_module(kind), "notes", None)
    return found(document) if found else iter(())


# The modules that tell which files of a kind are applied together, by `unit_of(document, project)`: its first file's path.
_UNITS = {
    "compose": "readiness.kinds.compose.application",
    "gitlab": "readiness.kinds.gitlab.includes",
    "nginx": "readiness.kinds.nginx.includes",
}


def units_of_sources(project: Project) -> dict[int, str]:
    """What the documents of a project are applied with, by the identity of their sources.

    That is the project's own unit where it is one; else the first file of a compose project, of a pipeline or of a server's
    configuration, and for all others the folder (`.` for the first one).
    """
    found: dict[int, str] = {}
    for kind, documents in project.by_kind.items():
        unit_of = importlib.import_module(_UNITS[kind]).unit_of if kind in _UNITS else None
        for document in documents:
            source = document.source
            unit = project.unit or (
                unit_of(document, project) if unit_of else posixpath.dirname(source.root.path)
            )
            found[id(source)] = unit or "."
    return found


_GROUPS = {
    "github": "ci",
    "gitlab": "ci",
    "dependabot": "ci",
    "dockerignore": "dockerfile",
    "dotenv": "compose",
}


def rule_group(kind: str) -> str:
    """The folder of rules that speak of a kind."""
    return _GROUPS.get(kind, kind)


def kind_of_target(target: str) -> str:
    """The kind that a target belongs to."""
    return target.partition(".")[0]
