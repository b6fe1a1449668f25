"""Files that hold secrets by their name."""

from __future__ import annotations

import posixpath

from readiness.checks.dockerfile.context import source_words_of_copy
from readiness.kinds.dockerfile.model import Step
from readiness.model import CheckOutcome, hit
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import Project, parent_folders
from readiness.syntax.dotenv import EnvEntry
from readiness.syntax.secrets import classify_value, is_secret_name

_SECRET_FILE_PATTERN = lazy_regex(
    r"(?:\A|/)(?:\.env(?:\.(?![\w.-]*\b(?:example|sample|template|dist|defaults?|tmpl|jinja2?|j2|erb)\b)[\w.-]+)?|id_rsa|id_dsa|id_ecdsa"
    r"|id_ed25519|\.npmrc|\.pypirc|\.netrc|\.git-credentials|\.dockercfg|\.htpasswd|\.pgpass"
    r"|kubeconfig|(?![\w.-]*(?:trust-?store|cacerts))[\w.-]+\.(?:pfx|p12|jks|keystore)|[\w-]{0,80}(?:private|server|tls)[\w-]*\.key"
    r"|\.aws(?:/credentials)?|\.ssh|\.docker/config\.json|credentials\.json|service-account\.json"
    r")/?\Z"
)


def copy_secret_file(step: Step, project: Project) -> CheckOutcome:
    """COPY or ADD of a file that holds secrets by its name, and by what it says where it lies in the tree."""
    instruction = step.instruction
    if instruction.keyword not in ("COPY", "ADD") or instruction.flag("from"):
        return
    for source_word in source_words_of_copy(instruction):
        if _SECRET_FILE_PATTERN.search(source_word.value) and not _is_known_harmless(step, source_word.value, project):
            yield hit(source_word.span, file=source_word.value)


def _is_known_harmless(step: Step, file_path: str, project: Project) -> bool:
    """Whether a file was read and holds no secret; the context may be any folder above the Dockerfile."""
    context_folders = parent_folders(step.source.root.path)
    candidate_paths = (posixpath.normpath(posixpath.join(folder, file_path)) for folder in context_folders)
    existing_paths = [path for path in candidate_paths if path in project.paths]
    return bool(existing_paths) and all(path in project.harmless for path in existing_paths)


# Made up for tests, or kept in the repository on purpose: Vite, Next and others read .env.development from there.
_TEST_OR_SAMPLE_PATH_PATTERN = lazy_regex(
    r"(?:\A|/)(?:testdata|tests?|__tests__|fixtures?|examples?|docs?)/|(?:\A|/)\.env\.(?:dev|development|tests?|ci)\Z"
)


def secret_file_paths(project: Project) -> list[str]:
    """The files around that hold secrets by their name; an environment file that was read must name one."""
    harmless_paths = project.harmless | {
        document.source.path
        for document in project.documents_of_kind("dotenv")
        if not any(_may_entry_hold_secret(entry) for entry in document.parsed_env_file.last_entry_by_name.values())
    }
    return sorted(
        path
        for path in project.paths
        if _SECRET_FILE_PATTERN.search(path) and not _TEST_OR_SAMPLE_PATH_PATTERN.search(path) and path not in harmless_paths
    )


def _may_entry_hold_secret(entry: EnvEntry) -> bool:
    value = entry.raw_value
    return bool(value) and (is_secret_name(entry.name) or classify_value(entry.name, value).is_exposed)


def surely_holds_secrets(project: Project, folder: str, file: str) -> bool:
    """Whether a file surely holds secrets: front ends keep `.env` files without any, so one that nobody read is none."""
    path = posixpath.normpath(posixpath.join(folder, file))
    return path in project.document_by_path("dotenv") or not posixpath.basename(file).startswith(".env")
