"""Environment files: `.env` and what a compose file names under `env_file`; templates of such files are none."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator
from typing import Any

from readiness.facts.table import property_by_fact_name
from readiness.model import Source, Span
from readiness.model.lazy_regex import lazy_regex
from readiness.model.records import dataclass
from readiness.syntax import dotenv

KIND_NAME = "dotenv"
EXAMPLE_PATH = ".env"
FILE_PATTERN = r"\.env(\.[^/]+)?|[^/]+\.env"
_ENV_FILENAME = lazy_regex(r"\.env(?:\.[\w.-]+)?|[^/]+\.env", re.IGNORECASE)
_ENV_TEMPLATE_NAME = lazy_regex(r"example|sample|template|tmpl|dist|default|schema", re.IGNORECASE)
# FROM, after comments and the ARGs that may stand before it: a Dockerfile's head, and no line of an environment file.
_DOCKERFILE_HEAD = lazy_regex(r"(?:[ \t]*+(?:(?:#|ARG[ \t])[^\n]*+)?+\r?\n)*+[ \t]*+FROM[ \t]++[^ \t=]", re.IGNORECASE)


def recognizes_file(path: str, text: str) -> bool:
    """By the name, but for what begins with FROM, as no environment file does.

    A block in prose is none: it shows values that nobody runs with.
    """
    file_name = posixpath.basename(path)
    if "#" in path or posixpath.splitext(file_name)[1] in property_by_fact_name("file-endings", "code"):
        return False
    is_env_file_name = _ENV_FILENAME.fullmatch(file_name) is not None and not _ENV_TEMPLATE_NAME.search(file_name)
    return is_env_file_name and not _DOCKERFILE_HEAD.match(text)


@dataclass(slots=True, eq=False)
class Document:
    """What one environment file says; itself the subject of `dotenv.file`.

    `production` tells whether a compose file reads it that may run there, `read` whether one reads it by
    Docker's grammar, `has_too_many_readers` that its variables times the services that take them all are more than are gone through.
    """

    source: Source
    parsed_env_file: dotenv.EnvFileContent
    production: bool = True
    read: bool = False
    has_too_many_readers: bool = False
    container: str = ""
    resource: str = ""

    @property
    def node(self) -> Document:
        """The document itself, which answers `get` and `at` for predicates."""
        return self

    def get(self, key: str, default: Any = None, /) -> Any:
        """What the file writes under a name, before variables are filled in."""
        env_entry = self.parsed_env_file.last_entry_by_name.get(key)
        return env_entry.raw_value if env_entry else default

    def at(self, key: Any = None, /) -> Span:
        """The place of a value; the whole text where there is none."""
        env_entry = self.parsed_env_file.last_entry_by_name.get(key) if key is not None else None
        return env_entry.value_span if env_entry else Span(0, len(self.source.text))


def parse(source: Source) -> Document:
    """What a file says. What Docker refuses in it is no error here: only a compose file that reads it makes it one."""
    return Document(source, dotenv.parse_dotenv(source.text))


@dataclass(frozen=True, slots=True, eq=False)
class EnvValue:
    """One `NAME=value` of an environment file, as a subject of rules."""

    document: Document
    entry: dotenv.EnvEntry
    container: str = ""
    resource: str = ""

    @property
    def source(self) -> Source:
        """The source of the environment file."""
        return self.document.source

    @property
    def node(self) -> Document:
        """The document that it stands in."""
        return self.document

    @property
    def name(self) -> str:
        """The name of the variable."""
        return self.entry.name

    @property
    def production(self) -> bool:
        """Whether a compose file reads it that is not for development or tests by its name."""
        return self.document.production

    @property
    def named_aside(self) -> bool:
        """Whether the names of all compose files that read it say that they are for development or tests."""
        return not self.document.production


def env_values(document: Document) -> Iterator[EnvValue]:
    """Every value of a file."""
    return (EnvValue(document, one) for one in document.parsed_env_file.entries if one.raw_value is not None)


def whole_file(document: Document) -> Iterator[Document]:
    """Target `dotenv.file`: the document itself."""
    yield document


TARGETS: dict[str, Callable[[Document], Iterator[Any]]] = {
    "dotenv.file": whole_file,
    "dotenv.value": env_values,
}
