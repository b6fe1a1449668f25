"""GitLab CI: which files are pipelines, and what in them rules look at."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

from readiness.kinds.gitlab.includes import join_parts
from readiness.kinds.gitlab.model import File, Job
from readiness.model import ParseError, Source
from readiness.syntax import yaml
from readiness.syntax.yaml import Map, load_all

NAME = "gitlab"
EXAMPLE = ".gitlab-ci.yml"

_PATH = re.compile(r"(?:^|/)[\w.-]{0,100}gitlab-ci[\w.-]{0,100}\.ya?ml\Z")
_SCRIPT = re.compile(r"^[ \t]+(?:script|extends|trigger)[ \t]*:", re.MULTILINE)
_TOP = re.compile(
    r"^(?:stages|image|default|before_script|include|workflow|variables|cache)[ \t]*:", re.MULTILINE
)
_STAGES = re.compile(r"^stages[ \t]*:|^[ \t]+stage[ \t]*:", re.MULTILINE)
# Top-level keys of other systems; the last five are those of Azure Pipelines.
_OTHER = re.compile(
    r"^(?:jobs|services|runs|apiVersion|language|pipeline|on|pr|pool|trigger|steps|resources)[ \t]*:",
    re.MULTILINE,
)


def claims(path: str, text: str) -> bool:
    """Whether a file is GitLab's: by its name, or by jobs with a script among GitLab's own keys."""
    if _PATH.search(path):
        return True
    if not (path.endswith((".yml", ".yaml")) or "#" in path):
        return False
    return bool(
        _STAGES.search(text)
        and _SCRIPT.search(text)
        and _TOP.search(text)
        and not _OTHER.search(text)
    )


Document = File


def parse(source: Source) -> File:
    """The pipeline of a source; a `spec` in front is a document of its own."""
    documents = [document for document in load_all(source.text) if isinstance(document, Map)]
    if not documents:
        raise ParseError("a pipeline is a mapping", 0)
    return File(source, documents[-1])


def unfilled(document: Document) -> int | None:
    """The first `{{ name }}` that stands where a value does; None where there is none."""
    return yaml.unfilled(document.source.text, [document.node])


def prepare(by_kind: Mapping[str, list[File]], paths: Collection[str]) -> None:
    """Join every pipeline with what it includes."""
    del paths
    join_parts(by_kind[NAME])


def files(document: File) -> Iterator[File]:
    """Target `gitlab.file`: the document itself."""
    yield document


def jobs(document: File) -> Iterator[Job]:
    """Target `gitlab.job`: the jobs of the file."""
    yield from document.jobs


TARGETS = {"gitlab.file": files, "gitlab.job": jobs}
