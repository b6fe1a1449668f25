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
from readiness.syntax.nginx_heads import DATA_BLOCK_NAMES

KIND_NAME = "nginx"
EXAMPLE_PATH = "nginx.conf"

DATA_BLOCKS = DATA_BLOCK_NAMES | {"match"}
"""Blocks whose lines are data, not directives."""

recognizes_file = recognition.recognizes_file

_DUMPED_FILE_HEADER = re.compile(r"^# configuration file (\S+):[ \t]*\r?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class BlockScope:
    """A block, or a whole file: what stands between two braces is judged together."""

    source: Source
    node: Block

    container = ""

    @property
    def kind(self) -> str:
        """The directive that opens it: `http`, `server`, `location`; an empty string for a file."""
        return self.node.opening_directive_name

    @property
    def name(self) -> str:
        """What it is called: a server's first name, a location's path, a file's name."""
        owner = self.node.owner
        if owner is None:
            return posixpath.basename(self.source.path)
        if owner.name == "server":
            return next(
                (name for d in self.node.directives_named("server_name") for name in d.args if name),
                "_",
            )
        return owner.joined_arguments or owner.name

    @property
    def resource(self) -> str:
        """`server/example.com`, `location/= /health`; a file is `nginx/NAME`."""
        return f"{self.kind or 'nginx'}/{self.name}"

    @property
    def tls(self) -> bool:
        """Whether a server takes TLS connections: `listen ... ssl` or `quic`, or the old `ssl on`."""
        return is_tls_server(self.node)


@dataclass(frozen=True, slots=True)
class DirectiveSubject:
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
        return self.node.joined_arguments

    @property
    def count(self) -> int:
        """How many arguments it has."""
        return len(self.node.args)

    @property
    def within(self) -> str:
        """The name of the block that it stands in; an empty string at the top of a file."""
        return self.node.parent.opening_directive_name

    @property
    def resource(self) -> str:
        """The nearest server, upstream or location that it stands in."""
        return owner_of(self.node).resource


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed file; a dump of `nginx -T` is several files in one text, each a section under its own path."""

    source: Source
    sections: tuple[tuple[str, Block], ...]

    def walk_directives(self) -> Iterator[Directive]:
        """Every directive, outer ones first; lines of blocks that hold data are none."""
        for _, block in self.sections:
            for directive in syntax.walk_directives(block):
                if directive.parent.opening_directive_name not in DATA_BLOCKS:
                    yield directive


def parse(source: Source) -> Document:
    """The document of a source. Raises ParseError.

    In a template by its name, a mark that nginx takes for the name of a directive has the words behind it for arguments, and the
    block behind it for its own: such a file is none of nginx's before the mark is filled in.
    """
    root = syntax.parse_nginx(source)
    if template.is_named_as_template(source.path):
        for directive in syntax.walk_directives(root):
            if directive.name.startswith(("<%", "%%", "@")) and not directive.is_directives_placeholder:
                raise ParseError("a template's mark is no directive", directive.places[0].start)
    heads = list(_DUMPED_FILE_HEADER.finditer(source.text))
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


def first_unfilled_placeholder(document: Document) -> int | None:
    """Where another program puts something in that nginx takes for a directive's name; None where there is no such place.

    `${X}` alone is none: the rest of the file is read, and what may stand there is known to be unknown.
    """
    places = [
        directive.places[0].start
        for directive in document.walk_directives()
        if directive.is_mark and not (directive.is_directives_placeholder and directive.name.startswith("$"))
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
    return any({"ssl", "quic"} & set(d.args[1:]) for d in block.directives_named("listen")) or any(
        d.joined_arguments == "on" for d in block.directives_named("ssl")
    )


def context_of(block: Block, known_contexts: dict[int, str] | None = None) -> str:
    """Whether a block belongs to `http`, `stream` or `mail`, by what encloses it in its file, else by what is in it.

    `known_contexts` keeps the answers for the next question.
    """
    known_contexts = {} if known_contexts is None else known_contexts
    path: list[Block] = []
    current: Block | None = block
    answer = "http"
    while current is not None:
        if id(current) in known_contexts:
            answer = known_contexts[id(current)]
            break
        path.append(current)
        context = _context_by_directives(current)
        if context:
            answer = context
            break
        current = current.enclosing_block
    known_contexts.update((id(one), answer) for one in path)
    return answer


def _context_by_directives(block: Block) -> str:
    if block.opening_directive_name in {"http", "stream", "mail"}:
        return block.opening_directive_name
    if block.opening_directive_name != "server":
        return ""
    names = {d.name for d in block.directives}
    if names & {"proxy_pass", "ssl_preread"}:
        return "stream"  # in http, proxy_pass stands in locations only
    return "mail" if names & {"protocol", "smtp_auth"} else ""


def owner_of(directive: Directive) -> BlockScope:
    """The nearest named block around a directive."""
    block: Block = directive.parent
    while block.enclosing_block is not None and block.opening_directive_name not in {
        "server",
        "upstream",
        "location",
    }:
        block = block.enclosing_block
    return BlockScope(block.source, block)


def _scopes_named(document: Document, *names: str) -> Iterator[BlockScope]:
    for directive in document.walk_directives():
        if directive.block is not None and directive.name in names:
            yield BlockScope(document.source, directive.block)


def file_scopes(document: Document) -> Iterator[BlockScope]:
    """The file itself; of a dump each file in it."""
    for _, block in document.sections:
        yield BlockScope(document.source, block)


def http_blocks(document: Document) -> Iterator[BlockScope]:
    """The `http` blocks of a file, each as a scope."""
    return _scopes_named(document, "http")


def stream_blocks(document: Document) -> Iterator[BlockScope]:
    """`stream` blocks."""
    return _scopes_named(document, "stream")


def http_server_blocks(document: Document) -> Iterator[BlockScope]:
    """`server` blocks of http."""
    known: dict[int, str] = {}
    return (scope for scope in _scopes_named(document, "server") if context_of(scope.node, known) == "http")


def location_blocks(document: Document) -> Iterator[BlockScope]:
    """`location` blocks."""
    return _scopes_named(document, "location")


def upstream_blocks(document: Document) -> Iterator[BlockScope]:
    """`upstream` blocks."""
    return _scopes_named(document, "upstream")


def if_blocks(document: Document) -> Iterator[BlockScope]:
    """The `if` blocks of a file, each as a scope."""
    return _scopes_named(document, "if")


def map_and_geo_blocks(document: Document) -> Iterator[BlockScope]:
    """`map` and `geo` blocks."""
    return _scopes_named(document, "map", "geo")


def http_directive_blocks(document: Document) -> Iterator[BlockScope]:
    """The blocks in which http's directives may stand, and the files."""
    yield from file_scopes(document)
    known: dict[int, str] = {}
    for scope in _scopes_named(document, "http", "server", "location", "if", "limit_except"):
        if context_of(scope.node, known) == "http":
            yield scope


def all_directives(document: Document) -> Iterator[DirectiveSubject]:
    """Every directive."""
    known: dict[int, str] = {}
    for directive in document.walk_directives():
        yield DirectiveSubject(document.source, directive, context_of(directive.parent, known))


TARGETS = {
    "nginx.file": file_scopes,
    "nginx.http": http_blocks,
    "nginx.stream": stream_blocks,
    "nginx.server": http_server_blocks,
    "nginx.location": location_blocks,
    "nginx.upstream": upstream_blocks,
    "nginx.if": if_blocks,
    "nginx.map": map_and_geo_blocks,
    "nginx.block": http_directive_blocks,
    "nginx.directive": all_directives,
}
