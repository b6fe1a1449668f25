"""GitLab CI: which files are pipelines, and what in them rules look at."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

from readiness.kinds.gitlab.includes import merge_included_files
from readiness.kinds.gitlab.model import GitlabFile, Job
from readiness.model import OverLimitError, ParseError, Source
from readiness.model.lazy_regex import lazy_regex
from readiness.syntax import yaml
from readiness.syntax.expansion import count_expanded_values
from readiness.syntax.yaml import MAX_ALIASED_VALUES_PER_FILE, Map, Seq, load_yaml_documents

KIND_NAME = "gitlab"
EXAMPLE_PATH = ".gitlab-ci.yml"
FILE_PATTERN = r"[^/]+\.ya?ml"

_GITLAB_CI_PATH = lazy_regex(r"(?:^|/)[\w.-]{0,100}gitlab-ci[\w.-]{0,100}\.ya?ml\Z")
_JOB_FIELD_LINE = lazy_regex(r"^[ \t]+(?:script|extends|trigger)[ \t]*:", re.MULTILINE)
_TOP_LEVEL_KEY_LINE = lazy_regex(r"^(?:stages|image|default|before_script|include|workflow|variables|cache)[ \t]*:", re.MULTILINE)
_STAGE_OR_STAGES_KEY_LINE = lazy_regex(r"^stages[ \t]*:|^[ \t]+stage[ \t]*:", re.MULTILINE)
# Top-level keys of other systems; the last five are those of Azure Pipelines.
_KEY_OF_OTHER_SYSTEMS = lazy_regex(
    r"^(?:jobs|services|runs|apiVersion|language|pipeline|on|pr|pool|trigger|steps|resources)[ \t]*:",
    re.MULTILINE,
)


def recognizes_file(path: str, text: str) -> bool:
    """Whether a file is GitLab's: by its name, or by jobs with a script among GitLab's own keys."""
    if _GITLAB_CI_PATH.search(path):
        return True
    if not (path.endswith((".yml", ".yaml")) or "#" in path):
        return False
    return bool(
        _STAGE_OR_STAGES_KEY_LINE.search(text)
        and _JOB_FIELD_LINE.search(text)
        and _TOP_LEVEL_KEY_LINE.search(text)
        and not _KEY_OF_OTHER_SYSTEMS.search(text)
    )


Document = GitlabFile


def parse(source: Source) -> GitlabFile:
    """The pipeline of a source; a `spec` in front is a document of its own."""
    documents = [document for document in load_yaml_documents(source.text) if isinstance(document, Map)]
    if not documents:
        raise ParseError("a pipeline is a mapping", 0)
    gitlab_file = GitlabFile(source, documents[-1])
    inherited_value_count = _inherited_value_count(gitlab_file)
    if inherited_value_count > MAX_ALIASED_VALUES_PER_FILE:
        raise OverLimitError(f"its jobs inherit more than {MAX_ALIASED_VALUES_PER_FILE:,} values", 0)
    count_expanded_values(inherited_value_count, 0)
    return gitlab_file


def _inherited_value_count(gitlab_file: GitlabFile) -> int:
    """How many values the jobs of a file take in from the pipeline's variables and, by `extends`, from templates of the file."""
    pipeline_variable_count = len(gitlab_file.node.mapping_at_path("variables"))
    count_by_template: dict[str, int] = {}

    def inherited_by(job_node: Map, depth: int) -> int:
        extends_value = job_node.get("extends")
        template_names = [extends_value] if isinstance(extends_value, str) else extends_value if isinstance(extends_value, Seq) else []
        return sum(count_of_template(name, depth) for name in template_names if isinstance(name, str))

    def count_of_template(name: str, depth: int) -> int:
        if name not in count_by_template:
            count_by_template[name] = 0  # what extends itself adds nothing
            template_node = gitlab_file.node.get(name)
            if isinstance(template_node, Map) and depth < _MAX_EXTENDS_DEPTH:
                own_count = sum(1 + len(value) if isinstance(value, Map | Seq) else 1 for value in template_node.values())
                count_by_template[name] = own_count + inherited_by(template_node, depth + 1)
        return count_by_template[name]

    return sum(pipeline_variable_count + inherited_by(job.node, 0) for job in gitlab_file.jobs)


_MAX_EXTENDS_DEPTH = 50  # as far as templates of templates are followed


def first_unfilled_placeholder(document: Document) -> int | None:
    """The first `{{ name }}` that stands where a value does; None where there is none."""
    return yaml.first_unfilled_placeholder(document.source.text, [document.node])


def link_documents(documents_by_kind: Mapping[str, list[GitlabFile]], known_paths: Collection[str]) -> None:
    """Join every pipeline with what it includes."""
    del known_paths
    merge_included_files(documents_by_kind[KIND_NAME])


def whole_file(document: GitlabFile) -> Iterator[GitlabFile]:
    """Target `gitlab.file`: the document itself."""
    yield document


def jobs(document: GitlabFile) -> Iterator[Job]:
    """Target `gitlab.job`: the jobs of the file."""
    yield from document.jobs


TARGETS = {"gitlab.file": whole_file, "gitlab.job": jobs}
