"""Rule files and settings that come with the tree that is judged: what they may say, and how far they reach."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import readiness
from readiness import settings as config
from readiness.model import Pattern, messages
from readiness.model.messages import MessageError
from readiness.ruleset import bindings, rules
from readiness.ruleset import message_facts as facts
from readiness.ruleset.rule_file import MAX_RULE_FILE_BYTES, RuleError
from readiness.settings import ConfigError
from readiness.syntax import backtracking
from tests.effort import effort
from tests.make import write_files
from tests.settings_rows import holds

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: web, labels: {team: blue}}\nspec: {containers: [{name: app, image: 'x:1'}]}\n"
RULE = """\
title: A thing of ours
severity: low
category: delivery
target: k8s.object
when: {kind: Pod}
require: {metadata.labels.owner: present}
message: "{resource} has no owner"
why: Nobody knows whom to call.
fix: Add the label.
"""


def tree(root: Path, **files: str) -> Path:
    return write_files(root, files)


def told(root: Path, text: str) -> list[str]:
    """The messages of one custom rule on one pod."""
    tree(root, **{"own/k8s/mine.yaml": text, "t/pod.yaml": POD})
    report = readiness.check([root / "t"], rules=[root / "own"], select=["k8s/mine"])
    assert not report.crashed
    return [one.message for one in report.findings]


def refused(root: Path, text: str) -> RuleError:
    with pytest.raises(RuleError) as caught:
        told(root, text)
    return caught.value


def with_message(message: str, condition: str = "require: {metadata.labels.owner: present}") -> str:
    return RULE.replace('"{resource} has no owner"', message).replace("require: {metadata.labels.owner: present}", condition)


# -- messages -----------------------------------------------------------------------------------------------------

FILLED = {
    "facts of the subject": ("'{kind} {name!r} in {namespace}.'", "Pod 'web' in ."),
    "braces": ("'{{{name}}} and {{}}'", "{web} and {}"),
    "none": ("plain", "plain"),
    "only braces": ("'a }} b {{'", "a } b {"),
}


@pytest.mark.parametrize(("message", "wanted"), FILLED.values(), ids=FILLED)
def test_a_message_is_filled_with_facts(tmp_path: Path, message: str, wanted: str) -> None:
    assert told(tmp_path, with_message(message)) == [wanted]


def test_the_value_of_a_declarative_rule(tmp_path: Path) -> None:
    text = with_message("'{value!r} of {resource}'", "forbid: {metadata.labels.team: blue}")
    assert told(tmp_path, text) == ["'blue' of Pod/web"]


def test_the_value_under_the_name_of_a_secret_is_hidden(tmp_path: Path) -> None:
    pod = POD.replace("team: blue", "team: blue, db-password: Tr0ub4dor-and-3")
    text = with_message("'{value}'", "forbid: {metadata.labels.db-password: present}")
    tree(tmp_path, **{"own/k8s/mine.yaml": text, "t/pod.yaml": pod})
    report = readiness.check([tmp_path / "t"], rules=[tmp_path / "own"], select=["k8s/mine"])
    assert [one.message for one in report.findings] == ["(hidden)"]


REACHES = {
    "attribute": "{source.position.__globals__}",
    "item": "{resource[0]}",
    "globals": "{node.__init__.__globals__[os]}",
    "width": "{resource:>3000000000}",
    "nested width": "{resource:{count}}",
    "empty width": "{resource:}",
    "other conversion": "{resource!s}",
    "ascii": "{resource!a}",
    "by number": "{0}",
    "by place": "{}",
    "blanks": "{ resource }",
    "underscore": "{_hits}",
    "dunder": "{__class__}",
    "capital": "{Resource}",
    "open": "{resource",
    "closed": "resource}",
    "conversion alone": "{!r}",
    "nested": "{{resource}",
}


@holds("rules-messages")
@pytest.mark.parametrize("message", REACHES.values(), ids=REACHES)
def test_a_message_reaches_no_further(tmp_path: Path, message: str) -> None:
    error = refused(tmp_path, with_message(f"'{message}'"))
    assert error.where.endswith("k8s/mine.yaml:7")
    assert "is no fact" in error.message


@pytest.mark.parametrize("name", ["colour", "node", "source", "labels", "spec", "metadata", "get", "count"])
def test_a_fact_that_there_is_not_is_said_when_the_rule_is_read(tmp_path: Path, name: str) -> None:
    error = refused(tmp_path, with_message(f"'{{{name}}}'"))
    assert error.where.endswith("k8s/mine.yaml:7")
    assert error.message.startswith(f"there is no fact '{name}'; there are api_version, ")


def test_the_facts_of_a_check_are_known(tmp_path: Path) -> None:
    check = "check: k8s.supply.image_registry_untrusted\nwith: {allow: [mine.example.com/*]}"
    text = with_message("'{registry} of {image}'", check).replace("k8s.object", "k8s.container").replace("when: {kind: Pod}\n", "")
    assert told(tmp_path, text) == ["docker.io of x:1"]
    assert "'value'" in refused(tmp_path, text.replace("{registry}", "{value}")).message


def with_allowed(value: str) -> str:
    check = f"check: k8s.supply.image_registry_untrusted\nwith: {{allow: {value}}}"
    text = with_message("'{registry} of {image}'", check)
    return text.replace("k8s.object", "k8s.container").replace("when: {kind: Pod}\n", "")


def test_a_parameter_can_be_a_column_of_the_facts(tmp_path: Path) -> None:
    assert told(tmp_path, with_allowed("{facts: registries.owned}")) == ["docker.io of x:1"]
    assert told(tmp_path, with_allowed("{facts: [registries.owned]}")) == ["docker.io of x:1"]


@pytest.mark.parametrize("name", ["registries", "registries.none", "none.owned", "../rules.owned", "[7]", "{a: b}", "''"])
def test_a_column_that_there_is_none_of_is_refused(tmp_path: Path, name: str) -> None:
    error = refused(tmp_path, with_allowed(f"{{facts: {name}}}"))
    assert "there are no facts called" in error.message
    assert "ports.ssh" in error.message


def test_a_column_of_another_type_is_refused(tmp_path: Path) -> None:
    error = refused(tmp_path, with_allowed("{facts: ports.ssh}"))
    assert error.message == "allow must be a list, each text"


@holds("rules-messages")
@pytest.mark.parametrize(
    ("value", "quoted", "wanted"),
    [
        ("a", False, "a"), ("a", True, "'a'"), (3, True, "3"), (True, False, "True"), (None, False, "None"),
        (["a"], False, messages.UNKNOWN_FACT_TEXT), (print, True, messages.UNKNOWN_FACT_TEXT),
        ("a\nb", True, "'a\\nb'"),
    ],
)  # fmt: skip
def test_only_plain_values_are_shown(value: object, quoted: bool, wanted: str) -> None:
    assert messages.message_value(value, is_quoted=quoted) == wanted


def test_a_number_of_thousands_of_digits_is_no_crash() -> None:
    assert messages.message_value(10**5000) == messages.UNKNOWN_FACT_TEXT


def test_a_long_fact_is_cut_between_words() -> None:
    text = "word " * 100 + "x" * 10_000
    assert messages.message_value(text) == ("word " * 80).strip() + "…"
    assert len(messages.message_value("x" * 10**6)) == messages.MAX_FACT_CHARACTERS + 1


def test_a_fact_that_a_hit_leaves_out_is_no_crash() -> None:
    assert messages.fill_message("{a} and {b}", {"a": 1}.get) == "1 and None"
    with pytest.raises(MessageError):
        messages.fact_names("{a.b}")


# -- conditions ---------------------------------------------------------------------------------------------------

CONDITIONS = {
    "no fact": ("{colour: red}", "have no fact 'colour'; there are api_version, "),
    "dunder": ("{__class__: Pod}", "have no fact '__class__'"),
    "underscore": ("{_edges: 1}", "have no fact"),
    "method": ("{get: 1}", "have no fact 'get'"),
    "through": ("{source.path: a.yaml}", "have no fact 'source.path'"),
    "a node": ("{labels: x}", "have no fact 'labels'"),
    "another type": ("{kind: true}", "the fact 'kind' of k8s.object is text"),
    "nothing": ("{kind: null}", "the fact 'kind' of k8s.object is text"),
    "a list": ("[kind]", "when must be a mapping"),
    "a mapping": ("{kind: {a: Pod}}", "when must be a mapping"),
    "mappings in a list": ("{kind: [{a: 1}]}", "when must be a mapping"),
    "empty list": ("{kind: []}", "when must be a mapping"),
}


@pytest.mark.parametrize(("when", "said"), CONDITIONS.values(), ids=CONDITIONS)
def test_a_condition_names_facts_only(tmp_path: Path, when: str, said: str) -> None:
    error = refused(tmp_path, RULE.replace("{kind: Pod}", when))
    assert error.where.endswith("k8s/mine.yaml:5")
    assert said in error.message


def test_every_target_has_facts_and_they_are_plain() -> None:
    from readiness import kinds

    for kind in kinds.KINDS_BY_PRECEDENCE:
        for target in kinds.subject_finder_by_target(kind):
            known = facts.fact_type_by_name_of_target(target)
            assert {"resource", "container"} <= set(known), target
            assert not {name for name in known if name.startswith("_")}
            assert set(known.values()) <= {"text", "number", "true or false", "text or number"}


def test_a_rule_beside_a_kind_is_silent_without_it(tmp_path: Path) -> None:
    """What it would have looked at is counted all the same: that the other kind is absent is no gap in what was read."""
    rule = RULE.replace("require:", "beside: dockerfile\nrequire:")
    assert told(tmp_path, rule) == []
    alone = readiness.check([tmp_path / "t"], rules=[tmp_path / "own"], select=["k8s/mine"])
    assert [(row.status, row.subjects) for row in alone.files] == [("checked", 1)]
    tree(tmp_path, **{"t/Dockerfile": "FROM alpine:3.20\n"})
    assert told(tmp_path, rule) == ["Pod/web has no owner"]


# -- shapes -------------------------------------------------------------------------------------------------------

SHAPES = {
    "message": ("message: {a: b}", "message must be one line of text"),
    "message of lines": ('message: "a\\nb"', "message must be one line of text"),
    "escape": ('title: "a\\e[31m"', "title must be one line of text"),
    "command": ('title: "a\\n::error::b"', "title must be one line of text"),
    "prose": ('why: "a\\x07."', "why must be text without control characters"),
    "target": ("target: 3", "target must be a target"),
    "targets": ("target: [k8s.object, 3]", "target must be a target"),
    "require": ("require: [a]", "require must be a mapping"),
    "beside": ("beside: docker", "beside must be one of dotenv, dockerfile, compose, "),
    "beside several": ("beside: [dockerfile]", "beside must be one of "),
    "links": ("links: [javascript:alert(1)]", "links must be a list of addresses"),
    "same-as": ("same-as: {hadolint: DL3007}", "same-as must be"),
    "checklist": ("checklist: {a: b}", "checklist must be a list"),
    "hides": ("hides: 3", "hides must be true or false"),
    "severity": ("severity: [low]", "severity must be one line"),
    "min": ("require: {a: {min: x}}", "the predicate min wants a number"),
    "matches": ("require: {a: {matches: 3}}", "the predicate matches wants a regular expression"),
    "long path": (f"require: {{{'.'.join('a' * 40)}: present}}", "24 steps at most"),
    "no path": ("require: {'': present}", "24 steps at most"),
}


@pytest.mark.parametrize(("line", "said"), SHAPES.values(), ids=SHAPES)
def test_words_of_a_wrong_shape_are_told_at_their_line(tmp_path: Path, line: str, said: str) -> None:
    key = line.partition(":")[0]
    lines = [one for one in RULE.splitlines() if not one.startswith(key + ":")]
    error = refused(tmp_path, "\n".join([*lines, line]) + "\n")
    assert error.where.endswith(f"k8s/mine.yaml:{len(lines) + 1}")
    assert said in error.message


CHECKS = {
    "not of ours": ("os.system", "no check is called"),
    "out of the package": ("..rules.load", "no check is called"),
    "imported": ("k8s.names.joined", "no check is called"),
    "a module of Python's": ("k8s.names.re.compile", "no check is called"),
    "a class": ("k8s.labels.Selector", "no check is called"),
    "a helper": ("k8s.labels.labels_of", "no check is called"),
    "private": ("k8s.names._short", "no check is called"),
    "dunder": ("k8s.names.__builtins__", "no check is called"),
    "line": ('"k8s.a\\nb"', "check must be one line"),
    "another subject": ("k8s.supply.image_registry_untrusted\nwith: {allow: [a]}", "looks at something else than k8s.object"),
}  # fmt: skip


@holds("rules-checks")
@pytest.mark.parametrize(("check", "said"), CHECKS.values(), ids=CHECKS)
def test_a_check_is_one_of_ours(tmp_path: Path, check: str, said: str) -> None:
    text = RULE.replace("require: {metadata.labels.owner: present}", f"check: {check}")
    assert said in refused(tmp_path, text).message


PARAMETERS = {
    "text for a list": ("{words: lua}", "words must be a list, each a regular expression"),
    "numbers": ("{words: [3]}", "words must be a list, each a regular expression"),
    "the project": ("{words: [], project: 3}", "`with` does not fit the check"),
    "the subject": ("{words: [], one: 3}", "`with` does not fit the check"),
}


@holds("settings-parameters", "rules-checks")
@pytest.mark.parametrize(("given", "said"), PARAMETERS.values(), ids=PARAMETERS)
def test_parameters_are_of_the_types_that_the_check_says(tmp_path: Path, given: str, said: str) -> None:
    check = f"check: k8s.ingress.snippet\nwith: {given}"
    error = refused(tmp_path, RULE.replace("require: {metadata.labels.owner: present}", check))
    assert said in error.message


def test_types_of_parameters() -> None:
    assert bindings.is_of_hinted_type(["a"], list[str])
    assert not bindings.is_of_hinted_type([True], list[int])
    assert bindings.is_of_hinted_type(None, bool | None)
    assert not bindings.is_of_hinted_type("x", int)
    assert not bindings.is_of_hinted_type(3, Pattern)


# -- expressions --------------------------------------------------------------------------------------------------

EXPRESSIONS = {
    "doubles": ("^(a+)+$", "double with each character"),
    "alternatives": ("^(a|aa|b)*$", "double with each character"),
    "to a power": ("^.*a.*b", "two repeats can share"),
    "everywhere": ("[a-z]+@", "tried at each place"),
    "large bounds": ("(a{1,5000}){5000}", "double with each character"),
    "bounds that multiply": ("[a-z]{1,200}[a-z0-9]{1,200}!", "multiply to"),
    "optional parts": ("^" + "a?" * 40 + "a" * 40, "in too many ways"),
    "counted and empty": ("^(a?){40}a{40}", "may be empty"),
    "look-around": ("^(?=(a+)+b)", "double with each character"),
    "back-reference": ("^(a*)\\1b", "two repeats can share"),
    "broken": ("(", "no regular expression"),
    "long": ("a" * 5000, "characters long"),
    "deep": ("(" * 90 + "a" + ")" * 90, "nested too deep"),
    "not": ("{not: ", "double with each character"),
}


@holds("rules-patterns")
@pytest.mark.parametrize(("pattern", "said"), EXPRESSIONS.values(), ids=EXPRESSIONS)
def test_an_expression_whose_time_outgrows_the_text_is_refused(tmp_path: Path, pattern: str, said: str) -> None:
    spec = "{not: {not: {matches: '(a+)+b'}}}" if pattern.startswith("{") else f"{{matches: '{pattern}'}}"
    text = RULE.replace("metadata.labels.owner: present", f"metadata.name: {spec}")
    error = refused(tmp_path, text)
    assert error.where.endswith("k8s/mine.yaml:6")
    assert said in error.message


@pytest.mark.parametrize(
    ("pattern", "holds"),
    [
        ("^w[a-z]+$", True), ("^(?i:WEB)$", True), (r"\bweb\b", True), ("^v[0-9]+(?:\\.[0-9]+)*$", False),
        ("(?:^|-)web(?:-|$)", True), ("[a-z]{1,20}b$", True), ("^(?:api|web|worker)-?", True), ("^[^/]+/[^/]+$", False),
    ],
)  # fmt: skip
def test_an_expression_that_is_linear_is_used(tmp_path: Path, pattern: str, holds: bool) -> None:
    text = RULE.replace("metadata.labels.owner: present", f"metadata.name: {{matches: '{pattern}'}}")
    assert (told(tmp_path, text) == []) is holds


@holds("settings-parameters", "rules-patterns")
def test_expressions_among_the_parameters_are_judged_too(tmp_path: Path) -> None:
    check = "check: k8s.ingress.snippet\nwith: {words: [alias, '(a+)+b']}"
    error = refused(tmp_path, RULE.replace("require: {metadata.labels.owner: present}", check))
    assert error.where.endswith("k8s/mine.yaml:7")
    assert "double with each character" in error.message
    tree(tmp_path, **{"s.yaml": "parameters:\n  k8s/ingress-snippet-lua: {words: ['(a+)+b']}\n"})
    with pytest.raises(ConfigError, match=r"s\.yaml:2:3: k8s/ingress-snippet-lua: .*double with each"):
        readiness.check([tmp_path / "t"], config=tmp_path / "s.yaml", select=["k8s/ingress-snippet-lua"])


def test_judging_many_expressions_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each by itself is fine; what all of them together may cost is bounded."""
    words = "|".join(f"word{n}x{n * 7919}" for n in range(20))
    for number in range(40):
        pattern = f"metadata.name: {{matches: '^(?:{words}|{number})$'}}"
        text = RULE.replace("metadata.labels.owner: present", pattern)
        tree(tmp_path, **{f"own/k8s/mine-{number}.yaml": text})
    assert len(rules.load_rules([tmp_path / "own"], rule_groups=["k8s"])) > 40
    monkeypatch.setattr(backtracking, "MAX_ANALYSIS_STEPS", 20_000)

    def judge() -> None:
        assert "too complicated" in held(tmp_path)

    assert effort(judge) < 3_000_000


def test_a_text_of_megabytes_is_unknown_to_an_expression(tmp_path: Path) -> None:
    text = RULE.replace("metadata.labels.owner: present", "data: {matches: '^x*y'}").replace("{kind: Pod}", "{kind: ConfigMap}")
    long = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\ndata: {'x' * 1_200_000}\n"
    tree(tmp_path, **{"own/k8s/mine.yaml": text, "t/pod.yaml": long})
    report = readiness.check([tmp_path / "t"], rules=[tmp_path / "own"], select=["k8s/mine"])
    assert report.findings == ()
    assert report.coverage.percent == 0


def test_a_path_over_aliases_of_aliases_takes_no_time(tmp_path: Path) -> None:
    lines = ["a0: &a0 [{x: y}]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 15)]
    pod = POD + "\n".join(lines) + "\n"
    text = RULE.replace("metadata.labels.owner: present", f"'a14{'[]' * 15}.x': {{not: y}}")
    tree(tmp_path, **{"own/k8s/mine.yaml": text, "t/pod.yaml": pod})
    report = readiness.check([tmp_path / "t"], rules=[tmp_path / "own"], select=["k8s/mine"])
    assert len(report.findings) == 1


# -- folders ------------------------------------------------------------------------------------------------------


def held(root: Path) -> str:
    with pytest.raises(RuleError) as caught:
        rules.load_rules([root / "own"])
    return str(caught.value)


@holds("settings-paths")
def test_folders_of_rules_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree(tmp_path, **{"own/k8s/mine.yaml": RULE + "# " + "x" * MAX_RULE_FILE_BYTES})
    assert "64 KiB at most" in held(tmp_path)
    tree(tmp_path, **{"own/k8s/mine.yaml": RULE, "own/ci/other.yaml": RULE})
    monkeypatch.setattr(rules, "MAX_RULE_FILES_PER_FOLDER", 1)
    assert "1 files" in held(tmp_path)
    monkeypatch.setattr(rules, "MAX_RULE_FILES_PER_FOLDER", 9)
    monkeypatch.setattr(rules, "MAX_BYTES_PER_RULES_FOLDER", 100)
    assert "at most" in held(tmp_path)


def test_a_rule_file_full_of_aliases_is_bounded(tmp_path: Path) -> None:
    bomb = "".join(f"x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 9)}]\n" for n in range(1, 12))
    tree(tmp_path, **{"own/k8s/mine.yaml": RULE + "x0: &x0 [a]\n" + bomb})
    assert "its aliases stand for over" in held(tmp_path)


def test_a_folder_without_rules_is_refused(tmp_path: Path) -> None:
    assert "there is no rule in this directory" in held(tmp_path)
    tree(tmp_path, own="a file")
    assert "there is no rule in this directory" in held(tmp_path)


@holds("settings-paths")
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs a system with links and pipes")
def test_links_out_of_a_folder_of_rules_are_refused(tmp_path: Path) -> None:
    tree(tmp_path, **{"elsewhere/mine.yaml": RULE, "own/k8s/good.yaml": RULE})
    (tmp_path / "own/k8s/mine.yaml").symlink_to(tmp_path / "elsewhere/mine.yaml")
    assert "leads out of the directory of rules" in held(tmp_path)
    (tmp_path / "own/k8s/mine.yaml").unlink()
    (tmp_path / "own/ci").symlink_to(tmp_path / "elsewhere")
    assert "leads out of the directory of rules" in held(tmp_path)
    (tmp_path / "own/ci").unlink()
    (tmp_path / "own/k8s/alike.yaml").symlink_to("good.yaml")
    assert len(rules.load_rules([tmp_path / "own"], rule_groups=["k8s"])) > 2
    os.mkfifo(tmp_path / "own/k8s/pipe.yaml")
    assert "no file that can be read" in held(tmp_path)
    (tmp_path / "own/k8s/pipe.yaml").unlink()
    (tmp_path / "own/k8s/round.yaml").symlink_to("round.yaml")
    assert "k8s/round.yaml" in held(tmp_path)


@pytest.mark.parametrize("name", ["Mine", "a b", "a_b", "-a", "a\n::error::b"])
def test_names_of_rules_are_plain(tmp_path: Path, name: str) -> None:
    tree(tmp_path, **{f"own/k8s/{name}.yaml": RULE})
    assert "rename the file" in held(tmp_path)


# -- settings -----------------------------------------------------------------------------------------------------


def settings(root: Path, text: str) -> config.Config:
    return config.load_config(tree(root, **{".readiness.yaml": text}) / ".readiness.yaml")


OUT = {
    "absolute": "rules: [/]",
    "up": "rules: [../own]",
    "up from below": "rules: [a/../../own]",
    "a drive": "rules: ['C:/own']",
    "NUL": 'rules: ["a\\0b"]',
    "a link": "rules: [link]",
    "below a link": "rules: [link/k8s]",
    "the second": "rules: [own, ../own]",
    "absolute baseline": "baseline: /etc/passwd",
    "baseline above": "baseline: ../known.json",
    "baseline by a link": "baseline: link/known.json",
    "home": "baseline: ~root/../../x",
}


@holds("settings-paths")
@pytest.mark.parametrize("text", OUT.values(), ids=OUT)
def test_paths_of_the_settings_stay_in_their_folder(tmp_path: Path, text: str) -> None:
    tree(tmp_path, **{"own/k8s/mine.yaml": RULE, "t/own/k8s/mine.yaml": RULE})
    (tmp_path / "t/link").symlink_to(tmp_path / "own")
    if "home" in text or "~" in text:
        text = text.replace("~root", "x")
    with pytest.raises(ConfigError) as caught:
        settings(tmp_path / "t", text + "\n")
    assert "leads out of the directory" in caught.value.message
    assert caught.value.where.startswith(".readiness.yaml:1:")
    assert ("--baseline" if "baseline" in text else "--rules") in caught.value.message


def test_paths_inside_are_taken_and_the_command_line_is_free(tmp_path: Path) -> None:
    tree(tmp_path, **{"own/k8s/mine.yaml": RULE, "t/own/k8s/mine.yaml": RULE, "t/pod.yaml": POD})
    (tmp_path / "t/link").symlink_to("own")
    made = settings(tmp_path / "t", "rules: [own, ./a/../own, link]\nbaseline: known.json\n")
    assert [path.resolve() for path in made.rules] == [tmp_path / "t/own"] * 3
    report = readiness.check([tmp_path / "t/pod.yaml"], rules=[tmp_path / "own"], select=["k8s/mine"])
    assert len(report.findings) == 1


@holds("settings-file")
def test_settings_by_a_link_out_of_the_tree_are_refused(tmp_path: Path) -> None:
    tree(tmp_path, **{"secret.yaml": "password: hunter2\n", "t/pod.yaml": POD})
    (tmp_path / "t/.readiness.yaml").symlink_to(tmp_path / "secret.yaml")
    with pytest.raises(ConfigError, match="link that leads out"):
        config.find_settings_file(tmp_path / "t")


LARGE = {
    "bytes": ("ignore: [k8s/]\n# " + "x" * config.MAX_SETTINGS_FILE_BYTES, "KiB is the limit"),
    "entries": ("parameters: {a: {b: [" + "a, " * 30_000 + "]}}", "entries at most"),
    "aliases": (
        "a0: &a0 [a]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)),
        "its aliases stand for over",
    ),
    "long glob": (f"exclude: ['{'*a' * 2000}']", "is longer than 1000"),
    "many globs": ("exclude: [" + ", ".join(f"a{n}" for n in range(3000)) + "]", "more than 2000 entries"),
    "twice": ("ignore: [k8s/, k8s/]", "twice"),
}  # fmt: skip


@holds("settings-file")
@pytest.mark.parametrize(("text", "said"), LARGE.values(), ids=LARGE)
def test_settings_are_bounded(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        settings(tmp_path, text)
    assert said in caught.value.message
    assert len(str(caught.value)) < 500


SAID = {
    "key": {".readiness.yaml": '"a\\n::error::b": 1\n'},
    "word": {".readiness.yaml": 'select: ["a\\n::error::b"]\n'},
    "profile": {".readiness.yaml": 'profile: "a\\n::error::b"\n'},
    "enum": {".readiness.yaml": 'fail-on: "a\\n::error::b"\n'},
    "parameter": {".readiness.yaml": 'parameters: {"a\\n::error::b": {}}\n'},
    "checklist": {".readiness.yaml": 'checklists: ["a\\n::error::b"]\n'},
    "folder": {".readiness.yaml": 'rules: ["a\\n::error::b"]\n'},
    "baseline": {".readiness.yaml": 'baseline: "a\\n::error::b"\n'},
    "baseline there": {".readiness.yaml": 'baseline: "a\\n::error::b"\n', "a\n::error::b": "{}"},
    "version": {".readiness.yaml": "baseline: b.json\n", "b.json": '{"version": "a\\n::error::b"}'},
    "rule file": {".readiness.yaml": "rules: [own]\n", "own/k8s/a\n::error::b.yaml": RULE},
    "target": {".readiness.yaml": "rules: [own]\n", "own/k8s/mine.yaml": RULE.replace("k8s.object", '"k\\n::error::b"')},
    "predicate": {".readiness.yaml": "rules: [own]\n", "own/k8s/mine.yaml": RULE.replace("present", '{"k\\n::error::b": 1}')},
    "syntax": {".readiness.yaml": "a: &a\n::error::b: [\n"},
}  # fmt: skip


@holds("names")
@pytest.mark.parametrize("files", SAID.values(), ids=SAID)
def test_what_is_said_of_settings_stays_on_one_line(tmp_path: Path, files: dict[str, str]) -> None:
    tree(tmp_path, **{"pod.yaml": POD, **files})
    (tmp_path / ".git").mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "readiness", "check", "--no-cache", "."],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith("readiness: ")
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


@holds("names")
def test_values_of_secrets_in_settings_are_masked(tmp_path: Path) -> None:
    tree(tmp_path, **{"pod.yaml": POD, ".readiness.yaml": "profile: 'password=Tr0ub4dor-and-3'\n"})
    done = subprocess.run(
        [sys.executable, "-m", "readiness", "check", "--no-cache", "."],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "Tr0ub4dor" not in done.stderr
    assert "no profile is called" in done.stderr


def test_a_mistake_is_told_at_the_path_that_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Below the working directory from there, elsewhere as it was written: the name of the directory is never left out."""
    write_files(tmp_path, {"work/own/k8s/uid-high.yaml": "title: High\n", "other/k8s/uid-high.yaml": "title: High\n"})
    monkeypatch.chdir(tmp_path / "work")
    other = tmp_path / "other"
    for given, told in (
        (Path("own"), "own"),
        (Path("./own"), "own"),
        (tmp_path / "work/own", "own"),
        (Path("../other"), "../other"),
        (other, str(other)),
    ):
        with pytest.raises(RuleError) as refused:
            rules.load_rules([given], ["k8s"])
        assert refused.value.where == f"{told}/k8s/uid-high.yaml:1"


@holds("settings-paths")
@pytest.mark.parametrize("setting", ["rules: [.git]", "rules: [link]", "baseline: .git/baseline.json"])
def test_nothing_that_settings_name_lies_in_the_data_of_version_control(tmp_path: Path, setting: str) -> None:
    (tmp_path / ".git" / "k8s").mkdir(parents=True)
    (tmp_path / ".git" / "baseline.json").write_text("{}")
    (tmp_path / "link").symlink_to(".git")
    with pytest.raises(ConfigError, match="leads out of the directory"):
        settings(tmp_path, setting + "\n")
