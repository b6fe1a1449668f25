"""The hooks with the real pre-commit: they fire on our files, only on those, and stop a bad commit."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from readiness.syntax.yaml import load_yaml_documents
from tests.conftest import ROOT

HOOKS = load_yaml_documents((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))[0]
OURS = [
    "Dockerfile", "Dockerfile-dev", "api.Dockerfile", "docker/Dockerfile.prod", "Containerfile", "compose.yaml", "deploy/web.yml",
    "nginx.conf", "nginx.conf.template", "conf.d/site.conf", "sites-enabled/default", ".github/workflows/ci.yml", ".gitlab-ci.yml",
]  # fmt: skip
OTHERS = ["README.md", "conf.py", "main.go", "docker.md", "yaml.txt", "nginx.md"]


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: str(hook["id"]))
def test_the_files_that_a_hook_is_for(hook: dict[str, str]) -> None:
    assert [name for name in OURS if not re.search(hook["files"], name)] == []
    assert [name for name in OTHERS if re.search(hook["files"], name)] == []


def test_with_the_real_pre_commit(tmp_path: Path) -> None:
    if not shutil.which("pre-commit"):
        pytest.skip("needs pre-commit on the PATH (the extra readiness[test] brings it)")
    entry = f"{sys.executable} -m readiness check --allow-empty --quiet"
    config = ["repos:", "  - repo: local", "    hooks:"]
    for hook in HOOKS:
        config += [
            f"      - id: {hook['id']}",
            f"        name: {hook['id']}",
            f"        entry: {entry}",
            "        language: system",
        ]
        config += [
            f"        files: '{hook['files']}'",
            f"        types: {list(hook['types'])}",
            "        require_serial: true",
        ]
        if hook.get("pass_filenames") is False:
            config.append("        pass_filenames: false")
    (tmp_path / ".pre-commit-config.yaml").write_text("\n".join(config) + "\n")

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        identity = [
            "-c",
            "user.name=t",
            "-c",
            "user.email=t@example.com",
            "-c",
            "commit.gpgsign=false",
        ]
        command = ["git", *identity, *words] if words[0] != "pre-commit" else list(words)
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    run("init", "-q")
    run("pre-commit", "install")
    (tmp_path / "values.yaml").write_text("a: 1\n")
    run("add", ".")
    assert run("commit", "-m", "nothing of ours").returncode == 0
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: x, labels: {app: x}}\nspec:\n  hostPID: true\n  containers:\n"
    pod += "    - {name: x, image: x, securityContext: {privileged: true}}\n"
    pod += "---\napiVersion: v1\nkind: Service\nmetadata: {name: x}\nspec: {selector: {app: x}, ports: [{port: 80}]}\n"
    (tmp_path / "pod.yaml").write_text(pod)
    run("add", ".")
    stopped = run("commit", "-m", "a privileged pod")
    assert stopped.returncode != 0
    assert "k8s/privileged" in stopped.stdout + stopped.stderr
    (tmp_path / "README.md").write_text("hello\n")
    run("reset", "-q", "pod.yaml")
    run("add", "README.md")
    assert run("commit", "-m", "only words").returncode == 0
