"""What a file, or a thing in it, is for: the words that settings and files use, and what somebody decided."""

from __future__ import annotations

from typing import NamedTuple

# The words of settings and files, and how reports say them.
DESCRIPTION_BY_PURPOSE = {
    "production": "production",
    "development": "development",
    "test": "tests",
    "demo": "a demonstration",
    "sample": "an example",
    "study": "study material",
    "build": "builds",
    "job": "a one-off job",
    "preview": "a preview",
    "archive": "an archive",
}
_TRIAL_PURPOSES = frozenset({"test", "demo", "sample", "study"})


class Purpose(NamedTuple):
    """What something was taken for, one of PURPOSES, and the evidence in the words of a report.

    `of_all` says that it was asked for of everything in a file, whatever is said there of one thing.
    """

    word: str
    evidence: str
    of_all: bool = False

    @property
    def is_production(self) -> bool:
        """Whether production's questions are asked of it."""
        return self.word == "production"

    @property
    def is_trial(self) -> bool:
        """Whether it is for tests, study or an example: what lets in there lets in to nothing that lasts."""
        return self.word in _TRIAL_PURPOSES

    @property
    def text(self) -> str:
        """The purpose and its evidence, as reports print them."""
        return f"{DESCRIPTION_BY_PURPOSE[self.word]}: {self.evidence}"
