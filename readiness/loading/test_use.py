"""Manifests that only tests apply, as other files say: those that a cluster of kind mounts, and charts that exist to test another."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from readiness.loading.discover import DiscoveredFiles
from readiness.loading.render import KUSTOMIZATION_FILENAMES
from readiness.loading.unapplied import folders_and_texts_that_may_apply, is_applied_by_hand
from readiness.model import Source
from readiness.model.lazy_regex import lazy_regex

REASON_MOUNTED_BY_KIND = "only the configuration of a kind cluster names it"
REASON_TEST_CHART = "its Chart.yaml says that the chart tests another"
REASON_CHART_FOR_TRIALS = "the description in its Chart.yaml says that it is for development or tests"
REASON_RENDERED_FROM_CHART_FOR_TRIALS = "it is rendered from a chart whose description says that it is for development or tests"
_KIND_CONFIG = lazy_regex(r"^apiVersion:[ ]?[\"']?kind\.x-k8s\.io/", re.MULTILINE)
_MOUNTED_MANIFEST = lazy_regex(r"\bhostPath:[ ]?[\"']?(?P<path>[\w./-]{1,300}\.ya?ml)\b")
_TEST_CHART_NAME = lazy_regex(r"^name:[ ]?[\"']?(?:[\w.-]{1,100}-)?tests?[\"']?[ \t]*\r?$", re.MULTILINE)
_TEST_CHART_DESCRIPTION = lazy_regex(r"^description:[^\n]{0,300}\b(?:tests?|testing)\b", re.MULTILINE | re.IGNORECASE)
_CHART_DESCRIPTION = lazy_regex(r"^description:(?P<text>[^\n]{0,400}(?:\n[ \t]{1,20}[^\n]{1,400}){0,6})", re.MULTILINE)
_TRIAL_WORD = r"(?:local |manual )?(?:development|tests?|testing|demo|demonstration|evaluation)"
_TRIAL_PHRASE = lazy_regex(
    rf"\bfor {_TRIAL_WORD}(?: (?:and|or) {_TRIAL_WORD})? purposes\b|\b(?:only|solely|purely) for {_TRIAL_WORD}\b|\bfor {_TRIAL_WORD} only\b"
    r"|\bnot (?:for|intended for|meant for) production\b"
    r"|\bfor (?:the |an? |your )?(?:[\w.-]{1,40} ){0,2}?"
    r"(?:local (?:demo|development|dev|tests?|testing|sandbox|kind|minikube)|demo) (?:clusters?|environments?)\b",
    re.IGNORECASE,
)
_CHART_LABEL = lazy_regex(r"^[ ]{2,40}helm\.sh/chart:[ ]?[\"']?(?P<name>[\w.-]{1,100}?)-v?\d[\w.+-]{0,60}[\"']?[ \t]*\r?$", re.MULTILINE)
_CHART_NAME = lazy_regex(r"^name:[ ]?[\"']?(?P<name>[\w.-]{1,100})[\"']?[ \t]*\r?$", re.MULTILINE)
_LOCAL_DEPENDENCY = lazy_regex(r"^[ -]+repository:[ ]?[\"']?file://", re.MULTILINE)


def mark_manifests_of_tests(discovered: DiscoveredFiles) -> None:
    """Say of each file that only tests apply why that is so."""
    names_of_trial_charts: set[str] = set()
    for chart_yaml in discovered.sources:
        chart_folder, file_name = posixpath.split(chart_yaml.path)
        test_use_reason = _reason_of_chart(chart_yaml.text) if file_name == "Chart.yaml" and chart_folder else ""
        for source in discovered.sources if test_use_reason else ():
            if source.path.startswith(f"{chart_folder}/"):
                source.test_use_because = test_use_reason
        if test_use_reason == REASON_CHART_FOR_TRIALS and (name_match := _CHART_NAME.search(chart_yaml.text)):
            names_of_trial_charts.add(name_match["name"])
    _mark_renderings(discovered.sources, names_of_trial_charts)
    kind_configs = [one for one in discovered.sources if "kind.x-k8s.io/" in one.text and _KIND_CONFIG.search(one.text)]
    mounted_paths = {path for one in kind_configs for path in _mounted_paths(one)}
    mounted_sources = [one for one in discovered.sources if posixpath.normpath(one.path) in mounted_paths]
    if not mounted_sources:
        return
    kustomization_texts = [one.text for one in discovered.sources if posixpath.basename(one.path) in KUSTOMIZATION_FILENAMES]
    texts_of_kind_configs = {one.text for one in kind_configs}
    folders_and_texts = [one for one in folders_and_texts_that_may_apply(discovered) if one[1] not in texts_of_kind_configs]
    for source in mounted_sources:
        is_in_kustomization = any(posixpath.basename(source.path) in text for text in kustomization_texts)
        if not is_in_kustomization and not is_applied_by_hand(source.path, folders_and_texts):
            source.test_use_because = REASON_MOUNTED_BY_KIND


def _mark_renderings(sources: list[Source], chart_names: set[str]) -> None:
    """Say of the manifests that a chart for trials rendered that they are its: by the label `helm.sh/chart` of one of their objects.

    What such a chart takes in has the label of its own chart, and is told by its neighbours in the file.
    """
    for source in sources if chart_names else ():
        is_rendering = "helm.sh/chart:" in source.text and any(one["name"] in chart_names for one in _CHART_LABEL.finditer(source.text))
        if is_rendering and not source.test_use_because:
            source.test_use_because = REASON_RENDERED_FROM_CHART_FOR_TRIALS


def _reason_of_chart(chart_text: str) -> str:
    """Why a chart is for nothing but tests or development, by its Chart.yaml; empty where that does not say so."""
    description = _CHART_DESCRIPTION.search(chart_text)
    if description is not None and _TRIAL_PHRASE.search(" ".join(description["text"].split())):
        return REASON_CHART_FOR_TRIALS
    return REASON_TEST_CHART if _is_test_chart(chart_text) else ""


def _is_test_chart(chart_text: str) -> bool:
    """Whether a chart has the name of a test, says that it tests, and takes in what it tests from beside it."""
    return bool(_TEST_CHART_NAME.search(chart_text) and _TEST_CHART_DESCRIPTION.search(chart_text) and _LOCAL_DEPENDENCY.search(chart_text))


def _mounted_paths(kind_config: Source) -> Iterator[str]:
    """The manifests that a kind cluster mounts: relative to where kind is run, by custom the folder of its configuration."""
    for mount_match in _MOUNTED_MANIFEST.finditer(kind_config.text):
        yield posixpath.normpath(posixpath.join(posixpath.dirname(kind_config.path), mount_match["path"]))
