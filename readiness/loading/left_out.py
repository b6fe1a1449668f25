"""Manifests that nobody applies: the kustomization of their own folder leaves them out, in a tree that a GitOps engine applies.

Without an engine a file beside a kustomization is one to apply by hand (counted over 174 repositories: docs/purpose.md).
"""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Iterable

from readiness import files
from readiness.loading.discover import DiscoveredFiles
from readiness.loading.render import KUSTOMIZATION_FILENAMES
from readiness.model import Source

LEFT_OUT = "the kustomization beside it leaves it out"
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
_MAX_SCRIPT_BYTES = 256 * 1024


def tell_left_out(discovered: DiscoveredFiles) -> None:
    """Say of each manifest that its kustomization leaves out, and that nothing else names, that nobody applies it."""
    kustomizations = [one for one in discovered.sources if posixpath.basename(one.path) in KUSTOMIZATION_FILENAMES]
    if not kustomizations or not any(_ENGINE.search(one.text) for one in discovered.sources):
        return
    folders = {posixpath.dirname(one.path) for one in kustomizations}
    named = {path for one in kustomizations for path in _paths_named(one)}
    beside: dict[str, list[Source]] = defaultdict(list)
    for source in discovered.sources:
        if posixpath.dirname(source.path) in folders:
            beside[posixpath.dirname(source.path)].append(source)
    left = [
        one
        for one in discovered.sources
        if posixpath.dirname(one.path) in folders
        and one.path.endswith((".yaml", ".yml", ".json"))
        and posixpath.normpath(one.path) not in named
        and posixpath.basename(one.path) not in KUSTOMIZATION_FILENAMES
        and _OBJECT.search(one.text)
        and not _APPLIED_FIRST.search(one.text)
        and not _is_named_beside(one, beside[posixpath.dirname(one.path)])
    ]
    texts = _texts_that_apply(discovered) if left else ()
    for source in left:
        if not _is_applied_by_hand(source.path, texts):
            source.unapplied_because = LEFT_OUT


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
        try:
            data = files.read_regular_file(discovered.base / path, _MAX_SCRIPT_BYTES)
        except OSError:
            continue
        found.append((posixpath.dirname(path), data.decode("utf-8", "replace")))
    return found


def _is_applied_by_hand(path: str, texts: Iterable[tuple[str, str]]) -> bool:
    """Whether a document or a script names a file: with its folder, or alone where it lies in that folder or applies it."""
    folder, name = posixpath.split(path)
    longer = f"{posixpath.basename(folder)}/{name}"
    applied = re.compile(rf"\bapply\b[^\n]{{0,200}}{re.escape(name)}\b")
    return any(
        name in text and (longer in text or (where == folder and bool(folder)) or applied.search(text)) for where, text in texts
    )
