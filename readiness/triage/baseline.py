"""Findings that are known already: fingerprints, baseline files, and the findings of an earlier revision."""

from __future__ import annotations

import collections
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from readiness.model import Finding, Suppression

VERSION = 2  # of baseline files, and so of the recipe of fingerprints
Known = collections.Counter[tuple[str, str]]  # how many findings of a mark a path has


class BaselineError(Exception):
    """A baseline or a revision that cannot be used; the message says what to do."""


def stamp(findings: Iterable[Finding]) -> list[Finding]:
    """The findings with their fingerprints: a hash of the rule, the resource and the text that is marked.

    No line, file or folder goes in, so that a finding keeps its name where its file is edited, moved or renamed; of several
    that are alike the second ends in `-2`. The text of a secret stays out: a short hash of a weak password can be guessed.
    """
    seen: collections.Counter[str] = collections.Counter()
    done = []
    for one in findings:
        text = "" if one.definition.hides else one.source.text[one.span.start : one.span.end]
        parts = "\0".join((one.rule, one.resource, one.container, " ".join(text.split())))
        mark = hashlib.sha256(parts.encode("utf-8", "surrogatepass")).hexdigest()[:16]
        seen[mark] += 1
        number = f"-{seen[mark]}" if seen[mark] > 1 else ""
        done.append(one._replace(fingerprint=mark + number))
    return done


def mark_of(fingerprint: str) -> str:
    """A fingerprint without the number that tells it from findings that are alike."""
    return fingerprint.partition("-")[0]


def dump(findings: Iterable[Finding], shown: Callable[[str], str] = str) -> str:
    """A baseline file: today's open findings, by fingerprint, with enough beside it for a person to read.

    `shown` makes of a name what may be shown of it.
    """
    rows = [
        {
            "fingerprint": one.fingerprint,
            "rule": one.rule,
            "path": one.path,
            "resource": shown(one.resource),
        }
        for one in findings
        if not one.suppressed
    ]
    return json.dumps({"version": VERSION, "findings": rows}, indent=1, ensure_ascii=True) + "\n"


def load(path: Path) -> Known:
    """What a baseline file knows. Raises BaselineError."""
    try:
        spec = json.loads(path.read_text(encoding="utf-8"))
        if spec["version"] != VERSION:
            raise BaselineError(
                f"{path.name}: this baseline is of version {spec['version']!r}, and {VERSION} is read;"
                " write it anew with `readiness baseline`"
            )
        rows = spec["findings"]
        return collections.Counter(
            (mark_of(str(row["fingerprint"])), str(row["path"])) for row in rows
        )
    except OSError as error:
        raise BaselineError(
            f"{path.name}: cannot be read: {(error.strerror or 'error').lower()}"
        ) from None
    except (ValueError, KeyError, TypeError):
        raise BaselineError(
            f"{path.name}: this is no baseline; `readiness baseline` writes one"
        ) from None


def known_of(findings: Iterable[Finding]) -> Known:
    """What findings of an earlier run make known."""
    return collections.Counter((mark_of(one.fingerprint), one.path) for one in findings)


def mark(findings: Sequence[Finding], known: Known, by: str, reason: str) -> list[Finding]:
    """The findings, as many of each mark suppressed as are known: those at their old path first, then those that moved."""
    left = collections.Counter(known)
    suppression = Suppression(by, reason)
    done = list(findings)
    for moved in (False, True):
        if moved:
            anywhere = collections.Counter[str]()
            for (fingerprint, _), count in left.items():
                anywhere[fingerprint] += count
        for index, one in enumerate(done):
            if one.suppressed:
                continue
            fingerprint = mark_of(one.fingerprint)
            if moved and anywhere[fingerprint]:
                anywhere[fingerprint] -= 1
            elif not moved and left[fingerprint, one.path]:
                left[fingerprint, one.path] -= 1
            else:
                continue
            done[index] = one._replace(suppressed=suppression)
    return done


def git(*arguments: str) -> bytes:
    """What a git command prints. Raises BaselineError with git's own words."""
    import subprocess

    try:
        done = subprocess.run(["git", *arguments], capture_output=True, check=False, timeout=120)  # noqa: S603, S607
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BaselineError(f"git could not be run: {type(error).__name__}") from None
    if done.returncode:
        words = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise BaselineError(words[0] if words else "git failed")
    return done.stdout


@contextmanager
def revision(ref: str) -> Iterator[Path]:
    """A folder that holds the working directory's tree as it was where this branch left `ref`.

    The tree comes out of git's objects; nothing in it is run. Raises BaselineError.
    """
    import tarfile
    import tempfile

    if ref.startswith("-"):
        raise BaselineError(f"{ref!r} is no revision")
    base = git("merge-base", "--end-of-options", ref, "HEAD").decode().strip()
    prefix = git("rev-parse", "--show-prefix").decode().strip()
    top = git("rev-parse", "--show-toplevel").decode().strip()
    with tempfile.TemporaryDirectory(prefix="readiness-") as folder:
        root = Path(folder)
        packed = root / "tree.tar"
        with packed.open("wb") as out:
            out.write(git("-C", top, "archive", "--format=tar", f"{base}:{prefix}"))
        tree = root / "tree"
        (tree / ".git").mkdir(parents=True)  # it is a repository's tree, as this one is
        with tarfile.open(packed) as archive:
            for member in archive:
                if member.isfile() or member.isdir():
                    archive.extract(member, tree, filter="data")
        yield tree


Check = Callable[[Path], Iterable[Finding]]


def since(ref: str, check: Check) -> Known:
    """What was found at the revision where this branch left `ref`."""
    with revision(ref) as tree:
        return known_of(check(tree))
