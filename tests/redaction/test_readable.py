# ruff: noqa: E501 - a file is a line
"""What is no secret stays readable: the words of rules, references, names, and values that only stand under a secret's name."""

from __future__ import annotations

import pytest

from readiness.model import Source
from readiness.redaction import Redactor, marks_in_file
from readiness.redaction.commands import command_password_spans
from readiness.ruleset import rules
from tests.redaction.planted import DOCKERFILE, made_value

WORDS = [
    (loaded.rule.id, text) for loaded in rules.load_rules() for text in (loaded.rule.title, loaded.rule.message, loaded.rule.why, loaded.rule.fix)
]


def test_no_words_of_a_rule_are_masked() -> None:
    redactor = Redactor()
    masked = {
        (rule_id, redactor.mask_text(sentence))
        for rule_id, text in WORDS
        for sentence in (text, *text.split(". "))
        if redactor.mask_text(sentence) != sentence
    }
    assert len(WORDS) > 2000
    assert masked == set()


READABLE = {
    "a message of an expansion": "Use one variable, such as `${DB_PASSWORD:?}`.",
    "a message of an expansion, told": "DB_PASSWORD=${DB_PASSWORD:?set it}",
    "what takes a value's place": "${API_TOKEN:+-H token}",
    "a port": "docker run -p 8080:80 acme/app",
    "a flag without a login": "docker compose -p shop up",
    "a variable of a login": "docker login -u $USER -p $REGISTRY_TOKEN",
    "standard input": 'echo "$TOKEN" | docker login -u bob --password-stdin',
    "a database": "mysql -u root shop",
    "a user alone": "curl -u bob https://example.org/x",
    "a reader of a file": "vault login -method=token token=@/run/token",
    "a clone": "git clone git@github.com:acme/shop.git",
    "a digest": "docker.io/library/nginx:1.27@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    "a mail address": "mailto:operations@example.org/contact",
    "a permission": "id-token: write",
    "a switch": "`automountServiceAccountToken: false`.",
    "a secret of GitHub": "password: ${{ secrets.REGISTRY_PASSWORD }}",
    "the head of a key": "grep -q 'BEGIN RSA PRIVATE KEY' key.pem",
}


@pytest.mark.parametrize("text", READABLE.values(), ids=READABLE)
def test_a_text_stays_as_it_is(text: str) -> None:
    assert Redactor().mask_text(text) == text
    assert list(marks_in_file(Source("run.sh", text))) == []


FILES = {
    "compose.yaml": (
        "services:\n  db:\n    image: postgres:17.2\n    secrets: [db_password]\n    environment:\n      POSTGRES_PASSWORD_FILE: /run/secrets/db_password\n"
        "secrets:\n  db_password:\n    file: ./db_password.txt\n"
    ),
    "pod.yaml": (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: shop}\nspec:\n  imagePullSecrets: [{name: registry}]\n  containers:\n    - name: app\n      env:\n"
        "        - name: DB_PASSWORD\n          valueFrom: {secretKeyRef: {name: shop-database, key: password}}\n"
        "  volumes: [{name: x, secret: {secretName: shop-tls, items: [{key: token, path: token}]}}]\n"
    ),
    "secret.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: shop, labels: {app: shop}}\ntype: Opaque\n",
    ".github/workflows/ci.yml": (
        "on:\n  workflow_call:\n    secrets:\n      deploy_token: {required: true, description: of the registry}\n    inputs:\n      token: {type: string}\n"
        "permissions: {id-token: write}\njobs:\n  a: {uses: ./x.yml, secrets: inherit}\n"
    ),
    ".gitlab-ci.yml": "a:\n  secrets:\n    DB_PASSWORD: {vault: production/db/password@ops}\n  id_tokens: {VAULT_TOKEN: {aud: x}}\n  script: [make]\n",
    "nginx.conf": (
        "map $http_upgrade $connection_upgrade { default upgrade; '' close; }\n"
        "server { ssl_certificate_key /etc/tls/key.pem; proxy_pass http://token-service; proxy_set_header Authorization $http_authorization; auth_basic_user_file /x; }\n"
    ),
    "kustomization.yaml": "kind: Kustomization\nsecretGenerator: [{name: x, envs: [secrets.env]}]\n",
}


@pytest.mark.parametrize("path", FILES)
def test_a_file_without_a_secret_has_no_mark(path: str) -> None:
    source = Source(path, FILES[path])
    source.kind = "nginx" if path == "nginx.conf" else ""
    assert [source.text[one.span.start : one.span.end] for one in marks_in_file(source)] == []


@pytest.mark.parametrize("name", [name for name in DOCKERFILE if name.startswith("shell, ")])
def test_beside_a_secret_a_command_stays_readable(name: str) -> None:
    """The value goes, with no more than the quotes around it; the program, its options and what follows stand."""
    text = DOCKERFILE[name].replace("§", made_value(1))
    masked = Redactor().mask_text(text)
    for before in text.split(made_value(1))[0].split()[:-1]:
        assert before in masked
    assert text.split(made_value(1))[1].strip("'\"") in masked


@pytest.mark.parametrize("length", [1000, 4000])
def test_a_command_without_an_end_is_looked_at_up_to_a_bound(length: int) -> None:
    text = "docker " + "login " * length + "-p x1y2z3Kq"
    assert len(list(command_password_spans(text))) == (length * 6 < 4000)
