"""The hooks with the real pre-commit: they fire on our files, only on those, and stop a bad commit."""

from __future__ import annotations

import os
import pty
import re
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from readiness import kinds
from readiness.loading.discover import discover_files
from readiness.loading.tracked import tracked_files
from readiness.programs import git
from readiness.syntax.yaml import load_yaml_documents
from tests import make_hooks
from tests.conftest import ROOT
from tests.make import write_files

HOOKS = load_yaml_documents((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))[0]
OURS = [
    "Dockerfile", "Dockerfile-dev", "api.Dockerfile", "docker/Dockerfile.prod", "Containerfile", "Dockerfile.j2", "compose.yaml", "deploy/web.yml",
    "nginx.conf", "nginx.conf.template", "conf.d/site.conf", "sites-enabled/default", "templates/default.conf.template", ".github/workflows/ci.yml",
    ".github/dependabot.yml", ".gitlab-ci.yml", ".env", "env/prod.env", ".env.production", ".dockerignore", "api.Dockerfile.dockerignore",
    "deploy/pod.json", "chart/templates/_helpers.tpl", "chart/values-prod.yaml", "chart/Chart.yaml", "base/kustomization.yaml", "base/Kustomization",
    "deploy.yaml.j2", "chart/templates/web.yaml.gotmpl", ".readiness.yaml",
]  # fmt: skip
OTHERS = ["README.md", "conf.py", "main.go", "docker.md", "yaml.txt", "nginx.md", "environment.py", "template", "config.toml"]


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: str(hook["id"]))
def test_the_files_that_a_hook_is_for(hook: dict[str, str]) -> None:
    examples = [kinds.kind_module(kind).EXAMPLE_PATH for kind in kinds.KINDS_BY_PRECEDENCE]
    assert [name for name in [*OURS, *examples] if not re.search(hook["files"], name)] == []
    assert [name for name in OTHERS if re.search(hook["files"], name)] == []


def test_the_hooks_are_written_from_the_kinds() -> None:
    assert (ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8") == make_hooks.hooks_text(), "run python -m tests.make_hooks"


def test_what_is_judged_in_the_fixtures_fires_the_hooks() -> None:
    sources = discover_files([ROOT / "fixtures"], working_directory=ROOT).sources
    judged = [one.path for one in sources if kinds.detect_kind(one.path, one.text)]
    assert len(judged) > 50
    assert [path for path in judged if not re.search(HOOKS[0]["files"], path)] == []


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with both hooks, of which only `readiness` runs unasked, and with old findings in files that no commit touches."""
    root = tmp_path_factory.mktemp("repository")
    config = ["repos:", "  - repo: local", "    hooks:"]
    for hook in HOOKS:
        config += [
            f"      - id: {hook['id']}",
            f"        name: {hook['id']}",
            f"        entry: {sys.executable} -m {hook['entry']}",
            "        language: system",
            f"        files: '{hook['files']}'",
            f"        types: {list(hook['types'])}",
            "        require_serial: true",
            *(["        pass_filenames: false", "        stages: [manual]"] if hook.get("pass_filenames") is False else []),
        ]
    write_files(root, {".pre-commit-config.yaml": "\n".join(config) + "\n", "old.yaml": POD.replace("name: x", "name: old"), "values.yaml": "a: 1\n"})
    run(root, "git", "init", "-q")
    run(root, "git", "add", ".")
    run(root, "git", "commit", "-q", "-m", "what stood before")
    if shutil.which("pre-commit"):
        run(root, "pre-commit", "install")
    return root


POD = """\
apiVersion: v1
kind: Pod
metadata: {name: x, labels: {app: x}}
spec:
  hostPID: true
  containers:
    - {name: x, image: x, securityContext: {privileged: true}}
---
apiVersion: v1
kind: Service
metadata: {name: x}
spec: {selector: {app: x}, ports: [{port: 80}]}
"""
GOOD = "FROM scratch\n"


def run(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
    command = ["git", *identity, *words[1:]] if words[0] == "git" else list(words)
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)


@pytest.fixture
def hooked(repository: Path) -> Path:
    """The repository as it was first, with nothing staged."""
    if not shutil.which("pre-commit"):
        pytest.skip("needs pre-commit on the PATH (the extra readiness[test] brings it)")
    run(repository, "git", "reset", "-q", "--hard")
    run(repository, "git", "clean", "-q", "-d", "-f")
    return repository


def staged(root: Path, *hook: str) -> subprocess.CompletedProcess[str]:
    """What pre-commit says of what is staged, as a commit asks it."""
    return run(root, "pre-commit", "run", *hook)


def test_a_commit_is_stopped_by_what_it_brings(hooked: Path) -> None:
    write_files(hooked, {"pod.yaml": POD})
    run(hooked, "git", "add", ".")
    stopped = run(hooked, "git", "commit", "-m", "a privileged pod")
    assert stopped.returncode != 0
    assert "pod.yaml:7:" in stopped.stdout + stopped.stderr
    assert "k8s/privileged" in stopped.stdout + stopped.stderr
    assert "old.yaml" not in stopped.stdout + stopped.stderr


def test_old_findings_and_untracked_files_stop_no_commit(hooked: Path) -> None:
    write_files(hooked, {"scratch.yaml": POD, "Dockerfile": GOOD, "kustomization.yaml": "resources: [old.yaml]\n"})
    run(hooked, "git", "add", "Dockerfile", "kustomization.yaml")
    assert staged(hooked).returncode == 0
    whole = staged(hooked, "--hook-stage", "manual", "readiness-all")
    assert whole.returncode != 0, "the whole project has old findings"
    assert "old.yaml" in whole.stdout
    assert "scratch.yaml" not in whole.stdout


def test_what_is_staged_counts_and_not_what_lies_there(hooked: Path) -> None:
    write_files(hooked, {"pod.yaml": POD})
    run(hooked, "git", "add", "pod.yaml")
    write_files(hooked, {"pod.yaml": "apiVersion: v1\n"})
    assert "k8s/privileged" in staged(hooked).stdout, "mended, and not staged"
    write_files(hooked, {"pod.yaml": "# nothing yet\n"})
    run(hooked, "git", "add", "pod.yaml")
    write_files(hooked, {"pod.yaml": POD})
    assert staged(hooked).returncode == 0, "bad, and not staged"


def test_a_password_in_an_environment_file_runs_the_hook(hooked: Path) -> None:
    """What compose files around it do with it is known from the context."""
    compose = "services:\n  api:\n    image: example/api:1.0.0\n    env_file: .env\n    restart: always\n"
    write_files(hooked, {"compose.yaml": compose, ".env": "STRIPE_KEY=sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc\n"})
    run(hooked, "git", "add", ".env")
    result = staged(hooked)
    assert "no files to check" not in result.stdout


def at_a_terminal(folder: Path, answer: str, *words: str) -> str:
    """What a command says at a terminal where somebody answers all it asks with one word."""
    controller, terminal = pty.openpty()
    try:
        process = subprocess.Popen([sys.executable, "-m", "readiness", *words], cwd=folder, stdin=terminal, stdout=terminal, stderr=terminal)
        os.close(terminal)
        os.write(controller, f"{answer}\n".encode())
        said = b""
        while True:
            try:
                said += os.read(controller, 4096)
            except OSError:  # the other side is closed
                break
        assert process.wait(60) == 0, said
    finally:
        os.close(controller)
    return said.decode()


@pytest.mark.parametrize(("answer", "has_baseline"), [("y", True), ("n", False)])
def test_init_offers_a_baseline_with_the_hook(tmp_path: Path, answer: str, has_baseline: bool) -> None:
    write_files(tmp_path, {"old.yaml": POD})
    said = at_a_terminal(tmp_path, answer, "init", "--hook")
    assert "Write a baseline" in said
    assert said.count("?") == 1, "what was not asked for is not offered"
    assert (tmp_path / ".readiness-baseline.json").is_file() is has_baseline
    passes = run(tmp_path, sys.executable, "-m", "readiness", "check", "--no-cache", "old.yaml").returncode == 0
    assert passes is has_baseline
    assert ("readiness init --baseline" in said) is not has_baseline


def processor_seconds(root: Path, *words: str) -> float:
    """The processor time of one run of the tool and of what it starts."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert run(root, sys.executable, "-m", "readiness", *words).returncode in {0, 1}
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_a_hook_takes_less_than_half_as_long_again_as_a_plain_run(repository: Path) -> None:
    """The smallest project is the worst case: asking git costs the same in each. The runs take turns, and the least of each is compared."""
    run(repository, "git", "reset", "-q", "--hard")
    write_files(repository, {"Dockerfile": GOOD})
    run(repository, "git", "add", "Dockerfile")
    plain = ["check", "--allow-empty", "--quiet", "--no-cache", "Dockerfile"]
    pairs = [(processor_seconds(repository, *plain), processor_seconds(repository, *plain, "--for-commit")) for _ in range(5)]
    plain_seconds, hook_seconds = map(min, zip(*pairs, strict=True))
    assert hook_seconds < 1.5 * plain_seconds


def test_what_is_tracked_is_told_from_the_working_directory(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one question to git, wherever in the repository that is asked."""
    asked: list[tuple[str, ...]] = []
    ask = git.run_git
    monkeypatch.setattr(git, "run_git", lambda *words, **more: asked.append(words) or ask(*words, **more))
    run(repository, "git", "reset", "-q", "--hard")
    write_files(repository, {"a/b/[x].yaml": GOOD, "a/c.yaml": GOOD, "scratch.yaml": GOOD})
    run(repository, "git", "add", "a")
    monkeypatch.chdir(repository / "a" / "b")
    found = tracked_files()
    assert {"[x].yaml", "../c.yaml", "../../old.yaml"} <= found.paths
    assert "../../scratch.yaml" not in found.paths
    assert {".", "..", "../.."} <= found.folders
    assert len(asked) == 1
    monkeypatch.chdir(repository / ".git")
    with pytest.raises(git.GitError):
        tracked_files()
