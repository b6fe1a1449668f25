"""Credentials that two services of a project state: what a client says, and what its server is given."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from readiness.checks.compose.app import apps
from readiness.kinds.compose_model import Service
from readiness.kinds.compose_parts import expanded, mount_specs, part, variable_specs
from readiness.model import Hit, Related, Span, Unknown, hit
from readiness.project import Project
from readiness.syntax.interpolation import HOLE, default_of

Found = Iterator[Hit | Unknown]
# (variable of the password, variable of the user, the user where that is not set)
_ACCOUNTS = (
    ("POSTGRES_PASSWORD", "POSTGRES_USER", "postgres"),
    ("POSTGRESQL_PASSWORD", "POSTGRESQL_USERNAME", "postgres"),
    ("MYSQL_PASSWORD", "MYSQL_USER", ""),
    ("MYSQL_ROOT_PASSWORD", "", "root"),
    ("MARIADB_PASSWORD", "MARIADB_USER", ""),
    ("MARIADB_ROOT_PASSWORD", "", "root"),
    ("MONGO_INITDB_ROOT_PASSWORD", "MONGO_INITDB_ROOT_USERNAME", ""),
    ("RABBITMQ_DEFAULT_PASS", "RABBITMQ_DEFAULT_USER", "guest"),
    ("CLICKHOUSE_PASSWORD", "CLICKHOUSE_USER", "default"),
    ("REDIS_PASSWORD", "", "default"),
)
_REQUIREPASS = re.compile(r"--requirepass[ =]+[\"']?(?P<password>[^\s\"']{1,200})")
_PIECE = r"(?:\$\{[^{}]{1,200}\}|[^:/@\s${}])"
_URL = re.compile(
    rf"\b[a-z][a-z0-9+.-]{{1,30}}://(?P<user>{_PIECE}{{0,100}}):(?P<password>{_PIECE}{{1,200}})@(?P<host>[A-Za-z0-9_.-]{{1,200}})"
)
_HOST = re.compile(r"(?P<prefix>[A-Z0-9_]*?)_?(?:HOST|HOSTNAME|SERVER|ADDR|ADDRESS)\Z")
_PASSWORDS = ("PASSWORD", "PASS", "PWD")
_USERS = ("USER", "USERNAME")


@dataclass(frozen=True, slots=True)
class _Account:
    """What a server gives one of its users: texts as they are written, with their variables."""

    user: str
    password: str
    span: Span


def differing(service: Service, project: Project) -> Found:
    """A password that a service sends and that is not the one its server has."""
    services = project.memo(apps).app(service.document).services()
    for variable, host, user, password, span in _claims(service):
        server = services.get(host)
        if server is None or server is service:
            continue
        accounts = list(_accounts(server))
        named = [one for one in accounts if _apart(one.user, user or "default") is False]
        if not named and not _made_by_scripts(server):
            named = accounts  # a user whom the server does not have gets in with no password at all
        if named and all(_apart(one.password, password) for one in named):
            related = [Related(server.source, named[0].span, "the server is given another one")]
            yield hit(span, variable=variable, server=host, related=related)


def _made_by_scripts(server: Service) -> bool:
    """Whether scripts that are mounted, or built in, may make users that the environment does not name."""
    mounts = mount_specs(server.full)
    return server.builds or any("initdb" in one.target or HOLE in one.target for one in mounts)


def _accounts(server: Service) -> Iterator[_Account]:
    """The users of a server, as its environment or its command makes them."""
    given = {spec.name: spec for spec in variable_specs(server.source, server.full, "environment")}
    for password, user, default in _ACCOUNTS:
        spec = given.get(password)
        if spec is None or spec.value in (None, ""):
            continue
        named = given.get(user)
        name = default if named is None else str(named.value)
        yield _Account(name, str(spec.value), spec.span)
    found = _REQUIREPASS.search(_raw(server.full.get("command")))
    if found:
        yield _Account("default", found["password"], server.full.at("command"))


def _raw(value: Any) -> str:
    """A command as it is written, on one line."""
    return value if isinstance(value, str) else " ".join(map(str, value or ()))


Claim = tuple[str, str, str, str, Span]  # variable, host, user, password, the place of the password


def _claims(service: Service) -> Iterator[Claim]:
    """The logins that a service's environment holds: URLs, and variables that belong together by their names."""
    specs = list(variable_specs(service.source, service.node, "environment"))
    texts = {spec.name: str(spec.value) for spec in specs if isinstance(spec.value, str | int)}
    places = {spec.name: spec.span for spec in specs}
    for name, text in texts.items():
        for found in _URL.finditer(text):
            span = part(service.source, places[name], text, *found.span("password"))
            yield name, found["host"], unquote(found["user"]), unquote(found["password"]), span
        about = _HOST.match(name)
        if about:
            user = _first(texts, about["prefix"], _USERS)
            password = _first(texts, about["prefix"], _PASSWORDS)
            if user and password:
                host = expanded(text).text.partition(":")[0]
                yield password, host, texts[user], texts[password], places[password]


def _first(texts: dict[str, str], prefix: str, words: Sequence[str]) -> str:
    """The first of the variables PREFIX_WORD, or PREFIXWORD, that is set to something."""
    names = (f"{prefix}{sign}{word}".lstrip("_") for word in words for sign in ("_", ""))
    return next((name for name in names if texts.get(name)), "")


def _apart(first: str, second: str) -> bool | None:
    """Whether two written values differ where nobody sets anything else; None where nobody can tell."""
    if first == second:
        return False
    one, two = default_of(first), default_of(second)
    if one is not None and two is not None:
        # Of two variables each may be set to what the other is.
        return one[1] != two[1] if one[0] == two[0] and "$" not in one[1] + two[1] else None
    if "$" in first or "$" in second:
        same = expanded(first).text == expanded(second).text
        return False if same and HOLE not in expanded(first).text else None
    return True
