"""`required-version`: which versions of the tool a settings file is for, in the words of PEP 440."""

from __future__ import annotations

import re

from readiness.model.lazy_regex import lazy_regex
from readiness.version import __version__

MAX_CLAUSES = 10
_CLAUSE = lazy_regex(
    r"\s*(?:(?P<operator>~=|===?|!=|<=|>=|<|>)\s*)?v?(?P<release>\d{1,9}(?:\.\d{1,9}){0,6})"
    r"(?:[-_.]?(?P<pre>a|b|c|rc|alpha|beta|pre|preview)[-_.]?(?P<pre_number>\d{0,9}))?(?:\.?(?P<post>post)(?P<post_number>\d{0,9}))?"
    r"(?:\.?(?P<dev>dev)(?P<dev_number>\d{0,9}))?(?P<any>\.\*)?\s*"
)
_PRE_ORDER = {"a": 0, "alpha": 0, "b": 1, "beta": 1, "c": 2, "rc": 2, "pre": 2, "preview": 2}
_FINAL = 9  # sorts behind every pre-release

VersionKey = tuple[tuple[int, ...], tuple[int, int], int, int]  # release without zeros at its end, pre-release, post-release, development


def problem_of_required_version(requirement: str, version: str = __version__) -> str:
    """Why a version does not meet a requirement such as `>=0.1,<2`; empty where it does."""
    clauses = requirement.split(",")
    if len(clauses) > MAX_CLAUSES or not all(_CLAUSE.fullmatch(one) for one in clauses):
        return f"required-version is a text like '>=0.1' or '>=0.1,<2', not {requirement[:80]!r}"
    if all(_is_met(one, version) for one in clauses):
        return ""
    return f"required-version is {requirement.strip()!r}, and this is readiness {version}; install a version that fits, or change the setting"


def _is_met(clause: str, version: str) -> bool:
    """Whether a version meets one clause; without an operator it is that version."""
    match = _CLAUSE.fullmatch(clause)
    given = _CLAUSE.fullmatch(version.partition("+")[0])
    if match is None or given is None:
        return False
    operator = match["operator"] or "=="
    wanted_key, given_key = _key(match), _key(given)
    release_parts = tuple(map(int, match["release"].split(".")))
    given_parts = tuple(map(int, given["release"].split(".")))
    if operator == "~=":
        return given_key >= wanted_key and len(release_parts) > 1 and _begins_with(given_parts, release_parts[:-1])
    if match["any"]:
        is_of_series = _begins_with(given_parts, release_parts)
        return is_of_series if operator in {"==", "==="} else operator == "!=" and not is_of_series
    return {
        "==": given_key == wanted_key,
        "===": given_key == wanted_key,
        "!=": given_key != wanted_key,
        "<=": given_key <= wanted_key,
        ">=": given_key >= wanted_key,
        "<": given_key < wanted_key,
        ">": given_key > wanted_key,
    }[operator]


def _begins_with(parts: tuple[int, ...], first_parts: tuple[int, ...]) -> bool:
    padded_parts = parts + (0,) * (len(first_parts) - len(parts))
    return padded_parts[: len(first_parts)] == first_parts


def _key(match: re.Match[str]) -> VersionKey:
    """What versions are sorted by."""
    release = [int(one) for one in match["release"].split(".")]
    while len(release) > 1 and release[-1] == 0:
        release.pop()
    word, is_post, is_dev = match["pre"], match["post"], match["dev"]
    is_dev_of_release = is_dev and not word and not is_post
    pre = (-1, 0) if is_dev_of_release else (_PRE_ORDER[word], int(match["pre_number"] or 0)) if word else (_FINAL, 0)
    post = int(match["post_number"] or 0) if is_post else -1
    return tuple(release), pre, post, int(match["dev_number"] or 0) if is_dev else 1_000_000_000
