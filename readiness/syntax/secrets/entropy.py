"""How hard a value is to guess: a figure in bits, in which words count little and letters without sense much."""

from __future__ import annotations

import enum
import math
import re
from functools import lru_cache

RANDOM_BITS = 40  # from here on a value was made by a machine: nobody chose it, and nobody guesses it
_MOST_WORDS = 0.5  # of a random value's characters, as much as this may look like words
_MAX_MEASURED_CHARACTERS = 256  # characters that are measured; the rest adds nothing
_WORD_BITS = 1.5  # for a letter of a word, as spoken languages have it
_LONG_PART = 12  # letters: no part of a name is as long, unless it is a word
_SIGN_BITS = 2.0
_MAX_LEETSPEAK_LENGTH = 16  # characters of a value that is read with figures for letters
_REPEATED_BITS = 2.0  # for each further time that a piece stands there
_COMMON_PAIRS = frozenset(
    """
    th he in er an re on at en nd ti es or te of ed is it al ar st to nt ng se ha as ou io le ve co me de hi ri ro ic ne ea ra
    ce li ch ll be ma si om ur ca el ta la ns di fo ho pe ec pr no ct us ac ot il tr ly nc et ut ss so rs un lo wa ge ie wh
    ee wi em ad ol rt po we na ul ni ts mo ow pa im mi ai sh ir su id os iv ia am fi ci vi pl ig tu ev ld ry mp fe bl ab gh
    ty op wo sa ay ex ke fr oo av ag if ap gr od bo sp rd do uc bu ei ov by rm ep tt oc fa ef cu rn sc gi da yo cr cl du ga
    qu ue ff ba ey ls va um pp ua up lu go ht ru ug ds lt pi rc rr eg au ck ew mu br bi pt ak pu ui rg ib tl ny ki rk ys ob
    mm fu ph og ms ye ud mb ip ub oi rl gu dr hr cc tw ft wn nu af hu nn eo vo rv nf xp gn sm fl iz ok nl my gl aw ju oa eq
    sy sl ps jo lf nv je nk kn gs dy hy ze ks xt bs ik dd pt rp sk xi oe oy ws lv dl rf eu dg wr xa yi nm eb rb tm xc eh tc
    lp py
    """.split()
)
_CHARACTER_RUN = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+|[^A-Za-z0-9]+")
_SEPARATOR = re.compile(r"[-_./: +]")
LEETSPEAK_TABLE = str.maketrans("0134578@$!", "oleastbasi")  # figures and signs that people write for letters
_HEX_VALUE = re.compile(r"[0-9a-fA-F]{16,}\Z")


class SecretStrength(enum.IntEnum):
    """How much a literal looks like a credential that is in use; ordered."""

    WORD = 0  # letters alone, as in ordinary words
    CHOSEN = 1  # words with figures and signs, as a person makes a password
    RANDOM = 2  # made by a machine
    SHAPE = 3  # the fixed shape of a key that somebody gave out


def strength_of(value: str) -> SecretStrength:
    """WORD, CHOSEN or RANDOM, by the characters alone."""
    if _is_hex(value):
        return SecretStrength.RANDOM
    plain = _without_leetspeak(value)
    worded = max(_share_of_words(value), _share_of_words(plain))
    if worded <= _MOST_WORDS and min(estimated_bits(value), estimated_bits(plain)) >= RANDOM_BITS and not _is_slug(value):
        return SecretStrength.RANDOM
    return SecretStrength.WORD if _SEPARATOR.sub("", value).isalpha() else SecretStrength.CHOSEN


def _is_hex(value: str) -> bool:
    """Whether a value is a long number to the base of sixteen, dashes of a UUID apart."""
    plain = re.sub("[-:]", "", value[:_MAX_MEASURED_CHARACTERS])
    return bool(_HEX_VALUE.match(plain)) and len(set(plain.lower())) >= 6


def _without_leetspeak(value: str) -> str:
    """A value with letters for the figures and signs that stand for some, where it is mostly letters: `p4ssw0rd`."""
    letters, spelt = (
        sum(map(str.isalpha, value)),
        sum(ord(char) in LEETSPEAK_TABLE for char in value),
    )
    return value.translate(LEETSPEAK_TABLE) if len(value) <= _MAX_LEETSPEAK_LENGTH and letters >= 3 * spelt else value


def _is_slug(value: str) -> bool:
    """Whether a value is put together like a name: `linux-node-20`, each part all letters or all digits, none of them long."""
    parts = _SEPARATOR.split(value)
    return max(map(len, parts)) < _LONG_PART and all(
        part.isdigit() or (part.lower() == part and part.isalpha()) or not part for part in parts
    )


@lru_cache(maxsize=2048)
def estimated_bits(value: str) -> float:
    """An estimate of the choices that went into a value, in bits: far off for single values, right in the large."""
    text = value[:_MAX_MEASURED_CHARACTERS]
    unit = _repeated_unit(text)
    if len(unit) < len(text):
        return estimated_bits(unit) + _REPEATED_BITS * (len(text) // len(unit) - 1)
    if _is_hex(text):
        return 4.0 * len(text)
    return math.fsum(_bits_of_run(run) for run in _CHARACTER_RUN.findall(text))


def _repeated_unit(text: str) -> str:
    """The shortest piece that a text repeats; the text where there is none."""
    found = (text + text).find(text, 1)
    return text[:found] if found > 0 and len(text) % found == 0 else text


def _bits_of_run(run: str) -> float:
    """Of letters, digits or signs that stand together."""
    if run.isdigit():
        return math.log2(10) * len(run)
    if not run.isalpha():
        return _SIGN_BITS * len(run)
    return _WORD_BITS * len(run) + 4 if _is_wordlike(run) else math.log2(26) * len(run) + 1


@lru_cache(maxsize=4096)
def _is_wordlike(run: str) -> bool:
    """Whether letters follow each other as they do in words: three or more, and mostly in usual pairs."""
    if len(run) < 3:
        return False
    low = run.lower()
    pairs = [low[at : at + 2] for at in range(len(low) - 1)]
    usual = sum(pair in _COMMON_PAIRS for pair in pairs) / len(pairs)
    return usual >= (1 if len(run) == 3 else 0.75 if len(run) < 6 else 0.66)


def _share_of_words(value: str) -> float:
    """How much of a value stands in runs that look like words, from 0 to 1; three letters are too often one by chance."""
    runs = _CHARACTER_RUN.findall(value[:_MAX_MEASURED_CHARACTERS])
    worded = sum(len(run) for run in runs if len(run) > 3 and _is_wordlike(run))
    return worded / max(sum(map(len, runs)), 1)
