"""Documents with a value that is empty or of another type than its key takes, made from schemas, tables and examples.

Run as a module, it holds every one of them against every rule: `python -m tests.odd_values [WORD]...` (some 10 minutes;
a WORD picks the families whose names hold it). The tests take a sample that is the same each time.
"""

from __future__ import annotations

import datetime
import json
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, partial
from itertools import chain
from typing import Any

from readiness import api as app
from readiness import kinds
from readiness.checks.ci import schema as github
from readiness.facts.table import fact_row_by_name
from readiness.kinds.compose import schema as compose
from readiness.kinds.github import events
from readiness.kinds.gitlab import model as gitlab_model
from readiness.loading import discover
from readiness.model import ParseError, Source, Span
from readiness.ruleset import examples
from readiness.run import pipeline
from readiness.run.run_settings import merge_options
from readiness.settings import Config
from readiness.syntax.dockerfile import INSTRUCTION_KEYWORDS
from readiness.syntax.yaml import Map, Seq, load_yaml_documents, walk_containers
from tests.conftest import catalogue

Files = dict[str, str]
Make = Callable[[], Files]  # documents are made when they are wanted: a test wants one in a thousand
ODD = (
    "[]", "{}", "''", "null", "7", "-1", "1.5", "true", "odd", "[[]]", "[{}]", "[null]", "['']", "[7]", "{'': ''}",
    "{a: []}", "{a: null}", "[CMD]", "[CMD-SHELL]", "[NONE]", "[sh, -c]", "'${X}'", "'${{ x }}'", "' '", "'a b=c'",
)  # fmt: skip
FEW = 5  # of them, where there are many keys


def crashes(batch: Sequence[Files]) -> list[str]:
    """What crashed when all rules were held against documents, each batch entry in a folder of its own.

    The whole of a run is gone through but for the disk: kinds, rules, suppressions, evidence, score and report.
    """
    found = discover.DiscoveredFiles(has_walked_folder=True, walked_folders={"."})
    for number, files in enumerate(batch):
        for path, text in files.items():
            found.sources.append(Source(f"{number}/{path}", text))
            found.paths.add(f"{number}/{path}")
    settings = merge_options(
        Config(), checklists=None, select=("ALL",), extend_select=(), exclude=(), ignore=(), profile=None, fail_on=None, min_score=None, rules=(),
        baseline=None, since=None, jobs=1, render=False,
        strict_coverage=False, helm_values=(), context=True, for_commit=False, foreign_ignores=True, shellcheck=False, purpose="",
        documents=None,
    )  # fmt: skip
    try:
        made = pipeline.run_pipeline(found, settings, datetime.date(2026, 1, 1))
        app.report_of_run(made, settings).to_dict()
    except Exception as error:  # what gets out of a run is what is looked for
        return [f"{type(error).__name__}: {error}"]
    return [f"{one.path}: {one.message}" for one in made.findings if one.rule == "core/crash"]


def guilty(batch: Sequence[Files]) -> list[tuple[Files, str]]:
    """The documents of a batch that crash, each by itself, with what was said."""
    if not crashes(batch):
        return []
    if len(batch) == 1:
        return [(batch[0], crashes(batch)[0])]
    half = len(batch) // 2
    return [*guilty(batch[:half]), *guilty(batch[half:])]


@cache
def all_examples() -> tuple[Files, ...]:
    """The good and bad examples of all rules, each once, in order of their rules."""
    found: dict[str, Files] = {}
    for bound in catalogue():
        if bound.rule.targets == ("core",):
            continue
        name = kinds.kind_module(kinds.kind_of_target(bound.rule.targets[0])).EXAMPLE_PATH
        for example in examples.rule_examples(bound, str(name)):
            found.setdefault(json.dumps(dict(example.files), sort_keys=True), dict(example.files))
    return tuple(found.values())


Change = tuple[Span, str]


def changed(change: Callable[[str, str], Iterator[Change]]) -> Iterator[Make]:
    """The examples with one file changed in each way."""
    for files in all_examples():
        for path, text in files.items():
            for variant in change(path, text):
                yield partial(with_change, files, path, *variant)


def with_change(files: Files, path: str, span: Span, value: str) -> Files:
    """Files with something else at a place of one; a line break at the end of the place stays."""
    text = files[path]
    ending = "\n" if text[slice(*span)].endswith("\n") else ""
    return {**files, path: text[: span.start] + value + ending + text[span.end :]}


def is_yaml(path: str) -> bool:
    return path.endswith((".yaml", ".yml", ".json"))


def yaml_changed(path: str, text: str) -> Iterator[Change]:
    """A YAML text with each of its values odd, gone, or with its key gone."""
    if not is_yaml(path):
        return
    try:
        nodes = [node for root in load_yaml_documents(text) for node in walk_containers(root)]
    except ParseError:
        return
    for node in nodes:
        for key in node if isinstance(node, Map) else range(len(node)):
            for value in ODD:
                yield node.at(key), value
            yield node.entry_span(key) if isinstance(node, Map) else node.at(key), ""
        if isinstance(node, Seq) and len(node) > 1 and "\n" not in text[slice(*node.at(0))]:
            yield node.at(), f"[{text[slice(*node.at(0))]}]"


LINE = re.compile(r"^[ \t]*([A-Za-z]+)([ \t]+)(\S.*(?:\\\n.*)*)$", re.MULTILINE)
WORDS = (
    "", "[]", "[ ]", '[""]', "[[]]", '[null]', "[7]", "{}", '""', "''", "$", "${}", "${X:-}", "=", "a=", "=b", "--a",
    "--from=", "--chown= a b", "\\", "<<E", "<<E\nE", "7", ":", "a:", "/", "a b", '["sh", "-c"]', '["sh", "-c", ""]',
)  # fmt: skip


def dockerfile_changed(path: str, text: str) -> Iterator[Change]:
    """A Dockerfile with the words of each instruction odd."""
    if kinds.detect_kind(path, text) != "dockerfile":
        return
    for found in LINE.finditer(text):
        for odd in WORDS:
            yield Span(*found.span(3)), odd


STAGES = (
    "%s\n", "FROM alpine:3.20\n%s\nCMD x\n", "FROM alpine:3.20 AS a\nONBUILD %s\nFROM a\n", "FROM alpine:3.20\nHEALTHCHECK %s\n",
)  # fmt: skip


def dockerfiles() -> Iterator[Make]:
    """Every instruction with odd words, by itself, in a stage, and under ONBUILD and HEALTHCHECK."""
    for keyword in sorted(INSTRUCTION_KEYWORDS):
        for odd in WORDS:
            for stage in STAGES:
                text = stage.replace("%s", f"{keyword} {odd}".rstrip())
                yield partial(dict, [("Dockerfile", text)])


DIRECTIVE = re.compile(r"^[ \t]*([a-z_]+)([^;{}\n]*)([;{])", re.MULTILINE)
CONTEXTS = (
    "%s", "events { %s }", "http { %s }", "http { server { %s } }", "http { server { location / { %s } } }",
    "http { upstream a { %s } }", "http { map $a $b { %s } }", "http { geo $b { %s } }", "http { types { %s } }",
    "http { server { if ($a) { %s } } }", "stream { server { %s } }", "http { server { location / { if ($a) { %s } } } }",
)  # fmt: skip
FORMS = (
    "%s;",
    "%s {}",
    '%s "";',
    "%s a;",
    "%s a {}",
    "%s $a;",
    "%s a b c d e;",
    "%s {};",
    "%s 0;",
    "%s { %s; }",
)


def nginx_changed(path: str, text: str) -> Iterator[Change]:
    """An nginx configuration with each directive without arguments, with an odd one, or with its block empty."""
    if kinds.detect_kind(path, text) != "nginx":
        return
    for found in DIRECTIVE.finditer(text):
        for odd in ("", ' ""', " a", " $a", " =", " ~", " 0", " /"):
            yield Span(*found.span(2)), odd
        if found[3] == "{":
            end = closing(text, found.end())
            for inside in ("", " a; ", " a {} ", " include /x/*; "):
                yield Span(found.end(), end), inside
            yield Span(found.start(3), end + 1), ";"


def closing(text: str, begin: int) -> int:
    """Where the block that begins there ends."""
    depth = 1
    for at in range(begin, len(text)):
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        if not depth:
            return at
    return len(text) - 1


LINES = (
    "",
    "=",
    "A",
    "A=",
    "=b",
    "export",
    "export A",
    "A='",
    'A="',
    "A=${",
    "A=$",
    "!",
    "/",
    "**",
    "[",
    "\\",
)


def nginx_files() -> Iterator[Make]:
    """Every directive that an example has, in every context, in every form."""
    names = sorted(
        {
            found[1]
            for files in all_examples()
            for path, text in files.items()
            if kinds.detect_kind(path, text) == "nginx"
            for found in DIRECTIVE.finditer(text)
        }
    )
    for name in names:
        for context in CONTEXTS:
            for form in FORMS:
                text = context.replace("%s", form.replace("%s", name)) + "\n"
                yield partial(dict, [("nginx.conf", text)])


def lines_changed(path: str, text: str) -> Iterator[Change]:
    """An environment file or a .dockerignore with each line odd."""
    if kinds.detect_kind(path, text) not in {"dotenv", "dockerignore"}:
        return
    for found in re.finditer(r"^.*$", text, re.MULTILINE):
        for odd in LINES:
            yield Span(*found.span()), odd


Way = tuple[str | int, ...]


def with_odd(path: str, root: Any, way: Way, value: str) -> Files:
    """A document as JSON, with an odd value at the end of a way into it; what is missing on the way is made."""
    mark = "\0odd\0"
    root = json.loads(json.dumps(root))
    node = root
    for step, following in zip(way, [*way[1:], None], strict=True):
        inner: Any = mark if following is None else [] if isinstance(following, int) else {}
        known = (node[0] if node else None) if isinstance(step, int) else node.get(step)
        if following is None or not isinstance(known, type(inner)):
            known = inner
        if isinstance(step, int):
            node[:] = [known]
        else:
            node[step] = known
        node = known
    return {path: json.dumps(root, indent=1).replace(json.dumps(mark), value) + "\n"}


def compose_ways(schema: dict[str, Any], way: Way = (), seen: tuple[str, ...] = ()) -> Iterator[Way]:
    """Every way into a compose file that its schema knows; a definition is entered once on a way."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        if name not in seen:
            yield from compose_ways(compose.load_compose_schema()["$defs"][name], way, (*seen, name))
        return
    for key in ("oneOf", "anyOf", "allOf"):
        for branch in schema.get(key, ()):
            yield from compose_ways(branch, way, seen)
    inner = {**schema.get("properties", {})}
    for subschema in (
        *schema.get("patternProperties", {}).values(),
        schema.get("additionalProperties"),
    ):
        if isinstance(subschema, dict):
            inner["web"] = subschema
    for name, subschema in inner.items():
        yield (*way, name)
        yield from compose_ways(subschema, (*way, name), seen)
    if isinstance(schema.get("items"), dict):
        yield (*way, 0)
        yield from compose_ways(schema["items"], (*way, 0), seen)


SERVICE = {"services": {"web": {"image": "example.com/web:1.2.3"}}}


def compose_files(values: Sequence[str] = ODD) -> Iterator[Make]:
    """Every key of the Compose Specification with each odd value, alone and beside an image."""
    for way in dict.fromkeys(compose_ways(compose.load_compose_schema())):
        for value in values:
            yield partial(with_odd, "compose.yaml", SERVICE, way, value)
            if way[:2] == ("services", "web"):
                yield partial(with_odd, "compose.yaml", {}, way, value)


def k8s_ways(kind: str, way: Way = (), seen: tuple[str, ...] = ()) -> Iterator[Way]:
    """Every way into a type of the table of fields; a type is entered once on a way."""
    types = fact_row_by_name("kubernetes-types")
    kind = kind.removesuffix("!")
    if kind.startswith("[]"):
        yield (*way, 0)
        yield from k8s_ways(kind[2:], (*way, 0), seen)
    elif kind.startswith("{}"):
        yield (*way, "a")
        yield from k8s_ways(kind[2:], (*way, "a"), seen)
    elif kind in types and kind not in seen:
        for name, inner in types[kind].items():
            yield (*way, name)
            yield from k8s_ways(inner, (*way, name), (*seen, kind))


def k8s_needed(kind: str, depth: int = 0) -> Any:
    """The least that a type takes: its required fields."""
    types = fact_row_by_name("kubernetes-types")
    kind = kind.removesuffix("!")
    if kind.startswith("[]"):
        return [k8s_needed(kind[2:], depth + 1)]
    if kind.startswith("{}"):
        return {"a": k8s_needed(kind[2:], depth + 1)}
    if kind in types and depth < 12:
        fields = types[kind].items()
        return {name: k8s_needed(inner, depth + 1) for name, inner in fields if inner.endswith("!")}
    return {"i": 1, "b": True, "n": 1, "q": "1Gi", "s": "web"}.get(kind, {})


def k8s_files(values: Sequence[str] = ODD) -> Iterator[Make]:
    """Every field of every kind of object with odd values. What pods have is gone through once, in a Deployment."""
    for name, row in sorted(fact_row_by_name("kubernetes-kinds").items()):
        api, _, kind = name.partition(" ")
        model = row["type"]
        root = {
            "apiVersion": api,
            "kind": kind,
            "metadata": {"name": "web"},
            **k8s_needed(model),
        }
        whole = kind in {"Deployment", "Pod", "Job", "CronJob", "StatefulSet"}
        for way in dict.fromkeys(k8s_ways(model)):
            if whole or "template" not in way[:-4]:
                for value in values if kind == "Deployment" else values[:FEW]:
                    yield partial(with_odd, "a.yaml", root, way, value)


def github_ways() -> Iterator[Way]:
    """Every way into a workflow that the tables of its syntax know, and into its events."""
    step = {**github._RUN_STEP_SHAPE.shape_by_key, **github._USES_STEP_SHAPE.shape_by_key}
    for name in github._WORKFLOW_SHAPE.shape_by_key:
        yield (name,)
    for name in {**github._SHAPE_BY_JOB_KEY, **github._SHAPE_BY_CALLING_JOB_KEY}:
        yield ("jobs", "a", name)
    for name in step:
        yield ("jobs", "a", "steps", 0, name)
    for name in github._SHAPE_BY_CONTAINER_KEY:
        yield ("jobs", "a", "container", name)
        yield ("jobs", "a", "services", "b", name)
    for name in ("matrix", "fail-fast", "max-parallel"):
        yield ("jobs", "a", "strategy", name)
    for name in ("include", "exclude", "b"):
        yield ("jobs", "a", "strategy", "matrix", name)
        yield ("jobs", "a", "strategy", "matrix", name, 0)
        yield ("jobs", "a", "strategy", "matrix", name, 0, "c")
    for name, shape in {**events._SHAPE_BY_EVENT, "push": events._WEBHOOK_EVENT_SHAPE}.items():
        yield ("on", name)
        for key in getattr(shape, "shape_by_key", {}):
            yield ("on", name, key)
            yield ("on", name, key, "x")
    yield ("on", "schedule", 0)
    yield ("on", "schedule", 0, "cron")
    yield ("jobs",)
    yield ("jobs", "a")


JOB = {"runs-on": "ubuntu-24.04", "steps": [{"run": "make", "name": "b"}]}
CALLED = {"uses": "a/b/.github/workflows/c.yml@v1"}
DEPLOY = {
    "runs-on": "ubuntu-24.04",
    "environment": "production",
    "steps": [{"run": "kubectl apply -f a.yaml"}],
}


def github_files(values: Sequence[str] = ODD) -> Iterator[Make]:
    """Every key of a workflow with odd values, in jobs of three sorts."""
    for job in (JOB, CALLED, DEPLOY):
        for way in dict.fromkeys(github_ways()):
            for value in values:
                root = {"on": {"push": {}}, "jobs": {"a": job}}
                yield partial(with_odd, ".github/workflows/a.yml", root, way, value)


def gitlab_files(values: Sequence[str] = ODD) -> Iterator[Make]:
    """Every key that an example of a pipeline has, and every keyword, in each place with odd values."""
    keys = set(gitlab_model.NON_JOB_TOP_LEVEL_KEYS)
    for files in all_examples():
        for path, text in files.items():
            if kinds.detect_kind(path, text) == "gitlab":
                for node in chain.from_iterable(map(walk_containers, load_yaml_documents(text))):
                    keys |= set(node) if isinstance(node, Map) else set()
    root = {"stages": ["build"], "a": {"stage": "build", "script": ["make"]}}
    for key in sorted(keys):
        for way in (
            (key,),
            ("a", key),
            ("default", key),
            (".b", key),
            ("a", "rules", 0, key),
            ("include", 0, key),
        ):
            for value in values:
                yield partial(with_odd, ".gitlab-ci.yml", root, way, value)


DEPTH = 390  # a document is refused from 400 on: see syntax/yaml.py
DEEP = (
    "[" * DEPTH + "]" * DEPTH,
    "{a: " * DEPTH + "1" + "}" * DEPTH,
    "[{name: x, a: " * (DEPTH // 2) + "1" + "}]" * (DEPTH // 2),
)
FAMILIES: dict[str, Callable[[], Iterator[Make]]] = {
    "examples-yaml": lambda: changed(yaml_changed),
    "examples-dockerfile": lambda: changed(dockerfile_changed),
    "examples-nginx": lambda: changed(nginx_changed),
    "examples-lines": lambda: changed(lines_changed),
    "compose": compose_files,
    "k8s": k8s_files,
    "github": github_files,
    "gitlab": gitlab_files,
    "dockerfile": dockerfiles,
    "nginx": nginx_files,
    "deep-compose": partial(compose_files, DEEP),
    "deep-k8s": partial(k8s_files, DEEP),
    "deep-github": partial(github_files, DEEP),
    "deep-gitlab": partial(gitlab_files, DEEP),
}


def batches(made: Iterable[Make], size: int = 40) -> Iterator[list[Files]]:
    """Documents by the dozen: a run of its own for each would take ten times as long."""
    batch: list[Files] = []
    for make in made:
        batch.append(make())
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def main(words: Sequence[str]) -> int:
    """Go through all families that a word names; what crashes is printed."""
    worst = 0
    for name, make in FAMILIES.items():
        if words and not any(word in name for word in words):
            continue
        began, count = time.monotonic(), 0
        told: dict[str, Files] = {}
        for batch in batches(make(), 200):
            count += len(batch)
            for files, said in guilty(batch):
                told.setdefault(re.sub(r"^\d+/", "", said), files)
        for said, files in told.items():
            print(f"{name}: {said}\n  {files}")
        print(
            f"{name}: {count} documents, {len(told)} crashes, {time.monotonic() - began:.0f} s",
            flush=True,
        )
        worst |= bool(told)
    return worst


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
