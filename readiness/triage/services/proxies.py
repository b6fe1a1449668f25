"""The configurations of nginx: a server before one service is that service's, the rest is of what reads it."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import TYPE_CHECKING

from readiness.kinds import nginx
from readiness.kinds.nginx.homes import words_copied_to_nginx
from readiness.kinds.nginx.hosts import proxy_target_of_directive
from readiness.kinds.nginx.includes import root_file_path
from readiness.model.project import Project, parent_folders
from readiness.model.service import ServicePart
from readiness.syntax.nginx import Block, Directive
from readiness.triage.services.graph import Belonging, Place, Runner, ServiceGraph
from readiness.triage.services.names import checkout_folder_of_project, folder_without_variants

if TYPE_CHECKING:
    from readiness.kinds.compose.model import Service

RunnersByFolderAndName = dict[tuple[str, str], list[Runner]]


def add_configurations(
    project: Project, graph: ServiceGraph, runners_by_folder_and_name: RunnersByFolderAndName, runners_by_dockerfile: dict[str, list[Runner]]
) -> None:
    """Enter a project's configurations of nginx."""
    mounting_services = _services_by_mounted_file(project)
    copying_runners = _runners_by_copied_path(project, runners_by_dockerfile)
    runner_by_unit: dict[str, Runner] = {}
    for document in project.documents_of_kind("nginx"):
        path = posixpath.normpath(document.source.root.path)
        if document.source.parent is not None or document.source.fragment:
            continue
        readers: list[Runner] = []
        for service in mounting_services.get(document.source.path, ()):
            readers += runners_by_folder_and_name.get((service.document.folder or ".", service.name), [])
        reason = "mounts it"
        if not readers:
            readers, reason = (
                next((copying_runners[one] for one in (path, *parent_folders(path)) if copying_runners.get(one)), []),
                "copies it into its image",
            )
        folders = [one.home for one in readers] or [one or "." for one in parent_folders(path)]
        front_runners = _add_servers(document, project, graph, folders, runners_by_folder_and_name)
        is_listed, unit_path = not project.is_around(document.source), root_file_path(document, project)
        place = Place(document.source.path, "", 0, len(document.source.text))
        if not readers and front_runners:
            readers, reason = front_runners, "leads to it"
        if not readers:
            unit = _folder_of_configuration(unit_path)
            if unit not in runner_by_unit:
                part = ServicePart(unit_path, "nginx", document.source.path, "", "runs it")
                name = "" if unit == project.memoize(checkout_folder_of_project) else posixpath.basename(unit)
                runner = Runner(part, name or "nginx", unit or ".", (document.source.path, 0), is_listed=is_listed)
                runner_by_unit[unit] = graph.add_runner(runner, place)
                continue
            readers, reason = [runner_by_unit[unit]], "read by the same nginx"
        part = ServicePart(unit_path, "nginx", document.source.path, "", reason)
        graph.belongings.append(Belonging(part, (place,), readers, is_listed))


def _services_by_mounted_file(project: Project) -> dict[str, list[Service]]:
    """The services of compose files by the file that they mount where nginx reads it."""
    if not project.documents_of_kind("compose"):
        return {}
    from readiness.checks.project.edge import edge_index

    return project.memoize(edge_index).services_by_mounted_file


def _folder_of_configuration(path: str) -> str:
    """The folder that stands for a server: the outermost that speaks of nginx, else the file's own."""
    folder_names = posixpath.dirname(path).split("/")
    for index, name in enumerate(folder_names):
        if "nginx" in name.lower():
            return "/".join(folder_names[: index + 1])
    return folder_without_variants(posixpath.dirname(path))


def _add_servers(
    document: nginx.Document, project: Project, graph: ServiceGraph, folders: list[str], runners_by_folder_and_name: RunnersByFolderAndName
) -> list[Runner]:
    """Enter the servers of a file that lead to one service each; what all of them lead to."""
    upstream_hosts_by_name = _upstream_hosts_by_name(document)
    all_runners: list[Runner] = []
    for scope in nginx.http_server_blocks(document):
        hosts = {host for one in _directives_within(scope.node) for host in _hosts_of_pass(one, upstream_hosts_by_name)}
        runners: list[Runner] = []
        unknown_hosts = set()
        for host in sorted(hosts):
            found = next((runners_by_folder_and_name[folder, host] for folder in folders if (folder, host) in runners_by_folder_and_name), [])
            runners += found
            if not found:
                unknown_hosts.add(host)
        all_runners += runners
        if runners and not unknown_hosts:
            part = ServicePart(
                root_file_path(document, project), "nginx", document.source.path, scope.resource, f"proxy_pass {', '.join(sorted(hosts))}"
            )
            places = (Place(document.source.path, scope.resource, scope.node.start, scope.node.end),)
            graph.belongings.append(Belonging(part, places, runners, not project.is_around(document.source)))
    return all_runners


def _directives_within(block: Block) -> Iterator[Directive]:
    """Every directive under a block."""
    pending_blocks = [block]
    while pending_blocks:
        for directive in pending_blocks.pop().directives:
            yield directive
            if directive.block is not None:
                pending_blocks.append(directive.block)


def _hosts_of_pass(directive: Directive, upstream_hosts_by_name: dict[str, set[str]]) -> set[str]:
    """The hosts to which a directive sends requests, those of its upstream where it names one."""
    target = proxy_target_of_directive(directive) if directive.name.endswith("_pass") else None
    return upstream_hosts_by_name.get(target.host, {target.host}) if target is not None else set()


def _upstream_hosts_by_name(document: nginx.Document) -> dict[str, set[str]]:
    """The hosts of each upstream of a file."""
    hosts_by_name: dict[str, set[str]] = {}
    for scope in nginx.upstream_blocks(document):
        targets = [proxy_target_of_directive(one) for one in scope.node.directives if one.name == "server"]
        hosts_by_name.setdefault(scope.name, set()).update(one.host for one in targets if one is not None)
    return hosts_by_name


def _runners_by_copied_path(project: Project, runners_by_dockerfile: dict[str, list[Runner]]) -> dict[str, list[Runner]]:
    """What the images take to where nginx reads its configuration, by path in the tree."""
    runners_by_path: dict[str, list[Runner]] = {}
    for dockerfile_path, source_word in words_copied_to_nginx(project.documents_of_kind("dockerfile")):
        for context_folder in parent_folders(posixpath.normpath(dockerfile_path)):
            copied_path = posixpath.normpath(posixpath.join(context_folder, source_word.rstrip("*").lstrip("/")))
            if copied_path != "." and project.was_path_seen(copied_path):
                runners_by_path.setdefault(copied_path, []).extend(runners_by_dockerfile.get(posixpath.normpath(dockerfile_path), []))
                break
    return runners_by_path
