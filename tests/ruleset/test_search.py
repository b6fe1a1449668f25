"""Finding rules by words and by other linters' ids in any spelling."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from readiness import api
from readiness.cli.main import main
from readiness.ruleset.search import normal_peer_id
from readiness.ruleset.select import SelectionError, unknown_selector_text


def ids(*words: str) -> list[str]:
    return [one.id for one in api.search_rules(like=None, kind=None, profile=None, words=words)]


@pytest.mark.parametrize(
    ("words", "first"),
    [
        (("privileged",), "k8s/privileged"),
        (("liveness", "probe"), "k8s/liveness-probe-missing"),
        (("ckv_k8s_8",), "k8s/liveness-probe-missing"),
        (("Docker", "socket"), None),
    ],
)
def test_words(words: tuple[str, ...], first: str | None) -> None:
    found = ids(*words)
    assert found
    assert first is None or first in found[:3]


def test_every_word_has_to_be_there() -> None:
    assert set(ids("probe", "missing")) <= set(ids("probe"))
    with pytest.raises(SelectionError, match="no rule with 'probe xyzzy'"):
        ids("probe", "xyzzy")


def test_words_narrow_a_kind() -> None:
    found = api.search_rules(like=None, kind="nginx", profile=None, words=["header"])
    assert found
    assert {one.kind for one in found} == {"nginx"}


@pytest.mark.parametrize(
    ("one", "other"),
    [("AVD-KSV-0008", "KSV008"), ("KSV-0008", "ksv-8"), ("CKV_K8S_8", "ckv-k8s-8"), ("DL3007", "dl3007"), ("run-as-non-root", "RunAsNonRoot")],
)
def test_spellings_of_one_id(one: str, other: str) -> None:
    assert normal_peer_id(one) == normal_peer_id(other)


@pytest.mark.parametrize(("one", "other"), [("CKV_K8S_8", "CKV_K8S_80"), ("DL3007", "DL3070"), ("C-0013", "C-0130"), ("KSV-0010", "KSV-0001")])
def test_other_ids_stay_others(one: str, other: str) -> None:
    assert normal_peer_id(one) != normal_peer_id(other)


@pytest.mark.parametrize("spelling", ["CKV_K8S_8", "ckv_k8s_8", "ckv-k8s-8"])
def test_like_takes_any_spelling(spelling: str) -> None:
    assert "k8s/liveness-probe-missing" in [one.id for one in api.search_rules(like=spelling, kind=None, profile=None)]


@pytest.mark.parametrize("spelling", ["DS-0002", "AVD-DS-0002", "DS002", "ds002", "ds_0002"])
def test_trivys_dockerfile_ids_in_its_own_spellings(spelling: str) -> None:
    found = {one.id for one in api.search_rules(like=spelling, kind=None, profile=None)}
    assert found == {"dockerfile/user-missing", "dockerfile/user-root", "dockerfile/user-unstated"}


def test_like_without_an_equal_leads_to_the_search() -> None:
    done = CliRunner().invoke(main, ["rules", "--like", "privileged"])
    assert done.exit_code == 2
    assert "`readiness rules privileged`" in done.stderr


@pytest.mark.parametrize(
    ("selector", "text"),
    [
        ("k8s/privleged", "no rule, category or prefix is called 'k8s/privleged'; did you mean 'k8s/privileged'?"),
        ("k8s/team", "no rule, category or prefix is called 'k8s/team'; `readiness rules team` looks for words"),
        ("live", "no rule, category or prefix is called 'live'; `readiness rules live` looks for words"),
        ("ckv_k8s_8", "'ckv_k8s_8' is another linter's id; the rule here is 'k8s/liveness-probe-missing'"),
        ("relyability", "no rule, category or prefix is called 'relyability'; did you mean 'reliability'?"),
    ],
)
def test_what_is_said_of_an_unknown_name(selector: str, text: str) -> None:
    assert unknown_selector_text(selector) == text


def test_the_command() -> None:
    done = CliRunner().invoke(main, ["rules", "--kind", "k8s", "liveness", "probe"])
    assert done.exit_code == 0
    assert "k8s/liveness-probe-missing" in done.stdout
