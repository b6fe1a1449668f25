"""Services of compose files, Dockerfiles, configurations of nginx and pipelines."""

from __future__ import annotations

from pathlib import Path

import pytest

import readiness
from tests.triage.services.trees import deployment, joined, parts_by_service, reason_by_part, report_of

DOCKERFILE = 'FROM alpine:3.20\nUSER 1000\nCOPY a /a\nCMD ["/a"]\n'
COMPOSE = "services:\n  web: {build: ./web, restart: always}\n  db: {image: 'postgres:16', restart: always}\n"


def workflow(*steps: str, name: str = "ship") -> str:
    lines = "".join(f"      - {one}\n" for one in ("uses: actions/checkout@v4", *steps))
    return f"name: {name}\non: {{push: {{branches: [main]}}}}\njobs:\n  ship:\n    runs-on: ubuntu-latest\n    steps:\n{lines}"


def test_a_compose_service_has_its_dockerfile_and_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compose = COMPOSE.replace("build: ./web,", "build: ./web, env_file: web.env,")
    files = {"compose.yaml": compose, "web/Dockerfile": DOCKERFILE, "web/.dockerignore": "b\n", "web.env": "A=b\n"}
    report = report_of(files, tmp_path, monkeypatch)
    assert parts_by_service(report) == {"web": {"service/web", "web/Dockerfile", "web/.dockerignore", "web.env"}, "db": {"service/db"}}
    assert reason_by_part(report, "web")["web/Dockerfile"] == "builds its image"


def test_files_laid_over_another_are_the_same_services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"compose.yaml": COMPOSE, "compose.prod.yaml": "services:\n  web: {restart: always, mem_limit: 1g}\n", "web/Dockerfile": DOCKERFILE}
    report = report_of(files, tmp_path, monkeypatch)
    assert set(parts_by_service(report)) == {"web", "db"}
    web = next(one for one in report["services"] if one["name"] == "web")
    assert {part["path"] for part in web["parts"]} == {"compose.yaml", "compose.prod.yaml", "web/Dockerfile"}


@pytest.mark.parametrize("suffix", ["dev", "alpine", "arm64", "production"])
def test_variants_of_a_dockerfile_stand_with_it(suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = report_of({"compose.yaml": COMPOSE, "web/Dockerfile": DOCKERFILE, f"web/Dockerfile.{suffix}": DOCKERFILE}, tmp_path, monkeypatch)
    assert parts_by_service(report)["web"] >= {"web/Dockerfile", f"web/Dockerfile.{suffix}"}


def test_a_dockerfile_of_two_services_is_a_part_of_both_and_its_findings_are_nobodys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compose = "services:\n  web: {build: ., restart: always}\n  worker: {build: ., command: work, restart: always}\n"
    report = report_of({"compose.yaml": compose, "Dockerfile": DOCKERFILE.replace("USER 1000\n", "")}, tmp_path, monkeypatch)
    assert parts_by_service(report) == {"web": {"service/web", "Dockerfile"}, "worker": {"service/worker", "Dockerfile"}}
    assert {one["service"] for one in report["findings"] if one["path"] == "Dockerfile"} == {""}


def test_images_that_nothing_runs_are_services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {f"{folder}/Dockerfile": DOCKERFILE for folder in ("web", "api", "16/alpine3.20/tool", "17/tool", "docker/proxy")}
    assert set(parts_by_service(report_of(files, tmp_path, monkeypatch))) == {"web", "api", "tool", "proxy"}


@pytest.mark.parametrize(("image", "is_one"), [("registry.example.com/shop/web:1", True), ("registry.example.com/shop/other:1", False)])
def test_a_manifest_and_a_compose_file_meet_by_the_image(image: str, is_one: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compose = "services:\n  app: {build: ./src, image: 'registry.example.com/shop/web:1', restart: always}\n"
    report = report_of({"compose.yaml": compose, "src/Dockerfile": DOCKERFILE, "k8s/web.yaml": deployment("web", image)}, tmp_path, monkeypatch)
    assert (len(report["services"]) == 1) is is_one


def test_public_images_join_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compose = "services:\n  cache: {image: 'redis:7', restart: always}\n"
    report = report_of({"compose.yaml": compose, "k8s/q.yaml": deployment("queue", "redis:7")}, tmp_path, monkeypatch)
    assert set(parts_by_service(report)) == {"cache", "queue"}


NGINX = "server {{\n  listen 80;\n  server_name shop.example.com;\n  location / {{ proxy_pass http://{host}; }}\n}}\n"
PROXIED = (
    "services:\n  web: {image: 'registry.example.com/a/web:1', restart: always}\n  api: {image: 'registry.example.com/a/api:1', restart: always}\n"
    "  edge:\n    image: nginx:1.27\n    restart: always\n    volumes: ['./edge.conf:/etc/nginx/conf.d/default.conf:ro']\n"
)


def test_a_server_before_one_service_is_its(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = report_of({"compose.yaml": PROXIED, "edge.conf": NGINX.format(host="web:8000")}, tmp_path, monkeypatch)
    assert reason_by_part(report, "web")["server/shop.example.com"] == "proxy_pass web"
    assert reason_by_part(report, "edge")["edge.conf"] == "mounts it"
    in_front = [one["service"] for one in report["findings"] if one["path"] == "edge.conf" and one["line"] > 1]
    assert in_front
    assert set(in_front) == {"web"}


def test_a_server_with_an_upstream_is_of_what_that_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    conf = "upstream back { server api:9000; }\n" + NGINX.format(host="back")
    report = report_of({"compose.yaml": PROXIED, "edge.conf": conf}, tmp_path, monkeypatch)
    assert "server/shop.example.com" in parts_by_service(report)["api"]


@pytest.mark.parametrize("host", ["elsewhere.example.com", "127.0.0.1:8000", "unknown"])
def test_a_server_before_something_else_is_of_what_reads_it(host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = report_of({"compose.yaml": PROXIED, "edge.conf": NGINX.format(host=host)}, tmp_path, monkeypatch)
    assert not any("server/shop.example.com" in parts for parts in parts_by_service(report).values())
    assert "edge.conf" in parts_by_service(report)["edge"]


def test_a_server_before_two_services_is_of_what_reads_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    conf = NGINX.format(host="web:8000").replace("}\n}", "}\n  location /api { proxy_pass http://api:9000; }\n}")
    report = report_of({"compose.yaml": PROXIED, "edge.conf": conf}, tmp_path, monkeypatch)
    assert not any("server/shop.example.com" in parts for parts in parts_by_service(report).values())


def test_a_configuration_that_nothing_reads_is_a_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"nginx/conf.d/a.conf": NGINX.format(host="10.0.0.1"), "nginx/conf.d/b.conf": NGINX.format(host="10.0.0.2")}
    assert parts_by_service(report_of(files, tmp_path, monkeypatch)) == {"nginx": {"nginx/conf.d/a.conf", "nginx/conf.d/b.conf"}}


BUILD_WEB = "run: docker build -t registry.example.com/shop/web:1 ./web"
BUILD_API = "run: docker build -t registry.example.com/shop/api:1 ./api"
SHIPS = {
    "builds its Dockerfile": (BUILD_WEB, "web"),
    "builds it by an action": ("uses: docker/build-push-action@v6\n        with: {context: ./web, push: true}", "web"),
    "deploys its manifest": ("run: kubectl apply -f k8s/web.yaml", "web"),
    "builds both": (f"{BUILD_WEB}\n      - {BUILD_API}", "pipelines"),
    "builds one that is hidden, too": (f"{BUILD_WEB}\n      - run: docker build -t x $FOLDER", "pipelines"),
    "deploys all": ("run: kubectl apply -f k8s", "pipelines"),
    "ships nothing": ("run: make test", "pipelines"),
    "starts a compose file for its tests": ("run: docker compose -f compose.yaml up -d", "pipelines"),
}


@pytest.mark.parametrize("case", SHIPS)
def test_a_pipeline_belongs_to_the_one_service_that_it_ships(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    step, service = SHIPS[case]
    files = {f"{one}/Dockerfile": DOCKERFILE for one in ("web", "api")}
    files |= {f"k8s/{one}.yaml": deployment(one, f"registry.example.com/shop/{one}:1") for one in ("web", "api")}
    files |= {"compose.yaml": "services:\n  db: {image: 'postgres:16', restart: always}\n", ".github/workflows/ship.yml": workflow(step)}
    assert ".github/workflows/ship.yml" in parts_by_service(report_of(files, tmp_path, monkeypatch))[service]


def test_the_image_of_a_metadata_step_joins_a_manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = (
        "uses: docker/metadata-action@v5\n        id: meta\n        with: {images: '${{ env.IMAGE }}'}",
        "uses: docker/build-push-action@v6\n        with: {context: ., push: true, tags: '${{ steps.meta.outputs.tags }}'}",
    )
    text = workflow(*steps).replace("jobs:", "env: {IMAGE: ghcr.io/acme/lantern}\njobs:")
    files = {"Dockerfile": DOCKERFILE, "k8s/l.yaml": deployment("lantern", "ghcr.io/acme/lantern:1"), ".github/workflows/ship.yml": text}
    report = report_of(files, tmp_path, monkeypatch)
    assert parts_by_service(report) == {"lantern": {"Deployment/lantern", "Dockerfile", ".github/workflows/ship.yml"}}


def test_what_only_tests_run_is_no_service_beside_what_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"k8s/web.yaml": deployment("web", "registry.example.com/shop/web:1"), "tests/compose.yaml": "services:\n  fake: {image: 'mysql:8'}\n"}
    assert set(parts_by_service(report_of(files, tmp_path, monkeypatch))) == {"web"}
    assert set(parts_by_service(report_of({"k8s/web.yaml": "# gone\n"}, tmp_path, monkeypatch))) == {"fake"}


def test_names_are_unique_and_the_same_every_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {f"{folder}/compose.yaml": "services:\n  app: {image: 'redis:7', restart: always}\n" for folder in ("b", "a", "c")}
    first = report_of(files, tmp_path, monkeypatch)
    assert [one["name"] for one in first["services"]] == ["app (a)", "app (b)", "app (c)"]
    assert first == report_of(files, tmp_path, monkeypatch)


def test_prose_shows_no_services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    block = f"```yaml\n{joined(deployment('web', 'registry.example.com/shop/web:1'))}```\n"
    assert report_of({"README.md": block}, tmp_path, monkeypatch)["services"] == []


def test_a_dockerfile_that_only_tests_run_and_a_pipeline_ships_is_a_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compose = "services:\n  sut: {build: ../app}\n"
    files = {"app/Dockerfile": DOCKERFILE, "tests/compose.yaml": compose, "k8s/web.yaml": deployment("web", "registry.example.com/shop/web:1")}
    files[".github/workflows/ship.yml"] = workflow("run: docker build -t registry.example.com/shop/app:1 ./app")
    parts = parts_by_service(report_of(files, tmp_path, monkeypatch))
    assert parts == {"web": {"Deployment/web"}, "app": {"app/Dockerfile", ".github/workflows/ship.yml"}}


@pytest.mark.parametrize("name", ["${APP}-web", "{{ name }}"])
def test_a_name_that_is_filled_in_later_is_no_service(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = deployment("web", "registry.example.com/shop/web:1").replace("name: web}", f"name: '{name}'}}", 1)
    assert report_of({"k8s/web.yaml": text}, tmp_path, monkeypatch)["services"] == []


@pytest.mark.parametrize("pushed", ["ghcr.io/acme/shop-api", "${{ vars.REGISTRY }}/shop-api"])
def test_a_dockerfile_is_of_what_runs_an_image_that_a_build_calls_as_its_own(pushed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build = f"{{uses: docker/build-push-action@v6, with: {{context: ., push: true, tags: '{pushed}:1'}}}}"
    compose = "services:\n  api: {image: 'registry.example.com/ai/shop-api:1', restart: always}\n"
    files = {"Dockerfile": DOCKERFILE, "compose.yaml": compose, ".github/workflows/ship.yml": workflow(build)}
    report = report_of(files, tmp_path, monkeypatch)
    assert parts_by_service(report) == {"api": {"service/api", "Dockerfile", ".github/workflows/ship.yml"}}
    assert reason_by_part(report, "api")["Dockerfile"] == "builds registry.example.com/ai/shop-api, which a build calls by the same name"


@pytest.mark.parametrize("image", ["registry.example.com/ai/shop-web:1", "registry.example.com/shop-api/web:1", "postgres:16"])
def test_an_image_of_another_last_name_is_not_joined(image: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build = "{uses: docker/build-push-action@v6, with: {context: ., push: true, tags: 'ghcr.io/acme/shop-api:1'}}"
    compose = f"services:\n  api: {{image: '{image}', restart: always}}\n"
    files = {"Dockerfile": DOCKERFILE, "compose.yaml": compose, ".github/workflows/ship.yml": workflow(build)}
    assert parts_by_service(report_of(files, tmp_path, monkeypatch))["api"] == {"service/api"}


def test_of_several_dockerfiles_of_one_name_the_nearest_is_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {}
    for folder in ("red", "blue"):
        files[f"{folder}/src/Dockerfile"] = DOCKERFILE
        files[f"{folder}/k8s/web.yaml"] = deployment(f"{folder}-web", "registry.example.com/shop/api:1")
    steps = [
        f"{{uses: docker/build-push-action@v6, with: {{context: {folder}/src, push: true, tags: 'ghcr.io/{folder}/api:1'}}}}"
        for folder in ("red", "blue")
    ]
    report = report_of({**files, ".github/workflows/ship.yml": workflow(*steps)}, tmp_path, monkeypatch)
    services = parts_by_service(report)
    assert services["red-web"] == {"Deployment/red-web", "red/src/Dockerfile"}
    assert services["blue-web"] == {"Deployment/blue-web", "blue/src/Dockerfile"}


def test_no_service_is_called_after_the_folder_of_the_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {
        "acme+shop/Dockerfile": DOCKERFILE,
        "acme+shop/conf/default.conf": "server {\n  listen 80;\n  root /srv;\n}\n",
        "acme+shop/tool/Dockerfile": DOCKERFILE,
    }
    report = report_of(files, tmp_path, monkeypatch, ("acme+shop",))
    assert {"image", "tool"} <= set(parts_by_service(report))
    assert not any("acme" in name for name in parts_by_service(report))
    assert parts_by_service(readiness.check([str(tmp_path / "acme+shop")]).to_dict()).keys() == parts_by_service(report).keys()


def test_folders_that_were_named_side_by_side_tell_services_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = report_of({"web/Dockerfile": DOCKERFILE, "api/Dockerfile": DOCKERFILE}, tmp_path, monkeypatch, ("web", "api"))
    assert set(parts_by_service(report)) == {"web", "api"}


def test_context_lends_no_name_and_no_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was not asked for is not listed, and nothing has to be told from it."""
    compose = "services:\n  redis: {image: 'redis:7', restart: always}\n  api: {image: 'registry.example.com/a/api:1', restart: always}\n"
    files = {
        "a/compose.yaml": compose + "  only: {image: 'registry.example.com/a/only:1'}\n",
        "b/long/compose.yaml": compose.replace("a/api", "b/api"),
    }
    whole = parts_by_service(report_of({**files, ".git/HEAD": "ref: refs/heads/main\n"}, tmp_path, monkeypatch))
    part = parts_by_service(readiness.check(["b"]).to_dict())
    assert set(part) == {"redis", "api"}
    assert "only" in whole
    assert {"api (a)", "api (b/long)"} <= set(whole)
