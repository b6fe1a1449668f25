"""X.509 certificates in PEM, as far as they tell what the key beside them is good for: who signed, for how long.

Nothing is verified: only the few fields of the outer structure are read (https://www.rfc-editor.org/rfc/rfc5280#section-4.1).
"""

from __future__ import annotations

import base64
import binascii
import datetime
import re
from dataclasses import dataclass

_PEM_BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]{1,20000})-----END CERTIFICATE-----")
_SEQUENCE = 0x30
_VERSION = 0xA0
_UTC_TIME = 0x17
_GENERALIZED_TIME = 0x18
_LONG_LENGTH = 0x80  # from here on the first byte of a length says how many bytes the length has
_MAX_LENGTH_BYTES = 4
_CENTURY_TURN = 50  # two figures of a year from here on are of the twentieth century
# Whose signature a browser believes; anybody else's was made by whoever set the thing up.
_PUBLIC_AUTHORITY = re.compile(
    rb"(?i)let's encrypt|digicert|sectigo|comodo|globalsign|google trust|amazon|zerossl|godaddy|entrust|identrust|verisign"
    rb"|buypass|certum|actalis|swisssign|quovadis|ssl\.com|geotrust|thawte|rapidssl|harica|telesec|microsoft"
)


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a certificate says of itself: the names as they are encoded, and the last day on which it is good."""

    issuer: bytes
    subject: bytes
    last_day: datetime.date

    @property
    def is_self_made(self) -> bool:
        """Whether no authority signed it that is known outside: it signs itself, or somebody's own authority does."""
        return self.issuer == self.subject or not _PUBLIC_AUTHORITY.search(self.issuer)

    def has_expired(self, today: datetime.date | None) -> bool:
        """Whether it is good no longer; never where no day is given."""
        return today is not None and self.last_day < today


def read_certificate(text: str) -> Certificate | None:
    """The first certificate of a PEM text, the one that its key belongs to; None where there is none that can be read."""
    block = _PEM_BLOCK.search(text)
    if block is None:
        return None
    try:
        return _parse_certificate(base64.b64decode("".join(block[1].split()), validate=True))
    except (binascii.Error, ValueError, IndexError):
        return None


def _parse_certificate(encoded: bytes) -> Certificate:
    """Raises ValueError for what is no certificate."""
    outer, _ = _element(encoded, _SEQUENCE)
    body, _ = _element(outer, _SEQUENCE)
    if body[0] == _VERSION:
        body = _element(body)[1]
    after_serial = _element(body)[1]
    after_algorithm = _element(after_serial, _SEQUENCE)[1]
    issuer, rest = _element(after_algorithm, _SEQUENCE)
    validity, rest = _element(rest, _SEQUENCE)
    subject, _ = _element(rest, _SEQUENCE)
    return Certificate(issuer, subject, _day(_element(validity)[1]))


def _element(encoded: bytes, tag: int | None = None) -> tuple[bytes, bytes]:
    """(content of the first element, what stands behind it). Raises ValueError where it is cut off or has another tag."""
    if tag is not None and encoded[0] != tag:
        raise ValueError("another element was expected")
    length, start = encoded[1], 2
    if length >= _LONG_LENGTH:
        count = length - _LONG_LENGTH
        if not 0 < count <= _MAX_LENGTH_BYTES:
            raise ValueError("a length that no certificate has")
        start += count
        length = int.from_bytes(encoded[2:start], "big")
    if start + length > len(encoded):
        raise ValueError("the element is cut off")
    return encoded[start : start + length], encoded[start + length :]


def _day(encoded: bytes) -> datetime.date:
    """The day of a point in time. Raises ValueError for anything else."""
    digits = _element(encoded)[0].decode("ascii")
    if encoded[0] == _GENERALIZED_TIME:
        return datetime.date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
    if encoded[0] != _UTC_TIME:
        raise ValueError("no point in time")
    year = int(digits[:2])
    return datetime.date(year + (1900 if year >= _CENTURY_TURN else 2000), int(digits[2:4]), int(digits[4:6]))
