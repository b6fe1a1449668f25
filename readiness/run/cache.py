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
from readiness.loading.render.made import RenderInput
from readiness.loading.variants import Production
from readiness.model import (
    Confidence,
    EquivalentClaim,
    Finding,
    NamedMessage,
    Related,
    Rule,
    Severity,
    Source,
    Span,
    Suppression,
    Tier,
    TierOrPartText,
)
from readiness.model.package import PACKAGE_FOLDER
from readiness.redaction import Redactor
from readiness.ruleset import rules
from readiness.run.engine import RuleTally
from readiness.run.pipeline import RunResult, RunSettings
from readiness.syntax import compiled
from readiness.verdict.checklist import EvidencePlace as Seen
from readiness.version import __version__

CACHE_FORMAT_VERSION = 5
MAX_KEPT_RESULTS = 40  # results; the oldest go first
TEMPORARY_FILE_MAX_AGE = 3600  # seconds after which what an interrupted run began to write is thrown away
_UNUSABLE_ENTRY_ERRORS = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    IndexError,
    AttributeError,
    RecursionError,
)


@dataclass(frozen=True, slots=True)
class ResultCache:
    """A folder of results, each under the hash of everything that it depends on.

    What was cut off or spoilt is known by its checksum and thrown away.
    """

    folder: Path

    def load(self, key: str, discovered: DiscoveredFiles, settings: RunSettings) -> RunResult | None:
        """The result under a key, its places in the texts that were just read; None where there is none to use."""
        file = self.folder / f"{key}.json"
        try:
            text = file.read_bytes()
        except OSError:
            return None
        try:
            data = compiled.from_checksummed_json(text)
            return _run_from_row(data, discovered, settings) if _is_unchanged(data, discovered) else None
        except _UNUSABLE_ENTRY_ERRORS:
            with contextlib.suppress(OSError):
                file.unlink()
            return None

    def store_result(self, key: str, run: RunResult) -> None:
        """Keep a result; what the system refuses is no error, for the next run works it out again."""
        try:
            text = compiled.to_checksummed_json(_run_row(run))
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            part = self.folder / f"{key}.{os.getpid()}.part"
            part.write_bytes(text)
            part.replace(self.folder / f"{key}.json")
            results = sorted(self.folder.glob("*.json"), key=lambda path: path.stat().st_mtime)
            for path in results[:-MAX_KEPT_RESULTS]:
                path.unlink(missing_ok=True)
            for path in self.folder.glob("*.part"):
                if path.stat().st_mtime < time.time() - TEMPORARY_FILE_MAX_AGE:
                    path.unlink(missing_ok=True)
        except OSError:
            return

    def is_outside_scanned_tree(self, discovered: DiscoveredFiles) -> bool:
        """Whether the folder stands outside of what is scanned: whoever wrote that could have written results too."""
        from readiness.loading.render.tree import root_of

        here = Path(os.path.realpath(self.folder))
        folders = [discovered.base / one for one in discovered.walked_folders]
        folders += [(discovered.base / one).parent for one in discovered.named_paths]
        return not any(here.is_relative_to(root_of(one, folders)) for one in folders)


def user_cache() -> ResultCache:
    """The user's own cache folder."""
    from platformdirs import user_cache_path

    return ResultCache(user_cache_path("readiness"))


def cache_key(discovered: DiscoveredFiles, settings: RunSettings, today: str) -> str:
    """The hash of all that a result depends on and that is known before the run.

    That is the tool with its rules and libraries, the programs that it may start, the settings, the day, every path and
    byte of the walk. What rendering reads besides is kept in the result and compared when that is fetched.
    """
    digest = hashlib.sha256()

    def add_to_digest(*parts: object) -> None:
        for part in parts:
            data = part if isinstance(part, bytes) else str(part).encode("utf-8", "surrogatepass")
            digest.update(len(data).to_bytes(8, "little"))
            digest.update(data)

    add_to_digest(
        CACHE_FORMAT_VERSION,
        __version__,
        sys.version,
        today,
        settings_text(settings),
        *_tool_files(),
    )
    add_to_digest("programs", *_program_identities(discovered, settings))
    for root in settings.rules:
        for where in rules.rule_paths(root):
            add_to_digest(where, _bytes_or_empty(root / where) if (root / where).is_file() else b"")
    for values in settings.helm_values:
        add_to_digest(_bytes_or_empty(values))
    if settings.baseline:
        add_to_digest(_bytes_or_empty(settings.baseline))
    for source in discovered.sources:
        add_to_digest(source.path, source.text)
    add_to_digest("documents")
    for source in (*discovered.prose_sources, *discovered.package_sources):
        add_to_digest(source.path, source.text)
    add_to_digest("scripts")
    for source in discovered.script_sources:
        add_to_digest(source.path, source.text)
    add_to_digest(*sorted(discovered.named_paths))
    add_to_digest("harmless", *sorted(discovered.credential_free_paths))
    add_to_digest(
        *sorted(discovered.paths),
        *map(str, discovered.unread_files),
        discovered.has_walked_folder,
        discovered.skipped_count,
    )
    add_to_digest("walk", *sorted(discovered.walked_folders), "closed", *sorted(discovered.passed_over_paths))
    for ignored in discovered.ignore_rules.known.values():
        add_to_digest("ignores", *ignored.lines)
    add_to_digest("overruled", *map(str, discovered.partly_followed_gitignores))
    around = discovered.context
    add_to_digest("context", *sorted(around.paths), "around", *around.judged, around.cut, *around.here)
    add_to_digest("settings", settings.config.prefix, is_walked_whole(discovered, settings.config.folder))
    return digest.hexdigest()


def _tool_files() -> Iterator[str]:
    """The tool's own files by name, time and size, and the folder of the libraries, which changes with each of them."""
    yield from _file_states(PACKAGE_FOLDER, (".py", ".json", ".yaml"))
    yield from _file_states(rules.rules_folder(), (".yaml",))
    yaml = importlib.util.find_spec("yaml")
    if yaml and yaml.origin:
        yield programs.program_identity(str(Path(yaml.origin).parents[1]))


def _file_states(folder: Path, suffixes: tuple[str, ...]) -> Iterator[str]:
    with os.scandir(folder) as scan:
        entries = sorted(scan, key=lambda entry: entry.name)
    for entry in entries:
        if entry.name.endswith(suffixes):
            status = entry.stat()
            yield f"{entry.path} {status.st_mtime_ns} {status.st_size}"
        elif entry.is_dir() and entry.name != "__pycache__":
            yield from _file_states(Path(entry.path), suffixes)


def _program_identities(discovered: DiscoveredFiles, settings: RunSettings) -> Iterator[str]:
    """The programs that this run may ask, each with what tells one version of it from the next."""
    if settings.render and chart_folders(discovered.paths):
        library = importlib.util.find_spec("helm_python")
        yield programs.program_identity(library.origin if library and library.origin else "")
        yield programs.program_identity(programs.find_program("helm"))
    if settings.render and any(map(is_overlay, discovered.paths)):
        yield from map(programs.program_identity, map(programs.find_program, ("kustomize", "kubectl")))
    if settings.shellcheck:
        yield programs.program_identity(programs.find_program("shellcheck"))


def _bytes_or_empty(path: Path) -> bytes:
    """What a file says; nothing where it cannot be read, which the run will tell."""
    try:
        return path.read_bytes()
    except OSError:
        return b""


def settings_text(settings: RunSettings) -> str:
    """The settings as text, and what their file says."""
    file = settings.config
    said = file.source.text if file.source else ""
    parts = {name: getattr(settings, name) for name in settings.__slots__ if name != "jobs"}
    return repr(sorted(parts.items())) + said


def _is_unchanged(data: Mapping[str, Any], discovered: DiscoveredFiles) -> bool:
    """Whether what rendering read is as it was."""
    if not data["inputs"]:
        return True
    from readiness.loading.render import inputs

    return inputs.is_unchanged((RenderInput(*row) for row in data["inputs"]), discovered.base)


StoredPlace = tuple[str, int, int]


def _place_row(source: Source, span: Span) -> StoredPlace:
    """A place told in its file: nested sources are not kept."""
    start = source.to_root(span.start)
    return source.root.path, start, start + span.end - span.start


def _run_row(run: RunResult) -> dict[str, Any]:
    redactor = Redactor(run.secret_places)
    return {
        "rules": [_rule_row(rule) for rule in run.rules],
        "active": {name: sorted(cells) for name, cells in sorted(run.active_rules.items())},
        "rows": [astuple(row) for row in run.file_statuses],
        "others": run.ignored_file_count,
        "tally": {
            name: [look.subjects, look.unknown, [_place_row(*place) for place in look.places]]
            for name, look in run.tally_by_rule.items()
        },
        "subjects": run.subject_count_by_path,
        "hidden": [_place_row(*place) for place in run.secret_places],
        "findings": [_finding_row(one, redactor) for one in run.findings],
        "foreign": run.silenced_by_others_count,
        "evidence": run.evidence_by_fact,
        "inputs": run.render_inputs,
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
    silenced = finding.suppression
    return [
        finding.rule,
        _place_row(finding.source, finding.span),
        redactor.mask_text(finding.message),
        redactor.mask_text(finding.resource),
        finding.container,
        [[_place_row(other.source, other.span), redactor.mask_text(other.message)] for other in finding.related],
        [silenced.suppressed_by, silenced.reason, silenced.until] if silenced else None,
        finding.fingerprint,
        [finding.lowered_severity, finding.tier, finding.part, finding.unit_path],
    ]


def _run_from_row(data: dict[str, Any], discovered: DiscoveredFiles, settings: RunSettings) -> RunResult:
    known = {source.path: source for source in (*discovered.sources, *discovered.prose_sources)}
    if settings.config.source:
        known.setdefault(settings.config.source.path, settings.config.source)

    def resolve_place(place: list[Any]) -> tuple[Source, Span]:
        path, start, end = place
        if path not in known:
            known[path] = _unread_source(discovered.base, path) if end else Source(path, "")
        return known[path], Span(start, end)

    rules = {row["id"]: _rule_from_row(row) for row in data["rules"]}
    findings = [_finding_from_row(row, rules, resolve_place) for row in data["findings"]]
    return RunResult(
        file_statuses=[_row_from(row) for row in data["rows"]],
        ignored_file_count=data["others"],
        rules=tuple(rules.values()),
        active_rules={name: frozenset((tier, part) for tier, part in cells) for name, cells in data["active"].items()},
        tally_by_rule={
            name: RuleTally(subjects, unknown, [resolve_place(place) for place in places])
            for name, (subjects, unknown, places) in data["tally"].items()
        },
        subject_count_by_path=data["subjects"],
        findings=findings,
        secret_places=[resolve_place(place) for place in data["hidden"]],
        silenced_by_others_count=data["foreign"],
        evidence_by_fact={fact: tuple(Seen(path, line) for path, line in places) for fact, places in data["evidence"].items()},
        render_inputs=[RenderInput(*row) for row in data["inputs"]],
        notices=tuple(data["notices"]),
        context=replace(discovered.context, files=data["context"]),
        environments=tuple(Production(of, tuple(taken), tuple(others), why) for of, taken, others, why in data["environments"]),
        production=data["production"],
    )


def _row_from(row: list[Any]) -> FileStatus:
    made = FileStatus(*row)
    made.aside = tuple((resource, text) for resource, text in made.aside)
    return made


def _finding_from_row(
    row: list[Any],
    rules: Mapping[str, Rule],
    resolve_place: Callable[[list[Any]], tuple[Source, Span]],
) -> Finding:
    rule, place, message, resource, container, related, silenced, mark, told = row
    lowered, tier, part, unit = told
    return Finding(
        rules[rule],
        *resolve_place(place),
        message,
        resource,
        container,
        tuple(Related(*resolve_place(where), text) for where, text in related),
        suppression=Suppression(*silenced) if silenced else None,
        fingerprint=mark,
        lowered_severity=None if lowered is None else Severity(lowered),
        unit_path=unit,
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
        Tier(name, level, Severity(severity), tuple(items), opinion) for name, level, severity, items, opinion in row["tiers"]
    )
    claims = tuple(EquivalentClaim(peer, tuple(ids), tier, part) for peer, ids, tier, part in row["equivalent_claims"])
    wordings = tuple(TierOrPartText(*one) for one in row["wordings"])
    sentences = tuple(NamedMessage(*one) for one in row["named_messages"])
    members = {"tiers": tiers, "equivalent_claims": claims, "wordings": wordings, "named_messages": sentences}
    return Rule(**{**row, **lists, **levels, **members, "equivalents": peers})
