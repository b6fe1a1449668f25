"""Certificates beside keys: who signed, for how long, and texts that are none."""

from __future__ import annotations

import base64
import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readiness.syntax.certificates import parse_first_pem_certificate
from tests.certificates import encode_element, make_certificate


@pytest.mark.parametrize(
    ("issuer", "subject", "yes"),
    [
        ("shop.example.com", "shop.example.com", True),
        ("Acme Co", "shop.example.com", True),
        ("Let's Encrypt R3", "shop.acme.io", False),
        ("DigiCert Global G2", "shop.acme.io", False),
    ],
)
def test_who_signed(issuer: str, subject: str, yes: bool) -> None:
    found = parse_first_pem_certificate(make_certificate(issuer, subject, "300101000000Z"))
    assert found is not None
    assert found.is_self_made is yes


@pytest.mark.parametrize(
    ("until", "day"),
    [
        ("260131235959Z", datetime.date(2026, 1, 31)),
        ("991231235959Z", datetime.date(1999, 12, 31)),
        ("20600615000000Z", datetime.date(2060, 6, 15)),
    ],
)
def test_last_day(until: str, day: datetime.date) -> None:
    found = parse_first_pem_certificate(make_certificate("a", "b", until))
    assert found is not None
    assert found.last_day == day
    assert found.has_expired(day + datetime.timedelta(days=1))
    assert not found.has_expired(day)
    assert not found.has_expired(None)


def test_one_without_a_version_is_read_as_well() -> None:
    found = parse_first_pem_certificate(make_certificate("a", "a", "300101000000Z", version=False))
    assert found is not None
    assert found.is_self_made


@pytest.mark.parametrize("until", ["", "xx", "309999000000Z"])
def test_no_point_in_time_is_no_certificate(until: str) -> None:
    assert parse_first_pem_certificate(make_certificate("a", "b", until)) is None


def _pem(encoded: bytes) -> str:
    return f"-----BEGIN CERTIFICATE-----\n{base64.b64encode(encoded).decode()}\n-----END CERTIFICATE-----\n"


@pytest.mark.parametrize("encoded", [b"\x30", b"\x30\x82", b"\x30\x85\x01\x01\x01\x01\x01", encode_element(0x30, b""), b"\x02\x01\x01"])
def test_what_is_cut_off_is_none(encoded: bytes) -> None:
    assert parse_first_pem_certificate(_pem(encoded)) is None


@given(st.binary(min_size=1, max_size=200))
def test_no_bytes_break_it(encoded: bytes) -> None:
    found = parse_first_pem_certificate(_pem(encoded))
    assert found is None or found.last_day


def test_a_text_without_one_has_none() -> None:
    assert parse_first_pem_certificate("-----BEGIN CERTIFICATE-----\n<put it here>\n-----END CERTIFICATE-----") is None
    assert parse_first_pem_certificate("") is None
