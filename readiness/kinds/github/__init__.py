"""GitHub Actions: which files are workflows and actions, and what in them rules look at."""

from __future__ import annotations

import re
from collections.abc import Iterator

from readiness.kinds.github.model import Action, Job, Step, Workflow
from readiness.model import ParseError, Source, Span
from readiness.model.lazy_regex import lazy_regex
from readiness.syntax import outline, yaml
from readiness.syntax.yaml import Map, load_yaml_documents

KIND_NAME = "github"
EXAMPLE_PATH = ".github/workflows/ci.yml"
FILE_PATTERN = r"[^/]+\.ya?ml"

_WORKFLOW_PATH = lazy_regex(r"(?:^|/)\.github/workflows/[^/]+\.ya?ml\Z")
# `ci.yaml.disabled`, `ci.yml.j2`, `workflows/lint.disabled`, `workflows/old/ci.yml`: nothing that GitHub reads.
_UNREAD_WORKFLOW_PATH = lazy_regex(r"\.ya?ml\.\w+\Z|(?:\A|/)\.github/workflows/")
_ACTION_PATH = lazy_regex(r"(?:^|/)action\.ya?ml\Z")
_ON_KEY_LINE = lazy_regex(r"^(?:on|\"on\"|'on'|true)[ \t]*:", re.MULTILINE)
_JOBS_KEY_LINE = lazy_regex(r"^jobs[ \t]*:", re.MULTILINE)
_JOB_FIELD_LINE = lazy_regex(r"^[ \t]+(?:runs-on|uses|steps)[ \t]*:", re.MULTILINE)
_RUNS_KEY_LINE = lazy_regex(r"^runs[ \t]*:", re.MULTILINE)
_NAME_KEY_LINE = lazy_regex(r"^name[ \t]*:", re.MULTILINE)
_ACTION_METADATA_LINE = lazy_regex(r"^(?:description|inputs|outputs)[ \t]*:", re.MULTILINE)
# A line at the margin that neither a workflow nor an action has.
_FOREIGN_TOP_LEVEL_LINE = lazy_regex(
    r"^(?![ \t\r\n#\]}]|-(?:[ \t]|--)|\.\.\.|[\"']?(?:name|run-name|on|true|permissions|env|defaults|concurrency|jobs"
    r"|author|description|inputs|outputs|runs|branding)[\"']?[ \t]*:)[^\n]",
    re.MULTILINE,
)
_RUNS_FIELD_LINE = lazy_regex(r"^[ \t]+(?:using|steps)[ \t]*:", re.MULTILINE)


def recognizes_file(path: str, text: str) -> bool:
    """Whether a file is a workflow or an action: by its place, or as YAML that has only their keys at its top."""
    if _WORKFLOW_PATH.search(path):
        return True
    if _UNREAD_WORKFLOW_PATH.search(path) and not _ACTION_PATH.search(path):
        return False
    if _ACTION_PATH.search(path) and (
        _RUNS_KEY_LINE.search(text) or (_NAME_KEY_LINE.search(text) and _ACTION_METADATA_LINE.search(text)) or "runs" in outline.top_level_keys(text)
    ):
        return True
    if not (path.endswith((".yml", ".yaml")) or "#" in path) or _FOREIGN_TOP_LEVEL_LINE.search(text):
        return False
    if _JOBS_KEY_LINE.search(text) and _JOB_FIELD_LINE.search(text):
        return bool(_ON_KEY_LINE.search(text)) or "runs-on" in text
    return bool(_RUNS_KEY_LINE.search(text) and _RUNS_FIELD_LINE.search(text))


Document = Workflow | Action


def parse(source: Source) -> Document:
    """The workflow or the action of a source."""
    documents = load_yaml_documents(source.text)
    root_node = documents[0] if documents else None
    if root_node is None and _WORKFLOW_PATH.search(source.path):
        return Workflow(source, Map(Span(0, min(1, len(source.text)))))
    if not isinstance(root_node, Map):
        raise ParseError("a workflow is a mapping", 0)
    is_action = "runs" in root_node or (_ACTION_PATH.search(source.path) and "on" not in root_node)
    if is_action and "jobs" not in root_node and not _WORKFLOW_PATH.search(source.path):
        return Action(source, root_node)
    return Workflow(source, root_node)


def first_unfilled_placeholder(document: Document) -> int | None:
    """The first `{{ name }}` that stands where a value does; None where there is none."""
    return yaml.first_unfilled_placeholder(document.source.text, [document.node])


def document_if_workflow(document: Document) -> Iterator[Workflow]:
    """Target `github.workflow`: the document, where it is a workflow."""
    if isinstance(document, Workflow):
        yield document


def document_if_action(document: Document) -> Iterator[Action]:
    """Target `github.action`: the document, where it is an action's metadata."""
    if isinstance(document, Action):
        yield document


def jobs(document: Document) -> Iterator[Job]:
    """The jobs of a workflow."""
    if isinstance(document, Workflow):
        yield from document.jobs


def steps(document: Document) -> Iterator[Step]:
    """The steps of a workflow's jobs, or of a composite action."""
    yield from document.steps


def whole_file(document: Document) -> Iterator[Document]:
    """The file, whichever of the two it is."""
    yield document


TARGETS = {
    "github.workflow": document_if_workflow,
    "github.action": document_if_action,
    "github.file": whole_file,
    "github.job": jobs,
    "github.step": steps,
}
