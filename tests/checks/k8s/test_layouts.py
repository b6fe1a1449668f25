"""The same manifests in every layout of folders: one application over several folders, several complete ones side by side."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from readiness import kinds
from readiness.kinds.k8s.index import object_index
from readiness.kinds.units import ThingsByFolder, file_distance
from readiness.model import Source
from readiness.model.project import Project, RunProjects
from readiness.run import engine
from tests.conftest import catalogue
from tests.effort import effort

Verdicts = set[tuple[str, str]]


def parsed(files: Mapping[str, str], unit: str = "") -> Project:
    documents = [("k8s", kinds.parse_source(Source(path, text, kind="k8s"))) for path, text in sorted(files.items())]
    return Project(documents, files, is_complete=True, unit=unit)


def verdicts(project: Project, folder: str = "") -> Verdicts:
    """The rules that say something of each object, by the object's name, of the files in a folder."""
    outcome = engine.EngineResult()
    core = {bound.rule.id: bound.rule for bound in catalogue()}
    rules = [bound for bound in catalogue() if bound.rule.id.startswith("k8s/")]
    engine.run_rules(project, rules, core, outcome)
    return {(one.rule, one.resource) for one in outcome.findings if one.path.startswith(folder) and not one.rule.startswith("core/")}


def workload(name: str, *, version: str = "1.2.3", more: str = "") -> str:
    return f"""\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      serviceAccountName: {name}
      containers:
        - name: {name}
          image: registry.example.com/{name}:{version}
          ports: [{{name: http, containerPort: 8080}}]
          envFrom: [{{configMapRef: {{name: settings}}}}]
{more}"""


SHOP = {
    "workloads": workload("web"),
    "jobs": workload("api", more="          resources: {requests: {cpu: 100m, memory: 1Gi}}\n"),
    "services": """\
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: https}]}
---
apiVersion: v1
kind: Service
metadata: {name: api}
spec: {selector: {app: api}, ports: [{port: 80, targetPort: http}]}
""",
    "scaling": """\
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 3
  maxReplicas: 9
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 70}}}]
""",
    "budgets": """\
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec: {minAvailable: 4, selector: {matchLabels: {app: web}}}
""",
    "config": """\
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {LEVEL: info}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: web}
automountServiceAccountToken: false
""",
    "policies": """\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: default}
spec: {podSelector: {}, policyTypes: [Ingress], ingress: []}
""",
    "routes": """\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  ingressClassName: nginx
  rules:
    - http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 81}}}}]}
      host: shop.example.com
""",
    "rights": """\
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: web}
rules: [{apiGroups: [""], resources: [secrets], verbs: [get, list]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: web}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: web}
subjects: [{kind: ServiceAccount, name: web}]
""",
}  # fmt: skip
LAYOUTS = {
    "one file": lambda part: "all.yaml",
    "one folder": lambda part: f"{part}.yaml",
    "a folder for each kind": lambda part: f"{part}/all.yaml",
    "deep folders": lambda part: f"a/{part}/b/c.yaml",
    "shared things above": lambda part: f"{part}.yaml" if part in {"config", "policies", "rights"} else f"shop/{part}.yaml",
    "workloads above": lambda part: f"{part}.yaml" if part in {"workloads", "jobs"} else f"more/{part}.yaml",
}


def laid_out(app: Mapping[str, str], layout: str, folder: str = "") -> dict[str, str]:
    files: dict[str, str] = {}
    for part, text in app.items():
        path = folder + LAYOUTS[layout](part)
        files[path] = f"{files[path]}---\n{text}" if path in files else text
    return files


ALONE = verdicts(parsed(laid_out(SHOP, "one file")))
# A second one, complete in itself, which differs in what joins tell.
OTHER = {
    **SHOP,
    "workloads": workload("web", version="1.3.0"),
    "scaling": SHOP["scaling"].replace("minReplicas: 3", "minReplicas: 1"),
    "services": SHOP["services"].replace("https", "http"),
    "budgets": SHOP["budgets"].replace("minAvailable: 4", "maxUnavailable: 1"),
}
OTHER_ALONE = verdicts(parsed(laid_out(OTHER, "one file")))


def test_the_samples_tell_of_joins() -> None:
    told = {rule for rule, _ in ALONE}
    assert told >= {
        "k8s/service-port-undefined",
        "k8s/disruption-budget-over-autoscaler",
        "k8s/ingress-backend-unresolved",
        "k8s/service-account-unresolved",
    }
    assert ALONE != OTHER_ALONE


@pytest.mark.parametrize("layout", LAYOUTS)
def test_one_application_over_folders(layout: str) -> None:
    assert verdicts(parsed(laid_out(SHOP, layout))) == ALONE


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("neighbour", LAYOUTS)
def test_two_applications_side_by_side(layout: str, neighbour: str) -> None:
    made = parsed(laid_out(SHOP, layout, "first/") | laid_out(OTHER, neighbour, "second/"))
    assert verdicts(made, "first/") == ALONE
    assert verdicts(made, "second/") == OTHER_ALONE


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_a_neighbour_has_is_not_had(layout: str) -> None:
    """Without its own autoscaler, budget and policy an application is judged as if it stood alone."""
    poor = {part: SHOP[part] for part in ("workloads", "jobs", "services", "config", "routes")}
    made = parsed(laid_out(SHOP, layout, "first/") | laid_out(poor, layout, "second/"))
    assert verdicts(made, "first/") == ALONE
    assert verdicts(made, "second/") == verdicts(parsed(laid_out(poor, layout)))


def test_a_unit_has_no_folders() -> None:
    """What a chart or an overlay renders is one unit, whatever its files are called."""
    files = laid_out(SHOP, "deep folders")
    assert verdicts(parsed(files, unit="chart (values.yaml)")) == ALONE


FOLDERS = st.lists(st.sampled_from(["a", "b", "c", "deep"]), max_size=3).map("/".join)


@settings(max_examples=15, deadline=None)
@given(st.fixed_dictionaries({part: FOLDERS for part in SHOP if part != "policies"}))
def test_any_layout_of_one_application(folders: dict[str, str]) -> None:
    """Every part may stand in any folder; the policy of all pods stands above them."""
    files = {f"{folder}/{part}.yaml".lstrip("/"): SHOP[part] for part, folder in folders.items()}
    assert verdicts(parsed({**files, "policy.yaml": SHOP["policies"]})) == ALONE


# -- the words of the sentence -----------------------------------------------------------------------------------------


def messages(project: Project, rule: str) -> list[tuple[str, str, list[str]]]:
    outcome = engine.EngineResult()
    core = {bound.rule.id: bound.rule for bound in catalogue()}
    bounds = [bound for bound in catalogue() if bound.rule.id == rule]
    engine.run_rules(project, bounds, core, outcome)
    return [(str(one.severity), one.message, [each.source.path for each in one.related]) for one in outcome.findings]


SETTINGS = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {LEVEL: info}\n"
POD = workload("web")


def test_a_name_in_no_file() -> None:
    found = messages(parsed({"web.yaml": POD}), "k8s/config-map-unresolved")
    assert found == [("info", "Deployment/web uses ConfigMap 'settings', which is in no file", [])]


def test_a_name_of_another_namespace() -> None:
    files = {
        "web.yaml": POD.replace("{name: web}", "{name: web, namespace: shop}", 1),
        "config.yaml": SETTINGS.replace("settings}", "settings, namespace: blog}"),
    }
    ((_, message, related),) = messages(parsed(files), "k8s/config-map-unresolved")
    assert "in no file of namespace 'shop', only in namespace 'blog'" in message
    assert related == ["config.yaml"]


def test_a_name_that_a_twin_has() -> None:
    files = {"a/web.yaml": POD, "a/config.yaml": SETTINGS, "b/web.yaml": POD}
    ((_, message, related),) = messages(parsed(files), "k8s/config-map-unresolved")
    assert message.endswith("is in no file that is applied with it, only in one for others")
    assert related == ["a/config.yaml"]


@pytest.mark.parametrize("folder", ["", "shared/", "a/", "shared/deep/"])
def test_a_name_that_may_be_meant(folder: str) -> None:
    files = {"a/web.yaml": POD, f"{folder}config.yaml": SETTINGS}
    assert not messages(parsed(files), "k8s/config-map-unresolved")


def test_a_tie_is_silent() -> None:
    files = {"a/config.yaml": SETTINGS, "b/config.yaml": SETTINGS, "c/web.yaml": POD}
    assert not messages(parsed(files), "k8s/config-map-unresolved")


UNITS = {
    "another unit of the namespace": ({"config.yaml": SETTINGS}, []),
    "another environment of the same": ({"config.yaml": SETTINGS, "web.yaml": POD}, ["config.yaml"]),
    "another namespace": (
        {"config.yaml": SETTINGS.replace("settings}", "settings, namespace: blog}")},
        ["config.yaml"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("files", "related"), UNITS.values(), ids=UNITS)
@pytest.mark.parametrize("unit", ["overlays/shared", ""])
def test_other_units_of_the_run(unit: str, files: dict[str, str], related: list[str]) -> None:
    asking = parsed({"web.yaml": POD.replace("{name: web}", "{name: web, namespace: shop}", 1)}, "overlays/web")
    RunProjects([asking, parsed(files, unit)])
    found = messages(asking, "k8s/config-map-unresolved")
    assert [places for *_, places in found] == ([related] if related else [])


SCALER = SHOP["scaling"]


@pytest.mark.parametrize(
    ("files", "scaled"),
    [
        ({"a/web.yaml": POD, "b/hpa.yaml": SCALER}, {"a/web.yaml"}),
        ({"web.yaml": POD, "b/hpa.yaml": SCALER}, {"web.yaml"}),
        ({"a/web.yaml": POD, "hpa.yaml": SCALER}, {"a/web.yaml"}),
        ({"a/web.yaml": POD, "b/web.yaml": POD, "b/hpa.yaml": SCALER}, {"b/web.yaml"}),
        ({"a/web.yaml": POD, "web.yaml": POD, "hpa.yaml": SCALER}, {"web.yaml"}),
        ({"a/web.yaml": POD, "b/web.yaml": POD, "c/hpa.yaml": SCALER}, set()),
        ({"a/b/web.yaml": POD, "a/c/hpa.yaml": SCALER, "d/web.yaml": POD}, {"a/b/web.yaml"}),
    ],
)
def test_whom_an_autoscaler_scales(files: dict[str, str], scaled: set[str]) -> None:
    """`replicas-single` is told of a workload that surely has no autoscaler, and of none that may have one."""
    found = messages(parsed(files), "k8s/autoscaler-without-requests")
    assert {path for *_, places in found for path in places} == scaled


def test_folders_that_an_unbuilt_kustomization_puts_together() -> None:
    """The ports of the pods may come from a patch: across folders nobody can tell, in one folder what is written counts."""
    files = {"manager/web.yaml": POD, "rbac/service.yaml": SHOP["services"]}
    rule = "k8s/service-port-undefined"
    assert messages(parsed(files), rule)
    made = parsed(files)
    for folder in ("manager", "rbac"):
        patched = parsed(files)
        patched.paths = made.paths | {f"{folder}/kustomization.yaml"}
        assert not messages(patched, rule)
    here = parsed({"web.yaml": POD, "service.yaml": SHOP["services"]})
    here.paths |= {"kustomization.yaml"}
    assert messages(here, rule)


# -- distance ----------------------------------------------------------------------------------------------------------

PATHS = st.lists(st.sampled_from("abc"), min_size=1, max_size=4).map(lambda parts: "/".join(parts) + ".yaml")


class Thing:
    """Something at a path."""

    def __init__(self, path: str) -> None:
        self.source = Source(path, "")


@given(PATHS, st.lists(PATHS, max_size=12))
def test_places_tell_things_by_their_distance(path: str, others: list[str]) -> None:
    places = ThingsByFolder(map(Thing, others))
    told = [(far, thing.source.path) for far, some in places.by_increasing_distance(path) for thing in some]
    assert sorted(told) == sorted((file_distance(path, other), other) for other in others)
    assert [far for far, _ in told] == sorted(far for far, _ in told)


@given(PATHS, PATHS, PATHS)
def test_distance(one: str, two: str, three: str) -> None:
    assert file_distance(one, one) == 0
    assert (file_distance(one, two) == 0) == (one == two)
    steps = [(file_distance(*pair) - 1) // 2 for pair in ((one, three), (one, two))]
    assert (file_distance(two, three) - 1) // 2 <= max(steps) or two.count("/") > one.count("/")


# -- work --------------------------------------------------------------------------------------------------------------

MANY_APPS = {
    "a folder each": lambda n: f"app{n}/all.yaml",
    "a folder each, deeper": lambda n: f"teams/{n % 7}/app{n}/deploy/all.yaml",
    "one folder": lambda n: f"all{n}.yaml",
}


@pytest.mark.parametrize("layout", MANY_APPS)
@pytest.mark.parametrize("namespaces", [False, True])
def test_joins_are_linear(layout: str, namespaces: bool) -> None:
    def work(count: int) -> int:
        files = {}
        for n in range(count):
            text = "---\n".join((POD, SHOP["services"], SCALER, SHOP["budgets"], SETTINGS))
            if namespaces:
                text = text.replace("metadata: {name: ", f"metadata: {{namespace: n{n}, name: ")
            files[MANY_APPS[layout](n)] = text
        made = parsed(files)
        rules = [
            bound
            for bound in catalogue()
            if bound.rule.id
            in {
                "k8s/config-map-unresolved",
                "k8s/autoscaler-without-requests",
                "k8s/disruption-budget-over-autoscaler",
                "k8s/disruption-budget-missing",
                "k8s/service-port-undefined",
                "k8s/replicas-single",
                "k8s/pod-ingress-open",
            }
        ]
        core = {bound.rule.id: bound.rule for bound in catalogue()}
        object_index(made)
        return effort(lambda: engine.run_rules(made, rules, core, engine.EngineResult()))

    # Up to MANY things of one name are looked at, so that more of them cost no more.
    assert work(320) < work(80) * 5
