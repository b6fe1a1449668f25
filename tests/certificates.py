"""Certificates for tests: the outer structure alone, signed by nobody."""

from __future__ import annotations

import base64

_TIME_TAGS = {13: 0x17, 15: 0x18}  # by the length of what is written


def encode_element(tag: int, content: bytes) -> bytes:
    """One element in DER."""
    size = len(content)
    length = bytes([size]) if size < 0x80 else bytes([0x82, size >> 8, size & 0xFF])
    return bytes([tag]) + length + content


def make_certificate(issuer: str, subject: str, until: str, *, version: bool = True) -> str:
    """A certificate in PEM that is good until a point in time, written as DER writes it."""
    last = encode_element(_TIME_TAGS.get(len(until), 0x17), until.encode())
    validity = encode_element(0x30, encode_element(0x17, b"200101000000Z") + last)
    body = encode_element(0xA0, encode_element(2, b"\x02")) if version else b""
    body += encode_element(2, b"\x01") + encode_element(0x30, b"")
    body += encode_element(0x30, issuer.encode()) + validity + encode_element(0x30, subject.encode())
    outer = encode_element(0x30, encode_element(0x30, body) + encode_element(0x30, b"") + encode_element(3, b"\x00" * 64))
    return f"-----BEGIN CERTIFICATE-----\n{base64.encodebytes(outer).decode()}-----END CERTIFICATE-----\n"
