"""The result of a run kept for the next one over the same bytes: the same question is not worked out twice."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from readiness.loading.assembly import Row
from readiness.loading.discover import Found
from readiness.model import (
    Claim,
    Confidence,
    Finding,
    Related,
    Rule,
    Severity,
    Source,
    Span,
    Suppression,
    Tier,
    Wording,
)
from readiness.model.package import FOLDER
from readiness.redaction import Redactor
from readiness.run.engine import Tally
from readiness.run.pipeline import Run, Settings
from readiness.verdict.checklist import Place as Seen
from readiness.version import __version__

FORMAT = 4
KEPT = 40  # results; the oldest go first


@dataclass(frozen=True, slots=True)
class Cache:
    """A folder of results, each under the hash of everything that it depends on."""

    folder: Path

    def fetch(self, key: str, found: Found) -> Run | None:
        """The result under a key, its places in the texts that were just read; None where there is none to use."""
        try:
            data = json.loads((self.folder / f"{key}.json").read_text(encoding="utf-8"))
            return _load(data, {source.path: source for source in (*found.texts, *found.prose)})
        except (OSError, ValueError, KeyError, TypeError, IndexError):
            return None  # nothing there, or nothing usable: work it out

    def store(self, key: str, run: Run) -> None:
        """Keep a result; what the system refuses is no error, for the next run works it out again."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            part = self.folder / f"{key}.{os.getpid()}.part"
            part.write_text(json.dumps(_dump(run)), encoding="utf-8")
            part.replace(self.folder / f"{key}.json")
            results = sorted(self.folder.glob("*.json"), key=lambda path: path.stat().st_mtime)
            for path in results[:-KEPT]:
                path.unlink(missing_ok=True)
        except OSError:
            return


def default() -> Cache:
    """The user's own cache folder."""
    from platformdirs import user_cache_path

    return Cache(user_cache_path("readiness"))


def key(found: Found, settings: Settings, roots: Iterable[Path], today: str) -> str:
    """The hash of all that a result depends on: the tool, its rules, the settings, the day, every path and byte."""
    made = hashlib.sha256()

    def add(*parts: object) -> None:
        for part in parts:
            data = part if isinstance(part, bytes) else str(part).encode("utf-8", "surrogatepass")
            made.update(len(data).to_bytes(8, "little"))
            made.update(data)

    add(FORMAT, __version__, today, settings_text(settings))
    for root in roots:
        for path in sorted(root.rglob("*.yaml")):
            status = path.stat()
            add(path, status.st_mtime_ns, status.st_size)
    for path in sorted(FOLDER.rglob("*.py")):  # the tool itself, while it is being worked on
        add(path.name, path.stat().st_mtime_ns)
    for values in settings.helm_values:
        add(values.read_bytes())
    if settings.baseline:
        add(settings.baseline.read_bytes() if settings.baseline.is_file() else b"")
    for source in found.texts:
        add(source.path, source.text)
    add("documents")
    for source in found.prose:
        add(source.path, source.text)
    add(*sorted(found.named))
    add(*sorted(found.paths), *map(str, found.unread), found.walked, found.skipped)
    add("walk", *sorted(found.folders), "closed", *sorted(found.closed))
    for _, lines in found.ignores:
        add("ignores", *lines)
    return made.hexdigest()


def settings_text(settings: Settings) -> str:
    """The settings as text; the settings file stands for itself by what it says."""
    file = settings.file
    said = file.source.text if file.source else ""
    parts = {
        name: getattr(settings, name) for name in settings.__slots__ if name not in {"file", "jobs"}
    }
    return repr(sorted(parts.items())) + said


Place = tuple[str, int, int]


def _place(source: Source, span: Span) -> Place:
    """A place told in its file: nested sources are not kept."""
    start = source.to_root(span.start)
    return source.root.path, start, start + span.end - span.start


def _dump(run: Run) -> dict[str, Any]:
    redactor = Redactor(run.hidden)
    return {
        "rules": [_rule_row(rule) for rule in run.rules],
        "active": {name: sorted(cells) for name, cells in sorted(run.active.items())},
        "rows": [[row.path, row.kind, row.status, row.reason] for row in run.rows],
        "others": run.others,
        "tally": {
            name: [look.subjects, look.unknown, [_place(*place) for place in look.places]]
            for name, look in run.tally.items()
        },
        "subjects": run.subjects,
        "hidden": [_place(*place) for place in run.hidden],
        "findings": [_finding_row(one, redactor) for one in run.findings],
        "foreign": run.foreign,
        "evidence": run.evidence,
        "notices": run.notices,
    }


def _rule_row(rule: Rule) -> dict[str, Any]:
    numbers = {"severity": int(rule.severity), "confidence": int(rule.confidence)}
    return {**rule._asdict(), **numbers, "equivalents": dict(rule.equivalents)}


def _finding_row(one: Finding, redactor: Redactor) -> list[Any]:
    """A finding without the values of secrets: the folder is no place for them either."""
    silenced = one.suppressed
    return [
        one.rule.id,
        _place(one.source, one.span),
        redactor.text(one.message),
        redactor.text(one.resource),
        one.container,
        [[_place(other.source, other.span), redactor.text(other.message)] for other in one.related],
        [silenced.by, silenced.reason, silenced.until] if silenced else None,
        one.fingerprint,
        [one.lowered, one.tier, one.part],
    ]


def _load(data: dict[str, Any], sources: Mapping[str, Source]) -> Run:
    known = dict(sources)

    def at(place: list[Any]) -> tuple[Source, Span]:
        path, start, end = place
        if path not in known:  # a file that could not be read, or the settings
            known[path] = Source(path, "")
        return known[path], Span(start, end)

    rules = {row["id"]: _rule(row) for row in data["rules"]}
    findings = [_finding(row, rules, at) for row in data["findings"]]
    return Run(
        rows=[Row(*row) for row in data["rows"]],
        others=data["others"],
        rules=tuple(rules.values()),
        active={
            name: frozenset((tier, part) for tier, part in cells)
            for name, cells in data["active"].items()
        },
        tally={
            name: Tally(subjects, unknown, [at(place) for place in places])
            for name, (subjects, unknown, places) in data["tally"].items()
        },
        subjects=data["subjects"],
        findings=findings,
        hidden=[at(place) for place in data["hidden"]],
        foreign=data["foreign"],
        evidence={
            fact: tuple(Seen(path, line) for path, line in places)
            for fact, places in data["evidence"].items()
        },
        notices=tuple(data["notices"]),
    )


def _finding(
    row: list[Any], rules: Mapping[str, Rule], at: Callable[[list[Any]], tuple[Source, Span]]
) -> Finding:
    rule, place, message, resource, container, related, silenced, mark, told = row
    lowered, tier, part = told
    return Finding(
        rules[rule],
        *at(place),
        message,
        resource,
        container,
        tuple(Related(*at(where), text) for where, text in related),
        suppressed=Suppression(*silenced) if silenced else None,
        fingerprint=mark,
        lowered=None if lowered is None else Severity(lowered),
        tier=tier,
        part=part,
    )


def _rule(row: dict[str, Any]) -> Rule:
    lists = {name: tuple(row[name]) for name in ("targets", "links", "checklist", "parts")}
    peers = {peer: tuple(ids) for peer, ids in row["equivalents"].items()}
    levels = {"severity": Severity(row["severity"]), "confidence": Confidence(row["confidence"])}
    tiers = tuple(
        Tier(name, level, Severity(severity), tuple(items), opinion)
        for name, level, severity, items, opinion in row["tiers"]
    )
    claims = tuple(Claim(peer, tuple(ids), tier, part) for peer, ids, tier, part in row["claims"])
    wordings = tuple(Wording(*one) for one in row["wordings"])
    members = {"tiers": tiers, "claims": claims, "wordings": wordings}
    return Rule(**{**row, **lists, **levels, **members, "equivalents": peers})
