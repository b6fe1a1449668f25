"""What a command or an action of a pipeline does: tests, builds, pushes, deploys, watches, rolls back, scans, tells.

One table for commands, one for actions; rules read the answers and know no tool by its name.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from readiness.facts.actions import effects_of_action
from readiness.facts.table import column, rows
from readiness.kinds.github.texts import is_one_expression
from readiness.kinds.pipeline.scripts import Call, script_calls

REMOTE_FAMILIES = frozenset({"kubernetes", "helm", "ecs", "swarm", "platform"})
"""Of deployments: those whose place stands in the command, in its credentials or in what ran before it in the job."""


@dataclass(frozen=True, slots=True)
class Effect:
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
class _EffectRow:
    kind: str
    family: str
    pattern: re.Pattern[str]
    weak: bool


# What may stand between two words of a command: options with or without a value.
_OPTIONS = r"(?: -{1,2}[A-Za-z][A-Za-z-]{0,30}(?:=[^ ]{0,80}| [^ -][^ ]{0,80})?){0,6}"


def _joined_pattern(patterns: Iterable[str]) -> re.Pattern[str]:
    """One expression for several of the facts'; `<options>` in them stands for options between two words."""
    return re.compile("|".join(f"(?:{one.replace('<options>', _OPTIONS)})" for one in patterns))


@functools.cache
def _commands() -> tuple[_EffectRow, ...]:
    """Patterns over `program word word ...`."""
    effect_rows = []
    for row in rows("command-effects").values():
        if "commands" in row:
            pattern = _joined_pattern(row["commands"])
            effect_rows.append(
                _EffectRow(row["effect"], row.get("family", ""), pattern, "weak" in row)
            )
    return tuple(effect_rows)


@functools.cache
def _names() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Patterns over the names of tasks and scripts."""
    return tuple(
        (row["effect"], re.compile(rf"(?:^|[^a-z])(?:{'|'.join(row['tasks'])})(?:[^a-z]|\Z)"))
        for row in rows("command-effects").values()
        if "tasks" in row
    )


_SCRIPT = re.compile(
    r"(?:^|/)[\w.-]{1,80}\.(?:sh|bash|py|js|mjs|ts|rb|pl|php|ps1)\Z|^\.{0,2}/[\w./-]{1,200}\Z"
)
_WAITS = ("--wait", "--atomic", "--rollback-on-failure")


@functools.lru_cache(maxsize=1024)
def script_effects(script: str) -> tuple[Effect, ...]:
    """What the commands of a script do for delivery (test, build, push, deploy ...), in order."""
    effects: list[Effect] = []
    testing = False
    for call in script_calls(script):
        testing = testing or (
            call.program in column("programs", "cluster")
            and bool({"create", "start"} & set(call.verbs))
        )
        effects += _call_effects(call)
    return (*effects, Effect("cluster")) if testing else tuple(effects)


def _call_effects(call: Call) -> Iterator[Effect]:
    line = " ".join((call.program, *call.words))[:1200].replace("\n", " ")
    dry = any(
        word.startswith("--dry-run") and "none" not in word for word in call.words
    ) or call.has("--server-dry-run")
    place = (call.start, call.end, call.text)
    named = _effects_by_name(call)
    for row in _commands():
        kind, family = row.kind, row.family
        if row.pattern.match(line) is None:
            continue
        if kind == "smoke" and call.program in ("curl", "wget") and _is_download(call):
            continue
        if kind == "test" and ("-DskipTests" in line or "skip.test" in line or " -x test" in line):
            continue
        if kind == "deploy" and (dry or call.has("--help", "--check") or _is_read_only(call)):
            yield Effect("lint", "", *place)
            continue
        yield Effect(kind, family, *place, row.weak)
        if kind == "deploy":
            yield from _safeguards(call, family, place)
    if call.program == "ssh":
        for word in call.words:
            if " " in word:
                yield from (Effect(d.kind, d.family, *place, d.weak) for d in _remote_effects(word))
    for kind in named:
        yield Effect(kind, "script", *place, kind == "deploy")


def _is_download(call: Call) -> bool:
    """Whether curl or wget fetches a file instead of asking a service."""
    if call.program == "wget":
        return "-qO-" not in call.words and not call.has("--spider")
    short = [word for word in call.words if word.startswith("-") and not word.startswith("--")]
    target = call.value("-o", "--output") or ""
    saves = any(word[-1:] in "oO" for word in short if len(word) > 1) or call.has(
        "--output", "--remote-name"
    )
    return (saves and target != "/dev/null") or call.text.rstrip().endswith("| sh")


def _remote_effects(script: str) -> Iterator[Effect]:
    """What is done on the other machine; a compose file that is brought up there is a deployment."""
    for call in script_calls(script):
        line = " ".join((call.program, *call.words))[:1200]
        for row in _commands():
            if row.pattern.match(line) and row.kind in ("deploy", "rollback", "rollout", "smoke"):
                yield Effect(row.kind, row.family)


@functools.cache
def _starts() -> re.Pattern[str]:
    """What starts on a server what lies there."""
    return _joined_pattern(
        pattern for row in rows("command-effects").values() for pattern in row.get("starts", ())
    )


def _is_rollout_of_checkout(script: str) -> bool:
    """Whether a script on a server takes the newest commit and starts what it holds: `git pull && make up`."""
    pulled = False
    for call in script_calls(script):
        line = " ".join((call.program, *call.words))[:1200]
        if call.program == "git" and {"pull", "reset", "checkout"} & set(call.verbs[:1]):
            pulled = True
        elif pulled and _starts().match(line):
            return True
    return False


def _may_deliver(script: str) -> bool:
    """Whether a script on a server has a command that may replace what is served: not one that only looks or fetches."""
    for call in script_calls(script):
        names = (call.program, *call.verbs[:2])
        if call.program not in column("programs", "looks") and not any(
            names_no_delivery(n.lower()) for n in names
        ):
            return True
    return False


def _is_read_only(call: Call) -> bool:
    """Whether a kubectl command only prints: `kubectl apply view-last-applied`, `-o yaml` of nothing."""
    return "view-last-applied" in call.verbs or (call.program == "helm" and "plugin" in call.verbs)


def _safeguards(call: Call, family: str, place: tuple[int, int, str]) -> Iterator[Effect]:
    """What a deployment does of itself: wait, and roll back."""
    if family == "helm" and (call.has(*_WAITS) or call.program == "helmfile"):
        yield Effect("rollout", family, *place)
    if family == "helm" and call.has("--atomic", "--rollback-on-failure"):
        yield Effect("rollback", family, *place)
    if (
        family in ("platform", "infra", "argo")
        and "--no-wait" not in call.words
        and "--async" not in call.words
    ):
        yield Effect("rollout", family, *place)
    if family == "argo" or call.program in ("skaffold", "werf", "kapp"):
        yield Effect("rollout", family, *place)
    if family == "swarm" and (call.has("--detach=false") or call.has("--update-failure-action")):
        yield Effect("rollout", family, *place)
    if call.value("--update-failure-action") == "rollback" or call.program == "werf":
        yield Effect("rollback", family, *place)


def _effects_by_name(call: Call) -> Iterator[str]:
    """What the name of a task or a script says that it does."""
    names: list[str] = []
    if call.program in column("programs", "task-runner"):
        names = [word for word in call.verbs if word not in ("run", "run-script", "-C")][:3]
    elif (
        call.program in column("programs", "interpreter")
        and call.verbs
        and _SCRIPT.search(call.verbs[0])
    ):
        names = [call.verbs[0]]
    elif _SCRIPT.search(call.text.split()[0] if call.text.split() else "") or call.program.endswith(
        (".sh", ".py")
    ):
        names = [call.program, *call.verbs[:1]]
    seen = set()
    for name in names:
        for kind, pattern in _names():
            if kind == "deploy" and names_no_delivery(name.lower()):
                continue
            if kind not in seen and len(name) < 200 and pattern.search(name.lower()):
                seen.add(kind)
                yield kind


_NO_DELIVERY = re.compile(
    r"(?:^|[^a-z])(?:clean|clean-?up|remove|delete|destroy|tear-?down|undeploy|prune|purge|stop|list|status|show|describe"
    r"|download|fetch|wait|watch)(?:[^a-z]|\Z)"
)


def names_no_delivery(name: str) -> bool:
    """Whether a name, in lower case, says before all else that something is removed, looked at or fetched: nothing is replaced."""
    found = _NO_DELIVERY.search(name)
    return found is not None and "deploy" not in name[: found.start()]


_COMMAND_INPUTS = frozenset({"command", "commands", "cmd", "run", "script"})
"""Inputs by which an action that nobody here knows is handed a command to run."""


def action_effects(name: str, options: Mapping[str, Any]) -> tuple[Effect, ...]:
    """The deeds of an action by its name (`owner/repository/path`, lower case) and its inputs."""
    effects: list[Effect] = []
    words = effects_of_action(name)
    for word in words:
        effects += _input_effects(word, name, options)
    if not words:
        for key in _COMMAND_INPUTS & options.keys():
            script = options[key]
            if isinstance(script, str):
                effects += (
                    Effect(one.kind, one.family) for one in script_effects(script) if not one.weak
                )
    if name == "aws-actions/amazon-ecs-deploy-task-definition" and _is_enabled(
        options.get("wait-for-service-stability")
    ):
        effects.append(Effect("rollout", "ecs"))
    return tuple(effects)


def _input_effects(word: str, name: str, options: Mapping[str, Any]) -> list[Effect]:
    if word == "trivy":
        kind = str(options.get("scan-type", "image"))
        return [Effect({"config": "analysis", "image": "image-scan"}.get(kind, "audit"))]
    if word == "image":
        effects = [Effect("build")]
        push = str(options.get("push", "")).lower()
        if push not in ("", "false") or "type=registry" in str(options.get("outputs", "")):
            effects.append(Effect("push"))
        if "," in str(options.get("platforms", "")):
            effects.append(Effect("platforms"))
        if _is_enabled(options.get("sbom")):
            effects.append(Effect("sbom"))
        return effects
    if word == "ssh":
        script = options.get("script")
        if not isinstance(script, str) or is_one_expression(script.strip()):
            return [Effect("deploy", "ssh", weak=True)]
        inner = list(_remote_effects(script))
        if _is_rollout_of_checkout(script):
            inner.append(Effect("deploy", "ssh"))
        return inner or ([Effect("deploy", "ssh", weak=True)] if _may_deliver(script) else [])
    kind, _, family = word.partition(":")
    return [Effect(kind, family.rstrip("?"), weak=family.endswith("?"))]


def _is_enabled(value: Any) -> bool:
    return str(value).lower() == "true"
