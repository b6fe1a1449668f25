from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from readiness.model import ParseError
from readiness.syntax import dockerfile
from readiness.syntax.dockerfile import parse_dockerfile
from readiness.syntax.instruction import Instruction


def only(text: str) -> Instruction:
    (instruction,) = parse_dockerfile(text).instructions
    return instruction


def cut(text: str, instruction: Instruction) -> list[str]:
    return [text[word.span.start : word.span.end] for word in instruction.words]


def test_words_have_their_places_through_continuations_and_comments() -> None:
    text = "FROM a\n  run --mount=type=cache,target=/c \\\r\n  # why\r\n\r\n  make \\\n\t'x y' \n"
    run = parse_dockerfile(text).instructions[1]
    assert (run.keyword, run.keyword_as_written) == ("RUN", "run")
    assert cut(text, run) == ["make", "'x y'"]
    assert [word.value for word in run.words] == ["make", "x y"]
    (flag,) = run.flags
    assert text[flag.value_span.start : flag.value_span.end] == "type=cache,target=/c"
    assert run.empty_continuation_span is not None
    assert text[run.span.start : run.span.end].endswith("'x y'")


def test_exec_form() -> None:
    text = 'CMD [ "a", \\\n  "b\\"c" ] dropped\n'
    instruction = only(text)
    assert instruction.is_json_form
    assert [word.value for word in instruction.words] == ["a", 'b"c']
    assert cut(text, instruction) == ['"a"', '"b\\"c"']
    assert not only("CMD ['a']\n").is_json_form
    assert not only("CMD [1]\n").is_json_form
    assert not only('CMD ["a",]\n').is_json_form


def test_pairs() -> None:
    text = "ENV A=1 \\\n  B=\"x y\" C='$D'\n"
    instruction = only(text)
    assert [(p.name, p.value) for p in instruction.pairs] == [("A", "1"), ("B", "x y"), ("C", "$D")]
    assert [text[p.value_span.start : p.value_span.end] for p in instruction.pairs] == [
        "1",
        '"x y"',
        "'$D'",
    ]
    old = only("ENV A some words = x\n")
    assert old.uses_legacy_form
    assert old.pairs[0].value == "some words = x"
    assert [pair.raw for pair in only("ARG A B=\n").pairs] == [None, ""]


def test_heredocs() -> None:
    text = "RUN <<A cat <<-'B' > /x\none\nA\n\ttwo\n\tB\nCMD x\n"
    run, cmd = parse_dockerfile(text).instructions
    bodies = [(d.name, d.expands_variables, text[d.body_span.start : d.body_span.end]) for d in run.heredocs]
    assert bodies == [("A", True, "one\n"), ("B", False, "\ttwo\n")]
    assert cmd.keyword == "CMD"
    assert parse_dockerfile("RUN <<A\nno end\n").errors[0].message == "unterminated heredoc"
    assert not only('RUN echo "<<A"\n').heredocs


def test_escape_directive() -> None:
    text = "# escape=`\nFROM a\nCOPY a `\n  c:\\b\\\nRUN x\n"
    found = parse_dockerfile(text)
    assert found.escape_character == "`"
    assert cut(text, found.instructions[1]) == ["a", "c:\\b\\"]
    late = parse_dockerfile("# a comment\n# escape=`\nRUN a `\n")
    assert late.escape_character == "\\"


def test_onbuild() -> None:
    text = "ONBUILD COPY --from=a b c\n"
    instruction = only(text)
    assert instruction.onbuild_instruction is not None
    assert instruction.onbuild_instruction.is_under_onbuild
    assert instruction.onbuild_instruction.flag("from") is not None
    assert only("ONBUILD ONBUILD RUN x\n").onbuild_instruction is not None


def test_health_check() -> None:
    instruction = only("HEALTHCHECK --interval=5s CMD curl -f x || exit 1\n")
    assert instruction.words[1].value == "curl"
    assert instruction.arguments_text.text == "curl -f x || exit 1"
    assert only('HEALTHCHECK CMD ["a"]\n').is_json_form
    assert parse_dockerfile("HEALTHCHECK x\n").errors


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("FROM\n", "FROM requires either one or three arguments"),
        ("FROM a as\n", "FROM requires either one or three arguments"),
        ("FROM a\nRUNN x\n", "unknown instruction: RUNN"),
        ("FROM a\nCOPY x\n", "COPY requires at least two arguments"),
        ("FROM a\nENV A\n", "ENV must have two arguments"),
        ("FROM a\nENV A=1 B\n", "no = in B: the form is name=value"),
        ("FROM a\nSHELL bash\n", "SHELL requires its arguments in JSON form"),
        ('FROM a\nLABEL a="b\n', "a quote that is opened and never closed"),
    ],
)
def test_errors(text: str, message: str) -> None:
    errors = parse_dockerfile(text).errors
    assert [error.message for error in errors] == [message]
    assert text[: errors[0].offset].count("\n") == text.count("\n") - 1


@pytest.mark.parametrize("text", ["", "\n", "# only a comment\n", "words and words\n", "\\\n"])
def test_no_instructions(text: str) -> None:
    with pytest.raises(ParseError):
        parse_dockerfile(text)


def test_templates_are_read_for_what_they_show() -> None:
    text = "FROM {{ base }}\n{{ if x }}\nRUN make \\\n  {% if y %}\n  && a \\\n  {% endif %}\n  && b\n{{ end }}\n"
    found = parse_dockerfile(text, is_template=True)
    assert [one.keyword for one in found.instructions] == ["FROM", "RUN"]
    assert found.is_template
    assert not found.errors
    assert not found.placeholder_offsets
    assert found.instructions[1].arguments_text.text.split() == ["make", "&&", "a", "&&", "b"]


def test_marks_of_every_form_are_values_of_a_template() -> None:
    found = parse_dockerfile("FROM a:%%V%%\nUSER @U@\nEXPOSE <%= p %>\nSTOPSIGNAL @S@\n", is_template=True)
    assert not found.errors
    assert [one.words[0].is_variable for one in found.instructions] == [True] * 4
    assert [word.span for one in found.instructions for word in one.words] == [
        (5, 12), (18, 21), (29, 37), (49, 52)
    ]  # fmt: skip


FILLED_IN = ["{{ x }}", "{% if x %}", "<%= x %>", "%%X%%", "@X@", "${X}", "$X a b"]


@pytest.mark.parametrize("mark", FILLED_IN)
def test_a_place_for_an_instruction_hides_nothing_else(mark: str) -> None:
    text = f"FROM debian:13\n{mark}\nRUNN make\nCOPY a\n"
    found = parse_dockerfile(text)
    assert [text[: one.offset].count("\n") for one in found.errors] == [2, 3]
    assert found.placeholder_offsets == (15,)


@pytest.mark.parametrize("line", ["{{ x", "$(make)", "{{", "x {{ y }}"])
def test_other_words_are_unknown_instructions(line: str) -> None:
    found = parse_dockerfile(f"FROM debian:13\n{line}\n")
    assert [one.offset for one in found.errors] == [15]
    assert not found.placeholder_offsets


def test_in_other_files_the_builder_rules() -> None:
    found = parse_dockerfile("FROM a\nRUN echo \\\n  {% if x %}\nUSER b\n")
    assert [one.keyword for one in found.instructions] == ["FROM", "RUN", "USER"]
    assert "{% if x %}" in found.instructions[1].arguments_text.text


def test_byte_order_mark() -> None:
    assert only("\ufeffFROM a\n").keyword_span == (1, 5)


PIECES = st.sampled_from(
    'FROM a|RUN |CMD |["a", "b"]|\\|\\\n|\n|\r\n| |\t|# c|#|COPY |--from=x |<<EOF|<<-EOF|EOF\n'
    "|'|\"|$A|${A:-b}|ENV |A=b|ONBUILD |`\n|# escape=`\n|x|HEALTHCHECK |[|é|LABEL |\x0c|{{ x }}".split("|")
)


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=30).map("".join) | st.text(max_size=200))
def test_any_text(text: str) -> None:
    try:
        found = parse_dockerfile(text)
    except ParseError:
        return
    for instruction in found.instructions:
        keyword = text[instruction.keyword_span.start : instruction.keyword_span.end]
        assert "\n" in keyword or keyword.upper() == instruction.keyword
        for word in instruction.words:
            raw = text[word.span.start : word.span.end]
            assert raw == word.raw or "\n" in raw
        for flag in instruction.flags:
            assert text[flag.span.start : flag.span.start + 2] in ("--", "-\\", "-`")
        for doc in instruction.heredocs:
            assert 0 <= doc.body_span.start <= doc.body_span.end <= len(text)


@settings(max_examples=200, deadline=None)
@given(st.lists(PIECES, max_size=14).map(lambda parts: "FROM a\n" + "".join(parts)))
def test_agrees_with_the_parser_of_buildkit(text: str) -> None:
    theirs = pytest.importorskip("dockerfile", reason="the package `dockerfile` is not installed")
    try:
        wanted = theirs.parse_string(text)
    except theirs.GoParseError:
        return
    wanted = [one for one in wanted if (one.cmd or "").upper() in dockerfile.INSTRUCTION_KEYWORDS]
    got = parse_dockerfile(text).instructions
    assert [one.keyword for one in got] == [one.cmd.upper() for one in wanted]
    for mine, expected in zip(got, wanted, strict=True):
        line = text.count("\n", 0, mine.span.start) + 1
        assert expected.start_line <= line <= expected.end_line
        if mine.keyword in ("RUN", "CMD"):
            assert mine.is_json_form == expected.json
            if not mine.is_json_form and expected.value:
                assert mine.arguments_text.text.strip() == expected.value[0].strip()


def test_long_hostile_texts_take_linear_time() -> None:
    for text in ("FROM a\nRUN " + "${" * 50_000, "FROM a\nENV " + "A=$A " * 20_000):
        assert parse_dockerfile(text).instructions
    assert len(parse_dockerfile("FROM a\n" + "RUN \\\n" * 50_000).instructions) == 2


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("COPY --form=build a b", "COPY has no --form; did you mean '--from'?"),
        ("COPY --new-in-2030 a b", ""),
        (
            "HEALTHCHECK --interval=30 CMD x",
            "--interval takes a number with its unit (30s), not 30",
        ),
        ("HEALTHCHECK --timeout=$T CMD x", ""),
        ("HEALTHCHECK --retries=-1 CMD x", "--retries takes a number, not -1"),
        ("RUN --network=off x", "--network is one of default, none, host, not off"),
        ("RUN --mount=type=secrets,id=a x", "there is no mount of type secrets"),
        ("STOPSIGNAL SIGFOO", "there is no signal SIGFOO"),
        ("STOPSIGNAL 0", "there is no signal 0"),
        ("STOPSIGNAL sigterm", ""),
    ],
)
def test_options_that_the_builder_refuses(line: str, reason: str) -> None:
    found = parse_dockerfile(f"FROM a\n{line}\n").errors
    assert [error.message for error in found] == ([reason] if reason else [])
    assert not parse_dockerfile(f"# syntax=acme/frontend:1\nFROM a\n{line}\n").errors
