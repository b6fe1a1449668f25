"""Findings that are known already: fingerprints, baseline files, and the findings of an earlier revision."""

from __future__ import annotations

import collections
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from readiness.model import Finding, Suppression
from readiness.ruleset.names import Name, Names

VERSION = 1


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
    seen: collections.Counter[Key] = collections.Counter()
    done = []
    for one in findings:
        key = _key(one, one.rule.id)
        done.append(one._replace(fingerprint=fingerprint(*key, seen[key])))
        seen[key] += 1
    return done


Key = tuple[str, str, str, str]


def _key(one: Finding, rule: str) -> Key:
    """What a finding's fingerprint is made of, but for its number among equal ones."""
    text = "" if one.rule.hides else one.source.text[one.span.start : one.span.end]
    return rule, one.path, f"{one.resource}|{one.container}", text


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
        spec = json.loads(path.read_text(encoding="utf-8"))
        if spec["version"] != VERSION:
            raise BaselineError(
                f"{path.name}: version {spec['version']!r} of baselines is not known; write it anew"
            )
        return frozenset(str(row["fingerprint"]) for row in spec["findings"])
    except OSError as error:
        raise BaselineError(
            f"{path.name}: cannot be read: {(error.strerror or 'error').lower()}"
        ) from None
    except (ValueError, KeyError, TypeError):
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


def renew(
    findings: Sequence[Finding], known: frozenset[str], names: Names, where: str
) -> frozenset[str]:
    """The known fingerprints, and those of today for what is known under a name that its rule had before.

    A file that was written before rules were renamed goes on working, and `names` notes that it is old.
    """
    seen: collections.Counter[Key] = collections.Counter()
    added: dict[str, tuple[str, Name]] = {}
    for one in findings:
        for old, name in names.former(one.rule.id):
            if name.reaches(one):
                key = _key(one, old)
                if fingerprint(*key, seen[key]) in known and one.fingerprint not in known:
                    added[one.fingerprint] = old, name
                seen[key] += 1
    if added:
        old, name = min(added.values())
        count = "1 finding stands" if len(added) == 1 else f"{len(added)} findings stand"
        names.notices[where] = (
            f"{where}: {count} under former names of rules ({old} is called {name} now);"
            " they still count as known, and `readiness baseline` writes the file anew"
        )
    return known | added.keys()


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
