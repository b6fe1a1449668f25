"""What a shell offers: asked as the scripts of click ask, without a shell."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from readiness import api
from readiness.cli.completion import COMPLETION_VARIABLE, SHELLS, completion_script
from readiness.cli.main import main
from tests.conftest import ROOT

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
    shell = ShellComplete(main, {}, "readiness", COMPLETION_VARIABLE)
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


# -- in the shells themselves ---------------------------------------------------------------------------------------
# How each shell is asked, without a terminal, what it offers for `readiness explain liveness-probe-m` and `check --ignore k8s/,liveness-probe-m`.
ASKING = {
    "bash": """
        compopt() { :; }
        offers() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _readiness_completion readiness; echo "${COMPREPLY[@]}"; }
        offers readiness explain liveness-probe-m
        offers readiness check --ignore k8s/,liveness-probe-m
    """,
    "zsh": """
        compadd() { echo ${(P)@[-1]}; }
        offers() { words=("$@"); CURRENT=$#; _readiness_completion; }
        offers readiness explain liveness-probe-m
        offers readiness check --ignore k8s/,liveness-probe-m
    """,
    "fish": """
        complete --do-complete "readiness explain liveness-probe-m"
        complete --do-complete "readiness check --ignore k8s/,liveness-probe-m"
    """,
}
BEFORE = {"bash": "", "zsh": "compdef() { :; }\n", "fish": ""}


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_reads_the_script_and_asks_by_it(shell: str, tmp_path: Path) -> None:
    shell_path = shutil.which(shell)
    if shell_path is None:
        pytest.skip(f"{shell} is not installed")
    program = tmp_path / "readiness"
    program.write_text(
        f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(ROOT)!r})\nfrom readiness.cli.main import main\nmain(prog_name='readiness')\n"
    )
    program.chmod(0o755)
    script = tmp_path / "script"
    script.write_text(BEFORE[shell] + CliRunner().invoke(main, ["completion", shell]).output + ASKING[shell], encoding="utf-8")
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    done = subprocess.run([shell_path, str(script)], env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.split() == ["k8s/liveness-probe-missing", "k8s/,k8s/liveness-probe-missing"], done.stderr


def test_the_script_starts_nothing_and_other_shells_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "Popen", None)
    assert all(COMPLETION_VARIABLE in completion_script(shell, main) for shell in SHELLS)
    with pytest.raises(ValueError, match="no completion for 'nosh'"):
        completion_script("nosh", main)
    refused = CliRunner().invoke(main, ["completion", "nosh"])
    assert refused.exit_code == 2
    assert "'bash', 'zsh', 'fish'" in refused.output
