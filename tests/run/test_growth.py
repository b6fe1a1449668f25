"""Four times as much to judge is about four times the work, whatever it is that there is more of: calls are counted, with every rule."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator
from pathlib import Path

import pytest

import readiness
from tests import growth_series as series
from tests.make import write_files
from tests.work import Work, lower_bounds, work_by_function

SIZE = 12
MOST_GROWTH = 4.5
# A function that grows faster, seen while it is still drowned by the rest: so much of all calls, and so many times the calls.
SHARE, MOST_GROWTH_OF_FUNCTION = 0.02, 7.0
ALIASES = {"MAX_ALIASED_VALUES_PER_FILE": 100}
SELECTORS = {"MAX_SELECTED_PAIRS_PER_PROJECT": 100, "MAX_CANDIDATES_PER_QUESTION": 4}
CANDIDATES = {"MAX_CANDIDATES_PER_QUESTION": 4}
# What grows faster up to a bound, and linearly past it. The bounds, by their names in whatever module of the package, are set so low here that both
# sizes lie past them; tests/loading/test_limits.py shows what is told of what is over one.
BOUNDED: dict[str, dict[str, int]] = {
    "compose_aliased_services": ALIASES,
    "compose_extends_one": ALIASES,
    "compose_env_file": {"MAX_VARIABLES_FROM_ENV_FILE": 100},
    "yaml_merge_fan": ALIASES,
    "yaml_merge_chain": ALIASES,
    "ci_aliased_steps": ALIASES,
    "gitlab_extends_many": ALIASES,
    "gitlab_includes": {"MAX_INCLUDED_FILES": 4},
    "docker_ignore_lines": {"MAX_MATCHING_WORK_PER_FILE": 1000},
    "k8s_equal_labels": SELECTORS,
    "k8s_selectors_not_in": SELECTORS,
    "k8s_selectors_not_in_and_in": SELECTORS,
    "k8s_selectors_not_in_and_pairs": SELECTORS,
    "k8s_selectors_exists": SELECTORS,
    "k8s_selectors_does_not_exist": SELECTORS,
    "k8s_service_monitors": SELECTORS,
    "k8s_one_role": {**CANDIDATES, "MAX_BINDINGS_PER_ACCOUNT": 4},
    "k8s_policies_x_namespaces": CANDIDATES,
    "k8s_ingresses_of_one_host": CANDIDATES,
    "k8s_one_name_many_objects": CANDIDATES,
    "k8s_scalers_of_one": CANDIDATES,
    "k8s_containers": {"_MAX_CONTAINERS_PER_POD": 4},
    "k8s_kustomization_chain": {"MAX_KUSTOMIZATION_BUILDS": 4},
    "k8s_kustomize_patches": {"MAX_OBJECT_LOOKUPS_PER_OVERLAY": 100},
    "k8s_kustomize_variable_fields": {"MAX_VISITED_VALUES_PER_OVERLAY": 100},
    "k8s_kustomize_references": {"MAX_OBJECT_LOOKUPS_PER_OVERLAY": 100},
    "k8s_kustomize_replacements": {"MAX_VISITED_VALUES_PER_OVERLAY": 100, "MAX_OBJECT_LOOKUPS_PER_OVERLAY": 100},
    "k8s_kustomize_label_selectors": {"MAX_OBJECT_LOOKUPS_PER_OVERLAY": 100},
    "k8s_kustomize_removals": {"MAX_VISITED_VALUES_PER_OVERLAY": 100},
    "k8s_kustomize_absent_objects": {"MAX_OBJECT_LOOKUPS_PER_OVERLAY": 50},
    "k8s_kustomize_generators": {"MAX_VALUES_PER_OVERLAY": 100},
    "k8s_kustomize_aliased_patch": {"MAX_VALUES_PER_OVERLAY": 100},
    "k8s_kustomize_former_names": {"MAX_OBJECT_LOOKUPS_PER_OVERLAY": 100},
    "k8s_kustomize_roots_over_chain": {"MAX_KUSTOMIZATION_BUILDS_PER_RUN": 10},
    "docker_many_heredocs_of_one": {"_MAX_CHARACTERS_BEFORE_HEREDOC": 20},
    "ci_steps": {"_MAX_STEPS_PER_JOB": 8},
    "gitignore_lines": {"MAX_MATCH_WORK_PER_WALK": 1000},
    "nginx_headers": {"_MAX_OUTER_HEADERS": 8},
    "nginx_shared_include": {"MAX_INCLUDED_DIRECTIVES_PER_TREE": 100},
    "compose_env_files": {"MAX_VARIABLES_FROM_ENV_FILES_PER_RUN": 100},
    "compose_files_of_aliases": {"MAX_EXPANDED_VALUES_PER_RUN": 100},
}


@pytest.fixture(scope="module", autouse=True)
def warmed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Import and compile what every run needs, so that it counts for none; no program is here, on whatever machine."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("PATH", "")
        yield from _warmed(tmp_path_factory)


def _warmed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    for name in ("compose_services", "nginx_locations", "k8s_ingress_services", "docker_stages", "ci_steps", "gitlab_jobs", "markdown_fences"):
        judged_work(tmp_path_factory.mktemp("warm"), name, 3)
    yield


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


@pytest.mark.parametrize("name", BOUNDED)
def test_past_its_bound_work_is_linear(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    judged_work(tmp_path / "warm", name, 2)
    lower_bounds(monkeypatch, BOUNDED[name])
    small, large = judged_work(tmp_path / "small", name, SIZE), judged_work(tmp_path / "large", name, 4 * SIZE)
    assert large.total() <= MOST_GROWTH * small.total()
    assert fast_functions(small, large) == []


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
