"""The services of a large tree cost what its objects cost, and no more for being many: work is counted, not timed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from readiness import kinds
from readiness.model import Source
from readiness.model.project import Project
from readiness.triage.services.found import find_services
from tests.effort import effort
from tests.triage.services.trees import deployment, joined, manifest


def project_of(texts_by_path: dict[str, str]) -> Project:
    """A project of files whose kinds their texts tell."""
    kinds_and_documents = []
    for path, text in texts_by_path.items():
        source = Source(path, text, kind=kinds.detect_kind(path, text))
        kinds_and_documents.append((source.kind, kinds.kind_module(source.kind).parse(source)))
    return Project(kinds_and_documents, texts_by_path, is_complete=True)


def names(count: int) -> list[str]:
    """So many names, which a tree of another size has not: what is kept of an earlier one counts for nothing."""
    return [f"n{count}x{number}" for number in range(count)]


def one_folder_each(count: int) -> dict[str, str]:
    return {
        f"apps/{name}/all.yaml": joined(
            deployment(name, f"registry.example.com/x/{name}:1"),
            manifest("Service", f"front-{name}", f"spec: {{selector: {{app: {name}}}, ports: [{{port: 80}}]}}"),
            manifest("ConfigMap", f"{name}-settings", "data: {a: b}"),
        )
        for name in names(count)
    }


def one_file(count: int) -> dict[str, str]:
    return {"k8s/all.yaml": joined(*one_folder_each(count).values())}


def one_name_for_all(count: int) -> dict[str, str]:
    return {f"apps/{name}/all.yaml": joined(deployment("web", "postgres:16"), manifest("ConfigMap", "web-x", "")) for name in names(count)}


def one_image_for_all(count: int) -> dict[str, str]:
    return {f"apps/{name}/all.yaml": deployment(f"web{name}", "registry.example.com/x/web:1") for name in names(count)}


def one_map_for_all(count: int) -> dict[str, str]:
    extra = "      serviceAccountName: robot\n      volumes: [{name: c, configMap: {name: shared}}]\n"
    texts = [deployment(name, f"registry.example.com/x/{name}:1", extra=extra) for name in names(count)]
    return {"k8s/all.yaml": joined(*texts, manifest("ConfigMap", "shared", "data: {a: b}"), manifest("ServiceAccount", "robot", ""))}


def compose_services_of_one_dockerfile(count: int) -> dict[str, str]:
    services = "".join(f"  {name}: {{build: ., restart: always}}\n" for name in names(count))
    return {"compose.yaml": f"services:\n{services}", "Dockerfile": "FROM alpine:3.20\nCMD a\n"}


def dockerfiles_of_one_folder(count: int) -> dict[str, str]:
    services = "".join(f"  {name}: {{image: 'registry.example.com/x/web:1', restart: always}}\n" for name in names(count))
    return {"d/compose.yaml": f"services:\n{services}"} | {f"d/Dockerfile.w{name}": "FROM alpine:3.20\nCMD a\n" for name in names(count)}


def pipelines_that_deploy_all(count: int) -> dict[str, str]:
    steps = "".join(f"      - run: kubectl apply -f k8s/{name}.yaml -f k8s\n" for name in names(count))
    head = "on: push\njobs:\n  ship:\n    runs-on: ubuntu-latest\n    steps:\n"
    manifests = {f"k8s/{name}.yaml": deployment(name, f"registry.example.com/x/{name}:1") for name in names(count)}
    return manifests | {".github/workflows/ship.yml": head + steps}


TREES: tuple[Callable[[int], dict[str, str]], ...] = (
    one_folder_each, one_file, one_name_for_all, one_image_for_all, one_map_for_all,
    compose_services_of_one_dockerfile, dockerfiles_of_one_folder, pipelines_that_deploy_all,
)  # fmt: skip


@pytest.mark.parametrize("tree", TREES, ids=lambda one: one.__name__)
def test_eight_times_the_services_are_not_much_more_than_eight_times_the_work(tree: Callable[[int], dict[str, str]]) -> None:
    find_services([project_of(tree(3))])  # what is imported and read once counts for neither
    small, large = project_of(tree(100)), project_of(tree(800))
    assert effort(lambda: find_services([large])) < 9 * effort(lambda: find_services([small]))


def test_five_thousand_services_are_told_apart() -> None:
    found = find_services([project_of(one_folder_each(5000))])
    assert len(found.services) == len({one.name for one in found.services}) == 5000
