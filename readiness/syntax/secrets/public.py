"""Credentials that are meant for everybody or for nobody: by their form, by their name, or by the comment that stands with them.

A browser or an app is given them, so whoever wants one reads it there. Each row names the page on which the issuer says so.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from readiness.model.lazy_regex import lazy_regex

_MAX_LINE_CHARACTERS = 500  # characters of a line in which a comment is looked for
_MAX_BLOCK_LINES = 20  # lines of a block above a value
_MAX_COMMENT_LINES = 6  # lines of a comment above that are read
_PUBLIC_CREDENTIAL_FORMS = (
    r"pk_(?:live|test)_[A-Za-z0-9$=]{8,250}",  # docs.stripe.com/keys (publishable key); clerk.com/docs/deployments/clerk-environment-variables
    r"phc_[A-Za-z0-9]{20,100}",  # posthog.com/docs/api (project API key)
    r"pk\.eyJ[A-Za-z0-9_-]{10,400}\.[A-Za-z0-9_-]{10,100}",  # docs.mapbox.com/accounts/guides/tokens (public token)
    r"sb_publishable_[A-Za-z0-9_-]{10,100}",  # supabase.com/docs/guides/api/api-keys (publishable key)
    r"pub[0-9a-f]{32}",  # docs.datadoghq.com/account_management/api-app-keys (client token)
    r"NRJS-[0-9a-f]{10,40}",  # docs.newrelic.com/docs/browser/browser-monitoring/configuration/browser-license-key-app-id
)
_PUBLIC_CREDENTIAL = lazy_regex(rf"(?:{'|'.join(_PUBLIC_CREDENTIAL_FORMS)})\Z")
_PUBLIC_CREDENTIAL_NAMES = (
    r"algolia_search(?:_only)?(?:_api)?_key",  # algolia.com/doc/guides/security/api-keys (search-only API key)
    r"docsearch(?:_search)?(?:_api)?_key",  # docsearch.algolia.com/docs/faq: the key of a site's search box
    r"(?:recaptcha|hcaptcha|turnstile|captcha)_site_?key",  # developers.google.com/recaptcha/docs/display
)
_PUBLIC_CREDENTIAL_NAME = lazy_regex(rf"(?:\A|_)(?:{'|'.join(_PUBLIC_CREDENTIAL_NAMES)})\Z")
# firebase.google.com/docs/projects/api-keys: such keys name the project, and may stand in checked-in files.
_GOOGLE_BROWSER_KEY_NAME = lazy_regex(r"(?:\A|_)(?:firebase(?:_web)?|maps|gmaps|google_maps)(?:_api)?_key\Z")
_PUBLIC_PHRASE = lazy_regex(
    r"\bpush[- ]only\b|\bpublic (?:api[- ]|client[- ]|web[- ])?(?:key|token|dsn)\b|\bpublishable\b"
    r"|\b(?:key|token|secret|password|value|it|this|that)(?: is|'s) (?:(?:meant|supposed|intended) to be |intentionally |deliberately )?public\b"
    r"|\b(?:safe|ok|okay|fine) (?:to|for) (?:be )?(?:expos|commit|shar|publish|leak|public)"
    r"|\b(?:is not|isn't|not) (?:really |actually )?(?:a |an )?(?:secret|sensitive|confidential)\b"
    r"|\bcan be (?:made )?(?:public|shared|exposed|committed)\b"
    r"|\b(?:check(?:ed|ing) in|commit(?:ted|ting)|plain ?text)\b[^.]{0,60}\b(?:intentional|intentionally|deliberate|deliberately|on purpose)\b"
    r"|\b(?:intentionally|deliberately) (?:checked in|committed|in plain ?text)\b",
    re.IGNORECASE,
)
_PUBLIC_DENIAL_PHRASE = lazy_regex(
    r"(?:\bnot|\bnever|n't)(?: \w{1,12}){0,2} (?:safe|ok|okay|fine|public|publishable|shared|exposed|committed)\b",
    re.IGNORECASE,
)
_EXAMPLE_PHRASE = lazy_regex(
    r"\b(?:this|these|below|following)\b(?: \w{1,12}){0,2} (?:is|are) (?:just |only |merely )?(?:an? |the )?"
    r"(?:(?:simple|short|minimal|basic|full|complete) )?(?:examples?|samples?)\b",
    re.IGNORECASE,
)
_REPLACEMENT_PHRASE = lazy_regex(r"\b(?:replace|change|substitute)\b(?: \w{1,12}){0,3} (?:with|to|by|for) (?:\w{1,12} ){0,3}yours?\b", re.IGNORECASE)
# What a comment that stands with one value alone says in more words: that another value belongs there.
_REPLACEMENT_OF_VALUE_PHRASE = lazy_regex(
    r"\b(?:replace|change|substitute)\b(?: \w{1,12}){0,3} (?:with|to|by|for) (?:[\w-]{1,16} ){0,4}"
    r"(?:passwords?|passphrase|secrets?|keys?|tokens?|value)\b"
    r"|\b(?:set|use|choose|pick|generate|put|enter|insert)\b (?:\w{1,12} ){0,2}(?:strong|stronger|better|secure|safer|real|unique|own|random)\b"
    r"|\b(?:change|replace) (?:me|this|it)\b|\b(?:must|should|please|to) (?:be )?(?:changed?|replaced?)\b",
    re.IGNORECASE,
)
_REPLACEMENT_DENIAL_PHRASE = lazy_regex(
    r"(?:\bnot|\bnever|\bno need to|n't|\bwithout)(?: \w{1,12}){0,3} (?:chang|replac|substitut|set|us|generat)(?:e|ed|ing)?\b", re.IGNORECASE
)
_EXAMPLE_OF_PHRASE = lazy_regex(r"\bexamples? (?:of|how|for how)\b", re.IGNORECASE)
_MAX_LINES_TO_BLOCK_START = 200  # lines above a value in which the blocks that it lies in begin
_COMMENT_LINE_START = lazy_regex(r"[ \t]{0,200}(?:#|//|;|--)")
_TRAILING_COMMENT = lazy_regex(r"[ \t](?:#|//)[ \t]{0,20}(?P<words>\S.{0,300})")


def is_public_credential(name: str, value: str) -> bool:
    """Whether the issuer of a credential says that anybody may have it, by its form or by what it is called."""
    return bool(_PUBLIC_CREDENTIAL.match(value)) or bool(_PUBLIC_CREDENTIAL_NAME.search(_snake_case_name(name)))


def is_google_browser_key_name(name: str) -> bool:
    """Whether a name is that of a Google key which pages and apps carry: Firebase's and that of its maps."""
    return bool(_GOOGLE_BROWSER_KEY_NAME.search(_snake_case_name(name)))


def _snake_case_name(name: str) -> str:
    """A name in lower case, its words apart by one underline."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().replace("-", "_").replace(".", "_")


def is_called_public_by_comment(text: str, offset: int) -> bool:
    """Whether the comment behind the value at a place of a text, or directly above its line, says that anybody may have it."""
    if _comment_calls_public(_trailing_comment(text, offset)):
        return True
    line_start = text.rfind("\n", max(0, offset - _MAX_LINE_CHARACTERS), offset) + 1
    lines_above = text[max(0, line_start - _MAX_COMMENT_LINES * _MAX_LINE_CHARACTERS) : line_start].splitlines()
    return _comment_calls_public(_comment_that_ends(lines_above))


def is_called_example_by_comment(text: str, offset: int) -> bool:
    """Whether the comment directly above the line of a place, or above a block that it lies in, says that this is an example.

    A block begins at the nearest line above that stands less deep.
    """
    line_start = text.rfind("\n", 0, offset) + 1
    lines = text[max(0, line_start - _MAX_LINES_TO_BLOCK_START * _MAX_LINE_CHARACTERS) : line_start].splitlines()
    own_line = text[line_start : line_start + _MAX_LINE_CHARACTERS]
    block_indent = len(own_line) - len(own_line.lstrip(" \t"))
    if _comment_calls_example(_comment_that_ends(lines)):
        return True
    for line_number in range(len(lines) - 1, max(len(lines) - _MAX_LINES_TO_BLOCK_START, 0) - 1, -1):
        line = lines[line_number][:_MAX_LINE_CHARACTERS]
        indent = len(line) - len(line.lstrip(" \t"))
        if indent >= block_indent or not line.strip() or _COMMENT_LINE_START.match(line):
            continue
        block_indent = indent
        if _comment_calls_example(_comment_that_ends(lines[max(0, line_number - _MAX_COMMENT_LINES) : line_number])):
            return True
    return False


def is_called_replaceable_by_comment(text: str, offset: int) -> bool:
    """Whether a comment behind the value at a place, above its line, or above in its block says to put one's own value there.

    What stands above in the block has to speak of the reader's own; a comment behind the value or directly above it is about that alone.
    """
    line_start = text.rfind("\n", 0, offset) + 1
    lines_directly_above = text[max(0, line_start - _MAX_COMMENT_LINES * _MAX_LINE_CHARACTERS) : line_start].splitlines()[-_MAX_COMMENT_LINES:]
    if any(_comment_asks_to_replace(one) for one in (_trailing_comment(text, offset), _comment_that_ends(lines_directly_above))):
        return True
    own_line = text[line_start : line_start + _MAX_LINE_CHARACTERS]
    block_indent = len(own_line) - len(own_line.lstrip(" \t"))
    for line in reversed(text[max(0, line_start - _MAX_BLOCK_LINES * _MAX_LINE_CHARACTERS) : line_start].splitlines()[-_MAX_BLOCK_LINES:]):
        if _COMMENT_LINE_START.match(line):
            if _REPLACEMENT_PHRASE.search(line[:_MAX_LINE_CHARACTERS]):
                return True
        elif line.strip() and len(line) - len(line.lstrip(" \t")) < block_indent:
            return False
    return False


def is_called_public_by_head(text: str, offset: int) -> bool:
    """Whether the comment at the head of the YAML document that a place lies in says that anybody may have what stands there."""
    head_start = text.rfind("\n---", 0, offset) + 1
    comment_lines: list[str] = []
    for line in text[head_start : head_start + _MAX_COMMENT_LINES * _MAX_LINE_CHARACTERS].splitlines()[: _MAX_COMMENT_LINES + 1]:
        if _COMMENT_LINE_START.match(line) and not line.startswith("---"):
            comment_lines.append(line.strip(" \t#/;-"))
        elif line.strip() and not line.startswith("---"):
            break
    return _comment_calls_public(" ".join(comment_lines))


def _comment_that_ends(lines: Sequence[str]) -> str:
    """The words of the comment that the last of some lines belong to; empty where the last is no comment."""
    comment_lines: list[str] = []
    for line in reversed(lines[-_MAX_COMMENT_LINES:]):
        if not _COMMENT_LINE_START.match(line):
            break
        comment_lines.append(line.strip(" \t#/;-"))
    return " ".join(reversed(comment_lines))


def _trailing_comment(text: str, offset: int) -> str:
    """The words of the comment behind a place on its line; empty where there is none."""
    line_end = text.find("\n", offset)
    search_end = min(len(text) if line_end < 0 else line_end, offset + _MAX_LINE_CHARACTERS)
    trailing_comment_match = _TRAILING_COMMENT.search(text, offset, search_end)
    return trailing_comment_match["words"] if trailing_comment_match is not None else ""


def _comment_asks_to_replace(comment_text: str) -> bool:
    """Whether the words of a comment on one value say that another one belongs there, and none of them denies it."""
    asks_to_replace = _REPLACEMENT_PHRASE.search(comment_text) or _REPLACEMENT_OF_VALUE_PHRASE.search(comment_text)
    return bool(asks_to_replace) and not _REPLACEMENT_DENIAL_PHRASE.search(comment_text)


def _comment_calls_example(comment_text: str) -> bool:
    """Whether the words of a comment say that what follows is an example, and not what it is one of."""
    return bool(_EXAMPLE_PHRASE.search(comment_text)) and not _EXAMPLE_OF_PHRASE.search(comment_text)


def _comment_calls_public(comment_text: str) -> bool:
    """Whether the words of a comment call a value public, and none of them denies it."""
    return bool(_PUBLIC_PHRASE.search(comment_text)) and not _PUBLIC_DENIAL_PHRASE.search(comment_text)
