"""What command lines open beyond the machine itself without asking who is there: debuggers, JMX, the engine of Docker."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from readiness.model.lazy_regex import lazy_regex

_MAX_SEARCHED_CHARACTERS = 20_000  # characters that are looked at


class OpenPort(NamedTuple):
    """A port on every address of its container, what listens there, and where in the text that is said."""

    number: int
    what: str
    start: int
    end: int


_ANY_HOST_PATTERN = r"(?:0\.0\.0\.0|\*|\[?::\]?)"
_PORT_PATTERN = r"(?P<port>[0-9]{2,5})\b"
_DEBUGGER_PORT_PATTERNS = (
    ("Delve", lazy_regex(rf"\bdlv\b[^|;&\n]{{0,300}}?\s(?:--listen|-l)[= ](?:{_ANY_HOST_PATTERN})?:{_PORT_PATTERN}")),
    (
        "Node's inspector",
        lazy_regex(rf"(?<![\w-])--inspect(?:-brk|-wait)?[= ]{_ANY_HOST_PATTERN}(?::(?P<port>[0-9]{{2,5}})\b)?"),
    ),
    ("debugpy", lazy_regex(rf"\bdebugpy\b[^|;&\n]{{0,100}}?\s--listen[= ]{_ANY_HOST_PATTERN}:{_PORT_PATTERN}")),
    (
        "Java's debugger",
        lazy_regex(rf"-(?:agentlib:jdwp|Xrunjdwp:)[=:]?(?=[^\s\"']{{0,200}}server=y)[^\s\"']{{0,200}}?\baddress={_ANY_HOST_PATTERN}:{_PORT_PATTERN}"),
    ),
)
_DEFAULT_PORT_BY_DEBUGGER = {"Node's inspector": 9229}
_JMX_PORT = lazy_regex(rf"-Dcom\.sun\.management\.jmxremote\.port={_PORT_PATTERN}")
_JMX_LOGIN_DISABLED_PATTERN = lazy_regex(r"-Dcom\.sun\.management\.jmxremote\.authenticate=false\b")
JMX_WITHOUT_LOGIN_LABEL = "JMX without a login"


def debugger_and_jmx_ports(text: str) -> Iterator[OpenPort]:
    """The ports that a command line, or options in a variable, opens for debuggers and JMX on every address."""
    text = text[:_MAX_SEARCHED_CHARACTERS]
    for debugger_name, pattern in _DEBUGGER_PORT_PATTERNS:
        for match in pattern.finditer(text):
            port_digits = match["port"]
            yield OpenPort(
                int(port_digits) if port_digits else _DEFAULT_PORT_BY_DEBUGGER[debugger_name],
                debugger_name,
                match.start(),
                match.end(),
            )
    if _JMX_LOGIN_DISABLED_PATTERN.search(text):
        for match in _JMX_PORT.finditer(text):
            yield OpenPort(int(match["port"]), JMX_WITHOUT_LOGIN_LABEL, match.start(), match.end())


_DOCKER_ENGINE_HOST_PATTERN = lazy_regex(rf"tcp://(?:{_ANY_HOST_PATTERN})?(?::(?P<port>[0-9]{{2,5}}))?(?![\w.])")
_DOCKER_ENGINE_TLS_OPTION = lazy_regex(r"--tls(?:verify|cacert)?\b(?!=false)")


def open_docker_host_word_index(command_words: list[str], value_by_variable: Mapping[str, str]) -> int | None:
    """Where the words of a command open Docker's engine on every address without TLS: the index of the word, None where they do not.

    `dockerd --host=tcp://0.0.0.0:2375`, also behind the entrypoint of the `dind` image, whose TLS is for the host that it adds.
    https://docs.docker.com/engine/security/protect-access/
    """
    if any(_DOCKER_ENGINE_TLS_OPTION.search(word) for word in command_words) or value_by_variable.get("DOCKER_TLS_VERIFY"):
        return None
    for index, word in enumerate(command_words):
        is_host_option = word.startswith(("--host=", "-H=", "-Htcp")) or (index > 0 and command_words[index - 1] in {"-H", "--host"})
        if is_host_option and _DOCKER_ENGINE_HOST_PATTERN.search(word):
            return index
    return None


def is_docker_port_opened_by_dind(command_words: list[str], value_by_variable: Mapping[str, str]) -> bool:
    """Whether the entrypoint of the `dind` image opens the engine on port 2375: without a folder for certificates it adds that host.

    https://github.com/docker-library/docker/blob/master/dockerd-entrypoint.sh
    """
    return value_by_variable.get("DOCKER_TLS_CERTDIR") == "" and (not command_words or command_words[0].startswith("-"))
