"""Dependabot's configuration: which ecosystems are kept up to date, how often, and after what wait."""

from __future__ import annotations

import re
from collections.abc import Iterator

from readiness.model import ParseError, Source
from readiness.model.lazy_regex import lazy_regex
from readiness.model.records import dataclass
from readiness.syntax import yaml
from readiness.syntax.yaml import Map, Seq, load_yaml_documents

KIND_NAME = "dependabot"
EXAMPLE_PATH = ".github/dependabot.yml"
FILE_PATTERN = r"dependabot\.ya?ml"

_DEPENDABOT_PATH = lazy_regex(r"(?:^|/)\.github/dependabot\.ya?ml\Z")
_PACKAGE_ECOSYSTEM_LINE = lazy_regex(r"^[ \t-]*package-ecosystem[ \t]*:", re.MULTILINE)
_UPDATES_KEY_LINE = lazy_regex(r"^updates[ \t]*:", re.MULTILINE)


def recognizes_file(path: str, text: str) -> bool:
    """Whether a file is one of Dependabot's: by its place, or by its keys."""
    if _DEPENDABOT_PATH.search(path):
        return True
    is_yaml = path.endswith((".yml", ".yaml")) or "#" in path
    return is_yaml and bool(_UPDATES_KEY_LINE.search(text) and _PACKAGE_ECOSYSTEM_LINE.search(text))


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """A `dependabot.yml`."""

    source: Source
    node: Map


@dataclass(frozen=True, slots=True, eq=False)
class Update:
    """One entry of `updates`: an ecosystem in some folders."""

    source: Source
    node: Map
    number: int

    container = ""

    @property
    def resource(self) -> str:
        """`update/` and the ecosystem."""
        return f"update/{self.name}"

    @property
    def name(self) -> str:
        """The ecosystem, else the entry's number."""
        ecosystem = self.node.get("package-ecosystem")
        return ecosystem if isinstance(ecosystem, str) and ecosystem else str(self.number)


def parse(source: Source) -> Document:
    """The configuration of a source."""
    documents = load_yaml_documents(source.text)
    if not documents or not isinstance(documents[0], Map):
        raise ParseError("a Dependabot configuration is a mapping", 0)
    return Document(source, documents[0])


def first_unfilled_placeholder(document: Document) -> int | None:
    """The first `{{ name }}` that stands where a value does; None where there is none."""
    return yaml.first_unfilled_placeholder(document.source.text, [document.node])


def updates(document: Document) -> Iterator[Update]:
    """The entries of `updates`."""
    updates_value = document.node.get("updates")
    for entry_number, entry_node in enumerate(updates_value if isinstance(updates_value, Seq) else (), 1):
        if isinstance(entry_node, Map):
            yield Update(document.source, entry_node, entry_number)


TARGETS = {"dependabot.update": updates}
