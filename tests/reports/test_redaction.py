"""Planted secrets: no format shows one, in a message, a line, or anywhere else."""

from __future__ import annotations

import itertools
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readiness.model import Finding, Related, Source, Span, Suppression
from readiness.redaction import MASK, Redactor
from readiness.reports.frame import code_frame
from readiness.verdict.report import FileRow, Report

from .conftest import find, report, rule, show

# A line of a file for each way to write a secret down; what must never be shown is planted in it.
LINES = {
    "assignment": "DB_PASSWORD=Zplanted-1x",
    "in a command": "    command: DB_PASSWORD=Zplanted-1x run",
    "quoted": 'DB_PASSWORD="Zplanted 1x with words"',
    "single quotes": "  password: 'Zplanted, 1x; with#signs'",
    "yaml": "  apiKey: Zplanted1xZplanted",
    "flow": "{name: a, password: Zplanted1x}",
    "json": '"client_secret": "Zplanted1xlong",',
    "env": "ENV DB_PASSWORD Zplanted1x",
    "arg": "ARG API_TOKEN=Zplanted1xlong",
    "flag": "run --password Zplanted1x --fast",
    "flag, equals": "run --db-password=Zplanted1x --fast",
    "exec form": 'CMD ["run", "--password", "Zplanted1x"]',
    "url": "DSN: postgres://bob:Zplanted1x@db/x",
    "basic": "curl -u bob:Zplanted1x https://x",
    "bearer": "curl -H 'Authorization: Bearer Zplanted1x22'",
    "github": "TOKEN_X: ghp_ZplantedZplantedZplantedZplanted12345",
    "numbered": "DB_PASSWORD_2=Zplanted1x",
    "weak": "  password: plantedtoor",
    "default": "    command: run ${DB_PASSWORD-Zplanted1x} ${API_KEY:-Zplanted1x}",
    "tab": "\tPASSWORD:\tZplanted1x",
    "wide": "漢字 PASSWORD=Zplanted1x",
}


def leaky(text: str, line: int = 1) -> list[Finding]:
    """Findings on every word of a line, by a rule that knows nothing of secrets."""
    source = Source("a.yaml", text)
    start = source.line_offsets[line - 1]
    words = [found.span() for found in re.finditer(r"\S+", source.line_text(line))]
    return [
        find(source, text[start : start + 1])._replace(
            rule_definition=rule(f"k8s/r{n}"),
            span=Span(start + a, start + b),
            message=f"n {n}",
        )
        for n, (a, b) in enumerate(words)
    ]


def everything(made: Report) -> str:
    """All that any format says of a report."""
    shown = [show("json", made)]
    for options in ({}, {"verbose": True}, {"quiet": True}, {"explain": True}):
        shown += [
            show("terminal", made, **options),
            show("terminal", made, color="always", width=500, **options),
            show("github", made, **options),
            show("markdown", made, **options),
        ]
    return "\n".join(shown)


@pytest.mark.parametrize("name", LINES)
def test_a_line_shows_no_secret(name: str) -> None:
    shown = everything(report(leaky(LINES[name] + "\n")))
    assert "planted" not in shown
    assert MASK in shown


@pytest.mark.parametrize("name", [name for name in LINES if name not in {"env", "weak"}])
def test_a_message_shows_no_secret(name: str) -> None:
    source = Source("a.yaml", "x: 1\n")
    text = f"command {LINES[name]}"
    finding = find(
        source,
        "x",
        message=text,
        resource=text,
        container=text,
        related=(Related(source, Span(0, 1), text),),
    )
    two = find(source, "1", rule("k8s/z"))._replace(suppression=Suppression("comment", text))
    rows = [FileRow("a.yaml", "k8s", "invalid", text)]
    assert "planted" not in everything(report([finding, two], rows=rows))


def test_a_name_and_its_value_on_two_lines() -> None:
    for text, line in (
        ("- name: DB_PASSWORD\n  value: Zplanted 1x\n", 2),
        ("- value: Zplanted 1x\n  name: DB_PASSWORD\n", 1),
    ):
        shown = everything(report(leaky(text, line)))
        assert "planted" not in shown
    harmless = show("terminal", report(leaky("- name: MODE\n  value: Zplanted 1x\n", 2)))
    assert "planted" in harmless


def test_the_body_of_a_private_key() -> None:
    key = "key: |\n  -----BEGIN RSA PRIVATE KEY-----\n  Zplanted1\n  Zplanted2\n  -----END RSA PRIVATE KEY-----\nnext: 1\n"
    for line in (2, 3, 4):
        assert "planted" not in everything(report(leaky(key, line)))
    assert "planted" not in everything(report(leaky(key[: key.index("  -----END")], 4)))
    assert "next: 1" in show("terminal", report(leaky(key, 6)))


def test_a_known_secret_is_masked_wherever_it_turns_up() -> None:
    source = Source("a.yaml", "data: Zplanted1x\nagain: Zplanted1x here\n")
    at = source.text.index("Zplanted")
    hidden = [(source, Span(at, at + 10))]
    other = Source("b.yaml", "copy: Zplanted1x\n")
    ones = [
        find(source, "again", message="value 'Zplanted1x' stands here"),
        find(source, "data", rule("k8s/b")),
        find(other, "copy"),
    ]
    assert "planted" not in everything(report(ones, secret_places=hidden))


def test_a_plain_word_is_masked_only_where_it_is_the_secret() -> None:
    source = Source("a.yaml", "pw: postgres\nimage: postgres\n")
    hidden = [(source, Span(4, 12))]
    ones = [
        find(source, "pw"),
        find(source, "image", rule("k8s/b"), message="image postgres is old"),
    ]
    shown = show("terminal", report(ones, secret_places=hidden))
    assert "pw: ********" in shown
    assert "image: postgres" in shown
    assert "image postgres is old" in shown


def test_of_a_pair_the_name_stays_readable() -> None:
    source = Source("Dockerfile", "ENV DSN=Zplanted1x\nARG DB_PASSWORD\n")
    hidden = [(source, Span(4, 18)), (source, Span(23, 34))]
    ones = [
        find(source, "DSN"),
        find(source, "DB_PASSWORD", rule("k8s/b"), message="DB_PASSWORD stays"),
    ]
    shown = show("terminal", report(ones, secret_places=hidden))
    assert "ENV DSN=********" in shown
    assert "ARG DB_PASSWORD\n" in shown
    assert "DB_PASSWORD stays" in shown


def test_a_hidden_place_in_a_nested_source() -> None:
    root = Source("cm.yaml", "data:\n  conf: |\n    a Zplanted1x\n    b\n")
    inner = Source("cm.yaml", "a Zplanted1x\nb\n", parent=root, line_starts_in_parent=(20, 37))
    made = report([find(inner, "a ")], secret_places=[(inner, Span(2, 12))])
    assert "a ********" in show("terminal", made)


def test_a_hidden_place_of_many_lines() -> None:
    source = Source("a.yaml", "x: |\n  one planted\n  two planted\nend: 1\n")
    hidden = [(source, Span(5, 31))]
    redactor = Redactor(hidden)
    for line in (2, 3):
        made = code_frame(leaky(source.text, line)[0], redactor, 80)
        assert made is not None
        assert "planted" not in made.text
    assert show("terminal", report(leaky(source.text, 4), secret_places=hidden)).count("end: 1") == 2


REFERENCES = [
    "DB_PASSWORD: ${DB_PASSWORD}",
    "password: changeme",
    "DB_PASSWORD_FILE=/run/secrets/db",
    "token: ${{ secrets.GITHUB_TOKEN }}",
    "secretName: web-tls",
    "ENV DB_PASSWORD is a secret by its name",
    "the flag --password takes a word",
    "basic settings, token rotation",
    "basic authentication",
    "secrets: deletecollection are open to its subjects",
    "permission id-token: write is given to all 2 jobs",
    "image: nginx:1.27",
]


@pytest.mark.parametrize("text", REFERENCES)
def test_what_is_no_secret_stays_readable(text: str) -> None:
    assert Redactor().mask_text(text) == text


def test_a_length_is_not_told() -> None:
    lines = [show("terminal", report(leaky(f"PASSWORD={'aZ9' * n} x\n"))) for n in (3, 9)]
    assert lines[0].count("*") == lines[1].count("*")


@given(st.text(max_size=200))
def test_no_text_breaks_it(text: str) -> None:
    spans = Redactor().secret_spans(text)
    assert all(0 <= span.start < span.end <= len(text) for span in spans)
    assert all(a.end < b.start for a, b in itertools.pairwise(spans))
    made = report(leaky(f"a{text}\n"))
    json.loads(show("json", made))
    show("terminal", made, color="always", width=60)
    show("github", made)
    show("markdown", made)


def test_huge_lines_are_cheap() -> None:
    line = "{" + ", ".join(f'"password{n}": "Zplanted{n}"' for n in range(40_000)) + "}"
    ones = [find(Source("a.json", line), f'"password{n}"', rule(f"k8s/r{n}")) for n in (0, 20_000, 39_999)]
    assert "planted" not in show("terminal", report(ones))


def test_many_known_secrets_are_cheap() -> None:
    source = Source("a.yaml", "".join(f"k{n}: Zplanted{n:05}\n" for n in range(5000)))
    hidden = [(source, Span(found.start(), found.end())) for found in re.finditer(r"Zplanted\d+", source.text)]
    ones = [find(source, f"k{n}:", message=f"value Zplanted{n:05} is here") for n in range(0, 5000, 10)]
    made = report(ones, secret_places=hidden)
    for name in ("json", "terminal", "github", "markdown"):
        assert "planted" not in show(name, made)


def test_a_reference_that_is_hidden_by_mistake_hides_nothing_elsewhere() -> None:
    source = Source("a.yaml", "password: {{ .x }}\nimage: {{ .x }}\n")
    shown = show("terminal", report([find(source, "image")], secret_places=[(source, Span(10, 18))]))
    assert "image: {{ .x }}" in shown


def test_every_value_of_a_secret_object() -> None:
    text = (
        "kind: Secret\nmetadata: {name: a}\nstringData:\n  db: Zplanted\n  conf: |\n    one planted\n\n    two\n"
        "type: Opaque\n---\nkind: ConfigMap\ndata:\n  db: open\n---\ndata:\n  db: Zplanted\nkind: Secret\n"
    )
    for line in (4, 6, 17):
        assert "planted" not in everything(report(leaky(text, line)))
    assert "db: ********" in show("terminal", report(leaky(text, 4)))
    assert "db: open" in show("terminal", report(leaky(text, 13)))
    assert "type: Opaque" in show("terminal", report(leaky(text, 9)))
