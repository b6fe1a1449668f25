"""What a command or an action of a pipeline does: tests, builds, pushes, deploys, watches, rolls back, scans, tells.

One table for commands, one for actions; rules read the answers and know no tool by its name.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from readiness.facts.actions import effects_of_action
from readiness.facts.table import fact_row_by_name, property_by_fact_name
from readiness.kinds.github.texts import is_one_expression
from readiness.kinds.pipeline.scripts import ScriptCommand, script_calls
from readiness.model.lazy_regex import lazy_regex
from readiness.model.records import dataclass

REMOTE_DEPLOYMENT_FAMILIES = frozenset({"kubernetes", "helm", "ecs", "swarm", "platform"})
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
_OPTIONS_BETWEEN_WORDS = r"(?: -{1,2}[A-Za-z][A-Za-z-]{0,30}(?:=[^ ]{0,80}| [^ -][^ ]{0,80})?){0,6}"


def _join_patterns(patterns: Iterable[str]) -> re.Pattern[str]:
    """One expression for several of the facts'; `<options>` in them stands for options between two words."""
    return re.compile("|".join(f"(?:{one.replace('<options>', _OPTIONS_BETWEEN_WORDS)})" for one in patterns))


@functools.cache
def _command_effect_patterns() -> tuple[_EffectPattern, ...]:
    """Patterns over `program word word ...`."""
    effect_patterns = []
    for fact_row in fact_row_by_name("command-effects").values():
        if "commands" in fact_row:
            command_pattern = _join_patterns(fact_row["commands"])
            effect_patterns.append(_EffectPattern(fact_row["effect"], fact_row.get("family", ""), command_pattern, "weak" in fact_row))
    return tuple(effect_patterns)


@functools.cache
def _task_name_patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Patterns over the names of tasks and scripts."""
    return tuple(
        (row["effect"], re.compile(rf"(?:^|[^a-z])(?:{'|'.join(row['tasks'])})(?:[^a-z]|\Z)"))
        for row in fact_row_by_name("command-effects").values()
        if "tasks" in row
    )


_SCRIPT_PATH = lazy_regex(r"(?:^|/)[\w.-]{1,80}\.(?:sh|bash|py|js|mjs|ts|rb|pl|php|ps1)\Z|^\.{0,2}/[\w./-]{1,200}\Z")
_WAIT_OPTIONS = ("--wait", "--atomic", "--rollback-on-failure")


@functools.lru_cache(maxsize=16_384)
def script_effects(script: str) -> tuple[DeliveryEffect, ...]:
    """What the commands of a script do for delivery (test, build, push, deploy ...), in order."""
    effects: list[DeliveryEffect] = []
    starts_test_cluster = False
    for script_command in script_calls(script):
        starts_test_cluster = starts_test_cluster or _starts_test_cluster(script_command)
        effects += _effects_of_command(script_command)
    return (*effects, DeliveryEffect("cluster")) if starts_test_cluster else tuple(effects)


_TEST_CLUSTER_SUBCOMMANDS = frozenset({"create", "start", "load", "import"})
_NAME_PARTS = lazy_regex(r"[a-z0-9]{1,40}")
_TEST_CLUSTER_TASK_VERBS = frozenset({"create", "setup", "start", "launch", "boot", "bootstrap", "up", "cluster", "prepare"})
_CLUSTER_REMOVAL_VERBS = frozenset({"delete", "destroy", "remove", "cleanup", "clean", "teardown", "down", "stop"})


def _starts_test_cluster(call: ScriptCommand) -> bool:
    """Whether a command makes a cluster on the machine of the job, or loads an image into one: `kind load`, `make launch-kind`."""
    cluster_programs = property_by_fact_name("programs", "cluster")
    if call.program in cluster_programs:
        return not _TEST_CLUSTER_SUBCOMMANDS.isdisjoint(call.non_option_arguments)
    for task_name in _task_and_script_names(call):
        name_parts = set(_NAME_PARTS.findall(task_name[:200].lower()))
        if not cluster_programs.keys().isdisjoint(name_parts) and not _TEST_CLUSTER_TASK_VERBS.isdisjoint(name_parts):
            return _CLUSTER_REMOVAL_VERBS.isdisjoint(name_parts)
    return False


def _effects_of_command(call: ScriptCommand) -> Iterator[DeliveryEffect]:
    command_line = " ".join((call.program, *call.words))[:1200].replace("\n", " ")
    is_dry_run = any(ssh_argument.startswith("--dry-run") and "none" not in ssh_argument for ssh_argument in call.words) or call.has_option(
        "--server-dry-run"
    )
    effect_position = (call.start, call.end, call.text)
    kinds_by_task_name = _effect_kinds_by_task_name(call)
    for effect_pattern in _command_effect_patterns():
        effect_kind, tool_family = effect_pattern.kind, effect_pattern.tool_family
        if effect_pattern.pattern.match(command_line) is None:
            continue
        if effect_kind == "smoke" and call.program in ("curl", "wget") and _is_download(call):
            continue
        if effect_kind == "test" and ("-DskipTests" in command_line or "skip.test" in command_line or " -x test" in command_line):
            continue
        if effect_kind == "deploy" and (is_dry_run or call.has_option("--help", "--check") or _is_print_only_command(call)):
            yield DeliveryEffect("lint", "", *effect_position)
            continue
        yield DeliveryEffect(effect_kind, tool_family, *effect_position, effect_pattern.is_guess)
        if effect_kind == "deploy":
            yield from _deployment_safeguards(call, tool_family, effect_position)
    if call.program == "ssh":
        for ssh_argument in call.words:
            if " " in ssh_argument:
                yield from (DeliveryEffect(d.kind, d.tool_family, *effect_position, d.is_guess) for d in _effects_of_remote_script(ssh_argument))
    for effect_kind in kinds_by_task_name:
        yield DeliveryEffect(effect_kind, "script", *effect_position, effect_kind == "deploy")


def _is_download(call: ScriptCommand) -> bool:
    """Whether curl or wget fetches a file instead of asking a service."""
    if call.program == "wget":
        return "-qO-" not in call.words and not call.has_option("--spider")
    short_option_words = [word for word in call.words if word.startswith("-") and not word.startswith("--")]
    output_path = call.option_value("-o", "--output") or ""
    saves_to_file = any(word[-1:] in "oO" for word in short_option_words if len(word) > 1) or call.has_option("--output", "--remote-name")
    return (saves_to_file and output_path != "/dev/null") or call.text.rstrip().endswith("| sh")


def _effects_of_remote_script(script: str) -> Iterator[DeliveryEffect]:
    """What is done on the other machine; a compose file that is brought up there is a deployment."""
    for remote_command in script_calls(script):
        command_line = " ".join((remote_command.program, *remote_command.words))[:1200]
        for effect_pattern in _command_effect_patterns():
            if effect_pattern.pattern.match(command_line) and effect_pattern.kind in ("deploy", "rollback", "rollout", "smoke"):
                yield DeliveryEffect(effect_pattern.kind, effect_pattern.tool_family)


@functools.cache
def _server_start_pattern() -> re.Pattern[str]:
    """What starts on a server what lies there."""
    return _join_patterns(pattern for row in fact_row_by_name("command-effects").values() for pattern in row.get("starts", ()))


def _is_rollout_of_checkout(script: str) -> bool:
    """Whether a script on a server takes the newest commit and starts what it holds: `git pull && make up`."""
    has_updated_checkout = False
    for remote_command in script_calls(script):
        command_line = " ".join((remote_command.program, *remote_command.words))[:1200]
        if remote_command.program == "git" and {"pull", "reset", "checkout"} & set(remote_command.non_option_arguments[:1]):
            has_updated_checkout = True
        elif has_updated_checkout and _server_start_pattern().match(command_line):
            return True
    return False


def _may_replace_served_version(script: str) -> bool:
    """Whether a script on a server has a command that may replace what is served: not one that only looks or fetches."""
    for remote_command in script_calls(script):
        command_names = (remote_command.program, *remote_command.non_option_arguments[:2])
        if remote_command.program not in property_by_fact_name("programs", "looks") and not any(
            is_non_delivery_name(n.lower()) for n in command_names
        ):
            return True
    return False


def _is_print_only_command(call: ScriptCommand) -> bool:
    """Whether a kubectl command only prints: `kubectl apply view-last-applied`, `-o yaml` of nothing."""
    return "view-last-applied" in call.non_option_arguments or (call.program == "helm" and "plugin" in call.non_option_arguments)


def _deployment_safeguards(call: ScriptCommand, tool_family: str, effect_position: tuple[int, int, str]) -> Iterator[DeliveryEffect]:
    """What a deployment does of itself: wait, and roll back."""
    if tool_family == "helm" and (call.has_option(*_WAIT_OPTIONS) or call.program == "helmfile"):
        yield DeliveryEffect("rollout", tool_family, *effect_position)
    if tool_family == "helm" and call.has_option("--atomic", "--rollback-on-failure"):
        yield DeliveryEffect("rollback", tool_family, *effect_position)
    if tool_family in ("platform", "infra", "argo") and "--no-wait" not in call.words and "--async" not in call.words:
        yield DeliveryEffect("rollout", tool_family, *effect_position)
    if tool_family == "argo" or call.program in ("skaffold", "werf", "kapp"):
        yield DeliveryEffect("rollout", tool_family, *effect_position)
    if tool_family == "swarm" and (call.has_option("--detach=false") or call.has_option("--update-failure-action")):
        yield DeliveryEffect("rollout", tool_family, *effect_position)
    if call.option_value("--update-failure-action") == "rollback" or call.program == "werf":
        yield DeliveryEffect("rollback", tool_family, *effect_position)


def _task_and_script_names(call: ScriptCommand) -> list[str]:
    """The names of the tasks or of the script that a command runs; none where it runs neither."""
    if call.program in property_by_fact_name("programs", "task-runner"):
        return [word for word in call.non_option_arguments if word not in ("run", "run-script", "-C")][:3]
    if (
        call.program in property_by_fact_name("programs", "interpreter")
        and call.non_option_arguments
        and _SCRIPT_PATH.search(call.non_option_arguments[0])
    ):
        return [call.non_option_arguments[0]]
    if _SCRIPT_PATH.search(call.text.split()[0] if call.text.split() else "") or call.program.endswith((".sh", ".py")):
        return [call.program, *call.non_option_arguments[:1]]
    return []


def _effect_kinds_by_task_name(call: ScriptCommand) -> Iterator[str]:
    """What the name of a task or a script says that it does."""
    task_names = _task_and_script_names(call)
    seen_kinds = set()
    for task_name in task_names:
        for effect_kind, task_name_pattern in _task_name_patterns():
            if effect_kind == "deploy" and is_non_delivery_name(task_name.lower()):
                continue
            if effect_kind not in seen_kinds and len(task_name) < 200 and task_name_pattern.search(task_name.lower()):
                seen_kinds.add(effect_kind)
                yield effect_kind


_NON_DELIVERY_WORD = lazy_regex(
    r"(?:^|[^a-z])(?:clean|clean-?up|remove|delete|destroy|tear-?down|undeploy|prune|purge|stop|list|status|show|describe"
    r"|download|fetch|wait|watch)(?:[^a-z]|\Z)"
)


def is_non_delivery_name(name: str) -> bool:
    """Whether a name, in lower case, says before all else that something is removed, looked at or fetched: nothing is replaced."""
    word_match = _NON_DELIVERY_WORD.search(name)
    return word_match is not None and "deploy" not in name[: word_match.start()]


_INPUTS_WITH_COMMANDS = frozenset({"command", "commands", "cmd", "run", "script"})
"""Inputs by which an action that nobody here knows is handed a command to run."""


def action_effects(action_name: str, inputs: Mapping[str, Any]) -> tuple[DeliveryEffect, ...]:
    """The deeds of an action by its name (`owner/repository/path`, lower case) and its inputs."""
    effects: list[DeliveryEffect] = []
    effect_words = effects_of_action(action_name)
    for effect_word in effect_words:
        effects += _effects_of_effect_word(effect_word, action_name, inputs)
    if not effect_words:
        for input_name in _INPUTS_WITH_COMMANDS & inputs.keys():
            inline_script = inputs[input_name]
            if isinstance(inline_script, str):
                effects += (DeliveryEffect(one.kind, one.tool_family) for one in script_effects(inline_script) if not one.is_guess)
    if action_name == "aws-actions/amazon-ecs-deploy-task-definition" and _is_true_text(inputs.get("wait-for-service-stability")):
        effects.append(DeliveryEffect("rollout", "ecs"))
    return tuple(effects)


def _effects_of_effect_word(effect_word: str, action_name: str, inputs: Mapping[str, Any]) -> list[DeliveryEffect]:
    if effect_word == "trivy":
        effect_kind = str(inputs.get("scan-type", "image"))
        return [DeliveryEffect({"config": "analysis", "image": "image-scan"}.get(effect_kind, "audit"))]
    if effect_word == "image":
        image_effects = [DeliveryEffect("build")]
        push_input = str(inputs.get("push", "")).lower()
        if push_input not in ("", "false") or "type=registry" in str(inputs.get("outputs", "")):
            image_effects.append(DeliveryEffect("push"))
        if "," in str(inputs.get("platforms", "")):
            image_effects.append(DeliveryEffect("platforms"))
        if _is_true_text(inputs.get("sbom")):
            image_effects.append(DeliveryEffect("sbom"))
        return image_effects
    if effect_word == "ssh":
        remote_script = inputs.get("script")
        if not isinstance(remote_script, str) or is_one_expression(remote_script.strip()):
            return [DeliveryEffect("deploy", "ssh", is_guess=True)]
        remote_effects = list(_effects_of_remote_script(remote_script))
        if _is_rollout_of_checkout(remote_script):
            remote_effects.append(DeliveryEffect("deploy", "ssh"))
        return remote_effects or ([DeliveryEffect("deploy", "ssh", is_guess=True)] if _may_replace_served_version(remote_script) else [])
    effect_kind, _, tool_family = effect_word.partition(":")
    return [DeliveryEffect(effect_kind, tool_family.rstrip("?"), is_guess=tool_family.endswith("?"))]


def _is_true_text(value: Any) -> bool:
    return str(value).lower() == "true"
