"""The result of a run kept for the next one over the same bytes: the same question is not worked out twice."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any

from readiness import files, programs
from readiness.loading.assembly import FileStatus
from readiness.loading.discover import MAX_SOURCE_BYTES, DiscoveredFiles
from readiness.loading.environments import chart_folders
from readiness.loading.given import is_walked_whole
from readiness.loading.render import is_kustomization_path
from readiness.loading.render.archive import archive_member_content
from readiness.loading.render.made import RenderInput
from readiness.loading.variants import Production
from readiness.model import (
    Confidence,
    EquivalentClaim,
    Finding,
    NamedMessage,
    Related,
    Rule,
    RuleEdit,
    Severity,
    Source,
    Span,
    Suppression,
    Tier,
    TierOrPartText,
)
from readiness.model.package import PACKAGE_FOLDER
from readiness.model.records import dataclass
from readiness.model.service import Service, ServicePart
from readiness.redaction import SecretPlace, SecretSort
from readiness.ruleset import rules
from readiness.run.engine import RuleTally
from readiness.run.pipeline import RunResult
from readiness.run.run_settings import RunSettings
from readiness.syntax import compiled
from readiness.triage.baseline import MAX_BASELINE_BYTES
from readiness.verdict.checklist import EvidencePlace as Seen
from readiness.version import __version__

CACHE_FORMAT_VERSION = 8
MAX_CACHED_RESULTS = 40  # results; the oldest go first
TEMPORARY_FILE_MAX_AGE_SECONDS = 3600  # seconds after which what an interrupted run began to write is thrown away
_UNUSABLE_CACHE_ENTRY_ERRORS = (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError)


@dataclass(frozen=True, slots=True)
class ResultCache:
    """A folder of results, each under the hash of everything that it depends on.

    What was cut off or spoilt is known by its checksum and thrown away.
    """

    folder: Path

    def load(self, cache_key_hash: str, discovered: DiscoveredFiles, settings: RunSettings) -> RunResult | None:
        """The result under a key, its places in the texts that were just read; None where there is none to use."""
        cache_file = self.folder / f"{cache_key_hash}.json"
        try:
            cache_bytes = cache_file.read_bytes()
        except OSError:
            return None
        try:
            stored_run = compiled.from_checksummed_json(cache_bytes)
            return _run_result_from_row(stored_run, discovered, settings) if _are_render_inputs_unchanged(stored_run, discovered) else None
        except _UNUSABLE_CACHE_ENTRY_ERRORS:
            with contextlib.suppress(OSError):
                cache_file.unlink()
            return None

    def store_result(self, cache_key_hash: str, run_result: RunResult) -> None:
        """Keep a result; what the system refuses is no error, for the next run works it out again."""
        try:
            cache_bytes = compiled.to_checksummed_json(_run_result_to_row(run_result))
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            partial_file = self.folder / f"{cache_key_hash}.{os.getpid()}-{threading.get_ident()}.part"
            partial_file.write_bytes(cache_bytes)
            partial_file.replace(self.folder / f"{cache_key_hash}.json")
            cached_files_by_age = sorted(self.folder.glob("*.json"), key=lambda path: path.stat().st_mtime)
            for path in cached_files_by_age[:-MAX_CACHED_RESULTS]:
                path.unlink(missing_ok=True)
            for path in self.folder.glob("*.part"):
                if path.stat().st_mtime < time.time() - TEMPORARY_FILE_MAX_AGE_SECONDS:
                    path.unlink(missing_ok=True)
        except OSError:
            return

    def is_outside_scanned_tree(self, discovered: DiscoveredFiles) -> bool:
        """Whether the folder stands outside of what is scanned: whoever wrote that could have written results too."""
        from readiness.loading.render.tree import tree_root_of_folder

        real_cache_folder = Path(os.path.realpath(self.folder))
        scanned_folders = [discovered.base / one for one in discovered.walked_folders]
        scanned_folders += [(discovered.base / one).parent for one in discovered.named_paths]
        return not any(real_cache_folder.is_relative_to(tree_root_of_folder(one, scanned_folders)) for one in scanned_folders)


def user_result_cache() -> ResultCache:
    """The user's own cache folder."""
    from platformdirs import user_cache_path

    return ResultCache(user_cache_path("readiness"))


def result_cache_key(discovered: DiscoveredFiles, settings: RunSettings, today_text: str) -> str:
    """The hash of all that a result depends on and that is known before the run.

    That is the tool with its rules and libraries, the programs that it may start, the settings, the day, every path and
    byte of the walk. What rendering reads besides is kept in the result and compared when that is fetched.
    """
    sha256_digest = hashlib.sha256()

    def add_to_digest(*digest_parts: object) -> None:
        for digest_part in digest_parts:
            part_bytes = digest_part if isinstance(digest_part, bytes) else str(digest_part).encode("utf-8", "surrogatepass")
            sha256_digest.update(len(part_bytes).to_bytes(8, "little"))
            sha256_digest.update(part_bytes)

    add_to_digest(CACHE_FORMAT_VERSION, __version__, sys.version, today_text, settings_cache_text(settings), *_tool_file_states())
    add_to_digest("programs", *_program_identities(discovered, settings))
    for own_rules_folder in settings.rules:
        rules.verify_own_rules_folder(own_rules_folder)  # it may come with the tree: nothing is read that the run would refuse
        for relative_rule_path in rules.relative_rule_file_paths(own_rules_folder):
            add_to_digest(relative_rule_path, _bytes_or_empty(own_rules_folder / relative_rule_path, rules.MAX_BYTES_PER_RULES_FOLDER))
    for helm_values_file in settings.helm_values:
        add_to_digest(_bytes_or_empty(helm_values_file, MAX_SOURCE_BYTES))
    if settings.baseline:
        add_to_digest(_bytes_or_empty(settings.baseline, MAX_BASELINE_BYTES))
    for source in discovered.sources:
        add_to_digest(source.path, source.text)
    add_to_digest("documents")
    for source in (*discovered.prose_sources, *discovered.prose_sources_around, *discovered.package_sources):
        add_to_digest(source.path, source.text)
    add_to_digest("scripts")
    for source in discovered.script_sources:
        add_to_digest(source.path, source.text)
    add_to_digest(*sorted(discovered.named_paths))
    add_to_digest("harmless", *sorted(discovered.credential_free_paths))
    add_to_digest(*sorted(discovered.paths), *map(str, discovered.unread_files), discovered.has_walked_folder, discovered.skipped_count)
    add_to_digest("walk", *sorted(discovered.walked_folders), "closed", *sorted(discovered.passed_over_paths))
    for ignore_file in discovered.ignore_rules.known.values():
        add_to_digest("ignores", *ignore_file.lines)
    add_to_digest("excluded by", *sorted(discovered.ignore_rules.matched_globs))
    add_to_digest("overruled", *map(str, discovered.partly_followed_gitignores))
    context_files = discovered.context
    add_to_digest("context", *sorted(context_files.paths), "around", *context_files.judged, context_files.cut, *context_files.here)
    add_to_digest("settings", settings.config.prefix, is_walked_whole(discovered, settings.config.folder))
    return sha256_digest.hexdigest()


def _tool_file_states() -> Iterator[str]:
    """The tool's own files by name, time and size, and the folder of the libraries, which changes with each of them."""
    yield from _file_states_under_folder(PACKAGE_FOLDER, (".py", ".json", ".yaml"))
    yield from _file_states_under_folder(rules.rules_folder(), (".yaml",))
    yaml_module_spec = importlib.util.find_spec("yaml")
    if yaml_module_spec and yaml_module_spec.origin:
        yield programs.program_identity(str(Path(yaml_module_spec.origin).parents[1]))


def _file_states_under_folder(folder: Path, file_suffixes: tuple[str, ...]) -> Iterator[str]:
    with os.scandir(folder) as directory_scan:
        sorted_entries = sorted(directory_scan, key=lambda entry: entry.name)
    for entry in sorted_entries:
        if entry.name.endswith(file_suffixes):
            file_status = entry.stat()
            yield f"{entry.path} {file_status.st_mtime_ns} {file_status.st_size}"
        elif entry.is_dir() and entry.name != "__pycache__":
            yield from _file_states_under_folder(Path(entry.path), file_suffixes)


def _program_identities(discovered: DiscoveredFiles, settings: RunSettings) -> Iterator[str]:
    """The programs that this run may ask, each with what tells one version of it from the next."""
    if settings.render and chart_folders(discovered.paths):
        helm_library_spec = importlib.util.find_spec("helm_python")
        yield programs.program_identity(helm_library_spec.origin if helm_library_spec and helm_library_spec.origin else "")
        yield programs.program_identity(programs.find_program("helm"))
    if settings.render and any(map(is_kustomization_path, discovered.paths)):
        yield from map(programs.program_identity, map(programs.find_program, ("kustomize", "kubectl")))
    if settings.shellcheck:
        yield programs.program_identity(programs.find_packaged_program("shellcheck"))


def _bytes_or_empty(path: Path, byte_limit: int = MAX_SOURCE_BYTES) -> bytes:
    """What a regular file says; nothing where it cannot be read, which the run will tell."""
    try:
        return files.read_regular_file(path, byte_limit)
    except OSError:
        return b""


def settings_cache_text(settings: RunSettings) -> str:
    """The settings as text, and what their file says."""
    settings_config = settings.config
    value_by_setting = {name: getattr(settings, name) for name in settings.__slots__ if name not in {"jobs", "effects", "overruled_settings"}}
    return repr(sorted(value_by_setting.items())) + "\0".join(one.text for one in settings_config.sources)


def _are_render_inputs_unchanged(stored_run: Mapping[str, Any], discovered: DiscoveredFiles) -> bool:
    """Whether what rendering read is as it was."""
    if not stored_run["inputs"]:
        return True
    from readiness.loading.render import inputs

    return inputs.are_inputs_unchanged((RenderInput(*row) for row in stored_run["inputs"]), discovered.base)


StoredPlace = tuple[str, int, int]


def _place_to_row(source: Source, span: Span) -> StoredPlace:
    """A place told in its file: nested sources are not kept."""
    root_start_offset = source.to_root(span.start)
    return source.root.path, root_start_offset, root_start_offset + span.end - span.start


def _run_result_to_row(run_result: RunResult) -> dict[str, Any]:
    return {
        "rules": [_rule_to_row(rule) for rule in run_result.rules],
        "active": {name: sorted(cells) for name, cells in sorted(run_result.active_rules.items())},
        "rows": [astuple(row) for row in run_result.file_statuses],
        "others": run_result.ignored_file_count,
        "tally": {
            name: [look.subjects, look.unknown, [_place_to_row(*place) for place in look.places]] for name, look in run_result.tally_by_rule.items()
        },
        "subjects": run_result.subject_count_by_path,
        "hidden": [[*_place_to_row(place.source, place.span), place.sort] for place in run_result.secret_places],
        "findings": [_finding_to_row(one) for one in run_result.findings],
        "foreign": run_result.silenced_by_others_count,
        "left out": [run_result.left_out_count_by_rule, run_result.left_out_by_peer_file],
        "evidence": run_result.evidence_by_fact,
        "inputs": run_result.render_inputs,
        "notices": run_result.notices,
        "context": run_result.context.files,
        "environments": run_result.environments,
        "undeployed_paths": run_result.undeployed_paths,
        "production": run_result.production,
        "refused": [run_result.refused_comment_count, run_result.refused_purpose_count],
        "services": run_result.services,
    }


def _rule_to_row(rule: Rule) -> dict[str, Any]:
    number_by_field = {"severity": int(rule.severity), "confidence": int(rule.confidence)}
    return {**rule._asdict(), **number_by_field, "equivalents": dict(rule.equivalents)}


def _finding_to_row(finding: Finding) -> list[Any]:
    """A finding; its words hold no value of a secret (run/secrecy.py), for the folder is no place for them either."""
    suppression = finding.suppression
    return [
        finding.rule,
        _place_to_row(finding.source, finding.span),
        finding.message,
        finding.resource,
        finding.container,
        [[_place_to_row(other.source, other.span), other.message] for other in finding.related],
        [suppression.suppressed_by, suppression.reason, suppression.until] if suppression else None,
        finding.fingerprint,
        [finding.lowered_severity, finding.tier, finding.part, finding.unit_path, finding.edit_group, finding.service_name, finding.rated_severity],
    ]


def _run_result_from_row(stored_run: dict[str, Any], discovered: DiscoveredFiles, settings: RunSettings) -> RunResult:
    source_by_path = {source.path: source for source in (*discovered.sources, *discovered.prose_sources)}
    for settings_source in settings.config.sources:
        source_by_path.setdefault(settings_source.path, settings_source)

    def resolve_place(stored_place: list[Any]) -> tuple[Source, Span]:
        path, start_offset, end_offset = stored_place
        if path not in source_by_path:
            source_by_path[path] = _source_outside_the_walk(discovered.base, path) if end_offset else Source(path, "")
        return source_by_path[path], Span(start_offset, end_offset)

    rule_by_id = {row["id"]: _rule_from_row(row) for row in stored_run["rules"]}
    restored_findings = [_finding_from_row(row, rule_by_id, resolve_place) for row in stored_run["findings"]]
    return RunResult(
        file_statuses=[_file_status_from_row(row) for row in stored_run["rows"]],
        ignored_file_count=stored_run["others"],
        rules=tuple(rule_by_id.values()),
        active_rules={name: frozenset((tier, part) for tier, part in cells) for name, cells in stored_run["active"].items()},
        tally_by_rule={
            name: RuleTally(subjects, unknown, [resolve_place(place) for place in places])
            for name, (subjects, unknown, places) in stored_run["tally"].items()
        },
        subject_count_by_path=stored_run["subjects"],
        findings=restored_findings,
        secret_places=[SecretPlace(*resolve_place(place), SecretSort(sort)) for *place, sort in stored_run["hidden"]],
        silenced_by_others_count=stored_run["foreign"],
        left_out_count_by_rule=stored_run["left out"][0],
        left_out_by_peer_file=stored_run["left out"][1],
        evidence_by_fact={fact: tuple(Seen(path, line) for path, line in places) for fact, places in stored_run["evidence"].items()},
        render_inputs=[RenderInput(*row) for row in stored_run["inputs"]],
        notices=tuple(stored_run["notices"]),
        context=replace(discovered.context, files=stored_run["context"]),
        environments=tuple(Production(of, tuple(taken), tuple(others), why) for of, taken, others, why in stored_run["environments"]),
        undeployed_paths=tuple(stored_run["undeployed_paths"]),
        production=stored_run["production"],
        refused_comment_count=stored_run["refused"][0],
        refused_purpose_count=stored_run["refused"][1],
        services=tuple(Service(name, tuple(ServicePart(*part) for part in parts)) for name, parts in stored_run["services"]),
    )


def _file_status_from_row(file_status_row: list[Any]) -> FileStatus:
    file_status = FileStatus(*file_status_row)
    file_status.aside = tuple((resource, text) for resource, text in file_status.aside)
    return file_status


def _finding_from_row(finding_row: list[Any], rule_by_id: Mapping[str, Rule], resolve_place: Callable[[list[Any]], tuple[Source, Span]]) -> Finding:
    rule_id, stored_place, message, resource_name, container_name, related_rows, suppression_row, fingerprint, placement_row = finding_row
    lowered_severity, tier_name, part_name, unit_path, edit_group, service_name, rated_severity = placement_row
    return Finding(
        rule_by_id[rule_id],
        *resolve_place(stored_place),
        message,
        resource_name,
        container_name,
        tuple(Related(*resolve_place(where), text) for where, text in related_rows),
        suppression=Suppression(*suppression_row) if suppression_row else None,
        fingerprint=fingerprint,
        lowered_severity=None if lowered_severity is None else Severity(lowered_severity),
        rated_severity=None if rated_severity is None else Severity(rated_severity),
        unit_path=unit_path,
        edit_group=edit_group,
        service_name=service_name,
        tier=tier_name,
        part=part_name,
    )


def _source_outside_the_walk(base_folder: Path, path: str) -> Source:
    """A file that rendering read and the walk did not: a part of a chart, maybe packed, which is as it was."""
    file_path = base_folder / path
    try:
        return Source(path, files.read_regular_file(file_path, MAX_SOURCE_BYTES).decode("utf-8", "replace"))
    except OSError:
        pass
    packed_member_bytes = archive_member_content(base_folder, path) if ".tgz/" in path else None
    return Source(path, (packed_member_bytes or b"").decode("utf-8", "replace"))


def _rule_edit_from_row(edit_row: list[Any] | None) -> RuleEdit | None:
    return RuleEdit(*edit_row) if edit_row else None


def _rule_from_row(rule_row: dict[str, Any]) -> Rule:
    tuple_by_field = {name: tuple(rule_row[name]) for name in ("targets", "links", "checklist", "parts")}
    equivalent_ids_by_linter = {peer: tuple(ids) for peer, ids in rule_row["equivalents"].items()}
    severity_and_confidence = {"severity": Severity(rule_row["severity"]), "confidence": Confidence(rule_row["confidence"])}
    tiers = tuple(
        Tier(name, level, Severity(severity), tuple(items), opinion, _rule_edit_from_row(edit_row))
        for name, level, severity, items, opinion, edit_row in rule_row["tiers"]
    )
    equivalent_claims = tuple(EquivalentClaim(peer, tuple(ids), tier, part) for peer, ids, tier, part in rule_row["equivalent_claims"])
    member_texts = tuple(TierOrPartText(*one) for one in rule_row["wordings"])
    named_messages = tuple(NamedMessage(*one) for one in rule_row["named_messages"])
    member_values_by_field: dict[str, Any] = {"tiers": tiers, "equivalent_claims": equivalent_claims, "wordings": member_texts}
    member_values_by_field["named_messages"] = named_messages
    member_values_by_field["edit"] = _rule_edit_from_row(rule_row["edit"])
    return Rule(**{**rule_row, **tuple_by_field, **severity_and_confidence, **member_values_by_field, "equivalents": equivalent_ids_by_linter})
