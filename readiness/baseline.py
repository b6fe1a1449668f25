"""Findings that are known already: fingerprints, baseline files, and the findings of an earlier revision."""

from __future__ import annotations

import collections
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from readiness.model import Finding, Suppression

VERSION = 1
MAX_BYTES = 32 * 1024 * 1024


class BaselineError(Exception):
    """A baseline or a revision that cannot be used; the message says what to do."""


def fingerprint(rule: str, path: str, subject: str, text: str, nth: int) -> str:
    """A name for a finding that survives edits elsewhere in the file: no line goes into it."""
    parts = "\0".join((rule, path, subject, " ".join(text.split()), str(nth)))
    return hashlib.sha256(parts.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def stamp(findings: Iterable[Finding]) -> list[Finding]:
    """The findings with their fingerprints: rule, path, subject and the text at the place, and no line.

    The text of a secret stays out: a short hash of a weak password can be guessed back.
    """
    seen: collections.Counter[tuple[str, str, str, str]] = collections.Counter()
    done = []
    for one in findings:
        text = "" if one.rule.hides else one.source.text[one.span.start : one.span.end]
        subject = f"{one.resource}|{one.container}"
        key = (one.rule.id, one.path, subject, text)
        done.append(one._replace(fingerprint=fingerprint(*key, seen[key])))
        seen[key] += 1
    return done


def dump(findings: Iterable[Finding], shown: Callable[[str], str] = str) -> str:
    """A baseline file: today's open findings, by fingerprint, with enough beside it for a person to read.

    `shown` makes of a name what may be shown of it.
    """
    rows = [
        {
            "fingerprint": one.fingerprint,
            "rule": one.rule.id,
            "path": one.path,
            "resource": shown(one.resource),
        }
        for one in findings
        if not one.suppressed
    ]
    return json.dumps({"version": VERSION, "findings": rows}, indent=1, ensure_ascii=True) + "\n"


def load(path: Path) -> frozenset[str]:
    """The fingerprints of a baseline file. Raises BaselineError."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise BaselineError(f"{path.name}: a baseline is {MAX_BYTES // 1024**2} MiB at most")
        spec = json.loads(data.decode("utf-8"))
        if spec["version"] != VERSION:
            raise BaselineError(
                f"{path.name}: version {str(spec['version'])[:40]!r} of baselines is not known; write it anew"
            )
        return frozenset(str(row["fingerprint"]) for row in spec["findings"])
    except OSError as error:
        raise BaselineError(
            f"{path.name}: cannot be read: {(error.strerror or 'error').lower()}"
        ) from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BaselineError(
            f"{path.name}: this is no baseline; `readiness baseline` writes one"
        ) from None


def mark(findings: Sequence[Finding], known: frozenset[str], by: str, reason: str) -> list[Finding]:
    """The findings, those whose fingerprint is known marked as suppressed."""
    return [
        one._replace(suppressed=Suppression(by, reason))
        if one.fingerprint in known and not one.suppressed
        else one
        for one in findings
    ]


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


def since(ref: str, check: Check) -> frozenset[str]:
    """The fingerprints of the findings at the revision where this branch left `ref`."""
    with revision(ref) as tree:
        return frozenset(one.fingerprint for one in check(tree))
