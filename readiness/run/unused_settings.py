"""What settings say and what can have no effect: globs that match no file, and words for rules that are locked."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable, Iterator, Sequence

from readiness.loading.assembly import Assembly
from readiness.loading.discover import DiscoveredFiles
from readiness.loading.ignoring import IgnoreRules
from readiness.model import Finding, Rule, Source, Span
from readiness.model.messages import fill_message
from readiness.ruleset.names import RuleName
from readiness.run.rule_choices import RuleSelection
from readiness.run.run_settings import RunSettings
from readiness.settings import Config, PathRules, SettingsLayer
from readiness.settings.globs import prefixed_glob
from readiness.syntax.glob import glob_matches, literal_prefix, prefixed_path
from readiness.tree_paths import is_version_control_name
from readiness.triage.suppress import SUPPRESSION_RULE_IDS

_CHOICES_OF_RULES = frozenset({"profile", "select", "ignore"})


def findings_for_unused_settings(
    discovered: DiscoveredFiles, assembly: Assembly, settings: RunSettings, run_rules: RuleSelection, unused_rule: Rule
) -> list[Finding]:
    """A finding for each setting of the tree that has no effect; of globs only where all was walked that they speak of.

    Of a file that stands above the tree's own nothing is told: it is for many trees.
    """
    findings = [
        _finding(unused_rule, one.source, one.span, problem)
        for one in settings.config.path_rules
        if one.source is not None and not one.is_callers
        for problem in _problems_of_locked_words(one, run_rules)
    ]
    findings += [_finding(unused_rule, *one) for layer in settings.config.layers for one in _problems_of_rules(layer, settings, run_rules)]
    if not assembly.whole or not discovered.walked_folders or discovered.context.cut:
        return findings
    seen_paths = _SeenPaths(discovered, settings.config.prefix)
    for layer in settings.config.layers:
        if layer.config.source is not None and not layer.is_callers:
            findings += [
                _finding(
                    unused_rule, layer.config.source, span, f"{setting} {pattern[:200]!r} matches no file; globs are relative to the settings file"
                )
                for setting, pattern, span in _globs_of_layer(layer)
                if not seen_paths.may_match(prefixed_glob(layer.folder, pattern), is_exclude=setting == "exclude")
            ]
    return findings


def merge_with_suppression_findings(findings: Sequence[Finding], unused_findings: Sequence[Finding]) -> list[Finding]:
    """All findings; where a waiver matches no file and no finding either, or is over, one of both is enough."""
    unused_places = {(one.path, one.span.start) for one in unused_findings}
    kept_findings = [one for one in findings if one.rule != "core/suppression-unused" or (one.path, one.span.start) not in unused_places]
    told_places = {(one.path, one.span.start) for one in kept_findings if one.rule in SUPPRESSION_RULE_IDS}
    return [*kept_findings, *(one for one in unused_findings if (one.path, one.span.start) not in told_places)]


def notices_for_unused_excludes(discovered: DiscoveredFiles, settings: RunSettings) -> tuple[str, ...]:
    """A notice for each `--exclude` that left nothing out."""
    seen_paths = _SeenPaths(discovered, settings.config.prefix)
    own_globs = settings.exclude[len(settings.config.exclude) :] if settings.exclude_options else ()
    return tuple(
        f"--exclude {written[:80]!r} matches no file"
        for written, pattern in zip(settings.exclude_options, own_globs, strict=False)
        if not seen_paths.may_match(pattern, is_exclude=True)
    )


class _SeenPaths:
    """The paths that a run saw, and those that it passed over, relative to what globs are relative to."""

    def __init__(self, discovered: DiscoveredFiles, prefix: str) -> None:
        self._ignoring: IgnoreRules = discovered.ignore_rules
        self._paths = [prefixed_path(prefix, one) for one in (*discovered.paths, *(unread.path for unread in discovered.unread_files))]
        self._passed_over = [prefixed_path(prefix, one) for one in discovered.passed_over_paths]
        self._passed_over_folders = [
            prefixed_path(prefix, one)
            for one in discovered.passed_over_paths
            if not is_version_control_name(posixpath.basename(one)) and os.path.isdir(discovered.base / one)  # noqa: PTH112  # it may be no name of a file at all
        ]

    def may_match(self, pattern: str, *, is_exclude: bool) -> bool:
        """Whether a glob matches a path, or may match one in a folder that was passed over."""
        if is_exclude and pattern in self._ignoring.matched_globs:
            return True
        if any(glob_matches(pattern, one) for one in self._paths if not is_exclude):
            return True
        if any(glob_matches(pattern, one) or glob_matches(pattern, f"{one}/") for one in self._passed_over):
            return True
        fixed_part = literal_prefix(pattern)
        return any(fixed_part.startswith(f"{one}/") or f"{one}/".startswith(fixed_part) for one in self._passed_over_folders)


def _globs_of_layer(layer: SettingsLayer) -> Iterator[tuple[str, str, Span]]:
    """(setting, glob, where it stands) of the globs of a settings file that decide what is judged, and how."""
    config: Config = layer.config
    yield from (("exclude", one, config.span_by_word.get(("exclude", one), Span(0, 0))) for one in config.exclude)
    yield from ((one.setting, one.pattern, one.span) for one in config.path_rules if one.glob)
    yield from (("waiver with path", one.path, one.span) for one in config.waivers if one.path)


def _problems_of_locked_words(entry: PathRules, run_rules: RuleSelection) -> Iterator[str]:
    """What to say of words for rules that the settings lock."""
    words: Iterable[str] = (*entry.ignore, *(one.word for one in entry.severities))
    for word in words:
        if run_rules.locked_rules and run_rules.locked_rules.covers_name(RuleName(word)):
            yield f"{word[:200]} is locked by the settings, so {entry.setting} has no effect on it"


def _problems_of_rules(layer: SettingsLayer, settings: RunSettings, run_rules: RuleSelection) -> Iterator[tuple[Source, Span, str]]:
    """(file, place, what to say) of severities and parameters that a file of the tree gives to rules that are locked, or that nobody asks.

    Whether a rule is asked is told of those for files that there are.
    """
    source = layer.config.source
    if source is None or layer.is_callers:
        return
    is_chosen_above = _are_rules_chosen_above_the_tree(settings)
    for rule_word, _, place in layer.config.parameters:
        span = layer.config.span_by_word.get(("parameters", rule_word), Span(0, 0))
        if place in run_rules.locked_parameters:
            yield source, span, f"{rule_word[:200]} is locked by the settings, so parameters have no effect on it"
        elif not is_chosen_above and run_rules.is_asked_nowhere(rule_word):
            yield source, span, _problem_of_unasked_rule(rule_word, "parameters have")
    for (setting, word), span in layer.config.span_by_word.items() if not is_chosen_above else ():
        if setting.split()[-1] == "severity" and run_rules.is_asked_nowhere(word):
            yield source, span, _problem_of_unasked_rule(word, f"{setting.split()[0]} has")


def _are_rules_chosen_above_the_tree(settings: RunSettings) -> bool:
    """Whether options, or a file that the caller names, choose rules: what the tree's settings say of others waits for another run."""
    has_ignores = len(settings.ignore) > len(settings.config.ignore)
    given_by_caller = {name for layer in settings.config.layers if layer.is_callers for name in layer.config.given}
    return has_ignores or not _CHOICES_OF_RULES.isdisjoint({*settings.overruled_settings, *given_by_caller})


def _problem_of_unasked_rule(rule_word: str, subject_and_verb: str) -> str:
    return f"{rule_word[:200]} is not among the rules that are asked, so {subject_and_verb} no effect on it; add it to extend-select"


def _finding(rule: Rule, source: Source, span: Span, problem: str) -> Finding:
    return Finding(rule, source, source.one_line(span), fill_message(rule.message, {"problem": problem}.get))
