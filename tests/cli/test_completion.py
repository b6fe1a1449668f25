"""What a shell offers: asked as the scripts of click ask, without a shell."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from readiness import api
from readiness.cli.main import main

OFFERED = {
    ("explain", "k8s/liveness-probe-m"): {"k8s/liveness-probe-missing"},
    ("explain", "liveness-probe-m"): {"k8s/liveness-probe-missing"},
    ("check --select", "iso"): {"isolation"},
    ("check --select", "ngi"): {"nginx/"},
    ("check --ignore", "k8s/,nginx/alias-t"): {"k8s/,nginx/alias-traversal"},
    ("check --ignore", "A"): {"ALL"},
    ("check --ignore", "liveness-probe-m"): {"k8s/liveness-probe-missing"},
    ("check --profile", "pss-"): {"pss-baseline", "pss-restricted"},
    ("check --checklist", "d"): {"dashflow", "dify"},
    ("rules --kind", "k"): {"k8s"},
    ("rules --profile", "s"): {"strict"},
    ("check --sort", "s"): {"severity"},
    ("explain", "no-such-rule"): set(),
}


def offered(words: str, incomplete: str) -> list[tuple[str, str]]:
    shell = ShellComplete(main, {}, "readiness", "_READINESS_COMPLETE")
    return [(one.type, one.value) for one in shell.get_completions(words.split(), incomplete)]


@pytest.mark.parametrize(("words", "incomplete"), OFFERED)
def test_what_is_offered(words: str, incomplete: str) -> None:
    assert {value for _, value in offered(words, incomplete)} == OFFERED[words, incomplete]


def test_a_checklist_may_be_a_path_as_well() -> None:
    assert offered("checklist", "flow") == [("plain", "flowise"), ("file", "flow")]


def test_all_rules_are_offered_and_nothing_of_the_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".readiness.yaml").write_text("profile: none\nrules: [mine]\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert {value for _, value in offered("explain", "")} == {rule.id for rule in api.catalogue()}


def test_all_profiles_are_offered() -> None:
    names = {value for _, value in offered("check --profile", "")}
    assert {"recommended", "strict", "pss-baseline", "pss-restricted"} <= names
    assert all(api.search_rules(like=None, kind=None, profile=name) for name in names)
