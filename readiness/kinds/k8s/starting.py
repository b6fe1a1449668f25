"""Which containers surely need time before they answer, and what in the files says so."""

from __future__ import annotations

from typing import NamedTuple

from readiness.facts.public_images import is_slow_starting_server
from readiness.kinds.k8s.effective import integer_or_none
from readiness.kinds.k8s.model import Container
from readiness.model.lazy_regex import lazy_regex
from readiness.syntax import image as images
from readiness.syntax.yaml import Map


class SlowStartSign(NamedTuple):
    """What shows that a start takes time: which sort of sign (`delay`, `jvm`, `work`, `server`), and the words that say it."""

    sort: str
    words: str


SLOW_START_SECONDS = 10  # as long as a livenessProbe of its own has to wait for a container that is slow
_MAX_COMMAND_CHARACTERS = 4000
_JVM_IMAGE_NAME = lazy_regex(
    r"(?:\A|[-_./])(?:java|jdk|jre|openjdk|temurin|corretto|zulu|tomcat|jetty|wildfly|jboss-eap|springboot|spring-boot|keycloak|payara)"
    r"(?=\Z|[-_./:@0-9])"
)
_JVM_VARIABLE_NAME = lazy_regex(
    r"\A(?:JAVA_(?:OPTS|OPTIONS|TOOL_OPTIONS|ARGS|MEM)|_JAVA_OPTIONS|JDK_JAVA_OPTIONS|JVM_\w{1,60}|CATALINA_OPTS|SPRING_PROFILES_ACTIVE"
    r"|\w{1,60}_(?:JAVA|JVM)_(?:OPTS|OPTIONS|ARGS))\Z"
)
_JVM_OPTION = lazy_regex(r"(?:\A|[\s\"'=])(?:-Xm[xs]\d|-XX:[+\w]|-jar\s)")
# What a start does before the server listens: installs, migrations of a database, waiting for another one.
_WORK_BEFORE_SERVING = lazy_regex(
    r"\b(?:(?:npm|yarn|pnpm) (?:ci|install|run build)|pip3? install|bundle install|composer install|apt-get (?:-\w+ )?install|apk (?:--?[\w-]+ )?add"
    r"|(?:manage\.py|artisan|rake|rails|prisma|knex|sequelize|flask db|alembic|flyway|liquibase|dbmate|goose)[ :\w-]{0,40}?\b(?:migrate|upgrade)"
    r"|db:migrate|db:prepare|collectstatic|wait-for(?:-it)?|pg_isready|nc -\w*z)"
)


def slow_start_sign(container: Container) -> SlowStartSign | None:
    """What in the files proves that a container needs time before it answers; None where nothing does."""
    liveness_probe = container.node.get("livenessProbe")
    initial_delay = integer_or_none(liveness_probe.get("initialDelaySeconds")) if isinstance(liveness_probe, Map) else None
    if initial_delay is not None and initial_delay >= SLOW_START_SECONDS:
        return SlowStartSign("delay", str(initial_delay))
    if container.image and is_slow_starting_server(images.parse_image(container.image)):
        return SlowStartSign("server", images.parse_image(container.image).name)
    command_text = " ".join(str(word) for words in container.command_lists() for word in words)[:_MAX_COMMAND_CHARACTERS]
    work_match = _WORK_BEFORE_SERVING.search(command_text)
    if work_match is not None:
        return SlowStartSign("work", work_match[0])
    jvm_words = _jvm_words(container, command_text)
    return SlowStartSign("jvm", jvm_words) if jvm_words else None


def _jvm_words(container: Container, command_text: str) -> str:
    """What shows that a container runs on a Java virtual machine: its image, a variable, or an option; empty where nothing does."""
    image_match = _JVM_IMAGE_NAME.search(container.image[:400].lower())
    if image_match is not None:
        return image_match[0].strip("-_./")
    for name, variable in container.variables.items():
        if _JVM_VARIABLE_NAME.match(name) or (variable.value and _JVM_OPTION.search(variable.value[:_MAX_COMMAND_CHARACTERS])):
            return name
    option_match = _JVM_OPTION.search(command_text)
    return option_match[0].strip(" \"'=") if option_match is not None else ""
