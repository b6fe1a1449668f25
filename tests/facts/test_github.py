"""What is known of GitHub's workflows."""

from __future__ import annotations

import pytest

from readiness.facts import actions, github
from readiness.facts.table import fact_row_by_name, property_by_fact_name


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("github.head_ref", True),
        ("github.event.issue.title", True),
        ("github.event.commits.0.message", True),
        ("github.event.pages.*.page_name", True),
        ("github.event.*.title", True),
        ("github.event.pull_request.number", False),
        ("github.sha", False),
    ],
)
def test_what_people_outside_write(name: str, expected: bool) -> None:
    assert github.is_untrusted_context(tuple(name.split("."))) is expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("github.sha", True),
        ("github.sha.x", False),
        ("github.event.number", True),
        ("github.event.pull_request.head.sha", True),
        ("github.event.pull_request.head.ref", False),
        ("steps.build.outcome", True),
        ("steps.build.outputs.tag", False),
        ("job.services.db.id", True),
        ("runner.os", True),
        ("strategy.job-index", True),
        ("env.TAG", False),
    ],
)
def test_what_is_fixed(name: str, expected: bool) -> None:
    assert github.is_fixed_word_context(name) is expected


def test_nothing_is_fixed_and_untrusted() -> None:
    assert [name for name in property_by_fact_name("github-contexts", "untrusted") if github.is_fixed_word_context(name)] == []


@pytest.mark.parametrize(
    ("place", "context", "there"),
    [
        ("jobs.*.steps.run", "secrets", True),
        ("jobs.*.steps.if", "secrets", False),
        ("jobs.*.if", "steps", False),
        ("jobs.*.env.NAME", "secrets", True),
        ("on.push", "github", False),
    ],
)
def test_which_context_is_where(place: str, context: str, there: bool) -> None:
    found = github.available_contexts_and_functions(place)
    assert found is not None
    assert (context in found[0]) is there


def test_a_place_that_nothing_is_said_of() -> None:
    assert github.available_contexts_and_functions("jobs") is None


def test_filters_name_their_events() -> None:
    assert github.events_with_filter("tags") == ("push",)
    assert github.events_with_filter("workflows") == ("workflow_run",)


@pytest.mark.parametrize(
    ("name", "effects"),
    [
        ("github/codeql-action/analyze", ("analysis",)),
        ("github/codeql-action/init", ()),
        ("snyk/actions/docker", ("image-scan",)),
        ("snyk/actions/node", ("audit",)),
        ("sonarsource/sonarqube-scan-action", ("analysis",)),
        ("helm/kind-action", ("cluster",)),
        ("acme/deploy", ()),
    ],
)
def test_effects_are_of_the_action_its_repository_or_its_owner(name: str, effects: tuple[str, ...]) -> None:
    assert actions.effects_of_action(name) == effects


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("actions/checkout", "repository"),
        ("actions/cache", "cache"),
        ("actions/cache/restore", ""),
        ("actions/setup-node", "none"),
        ("docker/login-action", "none"),
        ("docker/a/b", ""),
        ("acme/setup-node", ""),
    ],
)
def test_what_an_action_brings(name: str, files: str) -> None:
    assert actions.files_brought_by_action(name) == files


@pytest.mark.parametrize(
    "name",
    ["actions/create-release", "contributor-assistant/github-action", "semgrep/semgrep-action"],
)
def test_archived_actions(name: str) -> None:
    assert actions.action_property(name, "archived")


def test_actions_that_are_kept_are_not_archived() -> None:
    kept = {"actions/checkout", "docker/build-push-action", "softprops/action-gh-release"}
    assert not kept & property_by_fact_name("actions", "archived").keys()


def test_names_of_actions_are_in_lower_case() -> None:
    names = [*fact_row_by_name("actions"), *fact_row_by_name("action-interfaces")]
    assert [name for name in names if name != name.lower()] == []


def test_products_that_actions_install_are_known() -> None:
    known = {one["product"] for one in property_by_fact_name("actions", "installs").values()}
    assert known <= fact_row_by_name("releases").keys()
