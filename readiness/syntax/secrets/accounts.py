"""Accounts in URLs (`scheme://user:password@host`): whose they are, and what in them is a constant of a protocol."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator
from typing import NamedTuple

from readiness.model import Span
from readiness.model.lazy_regex import lazy_regex

_URL_WITH_USERINFO = lazy_regex(
    r"\b[a-zA-Z][a-zA-Z0-9+.-]{1,30}://(?P<user>[^\s/:@'\"<>]{0,100}):(?P<password>[^\s/@'\"<>]{1,200})"
    r"@(?P<host>(?:\[[0-9a-fA-F:.]{2,45}\]|[^\s/'\"<>:?#,]{1,255}|(?=[^\s/'\"<>])))"
)
_LOCAL_HOST = lazy_regex(
    r"(?:(?:[\w-]+\.)*localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|0\.0\.0\.0|\[::1?\]|(?:host|gateway)\.(?:docker|containers?)\.internal"
    r"|kubernetes\.docker\.internal|172\.17\.0\.1|10\.0\.2\.2|(?:192\.0\.2|198\.51\.100|203\.0\.113)\.\d{1,3})\Z",
    re.IGNORECASE,
)
_PRIVATE_ADDRESS = lazy_regex(r"(?:10|192\.168|172\.(?:1[6-9]|2\d|3[01]))(?:\.\d{1,3}){2,3}\Z")
_SAME_NETWORK_HOST = lazy_regex(
    r"(?:[\w-]+|[\w.-]+\.(?:svc|svc\.cluster\.local|local|lan|intern|internal|home|test|invalid|example))\Z",
    re.IGNORECASE,
)
# What a server asks for beside a token, in the user's or the password's place; it is the same for everybody.
PROTOCOL_CONSTANTS = frozenset(
    """
    x-oauth-basic x-access-token x-token-auth x-token x-bitbucket-api-token-auth oauth oauth2 oauth2accesstoken oauthtoken
    $oauthtoken gitlab-ci-token __token__ _token _json_key _json_key_base64 bearer anonymous
    00000000-0000-0000-0000-000000000000
    """.split()
)


_CAPITALS_BEFORE_WORD = r"(?:[A-Z0-9]{1,30}[_-]){0,4}"
_USER_WORD_IN_CAPITALS = lazy_regex(rf"{_CAPITALS_BEFORE_WORD}(?:USER|USERNAME|USER_NAME|LOGIN|ACCOUNT)\Z")
_PASSWORD_WORD_IN_CAPITALS = lazy_regex(rf"{_CAPITALS_BEFORE_WORD}(?:PASSWORD|PASSWD|PASS|PWD|SECRET|TOKEN)\Z")


class HostReach(enum.IntEnum):
    """Where an account lets somebody in; ordered by how far away."""

    HERE = 0  # the machine or the container itself, or an address that manuals have for examples
    BESIDE = 1  # a service by its short name, in the same network
    UNKNOWN = 2  # the host is a variable, or an address that each network has for itself
    AWAY = 3  # a host that has a name for the world


class UrlAccount(NamedTuple):
    """An account in a URL: what stands for user, password and host, and the places of the first two."""

    user: str
    password: str
    host: str
    user_span: Span
    password_span: Span

    @property
    def reach(self) -> HostReach:
        """How far away the account's host is, by its form."""
        if _LOCAL_HOST.match(self.host):
            return HostReach.HERE
        if _PRIVATE_ADDRESS.match(self.host) or any(sign in self.host for sign in "${%"):
            return HostReach.UNKNOWN
        return HostReach.BESIDE if _SAME_NETWORK_HOST.match(self.host) else HostReach.AWAY

    @property
    def is_fill_in_form(self) -> bool:
        """Whether user and password are the words for themselves in capitals, at a host of the world: `USERNAME:PASSWORD@acme.io`.

        At a server of the same project they may be what it is given, and in small letters people choose them.
        """
        return bool(self.reach is HostReach.AWAY and _USER_WORD_IN_CAPITALS.match(self.user) and _PASSWORD_WORD_IN_CAPITALS.match(self.password))


def find_url_accounts(text: str) -> Iterator[UrlAccount]:
    """Every account in the URLs of a text."""
    for match in _URL_WITH_USERINFO.finditer(text) if "://" in text else ():
        yield UrlAccount(
            match["user"],
            match["password"],
            match["host"],
            Span(*match.span("user")),
            Span(*match.span("password")),
        )
