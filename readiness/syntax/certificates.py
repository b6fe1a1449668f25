"""X.509 certificates in PEM, as far as they tell what the key beside them is good for: who signed, for how long.

Nothing is verified: only the few fields of the outer structure are read (https://www.rfc-editor.org/rfc/rfc5280#section-4.1).
"""

from __future__ import annotations

import base64
import binascii
import datetime

from readiness.model.lazy_regex import lazy_regex
from readiness.model.records import dataclass

_PEM_CERTIFICATE_BLOCK = lazy_regex(r"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]{1,20000})-----END CERTIFICATE-----")
_DER_SEQUENCE_TAG = 0x30
_DER_VERSION_TAG = 0xA0
_DER_UTC_TIME_TAG = 0x17
_DER_GENERALIZED_TIME_TAG = 0x18
_DER_LONG_LENGTH_FLAG = 0x80  # from here on the first byte of a length says how many bytes the length has
_MAX_DER_LENGTH_BYTES = 4
_FIRST_YEAR_OF_1900S = 50  # two figures of a year from here on are of the twentieth century
# Whose signature a browser believes; anybody else's was made by whoever set the thing up.
_PUBLIC_AUTHORITY_NAME = lazy_regex(
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
        return self.issuer == self.subject or not _PUBLIC_AUTHORITY_NAME.search(self.issuer)

    def has_expired(self, today: datetime.date | None) -> bool:
        """Whether it is good no longer; never where no day is given."""
        return today is not None and self.last_day < today


def parse_first_pem_certificate(pem_text: str) -> Certificate | None:
    """The first certificate of a PEM text, the one that its key belongs to; None where there is none that can be read."""
    pem_block = _PEM_CERTIFICATE_BLOCK.search(pem_text)
    if pem_block is None:
        return None
    try:
        return _parse_der_certificate(base64.b64decode("".join(pem_block[1].split()), validate=True))
    except (binascii.Error, ValueError, IndexError):
        return None


def _parse_der_certificate(der_bytes: bytes) -> Certificate:
    """Raises ValueError for what is no certificate."""
    certificate_content, _ = _split_der_element(der_bytes, _DER_SEQUENCE_TAG)
    certificate_body, _ = _split_der_element(certificate_content, _DER_SEQUENCE_TAG)
    if certificate_body[0] == _DER_VERSION_TAG:
        certificate_body = _split_der_element(certificate_body)[1]
    bytes_after_serial_number = _split_der_element(certificate_body)[1]
    bytes_after_algorithm = _split_der_element(bytes_after_serial_number, _DER_SEQUENCE_TAG)[1]
    issuer_name, remaining_bytes = _split_der_element(bytes_after_algorithm, _DER_SEQUENCE_TAG)
    validity_period, remaining_bytes = _split_der_element(remaining_bytes, _DER_SEQUENCE_TAG)
    subject_name, _ = _split_der_element(remaining_bytes, _DER_SEQUENCE_TAG)
    return Certificate(issuer_name, subject_name, _parse_der_date(_split_der_element(validity_period)[1]))


def _split_der_element(der_bytes: bytes, tag: int | None = None) -> tuple[bytes, bytes]:
    """(content of the first element, what stands behind it). Raises ValueError where it is cut off or has another tag."""
    if tag is not None and der_bytes[0] != tag:
        raise ValueError("another element was expected")
    content_length, content_start = der_bytes[1], 2
    if content_length >= _DER_LONG_LENGTH_FLAG:
        length_byte_count = content_length - _DER_LONG_LENGTH_FLAG
        if not 0 < length_byte_count <= _MAX_DER_LENGTH_BYTES:
            raise ValueError("a length that no certificate has")
        content_start += length_byte_count
        content_length = int.from_bytes(der_bytes[2:content_start], "big")
    if content_start + content_length > len(der_bytes):
        raise ValueError("the element is cut off")
    return der_bytes[content_start : content_start + content_length], der_bytes[content_start + content_length :]


def _parse_der_date(der_time: bytes) -> datetime.date:
    """The day of a point in time. Raises ValueError for anything else."""
    digits = _split_der_element(der_time)[0].decode("ascii")
    if der_time[0] == _DER_GENERALIZED_TIME_TAG:
        return datetime.date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
    if der_time[0] != _DER_UTC_TIME_TAG:
        raise ValueError("no point in time")
    year = int(digits[:2])
    return datetime.date(year + (1900 if year >= _FIRST_YEAR_OF_1900S else 2000), int(digits[2:4]), int(digits[4:6]))
