"""The caller's settings file above the tree's own: which of them counts, what is locked, and that it is said."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import readiness
from readiness import settings
from readiness.cli.main import main
from readiness.ruleset.select import SelectionError
from readiness.run.run_settings import load_settings_of_run
from readiness.settings import LOCKABLE_FILE_WORDS, Config, ConfigError, lockable_settings
from readiness.settings.layers import merge_settings
from readiness.settings.model import with_settings_locked_along
from readiness.verdict.report import Report
from tests.make import write_files
from tests.settings_rows import holds

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {hostPID: true, containers: [{name: app, image: 'x:1.0.0'}]}\n"
PRIVILEGED = POD.replace("image: 'x:1.0.0'", "image: 'x:1.0.0', securityContext: {privileged: true}")


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository as the working directory, with one manifest; `platform.yaml` is to lie beside it."""
    made = tmp_path / "tree"
    write_files(made, {"pod.yaml": PRIVILEGED, ".git/HEAD": ""})
    monkeypatch.chdir(made)
    return made


def both(tree: Path, callers: str, trees: str, **options: object) -> Report:
    write_files(tree.parent, {"platform.yaml": callers, "tree/.readiness.yaml": trees})
    return readiness.check(["."], config="../platform.yaml", base=tree, **options)


def gate_line(tree: Path, *words: str) -> str:
    return CliRunner().invoke(main, ["check", "--no-cache", *words]).stdout.rstrip("\n").splitlines()[-1]


# -- precedence ---------------------------------------------------------------------------------------------------

WINS = {
    "fail-on": ("fail-on: low", "fail-on: never", "fail_on", "low"),
    "min-score": ("min-score: 90", "min-score: 1", "min_score", 90),
    "documents": ("documents: true", "documents: false", "documents", True),
    "shellcheck": ("shellcheck: false", "shellcheck: true", "shellcheck", False),
    "profile": ("profile: strict", "profile: pss-baseline", "profile", "strict"),
    "profile over select": ("profile: strict", "select: [ci/]", "select", ()),
    "select over profile": ("select: [ci/]", "profile: strict", "profile", "recommended"),
    "the default over another": ("fail-on: high", "fail-on: never", "fail_on", "high"),
    "what is left open": ("fail-on: low", "min-score: 3", "min_score", 3),
    "lists add up": ("ignore: [ci/]", "ignore: [k8s/, ci/]", "ignore", ("ci/", "k8s/")),
    "globs add up": ("exclude: [a/*]", "exclude: [b/*]", "exclude", ("a/*", "b/*")),
    "checklists add up": ("checklists: [dify]", "checklists: [flowise]", "checklists", ("dify", "flowise")),
    "locked rules add up": ("locked: [k8s/]", "locked: [ci/]", "locked", ("k8s/", "ci/")),
}


@holds("config-above")
@pytest.mark.parametrize(("callers", "trees", "field", "value"), WINS.values(), ids=WINS)
def test_the_callers_file_counts_first_and_the_trees_below(tree: Path, callers: str, trees: str, field: str, value: object) -> None:
    write_files(tree.parent, {"platform.yaml": callers, "tree/.readiness.yaml": trees})
    assert getattr(load_settings_of_run("../platform.yaml"), field) == value


@holds("config-above")
def test_of_purposes_and_parameters_those_of_the_caller_count_last(tree: Path) -> None:
    callers = "purpose: {'*': production}\nparameters: {k8s/api-version-removed: {version: '1.30'}}\n"
    write_files(tree.parent, {"platform.yaml": callers, "tree/.readiness.yaml": callers.replace("production", "test").replace("1.30", "1.10")})
    made = load_settings_of_run("../platform.yaml")
    assert [word for _, word, _ in made.purposes] == ["test", "production"]
    assert [given["version"] for _, given, _ in made.parameters] == ["1.10", "1.30"]


@holds("config-above")
def test_an_option_counts_before_both(tree: Path) -> None:
    report = both(tree, "fail-on: low\n", "fail-on: never\n", fail_on="critical")
    assert report.gate.fail_on == "critical"
    assert [one.changes for one in report.settings_effects] == [(), ()]


@holds("config-above")
@pytest.mark.parametrize("pattern", ["deploy/*", "deploy/a.yaml", "./deploy/*", "*.yaml"])
def test_globs_of_the_callers_file_are_about_the_working_directory(tree: Path, monkeypatch: pytest.MonkeyPatch, pattern: str) -> None:
    """From a directory below the tree's settings, too, whose own globs are about their directory."""
    write_files(
        tree,
        {
            "in[1]/deploy/a.yaml": PRIVILEGED,
            "in[1]/b.yml": PRIVILEGED.replace("web", "other"),
            "in[1]/c.yml": PRIVILEGED.replace("web", "third"),
            ".readiness.yaml": "exclude: ['in?1]/b.yml']\n",
            "../platform.yaml": f"exclude: ['{pattern}']\n",
        },
    )
    monkeypatch.chdir(tree / "in[1]")
    report = readiness.check(["."], config="../../platform.yaml", select=["k8s/privileged"], context=False)
    assert {row.path for row in report.files} == {"c.yml"}


@holds("config-above")
def test_waivers_of_both_files_count_and_are_told_where_they_stand(tree: Path) -> None:
    write_files(tree, {"deploy/a.yaml": POD.replace("web", "other")})
    waiver = "waivers:\n  - {rule: k8s/host-%s, path: '%s', reason: it is fine}\n"
    report = both(tree, waiver % ("pid", "deploy/*"), waiver % ("ipc", "pod.yaml"), select=["k8s/host-pid", "k8s/host-ipc", "core/"])
    assert {(one.path, one.suppression is None) for one in report.findings if one.rule == "k8s/host-pid"} == {
        ("deploy/a.yaml", False),
        ("pod.yaml", True),
    }
    assert [(one.rule, one.path) for one in report.open if one.rule.startswith("core/")] == [("core/suppression-unused", ".readiness.yaml")]


def test_a_file_that_is_named_and_is_the_trees_own_counts_once(tree: Path) -> None:
    write_files(tree, {".readiness.yaml": "ignore: [ci/]\n"})
    made = load_settings_of_run(".readiness.yaml")
    assert (made.ignore, len(made.layers)) == (("ci/",), 1)


def test_two_files_of_one_name_are_told_apart(tree: Path) -> None:
    write_files(tree.parent, {"p/.readiness.yaml": "fail-on: low\n", "tree/.readiness.yaml": "ignore: [ci/]\n"})
    assert [one.name for one in load_settings_of_run("../p/.readiness.yaml").layers] == ["../p/.readiness.yaml", ".readiness.yaml"]


def test_the_cache_keeps_two_files_apart(tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from readiness.run import cache

    monkeypatch.setattr(cache, "user_result_cache", lambda: cache.ResultCache(tmp_path / "kept"))
    waiver = "# one\nwaivers:\n  - {rule: k8s/host-network, path: pod.yaml, reason: it is fine}\n"
    callers = waiver.replace("# one\n", "# one\n# two\n")
    first = both(tree, callers, waiver, cache=True).to_dict()
    assert both(tree, callers, waiver, cache=True).to_dict() == first
    places = {(row["path"], row["line"]) for row in first["findings"] if row["rule"] == "core/suppression-unused"}
    assert places == {("../platform.yaml", 4), (".readiness.yaml", 3)}
    assert both(tree, "locked: all\n", waiver, cache=True).to_dict() != first


# -- locks --------------------------------------------------------------------------------------------------------

VALUE_BY_SETTING = {
    "profile": "strict", "select": ["k8s/privileged"], "ignore": ["k8s/"], "fail-on": "never", "min-score": 1, "exclude": ["pod.yaml"],
    "documents": True, "shellcheck": False, "checklists": ["dify"], "rules": ["own"], "baseline": "known.json",
    "parameters": {"k8s/api-version-removed": {"version": "1.10"}}, "environments": {"production": {"branches": ["main"]}},
    "extend-select": ["k8s/"], "severity": {"k8s/privileged": "low"}, "per-path": {"*": {"ignore": ["k8s/"]}}, "per-path-ignores": {"*": ["k8s/"]},
    "purpose": {"*": "test"}, "waivers": [{"rule": "k8s/privileged", "reason": "it is fine"}],
}  # fmt: skip


def parsed(folder: Path, given: dict[str, object], *, named: bool) -> Config:
    text = yaml.safe_dump(given) if given else "# nothing\n"
    return settings.parse_config("platform.yaml" if named else ".readiness.yaml", text.encode(), folder, may_lock_settings=named)


def values(config: Config) -> dict[str, str]:
    """What the settings are, but for where they come from."""
    apart = {"source", "layers", "given", "locked", "locked_words", "span_by_word"}
    places = re.compile(r"line=\d+|Span\(.*?\)|\d+ characters|yaml:\d+(:\d+)?")
    return {name: places.sub("", repr(getattr(config, name))) for name in Config.__slots__ if name not in apart}


def test_there_is_a_value_for_every_setting() -> None:
    assert set(VALUE_BY_SETTING) == set(lockable_settings())


SUBSETS = st.sets(st.sampled_from(sorted(VALUE_BY_SETTING)))


@holds("config-locked")
@given(SUBSETS, SUBSETS, st.sets(st.sampled_from([*sorted(VALUE_BY_SETTING), *LOCKABLE_FILE_WORDS, "all"])))
def test_what_is_locked_is_as_if_the_tree_did_not_say_it(callers_settings: set[str], trees_settings: set[str], locked: set[str]) -> None:
    folder = Path("/nowhere")
    callers = parsed(
        folder, {name: VALUE_BY_SETTING[name] for name in sorted(callers_settings)} | ({"locked": sorted(locked)} if locked else {}), named=True
    )
    trees = {name: VALUE_BY_SETTING[name] for name in sorted(trees_settings)}
    if not trees:
        return
    merged = merge_settings(callers, parsed(folder, trees, named=False))
    refused = {name for name in trees if name in with_settings_locked_along(frozenset(locked)) or "all" in locked}
    rest = {name: value for name, value in trees.items() if name not in refused} or {"ignore": []}
    assert values(merged) == values(merge_settings(callers, parsed(folder, rest, named=False)))
    assert set(merged.layers[1].refused) == refused
    decided = {
        name
        for name in callers.given
        if name
        not in {
            "ignore",
            "exclude",
            "checklists",
            "rules",
            "parameters",
            "purpose",
            "waivers",
            "locked",
            "extend-select",
            "severity",
            "per-path",
            "per-path-ignores",
        }
    }
    for name in decided:  # the caller's word stands whatever the tree says
        field = {"fail-on": "fail_on", "min-score": "min_score"}.get(name, name)
        assert getattr(merged, field) == getattr(callers, field)


@holds("config-locked", "settings-named")
@pytest.mark.parametrize("setting", VALUE_BY_SETTING)
def test_a_locked_setting_has_no_effect_and_is_named(tree: Path, setting: str) -> None:
    write_files(tree, {"own/k8s/mine.yaml": "title: broken\n", "known.json": "no baseline"})
    open_rules = ["k8s/privileged", "core/"]
    callers = f"locked: [{setting}]\nselect: [{', '.join(open_rules)}]\n"
    bare = both(tree, callers, "# nothing\n")
    report = both(tree, callers, yaml.safe_dump({setting: VALUE_BY_SETTING[setting]}))
    assert [one._replace(source=None) for one in report.findings] == [one._replace(source=None) for one in bare.findings]  # type: ignore[arg-type]
    assert (report.gate, report.score) == (bare.gate, bare.score)
    assert [(one.changes, one.refused) for one in report.settings_effects][1:] == [((), (setting,))]
    line = gate_line(tree, "--config", "../platform.yaml")
    assert line.endswith(f"; from .readiness.yaml: nothing changed; refused there: {setting} (locked by ../platform.yaml)")


@holds("config-locked")
def test_all_leaves_the_tree_no_word(tree: Path) -> None:
    text = "# readiness: purpose=test\n# readiness: ignore[k8s/host-pid] it is fine\n" + PRIVILEGED
    write_files(tree, {"pod.yaml": text, "own/k8s/mine.yaml": "title: broken\n", "known.json": "no baseline"})
    report = both(tree, "locked: all\n", yaml.safe_dump(VALUE_BY_SETTING))
    assert {"k8s/privileged", "k8s/host-pid"} <= {one.rule for one in report.open}
    assert report.suppressed == ()
    assert report.gate.fail_on == "high"
    assert set(report.settings_effects[1].refused) == {*VALUE_BY_SETTING, "1 suppression in files", "1 purpose in files"}


SAYS_OF_ITSELF = {
    "a comment in a manifest": ("pod.yaml", "# readiness: purpose=test\n" + PRIVILEGED),
    "an annotation": ("pod.yaml", PRIVILEGED.replace("{name: web}", "{name: web, annotations: {readiness.dev/purpose: test}}")),
    "a comment in a Dockerfile": ("Dockerfile", "# readiness: purpose=build\nFROM alpine:3.20\n"),
    "a compose file": ("compose.yaml", "x-readiness: {purpose: test}\nservices: {web: {image: 'x:1.0.0'}}\n"),
    "a service": ("compose.yaml", "services: {web: {image: 'x:1.0.0', x-readiness: test}}\n"),
    "a word that is none": ("compose.yaml", "services: {web: {image: 'x:1.0.0', x-readiness: nonsense}}\n"),
}


@holds("config-locked", "purposes-in-files")
@pytest.mark.parametrize(("path", "text"), SAYS_OF_ITSELF.values(), ids=SAYS_OF_ITSELF)
def test_a_purpose_that_is_locked_is_told_and_not_obeyed(tree: Path, path: str, text: str) -> None:
    (tree / "pod.yaml").unlink()
    write_files(tree, {path: text})
    free, locked = both(tree, "# nothing\n", "# nothing\n"), both(tree, "locked: [purpose]\n", "# nothing\n")
    is_word = "nonsense" not in text
    assert bool([row for row in free.files if row.purpose or row.aside]) is is_word
    assert [row.path for row in locked.files if row.purpose or row.aside] == []
    (told,) = [one for one in locked.open if one.rule == "core/purpose-invalid"]
    assert told.path == path
    assert "locked by the settings" in told.message
    assert locked.settings_effects[1].refused == ("1 purpose in files",)


@holds("config-locked", "comments")
@pytest.mark.parametrize("where", ["callers", "trees"])
@pytest.mark.parametrize(
    "text",
    [
        "# readiness: ignore[k8s/host-pid] it is fine\n" + POD,
        POD.replace("{name: web}", "{name: web, annotations: {readiness.dev/ignore.host-pid: it is fine}}"),
        POD.replace("spec: {hostPID: true,", "spec: {\n  # readiness: ignore[k8s/host-pid] it is fine\n  hostPID: true,"),
    ],
)
def test_comments_that_are_locked_silence_nothing_and_are_told(tree: Path, text: str, where: str) -> None:
    write_files(tree, {"pod.yaml": text})
    lock, nothing = "locked: [comments]\n", "# nothing\n"
    free = both(tree, nothing, nothing)
    assert len(free.suppressed) == 1
    locked = both(tree, *((lock, nothing) if where == "callers" else (nothing, lock)))
    assert locked.suppressed == ()
    assert "k8s/host-pid" in {one.rule for one in locked.open}
    told = [one for one in locked.open if one.rule == "core/suppression-invalid"]
    assert len(told) == text.count("ignore[") + text.count("readiness.dev/ignore")
    assert all("locked by the settings" in one.message for one in told)
    assert locked.settings_effects[-1].refused == ((f"{len(told)} suppression{'s' if len(told) > 1 else ''} in files"),)
    # A waiver counts all the same: it is a setting.
    assert len(both(tree, lock, "waivers: [{rule: k8s/host-pid, reason: it is fine}]\n").suppressed) == 1


@holds("config-locked", "comments-foreign")
@pytest.mark.parametrize("where", ["callers", "trees"])
def test_comments_for_other_linters_can_be_locked(tree: Path, where: str) -> None:
    write_files(tree, {"pod.yaml": POD.replace("{name: web}", "{name: web, annotations: {kube-linter.io/ignore-all: fine}}")})
    lock, nothing = "locked: [foreign-ignores]\n", "# nothing\n"
    assert both(tree, nothing, nothing).foreign > 0
    locked = both(tree, *((lock, nothing) if where == "callers" else (nothing, lock)))
    assert locked.foreign == 0
    assert "locks foreign-ignores" in locked.settings_effects[0 if where == "callers" else 1].text


@holds("settings-locked")
@pytest.mark.parametrize("word", ["all", *lockable_settings()])
@pytest.mark.parametrize("form", ["locked: [k8s/, %s]\n", "locked: [%s]\n"])
def test_the_trees_own_file_locks_no_settings(tree: Path, word: str, form: str) -> None:
    write_files(tree, {".readiness.yaml": form % word})
    with pytest.raises(ConfigError) as caught:
        readiness.check(["."], config=True)
    assert caught.value.where.startswith(".readiness.yaml:1:")
    assert f"locked: {word} is for a file that is given with --config" in caught.value.message
    assert load_settings_of_run(".readiness.yaml").locked_words  # where somebody names it, it may stand above another


@holds("settings-locked")
@pytest.mark.parametrize(
    ("text", "said"), [("locked: none\n", "allowed are all"), ("locked: {a: b}\n", "locked is a list or a string"), ("locked: [all, all]\n", "twice")]
)
def test_locks_of_a_wrong_shape(tree: Path, text: str, said: str) -> None:
    write_files(tree, {"../platform.yaml": text})
    with pytest.raises(ConfigError, match=said):
        load_settings_of_run("../platform.yaml")


@holds("settings-locked")
@pytest.mark.parametrize("word", ["fail_on", "k8s/no-such-rule", "comment", "All"])
def test_a_lock_of_what_there_is_not_is_an_error(tree: Path, word: str) -> None:
    with pytest.raises(SelectionError, match=word):
        both(tree, f"locked: [{word}]\n", "# nothing\n")


@holds("settings-waivers")
def test_a_rule_that_the_caller_locks_is_silenced_by_nothing_in_the_tree(tree: Path) -> None:
    text = "# readiness: ignore[k8s/privileged] it is fine\n" + PRIVILEGED
    write_files(tree, {"pod.yaml": text.replace("{name: web}", "{name: web, annotations: {kube-linter.io/ignore-all: x}}")})
    waiver = "waivers: [{rule: k8s/privileged, reason: it is fine}, {rule: k8s/, reason: it is fine}]\n"
    report = both(tree, "locked: [k8s/privileged]\n", waiver)
    assert "k8s/privileged" in {one.rule for one in report.open}


def test_report_is_json_of_the_contract(tree: Path) -> None:
    import jsonschema

    from readiness.model.package import DATA_FOLDER

    report = both(tree, "locked: [fail-on]\n", "fail-on: never\nignore: [ci/]\n").to_dict()
    jsonschema.validate(report, json.loads((DATA_FOLDER / "report.schema.json").read_text(encoding="utf-8")))
    assert report["gate"]["settings"] == [
        {"file": "../platform.yaml", "changed": ["locks fail-on"], "refused": []},
        {"file": ".readiness.yaml", "changed": ["ignores ci/"], "refused": ["fail-on"]},
    ]
    write_files(tree, {"../platform.yaml": "# nothing\n"})
    (tree / ".readiness.yaml").unlink()
    assert "settings" not in readiness.check(["."], config=True).to_dict()["gate"]
