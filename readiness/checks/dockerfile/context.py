"""Checks of the build context: what .dockerignore leaves out, what should not be in an image."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from readiness.kinds.dockerfile_model import Stage, Step
from readiness.kinds.dockerignore import Document as Ignores
from readiness.model import Hit, hit, missing
from readiness.project import Project
from readiness.syntax.instruction import Instruction
from readiness.syntax.words import Word


def sources(one: Instruction) -> tuple[Word, ...]:
    """The sources of COPY or ADD, here-documents left out."""
    return tuple(word for word in one.words[:-1] if not word.raw.startswith("<<"))


def is_context(word: Word) -> bool:
    """Whether a source is the whole context."""
    return word.value in (".", "./", "*", "./*", "/")


def ignored(step: Step, project: Project) -> Iterator[Hit]:
    """COPY or ADD of a file that the .dockerignore beside the Dockerfile leaves out."""
    one = step.instruction
    if one.keyword not in ("COPY", "ADD") or one.flag("from"):
        return
    found = _ignores(project, step.source.root.path)
    if found is None or "#" in step.source.path:
        return
    for word in sources(one):
        value = word.value
        if word.is_variable or "://" in value or any(char in value for char in "*?["):
            continue
        if found.ignores(value):
            yield hit(word.span, source=value, list=posixpath.basename(found.source.path))


def context_unfiltered(stage: Stage, project: Project) -> Iterator[Hit]:
    """The whole context is copied, and no .dockerignore says what stays out."""
    path = stage.source.root.path
    folder = posixpath.dirname(path)
    if "#" in stage.source.path or not project.sees(folder):
        return
    if not stage.shipped:
        return
    name = posixpath.basename(path)
    parents = [folder]
    while parents[-1]:
        parents.append(posixpath.dirname(parents[-1]))
    names = [".dockerignore", ".containerignore", f"{name}.dockerignore"]
    if any(project.exists(posixpath.join(parent, one)) for parent in parents for one in names):
        return
    for one in stage.instructions:
        if one.keyword in ("COPY", "ADD") and not one.flag("from") and not one.onbuild:
            for word in sources(one):
                if is_context(word):
                    yield missing(word.span, source=word.value)
                    return


_SECRET_FILE = re.compile(
    r"(?:\A|/)(?:\.env(?:\.(?!example|sample|template|dist|defaults?\b)[\w.-]+)?|id_rsa|id_dsa|id_ecdsa"
    r"|id_ed25519|\.npmrc|\.pypirc|\.netrc|\.git-credentials|\.dockercfg|\.htpasswd|\.pgpass"
    r"|kubeconfig|[\w.-]+\.(?:pfx|p12|jks|keystore)|[\w-]*(?:private|server|tls)[\w-]*\.key"
    r"|\.aws(?:/credentials)?|\.ssh|\.docker/config\.json|credentials\.json|service-account\.json"
    r")/?\Z"
)


def secret_copied(step: Step) -> Iterator[Hit]:
    """COPY or ADD of a file that holds secrets by its name."""
    one = step.instruction
    if one.keyword not in ("COPY", "ADD") or one.flag("from"):
        return
    for word in sources(one):
        if _SECRET_FILE.search(word.value):
            yield hit(word.span, file=word.value)


# Made up for tests, or kept in the repository on purpose: Vite, Next and others read .env.development from there.
_HARMLESS = re.compile(
    r"(?:\A|/)(?:testdata|tests?|__tests__|fixtures?|examples?|docs?)/|(?:\A|/)\.env\.(?:dev|development|tests?|ci)\Z"
)


def secret_paths(project: Project) -> list[str]:
    """The files around that hold secrets by their name."""
    return sorted(
        path for path in project.paths if _SECRET_FILE.search(path) and not _HARMLESS.search(path)
    )


def secrets_in_reach(stage: Stage, project: Project) -> Iterator[Hit]:
    """The whole context is copied, and files with secrets lie in it."""
    path = stage.source.root.path
    if "#" in stage.source.path or not stage.shipped:
        return
    folder = posixpath.dirname(path)
    near = [
        posixpath.relpath(one, folder or ".")
        for one in project.memo(secret_paths)
        if posixpath.dirname(one) == folder or one.startswith(f"{folder}/" if folder else "")
    ]
    ignores = _ignores(project, path)
    left = [one for one in near if ignores is None or not ignores.ignores(one)]
    if not left:
        return
    for one in stage.instructions:
        if one.keyword not in ("COPY", "ADD") or one.flag("from") or one.onbuild:
            continue
        for word in sources(one):
            if is_context(word):
                more = f" and {len(left) - 1} more" if len(left) > 1 else ""
                yield hit(word.span, file=left[0] + more)
                return


def _ignores(project: Project, path: str) -> Ignores | None:
    """The .dockerignore that counts for a Dockerfile, as far as its place tells."""
    by_path = {one.source.path: one for one in project.documents("dockerignore")}
    own = by_path.get(f"{path}.dockerignore")
    return own or by_path.get(posixpath.join(posixpath.dirname(path), ".dockerignore"))
