"""GitHub's kind: what it claims, which things it finds, and what each step of a pipeline is taken to do."""

from __future__ import annotations

from importlib import import_module

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from readiness.kinds import github
from readiness.kinds.delivery import model
from readiness.kinds.delivery.effects import action_effects, script_effects
from readiness.kinds.github.uses import parse_uses
from readiness.model import Hit, ParseError, Source, Undecidable
from readiness.model.project import Project
from readiness.syntax.yaml import Map
from tests.conftest import catalogue

CI = ".github/workflows/ci.yml"
CLAIMED = {
    "by its place": (CI, "nonsense"),
    "by its keys": ("ci/node.yml", "on: push\njobs:\n  a:\n    runs-on: x\n"),
    "on in quotes": ("a.yml", '"on": push\njobs:\n  a:\n    uses: ./x\n'),
    "jobs alone, in prose": ("block.yml", "jobs:\n  test:\n    runs-on: ubuntu-latest\n"),
    "an action": ("action.yml", "name: x\nruns:\n  using: composite\n"),
    "a broken action": ("a/action.yaml", "name: x\ndescription: y\noutputs: oops\n"),
}
LEFT = {
    "compose": ("compose.yml", "services:\n  jobs:\n    image: x\n"),
    "kubernetes": ("job.yml", "apiVersion: batch/v1\nkind: Job\nspec: {}\n"),
    "circle": ("config.yml", "version: 2\njobs:\n  build:\n    docker: [{image: x}]\n"),
    "an empty action": ("action.yml", ""),
}


@pytest.mark.parametrize(("path", "text"), CLAIMED.values(), ids=CLAIMED)
def test_claims(path: str, text: str) -> None:
    assert github.recognizes_file(path, text)


@pytest.mark.parametrize(("path", "text"), LEFT.values(), ids=LEFT)
def test_leaves(path: str, text: str) -> None:
    assert not github.recognizes_file(path, text)


def workflow(text: str, path: str = CI) -> github.Workflow:
    document = github.parse(Source(path, text, kind="github"))
    assert isinstance(document, github.Workflow)
    return document


def test_jobs_and_steps() -> None:
    found = workflow(
        "on: [push, {a: b}]\n"
        "defaults: {run: {shell: 'sh -e {0}'}}\n"
        "jobs:\n"
        "  build:\n"
        "    runs-on: ${{ matrix.os }}\n"
        "    strategy: {matrix: {os: [ubuntu-24.04, self-hosted], exclude: [{os: self-hosted}]}}\n"
        "    steps:\n"
        "      - uses: actions/checkout@v5\n"
        "      - id: make\n"
        "        run: make\n"
        "      - parallel: [{run: a}, {run: b, if: false}]\n"
        "      - null\n"
        "  call: {needs: build, uses: ./.github/workflows/x.yml, if: '${{ false }}'}\n"
        "  odd: []\n"
    )
    build, call = found.jobs
    assert found.triggers == {"push": None}
    assert [step.resource for step in build.steps] == [
        "job/build/step/1",
        "job/build/step/make",
        "job/build/step/3",
        "job/build/step/4",
    ]
    assert [step.dead for step in build.steps] == [False, False, False, True]
    assert build.runs_on == ("ubuntu-24.04",)
    assert build.steps[1].shell == "sh"
    assert call.dead
    assert call.calls
    assert call.needs == ("build",)


@pytest.mark.parametrize(
    ("text", "form", "name", "ref"),
    [
        ("actions/checkout@v5", "repository", "actions/checkout", "v5"),
        ("GitHub/codeql-action/init@v3", "repository", "github/codeql-action/init", "v3"),
        ("./.github/actions/x", "local", "/", ""),
        ("docker://alpine:3", "docker", "/", ""),
        ("actions/checkout", "unknown", "/", ""),
        ("${{ x }}", "unknown", "/", ""),
    ],
)
def test_references(text: str, form: str, name: str, ref: str) -> None:
    found = parse_uses(text)
    assert (found.reference_kind, found.ref) == (form, ref)
    assert form != "repository" or found.lowercase_name == name


SCRIPTS: dict[str, set[str]] = {
    "kubectl -n prod apply -f k8s/": {"deploy"},
    "kubectl apply --dry-run=server -f k8s/": {"lint"},
    "kubectl rollout status deployment/x": {"rollout"},
    "kubectl rollout undo deployment/x": {"rollback"},
    "helm upgrade --install a b --atomic": {"deploy", "rollout", "rollback"},
    "uv run pytest --cov=app": {"test", "coverage"},
    "npm ci && npm run build": set(),
    "./gradlew build -x test": set(),
    "curl -fsSLo kubectl https://example.com/kubectl": set(),
    "curl --fail https://example.com/health": {"smoke"},
    "docker build -t x .": {"build"},
    "docker buildx build --push --platform linux/amd64,linux/arm64 -t x .": {
        "build",
        "push",
        "platforms",
    },
    "echo kubectl apply": set(),
    "python scripts/smoke_test.py": {"smoke", "test"},
    "cat <<E\nkubectl apply\nE": set(),
}


@pytest.mark.parametrize(("script", "kinds"), SCRIPTS.items(), ids=list(SCRIPTS))
def test_deeds_of_scripts(script: str, kinds: set[str]) -> None:
    assert {deed.kind for deed in script_effects(script)} == kinds


def test_deeds_of_actions() -> None:
    assert {d.kind for d in action_effects("docker/build-push-action", {"push": True})} == {
        "build",
        "push",
    }
    assert {d.kind for d in action_effects("docker/build-push-action", {})} == {"build"}
    assert {d.kind for d in action_effects("github/codeql-action/analyze", {})} == {"analysis"}
    assert action_effects("somebody/unknown", {}) == ()


def test_a_cluster_of_its_own_is_no_deployment() -> None:
    found = workflow(
        "on: push\njobs:\n  e2e:\n    runs-on: x\n    environment: production\n    steps:\n"
        "      - uses: helm/kind-action@v1\n      - run: helm install a ./chart\n"
    )
    stage = model.delivery_of_job(found.jobs[0], model.resolve_to_no_action)
    assert not stage.deploys
    assert stage.performs_any("test")


def test_what_comes_before_a_job() -> None:
    found = workflow("on: push\njobs:\n  a: {runs-on: x}\n  b: {needs: A, runs-on: x}\n  c: {needs: [b, c, gone], runs-on: x}\n")
    assert model.finished_names_by_job_name(found) == {"a": frozenset(), "b": {"a"}, "c": {"a", "b"}}


def everything(text: str, path: str, kind: str) -> None:
    """Every rule on CI over a text: it may say anything, and nothing is raised."""
    module = import_module(f"readiness.kinds.{kind}")
    try:
        document = module.parse(Source(path, text, kind=kind))
    except ParseError:
        return
    project = Project([(kind, document)], [path], is_complete=True)
    for bound in BOUNDS:
        for target in bound.targets:
            for subject in module.TARGETS.get(target, lambda _: ())(document):
                if bound.applies_to(subject):
                    for found in bound.run_check(subject, project):
                        if isinstance(found, Hit | Undecidable):
                            assert 0 <= found.span.start <= found.span.end <= len(text)


BOUNDS = [bound for bound in catalogue() if bound.rule.kind == "ci"]
KEYS = (
    "on jobs steps run uses with env needs if permissions strategy matrix include exclude runs-on container image services"
    " secrets inputs outputs environment concurrency defaults shell id name push pull_request workflow_call schedule cron"
    " types branches credentials password runs using stages script variables extends rules default before_script when"
).split()
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 9),
    st.floats(allow_nan=False, allow_infinity=False, width=16),
    st.sampled_from(
        [
            "",
            "${{ github.event.issue.title }}",
            "${{ broken",
            "${{ }}",
            "actions/checkout@v3",
            "./x",
            "docker://x:",
            "kubectl apply -f x",
            "docker push x:latest",
            "*",
            "always()",
            "a && (",
            "write-all",
            "inherit",
            "production",
            "x" * 50,
        ]
    ),
)
TREES = st.recursive(
    VALUES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=25,
)


@settings(max_examples=150, deadline=None)
@given(tree=st.dictionaries(st.sampled_from(KEYS), TREES, max_size=6))
def test_no_shape_raises(tree: dict[str, object]) -> None:
    import json

    text = json.dumps({"on": "push", "jobs": {"a": tree, "b": {"steps": [tree]}}, **tree}, indent=1)
    everything(text, CI, "github")
    everything(text, "action.yml", "github")


CYCLE = "on: push\njobs: &a\n  x: &b\n    steps: [*b, {run: &r 'kubectl apply', env: *b}]\n    needs: *a\n    runs-on: *a\n"


@pytest.mark.parametrize(
    "text",
    [
        CYCLE,
        "",
        "on:\n",
        "[]",
        "jobs: []",
        "on: push\njobs: {a: null}",
        "on: push\njobs:\n  a:\n    steps: [{run: '" + "${{ a" * 500 + "'}]\n",
        "on: push\njobs:\n  a:\n    steps: [{run: '" + "$( " * 2_000 + "'}]\n",
        "on: push\njobs:\n  a:\n    if: " + "a && " * 3_000 + "b\n",
    ],
)
def test_hostile_texts(text: str) -> None:
    everything(text, CI, "github")


def test_options_of_a_step_without_any() -> None:
    step = workflow("on: push\njobs: {a: {runs-on: x, steps: [{uses: a/b@v1}]}}\n").jobs[0].steps[0]
    assert step.with_inputs == Map(step.node.at("uses"))
