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
from readiness.facts.table import fact_column, fact_rows
from readiness.kinds.github.texts import is_one_expression
from readiness.kinds.pipeline.scripts import ScriptCommand, script_calls

REMOTE_FAMILIES = frozenset({"kubernetes", "helm", "ecs", "swarm", "platform"})
"""Of deployments: those whose place stands in the command, in its credentials or in what ran before it in the job."""


@dataclass(frozen=True, slots=True)
class DeliveryEffect:
    """One thing done: what, by which family of tools, and where in its script (0, 0 for an action).

    `is_guess` says that the name alone tells it (`./deploy.sh`, `ssh host`): it counts where the job says so too.
    """

    kind: str
    tool_family: str = ""
    start: int = 0
    end: int = 0
    text: str = ""
    is_guess: bool = False


@dataclass(frozen=True, slots=True)
class _EffectPattern:
    kind: str
    tool_family: str
    pattern: re.Pattern[str]
    is_guess: bool


# What may stand between two words of a command: options with or without a value.
_OPTIONS_PATTERN = r"(?: -{1,2}[A-Za-z][A-Za-z-]{0,30}(?:=[^ ]{0,80}| [^ -][^ ]{0,80})?){0,6}"


def _joined_pattern(patterns: Iterable[str]) -> re.Pattern[str]:
    """One expression for several of the facts'; `<options>` in them stands for options between two words."""
    return re.compile("|".join(f"(?:{one.replace('<options>', _OPTIONS_PATTERN)})" for one in patterns))


@functools.cache
def _command_effect_patterns() -> tuple[_EffectPattern, ...]:
    """Patterns over `program word word ...`."""
    effect_rows = []
    for row in fact_rows("command-effects").values():
        if "commands" in row:
            pattern = _joined_pattern(row["commands"])
            effect_rows.append(_EffectPattern(row["effect"], row.get("family", ""), pattern, "weak" in row))
    return tuple(effect_rows)


@functools.cache
def _task_name_patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Patterns over the names of tasks and scripts."""
    return tuple(
        (row["effect"], re.compile(rf"(?:^|[^a-z])(?:{'|'.join(row['tasks'])})(?:[^a-z]|\Z)"))
        for row in fact_rows("command-effects").values()
        if "tasks" in row
    )


_SCRIPT_PATH = re.compile(r"(?:^|/)[\w.-]{1,80}\.(?:sh|bash|py|js|mjs|ts|rb|pl|php|ps1)\Z|^\.{0,2}/[\w./-]{1,200}\Z")
_WAIT_OPTIONS = ("--wait", "--atomic", "--rollback-on-failure")


@functools.lru_cache(maxsize=1024)
def script_effects(script: str) -> tuple[DeliveryEffect, ...]:
    """What the commands of a script do for delivery (test, build, push, deploy ...), in order."""
    effects: list[DeliveryEffect] = []
    testing = False
    for call in script_calls(script):
        testing = testing or (
            call.program in fact_column("programs", "cluster") and bool({"create", "start"} & set(call.non_option_arguments))
        )
        effects += _call_effects(call)
    return (*effects, DeliveryEffect("cluster")) if testing else tuple(effects)


def _call_effects(call: ScriptCommand) -> Iterator[DeliveryEffect]:
    line = " ".join((call.program, *call.words))[:1200].replace("\n", " ")
    dry = any(word.startswith("--dry-run") and "none" not in word for word in call.words) or call.has_option("--server-dry-run")
    place = (call.start, call.end, call.text)
    named = _effects_by_name(call)
    for row in _command_effect_patterns():
        kind, family = row.kind, row.tool_family
        if row.pattern.match(line) is None:
            continue
        if kind == "smoke" and call.program in ("curl", "wget") and _is_download(call):
            continue
        if kind == "test" and ("-DskipTests" in line or "skip.test" in line or " -x test" in line):
            continue
        if kind == "deploy" and (dry or call.has_option("--help", "--check") or _is_read_only(call)):
            yield DeliveryEffect("lint", "", *place)
            continue
        yield DeliveryEffect(kind, family, *place, row.is_guess)
        if kind == "deploy":
            yield from _deployment_safeguards(call, family, place)
    if call.program == "ssh":
        for word in call.words:
            if " " in word:
                yield from (DeliveryEffect(d.kind, d.tool_family, *place, d.is_guess) for d in _remote_effects(word))
    for kind in named:
        yield DeliveryEffect(kind, "script", *place, kind == "deploy")


def _is_download(call: ScriptCommand) -> bool:
    """Whether curl or wget fetches a file instead of asking a service."""
    if call.program == "wget":
        return "-qO-" not in call.words and not call.has_option("--spider")
    short = [word for word in call.words if word.startswith("-") and not word.startswith("--")]
    target = call.option_value("-o", "--output") or ""
    saves = any(word[-1:] in "oO" for word in short if len(word) > 1) or call.has_option("--output", "--remote-name")
    return (saves and target != "/dev/null") or call.text.rstrip().endswith("| sh")


def _remote_effects(script: str) -> Iterator[DeliveryEffect]:
    """What is done on the other machine; a compose file that is brought up there is a deployment."""
    for call in script_calls(script):
        line = " ".join((call.program, *call.words))[:1200]
        for row in _command_effect_patterns():
            if row.pattern.match(line) and row.kind in ("deploy", "rollback", "rollout", "smoke"):
                yield DeliveryEffect(row.kind, row.tool_family)


@functools.cache
def _starts() -> re.Pattern[str]:
    """What starts on a server what lies there."""
    return _joined_pattern(pattern for row in fact_rows("command-effects").values() for pattern in row.get("starts", ()))


def _is_rollout_of_checkout(script: str) -> bool:
    """Whether a script on a server takes the newest commit and starts what it holds: `git pull && make up`."""
    pulled = False
    for call in script_calls(script):
        line = " ".join((call.program, *call.words))[:1200]
        if call.program == "git" and {"pull", "reset", "checkout"} & set(call.non_option_arguments[:1]):
            pulled = True
        elif pulled and _starts().match(line):
            return True
    return False


def _may_deliver(script: str) -> bool:
    """Whether a script on a server has a command that may replace what is served: not one that only looks or fetches."""
    for call in script_calls(script):
        names = (call.program, *call.non_option_arguments[:2])
        if call.program not in fact_column("programs", "looks") and not any(is_non_delivery_name(n.lower()) for n in names):
            return True
    return False


def _is_read_only(call: ScriptCommand) -> bool:
    """Whether a kubectl command only prints: `kubectl apply view-last-applied`, `-o yaml` of nothing."""
    return "view-last-applied" in call.non_option_arguments or (
        call.program == "helm" and "plugin" in call.non_option_arguments
    )


def _deployment_safeguards(call: ScriptCommand, family: str, position: tuple[int, int, str]) -> Iterator[DeliveryEffect]:
    """What a deployment does of itself: wait, and roll back."""
    if family == "helm" and (call.has_option(*_WAIT_OPTIONS) or call.program == "helmfile"):
        yield DeliveryEffect("rollout", family, *position)
    if family == "helm" and call.has_option("--atomic", "--rollback-on-failure"):
        yield DeliveryEffect("rollback", family, *position)
    if family in ("platform", "infra", "argo") and "--no-wait" not in call.words and "--async" not in call.words:
        yield DeliveryEffect("rollout", family, *position)
    if family == "argo" or call.program in ("skaffold", "werf", "kapp"):
        yield DeliveryEffect("rollout", family, *position)
    if family == "swarm" and (call.has_option("--detach=false") or call.has_option("--update-failure-action")):
        yield DeliveryEffect("rollout", family, *position)
    if call.option_value("--update-failure-action") == "rollback" or call.program == "werf":
        yield DeliveryEffect("rollback", family, *position)


def _effects_by_name(call: ScriptCommand) -> Iterator[str]:
    """What the name of a task or a script says that it does."""
    names: list[str] = []
    if call.program in fact_column("programs", "task-runner"):
        names = [word for word in call.non_option_arguments if word not in ("run", "run-script", "-C")][:3]
    elif (
        call.program in fact_column("programs", "interpreter")
        and call.non_option_arguments
        and _SCRIPT_PATH.search(call.non_option_arguments[0])
    ):
        names = [call.non_option_arguments[0]]
    elif _SCRIPT_PATH.search(call.text.split()[0] if call.text.split() else "") or call.program.endswith((".sh", ".py")):
        names = [call.program, *call.non_option_arguments[:1]]
    seen = set()
    for name in names:
        for kind, pattern in _task_name_patterns():
            if kind == "deploy" and is_non_delivery_name(name.lower()):
                continue
            if kind not in seen and len(name) < 200 and pattern.search(name.lower()):
                seen.add(kind)
                yield kind


_NO_DELIVERY = re.compile(
    r"(?:^|[^a-z])(?:clean|clean-?up|remove|delete|destroy|tear-?down|undeploy|prune|purge|stop|list|status|show|describe"
    r"|download|fetch|wait|watch)(?:[^a-z]|\Z)"
)


def is_non_delivery_name(name: str) -> bool:
    """Whether a name, in lower case, says before all else that something is removed, looked at or fetched: nothing is replaced."""
    found = _NO_DELIVERY.search(name)
    return found is not None and "deploy" not in name[: found.start()]


_COMMAND_INPUTS = frozenset({"command", "commands", "cmd", "run", "script"})
"""Inputs by which an action that nobody here knows is handed a command to run."""


def action_effects(name: str, inputs: Mapping[str, Any]) -> tuple[DeliveryEffect, ...]:
    """The deeds of an action by its name (`owner/repository/path`, lower case) and its inputs."""
    effects: list[DeliveryEffect] = []
    words = effects_of_action(name)
    for word in words:
        effects += _input_effects(word, name, inputs)
    if not words:
        for key in _COMMAND_INPUTS & inputs.keys():
            script = inputs[key]
            if isinstance(script, str):
                effects += (DeliveryEffect(one.kind, one.tool_family) for one in script_effects(script) if not one.is_guess)
    if name == "aws-actions/amazon-ecs-deploy-task-definition" and _is_enabled(inputs.get("wait-for-service-stability")):
        effects.append(DeliveryEffect("rollout", "ecs"))
    return tuple(effects)


def _input_effects(effect_word: str, name: str, inputs: Mapping[str, Any]) -> list[DeliveryEffect]:
    if effect_word == "trivy":
        kind = str(inputs.get("scan-type", "image"))
        return [DeliveryEffect({"config": "analysis", "image": "image-scan"}.get(kind, "audit"))]
    if effect_word == "image":
        effects = [DeliveryEffect("build")]
        push = str(inputs.get("push", "")).lower()
        if push not in ("", "false") or "type=registry" in str(inputs.get("outputs", "")):
            effects.append(DeliveryEffect("push"))
        if "," in str(inputs.get("platforms", "")):
            effects.append(DeliveryEffect("platforms"))
        if _is_enabled(inputs.get("sbom")):
            effects.append(DeliveryEffect("sbom"))
        return effects
    if effect_word == "ssh":
        script = inputs.get("script")
        if not isinstance(script, str) or is_one_expression(script.strip()):
            return [DeliveryEffect("deploy", "ssh", is_guess=True)]
        inner = list(_remote_effects(script))
        if _is_rollout_of_checkout(script):
            inner.append(DeliveryEffect("deploy", "ssh"))
        return inner or ([DeliveryEffect("deploy", "ssh", is_guess=True)] if _may_deliver(script) else [])
    kind, _, family = effect_word.partition(":")
    return [DeliveryEffect(kind, family.rstrip("?"), is_guess=family.endswith("?"))]


def _is_enabled(value: Any) -> bool:
    return str(value).lower() == "true"
