"""Words that values are made of where they are no secret: what everybody tries, what only says what it is for."""

from __future__ import annotations

import enum
import itertools
from functools import lru_cache

from readiness.model.lazy_regex import lazy_regex
from readiness.syntax.secrets.entropy import LEETSPEAK_TABLE

MAX_WORDED_VALUE_LENGTH = 80  # characters of a value that is looked at word by word


class StatedMeaning(enum.Enum):
    """What a value says of itself by the words that it is made of."""

    NONE = "there is none"  # unused, do-not-use
    TO_CHANGE = "put your own here"  # changeme123, replace-me-with-a-random-string
    PURPOSE = "only for this"  # build-key, notsecret, collectstatic, DEADBEEF
    COMMON = "everybody tries it"  # postgres, my-secret-key, 123456


# What is tried first, by people and by programs; compared without case and without what commonly stands behind it.
_WELL_KNOWN_PASSWORDS = frozenset(
    """
    password passwd pass pwd secret admin administrator root user test guest default letmein welcome qwerty abc
    postgres postgresql mysql mariadb mongo mongodb redis rabbitmq minio minioadmin elastic grafana neo4j oracle sa docker
    example demo dev local testing temp my-secret-pw toor testtest wordpress somewordpress sonar keycloak nextcloud airflow
    superset adminadmin rootroot yourstrong(!)password yourstrong(!)passw0rd yourstrong!passw0rd yourstrong@passw0rd iloveyou
    asdf asdfgh asdfghjkl qwertyuiop qwertz azerty zxcvbn zxcvbnm 1q2w3e4r 1qaz2wsx
    monkey dragon sunshine football hunter vagrant raspberry supersecret thisisasecret
    """.split()
)
# The keys that Microsoft publishes for its emulators, and that open nothing else.
# https://learn.microsoft.com/en-us/azure/storage/common/storage-connect-azurite, https://learn.microsoft.com/en-us/azure/cosmos-db/emulator
_EMULATOR_KEYS = frozenset(
    """
    Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==
    C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw/Jw==
    """.split()
)
# Each list in small letters. Words may stand glued together (`notsecret`) or apart (`not-a-secret`).
_ABSENT_SECRET_WORDS = frozenset(
    """
    unused unneeded ignored irrelevant none nothing null void na discarded missing required unset undefined unspecified absent
    """.split()
)
_NEGATION_WORDS = frozenset("not dont no never".split())
_NEGATED_WORDS = frozenset("use used needed required set applicable relevant configured".split())
_TO_CHANGE_WORDS = frozenset(
    """
    change changed changeme changeit changethis replace replaced replaceme your yours insert put fill enter
    edit modify update override overwrite
    """.split()
)
_PURPOSE_WORDS = frozenset(
    """
    build building builder buildtime test tests tested testing tester dummy fake faked example examples sample samples mock
    mocked stub stubbed placeholder demo dev develop developer development local localhost ci pipeline temp tmp temporary
    insecure unsecure unsecured unsafe collectstatic precompile compile compiling compilation compress assets asset
    migrate migration migrations manage warmup not foo bar baz qux foobar bogus whatever anything something sandbox fixture
    fixtures throwaway disposable preview playground tutorial workshop lint typecheck e2e cypress playwright github actions
    workflow runner
    """.split()
)
# Beside a secret's word these tell one sample from the next (`first-password`, `another_pw`), or only praise it (`totallysecret`).
_SAMPLE_WORDS = frozenset(
    """
    another other first second third fourth next additional different also
    totally really absolutely completely definitely extremely truly highly entirely perfectly
    """.split()
)
# What a secret has to look like, where a value says that instead of having one.
_RANDOMNESS_WORDS = frozenset("random randomly generate generated".split())
_SECRET_FORMAT_WORDS = frozenset(
    """
    string strings text char chars character characters code length long bit bits byte bytes exactly least more than please
    hex alphanumeric alpha numeric alphanumerical letter letters digit digits phrase unique
    """.split()
)
_TEST_WORDS = frozenset("fake faked dummy mock mocked test testing".split())  # beside words that are nobody's business
_TEST_WORDS_BEFORE_KEYS = _TEST_WORDS | {"ci"}
# What a password should be, and that it may be any: beside a word for it they describe the one that belongs there.
_PASSWORD_QUALITY_WORDS = frozenset("strong secure safe complex some any".split())
# How a value tells what belongs in its place, beyond that it is to be changed.
_SECRET_DESCRIPTION = lazy_regex(
    r"replace[-_ ]?(?:this|me|it)?[-_ ]?(?:with|by)|random|generated?[-_ ]|string|characters?|alphanumeric"
    r"|(?:insert|put|fill|enter)[-_ ]",
)
_SECRET_WORDS = frozenset(
    """
    secret secrets password passwords passwd pass pwd pw passphrase key keys token tokens credential credentials sesame
    """.split()
)
_FILLER_WORDS = frozenset(
    """
    super very top my mine the a an some any so random string value default main master root admin administrator user users
    username db database sql jwt session cookie auth api app application service server client host encryption sign
    signing access web site login account hash salt private public shared common simple easy strong long secure safe
    sensitive hidden here for of to at in on only is it this that be must should with and or please just use used when
    during time runtime run real do now new old before production prod me them base
    postgres postgresql mysql mariadb mongo mongodb redis valkey rabbitmq rabbit minio elastic elasticsearch opensearch
    kibana grafana prometheus neo oracle docker wordpress sonar keycloak nextcloud airflow superset kafka django rails
    laravel symfony flask spring node react express cassandra clickhouse influx influxdb couchdb mssql vault queue worker
    cache store storage bucket backup mail ldap proxy gateway image container compose
    """.split()
)
# Who starts one of these with such a word has it open, whoever gives out keys of that name elsewhere.
_PRODUCT_NAME = lazy_regex(r"minio|postgres|mysql|mariadb|mongo|redis|rabbit|guest|elastic|clickhouse|neo4j")
_KNOWN_WORDS = (
    _ABSENT_SECRET_WORDS
    | _NEGATION_WORDS
    | _NEGATED_WORDS
    | _TO_CHANGE_WORDS
    | _PURPOSE_WORDS
    | _SECRET_WORDS
    | _FILLER_WORDS
    | _RANDOMNESS_WORDS
    | _SECRET_FORMAT_WORDS
    | _SAMPLE_WORDS
)
_KNOWN_WORD_LENGTHS = range(1, max(map(len, _KNOWN_WORDS)) + 1)
_LETTER_OR_DIGIT_RUN = lazy_regex(r"[a-z]+|[0-9]+")
# What people spell in the letters of hexadecimal numbers.
_HEX_SPELLED_WORDS = lazy_regex(r"(?:0x)?(?:dead|beef|cafe|babe|face|feed|food|f00d|d00d|c0de|code|c0ffee|decaf|bad|baad|defec8ed|0|-){1,80}\Z")
_WORD_SEPARATOR = lazy_regex(r"[^a-z0-9]+")
_COMMON_PASSWORD_SUFFIX = lazy_regex(r"[0-9]{0,4}[!?.*#_-]{0,3}\Z")


def is_repeating_or_sequential(text: str) -> bool:
    """Whether characters mostly repeat or follow each other, as in `0123456789abcdef`, `aaaa1111` and a row of zeros."""
    code_point_steps = [ord(after) - ord(before) for before, after in itertools.pairwise(text)]
    small_step_count = sum(-1 <= code_point_step <= 1 for code_point_step in code_point_steps)
    wraparound_count = sum(before in "9f0" for before, code_point_step in zip(text, code_point_steps, strict=False) if abs(code_point_step) > 1)
    return len(text) > 2 and small_step_count + wraparound_count >= 0.8 * len(code_point_steps) and small_step_count >= 0.6 * len(code_point_steps)


def stated_meaning_of(value: str) -> StatedMeaning | None:
    """What a value says by its words; None for one that has others, which may be a secret."""
    if value in _EMULATOR_KEYS:
        return StatedMeaning.PURPOSE
    return _meaning_of_words(value) if 0 < len(value) <= MAX_WORDED_VALUE_LENGTH else None


@lru_cache(maxsize=16_384)
def _meaning_of_words(value: str) -> StatedMeaning | None:
    lowercase_value = value.lower()
    if _HEX_SPELLED_WORDS.match(lowercase_value) and len(lowercase_value) >= 4:
        return StatedMeaning.COMMON if set(lowercase_value) <= set("0x-") else StatedMeaning.PURPOSE
    if (
        lowercase_value in _WELL_KNOWN_PASSWORDS
        or _without_password_suffix(lowercase_value) in _WELL_KNOWN_PASSWORDS
        or _without_password_suffix(lowercase_value.translate(LEETSPEAK_TABLE)) in _WELL_KNOWN_PASSWORDS
    ):
        return StatedMeaning.COMMON
    if all(map(is_repeating_or_sequential, _WORD_SEPARATOR.split(lowercase_value))):
        return StatedMeaning.COMMON
    known_words = split_known_words(lowercase_value)
    if known_words is None:
        known_words = split_known_words(_without_password_suffix(lowercase_value).translate(LEETSPEAK_TABLE))
    if known_words is None:
        known_words = split_known_words(lowercase_value.rstrip("!?.*#_-").translate(LEETSPEAK_TABLE))
    return _first_meaning_of_words(known_words) if known_words else _meaning_of_described_secret(lowercase_value)


def _meaning_of_described_secret(lowercase_value: str) -> StatedMeaning | None:
    """TO_CHANGE for words, unknown ones among them, that tell what a secret looks like: `one-long-random-acme-string`."""
    value_words = set(_WORD_SEPARATOR.split(lowercase_value))
    is_random_format_description = value_words & {"random", "randomly"} and value_words & _SECRET_FORMAT_WORDS
    return StatedMeaning.TO_CHANGE if is_random_format_description and _is_several_words(lowercase_value) else None


def _is_several_words(lowercase_value: str) -> bool:
    """Whether a value is several words, with nothing but letters in each or a number of up to four digits."""
    value_words = list(filter(None, _WORD_SEPARATOR.split(lowercase_value)))
    return len(value_words) > 1 and all(part.isalpha() or (part.isdigit() and len(part) < 5) for part in value_words)


def is_secret_description(value: str) -> bool:
    """Whether a value that is to be changed tells what belongs in its place, so that nobody tries it: no `changeme`."""
    lowercase_value = value.lower()
    return bool(_SECRET_DESCRIPTION.search(lowercase_value)) or _has_quality_and_secret_word(set(split_known_words(lowercase_value) or ()))


def _has_quality_and_secret_word(words: set[str]) -> bool:
    """Whether words tell what kind of secret belongs there: `super_strong_password`, `some-secret`; none that a product has."""
    return bool(words & _PASSWORD_QUALITY_WORDS and words & _SECRET_WORDS)


def has_test_word(value: str) -> bool:
    """Whether one of several words says that a value is made up: `fake-acme-token`, `shop-test-db`."""
    lowercase_value = value.lower()
    return (
        len(lowercase_value) <= MAX_WORDED_VALUE_LENGTH
        and _is_several_words(lowercase_value)
        and bool(_TEST_WORDS & set(_WORD_SEPARATOR.split(lowercase_value)))
    )


def says_test_at_an_end(value: str) -> bool:
    """Whether the first or the last part of a value of several parts says that it is for tests, whatever stands between: `test-key-1f0c9a`."""
    value_parts = _WORD_SEPARATOR.split(value.lower())
    return len(value_parts) > 1 and (value_parts[0] in _TEST_WORDS_BEFORE_KEYS or value_parts[-1] in _TEST_WORDS)


def has_secret_and_other_words(value: str) -> bool:
    """Whether a value is known words, one of them for a secret and more beside it than what it is for: `dummyJwtSecret`."""
    distinct_words = set(split_known_words(value.lower()) or ())
    return bool(distinct_words & _SECRET_WORDS) and bool(distinct_words - _SECRET_WORDS - _PURPOSE_WORDS)


def is_made_of_secret_words(value: str) -> bool:
    """Whether a value is words for a secret and nothing more, as `secret-key`: nobody gives such a key out.

    The password that a server of a known product has before anybody sets one is more: `minioadmin`.
    """
    lowercase_value = value.lower()
    return bool(split_known_words(lowercase_value)) and not _PRODUCT_NAME.search(lowercase_value)


def _without_password_suffix(lowercase_value: str) -> str:
    """A value without the digits and signs that people put behind a word."""
    return _COMMON_PASSWORD_SUFFIX.sub("", lowercase_value)


def _first_meaning_of_words(known_words: tuple[str, ...]) -> StatedMeaning | None:
    """The first meaning that applies to words together: none, to be changed, a purpose, a common secret; else None."""
    distinct_words = set(known_words)
    if distinct_words & _ABSENT_SECRET_WORDS or (distinct_words & _NEGATION_WORDS and distinct_words & _NEGATED_WORDS):
        return StatedMeaning.NONE
    if (
        distinct_words & _TO_CHANGE_WORDS
        or (distinct_words & _RANDOMNESS_WORDS and distinct_words & _SECRET_FORMAT_WORDS)
        or _has_quality_and_secret_word(distinct_words)
    ):
        return StatedMeaning.TO_CHANGE
    if distinct_words & _PURPOSE_WORDS:
        return StatedMeaning.PURPOSE
    if distinct_words & _SAMPLE_WORDS and distinct_words & _SECRET_WORDS:
        return StatedMeaning.TO_CHANGE
    return StatedMeaning.COMMON if distinct_words & _SECRET_WORDS else None


def split_known_words(lowercase_value: str) -> tuple[str, ...] | None:
    """The words of a value in small letters, where it is made of known ones alone; numbers of up to four digits go along."""
    known_words: list[str] = []
    for letter_or_digit_run in _LETTER_OR_DIGIT_RUN.findall(lowercase_value):
        if letter_or_digit_run.isdigit():
            if len(letter_or_digit_run) > 4 and not is_repeating_or_sequential(letter_or_digit_run):
                return None
            continue
        run_words = _split_letter_run(letter_or_digit_run)
        if run_words is None:
            return None
        known_words += run_words
    return tuple(known_words)


def _split_letter_run(letter_run: str) -> list[str] | None:
    """The fewest known words that a run of letters is made of."""
    shortest_split_by_end: list[list[str] | None] = [[]]
    for prefix_end in range(1, len(letter_run) + 1):
        possible_splits = (
            [*before, letter_run[prefix_end - size : prefix_end]]
            for size in _KNOWN_WORD_LENGTHS
            if size <= prefix_end
            and letter_run[prefix_end - size : prefix_end] in _KNOWN_WORDS
            and (before := shortest_split_by_end[prefix_end - size]) is not None
        )
        shortest_split_by_end.append(min(possible_splits, key=len, default=None))
    return shortest_split_by_end[-1]
