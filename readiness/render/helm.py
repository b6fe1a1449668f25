"""Helm charts: every environment's rendering, each line with the template line that made it."""

from __future__ import annotations

import bisect
import importlib.util
import json
import os
import posixpath
import re
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from readiness.model import Source, Span
from readiness.render import lines
from readiness.render.made import Made, RenderError, short
from readiness.render.process import process

FILES, BYTES = 2000, 50 << 20
DEFAULT = "values.yaml"
_VALUES = re.compile(r"values[-.][\w.-]+\.ya?ml\Z|ci/[\w.-]*values\.ya?ml\Z")


class Rendered(Made):
    """A rendered template: `rows` says for each of its lines which line of the template made it."""

    __slots__ = ("rows", "template")

    def __init__(
        self, template: Source, text: str, rows: tuple[int, ...], environment: str
    ) -> None:
        super().__init__(template.path, text, environment)
        self.template = template
        self.rows = rows

    def place(self, span: Span) -> tuple[Source, Span]:
        """The same words on the template's line; else the action that gave them; else the line."""
        template = self.template
        row = bisect.bisect_right(self.lines, span.start) - 1
        number = self.rows[min(row, len(self.rows) - 1)]
        begin = template.lines[min(number, len(template.lines) - 1)]
        line = template.line(number + 1)
        words = self.text[span.start : span.end]
        column = span.start - self.lines[row]
        at = line.find(words, max(column - 4, 0)) if words else -1
        at = line.find(words) if words and at < 0 else at
        if at >= 0:
            return template, Span(begin + at, begin + at + len(words))
        first, last = line.find("{{"), line.rfind("}}")
        if first >= 0 and (not line[:first].strip(" -\t\"'") or ":" in line[:first]):
            return template, Span(
                begin + first, begin + (last + 2 if last > first else len(line.rstrip()))
            )
        indent = len(line) - len(line.lstrip())
        return template, Span(begin + indent, begin + max(len(line.rstrip()), indent))


@dataclass(frozen=True, slots=True)
class Environment:
    """One set of values: its name as reports print it, and the values files over the chart's own."""

    name: str
    texts: tuple[str, ...]


def environments(chart: Path, extra: Sequence[Path]) -> list[Environment]:
    """The environments of a chart: its defaults, each values file beside them, and those asked for together."""
    found = [Environment(DEFAULT, ())]
    for path in sorted([*chart.glob("*.y*ml"), *(chart / "ci").glob("*.y*ml")]):
        name = path.relative_to(chart).as_posix()
        if _VALUES.match(name) and path.is_file() and not path.is_symlink():
            found.append(Environment(name, (path.read_text(encoding="utf-8", errors="replace"),)))
    if extra:
        name = " + ".join(path.name for path in extra)
        found.append(Environment(name, tuple(path.read_text(encoding="utf-8") for path in extra)))
    return found


def available() -> str:
    """What renders charts here: `sdk`, `binary`, or nothing."""
    if importlib.util.find_spec("helm_python"):
        return "sdk"
    return "binary" if shutil.which("helm") else ""


MISSING = "chart was not rendered: neither the extra `readiness[helm]` nor `helm` is installed"


def render(
    chart: Path, shown: str, wanted: Sequence[Environment]
) -> tuple[list[Rendered], dict[str, str]]:
    """(renderings, errors by environment) of a chart whose folder reports call `shown`. Raises RenderError."""
    with tempfile.TemporaryDirectory(prefix="readiness-") as folder:
        scratch = Path(folder)
        copies = {"plain": scratch / "plain", "marked": scratch / "marked"}
        templates = _copy(chart, copies, shown)
        if available() == "sdk":
            answer = _ask(copies, wanted, scratch)
        else:
            answer = {"plain": {one.name: _binary(copies["plain"], one, scratch) for one in wanted}}
    made = []
    errors = {}
    for name, said in answer["plain"].items():
        if "error" in said:
            errors[name] = short(said["error"])
        marks = answer.get("marked", {}).get(name, {}).get("files", {})
        for path, text in sorted(said.get("files", {}).items()):
            template = templates.get(path.partition("/")[2])
            if template is not None and text.strip():
                rows = lines.rows(marks[path], text) if path in marks else None
                made.append(
                    Rendered(template, text, rows or lines.guessed(template.text, text), name)
                )
    return made, errors


def _copy(chart: Path, copies: Mapping[str, Path], shown: str) -> dict[str, Source]:
    """Two copies of a chart, one with marks, without the links in it, and its templates by path in the chart.

    A link may lead anywhere, and a template can print any file of its chart. Raises RenderError for a chart
    that is too large.
    """
    templates = {}
    count = size = 0
    for folder, names, files in os.walk(chart, followlinks=False):
        names[:] = sorted(name for name in names if not (Path(folder) / name).is_symlink())
        for name in sorted(files):
            path = Path(folder) / name
            if path.is_symlink() or not path.is_file():
                continue
            inside = path.relative_to(chart).as_posix()
            count, size = count + 1, size + path.stat().st_size
            if count > FILES or size > BYTES:
                raise RenderError(f"the chart has over {FILES} files or {BYTES >> 20} MiB")
            for root in copies.values():
                (root / inside).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, root / inside)
            if "templates/" in f"/{inside}" and path.suffix in {".yaml", ".yml", ".tpl"}:
                text = path.read_text(encoding="utf-8", errors="replace")
                templates[inside] = Source(posixpath.join(shown, inside), text)
                if not name.startswith("_"):
                    (copies["marked"] / inside).write_text(lines.marked(text), encoding="utf-8")
    return templates


def _ask(
    charts: Mapping[str, Path], wanted: Sequence[Environment], scratch: Path
) -> dict[str, Any]:
    """What the renderer says of charts, in a process of its own. Raises RenderError."""
    request = {
        "charts": {label: str(path) for label, path in charts.items()},
        "environments": {one.name: one.texts for one in wanted},
    }
    # -P: the chart's folder must never be where Python looks for modules.
    out = process(
        [sys.executable, "-P", "-m", "readiness.render.worker"], json.dumps(request), scratch
    )
    try:
        answer: dict[str, Any] = json.loads(out)
    except ValueError:
        raise RenderError("the renderer gave no answer") from None
    if "error" in answer:
        raise RenderError(short(answer["error"]))
    return answer


def _binary(chart: Path, wanted: Environment, scratch: Path) -> dict[str, Any]:
    """One environment by `helm template`, for a machine without the extra."""
    command = ["helm", "template", "release", str(chart)]
    for number, text in enumerate(wanted.texts):
        path = scratch / f"values-{number}.yaml"
        path.write_text(text, encoding="utf-8")
        command += ["--values", str(path)]
    try:
        out = process(command, "", scratch)
    except RenderError as error:
        return {"error": str(error)}
    files: dict[str, list[str]] = {}
    for part in re.split(r"^---\n# Source: ", out, flags=re.MULTILINE)[1:]:
        name, _, text = part.partition("\n")
        files.setdefault(name.strip(), []).append(text)
    return {"files": {path: "---\n".join(texts) for path, texts in files.items()}}
