"""Which of the things that run are one service: the same manifest, name, image or build, each as far as it tells."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from readiness.triage.services.graph import Runner, ServiceGraph
from readiness.triage.services.names import name_without_environments, path_without_environments

_MAX_SHARED_SERVICES_PER_UNIT = 64  # as many services of a unit as tell whether another one has the same
_PlaceKey = tuple[tuple[str, int], str]


def join_runners(graph: ServiceGraph) -> None:
    """Join what runs to services; the surest signs first, since each counts what the ones before have left apart."""
    runners = list(graph.runners)
    _join_same_manifests(graph, runners)
    _join_same_names(graph, runners)
    _join_same_images(graph, runners)
    _join_stores_of_same_units(graph, runners)
    _join_jobs(graph, runners)


def _join_same_manifests(graph: ServiceGraph, runners: list[Runner]) -> None:
    """Join what environments make of one manifest.

    A template may print several workloads, and one chart may be installed for several applications: those have names or images of
    their own. What a chart gives with no release named goes with the one release that there is.
    """
    count_by_place_and_home: dict[tuple[tuple[str, int], str], int] = {}
    runners_by_key: dict[_PlaceKey, list[Runner]] = {}
    for runner in runners:
        place_and_home = runner.place, runner.home
        count_by_place_and_home[place_and_home] = count_by_place_and_home.get(place_and_home, 0) + 1
        runners_by_key.setdefault((runner.place, runner.image_short_name), []).append(runner)
    places_of_several = {place for (place, _), count in count_by_place_and_home.items() if count > 1}
    for (place, _), same_manifest_runners in runners_by_key.items():
        is_made_by_chart = any(one.is_made_by_chart for one in same_manifest_runners)
        if not is_made_by_chart and place not in places_of_several:
            graph.join(same_manifest_runners, "the same manifest")
            continue
        runners_by_name: dict[str, list[Runner]] = {}
        for runner in same_manifest_runners:
            runners_by_name.setdefault(name_without_environments(runner.name), []).append(runner)
        for same_name_runners in runners_by_name.values():
            graph.join(same_name_runners, "the same manifest")
        release_names = [name for name, group in runners_by_name.items() if any(" of " in one.home for one in group)]
        if is_made_by_chart and place not in places_of_several and len(release_names) <= 1 and len(runners_by_name) <= 2:
            graph.join(same_manifest_runners, "the same manifest")


def _join_same_names(graph: ServiceGraph, runners: list[Runner]) -> None:
    """Join what has one name in one unit, and what has one name and image in the environments of one folder."""
    runners_by_home_and_name: dict[tuple[str, str], list[Runner]] = {}
    runners_by_environment_key: dict[tuple[str, str, str], list[Runner]] = {}
    for runner in runners:
        runners_by_home_and_name.setdefault((runner.home, runner.name), []).append(runner)
        image_name = runner.image_short_name or posixpath.basename(posixpath.dirname(runner.dockerfile_path))
        home = runner.home.partition(" (")[0] if runner.is_made_by_chart else path_without_environments(runner.home)
        key = home, name_without_environments(runner.name), image_name
        runners_by_environment_key.setdefault(key, []).append(runner)
    for same_name_runners in runners_by_home_and_name.values():
        graph.join(same_name_runners, "the same name in one unit")
    for same_name_runners in runners_by_environment_key.values():
        graph.join(same_name_runners, "the same of another environment")


def _join_same_images(graph: ServiceGraph, runners: list[Runner]) -> None:
    """Join what runs one image in several units; where a unit runs it twice, the names have to be the same, too."""
    own_image_runners = [one for one in runners if not one.is_job and not one.is_public and (one.image or one.dockerfile_path)]

    def keyed_by_name() -> Iterator[tuple[tuple[str, str, str], Runner]]:
        for runner in own_image_runners:
            name = name_without_environments(runner.name)
            if runner.dockerfile_path:
                yield ("build", runner.dockerfile_path, name), runner
            if runner.image:
                yield ("image", runner.image, name), runner

    graph.join_groups_by_key(keyed_by_name(), "the same image and name")
    runners_by_build = ((one.dockerfile_path, one) for one in own_image_runners if one.dockerfile_path)
    graph.join_groups_by_key(runners_by_build, "its image is built by the same Dockerfile")
    runners_by_image = ((one.image, one) for one in own_image_runners if one.image and _is_named_after_image(one))
    graph.join_groups_by_key(runners_by_image, "the same image")


def _is_named_after_image(runner: Runner) -> bool:
    """Whether a name and that of an image are one, but for words in front or behind: the image alone says no more where others make it."""
    name, image_name = f"-{runner.name}-".replace("_", "-").lower(), f"-{runner.image_short_name}-".replace("_", "-").lower()
    return image_name in name or name in image_name


def _join_stores_of_same_units(graph: ServiceGraph, runners: list[Runner]) -> None:
    """Join what has one name and one public image in units that have another service in common: the database of two ways to run it."""
    roots_by_home: dict[str, dict[int, Runner]] = {}
    for runner in runners:
        if not runner.is_public and runner.image:
            root = graph.root_of(runner)
            roots_by_home.setdefault(runner.home, {})[id(root)] = root

    def keyed() -> Iterator[tuple[tuple[str, str, int], Runner]]:
        for runner in runners:
            if runner.is_public and not runner.is_job:
                for root_id in list(roots_by_home.get(runner.home, {}))[:_MAX_SHARED_SERVICES_PER_UNIT]:
                    yield (name_without_environments(runner.name), runner.image, root_id), runner

    graph.join_groups_by_key(keyed(), "the same name and image beside the same service")


def _join_jobs(graph: ServiceGraph, runners: list[Runner]) -> None:
    """Join a job with the one service of its unit whose image it runs."""
    runners_by_home_and_image: dict[tuple[str, str], list[Runner]] = {}
    for runner in runners:
        if not runner.is_job:
            for image in {runner.image, runner.dockerfile_path} - {""}:
                runners_by_home_and_image.setdefault((runner.home, image), []).append(runner)
    for runner in runners:
        if not runner.is_job:
            continue
        for image in (runner.dockerfile_path, runner.image):
            hosts = runners_by_home_and_image.get((runner.home, image), []) if image else []
            if len(graph.roots_of(hosts)) == 1:
                graph.join([hosts[0], runner], f"runs the image of {hosts[0].part.resource}")
                break
