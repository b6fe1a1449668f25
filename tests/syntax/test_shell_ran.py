"""Scripts of all constructs, and the commands that bash 5.2 ran for each (recorded once, with stubs for the programs)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from readiness.facts.wrappers import command_and_wrapped_commands
from readiness.syntax import shell

LINES = Path(__file__).with_name("shell_ran.jsonl").read_text(encoding="utf-8").splitlines()
FACTS = [json.loads(line) for line in LINES]
STUBS = {"c0", "c1", "c2", "c3", "sudo", "env", "timeout", "nice"}


@pytest.mark.parametrize("fact", FACTS, ids=[str(number) for number in range(len(FACTS))])
def test_the_commands_are_those_that_run(fact: dict[str, list[list[str]]]) -> None:
    found = [
        [layer.program, *layer.unquoted_words]
        for command in shell.parse_commands(str(fact["script"]))
        for layer in command_and_wrapped_commands(command)
        if layer.program in STUBS
    ]
    assert sorted(found) == fact["ran"]
