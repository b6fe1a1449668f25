"""What is delivered together: a folder's objects, or a rendering's."""

from __future__ import annotations

import posixpath
from collections.abc import Collection
from typing import NamedTuple

from readiness.facts.table import fact_row_by_name
from readiness.kinds.k8s.index import object_index
from readiness.kinds.k8s.model import KINDS_WITH_LASTING_PODS, Object
from readiness.kinds.k8s.releases import KINDS_OF_RELEASES, is_helm_release, local_chart_paths, release_names, release_namespaces
from readiness.kinds.units import folder_of
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import Project, parent_folders
from readiness.syntax.glob import glob_matches

_MAX_FOLDER_DEPTH = 40
_MAX_WORDS_PER_NAME = 40  # of a name: a label of the DNS has 32 at most


def _namespaces_by_folder_and_kind(project: Project) -> dict[tuple[str, str], frozenset[str]]:
    """The namespaces of the objects of each folder and kind."""
    namespaces_by_folder_and_kind: dict[tuple[str, str], set[str]] = {}
    for kind, objects_of_kind in object_index(project).objects_by_kind.items():
        for obj in objects_of_kind:
            namespaces_by_folder_and_kind.setdefault((folder_of(obj.source), kind), set()).add(obj.namespace)
    return {key: frozenset(value) for key, value in namespaces_by_folder_and_kind.items()}


def _custom_resource_names(project: Project) -> frozenset[str]:
    """The names of the objects that operators look after: those of groups with a dot that are not Kubernetes' own."""
    return frozenset(
        one.name
        for objects in object_index(project).objects_by_kind.values()
        for one in objects
        if one.name and "." in one.group and not one.group.endswith(".k8s.io")
    )


def may_come_from_operator(object_name: str, project: Project) -> bool:
    """Whether a name begins with that of an object of an operator, which names so what it makes (`shop` -> `shop-head-svc`)."""
    return begins_with_any_name(object_name, project.memoize(_custom_resource_names))


def begins_with_any_name(text: str, known_names: Collection[str]) -> bool:
    """Whether a text is one of some names, or one of them with more words behind a hyphen."""
    hyphenated_words = text.split("-")[:_MAX_WORDS_PER_NAME]
    return any("-".join(hyphenated_words[:count]) in known_names for count in range(1, len(hyphenated_words) + 1))


def is_controller_made_service_name(service_name: str, project: Project) -> bool:
    """Whether a Service has a name that a well-known controller gives to those that it makes, if need be for an object in the files."""
    return any(
        glob_matches(name_pattern, service_name)
        and ("of" not in fact_row or _has_object_filling_name(name_pattern, service_name, fact_row["of"], project))
        for name_pattern, fact_row in fact_row_by_name("kubernetes-made-services").items()
    )


class _Release(NamedTuple):
    """What a release of a chart from elsewhere is called, and where it stands."""

    names: frozenset[str]
    folder: str
    namespaces: frozenset[str]


def _releases_of_charts_from_elsewhere(project: Project) -> list[_Release]:
    """The releases whose charts are not in the tree, so that nobody sees here what they make."""
    return [
        _Release(frozenset(release_names(one)), folder_of(one.source), frozenset(release_namespaces(one)))
        for one in object_index(project).objects_of_kinds(*KINDS_OF_RELEASES)
        if is_helm_release(one) and not any(_is_path_in_tree(path, project) for path in local_chart_paths(one))
    ]


def _is_path_in_tree(chart_path: str, project: Project) -> bool:
    """Whether a folder from the root of a repository is one of the tree's, which may be a part of the repository or hold it."""
    folder = posixpath.normpath(chart_path).strip("/")
    return folder != "." and folder in project.memoize(_ends_of_folders)


def _ends_of_folders(project: Project) -> frozenset[str]:
    """The paths of the tree's folders, and what is left of each without its first parts."""
    folders = {folder for path in project.paths for folder in parent_folders(path)}
    return frozenset(folder.split("/", count)[count] for folder in folders for count in range(min(folder.count("/") + 1, _MAX_FOLDER_DEPTH)))


def may_release_make_service(obj: Object, service_name: str, namespace: str, project: Project) -> bool:
    """Whether a release beside an object, or in the Service's namespace, is of a chart from elsewhere that may make a Service of that name.

    Charts call what they make by their release (`gitlab-webservice-default`), objects that an operator makes Services for, too.
    """
    near_releases = [
        one
        for one in project.memoize(_releases_of_charts_from_elsewhere)
        if one.folder == folder_of(obj.source) or (namespace and namespace in one.namespaces)
    ]
    return any(begins_with_any_name(service_name, one.names) or _fills_name_of_made_service(service_name, one.names) for one in near_releases)


def _fills_name_of_made_service(service_name: str, object_names: Collection[str]) -> bool:
    """Whether a name is one that an operator gives to the Service of an object of one of some names."""
    name_patterns = (pattern for pattern, row in fact_row_by_name("kubernetes-made-services").items() if "of" in row)
    return any(pattern.replace("*", one) == service_name for pattern in name_patterns for one in object_names)


def is_release_beside(obj: Object, project: Project) -> bool:
    """Whether a release of a chart from elsewhere stands in an object's folder: pods that it selects may be the chart's, or its operator's."""
    return any(one.folder == folder_of(obj.source) for one in project.memoize(_releases_of_charts_from_elsewhere))


def _has_object_filling_name(name_pattern: str, service_name: str, kind: str, project: Project) -> bool:
    """Whether an object of an operator's kind has the name that stands at the star of a pattern."""
    prefix, _, suffix = name_pattern.partition("*")
    objects = object_index(project).objects_by_kind.get(kind, ())
    return any("." in one.group and f"{prefix}{one.name}{suffix}" == service_name for one in objects)


def _kinds_by_file(project: Project) -> dict[str, frozenset[str]]:
    """The kinds of the objects of each file."""
    kinds_by_path: dict[str, set[str]] = {}
    for kind, objects_of_kind in object_index(project).objects_by_kind.items():
        for obj in objects_of_kind:
            kinds_by_path.setdefault(obj.source.root.path, set()).add(kind)
    return {path: frozenset(kinds) for path, kinds in kinds_by_path.items()}


def is_example_file_without_kind(obj: Object, project: Project, kind: str) -> bool:
    """Whether an object's file holds workloads of its own and nothing of a kind, so that the others of its folder are other things.

    Such files are examples to apply one by one. Of what a chart or an overlay makes the whole is known.
    """
    kinds_in_file = project.memoize(_kinds_by_file).get(obj.source.root.path, frozenset())
    return not project.unit and kind not in kinds_in_file and not kinds_in_file.isdisjoint(KINDS_WITH_LASTING_PODS)


_CHART_TEMPLATE_FOLDER = lazy_regex(r"(?:\A|/)(?:templates|charts)/(?=[^/])")
_WORD_SEPARATOR = lazy_regex(r"[-_./]")


def _silent_and_making_template_words(project: Project) -> tuple[frozenset[str], frozenset[str]]:
    """The words in the paths of a chart's templates: of those that no object came of, and of those that make pods or Services."""
    kinds_by_rendered_path = project.memoize(_kinds_by_file)
    chart_roots = {
        template_path[: template_folder_match.start()]
        for template_path in kinds_by_rendered_path
        if (template_folder_match := _CHART_TEMPLATE_FOLDER.search(template_path))
    }
    words_of_empty_templates: set[str] = set()
    words_of_running_templates: set[str] = set()
    for template_path in project.paths:
        template_folder_match = _CHART_TEMPLATE_FOLDER.search(template_path)
        if (
            template_folder_match is None
            or template_path[: template_folder_match.start()] not in chart_roots
            or posixpath.basename(template_path).startswith("_")
        ):
            continue
        path_without_suffix, _, file_suffix = template_path[template_folder_match.end() :].rpartition(".")
        if file_suffix in {"yaml", "yml"}:
            path_words = _WORD_SEPARATOR.split(path_without_suffix.lower())
            if template_path not in kinds_by_rendered_path:
                words_of_empty_templates.update(path_words)
            elif not kinds_by_rendered_path[template_path].isdisjoint(("Service", *KINDS_WITH_LASTING_PODS)):
                words_of_running_templates.update(path_words)
    return frozenset(words_of_empty_templates), frozenset(words_of_running_templates)


def is_component_switched_off(component_name: str, project: Project) -> bool:
    """Whether a name is that of a chart's component of which the values make nothing that runs, by the names of its templates."""
    if not project.unit:
        return False
    words_of_empty_templates, words_of_running_templates = project.memoize(_silent_and_making_template_words)
    service_name_words = {word for one in object_index(project).objects_of_kinds("Service") for word in one.name.split("-")}
    return any(
        word in words_of_empty_templates and word not in words_of_running_templates and word not in service_name_words
        for word in component_name.lower().split("-")[:_MAX_WORDS_PER_NAME]
    )


def _service_names_by_folder(project: Project) -> dict[str, frozenset[str]]:
    """The names of the Services of each folder."""
    names_by_folder: dict[str, set[str]] = {}
    for service in object_index(project).objects_of_kinds("Service"):
        names_by_folder.setdefault(folder_of(service.source), set()).add(service.name)
    return {folder: frozenset(names) for folder, names in names_by_folder.items()}


def service_names_beside(obj: Object, project: Project) -> list[str]:
    """The names of the Services in an object's own folder, in order."""
    return sorted(project.memoize(_service_names_by_folder).get(folder_of(obj.source), ()))


def has_objects_of_kind_beside(obj: Object, project: Project, kind: str) -> bool:
    """Whether objects of a kind stand in an object's own folder and namespace: then one more would stand there, too.

    Where none does, they come from elsewhere: a chart, an operator, another repository.
    """
    namespaces_of_kind = project.memoize(_namespaces_by_folder_and_kind).get((folder_of(obj.source), kind), frozenset())
    return bool(namespaces_of_kind) and (not obj.namespace or bool(namespaces_of_kind & {obj.namespace, ""}))
