"""What counts as a secret in a text, and what only looks like one."""

from __future__ import annotations

import pytest

from readiness.syntax import secrets


@pytest.mark.parametrize(
    "text",
    [
        "PASSWORD=$(cat /run/secret)",
        'export DB_PASSWORD="$(aws ssm get --name x)"',
        "PASSWORD=`cat /x`",
        'secret = os.environ["SECRET"]',
        'token = request.headers.get("x")',
        '$password = getenv("X");',
        "password=%(ENV_X)s",
        "password: !env DB_PASSWORD",
        "password: {{ .Values.x }}",
        'password = "${env:DB_PASSWORD}"',
        "PASSWORD=$PASSWORD_FROM_FILE",
        "password=${1}",
        "secretName: shop-database",
        "bearer_token_file: /var/run/secrets/x",
        "accessTokenLifetime: 3600",
        "password: yourpassword",
        "api_key: GOOGLE_API_KEY_VAL",
    ],
)
def test_what_is_filled_in_elsewhere_is_no_secret(text: str) -> None:
    assert list(secrets.in_text(text)) == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("password: hunter2x", "hunter2x"),
        ('"password": "hunter2x",', "hunter2x"),
        ("db.password=hunter2-Zq81", "hunter2-Zq81"),
        ("postgres://shop:Zq81kk2@db/shop", "Zq81kk2"),
    ],
)
def test_secrets_are_found_where_they_stand(text: str, value: str) -> None:
    assert [text[one.span.start : one.span.end] for one in secrets.in_text(text)] == [value]


def test_the_quick_look_misses_no_name_of_a_secret() -> None:
    pairs = {last for _, last in secrets._SECRET_PAIRS}
    for word in secrets._SECRET_WORDS | secrets._TOKEN_WORDS | pairs:
        assert secrets.may_name(f"DB_{word.upper()}_1"), word


def test_a_sentence_about_a_password_is_none() -> None:
    assert secrets.judge("ADMIN_PASSWORD", "password for the admin user") is None
    assert secrets.judge("ADMIN_PASSWORD", "correct horse battery") == "password"
