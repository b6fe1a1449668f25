"""Trees that are rendered or built before they are judged: overlays of kustomize, charts of Helm."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from typing import Any

from tests.fuzz import grammars
from tests.fuzz.grammars import expand
from tests.fuzz.yaml_texts import YamlWriter, random_value

Texts = dict[str, str]
WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: web
          image: web:1.0.0
          envFrom: [{configMapRef: {name: settings}}]
          ports: [{containerPort: 8080, name: http}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: http}]}
"""
PATCH = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      containers:
        - name: web
          $patch: merge
          env: [{name: A, value: b}]
"""
BASE = "resources: [web.yaml]\n"
OVERLAY = """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: prod
namePrefix: p-
nameSuffix: -s
resources: [../../base]
components: [../../component]
commonLabels: {team: blue}
labels: [{pairs: {a: b}, includeSelectors: true, includeTemplates: true}]
commonAnnotations: {a: b}
images: [{name: web, newName: registry/web, newTag: "2"}, {name: x, digest: "sha256:0"}]
replicas: [{name: web, count: 3}]
patches:
  - path: patch.yaml
  - target: {kind: Deployment, name: "we.*", labelSelector: "app=web"}
    patch: |-
      - op: replace
        path: /spec/replicas
        value: 4
      - {op: add, path: /metadata/labels/a~1b, value: c}
      - {op: remove, path: /spec/template/spec/containers/0/ports/0}
patchesStrategicMerge: [patch.yaml]
patchesJson6902: [{target: {version: v1, kind: Service, name: web}, path: json.json}]
configMapGenerator: [{name: settings, literals: [A=b], files: [conf=app.conf], envs: [app.env]}]
secretGenerator: [{name: s, literals: ["DB_PASSWORD=x"], type: Opaque, options: {disableNameSuffixHash: true}}]
generatorOptions: {labels: {g: h}, disableNameSuffixHash: false}
replacements:
  - source: {kind: Service, name: web, fieldPath: metadata.name, options: {delimiter: "-", index: 0}}
    targets: [{select: {kind: Deployment}, fieldPaths: ["spec.template.spec.containers.[name=web].env.[name=A].value"], options: {create: true}}]
vars: [{name: V, objref: {kind: Service, name: web, apiVersion: v1}, fieldref: {fieldpath: spec.clusterIP}}]
"""
_TREE = {
    "base/kustomization.yaml": BASE,
    "base/web.yaml": WEB,
    "component/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"
    "configMapGenerator: [{name: settings, behavior: merge, literals: [C=d]}]\n",
    "overlays/prod/kustomization.yaml": OVERLAY,
    "overlays/prod/patch.yaml": PATCH,
    "overlays/prod/json.json": json.dumps(
        [{"op": "test", "path": "/spec/ports/0/port", "value": 80}, {"op": "move", "from": "/spec/selector", "path": "/spec/other"}]
    ),
    "overlays/prod/app.conf": "server { listen 80; }\n",
    "overlays/prod/app.env": "A=b\n# c\nD=\n",
}


def _fields_of_overlay() -> Iterator[list[str]]:
    """Each field of the overlay by itself, with the lines that belong to it."""
    lines = OVERLAY.splitlines(keepends=True)[2:]
    begins = [number for number, line in enumerate(lines) if not line.startswith((" ", "resources"))]
    for begin, end in zip(begins, [*begins[1:], len(lines)], strict=True):
        yield lines[begin:end]


OVERLAY_SEEDS: tuple[Texts, ...] = (
    _TREE,
    {**_TREE, "overlays/prod/kustomization.yaml": "resources: [../../base]\npatches: [{path: patch.yaml}]\n"},
    {"kustomization.yaml": "resources: [a.yaml]\nnamePrefix: x-\nimages: [{name: web, newTag: '1'}]\n", "a.yaml": WEB},
    {"kustomization.yaml": "bases: [b]\npatchesStrategicMerge: [p.yaml]\n", "b/kustomization.yml": "resources: [a.yaml]\n", "b/a.yaml": WEB,
    "p.yaml": PATCH},
    *({**_TREE, "overlays/prod/kustomization.yaml": "resources: [../../base]\n" + "".join(lines)} for lines in _fields_of_overlay()),
    {"kustomization.yaml": "apiVersion: v1\nkind: List\nresources: [a.yaml]\nconfigurations: [c.yaml]\ntransformers: [t.yaml]\n"
        "generators: [t.yaml]\n", "a.yaml": WEB, "c.yaml": "nameReference: [{kind: Service, fieldSpecs: [{path: spec/x, kind: Deployment}]}]\n",
     "t.yaml": "apiVersion: builtin\nkind: PrefixSuffixTransformer\nmetadata: {name: x}\nprefix: y-\nfieldSpecs: [{path: metadata/name}]\n"},
)  # fmt: skip

_CHART = {
    "chart/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\nappVersion: 1\n",
    "chart/values.yaml": "image: {repository: web, tag: '1'}\nreplicas: 1\nenv: {A: b}\nports: [80]\nresources: {}\ndbPassword: Zq7xOther9\n",
    "chart/values-prod.yaml": "replicas: 3\nimage: {tag: latest}\n",
    "chart/templates/_helpers.tpl": '{{- define "web.name" -}}\n{{ .Chart.Name | trunc 63 | trimSuffix "-" }}\n{{- end }}\n'
    '{{ define "web.labels" }}\napp: {{ include "web.name" . }}\n{{ end }}\n',
    "chart/templates/web.yaml": """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "web.name" . }}
  labels: {{- include "web.labels" . | nindent 4 }}
spec:
  replicas: {{ .Values.replicas }}
  template:
    spec:
      containers:
        - name: web
          image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
          {{- range $k, $v := .Values.env }}
          env: [{name: {{ $k }}, value: {{ $v | quote }}}]
          {{- end }}
          {{- with .Values.resources }}
          resources: {{ toYaml . | nindent 12 }}
          {{- end }}
{{ if .Values.ports }}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {ports: [{{ range .Values.ports }}{port: {{ . }}},{{ end }}]}
{{ end }}
""",
}
CHART_SEEDS: tuple[Texts, ...] = (
    _CHART,
    {name: text for name, text in _CHART.items() if "prod" not in name},
    {**_CHART, "chart/charts/sub/Chart.yaml": "apiVersion: v2\nname: sub\nversion: 0.1.0\n", "chart/charts/sub/templates/a.yaml": WEB,
    "chart/ci/a-values.yaml": "replicas: 2\n"},
    {**_CHART, "app.yaml": "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: web}\n"
        "spec: {source: {path: chart, helm: {values: 'replicas: 5', parameters: [{name: image.tag, value: x}]}}}\n"},
)  # fmt: skip


def make_kustomization(rng: random.Random, words: Sequence[str]) -> dict[str, Any]:
    """A kustomization with random fields over the resource beside it."""
    patch = json.dumps(
        [
            {
                "op": rng.choice(("add", "remove", "replace", "test", "move", "copy", "x")),
                "path": rng.choice(("/spec/replicas", "/metadata/labels/a~1b", "/spec/-", "", "/", "/a/0")),
                "value": random_value(rng, words),
            }
        ]
    )
    fields: dict[str, Any] = {
        "namespace": random_value(rng, words), "namePrefix": rng.choice(words), "nameSuffix": random_value(rng, words),
        "commonLabels": random_value(rng, words), "labels": [{"pairs": random_value(rng, words), "includeSelectors": True}],
        "commonAnnotations": {"a": random_value(rng, words)}, "images": [{"name": rng.choice(words), "newTag": random_value(rng, words)}],
        "replicas": [{"name": "web", "count": random_value(rng, words)}],
        "patches": [{"path": "patch.yaml"}, {"patch": patch, "target": {"kind": "Deployment", "name": rng.choice((".*", "web", "(", "a|b"))}}],
        "patchesStrategicMerge": random_value(rng, words),
        "configMapGenerator": [{"name": "c", "literals": ["a=b", random_value(rng, words)], "behavior": rng.choice(("merge", "create", "x"))}],
        "secretGenerator": [{"name": "s", "envs": [".env"]}],
        "replacements": [{"source": {"kind": "Deployment", "fieldPath": rng.choice(("metadata.name", "spec.[a=b].c", "..", "*"))},
        "targets": [{"select": {"kind": "Service"}, "fieldPaths": [random_value(rng, words)]}]}],
        "components": random_value(rng, words), "bases": ["."], "generatorOptions": random_value(rng, words), "vars": random_value(rng, words),
        "helmCharts": random_value(rng, words), "openapi": random_value(rng, words), "crds": random_value(rng, words),
    }  # fmt: skip
    chosen = rng.sample(sorted(fields), rng.choice((1, 2, 4, 8)))
    return {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": ["a.yaml"],
        **{name: fields[name] for name in chosen},
    }


def make_overlays(rng: random.Random, words: Sequence[str]) -> Texts:
    """A base with an overlay of random fields over it."""
    tree = dict(OVERLAY_SEEDS[rng.randrange(len(OVERLAY_SEEDS))])
    path = rng.choice([one for one in sorted(tree) if "kustomization" in one])
    fields = make_kustomization(rng, words)
    fields["resources"] = rng.choice((["a.yaml"], ["web.yaml"], ["../../base"], [".", "a.yaml"], random_value(rng, words)))
    tree[path] = YamlWriter(rng).document(fields)
    return tree


def make_chart(rng: random.Random, words: Sequence[str]) -> Texts:
    """A chart with random values, or with random actions in its template."""
    tree = dict(CHART_SEEDS[rng.randrange(len(CHART_SEEDS))])
    if rng.randrange(2):
        tree["chart/values.yaml"] = YamlWriter(rng).document(
            {one: random_value(rng, words) for one in ("image", "replicas", "env", "ports", "resources", *rng.sample(words, 2))}
        )
    else:
        action = expand(grammars.TEMPLATE, rng, words)
        lines = tree["chart/templates/web.yaml"].splitlines(keepends=True)
        lines.insert(rng.randrange(len(lines)), action + "\n")
        tree["chart/templates/web.yaml"] = "".join(lines)
    return tree
