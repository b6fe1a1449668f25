"""Every parser of the package as a function of a text; each lets through no error but those that it documents."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from readiness import kinds
from readiness.kinds import dockerignore
from readiness.model import ParseError, Source
from readiness.ruleset import examples
from readiness.syntax import (
    backtracking,
    certificates,
    constant,
    cron_github,
    cron_k8s,
    dockerfile,
    dotenv,
    expression,
    gitignore,
    glob,
    holes,
    image,
    interpolation,
    markdown,
    nginx,
    open_ports,
    outline,
    pcre,
    secrets,
    shell,
    template,
    words,
    yaml,
    yaml_whole,
)  # fmt: skip
from readiness.syntax.glob import WorkBudget
from readiness.syntax.ways import StepCounter
from readiness.triage import suppress

Parser = Callable[[str], object]


def lets_through(*documented: type[Exception]) -> Callable[[Parser], Parser]:
    """A parser that answers its documented errors with None."""

    def decorate(parser: Parser) -> Parser:
        def parse(text: str) -> object:
            with contextlib.suppress(*documented):
                return parser(text)
            return None

        return parse

    return decorate


def of_kind(kind: str) -> Parser:
    """The parser of a kind of file, and all that is found in its document."""

    @lets_through(ParseError)
    def parse(text: str) -> None:
        source = Source(str(kinds.kind_module(kind).EXAMPLE_PATH), text, kind=kind)
        try:
            document = kinds.parse_source(source)
        except ParseError as error:
            if not 0 <= error.offset <= len(text):
                raise AssertionError(f"ParseError at {error.offset} of {len(text)}") from None
            raise
        for subject_finder in kinds.subject_finder_by_target(kind).values():
            for subject in subject_finder(document):
                start, end = subject.node.at()
                if subject.source is source and not 0 <= start <= end <= len(text):
                    raise AssertionError(f"a subject of {kind} at {start} to {end} of {len(text)}")
        list(kinds.embedded_sources(kind, document))
        kinds.first_unfilled_placeholder_offset(kind, document)

    return parse


def _gitignore(text: str) -> None:
    patterns = gitignore.IgnorePatterns(text.splitlines()[:2000])
    budget = WorkBudget(1_000_000)
    with contextlib.suppress(gitignore.BudgetSpentError):
        for path in ("a", "a/b/.env", "a/b/", "aaaaaaaaaaaaaaaaaaaaaaaa/Dockerfile", "é/b c/[d]"):
            patterns.is_ignored(path, budget)


@lets_through(ParseError)
def _dockerignore(text: str) -> None:
    document: Any = dockerignore.parse(Source(".dockerignore", text, kind="dockerignore"))
    del document


@lets_through(expression.ExpressionError)
def _expression(text: str) -> None:
    for braced in expression.braced_expressions(text):
        with contextlib.suppress(expression.ExpressionError):
            expression.parse_expression(braced.inner_text)
    node = expression.parse_expression(text)
    constant.evaluate_constant(node)
    list(expression.walk_expression_tree(node))
    list(expression.longest_context_accesses(node))


def _words_of_instruction(text: str) -> None:
    list(words.variable_references(text))
    words.expand_word(text, lambda name: "b" if name == "A" else "")
    words.remove_quotes(text)


def _regex(text: str) -> None:
    parsed = pcre.try_parse_regex(text)
    if parsed is not None:
        with contextlib.suppress(pcre.UnsupportedError):
            backtracking.is_exponential_in_pcre(parsed)
    with contextlib.suppress(pcre.UnsupportedError):
        backtracking.slow_regex_reason(text, StepCounter(2_000))  # the rules themselves have a larger budget, which is spent all the same


def _markdown(text: str) -> None:
    source = Source("a.md", text)
    for block in markdown.fenced_blocks(text, source.line_offsets):
        del block


def _comments(text: str) -> None:
    for path, kind in (("Dockerfile", "dockerfile"), ("a.yaml", "k8s"), ("nginx.conf", "nginx")):
        list(suppress.comment_directives(Source(path, text, kind=kind)))


@lets_through(ParseError)
def _yaml(text: str) -> None:
    for root in yaml.load_yaml_documents(text):
        list(yaml.walk_containers(root))


ANY_TEXT: dict[str, Parser] = {
    "template marks": lambda text: list(template.find_template_marks(text)),
    "outline": outline.top_level_keys,
    "holes": holes.has_placeholder,
    "secrets": lambda text: list(secrets.possible_secret_spans(text)),
    "comments": _comments,
    "kind": lambda text: [kinds.detect_kind(path, text) for path in ("Dockerfile", "a", "a.yaml", "compose.yml", ".github/workflows/a.yml",
    "a.conf", ".env", "x/action.yml", ".gitlab-ci.yml")],
    "kind of what a template makes": lambda text: [kinds.kind_rendered_from_template(path, text) for path in ("Dockerfile.j2", "a.yaml.tpl",
    "nginx.conf.erb")],
    "certificates": certificates.parse_first_pem_certificate,
}  # fmt: skip
DOCKERFILE_PARSERS = {
    **ANY_TEXT,
    "dockerfile": of_kind("dockerfile"),
    "template": lets_through(ParseError)(lambda text: dockerfile.parse_dockerfile(text, is_template=True)),
}
NGINX_PARSERS = {
    **ANY_TEXT,
    "nginx": of_kind("nginx"),
    "syntax": lets_through(ParseError)(lambda text: list(nginx.walk_directives(nginx.parse_nginx(Source("a", text))))),
}
YAML_PARSERS = {
    **ANY_TEXT, "yaml": _yaml, "whole yaml": lets_through(yaml_whole.UnresolvedYamlError)(yaml_whole.load_unresolved),
    "separators": yaml.blank_out_separator_comments,
    "compose": of_kind("compose"), "k8s": of_kind("k8s"),
}  # fmt: skip
CI_PARSERS = {**ANY_TEXT, "yaml": _yaml, "github": of_kind("github"), "gitlab": of_kind("gitlab"), "dependabot": of_kind("dependabot")}
SHELL_PARSERS = {
    **ANY_TEXT,
    "shell": shell.parse_commands,
    "open ports": lambda text: list(open_ports.debugger_and_jmx_ports(text)),
    "words": _words_of_instruction,
}
TEXT_PARSERS = {
    **ANY_TEXT, "dotenv": dotenv.parse_dotenv, "raw dotenv": dotenv.parse_raw_env_file,
    "resolved dotenv": lambda text: dotenv.resolve_entries(dotenv.parse_dotenv(text).entries), "gitignore": _gitignore,
    "dockerignore": _dockerignore, "markdown": _markdown, "kind dotenv": of_kind("dotenv"),
}  # fmt: skip
WORD_PARSERS = {
    **ANY_TEXT, "image": image.parse_image, "masked image": image.mask_variables, "expression": _expression, "words": _words_of_instruction,
    "regex": _regex,
    "interpolation": lets_through(interpolation.InterpolationError)(lambda text: interpolation.interpolate_variables(text, {"A": "b", "B": "${A}"})),
    "cron of GitHub": lets_through(cron_github.CronError)(cron_github.shortest_interval_minutes), "cron of Kubernetes": cron_k8s.schedule_mistake,
    "glob": lambda text: [glob.glob_matches(text, name) for name in ("a", "a/b/c.env", "a" * 60)],
    "scalar": yaml.parse_plain_scalar,
}  # fmt: skip
SETTINGS_PARSERS = {**ANY_TEXT, "yaml": _yaml, "examples": lambda text: examples.strip_caret_lines("a", text), "regex": _regex}
