"""Where settings stand: their names, `pyproject.toml`, those of directories below the root, and the version they are for."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

import readiness
from readiness.cli.main import main
from readiness.run.run_settings import load_settings_of_run
from readiness.settings import ConfigError, find_settings_file
from readiness.settings.model import SETTINGS_BELOW_ROOT, lockable_settings
from readiness.settings.required_version import problem_of_required_version
from readiness.verdict.report import Report
from tests.make import write_files
from tests.settings_rows import holds

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: %s}
spec: {hostPID: true, containers: [{name: app, image: 'x:1.0.0', securityContext: {privileged: true}}]}
"""
HOST_PID, PRIVILEGED = "k8s/host-pid", "k8s/privileged"


@pytest.fixture(autouse=True)
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    files = {"web.yaml": POD % "web", "a/a.yaml": POD % "a", "a/b/b.yaml": POD % "b", "c/c.yaml": POD % "c", ".git/HEAD": ""}
    made = write_files(tmp_path / "tree", files)
    monkeypatch.chdir(made)
    return made


def check(*paths: str, **options: object) -> Report:
    return readiness.check(list(paths) or ["."], **{"config": True, "context": False, **options})  # type: ignore[arg-type]


def paths(report: Report, rule: str) -> set[str]:
    return {one.path for one in report.open if one.rule == rule}


def failure(*paths: str, **options: object) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        check(*paths, **options)
    return caught.value


ALL_PATHS = {"web.yaml", "a/a.yaml", "a/b/b.yaml", "c/c.yaml"}

# -- names --------------------------------------------------------------------------------------------------------

PYPROJECT = """\
[project]
name = "x"

[tool.readiness]
profile = "strict"
ignore = [
    "ci/",
    "k8s/host-pid",  # a comment
]
min-score = 3
documents = false
exclude = ["c/*"]

[tool.readiness.severity]
"k8s/privileged" = "low"

[tool.readiness.per-path-ignores]
"a/*" = ["k8s/privileged"]

[[tool.readiness.waivers]]
rule = "k8s/privileged"
path = "web.yaml"
reason = "it is fine"
until = 2999-12-31

[tool.other]
select = ["E"]
"""


@holds("settings-file")
def test_a_pyproject_says_what_a_yaml_file_says(tree: Path) -> None:
    text = """
profile: strict
ignore: [ci/, k8s/host-pid]
min-score: 3
documents: false
exclude: [c/*]
severity: {k8s/privileged: low}
per-path-ignores: {"a/*": [k8s/privileged]}
waivers: [{rule: k8s/privileged, path: web.yaml, reason: it is fine, until: "2999-12-31"}]
"""
    write_files(tree, {"pyproject.toml": PYPROJECT})
    by_toml = check()
    assert by_toml.settings_effects[0].name == "pyproject.toml"
    (tree / "pyproject.toml").unlink()
    for name in (".readiness.yaml", ".readiness.yml"):
        write_files(tree, {name: text})
        by_yaml = check()
        assert by_yaml.settings_effects[0].name == name
        assert by_yaml.settings_effects[0].changes == by_toml.settings_effects[0].changes
        assert [(one.rule, one.path, one.severity, one.suppression) for one in by_yaml.findings] == [
            (one.rule, one.path, one.severity, one.suppression) for one in by_toml.findings
        ]
        (tree / name).unlink()
    assert {one.path for one in by_toml.suppressed} == {"web.yaml"}


@holds("settings-file")
@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({".readiness.yaml": "", ".readiness.yml": ""}, ".readiness.yaml: .readiness.yaml and .readiness.yml stand in one directory"),
        ({".readiness.yml": "", "pyproject.toml": PYPROJECT}, ".readiness.yml: .readiness.yml and [tool.readiness] of pyproject.toml stand"),
    ],
)
def test_two_settings_files_in_one_directory_are_an_error(tree: Path, files: dict[str, str], said: str) -> None:
    write_files(tree, files)
    assert str(failure()).startswith(said)
    write_files(tree / "a", files)
    for name in files:
        (tree / name).unlink()
    assert str(failure()).startswith(f"a/{said.partition(':')[0]}: ")


@pytest.mark.parametrize("text", ["[tool.ruff]\n", "[project]\nname = 'readiness'\n", "[tool\nreadiness\n", "tool = 3 # readiness\n", ""])
def test_a_pyproject_without_settings_is_none(tree: Path, text: str) -> None:
    write_files(tree, {"pyproject.toml": text})
    assert find_settings_file(tree) is None
    write_files(tree, {".readiness.yaml": "ignore: [ci/]\n"})
    assert load_settings_of_run(True).ignore == ("ci/",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[tool.readiness]\nprofil = 'x'\n", "pyproject.toml:2:1: no setting is called 'profil'; did you mean 'profile'?"),
        ("[tool.readiness]\n\nignore = 'k8s/'\n", "pyproject.toml:3:10: ignore is a list: write [k8s/]"),
        ("[tool.readiness]\nignore = ['ci/',\n  3]\n", "pyproject.toml:3:3: ignore[2] is a string, not 3: put it in quotes"),
        ("[tool.readiness]\n[[tool.readiness.waivers]]\nrule = 'k8s/'\nreason = 'x'\n",
         "pyproject.toml:4:10: waivers[1].reason: give a reason of at least 3 characters"),
        ("[tool.readiness.severity]\n'k8s/' = 'bad'\n", "pyproject.toml:2:10: severity.k8s/ is 'bad'; allowed are critical, high, medium, low, info"),
        ("[tool]\nreadiness = 3\n", "pyproject.toml:1:1: tool.readiness is a table: write [tool.readiness]"),
        ("[tool.readiness]\nignore = [\n", "pyproject.toml: is no TOML: Invalid value (at end of document)"),
    ],
)  # fmt: skip
def test_mistakes_in_a_pyproject_have_their_line(tree: Path, text: str, said: str) -> None:
    write_files(tree, {"pyproject.toml": text})
    assert str(failure()) == said


def test_a_pyproject_can_be_named(tree: Path) -> None:
    write_files(tree.parent, {"pyproject.toml": PYPROJECT, "empty/pyproject.toml": "[tool.ruff]\n"})
    assert load_settings_of_run("../pyproject.toml").profile == "strict"
    with pytest.raises(ConfigError, match=r"has no table \[tool.readiness\]"):
        load_settings_of_run("../empty/pyproject.toml")


# -- directories below the root -----------------------------------------------------------------------------------


@holds("settings-below")
def test_each_directory_has_the_nearest_settings_and_what_stands_above(tree: Path) -> None:
    write_files(
        tree,
        {
            ".readiness.yaml": f"ignore: [ci/]\nseverity: {{{PRIVILEGED}: medium}}\n",
            "a/.readiness.yml": f"ignore: [{HOST_PID}]\nseverity: {{{PRIVILEGED}: low}}\n",
            "a/b/pyproject.toml": f"[tool.readiness]\nselect = ['{PRIVILEGED}']\n",
        },
    )
    report = check(purpose="production")
    assert paths(report, HOST_PID) == {"web.yaml", "c/c.yaml"}
    assert {one.path: str(one.severity) for one in report.open if one.rule == PRIVILEGED} == {
        "web.yaml": "medium", "c/c.yaml": "medium", "a/a.yaml": "low", "a/b/b.yaml": "low",
    }  # fmt: skip
    assert {one.rule for one in report.open if one.path == "a/b/b.yaml"} == {PRIVILEGED}
    assert [(one.name, one.changes) for one in report.settings_effects] == [
        (".readiness.yaml", ("ignores ci/", f"rates {PRIVILEGED} medium")),
        ("a/.readiness.yml", (f"ignores {HOST_PID}", f"rates {PRIVILEGED} low")),
        ("a/b/pyproject.toml", (f"selects {PRIVILEGED}",)),
    ]


@holds("settings-below")
@pytest.mark.parametrize(
    ("folder", "named"), [("", "a/b/b.yaml"), ("a", "b"), ("a", "b/b.yaml"), ("a/b", "."), ("a/b", "b.yaml"), ("c", "../a/b/b.yaml")]
)
def test_the_same_settings_count_wherever_a_file_is_checked_from(tree: Path, monkeypatch: pytest.MonkeyPatch, folder: str, named: str) -> None:
    """Those at the root of the repository are the root's, from a directory with its own, too."""
    write_files(
        tree,
        {
            ".readiness.yaml": f"ignore: [{HOST_PID}]\nfail-on: low\n",
            "a/.readiness.yaml": "profile: strict\nexclude: ['b/x*']\n",
            "a/b/.readiness.yaml": "waivers: [{rule: k8s/privileged, path: '*.yaml', reason: it is fine}]\n",
            "a/b/x.yaml": POD % "x",
        },
    )
    whole = {(one.rule, one.suppression is None) for one in check().findings if one.path == "a/b/b.yaml"}
    monkeypatch.chdir(tree / folder)
    report = check(named)
    assert {(one.rule, one.suppression is None) for one in report.findings if one.path.endswith("b.yaml")} == whole
    assert ("k8s/privileged", False) in whole
    assert report.gate.fail_on == "low"
    assert not [one for one in report.findings if one.path.endswith("x.yaml")]


@holds("settings-below")
def test_parameters_of_a_directory_hold_there_alone(tree: Path) -> None:
    version = "parameters: {k8s/api-version-removed: {version: '%s'}}\n"
    old = "apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata: {name: x%s}\nspec: {}\n"
    write_files(tree, {f"{folder}/old.yaml": old % number for number, folder in enumerate((".", "a", "a/b", "c"))})
    write_files(tree, {".readiness.yaml": version % "1.20", "a/.readiness.yaml": version % "1.25", "a/b/.readiness.yaml": version % "1.19"})
    for jobs in (1, 2):
        assert paths(check(select=["k8s/api-version-removed"], jobs=jobs), "k8s/api-version-removed") == {"a/old.yaml"}
    write_files(tree.parent, {"platform.yaml": version % "1.30"})
    report = check(select=["k8s/api-version-removed"], config="../platform.yaml")
    assert paths(report, "k8s/api-version-removed") == {"old.yaml", "a/old.yaml", "a/b/old.yaml", "c/old.yaml"}


@holds("settings-below")
@pytest.mark.parametrize("setting", [one for one in (*lockable_settings(), "locked", "foreign-ignores") if one not in SETTINGS_BELOW_ROOT])
@pytest.mark.parametrize("named", [".", "a/b/b.yaml", "a"])
def test_what_is_about_the_run_is_refused_below_the_root(tree: Path, setting: str, named: str) -> None:
    values = {
        "fail-on": "never",
        "min-score": 1,
        "documents": "true",
        "shellcheck": "false",
        "checklists": "[]",
        "rules": "[]",
        "locked": "[comments]",
    }
    value = {**values, "baseline": "x.json", "environments": "{production: {branches: [main]}}", "foreign-ignores": "false"}[setting]
    write_files(tree, {"a/.readiness.yaml": f"ignore: []\n{setting}: {value}\n"})
    assert str(failure(named)).startswith(f"a/.readiness.yaml:2:1: {setting} is for the settings at the root")


@holds("settings-below")
def test_a_directory_speaks_of_itself_alone(tree: Path) -> None:
    text = "exclude: [c, 'c/*']\nper-path-ignores: {'*': [ALL]}\nwaivers: [{rule: k8s/privileged, reason: it is fine}]\n"
    write_files(tree, {"a/.readiness.yaml": text})
    report = check()
    assert paths(report, HOST_PID) == {"web.yaml", "c/c.yaml"}
    assert paths(report, PRIVILEGED) == {"web.yaml", "c/c.yaml"}


@holds("settings-below")
@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("exclude: ['../c/*']\n", "1:11"),
        ("exclude: ['b/../../*']\n", "1:11"),
        ("per-path-ignores: {'../*': [ALL]}\n", "1:20"),
        ("per-path: {'../*': {ignore: [ALL]}}\n", "1:12"),
        ("waivers: [{rule: k8s/privileged, reason: it is fine, path: '../*'}]\n", "1:18"),
        ("purpose: {'../*': test}\n", "1"),
    ],
)
def test_a_glob_that_leads_out_of_a_directory_is_refused(tree: Path, text: str, place: str) -> None:
    write_files(tree, {"a/.readiness.yaml": text})
    assert str(failure()).startswith(f"a/.readiness.yaml:{place}: ")
    assert "leads out of the directory of this file" in str(failure())


@holds("settings-below", "config-locked")
def test_what_is_locked_is_refused_in_every_directory(tree: Path) -> None:
    write_files(tree.parent, {"platform.yaml": "locked: [ignore, severity, waivers, exclude, profile]\n"})
    text = f"ignore: [ALL]\nseverity: {{ALL: info}}\nwaivers: [{{rule: {HOST_PID}, reason: it is}}]\nexclude: ['*']\nselect: [ci/]\n"
    write_files(tree, {"a/.readiness.yaml": text, "a/b/.readiness.yaml": "per-path-ignores: {'*': [ALL]}\n"})
    report = check(config="../platform.yaml")
    assert paths(report, HOST_PID) == ALL_PATHS
    assert [(one.name, set(one.refused)) for one in report.settings_effects[1:]] == [
        ("a/.readiness.yaml", {"ignore", "severity", "waivers", "exclude", "select"}),
        ("a/b/.readiness.yaml", {"per-path-ignores"}),
    ]
    assert "locked by ../platform.yaml" in report.settings_effects[2].text


@holds("settings-below")
def test_another_repository_below_keeps_its_settings_for_itself(tree: Path) -> None:
    write_files(tree, {"a/.git": "gitdir: x\n", "a/.readiness.yaml": "fail-on: never\nignore: [ALL]\n", "a/b/.readiness.yaml": "ignore: [ALL]\n"})
    report = check()
    assert paths(report, HOST_PID) == ALL_PATHS
    assert report.settings_effects == ()
    assert [one for one in report.notices if one.startswith("a is another repository: its settings are not read")]


@holds("settings-below")
def test_no_settings_are_none_in_directories_too(tree: Path) -> None:
    write_files(tree, {"a/.readiness.yaml": "fail-on: never\nignore: [ALL]\n"})
    assert paths(check(config=False), HOST_PID) == ALL_PATHS


@holds("settings-below", "settings-file")
def test_a_link_out_of_its_directory_is_told_below_too(tree: Path) -> None:
    write_files(tree.parent, {"other.yaml": "ignore: [ALL]\n"})
    (tree / "a/.readiness.yaml").symlink_to("../../other.yaml")
    assert str(failure()) == "a/.readiness.yaml: is a link that leads out of its directory; copy the file here"


@holds("settings-below")
def test_the_gates_line_names_each_file(tree: Path) -> None:
    write_files(tree, {"a/.readiness.yaml": "ignore: [ALL]\n", "c/.readiness.yaml": "profile: strict\n"})
    line = CliRunner().invoke(main, ["check", "--no-cache", "."]).stdout.rstrip("\n").splitlines()[-1]
    assert line.endswith("; settings from a/.readiness.yaml: ignores ALL; from c/.readiness.yaml: profile strict")


def test_a_glob_of_a_directory_that_matches_nothing_is_told_there(tree: Path) -> None:
    write_files(tree, {"a/.readiness.yaml": "exclude: [b, gone]\n"})
    told = [(one.path, one.message.partition(" matches")[0]) for one in check().findings if one.rule == "core/setting-unused"]
    assert told == [("a/.readiness.yaml", "exclude 'gone'")]


def test_the_cache_keeps_settings_of_directories_apart(tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from readiness.run import cache

    monkeypatch.setattr(cache, "user_result_cache", lambda: cache.ResultCache(tmp_path / "kept"))
    for text in (f"severity: {{{HOST_PID}: info}}\n", f"ignore: [{HOST_PID}]\n", "exclude: [b]\n", "exclude: [gone]\n"):
        write_files(tree, {"a/.readiness.yaml": text})
        first = check(cache=True, purpose="production").to_dict()
        assert check(cache=True, purpose="production").to_dict() == first == check(purpose="production").to_dict()


# -- required-version ---------------------------------------------------------------------------------------------

VERSIONS = {
    "0.1.0": [
        ">=0.1",
        "==0.1",
        "0.1",
        "~=0.1",
        "~=0.1.0",
        "==0.1.*",
        "<1",
        "<=0.1.0",
        "!=0.2",
        ">=0.1,<2",
        " >= 0.1 , < 2 ",
        ">0.1rc1",
        ">=0.1.dev3",
    ],
    "1.10.2": [">1.9", "~=1.2", "<2", "==1.*", "!=1.9.*", ">1.10.2rc9", "<1.10.2.post1"],
    "2.0rc1": ["<2", ">=2.0b3", "<2.0rc2", "==2.0.0rc1", ">2.0.dev1"],
}
UNMET = {
    "0.1.0": [">=0.2", ">0.1", "<0.1", "==0.2.*", "!=0.1.*", "~=0.2", ">=0.1,<0.1", "<0.1rc1", "==0.1.1"],
    "1.10.2": ["<1.9", "~=1.9.0", "==1.1", ">=2"],
    "2.0rc1": [">=2", "==2.0", ">2.0rc1"],
}


@pytest.mark.parametrize(("version", "requirement"), [(version, one) for version, ones in VERSIONS.items() for one in ones])
def test_a_version_that_fits(version: str, requirement: str) -> None:
    assert problem_of_required_version(requirement, version) == ""


@pytest.mark.parametrize(("version", "requirement"), [(version, one) for version, ones in UNMET.items() for one in ones])
def test_a_version_that_does_not(version: str, requirement: str) -> None:
    assert f"and this is readiness {version}" in problem_of_required_version(requirement, version)


@holds("settings-version")
@pytest.mark.parametrize("requirement", ["", "latest", ">=", "=0.1", ">=0.1;<2", "0.1 || 2", "~=1", "9" * 40, ">=0.1," * 20])
def test_what_is_no_requirement_is_told(tree: Path, requirement: str) -> None:
    write_files(tree, {".readiness.yaml": f"required-version: '{requirement}'\n"})
    error = failure()
    assert error.where == ".readiness.yaml:1:19"
    assert error.message.startswith("required-version is ")


@holds("settings-version")
def test_it_is_told_before_settings_that_another_version_knows(tree: Path) -> None:
    write_files(tree, {".readiness.yaml": "quantum: true\nrequired-version: '>=99'\n"})
    assert str(failure()).startswith(".readiness.yaml:2:19: required-version is '>=99', and this is readiness ")
    write_files(tree, {".readiness.yaml": "", "a/.readiness.yaml": "required-version: '>=99'\n"})
    assert str(failure()).startswith("a/.readiness.yaml:1:19: ")
    write_files(tree, {"a/.readiness.yaml": "required-version: '>=0.1'\n"})
    assert check().settings_effects[1].changes == ()
