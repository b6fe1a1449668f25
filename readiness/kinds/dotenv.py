"""Environment files: `.env` and what a compose file names under `env_file`; templates of such files are none."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from readiness.model import Source, Span
from readiness.syntax import dotenv

NAME = "dotenv"
EXAMPLE = ".env"
_NAMED = re.compile(r"\.env(?:\.[\w.-]+)?|[^/]+\.env", re.IGNORECASE)
_TEMPLATE = re.compile(r"example|sample|template|tmpl|dist|default|schema", re.IGNORECASE)
_CODE = (".yaml", ".yml", ".json", ".md", ".sh", ".ts", ".js", ".py")


def claims(path: str, text: str) -> bool:
    """By the name alone; a block in prose shows values that nobody runs with."""
    del text
    name = posixpath.basename(path)
    if "#" in path or name.endswith(_CODE):
        return False
    return bool(_NAMED.fullmatch(name)) and not _TEMPLATE.search(name)


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """What one environment file says; itself the subject of `dotenv.file`."""

    source: Source
    file: dotenv.File
    container: str = ""
    resource: str = ""

    @property
    def node(self) -> Document:
        """The document itself."""
        return self

    def get(self, key: str, default: Any = None, /) -> Any:
        """What the file writes under a name, before variables are filled in."""
        entry = self.file.exports.get(key)
        return entry.template if entry else default

    def at(self, key: Any = None, /) -> Span:
        """The place of a value; the whole text where there is none."""
        entry = self.file.exports.get(key) if key is not None else None
        return entry.span if entry else Span(0, len(self.source.text))


def parse(source: Source) -> Document:
    """What a file says. What Docker refuses in it is no error here: only a compose file that reads it makes it one."""
    return Document(source, dotenv.parse(source.text))


def files(document: Document) -> Iterable[Document]:
    """The file as a whole."""
    return (document,)


TARGETS: dict[str, Callable[[Document], Iterable[Any]]] = {"dotenv.file": files}
