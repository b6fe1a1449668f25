"""Charts: rendered for every environment, told at the template's lines, in a process that is held in check."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import readiness
from readiness.loading.render import chart_files, helm, lines, process
from readiness.loading.render.tree import ConfinedTree
from readiness.verdict.report import Report
from tests.effort import effort
from tests.make import write_files

needs_helm = pytest.mark.skipif(
    not helm.available_chart_renderer(),
    reason="needs the extra readiness[helm] or helm, and neither is installed",
)
CHART = {
    "Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n",
    "values.yaml": "image: example.com/shop\ntag: '1.2.3'\nprivileged: false\nnames: [web, api]\n",
    "templates/_helpers.tpl": '{{- define "shop.labels" -}}\napp: shop\n{{- end }}\n',
    "templates/NOTES.txt": "Thank you\n",
    "templates/deploy.yaml": """\
{{- range .Values.names }}

{{- if ne . "off" }}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ . }}
  labels:
    {{- include "shop.labels" $ | nindent 4 }}
spec:
  selector: {matchLabels: {app: {{ . }}}}
  template:
    metadata: {labels: {app: {{ . }}}}
    spec:
      containers:
        - name: main
          image: {{ $.Values.image }}:{{ $.Values.tag }}
          securityContext:
            privileged: {{ $.Values.privileged }}
{{- end }}
{{- end }}
""",
}


def check(root: Path, files: dict[str, str], select: str = "k8s/privileged", **more: object) -> Report:
    write_files(root / "shop", files)
    return readiness.check([root], select=[select], base=root, **more)


def said(report: Report) -> list[tuple[str, int, str, str]]:
    return [(finding.path, finding.line, finding.source.text[slice(*finding.span)], finding.message) for finding in report.findings]


@needs_helm
def test_default_values_that_are_right_give_nothing(tmp_path: Path) -> None:
    report = check(tmp_path, CHART)
    assert said(report) == []
    assert [(row.path, row.kind, row.status) for row in report.files if row.kind] == [("shop/templates/deploy.yaml", "helm", "checked")]


@needs_helm
def test_a_finding_stands_at_the_template_and_names_its_environment(tmp_path: Path) -> None:
    report = check(tmp_path, {**CHART, "values-prod.yaml": "privileged: true\nnames: [web]\n"})
    (found,) = said(report)
    assert found[:3] == ("shop/templates/deploy.yaml", 20, "{{ $.Values.privileged }}")
    assert found[3].endswith("(only with values-prod.yaml)")
    (other,) = report.findings[0].related
    assert (other.source.path, other.source.text[slice(*other.span)]) == (
        "shop/values-prod.yaml",
        "true",
    )
    assert report.to_dict()["findings"][0]["related"][0]["line"] == 1


@needs_helm
def test_what_all_environments_share_is_one_finding(tmp_path: Path) -> None:
    files = {
        **CHART,
        "values.yaml": CHART["values.yaml"].replace("false", "true"),
        "ci/small-values.yaml": "tag: x\n",
    }
    found = said(check(tmp_path, files))
    assert len(found) == 1  # the loop gives two, at one place and in the same words
    assert {one[:2] for one in found} == {("shop/templates/deploy.yaml", 20)}
    assert not any("only with" in one[3] for one in found)


@needs_helm
def test_values_can_be_given(tmp_path: Path) -> None:
    values = tmp_path / "mine.yaml"
    values.write_text("privileged: true\nnames: [web]\n")
    (found,) = said(check(tmp_path, CHART, helm_values=[values]))
    assert found[3].endswith("(only with mine.yaml)")


@needs_helm
def test_a_comment_in_a_template_silences(tmp_path: Path) -> None:
    line = "            privileged:"
    comment = "            # readiness: ignore[k8s/privileged] it needs the devices\n"
    text = CHART["templates/deploy.yaml"].replace(line, comment + line)
    files = {
        **CHART,
        "templates/deploy.yaml": text,
        "values.yaml": CHART["values.yaml"].replace("false", "true"),
    }
    report = check(tmp_path, files)
    assert report.open == ()
    assert len(report.suppressed) == 1


BAD = {
    "fails": ('{{ fail "give me a host" }}', "give me a host"),
    "unclosed": ("{{ if }}", "if"),
    "loops": ('{{- define "a" }}{{ include "a" . }}{{ end }}{{ include "a" . }}', ""),
    "forever": (
        "{{- range $i, $e := until 100000000 }}{{ range until 100000000 }}x{{ end }}{{ end }}",
        "",
    ),
}


@needs_helm
@pytest.mark.parametrize(("template", "words"), BAD.values(), ids=BAD)
def test_a_chart_that_fails_or_runs_away_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, template: str, words: str) -> None:
    monkeypatch.setattr(process, "MAX_PROCESSOR_SECONDS", 5)
    report = check(tmp_path, {**CHART, "templates/bad.yaml": template})
    (found,) = report.findings
    assert (found.rule, found.path) == ("core/not-rendered", "shop/Chart.yaml")
    assert words in found.message
    assert report.coverage.percent < 100


FIRST = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\n"
ABSENT_VALUES = {
    "made from a template": {"values.tmpl.yaml": "image: ${IMAGE}\ntag: 1\nnames: [web]\nprivileged: true\n"},
    "ignored": {".gitignore": "values.yaml\n"},
}


@needs_helm
@pytest.mark.parametrize("more", ABSENT_VALUES.values(), ids=ABSENT_VALUES)
@pytest.mark.parametrize("needs", ["{{ .Values.image.name }}", "a: b: {{ .Values.image }}"])
def test_a_chart_without_its_values_breaks_no_template(tmp_path: Path, needs: str, more: dict[str, str]) -> None:
    """What makes the values runs elsewhere: nothing renders, or what renders is not what is installed."""
    files = {"Chart.yaml": CHART["Chart.yaml"], "templates/map.yaml": f"{FIRST}data:\n  x: {needs}\n", **more}
    report = check(tmp_path, files)
    assert [(one.rule, one.path) for one in report.findings] == [("core/not-rendered", "shop/Chart.yaml")]
    (row,) = [row for row in report.files if row.path.endswith("map.yaml")]
    assert (row.status, row.cause) == ("skipped", "absent")
    assert row.reason.startswith("its values.yaml is not here")


@needs_helm
def test_a_template_that_breaks_with_its_values_is_broken(tmp_path: Path) -> None:
    report = check(tmp_path, {**CHART, "templates/map.yaml": f"{FIRST}data:\n  x: a: {{{{ .Values.image }}}}\n"})
    assert [(one.rule, one.path) for one in report.findings] == [("core/syntax", "shop/templates/map.yaml")]


LIGHTHOUSE = {
    "Chart.yaml": CHART["Chart.yaml"],
    "values.yaml": "lighthouse: {enabled: false}\n",
    "templates/web.yaml": ("apiVersion: v1\nkind: Service\nmetadata: {name: shop-web}\nspec: {selector: {app: web}, ports: [{port: 80}]}\n"),
    "templates/ingress.yaml": (
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: shop}\n"
        "spec: {defaultBackend: {service: {name: shop-lighthouse, port: {number: 80}}}}\n"
    ),
}
SWITCHED = (
    "{{- if .Values.lighthouse.enabled }}\napiVersion: v1\nkind: Service\nmetadata: {name: shop-lighthouse}\n"
    "spec: {selector: {app: lighthouse}, ports: [{port: 80}]}\n{{- end }}\n"
)


@needs_helm
@pytest.mark.parametrize(
    ("path", "want"),
    [
        ("templates/lighthouse-service.yaml", "low"),
        ("templates/lighthouse/all.yaml", "low"),
        ("templates/hpa.yaml", "medium"),
    ],
)
def test_a_route_to_a_component_that_is_off(tmp_path: Path, path: str, want: str) -> None:
    report = check(tmp_path, {**LIGHTHOUSE, path: SWITCHED}, "k8s/ingress-backend-unresolved")
    assert [finding.severity.name.lower() for finding in report.findings] == [want]


@needs_helm
@pytest.mark.skipif(sys.platform == "win32", reason="needs links")
def test_a_link_in_a_chart_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("privileged")
    template = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {x: {{ .Files.Get "link.txt" | quote }}}\n'
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "link.txt").symlink_to(tmp_path / "secret.txt")
    check(tmp_path, {**CHART, "templates/map.yaml": template})
    chart = tmp_path / "shop"
    contents = chart_files.read_chart(chart, "shop", ConfinedTree(tmp_path, tmp_path))
    made, _ = helm.render_chart(contents, helm.chart_environments(chart, []))
    assert not any("privileged" in one.text for one in made if one.path.endswith("map.yaml"))


@needs_helm
def test_a_module_in_a_chart_is_not_imported(tmp_path: Path) -> None:
    evil = f"open({str(tmp_path / 'ran')!r}, 'w')\n"
    check(tmp_path, {**CHART, "json.py": evil, "ctypes.py": evil, "sitecustomize.py": evil})
    assert not (tmp_path / "ran").exists()


def test_without_a_renderer_the_chart_counts_against_coverage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(helm, "available_chart_renderer", lambda: "")
    report = check(tmp_path, CHART)
    (row,) = [row for row in report.files if row.kind]
    assert (row.status, row.reason) == ("skipped", helm.REASON_NO_RENDERER)
    assert report.coverage.percent == 0


def test_marks_leave_actions_and_definitions_alone() -> None:
    text = '{{/* a\nb */}}\n{{- define "x" -}}\nq: 1\n{{- end }}\na: 1\n\n{{- if .x -}}\nb: 2\n{{- end }}'
    marked = lines.mark_lines(text).split("\n")
    assert [line.endswith("\ue001") for line in marked] == [
        False, False, False, False, True, True, False, False, True, True,
    ]  # fmt: skip


def test_without_marks_lines_are_found_by_their_words() -> None:
    template = "a: 1\n{{- range .x }}\nname: {{ . }}\n{{- end }}\nz: 2"
    assert lines.guess_template_line_indexes(template, "a: 1\nname: p\nname: q\nz: 2") == (0, 2, 2, 4)


POD = """\
apiVersion: v1
kind: Pod
metadata: {name: two}
spec:
  hostPID: true
  containers: [{name: two, image: "example.com/two:1.2.3"}]
"""
# What stands between two objects in a template: each renders to a separator with something glued to it.
GLUED = {
    "a comment": "---\n\n{{- if true -}}\n\n# the second\n",
    "a comment of its own": "---# the second\n",
    "the object": "---\n{{- if true }}{{ end }}",
    "a comment behind blanks": "--- \n{{- if true }}   # the second\n",
    "blanks": "---   \n",
    "the text before": '{{- "\\n---" }}\n',
    "nothing": "---\n",
}


@needs_helm
@pytest.mark.parametrize("between", GLUED.values(), ids=GLUED)
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_what_trimming_glues_to_a_separator_belongs_to_the_next_object(tmp_path: Path, between: str, ending: str) -> None:
    closing = "{{- end }}\n" if between.count("{{- if") > between.count("{{ end") else ""
    text = (FIRST + between + POD + closing).replace("\n", ending)
    report = check(tmp_path, {**CHART, "templates/two.yaml": text}, select="k8s/host-pid")
    line = text.split(ending).index("  hostPID: true") + 1
    assert said(report) == [
        (
            "shop/templates/two.yaml",
            line,
            "true",
            "Pod/two sets hostPID, so it sees every process of the node; no Service in the files sends it requests, metrics aside",
        )
    ]
    assert {row.status for row in report.files if row.kind} == {"checked"}


@needs_helm
def test_what_is_glued_to_a_separator_is_told_at_its_own_line(tmp_path: Path) -> None:
    ingress = "apiVersion: extensions/v1beta1\nkind: Ingress\nmetadata: {name: two}\n"
    text = f"{FIRST}---\n{{{{- if true }}}}{{{{ end }}}}{ingress}"
    report = check(tmp_path, {**CHART, "templates/two.yaml": text}, select="k8s/api-version-removed")
    assert [one[:3] for one in said(report)] == [("shop/templates/two.yaml", 5, "extensions/v1beta1")]


@needs_helm
def test_a_template_that_renders_to_no_yaml_is_no_file_that_was_checked(tmp_path: Path) -> None:
    files = {**CHART, "templates/two.yaml": "{{ if .Values.on }}" + FIRST + "{{ end }}a: b: c\n"}
    report = check(tmp_path, {**files, "values-on.yaml": "'on': true\n"})
    (found,) = report.findings
    assert (found.rule, found.path, found.line) == ("core/syntax", "shop/templates/two.yaml", 4)
    assert {row.path: row.status for row in report.files if row.kind} == {
        "shop/templates/deploy.yaml": "checked",
        "shop/templates/two.yaml": "invalid",
    }
    assert not report.gate.passed


MARKS = [
    "\ue0003\ue001",
    "\ue000999999\ue001",
    "\ue000" + "9" * 5000 + "\ue001",
    "\ue000\ue001",
    "\ue001\ue000",
    "\ue0001",
]


@needs_helm
@pytest.mark.parametrize("given", MARKS, ids=range(len(MARKS)))
@pytest.mark.parametrize("place", ["template", "values"])
def test_private_characters_of_a_chart_are_no_marks_of_ours(tmp_path: Path, given: str, place: str) -> None:
    shown = '"{{ .Values.note }}"' if place == "values" else f'"{given}"'
    text = POD.replace("{name: two}", f"{{name: two, annotations: {{note: {shown}}}}}")
    text = text.replace("  hostPID: true", f"  hostPID: true # {given}")
    values = CHART["values.yaml"] + f'note: "{given}"\n'
    files = {**CHART, "values.yaml": values, "templates/two.yaml": text}
    report = check(tmp_path, files, select="k8s/host-pid")
    assert [one[:3] for one in said(report)] == [("shop/templates/two.yaml", 5, "true")]


SPLIT = {
    "a: 1\n---\nb: 2\n": "a: 1\n---\nb: 2\n",
    "a: 1\n---# x\nb: 2": "a: 1\n---\n# x\nb: 2",
    "a: 1\n---b: 2": "a: 1\n---\nb: 2",
    "a: 1\n--- \t b: 2": "a: 1\n---\nb: 2",
    "a: 1\n---   \nb: 2": "a: 1\n---   \nb: 2",
    "\n  \n  ---\na: 1": "\n  \n---\na: 1",
    "  ---a: 1": "---\na: 1",
    "a: |\n  ---b\n  ---": "a: |\n  ---b\n  ---",
    "a: 1\n  ---b": "a: 1\n  ---b",
    "a: --- b": "a: --- b",
    "---": "---",
    "---\ue0001\ue001# x\ue0002\ue001": "---\ue0001\ue001\n# x\ue0002\ue001",
    "---\ue0001\ue001": "---\ue0001\ue001",
    "\ue0000\ue001\n---\ue0001\ue001": "\ue0000\ue001\n---\ue0001\ue001",
    "---\r\na: 1": "---\r\na: 1",
    "---- a": "---\n- a",
}


@pytest.mark.parametrize(("text", "expected"), SPLIT.items(), ids=range(len(SPLIT)))
def test_separators_stand_alone(text: str, expected: str) -> None:
    assert lines.with_separators_on_own_lines(text) == expected
    assert lines.with_separators_on_own_lines(expected) == expected


FORMS = {
    "a line as it stands": ("a: 1", "a: 1  ", True),
    "more behind it": ("a: 1", "a: 12", False),
    "an action at the end": ("name: {{ .x }}", "name: anything at all", True),
    "words around": ("{{ .a }}-{{ .b }}: x", "1-2: x", True),
    "in another order": ("a{{ .a }}b{{ .b }}c", "a c b", False),
    "the end is not there": ("a{{ .a }}c", "a b", False),
    "an action that is open": ("a {{ .x", "a {{ .x", True),
    "only an action": ("{{ .x }}", "a", False),
    "the last word twice": ("a{{ .x }}b", "a b b", True),
}


@pytest.mark.parametrize(("template", "line", "same"), FORMS.values(), ids=FORMS)
def test_a_template_line_gives_lines_with_its_words(template: str, line: str, same: bool) -> None:
    assert lines.guess_template_line_indexes(f"other\n{template}", line) == ((1,) if same else (0,))


def test_words_that_come_again_and_again_take_no_time() -> None:
    template = "{{ .x }}".join(["a"] * 9) + "b"
    assert effort(lambda: lines.guess_template_line_indexes(template, "a" * 20_000)) < 2000
