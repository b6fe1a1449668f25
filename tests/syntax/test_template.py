"""Templates: their marks by form, the text without them, and the names that say what a file is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readiness.syntax import template
from tests.effort import effort

MARKS = {
    "a value": ("a {{ x }} b", ["{{ x }}"]),
    "a tag": ("{% if x %}a{% endif %}", ["{% if x %}", "{% endif %}"]),
    "a comment": ("{# x #}", ["{# x #}"]),
    "ERB": ("<% a %><%= b %>", ["<% a %>", "<%= b %>"]),
    "words": ("%%A_B%% @C@ {d}", ["%%A_B%%", "@C@", "{d}"]),
    "several lines": ("{{\n x\n}}", ["{{\n x\n}}"]),
    "an expression of GitHub's": ("${{ x }}", []),
    "a variable": ("${X} $X", []),
    "per cent": ("100%% of %d", []),
    "an address": ("a@example.com", []),
    "never closed": ("{{ x", []),
    "never closed, and another": ("{{ x {% y %}", ["{% y %}"]),
    "in another one": ('{{f "{{ a }}/{{ b }}" c}} {{ d }}', ['{{f "{{ a }}/{{ b }}" c}}', "{{ d }}"]),
    "opened twice, closed once": ("{{ {{ a }} b", ["{{ {{ a }}"]),
    "closed on another line": ("{{ {{ a }}\nb }}", ["{{ {{ a }}"]),
    "opened twice, and another": ("{{ {{ a }}\n{{ b }}", ["{{ {{ a }}", "{{ b }}"]),
    "braces of a mapping": ("{{ {'a': {'b': 1}} }}", ["{{ {'a': {'b': 1}}"]),
    "JSON": ('{"a": {"b": 1}}', []),
    "a repetition": ("a{2,3} [0-9]{4}", []),
}


@pytest.mark.parametrize(("text", "found"), MARKS.values(), ids=MARKS)
def test_marks(text: str, found: list[str]) -> None:
    assert [text[one.start : one.end] for one in template.find_template_marks(text)] == found


FORMS = {
    "{{ x }}": (False, True),
    "{{- if x }}": (True, True),
    "{{ ) else ( -}}": (True, True),
    "{{/* x */}}": (True, True),
    "{{ include x }}": (False, True),
    "{% x %}": (True, True),
    "<% x %>": (True, True),
    "<%= x %>": (False, True),
    "  {{ x }}\t\r\n": (False, True),
    "{{ x }};": (False, False),
    "a {{ x }}": (False, False),
}


@pytest.mark.parametrize(("text", "wanted"), FORMS.items(), ids=FORMS)
def test_what_a_mark_does(text: str, wanted: tuple[bool, bool]) -> None:
    (mark,) = template.find_template_marks(text)
    assert (mark.is_control_tag, mark.is_alone_on_lines) == wanted


WITHOUT = {
    "a: {{ x }}-b": "a: xxxxxxx-b",
    "a\n  {{ x }}\nb": "a\n         \nb",
    "{% if x %}a;{% endif %}": "          a;           ",
    "{{\nx\n}}\na": "  \n \n  \na",
    "a @B@ c": "a xxx c",
}


@pytest.mark.parametrize(("text", "wanted"), WITHOUT.items(), ids=WITHOUT)
def test_the_text_without_marks(text: str, wanted: str) -> None:
    assert template.blank_out_template_marks(text, template.find_template_marks(text)) == wanted


@given(st.text(alphabet="{}%#<>@$ax \n-=", max_size=60))
def test_everything_else_keeps_its_place(text: str) -> None:
    marks = list(template.find_template_marks(text))
    plain = template.blank_out_template_marks(text, marks)
    assert len(plain) == len(text)
    outside = set(range(len(text))) - {at for one in marks for at in range(one.start, one.end)}
    assert all(plain[at] == text[at] for at in outside)


NAMES = {
    "a.yaml.j2": True,
    "nginx.conf.template": True,
    "Dockerfile.in": True,
    "a.TMPL": True,
    "compose.template.yaml": True,
    "Dockerfile-template": True,
    "roles/a/templates/b.conf": True,
    "_templates/b.conf": True,
    "{{cookiecutter.a}}/b.yaml": True,
    "{% if a %}b{% endif %}.yaml": True,
    "a.yaml": False,
    "docker-in-docker.yaml": False,
    "my-template/a.yaml": False,
    "templated/a.yaml": False,
    "contemplate.yaml": False,
    "${a}/b.yaml": False,
}


@pytest.mark.parametrize(("path", "wanted"), NAMES.items(), ids=NAMES)
def test_names(path: str, wanted: bool) -> None:
    assert template.is_named_as_template(path) is wanted


@pytest.mark.parametrize(
    ("path", "made"),
    [("a.yaml.j2", "a.yaml"), ("a.j2", "a"), ("templates/a.yaml", "templates/a.yaml"), ("b", "b")],
)
def test_what_is_made(path: str, made: str) -> None:
    assert template.path_without_template_suffix(path) == made


@pytest.mark.parametrize("piece", ["{{x}} ", "{{ ", "{{ {{x}} ", "{{ {{x}}}} ", "{{ {% <% {# ", "@a ", "%%", "{a", "   {{a}}"])
def test_marks_cost_no_more_than_their_number(piece: str) -> None:
    def work(count: int) -> int:
        text = piece * count
        return effort(lambda: template.blank_out_template_marks(text, list(template.find_template_marks(text))))

    assert work(4000) < 5 * work(1000) + 1000
