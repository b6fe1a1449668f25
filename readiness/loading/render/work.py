"""How much work it may be to build one overlay, and all overlays of a run together: past that they are not built, and that is said."""

from __future__ import annotations

from collections.abc import Mapping

from readiness.loading.render.made import LimitError

MAX_VALUES_PER_OVERLAY = 300_000  # of one overlay; aliases are written out
MAX_OBJECT_LOOKUPS_PER_OVERLAY = 1_000_000  # objects held against names, under each name that they had
MAX_VISITED_VALUES_PER_OVERLAY = 3_000_000  # values that are gone through on the way to others
MAX_MADE_CHARACTERS_PER_OVERLAY = 32 << 20  # characters of the texts that are put together
MAX_OVERLAY_LIMITS_PER_RUN = 10  # so many times the limits of one overlay are those of all in a run
MAX_KUSTOMIZATION_BUILDS_PER_RUN = 20_000  # kustomizations, each once when it is gathered and as often as it is built
_LINES_PER_VALUE = 4
_VALUES, _LOOKUPS, _VISITS, _CHARACTERS = "values", "object lookups", "values to go through", "characters of new text"


class OverlayWorkOfRun:
    """What all overlays of a run may still take together."""

    __slots__ = ("kustomization_builds_left", "left_by_unit")

    def __init__(self) -> None:
        self.kustomization_builds_left = MAX_KUSTOMIZATION_BUILDS_PER_RUN
        self.left_by_unit = {unit: limit * MAX_OVERLAY_LIMITS_PER_RUN for unit, limit in _limits_of_overlay().items()}

    def count_kustomization_builds(self, count: int = 1) -> None:
        """Count kustomizations that are gathered or built. Raises LimitError when there are too many."""
        self.kustomization_builds_left -= count
        if self.kustomization_builds_left < 0:
            raise LimitError(
                f"with the overlays before it, it takes in over {MAX_KUSTOMIZATION_BUILDS_PER_RUN:,} kustomizations, the limit for a run"
            )


class WorkCounter:
    """How much work one overlay may still be. Every method raises LimitError where it is too much."""

    __slots__ = ("_limit_by_unit", "_work_of_run", "characters_left", "lookups_left", "values_left", "visits_left")

    def __init__(self, work_of_run: OverlayWorkOfRun | None = None) -> None:
        self._work_of_run = work_of_run or OverlayWorkOfRun()
        left_by_unit = self._work_of_run.left_by_unit
        self._limit_by_unit = {unit: min(limit, left_by_unit[unit]) for unit, limit in _limits_of_overlay().items()}
        self.values_left = self._limit_by_unit[_VALUES]
        self.lookups_left = self._limit_by_unit[_LOOKUPS]
        self.visits_left = self._limit_by_unit[_VISITS]
        self.characters_left = self._limit_by_unit[_CHARACTERS]

    def count_values(self, count: int = 1) -> None:
        """Count values that are made."""
        self.values_left -= count
        if self.values_left < 0:
            raise self._limit_error(_VALUES)

    def count_lines(self, text: str) -> None:
        """Count a text whose lines are told apart: some of them take as much as a value."""
        self.count_characters(len(text))
        self.count_values(text.count("\n") // _LINES_PER_VALUE)

    def count_lookups(self, count: int) -> None:
        """Count objects that are held against a name."""
        self.lookups_left -= count
        if self.lookups_left < 0:
            raise self._limit_error(_LOOKUPS)

    def count_visits(self, count: int) -> None:
        """Count values that are gone through."""
        self.visits_left -= count
        if self.visits_left < 0:
            raise self._limit_error(_VISITS)

    def count_characters(self, count: int) -> None:
        """Count characters of a text before it is put together."""
        self.characters_left -= count
        if self.characters_left < 0:
            raise self._limit_error(_CHARACTERS)

    def charge_run(self) -> None:
        """Take from what the run may still do what was done here: once, at the end."""
        left = {_VALUES: self.values_left, _LOOKUPS: self.lookups_left, _VISITS: self.visits_left, _CHARACTERS: self.characters_left}
        for unit, limit in self._limit_by_unit.items():
            self._work_of_run.left_by_unit[unit] -= limit - max(left[unit], 0)

    def _limit_error(self, unit: str) -> LimitError:
        limit_of_overlay = _limits_of_overlay()[unit]
        if self._limit_by_unit[unit] == limit_of_overlay:
            return LimitError(f"building it takes over {limit_of_overlay:,} {unit}")
        limit_of_run = limit_of_overlay * MAX_OVERLAY_LIMITS_PER_RUN
        return LimitError(f"with the overlays before it, building it takes over {limit_of_run:,} {unit}, the limit for a run")


def _limits_of_overlay() -> Mapping[str, int]:
    return {
        _VALUES: MAX_VALUES_PER_OVERLAY,
        _LOOKUPS: MAX_OBJECT_LOOKUPS_PER_OVERLAY,
        _VISITS: MAX_VISITED_VALUES_PER_OVERLAY,
        _CHARACTERS: MAX_MADE_CHARACTERS_PER_OVERLAY,
    }
