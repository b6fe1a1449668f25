"""What is delivered together: a folder's objects, or a rendering's."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection

from readiness.facts.table import fact_rows
from readiness.kinds.k8s.index import object_index
from readiness.kinds.k8s.model import KINDS_OF_PODS, Object
from readiness.kinds.units import folder_of
from readiness.model.project import Project
from readiness.syntax.glob import glob_matches

_MAX_WORDS = 40  # of a name: a label of the DNS has 32 at most


def _namespaces_by_kind(project: Project) -> dict[tuple[str, str], frozenset[str]]:
    """The namespaces of the objects of each folder and kind."""
    made: dict[tuple[str, str], set[str]] = {}
    for kind, objects in object_index(project).objects_by_kind.items():
        for obj in objects:
            made.setdefault((folder_of(obj.source), kind), set()).add(obj.namespace)
    return {key: frozenset(value) for key, value in made.items()}


def _custom_resource_names(project: Project) -> frozenset[str]:
    """The names of the objects that operators look after: those of groups with a dot that are not Kubernetes' own."""
    return frozenset(
        one.name
        for objects in object_index(project).objects_by_kind.values()
        for one in objects
        if one.name and "." in one.group and not one.group.endswith(".k8s.io")
    )


def may_come_from_operator(name: str, project: Project) -> bool:
    """Whether a name begins with that of an object of an operator, which names so what it makes (`shop` -> `shop-head-svc`)."""
    return begins_with_name(name, project.memoize(_custom_resource_names))


def begins_with_name(text: str, names: Collection[str]) -> bool:
    """Whether a text is one of some names, or one of them with more words behind a hyphen."""
    words = text.split("-")[:_MAX_WORDS]
    return any("-".join(words[:count]) in names for count in range(1, len(words) + 1))


def is_made_by_controller(name: str) -> bool:
    """Whether a Service has a name that a well-known controller gives to those that it makes."""
    return any(glob_matches(pattern, name) for pattern in fact_rows("kubernetes-made-services"))


def _kinds_by_file(project: Project) -> dict[str, frozenset[str]]:
    """The kinds of the objects of each file."""
    made: dict[str, set[str]] = {}
    for kind, objects in object_index(project).objects_by_kind.items():
        for obj in objects:
            made.setdefault(obj.source.root.path, set()).add(kind)
    return {path: frozenset(kinds) for path, kinds in made.items()}


def is_file_completed_by_others(obj: Object, project: Project, kind: str) -> bool:
    """Whether an object's file holds workloads of its own and nothing of a kind, so that the others of its folder are other things.

    Such files are examples to apply one by one. Of what a chart or an overlay makes the whole is known.
    """
    kinds = project.memoize(_kinds_by_file).get(obj.source.root.path, frozenset())
    return not project.unit and kind not in kinds and not kinds.isdisjoint(KINDS_OF_PODS)


_CHART_PART = re.compile(r"(?:\A|/)(?:templates|charts)/(?=[^/])")
_WORD_END = re.compile(r"[-_./]")


def _component_words(project: Project) -> tuple[frozenset[str], frozenset[str]]:
    """The words in the paths of a chart's templates: of those that no object came of, and of those that make pods or Services."""
    rendered = project.memoize(_kinds_by_file)
    roots = {path[: part.start()] for path in rendered if (part := _CHART_PART.search(path))}
    silent: set[str] = set()
    making: set[str] = set()
    for path in project.paths:
        part = _CHART_PART.search(path)
        if part is None or path[: part.start()] not in roots or posixpath.basename(path).startswith("_"):
            continue
        stem, _, suffix = path[part.end() :].rpartition(".")
        if suffix in {"yaml", "yml"}:
            words = _WORD_END.split(stem.lower())
            if path not in rendered:
                silent.update(words)
            elif not rendered[path].isdisjoint(("Service", *KINDS_OF_PODS)):
                making.update(words)
    return frozenset(silent), frozenset(making)


def is_component_switched_off(name: str, project: Project) -> bool:
    """Whether a name is that of a chart's component of which the values make nothing that runs, by the names of its templates."""
    if not project.unit:
        return False
    silent, making = project.memoize(_component_words)
    present = {word for one in object_index(project).objects_of_kinds("Service") for word in one.name.split("-")}
    return any(word in silent and word not in making and word not in present for word in name.lower().split("-")[:_MAX_WORDS])


def is_delivered_beside(obj: Object, project: Project, kind: str) -> bool:
    """Whether objects of a kind stand in an object's own folder and namespace: then one more would stand there, too.

    Where none does, they come from elsewhere: a chart, an operator, another repository.
    """
    found = project.memoize(_namespaces_by_kind).get((folder_of(obj.source), kind), frozenset())
    return bool(found) and (not obj.namespace or bool(found & {obj.namespace, ""}))
