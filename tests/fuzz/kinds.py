"""What is fuzzed: for each kind its seeds, its grammar, its parsers, and the files that hold a text of it."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from readiness.facts.table import fact_row_by_name
from readiness.kinds.compose import schema as compose
from tests import odd_values
from tests.fuzz import grammars, parsers, seeds
from tests.fuzz.grammars import Grammar, expand
from tests.fuzz.mutations import encode_oddly, mutate_text
from tests.fuzz.rendered_trees import CHART_SEEDS, OVERLAY_SEEDS, make_chart, make_kustomization, make_overlays
from tests.fuzz.seeds import Texts
from tests.fuzz.settings_texts import SETTINGS_SEEDS, make_settings
from tests.fuzz.yaml_texts import YamlWriter, random_value

Files = dict[str, bytes]  # path -> content
Words = tuple[str, ...]
Maker = Callable[[random.Random, Words], Texts]


@dataclass(frozen=True)
class FuzzKind:
    """One kind of input.

    `through_settings` runs the command line in the tree, with its settings; `documents` judges Markdown; `renders` renders charts, builds overlays.
    """

    name: str
    seeds: Callable[[], tuple[Texts, ...]]
    make: Maker
    parsers: Mapping[str, Callable[[str], object]]
    through_settings: bool = False
    documents: bool = False
    renders: bool = False

    def words(self) -> Words:
        """The words of its seeds."""
        return seeds.words_of(seeds.texts_of(self.seeds()))

    def input_of(self, seed: int, number: int) -> Files:
        """The input with a number, the same each time."""
        rng = random.Random(f"{self.name}:{seed}:{number}")  # noqa: S311  # no secret depends on it
        all_seeds, words = self.seeds(), self.words()
        texts = self.make(rng, words) if not rng.randrange(4) else dict(rng.choice(all_seeds))
        if rng.randrange(4):
            for _ in range(rng.choice((1, 1, 1, 2))):
                path = rng.choice(sorted(texts))
                other = rng.choice(sorted(rng.choice(all_seeds).items()))[1]
                texts[path] = mutate_text(texts[path], rng, words, other)
        return {path: encode_oddly(text, rng) for path, text in texts.items()}


# -- YAML by schemas ----------------------------------------------------------------------------------------------


def _put(root: Any, way: tuple[str | int, ...], value: Any) -> None:
    """Set a value at the end of a way; what is missing on the way is made."""
    node = root
    for step, following in zip(way, [*way[1:], None], strict=True):
        inner: Any = value if following is None else [] if isinstance(following, int) else {}
        if isinstance(step, int):
            if following is None or not node or not isinstance(node[0], type(inner)):
                node.append(inner) if following is None else node.insert(0, inner)
            node = node[-1] if following is None else node[0]
        else:
            if following is None or not isinstance(node.get(step), type(inner)):
                node[step] = inner
            node = node[step]


@cache
def _compose_ways() -> list[tuple[str | int, ...]]:
    return list(dict.fromkeys(odd_values.compose_ways(compose.load_compose_schema())))


@cache
def _k8s_ways(model: str) -> list[tuple[str | int, ...]]:
    return list(dict.fromkeys(odd_values.k8s_ways(model)))


def _documents(rng: random.Random, roots: list[Any]) -> str:
    return "".join(("---\n" if number else "") + YamlWriter(rng).document(root) for number, root in enumerate(roots))


def _fill(rng: random.Random, words: Words, root: Any, ways: list[tuple[str | int, ...]]) -> Any:
    for way in rng.choices(ways, k=rng.choice((1, 3, 10, 40))):
        _put(root, way, random_value(rng, words))
    return root


def make_compose(rng: random.Random, words: Words) -> Texts:
    """A compose file of random keys of its schema, now and then with a second one and an environment file."""
    services = {name: json.loads(json.dumps(odd_values.SERVICE["services"]["web"])) for name in ("web", *rng.sample(words, rng.randrange(4)))}
    root = _fill(rng, words, {"services": services}, _compose_ways())
    for name in [*root["services"]] if isinstance(root.get("services"), dict) else []:
        if rng.randrange(2) and isinstance(root["services"][name], dict):
            root["services"][name]["depends_on"] = rng.sample(sorted(root["services"]), 1)
    made = {rng.choice(("compose.yaml", "docker-compose.prod.yml", "a/compose.yaml")): _documents(rng, [root])}
    if not rng.randrange(3):
        made[".env"] = expand(grammars.DOTENV, rng, words)
    if not rng.randrange(4):
        made["compose.override.yaml"] = _documents(rng, [_fill(rng, words, {"services": {}}, _compose_ways())])
    return made


def make_kubernetes(rng: random.Random, words: Words) -> Texts:
    """Objects of random kinds with random fields of their types, now and then under a kustomization."""
    rows = sorted(fact_row_by_name("kubernetes-kinds").items())
    usual = [
        row
        for row in rows
        if row[0].split(" ")[1] in {"Deployment", "Service", "Ingress", "NetworkPolicy", "ConfigMap", "Secret", "CronJob", "Role", "RoleBinding"}
    ]
    roots = []
    for _ in range(rng.choice((1, 1, 2, 3, 6))):
        name, row = rng.choice(usual if rng.randrange(3) else rows)
        api, _, kind = name.partition(" ")
        root = {
            "apiVersion": api,
            "kind": kind,
            "metadata": {"name": rng.choice(("web", "web", *rng.sample(words, 1)))},
            **odd_values.k8s_needed(row["type"]),
        }
        ways = _k8s_ways(row["type"])
        roots.append(_fill(rng, words, root, ways) if ways else root)
    made = {"k8s/a.yaml": _documents(rng, roots)}
    if not rng.randrange(4):
        made["k8s/kustomization.yaml"] = _documents(rng, [make_kustomization(rng, words)])
    return made


def make_ci(rng: random.Random, words: Words) -> Texts:
    """A workflow, an action, a pipeline of GitLab or a dependabot file of random keys."""
    sort = rng.randrange(6)
    if sort < 3:
        job = json.loads(json.dumps(rng.choice((odd_values.JOB, odd_values.CALLED, odd_values.DEPLOY))))
        root = _fill(rng, words, {"on": {"push": {}}, "jobs": {"a": job}}, list(odd_values.github_ways()))
        if rng.randrange(2):
            steps = [
                {
                    "run": expand(grammars.SHELL, rng, words),
                    "if": "${{ " + expand(grammars.EXPRESSION, rng, words) + " }}",
                    "env": {"A": "${{ " + expand(grammars.EXPRESSION, rng, words) + " }}"},
                }
            ]
            _put(root, ("jobs", "b"), {"runs-on": "ubuntu-24.04", "needs": ["a"], "steps": steps})
        return {rng.choice((".github/workflows/a.yml", ".github/workflows/deploy.yaml")): _documents(rng, [root])}
    if sort == 3:
        steps = [
            {"run": expand(grammars.SHELL, rng, words), "shell": random_value(rng, words)},
            {"uses": random_value(rng, words), "with": random_value(rng, words)},
        ]
        return {
            "action.yml": _documents(
                rng,
                [
                    {
                        "name": "a",
                        "inputs": random_value(rng, words),
                        "runs": {"using": rng.choice(("composite", "node20", "docker", "x")), "steps": steps, "image": random_value(rng, words)},
                    }
                ],
            )
        }
    if sort == 4:
        return {
            ".github/dependabot.yml": _documents(
                rng,
                [
                    {
                        "version": 2,
                        "updates": [
                            {"package-ecosystem": rng.choice(words), "directory": random_value(rng, words), "schedule": random_value(rng, words)}
                        ],
                        "registries": random_value(rng, words),
                    }
                ],
            )
        }
    keys = sorted(odd_values.gitlab_model.NON_JOB_TOP_LEVEL_KEYS)
    root = {"stages": ["build"], "a": {"stage": "build", "script": [expand(grammars.SHELL, rng, words)]}}
    for key in rng.choices(
        [
            *keys,
            "rules",
            "needs",
            "extends",
            "variables",
            "environment",
            "image",
            "services",
            "artifacts",
            "cache",
            "parallel",
            "trigger",
            "only",
            "when",
            "before_script",
            "id_tokens",
        ],
        k=rng.choice((1, 3, 8)),
    ):
        _put(
            root,
            rng.choice(((key,), ("a", key), ("default", key), (".b", key), ("a", "rules", 0, key), ("include", 0, key), ("c", key))),
            random_value(rng, words),
        )
    return {".gitlab-ci.yml": _documents(rng, [root])}


# -- texts in the files that hold them ------------------------------------------------------------------------------


def _file_maker(path: str, grammar: Grammar) -> Maker:
    return lambda rng, words: {path: expand(grammar, rng, words)}


def _indented(text: str, by: str) -> str:
    return "".join(by + line + "\n" for line in text.split("\n"))


def hold_script(rng: random.Random, script: str) -> Texts:
    """Files in one of which a script stands as it would in a tree."""
    oneline = script.replace("\n", "; ")
    return rng.choice((
        {"Dockerfile": f"FROM debian:12.5\nRUN {script}\n"},
        {"Dockerfile": f"FROM debian:12.5\nRUN <<EOF\n{script}\nEOF\nCMD {oneline}\n"},
        {".github/workflows/a.yml": f"on: push\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps:\n      - run: |\n{_indented(script, ' ' * 10)}"},
        {".gitlab-ci.yml": f"a:\n  script:\n    - |\n{_indented(script, ' ' * 6)}    - {json.dumps(script)}\n"},
        {"compose.yaml": "services:\n  a:\n    image: a:1\n    command: " + json.dumps(["sh", "-c",
        script]) + f"\n    entrypoint: {json.dumps(oneline)}\n"},
        {"k8s.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n"
            "    - {name: a, image: 'a:1', command: [sh, -c], args: [" + json.dumps(script) + "]}\n"},
        {"deploy.sh": script, "k8s/a.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n", "Makefile": f"deploy:\n\t{oneline}\n"},
    ))  # fmt: skip


def make_shell(rng: random.Random, words: Words) -> Texts:
    """A script in one of its holders."""
    script = expand(grammars.SHELL, rng, words)
    return hold_script(rng, mutate_text(script, rng, words, script) if rng.randrange(2) else script)


def make_words(rng: random.Random, words: Words) -> Texts:
    """One of the small languages (expressions, schedules, expressions of nginx, images, variables) where a file holds it."""
    sort = rng.randrange(5)
    grammar, rule = (
        (grammars.EXPRESSION, "start"),
        (grammars.CRON, "start"),
        (grammars.NGINX, "re"),
        (grammars.COMMON, "image"),
        (grammars.COMMON, "var"),
    )[sort]
    word = expand(grammar, rng, words, rule)
    word = mutate_text(word, rng, words, word) if rng.randrange(2) else word
    holders = (
        {".github/workflows/a.yml": "on: push\njobs:\n  a:\n    runs-on: x\n    if: " + json.dumps(word) + "\n    steps:\n"
            "      - run: " + json.dumps("echo ${{ " + word + " }}") + "\n"},
        {".github/workflows/a.yml": "on:\n  schedule: [{cron: " + json.dumps(word) + "}]\njobs: {a: {runs-on: x, steps: [{run: a}]}}\n",
         "a.yaml": "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: a}\n"
             "spec: {schedule: " + json.dumps(word) + ", jobTemplate: {spec: {template: {spec: {containers: [{name: a, image: 'a:1'}]}}}}}\n"},
        {"nginx.conf": "events {}\nhttp { server { listen 80; location ~ "
         + json.dumps(word) + " { rewrite " + json.dumps(word) + " /$1 last; } if ($uri ~ " + word + ") { return 404; } } }\n"},
        {"Dockerfile": f"FROM {word}\n", "compose.yaml": "services: {a: {image: " + json.dumps(word) + "}}\n",
        "a.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: " + json.dumps(word) + "}]}\n"},
        {"compose.yaml": "services: {a: {image: 'a:1', command: " + json.dumps(word) + ", environment: {A: " + json.dumps(word) + "}}}\n",
        "Dockerfile": f"ARG A={word}\nFROM a:$A\nENV B={word}\nRUN echo {word}\n", ".env": f"A={word}\n"},
    )  # fmt: skip
    return holders[sort]


def make_text(rng: random.Random, words: Words) -> Texts:
    """An environment file, a list of ignored files, or Markdown, with files that it is about."""
    sort = rng.randrange(4)
    if sort == 0:
        return {
            ".env": expand(grammars.DOTENV, rng, words),
            "compose.yaml": "services: {a: {image: 'a:${A}', env_file: [.env, {path: raw.env, format: raw}]}}\n",
            "raw.env": expand(grammars.DOTENV, rng, words),
        }
    if sort == 1:
        return {
            ".gitignore": expand(grammars.IGNORE, rng, words),
            "a/b/.env": "A=b\n",
            "a/Dockerfile": "FROM a\n",
            "a/.gitignore": expand(grammars.IGNORE, rng, words),
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/compose.yaml": "services: {a: {image: b}}\n",
        }
    if sort == 2:
        return {".dockerignore": expand(grammars.IGNORE, rng, words), "Dockerfile": "FROM a:1\nCOPY . /a\n", ".env": "A=b\n", "id_rsa": "x\n"}
    return {
        rng.choice(("README.md", "docs/a.md")): expand(grammars.MARKDOWN, rng, words),
        "k8s/a.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n",
    }


def _seed_function(*wanted: str) -> Callable[[], tuple[Texts, ...]]:
    return lambda: seeds.seeds_of_kinds(wanted)


def _text_seeds() -> tuple[Texts, ...]:
    prose = tuple(one for one in seeds.example_texts() if any(path.endswith((".md", ".txt", "ignore")) for path in one))
    return (*seeds.seeds_of_kinds(("dotenv", "dockerignore")), *prose)


FUZZ_KINDS = {
    one.name: one
    for one in (
        FuzzKind("dockerfile", _seed_function("dockerfile"), _file_maker("Dockerfile", grammars.DOCKERFILE), parsers.DOCKERFILE_PARSERS),
        FuzzKind("compose", _seed_function("compose"), make_compose, parsers.YAML_PARSERS),
        FuzzKind("nginx", _seed_function("nginx"), _file_maker("nginx.conf", grammars.NGINX), parsers.NGINX_PARSERS),
        FuzzKind("kubernetes", _seed_function("k8s"), make_kubernetes, parsers.YAML_PARSERS),
        FuzzKind("ci", _seed_function("github", "gitlab", "dependabot"), make_ci, parsers.CI_PARSERS),
        FuzzKind("settings", lambda: SETTINGS_SEEDS, make_settings, parsers.SETTINGS_PARSERS, through_settings=True),
        FuzzKind("shell", _seed_function("dockerfile", "github", "gitlab"), make_shell, parsers.SHELL_PARSERS),
        FuzzKind("text", _text_seeds, make_text, parsers.TEXT_PARSERS, documents=True),
        FuzzKind("overlays", lambda: OVERLAY_SEEDS, make_overlays, parsers.YAML_PARSERS, renders=True),
        FuzzKind("charts", lambda: CHART_SEEDS, make_chart, parsers.YAML_PARSERS, renders=True),
        FuzzKind("words", _seed_function("github", "nginx", "compose"), make_words, parsers.WORD_PARSERS),
    )
}
