"""How the objects read by which Flux, Argo CD and Fleet are told what to apply, and the paths in them."""

from __future__ import annotations

import re

from readiness.model.lazy_regex import lazy_regex

_FLUX_GROUP = r"kustomize\.toolkit\.fluxcd\.io"
_ARGO_APPLICATION = r"argoproj\.io/v1alpha1[\"']?\s+kind:[ ]?[\"']?Application(?:Set)?\b"
ENGINE_OBJECT = lazy_regex(rf"^apiVersion:[ ]?[\"']?(?:{_FLUX_GROUP}|{_ARGO_APPLICATION}|fleet\.cattle\.io)", re.MULTILINE)
# Of those engines that build the kustomizations of the directories that they apply.
KUSTOMIZING_ENGINE_OBJECT = lazy_regex(
    rf"^apiVersion:[ ]?[\"']?(?:{_FLUX_GROUP}/v1\w*[\"']?\s+kind:[ ]?[\"']?Kustomization\b|{_ARGO_APPLICATION})", re.MULTILINE
)
PATH_UNDER_ITS_KEY = lazy_regex(r"(?:^[ -]*|[{,][ ]?)path:[ ]?[\"']?(?:\./|/)?([\w./-]{1,300})", re.MULTILINE)
PATH_UNDER_ANY_KEY = lazy_regex(r"(?:^|[\s{,-])(?:path|directory|include):[ ]?[\"']?(?:\./|/)?([\w./-]{1,300})?", re.MULTILINE)
