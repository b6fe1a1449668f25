"""What may never happen, whatever the input: the judge of one input."""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import io
import json
import os
import re
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import NamedTuple
from xml.etree import ElementTree

from click.testing import CliRunner

import readiness
from readiness import api, reports
from readiness.cli.main import main
from readiness.files import decode_text
from readiness.model import Source, Span
from readiness.model.crash import raising_file_and_line
from readiness.verdict.report import Report
from tests.effort import effort
from tests.fuzz.kinds import Files, FuzzKind
from tests.fuzz.mutations import SECRET_LINE_FORMS
from tests.make import write_files

STAGES = ("parsers", "check", "reports", "long reports")
PLANTED = "Zq7xPlanted9wT4"  # the value of a secret that is put into inputs: it stands in no output
TODAY = datetime.date(2026, 1, 1)
# Processor time that a stage may take: a part that every run has, and one for each byte of the input (20 kB are a second).
SECONDS_OF_ANY_INPUT, BYTES_PER_SECOND = 1.5, 20_000
SECONDS_PER_FINDING = 0.003  # of all reports together
# Lines of Python that a parser may run, where work is counted and not timed.
LINES_OF_ANY_TEXT, LINES_PER_CHARACTER = 60_000, 400
_STYLE = re.compile(r"\x1b\[[0-9;]*m|\x1b\]8;[^\x07\x1b]*(?:\x07|\x1b\\)")
_CONTROL = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_COMMAND_LINE = re.compile(r"^(?:::|##\[)(?!(?:error|warning|notice|group|endgroup|debug)\b)", re.MULTILINE)
JSON_FORMATS = frozenset({"json", "sarif", "codequality", "rdjson"})
FORMATS: tuple[tuple[str, reports.ReportOptions], ...] = (
    ("terminal", reports.ReportOptions(verbose=True)),
    *((name, reports.ReportOptions()) for name in sorted(reports.REPORT_FORMATS) if name != "terminal"),
)
LONG_FORMATS: tuple[tuple[str, reports.ReportOptions], ...] = (
    ("terminal", reports.ReportOptions(color="always", explain=True, verbose=True, width=90)),
    ("terminal", reports.ReportOptions(explain=True)),
    ("markdown", reports.ReportOptions(explain=True, verbose=True)),
)


class Failure(NamedTuple):
    """What went wrong with an input: its sort (crash, place, output, secret, slow, differs, died, hang), the stage, and what was seen."""

    sort: str
    stage: str
    detail: str


class Verdict(NamedTuple):
    """What one input came to; `digest` is that of all that was put out, `seconds` the processor time of the slowest stage."""

    failure: Failure | None
    digest: str
    seconds: float


class _FailedError(Exception):
    def __init__(self, sort: str, detail: str) -> None:
        super().__init__(detail)
        self.sort = sort
        self.detail = detail


def judge(kind: FuzzKind, files: Files, stages: Collection[str] = STAGES, *, counted: bool = False) -> Verdict:
    """Hold the parsers, the whole check and every report against one input. `counted` counts the work of parsers and times nothing."""
    digest = hashlib.sha256()
    byte_count = sum(map(len, files.values()))
    slowest = 0.0
    made: list[Report] = []

    def timed(stage: str, work: Callable[[], None]) -> Failure | None:
        nonlocal slowest
        began = time.process_time()
        try:
            work()
        except _FailedError as failed:
            return Failure(failed.sort, stage, failed.detail)
        except Exception as error:  # what gets out is what is looked for
            return Failure("crash", stage, f"{type(error).__name__} in {raising_file_and_line(error)}")
        seconds = time.process_time() - began
        slowest = max(slowest, seconds)
        allowed = seconds_allowed(byte_count) + (len(made[-1].findings) * SECONDS_PER_FINDING if made else 0)
        allowed *= 5 if kind.through_settings else 1  # two whole runs, with their reports
        return Failure("slow", stage, "") if not counted and seconds > allowed else None

    def measured_again(stage: str, work: Callable[[], None]) -> Failure | None:
        """Another process may have been in the way of the first time; the second one tells where the time went."""
        made[:] = [] if stage == "check" else made
        with samples_of_functions() as samples:
            failure = timed(stage, work)
        return failure._replace(detail=failure.detail or samples.most_common(1)[0][0]) if failure and samples else failure

    with tempfile.TemporaryDirectory() as folder:
        root = write_files(Path(folder), files)
        works: tuple[tuple[str, Callable[[], None]], ...] = (
            ("parsers", lambda: _parse_texts(kind, files, counted=counted)),
            ("check", lambda: _check(kind, root, made, digest.update)),
            ("reports", lambda: _report(made, files, FORMATS, digest.update)),
            ("long reports", lambda: _report(made, files, LONG_FORMATS, digest.update)),
        )
        for stage, work in works:
            if stage in stages or (stage == "check" and not {"reports", "long reports"}.isdisjoint(stages)):
                failure = timed(stage, work)
                if failure is not None and failure.sort == "slow":
                    failure = measured_again(stage, work)
                if failure is not None:
                    return Verdict(failure, digest.hexdigest(), slowest)
    return Verdict(None, digest.hexdigest(), slowest)


@contextlib.contextmanager
def samples_of_functions() -> Iterator[Counter[str]]:
    """Counts, while it lasts, in which function of the package the processor is, each hundredth of a second of its time."""
    counted: Counter[str] = Counter()

    def sample(_number: int, frame: FrameType | None) -> None:
        while frame is not None and f"{os.sep}readiness{os.sep}" not in frame.f_code.co_filename:
            frame = frame.f_back
        if frame is not None:
            counted[f"{Path(frame.f_code.co_filename).name}:{frame.f_code.co_name}"] += 1

    before = signal.signal(signal.SIGPROF, sample)
    signal.setitimer(signal.ITIMER_PROF, 0.01, 0.01)
    try:
        yield counted
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def seconds_allowed(byte_count: int) -> float:
    """Processor time that a stage may take on an input of so many bytes."""
    return SECONDS_OF_ANY_INPUT + byte_count / BYTES_PER_SECOND


def _parse_texts(kind: FuzzKind, files: Files, *, counted: bool) -> None:
    for content in files.values():
        text = decode_text(content)
        if text is None:
            continue
        for name, parse in kind.parsers.items():
            began = time.process_time()
            try:
                work = effort(lambda parse=parse, text=text: parse(text)) if counted else parse(text) and 0  # type: ignore[misc]
            except Exception as error:
                raise _FailedError("crash", f"parser {name}: {type(error).__name__} in {raising_file_and_line(error)}: {str(error)[:80]}") from error
            if counted and work and work > LINES_OF_ANY_TEXT + LINES_PER_CHARACTER * len(text):
                raise _FailedError("slow", f"parser {name}: {work} lines for {len(text)} characters")
            if not counted and time.process_time() - began > seconds_allowed(len(content)):
                raise _FailedError("slow", f"parser {name}")


def _check(kind: FuzzKind, root: Path, made: list[Report], add_to_digest: Callable[[bytes], object]) -> None:
    if kind.through_settings:
        _run_command(root, add_to_digest)
        return
    report = readiness.check([root], select=["ALL"], base=root, documents=kind.documents, render=kind.renders, today=TODAY)
    crashes = [one for one in report.findings if one.rule == "core/crash"]
    if crashes:
        raise _FailedError("crash", crashes[0].message)
    made.append(report)


def _run_command(root: Path, add_to_digest: Callable[[bytes], object]) -> None:
    """Run the command line in a tree with its own settings: what it prints is all that anybody sees."""
    with contextlib.chdir(root):
        for format_name in ("terminal", "github"):
            result = CliRunner().invoke(
                main, ["check", "--no-render", "--format", format_name, "."], standalone_mode=False, env={"XDG_CACHE_HOME": os.fspath(root)}
            )
            error = result.exception
            if error is not None and not isinstance(error, SystemExit) and not hasattr(error, "show"):
                raise _FailedError("crash", f"{type(error).__name__} in {raising_file_and_line(error)}")
            said = result.output
            if error is not None and hasattr(error, "format_message"):
                said += error.format_message() if not hasattr(error, "message") else ""
            if "core/crash" in said:
                raise _FailedError("crash", "core/crash: " + next(line for line in said.splitlines() if "core/crash" in line)[:200])
            look_at_output(format_name, said, set())
            add_to_digest(said.encode("utf-8", "surrogatepass"))


def _report(made: list[Report], files: Files, formats: Sequence[tuple[str, reports.ReportOptions]], add_to_digest: Callable[[bytes], object]) -> None:
    if not made:
        return
    texts = {path: text for path, content in files.items() if (text := decode_text(content)) is not None}
    (report,) = made[-1:]
    _verify_places(report, texts)
    planted = {PLANTED} if any(form.format(PLANTED) in text.splitlines() for text in texts.values() for form in SECRET_LINE_FORMS) else set()
    for format_name, options in formats:
        out = io.StringIO()
        reports.write_report(format_name, report, out, options)
        look_at_output(format_name, out.getvalue(), planted)
        add_to_digest(out.getvalue().encode())
    for text in (api.baseline_text(report),):
        if any(secret in text for secret in planted):
            raise _FailedError("secret", "baseline")
        add_to_digest(text.encode())


def look_at_output(format_name: str, text: str, planted: Collection[str]) -> None:
    """Raise where an output holds what steers terminals or runners, what cannot be encoded, or a planted secret."""
    if format_name in JSON_FORMATS:
        json.loads(text)
    elif format_name == "junit":
        ElementTree.fromstring(text)  # noqa: S314  # our own output, which must parse
    found = _CONTROL.search(text if format_name != "terminal" else _STYLE.sub("", text))
    if found:
        raise _FailedError("output", f"{format_name}: U+{ord(found[0]):04X}")
    command = _COMMAND_LINE.search(text) if format_name in {"terminal", "github"} else None
    if command:
        raise _FailedError("output", f"{format_name}: a line begins with a command of the runner")
    if any(secret in text for secret in planted):
        raise _FailedError("secret", format_name)


def _verify_places(report: Report, texts: Mapping[str, str]) -> None:
    """Raise where a finding, or what is related to it, stands outside of its file."""
    for finding in report.findings:
        places: list[tuple[Source, Span]] = [(finding.source, finding.span), *((one.source, one.span) for one in finding.related)]
        places += [(one.source, one.span) for one in finding.edits]
        for source, span in places:
            if not 0 <= span.start <= span.end <= len(source.text):
                raise _FailedError("place", f"{finding.rule}: {span.start}-{span.end} of {len(source.text)}")
            root, offset = source.root, source.to_root(span.start)
            if not 0 <= offset <= len(root.text):
                raise _FailedError("place", f"{finding.rule}: {offset} of {len(root.text)} at the root")
            if root.path in texts and root.text != texts[root.path]:
                raise _FailedError("place", f"{finding.rule}: another text than the file's")
        for line, column in (finding.start, finding.end):
            if not (1 <= line <= len(finding.source.root.line_offsets) and 1 <= column <= len(finding.source.root.line_text(line)) + 2):
                raise _FailedError("place", f"{finding.rule}: line {line} column {column}")
