"""Named contexts: folders and images that a build gets beside its own, and whose names COPY --from and FROM may use.

https://docs.docker.com/build/bake/contexts/ https://docs.docker.com/reference/compose-file/build/#additional_contexts
"""

from __future__ import annotations

import posixpath
import re

from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import Project, parent_folders
from readiness.syntax.yaml import Map

_BAKE_FILENAME = lazy_regex(r"docker-bake(?:\.override)?\.(?:hcl|json)\Z")
_BUILD_CONTEXT_OPTION = lazy_regex(r"build-contexts?\b")


def may_be_named_context(context_name: str, dockerfile_path: str, project: Project) -> bool:
    """Whether something may give the build of a Dockerfile a context of that name.

    A bake file, which is not read, in the Dockerfile's folder or above it may; a compose file does by its
    `additional_contexts`, a pipeline by `--build-context NAME=` or `build-contexts`.
    """
    bake_folders = project.memoize(_bake_folders)
    if bake_folders and not bake_folders.isdisjoint(parent_folders(dockerfile_path)):
        return True
    return context_name in project.memoize(_context_names_in_compose_files) or context_name in project.memoize(_possible_contexts_of_pipelines)


def _bake_folders(project: Project) -> frozenset[str]:
    """The folders that hold a bake file."""
    return frozenset(posixpath.dirname(path) for path in project.paths if _BAKE_FILENAME.match(posixpath.basename(path)))


def _context_names_in_compose_files(project: Project) -> frozenset[str]:
    """The names of the contexts that compose files give."""
    documents = project.documents_of_kind("compose")
    if not documents:
        return frozenset()
    from readiness.kinds.compose.parts import named_entries

    context_names = set()
    for document in documents:
        for service in document.services.values():
            build_value = service.extended_node.get("build")
            if isinstance(build_value, Map):
                context_names |= {name.partition("=")[0] for name, _ in named_entries(build_value.get("additional_contexts"))}
    return frozenset(context_names)


def _possible_contexts_of_pipelines(project: Project) -> frozenset[str]:
    """The words before a `=` in pipelines that give a build contexts by name."""
    possible_context_names = set()
    for kind in ("github", "gitlab"):
        for document in project.documents_of_kind(kind):
            if _BUILD_CONTEXT_OPTION.search(document.source.text):
                possible_context_names |= set(re.findall(r"([\w./-]{1,100})=", document.source.text))
    return frozenset(possible_context_names)
