"""No regular expression of the package takes time that outgrows its text."""

from __future__ import annotations

import ast
import dataclasses
import json
import math
import re
from collections.abc import Iterator
from typing import Any

import pytest

from readiness.facts import github, managers
from readiness.facts.table import property_by_fact_name
from readiness.kinds.delivery import effects
from readiness.kinds.delivery import model as delivery
from readiness.kinds.k8s import model
from readiness.ruleset import bindings
from readiness.syntax import backtracking, regex
from readiness.syntax.backtracking import MAX_GROWTH_FACTOR
from readiness.syntax.secrets import shapes
from readiness.syntax.ways import MatchMode, StepCounter
from readiness.verdict.evidence import plans
from tests import patterns
from tests.conftest import catalogue
from tests.patterns import PACKAGE, Found

# What would grow faster than the text if it were tried at every place of it, and is tried at one: why.
_ONCE = "tried once, behind what it belongs to"
_TOKENS = "goes on behind each match; the first failure ends the text"
BOUNDED = {
    "redaction/commands.py _TOKEN": "a command of at most 4,000 characters alone, and behind each match",
    "kinds/readme.py _MARKUP_THAT_IS_NO_PROSE": "the beginning of a README alone",
    "kinds/readme.py _CHANGE_BEFORE_PRODUCTION_WORDS": "the beginning of a README alone",
    "checks/ci/caches.py _MAJOR_VERSION_COMMENT": _ONCE,
    "checks/ci/trust.py _NONEMPTY_COMMENT": _ONCE,
    "triage/suppress.py _COMMENT_OR_BLANK_LINE": _TOKENS,
    "kinds/head.py _HEAD_COMMENT": "the first 4,000 characters of a file alone",
    "kinds/head.py _SENTENCE_END": "the first 4,000 characters of a file alone",
    "checks/k8s/names.py DNS_SUBDOMAIN_PATTERN": "its lookahead lets no text over 253 characters in",
    "syntax/expression.py _TOKEN_REGEX": _TOKENS,
    "syntax/nginx_heads.py _NGINX_TOKEN_PATTERN": _TOKENS,
    "syntax/outline.py _TEXT_BEFORE_ROOT": "tried where a document begins, and ends with it at the latest",
    "syntax/outline.py _FLOW_TOKEN": _TOKENS,
    "syntax/words.py _JSON_STRING": _TOKENS,
}
_OF_A_HEAD = "a table in the module, over a sentence of the first 4,000 characters"
# What functions make expressions of, where it is no constant: none of it is taken from what is judged.
PUT_TOGETHER = {
    ("kinds/k8s/__init__.py", "api_name_pattern"): "the names are escaped",
    ("kinds/compose/schema.py", "pattern"): "the schema of compose files, below",
    ("kinds/compose/schema.py", "form"): "the schema of compose files, below",
    ("checks/ci/worktree.py", "row['command']"): "facts on commands, below",
    ("checks/dockerfile/tools.py", "f'(?<![\\\\w.-]){re.escape(program)}(?![\\\\w.-])'"): "the name is escaped",
    ("checks/k8s/cluster.py", "image"): "a Pattern: judged with the rule that gives it",
    ("checks/k8s/ingress.py", 'pattern'): "Patterns: judged with the rule that gives them",
    ("checks/k8s/names.py", "pattern"): "a Pattern: judged with the rule that gives it",
    ("checks/nginx/paths.py", "_MARK_BEFORE_PATH + '(?:' + '|'.join(map(re.escape, folders_above)) + ')' + _END_OF_PATH"): "the paths are escaped",
    ("checks/nginx/paths.py", "f'{re.escape(folder_above)}(?!/{re.escape(folder_name)}(?![\\\\w.-]))(?![\\\\w.-])'"): "the paths are escaped",
    ("checks/project/edge.py", "f'(?<!\\\\d){target_port}(?!\\\\d)'"): "the port is digits",
    ("checks/project/edge.py", "f'(?<!\\\\d){one}(?!\\\\d)'"): "the port is digits",
    ("settings/pyproject.py", 'f"""(?<![\\\\w\\\\"\'-])({name})[ \\\\t]*=[ \\\\t]*|^[ \\\\t]*\\\\[\\\\[?[^\\\\]\\\\n]*\\\\.({name})\\\\]"""'): "the key is escaped",  # noqa: E501
    ("verdict/evidence/plans.py", 'path_pattern'): "a table, below",
    ("checks/dockerfile/toolchain.py", 'compile_pattern'): "facts on images, below",
    ("facts/actions.py", "re.escape(name).replace('\\\\*', '[^/]+')"): "names of actions, whose star takes one part of a path",
    ("facts/github.py", "'|'.join(context_name_patterns)"): "names of contexts, below",
    ("facts/managers.py", 'manager_row[column_name]'): "facts on managers, below",
    ("facts/releases.py", 'release_pattern'): "facts on images, below",
    ("kinds/delivery/effects.py", '\'|\'.join((f"(?:{one.replace(\'<options>\', _OPTIONS_BETWEEN_WORDS)})" for one in patterns))'): "facts on commands, below",  # noqa: E501
    ("kinds/delivery/effects.py", "f\"(?:^|[^a-z])(?:{'|'.join(row['tasks'])})(?:[^a-z]|\\\\Z)\""): "facts on commands, below",
    ("kinds/delivery/model.py", 'f"(?:^|[^a-z])(?:{\'|\'.join(map(re.escape, words_by_kind[kind]))})(?:[^a-z]|\\\\Z)"'): "facts on purposes, below",
    ("kinds/k8s/model.py", "f'(?:\\\\A|[/._-])(?:{development_word_pattern})(?=[/._-]|\\\\Z)'"): "facts on purposes, below",
    ("kinds/head.py", "f'\\\\bfor {purpose_pattern}(?: purposes)? only\\\\b|\\\\bonly for {purpose_pattern}\\\\b'"): _OF_A_HEAD,
    ("kinds/head.py", "f'{_SENTENCE_LEAD_PATTERN}(?:\\\\S+ ){{0,3}}{_SUBJECT_NOUN_PATTERN} (?:\\\\S+ ){{0,4}}for (?:\\\\w+ )?{purpose_pattern}\\\\b'"): _OF_A_HEAD,  # noqa: E501
    ("kinds/head.py", "f'{_SENTENCE_LEAD_PATTERN}(?:\\\\S+ ){{0,3}}{_SUBJECT_NOUN_PATTERN} (?:\\\\S+ ){{0,4}}(?:with|for) (?:the )?purposes? of (?:\\\\w+ ){{0,2}}{purpose_pattern}\\\\b'"): _OF_A_HEAD,  # noqa: E501
    ("kinds/head.py", "f'{_SENTENCE_LEAD_PATTERN}(?:\\\\S+ ){{0,3}}{_SUBJECT_NOUN_PATTERN} for (?:\\\\S+ ){{0,4}}{_SORT_OF_TESTS_PATTERN} {purpose_pattern}\\\\W*\\\\Z'"): _OF_A_HEAD,  # noqa: E501
    ("kinds/head.py", "f'{_SENTENCE_LEAD_PATTERN}(?:an? )?(?:\\\\S+ ){{0,5}}{_SUBJECT_NOUN_PATTERN} (?:that is |which is |is )?(?:only )?used for (?:manual )?{purpose_pattern}\\\\b'"): _OF_A_HEAD,  # noqa: E501
    ("kinds/head.py", "f'{_SENTENCE_LEAD_PATTERN}(?:an? |simple |minimal |local ){{0,3}}{purpose_pattern} {_SUBJECT_NOUN_PATTERN}\\\\b'"): _OF_A_HEAD,
    ("kinds/head.py", "f'{_SENTENCE_LEAD_PATTERN}(?:only |just |purely |solely )?(?:meant |intended )?for {purpose_pattern}\\\\b'"): _OF_A_HEAD,
    ("kinds/head.py", "f'{_SENTENCE_LEAD_PATTERN}(?:\\\\S+ ){{0,3}}{_SUBJECT_NOUN_PATTERN} (?:\\\\S+ ){{0,12}}for (?:manual|local|exploratory) {purpose_pattern}\\\\b'"): _OF_A_HEAD,  # noqa: E501
    ("model/lazy_regex.py", "self.pattern"): "the constants of modules, each judged where it stands",
    ("loading/program_input.py", '_MARK + re.escape(folder_path) + _MARK'): "the directory is escaped",
    ("loading/archived.py", "f'{file_of_folder_pattern}|{whole_folder_pattern}'"): "the name is escaped, and followed by one class",
    ("loading/unapplied.py", "f'\\\\bapply\\\\b[^\\\\n]{{0,200}}{re.escape(file_name)}\\\\b'"): "the name is escaped",
    ("loading/render/overlay/selector.py", "f'(?:{pattern})'"): "its stars, its length and that of the name are bounded",
    ("model/finding.py", "f'(?<![\\\\w/-]){re.escape(resource_text)}(?![\\\\w-])'"): "the word is escaped",
    ("ruleset/predicates.py", "re.compile"): "`matches`: judged with the rule that gives it",
    ("syntax/glob.py", "fnmatch.translate(pattern)"): "each piece between two stars is tried once",
    ("syntax/secrets/shapes.py", "re.compile"): "a table, below",
}  # fmt: skip


def data() -> Iterator[Found]:
    """The expressions of tables: some are compiled when they are first used, some by jsonschema."""
    yield Found("command-effects starts", effects._server_start_pattern().pattern, 0, patterns.HERE)
    for row in effects._command_effect_patterns():
        yield Found(f"command-effects {row.kind}", row.pattern.pattern, 0, patterns.HERE)
    for name, pattern in effects._task_name_patterns():
        yield Found(f"command-effects {name}", pattern.pattern, 0, MatchMode())
    for manager in managers.package_managers():
        for pattern in (getattr(manager, field.name) for field in dataclasses.fields(manager)):
            if isinstance(pattern, re.Pattern):
                yield Found(f"managers {manager.name}", pattern.pattern, 0, MatchMode())
    for name in ("compiles", "release-in"):
        for image, made in property_by_fact_name("images", name).items():
            yield Found(f"images {image} {name}", made, 0, MatchMode())
    yield Found("purpose-words namespace", model._development_name_pattern().pattern, 0, MatchMode())
    for kind, pattern in delivery._environment_patterns():
        yield Found(f"purpose-words {kind}", pattern.pattern, 0, MatchMode())
    contexts = map(github._context_pattern_of_property, ("fixed", "plain"))
    forms = (form for one in contexts for form in one.pattern.split("|"))
    yield from (Found(f"github-contexts {form}", form, 0, patterns.HERE) for form in forms)
    for name, _, shape in shapes._CREDENTIAL_SHAPES:
        yield Found(f"secrets {name}", shape, 0, patterns.AGAIN)
    for thing, command in property_by_fact_name("working-tree-commands", "command").items():
        yield Found(f"working-tree-commands {thing}", command, 0, patterns.HERE)
    for name, plan in plans._FACTS_AND_PATH_PATTERNS:
        yield Found(f"plans {name}", plan, 0, MatchMode())
    for path in sorted((PACKAGE / "data").glob("*.json")):
        for number, pattern in enumerate(_schema_patterns(json.loads(path.read_text("utf-8")))):
            yield Found(f"{path.name} {number}", pattern, 0, MatchMode())


def _schema_patterns(node: Any) -> Iterator[str]:
    """The expressions of a JSON schema."""
    if isinstance(node, dict):
        if isinstance(node.get("pattern"), str):
            yield node["pattern"]
        if isinstance(node.get("patternProperties"), dict):
            yield from node["patternProperties"]
        for inner in node.values():
            yield from _schema_patterns(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from _schema_patterns(inner)


ALL = [*patterns.compiled(), *patterns.written(), *data()]


def degree(found: Found) -> float:
    """The power of the text's length that an expression can take; over 1 too where its bounds multiply to too much."""
    grown = backtracking.backtracking_time_growth(regex.parse_python_regex(found.pattern, found.flags), found.use, StepCounter(10**7))
    return 1.5 if grown.degree == 1 and grown.factor > MAX_GROWTH_FACTOR else grown.degree


@pytest.mark.parametrize("found", [pytest.param(one, id=one.where) for one in ALL])
def test_the_time_for_an_expression_grows_with_the_text_and_no_faster(found: Found) -> None:
    assert (degree(found) > 1) is (found.where in BOUNDED), found.pattern


def test_what_is_excused_is_there_and_has_a_reason() -> None:
    assert set(BOUNDED) <= {one.where for one in ALL}
    assert all(reason for reason in BOUNDED.values())


def test_nobody_asks_a_match_for_its_expression() -> None:
    """It is the compiled one, and never the constant of a module."""
    asking = [
        name for name, (tree, _) in patterns.modules().items() for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == "re"
    ]
    assert asking == []


def test_what_is_put_together_is_known() -> None:
    assert set(patterns.put_together()) == set(PUT_TOGETHER)


def test_there_is_no_other_way_to_an_expression() -> None:
    """All come by `re.name`: a name imported from `re` would be seen by nobody."""
    for name, (tree, _) in patterns.modules().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                assert node.module not in {"re", "sre_compile", "fnmatch"} or name == "syntax/glob.py", name
            if isinstance(node, ast.Import):
                assert all(one.asname is None for one in node.names if one.name == "re"), name


def test_the_sweep_sees_what_there_is() -> None:
    names = {one.where.split("[")[0] for one in ALL}
    assert {"checks/ci/pins.py _VERSION_REF_PATTERN", "redaction/text.py _QUOTED_ASSIGNMENT", "syntax/nginx.py _NGINX_TOKEN_PATTERN"} <= names
    assert len(ALL) > 500


RULES = [
    pytest.param(bound, pattern, id=f"{bound.rule.id}-{pattern}")
    for bound in catalogue()
    for pattern in (
        *(one for clause in (*bound.clauses, *bound.proof_clauses) for one in clause.regexes),
        *((one for _, one in bindings.parameters_and_regexes(bound.check_name, bound.arguments)) if bound.check_name else ()),
    )
]


@pytest.mark.parametrize(("bound", "pattern"), RULES)
def test_expressions_of_rule_files_are_what_custom_rules_may_have(bound: object, pattern: str) -> None:
    assert backtracking.slow_regex_reason(pattern, StepCounter(10**6)) == ""


def test_the_kind_that_never_ended() -> None:
    """A tag of forty pairs of digits and dashes, and a mark that is none of either."""
    from readiness.checks.ci.pins import _VERSION_REF_PATTERN

    assert backtracking.backtracking_time_growth(regex.parse_python_regex(_VERSION_REF_PATTERN.pattern, re.IGNORECASE), patterns.HERE).degree == 1
    assert _VERSION_REF_PATTERN.match("0-" * 5000 + "!") is None
    for tag in (
        "v4",
        "4.1.2",
        "v4-beta.1",
        "release-2024_01_02",
        "codeql-bundle-v2.1",
        "pkg@1.2.3",
        "a/v1",
        "2.0.0+b_1",
    ):
        assert _VERSION_REF_PATTERN.match(tag), tag
    for ref in ("main", "feature/x", "v", "1.2_", "latest", "v1..", "1__2"):
        assert (_VERSION_REF_PATTERN.match(ref) is not None) is (ref == "v1.."), ref
    old = r"(?:[a-z][a-z0-9-]*[-/@])?v?[0-9]+(?:[._-][0-9A-Za-z.+-]+)*\Z"
    assert backtracking.backtracking_time_growth(regex.parse_python_regex(old, re.IGNORECASE), patterns.HERE).degree == math.inf
