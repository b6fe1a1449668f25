"""Overlays that take in what is not here: all else is built and judged, and nothing is said of what the rest may hold."""

from __future__ import annotations

from pathlib import Path

import pytest

import readiness
from readiness.loading.render import kustomize
from readiness.loading.render.overlay.left_out import LeftOut
from readiness.loading.render.overlay.placed import UnsupportedFeatureError
from readiness.model import Severity
from readiness.verdict.report import FileRow, Report
from tests.make import write_files

REMOTE = "https://example.com/org/app//deploy?ref=v1"
WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: web
          image: example.com/web:1.0
          envFrom: [{configMapRef: {name: settings}}, {secretRef: {name: keys}}]
"""
SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: api}\nspec: {selector: {app: api}, ports: [{port: 80}]}\n"
PRIVILEGED_PATCH = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: %s}
spec: {template: {spec: {containers: [{name: %s, securityContext: {privileged: true}}]}}}
"""
TOP = "kustomization.yaml"
# Where a part of an overlay is not here, by the line that takes it in.
PARTS = {
    "a remote base": f"resources: [web.yaml, '{REMOTE}']\n",
    "a base of GitHub": "resources: [web.yaml, 'github.com/org/repo//path?ref=v1']\n",
    "a folder out of the tree": "resources: [web.yaml, ../../sibling]\n",
    "an absolute path": "resources: [web.yaml, /srv/base]\n",
    "a remote chart": "resources: [web.yaml]\nhelmCharts: [{name: cache, repo: 'https://example.com/charts'}]\n",
    "a chart of the tree": "resources: [web.yaml]\nhelmCharts: [{name: cache}]\n",
    "a component out of the tree": "resources: [web.yaml]\ncomponents: [../../sibling]\n",
    "a remote component": f"resources: [web.yaml]\ncomponents: ['{REMOTE}']\n",
}
PATCHES = "patches: [{path: patch.yaml}]\n"


def check(root: Path, files: dict[str, str], *rules: str) -> Report:
    (root / ".git").mkdir(exist_ok=True)
    write_files(root, files)
    return readiness.check([root], base=root, select=list(rules) or None)


def told(report: Report) -> list[tuple[str, str, int]]:
    return sorted((one.rule, one.path, one.line) for one in report.findings)


def row(report: Report, path: str = TOP) -> FileRow:
    (found,) = [one for one in report.files if one.path == path]
    return found


@pytest.mark.parametrize("name", PARTS)
def test_what_is_here_gets_the_overlays_patches(tmp_path: Path, name: str) -> None:
    files = {TOP: PARTS[name] + PATCHES, "web.yaml": WEB, "patch.yaml": PRIVILEGED_PATCH % ("web", "web")}
    report = check(tmp_path, files, "k8s/privileged", "k8s/image-tag-missing")
    assert [one for one in told(report) if one[0] != "core/not-rendered"] == [("k8s/privileged", "patch.yaml", 4)]
    assert row(report).status == "checked"
    assert row(report).reason.startswith("built without a part, which was not judged: ")
    assert "not here: only" not in row(report).reason  # every patch has its target
    assert row(report).cause == ("absent" if name == "a chart of the tree" else "outside")


def test_images_names_namespace_and_labels_are_set_and_references_follow(tmp_path: Path) -> None:
    kustomization = (
        f"resources: [web.yaml, '{REMOTE}']\nnamePrefix: a-\nnamespace: shop\n"
        "images: [{name: example.com/web, newTag: latest}]\nconfigMapGenerator: [{name: settings, literals: [A=b]}]\n"
    )
    report = check(tmp_path, {TOP: kustomization, "web.yaml": WEB}, "k8s/image-tag-missing", "k8s/namespace-default")
    assert told(report) == [("k8s/image-tag-missing", TOP, 4)]
    assert report.findings[0].resource == "Deployment/a-web"


def test_a_base_that_lacks_a_part_is_built_in_what_takes_it_in(tmp_path: Path) -> None:
    files = {
        "prod/kustomization.yaml": "resources: [../base]\npatches: [{path: patch.yaml}]\n",
        "prod/patch.yaml": PRIVILEGED_PATCH % ("web", "web"),
        "base/kustomization.yaml": f"resources: [web.yaml, '{REMOTE}']\n",
        "base/web.yaml": WEB,
    }
    report = check(tmp_path, files, "k8s/privileged")
    assert told(report) == [("k8s/privileged", "prod/patch.yaml", 4)]
    assert "base/kustomization.yaml takes in" in row(report, "prod/kustomization.yaml").reason
    assert "base/kustomization.yaml" not in {one.path for one in report.files}


OPERATION = "[{op: add, path: /spec/template/spec/containers/0/securityContext, value: {privileged: true}}]"
# Patches for what only the part that is not here can have, and where what they set is told.
PATCHES_FOR_ABSENT = {
    "a strategic patch in a file": ({TOP: PATCHES, "patch.yaml": PRIVILEGED_PATCH % ("api", "api")}, ("patch.yaml", 4)),
    "patchesStrategicMerge": (
        {TOP: "patchesStrategicMerge: [patch.yaml]\n", "patch.yaml": PRIVILEGED_PATCH % ("api", "api")}, ("patch.yaml", 4),
    ),
    "a strategic patch in place": (
        {TOP: "patches:\n- patch: |-\n" + "".join(f"    {line}\n" for line in (PRIVILEGED_PATCH % ("api", "api")).splitlines())},
        (TOP, 7),
    ),
    "a strategic patch with a target": (
        {TOP: "patches: [{path: patch.yaml, target: {kind: Deployment, name: api}}]\n", "patch.yaml": PRIVILEGED_PATCH % ("any", "api")},
        ("patch.yaml", 4),
    ),
    "operations": ({TOP: f"patches:\n- target: {{kind: Deployment, name: api}}\n  patch: '{OPERATION}'\n"}, (TOP, 4)),
    "operations for all of a kind": ({TOP: f"patches:\n- target: {{kind: StatefulSet}}\n  patch: '{OPERATION}'\n"}, (TOP, 4)),
    "patchesJson6902": (
        {TOP: "patchesJson6902:\n- {path: ops.yaml, target: {group: apps, version: v1, kind: Deployment, name: api}}\n",
         "ops.yaml": OPERATION},
        ("ops.yaml", 1),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PATCHES_FOR_ABSENT)
def test_what_a_patch_sets_in_an_absent_object_is_judged(tmp_path: Path, name: str) -> None:
    files, (path, line) = PATCHES_FOR_ABSENT[name]
    files = {**files, "web.yaml": WEB, TOP: f"resources: [web.yaml, '{REMOTE}']\n" + files[TOP]}
    rules = ("k8s/privileged", "k8s/memory-limit-missing", "k8s/liveness-probe-missing", "k8s/replicas-single", "k8s/image-tag-missing")
    report = check(tmp_path, files, *rules)
    assert {one for one in told(report) if one[1] != "web.yaml"} == {("k8s/privileged", path, line)}
    assert {one.resource for one in report.findings if one.path == "web.yaml"} == {"Deployment/web"}
    assert "1 patch is for an object that is not here: only what is set there was judged" in row(report).reason


def test_what_a_patch_sets_and_takes_away_again_is_nothing(tmp_path: Path) -> None:
    patch = (
        "[{op: add, path: /work, value: {a: b}}, {op: copy, from: /work/a, path: /spec/x}, {op: add, path: /work/c, value: d},"
        " {op: move, from: /work/a, path: /spec/y}, {op: remove, path: /work}, {op: add, path: /spec/hostNetwork, value: true}]"
    )
    kustomization = f"resources: [web.yaml, '{REMOTE}']\npatches: [{{target: {{kind: Pod, name: a}}, patch: '{patch}'}}]\n"
    report = check(tmp_path, {TOP: kustomization, "web.yaml": WEB}, "k8s/field-unknown", "k8s/host-network")
    assert told(report) == [("k8s/host-network", TOP, 2)]


def test_what_a_patch_takes_away_from_an_absent_object_is_nothing(tmp_path: Path) -> None:
    patches = (
        "patches:\n- target: {kind: Deployment, name: api}\n  patch: '[{op: remove, path: /spec/template}]'\n"
        "- patch: '{$patch: delete, apiVersion: apps/v1, kind: Deployment, metadata: {name: api}}'\n"
        "- patch: '{apiVersion: apps/v1, kind: Deployment, metadata: {name: api}, spec: {template: {spec: {securityContext: null}}}}'\n"
    )
    report = check(tmp_path, {TOP: f"resources: [web.yaml, '{REMOTE}']\n{patches}", "web.yaml": WEB}, "k8s/privileged", "k8s/field-unknown")
    assert report.findings == ()
    assert "3 patches are for objects that are not here" in row(report).reason


def test_a_patch_for_nobody_is_a_mistake_where_nothing_is_left_out(tmp_path: Path) -> None:
    """A part that is not here of another kustomization explains nothing; neither does a patch that is not here."""
    files = {
        "a/kustomization.yaml": "resources: [web.yaml]\npatches: [{path: patch.yaml}, {path: ../../../p.yaml}]\n",
        "a/web.yaml": WEB,
        "a/patch.yaml": PRIVILEGED_PATCH % ("api", "api"),
        "b/kustomization.yaml": f"resources: ['{REMOTE}', web.yaml]\nnamePrefix: b-\n",
        "b/web.yaml": WEB,
        TOP: "resources: [b, a]\n",
    }
    report = check(tmp_path, files, "core/not-rendered")
    assert told(report) == [("core/not-rendered", "a/patch.yaml", 1)]
    assert not report.gate.passed


ABSENCE_RULES = (
    "k8s/pod-ingress-open", "k8s/disruption-budget-missing", "k8s/config-map-unresolved", "k8s/service-selects-nothing",
    "k8s/service-account-unresolved", "k8s/network-policy-selects-nothing", "k8s/ingress-backend-unresolved", "k8s/autoscaler-target-unresolved",
)  # fmt: skip
WEB_OF_ACCOUNT = WEB.replace("    spec:", "    spec:\n      serviceAccountName: runner", 1)
ALONE = f"""\
{WEB_OF_ACCOUNT}
---
{SERVICE}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {{name: one}}
spec: {{podSelector: {{matchLabels: {{app: gone}}}}, policyTypes: [Ingress], ingress: []}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{name: door}}
spec: {{ingressClassName: nginx, rules: [{{host: example.com, http: {{paths: [{{path: /, pathType: Prefix,
  backend: {{service: {{name: gone, port: {{number: 80}}}}}}}}]}}}}]}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {{name: some}}
spec: {{maxReplicas: 3, scaleTargetRef: {{apiVersion: apps/v1, kind: Deployment, name: gone}}}}
"""


@pytest.mark.parametrize(
    ("kustomization", "is_silent"),
    [
        ("resources: [web.yaml]\n", False),
        (f"resources: [web.yaml, '{REMOTE}']\n", True),
        ("resources: [web.yaml]\ncomponents: [../../sibling]\n", True),
        ("resources: [web.yaml]\nhelmCharts: [{name: cache, repo: 'https://example.com/charts'}]\n", True),
        ("resources: [web.yaml, 'https://example.com/v1/crds.yaml']\n", False),  # definitions of custom resources alone
        ("resources: [web.yaml]\npatches: [{path: ../../patch.yaml}]\n", False),
    ],
)
def test_nothing_is_missed_that_a_part_elsewhere_may_hold(tmp_path: Path, kustomization: str, is_silent: bool) -> None:
    report = check(tmp_path, {TOP: kustomization, "web.yaml": ALONE}, *ABSENCE_RULES)
    rules = {one.rule for one in report.findings}
    assert rules == (set() if is_silent else set(ABSENCE_RULES))


def test_a_part_of_one_namespace_says_nothing_of_another(tmp_path: Path) -> None:
    files = {
        TOP: "resources: [lacks, whole]\n",
        "lacks/kustomization.yaml": f"namespace: one\nresources: [web.yaml, '{REMOTE}']\n",
        "whole/kustomization.yaml": "namespace: two\nresources: [web.yaml]\n",
        "lacks/web.yaml": WEB,
        "whole/web.yaml": WEB,
    }
    report = check(tmp_path, files, "k8s/pod-ingress-open")
    assert [one.path for one in report.findings] == ["whole/web.yaml"]


def test_the_object_of_a_patch_is_no_object_that_others_mean(tmp_path: Path) -> None:
    files = {TOP: f"resources: [service.yaml, '{REMOTE}']\n{PATCHES}", "service.yaml": SERVICE, "patch.yaml": PRIVILEGED_PATCH % ("api", "api")}
    assert not check(tmp_path, files, "k8s/service-selects-nothing").findings


def test_what_a_generator_merges_into_an_absent_object_is_a_part_of_it(tmp_path: Path) -> None:
    key = "sk_" + "live_" + "51H8x2eZvKYlo2C0aBcDeFgHi"
    kustomization = f"resources: [web.yaml, '{REMOTE}']\nconfigMapGenerator:\n- name: settings\n  behavior: merge\n  literals: [PAYMENT_KEY={key}]\n"
    files = {
        TOP: kustomization,
        "web.yaml": WEB.replace("envFrom: [", "env: [{name: A, valueFrom: {configMapKeyRef: {name: settings, key: b}}}]\n          envFrom: ["),
    }
    report = check(tmp_path, files, "k8s/secret-in-config-map", "k8s/reference-key-unresolved", "k8s/config-map-unresolved")
    assert told(report) == [("k8s/secret-in-config-map", TOP, 5)]
    alone = {TOP: kustomization.replace(f", '{REMOTE}'", "")}
    assert [one.rule for one in check(tmp_path, alone, "core/not-rendered").findings] == ["core/not-rendered"]


def test_a_value_from_an_absent_object_is_one_that_nobody_knows(tmp_path: Path) -> None:
    replacement = (
        "replacements:\n- source: {kind: ConfigMap, name: versions, fieldPath: data.web}\n"
        "  targets: [{select: {kind: Deployment}, fieldPaths: [spec.template.spec.containers.0.image]}]\n"
    )
    files = {TOP: f"resources: [web.yaml, '{REMOTE}']\n{replacement}replicas: [{{name: api, count: 1}}]\n", "web.yaml": WEB}
    report = check(tmp_path, {**files, "web.yaml": WEB.replace(":1.0", "")}, "k8s/image-tag-missing", "core/not-rendered")
    assert report.findings == ()
    without = check(tmp_path, {TOP: files[TOP].replace(f", '{REMOTE}'", "")}, "core/not-rendered")
    assert [one.rule for one in without.findings] == ["core/not-rendered"]


@pytest.mark.parametrize("entry", ["envs: [gone.env]", "files: [gone.json]", "files: [a=gone.json]", "envs: [../../out.env]"])
def test_a_generator_is_built_without_a_file_that_is_not_there(tmp_path: Path, entry: str) -> None:
    kustomization = (
        f"resources: [web.yaml]\nsecretGenerator:\n- name: keys\n  {entry}\n{PATCHES}configMapGenerator: [{{name: settings, literals: [A=b]}}]\n"
    )
    files = {TOP: kustomization, "web.yaml": WEB, "patch.yaml": PRIVILEGED_PATCH % ("web", "web")}
    report = check(tmp_path, files, "k8s/privileged", "core/not-rendered", "k8s/config-map-unresolved")
    is_outside = ".." in entry
    assert told(report) == [*([] if is_outside else [("core/not-rendered", TOP, 4)]), ("k8s/privileged", "patch.yaml", 4)]
    assert row(report).cause == ("outside" if is_outside else "absent")
    assert is_outside or report.verdict != "ready"


UNKNOWN = {
    "a generator": "generators: [plugin.yaml]\n",
    "a transformer": "transformers: [plugin.yaml]\n",
    "a key twice": "Resources: []\n",
    "a key of tomorrow": "sprinkles: [plugin.yaml]\n",
    "a patch of tomorrow": "patchesJson6902: [{patch: '[]', when: never}]\n",
    "labels of tomorrow": "labels: [{pairs: {a: b}, sometimes: true}]\n",
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_nobody_here_can_do_takes_nothing_else_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(kustomize, "kustomize_build_command", list)
    files = {
        TOP: "resources: [web.yaml]\n" + PATCHES + UNKNOWN[name],
        "web.yaml": WEB,
        "patch.yaml": PRIVILEGED_PATCH % ("web", "web"),
        "plugin.yaml": PRIVILEGED_PATCH % ("plugin", "plugin"),
    }
    report = check(tmp_path, files, "k8s/privileged")
    plugin_told = [("k8s/privileged", "plugin.yaml", 4)]  # a manifest under a key that nobody knows stays a file of its own
    assert told(report) == [("k8s/privileged", "patch.yaml", 4), *plugin_told]
    assert (row(report).status, row(report).cause) == ("checked", "absent")


def test_an_operation_that_fails_without_a_component_is_no_mistake(tmp_path: Path) -> None:
    """With it there may be what it replaces: then the files are judged as they stand, and the row says so."""
    operation = "patches: [{target: {kind: Deployment}, patch: '[{op: remove, path: /spec/paused}]'}]\n"
    report = check(tmp_path, {TOP: f"resources: [web.yaml]\ncomponents: [../../sibling]\n{operation}", "web.yaml": WEB}, "core/not-rendered")
    assert (row(report).status, row(report).cause, report.findings) == ("skipped", "outside", ())
    report = check(tmp_path, {TOP: f"resources: [web.yaml, '{REMOTE}']\n{operation}"}, "core/not-rendered")
    assert [one.rule for one in report.findings] == ["core/not-rendered"]


def test_a_part_is_of_the_outermost_namespace() -> None:
    left_out, error = LeftOut(), UnsupportedFeatureError("x")
    left_out.enter_kustomization("outer")
    left_out.enter_kustomization("inner")
    left_out.add_part(error, may_hold_objects=True)
    assert left_out.may_hold_target()
    left_out.leave_kustomization()
    assert left_out.may_hold_target()
    assert left_out.namespaces == {"outer"}
    left_out.leave_kustomization()
    left_out.enter_kustomization("")
    assert not left_out.may_hold_target()
    left_out.add_part(error, "deploy/crd/x.yaml", may_hold_objects=True)
    assert left_out.may_hold_target()
    assert left_out.namespaces == {"outer"}
    left_out.add_part(error, "deploy/x.yaml", may_hold_objects=True)
    assert left_out.namespaces == {"outer", ""}


def test_what_a_gitignore_keeps_out_takes_nothing_else_out(tmp_path: Path) -> None:
    files = {
        ".gitignore": "made.yaml\nmade/\n",
        TOP: f"resources: [web.yaml, made.yaml]\ncomponents: [made]\n{PATCHES}",
        "web.yaml": WEB,
        "patch.yaml": PRIVILEGED_PATCH % ("web", "web"),
    }
    report = check(tmp_path, files, "k8s/privileged", "k8s/pod-ingress-open", "core/not-rendered")
    assert told(report) == [("core/not-rendered", TOP, 1), ("k8s/privileged", "patch.yaml", 4)]
    assert [str(one.severity) for one in report.findings if one.rule == "core/not-rendered"] == ["info"]
    assert (row(report).status, row(report).cause) == ("checked", "absent")


def test_a_replacement_that_fails_here_is_left_out_where_no_program_is_asked(tmp_path: Path) -> None:
    replacement = (
        "replacements:\n- source: {kind: Deployment, fieldPath: metadata.name}\n"
        "  targets: [{select: {kind: Deployment}, fieldPaths: [spec.nowhere]}]\n"
    )
    files = {TOP: f"resources: [web.yaml, '{REMOTE}']\n{replacement}", "web.yaml": WEB}
    report = check(tmp_path, files, "core/not-rendered")
    assert report.findings == ()
    assert (row(report).status, row(report).cause) == ("checked", "absent")
    assert "a replacement fills spec.nowhere of Deployment web, which is not there" in row(report).reason


def test_absent_files_of_one_overlay_are_one_finding(tmp_path: Path) -> None:
    kustomization = "resources: [web.yaml]\nconfigMapGenerator:\n- {name: a, envs: [a.env]}\n- {name: b, envs: [b.env]}\n"
    report = check(tmp_path, {TOP: kustomization, "web.yaml": WEB}, "core/not-rendered")
    assert told(report) == [("core/not-rendered", TOP, 3)]
    assert "'a.env'" in row(report).reason
    assert "'b.env'" in row(report).reason


HARMLESS_OPERATIONS = {
    "Deployment": [
        "{op: replace, path: /spec/replicas, value: 2}",
        "{op: replace, path: /spec/strategy, value: {rollingUpdate: {maxUnavailable: 1}}}",
        "{op: add, path: /spec/template/spec/containers/0/args/-, value: --verbose=false}",
        "{op: replace, path: /spec/template/spec/containers/0/resources/limits/memory, value: 1Gi}",
        "{op: add, path: /spec/template/spec/containers/0/livenessProbe, value: {httpGet: {port: http, path: /}, initialDelaySeconds: 200}}",
        "{op: replace, path: /spec/template/spec/containers/0/readinessProbe/httpGet/port, value: 9090}",
        "{op: add, path: /spec/template/spec/containers/0/lifecycle/preStop/exec/command, value: [sleep, '40']}",
        "{op: add, path: /spec/template/spec/initContainers/0/readinessProbe, value: {httpGet: {port: 80}}}",
        "{op: replace, path: /spec/template/spec/serviceAccountName, value: gone}",
        "{op: add, path: /spec/template/spec/containers/0/envFrom, value: [{configMapRef: {name: gone}}]}",
        "{op: add, path: /spec/template/spec/volumes/-, value: {name: x, persistentVolumeClaim: {claimName: gone}}}",
        "{op: replace, path: /spec/template/spec/containers/0/image, value: 'example.com/web:1.0.1'}",
        ("{op: add, path: /spec/template/spec/topologySpreadConstraints/-, value: {maxSkew: 1, topologyKey: kubernetes.io/hostname,"
        " whenUnsatisfiable: ScheduleAnyway, labelSelector: {matchLabels: {app: web}}}}"),
        "{op: add, path: /metadata/annotations/x~1y, value: z}",
    ],
    "Service": ["{op: replace, path: /spec/ports/0/port, value: 8080}", "{op: add, path: /spec/selector/tier, value: front}"],
    "Ingress": ["{op: replace, path: /spec/rules/0/host, value: shop.example.com}"],
    "HorizontalPodAutoscaler": ["{op: replace, path: /spec/minReplicas, value: 3}", "{op: replace, path: /spec/maxReplicas, value: 1}"],
    "NetworkPolicy": ["{op: add, path: /spec/egress/-, value: {to: [{podSelector: {matchLabels: {app: z}}}]}}"],
    "CronJob": ["{op: replace, path: /spec/schedule, value: '0 3 * * *'}"],
    "Pod": ["{op: add, path: /spec/hostAliases, value: [{ip: 10.0.0.1, hostnames: [a.example.com]}]}"],
    "ValidatingWebhookConfiguration": [("{op: add, path: /webhooks/0/rules, value: [{operations: [CREATE], apiGroups: [''],"
                                       " apiVersions: [v1], resources: [pods]}]}")],
}  # fmt: skip


def test_an_operation_is_held_against_nothing_that_it_does_not_show(tmp_path: Path) -> None:
    """What else the object has, its ports, labels, selectors and probes, stands in the part that is not here."""
    patches = "".join(
        f"- target: {{kind: {kind}, name: web}}\n  patch: |-\n" + "".join(f"    - {one}\n" for one in operations)
        for kind, operations in HARMLESS_OPERATIONS.items()
    )
    files = {
        TOP: f"resources: ['{REMOTE}', map.yaml]\nnamespace: shop\ncommonLabels: {{team: a}}\npatches:\n{patches}",
        "map.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {a: b}\n",
    }
    report = check(tmp_path, files, "ALL")
    assert [(one.rule, one.line) for one in report.findings if one.severity >= Severity.MEDIUM] == []
    assert f"{len(HARMLESS_OPERATIONS)} patches are for objects" in row(report).reason
