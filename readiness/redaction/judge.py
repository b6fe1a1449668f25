"""The one judge of what a file hides: each secret value in it is marked once, and every output goes by the marks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from readiness.model import Finding, ParseError, Source, Span
from readiness.model.lazy_regex import lazy_regex
from readiness.redaction.broken import marks_in_yaml_lines
from readiness.redaction.commands import command_password_spans, programs_with_passwords
from readiness.redaction.nginx import marks_in_nginx
from readiness.redaction.structure import marks_in_yaml
from readiness.redaction.text import SecretMark, SecretSort, is_secret_word, marks_in_lines, name_without_trailing_number, private_key_bodies
from readiness.syntax import secrets
from readiness.syntax.dotenv import parse_dotenv
from readiness.syntax.yaml import blank_out_separator_comments, load_yaml_documents

_MAX_MARKED_TEXT = 2_000_000  # characters of a file that are read here; what is shown of more is read around what is shown
_MAX_MARKED_LINE = 20_000  # characters of a line
_YAML_ENDINGS = (".yaml", ".yml", ".json", ".tpl")
_WORD = lazy_regex(r"[\w.-]+")
_SIGNS_OF_LOGINS = ("@", "bearer ", "basic ", "auth", " -u", "--user", "add-mask")  # in small letters: a secret that stands under no name
_WORDS_OF_STRUCTURE = frozenset({"Secret", "secrets", "secretGenerator", "Authorization", "authorization"})


class SecretPlace(NamedTuple):
    """A secret value in a file, never shown; `sort` says how much of it is hidden wherever else it turns up."""

    source: Source
    span: Span
    sort: SecretSort = SecretSort.VALUE


def secret_places_in_files(
    sources: Iterable[Source], roots_by_path: Mapping[str, Sequence[Any]], *, is_rendered: bool = False
) -> Iterator[SecretPlace]:
    """The secret values in files; `roots_by_path` has the parsed documents of those that are YAML and were parsed already."""
    for source in dict.fromkeys(one.root for one in sources):
        marks = dict.fromkeys(marks_in_file(source, roots_by_path.get(source.path), is_rendered=is_rendered))
        if not is_rendered:
            source.secret_spans = tuple(dict.fromkeys(mark.span for mark in marks))
        for mark in marks:
            yield SecretPlace(source, mark.span, _sort_of(mark, source.text))


def secret_spans_in_file(source: Source) -> tuple[Span, ...]:
    """Where the secret values in a file stand; worked out once, for any number of reports."""
    if source.secret_spans is None:
        source.secret_spans = tuple(dict.fromkeys(mark.span for mark in marks_in_file(source)))
    return source.secret_spans


def marks_in_file(source: Source, document_roots: Sequence[Any] | None = None, *, is_rendered: bool = False) -> Iterator[SecretMark]:
    """The secret values in a file, by its lines and by its structure.

    Of what a renderer made only by its structure: its lines are shown nowhere.
    """
    text = source.text
    if len(text) > _MAX_MARKED_TEXT:
        return
    words = set(_WORD.findall(text))
    secret_names = [word for word in words if is_secret_word(word)]
    programs = words & programs_with_passwords()
    if not is_rendered:
        for start, end in _possible_secret_ranges(text, secret_names):
            for mark in marks_in_lines(text[start:end], is_marked_by_form=True):
                yield mark._replace(span=Span(mark.span.start + start, mark.span.end + start))
        for span in (*command_password_spans(text, programs), *private_key_bodies(text)):
            yield SecretMark(span, is_certain=True)
        for shape in secrets.find_credential_shapes(text):
            if not secrets.is_placeholder(text[shape.span.start : shape.span.end]):
                yield SecretMark(shape.span, is_certain=True)
    if source.kind == "nginx" or source.path.endswith((".conf", ".template")):
        yield from marks_in_nginx(text)
    elif source.kind == "dotenv":
        yield from _marks_in_dotenv(text)
    elif (document_roots is not None or source.path.endswith(_YAML_ENDINGS)) and (
        secret_names or programs or not _WORDS_OF_STRUCTURE.isdisjoint(words)
    ):
        yield from _marks_in_yaml_file(text, document_roots)


def _marks_in_yaml_file(text: str, document_roots: Sequence[Any] | None) -> Iterator[SecretMark]:
    """The marks by the structure of a file; of one that does not parse, as templates, by its lines and how deep they stand."""
    if document_roots is None:
        try:
            document_roots = load_yaml_documents(blank_out_separator_comments(text))
        except ParseError:
            yield from marks_in_yaml_lines(text)
            return
    yield from marks_in_yaml(text, document_roots)


def _marks_in_dotenv(text: str) -> Iterator[SecretMark]:
    """The marks on the values of an environment file, which may be of several lines."""
    for entry in parse_dotenv(text).entries:
        name = name_without_trailing_number(entry.name)
        value_text = text[entry.value_span.start : entry.value_span.end]
        if secrets.must_be_hidden_in_output(name, value_text.strip("\"'")):
            yield SecretMark(entry.value_span, name)


def _possible_secret_ranges(text: str, secret_names: Iterable[str]) -> Iterator[tuple[int, int]]:
    """Where lines begin and end that may hold a secret, each with those behind it that go on with it; ranges that touch are one."""
    lowercase_text = text.lower()
    searched = [(text, name) for name in secret_names] + [(lowercase_text, sign) for sign in _SIGNS_OF_LOGINS]
    line_starts_found = sorted({text.rfind("\n", 0, offset) + 1 for searched_text, word in searched for offset in _offsets_of(searched_text, word)})
    range_start = range_end = -1
    for line_start in line_starts_found:
        if line_start < range_end:
            continue
        line_end = _end_of_line(text, line_start)
        if line_end - line_start > _MAX_MARKED_LINE:
            continue
        if range_start < 0 or line_start > range_end + 1:
            if range_start >= 0:
                yield range_start, range_end
            range_start = line_start
        while text[line_end - 1 : line_end] in ("\\", "`", "\r") and line_end < len(text):
            line_end = _end_of_line(text, line_end + 1)
        range_end = line_end
    if range_start >= 0:
        yield range_start, range_end


def _offsets_of(text: str, word: str) -> Iterator[int]:
    """Where a word stands in a text, once a line."""
    offset = text.find(word)
    while offset >= 0:
        yield offset
        line_end = text.find("\n", offset)
        offset = text.find(word, line_end) if line_end >= 0 else -1


def _end_of_line(text: str, offset: int) -> int:
    line_end = text.find("\n", offset)
    return len(text) if line_end < 0 else line_end


def _sort_of(mark: SecretMark, text: str) -> SecretSort:
    """How much of a marked value is hidden wherever it turns up: all of it where it is a secret, and no mere word under such a name."""
    if mark.sort is not None:
        return mark.sort
    value = text[mark.span.start : mark.span.end].strip("\"' \t\r\n")
    if mark.is_certain or secrets.classify_value(mark.name or "password", value).kind is secrets.SecretKind.SECRET:
        return SecretSort.VALUE
    return SecretSort.CONTENT if "\n" in value else SecretSort.PLACE


def find_secret_places(findings: Iterable[Finding], marked_places: Iterable[SecretPlace]) -> list[SecretPlace]:
    """Where secrets stand: what was marked, and what rules on secrets found."""
    return list(dict.fromkeys([*marked_places, *(SecretPlace(one.source, one.span) for one in findings if one.rule_definition.marks_secrets)]))
