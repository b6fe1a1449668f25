"""Logins that a service's settings hold: the server's host, a user and a password, with where each value stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import unquote

from readiness.kinds.compose.application import env_file_values_and_is_complete
from readiness.kinds.compose.model import Service
from readiness.kinds.compose.parts import expand_scalar, substring_span, variable_settings_under_key
from readiness.model import Source, Span
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import Project
from readiness.model.records import dataclass
from readiness.syntax.interpolation import UNKNOWN_VALUE_MARK
from readiness.syntax.yaml import Map

_CREDENTIAL_CHARACTER_PATTERN = r"(?:\$\{[^{}]{1,200}\}|[^:/@\s${}])"
_URL_WITH_CREDENTIALS = lazy_regex(
    rf"\b[a-z][a-z0-9+.-]{{1,30}}://(?P<user>{_CREDENTIAL_CHARACTER_PATTERN}{{0,100}}):(?P<password>{_CREDENTIAL_CHARACTER_PATTERN}{{1,200}})@(?P<host>[A-Za-z0-9_.-]{{1,200}})"
)
_HOST_VARIABLE_NAME = lazy_regex(r"(?P<prefix>[A-Z0-9_]*?)_?(?:HOST|HOSTNAME|SERVER|ADDR|ADDRESS)\Z")
# An address holds a host, too: `MYSQL_URL: mysql:3306`, `JDBC_URL: jdbc:postgresql://db/shop`.
_ADDRESS_VARIABLE_NAME = lazy_regex(r"(?P<prefix>[A-Z0-9_]*?)_?(?:(?:DB|DATABASE)_)?UR[LI]\Z")
_HOST_IN_ADDRESS = lazy_regex(r"(?:jdbc:)?(?:[a-z][a-z0-9+.-]{0,30}://)?(?:[^\s@/]{0,200}@)?(?P<host>[A-Za-z0-9_.-]{1,200})(?=[:/?]|\Z)")
_PASSWORD_VARIABLE_ENDINGS = ("PASSWORD", "PASS", "PWD")
_USER_VARIABLE_ENDINGS = ("USER", "USERNAME")


@dataclass(frozen=True, slots=True)
class ValuePlace:
    """Where a value stands: in the compose file, or in an environment file."""

    source: Source
    span: Span


def value_and_location_by_variable(service: Service, project: Project, service_node: Map) -> dict[str, tuple[str, ValuePlace]]:
    """name -> (text, place) of a service's variables: those of its environment files, then those that it writes.

    What a variable inside an environment file hides is written as a variable without a name.
    """
    value_and_location_by_name: dict[str, tuple[str, ValuePlace]] = {}
    for variable_name, env_file_setting in env_file_values_and_is_complete(service, project)[0].items():
        value_text = env_file_setting.value.replace("$", "$$").replace(UNKNOWN_VALUE_MARK, "${?}")
        value_and_location_by_name[variable_name] = value_text, ValuePlace(env_file_setting.source, env_file_setting.span)
    for variable_setting in variable_settings_under_key(service.source, service_node, "environment"):
        if isinstance(variable_setting.raw_value, str | int) or variable_setting.raw_value is None:
            value_text = f"${{{variable_setting.name}}}" if variable_setting.raw_value is None else str(variable_setting.raw_value)
            value_and_location_by_name[variable_setting.name] = value_text, ValuePlace(service.source, variable_setting.span)
    return value_and_location_by_name


ClientLogin = tuple[str, str, str, str, ValuePlace]  # variable, host, user, password, its place


def client_logins(service: Service, project: Project) -> Iterator[ClientLogin]:
    """The logins that a service's environment holds: URLs, and variables that belong together by their names."""
    value_and_location_by_name = value_and_location_by_variable(service, project, service.node)
    text_by_variable = {variable_name: variable_text for variable_name, (variable_text, _) in value_and_location_by_name.items()}
    location_by_variable = {variable_name: place for variable_name, (_, place) in value_and_location_by_name.items()}
    for variable_name, variable_text in text_by_variable.items():
        for url_match in _URL_WITH_CREDENTIALS.finditer(variable_text):
            url_location = location_by_variable[variable_name]
            password_span = substring_span(url_location.source, url_location.span, variable_text, *url_match.span("password"))
            user, password = unquote(url_match["user"]), unquote(url_match["password"])
            yield variable_name, url_match["host"], user, password, ValuePlace(url_location.source, password_span)
        host_variable = _HOST_VARIABLE_NAME.match(variable_name) or _ADDRESS_VARIABLE_NAME.match(variable_name)
        if host_variable:
            user = _first_nonempty_variable(text_by_variable, host_variable["prefix"], _USER_VARIABLE_ENDINGS)
            password = _first_nonempty_variable(text_by_variable, host_variable["prefix"], _PASSWORD_VARIABLE_ENDINGS)
            if user and password:
                value_by_variable = service.document.environment.values_with_secrets
                host = _host_in_value(variable_name, expand_scalar(variable_text, value_by_variable).text)
                yield password, host, text_by_variable[user], text_by_variable[password], location_by_variable[password]


def hosts_of_variables(service: Service, text_by_variable: Mapping[str, str]) -> Iterator[str]:
    """The hosts that variables name which are called after one or an address: `HOST`, `MYSQL_HOST`, `DB_SERVER`, `JDBC_URL`; without their ports."""
    for variable_name, variable_text in text_by_variable.items():
        if variable_text and (_HOST_VARIABLE_NAME.match(variable_name) or _ADDRESS_VARIABLE_NAME.match(variable_name)):
            yield _host_in_value(variable_name, expand_scalar(variable_text, service.document.environment.values_with_secrets).text)


def _host_in_value(variable_name: str, variable_text: str) -> str:
    """The host in the value of a variable that is called after one or after an address; empty where none stands there."""
    if _HOST_VARIABLE_NAME.match(variable_name):
        return variable_text.partition(":")[0]
    host_match = _HOST_IN_ADDRESS.match(variable_text)
    return host_match["host"] if host_match else ""


def _first_nonempty_variable(text_by_variable: dict[str, str], variable_prefix: str, name_endings: Sequence[str]) -> str:
    """The first of the variables PREFIX_WORD, or PREFIXWORD, that is set to something."""
    candidate_names = (f"{variable_prefix}{sign}{word}".lstrip("_") for word in name_endings for sign in ("_", ""))
    return next((name for name in candidate_names if text_by_variable.get(name)), "")
