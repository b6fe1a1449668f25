"""Manifests that nobody applies, as far as the tree tells: left out by the kustomization of their folder, or rendered and forgotten.

Where no GitOps engine applies the tree, a file beside a kustomization is one to apply by hand (counted over 174 repositories:
docs/purpose.md).
"""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator

from readiness.loading.discover import DiscoveredFiles
from readiness.loading.programs_read import program_text
from readiness.loading.render import KUSTOMIZATION_FILENAMES
from readiness.model import Source

LEFT_OUT = "the kustomization beside it leaves it out"
FORGOTTEN = "it is output of helm template under no release's name, and nothing names it"
# What charts call the release where nobody gave a name to `helm template`.
_RENDERED = re.compile(r"^# Source: [^\n]{1,200}/templates/", re.MULTILINE)
_NO_RELEASE = re.compile(
    r"^[ ]*(?:app\.kubernetes\.io/instance|release):[ ]?[\"']?(?:release-name|RELEASE-NAME)[\"']?[ ]*\r?$", re.MULTILINE
)
_ENGINE = re.compile(
    r"^apiVersion:[ ]?[\"']?(?:kustomize\.toolkit\.fluxcd\.io/v1\w*[\"']?\s+kind:[ ]?Kustomization"
    r"|argoproj\.io/v1alpha1[\"']?\s+kind:[ ]?Application(?:Set)?)\b",
    re.MULTILINE,
)
_OBJECT = re.compile(r"^apiVersion:", re.MULTILINE)
# Where an engine begins: somebody applies these once, by hand. So are secrets that a file keeps encrypted.
_APPLIED_FIRST = re.compile(
    r"^(?:kind:[ ]?[\"']?(?:Application|ApplicationSet|AppProject|Kustomization)\b|sops:)", re.MULTILINE
)
_WORD = re.compile(r"[\w.@/-]+")
_SCRIPT = re.compile(r"(?:\A|/)(?:makefile|justfile|\.?justfile|gnumakefile)\Z|\.(?:sh|bash|mk|just|ps1)\Z", re.IGNORECASE)
_MAX_SCRIPTS = 100  # read in a run


def tell_unapplied(discovered: DiscoveredFiles) -> None:
    """Say of each manifest that nobody applies why that is so; what a document, a script or a kustomization names may be applied."""
    kustomizations = [one for one in discovered.sources if posixpath.basename(one.path) in KUSTOMIZATION_FILENAMES]
    found = [(one, FORGOTTEN) for one in discovered.sources if _RENDERED.search(one.text) and _NO_RELEASE.search(one.text)]
    if kustomizations and any(_ENGINE.search(one.text) for one in discovered.sources):
        found += [(one, LEFT_OUT) for one in _left_out(discovered, {posixpath.dirname(one.path) for one in kustomizations})]
    if not found:
        return
    named = {path for one in kustomizations for path in _paths_named(one)}
    texts = _texts_that_apply(discovered)
    for source, reason in found:
        if posixpath.normpath(source.path) not in named and not _is_applied_by_hand(source.path, texts):
            source.unapplied_because = reason


def _left_out(discovered: DiscoveredFiles, folders: Collection[str]) -> Iterator[Source]:
    """The manifests in folders with a kustomization that no other file of their folder names."""
    beside: dict[str, list[Source]] = defaultdict(list)
    for source in discovered.sources:
        if posixpath.dirname(source.path) in folders:
            beside[posixpath.dirname(source.path)].append(source)
    for sources in beside.values():
        for source in sources:
            if _is_manifest(source) and not _is_named_beside(source, sources):
                yield source


def _is_manifest(source: Source) -> bool:
    """Whether a file holds objects for an engine to apply, and none that somebody applies before."""
    name = posixpath.basename(source.path)
    if name in KUSTOMIZATION_FILENAMES or not name.endswith((".yaml", ".yml")):
        return False
    return bool(_OBJECT.search(source.text)) and not _APPLIED_FIRST.search(source.text)


def _paths_named(kustomization: Source) -> Iterable[str]:
    """The paths that a kustomization may name: every word in it, from its own folder."""
    folder = posixpath.dirname(kustomization.path)
    return (posixpath.normpath(posixpath.join(folder, word)) for word in _WORD.findall(kustomization.text))


def _is_named_beside(source: Source, beside: Iterable[Source]) -> bool:
    """Whether another file of a source's folder names it: a generator, a Taskfile."""
    name = posixpath.basename(source.path)
    return any(name in one.text for one in beside if one is not source)


def _texts_that_apply(discovered: DiscoveredFiles) -> list[tuple[str, str]]:
    """(folder, text) of what people apply files by: documents, scripts and the files of make and its like."""
    found = [(posixpath.dirname(one.path), one.text) for one in discovered.prose_sources]
    found += [("", one.text) for one in discovered.sources]  # an Application, a Taskfile: those beside were asked already
    scripts = sorted(one for one in discovered.paths - discovered.passed_over_paths if _SCRIPT.search(one))
    for path in scripts[:_MAX_SCRIPTS]:
        found.append((posixpath.dirname(path), program_text(discovered, path)))
    return found


def _is_applied_by_hand(path: str, texts: Iterable[tuple[str, str]]) -> bool:
    """Whether a document or a script names a file: with its folder, or alone where it lies in that folder or applies it."""
    folder, name = posixpath.split(path)
    longer = f"{posixpath.basename(folder)}/{name}"
    applied = re.compile(rf"\bapply\b[^\n]{{0,200}}{re.escape(name)}\b")
    return any(
        name in text and (longer in text or (where == folder and bool(folder)) or applied.search(text)) for where, text in texts
    )
