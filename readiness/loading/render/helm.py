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
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from readiness import files
from readiness.loading.render import lines
from readiness.loading.render.made import GeneratedSource, RenderError, short_error
from readiness.loading.render.process import run_confined
from readiness.model import ParseError, Related, Source, Span
from readiness.programs import find
from readiness.syntax.yaml import Map, load_all

FILES, BYTES = 2000, 50 << 20
DEFAULT = "values.yaml"
_VALUES = re.compile(r"values[-.][\w.-]+\.ya?ml\Z|ci/[\w.-]*values\.ya?ml\Z")


class RenderedTemplate(GeneratedSource):
    """A rendered template: `rows` says for each of its lines which line of the template made it.

    `values` are the files that gave the values, the one that wins first.
    """

    __slots__ = ("rows", "template", "values")

    def __init__(
        self,
        template: Source,
        text: str,
        rows: tuple[int, ...],
        environment: str,
        values: tuple[Source, ...] = (),
    ) -> None:
        super().__init__(template.path, text, environment)
        self.template = template
        self.rows = rows
        self.values = values

    def given(self, source: Source, span: Span) -> Iterator[Related]:
        """Where the value is set that an action at a place of the template prints, when it names one of the values."""
        found = _VALUES_NAME.fullmatch(source.text[span.start : span.end])
        for file in self.values if found else ():
            place = _value_span(file, found[1].split(".") if found else [])
            if place is not None:
                yield Related(file, place, "the value is set here")
                return

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


_VALUES_NAME = re.compile(
    r"\{\{-?\s*(?:default\s+\S+\s+)?\$?\.Values\.([\w.]+)\s*(?:\|\s*\w+\s*){0,3}-?\}\}"
)


def _value_span(file: Source, keys: list[str]) -> Span | None:
    """The place of a value in a values file; None where the file does not set it."""
    try:
        documents = load_all(file.text)
    except ParseError:
        return None
    node = documents[0] if documents else None
    for key in keys[:-1]:
        node = node.get(key) if isinstance(node, Map) else None
    return node.at(keys[-1]) if isinstance(node, Map) and keys[-1] in node else None


@dataclass(frozen=True, slots=True)
class Environment:
    """One set of values: its name as reports print it, and the values files over the chart's own.

    `paths` are theirs, where they stand in the chart.
    """

    name: str
    texts: tuple[str, ...]
    paths: tuple[str, ...] = ()


def environments(chart: Path, extra: Sequence[Path]) -> list[Environment]:
    """The environments of a chart: its defaults, each values file beside them, and those asked for together."""
    found = [Environment(DEFAULT, ())]
    for path in sorted([*chart.glob("*.y*ml"), *(chart / "ci").glob("*.y*ml")]):
        name = path.relative_to(chart).as_posix()
        text = _text(chart, path) if _VALUES.match(name) else None
        if text is not None:
            found.append(Environment(name, (text,), (name,)))
    if extra:
        name = " + ".join(path.name for path in extra)
        found.append(Environment(name, tuple(path.read_text(encoding="utf-8") for path in extra)))
    return found


def _text(chart: Path, path: Path) -> str | None:
    """The text of a values file; None for one that leads out of its chart or cannot be read, which the walk has told."""
    try:
        if not is_inside(chart, path):
            return None
        return files.read(path, files.LIMIT).decode("utf-8", "replace")
    except OSError:
        return None


def is_inside(chart: Path, path: Path) -> bool:
    """Whether a file of a chart, or what it leads to by a link, stands in the chart."""
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(chart))


def available_renderer() -> str:
    """What renders charts here: `sdk`, `binary`, or nothing."""
    if importlib.util.find_spec("helm_python"):
        return "sdk"
    return "binary" if find("helm") else ""


MISSING = "chart was not rendered: neither the extra `readiness[helm]` nor `helm` is installed; install one of them"


def render(
    chart: Path, shown: str, wanted: Sequence[Environment]
) -> tuple[list[RenderedTemplate], dict[str, str]]:
    """(renderings, errors by environment) of a chart whose folder reports call `shown`. Raises RenderError."""
    with tempfile.TemporaryDirectory(prefix="readiness-") as folder:
        scratch = Path(folder)
        copies = {"plain": scratch / "plain", "marked": scratch / "marked"}
        templates = _copy_chart(chart, copies, shown)
        if available_renderer() == "sdk":
            answer = _render_in_process(copies, wanted, scratch)
        else:
            answer = {
                "plain": {
                    environment.name: _render_with_binary(copies["plain"], environment, scratch)
                    for environment in wanted
                }
            }
    made = []
    errors = {}
    values = {one.name: _values_files(chart, shown, one) for one in wanted}
    for name, said in answer["plain"].items():
        if "error" in said:
            errors[name] = short_error(said["error"])
        marks = answer.get("marked", {}).get(name, {}).get("files", {})
        for path, text in sorted(said.get("files", {}).items()):
            template = templates.get(path.partition("/")[2])
            if template is not None and text.strip():
                made.append(_rendered(template, text, marks.get(path), name, values[name]))
    return made, errors


def _rendered(
    template: Source, text: str, marks: str | None, environment: str, values: tuple[Source, ...]
) -> RenderedTemplate:
    """A template's rendering as Helm splits it into documents; `marks` is the same rendering with marks."""
    plain = lines.separated(text)
    count = len(template.text.split("\n"))
    rows = None if marks is None else lines.source_lines(lines.separated(marks), plain, count)
    return RenderedTemplate(
        template, plain, rows or lines.guess_source_lines(template.text, plain), environment, values
    )


def _values_files(chart: Path, shown: str, environment: Environment) -> tuple[Source, ...]:
    """The values files of an environment that stand in the chart, the one that wins first, the chart's own last."""
    found = [
        Source(posixpath.join(shown, path), text)
        for path, text in zip(environment.paths, environment.texts, strict=False)
    ][::-1]
    text = _text(chart, chart / DEFAULT)
    if text is not None:
        found.append(Source(posixpath.join(shown, DEFAULT), text))
    return tuple(found)


def _copy_chart(chart: Path, copies: Mapping[str, Path], shown: str) -> dict[str, Source]:
    """Two copies of a chart, one with marks, and its templates by path in the chart.

    A link that leads out of the chart is left out: a template can print any file of its chart. Raises RenderError for a chart
    that is too large.
    """
    templates = {}
    count = size = 0
    for folder, names, here in os.walk(chart, followlinks=False):
        names[:] = sorted(name for name in names if not (Path(folder) / name).is_symlink())
        for name in sorted(here):
            path = Path(folder) / name
            if not path.is_file() or (path.is_symlink() and not is_inside(chart, path)):
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
                    (copies["marked"] / inside).write_text(lines.mark_lines(text), encoding="utf-8")
    return templates


def _render_in_process(
    charts: Mapping[str, Path], wanted: Sequence[Environment], scratch: Path
) -> dict[str, Any]:
    """What the renderer says of charts, in a process of its own. Raises RenderError."""
    request = {
        "charts": {label: str(path) for label, path in charts.items()},
        "environments": {one.name: one.texts for one in wanted},
    }
    # -P: the chart's folder must never be where Python looks for modules.
    worker = [sys.executable, "-P", "-m", "readiness.loading.render.worker"]
    out = run_confined(worker, json.dumps(request), scratch, ours=True)
    try:
        answer: dict[str, Any] = json.loads(out)
    except ValueError:
        raise RenderError("the renderer gave no answer") from None
    if "error" in answer:
        raise RenderError(short_error(answer["error"]))
    return answer


def _render_with_binary(chart: Path, wanted: Environment, scratch: Path) -> dict[str, Any]:
    """One environment by `helm template`, for a machine without the extra."""
    command = [find("helm"), "template", "release", str(chart)]
    for number, text in enumerate(wanted.texts):
        path = scratch / f"values-{number}.yaml"
        path.write_text(text, encoding="utf-8")
        command += ["--values", str(path)]
    try:
        out = run_confined(command, "", scratch)
    except RenderError as error:
        return {"error": str(error)}
    texts: dict[str, list[str]] = {}
    for part in re.split(r"^---\n# Source: ", out, flags=re.MULTILINE)[1:]:
        name, _, text = part.partition("\n")
        texts.setdefault(name.strip(), []).append(text)
    return {"files": {path: "---\n".join(parts) for path, parts in texts.items()}}
