"""An image reference: registry, name, tag and digest, their places, and what variables hide."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from readiness.model import Span

_DOCKER_HUB_HOSTS = frozenset({"", "docker.io", "index.docker.io", "registry-1.docker.io", "hub.docker.com"})
_MASK_CHARACTER = "\x00"
_UNBRACED_VARIABLE = re.compile(
    r"\$[A-Za-z_][A-Za-z0-9_]*|%[A-Za-z_][A-Za-z0-9_]*%|<[A-Za-z_][\w .-]{0,100}>|@[A-Z_][A-Z0-9_]*@|__[A-Z][A-Z0-9_]{0,100}?__"
    r"|\{[A-Za-z_]\w*\}|\(\([A-Za-z_][\w-]*\)\)"
)
_CLOSING_BY_OPENING = {"${": "}", "{{": "}}", "$(": ")"}
_DIGEST = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}\Z")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}\Z")
_NAME_COMPONENT = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*\Z")
_REGISTRY_DOMAIN = re.compile(r"(?:[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?\Z")


@dataclass(frozen=True, slots=True)
class ImageReference:
    """A reference as written; spans are offsets inside `text`, empty for parts that are not there.

    `registry` is empty where none is written (Docker Hub). Where a variable may hide a part, the
    matching `*_unknown` property is true and nobody should conclude from its absence.
    """

    text: str
    registry: str
    name: str
    tag: str
    digest: str
    masked_text: str
    tag_span: Span
    digest_span: Span
    name_span: Span

    @property
    def is_variable(self) -> bool:
        """Whether any part of it comes from a variable or a template."""
        return _MASK_CHARACTER in self.masked_text

    @property
    def name_unknown(self) -> bool:
        """Whether the repository (registry or name) holds a variable."""
        return _MASK_CHARACTER in self.masked_text[: self.name_span.end]

    @property
    def tag_unknown(self) -> bool:
        """Whether the tag, or its absence, depends on a variable.

        `$REGISTRY/nginx` surely has no tag; `$IMAGE`, `app/$NAME` and `nginx:$TAG` nobody can tell.
        """
        if self.tag:
            return _MASK_CHARACTER in self.masked_text[self.tag_span.start : self.tag_span.end]
        return _MASK_CHARACTER in self.masked_text[: self.name_span.end].rpartition("/")[2]

    @property
    def digest_unknown(self) -> bool:
        """Whether a digest may stand in a variable: in its own place, or at the end of the text."""
        if self.digest:
            return _MASK_CHARACTER in self.masked_text[self.digest_span.start :]
        return self.masked_text.endswith(_MASK_CHARACTER) or (not self.tag and self.tag_unknown)

    @property
    def is_pinned_by_digest(self) -> bool:
        """Whether it has a digest: the same bytes today and tomorrow."""
        return bool(self.digest)

    @property
    def full_repository(self) -> str:
        """The full name, as Docker resolves it: `nginx` is `docker.io/library/nginx`."""
        registry = "docker.io" if self.registry in _DOCKER_HUB_HOSTS else self.registry
        official = registry == "docker.io" and "/" not in self.name
        return f"{registry}/library/{self.name}" if official else f"{registry}/{self.name}"

    @property
    def familiar_name(self) -> str:
        """The name as people say it: no Docker Hub in front, no `library/`."""
        return self.full_repository.removeprefix("docker.io/").removeprefix("library/")

    @property
    def text_without_digest(self) -> str:
        """The reference as written, without `@sha256:...`."""
        return self.text.partition("@")[0]

    @property
    def is_valid(self) -> bool:
        """Whether a registry client takes it, as far as the known parts tell."""
        parts = self.masked_text[: self.name_span.end][self.name_span.start :].split("/")
        if not all(_MASK_CHARACTER in part or _NAME_COMPONENT.match(part) for part in parts):
            return False
        registry = self.masked_text[: max(self.name_span.start - 1, 0)]
        if registry and _MASK_CHARACTER not in registry and not _REGISTRY_DOMAIN.match(registry):
            return False
        tag = self.masked_text[self.tag_span.start : self.tag_span.end]
        tagged = tag or self.masked_text[self.name_span.end :].startswith(":")
        if tagged and _MASK_CHARACTER not in tag and not _TAG.match(tag):
            return False
        digest = self.masked_text[self.digest_span.start : self.digest_span.end]
        if (digest or "@" in self.masked_text) and _MASK_CHARACTER not in digest:
            return bool(_DIGEST.match(digest))
        return True


@lru_cache(maxsize=1000)  # every rule of a service or a stage asks for its image
def parse_image(text: str) -> ImageReference:
    """The parts of `text`; never raises, whatever it holds."""
    masked = mask_variables(text)
    at = masked.find("@")
    digest_span = Span(at + 1, len(text)) if at >= 0 else Span(len(text), len(text))
    end = at if at >= 0 else len(text)
    slash = masked.rfind("/", 0, end)
    colon = masked.find(":", slash + 1, end)
    name_end = colon if colon >= 0 else end
    tag_span = Span(colon + 1, end) if colon >= 0 else Span(end, end)
    first = masked.find("/", 0, name_end)
    head = masked[:first] if first >= 0 else ""
    has_registry = first >= 0 and ("." in head or ":" in head or head == "localhost" or head != head.lower())
    start = first + 1 if has_registry else 0
    return ImageReference(
        text,
        text[:first] if has_registry else "",
        text[start:name_end],
        text[tag_span.start : tag_span.end],
        text[digest_span.start : digest_span.end],
        masked,
        tag_span,
        digest_span,
        Span(start, name_end),
    )


def mask_variables(text: str) -> str:
    """The text with each variable part (`${X:-y}`, `$X`, `{{ x }}`, `<x>`, `__X__`) filled with NUL."""
    if not any(char in text for char in "${%<@_("):
        return text
    out: list[str] = []
    at = 0
    while at < len(text):
        end = _end_of_variable(text, at)
        out.append(_MASK_CHARACTER * (end - at) if end > at else text[at])
        at = max(end, at + 1)
    return "".join(out)


def _end_of_variable(text: str, offset: int) -> int:
    """The end of the variable part that starts at `offset`; `offset` itself where none starts there."""
    closer = _CLOSING_BY_OPENING.get(text[offset : offset + 2])
    if closer is None:
        match = _UNBRACED_VARIABLE.match(text, offset)
        return match.end() if match else offset
    if closer != "}":
        end = text.find(closer, offset + 2)
        return end + len(closer) if end >= 0 else len(text)
    depth = 0
    for index in range(offset + 1, len(text)):
        if text[index] == "{":
            depth += 1
        elif text[index] == "}":
            depth -= 1
            if not depth:
                return index + 1
    return len(text)
