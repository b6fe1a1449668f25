"""Four times as much to judge is about four times the work, whatever it is that there is more of: calls are counted, with every rule."""

from __future__ import annotations

import fnmatch
from pathlib import Path

import pytest

import readiness
from tests import growth_series as series
from tests.make import write_files
from tests.work import Work, work_by_function

SIZE = 12
MOST_GROWTH = 4.5
# A function that grows faster, seen while it is still drowned by the rest: so much of all calls, and so many times the calls.
SHARE, MOST_GROWTH_OF_FUNCTION = 0.02, 7.0
# What grows faster up to a bound, which a test of its own holds.
BOUNDED = {
    "compose_aliased_services": "MAX_ALIASED_VALUES_PER_FILE: tests/loading/test_limits.py",
    "compose_extends_one": "MAX_ALIASED_VALUES_PER_FILE: tests/loading/test_limits.py",
    "compose_env_file": "MAX_VARIABLES_FROM_ENV_FILE: tests/loading/test_limits.py",
    "yaml_merge_fan": "MAX_ALIASED_VALUES_PER_FILE: tests/loading/test_limits.py",
    "yaml_merge_chain": "MAX_ALIASED_VALUES_PER_FILE: tests/loading/test_limits.py",
    "ci_aliased_steps": "MAX_ALIASED_VALUES_PER_FILE: tests/loading/test_limits.py",
    "gitlab_extends_many": "MAX_ALIASED_VALUES_PER_FILE: tests/loading/test_limits.py",
    "gitlab_includes": "MAX_INCLUDED_FILES: files of one pipeline, as GitLab counts",
    "docker_ignore_lines": "MAX_MATCHING_WORK_PER_FILE: tests/kinds/test_dockerignore.py",
    "k8s_equal_labels": "MAX_CANDIDATES_PER_QUESTION: 64 things for one question",
    "k8s_one_role": "MAX_CANDIDATES_PER_QUESTION and MAX_BINDINGS_PER_ACCOUNT: 64 each",
    "k8s_policies_x_namespaces": "MAX_CANDIDATES_PER_QUESTION: 64 things for one question",
    "k8s_ingresses_of_one_host": "64 rivals of one route",
    "k8s_one_name_many_objects": "64 workloads of one selector",
    "k8s_containers": "64 containers of one pod whose ports are compared",
    "k8s_kustomization_chain": "MAX_KUSTOMIZATION_BUILDS: kustomizations inside each other, told apart by the folders that are open",
    "k8s_kustomize_patches": "MAX_OBJECT_LOOKUPS_PER_OVERLAY: objects that all patches of an overlay look at",
    "k8s_kustomize_images": "MAX_OBJECT_LOOKUPS_PER_OVERLAY: objects that all patches of an overlay look at",
    "docker_many_heredocs_of_one": "_MAX_CHARACTERS_BEFORE_HEREDOC: 1,000 characters in front of each",
    "ci_steps": "_MAX_STEPS_PER_JOB: 2,000 steps, each with those before it",
    "gitignore_lines": "MAX_MATCH_WORK_PER_WALK: tests/syntax/test_gitignore.py",
    "compose_configs": "known secrets are looked for by their beginnings, or by the letters of a text where those are fewer",
    "nginx_headers": "_MAX_OUTER_HEADERS: 200 headers of one level that blocks below may lose",
}


@pytest.fixture(scope="module", autouse=True)
def warmed(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Import and compile what every run needs, so that it counts for none."""
    for name in ("compose_services", "nginx_locations", "k8s_ingress_services", "docker_stages", "ci_steps", "gitlab_jobs", "markdown_fences"):
        judged_work(tmp_path_factory.mktemp("warm"), name, 3)


def judged_work(root: Path, name: str, size: int) -> Work:
    """The work of a whole check of one series."""
    write_files(root, series.ALL[name](size))
    return work_by_function(lambda: readiness.check([root], select=["ALL"], base=root, config=False))


def fast_functions(small: Work, large: Work) -> list[str]:
    """The functions that grow faster than what there is to judge."""
    total = large.total()
    return [
        f"{Path(file).name}:{line} {function}: {small[file, line, function]} to {count} calls"
        for (file, line, function), count in large.most_common()
        if count > SHARE * total and count > MOST_GROWTH_OF_FUNCTION * max(small[file, line, function], 50)
    ]


@pytest.mark.parametrize("name", [one for one in series.ALL if one not in BOUNDED])
def test_four_times_as_much_is_no_more_than_four_and_a_half_times_the_work(tmp_path: Path, name: str) -> None:
    small, large = judged_work(tmp_path / "small", name, SIZE), judged_work(tmp_path / "large", name, 4 * SIZE)
    assert large.total() <= MOST_GROWTH * small.total()
    assert fast_functions(small, large) == []


# Past their bounds, the sizes at which these are linear again.
SIZES_PAST_BOUND = {"compose_configs": 130, "k8s_policies_x_namespaces": 70, "k8s_ingresses_of_one_host": 130, "k8s_containers": 130}


@pytest.mark.parametrize(("name", "size"), SIZES_PAST_BOUND.items(), ids=SIZES_PAST_BOUND)
def test_past_a_bound_work_is_linear_again(tmp_path: Path, name: str, size: int) -> None:
    small, large = judged_work(tmp_path / "small", name, size), judged_work(tmp_path / "large", name, 2 * size)
    assert large.total() <= MOST_GROWTH / 2 * small.total()


def test_the_measure_sees_a_square() -> None:
    def pairs(count: int) -> int:
        return sum(min(one, other) for one in range(count) for other in range(count))

    small, large = work_by_function(lambda: pairs(50)), work_by_function(lambda: pairs(200))
    assert large.total() > 15 * small.total()
    assert any("pairs" in one or "genexpr" in one for one in fast_functions(small, large))


def test_what_the_issue_names_is_in_the_series() -> None:
    named = """compose_services compose_shared_volume compose_own_volumes compose_extends_chain nginx_files nginx_regex_locations nginx_rewrites
        k8s_match_expressions k8s_equal_labels comment_beside_hashes docker_heredocs ci_aliased_steps markdown_fences yaml_merge_chain""".split()
    assert set(named) <= set(series.ALL)
    assert set(BOUNDED) <= set(series.ALL)
    assert all(any(fnmatch.fnmatch(name, f"{kind}_*") for name in series.ALL) for kind in ("compose", "nginx", "k8s", "docker", "ci", "gitlab"))
