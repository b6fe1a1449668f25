"""The nginx configuration language with places: directives, their arguments and blocks, as nginx itself splits them.

The lexical rules are those of nginx's `src/core/ngx_conf_file.c`: a word ends at a blank, `;` or `{`; `${` does not open
a block; a backslash keeps the next character; after a closing quote only a blank, `;`, `{` or `)` may follow.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from readiness.model import OverLimitError, ParseError, Source, Span
from readiness.model.lazy_regex import lazy_regex
from readiness.syntax.nginx_heads import DATA_BLOCK_NAMES
from readiness.syntax.template import is_named_as_template

MAX_BLOCK_DEPTH = 100
"""Blocks in blocks: far more than any real configuration, and a bound for everything that walks up."""

# Possessive quantifiers: a token is matched once, whatever the input. Groups: word, mark, "...", '...', comment.
_NGINX_TOKEN_PATTERN = lazy_regex(
    r"""[ \t\r\n]*+(?:
      ((?:\\[\s\S]|\$\{*+|[^ \t\r\n;{}\#"'\\$])(?:[^ \t\r\n;{\\$]++|\\[\s\S]|\$\{*+)*+)
    | ([;{}])
    | "((?:[^"\\]++|\\[\s\S])*+)"
    | '((?:[^'\\]++|\\[\s\S])*+)'
    | (\#[^\n]*+)
    )""",
    re.VERBOSE,
)
_WORD_GROUP, _PUNCTUATION_GROUP, _DOUBLE_QUOTED_GROUP, _SINGLE_QUOTED_GROUP, _COMMENT_GROUP = 1, 2, 3, 4, 5
_BLANKS = lazy_regex(r"[ \t\r\n]*+")
_ESCAPE_SEQUENCE = lazy_regex(r"""\\(["'\\trn])""")
_CHARACTER_BY_ESCAPE = {"t": "\t", "r": "\r", "n": "\n"}
_LUA_TOKEN_PATTERN = lazy_regex(
    r"""[^{}"'\[\]-]++ | --\[(=*)\[ | --[^\n]*+ | \[(=*)\[
    | "(?:[^"\\\n]++|\\[\s\S])*+"? | '(?:[^'\\\n]++|\\[\s\S])*+'? | ([{}]) | [\s\S]""",
    re.VERBOSE,
)
# What another program puts a directive into, or nothing: alone on its line, nothing open before it, no name of nginx. Templates
# have the words of other programs, too, prose has dots for what is left out. One of several.
_ENVSUBST_VARIABLE = r"\$\{\w++\}|\$[A-Z][A-Z0-9_]*+"
_PLACEHOLDER_LINE_BY_FORM = {
    "": lazy_regex(rf"(?:{_ENVSUBST_VARIABLE})[ \t]*+"),
    "template": lazy_regex(rf"(?:{_ENVSUBST_VARIABLE}|%%\w++%%|@\w++@|__[A-Za-z0-9]++(?:_[A-Za-z0-9]++)*+__|[A-Z][A-Z0-9_]{{2,60}}+)[ \t]*+"),
    "prose": lazy_regex(rf"(?:{_ENVSUBST_VARIABLE}|\.\.\.|…)[ \t]*+"),
}
_PLACEHOLDER_START = lazy_regex(r"[$@…]|<%|%%|__|\.\.\.")
# Words that nginx never takes as a simple directive or as a block: enough of them to name the usual slip, a
# missing semicolon. In the blocks of DATA_BLOCK_NAMES the first word of a line is data.
_BLOCK_ONLY_NAMES = frozenset(
    {
        "http",
        "events",
        "location",
        "if",
        "upstream",
        "map",
        "geo",
        "limit_except",
        "split_clients",
        "types",
    }
)
_SIMPLE_ONLY_NAMES = frozenset(
    """access_log add_header alias allow autoindex client_max_body_size default_type deny error_log error_page expires
    fastcgi_pass fastcgi_param gzip include index listen log_format proxy_pass proxy_set_header proxy_read_timeout
    resolver return rewrite root sendfile server_name server_tokens set ssl_certificate ssl_certificate_key
    ssl_protocols ssl_ciphers try_files user keepalive_timeout worker_connections worker_processes uwsgi_pass""".split()
)

REPEATABLE_DIRECTIVES = frozenset(
    """access_log add_header add_trailer allow auth_http_header deny env error_log error_page fastcgi_hide_header
    fastcgi_ignore_headers fastcgi_no_cache fastcgi_param fastcgi_pass_header geo grpc_hide_header grpc_pass_header
    grpc_set_header if include js_import js_set limit_conn limit_conn_zone limit_except limit_req limit_req_zone
    listen load_module location log_format map more_set_headers more_clear_headers more_set_input_headers
    proxy_cache_path proxy_cookie_domain proxy_cookie_flags proxy_cookie_path proxy_hide_header proxy_no_cache
    proxy_pass_header proxy_redirect proxy_set_header return rewrite scgi_param secure_link server server_name set
    set_real_ip_from split_clients ssl_certificate ssl_certificate_key ssl_conf_command status_zone sub_filter
    upstream uwsgi_param uwsgi_pass_header""".split()
)
"""Directives that may stand several times at one level: `get` answers with a list."""

NON_INHERITED_DIRECTIVES = frozenset(
    """alias break fastcgi_pass grpc_pass internal listen memcached_pass proxy_pass return rewrite scgi_pass server
    server_name set stub_status try_files uwsgi_pass include location if upstream map geo limit_except events http
    stream mail empty_gif mp4 flv perl content_by_lua_block content_by_lua_file content_by_lua js_content api
    dav_methods ssl_preread split_clients types""".split()
)
"""Directives that hold where they stand: an inner block does not inherit them."""


class Directive:
    """One directive: its words, their places, and the block that it opens, if any.

    `arguments` are the words after the name as nginx sees them, unquoted and unescaped. `at()` is the whole directive with
    its `;` or braces, `at(0)` the name, `at(1)` the first argument as written, quotes included.
    """

    __slots__ = ("args", "block", "end", "name", "parent", "places")

    name: str
    arguments: tuple[str, ...]
    word_spans: tuple[Span, ...]
    end: int
    parent: Block
    block: Block | None

    def __init__(self, words: list[str], word_spans: list[Span], directive_end: int, enclosing_block: Block) -> None:
        self.name = words[0]
        self.args = tuple(words[1:])
        self.places = tuple(word_spans)
        self.end = directive_end
        self.parent = enclosing_block
        self.block = None

    def __repr__(self) -> str:
        return f"<{' '.join((self.name, *self.args))}{' {...}' if self.block else ''}>"

    @property
    def source(self) -> Source:
        """The file that it stands in."""
        return self.parent.source

    @property
    def joined_arguments(self) -> str:
        """The arguments as one string, a blank between them."""
        return " ".join(self.args)

    def get(self, word_index_or_fact_name: str | int, default: Any = None, /) -> Any:
        """The argument of that number (from 1; 0 is the name); `name`, `args` and `value` go by their names."""
        if isinstance(word_index_or_fact_name, int):
            words = (self.name, *self.args)
            return words[word_index_or_fact_name] if 0 <= word_index_or_fact_name < len(words) else default
        if word_index_or_fact_name in {"name", "args", "value"}:
            return {"name": self.name, "args": list(self.args), "value": self.joined_arguments}[word_index_or_fact_name]
        return default

    def at(self, word_index_or_fact_name: Any = None, /) -> Span:
        """The place of the word of that number, of all arguments (`args`, `value`), or of the whole directive."""
        if isinstance(word_index_or_fact_name, int) and 0 <= word_index_or_fact_name < len(self.places):
            return self.places[word_index_or_fact_name]
        if word_index_or_fact_name == "name":
            return self.places[0]
        if word_index_or_fact_name in {"args", "value"} and self.args:
            return Span(self.places[1].start, self.places[-1].end)
        return Span(self.places[0].start, self.end)

    @property
    def is_mark(self) -> bool:
        """Whether its name is no name but a place where another program puts something in."""
        return _PLACEHOLDER_START.match(self.name) is not None or self.is_constant_mark

    @property
    def is_constant_mark(self) -> bool:
        """Whether it is a word of capitals alone on its line in a template, as in `TLS_CONFIG`: no directive of nginx is called so."""
        return self.block is None and self.end == self.places[0].end and self.name.isupper()

    @property
    def is_directives_placeholder(self) -> bool:
        """Whether it stands for whole directives that another program puts in: nobody can tell which."""
        return not self.args and self.block is None and self.is_mark

    @property
    def head_span(self) -> Span:
        """The name and the arguments, without `;` or block."""
        return Span(self.places[0].start, self.places[-1].end)


class Block:
    """The directives between two braces; the whole file for the outermost one.

    `get(key)` is the value in force: the arguments joined by blanks, found here or, where nginx lets the directive be
    inherited, in the nearest enclosing block of the same file. It is a list (of strings, or of blocks for a directive
    that opens one) where a directive may be repeated; such directives are inherited only as a whole, when the inner
    block has none of them. `at(key)` is the place of those arguments, else of the block.
    """

    __slots__ = ("_by_name", "directives", "end", "owner", "source", "start")

    def __init__(self, source: Source, opening_directive: Directive | None, block_start: int) -> None:
        self.source = source
        self.owner = opening_directive
        self.start = block_start
        self.end = block_start
        self.directives: list[Directive] = []
        self._by_name: tuple[int, dict[str, list[Directive]]] = (0, {})

    def __repr__(self) -> str:
        return f"<block of {self.owner!r}, {len(self.directives)} directives>"

    @property
    def opening_directive_name(self) -> str:
        """The directive that opens the block; an empty string for the file."""
        return self.owner.name if self.owner else ""

    @property
    def enclosing_block(self) -> Block | None:
        """The enclosing block of the same file."""
        return self.owner.parent if self.owner else None

    def directives_named(self, *names: str) -> list[Directive]:
        """The directives of these names that stand in this block itself."""
        if len(names) == 1:
            return self._directives_by_name().get(names[0], [])
        found_directives = [d for name in dict.fromkeys(names) for d in self._directives_by_name().get(name, ())]
        return sorted(found_directives, key=lambda each: each.places[0].start)

    def _directives_by_name(self) -> dict[str, list[Directive]]:
        """The directives in this block itself by name, made anew where some were added since."""
        if self._by_name[0] != len(self.directives):
            by_name: dict[str, list[Directive]] = {}
            for directive in self.directives:
                by_name.setdefault(directive.name, []).append(directive)
            self._by_name = len(self.directives), by_name
        return self._by_name[1]

    def directives_in_force(self, directive_name: str) -> list[Directive]:
        """The directives of that name in force in this block: its own, else the nearest enclosing block's."""
        searched_block: Block | None = self
        while searched_block is not None:
            own_directives = searched_block.directives_named(directive_name)
            if own_directives or directive_name in NON_INHERITED_DIRECTIVES:
                return own_directives
            searched_block = searched_block.enclosing_block
        return []

    def get(self, directive_name: str, default: Any = None, /) -> Any:
        """The value in force under `directive_name`, as the class says, or the default."""
        directives = self.directives_in_force(directive_name)
        if not directives:
            return default
        if any(d.block for d in directives):
            return [d.block for d in directives if d.block]
        return [d.joined_arguments for d in directives] if directive_name in REPEATABLE_DIRECTIVES else directives[-1].joined_arguments

    def at(self, directive_name: Any = None, /) -> Span:
        """The place of the arguments in force under `directive_name`; the directive that opens the block where there are none."""
        if isinstance(directive_name, str):
            directives = self.directives_in_force(directive_name)
            if directives:
                return directives[-1].head_span if directives[-1].block else directives[-1].at("value")
        return self.owner.head_span if self.owner else Span(self.start, self.end)


def walk_directives(root_block: Block) -> Iterator[Directive]:
    """Every directive under a block, outer ones first, in the order of the text."""
    directive_iterators = [iter(root_block.directives)]
    while directive_iterators:
        directive = next(directive_iterators[-1], None)
        if directive is None:
            directive_iterators.pop()
            continue
        yield directive
        if directive.block is not None:
            directive_iterators.append(iter(directive.block.directives))


def unescape_word(text: str) -> str:
    r"""A word as nginx stores it: `\"`, `\'`, `\\`, `\t`, `\r` and `\n` are replaced, other backslashes stay."""
    if "\\" not in text:
        return text
    return _ESCAPE_SEQUENCE.sub(lambda match: _CHARACTER_BY_ESCAPE.get(match[1], match[1]), text)


def parse_nginx(source: Source) -> Block:
    """The directives of a file. Raises ParseError, with nginx's words for the reason.

    `${X}` alone on a line, where a directive may begin, is a directive by itself: see `Directive.is_directives_placeholder`.
    """
    text = source.text
    text_length = len(text)
    root_block = current_block = Block(source, None, 0)
    root_block.end = text_length
    block_depth = 0
    words: list[str] = []
    word_spans: list[Span] = []
    match_token = _NGINX_TOKEN_PATTERN.match
    offset = 1 if text.startswith("\ufeff") else 0
    while (token := match_token(text, offset)) is not None:
        token_group = token.lastindex
        offset = token.end()
        if token_group == _WORD_GROUP:
            raw_word = token[1]
            if not words and (placeholder_line_end := _read_placeholder_line(source, current_block, token.start(1))):
                offset = placeholder_line_end
                continue
            words.append(unescape_word(raw_word) if "\\" in raw_word else raw_word)
            word_spans.append(Span(token.start(1), offset))
        elif token_group == _PUNCTUATION_GROUP:
            punctuation = token[2]
            if punctuation == ";":
                _check_simple_directive(words, word_spans, current_block, offset)
                current_block.directives.append(Directive(words, word_spans, offset, current_block))
                words, word_spans = [], []
            elif punctuation == "{":
                directive = _open_block(words, word_spans, current_block, offset)
                words, word_spans = [], []
                if directive.name.endswith("_by_lua_block"):
                    offset = directive.end = _read_lua_block(directive, text, offset)
                    continue
                current_block, block_depth = directive.block or current_block, block_depth + 1
                if block_depth > MAX_BLOCK_DEPTH:
                    raise OverLimitError(f"it has more than {MAX_BLOCK_DEPTH} blocks inside each other", offset - 1)
            else:
                if words or current_block.owner is None:
                    raise ParseError('unexpected "}"', offset - 1)
                current_block.end = current_block.owner.end = offset
                current_block, block_depth = current_block.owner.parent, block_depth - 1
        elif token_group != _COMMENT_GROUP:
            words.append(unescape_word(token[token_group or 0]))
            word_spans.append(Span(token.start(token_group or 0) - 1, offset))
            if offset < text_length and text[offset] not in " \t\r\n;{)":
                raise ParseError(f'unexpected "{text[offset]}"', offset)
    _check_nothing_left_open(text, offset, current_block, words, word_spans)
    return root_block


def _read_placeholder_line(source: Source, block: Block, word_start: int) -> int:
    """Take what stands for whole directives as one; the offset after it, 0 where the word at `word_start` is another.

    It stands alone on its line, and no `;` or `{` follows: that would be the end of a directive begun by it.
    """
    text = source.text
    if not (_PLACEHOLDER_START.match(text, word_start) or text[word_start].isupper()):
        return 0
    placeholder_form = "prose" if source.parent is not None and not source.parent.kind else "template" if is_named_as_template(source.path) else ""
    placeholders_end = word_start
    while (match := _PLACEHOLDER_LINE_BY_FORM[placeholder_form].match(text, placeholders_end)) is not None:
        placeholders_end = match.end()
    if placeholders_end == word_start or text[placeholders_end : placeholders_end + 1] not in {"\r", "\n", "#", ""}:
        return 0
    blanks_match = _BLANKS.match(text, placeholders_end)
    if text.startswith((";", "{"), blanks_match.end() if blanks_match else placeholders_end):
        return 0
    placeholder_text = text[word_start:placeholders_end].rstrip()
    placeholder_end = word_start + len(placeholder_text)
    block.directives.append(Directive([placeholder_text], [Span(word_start, placeholder_end)], placeholder_end, block))
    return placeholders_end


def _check_simple_directive(words: list[str], word_spans: list[Span], enclosing_block: Block, offset: int) -> None:
    """A `;` was met: there must be words, and not those of a block."""
    if not words:
        raise ParseError('unexpected ";"', offset - 1)
    if words[0] in _BLOCK_ONLY_NAMES and enclosing_block.opening_directive_name not in DATA_BLOCK_NAMES:
        raise ParseError(f'directive "{words[0]}" has no opening "{{"', word_spans[0].start)


def _open_block(words: list[str], word_spans: list[Span], enclosing_block: Block, offset: int) -> Directive:
    """The directive whose `{` was met, with its block begun."""
    if not words:
        raise ParseError('unexpected "{"', offset - 1)
    if enclosing_block.opening_directive_name in DATA_BLOCK_NAMES:
        raise ParseError('unexpected "{"', offset - 1)
    if words[0] in _SIMPLE_ONLY_NAMES:
        raise ParseError(f'directive "{words[0]}" is not terminated by ";"', word_spans[0].start)
    directive = Directive(words, word_spans, offset, enclosing_block)
    directive.block = Block(enclosing_block.source, directive, offset - 1)
    enclosing_block.directives.append(directive)
    return directive


def _read_lua_block(directive: Directive, text: str, offset: int) -> int:
    """Take the Lua code of a `*_by_lua_block` as its last argument; the offset after the closing brace."""
    code_start, brace_depth = offset, 1
    while (token_match := _LUA_TOKEN_PATTERN.match(text, offset)) is not None:
        offset = token_match.end()
        if token_match[3] == "{":
            brace_depth += 1
        elif token_match[3] == "}":
            brace_depth -= 1
            if brace_depth == 0:
                directive.block = None
                directive.args = (*directive.args, text[code_start : offset - 1])
                directive.places = (*directive.places, Span(code_start, offset - 1))
                return offset
        elif token_match[1] is not None or token_match[2] is not None:  # [[ ... ]], [=[ ... ]=], --[[ ... ]]
            equals_signs = token_match[1] if token_match[1] is not None else token_match[2]
            closing_bracket_offset = text.find(f"]{equals_signs}]", offset)
            if closing_bracket_offset < 0:
                break
            offset = closing_bracket_offset + len(equals_signs) + 2
    raise ParseError('unexpected end of file, expecting "}"', len(text))


def _check_nothing_left_open(text: str, offset: int, innermost_open_block: Block, words: list[str], word_spans: list[Span]) -> None:
    """No token follows: nothing may be left open."""
    blanks_match = _BLANKS.match(text, offset)
    unread_offset = blanks_match.end() if blanks_match else offset
    if unread_offset < len(text):
        if text[unread_offset] in "\"'":
            raise ParseError(f"unexpected end of file, missing terminating {text[unread_offset]} character", unread_offset)
        raise ParseError('unexpected end of file, expecting ";" or "}"', unread_offset)
    if words:
        raise ParseError('unexpected end of file, expecting ";" or "}"', word_spans[-1].end)
    if innermost_open_block.owner is not None:
        raise ParseError('unexpected end of file, expecting "}"', len(text))
