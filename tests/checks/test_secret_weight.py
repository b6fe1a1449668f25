"""What takes weight off a secret: where it points, who may have it, what stands beside it, whether anything reads it."""

from __future__ import annotations

from pathlib import Path

import pytest

import readiness
from readiness.model import Severity
from readiness.syntax import secrets
from readiness.syntax.secrets import SecretKind, ValueContext
from tests.make import write_files

C, H, M, L = Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW
HEX = "3f9a2c1e8b7d6054a1b2c3d4e5f60718"
REFERENCES = [
    ("secrets", "secret/data/ci/aws accessKey | AWS_ACCESS_KEY_ID ;\nsecret/data/ci npmToken | NPM_TOKEN ;"),
    ("secrets", "kv/data/{{ env }}/db password"),
    ("repo_secrets", "DEPLOY_TOKEN=deploy:token\nAPI_KEY=backend/live:API_KEY\n"),
    ("common-secrets", "# fetched at run time\nSLACK=chat:webhook"),
    ("secrets", "token:acme-project/docker-registry-token\nkey:acme-project/signing-key/3"),
    ("PASSWORD", "op://ci/registry/password"),
    ("secrets", "DB=op://ci/db/password\nKEY=projects/42/secrets/key/versions/latest"),
    ("secret", "DB, arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-AbCdEf"),
]
LITERALS = [
    ("secrets", f"GIT_AUTH_TOKEN={HEX}"),
    ("secrets", f"LOGIN=bob:{HEX}"),
    ("password", "shop:Kq7vT2mXw9pL"),
    ("DB_PASSWORD", "NAME=path:Kq7vT2mXw9pL"),
]
PUBLIC = [
    ("STRIPE_API_KEY", "pk_live_51HqLyjWDarjtT1zdp7dc"),
    ("POSTHOG_API_KEY", "phc_8rT2kVx0LmQz4Wb7NcY1sHd3FgJ6pKaE9uXo5iMvB"),
    ("ALGOLIA_SEARCH_API_KEY", HEX),
    ("ALGOLIA_SEARCH_ONLY_KEY", HEX),
    ("docsearchApiKey", HEX),
    ("DD_CLIENT_TOKEN", "pub3f9a2c1e8b7d6054a1b2c3d4e5f60718"),
    ("FIREBASE_API_KEY", "AIzaSyD3k8vR2mQ9xT4wL7nB1cJ5hG6fK0pZs2y"),
]
NOT_PUBLIC = [
    ("STRIPE_API_KEY", "sk_live_51HqLyjWDarjtT1zdp7dc"),
    ("POSTHOG_API_KEY", "phx_8rT2kVx0LmQz4Wb7NcY1sHd3FgJ6pKaE9uXo5iMvB"),
    ("ALGOLIA_ADMIN_API_KEY", HEX),
    ("DD_API_KEY", HEX),
    ("GOOGLE_API_KEY", "AIzaSyD3k8vR2mQ9xT4wL7nB1cJ5hG6fK0pZs2y"),
]


@pytest.mark.parametrize("place", ValueContext)
@pytest.mark.parametrize(("name", "value"), REFERENCES)
def test_lines_that_say_where_a_secret_lies_are_no_secret(name: str, value: str, place: ValueContext) -> None:
    assert secrets.classify_value(name, value, place).kind is SecretKind.REFERENCE


@pytest.mark.parametrize(("name", "value"), LITERALS)
def test_a_literal_among_such_lines_is_one(name: str, value: str) -> None:
    assert secrets.classify_value(name, value, ValueContext.JOB).is_secret


@pytest.mark.parametrize(("name", "value"), PUBLIC)
def test_what_its_issuer_calls_public_is_no_secret(name: str, value: str) -> None:
    assert not secrets.classify_value(name, value).is_exposed


@pytest.mark.parametrize(("name", "value"), NOT_PUBLIC)
def test_the_private_key_of_the_same_issuer_is_one(name: str, value: str) -> None:
    assert secrets.classify_value(name, value).is_secret


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("MISSING", SecretKind.PLACEHOLDER),
        ("token-unset", SecretKind.PLACEHOLDER),
        ("0" * 32, SecretKind.WELL_KNOWN),
        ("super_strong_password", SecretKind.PLACEHOLDER),
        ("some-secret", SecretKind.PLACEHOLDER),
        ("supersecret", SecretKind.WELL_KNOWN),
        ("my-secret-password", SecretKind.WELL_KNOWN),
    ],
)
def test_words_for_what_is_not_there_and_for_what_belongs_there(value: str, kind: SecretKind) -> None:
    assert secrets.classify_value("app-key" if kind is SecretKind.WELL_KNOWN else "api-key", value).kind is kind


def test_a_row_of_zeros_opens_nothing_that_others_give_out() -> None:
    assert not secrets.classify_value("api-key", "0" * 32).is_exposed
    assert not secrets.classify_value("API_TOKEN", "00000000-0000-0000-0000-000000000000").is_exposed
    assert secrets.classify_value("POSTGRES_PASSWORD", "0000").is_exposed


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("curl ${API_TOKEN:-required}", []),
        ("echo ${DB_PASSWORD:?set the password of the database}", []),
        ("echo ${DB_PASSWORD:+Kq7vT2mXw9pL}", []),
        (": ${DB_PASSWORD:=Kq7vT2mXw9pL}", ["Kq7vT2mXw9pL"]),
        ('P="${DB_PASSWORD:-Kq7vT2mXw9pL}"', ["Kq7vT2mXw9pL"]),
        ("P=${DB_PASSWORD:-$OTHER_PASSWORD}", []),
        ("DB_PASSWORD=-Kq7vT2mXw9pL", ["-Kq7vT2mXw9pL"]),
    ],
)
def test_the_default_of_a_variable_is_what_is_judged(text: str, found: list[str]) -> None:
    assert [text[one.span.start : one.span.end] for one in secrets.secrets_in_text(text)] == found


PUBLIC_COMMENTS = [
    ("", "  # This is a push-only token that is safe to be exposed."),
    ("# Push-only: anybody may send reports\n      ", ""),
    ("# not a secret: the site hands it to every browser\n      ", ""),
    ("# The key of the search box. It is public:\n      # everybody reads it in the page.\n      ", ""),
]
OTHER_COMMENTS = [
    ("", "  # must never be public"),
    ("", "  # not safe to be exposed"),
    ("# this repository is public, so use the vault\n      ", ""),
    ("# push-only\n      OTHER: x\n      ", ""),
    ("", "  # rotate in May"),
]


def workflow_severities(tmp_path: Path, above: str, behind: str) -> list[tuple[Severity, bool]]:
    text = f"on: push\njobs:\n  scan:\n    runs-on: ubuntu-24.04\n    env:\n      {above}ACME_API_KEY: {HEX}{behind}\n    steps:\n      - run: make\n"
    write_files(tmp_path, {".github/workflows/scan.yml": text})
    findings = readiness.check([str(tmp_path)], select=["ci/secret-inline"]).findings
    return [(one.severity, "its comment calls public" in one.message) for one in findings]


@pytest.mark.parametrize(("above", "behind"), PUBLIC_COMMENTS)
def test_what_its_comment_calls_public_is_low(tmp_path: Path, above: str, behind: str) -> None:
    assert workflow_severities(tmp_path, above, behind) == [(L, True)]


@pytest.mark.parametrize(("above", "behind"), OTHER_COMMENTS)
def test_another_comment_changes_nothing(tmp_path: Path, above: str, behind: str) -> None:
    assert workflow_severities(tmp_path, above, behind) == [(M, False)]


def found(tmp_path: Path, files: dict[str, str], *rules: str, purpose: str = "") -> list[tuple[Severity, str]]:
    write_files(tmp_path, files)
    return [(one.severity, one.message) for one in readiness.check([str(tmp_path)], select=list(rules), purpose=purpose).findings]


def test_a_public_key_in_compose_and_an_image_is_low_too(tmp_path: Path) -> None:
    files = {
        "compose.yaml": f"services:\n  web:\n    image: acme/web:1.0.0\n    environment:\n      # the key is public\n      MAP_API_KEY: {HEX}\n",
        "Dockerfile": f"FROM debian:13.1\n# the key is public\nENV MAP_API_KEY={HEX}\n",
    }
    told = found(tmp_path, files, "compose/secret-inline", "dockerfile/secret-in-environment")
    assert [severity for severity, _ in told] == [L, L]
    assert all("calls public" in message for _, message in told)


DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: keeper}
spec:
  selector: {matchLabels: {app: keeper}}
  template:
    metadata: {labels: {app: keeper}}
    spec:
      serviceAccountName: keeper-account
      containers:
        - name: main
          image: example.com/keeper:1.0.0
          env:
            - name: NAME
              value: "VALUE"
"""
ROLE = """\
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: keeper}
rules:
  - {apiGroups: [""], resources: [secrets], verbs: [get], resourceNames: [keeper-state]}
"""


@pytest.mark.parametrize(
    ("name", "value", "rest", "told"),
    [
        ("OPERATOR_SECRET", "keeper", "", False),
        ("STATE_SECRET", "keeper-account", "", False),
        ("STATE_SECRET", "keeper-state", ROLE, False),
        ("STATE_SECRET", "keeper-state", "", True),
        ("STATE_SECRET", "db-login", "---\napiVersion: v1\nkind: Secret\nmetadata: {name: db-login}\n", False),
        ("JWT_SECRET", "keeper", "", True),
        ("STATE_PASSWORD", "keeper", "", True),
        ("OPERATOR_SECRET", "Kq7vT2mXw9pL", "", True),
    ],
)
def test_a_variable_with_the_name_of_a_secret_holds_none(tmp_path: Path, name: str, value: str, rest: str, told: bool) -> None:
    text = DEPLOYMENT.replace("NAME", name).replace("VALUE", value) + rest
    assert bool(found(tmp_path, {"app.yaml": text}, "k8s/secret-in-env")) is told


STACK = """\
services:
  db:
    image: postgres:17.2
    restart: always
    ports: ["5432:5432"]
    volumes: ["data:/var/lib/postgresql/data"]
    env_file: .env
  backend:
    image: example.com/backend:1.0.0
    restart: always
    ports: ["80:8080"]
    env_file: .env
"""


def test_a_password_is_told_at_the_service_that_uses_it(tmp_path: Path) -> None:
    env = "SECRET_KEY=changethis\nPOSTGRES_PASSWORD=changethis\nFIRST_SUPERUSER_PASSWORD=changethis\n"
    told = found(tmp_path, {"compose.yaml": STACK, ".env": env}, "compose/password-well-known", purpose="production")
    assert [(severity, message.split("service ")[1].split("'")[1]) for severity, message in told] == [
        (M, "backend"),
        (H, "db"),
        (H, "backend"),
    ]


@pytest.mark.parametrize(
    ("beside", "value", "severity"),
    [
        ("ENVIRONMENT=local", "changethis", M),
        ("DOMAIN=localhost", "changethis", M),
        ("APP_URL=http://localhost:8080", "changeme", M),
        ("ENVIRONMENT=local", "postgres", M),
        ("APP_ENV=development", "postgres", M),
        ("MODE=development", "postgres", H),
        ("ENVIRONMENT=production", "changethis", H),
        ("POSTGRES_HOST=localhost", "changethis", H),  # where the database is says nothing of the whole
    ],
)
def test_a_placeholder_beside_settings_of_ones_own_machine_is_medium(tmp_path: Path, beside: str, value: str, severity: Severity) -> None:
    files = {"compose.yaml": STACK, ".env": f"{beside}\nPOSTGRES_PASSWORD={value}\n"}
    told = found(tmp_path, files, "compose/password-well-known", purpose="production")
    assert [one for one, _ in told] == [severity]
    assert (beside.partition("=")[0] in told[0][1]) is (severity is M)


@pytest.mark.parametrize(
    ("line", "value", "severity"),
    [
        ("#      ADMIN_PASSWORD: ${ADMIN_PASSWORD}", "sunflower77", L),
        ("      ADMIN_PASSWORD: ${ADMIN_PASSWORD}", "sunflower77", M),
        ("      ADMIN_PASSWORD: ${ADMIN_PASSWORD}\n    ports: ['80:80']", "sunflower77", M),
        ("#      ADMIN_PASSWORD: ${ADMIN_PASSWORD}", "Kq7vT2mXw9pL4zR8", M),  # somebody's own, read or not
        ("#      nothing of it", "sunflower77", M),
    ],
)
def test_a_password_whose_reader_is_commented_out_is_low(tmp_path: Path, line: str, value: str, severity: Severity) -> None:
    stack = f"services:\n  web:\n    image: example.com/web:1.0.0\n    restart: always\n    environment:\n      MODE: fast\n{line}\n"
    told = found(
        tmp_path,
        {"compose.yaml": stack, ".env": f"ADMIN_PASSWORD={value}\n", ".gitignore": "node_modules\n"},
        "compose/env-file-committed",
    )
    assert [one for one, _ in told] == [severity]
    assert ("commented out" in told[0][1]) is line.startswith("#      ADMIN")


@pytest.mark.parametrize(
    ("host", "beside", "severity"),
    [
        ("localhost", "", L),
        ("127.0.0.1", "", L),
        ("shop-db", "---\napiVersion: v1\nkind: Service\nmetadata: {name: shop-db}\nspec: {ports: [{port: 5432}]}\n", M),
        (
            "localhost",
            "---\n" + DEPLOYMENT.replace("NAME", "A").replace("VALUE", "b") + "        - {name: db, image: 'postgres:17.2'}\n",
            M,
        ),
        ("db.example.com", "", M),
    ],
)
def test_a_default_password_for_a_database_that_no_file_brings_is_low(tmp_path: Path, host: str, beside: str, severity: Severity) -> None:
    text = (
        "apiVersion: v1\nkind: Secret\nmetadata: {name: shop}\nstringData:\n  config.yaml: |\n"
        f"    store:\n      jdbcUrl: jdbc:postgresql://{host}:5432/shop\n      user: postgres\n      password: mysecretpassword\n"
    )
    told = found(tmp_path, {"shop.yaml": text + beside}, "k8s/secret-committed")
    assert [one for one, _ in told] == [severity]


IPMI = """\
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: ipmi}
spec:
  values:
    level: info
    %s
    modules:
      # Taken where no other fits.
      first:
        # For the host in the hall.
        password: %s
        # Longer than the other.
        timeout: 10
"""


@pytest.mark.parametrize(
    ("comment", "value", "severity"),
    [
        ("# This is an example config for hosts.\n    # A scrape names one.", "secret_pw", L),
        ("# The following are just sample values:", "winter-harbour-71", L),
        ("# Below are the examples", "secret_pw", L),
        ("# This is an example of how not to do it", "secret_pw", M),
        ("# This is no example", "secret_pw", M),
        ("# This is not an example", "secret_pw", M),
        ("# The modules of all hosts, for example of those in the hall", "secret_pw", M),
        ("# This is an example\n", "secret_pw", M),
        ("# This is an example\n    other: 1", "secret_pw", M),
        ("# This is an example", "3328fa814dd582ccd03dbe785cfd683fb8da92b3", M),  # made by a machine
    ],
)
def test_a_word_in_a_block_that_its_comment_calls_an_example(tmp_path: Path, comment: str, value: str, severity: Severity) -> None:
    ((told, message),) = found(tmp_path, {"ipmi.yaml": IPMI % (comment, value)}, "k8s/secret-in-release-values")
    assert (told, "its comment calls an example" in message) == (severity, severity == L)


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("rtsp://demo:demo@cameras-demo.example-shop.org:5541/media", SecretKind.PLACEHOLDER),
        ("rtsp://demo:demo@cameras.shop.io/media", SecretKind.WELL_KNOWN),
        ("rtsp://demo:demo@demo/media", SecretKind.WELL_KNOWN),
        ("rtsp://demo:Harbour71@demo.shop.io/media", SecretKind.SECRET),
        ("rtsp://admin:admin@demo.shop.io/media", SecretKind.WELL_KNOWN),
    ],
)
def test_a_login_to_what_is_shown_to_the_world(url: str, kind: SecretKind) -> None:
    assert secrets.classify_value("URL", url).kind is kind


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("session_secret", "sessionsecret", SecretKind.PLACEHOLDER),
        ("sessionSecret", "session-secret", SecretKind.PLACEHOLDER),
        ("encryption_key_secret", "encryption_key_secret", SecretKind.PLACEHOLDER),
        ("shop_encryption_key", "encryption_key_secret", SecretKind.PLACEHOLDER),
        ("token_signing_key", "tokenSigningKeyValue", SecretKind.PLACEHOLDER),
        ("secret_key", "secretkey", SecretKind.WELL_KNOWN),  # what everybody tries
        ("mysql_root_password", "mysql_root_password", SecretKind.WELL_KNOWN),
        ("session_secret", "sessionsecret7Kq2", SecretKind.SECRET),
        ("session_secret", "cookiesecret", SecretKind.WELL_KNOWN),
    ],
)
def test_a_value_that_repeats_its_name_only_says_what_belongs_there(name: str, value: str, kind: SecretKind) -> None:
    verdict = secrets.classify_value(name, value)
    assert verdict.kind is kind
    assert verdict.is_description is (kind is SecretKind.PLACEHOLDER)
