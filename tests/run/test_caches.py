"""No cache of a fixed size falls off a cliff: rules go through a tree one after the other, so one that is a little too small keeps nothing."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from readiness.kinds.delivery.effects import script_effects
from readiness.kinds.joins.steps import first_write_offset
from readiness.kinds.pipeline.scripts import script_calls
from readiness.syntax.image import parse_image
from tests import patterns
from tests.work import work_by_function

ENOUGH = 16_384  # texts of one sort, in a tree that is judged at once
_ONE_STAGE = "of one stage, which each rule asks about its steps one after the other"
# Smaller ones, and why they are enough.
SMALL = {
    "checks/ci/trust.py:_assigned_values_by_variable": "of one script, asked for its variables one after the other",
    "checks/dockerfile/files.py:_first_copy_by_folder": _ONE_STAGE,
    "checks/dockerfile/packages.py:_prunes_dependencies": _ONE_STAGE,
    "checks/dockerfile/packages.py:is_in_run_text": _ONE_STAGE,
    "checks/dockerfile/packages.py:run_text": _ONE_STAGE,
    "checks/dockerfile/reach.py:_paths_copied_from_stage": _ONE_STAGE,
    "checks/dockerfile/tools.py:has_tool": _ONE_STAGE,
    "checks/dockerfile/user.py:_has_login_by_network": "of one file, whose commands are asked one after the other",
    "checks/dockerfile/values.py:_known_variable_names": _ONE_STAGE,
    "checks/nginx/routing.py:_compile_automaton": "machines are large, and one server is asked about 5,000 pairs at most",
    "facts/github.py:available_contexts_and_functions": "keys of GitHub's schema, of which there are some dozens",
    "kinds/places.py:_surroundings": "what lies around the file that is asked about at the moment",
    "loading/render/values.py:_first_yaml_document": "of one chart's values, whose findings come one after the other",
    "loading/render/values.py:_scalars_of_yaml_text": "of one chart's values, whose findings come one after the other",
    "reports/terminal.py:_labelled_lines": "sentences of the rules, which are fewer, and messages that stand once each",
    "model/messages.py:parse_message": "messages of the rules, of which there are fewer",
    "ruleset/message_facts.py": "checks and messages of the rules, of which there are fewer",
    "ruleset/predicates.py:_compile_regex_cached": "expressions of the rules, of which there are fewer",
}


def sized_caches() -> Iterator[tuple[str, int]]:
    """(module:function, entries) of every cache with a size."""
    for name, (tree, _) in patterns.modules().items():
        for node in ast.walk(tree):
            for call in node.decorator_list if isinstance(node, ast.FunctionDef) else [node.value] if isinstance(node, ast.Assign) else []:
                inner = call.func if isinstance(call, ast.Call) and isinstance(call.func, ast.Call) else call
                if isinstance(inner, ast.Call) and ast.unparse(inner.func).endswith("lru_cache"):
                    place = node.name if isinstance(node, ast.FunctionDef) else ast.unparse(node.targets[0])
                    yield f"{name}:{place}", ast.literal_eval(inner.keywords[0].value)


def test_every_cache_holds_a_tree_or_says_why_less_is_enough() -> None:
    small = {place for place, size in sized_caches() if size < ENOUGH}
    assert {place for place in small if place not in SMALL and place.partition(":")[0] not in SMALL} == set()
    assert {reason for reason in SMALL if not any(place.startswith(reason) for place in small)} == set()


@pytest.mark.parametrize("ask", [script_calls, script_effects, first_write_offset, parse_image])
def test_a_second_pass_over_thousands_of_texts_costs_nothing(ask: object) -> None:
    texts = [f"make t{number} && docker push x{number}" for number in range(3000)]

    def passed() -> None:
        for text in texts:
            ask(text)  # type: ignore[operator]

    first, second = work_by_function(passed).total(), work_by_function(passed).total()
    assert second < first / 3
    assert second <= len(texts) + 10
