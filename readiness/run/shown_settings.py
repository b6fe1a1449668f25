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
    "what counts most first: options, the file of --config, the settings file nearest to the path, those above it up to the root, the defaults;"
    " in one file `per-path` before the rest"
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
        """The profile and the words that narrow it."""
        overruled = self.settings.overruled_settings
        profile_place = OPTION if "profile" in overruled else ""
        profile, select = self.settings.profile, self.settings.select
        if not profile_place:
            for layer in self.layers:
                for one in reversed(layer.config.path_rules):
                    if not one.glob or not glob_matches(prefixed_glob(layer.folder, one.pattern), self.path):
                        continue
                    if one.profile is not None or one.select is not None:
                        place = layer.config.place_of(f"per-path {one.glob} {'profile' if one.profile else 'select'}")
                        yield ShownSetting("profile", one.profile or profile, place)
                        yield from (ShownSetting("select", word, place) for word in one.select or ())
                        return
                if not {"profile", "select"}.isdisjoint(layer.config.given):
                    is_profile_given = "profile" in layer.config.given
                    yield ShownSetting("profile", layer.config.profile, layer.config.place_of("profile") if is_profile_given else DEFAULT)
                    yield from (ShownSetting("select", word, layer.config.place_of("select", word)) for word in layer.config.select)
                    return
        yield ShownSetting("profile", profile, profile_place or DEFAULT)
        yield from (ShownSetting("select", word, OPTION) for word in select)

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
