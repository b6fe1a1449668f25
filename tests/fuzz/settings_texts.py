"""Settings, rule files and baselines that come with a tree, as whole as the tool takes them."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence

from tests.conftest import ROOT
from tests.fuzz.mutations import GENERIC_WORDS, ODD_STRINGS

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {team: blue}}
spec:
  # readiness: ignore[k8s/image-digest-missing] a reason, until=2030-01-01
  containers: [{name: app, image: 'x:1'}]
"""
SETTINGS = """\
profile: strict
fail-on: medium
min-score: 50
select: [ALL]
ignore: [k8s/image-digest-missing, "dockerfile/"]
exclude: ["vendor/*", "**/x.yaml"]
documents: true
checklists: [flowise]
rules: [own]
baseline: known.json
parameters:
  k8s/api-version-removed: {version: '1.33'}
locked: [k8s/privileged]
purpose: {"pod.yaml": production, "a/*": test}
waivers:
  - rule: k8s/liveness-probe-missing
    path: "*.yaml"
    resource: "Pod/*"
    reason: it has none
    owner: me
    until: "2030-01-01"
environments:
  production: {values: [values-prod.yaml], overlays: [prod], profiles: [web], branches: [main]}
"""
RULE = """\
title: A thing of ours
severity: low
category: delivery
target: k8s.object
when: {kind: Pod}
require: {metadata.labels.owner: {matches: "^[a-z]+$"}}
message: "{resource} has no owner {name!r}"
why: Nobody knows whom to call.
fix: Add the label.
edit: {at: labels, write: {labels: {owner: me}}}
tiers:
  mild: {severity: info, when: {name: web}}
bad:
  - |
    apiVersion: v1
    ^^^
"""
BASELINE = json.dumps(
    {"version": 2, "findings": [{"fingerprint": "0123456789abcdef", "rule": "k8s/privileged", "path": "pod.yaml", "resource": "Pod/web"}]}, indent=1
)


def _shipped_rule_texts() -> tuple[str, ...]:
    """Rule files of the tool's own, which name checks and facts."""
    return tuple(path.read_text(encoding="utf-8") for path in sorted((ROOT / "rules" / "k8s").glob("*.yaml"))[::12])


def _trees() -> tuple[dict[str, str], ...]:
    plain = {".readiness.yaml": "select: [ALL]\n", "pod.yaml": POD}
    return (
        {".readiness.yaml": SETTINGS.replace("checklists: [flowise]\n", ""), "pod.yaml": POD, "own/k8s/mine.yaml": RULE, "known.json": BASELINE},
        {**plain, ".readiness.yaml": "rules: [own]\nselect: [ALL]\n", "own/k8s/mine.yaml": RULE},
        *({**plain, ".readiness.yaml": "rules: [own]\n", "own/k8s/mine.yaml": text} for text in _shipped_rule_texts()),
        {**plain, "known.json": BASELINE, ".readiness.yaml": "baseline: known.json\n"},
        {**plain, ".readiness.yaml": (ROOT / ".readiness.yaml").read_text(encoding="utf-8")},
        {**plain, ".readiness.yaml": "waivers: [{rule: k8s/privileged, reason: none}]\nignore: [k8s]\n"},
    )


SETTINGS_SEEDS = _trees()
KEYS = (
    "profile select ignore fail-on min-score exclude documents shellcheck checklists rules baseline parameters environments purpose locked waivers x"
).split()
RULE_KEYS = (
    "title severity confidence category hides level opinion target asks when beside by require forbid check with"
    " message messages why fix edit limits links same-as tiers proves"
).split()
OPERATORS = ("matches", "min", "max", "one-of", "at", "in", "write")
WORDS = (
    "k8s/privileged",
    "k8s",
    "ALL",
    "critical",
    "never",
    "recommended",
    "own",
    "pod.yaml",
    "core/crash",
    "core/syntax",
    "k8s.object",
    "k8s.container",
    "k8s.names.port_name_missing",
    "present",
    "absent",
    "^(a+)+$",
    "{name}",
    "{source.path}",
    "{x!r:>9}",
    "..",
    "/",
)


def _value(rng: random.Random, words: Sequence[str], depth: int = 0) -> str:
    how = rng.randrange(8 if depth < 3 else 5)
    if how < 2:
        return json.dumps(rng.choice((*WORDS, *words)))
    if how < 5:
        return (
            str(rng.randrange(-1, 200)),
            json.dumps(rng.choice((*GENERIC_WORDS, *ODD_STRINGS))),
            rng.choice(("true", "null", "1.5", "", "[]", "{}")),
        )[how - 2]
    if how == 5:
        return "[" + ", ".join(_value(rng, words, depth + 1) for _ in range(rng.randrange(4))) + "]"
    return (
        "{"
        + ", ".join(
            f"{json.dumps(rng.choice((*WORDS, *KEYS, *RULE_KEYS, *OPERATORS)))}: {_value(rng, words, depth + 1)}" for _ in range(rng.randrange(4))
        )
        + "}"
    )


def make_settings(rng: random.Random, words: Sequence[str]) -> dict[str, str]:
    """A tree with settings, or a rule, of random keys."""
    tree = dict(SETTINGS_SEEDS[rng.randrange(2)])
    path, keys = (".readiness.yaml", KEYS) if rng.randrange(2) else ("own/k8s/mine.yaml", RULE_KEYS)
    if rng.randrange(2):
        tree[path] = "".join(f"{key}: {_value(rng, words)}\n" for key in rng.sample(keys, rng.choice((1, 2, 6, 12))))
    else:
        lines = tree[path].splitlines()
        for key in rng.sample(keys, rng.choice((1, 2))):
            lines = [line for line in lines if not line.startswith(f"{key}:")] + [f"{key}: {_value(rng, words)}"]
        tree[path] = "\n".join(lines) + "\n"
    return tree
