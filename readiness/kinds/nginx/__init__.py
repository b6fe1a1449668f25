"""nginx configuration: main files, files of conf.d and sites-*, templates for envsubst, fragments, `nginx -T` dumps."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from readiness.kinds.nginx import recognition
from readiness.model import ParseError, Source
from readiness.model.lazy_regex import lazy_regex
from readiness.model.records import dataclass
from readiness.syntax import nginx as syntax
from readiness.syntax import template
from readiness.syntax.nginx import Block, Directive
from readiness.syntax.nginx_heads import DATA_BLOCK_NAMES

KIND_NAME = "nginx"
EXAMPLE_PATH = "nginx.conf"
FILE_PATTERN = r"[^/]+\.conf|[^/]*nginx[^/]*\.conf[^/]*|(conf\.d|sites-(enabled|available))/[^/]+"

DATA_BLOCK_DIRECTIVE_NAMES = DATA_BLOCK_NAMES | {"match"}
"""Blocks whose lines are data, not directives."""

recognizes_file = recognition.recognizes_file

_DUMPED_FILE_HEADER = lazy_regex(r"^# configuration file (\S+):[ \t]*\r?$", re.MULTILINE)


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
        opening_directive = self.node.owner
        if opening_directive is None:
            return posixpath.basename(self.source.path)
        if opening_directive.name == "server":
            return next(
                (name for d in self.node.directives_named("server_name") for name in d.args if name),
                "_",
            )
        return opening_directive.joined_arguments or opening_directive.name

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
        return nearest_named_scope(self.node).resource


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed file; a dump of `nginx -T` is several files in one text, each a section under its own path."""

    source: Source
    sections: tuple[tuple[str, Block], ...]

    def walk_directives(self) -> Iterator[Directive]:
        """Every directive, outer ones first; lines of blocks that hold data are none."""
        for _, block in self.sections:
            for directive in syntax.walk_directives(block):
                if directive.parent.opening_directive_name not in DATA_BLOCK_DIRECTIVE_NAMES:
                    yield directive


def parse(source: Source) -> Document:
    """The document of a source. Raises ParseError.

    In a template by its name, a mark that nginx takes for the name of a directive has the words behind it for arguments, and the
    block behind it for its own: such a file is none of nginx's before the mark is filled in.
    """
    root_block = syntax.parse_nginx(source)
    if template.is_named_as_template(source.path):
        for directive in syntax.walk_directives(root_block):
            if directive.name.startswith(("<%", "%%", "@")) and not directive.is_directives_placeholder:
                raise ParseError("a template's mark is no directive", directive.places[0].start)
    file_headers = list(_DUMPED_FILE_HEADER.finditer(source.text))
    if not file_headers:
        return Document(source, ((source.path, root_block),))
    dumped_sections = []
    for file_header, next_file_header in zip(file_headers, [*file_headers[1:], None], strict=True):
        section_end = next_file_header.start() if next_file_header else len(source.text)
        section_block = Block(source, None, file_header.end())
        section_block.end = section_end
        section_block.directives = [d for d in root_block.directives if file_header.end() <= d.places[0].start < section_end]
        for directive in section_block.directives:
            directive.parent = section_block
        dumped_sections.append((file_header[1], section_block))
    return Document(source, tuple(dumped_sections))


def first_unfilled_placeholder(document: Document) -> int | None:
    """Where another program puts something in that nginx takes for a directive's name; None where there is no such place.

    `${X}` or `TLS_CONFIG` alone is none: the rest of the file is read, and what may stand there is known to be unknown.
    """
    placeholder_offsets = [
        directive.places[0].start
        for directive in document.walk_directives()
        if directive.is_mark and not (directive.is_directives_placeholder and (directive.name.startswith("$") or directive.is_constant_mark))
    ]
    return min(placeholder_offsets, default=None)


def location_modifier_and_path(location: Directive) -> tuple[str, str]:
    """How a location matches, and what: (`=`, `^~`, `~`, `~*` or nothing, the path). `location =/a` needs no blank."""
    arguments = location.args
    if len(arguments) != 1:
        return (arguments[0], arguments[1]) if arguments else ("", "")
    modifier = next((one for one in ("=", "^~", "~*", "~") if arguments[0].startswith(one)), "")
    return modifier, arguments[0].removeprefix(modifier).lstrip()


def is_catch_all(location: Directive) -> bool:
    """Whether it is the `location /` that takes what no other does."""
    modifier, location_path = location_modifier_and_path(location)
    return location.name == "location" and location_path == "/" and modifier in {"", "^~"}


def is_tls_server(block: Block) -> bool:
    """Whether a server block takes TLS connections."""
    return any({"ssl", "quic"} & set(d.args[1:]) for d in block.directives_named("listen")) or any(
        d.joined_arguments == "on" for d in block.directives_named("ssl")
    )


def nginx_context_of_block(block: Block, context_by_block_id: dict[int, str] | None = None) -> str:
    """Whether a block belongs to `http`, `stream` or `mail`, by what encloses it in its file, else by what is in it.

    `context_by_block_id` keeps the answers for the next question.
    """
    context_by_block_id = {} if context_by_block_id is None else context_by_block_id
    visited_blocks: list[Block] = []
    current_block: Block | None = block
    resolved_context = "http"
    while current_block is not None:
        if id(current_block) in context_by_block_id:
            resolved_context = context_by_block_id[id(current_block)]
            break
        visited_blocks.append(current_block)
        context = _context_by_directives(current_block)
        if context:
            resolved_context = context
            break
        current_block = current_block.enclosing_block
    context_by_block_id.update((id(one), resolved_context) for one in visited_blocks)
    return resolved_context


def _context_by_directives(block: Block) -> str:
    if block.opening_directive_name in {"http", "stream", "mail"}:
        return block.opening_directive_name
    if block.opening_directive_name != "server":
        return ""
    directive_names = {d.name for d in block.directives}
    if directive_names & {"proxy_pass", "ssl_preread"}:
        return "stream"  # in http, proxy_pass stands in locations only
    return "mail" if directive_names & {"protocol", "smtp_auth"} else ""


def nearest_named_scope(directive: Directive) -> BlockScope:
    """The nearest named block around a directive."""
    enclosing_block: Block = directive.parent
    while enclosing_block.enclosing_block is not None and enclosing_block.opening_directive_name not in {
        "server",
        "upstream",
        "location",
    }:
        enclosing_block = enclosing_block.enclosing_block
    return BlockScope(enclosing_block.source, enclosing_block)


def _block_scopes_named(document: Document, *names: str) -> Iterator[BlockScope]:
    for directive in document.walk_directives():
        if directive.block is not None and directive.name in names:
            yield BlockScope(document.source, directive.block)


def file_scopes(document: Document) -> Iterator[BlockScope]:
    """The file itself; of a dump each file in it."""
    for _, block in document.sections:
        yield BlockScope(document.source, block)


def http_blocks(document: Document) -> Iterator[BlockScope]:
    """The `http` blocks of a file, each as a scope."""
    return _block_scopes_named(document, "http")


def stream_blocks(document: Document) -> Iterator[BlockScope]:
    """`stream` blocks."""
    return _block_scopes_named(document, "stream")


def http_server_blocks(document: Document) -> Iterator[BlockScope]:
    """`server` blocks of http."""
    context_by_block_id: dict[int, str] = {}
    return (scope for scope in _block_scopes_named(document, "server") if nginx_context_of_block(scope.node, context_by_block_id) == "http")


def location_blocks(document: Document) -> Iterator[BlockScope]:
    """`location` blocks."""
    return _block_scopes_named(document, "location")


def upstream_blocks(document: Document) -> Iterator[BlockScope]:
    """`upstream` blocks."""
    return _block_scopes_named(document, "upstream")


def if_blocks(document: Document) -> Iterator[BlockScope]:
    """The `if` blocks of a file, each as a scope."""
    return _block_scopes_named(document, "if")


def map_and_geo_blocks(document: Document) -> Iterator[BlockScope]:
    """`map` and `geo` blocks."""
    return _block_scopes_named(document, "map", "geo")


def http_directive_blocks(document: Document) -> Iterator[BlockScope]:
    """The blocks in which http's directives may stand, and the files."""
    yield from file_scopes(document)
    context_by_block_id: dict[int, str] = {}
    for scope in _block_scopes_named(document, "http", "server", "location", "if", "limit_except"):
        if nginx_context_of_block(scope.node, context_by_block_id) == "http":
            yield scope


def all_directives(document: Document) -> Iterator[DirectiveSubject]:
    """Every directive."""
    context_by_block_id: dict[int, str] = {}
    for directive in document.walk_directives():
        yield DirectiveSubject(document.source, directive, nginx_context_of_block(directive.parent, context_by_block_id))


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
