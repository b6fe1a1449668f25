"""Charts inside charts: by folder, archive, alias, condition and `file://`, and what of them is not here."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path

import pytest

import readiness
from readiness.loading.render import archive, capabilities, chart_files, helm
from readiness.loading.render.archive import ArchiveError, content_by_path_in_chart
from readiness.loading.render.tree import ConfinedTree
from readiness.model import Severity
from readiness.verdict.report import Report

pytestmark = pytest.mark.skipif(
    not helm.available_chart_renderer(),
    reason="needs the extra readiness[helm] or helm, and neither is installed",
)
ABOUT = "apiVersion: v2\nname: {}\nversion: 1.0.0\n"
POD = """\
apiVersion: v1
kind: Pod
metadata: {name: {{ .Release.Name }}-{{ .Chart.Name }}}
spec:
  containers:
    - name: main
      image: example.com/main:1.2.3
      securityContext:
        privileged: {{ .Values.privileged }}
"""
PART = {"Chart.yaml": ABOUT.format("part"), "values.yaml": "privileged: false\n", "templates/pod.yaml": POD}  # fmt: skip
MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n"


def write(root: Path, files: dict[str, str | bytes]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())


def below(folder: str, files: dict[str, str]) -> dict[str, str | bytes]:
    return {f"{folder}/{name}": text for name, text in files.items()}


def packed(files: dict[str, str], folder: str = "part") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as made:
        for name, text in files.items():
            member = tarfile.TarInfo(f"{folder}/{name}")
            member.size = len(text.encode())
            made.addfile(member, io.BytesIO(text.encode()))
    return out.getvalue()


def outer(*dependencies: str, **more: str) -> dict[str, str | bytes]:
    """A chart with the entries of its dependencies, each in flow form."""
    listed = "".join(f"  - {{{one}}}\n" for one in dependencies)
    about = ABOUT.format("shop") + (f"dependencies:\n{listed}" if listed else "")
    return {"shop/Chart.yaml": about, "shop/values.yaml": "", **more}


def check(root: Path, *files: dict[str, str | bytes], select: str = "k8s/privileged") -> Report:
    for one in files:
        write(root, one)
    return readiness.check([root], select=[select, "core/not-rendered"], base=root)


def told(report: Report) -> list[tuple[str, str, int]]:
    return [(one.rule, one.path, one.line) for one in report.findings]


def rows(report: Report) -> dict[str, tuple[str, str]]:
    return {row.path: (row.kind, row.status) for row in report.files}


DECLARED = "name: part, version: 1.0.0"
TEMPLATE = "shop/charts/{}/templates/pod.yaml"
# How a chart may be told its values: the entry of the dependency, the folder it stands in, and the values.
PLACES = {
    "declared": ((DECLARED,), "part", "part: {privileged: true}\n"),
    "not declared": ((), "part", "part: {privileged: true}\n"),
    "in a folder of another name": ((DECLARED,), "vendored-1", "part: {privileged: true}\n"),
    "by an alias": ((DECLARED + ", alias: main",), "part", "main: {privileged: true}\n"),
    "by the second of two aliases": (
        (DECLARED + ", alias: a", DECLARED + ", alias: b"),
        "part",
        "b: {privileged: true}\n",
    ),
    "by a condition that holds": (
        (DECLARED + ", condition: part.enabled",),
        "part",
        "part: {enabled: true, privileged: true}\n",
    ),
    "by global values": ((DECLARED,), "part", "part: {privileged: true}\nglobal: {x: 1}\n"),
}


@pytest.mark.parametrize(("entries", "folder", "values"), PLACES.values(), ids=PLACES)
def test_a_subchart_is_rendered_with_the_values_that_its_parent_gives(tmp_path: Path, entries: tuple[str, ...], folder: str, values: str) -> None:
    files = outer(*entries) | {"shop/values.yaml": values}
    report = check(tmp_path, files, below(f"shop/charts/{folder}", PART))
    assert told(report) == [("k8s/privileged", TEMPLATE.format(folder), 9)]
    (finding,) = report.findings
    (place,) = finding.related
    assert (place.source.path, place.source.text[slice(*place.span)]) == (
        "shop/values.yaml",
        "true",
    )
    assert rows(report)[TEMPLATE.format(folder)] == ("helm", "checked")


def test_a_subchart_that_is_switched_off_is_not_called_checked(tmp_path: Path) -> None:
    files = outer(DECLARED + ", condition: part.enabled") | {
        "shop/values.yaml": "part: {enabled: false, privileged: true}\n",
        "shop/templates/map.yaml": MAP,
    }
    report = check(tmp_path, files, below("shop/charts/part", PART))
    assert told(report) == []
    (row,) = [one for one in report.files if one.path == TEMPLATE.format("part")]
    assert (row.status, row.reason) == (
        "skipped",
        "no object comes of it with the values that are here",
    )
    assert report.coverage.unread_files == ()


def test_a_template_that_gives_nothing_is_not_called_checked(tmp_path: Path) -> None:
    template = "{{- if .Values.on }}\n" + MAP + "{{- end }}\n# nothing\n"
    report = check(tmp_path, outer(), {"shop/templates/a.yaml": template, "shop/templates/b.yaml": MAP})
    assert rows(report)["shop/templates/a.yaml"] == ("", "skipped")
    assert rows(report)["shop/templates/b.yaml"] == ("helm", "checked")


def test_a_packed_subchart_is_told_where_its_value_is_set(tmp_path: Path) -> None:
    files = outer(DECLARED) | {
        "shop/charts/part-1.0.0.tgz": packed(PART),
        "shop/values.yaml": "part:\n  privileged: true\n",
    }
    report = check(tmp_path, files)
    assert told(report) == [("k8s/privileged", "shop/values.yaml", 2)]
    (finding,) = report.findings
    assert [one.source.path for one in finding.related] == ["shop/charts/part-1.0.0.tgz/templates/pod.yaml"]
    assert rows(report)["shop/charts/part-1.0.0.tgz"] == ("helm", "checked")


def test_what_a_packed_template_writes_itself_is_told_in_the_archive(tmp_path: Path) -> None:
    part = PART | {"templates/pod.yaml": POD.replace("{{ .Values.privileged }}", "true")}
    report = check(tmp_path, outer(DECLARED) | {"shop/charts/part-1.0.0.tgz": packed(part)})
    assert told(report) == [("k8s/privileged", "shop/charts/part-1.0.0.tgz/templates/pod.yaml", 9)]


def test_archives_stand_inside_archives(tmp_path: Path) -> None:
    inner = {f"charts/part/{name}": text for name, text in PART.items()}
    middle = packed({"Chart.yaml": ABOUT.format("middle"), **inner}, "middle")
    files = outer("name: middle, version: 1.0.0") | {
        "shop/charts/middle-1.0.0.tgz": middle,
        "shop/values.yaml": "middle: {part: {privileged: true}}\n",
    }
    assert told(check(tmp_path, files)) == [("k8s/privileged", "shop/values.yaml", 1)]


def test_an_umbrella_chart_is_rendered(tmp_path: Path) -> None:
    files = outer(DECLARED) | {
        "shop/charts/part-1.0.0.tgz": packed(PART),
        "shop/values-prod.yaml": "part: {privileged: true}\n",
    }
    (finding,) = check(tmp_path, files).findings
    assert finding.path == "shop/values-prod.yaml"
    assert finding.message.endswith("(only with values-prod.yaml)")


@pytest.mark.parametrize("repository", ["https://charts.example.com", "oci://x.example.com/y", "@a", ""])
def test_an_absent_dependency_is_said_at_its_line(tmp_path: Path, repository: str) -> None:
    entry = f'{DECLARED}, repository: "{repository}"'
    report = check(tmp_path, outer(entry, **{"shop/templates/map.yaml": MAP}))
    assert told(report) == [("core/not-rendered", "shop/Chart.yaml", 5)]
    (finding,) = report.findings
    assert "part" in finding.message
    assert "`helm dependency build shop`" in finding.message
    assert report.verdict != "ready"
    assert report.coverage.percent < 100
    assert rows(report)["shop/templates/map.yaml"] == ("helm", "checked")


def test_an_absent_dependency_is_the_reason_of_a_chart_that_fails_without_it(
    tmp_path: Path,
) -> None:
    template = MAP.replace("settings", '{{ include "part.name" . }}')
    report = check(tmp_path, outer(DECLARED, **{"shop/templates/map.yaml": template}))
    assert told(report) == [("core/not-rendered", "shop/Chart.yaml", 5)]
    (row,) = [one for one in report.files if one.path == "shop/templates/map.yaml"]
    assert row.status == "skipped"
    assert "helm dependency build shop" in row.reason


def test_dependencies_of_an_old_chart_stand_in_a_file_of_their_own(tmp_path: Path) -> None:
    files = {
        "shop/Chart.yaml": "apiVersion: v1\nname: shop\nversion: 1.0.0\n",
        "shop/requirements.yaml": f"dependencies:\n  - {{{DECLARED}}}\n",
        "shop/templates/map.yaml": MAP,
    }
    assert told(check(tmp_path, files)) == [("core/not-rendered", "shop/requirements.yaml", 2)]


def test_a_local_dependency_is_taken_from_the_tree(tmp_path: Path) -> None:
    entry = f'{DECLARED}, repository: "file://../part"'
    files = outer(entry) | {"shop/values.yaml": "part: {privileged: true}\n"}
    report = check(tmp_path, files, below("part", PART))
    assert told(report) == [("k8s/privileged", "part/templates/pod.yaml", 9)]
    (finding,) = report.findings
    assert finding.message.endswith("(only with shop/values.yaml)")


def test_local_dependencies_bring_their_own(tmp_path: Path) -> None:
    middle = ABOUT.format("middle") + f'dependencies: [{{{DECLARED}, repository: "file://../part"}}]\n'
    files = outer('name: middle, version: 1.0.0, repository: "file://../middle"') | {
        "shop/values.yaml": "middle: {part: {privileged: true}}\n",
        "middle/Chart.yaml": middle,
    }
    report = check(tmp_path, files, below("part", PART))
    assert ("k8s/privileged", "part/templates/pod.yaml", 9) in told(report)


PUBLISHED = 'repository: "https://charts.example.net"'


@pytest.mark.parametrize("version", ["1.0.0", "1.0.*", "1.x.x", "^1.0.0", "~1.0", ">=1.0.0", "v1.0.0"])
def test_a_chart_of_the_same_repository_stands_for_the_published_one(tmp_path: Path, version: str) -> None:
    files = outer(f'name: part, version: "{version}", {PUBLISHED}') | {"shop/values.yaml": "part: {privileged: true}\n"}
    assert told(check(tmp_path, files, below("part", PART))) == [("k8s/privileged", "part/templates/pod.yaml", 9)]


@pytest.mark.parametrize(
    ("version", "folder", "name"),
    [("2.0.0", "part", "part"), ("0.9.*", "part", "part"), ("^2.1", "part", "part"), ("", "part", "part"), ("1.0.0", "part", "other"),
     ("1.0.0", "charts-of-others/part", "part")],
)  # fmt: skip
def test_another_chart_does_not(tmp_path: Path, version: str, folder: str, name: str) -> None:
    files = outer(f'name: part, version: "{version}", {PUBLISHED}', **{"shop/templates/map.yaml": MAP})
    report = check(tmp_path, files, below(folder, PART | {"Chart.yaml": ABOUT.format(name)}))
    (finding,) = [one for one in report.findings if one.rule == "core/not-rendered"]
    assert (finding.path, finding.severity) == ("shop/Chart.yaml", Severity.INFO)
    assert "dependency part" in finding.message


def test_the_name_of_a_dependency_leads_nowhere(tmp_path: Path) -> None:
    write(tmp_path / "outside", PART)
    files = outer(f'name: "../outside", version: 1.0.0, {PUBLISHED}', **{"shop/templates/map.yaml": MAP})
    assert told(check(tmp_path / "tree", files)) == [("core/not-rendered", "shop/Chart.yaml", 5)]


def test_what_does_not_render_at_all_stays_medium(tmp_path: Path) -> None:
    broken = check(tmp_path, outer(**{"shop/templates/map.yaml": MAP.replace("settings", "{{ .Values.a.b }}")}))
    assert [one.severity for one in broken.findings] == [Severity.MEDIUM]


@pytest.mark.parametrize("ask", ['{{ required "name it" .Values.name }}', '{{ fail "name it" }}'])
def test_a_chart_that_asks_for_values_says_what_was_not_checked(tmp_path: Path, ask: str) -> None:
    report = check(tmp_path, outer(**{"shop/templates/map.yaml": MAP.replace("settings", ask)}))
    assert [one.severity for one in report.findings] == [Severity.INFO]
    assert report.verdict != "ready"


@pytest.mark.parametrize("where", ["../nowhere", "../../outside", "/etc", "..", ".", "../empty", "../other"])
def test_a_local_dependency_that_cannot_be_taken_is_said(tmp_path: Path, where: str) -> None:
    write(tmp_path / "outside", PART)
    tree = tmp_path / "tree"
    other = {"tree-other/x": ""} | below("other", PART | {"Chart.yaml": ABOUT.format("another")})
    entry = f'{DECLARED}, repository: "file://{where}"'
    report = check(tree, outer(entry, **{"shop/templates/map.yaml": MAP}), other, {"empty/x": ""})
    assert told(report) == [("core/not-rendered", "shop/Chart.yaml", 5)]


def test_local_dependencies_in_a_circle_end(tmp_path: Path) -> None:
    one = ABOUT.format("one") + 'dependencies: [{name: two, version: 1.0.0, repository: "file://../two"}]\n'
    two = ABOUT.format("two") + 'dependencies: [{name: one, version: 1.0.0, repository: "file://../one"}]\n'
    report = check(tmp_path, {"one/Chart.yaml": one, "two/Chart.yaml": two, "two/templates/a.yaml": MAP})
    assert {one.rule for one in report.findings} == {"core/not-rendered"}


def test_what_a_chart_asks_for_fails_nothing_where_other_values_give_it(tmp_path: Path) -> None:
    template = MAP.replace("settings", '{{ required "name it" .Values.name }}')
    files = outer(**{"shop/templates/map.yaml": template})
    assert told(check(tmp_path, files)) == [("core/not-rendered", "shop/Chart.yaml", 1)]
    assert told(check(tmp_path, {"shop/values-prod.yaml": "name: shop\n"})) == []


HOSTILE = {
    "a path that leads up": [("part/../../x", b"")],
    "an absolute path": [("/x", b"")],
    "a path with a drive": [("C:/x", b"")],
    "backslashes": [("part\\..\\..\\x", b"")],
    "a long name": [(f"part/{'a' * 300}", b"")],
    "too many members": [(f"part/{number}", b"") for number in range(archive.MAX_FILES_PER_CHART + 1)],
    "too much": [("part/x", b"\0" * (archive.MAX_BYTES_PER_CHART + 1))],
}


def tar(members: list[tuple[str, bytes]]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", compresslevel=1) as made:
        for name, data in members:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            made.addfile(member, io.BytesIO(data))
    return out.getvalue()


@pytest.mark.parametrize("members", HOSTILE.values(), ids=HOSTILE)
def test_an_archive_that_is_no_honest_chart_is_refused(members: list[tuple[str, bytes]]) -> None:
    with pytest.raises(ArchiveError):
        content_by_path_in_chart(tar(members))


@pytest.mark.parametrize(
    "data", [b"", b"no archive", gzip.compress(b"no archive"), packed(PART)[:60]], ids=["nothing", "a word", "a packed word", "a part of one"]
)
def test_what_is_no_archive_is_refused(data: bytes) -> None:
    with pytest.raises(ArchiveError):
        content_by_path_in_chart(data)


@pytest.mark.parametrize("sort", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_of_an_archive_are_left_out(sort: bytes) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as made:
        member = tarfile.TarInfo("part/link")
        member.type, member.linkname = sort, "/etc/passwd"
        made.addfile(member)
    assert content_by_path_in_chart(out.getvalue()) == {}


def test_an_archive_that_cannot_be_read_breaks_its_chart(tmp_path: Path) -> None:
    files = outer(**{"shop/charts/part-1.0.0.tgz": b"no archive", "shop/templates/map.yaml": MAP})
    report = check(tmp_path, files)
    (finding,) = report.findings
    assert finding.rule == "core/not-rendered"
    assert "shop/charts/part-1.0.0.tgz" in finding.message
    assert rows(report)["shop/templates/map.yaml"] == ("helm", "skipped")


ASKED = {
    "an aggregated version": ("apiregistration.k8s.io/v1", True),
    "a kind of a version": ("policy/v1/PodDisruptionBudget", True),
    "the core version": ("v1", True),
    "a version that is gone": ("extensions/v1beta1", False),
    "a kind that is gone": ("batch/v1beta1/CronJob", False),
    "somebody's own": ("monitoring.coreos.com/v1", False),
}


@pytest.mark.parametrize(("version", "served"), ASKED.values(), ids=ASKED)
@pytest.mark.parametrize("quotes", ['"{}"', "`{}`", ' "{}" | not | not'])
def test_a_chart_is_told_what_the_newest_kubernetes_serves(tmp_path: Path, version: str, served: bool, quotes: str) -> None:
    asked = quotes.format(version)
    template = POD.replace("{{ .Values.privileged }}", f"{{{{ .Capabilities.APIVersions.Has {asked} }}}}")
    report = check(tmp_path, outer(**{"shop/templates/pod.yaml": template}))
    assert bool(report.findings) is served


def test_the_versions_that_are_asked_for_are_those_of_the_facts() -> None:
    assert "apps/v1/Deployment" in capabilities.served_api_versions_and_kinds()
    text = '{{ .Capabilities.APIVersions.Has "apps/v1" }} {{ .Has "extensions/v1beta1" }}'
    assert capabilities.replace_removed_api_versions(text) == text


def test_a_chart_that_is_a_repository_leaves_git_out(tmp_path: Path) -> None:
    write(tmp_path, {"Chart.yaml": ABOUT.format("shop"), "templates/map.yaml": MAP})
    write(tmp_path, {f".git/objects/{number}": "" for number in range(archive.MAX_FILES_PER_CHART + 1)})
    report = readiness.check([tmp_path], select=["core/not-rendered"], base=tmp_path)
    assert told(report) == []


@pytest.mark.parametrize("name", [".git", "files/.git", ".GIT/config", "files/.git/config", ".git./config"])
def test_no_template_is_given_what_is_version_controls(tmp_path: Path, name: str) -> None:
    """Be it the folder of a repository or the file of a work tree, in any case."""
    write(
        tmp_path, {"Chart.yaml": ABOUT.format("shop"), "templates/map.yaml": MAP, name: "gitdir: elsewhere\n", "files/.gitkeep": "", ".gitignore": ""}
    )
    taken = chart_files.read_chart(tmp_path, ".", ConfinedTree(tmp_path, tmp_path))
    assert {"Chart.yaml", "templates/map.yaml", "files/.gitkeep", ".gitignore"} == set(taken.content_by_path)


def test_a_member_of_an_archive_can_be_read_again(tmp_path: Path) -> None:
    inner = packed(PART)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as made:
        member = tarfile.TarInfo("middle/charts/part-1.0.0.tgz")
        member.size = len(inner)
        made.addfile(member, io.BytesIO(inner))
    write(tmp_path, {"charts/middle-1.0.0.tgz": out.getvalue(), "charts/x.tgz": b"x"})
    path = "charts/middle-1.0.0.tgz/charts/part-1.0.0.tgz/templates/pod.yaml"
    assert archive.archive_member_content(tmp_path, path) == POD.encode()
    for gone in ("charts/middle-1.0.0.tgz/x", "charts/x.tgz/x", "charts/y.tgz/x", "a/b"):
        assert archive.archive_member_content(tmp_path, gone) is None
