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
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from readiness.facts.table import fact_column
from readiness.settings import Environments
from readiness.syntax import glob

if TYPE_CHECKING:
    from readiness.loading.render import helm
    from readiness.loading.render.kustomize import Kustomization

BY_SETTINGS = "the settings"
BY_NAMES = "their names"
_AT_MOST = 500  # overlays that are sorted into groups


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

    def of_chart(self, folder: str, environments: Sequence[helm.ValuesEnvironment]) -> list[helm.ValuesEnvironment]:
        """The environments of a chart, those set aside that are not production's; what the caller gave is what he asks about."""
        names = {
            one.name: _values_path(folder, one)
            for one in environments
            if not one.is_install_test and (one.values_paths or one.values_sources or not one.values_texts)
        }
        taken = self._named("values", self.named.values, names)
        aside = {one for one in names if one not in taken} if taken else _aside_by_name(names)
        if taken or aside:
            chart = posixpath.join(folder, "Chart.yaml")
            self._decide(folder or ".", chart, names, aside, bool(taken))
        return [replace(one, aside=one.name in aside) for one in environments]

    def of_overlays(self, roots: Sequence[Kustomization], reached: Sequence[Iterable[str]]) -> frozenset[str]:
        """The folders of the overlays that are not production's; `reached` is what each of them takes in."""
        aside: set[str] = set()
        for group in _groups(roots, reached):
            folders = {one.folder or ".": one.folder for one in group}
            taken = self._named("overlays", self.named.overlays, folders)
            self.named_overlays.update(folders[one] for one in taken)
            shared = _shared_folder(list(folders.values()))
            mine = (
                {one for one in folders if one not in taken}
                if taken
                else {one for one in folders if _sort_of(one.removeprefix(shared)) == "dev"}
            )
            if len(mine) == len(folders):
                mine = set()
            if taken or mine:
                path = group[0].source.path
                self._decide(shared or ".", path, folders, mine, bool(taken))
            aside |= {folders[one] for one in mine}
        return frozenset(aside)

    def tell_documents(self, pairs: Iterable[tuple[str, Any]]) -> None:
        """Tell compose files and pipelines what the settings say of profiles and branches."""
        if not self.named.profiles and not self.named.branches:
            return
        profiles = frozenset(word for word, _ in self.named.profiles)
        branches = tuple(word for word, _ in self.named.branches)
        known: set[str] = set()
        for kind, document in pairs:
            if kind == "compose" and profiles:
                document.production_profiles = profiles
                for service in document.services.values():
                    listed = service.extended_node.get("profiles")
                    known |= set(map(str, listed)) if isinstance(listed, list) else set()
            elif kind in {"github", "gitlab"} and branches:
                document.cached_results["production_branches"] = branches
                text = document.source.text
                self.used |= {("branches", one) for one in branches if one.strip("*/") in text}
        self.used |= {("profiles", one) for one in profiles & known}
        if known:
            aside = known - profiles
            self.decisions.append(Production("profiles", (*sorted(profiles & known),), (*sorted(aside),), BY_SETTINGS))
        if any(what == "branches" for what, _ in self.used):
            self.decisions.append(Production("branches", branches, (), BY_SETTINGS))

    def unused(self) -> tuple[str, ...]:
        """What to tell of patterns that name nothing here."""
        said = {
            "values": "no set of values of a chart",
            "overlays": "no overlay",
            "profiles": "no profile of a compose file",
            "branches": "no branch that a pipeline speaks of",
        }
        return tuple(
            f"{place}: environments.production.{what}: {pattern[:200]!r} names {said[what]}"
            for what, patterns in self.named.by_sort()
            for pattern, place in patterns
            if (what, pattern) not in self.used
        )

    def _named(self, what: str, patterns: Sequence[tuple[str, str]], paths: Mapping[str, str]) -> set[str]:
        """The variants that the settings name, each by its path, or by its name alone."""
        found: set[str] = set()
        for pattern, _ in patterns:
            for name, path in paths.items():
                below = glob.path_below(self.prefix, path or ".")
                words = (below, posixpath.basename(below)) if "/" not in pattern else (below,)
                if any(glob.glob_matches(pattern.rstrip("/"), word) for word in words):
                    found.add(name)
                    self.used.add((what, pattern))
        return found

    def _decide(self, of: str, path: str, names: Iterable[str], aside: set[str], named: bool) -> None:
        """Keep a decision for the report, unless it is about what is not judged."""
        if path not in self.context:
            taken = tuple(one for one in names if one not in aside)
            others = tuple(one for one in names if one in aside)
            self.decisions.append(Production(of, taken, others, BY_SETTINGS if named else BY_NAMES))


def _values_path(folder: str, environment: helm.ValuesEnvironment) -> str:
    """The path of the values that make an environment; its name where they have none of their own."""
    if environment.values_sources:
        return environment.values_sources[0][0].root.path
    return posixpath.join(folder, environment.values_paths[0] if environment.values_paths else environment.name)


def _aside_by_name(names: Mapping[str, str]) -> set[str]:
    """The sets of values that are not production's by their names."""
    from readiness.loading.render.helm import DEFAULT_VALUES_FILE

    sorts = {one: _sort_of(posixpath.basename(one)) for one in names if one != DEFAULT_VALUES_FILE}
    aside = {one for one, sort in sorts.items() if sort == "dev"}
    if "production" in sorts.values() and not set(sorts.values()) <= {"production", ""}:
        aside |= {DEFAULT_VALUES_FILE} & names.keys()
    return aside if len(aside) < len(names) else set()


def _sort_of(name: str) -> str:
    """What the words of a name say: dev (for development or tests), production, another environment, or nothing."""
    files, spaces, deployed = (fact_column("purpose-words", one) for one in ("file", "namespace", "deploys"))
    words = re.split(r"[^a-z0-9]+", name.lower())
    if any(deployed.get(word) == "production" for word in words):
        return "production"
    if any(files.get(word) in {"dev", "test"} or spaces.get(word) for word in words):
        return "dev"
    return "other" if any(word in deployed for word in words) else ""


def _shared_folder(folders: Sequence[str]) -> str:
    """The folder that holds all of several folders."""
    return posixpath.commonpath(folders) if folders and all(folders) else ""


def _groups(roots: Sequence[Kustomization], reached: Sequence[Iterable[str]]) -> list[list[Kustomization]]:
    """The overlays that take in something in common, as groups of two or more: variants of one deployable."""
    owner: dict[str, int] = {}
    parent = list(range(len(roots)))

    def top(number: int) -> int:
        while parent[number] != number:
            number = parent[number]
        return number

    for number, paths in enumerate(reached if len(roots) <= _AT_MOST else ()):
        for path in paths:
            parent[top(number)] = top(owner.setdefault(path, number))
    groups: dict[int, list[Kustomization]] = {}
    for number, root in enumerate(roots):
        groups.setdefault(top(number), []).append(root)
    return [group for group in groups.values() if len(group) > 1]
