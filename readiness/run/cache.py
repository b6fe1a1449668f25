"""The result of a run kept for the next one over the same bytes: the same question is not worked out twice."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Any

from readiness import programs
from readiness.loading.assembly import FileStatus
from readiness.loading.discover import MAX_BYTES, DiscoveredFiles, is_walked_whole
from readiness.loading.environments import chart_folders
from readiness.loading.render import is_overlay
from readiness.loading.render.archive import member_text
from readiness.loading.render.made import Input
from readiness.loading.variants import Production
from readiness.model import (
    Claim,
    Confidence,
    Finding,
    Related,
    Rule,
    Sentence,
    Severity,
    Source,
    Span,
    Suppression,
    Tier,
    Wording,
)
from readiness.model.package import FOLDER
from readiness.redaction import Redactor
from readiness.ruleset import rules
from readiness.run.engine import RuleTally
from readiness.run.pipeline import RunResult, Settings
from readiness.syntax import compiled
from readiness.verdict.checklist import EvidencePlace as Seen
from readiness.version import __version__

FORMAT = 5
KEPT = 40  # results; the oldest go first
LEFT_BEHIND = 3600  # seconds after which what an interrupted run began to write is thrown away
_UNUSABLE = (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError)


@dataclass(frozen=True, slots=True)
class Cache:
    """A folder of results, each under the hash of everything that it depends on.

    What was cut off or spoilt is known by its checksum and thrown away.
    """

    folder: Path

    def load(self, key: str, discovered: DiscoveredFiles, settings: Settings) -> RunResult | None:
        """The result under a key, its places in the texts that were just read; None where there is none to use."""
        file = self.folder / f"{key}.json"
        try:
            text = file.read_bytes()
        except OSError:
            return None
        try:
            data = compiled.unseal(text)
            return (
                _run_from_row(data, discovered, settings)
                if _is_unchanged(data, discovered)
                else None
            )
        except _UNUSABLE:
            with contextlib.suppress(OSError):
                file.unlink()
            return None

    def store(self, key: str, run: RunResult) -> None:
        """Keep a result; what the system refuses is no error, for the next run works it out again."""
        try:
            text = compiled.seal(_run_row(run))
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            part = self.folder / f"{key}.{os.getpid()}.part"
            part.write_bytes(text)
            part.replace(self.folder / f"{key}.json")
            results = sorted(self.folder.glob("*.json"), key=lambda path: path.stat().st_mtime)
            for path in results[:-KEPT]:
                path.unlink(missing_ok=True)
            for path in self.folder.glob("*.part"):
                if path.stat().st_mtime < time.time() - LEFT_BEHIND:
                    path.unlink(missing_ok=True)
        except OSError:
            return

    def is_apart(self, discovered: DiscoveredFiles) -> bool:
        """Whether the folder stands outside of what is scanned: whoever wrote that could have written results too."""
        from readiness.loading.render.tree import root_of

        here = Path(os.path.realpath(self.folder))
        folders = [discovered.base / one for one in discovered.folders]
        folders += [(discovered.base / one).parent for one in discovered.named]
        return not any(here.is_relative_to(root_of(one, folders)) for one in folders)


def user_cache() -> Cache:
    """The user's own cache folder."""
    from platformdirs import user_cache_path

    return Cache(user_cache_path("readiness"))


def cache_key(discovered: DiscoveredFiles, settings: Settings, today: str) -> str:
    """The hash of all that a result depends on and that is known before the run.

    That is the tool with its rules and libraries, the programs that it may start, the settings, the day, every path and
    byte of the walk. What rendering reads besides is kept in the result and compared when that is fetched.
    """
    digest = hashlib.sha256()

    def add(*parts: object) -> None:
        for part in parts:
            data = part if isinstance(part, bytes) else str(part).encode("utf-8", "surrogatepass")
            digest.update(len(data).to_bytes(8, "little"))
            digest.update(data)

    add(FORMAT, __version__, sys.version, today, settings_text(settings), *_tool_files())
    add("programs", *_programs(discovered, settings))
    for root in settings.rules:
        for where in rules.rule_paths(root):
            add(where, _bytes_or_empty(root / where) if (root / where).is_file() else b"")
    for values in settings.helm_values:
        add(_bytes_or_empty(values))
    if settings.baseline:
        add(_bytes_or_empty(settings.baseline))
    for source in discovered.texts:
        add(source.path, source.text)
    add("documents")
    for source in discovered.prose:
        add(source.path, source.text)
    add(*sorted(discovered.named))
    add("harmless", *sorted(discovered.harmless))
    add(
        *sorted(discovered.paths),
        *map(str, discovered.unread),
        discovered.walked,
        discovered.skipped,
    )
    add("walk", *sorted(discovered.folders), "closed", *sorted(discovered.closed))
    for ignored in discovered.ignoring.known.values():
        add("ignores", *ignored.lines)
    add("overruled", *map(str, discovered.overruled))
    around = discovered.context
    add("context", *sorted(around.paths), "around", *around.judged, around.cut, *around.here)
    add("settings", settings.file.prefix, is_walked_whole(discovered, settings.file.folder))
    return digest.hexdigest()


def _tool_files() -> Iterator[str]:
    """The tool's own files by name, time and size, and the folder of the libraries, which changes with each of them."""
    yield from _file_states(FOLDER, (".py", ".json", ".yaml"))
    yield from _file_states(rules.rules_folder(), (".yaml",))
    yaml = importlib.util.find_spec("yaml")
    if yaml and yaml.origin:
        yield programs.program_identity(str(Path(yaml.origin).parents[1]))


def _file_states(folder: Path, endings: tuple[str, ...]) -> Iterator[str]:
    with os.scandir(folder) as scan:
        entries = sorted(scan, key=lambda entry: entry.name)
    for entry in entries:
        if entry.name.endswith(endings):
            status = entry.stat()
            yield f"{entry.path} {status.st_mtime_ns} {status.st_size}"
        elif entry.is_dir() and entry.name != "__pycache__":
            yield from _file_states(Path(entry.path), endings)


def _programs(discovered: DiscoveredFiles, settings: Settings) -> Iterator[str]:
    """The programs that this run may ask, each with what tells one version of it from the next."""
    if settings.render and chart_folders(discovered.paths):
        library = importlib.util.find_spec("helm_python")
        yield programs.program_identity(library.origin if library and library.origin else "")
        yield programs.program_identity(programs.find_program("helm"))
    if settings.render and any(map(is_overlay, discovered.paths)):
        yield from map(
            programs.program_identity, map(programs.find_program, ("kustomize", "kubectl"))
        )
    if settings.shellcheck:
        yield programs.program_identity(programs.find_program("shellcheck"))


def _bytes_or_empty(path: Path) -> bytes:
    """What a file says; nothing where it cannot be read, which the run will tell."""
    try:
        return path.read_bytes()
    except OSError:
        return b""


def settings_text(settings: Settings) -> str:
    """The settings as text; the settings file stands for itself by what it says."""
    file = settings.file
    said = file.source.text if file.source else ""
    parts = {
        name: getattr(settings, name) for name in settings.__slots__ if name not in {"file", "jobs"}
    }
    return repr(sorted(parts.items())) + said


def _is_unchanged(data: Mapping[str, Any], discovered: DiscoveredFiles) -> bool:
    """Whether what rendering read is as it was."""
    if not data["inputs"]:
        return True
    from readiness.loading.render import inputs

    return inputs.is_unchanged((Input(*row) for row in data["inputs"]), discovered.base)


Place = tuple[str, int, int]


def _place_row(source: Source, span: Span) -> Place:
    """A place told in its file: nested sources are not kept."""
    start = source.to_root(span.start)
    return source.root.path, start, start + span.end - span.start


def _run_row(run: RunResult) -> dict[str, Any]:
    redactor = Redactor(run.hidden)
    return {
        "rules": [_rule_row(rule) for rule in run.rules],
        "active": {name: sorted(cells) for name, cells in sorted(run.active.items())},
        "rows": [astuple(row) for row in run.rows],
        "others": run.others,
        "tally": {
            name: [look.subjects, look.unknown, [_place_row(*place) for place in look.places]]
            for name, look in run.tally.items()
        },
        "subjects": run.subjects,
        "hidden": [_place_row(*place) for place in run.hidden],
        "findings": [_finding_row(one, redactor) for one in run.findings],
        "foreign": run.foreign,
        "evidence": run.evidence,
        "inputs": run.inputs,
        "notices": run.notices,
        "context": run.context.files,
        "environments": run.environments,
        "production": run.production,
    }


def _rule_row(rule: Rule) -> dict[str, Any]:
    numbers = {"severity": int(rule.severity), "confidence": int(rule.confidence)}
    return {**rule._asdict(), **numbers, "equivalents": dict(rule.equivalents)}


def _finding_row(finding: Finding, redactor: Redactor) -> list[Any]:
    """A finding without the values of secrets: the folder is no place for them either."""
    silenced = finding.suppressed
    return [
        finding.rule,
        _place_row(finding.source, finding.span),
        redactor.text(finding.message),
        redactor.text(finding.resource),
        finding.container,
        [
            [_place_row(other.source, other.span), redactor.text(other.message)]
            for other in finding.related
        ],
        [silenced.by, silenced.reason, silenced.until] if silenced else None,
        finding.fingerprint,
        [finding.lowered, finding.tier, finding.part, finding.unit],
    ]


def _run_from_row(
    data: dict[str, Any], discovered: DiscoveredFiles, settings: Settings
) -> RunResult:
    known = {source.path: source for source in (*discovered.texts, *discovered.prose)}
    if settings.file.source:
        known.setdefault(settings.file.source.path, settings.file.source)

    def at(place: list[Any]) -> tuple[Source, Span]:
        path, start, end = place
        if path not in known:
            known[path] = _unread_source(discovered.base, path) if end else Source(path, "")
        return known[path], Span(start, end)

    rules = {row["id"]: _rule_from_row(row) for row in data["rules"]}
    findings = [_finding_from_row(row, rules, at) for row in data["findings"]]
    return RunResult(
        rows=[_row_from(row) for row in data["rows"]],
        others=data["others"],
        rules=tuple(rules.values()),
        active={
            name: frozenset((tier, part) for tier, part in cells)
            for name, cells in data["active"].items()
        },
        tally={
            name: RuleTally(subjects, unknown, [at(place) for place in places])
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
        inputs=[Input(*row) for row in data["inputs"]],
        notices=tuple(data["notices"]),
        context=replace(discovered.context, files=data["context"]),
        environments=tuple(
            Production(of, tuple(taken), tuple(others), why)
            for of, taken, others, why in data["environments"]
        ),
        production=data["production"],
    )


def _row_from(row: list[Any]) -> FileStatus:
    made = FileStatus(*row)
    made.aside = tuple((resource, text) for resource, text in made.aside)
    return made


def _finding_from_row(
    row: list[Any], rules: Mapping[str, Rule], at: Callable[[list[Any]], tuple[Source, Span]]
) -> Finding:
    rule, place, message, resource, container, related, silenced, mark, told = row
    lowered, tier, part, unit = told
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
        unit=unit,
        tier=tier,
        part=part,
    )


def _unread_source(base: Path, path: str) -> Source:
    """A file that rendering read and the walk did not: a part of a chart, maybe packed, which is as it was."""
    file = base / path
    try:
        if file.stat().st_size <= MAX_BYTES:
            return Source(path, file.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        pass
    text = member_text(base, path) if ".tgz/" in path else None
    return Source(path, (text or b"").decode("utf-8", "replace"))


def _rule_from_row(row: dict[str, Any]) -> Rule:
    lists = {name: tuple(row[name]) for name in ("targets", "links", "checklist", "parts")}
    peers = {peer: tuple(ids) for peer, ids in row["equivalents"].items()}
    levels = {"severity": Severity(row["severity"]), "confidence": Confidence(row["confidence"])}
    tiers = tuple(
        Tier(name, level, Severity(severity), tuple(items), opinion)
        for name, level, severity, items, opinion in row["tiers"]
    )
    claims = tuple(Claim(peer, tuple(ids), tier, part) for peer, ids, tier, part in row["claims"])
    wordings = tuple(Wording(*one) for one in row["wordings"])
    sentences = tuple(Sentence(*one) for one in row["sentences"])
    members = {"tiers": tiers, "claims": claims, "wordings": wordings, "sentences": sentences}
    return Rule(**{**row, **lists, **levels, **members, "equivalents": peers})
