"""Environment files: what Docker reads in them, and where it stands. The expected values were held against the real one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readiness.syntax.dotenv import parse_dotenv, parse_raw_env_file, resolve_entries
from readiness.syntax.interpolation import UNKNOWN_VALUE_MARK

READ = {
    "plain": ("A=1\nB = b c \n", {"A": "1", "B": "b c"}),
    "a colon too": ("A: b\n", {"A": "b"}),
    "export": ("export A=1\n", {"A": "1"}),
    "comments": ("# no=1\nA=a#b #c\nB=#b\nC= #c\n", {"A": "a#b", "B": "#b", "C": "#c"}),
    "empty": ('A=\n\n\nB=""\n', {"A": "", "B": ""}),
    "single quotes hold back": (
        "A=1\nB='$A \\n it\\'s' # c\n",
        {"A": "1", "B": "$A \\n it's"},
    ),
    "double quotes": ('A="a\\tb\\\\c\\q\\0101\\061"\n', {"A": "a\tb\\c\\qA\\61"}),
    "over lines": ('A="x\ny"\nB=2', {"A": "x\ny", "B": "2"}),
    "two on a line": ("A='x' B=2", {"A": "x", "B": "2"}),
    "variables": (
        'A=x\nB=y$A\nC="\\$A ${A}"\nD=${U:-q}\nE=$$A\n',
        {"A": "x", "B": "yx", "C": "$A x", "D": "q", "E": "$A"},
    ),
    "unknown": ("A=a${U}b\nB\n", {"A": f"a{UNKNOWN_VALUE_MARK}b", "B": UNKNOWN_VALUE_MARK}),
    "unknown, so whether it is empty": (
        "A=$U\nB=${A:+r}\nC=${A:-r}\n",
        dict.fromkeys("ABC", UNKNOWN_VALUE_MARK),
    ),
    "the last counts": ("A=1\nA=2$A\n", {"A": "21"}),
    "a byte order mark and CRLF": ("\ufeffA=1\r\nB='2'\r\n", {"A": "1", "B": "2"}),
    "odd names": ("A-b.c[0]=1\né=2\n", {"A-b.c[0]": "1", "é": "2"}),
    "backticks are nothing": ("A=`x`\n", {"A": "`x`"}),
}


@pytest.mark.parametrize(("text", "values"), READ.values(), ids=READ)
def test_what_is_read(text: str, values: dict[str, str]) -> None:
    file = parse_dotenv(text)
    assert file.problem is None
    assert resolve_entries(file.entries) == values


REFUSED = {
    "a quote": ('A=1\nB="x\n', 6),
    "a blank in the name": ("A B=1\n", 1),
    "a sign in the name": ("A=1\na$b=1\n", 5),
    "a variable": ("A=${B\n", 2),
    "nothing exported": ("A=1\nexport ", 4),
}


@pytest.mark.parametrize(("text", "offset"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused(text: str, offset: int) -> None:
    problem = parse_dotenv(text).problem
    assert problem is not None
    assert problem.offset == offset


def test_places() -> None:
    text = "export A = 'x y' # c\r\nB=b$A\t\r\n"
    first, second = parse_dotenv(text).entries
    assert [text[one.name_span.start : one.name_span.end] for one in (first, second)] == ["A", "B"]
    assert [text[one.value_span.start : one.value_span.end] for one in (first, second)] == [
        "x y",
        "b$A",
    ]


def test_what_is_given_from_outside_goes_first() -> None:
    file = parse_dotenv("A=1\nB=$A\nC\n")
    assert resolve_entries(file.entries, {"A": "9", "C": "3"}) == {"A": "1", "B": "9", "C": "3"}


def test_the_raw_format() -> None:
    file = parse_raw_env_file("# c\nA='$B' #x\r\n\n  B=\"\nC\n")
    assert resolve_entries(file.entries) == {"A": "'$B' #x", "B": '"', "C": UNKNOWN_VALUE_MARK}
    assert parse_raw_env_file("A B=1\n").problem is not None


LINES = st.text(alphabet="AB=:'\"\\$#{}-? \n\r\texport1é\ufeff", max_size=80)


@given(LINES)
def test_no_text_raises_and_places_slice_back(text: str) -> None:
    for read in (parse_dotenv, parse_raw_env_file):
        file = read(text)
        resolve_entries(file.entries)
        for entry in file.entries:
            assert text[entry.name_span.start : entry.name_span.end] == entry.name
            written = text[entry.value_span.start : entry.value_span.end]
            assert entry.raw_value is None or "\\" in written or written == entry.raw_value
        if file.problem is not None:
            assert 0 <= file.problem.offset <= len(text)


@given(st.dictionaries(st.from_regex(r"[A-Z]{1,5}", fullmatch=True), st.text(max_size=20)))
def test_what_is_written_in_single_quotes_comes_back(values: dict[str, str]) -> None:
    kept = {name: text for name, text in values.items() if not set("'\\") & set(text)}
    text = "".join(f"{name}='{value}'\n" for name, value in kept.items())
    assert resolve_entries(parse_dotenv(text).entries) == kept


@pytest.mark.parametrize(
    "text",
    [
        "A=" + "x" * 3_000_000,
        "A='" + "\\'" * 1_000_000,
        "#\n" * 500_000,
        "A=1\n" + "A=$A$A\n" * 50_000,
        "A=" + "x" * 90_000 + "\n" + "B=$A$A$A\n" * 20_000,
        "A=" + "$A${A:-" * 100_000,
        " " * 1_000_000 + "=",
        "A\n" * 300_000,
        "A" * 1_000_000,
    ],
    ids=lambda text: f"{text[:12]!r}x{len(text)}",
)
def test_hostile_texts_grow_no_values(text: str) -> None:
    values = resolve_entries(parse_dotenv(text).entries)
    assert sum(map(len, values.values())) < 10_000_000
