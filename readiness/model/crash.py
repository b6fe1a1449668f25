"""A part of the tool that raised what it does not document: told as a finding of core/crash, and the rest of the run goes on."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import PurePath
from types import TracebackType
from typing import NamedTuple

from readiness.model.finding import Finding
from readiness.model.messages import fill_message
from readiness.model.rule import Rule
from readiness.model.source import ParseError, Source, Span

REASON_CRASHED = "an error in readiness ended the reading of it; please report it"


class Part(NamedTuple):
    """A part of a run, in words: what is done (`building this overlay`), and what is not known where that crashed."""

    words: str
    consequence: str


PARSING = Part("reading this file", "nothing in it was judged")
EMBEDDED = Part("looking for files inside of this one", "none of those was judged")
READMES = Part("reading what READMEs and directories say of files", "what files are for may not be known")
OVERLAYS = Part("looking for overlays", "no overlay was judged as it is deployed")
OVERLAY = Part("building this overlay", "nothing that it gives was judged")
CHART = Part("rendering this chart", "not all that it gives was judged")
RELEASES = Part("looking for the releases of charts", "charts were judged without the values of releases")
NAMED_PATHS = Part("looking at the paths that files name", "no path was refused")
PURPOSES = Part("telling what files are for", "all may count as production's")
LINKS = Part("putting these files together", "no file of that kind was judged")
SUBJECTS = Part("looking for what is in this file", "not all in it was judged")
SERVICES = Part("looking for the services of these files", "no finding has a service, and the score takes all for nobody's")
PLACES = Part("telling where findings on charts and overlays were written", "those findings are left out")
CEILING = Part("telling what is deployed", "findings outside of production count in full")
SUPPRESSIONS = Part("reading what silences findings", "nothing is silenced")
UNUSED_SETTINGS = Part("looking for settings that have no effect", "none of those is told")
COPIES = Part("putting findings together that one edit mends", "one edit may be told several times")
EVIDENCE = Part("looking for evidence of checklists", "checklists have none")


class CrashedError(ParseError):
    """A text that could not be read since its reader raised what it does not document, which is the cause of this one."""


def crash_finding(crash_rule: Rule, source: Source, part: Part, error: BaseException) -> Finding:
    """The finding that stands for a part of a run that raised: what was done, where in the code, what is not known."""
    fact_by_name = {"part": part.words, "consequence": part.consequence, "error": type(error).__name__, "where": raising_file_and_line(error)}
    return Finding(crash_rule, source, Span(0, 0), fill_message(crash_rule.sentences_at("")["part"], fact_by_name.get))


class CrashAsFinding:
    """What keeps a block that raises from ending the run: that is told at a source, or goes on where there is none to tell it at.

    The end of memory goes on as well.
    """

    def __init__(self, part: Part, crash_rule: Rule, source: Source | None, record_finding: Callable[[Finding], None]) -> None:
        self._part, self._crash_rule, self._source, self._record_finding = part, crash_rule, source, record_finding

    def __enter__(self) -> None:
        """Nothing is to be done before."""

    def __exit__(self, error_type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> bool:
        """Tell of an error; whether it ends here."""
        if self._source is None or not isinstance(error, Exception) or isinstance(error, MemoryError):
            return False
        self._record_finding(crash_finding(self._crash_rule, self._source, self._part, error))
        return True


def raising_file_and_line(error: BaseException) -> str:
    """`file.py:line` of the code that raised an error; `?` where it has no traceback."""
    last_frames = traceback.extract_tb(error.__traceback__)[-1:]
    return f"{PurePath(last_frames[0].filename).name}:{last_frames[0].lineno}" if last_frames else "?"
