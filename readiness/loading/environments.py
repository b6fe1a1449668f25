"""Charts and overlays: what is deployed only after rendering, judged as each environment gets it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Sequence
from typing import Any

from readiness import kinds
from readiness.loading.assembly import CAUSE_BROKEN, Assembly, FileStatus
from readiness.loading.discover import DiscoveredFiles
from readiness.loading.render.made import GeneratedSource
from readiness.loading.scripts import scripts_among
from readiness.model import Finding, Rule, Source, Span
from readiness.model.lazy_regex import lazy_regex
from readiness.model.messages import fill_message
from readiness.model.project import Project
from readiness.syntax.template import is_named_as_template

REASON_UNPARSED_RENDERING = "what it renders to does not parse"
REASON_RENDERING_OFF = "not rendered, as --no-render asks; leave that out to have it judged"


def chart_folders(known_paths: set[str]) -> frozenset[str]:
    """The folders that hold a Helm chart; one inside another chart's `charts` is rendered with that."""
    folders = {posixpath.dirname(path) for path in known_paths if posixpath.basename(path) == "Chart.yaml"}
    return frozenset(folder for folder in folders if not any(_contains_chart(other, folder) for other in folders))


def _contains_chart(chart_folder: str, folder: str) -> bool:
    return folder.startswith(posixpath.join(chart_folder, "charts") + "/")


def chart_folder_of_template(template_path: str, known_chart_folders: frozenset[str]) -> str | None:
    """The chart whose template a file is: such a file is no manifest until it is rendered."""
    path_parts = template_path.split("/")
    for folder_depth in range(len(path_parts) - 1):
        folder = "/".join(path_parts[:folder_depth])
        if folder in known_chart_folders and path_parts[folder_depth] in {"templates", "charts"}:
            return folder
    return None


def add_environment_project(
    assembly: Assembly,
    rendered_sources: Sequence[GeneratedSource],
    discovered: DiscoveredFiles,
    core_rules: dict[str, Rule],
    unit_name: str,
    *,
    is_judged: bool,
    paths_made_from: Iterable[str],
    lacks_inputs: bool = False,
) -> set[str]:
    """One environment's manifests, as a project of its own, which is one unit; the paths of the files whose texts do not parse.

    `is_judged` says whether its own file is judged, `paths_made_from` which files it is made from. Where it was made without what is not here
    (`lacks_inputs`), a text that does not parse is no fault of its file.
    """
    for source in rendered_sources:
        # Helm applies what comes of any template whose name begins with no `_`, of a `.tpl`, too.
        source.kind = kinds.detect_kind(f"{source.path}.yaml" if source.path.endswith(".tpl") else source.path, source.text)
    finding_count_before = len(assembly.parse_findings)
    kinds_and_documents = list(assembly.parse_and_record([one for one in rendered_sources if one.kind], core_rules, may_add_file_statuses=False))
    project = make_project(kinds_and_documents, discovered, unit_name, is_judged=is_judged)
    project.idle = not is_judged and discovered.context.paths.issuperset(paths_made_from)
    assembly.projects.append(project)
    root_sources_and_spans = ((one.source.root, one.span) for one in assembly.parse_findings[finding_count_before:])
    unparsed_paths = {
        root_source.written_location(span)[0].path for root_source, span in root_sources_and_spans if isinstance(root_source, GeneratedSource)
    }
    if lacks_inputs:
        del assembly.parse_findings[finding_count_before:]
    return unparsed_paths


def absent_values_reason(chart_folder: str, discovered: DiscoveredFiles) -> str:
    """Why a chart's own values are not here: something makes them, or they are ignored; empty where they are, or it has none."""
    values_path = posixpath.join(chart_folder, "values.yaml")
    if (discovered.base / values_path).exists():
        return ""
    paths_beside = (one for one in sorted(discovered.paths) if posixpath.dirname(one) == chart_folder)
    file_names_beside = [posixpath.basename(one) for one in paths_beside]
    values_template_names = [one for one in file_names_beside if one.startswith("values.") and is_named_as_template(one)]
    if values_template_names:
        return f"its values.yaml is not here, and is made from {values_template_names[0]}"
    return "its values.yaml is not here, and a .gitignore names it" if discovered.may_be_ignored(values_path) else ""


def rendered_file_status(path: str, kind: str, unparsed_reason: str) -> FileStatus:
    """The row of what was rendered: judged, or with the reason why some of it could not be."""
    return FileStatus(path, kind, "invalid", unparsed_reason, CAUSE_BROKEN) if unparsed_reason else FileStatus(path, kind, "checked")


def make_project(
    kinds_and_documents: Iterable[tuple[str, Any]],
    discovered: DiscoveredFiles,
    unit_name: str = "",
    *,
    is_judged: bool | None = None,
) -> Project:
    """Documents as a project that knows what the walk saw, covered and passed over."""
    return Project(
        kinds_and_documents,
        discovered.paths,
        is_complete=discovered.has_walked_folder,
        walked_folders=discovered.walked_folders,
        passed_over_paths=discovered.passed_over_paths,
        may_be_ignored=discovered.may_be_ignored,
        credential_free_paths=discovered.credential_free_paths,
        unit=unit_name,
        context_paths=discovered.context.paths,
        is_unit_judged=is_judged,
        folders_of_working_directory=discovered.context.here,
        script_sources=() if unit_name else scripts_among(discovered.script_sources, discovered.sources),
        cluster_settings=() if unit_name else tuple(one for one in discovered.sources if _sets_cluster_version(one)),
    )


_CLUSTER_SETTINGS_NAME = lazy_regex(r"(?:\A|/)talconfig\.ya?ml\Z")
_KUBEADM_SETTINGS = lazy_regex(r"^apiVersion:[ ]*[\"']?kubeadm\.k8s\.io/", re.MULTILINE)


def _sets_cluster_version(source: Source) -> bool:
    """Whether a file says with which version of Kubernetes a cluster is made: talhelper's settings, or kubeadm's."""
    is_settings_file = _CLUSTER_SETTINGS_NAME.search(source.path) or ("kubeadm.k8s.io" in source.text and _KUBEADM_SETTINGS.search(source.text))
    return bool(is_settings_file) and "kubernetesVersion" in source.text


def render_failure_finding(rule: Rule, failing_source: Source, subject_text: str, scope_text: str, failure_reason: str) -> Finding:
    """The finding that stands for a chart or an overlay that gave nothing, at its own file's first line."""
    message_facts = {"what": subject_text, "environment": scope_text, "reason": failure_reason}
    finding_text = fill_message(rule.message, message_facts.get)
    return Finding(rule, failing_source, failing_source.one_line(Span(0, len(failing_source.text))), finding_text)
