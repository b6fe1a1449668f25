"""Which files a tree deploys: what nothing deploys closes no gate."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

import readiness
from readiness.loading.deployment_texts import parts_of_names, telling_lines
from readiness.loading.engine_reach import EngineObject, reach_of_engines
from readiness.model import Source
from readiness.redaction.redactor import Redactor
from readiness.reports import digest
from tests.make import write_files

BROKEN_POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: Web_1, image: 'registry.example.net/web:1'}]}\n"
OTHER_POD = BROKEN_POD.replace("Web_1", "web")
ENGINE = """\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: web}
spec:
  path: ./deploy
  interval: 10m
"""
ARGO = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: web}
spec: {source: {path: deploy/, repoURL: "https://git.example.net/web"}}
"""
TELLS = {"README.md": "# Web\n\n    kubectl apply -f other/pod.yaml\n", "other/pod.yaml": OTHER_POD}
STACK = """\
services:
  web:
    image: postgres:18.1
    restart: always
    volumes: ["data:/var/lib/postgresql/data"]
volumes: {data: {}}
"""
IMAGE = 'FROM debian:12.5\nRUN echo \'root:hunter2-Zq8\' | chpasswd\nEXPOSE 22\nCMD ["sshd", "-D"]\n'


def worst_severity(root: Path, path: str, **options: Any) -> str:
    """The worst severity of the findings in a file of a tree."""
    findings = readiness.check([root], base=root, **options).findings
    return str(max(one.severity for one in findings if one.path == path))


def severity_in(tmp_path: Path, path: str, files: dict[str, str], **options: Any) -> str:
    """The worst severity of the findings in a file of a tree made of `files`."""
    return worst_severity(write_files(tmp_path, files), path, **options)


@pytest.mark.parametrize(
    "more",
    [
        {"up.sh": "kubectl apply \\\n  -f other/pod.yaml \\\n  -f deploy/pod.yaml\n"},
        {"deploy/up.sh": "kubectl apply -f .\n"},
        {"up.sh": "kubectl apply --recursive -f deploy\n"},
        {"up": "#!/bin/sh\nkubectl apply -f deploy/pod.yaml\n"},
        {"deploy/up.sh": "kubectl apply -f pod.yaml\n"},
        {"scripts/up.sh": 'cd "$(dirname "$0")/.." && oc apply -f "${ROOT}/deploy/pod.yaml"\n'},
        {"Makefile": "up:\n\tkubectl apply -f deploy\n"},
        {"up.sh": "cd deploy && ./up && kubectl get pods\n"},
        {"up.sh": "kustomize build deploy | kubectl apply -f -\n"},
        {"up.sh": "kubectl --context prod apply --filename=deploy\n"},
        {"pipeline.yaml": "steps:\n- path: deploy\n"},
        {"deploy/kustomization.yaml": "resources:\n- pod.yaml\n", "up.sh": "kubectl apply -k deploy\n"},
        {"deploy/kustomization.yaml": "# - web.yaml\nresources:\n- pod.yaml # the web's\n", "Makefile": "up:\n\tkubectl apply -k deploy\n"},
        {"kustomization.yaml": "resources:\n- deploy/pod.yaml\n", "up.sh": "kubectl apply -k .\n"},
        {"web/kustomization.yaml": "resources:\n- ../deploy/pod.yaml\n", "up.sh": "kustomize build web | kubectl apply -f -\n"},
        {
            "cluster/kustomization.yaml": "resources: [../web]\n",
            "web/kustomization.yml": "bases: [../deploy]\n",
            "deploy/kustomization.yaml": "resources:\n- pod.yaml\n",
            "up.sh": "kubectl apply -k cluster\n",
        },
        {"overlays/production/kustomization.yaml": "resources:\n- ../../deploy\n", "deploy/kustomization.yaml": "resources:\n- pod.yaml\n"},
        {"cluster/web.yaml": ENGINE},
        {"cluster/web.yaml": ARGO},
        {".github/workflows/ship.yaml": "on: push\njobs: {a: {runs-on: ubuntu-24.04, steps: [{run: kubectl apply -f deploy/pod.yaml}]}}\n"},
        {"up.sh": "cd deploy\ndocker compose build\nkubectl apply -f pod.yaml\n"},
        {"deploy/up.sh": "docker build -t web . && kubectl apply -f .\n"},
        {"up.sh": "podman play kube deploy/pod.yaml\n"},
        {"up.sh": "docker run --rm -v .:/work acme/tools:1.2 kubectl apply -f deploy/pod.yaml\n"},
        {"site.yml": "- hosts: all\n  tasks:\n    - name: web\n      kubernetes.core.k8s: {src: deploy/pod.yaml}\n"},
    ],
)
def test_what_shows_that_a_manifest_is_deployed(tmp_path: Path, more: dict[str, str]) -> None:
    assert severity_in(tmp_path, "deploy/pod.yaml", TELLS | {"deploy/pod.yaml": BROKEN_POD} | more) == "high"


@pytest.mark.parametrize(
    ("path", "more"),
    [
        ("deploy/pod.yaml", {}),
        ("deploy/pod.yaml", {"README.md": "# Web\n\n    kubectl apply -f other/pod.yaml\n\nSee deploy/pod.yaml for the fields.\n"}),
        ("deploy/pod.yaml", {"README.md": "# Web\n\n    kubectl apply -f deploy/pod.yaml\n"}),
        ("deploy/pod.yaml", {"README.md": "# Web\n\n    kubectl apply --recursive -f .\n", "deploy/README.md": "    kubectl apply -f .\n"}),
        ("deploy/pod.yaml", {"docs/install.txt": "kubectl apply -f deploy/\n"}),
        ("deploy/pod.yaml", {"deploy/kustomization.yaml": "resources:\n- pod.yaml\n"}),
        ("deploy/pod.yaml", {"deploy/kustomization.yaml": "resources:\n- pod.yaml\n", "README.md": "# Web\n\n    kubectl apply -k deploy\n"}),
        ("deploy/pod.yaml", {"kustomization.yaml": "resources:\n- deploy\n", "deploy/kustomization.yaml": "resources:\n- pod.yaml\n"}),
        ("deploy/pod.yaml", {"tests/up.sh": "kubectl apply -f deploy/pod.yaml\n"}),
        ("deploy/pod.yaml", {"up.sh": "kind create cluster\nkubectl apply -f deploy/pod.yaml\n"}),
        ("deploy/pod.yaml", {"kustomization.yaml": "resources:\n- other/pod.yaml\n", "up.sh": "kubectl apply -k .\n"}),
        (
            "deploy/pod.yaml",
            {"deploy/kustomization.yaml": "resources:\n- web.yaml\n#- pod.yaml\n", "overlays/prod/kustomization.yaml": "resources: [../../deploy]\n"},
        ),
        ("deploy/pod.yaml", {"kustomization.yaml": "resources:\n- other/pod.yaml\n  # - deploy/pod.yaml\n", "up.sh": "kubectl apply -k .\n"}),
        ("deploy/pod.yaml", {"site.yml": "tasks:\n  - other/pod.yaml\n  #- deploy/pod.yaml\n"}),
        ("deploy/pod.yaml", {"cluster/web.yaml": ENGINE.replace("./deploy", "./deployments")}),
        ("deploy/pod.yaml", {"up.sh": "kubectl apply -f deploy/pods.yaml\n"}),
        ("deploy/pod.yaml", {"Makefile": "deploy: other/pod.yaml\n\tkubectl rollout restart deploy web\n"}),
        ("deploy/pod.yaml", {"Makefile": "manifests: other/pod.yaml ## Put what is made into the deploy directory\n\ttrue\n"}),
        ("deploy/pod.yaml", {"Makefile": "up:\n\tkubectl apply -f other/pod.yaml  # not -f deploy/pod.yaml\n"}),
        ("deploy/pod.yaml", {"Makefile": "all:\n\thelm plugin install x && $(MAKE) deploy\n"}),
        ("deploy/pod.yaml", {"deploy/Dockerfile": "FROM debian:12.5\nCOPY . /app/\n"}),
        ("deploy/pod.yaml", {"Dockerfile": "FROM debian:12.5\nCOPY deploy /etc/web\n"}),
        ("deploy/pod.yaml", {"deploy/build.sh": "docker build -t acme/web:1.2.0 .\n"}),
        ("deploy/pod.yaml", {"compose.yaml": "services:\n  web:\n    image: acme/web:1.2.0\n    build: ./deploy\n"}),
        ("deploy/pod.yaml", {"deploy/up.sh": "helm install web .\n"}),
        ("deploy/pod.yaml", {"deploy/Makefile": "lint:\n\tcd . && kubectl version\n"}),
        ("node/pod.yaml", {"run/pod.yaml": OTHER_POD, "run/up.sh": "kubectl apply -f pod.yaml\n"}),
        ("node/run/pod.yaml", {"run/pod.yaml": OTHER_POD, "scripts/up.sh": "kubectl apply -f ../run/pod.yaml\n"}),
        ("pod.yaml", {"run/pod.yaml": OTHER_POD, "run/up.sh": "kubectl apply -f pod.yaml\n"}),
        ("example/pod.yaml", {"example/up.sh": "kubectl apply -f pod.yaml\n"}),
        ("deploy/quickstart.yaml", {"up.sh": "kubectl apply -f deploy/quickstart.yaml\n"}),
    ],
)
def test_a_manifest_that_nothing_deploys_is_medium_at_most(tmp_path: Path, path: str, more: dict[str, str]) -> None:
    assert severity_in(tmp_path, path, TELLS | {path: BROKEN_POD} | more) == "medium"


@pytest.mark.parametrize("more", [{}, {"README.md": "# Web\n\nA service.\n"}, {"README.md": "# Web\n\n    docker compose up\n"}])
def test_where_nothing_tells_how_manifests_are_applied_all_may_be(tmp_path: Path, more: dict[str, str]) -> None:
    assert severity_in(tmp_path, "deploy/pod.yaml", {"deploy/pod.yaml": BROKEN_POD} | more) == "high"


def test_an_engine_applies_examples_too(tmp_path: Path) -> None:
    files = {"deploy/local-api.yaml": BROKEN_POD, "cluster/web.yaml": ENGINE}
    assert severity_in(tmp_path, "deploy/local-api.yaml", TELLS | files) == "high"


def test_a_line_of_data_deploys_nothing(tmp_path: Path) -> None:
    files = {"deploy/pod.yaml": BROKEN_POD, "deploy/reply": '{"text": "' + "kubectl apply -f . " * 400 + '"}\n'}
    assert severity_in(tmp_path, "deploy/pod.yaml", TELLS | files) == "medium"


def test_what_the_settings_call_production_is_deployed(tmp_path: Path) -> None:
    files = {"deploy/pod.yaml": BROKEN_POD, ".readiness.yaml": "purpose: {'deploy/*': production}\n"}
    assert severity_in(tmp_path, "deploy/pod.yaml", TELLS | files, config=tmp_path / ".readiness.yaml") == "high"


def test_what_calls_itself_production_is_deployed(tmp_path: Path) -> None:
    files = {"deploy/pod.yaml": "# readiness: purpose=production\n" + BROKEN_POD}
    assert severity_in(tmp_path, "deploy/pod.yaml", TELLS | files) == "high"


def test_the_option_says_it_of_everything(tmp_path: Path) -> None:
    assert severity_in(tmp_path, "deploy/pod.yaml", TELLS | {"deploy/pod.yaml": BROKEN_POD}, purpose="production") == "high"


def test_a_directory_alone_is_judged_as_from_the_root(tmp_path: Path) -> None:
    deployed = {"up.sh": "kubectl apply -f deploy/pod.yaml\n", "deploy/pod.yaml": BROKEN_POD, ".git/HEAD": "", "other/pod.yaml": BROKEN_POD}
    root = write_files(tmp_path, deployed)
    severities = {}
    for folder in ("deploy", "other"):
        (finding,) = readiness.check([root / folder], base=root / folder, select=["k8s/container-name-invalid"]).findings
        severities[folder] = str(finding.severity)
    assert severities == {"deploy": "high", "other": "medium"}


@pytest.mark.parametrize(
    ("path", "more", "severity"),
    [
        ("compose.yaml", {}, "high"),
        ("stack.yaml", {}, "medium"),
        ("stack.yaml", {"Makefile": "build:\n\tdocker build -t web .\n"}, "medium"),
        ("stack.yaml", {"compose.yaml": "services: {web: {build: .}}\n"}, "medium"),
        ("stack.yaml", {"README.md": "    docker compose -f stack.yaml up -d\n"}, "medium"),
        ("stack.yaml", {"Makefile": "up:\n\tdocker compose -f stack.yaml up -d\n"}, "high"),
        ("web/compose.yaml", {}, "medium"),
        ("web/compose.yaml", {"web/README.md": "    docker compose up -d\n"}, "medium"),
        ("web/compose.yaml", {"web/up.sh": "docker compose up -d\n"}, "high"),
        ("stack.prod.yaml", {}, "high"),
        ("production/compose.yaml", {}, "high"),
        ("live/stack.yaml", {}, "high"),
        ("live_reload/stack.yaml", {}, "medium"),
        ("pre-production/stack.yaml", {}, "medium"),
        ("stack.prod-like.yaml", {}, "medium"),
        ("example/production/compose.yaml", {}, "medium"),
        ("tests/prod/compose.yaml", {}, "medium"),
        ("web/compose-base.yaml", {"compose.yaml": "include: [web/compose-base.yaml]\n"}, "high"),
        ("web/compose-base.yaml", {"web/compose-all.yaml": "include: [compose-base.yaml]\n"}, "medium"),
        (
            "web/compose-base.yaml",
            {"web/compose-all.yaml": "include: [compose-base.yaml]\n", "compose.yaml": "include: [web/compose-all.yaml]\n"},
            "high",
        ),
        ("web/compose.yaml", {"up.sh": "cd web && docker compose up -d\n"}, "high"),
    ],
)
def test_compose_files(tmp_path: Path, path: str, more: dict[str, str], severity: str) -> None:
    tells = {"docs/install.md": "    docker compose -f other.yaml up\n", "other.yaml": "services: {a: {image: 'acme/a:1'}}\n"}
    assert severity_in(tmp_path, path, tells | {path: STACK} | more) == severity


SOCKET = "services: {web: {image: 'acme/web:1', restart: always, ports: ['80:80'], volumes: ['/var/run/docker.sock:/var/run/docker.sock']}}\n"
STAGES = "FROM debian:13.1\nRUN apt-get install git\n"


@pytest.mark.parametrize(
    ("path", "more", "severity"),
    [
        ("compose.yaml", {}, "medium"),
        ("compose.yaml", {"up.sh": "docker compose up -d\n"}, "medium"),
        ("compose.prod.yaml", {}, "high"),
        ("production/compose.yaml", {}, "high"),
        ("stack.yaml", {"up.sh": "docker compose -f stack.yaml up -d\n"}, "medium"),
        ("stack.yaml", {".github/workflows/ship.yaml": "on: push\njobs: {a: {steps: [{run: docker stack deploy -c stack.yaml web}]}}\n"}, "high"),
        ("stack.yaml", {".gitlab-ci.yml": "ship: {script: [docker stack deploy -c stack.yaml web]}\n"}, "high"),
        ("web/compose.yaml", {".doco-cd.yaml": "name: web\nworking_dir: web\ncompose_files: [web/compose.yaml]\n"}, "high"),
        ("examples/stack.yaml", {".gitlab-ci.yml": "ship: {script: [docker stack deploy -c examples/stack.yaml web]}\n"}, "medium"),
    ],
)
def test_a_proof_that_holds_in_production_alone(tmp_path: Path, path: str, more: dict[str, str], severity: str) -> None:
    root = write_files(tmp_path, {path: SOCKET} | more)
    findings = readiness.check([root], base=root, select=["compose/engine-socket"]).findings
    assert {str(one.severity) for one in findings if one.path == path} == {severity}


def test_settings_say_that_it_is_production(tmp_path: Path) -> None:
    root = write_files(tmp_path, {"compose.yaml": SOCKET, ".readiness.yaml": "purpose: {compose.yaml: production}\n"})
    (finding,) = readiness.check([root], base=root, select=["compose/engine-socket"], config=root / ".readiness.yaml").findings
    assert str(finding.severity) == "high"


@pytest.mark.parametrize(
    ("path", "more", "severity"),
    [
        ("Dockerfile", {}, "medium"),
        ("Dockerfile", {"build.sh": "docker build -t web .\n"}, "medium"),
        ("Dockerfile", {".github/workflows/ship.yaml": "on: push\njobs: {a: {steps: [{run: docker build -t web .}]}}\n"}, "high"),
        ("web/Dockerfile", {".github/workflows/ship.yaml": "on: push\njobs: {a: {steps: [{run: docker build -t web web}]}}\n"}, "high"),
        ("web/Dockerfile", {".github/workflows/ship.yaml": "on: push\njobs: {a: {steps: [{run: docker build -t api .}]}}\n"}, "medium"),
        ("Dockerfile.prod", {}, "high"),
    ],
)
def test_an_image_that_a_pipeline_builds(tmp_path: Path, path: str, more: dict[str, str], severity: str) -> None:
    root = write_files(tmp_path, {path: STAGES} | more)
    findings = readiness.check([root], base=root, select=["dockerfile/install-asks"]).findings
    assert {str(one.severity) for one in findings if one.path == path} == {severity}


@pytest.mark.parametrize(
    ("path", "more", "severity"),
    [
        ("Dockerfile", {}, "high"),
        ("images/ssh/Dockerfile", {}, "medium"),
        ("images/ssh/Dockerfile", {"build.sh": "docker build -t acme/ssh images/ssh\n"}, "high"),
        ("images/ssh/Dockerfile", {"build.sh": 'for i in a ssh; do docker build -t "acme/$i" "images/$i"; done\n'}, "high"),
        ("images/ssh/Dockerfile", {"compose.yaml": "services: {ssh: {build: {context: images/ssh}}}\n"}, "high"),
        ("images/ssh/Dockerfile", {"README.md": "    docker build -t acme/ssh images/ssh\n"}, "medium"),
        ("images/ssh/Dockerfile", {"README.md": '    for i in a ssh; do docker build -t "acme/$i" "images/$i"; done\n'}, "medium"),
        ("images/ssh/Dockerfile", {"images/ssh/Makefile": "image:\n\tdocker build -t acme/ssh .\n"}, "high"),
    ],
)
def test_dockerfiles(tmp_path: Path, path: str, more: dict[str, str], severity: str) -> None:
    tells = {"Makefile": "image:\n\tdocker build -t acme/web web\n", "web/Dockerfile": "FROM debian:12.5\n"}
    report = readiness.check([root := write_files(tmp_path, tells | {path: IMAGE} | more)], base=root, select=["dockerfile/password-in-build"])
    assert {str(one.severity) for one in report.findings if one.path == path} == {severity}


def test_reports_say_what_was_lowered_for_it(tmp_path: Path) -> None:
    root = write_files(tmp_path, TELLS | {"deploy/pod.yaml": BROKEN_POD})
    report = readiness.check([root], base=root)
    assert report.to_dict()["undeployed"] == ["deploy/pod.yaml"]
    assert report.gate.passed
    row = digest.undeployed_text(report, Redactor())
    assert "a document alone does not show it): deploy/pod.yaml" in row
    assert 'purpose: {"deploy/*": production}' in row


def test_mentions_without_end_are_read_to_a_limit(tmp_path: Path) -> None:
    from readiness.loading.deployed import MAX_MENTIONS_PER_NAME, DeploymentEvidence
    from readiness.loading.deployment_texts import LineUse
    from readiness.loading.discover import DiscoveredFiles
    from readiness.model import Source

    lines = "".join(f"kubectl apply -f x{at}/pod.yaml\n" for at in range(5 * MAX_MENTIONS_PER_NAME))
    discovered = DiscoveredFiles(script_sources=[Source("up.sh", lines)], paths={"a/pod.yaml", "b/pod.yaml"})
    evidence = DeploymentEvidence(discovered)
    assert evidence.evidence_for("x1/pod.yaml", "k8s") == "up.sh names it"
    assert evidence.evidence_for("a/pod.yaml", "k8s") == ""
    assert len(evidence._mentions_by_use_and_name[LineUse.APPLIES, "pod.yaml"]) == MAX_MENTIONS_PER_NAME


def test_a_line_that_names_nothing_of_the_tree_is_passed_over() -> None:
    """Whatever path a line ends in, a part of its name stands in the line; so no path is passed over."""
    names = ("pod.yaml", ".env.example", "deploy", "a..b.c", "x-1_y", "docker-compose.yaml", "@scope", "é.yaml", ".hidden")
    for name, pattern in itertools.product(names, ("run {0}", "kubectl apply -f ./a/{0}.", "-f ../{0}/", "`{0}`", "({0})", "[{0}*", "x: {0}/../{0}")):
        line = pattern.format(name)
        assert list(telling_lines(Source("up.sh", f"kubectl apply -f {line}"), parts_of_names([name]))), line
    assert list(telling_lines(Source("up.sh", "kubectl apply -f ."), parts_of_names(["."])))
    assert not list(telling_lines(Source("up.sh", "kubectl apply -f other/pod.yml"), parts_of_names(names)))


BASE_JOB = """apiVersion: batch/v1
kind: Job
metadata: {name: load}
spec:
  template:
    spec:
      restartPolicy: Never
      containers:
        - {name: load, image: registry.example.net/load:1, env: [{name: HOST, valueFrom: {configMapKeyRef: {name: settings, key: host}}}]}
"""
OVERLAY = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [../../base, settings.yaml]\n"
SETTINGS = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {KEY: db.example.net}\n"


def overlays(engine_path: str, *whole: str) -> dict[str, str]:
    """An engine, a base, and overlays of it of which those in `whole` have the key that the base reads."""
    files = {"apps/web.yaml": ARGO.replace("path: deploy/", f"path: {engine_path}"), "base/job.yaml": BASE_JOB}
    files["base/kustomization.yaml"] = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [job.yaml]\n"
    for name in ("eu", "us", "production"):
        files[f"overlays/{name}/kustomization.yaml"] = OVERLAY
        files[f"overlays/{name}/settings.yaml"] = SETTINGS.replace("KEY", "host" if name in whole else "port")
    return files


@pytest.mark.parametrize(
    ("engine_path", "whole", "more", "severity"),
    [
        ("overlays/eu", ("eu",), {}, "medium"),
        ("overlays/eu", ("us", "production"), {}, "high"),
        ("overlays/eu", (), {}, "high"),
        ("overlays/production", ("eu", "us"), {}, "high"),
        ("overlays/eu", ("eu", "production"), {"up.sh": "kubectl apply -k overlays/us\n"}, "high"),
        ("elsewhere", ("eu",), {}, "high"),  # the engine comes to nothing of the tree
    ],
)
def test_what_engines_pass_over_is_medium(tmp_path: Path, engine_path: str, whole: tuple[str, ...], more: dict[str, str], severity: str) -> None:
    root = write_files(tmp_path, {**overlays(engine_path, *whole), **more})
    rule = "k8s/reference-key-unresolved"
    found = readiness.check([root], base=root).findings
    assert [str(one.severity) for one in found if one.rule == rule and one.path == "base/job.yaml"] == [severity]


def test_overlays_below_a_directory_that_is_applied_whole_are_not_passed_over() -> None:
    kustomizations = {"base": "resources: [job.yaml]", **{f"overlays/{one}": "resources: [../../base]" for one in ("eu", "more/us", "production")}}
    paths = ["apps/web.yaml", "base/job.yaml", *(f"{one}/kustomization.yaml" for one in kustomizations)]
    reach = reach_of_engines([EngineObject("apps/web.yaml", ("overlays/eu", "overlays/more"))], [], kustomizations, paths)
    passed_over = {one: reach.passes_over("base/job.yaml", [one]) for one in kustomizations}
    assert passed_over == {"base": False, "overlays/eu": False, "overlays/more/us": False, "overlays/production": True}
    assert not reach.passes_over("base/job.yaml", ["overlays/production", "overlays/eu"])
    assert not reach.passes_over("base/job.yaml", ["values-eu.yaml"])  # an environment of a chart
    assert not reach.passes_over("other/job.yaml", ["overlays/production"])  # by nothing at all


def test_environments_of_charts_are_no_overlays(tmp_path: Path) -> None:
    chart = {"deploy/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n", "deploy/values.yaml": "privileged: false\n"}
    pod = OTHER_POD.replace("name: web, image", "name: web, securityContext: {privileged: {{ .Values.privileged }}}, image")
    service = "---\napiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {type: NodePort, selector: {app: web}, ports: [{port: 80}]}\n"
    pod = pod.replace("{name: web}", "{name: web, labels: {app: web}}", 1) + service
    values = {"deploy/values-eu.yaml": "privileged: true\n", "deploy/values-us.yaml": "privileged: false\n"}
    root = write_files(tmp_path, {**chart, **values, "deploy/templates/pod.yaml": pod, "apps/web.yaml": ARGO})
    found = [one for one in readiness.check([root], base=root).findings if one.rule == "k8s/privileged"]
    assert [str(one.severity) for one in found] == ["high"]
