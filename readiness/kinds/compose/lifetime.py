"""Whether a service stays, or ends when its work is done."""

from __future__ import annotations

import re

from readiness.model.lazy_regex import lazy_regex
from readiness.syntax.yaml import Map, Seq

_JOB_NAME_PATTERN = lazy_regex(
    r"(?:^|[-_])(?:init|migrat\w{0,60}|setup|seed\w{0,60}|backup|restore|bootstrap|installer?|createbuckets?|job|once|cli|tests?|e2e|lint|"
    r"certbot|mc|perms?|permissions?|chown|provision\w{0,60}|loader|import\w{0,60}|export\w{0,60})(?:$|[-_\d])",
    re.IGNORECASE,
)
# What such a service does is done once where nothing starts it again and nobody sends it anything.
_ONE_TIME_WORK_NAME = lazy_regex(r"(?:^|[-_])(?:bootstrap\w{0,60}|configur(?:e|er|ator)|initiali[sz]\w{0,60})(?:$|[-_\d])", re.IGNORECASE)
# An option of load generators and other tools that end by themselves. A server's command has timeouts and `sleep`, too: they tell nothing.
_RUN_DURATION = lazy_regex(r"--?(?:duration|run-time)[= ]\"?[1-9][0-9.]{0,9}(?:ms|s|m|h)?(?:[\s\"']|\Z)")
_PROFILE_OF_NOBODY = lazy_regex(r"(?:none|never|templates?|disabled|do-?not-?start)\Z", re.IGNORECASE)


def is_meant_to_end(service_name: str, service_node: Map) -> bool:
    """Whether a service is meant to end: it is never started again, runs as a job of a swarm, starts nothing, is named like a job,
    or its command says how long it runs."""
    restart_setting = service_node.get("restart")
    if restart_setting in ("no", False) and not service_node.get("ports"):
        return True
    deploy_section = service_node.get("deploy")
    if isinstance(deploy_section, Map) and str(deploy_section.get("mode")).endswith("-job"):
        return True
    if not service_node.get("ports") and _RUN_DURATION.search(_command_text(service_node)):
        return True
    if starts_nothing(service_node) or _JOB_NAME_PATTERN.search(service_name):
        return True
    is_left_alone = restart_setting is None and not service_node.get("ports") and not isinstance(deploy_section, Map)
    return is_left_alone and _ONE_TIME_WORK_NAME.search(service_name) is not None


def _command_text(service_node: Map) -> str:
    command = service_node.get("command")
    return " ".join(map(str, command)) if isinstance(command, Seq) else command if isinstance(command, str) else ""


def starts_nothing(service_node: Map) -> bool:
    """Whether the command of a service is `true`, as of a container that is there for its volumes."""
    command = service_node.get("command")
    words = command.split() if isinstance(command, str) else list(command) if isinstance(command, Seq) else []
    return len(words) == 1 and words[0] in ("true", "/bin/true") and service_node.get("entrypoint") is None


def has_only_profiles_of_nobody(service_node: Map) -> bool:
    """Whether all profiles of a service say that nobody starts it (`profiles: [none]`): it only holds what others merge."""
    profiles_node = service_node.get("profiles")
    return isinstance(profiles_node, Seq) and bool(profiles_node) and all(_PROFILE_OF_NOBODY.match(str(one)) for one in profiles_node)
