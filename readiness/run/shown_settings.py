"""What `--show-settings` prints: each setting that holds for a path, with its value and where that comes from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from readiness.run.run_settings import RunSettings
from readiness.settings import SettingsLayer
from readiness.settings.globs import glob_of_folder, prefixed_glob
from readiness.syntax.glob import glob_matches, prefixed_path

OPTION, DEFAULT = "option", "default"
SINGLE_SETTINGS = ("fail-on", "min-score", "baseline", "documents", "shellcheck", "foreign-ignores", "environments")
PRECEDENCE_TEXT = (
    "what counts most first: options, the file of --config, the settings file nearest to the path, those above it up to the root, settings of other"
    " linters, the defaults; in one file `per-path` before the rest"
)


class ShownSetting(NamedTuple):
    """A setting that holds: its name, its value, and where that stands (`file:line:column`, an option, or the default)."""

    name: str
    value: str
    place: str


def shown_settings(settings: RunSettings, path: str) -> list[ShownSetting]:
    """The settings that hold for a path, as reports print it, in the order in which they are documented."""
    path_below_root = prefixed_path(settings.config.prefix, path)
    layers = [one for one in settings.config.layers if not one.folder or glob_matches(glob_of_folder(one.folder), path_below_root)]
    layers.sort(key=lambda one: (not one.is_callers, -one.folder.count("/") - bool(one.folder)))
    by_path = _PathSettings(settings, layers, path_below_root)
    return [
        *by_path.rule_choice(),
        *by_path.listed("extend-select", settings.extend_select, "--extend-select"),
        *by_path.listed("ignore", settings.ignore, "--ignore"),
        *by_path.severities(),
        *by_path.excludes(),
        *(by_path.single(name) for name in SINGLE_SETTINGS),
        *by_path.listed("checklists", settings.checklists, "--checklist"),
        *by_path.listed("rules", tuple(map(str, settings.rules)), "--rules"),
        *by_path.parameters(),
        *by_path.purposes(),
        *by_path.waivers(),
        *by_path.locks(),
        *by_path.peers(),
    ]


class _PathSettings:
    """The settings that hold for one path, from the files that speak of it, the one that counts most first."""

    def __init__(self, settings: RunSettings, layers: Sequence[SettingsLayer], path: str) -> None:
        self.settings = settings
        self.layers = layers
        self.path = path

    def _scopes_of_entries(self, layer: SettingsLayer) -> list[str]:
        """Under what the words of the entries of a file for the path are kept, what counts most first."""
        return [
            f"{one.setting} {one.glob}"
            for one in reversed(layer.config.path_rules)
            if one.glob and glob_matches(prefixed_glob(layer.folder, one.pattern), self.path)
        ]

    def rule_choice(self) -> Iterator[ShownSetting]:
        """The profile and the words that narrow it: those of the run, unless entries for the path choose others; of these the last counts."""
        config, overruled = self.settings.config, self.settings.overruled_settings
        entries = [one for one in reversed(config.path_rules) if glob_matches(one.pattern, self.path)]
        profile, place = self.settings.profile, OPTION if "profile" in overruled else self._place_at_root("profile", self.settings.profile) or DEFAULT
        words = [(word, OPTION if "select" in overruled else self._place_at_root("select", word) or OPTION) for word in self.settings.select]
        with_profile = next((one for one in entries if one.profile is not None), None)
        if with_profile is not None and with_profile.profile is not None:
            profile, place = with_profile.profile, config.place_in_entry(with_profile, "profile", with_profile.profile)
        with_select = next((one for one in entries if one.select is not None), None)
        if with_select is not None:
            words = [(word, config.place_in_entry(with_select, "select", word)) for word in with_select.select or ()]
        yield ShownSetting("profile", profile, place)
        yield from (ShownSetting("select", *one) for one in words)

    def _place_at_root(self, setting: str, word: str) -> str:
        files = (one.config for one in self.settings.config.layers if not one.is_below_root)
        return next((place for one in files if (place := one.place_of(setting, word))), "")

    def listed(self, setting: str, words: Sequence[str], option: str) -> Iterator[ShownSetting]:
        """The words of a list, those of options, of the files and of their entries for the path."""
        words_in_files: set[str] = set()
        for layer in self.layers:
            entry_scopes = self._scopes_of_entries(layer)
            of_entries = [one if one.startswith("per-path-ignores ") else f"{one} {setting}" for one in entry_scopes]
            scopes = [one for one in of_entries if setting == "ignore" or not one.startswith("per-path-ignores ")]
            for scope in (*scopes, *([setting] if setting in layer.config.given else ())):
                for (name, word), span in layer.config.span_by_word.items():
                    if word and name == scope and layer.config.source:
                        words_in_files.add(word)
                        yield ShownSetting(setting, word, layer.config.source.place_text(span.start))
        if setting not in {"rules"}:
            yield from (ShownSetting(setting, word, option) for word in words if word not in words_in_files)
        else:
            in_files = {str(one) for layer in self.layers for one in layer.config.rules}
            yield from (ShownSetting(setting, word, self._place(setting) if word in in_files else option) for word in words)

    def severities(self) -> Iterator[ShownSetting]:
        """What rules are called, each word once; by what counts most."""
        seen_words: set[str] = set()
        for layer in self.layers:
            for entry in reversed(layer.config.path_rules):
                if entry.severities and glob_matches(prefixed_glob(layer.folder, entry.pattern), self.path):
                    for one in reversed(entry.severities):
                        if one.word not in seen_words:
                            seen_words.add(one.word)
                            yield ShownSetting(f"severity {one.word}", str(one.severity), one.place)

    def excludes(self) -> Iterator[ShownSetting]:
        """The globs that leave files out, and whether they do so with the path."""
        for layer in self.layers:
            for pattern in layer.config.exclude:
                matches = self._is_excluding(prefixed_glob(layer.folder, pattern))
                yield ShownSetting("exclude", pattern + (" (leaves this path out)" if matches else ""), layer.config.place_of("exclude", pattern))
        own_globs = self.settings.exclude[len(self.settings.exclude) - len(self.settings.exclude_options) :] if self.settings.exclude_options else ()
        for written, pattern in zip(self.settings.exclude_options, own_globs, strict=False):
            yield ShownSetting("exclude", written + (" (leaves this path out)" if self._is_excluding(pattern) else ""), "--exclude")

    def _is_excluding(self, pattern: str) -> bool:
        parts = self.path.split("/")
        above = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
        return any(glob_matches(pattern, one) or glob_matches(pattern, f"{one}/") for one in above)

    def single(self, setting: str) -> ShownSetting:
        """A setting that one file decides."""
        value = {
            "fail-on": self.settings.fail_on,
            "min-score": self.settings.min_score,
            "baseline": self.settings.baseline,
            "documents": self.settings.documents,
            "shellcheck": self.settings.shellcheck,
            "foreign-ignores": self.settings.foreign_ignores,
            "environments": ", ".join(word for _, words in self.settings.config.environments.by_sort() for word, _ in words) or None,
        }[setting]
        text = str(value).lower() if isinstance(value, bool) else Path(value).as_posix() if isinstance(value, Path) else str(value)
        is_from_option = setting in self.settings.overruled_settings or (
            setting == "foreign-ignores" and not self.settings.foreign_ignores and self.settings.config.foreign_ignores
        )
        return ShownSetting(setting, "not set" if value is None else text, OPTION if is_from_option else self._place(setting))

    def _place(self, setting: str) -> str:
        return next((one.config.place_of(setting) for one in self.layers if setting in one.config.given), DEFAULT)

    def parameters(self) -> Iterator[ShownSetting]:
        """Each parameter of each rule, by what counts most."""
        seen: set[tuple[str, str]] = set()
        for layer in self.layers:
            for rule, given, place in layer.config.parameters:
                for name, value in given.items():
                    if (rule, name) not in seen:
                        seen.add((rule, name))
                        yield ShownSetting(f"parameters {rule} {name}", str(value), place)

    def purposes(self) -> Iterator[ShownSetting]:
        """What the settings say that the path is for."""
        for pattern, word, place in reversed(self.settings.config.purposes):
            if glob_matches(pattern, self.path):
                yield ShownSetting("purpose", f"{word} ({pattern})", place)
                return

    def waivers(self) -> Iterator[ShownSetting]:
        """The waivers that speak of the path."""
        for one in self.settings.config.waivers:
            if not one.path or glob_matches(one.path, self.path):
                yield ShownSetting(f"waiver {one.rule}", one.reason, one.source.place_text(one.span.start))

    def locks(self) -> Iterator[ShownSetting]:
        """What is locked, and what is refused for that."""
        for layer in self.layers:
            yield from (ShownSetting("locked", word, layer.name) for word in (*layer.config.locked_words, *layer.config.locked))
            yield from (ShownSetting(f"refused {word}", "another file locks it", layer.name) for word in layer.refused)

    def peers(self) -> Iterator[ShownSetting]:
        """What the settings of other linters say of the path."""
        for peer in self.settings.peers:
            for one in peer.ignores:
                if not one.path_glob or glob_matches(one.path_glob, self.path):
                    line_text, day_text = f" on line {one.line}" if one.line else "", f" until {one.until}" if one.until else ""
                    yield ShownSetting(f"ignore of {peer.linter}", one.rule_id + line_text + day_text, peer.name)
            for rule, given, place in peer.parameters:
                yield from (ShownSetting(f"parameters {rule} {name}", ", ".join(map(str, value)), place) for name, value in given.items())
            yield from (ShownSetting(f"refused {one} of {peer.linter}", "another file locks the like", peer.name) for one in peer.refused)
