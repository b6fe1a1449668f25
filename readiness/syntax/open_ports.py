"""What command lines open beyond the machine itself without asking who is there: debuggers, JMX, the engine of Docker."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

_LINE_LENGTH = 20_000  # characters that are looked at


class OpenPort(NamedTuple):
    """A port on every address of its container, what listens there, and where in the text that is said."""

    number: int
    what: str
    start: int
    end: int


_ANY_HOST = r"(?:0\.0\.0\.0|\*|\[?::\]?)"
_PORT = r"(?P<port>[0-9]{2,5})\b"
_OPENED = (
    ("Delve", re.compile(rf"\bdlv\b[^|;&\n]{{0,300}}?\s(?:--listen|-l)[= ](?:{_ANY_HOST})?:{_PORT}")),
    ("Node's inspector", re.compile(rf"(?<![\w-])--inspect(?:-brk|-wait)?[= ]{_ANY_HOST}(?::(?P<port>[0-9]{{2,5}})\b)?")),
    ("debugpy", re.compile(rf"\bdebugpy\b[^|;&\n]{{0,100}}?\s--listen[= ]{_ANY_HOST}:{_PORT}")),
    (
        "Java's debugger",
        re.compile(
            rf"-(?:agentlib:jdwp|Xrunjdwp:)[=:]?(?=[^\s\"']{{0,200}}server=y)[^\s\"']{{0,200}}?\baddress={_ANY_HOST}:{_PORT}"
        ),
    ),
)
_DEFAULT_PORTS = {"Node's inspector": 9229}
_JMX_PORT = re.compile(rf"-Dcom\.sun\.management\.jmxremote\.port={_PORT}")
_JMX_WITHOUT_LOGIN = re.compile(r"-Dcom\.sun\.management\.jmxremote\.authenticate=false\b")
JMX_WITHOUT_LOGIN = "JMX without a login"


def open_ports(text: str) -> Iterator[OpenPort]:
    """The ports that a command line, or options in a variable, opens for debuggers and JMX on every address."""
    text = text[:_LINE_LENGTH]
    for what, pattern in _OPENED:
        for match in pattern.finditer(text):
            port = match["port"]
            yield OpenPort(int(port) if port else _DEFAULT_PORTS[what], what, match.start(), match.end())
    if _JMX_WITHOUT_LOGIN.search(text):
        for match in _JMX_PORT.finditer(text):
            yield OpenPort(int(match["port"]), JMX_WITHOUT_LOGIN, match.start(), match.end())


_ENGINE_HOST = re.compile(rf"tcp://(?:{_ANY_HOST})?(?::(?P<port>[0-9]{{2,5}}))?(?![\w.])")
_ENGINE_TLS = re.compile(r"--tls(?:verify|cacert)?\b(?!=false)")


def engine_on_every_address(words: list[str], variables: Mapping[str, str]) -> int | None:
    """Where the words of a command open Docker's engine on every address without TLS: the index of the word, None where they do not.

    `dockerd --host=tcp://0.0.0.0:2375`, also behind the entrypoint of the `dind` image, whose TLS is for the host that it adds.
    https://docs.docker.com/engine/security/protect-access/
    """
    if any(_ENGINE_TLS.search(word) for word in words) or variables.get("DOCKER_TLS_VERIFY"):
        return None
    for index, word in enumerate(words):
        option = word.startswith(("--host=", "-H=", "-Htcp")) or (index > 0 and words[index - 1] in {"-H", "--host"})
        if option and _ENGINE_HOST.search(word):
            return index
    return None


def is_engine_opened_by_image(words: list[str], variables: Mapping[str, str]) -> bool:
    """Whether the entrypoint of the `dind` image opens the engine on port 2375: without a folder for certificates it adds that host.

    https://github.com/docker-library/docker/blob/master/dockerd-entrypoint.sh
    """
    return variables.get("DOCKER_TLS_CERTDIR") == "" and (not words or words[0].startswith("-"))
