"""nginx configuration: main files, files of conf.d and sites-*, templates for envsubst, fragments, `nginx -T` dumps."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

from readiness.kinds.nginx import recognition
from readiness.model import ParseError, Source
from readiness.syntax import nginx as syntax
from readiness.syntax import template
from readiness.syntax.nginx import Block, Directive
from readiness.syntax.nginx_heads import DATA

NAME = "nginx"
EXAMPLE = "nginx.conf"

FREE = DATA | {"match"}
"""Blocks whose lines are data, not directives."""

claims = recognition.claims

_DUMP = re.compile(r"^# configuration file (\S+):[ \t]*\r?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Scope:
    """A block, or a whole file: what stands between two braces is judged together."""

    source: Source
    node: Block

    container = ""

    @property
    def kind(self) -> str:
        """The directive that opens it: `http`, `server`, `location`; an empty string for a file."""
        return self.node.name

    @property
    def name(self) -> str:
        """What it is called: a server's first name, a location's path, a file's name."""
        owner = self.node.owner
        if owner is None:
            return posixpath.basename(self.source.path)
        if owner.name == "server":
            return next(
                (name for d in self.node.all("server_name") for name in d.args if name), "_"
            )
        return owner.value or owner.name

    @property
    def resource(self) -> str:
        """`server/example.com`, `location/= /health`; a file is `nginx/NAME`."""
        return f"{self.kind or 'nginx'}/{self.name}"

    @property
    def tls(self) -> bool:
        """Whether a server takes TLS connections: `listen ... ssl` or `quic`, or the old `ssl on`."""
        return is_tls_server(self.node)


@dataclass(frozen=True, slots=True)
class Statement:
    """One directive anywhere, for rules that need to see no more than it."""

    source: Source
    node: Directive
    plane: str = "http"  # `http`, `stream` or `mail`: where it works

    container = ""

    @property
    def name(self) -> str:
        """The directive's name."""
        return self.node.name

    @property
    def value(self) -> str:
        """The arguments, joined by blanks."""
        return self.node.value

    @property
    def count(self) -> int:
        """How many arguments it has."""
        return len(self.node.args)

    @property
    def within(self) -> str:
        """The name of the block that it stands in; an empty string at the top of a file."""
        return self.node.parent.name

    @property
    def resource(self) -> str:
        """The nearest server, upstream or location that it stands in."""
        return owner_of(self.node).resource


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed file; a dump of `nginx -T` is several files in one text, each a section under its own path."""

    source: Source
    sections: tuple[tuple[str, Block], ...]

    def walk(self) -> Iterator[Directive]:
        """Every directive, outer ones first; lines of blocks that hold data are none."""
        for _, block in self.sections:
            for directive in syntax.walk(block):
                if directive.parent.name not in FREE:
                    yield directive


def parse(source: Source) -> Document:
    """The document of a source. Raises ParseError.

    In a template by its name, a mark that nginx takes for the name of a directive has the words behind it for arguments, and the
    block behind it for its own: such a file is none of nginx's before the mark is filled in.
    """
    root = syntax.parse_nginx(source)
    if template.is_named(source.path):
        for directive in syntax.walk(root):
            if directive.name.startswith(("<%", "%%", "@")) and not directive.is_put_in:
                raise ParseError("a template's mark is no directive", directive.places[0].start)
    heads = list(_DUMP.finditer(source.text))
    if not heads:
        return Document(source, ((source.path, root),))
    sections = []
    for head, following in zip(heads, [*heads[1:], None], strict=True):
        end = following.start() if following else len(source.text)
        block = Block(source, None, head.end())
        block.end = end
        block.directives = [d for d in root.directives if head.end() <= d.places[0].start < end]
        for directive in block.directives:
            directive.parent = block
        sections.append((head[1], block))
    return Document(source, tuple(sections))


def unfilled(document: Document) -> int | None:
    """Where another program puts something in that nginx takes for a directive's name; None where there is no such place.

    `${X}` alone is none: the rest of the file is read, and what may stand there is known to be unknown.
    """
    places = [
        directive.places[0].start
        for directive in document.walk()
        if directive.is_mark and not (directive.is_put_in and directive.name.startswith("$"))
    ]
    return min(places, default=None)


def location_match(location: Directive) -> tuple[str, str]:
    """How a location matches, and what: (`=`, `^~`, `~`, `~*` or nothing, the path). `location =/a` needs no blank."""
    args = location.args
    if len(args) != 1:
        return (args[0], args[1]) if args else ("", "")
    sign = next((one for one in ("=", "^~", "~*", "~") if args[0].startswith(one)), "")
    return sign, args[0].removeprefix(sign).lstrip()


def is_catch_all(location: Directive) -> bool:
    """Whether it is the `location /` that takes what no other does."""
    sign, path = location_match(location)
    return location.name == "location" and path == "/" and sign in {"", "^~"}


def is_tls_server(block: Block) -> bool:
    """Whether a server block takes TLS connections."""
    return any({"ssl", "quic"} & set(d.args[1:]) for d in block.all("listen")) or any(
        d.value == "on" for d in block.all("ssl")
    )


def context_of(block: Block, known: dict[int, str] | None = None) -> str:
    """Whether a block belongs to `http`, `stream` or `mail`, by what encloses it in its file, else by what is in it.

    `known` keeps the answers for the next question.
    """
    known = {} if known is None else known
    path: list[Block] = []
    current: Block | None = block
    answer = "http"
    while current is not None:
        if id(current) in known:
            answer = known[id(current)]
            break
        path.append(current)
        context = _context_by_directives(current)
        if context:
            answer = context
            break
        current = current.parent
    known.update((id(one), answer) for one in path)
    return answer


def _context_by_directives(block: Block) -> str:
    if block.name in {"http", "stream", "mail"}:
        return block.name
    if block.name != "server":
        return ""
    names = {d.name for d in block.directives}
    if names & {"proxy_pass", "ssl_preread"}:
        return "stream"  # in http, proxy_pass stands in locations only
    return "mail" if names & {"protocol", "smtp_auth"} else ""


def owner_of(directive: Directive) -> Scope:
    """The nearest named block around a directive."""
    block: Block = directive.parent
    while block.parent is not None and block.name not in {"server", "upstream", "location"}:
        block = block.parent
    return Scope(block.source, block)


def _scopes(document: Document, *names: str) -> Iterator[Scope]:
    for directive in document.walk():
        if directive.block is not None and directive.name in names:
            yield Scope(document.source, directive.block)


def files(document: Document) -> Iterator[Scope]:
    """The file itself; of a dump each file in it."""
    for _, block in document.sections:
        yield Scope(document.source, block)


def https(document: Document) -> Iterator[Scope]:
    """The `http` blocks of a file, each as a scope."""
    return _scopes(document, "http")


def streams(document: Document) -> Iterator[Scope]:
    """`stream` blocks."""
    return _scopes(document, "stream")


def servers(document: Document) -> Iterator[Scope]:
    """`server` blocks of http."""
    known: dict[int, str] = {}
    return (
        scope for scope in _scopes(document, "server") if context_of(scope.node, known) == "http"
    )


def locations(document: Document) -> Iterator[Scope]:
    """`location` blocks."""
    return _scopes(document, "location")


def upstreams(document: Document) -> Iterator[Scope]:
    """`upstream` blocks."""
    return _scopes(document, "upstream")


def ifs(document: Document) -> Iterator[Scope]:
    """The `if` blocks of a file, each as a scope."""
    return _scopes(document, "if")


def maps(document: Document) -> Iterator[Scope]:
    """`map` and `geo` blocks."""
    return _scopes(document, "map", "geo")


def blocks(document: Document) -> Iterator[Scope]:
    """The blocks in which http's directives may stand, and the files."""
    yield from files(document)
    known: dict[int, str] = {}
    for scope in _scopes(document, "http", "server", "location", "if", "limit_except"):
        if context_of(scope.node, known) == "http":
            yield scope


def directives(document: Document) -> Iterator[Statement]:
    """Every directive."""
    known: dict[int, str] = {}
    for directive in document.walk():
        yield Statement(document.source, directive, context_of(directive.parent, known))


TARGETS = {
    "nginx.file": files,
    "nginx.http": https,
    "nginx.stream": streams,
    "nginx.server": servers,
    "nginx.location": locations,
    "nginx.upstream": upstreams,
    "nginx.if": ifs,
    "nginx.map": maps,
    "nginx.block": blocks,
    "nginx.directive": directives,
}
