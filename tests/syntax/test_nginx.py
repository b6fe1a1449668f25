"""The nginx parser: nginx's own lexical rules, exact places, and no surprise on any input."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readiness.model import ParseError, Source, Span
from readiness.syntax.nginx import (
    MAX_BLOCK_DEPTH,
    Block,
    Directive,
    parse_nginx,
    unescape_word,
    walk_directives,
)
from tests.effort import effort


def read(text: str) -> Block:
    return parse_nginx(Source("nginx.conf", text))


def first(text: str) -> Directive:
    return read(text).directives[0]


WORDS = {
    "plain": ("listen 80 default_server;", ["80", "default_server"]),
    "no blank before the brace": ("server{}", []),
    "double quotes": ('add_header X "a b;{}";', ["X", "a b;{}"]),
    "single quotes": ("add_header X 'a \"b\"';", ["X", 'a "b"']),
    "escaped quote": (r'return 200 "a\"b";', ["200", 'a"b']),
    "escapes that nginx knows": (r'return 200 "a\nb\td\\e";', ["200", "a\nb\td\\e"]),
    "escapes that it leaves": (r"rewrite ^/a\.b\d$ /c;", [r"^/a\.b\d$", "/c"]),
    "escaped semicolon": (r"return 200 a\;b;", ["200", r"a\;b"]),
    "escaped blank": (r"return 200 a\ b;", ["200", r"a\ b"]),
    "braces after a dollar": ("proxy_pass http://${HOST}:80;", ["http://${HOST}:80"]),
    "closing brace in a word": ("rewrite a}b c;", ["a}b", "c"]),
    "hash in a word": ("return 200 a#b;", ["200", "a#b"]),
    "quotes in a word": ("return 200 a\"b'c;", ["200", "a\"b'c"]),
    "quoted expression": ('rewrite "^/a{2}$" /b;', ["^/a{2}$", "/b"]),
    "several lines": ("log_format main 'a'\n  'b'\n  'c';", ["main", "a", "b", "c"]),
    "line break in quotes": ('add_header X "a\n b";', ["X", "a\n b"]),
    "Windows": ("listen\r\n 80;\r\n", ["80"]),
    "comment between words": ("listen # why; {\n 80;", ["80"]),
    "byte order mark": ("\ufefflisten 80;", ["80"]),
    "empty text": ('return 200 "";', ["200", ""]),
    "other blanks are letters": ("return 200 a\x0bb\u00a0c;", ["200", "a\x0bb\u00a0c"]),
}


@pytest.mark.parametrize(("text", "args"), WORDS.values(), ids=WORDS)
def test_words(text: str, args: list[str]) -> None:
    assert list(first(text).args) == args


def test_condition_ends_after_a_quote() -> None:
    assert first('if ($a = "b") { return 403; }').args == ("($a", "=", "b", ")")


PUT_IN = {
    "a variable": ("a.conf", "${X}\nlisten 80;", ["${X}", "listen"]),
    "without braces": ("a.conf", "$X\nlisten 80;", ["$X", "listen"]),
    "several": ("a.conf", "${X} ${Y} # why\r\nlisten 80;", ["${X} ${Y}", "listen"]),
    "at the end of a block": ("a.conf", "server {\n ${X}\n}", ["server", "${X}"]),
    "at the end": ("a.conf", "listen 80;\n${X}", ["listen", "${X}"]),
    "with its end": ("a.conf", "${X};\nlisten 80;", ["${X}", "listen"]),
    "words of a template": ("a.conf.in", "%%A%%\n@B@\n__C_D__\nlisten 80;", ["%%A%%", "@B@", "__C_D__", "listen"]),
    "capitals of a template": ("a.template", "TLS_CONFIG\nlisten 80;\nserver {\nQUIC_2 # a script\n}", ["TLS_CONFIG", "listen", "server", "QUIC_2"]),
    "capitals elsewhere": ("a.conf", "TLS_CONFIG\nlisten 80;", ["TLS_CONFIG"]),
    "capitals with a value": ("a.template", "TLS_CONFIG on;\nlisten 80;", ["TLS_CONFIG", "listen"]),
    "capitals that are data": ("a.template", "map $a $b { GET_ONE 1; POST 2; }", ["map", "GET_ONE", "POST"]),
    "words elsewhere": ("a.conf", "@B@\nlisten 80;", ["@B@"]),
    "an argument": ("a.conf", "proxy_pass\n${X}\n;", ["proxy_pass"]),
    "behind an argument": ("a.conf", "proxy_pass http://${B}\nlisten 80;", ["proxy_pass"]),
    "a variable of nginx": ("a.conf", "$host\nlisten 80;", ["$host"]),
}  # fmt: skip


@pytest.mark.parametrize(("path", "text", "names"), PUT_IN.values(), ids=PUT_IN)
def test_what_stands_for_a_directive(path: str, text: str, names: list[str]) -> None:
    assert [one.name for one in walk_directives(parse_nginx(Source(path, text)))] == names


def test_dots_in_prose_stand_for_directives() -> None:
    text = "server {\n  ...\n  listen 80;\n}\n"
    prose = Source("a.md#1/nginx.conf", text, parent=Source("a.md", text))
    server = parse_nginx(prose).directives[0].block
    assert server is not None
    assert [(one.name, one.is_directives_placeholder) for one in server.directives] == [
        ("...", True),
        ("listen", False),
    ]


ERRORS = {
    "lone semicolon": (";", 'unexpected ";"', 0),
    "lone brace": ("{", 'unexpected "{"', 0),
    "closed too often": ("server {}\n}", 'unexpected "}"', 10),
    "line without an end before a brace": ("server {\n listen 80\n}", 'unexpected "}"', 20),
    "block without an end": (
        "http {\n server {\n }\n",
        'unexpected end of file, expecting "}"',
        20,
    ),
    "word without an end": ("listen 80", 'unexpected end of file, expecting ";" or "}"', 9),
    "quote without an end": (
        'return 200 "a;',
        'unexpected end of file, missing terminating " character',
        11,
    ),
    "letters after a quote": ('return 200 "a"b;', 'unexpected "b"', 14),
    "simple directive with a block": (
        "server {\n listen 80\n location / {}\n}",
        'directive "listen" is not terminated by ";"',
        10,
    ),
    "block directive without one": ("location /;", 'directive "location" has no opening "{"', 0),
    "block in a map": ("map $a $b {\n ~^a{2} 1;\n}", 'unexpected "{"', 16),
    "backslash at the end": ("return 200 \\", 'unexpected end of file, expecting ";" or "}"', 11),
    "Lua without an end": (
        "access_by_lua_block { if a then {",
        'unexpected end of file, expecting "}"',
        33,
    ),
}


@pytest.mark.parametrize(("text", "reason", "offset"), ERRORS.values(), ids=ERRORS)
def test_errors(text: str, reason: str, offset: int) -> None:
    with pytest.raises(ParseError) as caught:
        read(text)
    assert (caught.value.message, caught.value.offset) == (reason, offset)


def test_places() -> None:
    text = "http {\n  add_header X 'a b' always;\n}\n"
    http = first(text)
    header = http.block.directives[0] if http.block else http
    assert [text[span.start : span.end] for span in header.places] == [
        "add_header",
        "X",
        "'a b'",
        "always",
    ]
    assert text[slice(*header.at())] == "add_header X 'a b' always;"
    assert text[slice(*header.at("value"))] == "X 'a b' always"
    assert text[slice(*header.head_span)] == "add_header X 'a b' always"
    assert text[slice(*http.at())] == text.rstrip()
    assert text[slice(*http.head_span)] == "http"
    assert header.at(9) == header.at()
    assert (header.get(2), header.get(9, "-"), header.get("value"), header.get("args")) == (
        "a b",
        "-",
        "X a b always",
        ["X", "a b", "always"],
    )


def test_lua_is_one_argument() -> None:
    lua = """
        -- a comment with } and 'a quote [[
        local a = { "}", '}', [[ } ]], [==[ } ]] ]==] }
        --[[ } ]]
        if a then ngx.exit(403) end
    """
    block = read("location / {\n access_by_lua_block {" + lua + "}\n return 204;\n}").directives[0].block
    assert block is not None
    assert [(d.name, d.args) for d in block.directives] == [
        ("access_by_lua_block", (lua,)),
        ("return", ("204",)),
    ]


def test_value_in_force() -> None:
    root = read(
        """
        http {
            server_tokens off;
            add_header A 1;
            server {
                listen 80;
                listen [::]:80;
                location / { add_header B 2; }
                location /b { root /b; }
            }
        }
        """
    )
    http = root.get("http")[0]
    server = http.get("server")[0]
    first, two = server.get("location")
    assert first.get("server_tokens") == "off"
    assert (first.get("add_header"), two.get("add_header")) == (["B 2"], ["A 1"])
    assert server.get("listen") == ["80", "[::]:80"]
    assert first.get("listen") is None
    assert first.get("proxy_pass", "-") == "-"
    assert root.source.text[slice(*two.at("add_header"))] == "A 1"
    assert root.source.text[slice(*two.at("root"))] == "/b"
    assert root.source.text[slice(*first.at("proxy_pass"))] == "location /"


@pytest.mark.parametrize("depth", [MAX_BLOCK_DEPTH, MAX_BLOCK_DEPTH + 1, 100_000])
def test_depth(depth: int) -> None:
    text = "a {" * depth + "}" * depth
    if depth > MAX_BLOCK_DEPTH:
        with pytest.raises(ParseError, match="blocks inside each other"):
            read(text)
    else:
        assert sum(1 for _ in walk_directives(read(text))) == depth


HOSTILE = [
    "\\" * 50_000,
    "$" * 50_000,
    "${" * 50_000,
    '"' + "\\" * 50_000,
    "a" * 50_000 + ";",
    "#" * 50_000,
    "; " * 9,
    "[" * 50_000,
]


@pytest.mark.parametrize("text", [*HOSTILE, *("content_by_lua_block {" + text for text in HOSTILE)])
def test_hostile_input_is_linear(text: str) -> None:
    def judge() -> None:
        with contextlib.suppress(ParseError):
            read(text)

    assert effort(judge) < 6 * len(text) + 1000


PIECES = st.lists(
    st.sampled_from(
        [
            "server",
            "location",
            "/",
            "{",
            "}",
            ";",
            " ",
            "\n",
            "\r\n",
            '"',
            "'",
            "\\",
            "$",
            "${",
            "#",
            "map",
            "lua_by_lua_block",
            "é",
            "~",
            ")",
        ]
    ),
    max_size=40,
)


def attempt(text: str) -> tuple[Block, int]:
    """The tree, or an empty one and the place of the error."""
    try:
        return read(text), 0
    except ParseError as error:
        return read(""), error.offset


@given(st.one_of(st.text(max_size=80), PIECES.map("".join)))
def test_no_input_raises_anything_else(text: str) -> None:
    root, offset = attempt(text)
    assert 0 <= offset <= len(text)
    for directive in walk_directives(root):
        assert text[slice(*directive.at(0))].strip("\"'") or directive.args or directive.name == ""
        for number, (word, span) in enumerate(zip((directive.name, *directive.args), directive.places, strict=True)):
            raw = text[span.start : span.end]
            if directive.name.endswith("_by_lua_block") and number == len(directive.args):
                assert raw == word
            else:
                assert unescape_word(raw[1:-1] if raw[:1] in {'"', "'"} else raw) == word
        assert directive.at().end <= len(text)


@given(
    st.lists(
        st.lists(
            st.text(alphabet=st.characters(exclude_characters="\0\\"), max_size=12),
            min_size=1,
            max_size=4,
        ),
        max_size=6,
    )
)
def test_quoted_words_come_back(lines: list[list[str]]) -> None:
    def quoted(word: str) -> str:
        return '"' + word.replace('"', '\\"') + '"'

    text = "".join("d " + " ".join(quoted(word) for word in line) + ";\n" for line in lines)
    assert [list(d.args) for d in read(text).directives] == lines


def test_agrees_with_crossplane(shared: Path) -> None:
    lex = pytest.importorskip("crossplane").lex
    for path in sorted((shared / "corpus").rglob("*.conf")):
        text = path.read_text(encoding="utf-8")
        try:
            root = read(text)
        except ParseError:
            continue
        theirs = [token for token, _, _ in lex(str(path)) if token not in {";", "{", "}"} and not token.startswith("#")]
        ours = [word for d in walk_directives(root) for word in (d.name, *d.args)]
        # crossplane keeps the escapes and does not end a word at a quote: only texts without either are compared
        if "\\" not in text and '"' not in text and "#" not in text:
            assert ours == theirs, path.name


def test_long_files_are_linear() -> None:
    text = "server {\n    listen 80 default_server;\n    server_name example.com;\n    location / { proxy_pass http://app; }\n}\n"
    assert effort(lambda: read(text * 1000)) < effort(lambda: read(text * 100)) * 11


def test_span_type() -> None:
    assert isinstance(first("a b;").at(1), Span)
