"""Which variants of one deployable are production: sets of values of a chart, overlays of a base, profiles, branches.

The settings name them (`environments`). Where they name none of a chart's, or of a group of overlays, the names decide: what is
called after development or tests (`values-dev.yaml`, `overlays/ci`) is set aside while another variant is left; where a chart has
values for production and for another environment, its defaults alone are deployed nowhere. Variants that are set aside
are asked what is wrong, and not what production needs, as the values of install tests are.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from readiness.facts.table import property_by_fact_name
from readiness.model.records import dataclass
from readiness.settings import Environments
from readiness.syntax import glob

if TYPE_CHECKING:
    from readiness.loading.render import helm
    from readiness.loading.render.kustomize import Kustomization

DECIDED_BY_SETTINGS = "the settings"
DECIDED_BY_NAMES = "their names"
_MAX_GROUPED_OVERLAYS = 500  # overlays that are sorted into groups


class Production(NamedTuple):
    """What was taken for production of the variants of something, what was not, and what decided it."""

    of: str
    taken: tuple[str, ...]
    others: tuple[str, ...]
    decided_by: str


@dataclass(slots=True)
class Variants:
    """The decisions of a run, in the order in which they were made; `prefix` leads from where the settings stand.

    `used` are the patterns of the settings that named something, `named_overlays` the folders that they name.
    """

    named: Environments = field(default_factory=Environments)
    prefix: str = ""
    context: frozenset[str] = frozenset()
    decisions: list[Production] = field(default_factory=list)
    used: set[tuple[str, str]] = field(default_factory=set)
    named_overlays: set[str] = field(default_factory=set)

    def of_chart(self, chart_folder: str, environments: Sequence[helm.ValuesEnvironment]) -> list[helm.ValuesEnvironment]:
        """The environments of a chart, those set aside that are not production's; what the caller gave is what he asks about."""
        values_path_by_environment = {
            one.name: _values_path_of_environment(chart_folder, one)
            for one in environments
            if not one.is_install_test and (one.values_paths or one.values_sources or not one.values_texts)
        }
        production_environments = self._named("values", self.named.values, values_path_by_environment)
        non_production_environments = (
            {one for one in values_path_by_environment if one not in production_environments}
            if production_environments
            else _non_production_environment_names(values_path_by_environment)
        )
        if production_environments or non_production_environments:
            chart_yaml_path = posixpath.join(chart_folder, "Chart.yaml")
            self._decide(
                chart_folder or ".",
                chart_yaml_path,
                values_path_by_environment,
                non_production_environments,
                bool(production_environments),
            )
        return [replace(one, aside=one.name in non_production_environments) for one in environments]

    def of_overlays(self, overlays: Sequence[Kustomization], paths_taken_in_by_overlay: Sequence[Iterable[str]]) -> frozenset[str]:
        """The folders of the overlays that are not production's; `paths_taken_in_by_overlay` is what each of them takes in."""
        non_production_folders: set[str] = set()
        for overlay_group in _overlay_groups_with_shared_inputs(overlays, paths_taken_in_by_overlay):
            folder_by_name = {one.folder or ".": one.folder for one in overlay_group}
            production_names = self._named("overlays", self.named.overlays, folder_by_name)
            self.named_overlays.update(folder_by_name[one] for one in production_names)
            shared_folder = _shared_folder(list(folder_by_name.values()))
            non_production_names = (
                {one for one in folder_by_name if one not in production_names}
                if production_names
                else {one for one in folder_by_name if _environment_sort_of_name(one.removeprefix(shared_folder)) == "dev"}
            )
            if len(non_production_names) == len(folder_by_name):
                non_production_names = set()
            if production_names or non_production_names:
                first_overlay_path = overlay_group[0].source.path
                self._decide(shared_folder or ".", first_overlay_path, folder_by_name, non_production_names, bool(production_names))
            non_production_folders |= {folder_by_name[one] for one in non_production_names}
        return frozenset(non_production_folders)

    def tell_documents(self, kinds_and_documents: Iterable[tuple[str, Any]]) -> None:
        """Tell compose files and pipelines what the settings say of profiles and branches."""
        if not self.named.profiles and not self.named.branches:
            return
        production_profiles = frozenset(word for word, _ in self.named.profiles)
        production_branches = tuple(word for word, _ in self.named.branches)
        known_profiles: set[str] = set()
        for document_kind, document in kinds_and_documents:
            if document_kind == "compose" and production_profiles:
                document.production_profiles = production_profiles
                for service in document.services.values():
                    service_profiles = service.extended_node.get("profiles")
                    known_profiles |= set(map(str, service_profiles)) if isinstance(service_profiles, list) else set()
            elif document_kind in {"github", "gitlab"} and production_branches:
                document.cached_results["production_branches"] = production_branches
                pipeline_text = document.source.text
                self.used |= {("branches", one) for one in production_branches if one.strip("*/") in pipeline_text}
        self.used |= {("profiles", one) for one in production_profiles & known_profiles}
        if known_profiles:
            other_profiles = known_profiles - production_profiles
            self.decisions.append(
                Production(
                    "profiles",
                    (*sorted(production_profiles & known_profiles),),
                    (*sorted(other_profiles),),
                    DECIDED_BY_SETTINGS,
                )
            )
        if any(settings_key == "branches" for settings_key, _ in self.used):
            self.decisions.append(Production("branches", production_branches, (), DECIDED_BY_SETTINGS))

    def unused(self) -> tuple[str, ...]:
        """What to tell of patterns that name nothing here."""
        noun_by_settings_key = {
            "values": "no set of values of a chart",
            "overlays": "no overlay",
            "profiles": "no profile of a compose file",
            "branches": "no branch that a pipeline speaks of",
        }
        return tuple(
            f"{settings_place}: environments.production.{settings_key}: {pattern[:200]!r} names {noun_by_settings_key[settings_key]}"
            for settings_key, patterns_and_places in self.named.by_sort()
            for pattern, settings_place in patterns_and_places
            if (settings_key, pattern) not in self.used
        )

    def _named(self, settings_key: str, patterns_and_places: Sequence[tuple[str, str]], path_by_variant: Mapping[str, str]) -> set[str]:
        """The variants that the settings name, each by its path, or by its name alone."""
        named_variants: set[str] = set()
        for pattern, _ in patterns_and_places:
            for variant_name, variant_path in path_by_variant.items():
                path_below_settings = glob.prefixed_path(self.prefix, variant_path or ".")
                matched_texts = (path_below_settings, posixpath.basename(path_below_settings)) if "/" not in pattern else (path_below_settings,)
                if any(glob.glob_matches(pattern.rstrip("/"), word) for word in matched_texts):
                    named_variants.add(variant_name)
                    self.used.add((settings_key, pattern))
        return named_variants

    def _decide(
        self,
        decided_subject: str,
        judged_path: str,
        variant_names: Iterable[str],
        non_production_names: set[str],
        is_named_by_settings: bool,
    ) -> None:
        """Keep a decision for the report, unless it is about what is not judged."""
        if judged_path not in self.context:
            production_names = tuple(one for one in variant_names if one not in non_production_names)
            other_names = tuple(one for one in variant_names if one in non_production_names)
            self.decisions.append(
                Production(
                    decided_subject,
                    production_names,
                    other_names,
                    DECIDED_BY_SETTINGS if is_named_by_settings else DECIDED_BY_NAMES,
                )
            )


def _values_path_of_environment(chart_folder: str, environment: helm.ValuesEnvironment) -> str:
    """The path of the values that make an environment; its name where they have none of their own."""
    if environment.values_sources:
        return environment.values_sources[0][0].root.path
    return posixpath.join(chart_folder, environment.values_paths[0] if environment.values_paths else environment.name)


def _non_production_environment_names(values_path_by_environment: Mapping[str, str]) -> set[str]:
    """The sets of values that are not production's by their names."""
    from readiness.loading.render.helm import DEFAULT_VALUES_FILE

    environment_sort_by_name = {
        one: _environment_sort_of_name(posixpath.basename(one)) for one in values_path_by_environment if one != DEFAULT_VALUES_FILE
    }
    non_production_names = {one for one, sort in environment_sort_by_name.items() if sort == "dev"}
    if "production" in environment_sort_by_name.values() and not set(environment_sort_by_name.values()) <= {"production", ""}:
        non_production_names |= {DEFAULT_VALUES_FILE} & values_path_by_environment.keys()
    return non_production_names if len(non_production_names) < len(values_path_by_environment) else set()


def _environment_sort_of_name(variant_name: str) -> str:
    """What the words of a name say: dev (for development or tests), production, another environment, or nothing."""
    purpose_by_file_word, purpose_by_namespace_word, environment_by_deploy_word = (
        property_by_fact_name("purpose-words", one) for one in ("file", "namespace", "deploys")
    )
    name_words = re.split(r"[^a-z0-9]+", variant_name.lower())
    if any(environment_by_deploy_word.get(word) == "production" for word in name_words):
        return "production"
    if any(purpose_by_file_word.get(word) in {"dev", "test"} or purpose_by_namespace_word.get(word) for word in name_words):
        return "dev"
    return "other" if any(word in environment_by_deploy_word for word in name_words) else ""


def is_named_for_environment(variant_name: str) -> bool:
    """Whether the words of a name say for which environment something is."""
    return bool(_environment_sort_of_name(variant_name))


def _shared_folder(folders: Sequence[str]) -> str:
    """The folder that holds all of several folders."""
    return posixpath.commonpath(folders) if folders and all(folders) else ""


def _overlay_groups_with_shared_inputs(
    overlays: Sequence[Kustomization], paths_taken_in_by_overlay: Sequence[Iterable[str]]
) -> list[list[Kustomization]]:
    """The overlays that take in something in common, as groups of two or more: variants of one deployable."""
    overlay_index_by_path: dict[str, int] = {}
    parent_index_by_overlay = list(range(len(overlays)))

    def group_root_index(overlay_index: int) -> int:
        while parent_index_by_overlay[overlay_index] != overlay_index:
            overlay_index = parent_index_by_overlay[overlay_index]
        return overlay_index

    for number, paths_taken_in in enumerate(paths_taken_in_by_overlay if len(overlays) <= _MAX_GROUPED_OVERLAYS else ()):
        for input_path in paths_taken_in:
            parent_index_by_overlay[group_root_index(number)] = group_root_index(overlay_index_by_path.setdefault(input_path, number))
    overlays_by_group_root: dict[int, list[Kustomization]] = {}
    for number, overlay in enumerate(overlays):
        overlays_by_group_root.setdefault(group_root_index(number), []).append(overlay)
    return [group for group in overlays_by_group_root.values() if len(group) > 1]
