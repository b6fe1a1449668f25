"""`readiness waive`: what is written where, that all else stays as it was, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from readiness.cli.main import main
from readiness.settings import load_config
from readiness.settings.waiver_text import text_with_waiver
from readiness.syntax.yaml import load_yaml_documents

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: x, labels: {app: x}}
spec:
  hostPID: true
  containers:
    - {name: x, image: 'x:1.0.0'}
"""
SETTINGS = ".readiness.yaml"
WAIVER = ["waive", "k8s/host-pid", "deploy/pod.yaml", "--reason", 'reads the node\'s processes: "all" # of them']
FIELDS = {"rule": "k8s/host-pid", "path": "deploy/*", "reason": "a: b # c", "until": "2099-01-01"}
LIST = "waivers:\n  - rule: k8s/pod-bare\n    reason: one of its kind\n"
TEXTS = {
    "nothing": "",
    "comments alone": "# settings\n",
    "other settings": "# settings\nprofile: strict   # all of it\n",
    "no line end": "profile: strict",
    "line ends of Windows": "profile: strict\r\nignore: [k8s/pod-bare]\r\n",
    "a list at the end": f"profile: strict\n{LIST}",
    "a list in between": f"{LIST}\n# what fails\nfail-on: high\n",
    "comments in it": "waivers:\n  # first\n  - rule: k8s/pod-bare  # bare\n    reason: one of its kind\n    # behind\n\n# gate\nfail-on: high\n",
    "a list at the margin": "waivers:\n- rule: k8s/pod-bare\n  reason: one of its kind\nfail-on: high\n",
    "a text of several lines": "waivers:\n  - rule: k8s/pod-bare\n    reason: >\n      one of\n\n      its kind\nfail-on: high\n",
    "an empty list": "waivers: []  # none yet\nfail-on: high\n",
    "an empty list at the end": "fail-on: high\nwaivers: []",
    "an entry in braces": "waivers:\n  - {rule: k8s/pod-bare, reason: one of its kind}\nfail-on: high\n",
}


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "deploy").mkdir()
    (tmp_path / "deploy/pod.yaml").write_text(POD)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def run(*words: str) -> Result:
    return CliRunner().invoke(main, list(words), catch_exceptions=False)


@pytest.mark.parametrize("name", TEXTS)
def test_all_that_stands_there_stays(name: str) -> None:
    text = TEXTS[name]
    written = text_with_waiver(SETTINGS, text, FIELDS)
    (before, after) = ((load_yaml_documents(one) or [{}])[0] or {} for one in (text, written))
    assert after == {**before, "waivers": [*before.get("waivers", []), FIELDS]}
    kept = [line.strip().replace(" []", "").replace("  #", " #") for line in text.splitlines()]
    lines = [line.strip().replace("  #", " #") for line in written.splitlines()]
    assert [line for line in kept if line not in lines] == []
    assert ("\r\n" in written) == ("\r\n" in text)
    assert "\n" not in written.replace("\r\n", "") or "\r\n" not in text
    assert text_with_waiver(SETTINGS, written, FIELDS | {"rule": "k8s/pod-bare"}).startswith(
        written.rstrip("\r\n").partition("rule: k8s/host-pid")[0]
    )


@pytest.mark.parametrize(
    "text",
    [
        "waivers: [{rule: k8s/pod-bare, reason: one of its kind}]\n",
        "{profile: strict}\n",
        "profile: strict\n---\nprofile: recommended\n",
        "profile: strict\n...\n",
        "waivers: &a\n  - rule: k8s/pod-bare\n    reason: |\n      one\nx: *a\n  # end",
        "- a\n",
    ],
)
def test_a_text_that_no_line_can_be_put_into_is_refused(text: str) -> None:
    from readiness.settings import ConfigError

    with pytest.raises(ConfigError, match=r"\.readiness\.yaml:\d+:\d+: "):
        text_with_waiver(SETTINGS, text, FIELDS)


def test_the_nearest_settings_are_written_and_the_finding_is_waived(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path(SETTINGS).write_text("# ours\nprofile: recommended\n")
    monkeypatch.chdir(tmp_path / "deploy")
    result = run("waive", "k8s/host-pid", "pod.yaml", *WAIVER[3:], "--until", "2099-12-31", "--owner", "platform", "--resource", "Pod/x")
    assert result.exit_code == 0, result.stderr
    assert result.stdout == "../.readiness.yaml:4: 1 finding of k8s/host-pid waived until 2099-12-31\n"
    monkeypatch.chdir(tmp_path)
    (waiver,) = load_config(Path(SETTINGS)).waivers
    assert (waiver.rule, waiver.path, waiver.resource, waiver.owner, waiver.until) == (
        "k8s/host-pid",
        "deploy/pod.yaml",
        "Pod/x",
        "platform",
        "2099-12-31",
    )
    assert waiver.reason == WAIVER[-1]
    assert Path(SETTINGS).read_text().startswith("# ours\nprofile: recommended\n")
    assert "k8s/host-pid" not in run("check", "--select", "k8s/host-pid", "--fail-on", "info").stdout.split("gate")[0]


def test_without_settings_a_file_is_made_and_a_directory_is_a_glob() -> None:
    assert run("waive", "k8s/host-pid", "deploy", "--reason", "node agent").exit_code == 0
    assert Path(SETTINGS).read_text() == 'waivers:\n  - rule: k8s/host-pid\n    path: "deploy/*"\n    reason: "node agent"\n'


REFUSED = {
    "no such rule": (["waive", "k8s/host-pidd", "--reason", "node agent"], "k8s/host-pid"),
    "nothing there": (["waive", "k8s/privileged", "--reason", "node agent"], "silence nothing"),
    "not at that path": (["waive", "k8s/host-pid", "other/*", "--reason", "node agent"], "silence nothing"),
    "not that thing": (["waive", "k8s/host-pid", "--resource", "Pod/y", "--reason", "node agent"], "silence nothing"),
    "outside": (["waive", "k8s/host-pid", "../x.yaml", "--reason", "node agent"], "outside"),
    "over": (["waive", "k8s/host-pid", "--reason", "node agent", "--until", "2020-01-01"], "silence nothing"),
    "no date": (["waive", "k8s/host-pid", "--reason", "node agent", "--until", "soon"], "--until"),
    "no reason": (["waive", "k8s/host-pid"], "--reason"),
    "too short a reason": (["waive", "k8s/host-pid", "--reason", "x"], "reason"),
    "a blank reason": (["waive", "k8s/host-pid", "--reason", " "], "--reason"),
    "what nothing silences": (["waive", "core/syntax", "--reason", "node agent"], "silence nothing"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_have_no_effect_is_refused(name: str) -> None:
    Path(SETTINGS).write_text("profile: recommended\n")
    words, said = REFUSED[name]
    result = run(*words)
    assert result.exit_code == 2
    assert said in result.stderr
    assert Path(SETTINGS).read_text() == "profile: recommended\n"


def test_locked_rules_and_what_is_waived_already_are_refused() -> None:
    Path(SETTINGS).write_text("locked: [k8s/host-pid]\n")
    locked = run(*WAIVER)
    assert locked.exit_code == 2
    assert "locked" in locked.stderr
    Path(SETTINGS).write_text("")
    assert run(*WAIVER).exit_code == 0
    again = run(*WAIVER[:3], "--reason", "once more")
    assert again.exit_code == 2
    assert "silence nothing" in again.stderr


def test_a_link_is_not_written_through(tmp_path: Path) -> None:
    target = tmp_path / "deploy/settings.txt"
    target.write_text("profile: recommended\n")
    Path(SETTINGS).symlink_to(target)
    result = run(*WAIVER)
    assert result.exit_code == 2
    assert "link" in result.stderr
    assert target.read_text() == "profile: recommended\n"
    assert Path(SETTINGS).is_symlink()


PYPROJECTS = {
    "settings alone": '[tool.readiness]\nprofile = "strict"\n',
    "tables behind": '[project]\nname = "x"\n\n[tool.readiness]\nprofile = "strict"  # all\n\n[tool.other]\na = 1',
    "waivers": '[tool.readiness]\n\n[[tool.readiness.waivers]]\nrule = "k8s/pod-bare"\nreason = "one of its kind"\n\n[tool.other]\na = 1\n',
    "line ends of Windows": '[tool.readiness]\r\nprofile = "strict"\r\n',
}


@pytest.mark.parametrize("text", PYPROJECTS.values(), ids=PYPROJECTS)
def test_a_pyproject_gets_a_table_at_its_end(text: str) -> None:
    Path("pyproject.toml").write_bytes(text.encode())
    before = load_config(Path("pyproject.toml")).waivers
    result = run(*WAIVER)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("pyproject.toml:")
    written = Path("pyproject.toml").read_bytes().decode()
    assert written.startswith(text)
    waivers = load_config(Path("pyproject.toml")).waivers
    assert [one.rule for one in waivers] == [*(one.rule for one in before), "k8s/host-pid"]
    assert (waivers[-1].path, waivers[-1].reason) == ("deploy/pod.yaml", WAIVER[-1])
    assert ("\r\n" in written) == ("\r\n" in text)


def test_a_pyproject_with_waivers_in_one_list_is_left_as_it_is() -> None:
    text = '[tool.readiness]\nwaivers = [{rule = "k8s/pod-bare", reason = "one of its kind"}]\n'
    Path("pyproject.toml").write_text(text)
    result = run(*WAIVER)
    assert result.exit_code == 2
    assert "pyproject.toml:2:1: nothing can be put into this text without a look at it; write it yourself: " in result.output
    assert Path("pyproject.toml").read_text() == text
