"""What a command or an action of a pipeline does: tests, builds, pushes, deploys, watches, rolls back, scans, tells.

One table for commands, one for actions; rules read the answers and know no tool by its name.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from readiness.facts.actions import effects
from readiness.facts.table import rows
from readiness.kinds.pipeline.scripts import Call, calls


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing done: what, by which family of tools, and where in its script (0, 0 for an action).

    `weak` says that the name alone tells it (`./deploy.sh`, `ssh host`): it counts where the job says so too.
    """

    kind: str
    family: str = ""
    start: int = 0
    end: int = 0
    text: str = ""
    weak: bool = False


@dataclass(frozen=True, slots=True)
class _Row:
    kind: str
    family: str
    pattern: re.Pattern[str]
    weak: bool


# What may stand between two words of a command: options with or without a value.
_OPTIONS = r"(?: -{1,2}[A-Za-z][A-Za-z-]{0,30}(?:=[^ ]{0,80}| [^ -][^ ]{0,80})?){0,6}"


@functools.cache
def _commands() -> tuple[_Row, ...]:
    """Patterns over `program word word ...`."""
    found = []
    for row in rows("command-effects").values():
        each = (pattern.replace("<options>", _OPTIONS) for pattern in row.get("commands", ()))
        pattern = re.compile("|".join(f"(?:{one})" for one in each))
        if "commands" in row:
            found.append(_Row(row["effect"], row.get("family", ""), pattern, "weak" in row))
    return tuple(found)


@functools.cache
def _names() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Patterns over the names of tasks and scripts."""
    return tuple(
        (row["effect"], re.compile(rf"(?:^|[^a-z])(?:{'|'.join(row['tasks'])})(?:[^a-z]|\Z)"))
        for row in rows("command-effects").values()
        if "tasks" in row
    )


_CLUSTERS = frozenset({"kind", "minikube", "k3d", "ctlptl", "microk8s", "kwok"})
_TASKS = frozenset(
    "npm yarn pnpm bun make just task rake mage invoke inv composer deno nx turbo hatch poe pdm gulp grunt mise earthly"
    " dagger ./mill".split()
)
_INTERPRETERS = frozenset(
    "bash sh zsh python python3 node ruby perl php deno bun pwsh source .".split()
)
_SCRIPT = re.compile(
    r"(?:^|/)[\w.-]{1,80}\.(?:sh|bash|py|js|mjs|ts|rb|pl|php|ps1)\Z|^\.{0,2}/[\w./-]{1,200}\Z"
)
_WAITS = ("--wait", "--atomic", "--rollback-on-failure")


@functools.lru_cache(maxsize=1024)
def in_script(script: str) -> tuple[Deed, ...]:
    """The deeds of a script, in order."""
    found: list[Deed] = []
    testing = False
    for call in calls(script):
        testing = testing or (
            call.program in _CLUSTERS and bool({"create", "start"} & set(call.verbs))
        )
        found += _of_call(call)
    return (*found, Deed("cluster")) if testing else tuple(found)


def _of_call(call: Call) -> Iterator[Deed]:
    line = " ".join((call.program, *call.words))[:1200].replace("\n", " ")
    dry = any(
        word.startswith("--dry-run") and "none" not in word for word in call.words
    ) or call.has("--server-dry-run")
    place = (call.start, call.end, call.text)
    named = _by_name(call)
    for row in _commands():
        kind, family = row.kind, row.family
        if row.pattern.match(line) is None:
            continue
        if kind == "smoke" and call.program in ("curl", "wget") and _downloads(call):
            continue
        if kind == "test" and ("-DskipTests" in line or "skip.test" in line or " -x test" in line):
            continue
        if kind == "deploy" and (dry or call.has("--help", "--check") or _read_only(call)):
            yield Deed("lint", "", *place)
            continue
        yield Deed(kind, family, *place, row.weak)
        if kind == "deploy":
            yield from _kept_safe(call, family, place)
    if call.program == "ssh":
        for word in call.words:
            if " " in word:
                yield from (Deed(d.kind, d.family, *place, d.weak) for d in _remote(word))
    for kind in named:
        yield Deed(kind, "script", *place, kind == "deploy")


def _downloads(call: Call) -> bool:
    """Whether curl or wget fetches a file instead of asking a service."""
    if call.program == "wget":
        return "-qO-" not in call.words and not call.has("--spider")
    short = [word for word in call.words if word.startswith("-") and not word.startswith("--")]
    target = call.value("-o", "--output") or ""
    saves = any(word[-1:] in "oO" for word in short if len(word) > 1) or call.has(
        "--output", "--remote-name"
    )
    return (saves and target != "/dev/null") or call.text.rstrip().endswith("| sh")


def _remote(script: str) -> Iterator[Deed]:
    """What is done on the other machine; a compose file that is brought up there is a deployment."""
    for call in calls(script):
        line = " ".join((call.program, *call.words))[:1200]
        for row in _commands():
            if row.pattern.match(line) and row.kind in ("deploy", "rollback", "rollout", "smoke"):
                yield Deed(row.kind, row.family)


def _read_only(call: Call) -> bool:
    """Whether a kubectl command only prints: `kubectl apply view-last-applied`, `-o yaml` of nothing."""
    return "view-last-applied" in call.verbs or (call.program == "helm" and "plugin" in call.verbs)


def _kept_safe(call: Call, family: str, place: tuple[int, int, str]) -> Iterator[Deed]:
    """What a deployment does of itself: wait, and roll back."""
    if family == "helm" and (call.has(*_WAITS) or call.program == "helmfile"):
        yield Deed("rollout", family, *place)
    if family == "helm" and call.has("--atomic", "--rollback-on-failure"):
        yield Deed("rollback", family, *place)
    if (
        family in ("platform", "infra", "argo")
        and "--no-wait" not in call.words
        and "--async" not in call.words
    ):
        yield Deed("rollout", family, *place)
    if family == "argo" or call.program in ("skaffold", "werf", "kapp"):
        yield Deed("rollout", family, *place)
    if family == "swarm" and (call.has("--detach=false") or call.has("--update-failure-action")):
        yield Deed("rollout", family, *place)
    if call.value("--update-failure-action") == "rollback" or call.program == "werf":
        yield Deed("rollback", family, *place)


def _by_name(call: Call) -> Iterator[str]:
    """What the name of a task or a script says that it does."""
    names: list[str] = []
    if call.program in _TASKS:
        names = [word for word in call.verbs if word not in ("run", "run-script", "-C")][:3]
    elif call.program in _INTERPRETERS and call.verbs and _SCRIPT.search(call.verbs[0]):
        names = [call.verbs[0]]
    elif _SCRIPT.search(call.text.split()[0] if call.text.split() else "") or call.program.endswith(
        (".sh", ".py")
    ):
        names = [call.program, *call.verbs[:1]]
    seen = set()
    for name in names:
        for kind, pattern in _names():
            if kind not in seen and len(name) < 200 and pattern.search(name.lower()):
                seen.add(kind)
                yield kind


def of_action(name: str, options: Mapping[str, Any]) -> tuple[Deed, ...]:
    """The deeds of an action by its name (`owner/repository/path`, lower case) and its inputs."""
    found: list[Deed] = []
    for word in effects(name):
        found += _special(word, name, options)
    if name == "aws-actions/amazon-ecs-deploy-task-definition" and _yes(
        options.get("wait-for-service-stability")
    ):
        found.append(Deed("rollout", "ecs"))
    return tuple(found)


def _special(word: str, name: str, options: Mapping[str, Any]) -> list[Deed]:
    if word == "trivy":
        kind = str(options.get("scan-type", "image"))
        return [Deed({"config": "analysis", "image": "image-scan"}.get(kind, "audit"))]
    if word == "image":
        found = [Deed("build")]
        push = str(options.get("push", "")).lower()
        if push not in ("", "false") or "type=registry" in str(options.get("outputs", "")):
            found.append(Deed("push"))
        if "," in str(options.get("platforms", "")):
            found.append(Deed("platforms"))
        if _yes(options.get("sbom")):
            found.append(Deed("sbom"))
        return found
    if word == "ssh":
        script = options.get("script")
        inner = list(_remote(script)) if isinstance(script, str) else []
        return [Deed("deploy", "ssh", weak=True), *inner]
    kind, _, family = word.partition(":")
    return [Deed(kind, family.rstrip("?"), weak=family.endswith("?"))]


def _yes(value: Any) -> bool:
    return str(value).lower() == "true"
