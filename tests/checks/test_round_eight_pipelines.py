"""What readers of the eighth round at first sight called wrong in pipelines, images and services, and neighbours that stay."""

from __future__ import annotations

from pathlib import Path

import pytest

import readiness
from readiness.facts.actions import effects_of_action
from readiness.kinds import detect_kind
from readiness.model import Severity
from tests.make import write_files

CI = ".github/workflows/ci.yml"


def severities_by_line(tmp_path: Path, files: dict[str, str], rule: str) -> dict[int, Severity]:
    """How bad what a rule says of a tree is, by line."""
    root = write_files(tmp_path, files)
    return {one.line: one.severity for one in readiness.check([root], base=root, select=[rule], purpose="production").findings if one.rule == rule}


OWNED = """on: push
permissions: {contents: write}
jobs:
  a:
    if: github.repository == 'acme/shop'
    runs-on: ubuntu-24.04
    steps:
      - uses: Jane/release@main
"""


@pytest.mark.parametrize(
    ("path", "owners", "severity"),
    [
        (".github/CODEOWNERS", "# owners\n* @JANE @joe\n", Severity.MEDIUM),
        ("CODEOWNERS", "/docs @joe\n*.go\t@jane # release\n", Severity.MEDIUM),
        ("CODEOWNERS", "* @joe # ask @jane first\n", Severity.HIGH),
        ("CODEOWNERS", "# @jane\n* @joe\n", Severity.HIGH),
        ("CODEOWNERS", "* @acme/jane jane@example.org\n", Severity.HIGH),
        ("CODEOWNERS", "* @jane-doe\n", Severity.HIGH),
        ("src/CODEOWNERS", "* @jane\n", Severity.HIGH),
    ],
)
def test_a_code_owner_may_push_already(tmp_path: Path, path: str, owners: str, severity: Severity) -> None:
    assert severities_by_line(tmp_path, {CI: OWNED, path: owners}, "ci/action-unpinned") == {8: severity}


@pytest.mark.parametrize(
    ("step", "severity"),
    [
        ("env: {FOSSA_API_KEY: 6b1d0f5a9c3e47280d9e4b7a1c2f8e35}\n        run: fossa analyze", Severity.MEDIUM),
        ("env: {CODECOV_TOKEN: 0d9e4b7a-1c2f-48e3-a56b-1d0f5a9c3e47}\n        run: codecov upload", Severity.MEDIUM),
        ("uses: coverallsapp/github-action@v2\n        with: {repo-token: 6b1d0f5a9c3e47280d9e4b7a1c2f8e35}", Severity.MEDIUM),
        ("uses: acme/upload@v2\n        with: {token: 6b1d0f5a9c3e47280d9e4b7a1c2f8e35}", Severity.MEDIUM),
        ("uses: codecov/codecov-action@v5\n        env: {DEPLOY_TOKEN: 6b1d0f5a9c3e47280d9e4b7a1c2f8e35}", Severity.MEDIUM),
        ("env: {CODECOV_API_TOKEN: 0d9e4b7a-1c2f-48e3-a56b-1d0f5a9c3e47}\n        run: make", Severity.MEDIUM),
    ],
)
def test_a_token_that_only_sends_reports_lets_nobody_in(tmp_path: Path, step: str, severity: Severity) -> None:
    workflow = f"on: push\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps:\n      - {step}\n"
    assert list(severities_by_line(tmp_path, {CI: workflow}, "ci/secret-inline").values()) == [severity]


@pytest.mark.parametrize(
    ("events", "told"),
    [
        ("on:\n  tags:\n    - '*'\n  push: {branches: [main]}\n", {"ci/event-unknown"}),
        ("on:\n  tag: {branch: main}\n", {"ci/event-unknown"}),
        ("on:\n  push: [main]\n", {"ci/workflow-value-invalid"}),
        ("on:\n  push: {branches: {a: b}}\n  tags: v1\n", {"ci/event-unknown", "ci/workflow-value-invalid"}),
    ],
)
def test_an_unknown_event_has_no_shape(tmp_path: Path, events: str, told: set[str]) -> None:
    root = write_files(tmp_path, {CI: f"{events}jobs: {{a: {{runs-on: ubuntu-24.04, steps: [{{run: make}}]}}}}\n"})
    rules = ["ci/event-unknown", "ci/workflow-value-invalid", "ci/workflow-key-unknown"]
    assert {one.rule for one in readiness.check([root], base=root, select=rules).findings} == told


BRANCHES = """FROM alpine:3.22
RUN apk add curl; \\
{{ if is_alpine then ( -}}
\tapk del curl
{{ ) else ( -}}
\tapt-mark auto '.*'; \\
\tapt-get purge -y curl
{{ ) end -}}
%s
"""


@pytest.mark.parametrize(
    ("path", "last", "lines"),
    [
        ("Dockerfile.template", 'CMD ["sh"]', []),
        ("Dockerfile.template", "USER 1000\nCMDD sh", [10]),
        ("Dockerfile", 'CMD ["sh"]', [4, 6]),
    ],
)
def test_branches_of_a_template_never_stand_in_one_file(tmp_path: Path, path: str, last: str, lines: list[int]) -> None:
    assert list(severities_by_line(tmp_path, {path: BRANCHES % last}, "dockerfile/instruction-invalid")) == lines


@pytest.mark.parametrize(("path", "lines"), [("Dockerfile.template", []), ("Dockerfile", [3])])
def test_an_instruction_of_each_branch_repeats_none(tmp_path: Path, path: str, lines: list[int]) -> None:
    text = 'FROM alpine:3.22\n{{ if fpm then ( -}}\nCMD ["fpm"]\n{{ ) else ( -}}\nCMD ["sh"]\n{{ ) end -}}\n'
    if path == "Dockerfile":
        text = "".join("#\n" if line.startswith("{{") else f"{line}\n" for line in text.splitlines())
    assert list(severities_by_line(tmp_path, {path: text}, "dockerfile/instruction-repeated")) == lines


GO = """package nginx

import "fmt"

func Conf() string {
\tfmt.Println("x")
\treturn `
server {
    listen 80;
    location / { proxy_pass http://a; }
}
`
}
"""


@pytest.mark.parametrize(
    ("path", "text", "kind"),
    [
        ("test/nginx/nginx.go", GO, ""),
        ("nginx.go", GO, ""),
        ("nginx/sites-enabled/example.rs", "server { listen 80; }\n", "nginx"),
        ("nginx/nginx.sh", "server { listen 80; location / { proxy_pass http://a; } }\n", "nginx"),
        ("nginx/nginx.conf", "server { listen 80; location / { proxy_pass http://a; }\n", "nginx"),
    ],
)
def test_a_program_is_no_configuration_for_its_name(path: str, text: str, kind: str) -> None:
    assert detect_kind(path, text) == kind


@pytest.mark.parametrize(
    ("right", "rule", "severity"),
    [
        ("user: '1000'\n    privileged: true", "compose/privileged", Severity.MEDIUM),
        ("user: ${UID:-1000}:${GID:-1000}\n    cap_add: [SYS_ADMIN]", "compose/capability-dangerous", Severity.MEDIUM),
        ("user: app\n    pid: host", "compose/host-processes", Severity.MEDIUM),
        ("user: app\n    devices: ['/dev/sda:/dev/sda']", "compose/device-host", Severity.MEDIUM),
        ("user: app\n    volumes: ['/etc:/host']", "compose/host-path-sensitive", Severity.MEDIUM),
        ("user: ${UID}\n    privileged: true", "compose/privileged", Severity.HIGH),
        ("user: ${UID:-0}\n    privileged: true", "compose/privileged", Severity.HIGH),
        ("user: '0:1000'\n    privileged: true", "compose/privileged", Severity.HIGH),
        ("user: '1000:disk'\n    devices: ['/dev/sda:/dev/sda']", "compose/device-host", Severity.HIGH),
        ("user: app\n    group_add: [disk]\n    devices: ['/dev/sda:/dev/sda']", "compose/device-host", Severity.HIGH),
        ("user: app\n    volumes: ['~/.ssh:/ssh']", "compose/host-path-sensitive", Severity.HIGH),
        ("user: app\n    volumes: ['/var/run/docker.sock:/var/run/docker.sock']", "compose/engine-socket", Severity.HIGH),
    ],
)
def test_only_root_in_a_container_uses_rights_over_the_host(tmp_path: Path, right: str, rule: str, severity: Severity) -> None:
    compose = f"services:\n  a:\n    image: registry.example.com/a:1.0\n    restart: always\n    ports: ['80:80']\n    {right}\n"
    assert list(severities_by_line(tmp_path, {"compose.yaml": compose}, rule).values()) == [severity]


@pytest.mark.parametrize(
    ("user", "entrypoint", "severity"),
    [("app", "", Severity.MEDIUM), ("root", "", Severity.HIGH), ("app", "\n    entrypoint: [sudo, /run]", Severity.HIGH)],
)
def test_the_user_of_a_built_image_counts(tmp_path: Path, user: str, entrypoint: str, severity: Severity) -> None:
    files = {
        "compose.yaml": f"services:\n  a:\n    build: .\n    restart: always\n    ports: ['80:80']\n    cap_add: [SYS_ADMIN]{entrypoint}\n",
        "Dockerfile": f'FROM debian:13\nUSER {user}\nCMD ["/run"]\n',
    }
    assert list(severities_by_line(tmp_path, files, "compose/capability-dangerous").values()) == [severity]


@pytest.mark.parametrize(("text", "severity"), [("# resources:\n# - a.yaml\n", Severity.MEDIUM), ("- a.yaml\n", Severity.HIGH)])
def test_a_kustomization_of_comments_was_switched_off(tmp_path: Path, text: str, severity: Severity) -> None:
    assert severities_by_line(tmp_path, {"config/a/kustomization.yaml": text}, "core/syntax") == {1: severity}


@pytest.mark.parametrize(
    ("profiles", "lines"),
    [("[none]", [6]), ("[Never, template]", [6]), ("[batch]", [2, 6]), ("[none, batch]", [2, 6]), ("[]", [2, 6])],
)
@pytest.mark.parametrize("rule", ["compose/restart-missing", "compose/limit-missing"])
def test_a_block_that_others_merge_is_never_started(tmp_path: Path, profiles: str, lines: list[int], rule: str) -> None:
    compose = (
        f"services:\n  base: &base\n    image: registry.example.com/a:1.0\n    profiles: {profiles}\n    ports: ['80:80']\n"
        "  web:\n    <<: *base\n    profiles: [web]\n"
    )
    assert list(severities_by_line(tmp_path, {"compose.yaml": compose}, rule)) == lines


@pytest.mark.parametrize(("named", "severity"), [(False, Severity.MEDIUM), (True, Severity.HIGH)])
@pytest.mark.parametrize(
    ("language", "snippet", "rule"),
    [
        ("nginx", "server {\n    listen 80;\n    server_name a.example.org\n    return 301 https://b.example.org;\n}", "nginx/semicolon-missing"),
        ("yaml", "on: push\njobs:\n  a:\n    runs-on: ubuntu-20.04\n    steps: [{run: make}]", "ci/runner-label-unknown"),
    ],
)
def test_a_snippet_in_a_document_is_a_sample(tmp_path: Path, named: bool, severity: Severity, language: str, snippet: str, rule: str) -> None:
    root = write_files(tmp_path, {"README.md": f"# Notes\n\n```{language}\n{snippet}\n```\n"})
    paths = [root / "README.md"] if named else [root]
    assert [one.severity for one in readiness.check(paths, base=root, select=[rule]).findings] == [severity]


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ('ARG VITE_AMPLITUDE_API_KEY=""\nENV VITE_AMPLITUDE_API_KEY=$VITE_AMPLITUDE_API_KEY', []),
        ("ARG REACT_APP_MAPS_TOKEN\nENV REACT_APP_MAPS_TOKEN=${REACT_APP_MAPS_TOKEN}", []),
        ("ARG VITE_CLIENT_SECRET", [2]),
        ("ARG API_KEY\nENV VITE_API_KEY=$API_KEY", [2, 3]),
        ("ARG AMPLITUDE_API_KEY", [2]),
    ],
)
def test_what_a_bundler_writes_into_pages_is_no_secret(tmp_path: Path, lines: str, told: list[int]) -> None:
    image = f'FROM node:22.12-slim\n{lines}\nRUN npm run build\nUSER 1000\nCMD ["node", "server.js"]\n'
    assert list(severities_by_line(tmp_path, {"Dockerfile": image}, "dockerfile/secret-argument")) == told


@pytest.mark.parametrize(
    ("start", "told"),
    [
        ('ENTRYPOINT ["/e.sh"]\nCMD ["jshell"]', []),
        ('CMD ["python3"]', []),
        ('ENTRYPOINT ["/e.sh"]\nCMD ["python3", "app.py"]', [1]),
        ('ENTRYPOINT ["/e.sh"]', [1]),
        ('EXPOSE 8080\nENTRYPOINT ["/e.sh"]\nCMD ["node"]', [1]),
    ],
)
def test_an_image_of_a_language_leaves_the_user_to_others(tmp_path: Path, start: str, told: list[int]) -> None:
    assert list(severities_by_line(tmp_path, {"Dockerfile": f"FROM debian:13.1\nCOPY e.sh /\n{start}\n"}, "dockerfile/user-missing")) == told


ACTOR = """permissions: {{contents: read}}
on: {}
jobs:
  a:
    runs-on: ubuntu-24.04
    if: github.actor == 'dependabot[bot]'
    steps: [{{run: make}}]
"""


@pytest.mark.parametrize(
    ("events", "told"),
    [
        ("{pull_request_target: {types: [opened]}}", 0),
        ("{pull_request_target: {types: opened}, push: }", 0),
        ("{pull_request_target: {types: [opened, synchronize]}}", 1),
        ("{pull_request_target: {types: [opened]}, issue_comment: }", 1),
        ("pull_request_target", 1),
    ],
)
def test_who_opens_a_pull_request_wrote_it(tmp_path: Path, events: str, told: int) -> None:
    assert len(severities_by_line(tmp_path, {CI: ACTOR.format(events)}, "ci/trusts-actor")) == told


@pytest.mark.parametrize(
    ("step", "severity"),
    [
        ("uses: actions/cache@v4\n        with: {path: a, key: 'v1-${{ matrix.none }}'}", Severity.LOW),
        ("uses: actions/cache@v4\n        with: {path: '${{ matrix.none }}', key: v1}", Severity.MEDIUM),
        ("uses: acme/deploy@v4\n        with: {key: '${{ matrix.none }}'}", Severity.MEDIUM),
    ],
)
def test_a_key_of_a_cache_is_one_without_a_part(tmp_path: Path, step: str, severity: Severity) -> None:
    workflow = f"on: push\njobs:\n  a:\n    strategy: {{matrix: {{os: [a]}}}}\n    runs-on: ubuntu-24.04\n    steps:\n      - {step}\n"
    assert list(severities_by_line(tmp_path, {CI: workflow}, "ci/expression-name-undefined").values()) == [severity]


@pytest.mark.parametrize(
    ("action", "makes_cluster"),
    [
        ("nolar/setup-k3d-k3s", True),
        ("acme/setup-kind", True),
        ("acme/action-k3s-helm", True),
        ("acme/kind-cluster", True),
        ("acme/deploy-k3s", False),
        ("acme/mankind-action", False),
        ("acme/label-kind-check", False),
    ],
)
def test_actions_that_make_a_cluster_by_their_names(action: str, makes_cluster: bool) -> None:
    assert ("cluster" in effects_of_action(action)) is makes_cluster
