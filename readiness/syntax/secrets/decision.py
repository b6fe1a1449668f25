"""The one decision what a value is that stands under a name: a secret in the open, or one of the many things that only look so."""

from __future__ import annotations

import enum
import re
from dataclasses import replace

from readiness.model import Span
from readiness.model.lazy_regex import lazy_regex
from readiness.model.records import dataclass
from readiness.syntax.secrets.accounts import PROTOCOL_CONSTANTS, HostReach, UrlAccount, find_url_accounts
from readiness.syntax.secrets.entropy import SecretStrength, secret_strength_of
from readiness.syntax.secrets.forms import is_no_credential_by_form
from readiness.syntax.secrets.names import (
    grants_access_by_itself,
    has_secret_word,
    is_access_key_name,
    is_application_key_name,
    is_password_name,
    is_public_name,
    is_secret_name,
    is_secret_object_credential_key,
    is_secret_reference_name,
    is_signing_key_name,
    is_truststore_password_name,
    may_be_secret_reference_name,
    name_words,
    repeats_setting_name,
)
from readiness.syntax.secrets.placeholders import (
    PLACEHOLDER_PHRASE,
    VALUES_WITHOUT_SECRET,
    VARIABLE_OR_TEMPLATE,
    is_constant_style_name,
    is_list_of_references,
    is_placeholder,
    is_reference,
)
from readiness.syntax.secrets.public import is_google_browser_key_name, is_public_credential
from readiness.syntax.secrets.shapes import AWS_SECRET_KEY, CredentialShape, find_credential_shapes
from readiness.syntax.secrets.vocabulary import (
    StatedMeaning,
    has_secret_and_other_words,
    has_test_word,
    is_made_of_secret_words,
    is_secret_description,
    says_test_at_an_end,
    stated_meaning_of,
)

EMPTY_SPAN = Span(0, 0)


class SecretKind(enum.Enum):
    """What a value under a name is, wherever it stands; a member's value says it in words."""

    SECRET = "a secret in the open"  # noqa: S105 - the name of a kind
    WELL_KNOWN = "a secret that everybody tries"  # postgres, my-secret-pw
    PLACEHOLDER = "a word in the place of a secret"  # <token>, changeme, your-key, do-not-use
    TEST_VALUE = "a word that says it is for tests or builds"  # notsecret, dev-key, DEADBEEF
    REFERENCE = "filled in from elsewhere"  # $TOKEN, {{ .Values.x }}, vault:secret/x
    SETTING = "no secret, whatever it sounds like"  # PASSWORD_HASHER=argon2, ALLOW_EMPTY_PASSWORD=1, a path
    CONSTANT = "a constant of a protocol"  # x-oauth-basic
    OTHER = "no matter of secrets"


class ValueContext(enum.Enum):
    """Where a value stands, as far as that decides what it is."""

    SERVED = "what runs with it can be reached: a service, a container, an image that is shipped"
    BUILD = "a step of a build, or a stage that is not shipped: its end is the end of what used it"
    JOB = "a job of a pipeline, with the services that live as long as it"
    SAMPLE = "a file to copy, which nobody runs as it stands"


@dataclass(frozen=True, slots=True)
class SecretVerdict:
    """What a value is, whether it runs as it stands, and what a message may say of it.

    `kind` depends on the name and the value alone, so that a value is the same thing in every file. Whether it is in
    force (`is_exposed`) depends on the place too: of SECRET, WELL_KNOWN, PLACEHOLDER and TEST_VALUE each may or may not be.

    `reason` names the thing ("password", "password in a URL", "GitHub token") and never the value. `span` is the place of
    the secret in the value: of a URL only the password. `strength` and `reach` say how much is proved by it; both
    mean something only where it is exposed. `is_secret_description` tells of a placeholder that describes what belongs there,
    which nobody tries first; `is_minor` that the value or its place says that little is behind it: a word for tests, a
    setting that is commented out.
    """

    kind: SecretKind
    reason: str = ""
    span: Span = EMPTY_SPAN
    strength: SecretStrength = SecretStrength.WORD
    reach: HostReach | None = None  # of an account in a URL
    is_exposed: bool = False  # it stands in the open and opens something as it stands
    is_description: bool = False
    is_minor: bool = False
    says_test: bool = False  # its first or last part says that it is for tests; the rest may be a key of a test account

    @property
    def is_secret(self) -> bool:
        """Whether a secret of somebody's own stands in the open."""
        return self.is_exposed and self.kind is SecretKind.SECRET

    @property
    def is_guessed(self) -> bool:
        """Whether a word that everybody tries first is in force in a secret's place."""
        return self.is_exposed and self.kind is not SecretKind.SECRET

    @property
    def to_change(self) -> bool:
        """Whether a word that is in force says itself that another belongs in its place."""
        return self.is_exposed and self.kind is SecretKind.PLACEHOLDER


_OTHER_VERDICT = SecretVerdict(SecretKind.OTHER)
_KINDS_WITHOUT_CREDENTIAL = (SecretKind.OTHER, SecretKind.SETTING, SecretKind.PLACEHOLDER, SecretKind.TEST_VALUE)
_KINDS_IN_USE = (SecretKind.SECRET, SecretKind.WELL_KNOWN)
URL_USERINFO_REASON = "password in a URL"
# `oauth2/token` is a route, `/run/secrets/x` a path.
_URL_ROUTE = lazy_regex(r"[a-z][a-z0-9._-]{0,30}(?:/[a-z][a-z0-9._-]{0,30}){1,6}\Z")
_COMMAND_SUBSTITUTION_OPENINGS = ("$(", "$$(", "`")  # what a shell puts in a command's place
_SECRET_NOUN = lazy_regex(r"\b(?:password|passphrase|secret|token|key)\b", re.IGNORECASE)
_MAX_SEARCHED_CHARACTERS = 20_000  # characters of a value that is searched for URLs
_MIN_PASSWORD_LENGTH = 3  # characters of the shortest password that anything takes
_MIN_KEY_LENGTH = 16  # characters of the shortest key that a service gives out
_CIPHER_KEY_LENGTHS = frozenset({16, 24, 32})  # characters: a sentence of so many was made to be taken as a key
_MIN_CHOSEN_WORD_LENGTH = 2  # of one that is the name of the user too, as in `PGPASSWORD=sg`
_SWITCH_VALUES = frozenset({"0", "1"})
_TEST_KEY_PREFIX = lazy_regex(r"(?:sk|rk|pk|whsec)_test_")
# No host at all, in the examples of every manual.
_EXAMPLE_HOST = lazy_regex(r"(?:[\w-]+\.)*example\.(?:com|org|net)\Z|(?:db)?host(?:name)?\Z|server\Z", re.IGNORECASE)
_OBJECT_NAME = lazy_regex(r"[a-z]{2,40}(?:[-.][a-z]{1,40}){0,8}\Z")  # how objects and the keys in them are called
_LITERAL_VALUE = lazy_regex(r"[\w.!@$+-]{3,80}\Z")


def classify_value(name: str, value: object, value_context: ValueContext = ValueContext.SERVED) -> SecretVerdict:
    """What `value`, set under `name` at `value_context`, is.

    The steps, and the first that knows decides: the fixed shape of a key; an account in a URL; the name (is it a
    secret's at all); a reference; a constant; the form (a path, a description, a switch); the words that the value
    is made of; what is left is a secret, the stronger the less it looks like words.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return _classify_number(name, value, value_context)
    if not isinstance(value, str):
        return _OTHER_VERDICT
    stripped_value = value.strip()
    leading_blank_count = len(value) - len(value.lstrip())
    verdict = _classify_by_shape(name, stripped_value, value_context) or _classify_by_account_or_name(name, stripped_value, value_context)
    if is_secret_object_credential_key(name) and verdict.kind in _KINDS_WITHOUT_CREDENTIAL and not is_placeholder(stripped_value):
        is_exposed = _grants_access_in_context(value_context, SecretStrength.WORD, is_signing_key=False)
        verdict = SecretVerdict(SecretKind.SECRET, "credential", Span(0, len(stripped_value)), is_exposed=is_exposed)
    if leading_blank_count and verdict.is_exposed:
        return replace(verdict, span=Span(verdict.span.start + leading_blank_count, verdict.span.end + leading_blank_count))
    return verdict


def must_be_hidden_in_output(name: str, value: str) -> bool:
    """Whether no output shows a value that is set under a name.

    All that stands under a secret's name is hidden, unless it says outright that another belongs in its place, and
    whatever `classify_value` calls a secret is hidden all the same.
    """
    if not is_secret_name(name) and not is_secret_object_credential_key(name):
        return False
    return not is_placeholder(value) or classify_value(name, value).kind is SecretKind.SECRET


def _classify_number(name: str, number: int, value_context: ValueContext) -> SecretVerdict:
    """YAML makes a number of `MYSQL_ROOT_PASSWORD: 123456`, and of the switch `ALLOW_EMPTY_PASSWORD: 1`."""
    if is_secret_name(name) and "password" in name_words(name) and str(number) not in _SWITCH_VALUES:
        return _classify_by_name(name, str(number), value_context)
    return SecretVerdict(SecretKind.SETTING) if has_secret_word(name) else _OTHER_VERDICT


def _classify_by_shape(name: str, text: str, value_context: ValueContext) -> SecretVerdict | None:
    """A credential that its shape gives away; of several one that is in use, whatever the place.

    Google's keys for browsers look like its others: there the name tells.
    """
    shape_verdicts = []
    for credential_shape in find_credential_shapes(text):
        if credential_shape.reason == "Google API key" and (is_public_name(name) or is_google_browser_key_name(name)):
            shape_verdicts.append(SecretVerdict(SecretKind.SETTING))
        elif credential_shape.meaning is None:
            shape_verdicts.append(verdict_of_secret_shape(credential_shape))
        else:
            shape_verdicts.append(
                _verdict_of_meaning(
                    credential_shape.meaning,
                    credential_shape.reason,
                    credential_shape.span,
                    value_context,
                    grants_access=credential_shape.meaning is StatedMeaning.COMMON,
                )
            )
    return max(shape_verdicts, key=lambda one: (one.kind in _KINDS_IN_USE, one.strength), default=None)


def verdict_of_secret_shape(credential_shape: CredentialShape) -> SecretVerdict:
    """A credential of a fixed shape that may be in use: it opens something anywhere."""
    return SecretVerdict(SecretKind.SECRET, credential_shape.reason, credential_shape.span, credential_shape.strength, is_exposed=True)


def _classify_by_account_or_name(name: str, text: str, value_context: ValueContext) -> SecretVerdict:
    """What the account in a URL is, else what the name tells."""
    accounts = list(find_url_accounts(text[:_MAX_SEARCHED_CHARACTERS]))
    if not accounts:
        return _classify_by_name(name, text, value_context)
    return classify_account(max(accounts, key=_account_sort_key), value_context)


def _account_sort_key(account: UrlAccount) -> tuple[bool, bool, HostReach, SecretStrength]:
    """What puts one account of a text before the others, whatever the place: what is in force at one, is so of these."""
    served_verdict = classify_account(account, ValueContext.SERVED)
    return served_verdict.is_exposed, served_verdict.is_secret, account.reach, served_verdict.strength


def classify_account(account: UrlAccount, value_context: ValueContext) -> SecretVerdict:
    """What the password of an account in a URL is.

    A token goes into the user's place where a constant stands for the password.
    """
    if account.is_fill_in_form:
        return SecretVerdict(SecretKind.PLACEHOLDER)
    secret_text, secret_span, reason = account.password, account.password_span, URL_USERINFO_REASON
    if secret_text.lower() in PROTOCOL_CONSTANTS:
        if secret_strength_of(account.user) < SecretStrength.RANDOM or VARIABLE_OR_TEMPLATE.search(account.user):
            return SecretVerdict(SecretKind.CONSTANT)
        secret_text, secret_span, reason = account.user, account.user_span, "token in a URL"
    if VARIABLE_OR_TEMPLATE.search(secret_text) or is_reference(secret_text):
        return SecretVerdict(SecretKind.REFERENCE)
    if account.user == account.password == "demo" and account.reach is HostReach.AWAY and "demo" in account.host.lower():
        return SecretVerdict(SecretKind.PLACEHOLDER)  # what somebody shows to the world, as the login says
    secret_strength = secret_strength_of(secret_text)
    stated_meaning = StatedMeaning.COMMON if account.password == account.user else _meaning_of_literal(secret_text)
    if (stated_meaning is not None or secret_strength is SecretStrength.WORD) and _EXAMPLE_HOST.match(account.host):
        return SecretVerdict(SecretKind.PLACEHOLDER)
    if stated_meaning is not None:
        account_verdict = _verdict_of_meaning(stated_meaning, reason, secret_span, value_context, grants_access=True, host_reach=account.reach)
    else:
        is_exposed = secret_strength is not SecretStrength.WORD or value_context is not ValueContext.SAMPLE
        account_verdict = SecretVerdict(SecretKind.SECRET, reason, secret_span, secret_strength, account.reach, is_exposed)
    is_short_lived = _is_account_short_lived(account.reach, secret_strength, value_context)
    return replace(account_verdict, is_exposed=False) if is_short_lived else account_verdict


def _is_account_short_lived(host_reach: HostReach, secret_strength: SecretStrength, value_context: ValueContext) -> bool:
    """Whether an account is that of something which lives no longer than the job or the step that uses it."""
    if value_context is ValueContext.JOB:
        # A service container answers to its short name, or to one that a variable holds.
        return host_reach < HostReach.UNKNOWN or (host_reach is HostReach.UNKNOWN and secret_strength < SecretStrength.RANDOM)
    if value_context is ValueContext.BUILD:
        return host_reach is HostReach.HERE or (host_reach is HostReach.BESIDE and secret_strength is SecretStrength.WORD)
    return False


def _classify_by_name(name: str, text: str, value_context: ValueContext) -> SecretVerdict:
    """What a value is by the name that it is set under."""
    if not is_secret_name(name):
        return SecretVerdict(SecretKind.SETTING) if has_secret_word(name) else _OTHER_VERDICT
    if is_reference(text) or VARIABLE_OR_TEMPLATE.search(text) or text.startswith(_COMMAND_SUBSTITUTION_OPENINGS):
        return SecretVerdict(SecretKind.PLACEHOLDER if text.startswith("<") else SecretKind.REFERENCE)
    if is_list_of_references(name, text):
        return SecretVerdict(SecretKind.REFERENCE)
    lower_case_text = text.lower()
    if lower_case_text in VALUES_WITHOUT_SECRET or text in _SWITCH_VALUES or is_public_name(name) or is_public_credential(name, text):
        return SecretVerdict(SecretKind.SETTING)
    if lower_case_text in PROTOCOL_CONSTANTS:
        return SecretVerdict(SecretKind.CONSTANT)
    if is_no_credential_by_form(text):
        return SecretVerdict(SecretKind.SETTING)
    reason = _secret_noun_for_name(name)
    if _is_sentence(text, reason):
        is_usable_as_key = len(text) in _CIPHER_KEY_LENGTHS and is_application_key_name(name) and "encryption" in name_words(name)
        sentence_verdict = _verdict_of_meaning(StatedMeaning.TO_CHANGE, reason, Span(0, len(text)), value_context, grants_access=is_usable_as_key)
        return replace(sentence_verdict, is_description=sentence_verdict.is_exposed)
    return _classify_literal(name, text, reason, value_context)


def _is_sentence(text: str, reason: str) -> bool:
    """Whether a value is a sentence: `password of the admin`; a password may be of several words."""
    if " " not in text:
        return False
    return reason != "password" or len(text) > 60 or bool(_SECRET_NOUN.search(text))


def _secret_noun_for_name(name: str) -> str:
    """What a secret is called in a message."""
    words_of_name = name_words(name)
    if is_password_name(name):
        return "password"
    if "token" in words_of_name or "tokens" in words_of_name:
        return "token"
    return "key" if "key" in words_of_name or "apikey" in words_of_name else "secret"


def _classify_literal(name: str, text: str, reason: str, value_context: ValueContext) -> SecretVerdict:
    """What a literal under a secret's name is, by the words in it or their absence."""
    full_span = Span(0, len(text))
    is_alphabetic_password = is_password_name(name) and text.isalpha() and len(set(text)) > 1
    stated_meaning = _meaning_of_literal(text, _MIN_CHOSEN_WORD_LENGTH if is_alphabetic_password else _MIN_PASSWORD_LENGTH)
    if repeats_name := repeats_setting_name(name, text):
        stated_meaning = StatedMeaning.TO_CHANGE
    secret_strength = secret_strength_of(text) if stated_meaning is None else SecretStrength.WORD
    if secret_strength is SecretStrength.RANDOM and AWS_SECRET_KEY.fullmatch(text) and name_words(name)[-3:] == ["secret", "access", "key"]:
        secret_strength = SecretStrength.SHAPE
    if _is_literal_setting(name, text, reason, stated_meaning, secret_strength):
        return SecretVerdict(SecretKind.SETTING)
    if stated_meaning is StatedMeaning.NONE and stated_meaning_of(text) is StatedMeaning.PURPOSE:
        if is_application_key_name(name) and has_secret_and_other_words(text):  # `dummyJwtSecret`, with which anybody signs
            return _verdict_of_meaning(StatedMeaning.TO_CHANGE, reason, full_span, value_context, grants_access=True)
        return SecretVerdict(SecretKind.TEST_VALUE)  # `dummy` says what it is for, and nobody takes it
    if stated_meaning is not None:
        is_well_known_password = stated_meaning is StatedMeaning.COMMON and not is_made_of_secret_words(text) and not _is_one_character_key(text)
        is_exposed = grants_access_by_itself(name) or is_well_known_password
        meaning_verdict = _verdict_of_meaning(stated_meaning, reason, full_span, value_context, grants_access=is_exposed)
        return replace(meaning_verdict, is_description=meaning_verdict.to_change and (repeats_name or is_secret_description(text)))
    is_weak_test_value = secret_strength < SecretStrength.RANDOM and has_test_word(text)
    if _TEST_KEY_PREFIX.match(text) or (is_weak_test_value and not grants_access_by_itself(name)):
        return SecretVerdict(SecretKind.TEST_VALUE)
    is_exposed = _grants_access_in_context(value_context, secret_strength, is_signing_key=is_signing_key_name(name))
    secret_verdict = SecretVerdict(SecretKind.SECRET, reason, full_span, secret_strength, is_exposed=is_exposed, is_minor=is_weak_test_value)
    return replace(secret_verdict, says_test=says_test_at_an_end(text))


def _is_one_character_key(text: str) -> bool:
    """Whether a value only has the length of a key, as a row of zeros: nobody gives it out."""
    return len(text) >= _MIN_KEY_LENGTH and len(set(text) - {"-"}) == 1


def _is_literal_setting(name: str, text: str, reason: str, stated_meaning: StatedMeaning | None, secret_strength: SecretStrength) -> bool:
    """Whether a literal only stands under a secret's name: it is too short, a route, a name, or guards nothing."""
    if is_truststore_password_name(name) and secret_strength < SecretStrength.RANDOM:
        return True
    if is_secret_reference_name(name) and _OBJECT_NAME.match(text):
        return True
    if stated_meaning is not None:
        return stated_meaning is StatedMeaning.COMMON and reason in ("key", "token") and len(text) < 6
    if reason != "password" and (len(text) < 6 or _URL_ROUTE.match(text)):
        return True
    if reason == "token" and (len(text) < 8 or text.replace(".", "").isdigit()):
        return True
    return secret_strength is SecretStrength.WORD and (_is_object_name(name, text) or is_access_key_name(name))


def _is_object_name(name: str, text: str) -> bool:
    """Whether a word under a name in the way of manifests is what a Secret, or a key in one, is called: `shop-tls`."""
    requires_hyphen = name != "secretKey"  # a key in a Secret may be one word
    return may_be_secret_reference_name(name) and bool(_OBJECT_NAME.match(text)) and ("-" in text or not requires_hyphen)


def _grants_access_in_context(value_context: ValueContext, secret_strength: SecretStrength, *, is_signing_key: bool) -> bool:
    """Whether a literal opens anything: a build, a job and a sample need some word, and what a machine made is no such."""
    if value_context in (ValueContext.BUILD, ValueContext.JOB):
        return secret_strength > (SecretStrength.CHOSEN if is_signing_key else SecretStrength.WORD)
    return value_context is ValueContext.SERVED or secret_strength is not SecretStrength.WORD


# Shown in documentation, and never taken for a value: crosses, brackets, the word itself.
_MASKED_TEXT = lazy_regex(r"xxx|\*\*\*|\.\.", re.IGNORECASE)
_DOCUMENTATION_WORD = lazy_regex(r"redacted|todo|fixme|encoded|provided|placeholder|example|sample|dummy", re.IGNORECASE)


def _meaning_of_literal(text: str, min_length: int = _MIN_PASSWORD_LENGTH) -> StatedMeaning | None:
    """What a value says of itself; None for one that may be a secret.

    A placeholder that would be taken as it stands (`your-secret-here`) is to be changed, any other says that there is none.
    """
    if len(text) < min_length or _MASKED_TEXT.search(text) or is_constant_style_name(text):
        return StatedMeaning.TO_CHANGE if stated_meaning_of(text) is StatedMeaning.TO_CHANGE else StatedMeaning.NONE
    stated_meaning = stated_meaning_of(text)
    if stated_meaning in (StatedMeaning.COMMON, StatedMeaning.NONE):
        return stated_meaning
    if stated_meaning is StatedMeaning.TO_CHANGE or PLACEHOLDER_PHRASE.search(text[:400]):
        is_usable_as_value = _LITERAL_VALUE.match(text) and not _DOCUMENTATION_WORD.search(text)
        return StatedMeaning.TO_CHANGE if is_usable_as_value else StatedMeaning.NONE
    return stated_meaning if any(map(str.isalnum, text)) else StatedMeaning.NONE


_SECRET_KIND_BY_MEANING = {
    StatedMeaning.NONE: SecretKind.PLACEHOLDER,
    StatedMeaning.TO_CHANGE: SecretKind.PLACEHOLDER,
    StatedMeaning.PURPOSE: SecretKind.TEST_VALUE,
    StatedMeaning.COMMON: SecretKind.WELL_KNOWN,
}


def _verdict_of_meaning(
    stated_meaning: StatedMeaning, reason: str, span: Span, value_context: ValueContext, *, grants_access: bool, host_reach: HostReach | None = None
) -> SecretVerdict:
    """What a value is that says something of itself.

    Where it is in force, and the name is that of a secret which opens by itself, the word is one that opens.
    """
    is_exposed = grants_access and value_context is ValueContext.SERVED and stated_meaning is not StatedMeaning.NONE
    return SecretVerdict(_SECRET_KIND_BY_MEANING[stated_meaning], reason, span, SecretStrength.WORD, host_reach, is_exposed)
