"""Secrets among the words of nginx's configuration, read line by line, so that a file that nginx would refuse is read as well."""

from __future__ import annotations

import re
from collections.abc import Iterator

from readiness.model import Span
from readiness.model.lazy_regex import lazy_regex
from readiness.redaction.text import SecretMark, name_without_trailing_number
from readiness.syntax import secrets

# Directives whose first word is a name and whose second is its value.
_NAME_AND_VALUE = lazy_regex(
    r"""\b(?:set|proxy_set_header|grpc_set_header|add_header|more_set_headers|fastcgi_param|uwsgi_param|scgi_param|memcached_set_header)\s{1,40}"""
    r"""["']?\$?(?P<name>[A-Za-z_][\w-]{0,80})["']?\s{1,200}(?:"(?P<double>[^"\n]{1,800})"|'(?P<single>[^'\n]{1,800})'|(?P<bare>[^\s;"']{1,800}))"""
)
_DIRECTIVE = lazy_regex(
    r"""(?<![\w.$-])(?P<name>[a-z_][a-z0-9_]{2,80})[ \t]{1,40}"""
    r"""(?:"(?P<double>[^"\n]{1,400})"|'(?P<single>[^'\n]{1,400})'|(?P<bare>[^\s;"'{}]{1,400}))[ \t]{0,8};"""
)
_CONDITION = lazy_regex(
    r"""\(\s{0,8}\$(?P<name>[A-Za-z_]\w{0,80})\s{0,8}(?:!?=|!?~\*?)\s{0,8}(?:"(?P<double>[^"\n]{1,400})"|'(?P<single>[^'\n]{1,400})'|(?P<bare>[^\s)"']{1,400}))"""
)
_SECURE_LINK = lazy_regex(
    r"""\bsecure_link(?:_md5|_secret|_hmac_secret)?\s{1,40}(?:"(?P<double>[^"\n]{1,400})"|'(?P<single>[^'\n]{1,400})'|(?P<bare>[^\s;"']{1,400}))"""
)
_MAP_HEAD = lazy_regex(r"""\b(?:map|split_clients)\s{1,40}["']?(?P<asked>[^\s"'{]{1,200})["']?\s{1,40}\$(?P<name>\w{1,80})\s{0,40}\{""")
_MAP_ROW = lazy_regex(
    r"""[ \t]{0,80}(?:"(?P<key_double>[^"\n]{1,400})"|'(?P<key_single>[^'\n]{1,400})'|(?P<key_bare>[^\s;"'{}#]{1,400}))[ \t]{1,80}"""
    r"""(?:"(?P<double>[^"\n]{1,400})"|'(?P<single>[^'\n]{1,400})'|(?P<bare>[^\s;"'{}]{1,400}))[ \t]{0,8};"""
)
_MAP_PARAMETERS = frozenset({"default", "hostnames", "include", "volatile"})
_MAX_MAP_LENGTH = 200_000  # characters
_LOGIN_NAMES = frozenset({"authorization", "http_authorization", "http_proxy_authorization", "proxy-authorization"})
_CALLERS_VALUE = lazy_regex(r"\$?(?:http|arg|cookie|sent_http|upstream_http)_(\w{1,80})")
_TOKEN_ARGUMENTS = frozenset({"key", "auth", "sig", "signature"})  # of a request: what lets it in
_VARIABLE = lazy_regex(r"\$(?:\{\w{1,80}\}|\w{1,80})")
_REGEX_SIGNS = lazy_regex(r"[~^$*\\()|?]+")
_AUTH_SCHEME = lazy_regex(r"(?:~\*?)?\^?(?:Bearer|Basic|Token|Digest)(?:\\s|[ +]){1,3}", re.IGNORECASE)


def marks_in_nginx(text: str) -> Iterator[SecretMark]:
    """The marks on what directives of nginx give to names of secrets, or compare with what a caller sends to be let in."""
    for pattern in (_NAME_AND_VALUE, _CONDITION, _DIRECTIVE):
        for match in pattern.finditer(text):
            yield from _marks_of_value(match["name"], text, _span_of(match))
    for match in _SECURE_LINK.finditer(text) if "secure_link" in text else ():
        span = _span_of(match)
        offset = span.start
        for part in _VARIABLE.split(text[span.start : span.end]):
            part_start = text.find(part, offset, span.end) if part.strip(" /:") else -1
            if part_start >= 0:
                yield SecretMark(Span(part_start + len(part) - len(part.lstrip()), part_start + len(part.rstrip())), is_certain=True)
                offset = part_start + len(part)
    for map_match in _MAP_HEAD.finditer(text):
        yield from _marks_of_map(text, map_match["asked"], map_match["name"], map_match.end())


def _marks_of_map(text: str, asked: str, name: str, rows_start: int) -> Iterator[SecretMark]:
    """The marks on the rows of a map: on its keys where it asks for what lets a caller in, on its values where it sets a secret."""
    rows_end = text.find("}", rows_start, rows_start + _MAX_MAP_LENGTH)
    rows_end = rows_end if rows_end >= 0 else min(len(text), rows_start + _MAX_MAP_LENGTH)
    asks_for_secret = _lets_in(asked.removeprefix("$"))
    sets_secret = secrets.is_secret_name(name)
    for row_match in _MAP_ROW.finditer(text, rows_start, rows_end) if asks_for_secret or sets_secret else ():
        key_span = _span_of(row_match, "key_")
        key = text[key_span.start : key_span.end]
        if asks_for_secret and key not in _MAP_PARAMETERS:
            yield from _marks_of_value(asked.removeprefix("$"), text, key_span)
        if sets_secret and key not in _MAP_PARAMETERS - {"default"}:
            yield from _marks_of_value(name, text, _span_of(row_match))


def _marks_of_value(name: str, text: str, span: Span) -> Iterator[SecretMark]:
    """The mark on a value, without the scheme and the signs of a regular expression before it."""
    if not _lets_in(name):
        return
    value = text[span.start : span.end]
    scheme = _AUTH_SCHEME.match(value)
    signs = _REGEX_SIGNS.match(value)
    start = span.start + (scheme.end() if scheme else signs.end() if signs and not value.startswith("$") else 0)
    end = span.end - (value.endswith("$") and start < span.end)
    literal = _VARIABLE.sub("", text[start:end])
    if not literal.strip("\"' .-_:") or secrets.is_placeholder(literal) or literal.lower() in ("basic", "bearer", "token"):
        return
    is_login = name.lower() in _LOGIN_NAMES
    if is_login or secrets.must_be_hidden_in_output(_secret_name(name), literal):
        yield SecretMark(Span(start, end), _secret_name(name), is_certain=is_login or _secret_name(name) == "token")


def _lets_in(name: str) -> bool:
    """Whether a header, an argument, a cookie or a variable is one that holds a secret."""
    return name.lower() in _LOGIN_NAMES or secrets.is_secret_name(_secret_name(name))


def _secret_name(name: str) -> str:
    """The name that tells what a value is: of what a caller sends without the variable's own words."""
    match = _CALLERS_VALUE.fullmatch(name)
    bare_name = match[1] if match else name
    return "token" if match and bare_name in _TOKEN_ARGUMENTS else name_without_trailing_number(bare_name)


def _span_of(match: re.Match[str], prefix: str = "") -> Span:
    """The place of the value of a match, without its quotes."""
    group = next(prefix + name for name in ("double", "single", "bare") if match[prefix + name] is not None)
    return Span(*match.span(group))
