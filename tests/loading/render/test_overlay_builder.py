"""Overlays built here: the same objects as kustomize gives, in a text whose every value knows its place."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from readiness.loading import discover
from readiness.loading.parsed import ParsedTexts
from readiness.loading.render import kustomize, work
from readiness.loading.render.gather import gather_overlay_inputs
from readiness.loading.render.made import RenderError
from readiness.loading.render.overlay import placed
from readiness.loading.render.overlay.builder import build_source
from readiness.loading.render.overlay.placed import (
    PlacedSource,
    PlacedValue,
    UnsupportedFeatureError,
    WrittenPlace,
    write_objects,
)
from readiness.loading.render.overlay.selector import text_matcher
from readiness.loading.render.tree import ConfinedTree
from readiness.loading.render.work import WorkCounter
from readiness.model import Source, Span
from readiness.syntax.yaml import load_yaml_documents

needs_kustomize = pytest.mark.skipif(not kustomize.kustomize_build_command(), reason="needs kustomize or kubectl, and neither is installed")
_HASH = re.compile(r"-[bcdfghkmt2456789]{10}\b")
WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}, annotations: {note: "a: b"}}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      serviceAccountName: web
      containers:
        - name: web
          image: example.com/web:1.2.3
          ports: [{containerPort: 80, name: http}, {containerPort: 81, protocol: UDP}]
          env:
            - {name: A, value: "1"}
            - {name: B, valueFrom: {configMapKeyRef: {name: env, key: b}}}
          volumeMounts: [{name: data, mountPath: /data}]
      volumes:
        - {name: data, emptyDir: {}}
        - {name: conf, configMap: {name: env}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 80}]}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: web}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: web}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: web}
subjects: [{kind: ServiceAccount, name: web, namespace: default}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: web}
rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}, minReplicas: 2, maxReplicas: 4}
---
apiVersion: example.com/v1
kind: Shop
metadata: {name: web}
spec: {containers: [{name: a, x: 1}, {name: b, x: 2}]}
"""
SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {app: web}, ports: [{port: 80}]}\n"
BASE = "resources: [web.yaml]\nconfigMapGenerator: [{name: env, literals: [b=2]}]\n"
HEAD = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n"
POD = "spec: {template: {spec: %s}}\n"
OVERLAYS = {
    "a namespace": "namespace: shop\n",
    "a prefix and a suffix": "namePrefix: a-\nnameSuffix: -z\n",
    "a prefix and a namespace": "namePrefix: a-\nnamespace: shop\n",
    "common labels": "commonLabels: {team: x}\n",
    "labels": "labels: [{pairs: {team: x}}]\n",
    "labels of selectors": "labels: [{pairs: {team: x}, includeSelectors: true}]\n",
    "labels of templates": "labels: [{pairs: {team: x}, includeTemplates: true}]\n",
    "annotations": "commonAnnotations: {team: x}\n",
    "a tag": "images: [{name: example.com/web, newTag: '2'}]\n",
    "a name and a digest": f"images: [{{name: example.com/web, newName: b, digest: 'sha256:{'0' * 64}'}}]\n",
    "replicas": "replicas: [{name: web, count: 3}]\n",
    "a merge of the generator": "configMapGenerator: [{name: env, behavior: merge, literals: [c=3]}]\n",
    "a replacement of the generator": "configMapGenerator: [{name: env, behavior: replace, literals: [c=3]}]\n",
    "a secret": "secretGenerator: [{name: s, literals: [a=1, \"b='2'\"], options: {labels: {x: z}}}]\n",
    "an environment file": "configMapGenerator: [{name: e, envs: [a.env]}]\n",
    "files": "configMapGenerator: [{name: e, files: [a.env, k=b.txt]}]\n",
    "a new container": "patches: [{path: p.yaml}]\n" + HEAD + POD % "{containers: [{name: side, image: b}]}",
    "a container's field": "p" + HEAD + POD % "{containers: [{name: web, image: c, env: [{name: B, value: x, "
    "valueFrom: null}, {name: C, value: d}]}]}",
    "ports": "p" + HEAD + POD % "{containers: [{name: web, ports: [{containerPort: 80, name: q}, {containerPort: 82}]}]}",
    "a mount": "p" + HEAD + POD % "{containers: [{name: web, volumeMounts: [{mountPath: /data, name: other}]}]}",
    "a container away": "p" + HEAD + POD % "{containers: [{name: web, $patch: delete}, {name: n, image: i}]}",
    "a list replaced": "p" + HEAD + POD % "{containers: [{$patch: replace}, {name: n, image: i}]}",
    "a mapping replaced": "p" + HEAD + "spec: {template: {metadata: {$patch: replace, labels: {app: web, n: o}}}}\n",
    "a null": "p" + HEAD + "spec: {template: {spec: {volumes: null}}}\n",
    "an object away": "p" + HEAD + "$patch: delete\n",
    "a list of another's objects": "papiVersion: example.com/v1\nkind: Shop\nmetadata: {name: web}\nspec: "
    "{containers: [{name: b, y: 3}]}\n",
    "operations": "patches:\n- target: {kind: Deployment}\n  patch: |-\n    - {op: add, path: "
    "/spec/template/spec/containers/0/env/0, value: {name: Z, value: z}}\n"
    "    - {op: add, path: /spec/template/spec/containers/0/env/-, value: {name: E, value: e}}\n    - {op: "
    "remove, path: /spec/template/spec/containers/0/ports/1}\n"
    "    - {op: copy, from: /metadata/labels, path: /spec/template/metadata/annotations}\n    - {op: move, "
    "from: /metadata/labels/app, path: /metadata/labels/b~1c}\n"
    "    - {op: test, path: /kind, value: Deployment}\n    - {op: replace, path: /spec/paused, value: true}\n",
    "a target by labels": "patches: [{target: {labelSelector: app=web}, patch: '[{\"op\": \"add\", \"path\": "
    "\"/metadata/labels/n\", \"value\": \"o\"}]'}]\n",
    "a target by a pattern": "patches: [{target: {name: w.b|x, kind: Dep.*}, patch: '[{\"op\": \"add\", "
    "\"path\": \"/metadata/labels/n\", \"value\": \"o\"}]'}]\n",
    "a replacement": "replacements:\n- source: {kind: Service, name: web, fieldPath: spec.ports.0.port}\n  targets:\n"
    "  - {select: {kind: Deployment}, fieldPaths: ['spec.template.spec.containers.[name=web].ports.0.containerPort']}\n"
    "  - {select: {kind: ClusterRole}, fieldPaths: [rules.0.extra.port], options: {create: true}}\n",
    "a replacement in a list of texts": "replacements:\n- source: {kind: Service, name: web}\n  targets:\n"
    "  - {select: {kind: ClusterRole}, fieldPaths: ['rules.0.verbs.[=get]']}\n",
    "a part of a text": "replacements:\n- source: {kind: Service, name: web}\n  targets:\n"
    "  - {select: {kind: Deployment}, fieldPaths: ['spec.template.spec.containers.*.image'], options: "
    "{delimiter: '/', index: 1}}\n",
    "a component": "components: [../part]\nnamePrefix: q-\n",
}  # fmt: skip


def tree(root: Path, overlay: str) -> None:
    if overlay.startswith("p") and not overlay.startswith("patches:"):
        overlay = "patches: [{path: p.yaml}]\n" + overlay[1:]
    top, mark, patch = overlay.partition("apiVersion:")
    files = {
        "base/web.yaml": WEB,
        "base/kustomization.yaml": BASE,
        "prod/kustomization.yaml": f"resources: [../base]\n{top}",
        "prod/p.yaml": mark + patch,
        "prod/a.env": "# x\nA=1\n  B = 2 \nC=\n\nD=a=b\n",
        "prod/b.txt": "one\n  two\n\nthree: [\n",
        "part/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nresources: [cm.yaml]\nnameSuffix: -c\n",
        "part/cm.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: more}\ndata: {a: b}\n",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")


def build(root: Path, folder: str = "prod") -> PlacedSource:
    sources = {one.path: one for one in discover.discover_files([root], working_directory=root).sources}
    taken = gather_overlay_inputs(ConfinedTree(root, root), folder)
    home = sources[f"{folder}/kustomization.yaml"]
    return build_source(taken, home, folder, sources, ParsedTexts())[0]


def objects(text: str) -> list[Any]:
    """The objects of a text in a fixed order, without the hashes behind the names of generated ones."""
    found = [_plain(node) for node in load_yaml_documents(_HASH.sub("", text)) if isinstance(node, dict)]
    return sorted(found, key=lambda node: (node["kind"], node["metadata"]["name"]))


def _plain(node: Any) -> Any:
    if isinstance(node, dict):
        plain = {key: _plain(value) for key, value in node.items()}
        if isinstance(plain.get("ports"), list):  # an order of its own, which nothing depends on
            plain["ports"].sort(key=str)
        return plain
    return [_plain(value) for value in node] if isinstance(node, list) else node


@needs_kustomize
@pytest.mark.parametrize("name", OVERLAYS)
def test_the_objects_are_those_that_kustomize_gives(tmp_path: Path, name: str) -> None:
    tree(tmp_path, OVERLAYS[name])
    command = [*kustomize.kustomize_build_command(), str(tmp_path / "prod")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert objects(build(tmp_path).text) == objects(done.stdout)


VARIABLES = "vars: [{name: WEB, objref: {kind: Service, name: web, apiVersion: v1}}]\nnamePrefix: q-\n"
NAMING = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  annotations: {a: $(WEB), b: "x-$(WEB)-$$(WEB)-$(NONE)"}
spec:
  minReadySeconds: $(WEB)
  template:
    metadata: {labels: {l: $(WEB)}, annotations: {c: $(WEB)}}
    spec:
      hostname: $(WEB)
      subdomain: $(WEB)
      containers:
        - name: web
          image: x:$(WEB)
          args: [a, $(WEB), $(NONE)]
          command: ["$(WEB", "a$"]
          env: [{name: A, value: $(WEB)}]
---
apiVersion: example.com/v1
kind: Shop
metadata: {name: web, labels: {l: $(WEB)}}
spec: {containers: [{name: a, x: $(WEB)}, {name: b, x: 2}]}
"""
FIELDS = """\
varReference:
  - {kind: Deployment, group: apps, path: spec/template/spec/hostname}
  - {kind: Deployment, group: batch, path: spec/template/spec/subdomain}
  - {kind: Shop, version: v1, path: spec/containers/x}
"""


def naming(root: Path, overlay: str) -> None:
    """An overlay whose base names its variables all over."""
    tree(root, "")
    (root / "prod" / "kustomization.yaml").write_text(f"resources: [../base]\n{overlay}")
    (root / "prod" / "fields.yaml").write_text(FIELDS, encoding="utf-8")
    (root / "base" / "web.yaml").write_text(f"{SERVICE}---\n{NAMING}", encoding="utf-8")


@needs_kustomize
@pytest.mark.parametrize("more", ["", "configurations: [fields.yaml]\n"])
def test_variables_are_put_in_where_kustomize_puts_them_in(tmp_path: Path, more: str) -> None:
    naming(tmp_path, VARIABLES + more)
    command = [*kustomize.kustomize_build_command(), str(tmp_path / "prod")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    made = build(tmp_path).text
    assert objects(made) == objects(done.stdout)
    assert ("hostname: q-web" in made.replace('"', "")) is bool(more)


def test_a_variable_of_another_namespace_is_another(tmp_path: Path) -> None:
    naming(tmp_path, VARIABLES.replace("name: web", "name: web, namespace: far"))
    assert "$(WEB)" in build(tmp_path).text


ODD = [
    "", " ", "a", "a: b", "# no", "- x", "true", "null", "1", "0x1", "1e3", "~", "'", '"', "\\", "\t", "\n", "a\nb",
    "a\nb\n", "a\n\n", " a\nb",
    "a\n b\n", "a\tb\nc", "a \nb", "\u00e4\u20ac\n\U0001f600\n", "\x7f", "\u2028", "\ufeff", "a\r\nb", "|", ">", "%",
    "@x", "{{ x }}", "---", "...\n",
]  # fmt: skip


@pytest.mark.parametrize("text", ODD)
def test_every_text_comes_back_as_it_was(text: str) -> None:
    home = Source("a.yaml", "x")
    place = WrittenPlace(home, Span(0, 1))

    def value(data: Any) -> PlacedValue:
        return PlacedValue(data, place, place)

    items = value([value(text), value({"k": value(text)}), value([])])
    made = value({"kind": value("X"), text or "empty": value(text), "list": items, "map": value({})})
    source = write_objects([made, made], "k.yaml", "e", home)
    expected = {"kind": "X", text or "empty": text, "list": [text, {"k": text}, []], "map": {}}
    assert load_yaml_documents(source.text) == [expected, expected]


@pytest.mark.parametrize("data", [None, True, False, 0, -3, 10**30, 1.5, float("inf"), float("-inf"), []])
def test_every_scalar_comes_back_as_it_was(data: Any) -> None:
    place = WrittenPlace(Source("a.yaml", "x"), Span(0, 1))
    made = PlacedValue({"a": PlacedValue(data, place, place)}, place, place)
    assert load_yaml_documents(write_objects([made], "k.yaml", "e", place.source).text) == [{"a": data}]


def test_every_place_of_the_text_leads_to_its_line(tmp_path: Path) -> None:
    tree(tmp_path, "")
    source = build(tmp_path)
    for node in load_yaml_documents(source.text):
        if node["kind"] == "ConfigMap":  # made by an entry of a generator, which says no kind
            assert source.written_location(node.at("data"))[0].path == "base/kustomization.yaml"
            continue
        for key in ("kind", "apiVersion"):
            home, span = source.written_location(node.at(key))
            assert home.text[slice(*span)] == node[key]
        home, span = source.written_location(node.at())
        assert home.text[span.start :].startswith("apiVersion")


UNKNOWN = {
    "a transformer": "transformers: [t.yaml]\n",
    "a key of tomorrow": "frobnicate: true\n",
    "a key twice": "NamePrefix: a-\nnamePrefix: b-\n",
    "an option of tomorrow": "configMapGenerator: [{name: x, literals: [a=b], frobnicate: 1}]\n",
    "fields of labels": "labels: [{pairs: {a: b}, fields: [{path: spec/x, create: true}]}]\n",
    "settings of transformers": "configurations: [a.env]\n",
    "a directive of tomorrow": "patches:\n- patch: |-\n    {'apiVersion': apps/v1, kind: Deployment, metadata: "
    "{name: web},\n     $retainKeys: [a]}\n",
}  # fmt: skip


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_is_not_known_is_left_to_others(tmp_path: Path, name: str) -> None:
    tree(tmp_path, UNKNOWN[name])
    (tmp_path / "prod/t.yaml").write_text("kind: X\n")
    if name == "settings of transformers":
        (tmp_path / "prod/a.env").write_text("images: [{path: spec/x}]\n")
    with pytest.raises(UnsupportedFeatureError):
        build(tmp_path)


def test_aliases_of_aliases_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "MAX_VALUES_PER_OVERLAY", 5_000)
    rows = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 12))
    tree(tmp_path, "")
    (tmp_path / "base/web.yaml").write_text(f"apiVersion: v1\nkind: X\nmetadata: {{name: x}}\n{rows}")
    with pytest.raises(RenderError, match="over 5,000 values"):
        build(tmp_path)


def test_copies_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "MAX_VALUES_PER_OVERLAY", 3)
    place = WrittenPlace(Source("a", "x"), Span(0, 1))
    value = PlacedValue([PlacedValue(1, place, place), PlacedValue(2, place, place)], place, place)
    counter = WorkCounter()
    placed.copy_value(value, counter)
    with pytest.raises(RenderError):
        placed.copy_value(value, counter)


def test_a_long_text_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placed, "MAX_BUILT_TEXT_CHARACTERS", 500)
    tree(tmp_path, "")
    with pytest.raises(RenderError, match="it builds over"):
        build(tmp_path)


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("", "x", True), ("web", "web", True), ("web", "web-2", False), ("web.*", "web-2", True), ("a|b", "b", True),
        ("a|b", "ab", False), ("^web$", "web", True), ("w.b", "web", True),
    ],
)  # fmt: skip
def test_selectors_describe_whole_names(pattern: str, text: str, expected: bool) -> None:
    assert text_matcher(pattern)(text, WorkCounter()) is expected


@pytest.mark.parametrize("pattern", ["(a+)+b", "a*a*a*a*a*b", "[", "(", "a" * 300 + ".*", "(?=x)"])
def test_expressions_that_may_take_long_are_refused(pattern: str) -> None:
    with pytest.raises(RenderError):
        text_matcher(pattern)


def test_patches_of_patches_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "MAX_OBJECT_LOOKUPS_PER_OVERLAY", 100)
    tree(tmp_path, "patches:\n" + "- {path: p.yaml, target: {kind: Deployment}}\n" * 30)
    (tmp_path / "prod/p.yaml").write_text("[{op: add, path: /spec/paused, value: true}]\n")
    with pytest.raises(RenderError, match="over 100 object lookups"):
        build(tmp_path)


def test_what_patches_nest_too_deeply_is_left_to_others(tmp_path: Path) -> None:
    path, inner = "/spec/x", "{a: " * 150 + "{}" + "}" * 150
    rows = [f"- {{op: add, path: {path}, value: {inner}}}"]
    for _ in range(20):
        path += "/a" * 150
        rows.append(f"- {{op: add, path: {path}, value: {inner}}}")
    tree(tmp_path, "patches: [{path: p.yaml, target: {kind: Shop}}]\n")
    (tmp_path / "prod/p.yaml").write_text("\n".join(rows))
    with pytest.raises(UnsupportedFeatureError, match="nested too deeply"):
        build(tmp_path)


def test_an_alias_of_itself_is_left_to_others(tmp_path: Path) -> None:
    tree(tmp_path, "")
    (tmp_path / "base/web.yaml").write_text("apiVersion: v1\nkind: X\nmetadata: {name: x}\nspec: &a {b: *a}\n")
    with pytest.raises(UnsupportedFeatureError):
        build(tmp_path)


FIELD_PATHS = {"only a dot": ".", "nothing": "''", "brackets without a name": "'['", "more steps than any object has": "a" + ".a" * 5000}


@pytest.mark.parametrize("name", FIELD_PATHS)
@pytest.mark.parametrize("place", ["source", "target"])
def test_a_field_path_that_leads_nowhere_is_left_to_others(tmp_path: Path, place: str, name: str) -> None:
    source, target = (f", fieldPath: {FIELD_PATHS[name]}", "") if place == "source" else ("", f", fieldPaths: [{FIELD_PATHS[name]}]")
    tree(
        tmp_path,
        f"replacements:\n- source: {{kind: Service, name: web{source}}}\n"
        f"  targets: [{{select: {{kind: Deployment}}{target}, options: {{create: true}}}}]\n",
    )
    if (place, name) == ("source", "nothing"):
        build(tmp_path)  # of a source it is left out so, and then its name is meant
    else:
        with pytest.raises(UnsupportedFeatureError, match="field path"):
            build(tmp_path)
