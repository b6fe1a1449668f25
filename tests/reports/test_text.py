"""The report for people: plain and in colours."""

from __future__ import annotations

import io
import re
import subprocess
import sys

import pytest

from readiness import reports
from readiness.model import Confidence, Related, Severity, Source, Span
from readiness.redaction import Redactor
from readiness.reports import digest, grouping
from readiness.reports.frame import code_frame, display_width, escape_controls
from readiness.verdict.report import FileRow, Report

from .conftest import WEB, find, report, rule, show

ESCAPE = re.compile(r"\x1b\[[0-9;]*m")

PLAIN = """\
fix first:
  +9.53 critical dockerfile/user-root: 1 place, 1 fails the gate
    Add a probe.
  +9.53 high k8s/probe-missing: 2 places, 2 fail the gate
    Add a probe.
  +2.72 medium k8s/image-tag-floating: 1 place
    Add a probe.

api/Dockerfile:1:1: critical[dockerfile/user-root] no USER in the final stage
     1 | FROM debian:latest
       | ^^^^^^^^^^^^^^^^^^
  why: The kubelet restarts a process that ends, e.g. a crash.
  fix: Add a probe. Make it cheap.

deploy/web.yaml:4:5: high[k8s/probe-missing] container 'web' has no probe
     4 |     - name: web
       |     ^^^^^^^^^^^
  why: The kubelet restarts a process that ends, e.g. a crash.
  fix: Add a probe. Make it cheap.
deploy/web.yaml:6:5: high[k8s/probe-missing] container 'worker' has no probe
deploy/web.yaml:5:14: medium[k8s/image-tag-floating] image 'nginx:latest' has a movable tag
     5 |       image: nginx:latest
       |              ^^^^^^^^^^^^
  why: The kubelet restarts a process that ends, e.g. a crash.
  fix: Add a probe. Make it cheap.

categories:
  Isolation      15.47 of 25
  Reliability    15.47 of 25
  Secrets         not assessed
  Delivery       12.28 of 15
  Edge and TLS    not assessed
  Observability   not assessed
  Correctness     not assessed
  78.22 before the ceiling of 49 that an open critical finding sets
  1 finding suppressed; without that: 49 F, raw 75.99
files: Kubernetes 2

score 49 of 100 (algorithm 2; algorithm 1: 49), grade F, not ready: 1 critical and 2 high open
fix first:
  +9.53 critical dockerfile/user-root: 1 place, 1 fails the gate
  +9.53 high k8s/probe-missing: 2 places, 2 fail the gate
  +2.72 medium k8s/image-tag-floating: 1 place
next: readiness explain dockerfile/user-root
findings: 1 critical, 2 high and 1 medium
coverage: 100 %
gate failed: 1 critical and 2 high open (--fail-on high); score 49 of 100, F
"""


def test_plain(sample: Report) -> None:
    assert show("terminal", sample) == PLAIN


def test_the_sum_of_what_is_left_is_raw(sample: Report) -> None:
    left = [float(n) for n in re.findall(r"([\d.]+) of +\d+$", show("terminal", sample), re.MULTILINE)]
    unassessed = sum(one.cap for one in sample.categories if not one.assessed)
    assert sample.raw == pytest.approx(sum(left) + unassessed, abs=0.05)


def test_quiet_shows_what_fails_the_gate_and_the_gate(sample: Report) -> None:
    lines = show("terminal", sample, quiet=True).splitlines()
    assert [line.split(" ")[1].partition("[")[0] for line in lines[:-1] if "  fix: " not in line] == ["critical", "high", "high"]
    assert lines[-1].startswith("gate failed: ")
    styled = ESCAPE.sub("", show("terminal", sample, quiet=True, color="always", width=200)).splitlines()
    assert len([line for line in styled if not line.lstrip().startswith("fix ")]) == 4


def test_quiet_tells_the_fix_of_each_rule_once(sample: Report) -> None:
    lines = show("terminal", sample, quiet=True).splitlines()
    assert [line.partition(" ")[0] for line in lines] == ["api/Dockerfile:1:1:", "", "deploy/web.yaml:4:5:", "", "deploy/web.yaml:6:5:", "gate"]
    assert lines[1] == lines[3] == "  fix: Add a probe. Make it cheap."
    styled = ESCAPE.sub("", show("terminal", sample, quiet=True, color="always", width=200))
    assert styled.count("fix  Add a probe. Make it cheap.\n") == 2


def test_verbose_shows_what_is_suppressed_and_every_file(sample: Report) -> None:
    for color in ("never", "always"):
        text = ESCAPE.sub("", show("terminal", sample, verbose=True, color=color, width=200))
        assert "suppressed by comment: pinned by the registry, until 2030-01-01" in text
        assert "deploy/web.yaml" in text
        assert "Not one that hangs." in text
        assert text.rstrip().splitlines()[-1].startswith("gate failed: ")


def test_the_first_line_of_a_finding_is_one_that_tools_match(sample: Report) -> None:
    pattern = re.compile(r"^(\S+?):(\d+):(\d+): (critical|high|medium|low|info)\[([a-z0-9/-]+)\] (.+)$")
    lines = [found for line in show("terminal", sample).splitlines() if (found := pattern.match(line))]
    assert [int(found[2]) for found in lines] == [1, 4, 6, 5]


def test_explain_score_adds_up(sample: Report) -> None:
    for color in ("never", "always"):
        text = ESCAPE.sub("", show("terminal", sample, explain=True, color=color, width=160))
        assert "k8s/probe-missing  high 6 x 2.00 (2 places) = 12.00" in text
        assert "isolation (cap 25): 12.00 points, loss 25 x (1 - exp(-12.00 / 25)) = 9.53" in text
        assert "raw   = 100 - 21.78 = 78.22" in text
        assert "score = floor(min(78.22, 49)) = 49: a critical finding is open" in text


@pytest.mark.parametrize("width", [40, 80, 200])
def test_the_width_of_the_terminal_is_kept(sample: Report, width: int) -> None:
    text = ESCAPE.sub("", show("terminal", sample, color="always", width=width))
    assert max(display_width(line.rstrip()) for line in text.splitlines()) <= width
    assert text.rstrip().splitlines()[-1].strip()


def test_colours_are_the_terminals_own_and_nothing_else_is_sent(sample: Report) -> None:
    text = show("terminal", sample, color="always", width=100)
    assert "\x1b[" in text
    codes = {code for found in re.findall(r"\x1b\[([0-9;]*)m", text) for code in found.split(";")}
    assert codes <= {"", "0", "1", "2", "3", "31", "32", "33", "36"}
    assert "\x1b" not in ESCAPE.sub("", text)


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


STYLED = {
    "terminal": ({}, "auto", True),
    "no color": ({"NO_COLOR": "1"}, "auto", False),
    "no color, empty": ({"NO_COLOR": ""}, "auto", True),
    "ci": ({"CI": "true"}, "auto", False),
    "dumb": ({"TERM": "dumb"}, "auto", False),
    "always beats ci": ({"CI": "true", "NO_COLOR": "1"}, "always", True),
    "never": ({}, "never", False),
    "forced off": ({"FORCE_COLOR": "0"}, "auto", True),
    "no color beats force": ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, "auto", False),
    "never beats force": ({"FORCE_COLOR": "1"}, "never", False),
}


@pytest.mark.parametrize("name", STYLED)
def test_when_there_are_colours(name: str) -> None:
    environment, color, expected = STYLED[name]
    assert reports.should_style_output(Terminal(), color, environment) is expected
    if color == "auto":
        assert reports.should_style_output(io.StringIO(), color, environment) is False


@pytest.mark.parametrize("environment", [{"FORCE_COLOR": "1"}, {"CLICOLOR_FORCE": "1"}, {"FORCE_COLOR": "true", "CI": "true"}])
def test_colours_that_a_log_asks_for(environment: dict[str, str]) -> None:
    assert reports.should_style_output(io.StringIO(), "auto", environment) is True


def test_a_pipe_never_loads_rich() -> None:
    code = (
        "import sys; from readiness import reports; from tests.reports.conftest import report; "
        "[reports.write_report(name, report([]), sys.stdout) for name in reports.REPORT_FORMATS]; "
        "assert 'rich' not in sys.modules, 'rich'"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_an_output_of_a_narrow_encoding_gets_escapes_and_no_error() -> None:
    source = Source("a.yaml", "name: 漢字\n")
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="ascii")
    reports.write_report("terminal", report([find(source, "漢字", message="漢字")]), out)
    out.flush()
    assert b"\\u6f22\\u5b57" in raw.getvalue()


def test_three_hundred_findings_stay_readable() -> None:
    source = Source("big.yaml", "".join(f"- name: c{n:03}\n" for n in range(300)))
    made = report([find(source, f"c{n:03}", message=f"container c{n:03} has no probe") for n in range(300)])
    plain = show("terminal", made).splitlines()
    assert len(plain) < 330  # a line for each, the frame and the reason once
    styled = ESCAPE.sub("", show("terminal", made, color="always", width=100)).splitlines()
    assert len(styled) < 60
    assert any("293 further, on lines 8, 9" in line or "294 further, on lines 8, 9" in line for line in styled)


def test_in_a_crowd_what_is_low_takes_one_line() -> None:
    source = Source("a.yaml", "x" * 200)
    many = [find(source, "x", rule(f"k8s/r{n}", "low" if n else "high"), message=f"m{n}", nth=n) for n in range(grouping.MAX_FULLY_SHOWN_GROUPS + 5)]
    assert show("terminal", report(many)).count("  fix: ") == 1
    assert show("terminal", report(many), verbose=True).count("  fix: ") == len(many)
    assert show("terminal", report(many[:10])).count("  fix: ") == 10


def test_a_second_place_is_told() -> None:
    other = Source("svc.yaml", "a: 1\nport: 80\n")
    finding = find(WEB, "- name: web", related=(Related(other, Span(5, 9), "the service asks for 80"),))
    assert "  see svc.yaml:2: the service asks for 80" in show("terminal", report([finding]))
    assert "svc.yaml:2 the service asks for 80" in show("terminal", report([finding]), color="always", width=120)


def test_a_clean_run_and_an_empty_one() -> None:
    clean = show("terminal", report([]))
    assert (
        clean.splitlines()[-4]
        == "score 100 of 100 (algorithm 2; algorithm 1: 100), grade A, ready: nothing high or critical is open, and every file was read"
    )
    assert clean.splitlines()[-1] == "gate passed: nothing high or worse is open; score 100 of 100, A"
    empty = report([], rows=[FileRow("x.yaml", "k8s", "unreadable", "it is not text")])
    for color in ("never", "always"):
        text = show("terminal", empty, color=color, width=100)
        assert "x.yaml: it is not text" in text
    assert "no A under 80 %" in show(
        "terminal",
        report([], rows=[FileRow("a", "k8s", "checked"), FileRow("b", "k8s", "skipped", "a template")]),
    )


BRIEF = {
    "One. Two.": "One.",
    "Only one": "Only one",
    "Tools, e.g. Docker, do. `x` too.": "Tools, e.g. Docker, do.",
    "Version 1.2 is old. New": "Version 1.2 is old.",
    "Over\n two lines. Then": "Over two lines.",
    "It is kept. nginx reads it again.": "It is kept.",
    "It is empty. $uri is not.": "It is empty.",
    "It is weak. 3DES, too.": "It is weak.",
    "Is it? kubectl says so.": "Is it?",
    "Write `docker build . --pull`. docker does the rest.": "Write `docker build . --pull`.",
    "Write `COPY . .` last. npm is first.": "Write `COPY . .` last.",
    "Write `access_log ... if=$on`. nginx is quiet.": "Write `access_log ... if=$on`.",
    "apt, etc. and yum vs. dnf, i.e. all. pip, too.": "apt, etc. and yum vs. dnf, i.e. all.",
    "": "",
}


@pytest.mark.parametrize("text", BRIEF)
def test_the_first_sentence(text: str) -> None:
    assert digest.first_sentence(text) == BRIEF[text]


SAFE = {
    "plain text": "plain text",
    "a\x1b[31mb": "a\\x1b[31mb",
    "two\nlines\r\n": "two\\nlines\\r\\n",
    "tab\t": "tab\\t",
    "bidi \u202e": "bidi \\u202e",
    "\ud800": "\\ud800",
    "\U000e0001": "\\U000e0001",
    "漢字 é": "漢字 é",
    "::error::x": "\\x3a:error::x",
    "  ::error::x": "  \\x3a:error::x",
    "see a::b": "see a::b",
    "x ##[error]y": "x #\\x23[error]y",
    "##vso[task]": "#\\x23vso[task]",
    "## a heading [1]": "## a heading [1]",
}


@pytest.mark.parametrize("text", SAFE)
def test_nothing_steers_a_terminal_or_a_log(text: str) -> None:
    assert escape_controls(text) == SAFE[text]


def framed(line: str, marked: str, width: int = 100) -> tuple[str, str]:
    source = Source("a", line)
    made = code_frame(find(source, marked), Redactor(), width)
    assert made is not None
    return made.text, made.caret_line


FRAMES = {
    "plain": ("  name: web", "web", "  name: web", "        ^^^"),
    "tabs": ("\tRUN\tcurl", "curl", "    RUN curl", "        ^^^^"),
    "wide": ("a: 漢字: x", "x", "a: 漢字: x", "         ^"),
    "wide marked": ("a: 漢字", "漢字", "a: 漢字", "   ^^^^"),
    "combining": ("e\u0301: x", "x", "e\u0301: x", "   ^"),
    "escape": ("a\x1b[1m: x", "x", "a\\x1b[1m: x", "          ^"),
    "command": ("##[a]: x", "x", "#\\x23[a]: x", "          ^"),
    "secret": ("PASSWORD=hunter2x y", "y", "PASSWORD=******** y", "                  ^"),
    "in a secret": ("PASSWORD=hunter2x y", "hunter2x", "PASSWORD=******** y", "         ^^^^^^^^"),
    "short secret": ("PASSWORD=h2x1 y", "h2x1", "PASSWORD=******** y", "         ^^^^^^^^"),
}


@pytest.mark.parametrize("name", FRAMES)
def test_carets_stand_under_the_place(name: str) -> None:
    line, marked, text, carets = FRAMES[name]
    assert framed(line, marked) == (text, carets)


@pytest.mark.parametrize("at", [0, 1, 30, 200, 5000, 9990])
def test_a_long_line_is_cut_around_the_place(at: int) -> None:
    line = "a" * at + "MARK" + "b" * (10_000 - at)
    text, carets = framed(line, "MARK", 60)
    assert display_width(text) <= 60
    assert text[len(carets) - 4 : len(carets)] == "MARK"


def test_a_long_line_of_wide_characters_is_cut_by_columns() -> None:
    line = "漢" * 500 + "MARK" + "字" * 500
    text, carets = framed(line, "MARK", 60)
    assert display_width(text) <= 60
    assert display_width(text[: text.index("MARK")]) == len(carets) - 4


def test_a_span_longer_than_the_window() -> None:
    text, carets = framed("x: " + "m" * 500, "m" * 500, 60)
    assert display_width(text) <= 60
    assert len(carets) <= 60


def test_there_is_no_frame_without_a_line() -> None:
    made = code_frame(find(Source("a", ""), ""), Redactor(), 80)
    assert made is None


def test_a_line_is_shown_once_for_all_that_is_wrong_with_it() -> None:
    ones = [find(WEB, "- name: web", rule(f"k8s/r{n}")) for n in range(4)]
    assert show("terminal", report(ones)).count("|     - name: web") == 1
    assert show("terminal", report(ones), verbose=True).count("|     - name: web") == 4
    assert show("terminal", report(ones), color="always", width=90).count("- name: web") == 1


def test_colours_that_are_asked_for_come_in_spite_of_no_color(sample: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[32m" in show("terminal", sample, color="always", width=80)


def test_explain_score_tells_of_doubt() -> None:
    unsure = rule()._replace(confidence=Confidence.MEDIUM)
    text = show("terminal", report([find(WEB, "web", unsure)]), explain=True)
    assert "k8s/probe-missing  high, medium confidence 4.2 x 1.00 (1 place) = 4.20" in text


def test_explain_score_tells_the_sum_of_each_service() -> None:
    other = rule()._replace(id="k8s/other", severity=Severity.LOW)
    ones = [find(WEB, "web"), find(WEB, "name", other, service_name="worker"), find(WEB, "kind", other, service_name="")]
    for color in ("never", "always"):
        text = ESCAPE.sub("", show("terminal", report(ones), explain=True, color=color, width=160))
        assert "whole: service web decides" in text
        assert "k8s/other          outside, 2 places: low 1 x 0.3 x 1 + low 1 x 0.05 x 0.08 = 0.30" in text
        assert text.index("service web: score 89, grade B") < text.index("service worker: score 99, grade A")
        assert "algorithm 1 gives 89, grade B" in text


def test_explain_score_sends_nothing_that_a_service_is_called() -> None:
    hostile = "web\x1b[31m\n::error::gone"
    for color in ("never", "always"):
        text = show("terminal", report([find(WEB, "web", service_name=hostile)]), explain=True, color=color, width=160)
        lines = ESCAPE.sub("", text).splitlines()
        assert "\x1b[31m" not in text.split("whole: ")[1].splitlines()[0]
        assert not any(line.strip().startswith("::error") for line in lines)


def test_both_algorithms_stand_beside_the_score() -> None:
    ones = [find(WEB, "web", rule()._replace(id=f"k8s/{name}"), service_name=name) for name in ("web", "worker", "store")]
    for form in ("terminal", "github", "markdown"):
        assert "score 88 of 100 (algorithm 2; algorithm 1: 87), grade B" in show(form, report(ones))
    assert "algorithm 2; algorithm 1: 87" in ESCAPE.sub("", show("terminal", report(ones), color="always", width=160))
