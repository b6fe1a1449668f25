"""An image reference: registry, name, tag and digest, their places, and what variables hide."""

from __future__ import annotations

from functools import lru_cache

from readiness.model import Span
from readiness.model.lazy_regex import lazy_regex
from readiness.model.records import dataclass

_DOCKER_HUB_HOSTS = frozenset({"", "docker.io", "index.docker.io", "registry-1.docker.io", "hub.docker.com"})
_MASK_CHARACTER = "\x00"
_UNBRACED_VARIABLE = lazy_regex(
    r"\$[A-Za-z_][A-Za-z0-9_]*|%[A-Za-z_][A-Za-z0-9_]*%|<[A-Za-z_][\w .-]{0,100}>|@[A-Z_][A-Z0-9_]*@|__[A-Z][A-Z0-9_]{0,100}?__"
    r"|\{[A-Za-z_]\w*\}|\(\([A-Za-z_][\w-]*\)\)"
)
_CLOSING_BY_OPENING = {"${": "}", "{{": "}}", "$(": ")"}
_DIGEST_PATTERN = lazy_regex(r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}\Z")
_TAG_PATTERN = lazy_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}\Z")
_REPOSITORY_NAME_COMPONENT = lazy_regex(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*\Z")
_REGISTRY_DOMAIN = lazy_regex(r"(?:[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?\Z")


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
        resolved_registry = "docker.io" if self.registry in _DOCKER_HUB_HOSTS else self.registry
        is_official_image = resolved_registry == "docker.io" and "/" not in self.name
        return f"{resolved_registry}/library/{self.name}" if is_official_image else f"{resolved_registry}/{self.name}"

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
        name_components = self.masked_text[: self.name_span.end][self.name_span.start :].split("/")
        if not all(_MASK_CHARACTER in part or _REPOSITORY_NAME_COMPONENT.match(part) for part in name_components):
            return False
        masked_registry = self.masked_text[: max(self.name_span.start - 1, 0)]
        if masked_registry and _MASK_CHARACTER not in masked_registry and not _REGISTRY_DOMAIN.match(masked_registry):
            return False
        masked_tag = self.masked_text[self.tag_span.start : self.tag_span.end]
        has_tag_separator = masked_tag or self.masked_text[self.name_span.end :].startswith(":")
        if has_tag_separator and _MASK_CHARACTER not in masked_tag and not _TAG_PATTERN.match(masked_tag):
            return False
        masked_digest = self.masked_text[self.digest_span.start : self.digest_span.end]
        if (masked_digest or "@" in self.masked_text) and _MASK_CHARACTER not in masked_digest:
            return bool(_DIGEST_PATTERN.match(masked_digest))
        return True


@lru_cache(maxsize=16_384)  # every rule of a service or a stage asks for its image
def parse_image(text: str) -> ImageReference:
    """The parts of `text`; never raises, whatever it holds."""
    masked_text = mask_variables(text)
    at_sign_offset = masked_text.find("@")
    digest_span = Span(at_sign_offset + 1, len(text)) if at_sign_offset >= 0 else Span(len(text), len(text))
    name_and_tag_end = at_sign_offset if at_sign_offset >= 0 else len(text)
    last_slash_offset = masked_text.rfind("/", 0, name_and_tag_end)
    tag_colon_offset = masked_text.find(":", last_slash_offset + 1, name_and_tag_end)
    name_end = tag_colon_offset if tag_colon_offset >= 0 else name_and_tag_end
    tag_span = Span(tag_colon_offset + 1, name_and_tag_end) if tag_colon_offset >= 0 else Span(name_and_tag_end, name_and_tag_end)
    first_slash_offset = masked_text.find("/", 0, name_end)
    first_component = masked_text[:first_slash_offset] if first_slash_offset >= 0 else ""
    has_registry = first_slash_offset >= 0 and (
        "." in first_component or ":" in first_component or first_component == "localhost" or first_component != first_component.lower()
    )
    name_start = first_slash_offset + 1 if has_registry else 0
    return ImageReference(
        text,
        text[:first_slash_offset] if has_registry else "",
        text[name_start:name_end],
        text[tag_span.start : tag_span.end],
        text[digest_span.start : digest_span.end],
        masked_text,
        tag_span,
        digest_span,
        Span(name_start, name_end),
    )


def mask_variables(text: str) -> str:
    """The text with each variable part (`${X:-y}`, `$X`, `{{ x }}`, `<x>`, `__X__`) filled with NUL."""
    if not any(char in text for char in "${%<@_("):
        return text
    masked_pieces: list[str] = []
    offset = 0
    while offset < len(text):
        variable_end = _variable_end_offset(text, offset)
        masked_pieces.append(_MASK_CHARACTER * (variable_end - offset) if variable_end > offset else text[offset])
        offset = max(variable_end, offset + 1)
    return "".join(masked_pieces)


def _variable_end_offset(text: str, offset: int) -> int:
    """The end of the variable part that starts at `offset`; `offset` itself where none starts there."""
    closing_mark = _CLOSING_BY_OPENING.get(text[offset : offset + 2])
    if closing_mark is None:
        match = _UNBRACED_VARIABLE.match(text, offset)
        return match.end() if match else offset
    if closing_mark != "}":
        closing_offset = text.find(closing_mark, offset + 2)
        return closing_offset + len(closing_mark) if closing_offset >= 0 else len(text)
    brace_depth = 0
    for index in range(offset + 1, len(text)):
        if text[index] == "{":
            brace_depth += 1
        elif text[index] == "}":
            brace_depth -= 1
            if not brace_depth:
                return index + 1
    return len(text)
