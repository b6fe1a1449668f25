"""What a value is that stands under a name, at each place: the one decision of all kinds of files."""

from __future__ import annotations

import random
import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from readiness.redaction import Redactor
from readiness.syntax import secrets
from readiness.syntax.secrets import SecretKind, SecretStrength, ValueContext, names
from readiness.syntax.secrets.vocabulary import (
    StatedMeaning,
    is_repeating_or_sequential,
    stated_meaning_of,
)

HEX = "3328fa814dd582ccd03dbe785cfd683fb8da92b3"
GITHUB = "ghp_a8Fk29LmQ0zXvB7nR4tY6uI1oP3sD5gH9jK2"
JWT_IO = (
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwi"
    "aWF0IjoxNTE2MjM5MDIyfQ.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c"
)
AZURITE = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="  # published
PEM = "-----BEGIN RSA PRIVATE KEY-----"
BODY = "MIIEogIBAAKCAQEAoE69TYpSj08S2fh5aKHAYpObfnDugMW59l9ycPWhaEjW3ziz"

# Everywhere a secret: (name, value), what it is called, how strong.
SECRETS = [
    ("DB_PASSWORD", "Kq7vT2mXw9", "password", SecretStrength.RANDOM),
    ("DB_PASSWORD", "hunter2x9", "password", SecretStrength.CHOSEN),
    ("DB_PSW", "hunter2hunter2", "password", SecretStrength.CHOSEN),
    ("MYSQL_PSWD", "hunter2-Zq81", "password", SecretStrength.CHOSEN),
    ("PGADMIN_PW", "Tr0ub4dor-and-3", "password", SecretStrength.CHOSEN),
    ("SECRET_KEY", "j8s7d6f5g4h3k2l1q9w8", "key", SecretStrength.RANDOM),
    ("CLIENT_SECRET", HEX, "secret", SecretStrength.RANDOM),
    ("ACCESS_TOKEN", "9d8351a0-ca01-4556-9c37-85eb634869b9", "token", SecretStrength.RANDOM),
    ("ANY", GITHUB, "GitHub token", SecretStrength.SHAPE),
    ("ANY", "AKIAQ3EGRVJ7WLDN5TZB", "AWS access key id", SecretStrength.SHAPE),
    ("ANY", f"{PEM}\n{BODY}", "private key", SecretStrength.SHAPE),
    ("ANY", f"{PEM}\\n{BODY}", "private key", SecretStrength.SHAPE),
    ("ANY", f"{PEM}\nProc-Type: 4,ENCRYPTED\n\n{BODY}", "private key", SecretStrength.SHAPE),
    ("ANY", "https://bot:Kq7vT2mXw9@git.example.com/x", "password in a URL", SecretStrength.RANDOM),
    ("ANY", "postgres://a:hunter2x9@db.acme.io/x", "password in a URL", SecretStrength.CHOSEN),
    ("ANY", f"https://{HEX}:x-oauth-basic@github.com/x", "token in a URL", SecretStrength.RANDOM),
    ("ANY", f"https://{GITHUB}:x-oauth-basic@github.com/x", "GitHub token", SecretStrength.SHAPE),
]  # fmt: skip
# Nowhere one: (name, value), what it is.
# A variable, a file or an entry of a store, in the syntaxes of programs that look it up by themselves.
REFERENCES_OF_PROGRAMS = [
    "os.environ/QWEN_KEY", "os.environ['QWEN_KEY']", "os.getenv('QWEN_KEY')", "env:QWEN_KEY", "$env:QWEN_KEY", "ENV[QWEN_KEY]", "ENV['QWEN_KEY']",
    "${env.QWEN_KEY}", "${env:QWEN_KEY}", "process.env.QWEN_KEY", "%env(QWEN_KEY)%", "%env(file:QWEN_FILE)%", "$__env{QWEN_KEY}",
    "$__file{/etc/secrets/qwen}", "{$QWEN_KEY}", "{env:QWEN_KEY}", "{env.QWEN_KEY}", "file:/etc/secrets/qwen", "file:///etc/secrets/qwen",
    "vault:secret/data/qwen#key", "ref+vault://secret/qwen#/key", "secret://qwen/key",
]  # fmt: skip
NONE = [
    ("PASSWORD_HASHER", "argon2", SecretKind.OTHER),
    ("TOKEN_ISSUER", "https://id.example.org", SecretKind.OTHER),
    ("SECRET_MANAGER", "vault", SecretKind.OTHER),
    ("CREDENTIAL_HELPER", "ecr-login", SecretKind.OTHER),
    ("PASSWORD_PROMPT_STRING", "Your password?", SecretKind.OTHER),
    ("PASSWORD_LABEL", "Password:", SecretKind.OTHER),
    ("PASSWORD_VALIDATORS", "length,common", SecretKind.OTHER),
    ("SECRET_SCANNING", "push", SecretKind.SETTING),
    ("MYSQL_ALLOW_EMPTY_PASSWORD", 1, SecretKind.OTHER),
    ("MYSQL_ALLOW_EMPTY_PASSWORD", "anything", SecretKind.OTHER),
    ("REDIS_REQUIRE_PASSWORD", 0, SecretKind.OTHER),
    ("MYSQL_RANDOM_ROOT_PASSWORD", 1, SecretKind.SETTING),
    ("MYSQL_RANDOM_ROOT_PASSWORD", "yes", SecretKind.SETTING),
    ("SECRET_KEY_BASE", "1", SecretKind.SETTING),
    ("SECRET_KEY_BASE", "", SecretKind.SETTING),
    ("TLS_PASSWORD", "/run/secrets/tls", SecretKind.SETTING),
    ("NEXT_PUBLIC_API_KEY", "AIzaSyDdI0hCZtE6vySjMm-WEfRq3CPzqKqqsHI", SecretKind.SETTING),
    ("TRUSTSTORE_PASSWORD", "changeit", SecretKind.SETTING),
    ("DB_PASSWORD", "$PASSWORD", SecretKind.REFERENCE),
    ("DB_PASSWORD", "${PASSWORD:-x}", SecretKind.REFERENCE),
    ("DB_PASSWORD", "{{ .Values.password }}", SecretKind.REFERENCE),
    ("DB_PASSWORD", "vault:secret/data/db#password", SecretKind.REFERENCE),
    ("DB_PASSWORD", "{DB_PASSWORD}", SecretKind.REFERENCE),
    *((name, value, SecretKind.REFERENCE) for name in ("api_key", "DB_PASSWORD", "authToken") for value in REFERENCES_OF_PROGRAMS),
    *(("api_key", value, SecretKind.SETTING) for value in ("N/A", "n/a", "NA", "-", "--", "none")),
    ("ANY", "rtsp://view:{CAMERA_PASSWORD}@porch.example.org/x", SecretKind.REFERENCE),
    ("ANY", "postgres://app:$PASSWORD@db/x", SecretKind.REFERENCE),
    ("ANY", "https://$TOKEN:x-oauth-basic@github.com/x", SecretKind.CONSTANT),
    ("ANY", "https://git:x-access-token@github.com/x", SecretKind.CONSTANT),
    ("GIT_PASSWORD", "x-oauth-basic", SecretKind.CONSTANT),
    ("REGISTRY_TOKEN", "oauth2accesstoken", SecretKind.CONSTANT),
    ("AWS_SECRET_KEY", "do-not-use", SecretKind.PLACEHOLDER),
    ("C_PASSWORD", "unused", SecretKind.PLACEHOLDER),
    ("APP_SECRET", "unused-at-build", SecretKind.PLACEHOLDER),
    ("D_PASSWORD", "not-set", SecretKind.PLACEHOLDER),
    ("OPENAI_API_KEY", "your-api-key", SecretKind.PLACEHOLDER),
    ("OPENAI_API_KEY", "user_provided", SecretKind.PLACEHOLDER),
    ("API_KEY", "xxxxxxxxxxxx", SecretKind.PLACEHOLDER),
    ("API_KEY", "REDACTED", SecretKind.PLACEHOLDER),
    ("API_KEY", "GOOGLE_API_KEY_VAL", SecretKind.PLACEHOLDER),
    ("DB_PASSWORD", "password of the admin", SecretKind.PLACEHOLDER),
    ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE", SecretKind.PLACEHOLDER),
    ("ANY", f"grep -q '{PEM}' key.pem", SecretKind.PLACEHOLDER),
    ("ANY", "postgres://user:password@host:5432/db", SecretKind.PLACEHOLDER),
    ("ANY", "https://user:sunflower@example.com/x", SecretKind.PLACEHOLDER),
    ("STRIPE_SECRET_KEY", "sk_test_4eC39HqLyjWDarjtT1zdp7dc", SecretKind.TEST_VALUE),
]  # fmt: skip
# Words that are in force where they run, and open nothing elsewhere.
WORDS_IN_FORCE = [
    ("POSTGRES_PASSWORD", "postgres"), ("ADMIN_PASSWORD", "changeme"), ("ADMIN_PASSWORD", "changeme123"),
    ("DB_PASSWORD", "ChangeMe!"), ("DB_PASSWORD", "1q2w3e4r"), ("DB_PASSWORD", "asdf"),
    ("DB_PASSWORD", "P@ssw0rd"), ("DB_PASSWORD", "p455w0rd"), ("DB_PASSWORD", "root123"),
    ("MYSQL_ROOT_PASSWORD", "my-secret-pw"), ("MYSQL_ROOT_PASSWORD", 123456), ("SA_PASSWORD", "yourStrong(!)Passw0rd"),
    ("APP_SECRET", "replace-me-with-a-random-string"), ("SECRET_KEY_BASE", "replace-me"), ("JWT_SECRET", "your-secret-here"),
    ("SESSION_SECRET", "insecure-change-this"), ("CONTROL_PASSWORD", "REPLACE_ME"), ("KEYSTORE_PASSWORD", "changeit"),
    ("ENCRYPTION_KEY", "0" * 64), ("ENCRYPTION_KEY", "0123456789abcdef0123456789abcdef"), ("ENCRYPTION_KEY", "CAFEBABE"),
    ("SECRET_KEY", "0xDEADBEEF"), ("SECRET_KEY", "deadbeefdeadbeefdeadbeefdeadbeef"), ("SECRET_KEY", "build-key"),
    ("SECRET_KEY", "notsecret"), ("SECRET_KEY", "not-a-real-key"), ("SECRET_KEY", "collectstatic"),
    ("SECRET_KEY", "only-for-the-tests"), ("SECRET_KEY", "test-secret-key-for-ci"), ("NEXTAUTH_SECRET", "very_sensitive_secret"),
    ("APP_SECRET", "fake_secret"), ("CACHE_PASSWORD", "mycachesecret"), ("X-Ldap-BindPass", "secret"),
    ("ANY", "postgres://postgres:postgres@localhost:5432/x"), ("ANY", "postgres://user:pass@db/x"),
    ("ANY", "amqp://hatchet:hatchet@queue:5672"), ("ANY", "postgres://app:changeme@db/x"),
]  # fmt: skip


@pytest.mark.parametrize("place", ValueContext)
@pytest.mark.parametrize(("name", "value", "reason", "strength"), SECRETS)
def test_what_is_a_secret_anywhere(name: str, value: str, reason: str, strength: SecretStrength, place: ValueContext) -> None:
    found = secrets.classify_value(name, value, place)
    assert (found.kind, found.reason, found.strength) == (SecretKind.SECRET, reason, strength)
    assert found.is_exposed


@pytest.mark.parametrize("place", ValueContext)
@pytest.mark.parametrize(("name", "value", "kind"), NONE)
def test_what_is_none_anywhere(name: str, value: object, kind: SecretKind, place: ValueContext) -> None:
    found = secrets.classify_value(name, value, place)
    assert found.kind is kind
    assert not found.is_exposed


@pytest.mark.parametrize(("name", "value"), WORDS_IN_FORCE)
def test_what_everybody_knows_opens_only_where_it_runs(name: str, value: object) -> None:
    assert secrets.classify_value(name, value).is_guessed
    for place in (ValueContext.BUILD, ValueContext.JOB, ValueContext.SAMPLE):
        assert not secrets.classify_value(name, value, place).is_exposed


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("POSTGRES_PASSWORD", "postgres", SecretKind.WELL_KNOWN),
        ("SMTP_PASSWORD", "password", SecretKind.WELL_KNOWN),
        ("ADMIN_PASSWORD", "changeme123", SecretKind.PLACEHOLDER),
        ("MAIL_PASSWORD", "chang3m3!", SecretKind.PLACEHOLDER),
        ("MAIL_PASSWORD", "_PASSWORD_", SecretKind.PLACEHOLDER),
        ("API_KEY", "<api-key>", SecretKind.PLACEHOLDER),
        ("APP_KEY", "SomeRandomStringOf24Chars", SecretKind.PLACEHOLDER),
        ("APP_SECRET", "please-generate-at-least-20-characters", SecretKind.PLACEHOLDER),
        ("SECRET_KEY", "build-key", SecretKind.TEST_VALUE),
        ("SECRET_KEY", "dummy", SecretKind.TEST_VALUE),
        ("SECRET_KEY", "0xDEADBEEF", SecretKind.TEST_VALUE),
        ("ACCOUNT_KEY", AZURITE, SecretKind.TEST_VALUE),
        ("ACCOUNT_KEY", AZURITE.replace("Eby8", "Eby9"), SecretKind.SECRET),
        ("DB_PASSWORD", "seafarer", SecretKind.SECRET),
        ("ANY", "postgres://a:seafarer@localhost/x", SecretKind.SECRET),
        ("ANY", "postgres://a:hunter2x9@localhost/x postgres://a:postgres@db.acme.io/x", SecretKind.SECRET),
        ("ANY", "postgres://postgres:postgres@localhost/x", SecretKind.WELL_KNOWN),
        ("DB_PASSWORD", "$(cat /run/secrets/x)", SecretKind.REFERENCE),
    ],
)  # fmt: skip
def test_a_value_is_the_same_wherever_it_stands(name: str, value: str, kind: SecretKind) -> None:
    assert {secrets.classify_value(name, value, place).kind for place in ValueContext} == {kind}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("caSecret", "shop-ca"), ("nodeSecret", "shop-node"), ("tls.certSecret", "my-secret"),
        ("elasticsearchCredentialSecret", "shop-master-credentials"), ("existingSecret", "anything-at-all"),
        ("adminPasswordKey", "admin-password"), ("userPasswordKey", "password"), ("secretKey", "license"),
        ("license_secret", "shop-license"), ("APP_KEY_FILE", "changeme"), ("from_secret", "deploy_key"),
        ("existingSecretTokenKey", "token"),
        ("MINIO_ACCESS_KEY", "minio"), ("S3_ACCESS_KEY", "sentry"), ("TRUSTSTORE_PASSWORD", "cassandra"),
        ("proxy_pass", "backend"), ("CACHE_BYPASS", "anything"), ("GIT_ASKPASS", "echo"),
        ("INSTALL_SSHPASS", "anything"), ("NOPASSWD", "ALL"),
    ],
)  # fmt: skip
def test_what_only_says_where_a_secret_is_or_whose(name: str, value: str) -> None:
    for place in ValueContext:
        assert not secrets.classify_value(name, value, place).is_exposed


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("clientSecret", "shop-client"), ("agent_enrollment_secret", "shopadminpw"),
        ("jwtSecret", "shop-jwt"), ("caSecret", HEX), ("adminPasswordKey", HEX),
        ("PGPASSWORD", "seafarer"), ("PAPERLESS_DBPASS", "seafarer"), ("requirepass", HEX), ("rootpw", "seafarer"),
        ("azurestorageaccountkey", HEX), ("secretkey", "minio123"), ("DB_PASSWORD_2", "seafarer"), ("S3_ACCESS_KEY", HEX),
        ("key", "AQB7Z1VoX5nExA" + "AA" + "5kCQs7bBj8VULRw26C84HA" + "=="),
    ],
)  # fmt: skip
def test_names_that_are_written_otherwise_take_a_secret_too(name: str, value: str) -> None:
    assert secrets.classify_value(name, value).is_exposed


@pytest.mark.parametrize(
    ("name", "value", "exposed"),
    [
        ("POSTGRES_PASSWORD", "dummy", False),  # says outright what it is
        ("OPENAI_API_KEY", "changeme", False),  # somebody else's key: a word in its place only fails
        ("SMTP_PASSWORD", "replace-me", False),
        ("SMTP_PASSWORD", "password", False),
        ("OIDC_CLIENT_SECRET", "secret", False),
        ("API_TOKEN", "abcd1234efgh5678", True),
        ("SMTP_PASSWORD", "123456", True),
        ("APP_KEY", "changeme", True),
        ("APP_KEY", "SomeRandomStringOf24Chars", True),
        ("CLIENT_KEYSTORE_PASSWORD", "password", True),
        ("SMTP_KEY_PASSWORD", "secret", True),
        ("PGPASSWORD", "db", True),
        ("PGPASSWORD", "aa", False),
        ("PGPASSWORD", "--", False),
        ("API_TOKEN", "PLEASE_GENERATE_A_32_CHAR_CODE", False),
        ("AWS_SECRET_ACCESS_KEY", "secret-key", False),
        ("ADMIN_TOKEN_SECRET", "replace-me", True),
        ("AWS_SECRET_ACCESS_KEY", "minioadmin", True),
        ("PG_PASSWORD", "app", True),
        ("PG_PASSWORD", "photoprism", True),
    ],
)  # fmt: skip
def test_a_word_that_runs(name: str, value: str, exposed: bool) -> None:
    assert secrets.classify_value(name, value).is_exposed is exposed


@pytest.mark.parametrize(
    ("value", "served", "build", "job"),
    [
        ("postgres://a:Kq7vT2mXw9@localhost/x", True, False, False),
        ("postgres://a:Kq7vT2mXw9@127.0.0.1/x", True, False, False),
        ("postgres://a:Kq7vT2mXw9@[::1]:5432/x", True, False, False),
        ("postgres://a:Kq7vT2mXw9@host.docker.internal/x", True, False, False),
        ("postgres://a:Kq7vT2mXw9@db:5432/x", True, True, False),
        ("postgres://a:Kq7vT2mXw9@db.shop.svc.cluster.local/x", True, True, False),
        ("postgres://a:seafarer@db/x", True, False, False),
        ("postgres://a:hunter2x9@${HOST}/x", True, True, False),
        ("postgres://a:Kq7vT2mXw9@${HOST}/x", True, True, True),
        ("postgres://a:seafarer@db.acme.io/x", True, True, True),
        ("postgres://a:Kq7vT2mXw9@192.0.2.1/x", True, False, False),
        ("postgres://a:Kq7vT2mXw9@10.4.0.7/x", True, True, True),
        ("postgres://a:hunter2x9@192.168.4.7/x", True, True, False),
        ("postgres://a:hunter2x9@172.32.4.7/x", True, True, True),
        ("mongodb://a:Kq7vT2mXw9@m1.acme.io:27017,m2.acme.io/x", True, True, True),
    ],
)
def test_an_account_is_worth_what_its_host_is(value: str, served: bool, build: bool, job: bool) -> None:
    got = [secrets.classify_value("", value, place).is_exposed for place in ValueContext if place.name != "SAMPLE"]
    assert got == [served, build, job]


@pytest.mark.parametrize("place", [ValueContext.BUILD, ValueContext.JOB])
def test_a_word_that_a_step_needs_is_no_credential(place: ValueContext) -> None:
    assert not secrets.classify_value("DB_PASSWORD", "seafarer", place).is_exposed
    assert not secrets.classify_value("SECRET_KEY", "abc123def", place).is_exposed
    assert secrets.classify_value("DB_PASSWORD", "abc123def", place).is_secret


def test_a_word_in_a_sample_is_there_to_be_replaced() -> None:
    assert not secrets.classify_value("DB_PASSWORD", "seafarer", ValueContext.SAMPLE).is_exposed
    assert not secrets.classify_value("", "ftp://a:seafarer@ftp.acme.io", ValueContext.SAMPLE).is_exposed


@pytest.mark.parametrize(
    ("token", "kind"),
    [
        (JWT_IO, SecretKind.TEST_VALUE),
        # {"iss": "supabase-demo", "role": "service_role"}: everybody has it, and it opens
        ("eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJzdXBhYmFzZS1kZW1vIiwicm9sZSI6InNlcnZpY2Vfcm9sZSJ9.aaaaaaaaaaaaaaa", SecretKind.WELL_KNOWN),
        # {"iss": "supabase", "role": "anon"}: meant for browsers
        ("eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJzdXBhYmFzZSIsInJvbGUiOiJhbm9uIn0.aaaaaaaaaaaaaaa", SecretKind.PLACEHOLDER),
        # {"iss": "acme", "role": "admin"}
        ("eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJhY21lIiwicm9sZSI6ImFkbWluIn0.aaaaaaaaaaaaaaa", SecretKind.SECRET),
        ("eyJhbGciOiJIUzI1NiJ9.eyJub3QianNvbiI6Og.aaaaaaaaaaaaaaa", SecretKind.SECRET),
    ],
)  # fmt: skip
def test_a_token_says_who_it_is_for(token: str, kind: SecretKind) -> None:
    assert secrets.classify_value("ANY", token).kind is kind


def test_the_place_of_a_secret_in_its_value() -> None:
    for value, secret in (
        (" https://bot:Kq7vT2mXw9@git.example.com/x ", "Kq7vT2mXw9"),
        (f"https://{HEX}:x-oauth-basic@github.com/x", HEX),
        (f"token {GITHUB}", GITHUB),
    ):
        found = secrets.classify_value("ANY", value)
        assert value[found.span.start : found.span.end] == secret


WORDS = (
    "photoprism automatisch linux-debug gitlab-runner kafka_keystore_creds ubuntu-24.04-node-20 infini_rag_flow dify-sandbox"
    " correct-horse-battery-staple myapp-staging-eu-west-1 sentinel-server-password hunter2hunter2 Winter2024! wazuh-wui"
    " v1.2.3-cache-linux en_core_web_sm p4ssw0rd-admin default:development.unleash-insecure-api-token"
).split()


@pytest.mark.parametrize("value", WORDS)
def test_names_and_words_are_not_random(value: str) -> None:
    assert secrets.secret_strength_of(value) < SecretStrength.RANDOM


@pytest.mark.parametrize(
    ("letters", "length", "least"),
    [
        (string.ascii_letters + string.digits, 12, 0.95),
        (string.ascii_letters + string.digits, 20, 0.98),
        (string.ascii_lowercase + string.digits, 20, 0.95),
        (string.ascii_lowercase, 20, 0.93),
        ("0123456789abcdef", 32, 0.99),
        (string.ascii_letters + string.digits + "+/", 44, 0.99),
    ],
)
def test_what_a_machine_makes_is_random(letters: str, length: int, least: float) -> None:
    draw = random.Random(7)  # noqa: S311 - the same values in every run
    made = ["".join(draw.choices(letters, k=length)) for _ in range(1000)]
    assert sum(secrets.secret_strength_of(one) is SecretStrength.RANDOM for one in made) / len(made) >= least


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("no-secret-needed", StatedMeaning.NONE),
        ("none", StatedMeaning.NONE),
        ("dont-use", StatedMeaning.NONE),
        ("change-this-secret-key", StatedMeaning.TO_CHANGE),
        ("insecure", StatedMeaning.PURPOSE),
        ("DEAD-BEEF", StatedMeaning.PURPOSE),
        ("testpassword2024", StatedMeaning.PURPOSE),
        ("supersecretpassword", StatedMeaning.COMMON),
        ("S3cr3tP4ssw0rd", StatedMeaning.COMMON),
        ("11111111-2222-3333-4444-555555555555", StatedMeaning.COMMON),
        ("feedback", None),
        ("seafarer", None),
        ("x" * 200, None),
        ("", None),
    ],
)
def test_what_words_say(value: str, said: StatedMeaning | None) -> None:
    assert stated_meaning_of(value) is said


def test_hostile_values_cost_little() -> None:
    for value in ("0" * 79 + "z", "dead" * 19 + "z", "testsecretkey" * 6, "a" * 80, "-" * 80):
        stated_meaning_of(value)
        secrets.classify_value("PASSWORD", value)
    assert not is_repeating_or_sequential("ab")


# -- in text ------------------------------------------------------------------------------------------------------


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
        "api_key: GOOGLE_API_KEY_VAL",
        "-- apikey:   masked, one star a letter",
        "# password: hunter2 in the old days",
        "password: choose one that you remember",
    ],
)
def test_what_is_filled_in_elsewhere_or_prose_is_no_secret(text: str) -> None:
    assert list(secrets.secrets_in_text(text)) == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("password: hunter2x", "hunter2x"),
        ('"password": "hunter2x",', "hunter2x"),
        ("db.password=hunter2-Zq81", "hunter2-Zq81"),
        ("postgres://shop:Zq81kk2@db/shop", "Zq81kk2"),
        ("# password: Kq7vT2mXw9 in the old days", "Kq7vT2mXw9"),
        ("PASSWORD=hunter2x make run", "hunter2x"),
        ("password: hunter2x # a comment", "hunter2x"),
        ("machine git.example.com login bot password hunter2x", "hunter2x"),
        ("password: yourpassword", "yourpassword"),
        (f"git clone https://oauth2:{GITHUB}@github.com/x", GITHUB),
    ],
)
def test_secrets_are_found_where_they_stand_and_once(text: str, value: str) -> None:
    assert [text[one.span.start : one.span.end] for one in secrets.secrets_in_text(text)] == [value]


def test_the_place_decides_in_text_too() -> None:
    text = "SECRET_KEY=build-key ./manage.py collectstatic; psql postgres://app:app@localhost/x"
    assert list(secrets.secrets_in_text(text, ValueContext.BUILD)) == []
    assert len(list(secrets.secrets_in_text(text, ValueContext.SERVED))) == 2


def test_the_quick_look_misses_no_name_of_a_secret() -> None:
    pairs = {last for _, last in names.SECRET_WORD_PAIRS}
    for word in names.SECRET_WORDS | names.TOKEN_WORDS | pairs:
        assert secrets.may_contain_secret_name(f"DB_{word.upper()}_1"), word


def test_a_sentence_about_a_password_is_none() -> None:
    assert not secrets.classify_value("ADMIN_PASSWORD", "password for the admin user").is_exposed
    assert secrets.classify_value("ADMIN_PASSWORD", "correct horse battery").is_exposed


# -- names --------------------------------------------------------------------------------------------------------

HARMLESS = (
    "PASSWORD_HASHER PASSWORD_HASHERS PASSWORD_PROMPT PASSWORD_PROMPT_STRING PASSWORD_LABEL PASSWORD_MIN_LENGTH"
    " PASSWORD_RESET_URL PASSWORD_VALIDATORS PASSWORD_ENCODER PASSWORD_FILE TOKEN_ISSUER TOKEN_TTL TOKEN_LIFETIME"
    " TOKEN_AUDIENCE TOKENIZER_MODEL SECRET_MANAGER SECRET_NAME SECRET_BACKEND SECRET_ROTATION CREDENTIAL_HELPER"
    " CREDENTIALS_PROVIDER KEYBOARD KEY_VAULT_NAME MONKEY PASSENGER_VERSION COMPASS SESSION_SECRET_FILE ALLOW_EMPTY_PASSWORD"
    " MYSQL_ALLOW_EMPTY_PASSWORD REQUIRE_PASSWORD PUBLIC_TOKEN_URL SECRET_PROVIDER_CLASS"
).split()
TAKING = (
    "NPM_TOKEN SSH_KEY DB_PASSWORD DB_PSW MYSQL_PSWD DB_PWD POSTGRES_PW PASSPHRASE GITHUB_TOKEN_RO DEPLOY_KEY BASIC_AUTH"
    " AWS_SECRET_ACCESS_KEY clientSecret api-key SECRET_KEY_BASE"
).split()


@pytest.mark.parametrize("name", HARMLESS)
def test_names_that_only_sound_like_a_secret(name: str) -> None:
    assert not secrets.has_secret_word(name)
    assert not secrets.is_secret_name(name)


@pytest.mark.parametrize("name", TAKING)
def test_names_that_take_a_secret(name: str) -> None:
    assert secrets.has_secret_word(name)


def test_the_working_folder_is_no_password() -> None:
    assert not secrets.has_secret_word("PWD")
    assert secrets.has_secret_word("DB_PWD")


# -- outputs ------------------------------------------------------------------------------------------------------

_VALUES = [(name, value) for name, value, *_ in SECRETS] + [(name, str(value)) for name, value in WORDS_IN_FORCE]


@pytest.mark.parametrize(("name", "value"), _VALUES)
def test_what_is_told_as_a_secret_is_masked(name: str, value: str) -> None:
    """But for what says outright that another belongs in its place, and the body of a key, which has lines of its own."""
    found = secrets.classify_value(name, value)
    start, end = (len(name) + 1 + at for at in found.span)
    masked = Redactor().secret_spans(f"{name}={value}")
    told = value[found.span.start : found.span.end]
    assert secrets.is_placeholder(told) or any(a <= start and end <= b for a, b in masked)


@given(st.text(alphabet=string.ascii_letters + string.digits + "-_!.", min_size=4, max_size=40))
def test_whatever_is_a_secret_is_masked(value: str) -> None:
    assume(value != "deletecollection")  # a right of Kubernetes, in sentences about rights
    line = f"DB_PASSWORD={value}"
    found = secrets.classify_value("DB_PASSWORD", value)
    shown = secrets.is_placeholder(value)
    if found.kind is SecretKind.SECRET or (found.kind is SecretKind.TEST_VALUE and not shown):
        assert Redactor().secret_spans(line) == [(len("DB_PASSWORD="), len(line))]


@given(st.text(max_size=60), st.text(max_size=120))
def test_no_value_breaks_it(name: str, value: str) -> None:
    for place in ValueContext:
        found = secrets.classify_value(name, value, place)
        assert 0 <= found.span.start <= found.span.end <= len(value)
        for secret in secrets.secrets_in_text(value, place):
            assert 0 <= secret.span.start < secret.span.end <= len(value)


# -- files --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "sample"),
    [
        ("nginx/site.conf.sample", True),
        (".env.example", True),
        ("deploy/values.dist.yaml", True),
        ("docs/README.md", True),
        ("templates/site.conf", False),
        ("sampler.conf", False),
        ("nginx/live.conf", False),
    ],
)
def test_files_to_copy(path: str, sample: bool) -> None:
    assert secrets.is_sample_filename(path) is sample


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("engine-strict=true\nsave-exact=true\n", False),
        ("registry=https://npm.example.com/\nalways-auth=true\n", False),
        ("//npm.example.com/:_authToken=${NPM_TOKEN}\n", False),
        ("//npm.example.com/:_authToken=Kq7vT2mXw9Kq7vT2mXw9\n", True),
        ("//npm.example.com/:_authToken=x\n", True),
        ("_auth=YWRtaW46YWRtaW4=\n", True),
        ("npmAuthToken: Kq7vT2mXw9\n", True),
        ("nodeLinker: node-modules\n", False),
        ("[global]\nindex-url = https://pypi.example.com/simple\n", False),
        ("[global]\nindex-url = https://ci:Kq7vT2mXw9@pypi.example.com/simple\n", True),
        ("machine a.example.com\nlogin bot\npassword hunter2x\n", True),
        ("users:\n- user:\n    client-key-data: LS0t\n", True),
        ("PORT=3000\nLOG_LEVEL=info\n", False),
        ("DB_PASSWORD=x\n", True),
        ("DB_PASSWORD=\n", False),
    ],
)
def test_files_of_clients_are_read(text: str, holds: bool) -> None:
    assert secrets.has_possible_credential(text) is holds


FORMS = {
    "https://USERNAME:PASSWORD@www.acme.io/api": False,
    "https://USER:PASS@git.acme.io/": False,
    "https://ARTIFACTORY_USER:ARTIFACTORY_TOKEN@repo.acme.io": False,
    "https://DB_USER_NAME:DB_PWD@db.acme.io/shop": False,
    "https://username:password@www.acme.io/api": True,
    "https://USERNAME:password@www.acme.io/api": True,
    "https://admin:PASSWORD@www.acme.io/api": True,
    "https://USERNAME:Kq7vT2mXw9pLZz81@www.acme.io/api": True,
    "https://USERNAME:HUNTER22@www.acme.io/api": True,
    "postgres://USER:PASSWORD@db/shop": True,
    "postgres://USER:PASSWORD@localhost/shop": True,
}


@pytest.mark.parametrize(("url", "is_exposed"), FORMS.items(), ids=FORMS)
def test_a_url_to_fill_in(url: str, is_exposed: bool) -> None:
    assert secrets.classify_value("STORE_URI", url).is_exposed is is_exposed


@pytest.mark.parametrize(
    ("name", "value", "exposed"),
    [
        ("JWT_SECRET", "dummyJwtSecret", True),
        ("sessionSecret", "dummy-session-secret", True),
        ("jwt_signing_key", "example_jwt_key", True),
        ("dataEncryptionKey", "data encryption key with 32 char", True),
        ("ENCRYPTION_KEY", "the key to encrypt user sessions", True),
        ("ENCRYPTION_KEY", "a key of thirty-two characters", False),  # of thirty: no cipher takes it
        ("JWT_SECRET", "the secret that signs the tokens", False),
        ("OAUTH_CLIENT_SECRET", "dummyOauthClientSecret", False),  # its issuer knows no such
        ("SECRET_KEY", "dummy-session-key", False),  # any word, for a build or a test
        ("JWT_SECRET", "dummy", False),
        ("JWT_SECRET", "dummy-key", False),
        ("LICENSE_KEY", "dummyLicenseKey", False),
        ("ACME_PASSWORD", "password of the admin in 32 chars", False),
    ],
)
def test_a_placeholder_with_which_an_application_signs_is_in_force(name: str, value: str, exposed: bool) -> None:
    verdict = secrets.classify_value(name, value)
    assert (verdict.is_exposed, verdict.to_change) == (exposed, exposed)
    for place in (secrets.ValueContext.JOB, secrets.ValueContext.BUILD, secrets.ValueContext.SAMPLE):
        assert not secrets.classify_value(name, value, place).is_exposed
