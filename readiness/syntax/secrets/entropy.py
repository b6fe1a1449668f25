"""How hard a value is to guess: a figure in bits, in which words count little and letters without sense much."""

from __future__ import annotations

import enum
import math
import re
from functools import lru_cache

from readiness.model.lazy_regex import lazy_regex

MIN_RANDOM_BITS = 40  # from here on a value was made by a machine: nobody chose it, and nobody guesses it
_MAX_WORD_SHARE_OF_RANDOM = 0.5  # of a random value's characters, as much as this may look like words
_MAX_MEASURED_CHARACTERS = 256  # characters that are measured; the rest adds nothing
_BITS_PER_WORD_LETTER = 1.5  # for a letter of a word, as spoken languages have it
_LONG_PART_LENGTH = 12  # letters: no part of a name is as long, unless it is a word
_BITS_PER_SIGN = 2.0
_MAX_LEETSPEAK_LENGTH = 16  # characters of a value that is read with figures for letters
_BITS_PER_REPETITION = 2.0  # for each further time that a piece stands there
_COMMON_LETTER_PAIRS = frozenset(
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
_CHARACTER_RUN = lazy_regex(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+|[^A-Za-z0-9]+")
_SEPARATOR = lazy_regex(r"[-_./: +]")
LEETSPEAK_TABLE = str.maketrans("0134578@$!", "oleastbasi")  # figures and signs that people write for letters
_LONG_HEX_NUMBER = lazy_regex(r"[0-9a-fA-F]{16,}\Z")


class SecretStrength(enum.IntEnum):
    """How much a literal looks like a credential that is in use; ordered."""

    WORD = 0  # letters alone, as in ordinary words
    CHOSEN = 1  # words with figures and signs, as a person makes a password
    RANDOM = 2  # made by a machine
    SHAPE = 3  # the fixed shape of a key that somebody gave out


def secret_strength_of(value: str) -> SecretStrength:
    """WORD, CHOSEN or RANDOM, by the characters alone."""
    if _is_long_hex_number(value):
        return SecretStrength.RANDOM
    value_without_leetspeak = _without_leetspeak(value)
    word_share = max(_share_in_word_like_runs(value), _share_in_word_like_runs(value_without_leetspeak))
    if (
        word_share <= _MAX_WORD_SHARE_OF_RANDOM
        and min(estimated_bits(value), estimated_bits(value_without_leetspeak)) >= MIN_RANDOM_BITS
        and not _is_slug(value)
    ):
        return SecretStrength.RANDOM
    return SecretStrength.WORD if _SEPARATOR.sub("", value).isalpha() else SecretStrength.CHOSEN


def _is_long_hex_number(value: str) -> bool:
    """Whether a value is a long number to the base of sixteen, dashes of a UUID apart."""
    value_without_separators = re.sub("[-:]", "", value[:_MAX_MEASURED_CHARACTERS])
    return bool(_LONG_HEX_NUMBER.match(value_without_separators)) and len(set(value_without_separators.lower())) >= 6


def _without_leetspeak(value: str) -> str:
    """A value with letters for the figures and signs that stand for some, where it is mostly letters: `p4ssw0rd`."""
    letter_count, leetspeak_character_count = (
        sum(map(str.isalpha, value)),
        sum(ord(char) in LEETSPEAK_TABLE for char in value),
    )
    return value.translate(LEETSPEAK_TABLE) if len(value) <= _MAX_LEETSPEAK_LENGTH and letter_count >= 3 * leetspeak_character_count else value


def _is_slug(value: str) -> bool:
    """Whether a value is put together like a name: `linux-node-20`, each part all letters or all digits, none of them long."""
    name_parts = _SEPARATOR.split(value)
    return max(map(len, name_parts)) < _LONG_PART_LENGTH and all(
        part.isdigit() or (part.lower() == part and part.isalpha()) or not part for part in name_parts
    )


@lru_cache(maxsize=16_384)
def estimated_bits(value: str) -> float:
    """An estimate of the choices that went into a value, in bits: far off for single values, right in the large."""
    measured_text = value[:_MAX_MEASURED_CHARACTERS]
    repeated_unit = _repeated_unit(measured_text)
    if len(repeated_unit) < len(measured_text):
        return estimated_bits(repeated_unit) + _BITS_PER_REPETITION * (len(measured_text) // len(repeated_unit) - 1)
    if _is_long_hex_number(measured_text):
        return 4.0 * len(measured_text)
    return math.fsum(_estimated_bits_of_run(run) for run in _CHARACTER_RUN.findall(measured_text))


def _repeated_unit(text: str) -> str:
    """The shortest piece that a text repeats; the text where there is none."""
    repetition_offset = (text + text).find(text, 1)
    return text[:repetition_offset] if repetition_offset > 0 and len(text) % repetition_offset == 0 else text


def _estimated_bits_of_run(character_run: str) -> float:
    """Of letters, digits or signs that stand together."""
    if character_run.isdigit():
        return math.log2(10) * len(character_run)
    if not character_run.isalpha():
        return _BITS_PER_SIGN * len(character_run)
    return _BITS_PER_WORD_LETTER * len(character_run) + 4 if _is_wordlike(character_run) else math.log2(26) * len(character_run) + 1


@lru_cache(maxsize=16_384)
def _is_wordlike(letter_run: str) -> bool:
    """Whether letters follow each other as they do in words: three or more, and mostly in usual pairs."""
    if len(letter_run) < 3:
        return False
    lower_case_run = letter_run.lower()
    letter_pairs = [lower_case_run[index : index + 2] for index in range(len(lower_case_run) - 1)]
    common_pair_share = sum(pair in _COMMON_LETTER_PAIRS for pair in letter_pairs) / len(letter_pairs)
    return common_pair_share >= (1 if len(letter_run) == 3 else 0.75 if len(letter_run) < 6 else 0.66)


def _share_in_word_like_runs(value: str) -> float:
    """How much of a value stands in runs that look like words, from 0 to 1; three letters are too often one by chance."""
    character_runs = _CHARACTER_RUN.findall(value[:_MAX_MEASURED_CHARACTERS])
    word_character_count = sum(len(run) for run in character_runs if len(run) > 3 and _is_wordlike(run))
    return word_character_count / max(sum(map(len, character_runs)), 1)
