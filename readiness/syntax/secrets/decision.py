"""The one decision what a value is that stands under a name: a secret in the open, or one of the many things that only look so."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, replace

from readiness.model import Span
from readiness.syntax.secrets.accounts import (
    PROTOCOL_CONSTANTS,
    HostReach,
    UrlAccount,
    find_accounts,
)
from readiness.syntax.secrets.entropy import SecretStrength, strength_of
from readiness.syntax.secrets.forms import is_no_credential_by_form
from readiness.syntax.secrets.names import (
    grants_access_alone,
    guards_public_certificates,
    is_password_name,
    is_public,
    is_secret_name,
    is_signing_key_name,
    may_name_secret,
    may_refer_to_secret,
    name_words,
    names_identifier,
    names_whole_credential,
    refers_to_secret,
)
from readiness.syntax.secrets.placeholders import (
    NO_VALUE,
    TO_FILL_IN,
    VARIABLE_OR_TEMPLATE,
    is_constant_name,
    is_list_of_references,
    is_placeholder,
    is_reference,
)
from readiness.syntax.secrets.public import is_google_browser_key_name, is_public_credential
from readiness.syntax.secrets.shapes import CredentialShape, find_shapes
from readiness.syntax.secrets.vocabulary import (
    StatedMeaning,
    is_description,
    is_secret_word,
    meaning_of,
    says_test,
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
    mean something only where it is exposed. `is_description` tells of a placeholder that describes what belongs there,
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
_NO_CREDENTIAL = (
    SecretKind.OTHER,
    SecretKind.SETTING,
    SecretKind.PLACEHOLDER,
    SecretKind.TEST_VALUE,
)
_IN_USE = (SecretKind.SECRET, SecretKind.WELL_KNOWN)
URL_USERINFO_REASON = "password in a URL"
# `oauth2/token` is a route, `/run/secrets/x` a path.
_URL_ROUTE = re.compile(r"[a-z][a-z0-9._-]{0,30}(?:/[a-z][a-z0-9._-]{0,30}){1,6}\Z")
_COMMANDS = ("$(", "$$(", "`")  # what a shell puts in a command's place
_SECRET_WORD = re.compile(r"\b(?:password|passphrase|secret|token|key)\b", re.IGNORECASE)
_MAX_SEARCHED_CHARACTERS = 20_000  # characters of a value that is searched for URLs
_MIN_PASSWORD_LENGTH = 3  # characters of the shortest password that anything takes
_MIN_KEY_LENGTH = 16  # characters of the shortest key that a service gives out
_SHORTEST_WORD = 2  # of one that is the name of the user too, as in `PGPASSWORD=sg`
_SWITCH_VALUES = frozenset({"0", "1"})
_TEST_KEYS = re.compile(r"(?:sk|rk|pk|whsec)_test_")
# No host at all, in the examples of every manual.
_EXAMPLE_HOST = re.compile(r"(?:[\w-]+\.)*example\.(?:com|org|net)\Z|(?:db)?host(?:name)?\Z|server\Z", re.IGNORECASE)
_OBJECT = re.compile(r"[a-z]{2,40}(?:[-.][a-z]{1,40}){0,8}\Z")  # how objects and the keys in them are called
_LITERAL_VALUE = re.compile(r"[\w.!@$+-]{3,80}\Z")


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
    text = value.strip()
    shift = len(value) - len(value.lstrip())
    verdict = _classify_by_shape(name, text, value_context) or _classify_by_text(name, text, value_context)
    if names_whole_credential(name) and verdict.kind in _NO_CREDENTIAL and not is_placeholder(text):
        opens = _opens_at(value_context, SecretStrength.WORD, signs=False)
        verdict = SecretVerdict(SecretKind.SECRET, "credential", Span(0, len(text)), is_exposed=opens)
    if shift and verdict.is_exposed:
        return replace(verdict, span=Span(verdict.span.start + shift, verdict.span.end + shift))
    return verdict


def is_hidden(name: str, value: str) -> bool:
    """Whether no output shows a value that is set under a name.

    All that stands under a secret's name is hidden, unless it says outright that another belongs in its place, and
    whatever `classify_value` calls a secret is hidden all the same.
    """
    if not is_secret_name(name) and not names_whole_credential(name):
        return False
    return not is_placeholder(value) or classify_value(name, value).kind is SecretKind.SECRET


def _classify_number(name: str, value: int, place: ValueContext) -> SecretVerdict:
    """YAML makes a number of `MYSQL_ROOT_PASSWORD: 123456`, and of the switch `ALLOW_EMPTY_PASSWORD: 1`."""
    if is_secret_name(name) and "password" in name_words(name) and str(value) not in _SWITCH_VALUES:
        return _classify_by_name(name, str(value), place)
    return SecretVerdict(SecretKind.SETTING) if may_name_secret(name) else _OTHER_VERDICT


def _classify_by_shape(name: str, text: str, place: ValueContext) -> SecretVerdict | None:
    """A credential that its shape gives away; of several one that is in use, whatever the place.

    Google's keys for browsers look like its others: there the name tells.
    """
    verdicts = []
    for shape in find_shapes(text):
        if shape.reason == "Google API key" and (is_public(name) or is_google_browser_key_name(name)):
            verdicts.append(SecretVerdict(SecretKind.SETTING))
        elif shape.meaning is None:
            verdicts.append(secret_by_shape(shape))
        else:
            verdicts.append(
                _verdict_of_meaning(
                    shape.meaning,
                    shape.reason,
                    shape.span,
                    place,
                    grants_access=shape.meaning is StatedMeaning.COMMON,
                )
            )
    return max(verdicts, key=lambda one: (one.kind in _IN_USE, one.strength), default=None)


def secret_by_shape(shape: CredentialShape) -> SecretVerdict:
    """A credential of a fixed shape that may be in use: it opens something anywhere."""
    return SecretVerdict(SecretKind.SECRET, shape.reason, shape.span, shape.strength, is_exposed=True)


def _classify_by_text(name: str, text: str, place: ValueContext) -> SecretVerdict:
    """What the account in a URL is, else what the name tells."""
    accounts = list(find_accounts(text[:_MAX_SEARCHED_CHARACTERS]))
    if not accounts:
        return _classify_by_name(name, text, place)
    return classify_account(max(accounts, key=_weight_of_account), place)


def _weight_of_account(account: UrlAccount) -> tuple[bool, bool, HostReach, SecretStrength]:
    """What puts one account of a text before the others, whatever the place: what is in force at one, is so of these."""
    served = classify_account(account, ValueContext.SERVED)
    return served.is_exposed, served.is_secret, account.reach, served.strength


def classify_account(account: UrlAccount, place: ValueContext) -> SecretVerdict:
    """What the password of an account in a URL is.

    A token goes into the user's place where a constant stands for the password.
    """
    secret, span, reason = account.password, account.password_span, URL_USERINFO_REASON
    if secret.lower() in PROTOCOL_CONSTANTS:
        if strength_of(account.user) < SecretStrength.RANDOM or VARIABLE_OR_TEMPLATE.search(account.user):
            return SecretVerdict(SecretKind.CONSTANT)
        secret, span, reason = account.user, account.user_span, "token in a URL"
    if VARIABLE_OR_TEMPLATE.search(secret) or is_reference(secret):
        return SecretVerdict(SecretKind.REFERENCE)
    level = strength_of(secret)
    said = StatedMeaning.COMMON if account.password == account.user else _stated_meaning(secret)
    if (said is not None or level is SecretStrength.WORD) and _EXAMPLE_HOST.match(account.host):
        return SecretVerdict(SecretKind.PLACEHOLDER)
    if said is not None:
        found = _verdict_of_meaning(said, reason, span, place, grants_access=True, reach=account.reach)
    else:
        opens = level is not SecretStrength.WORD or place is not ValueContext.SAMPLE
        found = SecretVerdict(SecretKind.SECRET, reason, span, level, account.reach, opens)
    ends = _is_account_short_lived(account.reach, level, place)
    return replace(found, is_exposed=False) if ends else found


def _is_account_short_lived(reach: HostReach, level: SecretStrength, place: ValueContext) -> bool:
    """Whether an account is that of something which lives no longer than the job or the step that uses it."""
    if place is ValueContext.JOB:
        # A service container answers to its short name, or to one that a variable holds.
        return reach < HostReach.UNKNOWN or (reach is HostReach.UNKNOWN and level < SecretStrength.RANDOM)
    if place is ValueContext.BUILD:
        return reach is HostReach.HERE or (reach is HostReach.BESIDE and level is SecretStrength.WORD)
    return False


def _classify_by_name(name: str, text: str, place: ValueContext) -> SecretVerdict:
    """What a value is by the name that it is set under."""
    if not is_secret_name(name):
        return SecretVerdict(SecretKind.SETTING) if may_name_secret(name) else _OTHER_VERDICT
    if is_reference(text) or VARIABLE_OR_TEMPLATE.search(text) or text.startswith(_COMMANDS):
        return SecretVerdict(SecretKind.PLACEHOLDER if text.startswith("<") else SecretKind.REFERENCE)
    if is_list_of_references(name, text):
        return SecretVerdict(SecretKind.REFERENCE)
    low = text.lower()
    if low in NO_VALUE or text in _SWITCH_VALUES or is_public(name) or is_public_credential(name, text):
        return SecretVerdict(SecretKind.SETTING)
    if low in PROTOCOL_CONSTANTS:
        return SecretVerdict(SecretKind.CONSTANT)
    if is_no_credential_by_form(text):
        return SecretVerdict(SecretKind.SETTING)
    reason = _reason_text(name)
    if _is_description(text, reason):
        return SecretVerdict(SecretKind.PLACEHOLDER)
    return _classify_literal(name, text, reason, place)


def _is_description(text: str, reason: str) -> bool:
    """Whether a value is a sentence: `password of the admin`; a password may be of several words."""
    if " " not in text:
        return False
    return reason != "password" or len(text) > 60 or bool(_SECRET_WORD.search(text))


def _reason_text(name: str) -> str:
    """What a secret is called in a message."""
    parts = name_words(name)
    if is_password_name(name):
        return "password"
    if "token" in parts or "tokens" in parts:
        return "token"
    return "key" if "key" in parts or "apikey" in parts else "secret"


def _classify_literal(name: str, text: str, reason: str, place: ValueContext) -> SecretVerdict:
    """What a literal under a secret's name is, by the words in it or their absence."""
    full_span = Span(0, len(text))
    chosen = is_password_name(name) and text.isalpha() and len(set(text)) > 1
    said = _stated_meaning(text, _SHORTEST_WORD if chosen else _MIN_PASSWORD_LENGTH)
    level = strength_of(text) if said is None else SecretStrength.WORD
    if _is_setting(name, text, reason, said, level):
        return SecretVerdict(SecretKind.SETTING)
    if said is StatedMeaning.NONE and meaning_of(text) is StatedMeaning.PURPOSE:
        return SecretVerdict(SecretKind.TEST_VALUE)  # `dummy` says what it is for, and nobody takes it
    if said is not None:
        common = said is StatedMeaning.COMMON and not is_secret_word(text) and not _is_blank_key(text)
        opens = grants_access_alone(name) or common
        found = _verdict_of_meaning(said, reason, full_span, place, grants_access=opens)
        return replace(found, is_description=found.to_change and is_description(text))
    made_up = level < SecretStrength.RANDOM and says_test(text)
    if _TEST_KEYS.match(text) or (made_up and not grants_access_alone(name)):
        return SecretVerdict(SecretKind.TEST_VALUE)
    opens = _opens_at(place, level, signs=is_signing_key_name(name))
    return SecretVerdict(SecretKind.SECRET, reason, full_span, level, is_exposed=opens, is_minor=made_up)


def _is_blank_key(text: str) -> bool:
    """Whether a value only has the length of a key, as a row of zeros: nobody gives it out."""
    return len(text) >= _MIN_KEY_LENGTH and len(set(text) - {"-"}) == 1


def _is_setting(name: str, text: str, reason: str, said: StatedMeaning | None, level: SecretStrength) -> bool:
    """Whether a literal only stands under a secret's name: it is too short, a route, a name, or guards nothing."""
    if guards_public_certificates(name) and level < SecretStrength.RANDOM:
        return True
    if refers_to_secret(name) and _OBJECT.match(text):
        return True
    if said is not None:
        return said is StatedMeaning.COMMON and reason in ("key", "token") and len(text) < 6
    if reason != "password" and (len(text) < 6 or _URL_ROUTE.match(text)):
        return True
    if reason == "token" and (len(text) < 8 or text.replace(".", "").isdigit()):
        return True
    return level is SecretStrength.WORD and (_is_object_name(name, text) or names_identifier(name))


def _is_object_name(name: str, text: str) -> bool:
    """Whether a word under a name in the way of manifests is what a Secret, or a key in one, is called: `shop-tls`."""
    whole = name != "secretKey"  # a key in a Secret may be one word
    return may_refer_to_secret(name) and bool(_OBJECT.match(text)) and ("-" in text or not whole)


def _opens_at(place: ValueContext, level: SecretStrength, *, signs: bool) -> bool:
    """Whether a literal opens anything: a build, a job and a sample need some word, and what a machine made is no such."""
    if place in (ValueContext.BUILD, ValueContext.JOB):
        return level > (SecretStrength.CHOSEN if signs else SecretStrength.WORD)
    return place is ValueContext.SERVED or level is not SecretStrength.WORD


# Shown in documentation, and never taken for a value: crosses, brackets, the word itself.
_MASKED_TEXT = re.compile(r"xxx|\*\*\*|\.\.", re.IGNORECASE)
_DOCUMENTATION_WORD = re.compile(r"redacted|todo|fixme|encoded|provided|placeholder|example|sample|dummy", re.IGNORECASE)


def _stated_meaning(text: str, shortest: int = _MIN_PASSWORD_LENGTH) -> StatedMeaning | None:
    """What a value says of itself; None for one that may be a secret.

    A placeholder that would be taken as it stands (`your-secret-here`) is to be changed, any other says that there is none.
    """
    if len(text) < shortest or _MASKED_TEXT.search(text) or is_constant_name(text):
        return StatedMeaning.TO_CHANGE if meaning_of(text) is StatedMeaning.TO_CHANGE else StatedMeaning.NONE
    said = meaning_of(text)
    if said in (StatedMeaning.COMMON, StatedMeaning.NONE):
        return said
    if said is StatedMeaning.TO_CHANGE or TO_FILL_IN.search(text[:400]):
        taken = _LITERAL_VALUE.match(text) and not _DOCUMENTATION_WORD.search(text)
        return StatedMeaning.TO_CHANGE if taken else StatedMeaning.NONE
    return said if any(map(str.isalnum, text)) else StatedMeaning.NONE


_KIND_OF = {
    StatedMeaning.NONE: SecretKind.PLACEHOLDER,
    StatedMeaning.TO_CHANGE: SecretKind.PLACEHOLDER,
    StatedMeaning.PURPOSE: SecretKind.TEST_VALUE,
    StatedMeaning.COMMON: SecretKind.WELL_KNOWN,
}


def _verdict_of_meaning(
    meaning: StatedMeaning,
    reason: str,
    span: Span,
    place: ValueContext,
    *,
    grants_access: bool,
    reach: HostReach | None = None,
) -> SecretVerdict:
    """What a value is that says something of itself.

    Where it is in force, and the name is that of a secret which opens by itself, the word is one that opens.
    """
    in_force = grants_access and place is ValueContext.SERVED and meaning is not StatedMeaning.NONE
    return SecretVerdict(_KIND_OF[meaning], reason, span, SecretStrength.WORD, reach, in_force)
