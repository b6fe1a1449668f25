"""The critical rules on secrets: what is critical, what is less, and what is nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

import readiness
from readiness import kinds
from readiness.loading import reading
from readiness.model import Severity, Source
from readiness.model.project import Project
from readiness.run import cache, engine
from tests.conftest import catalogue

CRITICAL_RULES = {
    "dockerfile/secret-in-environment",
    "dockerfile/secret-in-command",
    "ci/secret-inline",
    "ci/container-password-inline",
}
C, H, M = Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM
HEX = "3328fa814dd582ccd03dbe785cfd683fb8da92b3"
GITHUB = "ghp_a8Fk29LmQ0zXvB7nR4tY6uI1oP3sD5gH9jK2"
AWS = "wJalrXUtnFEMIK7MDENGbPxRfiCYzQ8vT2mXw9aa"
KEY = "-----BEGIN PRIVATE KEY-----"
BODY = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj"
RANDOM = "Kq7vT2mXw9pL4z"


def told(path: str, text: str, rules: set[str] = CRITICAL_RULES) -> list[Severity]:
    """The severities of what the rules find in a file, in order."""
    source = Source(path, text, kind=kinds.detect_kind(path, text))
    documents = [(one.kind, document) for one, document, _ in reading.parse_sources([source])]
    core = {one.rule.id: one.rule for one in catalogue()}
    outcome = engine.EngineResult()
    bounds = [one for one in catalogue() if one.rule.id in rules]
    engine.run_rules(Project(documents, {path}), bounds, core, outcome)
    assert {one.rule for one in outcome.findings} <= rules
    return [one.severity for one in engine.sort_and_deduplicate(outcome.findings)]


def dockerfile(body: str) -> str:
    return body if body.startswith("FROM") else f"FROM debian:13.1\n{body}\n"


IN_A_DOCKERFILE = {
    # critical: made by a machine, in an image that is shipped
    "ENV DB_PASSWORD=Kq7vT2mXw9": [C],
    "ENV DATABASE_URL=postgresql://shop:Kq7vT2mXw9@db.example.com/shop": [C],
    f"ENV AWS_SECRET_ACCESS_KEY={AWS}": [C],
    f"ENV ANYTHING={GITHUB}": [C],
    f"LABEL api.token={RANDOM}": [C],
    f"ARG NPM_TOKEN={RANDOM}": [C],
    f"RUN curl -H 'Authorization: Bearer {GITHUB}' https://example.com": [C],
    f"RUN git clone https://{HEX}:x-oauth-basic@github.com/acme/x": [C],
    f"RUN git clone https://oauth2:{RANDOM}@gitlab.example.com/acme/x": [C],
    "RUN pip install --index-url https://ci:Kq7vT2mXw9@pypi.acme.io/simple x": [C],
    f"COPY <<EOF /key.pem\n{KEY}\n{BODY}\nEOF": [C],
    f'CMD ["app", "--token={RANDOM}"]': [C],
    "FROM a:1 AS base\nENV DB_PASSWORD=Kq7vT2mXw9\nFROM base\nCMD x\n": [C],
    # high: a person chose it, it is not shipped, it opens something in the same network, or one step has it
    "ENV DB_PASSWORD=hunter2x9": [H],
    "ARG DB_PSW=hunter2hunter2": [H],
    "ENV DATABASE_URL=postgres://app:Kq7vT2mXw9@db/app": [H],
    "ENV DATABASE_URL=postgres://app:Kq7vT2mXw9@10.4.0.7/app": [H],
    "ENV DATABASE_URL=postgres://app:Kq7vT2mXw9@${HOST}/app": [H],
    "RUN SECRET_KEY=j8s7d6f5g4h3k2l1q9w8 ./manage.py migrate": [H],
    "RUN cat > /etc/app.ini <<EOF\npassword = hunter2x9\nEOF": [H],
    "FROM a:1 AS build\nENV DB_PASSWORD=Kq7vT2mXw9\nFROM a:1\nCOPY --from=build /x /x\n": [H],
    f"FROM a:1 AS build\nRUN echo {GITHUB}\nFROM a:1\nCOPY --from=build /x /x\n": [H],
    # medium: an ordinary word, a word that everybody knows on a command line, an account of this machine
    "ENV WEBDAV_PASSWORD=seafarer": [M],
    "ENV DATABASE_URL=postgres://app:seafarer@db/app": [M],
    "ENV DATABASE_URL=postgres://app:app@db/app": [M],
    "ENV DATABASE_URL=postgres://app:Kq7vT2mXw9@localhost/app": [M],
    "CMD app --password=changeme": [M],
    f"COPY <<EOF /key.pem\n{KEY}\nthe key goes here\n-----END PRIVATE KEY-----\nEOF": [M],
    # nothing
    "ENV DATABASE_URL=postgresql://user:pass@localhost:5432/dummy": [],
    "ENV DATABASE_URL=postgresql://user:password@host:5432/db": [],
    "ARG ENCRYPTION_KEY=CAFEBABE": [],
    "ENV ENCRYPTION_KEY=DEADBEEF": [],
    "ENV SESSION_SECRET=c0ffee-c0ffee": [],
    "ENV SECRET_KEY=notsecret": [],
    "ENV ADMIN_PASSWORD=changeme": [],
    "ENV POSTGRES_PASSWORD=postgres": [],
    "ENV API_KEY=your-api-key": [],
    f"ENV AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE T=ghp_{'x' * 36}": [],
    "ENV STRIPE_SECRET_KEY=sk_test_4eC39HqLyjWDarjtT1zdp7dc": [],
    "ENV PASSWORD_HASHER=argon2 TOKEN_ISSUER=https://id.example.org": [],
    f"ENV GPG_KEY=7169605F62C751356D054A26A821E680E5FA6305 SHA={HEX}": [],
    "ENV API_KEY=$API_KEY DB_PASSWORD=${DB_PASSWORD:-x} TOKEN={{token}}": [],
    "RUN SECRET_KEY=build-key ./manage.py collectstatic --noinput": [],
    "RUN SECRET_KEY=collectstatic ./manage.py collectstatic": [],
    "RUN APP_SECRET=unused-at-build php bin/console cache:warmup": [],
    "RUN SECRET_KEY_BASE=1 bundle exec rake assets:precompile": [],
    "RUN export DJANGO_SECRET_KEY=temporary-build-key && ./manage.py compress": [],
    "RUN SECRET_KEY=abc123def ./manage.py collectstatic": [],
    "RUN JWT_SECRET=00000000000000000000000000000000 npm run build": [],
    "RUN DATABASE_URL=mysql://root:whalehello@db/x make": [],
    "RUN echo 'secret = testing123' >> /etc/raddb/clients.conf": [],
    f"RUN grep -q '{KEY}' /key.pem": [],
    "RUN git clone https://$TOKEN:x-oauth-basic@github.com/acme/x": [],
    "RUN <<EOF\nexport SECRET_KEY=hunter2x9\nmake\nEOF": [],
    "FROM a:1 AS build\nENV DB_PASSWORD=hunter2x9 TOKEN=seafarer\nFROM a:1\nCOPY --from=build /x /x\n": [],
}


@pytest.mark.parametrize("body", IN_A_DOCKERFILE)
def test_in_a_dockerfile(body: str) -> None:
    assert told("Dockerfile", dockerfile(body)) == IN_A_DOCKERFILE[body]


@pytest.mark.parametrize(
    ("path", "value", "severities"),
    [
        ("Dockerfile.dev", "Kq7vT2mXw9", [Severity.MEDIUM]),
        ("test/Dockerfile", "Kq7vT2mXw9", [Severity.MEDIUM]),
        ("test/Dockerfile", "hunter2x9", []),
        ("Dockerfile.prod", "hunter2x9", [H]),
    ],
)
def test_an_image_that_is_not_for_production(path: str, value: str, severities: list[Severity]) -> None:
    assert told(path, f"FROM debian:13.1\nENV DB_PASSWORD={value}\n") == severities


@pytest.mark.parametrize(
    ("line", "told_by_name"),
    [
        ("ENV SECRET_KEY=changeme", True),
        ("ENV SECRET_KEY=CAFEBABE", True),
        ("ARG ENCRYPTION_KEY=CAFEBABE", True),
        ("ENV API_TOKEN=your-api-token", True),
        ("ARG NPM_TOKEN", True),
        ("ENV DB_PASSWORD=$PASSWORD", True),
        (f"ENV GITHUB_TOKEN_RO={HEX}", True),
        ("ENV DB_PASSWORD=Kq7vT2mXw9", False),  # secret-in-environment tells of it
        ("ENV PASSWORD_HASHER=argon2", False),
        ("ENV TOKEN_FLAVOUR=sweet", False),
        ("ENV SECRET_KEY_BASE=1", False),
        ("ENV DB_PASSWORD=/run/secrets/db", False),
        ("ARG PASSWORD_VALIDATORS", False),
    ],
)
def test_a_literal_shows_what_a_name_means(line: str, told_by_name: bool) -> None:
    text = f"FROM debian:13.1\n{line}\n"
    assert told("Dockerfile", text, {"dockerfile/secret-argument"}) == [M] * told_by_name


def test_a_word_for_a_stage_that_is_not_shipped_is_not_told_by_its_name_either() -> None:
    text = "FROM a:1 AS build\nENV SECRET_KEY=build\nFROM a:1\n"
    assert told("Dockerfile", text, {"dockerfile/secret-argument"}) == []


def workflow(step: str, *, services: bool = False) -> str:
    beside = "    services: {db: {image: 'postgres:17.2'}}\n" if services else ""
    return f"on: push\njobs:\n  a:\n    runs-on: ubuntu-24.04\n{beside}    steps:\n{step}"


VARIABLES: dict[tuple[str, str], tuple[list[Severity], list[Severity]]] = {
    # (name, value): in a job, in a job with service containers
    ("DB_PASSWORD", RANDOM): ([M], []),
    ("GITHUB_CLIENT_SECRET", HEX): ([M], [M]),
    ("NPM_TOKEN", GITHUB): ([C], [C]),
    ("AWS_SECRET_ACCESS_KEY", AWS): ([C], [C]),
    ("DATABASE_URL", f"postgres://app:{RANDOM}@db.acme.io/t"): ([H], [H]),
    ("DATABASE_URL", "postgres://app:hunter2x9@db.acme.io/t"): ([M], [M]),
    ("DATABASE_URL", f"postgres://app:{RANDOM}@${{HOST}}/t"): ([M], []),
    ("DB_PASSWORD", "hunter2x9"): ([M], []),
    ("POSTGRES_PASSWORD", RANDOM): ([M], []),
    ("NEXTAUTH_SECRET", RANDOM): ([M], []),
    ("POSTGRES_PASSWORD", "hunter2x9"): ([], []),
    ("SECRET_KEY", "only-for-the-tests"): ([], []),
    ("NEXTAUTH_SECRET", "very_sensitive_secret"): ([], []),
    ("DB_PASSWORD", "seafarer"): ([], []),
    ("SA_PASSWORD", "Testing1234!"): ([], []),
    ("API_KEY", "0123456789abcdef"): ([], []),
    ("API_KEY", "fake-api-key"): ([], []),
    ("AWS_SECRET_ACCESS_KEY", "test"): ([], []),
    ("GIT_TOKEN", "x-access-token"): ([], []),
    ("CACHE_KEY", f"linux-{HEX}"): ([], []),
    ("MYSQL_ALLOW_EMPTY_PASSWORD", "yes"): ([], []),
    ("DATABASE_URL", "postgres://postgres:postgres@localhost:5432/t"): ([], []),
    ("DATABASE_URL", f"postgres://app:{RANDOM}@db:5432/t"): ([], []),
    ("DATABASE_URL", f"postgres://app:{RANDOM}@host.docker.internal/t"): ([], []),
}


@pytest.mark.parametrize(("name", "value"), VARIABLES)
@pytest.mark.parametrize("services", [False, True])
def test_in_a_jobs_environment(name: str, value: str, services: bool) -> None:
    step = f"      - run: make\n        env: {{{name}: '{value}'}}\n"
    got = told(".github/workflows/ci.yml", workflow(step, services=services))
    assert got == VARIABLES[name, value][services]


INPUTS = {
    # what an action does with an input makes it a secret, and not its name
    ("Swatinem/rust-cache@v2", "shared-key: linux-debug"): [],
    ("Swatinem/rust-cache@v2", f"shared-key: {HEX}"): [],
    ("actions/cache@v4", f"key: v1-{HEX}, restore-keys: v1-{HEX}"): [],
    ("hendrikmuhs/ccache-action@v1", f"key: linux-{HEX}"): [],
    ("acme/setup@v1", f"key-names: a b, key-prefix: x-{HEX}, cache-key: {HEX}"): [],
    ("acme/cache-in-a-store@v1", f"secretKey: {AWS}"): [M],
    ("acme/logs@v1", f"shared-key: {AWS}"): [M],
    ("acme/ssh@v1", f"password: {RANDOM}"): [M],
    ("acme/ssh@v1", "password: hunter2x9"): [M],
    ("acme/redis@v1", "redis-password: secret"): [],
    ("acme/login@v1", "password: '${{ secrets.PASSWORD }}'"): [],
}


@pytest.mark.parametrize(("action", "given"), INPUTS)
def test_an_input_of_an_action(action: str, given: str) -> None:
    step = f"      - uses: {action}\n        with: {{{given}}}\n"
    assert told(".github/workflows/ci.yml", workflow(step)) == INPUTS[action, given]


SCRIPTS = {
    f"git clone https://bot:{RANDOM}@git.example.com/a": [H],
    f"git clone https://{HEX}:x-oauth-basic@github.com/a": [H],
    "git clone https://oauth2:glpat-Kq7vT2mXw9pLKq7vT2mX@gitlab.com/a": [C],
    f"echo {GITHUB} | gh auth login": [C],
    "git clone https://bot:hunter2x9@git.acme.io/a": [M],
    "git clone https://bot:sunflower@git.acme.io/a": [M],
    "git clone https://$GITHUB_TOKEN:x-oauth-basic@github.com/a": [],
    "git clone https://x-access-token:$TOKEN@github.com/a": [],
    "git clone https://oauth2:${TOKEN}@gitlab.com/a": [],
    "git clone https://gitlab-ci-token:${CI_JOB_TOKEN}@gitlab.com/a": [],
    "git clone https://user:pass@example.com/a": [],
    "docker run -e DATABASE_URL=postgresql://postgres:postgres@host.docker.internal:5432/test app": [],
    f"psql postgresql://app:{RANDOM}@127.0.0.1/x": [],
    "docker run -e POSTGRES_PASSWORD=hunter2x9 postgres": [],
}


@pytest.mark.parametrize("script", SCRIPTS)
def test_in_a_script(script: str) -> None:
    step = f"      - run: {script}\n"
    assert told(".github/workflows/ci.yml", workflow(step)) == SCRIPTS[script]
    gitlab = f"build:\n  image: debian:13.1\n  script:\n    - {script}\n"
    assert told(".gitlab-ci.yml", gitlab) == SCRIPTS[script]


@pytest.mark.parametrize(
    ("password", "severity"),
    [
        (RANDOM, C),
        (GITHUB, C),
        ("hunter2x9", H),
        ("pass", M),
        ("your-password", M),
        ("'123456'", M),
    ],
)
def test_the_password_of_a_registry(password: str, severity: Severity) -> None:
    text = (
        "on: push\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    container:\n      image: registry.example.com/a:1\n"
        f"      credentials: {{username: ci, password: {password}}}\n    steps: [{{run: make}}]\n"
    )
    assert told(".github/workflows/ci.yml", text) == [severity]


def test_a_file_of_a_client_is_read_before_it_is_told(tmp_path: Path) -> None:
    """A file that lies in the tree is told by what it says, one that does not by its name."""

    def paths(content: str | None) -> list[str]:
        file = tmp_path / "app" / ".npmrc"
        if content is None:
            file.unlink()
        else:
            file.write_text(content)
        rules = ["dockerfile/copy-secret-file", "dockerfile/context-with-secrets"]
        report = readiness.check([tmp_path], base=tmp_path, select=rules)
        return [one.path for one in report.findings]

    for name, line in (("Dockerfile", "COPY .npmrc ./"), ("Dockerfile.all", "COPY . .")):
        (tmp_path / "app").mkdir(exist_ok=True)
        (tmp_path / "app" / name).write_text(f"FROM node:24.9.0\nWORKDIR /app\n{line}\n")
    assert paths("engine-strict=true\n") == []
    assert paths("//npm.example.com/:_authToken=${NPM_TOKEN}\n") == []
    assert paths("//npm.example.com/:_authToken=Kq7vT2mXw9\n") == [
        "app/Dockerfile",
        "app/Dockerfile.all",
    ]
    assert paths(None) == ["app/Dockerfile"]


def test_the_cache_asks_again_when_such_a_file_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "user_result_cache", lambda: cache.ResultCache(tmp_path / "kept"))
    root = tmp_path / "app"
    root.mkdir()
    (root / "Dockerfile").write_text("FROM node:24.9.0\nCOPY .npmrc ./\n")
    counts = []
    for content in ("engine-strict=true\n", "//npm.example.com/:_authToken=Kq7vT2mXw9\n"):
        (root / ".npmrc").write_text(content)
        report = readiness.check([root], base=root, select=["dockerfile/copy-secret-file"], cache=True)
        counts.append(len(report.findings))
    assert counts == [0, 1]
